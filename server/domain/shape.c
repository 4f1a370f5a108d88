/* shape: the tables of isolation and the bodies made of them. Names are fixed ("makmal", "makmal-wall", "makmal-learner"); everything written here
 * carries the label makmal/platform, by which a reset leaves it standing. */
#include "domain/shape.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "domain/catalog.h"
#include "kube/kube.h"

/* Requests are small because Pods of a lesson idle. Kept by a test: `pods` times each default fits into its line, every counted resource of a
 * container has a default (a Pod that does not name it would be refused), every kind a learner can create is counted. */
const struct shape_quota shape_quotas[] = {
  {"requests.cpu", {"500m", "1", "2"}},
  {"requests.memory", {"512Mi", "1Gi", "4Gi"}},
  {"limits.cpu", {"2", "4", "8"}},
  {"limits.memory", {"2Gi", "4Gi", "8Gi"}},
  {"limits.ephemeral-storage", {"2Gi", "4Gi", "8Gi"}},
  {"pods", {"10", "20", "40"}},
  {"count/pods", {"30", "40", "80"}},                     /* finished ones too */
  {"count/deployments.apps", {"10", "20", "20"}},
  {"count/statefulsets.apps", {"5", "10", "10"}},
  {"count/daemonsets.apps", {"3", "6", "6"}},
  {"count/replicasets.apps", {"60", "120", "120"}},       /* ten of history for each Deployment */
  {"count/jobs.batch", {"10", "20", "20"}},
  {"count/cronjobs.batch", {"3", "6", "6"}},
  {"count/services", {"5", "10", "20"}},
  {"services.nodeports", {"2", "2", "4"}},
  {"services.loadbalancers", {"0", "0", "0"}},
  {"count/ingresses.networking.k8s.io", {"3", "5", "10"}},
  {"count/networkpolicies.networking.k8s.io", {"10", "15", "20"}},
  {"count/configmaps", {"20", "40", "40"}},               /* the built-in CA map is one of them */
  {"count/secrets", {"20", "40", "40"}},
  {"count/horizontalpodautoscalers.autoscaling", {"3", "6", "6"}},
  {"count/poddisruptionbudgets.policy", {"3", "6", "6"}},
  {"count/persistentvolumeclaims", {"4", "6", "12"}},
  {"requests.storage", {"2Gi", "6Gi", "20Gi"}},
  {0}};

/* The request for ephemeral storage is named: left out it would equal the limit, and a class of five hundred idle Pods would book 64 GiB of disk. */
const struct shape_limit shape_limits[] = {
  {"cpu", "200m", "10m", {"1", "2", "4"}},
  {"memory", "128Mi", "32Mi", {"1Gi", "2Gi", "4Gi"}},
  {"ephemeral-storage", "128Mi", "16Mi", {0}},
  {0}};

#define READ "get list watch"
#define ALL "get list watch create update patch delete deletecollection"
const struct shape_rule shape_rules[] = {
  {"", "pods services configmaps secrets persistentvolumeclaims", ALL},
  {"", "pods/log", "get"},
  {"", "pods/exec pods/attach pods/portforward", "get create"},        /* both: from 1.35 create is asked for, before it get */
  {"apps", "deployments replicasets statefulsets", ALL},
  {"apps", "deployments/scale replicasets/scale statefulsets/scale", "get update patch"},
  {"apps", "controllerrevisions daemonsets", READ},
  {"batch", "jobs cronjobs", ALL},
  {"autoscaling", "horizontalpodautoscalers", ALL},
  {"policy", "poddisruptionbudgets", ALL},
  {"networking.k8s.io", "ingresses", ALL},
  {"networking.k8s.io", "networkpolicies", READ},
  {"", "events endpoints resourcequotas limitranges serviceaccounts", READ},
  {"events.k8s.io", "events", READ},
  {"discovery.k8s.io", "endpointslices", READ},
  {"", "namespaces", "get"},                                           /* a Role grants that for its own namespace, and no list */
  {"metrics.k8s.io", "pods", "get list"},
  {0}};
const struct shape_rule shape_rules_wide[] = {
  {"storage.k8s.io", "storageclasses", READ},
  {"networking.k8s.io", "ingressclasses", READ},
  {"scheduling.k8s.io", "priorityclasses", READ},
  {0}};
const struct shape_rule shape_rules_own[] = {
  {"", "nodes persistentvolumes", READ},                               /* they show random lab names, no people */
  {0}};

bool shape_of(const struct lab *lab, struct shape *out, struct err *err) {
  static const char *const sizes[] = {"small", "medium", "large"};
  const char *size = lab->size && *lab->size ? lab->size : "small";
  int found = -1;
  for (int i = 0; i < SHAPE_SIZES; i++) if (!strcmp(size, sizes[i])) found = i;
  if (found < 0) {
    err_set(err, ERR_INVALID, "lab.size", "lab %s has size %s", lab->id, size);
    return err_param(err, "size", "%s", size);
  }
  *out = (struct shape){.size = (enum shape_size)found, .baseline = lab->pods && !strcmp(lab->pods, "baseline"), .attempt = ""};
  /* which check calls a Service is known only to its script: every lab with live checks may */
  for (size_t i = 0; i < lab->check_count; i++) if (lab->checks[i].on != CHECK_SCOPE_FILES) out->front = true;
  return true;
}

const char *shape_people(struct arena *arena, const char *install) { return arena_printf(arena, "makmal-%s-people", install); }

/* --- bodies ------------------------------------------------------------------------------------------------------------------------------------ */

static struct buf *body(struct arena *arena) {
  struct buf *buf = arena_alloc(arena, sizeof *buf);
  buf_init_arena(buf, arena, 64 * 1024);
  return buf;
}

/* Words parted by spaces as a JSON list. */
static void words(struct buf *out, const char *text) {
  buf_char(out, '[');
  for (const char *at = text, *mark = ""; *at; mark = ",") {
    size_t n = strcspn(at, " ");
    buf_str(out, mark);
    buf_json_n(out, at, n);
    at += n;
    at += strspn(at, " ");
  }
  buf_char(out, ']');
}

static void rules(struct buf *out, const struct shape_rule *rows, const char **mark) {
  for (; rows->resources; rows++, *mark = ",") {
    buf_printf(out, "%s{\"apiGroups\":[\"%s\"],\"resources\":", *mark, rows->group);
    words(out, rows->resources);
    buf_str(out, ",\"verbs\":");
    words(out, rows->verbs);
    buf_char(out, '}');
  }
}

static void head(struct buf *out, const char *api_version, const char *kind, const char *name, const char *namespace, const char *install) {
  buf_printf(out, "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s\",", api_version, kind, name);
  if (namespace) buf_printf(out, "\"namespace\":\"%s\",", namespace);
  buf_printf(out, "\"labels\":{\"makmal/install\":\"%s\",\"makmal/platform\":\"true\"}}", install);
}

/* A write of `kind`: POST to its collection, or PUT to its name, which makes it too. */
static struct shape_write write_of(struct arena *arena, const char *kind, const char *namespace, const char *name, bool put, struct buf *text) {
  const struct kube_kind *row = kube_kind(kind);
  const char *named = kube_path(arena, row, namespace, name);
  return (struct shape_write){.what = kind, .method = put ? "PUT" : "POST", .path = put ? named : kube_path(arena, row, namespace, NULL), .named = named, .body = text->data};
}

struct shape_write shape_namespace(struct arena *arena, const struct shape *shape) {
  static const char *const sizes[] = {"small", "medium", "large"};
  struct buf *out = body(arena);
  const char *level = shape->baseline ? "baseline" : "restricted", *minor = shape->site->minor;
  buf_printf(out, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\",\"labels\":{\"makmal/install\":\"%s\",\"makmal/shape\":\"%s-%s\",\"makmal/state\":\"claimed\"",
             shape->namespace, shape->install, sizes[shape->size], level);
  if (*shape->attempt) buf_printf(out, ",\"makmal/attempt\":\"%s\"", shape->attempt);
  buf_printf(out, ",\"pod-security.kubernetes.io/enforce\":\"%s\",\"pod-security.kubernetes.io/enforce-version\":\"%s\"", level, minor);
  buf_printf(out, ",\"pod-security.kubernetes.io/warn\":\"restricted\",\"pod-security.kubernetes.io/warn-version\":\"%s\"", minor);
  buf_printf(out, ",\"pod-security.kubernetes.io/audit\":\"restricted\",\"pod-security.kubernetes.io/audit-version\":\"%s\"}", minor);
  if (shape->expires_ms) buf_printf(out, ",\"annotations\":{\"makmal/expires\":\"%" PRId64 "\"}", shape->expires_ms);
  buf_str(out, "}}");
  return write_of(arena, "Namespace", NULL, shape->namespace, false, out);
}

static struct buf *quota(struct arena *arena, const struct shape *shape) {
  struct buf *out = body(arena);
  head(out, "v1", "ResourceQuota", "makmal", shape->namespace, shape->install);
  buf_str(out, ",\"spec\":{\"hard\":{");
  for (const struct shape_quota *row = shape_quotas; row->resource; row++) {
    buf_printf(out, "%s\"%s\":\"%s\"", row == shape_quotas ? "" : ",", row->resource, row->amount[shape->size]);
  }
  buf_str(out, "}}}");
  return out;
}

static struct buf *limits(struct arena *arena, const struct shape *shape) {
  struct buf *out = body(arena), *request = body(arena), *most = body(arena);
  head(out, "v1", "LimitRange", "makmal", shape->namespace, shape->install);
  buf_str(out, ",\"spec\":{\"limits\":[{\"type\":\"Container\",\"default\":{");
  for (const struct shape_limit *row = shape_limits; row->resource; row++) {
    const char *mark = row == shape_limits ? "" : ",";
    buf_printf(out, "%s\"%s\":\"%s\"", mark, row->resource, row->limit);
    buf_printf(request, "%s\"%s\":\"%s\"", mark, row->resource, row->request);
    if (row->most[shape->size]) buf_printf(most, "%s\"%s\":\"%s\"", mark, row->resource, row->most[shape->size]);
  }
  buf_printf(out, "},\"defaultRequest\":{%s},\"max\":{%s}}]}}", request->data, most->data);
  return out;
}

/* Both halves: who may come in (the namespace itself), whom it may call (itself, and the cluster's DNS). */
static struct buf *wall(struct arena *arena, const struct shape *shape) {
  struct buf *out = body(arena);
  head(out, "networking.k8s.io/v1", "NetworkPolicy", "makmal-wall", shape->namespace, shape->install);
  buf_str(out, ",\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"],\"ingress\":[{\"from\":[{\"podSelector\":{}}]}],"
               "\"egress\":[{\"to\":[{\"podSelector\":{}}]},{\"to\":[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"kube-system\"}},"
               "\"podSelector\":{\"matchLabels\":{\"k8s-app\":\"kube-dns\"}}}],\"ports\":[{\"protocol\":\"UDP\",\"port\":53},{\"protocol\":\"TCP\",\"port\":53}]}]}}");
  return out;
}

static struct buf *front(struct arena *arena, const struct shape *shape) {
  struct buf *out = body(arena);
  head(out, "networking.k8s.io/v1", "NetworkPolicy", "makmal-front", shape->namespace, shape->install);
  buf_str(out, ",\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\"],\"ingress\":[{\"from\":[");
  for (size_t i = 0; i < shape->site->front_count; i++) buf_printf(out, "%s{\"ipBlock\":{\"cidr\":\"%s\"}}", i ? "," : "", shape->site->fronts[i]);
  buf_str(out, "]}]}}");
  return out;
}

static struct buf *account(struct arena *arena, const char *name, const char *namespace, const struct shape *shape, bool automount) {
  struct buf *out = body(arena);
  head(out, "v1", "ServiceAccount", name, namespace, shape->install);
  buf_printf(out, ",\"automountServiceAccountToken\":%s}", automount ? "true" : "false");
  return out;
}

static struct buf *binding(struct arena *arena, const struct shape *shape, const char *people) {
  struct buf *out = body(arena);
  head(out, "rbac.authorization.k8s.io/v1", "RoleBinding", "makmal-learner", shape->namespace, shape->install);
  buf_printf(out, ",\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Role\",\"name\":\"makmal-learner\"},"
                  "\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"%s\",\"namespace\":\"%s\"}]}", shape->namespace, people);
  return out;
}

static struct buf *role(struct arena *arena, const char *kind, const char *name, const char *namespace, const char *install,
                        const struct shape_rule *first, const struct shape_rule *second) {
  struct buf *out = body(arena);
  const char *mark = "";
  head(out, "rbac.authorization.k8s.io/v1", kind, name, namespace, install);
  buf_str(out, ",\"rules\":[");
  rules(out, first, &mark);
  if (second) rules(out, second, &mark);
  buf_str(out, "]}");
  return out;
}

size_t shape_objects(struct arena *arena, const struct shape *shape, struct shape_write out[SHAPE_WRITES]) {
  const char *ns = shape->namespace, *people = shape_people(arena, shape->install);
  size_t n = 0;
  out[n++] = write_of(arena, "ResourceQuota", ns, "makmal", false, quota(arena, shape));
  out[n++] = write_of(arena, "LimitRange", ns, "makmal", false, limits(arena, shape));
  out[n++] = write_of(arena, "NetworkPolicy", ns, "makmal-wall", false, wall(arena, shape));
  if (shape->front && shape->site->front_count) out[n++] = write_of(arena, "NetworkPolicy", ns, "makmal-front", false, front(arena, shape));
  out[n++] = write_of(arena, "ServiceAccount", ns, "default", false, account(arena, "default", ns, shape, false));
  out[n++] = write_of(arena, "ServiceAccount", people, ns, false, account(arena, ns, people, shape, false));
  /* The Role holds more than the platform does (exec): `escalate` is granted for this one name, and a POST to a collection has no name to match. */
  out[n++] = write_of(arena, "Role", ns, "makmal-learner", true, role(arena, "Role", "makmal-learner", ns, shape->install, shape_rules, NULL));
  out[n++] = write_of(arena, "RoleBinding", ns, "makmal-learner", false, binding(arena, shape, people));
  return n;
}

size_t shape_ground(struct arena *arena, const char *install, const struct shape_site *site, struct shape_write out[3]) {
  const char *people = shape_people(arena, install), *name = arena_printf(arena, "makmal-%s-learner", install);
  struct buf *text = body(arena);
  buf_printf(text, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\",\"labels\":{\"makmal/install\":\"%s\",\"makmal/platform\":\"true\","
                   "\"pod-security.kubernetes.io/enforce\":\"restricted\"}}}", people, install);
  out[0] = write_of(arena, "Namespace", NULL, people, false, text);
  out[1] = write_of(arena, "ClusterRole", NULL, name, false, role(arena, "ClusterRole", name, NULL, install, shape_rules_wide, site->embedded ? shape_rules_own : NULL));
  text = body(arena);
  head(text, "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, NULL, install);
  buf_printf(text, ",\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"%s\"},"
                   "\"subjects\":[{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Group\",\"name\":\"system:serviceaccounts:%s\"}]}", name, people);
  out[2] = write_of(arena, "ClusterRoleBinding", NULL, name, false, text);
  return 3;
}
