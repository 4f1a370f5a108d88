/* page_regrade: grading again, for instructors: what there is, a lab's checks, the drawn preview with the reason's field, and the result. Plain forms; a
 * script keeps the progress alive. Drawings are SVG beside the same facts in words. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/appeal.h"
#include "domain/people.h"
#include "domain/regrade.h"
#include "web/house.h"
#include "web/page.h"

#define WIDE 1000                                     /* of a drawing, in its own units */

static void words_n(struct req *req, struct buf *out, const char *key, int64_t count) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_int(req->arena, params, "count", count);
  page_words(req, out, key, params);
}

static void heading(struct req *req, struct buf *out, const char *key) {
  buf_str(out, "<h2>");
  page_words(req, out, key, NULL);
  buf_str(out, "</h2>\n");
}

static void table(struct req *req, struct buf *out, const char *caption, const char *const *columns) {
  buf_str(out, "<div class=\"table-box\" tabindex=\"0\" role=\"region\" aria-label=\"");
  page_words(req, out, caption, NULL);
  buf_str(out, "\"><table class=\"grades\"><caption>");
  page_words(req, out, caption, NULL);
  buf_str(out, "</caption><thead><tr>");
  for (; *columns; columns++) {
    buf_str(out, "<th scope=\"col\">");
    page_words(req, out, *columns, NULL);
    buf_str(out, "</th>");
  }
  buf_str(out, "</tr></thead><tbody>\n");
}

static void hidden(struct buf *out, const char *name, const char *value) {
  if (!value || !*value) return;
  buf_printf(out, "<input type=\"hidden\" name=\"%s\"", name);
  page_attribute(out, "value", value);
  buf_str(out, ">");
}

/* What it is about: "Mend the selectors · Both Services (check) · UTM". */
static void scope_line(struct req *req, struct buf *out, const struct tree *one) {
  const char *lab = tree_text(one, "lab_title"), *check = tree_text(one, "check_title"), *workshop = tree_text(one, "workshop_name");
  if (lab) buf_html(out, lab);
  else page_words(req, out, "regrade.all-labs", NULL);
  if (check) {
    buf_str(out, " · ");
    buf_html(out, check);
  }
  buf_str(out, " · ");
  if (workshop) buf_html(out, workshop);
  else page_words(req, out, viewer_is(&req->viewer, ROLE_ADMIN) ? "regrade.everybody" : "regrade.own-workshops", NULL);
}

/* --- overview and one lab --------------------------------------------------------------------------------------------------------------------------- */

static bool overview_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  struct tree *all = read ? regrade_overview(req->house->regrades, read, &req->viewer, req->arena, err) : NULL;
  if (!all) return false;
  struct page *page = page_begin(req, "regrades", "regrade.title");
  struct buf *main = page->main;
  page_para(req, main, "regrade.lead");
  bool at_its_place = false;                /* what is refused of an appeal is said in its card */
  TREE_EACH(appeal, tree_get(all, "appeals")) at_its_place |= req->param[0] && !strcmp(req->param[0], tree_text_or(appeal, "id", ""));
  if (refused && !at_its_place) {
    page_form(req, main, "/regrades", NULL, refused);      /* says what was refused; nothing to fill in */
    buf_str(main, "</form>\n");
  }
  if (tree_get(all, "appeals")->count) page_appeals(req, main, tree_get(all, "appeals"), refused);
  heading(req, main, "regrade.labs");
  if (!tree_get(all, "labs")->count) page_para(req, main, "regrade.no-labs");
  else {
    static const char *const columns[] = {"regrade.lab", "regrade.handins", "regrade.earlier", NULL};
    table(req, main, "regrade.labs", columns);
    TREE_EACH(lab, tree_get(all, "labs")) {
      buf_str(main, "<tr><th scope=\"row\"><a");
      page_attribute(main, "href", arena_printf(req->arena, "/regrades/lab/%s", tree_text_or(lab, "id", "")));
      buf_str(main, ">");
      buf_html(main, tree_text_or(lab, "title", ""));
      buf_printf(main, "</a></th><td>%lld</td><td>%lld</td></tr>\n", (long long)tree_int(lab, "handins", 0), (long long)tree_int(lab, "earlier", 0));
    }
    buf_str(main, "</tbody></table></div>\n");
  }
  heading(req, main, "regrade.workshop-title");
  const struct tree *workshops = people_workshops(req->house->people, read, &req->viewer, req->arena);
  page_para(req, main, workshops && workshops->count ? "regrade.workshop-lead" : "regrade.no-workshops");
  TREE_EACH(workshop, workshops) {
    page_form(req, main, "/regrades", NULL, NULL);
    hidden(main, "workshop", tree_text(workshop, "id"));
    buf_str(main, "<button>");
    struct tree *params = tree_new(req->arena, TREE_MAP);
    tree_put_text(req->arena, params, "name", tree_text_or(workshop, "name", ""));
    page_words(req, main, "regrade.workshop-do", params);
    buf_str(main, "</button></form>\n");
  }
  heading(req, main, "regrade.done-before");
  if (!tree_get(all, "regrades")->count) page_para(req, main, "regrade.none-yet");
  else {
    static const char *const columns[] = {"regrade.when", "regrade.what", "regrade.reason-title", "regrade.state", NULL};
    table(req, main, "regrade.done-before", columns);
    TREE_EACH(one, tree_get(all, "regrades")) {
      buf_str(main, "<tr><th scope=\"row\"><a");
      page_attribute(main, "href", arena_printf(req->arena, "/regrades/%s", tree_text_or(one, "id", "")));
      buf_str(main, ">");
      page_moment(main, tree_int(one, "at_ms", 0));
      buf_str(main, "</a></th><td>");
      scope_line(req, main, one);
      buf_str(main, "</td><td>");
      buf_html(main, tree_text_or(one, "reason", ""));
      buf_str(main, "</td><td>");
      page_words(req, main, arena_printf(req->arena, "regrade.state-%s", tree_text_or(one, "state", "done")), NULL);
      buf_str(main, "</td></tr>\n");
    }
    buf_str(main, "</tbody></table></div>\n");
  }
  return page_again(req, page, out, refused, err);
}

static bool overview_get(struct req *req, struct reply *out, struct err *err) { return overview_page(req, out, NULL, err); }

/* The choice of whose hand-ins: shared by all buttons of the page through the form they name. */
static void workshop_choice(struct req *req, struct buf *out, const struct tree *workshops) {
  buf_str(out, "<div class=\"field\"><label for=\"workshop\">");
  page_words(req, out, "regrade.whose", NULL);
  buf_str(out, "</label><select id=\"workshop\" name=\"workshop\"><option value=\"\">");
  page_words(req, out, viewer_is(&req->viewer, ROLE_ADMIN) ? "regrade.everybody" : "regrade.own-workshops", NULL);
  buf_str(out, "</option>");
  TREE_EACH(workshop, workshops) {
    buf_str(out, "<option");
    page_attribute(out, "value", tree_text_or(workshop, "id", ""));
    buf_str(out, ">");
    buf_html(out, tree_text_or(workshop, "name", ""));
    buf_str(out, "</option>");
  }
  buf_str(out, "</select></div>\n");
}

static bool lab_page(struct req *req, const char *id, struct reply *out, const struct err *refused, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  struct tree *lab = read ? regrade_lab(req->house->regrades, read, &req->viewer, id, req->arena, err) : NULL;
  if (!lab) return false;
  struct page *page = page_new(req);
  struct buf *main = page->main;
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, "lab", tree_text_or(lab, "title", ""));
  page->section = "regrades";
  page->title = req_words(req, "regrade.lab-title", params);
  buf_str(main, "<h1>");
  page_words(req, main, "regrade.lab-title", params);
  buf_str(main, "</h1>\n<p>");
  words_n(req, main, "regrade.lab-handins", tree_int(lab, "handins", 0));
  buf_str(main, " ");
  words_n(req, main, "regrade.lab-earlier", tree_int(lab, "earlier", 0));
  buf_str(main, "</p>\n");
  page_para(req, main, tree_flag(lab, "keep_last", false) ? "regrade.rule-last" : "regrade.rule-best");
  page_form(req, main, "/regrades", NULL, refused);
  hidden(main, "lab", tree_text(lab, "id"));
  workshop_choice(req, main, people_workshops(req->house->people, read, &req->viewer, req->arena));
  buf_str(main, "<button class=\"primary\" name=\"check\" value=\"\">");
  page_words(req, main, "regrade.do-lab", NULL);
  buf_str(main, "</button>\n");
  static const char *const columns[] = {"regrade.check", "regrade.side", "regrade.points", "regrade.again", NULL};
  table(req, main, "regrade.checks", columns);
  TREE_EACH(check, tree_get(lab, "checks")) {
    struct tree *title = tree_new(req->arena, TREE_MAP);
    tree_put_text(req->arena, title, "check", tree_text_or(check, "title", ""));
    buf_str(main, "<tr><th scope=\"row\">");
    buf_html(main, tree_text_or(check, "title", ""));
    buf_str(main, "</th><td>");
    page_words(req, main, arena_printf(req->arena, "regrade.on-%s", tree_text_or(check, "on", "both")), NULL);
    buf_printf(main, "</td><td>%lld</td><td><button name=\"check\"", (long long)tree_int(check, "points", 0));
    page_attribute(main, "value", tree_text_or(check, "id", ""));
    page_attribute(main, "aria-label", req_words(req, "regrade.do-check", title));
    buf_str(main, ">");
    page_words(req, main, "regrade.do", NULL);
    buf_str(main, "</button></td></tr>\n");
  }
  buf_str(main, "</tbody></table></div></form>\n");
  return page_again(req, page, out, refused, err);
}

static bool lab_get(struct req *req, struct reply *out, struct err *err) { return lab_page(req, req->param[0], out, NULL, err); }

static bool preview_post(struct req *req, struct reply *out, struct err *err) {
  struct regrade_ask ask = {req_form(req, "lab"), req_form(req, "check"), req_form(req, "workshop")};
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  char id[ID_SIZE];
  if (regrade_preview(req->house->regrades, &req->viewer, &ask, id, refused)) return page_see_other(req, out, arena_printf(req->arena, "/regrades/%s", id));
  return ask.lab && *ask.lab && refused->code != ERR_NOT_FOUND ? lab_page(req, ask.lab, out, refused, err) : overview_page(req, out, refused, err);
}

/* --- drawings ------------------------------------------------------------------------------------------------------------------------------------------ */

struct part { const char *class; int64_t count; };

/* One bar in parts; label says the same in words. */
static void bar(struct buf *out, const struct part *parts, size_t count, const char *label) {
  int64_t sum = 0, from = 0;
  for (size_t i = 0; i < count; i++) sum += parts[i].count;
  buf_printf(out, "<svg class=\"stack\" viewBox=\"0 0 %d 24\" preserveAspectRatio=\"none\" role=\"img\"", WIDE);
  page_attribute(out, "aria-label", label);
  buf_str(out, ">");
  for (size_t i = 0; sum && i < count; i++) {
    int64_t left = from * WIDE / sum, right = (from + parts[i].count) * WIDE / sum;
    from += parts[i].count;
    if (parts[i].count) buf_printf(out, "<rect class=\"part-%s\" x=\"%lld\" y=\"0\" width=\"%lld\" height=\"24\"/>", parts[i].class, (long long)left, (long long)(right - left > 3 ? right - left - 2 : 1));
  }
  buf_str(out, "</svg>\n");
}

static const char *const changes[] = {"up", "down", "held", "same"};
static const char *const marks[] = {"▲", "▼", "◆", "="};

static const char *mark_of(const char *change) {
  for (size_t i = 0; i < 4; i++) if (!strcmp(changes[i], change)) return marks[i];
  return "=";
}

static void people_bar(struct req *req, struct buf *out, const struct tree *people) {
  struct part parts[4];
  struct buf *label = arena_alloc(req->arena, sizeof *label);      /* the arena frees its bytes when it goes */
  buf_init_arena(label, req->arena, 4096);
  for (size_t i = 0; i < 4; i++) {
    struct tree *params = tree_new(req->arena, TREE_MAP);
    parts[i] = (struct part){changes[i], tree_int(people, changes[i], 0)};
    tree_put_int(req->arena, params, "count", parts[i].count);
    buf_printf(label, "%s%s", i ? ", " : "", req_words(req, arena_printf(req->arena, "regrade.people-%s", changes[i]), params));
  }
  bar(out, parts, 4, label->data);
  buf_str(out, "<ul class=\"legend\">");
  for (size_t i = 0; i < 4; i++) {
    buf_printf(out, "<li class=\"change-%s\"><span aria-hidden=\"true\">%s</span> ", changes[i], marks[i]);
    words_n(req, out, arena_printf(req->arena, "regrade.people-%s", changes[i]), parts[i].count);
    buf_str(out, "</li>");
  }
  buf_str(out, "</ul>\n");
}

static void check_bars(struct req *req, struct buf *out, const struct tree *checks) {
  static const char *const names[] = {"pass", "partial", "fail", "other"}, *const sides[] = {"before", "after"};
  heading(req, out, "regrade.by-check");
  TREE_EACH(check, checks) {
    buf_str(out, "<section class=\"before-after\"><h3>");
    buf_html(out, tree_text_or(check, "title", ""));
    buf_str(out, "</h3>\n");
    for (size_t s = 0; s < 2; s++) {
      struct part parts[4];
      struct tree *params = tree_new(req->arena, TREE_MAP);
      for (size_t i = 0; i < 4; i++) {
        parts[i] = (struct part){names[i], tree_int(tree_get(check, sides[s]), names[i], 0)};
        tree_put_int(req->arena, params, names[i], parts[i].count);
      }
      const char *label = req_words(req, arena_printf(req->arena, "regrade.%s", sides[s]), params);
      buf_str(out, "<p>");
      buf_html(out, label);
      buf_str(out, "</p>");
      bar(out, parts, 4, label);
    }
    buf_str(out, "</section>\n");
  }
}

static int64_t shown(const struct tree *row, const char *name, int64_t max) {
  const struct tree *number = tree_get(row, name);
  double value = 0;
  if (number && number->text) sscanf(number->text, "%lf", &value);
  return max > 0 ? (int64_t)(value * WIDE / (double)max) : 0;
}

/* Before as a line, behind as a bar: which way it goes is seen at a glance, and written beside it. */
static void arrow(struct buf *out, const struct tree *row) {
  int64_t max = tree_int(row, "max", 0), old = shown(row, "old_number", max), new = shown(row, "new_number", max);
  if (old > WIDE - 6) old = WIDE - 6;
  if (new > WIDE) new = WIDE;
  buf_printf(out, "<svg class=\"move\" viewBox=\"0 0 %d 24\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"track\" x=\"0\" y=\"6\" width=\"%d\" height=\"12\"/>"
                  "<rect class=\"part-%s\" x=\"0\" y=\"6\" width=\"%lld\" height=\"12\"/><rect class=\"was\" x=\"%lld\" y=\"0\" width=\"6\" height=\"24\"/></svg>",
             WIDE, WIDE, tree_text_or(row, "change", "same"), (long long)new, (long long)old);
}

static void rows_table(struct req *req, struct buf *out, const struct tree *one) {
  static const char *const columns[] = {"regrade.who", "regrade.lab", "regrade.move", "regrade.old-new", "regrade.change", NULL};
  table(req, out, "regrade.by-person", columns);
  TREE_EACH(row, tree_get(one, "rows")) {
    const char *change = tree_text_or(row, "change", "same");
    buf_printf(out, "<tr class=\"change-%s\"><th scope=\"row\">", change);
    buf_html(out, tree_text_or(row, "name", ""));
    buf_str(out, "</th><td>");
    buf_html(out, tree_text_or(row, "lab_title", ""));
    buf_str(out, "</td><td>");
    arrow(out, row);
    const struct tree *old = tree_get(row, "old_number"), *new = tree_get(row, "new_number");
    struct tree *params = tree_new(req->arena, TREE_MAP);
    tree_put_text(req->arena, params, "old", old ? old->text : "0");
    tree_put_text(req->arena, params, "new", new ? new->text : "0");
    tree_put_int(req->arena, params, "max", tree_int(row, "max", 0));
    buf_str(out, "</td><td>");
    page_words(req, out, "regrade.from-to", params);
    buf_printf(out, "</td><td><span aria-hidden=\"true\">%s</span> ", mark_of(change));
    page_words(req, out, arena_printf(req->arena, "regrade.change-%s", change), NULL);
    buf_str(out, "</td></tr>\n");
  }
  buf_str(out, "</tbody></table></div>\n");
}

static void kept_list(struct req *req, struct buf *out, const struct tree *one) {
  bool any = false;
  TREE_EACH(why, tree_get(one, "kept")) {
    if (!tree_int(tree_get(one, "kept"), why->key, 0)) continue;
    if (!any) {
      heading(req, out, "regrade.kept-title");
      buf_str(out, "<ul>");
    }
    any = true;
    buf_str(out, "<li>");
    words_n(req, out, arena_printf(req->arena, "regrade.kept-%s", why->key), tree_int(tree_get(one, "kept"), why->key, 0));
    buf_str(out, "</li>");
  }
  if (any) buf_str(out, "</ul>\n");
}

/* --- one preview or regrade ----------------------------------------------------------------------------------------------------------------------------- */

static void progress(struct req *req, struct buf *out, const struct tree *one) {
  int64_t done = tree_int(one, "done", 0), of = tree_int(one, "of", 0);
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_int(req->arena, params, "done", done);
  tree_put_int(req->arena, params, "of", of);
  buf_str(out, "<p><progress max=\"");
  buf_printf(out, "%lld\" value=\"%lld\" aria-labelledby=\"regrade-progress\"></progress> <span id=\"regrade-progress\">", (long long)of, (long long)done);
  page_words(req, out, "page.regrade.progress", params);
  buf_str(out, "</span></p>\n<p><a class=\"button\"");
  page_attribute(out, "href", req->path);
  buf_str(out, ">");
  page_words(req, out, "regrade.look-again", NULL);
  buf_str(out, "</a></p>\n");
}

static void cancel_form(struct req *req, struct buf *out, const char *id, const char *key) {
  page_form(req, out, arena_printf(req->arena, "/regrades/%s", id), NULL, NULL);
  hidden(out, "cancel", "yes");
  buf_str(out, "<button>");
  page_words(req, out, key, NULL);
  buf_str(out, "</button></form>\n");
}

static void reason_form(struct req *req, struct buf *out, const char *id, const struct err *refused) {
  heading(req, out, "regrade.decide");
  page_form(req, out, arena_printf(req->arena, "/regrades/%s", id), NULL, refused);
  buf_str(out, "<div class=\"field\"><label for=\"reason\">");
  page_words(req, out, "regrade.reason-label", NULL);
  buf_printf(out, "</label><textarea id=\"reason\" name=\"reason\" rows=\"3\" maxlength=\"%d\" required aria-describedby=\"reason-help\">", REGRADE_REASON_MAX);
  const char *typed = req->raw ? req_form(req, "reason") : NULL;
  buf_html(out, typed ? typed : "");
  buf_str(out, "</textarea><p class=\"help\" id=\"reason-help\">");
  page_words(req, out, "regrade.reason-help", NULL);
  buf_str(out, "</p></div>\n<button class=\"primary\">");
  page_words(req, out, "regrade.carry-out", NULL);
  buf_str(out, "</button></form>\n");
  cancel_form(req, out, id, "regrade.cancel");
}

static void outcome(struct req *req, struct buf *out, const struct tree *one) {
  const struct tree *handins = tree_get(one, "handins");
  people_bar(req, out, tree_get(one, "people"));
  struct tree *params = tree_copy(req->arena, handins);
  buf_str(out, "<p>");
  page_words(req, out, "regrade.handins-sum", params);
  buf_str(out, "</p>\n");
  page_para(req, out, tree_flag(one, "keep_last", false) ? "regrade.rule-last" : "regrade.rule-best");
  if (tree_get(one, "rows")->count) rows_table(req, out, one);
  const struct tree *checks = tree_get(one, "checks");
  if (checks && checks->count) check_bars(req, out, checks);
  kept_list(req, out, one);
}

static bool one_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  struct tree *one = read ? regrade_json(req->house->regrades, read, &req->viewer, req->param[0], req->arena, err) : NULL;
  if (!one) return false;
  const char *id = tree_text_or(one, "id", ""), *state = tree_text_or(one, "state", "");
  struct page *page = page_begin(req, "regrades", arena_printf(req->arena, "regrade.title-%s", state));
  struct buf *main = page->main;
  buf_str(main, "<p class=\"facts\">");
  scope_line(req, main, one);
  buf_str(main, "</p>\n<section data-island=\"regrade\"");
  page_attribute(main, "data-id", id);
  page_attribute(main, "data-state", state);
  buf_str(main, ">\n");
  if (!strcmp(state, "previewing")) page_para(req, main, "regrade.previewing");
  if (!strcmp(state, "previewing") || !strcmp(state, "running")) progress(req, main, one);
  buf_str(main, "</section>\n");
  if (!strcmp(state, "previewing")) cancel_form(req, main, id, "regrade.cancel");
  if (!strcmp(state, "failed") || !strcmp(state, "stopped")) page_para(req, main, tree_text_or(one, "why", "regrade.changed"));
  if (tree_text(one, "reason")) {
    buf_str(main, "<dl class=\"pairs\"><dt>");
    page_words(req, main, "regrade.reason-title", NULL);
    buf_str(main, "</dt><dd>");
    buf_html(main, tree_text(one, "reason"));
    buf_str(main, "</dd><dt>");
    page_words(req, main, "regrade.by", NULL);
    buf_str(main, "</dt><dd>");
    buf_html(main, tree_text_or(one, "by", ""));
    buf_str(main, "</dd><dt>");
    page_words(req, main, "regrade.when", NULL);
    buf_str(main, "</dt><dd>");
    page_moment(main, tree_int(one, "at_ms", 0));
    buf_str(main, "</dd></dl>\n");
  }
  if (!strcmp(state, "preview")) page_para(req, main, "regrade.nothing-written");
  if (tree_int(one, "attempts", 0)) {
    buf_str(main, "<p>");
    words_n(req, main, "regrade.attempts", tree_int(one, "attempts", 0));
    buf_str(main, "</p>\n");
  }
  if (tree_get(one, "people")) outcome(req, main, one);
  if (!strcmp(state, "preview")) reason_form(req, main, id, refused);
  buf_str(main, "<p><a href=\"/regrades\">");
  page_words(req, main, "regrade.back", NULL);
  buf_str(main, "</a></p>\n");
  return page_again(req, page, out, refused, err);
}

static bool one_get(struct req *req, struct reply *out, struct err *err) { return one_page(req, out, NULL, err); }

static bool one_post(struct req *req, struct reply *out, struct err *err) {
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  if (req_form(req, "cancel")) return regrade_cancel(req->house->regrades, &req->viewer, req->param[0], err) && page_see_other(req, out, "/regrades");
  if (regrade_begin(req->house->regrades, &req->viewer, req->param[0], req_form(req, "reason"), refused))
    return page_see_other(req, out, arena_printf(req->arena, "/regrades/%s", req->param[0]));
  return one_page(req, out, refused, err);
}

static bool appeal_post(struct req *req, struct reply *out, struct err *err) {
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  if (appeal_refuse(req->house->regrades, &req->viewer, req->param[0], req_form(req, "reason"), refused)) return page_see_other(req, out, "/regrades");
  return overview_page(req, out, refused, err);
}

const struct route page_regrade_routes[] = {
  {GET, "/regrades", NEED_INSTRUCTOR, PAGE, NULL, NULL, overview_get, "Grading again: labs, workshops, what was done"},
  {POST, "/regrades", NEED_INSTRUCTOR, PAGE | BODY_FORM | BODY_SMALL, NULL, NULL, preview_post, "A preview, without scripts"},
  {GET, "/regrades/lab/{lab}", NEED_INSTRUCTOR, PAGE, NULL, NULL, lab_get, "A lab's checks, each to be graded again"},
  {GET, "/regrades/{regrade}", NEED_INSTRUCTOR, PAGE, NULL, NULL, one_get, "A preview, its progress, or what a regrade did"},
  {POST, "/regrades/{regrade}", NEED_INSTRUCTOR, PAGE | BODY_FORM, NULL, NULL, one_post, "Carry a preview out, or drop it, without scripts"},
  {POST, "/appeals/{appeal}", NEED_INSTRUCTOR, PAGE | BODY_FORM, NULL, NULL, appeal_post, "Refuse what a learner asked for, without scripts"},
  {0}};
