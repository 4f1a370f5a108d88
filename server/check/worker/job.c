/* job: unpacks a job, hands it to reader and box, sends back what came out. What it is sent by the server it believes; files, answers of the cluster
 * and scripts it does not. */
#include "check/worker/job.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "check/check_wire.h"
#include "check/worker/box.h"
#include "check/worker/reader.h"
#include "check/worker/result.h"
#include "check/worker/toolkit.h"

#define LIBRARY_MAX 64

/* One job and its pipe. */
struct job { struct arena *arena; struct wire_reader *in; int out_fd; const struct wire_frame *frame; struct wire_frame reply; int64_t asked; bool broken; };

static bool send(struct job *job, struct tree *head, const char *kind, const struct buf *blob) {
  tree_put_text(job->arena, head, "t", kind);
  if (job->broken || wire_send(job->out_fd, head, blob ? blob->data : NULL, blob ? blob->len : 0, 0) != WIRE_OK) job->broken = true;
  return !job->broken;
}

static bool receive(struct job *job, const char *kind) {
  if (job->broken || wire_receive(job->in, job->arena, 0, &job->reply) != WIRE_OK || strcmp(job->reply.kind, kind)) job->broken = true;
  return !job->broken;
}

static void put_json(struct job *job, struct tree *head, const char *key, struct buf *blob, const struct tree *value) {
  struct buf text;
  buf_init(&text, WIRE_BLOB_MAX);
  tree_write(&text, value);
  wire_put_part(job->arena, head, key, blob, text.data, text.len);
  buf_release(&text);
}

static bool send_done(struct job *job, struct tree *head, const struct buf *blob) {
  tree_put_text(job->arena, head, "nonce", tree_text(job->frame->head, "nonce"));
  return send(job, head, "done", blob);
}

/* Feeds the files that `key` of the job names to a reader. */
static bool read_files(struct job *job, struct reader *reader, const char *key) {
  TREE_EACH(file, tree_get(job->frame->head, key)) {
    const char *bytes, *name = tree_text(file, "name");
    size_t length;
    if (!name || !wire_part(job->frame, file, &bytes, &length)) return false;
    reader_file(reader, name, bytes, length);
  }
  return true;
}

/* --- read ------------------------------------------------------------------------------------------------------------------- */

static bool do_read(struct job *job) {
  struct tree *params, *head = tree_new(job->arena, TREE_MAP);
  struct reader reader;
  struct buf blob, packed;
  if (!wire_part_json(job->arena, job->frame, "params", &params, NULL)) return false;
  bool objects = tree_flag(job->frame->head, "objects", false);
  reader_init(&reader, job->arena, objects ? params ? READER_OBJECTS : READER_HAND_IN : READER_DOCUMENTS, params, NULL);
  if (!read_files(job, &reader, "files")) return false;
  reader_end(&reader);
  buf_init(&blob, WIRE_BLOB_MAX);
  buf_init(&packed, WIRE_BLOB_MAX);
  wire_pack(&packed, reader.docs);
  wire_put_part(job->arena, head, "docs", &blob, packed.data, packed.len);
  put_json(job, head, "reading", &blob, reader.reading);
  tree_put_bool(job->arena, head, "refused", reader.refused);
  bool sent = !packed.over && !blob.over && send_done(job, head, &blob);
  buf_release(&packed);
  buf_release(&blob);
  return sent;
}

/* --- scripts ---------------------------------------------------------------------------------------------------------------- */

static bool fetch(void *ctx, const char *sha256, const char **out_text, size_t *out_length) {
  struct job *job = ctx;
  struct tree *head = tree_new(job->arena, TREE_MAP);
  tree_put_text(job->arena, head, "sha256", sha256);
  if (!send(job, head, "need", NULL) || !receive(job, "source")) return false;
  if (strcmp(tree_text_or(job->reply.head, "sha256", ""), sha256)) return false;
  *out_text = arena_strn(job->arena, job->reply.blob, job->reply.blob_length);       /* a NUL behind it */
  *out_length = job->reply.blob_length;
  return true;
}

static bool ask(void *ctx, const struct tree *request, struct tree **out_head, struct tree **out_body) {
  struct job *job = ctx;
  struct tree *head = tree_new(job->arena, TREE_MAP);
  struct buf blob;
  buf_init(&blob, WIRE_BLOB_MAX);
  tree_put_int(job->arena, head, "n", ++job->asked);
  put_json(job, head, "request", &blob, request);
  bool came = send(job, head, "ask", &blob) && receive(job, "reply") && tree_int(job->reply.head, "n", 0) == job->asked;
  buf_release(&blob);
  *out_head = came ? job->reply.head : NULL;
  *out_body = NULL;
  if (!came) {
    job->broken = true;
    return false;
  }
  if (!tree_flag(job->reply.head, "ok", false)) return false;
  if (job->reply.blob_length && !tree_parse(job->arena, job->reply.blob, job->reply.blob_length, 0, out_body, NULL)) {
    *out_head = tree_new(job->arena, TREE_MAP);
    tree_put_text(job->arena, *out_head, "who", "platform");
    tree_put_text(job->arena, *out_head, "key", "error.read");
    tree_put_text(job->arena, *out_head, "detail", "the answer is no JSON");
    return false;
  }
  return true;
}

/* Opens the box and loads the script. */
static bool load(struct job *job, struct box *box) {
  struct box_source library[LIBRARY_MAX], script;
  size_t count = 0;
  TREE_EACH(source, tree_get(job->frame->head, "library")) {
    if (count < LIBRARY_MAX) library[count++] = (struct box_source){tree_text_or(source, "name", "?"), tree_text_or(source, "sha256", "")};
  }
  const struct tree *own = tree_get(job->frame->head, "script");
  script = (struct box_source){tree_text_or(own, "name", "checks.lua"), tree_text_or(own, "sha256", "")};
  return box_open(box, fetch, job, library, count) && box_run_script(box, fetch, job, &script);
}

static bool do_list(struct job *job) {
  struct toolkit toolkit = {.arena = job->arena, .held = tree_new(job->arena, TREE_MAP), .scope = "files", .listing = true, .ask = ask, .ctx = job};
  struct box box = {.job = &toolkit};
  struct tree *head = tree_new(job->arena, TREE_MAP), *list = tree_new(job->arena, TREE_LIST);
  struct buf blob;
  buf_init(&blob, WIRE_BLOB_MAX);
  if (!load(job, &box)) put_json(job, head, "error", &blob, result_error(job->arena, &box.error));
  else {
    for (int i = 0; i < toolkit.checks; i++) tree_push(list, toolkit.check[i].declared);
    put_json(job, head, "checks", &blob, list);
  }
  box_close(&box);
  bool sent = send_done(job, head, &blob);
  buf_release(&blob);
  return sent;
}

/* --- run -------------------------------------------------------------------------------------------------------------------- */

static bool in_scope(const struct toolkit *toolkit, const char *on, const char *side) {
  return (!strcmp(on, "both") || !strcmp(on, side)) && (!strcmp(toolkit->scope, "both") || !strcmp(toolkit->scope, side));
}

static bool send_plan(struct job *job, const struct toolkit *toolkit) {
  struct tree *head = tree_new(job->arena, TREE_MAP), *ids = tree_new(job->arena, TREE_LIST);
  struct buf blob;
  buf_init(&blob, WIRE_BLOB_MAX);
  for (int i = 0; i < toolkit->checks; i++) {
    const struct toolkit_check *check = &toolkit->check[i];
    if (in_scope(toolkit, check->on, "files") || in_scope(toolkit, check->on, "live")) tree_push(ids, tree_string(job->arena, check->id));
  }
  put_json(job, head, "ids", &blob, ids);
  bool sent = send(job, head, "plan", &blob);
  buf_release(&blob);
  return sent;
}

/* One check, both its sides as far as they are in scope; sent as soon as it is finished. */
static void run_check(struct job *job, struct box *box, const struct toolkit *toolkit, const struct toolkit_check *declared, size_t *left) {
  static const char *const sides[] = {"files", "live"};
  struct tree *check = result_new(job->arena, declared->id);
  bool any = false;
  for (int i = 0; i < 2; i++) {
    if (!in_scope(toolkit, declared->on, sides[i])) continue;
    any = true;
    bool fine = box->stop == BOX_GOES;                         /* over a limit, nothing more is run: the last error stands for the rest */
    if (fine) {
      lua_settop(box->L, 0);
      lua_pushstring(box->L, declared->id);
      lua_pushstring(box->L, sides[i]);
      fine = box_call_export(box, "__run", 2, 1) && result_add_side(box, job->arena, check, sides[i]);
    }
    if (!fine) result_add_error(box, job->arena, check);
  }
  if (!any) return;
  struct tree *head = tree_new(job->arena, TREE_MAP);
  struct buf text, blob;
  buf_init(&text, 4 * RESULT_BYTES_MAX);
  buf_init(&blob, WIRE_BLOB_MAX);
  result_write(job->arena, check, left, &text);
  wire_put_part(job->arena, head, "check", &blob, text.data, text.len);
  send(job, head, "check", &blob);
  buf_release(&text);
  buf_release(&blob);
}

static bool take_values(struct job *job, struct toolkit *toolkit) {
  struct tree *params, *start, *held, *lab;
  if (!wire_part_json(job->arena, job->frame, "params", &params, NULL) || !wire_part_json(job->arena, job->frame, "start", &start, NULL) ||
      !wire_part_json(job->arena, job->frame, "held", &held, NULL) || !wire_part_json(job->arena, job->frame, "lab", &lab, NULL)) return false;
  const struct tree *head = job->frame->head;
  toolkit->params = params;
  toolkit->start = start;
  toolkit->lab = lab;
  toolkit->held = held ? held : tree_new(job->arena, TREE_MAP);
  toolkit->scope = tree_text_or(head, "scope", "files");
  toolkit->at_ms = tree_int(head, "at_ms", 0);
  toolkit->applied_ms = tree_int(head, "applied_ms", 0);
  toolkit->settled = tree_flag(head, "settled", false);
  toolkit->closing = tree_flag(head, "closing", false);
  return true;
}

/* Set-up objects count like files, but no finding may point into them. */
static void forget_places(struct tree *tree) {
  tree->at = tree->key_at = (struct tree_at){0};
  TREE_EACH(item, tree) forget_places(item);
}

static bool do_run(struct job *job) {
  struct toolkit *toolkit = arena_alloc(job->arena, sizeof *toolkit);
  struct reader files, setup;
  struct box box = {.job = toolkit};
  struct buf log, blob;
  struct tree *head = tree_new(job->arena, TREE_MAP), *said = tree_new(job->arena, TREE_MAP);
  *toolkit = (struct toolkit){.arena = job->arena, .files = &files, .setup = &setup, .ask = ask, .ctx = job};
  if (!take_values(job, toolkit)) return false;
  reader_init(&files, job->arena, READER_HAND_IN, NULL, tree_text(toolkit->params, "namespace"));
  reader_init(&setup, job->arena, READER_OBJECTS, toolkit->params ? toolkit->params : tree_new(job->arena, TREE_MAP), NULL);
  if (!read_files(job, &files, "files") || !read_files(job, &setup, "setup")) return false;
  if (strcmp(toolkit->scope, "live")) reader_end(&files);
  forget_places(setup.docs);
  buf_init(&log, BOX_LOG_MAX);
  buf_init(&blob, WIRE_BLOB_MAX);
  box.log = &log;
  size_t left = RESULT_BYTES_MAX;
  bool fine = true;
  if (setup.refused) {
    box.error = (struct box_error){.who = "platform", .key = "error.setup", .detail = "the lab's own setup files cannot be read"};
    fine = false;
  }
  if (fine && !files.refused) {
    fine = load(job, &box) && send_plan(job, toolkit);
    box.phase = BOX_RUN;
    for (int i = 0; fine && i < toolkit->checks && !job->broken; i++) run_check(job, &box, toolkit, &toolkit->check[i], &left);
    fine = fine && box.stop == BOX_GOES;
    box_close(&box);
  }
  if (!fine) put_json(job, head, "error", &blob, result_error(job->arena, &box.error));
  put_json(job, head, "reading", &blob, files.reading);
  put_json(job, head, "held", &blob, toolkit->held);
  tree_put(job->arena, said, "text", tree_string(job->arena, log.data));
  tree_put_bool(job->arena, said, "cut", box.log_cut);
  put_json(job, head, "log", &blob, said);
  tree_put_bool(job->arena, head, "refused", files.refused);
  bool sent = send_done(job, head, &blob);
  buf_release(&blob);
  buf_release(&log);
  return sent;
}

bool job_do(struct arena *arena, struct wire_reader *in, int out_fd, const struct wire_frame *frame) {
  struct job job = {.arena = arena, .in = in, .out_fd = out_fd, .frame = frame};
  if (!strcmp(frame->kind, "read")) return do_read(&job);
  if (!strcmp(frame->kind, "list")) return do_list(&job);
  if (!strcmp(frame->kind, "run")) return do_run(&job);
  return false;
}
