/* arena: memory by lifespan. One per request, per job, per edition; always passed, never ambient.
 * A malloc that fails ends the process. Not for two threads at once. */
#ifndef MAKMAL_BASE_ARENA_H
#define MAKMAL_BASE_ARENA_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
/* cap: bytes after which arena_over() says true (0 = no cap); allocation itself goes on, the gate turns the mark into `limit`. */
struct arena *arena_new(size_t cap);
void arena_free(struct arena *arena);              /* runs the clean-ups, last first; NULL is fine */
void *arena_alloc(struct arena *arena, size_t size);          /* zeroed, aligned for any type */
void *arena_dup(struct arena *arena, const void *bytes, size_t size);
char *arena_str(struct arena *arena, const char *text);       /* NULL gives NULL */
char *arena_strn(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args);
/* Runs fn(what) when the arena goes: for statements, curl handles and the like. */
void arena_on_free(struct arena *arena, void (*fn)(void *), void *what);
bool arena_over(const struct arena *arena);
size_t arena_used(const struct arena *arena);
#endif
