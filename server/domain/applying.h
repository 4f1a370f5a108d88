/* applying: the rows and the job of Apply and dry run. What others may call stands in grading.h; apply.c does the work on the cluster. */
#ifndef MAKMAL_DOMAIN_APPLYING_H
#define MAKMAL_DOMAIN_APPLYING_H
#include "domain/grading.h"
struct jobs; struct limit;
struct jobs *grading_jobs_of(struct grading *grading);
struct limit *grading_dry_rate_of(struct grading *grading);
bool grading_room(struct grading *grading, struct err *err);               /* for one row more: asked before it is stored, for an acknowledged one must be done */
void apply_job(void *grading, const char *id, struct arena *arena);       /* a jobs_fn */
bool apply_resume(struct grading *grading, struct err *err);
#endif
