/* live: topics, rings with sequence numbers, a bounded queue per subscriber, coalescing. Everything a page sees change goes through here;
 * rooms publish, web/stream subscribes. Topics: "attempt:<id>", "cluster", "person:<id>", "workshop:<id>". Any thread; never blocks a publisher. */
#ifndef MAKMAL_DOMAIN_LIVE_H
#define MAKMAL_DOMAIN_LIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/words.h"
struct arena; struct buf; struct err; struct viewer;
struct live; struct live_sub;
#define LIVE_RING 512                  /* events a topic remembers … */
#define LIVE_RING_MS 60000             /* … and for how long */
#define LIVE_BYTES_MAX (16u * 1024u * 1024u)   /* of all rings together; the oldest go first */
#define LIVE_QUEUE_MAX (1024u * 1024u) /* what may wait for one subscriber; past it the topics are told anew (`reset`) */
#define LIVE_OBJECT_MS 250             /* one object changes at most 4 times a second on a page */
#define LIVE_SNAPSHOT_MAX 500          /* events of one snapshot */
#define LIVE_TOPICS 8                  /* of one subscriber */
#define LIVE_LOGIN_STREAMS 6
struct live *live_open(void);
/* Drain: every stream gets bye {retry_ms, why} and ends, new ones are refused (UNAVAILABLE "live.closing"). Publishing goes on, unheard. */
void live_bye(struct live *live, int retry_ms, const char *why);
void live_close(struct live *live);                    /* says bye if nobody did; frees when the last subscriber is released */
/* event: "object", "gone", "check", "verdict", "dryrun", "apply", "attempt", "cluster" … key: events with the same (topic, event, key) that still wait
 * are replaced by the newer one (objects: at most 4 a second each); NULL: each is kept. `object` and `gone` of one thing share their key (its uid): a
 * `gone` takes the place of a waiting `object`. json[LANG_MS] NULL: the same as json[LANG_EN]. Copied. */
void live_publish(struct live *live, const char *topic, const char *event, const char *key, const char *const json[LANG_COUNT]);
/* The room behind a kind of topic says who may listen and what stands there now (the events after `reset`). prefix: "attempt:". */
struct live_source {
  const char *prefix;
  bool (*may)(void *ctx, const char *topic, const struct viewer *viewer);     /* NULL: everybody who is signed in */
  /* Calls add(add_ctx, event, json) for each event of the topic's present state, in the viewer's language; at most 500 objects. */
  void (*snapshot)(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena,
                   void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx);
  void *ctx;
};
void live_source(struct live *live, const struct live_source *source);       /* before any subscriber */
/* The cluster's watch said something (an event, a bookmark, an answer): `ping` tells how long that is ago. Cheap. */
void live_heard(struct live *live);
int64_t live_heard_age_ms(struct live *live);                                /* -1: never */

/* Subscribers (web/stream). topics: comma-separated. since: "<epoch>.<seq>" or NULL. Foreign topic: ERR_NOT_FOUND "live.topic".
 * The 7th stream of a login: ERR_LIMIT "live.login". `hello` is the first event; a topic without a usable `since` begins with `reset` and its snapshot. */
bool live_subscribe(struct live *live, const struct viewer *viewer, const char *topics, const char *since, struct live_sub **out, struct err *err);
bool live_change(struct live *live, struct live_sub *sub, const char *topics, struct err *err);
/* Waits up to timeout_ms, then appends all that waits to out (cap at least 4 MiB) in text/event-stream form; nothing when nothing came. The last event of a batch carries
 * the id to come back with. False when the stream must end: send what out holds, then close. One thread per subscriber. */
bool live_wait(struct live_sub *sub, int timeout_ms, struct buf *out);
const char *live_tab(const struct live_sub *sub);                            /* the id `hello` carries */
struct live_sub *live_find(struct live *live, const char *tab, const char *person);   /* for POST /api/v1/live/{tab}; acquired, release with live_release */
void live_release(struct live_sub *sub);               /* the subscriber's own thread ends it by its last release */
void live_drop_person(struct live *live, const char *person);                /* role change: ends that person's streams; they come back and are asked anew */
void live_drop_login(struct live *live, const char *login);
struct live_stats { int subscribers; uint64_t published, delivered, resets; };
void live_stats(struct live *live, struct live_stats *out);
#endif
