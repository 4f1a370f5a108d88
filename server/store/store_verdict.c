/* store_verdict: see the header. The partial unique index on final keeps "recorded exactly once". */
#include "store/store_verdict.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"
#include "store/store_submission.h"

#define VERDICT "id, submission, script, run, kind, state, earned, max, final, at_ms, body_sha256, evidence_sha256, lab_version, library, regrade"
enum { Q_GET, Q_ADD, Q_ADD_BODY, Q_OF, Q_TEXT, Q_RUNS };
const struct db_query store_verdict_queries[] = {
  [Q_ADD] = {"verdict_add",
  "INSERT INTO verdict (" VERDICT ") VALUES (:id, :submission, :script, (SELECT coalesce(max(run), 0) + 1 FROM verdict WHERE submission = :submission AND script = :script),"
  " :kind, :state, :earned, :max, :final, :at_ms, :body_sha256, :evidence_sha256, :lab_version, :library, :regrade) RETURNING run"},
  [Q_ADD_BODY] = {"verdict_add_body", "INSERT INTO verdict_body (verdict, person, what, hash) VALUES (:verdict, :person, :what, :hash)"},
  [Q_OF] = {"verdict_of", 
  "SELECT " VERDICT " FROM verdict WHERE submission = :submission ORDER BY id IS (SELECT verdict FROM submission WHERE id = :submission) DESC, final DESC, id DESC LIMIT 1"},
  [Q_GET] = {"verdict_get", "SELECT " VERDICT " FROM verdict WHERE id = :id"},
  [Q_TEXT] = {"verdict_text", "SELECT hash FROM verdict_body WHERE verdict = :verdict AND what = :what"},
  [Q_RUNS] = {"verdict_runs", "SELECT count(*) FROM verdict WHERE submission = :submission"},
  {0}};

static bool add_body(struct db_tx *tx, const char *verdict, const char *person, const char *what, const char *bytes, size_t length, struct err *err) {
  char hash[65];
  if (!store_body_put(tx, bytes, length, hash, err)) return false;
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_verdict_queries[Q_ADD_BODY]);
  db_bind_text(stmt, ":verdict", verdict);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":what", what);
  db_bind_text(stmt, ":hash", hash);
  return db_run(stmt, NULL, err);
}

bool store_verdict_add(struct db_tx *tx, struct verdict_row *row, const char *person, const char *body, size_t body_length, const char *evidence, size_t evidence_length,
                       struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_verdict_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":submission", row->submission);
  db_bind_text(stmt, ":script", row->script);
  db_bind_text(stmt, ":kind", row->kind);
  db_bind_text(stmt, ":state", row->state);
  db_bind_text(stmt, ":earned", row->earned);
  db_bind_text(stmt, ":max", row->max);
  db_bind_int(stmt, ":final", row->final);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  db_bind_text(stmt, ":body_sha256", row->body_sha256);
  db_bind_text(stmt, ":evidence_sha256", row->evidence_sha256);
  db_bind_text(stmt, ":lab_version", row->lab_version);
  db_bind_text(stmt, ":library", row->library);
  db_bind_text(stmt, ":regrade", *row->regrade ? row->regrade : NULL);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) {
    row->run = db_int(stmt, 0);
    step = db_step(stmt, err);
  }
  db_end(stmt);
  if (step == DB_FAIL) return err && err->code == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, "verdict.final", "submission %s has its final run", row->submission) : false;
  return add_body(tx, row->id, person, "body", body, body_length, err) && add_body(tx, row->id, person, "evidence", evidence, evidence_length, err);
}

static void row_from(struct db_stmt *stmt, struct verdict_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->submission, sizeof out->submission);
  db_copy(stmt, 2, out->script, sizeof out->script);
  out->run = db_int(stmt, 3);
  db_copy(stmt, 4, out->kind, sizeof out->kind);
  db_copy(stmt, 5, out->state, sizeof out->state);
  db_copy(stmt, 6, out->earned, sizeof out->earned);
  db_copy(stmt, 7, out->max, sizeof out->max);
  out->final = db_int(stmt, 8) != 0;
  out->at_ms = db_int(stmt, 9);
  db_copy(stmt, 10, out->body_sha256, sizeof out->body_sha256);
  db_copy(stmt, 11, out->evidence_sha256, sizeof out->evidence_sha256);
  db_copy(stmt, 12, out->lab_version, sizeof out->lab_version);
  db_copy(stmt, 13, out->library, sizeof out->library);
  db_copy(stmt, 14, out->regrade, sizeof out->regrade);
}

bool store_verdict_get(struct db_read *read, const char *id, struct verdict_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_verdict_queries[Q_GET]);
  db_bind_text(stmt, ":id", id);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) row_from(stmt, out);
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_NOT_FOUND, "verdict.missing", "no verdict %s", id));
}

bool store_verdict_of(struct db_read *read, const char *submission, struct verdict_row *out) {
  struct db_stmt *stmt = db_begin(read, &store_verdict_queries[Q_OF]);
  db_bind_text(stmt, ":submission", submission);
  bool found = db_step(stmt, NULL) == DB_ROW;
  if (found) row_from(stmt, out);
  db_end(stmt);
  return found;
}

bool store_verdict_text(struct db_read *read, const char *verdict, const char *what, struct arena *arena, const char **out, size_t *out_length, struct err *err) {
  char hash[65] = "";
  struct db_stmt *stmt = db_begin(read, &store_verdict_queries[Q_TEXT]);
  db_bind_text(stmt, ":verdict", verdict);
  db_bind_text(stmt, ":what", what);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) db_copy(stmt, 0, hash, sizeof hash);
  db_end(stmt);
  if (step == DB_FAIL) return false;
  if (step == DB_DONE) return err_set(err, ERR_NOT_FOUND, "store.forgotten", "verdict %s has no %s", verdict, what);
  return store_body_get(read, hash, arena, out, out_length, err);
}

int64_t store_verdict_runs(struct db_read *read, const char *submission) {
  struct db_stmt *stmt = db_begin(read, &store_verdict_queries[Q_RUNS]);
  db_bind_text(stmt, ":submission", submission);
  int64_t n = db_step(stmt, NULL) == DB_ROW ? db_int(stmt, 0) : 0;
  db_end(stmt);
  return n;
}
