/* api_regrade: grading again out of the evidence. Rules are domain/regrade's; here bodies become calls and rows become replies. */
#include <string.h>

#include "base/err.h"
#include "base/tree.h"
#include "domain/appeal.h"
#include "domain/regrade.h"
#include "web/api.h"
#include "web/house.h"

static const struct field ask_in[] = {{"lab", "text?", "whose hand-ins; needed unless workshop is given"}, {"check", "text?", "this check of the lab alone; the others keep what they had"},
  {"workshop", "id?", "those of this workshop alone"}, {0}};
static const struct field reason_in[] = {{"reason", "text", "in words, 500 characters at most; stands beside a learner's grades"}, {0}};
static const struct field taken_out[] = {{"id", "id", "of the preview, and of the regrade when it is carried out"}, {0}};
static const struct field one_out[] = {{"id", "id", ""}, {"state", "text", "previewing, preview, running, done, stopped, failed"}, {"done", "int", "hand-ins"}, {"of", "int", ""},
  {"attempts", "int?", "in a preview: running attempts that began with an older version and would go on with this one"},
  {"people", "map?", "{up, down, held, same}: whose points for the lab change; held: they stay although a verdict falls"},
  {"handins", "map?", "{regraded, same, kept, up, down}"}, {"kept", "map?", "{forgotten, unobserved, failed, refused, gone}: why a hand-in keeps what it had"},
  {"checks", "list?", "{id, title, before, after}, each {pass, partial, fail, other}; in a preview"},
  {"rows", "list?", "{person, name, lab, lab_title, old, new, max, change, fell}: those that change first, 500 at most"}, {0}};
static const struct field overview_out[] = {{"regrades", "list", "newest first, 100 at most"}, {"labs", "list", "{id, title, handins, earlier}; earlier: graded with an older version of the lab or the library"},
  {"appeals", "list", "open ones, oldest first, 100 at most: {id, submission, number, name, lab, lab_title, workshop, reason, at_ms, earned, max}"}, {0}};
static const struct field appeal_in[] = {{"reason", "text", "in words, 300 characters at most"}, {0}};
static const struct field appeal_out[] = {{"appeal", "map", "as beside the submission"}, {0}};
static const struct field lab_out[] = {{"id", "text", ""}, {"title", "text", ""}, {"handins", "int", ""}, {"earlier", "int", ""}, {"keep_last", "bool", "points follow the last hand-in, down too"},
  {"checks", "list", "{id, title, on, points}"}, {0}};

static bool get_overview(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = regrade_overview(req->house->regrades, read, &req->viewer, req->arena, err));
}

static bool post_preview(struct req *req, struct reply *out, struct err *err) {
  struct regrade_ask ask = {tree_text(req->body, "lab"), tree_text(req->body, "check"), tree_text(req->body, "workshop")};
  char id[ID_SIZE];
  if (!regrade_preview(req->house->regrades, &req->viewer, &ask, id, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, out->json, "id", id);
  out->status = 202;
  return true;
}

static bool get_one(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = regrade_json(req->house->regrades, read, &req->viewer, req->param[0], req->arena, err));
}

static bool delete_preview(struct req *req, struct reply *out, struct err *err) {
  (void)out;
  return regrade_cancel(req->house->regrades, &req->viewer, req->param[0], err);
}

static bool post_run(struct req *req, struct reply *out, struct err *err) {
  if (!regrade_begin(req->house->regrades, &req->viewer, req->param[0], tree_text(req->body, "reason"), err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, out->json, "id", req->param[0]);
  out->status = 202;
  return true;
}

static bool get_lab(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  return read && (out->json = regrade_lab(req->house->regrades, read, &req->viewer, req->param[0], req->arena, err));
}

static bool post_appeal(struct req *req, struct reply *out, struct err *err) {
  if (!appeal_make(req->house->regrades, &req->viewer, req->param[0], tree_text(req->body, "reason"), err)) return false;
  struct db_read *read = req_read_again(req, err);
  if (!read) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put(req->arena, out->json, "appeal", appeal_of(read, req->arena, req->param[0]));
  out->status = 201;
  return true;
}

static bool post_refusal(struct req *req, struct reply *out, struct err *err) {
  (void)out;
  return appeal_refuse(req->house->regrades, &req->viewer, req->param[0], tree_text(req->body, "reason"), err);
}

const struct route api_regrade_routes[] = {
  {GET, "/api/v1/regrades", NEED_INSTRUCTOR, 0, NULL, overview_out, get_overview, "What can be graded again, and what was"},
  {POST, "/api/v1/regrades", NEED_INSTRUCTOR, BODY_JSON | BODY_SMALL, ask_in, taken_out, post_preview, "A preview: who would gain and lose; writes nothing"},
  {GET, "/api/v1/regrades/{regrade}", NEED_INSTRUCTOR, 0, NULL, one_out, get_one, "One preview or regrade, how far, and whom it changes"},
  {DELETE, "/api/v1/regrades/{regrade}", NEED_INSTRUCTOR, 0, NULL, NULL, delete_preview, "Drop a preview"},
  {POST, "/api/v1/regrades/{regrade}/runs", NEED_INSTRUCTOR, BODY_JSON, reason_in, taken_out, post_run, "Carry a finished preview out; told on the stream as regrade:<id>"},
  {GET, "/api/v1/labs/{lab}/regrading", NEED_INSTRUCTOR, 0, NULL, lab_out, get_lab, "A lab's checks, and with which versions its hand-ins were graded"},
  {POST, "/api/v1/submissions/{submission}/appeals", NEED_LEARNER, BODY_JSON | BODY_SMALL, appeal_in, appeal_out, post_appeal, "A learner asks that their hand-in be graded again; one open at a time, 5 a day"},
  {POST, "/api/v1/appeals/{appeal}/refusals", NEED_INSTRUCTOR, BODY_JSON | BODY_SMALL, appeal_in, NULL, post_refusal, "Refuse it in words that the learner sees; a regrade of the hand-in answers it otherwise"},
  {0}};
