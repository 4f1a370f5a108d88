/* cmd_lint: exit statuses and lines, as a terminal or a build job sees them. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd_lint.h"

static char said[65536];

/* Runs the command with its standard output in `said`. */
static int run(const char *a, const char *b, const char *c, const char *d) {
  char *argv[] = {"lint", (char *)a, (char *)b, (char *)c, (char *)d, NULL};
  int argc = 1;
  while (argv[argc]) argc++;
  fflush(stdout);
  FILE *file = tmpfile();
  int kept = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  int status = cmd_lint(argc, argv);
  fflush(stdout);
  dup2(kept, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  close(kept);
  close(errors);
  rewind(file);
  said[fread(said, 1, sizeof said - 1, file)] = 0;
  fclose(file);
  return status;
}

static void nothing_to_mend_is_zero(void **state) {
  (void)state;
  assert_int_equal(run("tests/fixtures/labs/practice/first/good", NULL, NULL, NULL), 0);
  assert_string_equal(said, "0 to mend, 1 lab looked at\n");
}

static void each_mistake_is_a_line_with_file_line_and_cure(void **state) {
  (void)state;
  assert_int_equal(run("tests/fixtures/labs/practice/first/broken", NULL, NULL, NULL), 1);
  assert_non_null(strstr(said, "tests/fixtures/labs/practice/first/broken/lab.yaml:7: `minuts` is no field here. Is `minutes` meant?\n"));
  assert_non_null(strstr(said, "setup/map.yaml:3: A plain `${…}` inside { } or [ ] is no YAML. Put it in quotes"));
  assert_int_equal(run("tests/fixtures/labs/practice/first/broken", "--lang", "ms", NULL), 1);
  assert_non_null(strstr(said, "Adakah `minutes` yang dimaksudkan?"));
}

static void machines_read_json_lines(void **state) {
  (void)state;
  assert_int_equal(run("tests/fixtures/labs/practice/first/broken", "--format", "json", NULL), 1);
  assert_non_null(strstr(said, "\"line\":7,\"key\":\"lint.field-unknown-near\",\"params\":{\"field\":\"minuts\",\"near\":\"minutes\"},\"text\":\""));
}

static void wrong_use_is_two(void **state) {
  (void)state;
  assert_int_equal(run("--colour", NULL, NULL, NULL), 2);
  assert_int_equal(run("--lang", "fr", NULL, NULL), 2);
  assert_int_equal(run("/etc", NULL, NULL, NULL), 2);
  assert_int_equal(run("a", "b", NULL, NULL), 2);
  assert_int_equal(run("--help", NULL, NULL, NULL), 0);
  assert_non_null(strstr(said, "exit status: 0 nothing to mend"));
}

static void our_own_fault_is_three(void **state) {
  (void)state;
  setenv("MAKMAL_WORKER", "/nonexistent/makmal-check", 1);
  assert_int_equal(run(NULL, NULL, NULL, NULL), 3);
  setenv("MAKMAL_WORKER", TEST_BINARY_DIR "/makmal-check", 1);
}

int main(void) {
  setenv("MAKMAL_WORKER", TEST_BINARY_DIR "/makmal-check", 1);
  setenv("MAKMAL_LABS", TEST_SOURCE_DIR "/tests/fixtures/labs", 1);
  if (chdir(TEST_SOURCE_DIR)) return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_to_mend_is_zero), cmocka_unit_test(each_mistake_is_a_line_with_file_line_and_cure), cmocka_unit_test(machines_read_json_lines),
    cmocka_unit_test(wrong_use_is_two), cmocka_unit_test(our_own_fault_is_three),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
