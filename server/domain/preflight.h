/* preflight: is this cluster fit for learners? Red stops labs, amber is shown; each line names its cure. Asks the cluster: never on a page thread. */
#ifndef MAKMAL_DOMAIN_PREFLIGHT_H
#define MAKMAL_DOMAIN_PREFLIGHT_H
#include <stdbool.h>
struct arena; struct err; struct kube; struct tree;
#define PREFLIGHT_LEAST_MINOR 30

struct preflight {
  bool red;
  char version[32];            /* "v1.36.4" */
  bool embedded;
  struct tree *lines;          /* [{check, level: ok|amber|red, key, params}] */
};
/* install NULL: only what needs no namespace of ours. False: the cluster did not answer. */
bool preflight_run(const struct kube *kube, struct arena *arena, const char *install, struct preflight *out, struct err *err);
/* The first red line, or NULL. */
const struct tree *preflight_first_red(const struct preflight *preflight);
#endif
