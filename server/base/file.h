/* file: capped reads, safe joins, atomic replacement. */
#ifndef MAKMAL_BASE_FILE_H
#define MAKMAL_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct err;
/* Whole file into the arena, NUL behind it. Over cap: ERR_LIMIT, key "file.large", params file, limit. Missing: ERR_NOT_FOUND, "file.missing". */
bool file_read(struct arena *arena, const char *path, size_t cap, char **out, size_t *out_length, struct err *err);
/* Writes path.tmp, syncs, renames. */
bool file_replace(const char *path, const void *bytes, size_t length, unsigned mode, struct err *err);
/* Joins root and a relative name; refuses absolute names, "..", empty parts, control characters. */
bool file_join(struct arena *arena, const char *root, const char *name, char **out, struct err *err);
/* Names in a folder, sorted by bytes, "." and ".." left out. dirs/files choose which. */
bool file_list(struct arena *arena, const char *folder, bool dirs, bool files, char ***out, size_t *out_count, struct err *err);
bool file_exists(const char *path);
bool file_mkdirs(const char *path, unsigned mode, struct err *err);
#endif
