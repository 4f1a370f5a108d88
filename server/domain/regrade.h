/* regrade: grading again what was handed in, out of its evidence, with the lab as it is now: first a preview that writes nothing and tells who gains and
 * who loses, then, with a reason, new verdicts beside the old ones. Instructors: the workshops they opened; administrators: everybody. Any thread.
 *
 * What it means for points: a hand-in's verdict becomes what the new check says, up or down; the old one stays and is shown. A person's sheet (progress)
 * follows the lab's own rule: it keeps the best, so a regrade raises it and never lowers it; where lab.yaml says `keep: last` it follows the last
 * hand-in, down too. A preview counts by the same rule and says which it is. */
#ifndef MAKMAL_DOMAIN_REGRADE_H
#define MAKMAL_DOMAIN_REGRADE_H
#include <stdbool.h>
#include "base/id.h"
#include "domain/viewer.h"
struct arena; struct catalog; struct check_pool; struct db; struct db_read; struct err; struct live; struct tree;

#define REGRADE_MOST 20000                   /* hand-ins of one regrade */
#define REGRADE_REASON_MAX 500               /* characters */
struct regrades;
struct regrades_needs { struct db *db; struct live *live; struct catalog *catalog; struct check_pool *pool; };
bool regrades_open(const struct regrades_needs *needs, struct regrades **out, struct err *err);
bool regrades_resume(struct regrades *regrades, struct err *err);        /* start-up: one that was under way goes on where it was */
void regrades_close(struct regrades *regrades);

/* lab, or workshop, or both; check narrows to one of the lab's. NULL or "": not said. */
struct regrade_ask { const char *lab, *check, *workshop; };
/* A job makes it; one for each person, a new one takes the place of an older. Lost at a restart: nothing was written. Errors: INVALID "regrade.scope";
 * NOT_FOUND "lab.missing", "regrade.no-check", "workshop.unknown"; CONFLICT "regrade.none"; LIMIT "regrade.many", "regrade.previews". */
bool regrade_preview(struct regrades *regrades, const struct viewer *viewer, const struct regrade_ask *ask, char out_id[ID_SIZE], struct err *err);
bool regrade_cancel(struct regrades *regrades, const struct viewer *viewer, const char *id, struct err *err);   /* a preview; what runs is not stopped: CONFLICT "regrade.runs-on" */
/* Carries a finished preview out, under the same id. INVALID "regrade.reason"; CONFLICT "regrade.early" (not finished), "regrade.changed" (the lab was changed
 * since), "regrade.running" (another). */
bool regrade_begin(struct regrades *regrades, const struct viewer *viewer, const char *id, const char *reason, struct err *err);

/* {id, state: previewing | preview | running | done | stopped | failed, lab, lab_title, check, check_title, workshop, workshop_name, keep_last, reason, by, at_ms, done, of, why,
 *  people: {up, down, held, same}, handins: {regraded, same, kept, up, down}, kept: {forgotten, unobserved, failed, refused, gone}, checks: [{id, title, before, after}]
 *  (pass, partial, fail, other; previews alone), attempts (previews alone: running ones that would go on with the lab as it is now), rows: [{person, name, lab, lab_title, old, new, max (numbers too: *_number), change: up | down | held | same, fell}]}.
 * held: the sheet stays although a hand-in's verdict falls. Rows: those that change first, 500 at most. Not the viewer's own and no administrator: NOT_FOUND. */
struct tree *regrade_json(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, struct err *err);
/* {regrades: [newest first], labs: [{id, title, handins, earlier}], appeals (appeal.h)}; earlier: graded with an older version of the lab or library. */
struct tree *regrade_overview(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, struct arena *arena, struct err *err);
/* {id, title, handins, earlier, keep_last, checks: [{id, title, on, points}]} */
struct tree *regrade_lab(struct regrades *regrades, struct db_read *read, const struct viewer *viewer, const char *lab, struct arena *arena, struct err *err);
#endif
