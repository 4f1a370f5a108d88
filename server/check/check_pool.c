/* check_pool: a fixed number of seats, each with a process or without one. A worker is replaced after any failure or limit, 1,000 jobs, 40 s of
 * processor time, or when it has grown past 128 MiB; so a run can leave nothing behind but time. The lock guards seats and the queue of waiters (check_turn). */
#include "check/check_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"

#define JOBS_MAX 1000
#define RSS_MAX (128l << 20)
#define LIFE_CPU_US (40 * 1000000ll)                          /* lockdown.c ends it at 60 s of processor time: never in the middle of somebody's run */
#define START_MS 20000                                       /* new namespaces can take seconds on a busy machine; one that ends is noticed at once */
#define SAID_MAX 600

struct check_worker { struct spawned child; int said_fd; struct wire_reader in; int jobs; bool busy, dear; struct turn_who who; int64_t from_ms, cpu_from_us; };
struct check_pool {
  pthread_mutex_t lock; pthread_cond_t turn;
  char *path;
  int seats; struct check_worker *seat;
  struct turn queue;                                           /* who goes next on a free seat */
  uint64_t runs, killed, recycled;
};

struct check_pool *check_pool_open(const char *worker_path, int workers, struct err *err) {
  if (workers < 1 || access(worker_path, X_OK)) {
    err_set(err, ERR_UNAVAILABLE, "check.worker", "%s: %s", worker_path, workers < 1 ? "no workers" : strerror(errno));
    return NULL;
  }
  signal(SIGPIPE, SIG_IGN);                                    /* a worker that dies while it is written to must not end the server */
  struct check_pool *pool = calloc(1, sizeof *pool);
  if (!pool || !(pool->seat = calloc((size_t)workers, sizeof *pool->seat)) || !(pool->path = strdup(worker_path))) abort();
  pool->seats = workers;
  turn_init(&pool->queue, workers);
  for (int i = 0; i < workers; i++) pool->seat[i] = (struct check_worker){.child = {.to = -1, .from = -1, .pidfd = -1}, .said_fd = -1, .in = {.fd = -1}};
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->turn, NULL);
  return pool;
}

static void stop(struct check_worker *worker) {
  spawn_kill(&worker->child);
  worker->child = (struct spawned){.to = -1, .from = -1, .pidfd = -1};
  if (worker->said_fd >= 0) close(worker->said_fd);
  worker->said_fd = -1;
  wire_reader_release(&worker->in);
  worker->jobs = 0;
}

void check_pool_close(struct check_pool *pool) {
  if (!pool) return;
  for (int i = 0; i < pool->seats; i++) if (pool->seat[i].child.pid > 0) stop(&pool->seat[i]);
  pthread_mutex_destroy(&pool->lock);
  pthread_cond_destroy(&pool->turn);
  free(pool->seat);
  free(pool->path);
  free(pool);
}

void check_pool_stats(struct check_pool *pool, struct check_pool_stats *out) {
  *out = (struct check_pool_stats){0};
  pthread_mutex_lock(&pool->lock);
  for (int i = 0; i < pool->seats; i++) {
    if (pool->seat[i].busy) out->busy++;                       /* its process belongs to the thread that took it, and is not looked at */
    if (pool->seat[i].busy || pool->seat[i].child.pid > 0) out->alive++;
  }
  out->runs = pool->runs;
  out->killed = pool->killed;
  out->recycled = pool->recycled;
  pthread_mutex_unlock(&pool->lock);
}

static int64_t cpu_us(struct check_worker *worker) {
  clockid_t clock;
  struct timespec now;
  if (worker->child.pid <= 0 || clock_getcpuclockid(worker->child.pid, &clock) || clock_gettime(clock, &now)) return 0;
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t check_worker_cpu_us(struct check_worker *worker) { return cpu_us(worker) - worker->cpu_from_us; }

const char *check_worker_last_words(struct check_worker *worker, struct arena *arena) {
  int status = 0;
  bool ended = spawn_wait(&worker->child, 50, &status);
  char said[SAID_MAX + 1] = "";
  ssize_t n = worker->said_fd >= 0 ? read(worker->said_fd, said, SAID_MAX) : 0;
  said[n > 0 ? n : 0] = 0;
  for (char *s = said; *s; s++) if ((unsigned char)*s < 0x20) *s = ' ';
  if (!ended) return arena_printf(arena, "worker killed; it said: %s", *said ? said : "nothing");
  if (WIFSIGNALED(status)) return arena_printf(arena, "worker ended by signal %d (%s); it said: %s", WTERMSIG(status), strsignal(WTERMSIG(status)), *said ? said : "nothing");
  return arena_printf(arena, "worker ended with status %d; it said: %s", WEXITSTATUS(status), *said ? said : "nothing");
}

/* Starts a process on this seat and waits until it says that its walls stand. */
static bool start(const struct check_pool *pool, struct check_worker *worker, struct err *err) {
  char *argv[] = {pool->path, NULL};
  int said[2];
  if (pipe2(said, O_CLOEXEC | O_NONBLOCK)) return err_set(err, ERR_UNAVAILABLE, "check.worker", "pipe: %s", strerror(errno));
  struct spawn_spec spec = {.path = pool->path, .argv = argv, .pipes = true, .err_fd = said[1], .group = true};   /* Ctrl-C is for us alone */
  bool started = spawn_start(&spec, &worker->child, err);
  close(said[1]);
  worker->said_fd = said[0];
  if (!started) {
    worker->child = (struct spawned){.to = -1, .from = -1, .pidfd = -1};
    return err_set(err, ERR_UNAVAILABLE, "check.worker", "%s does not start", pool->path);
  }
  fcntl(worker->child.to, F_SETFL, O_NONBLOCK);
  fcntl(worker->child.from, F_SETFL, O_NONBLOCK);
  wire_reader_init(&worker->in, worker->child.from);
  worker->jobs = 0;
  struct arena *arena = arena_new(0);
  struct wire_frame frame;
  bool ready = wire_receive(&worker->in, arena, mono_ms() + START_MS, &frame) == WIRE_OK && !strcmp(frame.kind, "ready");
  if (ready && log_traces("check")) {
    struct buf walls;
    buf_init(&walls, 1024);
    tree_write(&walls, tree_get(frame.head, "walls"));
    log_debug("check.worker", "pid=%d walls=%s", (int)worker->child.pid, walls.data);
    buf_release(&walls);
  }
  if (!ready) err_set(err, ERR_UNAVAILABLE, "check.worker", "%s", check_worker_last_words(worker, arena));
  arena_free(arena);
  return ready;
}

static struct check_worker *free_seat(struct check_pool *pool) {
  struct check_worker *empty = NULL;
  for (int i = 0; i < pool->seats; i++) {
    if (pool->seat[i].busy) continue;
    if (pool->seat[i].child.pid > 0) return &pool->seat[i];
    if (!empty) empty = &pool->seat[i];
  }
  return empty;
}

/* It may have been killed from outside while nobody looked. */
static bool is_alive(struct check_worker *worker) { return worker->child.pid > 0 && !spawn_wait(&worker->child, 0, NULL); }

bool check_pool_take(struct check_pool *pool, const struct turn_who *who, bool fresh, struct check_worker **out, struct err *err) {
  struct turn_waiter waiter;
  pthread_mutex_lock(&pool->lock);
  turn_wait(&pool->queue, &waiter, turn_dear(&pool->queue, who, mono_ms()), mono_ms());
  while (turn_next(&pool->queue, mono_ms()) != &waiter) pthread_cond_wait(&pool->turn, &pool->lock);
  turn_go(&pool->queue, &waiter);
  struct check_worker *worker = free_seat(pool);
  worker->busy = true;
  worker->dear = waiter.dear;
  worker->who = *who;
  worker->from_ms = mono_ms();
  pool->runs++;
  pthread_cond_broadcast(&pool->turn);
  pthread_mutex_unlock(&pool->lock);
  if ((fresh && worker->jobs) || !is_alive(worker)) stop(worker);
  if (worker->child.pid <= 0 && !start(pool, worker, err)) {
    check_pool_give(pool, worker, false);
    return false;
  }
  worker->jobs++;
  worker->cpu_from_us = cpu_us(worker);
  *out = worker;
  return true;
}

static long resident(pid_t pid) {
  char path[48], text[128];
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  long size = 0, pages = 0;
  text[n > 0 ? n : 0] = 0;
  return sscanf(text, "%ld %ld", &size, &pages) == 2 ? pages * sysconf(_SC_PAGESIZE) : 0;
}

void check_pool_give(struct check_pool *pool, struct check_worker *worker, bool good) {
  bool recycle = good && (worker->jobs >= JOBS_MAX || cpu_us(worker) >= LIFE_CPU_US || (worker->jobs % 16 == 0 && resident(worker->child.pid) > RSS_MAX));
  if (!good || recycle) stop(worker);
  pthread_mutex_lock(&pool->lock);
  worker->busy = false;
  turn_done(&pool->queue, &worker->who, worker->dear, mono_ms() - worker->from_ms, mono_ms());
  pool->killed += !good;
  pool->recycled += recycle;
  pthread_cond_broadcast(&pool->turn);
  pthread_mutex_unlock(&pool->lock);
}

enum wire_status check_worker_send(struct check_worker *worker, const struct tree *head, const void *blob, size_t blob_length, int64_t until_ms) {
  return wire_send(worker->child.to, head, blob, blob_length, until_ms);
}

enum wire_status check_worker_receive(struct check_worker *worker, struct arena *arena, int64_t until_ms, int64_t limit_us, bool *out_cpu, struct wire_frame *out) {
  *out_cpu = false;
  for (;;) {
    int64_t slice = mono_ms() + 100;                           /* the processor clock is looked at ten times a second */
    enum wire_status status = wire_receive(&worker->in, arena, !limit_us || slice > until_ms ? until_ms : slice, out);
    if (status != WIRE_TIME) return status;
    if (limit_us && check_worker_cpu_us(worker) > limit_us) {
      *out_cpu = true;
      return WIRE_TIME;
    }
    if (mono_ms() >= until_ms) return WIRE_TIME;
  }
}
