/* page_course: catalogue, module, lab and progress as HTML. The course's text was made when the edition was loaded; here it gets the viewer's marks around
 * it. What is written into a page: words (escaped), the edition's HTML (as it is), numbers. */
#include "web/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/lesson.h"
#include "domain/progress.h"
#include "web/api_catalog.h"
#include "web/house.h"

/* --- small parts ---------------------------------------------------------------------------------------------------------------------------------------------- */

static struct tree *one(struct req *req, const char *name, const char *value) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, name, value);
  return params;
}
static struct tree *number(struct req *req, const char *name, int64_t value) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_int(req->arena, params, name, value);
  return params;
}
/* Parameters taken out of a map of the sheet as they are. */
static struct tree *taken(struct req *req, const struct tree *map, const char *const *names) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  for (; *names; names++) {
    const char *from = !strcmp(*names, "earned") ? "earned_number" : *names;
    const struct tree *value = tree_get(map, from);
    if (value) tree_put(req->arena, params, *names, tree_copy(req->arena, value));
  }
  return params;
}
static struct tree *points(struct req *req, const struct tree *map) { return taken(req, map, (const char *const[]){"earned", "max", NULL}); }

static void state(struct req *req, struct buf *out, bool done, bool begun) {
  buf_printf(out, "<span class=\"state\" data-state=\"%s\">", done ? "done" : begun ? "begun" : "none");
  page_words(req, out, done ? "state.done" : begun ? "state.begun" : "state.new", NULL);
  buf_str(out, "</span>");
}

static void score(struct req *req, struct buf *out, const struct tree *sheet, const char *key, const struct tree *params) {
  int64_t max = tree_int(sheet, "max", 0);
  const struct tree *earned = tree_get(sheet, "earned_number");
  if (max <= 0) return;
  buf_printf(out, "<p class=\"score\"><progress max=\"%lld\" value=\"%s\" aria-hidden=\"true\"></progress> <span>", (long long)max, earned ? earned->text : "0");
  page_words(req, out, key, params);
  buf_str(out, "</span></p>\n");
}

static const struct tree *by_id(const struct tree *list, const char *id) {
  TREE_EACH(item, list) if (!strcmp(tree_text_or(item, "id", ""), id)) return item;
  return NULL;
}

static void heading(struct req *req, struct buf *out, const char *tag, const char *key, const struct tree *params) {
  buf_printf(out, "<%s>", tag);
  page_words(req, out, key, params);
  buf_printf(out, "</%s>\n", tag);
}

/* Edition and sheet that every page here needs. */
struct look { const struct edition *edition; struct tree *sheet; enum lang lang; };

static bool look(struct req *req, struct look *out, struct err *err) {
  struct db_read *read = req_read(req, err);
  if (!read) return false;
  out->edition = req_edition(req);
  out->lang = req->viewer.lang;
  if (!out->edition) return err_set(err, ERR_UNAVAILABLE, "ready.catalog", "no catalogue yet");
  out->sheet = progress_json(req->house->progress, read, &req->viewer, req->arena);
  return out->sheet || err_set(err, ERR_UNAVAILABLE, "store.busy", "progress could not be read");
}

/* --- / ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void resume(struct req *req, struct buf *out, const struct tree *sheet) {
  TREE_EACH(course, tree_get(sheet, "courses"))
    TREE_EACH(module, tree_get(course, "modules"))
      TREE_EACH(lab, tree_get(module, "labs")) {
        if (!tree_flag(lab, "begun", false) || tree_flag(lab, "done", false)) continue;
        const char *step = "";
        TREE_EACH(next, tree_get(lab, "steps")) if (!*step && !tree_flag(next, "done", false)) step = tree_text_or(next, "title", "");
        struct tree *params = one(req, "module", tree_text_or(module, "title", ""));
        tree_put_text(req->arena, params, "lab", tree_text_or(lab, "title", ""));
        tree_put_text(req->arena, params, "step", step);
        buf_str(out, "<div class=\"start\"><p>");
        page_words(req, out, "home.continue-lab", params);
        buf_printf(out, "</p>\n<a class=\"button primary\" href=\"/lab/%s\">", tree_text_or(lab, "id", ""));
        page_words(req, out, "home.resume", NULL);
        buf_str(out, "</a></div>\n");
        return;
      }
}

static bool module_begun(const struct tree *module) {
  TREE_EACH(lab, tree_get(module, "labs")) if (tree_flag(lab, "begun", false)) return true;
  return tree_int(tree_get(module, "quiz"), "answered", 0) > 0;
}

static void module_card(struct req *req, struct buf *out, const struct tree *module) {
  size_t labs = tree_get(module, "labs") ? tree_get(module, "labs")->count : 0;
  int64_t questions = tree_int(tree_get(module, "quiz"), "of", 0);
  buf_printf(out, "<li class=\"card\"><p class=\"card-number\" aria-hidden=\"true\">%lld</p>\n<h3><a href=\"/learn/%s\">", (long long)tree_int(module, "number", 0), tree_text_or(module, "id", ""));
  buf_html(out, tree_text_or(module, "title", ""));
  buf_str(out, "</a></h3>\n<p class=\"facts\">");
  page_words(req, out, "home.minutes", number(req, "minutes", tree_int(module, "minutes", 0)));
  if (labs) {
    buf_str(out, " · ");
    page_words(req, out, "home.labs", number(req, "count", (int64_t)labs));
  }
  if (questions) {
    buf_str(out, " · ");
    page_words(req, out, "home.questions", number(req, "count", questions));
  }
  buf_str(out, "</p>\n");
  state(req, out, tree_flag(module, "done", false), module_begun(module));
  if (labs) buf_str(out, "<ul class=\"card-labs\">\n");
  TREE_EACH(lab, tree_get(module, "labs")) {
    buf_printf(out, "<li><a href=\"/lab/%s\">", tree_text_or(lab, "id", ""));
    buf_html(out, tree_text_or(lab, "title", ""));
    buf_str(out, "</a> ");
    state(req, out, tree_flag(lab, "done", false), tree_flag(lab, "begun", false));
    buf_str(out, "</li>\n");
  }
  buf_str(out, labs ? "</ul></li>\n" : "</li>\n");
}

bool page_home(struct req *req, struct page *page, struct err *err) {
  struct look at;
  if (!look(req, &at, err)) return false;
  struct buf *out = page->main;
  bool known = *req->viewer.person;
  page->section = "courses";
  page->title = req_words(req, "home.title", NULL);
  heading(req, out, "h1", known ? "home.welcome" : "home.title", known ? one(req, "name", req->viewer.name) : NULL);
  buf_str(out, "<p class=\"lead\">");
  page_words(req, out, "home.intro", NULL);
  buf_str(out, "</p>\n");
  if (known) resume(req, out, at.sheet);
  else {
    buf_str(out, "<div class=\"start\"><p>");
    page_words(req, out, "home.join-why", NULL);
    buf_str(out, "</p>\n<a class=\"button primary\" href=\"/j\">");
    page_words(req, out, "home.join", NULL);
    buf_str(out, "</a></div>\n");
  }
  const struct tree *courses = tree_get(at.sheet, "courses");
  if (!courses->count) {
    buf_str(out, "<p class=\"note\" data-tone=\"warn\">");
    page_words(req, out, "home.none", NULL);
    buf_str(out, "</p>\n");
  }
  TREE_EACH(course, courses) {
    buf_str(out, "<section class=\"course\"><h2>");
    buf_html(out, tree_text_or(course, "title", ""));
    buf_str(out, "</h2>\n<p class=\"lead\">");
    buf_html(out, tree_text_or(course, "summary", ""));
    buf_str(out, "</p>\n");
    if (known) score(req, out, course, "home.points", points(req, course));
    buf_str(out, "<ul class=\"cards\">\n");
    TREE_EACH(module, tree_get(course, "modules")) module_card(req, out, module);
    buf_str(out, "</ul></section>\n");
  }
  return true;
}

/* --- /learn/{module} --------------------------------------------------------------------------------------------------------------------------------------------- */

static void crumbs(struct req *req, struct buf *out, const struct module *module, const char *here) {
  buf_str(out, "<nav class=\"crumbs\" aria-label=\"");
  page_words(req, out, "module.crumbs", NULL);
  buf_str(out, "\"><ol><li><a href=\"/\">");
  page_words(req, out, "module.courses", NULL);
  buf_str(out, "</a></li>");
  if (module) {
    buf_printf(out, "<li><a href=\"/learn/%s\">", module->id);
    buf_html(out, module->title[req->viewer.lang]);
    buf_str(out, "</a></li>");
  }
  buf_str(out, "<li aria-current=\"page\">");
  buf_html(out, here);
  buf_str(out, "</li></ol></nav>\n");
}

static void contents(struct req *req, struct buf *out, const struct module *module) {
  buf_str(out, "<nav class=\"toc\" aria-label=\"");
  page_words(req, out, "module.on-page", NULL);
  buf_str(out, "\">");
  heading(req, out, "h2", "module.on-page", NULL);
  buf_str(out, "<ol>\n");
  for (size_t i = 0; i < module->heading_count; i++) {
    buf_str(out, "<li><a href=\"#");
    buf_html(out, module->headings[i].id);
    buf_str(out, "\">");
    buf_html(out, module->headings[i].text[req->viewer.lang]);
    buf_str(out, "</a></li>\n");
  }
  buf_str(out, "</ol></nav>\n");
}

static void aside(struct req *req, struct buf *out, const struct module *module, const struct tree *sheet) {
  enum lang lang = req->viewer.lang;
  buf_str(out, "<div class=\"side\">\n");
  if (module->goal_count) {
    heading(req, out, "h2", "module.goals", NULL);
    buf_str(out, "<ul>\n");
    for (size_t i = 0; i < module->goal_count; i++) {
      buf_str(out, "<li>");
      lesson_inline(out, module->goals[lang][i]);
      buf_str(out, "</li>\n");
    }
    buf_str(out, "</ul>\n");
  }
  if (module->lab_count) {
    heading(req, out, "h2", "module.labs", NULL);
    buf_str(out, "<ul>\n");
    TREE_EACH(lab, tree_get(sheet, "labs")) {
      buf_printf(out, "<li><a href=\"/lab/%s\">", tree_text_or(lab, "id", ""));
      buf_html(out, tree_text_or(lab, "title", ""));
      buf_str(out, "</a> ");
      state(req, out, tree_flag(lab, "done", false), tree_flag(lab, "begun", false));
      buf_str(out, "</li>\n");
    }
    buf_str(out, "</ul>\n");
  }
  if (*req->viewer.person && module->quiz_count) {
    buf_str(out, "<p class=\"facts\">");
    page_words(req, out, "module.quiz", taken(req, tree_get(sheet, "quiz"), (const char *const[]){"right", "of", NULL}));
    buf_str(out, "</p>\n");
  }
  buf_str(out, "</div>\n");
}

static void turn(struct req *req, struct buf *out, const struct course *course, const struct module *module) {
  size_t at = 0;
  while (at < course->module_count && course->modules[at] != module) at++;
  const struct module *before = at > 0 && at < course->module_count ? course->modules[at - 1] : NULL, *after = at + 1 < course->module_count ? course->modules[at + 1] : NULL;
  if (!before && !after) return;
  buf_str(out, "<nav class=\"turn\" aria-label=\"");
  page_words(req, out, "module.around", NULL);
  buf_str(out, "\">");
  for (int next = 0; next < 2; next++) {
    const struct module *to = next ? after : before;
    if (!to) continue;
    buf_printf(out, "<a rel=\"%s\" href=\"/learn/%s\">", next ? "next" : "prev", to->id);
    page_words(req, out, next ? "module.next" : "module.previous", one(req, "title", to->title[req->viewer.lang]));
    buf_str(out, "</a>");
  }
  buf_str(out, "</nav>\n");
}

static const struct course *course_of(const struct edition *edition, const char *id) {
  for (size_t i = 0; i < edition->course_count; i++) if (!strcmp(edition->courses[i]->id, id)) return edition->courses[i];
  return NULL;
}

bool page_module(struct req *req, struct page *page, struct err *err) {
  struct look at;
  if (!look(req, &at, err)) return false;
  const struct module *module = edition_module(at.edition, req->param[0]);
  if (!module) return err_set(err, ERR_NOT_FOUND, "module.missing", "no module %s", req->param[0]);
  if (strcmp(module->id, req->param[0])) {
    page->moved = arena_printf(req->arena, "/learn/%s", module->id);
    return true;
  }
  struct buf *out = page->main;
  const struct course *course = course_of(at.edition, module->course);
  const struct tree *sheet = course ? by_id(tree_get(by_id(tree_get(at.sheet, "courses"), course->id), "modules"), module->id) : NULL;
  page->section = "courses";
  page->title = module->title[at.lang];
  crumbs(req, out, NULL, module->title[at.lang]);
  buf_str(out, "<div class=\"columns\">\n");
  contents(req, out, module);
  buf_str(out, "<article class=\"prose\">\n<h1>");
  buf_html(out, module->title[at.lang]);
  buf_str(out, "</h1>\n<p class=\"facts\">");
  page_words(req, out, "module.minutes", number(req, "minutes", module->minutes));
  buf_str(out, "</p>\n");
  buf_str(out, module->html[at.lang]);
  buf_str(out, "</article>\n");
  aside(req, out, module, sheet);
  buf_str(out, "</div>\n");
  if (course) turn(req, out, course, module);
  return true;
}

/* --- /lab/{lab} ----------------------------------------------------------------------------------------------------------------------------------------------------- */

static void lab_notes(struct req *req, struct buf *out, const struct lab *lab) {
  const char *lacks = catalog_lacks(req, lab, NULL);
  if (lacks) {
    buf_str(out, "<p class=\"note\" data-tone=\"warn\">");
    buf_html(out, lacks);
    buf_str(out, "</p>\n");
  }
  buf_str(out, "<div class=\"start\">\n");
  if (!*req->viewer.person) {
    buf_str(out, "<p>");
    page_words(req, out, "labpage.sign-in", NULL);
    buf_printf(out, "</p>\n<p class=\"actions\"><a class=\"button primary\" href=\"/j?next=/lab/%s\">", lab->id);
    page_words(req, out, "labpage.join", NULL);
    buf_printf(out, "</a> <a class=\"button\" href=\"/signin?next=/lab/%s\">", lab->id);
    page_words(req, out, "labpage.signin", NULL);
    buf_str(out, "</a></p>\n");
  } else {
    buf_str(out, "<p>");
    page_words(req, out, "labpage.scripts", NULL);
    buf_str(out, "</p>\n");
  }
  buf_str(out, "</div>\n");
}

static void lab_steps_html(struct req *req, struct buf *out, const struct lab *lab, enum lang lang) {
  for (size_t i = 0; i < lab->step_count; i++) {
    const char *html = lab->steps[i].html[lang], *title = lab->steps[i].title[lang];
    struct tree *params = number(req, "number", (int64_t)i + 1);
    tree_put_text(req->arena, params, "title", lab_fill(req->arena, title, strlen(title), lab->examples, NULL));
    buf_str(out, "<section>");
    heading(req, out, "h2", "labpage.step", params);
    buf_str(out, lab_fill(req->arena, html, strlen(html), lab->examples, NULL));
    buf_str(out, "</section>\n");
  }
  if (lab->param_count) {
    const struct tree *example = tree_get(lab->examples, lab->params[0].name);
    buf_str(out, "<p class=\"facts\">");
    page_words(req, out, "labpage.examples", one(req, "example", example && example->text ? example->text : ""));
    buf_str(out, "</p>\n");
  }
}

static void lab_checks_html(struct req *req, struct buf *out, const struct lab *lab, enum lang lang) {
  static const char *const sides[] = {[CHECK_SCOPE_FILES] = "labpage.on.files", [CHECK_SCOPE_LIVE] = "labpage.on.live", [CHECK_SCOPE_BOTH] = "labpage.on.both"};
  buf_str(out, "<section>");
  heading(req, out, "h2", "labpage.checks", NULL);
  buf_str(out, "<ul>\n");
  for (size_t i = 0; i < lab->check_count; i++) {
    const struct lab_check *check = &lab->checks[i];
    if (!strcmp(check->visible, "never")) continue;
    const char *title = words_text(req->arena, lab->words, lang, arena_printf(req->arena, "%s.title", check->id), NULL, NULL);
    struct tree *params = number(req, "points", check->points);
    tree_put_text(req->arena, params, "title", lab_fill(req->arena, title, strlen(title), lab->examples, NULL));
    buf_str(out, "<li>");
    page_words(req, out, "labpage.check", params);
    buf_str(out, " <span class=\"facts\">");
    page_words(req, out, sides[check->on], NULL);
    buf_str(out, "</span></li>\n");
  }
  buf_str(out, "</ul></section>\n");
}

/* As it was when the viewer's open attempt began, or NULL: also a lab that is gone since. */
static const struct lab *own_lab(struct req *req, const struct edition *edition, const char *id) {
  struct attempt attempt;
  if (!req->house->attempts || !*req->viewer.person) return NULL;
  struct db_read *read = req_read(req, NULL);
  if (!read || !attempt_open_one(req->house->attempts, read, &req->viewer, id, req->arena, &attempt, NULL)) return NULL;
  return edition_lab_of(edition, attempt.lab, attempt.lab_version, NULL);
}

bool page_lab(struct req *req, struct page *page, struct err *err) {
  const struct edition *edition = req_edition(req);
  if (!edition) return err_set(err, ERR_UNAVAILABLE, "ready.catalog", "no catalogue yet");
  const struct lab *lab = edition_lab(edition, req->param[0]), *own = own_lab(req, edition, lab ? lab->id : req->param[0]);
  if (own) lab = own;
  if (!lab) return err_set(err, ERR_NOT_FOUND, "lab.missing", "no lab %s", req->param[0]);
  if (strcmp(lab->id, req->param[0])) {
    page->moved = arena_printf(req->arena, "/lab/%s", lab->id);
    return true;
  }
  enum lang lang = req->viewer.lang;
  struct buf *out = page->main;
  page->section = "courses";
  page->title = lab->title[lang];
  page->script = "lab.js";
  crumbs(req, out, edition_module(edition, lab->module), lab->title[lang]);
  buf_str(out, "<h1>");
  buf_html(out, lab->title[lang]);
  buf_str(out, "</h1>\n<p class=\"facts\">");
  struct tree *facts = number(req, "minutes", lab->minutes);
  tree_put_int(req->arena, facts, "points", lab->points);
  page_words(req, out, "labpage.facts", facts);
  buf_printf(out, "</p>\n<div id=\"lab\" data-lab=\"%s\" data-nonce=\"%s\">\n", lab->id, page_nonce(req, page));
  lab_notes(req, out, lab);
  buf_str(out, "<article class=\"prose\">\n");
  lab_steps_html(req, out, lab, lang);
  lab_checks_html(req, out, lab, lang);
  buf_str(out, "</article>\n</div>\n");
  return true;
}

/* --- /me ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void me_row(struct req *req, struct buf *out, const struct tree *lab) {
  int64_t done = 0, of = 0;
  TREE_EACH(step, tree_get(lab, "steps")) {
    of++;
    done += tree_flag(step, "done", false);
  }
  buf_printf(out, "<tr><th scope=\"row\"><a href=\"/lab/%s\">", tree_text_or(lab, "id", ""));
  buf_html(out, tree_text_or(lab, "title", ""));
  buf_str(out, "</a></th><td>");
  state(req, out, tree_flag(lab, "done", false), tree_flag(lab, "begun", false));
  buf_printf(out, "</td><td class=\"number\">%lld / %lld</td><td class=\"number\">", (long long)done, (long long)of);
  page_words(req, out, "module.lab-points", points(req, lab));
  buf_str(out, "</td></tr>\n");
}

static void me_module(struct req *req, struct buf *out, const struct tree *module) {
  static const char *const heads[] = {"me.lab", "me.state", "me.steps", "me.points"};
  buf_printf(out, "<section><h3><a href=\"/learn/%s\">", tree_text_or(module, "id", ""));
  buf_html(out, tree_text_or(module, "title", ""));
  buf_str(out, "</a></h3>\n<p class=\"facts\">");
  state(req, out, tree_flag(module, "done", false), module_begun(module));
  const struct tree *quiz = tree_get(module, "quiz");
  if (tree_int(quiz, "of", 0)) {
    buf_str(out, " · ");
    page_words(req, out, "module.quiz", taken(req, quiz, (const char *const[]){"right", "of", NULL}));
  }
  buf_str(out, "</p>\n");
  if (tree_get(module, "labs")->count) {
    buf_str(out, "<table class=\"grades\"><caption>");
    page_words(req, out, "me.table", one(req, "title", tree_text_or(module, "title", "")));
    buf_str(out, "</caption>\n<thead><tr>");
    for (size_t i = 0; i < 4; i++) {
      buf_printf(out, "<th scope=\"col\"%s>", i > 1 ? " class=\"number\"" : "");
      page_words(req, out, heads[i], NULL);
      buf_str(out, "</th>");
    }
    buf_str(out, "</tr></thead>\n<tbody>\n");
    TREE_EACH(lab, tree_get(module, "labs")) me_row(req, out, lab);
    buf_str(out, "</tbody></table>\n");
  }
  buf_str(out, "</section>\n");
}

bool page_me(struct req *req, struct page *page, struct err *err) {
  struct look at;
  if (!look(req, &at, err)) return false;
  struct buf *out = page->main;
  page->section = "me";
  page->title = req_words(req, "me.title", NULL);
  heading(req, out, "h1", "me.title", NULL);
  if (!*req->viewer.person) {
    buf_str(out, "<p class=\"lead\">");
    page_words(req, out, "me.sign-in", NULL);
    buf_str(out, "</p>\n<p class=\"actions\"><a class=\"button primary\" href=\"/j\">");
    page_words(req, out, "labpage.join", NULL);
    buf_str(out, "</a> <a class=\"button\" href=\"/signin\">");
    page_words(req, out, "labpage.signin", NULL);
    buf_str(out, "</a></p>\n");
    return true;
  }
  bool begun = false;
  TREE_EACH(course, tree_get(at.sheet, "courses")) TREE_EACH(module, tree_get(course, "modules")) begun = begun || module_begun(module);
  if (!begun) {
    buf_str(out, "<p class=\"lead\">");
    page_words(req, out, "me.empty", NULL);
    buf_str(out, "</p>\n");
  }
  TREE_EACH(course, tree_get(at.sheet, "courses")) {
    buf_str(out, "<section class=\"course\"><h2>");
    buf_html(out, tree_text_or(course, "title", ""));
    buf_str(out, "</h2>\n");
    score(req, out, course, "me.course", taken(req, course, (const char *const[]){"done", "of", "earned", "max", NULL}));
    TREE_EACH(module, tree_get(course, "modules")) me_module(req, out, module);
    buf_str(out, "</section>\n");
  }
  return true;
}
