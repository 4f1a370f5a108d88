/* capability: what a cluster can do, in the words that lab.yaml has under `cluster:`. The embedded cluster tells its own words; of any other they are found
 * here: by asking its API, and, for what only traffic shows, with two Pods in the platform's own namespace. Never on a page thread. */
#ifndef MAKMAL_DOMAIN_CAPABILITY_H
#define MAKMAL_DOMAIN_CAPABILITY_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct err; struct kube;

#define CAPABILITY_WORDS "nodes controllers dns metrics ingress storage rwx pv nodeport networkpolicy admission userns nfs"
#define CAPABILITIES 13
extern const char *const capability_words[CAPABILITIES];

/* In the order in which a lab's words are told: the first of these that occurs is the reason why it is not offered. */
enum can {
  CAN_NOT,                      /* looked, and it is not there */
  CAN_UNKNOWN,                  /* could not be found out; `about` says what stood in the way */
  CAN_LOOKING,                  /* not known yet */
  CAN_COMING,                   /* an add-on of the embedded cluster will give it; `about` is its name */
  CAN };
extern const char *const capability_states[];      /* "no", "unknown", "looking", "coming", "yes" */
struct capability {
  enum can can;
  char key[32];                 /* a sentence: how it is known; "" when there is nothing to add */
  char about[160];              /* its parameter `what` */
  char name[64];                /* of ingress: the class that labs name, the default one or else the first; "" otherwise */
};
int capability_of(const char *word, size_t length);     /* place in the tables, or -1 */

/* All that can be seen by asking: a dozen reads. What needs Pods becomes CAN_LOOKING. False: the cluster did not answer. */
bool capability_look(const struct kube *kube, struct arena *arena, struct capability out[CAPABILITIES], struct err *err);
/* Tries the rest in the namespace `space` (Pod Security restricted is fine) and takes its objects away again; two minutes at most, so for a thread of its own.
 * Writes only the words it decided. stop(ctx) true: ends soon, out is not to be used. */
void capability_prove(const struct kube *kube, struct arena *arena, const char *space, bool (*stop)(void *ctx), void *ctx, struct capability out[CAPABILITIES]);
#endif
