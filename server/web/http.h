/* http: the only room that knows CivetWeb. A request under caps and one total deadline; one reply in one write. Refuses what reliability.md 3 lists
 * (TE, doubled or signed CL, foreign Host, %00, %2F, "..", absolute URI, Upgrade, > 62 headers) before anybody else sees it. */
#ifndef MAKMAL_WEB_HTTP_H
#define MAKMAL_WEB_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/words.h"
#include "domain/viewer.h"
struct arena; struct buf; struct err; struct tree; struct route; struct house; struct db_read;

enum method { GET = 1, POST = 2, PUT = 4, PATCH = 8, DELETE = 16, HEAD = 32 };

struct req {
  struct arena *arena;
  struct house *house;                  /* the opened rooms (web/house.h) */
  enum method method;
  const char *path;                     /* as sent, checked */
  const char *query;                    /* "" when none; never logged */
  char id[ID_SIZE];                     /* request id, sent as X-Request-Id */
  char address[64];                     /* the client's (through listed proxies only) */
  const char *host, *scheme;            /* as the browser sees us */
  const struct route *route;
  const char *param[4];                 /* {attempt} … in the order of the pattern */
  struct viewer viewer;                 /* filled by the gate; role NONE when not signed in */
  struct tree *body;                    /* JSON body, bound by the gate; NULL when the route has none */
  const char *raw; size_t raw_length;   /* form or raw bodies */
  int64_t begun_us;
  void *connection;                     /* http.c's own */
};
const char *req_header(const struct req *req, const char *name);      /* NULL when absent */
const char *req_query(struct req *req, const char *name);             /* decoded, NULL when absent */
const char *req_form(struct req *req, const char *name);              /* of an urlencoded body */

struct reply {
  int status;                           /* 0: 200 */
  const char *content_type;             /* NULL: application/json; charset=utf-8 */
  struct buf *body;                     /* in the request's arena; or static bytes: */
  const char *bytes; size_t length;
  bool private_;                        /* Cache-Control: no-store (the default for the API) */
  const char *cache;                    /* else this Cache-Control */
  const char *etag;
  const char *location;
  const char *set_cookie;
  const char *disposition;              /* Content-Disposition for downloads */
  const char *encoding;                 /* "gzip" */
  const char *nonce;                    /* style nonce for the CSP of editor pages, or NULL */
  struct tree *json;                    /* body as a tree; written by the gate */
};
#endif
