/* bulk: many items worked on by a few threads, their results given in order. No more results wait than the threads can fill in a moment, so memory does not
 * grow with the number of items. */
#ifndef MAKMAL_APP_BULK_H
#define MAKMAL_APP_BULK_H
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
struct bulk {
  size_t count; int threads;
  void *(*work)(void *ctx, size_t item);                  /* on any of the threads, which take no signals */
  bool (*done)(void *ctx, size_t item, void *result);     /* on the caller's thread, in order; false: no more, later results go to `dropped` */
  void (*dropped)(void *ctx, void *result);
  void (*tick)(void *ctx, size_t finished);               /* on the caller's thread, several times a second */
  const volatile sig_atomic_t *stop;                      /* not 0: begin nothing more, end what was begun */
  void *ctx;
};
/* How many were done: all, or the first so many. */
size_t bulk_run(const struct bulk *bulk);
#endif
