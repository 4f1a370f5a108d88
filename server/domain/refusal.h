/* refusal: what the API server says about an object, turned into findings with the place in the learner's file (five kinds of 403,
 * a 500 that is the learner's mistake, texts where there are no causes). Pure functions; any thread. */
#ifndef MAKMAL_DOMAIN_REFUSAL_H
#define MAKMAL_DOMAIN_REFUSAL_H
#include <stdbool.h>
struct arena; struct err; struct kube_reply; struct tree;
enum refusal { REFUSAL_NONE /* taken */, REFUSAL_NOTE /* taken as far as a dry run can tell; a note stands in findings */, REFUSAL_THEIRS, REFUSAL_OURS };
/* object: the learner's, with places. file: its name. Appends to findings; with OURS err says why. dry: a quota refusal and a 409 are no refusals. */
enum refusal refusal_of(struct arena *arena, const struct kube_reply *reply, const struct tree *object, const char *file, int doc, bool dry, struct tree *findings, struct err *err);
/* A finding of ours about an object: key, level "fail", its place (path NULL: the whole object). params: name, value pairs, ending with NULL. */
struct tree *refusal_finding(struct arena *arena, const char *key, const struct tree *object, const char *file, int doc, const char *path, ...) __attribute__((sentinel));
#endif
