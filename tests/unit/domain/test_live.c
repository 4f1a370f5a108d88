/* live: what a subscriber is told, in which order, after which break, and what it never costs the publisher. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/viewer.h"

static struct viewer aina = {.person = "p-aina", .login = "l-aina", .role = ROLE_LEARNER, .lang = LANG_MS};
static struct viewer ben = {.person = "p-ben", .login = "l-ben", .role = ROLE_LEARNER, .lang = LANG_EN};

static bool may(void *ctx, const char *topic, const struct viewer *viewer) {
  (void)ctx;
  return strcmp(topic, "attempt:aina") || !strcmp(viewer->person, "p-aina");
}
static atomic_int snapshots;            /* several streams ask at once */
static void snapshot(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena, void (*add)(void *, const char *, const char *), void *add_ctx) {
  (void)ctx;
  (void)topic;
  (void)arena;
  snapshots++;
  add(add_ctx, "attempt", viewer->lang == LANG_MS ? "{\"now\":\"sedia\"}" : "{\"now\":\"ready\"}");
}

static struct live *live;
static struct buf out;
static int begin(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  snapshots = 0;
  live = live_open();
  live_source(live, &(struct live_source){.prefix = "attempt:", .may = may, .snapshot = snapshot});
  live_source(live, &(struct live_source){.prefix = "cluster"});
  buf_init(&out, 8u << 20);
  return 0;
}
static int finish(void **state) {
  (void)state;
  buf_release(&out);
  live_close(live);
  return 0;
}

static void publish(const char *topic, const char *event, const char *key, const char *json) {
  live_publish(live, topic, event, key, (const char *const[LANG_COUNT]){json, NULL});
}
static const char *wait(struct live_sub *sub, int ms) {
  buf_reset(&out);
  assert_true(live_wait(sub, ms, &out));
  return out.data;
}
static struct live_sub *subscribe(const struct viewer *viewer, const char *topics, const char *since) {
  struct live_sub *sub;
  struct err err;
  if (!live_subscribe(live, viewer, topics, since, &sub, &err)) fail_msg("refused: %s", err.key);
  return sub;
}
static int times(const char *text, const char *part) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, part)); at++) n++;
  return n;
}
/* The id of the batch, to come back with. */
static char *last_id(void) {
  static char id[64];
  const char *at = NULL;
  for (const char *next = out.data; (next = strstr(next, "\nid: ")); next++) at = next;
  assert_non_null(at);
  snprintf(id, sizeof id, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
  return id;
}

static void a_stream_begins_with_hello_reset_and_the_present_state(void **state) {
  (void)state;
  publish("attempt:aina", "attempt", NULL, "{\"old\":1}");
  struct live_sub *sub = subscribe(&aina, "attempt:aina,cluster", NULL);
  const char *text = wait(sub, 0);
  assert_true(strncmp(text, "event: hello\ndata: {\"epoch\":\"", 29) == 0);
  assert_non_null(strstr(text, "event: reset\ndata: {\"topic\":\"attempt:aina\"}\n\nevent: attempt\ndata: {\"now\":\"sedia\"}\n"));
  assert_non_null(strstr(text, "event: reset\ndata: {\"topic\":\"cluster\"}"));
  assert_null(strstr(text, "old"));
  assert_int_equal(times(text, "id: "), 1);
  assert_string_equal(text + strlen(text) - 2, "\n\n");
  assert_string_equal(wait(sub, 0), "");
  live_release(sub);
}

static void each_hears_own_topics_in_own_language_and_order(void **state) {
  (void)state;
  struct live_sub *a = subscribe(&aina, "cluster", NULL), *b = subscribe(&ben, "cluster,attempt:ben", NULL);
  wait(a, 0);
  wait(b, 0);
  live_publish(live, "cluster", "cluster", NULL, (const char *const[LANG_COUNT]){"{\"en\":1}", "{\"ms\":1}"});
  publish("attempt:ben", "attempt", NULL, "{\"two\":\n2}");
  publish("cluster", "cluster", NULL, "{\"three\":3}");
  const char *text = wait(b, 0);
  const char *one = strstr(text, "{\"en\":1}"), *two = strstr(text, "{\"two\": 2}"), *three = strstr(text, "{\"three\":3}");
  assert_true(one && two && three && one < two && two < three);
  text = wait(a, 0);
  assert_non_null(strstr(text, "{\"ms\":1}"));
  assert_null(strstr(text, "two"));
  live_release(a);
  live_release(b);
}

static void who_comes_back_in_time_misses_nothing_and_gets_nothing_twice(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
  wait(sub, 0);
  publish("attempt:aina", "verdict", NULL, "{\"n\":1}");
  wait(sub, 0);
  char *id = last_id();
  live_release(sub);
  publish("attempt:aina", "verdict", NULL, "{\"n\":2}");
  publish("attempt:aina", "verdict", NULL, "{\"n\":3}");
  sub = subscribe(&aina, "attempt:aina", id);
  const char *text = wait(sub, 0);
  assert_null(strstr(text, "reset"));
  assert_int_equal(times(text, "event: verdict"), 2);
  assert_true(strstr(text, "\"n\":2") < strstr(text, "\"n\":3") && !strstr(text, "\"n\":1"));
  live_release(sub);
}

static void who_comes_back_too_late_or_from_another_start_is_told_anew(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
  wait(sub, 0);
  char id[64];
  snprintf(id, sizeof id, "%s", last_id());
  live_release(sub);
  publish("attempt:aina", "verdict", NULL, "{\"n\":1}");
  wallclock_set_offset(0, LIVE_RING_MS + 1000);
  publish("cluster", "cluster", NULL, "{}");                     /* anything moves the room on */
  sub = subscribe(&aina, "attempt:aina", id);
  assert_non_null(strstr(wait(sub, 0), "event: reset"));
  live_release(sub);
  static const char *const bad[] = {"zzzzzzzz.1", "nonsense", "", "99999999999999999999", NULL};
  for (int i = 0; bad[i]; i++) {
    sub = subscribe(&aina, "attempt:aina", bad[i]);
    assert_non_null(strstr(wait(sub, 0), "event: reset"));
    live_release(sub);
  }
  snprintf(strrchr(id, '.'), 20, ".99999");                      /* a number of the future */
  sub = subscribe(&aina, "attempt:aina", id);
  assert_non_null(strstr(wait(sub, 0), "event: reset"));
  live_release(sub);
}

static void a_ring_holds_512_events_then_the_reader_is_told_anew(void **state) {
  (void)state;
  for (int over = 0; over <= 1; over++) {
    struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
    wait(sub, 0);
    for (int i = 0; i < LIVE_RING + over; i++) publish("attempt:aina", "check", NULL, "{}");
    const char *text = wait(sub, 0);
    assert_int_equal(times(text, "event: reset"), over);
    assert_int_equal(times(text, "event: check"), over ? 0 : LIVE_RING);
    live_release(sub);
  }
}

static void a_reader_a_megabyte_behind_is_told_anew(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
  wait(sub, 0);
  char *big = malloc(200001);
  memset(big, 'x', 200000);
  big[0] = big[199999] = '"';
  big[200000] = 0;
  for (int i = 0; i < 4; i++) publish("attempt:aina", "check", NULL, big);
  assert_int_equal(times(wait(sub, 0), "event: check"), 4);
  for (int i = 0; i < 6; i++) publish("attempt:aina", "check", NULL, big);
  const char *text = wait(sub, 0);
  assert_int_equal(times(text, "event: check"), 0);
  assert_int_equal(times(text, "event: reset"), 1);
  /* the room as a whole is bounded too: 100 topics nobody hears */
  for (int i = 0; i < 100; i++) {
    char topic[32];
    snprintf(topic, sizeof topic, "attempt:x%d", i);
    publish(topic, "check", NULL, big);
  }
  free(big);
  live_release(sub);
}

static void a_key_keeps_the_newest_only(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
  wait(sub, 0);
  publish("attempt:aina", "check", "c1", "{\"v\":1}");
  publish("attempt:aina", "check", "c2", "{\"v\":2}");
  publish("attempt:aina", "verdict", "c1", "{\"v\":3}");          /* another event: another key */
  publish("attempt:aina", "check", "c1", "{\"v\":4}");
  const char *text = wait(sub, 0);
  assert_null(strstr(text, "{\"v\":1}"));
  assert_true(strstr(text, "{\"v\":2}") < strstr(text, "{\"v\":3}") && strstr(text, "{\"v\":3}") < strstr(text, "{\"v\":4}"));
  live_release(sub);
}

static void an_object_comes_at_most_every_quarter_second_and_its_end_overtakes_it(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "attempt:aina", NULL);
  wait(sub, 0);
  publish("attempt:aina", "object", "u1", "{\"v\":1}");
  assert_non_null(strstr(wait(sub, 0), "{\"v\":1}"));
  publish("attempt:aina", "object", "u1", "{\"v\":2}");
  publish("attempt:aina", "object", "u1", "{\"v\":3}");
  publish("attempt:aina", "object", "u2", "{\"v\":9}");          /* another object is not held */
  const char *text = wait(sub, 0);
  assert_null(strstr(text, "{\"v\":3}"));
  assert_non_null(strstr(text, "{\"v\":9}"));
  text = wait(sub, 2000);                                          /* wakes by itself when it is due */
  assert_non_null(strstr(text, "{\"v\":3}"));
  assert_null(strstr(text, "{\"v\":2}"));
  publish("attempt:aina", "object", "u1", "{\"v\":4}");
  publish("attempt:aina", "gone", "u1", "{\"gone\":1}");
  text = wait(sub, 0);
  assert_non_null(strstr(text, "{\"gone\":1}"));
  assert_null(strstr(text, "{\"v\":4}"));
  assert_string_equal(wait(sub, 400), "");
  live_release(sub);
}

static void foreign_unknown_and_too_many_topics_are_refused(void **state) {
  (void)state;
  struct live_sub *sub;
  struct err err;
  assert_false(live_subscribe(live, &ben, "cluster,attempt:aina", NULL, &sub, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_false(live_subscribe(live, &ben, "nothing:1", NULL, &sub, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_false(live_subscribe(live, &ben, "attempt:1,attempt:2,attempt:3,attempt:4,attempt:5,attempt:6,attempt:7,attempt:8,attempt:9", NULL, &sub, &err));
  assert_int_equal(err.code, ERR_INVALID);
  sub = subscribe(&ben, "cluster", NULL);
  assert_false(live_change(live, sub, "attempt:aina", &err));
  wait(sub, 0);
  publish("cluster", "cluster", NULL, "{\"still\":1}");            /* a refused change changes nothing */
  assert_non_null(strstr(wait(sub, 0), "still"));
  live_release(sub);
}

static void topics_change_without_a_gap(void **state) {
  (void)state;
  struct live_sub *sub = subscribe(&aina, "cluster", NULL);
  wait(sub, 0);
  char tab[ID_SIZE];
  snprintf(tab, sizeof tab, "%s", live_tab(sub));
  assert_null(live_find(live, tab, "p-ben"));
  struct live_sub *found = live_find(live, tab, "p-aina");
  assert_ptr_equal(found, sub);
  publish("cluster", "cluster", NULL, "{\"before\":1}");
  struct err err;
  assert_true(live_change(live, found, "attempt:aina,cluster", &err));
  live_release(found);
  const char *text = wait(sub, 0);
  assert_non_null(strstr(text, "{\"before\":1}"));
  assert_non_null(strstr(text, "{\"topic\":\"attempt:aina\"}"));
  assert_null(strstr(text, "{\"topic\":\"cluster\"}"));
  assert_int_equal(snapshots, 1);
  live_release(sub);
}

static void a_login_has_six_streams(void **state) {
  (void)state;
  struct live_sub *sub[LIVE_LOGIN_STREAMS], *more;
  struct err err;
  for (int i = 0; i < LIVE_LOGIN_STREAMS; i++) sub[i] = subscribe(&aina, "cluster", NULL);
  assert_false(live_subscribe(live, &aina, "cluster", NULL, &more, &err));
  assert_int_equal(err.code, ERR_LIMIT);
  assert_true(err.retry_after_s > 0);
  more = subscribe(&ben, "cluster", NULL);
  live_release(more);
  live_release(sub[0]);
  sub[0] = subscribe(&aina, "cluster", NULL);
  for (int i = 0; i < LIVE_LOGIN_STREAMS; i++) live_release(sub[i]);
}

static void sign_out_ends_the_streams_of_that_login_alone(void **state) {
  (void)state;
  struct live_sub *a = subscribe(&aina, "cluster", NULL), *b = subscribe(&ben, "cluster", NULL);
  wait(a, 0);
  wait(b, 0);
  live_drop_login(live, "l-aina");
  buf_reset(&out);
  assert_false(live_wait(a, 10000, &out));
  assert_non_null(strstr(out.data, "event: bye"));
  assert_string_equal(wait(b, 0), "");
  live_release(a);
  live_bye(live, 1500, "stopping");
  buf_reset(&out);
  assert_false(live_wait(b, 10000, &out));
  assert_non_null(strstr(out.data, "{\"retry_ms\":1500,\"why\":\"stopping\"}"));
  struct live_sub *late;
  struct err err;
  assert_false(live_subscribe(live, &ben, "cluster", NULL, &late, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  publish("cluster", "cluster", NULL, "{}");
  live_release(b);
}

/* Four publishers, three readers with breaks: everybody ends with the last state of each key, and numbers only rise. */
#define ROUNDS 400
static pthread_barrier_t all_there;
static void *publisher(void *arg) {
  pthread_barrier_wait(&all_there);
  for (int i = 0; i <= ROUNDS; i++) {
    char key[16], json[64];
    snprintf(key, sizeof key, "k%d", (int)(intptr_t)arg);
    snprintf(json, sizeof json, "{\"key\":%d,\"round\":%d}", (int)(intptr_t)arg, i);
    publish("attempt:crowd", "check", key, json);
  }
  return NULL;
}
static void *reader(void *arg) {
  int seen[4] = {-1, -1, -1, -1};
  struct buf mine;
  buf_init(&mine, 8u << 20);
  char since[64] = "";
  for (int round = 0; round < 300; round++) {
    struct live_sub *sub = subscribe(&ben, "attempt:crowd", *since ? since : NULL);
    for (int i = 0; i < 5; i++) {
      buf_reset(&mine);
      live_wait(sub, 2, &mine);
      if (!round && !i) pthread_barrier_wait(&all_there);
      else if (strstr(mine.data, "event: reset")) *(int *)arg = -3;
      for (const char *at = mine.data; (at = strstr(at, "{\"key\":")); at++) {
        int key, value;
        assert_int_equal(sscanf(at, "{\"key\":%d,\"round\":%d}", &key, &value), 2);
        if (value < seen[key]) *(int *)arg = -1;
        seen[key] = value;
      }
      for (const char *at = mine.data; (at = strstr(at, "\nid: ")); at++) snprintf(since, sizeof since, "%.*s", (int)strcspn(at + 5, "\n"), at + 5);
    }
    live_release(sub);
    if (seen[0] == ROUNDS && seen[1] == ROUNDS && seen[2] == ROUNDS && seen[3] == ROUNDS) break;
  }
  for (int i = 0; i < 4; i++) if (seen[i] != ROUNDS) *(int *)arg = -2;
  buf_release(&mine);
  return NULL;
}
static void readers_with_breaks_end_with_the_last_state(void **state) {
  (void)state;
  pthread_t writers[4], readers[3];
  int fault[3] = {0};
  pthread_barrier_init(&all_there, NULL, 7);
  for (int i = 0; i < 3; i++) pthread_create(&readers[i], NULL, reader, &fault[i]);
  for (int i = 0; i < 4; i++) pthread_create(&writers[i], NULL, publisher, (void *)(intptr_t)i);
  for (int i = 0; i < 4; i++) pthread_join(writers[i], NULL);
  for (int i = 0; i < 3; i++) pthread_join(readers[i], NULL);
  for (int i = 0; i < 3; i++) assert_int_equal(fault[i], 0);
}

static void the_age_of_the_watch_is_told(void **state) {
  (void)state;
  assert_int_equal(live_heard_age_ms(live), -1);
  live_heard(live);
  wallclock_set_offset(0, 5000);
  assert_in_range(live_heard_age_ms(live), 5000, 5500);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
  const struct CMUnitTest tests[] = {
    T(a_stream_begins_with_hello_reset_and_the_present_state), T(each_hears_own_topics_in_own_language_and_order),
    T(who_comes_back_in_time_misses_nothing_and_gets_nothing_twice), T(who_comes_back_too_late_or_from_another_start_is_told_anew),
    T(a_ring_holds_512_events_then_the_reader_is_told_anew), T(a_reader_a_megabyte_behind_is_told_anew), T(a_key_keeps_the_newest_only),
    T(an_object_comes_at_most_every_quarter_second_and_its_end_overtakes_it), T(foreign_unknown_and_too_many_topics_are_refused),
    T(topics_change_without_a_gap), T(a_login_has_six_streams), T(sign_out_ends_the_streams_of_that_login_alone),
    T(readers_with_breaks_end_with_the_last_state), T(the_age_of_the_watch_is_told),
  };
  return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
