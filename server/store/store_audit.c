/* store_audit: the chain. A row's hash covers the hash before it and every field with its length, so that no two rows read alike. */
#include "store/store_audit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/wallclock.h"

enum { Q_LAST, Q_ADD, Q_ALL };
const struct db_query store_audit_queries[] = {
  [Q_LAST] = {"audit_last", "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1 /*scan: the first row of the primary key, backwards*/"},
  [Q_ADD] = {"audit_add", "INSERT INTO audit(seq, at_ms, actor, role, what, object, before, after, request, previous, hash)"
                          " VALUES(:seq, :at_ms, :actor, :role, :what, :object, :before, :after, :request, :previous, :hash)"},
  [Q_ALL] = {"audit_all", "SELECT seq, at_ms, actor, role, what, object, before, after, request, previous, hash FROM audit"
                          " ORDER BY seq /*scan: doctor reads the whole chain*/"},
  {0}
};
static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void add_text(struct secret_hash *hash, const char *text) {
  char length[24];
  snprintf(length, sizeof length, text ? "%zu:" : "-:", text ? strlen(text) : (size_t)0);
  secret_hash_add(hash, length, strlen(length));
  if (text) secret_hash_add(hash, text, strlen(text));
}

static void chain(const char *previous, int64_t seq, const struct audit *audit, char out[SECRET_SHA256_HEX]) {
  char numbers[64];
  snprintf(numbers, sizeof numbers, "%lld:%lld", (long long)seq, (long long)audit->at_ms);
  const char *const fields[] = {previous, numbers, audit->actor, audit->role, audit->what, audit->object, audit->before, audit->after, audit->request};
  struct secret_hash hash;
  secret_hash_begin(&hash);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) add_text(&hash, fields[i]);
  secret_hash_end_hex(&hash, out);
}

bool store_audit_add(struct db_tx *tx, const struct audit *audit, struct err *err) {
  struct db_read *read = db_tx_read(tx);
  struct audit row = *audit;
  if (row.at_ms == 0) row.at_ms = wall_ms();
  int64_t seq = 1;
  char previous[SECRET_SHA256_HEX], hash[SECRET_SHA256_HEX];
  memcpy(previous, zeros, sizeof previous);
  struct db_stmt *stmt = db_begin(read, &store_audit_queries[Q_LAST]);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) {
    seq = db_int(stmt, 0) + 1;
    db_copy(stmt, 1, previous, sizeof previous);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  chain(previous, seq, &row, hash);
  stmt = db_begin(read, &store_audit_queries[Q_ADD]);
  db_bind_int(stmt, ":seq", seq);
  db_bind_int(stmt, ":at_ms", row.at_ms);
  db_bind_text(stmt, ":actor", row.actor);
  db_bind_text(stmt, ":role", row.role);
  db_bind_text(stmt, ":what", row.what);
  db_bind_text(stmt, ":object", row.object);
  db_bind_text(stmt, ":before", row.before);
  db_bind_text(stmt, ":after", row.after);
  db_bind_text(stmt, ":request", row.request);
  db_bind_text(stmt, ":previous", previous);
  db_bind_text(stmt, ":hash", hash);
  return db_run(stmt, NULL, err);
}

bool store_audit_check(struct db_read *read, int64_t *out_bad, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_audit_queries[Q_ALL]);
  char previous[SECRET_SHA256_HEX], hash[SECRET_SHA256_HEX], said[SECRET_SHA256_HEX], said_previous[SECRET_SHA256_HEX];
  memcpy(previous, zeros, sizeof previous);
  int64_t bad = 0, expected = 1;
  enum db_step step = DB_DONE;
  while (!bad && (step = db_step(stmt, err)) == DB_ROW) {
    struct arena *arena = arena_new(0);
    int64_t seq = db_int(stmt, 0);
    struct audit row = {.at_ms = db_int(stmt, 1), .actor = db_text(arena, stmt, 2), .role = db_text(arena, stmt, 3), .what = db_text(arena, stmt, 4),
                        .object = db_text(arena, stmt, 5), .before = db_text(arena, stmt, 6), .after = db_text(arena, stmt, 7), .request = db_text(arena, stmt, 8)};
    db_copy(stmt, 9, said_previous, sizeof said_previous);
    db_copy(stmt, 10, said, sizeof said);
    chain(previous, seq, &row, hash);
    if (seq != expected++ || strcmp(previous, said_previous) != 0 || strcmp(hash, said) != 0) bad = seq;
    memcpy(previous, hash, sizeof previous);
    arena_free(arena);
  }
  db_end(stmt);
  if (!bad && step == DB_FAIL) return false;
  *out_bad = bad;
  return true;
}
