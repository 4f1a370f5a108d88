/* bulk: order, a bound on what waits, and the ways to end early. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "app/bulk.h"

struct seen { pthread_mutex_t lock; size_t next, made, live, most, dropped, end_at, ticks; volatile sig_atomic_t stop; size_t stop_at; };

static void *work(void *ctx, size_t item) {
  struct seen *seen = ctx;
  struct timespec little = {0, (long)(item % 7) * 100000};
  nanosleep(&little, NULL);                                 /* they end out of order */
  pthread_mutex_lock(&seen->lock);
  seen->made++;
  if (++seen->live > seen->most) seen->most = seen->live;
  pthread_mutex_unlock(&seen->lock);
  size_t *result = malloc(sizeof *result);
  *result = item;
  return result;
}

static void gone(struct seen *seen, void *result) {
  free(result);
  pthread_mutex_lock(&seen->lock);
  seen->live--;
  pthread_mutex_unlock(&seen->lock);
}

static bool done(void *ctx, size_t item, void *result) {
  struct seen *seen = ctx;
  assert_int_equal(item, seen->next);
  assert_int_equal(*(size_t *)result, item);
  seen->next++;
  gone(seen, result);
  if (seen->stop_at && seen->next == seen->stop_at) seen->stop = 1;
  return !seen->end_at || seen->next < seen->end_at;
}

static void dropped(void *ctx, void *result) {
  ((struct seen *)ctx)->dropped++;
  gone(ctx, result);
}

static void tick(void *ctx, size_t finished) {
  struct seen *seen = ctx;
  assert_true(finished >= seen->next || seen->end_at);
  seen->ticks++;
}

static size_t run(struct seen *seen, size_t count, int threads) {
  pthread_mutex_init(&seen->lock, NULL);
  size_t got = bulk_run(&(struct bulk){.count = count, .threads = threads, .work = work, .done = done, .dropped = dropped, .tick = tick, .stop = &seen->stop, .ctx = seen});
  pthread_mutex_destroy(&seen->lock);
  assert_int_equal(seen->live, 0);
  assert_int_equal(seen->made, seen->next + seen->dropped);
  return got;
}

static void results_come_in_order_and_few_wait(void **state) {
  (void)state;
  struct seen seen = {0};
  assert_int_equal(run(&seen, 2000, 4), 2000);
  assert_true(seen.most <= 5 * 8 + 4);
  assert_true(seen.ticks >= 2000);
}

static void none_one_and_more_threads_than_items(void **state) {
  (void)state;
  assert_int_equal(run(&(struct seen){0}, 0, 4), 0);
  assert_int_equal(run(&(struct seen){0}, 1, 4), 1);
  assert_int_equal(run(&(struct seen){0}, 3, 0), 3);
}

static void stopped_it_ends_what_was_begun_and_begins_nothing(void **state) {
  (void)state;
  struct seen seen = {.stop_at = 100};
  size_t got = run(&seen, 100000, 4);
  assert_true(got >= 100 && got <= 100 + 5 * 8 + 4);
  assert_int_equal(seen.dropped, 0);
}

static void who_wants_no_more_gets_no_more(void **state) {
  (void)state;
  struct seen seen = {.end_at = 50};
  assert_int_equal(run(&seen, 100000, 4), 49);
  assert_int_equal(seen.next, 50);
  assert_true(seen.dropped <= 5 * 8 + 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(results_come_in_order_and_few_wait), cmocka_unit_test(none_one_and_more_threads_than_items),
                                     cmocka_unit_test(stopped_it_ends_what_was_begun_and_begins_nothing), cmocka_unit_test(who_wants_no_more_gets_no_more)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
