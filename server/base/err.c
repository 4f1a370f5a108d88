/* err: fills and words the error value. No threads of its own, no memory but the caller's. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const struct { const char *name; int http, exit; } codes[ERR_CODE_COUNT] = {
  [ERR_NONE] = {"none", 200, 0},
  [ERR_INVALID] = {"invalid", 400, 2},
  [ERR_LOGIN] = {"login", 401, 2},
  [ERR_DENIED] = {"denied", 403, 2},
  [ERR_NOT_FOUND] = {"not_found", 404, 2},
  [ERR_CONFLICT] = {"conflict", 409, 2},
  [ERR_LIMIT] = {"limit", 429, 2},
  [ERR_TIMEOUT] = {"timeout", 504, 3},
  [ERR_UPSTREAM] = {"upstream", 502, 3},
  [ERR_UNAVAILABLE] = {"unavailable", 503, 3},
  [ERR_BUG] = {"bug", 500, 3},
};

bool err_set(struct err *err, enum err_code code, const char *key, const char *detail_fmt, ...) {
  if (!err) return false;
  memset(err, 0, sizeof *err);
  err->code = code;
  snprintf(err->key, sizeof err->key, "%s", key);
  if (detail_fmt) {
    va_list args;
    va_start(args, detail_fmt);
    vsnprintf(err->detail, sizeof err->detail, detail_fmt, args);
    va_end(args);
  }
  return false;
}

/* Cuts a text that snprintf may have split inside a UTF-8 sequence. */
static void cut_at_border(char *text) {
  size_t n = strlen(text), back = 0;
  while (back < 4 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80) back++;
  if (back == n) return;
  unsigned char lead = (unsigned char)text[n - 1 - back];
  size_t want = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  if (want > back) text[n - 1 - back] = 0;
}

bool err_param(struct err *err, const char *name, const char *value_fmt, ...) {
  if (!err || err->params >= ERR_PARAMS) return false;
  va_list args;
  va_start(args, value_fmt);
  int n = err->params++;
  snprintf(err->param[n].name, sizeof err->param[n].name, "%s", name);
  int full = vsnprintf(err->param[n].value, sizeof err->param[n].value, value_fmt, args);
  va_end(args);
  if (full >= (int)sizeof err->param[n].value) cut_at_border(err->param[n].value);
  return false;
}

bool err_wrap(struct err *err, const char *context_fmt, ...) {
  if (!err) return false;
  char old[sizeof err->detail], context[160];
  memcpy(old, err->detail, sizeof old);
  va_list args;
  va_start(args, context_fmt);
  vsnprintf(context, sizeof context, context_fmt, args);
  va_end(args);
  snprintf(err->detail, sizeof err->detail, "%s: %.*s", context, (int)(sizeof err->detail - sizeof context - 3), old);
  return false;
}

void err_clear(struct err *err) {
  if (err) memset(err, 0, sizeof *err);
}

const char *err_code_name(enum err_code code) { return code < ERR_CODE_COUNT ? codes[code].name : "bug"; }
int err_code_http(enum err_code code) { return code < ERR_CODE_COUNT ? codes[code].http : 500; }
int err_code_exit(enum err_code code) { return code < ERR_CODE_COUNT ? codes[code].exit : 3; }

void bug_report(const char *file, int line, const char *fmt, ...) {
  char text[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  log_error("bug", "at=%s:%d what=\"%s\"", file, line, text);
#ifdef MAKMAL_DEBUG
  abort();
#endif
}
