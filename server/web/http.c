/* http: CivetWeb, and nothing of it outside.
 *
 * CivetWeb reads the head under its own time limit and cap; its callback `begin_request` sees every request, before any of its own features, and answers
 * all of them, so none of those features (files, CGI, WebSockets, forms) is ever reached. What its parser lets pass is refused here.
 * A worker thread lives as long as its connection; its stack is 100 KB, so whatever is large stands in the request's arena.
 * A body that is not wanted is never read: the connection is closed instead, or a slow sender would hold the thread for ever. */
#include "web/http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <civetweb.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "web/gate.h"
#include "web/house.h"

#define MAGIC 0x6d616b6d616c6874u       /* of struct http, when it comes back through CivetWeb's void * */
#define ARENA_CAP (64u * 1024u * 1024u)

struct http {
  uint64_t magic;
  struct mg_context *context;
  struct house *house;
  struct http_spec spec;
  char start_error[256];
  int port;
  pthread_mutex_t lock;                 /* of the watched list */
  struct watched *watched;
  pthread_t watchman;
  atomic_bool over;
  atomic_int running;                   /* requests between their head and the end of their answer */
};

/* --- a deadline for what CivetWeb does in one call ------------------------------------------------------------------------------------------------
 * Its mg_read returns when all that was asked for is there, and its time limit begins anew with each byte; mg_write likewise. So a thread of ours ends what
 * takes too long: it finds the connection's socket by its peer and shuts it down, and the call returns short. While an entry stands in the list its thread
 * is inside that call, so the socket cannot become another's. */
struct watched { struct watched *next; int64_t until; const char *address; int port, how; };

static void cut(const struct watched *watched) {
  DIR *folder = opendir("/proc/self/fd");
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    int fd = atoi(entry->d_name), port = 0;
    union { struct sockaddr any; struct sockaddr_in v4; struct sockaddr_in6 v6; } peer;
    socklen_t length = sizeof peer;
    char address[INET6_ADDRSTRLEN] = "";
    if (*entry->d_name == '.' || getpeername(fd, &peer.any, &length)) continue;
    if (peer.any.sa_family == AF_INET && inet_ntop(AF_INET, &peer.v4.sin_addr, address, sizeof address)) port = ntohs(peer.v4.sin_port);
    else if (peer.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &peer.v6.sin6_addr, address, sizeof address)) port = ntohs(peer.v6.sin6_port);
    if (port == watched->port && !strcmp(address, watched->address)) shutdown(fd, watched->how);
  }
  if (folder) closedir(folder);
}

static void *watchman(void *arg) {
  struct http *http = arg;
  while (!atomic_load(&http->over)) {
    usleep(250000);
    pthread_mutex_lock(&http->lock);
    int64_t now = mono_ms();
    for (struct watched *watched = http->watched; watched; watched = watched->next)
      if (now > watched->until) {
        cut(watched);
        watched->until = INT64_MAX;
      }
    pthread_mutex_unlock(&http->lock);
  }
  return NULL;
}

static struct http *http_of(const struct req *req) { return mg_get_request_info(req->connection)->user_data; }

static void watch(struct req *req, struct watched *watched, int within_ms, int how) {
  const struct mg_request_info *info = mg_get_request_info(req->connection);
  struct http *http = info->user_data;
  *watched = (struct watched){.until = mono_ms() + within_ms, .address = info->remote_addr, .port = info->remote_port, .how = how};
  pthread_mutex_lock(&http->lock);
  watched->next = http->watched;
  http->watched = watched;
  pthread_mutex_unlock(&http->lock);
}

static void unwatch(struct req *req, struct watched *watched) {
  struct http *http = http_of(req);
  pthread_mutex_lock(&http->lock);
  struct watched **slot = &http->watched;
  while (*slot != watched) slot = &(*slot)->next;
  *slot = watched->next;
  pthread_mutex_unlock(&http->lock);
}

static bool write_all(struct req *req, const void *bytes, size_t length, int within_ms) {
  struct watched watched;
  watch(req, &watched, within_ms, SHUT_RDWR);
  bool ok = mg_write(req->connection, bytes, length) == (int)length;
  unwatch(req, &watched);
  return ok;
}

/* --- reading the head ---------------------------------------------------------------------------------------------------------------------------- */
const char *req_header(const struct req *req, const char *name) {
  if (!req->connection) return NULL;
  const struct mg_request_info *info = mg_get_request_info(req->connection);
  for (int i = 0; i < info->num_headers; i++) if (!strcasecmp(info->http_headers[i].name, name)) return info->http_headers[i].value;
  return NULL;
}

static int header_count(const struct mg_request_info *info, const char *name) {
  int n = 0;
  for (int i = 0; i < info->num_headers; i++) n += !strcasecmp(info->http_headers[i].name, name);
  return n;
}

bool http_length_parse(const char *text, int64_t *out) {
  int64_t value = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || value > INT64_MAX / 10 - 10) return false;
    value = value * 10 + (*text - '0');
  }
  *out = value;
  return true;
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Our paths need no escapes at all but "%2D" and the like of over-careful clients: what would change the path's shape once decoded is refused. */
bool http_path_ok(const char *path) {
  if (*path != '/') return false;
  for (const char *at = path; *at; at++) {
    unsigned char c = (unsigned char)*at;
    if (c <= 0x20 || c >= 0x7F || c == '\\') return false;
    if (c == '%') {
      int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);
      if (low < 0) return false;
      int byte = high * 16 + low;
      if (byte <= 0x20 || byte >= 0x7F || byte == '/' || byte == '.' || byte == '\\' || byte == '%') return false;
    }
    if (c == '/' && at[1] == '/') return false;
    if (c == '/' && at[1] == '.' && (!at[2] || at[2] == '/' || (at[2] == '.' && (!at[3] || at[3] == '/')))) return false;
  }
  return true;
}

static bool host_is(const char *host, size_t length, const char *name) { return name && strlen(name) == length && !strncasecmp(host, name, length); }

bool http_host_known(const struct http_spec *spec, const char *host) {
  char name[256];
  size_t n = strlen(host);
  if (!n || n >= sizeof name) return false;
  const char *port = NULL;
  unsigned char bytes[16];
  if (*host == '[') {
    const char *end = strchr(host, ']');
    if (!end) return false;
    n = (size_t)(end - host - 1);
    memcpy(name, host + 1, n);
    name[n] = 0;
    if (inet_pton(AF_INET6, name, bytes) != 1) return false;
    port = end + 1;
    if (*port && *port != ':') return false;
  } else {
    n = strcspn(host, ":");
    memcpy(name, host, n);
    name[n] = 0;
    port = host + n;
  }
  if (*port) {
    int64_t number;
    if (!http_length_parse(port + 1, &number) || number < 1 || number > 65535) return false;
  }
  if (*host == '[') return true;
  /* an address cannot be rebound to another by a foreign name server; a name can, so it must be one of ours */
  if (inet_pton(AF_INET, name, bytes) == 1 || host_is(name, n, "localhost")) return true;
  char own[200], local[220];
  if (!gethostname(own, sizeof own)) {
    own[sizeof own - 1] = 0;
    snprintf(local, sizeof local, "%s.local", own);
    if (host_is(name, n, own) || host_is(name, n, local)) return true;
  }
  for (size_t i = 0; i < spec->name_count; i++) if (host_is(name, n, spec->names[i])) return true;
  return false;
}

/* Decodes one name or value of a form. */
static bool form_decode(struct arena *arena, const char *text, size_t length, const char **out) {
  char *value = arena_alloc(arena, length + 1);
  size_t n = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '+') c = ' ';
    else if (c == '%') {
      int high = i + 2 < length ? hex(text[i + 1]) : -1, low = high < 0 ? -1 : hex(text[i + 2]);
      if (low < 0) return false;
      c = (unsigned char)(high * 16 + low);
      i += 2;
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return false;
    value[n++] = (char)c;
  }
  value[n] = 0;
  for (size_t i = 0; i < n;) {
    unsigned char c = (unsigned char)value[i];
    size_t need = c < 0x80 ? 1 : c >= 0xC2 && c <= 0xDF ? 2 : c >= 0xE0 && c <= 0xEF ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (!need || i + need > n) return false;
    for (size_t k = 1; k < need; k++) if (((unsigned char)value[i + k] & 0xC0) != 0x80) return false;
    unsigned char second = need > 1 ? (unsigned char)value[i + 1] : 0;
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F)) return false;
    i += need;
  }
  *out = value;
  return true;
}

bool http_form_value(struct arena *arena, const char *text, size_t length, const char *name, const char **out) {
  const char *found = NULL;
  for (size_t i = 0; i < length;) {
    const char *part = text + i, *end = memchr(part, '&', length - i);
    size_t n = end ? (size_t)(end - part) : length - i;
    i += n + 1;
    const char *equals = memchr(part, '=', n);
    size_t name_length = equals ? (size_t)(equals - part) : n;
    const char *key, *value = "";
    if (!form_decode(arena, part, name_length, &key)) return false;
    if (equals && !form_decode(arena, equals + 1, n - name_length - 1, &value)) return false;
    if (!found && !strcmp(key, name)) found = value;
  }
  *out = found;
  return true;
}

const char *req_query(struct req *req, const char *name) {
  const char *value = NULL;
  return http_form_value(req->arena, req->query, strlen(req->query), name, &value) ? value : NULL;
}

const char *req_form(struct req *req, const char *name) {
  const char *value = NULL;
  return req->raw && http_form_value(req->arena, req->raw, req->raw_length, name, &value) ? value : NULL;
}

const char *req_cookie(struct req *req, const char *name) {
  const char *at = req_header(req, "Cookie");
  size_t n = strlen(name);
  while (at && *at) {
    at += strspn(at, " ;");
    size_t length = strcspn(at, ";");
    if (length > n && !strncmp(at, name, n) && at[n] == '=') return arena_strn(req->arena, at + n + 1, length - n - 1);
    at += length;
  }
  return NULL;
}

static enum method method_of(const char *name) {
  static const struct { const char *name; enum method method; } methods[] = {{"GET", GET}, {"POST", POST}, {"PUT", PUT}, {"PATCH", PATCH}, {"DELETE", DELETE}, {"HEAD", HEAD}};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) if (!strcmp(methods[i].name, name)) return methods[i].method;
  return 0;
}

static bool proxied(const struct http *http, const char *address) {
  for (size_t i = 0; i < http->spec.proxy_count; i++) if (!strcmp(http->spec.proxies[i], address)) return true;
  return false;
}

/* Who the request came from, and as what the browser sees us. A proxy we know adds its peer at the end, in the browser's own X-Forwarded-For or in one
 * more of that name: the last entry of the last one is the one to trust. */
static void origin_of(const struct http *http, const struct mg_request_info *info, struct req *req) {
  snprintf(req->address, sizeof req->address, "%s", info->remote_addr);
  req->scheme = "http";
  if (!proxied(http, info->remote_addr)) return;
  const char *by = NULL, *scheme = NULL;
  for (int i = 0; i < info->num_headers; i++) {
    if (!strcasecmp(info->http_headers[i].name, "X-Forwarded-For")) by = info->http_headers[i].value;
    if (!strcasecmp(info->http_headers[i].name, "X-Forwarded-Proto")) scheme = info->http_headers[i].value;
  }
  if (by) {
    const char *last = strrchr(by, ',');
    last = last ? last + 1 : by;
    last += strspn(last, " ");
    char address[64];
    unsigned char bytes[16];
    snprintf(address, sizeof address, "%.*s", (int)strcspn(last, " "), last);
    if (inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1) memcpy(req->address, address, sizeof address);
  }
  if (scheme && (!strcmp(scheme, "https") || !strcmp(scheme, "http"))) req->scheme = scheme;
}

/* What every request must be like, before anybody looks at what it wants. *out_length: of the body, -1 when none is told. */
static bool head_ok(const struct http *http, const struct mg_request_info *info, struct req *req, int64_t *out_length, struct err *err) {
  if (!info->request_uri || info->request_uri[0] != '/') return err_set(err, ERR_INVALID, "http.path", "not a path of ours");
  if (strlen(info->request_uri) + strlen(req->query) > HTTP_URI_MAX) return err_set(err, ERR_INVALID, "http.uri.large", NULL), err_param(err, "limit", "%d", HTTP_URI_MAX);
  if (!http_path_ok(info->request_uri)) return err_set(err, ERR_INVALID, "http.path", "malformed path");
  for (const char *at = req->query; *at; at++) if (*at <= 0x20 || *at >= 0x7F) return err_set(err, ERR_INVALID, "http.path", "malformed query");
  if (info->num_headers > HTTP_HEADERS_MAX) return err_set(err, ERR_INVALID, "http.head.large", "%d headers", info->num_headers), err_param(err, "limit", "%d", HTTP_HEADERS_MAX);
  if (header_count(info, "Host") != 1) return err_set(err, ERR_INVALID, "http.host", "%d Host headers", header_count(info, "Host")), err_param(err, "host", "%s", "-");
  if (!http_host_known(&http->spec, req->host)) return err_set(err, ERR_INVALID, "http.host", "unknown host"), err_param(err, "host", "%.100s", req->host);
  if (header_count(info, "Transfer-Encoding")) return err_set(err, ERR_INVALID, "http.encoding", "Transfer-Encoding");
  if (header_count(info, "Upgrade")) return err_set(err, ERR_INVALID, "http.upgrade", "Upgrade");
  int lengths = header_count(info, "Content-Length");
  *out_length = -1;
  if (lengths > 1 || (lengths == 1 && (!http_length_parse(req_header(req, "Content-Length"), out_length) || *out_length != info->content_length)))
    return err_set(err, ERR_INVALID, "http.length", "Content-Length");
  return true;
}

/* --- bodies -------------------------------------------------------------------------------------------------------------------------------------- */
bool http_body_read(struct req *req, size_t length, struct err *err) {
  if (!req->connection) return true;                          /* a test has put the body there */
  char *bytes = arena_alloc(req->arena, length + 1);
  struct watched watched;
  size_t got = 0;
  watch(req, &watched, HTTP_BODY_TOTAL_MS, SHUT_RD);
  for (int n; got < length && (n = mg_read(req->connection, bytes + got, length - got)) > 0;) got += (size_t)n;
  unwatch(req, &watched);
  if (got < length) return err_set(err, ERR_INVALID, "http.slow", "%zu of %zu bytes came", got, length);
  req->raw = bytes;
  req->raw_length = length;
  return true;
}

/* --- answering ----------------------------------------------------------------------------------------------------------------------------------- */
static const char *reason(int status) {
  static const struct { int status; const char *reason; } reasons[] = {
    {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {301, "Moved Permanently"}, {303, "See Other"}, {304, "Not Modified"},
    {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {408, "Request Timeout"},
    {409, "Conflict"}, {411, "Length Required"}, {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
    {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"}, {502, "Bad Gateway"},
    {503, "Service Unavailable"}, {504, "Gateway Timeout"}};
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) if (reasons[i].status == status) return reasons[i].reason;
  return "Status";
}

static void header(struct buf *out, const char *name, const char *value) {
  if (!value) return;
  buf_str(out, name);
  buf_str(out, ": ");
  for (const char *from = value;; value++) {               /* without control characters nothing can begin a header of its own */
    if (*value && (unsigned char)*value >= 0x20 && *value != 0x7F) continue;
    buf_add(out, from, (size_t)(value - from));
    if (!*value) break;
    from = value + 1;
  }
  buf_str(out, "\r\n");
}

void http_head(struct buf *out, const struct req *req, const struct reply *reply, size_t length, bool keep) {
  buf_printf(out, "HTTP/1.1 %d %s\r\n", reply->status, reason(reply->status));
  bool bodyless = reply->status == 204 || reply->status == 304;
  if (!bodyless) {
    header(out, "Content-Type", reply->content_type ? reply->content_type : "application/json; charset=utf-8");
    if (!reply->streamed) buf_printf(out, "Content-Length: %zu\r\n", length);
  }
  header(out, "Content-Encoding", reply->encoding);
  if (reply->vary_encoding) buf_str(out, "Vary: Accept-Encoding\r\n");
  header(out, "Cache-Control", reply->private_ || !reply->cache ? "no-store" : reply->cache);
  header(out, "ETag", reply->etag);
  header(out, "Location", reply->location);
  header(out, "Set-Cookie", reply->set_cookie[0]);
  header(out, "Set-Cookie", reply->set_cookie[1]);
  header(out, "Content-Disposition", reply->disposition);
  header(out, "Allow", reply->allow);
  if (reply->retry_after_s > 0) buf_printf(out, "Retry-After: %d\r\n", reply->retry_after_s);
  if (reply->streamed) buf_str(out, "X-Accel-Buffering: no\r\n");
  buf_str(out, "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'");
  if (reply->nonce) buf_printf(out, " 'nonce-%s'", reply->nonce);
  buf_str(out, "; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n");
  if (!strcmp(req->scheme, "https")) buf_str(out, "Strict-Transport-Security: max-age=31536000\r\n");
  buf_printf(out, "X-Request-Id: %s\r\nConnection: %s\r\n\r\n", req->id, keep ? "keep-alive" : "close");
}

/* Head and body in one write. False: the client is gone. */
static bool send_reply(struct req *req, const struct reply *reply, bool keep) {
  const char *bytes = reply->body ? reply->body->data : reply->bytes;
  size_t length = reply->body ? reply->body->len : reply->length;
  struct buf *out = arena_alloc(req->arena, sizeof *out);
  buf_init_arena(out, req->arena, HTTP_REPLY_MAX + HTTP_HEAD_MAX);
  http_head(out, req, reply, length, keep);
  if (req->method != HEAD && reply->status != 204 && reply->status != 304 && length) buf_add(out, bytes, length);
  return write_all(req, out->data, out->len, HTTP_WRITE_TOTAL_MS);
}

bool req_stream_begin(struct req *req, const char *content_type) {
  struct reply reply = {.status = 200, .content_type = content_type, .private_ = true, .streamed = true, .close = true};
  struct buf out;
  buf_init(&out, HTTP_HEAD_MAX);
  http_head(&out, req, &reply, 0, false);
  bool ok = req->connection && write_all(req, out.data, out.len, HTTP_WRITE_TOTAL_MS);
  buf_release(&out);
  return ok;
}

bool req_stream_write(struct req *req, const void *bytes, size_t length) { return write_all(req, bytes, length, HTTP_WRITE_TOTAL_MS); }

static int on_request(struct mg_connection *connection) {
  const struct mg_request_info *info = mg_get_request_info(connection);
  struct http *http = info->user_data;
  if (!http || http->magic != MAGIC) abort();
  struct arena *arena = arena_new(ARENA_CAP);
  struct req *req = arena_alloc(arena, sizeof *req);
  struct reply *reply = arena_alloc(arena, sizeof *reply);
  struct err *err = arena_alloc(arena, sizeof *err);
  req->arena = arena;
  req->house = http->house;
  req->connection = connection;
  req->begun_us = mono_us();
  atomic_fetch_add(&http->running, 1);
  req->method = method_of(info->request_method);
  req->path = info->request_uri ? info->request_uri : "";
  req->query = info->query_string ? info->query_string : "";
  req->host = req_header(req, "Host");
  if (!req->host) req->host = "";
  id_new(req->id);
  origin_of(http, info, req);
  int64_t length = -1;
  if (head_ok(http, info, req, &length, err)) {
    req->body_length = length;
    gate_handle(req, reply);
  } else {
    if (!http_path_ok(req->path)) req->path = "/?";           /* nothing malformed goes into the log or a page */
    gate_refuse(req, err, reply);
    reply->close = true;
  }
  bool unread = length > 0 && !req->raw;
  bool keep = !reply->close && !unread && !reply->streamed && !atomic_load(&http->house->draining) && info->http_version && !strcmp(info->http_version, "1.1");
  const char *wish = req_header(req, "Connection");
  if (wish && !strcasecmp(wish, "close")) keep = false;
  bool sent = reply->streamed || send_reply(req, reply, keep);
  if (!keep || !sent) mg_disable_connection_keep_alive(connection);
  gate_done(req, reply, sent);
  int status = reply->status;
  arena_free(arena);
  atomic_fetch_sub(&http->running, 1);
  return status;
}

/* Errors CivetWeb finds itself (a head it cannot read, too large, too slow): ours to word, without a version and without an echo. */
static int on_error(struct mg_connection *connection, int status, const char *message) {
  (void)message;
  if (status == 413) status = 431;                            /* it means the head */
  if (status < 400 || status > 599) status = 400;
  struct req req = {.scheme = "http"};
  id_new(req.id);
  struct reply reply = {.status = status, .content_type = "text/plain; charset=utf-8", .private_ = true};
  struct buf out;
  buf_init(&out, HTTP_HEAD_MAX);
  http_head(&out, &req, &reply, strlen(reason(status)) + 1, false);
  buf_printf(&out, "%s\n", reason(status));
  mg_write(connection, out.data, out.len);
  buf_release(&out);
  mg_disable_connection_keep_alive(connection);
  log_info("http.refused", "request=%s status=%d", req.id, status);
  return 0;
}

static int on_message(const struct mg_connection *connection, const char *message) {
  (void)connection;
  log_debug("civetweb", "says=\"%.300s\"", message);
  return 1;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------------------- */
/* CivetWeb says little about why it cannot bind: try it ourselves first, so that the sentence is right. */
bool http_port_free(const struct http_spec *spec, struct err *err) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)spec->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)spec->port)};
  bool is6 = inet_pton(AF_INET6, spec->listen, &v6.sin6_addr) == 1;
  if (!is6 && inet_pton(AF_INET, spec->listen, &v4.sin_addr) != 1)
    return err_set(err, ERR_INVALID, "http.address", "%s", spec->listen), err_param(err, "address", "%s", spec->listen);
  int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, bad = 0;
  if (fd < 0) return err_set(err, ERR_UNAVAILABLE, "http.address", "socket: %s", strerror(errno)), err_param(err, "address", "%s", spec->listen);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, is6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, is6 ? sizeof v6 : sizeof v4) || listen(fd, 1)) bad = errno;
  close(fd);
  if (!bad) return true;
  err_set(err, bad == EADDRINUSE || bad == EACCES ? ERR_UNAVAILABLE : ERR_INVALID, bad == EADDRINUSE ? "http.port" : bad == EACCES ? "http.right" : "http.address", "%s", strerror(bad));
  err_param(err, "address", "%s", spec->listen);
  return err_param(err, "port", "%d", spec->port);
}

bool http_open(const struct http_spec *spec, struct house *house, struct http **out, struct err *err) {
  if (!http_port_free(spec, err)) return false;
  struct http *http = calloc(1, sizeof *http);
  if (!http) abort();
  *http = (struct http){.magic = MAGIC, .house = house, .spec = *spec, .lock = PTHREAD_MUTEX_INITIALIZER};
  char ports[128], threads[16], idle[16];
  snprintf(ports, sizeof ports, strchr(spec->listen, ':') ? "[%s]:%d" : "%s:%d", spec->listen, spec->port);
  snprintf(threads, sizeof threads, "%d", spec->threads);
  snprintf(idle, sizeof idle, "%d", HTTP_BODY_IDLE_MS);
  const char *options[] = {
    "listening_ports", ports, "num_threads", threads, "request_timeout_ms", idle, "enable_keep_alive", "yes", "keep_alive_timeout_ms", "500",
    "connection_queue", "64", "tcp_nodelay", "1", "decode_url", "no", "enable_directory_listing", "no", "allow_sendfile_call", "no", "cgi_pattern", "",
    "ssi_pattern", "", "access_control_allow_origin", "", "access_control_allow_methods", "", "access_control_allow_headers", "", "max_request_size", "16384", NULL};
  struct mg_callbacks callbacks = {.begin_request = on_request, .http_error = on_error, .log_message = on_message};
  mg_init_library(MG_FEATURES_DEFAULT);
  struct mg_init_data init = {.callbacks = &callbacks, .user_data = http, .configuration_options = options};
  struct mg_error_data error = {.text = http->start_error, .text_buffer_size = sizeof http->start_error};
  http->context = mg_start2(&init, &error);
  signal(SIGCHLD, SIG_DFL);                                   /* should it have taken that signal: base/spawn waits for its children */
  if (!http->context) {
    err_set(err, ERR_UNAVAILABLE, "http.port", "%.200s", http->start_error);
    err_param(err, "address", "%s", spec->listen);
    err_param(err, "port", "%d", spec->port);
    free(http);
    return false;
  }
  if (pthread_create(&http->watchman, NULL, watchman, http)) {
    mg_stop(http->context);
    free(http);
    return err_set(err, ERR_UNAVAILABLE, "http.port", "no thread");
  }
  struct mg_server_port port[2];
  http->port = mg_get_server_ports(http->context, 2, port) > 0 ? port[0].port : spec->port;
  *out = http;
  return true;
}

const char *http_library_version(void) { return mg_version(); }

int http_port(const struct http *http) { return http->port; }

/* CivetWeb cannot stop listening without cutting what runs: its writes fail from then on. So its listening socket is found among our descriptors and shut
 * down, which refuses new connections at once; its accepting thread finds nothing more until http_close. */
static void stop_listening(const struct http *http) {
  DIR *folder = opendir("/proc/self/fd");
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    int fd = atoi(entry->d_name), listens = 0;
    socklen_t size = sizeof listens;
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    if (*entry->d_name == '.' || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens || getsockname(fd, (struct sockaddr *)&name, &length)) continue;
    int port = name.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&name)->sin_port) : name.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&name)->sin6_port) : 0;
    if (port == http->port) shutdown(fd, SHUT_RDWR);
  }
  if (folder) closedir(folder);
}

void http_drain(struct http *http, int within_ms) {
  if (!http) return;
  stop_listening(http);
  int64_t until = mono_ms() + within_ms;
  for (int quiet = 0; quiet < 3 && mono_ms() < until;) {      /* a kept connection may have sent its next request just now */
    usleep(20000);
    quiet = atomic_load(&http->running) ? 0 : quiet + 1;
  }
}

void http_close(struct http *http) {
  if (!http) return;
  mg_stop(http->context);
  atomic_store(&http->over, true);
  pthread_join(http->watchman, NULL);
  pthread_mutex_destroy(&http->lock);
  http->magic = 0;
  free(http);
}
