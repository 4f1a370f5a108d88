/* check_wire: framed messages over the pipe between server and worker, with caps that hold on both sides.
 * Frame = u32 little-endian header length, u32 blob length, JSON header (a map with "t", its kind), blob. What is large or may hold any byte lies in the
 * blob, the header has offsets. No state but a reader's buffer, which belongs to one thread.
 *
 * Server to worker: run | read | list (a job, with nonce), source (answers need), reply (answers ask).
 * Worker to server: need {sha256}, ask {n} + request, plan {ids}, check + one finished check, done {nonce, …} + result. */
#ifndef MAKMAL_CHECK_WIRE_H
#define MAKMAL_CHECK_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena; struct buf; struct err; struct tree;

#define WIRE_HEADER_MAX (64u * 1024u)
#define WIRE_BLOB_MAX (17u * 1024u * 1024u)
#define WIRE_NONCE_SIZE 27

struct wire_frame { struct tree *head; const char *kind; const char *blob; size_t blob_length; };

enum wire_status {
  WIRE_OK,
  WIRE_TIME,       /* nothing whole yet when the time was over: call again, what has come is kept */
  WIRE_CLOSED,     /* the other side is gone */
  WIRE_BAD,        /* not a frame: over a cap, no JSON map, no kind. The pipe is of no more use */
};

/* One frame out of bytes that are all there. *out_need: how many bytes it takes in all, as far as is known yet (at least 8). WIRE_TIME: more are needed. */
enum wire_status wire_decode(struct arena *arena, const char *bytes, size_t length, size_t *out_need, struct wire_frame *out);
/* Header and blob as bytes; false when over a cap. head must have "t". */
bool wire_encode(struct buf *out, const struct tree *head, const void *blob, size_t blob_length);

struct wire_reader { int fd; char *bytes; size_t have, room; };
void wire_reader_init(struct wire_reader *reader, int fd);
void wire_reader_release(struct wire_reader *reader);              /* the descriptor stays open */
/* Waits until `until_ms` (mono_ms; 0: for ever) for one frame. */
enum wire_status wire_receive(struct wire_reader *reader, struct arena *arena, int64_t until_ms, struct wire_frame *out);
enum wire_status wire_send(int fd, const struct tree *head, const void *blob, size_t blob_length, int64_t until_ms);

/* Puts bytes into the blob and {at, size} under `key` of the header; wire_part gives them back, false when the header lies about its own blob. */
void wire_put_part(struct arena *arena, struct tree *head, const char *key, struct buf *blob, const void *bytes, size_t length);
bool wire_part(const struct wire_frame *frame, const struct tree *part, const char **out, size_t *out_length);
/* The part as JSON; a missing part gives NULL and true. */
bool wire_part_json(struct arena *arena, const struct wire_frame *frame, const char *key, struct tree **out, struct err *err);

/* Trees with their places, tags and raw text, in a compact form (JSON would lose them). wire_unpack trusts nothing: depth, counts and lengths are checked,
 * texts must be UTF-8 without NUL, number texts must be JSON numbers. */
void wire_pack(struct buf *out, const struct tree *tree);
bool wire_unpack(struct arena *arena, const char *bytes, size_t length, struct tree **out);
#endif
