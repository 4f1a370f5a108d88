/* capability: see the header. Proof of the rest: a Pod that serves and a Pod that asks it twice a second and prints what it got. It must be seen to reach
 * the other, then, under a NetworkPolicy that denies, not to, then to reach it again: only that is a policy at work and not a Pod that was slow or dead. */
#include "domain/capability.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "kube/kube.h"

const char *const capability_words[CAPABILITIES] = {"nodes", "controllers", "dns", "metrics", "ingress", "storage", "rwx", "pv", "nodeport", "networkpolicy", "admission", "userns", "nfs"};
const char *const capability_states[] = {"no", "unknown", "looking", "coming", "yes"};
enum { NODES, CONTROLLERS, DNS, METRICS, INGRESS, STORAGE, RWX, PV, NODEPORT, NETWORKPOLICY, ADMISSION, USERNS, NFS };

#define PAUSE_MS 500
#define RUN_MS 60000                     /* until both Pods run: an image may have to come from far */
#define REACH_MS 30000
#define POLICY_MS 20000                  /* until a policy bites */
#define GONE_MS 15000
#define CALL_MS 10000

/* Provisioners of which it is known that their volumes can be mounted by many nodes for writing. */
static const char *const shared_provisioners[] = {"nfs.csi.k8s.io", "cephfs.csi.ceph.com", "efs.csi.aws.com", "file.csi.azure.com", "filestore.csi.storage.gke.io", "driver.longhorn.io",
                                                  "smb.csi.k8s.io", "nfs-subdir-external-provisioner"};

int capability_of(const char *word, size_t length) {
  for (int i = 0; i < CAPABILITIES; i++) if (strlen(capability_words[i]) == length && !memcmp(capability_words[i], word, length)) return i;
  return -1;
}

static void say(struct capability *out, enum can can, const char *key, const char *about) {
  *out = (struct capability){.can = can};
  snprintf(out->key, sizeof out->key, "%s", key);
  snprintf(out->about, sizeof out->about, "%.159s", about ? about : "");
}

/* --- by asking --------------------------------------------------------------------------------------------------------------------------------------- */

static bool condition_true(const struct tree *object, const char *type) {
  TREE_EACH(condition, tree_path(object, "status.conditions")) {
    if (!strcmp(tree_text_or(condition, "type", ""), type)) return !strcmp(tree_text_or(condition, "status", ""), "True");
  }
  return false;
}

/* Ready, and open to Pods that tolerate nothing. */
static bool takes_pods(const struct tree *node) {
  if (tree_flag(tree_get(node, "spec"), "unschedulable", false)) return false;
  TREE_EACH(taint, tree_path(node, "spec.taints")) if (strcmp(tree_text_or(taint, "effect", ""), "PreferNoSchedule")) return false;
  return condition_true(node, "Ready");
}

static bool is_default(const struct tree *class, const char *mark) {
  const struct tree *notes = tree_path(class, "metadata.annotations");
  return !strcmp(tree_text_or(notes, mark, ""), "true");
}

static const char *name_of(const struct tree *object) { return tree_text_or(tree_get(object, "metadata"), "name", "?"); }

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcmp(text + n - m, end);
}

/* What stands in the way when a list was not answered with 200; 404: the API is not there. */
static bool listed(struct arena *arena, struct kube_reply *reply, struct tree **out, struct capability *word) {
  if (reply->status == 200 && kube_tree(arena, reply, out, NULL)) return true;
  if (reply->status == 403 || reply->status == 401) say(word, CAN_UNKNOWN, "can.refused", NULL);
  return false;
}

static void see_nodes(const struct tree *list, struct capability *out) {
  TREE_EACH(node, tree_get(list, "items")) {
    if (!takes_pods(node)) continue;
    say(out, CAN, "can.by-node", name_of(node));
    return;
  }
  say(out, CAN_NOT, "can.no-node", NULL);
}

static void see_controllers(const struct tree *list, struct capability *out) {
  TREE_EACH(set, tree_get(list, "items")) {
    if (tree_int(tree_get(set, "status"), "observedGeneration", 0) < 1) continue;
    say(out, CAN, "can.by-replicaset", name_of(set));
    return;
  }
}

static void see_dns(const struct tree *slices, struct capability *out) {
  TREE_EACH(slice, tree_get(slices, "items")) TREE_EACH(endpoint, tree_get(slice, "endpoints")) {
    if (!tree_flag(tree_get(endpoint, "conditions"), "ready", true)) continue;
    say(out, CAN, "can.by-dns", NULL);
    return;
  }
}

static void see_ingress(struct arena *arena, const struct tree *classes, struct capability *out) {
  const char *names = "", *usual = NULL, *named = NULL;
  TREE_EACH(class, tree_get(classes, "items")) {
    if (!tree_text(tree_get(class, "spec"), "controller")) continue;
    if (!named) named = name_of(class);
    bool first = is_default(class, "ingressclass.kubernetes.io/is-default-class");
    if (first) usual = name_of(class);
    names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "", name_of(class));
  }
  if (!*names) say(out, CAN_NOT, "can.no-ingress", NULL);
  else if (usual) say(out, CAN, "can.by-ingress-default", arena_printf(arena, "%s (%s)", usual, names));
  else say(out, CAN, "can.by-ingress", names);
  snprintf(out->name, sizeof out->name, "%.63s", usual ? usual : named ? named : "");
}

static void see_storage(struct arena *arena, const struct tree *classes, struct capability *storage, struct capability *rwx) {
  const char *names = "", *usual = NULL, *shared = NULL;
  TREE_EACH(class, tree_get(classes, "items")) {
    const char *provisioner = tree_text_or(class, "provisioner", "");
    if (!strcmp(provisioner, "kubernetes.io/no-provisioner")) continue;      /* volumes by hand: a claim stays Pending */
    names = arena_printf(arena, "%s%s%s", names, *names ? ", " : "", name_of(class));
    if (is_default(class, "storageclass.kubernetes.io/is-default-class")) usual = arena_printf(arena, "%s (%s)", name_of(class), provisioner);
    for (size_t i = 0; !shared && i < sizeof shared_provisioners / sizeof *shared_provisioners; i++)
      if (ends_with(provisioner, shared_provisioners[i])) shared = arena_printf(arena, "%s (%s)", name_of(class), provisioner);
  }
  if (usual) say(storage, CAN, "can.by-storage", usual);
  else if (*names) say(storage, CAN_NOT, "can.no-default-storage", names);
  else say(storage, CAN_NOT, "can.no-storage", NULL);
  /* the API server takes any claim for any class, so a dry run would prove nothing */
  if (shared) say(rwx, CAN, "can.by-rwx", shared);
  else if (*names) say(rwx, CAN_UNKNOWN, "can.rwx-unknown", names);
  else say(rwx, CAN_NOT, "can.no-storage", NULL);
}

bool capability_look(const struct kube *kube, struct arena *arena, struct capability out[CAPABILITIES], struct err *err) {
  enum { A_NODES, A_SETS, A_DNS, A_METRICS, A_INGRESS, A_STORAGE, ASKS };
  struct kube_request asks[ASKS] = {
    [A_NODES] = {.method = "GET", .path = "/api/v1/nodes", .query = "limit=500"},
    [A_SETS] = {.method = "GET", .path = "/apis/apps/v1/replicasets", .query = "limit=20"},
    [A_DNS] = {.method = "GET", .path = "/apis/discovery.k8s.io/v1/endpointslices", .query = "labelSelector=k8s-app%3Dkube-dns&limit=20"},
    [A_METRICS] = {.method = "GET", .path = "/apis/metrics.k8s.io/v1beta1/nodes"},
    [A_INGRESS] = {.method = "GET", .path = "/apis/networking.k8s.io/v1/ingressclasses", .query = "limit=100"},
    [A_STORAGE] = {.method = "GET", .path = "/apis/storage.k8s.io/v1/storageclasses", .query = "limit=100"}};
  struct kube_reply replies[ASKS] = {0};
  struct tree *list;
  for (int i = 0; i < ASKS; i++) asks[i].timeout_ms = CALL_MS;
  if (!kube->send(kube->ctx, arena, asks, ASKS, replies, err)) return false;
  for (int i = 0; i < ASKS; i++) if (!replies[i].answered && i != A_METRICS) { if (err) *err = *replies[i].err; return false; }
  say(&out[NODES], CAN_NOT, "can.no-node", NULL);
  say(&out[CONTROLLERS], CAN_LOOKING, "can.looking", NULL);
  say(&out[DNS], CAN_LOOKING, "can.looking", NULL);
  say(&out[METRICS], CAN_NOT, "can.no-metrics", NULL);
  say(&out[INGRESS], CAN_NOT, "can.no-ingress", NULL);
  say(&out[STORAGE], CAN_NOT, "can.no-storage", NULL);
  say(&out[RWX], CAN_NOT, "can.no-storage", NULL);
  say(&out[PV], CAN_NOT, "can.not-offered", NULL);             /* the platform writes no volumes on somebody's own cluster */
  say(&out[NODEPORT], CAN_LOOKING, "can.looking", NULL);
  say(&out[NETWORKPOLICY], CAN_LOOKING, "can.looking", NULL);
  say(&out[ADMISSION], CAN_NOT, "can.not-offered", NULL);      /* nor admission rules of its own */
  say(&out[USERNS], CAN_LOOKING, "can.looking", NULL);
  say(&out[NFS], CAN_UNKNOWN, "can.unseen-nfs", NULL);          /* only a server somewhere would show it */
  if (listed(arena, &replies[A_NODES], &list, &out[NODES])) see_nodes(list, &out[NODES]);
  if (listed(arena, &replies[A_SETS], &list, &out[CONTROLLERS])) see_controllers(list, &out[CONTROLLERS]);
  if (listed(arena, &replies[A_DNS], &list, &out[DNS])) see_dns(list, &out[DNS]);
  if (listed(arena, &replies[A_METRICS], &list, &out[METRICS])) {
    if (tree_get(list, "items") && tree_get(list, "items")->count) say(&out[METRICS], CAN, "can.by-metrics", NULL);
    else say(&out[METRICS], CAN_NOT, "can.metrics-empty", NULL);
  }
  if (listed(arena, &replies[A_INGRESS], &list, &out[INGRESS])) see_ingress(arena, list, &out[INGRESS]);
  if (listed(arena, &replies[A_STORAGE], &list, &out[STORAGE])) see_storage(arena, list, &out[STORAGE], &out[RWX]);
  else out[RWX] = out[STORAGE];
  return true;
}

/* --- by trying ---------------------------------------------------------------------------------------------------------------------------------------- */

#define SERVER "makmal-probe-server"
#define ASKER "makmal-probe"
#define MAPPED "makmal-probe-userns"
#define LABELS "\"labels\":{\"makmal/platform\":\"true\",\"makmal-probe\":\"%s\"}"
/* Busybox's words alone, so that any of its versions will do. A line each half second: ip=1 name=1 node=0. */
#define ASKING                                                                                                                                                              \
  "one() { if timeout 2 wget -q -O /dev/null \\\"http://$1/\\\" 2>/dev/null; then printf '%%s=1 ' $2; else printf '%%s=0 ' $2; fi; }; " \
  "while :; do echo \\\"$(one %s ip)$(one " SERVER ":8080 name)$(one $NODE:%d node)\\\"; sleep 0.5; done"

struct trial {
  const struct kube *kube; struct arena *arena; const char *space;
  bool (*stop)(void *ctx); void *ctx;
  struct capability *out;
  char address[64]; int port;
  const char *why;              /* the last refusal or reason to wait */
};

static bool stopped(struct trial *trial) { return trial->stop && trial->stop(trial->ctx); }
static void rest(void) { nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL); }

static bool ask(struct trial *trial, const char *method, const char *kind, const char *name, const char *body, struct tree **out, struct err *err) {
  struct kube_request request = {.method = method, .path = kube_path(trial->arena, kube_kind(kind), trial->space, name), .body = body, .body_length = body ? strlen(body) : 0, .timeout_ms = CALL_MS};
  return kube_call(trial->kube, trial->arena, &request, out, err);
}

static bool make(struct trial *trial, const char *kind, const char *body, struct tree **out) {
  struct err err = {0};
  if (ask(trial, "POST", kind, NULL, body, out, &err)) return true;
  trial->why = arena_str(trial->arena, err.detail);
  for (int i = 0; i < err.params; i++) if (!strcmp(err.param[i].name, "message") && *err.param[i].value) trial->why = arena_str(trial->arena, err.param[i].value);
  return false;
}

static void drop(struct trial *trial, const char *kind, const char *name) {
  struct err err = {0};
  if (!ask(trial, "DELETE", kind, name, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"gracePeriodSeconds\":0}", NULL, &err) && err.code != ERR_NOT_FOUND)
    log_warn("capability.left", "kind=%s name=%s detail=\"%s\"", kind, name, err.detail);
}

static void drop_all(struct trial *trial) {
  drop(trial, "NetworkPolicy", ASKER);
  drop(trial, "Service", SERVER);
  drop(trial, "Deployment", ASKER);
  drop(trial, "Pod", ASKER);
  drop(trial, "Pod", SERVER);
  drop(trial, "Pod", MAPPED);
}

/* What an earlier trial left when it was killed: gone before this one begins. */
static void clear(struct trial *trial) {
  static const char *const pods[] = {SERVER, ASKER, MAPPED};
  drop_all(trial);
  for (int64_t until = mono_ms() + GONE_MS; mono_ms() < until && !stopped(trial); rest()) {
    bool gone = true;
    for (int i = 0; i < 3; i++) {
      struct err err = {0};
      if (ask(trial, "GET", "Pod", pods[i], NULL, NULL, &err) || err.code != ERR_NOT_FOUND) gone = false;
    }
    if (gone) return;
  }
}

static void prove_controllers(struct trial *trial) {
  static const char body[] = "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"" ASKER "\",\"labels\":{\"makmal/platform\":\"true\"}},\"spec\":{\"replicas\":0,"
                             "\"selector\":{\"matchLabels\":{\"makmal-probe\":\"none\"}},\"template\":{\"metadata\":{\"labels\":{\"makmal-probe\":\"none\"}},"
                             "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}}}";
  if (!make(trial, "Deployment", body, NULL)) {
    say(&trial->out[CONTROLLERS], CAN_UNKNOWN, "can.no-trial", trial->why);
    return;
  }
  for (int64_t until = mono_ms() + POLICY_MS; mono_ms() < until && !stopped(trial); rest()) {
    struct tree *seen = NULL;
    if (!ask(trial, "GET", "Deployment", ASKER, NULL, &seen, NULL) || tree_int(tree_get(seen, "status"), "observedGeneration", 0) < 1) continue;
    say(&trial->out[CONTROLLERS], CAN, "can.by-controller", NULL);
    return;
  }
  say(&trial->out[CONTROLLERS], CAN_NOT, "can.no-controller", NULL);
}

#define BARE "\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":0,\"automountServiceAccountToken\":false,\"securityContext\":{\"runAsNonRoot\":true,\"runAsUser\":65534,\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}"
#define CONTAINER "\"name\":\"c\",\"image\":\"busybox:1.36\",\"imagePullPolicy\":\"IfNotPresent\",\"securityContext\":{\"allowPrivilegeEscalation\":false,\"capabilities\":{\"drop\":[\"ALL\"]}}," \
                  "\"resources\":{\"requests\":{\"cpu\":\"10m\",\"memory\":\"16Mi\"},\"limits\":{\"cpu\":\"200m\",\"memory\":\"64Mi\"}}"

static bool make_service(struct trial *trial) {
  static const char *const types[] = {"NodePort", "ClusterIP"};
  struct tree *made = NULL;
  for (int i = 0; i < 2; i++) {
    const char *body = arena_printf(trial->arena, "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" SERVER "\"," LABELS "},\"spec\":{\"type\":\"%s\","
                                    "\"selector\":{\"makmal-probe\":\"server\"},\"ports\":[{\"port\":8080}]}}", "server", types[i]);
    if (!make(trial, "Service", body, &made)) {
      if (i == 0) say(&trial->out[NODEPORT], CAN_UNKNOWN, "can.no-trial", trial->why);
      continue;
    }
    snprintf(trial->address, sizeof trial->address, "%.50s", tree_text_or(tree_get(made, "spec"), "clusterIP", ""));
    trial->port = (int)tree_int(tree_path(made, "spec.ports[0]"), "nodePort", 0);
    return true;
  }
  return false;
}

static bool make_pods(struct trial *trial) {
  struct arena *arena = trial->arena;
  const char *server = arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" SERVER "\"," LABELS "},\"spec\":{" BARE ",\"containers\":[{" CONTAINER
                                    ",\"command\":[\"sh\",\"-c\",\"echo ok > /tmp/index.html; exec httpd -f -p 8080 -h /tmp\"],\"volumeMounts\":[{\"name\":\"tmp\",\"mountPath\":\"/tmp\"}]}],"
                                    "\"volumes\":[{\"name\":\"tmp\",\"emptyDir\":{}}]}}", "server");
  const char *colon = strchr(trial->address, ':');             /* an IPv6 address stands in brackets */
  const char *script = arena_printf(arena, ASKING, arena_printf(arena, colon ? "[%s]:8080" : "%s:8080", trial->address), trial->port ? trial->port : 1);
  const char *asker = arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" ASKER "\"," LABELS "},\"spec\":{" BARE ",\"containers\":[{" CONTAINER
                                   ",\"command\":[\"sh\",\"-c\",\"%s\"],\"env\":[{\"name\":\"NODE\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"status.hostIP\"}}}]}]}}", "asker", script);
  const char *mapped = arena_printf(arena, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" MAPPED "\"," LABELS "},\"spec\":{" BARE ",\"hostUsers\":false,\"containers\":[{" CONTAINER
                                   ",\"command\":[\"sh\",\"-c\",\"cat /proc/self/uid_map; sleep 600\"]}]}}", "mapped");
  struct tree *made = NULL;
  if (!make(trial, "Pod", server, NULL) || !make(trial, "Pod", asker, NULL)) return false;
  if (!make(trial, "Pod", mapped, &made)) say(&trial->out[USERNS], CAN_UNKNOWN, "can.no-trial", trial->why);
  else if (tree_flag(tree_get(made, "spec"), "hostUsers", true)) say(&trial->out[USERNS], CAN_NOT, "can.no-userns", NULL);      /* the field was dropped */
  return true;
}

/* Why a Pod does not run, in the cluster's own words; *out_final: waiting would not help. */
static const char *waits(const struct tree *pod, bool *out_final) {
  TREE_EACH(condition, tree_path(pod, "status.conditions")) {
    if (!strcmp(tree_text_or(condition, "type", ""), "PodScheduled") && !strcmp(tree_text_or(condition, "status", ""), "False")) return tree_text_or(condition, "message", "Unschedulable");
  }
  const char *reason = tree_text_or(tree_path(pod, "status.containerStatuses[0].state.waiting"), "reason", "");
  *out_final = strstr(reason, "BackOff") || !strcmp(reason, "CreateContainerConfigError");
  return *reason ? reason : tree_text_or(tree_get(pod, "status"), "phase", "Pending");
}

static bool pods_run(struct trial *trial) {
  static const char *const pods[] = {SERVER, ASKER};
  bool final = false;
  for (int64_t until = mono_ms() + RUN_MS; mono_ms() < until && !final && !stopped(trial); rest()) {
    int running = 0;
    for (int i = 0; i < 2; i++) {
      struct tree *pod = NULL;
      if (!ask(trial, "GET", "Pod", pods[i], NULL, &pod, NULL)) continue;
      if (!strcmp(tree_text_or(tree_get(pod, "status"), "phase", ""), "Running")) running++;
      else trial->why = arena_str(trial->arena, waits(pod, &final));
    }
    if (running == 2) return true;
  }
  return false;
}

static const char *log_of(struct trial *trial, const char *pod, const char *query) {
  struct kube_request request = {.method = "GET", .path = arena_printf(trial->arena, "%s/log", kube_path(trial->arena, kube_kind("Pod"), trial->space, pod)), .query = query, .accept = "*/*", .timeout_ms = CALL_MS,
                                 .cap = 64 * 1024};
  struct kube_reply reply = {0};
  if (!trial->kube->send(trial->kube->ctx, trial->arena, &request, 1, &reply, NULL) || !reply.answered || reply.status != 200) return "";
  return reply.body ? reply.body : "";
}

/* Whether the asker's last two lines both hold this mark, within the time. */
static bool comes(struct trial *trial, const char *mark, int64_t ms) {
  for (int64_t until = mono_ms() + ms; mono_ms() < until && !stopped(trial); rest()) {
    const char *lines = log_of(trial, ASKER, "tailLines=2"), *first = strstr(lines, mark), *end = strchr(lines, '\n');
    if (first && end && first < end && strstr(end, mark)) return true;
  }
  return false;
}

static void prove_policy(struct trial *trial) {
  static const char deny[] = "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"" ASKER "\",\"labels\":{\"makmal/platform\":\"true\"}},"
                             "\"spec\":{\"podSelector\":{\"matchLabels\":{\"makmal-probe\":\"server\"}},\"policyTypes\":[\"Ingress\"]}}";
  struct capability *out = &trial->out[NETWORKPOLICY];
  if (!make(trial, "NetworkPolicy", deny, NULL)) {
    say(out, CAN_UNKNOWN, "can.no-trial", trial->why);
    return;
  }
  bool refused = comes(trial, "ip=0", POLICY_MS);
  drop(trial, "NetworkPolicy", ASKER);
  if (!refused) say(out, CAN_NOT, "can.no-policy", NULL);
  else if (comes(trial, "ip=1", POLICY_MS)) say(out, CAN, "can.by-policy", NULL);
  else say(out, CAN_UNKNOWN, "can.policy-odd", NULL);
}

static void prove_mapped(struct trial *trial) {
  struct capability *out = &trial->out[USERNS];
  if (out->can != CAN_LOOKING) return;
  const char *map = log_of(trial, MAPPED, "tailLines=1");
  char *end;
  strtol(map, &end, 10);                                       /* "0 65536 65536": root inside is nobody outside */
  if (end == map || strtol(end, NULL, 10) == 0) say(out, CAN_NOT, "can.no-userns", NULL);
  else say(out, CAN, "can.by-userns", NULL);
}

void capability_prove(const struct kube *kube, struct arena *arena, const char *space, bool (*stop)(void *ctx), void *ctx, struct capability out[CAPABILITIES]) {
  static const int tried[] = {NODEPORT, NETWORKPOLICY, USERNS};
  struct trial trial = {.kube = kube, .arena = arena, .space = space, .stop = stop, .ctx = ctx, .out = out, .why = ""};
  clear(&trial);
  prove_controllers(&trial);
  bool run = make_service(&trial) && make_pods(&trial) && pods_run(&trial), reach = run && comes(&trial, "ip=1", REACH_MS);
  if (!run || !reach) {
    for (int i = 0; i < 3; i++) if (out[tried[i]].can == CAN_LOOKING) say(&out[tried[i]], CAN_UNKNOWN, run ? "can.no-reach" : "can.no-pod", trial.why);
    if (out[DNS].can == CAN_LOOKING) say(&out[DNS], CAN_UNKNOWN, run ? "can.no-reach" : "can.no-pod", trial.why);
  } else {
    if (comes(&trial, "name=1", REACH_MS)) say(&out[DNS], CAN, "can.by-name", NULL);
    else say(&out[DNS], CAN_NOT, "can.no-name", NULL);
    if (trial.port && comes(&trial, "node=1", POLICY_MS)) say(&out[NODEPORT], CAN, "can.by-nodeport", NULL);
    else if (trial.port) say(&out[NODEPORT], CAN_NOT, "can.no-nodeport", NULL);
    prove_policy(&trial);
    prove_mapped(&trial);
  }
  drop_all(&trial);
}
