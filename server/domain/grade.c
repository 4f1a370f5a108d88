/* grade: see the header. A pass asks the cluster anew; only the last pass's answers are the evidence. */
#include "domain/grade.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/mirror.h"
#include "domain/provision.h"
#include "domain/verdict.h"

#define POLL_MS 500                         /* without a mirror: how often a pending run looks again */
#define QUIET_MS 5000                       /* nothing changed for so long: settled */

static void look_at_waits(const struct check_result *raw, struct grade_result *out) {
  out->pending = false;
  out->next_ms = 0;
  TREE_EACH(check, raw->checks) {
    if (strcmp(tree_text_or(check, "outcome", ""), "pending") != 0) continue;
    out->pending = true;
    TREE_EACH(wait, tree_get(check, "waits")) {
      int64_t at = tree_int(wait, "deadline_ms", 0), again = tree_int(wait, "again_ms", 0);
      if (again && (!at || again < at)) at = again;
      if (at && (!out->next_ms || at < out->next_ms)) out->next_ms = at;
    }
  }
}

/* What the worker's wishes reach: reads go to the observer, finished checks to who runs the pass. */
struct wishes { struct observer observer; const struct grade_pass *pass; };

static bool wish_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err) {
  struct wishes *wishes = ctx;
  if (wishes->pass->in.read_only && !strcmp(tree_text_or(request, "verb", ""), "dryrun"))
    return err_set(err, ERR_NOT_FOUND, "evidence.unobserved", "a dry run, in a run that only reads");
  return observer_read(&wishes->observer, arena, request, reply, out_meta, err);
}

static void wish_finished(void *ctx, const struct tree *check) {
  const struct grade_pass *pass = ((struct wishes *)ctx)->pass;
  if (pass->finished) pass->finished(pass->finished_ctx, check);
}

static struct check_job job_of(const struct grade_pass *pass, int64_t at_ms) {
  const struct grade_input *in = &pass->in;
  return (struct check_job){
    .library = in->edition->library, .library_count = in->edition->library_count, .script = &in->lab->script,
    .files = in->files, .file_count = in->file_count, .setup = in->lab->setup, .setup_count = in->lab->setup_count,
    .params = in->params, .person = in->person, .start = in->start, .held = pass->held, .lab = in->lab->meta, .scope = in->scope,
    .at_ms = at_ms, .applied_ms = in->applied_ms, .settled = pass->settled, .closing = pass->closing};
}

static struct tree *clock_of(struct arena *arena, const struct check_job *job, bool no_api, bool secret_values) {
  struct tree *clock = tree_new(arena, TREE_MAP);
  tree_put_int(arena, clock, "at_ms", job->at_ms);
  tree_put_int(arena, clock, "applied_ms", job->applied_ms);
  tree_put_bool(arena, clock, "settled", job->settled);
  tree_put_bool(arena, clock, "closing", job->closing);
  tree_put_bool(arena, clock, "api", !no_api);
  if (secret_values) tree_put_bool(arena, clock, "secret_values", true);
  tree_put(arena, clock, "held", job->held ? tree_copy(arena, job->held) : tree_new(arena, TREE_NULL));
  return clock;
}

/* The kinds that lab.yaml names, else all that learners' namespaces are watched for. */
static void take_snapshot(struct observer *observer, struct arena *arena, const struct lab *lab) {
  const struct tree *named = tree_get(lab->meta, "snapshot");
  size_t count = 0;
  const char *const *kinds = mirror_kinds(&count);
  if (named) {
    const char **list = arena_alloc(arena, (named->count + 1) * sizeof *list);
    count = 0;
    TREE_EACH(kind, named) if (kind->type == TREE_STRING) list[count++] = kind->text;
    kinds = list;
  }
  observer_snapshot(observer, arena, kinds, count);
}

bool grade_run(struct check_pool *pool, struct arena *arena, const struct grade_pass *pass, struct grade_result *out, struct err *err) {
  const struct grade_input *in = &pass->in;
  struct wishes wishes = {.pass = pass, .observer = {.kube = in->kube, .front = in->front, .namespace = in->namespace, .token = in->token,
                                                     .secret_values = !strcmp(tree_text_or(in->lab->meta, "secrets", ""), "values")}};
  observer_begin(&wishes.observer, arena);
  /* files alone and no API server: what would ask one is unobserved and left out; where the namespace counts, it is our error */
  out->no_api = in->read_only || (in->scope == CHECK_SCOPE_FILES && !in->kube);
  struct check_wish wish = {.ctx = &wishes, .read = in->scope == CHECK_SCOPE_FILES && !in->kube ? NULL : wish_read, .finished = wish_finished};
  struct check_job job = job_of(pass, wall_ms());
  int64_t begun = mono_ms();
  if (!check_run(pool, arena, &job, &wish, &out->raw, err)) return false;
  out->started_ms = job.at_ms;
  out->took_ms = mono_ms() - begun;
  look_at_waits(&out->raw, out);
  if (pass->snapshot && in->kube && !out->pending && !out->raw.refused) take_snapshot(&wishes.observer, arena, in->lab);
  out->evidence = evidence_of(&wishes.observer, arena, in->files, in->file_count, in->params, in->start, clock_of(arena, &job, out->no_api, wishes.observer.secret_values), out->root);
  return true;
}

bool grade_replay(struct check_pool *pool, struct arena *arena, const struct grade_input *input, const struct tree *evidence, struct grade_result *out, struct err *err) {
  const struct tree *clock = tree_get(evidence, "clock"), *held = tree_get(clock, "held");
  struct grade_pass pass = {.in = *input, .settled = tree_flag(clock, "settled", false), .closing = tree_flag(clock, "closing", false)};
  if (held && held->type == TREE_MAP) pass.held = held;
  pass.in.applied_ms = tree_int(clock, "applied_ms", 0);
  struct observer names = {.namespace = input->namespace, .secret_values = !strcmp(tree_text_or(input->lab->meta, "secrets", ""), "values")};
  struct replayer replayer;
  replayer_begin(&replayer, arena, evidence, &names);
  struct check_wish wish = {.ctx = &replayer, .read = replayer_read};
  struct check_job job = job_of(&pass, tree_int(clock, "at_ms", 0));
  if (!check_run(pool, arena, &job, &wish, &out->raw, err)) return false;
  out->no_api = !tree_flag(clock, "api", true);
  out->started_ms = job.at_ms;
  out->evidence = tree_copy(arena, evidence);
  struct tree *bare = tree_copy(arena, evidence);
  tree_remove(bare, "bodies");
  tree_remove(bare, "clock");
  struct buf text;
  buf_init(&text, 64u * 1024u * 1024u);
  tree_write(&text, bare);
  secret_sha256_hex(text.data, text.len, out->root);
  buf_release(&text);
  look_at_waits(&out->raw, out);
  return true;
}

static void pause_ms(int64_t ms) {
  struct timespec span = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&span, NULL);
}

/* Without a mirror: a namespace is settled when the objects that the script reads stand still and have not changed for five seconds. Times and versions of lists move by
 * themselves, and a page may name its caller's port, so the hashes of the objects' bodies are compared, read by read. */
static bool same_objects(const struct tree *a, const struct tree *b) {
  const struct tree *x = tree_get(a, "reads") ? tree_get(a, "reads")->child : NULL, *y = tree_get(b, "reads") ? tree_get(b, "reads")->child : NULL;
  for (;;) {
    while (x && !evidence_is_object(x)) x = x->next;
    while (y && !evidence_is_object(y)) y = y->next;
    if (!x || !y) return !x && !y;
    if (strcmp(tree_text_or(x, "path", ""), tree_text_or(y, "path", "")) != 0 || strcmp(tree_text_or(x, "body", ""), tree_text_or(y, "body", "")) != 0) return false;
    x = x->next;
    y = y->next;
  }
}

/* Nothing that the script read is on its way: on a slow machine five quiet seconds alone say little. */
static bool stands_still(const struct tree *evidence) {
  TREE_EACH(body, tree_get(evidence, "bodies")) TREE_EACH(item, tree_get(body, "items")) if (provision_motion(item) != MOTION_STILL) return false;
  return true;
}

bool grade_once(struct check_pool *pool, struct arena *arena, const struct grade_input *input, struct tree **out, struct tree **out_evidence, struct err *err) {
  struct grade_pass pass = {.in = *input};
  struct grade_result result = {0};
  struct tree *last = NULL;
  int64_t began = mono_ms(), quiet_since = began, first_ms = wall_ms();
  for (;;) {
    if (!grade_run(pool, arena, &pass, &result, err)) return false;
    if (!result.pending || pass.closing) break;
    int64_t now = mono_ms();
    if (!last || !same_objects(last, result.evidence)) quiet_since = now;
    last = result.evidence;
    pass.held = result.raw.held;
    pass.settled = now - quiet_since >= QUIET_MS && stands_still(result.evidence);
    pass.closing = !input->kube || now - began >= input->wait_ms;
    if (!pass.closing && !pass.settled) pause_ms(POLL_MS);
  }
  struct verdict_facts facts = {.edition = input->edition, .lab = input->lab, .params = input->params, .scope = input->scope, .no_api = result.no_api, .refused_fails = input->bulk,
                                .evidence = result.root, .kind = "cli", .actor = "cli", .started_ms = first_ms, .took_ms = mono_ms() - began, .cpu_ms = result.raw.cpu_us / 1000};
  *out = verdict_build(arena, &facts, &result.raw);
  if (out_evidence) *out_evidence = result.evidence;
  return true;
}

struct tree *grade_unread(struct arena *arena, const struct grade_input *input, const struct err *why) {
  struct check_result raw = {.refused = true, .reading = tree_new(arena, TREE_LIST)};
  struct tree *finding = tree_new(arena, TREE_MAP), *params = tree_new(arena, TREE_MAP);
  tree_put_text(arena, finding, "key", why->key);
  tree_put_text(arena, finding, "level", "refuse");
  for (int i = 0; i < why->params; i++) tree_put_text(arena, params, why->param[i].name, why->param[i].value);
  tree_put(arena, finding, "params", params);
  tree_push(raw.reading, finding);
  struct verdict_facts facts = {.edition = input->edition, .lab = input->lab, .params = input->params, .scope = input->scope, .refused_fails = input->bulk, .kind = "cli", .actor = "cli",
                                .no_api = input->read_only || (input->scope == CHECK_SCOPE_FILES && !input->kube), .started_ms = wall_ms()};
  return verdict_build(arena, &facts, &raw);
}
