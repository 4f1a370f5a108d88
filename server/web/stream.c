/* stream: writes what domain/live has for one browser tab until it leaves. Each write holds all that waits. A browser that stops reading blocks one
 * write for HTTP_BODY_IDLE_MS, then its thread is free again; one that has gone is noticed at the next ping. Buffers live on the heap and shrink
 * when they have grown, for a thread's stack is small and hundreds of streams stand open at once. */
#include "web/stream.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "web/auth.h"
#include "web/house.h"

#define OUT_MAX (8u * 1024u * 1024u)
#define OUT_KEEP (4u * 1024u)

struct streams { int seats; atomic_int open; };

struct streams *streams_new(int seats) {
  struct streams *streams = calloc(1, sizeof *streams);
  if (!streams) abort();
  streams->seats = seats;
  return streams;
}
void streams_free(struct streams *streams) { free(streams); }
int streams_seats(const struct streams *streams) { return streams->seats; }
int streams_open_now(const struct streams *streams) { return atomic_load(&((struct streams *)streams)->open); }

static void run(struct req *req, struct live_sub *sub) {
  struct buf out;
  buf_init(&out, OUT_MAX);
  int64_t pinged = mono_ms(), checked = pinged;
  for (bool more = true; more;) {
    int64_t left = pinged + STREAM_PING_MS - mono_ms();
    more = live_wait(sub, left > 0 ? (int)left : 0, &out);
    int64_t now = mono_ms();
    if (now - checked >= STREAM_CHECK_MS) {
      checked = now;
      if (!auth_still(req)) {
        buf_str(&out, "event: bye\ndata: {\"retry_ms\":250,\"why\":\"signed_out\"}\n\n");
        more = false;
      }
    }
    if (now - pinged >= STREAM_PING_MS) {
      int64_t age = live_heard_age_ms(req->house->live);
      char told[24] = "null";
      if (age >= 0) snprintf(told, sizeof told, "%lld", (long long)age);
      buf_printf(&out, "event: ping\ndata: {\"now_ms\":%lld,\"watch_age_ms\":%s}\n\n", (long long)wall_ms(), told);
      pinged = now;
    }
    if (out.len && !req_stream_write(req, out.data, out.len)) break;
    if (out.room > OUT_KEEP) {
      buf_release(&out);
      buf_init(&out, OUT_MAX);
    }
    buf_reset(&out);
  }
  buf_release(&out);
}

static bool live_get(struct req *req, struct reply *out, struct err *err) {
  if (!auth_token(req, err)) return false;
  struct streams *streams = req->house->streams;
  const char *topics = req_query(req, "topics"), *since = req_query(req, "since");
  if (atomic_fetch_add(&streams->open, 1) >= streams->seats) {
    atomic_fetch_sub(&streams->open, 1);
    err_set(err, ERR_UNAVAILABLE, "live.seats", "%d seats are taken", streams->seats);
    err_param(err, "seats", "%d", streams->seats);
    err->retry_after_s = 10;
    return false;
  }
  struct live_sub *sub;
  bool ok = live_subscribe(req->house->live, &req->viewer, topics ? topics : "", since, &sub, err);
  if (ok) {
    out->streamed = true;
    out->status = 200;
    if (req_stream_begin(req, "text/event-stream; charset=utf-8")) run(req, sub);
    live_release(sub);
  }
  atomic_fetch_sub(&streams->open, 1);
  return ok;
}

static bool live_post(struct req *req, struct reply *out, struct err *err) {
  (void)out;
  struct live_sub *sub = live_find(req->house->live, req->param[0], req->viewer.person);
  if (!sub) return err_set(err, ERR_NOT_FOUND, "live.tab", NULL);
  bool ok = live_change(req->house->live, sub, tree_text(req->body, "topics"), err);
  live_release(sub);
  return ok;
}

static const struct field topics_in[] = {{"topics", "text", "comma-separated: attempt:<id>, cluster, person:<id>, workshop:<id>"}, {0}};
const struct route stream_routes[] = {
  {GET, "/api/v1/live", NEED_LEARNER, STREAM, NULL, NULL, live_get, "One stream of events for one tab: ?topics=…&since=<epoch>.<seq>; header X-Makmal-Token"},
  {POST, "/api/v1/live/{tab}", NEED_LEARNER, BODY_JSON | BODY_SMALL, topics_in, NULL, live_post, "Other topics for a stream, without a gap"},
  {0}};
