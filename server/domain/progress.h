/* progress: points, completion, quiz answers, hints that are open: rules over rows. A step's best final verdict, first reached, never lowered. Any thread. */
#ifndef MAKMAL_DOMAIN_PROGRESS_H
#define MAKMAL_DOMAIN_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "domain/viewer.h"
struct arena; struct err; struct db; struct db_read; struct db_tx; struct catalog; struct edition; struct lab; struct tree;
struct progress;
bool progress_open(struct db *db, struct catalog *catalog, struct progress **out, struct err *err);
void progress_close(struct progress *progress);
/* Inside the write unit that stores a verdict: keeps the best per (person, workshop, lab, step). body: the verdict's body. A lab with `keep: last` keeps the
 * last instead, for the steps in which no check ended in an error. */
bool progress_record(struct db_tx *tx, const struct lab *lab, const char *person, const char *workshop, const char *submission, const struct tree *body, int64_t at_ms, struct err *err);
/* {courses: [{id, title, summary, earned, earned_number, max, done, of, modules: [{id, number, title, minutes, done, labs: [{id, title, minutes, points, earned,
 * earned_number, max, done, begun, steps: [{id, title, earned, max, done}]}], quiz: {right, answered, of}}]}]}. earned: an exact fraction ("7/2"); earned_number:
 * the same to show; max: whole; done: of checks' steps for a lab, of modules for a course (done of). Nobody signed in: all zero. NULL: the store failed. */
struct tree *progress_json(struct progress *progress, struct db_read *read, const struct viewer *viewer, struct arena *arena);
/* The same on rows in memory, as a preview of a regrade counts them: `rows` of one person, workshop and lab, room for one of each of the lab's steps.
 * Writes what changed into `changed` (or NULL), room likewise. */
struct progress_row;
void progress_fold(const struct lab *lab, const struct progress_row *like, const struct tree *body, struct progress_row *rows, size_t *count, bool *changed);
bool progress_load(struct db_read *read, const struct lab *lab, const char *person, const char *workshop, struct progress_row *rows, size_t *out_count, struct err *err);
/* The sum of the rows' points. */
void progress_sum(const struct progress_row *rows, size_t count, char out[48]);
/* Grades an answer (its place in quiz.yaml, from 0) and stores it when somebody is signed in. *out_betrays: the sentence of a wrong answer, in the arena, or NULL. */
bool progress_quiz(struct progress *progress, const struct viewer *viewer, const char *module, const char *item, int answer, struct arena *arena,
                   bool *out_right, const char **out_betrays, struct err *err);

/* --- hint.c: which rungs of a ladder are open after so many tries that did not pass and minutes since the attempt began; opened ones stay ---------- */
/* Opens a rung (1 to 3) of a ladder of the attempt's lab and gives its text. The attempt is one that the viewer may see (attempt_may); staff
 * opens any rung of it, for the learner too. ERR_CONFLICT "hint.early-tries|-minutes|-both" (params tries, minutes) or "hint.order" (the one before comes first); ERR_NOT_FOUND "hint.missing". */
bool hint_open(struct progress *progress, const struct viewer *viewer, const char *attempt, const char *key, int rung, struct arena *arena, const char **out_text, struct err *err);
/* [{key, rung, text}] opened so far; empty when the attempt is not the viewer's. */
struct tree *hint_list(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, const char *lab, struct arena *arena);
/* [{key, rungs, opened, next: {rung, tries, minutes, open} | null}]: tries and minutes are what is left to wait for, 0: not by that way. */
struct tree *hint_ladders(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, struct arena *arena);
#endif
