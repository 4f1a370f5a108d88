/* attempt_show: an attempt as people see it: JSON for the API and the stream, worded in the viewer's language; the source of topic "attempt:<id>". */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "domain/live.h"
#include "store/db.h"

#define SNAPSHOT_MOST 500

static const char *words_of(struct arena *arena, const struct edition *edition, enum lang lang, const char *key, const struct tree *params) {
  return edition->words ? words_text(arena, edition->words, lang, key, params, NULL) : key;
}

static struct tree *steps_of(struct arena *arena, const struct lab *lab, const struct tree *params, enum lang lang) {
  struct tree *steps = tree_new(arena, TREE_LIST);
  for (size_t i = 0; lab && i < lab->step_count; i++) {
    const struct lab_step *step = &lab->steps[i];
    struct tree *item = tree_new(arena, TREE_MAP);
    const char *title = step->title[lang] ? step->title[lang] : "", *html = step->html[lang] ? step->html[lang] : "";
    size_t length;
    tree_put_text(arena, item, "id", step->id);
    tree_put_text(arena, item, "title", lab_fill(arena, title, strlen(title), params, &length));
    tree_put_text(arena, item, "html", lab_fill(arena, html, strlen(html), params, &length));
    tree_push(steps, item);
  }
  return steps;
}

/* The proof with each act worded. */
static struct tree *proof_of(struct arena *arena, const struct edition *edition, enum lang lang, const struct tree *proof) {
  if (!proof) return tree_new(arena, TREE_NULL);
  struct tree *copy = tree_copy(arena, proof);
  TREE_EACH(act, tree_get(copy, "acts")) {
    tree_put_text(arena, act, "text", words_of(arena, edition, lang, arena_printf(arena, "proof.%s", tree_text_or(act, "act", "")), NULL));
    tree_put_text(arena, act, "guard_text", words_of(arena, edition, lang, arena_printf(arena, "guard.%s", tree_text_or(act, "guard", "")), NULL));
  }
  return copy;
}

struct tree *attempt_json(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, enum lang lang) {
  static const char *const stages[] = {"attempt.stage.namespace", "attempt.stage.walls", "attempt.stage.proof", "attempt.stage.setup"};
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *lab = edition_lab_of(edition, attempt->lab, attempt->lab_version, NULL);
  struct tree *out = tree_new(arena, TREE_MAP), *stage = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "id", attempt->id);
  tree_put_text(arena, out, "lab", attempt->lab);
  tree_put_text(arena, out, "state", attempt_state_name(attempt->state));
  tree_put_text(arena, out, "why", attempt->why);
  tree_put_text(arena, out, "why_text", *attempt->why ? words_of(arena, edition, lang, attempt->why, attempt->why_params) : "");
  tree_put_text(arena, out, "namespace", attempt->namespace);
  tree_put_int(arena, out, "created_ms", attempt->created_ms);
  tree_put_int(arena, out, "ready_ms", attempt->ready_ms);
  tree_put_int(arena, out, "expires_ms", attempt->expires_ms);
  tree_put_int(arena, out, "applied_ms", attempt->applied_ms);
  tree_put_int(arena, out, "now_ms", wall_ms());
  tree_put_int(arena, out, "resets", attempt->resets);
  tree_put(arena, out, "params", attempt->params ? tree_copy(arena, attempt->params) : tree_new(arena, TREE_MAP));
  tree_put(arena, out, "proof", proof_of(arena, edition, lang, attempt->proof));
  tree_put(arena, out, "steps", steps_of(arena, lab, attempt->params, lang));
  int at = attempt->state == ATTEMPT_WANTED ? work_stage(attempts, attempt->id) : -1, done = attempt->state == ATTEMPT_WANTED ? (at > 0 ? at : 0) : PROVISION_STAGES;
  tree_put_int(arena, stage, "done", done);
  tree_put_int(arena, stage, "of", PROVISION_STAGES);
  tree_put_text(arena, stage, "text", at >= 0 ? words_of(arena, edition, lang, stages[at], NULL) : *attempt->why ? words_of(arena, edition, lang, attempt->why, attempt->why_params) : "");
  tree_put(arena, out, "stage", stage);
  catalog_release(edition);
  return out;
}

/* {attempt: …} or with a warning the minutes that are left. */
static char *event_of(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, enum lang lang, int warning) {
  struct tree *event = tree_new(arena, TREE_MAP);
  tree_put(arena, event, "attempt", attempt_json(attempts, arena, attempt, lang));
  if (warning) tree_put_int(arena, event, "warning", warning);
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 1024 * 1024);
  tree_write_plain(text, event);
  return text->data;
}

void attempt_publish(struct attempts *attempts, const char *id, int warning) {
  if (!attempts->needs.live) return;
  struct arena *arena = arena_new(0);
  struct attempt_row row;
  struct attempt attempt;
  if (attempt_read(attempts, arena, id, &row, NULL) && attempt_of_row(arena, &row, &attempt, NULL)) {
    const char *texts[LANG_COUNT];
    char topic[16 + ID_SIZE];
    for (int lang = 0; lang < LANG_COUNT; lang++) texts[lang] = event_of(attempts, arena, &attempt, (enum lang)lang, warning);
    snprintf(topic, sizeof topic, "attempt:%s", id);
    live_publish(attempts->needs.live, topic, "attempt", warning ? NULL : "attempt", texts);
  }
  arena_free(arena);
}

/* --- the topic's source ------------------------------------------------------------------------------------------------------------------------------ */

static const char *id_of(const char *topic) { return topic + strlen("attempt:"); }

static bool may(void *ctx, const char *topic, const struct viewer *viewer) {
  struct attempts *attempts = ctx;
  struct arena *arena = arena_new(0);
  struct attempt_row row;
  struct db_read *read;
  bool yes = false;
  if (id_valid(id_of(topic)) && db_read_begin(attempts->needs.db, &read, NULL)) {
    yes = store_attempt_get(read, id_of(topic), arena, &row, NULL) && attempt_may(read, viewer, &row);
    db_read_end(read);
  }
  arena_free(arena);
  return yes;
}

struct adding { void (*add)(void *ctx, const char *event, const char *json); void *ctx; };
static void add_object(void *ctx, const char *json) {
  struct adding *adding = ctx;
  adding->add(adding->ctx, "object", json);
}

static void snapshot(void *ctx, const char *topic, const struct viewer *viewer, struct arena *arena, void (*add)(void *add_ctx, const char *event, const char *json), void *add_ctx) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct attempt attempt;
  if (!attempt_read(attempts, arena, id_of(topic), &row, NULL) || !attempt_of_row(arena, &row, &attempt, NULL)) return;
  add(add_ctx, "attempt", event_of(attempts, arena, &attempt, viewer->lang, 0));
  struct adding adding = {add, add_ctx};
  mirror_each(attempts->mirror, attempt.namespace, SNAPSHOT_MOST, add_object, &adding);
}

void attempt_show_source(struct attempts *attempts) {
  live_source(attempts->needs.live, &(struct live_source){.prefix = "attempt:", .may = may, .snapshot = snapshot, .ctx = attempts});
}
