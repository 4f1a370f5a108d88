/* kube_watch: whatever happens between us and the API server, what is told adds up to what is there, once. The peer follows a script, a request a step. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* What one request must hold and gets. */
struct step {
  const char *wants;                                          /* a piece of the path and query */
  int status;                                                 /* 0: a watch; else an answer with this body */
  const char *body;                                           /* watch: lines, each ended by \n */
  enum { END, HOLD, CUT, END_LATE } then;                     /* watch, after the lines: end it, keep it open, cut it; END_LATE: end it after a second */
  int large;                                                  /* > 0: answer with so many bytes instead */
};
static struct script {
  const struct step *steps;
  int count;
  atomic_int at;
  pthread_mutex_t lock;
  pthread_cond_t change;
  char told[4096], wrong[512];
} script = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static bool answer(void *ctx, const struct fake_peer_ask *ask, struct fake_peer_line *line) {
  (void)ctx;
  int n = atomic_fetch_add(&script.at, 1);
  pthread_mutex_lock(&script.lock);
  pthread_cond_broadcast(&script.change);
  if (n < script.count && !strstr(ask->path, script.steps[n].wants)) {
    snprintf(script.wrong, sizeof script.wrong, "request %d should hold \"%s\": %s", n, script.steps[n].wants, ask->path);
  }
  pthread_mutex_unlock(&script.lock);
  if (n >= script.count) {
    fake_peer_hold(line, 20000);
    return false;
  }
  const struct step *step = &script.steps[n];
  if (step->large) {
    char *body = malloc((size_t)step->large + 1);
    memset(body, ' ', (size_t)step->large);
    body[step->large] = 0;
    fake_peer_say(line, 200, "", body);
    free(body);
  } else if (step->status) fake_peer_say(line, step->status, step->status == 429 ? "Retry-After: 0\r\n" : "", step->body);
  else {
    fake_peer_begin(line, "");
    if (step->body && strlen(step->body) > 20) {              /* in two pieces, cut anywhere */
      char half[512];
      snprintf(half, sizeof half, "%.*s", 13, step->body);
      fake_peer_chunk(line, half);
      fake_peer_chunk(line, step->body + 13);
    } else if (step->body && *step->body) fake_peer_chunk(line, step->body);
    if (step->then == HOLD) fake_peer_hold(line, 20000);
    if (step->then == END_LATE) fake_peer_hold(line, 1100);
    if (step->then == END || step->then == END_LATE) fake_peer_end(line);
    return step->then == END || step->then == END_LATE;
  }
  return true;
}

static void note(void *ctx, const struct kube_kind *kind, enum kube_event event, const struct tree *object) {
  static const char *const marks[] = {"+", "~", "-", "synced", "alive", "stale"};
  (void)ctx;
  pthread_mutex_lock(&script.lock);
  size_t n = strlen(script.told);
  struct tree *meta = tree_get(object, "metadata");
  if (object) snprintf(script.told + n, sizeof script.told - n, "%s%s/%s@%s ", marks[event], tree_text_or(meta, "namespace", "?"), tree_text_or(meta, "name", "?"), tree_text_or(meta, "resourceVersion", "?"));
  else snprintf(script.told + n, sizeof script.told - n, "%s ", marks[event]);
  if (object && (strcmp(tree_text_or(object, "kind", ""), kind->kind) || strcmp(tree_text_or(object, "apiVersion", ""), "v1") || !tree_text(meta, "uid")))
    snprintf(script.wrong, sizeof script.wrong, "an object without kind, apiVersion or uid");
  pthread_cond_broadcast(&script.change);
  pthread_mutex_unlock(&script.lock);
}

/* Plays the script until `told` is what was told (or for ten seconds). silence_at: at this request the clock jumps by more than a watch may be silent. */
static void play(const struct step *steps, int count, const char *selector, const char *told, int silence_at) {
  struct kube_config config = {0};
  struct kube kube;
  struct err err = {0};
  script.steps = steps;
  script.count = count;
  atomic_store(&script.at, 0);
  script.told[0] = script.wrong[0] = 0;
  struct fake_peer *peer = fake_peer_open(answer, NULL);
  config.ca_pem = (char *)fake_peer_ca(peer);
  snprintf(config.server, sizeof config.server, "https://127.0.0.1:%d", fake_peer_port(peer));
  snprintf(config.token, sizeof config.token, "t");
  if (!kube_open(&config, &kube, &err)) fail_msg("%s", err.detail);
  struct kube_watch watch = {.kind = kube_kind("ConfigMap"), .label_selector = selector, .event = note};
  assert_true(kube.watch(kube.ctx, &watch, &err));
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  pthread_mutex_lock(&script.lock);
  bool jumped = false;
  while ((strcmp(script.told, told) || atomic_load(&script.at) < count) && !script.wrong[0]) {
    if (silence_at && !jumped && atomic_load(&script.at) >= silence_at && strstr(script.told, "alive")) {
      jumped = true;
      wallclock_set_offset(0, KUBE_SILENT_MS + 1000);
    }
    if (pthread_cond_timedwait(&script.change, &script.lock, &until) != 0) break;
  }
  char got[sizeof script.told], wrong[sizeof script.wrong];
  snprintf(got, sizeof got, "%s", script.told);
  snprintf(wrong, sizeof wrong, "%s", script.wrong);
  pthread_mutex_unlock(&script.lock);
  kube_close(&kube);
  fake_peer_close(peer);
  wallclock_set_offset(0, 0);
  assert_string_equal(wrong, "");
  assert_string_equal(got, told);
  assert_true(atomic_load(&script.at) >= count);
}

#define META(name, version) "\"metadata\":{\"namespace\":\"n\",\"name\":\"" name "\",\"uid\":\"u-" name "\",\"resourceVersion\":\"" version "\"}"
#define ITEM(name, version) "{" META(name, version) "}"
#define LIST(version, more, items) "{\"metadata\":{\"resourceVersion\":\"" version "\"" more "},\"items\":[" items "]}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\"," META(name, version) "}}\n"
#define BOOKMARK(version) "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"" version "\"}}}\n"
#define GONE "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410}}\n"

static void what_is_there_is_told_then_what_happens(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "/api/v1/configmaps?limit=500", .status = 200, .body = LIST("10", "", ITEM("a", "3") "," ITEM("b", "4"))},
    {.wants = "watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=", .body = EVENT("ADDED", "c", "11") EVENT("MODIFIED", "a", "12") EVENT("DELETED", "b", "13") BOOKMARK("20"), .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/a@3 +n/b@4 synced alive +n/c@11 ~n/a@12 -n/b@13 alive ", 0);
}

static void a_selector_is_escaped_and_goes_with_list_and_watch(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500&labelSelector=makmal%2Finstall%3Dx", .status = 200, .body = LIST("1", "", "")},
    {.wants = "&labelSelector=makmal%2Finstall%3Dx", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, "makmal/install=x", "synced alive ", 0);
}

static void long_lists_come_in_pages_and_start_anew_when_a_page_has_expired(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("5", ",\"continue\":\"p=2\"", ITEM("a", "1"))},
    {.wants = "limit=500&continue=p%3D2", .status = 410, .body = "{}"},
    {.wants = "limit=500", .status = 200, .body = LIST("6", ",\"continue\":\"p3\"", ITEM("a", "1"))},
    {.wants = "limit=500&continue=p3", .status = 200, .body = LIST("6", "", ITEM("b", "2"))},
    {.wants = "resourceVersion=6", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/a@1 +n/b@2 synced alive ", 0);
}

static void a_410_makes_it_list_again_and_tell_only_what_differs(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", ITEM("same", "1") "," ITEM("other", "2") "," ITEM("gone", "3"))},
    {.wants = "watch=1", .status = 410, .body = "{}"},
    {.wants = "limit=500", .status = 200, .body = LIST("20", "", ITEM("same", "1") "," ITEM("other", "15") "," ITEM("new", "16"))},
    {.wants = "resourceVersion=20", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/same@1 +n/other@2 +n/gone@3 synced ~n/other@15 +n/new@16 -n/gone@3 synced alive ", 0);
}

static void an_error_event_makes_it_list_again_and_tell_only_what_differs(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", ITEM("same", "1") "," ITEM("other", "2") "," ITEM("gone", "3"))},
    {.wants = "watch=1", .body = GONE, .then = END},
    {.wants = "limit=500", .status = 200, .body = LIST("20", "", ITEM("same", "1") "," ITEM("other", "15") "," ITEM("new", "16"))},
    {.wants = "resourceVersion=20", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/same@1 +n/other@2 +n/gone@3 synced alive ~n/other@15 +n/new@16 -n/gone@3 synced alive ", 0);
}

static void an_empty_answer_at_once_makes_it_list_again(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", ITEM("same", "1") "," ITEM("other", "2") "," ITEM("gone", "3"))},
    {.wants = "watch=1", .body = "", .then = END},
    {.wants = "limit=500", .status = 200, .body = LIST("20", "", ITEM("same", "1") "," ITEM("other", "15") "," ITEM("new", "16"))},
    {.wants = "resourceVersion=20", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/same@1 +n/other@2 +n/gone@3 synced alive ~n/other@15 +n/new@16 -n/gone@3 synced alive ", 0);
}

static void a_line_that_is_no_json_makes_it_list_again(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", ITEM("same", "1") "," ITEM("other", "2") "," ITEM("gone", "3"))},
    {.wants = "watch=1", .body = "{\"type\":\"ADDED\",\"object\":{]}}\n", .then = HOLD},
    {.wants = "limit=500", .status = 200, .body = LIST("20", "", ITEM("same", "1") "," ITEM("other", "15") "," ITEM("new", "16"))},
    {.wants = "resourceVersion=20", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/same@1 +n/other@2 +n/gone@3 synced alive ~n/other@15 +n/new@16 -n/gone@3 synced alive ", 0);
}

/* An event that is told twice by the server is told once by us. */
static void a_watch_that_ends_as_asked_goes_on_where_it_was(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", "")},
    {.wants = "resourceVersion=10", .body = EVENT("ADDED", "a", "11") BOOKMARK("12"), .then = END_LATE},
    {.wants = "resourceVersion=12", .body = EVENT("ADDED", "a", "11") EVENT("MODIFIED", "a", "13"), .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "synced alive +n/a@11 alive alive ~n/a@13 ", 0);
}

static void a_broken_watch_is_told_as_stale_and_goes_on_where_it_was(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", "")},
    {.wants = "resourceVersion=10", .body = EVENT("ADDED", "a", "11"), .then = CUT},
    {.wants = "resourceVersion=11", .body = EVENT("DELETED", "a", "14"), .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "synced alive +n/a@11 stale alive -n/a@14 ", 0);
}

static void a_watch_silent_for_too_long_is_told_as_stale_and_opened_anew(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", "")},
    {.wants = "resourceVersion=10", .body = "", .then = HOLD},
    {.wants = "resourceVersion=10", .body = BOOKMARK("30"), .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "synced alive stale alive alive ", 2);
}

static void a_busy_or_refusing_server_is_stale_until_it_answers(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 429, .body = "{}"},
    {.wants = "limit=500", .status = 500, .body = "{}"},
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", "")},
    {.wants = "watch=1", .status = 429, .body = "{}"},
    {.wants = "watch=1", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "stale synced stale alive ", 0);
}

static void a_page_above_the_cap_is_asked_for_in_smaller_ones(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .large = KUBE_ANSWER_MAX + 1},
    {.wants = "limit=250", .status = 200, .body = LIST("10", "", ITEM("a", "1"))},
    {.wants = "watch=1", .body = "", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/a@1 synced alive ", 0);
}

static void one_object_with_a_nul_spoils_nothing(void **state) {
  (void)state;
  static const struct step steps[] = {
    {.wants = "limit=500", .status = 200, .body = LIST("10", "", "{" META("a", "1") ",\"data\":{\"x\":\"1\\u0000\\\\u0000\"}}," ITEM("b", "2"))},
    {.wants = "watch=1", .body = "{\"type\":\"ADDED\",\"object\":{" META("c", "11") ",\"data\":{\"x\":\"\\u0000\"}}}\n", .then = HOLD},
  };
  play(steps, sizeof steps / sizeof *steps, NULL, "+n/a@1 +n/b@2 synced alive +n/c@11 ", 0);
}

int main(void) {
  if (!secret_init()) return 1;
  log_init(LOG_ERROR_, NULL);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_there_is_told_then_what_happens),
    cmocka_unit_test(a_selector_is_escaped_and_goes_with_list_and_watch),
    cmocka_unit_test(long_lists_come_in_pages_and_start_anew_when_a_page_has_expired),
    cmocka_unit_test(a_410_makes_it_list_again_and_tell_only_what_differs),
    cmocka_unit_test(an_error_event_makes_it_list_again_and_tell_only_what_differs),
    cmocka_unit_test(an_empty_answer_at_once_makes_it_list_again),
    cmocka_unit_test(a_line_that_is_no_json_makes_it_list_again),
    cmocka_unit_test(a_watch_that_ends_as_asked_goes_on_where_it_was),
    cmocka_unit_test(a_broken_watch_is_told_as_stale_and_goes_on_where_it_was),
    cmocka_unit_test(a_watch_silent_for_too_long_is_told_as_stale_and_opened_anew),
    cmocka_unit_test(a_busy_or_refusing_server_is_stale_until_it_answers),
    cmocka_unit_test(a_page_above_the_cap_is_asked_for_in_smaller_ones),
    cmocka_unit_test(one_object_with_a_nul_spoils_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
