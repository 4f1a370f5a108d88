/* replay: what was handed in, graded again out of its evidence with the lab as it is now: no cluster is asked, nothing is written. Any thread but the writer's. */
#ifndef MAKMAL_DOMAIN_REPLAY_H
#define MAKMAL_DOMAIN_REPLAY_H
#include "domain/grading.h"
#include "store/store_submission.h"
#include "store/store_verdict.h"
struct db;

struct replay {
  struct submission_row row;
  struct verdict_row old;                     /* the verdict that counts; id "" when there is none */
  struct tree *old_body;                      /* NULL: forgotten */
  struct tree *verdict, *evidence;            /* the new one and what it came from; NULL when nothing could be graded anew */
  const char *kept;                           /* why nothing was graded anew: "forgotten", "unobserved", "failed" (the script, in all that was asked), "refused"; else NULL */
  const char *failed;                         /* key of the first error of the script, or NULL */
  bool same;                                  /* not one byte differs from the old */
};
/* verdict: this one instead of the one that counts, or NULL. only: the check that is graded anew, or NULL: all (verdict.h, verdict_keep). The lab must be in
 * the edition: else ERR_UNAVAILABLE "lab.gone". False: our fault; what is missing in the evidence is an answer (kept). */
struct replay_ask { const char *submission, *verdict, *only; const struct lab *lab; /* instead of the edition's, or NULL */ };
bool replay_submission(struct check_pool *pool, struct db *db, struct arena *arena, const struct edition *edition, const struct replay_ask *ask, struct replay *out, struct err *err);
/* The lab with another script, as an author tries one: everything else is the edition's. INVALID "script.error", or the key of what lint says of its checks. */
bool replay_script(struct check_pool *pool, struct arena *arena, const struct edition *edition, const struct lab *lab, const char *text, size_t length, struct lab *out, struct err *err);
#endif
