/* shape: what a lab namespace is made of: size (quota and limits), Pod Security level, walls, the learner's Role. Tables and texts, no calls.
 * A row here is the whole change when the design of a namespace changes; a test compares the tables with each other. Any thread. */
#ifndef MAKMAL_DOMAIN_SHAPE_H
#define MAKMAL_DOMAIN_SHAPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct kube_request; struct lab;

enum shape_size { SHAPE_SMALL, SHAPE_MEDIUM, SHAPE_LARGE, SHAPE_SIZES };
/* One line of the ResourceQuota; bare words as the API server counts them. */
struct shape_quota { const char *resource, *amount[SHAPE_SIZES]; };
/* One resource of the LimitRange, for containers. limit "" = none named. */
struct shape_limit { const char *resource, *limit, *request, *most[SHAPE_SIZES]; };
/* One rule of the learner's Role; words parted by spaces. */
struct shape_rule { const char *group, *resources, *verbs; };
extern const struct shape_quota shape_quotas[];     /* the tables end with {0} */
extern const struct shape_limit shape_limits[];
extern const struct shape_rule shape_rules[];       /* in the lab's namespace */
extern const struct shape_rule shape_rules_wide[];  /* in the whole cluster, for the group of learners' accounts */
extern const struct shape_rule shape_rules_own[];   /* in the whole cluster, on the embedded cluster alone */

/* What is the same for every lab on a cluster. */
struct shape_site {
  char minor[16];                        /* "v1.36": the version Pod Security is pinned to */
  char **fronts; size_t front_count;     /* addresses "a.b.c.d/32" that traffic from outside arrives with: nodes */
  bool embedded;
};
struct shape {
  enum shape_size size;
  bool baseline;                         /* Pod Security baseline; else restricted */
  bool front;                            /* makmal-front: checks or learners call its Services from outside */
  const char *install, *namespace;
  const char *attempt;                   /* id or "" */
  int64_t expires_ms;                    /* 0: not told */
  const struct shape_site *site;
};
/* size, pods and front of a lab. */
bool shape_of(const struct lab *lab, struct shape *out, struct err *err);
/* "makmal-<install>-people": where learners' accounts live, so that no Pod of a lab can mount one. */
const char *shape_people(struct arena *arena, const char *install);

/* One object to write. `named` and `body` also serve to write it again by server-side apply. */
struct shape_write {
  const char *what;                      /* "ResourceQuota", for the log */
  const char *method, *path, *named, *body;
};
#define SHAPE_WRITES 9
struct shape_write shape_namespace(struct arena *arena, const struct shape *shape);                        /* round 1 */
size_t shape_objects(struct arena *arena, const struct shape *shape, struct shape_write out[SHAPE_WRITES]);  /* round 2; the RoleBinding is last */
/* The people namespace, and the learners' ClusterRole with its binding: once for a cluster and install. */
size_t shape_ground(struct arena *arena, const char *install, const struct shape_site *site, struct shape_write out[3]);
#endif
