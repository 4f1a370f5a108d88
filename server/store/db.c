/* db: connections with their settings, the cache of statements, the pool of readers, opening and closing. The lock and the file system are
 * db_file's, the schema db_migrate's, writing db_write's.
 * Threads: a connection is used by one thread at a time (SQLite runs without its own mutexes), the pool has a lock. Memory: all on the heap,
 * freed by db_close; what a query returns lives in the caller's arena. */
#include "store/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "store/db_inside.h"
#include "store/db_migrate.h"

static const struct db_query q_read = {"read", "BEGIN"};
static const struct db_query q_read_end = {"read_end", "COMMIT"};

/* --- errors --------------------------------------------------------------------------------------------------------------------------- */

bool db_fail(sqlite3 *raw, int code, const char *doing, struct err *err) {
  enum err_code kind = ERR_UNAVAILABLE;
  const char *key = "store.trouble";
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT: kind = ERR_CONFLICT; key = "store.conflict"; break;
    case SQLITE_FULL: key = "store.full"; break;
    case SQLITE_BUSY: case SQLITE_LOCKED: key = "store.busy"; break;
    case SQLITE_CORRUPT: case SQLITE_NOTADB: key = "store.broken"; break;
    case SQLITE_CANTOPEN: case SQLITE_PERM: case SQLITE_READONLY: key = "store.readonly"; break;
    case SQLITE_TOOBIG: kind = ERR_LIMIT; key = "store.large"; break;
    case SQLITE_ERROR: case SQLITE_MISUSE: case SQLITE_RANGE: case SQLITE_MISMATCH: kind = ERR_BUG; key = "store.bug"; break;
    default: break;                                 /* IOERR, NOMEM and the like: trouble of the machine */
  }
  return err_set(err, kind, key, "%s: %s (%d)", doing, raw ? sqlite3_errmsg(raw) : sqlite3_errstr(code), code);
}

/* --- connections ---------------------------------------------------------------------------------------------------------------------- */

static void set_up_library(void) {
  (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);          /* its counters cost a lock per allocation */
  if (sqlite3_initialize() != SQLITE_OK) abort();
}

static bool one_text(sqlite3 *raw, const char *sql, char *out, size_t room, struct err *err) {
  sqlite3_stmt *stmt = NULL;
  int code = sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL);
  if (code == SQLITE_OK) code = sqlite3_step(stmt);
  if (code == SQLITE_ROW) snprintf(out, room, "%s", (const char *)sqlite3_column_text(stmt, 0));
  bool ok = code == SQLITE_ROW || code == SQLITE_DONE || db_fail(raw, code, sql, err);
  sqlite3_finalize(stmt);
  return ok;
}

static const struct { int what, value; } switches[] = {
  {SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_DQS_DML, 0}, {SQLITE_DBCONFIG_DQS_DDL, 0},
  {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
};
static const struct { int what, value; } limits[] = {
  {SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024}, {SQLITE_LIMIT_SQL_LENGTH, 64 * 1024}, {SQLITE_LIMIT_EXPR_DEPTH, 100}, {SQLITE_LIMIT_ATTACHED, 0},
  {SQLITE_LIMIT_COLUMN, 100}, {SQLITE_LIMIT_COMPOUND_SELECT, 20}, {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
  {SQLITE_LIMIT_VARIABLE_NUMBER, 100}, {SQLITE_LIMIT_WORKER_THREADS, 0},
};

bool db_connect(struct db *db, struct db_read *read, bool writer, struct err *err) {
  memset(read, 0, sizeof *read);
  read->db = db;
  read->writer = writer;
  int flags = (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int code = sqlite3_open_v2(db->path, &read->raw, flags, NULL);
  if (code != SQLITE_OK) goto failed;
  sqlite3_busy_timeout(read->raw, 5000);
  for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
    if ((code = sqlite3_db_config(read->raw, switches[i].what, switches[i].value, NULL)) != SQLITE_OK) goto failed;
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) sqlite3_limit(read->raw, limits[i].what, limits[i].value);
  if (!writer && (code = sqlite3_db_config(read->raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL)) != SQLITE_OK) goto failed;
  if (writer && sqlite3_db_readonly(read->raw, "main") == 1) { code = SQLITE_READONLY; goto failed; }
  const char *settings = writer
    ? "PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=16777216"
    : "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-512; PRAGMA query_only=ON";
  char mode[16] = "";
  if (writer && !one_text(read->raw, "PRAGMA journal_mode=WAL", mode, sizeof mode, err)) goto told;
  if (writer && strcmp(mode, "wal") != 0) {
    err_set(err, ERR_UNAVAILABLE, "store.network", "journal mode is %s", mode);       /* no shared memory here: not a local file system */
    goto told;
  }
  if ((code = sqlite3_exec(read->raw, settings, NULL, NULL, NULL)) != SQLITE_OK) goto failed;
  return true;
failed:
  db_fail(read->raw, code, writer ? "open writer" : "open reader", err);
told:
  err_param(err, "file", "%s", db->path);
  sqlite3_close(read->raw);
  read->raw = NULL;
  return false;
}

void db_disconnect(struct db_read *read) {
  for (int i = 0; i < DB_CACHE; i++)
    for (struct db_stmt *stmt = read->cache[i], *next; stmt; stmt = next) {
      next = stmt->next;
      sqlite3_finalize(stmt->raw);
      free(stmt);
    }
  if (sqlite3_close(read->raw) != SQLITE_OK) BUG("a statement outlives its connection");
  memset(read, 0, sizeof *read);
}

/* --- statements ----------------------------------------------------------------------------------------------------------------------- */

struct db_stmt *db_begin(struct db_read *read, const struct db_query *query) {
  struct db_stmt **chain = &read->cache[((uintptr_t)query >> 4) % DB_CACHE], *stmt = *chain;
  while (stmt && (stmt->query != query || stmt->busy)) stmt = stmt->next;      /* busy: a query that is run again inside its own rows */
  if (!stmt) {
    stmt = calloc(1, sizeof *stmt);
    if (!stmt) abort();
    stmt->query = query;
    stmt->read = read;
    const char *rest = "";
    int code = sqlite3_prepare_v3(read->raw, query->text, -1, SQLITE_PREPARE_PERSISTENT, &stmt->raw, &rest);
    if (code != SQLITE_OK) BUG("query %s: %s", query->name, sqlite3_errmsg(read->raw));
    else if (rest[strspn(rest, " \n;")]) BUG("query %s: more than one statement", query->name);
    stmt->next = *chain;
    *chain = stmt;
  }
  stmt->busy = true;
  read->busy++;
  if (log_traces("sql")) log_debug("store.query", "name=%s", query->name);
  return stmt;
}

static int place(struct db_stmt *stmt, const char *name) {
  int index = sqlite3_bind_parameter_index(stmt->raw, name);
  if (index == 0) BUG("query %s has no parameter %s", stmt->query->name, name);
  return index;
}

static void bound(struct db_stmt *stmt, const char *name, int code) {
  if (code != SQLITE_OK) BUG("query %s, %s: %s", stmt->query->name, name, sqlite3_errstr(code));
}

void db_bind_text(struct db_stmt *stmt, const char *name, const char *text) {
  bound(stmt, name, sqlite3_bind_text(stmt->raw, place(stmt, name), text, -1, SQLITE_STATIC));
}

void db_bind_int(struct db_stmt *stmt, const char *name, int64_t value) { bound(stmt, name, sqlite3_bind_int64(stmt->raw, place(stmt, name), value)); }

void db_bind_blob(struct db_stmt *stmt, const char *name, const void *bytes, size_t length) {
  bound(stmt, name, sqlite3_bind_blob64(stmt->raw, place(stmt, name), length ? bytes : "", length, SQLITE_STATIC));
}

enum db_step db_step(struct db_stmt *stmt, struct err *err) {
  int code = stmt->raw ? sqlite3_step(stmt->raw) : SQLITE_MISUSE;
  if (code == SQLITE_ROW) return DB_ROW;
  if (code == SQLITE_DONE) return DB_DONE;
  db_fail(stmt->read->raw, code, stmt->query->name, err);
  return DB_FAIL;
}

int64_t db_int(struct db_stmt *stmt, int column) { return sqlite3_column_int64(stmt->raw, column); }
bool db_null(struct db_stmt *stmt, int column) { return sqlite3_column_type(stmt->raw, column) == SQLITE_NULL; }

const char *db_text(struct arena *arena, struct db_stmt *stmt, int column) {
  const char *text = (const char *)sqlite3_column_text(stmt->raw, column);
  return text ? arena_strn(arena, text, (size_t)sqlite3_column_bytes(stmt->raw, column)) : NULL;
}

void db_copy(struct db_stmt *stmt, int column, char *out, size_t room) {
  const char *text = (const char *)sqlite3_column_text(stmt->raw, column);
  size_t length = text ? strlen(text) : 0;
  if (length >= room) {
    length = room - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;     /* never inside a letter */
  }
  if (length) memcpy(out, text, length);
  out[length] = 0;
}

const void *db_blob(struct arena *arena, struct db_stmt *stmt, int column, size_t *out_length) {
  if (db_null(stmt, column)) {
    *out_length = 0;
    return NULL;
  }
  const void *bytes = sqlite3_column_blob(stmt->raw, column);
  size_t length = (size_t)sqlite3_column_bytes(stmt->raw, column);
  char *copy = arena_alloc(arena, length + 1);               /* a NUL behind, for who knows that it is text */
  if (length) memcpy(copy, bytes, length);
  *out_length = length;
  return copy;
}

void db_end(struct db_stmt *stmt) {
  if (!stmt || !stmt->busy) return;
  (void)sqlite3_reset(stmt->raw);                            /* repeats the error of the last step, which db_step told */
  (void)sqlite3_clear_bindings(stmt->raw);
  stmt->busy = false;
  stmt->read->busy--;
}

bool db_run(struct db_stmt *stmt, int64_t *out_changes, struct err *err) {
  sqlite3 *raw = stmt->read->raw;
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) BUG("query %s gives rows", stmt->query->name);
  int64_t changes = sqlite3_changes64(raw);
  db_end(stmt);
  if (step != DB_FAIL && out_changes) *out_changes = changes;
  return step != DB_FAIL;
}

bool db_simple(struct db_read *read, const struct db_query *query, struct err *err) {
  struct db_stmt *stmt = db_begin(read, query);
  enum db_step step = db_step(stmt, err);
  db_end(stmt);
  return step != DB_FAIL;
}

void db_sweep_busy(struct db_read *read, const char *where) {
  if (read->busy == 0) return;
  for (int i = 0; i < DB_CACHE; i++)
    for (struct db_stmt *stmt = read->cache[i]; stmt; stmt = stmt->next)
      if (stmt->busy) {
        db_end(stmt);
        BUG("%s: query %s was not ended", where, stmt->query->name);
      }
}

/* --- readers -------------------------------------------------------------------------------------------------------------------------- */

void db_cond_init(pthread_cond_t *cond) {
  pthread_condattr_t about;
  pthread_condattr_init(&about);
  pthread_condattr_setclock(&about, CLOCK_MONOTONIC);
  pthread_cond_init(cond, &about);
  pthread_condattr_destroy(&about);
}

bool db_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us) {
  struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
  return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

int64_t db_until_us(int wait_ms) {                           /* not mono_us: a test may have shifted that one */
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + (int64_t)wait_ms * 1000;
}

bool db_read_begin(struct db *db, struct db_read **out, struct err *err) {
  int64_t until = db_until_us(DB_READER_WAIT_MS);
  pthread_mutex_lock(&db->lock);
  while (!db->idle && db->readers >= DB_READERS_MAX)
    if (!db_cond_wait(&db->reader_back, &db->lock, until) && !db->idle && db->readers >= DB_READERS_MAX) {
      pthread_mutex_unlock(&db->lock);
      err_set(err, ERR_UNAVAILABLE, "store.busy", "%d readers in use", DB_READERS_MAX);
      if (err) err->retry_after_s = 2;
      return false;
    }
  struct db_read *read = db->idle;
  if (read) {
    db->idle = read->next;
    db->idle_count--;
  } else {
    db->readers++;
  }
  pthread_mutex_unlock(&db->lock);
  bool ok = true;
  if (!read) {
    read = calloc(1, sizeof *read);
    if (!read) abort();
    ok = db_connect(db, read, false, err);
  }
  if (ok && db_simple(read, &q_read, err)) {
    *out = read;
    return true;
  }
  if (ok) db_disconnect(read);
  free(read);
  pthread_mutex_lock(&db->lock);
  db->readers--;
  pthread_cond_signal(&db->reader_back);
  pthread_mutex_unlock(&db->lock);
  return false;
}

void db_read_end(struct db_read *read) {
  if (!read) return;
  struct db *db = read->db;
  if (read->writer) {
    BUG("the writer's connection is not a reader to end");
    return;
  }
  db_sweep_busy(read, "reader");
  bool keep = db_simple(read, &q_read_end, NULL);
  pthread_mutex_lock(&db->lock);
  keep = keep && db->idle_count < DB_READERS_KEPT;
  if (keep) {
    read->next = db->idle;
    db->idle = read;
    db->idle_count++;
  } else {
    db->readers--;
  }
  pthread_cond_signal(&db->reader_back);
  pthread_mutex_unlock(&db->lock);
  if (keep) return;
  db_disconnect(read);
  free(read);
}

/* --- the file ------------------------------------------------------------------------------------------------------------------------- */

static void free_db(struct db *db) {
  if (db->tx.read.raw) db_disconnect(&db->tx.read);
  if (db->lock_fd >= 0) close(db->lock_fd);
  pthread_cond_destroy(&db->work);
  pthread_cond_destroy(&db->reader_back);
  pthread_mutex_destroy(&db->lock);
  free(db->path);
  free(db);
}

static struct db *new_db(const char *path) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up_library);
  struct db *db = calloc(1, sizeof *db);
  if (!db || !(db->path = strdup(path))) abort();
  db->lock_fd = -1;
  pthread_mutex_init(&db->lock, NULL);
  db_cond_init(&db->work);
  db_cond_init(&db->reader_back);
  return db;
}

bool db_look(const char *path, struct db **out, struct err *err) {
  struct db *db = new_db(path);
  struct db_read *read = NULL;
  bool ok = db_file_local(path, err) && db_read_begin(db, &read, err) && db_migrated(read, path, db_migrations, db_migration_count, err);
  db_read_end(read);
  if (!ok) {
    db_close(db);
    return false;
  }
  *out = db;
  return true;
}

bool db_open(const char *path, struct db **out, struct err *err) {
  struct db *db = new_db(path);
  bool ok = db_file_local(path, err) && db_file_lock(path, &db->lock_fd, err) && db_connect(db, &db->tx.read, true, err) &&
            db_migrate(&db->tx.read, path, db_migrations, db_migration_count, err) && db_writer_start(db, err);
  if (!ok) {
    free_db(db);
    return false;
  }
  *out = db;
  return true;
}

void db_close(struct db *db) {
  if (!db) return;
  db_writer_stop(db);
  pthread_mutex_lock(&db->lock);
  int64_t until = db_until_us(DB_READER_WAIT_MS);
  while (db->readers > db->idle_count && db_cond_wait(&db->reader_back, &db->lock, until)) {}
  if (db->readers > db->idle_count) BUG("%d readers outlive their file", db->readers - db->idle_count);
  struct db_read *idle = db->idle;
  db->idle = NULL;
  pthread_mutex_unlock(&db->lock);
  for (struct db_read *next; idle; idle = next) {
    next = idle->next;
    db_disconnect(idle);
    free(idle);
  }
  free_db(db);                                               /* the writer is the last connection: it checkpoints and removes the log */
}

static int64_t size_of(const char *path, const char *tail) {
  char name[4096];
  struct stat about;
  snprintf(name, sizeof name, "%s%s", path, tail);
  return stat(name, &about) == 0 ? about.st_size : 0;
}

void db_stats(struct db *db, struct db_stats *out) {
  pthread_mutex_lock(&db->lock);
  *out = db->stats;
  out->waiting = db->waiting;
  pthread_mutex_unlock(&db->lock);
  out->file_bytes = size_of(db->path, "");
  out->wal_bytes = size_of(db->path, "-wal");
}
