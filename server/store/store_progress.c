/* store_progress: see the header. */
#include "store/store_progress.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"

#define PROGRESS "person, workshop, lab, step, earned, max, submission, at_ms"

enum { Q_GET, Q_PUT, Q_LIST, Q_QUIZ_PUT, Q_QUIZ_LIST, Q_HINT_ADD, Q_HINT_LIST };
const struct db_query store_progress_queries[] = {
  [Q_GET] = {"progress_get", "SELECT " PROGRESS " FROM progress WHERE person = :person AND workshop = :workshop AND lab = :lab AND step = :step"},
  [Q_PUT] = {"progress_put",
  "INSERT INTO progress (" PROGRESS ") VALUES (:person, :workshop, :lab, :step, :earned, :max, :submission, :at_ms)"
  " ON CONFLICT (person, workshop, lab, step) DO UPDATE SET earned = :earned, max = :max, submission = :submission, at_ms = :at_ms"},
  [Q_LIST] = {"progress_list", "SELECT " PROGRESS " FROM progress WHERE person = :person AND workshop = :workshop ORDER BY lab, step"},
  [Q_QUIZ_PUT] = {"quiz_put",
  "INSERT INTO quiz_answer (person, module, item, workshop, first_answer, first_right, first_ms, last_answer, last_right, last_ms, answers)"
  " VALUES (:person, :module, :item, :workshop, :answer, :right, :at_ms, :answer, :right, :at_ms, 1)"
  " ON CONFLICT (person, module, item) DO UPDATE SET last_answer = :answer, last_right = :right, last_ms = :at_ms, answers = answers + 1"},
  [Q_QUIZ_LIST] = {"quiz_list",
  "SELECT module, item, first_answer, first_right, first_ms, last_answer, last_right, last_ms, answers FROM quiz_answer WHERE person = :person ORDER BY module, item"},
  [Q_HINT_ADD] = {"hint_add",
  "INSERT INTO hint_opened (attempt, key, rung, person, at_ms) VALUES (:attempt, :key, :rung, :person, :at_ms) ON CONFLICT (attempt, key, rung) DO NOTHING"},
  [Q_HINT_LIST] = {"hint_list", "SELECT key, rung, at_ms FROM hint_opened WHERE attempt = :attempt ORDER BY key, rung"},
  {0}};

/* Room for one more of `size` bytes behind count; doubles. */
static void *grown(struct arena *arena, void *list, size_t count, size_t size) {
  if (count & (count - 1)) return list;              /* there is room up to the next power of two */
  void *more = arena_alloc(arena, (count ? count * 2 : 1) * size);
  if (count) memcpy(more, list, count * size);
  return more;
}

static void take_progress(struct db_stmt *stmt, struct progress_row *out) {
  db_copy(stmt, 0, out->person, sizeof out->person);
  db_copy(stmt, 1, out->workshop, sizeof out->workshop);
  db_copy(stmt, 2, out->lab, sizeof out->lab);
  db_copy(stmt, 3, out->step, sizeof out->step);
  db_copy(stmt, 4, out->earned, sizeof out->earned);
  db_copy(stmt, 5, out->max, sizeof out->max);
  db_copy(stmt, 6, out->submission, sizeof out->submission);
  out->at_ms = db_int(stmt, 7);
}

bool store_progress_get(struct db_read *read, const char *person, const char *workshop, const char *lab, const char *step, struct progress_row *out, bool *out_found, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_progress_queries[Q_GET]);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":workshop", workshop);
  db_bind_text(stmt, ":lab", lab);
  db_bind_text(stmt, ":step", step);
  enum db_step done = db_step(stmt, err);
  if (done == DB_ROW) take_progress(stmt, out);
  if (done != DB_FAIL) *out_found = done == DB_ROW;
  db_end(stmt);
  return done != DB_FAIL;
}

bool store_progress_put(struct db_tx *tx, const struct progress_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_progress_queries[Q_PUT]);
  db_bind_text(stmt, ":person", row->person);
  db_bind_text(stmt, ":workshop", row->workshop);
  db_bind_text(stmt, ":lab", row->lab);
  db_bind_text(stmt, ":step", row->step);
  db_bind_text(stmt, ":earned", row->earned);
  db_bind_text(stmt, ":max", row->max);
  db_bind_text(stmt, ":submission", row->submission);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  return db_run(stmt, NULL, err);
}

bool store_progress_list(struct db_read *read, const char *person, const char *workshop, struct arena *arena, struct progress_row **out, size_t *out_count, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_progress_queries[Q_LIST]);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":workshop", workshop);
  struct progress_row *rows = NULL;
  size_t count = 0;
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = grown(arena, rows, count, sizeof *rows);
    take_progress(stmt, &rows[count++]);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = rows;
  *out_count = count;
  return true;
}

bool store_quiz_put(struct db_tx *tx, const char *person, const char *workshop, const char *module, const char *item, int answer, bool right, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_progress_queries[Q_QUIZ_PUT]);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":workshop", workshop);
  db_bind_text(stmt, ":module", module);
  db_bind_text(stmt, ":item", item);
  db_bind_int(stmt, ":answer", answer);
  db_bind_int(stmt, ":right", right);
  db_bind_int(stmt, ":at_ms", at_ms);
  return db_run(stmt, NULL, err);
}

bool store_quiz_list(struct db_read *read, const char *person, struct arena *arena, struct quiz_row **out, size_t *out_count, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_progress_queries[Q_QUIZ_LIST]);
  db_bind_text(stmt, ":person", person);
  struct quiz_row *rows = NULL;
  size_t count = 0;
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = grown(arena, rows, count, sizeof *rows);
    struct quiz_row *row = &rows[count++];
    memset(row, 0, sizeof *row);
    db_copy(stmt, 0, row->module, sizeof row->module);
    db_copy(stmt, 1, row->item, sizeof row->item);
    row->first_answer = (int)db_int(stmt, 2);
    row->first_right = db_int(stmt, 3) != 0;
    row->first_ms = db_int(stmt, 4);
    row->last_answer = (int)db_int(stmt, 5);
    row->last_right = db_int(stmt, 6) != 0;
    row->last_ms = db_int(stmt, 7);
    row->answers = (int)db_int(stmt, 8);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = rows;
  *out_count = count;
  return true;
}

bool store_hint_add(struct db_tx *tx, const char *attempt, const char *key, int rung, const char *person, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_progress_queries[Q_HINT_ADD]);
  db_bind_text(stmt, ":attempt", attempt);
  db_bind_text(stmt, ":key", key);
  db_bind_int(stmt, ":rung", rung);
  db_bind_text(stmt, ":person", person);
  db_bind_int(stmt, ":at_ms", at_ms);
  return db_run(stmt, NULL, err);
}

bool store_hint_list(struct db_read *read, const char *attempt, struct arena *arena, struct hint_row **out, size_t *out_count, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_progress_queries[Q_HINT_LIST]);
  db_bind_text(stmt, ":attempt", attempt);
  struct hint_row *rows = NULL;
  size_t count = 0;
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = grown(arena, rows, count, sizeof *rows);
    db_copy(stmt, 0, rows[count].key, sizeof rows[count].key);
    rows[count].rung = (int)db_int(stmt, 1);
    rows[count++].at_ms = db_int(stmt, 2);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = rows;
  *out_count = count;
  return true;
}
