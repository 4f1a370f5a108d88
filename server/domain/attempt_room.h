/* attempt_room: what the files behind attempt.h share (attempt.c, attempt_work.c, attempt_show.c, access.c, draft.c, sweep.c). Nobody else includes it. */
#ifndef MAKMAL_DOMAIN_ATTEMPT_ROOM_H
#define MAKMAL_DOMAIN_ATTEMPT_ROOM_H
#include <pthread.h>
#include <stdatomic.h>
#include "domain/attempt.h"
#include "domain/mirror.h"
#include "domain/provision.h"
#include "domain/shape.h"
#include "store/store_attempt.h"
struct access; struct limit; struct lab;

#define ATTEMPT_OPEN_MOST 3                              /* open attempts of one person */
#define ATTEMPT_QUEUE_MOST 200                           /* starts that wait */
#define ATTEMPT_JOBS 12                                  /* threads: attempts made, reset and ended side by side; each sends its calls at once */
#define ATTEMPT_ALONE_MS (2 * 3600 * 1000LL)
#define ATTEMPT_MOST_MS (8 * 3600 * 1000LL)              /* by extending */
#define ATTEMPT_EXTEND_MS (15 * 60 * 1000LL)
#define ATTEMPT_AFTER_WORKSHOP_MS (30 * 60 * 1000LL)
#define ATTEMPT_WAIT_MS (24 * 3600 * 1000LL)             /* a wanted one waits so long for a cluster */
#define ATTEMPT_RESET_EVERY_S 10
#define ATTEMPT_DELETES_A_SECOND 4
#define ATTEMPT_HANGS_MS (60 * 1000LL)                   /* an ending namespace: conditions are told, Pods get grace 0 */
#define ATTEMPT_HANGS_LONG_MS (5 * 60 * 1000LL)          /* finalizers are taken away */

/* An attempt that waits to be made or is being made (stage, tries), or that a job has in hand (busy). */
struct running { struct running *next; char id[ID_SIZE]; int stage, tries; bool making, busy; };

struct attempts {
  struct attempts_needs needs;
  char install[16];
  unsigned char secret[64];
  struct mirror *mirror;
  struct access *access;
  struct jobs *jobs;
  struct limit *resets, *deletes;
  pthread_mutex_t lock;
  struct running *running;
  const struct kube *site_kube; struct arena *site_arena; struct shape_site site; int64_t site_ms;
  void (*listener)(void *ctx, const char *attempt, bool changed); void *listener_ctx; int listening; pthread_cond_t quiet;
  _Atomic int64_t clock_apart, paused_until_ms;          /* wall minus monotonic; expiry and sweep rest until then */
  struct { char name[32]; char uid[64]; } orphan[64]; int orphans; int64_t swept_ms;   /* what the last sweep saw; the tidy threads' own, one job, under sweep_lock */
  pthread_mutex_t sweep_lock;
  atomic_bool closing;
};

/* attempt.c */
bool attempt_of_row(struct arena *arena, const struct attempt_row *row, struct attempt *out, struct err *err);
/* Whether the cluster cannot do what this lab needs, or not yet, with the sentence for it: CONFLICT "lab.needs", "lab.needs-unknown"; UNAVAILABLE
 * "lab.needs-coming", "lab.needs-looking". False also while there is no cluster: then it is waited for. */
bool attempt_lacks(struct attempts *attempts, const struct lab *lab, struct err *err);
/* Puts the cluster's Ingress class into the parameters of one that is still wanted, and into its row: who asked before there was a cluster could not be told. */
bool attempt_know_class(struct attempts *attempts, struct arena *arena, const char *id, struct tree *params, struct err *err);
bool attempt_read(struct attempts *attempts, struct arena *arena, const char *id, struct attempt_row *out, struct err *err);     /* with a reader of its own */
/* Moves a row; *out_moved tells whether it was in `from`. params: JSON or NULL. */
bool attempt_move(struct attempts *attempts, const char *id, enum attempt_state from, enum attempt_state to, const char *why, const char *params, bool *out_moved, struct err *err);
int64_t attempt_expiry(struct attempts *attempts, const char *workshop, int64_t from_ms);
/* attempt_show.c */
void attempt_publish(struct attempts *attempts, const char *id, int warning);        /* event "attempt"; warning: minutes left, or 0 */
void attempt_show_source(struct attempts *attempts);
/* attempt_work.c: jobs, each named by an attempt's id */
void work_make(void *ctx, const char *id, struct arena *arena);
void work_reset(void *ctx, const char *id, struct arena *arena);
void work_end(void *ctx, const char *id, struct arena *arena);
void work_due(void *ctx, const char *id, struct arena *arena);
void work_start_state(void *ctx, const char *id, struct arena *arena);
void work_lost(void *ctx, const char *namespace, struct arena *arena);
void work_alive(void *ctx, const char *id, struct arena *arena);
void work_revive(void *ctx, const char *unused, struct arena *arena);                /* the cluster is ready (again) */
void work_wait(struct attempts *attempts, const char *id);                           /* it waits to be made */
int work_waiting(struct attempts *attempts);
int work_stage(struct attempts *attempts, const char *id);                           /* enum provision_stage while it is being made, else -1 */
void work_release(struct attempts *attempts);                                        /* frees the list */
bool work_clock_rests(struct attempts *attempts);                                 /* the wall clock jumped: nothing expires for two rounds */
/* access.c */
struct access *access_new(void);
void access_free(struct access *access);
void access_put(struct access *access, const char *attempt, const char *token, int64_t minted_ms, int64_t ends_ms);
void access_forget(struct access *access, const char *attempt);
/* sweep.c */
void sweep_run(void *ctx, const char *unused, struct arena *arena);
#define SWEEP_MS (5 * 60 * 1000LL)
#endif
