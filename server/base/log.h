/* log: one line per event, key=value, to standard error or a file; request id first where there is one. Any thread. Never bodies, cookies, tokens or codes. */
#ifndef MAKMAL_BASE_LOG_H
#define MAKMAL_BASE_LOG_H
#include <stdbool.h>
enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };
void log_init(enum log_level level, const char *trace_words);      /* trace_words: "http,sql,kube,check,jobs,live" or NULL */
bool log_traces(const char *word);
/* what: a short dotted word ("attempt.ready"); fmt: key=value pairs. Control characters and newlines are escaped. */
void log_line(enum log_level level, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define log_info(...) log_line(LOG_INFO_, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN_, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR_, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG_, __VA_ARGS__)
#endif
