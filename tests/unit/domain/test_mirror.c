/* The mirror on a cluster in memory: what is kept, what is told to whom, when a namespace counts as settled. */
#include "unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/mirror.h"
#include "domain/viewer.h"
#include "fake/fake_kube.h"

#define NS "lab-0123456789ab"
#define ID "01arz3ndektsv4rrffq69g5fav"
static struct fake_kube *fake;
static struct live *live;
static struct mirror *mirror;
static struct arena *arena;
static atomic_int changes, settles, losses;

static void tell(void *ctx, const char *attempt, bool changed) {
  (void)ctx;
  assert_string_equal(attempt, ID);
  if (changed) changes++; else settles++;
}
static void lost(void *ctx, const char *namespace) {
  (void)ctx;
  if (!strcmp(namespace, NS)) losses++;
}
static bool everybody(void *ctx, const char *topic, const struct viewer *viewer) { (void)ctx, (void)topic, (void)viewer; return true; }
static void nothing(void *ctx, const char *topic, const struct viewer *viewer, struct arena *a, void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx) {
  (void)ctx, (void)topic, (void)viewer, (void)a, (void)add, (void)add_ctx;
}

static int set_up(void **state) {
  (void)state;
  struct err err;
  changes = settles = losses = 0;
  arena = arena_new(0);
  fake = fake_kube_new();
  live = live_open();
  live_source(live, &(struct live_source){.prefix = "attempt:", .may = everybody, .snapshot = nothing});
  mirror = mirror_open(live, tell, NULL);
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" NS "\",\"labels\":{\"makmal/install\":\"0123abcd\"}}}");
  mirror_follow(mirror, NS, ID);
  assert_true(mirror_watch(mirror, fake_kube_port(fake), "0123abcd", lost, NULL, &err));
  fake_kube_settle(fake);
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  fake_kube_settle(fake);
  mirror_stop(mirror);
  fake_kube_free(fake);
  mirror_free(mirror);
  live_close(live);
  arena_free(arena);
  return 0;
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }
static bool becomes(atomic_int *what, int least) {
  for (int i = 0; i < 1000 && *what < least; i++) nap();
  return *what >= least;
}

static void put_pod(const char *namespace, const char *name, const char *status) {
  fake_kube_put(fake, arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"managedFields\":[{\"manager\":\"x\"}],"
                                          "\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"secret\",\"a\":\"b\"}},\"status\":%s}", name, namespace, status));
  fake_kube_settle(fake);
}
#define READY "{\"phase\":\"Running\",\"podIP\":\"10.244.0.9\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"True\"}]}"
#define STARTING "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\"}]}"

static size_t count_kind(const char *kind) {
  size_t n = 0;
  TREE_EACH(item, mirror_objects(mirror, NS, arena)) if (!strcmp(tree_text(item, "kind"), kind)) n++;
  return n;
}

static void only_what_is_followed_is_kept_and_cut_down(void **state) {
  (void)state;
  put_pod(NS, "mine", READY);
  put_pod("lab-zzzzzzzzzzzz", "other", READY);
  put_pod("kube-system", "system", READY);
  fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\",\"namespace\":\"" NS "\"},\"data\":{\"k\":\"aGlkZGVu\"}}");
  fake_kube_settle(fake);
  assert_int_equal(count_kind("Pod"), 1);
  struct buf text;
  buf_init(&text, 1 << 20);
  tree_write(&text, mirror_objects(mirror, NS, arena));
  assert_null(strstr(text.data, "managedFields"));
  assert_null(strstr(text.data, "last-applied"));
  assert_null(strstr(text.data, "aGlkZGVu"));
  assert_non_null(strstr(text.data, "\"a\":\"b\""));
  assert_non_null(strstr(text.data, "10.244.0.9"));
  buf_release(&text);
  assert_null(mirror_objects(mirror, "lab-zzzzzzzzzzzz", arena));
  fake_kube_remove(fake, "Pod", NS, "mine");
  fake_kube_settle(fake);
  assert_int_equal(count_kind("Pod"), 0);
}

static void a_page_hears_of_each_object_and_of_its_end(void **state) {
  (void)state;
  struct viewer viewer = {.person = ID, .role = ROLE_LEARNER, .login = ID};
  struct live_sub *sub;
  struct err err;
  struct buf out;
  assert_true(live_subscribe(live, &viewer, "attempt:" ID, NULL, &sub, &err));
  buf_init(&out, 8 << 20);
  live_wait(sub, 1000, &out);                                    /* hello, and the topic as it stands */
  put_pod(NS, "mine", STARTING);
  for (int i = 0; i < 20 && !strstr(out.data, "event: object"); i++) live_wait(sub, 200, &out);
  assert_non_null(strstr(out.data, "event: object"));
  fake_kube_remove(fake, "Pod", NS, "mine");
  fake_kube_settle(fake);
  for (int i = 0; i < 20 && !strstr(out.data, "event: gone"); i++) live_wait(sub, 200, &out);
  assert_non_null(strstr(out.data, "event: gone"));
  assert_true(live_heard_age_ms(live) >= 0);
  buf_release(&out);
  live_release(sub);
}

static void what_is_too_large_is_cut(void **state) {
  (void)state;
  char *data = calloc(1, 200001);
  memset(data, 'x', 200000);
  fake_kube_put(fake, arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"large\",\"namespace\":\"" NS "\"},\"data\":{\"k\":\"%s\"}}", data));
  free(data);
  fake_kube_settle(fake);
  const struct tree *found = NULL;
  TREE_EACH(item, mirror_objects(mirror, NS, arena)) if (!strcmp(tree_text(item, "name"), "large")) found = item;
  assert_non_null(found);
  assert_true(tree_flag(tree_get(found, "object"), "cut", false));
  assert_null(tree_get(tree_get(found, "object"), "data"));
}

static void settled_means_still_and_quiet(void **state) {
  (void)state;
  bool stale = true;
  put_pod(NS, "mine", STARTING);
  assert_false(mirror_settled(mirror, NS, &stale));
  assert_false(stale);
  assert_true(becomes(&changes, 1));
  wallclock_set_offset(0, MIRROR_QUIET_MS + 100);                /* quiet, but a Pod is starting */
  assert_false(mirror_settled(mirror, NS, NULL));
  put_pod(NS, "mine", READY);
  assert_false(mirror_settled(mirror, NS, NULL));                /* still, but not yet quiet */
  int before = settles;
  wallclock_set_offset(0, 2 * MIRROR_QUIET_MS + 200);
  assert_true(mirror_settled(mirror, NS, NULL));
  assert_true(becomes(&settles, before + 1));
  for (int i = 0; i < 50; i++) nap();
  assert_int_equal(settles, before + 1);                         /* told once */
  mirror_touch(mirror, NS);
  assert_false(mirror_settled(mirror, NS, NULL));
}

static void a_pod_that_starts_for_ever_is_stuck(void **state) {
  (void)state;
  put_pod(NS, "mine", STARTING);
  wallclock_set_offset(0, MIRROR_STUCK_MS + 100);
  assert_true(mirror_settled(mirror, NS, NULL));
}

static void a_lost_watch_settles_nothing(void **state) {
  (void)state;
  bool stale = false;
  put_pod(NS, "mine", READY);
  wallclock_set_offset(0, MIRROR_QUIET_MS + 100);
  fake_kube_tell(fake, "Pod", KUBE_STALE);
  fake_kube_settle(fake);
  assert_false(mirror_settled(mirror, NS, &stale));
  assert_true(stale);
  fake_kube_tell(fake, "Pod", KUBE_ALIVE);
  fake_kube_settle(fake);
  assert_true(mirror_settled(mirror, NS, &stale));
  assert_false(stale);
}

static void changes_are_told_at_most_every_fifty_milliseconds(void **state) {
  (void)state;
  int64_t begun = mono_ms();
  for (int i = 0; i < 100; i++) put_pod(NS, "mine", i % 2 ? READY : STARTING);
  int64_t took = mono_ms() - begun;
  assert_true(becomes(&changes, 1));
  for (int i = 0; i < 30; i++) nap();
  assert_true(changes <= took / MIRROR_TELL_MS + 3);
}

static void events_are_shown_but_change_nothing(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) nap();
  int before = changes;
  for (int i = 0; i < MIRROR_EVENTS + 20; i++) {
    fake_kube_put(fake, arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e%d\",\"namespace\":\"" NS "\"},\"reason\":\"Pulled\"}", i));
  }
  fake_kube_settle(fake);
  for (int i = 0; i < 30; i++) nap();
  assert_int_equal(changes, before);
  assert_int_equal(count_kind("Event"), MIRROR_EVENTS);
}

static void a_namespace_that_goes_is_told(void **state) {
  (void)state;
  fake_kube_remove(fake, "Namespace", "", NS);
  fake_kube_settle(fake);
  assert_true(becomes(&losses, 1));
}

int main(void) {
  secret_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(only_what_is_followed_is_kept_and_cut_down, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_page_hears_of_each_object_and_of_its_end, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_is_too_large_is_cut, set_up, tear_down),
    cmocka_unit_test_setup_teardown(settled_means_still_and_quiet, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_pod_that_starts_for_ever_is_stuck, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_lost_watch_settles_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(changes_are_told_at_most_every_fifty_milliseconds, set_up, tear_down),
    cmocka_unit_test_setup_teardown(events_are_shown_but_change_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_namespace_that_goes_is_told, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
