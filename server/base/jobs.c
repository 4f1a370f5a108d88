/* jobs: a delay queue (small sorted list) and threads that take what is due. The queue's lock is never held while a job runs. One thread is woken for
 * one job: who takes a job wakes the next when there is another in the queue, which then takes it or waits for its time. */
#include "base/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/wallclock.h"

struct job { struct job *next; jobs_fn fn; void *ctx; char what[64]; int64_t due_ms; };
struct jobs {
  pthread_mutex_t lock;
  pthread_cond_t change, calm;               /* something to do, or another time to wait for; a job has ended while closing */
  struct job *first;
  int waiting, most, running, threads;
  bool closing, stopped;
  pthread_t thread[32];
};

static void *work(void *arg) {
  struct jobs *jobs = arg;
  pthread_mutex_lock(&jobs->lock);
  while (!jobs->stopped) {
    int64_t now = mono_ms();
    struct job *job = jobs->first;
    if (!job || job->due_ms > now) {
      if (job) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t wait = job->due_ms - now;
        until.tv_sec += wait / 1000;
        until.tv_nsec += wait % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) { until.tv_sec++; until.tv_nsec -= 1000000000; }
        pthread_cond_timedwait(&jobs->change, &jobs->lock, &until);
      } else {
        pthread_cond_wait(&jobs->change, &jobs->lock);
      }
      continue;
    }
    jobs->first = job->next;
    jobs->waiting--;
    jobs->running++;
    if (jobs->first) pthread_cond_signal(&jobs->change);
    pthread_mutex_unlock(&jobs->lock);
    struct arena *arena = arena_new(0);
    job->fn(job->ctx, job->what, arena);
    arena_free(arena);
    free(job);
    pthread_mutex_lock(&jobs->lock);
    jobs->running--;
    if (jobs->closing) pthread_cond_signal(&jobs->calm);
  }
  pthread_mutex_unlock(&jobs->lock);
  return NULL;
}

struct jobs *jobs_open(const char *name, int threads, int queue_max) {
  struct jobs *jobs = calloc(1, sizeof *jobs);
  if (!jobs) abort();
  pthread_mutex_init(&jobs->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&jobs->change, &attr);
  pthread_cond_init(&jobs->calm, &attr);
  pthread_condattr_destroy(&attr);
  jobs->most = queue_max;
  if (threads > 32) threads = 32;
  for (int i = 0; i < threads; i++) {
    if (pthread_create(&jobs->thread[i], NULL, work, jobs) != 0) break;
    pthread_setname_np(jobs->thread[i], name);
    jobs->threads++;
  }
  return jobs;
}

static void insert(struct jobs *jobs, struct job *job) {
  struct job **at = &jobs->first;
  while (*at && (*at)->due_ms <= job->due_ms) at = &(*at)->next;
  job->next = *at;
  *at = job;
}

bool jobs_add(struct jobs *jobs, jobs_fn fn, void *ctx, const char *what, int64_t delay_ms, struct err *err) {
  bool ok = true;
  int64_t due = mono_ms() + (delay_ms > 0 ? delay_ms : 0);
  pthread_mutex_lock(&jobs->lock);
  struct job **at = &jobs->first;
  while (*at && !((*at)->fn == fn && (*at)->ctx == ctx && !strncmp((*at)->what, what, sizeof (*at)->what - 1))) at = &(*at)->next;
  struct job *job = *at;
  if (jobs->closing) {
    ok = err_set(err, ERR_UNAVAILABLE, "jobs.closing", "the queue is closing");
  } else if (job) {
    if (due < job->due_ms) {
      *at = job->next;
      job->due_ms = due;
      insert(jobs, job);
    }
  } else if (jobs->waiting >= jobs->most) {
    ok = err_set(err, ERR_LIMIT, "jobs.full", "%d jobs wait already", jobs->waiting);
    if (err) err->retry_after_s = 10;
  } else {
    if (!(job = calloc(1, sizeof *job))) abort();
    *job = (struct job){.fn = fn, .ctx = ctx, .due_ms = due};
    snprintf(job->what, sizeof job->what, "%s", what);
    insert(jobs, job);
    jobs->waiting++;
  }
  pthread_cond_signal(&jobs->change);
  pthread_mutex_unlock(&jobs->lock);
  return ok;
}

int jobs_waiting(struct jobs *jobs) {
  pthread_mutex_lock(&jobs->lock);
  int n = jobs->waiting + jobs->running;
  pthread_mutex_unlock(&jobs->lock);
  return n;
}

void jobs_close(struct jobs *jobs, int64_t drain_ms) {
  if (!jobs) return;
  int64_t until = mono_ms() + drain_ms;
  pthread_mutex_lock(&jobs->lock);
  jobs->closing = true;
  /* what is due now is finished, what waits for its hour is dropped: its row brings it back at the next start */
  while (mono_ms() < until && (jobs->running || (jobs->first && jobs->first->due_ms <= mono_ms()))) {
    struct timespec soon;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) { soon.tv_sec++; soon.tv_nsec -= 1000000000; }
    pthread_cond_timedwait(&jobs->calm, &jobs->lock, &soon);
  }
  jobs->stopped = true;
  pthread_cond_broadcast(&jobs->change);
  pthread_mutex_unlock(&jobs->lock);
  for (int i = 0; i < jobs->threads; i++) pthread_join(jobs->thread[i], NULL);
  for (struct job *job = jobs->first, *next; job; job = next) {
    next = job->next;
    free(job);
  }
  pthread_cond_destroy(&jobs->change);
  pthread_cond_destroy(&jobs->calm);
  pthread_mutex_destroy(&jobs->lock);
  free(jobs);
}
