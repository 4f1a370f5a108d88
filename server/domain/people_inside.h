/* people_inside: what people.c, workshop.c and people_guard.c share; nobody else includes it. */
#ifndef MAKMAL_DOMAIN_PEOPLE_INSIDE_H
#define MAKMAL_DOMAIN_PEOPLE_INSIDE_H
#include <pthread.h>

#include "base/limit.h"
#include "base/secret.h"
#include "domain/people.h"
#include "store/store_people.h"

#define PEOPLE_NAME 244                    /* 60 characters of up to 4 bytes, NUL behind */
#define PEOPLE_TOUCHED 1024
struct people {
  struct db *db;
  struct live *live;                       /* may be NULL */
  /* people_guard */
  struct limit *account_minute, *account_hour, *address;       /* wrong passwords: per account and network, per address */
  struct limit *code_address, *code_all;                       /* wrong codes and keys */
  pthread_mutex_t guess;                                       /* one code at a time is looked up */
  pthread_mutex_t hash_lock;
  pthread_cond_t hash_free;
  int hashing, hash_waiting, hash_max;
  /* people_touch: when a login was last written, by a hash of its id; a collision costs one write too many */
  pthread_mutex_t touch_lock;
  struct { char login[ID_SIZE]; int64_t at_ms; } touched[PEOPLE_TOUCHED];
};

/* --- people_guard.c ------------------------------------------------------------------------------------------------------------------------- */
void guard_open(struct people *people);
void guard_close(struct people *people);
/* Trims; out: as typed, key: folded, to find it again. Refuses empty, more than 60 characters, controls, bidi overrides, bad UTF-8. */
bool guard_name(const char *typed, char out[PEOPLE_NAME], char key[PEOPLE_NAME], struct err *err);
bool guard_password(const char *password, const char *name_key, struct err *err);             /* long enough, not a common one */
/* A failure is counted before the password is looked at, so that many at once count; guard_refund takes it back when it was right. */
struct guard_try { char account[64], address[64]; };
bool guard_try(struct people *people, const char *name_key, const char *address, struct guard_try *out, struct err *err);
void guard_refund(struct people *people, const struct guard_try *try);
/* Argon2id, at most one a core at once and 200 waiting. check: hash NULL costs the same and is wrong. */
bool guard_hash(struct people *people, const char *password, char out[SECRET_PASSWORD_HASH], struct err *err);
bool guard_check(struct people *people, const char *hash, const char *password, bool *out_right, struct err *err);
/* Codes and keys: look(ctx, …) says whether it is known. False with *err "join.throttled", or what look said. *out_known: its answer. */
bool guard_guess(struct people *people, const char *address, bool (*look)(void *ctx, bool *out_known, struct err *err), void *ctx, bool *out_known, struct err *err);

/* --- people.c ------------------------------------------------------------------------------------------------------------------------------- */
#define LOGINS_PER_PERSON 10
struct new_login {                         /* made before the unit, written in it */
  char id[ID_SIZE], cookie[LOGIN_COOKIE], cookie_hash[SECRET_SHA256_HEX], csrf[65];
  int64_t now_ms, idle_ms, until_ms;
  char ended[4][ID_SIZE];                  /* older logins that had to go */
  int ended_count;
};
void login_draw(struct new_login *login, enum role role);
bool login_write(struct db_tx *tx, struct new_login *login, const char *person, struct err *err);
void login_done(struct people *people, const struct new_login *login, const struct person_row *person, struct login *out);   /* after the commit */
void person_fill(struct person_row *out, const char *name, enum role role, enum lang lang, const char *workshop, int64_t now_ms);
bool denied(struct err *err);
#endif
