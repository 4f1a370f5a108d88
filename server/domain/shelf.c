/* shelf: walks the folders and puts an edition together. One arena for all of it; on one thread until it is done, read-only afterwards. */
#include "domain/shelf.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/kept.h"
#include "domain/lab.h"

#define WORDS_FILE_MAX (1024u * 1024u)
#define COURSES_MAX 64
#define MODULES_MAX 128
#define LABS_MAX 256

/* --- words and library --------------------------------------------------------------------------------------------------------------------------------- */

static bool ends(const char *name, const char *tail) {
  size_t n = strlen(name), t = strlen(tail);
  return n > t && !strcmp(name + n - t, tail);
}

/* Each entry by itself, so that a bad one costs only itself. */
static void add_words(struct shelf *shelf, const char *file, const struct tree *entries) {
  TREE_EACH(entry, entries) {
    if (entry->type != TREE_MAP || (!tree_get(entry, "en") && !tree_get(entry, "ms"))) continue;      /* hints alone */
    for (int lang = 0; lang < LANG_COUNT; lang++)
      if (!tree_get(entry, lang_code((enum lang)lang)))
        format_say(&shelf->format, file, entry->key_at.line, "lint.language", "field", entry->key, "language", lang_code((enum lang)lang), NULL);
    struct tree *one = tree_new(shelf->arena, TREE_MAP);
    tree_put(shelf->arena, one, entry->key, tree_copy(shelf->arena, entry));
    struct err err;
    if (!words_add_pairs(shelf->words, one, &err)) format_say(&shelf->format, file, entry->key_at.line, "lint.word-text", "name", entry->key, NULL);
  }
}

static bool load_words(struct shelf *shelf, const char *folder, struct err *err) {
  char **names;
  size_t count, good = 0;
  if (!file_list(shelf->arena, folder, false, true, &names, &count, err)) return false;
  for (size_t i = 0; i < count; i++) {
    if (!ends(names[i], ".json")) continue;
    const char *path = arena_printf(shelf->arena, "%s/%s", folder, names[i]);
    char *text;
    size_t length;
    struct tree *entries;
    struct err why = {0};
    if (!file_read(shelf->arena, path, WORDS_FILE_MAX, &text, &length, &why) || !tree_parse(shelf->arena, text, length, 0, &entries, &why)) {
      format_say(&shelf->format, path, why.params ? atoi(why.param[0].value) : 0, "lint.words-json", "why", arena_str(shelf->arena, why.key), NULL);
      continue;
    }
    add_words(shelf, path, entries);
    good++;
  }
  if (good) return true;
  err_set(err, ERR_NOT_FOUND, "catalog.words", "no words under %s", folder);
  return err_param(err, "folder", "%s", folder);
}

static bool load_library(struct shelf *shelf, const char *path, struct check_pool *pool, struct err *err) {
  struct folder folder;
  folder_load(&shelf->format, path, "lib", &folder);
  size_t count;
  const struct folder_file *files = folder_part(&folder, "lib/", &count);
  struct check_source *sources = arena_alloc(shelf->arena, (count + 1) * sizeof *sources);
  struct secret_hash hash;
  secret_hash_begin(&hash);
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (!ends(files[i].name, ".lua")) continue;
    struct check_source *source = &sources[n++];
    *source = (struct check_source){.name = files[i].name + strlen("lib/"), .text = files[i].bytes, .length = files[i].length};
    secret_sha256_hex(source->text, source->length, source->sha256);
    secret_hash_add(&hash, source->name, strlen(source->name) + 1);
    secret_hash_add(&hash, source->sha256, 64);
  }
  secret_hash_end_hex(&hash, shelf->edition.library_sha256);
  if (!n) {
    err_set(err, ERR_NOT_FOUND, "catalog.library", "no library under %s", path);
    return err_param(err, "folder", "%s", path);
  }
  shelf->edition.library = sources;
  shelf->edition.library_count = n;
  if (!folder_yaml(&shelf->format, pool, &folder, "words.yaml", false, NULL, err)) return false;
  shelf->library_words = folder_doc(&shelf->format, &folder, "words.yaml", true);
  if (shelf->library_words) add_words(shelf, arena_printf(shelf->arena, "%s/words.yaml", path), shelf->library_words);
  return true;
}

/* --- one lab --------------------------------------------------------------------------------------------------------------------------------------------- */

static bool list_checks(struct shelf *shelf, struct check_pool *pool, struct lab_bench *bench, struct tree **out) {
  struct err err = {0};
  if (check_list(pool, shelf->arena, shelf->edition.library, shelf->edition.library_count, &bench->lab.script, out, &err)) return true;
  struct tree *params = tree_new(shelf->arena, TREE_MAP);
  int line = 0;
  for (int i = 0; i < err.params; i++) {
    tree_set(shelf->arena, params, err.param[i].name, tree_string(shelf->arena, err.param[i].value));
    if (!strcmp(err.param[i].name, "line")) line = atoi(err.param[i].value);
  }
  format_say_params(&shelf->format, arena_printf(shelf->arena, "%s/checks.lua", bench->folder.path), line, arena_str(shelf->arena, err.key), params);
  return false;
}

static bool yaml_or_say(struct shelf *shelf, struct check_pool *pool, struct folder *folder, const char *prefixes, bool objects, const struct tree *params) {
  size_t before = shelf->format.count;
  struct err err = {0};
  if (folder_yaml(&shelf->format, pool, folder, prefixes, objects, params, &err)) return shelf->format.count == before;
  format_say(&shelf->format, folder->path, 0, "lint.checker-away", NULL);
  return false;
}

/* The solution is read as it will be handed in: a person's text, with the parameters filled in as text. */
static bool read_solution(struct shelf *shelf, struct check_pool *pool, struct lab_bench *bench) {
  struct folder *folder = &bench->folder, filled = *folder;
  filled.files = arena_dup(shelf->arena, folder->files, folder->count * sizeof *folder->files);
  for (size_t i = 0; i < folder->count; i++)
    if (!strncmp(folder->files[i].name, "solution/", 9))
      filled.files[i].bytes = lab_fill(shelf->arena, folder->files[i].bytes, folder->files[i].length, bench->lab.examples, &filled.files[i].length);
  bool ok = yaml_or_say(shelf, pool, &filled, "solution/", true, NULL);
  for (size_t i = 0; i < folder->count; i++) {
    folder->files[i].docs = filled.files[i].docs;
    folder->files[i].doc_count = filled.files[i].doc_count;
    folder->files[i].refused = filled.files[i].refused;
  }
  return ok;
}

/* An object of set-up or solution that came out empty is a mistake too: nothing would be applied. */
static bool check_objects(struct shelf *shelf, const struct folder *folder) {
  bool ok = true;
  for (size_t i = 0; i < folder->count; i++) {
    const struct folder_file *file = &folder->files[i];
    if ((strncmp(file->name, "setup/", 6) && strncmp(file->name, "solution/", 9)) || file->doc_count || file->refused) continue;
    format_say(&shelf->format, file->path, 0, "lint.file-empty", NULL);
    ok = false;
  }
  return ok;
}

void shelf_open_lab(struct shelf *shelf, struct check_pool *pool, const struct module_bench *module, struct lab_bench *bench) {
  struct format *format = &shelf->format;
  bool ok = yaml_or_say(shelf, pool, &bench->folder, "lab.yaml words.yaml", false, NULL);
  if (!lab_decode(format, &bench->folder, module->plan.module.course, module->plan.module.id, &bench->lab)) ok = false;
  if (!bench->lab.meta) return;                        /* no lab.yaml to go by: the rest would only be noise */
  ok &= yaml_or_say(shelf, pool, &bench->folder, "setup/", true, bench->lab.examples);
  ok &= read_solution(shelf, pool, bench);
  ok &= check_objects(shelf, &bench->folder);
  ok &= lab_steps(format, &bench->folder, shelf->words, &bench->lab);
  struct tree *declared = NULL;
  bool listed = bench->lab.script.text && list_checks(shelf, pool, bench, &declared);
  if (listed) {
    ok &= lab_checks(format, &bench->folder, declared, &bench->lab);
    ok &= lab_words(format, &bench->folder, shelf->words, &bench->lab);
  }
  bench->open = ok && listed;
}

/* --- modules and courses ---------------------------------------------------------------------------------------------------------------------------------- */

static struct lab_bench *lab_taken(const struct shelf *shelf, const char *id) {
  for (size_t c = 0; c < shelf->course_count; c++)
    for (size_t m = 0; m < shelf->courses[c]->module_count; m++)
      for (size_t l = 0; l < shelf->courses[c]->modules[m]->lab_count; l++)
        if (!strcmp(shelf->courses[c]->modules[m]->labs[l]->folder.id, id)) return shelf->courses[c]->modules[m]->labs[l];
  return NULL;
}

static bool module_taken(const struct shelf *shelf, const char *id) {
  for (size_t c = 0; c < shelf->course_count; c++)
    for (size_t m = 0; m < shelf->courses[c]->module_count; m++) if (!strcmp(shelf->courses[c]->modules[m]->folder.id, id)) return true;
  return false;
}

/* Sub-folders that hold `file` and that nobody names: most often a lab that was forgotten in module.yaml. */
static void say_unlisted(struct shelf *shelf, const struct folder *folder, const char *file, const char *key, const char *const *listed, size_t count) {
  char **names;
  size_t n;
  if (!file_list(shelf->arena, folder->path, true, false, &names, &n, NULL)) return;
  for (size_t i = 0; i < n; i++) {
    bool known = names[i][0] == '_' || names[i][0] == '.';
    for (size_t k = 0; k < count; k++) known |= !strcmp(names[i], listed[k]);
    const char *path = arena_printf(shelf->arena, "%s/%s", folder->path, names[i]);
    if (!known && file_exists(arena_printf(shelf->arena, "%s/%s", path, file))) format_say(&shelf->format, path, 0, key, "name", names[i], NULL);
  }
}

static void build_labs(struct shelf *shelf, struct check_pool *pool, struct module_bench *module) {
  const struct module_plan *plan = &module->plan;
  module->labs = arena_alloc(shelf->arena, (plan->lab_count + 1) * sizeof *module->labs);
  const char **listed = arena_alloc(shelf->arena, (plan->lab_count + 1) * sizeof *listed);
  const char *file = arena_printf(shelf->arena, "%s/module.yaml", module->folder.path);
  for (size_t i = 0; i < plan->lab_count; i++) {
    const char *path = arena_printf(shelf->arena, "%s/%s", module->folder.path, plan->labs[i].id);
    listed[i] = plan->labs[i].id;
    if (lab_taken(shelf, plan->labs[i].id)) {
      format_say(&shelf->format, file, 0, "lint.id-taken", "id", plan->labs[i].id, NULL);
      continue;
    }
    if (!format_id(plan->labs[i].id) || !file_exists(path)) {
      format_say(&shelf->format, file, 0, "lint.lab-missing", "lab", plan->labs[i].id, NULL);
      continue;
    }
    struct lab_bench *bench = arena_alloc(shelf->arena, sizeof *bench);
    *bench = (struct lab_bench){.folder = {.path = path, .id = plan->labs[i].id}, .was = plan->labs[i].was, .was_count = plan->labs[i].was_count};
    bool read = folder_load(&shelf->format, bench->folder.path, LAB_FOLDERS, &bench->folder);
    shelf_open_lab(shelf, pool, module, bench);
    bench->open = bench->open && read;
    module->labs[module->lab_count++] = bench;
  }
  say_unlisted(shelf, &module->folder, "lab.yaml", "lint.lab-unlisted", listed, plan->lab_count);
}

static void build_module(struct shelf *shelf, struct check_pool *pool, const struct course_bench *course, struct module_bench *module) {
  struct format *format = &shelf->format;
  bool ok = folder_load(format, module->folder.path, MODULE_FOLDERS, &module->folder);
  ok &= yaml_or_say(shelf, pool, &module->folder, "module.yaml quiz.yaml", false, NULL);
  ok &= module_decode(format, &module->folder, course->plan.course.id, &module->plan);
  if (!module->plan.module.id) return;
  build_labs(shelf, pool, module);
  struct module *made = &module->plan.module;
  made->labs = arena_alloc(shelf->arena, (module->lab_count + 1) * sizeof *made->labs);
  for (size_t i = 0; i < module->lab_count; i++) if (module->labs[i]->open) made->labs[made->lab_count++] = &module->labs[i]->lab;
  ok &= module_page(format, &module->folder, shelf->words, &module->plan);
  module->open = ok;
}

static void build_modules(struct shelf *shelf, struct check_pool *pool, struct course_bench *course) {
  const struct course_plan *plan = &course->plan;
  const char *file = arena_printf(shelf->arena, "%s/course.yaml", course->folder.path);
  course->modules = arena_alloc(shelf->arena, (plan->module_count + 1) * sizeof *course->modules);
  const struct module **open = arena_alloc(shelf->arena, (plan->module_count + 1) * sizeof *open);
  course->plan.course.modules = open;
  for (size_t i = 0; i < plan->module_count; i++) {
    const char *path = arena_printf(shelf->arena, "%s/%s", course->folder.path, plan->modules[i]);
    if (!format_id(plan->modules[i]) || !file_exists(path)) {
      format_say(&shelf->format, file, 0, "lint.module-missing", "module", plan->modules[i], NULL);
      continue;
    }
    if (module_taken(shelf, plan->modules[i])) {
      format_say(&shelf->format, file, 0, "lint.id-taken", "id", plan->modules[i], NULL);
      continue;
    }
    struct module_bench *module = arena_alloc(shelf->arena, sizeof *module);
    module->folder = (struct folder){.path = path, .id = plan->modules[i]};
    build_module(shelf, pool, course, module);
    course->modules[course->module_count++] = module;
    if (!module->open) continue;
    module->plan.module.number = (int)i + 1;
    open[course->plan.course.module_count++] = &module->plan.module;
  }
  say_unlisted(shelf, &course->folder, "module.yaml", "lint.module-unlisted", plan->modules, plan->module_count);
}

static void build_courses(struct shelf *shelf, const char *labs, struct check_pool *pool) {
  char **names;
  size_t count;
  struct err err = {0};
  if (!file_list(shelf->arena, labs, true, false, &names, &count, &err)) {
    format_say(&shelf->format, arena_str(shelf->arena, labs), 0, "lint.folder-unreadable", NULL);
    return;
  }
  shelf->courses = arena_alloc(shelf->arena, (count + 1) * sizeof *shelf->courses);
  const struct course **open = arena_alloc(shelf->arena, (count + 1) * sizeof *open);
  shelf->edition.courses = open;
  for (size_t i = 0; i < count; i++) {
    if (names[i][0] == '_' || names[i][0] == '.') continue;
    struct course_bench *course = arena_alloc(shelf->arena, sizeof *course);
    bool ok = folder_load(&shelf->format, arena_printf(shelf->arena, "%s/%s", labs, names[i]), "", &course->folder);
    ok &= yaml_or_say(shelf, pool, &course->folder, "course.yaml", false, NULL);
    ok &= course_decode(&shelf->format, &course->folder, &course->plan);
    shelf->courses[shelf->course_count++] = course;
    if (!course->plan.course.id) continue;
    build_modules(shelf, pool, course);
    course->open = ok;
    if (ok) open[shelf->edition.course_count++] = &course->plan.course;
  }
}

bool shelf_build(const char *labs, const char *library, const char *words, struct check_pool *pool, struct shelf **out, struct err *err) {
  struct arena *arena = arena_new(0);
  struct shelf *shelf = arena_alloc(arena, sizeof *shelf);
  shelf->arena = arena;
  shelf->format.arena = arena;
  shelf->words = words_new();
  atomic_init(&shelf->users, 1);
  pthread_mutex_init(&shelf->keeping, NULL);
  if (!load_words(shelf, words, err) || !load_library(shelf, library, pool, err)) {
    shelf_free(shelf);
    return false;
  }
  shelf->edition.words = shelf->words;
  build_courses(shelf, labs, pool);
  *out = shelf;
  return true;
}

void shelf_finish(struct shelf *shelf) {
  format_word(&shelf->format, shelf->words, LANG_EN);
  shelf->edition.problems = shelf->format.list;
  shelf->edition.problem_count = shelf->format.count;
}

void shelf_free(struct shelf *shelf) {
  if (!shelf) return;
  struct words *words = shelf->words;
  kept_free(shelf);
  pthread_mutex_destroy(&shelf->keeping);
  arena_free(shelf->arena);              /* the labs' words, which look into these, go first */
  words_free(words);
}
