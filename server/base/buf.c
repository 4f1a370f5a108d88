/* buf: growable bytes on the heap. One owner; not for two threads at once. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

void buf_init(struct buf *buf, size_t cap) { *buf = (struct buf){.cap = cap}; buf_str(buf, ""); }

static void release(void *what) { buf_release(what); }

void buf_init_arena(struct buf *buf, struct arena *arena, size_t cap) {
  buf_init(buf, cap);
  arena_on_free(arena, release, buf);
}

void buf_release(struct buf *buf) {
  free(buf->data);
  *buf = (struct buf){0};
}

void buf_reset(struct buf *buf) {
  buf->len = 0;
  buf->over = false;
  if (buf->data) buf->data[0] = 0;
}

void buf_add(struct buf *buf, const void *bytes, size_t length) {
  if (buf->over) return;
  if (length > buf->cap - buf->len) {
    buf->over = true;
    return;
  }
  if (buf->len + length + 1 > buf->room) {
    size_t room = buf->room ? buf->room : 64;
    while (room < buf->len + length + 1) room *= 2;
    char *grown = realloc(buf->data, room);
    if (!grown) {
      fputs("makmal: out of memory\n", stderr);
      abort();
    }
    buf->data = grown;
    buf->room = room;
  }
  if (length) memcpy(buf->data + buf->len, bytes, length);
  buf->len += length;
  buf->data[buf->len] = 0;
}

void buf_str(struct buf *buf, const char *text) { if (text) buf_add(buf, text, strlen(text)); }
void buf_char(struct buf *buf, char c) { buf_add(buf, &c, 1); }

void buf_printf(struct buf *buf, const char *fmt, ...) {
  char small[512];
  va_list args;
  va_start(args, fmt);
  int length = vsnprintf(small, sizeof small, fmt, args);
  va_end(args);
  if (length < 0) return;
  if ((size_t)length < sizeof small) {
    buf_add(buf, small, (size_t)length);
    return;
  }
  char *large = malloc((size_t)length + 1);
  if (!large) abort();
  va_start(args, fmt);
  vsnprintf(large, (size_t)length + 1, fmt, args);
  va_end(args);
  buf_add(buf, large, (size_t)length);
  free(large);
}

void buf_json_n(struct buf *buf, const char *text, size_t length) {
  const unsigned char *s = (const unsigned char *)text;
  buf_char(buf, '"');
  size_t plain = 0;                                  /* bytes before i that can be copied in one piece start here */
  for (size_t i = 0; i < length;) {
    size_t step = utf8_step(text + i, length - i);
    bool special = step == 0 || s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] == 0x7F;
    if (!special) {
      i += step;
      continue;
    }
    buf_add(buf, s + plain, i - plain);
    switch (step ? s[i] : 0xFF) {
      case '"': buf_str(buf, "\\\""); break;
      case '\\': buf_str(buf, "\\\\"); break;
      case '\n': buf_str(buf, "\\n"); break;
      case '\r': buf_str(buf, "\\r"); break;
      case '\t': buf_str(buf, "\\t"); break;
      case 0xFF: buf_str(buf, "\xEF\xBF\xBD"); break;
      default: buf_printf(buf, "\\u%04x", s[i]);
    }
    i += step ? step : 1;
    plain = i;
  }
  buf_add(buf, s + plain, length - plain);
  buf_char(buf, '"');
}

void buf_json(struct buf *buf, const char *text) {
  if (text) buf_json_n(buf, text, strlen(text));
  else buf_str(buf, "null");
}

void buf_html(struct buf *buf, const char *text) {
  for (; text && *text; text++) switch (*text) {
    case '&': buf_str(buf, "&amp;"); break;
    case '<': buf_str(buf, "&lt;"); break;
    case '>': buf_str(buf, "&gt;"); break;
    case '"': buf_str(buf, "&quot;"); break;
    case '\'': buf_str(buf, "&#39;"); break;
    default: buf_char(buf, *text);
  }
}

void buf_base64(struct buf *buf, const void *bytes, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *s = bytes;
  for (size_t i = 0; i < length; i += 3) {
    unsigned v = (unsigned)s[i] << 16 | (i + 1 < length ? (unsigned)s[i + 1] << 8 : 0) | (i + 2 < length ? s[i + 2] : 0u);
    char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < length ? digits[v >> 6 & 63] : '=', i + 2 < length ? digits[v & 63] : '='};
    buf_add(buf, four, 4);
  }
}
