/* record: a port to the cluster that keeps what is sent through it, so that the peers send the very same bytes as the product. Each send is a round. */
#ifndef MAKMAL_BENCH_RECORD_H
#define MAKMAL_BENCH_RECORD_H
#include <stdbool.h>
#include <stddef.h>
#include "kube/kube.h"
struct arena;
#define RECORD_ROUNDS 64
struct record_round { const struct kube_request *requests; size_t count; };
struct record {
  const struct kube *kube;
  struct arena *arena;                 /* what is kept lives here */
  struct record_round round[RECORD_ROUNDS];
  size_t rounds;
  struct kube port;                    /* what is given to the product */
};
void record_begin(struct record *record, const struct kube *kube, struct arena *arena);
/* The first round that holds a request of that method whose path ends so; -1 when there is none. */
int record_find(const struct record *record, const char *method, const char *path_end);
bool record_writes(const struct kube_request *request);       /* it changes something: no GET, no dry run */
/* text with every `from` replaced by `to`, which is as long. */
char *record_rename(struct arena *arena, const char *text, const char *from, const char *to);
#endif
