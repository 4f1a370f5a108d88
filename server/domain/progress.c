/* progress: what a verdict means for a person's sheet, and the sheet as the page shows it. Holds no state of its own: rows are the store's, the course's
 * shape is the edition's. Points are exact fractions; a number is made of them only to show. */
#include "domain/fraction.h"
#include "domain/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/grading.h"
#include "domain/progress_inside.h"
#include "store/store_progress.h"

bool progress_open(struct db *db, struct catalog *catalog, struct progress **out, struct err *err) {
  (void)err;
  struct progress *progress = calloc(1, sizeof *progress);
  if (!progress) abort();
  *progress = (struct progress){db, catalog};
  *out = progress;
  return true;
}

void progress_close(struct progress *progress) { free(progress); }

/* --- from a verdict ---------------------------------------------------------------------------------------------------------------------------------- */

static int compare(struct fraction a, struct fraction b) {
  __int128 left = (__int128)a.top * b.bottom, right = (__int128)b.top * a.bottom;
  return left < right ? -1 : left > right;
}

static const struct tree *check_of(const struct tree *body, const char *id) {
  TREE_EACH(check, tree_get(body, "checks")) if (!strcmp(tree_text_or(check, "id", ""), id)) return check;
  return NULL;
}

struct sum { struct fraction earned, max; bool error, met; };

/* One step's checks in this run. Which checks a step has is the lab's word, not the verdict's. */
static struct sum sum_step(const struct lab *lab, const struct lab_step *step, const struct tree *body) {
  struct sum sum = {.earned = {0, 1}, .max = {0, 1}};
  for (size_t i = 0; i < lab->check_count; i++) {
    if (strcmp(lab->checks[i].step, step->id)) continue;
    const struct tree *check = check_of(body, lab->checks[i].id);
    struct fraction earned, max;
    const char *outcome = tree_text_or(check, "outcome", "");
    if (!check || !strcmp(outcome, "unobserved") || !fraction_parse(tree_text(check, "max"), &max)) continue;      /* left out of this run: not counted */
    sum.met = true;
    sum.max = fraction_add(sum.max, max);
    if (!strcmp(outcome, "error") || !strcmp(outcome, "pending")) sum.error = true;
    else if (fraction_parse(tree_text(check, "earned"), &earned)) sum.earned = fraction_add(sum.earned, earned);
  }
  return sum;
}

/* Where the last counts, an older hand-in that is graded again does not take the place of a newer one. Ids rise with time. */
static bool better(const struct lab *lab, const struct sum *sum, const struct progress_row *old, const char *submission) {
  if (lab->keep_last) return !sum->error && strcmp(submission, old->submission) >= 0;
  struct fraction earned;
  return !fraction_parse(old->earned, &earned) || compare(sum->earned, earned) > 0;
}

void progress_fold(const struct lab *lab, const struct progress_row *like, const struct tree *body, struct progress_row *rows, size_t *count, bool *changed) {
  for (size_t i = 0; i < lab->step_count; i++) {
    struct sum sum = sum_step(lab, &lab->steps[i], body);
    if (!sum.met) continue;
    size_t at = 0;
    while (at < *count && strcmp(rows[at].step, lab->steps[i].id) != 0) at++;
    bool found = at < *count;
    if (found ? !better(lab, &sum, &rows[at], like->submission) : lab->keep_last && sum.error) continue;
    if (!found) (*count)++;
    rows[at] = *like;
    snprintf(rows[at].step, sizeof rows[at].step, "%s", lab->steps[i].id);
    fraction_text(sum.earned, rows[at].earned);
    fraction_text(sum.max, rows[at].max);
    if (changed) changed[at] = true;
  }
}

void progress_sum(const struct progress_row *rows, size_t count, char out[48]) {
  struct fraction sum = {0, 1}, one;
  for (size_t i = 0; i < count; i++) if (fraction_parse(rows[i].earned, &one)) sum = fraction_add(sum, one);
  fraction_text(sum, out);
}

bool progress_load(struct db_read *read, const struct lab *lab, const char *person, const char *workshop, struct progress_row *rows, size_t *out_count, struct err *err) {
  *out_count = 0;
  for (size_t i = 0; i < lab->step_count; i++) {
    bool found = false;
    if (!store_progress_get(read, person, workshop ? workshop : "", lab->id, lab->steps[i].id, &rows[*out_count], &found, err)) return false;
    *out_count += found;
  }
  return true;
}

bool progress_record(struct db_tx *tx, const struct lab *lab, const char *person, const char *workshop, const char *submission, const struct tree *body, int64_t at_ms, struct err *err) {
  struct arena *arena = arena_new(0);
  struct progress_row like = {.at_ms = at_ms}, *rows = arena_alloc(arena, (lab->step_count + 1) * sizeof *rows);
  bool *changed = arena_alloc(arena, lab->step_count + 1);
  size_t count = 0;
  snprintf(like.person, sizeof like.person, "%s", person);
  snprintf(like.workshop, sizeof like.workshop, "%s", workshop ? workshop : "");
  snprintf(like.lab, sizeof like.lab, "%s", lab->id);
  snprintf(like.submission, sizeof like.submission, "%s", submission);
  bool ok = progress_load(db_tx_read(tx), lab, person, workshop, rows, &count, err);
  if (ok) progress_fold(lab, &like, body, rows, &count, changed);
  for (size_t i = 0; ok && i < count; i++) if (changed[i]) ok = store_progress_put(tx, &rows[i], err);
  arena_free(arena);
  return ok;
}

/* --- the sheet ----------------------------------------------------------------------------------------------------------------------------------------- */

struct sheet { struct arena *arena; enum lang lang; struct progress_row *rows; size_t row_count; struct quiz_row *answers; size_t answer_count; };

static void put_points(struct arena *arena, struct tree *to, struct fraction earned) {
  char text[48];
  fraction_text(earned, text);
  tree_put_text(arena, to, "earned", text);
  tree_put(arena, to, "earned_number", fraction_number(arena, text));
}

static const struct progress_row *row_of(const struct sheet *sheet, const char *lab, const char *step) {
  for (size_t i = 0; i < sheet->row_count; i++) if (!strcmp(sheet->rows[i].lab, lab) && !strcmp(sheet->rows[i].step, step)) return &sheet->rows[i];
  return NULL;
}

static int step_points(const struct lab *lab, const char *step) {
  int points = 0;
  for (size_t i = 0; i < lab->check_count; i++) if (!strcmp(lab->checks[i].step, step)) points += lab->checks[i].points;
  return points;
}

static struct tree *lab_sheet(const struct sheet *sheet, const struct lab *lab, struct fraction *out_earned, bool *out_done) {
  struct arena *arena = sheet->arena;
  struct tree *out = tree_new(arena, TREE_MAP), *steps = tree_new(arena, TREE_LIST);
  struct fraction all = {0, 1};
  bool all_done = lab->step_count > 0, begun = false;
  for (size_t i = 0; i < lab->step_count; i++) {
    const struct progress_row *row = row_of(sheet, lab->id, lab->steps[i].id);
    struct fraction earned = {0, 1}, max = {0, 1};
    bool done = row && fraction_parse(row->earned, &earned) && fraction_parse(row->max, &max) && max.top > 0 && compare(earned, max) >= 0;
    struct tree *step = tree_new(arena, TREE_MAP);
    tree_put_text(arena, step, "id", lab->steps[i].id);
    tree_put_text(arena, step, "title", lab->steps[i].title[sheet->lang]);
    put_points(arena, step, earned);
    tree_put_int(arena, step, "max", step_points(lab, lab->steps[i].id));
    tree_put_bool(arena, step, "done", done);
    tree_push(steps, step);
    all = fraction_add(all, earned);
    all_done = all_done && done;
    begun = begun || row;
  }
  tree_put_text(arena, out, "id", lab->id);
  tree_put_text(arena, out, "title", lab->title[sheet->lang]);
  tree_put_int(arena, out, "minutes", lab->minutes);
  tree_put_int(arena, out, "points", lab->points);
  put_points(arena, out, all);
  tree_put_int(arena, out, "max", lab->points);
  tree_put_bool(arena, out, "done", all_done);
  tree_put_bool(arena, out, "begun", begun);
  tree_put(arena, out, "steps", steps);
  *out_earned = all;
  *out_done = all_done;
  return out;
}

static struct tree *quiz_sheet(const struct sheet *sheet, const struct module *module, bool *out_done) {
  int right = 0, answered = 0;
  for (size_t i = 0; i < module->quiz_count; i++)
    for (size_t a = 0; a < sheet->answer_count; a++) {
      const struct quiz_row *row = &sheet->answers[a];
      if (strcmp(row->module, module->id) || strcmp(row->item, module->quiz[i].id)) continue;
      answered++;
      right += row->last_right;
    }
  struct tree *out = tree_new(sheet->arena, TREE_MAP);
  tree_put_int(sheet->arena, out, "right", right);
  tree_put_int(sheet->arena, out, "answered", answered);
  tree_put_int(sheet->arena, out, "of", (int64_t)module->quiz_count);
  *out_done = right == (int)module->quiz_count;
  return out;
}

static struct tree *module_sheet(const struct sheet *sheet, const struct module *module, struct fraction *earned, int *max, bool *out_done) {
  struct arena *arena = sheet->arena;
  struct tree *out = tree_new(arena, TREE_MAP), *labs = tree_new(arena, TREE_LIST);
  bool done = module->lab_count || module->quiz_count, part;
  for (size_t i = 0; i < module->lab_count; i++) {
    struct fraction points;
    tree_push(labs, lab_sheet(sheet, module->labs[i], &points, &part));
    *earned = fraction_add(*earned, points);
    *max += module->labs[i]->points;
    done = done && part;
  }
  struct tree *quiz = quiz_sheet(sheet, module, &part);
  done = done && part;
  tree_put_text(arena, out, "id", module->id);
  tree_put_int(arena, out, "number", module->number);
  tree_put_text(arena, out, "title", module->title[sheet->lang]);
  tree_put_int(arena, out, "minutes", module->minutes);
  tree_put_bool(arena, out, "done", done);
  tree_put(arena, out, "labs", labs);
  tree_put(arena, out, "quiz", quiz);
  *out_done = done;
  return out;
}

static struct tree *course_sheet(const struct sheet *sheet, const struct course *course) {
  struct arena *arena = sheet->arena;
  struct tree *out = tree_new(arena, TREE_MAP), *modules = tree_new(arena, TREE_LIST);
  struct fraction earned = {0, 1};
  int max = 0, done = 0;
  for (size_t i = 0; i < course->module_count; i++) {
    bool part;
    tree_push(modules, module_sheet(sheet, course->modules[i], &earned, &max, &part));
    done += part;
  }
  tree_put_text(arena, out, "id", course->id);
  tree_put_text(arena, out, "title", course->title[sheet->lang]);
  tree_put_text(arena, out, "summary", course->summary[sheet->lang]);
  put_points(arena, out, earned);
  tree_put_int(arena, out, "max", max);
  tree_put_int(arena, out, "done", done);
  tree_put_int(arena, out, "of", (int64_t)course->module_count);
  tree_put(arena, out, "modules", modules);
  return out;
}

struct tree *progress_json(struct progress *progress, struct db_read *read, const struct viewer *viewer, struct arena *arena) {
  struct sheet sheet = {.arena = arena, .lang = viewer->lang};
  struct err err;
  if (*viewer->person && (!store_progress_list(read, viewer->person, viewer->workshop, arena, &sheet.rows, &sheet.row_count, &err) ||
                          !store_quiz_list(read, viewer->person, arena, &sheet.answers, &sheet.answer_count, &err))) return NULL;
  const struct edition *edition = catalog_acquire(progress->catalog);
  struct tree *out = tree_new(arena, TREE_MAP), *courses = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < edition->course_count; i++) tree_push(courses, course_sheet(&sheet, edition->courses[i]));
  tree_put(arena, out, "courses", courses);
  catalog_release(edition);
  return out;
}

/* --- quiz ----------------------------------------------------------------------------------------------------------------------------------------------- */

struct quiz_take { const struct viewer *viewer; const char *module, *item; int answer; bool right; int64_t at_ms; };

static bool quiz_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct quiz_take *take = arg;
  return store_quiz_put(tx, take->viewer->person, take->viewer->workshop, take->module, take->item, take->answer, take->right, take->at_ms, err);
}

static const struct quiz_item *item_of(const struct module *module, const char *id) {
  for (size_t i = 0; module && i < module->quiz_count; i++) if (!strcmp(module->quiz[i].id, id)) return &module->quiz[i];
  return NULL;
}

bool progress_quiz(struct progress *progress, const struct viewer *viewer, const char *module, const char *item, int answer, struct arena *arena,
                   bool *out_right, const char **out_betrays, struct err *err) {
  const struct edition *edition = catalog_acquire(progress->catalog);
  const struct module *found = edition_module(edition, module);
  const struct quiz_item *question = item_of(found, item);
  bool ok = false;
  if (!question) err_set(err, ERR_NOT_FOUND, "quiz.missing", "no question %s in %s", item, module);
  else if (answer < 0 || (size_t)answer >= question->answer_count) err_set(err, ERR_INVALID, "quiz.answer", "answer %d of %zu", answer, question->answer_count);
  else {
    const struct quiz_answer *given = &question->answers[answer];
    struct quiz_take take = {viewer, found->id, question->id, answer, given->right, wall_ms()};
    ok = !*viewer->person || db_write(progress->db, quiz_unit, &take, err);
    if (ok) {
      *out_right = given->right;
      *out_betrays = given->right ? NULL : arena_str(arena, given->betrays[viewer->lang]);
    }
  }
  catalog_release(edition);
  return ok;
}
