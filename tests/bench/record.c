/* record: see the header. */
#include "record.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "bench.h"

static bool send_kept(void *ctx, struct arena *arena, const struct kube_request *requests, size_t count, struct kube_reply *replies, struct err *err) {
  struct record *record = ctx;
  if (record->rounds < RECORD_ROUNDS) {
    struct kube_request *kept = arena_alloc(record->arena, count * sizeof *kept);
    for (size_t i = 0; i < count; i++) {
      kept[i] = requests[i];
      kept[i].method = arena_str(record->arena, requests[i].method);
      kept[i].path = arena_str(record->arena, requests[i].path);
      kept[i].query = arena_str(record->arena, requests[i].query);
      kept[i].content_type = arena_str(record->arena, requests[i].content_type);
      kept[i].accept = arena_str(record->arena, requests[i].accept);
      kept[i].body = requests[i].body ? arena_strn(record->arena, requests[i].body, requests[i].body_length) : NULL;
      kept[i].token = requests[i].token ? "" : NULL;         /* a token is nobody's business here */
    }
    record->round[record->rounds++] = (struct record_round){kept, count};
  }
  return record->kube->send(record->kube->ctx, arena, requests, count, replies, err);
}

static bool watch_through(void *ctx, const struct kube_watch *watch, struct err *err) {
  struct record *record = ctx;
  return record->kube->watch(record->kube->ctx, watch, err);
}

void record_begin(struct record *record, const struct kube *kube, struct arena *arena) {
  memset(record, 0, sizeof *record);
  record->kube = kube;
  record->arena = arena;
  record->port = (struct kube){.ctx = record, .send = send_kept, .watch = watch_through};
}

int record_find(const struct record *record, const char *method, const char *path_end) {
  size_t end = strlen(path_end);
  for (size_t r = 0; r < record->rounds; r++)
    for (size_t i = 0; i < record->round[r].count; i++) {
      const struct kube_request *request = &record->round[r].requests[i];
      size_t n = strlen(request->path);
      if (!strcmp(request->method, method) && n >= end && !strcmp(request->path + n - end, path_end)) return (int)r;
    }
  return -1;
}

bool record_writes(const struct kube_request *request) {
  return strcmp(request->method, "GET") != 0 && !(request->query && strstr(request->query, "dryRun")) && !strstr(request->path, "/token");
}

char *record_rename(struct arena *arena, const char *text, const char *from, const char *to) {
  if (!text) return NULL;
  size_t n = strlen(from);
  if (strlen(to) != n) die("%s and %s differ in length", from, to);
  char *copy = arena_str(arena, text);
  for (char *at = copy; (at = strstr(at, from)); at += n) memcpy(at, to, n);
  return copy;
}
