/* check_pool: keeps makmal-check processes: starts them when they are needed, hands them out in turn, ends and replaces them. For check.c alone.
 * Any thread; the lock is held while a worker is chosen, never while one works. */
#ifndef MAKMAL_CHECK_CHECK_POOL_H
#define MAKMAL_CHECK_CHECK_POOL_H
#include <stdbool.h>
#include <stdint.h>
#include "check/check_turn.h"
#include "check/check_wire.h"

struct arena; struct err; struct tree; struct check_pool; struct check_worker;

/* Waits for its turn (check_turn.h) and gives a worker that has said it is locked down. fresh: one that nobody has used. who: copied, its texts not:
 * they stay until the worker is given back. Failure: ERR_UNAVAILABLE "check.worker". */
bool check_pool_take(struct check_pool *pool, const struct turn_who *who, bool fresh, struct check_worker **out, struct err *err);
/* Gives it back. good: its job ended as it should; else the process is killed, and the next job starts another. */
void check_pool_give(struct check_pool *pool, struct check_worker *worker, bool good);

enum wire_status check_worker_send(struct check_worker *worker, const struct tree *head, const void *blob, size_t blob_length, int64_t until_ms);
/* As wire_receive; also WIRE_TIME when the worker has used more than cpu_us of processor time since it was taken: *out_cpu says so. cpu_us 0: no limit. */
enum wire_status check_worker_receive(struct check_worker *worker, struct arena *arena, int64_t until_ms, int64_t cpu_us, bool *out_cpu, struct wire_frame *out);
int64_t check_worker_cpu_us(struct check_worker *worker);        /* since it was taken */
/* How it ended, for the log and for error.detail: its signal or status and what it wrote to stderr. Kills it if it lives. */
const char *check_worker_last_words(struct check_worker *worker, struct arena *arena);
#endif
