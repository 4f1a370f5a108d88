/* api_status: is it alive, can it serve, how far is the cluster, and the numbers for Prometheus. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "web/api.h"
#include "web/house.h"
#include "web/metrics.h"

#define METRICS_TEXT_MAX (256u * 1024u)

static void text(struct reply *out, const char *bytes) {
  out->content_type = "text/plain; charset=utf-8";
  out->bytes = bytes;
  out->length = strlen(bytes);
  out->private_ = true;
}

static bool healthz(struct req *req, struct reply *out, struct err *err) {
  (void)req;
  (void)err;
  text(out, "ok\n");
  return true;
}

/* Database and catalogue; not the cluster: pages and grades go on without it. */
static bool readyz(struct req *req, struct reply *out, struct err *err) {
  const struct edition *edition = req_edition(req);
  if (!req_read(req, err)) return false;
  if (!edition) return err_set(err, ERR_UNAVAILABLE, "ready.catalog", "no edition");
  if (atomic_load(&req->house->draining)) return err_set(err, ERR_UNAVAILABLE, "ready.stopping", NULL);
  text(out, "ready\n");
  return true;
}

/* Numbers tell how busy a class is: for this machine and for staff only. */
static bool metrics(struct req *req, struct reply *out, struct err *err) {
  bool here = !strncmp(req->address, "127.", 4) || !strcmp(req->address, "::1");
  if (!here && !viewer_is(&req->viewer, ROLE_INSTRUCTOR)) return err_set(err, ERR_NOT_FOUND, "http.missing", NULL);
  out->body = arena_alloc(req->arena, sizeof *out->body);
  buf_init_arena(out->body, req->arena, METRICS_TEXT_MAX);
  metrics_write(req->house, out->body);
  out->content_type = "text/plain; version=0.0.4; charset=utf-8";
  return true;
}

static bool cluster(struct req *req, struct reply *out, struct err *err) {
  (void)err;
  struct tree *none = tree_new(req->arena, TREE_MAP), *now = req->house->cluster ? cluster_json(req->house->cluster, req->arena) : none;
  if (now == none) tree_put_text(req->arena, none, "state", "none");
  const char *why = tree_text(now, "why");
  if (why && *why && !*tree_text_or(now, "why_text", "")) tree_set(req->arena, now, "why_text", tree_string(req->arena, req_words(req, why, now)));
  const struct tree *parts = req->house->cluster && viewer_is(&req->viewer, ROLE_INSTRUCTOR) ? cluster_parts(req->house->cluster, req->arena) : NULL;
  if (parts) tree_put(req->arena, now, "components", tree_copy(req->arena, parts));
  out->json = now;
  return true;
}

static const struct field cluster_out[] = {
  {"state", "text", "none, building, starting, ready, away, broken"}, {"why", "text?", "a message key"}, {"why_text", "text?", "the same as a sentence"},
  {"percent", "int?", "while it is built"}, {"program", "text?", "what is being built"}, {"parts", "map?", "{done, of} while it starts"}, {"version", "text?", ""},
  {"capabilities", "list?", "what it can do, as words"}, {"lacking", "map?", "every other word: {state: no, unknown, looking or coming; with: the add-on it comes with}"}, {"embedded", "bool?", ""},
  {"components", "list?", "for staff: each part of the embedded cluster, {name, kind, version, state, rss_kib, started_ms, restarts, gives}"}, {0}};

const struct route api_status_routes[] = {
  {GET, "/healthz", NEED_ANYONE, 0, NULL, NULL, healthz, "The process answers"},
  {GET, "/readyz", NEED_ANYONE, 0, NULL, NULL, readyz, "Database and catalogue are open"},
  {GET, "/metrics", NEED_ANYONE, 0, NULL, NULL, metrics, "Prometheus text; for this machine and for staff"},
  {GET, "/api/v1/cluster", NEED_ANYONE, 0, NULL, cluster_out, cluster, "How far the cluster is"},
  {0}};
