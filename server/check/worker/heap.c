/* heap: a bump pointer over one region, free lists for small blocks, and a list of the blocks that went to malloc. */
#include "check/worker/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REGION (4u << 20)
#define GRAIN 16u
#define CLASSES 32u                        /* free lists of 16, 32 … 512 bytes */

struct spill { struct spill *before, *after; };
struct heap {
  size_t top, used, cap;
  void *free[CLASSES + 1];
  struct spill *spill; bool spilled;
  _Alignas(GRAIN) unsigned char region[REGION];
};
struct heap_image { size_t top, used; void *free[CLASSES + 1]; unsigned char bytes[]; };

static struct heap the_heap;

struct heap *heap_get(void) { return &the_heap; }

static void forget_spill(struct heap *heap) {
  while (heap->spill) {
    struct spill *spill = heap->spill;
    heap->spill = spill->after;
    free(spill);
  }
  heap->spilled = false;
}

void heap_reset(struct heap *heap, size_t cap) {
  forget_spill(heap);
  heap->top = heap->used = 0;
  heap->cap = cap;
  memset(heap->free, 0, sizeof heap->free);
}

void heap_set_cap(struct heap *heap, size_t cap) { heap->cap = cap; }
size_t heap_used(const struct heap *heap) { return heap->used; }
bool heap_spilled(const struct heap *heap) { return heap->spilled; }

static bool is_inside(const struct heap *heap, const void *block) {
  return (const unsigned char *)block >= heap->region && (const unsigned char *)block < heap->region + REGION;
}

static size_t rounded(size_t size) { return (size + GRAIN - 1) / GRAIN * GRAIN; }

static void *take(struct heap *heap, size_t size) {
  size_t need = rounded(size), class = need / GRAIN;
  if (class <= CLASSES && heap->free[class]) {
    void *block = heap->free[class];
    memcpy(&heap->free[class], block, sizeof(void *));
    return block;
  }
  if (need <= REGION - heap->top) {
    void *block = heap->region + heap->top;
    heap->top += need;
    return block;
  }
  struct spill *spill = malloc(sizeof *spill + need);
  if (!spill) return NULL;
  *spill = (struct spill){.after = heap->spill};
  if (heap->spill) heap->spill->before = spill;
  heap->spill = spill;
  heap->spilled = true;
  return spill + 1;
}

static void give(struct heap *heap, void *block, size_t size) {
  if (!is_inside(heap, block)) {
    struct spill *spill = (struct spill *)block - 1;
    if (spill->before) spill->before->after = spill->after;
    else heap->spill = spill->after;
    if (spill->after) spill->after->before = spill->before;
    free(spill);
    return;
  }
  size_t need = rounded(size), class = need / GRAIN;
  if ((unsigned char *)block + need == heap->region + heap->top) heap->top -= need;
  else if (class >= 1 && class <= CLASSES) {
    memcpy(block, &heap->free[class], sizeof(void *));
    heap->free[class] = block;
  }
}

void *heap_alloc(void *ud, void *block, size_t old_size, size_t new_size) {
  struct heap *heap = ud;
  if (!block) old_size = 0;                                    /* Lua tells the kind of object here */
  if (new_size == 0) {
    if (block) {
      give(heap, block, old_size);
      heap->used -= old_size;
    }
    return NULL;
  }
  if (new_size > old_size && (heap->used > heap->cap || new_size - old_size > heap->cap - heap->used)) return NULL;
  void *moved = block;
  bool last = block && is_inside(heap, block) && (unsigned char *)block + rounded(old_size) == heap->region + heap->top;
  if (last && rounded(new_size) <= REGION - ((size_t)((unsigned char *)block - heap->region))) {
    heap->top = (size_t)((unsigned char *)block - heap->region) + rounded(new_size);
  } else if (!block || rounded(new_size) != rounded(old_size)) {
    moved = take(heap, new_size);
    if (!moved) {
      if (!block || new_size > old_size) return NULL;
      moved = block;                                           /* shrinking may not fail: the block stays as it is */
    } else if (block) {
      memcpy(moved, block, old_size < new_size ? old_size : new_size);
      give(heap, block, old_size);
    }
  }
  heap->used += new_size;
  heap->used -= old_size;
  return moved;
}

struct heap_image *heap_image_take(const struct heap *heap) {
  if (heap->spilled) return NULL;
  struct heap_image *image = malloc(sizeof *image + heap->top);
  if (!image) return NULL;
  image->top = heap->top;
  image->used = heap->used;
  memcpy(image->free, heap->free, sizeof image->free);
  memcpy(image->bytes, heap->region, heap->top);
  return image;
}

void heap_image_put_back(struct heap *heap, const struct heap_image *image, size_t cap) {
  forget_spill(heap);
  heap->top = image->top;
  heap->used = image->used;
  heap->cap = cap;
  memcpy(heap->free, image->free, sizeof heap->free);
  memcpy(heap->region, image->bytes, image->top);
}

void heap_image_free(struct heap_image *image) { free(image); }
