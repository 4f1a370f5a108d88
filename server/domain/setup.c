/* setup: see the header. Written as kubectl writes, so that a learner's own apply meets fields of the same owner. */
#include "domain/setup.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "kube/kube.h"

#define AGAIN_MS 5000
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static struct tree *metadata_of(struct arena *arena, struct tree *object) {
  struct tree *metadata = tree_get(object, "metadata");
  if (metadata && metadata->type == TREE_MAP) return metadata;
  metadata = tree_new(arena, TREE_MAP);
  tree_set(arena, object, "metadata", metadata);
  return metadata;
}

bool setup_read(struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *namespace, struct tree **out, struct err *err) {
  struct tree *objects = tree_new(arena, TREE_LIST);
  if (lab->setup_count) {
    struct check_read_job job = {.files = lab->setup, .file_count = lab->setup_count, .params = params, .objects = true};
    struct tree *docs, *reading;
    bool refused;
    if (!check_read(pool, arena, &job, &docs, &reading, &refused, err)) return false;
    if (refused) {
      const struct tree *first = NULL;
      TREE_EACH(finding, reading) if (!first && !strcmp(tree_text_or(finding, "level", ""), "refuse")) first = finding;
      err_set(err, ERR_INVALID, "setup.file", "lab %s: %s", lab->id, tree_text_or(first, "key", "?"));
      const struct tree *at = tree_get(first, "at");
      err_param(err, "file", "setup/%s", tree_text_or(at, "file", "?"));
      err_param(err, "line", "%d", (int)tree_int(at, "line", 0));
      return err_param(err, "key", "%s", tree_text_or(first, "key", "?"));
    }
    TREE_EACH(doc, docs) {
      const struct tree *value = tree_get(doc, "value");
      const struct kube_kind *kind = kube_kind_of(tree_text(value, "apiVersion"), tree_text(value, "kind"));
      if (!kind || !kind->namespaced) {
        err_set(err, ERR_INVALID, "setup.kind", "lab %s: %s", lab->id, tree_text_or(value, "kind", "?"));
        err_param(err, "file", "setup/%s", tree_text_or(doc, "file", "?"));
        return err_param(err, "kind", "%s", tree_text_or(value, "kind", "?"));
      }
      struct tree *object = tree_copy(arena, value);
      tree_set(arena, metadata_of(arena, object), "namespace", tree_string(arena, namespace));
      tree_push(objects, object);
    }
  }
  *out = objects;
  return true;
}

struct tree *setup_applied(struct arena *arena, const struct tree *object) {
  struct tree *copy = tree_copy(arena, object), *metadata = metadata_of(arena, copy), *annotations = tree_get(metadata, "annotations");
  if (!annotations || annotations->type != TREE_MAP) {
    annotations = tree_new(arena, TREE_MAP);
    tree_set(arena, metadata, "annotations", annotations);
  }
  tree_remove(annotations, LAST_APPLIED);
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 1024 * 1024);
  tree_write(text, copy);
  buf_char(text, '\n');                                    /* kubectl's encoder ends with one */
  tree_put_text(arena, annotations, LAST_APPLIED, text->data);
  return copy;
}

static struct kube_request request_of(struct arena *arena, const struct tree *object, bool as_create) {
  const struct kube_kind *kind = kube_kind_of(tree_text(object, "apiVersion"), tree_text(object, "kind"));
  const struct tree *metadata = tree_get(object, "metadata");
  struct buf *body = arena_alloc(arena, sizeof *body);
  buf_init_arena(body, arena, 2 * 1024 * 1024);
  tree_write_plain(body, as_create ? object : setup_applied(arena, object));
  struct kube_request request = {.body = body->data, .body_length = body->len, .retry = true};
  request.method = as_create ? "POST" : "PATCH";
  request.path = kube_path(arena, kind, tree_text(metadata, "namespace"), as_create ? NULL : tree_text(metadata, "name"));
  request.query = as_create ? "fieldManager=kubectl-create" : "fieldManager=kubectl&force=true";
  if (!as_create) request.content_type = "application/apply-patch+yaml";
  return request;
}

/* What the API server says only because its own eyes are a moment behind. */
static bool not_yet(int status, const char *message) {
  if (status == 403) return strstr(message, "error looking up service account") || strstr(message, "exceeded quota") || strstr(message, "no API token found") ||
                            strstr(message, "unable to get/list/create quota") || strstr(message, "status unknown for quota");
  return status == 429 || status == 503 || (status == 404 && strstr(message, "namespaces"));
}

bool setup_write(const struct kube *kube, struct arena *arena, const struct tree *objects, bool as_create, struct err *err) {
  size_t count = objects ? objects->count : 0, left = count;
  if (!count) return true;
  struct kube_request *requests = arena_alloc(arena, count * sizeof *requests), *now = arena_alloc(arena, count * sizeof *now);
  const struct tree **object = arena_alloc(arena, count * sizeof *object), **whose = arena_alloc(arena, count * sizeof *whose);
  struct kube_reply *replies = arena_alloc(arena, count * sizeof *replies);
  bool *done = arena_alloc(arena, count * sizeof *done);
  size_t *place = arena_alloc(arena, count * sizeof *place);
  size_t at = 0;
  TREE_EACH(item, objects) {
    object[at] = item;
    requests[at++] = request_of(arena, item, as_create);
  }
  int64_t until = mono_ms() + AGAIN_MS;
  for (int pause = 10; left; pause = pause < 160 ? 2 * pause : 160) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
      if (done[i]) continue;
      place[n] = i;
      whose[n] = object[i];
      now[n++] = requests[i];
    }
    memset(replies, 0, n * sizeof *replies);
    if (!kube->send(kube->ctx, arena, now, n, replies, err)) return false;
    bool late = mono_ms() >= until;
    for (size_t i = 0; i < n; i++) {
      struct kube_reply *reply = &replies[i];
      if (!reply->answered) {
        if (err) *err = *reply->err;
        return false;
      }
      if ((reply->status >= 200 && reply->status < 300) || (as_create && reply->status == 409)) {
        done[place[i]] = true;
        left--;
        continue;
      }
      struct tree *status = NULL;
      const char *message = kube_tree(arena, reply, &status, NULL) ? tree_text_or(status, "message", "") : "";
      if (not_yet(reply->status, message) && !late) continue;
      enum err_code code = reply->status == 429 || reply->status >= 503 ? ERR_UNAVAILABLE : ERR_INVALID;
      err_set(err, code, "setup.refused", "%d %s", reply->status, message);
      err_param(err, "object", "%s/%s", tree_text_or(whose[i], "kind", "?"), tree_text_or(tree_get(whose[i], "metadata"), "name", "?"));
      return err_param(err, "message", "%s", message);
    }
    if (left) nanosleep(&(struct timespec){.tv_nsec = pause * 1000000L}, NULL);
  }
  return true;
}
