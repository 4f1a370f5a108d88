/* The reader on YAML, as a hand-in, as a lab's objects and as documents: no crash, no hang; what is accepted is a tree that packs and comes back,
 * every place lies inside the file, nothing is beyond the caps. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/check_wire.h"
#include "check/worker/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(const struct tree_at *at, int lines) {
  if (!at->line) return;
  if (at->line < 0 || at->line > lines + 1 || at->end_line < at->line || at->end_line > lines + 2 || at->col < 1 || at->end_col < 1 || at->doc < 1) abort();
}

static int check_tree(const struct tree *tree, int depth, int lines) {
  int nodes = 1;
  size_t count = 0;
  if (depth > READER_DEPTH_MAX + 4) abort();
  check_place(&tree->at, lines);
  check_place(&tree->key_at, lines);
  if (tree->text && strlen(tree->text) != tree->length) abort();
  TREE_EACH(item, tree) {
    if ((tree->type == TREE_MAP) != (item->key != NULL)) abort();
    count++;
    nodes += check_tree(item, depth + 1, lines);
  }
  if (count != tree->count) abort();
  return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int lines = 1;
  for (size_t i = 0; i < size; i++) lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0xC2 || data[i] == 0xE2;
  for (int kind = READER_HAND_IN; kind <= READER_DOCUMENTS; kind++) {
    struct arena *arena = arena_new(0);
    struct tree *params = tree_new(arena, TREE_MAP), *back;
    tree_put_int(arena, params, "n", 3);
    tree_put_text(arena, params, "app", "kedai");
    struct reader reader;
    reader_init(&reader, arena, (enum reader_kind)kind, kind == READER_HAND_IN ? NULL : params, NULL);
    reader_file(&reader, "a.yaml", (const char *)data, size);
    reader_end(&reader);
    if (check_tree(reader.docs, 0, lines) > 420000) abort();
    if (reader.reading->count > READER_FINDINGS_MAX) abort();
    struct buf bytes, again;
    buf_init(&bytes, WIRE_BLOB_MAX);
    buf_init(&again, WIRE_BLOB_MAX);
    wire_pack(&bytes, reader.docs);
    if (!bytes.over && check_tree(reader.docs, 0, lines) < 300000) {
      if (!wire_unpack(arena, bytes.data, bytes.len, &back)) abort();
      wire_pack(&again, back);
      if (again.len != bytes.len || memcmp(again.data, bytes.data, bytes.len)) abort();
    }
    buf_release(&bytes);
    buf_release(&again);
    arena_free(arena);
  }
  return 0;
}
