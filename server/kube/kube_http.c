/* kube_http: calls to the API server over libcurl. Two lanes, each one thread with a multi handle of its own, so with connections of its own:
 * the platform's (client certificate) and the learners' (their token, never our certificate). A caller hands its calls to the lanes and sleeps
 * until all have ended; bodies are filled on the lane's thread and given to the caller's arena by the caller.
 *
 * One lock guards queues, counts and the circuit; it is never held while libcurl runs. A call belongs to its caller until it is queued, then to the
 * lane until `left` of its batch falls. Handles are kept and reset: a new one for each call is many times slower.
 *
 * The circuit: five failures to reach the server within 10 s, with no answer in between, open it. Then send() refuses at once, calls that are being
 * repeated wait, and the platform's lane asks /readyz once in 2 s; any answer closes it. A time-out behind /proxy/ tells of a Pod and does not count. */
#include "kube/kube_http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/wallclock.h"
#include "kube/kube.h"

#define LANES 2                   /* by enum kube_as */
#define MAGIC 0x6b756265u

struct batch { pthread_cond_t done; size_t left; };

struct call {
  const struct kube_request *request;
  struct kube_reply *reply;
  struct batch *batch;            /* NULL: the probe */
  struct call *next;
  CURL *easy;
  void *headers;
  struct buf body;
  size_t head;                    /* bytes of the head so far */
  int tries;                      /* sent so often */
  bool large, reread, untrusted;
  int64_t queued_ms, first_ms, due_ms;
  struct err err;
  char curl_says[CURL_ERROR_SIZE];
};

struct lane {
  struct kube_http *http;
  enum kube_as as;
  CURLM *multi;
  pthread_t thread;
  struct call *queue;             /* waiting for a place or for their time */
  struct call *active[KUBE_IN_FLIGHT + 1];   /* one more: the probe */
  CURL *idle[KUBE_IN_FLIGHT + 1];
  int actives, idles;
};

struct kube_http {
  unsigned magic;
  struct kube_door *door;
  struct kube_watches *watches;
  struct lane lane[LANES];
  pthread_mutex_t lock;
  bool closing;
  int callers;                    /* in kube_http_send; kube_close waits until they have left */
  pthread_cond_t gone;
  int in_flight;
  struct kube_stats stats;
  int64_t failure[KUBE_CIRCUIT_FAILURES];   /* mono of the last failures since the last answer */
  int failures;
  bool open, certificate;         /* the circuit; certificate: the last failure was one of trust */
  bool probing;
  int64_t probe_ms;
  int64_t alarm_ms;               /* last line about trust in the log */
};

/* --- libcurl's callbacks ---------------------------------------------------------------------------------------------------------------------- */
static size_t on_body(char *bytes, size_t one, size_t length, void *ctx) {
  struct call *call = ctx;
  buf_add(&call->body, bytes, one * length);
  call->large = call->body.over;
  return call->large ? 0 : one * length;
}

static size_t on_head(char *bytes, size_t one, size_t length, void *ctx) {
  (void)bytes;
  struct call *call = ctx;
  call->head += one * length;
  call->large = call->head > KUBE_HEAD_MAX;
  return call->large ? 0 : one * length;
}

/* --- the circuit (lock held) ------------------------------------------------------------------------------------------------------------------ */
static void note_answer(struct kube_http *http) {
  http->failures = 0;
  http->certificate = false;
  http->stats.last_answer_ms = wall_ms();
  if (!http->open) return;
  http->open = false;
  log_info("kube.circuit", "state=closed");
}

static void note_failure(struct kube_http *http, bool certificate, const char *why) {
  int64_t now = mono_ms();
  http->certificate = certificate;
  if (certificate && (!http->alarm_ms || now - http->alarm_ms > 60000)) {
    http->alarm_ms = now;
    log_error("kube.certificate", "note=\"the API server does not show the certificate the kubeconfig names; nothing is sent\" detail=\"%s\"", why);
  }
  if (http->failures == KUBE_CIRCUIT_FAILURES) memmove(http->failure, http->failure + 1, sizeof http->failure - sizeof *http->failure);
  else http->failures++;
  http->failure[http->failures - 1] = now;
  if (http->open || http->failures < KUBE_CIRCUIT_FAILURES || now - http->failure[0] > KUBE_CIRCUIT_MS) return;
  http->open = true;
  http->probe_ms = now + KUBE_PROBE_MS;
  log_warn("kube.circuit", "state=open why=\"%s\"", why);
}

static bool say_away(bool certificate, struct err *err, const char *why) {
  return err_set(err, ERR_UNAVAILABLE, certificate ? "cluster.certificate" : "cluster.away", "%s", why);
}

/* --- ends of a call --------------------------------------------------------------------------------------------------------------------------- */
static void call_done(struct call *call) {                  /* lock held; the call may be gone afterwards */
  if (--call->batch->left == 0) pthread_cond_signal(&call->batch->done);
}

static void requeue(struct lane *lane, struct call *call, int64_t due_ms) {     /* lock held */
  call->due_ms = due_ms;
  struct call **end = &lane->queue;
  while (*end) end = &(*end)->next;
  call->next = NULL;
  *end = call;
  lane->http->stats.retried++;
}

/* When to try again in ms, or -1. Only what the caller called safe to repeat, and only what another try may mend. */
static int64_t retry_after(struct lane *lane, struct call *call, CURLcode code, bool connected) {
  const struct kube_reply *reply = call->reply;
  if (reply->answered && reply->status == 401 && !call->reread && lane->as == KUBE_AS_PLATFORM) {
    call->reread = true;
    if (kube_door_reread(lane->http->door)) return 0;
  }
  if (!call->request->retry || call->tries >= KUBE_TRIES || call->large) return -1;
  bool later = reply->answered && (reply->status == 429 || reply->status == 503);
  bool broken = !reply->answered && !call->untrusted && (code != CURLE_OPERATION_TIMEDOUT || !connected);
  if (!later && !broken) return -1;
  int64_t wait = kube_door_backoff(call->tries - 1, KUBE_RETRY_MS);
  if (later && wait < reply->retry_after_s * 1000LL) wait = reply->retry_after_s * 1000LL;
  return mono_ms() + wait - call->first_ms > KUBE_RETRY_MS ? -1 : wait;
}

static void read_answer(struct call *call, struct kube_reply *reply) {
  long status = 0;
  curl_off_t later = 0;
  char *type = NULL;
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &later);
  curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
  reply->answered = true;
  reply->status = (int)status;
  reply->retry_after_s = later > 0 ? later < 3600 ? (int)later : 3600 : 0;
  reply->at_ms = wall_ms();
  snprintf(reply->content_type, sizeof reply->content_type, "%s", type ? type : "");
}

static void read_failure(struct call *call, CURLcode code, bool connected) {
  const char *says = call->curl_says[0] ? call->curl_says : curl_easy_strerror(code);
  if (call->large) {
    err_set(&call->err, ERR_LIMIT, "kube.large", "%s: more than %zu bytes", call->request->path, call->body.cap);
    err_param(&call->err, "limit", "%zu", call->body.cap);
  } else if (code == CURLE_OPERATION_TIMEDOUT && connected) err_set(&call->err, ERR_TIMEOUT, "cluster.slow", "%s %s: %s", call->request->method, call->request->path, says);
  else say_away(call->untrusted, &call->err, says);
}

static void finish(struct lane *lane, struct call *call, CURLcode code) {
  struct kube_http *http = lane->http;
  struct kube_reply *reply = call->reply;
  curl_off_t sent_at = 0;
  curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_at);
  call->untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
  bool connected = sent_at > 0;
  *reply = (struct kube_reply){0};
  if (code == CURLE_OK) read_answer(call, reply);
  curl_multi_remove_handle(lane->multi, call->easy);
  for (int i = 0; i < lane->actives; i++) if (lane->active[i] == call) lane->active[i--] = lane->active[--lane->actives];
  curl_easy_reset(call->easy);
  lane->idle[lane->idles++] = call->easy;
  call->easy = NULL;
  kube_door_forget(call->headers);
  call->headers = NULL;

  int64_t wait = call->batch ? retry_after(lane, call, code, connected) : -1;
  pthread_mutex_lock(&http->lock);
  http->in_flight--;
  http->stats.sent++;
  bool pod = code == CURLE_OPERATION_TIMEDOUT && connected && strstr(call->request->path, "/proxy/");
  if (reply->answered || call->large) note_answer(http);
  else {
    http->stats.failed++;
    if (!pod && !http->closing) note_failure(http, call->untrusted, call->curl_says[0] ? call->curl_says : curl_easy_strerror(code));
  }
  if (!call->batch) {
    http->probing = false;
    http->probe_ms = mono_ms() + KUBE_PROBE_MS;
  } else if (wait >= 0 && !http->closing) requeue(lane, call, mono_ms() + wait);
  else {
    if (!reply->answered) read_failure(call, code, connected);
    call_done(call);
  }
  struct lane *other = &http->lane[lane->as == KUBE_AS_PLATFORM ? KUBE_AS_LEARNER : KUBE_AS_PLATFORM];
  bool nudge = other->queue != NULL;
  pthread_mutex_unlock(&http->lock);
  if (nudge) curl_multi_wakeup(other->multi);
}

/* --- the lane's thread ------------------------------------------------------------------------------------------------------------------------ */
/* Takes calls whose time has come out of the queue, ends those whose time is over; *out_wait: ms until the next. Lock held. */
static struct call *take_due(struct lane *lane, int64_t *out_wait) {
  struct kube_http *http = lane->http;
  struct call *taken = NULL, **last = &taken;
  int64_t now = mono_ms();
  *out_wait = 1000;
  for (struct call **at = &lane->queue; *at;) {
    struct call *call = *at;
    bool over = call->tries ? now - call->first_ms > KUBE_RETRY_MS : now - call->queued_ms > KUBE_QUEUE_MS;
    if (http->closing || over || (http->open && !call->tries)) {
      *at = call->next;
      if (over && !http->open) err_set(&call->err, ERR_TIMEOUT, "cluster.slow", "waited too long for its turn");
      else say_away(http->certificate, &call->err, http->closing ? "closing" : "the API server is away");
      call_done(call);
    } else if (http->open || http->in_flight >= KUBE_IN_FLIGHT || call->due_ms > now) {
      if (call->due_ms > now && call->due_ms - now < *out_wait) *out_wait = call->due_ms - now;
      at = &call->next;
    } else {
      *at = call->next;
      call->next = NULL;
      *last = call;
      last = &call->next;
      http->in_flight++;
    }
  }
  return taken;
}

static void start(struct lane *lane, struct call *call) {
  struct kube_http *http = lane->http;
  CURL *easy = lane->idles ? lane->idle[--lane->idles] : curl_easy_init();
  if (!easy) abort();
  kube_door_prepare(http->door, easy, lane->as);
  buf_reset(&call->body);
  call->head = 0;
  call->large = false;
  call->curl_says[0] = 0;
  call->tries++;
  if (!call->first_ms) call->first_ms = mono_ms();
  if (!kube_door_request(http->door, easy, lane->as, call->request, &call->headers, &call->err)) {
    curl_easy_reset(easy);
    lane->idle[lane->idles++] = easy;
    pthread_mutex_lock(&http->lock);
    http->in_flight--;
    if (call->batch) call_done(call);
    pthread_mutex_unlock(&http->lock);
    return;
  }
  call->easy = easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(call->request->timeout_ms ? call->request->timeout_ms : KUBE_TIMEOUT_MS));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_says);
  if (curl_multi_add_handle(lane->multi, easy) != CURLM_OK) abort();
  lane->active[lane->actives++] = call;
}

/* True when it is time to ask whether the server is back. Lock held. */
static bool probe_due(struct lane *lane, int64_t *wait) {
  struct kube_http *http = lane->http;
  if (lane->as != KUBE_AS_PLATFORM || !http->open || http->probing) return false;
  int64_t left = http->probe_ms - mono_ms();
  if (left > 0) {
    if (left < *wait) *wait = left;
    return false;
  }
  http->probing = true;
  http->in_flight++;
  return true;
}

static void *lane_main(void *ctx) {
  struct lane *lane = ctx;
  struct kube_http *http = lane->http;
  static const struct kube_request ready = {.method = "GET", .path = "/readyz", .timeout_ms = KUBE_CONNECT_MS};
  struct kube_reply ready_reply;
  struct call probe;
  memset(&probe, 0, sizeof probe);
  probe.request = &ready;
  probe.reply = &ready_reply;
  buf_init(&probe.body, KUBE_HEAD_MAX);
  for (;;) {
    int64_t wait;
    int running = 0, left;
    pthread_mutex_lock(&http->lock);
    struct call *due = take_due(lane, &wait);
    bool ask = probe_due(lane, &wait), closing = http->closing;
    pthread_mutex_unlock(&http->lock);
    for (struct call *call = due, *next; call; call = next) {
      next = call->next;
      start(lane, call);
    }
    if (ask) start(lane, &probe);
    curl_multi_perform(lane->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(lane->multi, &left)) != NULL;) {
      struct call *call = NULL;
      CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
      finish(lane, call, code);
      wait = 0;                                              /* a place is free: look at the queue again */
    }
    if (closing) break;
    curl_multi_poll(lane->multi, NULL, 0, (int)wait, NULL);
  }
  while (lane->actives) finish(lane, lane->active[0], CURLE_ABORTED_BY_CALLBACK);
  buf_release(&probe.body);
  return NULL;
}

/* --- the caller's side ------------------------------------------------------------------------------------------------------------------------ */
struct body { char *data; size_t room; };

static void wipe_body(void *what) {                          /* it may hold a token */
  struct body *body = what;
  secret_wipe(body->data, body->room);
  free(body->data);
}

/* Gives the call's body to the arena without copying. */
static void hand_over(struct arena *arena, struct call *call) {
  struct kube_reply *reply = call->reply;
  if (!reply->answered) {
    reply->err = arena_dup(arena, &call->err, sizeof call->err);
    buf_release(&call->body);
    return;
  }
  struct body *body = arena_alloc(arena, sizeof *body);
  *body = (struct body){call->body.data, call->body.room};
  arena_on_free(arena, wipe_body, body);
  reply->body = call->body.data;
  reply->length = call->body.len;
}

bool kube_http_send(void *ctx, struct arena *arena, const struct kube_request *requests, size_t count, struct kube_reply *replies, struct err *err) {
  struct kube_http *http = ctx;
  if (http->magic != MAGIC || kube_forbidden()) {
    BUG("the cluster is asked from a thread that must not wait for it, or through a port that is closed");
    return err_set(err, ERR_BUG, "bug", "kube_http_send");
  }
  if (!count) return true;
  struct call *calls = arena_alloc(arena, count * sizeof *calls);
  struct batch batch = {.left = count};
  bool used[LANES] = {0};
  for (size_t i = 0; i < count; i++) {
    struct call *call = &calls[i];
    replies[i] = (struct kube_reply){0};
    call->request = &requests[i];
    call->reply = &replies[i];
    call->batch = &batch;
    call->next = NULL;
    buf_init(&call->body, requests[i].cap ? requests[i].cap : KUBE_ANSWER_MAX);
    call->queued_ms = mono_ms();
  }
  pthread_mutex_lock(&http->lock);
  if (http->open || http->closing) {
    say_away(http->certificate, err, "the circuit is open");
    pthread_mutex_unlock(&http->lock);
    for (size_t i = 0; i < count; i++) buf_release(&calls[i].body);
    return false;
  }
  pthread_cond_init(&batch.done, NULL);
  http->callers++;
  struct call **end[LANES];
  for (int as = 0; as < LANES; as++) for (end[as] = &http->lane[as].queue; *end[as];) end[as] = &(*end[as])->next;
  for (size_t i = 0; i < count; i++) {
    enum kube_as as = requests[i].token ? KUBE_AS_LEARNER : KUBE_AS_PLATFORM;
    used[as] = true;
    *end[as] = &calls[i];
    end[as] = &calls[i].next;
  }
  for (int as = 0; as < LANES; as++) if (used[as]) curl_multi_wakeup(http->lane[as].multi);
  while (batch.left) pthread_cond_wait(&batch.done, &http->lock);
  if (--http->callers == 0) pthread_cond_signal(&http->gone);
  pthread_mutex_unlock(&http->lock);
  pthread_cond_destroy(&batch.done);
  for (size_t i = 0; i < count; i++) hand_over(arena, &calls[i]);
  return true;
}

/* --- opening and closing ---------------------------------------------------------------------------------------------------------------------- */
static bool watch_any(void *ctx, const struct kube_watch *watch, struct err *err) {
  struct kube_http *http = ctx;
  return kube_watches_add(http->watches, watch, err);
}

static void curl_once(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

bool kube_open(const struct kube_config *config, struct kube *out, struct err *err) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, curl_once);
  struct kube_http *http = calloc(1, sizeof *http);
  if (!http) abort();
  http->magic = MAGIC;
  http->door = kube_door_open(config, err);
  if (!http->door) {
    free(http);
    return false;
  }
  pthread_mutex_init(&http->lock, NULL);
  pthread_cond_init(&http->gone, NULL);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);                  /* signals are for the main thread */
  for (int as = 0; as < LANES; as++) {
    struct lane *lane = &http->lane[as];
    lane->http = http;
    lane->as = (enum kube_as)as;
    lane->multi = curl_multi_init();
    curl_multi_setopt(lane->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(lane->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)KUBE_CONNECTIONS);
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)KUBE_CONNECTIONS);
  }
  for (int as = 0; as < LANES; as++) {
    if (pthread_create(&http->lane[as].thread, NULL, lane_main, &http->lane[as]) != 0) abort();
    pthread_setname_np(http->lane[as].thread, as == KUBE_AS_PLATFORM ? "kube" : "kube-learner");
  }
  http->watches = kube_watches_open(http->door);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *out = (struct kube){.ctx = http, .send = kube_http_send, .watch = watch_any};
  return true;
}

void kube_close(struct kube *kube) {
  if (!kube || !kube->ctx || kube->send != kube_http_send) return;
  struct kube_http *http = kube->ctx;
  kube_watches_close(http->watches);
  pthread_mutex_lock(&http->lock);
  http->closing = true;
  pthread_mutex_unlock(&http->lock);
  for (int as = 0; as < LANES; as++) curl_multi_wakeup(http->lane[as].multi);
  for (int as = 0; as < LANES; as++) pthread_join(http->lane[as].thread, NULL);
  pthread_mutex_lock(&http->lock);
  while (http->callers) pthread_cond_wait(&http->gone, &http->lock);
  pthread_mutex_unlock(&http->lock);
  for (int as = 0; as < LANES; as++) {
    struct lane *lane = &http->lane[as];
    while (lane->idles) curl_easy_cleanup(lane->idle[--lane->idles]);
    curl_multi_cleanup(lane->multi);
  }
  kube_door_close(http->door);
  pthread_mutex_destroy(&http->lock);
  pthread_cond_destroy(&http->gone);
  http->magic = 0;
  free(http);
  *kube = (struct kube){0};
}

void kube_stats(const struct kube *kube, struct kube_stats *out) {
  *out = (struct kube_stats){0};
  if (!kube || !kube->ctx || kube->send != kube_http_send) return;
  struct kube_http *http = kube->ctx;
  uint64_t events, relists;
  int64_t last;
  kube_watches_stats(http->watches, &events, &relists, &last);
  pthread_mutex_lock(&http->lock);
  *out = http->stats;
  out->in_flight = http->in_flight;
  out->circuit_open = http->open;
  pthread_mutex_unlock(&http->lock);
  out->watch_events = events;
  out->relists = relists;
  if (last > out->last_answer_ms) out->last_answer_ms = last;
}
