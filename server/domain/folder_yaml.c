/* folder_yaml: the YAML files of a folder by way of the pool; the reader's findings become problems. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/folder.h"

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
    if (!strncmp(name, at, n)) return true;
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
