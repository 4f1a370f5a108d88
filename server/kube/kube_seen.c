/* kube_seen: a hash table of short texts, chained, grown at one entry a slot. Owned by the watch thread. */
#include "kube/kube_seen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct entry { struct entry *next; uint64_t hash; unsigned round; struct kube_seen_one one; char *version; char text[]; };
struct kube_seen { struct entry **slot; size_t slots, count; unsigned round; };

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static uint64_t hash_of(const char *text) {                  /* FNV-1a; uids are made by the API server, not by learners */
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return hash;
}

struct kube_seen *kube_seen_new(void) {
  struct kube_seen *seen = must(calloc(1, sizeof *seen));
  seen->slots = 64;
  seen->slot = must(calloc(seen->slots, sizeof *seen->slot));
  return seen;
}

static void entry_free(struct entry *entry) {
  free(entry->version);
  free(entry);
}

void kube_seen_free(struct kube_seen *seen) {
  if (!seen) return;
  for (size_t i = 0; i < seen->slots; i++) for (struct entry *entry = seen->slot[i], *next; entry; entry = next) {
    next = entry->next;
    entry_free(entry);
  }
  free(seen->slot);
  free(seen);
}

static struct entry **find(struct kube_seen *seen, const char *uid, uint64_t hash) {
  struct entry **at = &seen->slot[hash & (seen->slots - 1)];
  while (*at && ((*at)->hash != hash || strcmp((*at)->one.uid, uid))) at = &(*at)->next;
  return at;
}

static void grow(struct kube_seen *seen) {
  size_t slots = seen->slots * 2;
  struct entry **slot = must(calloc(slots, sizeof *slot));
  for (size_t i = 0; i < seen->slots; i++) for (struct entry *entry = seen->slot[i], *next; entry; entry = next) {
    next = entry->next;
    entry->next = slot[entry->hash & (slots - 1)];
    slot[entry->hash & (slots - 1)] = entry;
  }
  free(seen->slot);
  seen->slot = slot;
  seen->slots = slots;
}

static const char *put_text(char **at, const char *text) {
  char *start = *at;
  size_t room = strlen(text) + 1;
  memcpy(start, text, room);
  *at += room;
  return start;
}

enum kube_seen_said kube_seen_put(struct kube_seen *seen, const struct kube_seen_one *one) {
  uint64_t hash = hash_of(one->uid);
  struct entry *entry = *find(seen, one->uid, hash);
  if (entry) {
    entry->round = seen->round;
    if (!strcmp(entry->version, one->version)) return KUBE_SEEN_SAME;
    free(entry->version);
    entry->one.version = entry->version = must(strdup(one->version));
    return KUBE_SEEN_CHANGED;
  }
  if (seen->count >= seen->slots) grow(seen);
  entry = must(malloc(sizeof *entry + strlen(one->uid) + strlen(one->namespace) + strlen(one->name) + 3));
  char *at = entry->text;
  entry->hash = hash;
  entry->round = seen->round;
  entry->one.uid = put_text(&at, one->uid);
  entry->one.namespace = put_text(&at, one->namespace);
  entry->one.name = put_text(&at, one->name);
  entry->one.version = entry->version = must(strdup(one->version));
  entry->next = seen->slot[hash & (seen->slots - 1)];
  seen->slot[hash & (seen->slots - 1)] = entry;
  seen->count++;
  return KUBE_SEEN_NEW;
}

bool kube_seen_drop(struct kube_seen *seen, const char *uid) {
  struct entry **at = find(seen, uid, hash_of(uid)), *entry = *at;
  if (!entry) return false;
  *at = entry->next;
  entry_free(entry);
  seen->count--;
  return true;
}

size_t kube_seen_count(const struct kube_seen *seen) { return seen->count; }

void kube_seen_begin(struct kube_seen *seen) { seen->round++; }

void kube_seen_end(struct kube_seen *seen, void (*gone)(void *ctx, const struct kube_seen_one *one), void *ctx) {
  for (size_t i = 0; i < seen->slots; i++) for (struct entry **at = &seen->slot[i]; *at;) {
    struct entry *entry = *at;
    if (entry->round == seen->round) {
      at = &entry->next;
      continue;
    }
    *at = entry->next;
    seen->count--;
    gone(ctx, &entry->one);
    entry_free(entry);
  }
}
