/* heap: the memory of one Lua state: 4 MiB that are never given back one by one, behind them the ordinary heap up to a cap. Starting afresh costs
 * nothing, and what has been built once (the library) can be kept as an image and put back by one copy. One per process, because an image is full of
 * addresses. */
#ifndef MAKMAL_CHECK_WORKER_HEAP_H
#define MAKMAL_CHECK_WORKER_HEAP_H
#include <stdbool.h>
#include <stddef.h>

struct heap;
struct heap *heap_get(void);
void heap_reset(struct heap *heap, size_t cap);         /* forgets everything that was allocated */
/* As lua_Alloc. NULL when the cap is reached. */
void *heap_alloc(void *heap, void *block, size_t old_size, size_t new_size);
void heap_set_cap(struct heap *heap, size_t cap);
size_t heap_used(const struct heap *heap);              /* bytes in use */
bool heap_spilled(const struct heap *heap);             /* the first 4 MiB did not suffice: now collecting garbage pays */

struct heap_image;
struct heap_image *heap_image_take(const struct heap *heap);      /* NULL when the heap has spilled */
void heap_image_put_back(struct heap *heap, const struct heap_image *image, size_t cap);
void heap_image_free(struct heap_image *image);
#endif
