/* bulk: a ring of results. Threads take the next item as long as its slot is free; the caller empties the slots in turn. */
#include "app/bulk.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS 100
#define SLOTS_EACH 8

struct slot { void *result; bool full; };
struct ring {
  const struct bulk *bulk;
  pthread_mutex_t lock; pthread_cond_t free, filled;
  struct slot *slot; size_t slots;
  size_t taken, given, finished;        /* items handed to threads; results handed to the caller; items whose work has ended */
  bool closed;                          /* nothing more is taken */
};

static void *thread_main(void *arg) {
  struct ring *ring = arg;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_mutex_lock(&ring->lock);
  for (;;) {
    while (!ring->closed && ring->taken < ring->bulk->count && ring->taken - ring->given >= ring->slots) pthread_cond_wait(&ring->free, &ring->lock);
    if (ring->closed || ring->taken == ring->bulk->count) break;
    size_t item = ring->taken++;
    pthread_mutex_unlock(&ring->lock);
    void *result = ring->bulk->work(ring->bulk->ctx, item);
    pthread_mutex_lock(&ring->lock);
    ring->slot[item % ring->slots] = (struct slot){result, true};
    ring->finished++;
    pthread_cond_signal(&ring->filled);
  }
  pthread_mutex_unlock(&ring->lock);
  return NULL;
}

static void close_ring(struct ring *ring) {
  ring->closed = true;
  pthread_cond_broadcast(&ring->free);
}

static void wait_a_tick(struct ring *ring) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += TICK_MS * 1000000l;
  if (until.tv_nsec >= 1000000000l) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000l;
  }
  pthread_cond_timedwait(&ring->filled, &ring->lock, &until);
}

size_t bulk_run(const struct bulk *bulk) {
  int threads = bulk->threads < 1 ? 1 : (size_t)bulk->threads > bulk->count ? (int)bulk->count : bulk->threads, started = 0;
  struct ring ring = {.bulk = bulk, .slots = (size_t)(threads + 1) * SLOTS_EACH};
  pthread_t *thread = calloc((size_t)threads + 1, sizeof *thread);
  pthread_condattr_t monotonic;
  if (!thread || !(ring.slot = calloc(ring.slots, sizeof *ring.slot))) abort();
  pthread_mutex_init(&ring.lock, NULL);
  pthread_cond_init(&ring.free, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&ring.filled, &monotonic);
  pthread_condattr_destroy(&monotonic);
  while (started < threads && !pthread_create(&thread[started], NULL, thread_main, &ring)) started++;
  if (!started && bulk->count) abort();
  size_t good = 0;
  bool wanted = true;
  pthread_mutex_lock(&ring.lock);
  for (;;) {
    if (*bulk->stop && !ring.closed) close_ring(&ring);
    struct slot *slot = &ring.slot[ring.given % ring.slots];
    if (slot->full) {
      void *result = slot->result;
      *slot = (struct slot){0};
      size_t item = ring.given++, finished = ring.finished;
      pthread_cond_broadcast(&ring.free);
      pthread_mutex_unlock(&ring.lock);
      if (wanted) {
        wanted = bulk->done(bulk->ctx, item, result);
        good += wanted;
      } else bulk->dropped(bulk->ctx, result);
      bulk->tick(bulk->ctx, finished);
      pthread_mutex_lock(&ring.lock);
      if (!wanted && !ring.closed) close_ring(&ring);
      continue;
    }
    if (ring.given == bulk->count || (ring.closed && ring.given == ring.taken)) break;
    wait_a_tick(&ring);
    size_t finished = ring.finished;
    pthread_mutex_unlock(&ring.lock);
    bulk->tick(bulk->ctx, finished);
    pthread_mutex_lock(&ring.lock);
  }
  close_ring(&ring);
  pthread_mutex_unlock(&ring.lock);
  for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
  pthread_cond_destroy(&ring.free);
  pthread_cond_destroy(&ring.filled);
  pthread_mutex_destroy(&ring.lock);
  free(ring.slot);
  free(thread);
  return good;
}
