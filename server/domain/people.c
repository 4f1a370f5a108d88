/* people: who somebody is and what they may do: sign-in, logins, the first administrator, staff accounts. Joining and workshops are workshop.c's,
 * throttles and the rules for names and passwords people_guard.c's, rows store_people's.
 * Any thread. `people` is on the heap, freed by people_close; everything else lives with the caller. */
#include "domain/people.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/people_inside.h"
#include "store/store_audit.h"
#include "store/store_workshop.h"

#define MINUTE_MS 60000LL
#define STAFF_IDLE_MS (60 * MINUTE_MS)
#define STAFF_TOTAL_MS (12 * 60 * MINUTE_MS)
#define LEARNER_IDLE_MS (12 * 60 * MINUTE_MS)
#define LEARNER_TOTAL_MS (7 * 24 * 60 * MINUTE_MS)
#define SETUP_MS (15 * MINUTE_MS)
#define SETUP_KEY 26                        /* characters: 130 bits */
#define TOUCH_MS MINUTE_MS

/* --- who may do what ------------------------------------------------------------------------------------------------------------------------ */

static const struct { const char *name; } roles[] = {[ROLE_NONE] = {""}, [ROLE_LEARNER] = {"learner"}, [ROLE_INSTRUCTOR] = {"instructor"}, [ROLE_ADMIN] = {"administrator"}};
static const enum role rights[RIGHT_COUNT] = {                   /* the least role; roles nest. ROLE_NONE, also by omission: nobody */
  [RIGHT_LEARN] = ROLE_LEARNER,                                  /* take labs, own rows only */
  [RIGHT_OPEN_WORKSHOP] = ROLE_INSTRUCTOR,                       /* and see and close one's own */
  [RIGHT_SEE_ALL_WORKSHOPS] = ROLE_ADMIN,
};

const char *role_name(enum role role) { return roles[role].name; }

bool role_parse(const char *name, enum role *out) {
  for (enum role role = ROLE_LEARNER; role <= ROLE_ADMIN; role++)
    if (!strcmp(name, roles[role].name)) {
      *out = role;
      return true;
    }
  return false;
}

bool people_may(const struct viewer *viewer, enum right right) {
  return viewer && right > RIGHT_NONE && right < RIGHT_COUNT && rights[right] != ROLE_NONE && viewer->role >= rights[right];
}

bool denied(struct err *err) { return err_set(err, ERR_DENIED, "people.denied", NULL); }

/* --- life ------------------------------------------------------------------------------------------------------------------------------------ */

static bool forget_unit(struct db_tx *tx, void *arg, struct err *err) { return store_login_forget(tx, *(int64_t *)arg, err); }

bool people_open(struct db *db, struct live *live, struct people **out, struct err *err) {
  int64_t now = wall_ms();
  if (!db_write(db, forget_unit, &now, err)) return false;
  struct people *people = calloc(1, sizeof *people);
  if (!people) abort();
  people->db = db;
  people->live = live;
  guard_open(people);
  pthread_mutex_init(&people->touch_lock, NULL);
  *out = people;
  return true;
}

void people_close(struct people *people) {
  if (!people) return;
  guard_close(people);
  pthread_mutex_destroy(&people->touch_lock);
  free(people);
}

/* --- logins ---------------------------------------------------------------------------------------------------------------------------------- */

static void hex(const unsigned char *bytes, size_t length, char *out) {
  for (size_t i = 0; i < length; i++) snprintf(out + i * 2, 3, "%02x", bytes[i]);
}

/* The token follows from the cookie, so it need not be stored, and who reads the database has neither. */
static void csrf_of(const char *cookie, char out[65]) {
  unsigned char token[32];
  secret_hmac_sha256(cookie, strlen(cookie), "csrf", 4, token);
  hex(token, sizeof token, out);
}

void login_draw(struct new_login *login, enum role role) {
  memset(login, 0, sizeof *login);
  unsigned char random[32];
  secret_random(random, sizeof random);
  hex(random, sizeof random, login->cookie);
  secret_wipe(random, sizeof random);
  secret_sha256_hex(login->cookie, strlen(login->cookie), login->cookie_hash);
  csrf_of(login->cookie, login->csrf);
  id_new(login->id);
  bool staff = role >= ROLE_INSTRUCTOR;
  login->now_ms = wall_ms();
  login->idle_ms = staff ? STAFF_IDLE_MS : LEARNER_IDLE_MS;
  login->until_ms = login->now_ms + (staff ? STAFF_TOTAL_MS : LEARNER_TOTAL_MS);
}

bool login_write(struct db_tx *tx, struct new_login *login, const char *person, struct err *err) {
  return store_login_add(tx, login->id, person, login->cookie_hash, login->now_ms, login->idle_ms, login->until_ms, err) &&
         store_login_trim(tx, person, LOGINS_PER_PERSON, login->ended, sizeof login->ended / sizeof login->ended[0], &login->ended_count, err);
}

static void fill_viewer(struct viewer *viewer, const struct person_row *person, const char *login) {
  memset(viewer, 0, sizeof *viewer);
  snprintf(viewer->person, sizeof viewer->person, "%s", person->id);
  snprintf(viewer->name, sizeof viewer->name, "%s", person->name);
  snprintf(viewer->workshop, sizeof viewer->workshop, "%s", person->workshop);
  snprintf(viewer->login, sizeof viewer->login, "%s", login);
  if (!role_parse(person->role, &viewer->role)) viewer->role = ROLE_NONE;
  if (!lang_parse(person->lang, &viewer->lang)) viewer->lang = LANG_EN;
}

void login_done(struct people *people, const struct new_login *login, const struct person_row *person, struct login *out) {
  memset(out, 0, sizeof *out);
  memcpy(out->cookie, login->cookie, sizeof out->cookie);
  memcpy(out->csrf, login->csrf, sizeof out->csrf);
  out->until_ms = login->until_ms;
  fill_viewer(&out->viewer, person, login->id);
  for (int i = 0; people->live && i < login->ended_count; i++) live_drop_login(people->live, login->ended[i]);
}

void person_fill(struct person_row *out, const char *name, enum role role, enum lang lang, const char *workshop, int64_t now_ms) {
  memset(out, 0, sizeof *out);
  id_new(out->id);
  snprintf(out->name, sizeof out->name, "%s", name);
  snprintf(out->role, sizeof out->role, "%s", role_name(role));
  snprintf(out->lang, sizeof out->lang, "%s", lang_code(lang));
  snprintf(out->workshop, sizeof out->workshop, "%s", workshop);
  out->created_ms = now_ms;
}

bool people_viewer(struct people *people, struct db_read *read, const char *cookie, struct viewer *out, char csrf[65], struct err *err) {
  (void)people;
  struct login_row row = {0};
  if (cookie && strlen(cookie) == LOGIN_COOKIE - 1) {
    char hash[SECRET_SHA256_HEX];
    secret_sha256_hex(cookie, strlen(cookie), hash);
    if (!store_login_find(read, hash, &row, err)) return false;
  }
  int64_t now = wall_ms();
  bool alive = row.id[0] && now < row.until_ms && now - row.seen_ms < row.idle_ms;
  memset(out, 0, sizeof *out);
  csrf[0] = 0;
  if (!alive) return true;
  fill_viewer(out, &row.person, row.id);
  csrf_of(cookie, csrf);
  return true;
}

struct touch { const char *login; int64_t now_ms; };
static bool touch_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct touch *touch = arg;
  return store_login_touch(tx, touch->login, touch->now_ms, err);
}

void people_touch(struct people *people, const struct viewer *viewer) {
  if (!viewer->login[0]) return;
  unsigned slot = 0;
  for (const char *c = viewer->login; *c; c++) slot = slot * 31 + (unsigned char)*c;
  slot %= PEOPLE_TOUCHED;
  int64_t now = mono_ms();
  pthread_mutex_lock(&people->touch_lock);
  bool due = strcmp(people->touched[slot].login, viewer->login) != 0 || now - people->touched[slot].at_ms >= TOUCH_MS;
  if (due) {
    snprintf(people->touched[slot].login, ID_SIZE, "%s", viewer->login);
    people->touched[slot].at_ms = now;
  }
  pthread_mutex_unlock(&people->touch_lock);
  struct touch touch = {viewer->login, wall_ms()};
  struct err err = {0};
  if (due && !db_write(people->db, touch_unit, &touch, &err)) log_warn("people.touch", "why=\"%s\"", err.detail);
}

/* --- sign-in --------------------------------------------------------------------------------------------------------------------------------- */

struct sign_in { struct new_login login; const struct person_row *person; };
static bool sign_in_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct sign_in *sign_in = arg;
  struct audit audit = {.actor = sign_in->person->id, .role = sign_in->person->role, .what = "login.made", .object = sign_in->login.id, .at_ms = sign_in->login.now_ms};
  return login_write(tx, &sign_in->login, sign_in->person->id, err) && store_audit_add(tx, &audit, err);
}

bool people_sign_in(struct people *people, const char *name, const char *password, const char *address, enum lang lang, struct login *out, struct err *err) {
  (void)lang;                                                    /* theirs is stored */
  char typed[PEOPLE_NAME], key[PEOPLE_NAME];
  if (!guard_name(name, typed, key, NULL)) snprintf(key, sizeof key, "?");     /* nobody has it; the answer and its price stay the same */
  struct guard_try try;
  if (!guard_try(people, key, address, &try, err)) return false;
  struct person_row person = {0};
  struct db_read *read = NULL;
  bool ok = db_read_begin(people->db, &read, err) && store_person_by_sign_in(read, key, &person, err);
  db_read_end(read);
  bool right = false;
  ok = ok && guard_check(people, person.id[0] ? person.password : NULL, password, &right, err);
  if (!ok) {                                                     /* our trouble is nobody's failed try */
    guard_refund(people, &try);
    return false;
  }
  if (!right) return err_set(err, ERR_LOGIN, "login.wrong", NULL);
  guard_refund(people, &try);
  struct sign_in sign_in = {.person = &person};
  enum role role = ROLE_LEARNER;
  (void)role_parse(person.role, &role);                          /* the schema allows nothing else */
  login_draw(&sign_in.login, role);
  if (!db_write(people->db, sign_in_unit, &sign_in, err)) return false;
  login_done(people, &sign_in.login, &person, out);
  secret_wipe(&sign_in, sizeof sign_in);
  return true;
}

static bool sign_out_unit(struct db_tx *tx, void *arg, struct err *err) { return store_login_end(tx, arg, err); }

bool people_sign_out(struct people *people, const struct viewer *viewer, struct err *err) {
  char login[ID_SIZE];
  memcpy(login, viewer->login, sizeof login);
  if (login[0] && !db_write(people->db, sign_out_unit, login, err)) return false;
  if (login[0] && people->live) live_drop_login(people->live, login);
  return true;
}

struct language { const char *person, *lang; };
static bool language_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct language *language = arg;
  return store_person_set_lang(tx, language->person, language->lang, err);
}

bool people_language(struct people *people, const struct viewer *viewer, enum lang lang, struct err *err) {
  struct language language = {viewer->person, lang_code(lang)};
  return !viewer->person[0] || db_write(people->db, language_unit, &language, err);
}

/* --- the first administrator, and staff ------------------------------------------------------------------------------------------------------ */

bool people_need_setup(struct people *people, struct db_read *read) {
  (void)people;
  bool has = true;
  struct err err = {0};
  if (!store_person_has_role(read, role_name(ROLE_ADMIN), &has, &err)) log_warn("people.setup", "why=\"%s\"", err.detail);
  return !has;
}

struct setup {
  char hash[SECRET_SHA256_HEX];
  int64_t now_ms, until_ms;
  const char *name_key, *password;
  struct person_row person;
  struct new_login login;
  struct people *people;
};
static bool setup_key_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct setup *setup = arg;
  struct audit audit = {.what = "setup.key", .at_ms = setup->now_ms};
  return store_setup_put(tx, setup->hash, setup->until_ms, err) && store_audit_add(tx, &audit, err);
}

bool people_setup_key(struct people *people, char out_key[32], struct err *err) {
  char key[SETUP_KEY + 1];
  struct setup setup = {.now_ms = wall_ms()};
  setup.until_ms = setup.now_ms + SETUP_MS;
  id_random(key, SETUP_KEY);
  secret_sha256_hex(key, SETUP_KEY, setup.hash);
  if (!db_write(people->db, setup_key_unit, &setup, err)) return false;
  snprintf(out_key, 32, "%s", key);
  return true;
}

/* A person with a password, whose name must be free. */
static bool add_staff(struct db_tx *tx, const struct person_row *person, const char *name_key, const char *password, struct err *err) {
  struct person_row other = {0};
  if (password && !store_person_by_sign_in(db_tx_read(tx), name_key, &other, err)) return false;
  if (other.id[0]) {
    err_set(err, ERR_CONFLICT, "people.name-taken", NULL);
    return err_param(err, "name", "%s", person->name);
  }
  return store_person_add(tx, person, name_key, password, NULL, err);
}

static bool setup_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct setup *setup = arg;
  bool taken = false;
  if (!store_setup_take(tx, setup->hash, setup->now_ms, &taken, err)) return false;
  if (!taken) return err_set(err, ERR_NOT_FOUND, "setup.wrong", NULL);
  struct audit audit = {.actor = setup->person.id, .role = setup->person.role, .what = "person.added", .object = setup->person.id, .after = setup->person.role, .at_ms = setup->now_ms};
  return add_staff(tx, &setup->person, setup->name_key, setup->password, err) && login_write(tx, &setup->login, setup->person.id, err) && store_audit_add(tx, &audit, err);
}

static bool setup_look(void *ctx, bool *out_known, struct err *err) {
  struct setup *setup = ctx;
  struct db_read *read = NULL;
  bool ok = db_read_begin(setup->people->db, &read, err) && store_setup_is(read, setup->hash, setup->now_ms, out_known, err);
  db_read_end(read);
  return ok;
}

bool people_setup(struct people *people, const char *key, const char *name, const char *password, const char *address, enum lang lang, struct login *out, struct err *err) {
  struct setup setup = {.now_ms = wall_ms(), .people = people};
  char folded[SETUP_KEY + 1], typed[PEOPLE_NAME], name_key[PEOPLE_NAME], hash[SECRET_PASSWORD_HASH];
  if (!id_fold(key, SETUP_KEY, folded)) memset(folded, 0, sizeof folded);      /* looked for all the same: a guess is a guess */
  secret_sha256_hex(folded, strlen(folded), setup.hash);
  bool known = false;
  if (!guard_guess(people, address, setup_look, &setup, &known, err)) return false;
  if (!known) return err_set(err, ERR_NOT_FOUND, "setup.wrong", NULL);
  if (!guard_name(name, typed, name_key, err) || !guard_password(password, name_key, err) || !guard_hash(people, password, hash, err)) return false;
  setup.name_key = name_key;
  setup.password = hash;
  person_fill(&setup.person, typed, ROLE_ADMIN, lang, "", setup.now_ms);
  login_draw(&setup.login, ROLE_ADMIN);
  if (!db_write(people->db, setup_unit, &setup, err)) return false;
  login_done(people, &setup.login, &setup.person, out);
  secret_wipe(&setup.login, sizeof setup.login);
  return true;
}

struct addition { struct person_row person; const char *name_key, *password; };
static bool add_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct addition *addition = arg;
  struct audit audit = {.what = "person.added", .object = addition->person.id, .after = addition->person.role, .at_ms = addition->person.created_ms};
  return add_staff(tx, &addition->person, addition->name_key, addition->password, err) && store_audit_add(tx, &audit, err);
}

bool people_add(struct people *people, const char *name, const char *password, enum role role, char out_id[ID_SIZE], struct err *err) {
  char typed[PEOPLE_NAME], name_key[PEOPLE_NAME], hash[SECRET_PASSWORD_HASH];
  if (role == ROLE_NONE || (!password && role != ROLE_LEARNER)) return err_set(err, ERR_INVALID, "people.role", "a role without a password, or none");
  if (!guard_name(name, typed, name_key, err)) return false;
  if (password && (!guard_password(password, name_key, err) || !guard_hash(people, password, hash, err))) return false;
  struct addition addition = {.name_key = name_key, .password = password ? hash : NULL};
  person_fill(&addition.person, typed, role, LANG_EN, "", wall_ms());
  if (!db_write(people->db, add_unit, &addition, err)) return false;
  memcpy(out_id, addition.person.id, ID_SIZE);
  return true;
}

/* --- the viewer, told to the page ------------------------------------------------------------------------------------------------------------ */

struct tree *people_me(struct people *people, struct db_read *read, const struct viewer *viewer, const char *csrf, struct arena *arena) {
  struct tree *me = tree_new(arena, TREE_MAP), *person = tree_new(arena, TREE_NULL), *workshop = tree_new(arena, TREE_NULL);
  if (viewer->person[0]) {
    person = tree_new(arena, TREE_MAP);
    tree_put_text(arena, person, "id", viewer->person);
    tree_put_text(arena, person, "name", viewer->name);
    tree_put_text(arena, person, "role", role_name(viewer->role));
  }
  struct workshop_row row = {0};
  struct err err = {0};
  if (viewer->workshop[0] && !store_workshop_find(read, viewer->workshop, &row, &err)) log_warn("people.me", "why=\"%s\"", err.detail);
  if (row.id[0]) {
    workshop = tree_new(arena, TREE_MAP);
    tree_put_text(arena, workshop, "id", row.id);
    tree_put_text(arena, workshop, "name", row.name);
  }
  tree_put(arena, me, "person", person);
  tree_put_text(arena, me, "language", lang_code(viewer->lang));
  tree_put_text(arena, me, "csrf", csrf && csrf[0] ? csrf : NULL);
  tree_put(arena, me, "workshop", workshop);
  tree_put_bool(arena, me, "setup_needed", people_need_setup(people, read));
  return me;
}
