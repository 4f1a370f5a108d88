/* verdict: outcomes and points, counted by the server from what a worker reported (a worker is not trusted with points); what the
 * viewer may see of it, and its words. Pure functions on trees; any thread. */
#ifndef MAKMAL_DOMAIN_VERDICT_H
#define MAKMAL_DOMAIN_VERDICT_H
#include "domain/grading.h"
struct check_result;
struct verdict_facts {
  const struct edition *edition; const struct lab *lab;
  const struct tree *params;
  enum check_scope scope;
  bool no_api;                  /* no API server was to be asked: `strict` checks are unobserved, whatever the hand-in */
  bool refused_fails;           /* a refused hand-in fails its checks, instead of having none: nobody hands in again */
  const char *kubernetes;       /* "1.36" or NULL */
  const char *evidence;         /* root hash, 64 hex */
  const char *kind, *actor;     /* run: try | auto | closing | prove | cli; learner | … */
  const char *id, *attempt, *submission;   /* or NULL */
  int64_t started_ms, took_ms, cpu_ms;
};
/* {format, run, body, body_sha256}. Checks the worker did not end, or that it made up, become `error` (who platform). */
struct tree *verdict_build(struct arena *arena, const struct verdict_facts *facts, const struct check_result *result);
/* For a regrade: checks that the replay could not observe, in which the script failed, or that were blocked by such a one keep what they had in old_body, and
 * with `only` (or NULL) all but that check do. body.kept names them with the script that graded them; without any the body is the replay's, byte for byte.
 * *out_new: how many of the checks asked for were graded anew. */
void verdict_keep(struct arena *arena, struct tree *verdict, const struct tree *old_body, const char *only, int *out_new);
/* One raw check with outcome and points, as it stands in body.checks; NULL when no such check is known. For the preview while a run goes on. */
struct tree *verdict_check(struct arena *arena, const struct lab *lab, enum check_scope scope, bool no_api, const struct tree *raw);
struct tree *verdict_check_worded(struct arena *arena, const struct tree *check, const struct lab *lab, enum lang lang, int tries, bool staff);
struct tree *finding_worded(struct arena *arena, const struct tree *finding, const struct words *words, enum lang lang);
bool verdict_has(const struct tree *verdict, const char *outcome);      /* some check ended so */
bool verdict_all_passed(const struct tree *verdict);
#endif
