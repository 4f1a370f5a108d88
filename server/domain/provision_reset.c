/* provision, second half: emptying a namespace in place, telling whether it stands still, pushing one that will not end. Emptying costs few rounds: the
 * quota already counts every kind, so only kinds of which there is one are looked at and deleted, all at once (a collection is deleted by the API server
 * one object after the other, which takes longer); one look at all kinds shows that nothing is left, two where something may have been remade. */
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
#include "domain/setup.h"
#include "kube/kube.h"

const char *const provision_owned[] = {"Deployment", "StatefulSet", "DaemonSet", "CronJob", "HorizontalPodAutoscaler", "ReplicaSet", "Job", "Pod", "Service", "Ingress",
                                       "ConfigMap", "Secret", "PersistentVolumeClaim", "NetworkPolicy", "PodDisruptionBudget", NULL};
#define OWNERS 5                           /* so many of them, from the front, make others */
#define MAKERS 8                           /* and so many, the made ones among them, run or remake Pods */
#define KINDS 15
_Static_assert(sizeof provision_owned / sizeof *provision_owned == KINDS + 1, "KINDS counts the list");
#define GRACE_0_MS 5000

static bool is_made(int kind) { return kind >= OWNERS && kind < MAKERS; }
static void pause_ms(int ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL); }
static bool good(const struct kube_reply *reply) { return reply->answered && reply->status >= 200 && reply->status < 300; }

static bool failed(struct kube_reply *reply, struct arena *arena, const char *what, struct err *err) {
  if (reply->answered && reply->status == 404) {           /* the namespace itself is gone */
    return err_set(err, ERR_NOT_FOUND, "attempt.lost", "%s answered 404", what);
  }
  kube_reply_err(reply, arena, err);
  return err_wrap(err, "%s", what);
}

/* Everything of one kind but the platform's own; names alone, from the API server's own memory. */
static struct kube_request look_of(struct arena *arena, const char *namespace, int kind) {
  bool ours = !strcmp(provision_owned[kind], "NetworkPolicy");      /* of these kinds the platform's own are there alone; a learner's label keeps nothing */
  return (struct kube_request){.method = "GET", .path = kube_path(arena, kube_kind(provision_owned[kind]), namespace, NULL),
                               .query = ours ? "resourceVersion=0&labelSelector=!makmal/platform" : "resourceVersion=0",
                               .accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", .retry = true};
}

/* The CA map, which every namespace has and keeps. */
static void leave_out_ca(struct tree *items) {
  for (struct tree **at = items ? &items->child : NULL; at && *at;) {
    if (strcmp(tree_text_or(tree_get(*at, "metadata"), "name", ""), "kube-root-ca.crt")) { at = &(*at)->next; continue; }
    *at = (*at)->next;
    items->count--;
  }
}

struct found { const struct tree *items[KINDS]; };

/* Looks at each kind asked for, at once; afterwards ask[] holds those of which there is something. */
static bool look(const struct kube *kube, struct arena *arena, const char *namespace, bool ask[KINDS], struct found *out, struct err *err) {
  struct kube_request requests[KINDS];
  struct kube_reply replies[KINDS];
  int whose[KINDS], n = 0;
  memset(replies, 0, sizeof replies);
  memset(out, 0, sizeof *out);
  for (int i = 0; i < KINDS; i++) {
    if (!ask[i]) continue;
    whose[n] = i;
    requests[n++] = look_of(arena, namespace, i);
  }
  if (n == 0) return true;
  if (!kube->send(kube->ctx, arena, requests, (size_t)n, replies, err)) return false;
  for (int i = 0; i < n; i++) {
    struct tree *list;
    if (!good(&replies[i])) return failed(&replies[i], arena, requests[i].path, err);
    if (!kube_tree(arena, &replies[i], &list, err)) return false;
    struct tree *items = tree_get(list, "items");
    if (!strcmp(provision_owned[whose[i]], "ConfigMap")) leave_out_ca(items);
    out->items[whose[i]] = items;
    ask[whose[i]] = out->items[whose[i]] && out->items[whose[i]]->count;
  }
  return true;
}

/* Deletes what was found, all at once: of the kinds that others make, or of all the rest, which goes first. */
static bool delete_found(const struct kube *kube, struct arena *arena, const char *namespace, const struct found *found, bool made, int grace, struct err *err) {
  size_t count = 0, n = 0;
  for (int i = 0; i < KINDS; i++) count += is_made(i) == made && found->items[i] ? found->items[i]->count : 0;
  if (!count) return true;
  struct kube_request *requests = arena_alloc(arena, count * sizeof *requests);
  struct kube_reply *replies = arena_alloc(arena, count * sizeof *replies);
  for (int i = 0; i < KINDS; i++) {
    if (is_made(i) != made) continue;
    const struct kube_kind *kind = kube_kind(provision_owned[i]);
    const char *query = strcmp(kind->kind, "Pod") ? "propagationPolicy=Background" : arena_printf(arena, "gracePeriodSeconds=%d", grace);
    TREE_EACH(item, found->items[i]) {
      requests[n++] = (struct kube_request){.method = "DELETE", .path = kube_path(arena, kind, namespace, tree_text_or(tree_get(item, "metadata"), "name", "?")), .query = query, .retry = true};
    }
  }
  if (!kube->send(kube->ctx, arena, requests, n, replies, err)) return false;
  for (size_t i = 0; i < n; i++) {
    if (!good(&replies[i]) && !(replies[i].answered && (replies[i].status == 404 || replies[i].status == 409))) return failed(&replies[i], arena, requests[i].path, err);
  }
  return true;
}

static bool any(const bool met[KINDS], int from, int to) {
  for (int i = from; i < to; i++) if (met[i]) return true;
  return false;
}

/* Which kinds there can be at all, by the quota's own count: it rises before an object is stored and falls after it is gone. */
static bool counted(const struct kube *kube, struct arena *arena, const char *namespace, bool ask[KINDS], struct err *err) {
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind("ResourceQuota"), namespace, "makmal"), .retry = true};
  struct kube_reply reply = {0};
  struct tree *quota;
  if (!kube->send(kube->ctx, arena, &request, 1, &reply, err)) return false;
  if (!good(&reply)) return failed(&reply, arena, request.path, err);
  if (!kube_tree(arena, &reply, &quota, err)) return false;
  const struct tree *used = tree_path(quota, "status.used");
  for (int i = 0; i < KINDS; i++) {
    const struct kube_kind *kind = kube_kind(provision_owned[i]);
    const char *count = tree_text(used, arena_printf(arena, "count/%s%s%s", kind->plural, *kind->group ? "." : "", kind->group));
    int always = !strcmp(kind->kind, "ConfigMap") ? 1 : !strcmp(kind->kind, "NetworkPolicy") ? 1 : 0;      /* the CA map; the wall */
    ask[i] = !count || atoi(count) > always;
  }
  return true;
}

/* Takes the finalizers of everything that is being deleted and still there; only in a namespace that was checked to be ours. */
static bool free_all(const struct kube *kube, struct arena *arena, const char *namespace, struct err *err) {
  static const char body[] = "{\"metadata\":{\"finalizers\":null}}";
  for (int i = 0; i < KINDS; i++) {
    const struct kube_kind *kind = kube_kind(provision_owned[i]);
    struct tree *objects;
    if (!kube_list(kube, arena, kind, namespace, NULL, &objects, err)) return false;
    TREE_EACH(object, objects) {
      const struct tree *metadata = tree_get(object, "metadata");
      if (!tree_text(metadata, "deletionTimestamp") || !tree_get(metadata, "finalizers")) continue;
      struct kube_request request = {.method = "PATCH", .path = kube_path(arena, kind, namespace, tree_text_or(metadata, "name", "")), .body = body, .body_length = sizeof body - 1,
                                     .content_type = "application/merge-patch+json", .retry = true};
      struct kube_reply reply = {0};
      if (!kube->send(kube->ctx, arena, &request, 1, &reply, err)) return false;
      log_warn("provision.freed", "namespace=%s object=%s/%s status=%d", namespace, kind->kind, tree_text_or(metadata, "name", "?"), reply.status);
    }
  }
  return true;
}

static bool stuck(const bool ask[KINDS], const char *namespace, struct err *err) {
  const char *which = "";
  for (int i = 0; i < KINDS; i++) if (ask[i]) which = provision_owned[i];
  err_set(err, ERR_TIMEOUT, "reset.stuck", "%s still holds %s after %d ms", namespace, which, PROVISION_RESET_MS);
  return err_param(err, "kind", "%s", which);
}

/* Owners first, and what stands alone with them; then what they made, or a ReplicaSet would be remade behind our back; then what is left, until it is gone. */
static bool empty(const struct kube *kube, struct arena *arena, const char *namespace, struct err *err) {
  bool ask[KINDS], freed = false;
  struct found found;
  int64_t begun = mono_ms();
  if (!counted(kube, arena, namespace, ask, err) || !look(kube, arena, namespace, ask, &found, err)) return false;
  bool makers = any(ask, 0, MAKERS);
  if (!delete_found(kube, arena, namespace, &found, false, 1, err) || !delete_found(kube, arena, namespace, &found, true, 1, err)) return false;
  for (int clean = 0, round = 0; clean < (makers ? 2 : 1); round++) {
    int64_t passed = mono_ms() - begun;
    memset(ask, true, sizeof ask);
    if (!look(kube, arena, namespace, ask, &found, err)) return false;
    if (!any(ask, 0, KINDS)) { clean++; continue; }
    clean = 0;
    if (passed > PROVISION_RESET_MS) return stuck(ask, namespace, err);
    if (passed > PROVISION_EMPTY_MS && !freed) {
      if (!free_all(kube, arena, namespace, err)) return false;
      freed = true;
    }
    /* the first look may still show what is gone already */
    int grace = passed > GRACE_0_MS ? 0 : 1;
    if (round && !(delete_found(kube, arena, namespace, &found, false, grace, err) && delete_found(kube, arena, namespace, &found, true, grace, err))) return false;
    pause_ms(round == 0 ? 3 : !makers || passed < 150 ? 10 : passed < 3000 ? 40 : 250);
  }
  return true;
}

bool provision_reset(const struct kube *kube, struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *namespace, struct err *err) {
  struct tree *objects;
  return setup_read(pool, arena, lab, params, namespace, &objects, err) && empty(kube, arena, namespace, err) &&
         setup_write(kube, arena, objects, lab->setup_as_create, err);
}

/* --- standing still --------------------------------------------------------------------------------------------------------------------------------- */

static bool pod_starting(const struct tree *pod) {
  const struct tree *status = tree_get(pod, "status");
  const char *phase = tree_text_or(status, "phase", "Pending");
  if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed")) return false;
  bool scheduled = false, ready = false;
  TREE_EACH(condition, tree_get(status, "conditions")) {
    bool yes = !strcmp(tree_text_or(condition, "status", ""), "True");
    const char *type = tree_text_or(condition, "type", "");
    if (!strcmp(type, "PodScheduled")) {
      if (!yes && !strcmp(tree_text_or(condition, "reason", ""), "Unschedulable")) return false;       /* nobody will take it: it waits, it does not start */
      scheduled = yes;
    }
    if (!strcmp(type, "Ready")) ready = yes;
  }
  if (ready) return false;
  if (!scheduled) return true;
  const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
  size_t seen = 0;
  bool stuck = false;
  for (int i = 0; i < 2; i++) {
    TREE_EACH(container, tree_get(status, lists[i])) {
      seen++;
      const char *why = tree_text(tree_path(container, "state.waiting"), "reason");
      if (why && strcmp(why, "ContainerCreating") && strcmp(why, "PodInitializing")) stuck = true;      /* ImagePullBackOff, CrashLoopBackOff … */
    }
  }
  return !seen || !stuck;
}

enum provision_motion provision_motion(const struct tree *object) {
  const struct tree *metadata = tree_get(object, "metadata"), *status = tree_get(object, "status");
  if (tree_text(metadata, "deletionTimestamp")) return MOTION_ENDING;
  const char *kind = tree_text_or(object, "kind", "");
  static const char *const observers[] = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "PodDisruptionBudget"};
  for (size_t i = 0; i < sizeof observers / sizeof *observers; i++) {
    if (!strcmp(kind, observers[i]) && tree_int(status, "observedGeneration", 0) < tree_int(metadata, "generation", 0)) return MOTION_MOVING;
  }
  /* a Deployment that lacks nothing and has replicas too many will have its controller's next word, however slow the machine */
  if (!strcmp(kind, "Deployment") && tree_int(status, "replicas", 0) > tree_int(tree_get(object, "spec"), "replicas", 1) && tree_int(status, "unavailableReplicas", 0) == 0) return MOTION_MOVING;
  return !strcmp(kind, "Pod") && pod_starting(object) ? MOTION_MOVING : MOTION_STILL;
}

/* --- the start state -------------------------------------------------------------------------------------------------------------------------------- */

/* A copy of map with only these members, those that are there. */
static struct tree *only(struct arena *arena, const struct tree *map, const char *const *names) {
  struct tree *out = tree_new(arena, TREE_MAP);
  for (; *names; names++) {
    const struct tree *member = tree_get(map, *names);
    if (member) tree_put(arena, out, *names, tree_copy(arena, member));
  }
  return out;
}

static bool wanted(const struct tree *object) {
  const struct tree *metadata = tree_get(object, "metadata");
  const char *kind = tree_text_or(object, "kind", ""), *name = tree_text_or(metadata, "name", "");
  if (tree_get(tree_get(metadata, "labels"), "makmal/platform")) return false;
  if (!strcmp(kind, "ConfigMap") && !strcmp(name, "kube-root-ca.crt")) return false;
  return strcmp(kind, "Event") && strcmp(kind, "EndpointSlice") && strcmp(kind, "ServiceAccount");
}

struct tree *provision_start_of(struct arena *arena, const struct tree *objects) {
  static const char *const top[] = {"apiVersion", "kind", "metadata", "spec", "data", NULL}, *const pod[] = {"phase", "podIP", "podIPs", NULL}, *const restarts[] = {"name", "restartCount", NULL};
  struct tree *list = tree_new(arena, TREE_LIST), **end = &list->child;
  TREE_EACH(object, objects) {
    if (!wanted(object)) continue;
    struct tree *kept = only(arena, object, top), *metadata = tree_get(kept, "metadata"), *annotations = tree_get(metadata, "annotations");
    if (metadata) tree_remove(metadata, "managedFields");
    if (annotations) tree_remove(annotations, "kubectl.kubernetes.io/last-applied-configuration");
    if (!strcmp(tree_text_or(object, "kind", ""), "Secret")) tree_remove(kept, "data");
    if (!strcmp(tree_text_or(object, "kind", ""), "Pod")) {
      const struct tree *status = tree_get(object, "status");
      struct tree *few = only(arena, status, pod), *containers = tree_new(arena, TREE_LIST);
      TREE_EACH(container, tree_get(status, "containerStatuses")) tree_push(containers, only(arena, container, restarts));
      tree_put(arena, few, "containerStatuses", containers);
      tree_put(arena, kept, "status", few);
    }
    *end = kept;
    end = &kept->next;
    list->count++;
  }
  return list;
}

bool provision_settle(const struct kube *kube, struct arena *arena, const char *namespace, int within_ms, struct tree **out_start, struct err *err) {
  enum { QUIET_MS = 1500, LOOK_MS = 150 };
  int64_t until = mono_ms() + within_ms, since = mono_ms();
  char last[SECRET_SHA256_HEX] = "";
  for (;;) {
    struct arena *look = arena_new(0);
    struct tree *all = tree_new(look, TREE_LIST), **end = &all->child;
    struct buf versions;
    bool still = true, ok = true;
    buf_init(&versions, 1024 * 1024);
    for (int i = 0; ok && i < KINDS; i++) {
      struct tree *objects;
      ok = kube_list(kube, look, kube_kind(provision_owned[i]), namespace, NULL, &objects, err);
      if (!ok) break;
      TREE_EACH(object, objects) {
        if (!wanted(object)) continue;
        if (provision_motion(object) != MOTION_STILL) still = false;
        buf_printf(&versions, "%s ", tree_text_or(tree_get(object, "metadata"), "resourceVersion", ""));
        all->count++;
      }
      for (*end = objects->child; *end;) end = &(*end)->next;
    }
    char now[SECRET_SHA256_HEX] = "";
    if (ok) secret_sha256_hex(versions.data, versions.len, now);
    bool changed = strcmp(now, last) != 0;
    snprintf(last, sizeof last, "%s", now);
    buf_release(&versions);
    if (changed || !still) since = mono_ms();
    bool settled = ok && still && mono_ms() - since >= QUIET_MS;
    if (settled) {
      struct tree *start = tree_new(arena, TREE_MAP);
      tree_put_int(arena, start, "reset", 0);
      tree_put_int(arena, start, "at_ms", wall_ms());
      tree_put(arena, start, "objects", provision_start_of(arena, all));
      *out_start = start;
    }
    arena_free(look);
    if (settled || !ok) return ok;
    if (mono_ms() >= until) return err_set(err, ERR_TIMEOUT, "setup.restless", "%s not settled in %d ms", namespace, within_ms);
    pause_ms(LOOK_MS);
  }
}

/* --- a namespace that hangs -------------------------------------------------------------------------------------------------------------------------- */

bool provision_push(const struct kube *kube, struct arena *arena, const char *namespace, const char *install, int force, char **out_why, struct err *err) {
  struct kube_request ask = {.method = "GET", .path = kube_path(arena, kube_kind("Namespace"), NULL, namespace), .retry = true};
  struct tree *found;
  if (!kube_call(kube, arena, &ask, &found, err)) return false;
  if (strcmp(tree_text_or(tree_path(found, "metadata.labels"), "makmal/install", ""), install)) {
    return err_set(err, ERR_DENIED, "provision.foreign", "namespace %s does not carry our install label", namespace);
  }
  struct buf *why = arena_alloc(arena, sizeof *why);
  buf_init_arena(why, arena, 2000);
  TREE_EACH(condition, tree_path(found, "status.conditions")) {
    if (!strcmp(tree_text_or(condition, "status", ""), "True")) buf_printf(why, "%s: %.300s; ", tree_text_or(condition, "type", "?"), tree_text_or(condition, "message", ""));
  }
  *out_why = why->data;
  if (force >= 1) {
    struct kube_request pods = {.method = "DELETE", .path = kube_path(arena, kube_kind("Pod"), namespace, NULL), .query = "gracePeriodSeconds=0", .retry = true};
    struct kube_reply reply = {0};
    if (!kube->send(kube->ctx, arena, &pods, 1, &reply, err)) return false;
  }
  return force < 2 || free_all(kube, arena, namespace, err);
}
