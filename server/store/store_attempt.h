/* store_attempt: rows of attempt and attempt_start. Rules (limits, who may, what follows what) are the domain's; the states' order is kept here too:
 * a move names the state it comes from and changes nothing when the row is elsewhere. Reading functions take a db_read, writing ones a db_tx. */
#ifndef MAKMAL_STORE_STORE_ATTEMPT_H
#define MAKMAL_STORE_STORE_ATTEMPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_attempt_queries[];

struct attempt_row {
  char id[ID_SIZE], person[ID_SIZE], workshop[ID_SIZE], lab[64], lab_version[65], namespace[32], state[12], why[64];
  int64_t created_ms, ready_ms, expires_ms, applied_ms, ended_ms;
  int resets;
  int nodeport;                                  /* for store_attempt_add: the parameter of that name, once more; 0: it has none */
  const char *params, *why_params, *proof;       /* JSON in the arena; the last two may be NULL */
};
/* ERR_CONFLICT "store.conflict" when (person, lab) has an open one already, or another attempt has its NodePort. */
bool store_attempt_add(struct db_tx *tx, const struct attempt_row *row, struct err *err);
bool store_attempt_get(struct db_read *read, const char *id, struct arena *arena, struct attempt_row *out, struct err *err);             /* ERR_NOT_FOUND "attempt.missing" */
bool store_attempt_open_one(struct db_read *read, const char *person, const char *lab, struct arena *arena, struct attempt_row *out, struct err *err);  /* the open one */
bool store_attempt_by_namespace(struct db_read *read, const char *namespace, struct arena *arena, struct attempt_row *out, struct err *err);
int store_attempt_count_open(struct db_read *read, const char *person);
/* All in a state, oldest first. */
bool store_attempt_in(struct db_read *read, const char *state, struct arena *arena, struct attempt_row **out, size_t *out_count, struct err *err);
/* Open ones of a lab, a workshop, the workshops that a person opened: each narrows, NULL does not. In no order. */
struct attempt_scope { const char *lab, *workshop, *owner; };
bool store_attempt_running(struct db_read *read, const struct attempt_scope *scope, struct arena *arena, struct attempt_row **out, size_t *out_count, struct err *err);
int64_t store_attempt_workshop_until(struct db_read *read, const char *workshop);                /* when the workshop ends or was closed; 0: no such */
bool store_attempt_workshop_by(struct db_read *read, const char *workshop, char out[ID_SIZE]);   /* who opened it; false: nobody that has an id */
bool store_attempt_newest(struct db_read *read, char out[ID_SIZE]);                              /* false: no row at all */

bool store_attempt_nodeport_taken(struct db_read *read, int port);                                /* by an attempt that is not gone */
bool store_attempt_params(struct db_tx *tx, const char *id, const char *params, struct err *err);  /* of one that is still wanted */

/* From one state to another. why and why_params (JSON, may be NULL) replace what stood there. *out_moved (may be NULL): whether the row was in `from`. */
bool store_attempt_move(struct db_tx *tx, const char *id, const char *from, const char *to, const char *why, const char *why_params, int64_t at_ms, bool *out_moved, struct err *err);
bool store_attempt_why(struct db_tx *tx, const char *id, const char *why, const char *why_params, struct err *err);      /* what a wanted one waits for */
bool store_attempt_ready(struct db_tx *tx, const char *id, int64_t at_ms, int64_t expires_ms, const char *proof, bool *out_moved, struct err *err);   /* wanted -> ready */
bool store_attempt_was_reset(struct db_tx *tx, const char *id, bool *out_moved, struct err *err);                        /* resetting -> ready, resets + 1 */
bool store_attempt_expires(struct db_tx *tx, const char *id, int64_t expires_ms, struct err *err);
bool store_attempt_version(struct db_tx *tx, const char *id, const char *from, const char *to, struct err *err);            /* an open one goes on with another version of its lab */
bool store_attempt_applied(struct db_tx *tx, const char *id, int64_t at_ms, struct err *err);

bool store_attempt_start_put(struct db_tx *tx, const char *id, int reset, int64_t at_ms, const char *objects, struct err *err);   /* the first one stays */
/* *out NULL when there is none for that reset. */
bool store_attempt_start_get(struct db_read *read, const char *id, int reset, struct arena *arena, const char **out, int64_t *out_at_ms, struct err *err);
#endif
