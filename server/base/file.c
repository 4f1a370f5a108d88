/* file: small helpers over the file system. No state; any thread. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"

bool file_read(struct arena *arena, const char *path, size_t cap, char **out, size_t *out_length, struct err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    int why = errno;
    err_set(err, why == ENOENT || why == ENOTDIR ? ERR_NOT_FOUND : ERR_UNAVAILABLE, why == ENOENT || why == ENOTDIR ? "file.missing" : "file.unreadable",
            "%s: %s", path, strerror(why));
    return err_param(err, "file", "%s", path);
  }
  struct stat about;
  size_t room = fstat(fd, &about) == 0 && about.st_size > 0 ? (size_t)about.st_size + 1 : 4096, length = 0;
  if (room > cap + 1) room = cap + 1;
  char *bytes = arena_alloc(arena, room + 1);
  for (;;) {
    if (length == room) {
      if (room > cap) break;
      size_t more = room * 2 > cap + 1 ? cap + 1 : room * 2;
      char *grown = arena_alloc(arena, more + 1);
      memcpy(grown, bytes, length);
      bytes = grown;
      room = more;
    }
    ssize_t n = read(fd, bytes + length, room - length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int why = errno;
      close(fd);
      err_set(err, ERR_UNAVAILABLE, "file.unreadable", "%s: %s", path, strerror(why));
      return err_param(err, "file", "%s", path);
    }
    if (n == 0) break;
    length += (size_t)n;
  }
  close(fd);
  if (length > cap) {
    err_set(err, ERR_LIMIT, "file.large", "%s: more than %zu bytes", path, cap);
    err_param(err, "file", "%s", path);
    return err_param(err, "limit", "%zu", cap);
  }
  bytes[length] = 0;
  *out = bytes;
  if (out_length) *out_length = length;
  return true;
}

bool file_replace(const char *path, const void *bytes, size_t length, unsigned mode, struct err *err) {
  char temporary[4096];
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.%d.tmp", path, (int)getpid()) >= sizeof temporary)
    return err_set(err, ERR_INVALID, "file.name", "name too long: %s", path);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  bool ok = fd >= 0;
  for (size_t done = 0; ok && done < length;) {
    ssize_t n = write(fd, (const char *)bytes + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += (size_t)n;
  }
  ok = ok && fchmod(fd, mode) == 0 && fsync(fd) == 0;
  int why = errno;
  if (fd >= 0) close(fd);
  if (ok && rename(temporary, path) == 0) return true;
  if (ok) why = errno;
  unlink(temporary);
  err_set(err, ERR_UNAVAILABLE, "file.unwritable", "%s: %s", path, strerror(why));
  return err_param(err, "file", "%s", path);
}

bool file_join(struct arena *arena, const char *root, const char *name, char **out, struct err *err) {
  bool good = name[0] && name[0] != '/';
  for (const char *part = name; good;) {
    size_t n = strcspn(part, "/");
    good = n > 0 && !(n == 1 && part[0] == '.') && !(n == 2 && part[0] == '.' && part[1] == '.');
    for (size_t i = 0; i < n; i++) if ((unsigned char)part[i] < 0x20) good = false;
    if (!part[n]) break;
    part += n + 1;
  }
  if (!good) {
    err_set(err, ERR_INVALID, "file.name", "refused name under %s", root);
    return err_param(err, "file", "%s", name);
  }
  *out = arena_printf(arena, "%s/%s", root, name);
  return true;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

bool file_list(struct arena *arena, const char *folder, bool dirs, bool files, char ***out, size_t *out_count, struct err *err) {
  DIR *dir = opendir(folder);
  if (!dir) {
    err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE, errno == ENOENT ? "file.missing" : "file.unreadable", "%s: %s", folder, strerror(errno));
    return err_param(err, "file", "%s", folder);
  }
  size_t room = 16, count = 0;
  char **names = arena_alloc(arena, room * sizeof *names);
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    struct stat about;
    if (fstatat(dirfd(dir), entry->d_name, &about, 0) != 0) continue;
    if (!((dirs && S_ISDIR(about.st_mode)) || (files && S_ISREG(about.st_mode)))) continue;
    if (count == room) {
      char **grown = arena_alloc(arena, room * 2 * sizeof *grown);
      memcpy(grown, names, count * sizeof *names);
      names = grown;
      room *= 2;
    }
    names[count++] = arena_str(arena, entry->d_name);
  }
  closedir(dir);
  qsort(names, count, sizeof *names, by_bytes);
  *out = names;
  *out_count = count;
  return true;
}

bool file_exists(const char *path) { return access(path, F_OK) == 0; }

bool file_mkdirs(const char *path, unsigned mode, struct err *err) {
  char part[4096];
  if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part) return err_set(err, ERR_INVALID, "file.name", "name too long");
  for (char *slash = part + 1; ; slash++) {
    if (*slash && *slash != '/') continue;
    char kept = *slash;
    *slash = 0;
    if (mkdir(part, mode) != 0 && errno != EEXIST) {
      err_set(err, ERR_UNAVAILABLE, "file.unwritable", "%s: %s", part, strerror(errno));
      return err_param(err, "file", "%s", part);
    }
    *slash = kept;
    if (!kept) return true;
  }
}
