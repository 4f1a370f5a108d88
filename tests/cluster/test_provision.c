/* Provisioning against a real API server: TEST_CLUSTER_KUBECONFIG names the platform's kubeconfig; without one the test fails. Figures are printed;
 * only counts and ratios are asserted. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/proof.h"
#include "domain/provision.h"
#include "cluster/ground.h"
#include "kube/kube.h"

static const char setup_yaml[] =
  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web}}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n"
  "  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - {name: web, image: nginx, ports: [{containerPort: 80}], resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {cpu: 100m, memory: 64Mi}}}\n";
static const char service_yaml[] = "apiVersion: v1\nkind: Service\nmetadata: {name: \"${name}\"}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";
static const char map_yaml[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata: {a: b}\n";
static const struct check_file with_pods[] = {{"deployment.yaml", setup_yaml, sizeof setup_yaml - 1}, {"service.yaml", service_yaml, sizeof service_yaml - 1}};
static const struct check_file without_pods[] = {{"service.yaml", service_yaml, sizeof service_yaml - 1}, {"map.yaml", map_yaml, sizeof map_yaml - 1}};
static const struct lab_check live_check = {.id = "c", .on = CHECK_SCOPE_LIVE};
static const struct lab lab_pods = {.id = "t-pods", .size = "small", .pods = "baseline", .setup = with_pods, .setup_count = 2, .checks = &live_check, .check_count = 1};
static const struct lab lab_objects = {.id = "t-objects", .size = "small", .pods = "restricted", .setup = without_pods, .setup_count = 2};

static struct tree *params(struct arena *arena) {
  struct tree *map = tree_new(arena, TREE_MAP);
  tree_put_text(arena, map, "name", "front");
  return map;
}

static void name_of(char out[32]) {
  char random[13];
  id_random(random, 12);
  snprintf(out, 32, "lab-%s", random);
}

static void must(bool ok, const struct err *err) {
  if (!ok) fail_msg("%s: %s", err->key, err->detail);
}

static struct tree *get(struct arena *arena, const char *kind, const char *namespace, const char *name) {
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind(kind), namespace, name)};
  struct tree *tree = NULL;
  return kube_call(&kube, arena, &request, &tree, NULL) ? tree : NULL;
}

static int as_learner(struct arena *arena, const char *token, const char *method, const char *path, const char *body, char message[300]) {
  struct kube_request request = {.method = method, .path = path, .body = body, .body_length = body ? strlen(body) : 0, .token = token};
  struct kube_reply reply = {0};
  struct err err;
  must(kube.send(kube.ctx, arena, &request, 1, &reply, &err), &err);
  struct tree *status = NULL;
  if (message) snprintf(message, 300, "%s", reply.answered && kube_tree(arena, &reply, &status, NULL) ? tree_text_or(status, "message", "") : "");
  return reply.status;
}

static void wait_gone(struct arena *arena, const char *namespace) {
  bool gone = false;
  for (int64_t until = mono_ms() + 60000; !gone && mono_ms() < until;) {
    struct err err;
    must(provision_gone(&kube, arena, namespace, &gone, &err), &err);
    if (!gone) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  assert_true(gone);
}

/* --- the tests ------------------------------------------------------------------------------------------------------------------------------------ */

static void a_lab_is_up_in_two_rounds_and_proven(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err;
  enum { RUNS = 8 };
  for (int i = 0; i < RUNS; i++) {
    struct provision made;
    char namespace[32];
    name_of(namespace);
    must(provision_make(&kube, pool, arena, &lab_objects, params(arena), install, namespace, &made, &err), &err);
    printf("  lab without Pods: rounds %.1f ms, status.hard %.1f ms, proof %.1f ms, set-up %.1f ms, all %.1f ms\n", (double)made.rounds_us / 1000, (double)made.hard_us / 1000,
           (double)made.proof_us / 1000, (double)made.setup_us / 1000, (double)made.ready_us / 1000);
    struct tree *quota = get(arena, "ResourceQuota", namespace, "makmal"), *account = get(arena, "ServiceAccount", namespace, "default");
    assert_true(tree_equal(tree_path(quota, "spec.hard"), tree_path(quota, "status.hard")));
    assert_false(tree_flag(account, "automountServiceAccountToken", true));
    assert_non_null(get(arena, "NetworkPolicy", namespace, "makmal-wall"));
    assert_null(get(arena, "NetworkPolicy", namespace, "makmal-front"));
    struct tree *service = get(arena, "Service", namespace, "front");
    assert_non_null(service);
    assert_string_equal(tree_text(tree_path(service, "metadata.managedFields[0]"), "manager"), "kubectl");
    assert_string_equal(tree_text(tree_path(service, "metadata.managedFields[0]"), "operation"), "Apply");
    const char *last = tree_text(tree_path(service, "metadata.annotations"), "kubectl.kubernetes.io/last-applied-configuration");
    assert_non_null(last);
    assert_non_null(strstr(last, namespace));
    must(provision_delete(&kube, arena, namespace, install, &err), &err);
  }
  arena_free(arena);
}

static void a_learner_may_do_this_and_not_that(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err;
  struct provision mine, other;
  char ns[32], ns2[32], message[300];
  name_of(ns), name_of(ns2);
  must(provision_make(&kube, pool, arena, &lab_pods, params(arena), install, ns, &mine, &err), &err);
  must(provision_make(&kube, pool, arena, &lab_objects, params(arena), install, ns2, &other, &err), &err);
  printf("  lab with 2 Pods: rounds %.1f ms, status.hard %.1f ms, proof %.1f ms, set-up %.1f ms, all %.1f ms\n", (double)mine.rounds_us / 1000, (double)mine.hard_us / 1000,
         (double)mine.proof_us / 1000, (double)mine.setup_us / 1000, (double)mine.ready_us / 1000);
  assert_non_null(get(arena, "NetworkPolicy", ns, "makmal-front"));
  const char *people = arena_printf(arena, "makmal-%s-people", install);
  const char *pod = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\",\"command\":[\"sleep\",\"3600\"]}]}}";
  const char *token_request = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{\"expirationSeconds\":600}}";
  const struct { const char *method, *path, *body; int status; const char *mark; } acts[] = {
    {"POST", "/api/v1/namespaces/NS/pods", pod, 201, ""},
    {"GET", "/api/v1/namespaces/NS/pods", NULL, 200, ""},
    {"GET", "/api/v1/namespaces/NS", NULL, 200, ""},
    {"GET", "/api/v1/namespaces/NS/secrets", NULL, 200, ""},
    {"GET", "/apis/discovery.k8s.io/v1/namespaces/NS/endpointslices", NULL, 200, ""},
    {"GET", "/apis/apps/v1/namespaces/NS/deployments/web/scale", NULL, 200, ""},
    {"GET", "/apis/storage.k8s.io/v1/storageclasses", NULL, 200, ""},
    {"GET", "/api/v1/nodes", NULL, 200, ""},                                          /* the embedded cluster: its nodes are shown */
    {"POST", "/api/v1/namespaces/NS/configmaps", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}", 201, ""},
    {"DELETE", "/api/v1/namespaces/NS/configmaps/m", NULL, 200, ""},
    {"GET", "/apis/metrics.k8s.io/v1beta1/namespaces/NS/pods", NULL, 200, ""},        /* kubectl top pods */
    {"GET", "/apis/metrics.k8s.io/v1beta1/namespaces/OTHER/pods", NULL, 403, "cannot list resource \"pods\""},
    {"GET", "/apis/metrics.k8s.io/v1beta1/nodes", NULL, 403, "cannot list resource \"nodes\""},
    {"GET", "/api/v1/namespaces", NULL, 403, "cannot list resource \"namespaces\""},
    {"GET", "/api/v1/namespaces/OTHER/pods", NULL, 403, "cannot list resource \"pods\""},
    {"GET", "/api/v1/namespaces/OTHER/secrets", NULL, 403, "cannot list resource \"secrets\""},
    {"DELETE", "/api/v1/namespaces/OTHER/services/front", NULL, 403, "cannot delete resource \"services\""},
    {"GET", "/api/v1/namespaces/PEOPLE/serviceaccounts", NULL, 403, "cannot list resource \"serviceaccounts\""},
    {"POST", "/api/v1/namespaces/PEOPLE/serviceaccounts/OTHER/token", token_request, 403, "cannot create resource \"serviceaccounts/token\""},
    {"POST", "/api/v1/namespaces/NS/serviceaccounts/default/token", token_request, 403, "cannot create resource \"serviceaccounts/token\""},
    {"PUT", "/api/v1/namespaces/NS/pods/p/ephemeralcontainers", "{}", 403, "cannot update resource \"pods/ephemeralcontainers\""},
    {"GET", "/api/v1/namespaces/NS/pods/p/proxy/", NULL, 403, "cannot get resource \"pods/proxy\""},
    {"GET", "/api/v1/namespaces/NS/services/front/proxy/", NULL, 403, "cannot get resource \"services/proxy\""},
    {"GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles", NULL, 403, "cannot list resource \"roles\""},
    {"DELETE", "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies", NULL, 403, "cannot deletecollection resource \"networkpolicies\""},
    {"DELETE", "/api/v1/namespaces/NS/limitranges/makmal", NULL, 403, "cannot delete resource \"limitranges\""},
    {"DELETE", "/api/v1/namespaces/NS", NULL, 403, "cannot delete resource \"namespaces\""},
    {"POST", "/api/v1/namespaces/NS/pods", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"q\"},\"spec\":{\"hostPID\":true,\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}", 403, "violates PodSecurity"},
    {"POST", "/api/v1/namespaces/NS/pods", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"q\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\",\"ports\":[{\"containerPort\":80,\"hostPort\":80}]}]}}", 403, "violates PodSecurity"},
    {"POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", "{\"apiVersion\":\"certificates.k8s.io/v1\",\"kind\":\"CertificateSigningRequest\",\"metadata\":{\"name\":\"q\"},\"spec\":{\"request\":\"\",\"signerName\":\"x/y\",\"usages\":[\"client auth\"]}}", 403, "cannot create resource"},
  };
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
    char path[300] = "";
    for (const char *at = acts[i].path; *at;) {
      const char *with = !strncmp(at, "NS", 2) ? ns : !strncmp(at, "OTHER", 5) ? ns2 : !strncmp(at, "PEOPLE", 6) ? people : NULL;
      size_t n = strlen(path), skip = !strncmp(at, "NS", 2) ? 2 : !strncmp(at, "OTHER", 5) ? 5 : 6;
      if (with) snprintf(path + n, sizeof path - n, "%s", with), at += skip;
      else path[n] = *at++, path[n + 1] = 0;
    }
    int status = as_learner(arena, mine.token, acts[i].method, path, acts[i].body, message);
    if (status != acts[i].status || !strstr(message, acts[i].mark)) fail_msg("%s %s: %d %s, not %d with \"%s\"", acts[i].method, path, status, message, acts[i].status, acts[i].mark);
  }
  /* the rights end with the binding and the account */
  must(provision_delete(&kube, arena, ns, install, &err), &err);
  int status = 0;
  int64_t begun = mono_ms();
  while (mono_ms() - begun < 1000 && (status = as_learner(arena, mine.token, "GET", arena_printf(arena, "/api/v1/namespaces/%s/pods", ns), NULL, NULL)) == 200) {}
  assert_true(status == 403 || status == 401);
  must(provision_delete(&kube, arena, ns2, install, &err), &err);
  arena_free(arena);
}

static void a_reset_is_quick_and_leaves_the_walls(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err;
  struct provision made;
  struct tree *start, *again;
  char ns[32];
  name_of(ns);
  must(provision_make(&kube, pool, arena, &lab_objects, params(arena), install, ns, &made, &err), &err);
  must(provision_settle(&kube, arena, ns, 20000, &start, &err), &err);
  const char *role = tree_text(tree_get(get(arena, "Role", ns, "makmal-learner"), "metadata"), "uid");
  const char *before = tree_text(tree_get(get(arena, "Service", ns, "front"), "metadata"), "uid");
  double best = 1e9;
  for (int i = 0; i < 5; i++) {
    for (int k = 0; k < 5; k++) {
      as_learner(arena, made.token, "POST", arena_printf(arena, "/api/v1/namespaces/%s/configmaps", ns),
                 arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"mine-%d\"}}", k), NULL);
    }
    int64_t begun = mono_us();
    must(provision_reset(&kube, pool, arena, &lab_objects, params(arena), ns, &err), &err);
    double ms = (double)(mono_us() - begun) / 1000;
    printf("  reset without Pods: %.1f ms\n", ms);
    if (ms < best) best = ms;
    assert_null(get(arena, "ConfigMap", ns, "mine-0"));
  }
  assert_string_not_equal(tree_text(tree_get(get(arena, "Service", ns, "front"), "metadata"), "uid"), before);
  assert_string_equal(tree_text(tree_get(get(arena, "Role", ns, "makmal-learner"), "metadata"), "uid"), role);
  assert_non_null(get(arena, "NetworkPolicy", ns, "makmal-wall"));
  assert_non_null(get(arena, "ConfigMap", ns, "kube-root-ca.crt"));
  must(provision_settle(&kube, arena, ns, 20000, &again, &err), &err);
  assert_int_equal(tree_get(start, "objects")->count, 2);
  assert_int_equal(tree_get(again, "objects")->count, 2);
  /* against deleting it and making it anew */
  int64_t begun = mono_us();
  must(provision_delete(&kube, arena, ns, install, &err), &err);
  wait_gone(arena, ns);
  name_of(ns);
  must(provision_make(&kube, pool, arena, &lab_objects, params(arena), install, ns, &made, &err), &err);
  double whole = (double)(mono_us() - begun) / 1000;
  printf("  delete and create: %.1f ms, %.0f times a reset\n", whole, whole / best);
  assert_true(whole / best >= 10);              /* deleting sleeps 5 s whatever the load, a reset does not: on a quiet machine 50 and more, which the bench gates */
  must(provision_delete(&kube, arena, ns, install, &err), &err);
  arena_free(arena);
}

static void a_reset_with_pods_ends_too(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err;
  struct provision made;
  struct tree *start;
  char ns[32];
  name_of(ns);
  must(provision_make(&kube, pool, arena, &lab_pods, params(arena), install, ns, &made, &err), &err);
  int64_t begun = mono_us();
  must(provision_settle(&kube, arena, ns, 60000, &start, &err), &err);
  printf("  two Pods settled after %.1f s\n", (double)(mono_us() - begun) / 1e6);
  int pods = 0;
  TREE_EACH(object, tree_get(start, "objects")) {
    if (strcmp(tree_text_or(object, "kind", ""), "Pod")) continue;
    pods++;
    assert_non_null(tree_text(tree_get(object, "status"), "podIP"));
    assert_non_null(tree_path(object, "status.containerStatuses[0].restartCount"));
    assert_null(tree_get(tree_get(object, "metadata"), "managedFields"));
  }
  assert_int_equal(pods, 2);
  for (int i = 0; i < 2; i++) {
    begun = mono_us();
    must(provision_reset(&kube, pool, arena, &lab_pods, params(arena), ns, &err), &err);
    printf("  reset with 2 Pods: %.2f s\n", (double)(mono_us() - begun) / 1e6);
    assert_true(mono_us() - begun < 10 * 1000000);
    must(provision_settle(&kube, arena, ns, 60000, &start, &err), &err);
  }
  must(provision_delete(&kube, arena, ns, install, &err), &err);
  arena_free(arena);
}

/* A second install on the same cluster: neither touches the other's. */
static void installs_leave_each_other_alone(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err;
  struct provision made;
  char ns[32], stranger[9];
  name_of(ns);
  id_random(stranger, 8);
  must(provision_make(&kube, pool, arena, &lab_objects, params(arena), install, ns, &made, &err), &err);
  assert_false(provision_delete(&kube, arena, ns, stranger, &err));
  assert_string_equal(err.key, "provision.foreign");
  assert_false(provision_delete(&kube, arena, "kube-system", install, &err));
  assert_string_equal(err.key, "provision.foreign");
  assert_false(provision_make(&kube, pool, arena, &lab_objects, params(arena), stranger, ns, &made, &err));       /* the name is taken */
  assert_string_equal(err.key, "provision.taken");
  assert_non_null(get(arena, "Service", ns, "front"));
  must(provision_delete(&kube, arena, ns, install, &err), &err);
  struct kube_request request = {.method = "DELETE", .path = arena_printf(arena, "/api/v1/namespaces/makmal-%s-people", stranger)};
  kube_call(&kube, arena, &request, NULL, NULL);
  const char *const kinds[] = {"clusterrolebindings", "clusterroles"};
  for (int i = 0; i < 2; i++) {
    request.path = arena_printf(arena, "/apis/rbac.authorization.k8s.io/v1/%s/makmal-%s-learner", kinds[i], stranger);
    kube_call(&kube, arena, &request, NULL, NULL);
  }
  arena_free(arena);
}

static void a_setup_that_is_refused_leaves_nothing(void **state) {
  (void)state;
  static const char bad[] = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n";
  const struct check_file file = {"bad.yaml", bad, sizeof bad - 1};
  struct lab lab = {.id = "t-bad", .size = "small", .setup = &file, .setup_count = 1};
  struct arena *arena = arena_new(0);
  struct err err;
  struct provision made;
  char ns[32];
  name_of(ns);
  assert_false(provision_make(&kube, pool, arena, &lab, params(arena), install, ns, &made, &err));
  assert_string_equal(err.key, "setup.refused");
  assert_string_equal(err.param[0].value, "Service/s");
  assert_null(get(arena, "ServiceAccount", arena_printf(arena, "makmal-%s-people", install), ns));
  wait_gone(arena, ns);
  arena_free(arena);
}

int main(void) {
  if (!ground_open()) return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_lab_is_up_in_two_rounds_and_proven),
    cmocka_unit_test(a_learner_may_do_this_and_not_that),
    cmocka_unit_test(a_reset_is_quick_and_leaves_the_walls),
    cmocka_unit_test(a_reset_with_pods_ends_too),
    cmocka_unit_test(installs_leave_each_other_alone),
    cmocka_unit_test(a_setup_that_is_refused_leaves_nothing),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  ground_close();
  return failed;
}
