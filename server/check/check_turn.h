/* check_turn: whose turn it is at the pool. A run's price is how long it will probably hold a worker: what runs of its script took lately, and what
 * its person took lately. Cheap runs go first come, first served; dear ones go when no cheap one waits, and one seat is never theirs, so whoever asks for little
 * keeps his pace beside whoever asks for much. A dear one that has waited for TURN_PATIENCE_MS goes before cheap ones, on the seats that are for its kind.
 * Pure: no clock, no threads; check_pool.c holds its lock around all of it. */
#ifndef MAKMAL_CHECK_CHECK_TURN_H
#define MAKMAL_CHECK_CHECK_TURN_H
#include <stdbool.h>
#include <stdint.h>

#define TURN_DEAR_MS 1000
#define TURN_PATIENCE_MS 10000
#define TURN_KNOWN 256                  /* scripts and persons that are remembered, of each; the one longest unseen makes room */

struct turn_memory { uint64_t key; int64_t seen_ms; double held_ms; };
struct turn_waiter { bool dear; int64_t since_ms; struct turn_waiter *next; };
struct turn {
  int seats, busy, busy_dear;
  struct turn_waiter *first;            /* in the order in which they came */
  struct turn_memory script[TURN_KNOWN], person[TURN_KNOWN];
};
/* Whose run it is. NULL: nobody's; that side costs nothing and is not remembered. */
struct turn_who { const char *script, *person; };

void turn_init(struct turn *turn, int seats);
/* Is a run of these a dear one now? */
bool turn_dear(const struct turn *turn, const struct turn_who *who, int64_t now_ms);
/* Queues a waiter, which the caller owns and which stands until turn_go. */
void turn_wait(struct turn *turn, struct turn_waiter *waiter, bool dear, int64_t now_ms);
/* The one to go now, or NULL: no seat for anybody who waits. */
struct turn_waiter *turn_next(const struct turn *turn, int64_t now_ms);
/* Takes it out of the queue and gives it a seat. */
void turn_go(struct turn *turn, struct turn_waiter *waiter);
/* The seat is free again; held_ms is how long it was held. */
void turn_done(struct turn *turn, const struct turn_who *who, bool dear, int64_t held_ms, int64_t now_ms);
#endif
