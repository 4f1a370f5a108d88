/* regrade_work: carries a decision out. The job does a batch, writes it in one unit, and goes on: what a kill leaves is waiting, and no row can be done twice
 * (each item changes once, each regrade has one final verdict for a hand-in). */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/appeal.h"
#include "domain/catalog.h"
#include "domain/progress.h"
#include "domain/regrade_inside.h"
#include "domain/replay.h"
#include "domain/verdict.h"
#include "store/db.h"
#include "store/store_appeal.h"
#include "store/store_audit.h"
#include "store/store_progress.h"

#define BATCH 16                             /* hand-ins of one write unit */
#define AGAIN_MS 5000                        /* the store or the workers did not answer */
#define STUCK_MOST 3                         /* then the hand-in keeps what it had */

static void set(char *to, size_t room, const char *text) { snprintf(to, room, "%s", text ? text : ""); }

struct done {                                /* one hand-in's outcome, ready to be written */
  struct regrade_item *item;
  struct verdict_row row;
  struct buf body, evidence;
  const struct tree *verdict;
  const struct lab *lab;
  const char *state;
  char attempt[ID_SIZE];
  bool writes;
};
struct batch { const char *regrade; struct done *done; size_t count; int64_t at_ms; };

static bool sheet_sum(struct db_tx *tx, const struct done *done, char out[48], struct err *err) {
  struct arena *arena = arena_new(0);
  struct progress_row *rows = arena_alloc(arena, (done->lab->step_count + 1) * sizeof *rows);
  size_t count;
  bool ok = progress_load(db_tx_read(tx), done->lab, done->item->person, done->item->workshop, rows, &count, err);
  if (ok) progress_sum(rows, count, out);
  arena_free(arena);
  return ok;
}

static bool done_unit(struct db_tx *tx, const char *regrade, int64_t at_ms, struct done *done, struct err *err) {
  struct regrade_item *item = done->item;
  *item->sheet_old = *item->sheet_new = 0;
  if (done->lab && !sheet_sum(tx, done, item->sheet_old, err)) return false;
  if (done->writes) {
    if (!store_verdict_add(tx, &done->row, item->person, done->body.data, done->body.len, done->evidence.data, done->evidence.len, err) ||
        !store_regrade_count(tx, item->submission, done->row.id, done->state, done->row.earned, done->row.max, err) ||
        !progress_record(tx, done->lab, item->person, item->workshop, item->submission, tree_get(done->verdict, "body"), done->row.at_ms, err)) return false;
    set(item->new_verdict, sizeof item->new_verdict, done->row.id);
  }
  if (done->lab && !sheet_sum(tx, done, item->sheet_new, err)) return false;
  return store_regrade_item_end(tx, regrade, item, err) && store_appeal_regraded(tx, item->submission, regrade, at_ms, err);
}

static bool batch_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct batch *batch = arg;
  for (size_t i = 0; i < batch->count; i++) if (!done_unit(tx, batch->regrade, batch->at_ms, &batch->done[i], err)) return false;
  return true;
}

struct ending { const struct regrade_row *row; const struct regrade_moves *moves; const char *state, *why; char after[96]; int64_t at_ms; };
static bool ending_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct ending *ending = arg;
  struct audit audit = {.actor = ending->row->by_person, .role = ending->row->role, .what = !strcmp(ending->state, "done") ? "regrade.done" : "regrade.stopped",
                        .object = ending->row->id, .after = ending->after, .at_ms = ending->at_ms};
  return store_regrade_end(tx, ending->row->id, ending->state, ending->why, ending->at_ms, err) && regrade_moves_write(tx, ending->moves, err) && store_audit_add(tx, &audit, err);
}

static void fill_row(struct done *done, const struct edition *edition, const char *regrade, const struct replay *replay) {
  const struct tree *body = tree_get(replay->verdict, "body");
  struct verdict_row *row = &done->row;
  id_new(row->id);
  row->final = true;
  row->at_ms = wall_ms();
  set(row->submission, sizeof row->submission, replay->row.id);
  set(row->script, sizeof row->script, done->lab->script.sha256);
  set(row->kind, sizeof row->kind, "replay");
  set(row->state, sizeof row->state, tree_text_or(body, "state", "open"));
  set(row->earned, sizeof row->earned, tree_text_or(body, "earned", "0"));
  set(row->max, sizeof row->max, tree_text_or(body, "max", "0"));
  set(row->body_sha256, sizeof row->body_sha256, tree_text(replay->verdict, "body_sha256"));
  set(row->evidence_sha256, sizeof row->evidence_sha256, replay->old.evidence_sha256);
  set(row->lab_version, sizeof row->lab_version, done->lab->version);
  set(row->library, sizeof row->library, edition->library_sha256);
  set(row->regrade, sizeof row->regrade, regrade);
  tree_write(&done->body, body);
  tree_write(&done->evidence, replay->evidence);
  done->verdict = replay->verdict;
  done->state = verdict_has(replay->verdict, "error") ? "error" : "graded";
  done->writes = true;
}

/* Grades one; what cannot be graded though it was tried again keeps what it had, so that one hand-in does not hold up a class. */
static bool do_item(struct regrades *regrades, const struct edition *edition, const struct regrade_row *row, struct arena *arena, struct regrade_item *item, struct done *done, struct err *err) {
  struct replay replay;
  *done = (struct done){.item = item, .lab = edition_lab(edition, item->lab)};
  buf_init_arena(&done->body, arena, 1024u * 1024u);
  buf_init_arena(&done->evidence, arena, 15u * 1024u * 1024u);
  if (regrade_grade(regrades, edition, *row->check_id ? row->check_id : NULL, arena, item, &replay, err)) {
    set(done->attempt, sizeof done->attempt, replay.row.attempt);
    if (!strcmp(item->state, "regraded")) fill_row(done, edition, row->id, &replay);
    return true;
  }
  if (regrades->stuck_place != item->place) regrades->stuck = 0;
  regrades->stuck_place = item->place;
  if (++regrades->stuck < STUCK_MOST) return false;
  set(item->state, sizeof item->state, "kept");
  set(item->why, sizeof item->why, "failed");
  return true;
}

/* *out_more: there may be waiting ones left. *out_stop: the lab is another than the one it was decided with. */
static bool do_batch(struct regrades *regrades, const struct regrade_row *row, const struct edition *edition, bool *out_more, bool *out_stop, struct err *err) {
  struct arena *arena = arena_new(0);
  struct db_read *read = NULL;
  struct regrade_item *items = NULL;
  size_t count = 0;
  bool ok = db_read_begin(regrades->needs.db, &read, err) && store_regrade_items(read, row->id, true, BATCH, arena, &items, &count, err);
  db_read_end(read);
  *out_more = count > 0;
  struct batch batch = {.regrade = row->id, .at_ms = wall_ms(), .done = arena_alloc(arena, (count + 1) * sizeof *batch.done)};
  for (size_t i = 0; ok && i < count && !*out_stop; i++) {
    if (!regrade_unchanged(edition, &items[i])) *out_stop = true;
    else if ((ok = do_item(regrades, edition, row, arena, &items[i], &batch.done[batch.count], err))) batch.count++;
  }
  struct err why = ok ? (struct err){0} : *err;
  bool written = !batch.count || db_write(regrades->needs.db, batch_unit, &batch, err);      /* also what was done before a failure */
  for (size_t i = 0; written && i < batch.count; i++) if (*batch.done[i].attempt) appeal_tell(regrades, batch.done[i].attempt, batch.done[i].item->submission);
  if (!written) ok = false;
  else if (!ok) *err = why;
  arena_free(arena);
  return ok;
}

void regrade_work(void *ctx, const char *id, struct arena *arena) {
  struct regrades *regrades = ctx;
  struct regrade_row row;
  struct db_read *read = NULL;
  struct err err = {0};
  bool more = true, stop = false, ok = true;
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  while (ok && more && !stop && !atomic_load(&regrades->closing)) {
    ok = db_read_begin(regrades->needs.db, &read, &err) && store_regrade_find(read, id, &row, &err);
    db_read_end(read);
    read = NULL;
    if (!ok || strcmp(row.state, "running") != 0) break;
    regrade_tell(regrades, id, "running", (size_t)row.done, (size_t)row.of);
    ok = do_batch(regrades, &row, edition, &more, &stop, &err);
  }
  if (ok && (stop || !more) && !strcmp(row.state, "running")) {
    struct regrade_moves moves = {0};
    struct ending ending = {.row = &row, .moves = &moves, .state = stop ? "stopped" : "done", .why = stop ? "regrade.changed" : NULL, .at_ms = wall_ms()};
    ok = stop || regrade_moves(regrades, edition, &row, arena, &moves, &err);
    snprintf(ending.after, sizeof ending.after, "handins=%lld attempts=%zu", (long long)row.of, moves.count);
    ok = ok && db_write(regrades->needs.db, ending_unit, &ending, &err);
    if (ok) {
      regrade_tell(regrades, id, ending.state, (size_t)row.done, (size_t)row.of);
      log_info("regrade.ended", "regrade=%s state=%s", id, ending.state);
    }
  }
  catalog_release(edition);
  if (ok) return;
  log_warn("regrade.trouble", "regrade=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  (void)jobs_add(regrades->jobs, regrade_work, regrades, id, AGAIN_MS, &err);
}
