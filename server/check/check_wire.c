/* check_wire: reading and writing frames, and the parts of a blob. Works on blocking descriptors (the worker: poll, read and write are all its
 * system calls) and on non-blocking ones (the server: a worker that does not read must not hold a thread past its time). */
#include "check/check_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "base/wallclock.h"

#define PREFIX 8u
#define ROOM_FIRST (64u * 1024u)

static uint32_t get_u32(const char *s) {
  const unsigned char *b = (const unsigned char *)s;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put_u32(char *s, size_t v) { for (int i = 0; i < 4; i++) s[i] = (char)(v >> (8 * i) & 0xFF); }

enum wire_status wire_decode(struct arena *arena, const char *bytes, size_t length, size_t *out_need, struct wire_frame *out) {
  *out_need = PREFIX;
  if (length < PREFIX) return WIRE_TIME;
  size_t head_length = get_u32(bytes), blob_length = get_u32(bytes + 4);
  if (head_length < 2 || head_length > WIRE_HEADER_MAX || blob_length > WIRE_BLOB_MAX) return WIRE_BAD;
  *out_need = PREFIX + head_length + blob_length;
  if (length < *out_need) return WIRE_TIME;
  struct tree *head;
  if (!tree_parse(arena, bytes + PREFIX, head_length, 0, &head, NULL)) return WIRE_BAD;
  const char *kind = tree_text(head, "t");
  if (!kind) return WIRE_BAD;
  *out = (struct wire_frame){.head = head, .kind = kind, .blob = arena_dup(arena, bytes + PREFIX + head_length, blob_length), .blob_length = blob_length};
  return WIRE_OK;
}

/* The header alone, after room for the prefix. */
static bool encode_head(struct buf *out, const struct tree *head, size_t blob_length) {
  char prefix[PREFIX] = {0};
  size_t start = out->len;
  buf_add(out, prefix, PREFIX);
  tree_write(out, head);
  size_t head_length = out->len - start - PREFIX;
  if (out->over || head_length > WIRE_HEADER_MAX || blob_length > WIRE_BLOB_MAX) return false;
  put_u32(out->data + start, head_length);
  put_u32(out->data + start + 4, blob_length);
  return true;
}

bool wire_encode(struct buf *out, const struct tree *head, const void *blob, size_t blob_length) {
  if (!encode_head(out, head, blob_length)) return false;
  if (blob_length) buf_add(out, blob, blob_length);
  return !out->over;
}

void wire_reader_init(struct wire_reader *reader, int fd) { *reader = (struct wire_reader){.fd = fd}; }

void wire_reader_release(struct wire_reader *reader) {
  free(reader->bytes);
  *reader = (struct wire_reader){.fd = -1};
}

/* Waits for `events`; WIRE_OK when there is something to do. */
static enum wire_status wait_for(int fd, short events, int64_t until_ms) {
  for (;;) {
    int64_t left = until_ms ? until_ms - mono_ms() : 0;
    if (until_ms && left < 0) left = 0;
    struct pollfd ready = {.fd = fd, .events = events};
    int n = poll(&ready, 1, until_ms ? (int)(left > 60000 ? 60000 : left) : -1);
    if (n > 0) return WIRE_OK;
    if (n < 0 && errno != EINTR) return WIRE_CLOSED;
    if (n == 0 && until_ms && mono_ms() >= until_ms) return WIRE_TIME;
  }
}

/* Room for `need` bytes; a large buffer of an earlier frame is given back when the next is small. */
static void make_room(struct wire_reader *reader, size_t need) {
  if (need < ROOM_FIRST) need = ROOM_FIRST;
  if (reader->room >= need && (reader->room <= 16 * ROOM_FIRST || need > reader->room / 4)) return;
  if (reader->have > need) return;
  char *grown = realloc(reader->bytes, need);
  if (!grown) {
    fputs("makmal: out of memory\n", stderr);
    abort();
  }
  reader->bytes = grown;
  reader->room = need;
}

enum wire_status wire_receive(struct wire_reader *reader, struct arena *arena, int64_t until_ms, struct wire_frame *out) {
  for (;;) {
    size_t need;
    enum wire_status status = wire_decode(arena, reader->bytes ? reader->bytes : "", reader->have, &need, out);
    if (status == WIRE_OK) {
      reader->have -= need;
      if (reader->have) memmove(reader->bytes, reader->bytes + need, reader->have);
      return WIRE_OK;
    }
    if (status == WIRE_BAD) return WIRE_BAD;
    make_room(reader, need);
    status = wait_for(reader->fd, POLLIN, until_ms);
    if (status != WIRE_OK) return status;
    ssize_t n = read(reader->fd, reader->bytes + reader->have, reader->room - reader->have);
    if (n == 0) return WIRE_CLOSED;
    if (n > 0) reader->have += (size_t)n;
    else if (errno != EINTR && errno != EAGAIN) return WIRE_CLOSED;
  }
}

static enum wire_status write_all(int fd, const char *bytes, size_t length, int64_t until_ms) {
  while (length) {
    ssize_t n = write(fd, bytes, length);
    if (n > 0) {
      bytes += n;
      length -= (size_t)n;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return WIRE_CLOSED;
    enum wire_status status = wait_for(fd, POLLOUT, until_ms);
    if (status != WIRE_OK) return status;
  }
  return WIRE_OK;
}

enum wire_status wire_send(int fd, const struct tree *head, const void *blob, size_t blob_length, int64_t until_ms) {
  struct buf bytes;
  buf_init(&bytes, PREFIX + WIRE_HEADER_MAX + 64u * 1024u);
  enum wire_status status = WIRE_BAD;
  if (blob_length <= 32u * 1024u) {                          /* small: one write, so one wake-up of the other side */
    if (wire_encode(&bytes, head, blob, blob_length)) status = write_all(fd, bytes.data, bytes.len, until_ms);
  } else if (encode_head(&bytes, head, blob_length)) {
    status = write_all(fd, bytes.data, bytes.len, until_ms);
    if (status == WIRE_OK) status = write_all(fd, blob, blob_length, until_ms);
  }
  buf_release(&bytes);
  return status;
}

void wire_put_part(struct arena *arena, struct tree *head, const char *key, struct buf *blob, const void *bytes, size_t length) {
  struct tree *part = tree_new(arena, TREE_MAP);
  tree_put_int(arena, part, "at", (int64_t)blob->len);
  tree_put_int(arena, part, "size", (int64_t)length);
  if (length) buf_add(blob, bytes, length);
  if (head->type == TREE_LIST) tree_push(head, part);
  else tree_put(arena, head, key, part);
}

bool wire_part(const struct wire_frame *frame, const struct tree *part, const char **out, size_t *out_length) {
  int64_t at = tree_int(part, "at", -1), size = tree_int(part, "size", -1);
  if (at < 0 || size < 0 || (uint64_t)at > frame->blob_length || (uint64_t)size > frame->blob_length - (uint64_t)at) return false;
  *out = frame->blob + at;
  *out_length = (size_t)size;
  return true;
}

bool wire_part_json(struct arena *arena, const struct wire_frame *frame, const char *key, struct tree **out, struct err *err) {
  const struct tree *part = tree_get(frame->head, key);
  const char *bytes;
  size_t length;
  if (!part) {
    *out = NULL;
    return true;
  }
  return wire_part(frame, part, &bytes, &length) && tree_parse(arena, bytes, length, 0, out, err);
}
