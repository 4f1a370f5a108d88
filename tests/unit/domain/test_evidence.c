/* evidence: what a script may read and what it may not; everything read is recorded and answers again without a cluster. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/evidence.h"
#include "fake/fake_kube.h"
#include "fake/fake_peer.h"
#include "kube/kube.h"

struct fixture { struct arena *arena; struct fake_kube *fake; struct observer observer; struct buf reply; };

static struct tree *json(struct arena *arena, const char *text) {
  struct tree *tree = NULL;
  struct err err;
  assert_true(tree_parse(arena, text, strlen(text), 0, &tree, &err));
  return tree;
}

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = arena_new(0);
  f->fake = fake_kube_new();
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-a\"}}");
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-b\"}}");
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"web\",\"namespace\":\"lab-a\"}}");
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"other\",\"namespace\":\"lab-b\"}}");
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\",\"namespace\":\"lab-a\",\"annotations\":{"
                         "\"kubectl.kubernetes.io/last-applied-configuration\":\"{\\\"data\\\":{\\\"pass\\\":\\\"aGVsbG8=\\\"}}\"}},\"data\":{\"pass\":\"aGVsbG8=\"}}");
  f->observer = (struct observer){.kube = fake_kube_port(f->fake), .namespace = "lab-a"};
  observer_begin(&f->observer, f->arena);
  buf_init(&f->reply, 1u << 20);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  buf_release(&f->reply);
  fake_kube_free(f->fake);
  arena_free(f->arena);
  free(f);
  return 0;
}

static bool ask(struct fixture *f, const char *request, struct tree **meta, struct err *err) {
  buf_reset(&f->reply);
  memset(err, 0, sizeof *err);
  return observer_read(&f->observer, f->arena, json(f->arena, request), &f->reply, meta, err);
}

static void a_list_holds_the_attempts_namespace_alone(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  assert_true(ask(f, "{\"verb\":\"list\",\"kind\":\"Service\"}", &meta, &err));
  assert_non_null(strstr(f->reply.data, "\"web\""));
  assert_null(strstr(f->reply.data, "\"other\""));
  assert_non_null(strstr(f->reply.data, "\"kind\":\"Service\""));       /* items say what they are */
}

static void no_request_leads_out_of_the_namespace(void **state) {
  struct fixture *f = *state;
  static const char *const forbidden[] = {
    "{\"verb\":\"get\",\"kind\":\"Node\",\"name\":\"node1\"}", "{\"verb\":\"list\",\"kind\":\"Namespace\"}", "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"../../lab-b/services/other\"}",
    "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"\"}", "{\"verb\":\"get\",\"kind\":\"Nonsense\",\"name\":\"x\"}", "{\"verb\":\"delete\",\"kind\":\"Service\",\"name\":\"web\"}",
    "{\"verb\":\"http\",\"service\":\"../x\",\"port\":80}", "{\"verb\":\"http\",\"service\":\"web\",\"port\":80,\"path\":\"/../../../services/other\"}",
    "{\"verb\":\"http\",\"service\":\"web\",\"port\":80,\"path\":\"http://example.org/\"}", "{\"verb\":\"http\",\"service\":\"web\",\"port\":\"80/proxy/x\"}",
    "{\"verb\":\"log\",\"name\":\"../../../lab-b/pods/x\",\"container\":\"c\",\"tail\":1}", "{\"verb\":\"log\",\"name\":\"x\",\"container\":\"c&previous=true\",\"tail\":1}",
    "{\"verb\":\"log\",\"name\":\"x\",\"container\":\"c\",\"tail\":1001}", "{\"verb\":\"log\",\"name\":\"x\",\"container\":\"c\"}",
    "{\"verb\":\"http\",\"host\":\"a.test:6443\"}", "{\"verb\":\"http\",\"host\":\"u@a.test\"}", "{\"verb\":\"http\",\"host\":\"\"}", "{\"verb\":\"http\",\"host\":\"a.test\",\"path\":\"/../x\"}",
    "{\"verb\":\"http\",\"host\":\"a.test\",\"scheme\":\"file\"}", "{\"verb\":\"http\",\"host\":\"a.test\",\"method\":\"POST\"}", "{}"};
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
    struct tree *meta;
    struct err err;
    if (ask(f, forbidden[i], &meta, &err)) fail_msg("taken: %s", forbidden[i]);
    assert_int_equal(err.code, ERR_DENIED);
  }
  assert_int_equal(fake_kube_asked(f->fake), 0);
}

static void values_of_secrets_stay_on_the_cluster_unless_the_lab_asks(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  assert_true(ask(f, "{\"verb\":\"get\",\"kind\":\"Secret\",\"name\":\"s\"}", &meta, &err));
  assert_null(strstr(f->reply.data, "aGVsbG8="));
  assert_non_null(strstr(f->reply.data, "\"pass\""));
  f->observer.secret_values = true;
  assert_true(ask(f, "{\"verb\":\"list\",\"kind\":\"Secret\"}", &meta, &err));
  assert_non_null(strstr(f->reply.data, "aGVsbG8="));
}

static void the_fifty_first_read_is_refused(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  for (int i = 0; i < EVIDENCE_READS_MAX; i++) assert_true(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  assert_false(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  assert_int_equal(err.code, ERR_LIMIT);
  assert_string_equal(err.key, "check.reads");
}

static void a_missing_object_is_an_answer_and_a_dead_cluster_is_none(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  assert_true(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"nobody\"}", &meta, &err));
  assert_int_equal(tree_int(meta, "status", 0), 404);
  fake_kube_fault(f->fake, &(struct fake_fault){.method = "GET", .path = "/services", .status = 500, .times = 9});
  assert_false(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  assert_true(err.code == ERR_UPSTREAM || err.code == ERR_UNAVAILABLE);
  fake_kube_circuit(f->fake, true);
  assert_false(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  assert_string_equal(err.key, "cluster.away");
  f->observer.kube = NULL;
  assert_false(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  assert_string_equal(err.key, "cluster.away");
}

static void a_page_that_does_not_come_is_an_answer_without_a_status(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  fake_kube_fault(f->fake, &(struct fake_fault){.method = "GET", .path = "/proxy/", .slow = true});
  assert_true(ask(f, "{\"verb\":\"http\",\"service\":\"web\",\"port\":80,\"path\":\"/\"}", &meta, &err));
  assert_int_equal(tree_int(meta, "status", -1), 0);
  assert_string_equal(f->reply.data, "\"\"");
}

static bool shop(void *ctx, const struct fake_peer_ask *ask, struct fake_peer_line *line) {
  (void)ctx;
  fake_peer_say(line, strcmp(ask->path, "/cart?a=b") ? 404 : 200, "", !strcmp(ask->method, "HEAD") ? "" : "hello");
  return true;
}

#define CART "{\"verb\":\"http\",\"host\":\"peer.test\",\"scheme\":\"https\",\"path\":\"/cart?a=b\"}"
#define CART_HEAD "{\"verb\":\"http\",\"host\":\"peer.test\",\"scheme\":\"https\",\"path\":\"/cart?a=b\",\"method\":\"HEAD\"}"
#define STRANGER "{\"verb\":\"http\",\"host\":\"stranger.test\",\"scheme\":\"https\"}"

/* And the evidence says nothing of where the controller was. */
static void a_page_by_its_host_comes_from_the_front_and_from_the_evidence(void **state) {
  struct fixture *f = *state;
  struct fake_peer *peer = fake_peer_open(shop, NULL);
  struct kube_front front = {.host = "127.0.0.1", .port = 1, .tls_port = fake_peer_port(peer)};
  static const struct { const char *ask; int status; const char *text; } rows[] = {{CART, 200, "\"hello\""}, {CART_HEAD, 200, "\"\""}, {STRANGER, EVIDENCE_OTHER_CERTIFICATE, "\"\""}};
  struct tree *meta;
  struct err err;
  char root[65];
  f->observer.front = &front;
  for (int i = 0; i < 3; i++) {
    assert_true(ask(f, rows[i].ask, &meta, &err));
    assert_int_equal(tree_int(meta, "status", -1), rows[i].status);
    assert_string_equal(f->reply.data, rows[i].text);
  }
  assert_int_equal(fake_kube_asked(f->fake), 0);                        /* the API server has no part in it */
  assert_int_equal(f->observer.probes, 3);
  fake_peer_close(peer);
  struct tree *evidence = evidence_of(&f->observer, f->arena, NULL, 0, NULL, NULL, NULL, root);
  buf_reset(&f->reply);
  tree_write(&f->reply, evidence);
  assert_null(strstr(f->reply.data, "127.0.0.1"));
  struct replayer replayer;
  replayer_begin(&replayer, f->arena, evidence, &(struct observer){.namespace = "lab-a"});
  for (int i = 0; i < 3; i++) {
    buf_reset(&f->reply);
    assert_true(replayer_read(&replayer, f->arena, json(f->arena, rows[i].ask), &f->reply, &meta, &err));
    assert_int_equal(tree_int(meta, "status", -1), rows[i].status);
    assert_string_equal(f->reply.data, rows[i].text);
  }
  assert_false(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"http\",\"host\":\"peer.test\",\"path\":\"/cart?a=b\"}"), &f->reply, &meta, &err));
  assert_string_equal(err.key, "evidence.unobserved");                  /* by http it was never asked for */
}

static void where_nobody_knows_the_controller_a_page_by_its_host_is_unobserved_and_a_dead_one_is_ours(void **state) {
  struct fixture *f = *state;
  struct kube_front nobody = {.host = "127.0.0.1", .port = 1, .tls_port = 1};
  struct tree *meta;
  struct err err;
  assert_false(ask(f, CART, &meta, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_string_equal(err.key, "evidence.unobserved");
  f->observer.front = &nobody;
  assert_false(ask(f, CART, &meta, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  assert_string_equal(err.key, "cluster.no-front");
}

static bool writes(void *ctx, const struct kube_request *request, int *status, char **body) {
  (void)ctx;
  if (!strstr(request->path, "/log")) return false;
  bool web = strstr(request->path, "/pods/web/log") != NULL, slow = strstr(request->path, "/pods/slow/log") != NULL;
  *status = web ? 200 : slow ? 400 : 404;
  *body = strdup(web ? "ready\nb\xff\n" : "{\"kind\":\"Status\"}");
  return true;
}

#define LOG_OF(pod) "{\"verb\":\"log\",\"name\":\"" pod "\",\"container\":\"c\",\"tail\":20}"

static void the_last_lines_of_a_container_are_read_bounded_and_from_the_evidence(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  char root[65];
  fake_kube_answer(f->fake, writes, NULL);
  assert_true(ask(f, LOG_OF("web"), &meta, &err));
  assert_int_equal(tree_int(meta, "status", 0), 200);
  assert_string_equal(f->reply.data, "\"ready\\nb\xef\xbf\xbd\\n\"");
  assert_string_equal(fake_kube_asked_at(f->fake, 0), "GET /api/v1/namespaces/lab-a/pods/web/log?container=c&limitBytes=60000&tailLines=20");
  assert_null(fake_kube_token_at(f->fake, 0));                          /* the platform's account, not the learner's */
  assert_true(ask(f, LOG_OF("slow"), &meta, &err));
  assert_int_equal(tree_int(meta, "status", 0), 400);                   /* it has not started: an answer */
  assert_true(ask(f, LOG_OF("gone"), &meta, &err));
  assert_int_equal(tree_int(meta, "status", 0), 404);
  assert_int_equal(f->observer.probes, 3);
  struct tree *evidence = evidence_of(&f->observer, f->arena, NULL, 0, NULL, NULL, NULL, root);
  struct replayer replayer;
  replayer_begin(&replayer, f->arena, evidence, &(struct observer){.namespace = "lab-a"});
  buf_reset(&f->reply);
  assert_true(replayer_read(&replayer, f->arena, json(f->arena, LOG_OF("web")), &f->reply, &meta, &err));
  assert_non_null(strstr(f->reply.data, "ready"));
  assert_false(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"log\",\"name\":\"web\",\"container\":\"c\",\"tail\":21}"), &f->reply, &meta, &err));
  assert_string_equal(err.key, "evidence.unobserved");                  /* one more line was never read */
  fake_kube_answer(f->fake, NULL, NULL);
  fake_kube_fault(f->fake, &(struct fake_fault){.method = "GET", .path = "/log", .status = 500, .times = 9});
  assert_false(ask(f, LOG_OF("web"), &meta, &err));                     /* the node did not answer: ours */
  assert_true(err.code == ERR_UPSTREAM || err.code == ERR_UNAVAILABLE);
}

static void evidence_answers_again_without_the_cluster(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  char root[65], *first;
  assert_true(ask(f, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}", &meta, &err));
  first = arena_strn(f->arena, f->reply.data, f->reply.len);
  struct tree *evidence = evidence_of(&f->observer, f->arena, NULL, 0, NULL, NULL, NULL, root);
  struct replayer replayer;
  replayer_begin(&replayer, f->arena, evidence, &(struct observer){.namespace = "lab-a"});
  buf_reset(&f->reply);
  assert_true(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"web\"}"), &f->reply, &meta, &err));
  assert_string_equal(f->reply.data, first);
  assert_false(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"get\",\"kind\":\"Service\",\"name\":\"new\"}"), &f->reply, &meta, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_string_equal(err.key, "evidence.unobserved");                  /* else check.c would call it the script's fault */
}

static void equal_files_give_equal_roots_and_one_byte_changes_them(void **state) {
  struct fixture *f = *state;
  char a[65], b[65], c[65];
  struct check_file file = {"a.yaml", "kind: Pod", 9}, other = {"a.yaml", "kind: pod", 9};
  struct tree *clock = json(f->arena, "{\"at_ms\":1}"), *later = json(f->arena, "{\"at_ms\":2}");
  evidence_of(&f->observer, f->arena, &file, 1, NULL, NULL, clock, a);
  evidence_of(&f->observer, f->arena, &file, 1, NULL, NULL, later, b);
  evidence_of(&f->observer, f->arena, &other, 1, NULL, NULL, clock, c);
  assert_string_equal(a, b);
  assert_string_not_equal(a, c);
}

/* What tomorrow's check reads and today's did not. */
static void a_snapshot_answers_what_no_pass_asked_for_and_keeps_no_secret(void **state) {
  struct fixture *f = *state;
  struct tree *meta;
  struct err err;
  char root[65];
  static const char *const kinds[] = {"Service", "ConfigMap", "Secret", "Node", "Nonsense"};
  fake_kube_put(f->fake, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"namespace\":\"lab-a\",\"managedFields\":[{\"manager\":\"kubectl\"}]}}");
  assert_true(ask(f, "{\"verb\":\"list\",\"kind\":\"Service\"}", &meta, &err));
  size_t asked = fake_kube_asked(f->fake);
  f->observer.secret_values = true;
  observer_snapshot(&f->observer, f->arena, kinds, 5);
  assert_int_equal(fake_kube_asked(f->fake), asked + 2);               /* Services were listed already; the others live in no namespace */
  struct tree *evidence = evidence_of(&f->observer, f->arena, NULL, 0, NULL, NULL, NULL, root);
  struct replayer replayer;
  replayer_begin(&replayer, f->arena, evidence, &(struct observer){.namespace = "lab-a"});
  buf_reset(&f->reply);
  assert_true(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"list\",\"kind\":\"ConfigMap\"}"), &f->reply, &meta, &err));
  assert_non_null(strstr(f->reply.data, "managedFields"));               /* whole objects: what is cut off would read as never written */
  assert_int_equal(tree_int(meta, "status", 0), 200);
  buf_reset(&f->reply);
  assert_true(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"list\",\"kind\":\"Secret\"}"), &f->reply, &meta, &err));
  assert_null(strstr(f->reply.data, "aGVsbG8="));
  assert_false(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"list\",\"kind\":\"Pod\"}"), &f->reply, &meta, &err));
  assert_string_equal(err.key, "evidence.unobserved");
  replayer_begin(&replayer, f->arena, evidence, &(struct observer){.namespace = "lab-a", .secret_values = true});
  assert_false(replayer_read(&replayer, f->arena, json(f->arena, "{\"verb\":\"list\",\"kind\":\"Secret\"}"), &f->reply, &meta, &err));
  assert_string_equal(err.key, "evidence.unobserved");                  /* "hidden" is not the value that stood there */
}

static void a_kind_that_does_not_fit_into_the_snapshot_is_left_out_whole(void **state) {
  struct fixture *f = *state;
  static const char *const kinds[] = {"ConfigMap", "Service"};
  char root[65], *object = malloc(1200 * 1024);
  for (int i = 0; i < 2; i++) {
    int n = sprintf(object, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c%d\",\"namespace\":\"lab-a\"},\"data\":{\"a\":\"", i);
    memset(object + n, 'x', 1100 * 1024);
    strcpy(object + n + 1100 * 1024, "\"}}");
    fake_kube_put(f->fake, object);
  }
  free(object);
  observer_snapshot(&f->observer, f->arena, kinds, 2);
  const struct tree *taken = tree_path(evidence_of(&f->observer, f->arena, NULL, 0, NULL, NULL, NULL, root), "snapshot.kinds");
  assert_null(tree_get(taken, "ConfigMap"));
  assert_non_null(tree_get(taken, "Service"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(a_list_holds_the_attempts_namespace_alone), TEST(no_request_leads_out_of_the_namespace),
    TEST(values_of_secrets_stay_on_the_cluster_unless_the_lab_asks), TEST(the_fifty_first_read_is_refused), TEST(a_missing_object_is_an_answer_and_a_dead_cluster_is_none),
    TEST(a_page_that_does_not_come_is_an_answer_without_a_status), TEST(evidence_answers_again_without_the_cluster), TEST(the_last_lines_of_a_container_are_read_bounded_and_from_the_evidence),
    TEST(a_page_by_its_host_comes_from_the_front_and_from_the_evidence), TEST(where_nobody_knows_the_controller_a_page_by_its_host_is_unobserved_and_a_dead_one_is_ours), TEST(equal_files_give_equal_roots_and_one_byte_changes_them),
    TEST(a_snapshot_answers_what_no_pass_asked_for_and_keeps_no_secret), TEST(a_kind_that_does_not_fit_into_the_snapshot_is_left_out_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
