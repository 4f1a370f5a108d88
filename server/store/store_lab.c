/* store_lab: see the header. The files lie in body, once per content. */
#include "store/store_lab.h"

#include "base/err.h"
#include "store/db.h"
#include "store/store_submission.h"

enum { Q_KEEP, Q_IS, Q_GET };
const struct db_query store_lab_queries[] = {
  [Q_KEEP] = {"lab_keep", "INSERT INTO lab_kept (lab, version, course, module, files, at_ms) VALUES (:lab, :version, :course, :module, :files, :at_ms) ON CONFLICT DO NOTHING"},
  [Q_IS] = {"lab_is_kept", "SELECT 1 FROM lab_kept WHERE lab = :lab AND version = :version"},
  [Q_GET] = {"lab_kept", "SELECT course, module, files FROM lab_kept WHERE lab = :lab AND version = :version"},
  {0}};

bool store_lab_keep(struct db_tx *tx, const struct lab_kept_row *row, const char *files, size_t length, int64_t at_ms, struct err *err) {
  char hash[65];
  if (!store_body_put(tx, files, length, hash, err)) return false;
  struct db_stmt *stmt = db_begin(db_tx_read(tx), &store_lab_queries[Q_KEEP]);
  db_bind_text(stmt, ":lab", row->lab);
  db_bind_text(stmt, ":version", row->version);
  db_bind_text(stmt, ":course", row->course);
  db_bind_text(stmt, ":module", row->module);
  db_bind_text(stmt, ":files", hash);
  db_bind_int(stmt, ":at_ms", at_ms);
  return db_run(stmt, NULL, err);
}

bool store_lab_is_kept(struct db_read *read, const char *lab, const char *version) {
  struct db_stmt *stmt = db_begin(read, &store_lab_queries[Q_IS]);
  db_bind_text(stmt, ":lab", lab);
  db_bind_text(stmt, ":version", version);
  bool kept = db_step(stmt, NULL) == DB_ROW;
  db_end(stmt);
  return kept;
}

bool store_lab_kept(struct db_read *read, const char *lab, const char *version, struct arena *arena, struct lab_kept_row *out, const char **out_files, size_t *out_length, struct err *err) {
  char hash[65] = "";
  struct db_stmt *stmt = db_begin(read, &store_lab_queries[Q_GET]);
  db_bind_text(stmt, ":lab", lab);
  db_bind_text(stmt, ":version", version);
  enum db_step step = db_step(stmt, err);
  *out_files = NULL;
  if (step == DB_ROW) {
    *out = (struct lab_kept_row){.lab = lab, .version = version, .course = db_text(arena, stmt, 0), .module = db_text(arena, stmt, 1)};
    db_copy(stmt, 2, hash, sizeof hash);
  }
  db_end(stmt);
  return step == DB_DONE || (step == DB_ROW && store_body_get(read, hash, arena, out_files, out_length, err));
}
