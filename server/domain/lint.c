/* lint: builds an edition as the server would and looks over it. Problems of the building come first, then each room's own. */
#include "domain/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "domain/lab.h"
#include "domain/lab_params.h"
#include "domain/lint_inside.h"

struct lint { struct shelf *shelf; struct format *format; struct check_pool *pool; struct lint_images images; bool has_images; const char *exports; };

/* --- one lab ---------------------------------------------------------------------------------------------------------------------------------------------- */

#define TOP_FILES "lab.yaml words.yaml checks.lua cases.yaml README.md"
#define TOP_FOLDERS "steps setup starter solution cases"

static void stray(struct lint *lint, const char *folder, const char *name, const char *known) {
  const char *near = format_near(lint->format->arena, name, known);
  const char *path = arena_printf(lint->format->arena, "%s/%s", folder, name);
  if (near) format_say(lint->format, path, 0, "lint.file-unknown-near", "file", name, "near", near, NULL);
  else format_say(lint->format, path, 0, "lint.file-unknown", "file", name, "files", known, NULL);
}

static void lint_files(struct lint *lint, const struct lab_bench *bench) {
  for (size_t i = 0; i < bench->folder.count; i++)
    if (!strchr(bench->folder.files[i].name, '/') && !format_word_in(bench->folder.files[i].name, TOP_FILES)) stray(lint, bench->folder.path, bench->folder.files[i].name, TOP_FILES " " TOP_FOLDERS);
  char **names;
  size_t count;
  if (!file_list(lint->format->arena, bench->folder.path, true, false, &names, &count, NULL)) return;
  for (size_t i = 0; i < count; i++) if (names[i][0] != '.' && !format_word_in(names[i], TOP_FOLDERS)) stray(lint, bench->folder.path, names[i], TOP_FILES " " TOP_FOLDERS);
}

static bool graded(const struct lab *lab) { return lab->points > 0; }

static void lint_facts(struct lint *lint, const struct lab_bench *bench) {
  const struct lab *lab = &bench->lab;
  const char *file = arena_printf(lint->format->arena, "%s/lab.yaml", bench->folder.path);
  int64_t combinations = lab_params_combinations(lab);
  if (graded(lab) && combinations < LAB_PARAM_COMBINATIONS)
    format_say(lint->format, file, 0, "lint.combinations", "count", arena_printf(lint->format->arena, "%lld", (long long)combinations), "least", "200", NULL);
  const struct lab_hint *own = NULL;
  for (size_t i = 0; i < lab->hint_count; i++) if (!strcmp(lab->hints[i].key, "hints")) own = &lab->hints[i];
  if (graded(lab) && (!own || own->rungs != 3)) format_say(lint->format, file, 0, "lint.hints-three", "count", arena_printf(lint->format->arena, "%d", own ? own->rungs : 0), NULL);
  for (size_t i = 0; i < lab->param_count; i++) {
    const char *written = arena_printf(lint->format->arena, "${%s}", lab->params[i].name);
    bool used = false;
    for (size_t f = 0; f < bench->folder.count; f++) used |= strncmp(bench->folder.files[f].name, "lab.yaml", 8) && strstr(bench->folder.files[f].bytes, written);
    used |= strstr(lab->script.text, arena_printf(lint->format->arena, "p.%s", lab->params[i].name)) != NULL;
    if (!used) format_say(lint->format, file, format_line_of(folder_find(&bench->folder, "lab.yaml")->bytes, folder_find(&bench->folder, "lab.yaml")->length, lab->params[i].name), "lint.param-unused", "param", lab->params[i].name, NULL);
  }
}

static void lint_lab(struct lint *lint, struct lab_bench *bench) {
  lint_files(lint, bench);
  if (!bench->open) return;              /* what keeps it closed has been said; the rest would only follow from it */
  const struct folder_file *file = folder_find(&bench->folder, "words.yaml");
  const struct tree *words = file && file->doc_count ? file->docs[0] : NULL;
  lint_facts(lint, bench);
  lint_texts(lint->format, bench, words);
  lint_script(lint->format, bench, words, lint->exports);
  lint_objects(lint->format, bench, lint->has_images ? &lint->images : NULL);
  lint_quota(lint->format, bench);
  struct err err = {0};
  if (!folder_yaml(lint->format, lint->pool, &bench->folder, "cases.yaml", false, NULL, &err)) format_say(lint->format, bench->folder.path, 0, "lint.checker-away", NULL);
  const struct tree *cases = folder_doc(lint->format, &bench->folder, "cases.yaml", graded(&bench->lab));
  if (cases) lint_cases(lint->format, bench, cases);
}

/* --- modules and courses ------------------------------------------------------------------------------------------------------------------------------------- */

static void lint_module(struct lint *lint, struct module_bench *module) {
  const struct folder_file *en = folder_find(&module->folder, "page.en.md"), *ms = folder_find(&module->folder, "page.ms.md");
  if (en && ms) lint_fences(lint->format, en, ms);
  size_t count;
  const struct folder_file *figures = folder_part(&module->folder, "figures/", &count);
  for (size_t i = 0; i < count; i++)
    if ((en && !strstr(en->bytes, figures[i].name)) || (ms && !strstr(ms->bytes, figures[i].name))) format_say(lint->format, figures[i].path, 0, "lint.figure-unused", "figure", figures[i].name, NULL);
  for (size_t l = 0; l < module->lab_count; l++) {
    bool shown = true;
    if (en) shown &= strstr(en->bytes, module->labs[l]->folder.id) != NULL;
    if (ms) shown &= strstr(ms->bytes, module->labs[l]->folder.id) != NULL;
    if (!shown) format_say(lint->format, module->folder.path, 0, "lint.lab-unplaced", "lab", module->labs[l]->folder.id, NULL);
    lint_lab(lint, module->labs[l]);
  }
}

static bool covers(const struct tree *list, const char *slide) {
  TREE_EACH(item, list) if (item->type == TREE_STRING && !strcmp(item->text, slide)) return true;
  return false;
}

/* Taught nowhere: asked only of a course that says it is complete. */
static void lint_taught(struct lint *lint, const struct course_bench *course) {
  const char *file = arena_printf(lint->format->arena, "%s/course.yaml", course->folder.path);
  for (size_t s = 0; course->plan.complete && s < course->plan.slide_count; s++) {
    const char *slide = course->plan.slides[s];
    bool taught = false;
    for (size_t m = 0; m < course->module_count; m++) {
      const struct module_bench *module = course->modules[m];
      for (size_t c = 0; c < module->plan.cover_count; c++) taught |= !strcmp(module->plan.covers[c], slide);
      for (size_t l = 0; l < module->lab_count; l++) taught |= covers(tree_get(module->labs[l]->lab.meta, "covers"), slide);
    }
    if (!taught) format_say(lint->format, file, 0, "lint.untaught", "slide", slide, NULL);
  }
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------------------------------------ */

static int by_place(const void *a, const void *b) {
  const struct problem *x = a, *y = b;
  int file = strcmp(x->file, y->file);
  return file ? file : x->line != y->line ? (x->line > y->line) - (x->line < y->line) : strcmp(x->key, y->key);
}

static bool under(const char *file, const char *folder) {
  if (!folder) return true;
  size_t n = strlen(folder);
  while (n > 1 && folder[n - 1] == '/') n--;
  return !strncmp(file, folder, n) && (!file[n] || file[n] == '/');
}

static size_t copy_problems(struct arena *arena, const struct format *format, const char *only, struct problem *out) {
  size_t count = 0;
  for (size_t i = 0; i < format->count; i++) {
    const struct problem *problem = &format->list[i];
    if (!under(problem->file, only)) continue;
    out[count++] = (struct problem){arena_str(arena, problem->file), problem->line, arena_str(arena, problem->key), tree_copy(arena, problem->params), arena_str(arena, problem->text)};
  }
  qsort(out, count, sizeof *out, by_place);
  return count;
}

bool lint_run(const struct lint_spec *spec, struct arena *arena, const struct problem **out, size_t *out_count, size_t *out_looked, struct err *err) {
  struct lint lint = {.pool = spec->pool, .has_images = spec->images != NULL};
  if (spec->images && !lint_images_read(arena, spec->images, &lint.images, err)) return false;
  if (!shelf_build(spec->labs, spec->library, spec->words, spec->pool, &lint.shelf, err)) return false;
  lint.format = &lint.shelf->format;
  lint.exports = lint_exports(lint.shelf->arena, &lint.shelf->edition);
  TREE_EACH(entry, lint.shelf->library_words) {
    const char *en = tree_text(entry, "en"), *ms = tree_text(entry, "ms");
    if (en && ms) lint_pair(lint.format, arena_printf(lint.shelf->arena, "%s/words.yaml", spec->library), entry->key_at.line, entry->key, en, ms);
  }
  size_t looked = 0;
  for (size_t c = 0; c < lint.shelf->course_count; c++) {
    struct course_bench *course = lint.shelf->courses[c];
    for (size_t m = 0; m < course->module_count; m++) {
      lint_module(&lint, course->modules[m]);
      for (size_t l = 0; l < course->modules[m]->lab_count; l++) looked += under(course->modules[m]->labs[l]->folder.path, spec->only) || (spec->only && under(spec->only, course->modules[m]->labs[l]->folder.path));
    }
    lint_taught(&lint, course);
  }
  format_word(lint.format, lint.shelf->words, spec->lang);
  struct problem *list = arena_alloc(arena, (lint.format->count + 1) * sizeof *list);
  *out_count = copy_problems(arena, lint.format, spec->only, list);
  *out = list;
  *out_looked = looked;
  shelf_free(lint.shelf);
  return true;
}
