/* preflight: one function per question that needs no packets (those are domain/capability's). Not here yet: P0-P9 (no such policies yet), a proxied GET
 * (it needs a Pod), anonymous access (our calls always carry credentials). */
#include "domain/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/provision.h"
#include "domain/shape.h"
#include "kube/kube.h"

#define CLOCK_MS (5 * 60 * 1000)
#define BITES_MS 10000                   /* a guard may take seconds to bite after it was made */

/* What the platform itself does on a cluster; cluster/manifests/10-rights.yaml grants it on the embedded one. */
#define WRITE "get list watch create patch delete deletecollection"
static const struct shape_rule rights[] = {
  {"", "namespaces", "get list watch create patch delete"},
  {"", "pods services configmaps secrets persistentvolumeclaims", WRITE},
  {"", "resourcequotas limitranges serviceaccounts", "get create patch delete"},
  {"", "serviceaccounts/token", "create"},
  {"", "pods/log services/proxy", "get"},
  {"", "events nodes", "list watch"},
  {"apps", "deployments replicasets statefulsets daemonsets", WRITE},
  {"batch", "jobs cronjobs", WRITE},
  {"autoscaling", "horizontalpodautoscalers", WRITE},
  {"policy", "poddisruptionbudgets", WRITE},
  {"networking.k8s.io", "networkpolicies ingresses", WRITE},
  {"discovery.k8s.io", "endpointslices", "list watch"},
  {"rbac.authorization.k8s.io", "roles rolebindings", "get create update patch delete"},
  {"rbac.authorization.k8s.io", "clusterroles clusterrolebindings", "get create patch"},
  {0}};
/* What everybody who is signed in may ask about themselves. */
static const struct shape_rule harmless[] = {
  {"authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"},
  {"authentication.k8s.io", "selfsubjectreviews", "create"},
  {0}};

struct flight { const struct kube *kube; struct arena *arena; const char *install, *people; struct preflight *out; };

static struct tree *line(struct flight *flight, const char *check, const char *level, const char *key) {
  struct tree *line = tree_new(flight->arena, TREE_MAP), *params = tree_new(flight->arena, TREE_MAP);
  tree_put_text(flight->arena, line, "check", check);
  tree_put_text(flight->arena, line, "level", level);
  tree_put_text(flight->arena, line, "key", key);
  tree_put(flight->arena, line, "params", params);
  tree_push(flight->out->lines, line);
  if (!strcmp(level, "red")) flight->out->red = true;
  return params;
}

const struct tree *preflight_first_red(const struct preflight *preflight) {
  TREE_EACH(item, preflight->lines) if (!strcmp(tree_text_or(item, "level", ""), "red")) return item;
  return NULL;
}

/* --- words in lists ------------------------------------------------------------------------------------------------------------------------------ */

static bool in_list(const struct tree *list, const char *word, size_t length) {
  TREE_EACH(item, list) {
    if (item->type == TREE_STRING && (!strcmp(item->text, "*") || (item->length == length && !memcmp(item->text, word, length)))) return true;
  }
  return false;
}

static bool in_words(const char *words, const char *word) {
  size_t length = strlen(word);
  for (const char *at = words; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
    if (strcspn(at, " ") == length && !strncmp(at, word, length)) return true;
  }
  return false;
}

/* Whether a rules review grants verb on group/resource without naming single objects. */
static bool granted(const struct tree *rules, const char *group, const char *resource, size_t resource_length, const char *verb, size_t verb_length) {
  TREE_EACH(rule, rules) {
    if (tree_get(rule, "resourceNames") && tree_get(rule, "resourceNames")->count) continue;
    if (in_list(tree_get(rule, "apiGroups"), group, strlen(group)) && in_list(tree_get(rule, "resources"), resource, resource_length) &&
        in_list(tree_get(rule, "verbs"), verb, verb_length)) return true;
  }
  return false;
}

/* The resource rules that these credentials have in a namespace. */
static bool review(struct flight *flight, const char *namespace, const char *token, struct tree **out_rules, struct err *err) {
  char *body = arena_printf(flight->arena, "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectRulesReview\",\"spec\":{\"namespace\":\"%s\"}}", namespace);
  struct kube_request request = {.method = "POST", .path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", .body = body, .body_length = strlen(body), .token = token};
  struct tree *answer;
  if (!kube_call(flight->kube, flight->arena, &request, &answer, err)) return false;
  *out_rules = tree_path(answer, "status.resourceRules");
  return true;
}

/* --- the lines ------------------------------------------------------------------------------------------------------------------------------------- */

static bool check_version(struct flight *flight, bool *out_fit, struct err *err) {
  struct kube_request request = {.method = "GET", .path = "/version", .retry = true};
  struct tree *version;
  if (!kube_call(flight->kube, flight->arena, &request, &version, err)) return false;
  snprintf(flight->out->version, sizeof flight->out->version, "%.31s", tree_text_or(version, "gitVersion", "?"));
  int major = atoi(tree_text_or(version, "major", "0")), minor = atoi(tree_text_or(version, "minor", "0"));
  *out_fit = major > 1 || (major == 1 && minor >= PREFLIGHT_LEAST_MINOR);
  struct tree *params = line(flight, "version", *out_fit ? "ok" : "red", *out_fit ? "preflight.version" : "preflight.old");
  tree_put_text(flight->arena, params, "version", flight->out->version);
  tree_put_text(flight->arena, params, "least", arena_printf(flight->arena, "1.%d", PREFLIGHT_LEAST_MINOR));
  return true;
}

static bool check_ground(struct flight *flight, struct err *err) {
  struct shape_site site;
  struct err why = {0};
  if (provision_ground(flight->kube, flight->arena, flight->install, &site, &why)) {
    flight->out->embedded = site.embedded;
    return true;
  }
  if (why.code == ERR_UNAVAILABLE || why.code == ERR_TIMEOUT) { if (err) *err = why; return false; }
  tree_put_text(flight->arena, line(flight, "rights", "red", "preflight.ground"), "message", why.detail);
  return true;
}

static bool check_pod_security(struct flight *flight, struct err *err) {
  static const char body[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"makmal-preflight\"},"
                             "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\",\"securityContext\":{\"privileged\":true}}]}}";
  struct kube_request request = {.method = "POST", .path = kube_path(flight->arena, kube_kind("Pod"), flight->people, NULL), .query = "dryRun=All", .body = body, .body_length = sizeof body - 1};
  const char *message = "";
  for (int64_t until = mono_ms() + BITES_MS;;) {
    struct kube_reply reply = {0};
    struct tree *status = NULL;
    if (!flight->kube->send(flight->kube->ctx, flight->arena, &request, 1, &reply, err)) return false;
    if (!reply.answered) { if (err) *err = *reply.err; return false; }
    message = kube_tree(flight->arena, &reply, &status, NULL) ? tree_text_or(status, "message", "") : "";
    if (reply.status == 403 && strstr(message, "violates PodSecurity")) {
      line(flight, "pod-security", "ok", "preflight.pod-security");
      return true;
    }
    bool later = reply.status == 403 && strstr(message, "service account");     /* the namespace is new, its account not made yet */
    if ((!later && reply.status == 403) || mono_ms() >= until) break;
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
  }
  tree_put_text(flight->arena, line(flight, "pod-security", "red", "preflight.no-pod-security"), "message", message);
  return true;
}

static bool check_rights(struct flight *flight, struct err *err) {
  struct tree *rules;
  if (!review(flight, flight->people, NULL, &rules, err)) return false;
  struct buf *missing = arena_alloc(flight->arena, sizeof *missing);
  buf_init_arena(missing, flight->arena, 4000);
  for (const struct shape_rule *row = rights; row->resources; row++) {
    for (const char *resource = row->resources; *resource; resource += strcspn(resource, " "), resource += strspn(resource, " ")) {
      for (const char *verb = row->verbs; *verb; verb += strcspn(verb, " "), verb += strspn(verb, " ")) {
        size_t r = strcspn(resource, " "), v = strcspn(verb, " ");
        if (granted(rules, row->group, resource, r, verb, v)) continue;
        buf_printf(missing, "%s%.*s %s%s%.*s", missing->len ? ", " : "", (int)v, verb, row->group, *row->group ? "/" : "", (int)r, resource);
      }
    }
  }
  if (missing->len) tree_put_text(flight->arena, line(flight, "rights", "red", "preflight.rights"), "missing", missing->data);
  else if (granted(rules, "*", "*", 1, "*", 1)) line(flight, "rights", "amber", "preflight.all-rights");
  else line(flight, "rights", "ok", "preflight.rights-ok");
  return true;
}

static bool expected(const char *group, const char *resource, const char *verb, bool embedded) {
  const struct shape_rule *tables[] = {harmless, shape_rules_wide, embedded ? shape_rules_own : NULL};
  for (size_t i = 0; i < 3; i++) {
    for (const struct shape_rule *row = tables[i]; row && row->resources; row++) {
      if (!strcmp(group, row->group) && in_words(row->resources, resource) && in_words(row->verbs, verb)) return true;
    }
  }
  return false;
}

/* What an account of the learners' group may do before anybody gave it a lab: bindings to everybody would open every lab. */
static bool check_strangers(struct flight *flight, struct err *err) {
  static const char name[] = "makmal-preflight";
  char *body = arena_printf(flight->arena, "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"%s\",\"labels\":{\"makmal/install\":\"%s\",\"makmal/platform\":\"true\"}},"
                                           "\"automountServiceAccountToken\":false}", name, flight->install);
  struct kube_request make = {.method = "POST", .path = kube_path(flight->arena, kube_kind("ServiceAccount"), flight->people, NULL), .body = body, .body_length = strlen(body)};
  struct err why = {0};
  char token[4096];
  int64_t ends;
  if (!kube_call(flight->kube, flight->arena, &make, NULL, &why) && why.code != ERR_CONFLICT) { if (err) *err = why; return why.code != ERR_UNAVAILABLE && why.code != ERR_TIMEOUT; }
  if (!provision_token(flight->kube, flight->arena, flight->install, name, token, &ends, err)) return false;
  struct tree *rules;
  if (!review(flight, "default", token, &rules, err)) return false;
  struct buf *more = arena_alloc(flight->arena, sizeof *more);
  buf_init_arena(more, flight->arena, 4000);
  TREE_EACH(rule, rules) {
    TREE_EACH(group, tree_get(rule, "apiGroups")) TREE_EACH(resource, tree_get(rule, "resources")) TREE_EACH(verb, tree_get(rule, "verbs")) {
      if (expected(group->text, resource->text, verb->text, flight->out->embedded)) continue;
      buf_printf(more, "%s%s %s%s%s", more->len ? ", " : "", verb->text, group->text, *group->text ? "/" : "", resource->text);
    }
  }
  if (more->len) tree_put_text(flight->arena, line(flight, "strangers", "red", "preflight.strangers"), "rights", more->data);
  else line(flight, "strangers", "ok", "preflight.strangers-ok");
  return true;
}

/* A token's end is told by the API server's clock. */
static bool check_clock(struct flight *flight, struct err *err) {
  static const char body[] = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{\"expirationSeconds\":3600}}";
  struct kube_request request = {.method = "POST", .path = arena_printf(flight->arena, "%s/token", kube_path(flight->arena, kube_kind("ServiceAccount"), flight->people, "makmal-preflight")),
                                 .body = body, .body_length = sizeof body - 1};
  struct tree *answer;
  struct err why = {0};
  if (!kube_call(flight->kube, flight->arena, &request, &answer, &why)) { if (err) *err = why; return why.code != ERR_UNAVAILABLE && why.code != ERR_TIMEOUT; }
  struct tm utc = {0};
  if (!strptime(tree_text_or(tree_get(answer, "status"), "expirationTimestamp", ""), "%Y-%m-%dT%H:%M:%SZ", &utc)) return true;
  int64_t theirs = ((int64_t)timegm(&utc) - 3600) * 1000, apart = llabs(theirs - wall_ms());
  bool fit = apart < CLOCK_MS;
  tree_put_int(flight->arena, line(flight, "clock", fit ? "ok" : "amber", fit ? "preflight.clock-ok" : "preflight.clock"), "seconds", apart / 1000);
  return true;
}

bool preflight_run(const struct kube *kube, struct arena *arena, const char *install, struct preflight *out, struct err *err) {
  struct preflight result = {.lines = tree_new(arena, TREE_LIST)};
  struct flight flight = {.kube = kube, .arena = arena, .install = install, .people = install ? shape_people(arena, install) : NULL, .out = &result};
  bool fit;
  if (!check_version(&flight, &fit, err)) return false;
  if (fit && install) {
    if (!check_ground(&flight, err) || !check_rights(&flight, err)) return false;
    if (!result.red && (!check_pod_security(&flight, err) || !check_strangers(&flight, err) || !check_clock(&flight, err))) return false;
  }
  TREE_EACH(item, result.lines) {
    if (!strcmp(tree_text_or(item, "level", ""), "ok")) continue;
    struct buf text;
    buf_init(&text, 2000);
    tree_write_plain(&text, tree_get(item, "params"));
    log_warn("preflight", "check=%s level=%s key=%s params=%s", tree_text(item, "check"), tree_text(item, "level"), tree_text(item, "key"), text.data);
    buf_release(&text);
  }
  *out = result;
  return true;
}
