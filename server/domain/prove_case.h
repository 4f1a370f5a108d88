/* prove_case: what a case of cases.yaml hands in and what it expects. Pure but for the reading of YAML; used by prove.c. */
#ifndef MAKMAL_DOMAIN_PROVE_CASE_H
#define MAKMAL_DOMAIN_PROVE_CASE_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct buf; struct check_file; struct check_pool; struct err; struct lab; struct tree;
/* The files that the case hands in: start or solution with parameters filled in, edits made. */
bool prove_files(struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *one, const char *name, const struct tree *params,
                 const struct check_file **out, size_t *out_count, struct err *err);
/* Adds a line to problems for everything in which the verdict differs from what the case expects. */
void prove_compare(struct arena *arena, const struct lab *lab, const struct tree *one, const char *name, const struct tree *params, const struct tree *verdict, bool live, struct buf *problems);
/* What Apply said against `expect.apply`. */
void prove_compare_apply(struct arena *arena, const struct tree *one, const struct tree *params, const struct tree *answer, struct buf *problems);
#endif
