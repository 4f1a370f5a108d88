/* page_appeal: what learners ask to have graded again, one card each: who, which hand-in, why; a preview of that lab, or a refusal in words. Plain forms. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/appeal.h"
#include "web/house.h"
#include "web/page.h"

static void hidden(struct buf *out, const char *name, const char *value) {
  if (!value) return;
  buf_printf(out, "<input type=\"hidden\" name=\"%s\"", name);
  page_attribute(out, "value", value);
  buf_str(out, ">");
}

/* Open when its own answer was not taken: what was typed stands there still. */
static void refusal_form(struct req *req, struct buf *out, const struct tree *appeal, const struct err *refused) {
  const char *id = tree_text_or(appeal, "id", ""), *typed = refused ? req_form(req, "reason") : NULL;
  buf_printf(out, "<details%s><summary>", refused ? " open" : "");
  page_words(req, out, "appeal.refuse", NULL);
  buf_str(out, "</summary>\n");
  page_form(req, out, arena_printf(req->arena, "/appeals/%s", id), NULL, refused);
  buf_printf(out, "<div class=\"field\"><label for=\"refuse-%s\">", id);
  page_words(req, out, "appeal.refuse-label", NULL);
  buf_printf(out, "</label><textarea id=\"refuse-%s\" name=\"reason\" rows=\"2\" maxlength=\"%d\" required>", id, APPEAL_TEXT_MAX);
  buf_html(out, typed ? typed : "");
  buf_str(out, "</textarea></div>\n<button>");
  page_words(req, out, "appeal.refuse-do", NULL);
  buf_str(out, "</button></form></details>\n");
}

static void card(struct req *req, struct buf *out, const struct tree *appeal, const struct err *refused) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, "lab", tree_text_or(appeal, "lab_title", ""));
  tree_put_int(req->arena, params, "number", tree_int(appeal, "number", 0));
  tree_put(req->arena, params, "earned", tree_copy(req->arena, tree_get(appeal, "earned_number")));
  tree_put(req->arena, params, "max", tree_copy(req->arena, tree_get(appeal, "max_number")));
  buf_str(out, "<li class=\"appeal\"><h3><bdi>");
  buf_html(out, tree_text_or(appeal, "name", ""));
  buf_str(out, "</bdi></h3><p class=\"facts\">");
  page_words(req, out, "appeal.hand-in", params);
  buf_str(out, " · ");
  page_moment(out, tree_int(appeal, "at_ms", 0));
  buf_str(out, "</p>\n<blockquote><bdi>");
  buf_html(out, tree_text_or(appeal, "reason", ""));
  buf_str(out, "</bdi></blockquote>\n");
  page_form(req, out, "/regrades", NULL, NULL);
  hidden(out, "lab", tree_text(appeal, "lab"));
  hidden(out, "workshop", tree_text(appeal, "workshop"));
  buf_str(out, "<button>");
  page_words(req, out, "appeal.preview", NULL);
  buf_str(out, "</button></form>\n");
  refusal_form(req, out, appeal, refused);
  buf_str(out, "</li>\n");
}

void page_appeals(struct req *req, struct buf *out, const struct tree *appeals, const struct err *refused) {
  buf_str(out, "<h2>");
  page_words(req, out, "appeal.title", NULL);
  buf_str(out, "</h2>\n");
  page_para(req, out, "appeal.lead");
  buf_str(out, "<ul class=\"appeals\">\n");
  TREE_EACH(appeal, appeals) {
    bool own = refused && req->param[0] && !strcmp(req->param[0], tree_text_or(appeal, "id", ""));
    card(req, out, appeal, own ? refused : NULL);
  }
  buf_str(out, "</ul>\n");
}
