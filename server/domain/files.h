/* files: what a learner writes, as a list of named texts: their limits, and their one form in JSON: {"files": [{name, text | base64}]} (base64 for bytes
 * that are no UTF-8, or hold NUL). The same for drafts, submissions, applies and the API. Pure; any thread. */
#ifndef MAKMAL_DOMAIN_FILES_H
#define MAKMAL_DOMAIN_FILES_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct check_file; struct err;
/* At most 20, 256 KiB decoded in all, names [a-z0-9._-]{1,64} without a dot in front, each once: "files.many", "files.large", "files.name", "files.twice". */
bool files_fit(const struct check_file *files, size_t count, struct err *err);
char *files_json(struct arena *arena, const struct check_file *files, size_t count, size_t *out_length);
bool files_parse(struct arena *arena, const char *json, size_t length, struct check_file **out, size_t *out_count, struct err *err);
#endif
