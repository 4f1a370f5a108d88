/* grade_item: see the header. A hand-in that is broken gets a verdict of its own (no points, one sentence); one that could not be graded gets none. */
#include "app/grade_item.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "base/words.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/grading.h"
#include "domain/verdict.h"

#define WAIT_MS 120000                    /* a live namespace is waited for like that: until it stands still, at most so long */

void grade_item_free(struct graded_item *item) { arena_free(item->arena); }

/* --- parameters --------------------------------------------------------------------------------------------------------------------- */

/* What the platform gives an attempt (namespace, host …) and no file says. */
static struct tree *with_platforms(const struct grade_job *job, struct arena *arena, struct tree *params) {
  if (job->namespace && !tree_get(params, "host")) tree_put_text(arena, params, "host", arena_printf(arena, "%s.lab.test", job->namespace));   /* a server's usual lab domain */
  TREE_EACH(example, job->lab->examples) if (!tree_get(params, example->key)) tree_put(arena, params, example->key, tree_copy(arena, example));
  if (job->namespace) tree_set(arena, params, "namespace", tree_string(arena, job->namespace));
  else if (!tree_get(params, "namespace")) tree_put_text(arena, params, "namespace", "lab");
  return params;
}

struct tree *grade_item_seeded(const struct grade_job *job, struct arena *arena, const char *seed) {
  unsigned char bytes[32];
  lab_seed_text(seed, bytes);
  return with_platforms(job, arena, lab_params_draw(arena, job->lab, bytes));
}

/* Names that YAML 1.1 reads as booleans where they stand without quotes. */
static bool is_boolean(const char *name) {
  static const char *const names[] = {"y", "n", "yes", "no", "on", "off", "true", "false"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) if (!strcmp(names[i], name)) return true;
  return false;
}

bool grade_item_params(const struct grade_job *job, struct arena *arena, const char *path, const char *text, size_t length, struct tree **out, struct err *err) {
  struct tree *docs = NULL, *reading = NULL;
  bool refused = false;
  struct check_file file = {path, text, length};
  struct check_read_job read = {.files = &file, .file_count = 1};
  if (!check_read(job->pool, arena, &read, &docs, &reading, &refused, err)) return false;
  const struct tree *first = docs ? tree_at_index(docs, 0) : NULL, *value = first ? tree_get(first, "value") : NULL;
  if (refused || !value || value->type != TREE_MAP) {
    err_set(err, ERR_INVALID, "params.unreadable", "%s", path);
    return err_param(err, "file", "%s", path);
  }
  for (size_t i = 0; i < job->lab->param_count; i++)
    if (!tree_get(value, job->lab->params[i].name)) {
      err_set(err, ERR_INVALID, is_boolean(job->lab->params[i].name) ? "params.quotes" : "params.missing", "%s", path);
      err_param(err, "file", "%s", path);
      return err_param(err, "name", "%s", job->lab->params[i].name);
    }
  *out = with_platforms(job, arena, tree_copy(arena, value));
  return true;
}

static bool find_params(const struct grade_job *job, struct graded_item *item, const struct hand_in *hand_in, const struct hand_in_read *read, struct err *err) {
  struct report_row *row = &item->row;
  struct tree *params = NULL;
  row->params_from = job->params_from;
  row->params = job->params;
  if (job->params) return true;
  if (read->params) {
    row->params_from = HAND_IN_PARAMS;
    if (!grade_item_params(job, item->arena, arena_printf(item->arena, "%s/%s", hand_in->path, HAND_IN_PARAMS), read->params, read->params_length, &params, err)) return false;
  } else if (job->roster) {
    row->params_from = "name";
    params = grade_item_seeded(job, item->arena, hand_in->name);
  } else {
    row->params_from = "examples";
    params = with_platforms(job, item->arena, tree_new(item->arena, TREE_MAP));
  }
  row->params = params;
  return true;
}

/* --- from a verdict to a row ---------------------------------------------------------------------------------------------------------- */

/* No score: somebody else's fault than the learner's. */
static void no_score(const struct grade_job *job, struct graded_item *item, const struct err *err) {
  item->row.points = item->row.max = NULL;
  item->row.key = arena_str(item->arena, err->key);
  item->row.message = words_err(item->arena, job->lab->words, job->lang, err);
  item->status = err_code_exit(err->code);
}

static const struct tree *first_of(const struct tree *list, const char *field, const char *value) {
  TREE_EACH(one, list) if (!strcmp(tree_text_or(one, field, ""), value)) return one;
  return NULL;
}

static void fill(const struct grade_job *job, struct graded_item *item, const struct tree *verdict, const struct tree *notes) {
  struct arena *arena = item->arena;
  struct report_row *row = &item->row;
  struct tree *worded = verdict_worded(arena, verdict, job->lab, job->lang, 0, true), *reading = tree_get(worded, "reading");
  TREE_EACH(note, notes) tree_push(reading, finding_worded(arena, note, job->lab->words, job->lang));
  row->lab_version = tree_text(tree_get(verdict, "body"), "lab_version");
  row->state = tree_text_or(worded, "state", "open");
  row->points = tree_text(worded, "earned");
  row->max = tree_text(worded, "max");
  row->reading = reading;
  row->checks = tree_get(worded, "checks");
  row->left_out = tree_get(worded, "left_out");
  row->passed = verdict_all_passed(verdict);
  item->status = row->passed ? 0 : 1;
  const struct tree *error = first_of(row->checks, "outcome", "error"), *refusal = first_of(reading, "level", "refuse");
  if (error) {                                          /* a sum that lacks a check is no score */
    row->points = NULL;
    row->key = tree_text_or(tree_get(error, "error"), "key", "error.unfinished");
    row->message = tree_text_or(error, "error_text", row->key);
    item->status = 3;
  } else if (!strcmp(row->state, "refused") && refusal) {
    row->key = tree_text_or(refusal, "key", "");
    row->message = tree_text_or(refusal, "text", "");
  }
}

struct graded_item *grade_item(const struct grade_job *job, const struct hand_in *hand_in) {
  struct arena *arena = arena_new(0);
  struct graded_item *item = arena_alloc(arena, sizeof *item);
  struct hand_in_read read = {.base = "", .notes = tree_new(arena, TREE_LIST)};
  struct err err = {0}, why = {0};
  struct tree *verdict = NULL, *never = tree_new(arena, TREE_MAP);
  int64_t began = mono_ms();
  *item = (struct graded_item){.arena = arena, .row = {.name = hand_in ? hand_in->name : job->namespace, .path = hand_in ? hand_in->path : job->namespace, .base = ""}};
  bool whole = !hand_in || hand_in_read(arena, hand_in, &read, &why);
  bool broken = !whole && (why.code == ERR_INVALID || why.code == ERR_LIMIT);
  if (!whole && !broken) {
    no_score(job, item, &why);
  } else if (!find_params(job, item, hand_in, &read, &err)) {
    no_score(job, item, &err);
  } else {
    item->row.base = read.base;
    tree_put_bool(arena, never, "never", true);
    struct grade_input input = {.edition = job->edition, .lab = job->lab, .files = read.file, .file_count = read.count, .params = item->row.params, .bulk = true,
                                .scope = !job->kube ? CHECK_SCOPE_FILES : hand_in ? CHECK_SCOPE_BOTH : CHECK_SCOPE_LIVE, .kube = job->kube, .front = job->front, .read_only = job->kube != NULL,
                                .namespace = job->kube ? job->namespace : tree_text_or(item->row.params, "namespace", "lab"), .start = job->kube ? never : NULL, .wait_ms = WAIT_MS};
    if (broken) verdict = grade_unread(arena, &input, &why);
    else if (!grade_once(job->pool, arena, &input, &verdict, NULL, &err)) verdict = NULL;
    if (verdict) fill(job, item, verdict, read.notes);
    else no_score(job, item, &err);
  }
  item->row.took_ms = mono_ms() - began;
  return item;
}
