/* provision: making and deleting a lab's namespace. The order of calls is the design: namespace; everything else at once; then a wait
 * until the quota bites (a new ResourceQuota enforces nothing before status.hard is filled); the proof; the lab's own objects at once. */
#include "domain/provision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/proof.h"
#include "domain/setup.h"
#include "kube/kube.h"

static void pause_ms(int ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL); }

static struct kube_request get_of(struct arena *arena, const char *kind, const char *namespace, const char *name) {
  return (struct kube_request){.method = "GET", .path = kube_path(arena, kube_kind(kind), namespace, name), .retry = true};
}

static struct kube_request write_of(const struct shape_write *write) {
  return (struct kube_request){.method = write->method, .path = write->path, .body = write->body, .body_length = strlen(write->body), .query = "fieldManager=makmal", .retry = true};
}

/* The same object by server-side apply: for what was there already. */
static struct kube_request again_of(const struct shape_write *write) {
  return (struct kube_request){.method = "PATCH", .path = write->named, .body = write->body, .body_length = strlen(write->body),
                               .content_type = "application/apply-patch+yaml", .query = "fieldManager=makmal&force=true", .retry = true};
}

static const char *message_of(struct arena *arena, struct kube_reply *reply) {
  struct tree *status = NULL;
  return kube_tree(arena, reply, &status, NULL) ? tree_text_or(status, "message", "") : "";
}

static bool good(const struct kube_reply *reply) { return reply->answered && reply->status >= 200 && reply->status < 300; }

static bool away(const struct err *err) { return err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT; }

/* An answer that ends the making, as an error a person may read. */
static bool refused(struct arena *arena, const char *what, struct kube_reply *reply, struct err *err) {
  if (!reply->answered) {
    *err = *reply->err;
    return err_wrap(err, "%s", what);
  }
  const char *message = message_of(arena, reply);
  bool later = reply->status == 429 || reply->status >= 500;
  err_set(err, later ? ERR_UNAVAILABLE : ERR_UPSTREAM, later ? "cluster.later" : "provision.refused", "%s: %d %s", what, reply->status, message);
  err_param(err, "object", "%s", what);
  return err_param(err, "message", "%d %s", reply->status, message);
}

/* Sends all; what answers 409 is applied over, what answers 404 (a RoleBinding whose Role is not seen yet) is sent again within the round. */
static bool write_round(const struct kube *kube, struct arena *arena, const struct shape_write *writes, size_t count, struct err *err) {
  struct kube_request requests[SHAPE_WRITES];
  struct kube_reply replies[SHAPE_WRITES];
  size_t whose[SHAPE_WRITES], n = count;
  for (size_t i = 0; i < count; i++) requests[i] = write_of(&writes[i]), whose[i] = i;
  for (int round = 0; n; round++) {
    memset(replies, 0, sizeof replies);
    if (!kube->send(kube->ctx, arena, requests, n, replies, err)) return false;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
      if (good(&replies[i])) continue;
      const struct shape_write *write = &writes[whose[i]];
      bool there = replies[i].answered && replies[i].status == 409, missing = replies[i].answered && replies[i].status == 404;
      if (round >= 20 || (!there && !missing)) return refused(arena, write->what, &replies[i], err);
      requests[left] = there ? again_of(write) : write_of(write);
      whose[left++] = whose[i];
    }
    n = left;
    if (n && round) pause_ms(round < 5 ? 5 : 50);
  }
  return true;
}

/* --- the ground ---------------------------------------------------------------------------------------------------------------------------------- */

/* Where traffic from outside a node comes from: its addresses, and the first two of its Pod range (bridge and overlay), which no Pod ever has. */
static void fronts_of(struct arena *arena, const struct tree *nodes, struct shape_site *site) {
  size_t room = 0, n = 0;
  TREE_EACH(node, nodes) room += 2 + (tree_path(node, "status.addresses") ? tree_path(node, "status.addresses")->count : 0);
  site->fronts = arena_alloc(arena, (room + 1) * sizeof *site->fronts);
  TREE_EACH(node, nodes) {
    TREE_EACH(address, tree_path(node, "status.addresses")) {
      const char *type = tree_text_or(address, "type", ""), *text = tree_text_or(address, "address", "");
      if (strcmp(type, "InternalIP") && strcmp(type, "ExternalIP")) continue;
      if (strspn(text, "0123456789.") == strlen(text) && *text) site->fronts[n++] = arena_printf(arena, "%s/32", text);
      else if (strspn(text, "0123456789abcdefABCDEF:.") == strlen(text) && *text) site->fronts[n++] = arena_printf(arena, "%s/128", text);
    }
    unsigned a, b, c, d, bits;
    char end;
    const char *range = tree_text_or(tree_get(node, "spec"), "podCIDR", "");
    if (sscanf(range, "%3u.%3u.%3u.%3u/%2u%c", &a, &b, &c, &d, &bits, &end) == 5 && bits < 31) {
      site->fronts[n++] = arena_printf(arena, "%u.%u.%u.%u/31", a, b, c, d);
    }
  }
  site->front_count = n;
}

bool provision_ground(const struct kube *kube, struct arena *arena, const char *install, struct shape_site *out, struct err *err) {
  struct shape_site site = {0};
  /* the embedded cluster is known by a role of its own that only its start writes */
  struct kube_request asks[] = {{.method = "GET", .path = "/version", .retry = true}, get_of(arena, "ClusterRole", NULL, "makmal:kube-router")};
  struct kube_reply replies[2] = {0};
  if (!kube->send(kube->ctx, arena, asks, 2, replies, err)) return false;
  struct tree *version;
  if (!good(&replies[0])) return refused(arena, "/version", &replies[0], err);
  if (!kube_tree(arena, &replies[0], &version, err)) return false;
  snprintf(site.minor, sizeof site.minor, "v%.4s.%d", tree_text_or(version, "major", "1"), atoi(tree_text_or(version, "minor", "0")));
  site.embedded = good(&replies[1]);
  struct tree *nodes = NULL;
  if (!kube_list(kube, arena, kube_kind("Node"), NULL, NULL, &nodes, err)) {
    if (away(err)) return false;
    log_warn("provision.nodes", "cannot list nodes, so nothing from outside reaches a lab's Services: %s", err->detail);
    err_clear(err);
  }
  fronts_of(arena, nodes, &site);
  struct shape_write writes[3];
  size_t n = shape_ground(arena, install, &site, writes);
  for (size_t i = 0; i < n; i++) {                                     /* in order: the binding looks for the role */
    struct kube_request request = again_of(&writes[i]);
    struct kube_reply reply = {0};
    if (!kube->send(kube->ctx, arena, &request, 1, &reply, err)) return false;
    if (!good(&reply)) return refused(arena, writes[i].what, &reply, err);
  }
  *out = site;
  return true;
}

/* --- tokens ---------------------------------------------------------------------------------------------------------------------------------------- */

static struct kube_request token_request(struct arena *arena, const char *install, const char *namespace) {
  static const char body[] = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{\"expirationSeconds\":3600}}";
  _Static_assert(PROVISION_TOKEN_S == 3600, "the body says the same");
  return (struct kube_request){.method = "POST", .path = arena_printf(arena, "%s/token", kube_path(arena, kube_kind("ServiceAccount"), shape_people(arena, install), namespace)),
                               .body = body, .body_length = sizeof body - 1, .retry = true};
}

static bool token_of(struct arena *arena, struct kube_reply *reply, char out[4096], int64_t *out_ends_ms, struct err *err) {
  struct tree *answer;
  if (!good(reply)) return refused(arena, "TokenRequest", reply, err);
  if (!kube_tree(arena, reply, &answer, err)) return false;
  const char *token = tree_text(tree_get(answer, "status"), "token");
  if (!token || strlen(token) >= 4096) return err_set(err, ERR_UPSTREAM, "provision.refused", "no usable token in the answer");
  snprintf(out, 4096, "%s", token);
  if (out_ends_ms) *out_ends_ms = wall_ms() + PROVISION_TOKEN_S * 1000LL;
  secret_wipe(reply->body, reply->length);
  return true;
}

bool provision_token(const struct kube *kube, struct arena *arena, const char *install, const char *namespace, char out[4096], int64_t *out_ends_ms, struct err *err) {
  struct kube_request request = token_request(arena, install, namespace);
  struct kube_reply reply = {0};
  return kube->send(kube->ctx, arena, &request, 1, &reply, err) && token_of(arena, &reply, out, out_ends_ms, err);
}

bool provision_renew_account(const struct kube *kube, struct arena *arena, const char *install, const char *namespace, struct err *err) {
  struct shape shape = {.install = install, .namespace = namespace, .attempt = "", .site = &(struct shape_site){.minor = "latest"}};
  struct shape_write writes[SHAPE_WRITES];
  size_t n = shape_objects(arena, &shape, writes);
  const char *people = kube_path(arena, kube_kind("ServiceAccount"), shape_people(arena, install), namespace);
  for (size_t i = 0; i < n; i++) {
    if (strcmp(writes[i].named, people)) continue;
    struct kube_request request = {.method = "DELETE", .path = people, .retry = true};
    struct kube_reply reply = {0};
    if (!kube->send(kube->ctx, arena, &request, 1, &reply, err)) return false;
    if (!good(&reply) && reply.status != 404) return refused(arena, "ServiceAccount", &reply, err);
    return write_round(kube, arena, &writes[i], 1, err);
  }
  BUG("a shape without the learner's account");
  return err_set(err, ERR_BUG, "bug", "no account in the shape");
}

/* --- making ----------------------------------------------------------------------------------------------------------------------------------------- */

/* Whether a namespace that is there already is this very attempt's, left by a crash. */
static bool ours(const struct provision_job *job, struct arena *arena, bool *out_ours, struct err *err) {
  struct kube_request request = get_of(arena, "Namespace", NULL, job->namespace);
  struct tree *found;
  if (!kube_call(job->kube, arena, &request, &found, err)) return false;
  const struct tree *labels = tree_path(found, "metadata.labels");
  *out_ours = !strcmp(tree_text_or(labels, "makmal/install", ""), job->install) && !strcmp(tree_text_or(labels, "makmal/attempt", ""), job->attempt) &&
              *job->attempt && !tree_text(tree_get(found, "metadata"), "deletionTimestamp");
  return true;
}

static bool make_namespace(const struct provision_job *job, struct arena *arena, const struct shape *shape, struct err *err) {
  struct shape_write write = shape_namespace(arena, shape);
  struct kube_request request = write_of(&write);
  struct kube_reply reply = {0};
  if (!job->kube->send(job->kube->ctx, arena, &request, 1, &reply, err)) return false;
  if (good(&reply)) return true;
  if (!reply.answered || reply.status != 409) return refused(arena, write.what, &reply, err);
  bool same = false;
  if (!ours(job, arena, &same, err)) return false;
  return same || err_set(err, ERR_CONFLICT, "provision.taken", "namespace %s is there and not ours", job->namespace);
}

/* Every line of spec.hard stands in status.hard with the same amount. */
static bool hard_filled(const struct tree *quota) {
  const struct tree *want = tree_path(quota, "spec.hard"), *have = tree_path(quota, "status.hard");
  if (!want || !have || !want->count) return false;
  TREE_EACH(line, want) {
    const struct tree *other = tree_get(have, line->key);
    if (!other || !tree_equal(line, other)) return false;
  }
  return true;
}

/* Looks every few milliseconds until the quota bites and the account `default` is there; the learner's token is asked for along with the first look. */
static bool wait_hard(const struct provision_job *job, struct arena *arena, char token[4096], int64_t *out_token_ms, struct err *err) {
  int64_t until = mono_ms() + PROVISION_HARD_MS;
  bool hard = false, account = false, minted = false;
  for (int round = 0; !hard || !account || !minted; round++) {
    struct kube_request requests[3];
    struct kube_reply replies[3] = {0};
    size_t n = 0, at_hard = 3, at_account = 3, at_token = 3;
    if (!hard) requests[at_hard = n++] = get_of(arena, "ResourceQuota", job->namespace, "makmal");
    if (!account) requests[at_account = n++] = get_of(arena, "ServiceAccount", job->namespace, "default");
    if (!minted) requests[at_token = n++] = token_request(arena, job->install, job->namespace);
    if (!job->kube->send(job->kube->ctx, arena, requests, n, replies, err)) return false;
    for (size_t i = 0; i < n; i++) {
      if (!good(&replies[i]) && !(replies[i].answered && replies[i].status == 404)) return refused(arena, requests[i].path, &replies[i], err);
    }
    struct tree *quota;
    if (at_hard < 3 && good(&replies[at_hard]) && kube_tree(arena, &replies[at_hard], &quota, NULL)) hard = hard_filled(quota);
    if (at_account < 3) account = good(&replies[at_account]);
    if (at_token < 3 && good(&replies[at_token])) {
      if (!token_of(arena, &replies[at_token], token, out_token_ms, err)) return false;
      minted = true;
    }
    if (hard && account && minted) break;
    if (mono_ms() >= until) return err_set(err, ERR_UPSTREAM, "provision.quota", "status.hard of %s not filled in %d ms", job->namespace, PROVISION_HARD_MS);
    pause_ms(round < 8 ? 2 : round < 20 ? 10 : 100);
  }
  return true;
}

static void tell(const struct provision_job *job, enum provision_stage stage) { if (job->stage) job->stage(job->ctx, stage); }

static bool make(const struct provision_job *job, struct arena *arena, struct provision *out, struct tree **out_proof, int64_t *out_token_ms, struct err *err) {
  struct shape shape;
  struct tree *objects;
  if (!shape_of(job->lab, &shape, err)) return false;
  shape.install = job->install, shape.namespace = job->namespace, shape.attempt = job->attempt, shape.expires_ms = job->expires_ms, shape.site = job->site;
  if (!setup_read(job->pool, arena, job->lab, job->params, job->namespace, &objects, err)) return false;
  struct shape_write writes[SHAPE_WRITES];
  size_t n = shape_objects(arena, &shape, writes);

  int64_t t0 = mono_us();
  tell(job, PROVISION_NAMESPACE);
  if (!make_namespace(job, arena, &shape, err)) return false;
  tell(job, PROVISION_WALLS);
  if (!write_round(job->kube, arena, writes, n, err)) return false;
  int64_t t1 = mono_us();
  if (!wait_hard(job, arena, out->token, out_token_ms, err)) return false;
  int64_t t2 = mono_us();
  tell(job, PROVISION_PROOF);
  if (!proof_run(job->kube, arena, job->namespace, shape_people(arena, job->install), out->token, out_proof, err)) return false;
  int64_t t3 = mono_us();
  tell(job, PROVISION_SETUP);
  if (!setup_write(job->kube, arena, objects, job->lab->setup_as_create, err)) return false;
  int64_t t4 = mono_us();
  out->rounds_us = t1 - t0, out->hard_us = t2 - t1, out->writes_us = t2 - t0, out->proof_us = t3 - t2, out->setup_us = t4 - t3, out->ready_us = t4 - t0;
  return true;
}

bool provision_run(const struct provision_job *job, struct arena *arena, struct provision *out, struct tree **out_proof, int64_t *out_token_ms, struct err *err) {
  struct provision made = {0};
  struct tree *proof = NULL;
  struct err why = {0};
  snprintf(made.namespace, sizeof made.namespace, "%s", job->namespace);
  if (make(job, arena, &made, &proof, out_token_ms, &why)) {
    *out = made;
    if (out_proof) *out_proof = proof;
    secret_wipe(made.token, sizeof made.token);
    return true;
  }
  secret_wipe(made.token, sizeof made.token);
  if (err) *err = why;
  if (!away(&why) && strcmp(why.key, "provision.taken")) {
    struct err also;
    if (!provision_delete(job->kube, arena, job->namespace, job->install, &also)) log_warn("provision.left", "namespace=%s: %s", job->namespace, also.detail);
  }
  return false;
}

bool provision_make(const struct kube *kube, struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *install,
                    const char *namespace, struct provision *out, struct err *err) {
  struct shape_site site;
  struct err why;
  if (!provision_ground(kube, arena, install, &site, err)) return false;
  struct provision_job job = {.kube = kube, .pool = pool, .lab = lab, .params = params, .site = &site, .install = install, .namespace = namespace, .attempt = ""};
  if (provision_run(&job, arena, out, NULL, NULL, &why)) return true;
  if (away(&why)) provision_delete(kube, arena, namespace, install, NULL);
  if (err) *err = why;
  return false;
}

/* --- deleting --------------------------------------------------------------------------------------------------------------------------------------- */

bool provision_delete(const struct kube *kube, struct arena *arena, const char *namespace, const char *install, struct err *err) {
  struct err why = {0};
  struct tree *found = NULL;
  struct kube_request ask = get_of(arena, "Namespace", NULL, namespace);
  bool there = kube_call(kube, arena, &ask, &found, &why);
  if (!there && why.code != ERR_NOT_FOUND) { if (err) *err = why; return false; }
  if (there && strcmp(tree_text_or(tree_path(found, "metadata.labels"), "makmal/install", ""), install)) {
    return err_set(err, ERR_DENIED, "provision.foreign", "namespace %s does not carry our install label", namespace);
  }
  /* rights first, so that nothing is made while the rest goes */
  const char *account = kube_path(arena, kube_kind("ServiceAccount"), shape_people(arena, install), namespace);
  const char *body = arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"%s\"}}", tree_text_or(tree_get(found, "metadata"), "uid", ""));
  struct kube_request requests[3];
  size_t n = 0;
  if (there) requests[n++] = (struct kube_request){.method = "DELETE", .path = kube_path(arena, kube_kind("RoleBinding"), namespace, "makmal-learner"), .retry = true};
  requests[n++] = (struct kube_request){.method = "DELETE", .path = account, .retry = true};
  if (there) requests[n++] = (struct kube_request){.method = "DELETE", .path = kube_path(arena, kube_kind("Namespace"), NULL, namespace), .body = body, .body_length = strlen(body), .retry = true};
  for (size_t i = 0; i < n; i++) {
    struct kube_reply reply = {0};
    if (!kube->send(kube->ctx, arena, &requests[i], 1, &reply, err)) return false;
    if (good(&reply) || (reply.answered && (reply.status == 404 || reply.status == 409))) continue;    /* 409: it is ending already, or another has its name */
    if (err) return refused(arena, requests[i].path, &reply, err);
    return false;
  }
  return true;
}

bool provision_gone(const struct kube *kube, struct arena *arena, const char *namespace, bool *out_gone, struct err *err) {
  struct kube_request ask = get_of(arena, "Namespace", NULL, namespace);
  struct err why = {0};
  bool there = kube_call(kube, arena, &ask, NULL, &why);
  if (!there && why.code != ERR_NOT_FOUND) { if (err) *err = why; return false; }
  *out_gone = !there;
  return true;
}

bool provision_leave(const struct kube *kube, struct arena *arena, const char *install, struct err *err) {
  const char *name = arena_printf(arena, "makmal-%s-learner", install);
  struct kube_request requests[] = {
    {.method = "DELETE", .path = kube_path(arena, kube_kind("ClusterRoleBinding"), NULL, name), .retry = true},
    {.method = "DELETE", .path = kube_path(arena, kube_kind("ClusterRole"), NULL, name), .retry = true},
    {.method = "DELETE", .path = kube_path(arena, kube_kind("Namespace"), NULL, shape_people(arena, install)), .retry = true}};
  struct kube_reply replies[3] = {0};
  if (!kube->send(kube->ctx, arena, requests, 3, replies, err)) return false;
  for (int i = 0; i < 3; i++)
    if (!(replies[i].answered && replies[i].status == 404) && !kube_reply_err(&replies[i], arena, err)) return false;
  return true;
}
