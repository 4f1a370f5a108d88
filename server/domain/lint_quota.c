/* lint_quota: what set-up and solution together take from the quota of the lab's size (domain/shape's tables), with defaults where a container names
 * nothing. An object that the solution hands in stands in the place of the set-up's of the same kind and name. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/tree.h"
#include "domain/lint_inside.h"
#include "domain/shape.h"
#include "kube/kube.h"

/* Thousandths of a quantity as authors write them here; -1 when it is something else (the checker's exact reader refuses it in its place). */
static int64_t thousandths(const struct tree *value) {
  if (!value || (value->type != TREE_STRING && value->type != TREE_NUMBER)) return -1;
  static const struct { const char *unit; double times; } units[] = {
    {"", 1e3}, {"m", 1}, {"k", 1e6}, {"M", 1e9}, {"G", 1e12}, {"Ki", 1024e3}, {"Mi", 1048576e3}, {"Gi", 1073741824e3},
  };
  char *unit;
  double number = strtod(value->text, &unit);
  if (unit == value->text || number < 0 || number > 1e6) return -1;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) if (!strcmp(unit, units[i].unit)) return (int64_t)(number * units[i].times + 0.5);
  return -1;
}

static int64_t amount(const char *text) {
  const struct tree value = {.type = TREE_STRING, .text = text};
  return thousandths(&value);
}

struct use { int64_t of[64]; };      /* in the order of shape_quotas, thousandths */

static void add(struct use *use, const char *resource, int64_t thousand) {
  for (size_t i = 0; shape_quotas[i].resource && i < 64; i++) if (!strcmp(shape_quotas[i].resource, resource)) use->of[i] += thousand;
}

static void add_containers(struct format *format, struct use *use, const struct tree *spec, int64_t pods) {
  TREE_EACH(container, tree_get(spec, "containers"))
    for (const struct shape_limit *row = shape_limits; row->resource; row++) {
      int64_t limit = thousandths(tree_get(tree_path(container, "resources.limits"), row->resource));
      int64_t request = thousandths(tree_get(tree_path(container, "resources.requests"), row->resource));
      if (request < 0) request = limit >= 0 ? limit : amount(row->request);
      if (limit < 0) limit = amount(row->limit);
      if (request > 0) add(use, arena_printf(format->arena, "requests.%s", row->resource), request * pods);
      if (limit > 0) add(use, arena_printf(format->arena, "limits.%s", row->resource), limit * pods);
    }
}

static void add_object(struct format *format, struct use *use, const struct tree *object, const struct kube_kind *kind) {
  add(use, *kind->group ? arena_printf(format->arena, "count/%s.%s", kind->plural, kind->group) : arena_printf(format->arena, "count/%s", kind->plural), 1000);
  const struct tree *spec = tree_get(object, "spec");
  const char *type = tree_text_or(spec, "type", "");
  if (!strcmp(kind->kind, "Service") && (!strcmp(type, "NodePort") || !strcmp(type, "LoadBalancer"))) add(use, "services.nodeports", 1000 * (int64_t)(tree_get(spec, "ports") ? tree_get(spec, "ports")->count : 1));
  if (!strcmp(kind->kind, "Service") && !strcmp(type, "LoadBalancer")) add(use, "services.loadbalancers", 1000);
  int64_t storage = thousandths(tree_path(spec, "resources.requests.storage"));
  if (!strcmp(kind->kind, "PersistentVolumeClaim") && storage > 0) add(use, "requests.storage", storage);
  bool pod = !strcmp(kind->kind, "Pod");
  const struct tree *template = tree_path(spec, "template.spec");
  if (!pod && !template) return;
  int64_t pods = pod ? 1 : tree_int(spec, "replicas", 1);
  add(use, "pods", pods * 1000);
  if (!pod) add(use, "count/pods", pods * 1000);
  if (!strcmp(kind->kind, "Deployment")) add(use, "count/replicasets.apps", 1000);
  add_containers(format, use, pod ? spec : template, pods);
}

static bool same_object(const struct tree *a, const struct tree *b) {
  return !strcmp(tree_text_or(a, "kind", ""), tree_text_or(b, "kind", "")) && !strcmp(tree_text_or(tree_get(a, "metadata"), "name", ""), tree_text_or(tree_get(b, "metadata"), "name", ""));
}

static bool replaced(const struct lab_bench *bench, const struct tree *object) {
  size_t count;
  const struct folder_file *files = folder_part(&bench->folder, "solution/", &count);
  for (size_t i = 0; i < count; i++) for (size_t d = 0; d < files[i].doc_count; d++) if (same_object(files[i].docs[d], object)) return true;
  return false;
}

static const char *shown(struct format *format, int64_t thousand, const char *like) {
  size_t n = strlen(like);
  if (n > 2 && !strcmp(like + n - 2, "Mi")) return arena_printf(format->arena, "%lldMi", (long long)(thousand / 1048576000));
  if (n > 2 && !strcmp(like + n - 2, "Gi")) return arena_printf(format->arena, "%lldMi", (long long)(thousand / 1048576000));
  return thousand % 1000 ? arena_printf(format->arena, "%lldm", (long long)thousand) : arena_printf(format->arena, "%lld", (long long)(thousand / 1000));
}

void lint_quota(struct format *format, const struct lab_bench *bench) {
  struct use use = {{0}};
  for (size_t i = 0; i < bench->folder.count; i++) {
    const struct folder_file *file = &bench->folder.files[i];
    bool setup = !strncmp(file->name, "setup/", 6);
    if (!setup && strncmp(file->name, "solution/", 9)) continue;
    for (size_t d = 0; d < file->doc_count; d++) {
      const struct tree *object = file->docs[d];
      const struct kube_kind *kind = kube_kind_of(tree_text_or(object, "apiVersion", ""), tree_text_or(object, "kind", ""));
      if (!kind) format_say(format, file->path, object->at.line, "lint.kind-unknown", "kind", tree_text_or(object, "kind", "-"), "version", tree_text_or(object, "apiVersion", "-"), NULL);
      else if (!kind->namespaced) format_say(format, file->path, object->at.line, "lint.kind-wide", "kind", kind->kind, NULL);
      else if (!setup || !replaced(bench, object)) add_object(format, &use, object, kind);
    }
  }
  int size = !strcmp(bench->lab.size, "large") ? SHAPE_LARGE : !strcmp(bench->lab.size, "medium") ? SHAPE_MEDIUM : SHAPE_SMALL;
  add(&use, "count/configmaps", 1000);                          /* every namespace has the built-in CA map */
  for (size_t i = 0; shape_quotas[i].resource && i < 64; i++) {
    const char *limit = shape_quotas[i].amount[size];
    if (use.of[i] > amount(limit))
      format_say(format, arena_printf(format->arena, "%s/lab.yaml", bench->folder.path), 0, "lint.quota", "resource", shape_quotas[i].resource, "got", shown(format, use.of[i], limit), "limit", limit, "size",
                 bench->lab.size, NULL);
  }
}
