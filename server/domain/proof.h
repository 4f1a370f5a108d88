/* proof: that a lab's walls stand, shown with the learner's own token and dryRun=All, so that nothing is stored. Controls must be accepted, forbidden
 * acts refused by 403 with the mark of their guard; 401, 404, 5xx, silence or another guard's text is "not proven". Asks the cluster: never on a page
 * thread. A new wall or act is one row of proof_acts. */
#ifndef MAKMAL_DOMAIN_PROOF_H
#define MAKMAL_DOMAIN_PROOF_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct err; struct kube; struct tree;

/* guard "none": a control. In path and body $ns, $people and $account (the learner's) are filled in. mark: what the refusal's message must hold. impersonate: as whom it is
 * tried, or NULL. */
struct proof_act { const char *act, *guard, *method, *path, *body, *mark, *impersonate; };
extern const struct proof_act proof_acts[];       /* ends with {0} */

/* *out: {at_ms, refused, of, acts: [{act, guard, ok, got?}]}; controls stand in acts, and are not counted. Rows that do not hold are asked again for
 * up to 1 s, since what was written a moment ago reaches the API server's own guards a little later. False: it could not be asked
 * (UNAVAILABLE, TIMEOUT), or it does not hold: UPSTREAM "proof.open" with params act, guard, got; *out is set in that case too. */
bool proof_run(const struct kube *kube, struct arena *arena, const char *namespace, const char *people, const char *token, struct tree **out, struct err *err);
#endif
