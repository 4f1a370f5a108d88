/* fake_guards: a cluster's guards as preflight meets them, for tests that need it fit, old or open. */
#ifndef MAKMAL_FAKE_GUARDS_H
#define MAKMAL_FAKE_GUARDS_H
#include <stdbool.h>
struct kube_request;
#define GUARDS_VERSION "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.4\"}"
#define GUARDS_ALL "{\"status\":{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}]}}"
#define GUARDS_SELF "{\"status\":{\"resourceRules\":[{\"verbs\":[\"create\"],\"apiGroups\":[\"authorization.k8s.io\"],\"resources\":[\"selfsubjectaccessreviews\",\"selfsubjectrulesreviews\"]}]}}"
/* What /version says, what a stranger and the platform may do (GUARDS_*), and whether Pod Security is asleep. */
struct guards { const char *version, *stranger, *own; bool pods_free; };
/* For fake_kube_answer, ctx a struct guards. Preflight asks for ten seconds before it believes that a guard is missing: they pass at once. */
bool guards_answer(void *ctx, const struct kube_request *request, int *status, char **body);
/* The wall clock goes on by so many ms, from where it was put last. Any thread. */
void guards_later(int ms);
#endif
