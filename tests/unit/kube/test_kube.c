/* kube and kube_kind, and with them the cluster in memory: paths, lists in pages, the escape of NUL; and that the fake does what its users count on. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "fake/fake_kube.h"
#include "kube/kube_http.h"

static struct arena *arena;
static struct fake_kube *fake;
static const struct kube *kube;

static int set_up(void **state) {
  (void)state;
  arena = arena_new(0);
  fake = fake_kube_new();
  kube = fake_kube_port(fake);
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a\"}}");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  fake_kube_free(fake);
  arena_free(arena);
  return 0;
}

static enum err_code call(const char *method, const char *path, const char *query, const char *type, const char *body, struct tree **out) {
  struct kube_request request = {.method = method, .path = path, .query = query, .content_type = type, .body = body, .body_length = body ? strlen(body) : 0};
  struct err err = {0};
  return kube_call(kube, arena, &request, out, &err) ? ERR_NONE : err.code;
}

static void paths_are_where_the_api_has_them(void **state) {
  (void)state;
  static const struct { const char *kind, *namespace, *name, *path, *api_version; } rows[] = {
    {"Pod", "ns", "p", "/api/v1/namespaces/ns/pods/p", "v1"}, {"Deployment", "ns", NULL, "/apis/apps/v1/namespaces/ns/deployments", "apps/v1"},
    {"Deployment", NULL, NULL, "/apis/apps/v1/deployments", "apps/v1"}, {"Namespace", "ignored", "x", "/api/v1/namespaces/x", "v1"},
    {"Pod", "a/b", "c?d#e f", "/api/v1/namespaces/a%2Fb/pods/c%3Fd%23e%20f", "v1"}, {"Pod", "..", ".", "/api/v1/namespaces/%2E%2E/pods/%2E", "v1"},
    {"Pod", "n", "a.b", "/api/v1/namespaces/n/pods/a.b", "v1"}, {"Pod", "n", "\xC3\xA9", "/api/v1/namespaces/n/pods/%C3%A9", "v1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_string_equal(kube_path(arena, kube_kind(rows[i].kind), rows[i].namespace, rows[i].name), rows[i].path);
    assert_string_equal(kube_api_version(arena, kube_kind(rows[i].kind)), rows[i].api_version);
  }
  assert_null(kube_kind("Widget"));
  assert_null(kube_kind("deployment"));
  assert_non_null(kube_kind_of("apps/v1", "Deployment"));
  assert_null(kube_kind_of("apps/v1beta1", "Deployment"));
  assert_null(kube_kind_of("v1", "Deployment"));
  assert_null(kube_kind_of("apps/v1", "Pod"));
  assert_null(kube_kind_of("appsx/v1", "Deployment"));
  assert_string_equal(kube_escape(arena, "a=b,c in (d)"), "a%3Db%2Cc%20in%20%28d%29");
}

static void the_escape_of_nul_is_replaced_and_nothing_else(void **state) {
  (void)state;
  static const struct { const char *from, *to; } rows[] = {
    {"\"\\u0000\"", "\"\\ufffd\""}, {"\"\\\\u0000\"", "\"\\\\u0000\""}, {"\"\\\\\\u0000\"", "\"\\\\\\ufffd\""}, {"\"\\u00001\"", "\"\\ufffd1\""}, {"\"\\u0001\"", "\"\\u0001\""},
    {"u0000", "u0000"}, {"\\", "\\"}, {"\\u000", "\\u000"}, {"", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *text = arena_str(arena, rows[i].from);
    kube_clean(text, strlen(text));
    assert_string_equal(text, rows[i].to);
  }
}

static void lists_of_any_length_come_whole(void **state) {
  (void)state;
  for (int i = 0; i < 1203; i++) fake_kube_put(fake, arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"a\",\"name\":\"s%d\",\"labels\":{\"odd\":\"%d\"}}}", i, i % 2));
  struct tree *all;
  struct err err = {0};
  fake_kube_fault(fake, &(struct fake_fault){.path = "continue=", .status = 410, .times = 1});
  assert_true(kube_list(kube, arena, kube_kind("Secret"), "a", NULL, &all, &err));
  assert_int_equal(all->count, 1203);
  assert_string_equal(tree_text(all->child, "kind"), "Secret");
  assert_string_equal(tree_text(all->child, "apiVersion"), "v1");
  assert_true(kube_list(kube, arena, kube_kind("Secret"), NULL, "labelSelector=odd%3D1", &all, &err));
  assert_int_equal(all->count, 601);
  fake_kube_fault(fake, &(struct fake_fault){.path = "/secrets", .status = 403});
  assert_false(kube_list(kube, arena, kube_kind("Secret"), NULL, NULL, &all, &err));
  assert_int_equal(err.code, ERR_DENIED);
}

static void the_fake_keeps_objects_as_a_cluster_does(void **state) {
  (void)state;
  const char *all = "/api/v1/namespaces/a/configmaps", *one = "/api/v1/namespaces/a/configmaps/x";
  struct tree *made, *got;
  assert_int_equal(call("POST", all, NULL, NULL, "{\"metadata\":{\"name\":\"x\"},\"data\":{\"k\":\"1\"}}", &made), ERR_NONE);
  assert_int_equal(call("POST", all, NULL, NULL, "{\"metadata\":{\"name\":\"x\"}}", NULL), ERR_CONFLICT);
  assert_int_equal(call("POST", "/api/v1/namespaces/none/configmaps", NULL, NULL, "{\"metadata\":{\"name\":\"x\"}}", NULL), ERR_NOT_FOUND);
  assert_int_equal(call("POST", all, NULL, NULL, "{", NULL), ERR_INVALID);
  assert_int_equal(call("POST", all, "dryRun=All", NULL, "{\"metadata\":{\"name\":\"dry\"}}", NULL), ERR_NONE);
  assert_int_equal(call("GET", "/api/v1/namespaces/a/configmaps/dry", NULL, NULL, NULL, NULL), ERR_NOT_FOUND);
  assert_int_equal(call("PATCH", one, NULL, "application/merge-patch+json", "{\"data\":{\"k\":null,\"l\":\"2\"}}", &got), ERR_NONE);
  assert_null(tree_path(got, "data.k"));
  assert_string_equal(tree_path(got, "data.l")->text, "2");
  assert_string_equal(tree_path(got, "metadata.uid")->text, tree_path(made, "metadata.uid")->text);
  assert_string_not_equal(tree_path(got, "metadata.resourceVersion")->text, tree_path(made, "metadata.resourceVersion")->text);
  assert_int_equal(call("PUT", one, NULL, NULL, arena_printf(arena, "{\"metadata\":{\"resourceVersion\":\"%s\"}}", tree_path(made, "metadata.resourceVersion")->text), NULL), ERR_CONFLICT);
  assert_int_equal(call("PATCH", "/api/v1/namespaces/a/configmaps/y", NULL, "application/apply-patch+yaml", "{\"data\":{\"n\":\"3\"}}", NULL), ERR_NONE);
  assert_int_equal(call("PATCH", one, NULL, "application/json-patch+json", "[{\"op\":\"test\",\"path\":\"/data/l\",\"value\":\"2\"},{\"op\":\"add\",\"path\":\"/data/a~1b\",\"value\":\"c\"}]", &got), ERR_NONE);
  assert_string_equal(tree_text(tree_get(got, "data"), "a/b"), "c");
  assert_int_equal(call("DELETE", one, NULL, NULL, "{\"preconditions\":{\"uid\":\"other\"}}", NULL), ERR_CONFLICT);
  assert_int_equal(call("DELETE", one, NULL, NULL, NULL, NULL), ERR_NONE);
  assert_int_equal(call("DELETE", one, NULL, NULL, NULL, NULL), ERR_NOT_FOUND);
  assert_int_equal(call("POST", "/api/v1/namespaces/a/resourcequotas", NULL, NULL, "{\"metadata\":{\"name\":\"q\"},\"spec\":{\"hard\":{\"pods\":\"4\"}}}", NULL), ERR_NONE);
  assert_int_equal(call("GET", "/api/v1/namespaces/a/resourcequotas/q", NULL, NULL, NULL, &got), ERR_NONE);
  assert_string_equal(tree_path(got, "status.hard.pods")->text, "4");
  assert_int_equal(call("POST", "/api/v1/namespaces/a/serviceaccounts/default/token", NULL, NULL, "{\"spec\":{\"expirationSeconds\":600}}", &got), ERR_NONE);
  assert_non_null(tree_path(got, "status.token"));
  assert_int_equal(call("DELETE", "/api/v1/namespaces/a", NULL, NULL, NULL, NULL), ERR_NONE);
  assert_int_equal(fake_kube_count(fake, "ConfigMap", NULL), 0);
  assert_null(fake_kube_find(fake, arena, "ServiceAccount", "a", "default"));
}

static char told[4096];
static void note(void *ctx, const struct kube_kind *kind, enum kube_event event, const struct tree *object) {
  static const char *const marks[] = {"+", "~", "-", "synced", "alive", "stale"};
  (void)ctx, (void)kind;
  size_t n = strlen(told);
  snprintf(told + n, sizeof told - n, "%s%s%s ", marks[event], object ? tree_path(object, "metadata.name")->text : "", tree_get(object, "data") ? "!" : "");
}

static void the_fake_tells_watchers_in_order(void **state) {
  (void)state;
  struct err err = {0};
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"a\",\"name\":\"s\",\"labels\":{\"l\":\"1\"}},\"data\":{}}");
  struct kube_watch watch = {.kind = kube_kind("Secret"), .label_selector = "l in (1, 2)", .metadata_only = true, .event = note};
  assert_true(kube->watch(kube->ctx, &watch, &err));
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"a\",\"name\":\"t\",\"labels\":{\"l\":\"2\"}},\"data\":{}}");
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":\"a\",\"name\":\"u\",\"labels\":{\"l\":\"3\"}},\"data\":{}}");
  assert_int_equal(call("PATCH", "/api/v1/namespaces/a/secrets/s", NULL, "application/merge-patch+json", "{\"data\":{\"x\":\"y\"}}", NULL), ERR_NONE);
  fake_kube_tell(fake, "Secret", KUBE_STALE);
  fake_kube_remove(fake, "Secret", "a", "t");
  fake_kube_settle(fake);
  assert_string_equal(told, "+s synced +t ~s stale -t ");
}

static void *ask_for_ever(void *ctx) {
  struct arena *own = arena_new(0);
  struct kube_reply reply = {0};
  struct err err = {0};
  kube->send(kube->ctx, own, &(struct kube_request){.method = "GET", .path = "/version"}, 1, &reply, &err);
  *(bool *)ctx = reply.answered;
  arena_free(own);
  return NULL;
}

static void the_fake_fails_on_demand(void **state) {
  (void)state;
  struct kube_request request = {.method = "POST", .path = "/api/v1/namespaces/a/configmaps", .body = "{\"metadata\":{\"name\":\"x\"}}", .body_length = 25};
  struct kube_reply reply = {0};
  struct err err = {0};
  fake_kube_fault(fake, &(struct fake_fault){.method = "POST", .path = "/configmaps", .status = 429, .retry_after_s = 7, .times = 1});
  fake_kube_fault(fake, &(struct fake_fault){.method = "POST", .path = "/configmaps", .after = true, .times = 1});
  assert_true(kube->send(kube->ctx, arena, &request, 1, &reply, &err));
  assert_int_equal(reply.status, 429);
  assert_int_equal(reply.retry_after_s, 7);
  assert_true(kube->send(kube->ctx, arena, &request, 1, &reply, &err));
  assert_false(reply.answered);                               /* carried out, and the answer lost */
  assert_string_equal(reply.err->key, "cluster.away");
  assert_true(kube->send(kube->ctx, arena, &request, 1, &reply, &err));
  assert_int_equal(reply.status, 409);
  assert_int_equal(fake_kube_asked_like(fake, "POST /api/v1/namespaces/a/configmaps"), 3);
  fake_kube_circuit(fake, true);
  assert_false(kube->send(kube->ctx, arena, &request, 1, &reply, &err));
  assert_string_equal(err.key, "cluster.away");
  fake_kube_circuit(fake, false);
  fake_kube_fault(fake, &(struct fake_fault){.path = "/version", .never = true});
  pthread_t thread;
  bool answered = true;
  pthread_create(&thread, NULL, ask_for_ever, &answered);
  while (!fake_kube_asked_like(fake, "/version")) usleep(1000);
  fake_kube_calm(fake);
  pthread_join(thread, NULL);
  assert_false(answered);
}

#define row(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
    row(paths_are_where_the_api_has_them), row(the_escape_of_nul_is_replaced_and_nothing_else), row(lists_of_any_length_come_whole),
    row(the_fake_keeps_objects_as_a_cluster_does), row(the_fake_tells_watchers_in_order), row(the_fake_fails_on_demand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
