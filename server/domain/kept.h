/* kept: labs as they were when an attempt began with them. The files that make a lab go into the store with the first attempt of a version; an edition
 * builds such a lab when it is first asked for (edition_lab_of, catalog.h) and holds it as long as it stands. Any thread. */
#ifndef MAKMAL_DOMAIN_KEPT_H
#define MAKMAL_DOMAIN_KEPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct db; struct db_tx; struct err; struct lab; struct shelf;
#define KEPT_BYTES_MAX (2u * 1024u * 1024u)  /* a larger lab is not kept: its attempts go by the lab as it is */
#define KEPT_MOST 200                        /* built of one edition */

struct keeping { const struct lab *lab; const char *files; size_t length; int64_t at_ms; };     /* files NULL: nothing to do */
/* What is to be written with an attempt of this lab, one of an edition; nothing when its version is kept already. */
bool kept_prepare(struct db *db, struct arena *arena, const struct lab *lab, struct keeping *out, struct err *err);
bool kept_write(struct db_tx *tx, const struct keeping *keeping, struct err *err);              /* in the unit that stores the attempt */
/* The shelf's lab of an older version: NULL with err clear: it is not to be had; with err: our fault, ask again. now: the lab as it is, or NULL. */
const struct lab *kept_lab(struct shelf *shelf, const struct lab *now, const char *id, const char *version, struct err *err);
void kept_free(struct shelf *shelf);
#endif
