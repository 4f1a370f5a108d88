/* progress: the best of each step stays, first reached; a lab that keeps the last keeps the last; our fault takes nothing away. On a real database. */
#include "unit/cmocka_all.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/progress.h"
#include "store/store_progress.h"
#include "unit/domain/one_edition.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static struct db *db;
static struct arena *arena;
static struct progress *progress;
static const struct viewer aina = {.person = "01jxperson0000000000000000", .role = ROLE_LEARNER, .lang = LANG_EN};
static const struct viewer nobody = {.lang = LANG_MS};

static int set_up(void **state) {
  (void)state;
  struct err err;
  scratch_make(&scratch);
  arena = arena_new(0);
  if (!db_open(scratch.path, &db, &err) || !progress_open(db, NULL, &progress, &err)) fail_msg("%s: %s", err.key, err.detail);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  progress_close(progress);
  arena_free(arena);
  db_close(db);
  scratch_remove(&scratch);
  return 0;
}

struct one { const struct lab *lab; const char *workshop, *submission; struct tree *body; };
static bool record_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct one *one = arg;
  return progress_record(tx, one->lab, aina.person, one->workshop, one->submission, one->body, 5, err);
}

/* Outcomes and points of selector, endpoints and answers; outcome NULL: the check did not run. */
static void record(const struct lab *lab, const char *workshop, const char *submission, const char *const outcome[3], const char *const earned[3]) {
  static const char *const ids[] = {"selector", "endpoints", "answers"}, *const max[] = {"3", "4", "3"};
  struct tree *body = tree_new(arena, TREE_MAP), *checks = tree_new(arena, TREE_LIST);
  for (int i = 0; i < 3; i++) {
    if (!outcome[i]) continue;
    struct tree *check = tree_new(arena, TREE_MAP);
    tree_put_text(arena, check, "id", ids[i]);
    tree_put_text(arena, check, "outcome", outcome[i]);
    if (earned[i]) tree_put_text(arena, check, "earned", earned[i]);
    tree_put_text(arena, check, "max", max[i]);
    tree_push(checks, check);
  }
  tree_put(arena, body, "checks", checks);
  struct one one = {lab, workshop, submission, body};
  struct err err = {0};
  if (!db_write(db, record_unit, &one, &err)) fail_msg("%s %s", err.key, err.detail);
}
#define THREE(...) (const char *const[3]){__VA_ARGS__}

static struct tree *sheet(const struct viewer *viewer) {
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  struct tree *json = progress_json(progress, read, viewer, arena);
  db_read_end(read);
  assert_non_null(json);
  return json;
}
static const struct tree *lab_of(const struct tree *json, const char *id) {
  TREE_EACH(lab, tree_path(json, "courses[0].modules[0].labs")) if (!strcmp(tree_text(lab, "id"), id)) return lab;
  return NULL;
}
static struct progress_row row_of(const char *lab, const char *step) {
  struct db_read *read;
  struct err err;
  struct progress_row row = {0};
  bool found = false;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_progress_get(read, aina.person, "", lab, step, &row, &found, &err));
  db_read_end(read);
  return row;
}

static void the_best_of_each_step_stays_and_says_where_it_was_first_reached(void **state) {
  (void)state;
  record(&mend, "", "s1", THREE("partial", "fail", "blocked"), THREE("3/2", "0", NULL));
  assert_string_equal(row_of("mend", "mend").earned, "3/2");
  record(&mend, "", "s2", THREE("pass", "partial", "fail"), THREE("3", "4/3", "0"));
  assert_string_equal(row_of("mend", "mend").earned, "13/3");
  record(&mend, "", "s3", THREE("partial", "fail", "pass"), THREE("1", "0", "3"));          /* one step worse, one better */
  assert_string_equal(row_of("mend", "mend").earned, "13/3");
  assert_string_equal(row_of("mend", "mend").submission, "s2");
  assert_string_equal(row_of("mend", "prove").earned, "3");
  record(&mend, "", "s4", THREE("partial", "pass", "pass"), THREE("1/3", "4", "3"));        /* as good as before: the first stays */
  assert_string_equal(row_of("mend", "mend").submission, "s2");
  assert_string_equal(row_of("mend", "prove").submission, "s3");
}

static void a_lab_that_keeps_the_last_keeps_the_last_but_not_our_fault(void **state) {
  (void)state;
  record(&last, "", "s0", THREE("error", "pass", "pass"), THREE(NULL, "4", "3"));
  assert_string_equal(row_of("last", "mend").earned, "");
  assert_string_equal(row_of("last", "prove").earned, "3");
  record(&last, "", "s1", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  record(&last, "", "s2", THREE("pass", "fail", "pass"), THREE("3", "0", "3"));
  assert_string_equal(row_of("last", "mend").earned, "3");
  record(&last, "", "s3", THREE("fail", "error", "pass"), THREE("0", NULL, "3"));
  assert_string_equal(row_of("last", "mend").submission, "s2");
}

static void an_error_lowers_nothing_and_a_step_without_checks_is_left_alone(void **state) {
  (void)state;
  record(&mend, "", "s1", THREE("pass", "error", NULL), THREE("3", NULL, NULL));
  struct progress_row row = row_of("mend", "mend");
  assert_string_equal(row.earned, "3");
  assert_string_equal(row.max, "7");
  assert_string_equal(row_of("mend", "prove").earned, "");
  assert_false(tree_flag(lab_of(sheet(&aina), "mend"), "done", true));
}

static void a_paper_form_is_done_when_what_it_counts_is_won(void **state) {
  (void)state;
  record(&mend, "", "s1", THREE("pass", "unobserved", NULL), THREE("3", NULL, NULL));     /* one that only an API server can say, one on the live namespace */
  const struct tree *lab = lab_of(sheet(&aina), "mend");
  assert_string_equal(row_of("mend", "mend").max, "3");
  assert_true(tree_flag(tree_path(lab, "steps[0]"), "done", false));
  assert_int_equal(tree_int(tree_path(lab, "steps[0]"), "max", 0), 7);
  assert_false(tree_flag(lab, "done", true));
}

static void the_sheet_sums_labs_into_courses(void **state) {
  (void)state;
  record(&mend, "", "s1", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  record(&last, "", "s2", THREE("partial", "fail", "blocked"), THREE("1/3", "0", NULL));
  struct tree *json = sheet(&aina);
  const struct tree *course = tree_path(json, "courses[0]");
  assert_string_equal(tree_text(course, "earned"), "31/3");
  assert_string_equal(tree_get(course, "earned_number")->text, "10.3333");
  assert_int_equal(tree_int(course, "max", 0), 20);
  assert_true(tree_flag(lab_of(json, "mend"), "done", false));
  assert_string_equal(tree_get(lab_of(json, "mend"), "earned_number")->text, "10");
  assert_true(tree_flag(lab_of(json, "last"), "begun", false));
  assert_int_equal(tree_int(course, "done", 9), 0);
  assert_string_equal(tree_text(course, "title"), "K");
}

static void workshops_are_kept_apart_and_nobody_has_nothing(void **state) {
  (void)state;
  record(&mend, "01jxworkshop00000000000000", "s1", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  assert_string_equal(tree_text(tree_path(sheet(&aina), "courses[0]"), "earned"), "0");
  struct viewer there = aina;
  snprintf(there.workshop, sizeof there.workshop, "01jxworkshop00000000000000");
  assert_string_equal(tree_text(tree_path(sheet(&there), "courses[0]"), "earned"), "10");
  struct tree *json = sheet(&nobody);
  assert_string_equal(tree_text(tree_path(json, "courses[0].modules[0]"), "title"), "Service");
  assert_string_equal(tree_text(tree_path(json, "courses[0]"), "earned"), "0");
}

static bool answer(const struct viewer *viewer, const char *item, int number, bool *right, const char **betrays, struct err *err) {
  *right = false;
  *betrays = NULL;
  return progress_quiz(progress, viewer, "services", item, number, arena, right, betrays, err);
}

static void a_wrong_answer_says_what_it_betrays_and_the_latest_counts(void **state) {
  (void)state;
  struct err err;
  bool right;
  const char *betrays;
  assert_true(answer(&aina, "q1", 0, &right, &betrays, &err));
  assert_false(right);
  assert_string_equal(betrays, "because");
  assert_int_equal(tree_int(tree_path(sheet(&aina), "courses[0].modules[0].quiz"), "answered", 0), 1);
  assert_int_equal(tree_int(tree_path(sheet(&aina), "courses[0].modules[0].quiz"), "right", 9), 0);
  assert_true(answer(&aina, "q1", 1, &right, &betrays, &err));
  assert_true(right);
  assert_null(betrays);
  assert_int_equal(tree_int(tree_path(sheet(&aina), "courses[0].modules[0].quiz"), "right", 9), 1);
}

static void nobody_is_graded_but_not_remembered(void **state) {
  (void)state;
  struct err err;
  bool right;
  const char *betrays;
  assert_true(answer(&nobody, "q1", 0, &right, &betrays, &err));
  assert_string_equal(betrays, "kerana");
  assert_int_equal(tree_int(tree_path(sheet(&aina), "courses[0].modules[0].quiz"), "answered", 9), 0);
}

static void an_answer_that_does_not_exist_is_refused(void **state) {
  (void)state;
  struct err err;
  bool right;
  const char *betrays;
  assert_false(answer(&aina, "q1", 2, &right, &betrays, &err));
  assert_string_equal(err.key, "quiz.answer");
  assert_false(answer(&aina, "q1", -1, &right, &betrays, &err));
  assert_false(answer(&aina, "q9", 0, &right, &betrays, &err));
  assert_string_equal(err.key, "quiz.missing");
}

static void a_module_is_done_with_its_labs_and_its_quiz(void **state) {
  (void)state;
  struct err err;
  bool right;
  const char *betrays;
  record(&mend, "", "s1", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  record(&last, "", "s2", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  assert_true(answer(&aina, "q1", 1, &right, &betrays, &err));
  assert_false(tree_flag(tree_path(sheet(&aina), "courses[0].modules[0]"), "done", true));
  assert_true(answer(&aina, "q2", 1, &right, &betrays, &err));
  assert_true(tree_flag(tree_path(sheet(&aina), "courses[0].modules[0]"), "done", false));
  assert_int_equal(tree_int(tree_path(sheet(&aina), "courses[0]"), "done", 0), 1);
}

static void an_older_hand_in_that_is_graded_again_does_not_take_the_place_of_the_last(void **state) {
  (void)state;
  record(&last, "", "s2", THREE("pass", "pass", "pass"), THREE("3", "4", "3"));
  record(&last, "", "s1", THREE("fail", "fail", "fail"), THREE("0", "0", "0"));
  struct progress_row rows[8];
  size_t count = 0;
  char sum[48];
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(progress_load(read, &last, aina.person, "", rows, &count, &err));
  progress_sum(rows, count, sum);
  assert_string_equal(sum, "10");
  db_read_end(read);
  record(&last, "", "s2", THREE("fail", "pass", "pass"), THREE("0", "4", "3"));      /* the last one itself moves it, down too */
  assert_true(db_read_begin(db, &read, &err));
  assert_true(progress_load(read, &last, aina.person, "", rows, &count, &err));
  progress_sum(rows, count, sum);
  assert_string_equal(sum, "7");
  db_read_end(read);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    ON(the_best_of_each_step_stays_and_says_where_it_was_first_reached), ON(a_lab_that_keeps_the_last_keeps_the_last_but_not_our_fault),
    ON(an_error_lowers_nothing_and_a_step_without_checks_is_left_alone), ON(a_paper_form_is_done_when_what_it_counts_is_won), ON(the_sheet_sums_labs_into_courses),
    ON(workshops_are_kept_apart_and_nobody_has_nothing), ON(a_wrong_answer_says_what_it_betrays_and_the_latest_counts), ON(nobody_is_graded_but_not_remembered),
    ON(an_answer_that_does_not_exist_is_refused), ON(a_module_is_done_with_its_labs_and_its_quiz),
    ON(an_older_hand_in_that_is_graded_again_does_not_take_the_place_of_the_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
