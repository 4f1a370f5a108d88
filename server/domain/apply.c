/* apply: a learner's files onto the cluster with the learner's own rights: read, refuse what has no place here, dry run of all, then one
 * server-side apply each as manager `kubectl`. Nothing is applied when anything was refused before the first write. No rows here (grading.c has them). */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/grading.h"
#include "domain/refusal.h"
#include "kube/kube.h"

#define OBJECT_CAP (2u * 1024u * 1024u)
#define MANAGER "kubectl"
#define CLIENT_SIDE "kubectl-client-side-apply"
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

struct target {
  const struct tree *object;          /* the learner's, with places */
  const char *file; int doc;
  const struct kube_kind *kind;
  const char *name, *path;
  struct tree *findings;
  const char *did;
};
struct apply {
  struct arena *arena;
  const struct kube *kube;
  const char *namespace, *token;
  struct target *target; size_t count;
  struct tree *findings;              /* of the files as a whole */
};

static char *json_of(struct apply *apply, const struct tree *tree, size_t *out_length) {
  struct buf *text = arena_alloc(apply->arena, sizeof *text);
  buf_init_arena(text, apply->arena, OBJECT_CAP);
  tree_write_plain(text, tree);
  *out_length = text->len;
  return text->data;
}

/* What may be written here at all: a known kind of the namespace, a name, no other namespace. */
static bool belongs(struct apply *apply, struct target *target) {
  struct arena *arena = apply->arena;
  const char *api_version = tree_text_or(target->object, "apiVersion", ""), *kind = tree_text_or(target->object, "kind", "");
  const struct tree *metadata = tree_get(target->object, "metadata");
  const char *namespace = tree_text(metadata, "namespace");
  target->name = tree_text(metadata, "name");
  target->kind = kube_kind_of(api_version, kind);
  struct tree *refused = NULL;
  if (!target->kind)
    refused = refusal_finding(arena, "object.unknown-kind", target->object, target->file, target->doc, "kind", "kind", kind, "api_version", api_version, NULL);
  else if (!target->kind->namespaced)
    refused = refusal_finding(arena, "object.cluster-scoped", target->object, target->file, target->doc, "kind", "kind", kind, NULL);
  else if (!target->name || !*target->name)
    refused = refusal_finding(arena, "object.no-name", target->object, target->file, target->doc, "metadata.name", "kind", kind, NULL);
  else if (namespace && strcmp(namespace, apply->namespace) != 0)
    refused = refusal_finding(arena, "object.namespace", target->object, target->file, target->doc, "metadata.namespace", "namespace", namespace, NULL);
  if (refused) {
    tree_push(target->findings, refused);
    target->did = "refused";
    return false;
  }
  target->path = kube_path(arena, target->kind, apply->namespace, target->name);
  return true;
}

/* The learner's object as it is sent: namespace set; with last-applied when it is applied. */
static struct tree *sent_object(struct apply *apply, const struct target *target, bool last_applied) {
  struct arena *arena = apply->arena;
  struct tree *object = tree_copy(arena, target->object), *metadata = tree_get(object, "metadata");
  tree_set(arena, metadata, "namespace", tree_string(arena, apply->namespace));
  if (!last_applied) return object;
  size_t length;
  struct tree *annotations = tree_get(metadata, "annotations");
  if (annotations && annotations->type == TREE_MAP) tree_remove(annotations, LAST_APPLIED);
  char *text = json_of(apply, object, &length);
  if (!annotations || annotations->type != TREE_MAP) {
    annotations = tree_new(arena, TREE_MAP);
    tree_set(arena, metadata, "annotations", annotations);
  }
  tree_set(arena, annotations, LAST_APPLIED, tree_string(arena, arena_printf(arena, "%s\n", text)));
  return object;
}

/* One answer; false when there was none. */
static bool send_one(struct apply *apply, const struct kube_request *request, struct kube_reply *reply, struct err *err) {
  if (!apply->kube->send(apply->kube->ctx, apply->arena, request, 1, reply, err)) return false;
  if (!reply->answered && err && reply->err) *err = *reply->err;
  return reply->answered;
}

/* PUT without resourceVersion where the object exists, else create; both strict, both stored nowhere. Two rounds, each all at once. */
static bool dry_run_all(struct apply *apply, bool *out_refused, struct err *err) {
  struct arena *arena = apply->arena;
  struct kube_request *ask = arena_alloc(arena, apply->count * sizeof *ask);
  struct kube_reply *got = arena_alloc(arena, apply->count * sizeof *got), *said = arena_alloc(arena, apply->count * sizeof *said);
  for (size_t i = 0; i < apply->count; i++) ask[i] = (struct kube_request){.method = "GET", .path = apply->target[i].path, .token = apply->token, .retry = true};
  if (!apply->kube->send(apply->kube->ctx, arena, ask, apply->count, got, err)) return false;
  for (size_t i = 0; i < apply->count; i++) {
    struct target *target = &apply->target[i];
    if (!got[i].answered) {
      if (err && got[i].err) *err = *got[i].err;
      return false;
    }
    bool exists = got[i].status == 200;
    struct tree *object = sent_object(apply, target, false);
    tree_remove(tree_get(object, "metadata"), "resourceVersion");
    size_t length;
    char *body = json_of(apply, object, &length);
    ask[i] = (struct kube_request){.method = exists ? "PUT" : "POST", .path = exists ? target->path : kube_path(arena, target->kind, apply->namespace, NULL),
                                   .query = "dryRun=All&fieldValidation=Strict&fieldManager=" MANAGER, .body = body, .body_length = length, .token = apply->token, .retry = true};
  }
  if (!apply->kube->send(apply->kube->ctx, arena, ask, apply->count, said, err)) return false;
  for (size_t i = 0; i < apply->count; i++) {
    struct target *target = &apply->target[i];
    enum refusal refusal = refusal_of(arena, &said[i], target->object, target->file, target->doc, true, target->findings, err);
    if (refusal == REFUSAL_OURS) return false;
    if (refusal == REFUSAL_THEIRS) {
      target->did = "refused";
      *out_refused = true;
    }
  }
  return true;
}

/* --- managedFields: what kubectl itself does when it moves from client-side to server-side apply -------------------------------- */

static void unite(struct arena *arena, struct tree *into, const struct tree *from) {
  TREE_EACH(field, from) {
    struct tree *there = tree_get(into, field->key);
    if (!there) tree_put(arena, into, field->key, tree_copy(arena, field));
    else if (there->type == TREE_MAP && field->type == TREE_MAP) unite(arena, there, field);
  }
}

/* The managedFields with the entries of other managers folded into `kubectl`/Apply; NULL when there is nothing to fold. all: every manager without a
 * subresource (take over); else only kubectl's own client-side apply. */
static struct tree *folded(struct arena *arena, const struct tree *live, bool all) {
  const struct tree *entries = tree_path(live, "metadata.managedFields");
  struct tree *out = tree_new(arena, TREE_LIST), *ours = NULL;
  int moved = 0;
  TREE_EACH(entry, entries) {
    bool plain = !tree_text(entry, "subresource") || !*tree_text(entry, "subresource");
    bool apply = !strcmp(tree_text_or(entry, "operation", ""), "Apply");
    if (plain && apply && !strcmp(tree_text_or(entry, "manager", ""), MANAGER)) {
      ours = tree_copy(arena, entry);
      tree_push(out, ours);
    }
  }
  TREE_EACH(entry, entries) {
    const char *manager = tree_text_or(entry, "manager", "");
    bool plain = !tree_text(entry, "subresource") || !*tree_text(entry, "subresource");
    bool apply = !strcmp(tree_text_or(entry, "operation", ""), "Apply");
    if (plain && apply && !strcmp(manager, MANAGER)) continue;
    if (!plain || !(all || (!apply && !strcmp(manager, CLIENT_SIDE)))) {
      tree_push(out, tree_copy(arena, entry));
      continue;
    }
    moved++;
    if (ours) {
      unite(arena, tree_get(ours, "fieldsV1"), tree_get(entry, "fieldsV1"));
    } else {
      ours = tree_copy(arena, entry);
      tree_set(arena, ours, "manager", tree_string(arena, MANAGER));
      tree_set(arena, ours, "operation", tree_string(arena, "Apply"));
      tree_push(out, ours);
    }
  }
  return moved ? out : NULL;
}

static bool move_fields(struct apply *apply, const struct target *target, const struct tree *live, bool all, struct err *err) {
  struct arena *arena = apply->arena;
  struct tree *fields = folded(arena, live, all);
  if (!fields) return true;
  struct tree *patch = tree_new(arena, TREE_LIST);
  const struct { const char *path; struct tree *value; } ops[] = {
    {"/metadata/managedFields", fields}, {"/metadata/resourceVersion", tree_string(arena, tree_text_or(tree_get(live, "metadata"), "resourceVersion", ""))}};
  for (size_t i = 0; i < 2; i++) {
    struct tree *op = tree_new(arena, TREE_MAP);
    tree_put_text(arena, op, "op", "replace");
    tree_put_text(arena, op, "path", ops[i].path);
    tree_put(arena, op, "value", ops[i].value);
    tree_push(patch, op);
  }
  size_t length;
  char *body = json_of(apply, patch, &length);
  struct kube_request request = {.method = "PATCH", .path = target->path, .query = "fieldManager=" MANAGER, .content_type = "application/json-patch+json", .body = body,
                                 .body_length = length, .token = apply->token};
  struct kube_reply reply;
  return send_one(apply, &request, &reply, err) && kube_reply_err(&reply, arena, err);
}

/* Applies one. Returns false only when it is our fault. */
static bool apply_one(struct apply *apply, struct target *target, bool take_over, struct err *err) {
  struct arena *arena = apply->arena;
  struct kube_request get = {.method = "GET", .path = target->path, .token = apply->token, .retry = true};
  struct kube_reply reply;
  struct tree *live = NULL;
  if (!send_one(apply, &get, &reply, err)) return false;
  const char *before = NULL;
  if (reply.status == 200) {
    if (!kube_tree(arena, &reply, &live, err)) return false;
    before = tree_text(tree_get(live, "metadata"), "resourceVersion");
    if (!move_fields(apply, target, live, take_over, err)) return false;
  }
  size_t length;
  char *body = json_of(apply, sent_object(apply, target, true), &length);
  struct kube_request put = {.method = "PATCH", .path = target->path, .query = take_over ? "fieldManager=" MANAGER "&force=true" : "fieldManager=" MANAGER,
                             .content_type = "application/apply-patch+yaml", .body = body, .body_length = length, .token = apply->token, .retry = true};
  if (!send_one(apply, &put, &reply, err)) return false;
  enum refusal refusal = refusal_of(arena, &reply, target->object, target->file, target->doc, false, target->findings, err);
  if (refusal == REFUSAL_OURS) return false;
  if (refusal == REFUSAL_THEIRS) {
    target->did = "refused";
    return true;
  }
  struct tree *after = NULL;
  const char *now = kube_tree(arena, &reply, &after, NULL) ? tree_text(tree_get(after, "metadata"), "resourceVersion") : NULL;
  target->did = !before ? "created" : now && !strcmp(now, before) ? "unchanged" : "configured";
  return true;
}

static struct tree *answer(struct apply *apply, bool ok) {
  struct arena *arena = apply->arena;
  struct tree *out = tree_new(arena, TREE_MAP), *objects = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < apply->count; i++) {
    struct target *target = &apply->target[i];
    struct tree *object = tree_new(arena, TREE_MAP);
    tree_put_text(arena, object, "kind", tree_text_or(target->object, "kind", ""));
    tree_put_text(arena, object, "name", target->name ? target->name : "");
    tree_put_text(arena, object, "did", target->did ? target->did : "not_tried");
    tree_put(arena, object, "findings", target->findings);
    tree_push(objects, object);
  }
  tree_put_bool(arena, out, "ok", ok);
  tree_put(arena, out, "objects", objects);
  tree_put(arena, out, "findings", apply->findings);
  return out;
}

bool apply_files(struct check_pool *pool, const struct kube *kube, struct arena *arena, const struct check_file *files, size_t count, const struct tree *params,
                 const char *namespace, const char *token, bool dry_run, bool take_over, struct tree **out, struct err *err) {
  struct apply apply = {.arena = arena, .kube = kube, .namespace = namespace, .token = token};
  struct check_read_job job = {.files = files, .file_count = count, .params = params, .objects = true};
  struct tree *docs = NULL;
  bool refused = false;
  if (!check_read(pool, arena, &job, &docs, &apply.findings, &refused, err)) return false;
  if (!apply.findings) apply.findings = tree_new(arena, TREE_LIST);
  if (!docs || !docs->count) refused = true;      /* empty, or remarks alone: the reader says files.empty; never a green answer */
  if (refused) {
    *out = answer(&apply, false);
    return true;
  }
  apply.target = arena_alloc(arena, (docs->count + 1) * sizeof *apply.target);
  TREE_EACH(doc, docs) {
    struct target *target = &apply.target[apply.count++];
    *target = (struct target){.object = tree_get(doc, "value"), .file = tree_text_or(doc, "file", ""), .doc = (int)tree_int(doc, "doc", 1), .findings = tree_new(arena, TREE_LIST)};
    if (!belongs(&apply, target)) refused = true;
  }
  if (!refused && apply.count && !dry_run_all(&apply, &refused, err)) return false;
  if (refused || dry_run) {
    *out = answer(&apply, !refused);
    return true;
  }
  bool ok = true;
  for (size_t i = 0; i < apply.count && ok; i++) {
    if (!apply_one(&apply, &apply.target[i], take_over, err)) {      /* ours, half-way: what was applied and what not is told all the same */
      *out = answer(&apply, false);
      return false;
    }
    ok = strcmp(apply.target[i].did, "refused") != 0;
  }
  *out = answer(&apply, ok);
  return true;
}
