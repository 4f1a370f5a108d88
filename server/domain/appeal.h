/* appeal: a learner asks, in words, that a hand-in be graded again; the instructor of the workshop sees it beside the regrades and answers with one that takes the
 * hand-in up, or refuses in words. Rows alone, no state. Any thread. */
#ifndef MAKMAL_DOMAIN_APPEAL_H
#define MAKMAL_DOMAIN_APPEAL_H
#include <stdbool.h>
#include "domain/viewer.h"
struct arena; struct db_read; struct err; struct regrades; struct tree;

#define APPEAL_TEXT_MAX 300                  /* characters of reason and answer */
#define APPEALS_A_DAY 5                      /* of one person */
#define APPEALS_SHOWN 100

/* One's own hand-in, graded. Errors: INVALID "appeal.reason"; NOT_FOUND "submission.missing"; CONFLICT "appeal.not-graded", "appeal.open"; LIMIT "appeal.often". */
bool appeal_make(struct regrades *regrades, const struct viewer *viewer, const char *submission, const char *reason, struct err *err);
/* INVALID "appeal.reason"; NOT_FOUND "appeal.missing"; CONFLICT "appeal.answered". */
bool appeal_refuse(struct regrades *regrades, const struct viewer *viewer, const char *id, const char *answer, struct err *err);
/* The newest of a hand-in: {id, state: open | regraded | refused, reason, at_ms, ended_ms, answer, outcome: regraded | same | kept}; TREE_NULL when there is none. No viewer: who asks may see the hand-in. */
struct tree *appeal_of(struct db_read *read, struct arena *arena, const char *submission);
/* Open ones, oldest first: [{id, submission, number, name, lab, workshop, reason, at_ms, earned, max (each with _number)}]. */
struct tree *appeal_list(struct db_read *read, const struct viewer *viewer, struct arena *arena, struct err *err);
/* Tells the pages of an attempt that a hand-in of it was graded again or answered: event "regraded" {submission}. */
void appeal_tell(struct regrades *regrades, const char *attempt, const char *submission);
#endif
