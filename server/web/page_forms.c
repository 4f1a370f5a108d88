/* page_forms: joining, signing in, the first administrator, workshops, status, language: plain forms that work without scripts (a script sends the same
 * fields to the API and keeps what was typed). A refusal shows the form again, with what was typed, but never a password, key or code of a link. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/live.h"
#include "domain/people.h"
#include "web/auth.h"
#include "web/gate.h"
#include "web/house.h"
#include "web/page.h"
#include "web/people_web.h"
#include "web/route.h"

/* --- small parts ---------------------------------------------------------------------------------------------------------------------------------- */
struct page *page_begin(struct req *req, const char *section, const char *title_key) {
  struct page *page = page_new(req);
  page->section = section;
  page->title = req_words(req, title_key, NULL);
  buf_str(page->main, "<h1>");
  page_words(req, page->main, title_key, NULL);
  buf_str(page->main, "</h1>\n");
  return page;
}

void page_para(struct req *req, struct buf *out, const char *key) {
  buf_str(out, "<p>");
  page_words(req, out, key, NULL);
  buf_str(out, "</p>\n");
}

void page_attribute(struct buf *out, const char *name, const char *value) {
  buf_printf(out, " %s=\"", name);
  buf_html(out, value);
  buf_char(out, '"');
}

void page_form(struct req *req, struct buf *out, const char *action, const char *data, const struct err *refused) {
  buf_str(out, "<form class=\"form\" method=\"post\"");
  page_attribute(out, "action", action);
  if (data) page_attribute(out, "data-form", data);
  buf_str(out, ">");
  page_token(req, out);
  const char *next = req->raw ? req_form(req, "next") : req_query(req, "next");
  if (next) {
    buf_str(out, "<input type=\"hidden\" name=\"next\"");
    page_attribute(out, "value", next);
    buf_str(out, ">");
  }
  buf_char(out, '\n');
  if (!refused || refused->code == ERR_NONE) return;
  struct tree *params = tree_new(req->arena, TREE_MAP);
  for (int i = 0; i < refused->params; i++) tree_set(req->arena, params, refused->param[i].name, tree_string(req->arena, refused->param[i].value));
  buf_str(out, "<p class=\"alert\" role=\"alert\">✖ ");
  page_words(req, out, refused->key, params);
  buf_str(out, "</p>\n");
}

struct input { const char *name, *type, *label, *help, *value, *auto_complete; bool optional; };
static void field(struct req *req, struct buf *out, const struct input *input) {
  buf_str(out, "<div class=\"field\"><label");
  page_attribute(out, "for", input->name);
  buf_str(out, ">");
  page_words(req, out, input->label, NULL);
  buf_str(out, "</label><input");
  page_attribute(out, "id", input->name);
  page_attribute(out, "name", input->name);
  page_attribute(out, "type", input->type);
  if (input->auto_complete) page_attribute(out, "autocomplete", input->auto_complete);
  if (input->value) page_attribute(out, "value", input->value);
  if (input->help) page_attribute(out, "aria-describedby", arena_printf(req->arena, "%s-help", input->name));
  buf_str(out, input->optional ? ">" : " required>");
  if (input->help) {
    buf_str(out, "<p class=\"help\"");
    page_attribute(out, "id", arena_printf(req->arena, "%s-help", input->name));
    buf_str(out, ">");
    page_words(req, out, input->help, NULL);
    buf_str(out, "</p>");
  }
  buf_str(out, "</div>\n");
}

static void submit(struct req *req, struct buf *out, const char *key) {
  buf_str(out, "<button class=\"primary\">");
  page_words(req, out, key, NULL);
  buf_str(out, "</button></form>\n");
}

/* A path of ours to go to, or "/". */
static const char *safe_path(const char *wanted) { return wanted && http_path_ok(wanted) && !strchr(wanted, '%') ? wanted : "/"; }

bool page_see_other(struct req *req, struct reply *out, const char *where) {
  (void)req;
  out->status = 303;
  out->location = where;
  out->content_type = "text/plain; charset=utf-8";
  out->bytes = "";
  out->private_ = true;
  return true;
}

/* The form again, with the refusal; the status says that it was one. */
bool page_again(struct req *req, struct page *page, struct reply *out, const struct err *refused, struct err *err) {
  if (!page_reply(req, page, out, err)) return false;
  if (refused && refused->code != ERR_NONE) {
    out->status = gate_status(refused);
    out->retry_after_s = refused->retry_after_s;
    out->etag = NULL;
    out->private_ = true;
  }
  return true;
}

/* "2026-03-01 14:05 UTC": the page's script shows local time; without it the zone is said. */
void page_moment(struct buf *out, int64_t ms) {
  time_t seconds = (time_t)(ms / 1000);
  struct tm utc;
  char text[40], machine[40];
  gmtime_r(&seconds, &utc);
  strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &utc);
  strftime(machine, sizeof machine, "%Y-%m-%dT%H:%M:%SZ", &utc);
  buf_printf(out, "<time datetime=\"%s\">%s</time>", machine, text);
}

/* --- joining -------------------------------------------------------------------------------------------------------------------------------------- */
static void languages(struct req *req, struct buf *out) {
  buf_str(out, "<fieldset class=\"field choices\"><legend>");
  page_words(req, out, "join.language", NULL);
  bool ms = req->viewer.lang == LANG_MS;
  buf_printf(out, "</legend><label><input type=\"radio\" name=\"language\" value=\"en\"%s> <span lang=\"en\">English</span></label> "
                  "<label><input type=\"radio\" name=\"language\" value=\"ms\"%s> <span lang=\"ms\">Bahasa Melayu</span></label></fieldset>\n",
             ms ? "" : " checked", ms ? " checked" : "");
}

static bool join_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct page *page = page_begin(req, "join", "join.title");
  struct buf *main = page->main;
  bool back = req->raw && req_form(req, "return_key") != NULL;
  page_para(req, main, "join.lead");
  page_form(req, main, "/j", "join", back ? NULL : refused);
  field(req, main, &(struct input){"code", "text", "join.code", "join.code-help", req->raw ? req_form(req, "code") : req_query(req, "k"), "off"});
  field(req, main, &(struct input){"name", "text", "join.name", "join.name-help", req->raw ? req_form(req, "name") : NULL, "name"});
  languages(req, main);
  submit(req, main, "join.do");
  buf_str(main, "<h2>");
  page_words(req, main, "return.title", NULL);
  buf_str(main, "</h2>\n");
  page_form(req, main, "/j", "return", back ? refused : NULL);
  field(req, main, &(struct input){"return_key", "text", "return.key", "return.key-help", NULL, "off"});
  submit(req, main, "return.do");
  return page_again(req, page, out, refused, err);
}

static bool join_get(struct req *req, struct reply *out, struct err *err) { return join_page(req, out, NULL, err); }

/* The return key is shown on this one page, never again: only its hash is kept. */
static bool key_page(struct req *req, struct reply *out, const struct login *login, const char *key, struct err *err) {
  req->viewer = login->viewer;
  snprintf(req->csrf, sizeof req->csrf, "%s", login->csrf);
  struct page *page = page_begin(req, "join", "return.yours");
  struct buf *main = page->main;
  buf_str(main, "<section class=\"once\"><p>");
  page_words(req, main, "return.keep", NULL);
  buf_str(main, "</p>\n<p><code class=\"code\" data-copy>");
  buf_html(main, key);
  buf_str(main, "</code></p>\n<p><a class=\"button primary\"");
  page_attribute(main, "href", safe_path(req_form(req, "next")));
  buf_str(main, ">");
  page_words(req, main, "return.on", NULL);
  buf_str(main, "</a></p></section>\n");
  return page_reply(req, page, out, err);
}

static bool join_post(struct req *req, struct reply *out, struct err *err) {
  struct web_join join = {req_form(req, "code"), req_form(req, "name"), req_form(req, "language"), req_form(req, "return_key")};
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  struct login login;
  char key[32];
  if (!web_join(req, &join, &login, key, refused)) return join_page(req, out, refused, err);
  out->set_cookie[0] = auth_cookie(req, &login);
  return *key ? key_page(req, out, &login, key, err) : page_see_other(req, out, safe_path(req_form(req, "next")));
}

/* --- signing in, out; the first administrator ----------------------------------------------------------------------------------------------------- */
static bool signin_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct page *page = page_begin(req, "signin", "signin.title");
  struct buf *main = page->main;
  page_para(req, main, "signin.lead");
  if (req->house->plain_http && req->house->beyond_loopback) {
    buf_str(main, "<p class=\"note\" data-tone=\"warn\">");
    page_words(req, main, "signin.plain-http", NULL);
    buf_str(main, "</p>\n");
  }
  page_form(req, main, "/signin", "signin", refused);
  field(req, main, &(struct input){"name", "text", "signin.name", NULL, req->raw ? req_form(req, "name") : NULL, "username"});
  field(req, main, &(struct input){"password", "password", "signin.password", NULL, NULL, "current-password"});
  submit(req, main, "signin.do");
  return page_again(req, page, out, refused, err);
}

static bool signin_get(struct req *req, struct reply *out, struct err *err) { return signin_page(req, out, NULL, err); }

static bool signin_post(struct req *req, struct reply *out, struct err *err) {
  const char *name = req_form(req, "name"), *password = req_form(req, "password");
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  struct login login;
  if (!people_sign_in(req->house->people, name ? name : "", password ? password : "", req->address, req->viewer.lang, &login, refused))
    return signin_page(req, out, refused, err);
  out->set_cookie[0] = auth_cookie(req, &login);
  return page_see_other(req, out, safe_path(req_form(req, "next")));
}

static bool signout_post(struct req *req, struct reply *out, struct err *err) {
  if (!people_sign_out(req->house->people, &req->viewer, err)) return false;
  live_drop_login(req->house->live, req->viewer.login);
  out->set_cookie[0] = auth_cookie_gone(req);
  return page_see_other(req, out, "/");
}

static bool setup_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  if (!read) return false;
  struct page *page = page_begin(req, "setup", "setup.title");
  struct buf *main = page->main;
  if (!people_need_setup(req->house->people, read)) {
    page_para(req, main, "setup.done");
    return page_again(req, page, out, refused, err);
  }
  page_para(req, main, "setup.lead");
  page_form(req, main, "/setup", "setup", refused);
  const char *key = req->raw ? req_form(req, "key") : req_query(req, "k");
  buf_str(main, "<input type=\"hidden\" name=\"key\"");
  page_attribute(main, "value", key ? key : "");
  buf_str(main, ">\n");
  field(req, main, &(struct input){"name", "text", "signin.name", "setup.name-help", req->raw ? req_form(req, "name") : NULL, "username"});
  field(req, main, &(struct input){"password", "password", "signin.password", "setup.password-help", NULL, "new-password"});
  submit(req, main, "setup.do");
  page->nonce = NULL;
  if (!page_again(req, page, out, refused, err)) return false;
  out->private_ = true;                 /* the key stands in the page */
  out->etag = NULL;
  return true;
}

static bool setup_get(struct req *req, struct reply *out, struct err *err) { return setup_page(req, out, NULL, err); }

static bool setup_post(struct req *req, struct reply *out, struct err *err) {
  const char *key = req_form(req, "key"), *name = req_form(req, "name"), *password = req_form(req, "password");
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  struct login login;
  if (!people_setup(req->house->people, key ? key : "", name ? name : "", password ? password : "", req->address, req->viewer.lang, &login, refused))
    return setup_page(req, out, refused, err);
  out->set_cookie[0] = auth_cookie(req, &login);
  return page_see_other(req, out, "/workshops");
}

static bool language_post(struct req *req, struct reply *out, struct err *err) {
  enum lang lang;
  if (!lang_parse(req_form(req, "language"), &lang)) return err_set(err, ERR_INVALID, "people.language", NULL);
  return web_language(req, lang, out, err) && page_see_other(req, out, safe_path(req_form(req, "back")));
}

/* --- staff ---------------------------------------------------------------------------------------------------------------------------------------- */
static void workshop_row(struct req *req, struct buf *out, const struct tree *row) {
  const char *code = tree_text_or(row, "code", "");
  buf_str(out, "<tr><th scope=\"row\">");
  buf_html(out, tree_text_or(row, "name", ""));
  buf_str(out, "</th><td>");
  if (*code) {
    const char *link = web_join_link(req, code);
    buf_str(out, "<code class=\"code\" data-copy>");
    buf_html(out, code);
    buf_str(out, "</code></td><td><a");
    page_attribute(out, "href", link);
    buf_str(out, ">");
    buf_html(out, link);
    buf_str(out, "</a></td><td>");
    page_moment(out, tree_int(row, "until_ms", 0));
  } else {
    page_words(req, out, "workshops.closed", NULL);
    buf_str(out, "</td><td></td><td>");
  }
  buf_printf(out, "</td><td>%lld</td><td>", (long long)tree_int(row, "people", 0));
  if (*code) {
    buf_str(out, "<form method=\"post\" action=\"/workshops\">");
    page_token(req, out);
    buf_str(out, "<input type=\"hidden\" name=\"close\"");
    page_attribute(out, "value", tree_text_or(row, "id", ""));
    buf_str(out, "><button class=\"danger\">");
    page_words(req, out, "workshops.close", NULL);
    buf_str(out, "</button></form>");
  }
  buf_str(out, "</td></tr>\n");
}

static bool workshops_page(struct req *req, struct reply *out, const struct err *refused, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  if (!read) return false;
  struct page *page = page_begin(req, "workshops", "workshops.title");
  struct buf *main = page->main;
  const struct tree *list = people_workshops(req->house->people, read, &req->viewer, req->arena);
  page_para(req, main, "workshops.lead");
  page_form(req, main, "/workshops", "workshop", refused);
  const char *hours = req->raw ? req_form(req, "hours") : NULL;
  field(req, main, &(struct input){"name", "text", "workshops.name", "workshops.name-help", req->raw ? req_form(req, "name") : NULL, "off"});
  field(req, main, &(struct input){"hours", "number", "workshops.hours", "workshops.hours-help", hours ? hours : "12", "off"});
  submit(req, main, "workshops.open");
  if (!list || !list->count) {
    page_para(req, main, "workshops.none");
    return page_again(req, page, out, refused, err);
  }
  static const char *const columns[] = {"workshops.name", "workshops.code", "workshops.link", "workshops.until", "workshops.people", "workshops.end"};
  buf_str(main, "<table class=\"grades\"><caption>");
  page_words(req, main, "workshops.title", NULL);
  buf_str(main, "</caption><thead><tr>");
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    buf_str(main, "<th scope=\"col\">");
    page_words(req, main, columns[i], NULL);
    buf_str(main, "</th>");
  }
  buf_str(main, "</tr></thead><tbody>\n");
  TREE_EACH(row, list) workshop_row(req, main, row);
  buf_str(main, "</tbody></table>\n");
  return page_again(req, page, out, refused, err);
}

static bool workshops_get(struct req *req, struct reply *out, struct err *err) { return workshops_page(req, out, NULL, err); }

static bool workshops_post(struct req *req, struct reply *out, struct err *err) {
  const char *shut = req_form(req, "close"), *name = req_form(req, "name"), *hours = req_form(req, "hours");
  struct err *refused = arena_alloc(req->arena, sizeof *refused);
  char id[ID_SIZE], code[16];
  int64_t number = WEB_WORKSHOP_HOURS;
  bool ok;
  if (shut) ok = people_close_workshop(req->house->people, &req->viewer, shut, refused);
  else if (hours && *hours && (!http_length_parse(hours, &number) || number > 10000)) ok = err_set(refused, ERR_INVALID, "workshops.hours-wrong", NULL);
  else ok = people_workshop(req->house->people, &req->viewer, name ? name : "", (int)number, id, code, refused);
  return ok ? page_see_other(req, out, "/workshops") : workshops_page(req, out, refused, err);
}

const struct route page_form_routes[] = {
  {GET, "/j", NEED_ANYONE, PAGE, NULL, NULL, join_get, "Join a workshop: the form; ?k= fills the code in"},
  {POST, "/j", NEED_ANYONE, PAGE | BODY_FORM | BODY_SMALL | NO_ORIGIN_TOKEN, NULL, NULL, join_post, "Join, without scripts"},
  {GET, "/signin", NEED_ANYONE, PAGE, NULL, NULL, signin_get, "Sign in: the form"},
  {POST, "/signin", NEED_ANYONE, PAGE | BODY_FORM | BODY_SMALL | NO_ORIGIN_TOKEN, NULL, NULL, signin_post, "Sign in, without scripts"},
  {POST, "/signout", NEED_LEARNER, PAGE | BODY_FORM | BODY_SMALL, NULL, NULL, signout_post, "Sign out"},
  {GET, "/setup", NEED_ANYONE, PAGE, NULL, NULL, setup_get, "The first administrator: the form behind the one-time link"},
  {POST, "/setup", NEED_ANYONE, PAGE | BODY_FORM | BODY_SMALL | NO_ORIGIN_TOKEN, NULL, NULL, setup_post, "The first administrator, without scripts"},
  {POST, "/language", NEED_ANYONE, PAGE | BODY_FORM | BODY_SMALL, NULL, NULL, language_post, "Another language"},
  {GET, "/workshops", NEED_INSTRUCTOR, PAGE, NULL, NULL, workshops_get, "Workshops: open one, see codes and links, close one"},
  {POST, "/workshops", NEED_INSTRUCTOR, PAGE | BODY_FORM | BODY_SMALL, NULL, NULL, workshops_post, "Open or close a workshop, without scripts"},
  {0}};
