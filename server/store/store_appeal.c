/* store_appeal: see the header. The index on open ones lets a hand-in have one at a time; the trigger lets a row be answered once. */
#include "store/store_appeal.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"

#define COLUMNS "SELECT a.id, a.submission, a.person, a.workshop, a.state, a.regrade, a.reason, a.answer, a.at_ms, a.ended_ms"
#define OF_HAND_IN COLUMNS ", p.name, s.attempt, s.lab, s.earned, s.max, s.number FROM appeal a JOIN submission s ON s.id = a.submission LEFT JOIN person p ON p.id = a.person WHERE"

enum { Q_ADD, Q_COUNT, Q_FIND, Q_OF, Q_OPEN, Q_REFUSE, Q_REGRADED };
const struct db_query store_appeal_queries[] = {
  [Q_ADD] = {"appeal_add", "INSERT INTO appeal (id, submission, person, workshop, reason, at_ms, state) VALUES (:id, :submission, :person, :workshop, :reason, :at_ms, 'open')"},
  [Q_COUNT] = {"appeal_count", "SELECT count(*) FROM appeal WHERE person = :person AND at_ms > :since"},
  [Q_FIND] = {"appeal_find", OF_HAND_IN " a.id = :id"},
  [Q_OF] = {"appeal_of",
  "SELECT a.id, a.submission, a.person, a.workshop, a.state, a.regrade, a.reason, coalesce(a.answer, r.reason), a.at_ms, a.ended_ms, i.state FROM appeal a LEFT JOIN regrade r ON r.id = a.regrade"
  " LEFT JOIN regrade_item i ON i.regrade = a.regrade AND i.submission = a.submission WHERE a.submission = :submission ORDER BY a.id DESC LIMIT 1"},
  [Q_OPEN] = {"appeal_open", OF_HAND_IN " a.state = 'open' AND (:owner IS NULL OR a.workshop IN (SELECT id FROM workshop WHERE opened_by = :owner)) ORDER BY a.id LIMIT :most"},
  [Q_REFUSE] = {"appeal_refuse", "UPDATE appeal SET state = 'refused', answer = :answer, by_person = :by_person, ended_ms = :at_ms WHERE id = :id AND state = 'open'"},
  [Q_REGRADED] = {"appeal_regraded",
  "UPDATE appeal SET state = 'regraded', regrade = :regrade, by_person = (SELECT by_person FROM regrade WHERE id = :regrade), ended_ms = :at_ms WHERE submission = :submission AND state = 'open'"},
  {0}};

bool store_appeal_add(struct db_tx *tx, const struct appeal_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_appeal_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":submission", row->submission);
  db_bind_text(stmt, ":person", row->person);
  db_bind_text(stmt, ":workshop", *row->workshop ? row->workshop : NULL);
  db_bind_text(stmt, ":reason", row->reason);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  if (db_run(stmt, NULL, err)) return true;
  return err && err->code == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, "appeal.open", "submission %s has an open one", row->submission) : false;
}

int64_t store_appeal_count(struct db_read *read, const char *person, int64_t since_ms) {
  struct db_stmt *stmt = db_begin(read, &store_appeal_queries[Q_COUNT]);
  db_bind_text(stmt, ":person", person);
  db_bind_int(stmt, ":since", since_ms);
  int64_t count = db_step(stmt, NULL) == DB_ROW ? db_int(stmt, 0) : 0;
  db_end(stmt);
  return count;
}

static void row_from(struct db_stmt *stmt, struct appeal_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->submission, sizeof out->submission);
  db_copy(stmt, 2, out->person, sizeof out->person);
  db_copy(stmt, 3, out->workshop, sizeof out->workshop);
  db_copy(stmt, 4, out->state, sizeof out->state);
  db_copy(stmt, 5, out->regrade, sizeof out->regrade);
  db_copy(stmt, 6, out->reason, sizeof out->reason);
  db_copy(stmt, 7, out->answer, sizeof out->answer);
  out->at_ms = db_int(stmt, 8);
  out->ended_ms = db_int(stmt, 9);
}

static void hand_in_from(struct db_stmt *stmt, struct appeal_row *out) {
  row_from(stmt, out);
  db_copy(stmt, 10, out->name, sizeof out->name);
  db_copy(stmt, 11, out->attempt, sizeof out->attempt);
  db_copy(stmt, 12, out->lab, sizeof out->lab);
  db_copy(stmt, 13, out->earned, sizeof out->earned);
  db_copy(stmt, 14, out->max, sizeof out->max);
  out->number = db_int(stmt, 15);
}

bool store_appeal_find(struct db_read *read, const char *id, struct appeal_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_appeal_queries[Q_FIND]);
  db_bind_text(stmt, ":id", id);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) hand_in_from(stmt, out);
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_NOT_FOUND, "appeal.missing", "no appeal %.40s", id));
}

bool store_appeal_of(struct db_read *read, const char *submission, struct appeal_row *out) {
  struct db_stmt *stmt = db_begin(read, &store_appeal_queries[Q_OF]);
  db_bind_text(stmt, ":submission", submission);
  bool found = db_step(stmt, NULL) == DB_ROW;
  if (found) {
    row_from(stmt, out);
    db_copy(stmt, 10, out->outcome, sizeof out->outcome);
  }
  db_end(stmt);
  return found;
}

bool store_appeal_open(struct db_read *read, const char *owner, size_t most, struct arena *arena, struct appeal_row **out, size_t *out_count, struct err *err) {
  struct appeal_row *rows = arena_alloc(arena, (most + 1) * sizeof *rows);
  size_t n = 0;
  struct db_stmt *stmt = db_begin(read, &store_appeal_queries[Q_OPEN]);
  db_bind_text(stmt, ":owner", owner);
  db_bind_int(stmt, ":most", (int64_t)most);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && n < most) hand_in_from(stmt, &rows[n++]);
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}

bool store_appeal_refuse(struct db_tx *tx, const char *id, const char *answer, const char *by_person, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_appeal_queries[Q_REFUSE]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":answer", answer);
  db_bind_text(stmt, ":by_person", by_person);
  db_bind_int(stmt, ":at_ms", at_ms);
  int64_t changes = 0;
  return db_run(stmt, &changes, err) && (changes == 1 || err_set(err, ERR_CONFLICT, "appeal.answered", "appeal %s is not open", id));
}

bool store_appeal_regraded(struct db_tx *tx, const char *submission, const char *regrade, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_appeal_queries[Q_REGRADED]);
  db_bind_text(stmt, ":submission", submission);
  db_bind_text(stmt, ":regrade", regrade);
  db_bind_int(stmt, ":at_ms", at_ms);
  return db_run(stmt, NULL, err);
}
