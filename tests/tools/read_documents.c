/* read_documents FILE: what the checker reads in a file of Kubernetes objects, as one line of JSON: {docs, reading, refused}. For holding it against another reader. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/worker/reader.h"

int main(int argc, char **argv) {
  static char bytes[256 * 1024];
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file) {
    fprintf(stderr, "usage: read_documents FILE\n");
    return 2;
  }
  size_t length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  struct arena *arena = arena_new(0);
  struct reader reader;
  reader_init(&reader, arena, READER_HAND_IN, NULL, NULL);
  reader_file(&reader, "file.yaml", bytes, length);
  reader_end(&reader);
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put(arena, out, "docs", reader.docs);
  tree_put(arena, out, "reading", reader.reading);
  tree_put_bool(arena, out, "refused", reader.refused);
  struct buf text;
  buf_init(&text, 8 << 20);
  tree_write(&text, out);
  fwrite(text.data, 1, text.len, stdout);
  putchar('\n');
  buf_release(&text);
  arena_free(arena);
  return 0;
}
