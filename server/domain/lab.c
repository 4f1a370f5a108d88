/* lab: lab.yaml and the checks a script declares; steps and words are lab_text.c's. Everything lies in the format's arena; no files, no pool. */
#include "domain/capability.h"
#include "domain/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/lab_inside.h"
#include "domain/lab_params.h"
#include "kube/kube.h"

static const struct format_field lab_fields[] = {                       /* these and no others */
  {"format", FIELD_WORD, true, "makmal.lab/1"}, {"title", FIELD_PAIR, true}, {"kubernetes", FIELD_TEXT}, {"cluster", FIELD_TEXTS}, {"paper", FIELD_BOOL}, {"covers", FIELD_TEXTS},
  {"minutes", FIELD_INT, true}, {"size", FIELD_WORD, false, "small medium large"}, {"pods", FIELD_WORD, false, "restricted baseline"}, {"hand-in", FIELD_WORD, true, "files live both"},
  {"params", FIELD_MAP}, {"steps", FIELD_TEXTS}, {"hints", FIELD_LIST}, {"setup-as", FIELD_WORD, false, "apply create"}, {"colleague", FIELD_MAP}, {"snapshot", FIELD_TEXTS},
  {"secrets", FIELD_WORD, false, "values"}, {"keep", FIELD_WORD, false, "best last"}, {"tries", FIELD_INT}, {"wait", FIELD_TEXT}, {"start-earns", FIELD_TEXTS}, {0},
};
static const struct format_field param_fields[] = {{"name", FIELD_TEXTS}, {"int", FIELD_LIST}, {"token", FIELD_INT}, {"example", FIELD_ANY}, {0}};
static const struct format_field colleague_fields[] = {{"step", FIELD_TEXT, true}, {"apply", FIELD_TEXT, true}, {0}};
static const struct format_field rung_fields[] = {{"after", FIELD_MAP}, {"en", FIELD_TEXT, true}, {"ms", FIELD_TEXT, true}, {0}};
static const struct format_field after_fields[] = {{"tries", FIELD_INT}, {"minutes", FIELD_INT}, {0}};

static const char *lab_file(struct format *format, const struct folder *folder, const char *name) { return arena_printf(format->arena, "%s/%s", folder->path, name); }

/* --- parameters ---------------------------------------------------------------------------------------------------------------------------------- */

static bool plain_value(const char *text) { return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(text); }

static bool decode_kind(struct format *format, const char *file, const struct tree *given, struct lab_param *out) {
  const struct tree *names = tree_get(given, "name"), *range = tree_get(given, "int"), *token = tree_get(given, "token");
  if (!!names + !!range + !!token != 1) {
    format_say(format, file, given->at.line, "lint.param-kind", "param", out->name, NULL);
    return false;
  }
  if (names) {
    out->type = PARAM_NAME;
    out->names = format_texts(format, names, &out->name_count);
    bool good = out->name_count > 0;
    for (size_t i = 0; i < out->name_count; i++) good &= plain_value(out->names[i]) && strlen(out->names[i]) <= 40;
    if (!good) format_say(format, file, names->at.line, "lint.param-names", "param", out->name, NULL);
    return good;
  }
  if (token) {
    out->type = PARAM_TOKEN;
    int64_t length = 0;
    bool good = tree_is_int(token, &length) && length >= 4 && length <= 64;
    out->length = (int)length;
    if (!good) format_say(format, file, token->at.line, "lint.param-token", "param", out->name, NULL);
    return good;
  }
  out->type = PARAM_INT;
  bool good = range->count == 2 && tree_is_int(tree_at_index(range, 0), &out->low) && tree_is_int(tree_at_index(range, 1), &out->high) && out->low >= 0 && out->low <= out->high && out->high <= INT32_MAX;
  if (!good) format_say(format, file, range->at.line, "lint.param-range", "param", out->name, NULL);
  return good;
}

static bool example_fits(const struct lab_param *param, const struct tree *example) {
  int64_t value;
  if (param->type == PARAM_INT) return tree_is_int(example, &value) && value >= param->low && value <= param->high;
  return example->type == TREE_STRING && plain_value(example->text);
}

static bool decode_params(struct format *format, const char *file, const struct tree *params, struct lab *lab) {
  if (!params || params->type != TREE_MAP) return true;
  struct lab_param *list = arena_alloc(format->arena, (params->count + 1) * sizeof *list);
  bool ok = true;
  TREE_EACH(given, params) {
    struct lab_param param = {.name = given->key};
    if (format_word_in(given->key, "true false")) {       /* a plain n: or y: is a boolean to YAML */
      format_say(format, file, given->key_at.line, "lint.param-boolean", "param", given->key, NULL);
      ok = false;
      continue;
    }
    if (!format_name(given->key) || format_word_in(given->key, FORMAT_PLATFORM_PARAMS)) {
      format_say(format, file, given->key_at.line, "lint.param-name", "param", given->key, NULL);
      ok = false;
      continue;
    }
    if (!format_fields(format, file, given, param_fields) || !decode_kind(format, file, given, &param)) {
      ok = false;
      continue;
    }
    const struct tree *example = tree_get(given, "example");
    if (example && !example_fits(&param, example)) {
      format_say(format, file, example->at.line, "lint.param-example", "param", param.name, NULL);
      ok = false;
    }
    list[lab->param_count++] = param;
  }
  lab->params = list;
  return ok;
}

/* --- hints --------------------------------------------------------------------------------------------------------------------------------------- */

static bool decode_ladder(struct format *format, const char *file, const char *key, const struct tree *rungs, struct lab_hint *out) {
  out->key = key;
  if (rungs->type != TREE_LIST || !rungs->count || rungs->count > 3) {
    format_say(format, file, rungs->at.line, "lint.hints-count", "name", key, NULL);
    return false;
  }
  bool ok = true;
  TREE_EACH(rung, rungs) {
    int n = out->rungs++;
    ok &= format_fields(format, file, rung, rung_fields);
    const struct tree *after = tree_get(rung, "after");
    if (after) ok &= format_fields(format, file, after, after_fields);
    out->rung[n].tries = (int)tree_int(after, "tries", after ? 0 : n + 1);     /* after 1, 2, 3 tries, or the author's time */
    out->rung[n].minutes = (int)tree_int(after, "minutes", 0);
    if (out->rung[n].tries < 0 || out->rung[n].minutes < 0 || (after && !after->count)) {
      format_say(format, file, after->at.line, "lint.hint-after", "name", key, NULL);
      ok = false;
    }
    for (int lang = 0; lang < LANG_COUNT; lang++) out->rung[n].text[lang] = tree_text_or(rung, lang_code((enum lang)lang), "");
  }
  return ok;
}

bool lab_ladder(struct format *format, const char *file, const char *key, const struct tree *rungs, struct lab *lab) {
  struct lab_hint *grown = arena_alloc(format->arena, (lab->hint_count + 1) * sizeof *grown);
  if (lab->hint_count) memcpy(grown, lab->hints, lab->hint_count * sizeof *grown);
  lab->hints = grown;
  return decode_ladder(format, file, key, rungs, &grown[lab->hint_count++]);
}

/* --- files ---------------------------------------------------------------------------------------------------------------------------------------- */

static const struct check_file *check_files(struct format *format, const struct folder *folder, const char *prefix, size_t *out_count) {
  const struct folder_file *first = folder_part(folder, prefix, out_count);
  struct check_file *files = arena_alloc(format->arena, (*out_count + 1) * sizeof *files);
  size_t n = strlen(prefix);
  for (size_t i = 0; i < *out_count; i++) files[i] = (struct check_file){first[i].name + n, first[i].bytes, first[i].length};
  return files;
}

static bool hand_in_name(const char *name) { return strlen(name) <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name); }

static bool check_names(struct format *format, const struct folder *folder, const struct check_file *files, size_t count, const char *prefix) {
  bool ok = true;
  for (size_t i = 0; i < count; i++)
    if (!hand_in_name(files[i].name)) {
      format_say(format, arena_printf(format->arena, "%s/%s%s", folder->path, prefix, files[i].name), 0, "lint.hand-in-name", "file", files[i].name, NULL);
      ok = false;
    }
  if (count > CHECK_FILES_MAX) {
    format_say(format, arena_printf(format->arena, "%s/%s", folder->path, prefix), 0, "lint.files-many", "limit", "20", NULL);
    ok = false;
  }
  return ok;
}

/* Hash over what a verdict depends on: each file's name, length and bytes, in the order of the names. */
static void hash_version(const struct folder *folder, char out[65]) {
  struct secret_hash hash;
  secret_hash_begin(&hash);
  static const char *const parts[] = {"lab.yaml", "checks.lua", "setup/", "starter/"};
  for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
    for (size_t i = 0; i < folder->count; i++) {
      const struct folder_file *file = &folder->files[i];
      size_t n = strlen(parts[p]);
      if (parts[p][n - 1] == '/' ? strncmp(file->name, parts[p], n) : strcmp(file->name, parts[p])) continue;
      char head[160];
      int length = snprintf(head, sizeof head, "%s %zu\n", file->name, file->length);
      secret_hash_add(&hash, head, (size_t)length < sizeof head ? (size_t)length : sizeof head - 1);
      secret_hash_add(&hash, file->bytes, file->length);
    }
  secret_hash_end_hex(&hash, out);
}

static bool decode_files(struct format *format, const struct folder *folder, struct lab *lab) {
  lab->setup = check_files(format, folder, "setup/", &lab->setup_count);
  lab->starter = check_files(format, folder, "starter/", &lab->starter_count);
  lab->solution = check_files(format, folder, "solution/", &lab->solution_count);
  bool ok = check_names(format, folder, lab->setup, lab->setup_count, "setup/");
  ok &= check_names(format, folder, lab->starter, lab->starter_count, "starter/");
  ok &= check_names(format, folder, lab->solution, lab->solution_count, "solution/");
  const struct folder_file *script = folder_find(folder, "checks.lua");
  if (!script) {
    format_say(format, folder->path, 0, "lint.file-missing", "file", "checks.lua", NULL);
    ok = false;
  } else {
    lab->script = (struct check_source){.name = "checks.lua", .text = script->bytes, .length = script->length};
    secret_sha256_hex(script->bytes, script->length, lab->script.sha256);
  }
  if (lab->hand_in != HAND_IN_LIVE && !lab->solution_count) {
    format_say(format, folder->path, 0, "lint.file-missing", "file", "solution/*.yaml", NULL);
    ok = false;
  }
  size_t before = format->count;
  for (size_t i = 0; i < folder->count; i++) {
    const struct folder_file *file = &folder->files[i];
    if (!strncmp(file->name, "setup/", 6) || !strncmp(file->name, "starter/", 8) || !strncmp(file->name, "solution/", 9)) format_undeclared(format, file->path, 0, file->bytes, lab);
  }
  ok &= format->count == before;
  hash_version(folder, lab->version);
  return ok;
}

/* --- lab.yaml -------------------------------------------------------------------------------------------------------------------------------------- */

static bool positive(struct format *format, const char *file, const struct tree *meta, const char *field, int low, int high, int *out) {
  const struct tree *value = tree_get(meta, field);
  if (!value) return true;
  int64_t number = tree_int(meta, field, 0);
  if (number < low || number > high) {
    format_say(format, file, value->at.line, "lint.field-range", "field", field, "low", arena_printf(format->arena, "%d", low), "high", arena_printf(format->arena, "%d", high), NULL);
    return false;
  }
  *out = (int)number;
  return true;
}

static bool check_cluster(struct format *format, const char *file, const struct tree *meta, struct lab *lab) {
  const struct tree *words = tree_get(meta, "cluster");
  lab->cluster = format_texts(format, words, &lab->cluster_count);
  bool ok = true;
  for (size_t i = 0; i < lab->cluster_count; i++)
    if (!format_word_in(lab->cluster[i], CAPABILITY_WORDS)) {
      format_say(format, file, words->at.line, "lint.capability", "word", lab->cluster[i], "words", CAPABILITY_WORDS, NULL);
      ok = false;
    }
  TREE_EACH(word, tree_get(meta, "snapshot")) {
    const struct kube_kind *kind = word->type == TREE_STRING ? kube_kind(word->text) : NULL;
    if (word->type != TREE_STRING || (kind && kind->namespaced)) continue;
    format_say(format, file, word->at.line, "lint.snapshot", "kind", word->text, NULL);
    ok = false;
  }
  return ok;
}

static bool check_kubernetes(struct format *format, const char *file, const struct tree *meta) {
  const char *text = tree_text(meta, "kubernetes");
  if (!text) return true;
  const char *at = text + (strncmp(text, ">=", 2) ? 0 : 2);
  size_t major = strspn(at, "0123456789"), minor = at[major] == '.' ? strspn(at + major + 1, "0123456789") : 0;
  if (major && minor && !at[major + 1 + minor]) return true;
  format_say(format, file, tree_get(meta, "kubernetes")->at.line, "lint.kubernetes", "value", text, NULL);
  return false;
}

static bool is_duration(const char *text) {
  size_t n = strspn(text, "0123456789");
  return n && n < 5 && (!strcmp(text + n, "s") || !strcmp(text + n, "m"));
}

static bool is_item(const char *text) { return (text[0] == 'S' || text[0] == 'C') && strlen(text) >= 3 && strspn(text + 1, "0123456789") == strlen(text) - 1; }

static bool check_rest(struct format *format, const char *file, const struct folder *folder, const struct tree *meta) {
  bool ok = check_kubernetes(format, file, meta);
  const char *wait = tree_text(meta, "wait");
  if (wait && !is_duration(wait)) {
    format_say(format, file, tree_get(meta, "wait")->at.line, "lint.duration", "value", wait, NULL);
    ok = false;
  }
  TREE_EACH(item, tree_get(meta, "covers"))
    if (item->type == TREE_STRING && !is_item(item->text)) {
      format_say(format, file, item->at.line, "lint.covers", "value", item->text, NULL);
      ok = false;
    }
  const struct tree *colleague = tree_get(meta, "colleague");
  if (colleague && colleague->type == TREE_MAP && format_fields(format, file, colleague, colleague_fields)) {
    const char *apply = tree_text(colleague, "apply");
    if (!folder_find(folder, apply)) {
      format_say(format, file, tree_get(colleague, "apply")->at.line, "lint.file-missing", "file", apply, NULL);
      ok = false;
    }
  }
  return ok;
}

bool lab_decode(struct format *format, const struct folder *folder, const char *course, const char *module, struct lab *out) {
  struct lab lab = {.course = course, .module = module, .folder = folder->path, .id = folder->id, .size = "small", .pods = "restricted", .minutes = 15};
  const char *file = lab_file(format, folder, "lab.yaml");
  bool ok = true;
  if (!format_id(lab.id)) {
    format_say(format, folder->path, 0, "lint.id", "id", lab.id, NULL);
    ok = false;
  }
  const struct tree *meta = folder_doc(format, folder, "lab.yaml", true);
  if (!meta) return false;
  ok &= format_fields(format, file, meta, lab_fields);
  if (meta->type != TREE_MAP) return false;
  lab.meta = meta;
  const struct tree *title = tree_get(meta, "title");
  for (int lang = 0; lang < LANG_COUNT; lang++) lab.title[lang] = tree_text_or(title, lang_code((enum lang)lang), lab.id);
  lab.size = tree_text_or(meta, "size", lab.size);
  lab.pods = tree_text_or(meta, "pods", lab.pods);
  lab.paper = tree_flag(meta, "paper", false);
  lab.keep_last = !strcmp(tree_text_or(meta, "keep", "best"), "last");
  lab.wait_default = tree_text(meta, "wait");
  lab.setup_as_create = !strcmp(tree_text_or(meta, "setup-as", "apply"), "create");
  const char *hand_in = tree_text_or(meta, "hand-in", "both");
  lab.hand_in = !strcmp(hand_in, "files") ? HAND_IN_FILES : !strcmp(hand_in, "live") ? HAND_IN_LIVE : HAND_IN_BOTH;
  int tries = 0;
  ok &= positive(format, file, meta, "minutes", 1, 600, &lab.minutes);
  ok &= positive(format, file, meta, "tries", 1, 1000, &tries);
  ok &= check_cluster(format, file, meta, &lab);
  ok &= check_rest(format, file, folder, meta);
  ok &= decode_params(format, file, tree_get(meta, "params"), &lab);
  ok &= decode_files(format, folder, &lab);
  const struct tree *hints = tree_get(meta, "hints");
  if (hints && hints->type == TREE_LIST) ok &= lab_ladder(format, file, "hints", hints, &lab);
  lab.examples = lab_params_examples(format->arena, &lab);
  *out = lab;
  return ok;
}

/* --- checks ---------------------------------------------------------------------------------------------------------------------------------------- */

static const struct lab_check *check_by_id(const struct lab *lab, const char *id) {
  for (size_t i = 0; i < lab->check_count; i++) if (!strcmp(lab->checks[i].id, id)) return &lab->checks[i];
  return NULL;
}

/* Whether walking along `needs` from `at` comes back to `goal`. depth ends it in any cycle. */
static bool reaches(const struct lab *lab, const struct lab_check *at, const char *goal, size_t depth) {
  if (depth > lab->check_count) return false;
  for (size_t i = 0; i < at->need_count; i++) {
    if (!strcmp(at->needs[i], goal)) return true;
    const struct lab_check *next = check_by_id(lab, at->needs[i]);
    if (next && reaches(lab, next, goal, depth + 1)) return true;
  }
  return false;
}

static int script_line(const struct lab *lab, const char *id) {
  char quoted[80];
  snprintf(quoted, sizeof quoted, "\"%s\"", id);
  return format_line_of(lab->script.text, lab->script.length, quoted);
}

static bool decode_check(struct format *format, const char *file, const struct tree *given, const struct lab *lab, struct lab_check *out) {
  *out = (struct lab_check){.id = tree_text_or(given, "id", ""), .step = tree_text_or(given, "step", ""), .points = (int)tree_int(given, "points", 0),
                            .visible = tree_text_or(given, "visible", "always"), .show = tree_text_or(given, "show", "full"),
                            .strict = tree_flag(given, "strict", false)};
  const char *on = tree_text_or(given, "on", "both");
  out->on = !strcmp(on, "files") ? CHECK_SCOPE_FILES : !strcmp(on, "live") ? CHECK_SCOPE_LIVE : CHECK_SCOPE_BOTH;
  out->needs = format_texts(format, tree_get(given, "needs"), &out->need_count);
  int line = script_line(lab, out->id);
  size_t before = format->count;
  if (!format_id(out->id)) format_say(format, file, line, "lint.check-id", "id", out->id, NULL);
  if (!format_word_in(on, "files live both")) format_say(format, file, line, "lint.field-choice", "field", "on", "value", on, "choices", "files live both", NULL);
  if (out->points < 1) format_say(format, file, line, "lint.check-points", "check", out->id, NULL);
  if (lab->hand_in == HAND_IN_LIVE && out->on != CHECK_SCOPE_LIVE) format_say(format, file, line, "lint.check-side", "check", out->id, "hand_in", "live", "on", on, NULL);
  if (lab->hand_in == HAND_IN_FILES && out->on != CHECK_SCOPE_FILES) format_say(format, file, line, "lint.check-side", "check", out->id, "hand_in", "files", "on", on, NULL);
  if (!*out->step) format_say(format, file, line, "lint.check-step-missing", "check", out->id, NULL);
  else {
    bool known = false;
    struct buf steps;
    buf_init(&steps, 4096);
    for (size_t i = 0; i < lab->step_count; i++) {
      known |= !strcmp(lab->steps[i].id, out->step);
      buf_printf(&steps, "%s%s", i ? " " : "", lab->steps[i].id);
    }
    if (!known) format_say(format, file, line, "lint.check-step", "check", out->id, "step", out->step, "steps", steps.data, NULL);
    buf_release(&steps);
  }
  return format->count == before;
}

bool lab_checks(struct format *format, const struct folder *folder, const struct tree *declared, struct lab *lab) {
  const char *file = lab_file(format, folder, "checks.lua");
  if (!declared || !declared->count) {
    format_say(format, file, 0, "lint.no-checks", NULL);
    return false;
  }
  struct lab_check *checks = arena_alloc(format->arena, declared->count * sizeof *checks);
  lab->checks = checks;
  bool ok = true;
  TREE_EACH(given, declared) {
    struct lab_check *check = &checks[lab->check_count];
    ok &= decode_check(format, file, given, lab, check);
    if (check_by_id(lab, check->id)) {
      format_say(format, file, script_line(lab, check->id), "lint.check-twice", "check", check->id, NULL);
      ok = false;
    }
    lab->check_count++;
    lab->points += check->points;
  }
  for (size_t i = 0; i < lab->check_count; i++) {
    for (size_t n = 0; n < checks[i].need_count; n++)
      if (!check_by_id(lab, checks[i].needs[n])) {
        format_say(format, file, script_line(lab, checks[i].id), "lint.need-unknown", "check", checks[i].id, "need", checks[i].needs[n], NULL);
        ok = false;
      }
    if (reaches(lab, &checks[i], checks[i].id, 0)) {
      format_say(format, file, script_line(lab, checks[i].id), "lint.need-cycle", "check", checks[i].id, NULL);
      ok = false;
    }
  }
  for (size_t i = 0; i < lab->step_count; i++) {
    bool checked = false;
    for (size_t k = 0; k < lab->check_count; k++) checked |= !strcmp(checks[k].step, lab->steps[i].id);
    if (!checked) {
      format_say(format, arena_printf(format->arena, "%s/steps", folder->path), 0, "lint.step-unchecked", "step", lab->steps[i].id, NULL);
      ok = false;
    }
  }
  TREE_EACH(earns, tree_get(lab->meta, "start-earns"))
    if (earns->type == TREE_STRING && !check_by_id(lab, earns->text)) {
      format_say(format, lab_file(format, folder, "lab.yaml"), earns->at.line, "lint.check-unknown", "check", earns->text, NULL);
      ok = false;
    }
  return ok;
}
