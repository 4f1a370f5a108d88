/* store_workshop: classes with an instructor, and their join codes. */
#ifndef MAKMAL_STORE_STORE_WORKSHOP_H
#define MAKMAL_STORE_STORE_WORKSHOP_H
#include <stdbool.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct err;
extern const struct db_query store_workshop_queries[];
struct workshop_row {
  char id[ID_SIZE], name[244], code[8];
  char opened_by[ID_SIZE];                    /* "" = from the command line */
  int64_t opened_ms, until_ms, closed_ms;     /* closed_ms 0 = not closed by hand */
  int64_t people;                             /* who joined; filled by store_workshop_next alone */
};
/* A code that an open workshop has: ERR_CONFLICT "store.conflict". */
bool store_workshop_add(struct db_tx *tx, const struct workshop_row *row, struct err *err);
/* Finders: true without a row leaves out->id "". */
bool store_workshop_find(struct db_read *read, const char *id, struct workshop_row *out, struct err *err);
bool store_workshop_by_code(struct db_read *read, const char *code, struct workshop_row *out, struct err *err);       /* not closed by hand; until_ms is the caller's to judge */
/* Frees the code of workshops whose time is over, so that it can be drawn again. */
bool store_workshop_close_over(struct db_tx *tx, int64_t now_ms, struct err *err);
bool store_workshop_close(struct db_tx *tx, const char *id, int64_t now_ms, struct err *err);
/* Newest first. opened_by NULL: everybody's. Steps with store_workshop_next; ends with db_end. */
struct db_stmt *store_workshop_list(struct db_read *read, const char *opened_by);
enum db_step store_workshop_next(struct db_stmt *stmt, struct workshop_row *out, struct err *err);
#endif
