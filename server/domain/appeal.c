/* appeal: see the header. */
#include "domain/appeal.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/fraction.h"
#include "domain/live.h"
#include "domain/people.h"
#include "domain/regrade_inside.h"
#include "store/db.h"
#include "store/store_appeal.h"
#include "store/store_audit.h"
#include "store/store_submission.h"
#include "store/store_workshop.h"

#define DAY_MS (24 * 3600 * 1000LL)

void appeal_tell(struct regrades *regrades, const char *attempt, const char *submission) {
  char topic[64], json[64];
  snprintf(topic, sizeof topic, "attempt:%s", attempt);
  snprintf(json, sizeof json, "{\"submission\":\"%s\"}", submission);
  const char *const both[LANG_COUNT] = {json, json};
  live_publish(regrades->needs.live, topic, "regraded", submission, both);
}

/* --- asking ---------------------------------------------------------------------------------------------------------------------------------- */

static bool make_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct appeal_row *row = arg;
  struct db_read *read = db_tx_read(tx);
  struct submission_row of;
  if (!store_submission_get(read, row->submission, &of, NULL) || strcmp(of.person, row->person) != 0)
    return err_set(err, ERR_NOT_FOUND, "submission.missing", "submission %.40s is not the viewer's", row->submission);
  if (strcmp(of.state, "graded") != 0 && strcmp(of.state, "error") != 0) return err_set(err, ERR_CONFLICT, "appeal.not-graded", "submission %s is %s", of.id, of.state);
  snprintf(row->workshop, sizeof row->workshop, "%s", of.workshop);
  struct appeal_row newest;
  if (store_appeal_of(read, row->submission, &newest) && !strcmp(newest.state, "open")) return err_set(err, ERR_CONFLICT, "appeal.open", "submission %s has an open one", of.id);
  if (store_appeal_count(read, row->person, row->at_ms - DAY_MS) >= APPEALS_A_DAY) {
    err_set(err, ERR_LIMIT, "appeal.often", "%s asked %d times in a day", row->person, APPEALS_A_DAY);
    if (err) err->retry_after_s = 3600;
    return err_param(err, "limit", "%d", APPEALS_A_DAY);
  }
  return store_appeal_add(tx, row, err);
}

bool appeal_make(struct regrades *regrades, const struct viewer *viewer, const char *submission, const char *reason, struct err *err) {
  struct appeal_row row = {.at_ms = wall_ms()};
  char text[REGRADE_TEXT_SIZE];
  if (!regrade_text(reason, APPEAL_TEXT_MAX, "appeal.reason", text, err)) return false;
  id_new(row.id);
  snprintf(row.submission, sizeof row.submission, "%s", submission);
  snprintf(row.person, sizeof row.person, "%s", viewer->person);
  memcpy(row.reason, text, strnlen(text, sizeof row.reason - 1));
  return db_write(regrades->needs.db, make_unit, &row, err);
}

/* --- answering -------------------------------------------------------------------------------------------------------------------------------- */

struct refusal { const struct viewer *viewer; const char *id, *answer; int64_t at_ms; struct appeal_row of; };

static bool may_answer(struct db_read *read, const struct viewer *viewer, const struct appeal_row *row) {
  struct workshop_row workshop;
  if (people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS)) return true;
  return people_may(viewer, RIGHT_OPEN_WORKSHOP) && *row->workshop && store_workshop_find(read, row->workshop, &workshop, NULL) && !strcmp(workshop.opened_by, viewer->person);
}

static bool refuse_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct refusal *refusal = arg;
  struct db_read *read = db_tx_read(tx);
  if (!store_appeal_find(read, refusal->id, &refusal->of, err)) return false;
  if (!may_answer(read, refusal->viewer, &refusal->of)) return err_set(err, ERR_NOT_FOUND, "appeal.missing", "appeal %s is another's", refusal->id);
  struct audit audit = {.actor = refusal->viewer->person, .role = role_name(refusal->viewer->role), .what = "appeal.refused", .object = refusal->of.id, .at_ms = refusal->at_ms};
  return store_appeal_refuse(tx, refusal->id, refusal->answer, refusal->viewer->person, refusal->at_ms, err) && store_audit_add(tx, &audit, err);
}

bool appeal_refuse(struct regrades *regrades, const struct viewer *viewer, const char *id, const char *answer, struct err *err) {
  char text[REGRADE_TEXT_SIZE];
  struct refusal refusal = {.viewer = viewer, .id = id, .answer = text, .at_ms = wall_ms()};
  if (!regrade_text(answer, APPEAL_TEXT_MAX, "appeal.reason", text, err) || !db_write(regrades->needs.db, refuse_unit, &refusal, err)) return false;
  appeal_tell(regrades, refusal.of.attempt, refusal.of.submission);
  return true;
}

/* --- out ---------------------------------------------------------------------------------------------------------------------------------------- */

struct tree *appeal_of(struct db_read *read, struct arena *arena, const char *submission) {
  struct appeal_row row;
  if (!store_appeal_of(read, submission, &row)) return tree_new(arena, TREE_NULL);
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "id", row.id);
  tree_put_text(arena, out, "state", row.state);
  tree_put_text(arena, out, "reason", row.reason);
  tree_put_int(arena, out, "at_ms", row.at_ms);
  if (!strcmp(row.state, "open")) return tree_copy(arena, out);
  tree_put_int(arena, out, "ended_ms", row.ended_ms);
  tree_put_text(arena, out, "answer", row.answer);
  if (*row.outcome) tree_put_text(arena, out, "outcome", row.outcome);
  return tree_copy(arena, out);              /* the row goes with this function */
}

struct tree *appeal_list(struct db_read *read, const struct viewer *viewer, struct arena *arena, struct err *err) {
  struct appeal_row *rows;
  size_t count;
  if (!store_appeal_open(read, people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS) ? NULL : viewer->person, APPEALS_SHOWN, arena, &rows, &count, err)) return NULL;
  struct tree *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < count; i++) {
    struct tree *one = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, "id", rows[i].id);
    tree_put_text(arena, one, "submission", rows[i].submission);
    tree_put_int(arena, one, "number", rows[i].number);
    tree_put_text(arena, one, "name", rows[i].name);
    tree_put_text(arena, one, "lab", rows[i].lab);
    tree_put_text(arena, one, "workshop", *rows[i].workshop ? rows[i].workshop : NULL);
    tree_put_text(arena, one, "reason", rows[i].reason);
    tree_put_int(arena, one, "at_ms", rows[i].at_ms);
    tree_put_text(arena, one, "earned", rows[i].earned);
    tree_put_text(arena, one, "max", rows[i].max);
    tree_put(arena, one, "earned_number", fraction_number(arena, rows[i].earned));
    tree_put(arena, one, "max_number", fraction_number(arena, rows[i].max));
    tree_push(list, one);
  }
  return list;
}
