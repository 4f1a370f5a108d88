/* jobs: a bounded queue and a few threads; each job gets an arena and a deadline. Rows are the truth, a job is only a nudge. */
#ifndef MAKMAL_BASE_JOBS_H
#define MAKMAL_BASE_JOBS_H
#include <stdbool.h>
#include <stdint.h>
struct arena; struct err; struct jobs;
typedef void (*jobs_fn)(void *ctx, const char *what, struct arena *arena);   /* what: an id, at most 63 bytes, copied */
struct jobs *jobs_open(const char *name, int threads, int queue_max);
/* Runs fn(ctx, what) once, not before delay_ms. The same (fn, what) already waiting and not yet running is kept once, at the earlier time.
 * Full queue: ERR_LIMIT "jobs.full". Any thread. */
bool jobs_add(struct jobs *jobs, jobs_fn fn, void *ctx, const char *what, int64_t delay_ms, struct err *err);
int jobs_waiting(struct jobs *jobs);
void jobs_close(struct jobs *jobs, int64_t drain_ms);     /* takes nothing new, finishes what runs, frees */
#endif
