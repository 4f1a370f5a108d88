/* cluster and preflight: what is read out of the embedded one's files, what the page is told, when labs are stopped. */
#include "unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/cluster.h"
#include "domain/preflight.h"
#include "fake/fake_kube.h"

static char root[64], folder[96];
static struct arena *arena;
static struct fake_kube *fake;

static int set_up(void **state) {
  (void)state;
  snprintf(root, sizeof root, "/tmp/makmal-cluster-XXXXXX");
  if (!mkdtemp(root)) return 1;
  snprintf(folder, sizeof folder, "%s/t", root);
  mkdir(folder, 0755);
  arena = arena_new(0);
  fake = fake_kube_new();
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  static const char *const names[] = {"status.json", "build.json", "server.kubeconfig"};
  char path[160];
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  rmdir(folder);
  rmdir(root);
  fake_kube_free(fake);
  arena_free(arena);
  return 0;
}

static void put(const char *name, const char *text) {
  char path[160];
  struct err err;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (!file_replace(path, text, strlen(text), 0644, &err)) fail_msg("%s", err.detail);
}
static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); }
static bool becomes(struct cluster *cluster, enum cluster_state state, struct cluster_status *out) {
  for (int i = 0; i < 600; i++, nap()) {
    cluster_status(cluster, out);
    if (out->state == state) return true;
  }
  return false;
}

static void the_embedded_one_tells_how_far_it_is(void **state) {
  (void)state;
  struct cluster *cluster;
  struct cluster_status status;
  struct err err;
  assert_true(cluster_open(&(struct cluster_spec){.name = "t", .run_root = root}, &cluster, &err));
  assert_true(becomes(cluster, CLUSTER_NONE, &status));
  assert_null(cluster_kube(cluster, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  put("build.json", "{\"schema\":1,\"program\":\"kubernetes\",\"percent\":42,\"seconds\":7,\"last\":\"k8s.io/api\"}");
  put("status.json", "{\"schema\":1,\"state\":\"building\",\"why\":\"programs and images\",\"parts\":{\"done\":0,\"total\":7},\"version\":\"v1.36.4\",\"capabilities\":[]}");
  assert_true(becomes(cluster, CLUSTER_BUILDING, &status));
  for (int i = 0; i < 100 && status.percent != 42; i++, nap()) cluster_status(cluster, &status);
  assert_int_equal(status.percent, 42);
  assert_string_equal(status.program, "kubernetes");
  put("build.json", "{\"schema\":1,\"program\":\"kubernetes\",\"percent\":0,\"seconds\":7,\"last\":\"failed\"}");
  assert_true(becomes(cluster, CLUSTER_BROKEN, &status));
  assert_string_equal(status.why, "cluster.build-failed");
  put("build.json", "{\"schema\":1,\"program\":\"kubernetes\",\"percent\":43,\"seconds\":9,\"last\":\"k8s.io/api\"}");
  assert_true(becomes(cluster, CLUSTER_BUILDING, &status));
  put("build.json", "{\"schema\":1,\"program\":\"kubernetes\",\"percent\":44,\"seconds\":9,\"last\":\"k8s.io/api\",\"at_ms\":1000}");        /* its builder was killed */
  assert_true(becomes(cluster, CLUSTER_BROKEN, &status));
  put("status.json", "{\"schema\":1,\"state\":\"starting\",\"why\":\"node\",\"parts\":{\"done\":4,\"total\":7},\"version\":\"v1.36.4\",\"capabilities\":[\"nodes\"]}");
  assert_true(becomes(cluster, CLUSTER_STARTING, &status));
  assert_int_equal(status.parts_done, 4);
  struct tree *json = cluster_json(cluster, arena);
  assert_string_equal(tree_text(json, "state"), "starting");
  assert_string_equal(tree_text(json, "why_text"), "node");
  assert_int_equal(tree_int(tree_get(json, "parts"), "of", 0), 7);
  put("status.json", "{\"schema\":1,\"state\":\"broken\",\"why\":\"etcd keeps ending\",\"version\":\"v1.36.4\"}");
  assert_true(becomes(cluster, CLUSTER_BROKEN, &status));
  put("status.json", "{\"schema\":1,\"state\":\"ready\",\"at_ms\":1000,\"version\":\"v1.36.4\"}");        /* written long ago: its supervisor is dead */
  assert_true(becomes(cluster, CLUSTER_AWAY, &status));
  put("status.json", "{\"schema\":2,\"state\":\"ready\"}");                                            /* a schema we do not know */
  assert_true(becomes(cluster, CLUSTER_NONE, &status));
  cluster_close(cluster);
}

static void a_kubeconfig_that_cannot_be_used_is_said_at_once(void **state) {
  (void)state;
  struct cluster *cluster;
  struct err err;
  char path[160];
  snprintf(path, sizeof path, "%s/none", folder);
  assert_false(cluster_open(&(struct cluster_spec){.kubeconfig = path}, &cluster, &err));
  assert_string_equal(err.key, "file.missing");
  snprintf(path, sizeof path, "%s/server.kubeconfig", folder);
  put("server.kubeconfig", "{\"apiVersion\":\"v1\",\"kind\":\"Config\",\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\",\"user\":\"u\"}}],"
                           "\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"https://127.0.0.1:1\"}}],\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"command\":\"x\"}}}]}");
  assert_false(cluster_open(&(struct cluster_spec){.kubeconfig = path}, &cluster, &err));
  assert_string_equal(err.key, "kubeconfig.exec");
}

/* --- preflight ------------------------------------------------------------------------------------------------------------------------------------- */

static _Atomic int64_t later_ms;
struct guards { const char *version, *stranger, *own; bool pods_free; };
static bool answer(void *ctx, const struct kube_request *request, int *status, char **body) {
  struct guards *guards = ctx;
  if (!strcmp(request->path, "/version")) {
    *status = 200, *body = strdup(guards->version);
    return true;
  }
  if (strstr(request->path, "selfsubjectrulesreviews")) {
    *status = 201, *body = strdup(request->token ? guards->stranger : guards->own);
    return true;
  }
  if (request->query && strstr(request->query, "dryRun=All") && !guards->pods_free) {
    *status = 403, *body = strdup("{\"kind\":\"Status\",\"message\":\"violates PodSecurity \\\"restricted\\\"\"}");
    return true;
  }
  /* preflight asks for ten seconds before it believes that a guard is missing: they pass at once */
  if (request->query && strstr(request->query, "dryRun=All")) wallclock_set_offset(0, later_ms += 11000);
  return false;
}
#define GOOD "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.4\"}"
#define ALL "{\"status\":{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}]}}"
#define SELF "{\"status\":{\"resourceRules\":[{\"verbs\":[\"create\"],\"apiGroups\":[\"authorization.k8s.io\"],\"resources\":[\"selfsubjectaccessreviews\",\"selfsubjectrulesreviews\"]}]}}"

static const char *red_of(struct guards *guards, struct preflight *out) {
  struct err err;
  fake_kube_answer(fake, answer, guards);
  if (!preflight_run(fake_kube_port(fake), arena, "0123abcd", out, &err)) fail_msg("%s %s", err.key, err.detail);
  const struct tree *line = preflight_first_red(out);
  return line ? tree_text(line, "key") : "";
}

static void what_would_let_learners_out_is_red(void **state) {
  (void)state;
  struct preflight flight;
  assert_string_equal(red_of(&(struct guards){GOOD, SELF, ALL, false}, &flight), "");
  assert_false(flight.red);
  assert_string_equal(red_of(&(struct guards){"{\"major\":\"1\",\"minor\":\"29+\",\"gitVersion\":\"v1.29.3-eks\"}", SELF, ALL, false}, &flight), "preflight.old");
  assert_string_equal(tree_text(tree_get(preflight_first_red(&flight), "params"), "version"), "v1.29.3-eks");
  assert_string_equal(red_of(&(struct guards){GOOD, SELF, ALL, true}, &flight), "preflight.no-pod-security");
  assert_string_equal(red_of(&(struct guards){GOOD, "{\"status\":{\"resourceRules\":[{\"verbs\":[\"list\"],\"apiGroups\":[\"\"],\"resources\":[\"secrets\"]}]}}", ALL, false}, &flight), "preflight.strangers");
  assert_string_equal(tree_text(tree_get(preflight_first_red(&flight), "params"), "rights"), "list secrets");
  assert_string_equal(red_of(&(struct guards){GOOD, ALL, ALL, false}, &flight), "preflight.strangers");
  assert_string_equal(red_of(&(struct guards){GOOD, SELF, SELF, false}, &flight), "preflight.rights");
  assert_non_null(strstr(tree_text(tree_get(preflight_first_red(&flight), "params"), "missing"), "create serviceaccounts/token"));
  /* a right on single names alone is none */
  assert_string_equal(red_of(&(struct guards){GOOD, SELF, "{\"status\":{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"],\"resourceNames\":[\"x\"]}]}}", false}, &flight), "preflight.rights");
}

static atomic_int readies;
static void on_ready(void *ctx) { (void)ctx; readies++; }

static void red_keeps_learners_out_until_it_is_mended(void **state) {
  (void)state;
  struct guards guards = {GOOD, SELF, ALL, true};
  struct cluster *cluster;
  struct cluster_status status;
  struct err err;
  readies = 0;
  fake_kube_answer(fake, answer, &guards);
  assert_true(cluster_open(&(struct cluster_spec){.kube = fake_kube_port(fake), .install = "0123abcd"}, &cluster, &err));
  cluster_on_ready(cluster, on_ready, &readies);
  assert_true(becomes(cluster, CLUSTER_READY, &status));
  for (int i = 0; i < 30; i++) nap();
  cluster_status(cluster, &status);
  assert_true(status.own_red);
  assert_string_equal(status.why, "preflight.no-pod-security");
  assert_int_equal(readies, 0);
  assert_true(tree_flag(cluster_json(cluster, arena), "red", false));
  guards.pods_free = false;
  wallclock_set_offset(0, later_ms += 60000);
  cluster_on_ready(cluster, NULL, NULL);                       /* looks at once */
  for (int i = 0; i < 500 && !readies; i++) nap();
  assert_int_equal(readies, 1);
  cluster_status(cluster, &status);
  assert_false(status.own_red);
  /* away and back: told again */
  fake_kube_fault(fake, &(struct fake_fault){.away = true});
  wallclock_set_offset(0, later_ms += 60000);
  cluster_on_ready(cluster, NULL, NULL);
  assert_true(becomes(cluster, CLUSTER_AWAY, &status));
  fake_kube_calm(fake);
  cluster_on_ready(cluster, NULL, NULL);
  for (int i = 0; i < 500 && readies < 2; i++) nap();
  assert_int_equal(readies, 2);
  wallclock_set_offset(0, 0);
  cluster_close(cluster);
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_embedded_one_tells_how_far_it_is, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_kubeconfig_that_cannot_be_used_is_said_at_once, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_would_let_learners_out_is_red, set_up, tear_down),
    cmocka_unit_test_setup_teardown(red_keeps_learners_out_until_it_is_mended, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
