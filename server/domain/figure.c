/* figure: one pass over the tags of an SVG. Not an XML reader: declarations, CDATA and entities of one's own are refused, so nothing needs expanding. */
#include "domain/figure.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"

#define DEPTH_MAX 32
#define OUT_CAP (2u * FIGURE_BYTES_MAX)

static const char elements[] = "svg g path rect circle ellipse line polyline polygon text tspan title desc defs marker symbol use linearGradient radialGradient "
                               "stop clipPath mask pattern";
static const char colours[] = "fill stroke color stop-color flood-color lighting-color";
static const char colour_words[] = "none currentColor inherit transparent context-fill context-stroke";

struct attribute { const char *name, *value; };
struct tag { const char *name; struct attribute attribute[40]; size_t count; bool closes, empty; };
struct pen {
  struct format *format; const char *file, *id; enum lang lang;
  const char *start, *at, *end;
  struct buf out, title, desc;
  const char *open[DEPTH_MAX]; size_t depth;
  size_t hidden;                       /* depth of the element of another language that we are inside, 0: none */
  struct buf *collect;                 /* text of the figure's own title or desc */
  int texts[LANG_COUNT];               /* elements with lang, per language: the same number or one was forgotten */
  bool ok;
};

static int line_at(const struct pen *pen, const char *where) {
  int line = 1;
  for (const char *s = pen->start; s < where; s++) line += *s == '\n';
  return line;
}

static bool wrong(struct pen *pen, const char *where, const char *key, const char *name, const char *value) {
  if (name) format_say(pen->format, pen->file, line_at(pen, where), key, name, value, NULL);
  else format_say(pen->format, pen->file, line_at(pen, where), key, NULL);
  pen->ok = false;
  return false;
}

static bool name_char(char c) { return isalnum((unsigned char)c) || c == '-' || c == ':' || c == '_' || c == '.'; }

static const char *take_name(struct pen *pen) {
  const char *from = pen->at;
  while (pen->at < pen->end && name_char(*pen->at)) pen->at++;
  return arena_strn(pen->format->arena, from, (size_t)(pen->at - from));
}

static void skip_space(struct pen *pen) { while (pen->at < pen->end && isspace((unsigned char)*pen->at)) pen->at++; }

/* Reads a tag; at stands behind its '<'. */
static bool take_tag(struct pen *pen, struct tag *tag) {
  const char *begin = pen->at - 1;
  memset(tag, 0, sizeof *tag);
  if (pen->at < pen->end && *pen->at == '/') {
    tag->closes = true;
    pen->at++;
  }
  tag->name = take_name(pen);
  for (;;) {
    skip_space(pen);
    if (pen->at >= pen->end) return wrong(pen, begin, "lint.figure-tag", NULL, NULL);
    if (*pen->at == '>') break;
    if (*pen->at == '/' && pen->at + 1 < pen->end && pen->at[1] == '>') {
      tag->empty = true;
      pen->at++;
      break;
    }
    const char *name = take_name(pen);
    skip_space(pen);
    if (!*name || pen->at >= pen->end || *pen->at != '=' || tag->count == sizeof tag->attribute / sizeof *tag->attribute) return wrong(pen, begin, "lint.figure-tag", NULL, NULL);
    pen->at++;
    skip_space(pen);
    char quote = pen->at < pen->end ? *pen->at : 0;
    const char *close = quote == '"' || quote == '\'' ? memchr(pen->at + 1, quote, (size_t)(pen->end - pen->at - 1)) : NULL;
    if (!close) return wrong(pen, begin, "lint.figure-tag", NULL, NULL);
    tag->attribute[tag->count++] = (struct attribute){name, arena_strn(pen->format->arena, pen->at + 1, (size_t)(close - pen->at - 1))};
    pen->at = close + 1;
  }
  pen->at++;
  return *tag->name || wrong(pen, begin, "lint.figure-tag", NULL, NULL);
}

static const char *attribute(const struct tag *tag, const char *name) {
  for (size_t i = 0; i < tag->count; i++) if (!strcmp(tag->attribute[i].name, name)) return tag->attribute[i].value;
  return NULL;
}

static bool plain_colour(const char *value) {
  return format_word_in(value, colour_words) || (!strncmp(value, "var(--", 6) && value[strlen(value) - 1] == ')' && !strchr(value, ',')) || !strncmp(value, "url(#", 5);
}

static void check_attribute(struct pen *pen, const char *where, const struct attribute *a) {
  bool link = !strcmp(a->name, "href") || !strcmp(a->name, "xlink:href");
  const char *url = strstr(a->value, "url(");
  if (!strncasecmp(a->name, "on", 2) || strchr(a->value, '<')) wrong(pen, where, "lint.figure-script", "name", a->name);
  else if (!strcmp(a->name, "style")) wrong(pen, where, "lint.figure-style", NULL, NULL);
  else if ((link && a->value[0] != '#') || (url && url[4] != '#')) wrong(pen, where, "lint.figure-link", "value", a->value);
  else if (format_word_in(a->name, colours) && !plain_colour(a->value)) wrong(pen, where, "lint.figure-colour", "value", a->value);
}

/* An id, or a reference to one, gets the figure's name before it: two figures on a page may both have an "arrow". */
static void write_value(struct pen *pen, const char *name, const char *value) {
  struct buf *out = &pen->out;
  if (!strcmp(name, "id")) buf_printf(out, "%s-%s", pen->id, value);
  else if (!strcmp(name, "href") || !strcmp(name, "xlink:href")) buf_printf(out, "#%s-%s", pen->id, value + 1);
  else if (!strncmp(value, "url(#", 5)) buf_printf(out, "url(#%s-%s", pen->id, value + 5);
  else for (; *value; value++) {
    if (*value == '"') buf_str(out, "&quot;");
    else buf_char(out, *value);
  }
}

static void write_tag(struct pen *pen, const struct tag *tag) {
  struct buf *out = &pen->out;
  bool root = pen->depth == 0;
  buf_printf(out, "<%s", tag->name);
  if (root) {
    const char *more = attribute(tag, "class");
    buf_printf(out, " class=\"figure-svg%s%s\" role=\"img\" aria-labelledby=\"%s-title\"", more ? " " : "", more ? more : "", pen->id);
  }
  for (size_t i = 0; i < tag->count; i++) {
    const char *name = tag->attribute[i].name;
    if (!strcmp(name, "lang") || !strcmp(name, "xml:lang")) continue;
    if (root && format_word_in(name, "class role aria-labelledby aria-describedby width height id xmlns xmlns:xlink version")) continue;
    buf_printf(out, " %s=\"", name);
    write_value(pen, name, tag->attribute[i].value);
    buf_char(out, '"');
  }
  if (!root && !strcmp(tag->name, "title") && pen->depth == 1 && !pen->title.len) buf_printf(out, " id=\"%s-title\"", pen->id);
  buf_str(out, tag->empty ? "/>" : ">");
}

static void close_element(struct pen *pen) {
  if (pen->collect && pen->depth == 2) pen->collect = NULL;
  if (!pen->hidden) buf_printf(&pen->out, "</%s>", pen->open[pen->depth - 1]);
  if (pen->hidden == pen->depth) pen->hidden = 0;
  pen->depth--;
}

static void open_element(struct pen *pen, const char *where, const struct tag *tag) {
  if (!format_word_in(tag->name, elements)) {
    bool script = !strcasecmp(tag->name, "script") || !strcasecmp(tag->name, "foreignObject");
    wrong(pen, where, !strcasecmp(tag->name, "style") ? "lint.figure-style" : script ? "lint.figure-script" : "lint.figure-element", "name", tag->name);
  }
  for (size_t i = 0; i < tag->count; i++) check_attribute(pen, where, &tag->attribute[i]);
  const char *code = attribute(tag, "lang") ? attribute(tag, "lang") : attribute(tag, "xml:lang");
  enum lang lang = pen->lang;
  if (code && pen->depth) {
    if (!lang_parse(code, &lang)) wrong(pen, where, "lint.figure-language", "language", code);
    else pen->texts[lang]++;
  }
  bool own_text = pen->depth == 1 && (!strcmp(tag->name, "title") || !strcmp(tag->name, "desc"));
  if (own_text && !code) wrong(pen, where, "lint.figure-own-text", "name", tag->name);
  bool shown = !pen->hidden && lang == pen->lang;
  if (shown) write_tag(pen, tag);
  if (tag->empty) return;
  pen->open[pen->depth++] = tag->name;
  if (!shown && !pen->hidden) pen->hidden = pen->depth;
  if (shown && own_text) pen->collect = *tag->name == 't' ? &pen->title : &pen->desc;
}

static bool one_tag(struct pen *pen) {
  const char *where = pen->at++;
  size_t left = (size_t)(pen->end - pen->at);
  if (left >= 3 && !memcmp(pen->at, "!--", 3)) {
    const char *close = memmem(pen->at, left, "-->", 3);
    if (!close) return wrong(pen, where, "lint.figure-tag", NULL, NULL);
    pen->at = close + 3;
    return true;
  }
  if (left >= 4 && !memcmp(pen->at, "?xml", 4) && where == pen->start) {
    const char *close = memmem(pen->at, left, "?>", 2);
    if (!close) return wrong(pen, where, "lint.figure-tag", NULL, NULL);
    pen->at = close + 2;
    return true;
  }
  if (left && (*pen->at == '!' || *pen->at == '?')) return wrong(pen, where, "lint.figure-declaration", NULL, NULL);
  struct tag tag;
  if (!take_tag(pen, &tag)) return false;
  if (tag.closes) {
    if (!pen->depth || strcmp(pen->open[pen->depth - 1], tag.name)) return wrong(pen, where, "lint.figure-tag", NULL, NULL);
    close_element(pen);
    return true;
  }
  if (pen->depth == 0 && (strcmp(tag.name, "svg") || pen->out.len)) return wrong(pen, where, "lint.figure-root", NULL, NULL);
  if (pen->depth == 0 && !attribute(&tag, "viewBox")) wrong(pen, where, "lint.figure-viewbox", NULL, NULL);
  if (pen->depth == DEPTH_MAX) return wrong(pen, where, "lint.figure-tag", NULL, NULL);
  open_element(pen, where, &tag);
  return true;
}

static const struct { const char *written; char means; } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

/* Text up to the next tag. Only the five entities every reader knows. */
static bool some_text(struct pen *pen) {
  const char *close = memchr(pen->at, '<', (size_t)(pen->end - pen->at));
  if (!close) close = pen->end;
  while (pen->at < close) {
    size_t n = 1;
    char means = *pen->at;
    if (means == '&') {
      size_t i = 0;
      while (i < 5 && strncmp(pen->at, entities[i].written, strlen(entities[i].written))) i++;
      if (i == 5) return wrong(pen, pen->at, "lint.figure-entity", NULL, NULL);
      n = strlen(entities[i].written);
      means = entities[i].means;
    } else if (pen->depth == 0 && !isspace((unsigned char)means)) {
      return wrong(pen, pen->at, "lint.figure-root", NULL, NULL);
    }
    if (!pen->hidden && pen->depth) buf_add(&pen->out, pen->at, n);
    if (pen->collect && !(isspace((unsigned char)means) && (!pen->collect->len || pen->collect->data[pen->collect->len - 1] == ' ')))
      buf_char(pen->collect, isspace((unsigned char)means) ? ' ' : means);
    pen->at += n;
  }
  return true;
}

static void check_whole(struct pen *pen) {
  if (pen->depth || !pen->out.len) wrong(pen, pen->end, "lint.figure-tag", NULL, NULL);
  if (!pen->title.len) wrong(pen, pen->start, "lint.figure-text", "name", "title");
  if (!pen->desc.len) wrong(pen, pen->start, "lint.figure-text", "name", "desc");
  for (int lang = 0; lang < LANG_COUNT; lang++)
    if (pen->texts[lang] < pen->texts[!lang]) wrong(pen, pen->start, "lint.figure-languages", "language", lang_code((enum lang)lang));
}

static const char *trimmed(struct pen *pen, struct buf *text) {
  while (text->len && text->data[text->len - 1] == ' ') text->len--;
  return arena_strn(pen->format->arena, text->data, text->len);
}

bool figure_read(struct format *format, const char *file, const char *svg, size_t length, const char *name, enum lang lang, struct figure *out) {
  if (length > FIGURE_BYTES_MAX) {
    format_say(format, file, 0, "lint.figure-large", "limit", "64 KiB", NULL);
    return false;
  }
  char *id = arena_str(format->arena, name);
  for (char *c = id; *c; c++) *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '-';
  struct pen pen = {.format = format, .file = file, .id = id, .lang = lang, .start = svg, .at = svg, .end = svg + length, .ok = true};
  buf_init(&pen.out, OUT_CAP);
  buf_init(&pen.title, FIGURE_BYTES_MAX);
  buf_init(&pen.desc, FIGURE_BYTES_MAX);
  bool whole = true;
  while (whole && pen.at < pen.end) whole = *pen.at == '<' ? one_tag(&pen) : some_text(&pen);
  if (whole) check_whole(&pen);
  if (pen.ok) *out = (struct figure){arena_strn(format->arena, pen.out.data, pen.out.len), trimmed(&pen, &pen.title), trimmed(&pen, &pen.desc)};
  buf_release(&pen.out);
  buf_release(&pen.title);
  buf_release(&pen.desc);
  return pen.ok;
}
