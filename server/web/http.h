/* http: the only room that knows CivetWeb. A request under caps and one total deadline; one reply in one write. Refuses what its parser would let pass
 * (TE, doubled or signed CL, foreign Host, %00, %2F, "..", absolute URI, Upgrade, > 62 headers) before anybody else sees it. */
#ifndef MAKMAL_WEB_HTTP_H
#define MAKMAL_WEB_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/words.h"
#include "domain/viewer.h"
struct arena; struct buf; struct err; struct tree; struct route; struct house; struct db_read; struct edition; struct check_file;

enum method { GET = 1, POST = 2, PUT = 4, PATCH = 8, DELETE = 16, HEAD = 32 };

#define HTTP_HEAD_MAX (16u * 1024u)           /* request line and headers */
#define HTTP_HEADERS_MAX 62                   /* CivetWeb drops those past its 64th in silence */
#define HTTP_URI_MAX 2048
#define HTTP_BODY_SMALL (4u * 1024u)          /* login, join, set-up */
#define HTTP_BODY_JSON (64u * 1024u)
#define HTTP_BODY_FILES (1024u * 1024u)       /* 256 KiB of decoded text, as JSON */
#define HTTP_BODY_IDLE_MS 5000
#define HTTP_BODY_TOTAL_MS 30000
#define HTTP_WRITE_TOTAL_MS 60000             /* of one reply, or one piece of a stream */
#define HTTP_REPLY_MAX (16u * 1024u * 1024u)

struct req {
  struct arena *arena;
  struct house *house;                  /* the opened rooms (web/house.h) */
  enum method method;
  const char *path;                     /* as sent, checked */
  const char *query;                    /* "" when none; never logged */
  char id[ID_SIZE];                     /* request id, sent as X-Request-Id */
  char address[64];                     /* the client's (through listed proxies only) */
  const char *host, *scheme;            /* as the browser sees us: "10.0.0.5:8080", "http" */
  const struct route *route;
  const char *param[4];                 /* {attempt} … in the order of the pattern */
  struct viewer viewer;                 /* filled by the gate; role NONE when not signed in; lang is always right */
  char csrf[65];                        /* the login's token; "" when not signed in */
  struct tree *body;                    /* JSON body, bound by the gate; NULL when the route has none */
  const char *raw; size_t raw_length;   /* form or raw bodies */
  int64_t body_length;                  /* as told; -1: none was told */
  int64_t begun_us;
  void *connection;                     /* http.c's own */
  struct db_read *read_;                /* gate's own: use req_read */
  const struct edition *edition_;       /* gate's own: use req_edition */
};
const char *req_header(const struct req *req, const char *name);      /* NULL when absent */
const char *req_cookie(struct req *req, const char *name);            /* NULL when absent */
const char *req_query(struct req *req, const char *name);             /* decoded, NULL when absent */
const char *req_form(struct req *req, const char *name);              /* of an urlencoded body; NULL when absent */

/* What a handler may lean on (gate.c). The reader and the edition are opened when first asked for and closed by the gate.
 * A reader does not see what was written after it was opened: write first, then req_read, or req_read_again after a write. NULL: err is set. */
struct db_read *req_read(struct req *req, struct err *err);
struct db_read *req_read_again(struct req *req, struct err *err);
void req_read_end(struct req *req);                                   /* earlier than the gate would */
const struct edition *req_edition(struct req *req);                   /* NULL while there is no catalogue */
/* A sentence in the viewer's language; params a map or NULL. Never NULL: without words, the key. */
const char *req_words(struct req *req, const char *key, const struct tree *params);
/* body.files → [{name, text | base64}]: at most 20, 256 KiB decoded, names [a-z0-9._-]{1,64}, each once. Flag BODY_FILES. */
bool req_files(struct req *req, const struct check_file **out, size_t *out_count, struct err *err);

struct reply {
  int status;                           /* 0: 200 (or 204 when there is no body at all) */
  const char *content_type;             /* NULL: application/json; charset=utf-8 */
  struct buf *body;                     /* in the request's arena; or static bytes: */
  const char *bytes; size_t length;
  bool private_;                        /* Cache-Control: no-store (the default for the API) */
  const char *cache;                    /* else this Cache-Control */
  const char *etag;                     /* quoted; with a matching If-None-Match the gate answers 304 */
  const char *location;
  const char *set_cookie[2];            /* whole Set-Cookie values */
  const char *disposition;              /* Content-Disposition for downloads */
  const char *encoding;                 /* "gzip" */
  bool vary_encoding;                   /* Vary: Accept-Encoding */
  const char *nonce;                    /* style nonce for the CSP of editor pages, or NULL */
  const char *allow;                    /* Allow, with 405 */
  int retry_after_s;
  struct tree *json;                    /* body as a tree; written by the gate */
  bool streamed;                        /* the handler wrote the answer itself (req_stream_*) */
  bool close;                           /* Connection: close */
};

/* A reply that has no end yet: head now, then pieces. Writes block for 5 s at most. False: the client is gone. */
bool req_stream_begin(struct req *req, const char *content_type);
bool req_stream_write(struct req *req, const void *bytes, size_t length);

/* --- the server (http.c) --------------------------------------------------------------------------------------------------------------------- */
struct http;
struct http_spec {
  const char *listen; int port;         /* address (IPv4, or IPv6 without brackets) and port; port 0: any free one */
  int threads;
  const char *const *names; size_t name_count;      /* hosts we answer to beside addresses, localhost and the machine's own name */
  const char *const *proxies; size_t proxy_count;   /* addresses whose X-Forwarded-* count */
};
/* Errors: UNAVAILABLE "http.port" (taken; params address, port), "http.right" (port below 1024), "http.address". No TLS of its own: CivetWeb 1.15 with OpenSSL 3
 * (Debian 12) calls a function that is not there at the first connection, and dies; a proxy in front speaks TLS. */
bool http_open(const struct http_spec *spec, struct house *house, struct http **out, struct err *err);
/* The same errors, before anything is opened. */
bool http_port_free(const struct http_spec *spec, struct err *err);
int http_port(const struct http *http);
const char *http_library_version(void);
/* Refuses new connections, then waits until what runs has ended (streams included: live_bye ends them), at most so long. house->draining must be set. */
void http_drain(struct http *http, int within_ms);
/* Cuts what still runs, frees. */
void http_close(struct http *http);
/* For the gate: reads the whole body under HTTP_BODY_IDLE_MS and HTTP_BODY_TOTAL_MS, or fails: INVALID "http.slow" (408). Never a shorter one. */
bool http_body_read(struct req *req, size_t length, struct err *err);
/* Head of a reply as it is sent (status line, security headers, blank line). */
void http_head(struct buf *out, const struct req *req, const struct reply *reply, size_t length, bool keep);

/* Parsers of hostile text, apart so that tests and fuzzers reach them. */
bool http_path_ok(const char *path);                                              /* %00, %2F, "..", control characters, bytes >= 0x80, "//" */
bool http_length_parse(const char *text, int64_t *out);                           /* digits only */
bool http_host_known(const struct http_spec *spec, const char *host);             /* any IP literal, localhost, own name, spec's names */
/* One value of "a=1&b=2"; false when malformed (bad %, NUL, control characters other than tab and line ends, bad UTF-8). *out NULL when absent. */
bool http_form_value(struct arena *arena, const char *text, size_t length, const char *name, const char **out);
#endif
