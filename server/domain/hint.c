/* hint: opens rungs of a lab's ladders, one at a time, and remembers which. No state of its own. */
#include "domain/hint.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/progress_inside.h"
#include "store/store_attempt.h"
#include "store/store_progress.h"
#include "store/store_submission.h"

enum hint_rule hint_rule(const struct lab_hint *hint, int rung, int opened, int tries, int minutes, int *out_tries, int *out_minutes) {
  int want_tries = hint->rung[rung - 1].tries, want_minutes = hint->rung[rung - 1].minutes;
  *out_tries = want_tries > tries ? want_tries - tries : 0;
  *out_minutes = want_minutes > minutes ? want_minutes - minutes : 0;
  if (rung <= opened) return HINT_OPEN;
  if (rung > opened + 1) return HINT_ORDER;
  bool by_tries = want_tries > 0 && !*out_tries, by_minutes = want_minutes > 0 && !*out_minutes, at_once = !want_tries && !want_minutes;
  return by_tries || by_minutes || at_once ? HINT_OPEN : HINT_EARLY;
}

/* An attempt with what its ladders depend on. */
struct view { struct attempt_row row; const struct edition *edition; const struct lab *lab; struct tree *params; struct hint_row *opened; size_t opened_count; int tries, minutes; };

static bool view_make(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, struct arena *arena, struct view *out, struct err *err) {
  memset(out, 0, sizeof *out);
  if (!store_attempt_get(read, attempt, arena, &out->row, err)) return false;
  if (!attempt_may(read, viewer, &out->row)) return err_set(err, ERR_NOT_FOUND, "attempt.missing", "attempt %s is not the viewer's", attempt);
  if (!store_hint_list(read, attempt, arena, &out->opened, &out->opened_count, err)) return false;
  if (!out->row.params || !tree_parse(arena, out->row.params, strlen(out->row.params), 0, &out->params, NULL)) out->params = tree_new(arena, TREE_MAP);
  out->tries = (int)store_submission_tries(read, attempt);
  out->minutes = (int)((wall_ms() - out->row.created_ms) / 60000);
  out->edition = catalog_acquire(progress->catalog);
  out->lab = edition_lab_of(out->edition, out->row.lab, out->row.lab_version, NULL);
  return true;
}

static const struct lab_hint *ladder(const struct view *view, const char *key) {
  for (size_t i = 0; view->lab && i < view->lab->hint_count; i++) if (!strcmp(view->lab->hints[i].key, key)) return &view->lab->hints[i];
  return NULL;
}

static int highest(const struct view *view, const char *key) {
  int rung = 0;
  for (size_t i = 0; i < view->opened_count; i++) if (!strcmp(view->opened[i].key, key) && view->opened[i].rung > rung) rung = view->opened[i].rung;
  return rung;
}

static const char *rung_text(const struct view *view, const struct lab_hint *hint, int rung, enum lang lang, struct arena *arena) {
  const char *text = hint->rung[rung - 1].text[lang];
  return lab_fill(arena, text, strlen(text), view->params, NULL);
}

struct opening { const char *attempt, *key, *person; int rung; int64_t at_ms; };

static bool open_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct opening *opening = arg;
  return store_hint_add(tx, opening->attempt, opening->key, opening->rung, opening->person, opening->at_ms, err);
}

static bool too_early(int tries, int minutes, struct err *err) {
  err_set(err, ERR_CONFLICT, tries && minutes ? "hint.early-both" : tries ? "hint.early-tries" : "hint.early-minutes", "hint asked for too early");
  err_param(err, "tries", "%d", tries);
  return err_param(err, "minutes", "%d", minutes);
}

static bool may_open(const struct view *view, const struct viewer *viewer, const struct lab_hint *hint, int rung, struct err *err) {
  if (viewer_is(viewer, ROLE_INSTRUCTOR)) return true;
  int tries, minutes;
  switch (hint_rule(hint, rung, highest(view, hint->key), view->tries, view->minutes, &tries, &minutes)) {
    case HINT_OPEN: return true;
    case HINT_EARLY: return too_early(tries, minutes, err);
    case HINT_ORDER: break;
  }
  err_set(err, ERR_CONFLICT, "hint.order", "rung %d asked for out of turn", rung);
  return err_param(err, "rung", "%d", highest(view, hint->key) + 1);
}

bool hint_open(struct progress *progress, const struct viewer *viewer, const char *attempt, const char *key, int rung, struct arena *arena, const char **out_text, struct err *err) {
  struct db_read *read;
  struct view view;
  if (!db_read_begin(progress->db, &read, err)) return false;
  bool ok = view_make(progress, read, viewer, attempt, arena, &view, err);
  db_read_end(read);                                    /* nothing is read while the write waits for its commit */
  if (!ok) return false;
  const struct lab_hint *hint = ladder(&view, key);
  if (!hint || rung < 1 || rung > hint->rungs) ok = err_set(err, ERR_NOT_FOUND, "hint.missing", "no rung %d of %s", rung, key);
  else if ((ok = may_open(&view, viewer, hint, rung, err))) {
    struct opening opening = {attempt, hint->key, viewer->person, rung, wall_ms()};
    ok = db_write(progress->db, open_unit, &opening, err);
    if (ok) *out_text = rung_text(&view, hint, rung, viewer->lang, arena);
  }
  catalog_release(view.edition);
  return ok;
}

struct tree *hint_list(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, const char *lab, struct arena *arena) {
  struct tree *out = tree_new(arena, TREE_LIST);
  struct view view;
  if (!view_make(progress, read, viewer, attempt, arena, &view, NULL)) return out;
  for (size_t i = 0; i < view.opened_count && !strcmp(view.row.lab, lab); i++) {
    const struct lab_hint *hint = ladder(&view, view.opened[i].key);
    if (!hint || view.opened[i].rung > hint->rungs) continue;       /* the lab has fewer today */
    struct tree *one = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, "key", hint->key);
    tree_put_int(arena, one, "rung", view.opened[i].rung);
    tree_put_text(arena, one, "text", rung_text(&view, hint, view.opened[i].rung, viewer->lang, arena));
    tree_push(out, one);
  }
  catalog_release(view.edition);
  return out;
}

struct tree *hint_ladders(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, struct arena *arena) {
  struct tree *out = tree_new(arena, TREE_LIST);
  struct view view;
  if (!view_make(progress, read, viewer, attempt, arena, &view, NULL)) return out;
  for (size_t i = 0; view.lab && i < view.lab->hint_count; i++) {
    const struct lab_hint *hint = &view.lab->hints[i];
    int opened = highest(&view, hint->key), tries, minutes;
    struct tree *one = tree_new(arena, TREE_MAP), *next = tree_new(arena, opened < hint->rungs ? TREE_MAP : TREE_NULL);
    if (opened < hint->rungs) {
      enum hint_rule rule = hint_rule(hint, opened + 1, opened, view.tries, view.minutes, &tries, &minutes);
      tree_put_int(arena, next, "rung", opened + 1);
      tree_put_int(arena, next, "tries", tries);
      tree_put_int(arena, next, "minutes", minutes);
      tree_put_bool(arena, next, "open", rule == HINT_OPEN || viewer_is(viewer, ROLE_INSTRUCTOR));
    }
    tree_put_text(arena, one, "key", hint->key);
    tree_put_int(arena, one, "rungs", hint->rungs);
    tree_put_int(arena, one, "opened", opened);
    tree_put(arena, one, "next", next);
    tree_push(out, one);
  }
  catalog_release(view.edition);
  return out;
}
