/* store_regrade: see the header. The trigger on regrade_item lets a row change once; the index on a running regrade lets one run at a time. */
#include "store/store_regrade.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/db.h"

#define REGRADE "r.id, r.by_person, r.role, r.lab, r.check_id, r.workshop, r.reason, r.state, r.why, r.at_ms, r.ended_ms," \
  " (SELECT count(*) FROM regrade_item i WHERE i.regrade = r.id AND i.state <> 'waiting'), (SELECT count(*) FROM regrade_item i WHERE i.regrade = r.id)"
#define ITEM "i.place, i.submission, i.person, i.workshop, i.lab, i.lab_version, i.library, i.state, i.why, i.old_verdict, i.new_verdict," \
  " i.old_earned, i.old_max, i.new_earned, i.new_max, i.sheet_old, i.sheet_new, p.name, s.number" \
  " FROM regrade_item i JOIN submission s ON s.id = i.submission LEFT JOIN person p ON p.id = i.person WHERE i.regrade = :regrade"
/* What counts for a hand-in: the run its row names, else the final one of its own grading. */
#define CHOSEN "SELECT s.id, s.person, s.workshop, s.lab, s.number, p.name, s.earned, s.max FROM submission s LEFT JOIN person p ON p.id = s.person WHERE"
#define NARROWED " s.state IN ('graded', 'error') AND (:owner IS NULL OR s.workshop IN (SELECT id FROM workshop WHERE opened_by = :owner))"

enum { Q_ADD, Q_ITEM_ADD, Q_FIND, Q_RUNNING, Q_LIST, Q_LIST_BY, Q_ITEMS, Q_WAITING, Q_ITEM_END, Q_END, Q_BY_LAB, Q_BY_WORKSHOP, Q_LABS, Q_COUNT, Q_GRADES };
const struct db_query store_regrade_queries[] = {
  [Q_ADD] = {"regrade_add", "INSERT INTO regrade (id, by_person, role, lab, check_id, workshop, reason, state, at_ms)"
                            " VALUES (:id, :by_person, :role, :lab, :check_id, :workshop, :reason, 'running', :at_ms)"},
  [Q_ITEM_ADD] = {"regrade_item_add", "INSERT INTO regrade_item (regrade, place, submission, person, workshop, lab, lab_version, library, state)"
                                      " VALUES (:regrade, :place, :submission, :person, :workshop, :lab, :lab_version, :library, 'waiting')"},
  [Q_FIND] = {"regrade_find", "SELECT " REGRADE " FROM regrade r WHERE r.id = :id"},
  [Q_RUNNING] = {"regrade_running", "SELECT " REGRADE " FROM regrade r WHERE r.state = 'running'"},
  [Q_LIST] = {"regrade_list", "SELECT " REGRADE " FROM regrade r ORDER BY r.id DESC LIMIT 100 /*scan: the newest by primary key*/"},
  [Q_LIST_BY] = {"regrade_list_by", "SELECT " REGRADE " FROM regrade r WHERE r.by_person = :by_person ORDER BY r.id DESC LIMIT 100"},
  [Q_ITEMS] = {"regrade_items", "SELECT " ITEM " ORDER BY i.place LIMIT :most"},
  [Q_WAITING] = {"regrade_waiting", "SELECT " ITEM " AND i.state = 'waiting' ORDER BY i.place LIMIT :most"},
  [Q_ITEM_END] = {"regrade_item_end",
  "UPDATE regrade_item SET state = :state, why = :why, old_verdict = :old_verdict, new_verdict = :new_verdict, old_earned = :old_earned, old_max = :old_max,"
  " new_earned = :new_earned, new_max = :new_max, sheet_old = :sheet_old, sheet_new = :sheet_new WHERE regrade = :regrade AND place = :place AND state = 'waiting'"},
  [Q_END] = {"regrade_end", "UPDATE regrade SET state = :state, why = :why, ended_ms = :at_ms WHERE id = :id AND state = 'running'"},
  [Q_BY_LAB] = {"regrade_by_lab", CHOSEN " s.lab = :lab AND (:workshop IS NULL OR s.workshop = :workshop) AND" NARROWED " ORDER BY s.id LIMIT :most"},
  [Q_BY_WORKSHOP] = {"regrade_by_workshop", CHOSEN " s.workshop = :workshop AND" NARROWED " ORDER BY s.id LIMIT :most"},
  [Q_LABS] = {"regrade_labs",
  "SELECT s.lab, coalesce(v.lab_version, ''), coalesce(v.library, ''), count(*) FROM submission s LEFT JOIN verdict v ON v.id = coalesce(s.verdict,"
  " (SELECT w.id FROM verdict w WHERE w.submission = s.id AND w.final = 1 AND w.regrade IS NULL)) WHERE" NARROWED
  " GROUP BY s.lab, v.lab_version, v.library ORDER BY s.lab /*scan: an overview of all that was graded*/"},
  [Q_COUNT] = {"regrade_count", "UPDATE submission SET verdict = :verdict, state = :state, earned = :earned, max = :max WHERE id = :submission AND state IN ('graded', 'error')"},
  [Q_GRADES] = {"regrade_grades",
  "SELECT v.id, v.earned, v.max, r.reason, v.run, v.at_ms, v.id IS s.verdict OR (s.verdict IS NULL AND v.final = 1) FROM verdict v JOIN submission s ON s.id = v.submission"
  " LEFT JOIN regrade r ON r.id = v.regrade WHERE v.submission = :submission AND v.final = 1 ORDER BY v.id DESC LIMIT 50"},
  {0}};

static void bind(struct db_stmt *stmt, const char *name, const char *text) { db_bind_text(stmt, name, text && *text ? text : NULL); }

bool store_regrade_add(struct db_tx *tx, const struct regrade_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_regrade_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":by_person", row->by_person);
  db_bind_text(stmt, ":role", row->role);
  bind(stmt, ":lab", row->lab);
  bind(stmt, ":check_id", row->check_id);
  bind(stmt, ":workshop", row->workshop);
  db_bind_text(stmt, ":reason", row->reason);
  db_bind_int(stmt, ":at_ms", row->at_ms);
  if (db_run(stmt, NULL, err)) return true;
  return err && err->code == ERR_CONFLICT ? err_set(err, ERR_CONFLICT, "regrade.running", "another regrade runs") : false;
}

bool store_regrade_item_add(struct db_tx *tx, const char *regrade, const struct regrade_item *item, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_regrade_queries[Q_ITEM_ADD]);
  db_bind_text(stmt, ":regrade", regrade);
  db_bind_int(stmt, ":place", item->place);
  db_bind_text(stmt, ":submission", item->submission);
  db_bind_text(stmt, ":person", item->person);
  bind(stmt, ":workshop", item->workshop);
  db_bind_text(stmt, ":lab", item->lab);
  db_bind_text(stmt, ":lab_version", item->lab_version);
  db_bind_text(stmt, ":library", item->library);
  return db_run(stmt, NULL, err);
}

static void row_from(struct db_stmt *stmt, struct regrade_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->by_person, sizeof out->by_person);
  db_copy(stmt, 2, out->role, sizeof out->role);
  db_copy(stmt, 3, out->lab, sizeof out->lab);
  db_copy(stmt, 4, out->check_id, sizeof out->check_id);
  db_copy(stmt, 5, out->workshop, sizeof out->workshop);
  db_copy(stmt, 6, out->reason, sizeof out->reason);
  db_copy(stmt, 7, out->state, sizeof out->state);
  db_copy(stmt, 8, out->why, sizeof out->why);
  out->at_ms = db_int(stmt, 9);
  out->ended_ms = db_int(stmt, 10);
  out->done = db_int(stmt, 11);
  out->of = db_int(stmt, 12);
}

bool store_regrade_find(struct db_read *read, const char *id, struct regrade_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[Q_FIND]);
  db_bind_text(stmt, ":id", id);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) row_from(stmt, out);
  db_end(stmt);
  return step == DB_ROW || (step == DB_DONE && err_set(err, ERR_NOT_FOUND, "regrade.missing", "no regrade %s", id));
}

bool store_regrade_running(struct db_read *read, struct regrade_row *out) {
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[Q_RUNNING]);
  bool found = db_step(stmt, NULL) == DB_ROW;
  if (found) row_from(stmt, out);
  db_end(stmt);
  return found;
}

bool store_regrade_list(struct db_read *read, const char *by_person, struct arena *arena, struct regrade_row **out, size_t *out_count, struct err *err) {
  struct regrade_row *rows = arena_alloc(arena, 100 * sizeof *rows);
  size_t n = 0;
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[by_person ? Q_LIST_BY : Q_LIST]);
  if (by_person) db_bind_text(stmt, ":by_person", by_person);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && n < 100) row_from(stmt, &rows[n++]);
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}

/* A list that grows: rows of `size` bytes in the arena. */
static void *room_for(struct arena *arena, void *rows, size_t n, size_t *room, size_t size) {
  if (n < *room) return rows;
  size_t more = *room ? 2 * *room : 64;
  char *grown = arena_alloc(arena, more * size);
  if (n) memcpy(grown, rows, n * size);
  *room = more;
  return grown;
}

static void item_from(struct db_stmt *stmt, struct regrade_item *out) {
  memset(out, 0, sizeof *out);
  out->place = db_int(stmt, 0);
  db_copy(stmt, 1, out->submission, sizeof out->submission);
  db_copy(stmt, 2, out->person, sizeof out->person);
  db_copy(stmt, 3, out->workshop, sizeof out->workshop);
  db_copy(stmt, 4, out->lab, sizeof out->lab);
  db_copy(stmt, 5, out->lab_version, sizeof out->lab_version);
  db_copy(stmt, 6, out->library, sizeof out->library);
  db_copy(stmt, 7, out->state, sizeof out->state);
  db_copy(stmt, 8, out->why, sizeof out->why);
  db_copy(stmt, 9, out->old_verdict, sizeof out->old_verdict);
  db_copy(stmt, 10, out->new_verdict, sizeof out->new_verdict);
  db_copy(stmt, 11, out->old_earned, sizeof out->old_earned);
  db_copy(stmt, 12, out->old_max, sizeof out->old_max);
  db_copy(stmt, 13, out->new_earned, sizeof out->new_earned);
  db_copy(stmt, 14, out->new_max, sizeof out->new_max);
  db_copy(stmt, 15, out->sheet_old, sizeof out->sheet_old);
  db_copy(stmt, 16, out->sheet_new, sizeof out->sheet_new);
  db_copy(stmt, 17, out->name, sizeof out->name);
  out->number = db_int(stmt, 18);
}

bool store_regrade_items(struct db_read *read, const char *regrade, bool waiting, size_t most, struct arena *arena, struct regrade_item **out, size_t *out_count, struct err *err) {
  struct regrade_item *rows = NULL;
  size_t n = 0, room = 0;
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[waiting ? Q_WAITING : Q_ITEMS]);
  db_bind_text(stmt, ":regrade", regrade);
  db_bind_int(stmt, ":most", (int64_t)most);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = room_for(arena, rows, n, &room, sizeof *rows);
    item_from(stmt, &rows[n++]);
  }
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}

bool store_regrade_item_end(struct db_tx *tx, const char *regrade, const struct regrade_item *item, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_regrade_queries[Q_ITEM_END]);
  db_bind_text(stmt, ":regrade", regrade);
  db_bind_int(stmt, ":place", item->place);
  db_bind_text(stmt, ":state", item->state);
  bind(stmt, ":why", item->why);
  bind(stmt, ":old_verdict", item->old_verdict);
  bind(stmt, ":new_verdict", item->new_verdict);
  bind(stmt, ":old_earned", item->old_earned);
  bind(stmt, ":old_max", item->old_max);
  bind(stmt, ":new_earned", item->new_earned);
  bind(stmt, ":new_max", item->new_max);
  bind(stmt, ":sheet_old", item->sheet_old);
  bind(stmt, ":sheet_new", item->sheet_new);
  int64_t changes = 0;
  return db_run(stmt, &changes, err) && (changes == 1 || err_set(err, ERR_CONFLICT, "store.ended", "item %lld of %s has ended", (long long)item->place, regrade));
}

bool store_regrade_end(struct db_tx *tx, const char *id, const char *state, const char *why, int64_t at_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_regrade_queries[Q_END]);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":state", state);
  db_bind_text(stmt, ":why", why);
  db_bind_int(stmt, ":at_ms", at_ms);
  int64_t changes = 0;
  return db_run(stmt, &changes, err) && (changes == 1 || err_set(err, ERR_CONFLICT, "store.ended", "regrade %s has ended", id));
}

bool store_regrade_select(struct db_read *read, const struct regrade_scope *scope, size_t most, struct arena *arena, struct regrade_item **out, size_t *out_count, struct err *err) {
  struct regrade_item *rows = NULL;
  size_t n = 0, room = 0;
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[scope->lab ? Q_BY_LAB : Q_BY_WORKSHOP]);
  if (scope->lab) db_bind_text(stmt, ":lab", scope->lab);
  db_bind_text(stmt, ":workshop", scope->workshop);
  db_bind_text(stmt, ":owner", scope->owner);
  db_bind_int(stmt, ":most", (int64_t)most);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = room_for(arena, rows, n, &room, sizeof *rows);
    struct regrade_item *item = &rows[n];
    memset(item, 0, sizeof *item);
    item->place = (int64_t)n++;
    db_copy(stmt, 0, item->submission, sizeof item->submission);
    db_copy(stmt, 1, item->person, sizeof item->person);
    db_copy(stmt, 2, item->workshop, sizeof item->workshop);
    db_copy(stmt, 3, item->lab, sizeof item->lab);
    item->number = db_int(stmt, 4);
    db_copy(stmt, 5, item->name, sizeof item->name);
    db_copy(stmt, 6, item->old_earned, sizeof item->old_earned);
    db_copy(stmt, 7, item->old_max, sizeof item->old_max);
  }
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}

bool store_regrade_labs(struct db_read *read, const char *owner, struct arena *arena, struct regrade_lab **out, size_t *out_count, struct err *err) {
  struct regrade_lab *rows = NULL;
  size_t n = 0, room = 0;
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[Q_LABS]);
  db_bind_text(stmt, ":owner", owner);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) {
    rows = room_for(arena, rows, n, &room, sizeof *rows);
    struct regrade_lab *row = &rows[n++];
    memset(row, 0, sizeof *row);
    db_copy(stmt, 0, row->lab, sizeof row->lab);
    db_copy(stmt, 1, row->lab_version, sizeof row->lab_version);
    db_copy(stmt, 2, row->library, sizeof row->library);
    row->submissions = db_int(stmt, 3);
  }
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}

bool store_regrade_count(struct db_tx *tx, const char *submission, const char *verdict, const char *state, const char *earned, const char *max, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_regrade_queries[Q_COUNT]);
  db_bind_text(stmt, ":submission", submission);
  db_bind_text(stmt, ":verdict", verdict);
  db_bind_text(stmt, ":state", state);
  db_bind_text(stmt, ":earned", earned);
  db_bind_text(stmt, ":max", max);
  int64_t changes = 0;
  return db_run(stmt, &changes, err) && (changes == 1 || err_set(err, ERR_CONFLICT, "store.ended", "submission %s is not graded", submission));
}

bool store_regrade_grades(struct db_read *read, const char *submission, struct arena *arena, struct regrade_grade **out, size_t *out_count, struct err *err) {
  struct regrade_grade *rows = arena_alloc(arena, 50 * sizeof *rows);
  size_t n = 0;
  struct db_stmt *stmt = db_begin(read, &store_regrade_queries[Q_GRADES]);
  db_bind_text(stmt, ":submission", submission);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW && n < 50) {
    struct regrade_grade *row = &rows[n++];
    db_copy(stmt, 0, row->verdict, sizeof row->verdict);
    db_copy(stmt, 1, row->earned, sizeof row->earned);
    db_copy(stmt, 2, row->max, sizeof row->max);
    db_copy(stmt, 3, row->reason, sizeof row->reason);
    row->run = db_int(stmt, 4);
    row->at_ms = db_int(stmt, 5);
    row->counts = db_int(stmt, 6) != 0;
  }
  db_end(stmt);
  *out = rows;
  *out_count = n;
  return step != DB_FAIL;
}
