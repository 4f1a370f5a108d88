/* workshop: opening and closing classes, joining one by its code, coming back by a return key. The functions stand in people.h.
 * Any thread; no state of its own. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/people_inside.h"
#include "store/store_audit.h"
#include "store/store_workshop.h"

#define CODE 6                              /* characters: 30 bits */
#define KEY 13                              /* characters: 65 bits */
#define HOUR_MS 3600000LL
#define HOURS_USUAL 12
#define HOURS_MAX 168

/* --- joining --------------------------------------------------------------------------------------------------------------------------------- */

struct join {
  struct people *people;
  char code[CODE + 1], return_key[KEY + 1], return_hash[SECRET_SHA256_HEX];
  int64_t now_ms;
  const char *name, *name_key;
  enum lang lang;
  struct person_row person;
  struct new_login login;
};

static bool open_workshop(struct db_read *read, const struct join *join, struct workshop_row *out, bool *out_open, struct err *err) {
  if (!store_workshop_by_code(read, join->code, out, err)) return false;
  *out_open = out->id[0] && out->until_ms > join->now_ms;
  return true;
}

static bool join_look(void *ctx, bool *out_known, struct err *err) {
  struct join *join = ctx;
  struct workshop_row workshop;
  struct db_read *read = NULL;
  bool ok = db_read_begin(join->people->db, &read, err) && open_workshop(read, join, &workshop, out_known, err);
  db_read_end(read);
  return ok;
}

static bool join_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct join *join = arg;
  struct workshop_row workshop;
  bool open = false;
  if (!open_workshop(db_tx_read(tx), join, &workshop, &open, err)) return false;
  if (!open) return err_set(err, ERR_NOT_FOUND, "join.closed", "closed while joining");
  snprintf(join->person.workshop, sizeof join->person.workshop, "%s", workshop.id);
  struct audit audit = {.actor = join->person.id, .role = join->person.role, .what = "workshop.joined", .object = workshop.id, .at_ms = join->now_ms};
  return store_person_add(tx, &join->person, join->name_key, NULL, join->return_hash, err) && login_write(tx, &join->login, join->person.id, err) &&
         store_audit_add(tx, &audit, err);
}

/* A new key: shown in two groups, stored as its hash. */
static void draw_key(char key[KEY + 1], char hash[SECRET_SHA256_HEX], char shown[32]) {
  id_random(key, KEY);
  secret_sha256_hex(key, KEY, hash);
  memset(shown, 0, 32);
  snprintf(shown, 32, "%.6s-%.7s", key, key + 6);
}

bool people_join(struct people *people, const char *code, const char *name, const char *address, enum lang lang, struct login *out, char out_key[32], struct err *err) {
  struct join join = {.people = people, .now_ms = wall_ms(), .lang = lang};
  char typed[PEOPLE_NAME], name_key[PEOPLE_NAME], shown[32];
  if (!guard_name(name, typed, name_key, err)) return false;
  if (!id_fold(code, CODE, join.code)) join.code[0] = 0;         /* no workshop has it; it counts as a guess */
  bool known = false;
  if (!guard_guess(people, address, join_look, &join, &known, err)) return false;
  if (!known) return err_set(err, ERR_NOT_FOUND, "join.closed", NULL);
  join.name_key = name_key;
  draw_key(join.return_key, join.return_hash, shown);
  person_fill(&join.person, typed, ROLE_LEARNER, lang, "", join.now_ms);
  login_draw(&join.login, ROLE_LEARNER);
  if (!db_write(people->db, join_unit, &join, err)) return false;
  login_done(people, &join.login, &join.person, out);
  memcpy(out_key, shown, sizeof shown);
  secret_wipe(&join, sizeof join);
  return true;
}

static bool return_look(void *ctx, bool *out_known, struct err *err) {
  struct join *join = ctx;
  struct db_read *read = NULL;
  bool ok = db_read_begin(join->people->db, &read, err) && store_person_by_return(read, join->return_hash, &join->person, err);
  db_read_end(read);
  *out_known = ok && join->person.id[0];
  return ok;
}

static bool return_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct join *join = arg;
  return login_write(tx, &join->login, join->person.id, err);
}

bool people_return(struct people *people, const char *return_key, const char *address, enum lang lang, struct login *out, struct err *err) {
  struct join join = {.people = people, .lang = lang};
  if (!id_fold(return_key, KEY, join.return_key)) join.return_key[0] = 0;
  secret_sha256_hex(join.return_key, strlen(join.return_key), join.return_hash);
  bool known = false;
  if (!guard_guess(people, address, return_look, &join, &known, err)) return false;
  if (!known) return err_set(err, ERR_NOT_FOUND, "return.wrong", NULL);
  login_draw(&join.login, ROLE_LEARNER);
  if (!db_write(people->db, return_unit, &join, err)) return false;
  login_done(people, &join.login, &join.person, out);
  secret_wipe(&join, sizeof join);
  return true;
}

struct renewal { const char *name_or_id, *name_key; char hash[SECRET_SHA256_HEX]; };
static bool renew_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct renewal *renewal = arg;
  struct person_row person;
  int count = 1;
  struct db_read *read = db_tx_read(tx);
  bool found = id_valid(renewal->name_or_id) ? store_person_find(read, renewal->name_or_id, &person, err) : store_person_by_name(read, renewal->name_key, &person, &count, err);
  if (!found) return false;
  const char *key = !person.id[0] ? "people.unknown" : count > 1 ? "people.ambiguous" : strcmp(person.role, role_name(ROLE_LEARNER)) != 0 ? "people.no-key" : NULL;
  if (key) {
    err_set(err, !person.id[0] ? ERR_NOT_FOUND : ERR_CONFLICT, key, NULL);
    return err_param(err, "name", "%s", renewal->name_or_id);
  }
  struct audit audit = {.what = "person.key", .object = person.id};
  return store_person_set_return(tx, person.id, renewal->hash, err) && store_audit_add(tx, &audit, err);
}

bool people_renew_key(struct people *people, const char *name_or_id, char out_key[32], struct err *err) {
  char typed[PEOPLE_NAME], name_key[PEOPLE_NAME], key[KEY + 1], shown[32];
  if (!guard_name(name_or_id, typed, name_key, err)) return false;
  struct renewal renewal = {.name_or_id = typed, .name_key = name_key};
  draw_key(key, renewal.hash, shown);
  if (!db_write(people->db, renew_unit, &renewal, err)) return false;
  memcpy(out_key, shown, sizeof shown);
  return true;
}

/* --- opening and closing --------------------------------------------------------------------------------------------------------------------- */

struct opening { struct workshop_row row; const char *role; };
static bool open_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct opening *opening = arg;
  if (!store_workshop_close_over(tx, opening->row.opened_ms, err)) return false;
  for (int tries = 0; tries < 8; tries++) {                      /* two open workshops with one code: one in a hundred million, but then another is drawn */
    struct workshop_row other;
    id_random(opening->row.code, CODE);
    if (!store_workshop_by_code(db_tx_read(tx), opening->row.code, &other, err)) return false;
    if (other.id[0]) continue;
    struct audit audit = {.actor = opening->row.opened_by[0] ? opening->row.opened_by : NULL, .role = opening->role, .what = "workshop.opened",
                          .object = opening->row.id, .at_ms = opening->row.opened_ms};
    return store_workshop_add(tx, &opening->row, err) && store_audit_add(tx, &audit, err);
  }
  return err_set(err, ERR_BUG, "store.bug", "eight codes in a row were taken");
}

bool people_workshop(struct people *people, const struct viewer *viewer, const char *name, int hours, char out_id[ID_SIZE], char out_code[16], struct err *err) {
  if (!people_may(viewer, RIGHT_OPEN_WORKSHOP)) return denied(err);
  char typed[PEOPLE_NAME], name_key[PEOPLE_NAME];
  if (!guard_name(name, typed, name_key, err)) return false;
  if (hours == 0) hours = HOURS_USUAL;
  if (hours < 1 || hours > HOURS_MAX) {
    err_set(err, ERR_INVALID, "workshop.hours", "%d hours", hours);
    return err_param(err, "limit", "%d", HOURS_MAX);
  }
  struct opening opening = {.role = role_name(viewer->role)};
  id_new(opening.row.id);
  snprintf(opening.row.name, sizeof opening.row.name, "%s", typed);
  snprintf(opening.row.opened_by, sizeof opening.row.opened_by, "%s", viewer->person);
  opening.row.opened_ms = wall_ms();
  opening.row.until_ms = opening.row.opened_ms + hours * HOUR_MS;
  if (!db_write(people->db, open_unit, &opening, err)) return false;
  memcpy(out_id, opening.row.id, ID_SIZE);
  snprintf(out_code, 16, "%s", opening.row.code);
  return true;
}

struct tree *people_workshops(struct people *people, struct db_read *read, const struct viewer *viewer, struct arena *arena) {
  (void)people;
  struct tree *list = tree_new(arena, TREE_LIST);
  if (!people_may(viewer, RIGHT_OPEN_WORKSHOP)) return list;
  struct db_stmt *stmt = store_workshop_list(read, people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS) ? NULL : viewer->person);
  struct workshop_row row;
  struct err err = {0};
  enum db_step step;
  while ((step = store_workshop_next(stmt, &row, &err)) == DB_ROW) {
    struct tree *item = tree_new(arena, TREE_MAP);
    tree_put_text(arena, item, "id", row.id);
    tree_put_text(arena, item, "name", row.name);
    tree_put_text(arena, item, "code", row.code);
    tree_put_int(arena, item, "opened_ms", row.opened_ms);
    tree_put_int(arena, item, "until_ms", row.closed_ms && row.closed_ms < row.until_ms ? row.closed_ms : row.until_ms);
    tree_put_int(arena, item, "people", row.people);
    tree_push(list, item);
  }
  db_end(stmt);
  if (step == DB_FAIL) log_warn("workshop.list", "why=\"%s\"", err.detail);
  return list;
}

struct closing { const struct viewer *viewer; const char *id; int64_t now_ms; };
static bool close_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct closing *closing = arg;
  struct workshop_row row;
  if (!store_workshop_find(db_tx_read(tx), closing->id, &row, err)) return false;
  bool own = row.id[0] && (people_may(closing->viewer, RIGHT_SEE_ALL_WORKSHOPS) || (row.opened_by[0] && !strcmp(row.opened_by, closing->viewer->person)));
  if (!own) return err_set(err, ERR_NOT_FOUND, "workshop.unknown", NULL);
  struct audit audit = {.actor = closing->viewer->person[0] ? closing->viewer->person : NULL, .role = role_name(closing->viewer->role), .what = "workshop.closed",
                        .object = row.id, .at_ms = closing->now_ms};
  return row.closed_ms || (store_workshop_close(tx, row.id, closing->now_ms, err) && store_audit_add(tx, &audit, err));
}

bool people_close_workshop(struct people *people, const struct viewer *viewer, const char *id, struct err *err) {
  if (!people_may(viewer, RIGHT_OPEN_WORKSHOP)) return denied(err);
  struct closing closing = {viewer, id, wall_ms()};
  return db_write(people->db, close_unit, &closing, err);
}
