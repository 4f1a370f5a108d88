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
/* Somebody else's: drawn until every parameter that `solution` uses differs from `own` (the case "copied"). NULL when a parameter of the solution has one value only. */
struct tree *lab_params_other(struct arena *arena, const struct lab *lab, const struct tree *own);
/* The range of values one parameter may take; token: 32 to the power of its length, at most 2^63 - 1. */
int64_t lab_param_values(const struct lab_param *param);
#endif
