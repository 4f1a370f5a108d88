/* people_web: see the header. */
#include "web/people_web.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "domain/people.h"
#include "web/auth.h"
#include "web/house.h"

bool web_join(struct req *req, const struct web_join *join, struct login *out, char out_key[32], struct err *err) {
  enum lang lang = req->viewer.lang;
  if (join->language && !lang_parse(join->language, &lang)) return err_set(err, ERR_INVALID, "people.language", NULL);
  out_key[0] = 0;
  if (join->return_key && !join->code && !join->name) return people_return(req->house->people, join->return_key, req->address, lang, out, err);
  if (join->return_key || !join->code || !join->name) return err_set(err, ERR_INVALID, "join.form", NULL);
  return people_join(req->house->people, join->code, join->name, req->address, lang, out, out_key, err);
}

bool web_language(struct req *req, enum lang lang, struct reply *out, struct err *err) {
  if (req->viewer.role != ROLE_NONE && !people_language(req->house->people, &req->viewer, lang, err)) return false;
  req->viewer.lang = lang;
  out->set_cookie[1] = auth_cookie_language(req, lang);
  return true;
}

const char *web_join_link(struct req *req, const char *code) { return arena_printf(req->arena, "%s://%s/j?k=%s", req->scheme, req->host, code); }
