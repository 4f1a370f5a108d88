/* store_draft: see the header. */
#include "store/store_draft.h"

#include <stddef.h>

#include "base/err.h"
#include "store/db.h"

enum { Q_NEWEST, Q_ADD, Q_OVER, Q_PRUNE, Q_GET, Q_COUNT };
const struct db_query store_draft_queries[] = {
  [Q_NEWEST] = {"draft_newest", "SELECT number, begun_ms FROM draft WHERE attempt = :attempt ORDER BY number DESC LIMIT 1"},
  [Q_ADD] = {"draft_add", "INSERT INTO draft (attempt, number, person, begun_ms, saved_ms, files) VALUES (:attempt, :number, :person, :at_ms, :at_ms, :files)"},
  [Q_OVER] = {"draft_over", "UPDATE draft SET saved_ms = :at_ms, files = :files WHERE attempt = :attempt AND number = :number"},
  [Q_PRUNE] = {"draft_prune", "DELETE FROM draft WHERE attempt = :attempt AND number < :number AND (saved_ms < :since OR number <= :number - :rows)"},
  [Q_GET] = {"draft_get", "SELECT files, saved_ms FROM draft WHERE attempt = :attempt ORDER BY number DESC LIMIT 1"},
  [Q_COUNT] = {"draft_count", "SELECT count(*) FROM draft WHERE attempt = :attempt"},
  {0}};

bool store_draft_put(struct db_tx *tx, const char *attempt, const char *person, const char *files, int64_t at_ms, struct err *err) {
  struct db_read *read = db_tx_read(tx);
  struct db_stmt *stmt = db_begin(read, &store_draft_queries[Q_NEWEST]);
  db_bind_text(stmt, ":attempt", attempt);
  enum db_step step = db_step(stmt, err);
  int64_t number = step == DB_ROW ? db_int(stmt, 0) : 0, begun = step == DB_ROW ? db_int(stmt, 1) : 0;
  db_end(stmt);
  if (step == DB_FAIL) return false;
  /* a clock that went back must not freeze the row: only a begin in the last minutes is written over */
  bool over = number && at_ms >= begun && at_ms - begun < DRAFT_OVER_MS;
  if (!over) number++;
  stmt = db_begin(read, &store_draft_queries[over ? Q_OVER : Q_ADD]);
  db_bind_text(stmt, ":attempt", attempt);
  db_bind_int(stmt, ":number", number);
  if (!over) db_bind_text(stmt, ":person", person);
  db_bind_int(stmt, ":at_ms", at_ms);
  db_bind_text(stmt, ":files", files);
  if (!db_run(stmt, NULL, err)) return false;
  if (over) return true;
  stmt = db_begin(read, &store_draft_queries[Q_PRUNE]);
  db_bind_text(stmt, ":attempt", attempt);
  db_bind_int(stmt, ":number", number);
  db_bind_int(stmt, ":since", at_ms - DRAFT_KEEP_MS);
  db_bind_int(stmt, ":rows", DRAFT_ROWS);
  return db_run(stmt, NULL, err);
}

bool store_draft_get(struct db_read *read, const char *attempt, struct arena *arena, const char **out, int64_t *out_saved_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_draft_queries[Q_GET]);
  db_bind_text(stmt, ":attempt", attempt);
  enum db_step step = db_step(stmt, err);
  if (step != DB_FAIL) *out = step == DB_ROW ? db_text(arena, stmt, 0) : NULL;
  if (step != DB_FAIL && out_saved_ms) *out_saved_ms = step == DB_ROW ? db_int(stmt, 1) : 0;
  db_end(stmt);
  return step != DB_FAIL;
}

int store_draft_count(struct db_read *read, const char *attempt) {
  struct db_stmt *stmt = db_begin(read, &store_draft_queries[Q_COUNT]);
  db_bind_text(stmt, ":attempt", attempt);
  int n = db_step(stmt, NULL) == DB_ROW ? (int)db_int(stmt, 0) : 0;
  db_end(stmt);
  return n;
}
