/* limit: token buckets in an open table behind one lock. */
#include "base/limit.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wallclock.h"

struct bucket { char key[64]; double tokens; int64_t seen_ms; };
struct limit { pthread_mutex_t lock; double per_ms, burst; int room, count; struct bucket *bucket; };

struct limit *limit_new(double per_second, double burst, int keys_max) {
  struct limit *limit = calloc(1, sizeof *limit);
  if (!limit || !(limit->bucket = calloc((size_t)keys_max, sizeof *limit->bucket))) abort();
  pthread_mutex_init(&limit->lock, NULL);
  limit->per_ms = per_second / 1000;
  limit->burst = burst;
  limit->room = keys_max;
  return limit;
}

void limit_free(struct limit *limit) {
  if (!limit) return;
  pthread_mutex_destroy(&limit->lock);
  free(limit->bucket);
  free(limit);
}

/* The key's bucket, filled up to now; a new or stale one is full. Lock held. */
static struct bucket *find(struct limit *limit, const char *key) {
  int64_t now = mono_ms();
  struct bucket *stalest = NULL;
  for (int i = 0; i < limit->count; i++) {
    struct bucket *bucket = &limit->bucket[i];
    if (!strncmp(bucket->key, key, sizeof bucket->key - 1)) {
      bucket->tokens = fmin(limit->burst, bucket->tokens + (double)(now - bucket->seen_ms) * limit->per_ms);
      bucket->seen_ms = now;
      return bucket;
    }
    if (!stalest || bucket->seen_ms < stalest->seen_ms) stalest = bucket;
  }
  struct bucket *bucket = limit->count < limit->room ? &limit->bucket[limit->count++] : stalest;
  snprintf(bucket->key, sizeof bucket->key, "%s", key);
  bucket->tokens = limit->burst;
  bucket->seen_ms = now;
  return bucket;
}

bool limit_take(struct limit *limit, const char *key, double cost, int *out_retry_s) {
  pthread_mutex_lock(&limit->lock);
  struct bucket *bucket = find(limit, key);
  bool ok = bucket->tokens >= cost;
  if (ok) bucket->tokens -= cost;
  else if (out_retry_s) *out_retry_s = (int)ceil((cost - bucket->tokens) / limit->per_ms / 1000);
  pthread_mutex_unlock(&limit->lock);
  return ok;
}

bool limit_peek(struct limit *limit, const char *key, double cost) {
  pthread_mutex_lock(&limit->lock);
  bool ok = find(limit, key)->tokens >= cost;
  pthread_mutex_unlock(&limit->lock);
  return ok;
}
