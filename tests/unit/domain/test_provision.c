/* Provisioning on a cluster in memory: what happens when a write fails, in turn each of them; when the cluster goes; when a crash left half of it. */
#include "unit/cmocka_all.h"

#include "domain/provision.h"
#include "unit/domain/lab_house.h"

static struct house house;            /* only fake, pool and arena are used here */
static const char map_yaml[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"${name}\"}\ndata: {a: \"x-${n}\"}\n";
static const struct check_file setup[] = {{"map.yaml", map_yaml, sizeof map_yaml - 1}};
static const struct lab lab = {.id = "t", .size = "small", .pods = "restricted", .setup = setup, .setup_count = 1};
#define NS "lab-0123456789ab"
#define PEOPLE "makmal-" INSTALL "-people"

static int set_up(void **state) {
  (void)state;
  struct err err;
  memset(&house, 0, sizeof house);
  house.fake = fake_kube_new();
  house.arena = arena_new(0);
  fake_kube_answer(house.fake, house_guards, &house);
  if (!(house.pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err))) house_fail("pool", &err);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  fake_kube_free(house.fake);
  check_pool_close(house.pool);
  arena_free(house.arena);
  return 0;
}

static struct tree *params(void) {
  struct tree *map = tree_new(house.arena, TREE_MAP);
  tree_put_text(house.arena, map, "name", "notes");
  tree_put_int(house.arena, map, "n", 7);
  return map;
}

static struct shape_site ground(void) {
  struct shape_site site;
  struct err err;
  if (!provision_ground(fake_kube_port(house.fake), house.arena, INSTALL, &site, &err)) house_fail("ground", &err);
  return site;
}

static bool run(const struct shape_site *site, struct provision *out, struct err *err) {
  struct provision_job job = {.kube = fake_kube_port(house.fake), .pool = house.pool, .lab = &lab, .params = params(), .site = site, .install = INSTALL, .namespace = NS, .attempt = "a"};
  struct tree *proof;
  int64_t ends;
  return provision_run(&job, house.arena, out, &proof, &ends, err);
}

static bool nothing_remains(void) {
  return !fake_kube_find(house.fake, house.arena, "Namespace", "", NS) && !fake_kube_find(house.fake, house.arena, "ServiceAccount", PEOPLE, NS);
}

static void a_lab_takes_two_rounds_and_eight_writes(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  size_t before = fake_kube_asked(house.fake), writes = 0;
  if (!run(&site, &made, &err)) house_fail("run", &err);
  for (size_t i = before; i < fake_kube_asked(house.fake); i++) {
    const char *asked = fake_kube_asked_at(house.fake, i);
    if (strncmp(asked, "GET", 3) && !strstr(asked, "dryRun=All") && !strstr(asked, "/token")) writes++;
  }
  /* eight, the default account again by apply because the fake's controller is always first, one object of the lab */
  assert_int_equal(writes, 10);
  assert_string_equal(fake_kube_asked_at(house.fake, before), "POST /api/v1/namespaces?fieldManager=makmal");
  struct tree *map = fake_kube_find(house.fake, house.arena, "ConfigMap", NS, "notes");
  assert_string_equal(tree_text(tree_get(map, "data"), "a"), "x-7");
  assert_non_null(strstr(tree_text(tree_path(map, "metadata.annotations"), "kubectl.kubernetes.io/last-applied-configuration"), "\"annotations\":{}"));
  assert_false(tree_flag(fake_kube_find(house.fake, house.arena, "ServiceAccount", NS, "default"), "automountServiceAccountToken", true));
  assert_true(*made.token);
}

/* Whatever the cluster refuses, nothing of ours stays behind, and the next try goes well. */
static void a_write_that_is_refused_leaves_nothing_behind(void **state) {
  (void)state;
  static const struct { const char *method, *path; } writes[] = {
    {"POST", "/api/v1/namespaces?"}, {"POST", "/resourcequotas"}, {"POST", "/limitranges"}, {"POST", "/networkpolicies?fieldManager"}, {"POST", "/namespaces/" NS "/serviceaccounts"},
    {"POST", "/namespaces/" PEOPLE "/serviceaccounts?"}, {"PUT", "/roles/makmal-learner"}, {"POST", "/rolebindings?fieldManager"}, {"POST", "/serviceaccounts/" NS "/token"}, {"PATCH", "/configmaps/notes"}};
  struct shape_site site = ground();
  for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
    struct provision made;
    struct err err = {0};
    fake_kube_fault(house.fake, &(struct fake_fault){.method = writes[i].method, .path = writes[i].path, .status = 422, .message = "no such thing"});
    if (run(&site, &made, &err)) fail_msg("%s %s was not needed", writes[i].method, writes[i].path);
    assert_true(err.code == ERR_UPSTREAM || err.code == ERR_INVALID);
    assert_true(err.params > 0);
    if (!nothing_remains()) fail_msg("after %s %s something remains", writes[i].method, writes[i].path);
    fake_kube_calm(house.fake);
    if (!run(&site, &made, &err)) house_fail("second try", &err);
    if (!provision_delete(fake_kube_port(house.fake), house.arena, NS, INSTALL, &err)) house_fail("delete", &err);
    assert_true(nothing_remains());
  }
}

static void a_cluster_that_goes_away_is_not_a_failure(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  fake_kube_fault(house.fake, &(struct fake_fault){.method = "POST", .path = "/rolebindings?fieldManager", .away = true});
  assert_false(run(&site, &made, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  assert_non_null(fake_kube_find(house.fake, house.arena, "Namespace", "", NS));     /* half made: the next call completes it */
  fake_kube_calm(house.fake);
  if (!run(&site, &made, &err)) house_fail("run", &err);
  assert_non_null(fake_kube_find(house.fake, house.arena, "RoleBinding", NS, "makmal-learner"));
}

static void a_binding_before_its_role_is_sent_again(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  fake_kube_fault(house.fake, &(struct fake_fault){.method = "POST", .path = "/rolebindings?fieldManager", .status = 404, .message = "roles \"makmal-learner\" not found", .times = 2});
  if (!run(&site, &made, &err)) house_fail("run", &err);
}

static void a_namespace_of_somebody_else_is_left_alone(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" NS "\",\"labels\":{\"makmal/install\":\"other000\",\"makmal/attempt\":\"a\"}}}");
  assert_false(run(&site, &made, &err));
  assert_string_equal(err.key, "provision.taken");
  assert_non_null(fake_kube_find(house.fake, house.arena, "Namespace", "", NS));
  assert_false(provision_delete(fake_kube_port(house.fake), house.arena, NS, INSTALL, &err));
  assert_string_equal(err.key, "provision.foreign");
  assert_non_null(fake_kube_find(house.fake, house.arena, "Namespace", "", NS));
}

static void walls_that_do_not_hold_are_never_handed_out(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  house.walls_down = true;
  assert_false(run(&site, &made, &err));
  assert_string_equal(err.key, "proof.open");
  assert_true(nothing_remains());
}

static void a_proof_needs_the_right_refusal(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct tree *proof = NULL;
  struct err err;
  if (!run(&site, &made, &err)) house_fail("run", &err);
  const struct kube *kube = fake_kube_port(house.fake);
  if (!proof_run(kube, house.arena, NS, PEOPLE, made.token, &proof, &err)) house_fail("proof", &err);
  assert_int_equal(tree_int(proof, "refused", 0), tree_int(proof, "of", -1));
  static const struct { const char *path; int status; const char *message; } wrong[] = {
    {"DELETE /api/v1/namespaces/" NS "/resourcequotas/makmal", 401, "Unauthorized"},                     /* a broken token */
    {"DELETE /api/v1/namespaces/" NS "/resourcequotas/makmal", 404, "not found"},
    {"DELETE /api/v1/namespaces/" NS "/resourcequotas/makmal", 500, "cannot delete resource \"resourcequotas\""},
    {"DELETE /api/v1/namespaces/" NS "/resourcequotas/makmal", 403, "exceeded quota: makmal"},           /* another guard's text */
    {"DELETE /api/v1/namespaces/" NS "/resourcequotas/makmal", 200, ""},                                  /* a widened Role */
    {"POST /apis/apps/v1/namespaces/" NS "/deployments", 403, "exceeded quota: makmal"},                  /* a control: the quota is full */
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char method[8] = "";
    snprintf(method, sizeof method, "%.*s", (int)strcspn(wrong[i].path, " "), wrong[i].path);
    fake_kube_fault(house.fake, &(struct fake_fault){.method = method, .path = strchr(wrong[i].path, ' ') + 1, .status = wrong[i].status, .message = wrong[i].message});
    proof = NULL;
    if (proof_run(kube, house.arena, NS, PEOPLE, made.token, &proof, &err)) fail_msg("row %zu was taken for a proof", i);
    assert_string_equal(err.key, "proof.open");
    assert_non_null(proof);
    fake_kube_calm(house.fake);
  }
  fake_kube_fault(house.fake, &(struct fake_fault){.away = true});
  assert_false(proof_run(kube, house.arena, NS, PEOPLE, made.token, &proof, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void a_reset_keeps_the_walls_and_sets_up_again(void **state) {
  (void)state;
  struct shape_site site = ground();
  struct provision made;
  struct err err;
  if (!run(&site, &made, &err)) house_fail("run", &err);
  const char *uid = tree_text(tree_get(fake_kube_find(house.fake, house.arena, "ConfigMap", NS, "notes"), "metadata"), "uid");
  fake_kube_put(house.fake, "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"mine\",\"namespace\":\"" NS "\"},\"spec\":{}}");
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"mine\",\"namespace\":\"" NS "\",\"labels\":{\"makmal/platform\":\"true\"}}}");     /* a label saves nothing */
  if (!provision_reset(fake_kube_port(house.fake), house.pool, house.arena, &lab, params(), NS, &err)) house_fail("reset", &err);
  assert_null(fake_kube_find(house.fake, house.arena, "Deployment", NS, "mine"));
  assert_null(fake_kube_find(house.fake, house.arena, "Secret", NS, "mine"));
  struct tree *map = fake_kube_find(house.fake, house.arena, "ConfigMap", NS, "notes");
  assert_string_not_equal(tree_text(tree_get(map, "metadata"), "uid"), uid);
  assert_non_null(fake_kube_find(house.fake, house.arena, "ConfigMap", NS, "kube-root-ca.crt"));
  assert_non_null(fake_kube_find(house.fake, house.arena, "NetworkPolicy", NS, "makmal-wall"));
  assert_non_null(fake_kube_find(house.fake, house.arena, "Role", NS, "makmal-learner"));
}

static void motion_tells_what_is_under_way(void **state) {
  (void)state;
  static const struct { const char *json; enum provision_motion motion; } rows[] = {
    {"{\"kind\":\"Deployment\",\"spec\":{\"replicas\":1},\"status\":{\"replicas\":2,\"updatedReplicas\":1,\"readyReplicas\":2}}", MOTION_MOVING},      /* the old Pod has still to go */
    {"{\"kind\":\"Deployment\",\"spec\":{\"replicas\":1},\"status\":{\"replicas\":2,\"updatedReplicas\":1,\"readyReplicas\":1,\"unavailableReplicas\":1}}", MOTION_STILL},      /* stuck */
    {"{\"kind\":\"Deployment\",\"spec\":{\"replicas\":3},\"status\":{\"replicas\":3,\"updatedReplicas\":3,\"readyReplicas\":3}}", MOTION_STILL},
    {"{\"kind\":\"Deployment\",\"metadata\":{\"generation\":2},\"status\":{\"observedGeneration\":2}}", MOTION_STILL},
    {"{\"kind\":\"Deployment\",\"metadata\":{\"generation\":2},\"status\":{\"observedGeneration\":1}}", MOTION_MOVING},
    {"{\"kind\":\"Deployment\",\"metadata\":{\"generation\":1}}", MOTION_MOVING},
    {"{\"kind\":\"ConfigMap\",\"metadata\":{}}", MOTION_STILL},
    {"{\"kind\":\"Service\",\"metadata\":{\"deletionTimestamp\":\"x\"}}", MOTION_ENDING},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Pending\"}}", MOTION_MOVING},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\"}]}}", MOTION_STILL},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"}],\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"ContainerCreating\"}}}]}}", MOTION_MOVING},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"}],\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]}}", MOTION_STILL},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"False\"}],\"containerStatuses\":[{\"state\":{\"running\":{}}}]}}", MOTION_MOVING},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"True\"}]}}", MOTION_STILL},
    {"{\"kind\":\"Pod\",\"metadata\":{},\"status\":{\"phase\":\"Succeeded\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}}", MOTION_STILL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tree *object;
    struct err err;
    assert_true(tree_parse(house.arena, rows[i].json, strlen(rows[i].json), 0, &object, &err));
    if (provision_motion(object) != rows[i].motion) fail_msg("%s: %d, not %d", rows[i].json, provision_motion(object), rows[i].motion);
  }
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_lab_takes_two_rounds_and_eight_writes, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_write_that_is_refused_leaves_nothing_behind, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_cluster_that_goes_away_is_not_a_failure, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_binding_before_its_role_is_sent_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_namespace_of_somebody_else_is_left_alone, set_up, tear_down),
    cmocka_unit_test_setup_teardown(walls_that_do_not_hold_are_never_handed_out, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_proof_needs_the_right_refusal, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_reset_keeps_the_walls_and_sets_up_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(motion_tells_what_is_under_way, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
