/* db: one SQLite file: connections, statements, the one writer thread, readers. Only the store floor binds and steps; `domain` opens readers
 * and hands write units over. WAL, synchronous=FULL, STRICT tables; the writer alone checkpoints (two connections that do could lose the log).
 * One process writes a file: the lock <path>.lock is held while it is open. */
#ifndef MAKMAL_STORE_DB_H
#define MAKMAL_STORE_DB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct buf;
struct db;          /* the file */
struct db_read;     /* one read transaction: a snapshot, query_only */
struct db_tx;       /* one write unit's transaction; exists on the writer thread alone */

/* Opens, locks, migrates. Errors, one sentence each: "store.locked" (another server has it), "store.newer" (schema of a newer version),
 * "store.broken" (integrity), "store.foreign" (a database that is not ours), "store.readonly", "store.folder" (not there), "store.network" (NFS and
 * the like). Owner closes with db_close. */
bool db_open(const char *path, struct db **out, struct err *err);
/* For looking alone, beside a server that runs or without one: no lock, no writer, no migration (db_write must not be called). Errors as above, and
 * "store.older": the file has not had the migrations of this program. */
bool db_look(const char *path, struct db **out, struct err *err);
void db_close(struct db *db);                                   /* finishes what is queued, checkpoints */

/* A reader lives one request or job, never a stream. Any thread. */
bool db_read_begin(struct db *db, struct db_read **out, struct err *err);
void db_read_end(struct db_read *read);                         /* NULL is fine */

/* Runs unit(tx, arg) on the writer thread inside a savepoint; returns after the commit that holds it has been synced. Several units share one
 * commit. A unit that returns false leaves nothing behind and costs the others nothing. Queue of 10,000 or 5 s: ERR_UNAVAILABLE "store.busy".
 * Disk full: ERR_UNAVAILABLE "store.full". Any thread but the writer's.
 * A unit may run twice (after a full disk those of a group are run again one by one): it touches tx and overwrites its outputs, nothing else;
 * publishing comes after db_write. A reader begun earlier does not see what was written. */
typedef bool (*db_unit)(struct db_tx *tx, void *arg, struct err *err);
bool db_write(struct db *db, db_unit unit, void *arg, struct err *err);
struct db_read *db_tx_read(struct db_tx *tx);                   /* to call reading functions inside a unit */
bool db_on_writer(void);                                        /* true on the writer thread while a unit runs; kube, check and file call BUG() then */

struct db_stats { uint64_t units, commits, failed; int waiting; int64_t wal_bytes, file_bytes, sync_us_max; };
void db_stats(struct db *db, struct db_stats *out);

/* --- for store_*.c only ------------------------------------------------------------------------------------------------------------------
 * Each store_*.c opens with an enum of its queries and `const struct db_query store_<room>_queries[] = {[Q_X] = {"x", "SELECT …"}, …, {0}};`,
 * used as db_begin(read, &store_<room>_queries[Q_X]). One test finds the arrays by the names of the files, prepares all and fails on a full scan
 * whose text does not say why: SELECT /-*scan: why*-/ … (without the dashes). Bound by name, never formatted. */
struct db_query { const char *name, *text; };        /* one statement */
struct db_stmt;
enum db_step { DB_ROW, DB_DONE, DB_FAIL };
/* A cached statement, reset and unbound. Ends with db_end (also after DB_FAIL). Never NULL: a mistake in SQL is a BUG. */
struct db_stmt *db_begin(struct db_read *read, const struct db_query *query);
void db_bind_text(struct db_stmt *stmt, const char *name, const char *text);          /* ":name"; NULL binds NULL; text must live until db_end */
void db_bind_int(struct db_stmt *stmt, const char *name, int64_t value);
void db_bind_blob(struct db_stmt *stmt, const char *name, const void *bytes, size_t length);
enum db_step db_step(struct db_stmt *stmt, struct err *err);
int64_t db_int(struct db_stmt *stmt, int column);
const char *db_text(struct arena *arena, struct db_stmt *stmt, int column);           /* NULL for NULL */
void db_copy(struct db_stmt *stmt, int column, char *out, size_t room);               /* text, cut to room; "" for NULL */
const void *db_blob(struct arena *arena, struct db_stmt *stmt, int column, size_t *out_length);
bool db_null(struct db_stmt *stmt, int column);
void db_end(struct db_stmt *stmt);
/* Steps a statement that gives no row. *out_changes (may be NULL): rows changed. Constraint broken: ERR_CONFLICT "store.conflict". */
bool db_run(struct db_stmt *stmt, int64_t *out_changes, struct err *err);             /* includes db_end */
#endif
