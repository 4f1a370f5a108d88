/* err: the one error value. A function that can fail returns bool and fills a struct err; outputs stay untouched on failure.
 * `key` and `param` are what a person may read, worded at the edge by base/words; `detail` is for the log alone. */
#ifndef MAKMAL_BASE_ERR_H
#define MAKMAL_BASE_ERR_H
#include <stdbool.h>
#include <stddef.h>

enum err_code {
  ERR_NONE, ERR_INVALID, ERR_LOGIN, ERR_DENIED, ERR_NOT_FOUND, ERR_CONFLICT, ERR_LIMIT, ERR_TIMEOUT, ERR_UPSTREAM,
  ERR_UNAVAILABLE, ERR_BUG, ERR_CODE_COUNT
};

#define ERR_PARAMS 6

struct err {
  enum err_code code;
  char key[64];                                   /* message key, e.g. "yaml.tab"; a row of words */
  int params;
  struct { char name[24]; char value[200]; } param[ERR_PARAMS];
  char detail[512];
  int retry_after_s;                              /* > 0: sent as Retry-After */
};

/* Fills *err (which may be NULL) and returns false, so that `return err_set(…)` ends a function. key: a string that outlives the call. */
bool err_set(struct err *err, enum err_code code, const char *key, const char *detail_fmt, ...) __attribute__((format(printf, 4, 5)));
/* Adds a parameter to the message; silently dropped past ERR_PARAMS, value cut to its cap at a UTF-8 border. Returns false like err_set. */
bool err_param(struct err *err, const char *name, const char *value_fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "context: " before the detail on the way up; returns false. */
bool err_wrap(struct err *err, const char *context_fmt, ...) __attribute__((format(printf, 2, 3)));
void err_clear(struct err *err);
/* The table of codes: JSON name ("invalid"), HTTP status, exit status of a command. */
const char *err_code_name(enum err_code code);
int err_code_http(enum err_code code);
int err_code_exit(enum err_code code);

/* Marks the impossible: aborts when built with MAKMAL_DEBUG, else logs the place and goes on. */
#define BUG(...) bug_report(__FILE__, __LINE__, __VA_ARGS__)
void bug_report(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
