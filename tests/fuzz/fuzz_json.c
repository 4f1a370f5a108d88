/* The two JSON readers on the same bytes: the base's (one value) and the checker's (several, with places). What the base takes the checker takes, with the
 * same meaning; what is written canonically is read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/worker/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena *arena = arena_new(0);
  struct tree *tree, *again;
  struct reader reader;
  bool base = tree_parse(arena, (const char *)data, size, 0, &tree, NULL);
  if (base) {
    struct buf text;
    buf_init(&text, 8 << 20);
    tree_write(&text, tree);
    if (!tree_parse(arena, text.data, text.len, 0, &again, NULL) || !tree_equal(tree, again)) abort();
    buf_release(&text);
  }
  reader_init(&reader, arena, READER_DOCUMENTS, NULL, NULL);
  reader_file(&reader, "a.json", (const char *)data, size);
  if (base && tree->type == TREE_MAP && size < 200000) {
    bool number = false;                                       /* a number too large for a double is refused by one and kept by the other */
    TREE_EACH(finding, reader.reading) number |= !strcmp(tree_text(finding, "key"), "file-json.number-large") || !strcmp(tree_text(finding, "key"), "number.digits");
    if (!number && (reader.refused || reader.docs->count != 1)) abort();
  }
  arena_free(arena);
  return 0;
}
