/* api_catalog: courses, modules, labs, quiz answers, progress and hints as JSON. Rules are domain's; here bodies become calls and rows become replies. */
#ifndef MAKMAL_WEB_API_CATALOG_H
#define MAKMAL_WEB_API_CATALOG_H
#include "web/route.h"
struct lab;
extern const struct route api_catalog_routes[];
/* What this cluster lacks for a lab, each word once; nothing while it is not known yet (building, starting, away). Shared with the pages. */
size_t catalog_missing(const struct req *req, const struct lab *lab, const char *out[16]);
#endif
