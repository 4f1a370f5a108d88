/* folder: files of a lab or module. Everything lies in the format's arena. Their YAML is folder_yaml.c's, the one part that needs a checker. */
#include "domain/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"

static bool passed_over(const char *name) { return name[0] == '.' || name[strlen(name) - 1] == '~'; }

static bool begins(const char *name, const char *prefix, size_t length) { return !strncmp(name, prefix, length); }

/* Files of one folder; prefix "" or "steps/". */
static bool load_part(struct format *format, struct folder *folder, const char *prefix) {
  char **names = NULL;
  size_t count = 0;
  struct err err = {0};
  const char *path = arena_printf(format->arena, "%s%s%.*s", folder->path, *prefix ? "/" : "", *prefix ? (int)strlen(prefix) - 1 : 0, prefix);
  if (!file_list(format->arena, path, false, true, &names, &count, &err)) {
    if (*prefix && err.code == ERR_NOT_FOUND) return true;
    format_say(format, path, 0, "lint.folder-unreadable", NULL);
    return false;
  }
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    if (passed_over(names[i])) continue;
    struct folder_file *file = &folder->files[folder->count];
    file->name = arena_printf(format->arena, "%s%s", prefix, names[i]);
    file->path = arena_printf(format->arena, "%s/%s", folder->path, file->name);
    char *bytes = NULL;
    if (folder->count == FOLDER_FILES_MAX) {
      format_say(format, folder->path, 0, "lint.folder-large", "limit", arena_printf(format->arena, "%d", FOLDER_FILES_MAX), NULL);
      return false;
    }
    if (!file_read(format->arena, file->path, FOLDER_FILE_MAX, &bytes, &file->length, &err)) {
      bool large = err.code == ERR_LIMIT;
      format_say(format, file->path, 0, large ? "lint.file-large" : "lint.file-unreadable", "limit", "256 KiB", NULL);
      ok = false;
      continue;
    }
    file->bytes = bytes;
    folder->count++;
  }
  return ok;
}

bool folder_load(struct format *format, const char *path, const char *below, struct folder *out) {
  struct folder folder = {.path = path, .files = arena_alloc(format->arena, (FOLDER_FILES_MAX + 1) * sizeof(struct folder_file))};
  const char *slash = strrchr(path, '/');
  folder.id = slash ? slash + 1 : path;
  bool ok = load_part(format, &folder, "");
  for (const char *at = below; *at;) {
    size_t n = strcspn(at, " ");
    ok &= load_part(format, &folder, arena_printf(format->arena, "%.*s/", (int)n, at));
    at += n + (at[n] == ' ');
  }
  *out = folder;
  return ok;
}

const struct folder_file *folder_find(const struct folder *folder, const char *name) {
  for (size_t i = 0; i < folder->count; i++) if (!strcmp(folder->files[i].name, name)) return &folder->files[i];
  return NULL;
}

const struct folder_file *folder_part(const struct folder *folder, const char *prefix, size_t *out_count) {
  const struct folder_file *first = NULL;
  size_t n = strlen(prefix), count = 0;
  for (size_t i = 0; i < folder->count; i++) {
    if (!begins(folder->files[i].name, prefix, n)) continue;
    if (!first) first = &folder->files[i];
    count++;
  }
  *out_count = count;
  return first;
}

const struct tree *folder_doc(struct format *format, const struct folder *folder, const char *name, bool needed) {
  const struct folder_file *file = folder_find(folder, name);
  if (!file) {
    if (needed) format_say(format, folder->path, 0, "lint.file-missing", "file", name, NULL);
    return NULL;
  }
  if (file->doc_count == 1) return file->docs[0];
  if (!file->refused) format_say(format, file->path, 0, file->doc_count ? "lint.one-document" : "lint.file-empty", NULL);
  return NULL;
}
