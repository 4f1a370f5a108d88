/* store_progress: rows of progress, quiz_answer and hint_opened. What is better and what may be opened is the domain's. */
#ifndef MAKMAL_STORE_STORE_PROGRESS_H
#define MAKMAL_STORE_STORE_PROGRESS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_progress_queries[];

struct progress_row { char person[ID_SIZE], workshop[ID_SIZE], lab[64], step[64], earned[48], max[48], submission[ID_SIZE]; int64_t at_ms; };
/* *out_found false: no row yet. */
bool store_progress_get(struct db_read *read, const char *person, const char *workshop, const char *lab, const char *step, struct progress_row *out, bool *out_found, struct err *err);
bool store_progress_put(struct db_tx *tx, const struct progress_row *row, struct err *err);                      /* replaces */
bool store_progress_list(struct db_read *read, const char *person, const char *workshop, struct arena *arena, struct progress_row **out, size_t *out_count, struct err *err);

struct quiz_row { char module[64], item[64]; int first_answer, last_answer, answers; bool first_right, last_right; int64_t first_ms, last_ms; };
bool store_quiz_put(struct db_tx *tx, const char *person, const char *workshop, const char *module, const char *item, int answer, bool right, int64_t at_ms, struct err *err);
bool store_quiz_list(struct db_read *read, const char *person, struct arena *arena, struct quiz_row **out, size_t *out_count, struct err *err);

struct hint_row { char key[64]; int rung; int64_t at_ms; };
bool store_hint_add(struct db_tx *tx, const char *attempt, const char *key, int rung, const char *person, int64_t at_ms, struct err *err);   /* there already: nothing changes */
bool store_hint_list(struct db_read *read, const char *attempt, struct arena *arena, struct hint_row **out, size_t *out_count, struct err *err);   /* by key and rung */
#endif
