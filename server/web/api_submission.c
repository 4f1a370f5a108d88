/* api_submission: hand in, verdicts, Apply and dry run. Rules are domain/grading's; here bodies become calls and rows become replies. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/grading.h"
#include "web/house.h"
#include "web/route.h"

extern const struct route api_submission_routes[];

static const struct field files_in[] = {{"files", "files", "what is handed in: [{name, text | base64}], 256 KiB and 20 files at most"}, {0}};
static const struct field apply_in[] = {{"files", "files", "what is applied"}, {"take_over", "bool?", "take the fields that other managers own"}, {0}};
static const struct field submission_out[] = {{"submission", "map", "id, number, attempt, state, at_ms, earned, max, files"}, {"verdict", "map?", "worded for the viewer, or null; earlier: graded with an earlier version of the lab"},
  {"grades", "list", "all that it was given when it was graded again, newest first: {verdict, earned, max, earned_number, max_number, at_ms, counts, reason}"},
  {"appeal", "map?", "the newest request to grade it again, or null: {id, state: open | regraded | refused, reason, at_ms, ended_ms, answer, outcome: regraded | same | kept}"}, {0}};
static const struct field taken_out[] = {{"submission", "map", "id, state received"}, {0}};
static const struct field list_out[] = {{"submissions", "list", "newest first"}, {0}};
static const struct field apply_out[] = {{"apply", "map", "id, kind, state, ok, objects, findings, at_ms"}, {0}};

/* The page's key, one per press. */
static bool press_of(const struct req *req, const char **out, struct err *err) {
  const char *key = req_header(req, "Idempotency-Key");
  *out = NULL;
  if (!key) return true;
  size_t n = strlen(key);
  if (n < 8 || n > 64 || strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != n) return err_set(err, ERR_INVALID, "submission.key", "a bad Idempotency-Key");
  *out = key;
  return true;
}

static struct tree *taken(struct req *req, const char *what, const char *id, const char *kind, const char *state) {
  struct tree *out = tree_new(req->arena, TREE_MAP), *row = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, row, "id", id);
  tree_put_text(req->arena, row, "attempt", req->param[0]);
  if (kind) tree_put_text(req->arena, row, "kind", kind);
  tree_put_text(req->arena, row, "state", state);
  tree_put(req->arena, out, what, row);
  return out;
}

static bool post_submission(struct req *req, struct reply *out, struct err *err) {
  const struct check_file *files;
  size_t count;
  const char *press;
  char id[ID_SIZE];
  if (!press_of(req, &press, err) || !req_files(req, &files, &count, err)) return false;
  if (!submission_take(req->house->grading, &req->viewer, req->param[0], files, count, press, id, err)) return false;
  struct db_read *read = req_read_again(req, err);
  if (!read || !(out->json = submission_json(req->house->grading, read, &req->viewer, id, req->arena, err))) return false;
  tree_remove(out->json, "verdict");
  out->status = 202;
  return true;
}

static bool get_submissions(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = submission_list(req->house->grading, read, &req->viewer, req->param[0], req->arena, err));
}

static bool get_submission(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = submission_json(req->house->grading, read, &req->viewer, req->param[0], req->arena, err));
}

static bool post_apply(struct req *req, struct reply *out, struct err *err, bool dry_run) {
  const struct check_file *files;
  size_t count;
  const char *press;
  char id[ID_SIZE];
  if (!press_of(req, &press, err) || !req_files(req, &files, &count, err)) return false;
  if (!apply_take(req->house->grading, &req->viewer, req->param[0], files, count, dry_run, tree_flag(req->body, "take_over", false), press, id, err)) return false;
  out->json = taken(req, "apply", id, dry_run ? "dryrun" : "apply", "queued");
  out->status = 202;
  return true;
}

static bool post_applies(struct req *req, struct reply *out, struct err *err) { return post_apply(req, out, err, false); }
static bool post_dryruns(struct req *req, struct reply *out, struct err *err) { return post_apply(req, out, err, true); }

static bool get_apply(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = apply_json(req->house->grading, read, &req->viewer, req->param[0], req->arena, err));
}

const struct route api_submission_routes[] = {
  {POST, "/api/v1/attempts/{attempt}/submissions", NEED_LEARNER, BODY_FILES, files_in, taken_out, post_submission, "Hand in; graded by a job, told on the stream"},
  {GET, "/api/v1/attempts/{attempt}/submissions", NEED_LEARNER, 0, NULL, list_out, get_submissions, "What was handed in"},
  {GET, "/api/v1/submissions/{submission}", NEED_LEARNER, 0, NULL, submission_out, get_submission, "One submission with its verdict"},
  {POST, "/api/v1/attempts/{attempt}/applies", NEED_LEARNER, BODY_FILES, apply_in, apply_out, post_applies, "Apply files to the namespace, as the learner"},
  {POST, "/api/v1/attempts/{attempt}/dryruns", NEED_LEARNER, BODY_FILES, files_in, apply_out, post_dryruns, "A strict dry run of files, as the learner; stores nothing"},
  {GET, "/api/v1/applies/{apply}", NEED_LEARNER, 0, NULL, apply_out, get_apply, "How an apply or a dry run ended"},
  {0}};
