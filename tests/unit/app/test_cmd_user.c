/* makmal user: what it prints, what it refuses, and that it never writes beside a running server. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cmd_user.h"
#include "base/err.h"
#include "base/secret.h"
#include "domain/people.h"
#include "store/db.h"
#include "unit/store/scratch.h"

static struct scratch scratch;
static char said[4096], complained[4096];

static void take(FILE *file, char *out) {
  rewind(file);
  out[fread(out, 1, 4095, file)] = 0;
  fclose(file);
}
/* Runs `makmal user …` with this standard input; what it printed stands in said and complained. */
static int user(const char *input, ...) {
  char *argv[16] = {"user"};
  int argc = 1, kept[3];
  va_list list;
  va_start(list, input);
  for (char *arg; (arg = va_arg(list, char *));) argv[argc++] = arg;
  va_end(list);
  FILE *files[3] = {tmpfile(), tmpfile(), tmpfile()};
  fputs(input, files[0]);
  rewind(files[0]);
  fflush(stdout);
  for (int i = 0; i < 3; i++) {
    kept[i] = dup(i);
    dup2(fileno(files[i]), i);
  }
  lseek(0, 0, SEEK_SET);
  int status = cmd_user(argc, argv);
  fflush(stdout);
  for (int i = 0; i < 3; i++) {
    dup2(kept[i], i);
    close(kept[i]);
  }
  fclose(files[0]);
  take(files[1], said);
  take(files[2], complained);
  return status;
}
static int set_up(void **state) {
  (void)state;
  scratch_make(&scratch);
  setenv("MAKMAL_HOME", scratch.folder, 1);
  setenv("MAKMAL_WORDS", TEST_SOURCE_DIR "/web/words", 1);
  unsetenv("MAKMAL_PORT");
  return 0;
}
static int tear_down(void **state) { (void)state; scratch_remove(&scratch); return 0; }

static void open_house(struct db **db, struct people **people) {
  struct err err;
  if (!db_open(scratch.path, db, &err) || !people_open(*db, NULL, people, &err)) fail_msg("%s: %s", err.key, err.detail);
}
static void close_house(struct db *db, struct people *people) {
  people_close(people);
  db_close(db);
}

static void staff_added_here_can_sign_in(void **state) {
  (void)state;
  assert_int_equal(user("tiga ekor kucing\nmore\n", "add", "Encik Rahman", "--role", "instructor", NULL), 0);
  assert_string_equal(complained, "");
  assert_memory_equal(said, "instructor added, id ", 21);
  struct db *db;
  struct people *people;
  struct login login;
  struct err err;
  open_house(&db, &people);
  assert_true(people_sign_in(people, "Encik Rahman", "tiga ekor kucing", "::1", LANG_EN, &login, &err));
  assert_int_equal(login.viewer.role, ROLE_INSTRUCTOR);
  close_house(db, people);
  assert_int_equal(user("tiga ekor kucing\n", "add", "encik rahman", NULL), 2);
  assert_string_equal(complained, "makmal user: Another account is already called encik rahman. Choose another name.\n");
  assert_int_equal(user("short\n", "add", "Siti", NULL), 2);
  assert_non_null(strstr(complained, "fewer than 10 characters"));
  assert_int_equal(user("", "add", "Siti", NULL), 2);
}
static void a_learners_key_is_printed_and_renewed(void **state) {
  (void)state;
  char key[32], new_key[32], old[64];
  assert_int_equal(user("", "add", "Mei Ling", "--role", "learner", NULL), 0);
  assert_int_equal(sscanf(strstr(said, "return key: "), "return key: %31s", key), 1);
  snprintf(old, sizeof old, "return key: %s", key);
  assert_int_equal(user("", "key", "Mei Ling", NULL), 0);
  assert_int_equal(sscanf(said, "return key: %31s", new_key), 1);
  assert_string_not_equal(key, new_key);
  struct db *db;
  struct people *people;
  struct login login;
  struct err err;
  open_house(&db, &people);
  assert_true(people_return(people, new_key, "::1", LANG_EN, &login, &err));
  assert_false(people_return(people, key, "::1", LANG_EN, &login, &err));
  close_house(db, people);
  assert_int_equal(user("", "key", "Nobody", NULL), 2);
  assert_string_equal(complained, "makmal user: Nobody here is called Nobody. Check the spelling.\n");
}
static void a_workshop_is_opened_with_code_and_link(void **state) {
  (void)state;
  char code[16], link[128], want[64], key[32];
  setenv("MAKMAL_PORT", "9090", 1);
  assert_int_equal(user("", "workshop", "Monday class", "--hours", "3", NULL), 0);
  assert_int_equal(sscanf(said, "join code: %15s\nlink: %127s", code, link), 2);
  snprintf(want, sizeof want, "http://127.0.0.1:9090/j?k=%s", code);
  assert_string_equal(link, want);
  struct db *db;
  struct people *people;
  struct login login;
  struct err err;
  open_house(&db, &people);
  assert_true(people_join(people, code, "Ali", "::1", LANG_EN, &login, key, &err));
  close_house(db, people);
}
static void the_setup_link_makes_an_administrator(void **state) {
  (void)state;
  char key[32];
  assert_int_equal(user("", "setup-link", "--address", "https://makmal.example", NULL), 0);
  assert_int_equal(sscanf(said, "https://makmal.example/setup?k=%31s", key), 1);
  struct db *db;
  struct people *people;
  struct login login;
  struct err err;
  open_house(&db, &people);
  assert_true(people_setup(people, key, "Aminah", "tiga ekor kucing", "::1", LANG_EN, &login, &err));
  assert_int_equal(login.viewer.role, ROLE_ADMIN);
  close_house(db, people);
}
static void beside_a_running_server_it_says_so_and_writes_nothing(void **state) {
  (void)state;
  struct db *db;
  struct people *people;
  open_house(&db, &people);
  assert_int_equal(user("", "workshop", "Monday", NULL), 2);
  char want[400];
  snprintf(want, sizeof want, "makmal user: Another Makmal (process %d) has %s open. Stop it first, or do this on the page of the running server.\n", (int)getpid(), scratch.path);
  assert_string_equal(complained, want);
  assert_string_equal(said, "");
  close_house(db, people);
}
static void wrong_use_is_told_in_one_line(void **state) {
  (void)state;
  static char *const cases[][4] = {{"fly"}, {"add"}, {"add", "a", "b"}, {"key"}, {"setup-link", "x"}, {"add", "x", "--wings"}, {"add", "x", "--role", "king"},
                                   {"workshop", "x", "--hours", "0"}, {"workshop", "x", "--hours", "3x"}, {"add", "x", "--role"}, {NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int status = user("", cases[i][0], cases[i][1], cases[i][2], cases[i][3], NULL);
    if (status != 2) fail_msg("case %zu: status %d", i, status);
    assert_memory_equal(complained, "makmal user: ", 13);
    assert_ptr_equal(strchr(complained, '\n'), complained + strlen(complained) - 1);
    assert_string_equal(said, "");
  }
  assert_int_equal(user("", "--help", NULL), 0);
  assert_memory_equal(said, "usage: makmal user", 18);
}
static void files_made_by_root_belong_to_the_owner_of_the_folder(void **state) {
  (void)state;
  if (geteuid() != 0) return;                                  /* an ordinary user cannot make somebody else's files */
  assert_int_equal(chown(scratch.folder, 65534, 65534), 0);
  pid_t child = fork();                                        /* it gives root up for good */
  if (child == 0) _exit(user("", "workshop", "Monday", NULL));
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  struct stat about;
  assert_int_equal(stat(scratch.path, &about), 0);
  assert_int_equal(about.st_uid, 65534);
  assert_int_equal(about.st_mode & 0777, 0600);
}

int main(void) {
  secret_init();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    TEST(staff_added_here_can_sign_in),
    TEST(a_learners_key_is_printed_and_renewed),
    TEST(a_workshop_is_opened_with_code_and_link),
    TEST(the_setup_link_makes_an_administrator),
    TEST(beside_a_running_server_it_says_so_and_writes_nothing),
    TEST(wrong_use_is_told_in_one_line),
    TEST(files_made_by_root_belong_to_the_owner_of_the_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
