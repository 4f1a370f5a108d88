/* attempt: rows and who may touch them. A function here writes a row and nudges a job; what then happens on the cluster is attempt_work.c, what people
 * see of it attempt_show.c. */
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
#include "domain/kept.h"
#include "domain/cluster.h"
#include "domain/lab_params.h"
#include "domain/live.h"
#include "kube/kube.h"
#include "store/db.h"

static const char *const state_names[] = {"wanted", "ready", "resetting", "ending", "gone", "failed"};

const char *attempt_state_name(enum attempt_state state) { return state_names[state]; }

static bool state_of(const char *name, enum attempt_state *out) {
  for (size_t i = 0; i < sizeof state_names / sizeof *state_names; i++) {
    if (strcmp(name, state_names[i])) continue;
    *out = (enum attempt_state)i;
    return true;
  }
  return false;
}

const char *attempt_not_ready(enum attempt_state state) {
  return state == ATTEMPT_WANTED || state == ATTEMPT_READY || state == ATTEMPT_RESETTING ? "attempt.not-ready" : "attempt.over";
}

static bool json_of(struct arena *arena, const char *text, struct tree **out, struct err *err) {
  *out = NULL;
  return !text || tree_parse(arena, text, strlen(text), 0, out, err);
}

bool attempt_of_row(struct arena *arena, const struct attempt_row *row, struct attempt *out, struct err *err) {
  struct attempt attempt = {.created_ms = row->created_ms, .ready_ms = row->ready_ms, .expires_ms = row->expires_ms, .applied_ms = row->applied_ms, .resets = row->resets};
  memcpy(attempt.id, row->id, sizeof attempt.id);
  memcpy(attempt.person, row->person, sizeof attempt.person);
  memcpy(attempt.workshop, row->workshop, sizeof attempt.workshop);
  memcpy(attempt.lab, row->lab, sizeof attempt.lab);
  memcpy(attempt.lab_version, row->lab_version, sizeof attempt.lab_version);
  memcpy(attempt.namespace, row->namespace, sizeof attempt.namespace);
  memcpy(attempt.why, row->why, sizeof attempt.why);
  if (!state_of(row->state, &attempt.state)) return err_set(err, ERR_BUG, "bug", "attempt %s has state %s", row->id, row->state);
  if (!json_of(arena, row->params, &attempt.params, err) || !json_of(arena, row->why_params, &attempt.why_params, err) || !json_of(arena, row->proof, &attempt.proof, err)) {
    return err_wrap(err, "attempt %s", row->id);
  }
  *out = attempt;
  return true;
}

bool attempt_read(struct attempts *attempts, struct arena *arena, const char *id, struct attempt_row *out, struct err *err) {
  struct db_read *read;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool ok = store_attempt_get(read, id, arena, out, err);
  db_read_end(read);
  return ok;
}

bool attempt_may(struct db_read *read, const struct viewer *viewer, const struct attempt_row *row) {
  if (!*viewer->person) return false;
  if (!strcmp(row->person, viewer->person) || viewer_is(viewer, ROLE_ADMIN)) return true;
  if (!viewer_is(viewer, ROLE_INSTRUCTOR) || !*row->workshop) return false;
  char by[ID_SIZE];
  return store_attempt_workshop_by(read, row->workshop, by) && !strcmp(by, viewer->person);
}

bool attempt_find(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct attempt *out, struct err *err) {
  (void)attempts;
  struct attempt_row row;
  if (!id_valid(id)) return err_set(err, ERR_NOT_FOUND, "attempt.missing", "no id");
  if (!store_attempt_get(read, id, arena, &row, err)) return false;
  if (!attempt_may(read, viewer, &row)) return err_set(err, ERR_NOT_FOUND, "attempt.missing", "not this viewer's");     /* 404: an id tells nothing */
  return attempt_of_row(arena, &row, out, err);
}

bool attempt_open_one(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *lab, struct arena *arena, struct attempt *out, struct err *err) {
  (void)attempts;
  struct attempt_row row;
  return store_attempt_open_one(read, viewer->person, lab, arena, &row, err) && attempt_of_row(arena, &row, out, err);
}

bool attempt_load(struct db_read *read, const char *id, struct arena *arena, struct attempt *out, struct err *err) {
  struct attempt_row row;
  return store_attempt_get(read, id, arena, &row, err) && attempt_of_row(arena, &row, out, err);
}

struct tree *attempt_proof(struct attempts *attempts, struct db_read *read, struct arena *arena, const char *id) {
  (void)attempts;
  struct attempt attempt;
  return attempt_load(read, id, arena, &attempt, NULL) ? attempt.proof : NULL;
}

struct tree *attempt_start_state(struct attempts *attempts, struct db_read *read, struct arena *arena, const char *id) {
  (void)attempts;
  struct attempt_row row;
  const char *text = NULL;
  int64_t at = 0;
  struct tree *objects, *out;
  if (!store_attempt_get(read, id, arena, &row, NULL) || !store_attempt_start_get(read, id, row.resets, arena, &text, &at, NULL) || !json_of(arena, text, &objects, NULL) || !objects) return NULL;
  out = tree_new(arena, TREE_MAP);
  tree_put_int(arena, out, "reset", row.resets);
  tree_put_int(arena, out, "at_ms", at);
  tree_put(arena, out, "objects", objects);
  return out;
}

/* --- moving a row ----------------------------------------------------------------------------------------------------------------------------------- */

struct move { const char *id; enum attempt_state from, to; const char *why, *params; int64_t at_ms; bool moved; };
static bool move(struct db_tx *tx, void *arg, struct err *err) {
  struct move *m = arg;
  return store_attempt_move(tx, m->id, state_names[m->from], state_names[m->to], m->why, m->params, m->at_ms, &m->moved, err);
}

bool attempt_move(struct attempts *attempts, const char *id, enum attempt_state from, enum attempt_state to, const char *why, const char *params, bool *out_moved, struct err *err) {
  struct move m = {.id = id, .from = from, .to = to, .why = why, .params = params, .at_ms = wall_ms()};
  if (!db_write(attempts->needs.db, move, &m, err)) return false;
  if (m.moved) log_info("attempt.state", "attempt=%s from=%s to=%s why=%s", id, state_names[from], state_names[to], why);
  if (out_moved) *out_moved = m.moved;
  return true;
}

/* --- starting ----------------------------------------------------------------------------------------------------------------------------------------- */

int64_t attempt_expiry(struct attempts *attempts, const char *workshop, int64_t from_ms) {
  struct db_read *read;
  int64_t until = 0;
  if (*workshop && db_read_begin(attempts->needs.db, &read, NULL)) {
    until = store_attempt_workshop_until(read, workshop);
    db_read_end(read);
  }
  return until > from_ms ? until + ATTEMPT_AFTER_WORKSHOP_MS : from_ms + ATTEMPT_ALONE_MS;
}

/* Whether the cluster has what the lab needs. Nobody knows while there is no cluster: then the attempt waits for one (false: it may be started). */
bool attempt_lacks(struct attempts *attempts, const struct lab *lab, struct err *err) {
  struct cluster_status status;
  struct cluster_lack lack;
  cluster_status(attempts->needs.cluster, &status);
  if (status.state != CLUSTER_READY || lab->paper) return false;
  enum can can = cluster_lacks(&status, lab->cluster, lab->cluster_count, &lack);
  if (can == CAN) return false;
  bool soon = can == CAN_COMING || can == CAN_LOOKING;
  err_set(err, soon ? ERR_UNAVAILABLE : ERR_CONFLICT, cluster_lack_key(can), "lab %s: %s %s", lab->id, capability_states[can], lack.words);
  err_param(err, "words", "%s", lack.words);
  err_param(err, "with", "%s", lack.with);
  if (err && soon) err->retry_after_s = 10;
  return true;
}

static char *params_text(struct arena *arena, const struct tree *params) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 64 * 1024);
  tree_write(text, params);
  return text->data;
}

struct start { struct attempt_row row; bool found; struct arena *arena; struct attempt_row open; struct keeping keeping; struct tree *params; unsigned char seed[32]; };
static bool start_row(struct db_tx *tx, void *arg, struct err *err) {
  struct start *start = arg;
  struct db_read *read = db_tx_read(tx);
  struct err none;
  start->found = store_attempt_open_one(read, start->row.person, start->row.lab, start->arena, &start->open, &none);
  if (start->found) return true;
  if (store_attempt_count_open(read, start->row.person) >= ATTEMPT_OPEN_MOST) {
    err_set(err, ERR_LIMIT, "attempt.limit", "%s has %d open", start->row.person, ATTEMPT_OPEN_MOST);
    return err_param(err, "limit", "%d", ATTEMPT_OPEN_MOST);
  }
  int port = 0;
  for (int n = 0; (port = lab_params_nodeport(start->seed, n)) && store_attempt_nodeport_taken(read, port); n++) {}
  tree_set(start->arena, start->params, "nodeport", port ? tree_number(start->arena, port) : tree_new(start->arena, TREE_NULL));
  start->row.nodeport = port;
  start->row.params = params_text(start->arena, start->params);
  return store_attempt_add(tx, &start->row, err) && kept_write(tx, &start->keeping, err);
}

struct reclass { const char *id, *params; };
static bool reclass_row(struct db_tx *tx, void *arg, struct err *err) {
  struct reclass *reclass = arg;
  return store_attempt_params(tx, reclass->id, reclass->params, err);
}

bool attempt_know_class(struct attempts *attempts, struct arena *arena, const char *id, struct tree *params, struct err *err) {
  char class[64];
  if (!cluster_ingress_class(attempts->needs.cluster, class) || !strcmp(tree_text_or(params, "ingressclass", ""), class)) return true;
  tree_set(arena, params, "ingressclass", tree_string(arena, class));
  struct reclass reclass = {id, params_text(arena, params)};
  return db_write(attempts->needs.db, reclass_row, &reclass, err);
}

static bool start(struct attempts *attempts, const struct viewer *viewer, const struct lab *lab, struct arena *arena, struct attempt *out, struct err *err) {
  if (attempt_lacks(attempts, lab, err)) return false;
  struct start start = {.arena = arena};
  char random[13];
  id_random(random, 12);
  id_new(start.row.id);
  snprintf(start.row.person, sizeof start.row.person, "%s", viewer->person);
  snprintf(start.row.workshop, sizeof start.row.workshop, "%s", viewer->workshop);
  snprintf(start.row.lab, sizeof start.row.lab, "%.63s", lab->id);
  snprintf(start.row.lab_version, sizeof start.row.lab_version, "%s", lab->version);
  snprintf(start.row.namespace, sizeof start.row.namespace, "lab-%s", random);
  snprintf(start.row.why, sizeof start.row.why, "attempt.queued");
  char class[64];
  lab_seed_person(attempts->secret, attempts->needs.secret_length, viewer->person, lab->id, start.seed);
  start.params = lab_params_draw(arena, lab, start.seed);
  bool known = cluster_ingress_class(attempts->needs.cluster, class);     /* else when it is made */
  lab_params_platform(arena, start.params, start.row.namespace, attempts->needs.lab_domain, 0, known ? class : NULL);
  start.row.created_ms = wall_ms();
  start.row.expires_ms = start.row.created_ms + ATTEMPT_WAIT_MS;
  struct db_read *read;
  if (!kept_prepare(attempts->needs.db, arena, lab, &start.keeping, err) || !db_write(attempts->needs.db, start_row, &start, err)) return false;
  const char *id = start.found ? start.open.id : start.row.id;
  struct attempt_row row;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool ok = store_attempt_get(read, id, arena, &row, err);
  db_read_end(read);
  if (!ok || !attempt_of_row(arena, &row, out, err)) return false;
  if (start.found) return true;
  log_info("attempt.wanted", "attempt=%s person=%s lab=%s namespace=%s", out->id, out->person, out->lab, out->namespace);
  mirror_follow(attempts->mirror, out->namespace, out->id);
  work_wait(attempts, out->id);
  jobs_add(attempts->jobs, work_make, attempts, out->id, 0, NULL);
  jobs_add(attempts->jobs, work_due, attempts, out->id, ATTEMPT_WAIT_MS, NULL);
  return true;
}

bool attempt_start(struct attempts *attempts, const struct viewer *viewer, const char *lab, struct arena *arena, struct attempt *out, struct err *err) {
  if (!viewer_is(viewer, ROLE_LEARNER)) return err_set(err, ERR_LOGIN, "login.needed", "nobody is signed in");
  struct db_read *read;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool open = attempt_open_one(attempts, read, viewer, lab, arena, out, NULL);
  db_read_end(read);
  if (open) return true;
  int waiting = work_waiting(attempts);
  if (waiting >= ATTEMPT_QUEUE_MOST) {
    err_set(err, ERR_LIMIT, "attempt.queue", "%d wait", waiting);
    unsigned char random;
    secret_random(&random, 1);
    if (err) err->retry_after_s = 30 + random % 31;                      /* spread, or they all come back at once */
    return false;
  }
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *found = edition_lab(edition, lab);
  bool ok = found ? start(attempts, viewer, found, arena, out, err) : err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %s", lab);
  catalog_release(edition);
  return ok;
}

/* --- ending, resetting, extending ------------------------------------------------------------------------------------------------------------------------ */

/* The attempt of an id that this viewer may touch. */
static bool own(struct attempts *attempts, const struct viewer *viewer, const char *id, struct arena *arena, struct attempt *out, struct err *err) {
  struct db_read *read;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool ok = attempt_find(attempts, read, viewer, id, arena, out, err);
  db_read_end(read);
  return ok;
}

bool attempt_end(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err) {
  static const enum attempt_state from[] = {ATTEMPT_WANTED, ATTEMPT_READY, ATTEMPT_RESETTING};
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  bool ok = own(attempts, viewer, id, arena, &attempt, err), moved = false;
  arena_free(arena);
  for (size_t i = 0; ok && !moved && i < 3; i++) ok = attempt_move(attempts, id, from[i], ATTEMPT_ENDING, "attempt.ended", NULL, &moved, err);
  if (!ok) return false;
  if (moved) {
    jobs_add(attempts->jobs, work_end, attempts, id, 0, NULL);
    attempt_publish(attempts, id, 0);
  }
  return true;                                                              /* over already: what was asked for is so */
}

bool attempt_reset(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err) {
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  bool ok = own(attempts, viewer, id, arena, &attempt, err), moved = false;
  arena_free(arena);
  if (!ok || !cluster_kube(attempts->needs.cluster, err)) return false;
  int retry = 0;
  if (attempt.state == ATTEMPT_READY && !limit_take(attempts->resets, id, 1, &retry)) {
    err_set(err, ERR_LIMIT, "reset.soon", "one reset in %d s", ATTEMPT_RESET_EVERY_S);
    err_param(err, "seconds", "%d", retry);
    if (err) err->retry_after_s = retry;
    return false;
  }
  if (!attempt_move(attempts, id, ATTEMPT_READY, ATTEMPT_RESETTING, "attempt.resetting", NULL, &moved, err)) return false;
  if (!moved) return attempt.state == ATTEMPT_RESETTING ? true : err_set(err, ERR_CONFLICT, attempt_not_ready(attempt.state), "attempt %s is %s", id, attempt_state_name(attempt.state));
  jobs_add(attempts->jobs, work_reset, attempts, id, 0, NULL);
  attempt_publish(attempts, id, 0);
  return true;
}

struct extend { const char *id; int64_t expires_ms; };
static bool extend_row(struct db_tx *tx, void *arg, struct err *err) {
  struct extend *extend = arg;
  return store_attempt_expires(tx, extend->id, extend->expires_ms, err);
}

bool attempt_extend(struct attempts *attempts, const struct viewer *viewer, const char *id, int64_t *out_expires_ms, struct err *err) {
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  bool ok = own(attempts, viewer, id, arena, &attempt, err);
  arena_free(arena);
  if (!ok) return false;
  if (attempt.state != ATTEMPT_READY && attempt.state != ATTEMPT_RESETTING) return err_set(err, ERR_CONFLICT, attempt_not_ready(attempt.state), "attempt %s is %s", id, attempt_state_name(attempt.state));
  int64_t most = attempt.ready_ms + ATTEMPT_MOST_MS, now = wall_ms(), want = (attempt.expires_ms > now ? attempt.expires_ms : now) + ATTEMPT_EXTEND_MS;
  struct extend extend = {id, want < most ? want : most};
  if (extend.expires_ms <= attempt.expires_ms) {
    err_set(err, ERR_LIMIT, "attempt.extend-most", "attempt %s lasts as long as one may", id);
    return err_param(err, "hours", "%d", (int)(ATTEMPT_MOST_MS / 3600000));
  }
  if (!db_write(attempts->needs.db, extend_row, &extend, err)) return false;
  jobs_add(attempts->jobs, work_due, attempts, id, 0, NULL);
  attempt_publish(attempts, id, 0);
  *out_expires_ms = extend.expires_ms;
  return true;
}

struct applied { const char *id; int64_t at_ms; };
static bool applied_row(struct db_tx *tx, void *arg, struct err *err) {
  struct applied *applied = arg;
  return store_attempt_applied(tx, applied->id, applied->at_ms, err);
}

void attempt_applied(struct attempts *attempts, const char *id, int64_t at_ms) {
  struct applied applied = {id, at_ms};
  struct err err;
  char namespace[32];
  /* what the watch has told so far may be older than the apply: it is not settled until the quiet time is over again */
  if (mirror_namespace(attempts->mirror, id, namespace)) mirror_touch(attempts->mirror, namespace);
  if (!db_write(attempts->needs.db, applied_row, &applied, &err)) log_warn("attempt.applied", "attempt=%s key=%s", id, err.key);
}

/* --- what the mirror knows -------------------------------------------------------------------------------------------------------------------------------- */

struct tree *attempt_objects(struct attempts *attempts, struct arena *arena, const char *id) {
  char namespace[32];
  return mirror_namespace(attempts->mirror, id, namespace) ? mirror_objects(attempts->mirror, namespace, arena) : tree_new(arena, TREE_LIST);
}

bool attempt_settled(struct attempts *attempts, const char *id, bool *out_stale) {
  char namespace[32];
  if (mirror_namespace(attempts->mirror, id, namespace)) return mirror_settled(attempts->mirror, namespace, out_stale);
  if (out_stale) *out_stale = true;
  return false;
}

void attempts_on_change(struct attempts *attempts, void (*fn)(void *ctx, const char *attempt, bool changed), void *ctx) {
  pthread_mutex_lock(&attempts->lock);
  attempts->listener = fn;
  attempts->listener_ctx = ctx;
  while (attempts->listening) pthread_cond_wait(&attempts->quiet, &attempts->lock);       /* the old one is not in the middle of a call */
  pthread_mutex_unlock(&attempts->lock);
}

/* From the mirror's thread. Settled also means: the start state may be taken. */
static void on_change(void *ctx, const char *id, bool changed) {
  struct attempts *attempts = ctx;
  if (!changed) jobs_add(attempts->jobs, work_start_state, attempts, id, 0, NULL);
  pthread_mutex_lock(&attempts->lock);
  void (*fn)(void *ctx, const char *attempt, bool changed) = attempts->listener;
  void *listener_ctx = attempts->listener_ctx;
  if (fn) attempts->listening++;
  pthread_mutex_unlock(&attempts->lock);
  if (!fn) return;
  fn(listener_ctx, id, changed);
  pthread_mutex_lock(&attempts->lock);
  if (--attempts->listening == 0) pthread_cond_broadcast(&attempts->quiet);
  pthread_mutex_unlock(&attempts->lock);
}

/* --- life of the room -------------------------------------------------------------------------------------------------------------------------------------- */

static void on_ready(void *ctx) {
  struct attempts *attempts = ctx;
  jobs_add(attempts->jobs, work_revive, attempts, "", 0, NULL);
}

/* Every living row of a state is followed by the mirror and nudged. */
static bool take_up(struct attempts *attempts, struct arena *arena, const char *state, jobs_fn fn, struct err *err) {
  struct db_read *read;
  struct attempt_row *rows = NULL;
  size_t count = 0;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool ok = store_attempt_in(read, state, arena, &rows, &count, err);
  db_read_end(read);
  for (size_t i = 0; ok && i < count; i++) {
    if (strcmp(state, "ending")) mirror_follow(attempts->mirror, rows[i].namespace, rows[i].id);
    if (fn && fn == work_make) work_wait(attempts, rows[i].id);
    if (fn) jobs_add(attempts->jobs, fn, attempts, rows[i].id, 0, NULL);
  }
  if (ok && count) log_info("attempt.resumed", "state=%s count=%zu", state, count);
  return ok;
}

bool attempts_open(const struct attempts_needs *needs, struct attempts **out, struct err *err) {
  if (needs->secret_length > sizeof ((struct attempts *)0)->secret) return err_set(err, ERR_BUG, "bug", "an install secret of %zu bytes", needs->secret_length);
  struct attempts *attempts = calloc(1, sizeof *attempts);
  if (!attempts) abort();
  attempts->needs = *needs;
  snprintf(attempts->install, sizeof attempts->install, "%s", needs->install);
  memcpy(attempts->secret, needs->secret, needs->secret_length);
  pthread_mutex_init(&attempts->lock, NULL);
  pthread_cond_init(&attempts->quiet, NULL);
  pthread_mutex_init(&attempts->sweep_lock, NULL);
  attempts->clock_apart = wall_ms() - mono_ms();
  attempts->access = access_new();
  attempts->resets = limit_new(1.0 / ATTEMPT_RESET_EVERY_S, 1, 4096);
  attempts->deletes = limit_new(ATTEMPT_DELETES_A_SECOND, ATTEMPT_DELETES_A_SECOND, 1);
  attempts->mirror = mirror_open(needs->live, on_change, attempts);
  attempts->jobs = jobs_open("attempts", ATTEMPT_JOBS, 50000);
  /* before the first watch: what it says of a namespace nobody follows is let go, and not said again */
  struct arena *arena = arena_new(0);
  bool ok = take_up(attempts, arena, "wanted", NULL, err) && take_up(attempts, arena, "ready", NULL, err) && take_up(attempts, arena, "resetting", NULL, err);
  arena_free(arena);
  if (!ok) {
    attempts_close(attempts);
    return false;
  }
  if (needs->live) attempt_show_source(attempts);
  *out = attempts;
  return true;
}

bool attempts_resume(struct attempts *attempts, struct err *err) {
  struct arena *arena = arena_new(0);
  bool ok = take_up(attempts, arena, "wanted", work_make, err) && take_up(attempts, arena, "resetting", work_reset, err) &&
            take_up(attempts, arena, "ready", work_due, err) && take_up(attempts, arena, "ending", work_end, err);
  arena_free(arena);
  if (ok) cluster_on_ready(attempts->needs.cluster, on_ready, attempts);
  return ok;
}

void attempts_close(struct attempts *attempts) {
  if (!attempts) return;
  attempts->closing = true;
  cluster_on_ready(attempts->needs.cluster, NULL, attempts);
  jobs_close(attempts->jobs, 10000);
  mirror_stop(attempts->mirror);
  cluster_at_close(attempts->needs.cluster, mirror_free, attempts->mirror);      /* its watches end with the port */
  access_free(attempts->access);
  limit_free(attempts->resets);
  limit_free(attempts->deletes);
  arena_free(attempts->site_arena);
  work_release(attempts);
  secret_wipe(attempts->secret, sizeof attempts->secret);
  pthread_cond_destroy(&attempts->quiet);
  pthread_mutex_destroy(&attempts->lock);
  pthread_mutex_destroy(&attempts->sweep_lock);
  free(attempts);
}
