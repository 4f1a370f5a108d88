/* result: what a check returned, from Lua to a bounded tree that is written as canonical JSON. Takes the known fields only, cuts every text, and marks
 * what it cut. */
#ifndef MAKMAL_CHECK_WORKER_RESULT_H
#define MAKMAL_CHECK_WORKER_RESULT_H
#include <stdbool.h>
#include <stddef.h>
#include "check/worker/box.h"

struct arena; struct buf; struct tree;

#define RESULT_FINDINGS_MAX 200            /* of one check */
#define RESULT_BYTES_MAX (256u * 1024u)    /* of all checks of a run */

/* A check on its way: sides are added in the order files, live. */
struct tree *result_new(struct arena *arena, const char *id);
/* Adds the table on top of the stack, which is taken off; false: it is none, *box->error says so. */
bool result_add_side(struct box *box, struct arena *arena, struct tree *check, const char *side);
/* The side ended by box->error instead. */
void result_add_error(const struct box *box, struct arena *arena, struct tree *check);
struct tree *result_error(struct arena *arena, const struct box_error *error);
/* Writes it, findings dropped from the end until it fits into what *left still has. */
void result_write(struct arena *arena, struct tree *check, size_t *left, struct buf *out);
#endif
