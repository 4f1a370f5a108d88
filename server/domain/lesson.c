/* lesson: cuts the text at its `##` headings, lets base/markdown make each part, and puts in what fences and lone pictures stand for.
 * Memory: results in the format's arena; cmark's trees in one that goes when the part is done. */
#include "domain/lesson.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "domain/figure.h"

#define HEADINGS_MAX 256

struct part { struct lesson *lesson; size_t first_heading; };

static const char *word(struct lesson *lesson, const char *key) { return words_text(lesson->format->arena, lesson->words, lesson->lang, key, NULL, NULL); }

static const char *sentence(struct lesson *lesson, const char *key, const char *name, const char *value) {
  struct tree *params = tree_new(lesson->format->arena, TREE_MAP);
  tree_put_text(lesson->format->arena, params, name, value);
  return words_text(lesson->format->arena, lesson->words, lesson->lang, key, params, NULL);
}

static int line_of(struct lesson *lesson, const char *needle) { return format_line_of(lesson->text, lesson->length, needle); }

void lesson_inline(struct buf *out, const char *text) {
  for (bool code = false; *text;) {
    size_t n = strcspn(text, "`");
    char piece[512];
    for (size_t done = 0; done < n;) {
      size_t take = n - done < sizeof piece - 1 ? n - done : sizeof piece - 1;
      memcpy(piece, text + done, take);
      piece[take] = 0;
      buf_html(out, piece);
      done += take;
    }
    text += n;
    if (!*text) {
      if (code) buf_str(out, "</code>");
      return;
    }
    text++;
    if (!code && !strchr(text, '`')) {              /* a lone mark is a mark */
      buf_char(out, '`');
      continue;
    }
    code = !code;
    buf_str(out, code ? "<code>" : "</code>");
  }
}

/* --- fences ------------------------------------------------------------------------------------------------------------------------------------- */

struct fence { const char *kind, *file, *refuse; bool copy, run, fails, part, other; const char *ids[16]; size_t id_count; };

static const struct { const char *kind, *flags; } fence_kinds[] = {
  {"yaml", "file= copy part other refuse="}, {"sh", "run copy fails"}, {"powershell", "copy"}, {"text", "copy"}, {"quiz", NULL}, {"lab", NULL}, {"slide", ""}, {"notes", ""},
};

/* Next word of an info string; name="two words" is one. NULL at the end. */
static const char *next_word(struct arena *arena, const char **at) {
  while (isspace((unsigned char)**at)) ++*at;
  if (!**at) return NULL;
  const char *from = *at;
  for (bool quoted = false; **at && (quoted || !isspace((unsigned char)**at)); ++*at) if (**at == '"') quoted = !quoted;
  return arena_strn(arena, from, (size_t)(*at - from));
}

static const char *unquoted(struct arena *arena, const char *value) {
  size_t n = strlen(value);
  return n >= 2 && value[0] == '"' && value[n - 1] == '"' ? arena_strn(arena, value + 1, n - 2) : value;
}

static void fence_flag(struct lesson *lesson, struct fence *fence, const char *flags, const char *info, const char *flag) {
  struct arena *arena = lesson->format->arena;
  const char *equals = strchr(flag, '=');
  const char *name = equals ? arena_strn(arena, flag, (size_t)(equals - flag) + 1) : flag;
  if (!format_word_in(name, flags)) {
    format_say(lesson->format, lesson->file, line_of(lesson, info), "lint.fence-flag", "word", flag, "kind", fence->kind, "words", *flags ? flags : "-", NULL);
    return;
  }
  if (!strcmp(name, "file=")) fence->file = unquoted(arena, equals + 1);
  else if (!strcmp(name, "refuse=")) fence->refuse = unquoted(arena, equals + 1);
  else if (!strcmp(name, "copy")) fence->copy = true;
  else if (!strcmp(name, "run")) fence->run = true;
  else if (!strcmp(name, "fails")) fence->fails = true;
  else if (!strcmp(name, "part")) fence->part = true;
  else fence->other = true;
}

static bool fence_read(struct lesson *lesson, const char *info, const char *literal, struct fence *out) {
  struct arena *arena = lesson->format->arena;
  memset(out, 0, sizeof *out);
  const char *at = info ? info : "";
  out->kind = next_word(arena, &at);
  if (!out->kind) {
    format_say(lesson->format, lesson->file, 0, "lint.fence-bare", NULL);
    out->kind = "text";
    return true;
  }
  const char *flags = NULL;
  bool known = false;
  for (size_t i = 0; i < sizeof fence_kinds / sizeof *fence_kinds; i++)
    if (!strcmp(fence_kinds[i].kind, out->kind)) {
      known = true;
      flags = fence_kinds[i].flags;
    }
  if (!known) {
    format_say(lesson->format, lesson->file, line_of(lesson, info), "lint.fence-unknown", "word", out->kind, "words", "yaml sh powershell text quiz lab slide notes", NULL);
    return false;
  }
  for (const char *flag; (flag = next_word(arena, &at));) {
    if (flags) fence_flag(lesson, out, flags, info, flag);
    else if (out->id_count < 16) out->ids[out->id_count++] = flag;
  }
  if (flags) return true;
  at = literal;                                     /* quiz and lab: ids may also stand in the body */
  for (const char *id; out->id_count < 16 && (id = next_word(arena, &at));) out->ids[out->id_count++] = id;
  return true;
}

static void code_block(struct lesson *lesson, const struct fence *fence, const char *literal, struct buf *out) {
  bool output = !strcmp(fence->kind, "text");
  buf_printf(out, "<div class=\"code%s\"><div class=\"code-head\"><span class=\"code-kind\">", output ? " code-output" : "");
  buf_html(out, output ? word(lesson, "lesson.output") : fence->kind);
  buf_str(out, "</span>");
  if (fence->file) {
    buf_str(out, " <span class=\"code-file\">");
    buf_html(out, fence->file);
    buf_str(out, "</span>");
  }
  buf_str(out, "</div><pre tabindex=\"0\"");
  if (fence->copy) buf_str(out, " data-copy");
  if (fence->run) buf_str(out, " data-run");
  if (fence->file) {
    buf_str(out, " data-file=\"");
    buf_html(out, fence->file);
    buf_char(out, '"');
  }
  buf_printf(out, "><code class=\"language-%s\">", fence->kind);
  buf_html(out, literal);
  buf_str(out, "</code></pre></div>\n");
}

/* --- quiz --------------------------------------------------------------------------------------------------------------------------------------- */

/* An order that is the same for everybody, so that the page can be kept: the right answer's place moves on by one from question to question. */
static void quiz_order(const char *module, const struct quiz_item *item, size_t number, size_t order[static 8]) {
  unsigned char hash[32];
  secret_sha256(module, strlen(module), hash);
  size_t n = item->answer_count < 8 ? item->answer_count : 8, at = 0, right = 0;
  for (size_t i = 0; i < n; i++) if (item->answers[i].right) right = i;
  for (size_t i = 0; i < n; i++) if (i != right) order[at++] = i;
  size_t place = n ? (hash[0] + number) % n : 0;
  for (size_t i = n; i > place + 1; i--) order[i - 1] = order[i - 2];
  order[place] = right;
}

static void quiz_key(struct lesson *lesson, const struct quiz_item *item, const size_t order[static 8], struct buf *out) {
  enum lang lang = lesson->lang;
  size_t n = item->answer_count < 8 ? item->answer_count : 8;
  buf_str(out, "<details class=\"quiz-key\"><summary>");
  buf_html(out, word(lesson, "lesson.answer"));
  buf_str(out, "</summary>\n");
  for (size_t i = 0; i < n; i++) {
    const struct quiz_answer *answer = &item->answers[order[i]];
    if (!answer->right) continue;
    buf_str(out, "<p class=\"quiz-right\"><strong>");
    lesson_inline(out, answer->text[lang]);
    buf_str(out, "</strong></p>\n");
  }
  buf_str(out, "<ul>\n");
  for (size_t i = 0; i < n; i++) {
    const struct quiz_answer *answer = &item->answers[order[i]];
    if (answer->right || !answer->betrays[lang]) continue;
    buf_str(out, "<li><span class=\"quiz-wrong\">");
    lesson_inline(out, answer->text[lang]);
    buf_str(out, "</span> ");
    lesson_inline(out, answer->betrays[lang]);
    buf_str(out, "</li>\n");
  }
  buf_str(out, "</ul></details>");
}

static void quiz_island(struct lesson *lesson, const struct quiz_item *item, size_t number, struct buf *out) {
  size_t order[8];
  quiz_order(lesson->module, item, number, order);
  buf_printf(out, "<div class=\"quiz\" id=\"quiz-%s\" data-island=\"quiz\" data-props='{\"item\":\"%s\",\"module\":\"%s\"}'>\n<h3 class=\"quiz-title\">", item->id, item->id, lesson->module);
  buf_html(out, sentence(lesson, "lesson.question", "number", arena_printf(lesson->format->arena, "%zu", number)));
  buf_str(out, "</h3>\n<p class=\"quiz-text\">");
  lesson_inline(out, item->text[lesson->lang]);
  buf_str(out, "</p>\n<ol class=\"quiz-answers\" type=\"A\">\n");
  for (size_t i = 0; i < item->answer_count && i < 8; i++) {
    buf_printf(out, "<li data-answer=\"%zu\">", order[i]);
    lesson_inline(out, item->answers[order[i]].text[lesson->lang]);
    buf_str(out, "</li>\n");
  }
  buf_str(out, "</ol>\n");
  quiz_key(lesson, item, order, out);
  buf_str(out, "</div>\n");
}

static void quiz_fence(struct lesson *lesson, const struct fence *fence, const char *info, struct buf *out) {
  if (!fence->id_count || !lesson->module) format_say(lesson->format, lesson->file, line_of(lesson, info), lesson->module ? "lint.fence-ids" : "lint.fence-in-step", "kind", "quiz", NULL);
  for (size_t i = 0; lesson->module && i < fence->id_count; i++) {
    size_t at = 0;
    while (at < lesson->quiz_count && strcmp(lesson->quiz[at].id, fence->ids[i])) at++;
    if (at == lesson->quiz_count) {
      format_say(lesson->format, lesson->file, line_of(lesson, fence->ids[i]), "lint.quiz-unknown", "item", fence->ids[i], NULL);
      continue;
    }
    lesson->quiz_placed[at]++;
    quiz_island(lesson, &lesson->quiz[at], at + 1, out);
  }
}

/* --- labs --------------------------------------------------------------------------------------------------------------------------------------- */

static void lab_card(struct lesson *lesson, const struct lab *lab, struct buf *out) {
  struct tree *params = tree_new(lesson->format->arena, TREE_MAP);
  tree_put_int(lesson->format->arena, params, "minutes", lab->minutes);
  tree_put_int(lesson->format->arena, params, "points", lab->points);
  buf_str(out, "<div class=\"lab-card\">\n<p class=\"lab-card-title\">");
  buf_html(out, sentence(lesson, "lesson.lab", "title", lab->title[lesson->lang]));
  buf_str(out, "</p>\n<p class=\"lab-card-facts\">");
  buf_html(out, words_text(lesson->format->arena, lesson->words, lesson->lang, "lesson.lab-facts", params, NULL));
  buf_printf(out, "</p>\n<p><a class=\"button primary\" href=\"/lab/%s\">", lab->id);
  buf_html(out, sentence(lesson, "lesson.lab-open", "title", lab->title[lesson->lang]));
  buf_str(out, "</a></p>\n</div>\n");
}

static void lab_fence(struct lesson *lesson, const struct fence *fence, const char *info, struct buf *out) {
  if (!fence->id_count || !lesson->module) format_say(lesson->format, lesson->file, line_of(lesson, info), lesson->module ? "lint.fence-ids" : "lint.fence-in-step", "kind", "lab", NULL);
  for (size_t i = 0; lesson->module && i < fence->id_count; i++) {
    const struct lab *lab = NULL;
    bool named = false;
    for (size_t k = 0; k < lesson->lab_count; k++) if (!strcmp(lesson->labs[k]->id, fence->ids[i])) lab = lesson->labs[k];
    for (size_t k = 0; k < lesson->lab_id_count; k++) named |= !strcmp(lesson->lab_ids[k], fence->ids[i]);
    if (lab) {
      lab_card(lesson, lab, out);
      continue;
    }
    if (!named) format_say(lesson->format, lesson->file, line_of(lesson, fence->ids[i]), "lint.lab-unknown", "lab", fence->ids[i], NULL);
    buf_str(out, "<div class=\"lab-card lab-card-closed\"><p>");            /* named, but left out for a mistake of its own */
    buf_html(out, sentence(lesson, "lesson.lab-away", "lab", fence->ids[i]));
    buf_str(out, "</p></div>\n");
  }
}

static bool on_fence(void *ctx, const char *info, const char *literal, struct buf *out) {
  struct lesson *lesson = ((struct part *)ctx)->lesson;
  struct fence fence;
  if (!fence_read(lesson, info, literal, &fence)) fence.kind = "text";
  if (!strcmp(fence.kind, "quiz")) quiz_fence(lesson, &fence, info, out);
  else if (!strcmp(fence.kind, "lab")) lab_fence(lesson, &fence, info, out);
  else if (strcmp(fence.kind, "slide") && strcmp(fence.kind, "notes")) code_block(lesson, &fence, literal, out);
  return true;
}

/* --- figures and headings ------------------------------------------------------------------------------------------------------------------------ */

static bool on_image(void *ctx, const char *url, const char *alt, struct buf *out) {
  struct lesson *lesson = ((struct part *)ctx)->lesson;
  struct arena *arena = lesson->format->arena;
  size_t n = strlen(url);
  const struct folder_file *file = lesson->folder ? folder_find(lesson->folder, url) : NULL;
  if (!file || strncmp(url, "figures/", 8) || n < 13 || strcmp(url + n - 4, ".svg")) {
    format_say(lesson->format, lesson->file, line_of(lesson, url), "lint.figure-missing", "figure", url, NULL);
    return true;
  }
  const char *name = arena_strn(arena, url + 8, n - 12);
  struct figure figure;
  if (!figure_read(lesson->format, file->path, file->bytes, file->length, name, lesson->lang, &figure)) return true;
  char *id = arena_str(arena, name);
  for (char *c = id; *c; c++) *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
  buf_printf(out, "<figure class=\"figure\" id=\"%s\">\n%s\n<figcaption>", id, figure.svg);
  buf_html(out, *alt ? alt : figure.title);
  buf_str(out, "</figcaption>\n<details class=\"figure-text\"><summary>");
  buf_html(out, word(lesson, "lesson.text-version"));
  buf_str(out, "</summary><p>");
  buf_html(out, figure.desc);
  buf_str(out, "</p></details>\n</figure>\n");
  return true;
}

static const char *on_heading(void *ctx, int index) {
  struct part *part = ctx;
  size_t at = part->first_heading + (size_t)index;
  return part->lesson->ids && at < part->lesson->id_count ? part->lesson->ids[at] : NULL;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------------------------ */

struct whole { struct lesson_heading *headings; size_t heading_count; const char **ids; size_t id_count; };

static bool one_part(struct lesson *lesson, const char *text, size_t length, struct whole *whole, struct buf *out) {
  struct arena *keep = lesson->format->arena, *passing = arena_new(0);
  struct part part = {lesson, whole->id_count};
  struct markdown_hooks hooks = {.fence = on_fence, .image = on_image, .heading_id = on_heading, .ctx = &part};
  struct markdown_heading *headings = NULL;
  size_t count = 0;
  struct err err = {0};
  struct buf html;
  buf_init(&html, LESSON_HTML_MAX);
  bool ok = markdown_html(passing, text, length, &hooks, &html, &headings, &count, &err) && !html.over;
  if (!ok) format_say(lesson->format, lesson->file, 0, "lint.page-large", NULL);
  bool section = count && headings[0].level == 2;
  if (section) {
    buf_str(out, "<section class=\"part\" aria-labelledby=\"");
    buf_html(out, headings[0].id);
    buf_str(out, "\">\n");
  }
  for (size_t i = 0; i < count && whole->id_count < HEADINGS_MAX; i++) {
    const char *id = arena_str(keep, headings[i].id);
    for (size_t k = 0; k < whole->id_count; k++)
      if (!strcmp(whole->ids[k], id)) format_say(lesson->format, lesson->file, line_of(lesson, headings[i].text), "lint.heading-twice", "heading", arena_str(keep, headings[i].text), NULL);
    if (headings[i].level == 1) format_say(lesson->format, lesson->file, line_of(lesson, headings[i].text), "lint.heading-one", "heading", arena_str(keep, headings[i].text), NULL);
    if (headings[i].level == 2) whole->headings[whole->heading_count++] = (struct lesson_heading){id, arena_str(keep, headings[i].text)};
    whole->ids[whole->id_count++] = id;
  }
  if (strstr(html.data, "<!-- raw HTML omitted -->")) format_say(lesson->format, lesson->file, line_of(lesson, "<"), "lint.raw-html", NULL);
  if (strstr(html.data, "<img ")) format_say(lesson->format, lesson->file, line_of(lesson, "!["), "lint.image-inline", NULL);
  buf_add(out, html.data, html.len);
  if (section) buf_str(out, "</section>\n");
  buf_release(&html);
  arena_free(passing);
  return ok;
}

static bool is_fence(const char *line, size_t length) {
  size_t i = 0;
  while (i < length && i < 3 && line[i] == ' ') i++;
  return length - i >= 3 && (!memcmp(line + i, "```", 3) || !memcmp(line + i, "~~~", 3));
}

bool lesson_html(struct lesson *lesson, struct buf *out, struct lesson_heading **out_headings, size_t *out_heading_count, const char ***out_ids, size_t *out_id_count) {
  struct arena *arena = lesson->format->arena;
  struct whole whole = {.headings = arena_alloc(arena, HEADINGS_MAX * sizeof(struct lesson_heading)), .ids = arena_alloc(arena, HEADINGS_MAX * sizeof(char *))};
  const char *end = lesson->text + lesson->length, *from = lesson->text;
  bool ok = true, fenced = false;
  for (const char *line = from; line < end;) {
    const char *close = memchr(line, '\n', (size_t)(end - line));
    size_t n = (size_t)((close ? close : end) - line);
    if (is_fence(line, n)) fenced = !fenced;
    else if (!fenced && n > 3 && !memcmp(line, "## ", 3) && line > from) {
      ok &= one_part(lesson, from, (size_t)(line - from), &whole, out);
      from = line;
    }
    line = close ? close + 1 : end;
  }
  if (from < end) ok &= one_part(lesson, from, (size_t)(end - from), &whole, out);
  if (lesson->ids && lesson->id_count != whole.id_count) format_say(lesson->format, lesson->file, 0, "lint.headings-differ", NULL);
  if (out_headings) *out_headings = whole.headings;
  if (out_heading_count) *out_heading_count = whole.heading_count;
  if (out_ids) *out_ids = whole.ids;
  if (out_id_count) *out_id_count = whole.id_count;
  return ok;
}
