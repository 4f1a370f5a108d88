/* store_workshop: rows of workshop. */
#include "store/store_workshop.h"

#include <string.h>

#include "base/err.h"

#define WORKSHOP "w.id, w.name, w.code, w.opened_by, w.opened_ms, w.until_ms, w.closed_ms"
#define PEOPLE "(SELECT count(*) FROM person p WHERE p.workshop = w.id)"

enum { Q_ADD, Q_FIND, Q_CODE, Q_CLOSE_OVER, Q_CLOSE, Q_OWN, Q_ALL };
const struct db_query store_workshop_queries[] = {
  [Q_ADD] = {"workshop_add", "INSERT INTO workshop(id, name, code, opened_by, opened_ms, until_ms) VALUES(:id, :name, :code, :opened_by, :opened_ms, :until_ms)"},
  [Q_FIND] = {"workshop_find", "SELECT " WORKSHOP " FROM workshop w WHERE w.id = :key"},
  [Q_CODE] = {"workshop_code", "SELECT " WORKSHOP " FROM workshop w WHERE w.code = :key AND w.closed_ms IS NULL"},
  [Q_CLOSE_OVER] = {"workshop_close_over", "UPDATE workshop SET closed_ms = until_ms WHERE closed_ms IS NULL AND until_ms <= :now_ms"
                                           " /*scan: of the index of open codes, a few rows, when a workshop is opened*/"},
  [Q_CLOSE] = {"workshop_close", "UPDATE workshop SET closed_ms = :now_ms WHERE id = :id AND closed_ms IS NULL"},
  [Q_OWN] = {"workshop_own", "SELECT " WORKSHOP ", " PEOPLE " FROM workshop w WHERE w.opened_by = :opened_by ORDER BY w.opened_ms DESC LIMIT 200"},
  [Q_ALL] = {"workshop_all", "SELECT " WORKSHOP ", " PEOPLE " FROM workshop w ORDER BY w.opened_ms DESC LIMIT 200 /*scan: the newest 200 along an index*/"},
  {0}
};

bool store_workshop_add(struct db_tx *tx, const struct workshop_row *row, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_workshop_queries[Q_ADD]);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":name", row->name);
  db_bind_text(stmt, ":code", row->code);
  db_bind_text(stmt, ":opened_by", row->opened_by[0] ? row->opened_by : NULL);
  db_bind_int(stmt, ":opened_ms", row->opened_ms);
  db_bind_int(stmt, ":until_ms", row->until_ms);
  return db_run(stmt, NULL, err);
}

static void copy_workshop(struct db_stmt *stmt, struct workshop_row *out) {
  memset(out, 0, sizeof *out);
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->name, sizeof out->name);
  db_copy(stmt, 2, out->code, sizeof out->code);
  db_copy(stmt, 3, out->opened_by, sizeof out->opened_by);
  out->opened_ms = db_int(stmt, 4);
  out->until_ms = db_int(stmt, 5);
  out->closed_ms = db_int(stmt, 6);
}

static bool find(struct db_read *read, int query, const char *key, struct workshop_row *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_workshop_queries[query]);
  db_bind_text(stmt, ":key", key);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) copy_workshop(stmt, out);
  else if (step == DB_DONE) memset(out, 0, sizeof *out);
  db_end(stmt);
  return step != DB_FAIL;
}
bool store_workshop_find(struct db_read *read, const char *id, struct workshop_row *out, struct err *err) { return find(read, Q_FIND, id, out, err); }
bool store_workshop_by_code(struct db_read *read, const char *code, struct workshop_row *out, struct err *err) { return find(read, Q_CODE, code, out, err); }

bool store_workshop_close_over(struct db_tx *tx, int64_t now_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_workshop_queries[Q_CLOSE_OVER]);
  db_bind_int(stmt, ":now_ms", now_ms);
  return db_run(stmt, NULL, err);
}

bool store_workshop_close(struct db_tx *tx, const char *id, int64_t now_ms, struct err *err) {
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_workshop_queries[Q_CLOSE]);
  db_bind_text(stmt, ":id", id);
  db_bind_int(stmt, ":now_ms", now_ms);
  return db_run(stmt, NULL, err);
}

struct db_stmt *store_workshop_list(struct db_read *read, const char *opened_by) {
  struct db_stmt *stmt = db_begin(read, &store_workshop_queries[opened_by ? Q_OWN : Q_ALL]);
  if (opened_by) db_bind_text(stmt, ":opened_by", opened_by);
  return stmt;
}

enum db_step store_workshop_next(struct db_stmt *stmt, struct workshop_row *out, struct err *err) {
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) {
    copy_workshop(stmt, out);
    out->people = db_int(stmt, 7);
  }
  return step;
}
