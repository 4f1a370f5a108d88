/* verdict: see the header. Everything that a worker says is bounded and looked up against the list of checks that the edition knows. */
#include "domain/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "base/words.h"
#include "domain/catalog.h"
#include "domain/fraction.h"

#define ENGINE 1                      /* raised when the same script and evidence give another verdict */
#define BODY_CAP (1024u * 1024u)
#define SHARES_MAX 2000
#define WEIGHT_MAX 1000000

/* --- outcome and points of one check ------------------------------------------------------------------------------------------ */

static const struct lab_check *known(const struct lab *lab, const char *id) {
  for (size_t i = 0; id && i < lab->check_count; i++) if (!strcmp(lab->checks[i].id, id)) return &lab->checks[i];
  return NULL;
}

static bool side_in(enum check_scope on, enum check_scope scope, enum check_scope side) {
  return (on == CHECK_SCOPE_BOTH || on == side) && (scope == CHECK_SCOPE_BOTH || scope == side);
}

static bool counted(const struct lab_check *check, enum check_scope scope) {
  return side_in(check->on, scope, CHECK_SCOPE_FILES) || side_in(check->on, scope, CHECK_SCOPE_LIVE);
}

/* Whether it leaves both sums is settled before anybody reads the hand-in, so that what two of them are worth can be compared. */
static bool out_of_reach(const struct lab *lab, const struct lab_check *check, bool no_api) {
  if (!no_api) return false;
  if (check->strict) return true;
  for (size_t i = 0; i < check->need_count; i++) {          /* what needs one cannot be judged either; needs have no cycles (lab_checks) */
    const struct lab_check *need = known(lab, check->needs[i]);
    if (need && out_of_reach(lab, need, no_api)) return true;
  }
  return false;
}

/* What a check can bring in this scope: all its points, or half when only one side of a `both` runs. */
static struct fraction worth(const struct lab_check *check, enum check_scope scope) {
  bool half = check->on == CHECK_SCOPE_BOTH && scope != CHECK_SCOPE_BOTH;
  return fraction_of(check->points, half ? 2 : 1);
}

static const char *on_name(enum check_scope on) { return on == CHECK_SCOPE_FILES ? "files" : on == CHECK_SCOPE_LIVE ? "live" : "both"; }

/* Adds up [[weight, won, …], …]. False when a row is not of that form. */
static bool add_shares(const struct tree *list, int64_t *weight, int64_t *won) {
  int rows = 0;
  TREE_EACH(row, list) {
    int64_t w;
    const struct tree *is_won = row->type == TREE_LIST ? tree_at_index(row, 1) : NULL;
    if (!is_won || is_won->type != TREE_BOOL || !tree_is_int(tree_at_index(row, 0), &w) || w < 1 || w > WEIGHT_MAX || ++rows > SHARES_MAX) return false;
    *weight += w;
    if (is_won->flag) *won += w;
  }
  return true;
}

static struct tree *error_of(struct arena *arena, const char *who, const char *key) {
  struct tree *error = tree_new(arena, TREE_MAP);
  tree_put_text(arena, error, "who", who);
  tree_put_text(arena, error, "key", key);
  return error;
}

/* Points of the sides that ran: *out. False when the worker's shares make no sense. */
static bool points_of(const struct lab_check *check, enum check_scope scope, const struct tree *raw, struct fraction *out) {
  static const enum check_scope sides[] = {CHECK_SCOPE_FILES, CHECK_SCOPE_LIVE};
  struct fraction sum = {0, 1};
  for (int i = 0; i < 2; i++) {
    if (!side_in(check->on, scope, sides[i])) continue;
    int64_t weight = 0, won = 0;
    if (!add_shares(tree_get(tree_get(raw, "shares"), on_name(sides[i])), &weight, &won) || weight == 0) return false;
    __int128 top = (__int128)check->points * won, bottom = (__int128)weight * (check->on == CHECK_SCOPE_BOTH ? 2 : 1);
    sum = fraction_add(sum, fraction_of(top, bottom));
  }
  *out = sum;
  return true;
}

static bool is_one_of(const char *word, const char *const *list) {
  for (; word && *list; list++) if (!strcmp(word, *list)) return true;
  return false;
}

static void put_copy(struct arena *arena, struct tree *map, const char *key, const struct tree *value) {
  if (value) tree_put(arena, map, key, tree_copy(arena, value));
}

struct tree *verdict_check(struct arena *arena, const struct lab *lab, enum check_scope scope, bool no_api, const struct tree *raw) {
  static const char *const unscored[] = {"blocked", "pending", NULL};
  const struct lab_check *check = known(lab, tree_text(raw, "id"));
  if (!check || !counted(check, scope)) return NULL;
  const char *said = tree_text_or(raw, "outcome", "error");
  struct fraction max = worth(check, scope), earned = {0, 1};
  const struct tree *error = tree_get(raw, "error");
  const char *outcome = said;
  bool scored = false;
  if (out_of_reach(lab, check, no_api) || !strcmp(said, "unobserved") || !strcmp(tree_text_or(error, "who", ""), "unobserved")) {
    outcome = "unobserved";                     /* the evidence lacks a read, or there is no API server in this scope */
  } else if (!strcmp(said, "error") || error) {
    outcome = "error";
    if (!error) error = error_of(arena, "platform", "error.unfinished");
  } else if (!is_one_of(said, unscored)) {
    if (!tree_flag(raw, "gate", true)) {
      outcome = "fail";
      scored = true;
    } else if (!points_of(check, scope, raw, &earned)) {
      outcome = "error";
      error = error_of(arena, "script", "error.no-share");
    } else {
      outcome = earned.top == 0 ? "fail" : earned.top == max.top && earned.bottom == max.bottom ? "pass" : "partial";
      scored = true;
    }
  }
  char text[48];
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "id", check->id);
  tree_put_text(arena, out, "on", on_name(check->on));
  tree_put_text(arena, out, "step", check->step);
  tree_put_text(arena, out, "outcome", outcome);
  if (scored) {
    fraction_text(earned, text);
    tree_put_text(arena, out, "earned", text);
  }
  fraction_text(max, text);
  tree_put_text(arena, out, "max", text);
  tree_put_text(arena, out, "visible", check->visible ? check->visible : "always");
  tree_put_text(arena, out, "show", check->show ? check->show : "full");
  if (error && !strcmp(outcome, "error")) put_copy(arena, out, "error", error);
  if (!strcmp(outcome, "blocked")) put_copy(arena, out, "because", tree_get(raw, "because"));
  if (scored) put_copy(arena, out, "shares", tree_get(raw, "shares"));
  if (!strcmp(outcome, "pending")) put_copy(arena, out, "waits", tree_get(raw, "waits"));
  const struct tree *findings = tree_get(raw, "findings");
  if (out_of_reach(lab, check, no_api)) findings = NULL;
  tree_put(arena, out, "findings", findings && findings->type == TREE_LIST ? tree_copy(arena, findings) : tree_new(arena, TREE_LIST));
  return out;
}

/* --- the whole verdict ---------------------------------------------------------------------------------------------------------- */

static const struct tree *raw_of(const struct check_result *result, const char *id) {
  TREE_EACH(raw, result->checks) {
    const char *its = tree_text(raw, "id");
    if (its && !strcmp(its, id)) return raw;
  }
  return NULL;
}

static void put_hash(struct arena *arena, struct tree *map, const char *key, const char *hex) {
  tree_put_text(arena, map, key, hex && *hex ? arena_printf(arena, "sha256:%s", hex) : NULL);
}

static char *utc(struct arena *arena, int64_t ms) {
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  char day[32];
  strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
  return arena_printf(arena, "%s.%03dZ", day, (int)(ms % 1000));
}

static void add_left_out(struct arena *arena, struct tree *list, const struct lab_check *check, enum check_scope scope) {
  if (!counted(check, scope)) tree_push(list, tree_string(arena, check->id));
  else if (check->on == CHECK_SCOPE_BOTH && scope != CHECK_SCOPE_BOTH)
    tree_push(list, tree_string(arena, arena_printf(arena, "%s.%s", check->id, scope == CHECK_SCOPE_FILES ? "live" : "files")));
}

/* Blocked, but by nothing that the hand-in did: every check that it waits for is unobserved. */
static bool blocked_unseen(const struct tree *check, const struct tree *before) {
  const struct tree *because = tree_get(check, "because");
  if (strcmp(tree_text_or(check, "outcome", ""), "blocked") != 0 || !because || !because->count) return false;
  TREE_EACH(need, because) {
    bool unseen = false;
    TREE_EACH(other, before) unseen |= need->type == TREE_STRING && !strcmp(tree_text_or(other, "id", ""), need->text) && !strcmp(tree_text_or(other, "outcome", ""), "unobserved");
    if (!unseen) return false;
  }
  return true;
}

/* Fills checks, left_out, earned, max; *out_open: something has no last word yet. */
static void add_checks(struct arena *arena, struct tree *body, const struct verdict_facts *facts, const struct check_result *result, bool *out_open) {
  struct fraction earned = {0, 1}, max = {0, 1};
  struct tree *checks = tree_new(arena, TREE_LIST), *left_out = tree_new(arena, TREE_LIST);
  for (size_t i = 0; i < facts->lab->check_count; i++) {
    const struct lab_check *known_check = &facts->lab->checks[i];
    add_left_out(arena, left_out, known_check, facts->scope);
    if (!counted(known_check, facts->scope)) continue;
    const struct tree *raw = raw_of(result, known_check->id);
    struct tree nothing = {.type = TREE_MAP};
    struct tree *check;
    if (raw) {
      check = verdict_check(arena, facts->lab, facts->scope, facts->no_api, raw);
    } else {                                    /* the worker never told its end */
      struct tree *missing = tree_copy(arena, &nothing);
      tree_put_text(arena, missing, "id", known_check->id);
      check = verdict_check(arena, facts->lab, facts->scope, facts->no_api, missing);
    }
    if (blocked_unseen(check, checks)) {
      tree_remove(check, "because");
      tree_set(arena, check, "outcome", tree_string(arena, "unobserved"));
    }
    const char *outcome = tree_text(check, "outcome");
    struct fraction f;
    bool unobserved = !strcmp(outcome, "unobserved");
    if (fraction_parse(tree_text(check, "earned"), &f)) earned = fraction_add(earned, f);
    if (unobserved) tree_push(left_out, tree_string(arena, known_check->id));
    else max = fraction_add(max, worth(known_check, facts->scope));
    if (unobserved || !strcmp(outcome, "pending") || !strcmp(outcome, "error")) *out_open = true;
    tree_push(checks, check);
  }
  char text[48];
  fraction_text(earned, text);
  tree_put_text(arena, body, "earned", text);
  fraction_text(max, text);
  tree_put_text(arena, body, "max", text);
  tree_put(arena, body, "left_out", left_out);
  tree_put(arena, body, "checks", checks);
}

static struct tree *run_of(struct arena *arena, const struct verdict_facts *facts) {
  struct tree *run = tree_new(arena, TREE_MAP);
  tree_put_text(arena, run, "id", facts->id);
  tree_put_text(arena, run, "kind", facts->kind);
  tree_put_text(arena, run, "attempt", facts->attempt);
  tree_put_text(arena, run, "submission", facts->submission);
  tree_put_text(arena, run, "actor", facts->actor);
  tree_put_text(arena, run, "started", utc(arena, facts->started_ms));
  tree_put_int(arena, run, "took_ms", facts->took_ms);
  tree_put_int(arena, run, "cpu_ms", facts->cpu_ms);
  tree_put(arena, run, "replaces", tree_new(arena, TREE_NULL));
  tree_put(arena, run, "reason", tree_new(arena, TREE_NULL));
  return run;
}

static void hash_of(const struct tree *body, char out[65]) {
  struct buf text;
  buf_init(&text, BODY_CAP);
  tree_write(&text, body);
  secret_sha256_hex(text.data, text.len, out);
  buf_release(&text);
}

/* A check that a hand-in fails because nobody can read it: the place is where the reader stopped. */
static struct tree *unreadable(struct arena *arena, const struct verdict_facts *facts, const struct check_result *result, const char *id) {
  struct tree *raw = tree_new(arena, TREE_MAP), *findings = tree_new(arena, TREE_LIST), *finding = tree_new(arena, TREE_MAP);
  tree_put_text(arena, raw, "id", id);
  tree_put_text(arena, raw, "outcome", "fail");
  tree_put_bool(arena, raw, "gate", false);
  tree_put_text(arena, finding, "key", "files.unreadable");
  tree_put_text(arena, finding, "level", "fail");
  TREE_EACH(read, result->reading)
    if (!strcmp(tree_text_or(read, "level", ""), "refuse")) {
      put_copy(arena, finding, "at", tree_get(read, "at"));
      break;
    }
  tree_push(findings, finding);
  tree_put(arena, raw, "findings", findings);
  return verdict_check(arena, facts->lab, facts->scope, facts->no_api, raw);
}

struct tree *verdict_build(struct arena *arena, const struct verdict_facts *facts, const struct check_result *result) {
  struct tree *body = tree_new(arena, TREE_MAP);
  bool open = false;
  tree_put_text(arena, body, "lab", facts->lab->id);
  put_hash(arena, body, "lab_version", facts->lab->version);
  put_hash(arena, body, "script", facts->lab->script.sha256);
  put_hash(arena, body, "library", facts->edition->library_sha256);
  tree_put_int(arena, body, "engine", ENGINE);
  tree_put_text(arena, body, "kubernetes", facts->kubernetes);
  put_copy(arena, body, "params", facts->params);
  put_hash(arena, body, "evidence", facts->evidence);
  tree_put_text(arena, body, "scope", on_name(facts->scope));
  if (result->refused) {
    struct fraction max = {0, 1};
    struct tree *left_out = tree_new(arena, TREE_LIST), *checks = tree_new(arena, TREE_LIST);
    char text[48];
    for (size_t i = 0; i < facts->lab->check_count; i++) {
      const struct lab_check *check = &facts->lab->checks[i];
      add_left_out(arena, left_out, check, facts->scope);
      if (!counted(check, facts->scope)) continue;
      if (out_of_reach(facts->lab, check, facts->no_api)) tree_push(left_out, tree_string(arena, check->id));
      else max = fraction_add(max, worth(check, facts->scope));
      tree_push(checks, unreadable(arena, facts, result, check->id));
    }
    fraction_text(max, text);
    tree_put_text(arena, body, "earned", "0");
    tree_put_text(arena, body, "max", text);
    tree_put(arena, body, "left_out", left_out);
    if (facts->refused_fails) tree_put(arena, body, "checks", checks);
  } else {
    add_checks(arena, body, facts, result, &open);
  }
  tree_put_text(arena, body, "state", result->refused ? "refused" : open ? "open" : "settled");
  tree_put(arena, body, "reading", result->reading ? tree_copy(arena, result->reading) : tree_new(arena, TREE_LIST));
  put_copy(arena, body, "log", result->log);

  char hash[65];
  hash_of(body, hash);
  struct tree *verdict = tree_new(arena, TREE_MAP);
  tree_put_text(arena, verdict, "format", "makmal.verdict/1");
  tree_put(arena, verdict, "run", run_of(arena, facts));
  tree_put(arena, verdict, "body", body);
  tree_put_text(arena, verdict, "body_sha256", hash);
  return verdict;
}

static struct tree *check_in(const struct tree *checks, const char *id) {
  TREE_EACH(check, checks) if (!strcmp(tree_text_or(check, "id", ""), id)) return check;
  return NULL;
}

static bool says_nothing(const struct tree *check, const struct tree *kept) {
  const char *outcome = tree_text_or(check, "outcome", "");
  if (!strcmp(outcome, "unobserved") || !strcmp(outcome, "error") || !strcmp(outcome, "pending")) return true;
  if (!strcmp(outcome, "blocked")) TREE_EACH(need, tree_get(check, "because")) if (need->type == TREE_STRING && tree_get(kept, need->text)) return true;
  return false;
}

/* Sums, state and left_out of a body whose checks were exchanged. */
static void recount(struct arena *arena, struct tree *body, const struct tree *kept) {
  struct fraction earned = {0, 1}, max = {0, 1}, f;
  struct tree *left_out = tree_new(arena, TREE_LIST);
  bool open = false;
  TREE_EACH(word, tree_get(body, "left_out")) if (word->type == TREE_STRING && !tree_get(kept, word->text)) tree_push(left_out, tree_string(arena, word->text));
  TREE_EACH(check, tree_get(body, "checks")) {
    const char *outcome = tree_text_or(check, "outcome", "");
    bool unobserved = !strcmp(outcome, "unobserved");
    if (fraction_parse(tree_text(check, "earned"), &f)) earned = fraction_add(earned, f);
    if (!unobserved && fraction_parse(tree_text(check, "max"), &f)) max = fraction_add(max, f);
    if (unobserved && tree_get(kept, tree_text_or(check, "id", ""))) tree_push(left_out, tree_string(arena, tree_text_or(check, "id", "")));
    if (unobserved || !strcmp(outcome, "error") || !strcmp(outcome, "pending")) open = true;
  }
  char text[48];
  fraction_text(earned, text);
  tree_set(arena, body, "earned", tree_string(arena, text));
  fraction_text(max, text);
  tree_set(arena, body, "max", tree_string(arena, text));
  tree_set(arena, body, "state", tree_string(arena, open ? "open" : "settled"));
  tree_set(arena, body, "left_out", left_out);
}

void verdict_keep(struct arena *arena, struct tree *verdict, const struct tree *old_body, const char *only, int *out_new) {
  struct tree *body = tree_get(verdict, "body"), *kept = tree_new(arena, TREE_MAP), *checks = tree_new(arena, TREE_LIST);
  const struct tree *new_checks = tree_get(body, "checks"), *old_checks = tree_get(old_body, "checks");
  const char *script = tree_text_or(old_body, "script", "");
  *out_new = 0;
  /* whoever is blocked by one that is kept is kept too, however long the chain */
  for (size_t before = SIZE_MAX; before != kept->count;) {
    before = kept->count;
    TREE_EACH(check, new_checks) {
      const char *id = tree_text_or(check, "id", "");
      const struct tree *old = check_in(old_checks, id);
      if (!old || tree_get(kept, id)) continue;
      bool other = only && strcmp(id, only) != 0;
      if (other ? tree_equal(old, check) : !says_nothing(check, kept) || !strcmp(tree_text_or(old, "outcome", ""), tree_text_or(check, "outcome", ""))) continue;
      tree_put_text(arena, kept, id, tree_text_or(tree_get(old_body, "kept"), id, script));
    }
  }
  TREE_EACH(check, new_checks) {
    const char *id = tree_text_or(check, "id", "");
    bool keep = tree_get(kept, id) != NULL;
    *out_new += !keep && (!only || !strcmp(id, only)) && !says_nothing(check, kept);
    tree_push(checks, tree_copy(arena, keep ? check_in(old_checks, id) : check));
  }
  if (!kept->count) return;
  tree_set(arena, body, "checks", checks);
  tree_put(arena, body, "kept", kept);
  recount(arena, body, kept);
  char hash[65];
  hash_of(body, hash);
  tree_set(arena, verdict, "body_sha256", tree_string(arena, hash));
}

bool verdict_has(const struct tree *verdict, const char *outcome) {
  TREE_EACH(check, tree_path(verdict, "body.checks")) if (!strcmp(tree_text_or(check, "outcome", ""), outcome)) return true;
  return false;
}

bool verdict_all_passed(const struct tree *verdict) {
  const struct tree *checks = tree_path(verdict, "body.checks");
  int passed = 0;
  TREE_EACH(check, checks) {
    const char *outcome = tree_text_or(check, "outcome", "");
    if (!strcmp(outcome, "pass")) passed++;
    else if (strcmp(outcome, "unobserved")) return false;
  }
  return passed > 0;
}

/* --- words ------------------------------------------------------------------------------------------------------------------------ */

/* want and got as a person reads them: the operator is a message of its own ("want.at_most": "at most {value}"). */
static const char *want_text(struct arena *arena, const struct tree *want, const struct words *words, enum lang lang) {
  const char *op = tree_text(want, "op");
  if (!op) return NULL;
  char key[64];
  snprintf(key, sizeof key, "want.%s", op);
  if (!words_has(words, LANG_EN, key)) return NULL;
  return words_text(arena, words, lang, key, want, NULL);
}

static const char *got_text(struct arena *arena, const struct tree *got, const struct words *words, enum lang lang) {
  const char *state = tree_text(got, "state");
  if (!state) return NULL;
  char key[64];
  snprintf(key, sizeof key, "got.%s", state);
  if (!words_has(words, LANG_EN, key)) return NULL;
  return words_text(arena, words, lang, key, got, NULL);
}

struct tree *finding_worded(struct arena *arena, const struct tree *finding, const struct words *words, enum lang lang) {
  struct tree *out = tree_copy(arena, finding);
  tree_remove(out, "reads");
  const char *key = tree_text_or(finding, "key", "error.unnamed");
  /* the message's parameters: those of the finding, and where it stands */
  struct tree *params = tree_new(arena, TREE_MAP);
  TREE_EACH(param, tree_get(finding, "params")) tree_set(arena, params, param->key, tree_copy(arena, param));
  if (!tree_get(params, "path")) tree_set(arena, params, "path", tree_string(arena, tree_text_or(finding, "path", "")));
  const struct tree *object = tree_get(finding, "object"), *want = tree_get(finding, "want"), *got = tree_get(finding, "got");
  if (!tree_get(params, "kind") && tree_text(object, "kind")) tree_set(arena, params, "kind", tree_string(arena, tree_text(object, "kind")));
  if (!tree_get(params, "name") && tree_text(object, "name")) tree_set(arena, params, "name", tree_string(arena, tree_text(object, "name")));
  const char *wanted = want_text(arena, want, words, lang), *found = got_text(arena, got, words, lang);
  if (!tree_get(params, "want") && wanted) tree_set(arena, params, "want", tree_string(arena, wanted));
  if (!tree_get(params, "got") && found) tree_set(arena, params, "got", tree_string(arena, found));
  enum lang used;
  const char *text = words_text(arena, words, lang, key, params, &used);
  tree_set(arena, out, "text", tree_string(arena, text));
  if (used != lang) tree_set(arena, out, "text_lang", tree_string(arena, lang_code(used)));
  if (wanted) tree_set(arena, out, "want_text", tree_string(arena, wanted));
  if (found) tree_set(arena, out, "got_text", tree_string(arena, found));
  char why[96];
  snprintf(why, sizeof why, "%s.why", key);
  if (words_has(words, LANG_EN, why)) tree_set(arena, out, "why", tree_string(arena, words_text(arena, words, lang, why, params, NULL)));
  return out;
}

static const char *title_of(struct arena *arena, const struct lab *lab, enum lang lang, const char *id) {
  return words_text(arena, lab->words, lang, arena_printf(arena, "%s.title", id), NULL, NULL);
}

/* always | after-try(n) | after-due | after-release | never: may the learner see it now? */
static bool visible_now(const char *visible, int tries, bool staff) {
  int after = 0;
  if (staff || !visible || !strcmp(visible, "always")) return true;
  return sscanf(visible, "after-try(%d)", &after) == 1 && tries >= after;
}

static void cut_findings(struct arena *arena, struct tree *check, const char *show, const struct lab *lab, enum lang lang) {
  struct tree *findings = tree_new(arena, TREE_LIST);
  bool message = !strcmp(show, "message");
  if (message || !strcmp(show, "full"))
    TREE_EACH(finding, tree_get(check, "findings")) {
      struct tree *worded = finding_worded(arena, finding, lab->words, lang);
      if (message) {
        static const char *const inner[] = {"path", "pointer", "at", "want", "got", "want_text", "got_text", "params", "events", "false_ms", NULL};
        for (const char *const *name = inner; *name; name++) tree_remove(worded, *name);
      }
      for (size_t i = 0; i < lab->hint_count; i++)
        if (!strcmp(lab->hints[i].key, tree_text_or(finding, "key", "")) || (!strcmp(lab->hints[i].key, "hints") && !tree_get(worded, "ladder"))) {
          tree_set(arena, worded, "ladder", tree_string(arena, lab->hints[i].key));
          tree_set(arena, worded, "rungs", tree_number(arena, lab->hints[i].rungs));
        }
      tree_push(findings, worded);
    }
  tree_set(arena, check, "findings", findings);
}

struct tree *verdict_check_worded(struct arena *arena, const struct tree *check, const struct lab *lab, enum lang lang, int tries, bool staff) {
  const char *id = tree_text_or(check, "id", ""), *show = staff ? "full" : tree_text_or(check, "show", "full");
  struct tree *out = tree_copy(arena, check);
  tree_set(arena, out, "title", tree_string(arena, title_of(arena, lab, lang, id)));
  tree_remove(out, "shares");
  tree_remove(out, "visible");
  if (!visible_now(tree_text(check, "visible"), tries, staff)) {       /* nothing from which its outcome could be told */
    static const char *const inner[] = {"outcome", "earned", "findings", "error", "because", "waits", NULL};
    for (const char *const *name = inner; *name; name++) tree_remove(out, *name);
    tree_set(arena, out, "outcome", tree_string(arena, "hidden"));
    tree_set(arena, out, "findings", tree_new(arena, TREE_LIST));
    return out;
  }
  cut_findings(arena, out, show, lab, lang);
  int64_t until = 0;                            /* when the last of its waits is over: the page counts down to it */
  TREE_EACH(wait, tree_get(check, "waits")) {
    int64_t at = tree_int(wait, "until_ms", tree_int(wait, "deadline_ms", 0));
    if (at > until) until = at;
  }
  if (until) tree_set(arena, out, "deadline_ms", tree_number(arena, until));
  tree_remove(out, "waits");
  const struct tree *because = tree_get(check, "because"), *error = tree_get(check, "error");
  if (because) {
    struct tree *titles = tree_new(arena, TREE_LIST);
    TREE_EACH(need, because) if (need->type == TREE_STRING) tree_push(titles, tree_string(arena, title_of(arena, lab, lang, need->text)));
    tree_set(arena, out, "because", titles);
  }
  if (error) {
    const char *key = tree_text_or(error, "key", "error.unfinished");
    tree_set(arena, out, "error_text", tree_string(arena, words_text(arena, lab->words, lang, key, tree_get(error, "params"), NULL)));
    if (!staff) tree_remove(tree_get(out, "error"), "detail");
  }
  return out;
}

static void put_number(struct arena *arena, struct tree *out, const char *key, const char *text) {
  struct tree *number = fraction_number(arena, text);
  if (number) tree_set(arena, out, key, number);
}

struct tree *verdict_worded(struct arena *arena, const struct tree *verdict, const struct lab *lab, enum lang lang, int tries, bool staff) {
  const struct tree *body = tree_get(verdict, "body");
  struct tree *out = tree_new(arena, TREE_MAP), *checks = tree_new(arena, TREE_LIST), *reading = tree_new(arena, TREE_LIST);
  tree_put_text(arena, out, "id", tree_text(tree_get(verdict, "run"), "id"));
  tree_put_text(arena, out, "submission", tree_text(tree_get(verdict, "run"), "submission"));
  tree_put_text(arena, out, "state", tree_text_or(body, "state", "open"));
  struct fraction earned = {0, 1}, max = {0, 1};
  TREE_EACH(check, tree_get(body, "checks")) {
    struct tree *worded = verdict_check_worded(arena, check, lab, lang, tries, staff);
    struct fraction f;
    if (strcmp(tree_text_or(worded, "outcome", ""), "hidden") != 0) {
      if (fraction_parse(tree_text(worded, "earned"), &f)) earned = fraction_add(earned, f);
      if (strcmp(tree_text_or(worded, "outcome", ""), "unobserved") != 0 && fraction_parse(tree_text(worded, "max"), &f)) max = fraction_add(max, f);
    }
    tree_push(checks, worded);
  }
  if (!tree_get(body, "checks")) fraction_parse(tree_text(body, "max"), &max);
  TREE_EACH(finding, tree_get(body, "reading")) tree_push(reading, finding_worded(arena, finding, lab->words, lang));
  char text[48];
  fraction_text(earned, text);
  tree_put_text(arena, out, "earned", text);
  put_number(arena, out, "earned_number", text);
  fraction_text(max, text);
  tree_put_text(arena, out, "max", text);
  put_number(arena, out, "max_number", text);
  tree_put(arena, out, "checks", checks);
  tree_put(arena, out, "reading", reading);
  put_copy(arena, out, "left_out", tree_get(body, "left_out"));
  return out;
}
