/* cluster: which cluster (embedded or a kubeconfig), how far it is, its credentials, its capabilities; preflight proves it fit for learners.
 * One background thread looks (status.json of the embedded one every 250 ms while it is not ready, else 2 s); nobody else polls. Any thread. */
#ifndef MAKMAL_DOMAIN_CLUSTER_H
#define MAKMAL_DOMAIN_CLUSTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct kube; struct live; struct check_pool; struct tree;
enum cluster_state { CLUSTER_NONE, CLUSTER_BUILDING, CLUSTER_STARTING, CLUSTER_READY, CLUSTER_AWAY /* was ready, does not answer */, CLUSTER_BROKEN };
struct cluster;
struct cluster_spec {
  const char *name;             /* embedded instance: /run/makmal/<name>/; or NULL */
  const char *kubeconfig, *context;   /* somebody's own cluster; or NULL */
  struct check_pool *pool;      /* reads kubeconfigs */
  struct live *live;            /* topic "cluster" */
  const char *install;          /* install id: preflight makes its people namespace; NULL leaves out what needs one */
  const struct kube *kube;      /* a port that is open already (tests); or NULL */
  const char *run_root;         /* NULL: /run/makmal */
};
/* A kubeconfig that cannot be used fails here (INVALID "kubeconfig.…", NOT_FOUND "file.missing"); a cluster that is not there yet does not. */
bool cluster_open(const struct cluster_spec *spec, struct cluster **out, struct err *err);
void cluster_close(struct cluster *cluster);
struct cluster_status {
  enum cluster_state state; char why[256];
  int percent;                  /* while building */ char program[40];
  int parts_done, parts_total;  /* while starting */
  char version[32]; int64_t since_ms;
  bool embedded, own_red;       /* preflight found red */
  char capability[16][24]; int capability_count;
};
void cluster_status(struct cluster *cluster, struct cluster_status *out);
bool cluster_can(struct cluster *cluster, const char *word);                 /* "nodes", "dns", "ingress" … */
struct tree *cluster_json(struct cluster *cluster, struct arena *arena);     /* what the page shows, GET /api/v1/cluster and event "cluster" */
/* The port, or NULL with err UNAVAILABLE "cluster.away" while there is none. It stays valid until cluster_close; it fails by itself when the cluster goes. */
const struct kube *cluster_kube(struct cluster *cluster, struct err *err);
const char *cluster_ca(struct cluster *cluster);                             /* PEM or NULL, for kubeconfigs */
const char *cluster_server(struct cluster *cluster);                         /* https://address:port */
void cluster_on_ready(struct cluster *cluster, void (*fn)(void *ctx), void *ctx);    /* called from its thread each time it becomes ready (no red), soon when it is; at most 4 listeners; fn NULL takes the one with this ctx out and waits for a call of it; a listener must not call this */
/* fn(what) when the ports have closed: for what the watches still point at. At most 4. */
void cluster_at_close(struct cluster *cluster, void (*fn)(void *what), void *what);
#endif
