/* applying: see the header. A row is queued before its 202; the job writes as the learner; the answer is stored with the row. */
#include "domain/applying.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "base/words.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/live.h"
#include "domain/files.h"
#include "domain/submission.h"
#include "domain/verdict.h"
#include "store/db.h"

#define BEGINS_MAX 3
#define HELD_MS 200
#define STORE_MS 5000                       /* what the store did not take is tried again after so long: an open row keeps its attempt from applying */

struct apply_in { struct apply_row row; const char *files; size_t length; bool stored; };

static bool apply_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct apply_in *in = arg;
  struct apply_row same;
  in->stored = false;
  if (*in->row.press && store_apply_same(db_tx_read(tx), in->row.attempt, in->row.person, in->row.press, &same)) {
    memcpy(in->row.id, same.id, ID_SIZE);
    return true;
  }
  if (!store_body_put(tx, in->files, in->length, in->row.files, err) || !store_apply_add(tx, &in->row, err)) return false;
  in->stored = true;
  return true;
}

bool apply_take(struct grading *grading, const struct viewer *viewer, const char *attempt_id, const struct check_file *files, size_t count, bool dry_run, bool take_over,
                const char *key, char out_id[ID_SIZE], struct err *err) {
  const struct grading_needs *needs = grading_needs_of(grading);
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  struct apply_in in = {0};
  int retry_s = 0;
  bool ok = files_fit(files, count, err) && submission_may_write(needs, viewer, attempt_id, arena, &attempt, err) && grading_room(grading, err);
  if (ok && !needs->no_rates && !limit_take(grading_dry_rate_of(grading), attempt.id, 1, &retry_s)) {
    ok = err_set(err, ERR_LIMIT, "apply.often", "attempt %s", attempt.id);
    err_param(err, "seconds", "%d", retry_s);
    if (err) err->retry_after_s = retry_s;
  }
  if (ok) {
    id_new(in.row.id);
    snprintf(in.row.attempt, sizeof in.row.attempt, "%s", attempt.id);
    snprintf(in.row.person, sizeof in.row.person, "%s", attempt.person);
    snprintf(in.row.kind, sizeof in.row.kind, "%s", dry_run ? "dryrun" : "apply");
    snprintf(in.row.press, sizeof in.row.press, "%s", key ? key : "");
    in.row.take_over = take_over;
    in.row.at_ms = wall_ms();
    in.files = files_json(arena, files, count, &in.length);
    ok = db_write(needs->db, apply_unit, &in, err);
  }
  if (ok) {
    memcpy(out_id, in.row.id, ID_SIZE);
    ok = !in.stored || jobs_add(grading_jobs_of(grading), apply_job, grading, in.row.id, 0, err);
  }
  arena_free(arena);
  return ok;
}

bool apply_resume(struct grading *grading, struct err *err) {
  struct arena *arena = arena_new(0);
  struct db_read *read = NULL;
  char (*ids)[ID_SIZE];
  size_t count = 0;
  bool ok = db_read_begin(grading_needs_of(grading)->db, &read, err) && store_apply_unfinished(read, arena, &ids, &count, err);
  for (size_t i = 0; ok && i < count; i++) ok = jobs_add(grading_jobs_of(grading), apply_job, grading, ids[i], 0, err);
  db_read_end(read);
  arena_free(arena);
  return ok;
}

static struct tree *apply_error(struct arena *arena, const struct err *err) {
  struct tree *out = tree_new(arena, TREE_MAP), *params = tree_new(arena, TREE_MAP);
  for (int i = 0; i < err->params; i++) tree_set(arena, params, err->param[i].name, tree_string(arena, err->param[i].value));
  tree_put_text(arena, out, "key", err->key);
  tree_put(arena, out, "params", params);
  return out;
}

static struct tree *worded_list(struct arena *arena, const struct tree *findings, const struct words *words, enum lang lang) {
  struct tree *out = tree_new(arena, TREE_LIST);
  TREE_EACH(finding, findings) tree_push(out, finding_worded(arena, finding, words, lang));
  return out;
}

static struct tree *apply_worded(struct arena *arena, const struct apply_row *row, const char *state, bool ok, const struct tree *answer, const struct words *words, enum lang lang) {
  struct tree *out = tree_new(arena, TREE_MAP), *objects = tree_new(arena, TREE_LIST);
  tree_put_text(arena, out, "id", row->id);
  tree_put_text(arena, out, "kind", row->kind);
  tree_put_text(arena, out, "attempt", row->attempt);
  tree_put_text(arena, out, "state", state);
  tree_put_bool(arena, out, "ok", ok);
  tree_put_int(arena, out, "at_ms", row->at_ms);
  TREE_EACH(object, tree_get(answer, "objects")) {
    struct tree *one = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, "kind", tree_text_or(object, "kind", ""));
    tree_put_text(arena, one, "name", tree_text_or(object, "name", ""));
    tree_put_text(arena, one, "did", tree_text_or(object, "did", ""));
    tree_put(arena, one, "findings", worded_list(arena, tree_get(object, "findings"), words, lang));
    tree_push(objects, one);
  }
  tree_put(arena, out, "objects", objects);
  tree_put(arena, out, "findings", worded_list(arena, tree_get(answer, "findings"), words, lang));
  const struct tree *error = tree_get(answer, "error");
  if (error) tree_put_text(arena, out, "error_text", words_text(arena, words, lang, tree_text_or(error, "key", "cluster.away"), tree_get(error, "params"), NULL));
  return out;
}

static bool apply_stored_files(struct db_read *read, const struct apply_row *row, struct arena *arena, struct check_file **out, size_t *out_count, struct err *err) {
  const char *text;
  size_t length;
  return store_body_get(read, row->files, arena, &text, &length, err) && files_parse(arena, text, length, out, out_count, err);
}

struct tree *apply_json(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err) {
  const struct grading_needs *needs = grading_needs_of(grading);
  struct apply_row row;
  struct attempt attempt;
  struct tree *answer = NULL;
  const char *text;
  size_t length;
  if (!store_apply_get(read, id, &row, err)) return NULL;
  if (!attempt_find(needs->attempts, read, viewer, row.attempt, arena, &attempt, NULL)) {
    err_set(err, ERR_NOT_FOUND, "apply.missing", "apply %s is not the viewer's", id);
    return NULL;
  }
  if (*row.answer && (!store_body_get(read, row.answer, arena, &text, &length, err) || !tree_parse(arena, text, length, 0, &answer, err))) return NULL;
  const struct edition *edition = catalog_acquire(needs->catalog);
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put(arena, out, "apply", tree_copy(arena, apply_worded(arena, &row, row.state, row.ok, answer, edition->words, viewer->lang)));
  catalog_release(edition);
  return out;
}

/* --- the job ----------------------------------------------------------------------------------------------------------------------- */

struct applied { struct apply_row row; struct buf answer; char hash[65]; const char *state; bool ok; };

static bool apply_begin_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct apply_row *row = arg;
  return store_apply_begin(tx, row->id, &row->begun, err);
}

static bool apply_end_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct applied *applied = arg;
  return store_body_put(tx, applied->answer.data, applied->answer.len, applied->hash, err) &&
         store_apply_end(tx, applied->row.id, applied->state, applied->ok, applied->hash, err);
}

/* Tries; server-side apply may be repeated, so a fault of ours is tried again a few times. */
static bool try_apply(struct grading *grading, struct arena *arena, const struct apply_row *row, const struct attempt *attempt, const struct check_file *files, size_t count,
                      struct tree **out, struct err *err) {
  char *token = arena_alloc(arena, 4096);
  if (attempt->state != ATTEMPT_READY) return err_set(err, ERR_UNAVAILABLE, attempt->state == ATTEMPT_WANTED ? "cluster.away" : "attempt.not-ready", "attempt %s is %s", attempt->id, attempt_state_name(attempt->state));
  for (int i = 0;; i++) {
    const struct kube *kube = cluster_kube(grading_needs_of(grading)->cluster, err);
    if (kube && access_token(grading_needs_of(grading)->attempts, attempt, token, NULL, err) &&
        apply_files(grading_needs_of(grading)->pool, kube, arena, files, count, NULL, attempt->namespace, token, !strcmp(row->kind, "dryrun"), row->take_over, out, err))
      return true;
    if (i == 2) return false;
    struct timespec pause = {0, 300000000L << i};
    nanosleep(&pause, NULL);
  }
}

static void tell_apply(struct grading *grading, struct arena *arena, const struct applied *applied, const struct tree *answer) {
  const struct edition *edition = catalog_acquire(grading_needs_of(grading)->catalog);
  struct buf text[LANG_COUNT];
  const char *json[LANG_COUNT];
  for (int lang = 0; lang < LANG_COUNT; lang++) {
    struct tree *out = tree_new(arena, TREE_MAP);
    tree_put(arena, out, "apply", apply_worded(arena, &applied->row, applied->state, applied->ok, answer, edition->words, (enum lang)lang));
    buf_init(&text[lang], 1024u * 1024u);
    tree_write_plain(&text[lang], out);
    json[lang] = text[lang].data;
  }
  char topic[64];
  snprintf(topic, sizeof topic, "attempt:%s", applied->row.attempt);
  live_publish(grading_needs_of(grading)->live, topic, applied->row.kind, NULL, json);
  for (int lang = 0; lang < LANG_COUNT; lang++) buf_release(&text[lang]);
  catalog_release(edition);
}

void apply_job(void *ctx, const char *id, struct arena *arena) {
  struct grading *grading = ctx;
  struct err err = {0};
  struct applied *applied = arena_alloc(arena, sizeof *applied);
  struct attempt *attempt = arena_alloc(arena, sizeof *attempt);
  struct check_file *files = NULL;
  size_t count = 0;
  struct db_read *read = NULL;
  /* a reset must not empty the namespace under an apply, nor an apply write into a fresh start */
  bool known = db_read_begin(grading_needs_of(grading)->db, &read, &err) && store_apply_get(read, id, &applied->row, &err);
  db_read_end(read);
  read = NULL;
  if (!known) return;
  if (!attempt_hold(grading_needs_of(grading)->attempts, applied->row.attempt)) {
    jobs_add(grading_jobs_of(grading), apply_job, grading, id, HELD_MS, NULL);
    return;
  }
  if (!db_write(grading_needs_of(grading)->db, apply_begin_unit, &applied->row, &err)) {
    attempt_let_go(grading_needs_of(grading)->attempts, applied->row.attempt);
    if (err.code != ERR_CONFLICT) jobs_add(grading_jobs_of(grading), apply_job, grading, id, STORE_MS, NULL);      /* conflict: it has ended */
    return;
  }
  int64_t begun = applied->row.begun;
  bool ok = db_read_begin(grading_needs_of(grading)->db, &read, &err) && store_apply_get(read, id, &applied->row, &err) && attempt_load(read, applied->row.attempt, arena, attempt, &err) &&
            apply_stored_files(read, &applied->row, arena, &files, &count, &err);
  db_read_end(read);
  struct tree *answer = NULL;
  ok = ok && (begun <= BEGINS_MAX || err_set(&err, ERR_BUG, "apply.crashed", "apply %s", id)) && try_apply(grading, arena, &applied->row, attempt, files, count, &answer, &err);
  attempt_let_go(grading_needs_of(grading)->attempts, applied->row.attempt);
  bool wrote = answer != NULL;                               /* also half of it */
  if (!ok) {
    if (!answer) {
      answer = tree_new(arena, TREE_MAP);
      tree_put_bool(arena, answer, "ok", false);
      tree_put(arena, answer, "objects", tree_new(arena, TREE_LIST));
      tree_put(arena, answer, "findings", tree_new(arena, TREE_LIST));
    }
    tree_put(arena, answer, "error", apply_error(arena, &err));
    log_warn("apply.fault", "apply=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  }
  applied->state = ok ? "done" : "error";
  applied->ok = tree_flag(answer, "ok", false);
  buf_init(&applied->answer, 1024u * 1024u);
  tree_write(&applied->answer, answer);
  bool stored = db_write(grading_needs_of(grading)->db, apply_end_unit, applied, &err);
  buf_release(&applied->answer);
  if (!stored) {                                             /* done once more: applying the same twice changes nothing */
    log_error("apply.store", "apply=%s key=%s", id, err.key);
    jobs_add(grading_jobs_of(grading), apply_job, grading, id, STORE_MS, NULL);
    return;
  }
  if (wrote && strcmp(applied->row.kind, "apply") == 0) attempt_applied(grading_needs_of(grading)->attempts, applied->row.attempt, wall_ms());
  tell_apply(grading, arena, applied, answer);
}
