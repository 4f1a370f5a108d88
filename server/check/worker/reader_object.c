/* reader_object: documents to Kubernetes objects: Lists opened, kind and apiVersion wanted, and where a number, a boolean or nothing stands where
 * the API wants text. What a field may hold beyond that is asked elsewhere. No state but struct reader. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "check/worker/reader.h"

/* The way to a node. Spelt out only for a finding: keys may be as long as a file. */
struct step { const struct step *up; const char *key; int index; };

static void spell(struct buf *out, const struct step *step) {
  if (!step) return;
  spell(out, step->up);
  if (!step->key) buf_printf(out, "[%d]", step->index);
  else buf_printf(out, "%s%s", out->len ? "." : "", step->key);
}

static bool is(const char *key, const char *name) { return key && !strcmp(key, name); }

static void not_text(struct reader *r, const struct tree *value, const struct step *step) {
  if (value->type != TREE_NULL && value->type != TREE_BOOL && value->type != TREE_NUMBER) return;
  struct buf path;
  buf_init(&path, 500);
  spell(&path, step);
  struct tree *params = reader_note(r, "warn", "yaml.not-text", path.data, &value->at, "value");
  buf_release(&path);
  reader_param(r, params, "text", value->raw ? value->raw : "");
  reader_param(r, params, "read_as", value->type == TREE_NULL ? "null" : value->type == TREE_BOOL ? (value->flag ? "true" : "false") : value->text);
}

static void texts(struct reader *r, const struct tree *parent, const struct step *up) {
  if (parent->type != TREE_MAP && parent->type != TREE_LIST) return;
  struct step step = {.up = up};
  TREE_EACH(value, parent) {
    step.key = value->key;
    not_text(r, value, &step);
    step.index++;
  }
}

/* Fields that are text, or maps or lists of text, wherever they stand under these names. */
static void wants_text(struct reader *r, const struct tree *node, const struct step *up, const char *kind) {
  struct step step = {.up = up};
  const char *in = up ? up->key : NULL;
  bool env = up && !up->key && up->up && is(up->up->key, "env"), metadata = is(in, "metadata");
  TREE_EACH(item, node) {
    step.key = item->key;
    bool all = (metadata && (is(item->key, "labels") || is(item->key, "annotations"))) || is(item->key, "matchLabels") || is(item->key, "nodeSelector") ||
               (!up && is(item->key, "data") && (is(kind, "ConfigMap") || is(kind, "Secret"))) || (!up && is(item->key, "stringData")) ||
               (is(in, "spec") && !up->up && is(item->key, "selector") && is(kind, "Service")) ||
               ((is(item->key, "command") || is(item->key, "args")) && item->type == TREE_LIST);
    if (all) texts(r, item, &step);
    else if ((metadata && (is(item->key, "name") || is(item->key, "namespace"))) || (env && (is(item->key, "value") || is(item->key, "name")))) not_text(r, item, &step);
    else if (item->type == TREE_MAP || item->type == TREE_LIST) wants_text(r, item, &step, kind);
    step.index++;
  }
}

static struct tree *refuse(struct reader *r, const char *key, const char *path, const struct tree *at) { return reader_note(r, "refuse", key, path, &at->at, "value"); }

/* kind or apiVersion: there, and text. */
static bool has_text(struct reader *r, const struct tree *object, const char *field, const char *key) {
  const struct tree *value = tree_get(object, field);
  if (value && value->type == TREE_STRING && value->length) return true;
  reader_note(r, "refuse", key, value ? field : NULL, value ? &value->at : &object->at, value ? "value" : "parent");
  return false;
}

static void one(struct reader *r, struct tree *object, int file, int doc, bool in_list) {
  if (object->type != TREE_MAP) {
    refuse(r, "object.not-map", NULL, object);
    return;
  }
  bool kind = has_text(r, object, "kind", "object.no-kind"), version = has_text(r, object, "apiVersion", "object.no-api-version");
  if (!kind || !version) return;
  const char *name = tree_text(object, "kind");
  if (!strcmp(name, "List")) {
    struct tree *items = tree_get(object, "items");
    if (in_list) {
      refuse(r, "object.list-in-list", NULL, object);
      return;
    }
    if (items && items->type != TREE_LIST && items->type != TREE_NULL) {
      refuse(r, "object.list-items", "items", items);
      return;
    }
    TREE_EACH(item, items) one(r, item, file, doc, true);
    return;
  }
  struct tree *metadata = tree_get(object, "metadata"), *own = tree_get(metadata, "name");
  if (metadata && metadata->type != TREE_MAP) {
    refuse(r, "object.metadata", "metadata", metadata);
    return;
  }
  if (!own || own->type == TREE_NULL || (own->type == TREE_STRING && !own->length)) {
    const struct tree *at = own ? own : metadata ? metadata : object;
    reader_param(r, reader_note(r, "refuse", "object.no-name", "metadata", &at->at, own ? "value" : "parent"), "kind", name);
    return;
  }
  const struct tree *namespace = tree_get(metadata, "namespace");
  if (namespace && r->namespace && (namespace->type != TREE_STRING || strcmp(namespace->text, r->namespace))) {
    struct tree *params = refuse(r, "object.namespace", "metadata.namespace", namespace);
    reader_param(r, params, "namespace", namespace->text);
    tree_put_text(r->arena, params, "own", r->namespace);
    return;
  }
  if (++r->objects > READER_OBJECTS_MAX) {
    if (r->objects == READER_OBJECTS_MAX + 1) tree_put_int(r->arena, refuse(r, "files.objects", NULL, object), "limit", READER_OBJECTS_MAX);
    r->refused = true;
    return;
  }
  if (r->kind == READER_HAND_IN) wants_text(r, object, NULL, name);
  struct tree *entry = tree_new(r->arena, TREE_MAP), *value = arena_dup(r->arena, object, sizeof *object);
  tree_put_text(r->arena, entry, "file", reader_file_name(r, file));
  tree_put_int(r->arena, entry, "doc", doc);
  tree_put(r->arena, entry, "value", value);
  tree_push(r->docs, entry);
}

void reader_object(struct reader *reader, struct tree *doc, int file, int number) { one(reader, doc, file, number, false); }
