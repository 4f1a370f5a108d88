/* log: lines to standard error, one write each, so that threads never mix within a line. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/wallclock.h"

static enum log_level least = LOG_INFO_;
static char traced[128];

void log_init(enum log_level level, const char *trace_words) {
  least = level;
  snprintf(traced, sizeof traced, ",%s,", trace_words ? trace_words : "");
}

bool log_traces(const char *word) {
  char wanted[40];
  snprintf(wanted, sizeof wanted, ",%s,", word);
  return strstr(traced, wanted) != NULL;
}

void log_line(enum log_level level, const char *what, const char *fmt, ...) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  if (level < least) return;
  char line[2048];
  static _Thread_local time_t told;                  /* the second `prefix` says: making it costs as much as the rest */
  static _Thread_local char prefix[40];
  int64_t now = wall_ms();
  time_t seconds = (time_t)(now / 1000);
  if (seconds != told) {
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(prefix, sizeof prefix, "time=%Y-%m-%dT%H:%M:%S", &utc);
    told = seconds;
  }
  size_t n = strlen(prefix);
  memcpy(line, prefix, n);
  n += (size_t)snprintf(line + n, sizeof line - n, ".%03dZ level=%s what=%s ", (int)(now % 1000), names[level], what);
  size_t from = n;
  va_list args;
  va_start(args, fmt);
  int more = vsnprintf(line + n, sizeof line - n - 1, fmt, args);
  va_end(args);
  if (more > 0) n += (size_t)more < sizeof line - n - 1 ? (size_t)more : sizeof line - n - 2;
  for (size_t i = from; i < n; i++) if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F) line[i] = ' ';
  line[n++] = '\n';
  ssize_t written = write(STDERR_FILENO, line, n);
  (void)written;                                     /* nowhere to tell that telling failed */
}
