/* db_inside: what db.c, db_file.c, db_write.c and db_migrate.c share; nobody else includes it. */
#ifndef MAKMAL_STORE_DB_INSIDE_H
#define MAKMAL_STORE_DB_INSIDE_H
#include <pthread.h>
#include <sqlite3.h>

#include "store/db.h"

struct db_stmt {
  sqlite3_stmt *raw;
  const struct db_query *query;
  struct db_read *read;
  bool busy;                        /* between db_begin and db_end */
  struct db_stmt *next;
};

#define DB_CACHE 64                 /* chains of the statement cache, by address of the query */
struct db_read {                    /* one connection and its statements; used by one thread at a time */
  struct db *db;
  sqlite3 *raw;
  struct db_stmt *cache[DB_CACHE];
  int busy;                         /* statements in use */
  bool writer;
  struct db_read *next;             /* in the list of idle readers */
};
struct db_tx { struct db_read read; };

#define DB_READERS_MAX 128          /* handles at once; the next caller waits */
#define DB_READERS_KEPT 8           /* idle ones kept open */
#define DB_READER_WAIT_MS 5000
#define DB_QUEUE_MAX 10000
#define DB_QUEUE_WAIT_MS 5000
#define DB_GROUP_MAX 512            /* units in one commit */
#define DB_WAL_PAGES 1000           /* checkpoint from here on */
#define DB_WAL_ALERT (64 * 1024 * 1024)

struct db_waiter;
struct db {
  char *path;
  int lock_fd;
  struct db_tx tx;                  /* the writer's connection */
  pthread_t thread;
  bool thread_runs;

  pthread_mutex_t lock;             /* all below */
  pthread_cond_t work;              /* the writer waits here */
  struct db_waiter *first, *last;
  int waiting;
  bool stop;
  struct db_stats stats;
  pthread_cond_t reader_back;
  struct db_read *idle;
  int readers, idle_count;

  int wal_pages;                    /* writer thread alone: set by SQLite's hook at each commit */
  int64_t checkpoint_ms, alert_ms;
};

/* db.c */
bool db_connect(struct db *db, struct db_read *read, bool writer, struct err *err);
void db_disconnect(struct db_read *read);
bool db_fail(sqlite3 *raw, int code, const char *doing, struct err *err);      /* SQLite's answer as an err; returns false */
bool db_simple(struct db_read *read, const struct db_query *query, struct err *err);   /* no values, no rows wanted */
void db_sweep_busy(struct db_read *read, const char *where);                   /* statements left open: a BUG, put back */
void db_cond_init(pthread_cond_t *cond);                                       /* on the monotonic clock */
int64_t db_until_us(int wait_ms);                                              /* the moment wait_ms from now on that clock */
bool db_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);  /* false: time is over */
/* db_file.c */
bool db_file_lock(const char *path, int *out_fd, struct err *err);            /* also makes the file itself, mode 0600 */
bool db_file_local(const char *path, struct err *err);
/* db_write.c */
bool db_writer_start(struct db *db, struct err *err);
void db_writer_stop(struct db *db);
#endif
