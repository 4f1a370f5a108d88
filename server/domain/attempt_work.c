/* attempt_work: the jobs of an attempt's life. A job is only a nudge: it reads the row, does what that state asks for, moves the row, and may run twice.
 * What has no answer (cluster away) leaves the row where it is and comes back; what has a wrong one moves it on with the reason. Two jobs of one
 * attempt never run at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "kube/kube.h"
#include "store/db.h"

#define SITE_MS (10 * 60 * 1000LL)       /* nodes come and go: the ground is looked at again */
#define BUSY_MS 100
#define LOOK_GONE_MS 3000

static bool away(const struct err *err) { return err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT; }

/* --- who has what in hand ---------------------------------------------------------------------------------------------------------------------------- */

static struct running *running(struct attempts *attempts, const char *id, bool make) {
  struct running *at = attempts->running;
  while (at && strcmp(at->id, id)) at = at->next;
  if (!at && make) {
    if (!(at = calloc(1, sizeof *at))) abort();
    snprintf(at->id, sizeof at->id, "%s", id);
    at->stage = -1;
    at->next = attempts->running;
    attempts->running = at;
  }
  return at;
}

static void drop_idle(struct attempts *attempts, const char *id) {
  for (struct running **at = &attempts->running; *at; at = &(*at)->next) {
    struct running *run = *at;
    if (strcmp(run->id, id)) continue;
    if (run->busy || run->making) return;
    *at = run->next;
    free(run);
    return;
  }
}

void work_release(struct attempts *attempts) {
  for (struct running *run = attempts->running, *next; run; run = next) {
    next = run->next;
    free(run);
  }
  attempts->running = NULL;
}

/* This job has the attempt in hand; false: another has, and this one comes again. */
static bool take(struct attempts *attempts, jobs_fn fn, const char *id) {
  bool mine = attempt_hold(attempts, id);
  if (!mine) jobs_add(attempts->jobs, fn, attempts, id, BUSY_MS, NULL);
  return mine;
}

static void leave(struct attempts *attempts, const char *id) {
  pthread_mutex_lock(&attempts->lock);
  struct running *run = running(attempts, id, false);
  if (run) run->busy = false;
  drop_idle(attempts, id);
  pthread_mutex_unlock(&attempts->lock);
}

bool attempt_hold(struct attempts *attempts, const char *id) {
  pthread_mutex_lock(&attempts->lock);
  struct running *run = running(attempts, id, true);
  bool mine = !run->busy;
  run->busy = true;
  pthread_mutex_unlock(&attempts->lock);
  return mine;
}

void attempt_let_go(struct attempts *attempts, const char *id) { leave(attempts, id); }

void work_wait(struct attempts *attempts, const char *id) {
  pthread_mutex_lock(&attempts->lock);
  running(attempts, id, true)->making = true;
  pthread_mutex_unlock(&attempts->lock);
}

static void made(struct attempts *attempts, const char *id) {
  pthread_mutex_lock(&attempts->lock);
  struct running *run = running(attempts, id, false);
  if (run) run->making = false, run->stage = -1, run->tries = 0;
  pthread_mutex_unlock(&attempts->lock);
}

/* How often in a row the cluster gave no answer. */
static int tried(struct attempts *attempts, const char *id, bool again) {
  pthread_mutex_lock(&attempts->lock);
  struct running *run = running(attempts, id, true);
  run->tries = again ? run->tries + 1 : 0;
  int tries = run->tries;
  pthread_mutex_unlock(&attempts->lock);
  return tries;
}

int work_waiting(struct attempts *attempts) {
  int n = 0;
  pthread_mutex_lock(&attempts->lock);
  for (struct running *run = attempts->running; run; run = run->next) n += run->making;
  pthread_mutex_unlock(&attempts->lock);
  return n;
}

int work_stage(struct attempts *attempts, const char *id) {
  pthread_mutex_lock(&attempts->lock);
  struct running *run = running(attempts, id, false);
  int stage = run ? run->stage : -1;
  pthread_mutex_unlock(&attempts->lock);
  return stage;
}

/* --- what every job asks ------------------------------------------------------------------------------------------------------------------------------ */

/* The row when it is in this state. */
static bool row_in(struct attempts *attempts, struct arena *arena, const char *id, const char *state, struct attempt_row *out) {
  struct err err;
  if (attempt_read(attempts, arena, id, out, &err)) return !strcmp(out->state, state);
  if (err.code != ERR_NOT_FOUND) log_warn("attempt.read", "attempt=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  return false;
}

/* An error's parameters as JSON, for the row. */
static char *params_json(struct arena *arena, const struct err *err) {
  if (!err->params) return NULL;
  struct tree *map = tree_new(arena, TREE_MAP);
  for (int i = 0; i < err->params; i++) tree_set(arena, map, err->param[i].name, tree_string(arena, err->param[i].value));
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 8192);
  tree_write(text, map);
  return text->data;
}

/* The row moves to its end because of err. */
static void end_with(struct attempts *attempts, struct arena *arena, const char *id, enum attempt_state from, const struct err *why) {
  struct err err;
  bool moved = false;
  if (!attempt_move(attempts, id, from, ATTEMPT_ENDING, why->key, params_json(arena, why), &moved, &err)) log_error("attempt.end", "attempt=%s key=%s", id, err.key);
  if (!moved) return;
  jobs_add(attempts->jobs, work_end, attempts, id, 0, NULL);
  attempt_publish(attempts, id, 0);
}

struct why { const char *id, *key, *params; };
static bool why_row(struct db_tx *tx, void *arg, struct err *err) {
  struct why *why = arg;
  return store_attempt_why(tx, why->id, why->key, why->params, err);
}

/* A wanted row says what it waits for. */
static void waits_for(struct attempts *attempts, const struct attempt_row *row, const char *key) {
  if (!strcmp(row->why, key)) return;
  struct why why = {row->id, key, NULL};
  struct err err;
  if (!db_write(attempts->needs.db, why_row, &why, &err)) log_warn("attempt.why", "attempt=%s key=%s", row->id, err.key);
  attempt_publish(attempts, row->id, 0);
}

bool work_clock_rests(struct attempts *attempts) {
  int64_t apart = wall_ms() - mono_ms(), before = attempts->clock_apart;
  if (llabs(apart - before) > 5000) {
    log_warn("clock.step", "step_ms=%lld expiry and sweep rest", (long long)(apart - before));
    attempts->clock_apart = apart;
    attempts->paused_until_ms = mono_ms() + 2 * SWEEP_MS;
  }
  return mono_ms() < attempts->paused_until_ms;
}

/* The ground on this port, made once and looked at again now and then. */
static bool ground(struct attempts *attempts, const struct kube *kube, struct shape_site *out, struct arena *arena, struct err *err) {
  pthread_mutex_lock(&attempts->lock);
  bool fresh = attempts->site_kube == kube && mono_ms() - attempts->site_ms < SITE_MS;
  if (fresh) {
    *out = attempts->site;
    out->fronts = arena_alloc(arena, (out->front_count + 1) * sizeof *out->fronts);
    for (size_t i = 0; i < out->front_count; i++) out->fronts[i] = arena_str(arena, attempts->site.fronts[i]);
  }
  pthread_mutex_unlock(&attempts->lock);
  if (fresh) return true;
  struct arena *keep = arena_new(0);
  struct shape_site site;
  if (!provision_ground(kube, keep, attempts->install, &site, err)) {
    arena_free(keep);
    return false;
  }
  *out = site;
  out->fronts = arena_alloc(arena, (site.front_count + 1) * sizeof *out->fronts);
  for (size_t i = 0; i < site.front_count; i++) out->fronts[i] = arena_str(arena, site.fronts[i]);
  pthread_mutex_lock(&attempts->lock);
  struct arena *old = attempts->site_arena;
  attempts->site_arena = keep;
  attempts->site = site;
  attempts->site_kube = kube;
  attempts->site_ms = mono_ms();
  pthread_mutex_unlock(&attempts->lock);
  arena_free(old);
  return true;
}

/* --- making ------------------------------------------------------------------------------------------------------------------------------------------------ */

struct telling { struct attempts *attempts; const char *id; };
static void on_stage(void *ctx, enum provision_stage stage) {
  struct telling *telling = ctx;
  pthread_mutex_lock(&telling->attempts->lock);
  running(telling->attempts, telling->id, true)->stage = (int)stage;
  pthread_mutex_unlock(&telling->attempts->lock);
  attempt_publish(telling->attempts, telling->id, 0);       /* the page says what is done and what is awaited */
}

struct ready { const char *id, *proof; int64_t at_ms, expires_ms; bool moved; };
static bool ready_row(struct db_tx *tx, void *arg, struct err *err) {
  struct ready *ready = arg;
  return store_attempt_ready(tx, ready->id, ready->at_ms, ready->expires_ms, ready->proof, &ready->moved, err);
}

/* Made and proven: the row is ready, unless its owner ended it meanwhile (then its ending job is waiting already). */
static bool hand_over(struct attempts *attempts, struct arena *arena, const struct attempt_row *row, const struct provision *provision, const struct tree *proof, int64_t minted_ms,
                      int64_t token_ends_ms, struct err *err) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 64 * 1024);
  tree_write(text, proof);
  int64_t now = wall_ms();
  struct ready ready = {.id = row->id, .proof = text->data, .at_ms = now, .expires_ms = attempt_expiry(attempts, row->workshop, now)};
  if (!db_write(attempts->needs.db, ready_row, &ready, err)) return false;
  if (!ready.moved) return true;
  access_put(attempts->access, row->id, provision->token, minted_ms, token_ends_ms);
  log_info("attempt.ready", "attempt=%s namespace=%s rounds_us=%lld hard_us=%lld proof_us=%lld setup_us=%lld all_us=%lld", row->id, row->namespace, (long long)provision->rounds_us,
           (long long)provision->hard_us, (long long)provision->proof_us, (long long)provision->setup_us, (long long)provision->ready_us);
  jobs_add(attempts->jobs, work_due, attempts, row->id, 0, NULL);
  return true;
}

/* True when the attempt need not be tried again. */
static bool make(struct attempts *attempts, struct arena *arena, const struct attempt_row *row, struct err *err) {
  const struct kube *kube = cluster_kube(attempts->needs.cluster, err);
  struct attempt attempt;
  struct shape_site site;
  if (!kube || !attempt_of_row(arena, row, &attempt, err) || !ground(attempts, kube, &site, arena, err)) return false;
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *lab = edition_lab_of(edition, row->lab, row->lab_version, err);
  struct telling telling = {attempts, row->id};
  struct provision provision;
  struct tree *proof;
  int64_t ends = 0, minted = mono_ms();
  bool ok = lab || (!strcmp(err->key, "lab.gone") ? err_set(err, ERR_NOT_FOUND, "lab.missing", "lab %s is not in the catalogue any more", row->lab) : false);
  if (ok) ok = attempt_know_class(attempts, arena, row->id, attempt.params, err);
  if (ok && attempt_lacks(attempts, lab, err)) ok = false;                /* it may have been started before anybody knew what the cluster can do */
  if (ok) {
    struct provision_job job = {.kube = kube, .pool = attempts->needs.pool, .lab = lab, .params = attempt.params, .site = &site, .install = attempts->install, .namespace = row->namespace,
                                .attempt = row->id, .expires_ms = row->expires_ms, .stage = on_stage, .ctx = &telling};
    ok = provision_run(&job, arena, &provision, &proof, &ends, err);
  }
  catalog_release(edition);
  if (!ok) return false;
  mirror_touch(attempts->mirror, row->namespace);
  ok = hand_over(attempts, arena, row, &provision, proof, minted, ends, err);
  secret_wipe(provision.token, sizeof provision.token);
  return ok;
}

void work_make(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  if (!take(attempts, work_make, id)) return;
  if (!row_in(attempts, arena, id, "wanted", &row)) {
    made(attempts, id);
    leave(attempts, id);
    return;
  }
  struct cluster_status status;
  cluster_status(attempts->needs.cluster, &status);
  if (status.state != CLUSTER_READY || status.own_red) {
    waits_for(attempts, &row, status.state == CLUSTER_READY ? "attempt.waits-preflight" : "attempt.waits-cluster");     /* work_revive comes back to it */
    made(attempts, id);
  } else if (make(attempts, arena, &row, &err)) {
    made(attempts, id);
    attempt_publish(attempts, id, 0);
  } else if (away(&err)) {
    int tries = tried(attempts, id, true);
    log_warn("attempt.again", "attempt=%s tries=%d key=%s detail=\"%s\"", id, tries, err.key, err.detail);
    waits_for(attempts, &row, strncmp(err.key, "lab.needs", 9) ? "attempt.waits-cluster" : "attempt.waits-words");
    jobs_add(attempts->jobs, work_make, attempts, id, 500LL << (tries < 6 ? tries : 6), NULL);
  } else {
    bool moved = false;
    struct err also;
    log_error("attempt.failed", "attempt=%s namespace=%s key=%s detail=\"%s\"", id, row.namespace, err.key, err.detail);
    if (!attempt_move(attempts, id, ATTEMPT_WANTED, ATTEMPT_FAILED, err.key, params_json(arena, &err), &moved, &also)) log_error("attempt.failed", "attempt=%s key=%s", id, also.key);
    made(attempts, id);
    mirror_forget(attempts->mirror, row.namespace);
    if (moved) attempt_publish(attempts, id, 0);
  }
  leave(attempts, id);
}

/* --- resetting ------------------------------------------------------------------------------------------------------------------------------------------------ */

struct back { const char *id; bool moved; };
static bool back_row(struct db_tx *tx, void *arg, struct err *err) {
  struct back *back = arg;
  return store_attempt_was_reset(tx, back->id, &back->moved, err);
}

static bool reset(struct attempts *attempts, struct arena *arena, const struct attempt_row *row, struct err *err) {
  const struct kube *kube = cluster_kube(attempts->needs.cluster, err);
  struct attempt attempt;
  if (!kube || !attempt_of_row(arena, row, &attempt, err)) return false;
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *lab = edition_lab_of(edition, row->lab, row->lab_version, err);
  int64_t begun = mono_us();
  bool ok = lab ? provision_reset(kube, attempts->needs.pool, arena, lab, attempt.params, row->namespace, err)
                : !strcmp(err->key, "lab.gone") ? err_set(err, ERR_NOT_FOUND, "lab.missing", "lab %s is gone", row->lab) : false;
  catalog_release(edition);
  if (!ok) return false;
  mirror_touch(attempts->mirror, row->namespace);
  struct back back = {.id = row->id};
  if (!db_write(attempts->needs.db, back_row, &back, err)) return false;
  log_info("attempt.reset", "attempt=%s namespace=%s us=%lld", row->id, row->namespace, (long long)(mono_us() - begun));
  return true;
}

void work_reset(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  if (!take(attempts, work_reset, id)) return;
  if (!row_in(attempts, arena, id, "resetting", &row)) {
    leave(attempts, id);
    return;
  }
  if (reset(attempts, arena, &row, &err)) {
    tried(attempts, id, false);
    attempt_publish(attempts, id, 0);
    jobs_add(attempts->jobs, work_due, attempts, id, 0, NULL);
  } else if (away(&err) && strcmp(err.key, "reset.stuck")) {
    int tries = tried(attempts, id, true);
    jobs_add(attempts->jobs, work_reset, attempts, id, 500LL << (tries < 6 ? tries : 6), NULL);
  } else {
    log_error("attempt.reset", "attempt=%s namespace=%s key=%s detail=\"%s\"", id, row.namespace, err.key, err.detail);
    end_with(attempts, arena, id, ATTEMPT_RESETTING, &err);            /* a fresh one may be started at once */
  }
  leave(attempts, id);
}

/* --- ending ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void is_gone(struct attempts *attempts, const struct attempt_row *row) {
  struct err err;
  bool moved = false;
  if (!attempt_move(attempts, row->id, ATTEMPT_ENDING, ATTEMPT_GONE, row->why, row->why_params, &moved, &err)) log_error("attempt.gone", "attempt=%s key=%s", row->id, err.key);
  if (moved) attempt_publish(attempts, row->id, 0);
}

/* A job: is it gone by now? What hangs is told to the operator, then pushed. */
static void work_look_gone(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  if (!take(attempts, work_look_gone, id)) return;
  if (row_in(attempts, arena, id, "ending", &row)) {
    const struct kube *kube = cluster_kube(attempts->needs.cluster, &err);
    bool gone = false;
    int64_t lasts = wall_ms() - row.ended_ms, next = LOOK_GONE_MS;
    if (kube && provision_gone(kube, arena, row.namespace, &gone, &err) && !gone && lasts > ATTEMPT_HANGS_MS) {
      char *why = NULL;
      bool pushed = provision_push(kube, arena, row.namespace, attempts->install, lasts > ATTEMPT_HANGS_LONG_MS ? 2 : 1, &why, &err);
      log_warn("attempt.hangs", "attempt=%s namespace=%s seconds=%lld conditions=\"%s\" pushed=%d", id, row.namespace, (long long)(lasts / 1000), why ? why : "", pushed);
      next = 30000;
    }
    if (gone) is_gone(attempts, &row);
    else jobs_add(attempts->jobs, work_look_gone, attempts, id, next, NULL);
  }
  leave(attempts, id);
}

void work_end(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  if (!take(attempts, work_end, id)) return;
  if (row_in(attempts, arena, id, "ending", &row)) {
    int wait = 0;
    access_forget(attempts->access, id);
    mirror_forget(attempts->mirror, row.namespace);
    const struct kube *kube = cluster_kube(attempts->needs.cluster, &err);
    if (!kube) {
      jobs_add(attempts->jobs, work_end, attempts, id, 5000, NULL);
    } else if (!limit_take(attempts->deletes, "", 1, &wait)) {
      jobs_add(attempts->jobs, work_end, attempts, id, 1000 / ATTEMPT_DELETES_A_SECOND, NULL);
    } else if (provision_delete(kube, arena, row.namespace, attempts->install, &err)) {
      jobs_add(attempts->jobs, work_look_gone, attempts, id, LOOK_GONE_MS, NULL);
    } else if (!strcmp(err.key, "provision.foreign")) {
      log_error("attempt.end", "attempt=%s namespace=%s is not ours: left alone", id, row.namespace);
      is_gone(attempts, &row);
    } else {
      log_warn("attempt.end", "attempt=%s key=%s detail=\"%s\"", id, err.key, err.detail);
      jobs_add(attempts->jobs, work_end, attempts, id, 5000, NULL);
    }
  }
  leave(attempts, id);
}

/* --- time ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

void work_due(void *ctx, const char *id, struct arena *arena) {
  static const int marks[] = {15, 5, 1};                                  /* minutes before the end at which it is said */
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err;
  if (!attempt_read(attempts, arena, id, &row, &err) || (strcmp(row.state, "wanted") && strcmp(row.state, "ready") && strcmp(row.state, "resetting"))) return;
  int64_t left = row.expires_ms - wall_ms(), next = left;
  if (left <= 0) {
    if (work_clock_rests(attempts)) {
      jobs_add(attempts->jobs, work_due, attempts, id, 60000, NULL);
      return;
    }
    static const enum attempt_state from[] = {ATTEMPT_WANTED, ATTEMPT_READY, ATTEMPT_RESETTING};
    bool moved = false;
    for (size_t i = 0; i < 3 && !moved; i++) attempt_move(attempts, id, from[i], ATTEMPT_ENDING, "attempt.expired", NULL, &moved, &err);
    if (moved) {
      jobs_add(attempts->jobs, work_end, attempts, id, 0, NULL);
      attempt_publish(attempts, id, 0);
    }
    return;
  }
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    int64_t mark = marks[i] * 60000LL;
    if (left > mark && left - mark < next) next = left - mark;
    if (left <= mark && left > mark - 3000) attempt_publish(attempts, id, marks[i]);
  }
  jobs_add(attempts->jobs, work_due, attempts, id, next < 3600000 ? next : 3600000, NULL);     /* durations are monotonic: the wall clock is looked at each hour */
}

/* --- start state -------------------------------------------------------------------------------------------------------------------------------------------------------- */

struct start { const char *id, *objects; int reset; int64_t at_ms; };
static bool start_row(struct db_tx *tx, void *arg, struct err *err) {
  struct start *start = arg;
  return store_attempt_start_put(tx, start->id, start->reset, start->at_ms, start->objects, err);
}

void work_start_state(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err;
  struct db_read *read;
  const char *there = NULL;
  if (!row_in(attempts, arena, id, "ready", &row) || !db_read_begin(attempts->needs.db, &read, &err)) return;
  bool ok = store_attempt_start_get(read, id, row.resets, arena, &there, NULL, &err);
  db_read_end(read);
  if (!ok || there || !mirror_settled(attempts->mirror, row.namespace, NULL)) return;          /* told again when it settles again */
  struct tree *objects = tree_new(arena, TREE_LIST), **end = &objects->child;
  TREE_EACH(item, mirror_objects(attempts->mirror, row.namespace, arena)) {
    struct tree *object = tree_get(item, "object");
    *end = object;
    end = &object->next;
    objects->count++;
  }
  *end = NULL;
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 8 * 1024 * 1024);
  tree_write(text, provision_start_of(arena, objects));
  struct start start = {.id = id, .objects = text->data, .reset = row.resets, .at_ms = wall_ms()};
  if (!db_write(attempts->needs.db, start_row, &start, &err)) log_warn("attempt.start-state", "attempt=%s key=%s", id, err.key);
  else log_info("attempt.start-state", "attempt=%s reset=%d objects=%zu", id, row.resets, objects->count);
}

/* --- namespaces that vanish, a cluster that comes back ------------------------------------------------------------------------------------------------------------------------ */

/* Is the namespace of a ready one still there, and not ending? */
void work_alive(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  struct tree *found = NULL;
  if (!row_in(attempts, arena, id, "ready", &row)) return;
  const struct kube *kube = cluster_kube(attempts->needs.cluster, &err);
  if (!kube) return;
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind("Namespace"), NULL, row.namespace), .retry = true};
  if (kube_call(kube, arena, &request, &found, &err)) {
    if (!tree_text(tree_get(found, "metadata"), "deletionTimestamp")) return;
  } else if (err.code != ERR_NOT_FOUND) {
    return;
  }
  log_warn("attempt.lost", "attempt=%s namespace=%s is gone behind our back", id, row.namespace);
  err_set(&err, ERR_NOT_FOUND, "attempt.lost", "namespace is gone");
  end_with(attempts, arena, id, ATTEMPT_READY, &err);
}

void work_lost(void *ctx, const char *namespace, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct db_read *read;
  struct err err;
  if (!db_read_begin(attempts->needs.db, &read, &err)) return;
  bool found = store_attempt_by_namespace(read, namespace, arena, &row, &err);
  db_read_end(read);
  if (!found) return;
  if (!strcmp(row.state, "ready")) work_alive(attempts, row.id, arena);
  else if (!strcmp(row.state, "ending")) jobs_add(attempts->jobs, work_look_gone, attempts, row.id, 50, NULL);
}

/* From the watch thread. */
static void on_lost(void *ctx, const char *namespace) {
  struct attempts *attempts = ctx;
  if (!strncmp(namespace, "lab-", 4)) jobs_add(attempts->jobs, work_lost, attempts, namespace, 0, NULL);
}

static void each_in(struct attempts *attempts, struct arena *arena, const char *state, jobs_fn fn) {
  struct db_read *read;
  struct attempt_row *rows;
  size_t count;
  struct err err;
  if (!db_read_begin(attempts->needs.db, &read, &err)) return;
  bool ok = store_attempt_in(read, state, arena, &rows, &count, &err);
  db_read_end(read);
  for (size_t i = 0; ok && i < count; i++) {
    if (fn == work_make) work_wait(attempts, rows[i].id);
    jobs_add(attempts->jobs, fn, attempts, rows[i].id, 0, NULL);
  }
}

void work_revive(void *ctx, const char *unused, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct err err = {0};
  (void)unused;
  const struct kube *kube = cluster_kube(attempts->needs.cluster, &err);
  if (kube && !mirror_watch(attempts->mirror, kube, attempts->install, on_lost, attempts, &err)) log_error("mirror.watch", "key=%s detail=\"%s\"", err.key, err.detail);
  each_in(attempts, arena, "ready", work_alive);
  each_in(attempts, arena, "wanted", work_make);
  each_in(attempts, arena, "resetting", work_reset);
  each_in(attempts, arena, "ending", work_end);
  jobs_add(attempts->jobs, sweep_run, attempts, "", SWEEP_MS, NULL);
}
