/* mirror: what the cluster-wide watches say of each lab namespace: kept as JSON cut for the page, passed to `live`, told to whoever waits for change.
 * Only namespaces that were followed are kept; everything else on the cluster is looked at and let go. Any thread. */
#ifndef MAKMAL_DOMAIN_MIRROR_H
#define MAKMAL_DOMAIN_MIRROR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct kube; struct live; struct tree;
struct mirror;

#define MIRROR_QUIET_MS 5000             /* nothing changed for so long, nothing on its way: settled */
#define MIRROR_STUCK_MS 30000            /* and so long: what "starts" is stuck, and counts as still */
#define MIRROR_TELL_MS 50                /* changes of one namespace are told at most so often */
#define MIRROR_OBJECT_MAX (64 * 1024)    /* a larger object is passed on as metadata, with "cut": true */
#define MIRROR_EVENTS 100                /* Kubernetes Events kept of one namespace */
#define MIRROR_OBJECTS 1000              /* other objects kept of one namespace: past every quota */

/* One listener. Called from the mirror's own thread, never under its lock: changed = true at a change, false when the namespace became settled. */
struct mirror *mirror_open(struct live *live, void (*tell)(void *ctx, const char *attempt, bool changed), void *ctx);
void mirror_stop(struct mirror *mirror);            /* nobody is told anything any more; events that still come are let go */
void mirror_free(void *mirror);                     /* after mirror_stop, and after the ports it watched have closed */
/* Starts the watches on this port, once each; a new port (a cluster made anew) drops what the old one said. lost: called from the watch thread when a
 * namespace of this install is being deleted or is gone. */
bool mirror_watch(struct mirror *mirror, const struct kube *kube, const char *install, void (*lost)(void *ctx, const char *namespace), void *ctx, struct err *err);
void mirror_follow(struct mirror *mirror, const char *namespace, const char *attempt);   /* before its first object is made; twice is fine */
void mirror_forget(struct mirror *mirror, const char *namespace);
bool mirror_namespace(struct mirror *mirror, const char *attempt, char out[32]);         /* false: not followed */
void mirror_touch(struct mirror *mirror, const char *namespace);                         /* something was written: not settled before the quiet time is over again */
/* {kind, name, uid, object} of each object, Events last; NULL when not followed. */
struct tree *mirror_objects(struct mirror *mirror, const char *namespace, struct arena *arena);
void mirror_each(struct mirror *mirror, const char *namespace, size_t most, void (*each)(void *ctx, const char *json), void *ctx);   /* the same as JSON texts, for a snapshot */
bool mirror_settled(struct mirror *mirror, const char *namespace, bool *out_stale);
int64_t mirror_age_ms(struct mirror *mirror);       /* since the last word of the quietest watch */
const char *const *mirror_kinds(size_t *out_count);      /* what is watched in learners' namespaces; static */
#endif
