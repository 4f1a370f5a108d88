/* people: accounts, roles, logins, workshops with their join codes; the one table of who may do what. Any thread. */
#ifndef MAKMAL_DOMAIN_PEOPLE_H
#define MAKMAL_DOMAIN_PEOPLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "domain/viewer.h"
struct arena; struct err; struct db; struct db_read; struct live; struct tree;
struct people;
/* The one table of who may do what stands in people.c; a right that is not there is nobody's. */
enum right { RIGHT_NONE, RIGHT_LEARN, RIGHT_OPEN_WORKSHOP, RIGHT_SEE_ALL_WORKSHOPS, RIGHT_COUNT };
bool people_may(const struct viewer *viewer, enum right right);
const char *role_name(enum role role);                  /* "learner", "instructor", "administrator"; ROLE_NONE: "" */
bool role_parse(const char *name, enum role *out);

bool people_open(struct db *db, struct live *live, struct people **out, struct err *err);
void people_close(struct people *people);

#define LOGIN_COOKIE 65                 /* 256 random bits in hex, NUL behind */
struct login { char cookie[LOGIN_COOKIE]; char csrf[65]; struct viewer viewer; int64_t until_ms; };
/* Who the cookie is; role NONE and true when it is unknown, over or idle too long. csrf: the token every write must carry. */
bool people_viewer(struct people *people, struct db_read *read, const char *cookie, struct viewer *out, char csrf[65], struct err *err);
void people_touch(struct people *people, const struct viewer *viewer);        /* activity; at most one write a minute per login */
/* Who signs in or returns keeps the language chosen earlier; `lang` is that of who is new. address: the browser's, as text.
 * Staff sign-in. One answer and one duration for unknown names and wrong passwords: ERR_LOGIN "login.wrong"; throttled: ERR_LIMIT "login.throttled";
 * too many at once: ERR_UNAVAILABLE "login.busy". */
bool people_sign_in(struct people *people, const char *name, const char *password, const char *address, enum lang lang, struct login *out, struct err *err);
/* Learners: join code and name; out_key: the return key, told once (14 characters, grouped). ERR_NOT_FOUND "join.closed" for wrong, closed or over codes alike;
 * people_return: ERR_NOT_FOUND "return.wrong"; both ERR_LIMIT "join.throttled". */
bool people_join(struct people *people, const char *code, const char *name, const char *address, enum lang lang, struct login *out, char out_key[32], struct err *err);
bool people_return(struct people *people, const char *return_key, const char *address, enum lang lang, struct login *out, struct err *err);
bool people_sign_out(struct people *people, const struct viewer *viewer, struct err *err);
bool people_language(struct people *people, const struct viewer *viewer, enum lang lang, struct err *err);
/* First start: while there is no administrator. */
bool people_need_setup(struct people *people, struct db_read *read);
bool people_setup_key(struct people *people, char out_key[32], struct err *err);      /* a new one-time key, 15 min; earlier ones are dead */
bool people_setup(struct people *people, const char *key, const char *name, const char *password, const char *address, enum lang lang, struct login *out, struct err *err);
/* Staff. password NULL: a learner, who gets a return key by people_renew_key. name_or_id: ERR_CONFLICT "people.ambiguous" when several have the name.
 * Foreign workshops: ERR_NOT_FOUND. */
bool people_add(struct people *people, const char *name, const char *password, enum role role, char out_id[ID_SIZE], struct err *err);
bool people_renew_key(struct people *people, const char *name_or_id, char out_key[32], struct err *err);
bool people_workshop(struct people *people, const struct viewer *viewer, const char *name, int hours, char out_id[ID_SIZE], char out_code[16], struct err *err);
struct tree *people_workshops(struct people *people, struct db_read *read, const struct viewer *viewer, struct arena *arena);   /* [{id, name, code, opened_ms, until_ms, people}] */
bool people_close_workshop(struct people *people, const struct viewer *viewer, const char *id, struct err *err);
struct tree *people_me(struct people *people, struct db_read *read, const struct viewer *viewer, const char *csrf, struct arena *arena);
/* install id (8 characters) and secret (32 bytes), made at the first start in <home>/install, mode 0600. */
bool people_install(const char *home, char out_id[9], unsigned char out_secret[32], struct err *err);
#endif
