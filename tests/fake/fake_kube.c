/* fake_kube: see the header. Objects are JSON texts in one array, each parsed when it is needed: simple before quick. One lock; one thread for events. */
#include "fake/fake_kube.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"

struct object { const struct kube_kind *kind; char *namespace, *name, *json; };
struct asked { char *text, *token; };
struct fault { struct fake_fault is; char *method, *path, *message; int used, seen; };
struct watcher { struct kube_watch is; char *selector; };
struct told { struct told *next; struct watcher *watcher; enum kube_event event; char *json; };

struct fake_kube {
  struct kube port;
  pthread_mutex_t lock;
  pthread_cond_t change;
  pthread_t thread;
  struct object *objects; size_t count, room;
  struct asked *asked; size_t askeds, asked_room;
  struct fault faults[32]; size_t fault_count;
  struct watcher *watchers[64]; size_t watcher_count;
  struct told *first, **last;
  bool telling, closing, circuit;
  int waiting, calm;                /* requests that never end; counts fake_kube_calm */
  int most;
  uint64_t version, uid;
  fake_answer answer; void *answer_ctx;
};

struct ask {                        /* one request, taken apart */
  struct arena *arena;
  const struct kube_request *request;
  const struct kube_kind *kind;
  char *namespace, *name, *sub;
  bool dry;
  int status; struct tree *body; const char *text; int retry_after_s;
};

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static void fail(const char *what, const char *text) {
  fprintf(stderr, "fake_kube: %s: %s\n", what, text);
  abort();
}

static char *text_of(const struct tree *tree) {
  struct buf buf;
  buf_init(&buf, 64u << 20);
  tree_write_plain(&buf, tree);
  return buf.data;
}

static struct tree *parse(struct arena *arena, const char *json) {
  struct tree *tree;
  struct err err;
  if (!tree_parse(arena, json, strlen(json), 0, &tree, &err)) fail(err.key, json);
  return tree;
}

/* --- objects (lock held) ---------------------------------------------------------------------------------------------------------------------- */
static struct object *find(struct fake_kube *fake, const struct kube_kind *kind, const char *namespace, const char *name) {
  for (size_t i = 0; i < fake->count; i++) {
    struct object *o = &fake->objects[i];
    if (o->kind == kind && !strcmp(o->name, name) && (!kind->namespaced || !strcmp(o->namespace, namespace))) return o;
  }
  return NULL;
}

static struct tree *meta_of(struct arena *arena, struct tree *object) {
  struct tree *meta = tree_get(object, "metadata");
  if (meta) return meta;
  meta = tree_new(arena, TREE_MAP);
  tree_set(arena, object, "metadata", meta);
  return meta;
}

static bool value_in(const char *list, size_t length, const char *value) {      /* "a, b" */
  while (length) {
    size_t n = 0;
    while (length && (*list == ' ' || *list == ',')) list++, length--;
    while (n < length && list[n] != ',' && list[n] != ' ') n++;
    if (value && n == strlen(value) && n && !strncmp(list, value, n)) return true;
    list += n, length -= n;
  }
  return false;
}

static bool label_fits(const struct tree *labels, char *term) {
  char *mark;
  if ((mark = strstr(term, " notin (")) != NULL) {
    *mark = 0;
    return !value_in(mark + 8, strcspn(mark + 8, ")"), tree_text(labels, term));
  }
  if ((mark = strstr(term, " in (")) != NULL) {
    *mark = 0;
    return value_in(mark + 5, strcspn(mark + 5, ")"), tree_text(labels, term));
  }
  if ((mark = strchr(term, '=')) != NULL) {
    bool not = mark > term && mark[-1] == '!';
    *(not ? mark - 1 : mark) = 0;
    const char *value = tree_text(labels, term), *wanted = mark[1] == '=' ? mark + 2 : mark + 1;
    return not ? !value || strcmp(value, wanted) != 0 : value && !strcmp(value, wanted);
  }
  return *term == '!' ? !tree_get(labels, term + 1) : tree_get(labels, term) != NULL;
}

static bool selected(const struct tree *object, const char *selector) {
  if (!selector || !*selector) return true;
  char *copy = must(strdup(selector)), *at = copy;
  bool fits = true;
  while (fits && *at) {
    char *end = at;
    for (int depth = 0; *end && (*end != ',' || depth); end++) depth += (*end == '(') - (*end == ')');
    char stop = *end;
    *end = 0;
    fits = label_fits(tree_path(object, "metadata.labels"), at);
    at = stop ? end + 1 : end;
  }
  free(copy);
  return fits;
}

static void enqueue(struct fake_kube *fake, struct watcher *watcher, enum kube_event event, const char *json) {
  struct told *told = must(calloc(1, sizeof *told));
  told->watcher = watcher;
  told->event = event;
  told->json = json ? must(strdup(json)) : NULL;
  *fake->last = told;
  fake->last = &told->next;
  pthread_cond_broadcast(&fake->change);
}

static void publish(struct fake_kube *fake, const struct kube_kind *kind, enum kube_event event, const struct tree *object, const char *json) {
  for (size_t i = 0; i < fake->watcher_count; i++) {
    struct watcher *w = fake->watchers[i];
    if (w->is.kind == kind && selected(object, w->selector)) enqueue(fake, w, event, json);
  }
}

static void store(struct fake_kube *fake, struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *name, struct tree *object);

static void by_itself(struct fake_kube *fake, struct arena *arena, const struct kube_kind *kind, const char *name, struct tree *object, bool fresh) {
  if (!strcmp(kind->kind, "Namespace") && fresh) {
    store(fake, arena, kube_kind("ServiceAccount"), name, "default", parse(arena, "{\"metadata\":{\"name\":\"default\"}}"));
    store(fake, arena, kube_kind("ConfigMap"), name, "kube-root-ca.crt", parse(arena, "{\"metadata\":{\"name\":\"kube-root-ca.crt\"},\"data\":{\"ca.crt\":\"x\"}}"));
  }
  if (!strcmp(kind->kind, "ResourceQuota") && tree_path(object, "spec.hard")) {
    struct tree *status = tree_new(arena, TREE_MAP), *hard = tree_copy(arena, tree_path(object, "spec.hard")), *used = tree_new(arena, TREE_MAP);
    TREE_EACH(item, hard) tree_put_text(arena, used, item->key, "0");
    tree_put(arena, status, "hard", hard);
    tree_put(arena, status, "used", used);
    tree_set(arena, object, "status", status);
  }
}

/* Puts an object in, new or in place of the one of that name; its metadata are completed. */
static void store(struct fake_kube *fake, struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *name, struct tree *object) {
  struct object *old = find(fake, kind, namespace, name);
  struct tree *meta = meta_of(arena, object);
  tree_set(arena, object, "apiVersion", tree_string(arena, kube_api_version(arena, kind)));
  tree_set(arena, object, "kind", tree_string(arena, kind->kind));
  tree_set(arena, meta, "name", tree_string(arena, name));
  if (kind->namespaced) tree_set(arena, meta, "namespace", tree_string(arena, namespace));
  if (!strcmp(kind->kind, "Namespace")) {
    struct tree *labels = tree_get(meta, "labels");
    if (!labels) tree_set(arena, meta, "labels", labels = tree_new(arena, TREE_MAP));
    tree_set(arena, labels, "kubernetes.io/metadata.name", tree_string(arena, name));
  }
  struct tree *before = old ? parse(arena, old->json) : NULL, *old_meta = tree_get(before, "metadata");
  bool same_spec = before && tree_equal(tree_get(before, "spec"), tree_get(object, "spec"));
  tree_set(arena, meta, "uid", tree_string(arena, before ? tree_text(old_meta, "uid")
                                                         : arena_printf(arena, "00000000-0000-4000-8000-%012llx", (unsigned long long)++fake->uid)));
  tree_set(arena, meta, "generation", tree_number(arena, tree_int(old_meta, "generation", 0) + (same_spec ? 0 : 1)));
  tree_set(arena, meta, "creationTimestamp", tree_string(arena, before ? tree_text(old_meta, "creationTimestamp") : "2026-01-01T00:00:00Z"));
  tree_set(arena, meta, "resourceVersion", tree_string(arena, arena_printf(arena, "%llu", (unsigned long long)++fake->version)));
  by_itself(fake, arena, kind, name, object, false);
  if (!old) {
    if (fake->count == fake->room) {
      fake->room = fake->room ? fake->room * 2 : 64;
      fake->objects = must(realloc(fake->objects, fake->room * sizeof *fake->objects));
    }
    old = &fake->objects[fake->count++];
    *old = (struct object){kind, must(strdup(kind->namespaced ? namespace : "")), must(strdup(name)), NULL};
  }
  free(old->json);
  old->json = text_of(object);
  publish(fake, kind, before ? KUBE_CHANGED : KUBE_ADDED, object, old->json);
  if (!before) by_itself(fake, arena, kind, name, object, true);
}

static void drop_at(struct fake_kube *fake, size_t index) {
  struct object gone = fake->objects[index];
  memmove(&fake->objects[index], &fake->objects[index + 1], (--fake->count - index) * sizeof *fake->objects);
  struct arena *arena = arena_new(0);
  publish(fake, gone.kind, KUBE_DELETED, parse(arena, gone.json), gone.json);
  arena_free(arena);
  free(gone.namespace), free(gone.name), free(gone.json);
}

static void drop(struct fake_kube *fake, const struct kube_kind *kind, const char *namespace, const char *name) {
  struct object *o = find(fake, kind, namespace, name);
  if (!o) return;
  char *inside = !strcmp(kind->kind, "Namespace") ? must(strdup(name)) : NULL;
  for (size_t i = fake->count; inside && i-- > 0;) if (fake->objects[i].kind->namespaced && !strcmp(fake->objects[i].namespace, inside)) drop_at(fake, i);
  free(inside);
  o = find(fake, kind, namespace, name);
  drop_at(fake, (size_t)(o - fake->objects));
}

/* --- answers ---------------------------------------------------------------------------------------------------------------------------------- */
static void say(struct ask *ask, int status, const char *reason, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void say(struct ask *ask, int status, const char *reason, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char *message = arena_vprintf(ask->arena, fmt, args);
  va_end(args);
  ask->status = status;
  ask->body = tree_new(ask->arena, TREE_MAP);
  tree_put_text(ask->arena, ask->body, "apiVersion", "v1");
  tree_put_text(ask->arena, ask->body, "kind", "Status");
  tree_put_text(ask->arena, ask->body, "status", status < 300 ? "Success" : "Failure");
  tree_put_text(ask->arena, ask->body, "message", message);
  if (reason) tree_put_text(ask->arena, ask->body, "reason", reason);
  tree_put_int(ask->arena, ask->body, "code", status);
}

static void not_found(struct ask *ask) { say(ask, 404, "NotFound", "%s \"%s\" not found", ask->kind ? ask->kind->plural : "path", ask->name ? ask->name : ask->request->path); }

static void answer_with(struct ask *ask, int status, struct tree *object) {
  ask->status = status;
  ask->body = object;
}

static char *unescape(struct arena *arena, const char *text, size_t length) {
  char *out = arena_strn(arena, text, length), *to = out;
  for (char *s = out; *s; s++) {
    unsigned value;
    if (*s == '%' && sscanf(s + 1, "%2x", &value) == 1) *to++ = (char)value, s += 2;
    else *to++ = *s;
  }
  *to = 0;
  return out;
}

static char *query_of(struct ask *ask, const char *key) {
  size_t n = strlen(key);
  for (const char *s = ask->request->query; s; s = strchr(s, '&') ? strchr(s, '&') + 1 : NULL) {
    if (!strncmp(s, key, n) && s[n] == '=') return unescape(ask->arena, s + n + 1, strcspn(s + n + 1, "&"));
  }
  return NULL;
}

/* "/apis/apps/v1/namespaces/x/deployments/y/scale" into its parts; false: no kind we know. */
static bool take_apart(struct ask *ask) {
  char *part[12];
  int n = 0;
  for (const char *s = ask->request->path; *s == '/' && n < 12;) {
    size_t length = strcspn(s + 1, "/");
    part[n++] = unescape(ask->arena, s + 1, length);
    s += 1 + length;
  }
  int at;
  const char *group, *version;
  if (n >= 3 && !strcmp(part[0], "api")) group = "", version = part[1], at = 2;
  else if (n >= 4 && !strcmp(part[0], "apis")) group = part[1], version = part[2], at = 3;
  else return false;
  bool namespaces = !strcmp(part[at], "namespaces");
  if (namespaces && n - at >= 3 && strcmp(part[at + 2], "status") && strcmp(part[at + 2], "finalize")) ask->namespace = part[at + 1], at += 2;
  static const char *const all[] = {"Namespace", "Node", "PersistentVolume", "Pod", "Service", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim",
    "ResourceQuota", "LimitRange", "ReplicationController", "Endpoints", "Event", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision", "Job",
    "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress", "IngressClass", "NetworkPolicy", "EndpointSlice", "Role", "RoleBinding", "ClusterRole",
    "ClusterRoleBinding", "StorageClass", "PriorityClass", "Lease", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const struct kube_kind *kind = kube_kind(all[i]);
    if (kind && !strcmp(kind->plural, part[at]) && !strcmp(kind->group, group) && !strcmp(kind->version, version)) ask->kind = kind;
  }
  if (!ask->kind) return false;
  ask->name = n > at + 1 ? part[at + 1] : NULL;
  ask->sub = n > at + 2 ? part[at + 2] : NULL;
  const char *dry = query_of(ask, "dryRun");
  ask->dry = dry && !strcmp(dry, "All");
  return true;
}

static struct tree *only_metadata(struct ask *ask, struct tree *object) {
  if (!ask->request->accept || !strstr(ask->request->accept, "PartialObjectMetadata")) return object;
  struct tree *out = tree_new(ask->arena, TREE_MAP);
  tree_put_text(ask->arena, out, "apiVersion", "meta.k8s.io/v1");
  tree_put_text(ask->arena, out, "kind", "PartialObjectMetadata");
  tree_put(ask->arena, out, "metadata", tree_copy(ask->arena, tree_get(object, "metadata")));
  return out;
}

static bool wanted(struct ask *ask, const struct object *o, const struct tree *object) {
  if (o->kind != ask->kind || (ask->namespace && strcmp(o->namespace, ask->namespace)) || !selected(object, query_of(ask, "labelSelector"))) return false;
  const char *field = query_of(ask, "fieldSelector");
  if (!field) return true;
  const char *value = strchr(field, '=');
  if (value && !strncmp(field, "metadata.name=", 14)) return !strcmp(value + 1, o->name);
  if (value && !strncmp(field, "metadata.namespace=", 19)) return !strcmp(value + 1, o->namespace);
  struct arena *arena = ask->arena;
  char *path = arena_strn(arena, field, value ? (size_t)(value - field) : 0);
  struct tree *node = tree_path(object, path);
  return value && node && node->type == TREE_STRING && !strcmp(node->text, value + 1 + (value[1] == '='));
}

static void list(struct fake_kube *fake, struct ask *ask) {
  const char *limit_text = query_of(ask, "limit"), *token = query_of(ask, "continue");
  size_t limit = limit_text ? strtoul(limit_text, NULL, 10) : 0, from = token ? strtoul(token, NULL, 10) : 0, taken = 0, i;
  struct tree *items = tree_new(ask->arena, TREE_LIST), **end = &items->child, *meta = tree_new(ask->arena, TREE_MAP);
  for (i = from; i < fake->count && (!limit || taken < limit); i++) {
    struct tree *object = parse(ask->arena, fake->objects[i].json);
    if (!wanted(ask, &fake->objects[i], object)) continue;
    object = only_metadata(ask, object);
    object->key = NULL;
    *end = object, end = &object->next, items->count++, taken++;
  }
  tree_put_text(ask->arena, meta, "resourceVersion", arena_printf(ask->arena, "%llu", (unsigned long long)fake->version));
  if (i < fake->count) tree_put_text(ask->arena, meta, "continue", arena_printf(ask->arena, "%zu", i));
  struct tree *body = tree_new(ask->arena, TREE_MAP);
  tree_put_text(ask->arena, body, "apiVersion", kube_api_version(ask->arena, ask->kind));
  tree_put_text(ask->arena, body, "kind", arena_printf(ask->arena, "%sList", ask->kind->kind));
  tree_put(ask->arena, body, "metadata", meta);
  tree_put(ask->arena, body, "items", items);
  answer_with(ask, 200, body);
}

static bool body_tree(struct ask *ask, struct tree **out) {
  struct err err;
  const struct kube_request *request = ask->request;
  if (request->body && tree_parse(ask->arena, request->body, request->body_length, 0, out, &err)) return true;
  say(ask, 400, "BadRequest", "the body is no JSON: %s", request->body ? err.key : "empty");
  return false;
}

static void token(struct fake_kube *fake, struct ask *ask) {
  if (!find(fake, ask->kind, ask->namespace, ask->name)) {
    not_found(ask);
    return;
  }
  struct tree *request, *status = tree_new(ask->arena, TREE_MAP);
  if (!body_tree(ask, &request)) return;
  int64_t seconds = tree_int(tree_get(request, "spec"), "expirationSeconds", 3600);
  time_t ends = (time_t)(wall_ms() / 1000 + seconds);
  char when[32];
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&ends));
  tree_put_text(ask->arena, status, "token", arena_printf(ask->arena, "fake-token-%s-%s-%llu", ask->namespace, ask->name, (unsigned long long)++fake->uid));
  tree_put_text(ask->arena, status, "expirationTimestamp", when);
  tree_set(ask->arena, request, "status", status);
  answer_with(ask, 201, request);
}

static void create(struct fake_kube *fake, struct ask *ask) {
  struct tree *object;
  if (!body_tree(ask, &object)) return;
  struct tree *meta = meta_of(ask->arena, object);
  const char *name = tree_text(meta, "name"), *prefix = tree_text(meta, "generateName");
  if (!name && prefix) name = arena_printf(ask->arena, "%s%05llx", prefix, (unsigned long long)++fake->uid);
  if (!name || !*name) {
    say(ask, 422, "Invalid", "%s \"\" is invalid: metadata.name: Required value: name or generateName is required", ask->kind->kind);
    return;
  }
  ask->name = arena_str(ask->arena, name);
  if (ask->kind->namespaced && !find(fake, kube_kind("Namespace"), "", ask->namespace)) say(ask, 404, "NotFound", "namespaces \"%s\" not found", ask->namespace);
  else if (find(fake, ask->kind, ask->namespace, name)) say(ask, 409, "AlreadyExists", "%s \"%s\" already exists", ask->kind->plural, name);
  else {
    if (!ask->dry) store(fake, ask->arena, ask->kind, ask->namespace, name, object);
    answer_with(ask, 201, object);
  }
}

static bool version_fits(struct ask *ask, const struct object *old, const struct tree *object) {
  const char *wanted_version = tree_text(tree_get(object, "metadata"), "resourceVersion");
  if (!wanted_version || !strcmp(wanted_version, tree_text(tree_get(parse(ask->arena, old->json), "metadata"), "resourceVersion"))) return true;
  say(ask, 409, "Conflict", "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your changes to the latest version and try again",
      ask->kind->plural, ask->name);
  return false;
}

static void replace(struct fake_kube *fake, struct ask *ask) {
  struct tree *object;
  struct object *old = find(fake, ask->kind, ask->namespace, ask->name);
  if (!old) not_found(ask);
  else if (body_tree(ask, &object) && version_fits(ask, old, object)) {
    struct tree *whole = object;
    if (ask->sub && !strcmp(ask->sub, "status")) {
      whole = parse(ask->arena, old->json);
      if (tree_get(object, "status")) tree_set(ask->arena, whole, "status", tree_copy(ask->arena, tree_get(object, "status")));
    }
    if (!ask->dry) store(fake, ask->arena, ask->kind, ask->namespace, ask->name, whole);
    answer_with(ask, 200, whole);
  }
}

static void merge(struct arena *arena, struct tree *into, const struct tree *patch) {
  TREE_EACH(item, patch) {
    struct tree *old = tree_get(into, item->key);
    if (item->type == TREE_NULL) tree_remove(into, item->key);
    else if (item->type == TREE_MAP && old && old->type == TREE_MAP) merge(arena, old, item);
    else {
      struct tree *copy = tree_copy(arena, item);
      copy->next = NULL;
      tree_set(arena, into, item->key, copy);
    }
  }
}

/* One step of a JSON patch on maps (lists: "add" with "-", "remove" and "replace" by index are enough for tests). */
static bool patch_step(struct arena *arena, struct tree *object, const struct tree *step) {
  const char *op = tree_text_or(step, "op", ""), *path = tree_text_or(step, "path", "");
  struct tree *parent = object, *value = tree_get(step, "value");
  char key[256] = "";
  for (const char *s = path; *s == '/';) {
    size_t n = 0;
    for (s++; *s && *s != '/' && n < sizeof key - 1; s++) {
      if (*s == '~') key[n++] = *++s == '1' ? '/' : '~';
      else key[n++] = *s;
    }
    key[n] = 0;
    if (!*s) break;
    parent = parent && parent->type == TREE_LIST ? tree_at_index(parent, strtoul(key, NULL, 10)) : tree_get(parent, key);
  }
  if (!parent) return false;
  bool list_parent = parent->type == TREE_LIST;
  struct tree *old = list_parent ? tree_at_index(parent, strtoul(key, NULL, 10)) : tree_get(parent, key);
  if (!strcmp(op, "test")) return tree_equal(old, value);
  if (strcmp(op, "add") && !old) return false;
  if (!strcmp(op, "remove") && !list_parent) return tree_remove(parent, key);
  struct tree *copy = tree_copy(arena, value);
  if (list_parent && !strcmp(op, "add")) tree_push(parent, copy);
  else if (list_parent && !strcmp(op, "replace")) copy->next = old->next, copy->key = NULL, *old = *copy;
  else if (list_parent) {
    for (struct tree **at = &parent->child; *at; at = &(*at)->next) if (*at == old) {
      *at = old->next;
      parent->count--;
      break;
    }
  } else if (copy) tree_set(arena, parent, key, copy);
  return true;
}

static void patch(struct fake_kube *fake, struct ask *ask) {
  struct object *old = find(fake, ask->kind, ask->namespace, ask->name);
  const char *type = ask->request->content_type ? ask->request->content_type : "";
  bool apply = strstr(type, "apply-patch") != NULL;
  struct tree *change, *object;
  if (!old && !apply) {
    not_found(ask);
    return;
  }
  if (!body_tree(ask, &change)) return;
  if (!old && ask->kind->namespaced && !find(fake, kube_kind("Namespace"), "", ask->namespace)) {
    say(ask, 404, "NotFound", "namespaces \"%s\" not found", ask->namespace);
    return;
  }
  object = old ? parse(ask->arena, old->json) : tree_new(ask->arena, TREE_MAP);
  if (change->type == TREE_LIST) {
    TREE_EACH(step, change) if (!patch_step(ask->arena, object, step)) {
      say(ask, 422, "Invalid", "the server rejected our request due to an error in our request");
      return;
    }
  } else {
    if (old && !version_fits(ask, old, change)) return;
    merge(ask->arena, object, change);
  }
  if (!ask->dry) store(fake, ask->arena, ask->kind, ask->namespace, ask->name, object);
  answer_with(ask, old ? 200 : 201, object);
}

static void delete_one(struct fake_kube *fake, struct ask *ask) {
  struct object *old = find(fake, ask->kind, ask->namespace, ask->name);
  struct tree *options = NULL;
  if (!old) {
    not_found(ask);
    return;
  }
  if (ask->request->body && !body_tree(ask, &options)) return;
  struct tree *object = parse(ask->arena, old->json), *meta = tree_get(object, "metadata");
  const char *uid = tree_text(tree_get(options, "preconditions"), "uid"), *version = tree_text(tree_get(options, "preconditions"), "resourceVersion");
  if ((uid && strcmp(uid, tree_text(meta, "uid"))) || (version && strcmp(version, tree_text(meta, "resourceVersion")))) {
    say(ask, 409, "Conflict", "Precondition failed: UID or resourceVersion in precondition differs");
    return;
  }
  if (!ask->dry) drop(fake, ask->kind, ask->namespace, ask->name);
  answer_with(ask, 200, object);
}

static void delete_many(struct fake_kube *fake, struct ask *ask) {
  for (size_t i = fake->count; i-- > 0;) {
    if (!ask->dry && i < fake->count && wanted(ask, &fake->objects[i], parse(ask->arena, fake->objects[i].json))) drop_at(fake, i);
  }
  say(ask, 200, NULL, "deleted");
}

static void serve(struct fake_kube *fake, struct ask *ask) {
  const char *method = ask->request->method, *path = ask->request->path;
  if (!strcmp(path, "/readyz") || !strcmp(path, "/livez") || !strcmp(path, "/healthz")) {
    ask->status = 200, ask->text = "ok";
  } else if (!strcmp(path, "/version")) {
    answer_with(ask, 200, parse(ask->arena, "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.4\",\"platform\":\"linux/amd64\"}"));
  } else if (!take_apart(ask) || (ask->kind->namespaced && ask->name && !ask->namespace)) not_found(ask);
  else if (ask->sub && !strcmp(ask->sub, "token") && !strcmp(method, "POST")) token(fake, ask);
  else if (ask->sub && strcmp(ask->sub, "status")) not_found(ask);
  else if (!strcmp(method, "GET") && ask->name) {
    struct object *o = find(fake, ask->kind, ask->namespace, ask->name);
    if (o) answer_with(ask, 200, only_metadata(ask, parse(ask->arena, o->json)));
    else not_found(ask);
  } else if (!strcmp(method, "GET")) list(fake, ask);
  else if (!strcmp(method, "POST") && !ask->name && (ask->namespace || !ask->kind->namespaced)) create(fake, ask);
  else if (!strcmp(method, "PUT") && ask->name) replace(fake, ask);
  else if (!strcmp(method, "PATCH") && ask->name) patch(fake, ask);
  else if (!strcmp(method, "DELETE") && ask->name) delete_one(fake, ask);
  else if (!strcmp(method, "DELETE")) delete_many(fake, ask);
  else say(ask, 405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
}

/* --- the port --------------------------------------------------------------------------------------------------------------------------------- */
static struct fault *fault_for(struct fake_kube *fake, const struct kube_request *request, const char *asked) {
  for (size_t i = 0; i < fake->fault_count; i++) {
    struct fault *f = &fake->faults[i];
    if ((f->method && strcmp(f->method, request->method)) || (f->path && !strstr(asked, f->path)) || (f->is.times && f->used >= f->is.times)) continue;
    if (f->seen++ < f->is.skip) continue;
    f->used++;
    return f;
  }
  return NULL;
}

static void reply_err(struct arena *arena, struct kube_reply *reply, enum err_code code, const char *key) {
  *reply = (struct kube_reply){.err = arena_alloc(arena, sizeof(struct err))};
  err_set(reply->err, code, key, "fake");
}

static void fill(struct ask *ask, struct kube_reply *reply) {
  char *text = ask->text ? must(strdup(ask->text)) : ask->body ? text_of(ask->body) : must(strdup(""));
  size_t cap = ask->request->cap ? ask->request->cap : KUBE_ANSWER_MAX;
  *reply = (struct kube_reply){.answered = true, .status = ask->status, .length = strlen(text), .retry_after_s = ask->retry_after_s, .at_ms = wall_ms()};
  reply->body = arena_str(ask->arena, text);
  snprintf(reply->content_type, sizeof reply->content_type, "%s", ask->text ? "text/plain" : "application/json");
  free(text);
  if (reply->length > cap) reply_err(ask->arena, reply, ERR_LIMIT, "kube.large");
}

static void note(struct fake_kube *fake, const struct kube_request *request, const char *path) {
  if (fake->askeds == fake->asked_room) {
    fake->asked_room = fake->asked_room ? fake->asked_room * 2 : 64;
    fake->asked = must(realloc(fake->asked, fake->asked_room * sizeof *fake->asked));
  }
  char *text = must(malloc(strlen(request->method) + strlen(path) + 2));
  sprintf(text, "%s %s", request->method, path);
  fake->asked[fake->askeds++] = (struct asked){text, request->token ? must(strdup(request->token)) : NULL};
}

static void one(struct fake_kube *fake, struct arena *arena, const struct kube_request *request, struct kube_reply *reply) {
  struct ask ask = {.arena = arena, .request = request};
  char *asked = arena_printf(arena, "%s%s%s", request->path, request->query ? "?" : "", request->query ? request->query : ""), *body = NULL;
  pthread_mutex_lock(&fake->lock);
  note(fake, request, asked);
  struct fault *fault = fault_for(fake, request, asked);
  struct fake_fault is = fault ? fault->is : (struct fake_fault){0};
  if (fault && fault->message) is.message = arena_str(arena, fault->message);
  if (is.never) {
    int calm = fake->calm;
    fake->waiting++;
    while (fake->calm == calm && !fake->closing) pthread_cond_wait(&fake->change, &fake->lock);
    fake->waiting--;
    pthread_cond_broadcast(&fake->change);
    is.away = true;
  }
  fake_answer answer = fake->answer;
  void *ctx = fake->answer_ctx;
  pthread_mutex_unlock(&fake->lock);

  bool carried = !fault || is.after;
  if (carried && answer && answer(ctx, request, &ask.status, &body)) {
    ask.text = body ? body : "";
    fill(&ask, reply);
    if (body && *body == '{') snprintf(reply->content_type, sizeof reply->content_type, "application/json");
    free(body);
  } else if (carried) {
    pthread_mutex_lock(&fake->lock);
    serve(fake, &ask);
    pthread_mutex_unlock(&fake->lock);
    fill(&ask, reply);
  }
  if (is.away || (is.after && !is.status && !is.slow)) reply_err(arena, reply, ERR_UNAVAILABLE, "cluster.away");
  else if (is.slow) reply_err(arena, reply, ERR_TIMEOUT, "cluster.slow");
  else if (is.status) {
    ask.text = NULL;
    ask.retry_after_s = is.retry_after_s;
    say(&ask, is.status, is.status == 429 ? "TooManyRequests" : is.status == 410 ? "Expired" : NULL, "%s", is.message ? is.message : "so it was asked for");
    fill(&ask, reply);
  }
}

static bool send(void *ctx, struct arena *arena, const struct kube_request *requests, size_t count, struct kube_reply *replies, struct err *err) {
  struct fake_kube *fake = ctx;
  pthread_mutex_lock(&fake->lock);
  bool open = fake->circuit;
  if ((int)count > fake->most) fake->most = (int)count;
  pthread_mutex_unlock(&fake->lock);
  if (open) return err_set(err, ERR_UNAVAILABLE, "cluster.away", "fake circuit");
  for (size_t i = 0; i < count; i++) one(fake, arena, &requests[i], &replies[i]);
  return true;
}

static bool watch(void *ctx, const struct kube_watch *spec, struct err *err) {
  struct fake_kube *fake = ctx;
  struct arena *arena = arena_new(0);
  struct watcher *w = must(calloc(1, sizeof *w));
  w->is = *spec;
  w->selector = spec->label_selector ? must(strdup(spec->label_selector)) : NULL;
  pthread_mutex_lock(&fake->lock);
  bool room = fake->watcher_count < sizeof fake->watchers / sizeof *fake->watchers;
  if (room) {
    fake->watchers[fake->watcher_count++] = w;
    for (size_t i = 0; i < fake->count; i++) {
      if (fake->objects[i].kind == spec->kind && selected(parse(arena, fake->objects[i].json), w->selector)) enqueue(fake, w, KUBE_ADDED, fake->objects[i].json);
    }
    enqueue(fake, w, KUBE_SYNCED, NULL);
  }
  pthread_mutex_unlock(&fake->lock);
  arena_free(arena);
  if (!room) free(w->selector), free(w);
  return room ? true : err_set(err, ERR_BUG, "bug", "too many watchers");
}

static void *tell_main(void *ctx) {
  struct fake_kube *fake = ctx;
  pthread_mutex_lock(&fake->lock);
  for (;;) {
    while (!fake->first && !fake->closing) pthread_cond_wait(&fake->change, &fake->lock);
    if (fake->closing) break;
    struct told *told = fake->first;
    fake->first = told->next;
    if (!fake->first) fake->last = &fake->first;
    fake->telling = true;
    pthread_mutex_unlock(&fake->lock);
    struct arena *arena = arena_new(0);
    struct tree *object = told->json ? parse(arena, told->json) : NULL;
    struct kube_watch *is = &told->watcher->is;
    if (object && is->metadata_only) {
      static const char *const kept[] = {"apiVersion", "kind", "metadata"};
      for (struct tree **at = &object->child; *at;) {
        bool keep = false;
        for (int i = 0; i < 3; i++) keep = keep || !strcmp((*at)->key, kept[i]);
        if (keep) at = &(*at)->next;
        else *at = (*at)->next, object->count--;
      }
    }
    is->event(is->ctx, is->kind, told->event, object);
    arena_free(arena);
    free(told->json);
    free(told);
    pthread_mutex_lock(&fake->lock);
    fake->telling = false;
    pthread_cond_broadcast(&fake->change);
  }
  pthread_mutex_unlock(&fake->lock);
  return NULL;
}

/* --- for tests -------------------------------------------------------------------------------------------------------------------------------- */
struct fake_kube *fake_kube_new(void) {
  struct fake_kube *fake = must(calloc(1, sizeof *fake));
  fake->last = &fake->first;
  fake->version = 100;
  pthread_mutex_init(&fake->lock, NULL);
  pthread_cond_init(&fake->change, NULL);
  fake->port = (struct kube){.ctx = fake, .send = send, .watch = watch};
  if (pthread_create(&fake->thread, NULL, tell_main, fake) != 0) abort();
  return fake;
}

void fake_kube_free(struct fake_kube *fake) {
  if (!fake) return;
  pthread_mutex_lock(&fake->lock);
  fake->closing = true;
  pthread_cond_broadcast(&fake->change);
  while (fake->waiting) pthread_cond_wait(&fake->change, &fake->lock);
  pthread_mutex_unlock(&fake->lock);
  pthread_join(fake->thread, NULL);
  for (size_t i = 0; i < fake->count; i++) free(fake->objects[i].namespace), free(fake->objects[i].name), free(fake->objects[i].json);
  for (size_t i = 0; i < fake->askeds; i++) free(fake->asked[i].text), free(fake->asked[i].token);
  for (size_t i = 0; i < fake->watcher_count; i++) free(fake->watchers[i]->selector), free(fake->watchers[i]);
  for (struct told *told = fake->first, *next; told; told = next) next = told->next, free(told->json), free(told);
  for (size_t i = 0; i < fake->fault_count; i++) free(fake->faults[i].method), free(fake->faults[i].path), free(fake->faults[i].message);
  free(fake->objects);
  free(fake->asked);
  pthread_mutex_destroy(&fake->lock);
  pthread_cond_destroy(&fake->change);
  free(fake);
}

const struct kube *fake_kube_port(struct fake_kube *fake) { return &fake->port; }

void fake_kube_fault(struct fake_kube *fake, const struct fake_fault *fault) {
  pthread_mutex_lock(&fake->lock);
  if (fake->fault_count == sizeof fake->faults / sizeof *fake->faults) fail("too many faults", "");
  fake->faults[fake->fault_count++] = (struct fault){*fault, fault->method ? must(strdup(fault->method)) : NULL, fault->path ? must(strdup(fault->path)) : NULL,
                                                     fault->message ? must(strdup(fault->message)) : NULL, 0, 0};
  pthread_mutex_unlock(&fake->lock);
}

void fake_kube_calm(struct fake_kube *fake) {
  pthread_mutex_lock(&fake->lock);
  for (size_t i = 0; i < fake->fault_count; i++) free(fake->faults[i].method), free(fake->faults[i].path), free(fake->faults[i].message);
  fake->fault_count = 0;
  fake->calm++;
  pthread_cond_broadcast(&fake->change);
  pthread_mutex_unlock(&fake->lock);
}

void fake_kube_circuit(struct fake_kube *fake, bool open) {
  pthread_mutex_lock(&fake->lock);
  fake->circuit = open;
  pthread_mutex_unlock(&fake->lock);
}

void fake_kube_answer(struct fake_kube *fake, fake_answer answer, void *ctx) {
  pthread_mutex_lock(&fake->lock);
  fake->answer = answer;
  fake->answer_ctx = ctx;
  pthread_mutex_unlock(&fake->lock);
}

void fake_kube_put(struct fake_kube *fake, const char *json) {
  struct arena *arena = arena_new(0);
  struct tree *object = parse(arena, json), *meta = tree_get(object, "metadata");
  const struct kube_kind *kind = kube_kind_of(tree_text(object, "apiVersion"), tree_text(object, "kind"));
  const char *name = tree_text(meta, "name"), *namespace = tree_text_or(meta, "namespace", "");
  if (!kind || !name || (kind->namespaced && !*namespace)) fail("an object needs apiVersion, kind, metadata.name and its namespace", json);
  pthread_mutex_lock(&fake->lock);
  store(fake, arena, kind, namespace, name, object);
  pthread_mutex_unlock(&fake->lock);
  arena_free(arena);
}

bool fake_kube_remove(struct fake_kube *fake, const char *kind, const char *namespace, const char *name) {
  pthread_mutex_lock(&fake->lock);
  bool there = find(fake, kube_kind(kind), namespace, name) != NULL;
  if (there) drop(fake, kube_kind(kind), namespace, name);
  pthread_mutex_unlock(&fake->lock);
  return there;
}

struct tree *fake_kube_find(struct fake_kube *fake, struct arena *arena, const char *kind, const char *namespace, const char *name) {
  pthread_mutex_lock(&fake->lock);
  struct object *o = find(fake, kube_kind(kind), namespace, name);
  struct tree *object = o ? parse(arena, o->json) : NULL;
  pthread_mutex_unlock(&fake->lock);
  return object;
}

size_t fake_kube_count(struct fake_kube *fake, const char *kind, const char *namespace) {
  size_t count = 0;
  pthread_mutex_lock(&fake->lock);
  for (size_t i = 0; i < fake->count; i++) count += fake->objects[i].kind == kube_kind(kind) && (!namespace || !strcmp(fake->objects[i].namespace, namespace));
  pthread_mutex_unlock(&fake->lock);
  return count;
}

size_t fake_kube_asked(struct fake_kube *fake) {
  pthread_mutex_lock(&fake->lock);
  size_t count = fake->askeds;
  pthread_mutex_unlock(&fake->lock);
  return count;
}

const char *fake_kube_asked_at(struct fake_kube *fake, size_t index) {
  pthread_mutex_lock(&fake->lock);
  const char *text = index < fake->askeds ? fake->asked[index].text : NULL;
  pthread_mutex_unlock(&fake->lock);
  return text;
}

const char *fake_kube_token_at(struct fake_kube *fake, size_t index) {
  pthread_mutex_lock(&fake->lock);
  const char *text = index < fake->askeds ? fake->asked[index].token : NULL;
  pthread_mutex_unlock(&fake->lock);
  return text;
}

size_t fake_kube_asked_like(struct fake_kube *fake, const char *piece) {
  size_t count = 0;
  pthread_mutex_lock(&fake->lock);
  for (size_t i = 0; i < fake->askeds; i++) count += strstr(fake->asked[i].text, piece) != NULL;
  pthread_mutex_unlock(&fake->lock);
  return count;
}

int fake_kube_most_in_flight(struct fake_kube *fake) {
  pthread_mutex_lock(&fake->lock);
  int most = fake->most;
  pthread_mutex_unlock(&fake->lock);
  return most;
}

void fake_kube_tell(struct fake_kube *fake, const char *kind, enum kube_event event) {
  pthread_mutex_lock(&fake->lock);
  for (size_t i = 0; i < fake->watcher_count; i++) if (fake->watchers[i]->is.kind == kube_kind(kind)) enqueue(fake, fake->watchers[i], event, NULL);
  pthread_mutex_unlock(&fake->lock);
}

void fake_kube_settle(struct fake_kube *fake) {
  pthread_mutex_lock(&fake->lock);
  while (fake->first || fake->telling) pthread_cond_wait(&fake->change, &fake->lock);
  pthread_mutex_unlock(&fake->lock);
}
