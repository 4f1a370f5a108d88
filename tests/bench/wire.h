/* wire: the client side of the load: kept connections that send a request and wait for its answer, and streams of events, all in one epoll loop.
 * Loopback only. A connection that the server closed while it was idle is opened anew and the request sent again, once, as browsers do. One thread. */
#ifndef MAKMAL_BENCH_WIRE_H
#define MAKMAL_BENCH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wires;
struct wires_told {
  void *ctx;
  /* status 0: no answer. body: NUL behind, for the time of the call. */
  void (*answer)(void *ctx, int port, size_t who, int status, const char *body, size_t length);
  /* One event of a stream. data: NUL behind, for the time of the call. */
  void (*event)(void *ctx, int port, size_t who, const char *name, const char *data);
  void (*stream_end)(void *ctx, int port, size_t who, int status);
};
struct wires *wires_new(const struct wires_told *told);
/* Sends a whole request (head and body) to 127.0.0.1:port and tells the answer. Always sends: there is no limit on connections, so nothing waits its turn. */
void wires_send(struct wires *wires, int port, size_t who, const char *request, size_t length);
void wires_stream(struct wires *wires, int port, size_t who, const char *request, size_t length);
/* Waits for something to happen, until `until_us` of now_us() at most, and handles it. */
void wires_turn(struct wires *wires, int64_t until_us);
struct wires_stats { size_t connections, sent_again; };
void wires_stats(const struct wires *wires, struct wires_stats *out);
void wires_free(struct wires *wires);
#endif
