/* reader_json: JSON as it is handed in: strict, with places. Several values in a row are read, as kubectl does. Numbers keep their text beside their
 * canonical one. What is not JSON at all (a bare key, a remark, a comma too many) is left to YAML; what is JSON and wrong is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "check/worker/reader.h"
#include "check/worker/scalar.h"

#define EVENTS_MAX 50000
#define LAB_EVENTS_MAX 400000

struct json { struct reader *r; const struct reader_chunk *chunk; const char *at, *end, *line_start; int line, depth, doc, col; const char *col_at; bool must, refused; };

/* Counts on from where it was asked last: a file may be one long line. */
static int column(struct json *j) {
  if (j->col_at < j->line_start || j->col_at > j->at) {
    j->col_at = j->line_start;
    j->col = 1;
  }
  for (; j->col_at < j->at; j->col_at++) if (((unsigned char)*j->col_at & 0xC0) != 0x80) j->col++;
  return j->col;
}

static struct tree_at here(struct json *j) {
  int col = column(j);
  return (struct tree_at){j->chunk->file, j->doc, j->line, col, j->line, col};
}

static void ends_here(struct json *j, struct tree_at *at) {
  at->end_line = j->line;
  at->end_col = column(j);
}

/* A mistake in JSON itself. */
static struct tree *refuse(struct json *j, const char *key, const struct tree_at *at) {
  struct tree_at place = at ? *at : here(j);
  if (!at) place.end_col = place.col + 1;
  j->refused = true;
  reader_note(j->r, "refuse", key, NULL, &place, NULL);
  return NULL;
}

/* Not JSON: YAML may know it, unless it has to be JSON. */
static struct tree *stray(struct json *j) { return j->must ? refuse(j, j->at >= j->end ? "file-json.end" : "file-json.syntax", NULL) : NULL; }

static void space(struct json *j) {
  for (; j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'); j->at++) {
    if (*j->at != '\n') continue;
    j->line++;
    j->line_start = j->at + 1;
  }
}

static bool hex4(const char *s, unsigned *out) {
  unsigned v = 0;
  for (int i = 0; i < 4; i++) {
    unsigned d = s[i] >= '0' && s[i] <= '9' ? (unsigned)(s[i] - '0') : (s[i] | 32) >= 'a' && (s[i] | 32) <= 'f' ? (unsigned)((s[i] | 32) - 'a') + 10 : 99;
    if (d > 15) return false;
    v = v << 4 | d;
  }
  *out = v;
  return true;
}

static char *put_utf8(char *to, unsigned c) {
  if (c < 0x80) *to++ = (char)c;
  else if (c < 0x800) { *to++ = (char)(0xC0 | c >> 6); *to++ = (char)(0x80 | (c & 63)); }
  else if (c < 0x10000) { *to++ = (char)(0xE0 | c >> 12); *to++ = (char)(0x80 | (c >> 6 & 63)); *to++ = (char)(0x80 | (c & 63)); }
  else { *to++ = (char)(0xF0 | c >> 18); *to++ = (char)(0x80 | (c >> 12 & 63)); *to++ = (char)(0x80 | (c >> 6 & 63)); *to++ = (char)(0x80 | (c & 63)); }
  return to;
}

/* The string whose opening quote is at j->at. */
static bool string(struct json *j, const char **out, size_t *out_length) {
  const char *close = j->at + 1;
  while (close < j->end && *close != '"' && *close != '\n') close += *close == '\\' && close + 1 < j->end ? 2 : 1;
  if (close >= j->end || *close != '"') return stray(j) != NULL;
  char *text = arena_alloc(j->r->arena, (size_t)(close - j->at)), *to = text;
  for (j->at++; j->at < close;) {
    if ((unsigned char)*j->at < 0x20) return refuse(j, "file-json.control", NULL) != NULL;
    if (*j->at != '\\') {
      *to++ = *j->at++;
      continue;
    }
    char e = j->at[1];
    if (e == 'u') {
      unsigned v, low;
      if (close - j->at < 6 || !hex4(j->at + 2, &v)) return refuse(j, "file-json.escape", NULL) != NULL;
      if (v == 0) return refuse(j, "text.nul", NULL) != NULL;
      if (v >= 0xD800 && v < 0xE000) {
        if (v >= 0xDC00 || close - j->at < 12 || j->at[6] != '\\' || j->at[7] != 'u' || !hex4(j->at + 8, &low) || low < 0xDC00 || low >= 0xE000)
          return refuse(j, "file-json.surrogate", NULL) != NULL;
        v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
        j->at += 6;
      }
      j->at += 6;
      to = put_utf8(to, v);
      continue;
    }
    if (!e || !strchr("\"\\/bfnrt", e)) return refuse(j, "file-json.escape", NULL) != NULL;
    *to++ = e == 'b' ? '\b' : e == 'f' ? '\f' : e == 'n' ? '\n' : e == 'r' ? '\r' : e == 't' ? '\t' : e;
    j->at += 2;
  }
  *to = 0;
  *out = text;
  *out_length = (size_t)(to - text);
  j->at = close + 1;
  return true;
}

static struct tree *number(struct json *j) {
  const char *s = j->at;
  struct tree_at at = here(j);
  if (*s == '-') s++;
  const char *digits = s;
  while (s < j->end && *s >= '0' && *s <= '9') s++;
  if (s == digits || (*digits == '0' && s - digits > 1)) return stray(j);
  if (s < j->end && *s == '.') {
    const char *fraction = ++s;
    while (s < j->end && *s >= '0' && *s <= '9') s++;
    if (s == fraction) return stray(j);
  }
  if (s < j->end && (*s == 'e' || *s == 'E')) {
    s++;
    if (s < j->end && (*s == '+' || *s == '-')) s++;
    const char *exponent = s;
    while (s < j->end && *s >= '0' && *s <= '9') s++;
    if (s == exponent) return stray(j);
  }
  struct tree *tree = tree_new(j->r->arena, TREE_NUMBER);
  tree->raw = arena_strn(j->r->arena, j->at, (size_t)(s - j->at));
  j->at = s;
  tree->at = at;
  ends_here(j, &tree->at);
  switch (scalar_json_number(j->r->arena, tree->raw, &tree->text)) {
    case SCALAR_NOT_FINITE: return refuse(j, "file-json.number-large", &tree->at);
    case SCALAR_LOSES_DIGITS: {
      struct tree *params = reader_note(j->r, "warn", "number.digits", NULL, &tree->at, NULL);
      reader_param(j->r, params, "text", tree->raw);
      reader_param(j->r, params, "read_as", tree->text);
      break;
    }
    case SCALAR_FINE: break;
  }
  tree->length = strlen(tree->text);
  return tree;
}

struct set { const struct tree **slot; size_t room; };

static size_t hash(const char *s) {
  size_t h = 1469598103934665603u;
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h;
}

/* The key's first owner, or NULL after adding `owner`. */
static const struct tree *seen(struct json *j, struct set *set, const struct tree *map, const struct tree *owner) {
  if ((map->count + 1) * 2 > set->room) {
    set->room = set->room ? set->room * 4 : 16;
    set->slot = arena_alloc(j->r->arena, set->room * sizeof *set->slot);
    TREE_EACH(item, map) {
      size_t i = hash(item->key) & (set->room - 1);
      while (set->slot[i]) i = (i + 1) & (set->room - 1);
      set->slot[i] = item;
    }
  }
  size_t i = hash(owner->key) & (set->room - 1);
  for (; set->slot[i]; i = (i + 1) & (set->room - 1)) if (!strcmp(set->slot[i]->key, owner->key)) return set->slot[i];
  set->slot[i] = owner;
  return NULL;
}

static struct tree *value(struct json *j);

static struct tree *members(struct json *j, bool map) {
  struct tree *tree = tree_new(j->r->arena, map ? TREE_MAP : TREE_LIST), **tail = &tree->child;
  struct set set = {0};
  char closing = map ? '}' : ']';
  tree->at = here(j);
  if (++j->depth > READER_DEPTH_MAX) {
    struct tree_at at = here(j);
    j->refused = true;
    tree_put_int(j->r->arena, reader_note(j->r, "refuse", "yaml.deep", NULL, &at, NULL), "limit", READER_DEPTH_MAX);
    return NULL;
  }
  j->at++;
  space(j);
  bool empty = j->at < j->end && *j->at == closing;
  while (!empty) {
    const char *key = NULL;
    size_t key_length;
    struct tree_at key_at = {0};
    space(j);
    if (map) {
      if (j->at >= j->end || *j->at != '"') return stray(j);
      key_at = here(j);
      if (!string(j, &key, &key_length)) return NULL;
      ends_here(j, &key_at);
      space(j);
      if (j->at >= j->end || *j->at != ':') return stray(j);
      j->at++;
    }
    struct tree *item = value(j);
    if (!item) return NULL;
    item->key = key;
    item->key_at = key_at;
    const struct tree *first = map ? seen(j, &set, tree, item) : NULL;
    if (first) {
      struct tree *params = reader_note(j->r, "refuse", "yaml.duplicate-key", NULL, &key_at, "key");
      reader_param(j->r, params, "name", key);
      tree_put_int(j->r->arena, params, "line", key_at.line);
      tree_put_int(j->r->arena, params, "first_line", first->key_at.line);
      j->refused = true;
    } else {
      *tail = item;
      tail = &item->next;
      tree->count++;
    }
    space(j);
    if (j->at >= j->end) return stray(j);
    if (*j->at == closing) break;
    if (*j->at != ',') return stray(j);
    j->at++;
  }
  j->at++;
  j->depth--;
  ends_here(j, &tree->at);
  return tree;
}

static struct tree *word(struct json *j, const char *text, enum tree_type type) {
  size_t n = strlen(text);
  if ((size_t)(j->end - j->at) < n || memcmp(j->at, text, n)) return stray(j);
  struct tree *tree = tree_new(j->r->arena, type);
  tree->at = here(j);
  tree->flag = *text == 't';
  tree->raw = text;
  j->at += n;
  ends_here(j, &tree->at);
  return tree;
}

static struct tree *value(struct json *j) {
  space(j);
  if (j->at >= j->end) return stray(j);
  if (++j->r->events > (j->r->kind == READER_HAND_IN ? EVENTS_MAX : LAB_EVENTS_MAX)) {
    tree_put_int(j->r->arena, reader_note(j->r, "refuse", "yaml.large", NULL, NULL, NULL), "limit", EVENTS_MAX);
    j->refused = true;
    return NULL;
  }
  switch (*j->at) {
    case '{': return members(j, true);
    case '[': return members(j, false);
    case 't': return word(j, "true", TREE_BOOL);
    case 'f': return word(j, "false", TREE_BOOL);
    case 'n': return word(j, "null", TREE_NULL);
    case '"': {
      struct tree *tree = tree_new(j->r->arena, TREE_STRING);
      tree->at = here(j);
      tree->quoted = true;
      if (!string(j, &tree->text, &tree->length)) return NULL;
      ends_here(j, &tree->at);
      tree->raw = tree->text;
      struct tree *filled = reader_fill(j->r, tree->text, true);
      if (filled) {
        tree->type = filled->type;
        tree->flag = filled->flag;
        tree->text = filled->text;
        tree->length = filled->length;
      }
      return tree;
    }
    default: return *j->at == '-' || (*j->at >= '0' && *j->at <= '9') ? number(j) : stray(j);
  }
}

enum reader_json reader_json(struct reader *r, const struct reader_chunk *chunk, bool must, struct tree **out_list) {
  struct json j = {.r = r, .chunk = chunk, .at = chunk->text, .end = chunk->text + chunk->length, .line_start = chunk->text, .line = chunk->line, .must = must};
  struct tree *list = tree_new(r->arena, TREE_LIST), **tail = &list->child;
  int events = r->events, findings = r->findings;
  size_t reading = r->reading->count;
  for (;;) {
    space(&j);
    if (j.at >= j.end) break;
    j.doc++;
    if (*j.at != '{' && list->count) {                          /* text behind a whole value; `---` makes it YAML */
      bool marker = j.end - j.at >= 3 && !memcmp(j.at, "---", 3);
      if (!marker || must) refuse(&j, "file-json.left-over", NULL);
      break;
    }
    struct tree *next = value(&j);
    if (!next) break;
    *tail = next;
    tail = &next->next;
    list->count++;
  }
  if (j.refused) return READER_JSON_REFUSED;
  if (j.at < j.end) {
    r->events = events;
    r->findings = findings;
    struct tree **cut = &r->reading->child;
    for (r->reading->count = 0; r->reading->count < reading; r->reading->count++) cut = &(*cut)->next;
    *cut = NULL;
    return READER_NOT_JSON;
  }
  *out_list = list;
  return READER_JSON_OK;
}
