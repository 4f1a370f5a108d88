/* A lab folder as its author may write it: no crash, no hang; a lab that opens has all that the rest of the house relies on, its parameters can be drawn, and each
 * sentence about it can be said. The input is the folder's files, each behind a line `=== NAME`; `declared.yaml` stands for what the checker lists of checks.lua. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/markdown.h"
#include "base/tree.h"
#include "base/words.h"
#include "check/worker/reader.h"
#include "domain/lab.h"
#include "domain/lab_params.h"

#define FILES_MAX 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ends_in(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && !strcmp(text + n - m, end);
}

/* As a checker reads it, without a checker; a refusal is said. */
static void read_yaml(struct format *format, struct folder_file *file) {
  struct arena *arena = format->arena;
  struct reader reader;
  reader_init(&reader, arena, READER_DOCUMENTS, NULL, NULL);
  reader_file(&reader, file->name, file->bytes, file->length);
  reader_end(&reader);
  file->refused = reader.refused;
  if (reader.refused) format_say(format, file->path, 0, "lint.file-unreadable", NULL);
  if (reader.refused || !reader.docs->count) return;
  file->docs = arena_alloc(arena, reader.docs->count * sizeof *file->docs);
  TREE_EACH(doc, reader.docs) file->docs[file->doc_count++] = tree_get(doc, "value");
}

static struct folder take_apart(struct format *format, const char *text, size_t size) {
  struct arena *arena = format->arena;
  struct folder folder = {.path = "labs/course/module/lab", .id = "lab", .files = arena_alloc(arena, FILES_MAX * sizeof(struct folder_file))};
  const char *end = text + size;
  while (folder.count < FILES_MAX && end - text > 4 && !memcmp(text, "=== ", 4)) {
    const char *name = text + 4, *line = memchr(name, '\n', (size_t)(end - name));
    if (!line) break;
    const char *next = line + 1;
    while (next < end && !(end - next >= 4 && next[-1] == '\n' && !memcmp(next, "=== ", 4))) next++;
    struct folder_file *file = &folder.files[folder.count];
    *file = (struct folder_file){.name = arena_printf(arena, "%.*s", (int)(line - name), name), .length = (size_t)(next - line - 1)};
    char *bytes = arena_alloc(arena, file->length + 1);                /* as folder_load leaves it: NUL behind it */
    memcpy(bytes, line + 1, file->length);
    bytes[file->length] = 0;
    file->bytes = bytes;
    file->path = arena_printf(arena, "%s/%s", folder.path, file->name);
    if (!folder_find(&folder, file->name)) {
      folder.count++;
      if (ends_in(file->name, ".yaml")) read_yaml(format, file);
    }
    text = next;
  }
  return folder;
}

static void is_whole(struct arena *arena, const struct lab *lab) {
  if (!lab->id || !lab->title[LANG_EN] || !lab->title[LANG_MS] || strlen(lab->version) != 64) abort();
  if (lab_params_combinations(lab) < 1) abort();
  struct tree *examples = lab_params_examples(arena, lab);
  unsigned char seed[32] = {1};
  if (!examples || !lab_params_draw(arena, lab, seed)) abort();
  lab_params_other(arena, lab, examples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool ready;
  struct err err = {0};
  if (!ready && !markdown_init()) abort();
  ready = true;
  struct arena *arena = arena_new(0);
  struct words *below = words_new();
  struct tree *pairs = NULL;
  static const char library[] = "{\"path.missing\": {\"en\": \"m\", \"ms\": \"m\"}, \"lesson.output\": {\"en\": \"Output\", \"ms\": \"Keluaran\"}}";
  if (!tree_parse(arena, library, sizeof library - 1, 0, &pairs, &err) || !words_add_pairs(below, pairs, &err)) abort();
  struct format format = {.arena = arena};
  struct folder folder = take_apart(&format, (const char *)data, size);
  struct lab lab = {0};
  bool ok = lab_decode(&format, &folder, "course", "module", &lab);
  if (lab.meta) {
    ok &= lab_steps(&format, &folder, below, &lab);
    const struct folder_file *listed = folder_find(&folder, "declared.yaml");
    if (listed && listed->doc_count && listed->docs[0]->type == TREE_LIST) {   /* a list is what check_list promises; what is in it comes from the script */
      ok &= lab_checks(&format, &folder, listed->docs[0], &lab);
      ok &= lab_words(&format, &folder, below, &lab);
      if (ok) is_whole(arena, &lab);
    }
  }
  if (!ok && !format.count) abort();                                   /* closed, and nobody says why */
  format_word(&format, below, LANG_EN);
  arena_free(arena);
  words_free(below);
  return 0;
}
