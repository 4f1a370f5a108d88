/* evidence: answers a running check's wishes and records every read: canonical bytes, hash, resourceVersion (ruling 50, makmal.evidence/1). Scoped to
 * one namespace: nothing a script says can name another. One observer per run; one thread at a time. */
#ifndef MAKMAL_DOMAIN_EVIDENCE_H
#define MAKMAL_DOMAIN_EVIDENCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check/check.h"
struct arena; struct err; struct kube; struct tree; struct buf;

#define EVIDENCE_READS_MAX 50                    /* a pass: reads that are no probes */
#define EVIDENCE_PROBES_MAX 60                   /* a pass: requests to a Service */
#define EVIDENCE_BYTES_MAX (16u * 1024u * 1024u) /* a pass */

struct observer {
  struct arena *arena;
  const struct kube *kube;       /* NULL: away; every read fails with cluster.away */
  const char *namespace, *token; /* token: the learner's, for dry runs; may be NULL */
  bool secret_values;            /* the lab declares `secrets: values` */
  struct tree *reads, *bodies;   /* the pass that runs */
  int count, probes; size_t bytes;
};
/* Begins a pass: what an earlier one read is dropped (only the last pass's answers are evidence). */
void observer_begin(struct observer *observer, struct arena *arena);
/* check_wish.read; ctx is the observer. */
bool observer_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err);
/* {format, files, params, start, reads, bodies}; out_root: SHA-256 of it without bodies, in hex. */
struct tree *evidence_of(struct observer *observer, struct arena *arena, const struct check_file *files, size_t count, const struct tree *params, const struct tree *start, char out_root[65]);
#endif
