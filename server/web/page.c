/* page: the shell. One buffer, one write; without a login the bytes are the same for everybody, so they carry an ETag and answer 304.
 * Texts come from the edition's words; nothing a person typed is ever written unescaped. */
#include "web/page.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/cluster.h"
#include "domain/people.h"
#include "web/asset.h"
#include "web/house.h"
#include "web/page_kept.h"
#include "web/route.h"

struct page *page_new(struct req *req) {
  struct page *page = arena_alloc(req->arena, sizeof *page);
  page->main = arena_alloc(req->arena, sizeof *page->main);
  buf_init_arena(page->main, req->arena, PAGE_MAX);
  return page;
}

const char *page_nonce(struct req *req, struct page *page) {
  if (page->nonce) return page->nonce;
  unsigned char bytes[16];
  char *text = arena_alloc(req->arena, 33);
  secret_random(bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  return page->nonce = text;
}

void page_words(struct req *req, struct buf *out, const char *key, const struct tree *params) { buf_html(out, req_words(req, key, params)); }

void page_token(struct req *req, struct buf *out) {
  if (!*req->csrf) return;
  buf_str(out, "<input type=\"hidden\" name=\"token\" value=\"");
  buf_html(out, req->csrf);
  buf_str(out, "\">");
}

/* --- parts of the shell --------------------------------------------------------------------------------------------------------------------------- */
static void meta(struct req *req, struct buf *out) {
  if (req->viewer.role == ROLE_NONE) return;
  buf_str(out, "<meta name=\"makmal-token\" content=\"");
  buf_html(out, req->csrf);
  buf_str(out, "\">\n<meta name=\"makmal-viewer\" content=\"");
  struct tree *viewer = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, viewer, "id", req->viewer.person);
  tree_put_text(req->arena, viewer, "name", req->viewer.name);
  tree_put_text(req->arena, viewer, "role", role_name(req->viewer.role));
  struct buf *json = arena_alloc(req->arena, sizeof *json);
  buf_init_arena(json, req->arena, 4096);
  tree_write_plain(json, viewer);
  buf_html(out, json->data);
  buf_str(out, "\">\n");
}

static void asset(struct req *req, struct buf *out, const char *before, const char *entry, const char *after) {
  const char *url = assets_url(req->house->assets, entry);
  if (!url) return;
  buf_str(out, before);
  buf_html(out, url);
  buf_str(out, after);
}

static void head(struct req *req, const struct page *page, struct buf *out) {
  buf_printf(out, "<!doctype html>\n<html lang=\"%s\" data-theme=\"auto\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>", lang_code(req->viewer.lang));
  buf_html(out, page->title ? page->title : "");
  buf_str(out, page->title ? " · Makmal</title>\n" : "Makmal</title>\n");
  meta(req, out);
  const char *words = req->viewer.lang == LANG_MS ? "words.ms.js" : "words.en.js";
  const char *lab_words = req->viewer.lang == LANG_MS ? "words.lab.ms.js" : "words.lab.en.js";
  asset(req, out, "<script src=\"", "theme.js", "\"></script>\n");
  asset(req, out, "<link rel=\"stylesheet\" href=\"", "app.css", "\">\n");
  asset(req, out, "<link rel=\"stylesheet\" href=\"", page->style, "\">\n");
  asset(req, out, "<link rel=\"icon\" type=\"image/svg+xml\" href=\"", "icon.svg", "\">\n");
  asset(req, out, "<link rel=\"modulepreload\" href=\"", words, "\">\n");
  if (page->script) {
    asset(req, out, "<link rel=\"modulepreload\" href=\"", page->script, "\">\n");
    if (!strcmp(page->script, "lab.js")) asset(req, out, "<link rel=\"modulepreload\" href=\"", lab_words, "\">\n");
  }
  asset(req, out, "<script type=\"module\" src=\"", "app.js", "\"></script>\n");
  buf_str(out, "</head>\n");
}

static void nav_entry(struct req *req, struct buf *out, const char *href, const char *key, bool current) {
  buf_printf(out, "<a href=\"%s\"%s>", href, current ? " aria-current=\"page\"" : "");
  page_words(req, out, key, NULL);
  buf_str(out, "</a>");
}

static bool is(const struct page *page, const char *section) { return page->section && !strcmp(page->section, section); }

/* Where a form leads back to: this page, if it can be asked for anew. */
static void back(struct req *req, struct buf *out) {
  buf_str(out, "<input type=\"hidden\" name=\"back\" value=\"");
  buf_html(out, req->method == GET && http_path_ok(req->path) ? req->path : "/");
  buf_str(out, "\">");
}

static void language_switch(struct req *req, struct buf *out) {
  buf_str(out, "<form class=\"switch\" method=\"post\" action=\"/language\" aria-label=\"");
  page_words(req, out, "shell.language", NULL);
  buf_str(out, "\">");
  page_token(req, out);
  back(req, out);
  bool ms = req->viewer.lang == LANG_MS;
  buf_printf(out, "<button name=\"language\" value=\"en\" lang=\"en\" aria-pressed=\"%s\" aria-label=\"English\">EN</button>"
                  "<button name=\"language\" value=\"ms\" lang=\"ms\" aria-pressed=\"%s\" aria-label=\"Bahasa Melayu\">BM</button></form>\n", ms ? "false" : "true", ms ? "true" : "false");
}

static void bar(struct req *req, const struct page *page, struct buf *out) {
  bool signed_in = req->viewer.role != ROLE_NONE, staff = viewer_is(&req->viewer, ROLE_INSTRUCTOR);
  buf_str(out, "<a class=\"skip\" href=\"#text\">");
  page_words(req, out, "shell.skip", NULL);
  buf_str(out, "</a>\n<header class=\"bar\"><a class=\"brand\" href=\"/\">Makmal</a>\n<nav aria-label=\"");
  page_words(req, out, "shell.nav", NULL);
  buf_str(out, "\">");
  nav_entry(req, out, "/", "shell.courses", is(page, "courses"));
  if (signed_in) nav_entry(req, out, "/me", "shell.me", is(page, "me"));
  nav_entry(req, out, "/j", "shell.join", is(page, "join"));
  if (staff) {
    nav_entry(req, out, "/workshops", "shell.workshops", is(page, "workshops"));
    nav_entry(req, out, "/regrades", "shell.regrades", is(page, "regrades"));
    nav_entry(req, out, "/status", "shell.status", is(page, "status"));
  }
  buf_str(out, "</nav>\n<div class=\"bar-end\">");
  language_switch(req, out);
  buf_str(out, "<div data-slot=\"theme\"></div>\n");
  if (signed_in) {
    buf_str(out, "<span class=\"who\">");
    buf_html(out, req->viewer.name);
    buf_str(out, "</span><form method=\"post\" action=\"/signout\">");
    page_token(req, out);
    buf_str(out, "<button class=\"quiet\">");
    page_words(req, out, "shell.sign-out", NULL);
    buf_str(out, "</button></form>");
  } else {
    nav_entry(req, out, "/signin", "shell.sign-in", is(page, "signin"));
  }
  buf_str(out, "</div></header>\n");
}

/* One line about the cluster, as it is now; the script keeps it live. */
void page_cluster_line(struct req *req, struct buf *out) {
  struct cluster_status now = {.state = CLUSTER_NONE};
  if (req->house->cluster) cluster_status(req->house->cluster, &now);
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, "version", now.version);
  tree_put_int(req->arena, params, "percent", now.percent);
  tree_put_text(req->arena, params, "program", *now.program ? now.program : "…");
  tree_put_int(req->arena, params, "done", now.parts_done);
  tree_put_int(req->arena, params, "of", now.parts_total);
  if (*now.why) tree_put_text(req->arena, params, "why", req_words(req, now.why, NULL));
  static const char *const keys[] = {[CLUSTER_NONE] = "page.cluster.none", [CLUSTER_BUILDING] = "page.cluster.building", [CLUSTER_STARTING] = "page.cluster.starting",
                                     [CLUSTER_READY] = "page.cluster.ready", [CLUSTER_AWAY] = "page.cluster.silent", [CLUSTER_BROKEN] = "page.cluster.broken"};
  const char *key = now.state == CLUSTER_BROKEN && !*now.why ? "page.cluster.broken-plain" : now.state == CLUSTER_READY && *now.program ? "page.cluster.ready-building" : keys[now.state];
  page_words(req, out, key, params);
}

static void foot(struct req *req, struct buf *out) {
  buf_str(out, "<footer class=\"foot\"><span data-slot=\"cluster\">");
  page_cluster_line(req, out);
  buf_str(out, "</span>");
  if (req->house->plain_http && req->house->beyond_loopback) {
    buf_str(out, "<span class=\"plain-http\">");
    page_words(req, out, "shell.plain-http", NULL);
    buf_str(out, "</span>");
  }
  buf_str(out, "</footer>\n");
}

static void write_page(struct req *req, struct page *page, struct reply *out) {
  out->body = arena_alloc(req->arena, sizeof *out->body);
  buf_init_arena(out->body, req->arena, PAGE_MAX + 65536);
  head(req, page, out->body);
  buf_printf(out->body, "<body data-page=\"%s\">\n", page->section ? page->section : "page");
  bar(req, page, out->body);
  buf_printf(out->body, "<main id=\"text\" tabindex=\"-1\"%s>\n", page->wide ? " class=\"wide\"" : "");
  buf_add(out->body, page->main->data, page->main->len);
  buf_str(out->body, "\n</main>\n");
  foot(req, out->body);
  buf_str(out->body, "</body></html>\n");
  out->content_type = "text/html; charset=utf-8";
  out->nonce = page->nonce;
}

/* Eight bytes at a time; nobody gains by a collision with a page of ours. */
static const char *tag_of(struct arena *arena, const struct buf *body) {
  const uint64_t odd = 0x9E3779B97F4A7C15u;
  uint64_t h = body->len * odd, word;
  size_t i = 0;
  for (; i + 8 <= body->len; i += 8) {
    memcpy(&word, body->data + i, 8);
    h = (h ^ word) * odd;
    h ^= h >> 29;
  }
  for (; i < body->len; i++) h = (h ^ (unsigned char)body->data[i]) * odd;
  return arena_printf(arena, "\"%016llx\"", (unsigned long long)(h ^ h >> 32));
}

bool page_reply(struct req *req, struct page *page, struct reply *out, struct err *err) {
  if (page->moved) {
    out->status = 301;
    out->location = page->moved;
    out->content_type = "text/plain; charset=utf-8";
    out->bytes = "";
    return true;
  }
  if (page->main->over) return err_set(err, ERR_BUG, "http.page-large", "the page %s is past its cap", req->path);
  write_page(req, page, out);
  if (req->viewer.role != ROLE_NONE || page->nonce) {
    out->private_ = true;
  } else {
    out->cache = "no-cache";
    out->etag = tag_of(req->arena, out->body);
  }
  return true;
}

void page_error(struct req *req, const struct err *err, int status, struct reply *out) {
  struct page *page = page_new(req);
  struct tree *params = tree_new(req->arena, TREE_MAP);
  for (int i = 0; i < err->params; i++) tree_set(req->arena, params, err->param[i].name, tree_string(req->arena, err->param[i].value));
  const char *title = status == 404 ? "error.missing" : status == 401 || status == 403 ? "error.denied" : status == 429 ? "error.later" : status >= 500 ? "error.ours" : "error.wrong";
  page->title = req_words(req, title, NULL);
  page->section = "error";
  struct buf *main = page->main;
  buf_str(main, "<h1>");
  page_words(req, main, title, NULL);
  buf_str(main, "</h1>\n<p>");
  page_words(req, main, err->key, params);
  buf_str(main, "</p>\n<p>");
  if (err->code == ERR_LOGIN) {
    struct buf *next = arena_alloc(req->arena, sizeof *next);
    buf_init_arena(next, req->arena, 4096);
    if (req->method == GET && http_path_ok(req->path)) buf_printf(next, "?next=%s", req->path);
    buf_str(main, "<a class=\"button primary\" href=\"/j");
    buf_html(main, next->data);
    buf_str(main, "\">");
    page_words(req, main, "shell.join", NULL);
    buf_str(main, "</a> <a class=\"button\" href=\"/signin");
    buf_html(main, next->data);
    buf_str(main, "\">");
    page_words(req, main, "shell.sign-in", NULL);
  } else {
    buf_str(main, "<a class=\"button\" href=\"/\">");
    page_words(req, main, "error.home", NULL);
  }
  buf_str(main, "</a></p>\n<p class=\"facts\">");
  struct tree *id = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, id, "request", req->id);
  page_words(req, main, "error.request", id);
  buf_str(main, "</p>");
  write_page(req, page, out);
}

/* --- the course: bodies by page_course.c ---------------------------------------------------------------------------------------------------------- */
static bool course_page(struct req *req, struct reply *out, const char *section, bool (*fill)(struct req *, struct page *, struct err *), struct err *err) {
  if (page_kept_find(req, out)) return true;
  struct page *page = page_new(req);
  page->section = section;
  if (!fill(req, page, err) || !page_reply(req, page, out, err)) return false;
  page_kept_add(req, out);
  return true;
}
static bool home_page(struct req *req, struct reply *out, struct err *err) { return course_page(req, out, "courses", page_home, err); }
static bool module(struct req *req, struct reply *out, struct err *err) { return course_page(req, out, "module", page_module, err); }
static bool lab(struct req *req, struct reply *out, struct err *err) { return course_page(req, out, "lab", page_lab, err); }
static bool me(struct req *req, struct reply *out, struct err *err) { return course_page(req, out, "me", page_me, err); }

const struct route page_routes[] = {
  {GET, "/", NEED_ANYONE, PAGE, NULL, NULL, home_page, "The catalogue"},
  {GET, "/learn/{module}", NEED_ANYONE, PAGE, NULL, NULL, module, "A module"},
  {GET, "/lab/{lab}", NEED_ANYONE, PAGE, NULL, NULL, lab, "A lab"},
  {GET, "/me", NEED_LEARNER, PAGE, NULL, NULL, me, "My progress"},
  {0}};
