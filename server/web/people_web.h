/* people_web: what the forms without scripts (page_forms) and the API (api_people) share: a join as it was sent, a language chosen, a workshop's link. */
#ifndef MAKMAL_WEB_PEOPLE_WEB_H
#define MAKMAL_WEB_PEOPLE_WEB_H
#include <stdbool.h>
#include "web/http.h"
#define WEB_WORKSHOP_HOURS 12
struct login;
struct web_join { const char *code, *name, *language, *return_key; };      /* NULL: not sent */
/* By code and name, or by return key alone: INVALID "join.form" when it is neither. out_key: the return key, "" for who came back. */
bool web_join(struct req *req, const struct web_join *join, struct login *out, char out_key[32], struct err *err);
/* Keeps the language with the person, or in a cookie for who is not signed in. */
bool web_language(struct req *req, enum lang lang, struct reply *out, struct err *err);
const char *web_join_link(struct req *req, const char *code);
#endif
