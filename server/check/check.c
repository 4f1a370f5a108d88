/* check: jobs for the workers, seen from the server: packs a job, answers what the worker asks, takes only what the wire allows, and turns every way
 * in which a worker can fail into an outcome. What is not the worker's place (an id twice, a body too large, a forged end) ends it. */
#include "check/check.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check_pool.h"
#include "check/check_wire.h"

#define CPU_MS 2000
#define READ_MS 10000
#define FILES_MS 10000
#define LIVE_MS 30000
#define READS_MAX 50
#define PROBES_MAX 60
#define READ_BYTES_MAX (16u << 20)
#define CHECK_BODY_MAX (256u * 1024u)          /* of one finished check, and of all of them twice that */
#define READING_MAX (1024u * 1024u)
#define CHECKS_MAX 200

/* One job while it runs. */
struct talk {
  struct check_pool *pool; struct check_worker *worker; struct turn_who who;
  struct arena *scratch;                       /* frames; what is kept is copied into the caller's arena */
  struct tree *head; struct buf blob;          /* the job */
  char nonce[WIRE_NONCE_SIZE];
  int64_t until_ms, from_ms;
  bool cpu, bad, timed, heard, again;
  const struct check_source *source[64]; size_t sources;
};

static bool open_talk(struct talk *talk, struct check_pool *pool, const char *kind, const struct turn_who *who, bool fresh, struct err *err) {
  *talk = (struct talk){.pool = pool, .who = *who};
  if (!check_pool_take(pool, who, fresh, &talk->worker, err)) return false;
  talk->scratch = arena_new(0);
  talk->head = tree_new(talk->scratch, TREE_MAP);
  buf_init(&talk->blob, WIRE_BLOB_MAX);
  id_new(talk->nonce);
  tree_put_text(talk->scratch, talk->head, "t", kind);
  tree_put_text(talk->scratch, talk->head, "nonce", talk->nonce);
  return true;
}

static void close_talk(struct talk *talk, bool good) {
  if (talk->worker) check_pool_give(talk->pool, talk->worker, good);
  buf_release(&talk->blob);
  arena_free(talk->scratch);
}

static void put_json(struct talk *talk, const char *key, const struct tree *value) {
  struct buf text;
  if (!value) return;
  buf_init(&text, WIRE_BLOB_MAX);
  tree_write_plain(&text, value);
  if (text.over) talk->blob.over = true;
  wire_put_part(talk->scratch, talk->head, key, &talk->blob, text.data, text.len);
  buf_release(&text);
}

static void put_files(struct talk *talk, const char *key, const struct check_file *files, size_t count) {
  struct tree *list = tree_new(talk->scratch, TREE_LIST), **tail = &list->child;
  for (size_t i = 0; i < count; i++) {
    struct tree *one = tree_new(talk->scratch, TREE_LIST), *part;
    wire_put_part(talk->scratch, one, NULL, &talk->blob, files[i].bytes, files[i].length);
    part = one->child;
    tree_put_text(talk->scratch, part, "name", files[i].name);
    *tail = part;
    tail = &part->next;
    list->count++;
  }
  tree_put(talk->scratch, talk->head, key, list);
}

static struct tree *source_head(struct talk *talk, const struct check_source *source) {
  struct tree *head = tree_new(talk->scratch, TREE_MAP);
  tree_put_text(talk->scratch, head, "name", source->name);
  tree_put_text(talk->scratch, head, "sha256", source->sha256);
  if (talk->sources < sizeof talk->source / sizeof *talk->source) talk->source[talk->sources++] = source;
  return head;
}

static void put_sources(struct talk *talk, const struct check_source *library, size_t count, const struct check_source *script) {
  struct tree *list = tree_new(talk->scratch, TREE_LIST);
  for (size_t i = 0; i < count; i++) tree_push(list, source_head(talk, &library[i]));
  tree_put(talk->scratch, talk->head, "library", list);
  tree_put(talk->scratch, talk->head, "script", source_head(talk, script));
}

/* Sends the job; the clock runs from the first time. WIRE_BAD: it is too large. */
static enum wire_status send_job(struct talk *talk, int wall_ms) {
  if (wall_ms) {
    talk->from_ms = mono_ms();
    talk->until_ms = talk->from_ms + wall_ms;
  }
  return talk->blob.over ? WIRE_BAD : check_worker_send(talk->worker, talk->head, talk->blob.data, talk->blob.len, talk->until_ms);
}

static bool fail(struct talk *talk, const char *what) {
  talk->bad = true;
  log_warn("check.worker", "refused=%s", what);
  return false;
}

static bool give_source(struct talk *talk, const struct wire_frame *frame) {
  const char *sha = tree_text(frame->head, "sha256");
  for (size_t i = 0; sha && i < talk->sources; i++) {
    if (strcmp(talk->source[i]->sha256, sha)) continue;
    struct tree *head = tree_new(talk->scratch, TREE_MAP);
    tree_put_text(talk->scratch, head, "t", "source");
    tree_put_text(talk->scratch, head, "sha256", sha);
    return check_worker_send(talk->worker, head, talk->source[i]->text, talk->source[i]->length, talk->until_ms) == WIRE_OK || fail(talk, "source");
  }
  return fail(talk, "need");
}

/* A worker that ended before it said a word may have been dead already when it was taken: the job goes to another, once. */
static bool try_another(struct talk *talk) {
  struct err err = {0};
  if (talk->heard || talk->again) return false;
  talk->again = true;
  check_pool_give(talk->pool, talk->worker, false);
  talk->worker = NULL;
  return check_pool_take(talk->pool, &talk->who, true, &talk->worker, &err) && send_job(talk, 0) == WIRE_OK;
}

/* The next frame that is not a need. false: time over, processor time over (talk->cpu), or the worker is of no more use. */
static bool next_frame(struct talk *talk, struct wire_frame *out) {
  for (;;) {
    enum wire_status status = check_worker_receive(talk->worker, talk->scratch, talk->until_ms, CPU_MS * 1000, &talk->cpu, out);
    if (status == WIRE_TIME) {
      talk->timed = true;
      return false;
    }
    if (status == WIRE_CLOSED && try_another(talk)) continue;
    if (status != WIRE_OK) return fail(talk, status == WIRE_BAD ? "frame" : "closed");
    talk->heard = true;
    if (!strcmp(out->kind, "need")) {
      if (!give_source(talk, out)) return false;
      continue;
    }
    if (!strcmp(out->kind, "done")) {
      const char *nonce = tree_text(out->head, "nonce");
      if (!nonce || strcmp(nonce, talk->nonce)) return fail(talk, "nonce");
    }
    return true;
  }
}

/* Sends it for the first time. false: too large, said in err. A worker that does not take it shows when it is listened to. */
static bool begin(struct talk *talk, int wall_ms, struct err *err) {
  enum wire_status status = send_job(talk, wall_ms);
  if (status == WIRE_TIME) talk->until_ms = mono_ms();
  return status != WIRE_BAD || err_set(err, ERR_LIMIT, "check.large", "job of %zu bytes", talk->blob.len);
}

static const char *last_words(struct talk *talk) { return talk->worker ? check_worker_last_words(talk->worker, talk->scratch) : "no other worker starts"; }

static bool job_failed(struct talk *talk, struct err *err) {
  if (talk->timed) {
    err_set(err, ERR_TIMEOUT, "check.time", "%s after %lld ms", talk->cpu ? "processor time" : "wall time", (long long)(mono_ms() - talk->from_ms));
    return false;
  }
  return err_set(err, ERR_UNAVAILABLE, "check.worker", "%s", last_words(talk));
}

/* A part of a frame as JSON, into the caller's arena, capped. */
static bool take_json(struct talk *talk, struct arena *arena, const struct wire_frame *frame, const char *key, size_t most, enum tree_type type, struct tree **out) {
  const struct tree *part = tree_get(frame->head, key);
  const char *bytes;
  size_t length;
  if (!part || !wire_part(frame, part, &bytes, &length) || length > most) return fail(talk, key);
  if (!tree_parse(arena, bytes, length, 0, out, NULL) || (*out)->type != type) return fail(talk, key);
  return true;
}

/* --- read ------------------------------------------------------------------------------------------------------------------ */

static bool take_docs(struct talk *talk, struct arena *arena, const struct wire_frame *frame, struct tree **out) {
  const char *bytes;
  size_t length;
  const struct tree *part = tree_get(frame->head, "docs");
  if (!part || !wire_part(frame, part, &bytes, &length) || !wire_unpack(arena, bytes, length, out) || (*out)->type != TREE_LIST) return fail(talk, "docs");
  TREE_EACH(doc, *out) if (!tree_text(doc, "file") || tree_int(doc, "doc", 0) < 1 || !tree_get(doc, "value")) return fail(talk, "docs");
  return true;
}

bool check_read(struct check_pool *pool, struct arena *arena, const struct check_read_job *job, struct tree **out_docs, struct tree **out_reading, bool *out_refused, struct err *err) {
  struct talk talk;
  struct wire_frame frame;
  struct tree *docs, *reading;
  if (!open_talk(&talk, pool, "read", &(struct turn_who){0}, job->secret, err)) return false;
  put_files(&talk, "files", job->files, job->file_count);
  put_json(&talk, "params", job->params);
  tree_put_bool(talk.scratch, talk.head, "objects", job->objects);
  if (!begin(&talk, READ_MS, err)) {
    close_talk(&talk, false);
    return false;
  }
  bool fine = next_frame(&talk, &frame) && (!strcmp(frame.kind, "done") || fail(&talk, "kind")) && take_docs(&talk, arena, &frame, &docs) &&
              take_json(&talk, arena, &frame, "reading", READING_MAX, TREE_LIST, &reading);
  if (fine) {
    *out_docs = docs;
    *out_reading = reading;
    *out_refused = tree_flag(frame.head, "refused", true);
  } else job_failed(&talk, err);
  close_talk(&talk, fine && !job->secret);
  return fine;
}

/* --- list ------------------------------------------------------------------------------------------------------------------ */

bool check_list(struct check_pool *pool, struct arena *arena, const struct check_source *library, size_t library_count, const struct check_source *script, struct tree **out, struct err *err) {
  struct talk talk;
  struct wire_frame frame;
  struct tree *list, *error = NULL;
  if (!open_talk(&talk, pool, "list", &(struct turn_who){.script = script->sha256}, false, err)) return false;
  put_sources(&talk, library, library_count, script);
  if (!begin(&talk, READ_MS, err)) {
    close_talk(&talk, false);
    return false;
  }
  bool fine = next_frame(&talk, &frame) && (!strcmp(frame.kind, "done") || fail(&talk, "kind"));
  if (fine && tree_get(frame.head, "error")) fine = take_json(&talk, arena, &frame, "error", CHECK_BODY_MAX, TREE_MAP, &error);
  else if (fine) fine = take_json(&talk, arena, &frame, "checks", CHECK_BODY_MAX, TREE_LIST, &list);
  if (!fine) job_failed(&talk, err);
  else if (error) {
    const char *who = tree_text_or(error, "who", "script");
    err_set(err, ERR_INVALID, !strcmp(who, "limit") ? "script.limit" : "script.error", "%s", tree_text_or(error, "detail", ""));
    err_param(err, "file", "%s", tree_text_or(error, "file", ""));
    err_param(err, "line", "%lld", (long long)tree_int(error, "line", 0));
    err_param(err, "text", "%s", tree_text_or(error, "text", ""));
  } else *out = list;
  close_talk(&talk, fine);
  return fine && !error;
}

/* --- run ------------------------------------------------------------------------------------------------------------------- */

struct run { struct talk talk; struct arena *arena; const struct check_wish *wish; struct check_result *out; int reads, probes; size_t read_bytes, body_bytes; int64_t waited_ms; struct tree *plan; };

static struct tree *new_error(struct arena *arena, const char *who, const char *key, const char *detail) {
  struct tree *error = tree_new(arena, TREE_MAP);
  tree_put_text(arena, error, "who", who);
  tree_put_text(arena, error, "key", key);
  tree_put_text(arena, error, "detail", detail);
  return error;
}

static const char *who_of(const struct err *err) {
  switch (err->code) {
    case ERR_UPSTREAM: case ERR_UNAVAILABLE: case ERR_TIMEOUT: return "cluster";
    case ERR_LIMIT: return "limit";
    case ERR_DENIED: case ERR_INVALID: return "script";
    case ERR_NOT_FOUND: return !strcmp(err->key, "evidence.unobserved") ? "unobserved" : "platform";
    default: return "platform";
  }
}

/* Is this read still within the run's budget? */
static bool spend_read(struct run *run, const struct tree *request, struct err *err) {
  const char *verb = tree_text_or(request, "verb", "");
  bool probe = !strcmp(verb, "http") || !strcmp(verb, "log");
  int used = probe ? ++run->probes : ++run->reads, most = probe ? PROBES_MAX : READS_MAX;
  if (used > most) {
    err_set(err, ERR_LIMIT, probe ? "check.probes" : "check.reads", "over %d", most);
    return err_param(err, "limit", "%d", most);
  }
  return true;
}

static bool answer(struct run *run, const struct wire_frame *frame) {
  struct talk *talk = &run->talk;
  struct arena *arena = arena_new(0);                          /* of this one read */
  struct tree *request, *meta = NULL, *head = tree_new(arena, TREE_MAP);
  struct buf body;
  struct err err = {0};
  buf_init(&body, READ_BYTES_MAX);
  tree_put_text(arena, head, "t", "reply");
  tree_put_int(arena, head, "n", tree_int(frame->head, "n", 0));
  bool ok = take_json(talk, arena, frame, "request", CHECK_BODY_MAX * 2, TREE_MAP, &request);
  if (ok) {
    bool got = false;
    if (!run->wish || !run->wish->read) err_set(&err, ERR_NOT_FOUND, "evidence.unobserved", "no cluster in this run");
    else if (spend_read(run, request, &err)) {
      int64_t from = mono_ms();
      got = run->wish->read(run->wish->ctx, arena, request, &body, &meta, &err);
      run->waited_ms += mono_ms() - from;
    }
    if (got && (body.over || (run->read_bytes += body.len) > READ_BYTES_MAX)) {
      got = err_set(&err, ERR_LIMIT, "check.read-bytes", "over %u bytes", READ_BYTES_MAX);
      err_param(&err, "limit_mib", "%u", READ_BYTES_MAX >> 20);
    }
    tree_put_bool(arena, head, "ok", got);
    if (got) {
      tree_put_int(arena, head, "status", tree_int(meta, "status", 200));
      tree_put_int(arena, head, "at_ms", tree_int(meta, "at_ms", 0));
      tree_put_int(arena, head, "read", tree_int(meta, "n", 0));
      if (tree_text(meta, "rv")) tree_put_text(arena, head, "rv", tree_text(meta, "rv"));
    } else {
      tree_put_text(arena, head, "who", who_of(&err));
      tree_put_text(arena, head, "key", err.key);
      tree_put_text(arena, head, "detail", err.detail);
      buf_reset(&body);
    }
    ok = check_worker_send(talk->worker, head, body.data, body.len, talk->until_ms) == WIRE_OK || fail(talk, "reply");
  }
  buf_release(&body);
  arena_free(arena);
  return ok;
}

static bool is_id(const char *id) {
  size_t n = id ? strlen(id) : 0;
  return n >= 1 && n <= 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == n;
}

static bool has_check(const struct tree *checks, const char *id) {
  TREE_EACH(check, checks) if (!strcmp(tree_text_or(check, "id", ""), id)) return true;
  return false;
}

static bool take_check(struct run *run, const struct wire_frame *frame) {
  struct tree *check;
  if (!take_json(&run->talk, run->arena, frame, "check", CHECK_BODY_MAX, TREE_MAP, &check)) return false;
  run->body_bytes += frame->blob_length;
  const char *id = tree_text(check, "id");
  if (!is_id(id) || !tree_text(check, "outcome") || run->body_bytes > 2 * CHECK_BODY_MAX) return fail(&run->talk, "check");
  if (has_check(run->out->checks, id) || run->out->checks->count >= CHECKS_MAX) return fail(&run->talk, "check");
  bool planned = false;
  TREE_EACH(planned_id, run->plan) planned |= planned_id->type == TREE_STRING && !strcmp(planned_id->text, id);
  if (!planned) return fail(&run->talk, "check");
  tree_push(run->out->checks, check);
  if (run->wish && run->wish->finished) run->wish->finished(run->wish->ctx, check);
  return true;
}

static bool take_plan(struct run *run, const struct wire_frame *frame) {
  if (run->plan || !take_json(&run->talk, run->arena, frame, "ids", CHECK_BODY_MAX, TREE_LIST, &run->plan)) return fail(&run->talk, "plan");
  if (run->plan->count > CHECKS_MAX) return fail(&run->talk, "plan");
  TREE_EACH(id, run->plan) if (id->type != TREE_STRING || !is_id(id->text)) return fail(&run->talk, "plan");
  return true;
}

static bool take_done(struct run *run, const struct wire_frame *frame) {
  struct check_result *out = run->out;
  if (!take_json(&run->talk, run->arena, frame, "reading", READING_MAX, TREE_LIST, &out->reading)) return false;
  if (!take_json(&run->talk, run->arena, frame, "held", CHECK_BODY_MAX, TREE_MAP, &out->held)) return false;
  if (!take_json(&run->talk, run->arena, frame, "log", CHECK_BODY_MAX * 2, TREE_MAP, &out->log)) return false;
  if (tree_get(frame->head, "error") && !take_json(&run->talk, run->arena, frame, "error", CHECK_BODY_MAX, TREE_MAP, &out->error)) return false;
  out->refused = tree_flag(frame->head, "refused", false);
  return true;
}

/* Frames until `done`. */
static bool follow(struct run *run) {
  struct wire_frame frame;
  for (;;) {
    if (!next_frame(&run->talk, &frame)) return false;
    bool fine = !strcmp(frame.kind, "ask") ? answer(run, &frame) : !strcmp(frame.kind, "check") ? take_check(run, &frame)
              : !strcmp(frame.kind, "plan") ? take_plan(run, &frame) : !strcmp(frame.kind, "done") ? take_done(run, &frame) : fail(&run->talk, "kind");
    if (!fine) return false;
    if (!strcmp(frame.kind, "done")) return true;
  }
}

/* Every planned check that has not ended, ends so. */
static void end_rest(struct run *run, struct tree *error) {
  TREE_EACH(id, run->plan) {
    if (has_check(run->out->checks, id->text)) continue;
    struct tree *check = tree_new(run->arena, TREE_MAP);
    tree_put_text(run->arena, check, "id", id->text);
    tree_put_text(run->arena, check, "outcome", "error");
    tree_put(run->arena, check, "error", tree_copy(run->arena, error));
    tree_push(run->out->checks, check);
    if (run->wish && run->wish->finished) run->wish->finished(run->wish->ctx, check);
  }
}

static void put_job(struct talk *talk, const struct check_job *job) {
  static const char *const scope[] = {"files", "live", "both"};
  struct arena *a = talk->scratch;
  put_sources(talk, job->library, job->library_count, job->script);
  put_files(talk, "files", job->files, job->file_count);
  put_files(talk, "setup", job->setup, job->setup_count);
  put_json(talk, "params", job->params);
  put_json(talk, "start", job->start);
  put_json(talk, "held", job->held);
  put_json(talk, "lab", job->lab);
  tree_put_text(a, talk->head, "scope", scope[job->scope]);
  tree_put_int(a, talk->head, "at_ms", job->at_ms);
  tree_put_int(a, talk->head, "applied_ms", job->applied_ms);
  tree_put_bool(a, talk->head, "settled", job->settled);
  tree_put_bool(a, talk->head, "closing", job->closing);
}

bool check_run(struct check_pool *pool, struct arena *arena, const struct check_job *job, const struct check_wish *wish, struct check_result *out, struct err *err) {
  struct check_result result = {.reading = tree_new(arena, TREE_LIST), .checks = tree_new(arena, TREE_LIST), .held = job->held ? tree_copy(arena, job->held) : tree_new(arena, TREE_MAP)};
  struct run run = {.arena = arena, .wish = wish, .out = &result};
  result.log = tree_new(arena, TREE_MAP);
  tree_put_text(arena, result.log, "text", "");
  tree_put_bool(arena, result.log, "cut", false);
  if (!open_talk(&run.talk, pool, "run", &(struct turn_who){job->script->sha256, job->person}, job->closing, err)) return false;
  struct talk *talk = &run.talk;
  put_job(talk, job);
  int64_t from_us = mono_us();
  if (!begin(talk, job->wall_ms > 0 ? job->wall_ms : job->scope == CHECK_SCOPE_FILES ? FILES_MS : LIVE_MS, err)) {
    close_talk(talk, false);
    return false;
  }
  bool fine = follow(&run);
  result.cpu_us = talk->worker ? check_worker_cpu_us(talk->worker) : 0;
  result.wall_us = mono_us() - from_us;
  bool limit = result.error && !strcmp(tree_text_or(result.error, "who", ""), "limit");
  if (!fine) {
    /* a run that mostly waited for answers was held up by the cluster: that is tried again, a script that computes too long is not */
    bool held_up = !talk->cpu && run.waited_ms * 1000 > result.wall_us / 2;
    if (talk->timed) result.error = new_error(arena, held_up ? "cluster" : "limit", talk->cpu ? "error.cpu" : "error.time", arena_printf(arena, "%lld ms", (long long)result.wall_us / 1000));
    else result.error = new_error(arena, "platform", "error.worker", last_words(talk));
    log_warn("check.run", "key=%s detail=%s", tree_text(result.error, "key"), tree_text(result.error, "detail"));
    end_rest(&run, result.error);
  }
  close_talk(talk, fine && !limit && !job->closing);
  *out = result;
  return true;
}
