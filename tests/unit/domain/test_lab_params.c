/* lab_params: values match an independent HMAC, numbers are drawn without bias, text is filled and nothing else. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/lab_params.h"

static const char *const kedai[] = {"kedai", "gerai", "dewan"};
static const struct lab_param four[] = {
  {.name = "n", .type = PARAM_INT, .low = 100, .high = 399},
  {.name = "port", .type = PARAM_INT, .low = 8080, .high = 8379},
  {.name = "app", .type = PARAM_NAME, .names = (const char **)kedai, .name_count = 3},
  {.name = "token", .type = PARAM_TOKEN, .length = 12},
};

static void a_seed_gives_the_values_that_anybody_can_work_out_with_hmac(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct lab lab = {.params = four, .param_count = 4};
  unsigned char seed[32];
  lab_seed_person("install secret", 14, "01jxperson00000000000000ab", "serve-web", seed);
  const unsigned char head[4] = {0xa3, 0x57, 0xfe, 0xe6};
  assert_memory_equal(seed, head, 4);
  struct tree *params = lab_params_draw(arena, &lab, seed);
  assert_int_equal(tree_int(params, "n", 0), 133);
  assert_int_equal(tree_int(params, "port", 0), 8282);
  assert_string_equal(tree_text(params, "app"), "gerai-63");
  assert_string_equal(tree_text(params, "token"), "jksa1p2pp2vt");
  lab_seed_text("exam", seed);
  assert_int_equal(tree_int(lab_params_draw(arena, &lab, seed), "n", 0), 269);
  arena_free(arena);
}

static void a_token_longer_than_one_hash_goes_on_with_the_next(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct lab_param longer = {.name = "long", .type = PARAM_TOKEN, .length = 40};
  struct lab lab = {.params = &longer, .param_count = 1};
  unsigned char seed[32];
  lab_seed_person("install secret", 14, "01jxperson00000000000000ab", "serve-web", seed);
  assert_string_equal(tree_text(lab_params_draw(arena, &lab, seed), "long"), "y4d8t5jyn9fh0xegj4r0v63zf9m3wf2erz1fvhrc");
  arena_free(arena);
}

static void the_nodeports_of_a_seed_are_all_there_are_each_once_and_those_nobody_is_given_by_chance_come_first(void **state) {
  (void)state;
  bool seen[2768] = {false};
  unsigned char seed[32];
  lab_seed_text("a class", seed);
  for (int n = 0; n < 2768; n++) {
    int port = lab_params_nodeport(seed, n);
    if (port < 30000 || port > 32767 || seen[port - 30000] || (n < 86) != (port < 30086)) fail_msg("number %d is %d", n, port);
    seen[port - 30000] = true;
  }
  assert_int_equal(lab_params_nodeport(seed, 2768), 0);
}

/* 3 * 2^62 values: a quarter of all draws lies above the largest multiple and must be drawn again, once or twice. */
static void numbers_above_the_largest_multiple_are_drawn_again(void **state) {
  (void)state;
  static const struct { const char *seed; long long value; } rows[] = {
    {"big-4", -3802555172252097228}, {"big-6", -3641770329450294420}, {"big-18", -4518303156629913525},
  };
  struct lab_param wide = {.name = "n", .type = PARAM_INT, .low = INT64_MIN, .high = ((int64_t)1 << 62) - 1};
  struct lab lab = {.params = &wide, .param_count = 1};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    unsigned char seed[32];
    lab_seed_text(rows[i].seed, seed);
    assert_true(tree_int(lab_params_draw(arena, &lab, seed), "n", 0) == rows[i].value);
    arena_free(arena);
  }
}

static void every_value_is_met_and_none_outside(void **state) {
  (void)state;
  struct lab_param small = {.name = "replicas", .type = PARAM_INT, .low = 2, .high = 4};
  struct lab lab = {.params = &small, .param_count = 1};
  int met[5] = {0};
  for (int i = 0; i < 300; i++) {
    struct arena *arena = arena_new(0);
    unsigned char seed[32];
    lab_seed_text(arena_printf(arena, "person %d", i), seed);
    int64_t value = tree_int(lab_params_draw(arena, &lab, seed), "replicas", -1);
    assert_in_range(value, 2, 4);
    met[value]++;
    arena_free(arena);
  }
  for (int v = 2; v <= 4; v++) assert_in_range(met[v], 60, 140);
}

static void combinations_are_the_product_and_stop_at_the_largest_number(void **state) {
  (void)state;
  struct lab lab = {.params = four, .param_count = 3};
  assert_int_equal(lab_params_combinations(&lab), 300 * 300 * 270);
  lab.param_count = 4;
  assert_true(lab_params_combinations(&lab) == INT64_MAX);
  lab.param_count = 0;
  assert_int_equal(lab_params_combinations(&lab), 1);
}

static void a_copied_answer_differs_in_everything_the_solution_uses(void **state) {
  (void)state;
  struct lab_param two[] = {{.name = "a", .type = PARAM_INT, .low = 1, .high = 2}, {.name = "b", .type = PARAM_INT, .low = 1, .high = 2}};
  const char text[] = "name: front-${a}\n";
  struct check_file solution = {"a.yaml", text, sizeof text - 1};
  struct lab lab = {.params = two, .param_count = 2, .solution = &solution, .solution_count = 1};
  for (int a = 1; a <= 2; a++) {
    struct arena *arena = arena_new(0);
    struct tree *own = tree_new(arena, TREE_MAP);
    tree_put_int(arena, own, "a", a);
    tree_put_int(arena, own, "b", 1);
    struct tree *other = lab_params_other(arena, &lab, own);
    assert_non_null(other);
    assert_int_equal(tree_int(other, "a", 0), 3 - a);
    arena_free(arena);
  }
  struct arena *arena = arena_new(0);
  two[0].high = 1;
  assert_null(lab_params_other(arena, &lab, tree_new(arena, TREE_MAP)));
  arena_free(arena);
}

static void filling_replaces_declared_names_and_leaves_the_rest(void **state) {
  (void)state;
  static const struct { const char *sentence, *text, *want; } rows[] = {
    {"a name and a number", "app: ${app} port: ${port}", "app: kedai-17 port: 8080"},
    {"twice beside each other", "${app}${app}", "kedai-17kedai-17"},
    {"an unknown name stays", "${other} ${app}", "${other} kedai-17"},
    {"a shell's own variable stays", "echo $HOME ${", "echo $HOME ${"},
    {"an open brace before a closed one", "${ ${app}", "${ kedai-17"},
    {"a value is never filled again", "${self}", "${app}"},
    {"nothing", "", ""},
  };
  struct arena *arena = arena_new(0);
  struct tree *params = tree_new(arena, TREE_MAP);
  tree_put_text(arena, params, "app", "kedai-17");
  tree_put_int(arena, params, "port", 8080);
  tree_put_text(arena, params, "self", "${app}");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t length;
    char *got = lab_fill(arena, rows[i].text, strlen(rows[i].text), params, &length);
    if (strcmp(got, rows[i].want)) fail_msg("%s: %s", rows[i].sentence, got);
    assert_int_equal(length, strlen(rows[i].want));
  }
  arena_free(arena);
}

static void examples_come_from_the_lab_else_the_first_value(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const char json[] = "{\"params\": {\"n\": {\"int\": [100, 399], \"example\": 117}}}";
  struct tree *meta;
  assert_true(tree_parse(arena, json, sizeof json - 1, 0, &meta, NULL));
  struct lab lab = {.params = four, .param_count = 4, .meta = meta};
  struct tree *examples = lab_params_examples(arena, &lab);
  assert_int_equal(tree_int(examples, "n", 0), 117);
  assert_int_equal(tree_int(examples, "port", 0), 8080);
  assert_string_equal(tree_text(examples, "app"), "kedai-17");
  assert_int_equal(strlen(tree_text(examples, "token")), 12);
  assert_non_null(tree_text(examples, "namespace"));
  arena_free(arena);
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_seed_gives_the_values_that_anybody_can_work_out_with_hmac), cmocka_unit_test(the_nodeports_of_a_seed_are_all_there_are_each_once_and_those_nobody_is_given_by_chance_come_first), cmocka_unit_test(a_token_longer_than_one_hash_goes_on_with_the_next),
    cmocka_unit_test(numbers_above_the_largest_multiple_are_drawn_again), cmocka_unit_test(every_value_is_met_and_none_outside),
    cmocka_unit_test(combinations_are_the_product_and_stop_at_the_largest_number), cmocka_unit_test(a_copied_answer_differs_in_everything_the_solution_uses),
    cmocka_unit_test(filling_replaces_declared_names_and_leaves_the_rest), cmocka_unit_test(examples_come_from_the_lab_else_the_first_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
