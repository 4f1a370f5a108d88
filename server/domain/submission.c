/* submission: see the header. No cluster, no worker: rows and JSON. */
#include "domain/fraction.h"
#include "domain/submission.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/appeal.h"
#include "domain/catalog.h"
#include "domain/files.h"
#include "domain/verdict.h"
#include "store/db.h"
#include "store/store_regrade.h"
#include "store/store_verdict.h"

bool submission_may_write(const struct grading_needs *needs, const struct viewer *viewer, const char *attempt, struct arena *arena, struct attempt *out, struct err *err) {
  struct db_read *read = NULL;
  if (!db_read_begin(needs->db, &read, err)) return false;
  bool ok = attempt_find(needs->attempts, read, viewer, attempt, arena, out, err);
  db_read_end(read);
  if (!ok) return false;
  if (strcmp(out->person, viewer->person) != 0) return err_set(err, ERR_NOT_FOUND, "attempt.missing", "staff looks, it does not hand in");
  if (out->state == ATTEMPT_WANTED || out->state == ATTEMPT_READY || out->state == ATTEMPT_RESETTING) return true;
  return err_set(err, ERR_CONFLICT, "attempt.over", "attempt %s is %s", attempt, attempt_state_name(out->state));
}

/* --- in ------------------------------------------------------------------------------------------------------------------------------ */

static void hash_files(const struct check_file *files, size_t count, char out[65]) {
  struct secret_hash hash;
  char one[65];
  secret_hash_begin(&hash);
  for (size_t i = 0; i < count; i++) {
    secret_sha256_hex(files[i].bytes, files[i].length, one);
    secret_hash_add(&hash, files[i].name, strlen(files[i].name) + 1);
    secret_hash_add(&hash, one, 64);
  }
  secret_hash_end_hex(&hash, out);
}

void submission_fill(struct submission_in *in, const struct attempt *attempt, const char *key) {
  struct submission_row *row = &in->row;
  memset(row, 0, sizeof *row);
  id_new(row->id);
  snprintf(row->attempt, sizeof row->attempt, "%s", attempt->id);
  snprintf(row->person, sizeof row->person, "%s", attempt->person);
  snprintf(row->workshop, sizeof row->workshop, "%s", attempt->workshop);
  snprintf(row->lab, sizeof row->lab, "%s", attempt->lab);
  snprintf(row->lab_version, sizeof row->lab_version, "%s", attempt->lab_version);
  snprintf(row->press, sizeof row->press, "%s", key ? key : "");
  hash_files(in->files, in->count, row->files_hash);
  row->at_ms = wall_ms();
}

bool submission_unit(struct db_tx *tx, void *arg, struct err *err) {
  struct submission_in *in = arg;
  struct db_read *read = db_tx_read(tx);
  struct submission_row same;
  in->stored = false;
  if (store_submission_same(read, in->row.attempt, in->row.person, *in->row.press ? in->row.press : NULL, in->row.files_hash, in->row.at_ms - SUBMISSION_SAME_MS, &same)) {
    memcpy(in->row.id, same.id, ID_SIZE);
    return true;
  }
  /* counted here, so that fifty arrivals of one press are one, and the limit is exact */
  if (!in->no_rates && store_submission_count(read, in->row.attempt, in->row.at_ms - 60000) >= SUBMISSIONS_MINUTE) {
    err_set(err, ERR_LIMIT, "submission.often", "attempt %s", in->row.attempt);
    if (err) err->retry_after_s = 10;
    return err_param(err, "seconds", "%d", 10);
  }
  if (!in->no_rates && store_submission_count(read, in->row.attempt, 0) >= SUBMISSIONS_MAX) {
    err_set(err, ERR_LIMIT, "submission.many", "attempt %s", in->row.attempt);
    return err_param(err, "limit", "%d", SUBMISSIONS_MAX);
  }
  struct submission_file_row files[CHECK_FILES_MAX];
  char hash[CHECK_FILES_MAX][65];
  for (size_t i = 0; i < in->count; i++) {
    if (!store_body_put(tx, in->files[i].bytes, in->files[i].length, hash[i], err)) return false;
    files[i] = (struct submission_file_row){in->files[i].name, hash[i]};
  }
  if (!store_submission_add(tx, &in->row, files, in->count, err)) return false;
  in->stored = true;
  return true;
}

/* --- out ----------------------------------------------------------------------------------------------------------------------------- */

static struct tree *row_json(struct arena *arena, const struct submission_row *row) {
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "id", row->id);
  tree_put_int(arena, out, "number", row->number);
  tree_put_text(arena, out, "attempt", row->attempt);
  tree_put_text(arena, out, "lab", row->lab);
  tree_put_text(arena, out, "state", row->state);
  tree_put_int(arena, out, "at_ms", row->at_ms);
  tree_put_text(arena, out, "earned", *row->earned ? row->earned : NULL);
  tree_put_text(arena, out, "max", *row->max ? row->max : NULL);
  return out;
}

static bool add_files(struct db_read *read, struct arena *arena, struct tree *out, const char *id, struct err *err) {
  struct submission_file_row *rows;
  size_t count;
  if (!store_submission_files(read, id, arena, &rows, &count, err)) return false;
  struct check_file *files = arena_alloc(arena, (count + 1) * sizeof *files);
  for (size_t i = 0; i < count; i++) {
    files[i].name = rows[i].name;
    if (!store_body_get(read, rows[i].hash, arena, &files[i].bytes, &files[i].length, err)) return false;
  }
  size_t length;
  char *json = files_json(arena, files, count, &length);
  struct tree *tree = NULL;
  if (!tree_parse(arena, json, length, 0, &tree, err)) return false;
  tree_put(arena, out, "files", tree_get(tree, "files"));
  return true;
}

/* What this one brought beyond the graded one before it; NULL when there is none or it brought nothing more. */
static char *gained(struct db_read *read, struct arena *arena, const struct submission_row *row) {
  struct submission_row *rows;
  size_t count;
  struct fraction now, before;
  if (strcmp(row->state, "graded") != 0 || !fraction_parse(row->earned, &now) || !store_submission_list(read, row->attempt, arena, &rows, &count, NULL)) return NULL;
  for (size_t i = 0; i < count; i++) {
    if (rows[i].number >= row->number || strcmp(rows[i].state, "graded") != 0 || !fraction_parse(rows[i].earned, &before)) continue;
    before.top = -before.top;
    struct fraction more = fraction_add(now, before);
    char *text = arena_alloc(arena, 48);
    fraction_text(more, text);
    return more.top ? text : NULL;
  }
  return NULL;
}

static struct tree *verdict_of(const struct grading_needs *needs, struct db_read *read, const struct viewer *viewer, const struct submission_row *row, struct arena *arena, struct err *err) {
  struct verdict_row verdict;
  const char *text;
  size_t length;
  struct tree *body = NULL;
  if (!store_verdict_of(read, row->id, &verdict)) return NULL;
  if (!store_verdict_text(read, verdict.id, "body", arena, &text, &length, err) || !tree_parse(arena, text, length, 0, &body, err)) return NULL;
  struct tree *whole = tree_new(arena, TREE_MAP), *run = tree_new(arena, TREE_MAP);
  tree_put_text(arena, run, "id", verdict.id);
  tree_put_text(arena, run, "submission", row->id);
  tree_put(arena, whole, "run", run);
  tree_put(arena, whole, "body", body);
  const struct edition *edition = catalog_acquire(needs->catalog);
  const struct lab *lab = edition_lab_of(edition, row->lab, verdict.lab_version, NULL), *now = edition_lab(edition, row->lab);
  struct tree *worded = NULL;
  if (lab) {
    bool staff = viewer_is(viewer, ROLE_INSTRUCTOR) && strcmp(viewer->person, row->person) != 0;
    worded = tree_copy(arena, verdict_worded(arena, whole, lab, viewer->lang, (int)store_submission_tries(read, row->attempt), staff));
    tree_put_int(arena, worded, "run", verdict.run);
    tree_put_bool(arena, worded, "earlier", now && strcmp(verdict.lab_version, now->version) != 0);        /* of the lab: today's would perhaps say something else */
    tree_put_int(arena, worded, "at_ms", verdict.at_ms);
    tree_put_text(arena, worded, "gained", gained(read, arena, row));
  }
  catalog_release(edition);
  return worded;
}

/* Every grade that this hand-in was given, newest first, with the reason of who had it graded again; the list is empty while there is only one. */
static struct tree *grades_of(struct db_read *read, struct arena *arena, const char *submission, struct err *err) {
  struct regrade_grade *rows;
  size_t count;
  if (!store_regrade_grades(read, submission, arena, &rows, &count, err)) return NULL;
  struct tree *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; count > 1 && i < count; i++) {
    struct tree *row = tree_new(arena, TREE_MAP);
    tree_put_text(arena, row, "verdict", rows[i].verdict);
    tree_put_text(arena, row, "earned", rows[i].earned);
    tree_put_text(arena, row, "max", rows[i].max);
    tree_put(arena, row, "earned_number", fraction_number(arena, rows[i].earned));
    tree_put(arena, row, "max_number", fraction_number(arena, rows[i].max));
    tree_put_int(arena, row, "at_ms", rows[i].at_ms);
    tree_put_bool(arena, row, "counts", rows[i].counts);
    tree_put_text(arena, row, "reason", *rows[i].reason ? rows[i].reason : NULL);
    tree_push(list, row);
  }
  return list;
}

struct tree *submission_json(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err) {
  const struct grading_needs *needs = grading_needs_of(grading);
  struct submission_row row;
  struct attempt attempt;
  if (!store_submission_get(read, id, &row, err)) return NULL;
  if (!attempt_find(needs->attempts, read, viewer, row.attempt, arena, &attempt, NULL)) {
    err_set(err, ERR_NOT_FOUND, "submission.missing", "submission %s is not the viewer's", id);
    return NULL;
  }
  struct tree *out = tree_new(arena, TREE_MAP), *submission = row_json(arena, &row);
  if (!add_files(read, arena, submission, id, err)) return NULL;
  struct tree *verdict = verdict_of(needs, read, viewer, &row, arena, err);
  tree_put(arena, out, "submission", submission);
  tree_put(arena, out, "verdict", verdict ? verdict : tree_new(arena, TREE_NULL));
  struct tree *grades = grades_of(read, arena, id, err);
  if (!grades) return NULL;
  tree_put(arena, out, "grades", grades);
  tree_put(arena, out, "appeal", appeal_of(read, arena, id));
  return out;
}

struct tree *submission_list(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *attempt_id, struct arena *arena, struct err *err) {
  struct attempt attempt;
  struct submission_row *rows;
  size_t count;
  if (!attempt_find(grading_needs_of(grading)->attempts, read, viewer, attempt_id, arena, &attempt, err)) return NULL;
  if (!store_submission_list(read, attempt_id, arena, &rows, &count, err)) return NULL;
  struct tree *out = tree_new(arena, TREE_MAP), *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < count; i++) tree_push(list, row_json(arena, &rows[i]));
  tree_put(arena, out, "submissions", list);
  return out;
}
