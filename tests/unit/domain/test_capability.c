/* capability: what is read out of a cluster's answers, and what a trial with Pods proves and does not. */
#include "unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/capability.h"
#include "fake/fake_kube.h"

#define SPACE "makmal-0123abcd-people"
static struct arena *arena;
static struct fake_kube *fake;
static struct capability found[CAPABILITIES];

static int set_up(void **state) {
  (void)state;
  arena = arena_new(0);
  fake = fake_kube_new();
  memset(found, 0, sizeof found);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  fake_kube_free(fake);
  arena_free(arena);
  return 0;
}

static const struct capability *of(const char *word) { return &found[capability_of(word, strlen(word))]; }
#define IS(word, state, why) do { assert_string_equal(capability_states[of(word)->can], capability_states[state]); assert_string_equal(of(word)->key, why); } while (0)

/* --- by asking ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Lists by a piece of the path; what is not here is answered 404, as an API that is not there. */
struct lists { const char *piece[8], *body[8]; int status[8]; };
static bool list_answer(void *ctx, const struct kube_request *request, int *status, char **body) {
  struct lists *lists = ctx;
  for (int i = 0; i < 8 && lists->piece[i]; i++) {
    if (!strstr(request->path, lists->piece[i])) continue;
    *status = lists->status[i] ? lists->status[i] : 200;
    *body = strdup(lists->body[i]);
    return true;
  }
  *status = 404, *body = strdup("{\"kind\":\"Status\"}");
  return true;
}
static void look(struct lists *lists) {
  struct err err;
  fake_kube_answer(fake, list_answer, lists);
  if (!capability_look(fake_kube_port(fake), arena, found, &err)) fail_msg("%s %s", err.key, err.detail);
}
#define LIST(items) "{\"items\":[" items "]}"
#define NODE(spec, ready) "{\"metadata\":{\"name\":\"n\"},\"spec\":{" spec "},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\"}]}}"
#define CLASS(name, notes, more) "{\"metadata\":{\"name\":\"" name "\",\"annotations\":{" notes "}}," more "}"
#define DEFAULT_STORAGE "\"storageclass.kubernetes.io/is-default-class\":\"true\""

static void every_word_has_its_place(void **state) {
  (void)state;
  char words[200] = "";
  for (int i = 0; i < CAPABILITIES; i++) {
    snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", i ? " " : "", capability_words[i]);
    assert_int_equal(capability_of(capability_words[i], strlen(capability_words[i])), i);
  }
  assert_string_equal(words, CAPABILITY_WORDS);
  assert_int_equal(capability_of("node", 4), -1);
}

static void a_bare_cluster_has_nothing(void **state) {
  (void)state;
  look(&(struct lists){{"/v1/nodes"}, {LIST("")}, {0}});
  IS("nodes", CAN_NOT, "can.no-node");
  IS("metrics", CAN_NOT, "can.no-metrics");
  IS("ingress", CAN_NOT, "can.no-ingress");
  IS("storage", CAN_NOT, "can.no-storage");
  IS("rwx", CAN_NOT, "can.no-storage");
  IS("networkpolicy", CAN_LOOKING, "can.looking");
  IS("pv", CAN_NOT, "can.not-offered");
  IS("nfs", CAN_UNKNOWN, "can.unseen-nfs");
}

static void a_node_counts_when_ordinary_pods_may_go_there(void **state) {
  (void)state;
  look(&(struct lists){{"/v1/nodes"}, {LIST(NODE("", "True"))}, {0}});
  IS("nodes", CAN, "can.by-node");
  look(&(struct lists){{"/v1/nodes"}, {LIST(NODE("", "False"))}, {0}});
  IS("nodes", CAN_NOT, "can.no-node");
  look(&(struct lists){{"/v1/nodes"}, {LIST(NODE("\"unschedulable\":true", "True"))}, {0}});
  IS("nodes", CAN_NOT, "can.no-node");
  look(&(struct lists){{"/v1/nodes"}, {LIST(NODE("\"taints\":[{\"key\":\"a\",\"effect\":\"NoSchedule\"}]", "True"))}, {0}});
  IS("nodes", CAN_NOT, "can.no-node");
  look(&(struct lists){{"/v1/nodes"}, {LIST(NODE("\"taints\":[{\"key\":\"a\",\"effect\":\"PreferNoSchedule\"}]", "True"))}, {0}});
  IS("nodes", CAN, "can.by-node");
}

static void metrics_count_when_they_tell_something(void **state) {
  (void)state;
  look(&(struct lists){{"/metrics.k8s.io/"}, {LIST("{\"usage\":{\"cpu\":\"1\"}}")}, {0}});
  IS("metrics", CAN, "can.by-metrics");
  look(&(struct lists){{"/metrics.k8s.io/"}, {LIST("")}, {0}});
  IS("metrics", CAN_NOT, "can.metrics-empty");
  look(&(struct lists){{"/metrics.k8s.io/"}, {"{\"kind\":\"Status\"}"}, {503}});          /* registered, its server is dead */
  IS("metrics", CAN_NOT, "can.no-metrics");
  look(&(struct lists){{"/metrics.k8s.io/"}, {"{\"kind\":\"Status\"}"}, {403}});
  IS("metrics", CAN_UNKNOWN, "can.refused");
}

static void ingress_names_its_classes(void **state) {
  (void)state;
  look(&(struct lists){{"/ingressclasses"}, {LIST(CLASS("a", "", "\"spec\":{\"controller\":\"x/a\"}") "," CLASS("b", "", "\"spec\":{\"controller\":\"x/b\"}"))}, {0}});
  IS("ingress", CAN, "can.by-ingress");
  assert_string_equal(of("ingress")->about, "a, b");
  assert_string_equal(of("ingress")->name, "a");                                          /* what labs then name it by */
  look(&(struct lists){{"/ingressclasses"}, {LIST(CLASS("a", "\"ingressclass.kubernetes.io/is-default-class\":\"true\"", "\"spec\":{\"controller\":\"x/a\"}"))}, {0}});
  IS("ingress", CAN, "can.by-ingress-default");
  assert_string_equal(of("ingress")->about, "a (a)");
  look(&(struct lists){{"/ingressclasses"}, {LIST(CLASS("b", "", "\"spec\":{\"controller\":\"x/b\"}") "," CLASS("a", "\"ingressclass.kubernetes.io/is-default-class\":\"true\"", "\"spec\":{\"controller\":\"x/a\"}"))}, {0}});
  assert_string_equal(of("ingress")->name, "a");
  look(&(struct lists){{"/ingressclasses"}, {LIST(CLASS("a", "", "\"spec\":{}"))}, {0}});           /* nobody serves it */
  IS("ingress", CAN_NOT, "can.no-ingress");
}

static void storage_wants_a_default_that_provisions(void **state) {
  (void)state;
  look(&(struct lists){{"/storageclasses"}, {LIST(CLASS("fast", DEFAULT_STORAGE, "\"provisioner\":\"ebs.csi.aws.com\""))}, {0}});
  IS("storage", CAN, "can.by-storage");
  assert_string_equal(of("storage")->about, "fast (ebs.csi.aws.com)");
  IS("rwx", CAN_UNKNOWN, "can.rwx-unknown");                                              /* it may, it may not: nobody says */
  look(&(struct lists){{"/storageclasses"}, {LIST(CLASS("fast", "", "\"provisioner\":\"ebs.csi.aws.com\""))}, {0}});
  IS("storage", CAN_NOT, "can.no-default-storage");
  look(&(struct lists){{"/storageclasses"}, {LIST(CLASS("hand", DEFAULT_STORAGE, "\"provisioner\":\"kubernetes.io/no-provisioner\""))}, {0}});
  IS("storage", CAN_NOT, "can.no-storage");
  look(&(struct lists){{"/storageclasses"}, {LIST(CLASS("all", "", "\"provisioner\":\"rook-ceph.cephfs.csi.ceph.com\"") "," CLASS("fast", DEFAULT_STORAGE, "\"provisioner\":\"x/y\""))}, {0}});
  IS("storage", CAN, "can.by-storage");
  IS("rwx", CAN, "can.by-rwx");
  look(&(struct lists){{"/storageclasses"}, {"{\"kind\":\"Status\"}"}, {403}});
  IS("storage", CAN_UNKNOWN, "can.refused");
  IS("rwx", CAN_UNKNOWN, "can.refused");
}

static void names_and_controllers_are_seen_at_work(void **state) {
  (void)state;
  look(&(struct lists){{"/endpointslices", "/replicasets"}, {LIST("{\"endpoints\":[{\"conditions\":{\"ready\":true}}]}"), LIST("{\"metadata\":{\"name\":\"s\"},\"status\":{\"observedGeneration\":1}}")}, {0}});
  IS("dns", CAN, "can.by-dns");
  IS("controllers", CAN, "can.by-replicaset");
  look(&(struct lists){{"/endpointslices", "/replicasets"}, {LIST("{\"endpoints\":[{\"conditions\":{\"ready\":false}}]}"), LIST("{\"metadata\":{\"name\":\"s\"},\"status\":{\"replicas\":0}}")}, {0}});
  IS("dns", CAN_LOOKING, "can.looking");
  IS("controllers", CAN_LOOKING, "can.looking");
}

static void silence_decides_nothing(void **state) {
  (void)state;
  struct err err;
  fake_kube_fault(fake, &(struct fake_fault){.away = true});
  assert_false(capability_look(fake_kube_port(fake), arena, found, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
}

/* --- by trying ---------------------------------------------------------------------------------------------------------------------------------------- */

/* A world with a network: Pods run or not, and what the asking Pod prints depends on whether a policy is there. */
struct world { bool runs, enforced, dead_after, names, node_port, acts, mapped; const char *waits; bool was_denied; };
static bool world_answer(void *ctx, const struct kube_request *request, int *status, char **body) {
  struct world *world = ctx;
  char text[400];
  if (strstr(request->path, "/log")) {
    bool denied = fake_kube_count(fake, "NetworkPolicy", SPACE) > 0, shut = (denied && world->enforced) || (world->was_denied && world->dead_after);
    if (strstr(request->path, "userns")) snprintf(text, sizeof text, "%s\n", world->mapped ? "         0      65536      65536" : "         0          0 4294967295");
    else snprintf(text, sizeof text, "ip=%d name=%d node=%d \nip=%d name=%d node=%d \n", !shut, !shut && world->names, world->node_port, !shut, !shut && world->names, world->node_port);
    if (denied) world->was_denied = true;
    *status = 200, *body = strdup(text);
    return true;
  }
  if (!strcmp(request->method, "GET") && strstr(request->path, "/pods/makmal-probe")) {
    const char *name = strrchr(request->path, '/') + 1;
    if (!fake_kube_find(fake, arena, "Pod", SPACE, name)) return false;
    if (world->runs) snprintf(text, sizeof text, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\"},\"status\":{\"phase\":\"Running\"}}", name);
    else snprintf(text, sizeof text, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\"},\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"state\":{\"waiting\":{\"reason\":\"%s\"}}}]}}", name, world->waits);
    *status = 200, *body = strdup(text);
    return true;
  }
  if (!strcmp(request->method, "GET") && strstr(request->path, "/deployments/")) {
    *status = 200, *body = strdup(world->acts ? "{\"status\":{\"observedGeneration\":1}}" : "{\"status\":{}}");
    return true;
  }
  if (!strcmp(request->method, "POST") && strstr(request->path, "/services")) {
    *status = 201, *body = strdup("{\"kind\":\"Service\",\"spec\":{\"clusterIP\":\"10.96.0.99\",\"ports\":[{\"port\":8080,\"nodePort\":30555}]}}");
    return true;
  }
  return false;
}

/* Time runs fast: every look of the trial is followed by a pause of half a second, which here takes far longer than it lasts. */
static atomic_bool hurrying;
static int64_t hurried;
static bool hurry(void *ctx) {
  (void)ctx;
  if (hurrying) wallclock_set_offset(0, hurried += 4000);
  return false;
}
static void prove(struct world *world) {
  for (int i = 0; i < CAPABILITIES; i++) found[i] = (struct capability){.can = CAN_LOOKING};
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" SPACE "\"}}");
  fake_kube_answer(fake, world_answer, world);
  capability_prove(fake_kube_port(fake), arena, SPACE, hurry, NULL, found);
}
static void nothing_is_left(void) {
  assert_int_equal(fake_kube_count(fake, "Pod", SPACE), 0);
  assert_int_equal(fake_kube_count(fake, "NetworkPolicy", SPACE), 0);
  assert_int_equal(fake_kube_count(fake, "Deployment", SPACE), 0);
  assert_true(fake_kube_asked_like(fake, "DELETE /api/v1/namespaces/" SPACE "/services/makmal-probe-server") >= 1);
}

static void a_policy_counts_when_it_was_seen_to_refuse_and_to_let_go(void **state) {
  (void)state;
  prove(&(struct world){.runs = true, .enforced = true, .names = true, .node_port = true, .acts = true, .mapped = true});
  IS("networkpolicy", CAN, "can.by-policy");
  IS("nodeport", CAN, "can.by-nodeport");
  IS("dns", CAN, "can.by-name");
  IS("controllers", CAN, "can.by-controller");
  IS("userns", CAN, "can.by-userns");
  assert_string_equal(of("metrics")->key, "");                            /* not its to decide */
  nothing_is_left();
}

static void a_policy_that_refuses_nothing_is_none(void **state) {
  (void)state;
  hurrying = true;
  prove(&(struct world){.runs = true, .acts = true});
  hurrying = false;
  IS("networkpolicy", CAN_NOT, "can.no-policy");
  IS("nodeport", CAN_NOT, "can.no-nodeport");
  IS("dns", CAN_NOT, "can.no-name");
  IS("userns", CAN_NOT, "can.no-userns");
  nothing_is_left();
}

static void a_pod_that_merely_fell_silent_proves_nothing(void **state) {
  (void)state;
  hurrying = true;
  prove(&(struct world){.runs = true, .enforced = true, .dead_after = true, .names = true, .node_port = true, .acts = true});
  hurrying = false;
  IS("networkpolicy", CAN_UNKNOWN, "can.policy-odd");
  nothing_is_left();
}

static void where_no_pod_runs_it_cannot_be_told(void **state) {
  (void)state;
  prove(&(struct world){.waits = "ImagePullBackOff"});                    /* final: nobody waits a minute for it */
  IS("networkpolicy", CAN_UNKNOWN, "can.no-pod");
  assert_string_equal(of("networkpolicy")->about, "ImagePullBackOff");
  IS("nodeport", CAN_UNKNOWN, "can.no-pod");
  IS("dns", CAN_UNKNOWN, "can.no-pod");
  nothing_is_left();
}

static void what_the_cluster_refuses_is_quoted(void **state) {
  (void)state;
  fake_kube_fault(fake, &(struct fake_fault){.method = "POST", .path = "/pods", .status = 403, .message = "exceeded quota: none"});
  hurrying = true;
  prove(&(struct world){.runs = true});
  hurrying = false;
  IS("networkpolicy", CAN_UNKNOWN, "can.no-pod");
  assert_non_null(strstr(of("networkpolicy")->about, "exceeded quota: none"));
  IS("controllers", CAN_NOT, "can.no-controller");
  nothing_is_left();
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(every_word_has_its_place, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_bare_cluster_has_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_node_counts_when_ordinary_pods_may_go_there, set_up, tear_down),
    cmocka_unit_test_setup_teardown(metrics_count_when_they_tell_something, set_up, tear_down),
    cmocka_unit_test_setup_teardown(ingress_names_its_classes, set_up, tear_down),
    cmocka_unit_test_setup_teardown(storage_wants_a_default_that_provisions, set_up, tear_down),
    cmocka_unit_test_setup_teardown(names_and_controllers_are_seen_at_work, set_up, tear_down),
    cmocka_unit_test_setup_teardown(silence_decides_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_policy_counts_when_it_was_seen_to_refuse_and_to_let_go, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_policy_that_refuses_nothing_is_none, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_pod_that_merely_fell_silent_proves_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(where_no_pod_runs_it_cannot_be_told, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_the_cluster_refuses_is_quoted, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
