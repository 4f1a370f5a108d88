/* An edition made by hand, in place of a catalogue with its checkers: one course, one module with two questions, two labs. Include once per program. */
#ifndef MAKMAL_TESTS_ONE_EDITION_H
#define MAKMAL_TESTS_ONE_EDITION_H
#include <string.h>

#include "domain/catalog.h"

static struct lab_step lab_steps_of[] = {{.id = "mend", .title = {"Mend", "Baiki"}}, {.id = "prove", .title = {"Prove", "Bukti"}}};
static struct lab_check lab_checks_of[] = {
  {.id = "selector", .step = "mend", .points = 3, .on = CHECK_SCOPE_FILES}, {.id = "endpoints", .step = "mend", .points = 4, .on = CHECK_SCOPE_LIVE},
  {.id = "answers", .step = "prove", .points = 3, .on = CHECK_SCOPE_LIVE},
};
static struct lab_hint lab_hints_of[] = {
  {.key = "hints", .rungs = 3, .rung = {{1, 0, {"look ${n}", "lihat ${n}"}}, {2, 5, {"idea", "idea-ms"}}, {0, 10, {"line", "baris"}}}},
  {.key = "path.missing", .rungs = 1, .rung = {{0, 0, {"free", "bebas"}}}},
};
static struct lab mend = {.id = "mend", .module = "services", .course = "k", .title = {"Mend it", "Baikinya"}, .minutes = 15, .points = 10, .steps = lab_steps_of, .step_count = 2,
                          .checks = lab_checks_of, .check_count = 3, .hints = lab_hints_of, .hint_count = 2};
static struct lab last = {.id = "last", .module = "services", .course = "k", .title = {"Last", "Akhir"}, .minutes = 5, .points = 10, .steps = lab_steps_of, .step_count = 2,
                          .checks = lab_checks_of, .check_count = 3, .keep_last = true};
static const struct lab *const both_labs[] = {&mend, &last};
static struct quiz_answer answers_of[] = {{.text = {"no", "tidak"}, .betrays = {"because", "kerana"}}, {.right = true, .text = {"yes", "ya"}}};
static struct quiz_item items_of[] = {{.id = "q1", .text = {"?", "?"}, .answers = answers_of, .answer_count = 2}, {.id = "q2", .text = {"?", "?"}, .answers = answers_of, .answer_count = 2}};
static struct module services = {.id = "services", .course = "k", .number = 1, .title = {"Services", "Service"}, .minutes = 30, .quiz = items_of, .quiz_count = 2,
                                 .labs = (const struct lab **)both_labs, .lab_count = 2};
static const struct module *const modules_of[] = {&services};
static struct course course_k = {.id = "k", .title = {"K", "K"}, .summary = {"s", "r"}, .modules = (const struct module **)modules_of, .module_count = 1};
static const struct course *const courses_of[] = {&course_k};
static const struct edition one_edition = {.courses = (const struct course **)courses_of, .course_count = 1};

const struct edition *catalog_acquire(struct catalog *catalog) {
  (void)catalog;
  return &one_edition;
}
void catalog_release(const struct edition *edition) { (void)edition; }
const struct module *edition_module(const struct edition *edition, const char *id) {
  (void)edition;
  return strcmp(id, "services") ? NULL : &services;
}
const struct lab *edition_lab(const struct edition *edition, const char *id) {
  (void)edition;
  return !strcmp(id, "mend") ? &mend : !strcmp(id, "last") ? &last : NULL;
}
const struct lab *edition_lab_of(const struct edition *edition, const char *id, const char *version, struct err *err) {
  (void)version, (void)err;
  return edition_lab(edition, id);
}
#endif
