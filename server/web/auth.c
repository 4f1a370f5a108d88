/* auth: who asks. The cookie is 256 random bits, of which the store keeps a hash; over TLS its name is __Host-makmal, over plain HTTP makmal, never both.
 * All it needs stands in the request; what it keeps, in the request's arena. */
#include "web/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/wallclock.h"
#include "domain/people.h"
#include "web/house.h"

static bool secure(const struct req *req) { return !strcmp(req->scheme, "https"); }
static const char *cookie_name(const struct req *req) { return secure(req) ? "__Host-makmal" : "makmal"; }

enum lang auth_accept_language(const char *value) {
  enum lang best = LANG_EN;
  double best_weight = 0;
  while (value && *value) {
    value += strspn(value, " ,\t");
    size_t n = strcspn(value, ",");
    char part[64];
    snprintf(part, sizeof part, "%.*s", (int)(n < sizeof part ? n : sizeof part - 1), value);
    double weight = 1;
    char *q = strchr(part, ';');
    if (q) {
      *q++ = 0;
      q += strspn(q, " ");
      if (!strncmp(q, "q=", 2)) weight = atof(q + 2);
    }
    part[strcspn(part, " ")] = 0;
    for (char *c = part; *c; c++) if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    enum lang lang;
    if (weight > best_weight && lang_parse(part, &lang)) {
      best = lang;
      best_weight = weight;
    }
    value += n;
  }
  return best;
}

enum lang auth_language(struct req *req) {
  enum lang lang;
  const char *chosen = req_cookie(req, "makmal-language");
  return chosen && lang_parse(chosen, &lang) ? lang : auth_accept_language(req_header(req, "Accept-Language"));
}

bool auth_viewer(struct req *req, struct err *err) {
  const char *cookie = req_cookie(req, cookie_name(req));
  if (!cookie || strlen(cookie) != LOGIN_COOKIE - 1 || !req->house->people) return true;
  struct db_read *read = req_read(req, err);
  if (!read) return false;
  struct viewer viewer = {.lang = req->viewer.lang};
  if (!people_viewer(req->house->people, read, cookie, &viewer, req->csrf, err)) return false;
  if (viewer.role == ROLE_NONE) {
    req->csrf[0] = 0;
    return true;
  }
  req->viewer = viewer;
  return true;
}

bool auth_still(struct req *req) {
  const char *cookie = req_cookie(req, cookie_name(req));
  struct viewer viewer = {0};
  char csrf[65];
  if (!cookie || !req->house->people) return true;
  struct db_read *read = req_read_again(req, NULL);
  bool still = !read || !people_viewer(req->house->people, read, cookie, &viewer, csrf, NULL) || viewer.role != ROLE_NONE;
  req_read_end(req);
  return still;
}

bool auth_origin(const struct req *req, struct err *err) {
  const char *origin = req_header(req, "Origin"), *site = req_header(req, "Sec-Fetch-Site");
  size_t scheme = strlen(req->scheme);
  bool own = origin && !strncmp(origin, req->scheme, scheme) && !strncmp(origin + scheme, "://", 3) && !strcasecmp(origin + scheme + 3, req->host);
  if (own && (!site || !strcmp(site, "same-origin") || !strcmp(site, "none"))) return true;
  return err_set(err, ERR_DENIED, "csrf.origin", "Origin %.100s, Sec-Fetch-Site %.20s", origin ? origin : "missing", site ? site : "-");
}

bool auth_token(struct req *req, struct err *err) {
  const char *token = req_header(req, "X-Makmal-Token");
  if (!token) token = req_form(req, "token");
  size_t n = strlen(req->csrf);
  if (n && token && strlen(token) == n && secret_equal(token, req->csrf, n)) return true;
  return err_set(err, ERR_DENIED, "csrf.token", token ? "another token" : "no token");
}

const char *auth_cookie(struct req *req, const struct login *login) {
  int64_t seconds = (login->until_ms - wall_ms()) / 1000;
  return arena_printf(req->arena, "%s=%s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s", cookie_name(req), login->cookie, (long long)(seconds > 0 ? seconds : 0),
                      secure(req) ? "; Secure" : "");
}

const char *auth_cookie_gone(struct req *req) {
  return arena_printf(req->arena, "%s=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0%s", cookie_name(req), secure(req) ? "; Secure" : "");
}

const char *auth_cookie_language(struct req *req, enum lang lang) {
  return arena_printf(req->arena, "makmal-language=%s; Path=/; SameSite=Lax; Max-Age=31536000%s", lang_code(lang), secure(req) ? "; Secure" : "");
}
