/* A folder of the lab format made in memory, its YAML files written as JSON, so that decoding is tested without a checker. */
#ifndef MAKMAL_TESTS_FOLDER_OF_H
#define MAKMAL_TESTS_FOLDER_OF_H
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/folder.h"

struct text_file { const char *name, *text; };

/* Objects are read with the parameters at their examples: here ${n} is 117. */
static inline const char *with_example(struct arena *arena, const char *text) {
  const char *at;
  while ((at = strstr(text, "${n}"))) text = arena_printf(arena, "%.*s117%s", (int)(at - text), text, at + 4);
  return text;
}

/* As a folder is loaded: its own files first, then each sub-folder's, by name. */
static inline int as_loaded(const void *a, const void *b) {
  const char *x = ((const struct folder_file *)a)->name, *y = ((const struct folder_file *)b)->name;
  int below = !!strchr(x, '/') - !!strchr(y, '/');
  return below ? below : strcmp(x, y);
}

static inline struct folder folder_of(struct arena *arena, const char *path, const struct text_file *files, size_t count) {
  struct folder folder = {.path = path, .id = strrchr(path, '/') + 1, .files = arena_alloc(arena, (count + 1) * sizeof(struct folder_file))};
  for (size_t i = 0; i < count; i++) {
    if (!files[i].text) continue;
    struct folder_file *file = &folder.files[folder.count++];
    *file = (struct folder_file){.name = files[i].name, .path = arena_printf(arena, "%s/%s", path, files[i].name), .bytes = files[i].text, .length = strlen(files[i].text)};
    size_t n = strlen(files[i].name);
    if (n < 5 || strcmp(files[i].name + n - 5, ".yaml") || (strchr(files[i].name, '/') && files[i].text[0] != '{')) continue;
    struct tree *tree = NULL;
    struct err err = {0};
    const char *text = strchr(files[i].name, '/') ? with_example(arena, files[i].text) : files[i].text;
    if (!tree_parse(arena, text, strlen(text), 0, &tree, &err)) {
      print_error("%s: %s %s\n", files[i].name, err.key, err.detail);
      abort();
    }
    file->docs = arena_alloc(arena, sizeof *file->docs);
    file->docs[0] = tree;
    file->doc_count = 1;
  }
  qsort(folder.files, folder.count, sizeof *folder.files, as_loaded);
  return folder;
}

/* Replaces (or adds, or with NULL removes) files of a list. out has room for count + changes. */
static inline size_t changed_files(const struct text_file *base, size_t count, const struct text_file *changes, size_t change_count, struct text_file *out) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) out[n++] = base[i];
  for (size_t c = 0; c < change_count; c++) {
    size_t i = 0;
    while (i < n && strcmp(out[i].name, changes[c].name)) i++;
    out[i] = changes[c];
    if (i == n) n++;
  }
  return n;
}

static inline const struct problem *said(const struct format *format, const char *key) {
  for (size_t i = 0; i < format->count; i++) if (!strcmp(format->list[i].key, key)) return &format->list[i];
  return NULL;
}
#endif
