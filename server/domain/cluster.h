/* cluster: which cluster (embedded or a kubeconfig), how far it is, its credentials, its capabilities; preflight proves it fit for learners.
 * One background thread looks (status.json of the embedded one every 250 ms while it is not ready, else 2 s); nobody else polls. Any thread. */
#ifndef MAKMAL_DOMAIN_CLUSTER_H
#define MAKMAL_DOMAIN_CLUSTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "domain/capability.h"
struct arena; struct err; struct kube; struct kube_front; struct live; struct check_pool; struct tree;
enum cluster_state { CLUSTER_NONE, CLUSTER_BUILDING, CLUSTER_STARTING, CLUSTER_READY, CLUSTER_AWAY /* was ready, does not answer */, CLUSTER_BROKEN };
struct cluster;
struct cluster_spec {
  const char *name;             /* embedded instance: /run/makmal/<name>/; or NULL */
  const char *kubeconfig, *context;   /* somebody's own cluster; or NULL */
  const char *ingress;          /* where the Ingress controller of that one is reached, "host" or "host:port" (https: 443); NULL: nobody said. The embedded one's is known */
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
  int percent;                  /* while building, add-ons of a ready one too */ char program[40];
  int parts_done, parts_total;  /* while starting */
  char version[32]; int64_t since_ms;
  bool embedded, own_red;       /* preflight found red */
  struct capability can[CAPABILITIES];   /* as capability_words */
};
void cluster_status(struct cluster *cluster, struct cluster_status *out);
/* Whether all these words can be had: CAN, or the worst of what stands against it, with the words that say so and, for CAN_COMING, the add-ons they come with. */
struct cluster_lack { enum can can; char words[160], with[120]; };
enum can cluster_lacks(const struct cluster_status *status, const char *const *words, size_t count, struct cluster_lack *out);
/* Why a lab that lacks so is not offered: a message key, params words, with; NULL for CAN. */
const char *cluster_lack_key(enum can can);
struct tree *cluster_json(struct cluster *cluster, struct arena *arena);     /* what the page shows, GET /api/v1/cluster and event "cluster" */
/* For staff: what each part of the embedded one is, [{name, kind, version, state, rss_kib, started_ms, restarts, gives}]; NULL when nobody tells. */
struct tree *cluster_parts(struct cluster *cluster, struct arena *arena);
/* The port, or NULL with err UNAVAILABLE "cluster.away" while there is none. It stays valid until cluster_close; it fails by itself when the cluster goes. */
const struct kube *cluster_kube(struct cluster *cluster, struct err *err);
const char *cluster_ca(struct cluster *cluster);                             /* PEM or NULL, for kubeconfigs */
const char *cluster_server(struct cluster *cluster);                         /* https://address:port */
/* Where the Ingress controller is reached from here; false: nobody knows. Whether it serves anything is another question. */
bool cluster_front(struct cluster *cluster, struct kube_front *out);
/* The Ingress class that labs name: the default one, else the first there is; false: none is known of. */
bool cluster_ingress_class(struct cluster *cluster, char out[64]);
void cluster_on_ready(struct cluster *cluster, void (*fn)(void *ctx), void *ctx);    /* called from its thread each time it becomes ready (no red), soon when it is; at most 4 listeners; fn NULL takes the one with this ctx out and waits for a call of it; a listener must not call this */
/* fn(what) when the ports have closed: for what the watches still point at. At most 4. */
void cluster_at_close(struct cluster *cluster, void (*fn)(void *what), void *what);
#endif
