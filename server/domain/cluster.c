/* cluster: one thread looks at where the cluster stands and tells everybody. Of the embedded one it reads status.json, build.json and server.kubeconfig
 * (cluster/lib/init.sh writes them, schema 1), nothing else; of any other the kubeconfig. A port that was opened is kept until the end, because others
 * hold pointers to it; a cluster made anew (new keys) gets a new one. */
#include "domain/cluster.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/lab_params.h"
#include "domain/live.h"
#include "domain/preflight.h"
#include "domain/shape.h"
#include "kube/kube.h"

#define LOOK_MS 250
#define LOOK_READY_MS 2000
#define PROBE_MS 10000                   /* while ready: is it still there? */
#define SILENT_MS 15000                  /* status.json is written every 2 s; older is dead */
#define PREFLIGHT_MS (24 * 3600 * 1000LL)
#define PREFLIGHT_RED_MS 30000           /* somebody may be mending it */
#define WORDS_MS 60000                   /* what somebody's own cluster can do is asked again: add-ons come and go there too */
#define PROVE_AGAIN_MS 600000            /* a trial with Pods that found nothing out */
#define FILE_MAX (256 * 1024)
#define LISTENERS 4

struct port { struct port *next; struct kube kube; bool opened; char hash[SECRET_SHA256_HEX], *ca, server[256]; };
struct cluster {
  pthread_mutex_t lock;
  pthread_cond_t change;
  pthread_t thread;
  bool closing, poked;
  char *name, *kubeconfig, *context, *ingress, *install, *run_root;
  struct check_pool *pool;
  struct live *live;
  struct port *port;                     /* the newest counts */
  struct cluster_status status;
  char why_text[512];
  char *lines;                           /* preflight lines as JSON */
  char *parts;                           /* processes of the embedded one as JSON */
  char *told;                            /* the last JSON published */
  int64_t probed_ms, flown_ms;           /* monotonic; 0: never */
  bool flown;                            /* preflight has run on this port */
  int64_t words_ms, proved_ms;           /* monotonic; of somebody's own cluster */
  pthread_t prover;                      /* tries with Pods, beside the thread that looks */
  bool has_prover, proving, proved_all;
  struct port *proved_port;
  struct capability proved[CAPABILITIES];/* what it found; key "" where it decided nothing */
  bool ready_told;
  pthread_mutex_t telling;               /* held while a listener is called, so that who leaves waits for that call; taken before `lock` */
  struct { void (*fn)(void *ctx); void *ctx; bool told; } listener[LISTENERS];
  struct { void (*fn)(void *what); void *what; } leftover[LISTENERS]; int leftovers;
};

static const char *const state_names[] = {"none", "building", "starting", "ready", "away", "broken"};

static char *dup(const char *text) {
  if (!text) return NULL;
  char *copy = strdup(text);
  if (!copy) abort();
  return copy;
}

/* --- credentials --------------------------------------------------------------------------------------------------------------------------------- */

/* A kubeconfig file as a tree: our own is JSON; any other is read by a worker, as all YAML. */
static bool read_config(struct cluster *cluster, struct arena *arena, const char *path, char hash[SECRET_SHA256_HEX], struct tree **out, struct err *err) {
  char *text;
  size_t length;
  if (!file_read(arena, path, FILE_MAX, &text, &length, err)) return false;
  secret_sha256_hex(text, length, hash);
  if (tree_parse(arena, text, length, 0, out, NULL)) return true;
  const char *slash = strrchr(path, '/');
  struct check_file file = {.name = slash ? slash + 1 : path, .bytes = text, .length = length};
  struct check_read_job job = {.files = &file, .file_count = 1, .objects = false, .secret = true};
  struct tree *docs, *reading;
  bool refused;
  if (!cluster->pool) return err_set(err, ERR_INVALID, "kubeconfig.unreadable", "%s is not JSON and nobody here reads YAML", path);
  if (!check_read(cluster->pool, arena, &job, &docs, &reading, &refused, err)) return false;
  if (refused || !docs->child) {
    err_set(err, ERR_INVALID, "kubeconfig.unreadable", "%s: %s", path, tree_text_or(reading->child, "key", "empty"));
    err_param(err, "file", "%s", path);
    return err_param(err, "line", "%d", (int)tree_int(tree_get(reading->child, "at"), "line", 0));
  }
  *out = tree_get(docs->child, "value");
  return true;
}

/* Opens the port that this file describes unless it is open already. */
static bool open_port(struct cluster *cluster, const char *path, struct err *err) {
  struct arena *arena = arena_new(0);
  struct port *port = calloc(1, sizeof *port);
  struct kube_config config;
  struct tree *tree;
  char folder[512];
  if (!port) abort();
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash) *slash = 0;
  bool ok = read_config(cluster, arena, path, port->hash, &tree, err);
  bool same = ok && cluster->port && !strcmp(cluster->port->hash, port->hash);
  if (ok && !same) ok = kube_config_read(arena, tree, slash ? folder : ".", cluster->context, &config, err) && kube_open(&config, &port->kube, err);
  if (ok && !same) {
    port->opened = true;
    port->ca = dup(config.ca_pem);
    snprintf(port->server, sizeof port->server, "%s", config.server);
    pthread_mutex_lock(&cluster->lock);
    port->next = cluster->port;
    cluster->port = port;
    cluster->probed_ms = cluster->flown_ms = cluster->words_ms = cluster->proved_ms = 0;
    cluster->flown = false;
    pthread_mutex_unlock(&cluster->lock);
    log_info("cluster.port", "server=%s", port->server);
  } else {
    free(port);
  }
  arena_free(arena);
  return ok;
}

/* --- telling --------------------------------------------------------------------------------------------------------------------------------------- */

struct tree *cluster_json(struct cluster *cluster, struct arena *arena) {
  struct cluster_status status;
  cluster_status(cluster, &status);
  struct tree *out = tree_new(arena, TREE_MAP), *parts = tree_new(arena, TREE_MAP), *can = tree_new(arena, TREE_LIST), *lacking = tree_new(arena, TREE_MAP), *lines;
  pthread_mutex_lock(&cluster->lock);
  char *why_text = arena_str(arena, cluster->why_text), *text = arena_str(arena, cluster->lines);
  pthread_mutex_unlock(&cluster->lock);
  tree_put_text(arena, out, "state", state_names[status.state]);
  tree_put_text(arena, out, "why", status.why);
  tree_put_text(arena, out, "why_text", why_text);
  tree_put_int(arena, out, "percent", status.percent);
  tree_put_text(arena, out, "program", status.program);
  tree_put_int(arena, parts, "done", status.parts_done);
  tree_put_int(arena, parts, "of", status.parts_total);
  tree_put(arena, out, "parts", parts);
  tree_put_text(arena, out, "version", status.version);
  for (int i = 0; i < CAPABILITIES; i++) {
    if (status.can[i].can == CAN) {
      tree_push(can, tree_string(arena, capability_words[i]));
      continue;
    }
    struct tree *lack = tree_new(arena, TREE_MAP);
    tree_put_text(arena, lack, "state", capability_states[status.can[i].can]);
    if (status.can[i].can == CAN_COMING) tree_put_text(arena, lack, "with", status.can[i].about);
    tree_put(arena, lacking, capability_words[i], lack);
  }
  tree_put(arena, out, "capabilities", can);
  tree_put(arena, out, "lacking", lacking);
  tree_put_bool(arena, out, "embedded", status.embedded);
  tree_put_bool(arena, out, "red", status.own_red);
  tree_put_int(arena, out, "since_ms", status.since_ms);
  if (text && tree_parse(arena, text, strlen(text), 0, &lines, NULL)) tree_put(arena, out, "preflight", lines);
  return out;
}

struct tree *cluster_parts(struct cluster *cluster, struct arena *arena) {
  struct tree *parts = NULL;
  pthread_mutex_lock(&cluster->lock);
  char *text = arena_str(arena, cluster->parts);
  pthread_mutex_unlock(&cluster->lock);
  return text && tree_parse(arena, text, strlen(text), 0, &parts, NULL) ? parts : NULL;
}

static void publish(struct cluster *cluster) {
  struct arena *arena = arena_new(0);
  struct buf text;
  buf_init(&text, 256 * 1024);
  tree_write(&text, cluster_json(cluster, arena));
  bool news = !cluster->told || strcmp(cluster->told, text.data);
  if (news) {
    free(cluster->told);
    cluster->told = dup(text.data);
    const char *texts[LANG_COUNT] = {cluster->told, NULL};
    if (cluster->live) live_publish(cluster->live, "cluster", "cluster", "cluster", texts);
  }
  buf_release(&text);
  arena_free(arena);
}

static void snapshot(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena, void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx) {
  (void)topic, (void)viewer;
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 256 * 1024);
  tree_write(text, cluster_json(ctx, arena));
  add(add_ctx, "cluster", text->data);
}

/* why: a message key or ""; text: what the cluster itself says. */
static void become(struct cluster *cluster, enum cluster_state state, const char *why, const char *text) {
  pthread_mutex_lock(&cluster->lock);
  bool moved = cluster->status.state != state;
  if (moved) {
    cluster->status.since_ms = wall_ms();
    if (state != CLUSTER_READY) cluster->ready_told = false;
  }
  cluster->status.state = state;
  snprintf(cluster->status.why, sizeof cluster->status.why, "%s", why);
  snprintf(cluster->why_text, sizeof cluster->why_text, "%s", text);
  pthread_mutex_unlock(&cluster->lock);
  if (moved) log_info("cluster.state", "state=%s why=%s text=\"%s\"", state_names[state], why, text);
}

/* The same because of an error of ours: its detail (addresses, file names) is for the log, and `why` is worded for who looks. */
static void trouble(struct cluster *cluster, enum cluster_state state, const char *why, const struct err *err) {
  if (cluster->status.state != state || strcmp(cluster->status.why, why)) log_warn("cluster.trouble", "state=%s key=%s detail=\"%s\"", state_names[state], err->key, err->detail);
  become(cluster, state, why, "");
}

/* --- looking ----------------------------------------------------------------------------------------------------------------------------------------- */

static struct tree *read_json(struct arena *arena, const char *path) {
  char *text;
  size_t length;
  struct tree *tree = NULL;
  if (!file_read(arena, path, FILE_MAX, &text, &length, NULL) || !tree_parse(arena, text, length, 0, &tree, NULL)) return NULL;
  return tree_int(tree, "schema", 0) == 1 ? tree : NULL;
}

static void take_words(struct cluster *cluster, const struct capability words[CAPABILITIES]) {
  pthread_mutex_lock(&cluster->lock);
  memcpy(cluster->status.can, words, sizeof cluster->status.can);
  pthread_mutex_unlock(&cluster->lock);
}

/* The embedded one's own words, and those that its machine keeps from it (`lacks`: nfs, networkpolicy), each with a sentence can.no-WORD and the cluster's
 * own reason. One that will come counts as coming while its add-on is built and started, not after the build has failed. */
static void told_words(const struct tree *status, bool known, bool build_failed, struct capability out[CAPABILITIES]) {
  for (int i = 0; i < CAPABILITIES; i++) {
    const char *with = tree_text(tree_get(status, "coming"), capability_words[i]), *reason = tree_text(tree_get(status, "lacks"), capability_words[i]);
    out[i] = (struct capability){.can = known ? CAN_NOT : CAN_LOOKING};
    if (reason) {
      snprintf(out[i].key, sizeof out[i].key, "can.no-%s", capability_words[i]);
      snprintf(out[i].about, sizeof out[i].about, "%.*s", (int)sizeof out[i].about - 1, reason);
    }
    if (!with) continue;
    out[i].can = build_failed ? CAN_NOT : CAN_COMING;
    if (build_failed) snprintf(out[i].key, sizeof out[i].key, "can.build-failed");
    snprintf(out[i].about, sizeof out[i].about, "%.100s", with);
  }
  TREE_EACH(word, tree_get(status, "capabilities")) {
    int at = word->type == TREE_STRING ? capability_of(word->text, word->length) : -1;
    if (at >= 0) out[at] = (struct capability){.can = CAN};
  }
}

static void keep_parts(struct cluster *cluster, const struct tree *list) {
  struct buf text;
  buf_init(&text, FILE_MAX);
  if (list) tree_write(&text, list);
  pthread_mutex_lock(&cluster->lock);
  free(cluster->parts);
  cluster->parts = list ? dup(text.data) : NULL;
  pthread_mutex_unlock(&cluster->lock);
  buf_release(&text);
}

/* Where the embedded one says it is. True when it says that it is ready. */
static bool look_embedded(struct cluster *cluster, struct arena *arena) {
  const char *folder = arena_printf(arena, "%s/%s", cluster->run_root, cluster->name);
  struct tree *status = read_json(arena, arena_printf(arena, "%s/status.json", folder));
  const char *state = tree_text_or(status, "state", ""), *why = tree_text_or(status, "why", "");
  const struct tree *parts = tree_get(status, "parts");
  bool building = !strcmp(state, "building"), starting = !strcmp(state, "starting"), ready = !strcmp(state, "ready");
  /* a cluster that is used already may be building its add-ons */
  struct tree *build = building || (ready && tree_get(status, "coming") && tree_get(status, "coming")->count) ? read_json(arena, arena_printf(arena, "%s/build.json", folder)) : NULL;
  int64_t told = tree_int(build, "at_ms", 0);                /* written twice a second: an old one means that the builder was killed */
  bool failed = !strcmp(tree_text_or(build, "last", ""), "failed") || (told && llabs(wall_ms() - told) > SILENT_MS);
  struct capability words[CAPABILITIES];
  told_words(status, !building && !starting, failed, words);
  take_words(cluster, words);
  keep_parts(cluster, tree_get(status, "processes"));
  pthread_mutex_lock(&cluster->lock);
  cluster->status.parts_done = (int)tree_int(parts, "done", 0);
  cluster->status.parts_total = (int)tree_int(parts, "total", 0);
  cluster->status.percent = failed && ready ? 0 : (int)tree_int(build, "percent", 0);
  snprintf(cluster->status.program, sizeof cluster->status.program, "%.39s", failed && ready ? "" : tree_text_or(build, "program", ""));
  if (status) snprintf(cluster->status.version, sizeof cluster->status.version, "%.31s", tree_text_or(status, "version", ""));
  pthread_mutex_unlock(&cluster->lock);
  bool alive = llabs(wall_ms() - tree_int(status, "at_ms", 0)) < SILENT_MS;
  if (building) {
    become(cluster, failed ? CLUSTER_BROKEN : CLUSTER_BUILDING, failed ? "cluster.build-failed" : "cluster.building", tree_text_or(build, "last", ""));
  } else if (starting) {
    become(cluster, CLUSTER_STARTING, "cluster.starting", why);
  } else if (!strcmp(state, "broken")) {
    become(cluster, CLUSTER_BROKEN, "cluster.broken", why);
  } else if (ready && alive) {
    return true;
  } else if (ready) {
    become(cluster, CLUSTER_AWAY, "cluster.silent", why);
  } else {
    become(cluster, CLUSTER_NONE, "cluster.none", why);
  }
  return false;
}

/* --- what somebody's own cluster can do ------------------------------------------------------------------------------------------------------------ */

static bool prover_stops(void *ctx) {
  struct cluster *cluster = ctx;
  pthread_mutex_lock(&cluster->lock);
  bool stop = cluster->closing;
  pthread_mutex_unlock(&cluster->lock);
  return stop;
}

/* The trial takes up to two minutes; nothing waits for it but the words it decides. */
static void *prove(void *arg) {
  struct cluster *cluster = arg;
  struct arena *arena = arena_new(0);
  struct capability words[CAPABILITIES];
  pthread_mutex_lock(&cluster->lock);
  struct port *port = cluster->proved_port;
  memcpy(words, cluster->status.can, sizeof words);
  pthread_mutex_unlock(&cluster->lock);
  struct capability before[CAPABILITIES];
  memcpy(before, words, sizeof before);
  int64_t begun = mono_ms();
  capability_prove(&port->kube, arena, shape_people(arena, cluster->install), prover_stops, cluster, words);
  bool all = true;
  pthread_mutex_lock(&cluster->lock);
  for (int i = 0; i < CAPABILITIES; i++) {
    if (strcmp(words[i].key, before[i].key)) cluster->proved[i] = words[i];
    if (words[i].can == CAN_LOOKING || words[i].can == CAN_UNKNOWN) all = all && i == capability_of("rwx", 3);
  }
  cluster->proved_all = all;
  cluster->proved_ms = mono_ms();
  cluster->proving = false;
  cluster->words_ms = 0;
  cluster->poked = true;
  pthread_cond_signal(&cluster->change);
  pthread_mutex_unlock(&cluster->lock);
  log_info("cluster.proved", "ms=%lld all=%d", (long long)(mono_ms() - begun), all);
  arena_free(arena);
  return NULL;
}

/* Asked each minute; tried with Pods once for each port, again after ten minutes where that decided nothing, and daily. */
static void look_words(struct cluster *cluster, struct port *port, struct arena *arena) {
  int64_t now = mono_ms();
  struct capability words[CAPABILITIES];
  struct err err = {0};
  pthread_mutex_lock(&cluster->lock);
  bool due = !cluster->words_ms || now - cluster->words_ms >= WORDS_MS;
  pthread_mutex_unlock(&cluster->lock);
  if (due && capability_look(&port->kube, arena, words, &err)) {
    pthread_mutex_lock(&cluster->lock);
    cluster->words_ms = now;             /* under the lock, together with what the prover found: it sets this back when it is done */
    bool tried = cluster->proved_ms && cluster->proved_port == port, may = cluster->install && !cluster->status.own_red;
    for (int i = 0; i < CAPABILITIES; i++) {
      if (tried && *cluster->proved[i].key && words[i].can != CAN_NOT) words[i] = cluster->proved[i];
      else if (words[i].can == CAN_LOOKING && !may) words[i].can = CAN_UNKNOWN, snprintf(words[i].key, sizeof words[i].key, "can.not-tried");
    }
    pthread_mutex_unlock(&cluster->lock);
    take_words(cluster, words);
  }
  pthread_mutex_lock(&cluster->lock);
  bool again = cluster->proved_port != port || !cluster->proved_ms || now - cluster->proved_ms >= (cluster->proved_all ? PREFLIGHT_MS : PROVE_AGAIN_MS);
  bool start = cluster->words_ms && cluster->install && !cluster->status.own_red && !cluster->proving && again && !cluster->closing;
  bool old = start && cluster->has_prover;
  if (start) {
    cluster->proving = true;
    if (cluster->proved_port != port) memset(cluster->proved, 0, sizeof cluster->proved);
    cluster->proved_port = port;
  }
  pthread_mutex_unlock(&cluster->lock);
  if (old) pthread_join(cluster->prover, NULL);
  if (!start) return;
  cluster->has_prover = pthread_create(&cluster->prover, NULL, prove, cluster) == 0;
  if (cluster->has_prover) pthread_setname_np(cluster->prover, "capability");
  else cluster->proving = false;
}

static bool answers(const struct kube *kube, struct arena *arena, struct err *err) {
  struct kube_request request = {.method = "GET", .path = "/version", .timeout_ms = 5000};
  return kube_call(kube, arena, &request, NULL, err);
}

static bool fly(struct cluster *cluster, const struct kube *kube, struct arena *arena, struct err *err) {
  struct preflight flight;
  if (!preflight_run(kube, arena, cluster->install, &flight, err)) return false;
  struct buf text;
  buf_init(&text, 64 * 1024);
  tree_write_plain(&text, flight.lines);
  pthread_mutex_lock(&cluster->lock);
  free(cluster->lines);
  cluster->lines = dup(text.data);
  cluster->status.own_red = flight.red;
  snprintf(cluster->status.version, sizeof cluster->status.version, "%.31s", flight.version);
  cluster->flown_ms = mono_ms();
  cluster->flown = true;
  pthread_mutex_unlock(&cluster->lock);
  buf_release(&text);
  log_info("cluster.preflight", "version=%s red=%d", flight.version, flight.red);
  return true;
}

/* What red says, as key and text. */
static void red_words(struct cluster *cluster, struct arena *arena, const char **key, const char **text) {
  struct tree *lines = NULL;
  pthread_mutex_lock(&cluster->lock);
  char *json = arena_str(arena, cluster->lines);
  pthread_mutex_unlock(&cluster->lock);
  if (json) tree_parse(arena, json, strlen(json), 0, &lines, NULL);
  const struct tree *line = preflight_first_red(&(struct preflight){.lines = lines});
  *key = tree_text_or(line, "key", "preflight.red");
  *text = "";
  TREE_EACH(param, tree_get(line, "params")) if (param->type == TREE_STRING) *text = param->text;
}

static void look(struct cluster *cluster, struct arena *arena) {
  struct err err = {0};
  if (cluster->name) {
    if (!look_embedded(cluster, arena)) return;
    if (!open_port(cluster, arena_printf(arena, "%s/%s/server.kubeconfig", cluster->run_root, cluster->name), &err)) {
      trouble(cluster, CLUSTER_BROKEN, err.key, &err);
      return;
    }
  }
  struct port *port = cluster->port;
  if (!port) return;
  int64_t now = mono_ms();
  bool was_ready = cluster->status.state == CLUSTER_READY;
  struct kube_stats stats = {0};
  if (port->opened) kube_stats(&port->kube, &stats);
  if (!was_ready || stats.circuit_open || now - cluster->probed_ms >= PROBE_MS) {
    cluster->probed_ms = now;
    if (!answers(&port->kube, arena, &err)) {
      trouble(cluster, cluster->flown ? CLUSTER_AWAY : CLUSTER_STARTING, cluster->flown ? "cluster.away" : err.key, &err);
      return;
    }
  }
  if (!cluster->flown || now - cluster->flown_ms >= (cluster->status.own_red ? PREFLIGHT_RED_MS : PREFLIGHT_MS)) {
    if (!fly(cluster, &port->kube, arena, &err)) {
      trouble(cluster, cluster->flown ? CLUSTER_AWAY : CLUSTER_STARTING, "cluster.away", &err);
      return;
    }
  }
  if (!cluster->name) look_words(cluster, port, arena);
  const char *why = "", *text = "";
  if (cluster->status.own_red) red_words(cluster, arena, &why, &text);
  become(cluster, CLUSTER_READY, why, text);
}

/* Listeners are called without the lock. */
static void tell_ready(struct cluster *cluster) {
  pthread_mutex_lock(&cluster->telling);
  pthread_mutex_lock(&cluster->lock);
  bool ready = cluster->status.state == CLUSTER_READY && !cluster->status.own_red;
  bool fresh = ready && !cluster->ready_told;
  cluster->ready_told = ready;
  for (int i = 0; i < LISTENERS; i++) {
    if (!cluster->listener[i].fn || !ready || (cluster->listener[i].told && !fresh)) continue;
    cluster->listener[i].told = true;
    void (*fn)(void *ctx) = cluster->listener[i].fn;
    void *ctx = cluster->listener[i].ctx;
    pthread_mutex_unlock(&cluster->lock);
    fn(ctx);
    pthread_mutex_lock(&cluster->lock);
  }
  pthread_mutex_unlock(&cluster->lock);
  pthread_mutex_unlock(&cluster->telling);
}

static void *watch(void *arg) {
  struct cluster *cluster = arg;
  for (;;) {
    struct arena *arena = arena_new(0);
    look(cluster, arena);
    arena_free(arena);
    publish(cluster);
    tell_ready(cluster);
    pthread_mutex_lock(&cluster->lock);
    int64_t wait = cluster->status.state == CLUSTER_READY || cluster->status.state == CLUSTER_AWAY ? LOOK_READY_MS : LOOK_MS;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait / 1000;
    until.tv_nsec += wait % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) { until.tv_sec++; until.tv_nsec -= 1000000000; }
    while (!cluster->closing && !cluster->poked && pthread_cond_timedwait(&cluster->change, &cluster->lock, &until) == 0) {}
    cluster->poked = false;
    bool closing = cluster->closing;
    pthread_mutex_unlock(&cluster->lock);
    if (closing) return NULL;
  }
}

/* --- for others --------------------------------------------------------------------------------------------------------------------------------------- */

bool cluster_open(const struct cluster_spec *spec, struct cluster **out, struct err *err) {
  struct cluster *cluster = calloc(1, sizeof *cluster);
  if (!cluster) abort();
  cluster->name = dup(spec->name);
  cluster->kubeconfig = dup(spec->kubeconfig);
  cluster->context = dup(spec->context);
  cluster->ingress = dup(spec->ingress);
  cluster->install = dup(spec->install);
  cluster->run_root = dup(spec->run_root ? spec->run_root : "/run/makmal");
  cluster->pool = spec->pool;
  cluster->live = spec->live;
  cluster->status = (struct cluster_status){.state = spec->kubeconfig || spec->kube ? CLUSTER_STARTING : CLUSTER_NONE, .since_ms = wall_ms(), .embedded = spec->name != NULL};
  for (int i = 0; i < CAPABILITIES; i++) cluster->status.can[i].can = spec->kubeconfig || spec->kube ? CAN_LOOKING : CAN_NOT;
  if (!spec->kubeconfig && !spec->kube) snprintf(cluster->status.why, sizeof cluster->status.why, "cluster.none");
  pthread_mutex_init(&cluster->lock, NULL);
  pthread_mutex_init(&cluster->telling, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&cluster->change, &attr);
  pthread_condattr_destroy(&attr);
  bool ok = true;
  if (spec->kube) {
    cluster->port = calloc(1, sizeof *cluster->port);
    if (!cluster->port) abort();
    cluster->port->kube = *spec->kube;
  } else if (spec->kubeconfig) {
    ok = open_port(cluster, spec->kubeconfig, err);
  }
  if (ok && spec->live) live_source(spec->live, &(struct live_source){.prefix = "cluster", .snapshot = snapshot, .ctx = cluster});
  if (ok && pthread_create(&cluster->thread, NULL, watch, cluster) != 0) ok = err_set(err, ERR_UNAVAILABLE, "server.threads", "no thread for the cluster");
  if (!ok) {
    cluster->closing = true;
    cluster->thread = 0;
    cluster_close(cluster);
    return false;
  }
  pthread_setname_np(cluster->thread, "cluster");
  *out = cluster;
  return true;
}

void cluster_close(struct cluster *cluster) {
  if (!cluster) return;
  pthread_mutex_lock(&cluster->lock);
  cluster->closing = true;
  pthread_cond_signal(&cluster->change);
  pthread_mutex_unlock(&cluster->lock);
  if (cluster->thread) pthread_join(cluster->thread, NULL);
  if (cluster->has_prover) pthread_join(cluster->prover, NULL);
  for (struct port *port = cluster->port, *next; port; port = next) {
    next = port->next;
    if (port->opened) kube_close(&port->kube);
    free(port->ca);
    free(port);
  }
  for (int i = 0; i < cluster->leftovers; i++) cluster->leftover[i].fn(cluster->leftover[i].what);
  free(cluster->name), free(cluster->kubeconfig), free(cluster->context), free(cluster->ingress), free(cluster->install), free(cluster->run_root), free(cluster->lines), free(cluster->parts), free(cluster->told);
  pthread_cond_destroy(&cluster->change);
  pthread_mutex_destroy(&cluster->telling);
  pthread_mutex_destroy(&cluster->lock);
  free(cluster);
}

void cluster_status(struct cluster *cluster, struct cluster_status *out) {
  pthread_mutex_lock(&cluster->lock);
  *out = cluster->status;
  pthread_mutex_unlock(&cluster->lock);
}

enum can cluster_lacks(const struct cluster_status *status, const char *const *words, size_t count, struct cluster_lack *out) {
  *out = (struct cluster_lack){.can = CAN};
  for (size_t i = 0; i < count; i++) {
    int at = capability_of(words[i], strlen(words[i]));
    struct capability none = {.can = CAN_NOT}, one = at < 0 ? none : status->can[at];
    if (one.can > out->can || one.can == CAN) continue;
    if (one.can < out->can) *out = (struct cluster_lack){.can = one.can};
    size_t n = strlen(out->words), m = strlen(out->with);
    snprintf(out->words + n, sizeof out->words - n, "%s%s", n ? ", " : "", words[i]);
    if (one.can == CAN_COMING && !strstr(out->with, one.about)) snprintf(out->with + m, sizeof out->with - m, "%s%s", m ? ", " : "", one.about);
  }
  return out->can;
}

const char *cluster_lack_key(enum can can) {
  static const char *const keys[] = {[CAN_NOT] = "lab.needs", [CAN_UNKNOWN] = "lab.needs-unknown", [CAN_LOOKING] = "lab.needs-looking", [CAN_COMING] = "lab.needs-coming", [CAN] = NULL};
  return keys[can];
}

const struct kube *cluster_kube(struct cluster *cluster, struct err *err) {
  pthread_mutex_lock(&cluster->lock);
  bool there = cluster->port && cluster->status.state == CLUSTER_READY;
  const struct kube *kube = there ? &cluster->port->kube : NULL;
  pthread_mutex_unlock(&cluster->lock);
  if (!kube) {
    err_set(err, ERR_UNAVAILABLE, "cluster.away", "no cluster that answers");
    if (err) err->retry_after_s = 5;
  }
  return kube;
}

const char *cluster_ca(struct cluster *cluster) {
  pthread_mutex_lock(&cluster->lock);
  const char *ca = cluster->port ? cluster->port->ca : NULL;
  pthread_mutex_unlock(&cluster->lock);
  return ca;
}

const char *cluster_server(struct cluster *cluster) {
  pthread_mutex_lock(&cluster->lock);
  const char *server = cluster->port ? cluster->port->server : NULL;
  pthread_mutex_unlock(&cluster->lock);
  return server;
}

bool cluster_front(struct cluster *cluster, struct kube_front *out) {
  return kube_front_at(cluster->name ? NULL : cluster->ingress, cluster->name ? cluster_server(cluster) : NULL, out);
}

bool cluster_ingress_class(struct cluster *cluster, char out[64]) {
  pthread_mutex_lock(&cluster->lock);
  snprintf(out, 64, "%s", cluster->name ? LAB_PARAM_CLASS : cluster->status.can[capability_of("ingress", 7)].name);
  pthread_mutex_unlock(&cluster->lock);
  return *out != 0;
}

void cluster_on_ready(struct cluster *cluster, void (*fn)(void *ctx), void *ctx) {
  pthread_mutex_lock(&cluster->telling);
  pthread_mutex_lock(&cluster->lock);
  int at = -1;
  for (int i = LISTENERS - 1; i >= 0; i--) {
    if (!fn && cluster->listener[i].ctx == ctx) cluster->listener[i].fn = NULL;
    if (!cluster->listener[i].fn) at = i;
  }
  if (fn && at >= 0) {
    cluster->listener[at].fn = fn;
    cluster->listener[at].ctx = ctx;
    cluster->listener[at].told = false;
  }
  cluster->poked = true;
  pthread_cond_signal(&cluster->change);
  pthread_mutex_unlock(&cluster->lock);
  pthread_mutex_unlock(&cluster->telling);
  if (fn && at < 0) BUG("too many listen for the cluster");
}

void cluster_at_close(struct cluster *cluster, void (*fn)(void *what), void *what) {
  pthread_mutex_lock(&cluster->lock);
  bool room = cluster->leftovers < LISTENERS;
  if (room) {
    cluster->leftover[cluster->leftovers].fn = fn;
    cluster->leftover[cluster->leftovers++].what = what;
  }
  pthread_mutex_unlock(&cluster->lock);
  if (!room) BUG("too much is left to the cluster's end");
}
