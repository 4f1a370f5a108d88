/* lint_text: steps, words, hints, pages: the two languages hold the same names and the same commands, and no text gives a learner's value away. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/lint_inside.h"

/* --- names in both languages ---------------------------------------------------------------------------------------------------------------------------- */

struct names { struct arena *arena; const char *list[64]; size_t count; };

static void collect(void *ctx, const char *name, bool dollar) {
  struct names *names = ctx;
  const char *written = arena_printf(names->arena, dollar ? "${%s}" : "{%s}", name);
  for (size_t i = 0; i < names->count; i++) if (!strcmp(names->list[i], written)) return;
  if (names->count < 64) names->list[names->count++] = written;
}

static void lacking(struct format *format, const char *file, int line, const char *name, const struct names *here, const struct names *there, const char *language) {
  for (size_t i = 0; i < here->count; i++) {
    bool found = false;
    for (size_t k = 0; k < there->count; k++) found |= !strcmp(here->list[i], there->list[k]);
    if (!found) format_say(format, file, line, "lint.placeholder", "name", name, "placeholder", here->list[i], "language", language, NULL);
  }
}

void lint_pair(struct format *format, const char *file, int line, const char *name, const char *en, const char *ms) {
  struct names a = {.arena = format->arena}, b = {.arena = format->arena};
  format_placeholders(en, collect, &a);
  format_placeholders(ms, collect, &b);
  lacking(format, file, line, name, &a, &b, "ms");
  lacking(format, file, line, name, &b, &a, "en");
}

/* --- commands in both languages ---------------------------------------------------------------------------------------------------------------------------- */

struct fence { const char *info; size_t info_length; const char *body; size_t body_length; int line; };

/* The n-th fenced block of a text from *at on. False at the end. */
static bool next_fence(const struct folder_file *file, const char **at, int *line, struct fence *out) {
  const char *end = file->bytes + file->length;
  bool inside = false;
  while (*at < end) {
    const char *close = memchr(*at, '\n', (size_t)(end - *at));
    size_t n = (size_t)((close ? close : end) - *at);
    const char *from = *at;
    *at = close ? close + 1 : end;
    ++*line;
    bool mark = n >= 3 && !memcmp(from, "```", 3);
    if (mark && inside) {
      out->body_length = (size_t)(from - out->body);
      return true;
    }
    if (!mark) continue;
    inside = true;
    *out = (struct fence){from + 3, n - 3, *at, 0, *line};
  }
  return false;
}

static bool told_apart(const struct fence *fence, const char *word) { return fence->info_length >= strlen(word) && !memcmp(fence->info, word, strlen(word)); }

static bool skipped(const struct fence *fence) { return told_apart(fence, "slide") || told_apart(fence, "notes") || told_apart(fence, "quiz") || told_apart(fence, "lab"); }

static bool next_command(const struct folder_file *file, const char **at, int *line, struct fence *out) {
  while (next_fence(file, at, line, out)) if (!skipped(out)) return true;
  return false;
}

/* Comments are prose and may be translated: a line's text ends at " #". */
static size_t without_comment(const char *line, size_t length) {
  size_t n = length;
  for (size_t i = 0; i < length; i++)
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ')) {
      n = i;
      break;
    }
  while (n && isspace((unsigned char)line[n - 1])) n--;
  return n;
}

static bool next_line(const char **at, const char *end, const char **out, size_t *out_length) {
  while (*at < end) {
    const char *close = memchr(*at, '\n', (size_t)(end - *at));
    *out = *at;
    *out_length = without_comment(*at, (size_t)((close ? close : end) - *at));
    *at = close ? close + 1 : end;
    if (*out_length) return true;
  }
  return false;
}

static bool same_body(const struct fence *a, const struct fence *b) {
  const char *x = a->body, *y = b->body, *line_x, *line_y;
  for (;;) {
    size_t n, m;
    bool more_x = next_line(&x, a->body + a->body_length, &line_x, &n), more_y = next_line(&y, b->body + b->body_length, &line_y, &m);
    if (!more_x || !more_y) return more_x == more_y;
    if (n != m || memcmp(line_x, line_y, n)) return false;
  }
}

void lint_fences(struct format *format, const struct folder_file *en, const struct folder_file *ms) {
  const char *x = en->bytes, *y = ms->bytes;
  int line_x = 0, line_y = 0;
  for (;;) {
    struct fence a, b;
    bool more_x = next_command(en, &x, &line_x, &a), more_y = next_command(ms, &y, &line_y, &b);
    if (!more_x && !more_y) return;
    if (!more_x || !more_y) {
      format_say(format, more_x ? en->path : ms->path, more_x ? a.line : b.line, "lint.fence-alone", "language", more_x ? "ms" : "en", NULL);
      return;
    }
    if (a.info_length != b.info_length || memcmp(a.info, b.info, a.info_length) || !same_body(&a, &b))
      format_say(format, ms->path, b.line, "lint.fences-differ", "line", arena_printf(format->arena, "%d", a.line), NULL);
  }
}

/* --- values written out --------------------------------------------------------------------------------------------------------------------------------------- */

static bool value_char(char c) { return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_'; }

/* What stands before and behind ${name} in the lab's own files, as in front-${n}. */
struct setting { char before[64], behind[64]; };

static size_t settings_of(const struct lab_bench *bench, const char *name, struct setting *out, size_t room) {
  char written[80];
  int n = snprintf(written, sizeof written, "${%s}", name);
  size_t count = 0;
  for (size_t f = 0; f < bench->folder.count; f++) {
    const struct folder_file *file = &bench->folder.files[f];
    if (strncmp(file->name, "setup/", 6) && strncmp(file->name, "starter/", 8) && strncmp(file->name, "solution/", 9)) continue;
    for (const char *at = file->bytes; (at = strstr(at, written)); at += n) {
      struct setting one = {0};
      const char *from = at;
      while (from > file->bytes && value_char(from[-1]) && at - from < 60) from--;
      snprintf(one.before, sizeof one.before, "%.*s", (int)(at - from), from);
      const char *to = at + n;
      while (value_char(*to) && to - at - n < 60) to++;
      snprintf(one.behind, sizeof one.behind, "%.*s", (int)(to - at - n), at + n);
      bool known = false;
      for (size_t i = 0; i < count; i++) known |= !strcmp(out[i].before, one.before) && !strcmp(out[i].behind, one.behind);
      if (!known && count < room) out[count++] = one;
    }
  }
  return count;
}

/* A number that the lab itself writes out in its files is a constant of the lab, not somebody's value. */
static bool constant(const struct lab_bench *bench, const char *number) {
  size_t n = strlen(number);
  for (size_t f = 0; f < bench->folder.count; f++) {
    const struct folder_file *file = &bench->folder.files[f];
    if (strncmp(file->name, "setup/", 6) && strncmp(file->name, "starter/", 8) && strncmp(file->name, "solution/", 9) && strcmp(file->name, "checks.lua")) continue;
    for (const char *at = file->bytes; (at = strstr(at, number)); at += n)
      if ((at == file->bytes || !isdigit((unsigned char)at[-1])) && !isdigit((unsigned char)at[n])) return true;
  }
  return false;
}

struct written { struct format *format; const struct lab_bench *bench; const char *file; int line; const char *text; };

static void found_value(const struct written *w, const char *param, const char *value, const char *where) {
  int line = w->line;
  if (!line) {
    line = 1;
    for (const char *s = w->text; s < where; s++) line += *s == '\n';
  }
  format_say(w->format, w->file, line, "lint.value-written", "param", param, "value", value, NULL);
}

static void search_number(const struct written *w, const struct lab_param *param, const struct setting *setting) {
  size_t before = strlen(setting->before), behind = strlen(setting->behind);
  bool alone = !before && !behind;
  for (const char *at = w->text; *at; at++) {
    if (!isdigit((unsigned char)*at) || (at > w->text && isdigit((unsigned char)at[-1]))) continue;
    size_t n = strspn(at, "0123456789");
    if (n > 10 || (size_t)(at - w->text) < before || memcmp(at - before, setting->before, before) || strncmp(at + n, setting->behind, behind)) continue;
    if (at - before > w->text && value_char(at[-1 - (ptrdiff_t)before])) continue;
    if (value_char(at[n + behind]) && at[n + behind] != '.') continue;
    long long value = strtoll(at, NULL, 10);
    const char *number = arena_strn(w->format->arena, at, n);
    if (value < param->low || value > param->high || (alone && (value < 100 || constant(w->bench, number)))) continue;
    found_value(w, param->name, arena_strn(w->format->arena, at - before, before + n + behind), at);
  }
}

static void search_text(const struct written *w, const struct lab_param *param) {
  if (param->type == PARAM_INT) {
    struct setting settings[16];
    size_t count = settings_of(w->bench, param->name, settings, 16);
    for (size_t i = 0; i < count; i++) search_number(w, param, &settings[i]);
    return;
  }
  if (param->type == PARAM_TOKEN) {
    const char *example = tree_text(w->bench->lab.examples, param->name), *at = example ? strstr(w->text, example) : NULL;
    if (at) found_value(w, param->name, example, at);
    return;
  }
  for (size_t i = 0; i < param->name_count; i++) {
    size_t n = strlen(param->names[i]);
    for (const char *at = w->text; (at = strstr(at, param->names[i])); at += n)
      if ((at == w->text || !value_char(at[-1])) && at[n] == '-' && isdigit((unsigned char)at[n + 1]) && isdigit((unsigned char)at[n + 2]) && !isdigit((unsigned char)at[n + 3]))
        found_value(w, param->name, arena_strn(w->format->arena, at, n + 3), at);
  }
}

static void search(struct format *format, const struct lab_bench *bench, const char *file, int line, const char *text) {
  struct written w = {format, bench, file, line, text};
  for (size_t i = 0; text && i < bench->lab.param_count; i++) search_text(&w, &bench->lab.params[i]);
}

/* --- a lab's texts --------------------------------------------------------------------------------------------------------------------------------------------- */

static void lint_steps(struct format *format, const struct lab_bench *bench) {
  size_t count;
  const struct folder_file *files = folder_part(&bench->folder, "steps/", &count);
  for (size_t i = 0; i < count; i++) {
    search(format, bench, files[i].path, 0, files[i].bytes);
    size_t n = strlen(files[i].name);
    if (n < 6 || strcmp(files[i].name + n - 6, ".en.md")) continue;
    const struct folder_file *ms = folder_find(&bench->folder, arena_printf(format->arena, "%.*s.ms.md", (int)n - 6, files[i].name));
    if (!ms) continue;
    lint_fences(format, &files[i], ms);
    lint_pair(format, ms->path, 0, ms->name, files[i].bytes, ms->bytes);
  }
}

static void lint_word(struct format *format, const struct lab_bench *bench, const char *file, int line, const char *name, const struct tree *entry) {
  const struct tree *en = tree_get(entry, "en"), *ms = tree_get(entry, "ms");
  const char *text_en = en && en->type == TREE_MAP ? tree_text(en, "other") : tree_text(entry, "en");
  const char *text_ms = ms && ms->type == TREE_MAP ? tree_text(ms, "other") : tree_text(entry, "ms");
  if (text_en && text_ms) lint_pair(format, file, line, name, text_en, text_ms);
  search(format, bench, file, line, text_en);
  search(format, bench, file, line, text_ms);
  if (text_en) format_undeclared(format, file, line, text_en, &bench->lab);
  if (text_ms) format_undeclared(format, file, line, text_ms, &bench->lab);
}

static void lint_rungs(struct format *format, const struct lab_bench *bench, const char *file, const char *name, const struct tree *rungs) {
  if (rungs && rungs->type == TREE_LIST) TREE_EACH(rung, rungs) lint_word(format, bench, file, rung->at.line, name, rung);
}

void lint_texts(struct format *format, const struct lab_bench *bench, const struct tree *words) {
  const char *file = arena_printf(format->arena, "%s/words.yaml", bench->folder.path), *lab = arena_printf(format->arena, "%s/lab.yaml", bench->folder.path);
  lint_steps(format, bench);
  TREE_EACH(entry, words) {
    lint_rungs(format, bench, file, entry->key, entry->type == TREE_LIST ? entry : tree_get(entry, "hints"));
    if (entry->type == TREE_MAP) lint_word(format, bench, file, entry->key_at.line ? entry->key_at.line : entry->at.line, entry->key, entry);
  }
  lint_rungs(format, bench, lab, "hints", tree_get(bench->lab.meta, "hints"));
}
