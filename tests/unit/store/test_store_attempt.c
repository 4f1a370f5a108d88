/* store_attempt and store_draft: what the rows refuse, and what a move leaves alone. */
#include "unit/cmocka_all.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/db.h"
#include "store/store_attempt.h"
#include "store/store_draft.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static struct db *db;
static struct arena *arena;

static int set_up(void **state) {
  (void)state;
  struct err err;
  scratch_make(&scratch);
  if (!db_open(scratch.path, &db, &err)) fail_msg("%s: %s", err.key, err.detail);
  arena = arena_new(0);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  arena_free(arena);
  db_close(db);
  scratch_remove(&scratch);
  return 0;
}

static struct attempt_row row_of(const char *person, const char *lab) {
  struct attempt_row row = {.params = "{\"n\":1}", .created_ms = 1000, .expires_ms = 9000, .lab_version = "v"};
  id_new(row.id);
  snprintf(row.person, sizeof row.person, "%s", person);
  snprintf(row.lab, sizeof row.lab, "%s", lab);
  snprintf(row.namespace, sizeof row.namespace, "lab-%.12s", row.id + 14);
  return row;
}
static bool add(struct db_tx *tx, void *arg, struct err *err) { return store_attempt_add(tx, arg, err); }

struct move { const char *id, *from, *to; bool moved; };
static bool move(struct db_tx *tx, void *arg, struct err *err) {
  struct move *m = arg;
  return store_attempt_move(tx, m->id, m->from, m->to, "why", "{\"a\":\"b\"}", 5000, &m->moved, err);
}
static bool make_ready(struct db_tx *tx, void *arg, struct err *err) {
  struct move *m = arg;
  return store_attempt_ready(tx, m->id, 2000, 8000, "{}", &m->moved, err);
}
static bool was_reset(struct db_tx *tx, void *arg, struct err *err) {
  struct move *m = arg;
  return store_attempt_was_reset(tx, m->id, &m->moved, err);
}
static struct attempt_row get(const char *id) {
  struct attempt_row row;
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_attempt_get(read, id, arena, &row, &err));
  db_read_end(read);
  return row;
}

static void one_open_attempt_for_each_person_and_lab(void **state) {
  (void)state;
  struct err err;
  struct attempt_row first = row_of("aina", "mend"), second = row_of("aina", "mend"), other = row_of("aina", "ports");
  assert_true(db_write(db, add, &first, &err));
  assert_false(db_write(db, add, &second, &err));
  assert_int_equal(err.code, ERR_CONFLICT);
  assert_true(db_write(db, add, &other, &err));
  struct move m = {.id = first.id, .from = "wanted", .to = "failed"};
  assert_true(db_write(db, move, &m, &err));
  assert_true(db_write(db, add, &second, &err));                 /* a failed one does not bar the next try */
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  assert_int_equal(store_attempt_count_open(read, "aina"), 2);
  struct attempt_row open;
  assert_true(store_attempt_open_one(read, "aina", "mend", arena, &open, &err));
  assert_string_equal(open.id, second.id);
  assert_false(store_attempt_open_one(read, "ben", "mend", arena, &open, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  char newest[ID_SIZE];
  assert_true(store_attempt_newest(read, newest));
  db_read_end(read);
}

static void a_move_changes_nothing_when_the_row_is_elsewhere(void **state) {
  (void)state;
  struct err err;
  struct attempt_row row = row_of("aina", "mend");
  assert_true(db_write(db, add, &row, &err));
  struct move m = {.id = row.id, .from = "ready", .to = "ending", .moved = true};
  assert_true(db_write(db, move, &m, &err));
  assert_false(m.moved);
  assert_string_equal(get(row.id).state, "wanted");
  assert_true(db_write(db, make_ready, &m, &err) && m.moved);
  assert_string_equal(get(row.id).state, "ready");
  assert_int_equal(get(row.id).ready_ms, 2000);
  assert_true(db_write(db, make_ready, &m, &err) && !m.moved);   /* a job that ran twice */
  m.from = "ready", m.to = "resetting";
  assert_true(db_write(db, move, &m, &err) && m.moved);
  assert_true(db_write(db, was_reset, &m, &err) && m.moved);
  assert_int_equal(get(row.id).resets, 1);
  m.to = "ending";
  assert_true(db_write(db, move, &m, &err) && m.moved);
  assert_int_equal(get(row.id).ended_ms, 5000);
  assert_string_equal(get(row.id).why_params, "{\"a\":\"b\"}");
  m.from = "ending", m.to = "gone";
  assert_true(db_write(db, move, &m, &err) && m.moved);
}

struct version { const char *id, *from, *to; };
static bool set_version(struct db_tx *tx, void *arg, struct err *err) {
  struct version *version = arg;
  return store_attempt_version(tx, version->id, version->from, version->to, err);
}

static void only_open_attempts_go_on_with_another_version(void **state) {
  (void)state;
  struct err err;
  struct attempt_row open = row_of("aina", "mend"), over = row_of("ben", "mend"), other = row_of("ben", "ports");
  assert_true(db_write(db, add, &open, &err) && db_write(db, add, &over, &err) && db_write(db, add, &other, &err));
  struct move m = {.id = over.id, .from = "wanted", .to = "ending"};
  assert_true(db_write(db, move, &m, &err));
  struct db_read *read;
  struct attempt_row *rows;
  size_t count;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_attempt_running(read, &(struct attempt_scope){.lab = "mend"}, arena, &rows, &count, &err));
  assert_int_equal(count, 1);
  assert_string_equal(rows[0].id, open.id);
  assert_true(store_attempt_running(read, &(struct attempt_scope){0}, arena, &rows, &count, &err));
  assert_int_equal(count, 2);
  assert_true(store_attempt_running(read, &(struct attempt_scope){.owner = "nobody"}, arena, &rows, &count, &err));
  assert_int_equal(count, 0);
  db_read_end(read);
  struct version moves[] = {{open.id, "v", "w"}, {over.id, "v", "w"}, {other.id, "u", "w"}};
  for (size_t i = 0; i < 3; i++) assert_true(db_write(db, set_version, &moves[i], &err));
  assert_string_equal(get(open.id).lab_version, "w");
  assert_string_equal(get(over.id).lab_version, "v");
  assert_string_equal(get(other.id).lab_version, "v");      /* it had moved already: nothing is done twice */
}

struct put { const char *attempt, *files; int64_t at_ms; };
static bool put_draft(struct db_tx *tx, void *arg, struct err *err) {
  struct put *put = arg;
  return store_draft_put(tx, put->attempt, "aina", put->files, put->at_ms, err);
}
static bool put_start(struct db_tx *tx, void *arg, struct err *err) {
  struct put *put = arg;
  return store_attempt_start_put(tx, put->attempt, 0, put->at_ms, put->files, err);
}

static void drafts_keep_their_history_for_a_week(void **state) {
  (void)state;
  struct err err;
  struct attempt_row row = row_of("aina", "mend");
  assert_true(db_write(db, add, &row, &err));
  int64_t day = 24 * 3600 * 1000LL, now = 100 * day;
  const struct { const char *files; int64_t at; int rows; } saves[] = {
    {"[1]", now, 1}, {"[2]", now + 1000, 1},                       /* typing on: the same row */
    {"[3]", now + DRAFT_OVER_MS, 2}, {"[4]", now + day, 3},
    {"[5]", now + day - 3600 * 1000, 4},                           /* the clock went back: still a row of its own, and the newest */
    {"[6]", now + 9 * day, 1},                                     /* the older ones have had their week */
  };
  for (size_t i = 0; i < sizeof saves / sizeof *saves; i++) {
    struct put put = {row.id, saves[i].files, saves[i].at};
    assert_true(db_write(db, put_draft, &put, &err));
    struct db_read *read;
    assert_true(db_read_begin(db, &read, &err));
    const char *files;
    int64_t saved;
    assert_true(store_draft_get(read, row.id, arena, &files, &saved, &err));
    assert_string_equal(files, saves[i].files);
    assert_int_equal(saved, saves[i].at);
    assert_int_equal(store_draft_count(read, row.id), saves[i].rows);
    db_read_end(read);
  }
}

static void the_first_start_state_stays(void **state) {
  (void)state;
  struct err err;
  struct attempt_row row = row_of("aina", "mend");
  assert_true(db_write(db, add, &row, &err));
  struct put first = {row.id, "[\"first\"]", 1}, second = {row.id, "[\"second\"]", 2};
  assert_true(db_write(db, put_start, &first, &err));
  assert_true(db_write(db, put_start, &second, &err));
  struct db_read *read;
  const char *objects;
  assert_true(db_read_begin(db, &read, &err));
  assert_true(store_attempt_start_get(read, row.id, 0, arena, &objects, NULL, &err));
  assert_string_equal(objects, "[\"first\"]");
  assert_true(store_attempt_start_get(read, row.id, 1, arena, &objects, NULL, &err));
  assert_null(objects);
  db_read_end(read);
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(one_open_attempt_for_each_person_and_lab, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_move_changes_nothing_when_the_row_is_elsewhere, set_up, tear_down),
    cmocka_unit_test_setup_teardown(only_open_attempts_go_on_with_another_version, set_up, tear_down),
    cmocka_unit_test_setup_teardown(drafts_keep_their_history_for_a_week, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_first_start_state_stays, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
