/* setup: a lab's set-up objects: read from its files with the attempt's parameters, written into the namespace in one parallel round. Asks a worker
 * and the cluster: never on a page thread. */
#ifndef MAKMAL_DOMAIN_SETUP_H
#define MAKMAL_DOMAIN_SETUP_H
#include <stdbool.h>
struct arena; struct check_pool; struct err; struct kube; struct lab; struct tree;

/* *out: list of objects, each with our namespace. A mistake in the files is the author's: INVALID "setup.file" (params file, line, key) or "setup.kind". */
bool setup_read(struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *namespace, struct tree **out, struct err *err);
/* Writes them all at once: server-side apply as manager `kubectl` with last-applied-configuration, or with as_create a create as
 * `kubectl-create`. What is only not yet (account or quota not seen, 429, 503) is asked again for up to 5 s. Refused: INVALID "setup.refused", params
 * object, message. */
bool setup_write(const struct kube *kube, struct arena *arena, const struct tree *objects, bool as_create, struct err *err);
/* The object as `kubectl apply` would send it: with kubectl.kubernetes.io/last-applied-configuration in the body. */
struct tree *setup_applied(struct arena *arena, const struct tree *object);
#endif
