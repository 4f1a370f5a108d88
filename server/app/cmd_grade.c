/* cmd_grade: see the header. Checks that need a cluster end `unobserved` and leave both sums. JSON output is one object a line, in the order given. */
#include "app/cmd_grade.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "base/words.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/grading.h"
#include "domain/verdict.h"

static const char help[] =
  "usage: makmal grade LAB PATH... [options]\n\n"
  "Grades manifests against a lab's checks, without a server or a cluster. Each PATH is one\n"
  "submission: a file, a folder whose *.yaml, *.yml and *.json are its files, or - for standard input.\n"
  "Checks that look at a live namespace are left out and say so.\n\n"
  "  --seed TEXT        the lab's parameters drawn from this text, as `makmal prove` draws them\n"
  "  --params FILE      parameters from a YAML file (name: value)\n"
  "                     without either, the lab's example values are used, and a line says so\n"
  "  --format FORMAT    text (default) or json: one JSON object a line, in the order given\n"
  "  --lang LANGUAGE    en (default) or ms\n"
  "  --labs FOLDER      the course (MAKMAL_LABS)\n"
  "  --library FOLDER   the check library (MAKMAL_LIBRARY)\n"
  "  --help\n\n"
  "exit status: 0 everything passed, 1 something did not, 2 wrong use, 3 our own fault (then no score)\n";

struct grader {
  struct course_room room;
  const struct edition *edition;
  const struct lab *lab;
  struct tree *params;
  enum lang lang;
  bool json;
  int not_passed, faults;
};

static int wrong_use(const char *fmt, const char *what) {
  fprintf(stderr, "makmal grade: ");
  fprintf(stderr, fmt, what);
  fprintf(stderr, "; see makmal grade --help\n");
  return 2;
}

static bool is_manifest(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json"));
}

static bool read_stdin(struct arena *arena, struct check_file *out, struct err *err) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  char piece[16384];
  buf_init_arena(text, arena, CHECK_BYTES_MAX + 1);
  for (ssize_t n; (n = read(STDIN_FILENO, piece, sizeof piece)) > 0 && !text->over;) buf_add(text, piece, (size_t)n);
  *out = (struct check_file){"stdin.yaml", text->data ? text->data : "", text->len};
  if (!text->over && text->len <= CHECK_BYTES_MAX) return true;
  err_set(err, ERR_LIMIT, "files.large", "standard input");
  err_param(err, "size", "more than %d KiB", CHECK_BYTES_MAX / 1024);
  return err_param(err, "limit", "%d KiB", CHECK_BYTES_MAX / 1024);
}

static bool read_file(struct arena *arena, const char *path, const char *name, struct check_file *out, struct err *err) {
  char *text;
  out->name = arena_str(arena, name);
  if (!file_read(arena, path, CHECK_BYTES_MAX, &text, &out->length, err)) return false;
  out->bytes = text;
  return true;
}

/* The files of one submission. */
static bool collect(struct arena *arena, const char *path, struct check_file *out, size_t *out_count, struct err *err) {
  struct stat facts;
  *out_count = 1;
  if (!strcmp(path, "-")) return read_stdin(arena, &out[0], err);
  if (stat(path, &facts) != 0) {
    err_set(err, ERR_NOT_FOUND, "file.missing", "%s", path);
    return err_param(err, "file", "%s", path);
  }
  if (!S_ISDIR(facts.st_mode)) {
    const char *slash = strrchr(path, '/');
    return read_file(arena, path, slash ? slash + 1 : path, &out[0], err);
  }
  char **names;
  size_t count, n = 0, total = 0;
  if (!file_list(arena, path, false, true, &names, &count, err)) return false;
  for (size_t i = 0; i < count; i++) {
    if (!is_manifest(names[i])) continue;
    if (n == CHECK_FILES_MAX) {
      err_set(err, ERR_LIMIT, "files.many", "%s", path);
      err_param(err, "count", "more than %d", CHECK_FILES_MAX);
      return err_param(err, "limit", "%d", CHECK_FILES_MAX);
    }
    if (!read_file(arena, arena_printf(arena, "%s/%s", path, names[i]), names[i], &out[n], err)) return false;
    total += out[n++].length;
  }
  *out_count = n;
  if (total <= CHECK_BYTES_MAX) return true;
  err_set(err, ERR_LIMIT, "files.large", "%s", path);
  err_param(err, "size", "%zu KiB", (total + 1023) / 1024);
  return err_param(err, "limit", "%d KiB", CHECK_BYTES_MAX / 1024);
}

/* --- text ------------------------------------------------------------------------------------------------------------------------ */

static const char *mark(const char *outcome) {
  static const struct { const char *outcome, *mark; } marks[] = {{"pass", "✓"}, {"partial", "◐"}, {"fail", "✖"}, {"blocked", "⊘"}, {"pending", "◔"}, {"error", "⚠"}, {"unobserved", "–"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) if (!strcmp(marks[i].outcome, outcome)) return marks[i].mark;
  return "?";
}

static void print_finding(const struct tree *finding) {
  const struct tree *at = tree_get(finding, "at");
  const char *file = tree_text(at, "file");
  printf("      ");
  if (file) printf("%s:%d:%d: ", file, (int)tree_int(at, "line", 0), (int)tree_int(at, "col", 0));
  printf("%s\n", tree_text_or(finding, "text", ""));
  const char *want = tree_text(finding, "want_text"), *got = tree_text(finding, "got_text");
  if (want || got) printf("        %s%s%s%s%s\n", want ? "expected " : "", want ? want : "", want && got ? ", " : "", got ? "found " : "", got ? got : "");
}

static void print_text(const char *path, const struct tree *worded) {
  printf("%s: %s of %s points\n", path, tree_text_or(worded, "earned", "0"), tree_text_or(worded, "max", "0"));
  TREE_EACH(finding, tree_get(worded, "reading")) print_finding(finding);
  TREE_EACH(check, tree_get(worded, "checks")) {
    const char *outcome = tree_text_or(check, "outcome", "");
    printf("  %s %-10s %s", mark(outcome), outcome, tree_text_or(check, "title", ""));
    if (tree_text(check, "earned")) printf(" (%s of %s)", tree_text(check, "earned"), tree_text_or(check, "max", ""));
    printf("\n");
    if (tree_text(check, "error_text")) printf("      %s\n", tree_text(check, "error_text"));
    TREE_EACH(finding, tree_get(check, "findings")) print_finding(finding);
  }
  const struct tree *left_out = tree_get(worded, "left_out");
  if (left_out && left_out->count) {
    printf("  left out, for they need a cluster:");
    TREE_EACH(id, left_out) printf(" %s", id->text);
    printf("\n");
  }
}

static void print_json(struct arena *arena, const struct grader *grader, const char *path, const struct tree *verdict, const struct tree *worded) {
  const struct tree *body = tree_get(verdict, "body");
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "path", path);
  tree_put_text(arena, out, "lab", grader->lab->id);
  tree_put_text(arena, out, "lab_hash", tree_text_or(body, "lab_version", ""));
  tree_put(arena, out, "params", tree_copy(arena, grader->params));
  tree_put_text(arena, out, "state", tree_text_or(body, "state", ""));
  tree_put_text(arena, out, "points", tree_text_or(worded, "earned", "0"));
  tree_put_text(arena, out, "max", tree_text_or(worded, "max", "0"));
  tree_put(arena, out, "reading", tree_copy(arena, tree_get(worded, "reading")));
  const struct tree *checks = tree_get(worded, "checks"), *left_out = tree_get(body, "left_out");
  tree_put(arena, out, "checks", checks ? tree_copy(arena, checks) : tree_new(arena, TREE_LIST));
  tree_put(arena, out, "left_out", left_out ? tree_copy(arena, left_out) : tree_new(arena, TREE_LIST));
  struct buf line;
  buf_init(&line, 4u * 1024u * 1024u);
  tree_write_plain(&line, out);
  printf("%s\n", line.data);
  buf_release(&line);
}

static void fault_json(const char *path, const char *key, const char *text) {
  struct buf line;
  buf_init(&line, 65536);
  buf_str(&line, "{\"path\":");
  buf_json(&line, path);
  buf_str(&line, ",\"error\":{\"key\":");
  buf_json(&line, key);
  buf_str(&line, ",\"message\":");
  buf_json(&line, text);
  buf_str(&line, "}}");
  printf("%s\n", line.data);
  buf_release(&line);
}

static void grade_path(struct grader *grader, const char *path) {
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct check_file files[CHECK_FILES_MAX];
  struct tree *verdict = NULL;
  struct grade_input input = {.edition = grader->edition, .lab = grader->lab, .files = files, .params = grader->params, .scope = CHECK_SCOPE_FILES,
                              .namespace = tree_text_or(grader->params, "namespace", "lab")};
  if (!collect(arena, path, files, &input.file_count, &err) || !grade_once(grader->room.pool, arena, &input, &verdict, NULL, &err)) {
    const char *text = words_err(arena, grader->edition->words, grader->lang, &err);
    if (grader->json) fault_json(path, err.key, text);
    else fflush(stdout);
    fprintf(stderr, "makmal: %s: %s\n", path, text);
    if (err_code_exit(err.code) == 3) grader->faults++;
    else grader->not_passed++;
  } else {
    const struct tree *worded = verdict_worded(arena, verdict, grader->lab, grader->lang, 0, true);
    if (grader->json) print_json(arena, grader, path, verdict, worded);
    else print_text(path, worded);
    if (verdict_has(verdict, "error")) grader->faults++;
    else if (!verdict_all_passed(verdict)) grader->not_passed++;
  }
  arena_free(arena);
}

static bool params_from_file(struct grader *grader, struct arena *arena, const char *path, struct err *err) {
  char *text;
  size_t length;
  struct tree *docs = NULL, *reading = NULL;
  bool refused = false;
  if (!file_read(arena, path, 65536, &text, &length, err)) return false;
  struct check_file file = {path, text, length};
  struct check_read_job job = {.files = &file, .file_count = 1};
  if (!check_read(grader->room.pool, arena, &job, &docs, &reading, &refused, err)) return false;
  struct tree *first = docs ? tree_at_index(docs, 0) : NULL, *value = first ? tree_get(first, "value") : NULL;
  if (refused || !value || value->type != TREE_MAP) {
    err_set(err, ERR_INVALID, "params.unreadable", "%s", path);
    return err_param(err, "file", "%s", path);
  }
  for (size_t i = 0; i < grader->lab->param_count; i++)
    if (!tree_get(value, grader->lab->params[i].name)) {
      err_set(err, ERR_INVALID, "params.missing", "%s", path);
      err_param(err, "file", "%s", path);
      return err_param(err, "name", "%s", grader->lab->params[i].name);
    }
  grader->params = value;
  return true;
}

static bool find_params(struct grader *grader, struct arena *arena, const char *seed, const char *file, struct err *err) {
  unsigned char bytes[32];
  if (file) {
    if (!params_from_file(grader, arena, file, err)) return false;
  } else if (seed) {
    lab_seed_text(seed, bytes);
    grader->params = lab_params_draw(arena, grader->lab, bytes);
  } else {
    grader->params = grader->lab->examples ? tree_copy(arena, grader->lab->examples) : tree_new(arena, TREE_MAP);
    if (grader->lab->param_count) fprintf(stderr, "makmal: neither --seed nor --params: the lab's example values are used\n");
  }
  if (!tree_get(grader->params, "namespace")) tree_put_text(arena, grader->params, "namespace", "lab");
  return true;
}

int cmd_grade(int argc, char **argv) {
  static const struct option options[] = {{"seed", 1, 0, 's'}, {"params", 1, 0, 'p'}, {"format", 1, 0, 'f'}, {"lang", 1, 0, 'l'}, {"labs", 1, 0, 'L'},
                                          {"library", 1, 0, 'B'}, {"help", 0, 0, 'h'}, {0}};
  struct grader grader = {.lang = LANG_EN};
  const char *seed = NULL, *params = NULL;
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
      case 's': seed = optarg; break;
      case 'p': params = optarg; break;
      case 'f':
        if (strcmp(optarg, "text") != 0 && strcmp(optarg, "json") != 0) return wrong_use("--format is text or json, not '%s'", optarg);
        grader.json = !strcmp(optarg, "json");
        break;
      case 'l':
        if (!lang_parse(optarg, &grader.lang)) return wrong_use("--lang is en or ms, not '%s'", optarg);
        break;
      case 'L': grader.room.labs = optarg; break;
      case 'B': grader.room.library = optarg; break;
      case 'h': fputs(help, stdout); return 0;
      default: return wrong_use("no option is called '%s', or it wants a value", argv[optind - 1]);
    }
  if (argc - optind < 2) return wrong_use("%s", "a lab and at least one path are wanted");
  if (seed && params) return wrong_use("%s", "--seed and --params exclude each other");
  struct err err = {0};
  if (!course_room_open(&grader.room, &err)) return course_room_fail(NULL, &err);
  grader.edition = catalog_acquire(grader.room.catalog);
  grader.lab = edition_lab(grader.edition, argv[optind]);
  struct arena *arena = arena_new(0);
  int status = 0;
  if (!grader.lab) {
    status = wrong_use("no lab is called '%s' (a lab with a mistake is left out: makmal lint names it)", argv[optind]);
  } else if (!find_params(&grader, arena, seed, params, &err)) {
    course_room_fail(&grader.room, &err);
    status = 2;
  } else {
    for (int i = optind + 1; i < argc; i++) grade_path(&grader, argv[i]);
    status = grader.faults ? 3 : grader.not_passed ? 1 : 0;
  }
  arena_free(arena);
  catalog_release(grader.edition);
  course_room_close(&grader.room);
  return status;
}
