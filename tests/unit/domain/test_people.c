/* people, workshop, people_guard, install: on a real database file. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/people_inside.h"
#include "store/store_audit.h"
#include "unit/store/scratch.h"

#define MINUTE 60000LL
#define HOUR (60 * MINUTE)
static struct scratch scratch;
static struct db *db;
static struct people *people;
static const struct viewer shell = {.role = ROLE_ADMIN};            /* the command line */

/* What the stream's room is told; people links no more of it. */
static char dropped[ID_SIZE];
void live_drop_login(struct live *live, const char *login) { (void)live; snprintf(dropped, sizeof dropped, "%s", login); }

static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  dropped[0] = 0;
  struct err err;
  if (!db_open(scratch.path, &db, &err) || !people_open(db, (struct live *)&scratch, &people, &err)) fail_msg("%s: %s", err.key, err.detail);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  people_close(people);
  db_close(db);
  scratch_remove(&scratch);
  return 0;
}

static void ok_(bool ok, const struct err *err, int line) { if (!ok) fail_msg("line %d: %s: %s", line, err->key, err->detail); }
#define OK(call) do { struct err err = {0}; bool ok = (call); ok_(ok, &err, __LINE__); } while (0)
#define REFUSED(call, key_) do { struct err err = {0}; bool ok = (call); assert_false(ok); assert_string_equal(err.key, key_); } while (0)

static struct viewer viewer_of(const char *cookie) {
  struct db_read *read;
  struct viewer viewer;
  char csrf[65];
  OK(db_read_begin(db, &read, &err) && people_viewer(people, read, cookie, &viewer, csrf, &err));
  db_read_end(read);
  return viewer;
}
static char code[16], workshop[ID_SIZE];
static void open_workshop(void) { OK(people_workshop(people, &shell, "Monday", 12, workshop, code, &err)); }
static struct login join_as(const char *name, char key[32]) {
  struct login login;
  OK(people_join(people, code, name, "10.0.0.9", LANG_MS, &login, key, &err));
  return login;
}
static char *read_file(const char *path, size_t *out_length) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *out_length = (size_t)ftell(file);
  rewind(file);
  char *bytes = calloc(1, *out_length + 1);
  assert_int_equal(fread(bytes, 1, *out_length, file), *out_length);
  fclose(file);
  return bytes;
}
/* Whether the bytes stand in the database or its log. */
static bool stored(const char *text) {
  bool found = false;
  for (int i = 0; i < 2; i++) {
    char path[128];
    size_t length;
    snprintf(path, sizeof path, "%s%s", scratch.path, i ? "-wal" : "");
    char *bytes = read_file(path, &length);
    found = found || (bytes && memmem(bytes, length, text, strlen(text)));
    free(bytes);
  }
  return found;
}

/* --- the first administrator --------------------------------------------------------------------------------------------------------------- */

static bool needs_setup(void) {
  struct db_read *read;
  OK(db_read_begin(db, &read, &err));
  bool needs = people_need_setup(people, read);
  db_read_end(read);
  return needs;
}
static void the_one_time_key_makes_one_administrator(void **state) {
  (void)state;
  char key[32];
  struct login login;
  assert_true(needs_setup());
  OK(people_setup_key(people, key, &err));
  assert_int_equal(strlen(key), 26);
  REFUSED(people_setup(people, "00000000000000000000000000", "Aminah", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err), "setup.wrong");
  REFUSED(people_setup(people, key, "Aminah", "short", "1.2.3.4", LANG_EN, &login, &err), "password.short");     /* does not spend the key */
  OK(people_setup(people, key, " Aminah ", "correct horse battery", "1.2.3.4", LANG_MS, &login, &err));
  assert_int_equal(login.viewer.role, ROLE_ADMIN);
  assert_string_equal(login.viewer.name, "Aminah");
  assert_int_equal(viewer_of(login.cookie).lang, LANG_MS);
  assert_false(needs_setup());
  REFUSED(people_setup(people, key, "Badrul", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err), "setup.wrong");
  assert_false(stored(key));
  assert_false(stored(login.cookie));
  assert_false(stored("correct horse battery"));
}
static void a_setup_key_ends_after_a_quarter_of_an_hour_or_with_the_next(void **state) {
  (void)state;
  char first[32], second[32];
  struct login login;
  OK(people_setup_key(people, first, &err));
  OK(people_setup_key(people, second, &err));
  REFUSED(people_setup(people, first, "Aminah", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err), "setup.wrong");
  wallclock_set_offset(15 * MINUTE, 0);
  REFUSED(people_setup(people, second, "Aminah", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err), "setup.wrong");
  wallclock_set_offset(14 * MINUTE, 0);
  OK(people_setup(people, second, "Aminah", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err));
}
static char setup_key[32];
static void *set_up_once(void *arg) {
  struct login login;
  char name[16];
  snprintf(name, sizeof name, "Person %d", (int)(intptr_t)arg);
  struct err err;
  return (void *)(intptr_t)people_setup(people, setup_key, name, "correct horse battery", "1.2.3.4", LANG_EN, &login, &err);
}
static void a_key_pressed_six_times_at_once_makes_one_administrator(void **state) {
  (void)state;
  OK(people_setup_key(people, setup_key, &err));
  pthread_t threads[6];
  int made = 0;
  for (intptr_t i = 0; i < 6; i++) pthread_create(&threads[i], NULL, set_up_once, (void *)i);
  for (int i = 0; i < 6; i++) {
    void *ok;
    pthread_join(threads[i], &ok);
    made += ok != NULL;
  }
  assert_int_equal(made, 1);
}

/* --- sign-in --------------------------------------------------------------------------------------------------------------------------------- */

static void add_staff(const char *name, enum role role) {
  char id[ID_SIZE];
  OK(people_add(people, name, "correct horse battery", role, id, &err));
}
static bool sign_in(const char *name, const char *password, const char *address, struct err *err) {
  struct login login;
  return people_sign_in(people, name, password, address, LANG_EN, &login, err);
}
static void staff_sign_in_whatever_the_case_of_their_name(void **state) {
  (void)state;
  add_staff("Encik  Rahman", ROLE_INSTRUCTOR);
  struct login login;
  OK(people_sign_in(people, " encik rahman", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err));
  struct viewer viewer = viewer_of(login.cookie);
  assert_int_equal(viewer.role, ROLE_INSTRUCTOR);
  assert_string_equal(viewer.name, "Encik  Rahman");
  assert_string_equal(viewer.login, login.viewer.login);
  char id[ID_SIZE];
  REFUSED(people_add(people, "ENCIK RAHMAN", "another long one", ROLE_ADMIN, id, &err), "people.name-taken");
  OK(people_add(people, "Encik Rahman", NULL, ROLE_LEARNER, id, &err));        /* a learner of that name has no password, so nothing is confused */
  REFUSED(people_add(people, "Siti", NULL, ROLE_INSTRUCTOR, id, &err), "people.role");
}
/* Processor time of this thread: what a guess costs, whatever else the machine does. */
static int64_t cpu_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void unknown_names_and_wrong_passwords_get_one_answer_at_one_price(void **state) {
  (void)state;
  add_staff("Rahman", ROLE_INSTRUCTOR);
  struct err known = {0}, unknown = {0}, nonsense = {0};
  int64_t least[2] = {INT64_MAX, INT64_MAX};
  for (int i = 0; i < 4; i++) {
    int64_t from = cpu_us();
    assert_false(sign_in("Rahman", "not the password", "1.2.3.4", &known));
    int64_t middle = cpu_us();
    assert_false(sign_in("Nobody", "not the password", "1.2.3.4", &unknown));
    int64_t end = cpu_us();
    if (middle - from < least[0]) least[0] = middle - from;
    if (end - middle < least[1]) least[1] = end - middle;
  }
  assert_false(sign_in("\x01", "not the password", "1.2.3.4", &nonsense));
  assert_memory_equal(&known, &unknown, sizeof known);
  assert_memory_equal(&known, &nonsense, sizeof known);
  assert_string_equal(known.key, "login.wrong");
  assert_int_equal(known.code, ERR_LOGIN);
  assert_true(least[1] > least[0] / 2 && least[0] > least[1] / 2);             /* a lookup alone takes a hundredth of a hash */
}
static void thirteen_wrong_passwords_are_throttled_in_this_network_alone(void **state) {
  (void)state;
  add_staff("Rahman", ROLE_INSTRUCTOR);
  struct err last;
  for (int i = 0; i < 5; i++) REFUSED(sign_in("Rahman", "not the password", "10.1.1.7", &err), "login.wrong");
  REFUSED(sign_in("Rahman", "correct horse battery", "10.1.1.7", &err), "login.throttled");
  REFUSED(sign_in("Rahman", "correct horse battery", "10.1.1.99", &err), "login.throttled");      /* a neighbour's address helps nobody */
  OK(sign_in("Rahman", "correct horse battery", "10.1.2.7", &err));
  wallclock_set_offset(0, 12000);
  OK(sign_in("Rahman", "correct horse battery", "10.1.1.7", &err));
  int wrong = 0;
  for (int i = 0; i < 30; i++) {                                               /* a try every 12 s: the hour's dozen is the next border */
    wallclock_set_offset(0, 12000 * (i + 2));
    if (!sign_in("Rahman", "not the password", "10.1.1.7", &last) && !strcmp(last.key, "login.wrong")) wrong++;
  }
  assert_in_range(wrong, 5, 9);                                                /* 12 with the first five, and one more in five minutes */
  assert_string_equal(last.key, "login.throttled");
  assert_int_equal(last.code, ERR_LIMIT);
  assert_true(last.retry_after_s > 0 && last.retry_after_s <= 300);
  wallclock_set_offset(0, 2 * HOUR);
  OK(sign_in("Rahman", "correct horse battery", "10.1.1.7", &err));
}
static atomic_int wrong_answers, throttled_answers;
static void *guess_password(void *arg) {
  (void)arg;
  struct err err;
  if (!sign_in("Rahman", "not the password", "10.1.1.7", &err)) atomic_fetch_add(!strcmp(err.key, "login.wrong") ? &wrong_answers : &throttled_answers, 1);
  return NULL;
}
static void guesses_side_by_side_count_like_guesses_in_a_row(void **state) {
  (void)state;
  add_staff("Rahman", ROLE_INSTRUCTOR);
  wrong_answers = throttled_answers = 0;
  pthread_t threads[24];
  for (int i = 0; i < 24; i++) pthread_create(&threads[i], NULL, guess_password, NULL);
  for (int i = 0; i < 24; i++) pthread_join(threads[i], NULL);
  assert_int_equal(wrong_answers, 5);
  assert_int_equal(throttled_answers, 19);
}
static atomic_int hashed, turned_away;
static void *hash_one(void *arg) {
  (void)arg;
  char hash[SECRET_PASSWORD_HASH];
  struct err err;
  if (guard_hash(people, "correct horse battery", hash, &err)) hashed++;
  else if (!strcmp(err.key, "login.busy") && err.code == ERR_UNAVAILABLE) turned_away++;
  return NULL;
}
static void more_than_two_hundred_waiting_hashes_are_turned_away(void **state) {
  (void)state;
  hashed = turned_away = 0;
  people->hash_max = 0;                                        /* nobody gets through until all have come */
  pthread_t threads[210];
  for (int i = 0; i < 210; i++) pthread_create(&threads[i], NULL, hash_one, NULL);
  while (turned_away == 0) usleep(1000);
  /* hash_max 0 lets exactly 200 wait */
  while (true) {
    pthread_mutex_lock(&people->hash_lock);
    int waiting = people->hash_waiting;
    pthread_mutex_unlock(&people->hash_lock);
    if (waiting == 200 && turned_away == 10) break;
    usleep(1000);
  }
  pthread_mutex_lock(&people->hash_lock);
  people->hash_max = 2;
  pthread_cond_broadcast(&people->hash_free);
  pthread_mutex_unlock(&people->hash_lock);
  for (int i = 0; i < 210; i++) pthread_join(threads[i], NULL);
  assert_int_equal(hashed, 200);
  assert_int_equal(turned_away, 10);
  assert_int_equal(people->hashing, 0);
}

/* --- logins ---------------------------------------------------------------------------------------------------------------------------------- */

static void a_login_lives_its_time_and_no_longer(void **state) {
  (void)state;
  static const struct { enum role role; int64_t idle, total; } cases[] = {{ROLE_INSTRUCTOR, HOUR, 12 * HOUR}, {ROLE_LEARNER, 12 * HOUR, 7 * 24 * HOUR}};
  open_workshop();
  for (int i = 0; i < 2; i++) {
    struct login login;
    char key[32];
    wallclock_set_offset(0, 0);
    if (cases[i].role == ROLE_LEARNER) login = join_as("Mei Ling", key);
    else {
      add_staff("Rahman", ROLE_INSTRUCTOR);
      OK(people_sign_in(people, "Rahman", "correct horse battery", "1.2.3.4", LANG_EN, &login, &err));
    }
    wallclock_set_offset(cases[i].idle - MINUTE, 0);
    assert_int_equal(viewer_of(login.cookie).role, cases[i].role);
    wallclock_set_offset(cases[i].idle + MINUTE, 0);
    assert_int_equal(viewer_of(login.cookie).role, ROLE_NONE);                 /* idle too long */
    int64_t at = 0;
    for (; at < cases[i].total; at += cases[i].idle / 2) {                     /* always active: until the total time is over */
      wallclock_set_offset(at, at);
      struct viewer viewer = viewer_of(login.cookie);
      assert_int_equal(viewer.role, cases[i].role);
      people_touch(people, &viewer);
    }
    wallclock_set_offset(cases[i].total + 1000, 0);
    assert_int_equal(viewer_of(login.cookie).role, ROLE_NONE);
    wallclock_set_offset(-24 * HOUR, 0);                                       /* a clock set back loses nobody's login */
    assert_int_equal(viewer_of(login.cookie).role, cases[i].role);
  }
}
static void activity_is_written_once_a_minute(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login login = join_as("Mei Ling", key);
  struct db_stats before, after;
  people_touch(people, &login.viewer);
  db_stats(db, &before);
  for (int i = 0; i < 50; i++) people_touch(people, &login.viewer);
  db_stats(db, &after);
  assert_int_equal(after.units, before.units);
  wallclock_set_offset(MINUTE, MINUTE);
  people_touch(people, &login.viewer);
  db_stats(db, &after);
  assert_int_equal(after.units, before.units + 1);
}
static void the_eleventh_login_ends_the_oldest(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login logins[11];
  logins[0] = join_as("Mei Ling", key);
  for (int i = 1; i < 11; i++) {
    wallclock_set_offset(i * 1000, 0);
    OK(people_return(people, key, "1.2.3.4", LANG_EN, &logins[i], &err));
  }
  assert_int_equal(viewer_of(logins[0].cookie).role, ROLE_NONE);
  assert_string_equal(dropped, logins[0].viewer.login);                        /* its streams end, too */
  for (int i = 1; i < 11; i++) assert_int_equal(viewer_of(logins[i].cookie).role, ROLE_LEARNER);
}
static void signing_out_ends_this_login_alone(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login first = join_as("Mei Ling", key), second;
  OK(people_return(people, key, "1.2.3.4", LANG_EN, &second, &err));
  OK(people_sign_out(people, &first.viewer, &err));
  assert_int_equal(viewer_of(first.cookie).role, ROLE_NONE);
  assert_int_equal(viewer_of(second.cookie).role, ROLE_LEARNER);
  assert_string_equal(dropped, first.viewer.login);
}
static void foreign_cookies_are_nobody(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login login = join_as("Mei Ling", key);
  char other[LOGIN_COOKIE];
  memcpy(other, login.cookie, sizeof other);
  other[63] = other[63] == '0' ? '1' : '0';
  static const char *const wrong[] = {"", "x", "' OR 1=1 --", "0000000000000000000000000000000000000000000000000000000000000000"};
  assert_int_equal(viewer_of(other).role, ROLE_NONE);
  assert_int_equal(viewer_of(NULL).role, ROLE_NONE);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) assert_int_equal(viewer_of(wrong[i]).role, ROLE_NONE);
  struct db_read *read;
  struct viewer viewer;
  char csrf[65];
  OK(db_read_begin(db, &read, &err) && people_viewer(people, read, login.cookie, &viewer, csrf, &err));
  db_read_end(read);
  assert_string_equal(csrf, login.csrf);                                       /* the same token at every request of a login */
  assert_string_not_equal(csrf, login.cookie);
}
static void over_logins_are_forgotten_at_the_next_start(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login login = join_as("Mei Ling", key);
  wallclock_set_offset(8 * 24 * HOUR, 0);
  struct people *again;
  OK(people_open(db, NULL, &again, &err));
  people_close(again);
  wallclock_set_offset(0, 0);
  assert_int_equal(viewer_of(login.cookie).role, ROLE_NONE);
}
static void the_chosen_language_is_kept(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login login = join_as("Mei Ling", key), back;
  assert_int_equal(login.viewer.lang, LANG_MS);
  OK(people_language(people, &login.viewer, LANG_EN, &err));
  OK(people_return(people, key, "1.2.3.4", LANG_MS, &back, &err));
  assert_int_equal(back.viewer.lang, LANG_EN);
}

/* --- workshops ------------------------------------------------------------------------------------------------------------------------------- */

static void learners_join_by_code_and_come_back_by_key(void **state) {
  (void)state;
  open_workshop();
  assert_int_equal(strlen(code), 6);
  char key[32], typed[40];
  struct login login = join_as("  Mei Ling ", key), back;
  assert_int_equal(strlen(key), 14);
  assert_int_equal(login.viewer.role, ROLE_LEARNER);
  assert_string_equal(login.viewer.workshop, workshop);
  assert_string_equal(login.viewer.name, "Mei Ling");
  snprintf(typed, sizeof typed, " %s ", key);
  for (char *c = typed; *c; c++) if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 32);        /* as read from paper */
  OK(people_return(people, typed, "1.2.3.4", LANG_EN, &back, &err));
  assert_string_equal(back.viewer.person, login.viewer.person);
  struct login second = join_as("Mei Ling", key);                              /* two of one name are two people */
  assert_string_not_equal(second.viewer.person, login.viewer.person);
  char folded[14];
  assert_true(id_fold(key, 13, folded));
  assert_false(stored(folded));
  REFUSED(people_return(people, "0000000000000", "1.2.3.4", LANG_EN, &back, &err), "return.wrong");
}
static void closed_over_and_wrong_codes_get_the_same_answer(void **state) {
  (void)state;
  open_workshop();
  struct login login;
  char key[32], upper[16];
  struct err wrong, closed, over;
  for (int i = 0; i < 7; i++) upper[i] = (char)(code[i] >= 'a' && code[i] <= 'z' ? code[i] - 32 : code[i]);
  OK(people_join(people, upper, "Ali", "1.2.3.4", LANG_EN, &login, key, &err));
  assert_false(people_join(people, code[0] == '0' ? "111111" : "000000", "Ali", "1.2.3.4", LANG_EN, &login, key, &wrong));
  wallclock_set_offset(12 * HOUR, 0);
  assert_false(people_join(people, code, "Ali", "1.2.3.4", LANG_EN, &login, key, &over));
  wallclock_set_offset(0, 0);
  OK(people_close_workshop(people, &shell, workshop, &err));
  assert_false(people_join(people, code, "Ali", "1.2.3.4", LANG_EN, &login, key, &closed));
  assert_string_equal(wrong.key, "join.closed");
  assert_int_equal(wrong.code, ERR_NOT_FOUND);
  assert_memory_equal(&wrong, &closed, sizeof wrong);
  assert_memory_equal(&wrong, &over, sizeof wrong);
}
static void guessing_codes_is_slow_but_a_whole_room_joins_at_once(void **state) {
  (void)state;
  open_workshop();
  struct login login;
  char key[32];
  for (int i = 0; i < 120; i++) OK(people_join(people, code, "Ali", "10.0.0.5", LANG_EN, &login, key, &err));
  const char *bad = code[0] == '0' ? "111111" : "000000";
  for (int i = 0; i < 20; i++) REFUSED(people_join(people, bad, "Ali", "10.0.0.6", LANG_EN, &login, key, &err), "join.closed");
  REFUSED(people_join(people, code, "Ali", "10.0.0.6", LANG_EN, &login, key, &err), "join.throttled");
  OK(people_join(people, code, "Ali", "10.0.0.5", LANG_EN, &login, key, &err));
  /* many addresses together: each fails once freely, after that they share 60 a minute (19 of which are gone) */
  int refused = 0;
  for (int a = 0; a < 60; a++)
    for (int i = 0; i < 2; i++) {
      char address[32];
      struct err err;
      snprintf(address, sizeof address, "10.2.%d.1", a);
      assert_false(people_join(people, bad, "Ali", address, LANG_EN, &login, key, &err));
      refused += !strcmp(err.key, "join.throttled");
    }
  assert_in_range(refused, 15, 25);
  OK(people_join(people, code, "Ali", "10.0.0.77", LANG_EN, &login, key, &err));       /* others go on */
}
static void only_staff_open_workshops_and_see_their_own(void **state) {
  (void)state;
  struct viewer learner = {.role = ROLE_LEARNER}, a = {.role = ROLE_INSTRUCTOR}, b = {.role = ROLE_INSTRUCTOR}, nobody = {0};
  OK(people_add(people, "A", "correct horse battery", ROLE_INSTRUCTOR, a.person, &err));
  OK(people_add(people, "B", "correct horse battery", ROLE_INSTRUCTOR, b.person, &err));
  char id[ID_SIZE], its_code[16], key[32];
  REFUSED(people_workshop(people, &learner, "X", 1, id, its_code, &err), "people.denied");
  REFUSED(people_workshop(people, &nobody, "X", 1, id, its_code, &err), "people.denied");
  REFUSED(people_workshop(people, &a, "X", 169, id, its_code, &err), "workshop.hours");
  OK(people_workshop(people, &a, "Tuesday", 168, id, its_code, &err));
  open_workshop();
  join_as("Ali", key);
  REFUSED(people_close_workshop(people, &b, id, &err), "workshop.unknown");            /* not "denied": ids tell nothing */
  REFUSED(people_close_workshop(people, &a, workshop, &err), "workshop.unknown");
  struct arena *arena = arena_new(0);
  struct db_read *read;
  OK(db_read_begin(db, &read, &err));
  struct tree *own = people_workshops(people, read, &a, arena), *all = people_workshops(people, read, &shell, arena);
  assert_int_equal(own->count, 1);
  assert_string_equal(tree_text(own->child, "name"), "Tuesday");
  assert_string_equal(tree_text(own->child, "code"), its_code);
  assert_int_equal(tree_int(own->child, "until_ms", 0) - tree_int(own->child, "opened_ms", 0), 168 * HOUR);
  assert_int_equal(all->count, 2);
  assert_string_equal(tree_text(all->child, "name"), "Monday");                       /* newest first */
  assert_int_equal(tree_int(all->child, "people", -1), 1);
  assert_int_equal(people_workshops(people, read, &b, arena)->count, 0);
  assert_int_equal(people_workshops(people, read, &learner, arena)->count, 0);
  db_read_end(read);
  OK(people_close_workshop(people, &a, id, &err));
  OK(people_close_workshop(people, &a, id, &err));                                    /* twice is once */
  arena_free(arena);
}
static void a_renewed_key_replaces_the_old_one(void **state) {
  (void)state;
  open_workshop();
  char old[32], new[32];
  struct login login = join_as("Mei Ling", old), back;
  OK(people_renew_key(people, "mei  ling", new, &err));
  REFUSED(people_return(people, old, "1.2.3.4", LANG_EN, &back, &err), "return.wrong");
  OK(people_return(people, new, "1.2.3.4", LANG_EN, &back, &err));
  assert_string_equal(back.viewer.person, login.viewer.person);
  join_as("Mei Ling", old);
  REFUSED(people_renew_key(people, "Mei Ling", new, &err), "people.ambiguous");
  OK(people_renew_key(people, login.viewer.person, new, &err));
  REFUSED(people_renew_key(people, "Nobody", new, &err), "people.unknown");
  add_staff("Rahman", ROLE_INSTRUCTOR);
  REFUSED(people_renew_key(people, "Rahman", new, &err), "people.no-key");            /* a key is no second door to a staff account */
}
static void me_says_who_i_am(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  struct login login = join_as("Mei \"Ling\"", key);
  struct arena *arena = arena_new(0);
  struct db_read *read;
  struct buf text;
  buf_init(&text, 4096);
  OK(db_read_begin(db, &read, &err));
  tree_write_plain(&text, people_me(people, read, &login.viewer, login.csrf, arena));
  char want[400];
  snprintf(want, sizeof want, "{\"person\":{\"id\":\"%s\",\"name\":\"Mei \\\"Ling\\\"\",\"role\":\"learner\"},\"language\":\"ms\",\"csrf\":\"%s\","
           "\"workshop\":{\"id\":\"%s\",\"name\":\"Monday\"},\"setup_needed\":true}", login.viewer.person, login.csrf, workshop);
  assert_string_equal(text.data, want);
  buf_reset(&text);
  struct viewer nobody = {.lang = LANG_EN};
  tree_write_plain(&text, people_me(people, read, &nobody, "", arena));
  assert_string_equal(text.data, "{\"person\":null,\"language\":\"en\",\"csrf\":null,\"workshop\":null,\"setup_needed\":true}");
  db_read_end(read);
  buf_release(&text);
  arena_free(arena);
}

/* --- rules ----------------------------------------------------------------------------------------------------------------------------------- */

static void names_are_one_to_sixty_letters_that_can_be_read(void **state) {
  (void)state;
  static const struct { const char *typed, *out, *refused; } cases[] = {
    {"Ali", "Ali", NULL}, {" \t Ali bin Abu\n", "Ali bin Abu", NULL}, {"\xC2\xA0" "Ali\xE3\x80\x80", "Ali", NULL},
    {"\xE9\x99\x88\xE5\xB0\x8F\xE6\x98\x8E", "\xE9\x99\x88\xE5\xB0\x8F\xE6\x98\x8E", NULL}, {"O'Neil <b>", "O'Neil <b>", NULL}, {"=cmd()", "=cmd()", NULL},
    {"", NULL, "people.name-empty"}, {"   ", NULL, "people.name-empty"}, {"\xE2\x80\x8D", NULL, "people.name-empty"},
    {"a\x01" "b", NULL, "people.name-letters"}, {"a\nb", NULL, "people.name-letters"}, {"a\x7F", NULL, "people.name-letters"}, {"\xC2\x85x", NULL, "people.name-letters"},
    {"abc\xE2\x80\xAE" "def", NULL, "people.name-letters"}, {"\xE2\x81\xA6x", NULL, "people.name-letters"}, {"x\xE2\x80\x8F", NULL, "people.name-letters"},
    {"\xEF\xBB\xBFx", NULL, "people.name-letters"}, {"\xC0\x80", NULL, "people.name-letters"}, {"\xED\xA0\x80", NULL, "people.name-letters"}, {"x\xE2\x82", NULL, "people.name-letters"},
    {"\xF5\x80\x80\x80", NULL, "people.name-letters"}, {"x\xC2", NULL, "people.name-letters"},
  };
  char out[PEOPLE_NAME], key[PEOPLE_NAME];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct err err = {0};
    bool ok = guard_name(cases[i].typed, out, key, &err);
    if (ok != (cases[i].out != NULL)) fail_msg("case %zu: %s", i, err.key);
    if (ok) assert_string_equal(out, cases[i].out);
    else assert_string_equal(err.key, cases[i].refused);
  }
  char sixty[61 * 4 + 1] = "";
  for (int i = 0; i < 60; i++) strcat(sixty, "\xF0\x9F\x98\x80");
  assert_true(guard_name(sixty, out, key, NULL));
  assert_string_equal(out, sixty);
  strcat(sixty, "a");
  REFUSED(guard_name(sixty, out, key, &err), "people.name-long");
  char *long_name = malloc(100001);
  memset(long_name, 'a', 100000);
  long_name[100000] = 0;
  REFUSED(guard_name(long_name, out, key, &err), "people.name-long");
  free(long_name);
}
static void passwords_are_long_and_not_common(void **state) {
  (void)state;
  static const char *const common[] = {"1234567890", "Password123", "p@ssw0rd2024!", "aaaaaaaaaaaa", "abababababab", "QwertyUiop1", "kubernetes1", "Katalaluan99", "administrator", "aminah2024!", "Aminah binti Ali"};
  static const char *const good[] = {"correct horse battery", "tiga ekor kucing", "kX9#mmq2!zz", "\xE5\xAF\x86\xE7\xA0\x81\xE5\xBE\x88\xE9\x95\xBF\xE5\xBE\x88\xE9\x9A\xBE\xE7\x8C\x9C\xE7\x9A\x84\xE9\x95\xBF\xE5\xAF\x86"};
  for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
    struct err err = {0};
    if (guard_password(common[i], i == 9 ? "aminah" : "aminah binti ali", &err)) fail_msg("%s was taken", common[i]);
    assert_string_equal(err.key, "password.common");
  }
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    struct err err = {0};
    if (!guard_password(good[i], "aminah", &err)) fail_msg("%s: %s", good[i], err.key);
  }
  REFUSED(guard_password("123456789", "aminah", &err), "password.short");
  REFUSED(guard_password("\xE5\xAF\x86\xE7\xA0\x81\xE5\xBE\x88\xE9\x95\xBF", "aminah", &err), "password.short");   /* letters are counted, not bytes */
  char huge[600];
  for (int i = 0; i < 599; i++) huge[i] = (char)('a' + i % 23);
  huge[599] = 0;
  REFUSED(guard_password(huge, "aminah", &err), "password.long");
}
static void rights_nest(void **state) {
  (void)state;
  for (enum role role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
    struct viewer viewer = {.role = role};
    assert_int_equal(people_may(&viewer, RIGHT_LEARN), role >= ROLE_LEARNER);
    assert_int_equal(people_may(&viewer, RIGHT_OPEN_WORKSHOP), role >= ROLE_INSTRUCTOR);
    assert_int_equal(people_may(&viewer, RIGHT_SEE_ALL_WORKSHOPS), role >= ROLE_ADMIN);
    assert_false(people_may(&viewer, RIGHT_NONE));
    assert_false(people_may(&viewer, RIGHT_COUNT));
  }
  assert_false(people_may(NULL, RIGHT_LEARN));
}

/* --- audit and install ------------------------------------------------------------------------------------------------------------------------ */

static const struct db_query q_change = {"change", "UPDATE audit SET what = 'x' WHERE seq = 1"};
static const struct db_query q_delete = {"delete", "DELETE FROM audit WHERE seq = 1"};
static bool run_unit(struct db_tx *tx, void *arg, struct err *err) { return db_run(db_begin(db_tx_read(tx), arg), NULL, err); }
static int64_t first_bad(void) {
  struct db_read *read;
  int64_t bad = -1;
  OK(db_read_begin(db, &read, &err) && store_audit_check(read, &bad, &err));
  db_read_end(read);
  return bad;
}
static void the_trail_cannot_be_changed_and_shows_it_if_it_was(void **state) {
  (void)state;
  open_workshop();
  char key[32];
  join_as("Mei Ling", key);
  add_staff("Rahman", ROLE_INSTRUCTOR);
  assert_int_equal(first_bad(), 0);
  REFUSED(db_write(db, run_unit, (void *)&q_change, &err), "store.conflict");
  REFUSED(db_write(db, run_unit, (void *)&q_delete, &err), "store.conflict");
  static const struct db_query q_off = {"off", "DROP TRIGGER audit_stays"}, q_edit = {"edit", "UPDATE audit SET object = 'zz' WHERE seq = 2"};
  OK(db_write(db, run_unit, (void *)&q_off, &err));                            /* somebody with the file in hand */
  OK(db_write(db, run_unit, (void *)&q_edit, &err));
  assert_int_equal(first_bad(), 2);
}
static void an_installation_keeps_its_id_and_secret(void **state) {
  (void)state;
  char id[9], again[9], home[96], path[128];
  unsigned char secret[32], same[32];
  snprintf(home, sizeof home, "%s/home", scratch.folder);
  snprintf(path, sizeof path, "%s/install", home);
  OK(people_install(home, id, secret, &err));
  OK(people_install(home, again, same, &err));
  assert_int_equal(strlen(id), 8);
  assert_string_equal(id, again);
  assert_memory_equal(secret, same, 32);
  struct stat about;
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);
  OK(file_replace(path, "broken", 6, 0600, &err));
  REFUSED(people_install(home, again, same, &err), "install.broken");
  size_t length;
  char *left = read_file(path, &length);
  assert_string_equal(left, "broken");                                         /* never written over: the secret might be saved by hand */
  free(left);
  unlink(path);
  rmdir(home);
}

int main(void) {
  secret_init();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(the_one_time_key_makes_one_administrator),
    TEST(a_setup_key_ends_after_a_quarter_of_an_hour_or_with_the_next),
    TEST(a_key_pressed_six_times_at_once_makes_one_administrator),
    TEST(staff_sign_in_whatever_the_case_of_their_name),
    TEST(unknown_names_and_wrong_passwords_get_one_answer_at_one_price),
    TEST(thirteen_wrong_passwords_are_throttled_in_this_network_alone),
    TEST(guesses_side_by_side_count_like_guesses_in_a_row),
    TEST(more_than_two_hundred_waiting_hashes_are_turned_away),
    TEST(a_login_lives_its_time_and_no_longer),
    TEST(activity_is_written_once_a_minute),
    TEST(the_eleventh_login_ends_the_oldest),
    TEST(signing_out_ends_this_login_alone),
    TEST(foreign_cookies_are_nobody),
    TEST(over_logins_are_forgotten_at_the_next_start),
    TEST(the_chosen_language_is_kept),
    TEST(learners_join_by_code_and_come_back_by_key),
    TEST(closed_over_and_wrong_codes_get_the_same_answer),
    TEST(guessing_codes_is_slow_but_a_whole_room_joins_at_once),
    TEST(only_staff_open_workshops_and_see_their_own),
    TEST(a_renewed_key_replaces_the_old_one),
    TEST(me_says_who_i_am),
    TEST(names_are_one_to_sixty_letters_that_can_be_read),
    TEST(passwords_are_long_and_not_common),
    TEST(rights_nest),
    TEST(the_trail_cannot_be_changed_and_shows_it_if_it_was),
    TEST(an_installation_keeps_its_id_and_secret),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
