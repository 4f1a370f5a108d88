/* store_attempt: see the header. A row's JSON texts are made and read by the domain. */
#include "store/store_attempt.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"

#define COLUMNS "id, person, workshop, lab, lab_version, namespace, state, why, why_params, params, created_ms, ready_ms, expires_ms, applied_ms, ended_ms, resets, proof"
#define OPEN "state IN ('wanted', 'ready', 'resetting')"

enum { Q_ADD, Q_GET, Q_OPEN_ONE, Q_BY_NAMESPACE, Q_COUNT_OPEN, Q_IN, Q_NEWEST, Q_MOVE, Q_WHY, Q_READY, Q_RESET, Q_EXPIRES, Q_APPLIED, Q_START_PUT, Q_START_GET, Q_WORKSHOP, Q_WORKSHOP_BY, Q_RUNNING, Q_VERSION, Q_NODEPORT, Q_PARAMS };
const struct db_query store_attempt_queries[] = {
  [Q_ADD] = {"attempt_add",
    "INSERT INTO attempt (id, person, workshop, lab, lab_version, namespace, state, why, params, nodeport, created_ms, expires_ms)"
    " VALUES (:id, :person, :workshop, :lab, :lab_version, :namespace, 'wanted', :why, :params, :nodeport, :created_ms, :expires_ms)"},
  [Q_GET] = {"attempt_get", "SELECT " COLUMNS " FROM attempt WHERE id = :id"},
  [Q_OPEN_ONE] = {"attempt_open_one", "SELECT " COLUMNS " FROM attempt WHERE person = :person AND lab = :lab AND " OPEN},
  [Q_BY_NAMESPACE] = {"attempt_by_namespace", "SELECT " COLUMNS " FROM attempt WHERE namespace = :namespace"},
  [Q_COUNT_OPEN] = {"attempt_count_open", "SELECT count(*) FROM attempt WHERE person = :person AND " OPEN},
  [Q_IN] = {"attempt_in", "SELECT " COLUMNS " FROM attempt WHERE state = :state AND state IN ('wanted', 'ready', 'resetting', 'ending') ORDER BY id"},
  [Q_NEWEST] = {"attempt_newest", "SELECT max(id) FROM attempt"},
  [Q_MOVE] = {"attempt_move",
    "UPDATE attempt SET state = :to, why = :why, why_params = :why_params, ended_ms = CASE WHEN :to IN ('ending', 'gone', 'failed') AND ended_ms = 0 THEN :at_ms ELSE ended_ms END"
    " WHERE id = :id AND state = :from"},
  [Q_WHY] = {"attempt_why", "UPDATE attempt SET why = :why, why_params = :why_params WHERE id = :id AND state = 'wanted' AND why <> :why"},
  [Q_READY] = {"attempt_ready",
    "UPDATE attempt SET state = 'ready', why = '', why_params = NULL, ready_ms = :at_ms, expires_ms = :expires_ms, proof = :proof WHERE id = :id AND state = 'wanted'"},
  [Q_RESET] = {"attempt_reset", "UPDATE attempt SET state = 'ready', why = '', why_params = NULL, resets = resets + 1 WHERE id = :id AND state = 'resetting'"},
  [Q_EXPIRES] = {"attempt_expires", "UPDATE attempt SET expires_ms = :expires_ms WHERE id = :id AND " OPEN},
  [Q_APPLIED] = {"attempt_applied", "UPDATE attempt SET applied_ms = max(applied_ms, :at_ms) WHERE id = :id"},
  [Q_START_PUT] = {"attempt_start_put",
    "INSERT INTO attempt_start (attempt, reset, at_ms, objects) VALUES (:attempt, :reset, :at_ms, :objects) ON CONFLICT (attempt, reset) DO NOTHING"},
  [Q_START_GET] = {"attempt_start_get", "SELECT objects, at_ms FROM attempt_start WHERE attempt = :attempt AND reset = :reset"},
  [Q_WORKSHOP] = {"attempt_workshop", "SELECT coalesce(closed_ms, until_ms) FROM workshop WHERE id = :id"},
  [Q_WORKSHOP_BY] = {"attempt_workshop_by", "SELECT opened_by FROM workshop WHERE id = :id"},
  [Q_RUNNING] = {"attempt_running",
    "SELECT " COLUMNS " FROM attempt WHERE state IN ('wanted', 'ready', 'resetting', 'ending') AND state <> 'ending' AND (:lab IS NULL OR lab = :lab) AND (:workshop IS NULL OR workshop = :workshop)"
    " AND (:owner IS NULL OR workshop IN (SELECT id FROM workshop WHERE opened_by = :owner))"},
  [Q_VERSION] = {"attempt_version", "UPDATE attempt SET lab_version = :to WHERE id = :id AND lab_version = :from AND " OPEN},
  [Q_NODEPORT] = {"attempt_nodeport", "SELECT 1 FROM attempt WHERE nodeport = :port AND state IN ('wanted', 'ready', 'resetting', 'ending')"},
  [Q_PARAMS] = {"attempt_params", "UPDATE attempt SET params = :params WHERE id = :id AND state = 'wanted'"},
  {0}};

static void row_from(struct db_stmt *stmt, struct arena *arena, struct attempt_row *out) {
  struct attempt_row row = {0};
  db_copy(stmt, 0, row.id, sizeof row.id);
  db_copy(stmt, 1, row.person, sizeof row.person);
  db_copy(stmt, 2, row.workshop, sizeof row.workshop);
  db_copy(stmt, 3, row.lab, sizeof row.lab);
  db_copy(stmt, 4, row.lab_version, sizeof row.lab_version);
  db_copy(stmt, 5, row.namespace, sizeof row.namespace);
  db_copy(stmt, 6, row.state, sizeof row.state);
  db_copy(stmt, 7, row.why, sizeof row.why);
  row.why_params = db_text(arena, stmt, 8);
  row.params = db_text(arena, stmt, 9);
  row.created_ms = db_int(stmt, 10);
  row.ready_ms = db_int(stmt, 11);
  row.expires_ms = db_int(stmt, 12);
  row.applied_ms = db_int(stmt, 13);
  row.ended_ms = db_int(stmt, 14);
  row.resets = (int)db_int(stmt, 15);
  row.proof = db_text(arena, stmt, 16);
  *out = row;
}

/* The one row of a bound statement. */
static bool one(struct db_stmt *stmt, struct arena *arena, struct attempt_row *out, struct err *err) {
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) row_from(stmt, arena, out);
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_NOT_FOUND, "attempt.missing", "no such attempt"));
}

bool store_attempt_add(struct db_tx *tx, const struct attempt_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":person", row->person);
  db_bind_text(stmt, ":workshop", *row->workshop ? row->workshop : NULL);
  db_bind_text(stmt, ":lab", row->lab);
  db_bind_text(stmt, ":lab_version", row->lab_version);
  db_bind_text(stmt, ":namespace", row->namespace);
  db_bind_text(stmt, ":why", row->why);
  db_bind_text(stmt, ":params", row->params);
  if (row->nodeport) db_bind_int(stmt, ":nodeport", row->nodeport);
  else db_bind_text(stmt, ":nodeport", NULL);
  db_bind_int(stmt, ":created_ms", row->created_ms);
  db_bind_int(stmt, ":expires_ms", row->expires_ms);
  return db_run(stmt, NULL, err);
}

bool store_attempt_get(struct db_read *read, const char *id, struct arena *arena, struct attempt_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_GET]);
  db_bind_text(stmt, ":id", id);
  return one(stmt, arena, out, err);
}

bool store_attempt_open_one(struct db_read *read, const char *person, const char *lab, struct arena *arena, struct attempt_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_OPEN_ONE]);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":lab", lab);
  return one(stmt, arena, out, err);
}

bool store_attempt_by_namespace(struct db_read *read, const char *namespace, struct arena *arena, struct attempt_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_BY_NAMESPACE]);
  db_bind_text(stmt, ":namespace", namespace);
  return one(stmt, arena, out, err);
}

int store_attempt_count_open(struct db_read *read, const char *person) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_COUNT_OPEN]);
  db_bind_text(stmt, ":person", person);
  int n = db_step(stmt, NULL) == DB_ROW ? (int)db_int(stmt, 0) : 0;
  db_end(stmt);
  return n;
}

/* All rows of a bound statement. */
static bool every(struct db_stmt *stmt, struct arena *arena, struct attempt_row **out, size_t *out_count, struct err *err) {
  size_t room = 64, n = 0;
  struct attempt_row *rows = arena_alloc(arena, room * sizeof *rows);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    if (n == room) {
      struct attempt_row *more = arena_alloc(arena, 2 * room * sizeof *more);
      memcpy(more, rows, n * sizeof *more);
      rows = more;
      room *= 2;
    }
    row_from(stmt, arena, &rows[n++]);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = rows;
  *out_count = n;
  return true;
}

bool store_attempt_in(struct db_read *read, const char *state, struct arena *arena, struct attempt_row **out, size_t *out_count, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_IN]);
  db_bind_text(stmt, ":state", state);
  return every(stmt, arena, out, out_count, err);
}

bool store_attempt_running(struct db_read *read, const struct attempt_scope *scope, struct arena *arena, struct attempt_row **out, size_t *out_count, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_RUNNING]);
  db_bind_text(stmt, ":lab", scope->lab);
  db_bind_text(stmt, ":workshop", scope->workshop);
  db_bind_text(stmt, ":owner", scope->owner);
  return every(stmt, arena, out, out_count, err);
}

bool store_attempt_newest(struct db_read *read, char out[ID_SIZE]) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_NEWEST]);
  bool found = db_step(stmt, NULL) == DB_ROW && !db_null(stmt, 0);
  if (found) db_copy(stmt, 0, out, ID_SIZE);
  db_end(stmt);
  return found;
}

/* Runs an UPDATE that may find its row elsewhere by now. */
static bool run(struct db_stmt *stmt, bool *out_moved, struct err *err) {
  int64_t changes = 0;
  if (!db_run(stmt, &changes, err)) return false;
  if (out_moved) *out_moved = changes == 1;
  return true;
}

bool store_attempt_move(struct db_tx *tx, const char *id, const char *from, const char *to, const char *why, const char *why_params, int64_t at_ms, bool *out_moved, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_MOVE]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":from", from);
  db_bind_text(stmt, ":to", to);
  db_bind_text(stmt, ":why", why);
  db_bind_text(stmt, ":why_params", why_params);
  db_bind_int(stmt, ":at_ms", at_ms);
  return run(stmt, out_moved, err);
}

bool store_attempt_nodeport_taken(struct db_read *read, int port) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_NODEPORT]);
  db_bind_int(stmt, ":port", port);
  bool taken = db_step(stmt, NULL) == DB_ROW;
  db_end(stmt);
  return taken;
}

bool store_attempt_params(struct db_tx *tx, const char *id, const char *params, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_PARAMS]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":params", params);
  return db_run(stmt, NULL, err);
}

bool store_attempt_why(struct db_tx *tx, const char *id, const char *why, const char *why_params, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_WHY]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":why", why);
  db_bind_text(stmt, ":why_params", why_params);
  return run(stmt, NULL, err);
}

bool store_attempt_ready(struct db_tx *tx, const char *id, int64_t at_ms, int64_t expires_ms, const char *proof, bool *out_moved, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_READY]);
  db_bind_text(stmt, ":id", id);
  db_bind_int(stmt, ":at_ms", at_ms);
  db_bind_int(stmt, ":expires_ms", expires_ms);
  db_bind_text(stmt, ":proof", proof);
  return run(stmt, out_moved, err);
}

bool store_attempt_was_reset(struct db_tx *tx, const char *id, bool *out_moved, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_RESET]);
  db_bind_text(stmt, ":id", id);
  return run(stmt, out_moved, err);
}

bool store_attempt_expires(struct db_tx *tx, const char *id, int64_t expires_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_EXPIRES]);
  db_bind_text(stmt, ":id", id);
  db_bind_int(stmt, ":expires_ms", expires_ms);
  return run(stmt, NULL, err);
}

bool store_attempt_version(struct db_tx *tx, const char *id, const char *from, const char *to, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_VERSION]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":from", from);
  db_bind_text(stmt, ":to", to);
  return run(stmt, NULL, err);
}

bool store_attempt_applied(struct db_tx *tx, const char *id, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_APPLIED]);
  db_bind_text(stmt, ":id", id);
  db_bind_int(stmt, ":at_ms", at_ms);
  return run(stmt, NULL, err);
}

bool store_attempt_start_put(struct db_tx *tx, const char *id, int reset, int64_t at_ms, const char *objects, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_attempt_queries[Q_START_PUT]);
  db_bind_text(stmt, ":attempt", id);
  db_bind_int(stmt, ":reset", reset);
  db_bind_int(stmt, ":at_ms", at_ms);
  db_bind_text(stmt, ":objects", objects);
  return run(stmt, NULL, err);
}

bool store_attempt_start_get(struct db_read *read, const char *id, int reset, struct arena *arena, const char **out, int64_t *out_at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_START_GET]);
  db_bind_text(stmt, ":attempt", id);
  db_bind_int(stmt, ":reset", reset);
  enum db_step step = db_step(stmt, err);
  if (step != DB_FAIL) *out = step == DB_ROW ? db_text(arena, stmt, 0) : NULL;
  if (step == DB_ROW && out_at_ms) *out_at_ms = db_int(stmt, 1);
  db_end(stmt);
  return step != DB_FAIL;
}

int64_t store_attempt_workshop_until(struct db_read *read, const char *workshop) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_WORKSHOP]);
  db_bind_text(stmt, ":id", workshop);
  int64_t until = db_step(stmt, NULL) == DB_ROW ? db_int(stmt, 0) : 0;
  db_end(stmt);
  return until;
}

bool store_attempt_workshop_by(struct db_read *read, const char *workshop, char out[ID_SIZE]) {
  struct db_stmt *stmt = db_begin(read, &store_attempt_queries[Q_WORKSHOP_BY]);
  db_bind_text(stmt, ":id", workshop);
  bool found = db_step(stmt, NULL) == DB_ROW && !db_null(stmt, 0);
  if (found) db_copy(stmt, 0, out, ID_SIZE);
  db_end(stmt);
  return found;
}
