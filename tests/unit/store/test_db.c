/* db and db_write: group commit, savepoints, a full disk, readers, statements. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/db.h"
#include "unit/store/scratch.h"

static const struct db_query q_make = {"make", "CREATE TABLE note(n INTEGER PRIMARY KEY, body BLOB, word TEXT UNIQUE) STRICT"};
static const struct db_query q_add = {"add", "INSERT INTO note(n, body) VALUES(:n, :body)"};
static const struct db_query q_word = {"word", "INSERT INTO note(word) VALUES(:word)"};
static const struct db_query q_count = {"count", "SELECT count(*) FROM note WHERE n >= :from"};
static const struct db_query q_room = {"room", "PRAGMA max_page_count = 60"};
static const struct db_query q_rows = {"rows", "SELECT n, body, word FROM note ORDER BY n"};

static struct scratch scratch;
static struct db *db;

static bool run(struct db_tx *tx, const struct db_query *query, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), query);
  enum db_step step = db_step(stmt, err);
  db_end(stmt);
  return step != DB_FAIL;
}
static bool make(struct db_tx *tx, void *arg, struct err *err) { (void)arg; return run(tx, &q_make, err); }
static bool no_room(struct db_tx *tx, void *arg, struct err *err) { (void)arg; return run(tx, &q_room, err); }

struct note { int64_t n; size_t size; bool fail; int runs; bool swallow; };
static bool add(struct db_tx *tx, void *arg, struct err *err) {
  struct note *note = arg;
  note->runs++;
  assert_true(db_on_writer());
  char *body = calloc(1, note->size + 1);
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &q_add);
  db_bind_int(stmt, ":n", note->n);
  db_bind_blob(stmt, ":body", body, note->size);
  bool ok = db_run(stmt, NULL, err);
  free(body);
  if (note->fail) return err_set(err, ERR_INVALID, "test.no", "as asked");
  return ok || note->swallow;
}
static void add_note(int64_t n) {
  struct note note = {.n = n};
  struct err err;
  assert_true(db_write(db, add, &note, &err));
}
static int64_t count_from(int64_t from) {
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  struct db_stmt *stmt = db_begin(read, &q_count);
  db_bind_int(stmt, ":from", from);
  assert_int_equal(db_step(stmt, &err), DB_ROW);
  int64_t count = db_int(stmt, 0);
  db_end(stmt);
  db_read_end(read);
  return count;
}

static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  struct err err;
  if (!db_open(scratch.path, &db, &err) || !db_write(db, make, NULL, &err)) fail_msg("%s: %s", err.key, err.detail);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  db_close(db);
  scratch_remove(&scratch);
  return 0;
}

/* A unit that holds the writer until told, so that a known number of units gathers behind it. */
static sem_t held, go_on;
static bool hold(struct db_tx *tx, void *arg, struct err *err) {
  (void)tx, (void)arg, (void)err;
  sem_post(&held);
  sem_wait(&go_on);
  sem_post(&go_on);                                           /* it may run twice */
  return true;
}
static void *hold_thread(void *arg) {
  struct err err;
  *(bool *)arg = db_write(db, hold, NULL, &err);
  return NULL;
}
struct call { struct note note; bool ok; struct err err; pthread_t thread; };
static void *call_thread(void *arg) {
  struct call *call = arg;
  call->ok = db_write(db, add, &call->note, &call->err);
  return NULL;
}
/* All calls in one group, in their order. */
static void run_gathered(struct call *calls, int count) {
  sem_init(&held, 0, 0);
  sem_init(&go_on, 0, 0);
  bool ok = false;
  pthread_t holder;
  pthread_create(&holder, NULL, hold_thread, &ok);
  sem_wait(&held);
  for (int i = 0; i < count; i++) {
    pthread_create(&calls[i].thread, NULL, call_thread, &calls[i]);
    struct db_stats stats;
    do {
      usleep(200);
      db_stats(db, &stats);
    } while (stats.waiting < i + 1);
  }
  sem_post(&go_on);
  for (int i = 0; i < count; i++) pthread_join(calls[i].thread, NULL);
  pthread_join(holder, NULL);
  assert_true(ok);
  sem_destroy(&held);
  sem_destroy(&go_on);
}

static void units_that_gathered_share_one_commit(void **state) {
  (void)state;
  struct call calls[20] = {0};
  for (int i = 0; i < 20; i++) calls[i].note.n = 100 + i;
  struct db_stats before, after;
  db_stats(db, &before);
  run_gathered(calls, 20);
  db_stats(db, &after);
  assert_int_equal(after.units - before.units, 21);
  assert_int_equal(after.commits - before.commits, 1);
  assert_int_equal(count_from(0), 20);
}

static void a_failing_unit_leaves_the_others_alone(void **state) {
  (void)state;
  struct call calls[3] = {{.note.n = 1}, {.note = {.n = 2, .fail = true}}, {.note.n = 3}};
  run_gathered(calls, 3);
  assert_true(calls[0].ok && !calls[1].ok && calls[2].ok);
  assert_string_equal(calls[1].err.key, "test.no");
  assert_int_equal(count_from(0), 2);
  assert_int_equal(calls[0].note.runs, 1);
  struct db_stats stats;
  db_stats(db, &stats);
  assert_int_equal(stats.failed, 1);
}

static void a_full_disk_refuses_one_unit_and_the_others_are_committed(void **state) {
  (void)state;
  struct err err;
  assert_true(db_write(db, no_room, NULL, &err));
  struct call calls[4] = {{.note.n = 1}, {.note = {.n = 2, .size = 900000}}, {.note.n = 3}, {.note = {.n = 4, .fail = true}}};
  run_gathered(calls, 4);
  assert_true(calls[0].ok && !calls[1].ok && calls[2].ok && !calls[3].ok);
  assert_string_equal(calls[1].err.key, "store.full");
  assert_int_equal(calls[1].err.code, ERR_UNAVAILABLE);
  assert_int_equal(calls[0].note.runs, 2);                    /* went with the first transaction, ran again alone */
  assert_int_equal(calls[1].note.runs, 1);
  assert_string_equal(calls[3].err.key, "test.no");
  assert_int_equal(count_from(0), 2);
}

static void a_unit_that_hides_a_full_disk_is_not_acknowledged(void **state) {
  (void)state;
  struct err err;
  assert_true(db_write(db, no_room, NULL, &err));
  struct note note = {.n = 2, .size = 900000, .swallow = true};
  assert_false(db_write(db, add, &note, &err));
  assert_string_equal(err.key, "store.full");
  add_note(3);
  assert_int_equal(count_from(0), 1);
}

static bool add_word(struct db_tx *tx, void *arg, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &q_word);
  db_bind_text(stmt, ":word", arg);
  int64_t changes = 0;
  bool ok = db_run(stmt, &changes, err);
  assert_true(!ok || changes == 1);
  return ok;
}
static void a_broken_constraint_is_a_conflict(void **state) {
  (void)state;
  struct err err;
  char word[] = "same";
  assert_true(db_write(db, add_word, word, &err));
  assert_false(db_write(db, add_word, word, &err));
  assert_int_equal(err.code, ERR_CONFLICT);
  assert_string_equal(err.key, "store.conflict");
  assert_int_equal(count_from(0), 1);
}

static void a_reader_cannot_write(void **state) {
  (void)state;
  struct db_read *read;
  struct err err = {0};
  assert_true(db_read_begin(db, &read, &err));
  struct db_stmt *stmt = db_begin(read, &q_word);
  db_bind_text(stmt, ":word", "no");
  assert_int_equal(db_step(stmt, &err), DB_FAIL);
  assert_string_equal(err.key, "store.readonly");
  db_end(stmt);
  db_read_end(read);
  assert_int_equal(count_from(0), 0);
}

static void a_reader_sees_one_moment(void **state) {
  (void)state;
  add_note(1);
  struct db_read *read;
  struct err err;
  assert_true(db_read_begin(db, &read, &err));
  for (int round = 0; round < 2; round++) {
    struct db_stmt *stmt = db_begin(read, &q_count);
    db_bind_int(stmt, ":from", 0);
    assert_int_equal(db_step(stmt, &err), DB_ROW);
    assert_int_equal(db_int(stmt, 0), 1);
    db_end(stmt);
    if (round == 0) add_note(2);
  }
  db_read_end(read);
  assert_int_equal(count_from(0), 2);
}

static void values_come_back_as_they_went(void **state) {
  (void)state;
  struct note empty = {.n = 1}, three = {.n = 2, .size = 3};
  struct err err;
  char word[] = "Aïn";
  assert_true(db_write(db, add, &empty, &err) && db_write(db, add, &three, &err) && db_write(db, add_word, word, &err));
  struct arena *arena = arena_new(0);
  struct db_read *read;
  assert_true(db_read_begin(db, &read, &err));
  struct db_stmt *stmt = db_begin(read, &q_rows);
  size_t length = 9;
  assert_int_equal(db_step(stmt, &err), DB_ROW);
  assert_non_null(db_blob(arena, stmt, 1, &length));          /* empty is not absent */
  assert_int_equal(length, 0);
  assert_null(db_text(arena, stmt, 2));
  assert_true(db_null(stmt, 2));
  assert_int_equal(db_step(stmt, &err), DB_ROW);
  assert_memory_equal(db_blob(arena, stmt, 1, &length), "\0\0\0", 3);
  assert_int_equal(length, 3);
  struct db_stmt *inner = db_begin(read, &q_rows);            /* the same query inside its own rows: a statement of its own */
  assert_int_equal(db_step(inner, &err), DB_ROW);
  assert_int_equal(db_int(inner, 0), 1);
  db_end(inner);
  assert_int_equal(db_step(stmt, &err), DB_ROW);
  assert_null(db_blob(arena, stmt, 1, &length));
  assert_string_equal(db_text(arena, stmt, 2), "Aïn");
  char cut[4];
  db_copy(stmt, 2, cut, 3);
  assert_string_equal(cut, "A");                              /* cut at a letter, never inside one */
  assert_int_equal(db_step(stmt, &err), DB_DONE);
  db_end(stmt);
  db_read_end(read);
  arena_free(arena);
}

static void *write_many(void *arg) {
  for (int i = 0; i < 40; i++) add_note((int64_t)(intptr_t)arg * 1000 + i);
  return NULL;
}
static void *read_many(void *arg) {
  (void)arg;
  for (int i = 0; i < 100; i++) (void)count_from(0);
  return NULL;
}
static void many_threads_write_and_read_at_once(void **state) {
  (void)state;
  pthread_t threads[40];
  for (intptr_t i = 0; i < 40; i++) pthread_create(&threads[i], NULL, i % 2 ? write_many : read_many, (void *)(i + 1));
  for (int i = 0; i < 40; i++) pthread_join(threads[i], NULL);
  assert_int_equal(count_from(0), 20 * 40);
  struct db_stats stats;
  db_stats(db, &stats);
  assert_true(stats.commits < stats.units);                   /* 20 writers: some must have met */
  assert_true(stats.file_bytes + stats.wal_bytes > 0);
}

static void the_log_is_folded_back_while_the_server_runs(void **state) {
  (void)state;
  struct err err;
  for (int i = 0; i < 60; i++) {
    struct note note = {.n = i, .size = 300000};
    assert_true(db_write(db, add, &note, &err));
    if (i % 20 == 19) usleep(250000);                         /* checkpoints are at least 200 ms apart */
  }
  struct db_stats stats;
  db_stats(db, &stats);
  assert_true(stats.file_bytes > 6 * 1000 * 1000);
  assert_true(stats.wal_bytes < 18 * 1000 * 1000);
}

static void who_waits_too_long_is_turned_away_and_not_written(void **state) {
  (void)state;
  sem_init(&held, 0, 0);
  sem_init(&go_on, 0, 0);
  bool ok = false;
  pthread_t holder;
  pthread_create(&holder, NULL, hold_thread, &ok);
  sem_wait(&held);
  struct note note = {.n = 7};
  struct err err;
  assert_false(db_write(db, add, &note, &err));
  assert_string_equal(err.key, "store.busy");
  assert_true(err.retry_after_s > 0);
  sem_post(&go_on);
  pthread_join(holder, NULL);
  add_note(8);
  assert_int_equal(note.runs, 0);
  assert_int_equal(count_from(0), 1);
}

static void the_path_of_a_good_unit_marks_only_the_writer(void **state) {
  (void)state;
  assert_false(db_on_writer());
  add_note(1);
  assert_false(db_on_writer());
}

int main(void) {
  secret_init();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(units_that_gathered_share_one_commit),
    TEST(a_failing_unit_leaves_the_others_alone),
    TEST(a_full_disk_refuses_one_unit_and_the_others_are_committed),
    TEST(a_unit_that_hides_a_full_disk_is_not_acknowledged),
    TEST(a_broken_constraint_is_a_conflict),
    TEST(a_reader_cannot_write),
    TEST(a_reader_sees_one_moment),
    TEST(values_come_back_as_they_went),
    TEST(many_threads_write_and_read_at_once),
    TEST(the_log_is_folded_back_while_the_server_runs),
    TEST(who_waits_too_long_is_turned_away_and_not_written),
    TEST(the_path_of_a_good_unit_marks_only_the_writer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
