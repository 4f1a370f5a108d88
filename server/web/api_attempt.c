/* api_attempt: start, look, end; drafts; reset and time; the namespace's objects; the learner's kubeconfig. Rules are the
 * domain's (attempt.h, cluster.h). Nothing here asks the cluster: what takes a call is a job, and its outcome comes by the stream. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/files.h"
#include "domain/cluster.h"
#include "web/house.h"
#include "web/route.h"

extern const struct route api_attempt_routes[];

#define KUBECONFIG_TYPE "application/yaml"

static const struct field attempt_out[] = {{"attempt", "map", "id, lab, state, why, why_text, namespace, created_ms, ready_ms, expires_ms, applied_ms, now_ms, resets, params, proof, steps, stage"}, {0}};
static const struct field draft_in[] = {{"files", "files", "the editor's texts: [{name, text | base64}], 256 KiB and 20 files at most"}, {0}};
static const struct field draft_out[] = {{"files", "list", "[{name, text | base64}]"}, {"saved_ms", "int", "0: the starter files"}, {0}};
static const struct field saved_out[] = {{"saved_ms", "int", "when it was stored"}, {0}};
static const struct field extend_out[] = {{"expires_ms", "int", "the new end"}, {0}};
static const struct field objects_out[] = {{"objects", "list", "[{kind, name, uid, object}] without managedFields and last-applied; Secrets as metadata"}, {0}};
static const struct field facts_out[] = {{"server", "text?", "of the kubeconfig (with facts=1; else the answer is YAML)"}, {"expires_ms", "int?", "when its token ends"}, {"plain_http", "bool?", "warn before it is shown"}, {0}};
static bool away(struct err *err) { return err_set(err, ERR_UNAVAILABLE, "cluster.none", "this server runs without labs"); }

/* {attempt: …} of the path's attempt as it stands now. */
static bool answer(struct req *req, struct reply *out, const char *id, int status, struct err *err) {
  struct db_read *read = req_read_again(req, err);
  struct attempt attempt;
  if (!read || !attempt_find(req->house->attempts, read, &req->viewer, id, req->arena, &attempt, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put(req->arena, out->json, "attempt", attempt_json(req->house->attempts, req->arena, &attempt, req->viewer.lang));
  out->status = status;
  return true;
}

static bool post_attempt(struct req *req, struct reply *out, struct err *err) {
  struct attempt attempt;
  if (!req->house->attempts) return away(err);
  return attempt_start(req->house->attempts, &req->viewer, req->param[0], req->arena, &attempt, err) && answer(req, out, attempt.id, 202, err);
}

static bool get_attempt(struct req *req, struct reply *out, struct err *err) { return req->house->attempts ? answer(req, out, req->param[0], 0, err) : away(err); }

static bool delete_attempt(struct req *req, struct reply *out, struct err *err) {
  if (!req->house->attempts) return away(err);
  return attempt_end(req->house->attempts, &req->viewer, req->param[0], err) && answer(req, out, req->param[0], 202, err);
}

static bool post_reset(struct req *req, struct reply *out, struct err *err) {
  if (!req->house->attempts) return away(err);
  return attempt_reset(req->house->attempts, &req->viewer, req->param[0], err) && answer(req, out, req->param[0], 202, err);
}

static bool post_extend(struct req *req, struct reply *out, struct err *err) {
  int64_t expires;
  if (!req->house->attempts) return away(err);
  if (!attempt_extend(req->house->attempts, &req->viewer, req->param[0], &expires, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_int(req->arena, out->json, "expires_ms", expires);
  return true;
}

/* --- drafts ------------------------------------------------------------------------------------------------------------------------------------ */

static bool get_draft(struct req *req, struct reply *out, struct err *err) {
  const struct check_file *files;
  size_t count;
  int64_t saved = 0;
  if (!req->house->attempts) return away(err);
  struct db_read *read = req_read(req, err);
  if (!read) return false;
  if (req_query(req, "starter")) {
    struct attempt attempt;
    if (!attempt_find(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &attempt, err) || !draft_starter(req->house->attempts, req->arena, &attempt, &files, &count)) return false;
  } else if (!draft_load(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &files, &count, &saved, err)) {
    return false;
  }
  size_t length;
  char *json = files_json(req->arena, files, count, &length);
  if (!tree_parse(req->arena, json, length, 0, &out->json, err)) return false;
  tree_put_int(req->arena, out->json, "saved_ms", saved);
  return true;
}

static bool put_draft(struct req *req, struct reply *out, struct err *err) {
  const struct check_file *files;
  size_t count;
  int64_t saved;
  if (!req->house->attempts) return away(err);
  if (!req_files(req, &files, &count, err) || !draft_save(req->house->attempts, &req->viewer, req->param[0], files, count, &saved, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put_int(req->arena, out->json, "saved_ms", saved);
  return true;
}

/* --- the namespace ------------------------------------------------------------------------------------------------------------------------------- */

static bool get_objects(struct req *req, struct reply *out, struct err *err) {
  if (!req->house->attempts) return away(err);
  struct db_read *read = req_read(req, err);
  struct attempt attempt;
  if (!read || !attempt_find(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &attempt, err)) return false;
  out->json = tree_new(req->arena, TREE_MAP);
  tree_put(req->arena, out->json, "objects", attempt_objects(req->house->attempts, req->arena, attempt.id));
  return true;
}

/* Where the learner's own kubectl finds the API server: for the embedded cluster our relay, under the name by which the browser found us. */
static const char *server_of(struct req *req) {
  struct cluster_status status;
  const char *own = cluster_server(req->house->cluster);
  cluster_status(req->house->cluster, &status);
  if (!status.embedded || !req->host) return own;
  if (!req->house->api_relay_port) return NULL;             /* the port is taken: no kubeconfig is better than one that leads elsewhere */
  const char *host = req->host, *colon = strrchr(host, ':'), *bracket = strrchr(host, ']');
  size_t length = colon && colon > bracket ? (size_t)(colon - host) : strlen(host);
  if (bracket && colon < bracket) length = strlen(host);
  return arena_printf(req->arena, "https://%.*s:%s", (int)length, host, req->house->api_relay_port);
}

static bool get_kubeconfig(struct req *req, struct reply *out, struct err *err) {
  if (!req->house->attempts || !req->house->cluster) return away(err);
  const char *server = server_of(req);
  char *text;
  int64_t expires;
  struct db_read *read = req_read(req, err);
  struct attempt attempt;
  if (!read || !attempt_find(req->house->attempts, read, &req->viewer, req->param[0], req->arena, &attempt, err)) return false;   /* whose it is comes first */
  if (!server) {
    err_set(err, ERR_UNAVAILABLE, "cluster.away", "no cluster yet");
    if (err) err->retry_after_s = 5;
    return false;
  }
  if (!access_kubeconfig(req->house->attempts, &req->viewer, req->param[0], server, req->arena, &text, &expires, err)) return false;
  if (req_query(req, "facts")) {
    secret_wipe(text, strlen(text));
    out->json = tree_new(req->arena, TREE_MAP);
    tree_put_text(req->arena, out->json, "server", server);
    tree_put_int(req->arena, out->json, "expires_ms", expires);
    tree_put_bool(req->arena, out->json, "plain_http", req->house->plain_http);
    return true;
  }
  out->content_type = KUBECONFIG_TYPE;
  out->disposition = arena_printf(req->arena, "attachment; filename=\"makmal-%s.yaml\"", attempt.namespace);
  out->bytes = text;
  out->length = strlen(text);
  out->private_ = true;
  return true;
}

static bool post_revoke(struct req *req, struct reply *out, struct err *err) {
  if (!req->house->attempts) return away(err);
  return access_revoke(req->house->attempts, &req->viewer, req->param[0], err) && answer(req, out, req->param[0], 202, err);
}

const struct route api_attempt_routes[] = {
  {POST, "/api/v1/labs/{lab}/attempts", NEED_LEARNER, BODY_JSON | BODY_SMALL, NULL, attempt_out, post_attempt, "Start a lab, or go on with the open attempt"},
  {GET, "/api/v1/attempts/{attempt}", NEED_LEARNER, 0, NULL, attempt_out, get_attempt, "How an attempt stands"},
  {DELETE, "/api/v1/attempts/{attempt}", NEED_LEARNER, 0, NULL, attempt_out, delete_attempt, "End it; the namespace is deleted in the background"},
  {GET, "/api/v1/attempts/{attempt}/draft", NEED_LEARNER, 0, NULL, draft_out, get_draft, "The editor's texts; starter=1: the lab's own"},
  {PUT, "/api/v1/attempts/{attempt}/draft", NEED_LEARNER, BODY_FILES, draft_in, saved_out, put_draft, "Keep the editor's texts"},
  {POST, "/api/v1/attempts/{attempt}/reset", NEED_LEARNER, BODY_JSON | BODY_SMALL, NULL, attempt_out, post_reset, "Empty the namespace and set it up again"},
  {POST, "/api/v1/attempts/{attempt}/extend", NEED_LEARNER, BODY_JSON | BODY_SMALL, NULL, extend_out, post_extend, "More time"},
  {GET, "/api/v1/attempts/{attempt}/objects", NEED_LEARNER, 0, NULL, objects_out, get_objects, "What stands in the namespace"},
  {GET, "/api/v1/attempts/{attempt}/kubeconfig", NEED_LEARNER, 0, NULL, facts_out, get_kubeconfig, "A kubeconfig for the learner's own kubectl; facts=1: what it holds, without the token"},
  {POST, "/api/v1/attempts/{attempt}/revoke", NEED_LEARNER, BODY_JSON | BODY_SMALL, NULL, attempt_out, post_revoke, "End every kubeconfig that was handed out"},
  {0}};
