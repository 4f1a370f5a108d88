/* arena: blocks in a list, each at least as large as asked for; clean-ups run last first. Owned by one thread at a time. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_FIRST 4096u
#define BLOCK_MOST (256u * 1024u)
#define ALIGN 16u

struct block { struct block *before; size_t used, room; _Alignas(ALIGN) unsigned char bytes[]; };
struct cleanup { struct cleanup *before; void (*fn)(void *); void *what; };
struct arena { struct block *block; struct cleanup *cleanup; size_t cap, used, next_room; };

static void *must(void *memory) {
  if (!memory) {
    fputs("makmal: out of memory\n", stderr);
    abort();
  }
  return memory;
}

struct arena *arena_new(size_t cap) {
  struct arena *arena = must(calloc(1, sizeof *arena));
  arena->cap = cap;
  arena->next_room = BLOCK_FIRST;
  return arena;
}

void arena_free(struct arena *arena) {
  if (!arena) return;
  while (arena->cleanup) {
    struct cleanup *cleanup = arena->cleanup;
    arena->cleanup = cleanup->before;
    cleanup->fn(cleanup->what);
  }
  for (struct block *block = arena->block, *before; block; block = before) {
    before = block->before;
    free(block);
  }
  free(arena);
}

void *arena_alloc(struct arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) must(NULL);
  size_t need = (size + ALIGN - 1) / ALIGN * ALIGN;
  if (need == 0) need = ALIGN;
  if (!arena->block || arena->block->room - arena->block->used < need) {
    size_t room = need > arena->next_room ? need : arena->next_room;
    struct block *block = must(malloc(sizeof *block + room));
    *block = (struct block){.before = arena->block, .room = room};
    arena->block = block;
    if (arena->next_room < BLOCK_MOST) arena->next_room *= 2;
  }
  void *memory = arena->block->bytes + arena->block->used;
  arena->block->used += need;
  arena->used += need;
  return memset(memory, 0, need);
}

void *arena_dup(struct arena *arena, const void *bytes, size_t size) {
  void *copy = arena_alloc(arena, size);
  if (size) memcpy(copy, bytes, size);
  return copy;
}

char *arena_strn(struct arena *arena, const char *text, size_t length) {
  if (!text) return NULL;
  char *copy = arena_alloc(arena, length + 1);
  if (length) memcpy(copy, text, length);
  return copy;
}

char *arena_str(struct arena *arena, const char *text) { return text ? arena_strn(arena, text, strlen(text)) : NULL; }

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args) {
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, fmt, again);
  va_end(again);
  if (length < 0) return arena_str(arena, "");
  char *text = arena_alloc(arena, (size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, fmt, args);
  return text;
}

char *arena_printf(struct arena *arena, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  char *text = arena_vprintf(arena, fmt, args);
  va_end(args);
  return text;
}

void arena_on_free(struct arena *arena, void (*fn)(void *), void *what) {
  struct cleanup *cleanup = arena_alloc(arena, sizeof *cleanup);
  *cleanup = (struct cleanup){.before = arena->cleanup, .fn = fn, .what = what};
  arena->cleanup = cleanup;
}

bool arena_over(const struct arena *arena) { return arena->cap && arena->used > arena->cap; }
size_t arena_used(const struct arena *arena) { return arena->used; }
