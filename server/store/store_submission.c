/* store_submission: what learners hand in and apply. Rules (limits, who may) are the domain's. */
#include "store/store_submission.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "store/db.h"

#define SUBMISSION "id, attempt, person, workshop, lab, lab_version, number, press, files_hash, state, at_ms, begun, earned, max"
#define APPLY "id, attempt, person, kind, take_over, press, state, at_ms, begun, ok, files, answer"


enum { Q_BODY_PUT, Q_BODY_GET, Q_ADD, Q_ADD_FILE, Q_GET, Q_FILES, Q_BY_PRESS, Q_BY_FILES, Q_OPEN, Q_LIST, Q_UNFINISHED, Q_COUNT, 
       Q_BEGIN, Q_END, Q_TRIES, Q_APPLY_ADD, Q_APPLY_GET, Q_APPLY_BY_PRESS, Q_APPLY_BEGIN, Q_APPLY_END, Q_APPLY_UNFINISHED };
const struct db_query store_submission_queries[] = {
  [Q_BODY_PUT] = {"body_put", "INSERT INTO body (hash, bytes) VALUES (:hash, :bytes) ON CONFLICT (hash) DO NOTHING"},
  [Q_BODY_GET] = {"body_get", "SELECT bytes FROM body WHERE hash = :hash"},
  [Q_ADD] = {"submission_add",
  "INSERT INTO submission (id, attempt, person, workshop, lab, lab_version, number, press, files_hash, state, at_ms) VALUES (:id, :attempt, :person, :workshop,"
  " :lab, :lab_version, (SELECT coalesce(max(number), 0) + 1 FROM submission WHERE attempt = :attempt), :press, :files_hash, 'received', :at_ms)"},
  [Q_ADD_FILE] = {"submission_add_file", "INSERT INTO submission_file (submission, place, name, hash) VALUES (:submission, :place, :name, :hash)"},
  [Q_GET] = {"submission_get", "SELECT " SUBMISSION " FROM submission WHERE id = :id"},
  [Q_FILES] = {"submission_files", "SELECT name, hash FROM submission_file WHERE submission = :submission ORDER BY place"},
  [Q_BY_PRESS] = {"submission_by_press",
  "SELECT " SUBMISSION " FROM submission WHERE person = :person AND attempt = :attempt AND press = :press"},
  [Q_BY_FILES] = {"submission_by_files",
  "SELECT " SUBMISSION " FROM submission WHERE attempt = :attempt AND at_ms >= :since AND files_hash = :files_hash AND press IS NULL ORDER BY number DESC LIMIT 1"},
  [Q_OPEN] = {"submission_open",
  "SELECT " SUBMISSION " FROM submission WHERE attempt = :attempt AND state IN ('received', 'grading')"},
  [Q_LIST] = {"submission_list", "SELECT " SUBMISSION " FROM submission WHERE attempt = :attempt ORDER BY number DESC LIMIT 200"},
  [Q_UNFINISHED] = {"submission_unfinished", "SELECT id FROM submission WHERE state IN ('received', 'grading') ORDER BY id"},
  [Q_COUNT] = {"submission_count", "SELECT count(*) FROM submission WHERE attempt = :attempt AND at_ms >= :since"},
  [Q_BEGIN] = {"submission_begin",
  "UPDATE submission SET state = 'grading', begun = begun + 1 WHERE id = :id AND state IN ('received', 'grading') RETURNING begun"},
  [Q_END] = {"submission_end",
  "UPDATE submission SET state = :state, earned = :earned, max = :max WHERE id = :id AND state IN ('received', 'grading')"},
  [Q_TRIES] = {"submission_tries",
  "SELECT count(*) FROM submission WHERE attempt = :attempt AND state = 'graded' AND earned IS NOT max"},
  [Q_APPLY_ADD] = {"apply_add",
  "INSERT INTO apply (id, attempt, person, kind, take_over, press, state, at_ms, files) VALUES (:id, :attempt, :person, :kind, :take_over, :press, 'queued', :at_ms, :files)"},
  [Q_APPLY_GET] = {"apply_get", "SELECT " APPLY " FROM apply WHERE id = :id"},
  [Q_APPLY_BY_PRESS] = {"apply_by_press", "SELECT " APPLY " FROM apply WHERE person = :person AND attempt = :attempt AND press = :press"},
  [Q_APPLY_BEGIN] = {"apply_begin",
  "UPDATE apply SET state = 'running', begun = begun + 1 WHERE id = :id AND state IN ('queued', 'running') RETURNING begun"},
  [Q_APPLY_END] = {"apply_end",
  "UPDATE apply SET state = :state, ok = :ok, answer = :answer WHERE id = :id AND state IN ('queued', 'running')"},
  [Q_APPLY_UNFINISHED] = {"apply_unfinished", "SELECT id FROM apply WHERE state IN ('queued', 'running') ORDER BY id"},
  {0}};

bool store_body_get(struct db_read *read, const char *hash, struct arena *arena, const char **out, size_t *out_length, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_BODY_GET]);
  db_bind_text(stmt, ":hash", hash);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) *out = db_blob(arena, stmt, 0, out_length);
  db_end(stmt);
  if (step == DB_DONE) err_set(err, ERR_NOT_FOUND, "store.forgotten", "body %s is gone", hash);
  return step == DB_ROW;
}

bool store_body_put(struct db_tx *tx, const void *bytes, size_t length, char out_hash[65], struct err *err) {
  secret_sha256_hex(bytes, length, out_hash);
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_submission_queries[Q_BODY_PUT]);
  db_bind_text(stmt, ":hash", out_hash);
  db_bind_blob(stmt, ":bytes", bytes, length);
  if (!db_run(stmt, NULL, err)) return false;
  /* what will be graded is what lies there: read back and compared inside the transaction */
  struct arena *arena = arena_new(0);
  const char *stored = NULL;
  size_t stored_length = 0;
  bool ok = store_body_get(db_tx_read(tx), out_hash, arena, &stored, &stored_length, err);
  if (ok && (stored_length != length || (length && memcmp(stored, bytes, length)))) ok = err_set(err, ERR_BUG, "store.body", "body %s reads back different", out_hash);
  arena_free(arena);
  return ok;
}

static void row_from(struct db_stmt *stmt, struct submission_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->attempt, sizeof out->attempt);
  db_copy(stmt, 2, out->person, sizeof out->person);
  db_copy(stmt, 3, out->workshop, sizeof out->workshop);
  db_copy(stmt, 4, out->lab, sizeof out->lab);
  db_copy(stmt, 5, out->lab_version, sizeof out->lab_version);
  out->number = db_int(stmt, 6);
  db_copy(stmt, 7, out->press, sizeof out->press);
  db_copy(stmt, 8, out->files_hash, sizeof out->files_hash);
  db_copy(stmt, 9, out->state, sizeof out->state);
  out->at_ms = db_int(stmt, 10);
  out->begun = db_int(stmt, 11);
  db_copy(stmt, 12, out->earned, sizeof out->earned);
  db_copy(stmt, 13, out->max, sizeof out->max);
}

/* Steps once; true when a row was there. */
static bool one(struct db_stmt *stmt, struct submission_row *out, enum db_step *out_step, struct err *err) {
  *out_step = db_step(stmt, err);
  if (*out_step == DB_ROW) row_from(stmt, out);
  db_end(stmt);
  return *out_step == DB_ROW;
}

bool store_submission_open(struct db_read *read, const char *attempt, struct submission_row *out) {
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_OPEN]);
  db_bind_text(stmt, ":attempt", attempt);
  enum db_step step;
  return one(stmt, out, &step, NULL);
}

bool store_submission_add(struct db_tx *tx, struct submission_row *row, const struct submission_file_row *files, size_t count, struct err *err) {
  struct db_read *read = db_tx_read(tx);
  struct submission_row open;
  if (store_submission_open(read, row->attempt, &open)) {
    err_set(err, ERR_CONFLICT, "submission.running", "attempt %s has %s", row->attempt, open.id);
    return err_param(err, "submission", "%s", open.id);
  }
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":attempt", row->attempt);
  db_bind_text(stmt, ":person", row->person);
  db_bind_text(stmt, ":workshop", *row->workshop ? row->workshop : NULL);
  db_bind_text(stmt, ":lab", row->lab);
  db_bind_text(stmt, ":lab_version", row->lab_version);
  db_bind_text(stmt, ":press", *row->press ? row->press : NULL);
  db_bind_text(stmt, ":files_hash", row->files_hash);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  if (!db_run(stmt, NULL, err)) return false;
  for (size_t i = 0; i < count; i++) {
    stmt = db_begin(read, &store_submission_queries[Q_ADD_FILE]);
    db_bind_text(stmt, ":submission", row->id);
    db_bind_int(stmt, ":place", (int64_t)i);
    db_bind_text(stmt, ":name", files[i].name);
    db_bind_text(stmt, ":hash", files[i].hash);
    if (!db_run(stmt, NULL, err)) return false;
  }
  return store_submission_get(read, row->id, row, err);
}

bool store_submission_get(struct db_read *read, const char *id, struct submission_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_GET]);
  db_bind_text(stmt, ":id", id);
  enum db_step step;
  if (one(stmt, out, &step, err)) return true;
  return step == DB_FAIL ? false : err_set(err, ERR_NOT_FOUND, "submission.missing", "no submission %s", id);
}

bool store_submission_files(struct db_read *read, const char *id, struct arena *arena, struct submission_file_row **out, size_t *out_count, struct err *err) {
  struct submission_file_row *files = arena_alloc(arena, 20 * sizeof *files);
  size_t n = 0;
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_FILES]);
  db_bind_text(stmt, ":submission", id);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && n < 20) {
    files[n].name = db_text(arena, stmt, 0);
    files[n++].hash = db_text(arena, stmt, 1);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = files;
  *out_count = n;
  return true;
}

bool store_submission_same(struct db_read *read, const char *attempt, const char *person, const char *press, const char *files_hash, int64_t since_ms,
                           struct submission_row *out) {
  struct db_stmt *stmt = db_begin(read, press ? &store_submission_queries[Q_BY_PRESS] : &store_submission_queries[Q_BY_FILES]);
  db_bind_text(stmt, ":attempt", attempt);
  if (press) {
    db_bind_text(stmt, ":person", person);
    db_bind_text(stmt, ":press", press);
  } else {
    db_bind_int(stmt, ":since", since_ms);
    db_bind_text(stmt, ":files_hash", files_hash);
  }
  enum db_step step;
  return one(stmt, out, &step, NULL);
}

bool store_submission_list(struct db_read *read, const char *attempt, struct arena *arena, struct submission_row **out, size_t *out_count, struct err *err) {
  struct submission_row *rows = arena_alloc(arena, 200 * sizeof *rows);
  size_t n = 0;
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_LIST]);
  db_bind_text(stmt, ":attempt", attempt);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && n < 200) row_from(stmt, &rows[n++]);
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = rows;
  *out_count = n;
  return true;
}

/* The ids of a one-column query. */
static bool ids(struct db_read *read, const struct db_query *query, struct arena *arena, char (**out)[ID_SIZE], size_t *out_count, struct err *err) {
  size_t room = 64, n = 0;
  char (*list)[ID_SIZE] = arena_alloc(arena, room * ID_SIZE);
  struct db_stmt *stmt = db_begin(read, query);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    if (n == room) {
      char (*more)[ID_SIZE] = arena_alloc(arena, 2 * room * ID_SIZE);
      memcpy(more, list, n * ID_SIZE);
      list = more;
      room *= 2;
    }
    db_copy(stmt, 0, list[n++], ID_SIZE);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = list;
  *out_count = n;
  return true;
}

bool store_submission_unfinished(struct db_read *read, struct arena *arena, char (**out_ids)[ID_SIZE], size_t *out_count, struct err *err) {
  return ids(read, &store_submission_queries[Q_UNFINISHED], arena, out_ids, out_count, err);
}

/* A number of a one-row query on an attempt; since_ms < 0: the query has no :since. */
static int64_t number(struct db_read *read, const struct db_query *query, const char *attempt, int64_t since_ms) {
  struct db_stmt *stmt = db_begin(read, query);
  db_bind_text(stmt, ":attempt", attempt);
  if (since_ms >= 0) db_bind_int(stmt, ":since", since_ms);
  int64_t n = db_step(stmt, NULL) == DB_ROW ? db_int(stmt, 0) : 0;
  db_end(stmt);
  return n;
}

int64_t store_submission_count(struct db_read *read, const char *attempt, int64_t since_ms) { return number(read, &store_submission_queries[Q_COUNT], attempt, since_ms); }
int64_t store_submission_tries(struct db_read *read, const char *attempt) { return number(read, &store_submission_queries[Q_TRIES], attempt, -1); }

/* Steps a `… RETURNING begun`: ERR_CONFLICT "store.ended" when the row has ended already. */
static bool begin(struct db_tx *tx, const struct db_query *query, const char *id, int64_t *out_begun, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), query);
  db_bind_text(stmt, ":id", id);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) *out_begun = db_int(stmt, 0);
  if (step == DB_ROW && db_step(stmt, err) == DB_FAIL) step = DB_FAIL;
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_CONFLICT, "store.ended", "%s has ended", id));
}

bool store_submission_begin(struct db_tx *tx, const char *id, int64_t *out_begun, struct err *err) { return begin(tx, &store_submission_queries[Q_BEGIN], id, out_begun, err); }

bool store_submission_end(struct db_tx *tx, const char *id, const char *state, const char *earned, const char *max, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_submission_queries[Q_END]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":state", state);
  db_bind_text(stmt, ":earned", earned);
  db_bind_text(stmt, ":max", max);
  int64_t changes = 0;
  return db_run(stmt, &changes, err) && (changes == 1 || err_set(err, ERR_CONFLICT, "store.ended", "submission %s has ended", id));
}

/* --- applies ---------------------------------------------------------------------------------------------------------------- */

static void apply_from(struct db_stmt *stmt, struct apply_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->attempt, sizeof out->attempt);
  db_copy(stmt, 2, out->person, sizeof out->person);
  db_copy(stmt, 3, out->kind, sizeof out->kind);
  out->take_over = db_int(stmt, 4) != 0;
  db_copy(stmt, 5, out->press, sizeof out->press);
  db_copy(stmt, 6, out->state, sizeof out->state);
  out->at_ms = db_int(stmt, 7);
  out->begun = db_int(stmt, 8);
  out->ok = db_int(stmt, 9) != 0;
  db_copy(stmt, 10, out->files, sizeof out->files);
  db_copy(stmt, 11, out->answer, sizeof out->answer);
}

bool store_apply_add(struct db_tx *tx, const struct apply_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_submission_queries[Q_APPLY_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":attempt", row->attempt);
  db_bind_text(stmt, ":person", row->person);
  db_bind_text(stmt, ":kind", row->kind);
  db_bind_int(stmt, ":take_over", row->take_over);
  db_bind_text(stmt, ":press", *row->press ? row->press : NULL);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  db_bind_text(stmt, ":files", row->files);
  if (db_run(stmt, NULL, err)) return true;
  return err && err->code == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, "apply.running", "attempt %s applies already", row->attempt) : false;
}

bool store_apply_get(struct db_read *read, const char *id, struct apply_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_APPLY_GET]);
  db_bind_text(stmt, ":id", id);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) apply_from(stmt, out);
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_NOT_FOUND, "apply.missing", "no apply %s", id));
}

bool store_apply_same(struct db_read *read, const char *attempt, const char *person, const char *press, struct apply_row *out) {
  struct db_stmt *stmt = db_begin(read, &store_submission_queries[Q_APPLY_BY_PRESS]);
  db_bind_text(stmt, ":attempt", attempt);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":press", press);
  bool found = db_step(stmt, NULL) == DB_ROW;
  if (found) apply_from(stmt, out);
  db_end(stmt);
  return found;
}

bool store_apply_begin(struct db_tx *tx, const char *id, int64_t *out_begun, struct err *err) { return begin(tx, &store_submission_queries[Q_APPLY_BEGIN], id, out_begun, err); }

bool store_apply_end(struct db_tx *tx, const char *id, const char *state, bool ok, const char *answer, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_submission_queries[Q_APPLY_END]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":state", state);
  db_bind_int(stmt, ":ok", ok);
  db_bind_text(stmt, ":answer", answer);
  return db_run(stmt, NULL, err);
}

bool store_apply_unfinished(struct db_read *read, struct arena *arena, char (**out_ids)[ID_SIZE], size_t *out_count, struct err *err) {
  return ids(read, &store_submission_queries[Q_APPLY_UNFINISHED], arena, out_ids, out_count, err);
}
