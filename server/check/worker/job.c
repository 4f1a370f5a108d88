/* job: unpacks a job, hands it to reader and box, sends back what came out. What it is sent by the server it believes; files it does not. */
#include "check/worker/job.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "check/check_wire.h"
#include "check/worker/reader.h"

/* Feeds the files that `key` of the job names to a reader. */
static bool read_files(struct reader *reader, const struct wire_frame *job, const char *key) {
  TREE_EACH(file, tree_get(job->head, key)) {
    const char *bytes, *name = tree_text(file, "name");
    size_t length;
    if (!name || !wire_part(job, file, &bytes, &length)) return false;
    reader_file(reader, name, bytes, length);
  }
  reader_end(reader);
  return true;
}

static bool send_done(struct arena *arena, int out_fd, const struct wire_frame *job, struct tree *head, const struct buf *blob) {
  tree_put_text(arena, head, "t", "done");
  tree_put_text(arena, head, "nonce", tree_text(job->head, "nonce"));
  return wire_send(out_fd, head, blob->data, blob->len, 0) == WIRE_OK;
}

static void put_json(struct arena *arena, struct tree *head, const char *key, struct buf *blob, const struct tree *value) {
  struct buf text;
  buf_init(&text, WIRE_BLOB_MAX);
  tree_write(&text, value);
  wire_put_part(arena, head, key, blob, text.data, text.len);
  buf_release(&text);
}

static bool do_read(struct arena *arena, int out_fd, const struct wire_frame *job) {
  struct tree *params, *head = tree_new(arena, TREE_MAP);
  struct reader reader;
  if (!wire_part_json(arena, job, "params", &params, NULL)) return false;
  bool objects = tree_flag(job->head, "objects", false);
  reader_init(&reader, arena, objects ? params ? READER_OBJECTS : READER_HAND_IN : READER_DOCUMENTS, params, NULL);
  if (!read_files(&reader, job, "files")) return false;
  struct buf blob, packed;
  buf_init(&blob, WIRE_BLOB_MAX);
  buf_init(&packed, WIRE_BLOB_MAX);
  wire_pack(&packed, reader.docs);
  wire_put_part(arena, head, "docs", &blob, packed.data, packed.len);
  put_json(arena, head, "reading", &blob, reader.reading);
  tree_put_bool(arena, head, "refused", reader.refused);
  bool sent = !packed.over && !blob.over && send_done(arena, out_fd, job, head, &blob);
  buf_release(&packed);
  buf_release(&blob);
  return sent;
}

bool job_do(struct arena *arena, struct wire_reader *in, int out_fd, const struct wire_frame *job) {
  (void)in;
  if (!strcmp(job->kind, "read")) return do_read(arena, out_fd, job);
  return false;
}
