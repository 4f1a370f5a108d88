/* page: the HTML shell (language, theme, navigation, cluster badge) around a main part, and the plain forms: join, sign in, set-up, workshops, status.
 * Everything reads and works without scripts. A page handler of another room fills a struct page and calls page_reply. */
#ifndef MAKMAL_WEB_PAGE_H
#define MAKMAL_WEB_PAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "web/route.h"

#define PAGE_MAX (2u * 1024u * 1024u)

struct page {
  const char *title;            /* plain text; " · Makmal" is added */
  struct buf *main;             /* what stands inside <main id="text">: begin with one <h1> */
  const char *section;          /* "courses", "me", "join", "workshops", "status" …: which entry of the navigation is current; body's data-page */
  const char *script;           /* an entry of the manifest beside app.js, such as "lab.js", or NULL */
  const char *style;            /* such as "lab.css", or NULL */
  const char *nonce;            /* set by page_nonce for pages that load the editor */
  const char *moved;            /* answer 301 to this path instead (an id that was renamed) */
  bool wide;                    /* no text column: <main class="wide"> */
};
/* An empty page on the request's arena. */
struct page *page_new(struct req *req);
/* Draws a style nonce, once; it goes into the CSP and into data-nonce. */
const char *page_nonce(struct req *req, struct page *page);
bool page_reply(struct req *req, struct page *page, struct reply *out, struct err *err);
/* An error as a page in the viewer's language. */
void page_error(struct req *req, const struct err *err, int status, struct reply *out);
/* Hidden field with the login's token, for forms without scripts; "" when not signed in. */
void page_token(struct req *req, struct buf *out);
/* <key> in the viewer's language, escaped. */
void page_words(struct req *req, struct buf *out, const char *key, const struct tree *params);

/* Parts of plain pages (page_forms.c). A page that begins with its title; a paragraph; ` name="value"`; a moment; an answer 303. */
struct page *page_begin(struct req *req, const char *section, const char *title_key);
void page_para(struct req *req, struct buf *out, const char *key);
void page_attribute(struct buf *out, const char *name, const char *value);
void page_moment(struct buf *out, int64_t ms);
bool page_see_other(struct req *req, struct reply *out, const char *where);
/* Opens a form that posts to `action`: token, the place to go on to, and what was refused (or NULL). data: what the page's script knows it by, or NULL. */
void page_form(struct req *req, struct buf *out, const char *action, const char *data, const struct err *refused);
/* page_reply for a form that is shown again: the status says that something was refused. */
bool page_again(struct req *req, struct page *page, struct reply *out, const struct err *refused, struct err *err);

/* One line about the cluster as it is now. */
void page_cluster_line(struct req *req, struct buf *out);
extern const struct route page_routes[], page_form_routes[], page_status_routes[], page_regrade_routes[];
/* What learners ask to have graded again, on the overview of regrades (page_appeal.c). refused: why an answer was not taken, or NULL. */
void page_appeals(struct req *req, struct buf *out, const struct tree *appeals, const struct err *refused);

/* The bodies the catalogue makes (page_course.c): main and title are filled, err for what is not there. */
bool page_home(struct req *req, struct page *page, struct err *err);
bool page_module(struct req *req, struct page *page, struct err *err);      /* req->param[0]: module */
bool page_lab(struct req *req, struct page *page, struct err *err);         /* req->param[0]: lab */
bool page_me(struct req *req, struct page *page, struct err *err);
#endif
