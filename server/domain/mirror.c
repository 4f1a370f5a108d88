/* mirror: one watch per kind for everybody. Objects are kept as texts, not trees: what most of them are for is to be sent. A change is told to `live` at
 * once and to the listener by the mirror's own thread, which also knows when quiet has lasted long enough. */
#include "domain/mirror.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/provision.h"
#include "kube/kube.h"

/* Namespace is watched for namespaces that vanish; the rest is what stands in them. */
static const char *const watched[] = {"Namespace", "Pod", "Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job",
                                      "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress", "NetworkPolicy", "EndpointSlice", "Event"};
#define WATCHED (sizeof watched / sizeof *watched)

const char *const *mirror_kinds(size_t *out_count) {
  *out_count = WATCHED - 1;
  return watched + 1;
}

#define BUCKETS 1024

struct object {
  struct object *next;
  char uid[64];
  char *json; size_t length;             /* {"kind":…,"name":…,"uid":…,"object":{…}} */
  enum provision_motion motion;
  bool event;                            /* a Kubernetes Event: shown, but no change */
};
struct place {                           /* a followed namespace */
  struct place *next;
  char namespace[32], attempt[ID_SIZE];
  struct object *first;
  int objects, events;
  int64_t changed_ms;                    /* last change, monotonic */
  int64_t told_ms, tell_ms;              /* last told; when to tell (0: nothing to tell) */
  bool settled_told;
};
/* One port's watches. Kept until the mirror closes, for events of an old port may still come. */
struct source { struct source *next; struct mirror *mirror; const struct kube *kube; bool stale[WATCHED], synced[WATCHED]; };
struct mirror {
  pthread_mutex_t lock;
  pthread_cond_t change;
  pthread_t thread;
  struct live *live;
  void (*tell)(void *ctx, const char *attempt, bool changed);
  void *tell_ctx;
  void (*lost)(void *ctx, const char *namespace);
  void *lost_ctx;
  struct place *bucket[BUCKETS];
  struct source *source;                 /* the newest one counts */
  bool closing;
  int inside;                            /* events being taken in */
  int64_t heard_ms;
};

static unsigned slot(const char *namespace) {
  unsigned hash = 2166136261u;
  for (; *namespace; namespace++) hash = (hash ^ (unsigned char)*namespace) * 16777619u;
  return hash % BUCKETS;
}

static struct place *place_of(struct mirror *mirror, const char *namespace) {
  struct place *place = mirror->bucket[slot(namespace)];
  while (place && strcmp(place->namespace, namespace)) place = place->next;
  return place;
}

static void drop_objects(struct place *place) {
  for (struct object *object = place->first, *next; object; object = next) {
    next = object->next;
    free(object->json);
    free(object);
  }
  place->first = NULL;
  place->objects = place->events = 0;
}

static enum provision_motion motion_of(const struct place *place, int64_t now) {
  enum provision_motion motion = MOTION_STILL;
  int64_t quiet = now - place->changed_ms;
  for (const struct object *object = place->first; object; object = object->next) {
    if (object->event || quiet >= MIRROR_STUCK_MS + (object->motion == MOTION_ENDING ? 10000 : 0)) continue;
    if (object->motion > motion) motion = object->motion;
  }
  return motion;
}

static bool settled(const struct place *place, int64_t now) { return now - place->changed_ms >= MIRROR_QUIET_MS && motion_of(place, now) == MOTION_STILL; }

static bool stale(const struct mirror *mirror) {
  if (!mirror->source) return true;
  for (size_t i = 1; i < WATCHED; i++) if (mirror->source->stale[i] || !mirror->source->synced[i]) return true;
  return false;
}

static void changed(struct mirror *mirror, struct place *place) {
  int64_t now = mono_ms();
  place->changed_ms = now;
  place->settled_told = false;
  if (!place->tell_ms) place->tell_ms = now - place->told_ms >= MIRROR_TELL_MS ? now : place->told_ms + MIRROR_TELL_MS;
  pthread_cond_signal(&mirror->change);
}

/* --- the mirror's thread: tells changes and quiet --------------------------------------------------------------------------------------------------- */

/* The next namespace that is due; false: nothing, *wait_ms long. Lock held. */
static bool due(struct mirror *mirror, int64_t now, char attempt[ID_SIZE], bool *out_changed, int64_t *wait_ms) {
  *wait_ms = 1000;
  for (size_t i = 0; i < BUCKETS; i++) {
    for (struct place *place = mirror->bucket[i]; place; place = place->next) {
      int64_t at = 0;
      if (place->tell_ms) {
        at = place->tell_ms;
      } else if (!place->settled_told) {
        at = place->changed_ms + MIRROR_QUIET_MS;
        if (at <= now && (!settled(place, now) || stale(mirror))) continue;     /* looked at again within a second */
      }
      if (!at) continue;
      if (at > now) {
        if (at - now < *wait_ms) *wait_ms = at - now;
        continue;
      }
      *out_changed = place->tell_ms != 0;
      if (*out_changed) place->told_ms = now, place->tell_ms = 0;
      else place->settled_told = true;
      memcpy(attempt, place->attempt, ID_SIZE);
      return true;
    }
  }
  return false;
}

static void *watch_quiet(void *arg) {
  struct mirror *mirror = arg;
  pthread_mutex_lock(&mirror->lock);
  while (!mirror->closing) {
    char attempt[ID_SIZE];
    bool was_change;
    int64_t wait;
    if (due(mirror, mono_ms(), attempt, &was_change, &wait)) {
      pthread_mutex_unlock(&mirror->lock);
      if (mirror->tell) mirror->tell(mirror->tell_ctx, attempt, was_change);
      pthread_mutex_lock(&mirror->lock);
      continue;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += wait % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) { until.tv_sec++; until.tv_nsec -= 1000000000; }
    pthread_cond_timedwait(&mirror->change, &mirror->lock, &until);
  }
  pthread_mutex_unlock(&mirror->lock);
  return NULL;
}

struct mirror *mirror_open(struct live *live, void (*tell)(void *ctx, const char *attempt, bool changed), void *ctx) {
  struct mirror *mirror = calloc(1, sizeof *mirror);
  if (!mirror) abort();
  mirror->live = live;
  mirror->tell = tell;
  mirror->tell_ctx = ctx;
  pthread_mutex_init(&mirror->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&mirror->change, &attr);
  pthread_condattr_destroy(&attr);
  if (pthread_create(&mirror->thread, NULL, watch_quiet, mirror) != 0) abort();
  pthread_setname_np(mirror->thread, "mirror");
  return mirror;
}

void mirror_stop(struct mirror *mirror) {
  pthread_mutex_lock(&mirror->lock);
  mirror->closing = true;
  pthread_cond_broadcast(&mirror->change);
  while (mirror->inside) pthread_cond_wait(&mirror->change, &mirror->lock);
  pthread_mutex_unlock(&mirror->lock);
  pthread_join(mirror->thread, NULL);
}

void mirror_free(void *what) {
  struct mirror *mirror = what;
  if (!mirror) return;
  for (size_t i = 0; i < BUCKETS; i++) {
    for (struct place *place = mirror->bucket[i], *next; place; place = next) {
      next = place->next;
      drop_objects(place);
      free(place);
    }
  }
  for (struct source *source = mirror->source, *next; source; source = next) {
    next = source->next;
    free(source);
  }
  pthread_cond_destroy(&mirror->change);
  pthread_mutex_destroy(&mirror->lock);
  free(mirror);
}

/* --- what the watches say ---------------------------------------------------------------------------------------------------------------------------- */

/* The object as the page gets it. */
static void write_object(struct buf *out, const struct tree *object, const char *kind, const char *name, const char *uid, bool whole) {
  struct arena *arena = arena_new(0);
  struct tree *copy;
  if (whole) {
    copy = tree_copy(arena, object);
  } else {
    copy = tree_new(arena, TREE_MAP);
    tree_put(arena, copy, "metadata", tree_copy(arena, tree_get(object, "metadata")));
    tree_put_bool(arena, copy, "cut", true);
  }
  struct tree *metadata = tree_get(copy, "metadata"), *annotations = tree_get(metadata, "annotations");
  if (metadata) tree_remove(metadata, "managedFields");
  if (annotations) tree_remove(annotations, "kubectl.kubernetes.io/last-applied-configuration");
  if (!strcmp(kind, "Secret")) tree_remove(copy, "data"), tree_remove(copy, "stringData");      /* metadata alone was asked for; should more come, it stops here */
  if (!whole && annotations && tree_remove(metadata, "annotations")) tree_put_bool(arena, metadata, "cut", true);
  buf_reset(out);
  buf_str(out, "{\"kind\":");
  buf_json(out, kind);
  buf_str(out, ",\"name\":");
  buf_json(out, name);
  buf_str(out, ",\"uid\":");
  buf_json(out, uid);
  buf_str(out, ",\"object\":");
  tree_write_plain(out, copy);
  buf_char(out, '}');
  arena_free(arena);
}

static struct object **find(struct place *place, const char *uid) {
  struct object **at = &place->first;
  while (*at && strcmp((*at)->uid, uid)) at = &(*at)->next;
  return at;
}

static void remove_object(struct place *place, struct object **at) {
  struct object *object = *at;
  *at = object->next;
  if (object->event) place->events--; else place->objects--;
  free(object->json);
  free(object);
}

/* Events are kept newest last; the oldest goes first. */
static void make_room(struct place *place) {
  if (place->events < MIRROR_EVENTS) return;
  for (struct object **at = &place->first; *at; at = &(*at)->next) {
    if (!(*at)->event) continue;
    remove_object(place, at);
    return;
  }
}

/* Keeps it. False when it says nothing new, or there are too many. Lock held. */
static bool keep(struct place *place, const char *kind, const char *uid, const struct tree *object, const struct buf *json) {
  struct object **at = find(place, uid), *kept = *at;
  bool event = !strcmp(kind, "Event");
  if (kept) {
    if (kept->length == json->len && !memcmp(kept->json, json->data, json->len)) return false;
    free(kept->json);
  } else {
    if (event) make_room(place);
    else if (place->objects >= MIRROR_OBJECTS) return false;
    at = find(place, uid);                                          /* making room moved the end */
    if (!(kept = calloc(1, sizeof *kept))) abort();
    snprintf(kept->uid, sizeof kept->uid, "%s", uid);
    kept->event = event;
    *at = kept;
    if (event) place->events++; else place->objects++;
  }
  if (!(kept->json = malloc(json->len + 1))) abort();
  memcpy(kept->json, json->data, json->len + 1);
  kept->length = json->len;
  kept->motion = event ? MOTION_STILL : provision_motion(object);
  return true;
}

static void publish(struct mirror *mirror, const char *attempt, const char *event, const char *uid, const char *json) {
  char topic[16 + ID_SIZE];
  const char *texts[LANG_COUNT] = {json, NULL};
  snprintf(topic, sizeof topic, "attempt:%s", attempt);
  if (mirror->live) live_publish(mirror->live, topic, event, uid, texts);
}

/* An event is being taken in: false when the mirror has stopped. */
static bool enter(struct mirror *mirror) {
  pthread_mutex_lock(&mirror->lock);
  bool open = !mirror->closing;
  if (open) mirror->inside++;
  pthread_mutex_unlock(&mirror->lock);
  return open;
}

static void leave(struct mirror *mirror) {
  pthread_mutex_lock(&mirror->lock);
  if (--mirror->inside == 0 && mirror->closing) pthread_cond_broadcast(&mirror->change);
  pthread_mutex_unlock(&mirror->lock);
}

static void heard(struct mirror *mirror, struct source *source, size_t kind, enum kube_event event) {
  pthread_mutex_lock(&mirror->lock);
  mirror->heard_ms = mono_ms();
  source->stale[kind] = event == KUBE_STALE;
  if (event == KUBE_SYNCED) source->synced[kind] = true;
  pthread_mutex_unlock(&mirror->lock);
  if (mirror->live && event != KUBE_STALE) live_heard(mirror->live);
}

static void take_in(struct source *source, const struct kube_kind *kind, enum kube_event event, const struct tree *object) {
  struct mirror *mirror = source->mirror;
  size_t which = 0;
  while (which < WATCHED && strcmp(watched[which], kind->kind)) which++;
  if (which == WATCHED) return;
  heard(mirror, source, which, event);
  if (!object) return;
  const struct tree *metadata = tree_get(object, "metadata");
  const char *name = tree_text_or(metadata, "name", ""), *uid = tree_text_or(metadata, "uid", ""), *namespace = tree_text_or(metadata, "namespace", "");
  if (which == 0) {                                                 /* a namespace of ours: only its going matters */
    if ((event == KUBE_DELETED || tree_text(metadata, "deletionTimestamp")) && mirror->lost) mirror->lost(mirror->lost_ctx, name);
    return;
  }
  if (strncmp(namespace, "lab-", 4) || !*uid) return;               /* cheap look first: most of a cluster is not ours */
  char attempt[ID_SIZE] = "";
  pthread_mutex_lock(&mirror->lock);
  struct place *place = mirror->source == source ? place_of(mirror, namespace) : NULL;
  if (place) memcpy(attempt, place->attempt, sizeof attempt);
  pthread_mutex_unlock(&mirror->lock);
  if (!*attempt) return;

  struct buf json;
  buf_init(&json, MIRROR_OBJECT_MAX);
  bool tells = false;
  if (event == KUBE_DELETED) {
    pthread_mutex_lock(&mirror->lock);
    if ((place = place_of(mirror, namespace))) {
      struct object **at = find(place, uid);
      tells = *at != NULL;
      if (tells) {
        bool was_event = (*at)->event;
        remove_object(place, at);
        if (!was_event) changed(mirror, place);
      }
    }
    pthread_mutex_unlock(&mirror->lock);
    buf_printf(&json, "{\"kind\":\"%s\",\"name\":", kind->kind);
    buf_json(&json, name);
    buf_str(&json, ",\"uid\":");
    buf_json(&json, uid);
    buf_char(&json, '}');
    if (tells && which != WATCHED - 1) publish(mirror, attempt, "gone", uid, json.data);      /* an Event that ages away is no news */
  } else {
    write_object(&json, object, kind->kind, name, uid, true);
    if (json.over) write_object(&json, object, kind->kind, name, uid, false);
    if (!json.over) {
      pthread_mutex_lock(&mirror->lock);
      if ((place = place_of(mirror, namespace))) {
        tells = keep(place, kind->kind, uid, object, &json);
        if (tells && which != WATCHED - 1) changed(mirror, place);
      }
      pthread_mutex_unlock(&mirror->lock);
    }
    if (tells) publish(mirror, attempt, "object", uid, json.data);
  }
  buf_release(&json);
}

static void on_event(void *ctx, const struct kube_kind *kind, enum kube_event event, const struct tree *object) {
  struct source *source = ctx;
  if (!enter(source->mirror)) return;
  take_in(source, kind, event, object);
  leave(source->mirror);
}

bool mirror_watch(struct mirror *mirror, const struct kube *kube, const char *install, void (*lost)(void *ctx, const char *namespace), void *ctx, struct err *err) {
  pthread_mutex_lock(&mirror->lock);
  bool known = mirror->source && mirror->source->kube == kube;
  struct source *source = NULL;
  if (!known) {
    if (!(source = calloc(1, sizeof *source))) abort();
    source->mirror = mirror;
    source->kube = kube;
    source->next = mirror->source;
    mirror->source = source;
    mirror->lost = lost;
    mirror->lost_ctx = ctx;
    for (size_t i = 0; i < BUCKETS; i++) for (struct place *place = mirror->bucket[i]; place; place = place->next) drop_objects(place);
  }
  pthread_mutex_unlock(&mirror->lock);
  if (known) return true;
  char selector[64];
  snprintf(selector, sizeof selector, "makmal/install=%s", install);
  for (size_t i = 0; i < WATCHED; i++) {
    struct kube_watch watch = {.kind = kube_kind(watched[i]), .label_selector = i == 0 ? selector : NULL, .metadata_only = !strcmp(watched[i], "Secret"), .event = on_event, .ctx = source};
    if (!kube->watch(kube->ctx, &watch, err)) return err_wrap(err, "watch of %s", watched[i]);
  }
  return true;
}

/* --- namespaces ---------------------------------------------------------------------------------------------------------------------------------------- */

void mirror_follow(struct mirror *mirror, const char *namespace, const char *attempt) {
  pthread_mutex_lock(&mirror->lock);
  if (!place_of(mirror, namespace)) {
    struct place *place = calloc(1, sizeof *place);
    if (!place) abort();
    snprintf(place->namespace, sizeof place->namespace, "%s", namespace);
    snprintf(place->attempt, sizeof place->attempt, "%s", attempt);
    place->changed_ms = mono_ms();
    place->next = mirror->bucket[slot(namespace)];
    mirror->bucket[slot(namespace)] = place;
  }
  pthread_mutex_unlock(&mirror->lock);
}

void mirror_forget(struct mirror *mirror, const char *namespace) {
  pthread_mutex_lock(&mirror->lock);
  for (struct place **at = &mirror->bucket[slot(namespace)]; *at; at = &(*at)->next) {
    struct place *place = *at;
    if (strcmp(place->namespace, namespace)) continue;
    *at = place->next;
    drop_objects(place);
    free(place);
    break;
  }
  pthread_mutex_unlock(&mirror->lock);
}

bool mirror_namespace(struct mirror *mirror, const char *attempt, char out[32]) {
  bool found = false;
  pthread_mutex_lock(&mirror->lock);
  for (size_t i = 0; i < BUCKETS && !found; i++) {
    for (struct place *place = mirror->bucket[i]; place && !found; place = place->next) {
      found = !strcmp(place->attempt, attempt);
      if (found) memcpy(out, place->namespace, sizeof place->namespace);
    }
  }
  pthread_mutex_unlock(&mirror->lock);
  return found;
}

void mirror_touch(struct mirror *mirror, const char *namespace) {
  pthread_mutex_lock(&mirror->lock);
  struct place *place = place_of(mirror, namespace);
  if (place) {
    place->changed_ms = mono_ms();
    place->settled_told = false;
    pthread_cond_signal(&mirror->change);
  }
  pthread_mutex_unlock(&mirror->lock);
}

void mirror_each(struct mirror *mirror, const char *namespace, size_t most, void (*each)(void *ctx, const char *json), void *ctx) {
  /* copied first: `each` may be anything, and no lock is held while it runs */
  pthread_mutex_lock(&mirror->lock);
  struct place *place = place_of(mirror, namespace);
  size_t count = place ? (size_t)(place->objects + place->events) : 0, n = 0;
  char **texts = calloc(count + 1, sizeof *texts);
  if (!texts) abort();
  for (int events = 0; place && events < 2; events++) {
    for (struct object *object = place->first; object && n < most; object = object->next) {
      if (object->event != (events == 1)) continue;
      if (!(texts[n++] = strdup(object->json))) abort();
    }
  }
  pthread_mutex_unlock(&mirror->lock);
  for (size_t i = 0; i < n; i++) {
    each(ctx, texts[i]);
    free(texts[i]);
  }
  free(texts);
}

struct gather { struct arena *arena; struct tree *list, **end; };
static void gather(void *ctx, const char *json) {
  struct gather *to = ctx;
  struct tree *tree;
  if (!tree_parse(to->arena, json, strlen(json), 0, &tree, NULL)) return;
  *to->end = tree;
  to->end = &tree->next;
  to->list->count++;
}

struct tree *mirror_objects(struct mirror *mirror, const char *namespace, struct arena *arena) {
  pthread_mutex_lock(&mirror->lock);
  bool followed = place_of(mirror, namespace) != NULL;
  pthread_mutex_unlock(&mirror->lock);
  if (!followed) return NULL;
  struct tree *list = tree_new(arena, TREE_LIST);
  struct gather to = {arena, list, &list->child};
  mirror_each(mirror, namespace, MIRROR_OBJECTS + MIRROR_EVENTS, gather, &to);
  return list;
}

bool mirror_settled(struct mirror *mirror, const char *namespace, bool *out_stale) {
  pthread_mutex_lock(&mirror->lock);
  struct place *place = place_of(mirror, namespace);
  bool is_stale = !place || stale(mirror), still = place && !is_stale && settled(place, mono_ms());
  pthread_mutex_unlock(&mirror->lock);
  if (out_stale) *out_stale = is_stale;
  return still;
}

int64_t mirror_age_ms(struct mirror *mirror) {
  pthread_mutex_lock(&mirror->lock);
  int64_t age = mirror->heard_ms ? mono_ms() - mirror->heard_ms : -1;
  pthread_mutex_unlock(&mirror->lock);
  return age;
}
