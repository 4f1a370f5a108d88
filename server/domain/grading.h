/* grading: submissions, applies and dry runs taken in as rows, graded by jobs, verdicts stored once. Behind it: submission.c, apply.c, grade.c,
 * evidence.c, verdict.c. The shape is always row, answer, job, row, publish. Any thread. */
#ifndef MAKMAL_DOMAIN_GRADING_H
#define MAKMAL_DOMAIN_GRADING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check/check.h"
#include "domain/attempt.h"
struct kube; struct kube_front; struct words; struct progress; struct edition;
struct grading;
struct grading_needs { struct db *db; struct live *live; struct catalog *catalog; struct cluster *cluster; struct attempts *attempts; struct progress *progress; struct check_pool *pool; int workers; bool no_rates; /* measurements alone */ };
bool grading_open(const struct grading_needs *needs, struct grading **out, struct err *err);
bool grading_resume(struct grading *grading, struct err *err);    /* start-up: everything received and not graded is graded */
void grading_close(struct grading *grading, int64_t drain_ms);

/* Takes a submission in: limits, idempotency key (may be NULL: equal files within 10 s are the same press), row first. out_id: of the row, new or the
 * one that answers the same press. One being graded per attempt: ERR_CONFLICT "submission.running" with param submission. */
bool submission_take(struct grading *grading, const struct viewer *viewer, const char *attempt, const struct check_file *files, size_t count, const char *key, char out_id[ID_SIZE], struct err *err);
struct tree *submission_json(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err);   /* {submission, verdict?}, worded for the viewer */
struct tree *submission_list(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *attempt, struct arena *arena, struct err *err);
/* Apply and dry run: rows of one table, `kind` apply | dryrun; take_over: the managers whose fields are taken, or NULL. */
bool apply_take(struct grading *grading, const struct viewer *viewer, const char *attempt, const struct check_file *files, size_t count, bool dry_run, bool take_over, const char *key, char out_id[ID_SIZE], struct err *err);
struct tree *apply_json(struct grading *grading, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err);

/* --- without rows: makmal grade, makmal prove, the benchmark ------------------------------------------------------------------------------------------ */
struct grade_input {
  const struct edition *edition; const struct lab *lab;
  const struct check_file *files; size_t file_count;
  const struct tree *params;
  enum check_scope scope;
  const struct kube *kube;                    /* NULL: live checks are left out */
  const struct kube_front *front;             /* its Ingress controller; NULL: pages by host are unobserved */
  const char *namespace; const char *token;   /* the learner's token, for `strict` */
  const char *person;                         /* whose hand-in it is, for the pool's turns; may be NULL */
  const struct tree *start;
  int64_t applied_ms;
  bool read_only;                             /* nothing is sent that could be taken for a write: no dry runs, `strict` checks are unobserved */
  bool bulk;                                  /* nobody hands in again: what cannot be read fails every check (files.unreadable) */
  int wait_ms;                                /* how long pending checks are run again (a closing run: until the deadlines) */
};
/* *out: the verdict {format, run, body, body_sha256} (makmal.verdict/1); *out_evidence (may be NULL): makmal.evidence/1. False only when it is our fault. */
bool grade_once(struct check_pool *pool, struct arena *arena, const struct grade_input *input, struct tree **out, struct tree **out_evidence, struct err *err);
/* The verdict on a hand-in that could not even be taken in (too large, a broken archive): as one that a reader refused, for that reason. */
struct tree *grade_unread(struct arena *arena, const struct grade_input *input, const struct err *why);
/* Applies files as the learner: a strict dry run of all, then server-side apply as manager `kubectl`. False: our fault; if writing had begun *out tells all the same what was done. *out: {ok, objects: [{kind, name, did: created|configured|unchanged|refused|not_tried, findings}], findings}. */
bool apply_files(struct check_pool *pool, const struct kube *kube, struct arena *arena, const struct check_file *files, size_t count, const struct tree *params, const char *namespace, const char *token, bool dry_run, bool take_over, struct tree **out, struct err *err);
/* Worded for a person: every finding gets text, hint texts that are open, titles. show: what the viewer may see is cut by `visible`. */
struct tree *verdict_worded(struct arena *arena, const struct tree *verdict, const struct lab *lab, enum lang lang, int tries, bool staff);
#endif
