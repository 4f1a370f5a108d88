/* live: what changes, passed to who looks.
 *
 * A topic's ring is its subscribers' queue: a subscriber holds nothing but a cursor (the last sequence number it was told), so a slow reader costs no
 * memory and blocks nobody. What its cursor misses because the ring has moved on is told anew: `reset`, then the snapshot by the topic's source.
 * An event with a key takes the place of the older one with that key, in the ring too: a page needs the last state only.
 * Objects that change too fast are held (`due`) and get their sequence number when they are let go, so numbers always rise in the order of telling.
 *
 * One lock for everything, held for pointer work only: JSON is copied before, written out after (events are counted by reference), sources are called
 * without it. Events hang in two lists, the ring of their topic and the age list of the whole room, which makes "older than 60 s" and "16 MiB in all" exact.
 * Memory: events belong to the rings, topics to the room while they have events or subscribers, subscribers to their stream threads. */
#include "domain/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/wallclock.h"
#include "domain/viewer.h"

#define SOURCES_MAX 16
#define TOPIC_NAME 96
#define TABLE 256                       /* topics are found by hash */

struct event {
  atomic_int refs;
  uint64_t seq;                         /* 0 while held */
  int64_t at_ms, due_ms;
  size_t bytes;
  uint64_t key_hash;                    /* of (event, key); 0: no key */
  char name[16];
  const char *key;
  const char *json[LANG_COUNT];
  struct topic *topic;
  struct event *older, *newer;          /* in the topic */
  struct event *before, *after;         /* by age, in the room */
};
struct topic {
  char name[TOPIC_NAME];
  struct topic *next;
  struct event *oldest, *newest;        /* the ring */
  struct event *held;                   /* objects that wait for their turn; linked by newer */
  int count;
  uint64_t lost;                        /* the highest number that fell out of the ring */
  int subscribers;
  struct hearer *hearers;               /* one for each of them, so that telling wakes nobody else */
};
struct hearer { struct live_sub *sub; struct hearer *before, *after; };
struct seat { struct topic *topic; struct hearer *hearer; bool reset; };
struct live_sub {
  struct live *live;
  int refs;                             /* live's lock */
  bool ended, greeted;
  const char *bye_why; int bye_retry_ms;
  struct viewer viewer;
  char tab[ID_SIZE];
  uint64_t cursor;
  struct seat seat[LIVE_TOPICS]; int seats;
  pthread_cond_t wake;
  struct live_sub *next;
};
struct live {
  pthread_mutex_t lock;
  char epoch[9];
  uint64_t seq;
  uint64_t forgotten;                   /* the highest number lost with a topic that is gone */
  size_t bytes;
  bool closing, closed;
  _Atomic int64_t heard_ms;
  struct topic *table[TABLE];
  struct event *oldest, *newest;        /* by age */
  struct live_sub *subs; int sub_count;
  struct live_source source[SOURCES_MAX]; int sources;
  uint64_t published, delivered, resets;
};

static uint64_t hash(const char *text, uint64_t from) {
  uint64_t h = from ? from : 14695981039346656037u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
  return (h ^ 0xFF) * 1099511628211u;
}

struct live *live_open(void) {
  struct live *live = calloc(1, sizeof *live);
  if (!live) abort();
  pthread_mutex_init(&live->lock, NULL);
  id_random(live->epoch, 8);
  live->heard_ms = -1;
  return live;
}

/* --- events and topics; the lock is held -------------------------------------------------------------------------------------------------------- */
static void event_put(struct event *event) {
  if (atomic_fetch_sub(&event->refs, 1) == 1) free(event);
}

static struct event *event_new(const char *name, const char *key, const char *const json[LANG_COUNT]) {
  const char *en = json[LANG_EN] ? json[LANG_EN] : "{}", *ms = json[LANG_MS];
  size_t key_length = key ? strlen(key) + 1 : 0, en_length = strlen(en) + 1, ms_length = ms ? strlen(ms) + 1 : 0;
  struct event *event = calloc(1, sizeof *event + key_length + en_length + ms_length);
  if (!event) abort();
  char *text = (char *)(event + 1);
  event->refs = 1;
  event->bytes = sizeof *event + key_length + en_length + ms_length;
  snprintf(event->name, sizeof event->name, "%s", name);
  if (key) {
    event->key = memcpy(text, key, key_length);
    event->key_hash = hash(key, hash(name, 0));
  }
  text += key_length;
  event->json[LANG_EN] = event->json[LANG_MS] = memcpy(text, en, en_length);
  if (ms) event->json[LANG_MS] = memcpy(text + en_length, ms, ms_length);
  for (size_t i = 0; i < en_length + ms_length; i++) if (text[i] == '\n' || text[i] == '\r') text[i] = ' ';      /* a line end would end the event */
  return event;
}

static struct topic *topic_find(struct live *live, const char *name) {
  struct topic *topic = live->table[hash(name, 0) % TABLE];
  while (topic && strcmp(topic->name, name)) topic = topic->next;
  return topic;
}

static struct topic *topic_get(struct live *live, const char *name) {
  struct topic *topic = topic_find(live, name);
  if (topic) return topic;
  if (!(topic = calloc(1, sizeof *topic))) abort();
  snprintf(topic->name, sizeof topic->name, "%s", name);
  topic->lost = live->forgotten;        /* we cannot know what it had before */
  struct topic **slot = &live->table[hash(name, 0) % TABLE];
  topic->next = *slot;
  *slot = topic;
  return topic;
}

/* Frees a topic that nobody hears and that remembers nothing. */
static void topic_forget(struct live *live, struct topic *topic) {
  if (topic->subscribers || topic->oldest || topic->held) return;
  if (topic->lost > live->forgotten) live->forgotten = topic->lost;
  struct topic **slot = &live->table[hash(topic->name, 0) % TABLE];
  while (*slot != topic) slot = &(*slot)->next;
  *slot = topic->next;
  free(topic);
}

/* Takes an event out of both lists. lost: it is missed by who has not read it; else a newer one says the same. */
static void event_drop(struct live *live, struct event *event, bool lost) {
  struct topic *topic = event->topic;
  *(event->older ? &event->older->newer : &topic->oldest) = event->newer;
  *(event->newer ? &event->newer->older : &topic->newest) = event->older;
  *(event->before ? &event->before->after : &live->oldest) = event->after;
  *(event->after ? &event->after->before : &live->newest) = event->before;
  topic->count--;
  live->bytes -= event->bytes;
  if (lost && event->seq > topic->lost) topic->lost = event->seq;
  event_put(event);
}

static void event_add(struct live *live, struct topic *topic, struct event *event, int64_t now) {
  event->topic = topic;
  event->seq = ++live->seq;
  event->at_ms = now;
  event->newer = NULL;
  event->older = topic->newest;
  *(topic->newest ? &topic->newest->newer : &topic->oldest) = event;
  topic->newest = event;
  event->before = live->newest;
  event->after = NULL;
  *(live->newest ? &live->newest->after : &live->oldest) = event;
  live->newest = event;
  topic->count++;
  live->bytes += event->bytes;
  if (topic->count > LIVE_RING) event_drop(live, topic->oldest, true);
}

static bool same(const struct event *a, uint64_t key_hash, const char *name, const char *key) {
  return a->key_hash == key_hash && a->key && !strcmp(a->key, key) && !strcmp(a->name, name);
}

static struct event *ring_find(struct topic *topic, const char *name, const char *key) {
  uint64_t wanted = hash(key, hash(name, 0));
  for (struct event *event = topic->newest; event; event = event->older) if (same(event, wanted, name, key)) return event;
  return NULL;
}

/* Takes a held object out of its list; NULL when there is none. */
static struct event *held_take(struct topic *topic, const char *name, const char *key) {
  uint64_t wanted = hash(key, hash(name, 0));
  for (struct event **slot = &topic->held; *slot; slot = &(*slot)->newer)
    if (same(*slot, wanted, name, key)) {
      struct event *event = *slot;
      *slot = event->newer;
      return event;
    }
  return NULL;
}

static void topic_wake(struct topic *topic) {
  for (struct hearer *hearer = topic->hearers; hearer; hearer = hearer->after) pthread_cond_signal(&hearer->sub->wake);
}

static void tell(struct live *live, struct topic *topic, struct event *event, int64_t now) {
  if (event->key) {
    struct event *older = ring_find(topic, event->name, event->key);
    if (older) event_drop(live, older, false);
  }
  event_add(live, topic, event, now);
}

/* Lets go what is due by then. */
static void topic_ripen(struct live *live, struct topic *topic, int64_t until) {
  for (struct event **slot = &topic->held; *slot;) {
    struct event *event = *slot;
    if (event->due_ms > until) {
      slot = &event->newer;
      continue;
    }
    *slot = event->newer;
    tell(live, topic, event, mono_ms());
  }
}

/* Drops what is too old, or too much. */
static void expire(struct live *live, int64_t now) {
  while (live->oldest && (now - live->oldest->at_ms > LIVE_RING_MS || live->bytes > LIVE_BYTES_MAX)) {
    struct topic *topic = live->oldest->topic;
    event_drop(live, live->oldest, true);
    topic_forget(live, topic);
  }
}

void live_publish(struct live *live, const char *topic_name, const char *name, const char *key, const char *const json[LANG_COUNT]) {
  if (!live) return;
  struct event *event = event_new(name, key, json);
  bool object = key && !strcmp(name, "object"), gone = key && !strcmp(name, "gone");
  pthread_mutex_lock(&live->lock);
  int64_t now = mono_ms();
  live->published++;
  struct topic *topic = topic_get(live, topic_name);
  topic_ripen(live, topic, now);
  if (object || gone) {
    struct event *waiting = held_take(topic, "object", key), *last = ring_find(topic, "object", key);
    if (waiting) event_put(waiting);
    event->due_ms = object && topic->subscribers && last && now - last->at_ms < LIVE_OBJECT_MS ? last->at_ms + LIVE_OBJECT_MS : 0;
    if (gone && last) event_drop(live, last, false);
  }
  if (event->due_ms) {
    event->topic = topic;
    event->newer = topic->held;
    topic->held = event;
  } else {
    tell(live, topic, event, now);
  }
  topic_wake(topic);              /* also for a held one: who waits must wake when it is due */
  expire(live, now);
  pthread_mutex_unlock(&live->lock);
}

void live_source(struct live *live, const struct live_source *source) {
  pthread_mutex_lock(&live->lock);
  if (live->sources < SOURCES_MAX) live->source[live->sources++] = *source;
  else BUG("more than %d live sources", SOURCES_MAX);
  pthread_mutex_unlock(&live->lock);
}

void live_heard(struct live *live) { if (live) atomic_store_explicit(&live->heard_ms, mono_ms(), memory_order_relaxed); }

int64_t live_heard_age_ms(struct live *live) {
  int64_t heard = atomic_load_explicit(&live->heard_ms, memory_order_relaxed);
  return heard < 0 ? -1 : mono_ms() - heard;
}

/* --- subscribers --------------------------------------------------------------------------------------------------------------------------------- */
/* Sources do not change once there are subscribers, so no lock. NULL: no such kind of topic. */
static const struct live_source *source_of(const struct live *live, const char *topic) {
  for (int i = 0; i < live->sources; i++)
    if (!strncmp(topic, live->source[i].prefix, strlen(live->source[i].prefix))) return &live->source[i];
  return NULL;
}

/* Splits topics and asks for each whether the viewer may hear it. */
static bool topics_read(struct live *live, const struct viewer *viewer, const char *topics, char name[LIVE_TOPICS][TOPIC_NAME], int *out_count, struct err *err) {
  int count = 0;
  while (topics && *topics) {
    size_t n = strcspn(topics, ",");
    if (n) {
      if (n >= TOPIC_NAME) return err_set(err, ERR_INVALID, "live.topic", "topic of %zu bytes", n);
      if (count == LIVE_TOPICS) return err_set(err, ERR_INVALID, "live.topics", "more than %d topics", LIVE_TOPICS), err_param(err, "limit", "%d", LIVE_TOPICS);
      memcpy(name[count], topics, n);
      name[count][n] = 0;
      const struct live_source *source = source_of(live, name[count]);
      if (!source || (source->may && !source->may(source->ctx, name[count], viewer)))
        return err_set(err, ERR_NOT_FOUND, "live.topic", "topic %s is not this viewer's", name[count]);
      bool twice = false;
      for (int i = 0; i < count; i++) twice |= !strcmp(name[i], name[count]);
      if (!twice) count++;
    }
    topics += n;
    if (*topics == ',') topics++;
  }
  *out_count = count;
  return true;
}

static void seat_take(struct seat *seat, struct topic *topic, struct live_sub *sub) {
  struct hearer *hearer = calloc(1, sizeof *hearer);
  if (!hearer) abort();
  *hearer = (struct hearer){.sub = sub, .after = topic->hearers};
  if (topic->hearers) topic->hearers->before = hearer;
  topic->hearers = hearer;
  topic->subscribers++;
  seat->topic = topic;
  seat->hearer = hearer;
}

static void seat_leave(struct live *live, struct seat *seat) {
  struct topic *topic = seat->topic;
  struct hearer *hearer = seat->hearer;
  *(hearer->before ? &hearer->before->after : &topic->hearers) = hearer->after;
  if (hearer->after) hearer->after->before = hearer->before;
  free(hearer);
  if (--topic->subscribers == 0) topic_ripen(live, topic, INT64_MAX);       /* nobody waits for what is held */
  topic_forget(live, topic);
}

/* "<epoch>.<seq>" of this start. False: told anew. */
static bool since_read(const struct live *live, const char *since, uint64_t *out) {
  size_t n = strlen(live->epoch);
  if (!since || strncmp(since, live->epoch, n) || since[n] != '.' || !since[n + 1]) return false;
  char *end;
  unsigned long long seq = strtoull(since + n + 1, &end, 10);
  if (*end || seq > live->seq) return false;
  *out = seq;
  return true;
}

bool live_subscribe(struct live *live, const struct viewer *viewer, const char *topics, const char *since, struct live_sub **out, struct err *err) {
  char name[LIVE_TOPICS][TOPIC_NAME];
  int count;
  if (!topics_read(live, viewer, topics, name, &count, err)) return false;
  struct live_sub *sub = calloc(1, sizeof *sub);
  if (!sub) abort();
  sub->live = live;
  sub->refs = 1;
  sub->viewer = *viewer;
  id_new(sub->tab);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&sub->wake, &attr);
  pthread_condattr_destroy(&attr);
  pthread_mutex_lock(&live->lock);
  int own = 0;
  for (struct live_sub *other = live->subs; other; other = other->next) own += !other->ended && *viewer->login && !strcmp(other->viewer.login, viewer->login);
  bool ok = true;
  if (live->closing) ok = err_set(err, ERR_UNAVAILABLE, "live.closing", NULL);
  else if (own >= LIVE_LOGIN_STREAMS) ok = err_set(err, ERR_LIMIT, "live.login", NULL), err_param(err, "limit", "%d", LIVE_LOGIN_STREAMS);
  if (ok) {
    uint64_t seq;
    bool resume = since_read(live, since, &seq);
    expire(live, mono_ms());
    sub->cursor = resume ? seq : live->seq;
    for (int i = 0; i < count; i++) {
      struct topic *topic = topic_get(live, name[i]);
      sub->seat[sub->seats] = (struct seat){.reset = !resume || topic->lost > seq};
      seat_take(&sub->seat[sub->seats++], topic, sub);
    }
    sub->next = live->subs;
    live->subs = sub;
    live->sub_count++;
  }
  pthread_mutex_unlock(&live->lock);
  if (!ok) {
    pthread_cond_destroy(&sub->wake);
    free(sub);
    if (err) err->retry_after_s = 5;
    return false;
  }
  *out = sub;
  return true;
}

bool live_change(struct live *live, struct live_sub *sub, const char *topics, struct err *err) {
  char name[LIVE_TOPICS][TOPIC_NAME];
  int count;
  if (!topics_read(live, &sub->viewer, topics, name, &count, err)) return false;
  pthread_mutex_lock(&live->lock);
  struct seat next[LIVE_TOPICS];
  for (int i = 0; i < count; i++) {
    next[i] = (struct seat){.reset = true};
    for (int j = 0; j < sub->seats; j++)
      if (!strcmp(sub->seat[j].topic->name, name[i])) next[i] = sub->seat[j];
    seat_take(&next[i], next[i].topic ? next[i].topic : topic_get(live, name[i]), sub);
  }
  for (int j = 0; j < sub->seats; j++) seat_leave(live, &sub->seat[j]);
  memcpy(sub->seat, next, sizeof next[0] * (size_t)count);
  sub->seats = count;
  pthread_cond_signal(&sub->wake);
  pthread_mutex_unlock(&live->lock);
  return true;
}

/* When the next held object of a topic of this subscriber is due; INT64_MAX: none. Lets go what is due now. */
static int64_t ripen_all(struct live_sub *sub, int64_t now) {
  int64_t due = INT64_MAX;
  for (int i = 0; i < sub->seats; i++) {
    topic_ripen(sub->live, sub->seat[i].topic, now);
    for (struct event *event = sub->seat[i].topic->held; event; event = event->newer) if (event->due_ms < due) due = event->due_ms;
  }
  return due;
}

static bool has_news(const struct live_sub *sub) {
  if (sub->ended || !sub->greeted) return true;
  for (int i = 0; i < sub->seats; i++) {
    const struct seat *seat = &sub->seat[i];
    if (seat->reset || seat->topic->lost > sub->cursor || (seat->topic->newest && seat->topic->newest->seq > sub->cursor)) return true;
  }
  return false;
}

struct batch { struct event **event; size_t count, room, bytes; };

/* The unread events of one topic, oldest first; false when they are more than a subscriber may have waiting. */
static bool gather(struct batch *batch, const struct topic *topic, uint64_t cursor) {
  const struct event *from = NULL;
  for (const struct event *event = topic->newest; event && event->seq > cursor; event = event->older) from = event;
  size_t bytes = batch->bytes;
  for (const struct event *event = from; event; event = event->newer) bytes += event->bytes;
  if (bytes > LIVE_QUEUE_MAX) return false;
  batch->bytes = bytes;
  for (struct event *event = (struct event *)from; event; event = event->newer) {
    if (batch->count == batch->room) {
      batch->room = batch->room ? batch->room * 2 : 16;
      if (!(batch->event = realloc(batch->event, batch->room * sizeof *batch->event))) abort();
    }
    atomic_fetch_add(&event->refs, 1);
    batch->event[batch->count++] = event;
  }
  return true;
}

static int by_number(const void *a, const void *b) {
  const struct event *x = *(struct event *const *)a, *y = *(struct event *const *)b;
  return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct writing { struct buf *out; int left; };
/* All of it or nothing: half an event would spoil the stream. */
static void write_event(struct buf *out, const char *name, const char *json) {
  if (out->len + strlen(json) + 256 > out->cap) return;
  buf_str(out, "event: ");
  buf_str(out, name);
  buf_str(out, "\ndata: ");
  buf_str(out, json);                   /* JSON of ours holds no raw line end */
  buf_str(out, "\n\n");
}
static void add_snapshot(void *ctx, const char *name, const char *json) {
  struct writing *writing = ctx;
  if (writing->left-- > 0) write_event(writing->out, name, json);
}

static void write_reset(struct live_sub *sub, const char *topic, struct buf *out) {
  buf_str(out, "event: reset\ndata: {\"topic\":");
  buf_json(out, topic);
  buf_str(out, "}\n\n");
  const struct live_source *source = source_of(sub->live, topic);
  if (!source || !source->snapshot) return;
  struct arena *arena = arena_new(0);
  struct writing writing = {.out = out, .left = LIVE_SNAPSHOT_MAX};
  source->snapshot(source->ctx, topic, &sub->viewer, arena, add_snapshot, &writing);
  arena_free(arena);
}

/* Puts "id: …" into the last event of what was written, so that who breaks off comes back before the batch, never behind a part of it. */
static void write_id(const struct live *live, uint64_t seq, struct buf *out, size_t from) {
  if (out->len <= from) return;
  out->len--;                           /* the blank line's end: the event is still open */
  buf_printf(out, "id: %s.%llu\n\n", live->epoch, (unsigned long long)seq);
}

bool live_wait(struct live_sub *sub, int timeout_ms, struct buf *out) {
  struct live *live = sub->live;
  size_t from = out->len;
  int64_t until = mono_ms() + timeout_ms;
  pthread_mutex_lock(&live->lock);
  for (;;) {
    int64_t now = mono_ms(), due = ripen_all(sub, now), wake = due < until ? due : until;
    if (has_news(sub) || now >= until) break;
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);        /* waits are real time, also when a test has moved our clock */
    int64_t ms = wake - now;
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&sub->wake, &live->lock, &at);
  }
  expire(live, mono_ms());
  bool hello = !sub->greeted, end = sub->ended;
  sub->greeted = true;
  uint64_t cursor = live->seq;
  char reset[LIVE_TOPICS][TOPIC_NAME];
  int resets = 0;
  struct batch batch = {0};
  for (int i = 0; !end && i < sub->seats; i++) {
    struct seat *seat = &sub->seat[i];
    if (seat->reset || seat->topic->lost > sub->cursor || !gather(&batch, seat->topic, sub->cursor))
      memcpy(reset[resets++], seat->topic->name, TOPIC_NAME);
    seat->reset = false;
  }
  sub->cursor = cursor;
  live->resets += (uint64_t)resets;
  live->delivered += batch.count;
  pthread_mutex_unlock(&live->lock);

  if (hello) buf_printf(out, "event: hello\ndata: {\"epoch\":\"%s\",\"tab\":\"%s\",\"now_ms\":%lld}\n\n", live->epoch, sub->tab, (long long)wall_ms());
  for (int i = 0; i < resets; i++) write_reset(sub, reset[i], out);
  if (batch.count) qsort(batch.event, batch.count, sizeof *batch.event, by_number);
  for (size_t i = 0; i < batch.count; i++) {
    write_event(out, batch.event[i]->name, batch.event[i]->json[sub->viewer.lang]);
    event_put(batch.event[i]);
  }
  free(batch.event);
  if (end) {
    buf_printf(out, "event: bye\ndata: {\"retry_ms\":%d,\"why\":\"%s\"}\n\n", sub->bye_retry_ms, sub->bye_why);
    return false;
  }
  write_id(live, cursor, out, from);
  return true;
}

const char *live_tab(const struct live_sub *sub) { return sub->tab; }

struct live_sub *live_find(struct live *live, const char *tab, const char *person) {
  pthread_mutex_lock(&live->lock);
  struct live_sub *sub = live->subs;
  while (sub && (sub->ended || strcmp(sub->tab, tab) || strcmp(sub->viewer.person, person))) sub = sub->next;
  if (sub) sub->refs++;
  pthread_mutex_unlock(&live->lock);
  return sub;
}

/* Everything is gone and nobody can come any more. */
static void live_free(struct live *live) {
  while (live->oldest) {
    struct topic *topic = live->oldest->topic;
    event_drop(live, live->oldest, true);
    topic_forget(live, topic);
  }
  for (int i = 0; i < TABLE; i++)
    while (live->table[i]) {
      struct topic *topic = live->table[i];
      live->table[i] = topic->next;
      while (topic->held) {
        struct event *event = topic->held;
        topic->held = event->newer;
        event_put(event);
      }
      free(topic);
    }
  pthread_mutex_unlock(&live->lock);
  pthread_mutex_destroy(&live->lock);
  free(live);
}

void live_release(struct live_sub *sub) {
  if (!sub) return;
  struct live *live = sub->live;
  pthread_mutex_lock(&live->lock);
  bool last = --sub->refs == 0;
  if (last) {
    for (int i = 0; i < sub->seats; i++) seat_leave(live, &sub->seat[i]);
    struct live_sub **slot = &live->subs;
    while (*slot != sub) slot = &(*slot)->next;
    *slot = sub->next;
    live->sub_count--;
    pthread_cond_destroy(&sub->wake);
    free(sub);
    if (live->closed && !live->subs) {
      live_free(live);
      return;
    }
  }
  pthread_mutex_unlock(&live->lock);
}

static void end_some(struct live *live, const char *person, const char *login, int retry_ms, const char *why) {
  pthread_mutex_lock(&live->lock);
  for (struct live_sub *sub = live->subs; sub; sub = sub->next) {
    if ((person && strcmp(sub->viewer.person, person)) || (login && strcmp(sub->viewer.login, login)) || sub->ended) continue;
    sub->ended = true;
    sub->bye_why = why;
    sub->bye_retry_ms = retry_ms;
    pthread_cond_signal(&sub->wake);
  }
  pthread_mutex_unlock(&live->lock);
}

void live_drop_person(struct live *live, const char *person) { if (live) end_some(live, person, NULL, 250, "changed"); }
void live_drop_login(struct live *live, const char *login) { if (live) end_some(live, NULL, login, 250, "signed_out"); }

void live_bye(struct live *live, int retry_ms, const char *why) {
  pthread_mutex_lock(&live->lock);
  live->closing = true;
  pthread_mutex_unlock(&live->lock);
  end_some(live, NULL, NULL, retry_ms, why);
}

void live_close(struct live *live) {
  if (!live) return;
  live_bye(live, 2000, "stopping");
  pthread_mutex_lock(&live->lock);
  live->closed = true;
  if (live->subs) pthread_mutex_unlock(&live->lock);
  else live_free(live);
}

void live_stats(struct live *live, struct live_stats *out) {
  pthread_mutex_lock(&live->lock);
  *out = (struct live_stats){.subscribers = live->sub_count, .published = live->published, .delivered = live->delivered, .resets = live->resets};
  pthread_mutex_unlock(&live->lock);
}
