/* evidence: wishes become requests of the platform's account (reads, probes) or of the learner (dry runs). Every body is hostile text. */
#include "domain/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "kube/kube.h"

#define PROBE_CAP (64u * 1024u)
#define PROBE_MS 3000
#define LOG_BYTES 60000                          /* of one container */
#define LOG_LINES_MAX 1000

void observer_begin(struct observer *observer, struct arena *arena) {
  observer->arena = arena;
  observer->reads = tree_new(arena, TREE_LIST);
  observer->bodies = tree_new(arena, TREE_MAP);
  observer->snapshot = NULL;
  observer->count = observer->probes = 0;
  observer->bytes = 0;
}

/* Letters, digits, dots and dashes: what names of objects, ports and label selectors' parts may hold here. */
static bool plain_name(const char *text) {
  return text && *text && strlen(text) < 254 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(text);
}

/* Percent-encodes all but unreserved characters and those of `keep`. */
static char *escaped(struct arena *arena, const char *text, const char *keep) {
  char *out = arena_alloc(arena, strlen(text) * 3 + 1), *at = out;
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) || strchr(keep, c);
    if (plain) *at++ = (char)c;
    else at += sprintf(at, "%%%02X", c);
  }
  *at = 0;
  return out;
}

static bool scripts_fault(struct err *err, const char *what) {
  err_set(err, ERR_DENIED, "check.read-refused", "%s", what);
  return err_param(err, "what", "%s", what);
}

/* page: every status is an answer; text: the body is what a program said. front: not a request to the API server but a page at the Ingress controller. */
struct asked { const char *verb, *path, *query; bool page, text; const struct kube_kind *kind; struct kube_request request; struct kube_front_ask front; };

static bool ask_object(const struct observer *observer, struct arena *arena, const struct tree *request, struct asked *out, struct err *err) {
  const struct kube_kind *kind = kube_kind(tree_text_or(request, "kind", ""));
  const char *name = tree_text(request, "name"), *selector = tree_text(request, "selector");
  if (!kind) return scripts_fault(err, "a kind that is not known");
  if (!kind->namespaced) return scripts_fault(err, "a kind outside the namespace");
  bool list = !strcmp(out->verb, "list");
  if (!list && !plain_name(name)) return scripts_fault(err, "a name that no object can have");
  out->kind = kind;
  out->path = kube_path(arena, kind, observer->namespace, list ? NULL : name);
  if (list && selector) out->query = arena_printf(arena, "labelSelector=%s", escaped(arena, selector, ""));
  out->request = (struct kube_request){.method = "GET", .path = out->path, .query = out->query, .retry = true};
  return true;
}

/* A page by its host: where the controller is reached is the platform's to know, so no address stands in a wish, nor in the evidence. */
static bool ask_front(struct arena *arena, const struct tree *request, const char *path, struct asked *out, struct err *err) {
  const char *host = tree_text(request, "host");
  if (!plain_name(host)) return scripts_fault(err, "a host name that cannot be");
  const char *scheme = tree_text_or(request, "scheme", "http");
  bool tls = !strcmp(scheme, "https");
  if (!tls && strcmp(scheme, "http") != 0) return scripts_fault(err, "a scheme that is neither http nor https");
  out->front = (struct kube_front_ask){.host = host, .path = path, .tls = tls, .head = out->query != NULL, .cap = PROBE_CAP, .timeout_ms = PROBE_MS};
  out->path = arena_printf(arena, "%s://%s%s", tls ? "https" : "http", host, path);
  return true;
}

static bool ask_probe(const struct observer *observer, struct arena *arena, const struct tree *request, struct asked *out, struct err *err) {
  const char *service = tree_text(request, "service"), *path = tree_text_or(request, "path", "/"), *method = tree_text_or(request, "method", "GET");
  const struct tree *port = tree_get(request, "port");
  const char *port_text = port && (port->type == TREE_NUMBER || port->type == TREE_STRING) ? port->text : NULL;
  if (path[0] != '/' || strlen(path) > 1024 || strstr(path, "..")) return scripts_fault(err, "a path that does not begin with / or climbs");
  bool head = !strcmp(method, "HEAD");
  if (!head && strcmp(method, "GET") != 0) return scripts_fault(err, "a method that is neither GET nor HEAD");
  out->page = out->text = true;
  out->query = head ? "HEAD" : NULL;                            /* of the record: a page's own query stands in its path */
  path = escaped(arena, path, "/?&=:@+,;");
  if (tree_get(request, "host")) return ask_front(arena, request, path, out, err);
  if (!plain_name(service) || !plain_name(port_text)) return scripts_fault(err, "a Service name or port that cannot be");
  out->path = arena_printf(arena, "/api/v1/namespaces/%s/services/http:%s:%s/proxy%s", observer->namespace, service, port_text, path);
  out->request = (struct kube_request){.method = head ? "HEAD" : "GET", .path = out->path, .accept = "*/*", .cap = PROBE_CAP, .timeout_ms = PROBE_MS};
  return true;
}

/* The last lines of one container. 400 and 404 are answers: it has not started, it is gone. */
static bool ask_log(const struct observer *observer, struct arena *arena, const struct tree *request, struct asked *out, struct err *err) {
  const char *pod = tree_text(request, "name"), *container = tree_text(request, "container");
  int64_t tail = tree_int(request, "tail", 0);
  if (!plain_name(pod) || !plain_name(container)) return scripts_fault(err, "a Pod's or container's name that cannot be");
  if (tail < 1 || tail > LOG_LINES_MAX) return scripts_fault(err, "a number of lines that cannot be");
  out->text = true;
  out->path = arena_printf(arena, "%s/log", kube_path(arena, kube_kind("Pod"), observer->namespace, pod));
  out->query = arena_printf(arena, "container=%s&limitBytes=%d&tailLines=%d", container, LOG_BYTES, (int)tail);
  out->request = (struct kube_request){.method = "GET", .path = out->path, .query = out->query, .accept = "*/*", .cap = PROBE_CAP, .retry = true};
  return true;
}

/* A dry run of one object as the learner: PUT where it exists, else create, both strict. */
static bool ask_dry_run(struct observer *observer, struct arena *arena, const struct tree *request, struct asked *out, struct err *err) {
  const struct tree *object = tree_get(request, "object");
  const char *name = tree_text(tree_get(object, "metadata"), "name");
  const struct kube_kind *kind = kube_kind_of(tree_text_or(object, "apiVersion", ""), tree_text_or(object, "kind", ""));
  if (!observer->token) return err_set(err, ERR_UNAVAILABLE, "cluster.away", "no token of the learner for a dry run");
  if (!kind || !kind->namespaced) return scripts_fault(err, "a kind that cannot be written here");
  if (!plain_name(name)) return scripts_fault(err, "an object without a usable name");
  struct kube_request get = {.method = "GET", .path = kube_path(arena, kind, observer->namespace, name), .token = observer->token, .retry = true};
  struct kube_reply reply;
  if (!observer->kube->send(observer->kube->ctx, arena, &get, 1, &reply, err)) return false;
  if (!reply.answered) {
    if (err && reply.err) *err = *reply.err;
    return false;
  }
  bool exists = reply.status == 200;
  struct tree *sent = tree_copy(arena, object);
  struct tree *metadata = tree_get(sent, "metadata");
  if (metadata) {
    tree_remove(metadata, "resourceVersion");
    tree_set(arena, metadata, "namespace", tree_string(arena, observer->namespace));
  }
  struct buf *body = arena_alloc(arena, sizeof *body);
  buf_init_arena(body, arena, 2u * CHECK_BYTES_MAX);
  tree_write_plain(body, sent);
  out->kind = kind;
  out->path = exists ? get.path : kube_path(arena, kind, observer->namespace, NULL);
  out->query = "dryRun=All&fieldValidation=Strict&fieldManager=kubectl";
  out->request = (struct kube_request){.method = exists ? "PUT" : "POST", .path = out->path, .query = out->query, .body = body->data, .body_length = body->len,
                                       .token = observer->token, .retry = true};
  return true;
}

/* Values of Secrets stay on the cluster unless the lab asks for them. */
static void hide_secrets(struct arena *arena, struct tree *object) {
  static const char *const parts[] = {"data", "stringData", NULL};
  for (const char *const *part = parts; *part; part++) {
    struct tree *old = tree_get(object, *part);
    if (!old) continue;
    struct tree *hidden = tree_new(arena, TREE_MAP);
    TREE_EACH(value, old) tree_put_text(arena, hidden, value->key, "hidden");
    tree_set(arena, object, *part, hidden);
  }
  struct tree *annotations = tree_path(object, "metadata.annotations");       /* every apply writes the whole object there once more */
  if (annotations && annotations->type == TREE_MAP) tree_remove(annotations, "kubectl.kubernetes.io/last-applied-configuration");
}

/* The body as the script and the evidence see it. */
static struct tree *body_of(struct observer *observer, struct arena *arena, const struct asked *asked, struct kube_reply *reply, struct err *err) {
  struct tree *body = NULL;
  if (asked->text) {
    struct buf text;
    buf_init(&text, 8u * PROBE_CAP);
    /* a learner's program may answer anything: NUL, which no tree holds, becomes U+FFFD like other bad bytes */
    for (size_t i = 0; reply->body && i < reply->length; i++) if (!reply->body[i]) reply->body[i] = (char)0xFF;
    buf_json_n(&text, reply->body ? reply->body : "", reply->length);
    bool ok = tree_parse(arena, text.data, text.len, 0, &body, err);
    buf_release(&text);
    return ok ? body : NULL;
  }
  if (!kube_tree(arena, reply, &body, err)) {
    err_set(err, ERR_UPSTREAM, "cluster.answer", "an answer of %s is no JSON", asked->path);
    return NULL;
  }
  bool secret = asked->kind && !strcmp(asked->kind->kind, "Secret") && !observer->secret_values;
  bool event = asked->kind && !strcmp(asked->kind->kind, "Event");
  if (!strcmp(asked->verb, "list") && reply->status == 200) {
    struct tree *items = tree_get(body, "items"), *kept = tree_new(arena, TREE_LIST);
    const char *version = kube_api_version(arena, asked->kind);
    for (struct tree *item = items ? items->child : NULL, *next; item; item = next) {
      next = item->next;
      tree_set(arena, item, "apiVersion", tree_string(arena, version));
      tree_set(arena, item, "kind", tree_string(arena, asked->kind->kind));
      if (secret) hide_secrets(arena, item);
      if (event && tree_get(item, "metadata")) tree_remove(tree_get(item, "metadata"), "managedFields");   /* half of each, and it says nothing */
      item->next = NULL;
      tree_push(kept, item);
    }
    struct tree *list = tree_new(arena, TREE_MAP);
    tree_put(arena, list, "items", kept);
    return list;
  }
  if (secret && reply->status == 200) hide_secrets(arena, body);
  return body;
}

/* What is counted as a probe and moves by itself. */
static bool is_probe(const char *verb) { return !strcmp(verb, "http") || !strcmp(verb, "log"); }

bool evidence_is_object(const struct tree *read) { return !is_probe(tree_text_or(read, "verb", "")); }

static void record(struct observer *observer, const struct asked *asked, const struct tree *body, const char *rv, const struct kube_reply *reply, struct buf *canonical, int *out_n) {
  char hash[65];
  secret_sha256_hex(canonical->data, canonical->len, hash);
  struct arena *arena = observer->arena;
  if (!tree_get(observer->bodies, hash)) tree_put(arena, observer->bodies, hash, tree_copy(arena, body));
  struct tree *read = tree_new(arena, TREE_MAP);
  *out_n = observer->count + observer->probes - 1;
  tree_put_int(arena, read, "n", *out_n);
  tree_put_text(arena, read, "verb", asked->verb);
  tree_put_text(arena, read, "path", asked->path);
  tree_put_text(arena, read, "query", asked->query);
  tree_put_int(arena, read, "status", reply->status);
  tree_put_text(arena, read, "rv", rv);
  tree_put_text(arena, read, "uid", tree_text(tree_get(body, "metadata"), "uid"));
  tree_put_int(arena, read, "at_ms", reply->at_ms);
  tree_put_text(arena, read, "body", hash);
  tree_push(observer->reads, read);
}

bool observer_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply_text, struct tree **out_meta, struct err *err) {
  struct observer *observer = ctx;
  struct asked asked = {.verb = tree_text_or(request, "verb", "")};
  bool probe = is_probe(asked.verb);
  if (!observer->kube) return err_set(err, ERR_UNAVAILABLE, "cluster.away", "there is no cluster at the moment");
  if (probe ? observer->probes >= EVIDENCE_PROBES_MAX : observer->count >= EVIDENCE_READS_MAX) {
    err_set(err, ERR_LIMIT, "check.reads", "over the reads of a run");
    return err_param(err, "limit", "%d", probe ? EVIDENCE_PROBES_MAX : EVIDENCE_READS_MAX);
  }
  bool ok = !strcmp(asked.verb, "http") ? ask_probe(observer, arena, request, &asked, err)
          : !strcmp(asked.verb, "log") ? ask_log(observer, arena, request, &asked, err)
          : !strcmp(asked.verb, "dryrun") ? ask_dry_run(observer, arena, request, &asked, err)
          : !strcmp(asked.verb, "get") || !strcmp(asked.verb, "list") ? ask_object(observer, arena, request, &asked, err)
          : scripts_fault(err, "a verb that is not known");
  if (!ok) return false;
  if (probe) observer->probes++;
  else observer->count++;
  struct kube_reply reply;
  if (asked.front.host) {
    if (!observer->front) return err_set(err, ERR_NOT_FOUND, "evidence.unobserved", "nobody has said where this cluster's Ingress controller is");
    kube_front_get(observer->front, arena, &asked.front, &reply);
  } else if (!observer->kube->send(observer->kube->ctx, arena, &asked.request, 1, &reply, err)) return false;
  /* a page that does not come in time is an answer too: status 0, and the check asks again until its time is over; so is another host's certificate */
  bool late = asked.page && !reply.answered && reply.err && reply.err->code == ERR_TIMEOUT;
  if (late || (!reply.answered && reply.err && !strcmp(reply.err->key, "front.certificate"))) {
    reply.answered = true;
    reply.status = late ? 0 : EVIDENCE_OTHER_CERTIFICATE;
    reply.body = arena_str(arena, "");
    reply.at_ms = wall_ms();
  }
  if (!reply.answered) {
    if (err && reply.err) *err = *reply.err;
    return false;
  }
  if (!asked.page && (reply.status == 401 || reply.status == 429 || reply.status >= 500)) return kube_reply_err(&reply, arena, err);
  struct tree *body = body_of(observer, arena, &asked, &reply, err);
  if (!body) return false;
  observer->bytes += reply.length;
  if (observer->bytes > EVIDENCE_BYTES_MAX) {
    err_set(err, ERR_LIMIT, "check.bytes", "over the bytes of a run");
    return err_param(err, "limit", "%u", EVIDENCE_BYTES_MAX);
  }
  tree_write(reply_text, body);
  const char *rv = tree_text(tree_get(body, "metadata"), "resourceVersion");
  int n = 0;
  record(observer, &asked, body, rv, &reply, reply_text, &n);
  struct tree *meta = tree_new(arena, TREE_MAP);
  tree_put_int(arena, meta, "status", reply.status);
  tree_put_text(arena, meta, "rv", rv);
  tree_put_int(arena, meta, "at_ms", reply.at_ms);
  tree_put_int(arena, meta, "n", n);
  *out_meta = meta;
  return true;
}

/* --- the snapshot ------------------------------------------------------------------------------------------------------------------------ */

static bool has_list(const struct tree *reads, const char *path) {
  TREE_EACH(read, reads)
    if (!strcmp(tree_text_or(read, "verb", ""), "list") && !*tree_text_or(read, "query", "") && !strcmp(tree_text_or(read, "path", ""), path)) return true;
  return false;
}

void observer_snapshot(struct observer *observer, struct arena *arena, const char *const *kinds, size_t count) {
  if (!observer->kube) return;
  struct kube_request *requests = arena_alloc(arena, (count + 1) * sizeof *requests);
  struct kube_reply *replies = arena_alloc(arena, (count + 1) * sizeof *replies);
  const struct kube_kind **asked = arena_alloc(arena, (count + 1) * sizeof *asked);
  size_t n = 0, bytes = 0;
  for (size_t i = 0; i < count; i++) {
    const struct kube_kind *kind = kube_kind(kinds[i]);
    if (!kind || !kind->namespaced) continue;
    char *path = kube_path(arena, kind, observer->namespace, NULL);
    if (has_list(observer->reads, path)) continue;               /* the replay has it from there */
    requests[n] = (struct kube_request){.method = "GET", .path = path, .cap = EVIDENCE_SNAPSHOT_MAX, .retry = true};
    asked[n++] = kind;
  }
  struct err err;
  if (!n || !observer->kube->send(observer->kube->ctx, arena, requests, n, replies, &err)) return;
  struct tree *snapshot = tree_new(arena, TREE_MAP), *taken = tree_new(arena, TREE_MAP);
  struct observer blind = *observer;
  blind.secret_values = false;
  int64_t at_ms = 0;
  for (size_t i = 0; i < n; i++) {
    struct asked one = {.verb = "list", .path = requests[i].path, .kind = asked[i]};
    struct tree *body = replies[i].answered && replies[i].status == 200 ? body_of(&blind, arena, &one, &replies[i], &err) : NULL;
    if (!body) continue;
    struct buf text;
    char hash[65];
    buf_init(&text, EVIDENCE_SNAPSHOT_MAX);
    tree_write(&text, body);
    if (!text.over && bytes + text.len <= EVIDENCE_SNAPSHOT_MAX) {
      bytes += text.len;
      secret_sha256_hex(text.data, text.len, hash);
      if (!tree_get(observer->bodies, hash)) tree_put(arena, observer->bodies, hash, body);
      tree_put_text(arena, taken, asked[i]->kind, hash);
      if (replies[i].at_ms > at_ms) at_ms = replies[i].at_ms;
    }
    buf_release(&text);
  }
  tree_put_int(arena, snapshot, "at_ms", at_ms);
  tree_put(arena, snapshot, "kinds", taken);
  observer->snapshot = snapshot;
}

static int by_path(const void *a, const void *b) {
  const struct tree *x = *(struct tree *const *)a, *y = *(struct tree *const *)b;
  int order = strcmp(tree_text_or(x, "path", ""), tree_text_or(y, "path", ""));
  if (!order) order = strcmp(tree_text_or(x, "query", ""), tree_text_or(y, "query", ""));
  return order ? order : (tree_int(x, "n", 0) > tree_int(y, "n", 0)) - (tree_int(x, "n", 0) < tree_int(y, "n", 0));
}

static struct tree *sorted_reads(struct arena *arena, const struct tree *reads) {
  struct tree *out = tree_new(arena, TREE_LIST);
  struct tree **row = arena_alloc(arena, (reads->count + 1) * sizeof *row);
  size_t n = 0;
  TREE_EACH(read, reads) row[n++] = read;
  qsort(row, n, sizeof *row, by_path);
  for (size_t i = 0; i < n; i++) tree_push(out, tree_copy(arena, row[i]));
  return out;
}

struct tree *evidence_of(struct observer *observer, struct arena *arena, const struct check_file *files, size_t count, const struct tree *params, const struct tree *start,
                         const struct tree *clock, char out_root[65]) {
  struct tree *evidence = tree_new(arena, TREE_MAP), *list = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < count; i++) {
    char hash[65];
    secret_sha256_hex(files[i].bytes, files[i].length, hash);
    struct tree *file = tree_new(arena, TREE_MAP);
    tree_put_text(arena, file, "name", files[i].name);
    tree_put_text(arena, file, "sha256", hash);
    tree_put_int(arena, file, "size", (int64_t)files[i].length);
    tree_push(list, file);
  }
  tree_put_text(arena, evidence, "format", "makmal.evidence/1");
  tree_put(arena, evidence, "files", list);
  tree_put(arena, evidence, "params", params ? tree_copy(arena, params) : tree_new(arena, TREE_NULL));
  tree_put(arena, evidence, "start", start ? tree_copy(arena, start) : tree_new(arena, TREE_NULL));
  tree_put(arena, evidence, "reads", observer->reads ? sorted_reads(arena, observer->reads) : tree_new(arena, TREE_LIST));
  if (observer->snapshot) tree_put(arena, evidence, "snapshot", tree_copy(arena, observer->snapshot));
  struct buf text;
  buf_init(&text, 4u * EVIDENCE_BYTES_MAX);
  tree_write(&text, evidence);
  secret_sha256_hex(text.data, text.len, out_root);
  buf_release(&text);
  tree_put(arena, evidence, "clock", clock ? tree_copy(arena, clock) : tree_new(arena, TREE_NULL));
  tree_put(arena, evidence, "bodies", observer->bodies ? tree_copy(arena, observer->bodies) : tree_new(arena, TREE_MAP));
  return evidence;
}

/* --- replay ----------------------------------------------------------------------------------------------------------------------------- */

void replayer_begin(struct replayer *replayer, struct arena *arena, const struct tree *evidence, const struct observer *names) {
  const struct tree *reads = tree_get(evidence, "reads");
  *replayer = (struct replayer){.names = names, .evidence = evidence, .count = reads ? reads->count : 0};
  replayer->used = arena_alloc(arena, (replayer->count + 1) * sizeof *replayer->used);
}

/* Reads of one address are answered in the order in which they were made; the last answer stands for any more. */
static const struct tree *recorded(struct replayer *replayer, const struct asked *asked) {
  const struct tree *found = NULL;
  size_t i = 0;
  TREE_EACH(read, tree_get(replayer->evidence, "reads")) {
    size_t at = i++;
    if (strcmp(tree_text_or(read, "verb", ""), asked->verb) != 0) continue;
    if (asked->path && (strcmp(tree_text_or(read, "path", ""), asked->path) != 0 || strcmp(tree_text_or(read, "query", ""), asked->query ? asked->query : "") != 0)) continue;
    if (found && replayer->used[at]) continue;
    if (!replayer->used[at]) {
      replayer->used[at] = true;
      return read;
    }
    found = read;
  }
  return found;
}

static bool has_read(const struct tree *evidence, const struct asked *asked) {
  TREE_EACH(read, tree_get(evidence, "reads"))
    if (!strcmp(tree_text_or(read, "verb", ""), asked->verb) && !strcmp(tree_text_or(read, "path", ""), asked->path)) return true;
  return false;
}

bool replayer_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err) {
  struct replayer *replayer = ctx;
  struct asked asked = {.verb = tree_text_or(request, "verb", "")};
  bool page = !strcmp(asked.verb, "http"), log = !strcmp(asked.verb, "log"), dry = !strcmp(asked.verb, "dryrun");
  bool ok = dry || (page ? ask_probe(replayer->names, arena, request, &asked, err) : log ? ask_log(replayer->names, arena, request, &asked, err)
                                                                                        : ask_object(replayer->names, arena, request, &asked, err));
  if (!ok) return false;
  if (dry) {                          /* by the object's name alone: whether it existed then is what the evidence says */
    const struct tree *object = tree_get(request, "object");
    const struct kube_kind *kind = kube_kind_of(tree_text_or(object, "apiVersion", ""), tree_text_or(object, "kind", ""));
    const char *name = tree_text(tree_get(object, "metadata"), "name");
    if (!kind || !name) return scripts_fault(err, "an object that cannot be");
    asked.query = "dryRun=All&fieldValidation=Strict&fieldManager=kubectl";
    asked.path = kube_path(arena, kind, replayer->names->namespace, name);
    if (!has_read(replayer->evidence, &asked)) asked.path = kube_path(arena, kind, replayer->names->namespace, NULL);
  }
  /* a lab that asks for the values of Secrets today did not when this was recorded: "hidden" is not what stood there */
  bool secret = asked.kind && !strcmp(asked.kind->kind, "Secret") && replayer->names->secret_values;
  bool hidden = secret && !tree_flag(tree_get(replayer->evidence, "clock"), "secret_values", false);
  const struct tree *read = hidden ? NULL : recorded(replayer, &asked), *snapshot = tree_get(replayer->evidence, "snapshot");
  const char *hash = read ? tree_text(read, "body") : !secret && !strcmp(asked.verb, "list") && !asked.query ? tree_text(tree_get(snapshot, "kinds"), asked.kind->kind) : NULL;
  const struct tree *body = hash ? tree_get(tree_get(replayer->evidence, "bodies"), hash) : NULL;
  if (!body) return err_set(err, ERR_NOT_FOUND, "evidence.unobserved", "%s %s", asked.verb, asked.path ? asked.path : "");
  tree_write(reply, body);
  struct tree *meta = tree_new(arena, TREE_MAP);
  tree_put_int(arena, meta, "status", tree_int(read, "status", 200));
  tree_put_text(arena, meta, "rv", tree_text(read, "rv"));
  tree_put_int(arena, meta, "at_ms", read ? tree_int(read, "at_ms", 0) : tree_int(snapshot, "at_ms", 0));
  tree_put_int(arena, meta, "n", read ? tree_int(read, "n", 0) : (int64_t)replayer->count);
  *out_meta = meta;
  return true;
}
