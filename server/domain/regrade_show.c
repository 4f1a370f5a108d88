/* regrade_show: previews and decisions as trees for the page and the API. A person's points are the sheet's before the first and behind the last of
 * their hand-ins; who is told first is who changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/appeal.h"
#include "domain/catalog.h"
#include "domain/fraction.h"
#include "domain/people.h"
#include "domain/regrade_inside.h"
#include "store/db.h"
#include "store/store_people.h"
#include "store/store_workshop.h"

#define ROWS_MOST 500

/* --- who gains, who loses ------------------------------------------------------------------------------------------------------------------------- */

enum change { CHANGE_DOWN, CHANGE_HELD, CHANGE_UP, CHANGE_SAME, CHANGE_COUNT };
static const char *const change_names[] = {"down", "held", "up", "same"};

struct line { const struct regrade_item *first; const char *old, *new; enum change change; int fell; };

static int compare(const char *a, const char *b) {
  struct fraction x = {0, 1}, y = {0, 1};
  fraction_parse(a, &x);
  fraction_parse(b, &y);
  __int128 left = (__int128)x.top * y.bottom, right = (__int128)y.top * x.bottom;
  return left < right ? -1 : left > right;
}

static bool same_sheet(const struct regrade_item *a, const struct regrade_item *b) {
  return !strcmp(a->person, b->person) && !strcmp(a->lab, b->lab) && !strcmp(a->workshop, b->workshop);
}

static int by_sheet(const void *a, const void *b) {
  const struct regrade_item *x = *(const struct regrade_item *const *)a, *y = *(const struct regrade_item *const *)b;
  int order = strcmp(x->name, y->name);
  if (!order) order = strcmp(x->person, y->person);
  if (!order) order = strcmp(x->lab, y->lab);
  if (!order) order = strcmp(x->workshop, y->workshop);
  return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_change(const void *a, const void *b) {
  const struct line *x = a, *y = b;
  return x->change != y->change ? (int)x->change - (int)y->change : by_sheet(&x->first, &y->first);
}

/* One line for each person and lab, out of the items that are done. */
static size_t lines_of(struct arena *arena, const struct regrade_item *items, size_t count, struct line **out) {
  const struct regrade_item **row = arena_alloc(arena, (count + 1) * sizeof *row);
  struct line *lines = arena_alloc(arena, (count + 1) * sizeof *lines);
  size_t rows = 0, n = 0;
  for (size_t i = 0; i < count; i++) if (*items[i].state && strcmp(items[i].state, "waiting") != 0) row[rows++] = &items[i];
  qsort(row, rows, sizeof *row, by_sheet);
  for (size_t i = 0; i < rows; i++) {
    if (!n || !same_sheet(lines[n - 1].first, row[i])) lines[n++] = (struct line){.first = row[i], .old = row[i]->sheet_old};
    lines[n - 1].new = row[i]->sheet_new;
    if (!strcmp(row[i]->state, "regraded") && compare(row[i]->new_earned, row[i]->old_earned) < 0) lines[n - 1].fell++;
  }
  for (size_t i = 0; i < n; i++) {
    int order = compare(lines[i].new, lines[i].old);
    lines[i].change = order > 0 ? CHANGE_UP : order < 0 ? CHANGE_DOWN : lines[i].fell ? CHANGE_HELD : CHANGE_SAME;
  }
  qsort(lines, n, sizeof *lines, by_change);
  *out = lines;
  return n;
}

static void put_points(struct arena *arena, struct tree *out, const char *name, const char *text) {
  tree_put_text(arena, out, name, *text ? text : "0");
  tree_put(arena, out, arena_printf(arena, "%s_number", name), fraction_number(arena, *text ? text : "0"));
}

static void put_people(struct arena *arena, struct tree *out, const struct edition *edition, enum lang lang, const struct regrade_item *items, size_t count) {
  struct line *lines;
  size_t n = lines_of(arena, items, count, &lines);
  int sums[CHANGE_COUNT] = {0};
  struct tree *people = tree_new(arena, TREE_MAP), *rows = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < n; i++) {
    sums[lines[i].change]++;
    if (i >= ROWS_MOST) continue;
    const struct lab *lab = edition_lab(edition, lines[i].first->lab);
    struct tree *row = tree_new(arena, TREE_MAP);
    tree_put_text(arena, row, "person", lines[i].first->person);
    tree_put_text(arena, row, "name", lines[i].first->name);
    tree_put_text(arena, row, "lab", lines[i].first->lab);
    tree_put_text(arena, row, "lab_title", lab ? lab->title[lang] : lines[i].first->lab);
    put_points(arena, row, "old", lines[i].old);
    put_points(arena, row, "new", lines[i].new);
    tree_put_int(arena, row, "max", lab ? lab->points : 0);
    tree_put_text(arena, row, "change", change_names[lines[i].change]);
    tree_put_int(arena, row, "fell", lines[i].fell);
    tree_push(rows, row);
  }
  for (int i = 0; i < CHANGE_COUNT; i++) tree_put_int(arena, people, change_names[i], sums[i]);
  tree_put(arena, out, "people", people);
  tree_put(arena, out, "rows", rows);
}

static void put_handins(struct arena *arena, struct tree *out, const struct regrade_item *items, size_t count) {
  static const char *const states[] = {"regraded", "same", "kept"}, *const whys[] = {"forgotten", "unobserved", "failed", "refused", "gone"};
  struct tree *handins = tree_new(arena, TREE_MAP), *kept = tree_new(arena, TREE_MAP);
  int up = 0, down = 0;
  for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
    int n = 0;
    for (size_t i = 0; i < count; i++) n += !strcmp(items[i].state, states[s]);
    tree_put_int(arena, handins, states[s], n);
  }
  for (size_t w = 0; w < sizeof whys / sizeof *whys; w++) {
    int n = 0;
    for (size_t i = 0; i < count; i++) n += !strcmp(items[i].state, "kept") && !strcmp(items[i].why, whys[w]);
    tree_put_int(arena, kept, whys[w], n);
  }
  for (size_t i = 0; i < count; i++) {
    if (strcmp(items[i].state, "regraded") != 0) continue;
    int order = compare(items[i].new_earned, items[i].old_earned);
    up += order > 0;
    down += order < 0;
  }
  tree_put_int(arena, handins, "up", up);
  tree_put_int(arena, handins, "down", down);
  tree_put(arena, out, "handins", handins);
  tree_put(arena, out, "kept", kept);
}

static const char *check_title(struct arena *arena, const struct lab *lab, enum lang lang, const char *id) {
  return lab ? words_text(arena, lab->words, lang, arena_printf(arena, "%s.title", id), NULL, NULL) : id;
}

static struct tree *counts(struct arena *arena, const int words[TALLY_COUNT]) {
  static const char *const names[] = {"pass", "partial", "fail", "other"};
  struct tree *out = tree_new(arena, TREE_MAP);
  for (int i = 0; i < TALLY_COUNT; i++) tree_put_int(arena, out, names[i], words[i]);
  return out;
}

/* --- one --------------------------------------------------------------------------------------------------------------------------------------------- */

static void put_scope(struct arena *arena, struct db_read *read, struct tree *out, const struct edition *edition, enum lang lang, const char *lab_id, const char *check, const char *workshop) {
  const struct lab *lab = *lab_id ? edition_lab(edition, lab_id) : NULL;
  struct workshop_row row = {0};
  struct err err;
  if (*workshop && !store_workshop_find(read, workshop, &row, &err)) row.name[0] = 0;
  tree_put_text(arena, out, "lab", *lab_id ? lab_id : NULL);
  tree_put_text(arena, out, "lab_title", *lab_id ? (lab ? lab->title[lang] : lab_id) : NULL);
  tree_put_text(arena, out, "check", *check ? check : NULL);
  tree_put_text(arena, out, "check_title", *check ? check_title(arena, lab, lang, check) : NULL);
  tree_put_text(arena, out, "workshop", *workshop ? workshop : NULL);
  tree_put_text(arena, out, "workshop_name", *row.name ? row.name : NULL);
  tree_put_bool(arena, out, "keep_last", lab && lab->keep_last);
}

static struct tree *preview_json(const struct preview *preview, struct db_read *read, const struct edition *edition, enum lang lang, struct arena *arena) {
  static const char *const names[] = {[PREVIEW_RUNS] = "previewing", [PREVIEW_READY] = "preview", [PREVIEW_FAILED] = "failed"};
  struct tree *out = tree_new(arena, TREE_MAP), *checks = tree_new(arena, TREE_LIST);
  tree_put_text(arena, out, "id", preview->id);
  tree_put_text(arena, out, "state", names[preview->state]);
  put_scope(arena, read, out, edition, lang, preview->lab, preview->check, preview->workshop);
  tree_put_int(arena, out, "at_ms", preview->at_ms);
  tree_put_int(arena, out, "done", (int64_t)preview->done);
  tree_put_int(arena, out, "of", (int64_t)preview->of);
  tree_put_int(arena, out, "attempts", (int64_t)preview->attempts);
  if (*preview->why) tree_put_text(arena, out, "why", preview->why);
  if (preview->state != PREVIEW_READY) return out;
  put_people(arena, out, edition, lang, preview->items, preview->of);
  put_handins(arena, out, preview->items, preview->of);
  const struct lab *lab = *preview->lab ? edition_lab(edition, preview->lab) : NULL;
  for (size_t i = 0; i < preview->tally_count; i++) {
    struct tree *row = tree_new(arena, TREE_MAP);
    tree_put_text(arena, row, "id", preview->tallies[i].id);
    tree_put_text(arena, row, "title", check_title(arena, lab, lang, preview->tallies[i].id));
    tree_put(arena, row, "before", counts(arena, preview->tallies[i].before));
    tree_put(arena, row, "after", counts(arena, preview->tallies[i].after));
    tree_push(checks, row);
  }
  tree_put(arena, out, "checks", checks);
  return out;
}

static struct tree *row_json(const struct regrade_row *row, struct db_read *read, const struct edition *edition, enum lang lang, struct arena *arena) {
  struct tree *out = tree_new(arena, TREE_MAP);
  struct person_row person = {0};
  struct err err;
  if (!store_person_find(read, row->by_person, &person, &err)) person.name[0] = 0;
  tree_put_text(arena, out, "id", row->id);
  tree_put_text(arena, out, "state", row->state);
  put_scope(arena, read, out, edition, lang, row->lab, row->check_id, row->workshop);
  tree_put_text(arena, out, "reason", row->reason);
  tree_put_text(arena, out, "by", person.name);
  tree_put_int(arena, out, "at_ms", row->at_ms);
  tree_put_int(arena, out, "done", row->done);
  tree_put_int(arena, out, "of", row->of);
  if (*row->why) tree_put_text(arena, out, "why", row->why);
  return out;
}

static bool may_see(const struct viewer *viewer, const char *person) { return viewer_is(viewer, ROLE_ADMIN) || (viewer_is(viewer, ROLE_INSTRUCTOR) && !strcmp(person, viewer->person)); }

struct tree *regrade_json(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err) {
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  struct tree *out = NULL;
  pthread_mutex_lock(&regrades->lock);
  struct preview *preview = regrade_find(regrades, id);
  if (preview && may_see(viewer, preview->person)) out = tree_copy(arena, preview_json(preview, read, edition, viewer->lang, arena));   /* its texts may go with it */
  pthread_mutex_unlock(&regrades->lock);
  struct regrade_row row;
  struct regrade_item *items = NULL;
  size_t count = 0;
  if (!out && store_regrade_find(read, id, &row, err)) {
    if (!may_see(viewer, row.by_person)) err_set(err, ERR_NOT_FOUND, "regrade.missing", "regrade %s is another's", id);
    else if (store_regrade_items(read, id, false, REGRADE_MOST, arena, &items, &count, err)) {
      out = row_json(&row, read, edition, viewer->lang, arena);
      if (strcmp(row.state, "running") != 0) {
        put_people(arena, out, edition, viewer->lang, items, count);
        put_handins(arena, out, items, count);
      }
      out = tree_copy(arena, out);
    }
  }
  catalog_release(edition);
  return out;
}

/* --- what there is to grade again --------------------------------------------------------------------------------------------------------------------- */

static const char *owner_of(const struct viewer *viewer) { return people_may(viewer, RIGHT_SEE_ALL_WORKSHOPS) ? NULL : viewer->person; }

struct tree *regrade_overview(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, struct arena *arena, struct err *err) {
  struct regrade_row *rows;
  struct regrade_lab *labs;
  size_t row_count, lab_count;
  if (!store_regrade_list(read, viewer_is(viewer, ROLE_ADMIN) ? NULL : viewer->person, arena, &rows, &row_count, err) ||
      !store_regrade_labs(read, owner_of(viewer), arena, &labs, &lab_count, err)) return NULL;
  struct tree *appeals = appeal_list(read, viewer, arena, err);
  if (!appeals) return NULL;
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  TREE_EACH(appeal, appeals) {
    const struct lab *lab = edition_lab(edition, tree_text_or(appeal, "lab", ""));
    tree_put_text(arena, appeal, "lab_title", lab ? lab->title[viewer->lang] : tree_text(appeal, "lab"));
  }
  struct tree *out = tree_new(arena, TREE_MAP), *list = tree_new(arena, TREE_LIST), *lab_list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < row_count; i++) tree_push(list, row_json(&rows[i], read, edition, viewer->lang, arena));
  for (size_t i = 0; i < lab_count;) {
    const struct lab *lab = edition_lab(edition, labs[i].lab);
    int64_t all = 0, earlier = 0;
    size_t at = i;
    for (; at < lab_count && !strcmp(labs[at].lab, labs[i].lab); at++) {
      all += labs[at].submissions;
      if (lab && (strcmp(labs[at].lab_version, lab->version) != 0 || strcmp(labs[at].library, edition->library_sha256) != 0)) earlier += labs[at].submissions;
    }
    struct tree *row = tree_new(arena, TREE_MAP);
    tree_put_text(arena, row, "id", labs[i].lab);
    tree_put_text(arena, row, "title", lab ? lab->title[viewer->lang] : labs[i].lab);
    tree_put_int(arena, row, "handins", all);
    tree_put_int(arena, row, "earlier", earlier);
    if (lab) tree_push(lab_list, row);
    i = at;
  }
  tree_put(arena, out, "regrades", list);
  tree_put(arena, out, "labs", lab_list);
  tree_put(arena, out, "appeals", appeals);
  out = tree_copy(arena, out);
  catalog_release(edition);
  return out;
}

struct tree *regrade_lab(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err) {
  struct tree *overview = regrade_overview(regrades, read, viewer, arena, err);
  if (!overview) return NULL;
  const struct edition *edition = catalog_acquire(regrades->needs.catalog);
  const struct lab *lab = edition_lab(edition, id);
  struct tree *out = NULL;
  if (!lab) err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %.60s", id);
  else {
    struct tree *checks = tree_new(arena, TREE_LIST), *known = NULL;
    TREE_EACH(row, tree_get(overview, "labs")) if (!strcmp(tree_text_or(row, "id", ""), lab->id)) known = row;
    out = tree_new(arena, TREE_MAP);
    tree_put_text(arena, out, "id", lab->id);
    tree_put_text(arena, out, "title", lab->title[viewer->lang]);
    tree_put_int(arena, out, "handins", tree_int(known, "handins", 0));
    tree_put_int(arena, out, "earlier", tree_int(known, "earlier", 0));
    tree_put_bool(arena, out, "keep_last", lab->keep_last);
    for (size_t i = 0; i < lab->check_count; i++) {
      struct tree *check = tree_new(arena, TREE_MAP);
      tree_put_text(arena, check, "id", lab->checks[i].id);
      tree_put_text(arena, check, "title", check_title(arena, lab, viewer->lang, lab->checks[i].id));
      tree_put_text(arena, check, "on", lab->checks[i].on == CHECK_SCOPE_FILES ? "files" : lab->checks[i].on == CHECK_SCOPE_LIVE ? "live" : "both");
      tree_put_int(arena, check, "points", lab->checks[i].points);
      tree_push(checks, check);
    }
    tree_put(arena, out, "checks", checks);
    out = tree_copy(arena, out);
  }
  catalog_release(edition);
  return out;
}
