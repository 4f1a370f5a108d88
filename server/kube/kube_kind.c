/* kube_kind: the kinds we know, and where they live in the API. Constants only; any thread.
 * To add a kind: one row. Nothing is discovered: Makmal reads and writes these kinds and no others. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "kube/kube.h"

static const struct kube_kind kinds[] = {
  {"Namespace", "", "v1", "namespaces", false},
  {"Node", "", "v1", "nodes", false},
  {"PersistentVolume", "", "v1", "persistentvolumes", false},
  {"Pod", "", "v1", "pods", true},
  {"Service", "", "v1", "services", true},
  {"ConfigMap", "", "v1", "configmaps", true},
  {"Secret", "", "v1", "secrets", true},
  {"ServiceAccount", "", "v1", "serviceaccounts", true},
  {"PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", true},
  {"ResourceQuota", "", "v1", "resourcequotas", true},
  {"LimitRange", "", "v1", "limitranges", true},
  {"ReplicationController", "", "v1", "replicationcontrollers", true},
  {"Endpoints", "", "v1", "endpoints", true},
  {"Event", "", "v1", "events", true},
  {"Deployment", "apps", "v1", "deployments", true},
  {"ReplicaSet", "apps", "v1", "replicasets", true},
  {"StatefulSet", "apps", "v1", "statefulsets", true},
  {"DaemonSet", "apps", "v1", "daemonsets", true},
  {"ControllerRevision", "apps", "v1", "controllerrevisions", true},
  {"Job", "batch", "v1", "jobs", true},
  {"CronJob", "batch", "v1", "cronjobs", true},
  {"HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", true},
  {"PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", true},
  {"Ingress", "networking.k8s.io", "v1", "ingresses", true},
  {"IngressClass", "networking.k8s.io", "v1", "ingressclasses", false},
  {"NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", true},
  {"EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", true},
  {"Role", "rbac.authorization.k8s.io", "v1", "roles", true},
  {"RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings", true},
  {"ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", false},
  {"ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", false},
  {"StorageClass", "storage.k8s.io", "v1", "storageclasses", false},
  {"PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", false},
  {"Lease", "coordination.k8s.io", "v1", "leases", true},
  {"ValidatingAdmissionPolicy", "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", false},
  {"ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", false},
  {"SelfSubjectAccessReview", "authorization.k8s.io", "v1", "selfsubjectaccessreviews", false},
  {"SelfSubjectRulesReview", "authorization.k8s.io", "v1", "selfsubjectrulesreviews", false},
  {"SelfSubjectReview", "authentication.k8s.io", "v1", "selfsubjectreviews", false},
};

const struct kube_kind *kube_kind(const char *kind) {
  for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++) if (!strcmp(kinds[i].kind, kind)) return &kinds[i];
  return NULL;
}

const struct kube_kind *kube_kind_of(const char *api_version, const char *kind) {
  const struct kube_kind *found = kube_kind(kind);
  if (!found || !api_version) return NULL;
  size_t group = strlen(found->group);
  if (!group) return strcmp(api_version, found->version) ? NULL : found;
  return !strncmp(api_version, found->group, group) && api_version[group] == '/' && !strcmp(api_version + group + 1, found->version) ? found : NULL;
}

const char *kube_api_version(struct arena *arena, const struct kube_kind *kind) {
  return *kind->group ? arena_printf(arena, "%s/%s", kind->group, kind->version) : kind->version;
}

static void escape(struct buf *out, const char *text) {
  bool dots = *text && strspn(text, ".") == strlen(text);             /* "." and ".." would be folded away on the way */
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
    bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_' || *s == '~' || (*s == '.' && !dots);
    if (plain) buf_char(out, (char)*s);
    else buf_printf(out, "%%%02X", *s);
  }
}

char *kube_escape(struct arena *arena, const char *value) {
  struct buf out;
  buf_init(&out, 3 * strlen(value) + 1);
  escape(&out, value);
  char *text = arena_strn(arena, out.data, out.len);
  buf_release(&out);
  return text;
}

char *kube_path(struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *name) {
  bool inside = kind->namespaced && namespace;
  return arena_printf(arena, "%s%s/%s%s%s/%s%s%s", *kind->group ? "/apis/" : "/api", kind->group, kind->version,
                      inside ? "/namespaces/" : "", inside ? kube_escape(arena, namespace) : "", kind->plural, name ? "/" : "", name ? kube_escape(arena, name) : "");
}
