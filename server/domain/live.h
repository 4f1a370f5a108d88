/* live: topics, rings with sequence numbers, a bounded queue per subscriber, coalescing (web.md 5). Everything a page sees change goes through here;
 * rooms publish, web/stream subscribes. Topics: "attempt:<id>", "cluster", "person:<id>", "workshop:<id>". Any thread; never blocks a publisher. */
#ifndef MAKMAL_DOMAIN_LIVE_H
#define MAKMAL_DOMAIN_LIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/words.h"
struct arena; struct buf; struct err; struct viewer;
struct live; struct live_sub;
struct live *live_open(void);
void live_close(struct live *live);                    /* says bye to all subscribers */
/* event: "object", "gone", "check", "verdict", "dryrun", "apply", "attempt", "cluster" … key: events with the same (topic, event, key) that still wait
 * are replaced by the newer one (objects: at most 4 a second each); NULL: each is kept. json[LANG_MS] NULL: the same as json[LANG_EN]. Copied. */
void live_publish(struct live *live, const char *topic, const char *event, const char *key, const char *const json[LANG_COUNT]);
/* The room behind a kind of topic says who may listen and what stands there now (the events after `reset`). prefix: "attempt:". */
struct live_source {
  const char *prefix;
  bool (*may)(void *ctx, const char *topic, const struct viewer *viewer);
  /* Calls add(add_ctx, event, json) for each event of the topic's present state, in the viewer's language; at most 500 objects. */
  void (*snapshot)(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena,
                   void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx);
  void *ctx;
};
void live_source(struct live *live, const struct live_source *source);       /* before any subscriber */

/* Subscribers (web/stream). topics: comma-separated. since: "<epoch>.<seq>" or NULL. Foreign topic: ERR_NOT_FOUND. Queue cap 1 MiB each, then cut back to `reset`. */
bool live_subscribe(struct live *live, const struct viewer *viewer, const char *topics, const char *since, struct live_sub **out, struct err *err);
bool live_change(struct live *live, struct live_sub *sub, const char *topics, struct err *err);
/* Waits up to timeout_ms, then appends all that waits to out in text/event-stream form. False when the stream must end (closed). */
bool live_wait(struct live_sub *sub, int timeout_ms, struct buf *out);
const char *live_tab(const struct live_sub *sub);                            /* the id `hello` carries */
struct live_sub *live_find(struct live *live, const char *tab, const char *person);   /* for POST /api/v1/live/{tab}; acquired, release with live_release */
void live_release(struct live_sub *sub);
void live_drop_person(struct live *live, const char *person);                /* sign-out, role change: ends that person's streams */
void live_drop_login(struct live *live, const char *login);
struct live_stats { int subscribers; uint64_t published, delivered, resets; };
void live_stats(struct live *live, struct live_stats *out);
#endif
