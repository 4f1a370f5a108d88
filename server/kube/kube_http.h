/* kube_http: the floor's inside, for its own rooms and their tests. Others include kube/kube.h. */
#ifndef MAKMAL_KUBE_KUBE_HTTP_H
#define MAKMAL_KUBE_KUBE_HTTP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct kube_config; struct kube_request; struct kube_reply; struct kube_watch;
struct kube_door; struct kube_watches;

#define KUBE_IN_FLIGHT 32             /* calls for the process, watches apart */
#define KUBE_CONNECTIONS 4            /* per lane, and for the watches */
#define KUBE_CONNECT_MS 3000
#define KUBE_TIMEOUT_MS 15000
#define KUBE_QUEUE_MS 60000           /* longest wait for a place in flight */
#define KUBE_TRIES 5
#define KUBE_RETRY_MS 30000           /* a call that is repeated ends by then */
#define KUBE_HEAD_MAX (64u * 1024u)   /* head of an answer */
#define KUBE_CIRCUIT_FAILURES 5
#define KUBE_CIRCUIT_MS 10000
#define KUBE_PROBE_MS 2000

bool kube_forbidden(void);                                  /* kube.c: what kube_forbid was told */
void kube_clean(char *json, size_t length);                 /* kube.c: the escape of NUL becomes U+FFFD, in place */

bool kube_http_send(void *ctx, struct arena *arena, const struct kube_request *requests, size_t count, struct kube_reply *replies, struct err *err);

/* --- kube_door.c: how to reach this API server, and with which credentials. Secrets in pages that are locked, kept out of dumps and wiped. --------- */
enum kube_as { KUBE_AS_PLATFORM /* client certificate, own token */, KUBE_AS_LEARNER /* neither: the request brings its token */ };
struct kube_door *kube_door_open(const struct kube_config *config, struct err *err);
void kube_door_close(struct kube_door *door);
/* All that is the same for every transfer: TLS, time to connect, what is switched off. easy is fresh or reset. */
void kube_door_prepare(const struct kube_door *door, void *easy, enum kube_as as);
/* URL, method and headers; false (INVALID "kube.request"): characters that must not stand there. *out_headers belongs to kube_door_forget. */
bool kube_door_request(struct kube_door *door, void *easy, enum kube_as as, const struct kube_request *request, void **out_headers, struct err *err);
void kube_door_forget(void *headers);                       /* wipes, then frees */
bool kube_door_reread(struct kube_door *door);              /* after 401: true when the token comes from a file that may hold a newer one */
/* Time until the next try, full jitter: somewhere up to 0.5 s x 2^tries, at most most_ms. */
int64_t kube_door_backoff(int tries, int64_t most_ms);

/* --- kube_watch.c: its own thread and connections ------------------------------------------------------------------------------------------------ */
#define KUBE_SILENT_MS 90000          /* a watch without a word, bookmarks included, for so long is reopened */
#define KUBE_PAGE 500
struct kube_watches *kube_watches_open(struct kube_door *door);
void kube_watches_close(struct kube_watches *watches);
bool kube_watches_add(struct kube_watches *watches, const struct kube_watch *watch, struct err *err);
void kube_watches_stats(struct kube_watches *watches, uint64_t *events, uint64_t *relists, int64_t *last_ms);
#endif
