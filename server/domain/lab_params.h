/* lab_params: the parameters of a lab: drawn from a seed without modulo bias, filled into text, counted. Pure functions; any thread.
 * lab_seed_person, lab_seed_text, lab_params_draw and lab_fill stand in catalog.h. */
#ifndef MAKMAL_DOMAIN_LAB_PARAMS_H
#define MAKMAL_DOMAIN_LAB_PARAMS_H
#include "domain/catalog.h"
#define LAB_PARAM_COMBINATIONS 200               /* a graded lab has at least so many */
/* How many different answers there can be: the product of what each parameter may be, at most 2^63 - 1. No parameters: 1. */
int64_t lab_params_combinations(const struct lab *lab);
/* Values to read the lab by without an attempt: the examples of lab.yaml, else the first value of each; the platform's names too. */
struct tree *lab_params_examples(struct arena *arena, const struct lab *lab);
/* What the platform adds to a lab's own: namespace, host (a name of the lab domain that is this namespace's alone), nodeport, ingressclass. Replaces what
 * stood there. domain NULL: lab.test, which is reserved and belongs to nobody; class NULL: the embedded cluster's default one. */
#define LAB_PARAM_CLASS "nginx"
void lab_params_platform(struct arena *arena, struct tree *params, const char *namespace, const char *domain, int nodeport, const char *class);
/* The nth NodePort to try for a seed, n from 0; 0 when there are no more. The first are those which Kubernetes itself gives to nobody while it has others. */
int lab_params_nodeport(const unsigned char seed[32], int n);
/* Somebody else's: drawn until every parameter that `solution` uses differs from `own` (the case "copied"). NULL when a parameter of the solution has one value only. */
struct tree *lab_params_other(struct arena *arena, const struct lab *lab, const struct tree *own);
/* The range of values one parameter may take; token: 32 to the power of its length, at most 2^63 - 1. */
int64_t lab_param_values(const struct lab_param *param);
#endif
