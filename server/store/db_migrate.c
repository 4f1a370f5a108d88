/* db_migrate: which migrations a file has had stands in its table `migration`; user_version repeats the highest number for tools that look in from outside. */
#include "store/db_migrate.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "store/db_inside.h"

#define APPLICATION_ID 0x4D4B4D4C              /* "MKML", in the file's header */
#define CHECKED_AT_START (64 * 1024 * 1024)    /* larger files are checked by `doctor` alone: a start may take 10 s at most */

static const struct db_query q_application = {"application", "PRAGMA application_id"};
static const struct db_query q_tables = {"tables", "SELECT count(*) FROM sqlite_schema"};
static const struct db_query q_check = {"check", "PRAGMA quick_check(1)"};
static const struct db_query q_numbers = {"numbers", "SELECT number FROM migration ORDER BY number DESC"};
static const struct db_query q_applied = {"applied", "SELECT 1 FROM migration WHERE number = :number"};
static const struct db_query q_add = {"add", "INSERT INTO migration(number, applied_ms) VALUES(:number, :applied_ms)"};
static const struct db_query q_begin = {"begin", "BEGIN IMMEDIATE"};
static const struct db_query q_commit = {"commit", "COMMIT"};

static bool one_int(struct db_read *read, const struct db_query *query, int64_t *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, query);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) *out = db_int(stmt, 0);
  db_end(stmt);
  return step != DB_FAIL;
}

static bool run_text(struct db_read *read, const char *text, const char *doing, struct err *err) {
  int code = sqlite3_exec(read->raw, text, NULL, NULL, NULL);
  return code == SQLITE_OK || db_fail(read->raw, code, doing, err);
}

static bool ours_and_whole(struct db_read *read, const char *path, struct err *err) {
  int64_t application = 0, tables = 0;
  if (!one_int(read, &q_application, &application, err) || !one_int(read, &q_tables, &tables, err)) return false;
  if (tables > 0 && application != APPLICATION_ID) {
    err_set(err, ERR_UNAVAILABLE, "store.foreign", "%s: application id %llx", path, (unsigned long long)application);
    return err_param(err, "file", "%s", path);
  }
  struct stat about;
  if (stat(path, &about) != 0 || about.st_size > CHECKED_AT_START) return true;
  char said[200] = "ok";
  struct db_stmt *stmt = db_begin(read, &q_check);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) db_copy(stmt, 0, said, sizeof said);
  db_end(stmt);
  if (step == DB_FAIL) return false;
  return !strcmp(said, "ok") || err_set(err, ERR_UNAVAILABLE, "store.broken", "%s: %s", path, said);
}

static bool applied(struct db_read *read, int number, bool *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &q_applied);
  db_bind_int(stmt, ":number", number);
  enum db_step step = db_step(stmt, err);
  db_end(stmt);
  *out = step == DB_ROW;
  return step != DB_FAIL;
}

static bool apply(struct db_read *read, const struct db_migration *migration, struct err *err) {
  char doing[40];
  snprintf(doing, sizeof doing, "migration %d", migration->number);
  if (!db_simple(read, &q_begin, err)) return false;
  bool ok = run_text(read, migration->text, doing, err);
  if (ok) {
    struct db_stmt *stmt = db_begin(read, &q_add);
    db_bind_int(stmt, ":number", migration->number);
    db_bind_int(stmt, ":applied_ms", wall_ms());
    ok = db_run(stmt, NULL, err);
  }
  ok = ok && db_simple(read, &q_commit, err);
  if (!ok && !sqlite3_get_autocommit(read->raw)) (void)sqlite3_exec(read->raw, "ROLLBACK", NULL, NULL, NULL);   /* the first failure is the one to tell */
  if (ok) log_info("store.migrated", "number=%d", migration->number);
  return ok;
}

/* Every migration the file has had must be one of ours: else a newer program made it, and its rows may mean what we do not know. */
static bool all_known(struct db_read *read, const char *path, const struct db_migration *migrations, size_t count, struct err *err) {
  int64_t foreign = 0;
  struct db_stmt *stmt = db_begin(read, &q_numbers);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && !foreign) {
    size_t i = 0;
    while (i < count && migrations[i].number != db_int(stmt, 0)) i++;
    if (i == count) foreign = db_int(stmt, 0);
  }
  db_end(stmt);
  if (step == DB_FAIL || !foreign) return step != DB_FAIL;
  err_set(err, ERR_UNAVAILABLE, "store.newer", "%s: migration %lld", path, (long long)foreign);
  err_param(err, "file", "%s", path);
  err_param(err, "schema", "%lld", (long long)foreign);
  return err_param(err, "known", "%d", count ? migrations[count - 1].number : 0);
}

bool db_migrate(struct db_read *read, const char *path, const struct db_migration *migrations, size_t count, struct err *err) {
  char first[200];
  snprintf(first, sizeof first, "BEGIN IMMEDIATE; PRAGMA application_id = %d;"
           "CREATE TABLE IF NOT EXISTS migration(number INTEGER PRIMARY KEY, applied_ms INTEGER NOT NULL) STRICT; COMMIT", APPLICATION_ID);
  if (!ours_and_whole(read, path, err) || !run_text(read, first, "first table", err) || !all_known(read, path, migrations, count, err)) return false;
  size_t added = 0;
  for (size_t i = 0; i < count; i++) {
    bool had = false;
    if (!applied(read, migrations[i].number, &had, err)) return false;
    if (had) continue;
    if (!apply(read, &migrations[i], err)) return false;
    added++;
  }
  char version[60];
  snprintf(version, sizeof version, "PRAGMA user_version = %d", count ? migrations[count - 1].number : 0);
  return !added || run_text(read, version, "version", err);
}

bool db_migrated(struct db_read *read, const char *path, const struct db_migration *migrations, size_t count, struct err *err) {
  int64_t tables = 0;
  if (!ours_and_whole(read, path, err) || !one_int(read, &q_tables, &tables, err)) return false;
  bool had = tables > 0;
  if (had && !all_known(read, path, migrations, count, err)) return false;
  for (size_t i = 0; had && i < count; i++) if (!applied(read, migrations[i].number, &had, err)) return false;
  if (had) return true;
  err_set(err, ERR_UNAVAILABLE, "store.older", "%s", path);
  return err_param(err, "file", "%s", path);
}
