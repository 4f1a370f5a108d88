/* hint: one rung at a time, after tries or minutes, for one's own attempt alone; an opened one stays. On a real database. */
#include "unit/cmocka_all.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/hint.h"
#include "domain/progress.h"
#include "store/store_attempt.h"
#include "store/store_submission.h"
#include "unit/domain/one_edition.h"
#include "unit/store/scratch.h"

static void the_rule_of_a_ladder(void **state) {
  (void)state;
  static const struct { const char *sentence; int rung, opened, tries, minutes; enum hint_rule want; int left_tries, left_minutes; } rows[] = {
    {"nothing tried yet", 1, 0, 0, 0, HINT_EARLY, 1, 0},
    {"minutes alone do not open what wants tries", 1, 0, 0, 500, HINT_EARLY, 1, 0},
    {"one try opens the first", 1, 0, 1, 0, HINT_OPEN, 0, 0},
    {"the second comes after the first, however many tries", 2, 0, 9, 99, HINT_ORDER, 0, 0},
    {"the second by tries", 2, 1, 2, 0, HINT_OPEN, 0, 5},
    {"the second by minutes", 2, 1, 0, 5, HINT_OPEN, 2, 0},
    {"the second by neither", 2, 1, 1, 4, HINT_EARLY, 1, 1},
    {"the third by minutes alone", 3, 2, 99, 9, HINT_EARLY, 0, 1},
    {"an opened one stays", 1, 2, 0, 0, HINT_OPEN, 1, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int tries, minutes;
    enum hint_rule got = hint_rule(&lab_hints_of[0], rows[i].rung, rows[i].opened, rows[i].tries, rows[i].minutes, &tries, &minutes);
    if (got != rows[i].want || tries != rows[i].left_tries || minutes != rows[i].left_minutes) fail_msg("%s: %d, %d tries, %d minutes", rows[i].sentence, got, tries, minutes);
  }
  int tries, minutes;
  assert_int_equal(hint_rule(&lab_hints_of[1], 1, 0, 0, 0, &tries, &minutes), HINT_OPEN);      /* neither named: open at once */
}

static struct scratch scratch;
static struct db *db;
static struct arena *arena;
static struct progress *progress;
static const char attempt[] = "01jxattempt000000000000000";
static const struct viewer aina = {.person = "01jxperson0000000000000000", .role = ROLE_LEARNER, .lang = LANG_MS};
static const struct viewer ben = {.person = "01jxperson0000000000000001", .role = ROLE_LEARNER};
static const struct viewer staff = {.person = "01jxperson0000000000000002", .role = ROLE_ADMIN};
static const struct viewer stranger = {.person = "01jxperson0000000000000003", .role = ROLE_INSTRUCTOR};     /* of another workshop */

static bool attempt_unit(struct db_tx *tx, void *arg, struct err *err) {
  (void)arg;
  struct attempt_row row = {.params = "{\"n\": 133}", .created_ms = wall_ms(), .expires_ms = wall_ms() + 3600000, .lab = "mend", .lab_version = "v", .namespace = "lab-000000000000"};
  snprintf(row.id, sizeof row.id, "%s", attempt);
  snprintf(row.person, sizeof row.person, "%s", aina.person);
  return store_attempt_add(tx, &row, err);
}
static bool try_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct submission_row row = {.lab = "mend", .lab_version = "v", .state = "received", .at_ms = wall_ms(), .files_hash = "0000000000000000000000000000000000000000000000000000000000000000"};
  int64_t begun;
  id_new(row.id);
  snprintf(row.attempt, sizeof row.attempt, "%s", attempt);
  snprintf(row.person, sizeof row.person, "%s", aina.person);
  return store_submission_add(tx, &row, NULL, 0, err) && store_submission_begin(tx, row.id, &begun, err) && store_submission_end(tx, row.id, arg, "1", "10", err);
}
static void tried(const char *ended) {
  struct err err = {0};
  if (!db_write(db, try_unit, (void *)ended, &err)) fail_msg("%s %s", err.key, err.detail);
}

static int set_up(void **state) {
  (void)state;
  struct err err;
  scratch_make(&scratch);
  arena = arena_new(0);
  if (!db_open(scratch.path, &db, &err) || !progress_open(db, NULL, &progress, &err) || !db_write(db, attempt_unit, NULL, &err)) fail_msg("%s: %s", err.key, err.detail);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  progress_close(progress);
  arena_free(arena);
  db_close(db);
  scratch_remove(&scratch);
  return 0;
}

static const char *open_it(const struct viewer *viewer, const char *key, int rung, struct err *err) {
  const char *text = NULL;
  memset(err, 0, sizeof *err);
  return hint_open(progress, viewer, attempt, key, rung, arena, &text, err) ? text : NULL;
}
static struct tree *listed(const struct viewer *viewer, bool ladders) {
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  struct tree *list = ladders ? hint_ladders(progress, read, viewer, attempt, arena) : hint_list(progress, read, viewer, attempt, "mend", arena);
  db_read_end(read);
  return list;
}

static void a_hint_opens_after_a_try_and_speaks_of_the_learners_own_values(void **state) {
  (void)state;
  struct err err;
  assert_null(open_it(&aina, "hints", 1, &err));
  assert_string_equal(err.key, "hint.early-tries");
  assert_string_equal(err.param[0].value, "1");
  tried("graded");
  assert_string_equal(open_it(&aina, "hints", 1, &err), "lihat 133");
  assert_string_equal(open_it(&aina, "hints", 1, &err), "lihat 133");
  struct tree *list = listed(&aina, false);
  assert_int_equal(list->count, 1);
  assert_string_equal(tree_text(list->child, "text"), "lihat 133");
}

static void our_fault_and_a_refused_file_are_no_tries(void **state) {
  (void)state;
  struct err err;
  tried("error");
  tried("refused");
  assert_null(open_it(&aina, "hints", 1, &err));
  assert_string_equal(err.key, "hint.early-tries");
}

static void rungs_open_in_turn_and_by_time(void **state) {
  (void)state;
  struct err err;
  tried("graded");
  assert_null(open_it(&aina, "hints", 2, &err));
  assert_string_equal(err.key, "hint.order");
  assert_non_null(open_it(&aina, "hints", 1, &err));
  assert_null(open_it(&aina, "hints", 2, &err));
  assert_string_equal(err.key, "hint.early-both");
  const struct tree *next = tree_path(listed(&aina, true), "[0].next");
  assert_int_equal(tree_int(next, "rung", 0), 2);
  assert_int_equal(tree_int(next, "tries", 0), 1);
  assert_int_equal(tree_int(next, "minutes", 0), 5);
  assert_false(tree_flag(next, "open", true));
  wallclock_set_offset(5 * 60000, 5 * 60000);
  assert_true(tree_flag(tree_path(listed(&aina, true), "[0].next"), "open", false));
  assert_string_equal(open_it(&aina, "hints", 2, &err), "idea-ms");
  assert_null(open_it(&aina, "hints", 3, &err));
  assert_string_equal(err.key, "hint.early-minutes");
  wallclock_set_offset(10 * 60000, 10 * 60000);
  assert_non_null(open_it(&aina, "hints", 3, &err));
  assert_int_equal(tree_path(listed(&aina, true), "[0].next")->type, TREE_NULL);
}

static void an_attempt_of_another_learner_is_not_there(void **state) {
  (void)state;
  struct err err;
  tried("graded");
  assert_null(open_it(&ben, "hints", 1, &err));
  assert_string_equal(err.key, "attempt.missing");
  assert_int_equal(listed(&ben, true)->count, 0);
  assert_null(open_it(&stranger, "hints", 3, &err));
  assert_string_equal(err.key, "attempt.missing");
  assert_int_equal(listed(&stranger, true)->count, 0);
  const struct viewer nobody = {0};
  assert_null(open_it(&nobody, "hints", 1, &err));
  assert_string_equal(err.key, "attempt.missing");
}

static void staff_open_any_rung_for_a_learner(void **state) {
  (void)state;
  struct err err;
  assert_string_equal(open_it(&staff, "hints", 3, &err), "line");
  assert_int_equal(listed(&aina, false)->count, 1);
}

static void a_ladder_or_rung_that_is_not_there_is_said(void **state) {
  (void)state;
  struct err err;
  assert_null(open_it(&aina, "nothing", 1, &err));
  assert_string_equal(err.key, "hint.missing");
  assert_null(open_it(&aina, "path.missing", 2, &err));
  assert_string_equal(err.key, "hint.missing");
  assert_null(open_it(&aina, "hints", 0, &err));
  assert_string_equal(err.key, "hint.missing");
}

#define ON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_rule_of_a_ladder), ON(a_hint_opens_after_a_try_and_speaks_of_the_learners_own_values), ON(our_fault_and_a_refused_file_are_no_tries),
    ON(rungs_open_in_turn_and_by_time), ON(an_attempt_of_another_learner_is_not_there), ON(staff_open_any_rung_for_a_learner), ON(a_ladder_or_rung_that_is_not_there_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
