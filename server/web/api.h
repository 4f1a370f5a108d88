/* api: the route tables of the api_*.c rooms; route.c lists them. */
#ifndef MAKMAL_WEB_API_H
#define MAKMAL_WEB_API_H
#include "web/route.h"
extern const struct route api_status_routes[];       /* health, metrics, cluster */
extern const struct route api_people_routes[];       /* me, joins, logins, set-up, workshops */
extern const struct route api_catalog_routes[];      /* courses, labs, quiz, progress */
extern const struct route api_attempt_routes[];      /* attempts, drafts, objects, kubeconfig */
extern const struct route api_regrade_routes[];       /* grading again: previews, decisions */
extern const struct route api_submission_routes[];   /* submissions, applies, dry runs, hints */
#endif
