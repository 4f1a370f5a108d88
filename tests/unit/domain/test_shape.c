/* The tables of isolation, compared with each other: what the design promises about quota, limits and the learner's Role. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/shape.h"

/* Kubernetes quantities as they stand in the tables, in thousandths. */
static double amount(const char *text) {
  static const struct { const char *unit; double of; } units[] = {{"", 1000}, {"m", 1}, {"Ki", 1024e3}, {"Mi", 1048576e3}, {"Gi", 1073741824e3}};
  char *unit;
  double n = strtod(text, &unit);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) if (!strcmp(unit, units[i].unit)) return n * units[i].of;
  fail_msg("quantity %s", text);
  return 0;
}

static const char *quota_of(const char *resource, int size) {
  for (const struct shape_quota *row = shape_quotas; row->resource; row++) if (!strcmp(row->resource, resource)) return row->amount[size];
  return NULL;
}

static bool word_in(const char *words, const char *word) {
  size_t length = strlen(word);
  for (const char *at = words; *at; at += strcspn(at, " "), at += strspn(at, " ")) if (strcspn(at, " ") == length && !strncmp(at, word, length)) return true;
  return false;
}

static void as_many_pods_as_allowed_fit_with_their_defaults(void **state) {
  (void)state;
  for (int size = 0; size < SHAPE_SIZES; size++) {
    double pods = amount(quota_of("pods", size)) / 1000;
    for (const struct shape_limit *limit = shape_limits; limit->resource; limit++) {
      char name[64];
      snprintf(name, sizeof name, "limits.%s", limit->resource);
      if (quota_of(name, size)) assert_true(pods * amount(limit->limit) <= amount(quota_of(name, size)));
      snprintf(name, sizeof name, "requests.%s", limit->resource);
      if (quota_of(name, size)) assert_true(pods * amount(limit->request) <= amount(quota_of(name, size)));
      assert_true(amount(limit->request) <= amount(limit->limit));
      if (limit->most[size]) assert_true(amount(limit->limit) <= amount(limit->most[size]));
    }
    assert_true(amount(quota_of("pods", size)) <= amount(quota_of("count/pods", size)));
  }
}

/* Else a Pod that does not name it is refused: "must specify limits.x". */
static void every_counted_resource_of_a_container_has_a_default(void **state) {
  (void)state;
  for (const struct shape_quota *row = shape_quotas; row->resource; row++) {
    const char *resource = !strncmp(row->resource, "limits.", 7) ? row->resource + 7 : !strncmp(row->resource, "requests.", 9) ? row->resource + 9 : NULL;
    if (!resource || !strcmp(resource, "storage")) continue;            /* of claims */
    bool found = false;
    for (const struct shape_limit *limit = shape_limits; limit->resource; limit++) if (!strcmp(limit->resource, resource)) found = *limit->limit && *limit->request;
    if (!found) fail_msg("%s has no default", row->resource);
  }
}

static void every_kind_a_learner_can_make_is_counted(void **state) {
  (void)state;
  for (const struct shape_rule *rule = shape_rules; rule->resources; rule++) {
    if (!word_in(rule->verbs, "create")) continue;
    char resources[200], *save;
    snprintf(resources, sizeof resources, "%s", rule->resources);
    for (char *resource = strtok_r(resources, " ", &save); resource; resource = strtok_r(NULL, " ", &save)) {
      if (strchr(resource, '/')) continue;                              /* exec and the like store nothing */
      char line[128];
      snprintf(line, sizeof line, "count/%s%s%s", resource, *rule->group ? "." : "", rule->group);
      for (int size = 0; size < SHAPE_SIZES; size++) if (!quota_of(line, size)) fail_msg("the Role lets learners make %s, the quota has no %s", resource, line);
    }
  }
}

static void the_role_holds_nothing_that_opens_a_wall(void **state) {
  (void)state;
  static const struct { const char *group, *resource, *verbs; } never[] = {
    {"", "serviceaccounts/token", "create"}, {"", "pods/ephemeralcontainers", "update patch"}, {"", "pods/proxy", "get create"}, {"", "services/proxy", "get create"}, {"", "nodes/proxy", "get"},
    {"", "endpoints", "create update patch delete"}, {"discovery.k8s.io", "endpointslices", "create update patch delete"}, {"", "namespaces", "list watch create update patch delete"},
    {"", "resourcequotas", "create update patch delete"}, {"", "limitranges", "create update patch delete"}, {"", "serviceaccounts", "create update patch delete impersonate"},
    {"networking.k8s.io", "networkpolicies", "create update patch delete deletecollection"}, {"", "persistentvolumes", "create update patch delete"},
    {"rbac.authorization.k8s.io", "roles", "get create bind escalate"}, {"rbac.authorization.k8s.io", "rolebindings", "get create"}, {"coordination.k8s.io", "leases", "get"}};
  const struct shape_rule *tables[] = {shape_rules, shape_rules_wide, shape_rules_own};
  for (size_t t = 0; t < 3; t++) {
    for (const struct shape_rule *rule = tables[t]; rule->resources; rule++) {
      assert_null(strchr(rule->group, '*'));
      assert_null(strchr(rule->resources, '*'));
      assert_null(strchr(rule->verbs, '*'));
      assert_false(word_in(rule->verbs, "impersonate") || word_in(rule->verbs, "bind") || word_in(rule->verbs, "escalate"));
      if (t > 0) assert_false(word_in(rule->verbs, "create") || word_in(rule->verbs, "update") || word_in(rule->verbs, "patch") || word_in(rule->verbs, "delete"));
      for (size_t n = 0; n < sizeof never / sizeof *never; n++) {
        if (strcmp(never[n].group, rule->group) || !word_in(rule->resources, never[n].resource)) continue;
        char verbs[100], *save;
        snprintf(verbs, sizeof verbs, "%s", never[n].verbs);
        for (char *verb = strtok_r(verbs, " ", &save); verb; verb = strtok_r(NULL, " ", &save)) {
          if (word_in(rule->verbs, verb)) fail_msg("learners may %s %s", verb, never[n].resource);
        }
      }
    }
  }
}

static void what_is_written_is_json_and_marked_as_the_platforms(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  char *fronts[] = {"10.0.0.1/32", "10.244.0.0/31"};
  struct shape_site site = {.minor = "v1.36", .fronts = fronts, .front_count = 2, .embedded = true};
  struct lab_check check = {.on = CHECK_SCOPE_BOTH};
  struct lab lab = {.id = "l", .size = "medium", .pods = "baseline", .checks = &check, .check_count = 1};
  struct shape shape;
  struct err err;
  assert_true(shape_of(&lab, &shape, &err));
  assert_true(shape.front && shape.baseline);
  shape.install = "0123abcd", shape.namespace = "lab-0123456789ab", shape.attempt = "a", shape.site = &site;
  struct shape_write writes[SHAPE_WRITES];
  size_t n = shape_objects(arena, &shape, writes);
  assert_int_equal(n, 8);                                                  /* seven and the front, which this lab needs */
  assert_string_equal(writes[n - 1].what, "RoleBinding");
  for (size_t i = 0; i < n; i++) {
    struct tree *object;
    if (!tree_parse(arena, writes[i].body, strlen(writes[i].body), 0, &object, &err)) fail_msg("%s: %s", writes[i].what, err.detail);
    assert_string_equal(tree_text(object, "kind"), writes[i].what);
    assert_non_null(tree_get(tree_path(object, "metadata.labels"), "makmal/platform"));
    assert_true(!strcmp(writes[i].method, "PUT") == !strcmp(writes[i].what, "Role"));
  }
  struct shape_write space = shape_namespace(arena, &shape);
  struct tree *object;
  assert_true(tree_parse(arena, space.body, strlen(space.body), 0, &object, &err));
  assert_string_equal(tree_text(tree_path(object, "metadata.labels"), "pod-security.kubernetes.io/enforce"), "baseline");
  assert_string_equal(tree_text(tree_path(object, "metadata.labels"), "pod-security.kubernetes.io/enforce-version"), "v1.36");
  struct shape_write ground[3];
  assert_int_equal(shape_ground(arena, "0123abcd", &site, ground), 3);
  for (int i = 0; i < 3; i++) assert_true(tree_parse(arena, ground[i].body, strlen(ground[i].body), 0, &object, &err));
  lab.size = "huge";
  assert_false(shape_of(&lab, &shape, &err));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(as_many_pods_as_allowed_fit_with_their_defaults),
    cmocka_unit_test(every_counted_resource_of_a_container_has_a_default),
    cmocka_unit_test(every_kind_a_learner_can_make_is_counted),
    cmocka_unit_test(the_role_holds_nothing_that_opens_a_wall),
    cmocka_unit_test(what_is_written_is_json_and_marked_as_the_platforms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
