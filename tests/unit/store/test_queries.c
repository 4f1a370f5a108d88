/* Every query of the store: it prepares, is named once, takes its values by name, and reads no whole table without saying why. */
#include "unit/cmocka_all.h"

#include <sqlite3.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/db.h"
#include "unit/store/scratch.h"

#define ROOM(name) extern const struct db_query name[];
#include "store_rooms.inc"          /* written by CMake: one ROOM(store_x_queries) for each server/store/store_x.c */
#undef ROOM
#define ROOM(name) {#name, name},
static const struct { const char *name; const struct db_query *queries; } rooms[] = {
#include "store_rooms.inc"
  {NULL, NULL}
};

static sqlite3 *raw;

static void every_query_prepares(void **state) {
  (void)state;
  assert_non_null(rooms[0].name);
  for (int r = 0; rooms[r].name; r++)
    for (const struct db_query *query = rooms[r].queries; query->text; query++) {
      sqlite3_stmt *stmt = NULL;
      const char *rest = "";
      if (sqlite3_prepare_v2(raw, query->text, -1, &stmt, &rest) != SQLITE_OK) fail_msg("%s, %s: %s", rooms[r].name, query->name, sqlite3_errmsg(raw));
      if (rest[strspn(rest, " \n;")]) fail_msg("%s, %s: more than one statement", rooms[r].name, query->name);
      for (int i = 1; i <= sqlite3_bind_parameter_count(stmt); i++) {
        const char *name = sqlite3_bind_parameter_name(stmt, i);
        if (!name || name[0] != ':') fail_msg("%s, %s: value %d has no name", rooms[r].name, query->name, i);
      }
      sqlite3_finalize(stmt);
    }
}

static void names_are_unique_in_their_room(void **state) {
  (void)state;
  for (int r = 0; rooms[r].name; r++)
    for (const struct db_query *a = rooms[r].queries; a->text; a++)
      for (const struct db_query *b = a + 1; b->text; b++)
        if (!strcmp(a->name, b->name)) fail_msg("%s: two queries are named %s", rooms[r].name, a->name);
}

/* The first step of the plan that walks a whole table or index, or NULL. Rows of a subquery, of VALUES or of a function are no table. */
static const char *scan_of(const char *text, char *out, size_t room) {
  sqlite3_stmt *stmt = NULL;
  char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
  const char *found = NULL;
  while (!found && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *step = (const char *)sqlite3_column_text(stmt, 3);
    if (strncmp(step, "SCAN ", 5) != 0 || step[5] == '(' || strstr(step, "CONSTANT ROW") || strstr(step, "VIRTUAL TABLE")) continue;
    snprintf(out, room, "%s", step);
    found = out;
  }
  sqlite3_finalize(stmt);
  sqlite3_free(sql);
  return found;
}

static void no_query_reads_a_whole_table_without_saying_why(void **state) {
  (void)state;
  char step[200];
  for (int r = 0; rooms[r].name; r++)
    for (const struct db_query *query = rooms[r].queries; query->text; query++)
      if (scan_of(query->text, step, sizeof step) && !strstr(query->text, "/*scan:"))
        fail_msg("%s, %s: %s; give it an index, or say why with /*scan: why*/", rooms[r].name, query->name, step);
}

static void the_lint_sees_a_scan(void **state) {
  (void)state;
  char step[200];
  assert_non_null(scan_of("SELECT id FROM person WHERE lang = 'en'", step, sizeof step));
  assert_null(scan_of("SELECT id FROM person WHERE id = :id", step, sizeof step));
  assert_null(scan_of("INSERT INTO setup_key(id, hash, until_ms) VALUES(1, :hash, 0)", step, sizeof step));
}

int main(void) {
  secret_init();
  struct scratch scratch;
  scratch_make(&scratch);
  struct db *db;
  struct err err;
  if (!db_open(scratch.path, &db, &err)) {
    fprintf(stderr, "%s: %s\n", err.key, err.detail);
    return 1;
  }
  db_close(db);
  sqlite3_open_v2(scratch.path, &raw, SQLITE_OPEN_READONLY, NULL);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_query_prepares),
    cmocka_unit_test(names_are_unique_in_their_room),
    cmocka_unit_test(no_query_reads_a_whole_table_without_saying_why),
    cmocka_unit_test(the_lint_sees_a_scan),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  sqlite3_close(raw);
  scratch_remove(&scratch);
  return failed;
}
