/* progress: points, completion, quiz answers, hints that are open: rules over rows. A step's best final verdict, first reached, never lowered (ruling 10). Any thread. */
#ifndef MAKMAL_DOMAIN_PROGRESS_H
#define MAKMAL_DOMAIN_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "domain/viewer.h"
struct arena; struct err; struct db; struct db_read; struct db_tx; struct catalog; struct lab; struct tree;
struct progress;
bool progress_open(struct db *db, struct catalog *catalog, struct progress **out, struct err *err);
void progress_close(struct progress *progress);
/* Inside the write unit that stores a verdict: keeps the best per (person, workshop, lab, step). body: the verdict's body. */
bool progress_record(struct db_tx *tx, const struct lab *lab, const char *person, const char *workshop, const char *submission, const struct tree *body, int64_t at_ms, struct err *err);
/* {courses: [{id, title, modules: [{id, title, labs: [{id, title, earned, max, done}], quiz: {right, of}}]}]} */
struct tree *progress_json(struct progress *progress, struct db_read *read, const struct viewer *viewer, struct arena *arena);
bool progress_quiz(struct progress *progress, const struct viewer *viewer, const char *module, const char *item, int answer, bool *out_right, const char **out_betrays, struct err *err);
/* Hints: which rungs of a finding's ladder are open after `tries` tries that did not pass and `minutes` since the attempt began, opened ones included. */
bool hint_open(struct progress *progress, const struct viewer *viewer, const char *attempt, const char *key, int rung, struct arena *arena, const char **out_text, struct err *err);
struct tree *hint_list(struct progress *progress, struct db_read *read, const struct viewer *viewer, const char *attempt, const char *lab, struct arena *arena);   /* [{key, rung, text}] opened so far */
#endif
