/* kill_writer [KILLS [SEED]]: kills a process that writes with kill -9, again and again, at any moment: while it opens the file, while four threads
 * write, while it checkpoints. After each kill the file is opened again and must hold: every row that was acknowledged; both halves of each unit or
 * neither; nothing of the units that failed on purpose; every earlier row, unharmed. Prints the slowest opening. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/wallclock.h"
#include "store/db.h"
#include "unit/store/scratch.h"

#define THREADS 4
#define BODY 700                  /* bytes of a row: with four threads the log is folded back several times a second */

static const struct db_query q_make = {"make", "CREATE TABLE IF NOT EXISTS note(thread INTEGER, n INTEGER, half INTEGER, body BLOB, PRIMARY KEY(thread, n, half)) STRICT, WITHOUT ROWID"};
static const struct db_query q_add = {"add", "INSERT INTO note(thread, n, half, body) VALUES(:thread, :n, :half, :body)"};
static const struct db_query q_last = {"last", "SELECT coalesce(max(n), 0) FROM note WHERE thread = :thread"};
static const struct db_query q_rows = {"rows", "SELECT n, half, body FROM note WHERE thread = :thread AND n > :after ORDER BY n, half"};
static const struct db_query q_count = {"count", "SELECT count(*) FROM note WHERE thread = :thread"};

struct note { int64_t thread, n; bool fail; };
struct told { int64_t thread, n; };

static void die(const char *what, const struct err *err) {
  fprintf(stderr, "kill_writer: %s: %s: %s\n", what, err ? err->key : "", err ? err->detail : "");
  exit(1);
}

/* What the body of a row must be: it can be told from its place. */
static void body_of(int64_t thread, int64_t n, int64_t half, unsigned char out[BODY]) {
  for (int i = 0; i < BODY; i++) out[i] = (unsigned char)(thread * 7 + n * 13 + half * 101 + i);
}

static bool make(struct db_tx *tx, void *arg, struct err *err) { (void)arg; return db_run(db_begin(db_tx_read(tx), &q_make), NULL, err); }

static bool add(struct db_tx *tx, void *arg, struct err *err) {
  const struct note *note = arg;
  unsigned char body[BODY];
  for (int64_t half = 0; half < 2; half++) {
    body_of(note->thread, note->n, half, body);
    struct db_stmt *stmt = db_begin(db_tx_read(tx), &q_add);
    db_bind_int(stmt, ":thread", note->thread);
    db_bind_int(stmt, ":n", note->n);
    db_bind_int(stmt, ":half", half);
    db_bind_blob(stmt, ":body", body, sizeof body);
    if (!db_run(stmt, NULL, err)) return false;
    if (note->fail) return err_set(err, ERR_INVALID, "test.no", "half a unit");       /* must leave nothing */
  }
  return true;
}

static int64_t one(struct db_read *read, const struct db_query *query, int64_t thread) {
  struct err err = {0};
  struct db_stmt *stmt = db_begin(read, query);
  db_bind_int(stmt, ":thread", thread);
  if (db_step(stmt, &err) != DB_ROW) die(query->name, &err);
  int64_t value = db_int(stmt, 0);
  db_end(stmt);
  return value;
}

/* --- the process that is killed ---------------------------------------------------------------------------------------------------------------- */

static struct db *db;
static void *write_for_ever(void *arg) {
  struct note note = {.thread = (int64_t)(intptr_t)arg};
  struct err err = {0};
  struct db_read *read;
  if (!db_read_begin(db, &read, &err)) die("reader", &err);
  note.n = one(read, &q_last, note.thread) + 1;
  db_read_end(read);
  for (;; note.n++) {
    note.fail = true;
    if (note.n % 3 == 0 && db_write(db, add, &note, &err)) die("a failing unit was acknowledged", NULL);
    note.fail = false;
    if (!db_write(db, add, &note, &err)) die("write", &err);
    struct told told = {note.thread, note.n};
    if (write(STDOUT_FILENO, &told, sizeof told) != sizeof told) exit(2);              /* small: one piece, never mixed */
  }
}
static int writer(const char *path) {
  struct err err = {0};
  if (!db_open(path, &db, &err) || !db_write(db, make, NULL, &err)) die("open", &err);
  pthread_t threads[THREADS];
  for (intptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, write_for_ever, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  return 1;
}

/* --- the process that kills -------------------------------------------------------------------------------------------------------------------- */

static uint64_t dice_state;
static uint64_t dice(uint64_t sides) {
  dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
  return (dice_state >> 33) % sides;
}

/* Rows after `after` are compared byte for byte; together with those before they must be as many as their numbers say. */
static int64_t check_thread(struct db_read *read, int64_t thread, int64_t after) {
  struct err err = {0};
  struct db_stmt *stmt = db_begin(read, &q_rows);
  db_bind_int(stmt, ":thread", thread);
  db_bind_int(stmt, ":after", after);
  int64_t n = after, half = 1;
  enum db_step step;
  while ((step = db_step(stmt, &err)) == DB_ROW) {
    half = 1 - half;
    if (half == 0) n++;
    unsigned char want[BODY];
    body_of(thread, n, half, want);
    char text[3 * BODY];
    db_copy(stmt, 0, text, sizeof text);
    if (db_int(stmt, 0) != n || db_int(stmt, 1) != half) {
      fprintf(stderr, "kill_writer: thread %" PRId64 ": row %s half %" PRId64 " stands where %" PRId64 " half %" PRId64 " should\n", thread, text, db_int(stmt, 1), n, half);
      exit(1);
    }
    struct arena *arena = arena_new(0);
    size_t length;
    const void *body = db_blob(arena, stmt, 2, &length);
    if (length != BODY || memcmp(body, want, BODY) != 0) die("a row is not what was written", NULL);
    arena_free(arena);
  }
  db_end(stmt);
  if (step == DB_FAIL) die("rows", &err);
  if (half != 1) die("half a unit is there", NULL);
  if (one(read, &q_count, thread) != 2 * n) die("earlier rows are missing", NULL);
  return n;
}

int main(int argc, char **argv) {
  if (!secret_init()) return 1;
  log_init(LOG_WARN_, NULL);
  if (argc == 3 && !strcmp(argv[1], "--write")) return writer(argv[2]);
  int kills = argc > 1 ? atoi(argv[1]) : 200;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)wall_ms();
  dice_state = seed;
  struct scratch scratch;
  scratch_make(&scratch);
  int64_t held[THREADS] = {0}, acknowledged[THREADS] = {0}, slowest_us = 0, began = mono_ms();
  int early = 0;
  for (int kill = 0; kill < kills; kill++) {
    char self[4096] = "/proc/self/exe";
    char *arguments[] = {argv[0], "--write", scratch.path, NULL};
    char *environment[] = {"ASAN_OPTIONS=detect_leaks=0", NULL};
    struct spawn_spec spec = {.path = self, .argv = arguments, .envp = environment, .pipes = true, .err_fd = -1};
    struct spawned child;
    struct err err = {0};
    if (!spawn_start(&spec, &child, &err)) die("spawn", &err);
    struct told told;
    bool at_once = kill > 0 && dice(4) == 0;                  /* one in four while it opens: in the midst of recovery */
    if (!at_once && read(child.from, &told, sizeof told) == sizeof told) acknowledged[told.thread] = told.n;
    usleep((useconds_t)dice(at_once ? 8000 : 40000));
    int from = dup(child.from);                               /* what it had told before it died is still in the pipe */
    spawn_kill(&child);
    int heard = at_once ? 0 : 1;
    while (read(from, &told, sizeof told) == sizeof told) {
      acknowledged[told.thread] = told.n;
      heard++;
    }
    close(from);
    early += heard == 0;
    int64_t opening = mono_us();
    struct db_read *read_;
    if (!db_open(scratch.path, &db, &err)) die("open after a kill", &err);
    opening = mono_us() - opening;
    if (opening > slowest_us) slowest_us = opening;
    if (!db_write(db, make, NULL, &err) || !db_read_begin(db, &read_, &err)) die("after a kill", &err);
    for (int thread = 0; thread < THREADS; thread++) {
      held[thread] = check_thread(read_, thread, held[thread]);
      if (held[thread] < acknowledged[thread]) {
        fprintf(stderr, "kill_writer: seed %" PRIu64 ", kill %d: thread %d was told %" PRId64 ", the file holds %" PRId64 "\n", seed, kill, thread, acknowledged[thread], held[thread]);
        return 1;
      }
      acknowledged[thread] = held[thread];
    }
    db_read_end(read_);
    db_close(db);
  }
  int64_t units = 0;
  for (int thread = 0; thread < THREADS; thread++) units += held[thread];
  scratch_remove(&scratch);
  printf("%d kills (%d before the first row), %" PRId64 " units, 0 acknowledged lost, slowest opening %" PRId64 " ms, %.1f s, seed %" PRIu64 "\n", kills, early, units,
         slowest_us / 1000, (double)(mono_ms() - began) / 1000, seed);
  if (slowest_us > 10 * 1000000) die("an opening took more than 10 s", NULL);
  if (units < kills) die("too few rows were written for this to show anything", NULL);
  return 0;
}
