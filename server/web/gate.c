/* gate: one door for all requests, so that no handler can forget a check. What can be refused cheaply is refused first; nothing of the body is read before
 * role, Origin, token and rate have said yes. Errors are worded here, in the viewer's language: HTML for pages, JSON for the API. */
#include "web/gate.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/files.h"
#include "domain/people.h"
#include "store/db.h"                    /* the one listed exception: the gate opens the reader */
#include "web/auth.h"
#include "web/house.h"
#include "web/metrics.h"
#include "web/page.h"
#include "web/route.h"

struct gate { struct limit *login, *address; };

struct gate *gate_open(bool rates) {
  struct gate *gate = calloc(1, sizeof *gate);
  if (!gate) abort();
  if (rates) {
    gate->login = limit_new(GATE_LOGIN_RATE, GATE_LOGIN_BURST, 4096);
    gate->address = limit_new(GATE_ADDRESS_RATE, GATE_ADDRESS_BURST, 4096);
  }
  return gate;
}

void gate_close(struct gate *gate) {
  if (!gate) return;
  limit_free(gate->login);
  limit_free(gate->address);
  free(gate);
}

/* --- what handlers lean on ----------------------------------------------------------------------------------------------------------------------- */
struct db_read *req_read(struct req *req, struct err *err) {
  if (req->read_) return req->read_;
  if (!req->house->db) {
    err_set(err, ERR_UNAVAILABLE, "store.closed", "no database is open");
    return NULL;
  }
  if (!db_read_begin(req->house->db, &req->read_, err)) req->read_ = NULL;
  return req->read_;
}

void req_read_end(struct req *req) {
  if (req->read_) db_read_end(req->read_);
  req->read_ = NULL;
}

struct db_read *req_read_again(struct req *req, struct err *err) {
  req_read_end(req);
  return req_read(req, err);
}

const struct edition *req_edition(struct req *req) {
  if (!req->edition_ && req->house->catalog) req->edition_ = catalog_acquire(req->house->catalog);
  return req->edition_;
}

const char *req_words(struct req *req, const char *key, const struct tree *params) {
  const struct edition *edition = req_edition(req);
  return edition && edition->words ? words_text(req->arena, edition->words, req->viewer.lang, key, params, NULL) : key;
}

bool req_files(struct req *req, const struct check_file **out, size_t *out_count, struct err *err) {
  const struct tree *list = tree_get(req->body, "files");
  size_t count = list ? list->count : 0, n = 0;
  if (count > CHECK_FILES_MAX) return err_set(err, ERR_LIMIT, "files.many", NULL), err_param(err, "count", "%zu", count), err_param(err, "limit", "%d", CHECK_FILES_MAX);
  struct check_file *files = arena_alloc(req->arena, sizeof *files * (count + 1));
  TREE_EACH(item, list) {
    const struct tree *text = tree_get(item, "text"), *base64 = tree_get(item, "base64"), *value = text ? text : base64;
    const char *name = tree_text(item, "name");
    if (item->type != TREE_MAP || item->count != 2 || !value || value->type != TREE_STRING || !name)
      return err_set(err, ERR_INVALID, "files.form", "files[%zu]", n), err_param(err, "place", "files[%zu]", n);
    files[n] = (struct check_file){.name = name, .bytes = value->text, .length = value->length};
    if (base64) {
      char *bytes = arena_alloc(req->arena, value->length + 1);
      if (!secret_base64_decode(value->text, value->length, bytes, value->length, &files[n].length))
        return err_set(err, ERR_INVALID, "files.base64", NULL), err_param(err, "name", "%s", name);
      files[n].bytes = bytes;
    }
    n++;
  }
  if (!files_fit(files, n, err)) return false;
  *out = files;
  *out_count = n;
  return true;
}

/* --- errors -------------------------------------------------------------------------------------------------------------------------------------- */
/* Failures of the conversation itself have statuses of their own; all others have their code's. */
int gate_status(const struct err *err) {
  static const struct { const char *key; int status; } own[] = {
    {"http.method", 405}, {"http.slow", 408}, {"http.no-length", 411}, {"http.type", 415}, {"files.many", 413}, {"http.uri.large", 414}, {"http.head.large", 431}};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) if (!strcmp(err->key, own[i].key)) return own[i].status;
  size_t n = strlen(err->key);
  if (n > 6 && !strcmp(err->key + n - 6, ".large")) return 413;
  return err_code_http(err->code);
}

static bool wants_page(const struct req *req) {
  return req->route ? req->route->flags & PAGE : strncmp(req->path, "/api/", 5) && strncmp(req->path, "/assets/", 8);
}

static void error_json(struct req *req, const struct err *err, struct reply *out) {
  struct arena *arena = req->arena;
  struct tree *root = tree_new(arena, TREE_MAP), *error = tree_new(arena, TREE_MAP), *params = tree_new(arena, TREE_MAP);
  for (int i = 0; i < err->params; i++) tree_set(arena, params, err->param[i].name, tree_string(arena, err->param[i].value));
  tree_put_text(arena, error, "code", err_code_name(err->code));
  tree_put_text(arena, error, "key", err->key);
  tree_put(arena, error, "params", params);
  tree_put_text(arena, error, "message", req_words(req, err->key, params));
  tree_put_text(arena, error, "request", req->id);
  tree_put(arena, root, "error", error);
  out->json = root;
}

static void bind_json(struct req *req, struct reply *out) {
  out->body = arena_alloc(req->arena, sizeof *out->body);
  buf_init_arena(out->body, req->arena, HTTP_REPLY_MAX);
  tree_write_plain(out->body, out->json);
  if (!out->body->over) return;
  log_error("http.reply", "request=%s route=%s answer is past its cap", req->id, req->route ? req->route->path : "-");
  buf_reset(out->body);
  buf_str(out->body, "{\"error\":{\"code\":\"bug\",\"key\":\"http.reply\",\"params\":{},\"message\":\"The answer is too large.\",\"request\":\"\"}}");
  out->status = 500;
}

void gate_refuse(struct req *req, const struct err *err, struct reply *out) {
  struct err copy = *err;
  if (copy.code == ERR_NONE) err_set(&copy, ERR_BUG, "bug.unsaid", "%s failed without saying why", req->route ? req->route->path : req->path);
  int status = gate_status(&copy);
  if (!*req->viewer.login) req->viewer.lang = auth_language(req);
  const char *allow = out->allow;
  *out = (struct reply){.private_ = true, .retry_after_s = copy.retry_after_s, .allow = allow};
  if (status >= 500) log_line(status == 503 ? LOG_WARN_ : LOG_ERROR_, "http.fault", "request=%s key=%s detail=\"%s\"", req->id, copy.key, copy.detail);
  else log_debug("http.refusal", "request=%s key=%s detail=\"%s\"", req->id, copy.key, copy.detail);
  if (wants_page(req)) {
    page_error(req, &copy, status, out);
    out->status = status;
    out->private_ = true;
  } else {
    error_json(req, &copy, out);
    out->status = status;
    bind_json(req, out);
  }
}

/* --- the steps, in their order ------------------------------------------------------------------------------------------------------------------- */
static bool match(struct req *req, struct reply *out, struct err *err) {
  unsigned allowed;
  req->route = req->method ? route_match(req->method, req->path, req->param, req->arena, &allowed) : NULL;
  if (req->route) return true;
  if (!req->method) route_match(0, req->path, req->param, req->arena, &allowed);
  if (!allowed) return err_set(err, ERR_NOT_FOUND, "http.missing", NULL);
  static const enum method order[] = {GET, HEAD, POST, PUT, PATCH, DELETE};
  char text[64] = "";
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (allowed & order[i]) snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "", method_name(order[i]));
  out->allow = arena_str(req->arena, text);
  return err_set(err, ERR_INVALID, "http.method", NULL), err_param(err, "allowed", "%s", text);
}

static bool size(const struct req *req, struct err *err) {
  unsigned flags = req->route->flags;
  if (!(flags & (BODY_JSON | BODY_FILES | BODY_FORM)))
    return req->body_length <= 0 || err_set(err, ERR_INVALID, "http.body", "a body of %lld bytes where none is taken", (long long)req->body_length);
  if (req->body_length < 0) return err_set(err, ERR_INVALID, "http.no-length", NULL);
  int64_t cap = flags & BODY_SMALL ? HTTP_BODY_SMALL : flags & BODY_FILES ? HTTP_BODY_FILES : HTTP_BODY_JSON;
  if (req->body_length <= cap) return true;
  err_set(err, ERR_LIMIT, "body.large", NULL);
  err_param(err, "size", "%lld", (long long)req->body_length);
  return err_param(err, "limit", "%lld", (long long)cap);
}

static bool role(const struct req *req, struct err *err) {
  static const enum role wanted[] = {[NEED_ANYONE] = ROLE_NONE, [NEED_LEARNER] = ROLE_LEARNER, [NEED_INSTRUCTOR] = ROLE_INSTRUCTOR, [NEED_ADMIN] = ROLE_ADMIN};
  enum need need = req->route->need;
  if (need == NEED_NOBODY) return err_set(err, ERR_DENIED, "role.nobody", "the row %s names no role", req->route->path);
  if (req->viewer.role >= wanted[need]) return true;
  if (req->viewer.role == ROLE_NONE) return err_set(err, ERR_LOGIN, "login.needed", NULL);
  return err_set(err, ERR_DENIED, "role.needed", "%s needs more than role %d", req->route->path, req->viewer.role);
}

static enum metrics_class class_of(const struct req *req) {
  if (!req->route) return METRICS_REFUSED;
  if (req->route->flags & STREAM) return METRICS_STREAM;
  if (!strncmp(req->path, "/assets/", 8)) return METRICS_ASSET;
  if (!strncmp(req->path, "/api/", 5)) return METRICS_API;
  return req->route->flags & PAGE ? METRICS_PAGE : METRICS_HEALTH;
}

/* Files of the page come from memory and cost next to nothing: a class that opens its first page at once must not be slowed by them. */
static bool rate(struct req *req, struct err *err) {
  const struct gate *gate = req->house->gate;
  enum metrics_class kind = class_of(req);
  if (!gate || !gate->login || kind == METRICS_ASSET || kind == METRICS_HEALTH) return true;
  int retry = 1;
  bool own = *req->viewer.login;
  if (limit_take(own ? gate->login : gate->address, own ? req->viewer.login : req->address, 1, &retry)) return true;
  err_set(err, ERR_LIMIT, "rate.requests", NULL);
  err_param(err, "seconds", "%d", retry);
  if (err) err->retry_after_s = retry;
  return false;
}

static bool type_is(const char *sent, const char *wanted) {
  size_t n = strlen(wanted);
  return sent && !strncmp(sent, wanted, n) && (!sent[n] || sent[n] == ';' || sent[n] == ' ');
}

static bool body(struct req *req, struct err *err) {
  unsigned flags = req->route->flags;
  if (!(flags & (BODY_JSON | BODY_FILES | BODY_FORM))) return true;
  bool form = flags & BODY_FORM;
  if (req->connection && req->body_length > 0 && !type_is(req_header(req, "Content-Type"), form ? "application/x-www-form-urlencoded" : "application/json"))
    return err_set(err, ERR_INVALID, "http.type", NULL), err_param(err, "type", "%s", form ? "application/x-www-form-urlencoded" : "application/json");
  if (!http_body_read(req, (size_t)req->body_length, err)) return false;
  if (!form) return route_bind(req->arena, req->route->in, req->raw, req->raw_length, &req->body, err);
  const char *none;
  if (memchr(req->raw, 0, req->raw_length) || !http_form_value(req->arena, req->raw, req->raw_length, "", &none)) return err_set(err, ERR_INVALID, "http.form", NULL);
  return true;
}

/* For forms the token stands in the body: it is asked for once that has been read. */
static bool believed(struct req *req, bool body_read, struct err *err) {
  unsigned flags = req->route->flags;
  if (req->method == GET || req->method == HEAD) return true;
  if (!body_read && !auth_origin(req, err)) return false;
  if (flags & NO_ORIGIN_TOKEN || req->viewer.role == ROLE_NONE || body_read != !!(flags & BODY_FORM)) return true;
  return auth_token(req, err);
}

static bool steps(struct req *req, struct reply *out, struct err *err) {
  if (!match(req, out, err) || !size(req, err) || !auth_viewer(req, err) || !role(req, err) || !believed(req, false, err) || !rate(req, err)) return false;
  if (!body(req, err) || !believed(req, true, err)) return false;
  /* a write's handler must not read from before the write, and a stream holds nothing while it lasts */
  if (req->method != GET || req->route->flags & STREAM) req_read_end(req);
  if (!req->route->handler(req, out, err)) return false;
  if (arena_over(req->arena)) return err_set(err, ERR_LIMIT, "request.memory", "%zu bytes", arena_used(req->arena));
  return true;
}

static bool none_match(const struct req *req, const struct reply *out) {
  const char *have = req_header(req, "If-None-Match");
  return out->etag && have && (!strcmp(have, "*") || strstr(have, out->etag));
}

void gate_handle(struct req *req, struct reply *out) {
  struct err *err = arena_alloc(req->arena, sizeof *err);
  req->viewer.lang = auth_language(req);
  if (!steps(req, out, err)) {
    gate_refuse(req, err, out);
    return;
  }
  if (out->streamed) return;
  if (out->json) bind_json(req, out);
  bool empty = !out->body && !out->bytes;
  if (!out->status) out->status = empty ? 204 : 200;
  if (out->status == 200 && none_match(req, out)) {
    out->status = 304;
    out->body = NULL;
    out->bytes = NULL;
    out->length = 0;
  }
}

void gate_done(struct req *req, const struct reply *out, bool sent) {
  req_read_end(req);
  if (req->edition_) catalog_release(req->edition_);
  req->edition_ = NULL;
  int64_t us = mono_us() - req->begun_us;
  size_t bytes = out->body ? out->body->len : out->length;
  metrics_count(req->house->metrics, class_of(req), out->status, us);
  log_info("http", "request=%s method=%s path=%.300s status=%d bytes=%zu ms=%lld.%lld address=%s person=%s%s", req->id, req->method ? method_name(req->method) : "-", req->path,
           out->status, bytes, (long long)(us / 1000), (long long)(us % 1000 / 100), req->address, *req->viewer.person ? req->viewer.person : "-", sent ? "" : " cut=1");
  if (*req->viewer.login && req->house->people) people_touch(req->house->people, &req->viewer);
}
