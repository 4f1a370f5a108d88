/* replay: see the header. The same engine as a live run; its reads are answered by the evidence. */
#include "domain/replay.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/grade.h"
#include "domain/lab.h"
#include "domain/verdict.h"
#include "store/db.h"

struct loaded { struct attempt attempt; struct check_file *files; size_t file_count; struct tree *evidence; };

/* A body that may have been forgotten; false only when the store failed. */
static bool text_of(struct db_read *read, const char *verdict, const char *what, struct arena *arena, struct tree **out, struct err *err) {
  const char *text;
  size_t length;
  *out = NULL;
  if (store_verdict_text(read, verdict, what, arena, &text, &length, err)) return tree_parse(arena, text, length, 0, out, err);
  return err->code == ERR_NOT_FOUND;
}

static bool files_of(struct db_read *read, const char *submission, struct arena *arena, struct loaded *out, bool *out_there, struct err *err) {
  struct submission_file_row *names;
  if (!store_submission_files(read, submission, arena, &names, &out->file_count, err)) return false;
  out->files = arena_alloc(arena, (out->file_count + 1) * sizeof *out->files);
  for (size_t i = 0; i < out->file_count; i++) {
    out->files[i].name = names[i].name;
    if (store_body_get(read, names[i].hash, arena, &out->files[i].bytes, &out->files[i].length, err)) continue;
    *out_there = false;
    return err->code == ERR_NOT_FOUND;
  }
  return true;
}

static bool load(struct db *db, struct arena *arena, const char *submission, const char *verdict, struct replay *out, struct loaded *loaded, struct err *err) {
  struct db_read *read = NULL;
  bool there = true;
  bool ok = db_read_begin(db, &read, err) && store_submission_get(read, submission, &out->row, err) && attempt_load(read, out->row.attempt, arena, &loaded->attempt, err);
  if (ok && verdict) ok = store_verdict_get(read, verdict, &out->old, err);
  else if (ok && !store_verdict_of(read, submission, &out->old)) there = false;
  ok = ok && (!there || (text_of(read, out->old.id, "body", arena, &out->old_body, err) && text_of(read, out->old.id, "evidence", arena, &loaded->evidence, err) &&
                         files_of(read, submission, arena, loaded, &there, err)));
  db_read_end(read);
  if (!ok) return false;
  if (!there || !out->old_body || !loaded->evidence) out->kept = "forgotten";
  else if (!strcmp(out->old.state, "refused")) out->kept = "refused";
  err_clear(err);
  return true;
}

static enum check_scope scope_of(const struct tree *body) {
  const char *word = tree_text_or(body, "scope", "both");
  return !strcmp(word, "files") ? CHECK_SCOPE_FILES : !strcmp(word, "live") ? CHECK_SCOPE_LIVE : CHECK_SCOPE_BOTH;
}

/* Nobody can wait in a replay: what would still be awaited was not seen. */
static void no_waits(struct arena *arena, struct tree *checks) {
  TREE_EACH(check, checks)
    if (!strcmp(tree_text_or(check, "outcome", ""), "pending")) {
      tree_set(arena, check, "outcome", tree_string(arena, "unobserved"));
      tree_remove(check, "waits");
    }
}

static const char *first_error(const struct tree *body, const char *only) {
  TREE_EACH(check, tree_get(body, "checks")) {
    const struct tree *error = tree_get(check, "error");
    if (error && (!only || !strcmp(tree_text_or(check, "id", ""), only))) return tree_text_or(error, "key", "error.unfinished");
  }
  return NULL;
}

bool replay_script(struct check_pool *pool, struct arena *arena, const struct edition *edition, const struct lab *lab, const char *text, size_t length, struct lab *out, struct err *err) {
  struct format format = {.arena = arena};
  struct folder folder = {.path = lab->folder, .id = lab->id};
  struct tree *declared = NULL;
  *out = *lab;
  out->script.text = text;
  out->script.length = length;
  secret_sha256_hex(text, length, out->script.sha256);
  out->version[0] = 0;                       /* no lab of that version is anywhere */
  out->checks = NULL;
  out->check_count = 0;
  out->points = 0;
  if (!check_list(pool, arena, edition->library, edition->library_count, &out->script, &declared, err)) return false;
  if (lab_checks(&format, &folder, declared, out)) return true;
  return err_set(err, ERR_INVALID, format.count ? format.list[0].key : "script.error", "line %d", format.count ? format.list[0].line : 0);
}

bool replay_submission(struct check_pool *pool, struct db *db, struct arena *arena, const struct edition *edition, const struct replay_ask *ask, struct replay *out, struct err *err) {
  const char *only = ask->only;
  struct loaded loaded = {0};
  *out = (struct replay){0};
  if (!load(db, arena, ask->submission, ask->verdict, out, &loaded, err)) return false;
  const struct lab *lab = ask->lab ? ask->lab : edition_lab(edition, out->row.lab);
  if (!lab) {
    err_set(err, ERR_UNAVAILABLE, "lab.gone", "lab %s is not in the catalogue", out->row.lab);
    return err_param(err, "lab", "%s", out->row.lab);
  }
  if (out->kept) return true;
  const struct tree *start = tree_get(loaded.evidence, "start");
  struct grade_input input = {.edition = edition, .lab = lab, .files = loaded.files, .file_count = loaded.file_count, .params = tree_get(loaded.evidence, "params"),
                              .scope = scope_of(out->old_body), .namespace = loaded.attempt.namespace, .start = start && start->type == TREE_MAP ? start : NULL};
  struct grade_result result = {0};
  if (!grade_replay(pool, arena, &input, loaded.evidence, &result, err)) return false;
  no_waits(arena, result.raw.checks);
  struct verdict_facts facts = {.edition = edition, .lab = lab, .params = input.params, .scope = input.scope, .no_api = result.no_api, .kubernetes = tree_text(out->old_body, "kubernetes"),
                                .evidence = result.root, .kind = "replay", .actor = "platform", .attempt = out->row.attempt, .submission = out->row.id,
                                .started_ms = result.started_ms, .cpu_ms = result.raw.cpu_us / 1000};
  out->verdict = verdict_build(arena, &facts, &result.raw);
  out->evidence = result.evidence;
  out->failed = first_error(tree_get(out->verdict, "body"), only);
  int anew = 0;
  if (result.raw.refused) out->kept = "refused";
  else verdict_keep(arena, out->verdict, out->old_body, only, &anew);
  if (!out->kept && !anew) out->kept = out->failed ? "failed" : "unobserved";
  if (out->kept) out->verdict = NULL;
  out->same = out->verdict && !strcmp(tree_text_or(out->verdict, "body_sha256", ""), out->old.body_sha256);
  return true;
}
