/* db_write: the one writer thread. It takes what waits in the queue, runs each unit in a savepoint, commits what has gathered (the length of the
 * last commit is the timer) and answers after the sync. It alone checkpoints, after answering.
 * A full disk, a read or write fault or missing memory ends the whole transaction. Then the units that had gone well are run again one
 * by one, each with its own commit, so that none is answered before a commit that holds it: hence a unit may run twice. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "store/db_inside.h"

enum waiter_state { WAITS, RUNS, ANSWERED };     /* the queue's lock */
struct db_waiter {                  /* one call of db_write; on its caller's stack */
  db_unit unit;
  void *arg;
  struct err *err;
  bool ok;
  enum waiter_state state;
  pthread_mutex_t lock;             /* of `told` alone: those who are answered together would queue for the queue's lock to learn it */
  pthread_cond_t answered;
  bool told;
  struct db_waiter *before, *after;
};

static const struct db_query q_begin = {"begin", "BEGIN IMMEDIATE"};
static const struct db_query q_commit = {"commit", "COMMIT"};
static const struct db_query q_rollback = {"rollback", "ROLLBACK"};
static const struct db_query q_save = {"save", "SAVEPOINT unit"};
static const struct db_query q_release = {"release", "RELEASE unit"};
static const struct db_query q_undo = {"undo", "ROLLBACK TO unit"};

static _Thread_local bool in_unit;
bool db_on_writer(void) { return in_unit; }
struct db_read *db_tx_read(struct db_tx *tx) { return &tx->read; }

/* --- the caller's side ---------------------------------------------------------------------------------------------------------------- */

/* Lock held. */
static void unlink_waiter(struct db *db, struct db_waiter *waiter) {
  *(waiter->before ? &waiter->before->after : &db->first) = waiter->after;
  *(waiter->after ? &waiter->after->before : &db->last) = waiter->before;
  db->waiting--;
}

static bool refuse(struct err *err, const char *key, const char *why) {
  err_set(err, ERR_UNAVAILABLE, key, "%s", why);
  if (err) err->retry_after_s = 2;
  return false;
}

/* until_us 0: without a limit. False: time is over. */
static bool was_told(struct db_waiter *waiter, int64_t until_us) {
  bool in_time = true;
  pthread_mutex_lock(&waiter->lock);
  while (!waiter->told && in_time) {
    if (until_us) in_time = db_cond_wait(&waiter->answered, &waiter->lock, until_us);
    else pthread_cond_wait(&waiter->answered, &waiter->lock);
  }
  bool told = waiter->told;
  pthread_mutex_unlock(&waiter->lock);
  return told;
}

bool db_write(struct db *db, db_unit unit, void *arg, struct err *err) {
  if (in_unit) {
    BUG("db_write inside a write unit");
    return err_set(err, ERR_BUG, "store.bug", "db_write inside a write unit");
  }
  struct db_waiter waiter = {.unit = unit, .arg = arg, .err = err};
  int64_t until = db_until_us(DB_QUEUE_WAIT_MS);
  pthread_mutex_lock(&db->lock);
  if (db->stop || db->waiting >= DB_QUEUE_MAX) {
    bool stopped = db->stop;
    pthread_mutex_unlock(&db->lock);
    return refuse(err, stopped ? "store.closing" : "store.busy", stopped ? "closing" : "queue is full");
  }
  pthread_mutex_init(&waiter.lock, NULL);
  db_cond_init(&waiter.answered);
  waiter.before = db->last;
  *(db->last ? &db->last->after : &db->first) = &waiter;
  db->last = &waiter;
  db->waiting++;
  pthread_cond_signal(&db->work);
  pthread_mutex_unlock(&db->lock);
  bool given_up = false;
  if (!was_told(&waiter, until)) {
    pthread_mutex_lock(&db->lock);
    given_up = waiter.state == WAITS;
    if (given_up) unlink_waiter(db, &waiter);
    pthread_mutex_unlock(&db->lock);
    if (!given_up) was_told(&waiter, 0);                       /* it runs and will be answered: nobody may leave now */
  }
  pthread_cond_destroy(&waiter.answered);
  pthread_mutex_destroy(&waiter.lock);
  return given_up ? refuse(err, "store.busy", "waited 5 s for the writer") : waiter.ok;
}

/* --- the writer's side ---------------------------------------------------------------------------------------------------------------- */

static struct db_waiter *take(struct db *db) {
  pthread_mutex_lock(&db->lock);
  struct db_waiter *waiter = db->first;
  if (waiter) {
    unlink_waiter(db, waiter);
    waiter->state = RUNS;
  }
  pthread_mutex_unlock(&db->lock);
  return waiter;
}

static void answer(struct db *db, struct db_waiter **group, int count, int64_t commit_us) {
  pthread_mutex_lock(&db->lock);
  db->stats.commits += commit_us >= 0;
  if (commit_us > db->stats.sync_us_max) db->stats.sync_us_max = commit_us;
  for (int i = 0; i < count; i++) {
    db->stats.units++;
    db->stats.failed += !group[i]->ok;
    group[i]->state = ANSWERED;
  }
  pthread_mutex_unlock(&db->lock);
  for (int i = 0; i < count; i++) {
    struct db_waiter *waiter = group[i];
    pthread_mutex_lock(&waiter->lock);
    waiter->told = true;
    pthread_cond_signal(&waiter->answered);                    /* under its lock: the waiter stands on its caller's stack, which goes once it is told */
    pthread_mutex_unlock(&waiter->lock);
  }
}

static bool gone(struct db *db) { return sqlite3_get_autocommit(db->tx.read.raw) != 0; }

/* Runs the unit inside the open transaction; on failure what it wrote is undone, if need be with the whole transaction: then gone() is true. */
static void run(struct db *db, struct db_waiter *waiter) {
  struct db_read *read = &db->tx.read;
  err_clear(waiter->err);
  waiter->ok = db_simple(read, &q_save, waiter->err);
  if (!waiter->ok) return;
  in_unit = true;
  waiter->ok = waiter->unit(&db->tx, waiter->arg, waiter->err);
  in_unit = false;
  db_sweep_busy(read, "write unit");
  if (gone(db)) {
    if (waiter->ok) db_fail(NULL, SQLITE_FULL, "a unit went on after its transaction had ended", waiter->err);
    waiter->ok = false;
    return;
  }
  if (!waiter->ok && waiter->err && waiter->err->code == ERR_NONE) err_set(waiter->err, ERR_BUG, "store.bug", "a write unit failed without a reason");
  bool undone = waiter->ok || db_simple(read, &q_undo, NULL);
  bool released = undone && db_simple(read, &q_release, waiter->ok ? waiter->err : NULL);
  if (released) return;
  waiter->ok = false;
  if (!gone(db)) (void)db_simple(read, &q_rollback, NULL);     /* its half would else be committed with the others */
}

/* Commits; on failure nothing stands open. Returns the time it took, -1 on failure. */
static int64_t commit(struct db *db, struct err *err) {
  int64_t from = mono_us();
  if (db_simple(&db->tx.read, &q_commit, err)) return mono_us() - from;
  if (!gone(db)) (void)db_simple(&db->tx.read, &q_rollback, NULL);
  return -1;
}

static void run_alone(struct db *db, struct db_waiter *waiter) {
  int64_t commit_us = -1;
  err_clear(waiter->err);
  waiter->ok = db_simple(&db->tx.read, &q_begin, waiter->err);
  if (waiter->ok) {
    run(db, waiter);
    if (waiter->ok) {
      struct err err = {0};
      commit_us = commit(db, &err);
      waiter->ok = commit_us >= 0;
      if (!waiter->ok && waiter->err) *waiter->err = err;
    } else if (!gone(db)) {
      (void)db_simple(&db->tx.read, &q_rollback, NULL);
    }
  }
  answer(db, &waiter, 1, commit_us);
}

/* Takes units until the queue is empty or the group is large, and commits them together. */
static void run_group(struct db *db) {
  struct db_waiter *group[DB_GROUP_MAX], *next;
  int count = 0;
  struct err err = {0};
  bool open = db_simple(&db->tx.read, &q_begin, &err);
  while (open && count < DB_GROUP_MAX && (next = take(db))) {
    group[count++] = next;
    run(db, next);
    open = !gone(db);
  }
  if (open && count == 0) {                                   /* who waited has given up meanwhile */
    (void)db_simple(&db->tx.read, &q_rollback, NULL);
    return;
  }
  int64_t commit_us = -1;
  bool any = false;
  for (int i = 0; i < count; i++) any = any || group[i]->ok;
  if (open && any) commit_us = commit(db, &err);
  else if (open) (void)db_simple(&db->tx.read, &q_rollback, NULL);
  if (commit_us >= 0 || (!any && count > 0)) {
    answer(db, group, count, commit_us);
    return;
  }
  if (count == 0 && (next = take(db))) group[count++] = next, next->ok = true;       /* not even BEGIN worked: each hears its own reason */
  const struct err *why = count && !group[count - 1]->ok && group[count - 1]->err ? group[count - 1]->err : &err;
  log_warn("store.alone", "units=%d why=\"%s\"", count, why->detail);
  for (int i = 0; i < count; i++) {
    if (group[i]->ok) run_alone(db, group[i]);
    else answer(db, &group[i], 1, -1);
  }
}

static int note_pages(void *ctx, sqlite3 *raw, const char *name, int pages) {
  (void)raw, (void)name;
  ((struct db *)ctx)->wal_pages = pages;
  return SQLITE_OK;
}

static void checkpoint(struct db *db) {
  int64_t now = mono_ms();
  if (db->wal_pages < DB_WAL_PAGES || now - db->checkpoint_ms < 200) return;         /* a long reader may hold it up: ask again, but not each time */
  db->checkpoint_ms = now;
  int pages = 0, done = 0;
  int code = sqlite3_wal_checkpoint_v2(db->tx.read.raw, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done);
  if (code != SQLITE_OK) log_warn("store.checkpoint", "why=\"%s\"", sqlite3_errstr(code));
  else if (pages == done) db->wal_pages = 0;
  if ((int64_t)(pages - done) * 4096 > DB_WAL_ALERT && now - db->alert_ms > 60000) {
    db->alert_ms = now;
    log_warn("store.wal", "pages=%d done=%d why=\"a reader has been open for long\"", pages, done);
  }
}

static void *writer(void *ctx) {
  struct db *db = ctx;
  for (;;) {
    pthread_mutex_lock(&db->lock);
    while (!db->first && !db->stop) pthread_cond_wait(&db->work, &db->lock);
    bool over = !db->first;
    pthread_mutex_unlock(&db->lock);
    if (over) return NULL;
    run_group(db);
    checkpoint(db);
  }
}

bool db_writer_start(struct db *db, struct err *err) {
  sqlite3_wal_hook(db->tx.read.raw, note_pages, db);
  int why = pthread_create(&db->thread, NULL, writer, db);
  if (why != 0) return err_set(err, ERR_UNAVAILABLE, "store.trouble", "writer thread: %s", strerror(why));
  db->thread_runs = true;
  return true;
}

void db_writer_stop(struct db *db) {
  if (!db->thread_runs) return;
  pthread_mutex_lock(&db->lock);
  db->stop = true;
  pthread_cond_signal(&db->work);
  pthread_mutex_unlock(&db->lock);
  pthread_join(db->thread, NULL);
  db->thread_runs = false;
}
