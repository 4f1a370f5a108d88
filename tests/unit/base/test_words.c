/* words: messages in the viewer's language, with parameters; the other language when one lacks. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/words.h"

static struct tree *json(struct arena *arena, const char *text) {
  struct tree *tree = NULL;
  struct err err;
  assert_true(tree_parse(arena, text, strlen(text), 0, &tree, &err));
  return tree;
}

static void words_messages_in_both_languages(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct words *words = words_new();
  struct err err;
  assert_true(words_add_pairs(words, json(arena, "{\"pods\": {\"en\": {\"one\": \"{count} Pod waits.\", \"other\": \"{count} Pods wait.\"}, \"ms\": \"{count} Pod menunggu.\"},"
                                                 " \"only\": {\"en\": \"Only {who} {unknown}.\"}}"), &err));
  enum lang used;
  assert_string_equal(words_text(arena, words, LANG_EN, "pods", json(arena, "{\"count\": 1}"), &used), "1 Pod waits.");
  assert_string_equal(words_text(arena, words, LANG_EN, "pods", json(arena, "{\"count\": 3}"), &used), "3 Pods wait.");
  assert_string_equal(words_text(arena, words, LANG_MS, "pods", json(arena, "{\"count\": 1}"), &used), "1 Pod menunggu.");
  assert_string_equal(words_text(arena, words, LANG_MS, "only", json(arena, "{\"who\": \"<b>\"}"), &used), "Only <b> {unknown}.");
  assert_int_equal(used, LANG_EN);
  assert_string_equal(words_text(arena, words, LANG_MS, "no.such", NULL, &used), "no.such");
  words_free(words);
  arena_free(arena);
}

static void keeps_many_keys_apart(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct words *words = words_new();
  struct err err;
  for (int i = 0; i < 2000; i++) {
    struct tree *one = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, arena_printf(arena, "key.%d", i), arena_printf(arena, "text %d", i));
    assert_true(words_add(words, LANG_EN, one, &err));
  }
  for (int i = 0; i < 2000; i++)
    assert_string_equal(words_text(arena, words, LANG_EN, arena_printf(arena, "key.%d", i), NULL, NULL), arena_printf(arena, "text %d", i));
  words_free(words);
  arena_free(arena);
}

static void a_lab_has_its_own_words_over_everybodys(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct words *all = words_new(), *lab = words_new_over(all);
  struct err err;
  assert_true(words_add_pairs(all, json(arena, "{\"shared\": {\"en\": \"Shared.\", \"ms\": \"Bersama.\"}}"), &err));
  assert_true(words_add_pairs(lab, json(arena, "{\"own\": {\"en\": \"Own.\", \"ms\": \"Sendiri.\"}}"), &err));
  assert_string_equal(words_text(arena, lab, LANG_MS, "own", NULL, NULL), "Sendiri.");
  assert_string_equal(words_text(arena, lab, LANG_MS, "shared", NULL, NULL), "Bersama.");
  assert_true(words_has(lab, LANG_EN, "shared"));
  assert_false(words_has(all, LANG_EN, "own"));
  words_free(lab);
  words_free(all);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_lab_has_its_own_words_over_everybodys), cmocka_unit_test(words_messages_in_both_languages), cmocka_unit_test(keeps_many_keys_apart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
