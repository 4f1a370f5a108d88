/* store_regrade: decisions to grade again, their work list and ledger. Reading functions take a db_read, writing ones a db_tx. */
#ifndef MAKMAL_STORE_STORE_REGRADE_H
#define MAKMAL_STORE_STORE_REGRADE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_regrade_queries[];

struct regrade_row {
  char id[ID_SIZE], by_person[ID_SIZE], role[16], lab[64], check_id[64], workshop[ID_SIZE];      /* lab, check_id, workshop "": NULL */
  char reason[2004], state[12], why[64];
  int64_t at_ms, ended_ms;
  int64_t done, of;                           /* items; filled by find and list */
};
/* lab_version, library: of the decision. Text columns "" stand for NULL. */
struct regrade_item {
  int64_t place;
  char submission[ID_SIZE], person[ID_SIZE], workshop[ID_SIZE], lab[64], lab_version[65], library[65];
  char state[12], why[64], old_verdict[ID_SIZE], new_verdict[ID_SIZE];
  char old_earned[48], old_max[48], new_earned[48], new_max[48], sheet_old[48], sheet_new[48];
  char name[244]; int64_t number;             /* the person's, and the hand-in's; filled by the reading functions */
};

/* A second one while one runs: ERR_CONFLICT "regrade.running". */
bool store_regrade_add(struct db_tx *tx, const struct regrade_row *row, struct err *err);
bool store_regrade_item_add(struct db_tx *tx, const char *regrade, const struct regrade_item *item, struct err *err);
bool store_regrade_find(struct db_read *read, const char *id, struct regrade_row *out, struct err *err);         /* ERR_NOT_FOUND "regrade.missing" */
bool store_regrade_running(struct db_read *read, struct regrade_row *out);                                       /* false: none */
bool store_regrade_list(struct db_read *read, const char *by_person, struct arena *arena, struct regrade_row **out, size_t *out_count, struct err *err);   /* newest first, at most 100; NULL: everybody's */
bool store_regrade_items(struct db_read *read, const char *regrade, bool waiting, size_t most, struct arena *arena, struct regrade_item **out, size_t *out_count, struct err *err);
bool store_regrade_item_end(struct db_tx *tx, const char *regrade, const struct regrade_item *item, struct err *err);   /* ERR_CONFLICT "store.ended" when it is no longer waiting */
bool store_regrade_end(struct db_tx *tx, const char *id, const char *state, const char *why, int64_t at_ms, struct err *err);

/* What was handed in and graded, oldest first: of one lab, or of a workshop (lab NULL); workshop and owner (who opened the workshop) narrow, NULL: all. */
struct regrade_scope { const char *lab, *workshop, *owner; };
bool store_regrade_select(struct db_read *read, const struct regrade_scope *scope, size_t most, struct arena *arena, struct regrade_item **out, size_t *out_count, struct err *err);
struct regrade_lab { char lab[64], lab_version[65], library[65]; int64_t submissions; };
/* Labs in which something was graded, one row for each version and library that its counting verdicts were made with. */
bool store_regrade_labs(struct db_read *read, const char *owner, struct arena *arena, struct regrade_lab **out, size_t *out_count, struct err *err);

/* The verdict that counts for a hand-in from now on. */
bool store_regrade_count(struct db_tx *tx, const char *submission, const char *verdict, const char *state, const char *earned, const char *max, struct err *err);
/* All that a hand-in was ever given: newest first, at most 50. */
struct regrade_grade { char verdict[ID_SIZE], earned[48], max[48], reason[2004]; int64_t run, at_ms; bool counts; };
bool store_regrade_grades(struct db_read *read, const char *submission, struct arena *arena, struct regrade_grade **out, size_t *out_count, struct err *err);
#endif
