/* proof: a table of acts, sent at once. The acts that admission policies will guard (external IPs, foreign hosts, node ports, priority classes, token
 * Secrets) become rows here when those policies exist. */
#include "domain/proof.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "kube/kube.h"

#define AGAIN_MS 1000

#define POD(spec) "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{" spec "\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}"
#define NS "/api/v1/namespaces/$ns"
#define RBAC "/apis/rbac.authorization.k8s.io/v1/namespaces/$ns"

const struct proof_act proof_acts[] = {
  /* Without these a full quota or a missing binding would look like a wall. */
  {"control-deployment", "none", "POST", "/apis/apps/v1/namespaces/$ns/deployments",
   "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{\"selector\":{\"matchLabels\":{\"a\":\"b\"}},"
   "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\"}]}}}}", NULL},
  {"control-configmap", "none", "POST", NS "/configmaps", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"makmal-proof\"}}", NULL},

  {"host-network", "pod-security", "POST", NS "/pods", POD("\"hostNetwork\":true,"), "violates PodSecurity"},
  {"host-path", "pod-security", "POST", NS "/pods", POD("\"volumes\":[{\"name\":\"v\",\"hostPath\":{\"path\":\"/\"}}],"), "violates PodSecurity"},
  {"privileged", "pod-security", "POST", NS "/pods",
   "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"busybox\",\"securityContext\":{\"privileged\":true}}]}}",
   "violates PodSecurity"},
  {"load-balancer", "quota", "POST", NS "/services",
   "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{\"type\":\"LoadBalancer\",\"allocateLoadBalancerNodePorts\":false,"
   "\"selector\":{\"a\":\"b\"},\"ports\":[{\"port\":80}]}}", "exceeded quota: makmal"},
  {"open-egress", "rbac", "POST", "/apis/networking.k8s.io/v1/namespaces/$ns/networkpolicies",
   "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Egress\"],\"egress\":[{}]}}",
   "cannot create resource \"networkpolicies\""},
  {"delete-wall", "rbac", "DELETE", "/apis/networking.k8s.io/v1/namespaces/$ns/networkpolicies/makmal-wall", NULL, "cannot delete resource \"networkpolicies\""},
  {"delete-quota", "rbac", "DELETE", NS "/resourcequotas/makmal", NULL, "cannot delete resource \"resourcequotas\""},
  {"relabel-namespace", "rbac", "PATCH", NS, "{\"metadata\":{\"labels\":{\"pod-security.kubernetes.io/enforce\":\"privileged\"}}}", "cannot patch resource \"namespaces\""},
  {"widen-role", "rbac", "PATCH", RBAC "/roles/makmal-learner", "{\"rules\":[]}", "cannot patch resource \"roles\""},
  {"bind-role", "rbac", "POST", RBAC "/rolebindings",
   "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"makmal-proof\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
   "\"kind\":\"ClusterRole\",\"name\":\"cluster-admin\"},\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"$account\",\"namespace\":\"$people\"}]}",
   "cannot create resource \"rolebindings\""},
  {"mint-token", "rbac", "POST", "/api/v1/namespaces/$people/serviceaccounts/$account/token",
   "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{\"expirationSeconds\":600}}", "cannot create resource \"serviceaccounts/token\""},
  {"impersonate", "rbac", "GET", "/api/v1/namespaces", NULL, "cannot impersonate", "system:admin"},       /* 1.36 says "impersonate-on:user-info:list", before it "impersonate resource users" */
  {"endpoints", "rbac", "POST", "/apis/discovery.k8s.io/v1/namespaces/$ns/endpointslices",
   "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"makmal-proof\"},\"addressType\":\"IPv4\",\"endpoints\":[],\"ports\":[]}",
   "cannot create resource \"endpointslices\""},
  {"service-proxy", "rbac", "GET", NS "/services/makmal-proof/proxy/", NULL, "cannot get resource \"services/proxy\""},
  {"other-lab", "rbac", "GET", "/api/v1/namespaces/kube-system/pods", NULL, "cannot list resource \"pods\""},
  {"all-pods", "rbac", "GET", "/api/v1/pods", NULL, "cannot list resource \"pods\""},
  {"all-secrets", "rbac", "GET", "/api/v1/secrets", NULL, "cannot list resource \"secrets\""},
  {"node-proxy", "rbac", "GET", "/api/v1/nodes/makmal-proof/proxy/", NULL, "cannot get resource \"nodes/proxy\""},
  {"persistent-volume", "rbac", "POST", "/api/v1/persistentvolumes",
   "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{\"name\":\"makmal-proof\"},\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOnce\"],\"hostPath\":{\"path\":\"/\"}}}",
   "cannot create resource \"persistentvolumes\""},
  {0}};
#define ACTS (sizeof proof_acts / sizeof *proof_acts - 1)

struct names { const char *namespace, *people; };

/* $ns, $people, $account filled in; the account is called as its namespace. */
static char *fill(struct arena *arena, const char *text, const struct names *names) {
  if (!text) return NULL;
  const struct { const char *word, *value; } words[] = {{"$ns", names->namespace}, {"$people", names->people}, {"$account", names->namespace}};
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 8192);
  while (*text) {
    size_t n = strcspn(text, "$");
    buf_add(out, text, n);
    text += n;
    if (!*text) break;
    size_t i = 0;
    while (i < 3 && strncmp(text, words[i].word, strlen(words[i].word))) i++;
    if (i == 3) { buf_char(out, *text++); continue; }
    buf_str(out, words[i].value);
    text += strlen(words[i].word);
  }
  return out->data;
}

static struct kube_request request_of(struct arena *arena, const struct proof_act *act, const struct names *names, const char *token) {
  bool reads = !strcmp(act->method, "GET");
  struct kube_request request = {.method = act->method, .path = fill(arena, act->path, names), .query = reads ? "limit=1" : "dryRun=All", .body = fill(arena, act->body, names),
                                 .token = token, .impersonate = act->impersonate, .cap = 256 * 1024, .timeout_ms = 10000};
  if (request.body) request.body_length = strlen(request.body);
  if (!strcmp(act->method, "PATCH")) request.content_type = "application/merge-patch+json";
  return request;
}

/* Whether the answer is what the row wants. *got: what it was, when not. */
static bool holds(struct arena *arena, const struct proof_act *act, struct kube_reply *reply, const char **got) {
  struct tree *status = NULL;
  const char *message = "";
  if (!reply->answered) {
    *got = arena_printf(arena, "no answer (%s)", reply->err ? reply->err->key : "?");
    return false;
  }
  if (kube_tree(arena, reply, &status, NULL)) message = tree_text_or(status, "message", "");
  bool ok = act->mark ? reply->status == 403 && strstr(message, act->mark) : reply->status >= 200 && reply->status < 300;
  if (!ok) *got = arena_printf(arena, "%d %.150s", reply->status, message);
  return ok;
}

bool proof_run(const struct kube *kube, struct arena *arena, const char *namespace, const char *people, const char *token, struct tree **out, struct err *err) {
  const struct names names = {namespace, people};
  const char *got[ACTS] = {0};
  const struct err *silence = NULL;                      /* why a row got no answer at all */
  bool held[ACTS] = {0};
  size_t missing = ACTS;
  int64_t until = mono_ms() + AGAIN_MS;
  for (int pause = 5; missing; pause *= 2) {
    struct kube_request requests[ACTS];
    struct kube_reply replies[ACTS];
    size_t row[ACTS], n = 0;
    for (size_t i = 0; i < ACTS; i++) {
      if (held[i]) continue;
      row[n] = i;
      requests[n++] = request_of(arena, &proof_acts[i], &names, token);
    }
    if (!kube->send(kube->ctx, arena, requests, n, replies, err)) return false;
    missing = 0;
    silence = NULL;
    for (size_t i = 0; i < n; i++) {
      held[row[i]] = holds(arena, &proof_acts[row[i]], &replies[i], &got[row[i]]);
      if (!held[row[i]]) missing++;
      if (!replies[i].answered) silence = replies[i].err;
    }
    if (mono_ms() >= until) break;
    if (missing) nanosleep(&(struct timespec){.tv_nsec = (pause < 200 ? pause : 200) * 1000000L}, NULL);
  }

  if (missing && silence) {                              /* slow or away: nothing is shown, neither this nor that */
    if (err) *err = *silence;
    return err_wrap(err, "proof of %s", namespace);
  }
  struct tree *proof = tree_new(arena, TREE_MAP), *acts = tree_new(arena, TREE_LIST);
  int refused = 0, of = 0;
  size_t open = ACTS;
  for (size_t i = 0; i < ACTS; i++) {
    struct tree *line = tree_new(arena, TREE_MAP);
    tree_put_text(arena, line, "act", proof_acts[i].act);
    tree_put_text(arena, line, "guard", proof_acts[i].guard);
    tree_put_bool(arena, line, "ok", held[i]);
    if (!held[i]) tree_put_text(arena, line, "got", got[i]);
    tree_push(acts, line);
    if (proof_acts[i].mark) of++;
    if (proof_acts[i].mark && held[i]) refused++;
    if (!held[i] && open == ACTS) open = i;
  }
  tree_put_int(arena, proof, "at_ms", wall_ms());
  tree_put_int(arena, proof, "refused", refused);
  tree_put_int(arena, proof, "of", of);
  tree_put(arena, proof, "acts", acts);
  *out = proof;
  if (open == ACTS) return true;
  log_error("proof.open", "namespace=%s act=%s guard=%s got=\"%s\"", namespace, proof_acts[open].act, proof_acts[open].guard, got[open]);
  err_set(err, ERR_UPSTREAM, "proof.open", "%s: %s", proof_acts[open].act, got[open]);
  err_param(err, "act", "%s", proof_acts[open].act);
  err_param(err, "guard", "%s", proof_acts[open].guard);
  return err_param(err, "got", "%s", got[open]);
}
