/* kube_seen: which objects of one kind have been told, by uid, with the resourceVersion told last. So that a second list tells only what differs. One thread. */
#ifndef MAKMAL_KUBE_KUBE_SEEN_H
#define MAKMAL_KUBE_KUBE_SEEN_H
#include <stdbool.h>
#include <stddef.h>
struct kube_seen;
struct kube_seen_one { const char *uid, *version, *namespace, *name; };       /* namespace "" for cluster kinds */
enum kube_seen_said { KUBE_SEEN_NEW, KUBE_SEEN_CHANGED, KUBE_SEEN_SAME };
struct kube_seen *kube_seen_new(void);
void kube_seen_free(struct kube_seen *seen);
enum kube_seen_said kube_seen_put(struct kube_seen *seen, const struct kube_seen_one *one);
bool kube_seen_drop(struct kube_seen *seen, const char *uid);                  /* false: was not known */
size_t kube_seen_count(const struct kube_seen *seen);
/* A list begins; when it has ended, what was not put since then is told to gone() and forgotten. */
void kube_seen_begin(struct kube_seen *seen);
void kube_seen_end(struct kube_seen *seen, void (*gone)(void *ctx, const struct kube_seen_one *one), void *ctx);
#endif
