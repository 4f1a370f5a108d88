/* evidence: answers a running check's wishes and records every read: canonical bytes, hash, resourceVersion (makmal.evidence/1). Scoped to
 * one namespace: nothing a script says can name another. One observer per run; one thread at a time. */
#ifndef MAKMAL_DOMAIN_EVIDENCE_H
#define MAKMAL_DOMAIN_EVIDENCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check/check.h"
struct arena; struct err; struct kube; struct kube_front; struct tree; struct buf;

#define EVIDENCE_READS_MAX 50                    /* a pass: reads that are no probes */
#define EVIDENCE_PROBES_MAX 60                   /* a pass: pages, of a Service or by a host's name, and logs */
#define EVIDENCE_BYTES_MAX (16u * 1024u * 1024u) /* a pass */
#define EVIDENCE_OTHER_CERTIFICATE 1             /* status of a page by https that showed a certificate for another host; 0: nobody answered in time */
#define EVIDENCE_SNAPSHOT_MAX (2u * 1024u * 1024u)

struct observer {
  struct arena *arena;
  const struct kube *kube;       /* NULL: away; every read fails with cluster.away */
  const struct kube_front *front;/* the Ingress controller; NULL: nobody knows where, and pages by host are unobserved */
  const char *namespace, *token; /* token: the learner's, for dry runs; may be NULL */
  bool secret_values;            /* the lab declares `secrets: values` */
  struct tree *reads, *bodies;   /* the pass that runs */
  struct tree *snapshot;         /* {at_ms, kinds: {kind: body}}, or NULL */
  int count, probes; size_t bytes;
};
/* Whether a recorded read is of objects, and not of a page or a log: what a namespace's standing still is judged by. */
bool evidence_is_object(const struct tree *read);
/* Begins a pass: what an earlier one read is dropped (only the last pass's answers are evidence). */
void observer_begin(struct observer *observer, struct arena *arena);
/* check_wish.read; ctx is the observer. */
bool observer_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err);
/* Behind a pass: the whole list of each of these kinds that the pass did not list itself, so that another script can be replayed some day. A kind is kept
 * whole or not at all (a field that was cut off would read as one that was never written), in the order given, within EVIDENCE_SNAPSHOT_MAX; values of
 * Secrets never. What could not be had is left out: a replay says `unobserved` of it. */
void observer_snapshot(struct observer *observer, struct arena *arena, const char *const *kinds, size_t count);
/* {format, files, params, start, clock, reads, snapshot?, bodies}; out_root: SHA-256 of it without bodies and clock, in hex (so that equal files give equal roots). clock: what the pass knew beside its reads
 * {at_ms, applied_ms, settled, closing, held}; with it the same script gives the same bytes again. */
struct tree *evidence_of(struct observer *observer, struct arena *arena, const struct check_file *files, size_t count, const struct tree *params, const struct tree *start,
                         const struct tree *clock, char out_root[65]);

/* The same wishes out of stored evidence, without a cluster; a list that no pass asked for comes out of the snapshot. What it lacks is ERR_NOT_FOUND "evidence.unobserved", as check.h wants it. */
struct replayer { const struct observer *names; const struct tree *evidence; bool *used; size_t count; };
void replayer_begin(struct replayer *replayer, struct arena *arena, const struct tree *evidence, const struct observer *names);
bool replayer_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err);
#endif
