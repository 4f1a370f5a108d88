/* cluster: what is read out of the embedded one's files, what the page is told, when labs are stopped, what a cluster is known to be able to do. */
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
#include "fake/fake_guards.h"
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

static enum can has(struct cluster *cluster, const char *word, const char *with) {
  struct cluster_status status;
  cluster_status(cluster, &status);
  const struct capability *one = &status.can[capability_of(word, strlen(word))];
  if (with) assert_string_equal(one->about, with);
  return one->can;
}
static bool turns(struct cluster *cluster, const char *word, enum can can) {
  for (int i = 0; i < 600; i++, nap()) if (has(cluster, word, NULL) == can) return true;
  return false;
}
#define READY(at, can, coming) "{\"schema\":1,\"state\":\"ready\",\"at_ms\":" at ",\"version\":\"v1.36.4\",\"parts\":{\"done\":7,\"total\":9},\"capabilities\":[" can "],\"coming\":{" coming "}," \
                               "\"processes\":[{\"name\":\"etcd\",\"kind\":\"process\",\"version\":\"3.6.1\",\"rss_kib\":2048,\"gives\":[]}]}"

static void words_come_while_the_cluster_is_used(void **state) {
  (void)state;
  struct cluster *cluster;
  struct cluster_status status;
  struct cluster_lack lack;
  struct err err;
  static const char *const need[] = {"nodes", "metrics", "ingress"};
  char told[64], text[800];
  put("status.json", "{\"schema\":1,\"state\":\"starting\",\"why\":\"node\",\"capabilities\":[],\"coming\":{\"metrics\":\"metrics-server\"}}");
  assert_true(cluster_open(&(struct cluster_spec){.name = "t", .run_root = root}, &cluster, &err));
  assert_true(turns(cluster, "nodes", CAN_LOOKING));                       /* nobody knows yet */
  assert_int_equal(has(cluster, "metrics", "metrics-server"), CAN_COMING);
  snprintf(told, sizeof told, "%lld", (long long)wall_ms());
  snprintf(text, sizeof text, READY("%s", "\"nodes\",\"odd\"", "\"metrics\":\"metrics-server\",\"ingress\":\"traefik\""), told);
  put("status.json", text);
  assert_true(turns(cluster, "nodes", CAN));
  assert_int_equal(has(cluster, "pv", NULL), CAN_NOT);
  cluster_status(cluster, &status);
  assert_int_equal(cluster_lacks(&status, need, 1, &lack), CAN);
  assert_null(cluster_lack_key(lack.can));
  assert_int_equal(cluster_lacks(&status, need, 3, &lack), CAN_COMING);
  assert_string_equal(lack.words, "metrics, ingress");
  assert_string_equal(lack.with, "metrics-server, traefik");
  assert_string_equal(cluster_lack_key(lack.can), "lab.needs-coming");
  static const char *const never[] = {"metrics", "pv"};                    /* what will never come is the reason, not what is late */
  assert_int_equal(cluster_lacks(&status, never, 2, &lack), CAN_NOT);
  assert_string_equal(lack.words, "pv");
  struct tree *json = cluster_json(cluster, arena);
  assert_string_equal(tree_text(tree_path(json, "lacking.metrics"), "state"), "coming");
  assert_string_equal(tree_text(tree_path(json, "lacking.metrics"), "with"), "metrics-server");
  assert_string_equal(tree_at_index(tree_get(json, "capabilities"), 0)->text, "nodes");
  assert_null(tree_get(json, "processes"));                                /* they change all the time and are for staff */
  assert_string_equal(tree_text(tree_at_index(cluster_parts(cluster, arena), 0), "version"), "3.6.1");
  /* its build is told although the cluster is used already; when it fails nothing comes any more */
  put("build.json", "{\"schema\":1,\"program\":\"traefik\",\"percent\":41,\"seconds\":7,\"last\":\"x\"}");
  for (int i = 0; i < 600 && status.percent != 41; i++, nap()) cluster_status(cluster, &status);
  assert_string_equal(status.program, "traefik");
  put("build.json", "{\"schema\":1,\"program\":\"traefik\",\"percent\":0,\"seconds\":7,\"last\":\"failed\"}");
  assert_true(turns(cluster, "ingress", CAN_NOT));
  cluster_status(cluster, &status);
  assert_string_equal(status.can[capability_of("ingress", 7)].key, "can.build-failed");
  assert_string_equal(status.program, "");
  snprintf(text, sizeof text, READY("%s", "\"nodes\",\"metrics\"", ""), told);
  put("status.json", text);
  assert_true(turns(cluster, "metrics", CAN));
  /* what the machine keeps from it, with the reason; a word that it has after all counts */
  snprintf(text, sizeof text, "{\"schema\":1,\"state\":\"ready\",\"at_ms\":%s,\"capabilities\":[\"nodes\",\"networkpolicy\"],\"lacks\":{\"nfs\":\"no NFS client\",\"networkpolicy\":\"earlier\"}}", told);
  put("status.json", text);
  assert_true(turns(cluster, "metrics", CAN_NOT));
  assert_int_equal(has(cluster, "nfs", "no NFS client"), CAN_NOT);
  assert_int_equal(has(cluster, "networkpolicy", ""), CAN);
  cluster_status(cluster, &status);
  assert_string_equal(status.can[capability_of("nfs", 3)].key, "can.no-nfs");
  put("status.json", "{\"schema\":1,\"state\":\"stopped\",\"capabilities\":[]}");
  assert_true(turns(cluster, "nodes", CAN_NOT));
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

/* --- preflight, as the cluster tells it (what it finds: test_preflight.c) --------------------------------------------------------------------- */

static atomic_int readies;
static void on_ready(void *ctx) { (void)ctx; readies++; }

static void red_keeps_learners_out_until_it_is_mended(void **state) {
  (void)state;
  struct guards guards = {GUARDS_VERSION, GUARDS_SELF, GUARDS_ALL, true};
  struct cluster *cluster;
  struct cluster_status status;
  struct err err;
  readies = 0;
  fake_kube_answer(fake, guards_answer, &guards);
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
  guards_later(60000);
  cluster_on_ready(cluster, NULL, NULL);                       /* looks at once */
  for (int i = 0; i < 500 && !readies; i++) nap();
  assert_int_equal(readies, 1);
  cluster_status(cluster, &status);
  assert_false(status.own_red);
  /* away and back: told again */
  fake_kube_fault(fake, &(struct fake_fault){.away = true});
  guards_later(60000);
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
    cmocka_unit_test_setup_teardown(words_come_while_the_cluster_is_used, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_kubeconfig_that_cannot_be_used_is_said_at_once, set_up, tear_down),
    cmocka_unit_test_setup_teardown(red_keeps_learners_out_until_it_is_mended, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
