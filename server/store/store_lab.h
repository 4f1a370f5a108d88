/* store_lab: labs as they were when attempts began with them, each version once. Reading functions take a db_read, writing ones a db_tx. */
#ifndef MAKMAL_STORE_STORE_LAB_H
#define MAKMAL_STORE_STORE_LAB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_lab_queries[];

struct lab_kept_row { const char *lab, *version, *course, *module; };
/* The first one stays. */
bool store_lab_keep(struct db_tx *tx, const struct lab_kept_row *row, const char *files, size_t length, int64_t at_ms, struct err *err);
bool store_lab_is_kept(struct db_read *read, const char *lab, const char *version);
/* *out_files NULL: that version was not kept. out->course and ->module lie in the arena. */
bool store_lab_kept(struct db_read *read, const char *lab, const char *version, struct arena *arena, struct lab_kept_row *out, const char **out_files, size_t *out_length, struct err *err);
#endif
