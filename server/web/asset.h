/* asset: web/dist in memory: hashed names that never change, with their compressed siblings; the manifest that leads to them. Read-only once open. */
#ifndef MAKMAL_WEB_ASSET_H
#define MAKMAL_WEB_ASSET_H
#include <stdbool.h>
#include "web/route.h"
#define ASSET_MAX (4u * 1024u * 1024u)  /* one file */
struct assets; struct buf;
/* folder: web/dist. Not there: an empty set, said in the log (pages read and work without scripts); a broken manifest is an error. */
bool assets_open(const char *folder, struct assets **out, struct err *err);
void assets_close(struct assets *assets);
/* "/assets/app.1A2B.js" for "app.js"; NULL when the page was not built or has no such entry. assets may be NULL. */
const char *assets_url(const struct assets *assets, const char *entry);
extern const struct route asset_routes[];
#endif
