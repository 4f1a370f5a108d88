/* The wire: the first byte says what the rest is: a frame, or a packed tree. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/check_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  struct arena *arena = arena_new(0);
  const char *bytes = (const char *)data + 1;
  size--;
  if (data[0] & 1) {
    struct wire_frame frame;
    size_t need;
    enum wire_status status = wire_decode(arena, bytes, size, &need, &frame);
    if (need < 8 || need > 8 + WIRE_HEADER_MAX + WIRE_BLOB_MAX) abort();
    if (status == WIRE_TIME && need <= size) abort();
    if (status == WIRE_OK) {
      if (need > size) abort();
      TREE_EACH(part, frame.head) {
        const char *at;
        size_t length;
        struct tree *tree;
        if (part->type == TREE_MAP && wire_part(&frame, part, &at, &length) && (at < frame.blob || at + length > frame.blob + frame.blob_length)) abort();
        wire_part_json(arena, &frame, part->key, &tree, NULL);
      }
      struct buf again;
      buf_init(&again, 32 << 20);
      if (wire_encode(&again, frame.head, frame.blob, frame.blob_length)) {
        struct wire_frame back;
        if (wire_decode(arena, again.data, again.len, &need, &back) != WIRE_OK || !tree_equal(back.head, frame.head)) abort();
      }
      buf_release(&again);
    }
  } else {
    struct tree *tree, *back;
    if (wire_unpack(arena, bytes, size, &tree)) {
      struct buf again;
      buf_init(&again, 32 << 20);
      wire_pack(&again, tree);
      if (!wire_unpack(arena, again.data, again.len, &back)) abort();
      buf_release(&again);
    }
  }
  arena_free(arena);
  return 0;
}
