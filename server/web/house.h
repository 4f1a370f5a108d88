/* house: the opened domain rooms, as the handlers see them. Filled by app/cmd_serve, read-only afterwards. A room that is not open is NULL. */
#ifndef MAKMAL_WEB_HOUSE_H
#define MAKMAL_WEB_HOUSE_H
#include <stdatomic.h>
#include <stdbool.h>
struct db; struct live; struct catalog; struct people; struct attempts; struct grading; struct cluster; struct progress; struct assets;
struct buf; struct gate; struct streams; struct metrics; struct check_pool; struct page_kept; struct regrades;
struct house {
  struct db *db;
  struct live *live;
  struct catalog *catalog;
  struct people *people;         /* people, logins, workshops */
  struct progress *progress;
  struct cluster *cluster;
  struct attempts *attempts;
  struct grading *grading;
  struct regrades *regrades;
  struct assets *assets;         /* web/dist in memory */
  struct check_pool *pool;       /* for metrics alone */
  struct gate *gate;             /* rates (web/gate.h) */
  struct streams *streams;       /* seats (web/stream.h) */
  struct metrics *metrics;       /* counts (web/metrics.h) */
  struct page_kept *pages;       /* pages for readers who are not signed in (web/page_kept.h) */
  const char *api_relay_port;    /* text, for kubeconfigs */
  bool plain_http;               /* no TLS in front: pages warn before a token is shown */
  bool beyond_loopback;          /* others on the network can reach us */
  void (*more_metrics)(struct house *house, struct buf *out);   /* store, workers, cluster: rooms below domain; or NULL */
  atomic_bool draining;          /* stopping: connections are closed after their answer */
};
#endif
