/* store_draft: rows of draft, the texts in an attempt's editor and their history. */
#ifndef MAKMAL_STORE_STORE_DRAFT_H
#define MAKMAL_STORE_STORE_DRAFT_H
#include <stdbool.h>
#include <stdint.h>
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_draft_queries[];

#define DRAFT_OVER_MS (5 * 60 * 1000)                 /* so long the newest row is written over; then it becomes history */
#define DRAFT_KEEP_MS (7 * 24 * 3600 * 1000LL)        /* history older than this goes */
#define DRAFT_ROWS 50                                 /* and so does what is beyond the newest 50 */
/* files: JSON list. */
bool store_draft_put(struct db_tx *tx, const char *attempt, const char *person, const char *files, int64_t at_ms, struct err *err);
/* The newest; *out NULL when nothing was saved. */
bool store_draft_get(struct db_read *read, const char *attempt, struct arena *arena, const char **out, int64_t *out_saved_ms, struct err *err);
int store_draft_count(struct db_read *read, const char *attempt);
#endif
