/* grade: one pass of a lab's checks over files and a namespace: the wish list filled, the worker run, the verdict built. Who waits, stores and publishes
 * is grading.c; who needs no rows calls grade_once (grading.h). Any thread. */
#ifndef MAKMAL_DOMAIN_GRADE_H
#define MAKMAL_DOMAIN_GRADE_H
#include "domain/evidence.h"
#include "domain/grading.h"
struct verdict_facts;
struct grade_pass {
  struct grade_input in;                    /* wait_ms is not looked at */
  const struct tree *held;                  /* of the pass before, or NULL */
  bool settled, closing;
  bool snapshot;                            /* a pass that ends takes the lab's snapshot of the namespace into the evidence */
  void (*finished)(void *ctx, const struct tree *raw);   /* each finished check; may be NULL */
  void *finished_ctx;
};
struct grade_result {
  struct check_result raw;
  struct tree *evidence; char root[65];
  bool pending;
  bool no_api;                              /* no API server was to be asked: checks that want one are unobserved */
  int64_t next_ms;                          /* wall clock: when the nearest wait wants another pass; 0: none */
  int64_t started_ms, took_ms;
};
/* The same pass again out of its evidence, without a cluster: the same bytes for the same script (in.kube is not looked at). */
bool grade_replay(struct check_pool *pool, struct arena *arena, const struct grade_input *input, const struct tree *evidence, struct grade_result *out, struct err *err);
bool grade_run(struct check_pool *pool, struct arena *arena, const struct grade_pass *pass, struct grade_result *out, struct err *err);
#endif
