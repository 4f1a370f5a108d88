/* fake_kube: a cluster in memory as a struct kube, for C unit tests alone. It knows verbs, versions, namespaces, labels and the few things that
 * controllers do at once (see below); what Kubernetes would really say is tested against a real API server.
 *
 *   struct fake_kube *fake = fake_kube_new();
 *   const struct kube *kube = fake_kube_port(fake);
 *   fake_kube_put(fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a\"}}");
 *   fake_kube_fault(fake, &(struct fake_fault){.method = "POST", .path = "/pods", .status = 429, .retry_after_s = 7, .times = 2});
 *
 * Any thread. Requests are answered on the caller's thread; watch events on the fake's own, in order: fake_kube_settle waits until all were told.
 * Does: GET, list (labelSelector with = == != in notin exists, fieldSelector metadata.name and metadata.namespace, limit and continue), POST (409, 404
 * for an unknown namespace, generateName), PUT (resourceVersion), PATCH (merge and strategic as merge, JSON patch, apply), DELETE (preconditions; a
 * namespace takes all it holds with it), DELETE of a collection, dryRun=All, the sub-resources status and token, /version, /readyz, /livez,
 * PartialObjectMetadata. By itself: `default` ServiceAccount and kube-root-ca.crt in a new namespace, status.hard = spec.hard of a quota. */
#ifndef MAKMAL_TESTS_FAKE_KUBE_H
#define MAKMAL_TESTS_FAKE_KUBE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kube/kube.h"
struct fake_kube;

struct fake_kube *fake_kube_new(void);
void fake_kube_free(struct fake_kube *fake);              /* requests that never end are let go first */
const struct kube *fake_kube_port(struct fake_kube *fake);

/* Something goes wrong. A request meets the first fault whose method and piece of path (NULL: any) fit and whose `times` is not used up. */
struct fake_fault {
  const char *method, *path;      /* "POST"; a piece of path?query, such as "/pods" or "dryRun=All" */
  int times;                      /* how often; 0: for ever */
  int skip;                       /* the first so many that fit go well */
  int status;                     /* HTTP status with a Status object: 429, 500, 410 … */
  const char *message;            /* of the Status */
  int retry_after_s;
  bool away, slow;                /* no answer: cluster.away; cluster.slow */
  bool never;                     /* does not come back until fake_kube_calm or fake_kube_free */
  bool after;                     /* the request is carried out, then the answer is lost */
};
void fake_kube_fault(struct fake_kube *fake, const struct fake_fault *fault);
void fake_kube_calm(struct fake_kube *fake);              /* no faults any more */
void fake_kube_circuit(struct fake_kube *fake, bool open);/* open: send() itself says cluster.away */

/* Answers a request instead of the fake: proxies, reviews, admission. False: the fake answers. Body from malloc or NULL. Called without the lock. */
typedef bool (*fake_answer)(void *ctx, const struct kube_request *request, int *status, char **body);
void fake_kube_answer(struct fake_kube *fake, fake_answer answer, void *ctx);

/* The cluster itself acts: creates or replaces (JSON text), removes, reads ("" for cluster kinds; NULL when missing). A wrong text fails the test. */
void fake_kube_put(struct fake_kube *fake, const char *json);
bool fake_kube_remove(struct fake_kube *fake, const char *kind, const char *namespace, const char *name);
struct tree *fake_kube_find(struct fake_kube *fake, struct arena *arena, const char *kind, const char *namespace, const char *name);
size_t fake_kube_count(struct fake_kube *fake, const char *kind, const char *namespace);        /* NULL namespace: all */

/* What was asked, in order: "POST /api/v1/namespaces?dryRun=All". The text stays until fake_kube_free. NULL past the end. */
size_t fake_kube_asked(struct fake_kube *fake);
const char *fake_kube_asked_at(struct fake_kube *fake, size_t index);
const char *fake_kube_token_at(struct fake_kube *fake, size_t index);   /* the learner's token it came with, or NULL */
size_t fake_kube_asked_like(struct fake_kube *fake, const char *piece); /* how many hold this piece */
int fake_kube_most_in_flight(struct fake_kube *fake);     /* the largest batch of one send */

void fake_kube_tell(struct fake_kube *fake, const char *kind, enum kube_event event);   /* KUBE_STALE, KUBE_ALIVE, KUBE_SYNCED to those who watch it */
void fake_kube_settle(struct fake_kube *fake);
#endif
