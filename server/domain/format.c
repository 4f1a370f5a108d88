/* format: collects mistakes and reads fields for course, lab, lesson and lint. Knows no file and no pool. Everything lies in the format's arena. */
#include "domain/format.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"

#define PROBLEMS_MAX 2000

void format_say_params(struct format *format, const char *file, int line, const char *key, struct tree *params) {
  if (format->count == PROBLEMS_MAX) return;
  for (size_t i = 0; i < format->count; i++) {           /* a figure is read once per language, a mistake is said once */
    const struct problem *said = &format->list[i];
    if (said->line == line && !strcmp(said->key, key) && !strcmp(said->file, file) && tree_equal(said->params, params)) return;
  }
  if (format->count == format->room) {
    size_t room = format->room ? format->room * 2 : 16;
    struct problem *grown = arena_alloc(format->arena, room * sizeof *grown);
    if (format->count) memcpy(grown, format->list, format->count * sizeof *grown);
    format->list = grown;
    format->room = room;
  }
  format->list[format->count++] = (struct problem){.file = file, .line = line, .key = key, .params = params};
}

void format_say(struct format *format, const char *file, int line, const char *key, ...) {
  struct tree *params = tree_new(format->arena, TREE_MAP);
  va_list args;
  va_start(args, key);
  for (const char *name; (name = va_arg(args, const char *));) tree_set(format->arena, params, name, tree_string(format->arena, va_arg(args, const char *)));
  va_end(args);
  format_say_params(format, file, line, key, params);
}

void format_word(struct format *format, const struct words *words, enum lang lang) {
  for (size_t i = 0; i < format->count; i++)
    format->list[i].text = words_text(format->arena, words, lang, format->list[i].key, format->list[i].params, NULL);
}

bool format_word_in(const char *word, const char *words) {
  size_t n = strlen(word);
  if (!n || strchr(word, ' ')) return false;
  for (const char *at = words; (at = strstr(at, word)); at += n)
    if ((at == words || at[-1] == ' ') && (!at[n] || at[n] == ' ')) return true;
  return false;
}

/* Letters to change, add, drop or swap with a neighbour; counts no further than the names in a format are long. */
static size_t distance(const char *a, size_t an, const char *b, size_t bn) {
  enum { LONG = 40 };
  if (an > LONG || bn > LONG) return LONG;
  size_t row[3][LONG + 1];
  for (size_t j = 0; j <= bn; j++) row[1][j] = j;
  for (size_t i = 1; i <= an; i++) {
    size_t *now = row[(i + 1) % 3], *last = row[i % 3], *before = row[(i + 2) % 3];
    now[0] = i;
    for (size_t j = 1; j <= bn; j++) {
      size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[(an + 1) % 3][bn];
}

const char *format_near(struct arena *arena, const char *name, const char *words) {
  size_t n = strlen(name), best = n < 2 ? 1 : n < 4 ? 2 : 3;       /* short names: one letter; longer ones: two */
  const char *found = NULL;
  size_t found_n = 0;
  for (const char *at = words; *at;) {
    size_t word_n = strcspn(at, " ");
    size_t far = distance(name, n, at, word_n);
    if (word_n && far < best) {
      best = far;
      found = at;
      found_n = word_n;
    }
    at += word_n;
    at += *at == ' ';
  }
  return found ? arena_strn(arena, found, found_n) : NULL;
}

bool format_id(const char *text) {
  size_t n = strlen(text);
  if (!n || n > 63 || text[0] == '-' || text[n - 1] == '-' || strstr(text, "--")) return false;
  return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

bool format_name(const char *text) {
  size_t n = strlen(text);
  return n && n < 24 && text[0] >= 'a' && text[0] <= 'z' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

int format_line_of(const char *text, size_t length, const char *needle) {
  size_t n = strlen(needle);
  int line = 1;
  for (size_t i = 0; i + n <= length; i++) {
    if (!memcmp(text + i, needle, n)) return line;
    if (text[i] == '\n') line++;
  }
  return 0;
}

static const char *wrong_type[] = {
  [FIELD_TEXT] = "lint.field-text", [FIELD_INT] = "lint.field-int", [FIELD_BOOL] = "lint.field-bool", [FIELD_LIST] = "lint.field-list",
  [FIELD_MAP] = "lint.field-map", [FIELD_PAIR] = "lint.field-pair", [FIELD_TEXTS] = "lint.field-texts",
};

static bool right_type(const struct tree *value, enum field_type type) {
  switch (type) {
    case FIELD_ANY: return true;
    case FIELD_TEXT: return value->type == TREE_STRING && value->length;
    case FIELD_INT: return tree_is_int(value, NULL);
    case FIELD_BOOL: return value->type == TREE_BOOL;
    case FIELD_LIST: return value->type == TREE_LIST;
    case FIELD_MAP:
    case FIELD_PAIR: return value->type == TREE_MAP;
    case FIELD_TEXTS:
      if (value->type != TREE_LIST) return false;
      TREE_EACH(item, value) if (item->type != TREE_STRING) return false;
      return true;
    case FIELD_WORD: return value->type == TREE_STRING;
  }
  return false;
}

static bool check_field(struct format *format, const char *file, const struct tree *value, const struct format_field *field) {
  if (!right_type(value, field->type)) {
    if (field->type == FIELD_WORD) format_say(format, file, value->at.line, "lint.field-choice", "field", field->name, "value", value->text ? value->text : "", "choices", field->words, NULL);
    else format_say(format, file, value->at.line, wrong_type[field->type], "field", field->name, NULL);
    return false;
  }
  if (field->type == FIELD_WORD && !format_word_in(value->text, field->words)) {
    format_say(format, file, value->at.line, "lint.field-choice", "field", field->name, "value", value->text, "choices", field->words, NULL);
    return false;
  }
  const char *pair[LANG_COUNT];
  return field->type != FIELD_PAIR || format_pair(format, file, value, field->name, pair);
}

bool format_fields(struct format *format, const char *file, const struct tree *map, const struct format_field *fields) {
  if (!map || map->type != TREE_MAP) {
    format_say(format, file, map ? map->at.line : 0, "lint.not-a-map", NULL);
    return false;
  }
  bool ok = true;
  struct buf names;
  buf_init(&names, 4096);
  for (const struct format_field *field = fields; field->name; field++) buf_printf(&names, "%s%s", names.len ? " " : "", field->name);
  TREE_EACH(value, map) {
    const struct format_field *field = fields;
    while (field->name && strcmp(field->name, value->key)) field++;
    if (field->name) {
      ok &= check_field(format, file, value, field);
      continue;
    }
    ok = false;
    const char *near = format_near(format->arena, value->key, names.data);
    int line = value->key_at.line ? value->key_at.line : value->at.line;
    if (near) format_say(format, file, line, "lint.field-unknown-near", "field", value->key, "near", near, NULL);
    else format_say(format, file, line, "lint.field-unknown", "field", value->key, "fields", names.data, NULL);
  }
  for (const struct format_field *field = fields; field->name; field++)
    if (field->needed && !tree_get(map, field->name)) {
      format_say(format, file, map->at.line, "lint.field-missing", "field", field->name, NULL);
      ok = false;
    }
  buf_release(&names);
  return ok;
}

bool format_pair(struct format *format, const char *file, const struct tree *pair, const char *field, const char *out[LANG_COUNT]) {
  bool ok = true;
  const char *any = "";
  for (int lang = 0; lang < LANG_COUNT; lang++) {
    const char *text = tree_text(pair, lang_code((enum lang)lang));
    out[lang] = text && *text ? text : NULL;
    if (out[lang]) any = out[lang];
  }
  for (int lang = 0; lang < LANG_COUNT; lang++)
    if (!out[lang]) {
      format_say(format, file, pair ? (pair->key_at.line ? pair->key_at.line : pair->at.line) : 0, "lint.language", "field", field, "language", lang_code((enum lang)lang), NULL);
      out[lang] = any;
      ok = false;
    }
  return ok;
}

const char **format_texts(struct format *format, const struct tree *list, size_t *out_count) {
  size_t n = 0;
  const char **texts = arena_alloc(format->arena, ((list ? list->count : 0) + 1) * sizeof *texts);
  if (list && list->type == TREE_LIST) TREE_EACH(item, list) if (item->type == TREE_STRING) texts[n++] = item->text;
  *out_count = n;
  return texts;
}

void format_placeholders(const char *text, void (*fn)(void *ctx, const char *name, bool dollar), void *ctx) {
  for (const char *at = text; (at = strchr(at, '{')); at++) {
    size_t n = strcspn(at + 1, "{}");
    char name[64];
    if (at[1 + n] != '}' || !n || n >= sizeof name) continue;
    memcpy(name, at + 1, n);
    name[n] = 0;
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n) continue;
    fn(ctx, name, at > text && at[-1] == '$');
  }
}

struct undeclared { struct format *format; const char *file; int fixed_line; const char *text; const struct lab *lab; };

static void one_undeclared(void *ctx, const char *name, bool dollar) {
  struct undeclared *u = ctx;
  if (!dollar || format_word_in(name, FORMAT_PLATFORM_PARAMS)) return;
  for (size_t i = 0; i < u->lab->param_count; i++) if (!strcmp(u->lab->params[i].name, name)) return;
  const char *written = arena_printf(u->format->arena, "${%s}", name);
  int line = u->fixed_line ? u->fixed_line : format_line_of(u->text, strlen(u->text), written);
  format_say(u->format, u->file, line, "lint.param-undeclared", "param", name, NULL);
}

void format_undeclared(struct format *format, const char *file, int fixed_line, const char *text, const struct lab *lab) {
  struct undeclared u = {format, file, fixed_line, text, lab};
  format_placeholders(text, one_undeclared, &u);
}
