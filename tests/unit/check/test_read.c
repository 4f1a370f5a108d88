/* check_read through a real worker: trees come back as they were read, places and tags included. */
#include "unit/cmocka_all.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"

static struct check_pool *pool;

static int open_pool(void **state) {
  (void)state;
  struct err err = {0};
  secret_init();
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 2, &err);
  return pool ? 0 : -1;
}

static int close_pool(void **state) {
  (void)state;
  check_pool_close(pool);
  return 0;
}

static void trees_come_back_with_places_tags_and_raw_text(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct check_file file = {"lab.yaml", "a: !at-least 010\nb: \"x\"\nc: [1, ~, true, {d: é}]\n", 48};
  file.length = strlen(file.bytes);
  struct check_read_job job = {.files = &file, .file_count = 1};
  struct tree *docs, *reading;
  bool refused;
  for (int i = 0; i < 3; i++) {
    if (!check_read(pool, arena, &job, &docs, &reading, &refused, &err)) fail_msg("%s %s", err.key, err.detail);
    assert_false(refused);
    const struct tree *a = tree_path(docs, "[0].value.a");
    assert_string_equal(a->tag, "!at-least");
    assert_string_equal(a->text, "8");
    assert_string_equal(a->raw, "010");
    assert_int_equal(a->at.line, 1);
    assert_int_equal(a->at.col, 4);
    assert_true(tree_path(docs, "[0].value.b")->quoted);
    assert_string_equal(tree_path(docs, "[0].value.c[3].d")->text, "é");
  }
  arena_free(arena);
}

static void a_refused_file_is_no_failure_of_the_call(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct check_file files[] = {{"a.yaml", "kind: Pod\napiVersion: v1\nmetadata: {name: a}\n", 46}, {"b.yaml", "\tkind: Pod\n", 11}};
  files[0].length = strlen(files[0].bytes);
  struct check_read_job job = {.files = files, .file_count = 2, .objects = true};
  struct tree *docs, *reading;
  bool refused = false;
  assert_true(check_read(pool, arena, &job, &docs, &reading, &refused, &err));
  assert_true(refused);
  assert_int_equal(docs->count, 1);
  assert_string_equal(tree_text(tree_path(reading, "[0].at"), "file"), "b.yaml");
  assert_string_equal(tree_text(tree_path(reading, "[0]"), "key"), "yaml.tab");
  arena_free(arena);
}

static void a_file_with_a_key_is_read_by_a_process_that_ends(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct check_file file = {"config", "users: [{name: a, user: {token: abc}}]\n", 39};
  struct check_read_job job = {.files = &file, .file_count = 1, .secret = true};
  struct tree *docs, *reading;
  bool refused;
  struct check_pool_stats before, after;
  check_pool_stats(pool, &before);
  assert_true(check_read(pool, arena, &job, &docs, &reading, &refused, &err));
  check_pool_stats(pool, &after);
  assert_int_equal(after.killed, before.killed + 1);
  arena_free(arena);
}

static void a_program_that_is_not_there_is_said_at_once(void **state) {
  (void)state;
  struct err err = {0};
  assert_null(check_pool_open("/nonexistent/makmal-check", 1, &err));
  assert_string_equal(err.key, "check.worker");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(trees_come_back_with_places_tags_and_raw_text), cmocka_unit_test(a_refused_file_is_no_failure_of_the_call),
    cmocka_unit_test(a_file_with_a_key_is_read_by_a_process_that_ends), cmocka_unit_test(a_program_that_is_not_there_is_said_at_once),
  };
  return cmocka_run_group_tests(tests, open_pool, close_pool);
}
