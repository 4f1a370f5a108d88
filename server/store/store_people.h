/* store_people: people, their logins, the one-time key of the first start. Roles and languages are the words of the schema. */
#ifndef MAKMAL_STORE_STORE_PEOPLE_H
#define MAKMAL_STORE_STORE_PEOPLE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/id.h"
#include "base/secret.h"
#include "store/db.h"
struct err;
extern const struct db_query store_people_queries[];

struct person_row {
  char id[ID_SIZE], name[244], role[16], lang[4];
  char workshop[ID_SIZE];                     /* "" = none */
  char password[SECRET_PASSWORD_HASH];        /* "" = none */
  int64_t created_ms;
};
/* name_key: the folded name. password and return_hash may be NULL. A second password of that name: ERR_CONFLICT "store.conflict". */
bool store_person_add(struct db_tx *tx, const struct person_row *row, const char *name_key, const char *password, const char *return_hash, struct err *err);
/* Finders: true without a row leaves out->id "". */
bool store_person_find(struct db_read *read, const char *id, struct person_row *out, struct err *err);
bool store_person_by_sign_in(struct db_read *read, const char *name_key, struct person_row *out, struct err *err);     /* who has a password */
bool store_person_by_return(struct db_read *read, const char *return_hash, struct person_row *out, struct err *err);
/* By name; *out_count: how many have it (2 stands for more). */
bool store_person_by_name(struct db_read *read, const char *name_key, struct person_row *out, int *out_count, struct err *err);
bool store_person_set_return(struct db_tx *tx, const char *id, const char *return_hash, struct err *err);
bool store_person_set_lang(struct db_tx *tx, const char *id, const char *lang, struct err *err);
bool store_person_has_role(struct db_read *read, const char *role, bool *out, struct err *err);

struct login_row { char id[ID_SIZE]; struct person_row person; int64_t seen_ms, idle_ms, until_ms; };
bool store_login_add(struct db_tx *tx, const char *id, const char *person, const char *cookie_hash, int64_t now_ms, int64_t idle_ms, int64_t until_ms, struct err *err);
bool store_login_find(struct db_read *read, const char *cookie_hash, struct login_row *out, struct err *err);          /* over or not: the caller judges */
bool store_login_touch(struct db_tx *tx, const char *id, int64_t now_ms, struct err *err);
bool store_login_end(struct db_tx *tx, const char *id, struct err *err);
/* Ends all but the newest `keep` of a person; keep 0: all. out_ended: their ids, as many as there is room for; *out_count of them. */
bool store_login_trim(struct db_tx *tx, const char *person, int keep, char (*out_ended)[ID_SIZE], int room, int *out_count, struct err *err);
bool store_login_forget(struct db_tx *tx, int64_t now_ms, struct err *err);                                           /* rows that are over */

bool store_setup_put(struct db_tx *tx, const char *hash, int64_t until_ms, struct err *err);                          /* replaces an earlier one */
bool store_setup_take(struct db_tx *tx, const char *hash, int64_t now_ms, bool *out_taken, struct err *err);         /* spends it */
bool store_setup_is(struct db_read *read, const char *hash, int64_t now_ms, bool *out_is, struct err *err);
#endif
