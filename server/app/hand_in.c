/* hand_in: see the header. A folder and the archive made of it give the same files. */
#include "app/hand_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/unpack.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"

#define LEVELS_MAX 8                      /* folders in folders before the first manifest */
#define ENTRIES_MAX 10000                 /* of one folder */

static bool ends_in(const char *name, const char *end) {
  size_t length = strlen(name), n = strlen(end);
  return length > n && !strcasecmp(name + length - n, end);
}

static bool is_manifest(const char *name) { return ends_in(name, ".yaml") || ends_in(name, ".yml") || ends_in(name, ".json"); }

/* Names that no person gave: hidden ones, and the second copy of everything that some archivers add. */
static bool is_passed_over(const char *name) { return name[0] == '.' || !strcmp(name, "__MACOSX"); }

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

const char *hand_in_name(struct arena *arena, const char *path) {
  static const char *const ends[] = {".tar.gz", ".tgz", ".tar", ".zip", ".yaml", ".yml", ".json"};
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  const char *name = last_part(arena_strn(arena, path, length));
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) if (ends_in(name, ends[i])) return arena_strn(arena, name, strlen(name) - strlen(ends[i]));
  return name;
}

static bool about_file(struct err *err, enum err_code code, const char *key, const char *path, const char *detail) {
  err_set(err, code, key, "%s: %s", path, detail);
  return err_param(err, "file", "%s", path);
}

static bool system_said(struct err *err, const char *path, int why) {
  bool gone = why == ENOENT || why == ENOTDIR;
  return about_file(err, gone ? ERR_NOT_FOUND : ERR_UNAVAILABLE, gone ? "file.missing" : "file.unreadable", path, strerror(why));
}

static void note(struct arena *arena, struct hand_in_read *out, const char *key, const char *level, const char *file) {
  struct tree *one = tree_new(arena, TREE_MAP), *params = tree_new(arena, TREE_MAP);
  tree_put_text(arena, one, "key", key);
  tree_put_text(arena, one, "level", level);
  tree_put_text(arena, params, "file", file);
  tree_put(arena, one, "params", params);
  tree_push(out->notes, one);
}

static bool too_large(struct err *err, const char *path, size_t size) {
  err_set(err, ERR_LIMIT, "files.large", "%s", path);
  if (size) err_param(err, "size", "%zu KiB", (size + 1023) / 1024);
  else err_param(err, "size", "more than %d KiB", CHECK_BYTES_MAX / 1024);
  return err_param(err, "limit", "%d KiB", CHECK_BYTES_MAX / 1024);
}

/* Up to cap + 1 bytes: who gets more than cap knows that there is more. */
static bool read_up_to(struct arena *arena, int fd, const char *path, size_t cap, char **out, size_t *out_length, struct err *err) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  char piece[65536];
  buf_init_arena(text, arena, cap + 1);
  while (text->len <= cap) {
    size_t room = cap + 1 - text->len;
    ssize_t n = read(fd, piece, room < sizeof piece ? room : sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_said(err, path, errno);
    if (n == 0) break;
    buf_add(text, piece, (size_t)n);
  }
  *out = text->data ? text->data : arena_str(arena, "");
  *out_length = text->len;
  return true;
}

/* A file inside a hand-in: a regular one, or none. */
static bool read_inside(struct arena *arena, const char *path, size_t cap, char **out, size_t *out_length, struct err *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return system_said(err, path, errno);
  struct stat about;
  bool ok = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? read_up_to(arena, fd, path, cap, out, out_length, err) : system_said(err, path, EINVAL);
  close(fd);
  return ok;
}

static bool add_file(struct hand_in_read *out, const char *path, const char *name, const char *bytes, size_t length, size_t *total, struct err *err) {
  if (out->count == CHECK_FILES_MAX) {
    err_set(err, ERR_LIMIT, "files.many", "%s", path);
    err_param(err, "count", "more than %d", CHECK_FILES_MAX);
    return err_param(err, "limit", "%d", CHECK_FILES_MAX);
  }
  *total += length;
  if (*total > CHECK_BYTES_MAX || !bytes) return too_large(err, path, length == CHECK_BYTES_MAX + 1 || length > UNPACK_PACKED_MAX ? 0 : *total);   /* read no further than that */
  out->file[out->count++] = (struct check_file){name, bytes, length};
  return true;
}

/* --- archives ---------------------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const char *name) { return is_manifest(last_part(name)) && !is_passed_over(last_part(name)); }

static bool hidden_below(const char *name) {
  for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) if (is_passed_over(part) || !strncmp(part, "__MACOSX/", 9)) return true;
  return false;
}

/* The part of name below prefix; NULL when it does not lie there. */
static const char *below(const char *name, const char *prefix) {
  size_t n = strlen(prefix);
  return strncmp(name, prefix, n) || !name[n] ? NULL : name + n;
}

/* The folder in which the manifests lie: the top, or the only folder there. false: there is none. */
static bool find_top(struct arena *arena, const struct unpacked *entry, size_t count, const char **out) {
  const char *prefix = "";
  for (int level = 0; level < LEVELS_MAX; level++) {
    const char *only = NULL;
    bool many = false, found = false;
    for (size_t i = 0; i < count; i++) {
      const char *rest = hidden_below(entry[i].name) ? NULL : below(entry[i].name, prefix), *slash = rest ? strchr(rest, '/') : NULL;
      if (!rest) continue;
      if (!slash && !entry[i].folder) {
        found |= !entry[i].link && is_manifest(rest);
        continue;
      }
      const char *folder = slash ? arena_strn(arena, rest, (size_t)(slash - rest)) : rest;
      many |= only && strcmp(only, folder);
      only = folder;
    }
    *out = prefix;
    if (found) return true;
    if (!only || many) return false;
    prefix = arena_printf(arena, "%s%s/", prefix, only);
  }
  return false;
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct unpacked *)a)->name, ((const struct unpacked *)b)->name); }

static bool from_archive(struct arena *arena, const char *path, const char *bytes, size_t length, struct hand_in_read *out, struct err *err) {
  struct unpacked *entry;
  size_t count, total = 0;
  const char *top;
  if (!unpack(arena, bytes, length, path, is_wanted, CHECK_BYTES_MAX, &entry, &count, err)) return false;
  if (!find_top(arena, entry, count, &top)) return about_file(err, ERR_INVALID, "hand-in.none", path, "no manifest");
  qsort(entry, count, sizeof *entry, by_name);
  out->base = *top ? arena_printf(arena, "%s/%.*s", path, (int)strlen(top) - 1, top) : path;
  for (size_t i = 0; i < count; i++) {
    const char *name = below(entry[i].name, top);
    if (!name || strchr(name, '/') || entry[i].folder || is_passed_over(name)) continue;
    if (!strcmp(name, HAND_IN_PARAMS)) note(arena, out, "hand-in.params", "warn", name);
    else if (entry[i].link) note(arena, out, "hand-in.link", "warn", name);
    else if (is_manifest(name) && !add_file(out, path, name, entry[i].bytes, entry[i].length, &total, err)) return false;
  }
  return true;
}

static bool from_archive_file(struct arena *arena, const char *path, struct hand_in_read *out, struct err *err) {
  char *bytes;
  size_t length;
  if (!read_inside(arena, path, UNPACK_PACKED_MAX, &bytes, &length, err)) return false;
  if (length <= UNPACK_PACKED_MAX) return from_archive(arena, path, bytes, length, out, err);
  about_file(err, ERR_LIMIT, "archive.large", path, "too large");
  return err_param(err, "limit", "%u", UNPACK_PACKED_MAX >> 20);
}

/* --- folders ----------------------------------------------------------------------------------------------------------------------- */

struct listed { char *name; mode_t mode; };

static int by_listed(const void *a, const void *b) { return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name); }

/* What lies in a folder, sorted by bytes, links as links. */
static bool list_folder(struct arena *arena, const char *folder, struct listed **out, size_t *out_count, struct err *err) {
  DIR *dir = opendir(folder);
  if (!dir) return system_said(err, folder, errno);
  size_t count = 0, room = 64;
  struct listed *list = arena_alloc(arena, room * sizeof *list);
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(dir));) {
    struct stat about;
    if (is_passed_over(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (count == room) {
      struct listed *grown = arena_alloc(arena, room * 2 * sizeof *grown);
      memcpy(grown, list, count * sizeof *list);
      list = grown;
      room *= 2;
    }
    list[count++] = (struct listed){arena_str(arena, entry->d_name), about.st_mode};
    if (count > ENTRIES_MAX) {
      ok = about_file(err, ERR_LIMIT, "hand-in.entries", folder, "too many entries");
      err_param(err, "limit", "%d", ENTRIES_MAX);
    }
  }
  closedir(dir);
  if (!ok) return false;
  qsort(list, count, sizeof *list, by_listed);
  *out = list;
  *out_count = count;
  return true;
}

static bool read_params(struct arena *arena, const char *folder, struct hand_in_read *out, struct err *err) {
  const char *path = arena_printf(arena, "%s/%s", folder, HAND_IN_PARAMS);
  char *text;
  struct stat about;
  if (lstat(path, &about) != 0) return true;
  if (!read_inside(arena, path, HAND_IN_PARAMS_MAX, &text, &out->params_length, err)) return false;
  out->params = text;
  if (out->params_length <= HAND_IN_PARAMS_MAX) return true;
  about_file(err, ERR_LIMIT, "file.large", path, "too large");
  return err_param(err, "limit", "%d", HAND_IN_PARAMS_MAX);
}

static bool from_folder(struct arena *arena, const char *top, struct hand_in_read *out, struct err *err) {
  const char *folder = top;
  if (!read_params(arena, top, out, err)) return false;
  for (int level = 0; level < LEVELS_MAX; level++) {
    struct listed *list;
    size_t count, total = 0;
    const char *inside = NULL;            /* the one folder or archive */
    bool many = false, archive = false;
    if (!list_folder(arena, folder, &list, &count, err)) return false;
    out->base = folder;
    for (size_t i = 0; i < count; i++) {
      const char *path = arena_printf(arena, "%s/%s", folder, list[i].name);
      bool manifest = is_manifest(list[i].name), packed = unpack_is_named(list[i].name);
      char *bytes;
      size_t length;
      if (!strcmp(list[i].name, HAND_IN_PARAMS)) {
        if (level) note(arena, out, "hand-in.params", "warn", list[i].name);
        continue;
      }
      if (S_ISDIR(list[i].mode) || (S_ISREG(list[i].mode) && packed)) {
        many |= inside != NULL;
        inside = path;
        archive = !S_ISDIR(list[i].mode);
      } else if (!S_ISREG(list[i].mode)) {
        if (manifest || packed || S_ISLNK(list[i].mode)) note(arena, out, "hand-in.link", "warn", list[i].name);
      } else if (manifest) {
        if (!read_inside(arena, path, CHECK_BYTES_MAX, &bytes, &length, err) || !add_file(out, top, list[i].name, bytes, length, &total, err)) return false;
      }
    }
    if (out->count) return true;
    if (!inside || many) break;
    if (archive) return from_archive_file(arena, inside, out, err);
    folder = inside;
  }
  return about_file(err, ERR_INVALID, "hand-in.none", top, "no manifest");
}

/* --- the door ---------------------------------------------------------------------------------------------------------------------- */

/* A manifest or an archive: the name says it, or the first bytes. */
static bool from_bytes(struct arena *arena, const char *path, char *bytes, size_t length, struct hand_in_read *out, struct err *err) {
  size_t total = 0;
  bool standard = !strcmp(path, "-");
  if (length <= UNPACK_PACKED_MAX && (unpack_is_named(path) || unpack_is_archive(bytes, length))) return from_archive(arena, path, bytes, length, out, err);
  const char *name = last_part(path);
  out->base = standard ? "" : name == path ? "." : arena_strn(arena, path, name - path > 1 ? (size_t)(name - path - 1) : 1);
  return add_file(out, path, standard ? "stdin.yaml" : arena_str(arena, name), bytes, length, &total, err);
}

/* A path that the caller named: a link is followed, a pipe is read. */
bool hand_in_read(struct arena *arena, const struct hand_in *hand_in, struct hand_in_read *out, struct err *err) {
  struct stat about;
  *out = (struct hand_in_read){.base = "", .notes = tree_new(arena, TREE_LIST)};
  if (hand_in->bytes) return from_bytes(arena, hand_in->path, hand_in->bytes, hand_in->length, out, err);
  if (stat(hand_in->path, &about) != 0) return system_said(err, hand_in->path, errno);
  if (S_ISDIR(about.st_mode)) return from_folder(arena, hand_in->path, out, err);
  int fd = open(hand_in->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return system_said(err, hand_in->path, errno);
  char *bytes;
  size_t length;
  bool ok = read_up_to(arena, fd, hand_in->path, UNPACK_PACKED_MAX, &bytes, &length, err) && from_bytes(arena, hand_in->path, bytes, length, out, err);
  close(fd);
  return ok;
}

bool hand_in_take_stdin(struct arena *arena, struct hand_in *hand_in, struct err *err) {
  return read_up_to(arena, STDIN_FILENO, "-", UNPACK_PACKED_MAX, &hand_in->bytes, &hand_in->length, err);
}

bool hand_in_roster(struct arena *arena, const char *folder, struct hand_in **out, size_t *out_count, struct err *err) {
  struct listed *list;
  size_t count, n = 0;
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') length--;
  if (!list_folder(arena, folder, &list, &count, err)) return false;
  struct hand_in *all = arena_alloc(arena, (count + 1) * sizeof *all);
  for (size_t i = 0; i < count; i++) {
    const char *name = list[i].name;
    bool wanted = S_ISDIR(list[i].mode) || S_ISLNK(list[i].mode) || (S_ISREG(list[i].mode) && (is_manifest(name) || unpack_is_named(name)));
    if (!wanted || !strcmp(name, HAND_IN_PARAMS)) continue;
    all[n++] = (struct hand_in){arena_printf(arena, "%.*s/%s", (int)length, folder, name), S_ISDIR(list[i].mode) ? name : hand_in_name(arena, name)};
  }
  *out = all;
  *out_count = n;
  return true;
}
