/* regrade: previews in memory, decisions in rows. The job that carries a decision out is regrade_work.c. */
#include "domain/regrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/live.h"
#include "domain/people.h"
#include "domain/progress.h"
#include "domain/regrade_inside.h"
#include "domain/replay.h"
#include "store/db.h"
#include "store/store_audit.h"
#include "store/store_progress.h"
#include "store/store_workshop.h"

#define TELL_EVERY 16                        /* hand-ins of a preview */
#define PREVIEWS_MOST 16
#define PREVIEW_KEPT_MS (30 * 60 * 1000LL)

static void work_preview(void *ctx, const char *id, struct arena *arena);

/* --- previews; the lock is held ---------------------------------------------------------------------------------------------------------- */

struct preview *regrade_find(struct regrades *regrades, const char *id) {
  struct preview *at = regrades->previews;
  while (at && (at->dropped || strcmp(at->id, id) != 0)) at = at->next;
  return at;
}

static void drop(struct regrades *regrades, struct preview *preview) {
  preview->dropped = true;
  if (preview->busy) return;
  struct preview **at = &regrades->previews;
  while (*at != preview) at = &(*at)->next;
  *at = preview->next;
  arena_free(preview->arena);
  free(preview);
}

/* Those of this person, and those that nobody came back for. Returns how many are left. */
static int drop_old(struct regrades *regrades, const char *person, int64_t now_ms) {
  int left = 0;
  for (struct preview *at = regrades->previews, *next; at; at = next) {
    next = at->next;
    if (at->dropped) continue;
    if (!strcmp(at->person, person) || now_ms - at->at_ms > PREVIEW_KEPT_MS) drop(regrades, at);
    else left++;
  }
  return left;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------------ */

void regrade_tell(struct regrades *regrades, const char *id, const char *state, size_t done, size_t of) {
  char topic[64], json[160];
  snprintf(topic, sizeof topic, "regrade:%s", id);
  snprintf(json, sizeof json, "{\"id\":\"%s\",\"state\":\"%s\",\"done\":%zu,\"of\":%zu}", id, state, done, of);
  const char *const both[LANG_COUNT] = {json, json};
  live_publish(regrades->needs.live, topic, "regrade", id, both);
}

static bool may_hear(void *ctx, const char *topic, const struct viewer *viewer) {
  struct regrades *regrades = ctx;
  const char *id = topic + strlen("regrade:");
  struct db_read *read = NULL;
  struct regrade_row row;
  if (!viewer_is(viewer, ROLE_INSTRUCTOR)) return false;
  pthread_mutex_lock(&regrades->lock);
  struct preview *preview = regrade_find(regrades, id);
  bool mine = preview && (!strcmp(preview->person, viewer->person) || viewer_is(viewer, ROLE_ADMIN));
  pthread_mutex_unlock(&regrades->lock);
  if (mine || !db_read_begin(regrades->needs.db, &read, NULL)) return mine;
  mine = store_regrade_find(read, id, &row, NULL) && (!strcmp(row.by_person, viewer->person) || viewer_is(viewer, ROLE_ADMIN));
  db_read_end(read);
  return mine;
}

/* Who comes late hears how it stands. */
static void now(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena, void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx) {
  struct regrades *regrades = ctx;
  struct db_read *read = NULL;
  struct err err = {0};
  if (!db_read_begin(regrades->needs.db, &read, &err)) return;
  struct tree *whole = regrade_json(regrades, read, viewer, topic + strlen("regrade:"), arena, &err);
  db_read_end(read);
  if (!whole) return;
  add(add_ctx, "regrade", arena_printf(arena, "{\"id\":\"%s\",\"state\":\"%s\",\"done\":%lld,\"of\":%lld}", tree_text_or(whole, "id", ""), tree_text_or(whole, "state", ""),
                                       (long long)tree_int(whole, "done", 0), (long long)tree_int(whole, "of", 0)));
}

bool regrades_open(const struct regrades_needs *needs, struct regrades **out, struct err *err) {
  (void)err;
  struct regrades *regrades = calloc(1, sizeof *regrades);
  if (!regrades) abort();
  regrades->needs = *needs;
  pthread_mutex_init(&regrades->lock, NULL);
  regrades->jobs = jobs_open("regrade", 2, 64);
  live_source(needs->live, &(struct live_source){.prefix = "regrade:", .may = may_hear, .snapshot = now, .ctx = regrades});
  *out = regrades;
  return true;
}

bool regrades_resume(struct regrades *regrades, struct err *err) {
  struct db_read *read = NULL;
  struct regrade_row row;
  if (!db_read_begin(regrades->needs.db, &read, err)) return false;
  bool running = store_regrade_running(read, &row);
  db_read_end(read);
  if (running) log_info("regrade.resume", "regrade=%s done=%lld of=%lld", row.id, (long long)row.done, (long long)row.of);
  return !running || jobs_add(regrades->jobs, regrade_work, regrades, row.id, 0, err);
}

void regrades_close(struct regrades *regrades) {
  if (!regrades) return;
  atomic_store(&regrades->closing, true);
  jobs_close(regrades->jobs, 5000);
  while (regrades->previews) {
    regrades->previews->busy = false;
    drop(regrades, regrades->previews);
  }
  pthread_mutex_destroy(&regrades->lock);
  free(regrades);
}

/* --- one hand-in ----------------------------------------------------------------------------------------------------------------------------- */

static void set(char *to, size_t room, const char *text) { snprintf(to, room, "%s", text ? text : ""); }

bool regrade_grade(struct regrades *regrades, const struct edition *edition, const char *only, struct arena *arena, struct regrade_item *item, struct replay *out, struct err *err) {
  struct replay_ask ask = {.submission = item->submission, .only = only};
  bool ok = replay_submission(regrades->needs.pool, regrades->needs.db, arena, edition, &ask, out, err);
  if (!ok && strcmp(err->key, "lab.gone") != 0) return false;
  const char *kept = ok ? out->kept : "gone";
  const struct tree *body = out->verdict ? tree_get(out->verdict, "body") : NULL;
  set(item->state, sizeof item->state, kept ? "kept" : out->same ? "same" : "regraded");
  set(item->why, sizeof item->why, kept);
  set(item->old_verdict, sizeof item->old_verdict, out->old.id);
  set(item->old_earned, sizeof item->old_earned, out->row.earned);
  set(item->old_max, sizeof item->old_max, out->row.max);
  set(item->new_earned, sizeof item->new_earned, body ? tree_text(body, "earned") : out->row.earned);
  set(item->new_max, sizeof item->new_max, body ? tree_text(body, "max") : out->row.max);
  return true;
}

static struct progress_row like_of(const struct regrade_item *item, int64_t at_ms) {
  struct progress_row like = {.at_ms = at_ms};
  set(like.person, sizeof like.person, item->person);
  set(like.workshop, sizeof like.workshop, item->workshop);
  set(like.lab, sizeof like.lab, item->lab);
  set(like.submission, sizeof like.submission, item->submission);
  return like;
}

/* --- the preview's job ------------------------------------------------------------------------------------------------------------------------ */

struct sheet { struct sheet *next; const char *person, *workshop, *lab; struct progress_row *rows; size_t count; };

static struct sheet *sheet_of(struct regrades *regrades, struct sheet **sheets, struct arena *arena, const struct lab *lab, const struct regrade_item *item, struct err *err) {
  for (struct sheet *at = *sheets; at; at = at->next) if (!strcmp(at->person, item->person) && !strcmp(at->workshop, item->workshop) && !strcmp(at->lab, item->lab)) return at;
  struct sheet *sheet = arena_alloc(arena, sizeof *sheet);
  struct db_read *read = NULL;
  *sheet = (struct sheet){*sheets, item->person, item->workshop, item->lab, arena_alloc(arena, (lab->step_count + 1) * sizeof *sheet->rows), 0};
  if (!db_read_begin(regrades->needs.db, &read, err)) return NULL;
  bool ok = progress_load(read, lab, item->person, item->workshop, sheet->rows, &sheet->count, err);
  db_read_end(read);
  if (!ok) return NULL;
  return *sheets = sheet;
}

static enum tally_word tally_word(const char *outcome) {
  return !strcmp(outcome, "pass") ? TALLY_PASS : !strcmp(outcome, "partial") ? TALLY_PARTIAL : !strcmp(outcome, "fail") ? TALLY_FAIL : TALLY_OTHER;
}

static void tally(struct preview *preview, const struct tree *old_body, const struct tree *new_body) {
  for (size_t i = 0; i < preview->tally_count; i++) {
    struct tally *one = &preview->tallies[i];
    TREE_EACH(check, tree_get(old_body, "checks")) if (!strcmp(tree_text_or(check, "id", ""), one->id)) one->before[tally_word(tree_text_or(check, "outcome", ""))]++;
    TREE_EACH(check, tree_get(new_body, "checks")) if (!strcmp(tree_text_or(check, "id", ""), one->id)) one->after[tally_word(tree_text_or(check, "outcome", ""))]++;
  }
}

static bool preview_item(struct regrades *regrades, struct preview *preview, const struct edition *edition, struct regrade_item *item, struct sheet **sheets, struct err *err) {
  const struct lab *lab = edition_lab(edition, item->lab);
  struct arena *arena = arena_new(0);
  struct replay replay;
  bool ok = regrade_grade(regrades, edition, *preview->check ? preview->check : NULL, arena, item, &replay, err);
  if (ok && lab) {
    set(item->lab_version, sizeof item->lab_version, lab->version);
    struct sheet *sheet = sheet_of(regrades, sheets, preview->arena, lab, item, err);
    if ((ok = sheet != NULL)) {
      const struct tree *body = replay.verdict && !replay.same ? tree_get(replay.verdict, "body") : NULL;
      progress_sum(sheet->rows, sheet->count, item->sheet_old);
      struct progress_row like = like_of(item, replay.row.at_ms);
      if (body) progress_fold(lab, &like, body, sheet->rows, &sheet->count, NULL);
      progress_sum(sheet->rows, sheet->count, item->sheet_new);
      tally(preview, replay.old_body, body ? body : replay.old_body);
    }
  }
  set(item->library, sizeof item->library, edition->library_sha256);
  arena_free(arena);
  return ok;
}

static void work_preview(void *ctx, const char *id, struct arena *arena) {
  (void)arena;
  struct regrades *regrades = ctx;
  pthread_mutex_lock(&regrades->lock);
  struct preview *preview = regrade_find(regrades, id);
  if (preview) preview->busy = true;
  pthread_mutex_unlock(&regrades->lock);
  if (!preview) return;
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  struct sheet *sheets = NULL;
  struct err err = {0};
  bool ok = true, on = true;
  for (size_t i = 0; ok && on && i < preview->of; i++) {
    ok = preview_item(regrades, preview, edition, &preview->items[i], &sheets, &err);
    pthread_mutex_lock(&regrades->lock);
    preview->done = i + 1;
    on = !preview->dropped && !atomic_load(&regrades->closing);
    pthread_mutex_unlock(&regrades->lock);
    if (ok && on && (i + 1) % TELL_EVERY == 0) regrade_tell(regrades, id, "previewing", i + 1, preview->of);
  }
  catalog_release(edition);
  if (!ok) log_warn("regrade.preview", "preview=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  pthread_mutex_lock(&regrades->lock);
  preview->busy = false;
  preview->state = ok ? PREVIEW_READY : PREVIEW_FAILED;
  set(preview->why, sizeof preview->why, err.key);
  size_t of = preview->of;
  bool gone = preview->dropped;
  if (gone) drop(regrades, preview);
  pthread_mutex_unlock(&regrades->lock);
  if (!gone) regrade_tell(regrades, id, ok ? "preview" : "failed", of, of);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------------------------ */

static bool given(const char *text) { return text && *text; }

static bool own_workshop(struct db_read *read, const struct viewer *viewer, const char *id, struct err *err) {
  struct workshop_row row;
  if (!store_workshop_find(read, id, &row, err)) return false;
  bool own = row.id[0] && (people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS) || !strcmp(row.opened_by, viewer->person));
  return own || err_set(err, ERR_NOT_FOUND, "workshop.unknown", NULL);
}

/* The lab as it is called today, and its check. */
static bool look(const struct edition *edition, const struct regrade_ask *ask, struct preview *preview, struct err *err) {
  if (!given(ask->lab)) return (given(ask->workshop) && !given(ask->check)) || err_set(err, ERR_INVALID, "regrade.scope", "neither lab nor workshop");
  const struct lab *lab = edition_lab(edition, ask->lab);
  if (!lab) return err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %.60s", ask->lab);
  set(preview->lab, sizeof preview->lab, lab->id);
  preview->tallies = arena_alloc(preview->arena, (lab->check_count + 1) * sizeof *preview->tallies);
  for (size_t i = 0; i < lab->check_count; i++) {
    if (given(ask->check) && strcmp(ask->check, lab->checks[i].id) != 0) continue;
    set(preview->tallies[preview->tally_count++].id, sizeof preview->tallies->id, lab->checks[i].id);
  }
  if (!preview->tally_count) return err_set(err, ERR_NOT_FOUND, "regrade.no-check", "no such check");
  set(preview->check, sizeof preview->check, ask->check);
  return true;
}

static bool select_items(struct regrades *regrades, const struct edition *edition, const struct viewer *viewer, struct preview *preview, struct err *err) {
  struct db_read *read = NULL;
  bool all = people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS);
  struct regrade_scope scope = {.lab = *preview->lab ? preview->lab : NULL, .workshop = *preview->workshop ? preview->workshop : NULL, .owner = all ? NULL : viewer->person};
  struct attempt_scope running = {scope.lab, scope.workshop, scope.owner};
  if (!db_read_begin(regrades->needs.db, &read, err)) return false;
  bool ok = (!scope.workshop || own_workshop(read, viewer, scope.workshop, err)) &&
            store_regrade_select(read, &scope, REGRADE_MOST + 1, preview->arena, &preview->items, &preview->of, err) &&
            regrade_behind(read, edition, &running, preview->arena, &preview->attempts, err);
  db_read_end(read);
  if (ok && !preview->of && !preview->attempts) return err_set(err, ERR_CONFLICT, "regrade.none", "nothing was graded there, and nobody is at work with an older version");
  if (ok && preview->of > REGRADE_MOST) {
    err_set(err, ERR_LIMIT, "regrade.many", "over %d", REGRADE_MOST);
    return err_param(err, "limit", "%d", REGRADE_MOST);
  }
  return ok;
}

bool regrade_preview(struct regrades *regrades, const struct viewer *viewer, const struct regrade_ask *ask, char out_id[ID_SIZE], struct err *err) {
  if (!people_may(viewer, RIGHT_OPEN_WORKSHOP)) return err_set(err, ERR_DENIED, "people.denied", NULL);
  struct preview *preview = calloc(1, sizeof *preview);
  if (!preview) abort();
  preview->arena = arena_new(0);
  preview->at_ms = wall_ms();
  id_new(preview->id);
  set(preview->person, sizeof preview->person, viewer->person);
  set(preview->workshop, sizeof preview->workshop, ask->workshop);
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  bool ok = look(edition, ask, preview, err) && select_items(regrades, edition, viewer, preview, err);
  catalog_release(edition);
  if (ok) {
    memcpy(out_id, preview->id, ID_SIZE);
    pthread_mutex_lock(&regrades->lock);
    if (drop_old(regrades, viewer->person, preview->at_ms) >= PREVIEWS_MOST) {
      ok = err_set(err, ERR_LIMIT, "regrade.previews", "%d previews", PREVIEWS_MOST);
    } else {
      preview->next = regrades->previews;
      regrades->previews = preview;
    }
    pthread_mutex_unlock(&regrades->lock);
  }
  if (!ok) {
    arena_free(preview->arena);
    free(preview);
    return false;
  }
  if (jobs_add(regrades->jobs, work_preview, regrades, out_id, 0, err)) return true;
  pthread_mutex_lock(&regrades->lock);
  if ((preview = regrade_find(regrades, out_id))) drop(regrades, preview);
  pthread_mutex_unlock(&regrades->lock);
  return false;
}

bool regrade_cancel(struct regrades *regrades, const struct viewer *viewer, const char *id, struct err *err) {
  pthread_mutex_lock(&regrades->lock);
  struct preview *preview = regrade_find(regrades, id);
  bool mine = preview && !strcmp(preview->person, viewer->person);
  if (mine) drop(regrades, preview);
  pthread_mutex_unlock(&regrades->lock);
  if (mine) return true;
  struct db_read *read = NULL;
  struct regrade_row row;
  if (!db_read_begin(regrades->needs.db, &read, err)) return false;
  bool found = store_regrade_find(read, id, &row, err) && (!strcmp(row.by_person, viewer->person) || viewer_is(viewer, ROLE_ADMIN));
  db_read_end(read);
  return err_set(err, found ? ERR_CONFLICT : ERR_NOT_FOUND, found ? "regrade.runs-on" : "regrade.missing", NULL);
}

/* --- carrying out -------------------------------------------------------------------------------------------------------------------------------- */

struct beginning { struct regrade_row row; const struct regrade_item *items; size_t count; char scope[200]; };

static bool begin_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct beginning *beginning = arg;
  struct audit audit = {.actor = beginning->row.by_person, .role = beginning->row.role, .what = "regrade.begun", .object = beginning->row.id, .after = beginning->scope,
                        .at_ms = beginning->row.at_ms};
  if (!store_regrade_add(tx, &beginning->row, err)) return false;
  for (size_t i = 0; i < beginning->count; i++) if (!store_regrade_item_add(tx, beginning->row.id, &beginning->items[i], err)) return false;
  return store_audit_add(tx, &audit, err);
}

bool regrade_text(const char *given_text, int most, const char *key, char out[REGRADE_TEXT_SIZE], struct err *err) {
  const char *from = given_text ? given_text + strspn(given_text, " \t\r\n") : "";
  size_t length = strlen(from);
  int characters = 0;
  while (length && strchr(" \t\r\n", from[length - 1])) length--;
  bool ok = length > 0 && length < REGRADE_TEXT_SIZE;
  for (size_t i = 0; ok && i < length; i++) {
    unsigned char c = (unsigned char)from[i];
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) ok = false;
    if ((c & 0xC0) != 0x80) characters++;
  }
  if (!ok || characters > most) {
    err_set(err, ERR_INVALID, key, NULL);
    return err_param(err, "limit", "%d", most);
  }
  snprintf(out, REGRADE_TEXT_SIZE, "%.*s", (int)length, from);
  return true;
}

static const char *version_of(const struct edition *edition, const char *id) {
  const struct lab *lab = edition_lab(edition, id);
  return lab ? lab->version : "";
}

bool regrade_unchanged(const struct edition *edition, const struct regrade_item *item) {
  return !strcmp(item->library, edition->library_sha256) && !strcmp(item->lab_version, version_of(edition, item->lab));
}

bool regrade_begin(struct regrades *regrades, const struct viewer *viewer, const char *id, const char *reason, struct err *err) {
  struct beginning beginning = {.row = {.at_ms = wall_ms()}};
  if (!regrade_text(reason, REGRADE_REASON_MAX, "regrade.reason", beginning.row.reason, err)) return false;
  pthread_mutex_lock(&regrades->lock);
  struct preview *preview = regrade_find(regrades, id);
  bool ok = preview && !strcmp(preview->person, viewer->person);
  if (!ok) err_set(err, ERR_NOT_FOUND, "regrade.missing", "no preview %.40s", id);
  else if (preview->state != PREVIEW_READY || preview->busy) ok = err_set(err, ERR_CONFLICT, "regrade.early", "the preview is not finished");
  if (ok) preview->busy = true;              /* it stays while its items are written; a second press finds it busy */
  pthread_mutex_unlock(&regrades->lock);
  if (!ok) return false;
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  for (size_t i = 0; ok && i < preview->of; i++) if (!regrade_unchanged(edition, &preview->items[i])) ok = err_set(err, ERR_CONFLICT, "regrade.changed", "lab %s", preview->items[i].lab);
  catalog_release(edition);
  beginning.items = preview->items;
  beginning.count = preview->of;
  set(beginning.row.id, sizeof beginning.row.id, preview->id);
  set(beginning.row.by_person, sizeof beginning.row.by_person, viewer->person);
  set(beginning.row.role, sizeof beginning.row.role, role_name(viewer->role));
  set(beginning.row.lab, sizeof beginning.row.lab, preview->lab);
  set(beginning.row.check_id, sizeof beginning.row.check_id, preview->check);
  set(beginning.row.workshop, sizeof beginning.row.workshop, preview->workshop);
  snprintf(beginning.scope, sizeof beginning.scope, "lab=%s check=%s workshop=%s handins=%zu", preview->lab, preview->check, preview->workshop, preview->of);
  ok = ok && db_write(regrades->needs.db, begin_unit, &beginning, err);
  pthread_mutex_lock(&regrades->lock);
  preview->busy = false;
  if (ok || preview->dropped) drop(regrades, preview);
  pthread_mutex_unlock(&regrades->lock);
  if (!ok) return false;
  log_info("regrade.begun", "regrade=%s handins=%zu", id, beginning.count);
  struct err none;
  (void)jobs_add(regrades->jobs, regrade_work, regrades, beginning.row.id, 0, &none);      /* the row is there: the next start takes it up */
  return true;
}
