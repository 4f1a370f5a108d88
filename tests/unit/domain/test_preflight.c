/* preflight: what would let learners out is red and names its cure; what is merely odd is amber; a cluster that does not answer is no verdict. */
#include "unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/preflight.h"
#include "fake/fake_guards.h"
#include "fake/fake_kube.h"

static struct arena *arena;
static struct fake_kube *fake;

static int set_up(void **state) {
  (void)state;
  arena = arena_new(0);
  fake = fake_kube_new();
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  fake_kube_free(fake);
  arena_free(arena);
  return 0;
}

static const char *red_of(struct guards *guards, struct preflight *out) {
  struct err err;
  fake_kube_answer(fake, guards_answer, guards);
  if (!preflight_run(fake_kube_port(fake), arena, "0123abcd", out, &err)) fail_msg("%s %s", err.key, err.detail);
  const struct tree *line = preflight_first_red(out);
  return line ? tree_text(line, "key") : "";
}

static void what_would_let_learners_out_is_red(void **state) {
  (void)state;
  struct preflight flight;
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, false}, &flight), "");
  assert_false(flight.red);
  assert_string_equal(red_of(&(struct guards){"{\"major\":\"1\",\"minor\":\"29+\",\"gitVersion\":\"v1.29.3-eks\"}", GUARDS_SELF, GUARDS_ALL, false}, &flight), "preflight.old");
  assert_string_equal(tree_text(tree_get(preflight_first_red(&flight), "params"), "version"), "v1.29.3-eks");
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, true}, &flight), "preflight.no-pod-security");
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, "{\"status\":{\"resourceRules\":[{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"]}]}}", GUARDS_ALL, false}, &flight), "preflight.strangers");
  assert_string_equal(tree_text(tree_get(preflight_first_red(&flight), "params"), "rights"), "list secrets");
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_ALL, GUARDS_ALL, false}, &flight), "preflight.strangers");
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_SELF, false}, &flight), "preflight.rights");
  assert_non_null(strstr(tree_text(tree_get(preflight_first_red(&flight), "params"), "missing"), "create serviceaccounts/token"));
  /* a right on single names alone is none */
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, "{\"status\":{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"resourceNames\":[\"x\"]}]}}", false}, &flight), "preflight.rights");
}


static const char *level_of(const struct preflight *flight, const char *check) {
  TREE_EACH(line, flight->lines) if (!strcmp(tree_text_or(line, "check", ""), check)) return tree_text_or(line, "level", "");
  return "";
}

static void a_fit_cluster_is_told_line_by_line(void **state) {
  (void)state;
  struct preflight flight;
  red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, false}, &flight);
  assert_string_equal(flight.version, "v1.36.4");
  assert_string_equal(level_of(&flight, "version"), "ok");
  assert_string_equal(level_of(&flight, "pod-security"), "ok");
  assert_string_equal(level_of(&flight, "strangers"), "ok");
  assert_string_equal(level_of(&flight, "rights"), "amber");            /* the fake's account may do everything: more than is needed */
  assert_null(preflight_first_red(&flight));
}

static void without_an_install_nothing_is_written(void **state) {
  (void)state;
  struct preflight flight;
  struct err err;
  struct guards guards = {GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, true};
  fake_kube_answer(fake, guards_answer, &guards);
  assert_true(preflight_run(fake_kube_port(fake), arena, NULL, &flight, &err));
  assert_false(flight.red);
  assert_int_equal(fake_kube_asked_like(fake, "POST"), 0);
}

static void an_old_cluster_is_left_alone(void **state) {
  (void)state;
  struct preflight flight;
  red_of(&(struct guards){"{\"major\":\"1\",\"minor\":\"29\",\"gitVersion\":\"v1.29.0\"}", GUARDS_SELF, GUARDS_ALL, false}, &flight);
  assert_true(flight.red);
  assert_int_equal(fake_kube_asked_like(fake, "POST"), 0);
}

static void silence_is_no_verdict(void **state) {
  (void)state;
  struct preflight flight;
  struct err err;
  fake_kube_fault(fake, &(struct fake_fault){.away = true});
  assert_false(preflight_run(fake_kube_port(fake), arena, "0123abcd", &flight, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void a_clock_that_is_off_is_said(void **state) {
  (void)state;
  struct preflight flight;
  red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, false}, &flight);
  assert_string_equal(level_of(&flight, "clock"), "ok");
  fake_kube_fault(fake, &(struct fake_fault){.method = "POST", .path = "/token", .status = 500, .skip = 1});
  assert_string_equal(red_of(&(struct guards){GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, false}, &flight), "");
  assert_string_equal(level_of(&flight, "clock"), "");                  /* nobody told the time: no line, and labs go on */
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_would_let_learners_out_is_red, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_fit_cluster_is_told_line_by_line, set_up, tear_down),
    cmocka_unit_test_setup_teardown(without_an_install_nothing_is_written, set_up, tear_down),
    cmocka_unit_test_setup_teardown(an_old_cluster_is_left_alone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(silence_is_no_verdict, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_clock_that_is_off_is_said, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
