/* refusal: see the header. Reads Status objects; nothing of them is trusted beyond its place in a message. */
#include "domain/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "kube/kube.h"

#define MESSAGE_MAX 400
#define FINDINGS_MAX 50

/* One step of a path as the API server writes it: name, [3], [key.with.dots] or ["key"]. Moves *path on; false at the end or when it makes no sense. */
static bool step(const char **path, char *out, size_t room, bool *out_bracket) {
  const char *p = *path;
  size_t n = 0;
  if (*p == '.') p++;
  if (!*p) return false;
  *out_bracket = *p == '[';
  if (*out_bracket) {
    p++;
    if (*p == '"') p++;
    while (*p && *p != ']' && *p != '"' && n + 1 < room) out[n++] = *p++;
    if (*p == '"') p++;
    if (*p != ']') return false;
    p++;
  } else {
    while (*p && *p != '.' && *p != '[' && n + 1 < room) out[n++] = *p++;
  }
  out[n] = 0;
  *path = p;
  return n > 0;
}

/* The deepest node that the path reaches. *out_whole: the path was walked to its end. */
static const struct tree *reach(const struct tree *object, const char *path, bool *out_whole) {
  char name[256];
  bool bracket;
  const struct tree *at = object;
  *out_whole = false;
  while (step(&path, name, sizeof name, &bracket)) {
    const struct tree *next = NULL;
    if (at->type == TREE_LIST && bracket) {
      char *end;
      unsigned long index = strtoul(name, &end, 10);
      if (!*end) next = tree_at_index(at, index);
    } else if (at->type == TREE_MAP) {
      next = tree_get(at, name);
    }
    if (!next) return at;
    at = next;
  }
  *out_whole = !*path;
  return at;
}

static struct tree *place(struct arena *arena, const struct tree *object, const char *path, const char *file, int doc) {
  bool whole;
  const struct tree *node = path && *path ? reach(object, path, &whole) : object;
  if (!path || !*path) whole = true;
  if (!node || !node->at.line) return NULL;
  const struct tree_at *at = whole || !node->key_at.line ? &node->at : &node->key_at;
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "file", file);
  tree_put_int(arena, out, "doc", doc);
  tree_put_int(arena, out, "line", at->line);
  tree_put_int(arena, out, "col", at->col);
  tree_put_int(arena, out, "end_line", at->end_line);
  tree_put_int(arena, out, "end_col", at->end_col);
  tree_put_text(arena, out, "node", whole ? "value" : "parent");
  return out;
}

static struct tree *finding(struct arena *arena, const char *key, const char *level, const struct tree *object, const char *file, int doc, const char *path) {
  struct tree *out = tree_new(arena, TREE_MAP), *whose = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "key", key);
  tree_put_text(arena, out, "level", level);
  tree_put_text(arena, out, "side", "files");
  tree_put(arena, out, "params", tree_new(arena, TREE_MAP));
  tree_put_text(arena, whose, "apiVersion", tree_text(object, "apiVersion"));
  tree_put_text(arena, whose, "kind", tree_text(object, "kind"));
  tree_put_text(arena, whose, "name", tree_text(tree_get(object, "metadata"), "name"));
  tree_put(arena, out, "object", whose);
  tree_put_text(arena, out, "path", path ? path : "");
  struct tree *at = place(arena, object, path, file, doc);
  if (at) tree_put(arena, out, "at", at);
  return out;
}

struct tree *refusal_finding(struct arena *arena, const char *key, const struct tree *object, const char *file, int doc, const char *path, ...) {
  struct tree *out = finding(arena, key, "fail", object, file, doc, path);
  va_list pairs;
  va_start(pairs, path);
  for (const char *name; (name = va_arg(pairs, const char *));) tree_put_text(arena, tree_get(out, "params"), name, va_arg(pairs, const char *));
  va_end(pairs);
  return out;
}

static char *cut(struct arena *arena, const char *text) {
  size_t n = strlen(text);
  if (n > MESSAGE_MAX) {
    n = MESSAGE_MAX;
    while (n && ((unsigned char)text[n] & 0xC0) == 0x80) n--;
  }
  return arena_strn(arena, text, n);
}

static void add(struct tree *findings, struct tree *one) {
  if (findings->count < FINDINGS_MAX) tree_push(findings, one);
}

/* unknown field "spec.ports[0].targetport", duplicate field "…": one finding each. */
static int add_strict(struct arena *arena, const char *message, const struct tree *object, const char *file, int doc, struct tree *findings) {
  static const struct { const char *mark, *key; } marks[] = {{"unknown field \"", "api.unknown-field"}, {"duplicate field \"", "api.unreadable"}};
  int found = 0;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    for (const char *at = message; (at = strstr(at, marks[i].mark)) && found < FINDINGS_MAX; found++) {
      at += strlen(marks[i].mark);
      char *path = arena_strn(arena, at, strcspn(at, "\""));
      add(findings, refusal_finding(arena, marks[i].key, object, file, doc, path, "field", path, NULL));
    }
  return found;
}

static void add_causes(struct arena *arena, const struct tree *causes, const struct tree *object, const char *file, int doc, struct tree *findings) {
  static const struct { const char *reason, *key; } keys[] = {
    {"FieldValueRequired", "api.required"}, {"FieldValueInvalid", "api.invalid"}, {"FieldValueDuplicate", "api.duplicate"},
    {"FieldValueNotSupported", "api.not-supported"}, {"FieldValueForbidden", "api.forbidden"}, {"FieldValueTooLong", "api.too-long"},
    {"FieldValueTooMany", "api.too-long"}, {"FieldValueTypeInvalid", "api.type"}};
  TREE_EACH(cause, causes) {
    const char *reason = tree_text_or(cause, "reason", ""), *message = tree_text_or(cause, "message", ""), *field = tree_text_or(cause, "field", "");
    const char *key = "api.refused";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) if (!strcmp(reason, keys[i].reason)) key = keys[i].key;
    if (strstr(message, "field is immutable") || strstr(message, "may not change once set")) key = "api.immutable";
    add(findings, refusal_finding(arena, key, object, file, doc, arena_str(arena, field), "field", field, "message", cut(arena, message), NULL));
  }
}

/* conflict with "kubectl-create" …: one finding per manager, its fields in one parameter. */
static void add_conflicts(struct arena *arena, const struct tree *status, const struct tree *object, const char *file, int doc, struct tree *findings) {
  TREE_EACH(cause, tree_path(status, "details.causes")) {
    const char *message = tree_text_or(cause, "message", ""), *field = tree_text_or(cause, "field", ".");
    const char *from = strchr(message, '"');
    char *manager = from ? arena_strn(arena, from + 1, strcspn(from + 1, "\"")) : arena_str(arena, "?");
    if (*field == '.') field++;
    add(findings, refusal_finding(arena, "apply.conflict", object, file, doc, arena_str(arena, field), "manager", manager, "field", field, NULL));
  }
  if (!findings->count) add(findings, refusal_finding(arena, "apply.conflict", object, file, doc, NULL, "manager", "?", "field", "", NULL));
}

static enum refusal ours(struct err *err, const char *key, const struct kube_reply *reply, const char *message) {
  err_set(err, ERR_UNAVAILABLE, key, "status %d: %.300s", reply->status, message);
  return REFUSAL_OURS;
}

/* The five things that 403 can be. */
static enum refusal forbidden(struct arena *arena, const struct kube_reply *reply, const char *message, const struct tree *object, const char *file, int doc, bool dry,
                              struct tree *findings, struct err *err) {
  if (strstr(message, "being terminated")) return ours(err, "namespace.ending", reply, message);
  const char *key = strstr(message, "exceeded quota") || strstr(message, "failed quota") ? "api.quota"
                  : strstr(message, "violates PodSecurity")                              ? "api.pod-security"
                  : strstr(message, "makmal P")                                          ? "api.guard"
                  : strstr(message, "LimitRange") || strstr(message, "maximum ") ? "api.limit-range"
                                                                                         : "api.not-allowed";
  bool note = dry && !strcmp(key, "api.quota");
  struct tree *one = refusal_finding(arena, key, object, file, doc, NULL, "message", cut(arena, message), NULL);
  if (note) tree_set(arena, one, "level", tree_string(arena, "warn"));
  add(findings, one);
  return note ? REFUSAL_NOTE : REFUSAL_THEIRS;
}

enum refusal refusal_of(struct arena *arena, const struct kube_reply *reply, const struct tree *object, const char *file, int doc, bool dry, struct tree *findings, struct err *err) {
  if (!reply->answered) {
    if (err && reply->err) *err = *reply->err;
    return REFUSAL_OURS;
  }
  if (reply->status >= 200 && reply->status < 300) return REFUSAL_NONE;
  struct tree *status = NULL;
  if (!tree_parse(arena, reply->body ? reply->body : "", reply->length, 0, &status, NULL)) status = tree_new(arena, TREE_MAP);
  const char *message = tree_text_or(status, "message", "");
  const struct tree *causes = tree_path(status, "details.causes");
  switch (reply->status) {
    case 400:
      if (add_strict(arena, message, object, file, doc, findings)) return REFUSAL_THEIRS;
      add(findings, refusal_finding(arena, "api.unreadable", object, file, doc, NULL, "message", cut(arena, message), NULL));
      return REFUSAL_THEIRS;
    case 422:
      if (causes && causes->count) add_causes(arena, causes, object, file, doc, findings);
      else add(findings, refusal_finding(arena, "api.refused", object, file, doc, NULL, "field", "", "message", cut(arena, message), NULL));
      return REFUSAL_THEIRS;
    case 403: return forbidden(arena, reply, message, object, file, doc, dry, findings, err);
    case 404:
      if (strstr(message, "namespaces \"")) return ours(err, "namespace.gone", reply, message);
      add(findings, refusal_finding(arena, "api.no-kind", object, file, doc, "kind", "kind", tree_text_or(object, "kind", ""), "api_version", tree_text_or(object, "apiVersion", ""), NULL));
      return REFUSAL_THEIRS;
    case 409:
      if (dry) return REFUSAL_NONE;
      if (strstr(message, "object has been modified") || !strcmp(tree_text_or(status, "reason", ""), "AlreadyExists")) return ours(err, "apply.race", reply, message);
      add_conflicts(arena, status, object, file, doc, findings);
      return REFUSAL_THEIRS;
    case 500:
      if (strstr(message, "failed to create typed patch object") || strstr(message, "field not declared in schema")) {
        add(findings, refusal_finding(arena, "api.type", object, file, doc, NULL, "field", "", "message", cut(arena, message), NULL));
        return REFUSAL_THEIRS;
      }
      return ours(err, "cluster.answer", reply, message);
    default: return ours(err, reply->status == 401 ? "access.lost" : reply->status == 429 || reply->status == 503 ? "cluster.busy" : "cluster.answer", reply, message);
  }
}
