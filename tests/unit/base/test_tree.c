/* tree: what the strict JSON reader takes, what it refuses and where, and that writing is canonical. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"

static void refuses_what_is_not_strict_json(void **state) {
  (void)state;
  static const struct { const char *sentence, *json, *key; int line, col; } rows[] = {
    {"a key twice would let two readers see two meanings", "{\"a\":1,\n \"a\":2}", "json.duplicate-key", 2, 2},
    {"bytes left over may be a second request", "{} x", "json.left-over", 1, 4},
    {"a raw newline in a string", "\"a\nb\"", "json.control", 1, 3},
    {"a number with a leading zero", "[01]", "json.number", 1, 2},
    {"NUL written as an escape cuts strings in C", "\"a\\u0000b\"", "json.nul", 1, 3},
    {"half a surrogate pair", "\"\\ud83d\"", "json.surrogate", 1, 2},
    {"nothing at all", "", "json.end", 1, 1},
    {"a comma too many", "[1,]", "json.value", 1, 4},
    {"a word that is no literal", "[tru]", "json.value", 1, 2},
    {"a string without end", "{\"a\": \"b", "json.string-end", 1, 7},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree *tree = NULL;
    struct err err = {0};
    bool ok = tree_parse(arena, rows[i].json, strlen(rows[i].json), 0, &tree, &err);
    if (ok || strcmp(err.key, rows[i].key)) fail_msg("%s: got key %s", rows[i].sentence, ok ? "(accepted)" : err.key);
    char place[64];
    snprintf(place, sizeof place, "line %d column %d", rows[i].line, rows[i].col);
    assert_string_equal(err.detail, place);
    assert_null(tree);
    arena_free(arena);
  }
}

static void a_hundred_thousand_keys_take_no_time_and_the_last_may_be_double(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct buf json;
  struct tree *tree;
  struct err err = {0};
  buf_init(&json, 4 << 20);
  for (int i = 0; i < 100000; i++) buf_printf(&json, "%c\"k%d\":1", i ? ',' : '{', i);
  size_t length = json.len;
  buf_str(&json, "}");
  clock_t from = clock();
  assert_true(tree_parse(arena, json.data, json.len, 0, &tree, &err));
  assert_true((clock() - from) / CLOCKS_PER_SEC < 2);          /* their square would be minutes */
  assert_int_equal(tree->count, 100000);
  json.len = length;
  buf_str(&json, ",\"k77777\":1}");
  assert_false(tree_parse(arena, json.data, json.len, 0, &tree, &err));
  assert_string_equal(err.key, "json.duplicate-key");
  buf_release(&json);
  arena_free(arena);
}

static void refuses_depth_beyond_the_cap_without_recursing(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  char deep[4001];
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = 0;
  struct tree *tree;
  struct err err = {0};
  assert_false(tree_parse(arena, deep, strlen(deep), 0, &tree, &err));
  assert_string_equal(err.key, "json.depth");
  arena_free(arena);
}

static void refuses_bad_utf8(void **state) {
  (void)state;
  static const char *const rows[] = {"\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "\"\xF5\x80\x80\x80\"", "\"\xE2\x82\""};
  for (size_t i = 0; i < 4; i++) {
    struct arena *arena = arena_new(0);
    struct tree *tree;
    struct err err = {0};
    assert_false(tree_parse(arena, rows[i], strlen(rows[i]), 0, &tree, &err));
    assert_string_equal(err.key, "json.utf8");
    arena_free(arena);
  }
}

static void writes_canonically(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct tree *tree;
  struct err err;
  const char *json = " {\"b\": [1, 2.50, -0, 9007199254740993], \"a\": {\"z\": null, \"y\": \"\\u00e9\\n\\uD83D\\uDE00\"}, \"c\": true}";
  assert_true(tree_parse(arena, json, strlen(json), 0, &tree, &err));
  struct buf out;
  buf_init(&out, 1024);
  tree_write(&out, tree);
  assert_string_equal(out.data, "{\"a\":{\"y\":\"\xC3\xA9\\n\xF0\x9F\x98\x80\",\"z\":null},\"b\":[1,2.50,-0,9007199254740993],\"c\":true}");
  buf_release(&out);
  assert_string_equal(tree_path(tree, "a.y")->text, "\xC3\xA9\n\xF0\x9F\x98\x80");
  assert_int_equal(tree_int(tree, "c", 7), 7);
  int64_t big;
  assert_true(tree_is_int(tree_path(tree, "b[3]"), &big));
  assert_true(big == 9007199254740993);
  arena_free(arena);
}

static void builds_and_edits_maps(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct tree *map = tree_new(arena, TREE_MAP);
  tree_put_text(arena, map, "name", "web");
  tree_put_int(arena, map, "port", 80);
  tree_set(arena, map, "port", tree_number(arena, 8080));
  tree_set(arena, map, "late", tree_bool(arena, true));
  assert_int_equal(tree_int(map, "port", 0), 8080);
  assert_int_equal(map->count, 3);
  assert_true(tree_remove(map, "name"));
  assert_false(tree_remove(map, "name"));
  struct tree *copy = tree_copy(arena, map);
  assert_true(tree_equal(copy, map));
  tree_set(arena, copy, "port", tree_number(arena, 1));
  assert_false(tree_equal(copy, map));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(refuses_what_is_not_strict_json), cmocka_unit_test(a_hundred_thousand_keys_take_no_time_and_the_last_may_be_double), cmocka_unit_test(refuses_depth_beyond_the_cap_without_recursing),
    cmocka_unit_test(refuses_bad_utf8), cmocka_unit_test(writes_canonically), cmocka_unit_test(builds_and_edits_maps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
