/* What probing finds on the embedded cluster is what that cluster says of itself: the same list from any cluster. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "cluster/ground.h"
#include "domain/capability.h"
#include "domain/shape.h"

static struct capability found[CAPABILITIES];
static const struct capability *of(const char *word) { return &found[capability_of(word, strlen(word))]; }

/* status.json beside the kubeconfig that these tests are given; NULL for a cluster that has none. */
static struct tree *told(struct arena *arena) {
  char path[600];
  char *text;
  size_t length;
  struct tree *status = NULL;
  snprintf(path, sizeof path, "%.500s", getenv("TEST_CLUSTER_KUBECONFIG"));
  char *slash = strrchr(path, '/');
  if (!slash) return NULL;
  snprintf(slash, 20, "/status.json");
  return file_read(arena, path, 1 << 20, &text, &length, NULL) && tree_parse(arena, text, length, 0, &status, NULL) ? status : NULL;
}

static void what_is_found_is_what_it_says(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct shape_site site;
  struct err err = {0};
  if (!provision_ground(&kube, arena, install, &site, &err)) fail_msg("%s %s", err.key, err.detail);
  if (!capability_look(&kube, arena, found, &err)) fail_msg("%s %s", err.key, err.detail);
  assert_int_equal(of("nodes")->can, CAN);
  assert_int_equal(of("networkpolicy")->can, CAN_LOOKING);
  capability_prove(&kube, arena, shape_people(arena, install), NULL, NULL, found);
  for (int i = 0; i < CAPABILITIES; i++) printf("%-14s %-8s %s %s\n", capability_words[i], capability_states[found[i].can], found[i].key, found[i].about);
  struct tree *status = told(arena);
  TREE_EACH(word, tree_get(status, "capabilities")) {
    if (!strcmp(word->text, "pv") || !strcmp(word->text, "rwx") || !strcmp(word->text, "admission")) continue;      /* cannot be seen from outside */
    if (of(word->text)->can != CAN) fail_msg("the cluster says %s, probing says %s (%s %s)", word->text, capability_states[of(word->text)->can], of(word->text)->key, of(word->text)->about);
  }
  if (status) {
    assert_string_equal(of("networkpolicy")->key, "can.by-policy");
    assert_string_equal(of("dns")->key, "can.by-name");
    assert_int_equal(of("userns")->can, CAN_NOT);                          /* its containerd has none */
  }
  /* nothing of the trial is left */
  struct tree *pods = NULL, *services = NULL;
  assert_true(kube_list(&kube, arena, kube_kind("Service"), shape_people(arena, install), NULL, &services, &err));
  assert_int_equal(services->count, 0);
  assert_true(kube_list(&kube, arena, kube_kind("Pod"), shape_people(arena, install), NULL, &pods, &err));
  TREE_EACH(pod, pods) assert_non_null(tree_get(tree_get(pod, "metadata"), "deletionTimestamp"));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_found_is_what_it_says)};
  if (!ground_open()) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  ground_close();
  return failed;
}
