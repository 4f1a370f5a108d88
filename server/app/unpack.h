/* unpack: a zip, tar or tar.gz as names and, for manifests, bytes. Everything stays in memory; nothing is written to disk. Any thread. */
#ifndef MAKMAL_APP_UNPACK_H
#define MAKMAL_APP_UNPACK_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct err;

#define UNPACK_ENTRIES_MAX 1000
#define UNPACK_PACKED_MAX (16u << 20)       /* the archive itself; its reader keeps to it */
#define UNPACK_PLAIN_MAX (64u << 20)        /* all that comes out of it, wanted or not */
#define UNPACK_RATIO_MAX 200                /* plain to packed, once more than 1 MiB has come out */
#define UNPACK_KEPT_MAX (4u << 20)          /* of what is wanted */
#define UNPACK_NAME_MAX 512

struct unpacked {
  const char *name;         /* "folder/web.yaml": relative, no "." or ".." in it */
  const char *bytes;        /* of a file that was wanted; else NULL */
  size_t length;            /* as the archive says, or as it was read */
  bool folder, link;        /* link: a link, a device or the like; never followed */
};
bool unpack_is_named(const char *name);                        /* .zip .tar .tar.gz .tgz, in any case */
bool unpack_is_archive(const void *head, size_t length);       /* by its first bytes (512 suffice) */
/* wanted(name): are its bytes to be kept? each: files larger than that are listed without bytes. Refuses, INVALID or LIMIT, with param file (and name, limit):
 * "archive.unreadable" (damaged, encrypted, no archive), "archive.entries", "archive.large", "archive.bomb", "archive.name" (climbs out, absolute, odd), "archive.twice". */
bool unpack(struct arena *arena, const void *bytes, size_t length, const char *file, bool (*wanted)(const char *name), size_t each, struct unpacked **out, size_t *out_count, struct err *err);
#endif
