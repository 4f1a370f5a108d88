/* metrics: counts and times of requests, and the Prometheus text of everything that can be counted. Any thread. */
#ifndef MAKMAL_WEB_METRICS_H
#define MAKMAL_WEB_METRICS_H
#include <stdbool.h>
#include <stdint.h>
struct buf; struct house; struct req;
enum metrics_class { METRICS_PAGE, METRICS_API, METRICS_ASSET, METRICS_STREAM, METRICS_HEALTH, METRICS_REFUSED, METRICS_CLASSES };
struct metrics;
struct metrics *metrics_open(void);
void metrics_close(struct metrics *metrics);
/* One answer. Streams count by number alone: their time says nothing. */
void metrics_count(struct metrics *metrics, enum metrics_class kind, int status, int64_t us);
/* Prometheus text: requests, memory, streams, live; house->more_metrics adds what only app knows. */
void metrics_write(struct house *house, struct buf *out);
/* One number without labels; type "gauge" or "counter"; name without the prefix makmal_. */
void metrics_one(struct buf *out, const char *name, const char *type, const char *help, double value);
#endif
