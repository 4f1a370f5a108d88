/* store_appeal: learners who ask that a hand-in be graded again, and what they were answered. Reading functions take a db_read, writing ones a db_tx. */
#ifndef MAKMAL_STORE_STORE_APPEAL_H
#define MAKMAL_STORE_STORE_APPEAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_appeal_queries[];

struct appeal_row {
  char id[ID_SIZE], submission[ID_SIZE], person[ID_SIZE], workshop[ID_SIZE], state[12], regrade[ID_SIZE];      /* workshop, regrade "": NULL */
  char reason[1204], answer[2004];            /* answer: of the refusal, or the reason of the regrade */
  char outcome[12];                           /* what the regrade brought this hand-in: regraded, same, kept; filled by _of */
  int64_t at_ms, ended_ms;
  char name[244], attempt[ID_SIZE], lab[64], earned[48], max[48]; int64_t number;      /* the person's and the hand-in's; filled by _open and _find */
};
/* A second open one: ERR_CONFLICT "appeal.open". */
bool store_appeal_add(struct db_tx *tx, const struct appeal_row *row, struct err *err);
int64_t store_appeal_count(struct db_read *read, const char *person, int64_t since_ms);
bool store_appeal_find(struct db_read *read, const char *id, struct appeal_row *out, struct err *err);         /* ERR_NOT_FOUND "appeal.missing" */
bool store_appeal_of(struct db_read *read, const char *submission, struct appeal_row *out);                    /* the newest; false: none */
/* Open ones, oldest first, at most `most`: of the workshops that `owner` opened; NULL: all. */
bool store_appeal_open(struct db_read *read, const char *owner, size_t most, struct arena *arena, struct appeal_row **out, size_t *out_count, struct err *err);
bool store_appeal_refuse(struct db_tx *tx, const char *id, const char *answer, const char *by_person, int64_t at_ms, struct err *err);      /* ERR_CONFLICT "appeal.answered" */
bool store_appeal_regraded(struct db_tx *tx, const char *submission, const char *regrade, int64_t at_ms, struct err *err);                 /* the open one, if there is one */
#endif
