/* lab_text: the texts of a lab: steps in both languages as HTML, and words.yaml over everybody's words. Everything lies in the format's arena. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/lab.h"
#include "domain/lab_inside.h"
#include "domain/lesson.h"

static const char *lab_file(struct format *format, const struct folder *folder, const char *name) { return arena_printf(format->arena, "%s/%s", folder->path, name); }

/* --- steps ------------------------------------------------------------------------------------------------------------------------------------------ */

/* "steps/10-mend.en.md" -> 10, "mend", LANG_EN. */
static bool step_name(struct format *format, const char *name, int *out_number, const char **out_id, enum lang *out_lang) {
  const char *at = name + strlen("steps/");
  size_t digits = strspn(at, "0123456789");
  const char *end = strchr(at, '.');
  if (!digits || digits > 4 || at[digits] != '-' || !end || strcmp(end + 3, ".md") || !lang_parse(arena_strn(format->arena, end + 1, 2), out_lang)) return false;
  *out_number = atoi(at);
  *out_id = arena_strn(format->arena, at + digits + 1, (size_t)(end - at) - digits - 1);
  return format_id(*out_id);
}

static bool step_text(struct format *format, const struct folder_file *file, const struct words *words, enum lang lang, const struct lab *lab, struct lab_step *step) {
  size_t before = format->count;
  const char *text = file->bytes, *end = file->bytes + file->length;
  while (text < end && (*text == '\n' || *text == '\r')) text++;
  const char *line_end = memchr(text, '\n', (size_t)(end - text));
  if (!line_end) line_end = end;
  bool heading = line_end - text > 2 && !memcmp(text, "# ", 2);
  const char *title = heading ? text + 2 : text, *last = line_end;
  while (last > title && (last[-1] == ' ' || last[-1] == '\r')) last--;
  if (!heading || last == title) {
    format_say(format, file->path, 1, "lint.step-title", NULL);
    step->title[lang] = step->id;
  } else {
    step->title[lang] = arena_strn(format->arena, title, (size_t)(last - title));
    text = line_end < end ? line_end + 1 : end;
  }
  format_undeclared(format, file->path, 0, file->bytes, lab);
  struct lesson lesson = {.format = format, .words = words, .lang = lang, .file = file->path, .text = text, .length = (size_t)(end - text)};
  struct buf html;
  buf_init(&html, LESSON_HTML_MAX);
  lesson_html(&lesson, &html, NULL, NULL, NULL, NULL);
  step->html[lang] = arena_strn(format->arena, html.data, html.len);
  buf_release(&html);
  return format->count == before;
}

bool lab_steps(struct format *format, const struct folder *folder, const struct words *words, struct lab *lab) {
  size_t count;
  const struct folder_file *files = folder_part(folder, "steps/", &count);
  struct lab_step *steps = arena_alloc(format->arena, (count + 1) * sizeof *steps);
  int *numbers = arena_alloc(format->arena, (count + 1) * sizeof *numbers);
  lab->steps = steps;
  bool ok = count > 0;
  if (!count) format_say(format, folder->path, 0, "lint.no-steps", NULL);
  for (size_t i = 0; i < count; i++) {
    int number = 0;
    const char *id = NULL;
    enum lang lang = LANG_EN;
    if (!step_name(format, files[i].name, &number, &id, &lang)) {
      format_say(format, files[i].path, 0, "lint.step-name", NULL);
      ok = false;
      continue;
    }
    size_t at = 0;
    while (at < lab->step_count && strcmp(steps[at].id, id)) at++;
    if (at == lab->step_count) {
      for (size_t k = 0; k < at; k++)
        if (numbers[k] == number) {
          format_say(format, files[i].path, 0, "lint.step-number", "step", id, "other", steps[k].id, NULL);
          ok = false;
        }
      while (at > 0 && numbers[at - 1] > number) {          /* names sort by letters: 100- comes before 20- */
        steps[at] = steps[at - 1];
        numbers[at] = numbers[at - 1];
        at--;
      }
      steps[at] = (struct lab_step){.id = id};
      numbers[at] = number;
      lab->step_count++;
    }
    ok &= step_text(format, &files[i], words, lang, lab, &steps[at]);
  }
  for (size_t i = 0; i < lab->step_count; i++)
    for (int lang = 0; lang < LANG_COUNT; lang++)
      if (!steps[i].html[lang]) {
        format_say(format, arena_printf(format->arena, "%s/steps", folder->path), 0, "lint.step-language", "step", steps[i].id, "language", lang_code((enum lang)lang), NULL);
        steps[i].title[lang] = steps[i].title[!lang];
        steps[i].html[lang] = steps[i].html[!lang];
        ok = false;
      }
  const struct tree *named = tree_get(lab->meta, "steps");
  size_t at = 0;
  bool same = !named || named->count == lab->step_count;
  TREE_EACH(step, named) {
    same = same && at < lab->step_count && step->type == TREE_STRING && !strcmp(step->text, steps[at].id);
    at++;
  }
  if (!same) {
    format_say(format, lab_file(format, folder, "lab.yaml"), named->at.line, "lint.steps-differ", NULL);
    ok = false;
  }
  const char *colleague = tree_text(tree_get(lab->meta, "colleague"), "step");
  bool known = !colleague;
  for (size_t i = 0; i < lab->step_count && !known; i++) known = !strcmp(steps[i].id, colleague);
  if (!known) {
    format_say(format, lab_file(format, folder, "lab.yaml"), tree_get(lab->meta, "colleague")->at.line, "lint.step-unknown", "step", colleague, NULL);
    ok = false;
  }
  return ok;
}

/* --- words ------------------------------------------------------------------------------------------------------------------------------------------ */

/* en, ms: text, or {one, other} where English needs a plural. */
static bool word_text(const struct tree *text) { return text && ((text->type == TREE_STRING && text->length) || (text->type == TREE_MAP && tree_text(text, "other"))); }

static bool own_key(const struct lab *lab, const char *key) {
  for (size_t i = 0; i < lab->check_count; i++) {
    size_t n = strlen(lab->checks[i].id);
    if (!strncmp(key, lab->checks[i].id, n) && key[n] == '.' && key[n + 1]) return true;
  }
  return false;
}

static const struct format_field word_fields[] = {{"en", FIELD_ANY}, {"ms", FIELD_ANY}, {"hints", FIELD_LIST}, {0}};

static bool one_word(struct format *format, const char *file, const struct tree *entry, const struct words *below, struct lab *lab) {
  int line = entry->key_at.line ? entry->key_at.line : entry->at.line;
  const struct tree *hints = entry->type == TREE_LIST ? entry : tree_get(entry, "hints");
  bool ladder = !strcmp(entry->key, "hints");
  if (ladder && lab->hint_count && !strcmp(lab->hints[0].key, "hints")) {
    format_say(format, file, line, "lint.hints-twice", NULL);
    return false;
  }
  if (ladder && hints) return lab_ladder(format, file, entry->key, hints, lab);
  if (!format_fields(format, file, entry, word_fields)) return false;
  bool text = tree_get(entry, "en") || tree_get(entry, "ms"), ok = true;
  if (text && words_has(below, LANG_EN, entry->key)) {
    format_say(format, file, line, "lint.word-library", "name", entry->key, NULL);
    ok = false;
  } else if (!text && !words_has(below, LANG_EN, entry->key)) {
    format_say(format, file, line, "lint.word-unknown", "name", entry->key, NULL);
    ok = false;
  } else if (text && !own_key(lab, entry->key)) {
    format_say(format, file, line, "lint.word-key", "name", entry->key, NULL);
    ok = false;
  }
  for (int lang = 0; text && lang < LANG_COUNT; lang++)
    if (!word_text(tree_get(entry, lang_code((enum lang)lang)))) {
      format_say(format, file, line, "lint.language", "field", entry->key, "language", lang_code((enum lang)lang), NULL);
      ok = false;
    }
  if (hints) ok &= lab_ladder(format, file, entry->key, hints, lab);
  return ok;
}

static void free_words(void *words) { words_free(words); }

bool lab_words(struct format *format, const struct folder *folder, const struct words *below, struct lab *lab) {
  const char *file = lab_file(format, folder, "words.yaml");
  struct words *words = words_new_over(below);
  arena_on_free(format->arena, free_words, words);
  lab->words = words;
  const struct tree *entries = folder_doc(format, folder, "words.yaml", true);
  if (!entries) return false;
  if (entries->type != TREE_MAP) {
    format_say(format, file, entries->at.line, "lint.not-a-map", NULL);
    return false;
  }
  bool ok = true;
  TREE_EACH(entry, entries) ok &= one_word(format, file, entry, below, lab);
  if (!ok) return false;
  struct tree *texts = tree_new(format->arena, TREE_MAP);
  TREE_EACH(entry, entries) if (entry->type == TREE_MAP && tree_get(entry, "en")) tree_put(format->arena, texts, entry->key, tree_copy(format->arena, entry));
  struct err err;
  if (!words_add_pairs(words, texts, &err)) {
    format_say(format, file, 0, "lint.not-a-map", NULL);
    return false;
  }
  for (size_t i = 0; i < lab->check_count; i++)
    if (!words_has(words, LANG_EN, arena_printf(format->arena, "%s.title", lab->checks[i].id))) {
      format_say(format, file, 0, "lint.title-missing", "check", lab->checks[i].id, NULL);
      ok = false;
    }
  return ok;
}
