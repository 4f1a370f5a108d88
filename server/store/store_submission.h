/* store_submission: rows of submission, submission_file, apply and body. Reading functions take a db_read, writing ones a db_tx. */
#ifndef MAKMAL_STORE_STORE_SUBMISSION_H
#define MAKMAL_STORE_STORE_SUBMISSION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/id.h"
#include "store/db.h"
struct arena; struct err;
extern const struct db_query store_submission_queries[];

/* Bytes once per hash; out_hash: SHA-256 in hex. Stored again they are compared with what lies there (a wrong disk is ERR_BUG "store.body"). */
bool store_body_put(struct db_tx *tx, const void *bytes, size_t length, char out_hash[65], struct err *err);
bool store_body_get(struct db_read *read, const char *hash, struct arena *arena, const char **out, size_t *out_length, struct err *err);   /* ERR_NOT_FOUND "store.forgotten" */

struct submission_row {
  char id[ID_SIZE], attempt[ID_SIZE], person[ID_SIZE], workshop[ID_SIZE];
  char lab[64], lab_version[65], files_hash[65], press[65], state[12];
  char earned[48], max[48];
  int64_t number, at_ms, begun;
};
struct submission_file_row { const char *name, *hash; };

bool store_submission_add(struct db_tx *tx, struct submission_row *row, const struct submission_file_row *files, size_t count, struct err *err);  /* fills number; ERR_CONFLICT "submission.running" when the attempt has an open one */
bool store_submission_get(struct db_read *read, const char *id, struct submission_row *out, struct err *err);                  /* ERR_NOT_FOUND "submission.missing" */
bool store_submission_files(struct db_read *read, const char *id, struct arena *arena, struct submission_file_row **out, size_t *out_count, struct err *err);
/* The row that the same press made: same key, or without a key the same files by the same attempt since since_ms. False without err when there is none. */
bool store_submission_same(struct db_read *read, const char *attempt, const char *person, const char *press, const char *files_hash, int64_t since_ms, struct submission_row *out);
bool store_submission_open(struct db_read *read, const char *attempt, struct submission_row *out);                             /* the one being graded; false: none */
bool store_submission_list(struct db_read *read, const char *attempt, struct arena *arena, struct submission_row **out, size_t *out_count, struct err *err);   /* newest first, at most 200 */
bool store_submission_unfinished(struct db_read *read, struct arena *arena, char (**out_ids)[ID_SIZE], size_t *out_count, struct err *err);
int64_t store_submission_count(struct db_read *read, const char *attempt, int64_t since_ms);
/* Marks the begin of a job: begun + 1, state grading. */
bool store_submission_begin(struct db_tx *tx, const char *id, int64_t *out_begun, struct err *err);
bool store_submission_end(struct db_tx *tx, const char *id, const char *state, const char *earned, const char *max, struct err *err);
/* Tries that did not pass: ended runs of the attempt that were neither refused nor ours. */
int64_t store_submission_tries(struct db_read *read, const char *attempt);

struct apply_row { char id[ID_SIZE], attempt[ID_SIZE], person[ID_SIZE], kind[8], press[65], state[8], files[65], answer[65]; bool take_over, ok; int64_t at_ms, begun; };
bool store_apply_add(struct db_tx *tx, const struct apply_row *row, struct err *err);                                          /* ERR_CONFLICT "apply.running" */
bool store_apply_get(struct db_read *read, const char *id, struct apply_row *out, struct err *err);                            /* ERR_NOT_FOUND "apply.missing" */
bool store_apply_same(struct db_read *read, const char *attempt, const char *person, const char *press, struct apply_row *out);
bool store_apply_begin(struct db_tx *tx, const char *id, int64_t *out_begun, struct err *err);
bool store_apply_end(struct db_tx *tx, const char *id, const char *state, bool ok, const char *answer, struct err *err);
bool store_apply_unfinished(struct db_read *read, struct arena *arena, char (**out_ids)[ID_SIZE], size_t *out_count, struct err *err);
#endif
