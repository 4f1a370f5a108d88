/* api_catalog: see the header. Nothing here asks the cluster: what it can do is what domain/cluster knows already. */
#include "web/api_catalog.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/progress.h"
#include "web/house.h"

const char *catalog_lacks(struct req *req, const struct lab *lab, struct tree **out_words) {
  struct cluster_status now = {.state = CLUSTER_NONE};
  struct cluster_lack lack;
  if (req->house->cluster) cluster_status(req->house->cluster, &now);
  if (out_words) *out_words = tree_new(req->arena, TREE_LIST);
  bool known = now.state == CLUSTER_READY || now.state == CLUSTER_NONE || now.state == CLUSTER_BROKEN;
  if (!known || cluster_lacks(&now, lab->cluster, lab->cluster_count, &lack) == CAN) return NULL;
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, "words", lack.words);
  tree_put_text(req->arena, params, "with", lack.with);
  const char *text = req_words(req, lab->paper ? "labpage.paper" : cluster_lack_key(lack.can), params);
  for (size_t i = 0; out_words && i < lab->cluster_count; i++)
    if (cluster_lacks(&now, &lab->cluster[i], 1, &lack) != CAN) tree_push(*out_words, tree_string(req->arena, lab->cluster[i]));
  return text;
}

static bool need_edition(struct req *req, const struct edition **out, struct err *err) {
  *out = req_edition(req);
  return *out || err_set(err, ERR_UNAVAILABLE, "ready.catalog", "no catalogue yet");
}

static struct tree *words_list(struct arena *arena, const char *const *words, size_t count) {
  struct tree *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < count; i++) tree_push(list, tree_string(arena, words[i]));
  return list;
}

/* The viewer's open attempt at a lab, if there is one. */
static bool open_attempt(struct req *req, struct db_read *read, const char *lab, struct attempt *out) {
  return req->house->attempts && *req->viewer.person && attempt_open_one(req->house->attempts, read, &req->viewer, lab, req->arena, out, NULL);
}

/* --- GET /api/v1/catalog ------------------------------------------------------------------------------------------------------------------------------------ */

static struct tree *problems_list(struct arena *arena, const struct edition *edition) {
  struct tree *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < edition->problem_count; i++) {
    struct tree *one = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, "file", edition->problems[i].file);
    tree_put_int(arena, one, "line", edition->problems[i].line);
    tree_put_text(arena, one, "key", edition->problems[i].key);
    tree_put_text(arena, one, "text", edition->problems[i].text);
    tree_push(list, one);
  }
  return list;
}

static bool get_catalog(struct req *req, struct reply *out, struct err *err) {
  const struct edition *edition;
  struct db_read *read = req_read(req, err);
  if (!read || !need_edition(req, &edition, err)) return false;
  struct tree *all = progress_json(req->house->progress, read, &req->viewer, req->arena);
  if (!all) return err_set(err, ERR_UNAVAILABLE, "store.busy", "progress could not be read");
  TREE_EACH(course, tree_get(all, "courses"))
    TREE_EACH(module, tree_get(course, "modules"))
      TREE_EACH(lab, tree_get(module, "labs")) {
        struct attempt attempt;
        tree_put_bool(req->arena, lab, "open", open_attempt(req, read, tree_text(lab, "id"), &attempt));
      }
  if (viewer_is(&req->viewer, ROLE_INSTRUCTOR)) tree_put(req->arena, all, "problems", problems_list(req->arena, edition));
  out->json = all;
  return true;
}

/* --- GET /api/v1/labs/{lab} ----------------------------------------------------------------------------------------------------------------------------------- */

static struct tree *steps_list(struct req *req, const struct lab *lab, const struct tree *params) {
  enum lang lang = req->viewer.lang;
  struct tree *list = tree_new(req->arena, TREE_LIST);
  for (size_t i = 0; i < lab->step_count; i++) {
    struct tree *one = tree_new(req->arena, TREE_MAP);
    const char *title = lab->steps[i].title[lang], *html = lab->steps[i].html[lang];
    tree_put_text(req->arena, one, "id", lab->steps[i].id);
    tree_put_text(req->arena, one, "title", lab_fill(req->arena, title, strlen(title), params, NULL));
    tree_put_text(req->arena, one, "html", lab_fill(req->arena, html, strlen(html), params, NULL));
    tree_push(list, one);
  }
  return list;
}

static struct tree *checks_list(struct req *req, const struct lab *lab, const struct tree *params) {
  static const char *const sides[] = {[CHECK_SCOPE_FILES] = "files", [CHECK_SCOPE_LIVE] = "live", [CHECK_SCOPE_BOTH] = "both"};
  struct tree *list = tree_new(req->arena, TREE_LIST);
  for (size_t i = 0; i < lab->check_count; i++) {
    const struct lab_check *check = &lab->checks[i];
    if (!strcmp(check->visible, "never") && !viewer_is(&req->viewer, ROLE_INSTRUCTOR)) continue;
    const char *title = words_text(req->arena, lab->words, req->viewer.lang, arena_printf(req->arena, "%s.title", check->id), NULL, NULL);
    struct tree *one = tree_new(req->arena, TREE_MAP);
    tree_put_text(req->arena, one, "id", check->id);
    tree_put_text(req->arena, one, "step", check->step);
    tree_put_text(req->arena, one, "title", lab_fill(req->arena, title, strlen(title), params, NULL));
    tree_put_int(req->arena, one, "points", check->points);
    tree_put_text(req->arena, one, "on", sides[check->on]);
    tree_push(list, one);
  }
  return list;
}

/* Where one goes from a lab that is done: the module's next lab, else the next module, else nowhere. */
static struct tree *after(struct req *req, const struct edition *edition, const struct lab *lab) {
  const struct module *module = edition_module(edition, lab->module), *next = NULL;
  const struct lab *other = NULL;
  for (size_t i = 0; module && i + 1 < module->lab_count; i++) if (!strcmp(module->labs[i]->id, lab->id)) other = module->labs[i + 1];
  for (size_t c = 0; !other && c < edition->course_count; c++) {
    const struct course *course = edition->courses[c];
    for (size_t m = 0; m + 1 < course->module_count; m++) if (course->modules[m] == module) next = course->modules[m + 1];
  }
  if (!other && !next) return tree_new(req->arena, TREE_NULL);
  struct tree *json = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, json, "title", other ? other->title[req->viewer.lang] : next->title[req->viewer.lang]);
  tree_put_text(req->arena, json, "path", other ? arena_printf(req->arena, "/lab/%s", other->id) : arena_printf(req->arena, "/learn/%s", next->id));
  return json;
}

static bool get_lab(struct req *req, struct reply *out, struct err *err) {
  static const char *const hand_in[] = {[HAND_IN_FILES] = "files", [HAND_IN_LIVE] = "live", [HAND_IN_BOTH] = "both"};
  const struct edition *edition;
  struct db_read *read = req_read(req, err);
  if (!read || !need_edition(req, &edition, err)) return false;
  const struct lab *lab = edition_lab(edition, req->param[0]);
  struct attempt attempt;
  bool open = open_attempt(req, read, lab ? lab->id : req->param[0], &attempt);
  if (open) lab = edition_lab_of(edition, attempt.lab, attempt.lab_version, NULL);      /* as it was when it began, also where the lab is gone since */
  if (!lab) return err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %s", req->param[0]);
  const struct tree *params = open && attempt.params ? attempt.params : lab->examples;
  struct tree *missing;
  const char *missing_text = catalog_lacks(req, lab, &missing);
  struct tree *json = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, json, "id", lab->id);
  tree_put_text(req->arena, json, "title", lab->title[req->viewer.lang]);
  tree_put_text(req->arena, json, "module", lab->module);
  tree_put_int(req->arena, json, "minutes", lab->minutes);
  tree_put_int(req->arena, json, "points", lab->points);
  tree_put_text(req->arena, json, "hand_in", hand_in[lab->hand_in]);
  tree_put_bool(req->arena, json, "paper", lab->paper);
  tree_put(req->arena, json, "needs", words_list(req->arena, lab->cluster, lab->cluster_count));
  tree_put(req->arena, json, "missing", missing);
  tree_put_text(req->arena, json, "missing_text", missing_text ? missing_text : "");
  tree_put(req->arena, json, "steps", steps_list(req, lab, params));
  tree_put(req->arena, json, "checks", checks_list(req, lab, params));
  tree_put(req->arena, json, "next", after(req, edition, lab));
  tree_put(req->arena, json, "attempt", open ? attempt_json(req->house->attempts, req->arena, &attempt, req->viewer.lang) : tree_new(req->arena, TREE_NULL));
  out->json = json;
  return true;
}

/* --- progress, quiz -------------------------------------------------------------------------------------------------------------------------------------------- */

static bool get_progress(struct req *req, struct reply *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  if (!read) return false;
  out->json = progress_json(req->house->progress, read, &req->viewer, req->arena);
  return out->json || err_set(err, ERR_UNAVAILABLE, "store.busy", "progress could not be read");
}

static bool post_quiz(struct req *req, struct reply *out, struct err *err) {
  bool right = false;
  const char *betrays = NULL;
  int64_t answer = tree_int(req->body, "answer", -1);
  if (answer < 0 || answer > 99) return err_set(err, ERR_INVALID, "quiz.answer", "answer out of range");
  if (!progress_quiz(req->house->progress, &req->viewer, req->param[0], req->param[1], (int)answer, req->arena, &right, &betrays, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_bool(req->arena, out->json, "right", right);
  if (betrays) tree_put_text(req->arena, out->json, "betrays_text", betrays);
  return true;
}

/* --- hints ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static bool get_hints(struct req *req, struct reply *out, struct err *err) {
  struct attempt attempt;
  struct db_read *read = req_read(req, err);
  if (!read || !attempt_find(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &attempt, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put(req->arena, out->json, "hints", hint_list(req->house->progress, read, &req->viewer, attempt.id, attempt.lab, req->arena));
  tree_put(req->arena, out->json, "ladders", hint_ladders(req->house->progress, read, &req->viewer, attempt.id, req->arena));
  return true;
}

static bool post_hint(struct req *req, struct reply *out, struct err *err) {
  struct attempt attempt;
  struct db_read *read = req_read(req, err);
  if (!read || !attempt_find(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &attempt, err)) return false;
  const char *text = NULL;
  int64_t rung = tree_int(req->body, "rung", 0);
  if (rung < 1 || rung > 3) return err_set(err, ERR_NOT_FOUND, "hint.missing", "rung out of range");
  if (!hint_open(req->house->progress, &req->viewer, attempt.id, tree_text_or(req->body, "key", ""), (int)rung, req->arena, &text, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, out->json, "text", text);
  return true;
}

static const struct field catalog_out[] = {{"courses", "list", "id, title, summary, earned, earned_number, max, done, of, modules: id, number, title, minutes, done, labs (id, title, minutes, points, earned, earned_number, max, done, begun, open, steps), quiz (right, answered, of)"},
                                           {"problems", "list?", "for staff: what keeps labs closed: file, line, key, text"}, {0}};
static const struct field lab_out[] = {{"id", "text", ""}, {"title", "text", ""}, {"module", "text", ""}, {"minutes", "int", ""}, {"points", "int", ""}, {"hand_in", "text", "files, live or both"},
                                       {"paper", "bool", "has a form without a cluster"}, {"needs", "list", "capability words"}, {"missing", "list", "those that this cluster lacks"},
                                       {"missing_text", "text", "why the lab cannot be started here, or runs on paper; empty when nothing is missing"},
                                       {"steps", "list", "id, title, html; parameters filled in"}, {"checks", "list", "id, step, title, points, on"},
                                       {"next", "map?", "title, path: where to go when this one is done; null after the last"}, {"attempt", "map?", "the viewer's open one, or null"}, {0}};
static const struct field progress_out[] = {{"courses", "list", "as in the catalogue"}, {0}};
static const struct field quiz_in[] = {{"answer", "int", "place in quiz.yaml, from 0"}, {0}};
static const struct field quiz_out[] = {{"right", "bool", ""}, {"betrays_text", "text?", "why a wrong answer tempts"}, {0}};
static const struct field hints_out[] = {{"hints", "list", "opened: key, rung, text"}, {"ladders", "list", "key, rungs, opened, next: rung, tries, minutes, open"}, {0}};
static const struct field hint_in[] = {{"key", "text", "a finding's key, or hints"}, {"rung", "int", "1 to 3"}, {0}};
static const struct field hint_out[] = {{"text", "text", ""}, {0}};

const struct route api_catalog_routes[] = {
  {GET, "/api/v1/catalog", NEED_ANYONE, 0, NULL, catalog_out, get_catalog, "Courses, modules, labs, and how far the viewer is"},
  {GET, "/api/v1/labs/{lab}", NEED_ANYONE, 0, NULL, lab_out, get_lab, "One lab: steps, checks, the open attempt"},
  {GET, "/api/v1/progress", NEED_LEARNER, 0, NULL, progress_out, get_progress, "The viewer's own progress"},
  {POST, "/api/v1/modules/{module}/quiz/{item}", NEED_ANYONE, BODY_JSON | BODY_SMALL, quiz_in, quiz_out, post_quiz, "Answer a question; kept when somebody is signed in"},
  {GET, "/api/v1/attempts/{attempt}/hints", NEED_LEARNER, 0, NULL, hints_out, get_hints, "Hints opened so far, and which come next"},
  {POST, "/api/v1/attempts/{attempt}/hints", NEED_LEARNER, BODY_JSON | BODY_SMALL, hint_in, hint_out, post_hint, "Open the next hint of a ladder"},
  {0}};
