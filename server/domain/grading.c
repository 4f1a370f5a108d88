/* grading: the rows behind grading.h and the jobs that finish them. A submission's row is `received` before its 202; a job grades it in passes: while
 * something is pending nobody holds a worker, and each change in the namespace nudges the job again. What a run ended with is stored once, in one
 * write unit with the progress. Threads: any calls in; jobs run on the queue's own threads; the watch thread only nudges. */
#include "domain/grading.h"

#include <inttypes.h>
#include <pthread.h>
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
#include "domain/catalog.h"
#include "domain/applying.h"
#include "domain/cluster.h"
#include "domain/grade.h"
#include "domain/live.h"
#include "domain/progress.h"
#include "domain/files.h"
#include "domain/submission.h"
#include "domain/verdict.h"
#include "kube/kube.h"
#include "store/db.h"
#include "store/store_submission.h"
#include "store/store_verdict.h"

#define QUEUE_MAX 2000
#define EVIDENCE_TEXT_MAX (15u * 1024u * 1024u)   /* a row of the store has 16 MiB at most */
#define QUEUE_SPARE 100                      /* kept free for what is acknowledged already */
#define THREADS_PER_WORKER 8                 /* a job sleeps in two commits, and many share one; for a worker it waits its turn */
#define BEGINS_MAX 3                         /* a submission that was taken up so often after the server went down ends as error */
#define RETRIES_MAX 3
#define COMING_MS 30000                      /* right after a start nobody has looked for the cluster yet */
#define UNSURE_MS 60000                      /* a wait that cannot be judged for so long ends as our error */
#define GATHER_MS 50                         /* changes are gathered so long before a pass */
#define PASS_MS 2000                         /* a pending run is looked at this often even if nothing changes */
static const int64_t backoff_ms[RETRIES_MAX] = {1000, 4000, 15000};

/* What lives in memory of a submission that is being graded; the row is the truth, this is lost at a restart without harm. */
struct running {
  struct running *next;
  char id[ID_SIZE], attempt[ID_SIZE];
  bool busy, again;                          /* a job runs it; somebody nudged meanwhile */
  bool resumed;                              /* left by a server that went down: its begins are counted */
  int retries;
  int64_t unsure_ms;                         /* since when waits could not be judged (monotonic); 0: they can */
  char *held;                                /* JSON of the pass before */
};

struct grading {
  struct grading_needs needs;
  struct jobs *jobs;
  struct limit *dry_rate;
  pthread_mutex_t lock;
  struct running *running;
};

static void grade_job(void *ctx, const char *what, struct arena *arena);

/* --- what runs ------------------------------------------------------------------------------------------------------------------ */

/* Lock held. */
static struct running *find(struct grading *grading, const char *id) {
  struct running *at = grading->running;
  while (at && strcmp(at->id, id) != 0) at = at->next;
  return at;
}

/* Lock held. */
static struct running *add(struct grading *grading, const char *id) {
  struct running *running = calloc(1, sizeof *running);
  if (!running) abort();
  snprintf(running->id, sizeof running->id, "%s", id);
  running->next = grading->running;
  return grading->running = running;
}

/* Claims the submission for this thread; NULL when another has it (it will run again). *out_resumed: its begin is to be counted, once a start. */
static struct running *claim(struct grading *grading, const char *id, bool *out_resumed) {
  pthread_mutex_lock(&grading->lock);
  struct running *running = find(grading, id);
  if (!running) running = add(grading, id);
  else if (running->busy) {
    running->again = true;
    running = NULL;
  }
  if (running) {
    running->busy = true;
    *out_resumed = running->resumed;
    running->resumed = false;
  }
  pthread_mutex_unlock(&grading->lock);
  return running;
}

static void nudge(struct grading *grading, const char *id, int64_t delay_ms) {
  struct err err = {0};
  if (!jobs_add(grading->jobs, grade_job, grading, id, delay_ms, &err) && err.code != ERR_UNAVAILABLE) log_warn("grading.queue", "submission=%s key=%s", id, err.key);
}

/* Gives it back: it runs again in delay_ms, or at once when it was nudged meanwhile. */
static void put_back(struct grading *grading, struct running *running, int64_t delay_ms) {
  char id[ID_SIZE];
  memcpy(id, running->id, sizeof id);
  pthread_mutex_lock(&grading->lock);
  running->busy = false;
  if (running->again && delay_ms > GATHER_MS) delay_ms = GATHER_MS;
  running->again = false;
  pthread_mutex_unlock(&grading->lock);
  nudge(grading, id, delay_ms);
}

static void forget(struct grading *grading, struct running *running) {
  pthread_mutex_lock(&grading->lock);
  struct running **at = &grading->running;
  while (*at != running) at = &(*at)->next;
  *at = running->next;
  pthread_mutex_unlock(&grading->lock);
  free(running->held);
  free(running);
}

static void on_change(void *ctx, const char *attempt, bool changed) {
  struct grading *grading = ctx;
  char id[ID_SIZE] = "";
  (void)changed;
  pthread_mutex_lock(&grading->lock);
  for (struct running *at = grading->running; at; at = at->next)
    if (!strcmp(at->attempt, attempt)) {
      if (at->busy) at->again = true;
      else memcpy(id, at->id, sizeof id);
    }
  pthread_mutex_unlock(&grading->lock);
  if (*id) nudge(grading, id, GATHER_MS);
}

const struct grading_needs *grading_needs_of(const struct grading *grading) { return &grading->needs; }
struct jobs *grading_jobs_of(struct grading *grading) { return grading->jobs; }
struct limit *grading_dry_rate_of(struct grading *grading) { return grading->dry_rate; }

bool grading_room(struct grading *grading, struct err *err) {
  if (jobs_waiting(grading->jobs) < QUEUE_MAX - QUEUE_SPARE) return true;
  err_set(err, ERR_LIMIT, "jobs.full", "%d jobs", QUEUE_MAX - QUEUE_SPARE);
  if (err) err->retry_after_s = 10;
  return false;
}

/* --- opening ---------------------------------------------------------------------------------------------------------------------- */

bool grading_open(const struct grading_needs *needs, struct grading **out, struct err *err) {
  (void)err;
  struct grading *grading = calloc(1, sizeof *grading);
  if (!grading) abort();
  grading->needs = *needs;
  pthread_mutex_init(&grading->lock, NULL);
  grading->dry_rate = limit_new(20.0 / 60, 20, 4096);
  grading->jobs = jobs_open("grading", (needs->workers > 0 ? needs->workers : 2) * THREADS_PER_WORKER, QUEUE_MAX);
  attempts_on_change(needs->attempts, on_change, grading);
  *out = grading;
  return true;
}

bool grading_resume(struct grading *grading, struct err *err) {
  struct arena *arena = arena_new(0);
  struct db_read *read = NULL;
  char (*ids)[ID_SIZE];
  size_t count = 0;
  bool ok = db_read_begin(grading->needs.db, &read, err) && store_submission_unfinished(read, arena, &ids, &count, err);
  pthread_mutex_lock(&grading->lock);
  for (size_t i = 0; ok && i < count; i++) add(grading, ids[i])->resumed = true;
  pthread_mutex_unlock(&grading->lock);
  for (size_t i = 0; ok && i < count; i++) nudge(grading, ids[i], 0);
  db_read_end(read);
  arena_free(arena);
  if (ok && count) log_info("grading.resume", "submissions=%zu", count);
  return ok && apply_resume(grading, err);
}

void grading_close(struct grading *grading, int64_t drain_ms) {
  if (!grading) return;
  attempts_on_change(grading->needs.attempts, NULL, NULL);      /* returns when no call is under way */
  jobs_close(grading->jobs, drain_ms);
  while (grading->running) forget(grading, grading->running);
  limit_free(grading->dry_rate);
  pthread_mutex_destroy(&grading->lock);
  free(grading);
}

/* --- taking in ---------------------------------------------------------------------------------------------------------------------- */

bool submission_take(struct grading *grading, const struct viewer *viewer, const char *attempt_id, const struct check_file *files, size_t count, const char *key,
                     char out_id[ID_SIZE], struct err *err) {
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  struct submission_in in = {.files = files, .count = count};
  bool ok = files_fit(files, count, err) && submission_may_write(&grading->needs, viewer, attempt_id, arena, &attempt, err) && grading_room(grading, err);
  if (ok) {
    submission_fill(&in, &attempt, key);
    in.no_rates = grading->needs.no_rates;
    ok = db_write(grading->needs.db, submission_unit, &in, err);
  }
  if (ok) {
    memcpy(out_id, in.row.id, ID_SIZE);
    if (in.stored) nudge(grading, in.row.id, 0);
  }
  arena_free(arena);
  return ok;
}

/* --- grading one ---------------------------------------------------------------------------------------------------------------------- */

struct graded {                                /* one job's view of a submission */
  struct grading *grading;
  struct arena *arena;
  struct submission_row row;
  struct attempt attempt;
  const struct edition *edition;
  const struct lab *lab;
  struct check_file *files; size_t file_count;
  struct tree *start;
  int tries;
  bool unsure;                               /* the watch is down, or the start state is not known yet */
  struct grade_result result;
};

static void publish(struct graded *graded, const char *event, const char *key, struct tree *(*make)(struct graded *, enum lang, void *), void *arg) {
  struct buf text[LANG_COUNT];
  const char *json[LANG_COUNT];
  for (int lang = 0; lang < LANG_COUNT; lang++) {
    buf_init(&text[lang], 1024u * 1024u);
    tree_write_plain(&text[lang], make(graded, (enum lang)lang, arg));
    json[lang] = text[lang].data;
  }
  char topic[64];
  snprintf(topic, sizeof topic, "attempt:%s", graded->row.attempt);
  live_publish(graded->grading->needs.live, topic, event, key, json);
  for (int lang = 0; lang < LANG_COUNT; lang++) buf_release(&text[lang]);
}

static struct tree *preview(struct graded *graded, enum lang lang, void *check) {
  struct tree *out = tree_new(graded->arena, TREE_MAP);
  tree_put_text(graded->arena, out, "submission", graded->row.id);
  tree_put(graded->arena, out, "check", verdict_check_worded(graded->arena, check, graded->lab, lang, graded->tries, false));
  return out;
}

static void finished(void *ctx, const struct tree *raw) {
  struct graded *graded = ctx;
  struct tree *check = verdict_check(graded->arena, graded->lab, CHECK_SCOPE_BOTH, false, raw);
  if (!check) return;
  char key[128];
  snprintf(key, sizeof key, "%s/%s", graded->row.id, tree_text_or(check, "id", ""));
  publish(graded, "check", key, preview, check);
}

/* Files only when the cluster lacks what the lab needs and the lab has a paper form; a cluster that is only away is waited for. */
static enum check_scope scope_of(struct grading *grading, const struct lab *lab) {
  struct cluster_status status;
  if (lab->hand_in == HAND_IN_FILES) return CHECK_SCOPE_FILES;
  cluster_status(grading->needs.cluster, &status);
  if (!lab->paper) return CHECK_SCOPE_BOTH;
  if (status.state == CLUSTER_NONE && !status.embedded) return CHECK_SCOPE_FILES;      /* there is to be none; one that is not up yet is waited for */
  if (status.state != CLUSTER_READY) return CHECK_SCOPE_BOTH;
  struct cluster_lack lack;
  return cluster_lacks(&status, lab->cluster, lab->cluster_count, &lack) == CAN ? CHECK_SCOPE_BOTH : CHECK_SCOPE_FILES;
}

static bool load(struct graded *graded, const char *id, struct err *err) {
  struct grading *grading = graded->grading;
  struct db_read *read = NULL;
  struct submission_file_row *names = NULL;
  bool ok = db_read_begin(grading->needs.db, &read, err) && store_submission_get(read, id, &graded->row, err) &&
            attempt_load(read, graded->row.attempt, graded->arena, &graded->attempt, err) &&
            store_submission_files(read, id, graded->arena, &names, &graded->file_count, err);
  graded->files = arena_alloc(graded->arena, (graded->file_count + 1) * sizeof *graded->files);
  for (size_t i = 0; ok && i < graded->file_count; i++) {
    graded->files[i].name = names[i].name;
    ok = store_body_get(read, names[i].hash, graded->arena, &graded->files[i].bytes, &graded->files[i].length, err);
  }
  if (ok) {
    graded->start = attempt_start_state(grading->needs.attempts, read, graded->arena, graded->row.attempt);
    graded->tries = (int)store_submission_tries(read, graded->row.attempt);
  }
  db_read_end(read);
  if (!ok) return false;
  if (strcmp(graded->row.state, "received") != 0 && strcmp(graded->row.state, "grading") != 0) return err_set(err, ERR_CONFLICT, "store.ended", "submission %s has ended", id);
  graded->lab = edition_lab_of(graded->edition, graded->row.lab, graded->row.lab_version, err);
  return graded->lab != NULL;
}

/* One pass. False: our fault, nothing was graded. */
static bool run_pass(struct graded *graded, struct running *running, enum check_scope scope, struct err *err) {
  struct grading *grading = graded->grading;
  struct err none = {0};
  struct grade_pass pass = {.in = {.edition = graded->edition, .lab = graded->lab, .files = graded->files, .file_count = graded->file_count, .params = graded->attempt.params,
                                   .scope = scope, .namespace = graded->attempt.namespace, .person = graded->row.person, .start = graded->start, .applied_ms = graded->attempt.applied_ms},
                            .snapshot = true, .finished = finished, .finished_ctx = graded};
  char *token = arena_alloc(graded->arena, 4096);
  bool stale = false;
  if (graded->attempt.state == ATTEMPT_READY) {
    pass.in.kube = cluster_kube(grading->needs.cluster, &none);
    struct kube_front *front = arena_alloc(graded->arena, sizeof *front);
    if (cluster_front(grading->needs.cluster, front)) pass.in.front = front;
    if (pass.in.kube && access_token(grading->needs.attempts, &graded->attempt, token, NULL, &none)) pass.in.token = token;
    pass.settled = attempt_settled(grading->needs.attempts, graded->row.attempt, &stale) && !stale;
    graded->unsure = stale || !graded->start;
  }
  struct tree *held = NULL;
  if (running->held && tree_parse(graded->arena, running->held, strlen(running->held), 0, &held, NULL)) pass.held = held;
  pass.closing = graded->attempt.state != ATTEMPT_WANTED && graded->attempt.state != ATTEMPT_READY && graded->attempt.state != ATTEMPT_RESETTING;
  return grade_run(grading->needs.pool, graded->arena, &pass, &graded->result, err);
}

struct ending { struct graded *graded; struct verdict_row row; struct buf body, evidence; const struct tree *verdict; const char *state; };

static bool ending_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct ending *ending = arg;
  struct graded *graded = ending->graded;
  if (!store_verdict_add(tx, &ending->row, graded->row.person, ending->body.data, ending->body.len, ending->evidence.data, ending->evidence.len, err)) return false;
  if (!ending->row.final) return true;
  if (!store_submission_end(tx, graded->row.id, ending->state, ending->row.earned, ending->row.max, err)) return false;
  if (!strcmp(ending->row.state, "refused")) return true;
  return progress_record(tx, graded->lab, graded->row.person, graded->row.workshop, graded->row.id, tree_get(ending->verdict, "body"), ending->row.at_ms, err);
}

static struct tree *told(struct graded *graded, enum lang lang, void *arg) {
  struct ending *ending = arg;
  struct tree *out = tree_new(graded->arena, TREE_MAP);
  tree_put_text(graded->arena, out, "submission", graded->row.id);
  tree_put_int(graded->arena, out, "number", graded->row.number);
  tree_put_text(graded->arena, out, "submission_state", ending->row.final ? ending->state : "grading");
  tree_put(graded->arena, out, "verdict", verdict_worded(graded->arena, ending->verdict, graded->lab, lang, graded->tries, false));
  return out;
}

/* Stores an ended run and says so. final: it counts; else it is run again. */
static bool end_run(struct graded *graded, enum check_scope scope, bool final, struct err *err) {
  struct cluster_status status;
  cluster_status(graded->grading->needs.cluster, &status);
  struct ending ending = {.graded = graded};
  id_new(ending.row.id);
  struct verdict_facts facts = {.edition = graded->edition, .lab = graded->lab, .params = graded->attempt.params, .scope = scope, .no_api = graded->result.no_api, .evidence = graded->result.root, .kind = "try",
                                .kubernetes = *status.version ? status.version : NULL, .actor = "learner", .id = ending.row.id, .attempt = graded->row.attempt,
                                .submission = graded->row.id, .started_ms = graded->result.started_ms, .took_ms = graded->result.took_ms, .cpu_ms = graded->result.raw.cpu_us / 1000};
  struct tree *verdict = verdict_build(graded->arena, &facts, &graded->result.raw);
  const struct tree *body = tree_get(verdict, "body");
  ending.verdict = verdict;
  ending.state = graded->result.raw.refused ? "refused" : verdict_has(verdict, "error") ? "error" : "graded";
  ending.row.final = final;
  ending.row.at_ms = wall_ms();
  snprintf(ending.row.submission, sizeof ending.row.submission, "%s", graded->row.id);
  snprintf(ending.row.script, sizeof ending.row.script, "%s", graded->lab->script.sha256);
  snprintf(ending.row.lab_version, sizeof ending.row.lab_version, "%s", graded->lab->version);
  snprintf(ending.row.library, sizeof ending.row.library, "%s", graded->edition->library_sha256);
  snprintf(ending.row.kind, sizeof ending.row.kind, "try");
  snprintf(ending.row.state, sizeof ending.row.state, "%s", tree_text_or(body, "state", "open"));
  snprintf(ending.row.earned, sizeof ending.row.earned, "%s", tree_text_or(body, "earned", "0"));
  snprintf(ending.row.max, sizeof ending.row.max, "%s", tree_text_or(body, "max", "0"));
  snprintf(ending.row.body_sha256, sizeof ending.row.body_sha256, "%s", tree_text_or(verdict, "body_sha256", ""));
  snprintf(ending.row.evidence_sha256, sizeof ending.row.evidence_sha256, "%s", graded->result.root);
  buf_init(&ending.body, 1024u * 1024u);
  tree_write(&ending.body, body);
  buf_init(&ending.evidence, EVIDENCE_TEXT_MAX);
  tree_write(&ending.evidence, graded->result.evidence);
  if (ending.evidence.over) {                /* what a row cannot hold would keep the verdict from being stored: a replay then says unobserved */
    log_warn("grading.evidence", "submission=%s is kept without bodies", graded->row.id);
    tree_remove(graded->result.evidence, "bodies");
    buf_reset(&ending.evidence);
    tree_write(&ending.evidence, graded->result.evidence);
  }
  bool ok = db_write(graded->grading->needs.db, ending_unit, &ending, err);
  buf_release(&ending.body);
  buf_release(&ending.evidence);
  if (!ok) return false;
  publish(graded, "verdict", NULL, told, &ending);
  log_info("grading.verdict", "submission=%s lab=%s state=%s earned=%s max=%s run=%" PRId64 " final=%d took_ms=%" PRId64, graded->row.id, graded->lab->id, ending.state,
           ending.row.earned, ending.row.max, ending.row.run, final, graded->result.took_ms);
  return true;
}

struct beginning { const char *id; int64_t begun; };
static bool begin_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct beginning *beginning = arg;
  return store_submission_begin(tx, beginning->id, &beginning->begun, err);
}

static bool only_cluster_errors(const struct tree *checks) {
  TREE_EACH(check, checks) {
    const char *who = tree_text(tree_get(check, "error"), "who");
    if (who && strcmp(who, "cluster") != 0 && strcmp(who, "platform") != 0) return false;
  }
  return true;
}

static bool has_error(const struct check_result *raw) {
  TREE_EACH(check, raw->checks) if (tree_get(check, "error")) return true;
  return false;
}

/* What a run that could not even be begun reads as: every check ends `error`, nobody loses a point. */
static void no_run(struct graded *graded) {
  graded->result = (struct grade_result){.started_ms = wall_ms()};
  graded->result.raw.checks = tree_new(graded->arena, TREE_LIST);
  struct observer empty = {0};
  observer_begin(&empty, graded->arena);
  graded->result.evidence = evidence_of(&empty, graded->arena, graded->files, graded->file_count, graded->attempt.params, graded->start, NULL, graded->result.root);
}

static void remember(struct running *running, const struct tree *held) {
  struct buf text;
  free(running->held);
  running->held = NULL;
  if (!held) return;
  buf_init(&text, 256u * 1024u);
  tree_write(&text, held);
  running->held = strdup(text.data);
  buf_release(&text);
}

static int64_t next_pass(const struct grade_result *result) {
  int64_t delay = result->next_ms ? result->next_ms - wall_ms() : PASS_MS;
  return delay < GATHER_MS ? GATHER_MS : delay > PASS_MS ? PASS_MS : delay;
}

/* Runs a pass and decides what comes next. Returns false when it could not be stored (tried again later). */
/* A wait that could not be judged for so long is our error, not a fail: what is pending ends so. */
static void give_up(struct graded *graded) {
  TREE_EACH(check, graded->result.raw.checks) {
    if (strcmp(tree_text_or(check, "outcome", ""), "pending") != 0) continue;
    struct tree *error = tree_new(graded->arena, TREE_MAP);
    tree_put_text(graded->arena, error, "who", "cluster");
    tree_put_text(graded->arena, error, "key", "error.stale");
    tree_set(graded->arena, check, "outcome", tree_string(graded->arena, "error"));
    tree_set(graded->arena, check, "error", error);
    tree_remove(check, "waits");
  }
  graded->result.pending = false;
}

/* The namespace is there and the cluster comes back, or is being started: what was handed in waits for it, and costs no retry. */
static bool cluster_is_coming(const struct graded *graded, enum check_scope scope) {
  struct cluster_status status;
  cluster_status(graded->grading->needs.cluster, &status);
  bool coming = status.state == CLUSTER_BUILDING || status.state == CLUSTER_STARTING ||
                (status.state == CLUSTER_NONE && status.embedded && wall_ms() - status.since_ms < COMING_MS);
  return coming && scope != CHECK_SCOPE_FILES && graded->attempt.state == ATTEMPT_READY;
}

static bool grade_one(struct graded *graded, struct running *running, bool crashed, int64_t *out_again_ms, struct err *err) {
  enum check_scope scope = scope_of(graded->grading, graded->lab);
  struct err why = {0};
  if (!crashed && cluster_is_coming(graded, scope)) {
    *out_again_ms = PASS_MS;
    return true;
  }
  *out_again_ms = -1;
  if (crashed || !run_pass(graded, running, scope, &why)) {
    if (!crashed) log_warn("grading.run", "submission=%s key=%s detail=\"%s\"", graded->row.id, why.key, why.detail);
    no_run(graded);
  }
  if (!graded->unsure || !graded->result.pending) running->unsure_ms = 0;
  else if (!running->unsure_ms) running->unsure_ms = mono_ms();
  else if (mono_ms() - running->unsure_ms > UNSURE_MS) give_up(graded);
  if (graded->result.pending) {              /* an error beside it is told, and looked at again with the next pass: `pending` is nobody's last word */
    remember(running, graded->result.raw.held);
    *out_again_ms = next_pass(&graded->result);
    return true;
  }
  bool error = has_error(&graded->result.raw) || (graded->result.raw.checks && !graded->result.raw.checks->count && !graded->result.raw.refused);
  bool retry = error && !crashed && running->retries < RETRIES_MAX && only_cluster_errors(graded->result.raw.checks) && graded->attempt.state != ATTEMPT_WANTED;
  if (!end_run(graded, scope, !retry, err)) return false;
  if (retry) *out_again_ms = backoff_ms[running->retries++];
  return true;
}

static bool gone_unit(struct db_tx *tx, void *id, struct err *err) { return store_submission_end(tx, id, "error", NULL, NULL, err); }

static void grade_job(void *ctx, const char *id, struct arena *arena) {
  struct grading *grading = ctx;
  struct err err = {0};
  bool resumed = false;
  struct running *running = claim(grading, id, &resumed);
  if (!running) return;
  struct graded *graded = arena_alloc(arena, sizeof *graded);
  graded->grading = grading;
  graded->arena = arena;
  /* only what a server left behind is counted: a commit for each hand-in would be the price of knowing a crash one start earlier */
  struct beginning beginning = {.id = id};
  if (resumed && !db_write(grading->needs.db, begin_unit, &beginning, &err)) {
    if (err.code == ERR_CONFLICT) {             /* it has ended: nothing to do */
      forget(grading, running);
      return;
    }
    log_warn("grading.begin", "submission=%s key=%s", id, err.key);
  }
  graded->edition = catalog_acquire(grading->needs.catalog);
  int64_t again = PASS_MS;
  bool ok = load(graded, id, &err);
  if (ok) {
    pthread_mutex_lock(&grading->lock);
    memcpy(running->attempt, graded->row.attempt, ID_SIZE);
    pthread_mutex_unlock(&grading->lock);
    if (graded->attempt.state == ATTEMPT_RESETTING) again = 500;      /* what stands there is being replaced: after that */
    else ok = grade_one(graded, running, beginning.begun > BEGINS_MAX, &again, &err);
  }
  catalog_release(graded->edition);
  if (!ok && !strcmp(err.key, "lab.gone")) {   /* nothing can ever grade it: it ends as our error, without a verdict */
    ok = db_write(grading->needs.db, gone_unit, (void *)id, &err);
    if (ok) again = -1;
    log_warn("grading.lab-gone", "submission=%s", id);
  }
  if (!ok) {
    if (err.code == ERR_CONFLICT || err.code == ERR_NOT_FOUND) again = -1;
    else again = 5000;
    log_warn("grading.store", "submission=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  }
  if (again < 0) forget(grading, running);
  else put_back(grading, running, again);
}

