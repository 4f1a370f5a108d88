/* cmd_lint: see the header. Needs workers, no server, no cluster, no database; works as an ordinary user. */
#include "app/cmd_lint.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/words.h"
#include "check/check.h"
#include "domain/lint.h"

static const char help[] =
  "usage: makmal lint [FOLDER] [options]\n\n"
  "Looks over the course: every mistake in labs and modules on a line of its own, as\n"
  "file:line: what is wrong and what to do. FOLDER (a course, module or lab) leaves out all others.\n\n"
  "  --format FORMAT    text (default) or json: one object a line: file, line, key, params, text\n"
  "  --lang LANGUAGE    en (default) or ms\n"
  "  --labs FOLDER      the course (MAKMAL_LABS)\n"
  "  --library FOLDER   the check library (MAKMAL_LIBRARY)\n"
  "  --images FILE      what the embedded cluster serves (cluster/images/list)\n"
  "  --help\n\n"
  "exit status: 0 nothing to mend, 1 something to mend, 2 wrong use, 3 our own fault\n";

struct options { const char *labs, *library, *images, *folder; enum lang lang; bool json; };

static int wrong_use(const char *what) {
  fprintf(stderr, "makmal lint: %s; see makmal lint --help\n", what);
  return 2;
}

static int wrong_option(const char *given) {
  fprintf(stderr, "makmal lint: no option is called '%s', or it wants a value; see makmal lint --help\n", given);
  return 2;
}

/* -1: go on; else the exit status. */
static int take_options(int argc, char **argv, struct options *out) {
  static const struct option options[] = {{"format", required_argument, NULL, 'f'}, {"lang", required_argument, NULL, 'l'}, {"labs", required_argument, NULL, 'c'},
                                          {"library", required_argument, NULL, 'b'}, {"images", required_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {0}};
  optind = 1;
  opterr = 0;
  for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (o == 'h') {
      fputs(help, stdout);
      return 0;
    }
    if (o == '?') return wrong_option(argv[optind - 1]);
    if (o == 'f' && strcmp(optarg, "text") && strcmp(optarg, "json")) return wrong_use("--format is text or json");
    if (o == 'l' && !lang_parse(optarg, &out->lang)) return wrong_use("--lang is en or ms");
    if (o == 'f') out->json = !strcmp(optarg, "json");
    if (o == 'c') out->labs = optarg;
    if (o == 'b') out->library = optarg;
    if (o == 'i') out->images = optarg;
  }
  if (argc - optind > 1) return wrong_use("one folder at most");
  out->folder = optind < argc ? argv[optind] : NULL;
  return -1;
}

/* A folder as it was typed, as the loader names it: both made whole, then the course's own spelling before what lies under it. */
static bool folder_under(struct arena *arena, const char *labs, const char *typed, const char **out) {
  char *root = realpath(labs, NULL), *whole = realpath(typed, NULL);
  size_t n = root ? strlen(root) : 0;
  bool ok = root && whole && !strncmp(whole, root, n) && (whole[n] == '/' || !whole[n]);
  if (ok) *out = arena_printf(arena, "%s%s", labs, whole + n);
  free(root);
  free(whole);
  return ok;
}

/* A path as a terminal can follow it: without the folder we stand in. */
static const char *from_here(const char *path) {
  static char here[4096];
  if (!*here && !getcwd(here, sizeof here)) return path;
  size_t n = strlen(here);
  return !strncmp(path, here, n) && path[n] == '/' ? path + n + 1 : path;
}

static void print_problem(const struct problem *problem, bool json) {
  if (!json) {
    if (problem->line) printf("%s:%d: %s\n", from_here(problem->file), problem->line, problem->text);
    else printf("%s: %s\n", from_here(problem->file), problem->text);
    return;
  }
  struct buf out;
  buf_init(&out, 64 * 1024);
  buf_str(&out, "{\"file\":");
  buf_json(&out, problem->file);
  buf_printf(&out, ",\"line\":%d,\"key\":", problem->line);
  buf_json(&out, problem->key);
  buf_str(&out, ",\"params\":");
  tree_write(&out, problem->params);
  buf_str(&out, ",\"text\":");
  buf_json(&out, problem->text);
  buf_str(&out, "}");
  puts(out.data);
  buf_release(&out);
}

static int run(struct arena *arena, const struct options *options, struct check_pool *pool) {
  char labs[4096], library[4096], words[4096], images[4096];
  struct lint_spec spec = {.pool = pool, .lang = options->lang};
  spec.labs = course_room_folder(options->labs, "MAKMAL_LABS", "labs", labs);
  spec.library = course_room_folder(options->library, "MAKMAL_LIBRARY", "lua-checks", library);
  spec.words = course_room_folder(NULL, "MAKMAL_WORDS", "web/words", words);
  const char *list = course_room_folder(options->images, "MAKMAL_IMAGES", "cluster/images/list", images);
  if (options->images || file_exists(list)) spec.images = list;
  if (options->folder && !folder_under(arena, spec.labs, options->folder, &spec.only)) {
    fprintf(stderr, "makmal lint: %s is no folder under %s\n", options->folder, spec.labs);
    return 2;
  }
  const struct problem *problems;
  size_t count, looked;
  struct err err = {0};
  if (!lint_run(&spec, arena, &problems, &count, &looked, &err)) return course_room_fail(NULL, &err);
  for (size_t i = 0; i < count; i++) print_problem(&problems[i], options->json);
  if (!options->json) fprintf(stderr, "%zu to mend, %zu lab%s looked at\n", count, looked, looked == 1 ? "" : "s");
  return count ? 1 : 0;
}

int cmd_lint(int argc, char **argv) {
  struct options options = {0};
  int early = take_options(argc, argv, &options);
  if (early >= 0) return early;
  struct err err = {0};
  if (!secret_init() || !markdown_init()) return 3;
  struct check_pool *pool = check_pool_open(course_room_worker(), 1, &err);
  if (!pool) return course_room_fail(NULL, &err);
  struct arena *arena = arena_new(0);
  int status = run(arena, &options, pool);
  arena_free(arena);
  check_pool_close(pool);
  return status;
}
