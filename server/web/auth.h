/* auth: the login cookie, the language cookie, Origin and token: who the viewer is, and whether a write may be believed. */
#ifndef MAKMAL_WEB_AUTH_H
#define MAKMAL_WEB_AUTH_H
#include <stdbool.h>
#include "web/http.h"
struct login;
/* Fills req->viewer and req->csrf. Unknown or expired cookie: role NONE and true. False: our fault (database). */
enum lang auth_language(struct req *req);                  /* of who is not signed in: cookie, else Accept-Language */
bool auth_viewer(struct req *req, struct err *err);
/* Still signed in? For streams, now and then: opens its own reader. */
bool auth_still(struct req *req);
/* A write: Origin equal to our own scheme and host, no cross-site fetch; with a login (unless token_needed is false) its token in X-Makmal-Token or
 * the form field `token`. DENIED "csrf.origin", "csrf.token". */
bool auth_origin(const struct req *req, struct err *err);
bool auth_token(struct req *req, struct err *err);
/* Set-Cookie values: sign in, sign out, language of who is not signed in. */
const char *auth_cookie(struct req *req, const struct login *login);
const char *auth_cookie_gone(struct req *req);
const char *auth_cookie_language(struct req *req, enum lang lang);
/* Best of en and ms in an Accept-Language value; LANG_EN when it names neither. */
enum lang auth_accept_language(const char *value);
#endif
