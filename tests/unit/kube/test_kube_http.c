/* kube_http and kube_door: what is sent to the API server, over which connection, how faults are told, what is repeated and what is not. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "fake/fake_peer.h"
#include "kube/kube.h"
#include "kube/kube_http.h"

/* One peer for each test; it keeps count and does what the path says. */
static struct notes {
  pthread_mutex_t lock;
  atomic_int asks;
  char last[4096], wrong[512];
  bool by_certificate[600], by_token[600];                    /* by connection */
} notes = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_int left;                                       /* "/some-times": so many answers go wrong */
static atomic_bool let_go;

static bool answer(void *ctx, const struct fake_peer_ask *ask, struct fake_peer_line *line) {
  (void)ctx;
  const char *path = ask->path;
  bool token = strstr(ask->head, "uthorization: Bearer learner") != NULL;
  pthread_mutex_lock(&notes.lock);
  notes.asks++;
  snprintf(notes.last, sizeof notes.last, "%s %s\n%s\n%.*s", ask->method, path, ask->head, (int)ask->length, ask->body);
  if (ask->connection < 600) {
    if (ask->certificate) notes.by_certificate[ask->connection] = true;
    if (token) notes.by_token[ask->connection] = true;
  }
  if (token && (ask->certificate || ask->resumed)) snprintf(notes.wrong, sizeof notes.wrong, "a learner's token came beside a certificate: %s", path);
  if (!token && !ask->certificate && strcmp(path, "/no-certificate")) snprintf(notes.wrong, sizeof notes.wrong, "no certificate for %s", path);
  pthread_mutex_unlock(&notes.lock);
  if (!strcmp(path, "/wait-a-second") && atomic_fetch_sub(&left, 1) > 0) fake_peer_say(line, 429, "Retry-After: 1\r\n", "{\"message\":\"slowly\"}");
  else if (!strcmp(path, "/some-times") && atomic_fetch_sub(&left, 1) > 0) fake_peer_say(line, 503, "", "{}");
  else if (!strcmp(path, "/cut") && atomic_fetch_sub(&left, 1) > 0) return false;
  else if (!strcmp(path, "/elsewhere")) fake_peer_say(line, 302, "Location: https://127.0.0.1:1/\r\n", "{}");
  else if (!strcmp(path, "/cookie")) fake_peer_say(line, 200, "Set-Cookie: a=b\r\n", "{}");
  else if (strstr(path, "silent")) fake_peer_hold(line, 20000);
  else if (!strcmp(path, "/gate")) {
    while (!atomic_load(&let_go) && fake_peer_hold(line, 10)) {}
    fake_peer_say(line, 200, "", "{}");
  } else if (!strncmp(path, "/status/", 8)) fake_peer_say(line, atoi(path + 8), "", "{\"kind\":\"Status\",\"message\":\"because\"}");
  else if (!strncmp(path, "/bytes/", 7)) {
    int n = atoi(path + 7);
    char *body = malloc((size_t)n + 1);
    memset(body, 'x', (size_t)n);
    body[n] = 0;
    fake_peer_say(line, 200, "", body);
    free(body);
  } else if (!strcmp(path, "/long-head")) {
    char *head = malloc(90000);
    size_t n = 0;
    for (int i = 0; i < 80; i++) n += (size_t)sprintf(head + n, "X-%d: %01000d\r\n", i, 0);
    fake_peer_say(line, 200, head, "{}");
    free(head);
  } else if (!strcmp(path, "/secret-renewed") && strstr(ask->head, "Bearer old")) fake_peer_say(line, 401, "", "{}");
  else {
    char body[200];
    snprintf(body, sizeof body, "{\"path\":\"%s\"}", path);
    fake_peer_say(line, 200, "", body);
  }
  return true;
}

struct stand { struct fake_peer *peer; struct kube kube; struct kube_config config; struct arena *arena; };

static int set_up(void **state) {
  struct stand *stand = calloc(1, sizeof *stand);
  struct err err = {0};
  stand->arena = arena_new(0);
  stand->peer = fake_peer_open(answer, NULL);
  stand->config.ca_pem = (char *)fake_peer_ca(stand->peer);
  stand->config.client_cert_pem = (char *)fake_peer_client_cert(stand->peer);
  stand->config.client_key_pem = (char *)fake_peer_client_key(stand->peer);
  snprintf(stand->config.server, sizeof stand->config.server, "https://127.0.0.1:%d", fake_peer_port(stand->peer));
  pthread_mutex_lock(&notes.lock);
  notes.asks = 0;
  notes.wrong[0] = 0;
  memset(notes.by_certificate, 0, sizeof notes.by_certificate);
  memset(notes.by_token, 0, sizeof notes.by_token);
  pthread_mutex_unlock(&notes.lock);
  atomic_store(&left, 0);
  atomic_store(&let_go, false);
  if (!kube_open(&stand->config, &stand->kube, &err)) fail_msg("%s %s", err.key, err.detail);
  *state = stand;
  return 0;
}

static int tear_down(void **state) {
  struct stand *stand = *state;
  kube_close(&stand->kube);
  fake_peer_close(stand->peer);
  arena_free(stand->arena);
  wallclock_set_offset(0, 0);
  int bad = notes.wrong[0] != 0;
  if (bad) fprintf(stderr, "%s\n", notes.wrong);
  free(stand);
  return bad ? -1 : 0;
}

static struct kube_reply ask_with(struct stand *stand, const struct kube_request *request) {
  struct kube_reply reply = {0};
  struct err err = {0};
  if (!stand->kube.send(stand->kube.ctx, stand->arena, request, 1, &reply, &err)) fail_msg("%s %s", err.key, err.detail);
  return reply;
}

static struct kube_reply get(struct stand *stand, const char *path) { return ask_with(stand, &(struct kube_request){.method = "GET", .path = path}); }

static void an_answer_comes_back_as_it_was_given(void **state) {
  struct stand *stand = *state;
  struct kube_reply reply = get(stand, "/api/v1/pods");
  assert_true(reply.answered);
  assert_int_equal(reply.status, 200);
  assert_string_equal(reply.body, "{\"path\":\"/api/v1/pods\"}");
  assert_int_equal(reply.length, strlen(reply.body));
  assert_string_equal(reply.content_type, "application/json");
  assert_true(llabs(reply.at_ms - wall_ms()) < 5000);
  ask_with(stand, &(struct kube_request){.method = "PATCH", .path = "/x", .query = "fieldManager=k&dryRun=All", .content_type = "application/apply-patch+yaml", .body = "{\"a\":1}", .body_length = 7});
  assert_non_null(strstr(notes.last, "PATCH /x?fieldManager=k&dryRun=All\n"));
  assert_non_null(strstr(notes.last, "Content-Type: application/apply-patch+yaml"));
  assert_non_null(strstr(notes.last, "\n{\"a\":1}"));
  ask_with(stand, &(struct kube_request){.method = "POST", .path = "/x"});
  assert_non_null(strstr(notes.last, "Content-Length: 0"));
  ask_with(stand, &(struct kube_request){.method = "DELETE", .path = "/x", .body = "{\"preconditions\":{}}", .body_length = 20});
  assert_non_null(strstr(notes.last, "\n{\"preconditions\":{}}"));
  assert_int_equal(get(stand, "/status/429").status, 429);
}

static void a_learners_token_has_connections_of_its_own_without_our_certificate(void **state) {
  struct stand *stand = *state;
  enum { MANY = 60 };
  struct kube_request requests[MANY];
  struct kube_reply replies[MANY];
  struct err err = {0};
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < MANY; i++) requests[i] = (struct kube_request){.method = "GET", .path = "/x", .token = i % 3 == round ? "learner-token" : NULL};
    assert_true(stand->kube.send(stand->kube.ctx, stand->arena, requests, MANY, replies, &err));
    for (int i = 0; i < MANY; i++) assert_int_equal(replies[i].status, 200);
  }
  int with_certificate = 0, with_token = 0;
  for (int i = 0; i < 600; i++) {
    with_certificate += notes.by_certificate[i];
    with_token += notes.by_token[i];
    assert_false(notes.by_certificate[i] && notes.by_token[i]);
  }
  assert_in_range(with_certificate, 1, KUBE_CONNECTIONS);
  assert_in_range(with_token, 1, KUBE_CONNECTIONS);
  assert_string_equal(notes.wrong, "");
}

static void an_answer_above_its_cap_is_refused_and_one_at_it_is_not(void **state) {
  struct stand *stand = *state;
  struct kube_reply reply = ask_with(stand, &(struct kube_request){.method = "GET", .path = "/bytes/1000", .cap = 1000});
  assert_int_equal(reply.length, 1000);
  reply = ask_with(stand, &(struct kube_request){.method = "GET", .path = "/bytes/1001", .cap = 1000, .retry = true});
  assert_false(reply.answered);
  assert_int_equal(reply.err->code, ERR_LIMIT);
  assert_string_equal(reply.err->key, "kube.large");
  assert_int_equal(notes.asks, 2);                            /* asking again would not make it smaller */
  reply = get(stand, "/long-head");
  assert_string_equal(reply.err->key, "kube.large");
}

static void nothing_leads_elsewhere(void **state) {
  struct stand *stand = *state;
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  assert_int_equal(get(stand, "/elsewhere").status, 302);
  unsetenv("https_proxy");
  unsetenv("ALL_PROXY");
  get(stand, "/cookie");
  get(stand, "/x");
  assert_null(strcasestr(notes.last, "cookie"));
  static const struct kube_request bad[] = {
    {.method = "GET", .path = "api/v1"}, {.method = "GET", .path = "/a b"}, {.method = "GET", .path = "/a\r\nX: y"}, {.method = "GET", .path = "/a/../b"}, {.method = "GET", .path = "/a/."},
    {.method = "GET", .path = "/a?b"}, {.method = "GET", .path = "/a#b"}, {.method = "GET", .path = "/a", .query = "b c"}, {.method = "GET", .path = "/a", .token = "learner\r\nX: y"},
    {.method = "GET", .path = "/a", .token = ""}, {.method = "GET", .path = "/a", .accept = "x\r\nY: z"}, {.method = "POST", .path = "/a", .content_type = "x\nY: z", .body = ""},
  };
  int before = notes.asks;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct kube_reply reply = ask_with(stand, &bad[i]);
    if (reply.answered || strcmp(reply.err->key, "kube.request")) fail_msg("row %zu was sent", i);
  }
  assert_int_equal(notes.asks, before);
}

static void only_what_may_be_repeated_is_and_never_sooner_than_asked(void **state) {
  struct stand *stand = *state;
  atomic_store(&left, 1);
  int64_t since = mono_ms();
  assert_int_equal(ask_with(stand, &(struct kube_request){.method = "GET", .path = "/wait-a-second", .retry = true}).status, 200);
  assert_true(mono_ms() - since >= 1000);
  assert_int_equal(notes.asks, 2);
  atomic_store(&left, 1);
  struct kube_reply reply = get(stand, "/wait-a-second");
  assert_int_equal(reply.status, 429);
  assert_int_equal(reply.retry_after_s, 1);
  assert_int_equal(notes.asks, 3);
  atomic_store(&left, 1);
  assert_int_equal(ask_with(stand, &(struct kube_request){.method = "GET", .path = "/some-times", .retry = true}).status, 200);
  atomic_store(&left, 1);
  assert_int_equal(ask_with(stand, &(struct kube_request){.method = "GET", .path = "/cut", .retry = true}).status, 200);
  struct kube_stats stats;
  kube_stats(&stand->kube, &stats);
  assert_true(stats.retried >= 2);
  assert_int_equal(ask_with(stand, &(struct kube_request){.method = "GET", .path = "/status/500", .retry = true}).status, 500);
}

static void a_cut_connection_is_told_as_away(void **state) {
  struct stand *stand = *state;
  atomic_store(&left, 100);
  struct kube_reply reply = ask_with(stand, &(struct kube_request){.method = "POST", .path = "/cut", .body = "{}", .body_length = 2});
  assert_false(reply.answered);
  assert_int_equal(reply.err->code, ERR_UNAVAILABLE);
  assert_string_equal(reply.err->key, "cluster.away");
  assert_int_equal(notes.asks, 1);                            /* what may not be repeated went out once */
}

static void a_call_waits_no_longer_than_it_was_told(void **state) {
  struct stand *stand = *state;
  int64_t since = mono_ms();
  struct kube_reply reply = ask_with(stand, &(struct kube_request){.method = "GET", .path = "/silent", .timeout_ms = 200, .retry = true});
  assert_false(reply.answered);
  assert_int_equal(reply.err->code, ERR_TIMEOUT);
  assert_string_equal(reply.err->key, "cluster.slow");
  assert_true(mono_ms() - since < 3000);
  assert_int_equal(notes.asks, 1);
}

static void five_failures_open_the_circuit_and_an_answer_closes_it(void **state) {
  struct stand *stand = *state;
  struct kube_stats stats;
  struct kube_reply reply;
  struct err err = {0};
  fake_peer_down(stand->peer);
  for (int i = 0; i < 5; i++) assert_string_equal(get(stand, "/x").err->key, "cluster.away");
  kube_stats(&stand->kube, &stats);
  assert_true(stats.circuit_open);
  int64_t since = mono_ms();
  assert_false(stand->kube.send(stand->kube.ctx, stand->arena, &(struct kube_request){.method = "GET", .path = "/x"}, 1, &reply, &err));
  assert_string_equal(err.key, "cluster.away");
  assert_true(mono_ms() - since < 500);
  fake_peer_up(stand->peer);
  for (int i = 0; i < 1000 && stats.circuit_open; i++) {      /* nobody asks; the floor looks for itself */
    usleep(10000);
    kube_stats(&stand->kube, &stats);
  }
  assert_false(stats.circuit_open);
  assert_non_null(strstr(notes.last, "GET /readyz"));
  assert_int_equal(get(stand, "/x").status, 200);
}

static void *ask_gently(void *ctx) {
  struct stand *stand = ctx;
  struct arena *arena = arena_new(0);
  struct kube_reply reply = {0};
  struct err err = {0};
  bool sent = stand->kube.send(stand->kube.ctx, arena, &(struct kube_request){.method = "GET", .path = "/x", .retry = true}, 1, &reply, &err);
  intptr_t status = sent && reply.answered ? reply.status : -1;
  arena_free(arena);
  return (void *)status;
}

static void what_may_be_repeated_outlives_a_short_absence(void **state) {
  struct stand *stand = *state;
  pthread_t thread[8];
  struct kube_stats stats;
  fake_peer_down(stand->peer);
  for (int i = 0; i < 8; i++) pthread_create(&thread[i], NULL, ask_gently, stand);
  do {
    usleep(5000);
    kube_stats(&stand->kube, &stats);
  } while (!stats.circuit_open);
  fake_peer_up(stand->peer);
  int answered = 0;
  for (int i = 0; i < 8; i++) {
    void *status;
    pthread_join(thread[i], &status);
    answered += (intptr_t)status == 200;
  }
  assert_true(answered >= 5);                                 /* those that came after it had opened were refused at once */
}

#define KUBE_FAILURES_TO_OPEN 5
static void a_slow_pod_behind_the_proxy_does_not_open_the_circuit(void **state) {
  struct stand *stand = *state;
  struct kube_stats stats;
  for (int i = 0; i < KUBE_FAILURES_TO_OPEN + 1; i++) {       /* time enough to connect on a busy machine: what is late is the Pod */
    struct kube_reply reply = ask_with(stand, &(struct kube_request){.method = "GET", .path = "/api/v1/namespaces/a/services/b/proxy/silent", .timeout_ms = 900});
    assert_string_equal(reply.err->key, "cluster.slow");
  }
  kube_stats(&stand->kube, &stats);
  assert_false(stats.circuit_open);
}

static void a_server_of_another_authority_or_name_is_told_nothing(void **state) {
  struct stand *stand = *state;
  struct fake_peer *stranger = fake_peer_open(answer, NULL);
  struct kube_config wrong = stand->config;
  struct { const char *ca, *name, *key; } rows[] = {
    {fake_peer_ca(stranger), "", "cluster.certificate"}, {fake_peer_ca(stand->peer), "other.test", "cluster.certificate"}, {fake_peer_ca(stand->peer), "peer.test", NULL},
  };
  for (size_t i = 0; i < 3; i++) {
    struct kube kube;
    struct kube_reply reply;
    struct err err = {0};
    int before = notes.asks;
    wrong.ca_pem = (char *)rows[i].ca;
    snprintf(wrong.tls_server_name, sizeof wrong.tls_server_name, "%s", rows[i].name);
    assert_true(kube_open(&wrong, &kube, &err));
    assert_true(kube.send(kube.ctx, stand->arena, &(struct kube_request){.method = "GET", .path = "/x", .token = i ? NULL : "learner", .retry = true}, 1, &reply, &err));
    if (rows[i].key) {
      assert_false(reply.answered);
      assert_string_equal(reply.err->key, rows[i].key);
      assert_int_equal(notes.asks, before);
    } else assert_int_equal(reply.status, 200);
    kube_close(&kube);
  }
  fake_peer_close(stranger);
  struct kube kube;
  struct err err = {0};
  static const char *const servers[] = {"http://127.0.0.1:1", "https://", "ftp://x", "https://a@b", "https://a/?q"};
  for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
    snprintf(wrong.server, sizeof wrong.server, "%s", servers[i]);
    assert_false(kube_open(&wrong, &kube, &err));
    assert_string_equal(err.key, "kubeconfig.server");
  }
}

static void *hold_many(void *ctx) {
  struct stand *stand = ctx;
  enum { MANY = 50 };
  struct kube_request requests[MANY];
  struct kube_reply replies[MANY];
  struct err err = {0};
  struct arena *arena = arena_new(0);
  for (int i = 0; i < MANY; i++) requests[i] = (struct kube_request){.method = "GET", .path = "/gate", .token = i % 2 ? "learner" : NULL};
  bool sent = stand->kube.send(stand->kube.ctx, arena, requests, MANY, replies, &err);
  intptr_t good = 0;
  for (int i = 0; sent && i < MANY; i++) good += replies[i].answered && replies[i].status == 200;
  arena_free(arena);
  return (void *)good;
}

static void no_more_than_so_many_are_in_flight(void **state) {
  struct stand *stand = *state;
  pthread_t thread;
  struct kube_stats stats;
  int most = 0;
  pthread_create(&thread, NULL, hold_many, stand);
  for (int i = 0; i < 1000 && most < KUBE_IN_FLIGHT; i++) {
    usleep(5000);
    kube_stats(&stand->kube, &stats);
    if (stats.in_flight > most) most = stats.in_flight;
  }
  usleep(50000);                                              /* time for one too many to show */
  kube_stats(&stand->kube, &stats);
  atomic_store(&let_go, true);
  void *good;
  pthread_join(thread, &good);
  assert_int_equal(most, KUBE_IN_FLIGHT);
  assert_int_equal(stats.in_flight, KUBE_IN_FLIGHT);
  assert_int_equal((intptr_t)good, 50);
}

static void *ask_many(void *ctx) {
  struct stand *stand = ctx;
  intptr_t wrong = 0;
  for (int i = 0; i < 60; i++) {
    struct arena *arena = arena_new(0);
    struct kube_request requests[5];
    struct kube_reply replies[5];
    struct err err = {0};
    for (int j = 0; j < 5; j++) requests[j] = (struct kube_request){.method = "GET", .path = arena_printf(arena, "/p-%p-%d-%d", (void *)arena, i, j), .token = j == 3 ? "learner" : NULL};
    if (!stand->kube.send(stand->kube.ctx, arena, requests, 5, replies, &err)) wrong++;
    else for (int j = 0; j < 5; j++) wrong += !replies[j].answered || strcmp(replies[j].body, arena_printf(arena, "{\"path\":\"%s\"}", requests[j].path));
    arena_free(arena);
  }
  return (void *)wrong;
}

static void callers_on_many_threads_get_their_own_answers(void **state) {
  struct stand *stand = *state;
  pthread_t thread[6];
  for (int i = 0; i < 6; i++) pthread_create(&thread[i], NULL, ask_many, stand);
  for (int i = 0; i < 6; i++) {
    void *wrong;
    pthread_join(thread[i], &wrong);
    assert_int_equal((intptr_t)wrong, 0);
  }
  assert_int_equal(notes.asks, 6 * 60 * 5);
}

static void closing_lets_waiting_callers_go(void **state) {
  struct stand *stand = *state;
  pthread_t thread;
  struct kube_stats stats;
  void *good;
  pthread_create(&thread, NULL, hold_many, stand);
  do {
    usleep(2000);
    kube_stats(&stand->kube, &stats);
  } while (stats.in_flight < KUBE_IN_FLIGHT);
  int64_t since = mono_ms();
  kube_close(&stand->kube);
  assert_true(mono_ms() - since < 3000);
  pthread_join(thread, &good);
  assert_int_equal((intptr_t)good, 0);
}

static void a_token_renewed_in_its_file_is_taken_up(void **state) {
  struct stand *stand = *state;
  char name[] = "/tmp/makmal-token-XXXXXX";
  int fd = mkstemp(name);
  assert_int_equal(write(fd, "old\n", 4), 4);
  struct kube_config config = stand->config;
  struct kube kube;
  struct kube_reply reply;
  struct err err = {0};
  config.client_cert_pem = config.client_key_pem = NULL;
  snprintf(config.token_file, sizeof config.token_file, "%s", name);
  assert_true(kube_open(&config, &kube, &err));
  assert_true(kube.send(kube.ctx, stand->arena, &(struct kube_request){.method = "GET", .path = "/no-certificate"}, 1, &reply, &err));
  assert_non_null(strstr(notes.last, "Authorization: Bearer old"));
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
  assert_int_equal(write(fd, "new\n", 4), 4);
  wallclock_set_offset(0, 2000);
  assert_true(kube.send(kube.ctx, stand->arena, &(struct kube_request){.method = "POST", .path = "/secret-renewed"}, 1, &reply, &err));
  assert_int_equal(reply.status, 200);
  assert_non_null(strstr(notes.last, "Authorization: Bearer new"));
  kube_close(&kube);
  close(fd);
  unlink(name);
  notes.wrong[0] = 0;                                         /* this port has no certificate to show */
}

static bool here(void) { return true; }

static void asking_from_a_forbidden_thread_is_a_bug(void **state) {
  struct stand *stand = *state;
  pid_t child = fork();
  if (child == 0) {
    struct kube_reply reply;
    struct err err = {0};
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    kube_forbid(here);
    bool sent = stand->kube.send(stand->kube.ctx, stand->arena, &(struct kube_request){.method = "GET", .path = "/x"}, 1, &reply, &err);
    _exit(sent || err.code != ERR_BUG ? 1 : 42);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 42) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));   /* built for debugging, it aborts */
}

static void one_call_is_told_as_an_error_by_its_status(void **state) {
  struct stand *stand = *state;
  static const struct { int status; enum err_code code; const char *key; } rows[] = {
    {400, ERR_INVALID, "kube.invalid"}, {401, ERR_LOGIN, "kube.unauthorized"}, {403, ERR_DENIED, "kube.forbidden"}, {404, ERR_NOT_FOUND, "kube.missing"},
    {409, ERR_CONFLICT, "kube.conflict"}, {410, ERR_UPSTREAM, "kube.answer"}, {422, ERR_INVALID, "kube.invalid"}, {429, ERR_UNAVAILABLE, "kube.later"},
    {500, ERR_UPSTREAM, "kube.answer"}, {503, ERR_UNAVAILABLE, "kube.later"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct err err = {0};
    struct tree *tree = NULL;
    struct kube_request request = {.method = "GET", .path = arena_printf(stand->arena, "/status/%d", rows[i].status)};
    assert_false(kube_call(&stand->kube, stand->arena, &request, &tree, &err));
    assert_int_equal(err.code, rows[i].code);
    assert_string_equal(err.key, rows[i].key);
    assert_string_equal(err.param[0].value, arena_printf(stand->arena, "%d", rows[i].status));
    assert_string_equal(err.param[1].value, "because");
    assert_null(tree);
  }
  struct err err = {0};
  struct tree *tree = NULL;
  assert_true(kube_call(&stand->kube, stand->arena, &(struct kube_request){.method = "GET", .path = "/fine"}, &tree, &err));
  assert_string_equal(tree_text(tree, "path"), "/fine");
  assert_false(kube_call(&stand->kube, stand->arena, &(struct kube_request){.method = "GET", .path = "/bytes/10"}, &tree, &err));
  assert_string_equal(err.key, "kube.answer");                /* a 200 that is no JSON */
}

#define row(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  if (!secret_init()) return 1;
  log_init(LOG_ERROR_, NULL);
  const struct CMUnitTest tests[] = {
    row(an_answer_comes_back_as_it_was_given), row(a_learners_token_has_connections_of_its_own_without_our_certificate), row(an_answer_above_its_cap_is_refused_and_one_at_it_is_not),
    row(nothing_leads_elsewhere), row(only_what_may_be_repeated_is_and_never_sooner_than_asked), row(a_cut_connection_is_told_as_away), row(a_call_waits_no_longer_than_it_was_told),
    row(five_failures_open_the_circuit_and_an_answer_closes_it), row(what_may_be_repeated_outlives_a_short_absence), row(a_slow_pod_behind_the_proxy_does_not_open_the_circuit),
    row(a_server_of_another_authority_or_name_is_told_nothing), row(no_more_than_so_many_are_in_flight), row(callers_on_many_threads_get_their_own_answers),
    row(closing_lets_waiting_callers_go), row(a_token_renewed_in_its_file_is_taken_up), row(asking_from_a_forbidden_thread_is_a_bug), row(one_call_is_told_as_an_error_by_its_status),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
