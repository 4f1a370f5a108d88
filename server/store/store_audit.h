/* store_audit: the append-only, hash-chained trail of who did what. Ids and words only: no names, no learner's text, no secrets. */
#ifndef MAKMAL_STORE_STORE_AUDIT_H
#define MAKMAL_STORE_STORE_AUDIT_H
#include <stdbool.h>
#include <stdint.h>
#include "store/db.h"
struct err;
extern const struct db_query store_audit_queries[];
/* actor: a person's id, NULL for the command line or the platform. what: a dotted word ("workshop.opened"). The rest may be NULL. at_ms 0: now. */
struct audit { const char *actor, *role, *what, *object, *before, *after, *request; int64_t at_ms; };
bool store_audit_add(struct db_tx *tx, const struct audit *audit, struct err *err);
/* Walks the chain. *out_bad: seq of the first row that does not fit, 0 when all do. */
bool store_audit_check(struct db_read *read, int64_t *out_bad, struct err *err);
#endif
