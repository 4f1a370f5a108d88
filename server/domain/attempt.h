/* attempt: the life of a learner's run of a lab as a state table: wanted -> ready <-> resetting -> ending -> gone, wanted -> failed.
 * The row is the truth; jobs are nudges; attempts_resume at start finishes what was begun. Provisioning, proof, reset, access, drafts, expiry and
 * sweep hang below: provision.c, proof.c, access.c, mirror.c, draft.c, sweep.c. Any thread. */
#ifndef MAKMAL_DOMAIN_ATTEMPT_H
#define MAKMAL_DOMAIN_ATTEMPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "domain/viewer.h"
struct arena; struct attempt_row; struct err; struct db; struct db_read; struct live; struct catalog; struct cluster; struct jobs; struct tree; struct check_pool; struct lab; struct kube;

enum attempt_state { ATTEMPT_WANTED, ATTEMPT_READY, ATTEMPT_RESETTING, ATTEMPT_ENDING, ATTEMPT_GONE, ATTEMPT_FAILED };
const char *attempt_state_name(enum attempt_state state);                    /* "wanted" … */
const char *attempt_not_ready(enum attempt_state state);                     /* the key that says so: "attempt.not-ready" (wait), "attempt.over" (start again) */
struct attempt {
  char id[ID_SIZE], person[ID_SIZE], workshop[ID_SIZE];     /* workshop "" when alone */
  char lab[64]; char lab_version[65];
  char namespace[32];                                        /* "lab-" + 12 characters; drawn when wanted */
  enum attempt_state state; char why[64];                    /* a message key when failed, or what is awaited */
  int64_t created_ms, ready_ms, expires_ms, applied_ms;
  struct tree *params;                                       /* lab's own plus namespace, host … */
  int resets;
  struct tree *why_params, *proof;                           /* for the message; the proof of isolation; or NULL */
};
struct attempts;
struct attempts_needs { struct db *db; struct live *live; struct catalog *catalog; struct cluster *cluster; struct check_pool *pool; const char *install; const void *secret; size_t secret_length;
  const char *lab_domain; };      /* NULL: lab.test, which is reserved and belongs to nobody */
bool attempts_open(const struct attempts_needs *needs, struct attempts **out, struct err *err);
bool attempts_resume(struct attempts *attempts, struct err *err);            /* start-up: finishes what was begun, finds namespaces again, sweeps orphans */
void attempts_close(struct attempts *attempts);

/* Row `wanted`, then a job. One open attempt per person and lab: an open one is given back. ERR_LIMIT: 3 open per learner. Works without a cluster. */
bool attempt_start(struct attempts *attempts, const struct viewer *viewer, const char *lab, struct arena *arena, struct attempt *out, struct err *err);
/* Own attempt, or any for an instructor of its workshop; else ERR_NOT_FOUND. */
bool attempt_find(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct attempt *out, struct err *err);
bool attempt_open_one(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *lab, struct arena *arena, struct attempt *out, struct err *err);
bool attempt_reset(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err);       /* the whole namespace, in place */
bool attempt_extend(struct attempts *attempts, const struct viewer *viewer, const char *id, int64_t *out_expires_ms, struct err *err);
bool attempt_end(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err);
struct tree *attempt_json(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, enum lang lang);   /* as the API and event "attempt" show it */
/* Every object of the namespace as the page shows it (managedFields and last-applied left out; Secrets as metadata): list of {kind, name, …}. */
struct tree *attempt_objects(struct attempts *attempts, struct arena *arena, const char *id);
/* The proof of isolation, act by act: {at_ms, refused, of, acts: [{act, guard, ok}]}, or NULL. */
struct tree *attempt_proof(struct attempts *attempts, struct db_read *read, struct arena *arena, const char *id);

/* May this viewer see this row: its owner, who opened its workshop, an administrator. */
bool attempt_may(struct db_read *read, const struct viewer *viewer, const struct attempt_row *row);

/* --- for grading (no viewer: it checked already) ------------------------------------------------------------------------------------------------ */
bool attempt_load(struct db_read *read, const char *id, struct arena *arena, struct attempt *out, struct err *err);
struct tree *attempt_start_state(struct attempts *attempts, struct db_read *read, struct arena *arena, const char *id);  /* {objects: […], reset: n} or NULL while set-up is not settled */
/* Settled: observedGeneration = generation everywhere, no Pod starting or ending, nothing watched changed for 5 s. *out_stale: the watch is down. */
bool attempt_settled(struct attempts *attempts, const char *id, bool *out_stale);
/* Called (from the watch thread; must not block) when an object of the attempt's namespace changed, at most every 50 ms per attempt, and with changed =
 * false when it became settled. One listener; fn NULL takes it out, and returns when it is not in the middle of a call. */
void attempts_on_change(struct attempts *attempts, void (*fn)(void *ctx, const char *attempt, bool changed), void *ctx);
/* Who writes to the namespace holds the attempt meanwhile: a reset or its end waits. False: a job has it in hand, come again soon. */
bool attempt_hold(struct attempts *attempts, const char *id);
void attempt_let_go(struct attempts *attempts, const char *id);
void attempt_applied(struct attempts *attempts, const char *id, int64_t at_ms);        /* after an apply: applied_ms, and activity for the expiry */
/* --- access.c: the learner's token, minted when first needed, renewed at 80 %, in memory only ---------------------------------------------------- */
bool access_token(struct attempts *attempts, const struct attempt *attempt, char out[4096], int64_t *out_expires_ms, struct err *err);   /* asks the cluster: never on a page thread */
/* A kubeconfig for the learner's own kubectl; server is "https://host:port". Needs a minted token: UNAVAILABLE "access.soon" and mints it in the background. */
bool access_kubeconfig(struct attempts *attempts, const struct viewer *viewer, const char *id, const char *server, struct arena *arena, char **out, int64_t *out_expires_ms, struct err *err);
bool access_revoke(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err);
/* --- draft.c ---------------------------------------------------------------------------------------------------------------------------------------- */
struct check_file;
bool draft_save(struct attempts *attempts, const struct viewer *viewer, const char *id, const struct check_file *files, size_t count, int64_t *out_saved_ms, struct err *err);
/* The latest draft, or the lab's starter files with parameters filled in. */
bool draft_load(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, const struct check_file **out, size_t *out_count, int64_t *out_saved_ms, struct err *err);
/* The starter files alone, whatever the draft is ("reset editor text"). */
bool draft_starter(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, const struct check_file **out, size_t *out_count);

/* --- without rows: what makmal prove and the benchmark use ------------------------------------------------------------------------------------------- */
/* A lab's namespace straight on a cluster: two write rounds, proof, set-up; the same code as an attempt. *out_token: the learner's. */
/* writes_us: both rounds, until status.hard is filled and `default` is there; ready_us: all. The parts: rounds, hard, proof, setup. */
struct provision { char namespace[32]; char token[4096]; struct tree *start; int64_t writes_us, ready_us, rounds_us, hard_us, proof_us, setup_us; };
bool provision_make(const struct kube *kube, struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *install, const char *namespace, struct provision *out, struct err *err);
bool provision_settle(const struct kube *kube, struct arena *arena, const char *namespace, int within_ms, struct tree **out_start, struct err *err);   /* polls; for prove alone */
bool provision_reset(const struct kube *kube, struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *params, const char *namespace, struct err *err);
bool provision_delete(const struct kube *kube, struct arena *arena, const char *namespace, const char *install, struct err *err);
#endif
