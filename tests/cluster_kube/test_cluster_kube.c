/* The kube floor against a real API server, named by TEST_CLUSTER_KUBECONFIG (a kubeconfig in JSON, as the embedded cluster writes it). Fails without
 * one: what Kubernetes says cannot be had from a fake. Everything happens in namespaces named kube-floor-…, deleted at the end. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "kube/kube.h"

static struct kube kube;
static struct kube_config config;
static struct arena *life;
static char space[64];

static struct tree *ask(struct arena *arena, const char *method, const char *path, const char *query, const char *type, const char *body, const char *token) {
  struct kube_request request = {.method = method, .path = path, .query = query, .content_type = type, .body = body, .body_length = body ? strlen(body) : 0, .token = token};
  struct err err = {0};
  struct tree *out = NULL;
  if (!kube_call(&kube, arena, &request, &out, &err)) fail_msg("%s %s: %s %s", method, path, err.key, err.detail);
  return out;
}

static enum err_code ask_refused(const char *method, const char *path, const char *body, const char *token) {
  struct arena *arena = arena_new(0);
  struct kube_request request = {.method = method, .path = path, .body = body, .body_length = body ? strlen(body) : 0, .token = token};
  struct err err = {0};
  assert_false(kube_call(&kube, arena, &request, NULL, &err));
  arena_free(arena);
  return err.code;
}

static char *path_of(struct arena *arena, const char *kind, const char *name) { return kube_path(arena, kube_kind(kind), space, name); }

static char *config_map(struct arena *arena, const char *name, const char *label, const char *value) {
  return arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"labels\":{\"floor\":\"%s\"}},\"data\":{\"v\":\"%s\"}}", name, label, value);
}

static int open_all(void **state) {
  (void)state;
  const char *file = getenv("TEST_CLUSTER_KUBECONFIG");
  if (!file || !*file) {
    fputs("TEST_CLUSTER_KUBECONFIG names no kubeconfig: this test needs a real cluster\n", stderr);
    return -1;
  }
  char *text;
  size_t length;
  struct tree *tree;
  struct err err = {0};
  life = arena_new(0);
  if (!file_read(life, file, 1 << 20, &text, &length, &err) || !tree_parse(life, text, length, 0, &tree, &err) ||
      !kube_config_read(life, tree, "/", NULL, &config, &err) || !kube_open(&config, &kube, &err)) {
    fprintf(stderr, "%s %s\n", err.key, err.detail);
    return -1;
  }
  unsigned random;
  secret_random(&random, sizeof random);
  snprintf(space, sizeof space, "kube-floor-%08x", random);
  struct arena *arena = arena_new(0);
  char *body = arena_printf(arena, "{\"metadata\":{\"name\":\"%s\"}}", space);
  ask(arena, "POST", "/api/v1/namespaces", NULL, NULL, body, NULL);
  arena_free(arena);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  ask(arena, "DELETE", arena_printf(arena, "/api/v1/namespaces/%s", space), NULL, NULL, NULL, NULL);
  arena_free(arena);
  kube_close(&kube);
  arena_free(life);
  return 0;
}

static void objects_are_made_read_applied_and_deleted(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  char *all = path_of(arena, "ConfigMap", NULL), *one = path_of(arena, "ConfigMap", "one"), *body = config_map(arena, "one", "crud", "1");
  struct tree *made = ask(arena, "POST", all, NULL, NULL, body, NULL), *got = ask(arena, "GET", one, NULL, NULL, NULL, NULL);
  assert_string_equal(tree_path(made, "metadata.uid")->text, tree_path(got, "metadata.uid")->text);
  assert_int_equal(ask_refused("POST", all, body, NULL), ERR_CONFLICT);
  assert_int_equal(ask_refused("GET", path_of(arena, "ConfigMap", "two"), NULL, NULL), ERR_NOT_FOUND);
  assert_int_equal(ask_refused("POST", all, "{\"metadata\":{\"name\":\"NOT A NAME\"}}", NULL), ERR_INVALID);
  ask(arena, "PATCH", one, "fieldManager=kubectl", "application/apply-patch+yaml",
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"one\"},\"data\":{\"w\":\"2\"}}", NULL);
  got = ask(arena, "GET", one, NULL, NULL, NULL, NULL);
  assert_string_equal(tree_path(got, "data.v")->text, "1");
  assert_string_equal(tree_path(got, "data.w")->text, "2");
  ask(arena, "PATCH", one, NULL, "application/merge-patch+json", "{\"data\":{\"v\":null}}", NULL);
  assert_null(tree_path(ask(arena, "GET", one, NULL, NULL, NULL, NULL), "data.v"));
  assert_int_equal(ask_refused("DELETE", one, "{\"preconditions\":{\"uid\":\"somebody-else\"}}", NULL), ERR_CONFLICT);
  ask(arena, "DELETE", one, NULL, NULL, arena_printf(arena, "{\"preconditions\":{\"uid\":\"%s\"}}", tree_path(got, "metadata.uid")->text), NULL);
  assert_int_equal(ask_refused("GET", one, NULL, NULL), ERR_NOT_FOUND);
  arena_free(arena);
}

static void many_calls_at_once_come_back_in_their_places(void **state) {
  (void)state;
  enum { MANY = 200 };
  struct arena *arena = arena_new(0);
  struct kube_request *requests = arena_alloc(arena, MANY * sizeof *requests);
  struct kube_reply *replies = arena_alloc(arena, MANY * sizeof *replies);
  for (int i = 0; i < MANY; i++) {
    char *body = config_map(arena, arena_printf(arena, "many-%d", i), "many", "x");
    requests[i] = (struct kube_request){.method = "POST", .path = path_of(arena, "ConfigMap", NULL), .body = body, .body_length = strlen(body)};
  }
  struct err err = {0};
  int64_t since = mono_us();
  if (!kube.send(kube.ctx, arena, requests, MANY, replies, &err)) fail_msg("%s", err.detail);
  int64_t took = mono_us() - since;
  for (int i = 0; i < MANY; i++) {
    struct tree *object;
    if (!kube_reply_err(&replies[i], arena, &err) || !kube_tree(arena, &replies[i], &object, &err)) fail_msg("%d: %s %s", i, err.key, err.detail);
    assert_string_equal(tree_path(object, "metadata.name")->text, arena_printf(arena, "many-%d", i));
  }
  print_message("%d creates in %lld ms\n", MANY, (long long)took / 1000);
  struct tree *list;
  if (!kube_list(&kube, arena, kube_kind("ConfigMap"), space, "labelSelector=floor%3Dmany", &list, &err)) fail_msg("%s %s", err.key, err.detail);
  assert_int_equal(list->count, MANY);
  assert_string_equal(tree_text(list->child, "kind"), "ConfigMap");
  ask(arena, "DELETE", path_of(arena, "ConfigMap", NULL), "labelSelector=floor%3Dmany", NULL, NULL, NULL);
  if (!kube_list(&kube, arena, kube_kind("ConfigMap"), space, "labelSelector=floor%3Dmany", &list, &err)) fail_msg("%s %s", err.key, err.detail);
  assert_int_equal(list->count, 0);
  struct kube_stats stats;
  kube_stats(&kube, &stats);
  assert_int_equal(stats.in_flight, 0);
  arena_free(arena);
}

static const char *who(struct arena *arena, const char *token) {
  struct tree *review = ask(arena, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", NULL, NULL, "{}", token);
  return tree_path(review, "status.userInfo.username")->text;
}

/* The API server looks at the certificate of the connection before it looks at the token: on a shared connection the learner would be the platform. */
static void a_learners_token_is_never_sent_beside_our_certificate(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  ask(arena, "POST", path_of(arena, "ServiceAccount", NULL), NULL, NULL, "{\"metadata\":{\"name\":\"learner\"}}", NULL);
  struct tree *made = ask(arena, "POST", arena_printf(arena, "%s/token", path_of(arena, "ServiceAccount", "learner")), NULL, NULL,
                          "{\"spec\":{\"expirationSeconds\":600}}", NULL);
  const char *token = tree_path(made, "status.token")->text, *learner = arena_printf(arena, "system:serviceaccount:%s:learner", space);
  for (int i = 0; i < 3; i++) {
    const char *platform = who(arena, NULL);
    assert_string_not_equal(platform, learner);
    assert_string_equal(who(arena, token), learner);
    assert_int_equal(ask_refused("GET", "/api/v1/namespaces", NULL, token), ERR_DENIED);
  }
  assert_int_equal(ask_refused("GET", "/api/v1/namespaces", NULL, "not.a.token"), ERR_LOGIN);
  enum { MANY = 40 };
  struct kube_request requests[MANY];
  struct kube_reply replies[MANY];
  for (int i = 0; i < MANY; i++) {
    requests[i] = (struct kube_request){.method = "POST", .path = "/apis/authentication.k8s.io/v1/selfsubjectreviews", .body = "{}", .body_length = 2, .token = i % 2 ? token : NULL};
  }
  struct err err = {0};
  assert_true(kube.send(kube.ctx, arena, requests, MANY, replies, &err));
  for (int i = 0; i < MANY; i++) {
    struct tree *review;
    assert_true(kube_tree(arena, &replies[i], &review, &err));
    assert_int_equal(!strcmp(tree_path(review, "status.userInfo.username")->text, learner), i % 2);
  }
  arena_free(arena);
}

/* --- watches ---------------------------------------------------------------------------------------------------------------------------------- */
struct book { pthread_mutex_t lock; pthread_cond_t change; char text[8192]; int alive; };

static void write_down(void *ctx, const struct kube_kind *kind, enum kube_event event, const struct tree *object) {
  static const char *const marks[] = {"+", "~", "-", "synced", "alive", "stale"};
  struct book *book = ctx;
  pthread_mutex_lock(&book->lock);
  size_t n = strlen(book->text);
  if (event == KUBE_ALIVE) book->alive++;
  else snprintf(book->text + n, sizeof book->text - n, "%s%s ", marks[event], object ? tree_path(object, "metadata.name")->text : "");
  if (object && (kind != kube_kind("ConfigMap") || strcmp(tree_text_or(object, "kind", ""), "ConfigMap"))) snprintf(book->text, sizeof book->text, "of another kind");
  pthread_cond_broadcast(&book->change);
  pthread_mutex_unlock(&book->lock);
}

static void wait_for(struct book *book, const char *text) {  /* and for the watch itself to stand */
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  pthread_mutex_lock(&book->lock);
  while (!strstr(book->text, text) || !book->alive) {
    if (pthread_cond_timedwait(&book->change, &book->lock, &until) == 0) continue;
    pthread_mutex_unlock(&book->lock);
    fail_msg("waited for \"%s\", told: %s", text, book->text);
  }
  pthread_mutex_unlock(&book->lock);
}

static void a_watch_tells_what_was_there_what_comes_and_what_goes(void **state) {
  (void)state;
  static struct book book = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", 0};
  struct arena *arena = arena_new(0);
  ask(arena, "POST", path_of(arena, "ConfigMap", NULL), NULL, NULL, config_map(arena, "early", space, "1"), NULL);
  struct kube_watch watch = {.kind = kube_kind("ConfigMap"), .label_selector = arena_printf(arena, "floor=%s", space), .event = write_down, .ctx = &book};
  struct err err = {0};
  assert_true(kube.watch(kube.ctx, &watch, &err));
  wait_for(&book, "+early synced");
  ask(arena, "POST", path_of(arena, "ConfigMap", NULL), NULL, NULL, config_map(arena, "late", space, "1"), NULL);
  wait_for(&book, "+late");
  ask(arena, "PATCH", path_of(arena, "ConfigMap", "early"), NULL, "application/merge-patch+json", "{\"data\":{\"v\":\"a\\u0000b\"}}", NULL);   /* NUL harms nobody */
  wait_for(&book, "~early");
  ask(arena, "DELETE", path_of(arena, "ConfigMap", "late"), NULL, NULL, NULL, NULL);
  wait_for(&book, "-late");
  ask(arena, "PATCH", path_of(arena, "ConfigMap", "early"), NULL, "application/merge-patch+json", "{\"metadata\":{\"labels\":{\"floor\":\"other\"}}}", NULL);
  wait_for(&book, "-early");                                  /* no longer chosen counts as gone */
  arena_free(arena);
}

/* A second port that shares nothing with the first, so that it may be told of a silence that never was. */
static void a_silent_watch_is_told_and_taken_up_again_without_repeating(void **state) {
  (void)state;
  static struct book book = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, "", 0};
  struct arena *arena = arena_new(0);
  struct kube other;
  struct err err = {0};
  assert_true(kube_open(&config, &other, &err));
  char *label = arena_printf(arena, "s-%s", space);
  ask(arena, "POST", path_of(arena, "ConfigMap", NULL), NULL, NULL, config_map(arena, "quiet", label, "1"), NULL);
  struct kube_watch watch = {.kind = kube_kind("ConfigMap"), .label_selector = arena_printf(arena, "floor=%s", label), .event = write_down, .ctx = &book};
  assert_true(other.watch(other.ctx, &watch, &err));
  wait_for(&book, "+quiet synced ");
  wallclock_set_offset(0, 100000);
  wait_for(&book, "stale");
  ask(arena, "POST", path_of(arena, "ConfigMap", NULL), NULL, NULL, config_map(arena, "after", label, "1"), NULL);
  wait_for(&book, "+after");
  assert_string_equal(book.text, "+quiet synced stale +after ");
  kube_close(&other);
  wallclock_set_offset(0, 0);
  arena_free(arena);
}

static void a_watch_of_metadata_holds_no_secret(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  ask(arena, "POST", path_of(arena, "Secret", NULL), NULL, NULL, "{\"metadata\":{\"name\":\"s\"},\"stringData\":{\"password\":\"sesame\"}}", NULL);
  struct kube_request request = {.method = "GET", .path = path_of(arena, "Secret", NULL), .accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"};
  struct kube_reply reply;
  struct err err = {0};
  assert_true(kube.send(kube.ctx, arena, &request, 1, &reply, &err));
  assert_int_equal(reply.status, 200);
  assert_non_null(strstr(reply.body, "\"s\""));
  assert_null(strstr(reply.body, "c2VzYW1l"));
  arena_free(arena);
}

static void another_authority_is_never_talked_to(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct kube_config wrong = config;
  struct kube other;
  struct kube_reply reply;
  struct err err = {0};
  wrong.ca_pem = config.client_cert_pem;                      /* a certificate, but nobody's authority */
  assert_true(kube_open(&wrong, &other, &err));
  struct kube_request request = {.method = "GET", .path = "/version", .retry = true};
  assert_true(other.send(other.ctx, arena, &request, 1, &reply, &err));
  assert_false(reply.answered);
  assert_string_equal(reply.err->key, "cluster.certificate");
  kube_close(&other);
  arena_free(arena);
}

static void the_name_in_the_kubeconfig_is_the_one_verified(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const struct { const char *name; bool right; } rows[] = {{"kubernetes", true}, {"kubernetes.example", false}};
  for (size_t i = 0; i < 2; i++) {
    struct kube_config named = config;
    struct kube other;
    struct kube_reply reply;
    struct err err = {0};
    snprintf(named.tls_server_name, sizeof named.tls_server_name, "%s", rows[i].name);
    assert_true(kube_open(&named, &other, &err));
    struct kube_request request = {.method = "GET", .path = "/version"};
    assert_true(other.send(other.ctx, arena, &request, 1, &reply, &err));
    assert_int_equal(reply.answered, rows[i].right);
    if (rows[i].right) assert_int_equal(reply.status, 200);
    kube_close(&other);
  }
  arena_free(arena);
}

int main(void) {
  if (!secret_init()) return 1;
  log_init(LOG_WARN_, NULL);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(objects_are_made_read_applied_and_deleted), cmocka_unit_test(many_calls_at_once_come_back_in_their_places),
    cmocka_unit_test(a_learners_token_is_never_sent_beside_our_certificate), cmocka_unit_test(a_watch_tells_what_was_there_what_comes_and_what_goes),
    cmocka_unit_test(a_silent_watch_is_told_and_taken_up_again_without_repeating), cmocka_unit_test(a_watch_of_metadata_holds_no_secret),
    cmocka_unit_test(another_authority_is_never_talked_to), cmocka_unit_test(the_name_in_the_kubeconfig_is_the_one_verified),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
