/* buf: growable bytes with a cap they must be given, always NUL-terminated behind `len`.
 * Past the cap nothing is added and `over` stays set: check once, at the end. */
#ifndef MAKMAL_BASE_BUF_H
#define MAKMAL_BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf { char *data; size_t len, room, cap; bool over; };

void buf_init(struct buf *buf, size_t cap);        /* heap; buf_release frees it. cap > 0 */
void buf_init_arena(struct buf *buf, struct arena *arena, size_t cap);  /* as buf_init, released with the arena: *buf must live as long (allocate it there) */
void buf_release(struct buf *buf);
void buf_reset(struct buf *buf);                   /* len = 0, memory kept */
void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_json(struct buf *buf, const char *text);                   /* a JSON string with its quotes; bad UTF-8 becomes U+FFFD */
void buf_json_n(struct buf *buf, const char *text, size_t length);
void buf_html(struct buf *buf, const char *text);                   /* & < > " ' escaped */
void buf_base64(struct buf *buf, const void *bytes, size_t length);
#endif
