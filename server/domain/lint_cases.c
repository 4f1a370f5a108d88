/* lint_cases: the form of cases.yaml, and that it proves each check: files and objects that an edit names are there, checks and keys that it
 * expects exist, every check has a mistake of its own. Whether the cases come true is prove's. */
#include <string.h>

#include "base/arena.h"
#include "base/tree.h"
#include "domain/lint_inside.h"

static const struct format_field case_fields[] = {
  {"edit", FIELD_ANY}, {"from", FIELD_WORD, false, "start solution"}, {"scope", FIELD_WORD, false, "files live both"}, {"do", FIELD_TEXTS}, {"expect", FIELD_MAP}, {0},
};
static const struct format_field edit_fields[] = {
  {"file", FIELD_TEXT}, {"object", FIELD_TEXT}, {"path", FIELD_TEXT}, {"set", FIELD_ANY}, {"remove", FIELD_ANY}, {"add", FIELD_MAP}, {"text", FIELD_TEXTS}, {0},
};
static const struct format_field expect_fields[] = {{"outcome", FIELD_WORD, true, "pass partial fail blocked pending error unobserved"}, {"findings", FIELD_TEXTS}, {0}};
#define OUTCOMES "pass partial fail blocked pending error unobserved"

struct cases { struct format *format; const struct lab_bench *bench; const char *file; const char *name; bool start; };

static void say(const struct cases *cases, const struct tree *where, const char *key, const char *name, const char *value) {
  int line = where->at.line ? where->at.line : where->key_at.line;
  format_say(cases->format, cases->file, line, key, "case", cases->name, name, value, NULL);
}

/* --- edits ---------------------------------------------------------------------------------------------------------------------------------------------------- */

static const char *filled(const struct cases *cases, const char *text) { return lab_fill(cases->format->arena, text, strlen(text), cases->bench->lab.examples, NULL); }

static const struct folder_file *edited_file(const struct cases *cases, const struct tree *edit) {
  const char *part = cases->start ? "starter/" : "solution/", *name = tree_text(edit, "file");
  size_t count;
  const struct folder_file *files = folder_part(&cases->bench->folder, part, &count);
  if (!name) {
    if (count == 1) return files;
    say(cases, edit, "lint.case-file", "file", "-");
    return NULL;
  }
  const struct folder_file *file = folder_find(&cases->bench->folder, arena_printf(cases->format->arena, "%s%s", part, name));
  if (!file) say(cases, edit, "lint.case-file", "file", name);
  return file;
}

static bool has_object(const struct folder_file *file, const char *wanted, struct arena *arena) {
  for (size_t i = 0; i < file->doc_count; i++)
    if (!strcmp(wanted, arena_printf(arena, "%s/%s", tree_text_or(file->docs[i], "kind", ""), tree_text_or(tree_get(file->docs[i], "metadata"), "name", "")))) return true;
  return false;
}

static void check_edit(const struct cases *cases, const struct tree *edit) {
  if (!format_fields(cases->format, cases->file, edit, edit_fields)) return;
  const struct tree *set = tree_get(edit, "set"), *removed = tree_get(edit, "remove"), *add = tree_get(edit, "add"), *text = tree_get(edit, "text");
  if (!!set + !!removed + !!add + !!text != 1) {
    say(cases, edit, "lint.case-edit", "what", "set remove add text");
    return;
  }
  const struct folder_file *file = edited_file(cases, edit);
  if (text) {
    if (text->count != 2) say(cases, text, "lint.case-text", "text", "[from, to]");
    else if (file && !strstr(filled(cases, file->bytes), filled(cases, tree_at_index(text, 0)->text))) say(cases, text, "lint.case-text-missing", "text", tree_at_index(text, 0)->text);
    return;
  }
  const char *object = tree_text(edit, "object");
  if (add) return;
  if (!object) say(cases, edit, "lint.case-object", "object", "-");
  else if (file && file->doc_count && !cases->start && !has_object(file, filled(cases, object), cases->format->arena)) say(cases, tree_get(edit, "object"), "lint.case-object", "object", object);
  if (set && !tree_text(edit, "path")) say(cases, edit, "lint.case-path", "what", "set");
}

/* --- what is expected ------------------------------------------------------------------------------------------------------------------------------------------- */

static bool is_check(const struct lab *lab, const char *id) {
  for (size_t i = 0; i < lab->check_count; i++) if (!strcmp(lab->checks[i].id, id)) return true;
  return false;
}

static void check_keys(const struct cases *cases, const struct tree *keys) {
  if (keys && keys->type == TREE_LIST)
    TREE_EACH(key, keys)
      if (key->type == TREE_STRING && !words_has(cases->bench->lab.words, LANG_EN, key->text)) say(cases, key, "lint.case-word", "name", key->text);
}

static void check_expect(const struct cases *cases, const struct tree *expect) {
  TREE_EACH(one, expect) {
    if (!strcmp(one->key, "refused")) {
      check_keys(cases, one);
      continue;
    }
    if (!strcmp(one->key, "apply")) {
      TREE_EACH(object, one) check_keys(cases, object);
      continue;
    }
    if (strcmp(one->key, "rest") && !is_check(&cases->bench->lab, one->key)) {
      say(cases, one, "lint.case-check", "check", one->key);
      continue;
    }
    if (one->type == TREE_STRING) {
      if (!format_word_in(one->text, OUTCOMES)) say(cases, one, "lint.case-outcome", "outcome", one->text);
    } else if (format_fields(cases->format, cases->file, one, expect_fields)) {
      check_keys(cases, tree_get(one, "findings"));
    }
  }
}

/* A check is proven by a case in which it fails, wholly or in part; or in which its files are refused or not applied. */
static bool fails_in(const struct tree *expect, const char *id) {
  const struct tree *own = tree_get(expect, id), *rest = tree_get(expect, "rest");
  const char *outcome = own ? (own->type == TREE_STRING ? own->text : tree_text(own, "outcome")) : rest && rest->type == TREE_STRING ? rest->text : NULL;
  return outcome && format_word_in(outcome, "fail partial");
}

void lint_cases(struct format *format, const struct lab_bench *bench, const struct tree *all) {
  struct cases cases = {.format = format, .bench = bench, .file = arena_printf(format->arena, "%s/cases.yaml", bench->folder.path)};
  if (all->type != TREE_MAP) {
    format_say(format, cases.file, all->at.line, "lint.not-a-map", NULL);
    return;
  }
  TREE_EACH(one, all) {
    cases.name = one->key;
    cases.start = !strcmp(tree_text_or(one, "from", !strcmp(one->key, "start") ? "start" : "solution"), "start");
    if (!format_id(one->key)) say(&cases, one, "lint.case-name", "name", one->key);
    if (!format_fields(format, cases.file, one, case_fields)) continue;
    const struct tree *edits = tree_get(one, "edit"), *expect = tree_get(one, "expect");
    if (edits && edits->type == TREE_MAP) check_edit(&cases, edits);
    if (edits && edits->type == TREE_LIST) TREE_EACH(edit, edits) check_edit(&cases, edit);
    if (!edits && !tree_get(one, "do") && !format_word_in(one->key, "start solution copied") && !cases.start) say(&cases, one, "lint.case-empty", "what", "edit do");
    if (expect) check_expect(&cases, expect);
    else if (!format_word_in(one->key, "start solution copied")) say(&cases, one, "lint.case-expect", "what", "expect");
  }
  for (size_t i = 0; i < bench->lab.check_count; i++) {
    bool proven = false;
    TREE_EACH(one, all) proven |= !format_word_in(one->key, "start solution copied") && fails_in(tree_get(one, "expect"), bench->lab.checks[i].id);
    if (!proven) format_say(format, cases.file, 0, "lint.check-unproven", "check", bench->lab.checks[i].id, NULL);
  }
}
