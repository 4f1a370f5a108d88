/* db_open: the lock, migrations, files that must be refused, and what survives a kill. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/db.h"
#include "store/db_file.h"
#include "store/db_inside.h"
#include "store/db_migrate.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static int set_up(void **state) { (void)state; scratch_make(&scratch); return 0; }
static int tear_down(void **state) { (void)state; scratch_remove(&scratch); return 0; }

static void raw_sql(const char *sql) {
  sqlite3 *raw;
  assert_int_equal(sqlite3_open(scratch.path, &raw), SQLITE_OK);
  char *why = NULL;
  if (sqlite3_exec(raw, sql, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s", why);
  sqlite3_close(raw);
}
static int raw_int(const char *sql) {
  sqlite3 *raw;
  sqlite3_stmt *stmt;
  assert_int_equal(sqlite3_open(scratch.path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int value = sqlite3_column_int(stmt, 0);
  sqlite3_finalize(stmt);
  sqlite3_close(raw);
  return value;
}
static struct db *open_db(void) {
  struct db *db;
  struct err err;
  if (!db_open(scratch.path, &db, &err)) fail_msg("%s: %s", err.key, err.detail);
  return db;
}
static void is_refused(const char *key) {
  struct db *db = NULL;
  struct err err = {0};
  bool opened = db_open(scratch.path, &db, &err);
  if (opened) db_close(db);
  assert_false(opened);
  assert_string_equal(err.key, key);
}

static void a_second_opener_is_refused_and_told_who_holds_it(void **state) {
  (void)state;
  struct db *db = open_db(), *second = NULL;
  struct err err;
  assert_false(db_open(scratch.path, &second, &err));
  assert_string_equal(err.key, "store.locked");
  assert_int_equal(err.code, ERR_CONFLICT);
  char pid[16];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  assert_string_equal(err.param[1].value, pid);
  db_close(db);
  db_close(open_db());                                        /* the file that is left does not lock */
}

static void the_file_is_for_its_owner_alone(void **state) {
  (void)state;
  umask(0);
  struct db *db = open_db();
  static const char *const tails[] = {"", "-wal", "-shm", ".lock"};
  for (int i = 0; i < 4; i++) {
    char name[128];
    struct stat about;
    snprintf(name, sizeof name, "%s%s", scratch.path, tails[i]);
    assert_int_equal(stat(name, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
  }
  db_close(db);
}

static void migrations_are_applied_once_in_order_of_number(void **state) {
  (void)state;
  static const struct db_migration first[] = {{1, "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES(1);"}, {20, "CREATE TABLE b(x INTEGER) STRICT;"}};
  static const struct db_migration later[] = {{1, "CREATE TABLE a(x INTEGER) STRICT; INSERT INTO a VALUES(1);"}, {10, "UPDATE a SET x = x + 10;"},
                                              {20, "CREATE TABLE b(x INTEGER) STRICT;"}, {30, "UPDATE a SET x = x * 2;"}};
  struct db db = {.path = scratch.path};
  struct err err;
  for (int round = 0; round < 3; round++) {
    assert_true(db_connect(&db, &db.tx.read, true, &err));
    if (round == 0) assert_true(db_migrate(&db.tx.read, scratch.path, first, 2, &err));
    else assert_true(db_migrate(&db.tx.read, scratch.path, later, 4, &err));
    db_disconnect(&db.tx.read);
  }
  assert_int_equal(raw_int("SELECT x FROM a"), 22);           /* a file that had 1 and 20 gets 10 before 30, each once */
  assert_int_equal(raw_int("PRAGMA user_version"), 30);
  assert_true(db_connect(&db, &db.tx.read, true, &err));
  assert_false(db_migrate(&db.tx.read, scratch.path, first, 2, &err));
  assert_string_equal(err.key, "store.newer");
  db_disconnect(&db.tx.read);
}

static void a_migration_that_fails_leaves_nothing(void **state) {
  (void)state;
  static const struct db_migration bad[] = {{1, "CREATE TABLE a(x INTEGER) STRICT;"}, {2, "CREATE TABLE b(x INTEGER) STRICT; CREATE TABLE a(x INTEGER) STRICT;"}};
  struct db db = {.path = scratch.path};
  struct err err;
  assert_true(db_connect(&db, &db.tx.read, true, &err));
  assert_false(db_migrate(&db.tx.read, scratch.path, bad, 2, &err));
  db_disconnect(&db.tx.read);
  assert_int_equal(raw_int("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')"), 1);
  assert_int_equal(raw_int("SELECT max(number) FROM migration"), 1);
}

static void the_embedded_migrations_rise(void **state) {
  (void)state;
  assert_true(db_migration_count > 0);
  for (size_t i = 1; i < db_migration_count; i++) assert_true(db_migrations[i].number > db_migrations[i - 1].number);
}

static void all_tables_are_strict(void **state) {
  (void)state;
  db_close(open_db());
  assert_int_equal(raw_int("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0"), 0);
  assert_int_equal(raw_int("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void a_newer_schema_is_refused_and_left_alone(void **state) {
  (void)state;
  db_close(open_db());
  raw_sql("INSERT INTO migration VALUES(9999, 0)");
  is_refused("store.newer");
  assert_int_equal(raw_int("SELECT count(*) FROM migration WHERE number = 9999"), 1);
}

static void somebody_elses_database_is_refused(void **state) {
  (void)state;
  raw_sql("CREATE TABLE recipes(x)");
  is_refused("store.foreign");
  assert_int_equal(raw_int("SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_file_that_is_no_database_is_refused(void **state) {
  (void)state;
  FILE *file = fopen(scratch.path, "w");
  for (int i = 0; i < 1000; i++) fputs("this is no database\n", file);
  fclose(file);
  is_refused("store.broken");
}

static void a_damaged_page_is_refused(void **state) {
  (void)state;
  db_close(open_db());
  raw_sql("CREATE TABLE filler(x TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO filler SELECT hex(zeroblob(50)) FROM n;"
          "PRAGMA wal_checkpoint(TRUNCATE)");
  struct stat about;
  assert_int_equal(stat(scratch.path, &about), 0);
  int fd = open(scratch.path, O_WRONLY);
  char junk[200];
  memset(junk, 0xA5, sizeof junk);
  assert_int_equal(pwrite(fd, junk, sizeof junk, about.st_size - 4096), (int)sizeof junk);
  close(fd);
  is_refused("store.broken");
}

/* As root every file is writable, so the refusal is asked for by an ordinary user in a child process. */
static void as_nobody(const char *key) {
  pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(9);
    struct db *db;
    struct err err = {0};
    bool opened = db_open(scratch.path, &db, &err);
    if (opened || strcmp(err.key, key) != 0) fprintf(stderr, "opened %d key %s: %s\n", opened, err.key, err.detail);
    _exit(opened ? 1 : strcmp(err.key, key) == 0 ? 0 : 2);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}
static void a_folder_without_the_right_to_write_is_refused(void **state) {
  (void)state;
  assert_int_equal(chmod(scratch.folder, 0555), 0);
  as_nobody("store.readonly");
  chmod(scratch.folder, 0755);
}
static void a_file_without_the_right_to_write_is_refused(void **state) {
  (void)state;
  db_close(open_db());
  char lock[128];
  snprintf(lock, sizeof lock, "%s.lock", scratch.path);
  assert_int_equal(chmod(lock, 0666), 0);
  assert_int_equal(chmod(scratch.path, 0444), 0);
  assert_int_equal(chmod(scratch.folder, 0777), 0);
  as_nobody("store.readonly");
}

static void a_folder_that_is_not_there_is_named(void **state) {
  (void)state;
  struct db *db;
  struct err err;
  assert_false(db_open("/tmp/makmal-no-such-folder/makmal.db", &db, &err));
  assert_string_equal(err.key, "store.folder");
}

static void network_file_systems_are_known(void **state) {
  (void)state;
  assert_true(db_file_system_is_remote(0x6969));
  assert_true(db_file_system_is_remote(0xFFFFFFFFFF534D42));  /* as a sign-extended long gives it */
  assert_false(db_file_system_is_remote(0xEF53));
  assert_false(db_file_system_is_remote(0x01021994));
}

/* --- kill -9 ----------------------------------------------------------------------------------------------------------------------------- */

static const struct db_query q_make = {"make", "CREATE TABLE IF NOT EXISTS note(n INTEGER PRIMARY KEY) STRICT"};
static const struct db_query q_add = {"add", "INSERT INTO note(n) VALUES(:n)"};
static const struct db_query q_has = {"has", "SELECT count(*), max(n) FROM note"};
static bool make(struct db_tx *tx, void *arg, struct err *err) { (void)arg; return db_run(db_begin(db_tx_read(tx), &q_make), NULL, err); }
static bool add(struct db_tx *tx, void *arg, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &q_add);
  db_bind_int(stmt, ":n", *(int64_t *)arg);
  return db_run(stmt, NULL, err);
}
static void write_until_killed(int to, int64_t from) {
  struct db *db;
  struct err err;
  if (!db_open(scratch.path, &db, &err) || !db_write(db, make, NULL, &err)) _exit(3);
  for (int64_t n = from;; n++) {
    if (!db_write(db, add, &n, &err)) _exit(4);
    if (write(to, &n, sizeof n) != sizeof n) _exit(5);
  }
}
static void a_kill_loses_nothing_that_was_acknowledged(void **state) {
  (void)state;
  int64_t last = 0;
  for (int round = 0; round < 10; round++) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) write_until_killed(ends[1], last + 1);
    close(ends[1]);
    int64_t told = last, n;
    assert_int_equal(read(ends[0], &n, sizeof n), (int)sizeof n);
    told = n;
    struct timespec pause = {0, (round * 7 % 10) * 1000000L};
    nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &n, sizeof n) == sizeof n) told = n;
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct db *db = open_db();
    struct db_read *read_;
    struct err err;
    assert_true(db_read_begin(db, &read_, &err));
    struct db_stmt *stmt = db_begin(read_, &q_has);
    assert_int_equal(db_step(stmt, &err), DB_ROW);
    int64_t count = db_int(stmt, 0);
    last = db_int(stmt, 1);
    db_end(stmt);
    db_read_end(read_);
    db_close(db);
    assert_true(last >= told && last <= told + 1);            /* at most the one that was written and not yet told */
    assert_int_equal(count, last);                            /* none missing in between */
  }
}

int main(void) {
  secret_init();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(a_kill_loses_nothing_that_was_acknowledged),         /* first: it forks while no other thread has run */
    TEST(a_second_opener_is_refused_and_told_who_holds_it),
    TEST(the_file_is_for_its_owner_alone),
    TEST(migrations_are_applied_once_in_order_of_number),
    TEST(a_migration_that_fails_leaves_nothing),
    TEST(the_embedded_migrations_rise),
    TEST(all_tables_are_strict),
    TEST(a_newer_schema_is_refused_and_left_alone),
    TEST(somebody_elses_database_is_refused),
    TEST(a_file_that_is_no_database_is_refused),
    TEST(a_damaged_page_is_refused),
    TEST(a_folder_without_the_right_to_write_is_refused),
    TEST(a_file_without_the_right_to_write_is_refused),
    TEST(a_folder_that_is_not_there_is_named),
    TEST(network_file_systems_are_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
