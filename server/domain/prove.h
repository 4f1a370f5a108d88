/* prove: a lab's cases, run as a learner would: the start earns nothing, the solution everything, a copied solution not all, every known mistake gives the
 * finding it must give. Files scope twice for three seeds; on a cluster each case once, its evidence replayed twice. */
#ifndef MAKMAL_DOMAIN_PROVE_H
#define MAKMAL_DOMAIN_PROVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct err; struct check_pool; struct edition; struct kube; struct kube_front; struct lab; struct tree;
struct prove_line { const char *lab, *name, *scope; int seed; bool ok; int64_t took_ms; const char *problems; /* a line each, "" when ok */ };
struct prove_spec {
  const struct edition *edition;
  struct check_pool *pool;
  const struct kube *kube;               /* NULL: files scope only */
  const struct kube_front *front;        /* its Ingress controller, or NULL */
  const char *install;                   /* for the namespaces it makes */
  const char *kubectl, *server, *ca_pem; /* for `do` lines; kubectl NULL: a case that has some fails and says so */
  const char *only;                      /* one case, or NULL */
  bool files, live;                      /* which scopes */
  int seats;                             /* live cases side by side */
  void (*told)(void *ctx, const struct prove_line *line);   /* as each ends; one at a time */
  void *ctx;
};
/* False only when nothing could be proven at all (cases.yaml cannot be read). *out_failed, *out_passed: lines. */
bool prove_lab(const struct prove_spec *spec, const struct lab *lab, int *out_passed, int *out_failed, struct err *err);
#endif
