/* api_catalog: courses, modules, labs, quiz answers, progress and hints as JSON. Rules are domain's; here bodies become calls and rows become replies. */
#ifndef MAKMAL_WEB_API_CATALOG_H
#define MAKMAL_WEB_API_CATALOG_H
#include "web/route.h"
struct lab; struct tree;
extern const struct route api_catalog_routes[];
/* Why this cluster cannot carry a lab (or lets it run on paper only), as a sentence; NULL when it can, and while that is not known yet (building,
 * starting, away). out_words: the words it lacks, or NULL. Shared with the pages. */
const char *catalog_lacks(struct req *req, const struct lab *lab, struct tree **out_words);
#endif
