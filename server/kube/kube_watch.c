/* kube_watch: list and watch, one kind each, all on one thread with connections of its own. What was told is remembered (kube_seen), so that whatever
 * happens on the way, a second list tells only the differences and no final state is missed.
 *
 * A watch goes around: WAIT -> LIST (pages) -> WATCH -> (ends as asked: WATCH again; 410, an ERROR event, an empty answer at once: LIST again; broken:
 * told as stale, then WATCH again from the last version seen). resourceVersion is opaque: kept and given back, never compared but for being equal.
 * Everything but `added`, `closing` and the counters belongs to the thread. */
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "kube/kube.h"
#include "kube/kube_http.h"
#include "kube/kube_seen.h"

#define BROKEN_MS 5000            /* longest pause after a broken connection: somebody is looking at the page */
#define REFUSED_MS 30000          /* and after a refusal */
#define LIST_MS 30000
#define VERSION_MAX 128

enum phase { PHASE_WAIT, PHASE_LIST, PHASE_WATCH };

struct one_watch {
  struct kube_watches *all;
  struct kube_watch is;
  char *selector, *path;          /* selector escaped */
  struct kube_seen *seen;
  enum phase phase, then;         /* then: what WAIT ends in */
  int64_t due_ms, started_ms, word_ms;
  int tries, page;
  bool stale, relist;
  size_t lines;
  char version[VERSION_MAX];      /* where to go on watching */
  char *token;                    /* continue of the list under way, escaped, or NULL */
  CURL *easy;
  void *headers;
  struct buf body;                /* page, or the line under way */
  char curl_says[CURL_ERROR_SIZE];
  struct one_watch *next;
};

struct kube_watches {
  struct kube_door *door;
  CURLM *multi;
  pthread_t thread;
  pthread_mutex_t lock;
  struct one_watch *added;
  bool closing;
  struct one_watch *first;
  atomic_ullong events, relists;
  atomic_llong last_ms;
};

/* --- telling ---------------------------------------------------------------------------------------------------------------------------------- */
static void tell(struct one_watch *w, enum kube_event event, const struct tree *object) {
  if (event == KUBE_STALE && w->stale) return;
  if (event == KUBE_STALE || event == KUBE_ALIVE || event == KUBE_SYNCED) w->stale = event == KUBE_STALE;
  if (object) atomic_fetch_add(&w->all->events, 1);
  w->is.event(w->is.ctx, w->is.kind, event, object);
}

static bool identify(const struct tree *object, struct kube_seen_one *one) {
  struct tree *meta = tree_get(object, "metadata");
  *one = (struct kube_seen_one){tree_text(meta, "uid"), tree_text(meta, "resourceVersion"), tree_text_or(meta, "namespace", ""), tree_text(meta, "name")};
  return one->uid && one->version && one->name && strlen(one->version) < VERSION_MAX;
}

static void tell_object(struct one_watch *w, struct arena *arena, struct tree *object) {
  struct kube_seen_one one;
  if (!identify(object, &one)) return;
  enum kube_seen_said said = kube_seen_put(w->seen, &one);
  if (said == KUBE_SEEN_SAME) return;
  tree_set(arena, object, "apiVersion", tree_string(arena, kube_api_version(arena, w->is.kind)));
  tree_set(arena, object, "kind", tree_string(arena, w->is.kind->kind));
  tell(w, said == KUBE_SEEN_NEW ? KUBE_ADDED : KUBE_CHANGED, object);
}

/* Only what is remembered of an object that a list no longer holds. */
static void tell_gone(void *ctx, const struct kube_seen_one *one) {
  struct one_watch *w = ctx;
  struct arena *arena = arena_new(0);
  struct tree *object = tree_new(arena, TREE_MAP), *meta = tree_new(arena, TREE_MAP);
  tree_put_text(arena, object, "apiVersion", kube_api_version(arena, w->is.kind));
  tree_put_text(arena, object, "kind", w->is.kind->kind);
  tree_put(arena, object, "metadata", meta);
  if (*one->namespace) tree_put_text(arena, meta, "namespace", one->namespace);
  tree_put_text(arena, meta, "name", one->name);
  tree_put_text(arena, meta, "uid", one->uid);
  tree_put_text(arena, meta, "resourceVersion", one->version);
  tell(w, KUBE_DELETED, object);
  arena_free(arena);
}

/* --- one line of a watch ---------------------------------------------------------------------------------------------------------------------- */
static void take_line(struct one_watch *w, char *line, size_t length) {
  struct arena *arena = arena_new(0);
  struct tree *event;
  struct err err;
  w->lines++;
  w->tries = 0;
  w->word_ms = mono_ms();
  atomic_store(&w->all->last_ms, wall_ms());
  kube_clean(line, length);
  if (!tree_parse(arena, line, length, 0, &event, &err)) {
    log_warn("kube.watch", "kind=%s key=%s detail=\"%s\" note=\"listing again\"", w->is.kind->kind, err.key, err.detail);
    w->relist = true;
    arena_free(arena);
    return;
  }
  const char *type = tree_text_or(event, "type", "");
  struct tree *object = tree_get(event, "object");
  const char *version = tree_text(tree_get(object, "metadata"), "resourceVersion");
  if (!strcmp(type, "ERROR") || !version || strlen(version) >= VERSION_MAX) w->relist = true;
  else {
    struct kube_seen_one one;
    snprintf(w->version, sizeof w->version, "%s", version);
    if (!strcmp(type, "BOOKMARK")) tell(w, KUBE_ALIVE, NULL);
    else if (!strcmp(type, "DELETED") && identify(object, &one)) {
      if (kube_seen_drop(w->seen, one.uid)) tell(w, KUBE_DELETED, object);
    } else tell_object(w, arena, object);
  }
  arena_free(arena);
}

static size_t on_bytes(char *bytes, size_t one, size_t length, void *ctx) {
  struct one_watch *w = ctx;
  size_t all = one * length;
  long status = 0;
  curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
  if (w->phase == PHASE_LIST || status != 200) {
    buf_add(&w->body, bytes, all);
    return w->body.over ? 0 : all;
  }
  for (size_t from = 0; from < all;) {
    char *end = memchr(bytes + from, '\n', all - from);
    size_t piece = end ? (size_t)(end - bytes) - from : all - from;
    buf_add(&w->body, bytes + from, piece);
    if (w->body.over) {
      log_warn("kube.watch", "kind=%s note=\"an event above %u bytes, listing again\"", w->is.kind->kind, KUBE_ANSWER_MAX);
      w->relist = true;
    } else if (end) {
      if (w->body.len) take_line(w, w->body.data, w->body.len);
      buf_reset(&w->body);
    }
    if (w->relist) return 0;
    from += piece + (end ? 1 : 0);
  }
  return all;
}

static size_t on_head(char *bytes, size_t one, size_t length, void *ctx) {
  struct one_watch *w = ctx;
  long status = 0;
  curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
  if (one * length == 2 && bytes[0] == '\r' && w->phase == PHASE_WATCH && status == 200) {
    w->word_ms = mono_ms();
    atomic_store(&w->all->last_ms, wall_ms());
    tell(w, KUBE_ALIVE, NULL);
  }
  return one * length;
}

/* --- going around ----------------------------------------------------------------------------------------------------------------------------- */
static void wait_for(struct one_watch *w, enum phase then, int64_t ms) {
  w->phase = PHASE_WAIT;
  w->then = then;
  w->due_ms = mono_ms() + ms;
}

static void later(struct one_watch *w, enum phase then, int64_t most_ms) { wait_for(w, then, kube_door_backoff(w->tries++, most_ms)); }

static void list_anew(struct one_watch *w, int64_t most_ms) {
  free(w->token);
  w->token = NULL;
  atomic_fetch_add(&w->all->relists, 1);
  if (most_ms) later(w, PHASE_LIST, most_ms);
  else wait_for(w, PHASE_LIST, 0);
}

static void begin(struct one_watch *w) {
  char query[4096], accept[128];
  const char *form = w->phase == PHASE_LIST ? "PartialObjectMetadataList" : "PartialObjectMetadata";
  snprintf(accept, sizeof accept, "application/json;as=%s;g=meta.k8s.io;v=v1", form);
  uint32_t random;
  secret_random(&random, sizeof random);
  int seconds = 300 + (int)(random % 300);
  if (w->phase == PHASE_LIST) snprintf(query, sizeof query, "limit=%d%s%s%s%s", w->page, w->token ? "&continue=" : "", w->token ? w->token : "",
                                       w->selector ? "&labelSelector=" : "", w->selector ? w->selector : "");
  else snprintf(query, sizeof query, "watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%d%s%s", w->version, seconds,
                w->selector ? "&labelSelector=" : "", w->selector ? w->selector : "");
  if (w->phase == PHASE_LIST && !w->token) kube_seen_begin(w->seen);
  const struct kube_request request = {.method = "GET", .path = w->path, .query = query, .accept = w->is.metadata_only ? accept : NULL};
  struct err err;
  kube_door_prepare(w->all->door, w->easy, KUBE_AS_PLATFORM);
  if (!kube_door_request(w->all->door, w->easy, KUBE_AS_PLATFORM, &request, &w->headers, &err)) {
    log_error("kube.watch", "kind=%s key=%s detail=\"%s\"", w->is.kind->kind, err.key, err.detail);
    curl_easy_reset(w->easy);
    tell(w, KUBE_STALE, NULL);
    list_anew(w, REFUSED_MS);
    return;
  }
  buf_reset(&w->body);
  w->curl_says[0] = 0;
  w->lines = 0;
  w->relist = false;
  w->started_ms = w->word_ms = mono_ms();
  curl_easy_setopt(w->easy, CURLOPT_PRIVATE, w);
  curl_easy_setopt(w->easy, CURLOPT_TIMEOUT_MS, w->phase == PHASE_LIST ? (long)LIST_MS : (seconds + 30) * 1000L);
  curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
  curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
  curl_easy_setopt(w->easy, CURLOPT_ERRORBUFFER, w->curl_says);
  if (curl_multi_add_handle(w->all->multi, w->easy) != CURLM_OK) abort();
}

/* A page of the list: true when it was one, with the items told; the list may go on. */
static bool take_page(struct one_watch *w) {
  struct arena *arena = arena_new(0);
  struct tree *page;
  struct err err;
  kube_clean(w->body.data, w->body.len);
  bool good = tree_parse(arena, w->body.data, w->body.len, 0, &page, &err);
  struct tree *meta = good ? tree_get(page, "metadata") : NULL;
  const char *version = tree_text(meta, "resourceVersion"), *token = tree_text(meta, "continue");
  if (!good || !version || strlen(version) >= VERSION_MAX) {
    log_warn("kube.list", "kind=%s note=\"no list\" detail=\"%s\"", w->is.kind->kind, good ? "no resourceVersion" : err.detail);
    arena_free(arena);
    return false;
  }
  struct tree *items = tree_get(page, "items");
  for (struct tree *item = items ? items->child : NULL, *next; item; item = next) {
    next = item->next;
    tell_object(w, arena, item);
  }
  snprintf(w->version, sizeof w->version, "%s", version);
  free(w->token);
  w->token = token && *token ? strdup(kube_escape(arena, token)) : NULL;
  arena_free(arena);
  return true;
}

static void refused(struct one_watch *w, long status) {
  curl_off_t seconds = 0;
  curl_easy_getinfo(w->easy, CURLINFO_RETRY_AFTER, &seconds);
  bool busy = status == 429 || status >= 500;
  if (!busy || !w->stale) log_warn("kube.watch", "kind=%s status=%ld", w->is.kind->kind, status);
  if (status == 401) kube_door_reread(w->all->door);
  tell(w, KUBE_STALE, NULL);
  enum phase again = busy ? w->phase : PHASE_LIST;
  if (again == PHASE_LIST && !busy) list_anew(w, REFUSED_MS);
  else later(w, again, BROKEN_MS);
  int64_t asked = mono_ms() + (seconds < 60 ? (int64_t)seconds : 60) * 1000;
  if (busy && w->due_ms < asked) w->due_ms = asked;
}

static void list_ended(struct one_watch *w, CURLcode code, long status) {
  if (w->body.over && w->page > 1) {                          /* 500 of these are more than one answer may be */
    w->page /= 2;
    wait_for(w, PHASE_LIST, 0);
  } else if (code != CURLE_OK) {
    tell(w, KUBE_STALE, NULL);
    later(w, PHASE_LIST, BROKEN_MS);
  } else if (status == 410) list_anew(w, BROKEN_MS);
  else if (status != 200) refused(w, status);
  else if (!take_page(w)) list_anew(w, REFUSED_MS);
  else if (w->token) wait_for(w, PHASE_LIST, 0);
  else {
    kube_seen_end(w->seen, tell_gone, w);
    atomic_store(&w->all->last_ms, wall_ms());
    tell(w, KUBE_SYNCED, NULL);
    wait_for(w, PHASE_WATCH, 0);
  }
}

static void watch_ended(struct one_watch *w, CURLcode code, long status) {
  int64_t lasted = mono_ms() - w->started_ms;
  if (w->relist || (code == CURLE_OK && status == 410)) list_anew(w, BROKEN_MS);
  else if (code == CURLE_OK && status != 200) refused(w, status);
  else if (code == CURLE_OK && !w->lines && lasted < 1000) list_anew(w, BROKEN_MS);    /* some servers say so that history is gone */
  else if (code == CURLE_OK) {
    if (lasted < 1000) later(w, PHASE_WATCH, BROKEN_MS);
    else wait_for(w, PHASE_WATCH, 0);
  } else {
    log_info("kube.watch", "kind=%s broken=\"%s\"", w->is.kind->kind, w->curl_says[0] ? w->curl_says : curl_easy_strerror(code));
    tell(w, KUBE_STALE, NULL);
    later(w, PHASE_WATCH, BROKEN_MS);
  }
}

static void ended(struct one_watch *w, CURLcode code) {
  long status = 0;
  curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(w->all->multi, w->easy);
  if (w->phase == PHASE_LIST) list_ended(w, code, status);
  else watch_ended(w, code, status);
  curl_easy_reset(w->easy);
  kube_door_forget(w->headers);
  w->headers = NULL;
}

/* Starts what is due, gives up what is silent; ms until the next look. */
static int64_t step(struct one_watch *w) {
  int64_t now = mono_ms();
  if (w->phase == PHASE_WATCH && now - w->word_ms > KUBE_SILENT_MS) {
    snprintf(w->curl_says, sizeof w->curl_says, "silent");
    ended(w, CURLE_OPERATION_TIMEDOUT);
  }
  if (w->phase != PHASE_WAIT) return 1000;
  if (w->due_ms > now) return w->due_ms - now;
  w->phase = w->then;
  begin(w);
  return 0;
}

static void watch_free(struct one_watch *w) {
  if (w->phase != PHASE_WAIT) curl_multi_remove_handle(w->all->multi, w->easy);
  curl_easy_cleanup(w->easy);
  kube_door_forget(w->headers);
  buf_release(&w->body);
  kube_seen_free(w->seen);
  free(w->token);
  free(w->selector);
  free(w->path);
  free(w);
}

static void *watches_main(void *ctx) {
  struct kube_watches *all = ctx;
  for (;;) {
    int64_t wait = 1000;
    int running, left;
    pthread_mutex_lock(&all->lock);
    while (all->added) {
      struct one_watch *w = all->added;
      all->added = w->next;
      w->next = all->first;
      all->first = w;
    }
    bool closing = all->closing;
    pthread_mutex_unlock(&all->lock);
    if (closing) break;
    for (struct one_watch *w = all->first; w; w = w->next) {
      int64_t next = step(w);
      if (next < wait) wait = next;
    }
    curl_multi_perform(all->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(all->multi, &left)) != NULL;) {
      struct one_watch *w = NULL;
      CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&w);
      ended(w, code);
      wait = 0;
    }
    curl_multi_poll(all->multi, NULL, 0, (int)wait, NULL);
  }
  while (all->first) {
    struct one_watch *w = all->first;
    all->first = w->next;
    watch_free(w);
  }
  return NULL;
}

/* --- from other threads ----------------------------------------------------------------------------------------------------------------------- */
struct kube_watches *kube_watches_open(struct kube_door *door) {
  struct kube_watches *all = calloc(1, sizeof *all);
  if (!all) abort();
  all->door = door;
  all->multi = curl_multi_init();
  curl_multi_setopt(all->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
  curl_multi_setopt(all->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);           /* over HTTP/1.1 each watch needs one for itself */
  pthread_mutex_init(&all->lock, NULL);
  if (pthread_create(&all->thread, NULL, watches_main, all) != 0) abort();
  pthread_setname_np(all->thread, "kube-watch");
  return all;
}

void kube_watches_close(struct kube_watches *all) {
  if (!all) return;
  pthread_mutex_lock(&all->lock);
  all->closing = true;
  pthread_mutex_unlock(&all->lock);
  curl_multi_wakeup(all->multi);
  pthread_join(all->thread, NULL);
  curl_multi_cleanup(all->multi);
  pthread_mutex_destroy(&all->lock);
  free(all);
}

bool kube_watches_add(struct kube_watches *all, const struct kube_watch *watch, struct err *err) {
  if (!watch->kind || !watch->event || (watch->label_selector && strlen(watch->label_selector) > 1000)) return err_set(err, ERR_INVALID, "kube.request", "watch");
  struct one_watch *w = calloc(1, sizeof *w);
  if (!w) abort();
  struct arena *arena = arena_new(0);
  w->all = all;
  w->is = *watch;
  w->is.label_selector = NULL;                               /* kept escaped in `selector` */
  w->selector = watch->label_selector ? strdup(kube_escape(arena, watch->label_selector)) : NULL;
  w->path = strdup(kube_path(arena, watch->kind, NULL, NULL));
  arena_free(arena);
  w->seen = kube_seen_new();
  w->easy = curl_easy_init();
  if (!w->easy || !w->path) abort();
  buf_init(&w->body, KUBE_ANSWER_MAX);
  w->page = KUBE_PAGE;
  w->then = PHASE_LIST;
  pthread_mutex_lock(&all->lock);
  w->next = all->added;
  all->added = w;
  pthread_mutex_unlock(&all->lock);
  curl_multi_wakeup(all->multi);
  return true;
}

void kube_watches_stats(struct kube_watches *all, uint64_t *events, uint64_t *relists, int64_t *last_ms) {
  *events = atomic_load(&all->events);
  *relists = atomic_load(&all->relists);
  *last_ms = atomic_load(&all->last_ms);
}
