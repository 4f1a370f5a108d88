/* grade_item: one hand-in to one row: found, read, given its parameters, graded. Any thread. */
#ifndef MAKMAL_APP_GRADE_ITEM_H
#define MAKMAL_APP_GRADE_ITEM_H
#include "app/hand_in.h"
#include "app/report.h"
struct check_pool; struct edition; struct kube; struct kube_front; struct lab;

struct grade_job {
  struct check_pool *pool; const struct edition *edition; const struct lab *lab; enum lang lang;
  const struct tree *params; const char *params_from;     /* for every hand-in (--params, --seed); NULL: params.yaml in its folder, else as follows */
  bool roster;                                            /* its name is the seed; else the lab's examples */
  const struct kube_front *front;                         /* its Ingress controller, or NULL */
  const struct kube *kube; const char *namespace;         /* a live namespace, looked at and left alone; or NULL */
};
struct graded_item { struct arena *arena; struct report_row row; int status; };    /* status: 0 passed, 1 not, 2 not there or wrongly asked, 3 our fault */
/* hand_in NULL: the live namespace alone. The item and its arena belong to the caller. */
struct graded_item *grade_item(const struct grade_job *job, const struct hand_in *hand_in);
void grade_item_free(struct graded_item *item);
/* Parameters as a file says them (YAML, name: value): all that the lab declares; what the platform gives is filled in. */
bool grade_item_params(const struct grade_job *job, struct arena *arena, const char *file, const char *text, size_t length, struct tree **out, struct err *err);
struct tree *grade_item_seeded(const struct grade_job *job, struct arena *arena, const char *seed);
#endif
