/* catalog, shelf, folder: whole folders through a real checker: what stands, what is left out and why, and that an edition in hand stays as it is. */
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/kept.h"
#include "domain/lint.h"
#include "store/db.h"
#include "unit/store/scratch.h"

#define FIXTURES TEST_SOURCE_DIR "/tests/fixtures/labs"
#define LIBRARY TEST_SOURCE_DIR "/lua-checks"
#define WORDS TEST_SOURCE_DIR "/web/words"
static struct check_pool *pool;
static struct arena *arena;

static int open_all(void **state) {
  (void)state;
  struct err err = {0};
  secret_init();
  markdown_init();
  arena = arena_new(0);
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  return pool ? 0 : -1;
}
static int close_all(void **state) {
  (void)state;
  check_pool_close(pool);
  arena_free(arena);
  return 0;
}

static struct catalog *opened(const char *labs) {
  struct catalog *catalog;
  struct err err = {0};
  if (!catalog_open(labs, LIBRARY, WORDS, pool, &catalog, &err)) fail_msg("%s %s", err.key, err.detail);
  return catalog;
}

static const struct problem *problem_of(const struct edition *edition, const char *key) {
  for (size_t i = 0; i < edition->problem_count; i++) if (!strcmp(edition->problems[i].key, key)) return &edition->problems[i];
  return NULL;
}

static void a_good_lab_stands_and_a_broken_one_is_left_out_and_said(void **state) {
  (void)state;
  struct catalog *catalog = opened(FIXTURES);
  const struct edition *edition = catalog_acquire(catalog);
  const struct lab *good = edition_lab(edition, "good");
  assert_non_null(good);
  assert_string_equal(good->title[LANG_MS], "Makmal yang baik");
  assert_int_equal(good->points, 2);
  assert_string_equal(good->checks[0].step, "name");
  assert_int_equal(good->checks[0].on, CHECK_SCOPE_FILES);
  assert_string_equal(words_text(arena, good->words, LANG_EN, "named.title", NULL, NULL), "The map is there");
  assert_true(words_has(good->words, LANG_MS, "path.missing"));
  assert_null(edition_lab(edition, "broken"));
  const struct problem *field = problem_of(edition, "lint.field-unknown-near"), *flow = problem_of(edition, "lint.flow-placeholder");
  assert_non_null(field);
  assert_string_equal(field->file, FIXTURES "/practice/first/broken/lab.yaml");
  assert_int_equal(field->line, 7);
  assert_non_null(strstr(field->text, "`minutes`"));
  assert_non_null(flow);
  assert_string_equal(flow->file, FIXTURES "/practice/first/broken/setup/map.yaml");
  assert_int_equal(flow->line, 3);
  assert_non_null(problem_of(edition, "lint.step-language"));
  assert_non_null(problem_of(edition, "lint.module-missing"));
  for (size_t i = 0; i < edition->problem_count; i++) {
    assert_null(strstr(edition->problems[i].file, "/good/"));
    assert_string_not_equal(edition->problems[i].text, edition->problems[i].key);        /* each has its sentence */
  }
  catalog_release(edition);
  catalog_close(catalog);
}

static void a_module_page_is_there_with_its_figure_quiz_and_labs(void **state) {
  (void)state;
  struct catalog *catalog = opened(FIXTURES);
  const struct edition *edition = catalog_acquire(catalog);
  assert_int_equal(edition->course_count, 1);
  assert_int_equal(edition->courses[0]->module_count, 1);
  const struct module *module = edition_module(edition, "first");
  assert_ptr_equal(edition->courses[0]->modules[0], module);
  assert_int_equal(module->lab_count, 1);
  assert_int_equal(module->quiz_count, 1);
  assert_non_null(strstr(module->html[LANG_MS], "<h2 id=\"check-yourself\">Semak diri</h2>"));
  assert_non_null(strstr(module->html[LANG_EN], "<svg class=\"figure-svg\""));
  assert_non_null(strstr(module->html[LANG_EN], "href=\"/lab/good\""));
  assert_null(strstr(module->html[LANG_EN], "href=\"/lab/broken\""));
  catalog_release(edition);
  catalog_close(catalog);
}

static void an_old_name_still_leads_to_what_bears_another_today(void **state) {
  (void)state;
  struct catalog *catalog = opened(FIXTURES);
  const struct edition *edition = catalog_acquire(catalog);
  assert_string_equal(edition_module(edition, "beginning")->id, "first");
  assert_string_equal(edition_lab(edition, "formerly-good")->id, "good");
  assert_null(edition_module(edition, "good"));
  assert_null(edition_lab(edition, ""));
  catalog_release(edition);
  catalog_close(catalog);
}

static void write_file(const char *folder, const char *name, const char *text) {
  struct err err = {0};
  if (!file_replace(arena_printf(arena, "%s/%s", folder, name), text, strlen(text), 0644, &err)) fail_msg("%s", err.detail);
}

/* An edition in hand stands still while the folder changes under it; the next one is new. */
static void a_reload_swaps_the_whole_and_leaves_what_is_in_use(void **state) {
  (void)state;
  char folder[] = "/tmp/makmal-catalog-XXXXXX";
  assert_non_null(mkdtemp(folder));
  const char *course = arena_printf(arena, "%s/c", folder);
  assert_int_equal(mkdir(course, 0755), 0);
  write_file(course, "course.yaml", "format: makmal.course/1\ntitle: { en: Old, ms: Lama }\nsummary: { en: s, ms: r }\nmodules: []\n");
  struct catalog *catalog = opened(folder);
  const struct edition *old = catalog_acquire(catalog);
  struct err err = {0};
  write_file(course, "course.yaml", "format: makmal.course/1\ntitle: { en: New, ms: Baharu }\nsummary: { en: s, ms: r }\nmodules: []\n");
  assert_true(catalog_reload(catalog, &err));
  const struct edition *fresh = catalog_acquire(catalog);
  assert_string_equal(old->courses[0]->title[LANG_EN], "Old");
  assert_string_equal(fresh->courses[0]->title[LANG_EN], "New");
  catalog_release(old);
  catalog_release(fresh);
  catalog_close(catalog);
  unlink(arena_printf(arena, "%s/course.yaml", course));
  rmdir(course);
  rmdir(folder);
}

static void a_broken_script_is_said_with_its_line(void **state) {
  (void)state;
  char folder[] = "/tmp/makmal-catalog-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(system(arena_printf(arena, "cp -r " FIXTURES "/practice %s", folder)), 0);
  const char *lab = arena_printf(arena, "%s/practice/first/good", folder);
  write_file(lab, "checks.lua", "check \"named\" { step = \"name\", points = 2,\n  on = \"files\", run = function(t)\n  t:share(\nend }\n");
  struct catalog *catalog = opened(folder);
  const struct edition *edition = catalog_acquire(catalog);
  assert_null(edition_lab(edition, "good"));
  bool said = false;
  for (size_t i = 0; i < edition->problem_count; i++) said |= strstr(edition->problems[i].file, "good/checks.lua") && edition->problems[i].line >= 3 && strcmp(edition->problems[i].text, edition->problems[i].key);
  assert_true(said);
  catalog_release(edition);
  catalog_close(catalog);
  assert_int_equal(system(arena_printf(arena, "rm -r %s", folder)), 0);
}

/* What a learner could not hand in is no solution: a tag of the format is refused there. */
static void a_solution_is_read_as_a_learner_would_hand_it_in(void **state) {
  (void)state;
  char folder[] = "/tmp/makmal-catalog-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(system(arena_printf(arena, "cp -r " FIXTURES "/practice %s", folder)), 0);
  write_file(arena_printf(arena, "%s/practice/first/good/solution", folder), "map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: !text ${app}\ndata: { token: abc }\n");
  struct catalog *catalog = opened(folder);
  const struct edition *edition = catalog_acquire(catalog);
  assert_null(edition_lab(edition, "good"));
  assert_int_equal(problem_of(edition, "yaml.tag")->line, 4);
  catalog_release(edition);
  catalog_close(catalog);
  assert_int_equal(system(arena_printf(arena, "rm -r %s", folder)), 0);
}

static bool keep_unit(struct db_tx *tx, void *keeping, struct err *err) { return kept_write(tx, keeping, err); }

/* Who began with a version has it while the folder changes, breaks and goes; the next edition too. */
static void a_lab_is_had_as_it_was_when_somebody_began_with_it(void **state) {
  (void)state;
  char folder[] = "/tmp/makmal-catalog-XXXXXX", version[65];
  struct err err = {0};
  assert_non_null(mkdtemp(folder));
  assert_int_equal(system(arena_printf(arena, "cp -r " FIXTURES "/practice %s", folder)), 0);
  const char *good = arena_printf(arena, "%s/practice/first/good", folder);
  struct scratch scratch;
  struct db *db;
  scratch_make(&scratch);
  assert_true(db_open(scratch.path, &db, &err));
  struct catalog *catalog = opened(folder);
  catalog_keeps(catalog, db);
  const struct edition *edition = catalog_acquire(catalog);
  const struct lab *lab = edition_lab(edition, "good");
  strcpy(version, lab->version);
  struct keeping keeping;
  for (int i = 0; i < 2; i++) {
    assert_true(kept_prepare(db, arena, lab, &keeping, &err));
    assert_int_equal(keeping.files != NULL, i == 0);              /* once */
    assert_true(db_write(db, keep_unit, &keeping, &err));
  }
  const char *starter = arena_strn(arena, lab->starter[0].bytes, lab->starter[0].length);
  assert_ptr_equal(edition_lab_of(edition, "good", version, &err), lab);
  catalog_release(edition);

  write_file(good, "starter/map.yaml", "# another\n");
  assert_true(catalog_reload(catalog, &err));
  edition = catalog_acquire(catalog);
  const struct lab *now = edition_lab(edition, "good"), *was = edition_lab_of(edition, "good", version, &err);
  assert_string_not_equal(now->version, version);
  assert_string_equal(was->version, version);
  assert_string_equal(arena_strn(arena, was->starter[0].bytes, was->starter[0].length), starter);
  assert_string_equal(words_text(arena, was->words, LANG_MS, "named.title", NULL, NULL), words_text(arena, now->words, LANG_MS, "named.title", NULL, NULL));
  assert_ptr_equal(edition_lab_of(edition, "good", version, &err), was);                                   /* built once */
  char unknown[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  assert_ptr_equal(edition_lab_of(edition, "good", unknown, &err), now);
  assert_ptr_equal(edition_lab_of(edition, "good", "", &err), now);
  catalog_release(edition);

  assert_int_equal(system(arena_printf(arena, "rm -r %s", good)), 0);
  assert_true(catalog_reload(catalog, &err));
  edition = catalog_acquire(catalog);
  assert_null(edition_lab(edition, "good"));
  assert_string_equal(edition_lab_of(edition, "good", version, &err)->id, "good");
  assert_null(edition_lab_of(edition, "good", unknown, &err));
  assert_string_equal(err.key, "lab.gone");
  catalog_release(edition);
  catalog_close(catalog);
  db_close(db);
  scratch_remove(&scratch);
  assert_int_equal(system(arena_printf(arena, "rm -r %s", folder)), 0);
}

static void without_library_or_words_there_is_no_catalogue(void **state) {
  (void)state;
  struct catalog *catalog = NULL;
  struct err err = {0};
  assert_false(catalog_open(FIXTURES, TEST_SOURCE_DIR "/tests/fixtures", WORDS, pool, &catalog, &err));
  assert_string_equal(err.key, "catalog.library");
  assert_false(catalog_open(FIXTURES, LIBRARY, TEST_SOURCE_DIR "/tests/fixtures", pool, &catalog, &err));
  assert_string_equal(err.key, "catalog.words");
  assert_null(catalog);
}

static void without_labs_there_is_an_empty_catalogue_that_says_so(void **state) {
  (void)state;
  struct catalog *catalog = opened("/tmp/makmal-no-such-folder");
  const struct edition *edition = catalog_acquire(catalog);
  assert_int_equal(edition->course_count, 0);
  assert_non_null(problem_of(edition, "lint.folder-unreadable"));
  catalog_release(edition);
  catalog_close(catalog);
}

static size_t lint(const char *labs, const char *only, enum lang lang, const struct problem **out, size_t *looked) {
  struct lint_spec spec = {.labs = labs, .library = LIBRARY, .words = WORDS, .images = TEST_SOURCE_DIR "/cluster/images/list", .only = only, .pool = pool, .lang = lang};
  struct err err = {0};
  size_t count;
  if (!lint_run(&spec, arena, out, &count, looked, &err)) fail_msg("%s %s", err.key, err.detail);
  return count;
}

static void the_course_itself_has_nothing_to_mend(void **state) {
  (void)state;
  const struct problem *problems;
  size_t looked, count = lint(TEST_SOURCE_DIR "/labs", NULL, LANG_EN, &problems, &looked);
  for (size_t i = 0; i < count; i++) print_error("%s:%d: %s\n", problems[i].file, problems[i].line, problems[i].text);
  assert_int_equal(count, 0);
  assert_true(looked >= 2);
}

/* The lab to copy, copied: into the place of the good one. */
static void the_lab_to_copy_has_nothing_to_mend(void **state) {
  (void)state;
  char folder[] = "/tmp/makmal-catalog-XXXXXX";
  assert_non_null(mkdtemp(folder));
  assert_int_equal(system(arena_printf(arena, "cp -r " FIXTURES "/practice %s && cd %s/practice/first && rm -r good && cp -r " TEST_SOURCE_DIR "/labs/_template/lab good", folder, folder)), 0);
  const struct problem *problems;
  size_t looked, count = lint(folder, arena_printf(arena, "%s/practice/first/good", folder), LANG_EN, &problems, &looked);
  for (size_t i = 0; i < count; i++) print_error("%s:%d: %s\n", problems[i].file, problems[i].line, problems[i].text);
  assert_int_equal(count, 0);
  assert_int_equal(looked, 1);
  assert_int_equal(system(arena_printf(arena, "rm -r %s", folder)), 0);
}

static void lint_looks_at_one_folder_when_asked_and_speaks_both_languages(void **state) {
  (void)state;
  const struct problem *problems;
  size_t looked;
  assert_int_equal(lint(FIXTURES, FIXTURES "/practice/first/good", LANG_EN, &problems, &looked), 0);
  assert_int_equal(looked, 1);
  size_t count = lint(FIXTURES, FIXTURES "/practice/first/broken/", LANG_MS, &problems, &looked);
  assert_int_equal(count, 3);
  bool malay = false;
  for (size_t i = 0; i < count; i++) malay |= strstr(problems[i].text, "Adakah `minutes` yang dimaksudkan?") != NULL;
  assert_true(malay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_good_lab_stands_and_a_broken_one_is_left_out_and_said), cmocka_unit_test(a_module_page_is_there_with_its_figure_quiz_and_labs),
    cmocka_unit_test(an_old_name_still_leads_to_what_bears_another_today), cmocka_unit_test(a_reload_swaps_the_whole_and_leaves_what_is_in_use),
    cmocka_unit_test(a_broken_script_is_said_with_its_line), cmocka_unit_test(a_solution_is_read_as_a_learner_would_hand_it_in),
    cmocka_unit_test(a_lab_is_had_as_it_was_when_somebody_began_with_it), cmocka_unit_test(without_library_or_words_there_is_no_catalogue),
    cmocka_unit_test(without_labs_there_is_an_empty_catalogue_that_says_so), cmocka_unit_test(the_course_itself_has_nothing_to_mend), cmocka_unit_test(the_lab_to_copy_has_nothing_to_mend),
    cmocka_unit_test(lint_looks_at_one_folder_when_asked_and_speaks_both_languages),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
