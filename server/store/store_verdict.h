/* store_verdict: ended runs. Added, never changed; their text and evidence lie in body, reached by rows that may be forgotten. */
#ifndef MAKMAL_STORE_STORE_VERDICT_H
#define MAKMAL_STORE_STORE_VERDICT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_verdict_queries[];
struct verdict_row {
  char id[ID_SIZE], submission[ID_SIZE], script[65], kind[8], state[8], earned[48], max[48], body_sha256[65], evidence_sha256[65], lab_version[65], library[65], regrade[ID_SIZE];   /* regrade "": the hand-in's own */
  int64_t run, at_ms;
  bool final;
};
/* Adds the row, its body and its evidence (canonical JSON of each). Fills run. A final one where there is one already: ERR_CONFLICT "verdict.final". */
bool store_verdict_add(struct db_tx *tx, struct verdict_row *row, const char *person, const char *body, size_t body_length, const char *evidence, size_t evidence_length, struct err *err);
bool store_verdict_get(struct db_read *read, const char *id, struct verdict_row *out, struct err *err);                    /* ERR_NOT_FOUND "verdict.missing" */
/* The run that counts (the one that the hand-in's row names, else the final one), or while there is none the newest; false without err when there is no run at all. */
bool store_verdict_of(struct db_read *read, const char *submission, struct verdict_row *out);
bool store_verdict_text(struct db_read *read, const char *verdict, const char *what, struct arena *arena, const char **out, size_t *out_length, struct err *err);   /* what: body | evidence */
int64_t store_verdict_runs(struct db_read *read, const char *submission);
#endif
