/* provision: a lab's namespace on a cluster: made in two write rounds, proven, set up, emptied in place, deleted. No rows, no memory between calls:
 * attempt_work.c drives it for learners, provision_make & co. (attempt.h) serve prove and the benchmark. Asks the cluster: never on a page thread. */
#ifndef MAKMAL_DOMAIN_PROVISION_H
#define MAKMAL_DOMAIN_PROVISION_H
#include <stdbool.h>
#include <stdint.h>
#include "domain/attempt.h"
#include "domain/shape.h"

#define PROVISION_HARD_MS 30000          /* longest wait for status.hard: the quota controller may be far behind */
#define PROVISION_EMPTY_MS 20000         /* a reset that is not empty by then takes finalizers away */
#define PROVISION_RESET_MS 40000
#define PROVISION_TOKEN_S 3600

enum provision_stage { PROVISION_NAMESPACE, PROVISION_WALLS, PROVISION_PROOF, PROVISION_SETUP, PROVISION_STAGES };

/* What stands on the cluster once for an install: the people namespace, the learners' ClusterRole; and what every lab needs to know of the cluster. */
bool provision_ground(const struct kube *kube, struct arena *arena, const char *install, struct shape_site *out, struct err *err);

/* Takes that away again, for an install that goes for good (prove, tests): the people namespace, the ClusterRole and its binding. What is missing is fine. */
bool provision_leave(const struct kube *kube, struct arena *arena, const char *install, struct err *err);

struct provision_job {
  const struct kube *kube; struct check_pool *pool;
  const struct lab *lab; const struct tree *params;
  const struct shape_site *site;
  const char *install, *namespace, *attempt;           /* attempt: id or "" */
  int64_t expires_ms;
  void (*stage)(void *ctx, enum provision_stage stage);  /* may be NULL */
  void *ctx;
};
/* Idempotent: what a crash left half made is completed (same namespace, same attempt). Not proven or refused: everything is removed again and err says
 * why. UNAVAILABLE, TIMEOUT: the cluster is away; nothing is removed, call again later. *out_token_ms: when the token ends. */
bool provision_run(const struct provision_job *job, struct arena *arena, struct provision *out, struct tree **out_proof, int64_t *out_token_ms, struct err *err);
/* A token of the learner's account by TokenRequest. */
bool provision_token(const struct kube *kube, struct arena *arena, const char *install, const char *namespace, char out[4096], int64_t *out_ends_ms, struct err *err);
/* The account deleted and made anew: its uid changes, old tokens end within seconds. */
bool provision_renew_account(const struct kube *kube, struct arena *arena, const char *install, const char *namespace, struct err *err);

/* Kinds a learner's namespace holds and a reset empties, owners first; ends with NULL. */
extern const char *const provision_owned[];
/* Gives the objects of a start state: keeps metadata, spec, Pod IPs and restarts. objects: list of objects as the API server has them. */
struct tree *provision_start_of(struct arena *arena, const struct tree *objects);
/* How an object stands, for `settled`. */
enum provision_motion { MOTION_STILL, MOTION_MOVING /* behind its generation, a controller's work half done, or a Pod starting */, MOTION_ENDING };
enum provision_motion provision_motion(const struct tree *object);

/* A namespace that hangs while ending: its conditions in *out_why; force >= 1: Pods by grace 0; force 2: finalizers taken away object by object. */
bool provision_push(const struct kube *kube, struct arena *arena, const char *namespace, const char *install, int force, char **out_why, struct err *err);
/* True when the namespace is gone (404). */
bool provision_gone(const struct kube *kube, struct arena *arena, const char *namespace, bool *out_gone, struct err *err);
#endif
