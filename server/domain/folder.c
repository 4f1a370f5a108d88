/* folder: files of a lab or module, and their YAML by way of the pool. Everything lies in the format's arena. */
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

/* Whether a plain ${ stands inside { } or [ ] on this line: the commonest mistake, and one whose YAML error helps nobody. */
static bool flow_placeholder(const struct folder_file *file, int line) {
  const char *at = file->bytes, *end = file->bytes + file->length;
  for (int i = 1; i < line && at; i++) {
    at = memchr(at, '\n', (size_t)(end - at));
    if (at) at++;
  }
  int open = 0;
  char quote = 0;
  for (; at && at < end && *at != '\n'; at++) {
    if (quote) {
      if (*at == quote) quote = 0;
    } else if (*at == '"' || *at == '\'') quote = *at;
    else if (*at == '#' && at > file->bytes && at[-1] == ' ') break;
    else if (*at == '$' && at + 1 < end && at[1] == '{') {
      if (open) return true;
      at++;
    } else if (*at == '{' || *at == '[') open++;
    else if (*at == '}' || *at == ']') open -= open > 0;
  }
  return false;
}

/* Findings of the reader as problems. `info` is no mistake. */
static void say_reading(struct format *format, struct folder *folder, const struct tree *reading) {
  TREE_EACH(finding, reading) {
    const char *level = tree_text_or(finding, "level", "refuse");
    if (!strcmp(level, "info")) continue;
    const struct tree *at = tree_get(finding, "at");
    const char *name = tree_text_or(at, "file", tree_text_or(finding, "file", ""));
    struct folder_file *file = (struct folder_file *)folder_find(folder, name);
    int line = (int)tree_int(at, "line", 0);
    const char *path = file ? file->path : folder->path;
    if (file && !strcmp(level, "refuse")) file->refused = true;
    if (file && flow_placeholder(file, line)) {
      format_say(format, path, line, "lint.flow-placeholder", NULL);
      continue;
    }
    const struct tree *given = tree_get(finding, "params");
    struct tree *params = given && given->type == TREE_MAP ? tree_copy(format->arena, given) : tree_new(format->arena, TREE_MAP);
    format_say_params(format, path, line, tree_text_or(finding, "key", "lint.file-unreadable"), params);
  }
}

static void take_docs(struct format *format, struct folder *folder, const struct tree *docs) {
  for (size_t i = 0; i < folder->count; i++) {
    struct folder_file *file = &folder->files[i];
    size_t n = 0;
    TREE_EACH(doc, docs) n += !strcmp(tree_text_or(doc, "file", ""), file->name);
    if (!n) continue;
    file->docs = arena_alloc(format->arena, n * sizeof *file->docs);
    TREE_EACH(doc, docs) if (!strcmp(tree_text_or(doc, "file", ""), file->name)) file->docs[file->doc_count++] = tree_get(doc, "value");
  }
}

static bool wanted(const char *name, const char *prefixes) {
  for (const char *at = prefixes; *at;) {
    size_t n = strcspn(at, " ");
    if (begins(name, at, n)) return true;
    at += n + (at[n] == ' ');
  }
  return false;
}

bool folder_yaml(struct format *format, struct check_pool *pool, struct folder *folder, const char *prefixes, bool objects, const struct tree *params, struct err *err) {
  /* A job holds CHECK_FILES_MAX files and CHECK_BYTES_MAX bytes: as many jobs as it takes. */
  for (size_t next = 0; next < folder->count;) {
    struct check_file files[CHECK_FILES_MAX];
    size_t count = 0, bytes = 0;
    for (; next < folder->count && count < CHECK_FILES_MAX; next++) {
      const struct folder_file *file = &folder->files[next];
      if (!wanted(file->name, prefixes)) continue;
      if (count && bytes + file->length > CHECK_BYTES_MAX) break;
      bytes += file->length;
      files[count++] = (struct check_file){file->name, file->bytes, file->length};
    }
    if (!count) break;
    struct check_read_job job = {.files = files, .file_count = count, .params = params, .objects = objects};
    struct tree *docs = NULL, *reading = NULL;
    bool refused = false;
    if (!check_read(pool, format->arena, &job, &docs, &reading, &refused, err)) return err_wrap(err, "%s", folder->path);
    say_reading(format, folder, reading);
    take_docs(format, folder, docs);
    for (size_t i = 0; refused && i < count; i++) {       /* a refusal elsewhere in the job is no empty file */
      struct folder_file *file = (struct folder_file *)folder_find(folder, files[i].name);
      if (!file->doc_count) file->refused = true;
    }
  }
  return true;
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
