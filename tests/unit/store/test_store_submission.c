/* store_submission, store_verdict: one open submission an attempt, one row a press, verdicts added and never changed. */
#include "unit/cmocka_all.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/store_attempt.h"
#include "store/store_regrade.h"
#include "store/store_submission.h"
#include "store/store_verdict.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static struct db *db;
static struct arena *arena;
static const char person[] = "01jxperson0000000000000000", attempt[] = "01jxattempt000000000000000";

static bool add_attempt(struct db_tx *tx, void *arg, struct err *err) { return store_attempt_add(tx, arg, err); }

struct adding { struct submission_row row; const char *text; };
static bool add_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct adding *adding = arg;
  char hash[65];
  if (!store_body_put(tx, adding->text, strlen(adding->text), hash, err)) return false;
  struct submission_file_row file = {"a.yaml", hash};
  return store_submission_add(tx, &adding->row, &file, 1, err);
}

static struct adding adding_of(const char *press, const char *files_hash) {
  struct adding adding = {.text = "kind: Pod"};
  id_new(adding.row.id);
  snprintf(adding.row.attempt, sizeof adding.row.attempt, "%s", attempt);
  snprintf(adding.row.person, sizeof adding.row.person, "%s", person);
  snprintf(adding.row.lab, sizeof adding.row.lab, "mend");
  snprintf(adding.row.lab_version, sizeof adding.row.lab_version, "%064d", 1);
  snprintf(adding.row.press, sizeof adding.row.press, "%s", press ? press : "");
  snprintf(adding.row.files_hash, sizeof adding.row.files_hash, "%s", files_hash);
  adding.row.at_ms = 1000;
  return adding;
}

static bool end_unit(struct db_tx *tx, void *id, struct err *err) { return store_submission_end(tx, id, "graded", "3", "10", err); }
static int64_t begun;
static bool begin_unit(struct db_tx *tx, void *id, struct err *err) { return store_submission_begin(tx, id, &begun, err); }
static bool verdict_unit(struct db_tx *tx, void *row, struct err *err) { return store_verdict_add(tx, row, person, "{}", 2, "{\"reads\":[]}", 12, err); }

static struct verdict_row verdict_of(const char *submission, bool final) {
  struct verdict_row row = {.kind = "try", .state = "settled", .earned = "3", .max = "10", .final = final, .at_ms = 5};
  id_new(row.id);
  snprintf(row.submission, sizeof row.submission, "%s", submission);
  memset(row.script, 'a', 64);
  memset(row.body_sha256, 'b', 64);
  memset(row.evidence_sha256, 'c', 64);
  return row;
}

static void an_attempt_has_one_open_submission(void **state) {
  (void)state;
  struct err err;
  struct adding first = adding_of(NULL, "f1"), second = adding_of(NULL, "f2");
  assert_true(db_write(db, add_unit, &first, &err));
  assert_int_equal(first.row.number, 1);
  assert_string_equal(first.row.state, "received");
  assert_false(db_write(db, add_unit, &second, &err));
  assert_string_equal(err.key, "submission.running");
  assert_string_equal(err.param[0].value, first.row.id);
  assert_true(db_write(db, begin_unit, first.row.id, &err));
  assert_true(db_write(db, begin_unit, first.row.id, &err));
  assert_int_equal(begun, 2);
  assert_true(db_write(db, end_unit, first.row.id, &err));
  assert_false(db_write(db, begin_unit, first.row.id, &err));          /* it has ended */
  assert_int_equal(err.code, ERR_CONFLICT);
  assert_true(db_write(db, add_unit, &second, &err));
  assert_int_equal(second.row.number, 2);
  assert_true(db_write(db, end_unit, second.row.id, &err));
}

static void the_same_press_is_found_again(void **state) {
  (void)state;
  struct err err;
  struct adding keyed = adding_of("press-one", "f3"), plain = adding_of(NULL, "f4");
  struct submission_row same;
  struct db_read *read;
  assert_true(db_write(db, add_unit, &keyed, &err));
  assert_true(db_write(db, end_unit, keyed.row.id, &err));
  assert_true(db_write(db, add_unit, &plain, &err));
  assert_true(db_write(db, end_unit, plain.row.id, &err));
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_submission_same(read, attempt, person, "press-one", "anything", 0, &same));
  assert_string_equal(same.id, keyed.row.id);
  assert_false(store_submission_same(read, attempt, "01jxperson0000000000000009", "press-one", "f3", 0, &same));
  assert_true(store_submission_same(read, attempt, person, NULL, "f4", 1000, &same));
  assert_string_equal(same.id, plain.row.id);
  assert_false(store_submission_same(read, attempt, person, NULL, "f4", 1001, &same));     /* too long ago */
  db_read_end(read);
}

static bool spoil_unit(struct db_tx *tx, void *arg, struct err *err) {
  static const struct db_query spoil[] = {{"spoil", "UPDATE verdict SET earned = '10'"}, {"remove", "DELETE FROM verdict"}};
  return db_run(db_begin(db_tx_read(tx), &spoil[*(int *)arg]), NULL, err);
}

static void verdicts_are_added_and_never_changed(void **state) {
  (void)state;
  struct err err;
  struct adding adding = adding_of(NULL, "f5");
  assert_true(db_write(db, add_unit, &adding, &err));
  struct verdict_row first = verdict_of(adding.row.id, false), second = verdict_of(adding.row.id, true), third = verdict_of(adding.row.id, true), found;
  assert_true(db_write(db, verdict_unit, &first, &err));
  assert_true(db_write(db, verdict_unit, &second, &err));
  assert_int_equal(second.run, 2);
  assert_false(db_write(db, verdict_unit, &third, &err));              /* one run counts */
  assert_string_equal(err.key, "verdict.final");
  for (int i = 0; i < 2; i++) assert_false(db_write(db, spoil_unit, &i, &err));
  struct db_read *read;
  const char *text;
  size_t length;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_verdict_of(read, adding.row.id, &found));
  assert_string_equal(found.id, second.id);
  assert_string_equal(found.earned, "3");
  assert_int_equal(store_verdict_runs(read, adding.row.id), 2);
  assert_true(store_verdict_text(read, second.id, "evidence", arena, &text, &length, &err));
  assert_int_equal(length, 12);
  db_read_end(read);
}

static int set_up(void **state) {
  (void)state;
  struct err err;
  assert_true(secret_init());
  scratch_make(&scratch);
  arena = arena_new(0);
  assert_true(db_open(scratch.path, &db, &err));
  struct attempt_row row = {.lab = "mend", .namespace = "lab-aaaaaaaaaaaa", .params = "{}", .created_ms = 1, .expires_ms = 2};
  snprintf(row.id, sizeof row.id, "%s", attempt);
  snprintf(row.person, sizeof row.person, "%s", person);
  snprintf(row.lab_version, sizeof row.lab_version, "%064d", 1);
  if (!db_write(db, add_attempt, &row, &err)) fail_msg("%s: %s", err.key, err.detail);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  db_close(db);
  arena_free(arena);
  scratch_remove(&scratch);
  return 0;
}

/* --- regrades --- */

struct decision { struct regrade_row row; struct regrade_item item; };
static bool decide_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct decision *decision = arg;
  return store_regrade_add(tx, &decision->row, err) && store_regrade_item_add(tx, decision->row.id, &decision->item, err);
}
static bool item_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct decision *decision = arg;
  return store_regrade_item_end(tx, decision->row.id, &decision->item, err);
}
static bool over_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct decision *decision = arg;
  return store_regrade_end(tx, decision->row.id, "done", NULL, 9, err);
}
struct counting { const char *submission, *verdict; };
static bool count_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct counting *counting = arg;
  return store_regrade_count(tx, counting->submission, counting->verdict, "graded", "5", "10", err);
}

static struct decision decision_of(const char *submission) {
  struct decision decision = {.row = {.role = "instructor", .lab = "mend", .reason = "wrong value", .at_ms = 5}, .item = {.lab = "mend"}};
  id_new(decision.row.id);
  snprintf(decision.row.by_person, sizeof decision.row.by_person, "%s", person);
  snprintf(decision.item.person, sizeof decision.item.person, "%s", person);
  snprintf(decision.item.submission, sizeof decision.item.submission, "%s", submission);
  return decision;
}

static void a_regrade_does_each_hand_in_once_and_the_chosen_verdict_counts(void **state) {
  (void)state;
  struct err err;
  struct adding adding = adding_of("press-regrade", "f9");
  struct submission_row open;
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  bool left = store_submission_open(read, attempt, &open);             /* by another test */
  db_read_end(read);
  if (left) assert_true(db_write(db, end_unit, open.id, &err));
  assert_true(db_write(db, add_unit, &adding, &err));
  assert_true(db_write(db, end_unit, adding.row.id, &err));
  struct verdict_row first = verdict_of(adding.row.id, true), second = verdict_of(adding.row.id, true), third = verdict_of(adding.row.id, true), found;
  assert_true(db_write(db, verdict_unit, &first, &err));
  struct decision one = decision_of(adding.row.id), two = decision_of(adding.row.id);
  assert_true(db_write(db, decide_unit, &one, &err));
  assert_false(db_write(db, decide_unit, &two, &err));                 /* one at a time */
  assert_string_equal(err.key, "regrade.running");
  snprintf(second.regrade, sizeof second.regrade, "%s", one.row.id);
  snprintf(third.regrade, sizeof third.regrade, "%s", one.row.id);
  assert_true(db_write(db, verdict_unit, &second, &err));             /* the same script, and final too: another regrade's */
  assert_int_equal(second.run, 2);
  assert_false(db_write(db, verdict_unit, &third, &err));             /* but never twice in one */
  assert_string_equal(err.key, "verdict.final");
  struct counting counting = {adding.row.id, second.id};
  assert_true(db_write(db, count_unit, &counting, &err));
  snprintf(one.item.state, sizeof one.item.state, "regraded");
  assert_true(db_write(db, item_unit, &one, &err));
  assert_false(db_write(db, item_unit, &one, &err));
  assert_string_equal(err.key, "store.ended");
  assert_true(db_write(db, over_unit, &one, &err));
  assert_false(db_write(db, over_unit, &one, &err));
  struct regrade_grade *grades;
  size_t count;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_verdict_of(read, adding.row.id, &found));
  assert_string_equal(found.id, second.id);
  assert_true(store_regrade_grades(read, adding.row.id, arena, &grades, &count, &err));
  assert_int_equal(count, 2);
  assert_true(grades[0].counts && !grades[1].counts);
  assert_string_equal(grades[0].reason, "wrong value");
  db_read_end(read);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_attempt_has_one_open_submission), cmocka_unit_test(the_same_press_is_found_again),
                                     cmocka_unit_test(verdicts_are_added_and_never_changed),
                                     cmocka_unit_test(a_regrade_does_each_hand_in_once_and_the_chosen_verdict_counts)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
