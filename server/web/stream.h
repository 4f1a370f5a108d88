/* stream: one SSE response: the viewer's topics, resume by event id, ping, the budget of seats. A stream holds one CivetWeb thread. */
#ifndef MAKMAL_WEB_STREAM_H
#define MAKMAL_WEB_STREAM_H
#include <stdbool.h>
#include "web/route.h"
#define STREAM_PING_MS 15000
#define STREAM_CHECK_MS 60000           /* how often a stream asks whether its login still stands */
struct streams;
struct streams *streams_new(int seats);
void streams_free(struct streams *streams);
int streams_seats(const struct streams *streams);
int streams_open_now(const struct streams *streams);
extern const struct route stream_routes[];
#endif
