/* The pool, with real workers and with programs that only claim to be one: nothing that a worker says or does costs more than its own run. */
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/wallclock.h"
#include "check/check_pool.h"
#include "unit/check/job.h"

static char *json(struct arena *arena, const struct tree *tree) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 1 << 20);
  tree_write(out, tree);
  return out->data;
}

static int begin(void **state) {
  (void)state;
  secret_init();
  return 0;
}

/* A shell script that plays the worker: says it is ready, then does as told. */
static struct check_pool *fake_pool(const char *what_it_does, char path[64]) {
  snprintf(path, 64, "/tmp/makmal-test-worker-%d", (int)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file,
    "#!/bin/bash\n"
    "byte() { printf \"\\\\x$(printf %%02x \"$1\")\"; }\n"
    "number() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); byte $(($1 >> 16 & 255)); byte $(($1 >> 24 & 255)); }\n"
    "frame() { number ${#1}; number ${#2}; printf '%%s%%s' \"$1\" \"$2\"; }\n"                       /* frame HEADER BLOB */
    "frame '{\"t\":\"ready\",\"walls\":[]}' ''\n"
    "%s\n", what_it_does);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0755), 0);
  struct err err = {0};
  struct check_pool *pool = check_pool_open(path, 1, &err);
  assert_non_null(pool);
  return pool;
}

#define HONEST "check('a', 'files', function() end) check('b', 'files', function() end)"

static void whatever_a_worker_does_the_run_ends_as_an_error(void **state) {
  (void)state;
  static const char plan[] = "frame '{\"ids\":{\"at\":0,\"size\":5},\"t\":\"plan\"}' '[\"a\"]'\n";
  static const char check_a[] = "frame '{\"check\":{\"at\":0,\"size\":27},\"t\":\"check\"}' '{\"id\":\"a\",\"outcome\":\"pass\"}'\n";
  static const char done[] = "frame '{\"t\":\"done\",\"nonce\":\"x\"}' ''\n";
  const struct { const char *sentence, *does[4]; const char *key; int checks; } rows[] = {
    {"it ends at once", {"exit 0"}, "error.worker", 0},
    {"it ends after its plan", {plan, "exit 0"}, "error.worker", 1},
    {"it ends with a finished check and no end", {plan, check_a, "exit 0"}, "error.worker", 1},
    {"it forges the end without knowing the nonce", {plan, check_a, done}, "error.worker", 1},
    {"it says a check that is not in its plan", {"frame '{\"ids\":{\"at\":0,\"size\":5},\"t\":\"plan\"}' '[\"z\"]'\n", check_a, "sleep 9"}, "error.worker", 1},
    {"it says a check twice", {plan, check_a, check_a, "sleep 9"}, "error.worker", 1},
    {"it sends two plans", {plan, plan, "sleep 9"}, "error.worker", 1},
    {"it prints a verdict", {"echo '{\"outcome\":\"pass\"}'; sleep 9"}, "error.worker", 0},
    {"it floods", {"yes"}, "error.worker", 0},
    {"its header is too long", {"number 65537; number 0; sleep 9"}, "error.worker", 0},
    {"its blob is too long", {"number 2; number 17825793; sleep 9"}, "error.worker", 0},
    {"its header is a list", {"frame '[1]' ''; sleep 9"}, "error.worker", 0},
    {"its header has no kind", {"frame '{}' ''; sleep 9"}, "error.worker", 0},
    {"its kind is unknown", {"frame '{\"t\":\"hello\"}' ''; sleep 9"}, "error.worker", 0},
    {"its part lies outside its blob", {"frame '{\"t\":\"plan\",\"ids\":{\"at\":9,\"size\":9}}' ''; sleep 9"}, "error.worker", 0},
    {"it wants a source that is not its business", {"frame '{\"t\":\"need\",\"sha256\":\"00\"}' ''; sleep 9"}, "error.worker", 0},
    {"it closes its pipes and stays", {"exec <&- >&-; sleep 9"}, "error.worker", 0},
    {"it says nothing", {"sleep 9"}, "error.time", 0},
    {"it says half a frame", {"number 100; number 0; printf '{'; sleep 9"}, "error.time", 0},
    {"it computes for ever", {"while :; do :; done"}, "error.time", 0},
    {"it asks, and reads no answer", {"for i in 1 2 3; do frame '{\"n\":1,\"request\":{\"at\":0,\"size\":14},\"t\":\"ask\"}' '{\"verb\":\"list\"}'; done; sleep 9"}, "error.worker", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    char path[64];
    char *does = arena_printf(arena, "%s%s%s%s", rows[i].does[0], rows[i].does[1] ? rows[i].does[1] : "", rows[i].does[2] ? rows[i].does[2] : "", rows[i].does[3] ? rows[i].does[3] : "");
    struct check_pool *pool = fake_pool(does, path);
    struct job_case c;
    struct check_result result;
    struct err err = {0};
    job_begin(&c, HONEST, NULL);
    c.job.wall_ms = 700;
    if (!check_run(pool, arena, &c.job, NULL, &result, &err)) fail_msg("%s: %s %s", rows[i].sentence, err.key, err.detail);
    if (!result.error || strcmp(tree_text(result.error, "key"), rows[i].key)) fail_msg("%s: %s", rows[i].sentence, result.error ? json(arena, result.error) : "no error");
    if ((int)result.checks->count != rows[i].checks) fail_msg("%s: %s", rows[i].sentence, json(arena, result.checks));
    struct check_pool_stats stats;
    check_pool_stats(pool, &stats);
    assert_int_equal(stats.alive, 0);                          /* it is gone, whatever it was about to do */
    assert_true(stats.killed >= 1);
    check_pool_close(pool);
    unlink(path);
    arena_free(arena);
  }
}

static void a_program_that_cannot_build_its_wall_is_not_used(void **state) {
  (void)state;
  char path[64];
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct check_result result;
  struct err err = {0};
  snprintf(path, sizeof path, "/tmp/makmal-test-worker-%d", (int)getpid());
  FILE *file = fopen(path, "w");
  fprintf(file, "#!/bin/sh\necho 'no wall: seccomp' >&2\nexit 3\n");
  fclose(file);
  chmod(path, 0755);
  struct check_pool *pool = check_pool_open(path, 1, &err);
  job_begin(&c, HONEST, NULL);
  assert_false(check_run(pool, arena, &c.job, NULL, &result, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  assert_string_equal(err.key, "check.worker");
  assert_non_null(strstr(err.detail, "no wall: seccomp"));
  check_pool_close(pool);
  unlink(path);
  arena_free(arena);
}

static bool passes(struct check_pool *pool, const char *script) {
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct check_result result;
  struct err err = {0};
  job_begin(&c, script, NULL);
  bool ok = check_run(pool, arena, &c.job, NULL, &result, &err) && !result.error && result.checks->count && !strcmp(tree_text(result.checks->child, "outcome"), "pass");
  arena_free(arena);
  return ok;
}

static void a_worker_killed_from_outside_is_replaced(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  assert_true(passes(pool, HONEST));
  struct check_worker *worker;
  assert_true(check_pool_take(pool, &(struct turn_who){0}, false, &worker, &err));
  pid_t pid = *(pid_t *)worker;                                /* struct spawned comes first, its pid first in it */
  check_pool_give(pool, worker, true);
  assert_int_equal(kill(pid, SIGKILL), 0);
  for (int i = 0; i < 3; i++) assert_true(passes(pool, HONEST));
  check_pool_close(pool);
}

static void a_closing_run_gets_a_worker_of_its_own(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct check_result result;
  struct check_pool_stats before, after;
  assert_true(passes(pool, HONEST));
  check_pool_stats(pool, &before);
  job_begin(&c, HONEST, NULL);
  c.job.closing = true;
  assert_true(check_run(pool, arena, &c.job, NULL, &result, &err));
  assert_null(result.error);
  check_pool_stats(pool, &after);
  assert_int_equal(before.alive, 1);
  assert_int_equal(after.alive, 0);
  check_pool_close(pool);
  arena_free(arena);
}

static void a_worker_is_replaced_after_a_thousand_jobs(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  struct check_pool_stats stats;
  for (int i = 0; i < 1001; i++) assert_true(passes(pool, HONEST));
  check_pool_stats(pool, &stats);
  assert_int_equal(stats.recycled, 1);
  assert_int_equal(stats.killed, 0);
  assert_int_equal(stats.alive, 1);
  check_pool_close(pool);
}

static void a_worker_that_hit_a_limit_is_replaced(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  struct check_pool_stats stats;
  assert_false(passes(pool, "check('a', 'files', function() while true do end end)"));
  check_pool_stats(pool, &stats);
  assert_int_equal(stats.alive, 0);
  assert_true(passes(pool, HONEST));
  check_pool_close(pool);
}

/* A thread that runs scripts; how long each took. */
struct runner { pthread_t thread; struct check_pool *pool; const char *script; int times; int passed; };

static void *run_many(void *arg) {
  struct runner *runner = arg;
  for (int i = 0; i < runner->times; i++) runner->passed += passes(runner->pool, runner->script);
  return NULL;
}

static void many_threads_share_few_workers_and_none_is_forgotten(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 2, &err);
  struct runner runner[8];
  for (int i = 0; i < 8; i++) {
    runner[i] = (struct runner){.pool = pool, .script = i % 4 ? HONEST : "check('a', 'files', function() local t = {} while true do t[#t + 1] = {} end end)", .times = i % 4 ? 15 : 1};
    assert_int_equal(pthread_create(&runner[i].thread, NULL, run_many, &runner[i]), 0);
  }
  for (int i = 0; i < 8; i++) {
    pthread_join(runner[i].thread, NULL);
    assert_int_equal(runner[i].passed, i % 4 ? 15 : 0);        /* the hostile ones fail, the honest ones all pass */
  }
  struct check_pool_stats stats;
  check_pool_stats(pool, &stats);
  assert_int_equal(stats.busy, 0);
  assert_int_equal(stats.runs, 6 * 15 + 2);
  check_pool_close(pool);
}

/* Threads that hand in runs which use up their budget, until they are told to stop. */
struct flood { struct check_pool *pool; volatile bool stop; int ended; pthread_mutex_t lock; };

static void *hand_in_hostile(void *arg) {
  struct flood *flood = arg;
  while (!flood->stop) {
    passes(flood->pool, "check('a', 'files', function() while true do pcall(string.rep, 'x', 10) end end)");
    pthread_mutex_lock(&flood->lock);
    flood->ended++;
    pthread_mutex_unlock(&flood->lock);
  }
  return NULL;
}

static void honest_runs_keep_their_pace_beside_hostile_ones(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 2, &err);
  struct flood flood = {.pool = pool, .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t thread[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, hand_in_hostile, &flood), 0);
  while (flood.ended < 2) usleep(10000);                       /* what they cost is known now */
  int before = flood.ended;
  for (int i = 0; i < 100; i++) assert_true(passes(pool, HONEST));
  int meanwhile = flood.ended - before;
  flood.stop = true;
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  check_pool_close(pool);
  if (meanwhile > 25) fail_msg("%d hostile runs ended while 100 honest ones did", meanwhile);       /* in turns it would be 400 */
}

static void no_lock_is_held_while_a_run_is_on(void **state) {
  (void)state;
  struct err err = {0};
  struct check_pool *pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 2, &err);
  struct check_worker *one, *two;
  assert_true(check_pool_take(pool, &(struct turn_who){0}, false, &one, &err));
  assert_true(check_pool_take(pool, &(struct turn_who){0}, false, &two, &err));       /* would wait for ever if one held the lock */
  struct check_pool_stats stats;
  check_pool_stats(pool, &stats);
  assert_int_equal(stats.busy, 2);
  check_pool_give(pool, one, true);
  check_pool_give(pool, two, true);
  check_pool_close(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(whatever_a_worker_does_the_run_ends_as_an_error), cmocka_unit_test(a_program_that_cannot_build_its_wall_is_not_used),
    cmocka_unit_test(a_worker_killed_from_outside_is_replaced), cmocka_unit_test(a_closing_run_gets_a_worker_of_its_own),
    cmocka_unit_test(a_worker_is_replaced_after_a_thousand_jobs), cmocka_unit_test(a_worker_that_hit_a_limit_is_replaced),
    cmocka_unit_test(many_threads_share_few_workers_and_none_is_forgotten),
    cmocka_unit_test(honest_runs_keep_their_pace_beside_hostile_ones), cmocka_unit_test(no_lock_is_held_while_a_run_is_on),
  };
  return cmocka_run_group_tests(tests, begin, NULL);
}
