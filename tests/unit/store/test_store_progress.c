/* store_progress: a row is replaced, the first answer stays, an opened hint stays. */
#include "unit/cmocka_all.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/store_attempt.h"
#include "store/store_progress.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static struct db *db;
static struct arena *arena;
static const char person[] = "01jxperson0000000000000000", other[] = "01jxperson0000000000000001", attempt[] = "01jxattempt000000000000000";

static bool put(struct db_tx *tx, void *arg, struct err *err) { return store_progress_put(tx, arg, err); }

static struct progress_row row_of(const char *who, const char *workshop, const char *step, const char *earned) {
  struct progress_row row = {.max = "10", .at_ms = 5};
  snprintf(row.person, sizeof row.person, "%s", who);
  snprintf(row.workshop, sizeof row.workshop, "%s", workshop);
  snprintf(row.lab, sizeof row.lab, "mend");
  snprintf(row.step, sizeof row.step, "%s", step);
  snprintf(row.earned, sizeof row.earned, "%s", earned);
  return row;
}

static void a_step_has_one_row_for_each_person_and_workshop(void **state) {
  (void)state;
  struct err err;
  struct progress_row rows[] = {row_of(person, "", "a", "3"), row_of(person, "", "b", "7/2"), row_of(person, "w", "a", "9"), row_of(other, "", "a", "1"), row_of(person, "", "a", "4")};
  for (size_t i = 0; i < 5; i++) assert_true(db_write(db, put, &rows[i], &err));
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  struct progress_row *list;
  size_t count;
  assert_true(store_progress_list(read, person, "", arena, &list, &count, &err));
  assert_int_equal(count, 2);
  assert_string_equal(list[0].earned, "4");
  assert_string_equal(list[1].earned, "7/2");
  struct progress_row one;
  bool found = true;
  assert_true(store_progress_get(read, other, "", "mend", "b", &one, &found, &err));
  assert_false(found);
  db_read_end(read);
}

struct answer { int answer; bool right; int64_t at_ms; };
static bool answer_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct answer *a = arg;
  return store_quiz_put(tx, person, "", "services", "q1", a->answer, a->right, a->at_ms, err);
}

static void the_first_answer_stays_beside_the_latest(void **state) {
  (void)state;
  struct err err;
  struct answer answers[] = {{2, false, 10}, {1, false, 20}, {0, true, 30}};
  for (size_t i = 0; i < 3; i++) assert_true(db_write(db, answer_unit, &answers[i], &err));
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  struct quiz_row *list;
  size_t count;
  assert_true(store_quiz_list(read, person, arena, &list, &count, &err));
  assert_int_equal(count, 1);
  assert_int_equal(list[0].first_answer, 2);
  assert_false(list[0].first_right);
  assert_int_equal(list[0].first_ms, 10);
  assert_int_equal(list[0].last_answer, 0);
  assert_true(list[0].last_right);
  assert_int_equal(list[0].answers, 3);
  db_read_end(read);
}

static bool attempt_unit(struct db_tx *tx, void *arg, struct err *err) {
  (void)arg;
  struct attempt_row row = {.params = "{}", .created_ms = 1, .expires_ms = 2, .lab = "mend", .lab_version = "v", .namespace = "lab-000000000000"};
  snprintf(row.id, sizeof row.id, "%s", attempt);
  snprintf(row.person, sizeof row.person, "%s", person);
  return store_attempt_add(tx, &row, err);
}
struct rung { const char *attempt, *key; int rung; int64_t at_ms; };
static bool hint_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct rung *r = arg;
  return store_hint_add(tx, r->attempt, r->key, r->rung, person, r->at_ms, err);
}

static void an_opened_hint_keeps_its_first_time(void **state) {
  (void)state;
  struct err err;
  assert_true(db_write(db, attempt_unit, NULL, &err));
  struct rung rungs[] = {{attempt, "hints", 2, 30}, {attempt, "hints", 1, 10}, {attempt, "hints", 1, 99}, {attempt, "a.b", 1, 50}};
  for (size_t i = 0; i < 4; i++) assert_true(db_write(db, hint_unit, &rungs[i], &err));
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  struct hint_row *list;
  size_t count;
  assert_true(store_hint_list(read, attempt, arena, &list, &count, &err));
  assert_int_equal(count, 3);
  assert_string_equal(list[0].key, "a.b");
  assert_int_equal(list[1].rung, 1);
  assert_int_equal(list[1].at_ms, 10);
  assert_int_equal(list[2].rung, 2);
  db_read_end(read);
}

static void a_hint_needs_its_attempt_and_a_rung_that_exists(void **state) {
  (void)state;
  struct err err;
  struct rung nowhere = {"01jxattempt000000000000009", "hints", 1, 10}, fourth = {attempt, "hints", 4, 10};
  assert_false(db_write(db, hint_unit, &nowhere, &err));
  assert_false(db_write(db, hint_unit, &fourth, &err));
}

int main(void) {
  secret_init();
  struct err err;
  scratch_make(&scratch);
  if (!db_open(scratch.path, &db, &err)) return 1;
  arena = arena_new(0);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_step_has_one_row_for_each_person_and_workshop), cmocka_unit_test(the_first_answer_stays_beside_the_latest),
    cmocka_unit_test(an_opened_hint_keeps_its_first_time), cmocka_unit_test(a_hint_needs_its_attempt_and_a_rung_that_exists),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  arena_free(arena);
  db_close(db);
  scratch_remove(&scratch);
  return failed;
}
