/* store_people: rows of person, login and setup_key. Rules (how long a login lives, who may) are domain/people's. */
#include "store/store_people.h"

#include <string.h>

#include "base/err.h"

#define PERSON "p.id, p.name, p.role, p.lang, p.workshop, p.password, p.created_ms"

enum {
  Q_ADD, Q_FIND, Q_SIGN_IN, Q_RETURN, Q_NAME, Q_SET_RETURN, Q_SET_LANG, Q_ROLE, Q_LOGIN_ADD, Q_LOGIN_FIND, Q_LOGIN_TOUCH, Q_LOGIN_END, Q_LOGIN_TRIM,
  Q_LOGIN_FORGET, Q_SETUP_PUT, Q_SETUP_TAKE, Q_SETUP_IS
};
const struct db_query store_people_queries[] = {
  [Q_ADD] = {"person_add", "INSERT INTO person(id, name, name_key, role, lang, password, return_key, workshop, created_ms)"
                           " VALUES(:id, :name, :name_key, :role, :lang, :password, :return_key, :workshop, :created_ms)"},
  [Q_FIND] = {"person_find", "SELECT " PERSON " FROM person p WHERE p.id = :key"},
  [Q_SIGN_IN] = {"person_sign_in", "SELECT " PERSON " FROM person p WHERE p.name_key = :key AND p.password IS NOT NULL"},
  [Q_RETURN] = {"person_return", "SELECT " PERSON " FROM person p WHERE p.return_key = :key"},
  [Q_NAME] = {"person_name", "SELECT " PERSON " FROM person p WHERE p.name_key = :key ORDER BY p.id LIMIT 2"},
  [Q_SET_RETURN] = {"person_set_return", "UPDATE person SET return_key = :return_key WHERE id = :id"},
  [Q_SET_LANG] = {"person_set_lang", "UPDATE person SET lang = :lang WHERE id = :id"},
  [Q_ROLE] = {"person_role", "SELECT 1 FROM person WHERE role = :role LIMIT 1"},
  [Q_LOGIN_ADD] = {"login_add", "INSERT INTO login(id, person, cookie, created_ms, seen_ms, idle_ms, until_ms)"
                                " VALUES(:id, :person, :cookie, :now_ms, :now_ms, :idle_ms, :until_ms)"},
  [Q_LOGIN_FIND] = {"login_find", "SELECT " PERSON ", l.id, l.seen_ms, l.idle_ms, l.until_ms FROM login l JOIN person p ON p.id = l.person WHERE l.cookie = :cookie"},
  [Q_LOGIN_TOUCH] = {"login_touch", "UPDATE login SET seen_ms = max(seen_ms, :now_ms) WHERE id = :id"},
  [Q_LOGIN_END] = {"login_end", "DELETE FROM login WHERE id = :id"},
  [Q_LOGIN_TRIM] = {"login_trim", "DELETE FROM login WHERE person = :person AND id NOT IN"
                                  " (SELECT id FROM login WHERE person = :person ORDER BY created_ms DESC, id DESC LIMIT :keep)"
                                  " RETURNING id"},
  [Q_LOGIN_FORGET] = {"login_forget", "DELETE FROM login WHERE until_ms <= :now_ms OR seen_ms + idle_ms <= :now_ms /*scan: once at each start*/"},
  [Q_SETUP_PUT] = {"setup_put", "INSERT OR REPLACE INTO setup_key(id, hash, until_ms) VALUES(1, :hash, :until_ms)"},
  [Q_SETUP_TAKE] = {"setup_take", "DELETE FROM setup_key WHERE id = 1 AND hash = :hash AND until_ms > :now_ms"},
  [Q_SETUP_IS] = {"setup_is", "SELECT 1 FROM setup_key WHERE id = 1 AND hash = :hash AND until_ms > :now_ms"},
  {0}
};

static struct db_stmt *begin(struct db_tx *tx, int query) { return db_begin(db_tx_read(tx), &store_people_queries[query]); }

bool store_person_add(struct db_tx *tx, const struct person_row *row, const char *name_key, const char *password, const char *return_hash, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_ADD);
  db_bind_text(stmt, ":id", row->id);
  db_bind_text(stmt, ":name", row->name);
  db_bind_text(stmt, ":name_key", name_key);
  db_bind_text(stmt, ":role", row->role);
  db_bind_text(stmt, ":lang", row->lang);
  db_bind_text(stmt, ":password", password);
  db_bind_text(stmt, ":return_key", return_hash);
  db_bind_text(stmt, ":workshop", row->workshop[0] ? row->workshop : NULL);
  db_bind_int(stmt, ":created_ms", row->created_ms);
  return db_run(stmt, NULL, err);
}

static void copy_person(struct db_stmt *stmt, struct person_row *out) {
  db_copy(stmt, 0, out->id, sizeof out->id);
  db_copy(stmt, 1, out->name, sizeof out->name);
  db_copy(stmt, 2, out->role, sizeof out->role);
  db_copy(stmt, 3, out->lang, sizeof out->lang);
  db_copy(stmt, 4, out->workshop, sizeof out->workshop);
  db_copy(stmt, 5, out->password, sizeof out->password);
  out->created_ms = db_int(stmt, 6);
}

static bool find(struct db_read *read, int query, const char *key, struct person_row *out, int *out_count, struct err *err) {
  struct person_row row = {0};
  int count = 0;
  struct db_stmt *stmt = db_begin(read, &store_people_queries[query]);
  db_bind_text(stmt, ":key", key);
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) if (count++ == 0) copy_person(stmt, &row);
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = row;
  if (out_count) *out_count = count;
  return true;
}

bool store_person_find(struct db_read *read, const char *id, struct person_row *out, struct err *err) { return find(read, Q_FIND, id, out, NULL, err); }
bool store_person_by_sign_in(struct db_read *read, const char *name_key, struct person_row *out, struct err *err) { return find(read, Q_SIGN_IN, name_key, out, NULL, err); }
bool store_person_by_return(struct db_read *read, const char *return_hash, struct person_row *out, struct err *err) { return find(read, Q_RETURN, return_hash, out, NULL, err); }
bool store_person_by_name(struct db_read *read, const char *name_key, struct person_row *out, int *out_count, struct err *err) {
  return find(read, Q_NAME, name_key, out, out_count, err);
}

static bool set(struct db_tx *tx, int query, const char *id, const char *column, const char *value, struct err *err) {
  struct db_stmt *stmt = begin(tx, query);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, column, value);
  return db_run(stmt, NULL, err);
}
bool store_person_set_return(struct db_tx *tx, const char *id, const char *return_hash, struct err *err) { return set(tx, Q_SET_RETURN, id, ":return_key", return_hash, err); }
bool store_person_set_lang(struct db_tx *tx, const char *id, const char *lang, struct err *err) { return set(tx, Q_SET_LANG, id, ":lang", lang, err); }

/* Whether the query has a row; *out stays untouched on failure. Ends the statement. */
static bool has_row(struct db_stmt *stmt, bool *out, struct err *err) {
  enum db_step step = db_step(stmt, err);
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = step == DB_ROW;
  return true;
}

bool store_person_has_role(struct db_read *read, const char *role, bool *out, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_people_queries[Q_ROLE]);
  db_bind_text(stmt, ":role", role);
  return has_row(stmt, out, err);
}

bool store_login_add(struct db_tx *tx, const char *id, const char *person, const char *cookie_hash, int64_t now_ms, int64_t idle_ms, int64_t until_ms, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_LOGIN_ADD);
  db_bind_text(stmt, ":id", id);
  db_bind_text(stmt, ":person", person);
  db_bind_text(stmt, ":cookie", cookie_hash);
  db_bind_int(stmt, ":now_ms", now_ms);
  db_bind_int(stmt, ":idle_ms", idle_ms);
  db_bind_int(stmt, ":until_ms", until_ms);
  return db_run(stmt, NULL, err);
}

bool store_login_find(struct db_read *read, const char *cookie_hash, struct login_row *out, struct err *err) {
  struct login_row row = {0};
  struct db_stmt *stmt = db_begin(read, &store_people_queries[Q_LOGIN_FIND]);
  db_bind_text(stmt, ":cookie", cookie_hash);
  enum db_step step = db_step(stmt, err);
  if (step == DB_ROW) {
    copy_person(stmt, &row.person);
    db_copy(stmt, 7, row.id, sizeof row.id);
    row.seen_ms = db_int(stmt, 8);
    row.idle_ms = db_int(stmt, 9);
    row.until_ms = db_int(stmt, 10);
  }
  db_end(stmt);
  if (step == DB_FAIL) return false;
  *out = row;
  return true;
}

bool store_login_touch(struct db_tx *tx, const char *id, int64_t now_ms, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_LOGIN_TOUCH);
  db_bind_text(stmt, ":id", id);
  db_bind_int(stmt, ":now_ms", now_ms);
  return db_run(stmt, NULL, err);
}

bool store_login_end(struct db_tx *tx, const char *id, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_LOGIN_END);
  db_bind_text(stmt, ":id", id);
  return db_run(stmt, NULL, err);
}

bool store_login_trim(struct db_tx *tx, const char *person, int keep, char (*out_ended)[ID_SIZE], int room, int *out_count, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_LOGIN_TRIM);
  db_bind_text(stmt, ":person", person);
  db_bind_int(stmt, ":keep", keep);
  int count = 0;
  enum db_step step;
  while ((step = db_step(stmt, err)) == DB_ROW) if (count < room) db_copy(stmt, 0, out_ended[count++], ID_SIZE);
  db_end(stmt);
  *out_count = count;
  return step != DB_FAIL;
}

bool store_login_forget(struct db_tx *tx, int64_t now_ms, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_LOGIN_FORGET);
  db_bind_int(stmt, ":now_ms", now_ms);
  return db_run(stmt, NULL, err);
}

bool store_setup_put(struct db_tx *tx, const char *hash, int64_t until_ms, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_SETUP_PUT);
  db_bind_text(stmt, ":hash", hash);
  db_bind_int(stmt, ":until_ms", until_ms);
  return db_run(stmt, NULL, err);
}

bool store_setup_take(struct db_tx *tx, const char *hash, int64_t now_ms, bool *out_taken, struct err *err) {
  struct db_stmt *stmt = begin(tx, Q_SETUP_TAKE);
  db_bind_text(stmt, ":hash", hash);
  db_bind_int(stmt, ":now_ms", now_ms);
  int64_t changes = 0;
  if (!db_run(stmt, &changes, err)) return false;
  *out_taken = changes == 1;
  return true;
}

bool store_setup_is(struct db_read *read, const char *hash, int64_t now_ms, bool *out_is, struct err *err) {
  struct db_stmt *stmt = db_begin(read, &store_people_queries[Q_SETUP_IS]);
  db_bind_text(stmt, ":hash", hash);
  db_bind_int(stmt, ":now_ms", now_ms);
  return has_row(stmt, out_is, err);
}
