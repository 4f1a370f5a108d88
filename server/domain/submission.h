/* submission: how files become rows and rows become what the API shows, for hand-ins and applies alike. Used by grading.c and applying.c; what others
 * may call stands in grading.h. */
#ifndef MAKMAL_DOMAIN_SUBMISSION_H
#define MAKMAL_DOMAIN_SUBMISSION_H
#include "domain/grading.h"
#include "store/store_submission.h"
struct db_tx; struct words;

#define SUBMISSION_SAME_MS 10000             /* without a key, equal files within this are one press */
#define SUBMISSIONS_MAX 200                  /* per attempt */
#define SUBMISSIONS_MINUTE 6                 /* per attempt and minute */

const struct grading_needs *grading_needs_of(const struct grading *grading);
/* The viewer's own attempt that still takes work: else ERR_NOT_FOUND, or ERR_CONFLICT "attempt.over". */
bool submission_may_write(const struct grading_needs *needs, const struct viewer *viewer, const char *attempt, struct arena *arena, struct attempt *out, struct err *err);
struct submission_in { const struct check_file *files; size_t count; struct submission_row row; bool stored, no_rates; };
void submission_fill(struct submission_in *in, const struct attempt *attempt, const char *key);
bool submission_unit(struct db_tx *tx, void *in, struct err *err);         /* a db_unit; row.id is that of the same press when there is one (stored false) */
#endif
