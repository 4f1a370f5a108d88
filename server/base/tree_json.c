/* tree_json: the strict JSON reader (RFC 8259): exact, no duplicate keys, valid UTF-8, no NUL, nothing left over, depth capped.
 * Numbers keep their text. Positions are lines and columns in code points, 1-based. Not recursive beyond the depth cap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/utf8.h"

#define DEPTH_MAX 64

struct reader { struct arena *arena; const char *start, *at, *end; int depth, depth_max; struct err *err; };

static void place(const struct reader *r, const char *where, int *line, int *col) {
  *line = 1;
  *col = 1;
  for (const char *s = r->start; s < where; s++) {
    if (*s == '\n') {
      ++*line;
      *col = 1;
    } else if (((unsigned char)*s & 0xC0) != 0x80) ++*col;
  }
}

static struct tree *fail(struct reader *r, const char *key) {
  int line, col;
  place(r, r->at, &line, &col);
  err_set(r->err, ERR_INVALID, key, "line %d column %d", line, col);
  err_param(r->err, "line", "%d", line);
  err_param(r->err, "col", "%d", col);
  return NULL;
}

static void space(struct reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool hex4(const char *s, unsigned *out) {
  unsigned v = 0;
  for (int i = 0; i < 4; i++) {
    char c = s[i];
    unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 16;
    if (d == 16) return false;
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

/* Reads the string at r->at (on its opening quote). */
static bool string(struct reader *r, const char **out, size_t *out_length) {
  const char *open = r->at++;
  const char *close = r->at;
  while (close < r->end && *close != '"') close += *close == '\\' && close + 1 < r->end ? 2 : 1;
  if (close >= r->end) {
    r->at = open;
    return fail(r, "json.string-end") != NULL;
  }
  char *text = arena_alloc(r->arena, (size_t)(close - r->at) + 1), *to = text;
  while (r->at < close) {
    unsigned char c = (unsigned char)*r->at;
    if (c < 0x20) return fail(r, "json.control") != NULL;
    if (c != '\\') { *to++ = *r->at++; continue; }
    char e = r->at[1];
    if (e == 'u') {
      unsigned v, low;
      if (close - r->at < 6 || !hex4(r->at + 2, &v)) return fail(r, "json.escape") != NULL;
      if (v == 0) return fail(r, "json.nul") != NULL;
      if (v >= 0xD800 && v < 0xE000) {
        if (v >= 0xDC00 || close - r->at < 12 || r->at[6] != '\\' || r->at[7] != 'u' || !hex4(r->at + 8, &low) || low < 0xDC00 || low >= 0xE000)
          return fail(r, "json.surrogate") != NULL;
        v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
        r->at += 6;
      }
      r->at += 6;
      to = put_utf8(to, v);
      continue;
    }
    if (!e || !strchr("\"\\/bfnrt", e)) return fail(r, "json.escape") != NULL;
    *to++ = e == 'b' ? '\b' : e == 'f' ? '\f' : e == 'n' ? '\n' : e == 'r' ? '\r' : e == 't' ? '\t' : e;
    r->at += 2;
  }
  *to = 0;
  *out = text;
  *out_length = (size_t)(to - text);
  r->at = close + 1;
  return true;
}

static struct tree *number(struct reader *r) {
  const char *s = r->at;
  if (s < r->end && *s == '-') s++;
  const char *digits = s;
  while (s < r->end && *s >= '0' && *s <= '9') s++;
  if (s == digits || (*digits == '0' && s - digits > 1)) return fail(r, "json.number");
  if (s < r->end && *s == '.') {
    const char *fraction = ++s;
    while (s < r->end && *s >= '0' && *s <= '9') s++;
    if (s == fraction) return fail(r, "json.number");
  }
  if (s < r->end && (*s == 'e' || *s == 'E')) {
    s++;
    if (s < r->end && (*s == '+' || *s == '-')) s++;
    const char *exponent = s;
    while (s < r->end && *s >= '0' && *s <= '9') s++;
    if (s == exponent) return fail(r, "json.number");
  }
  struct tree *tree = tree_new(r->arena, TREE_NUMBER);
  tree->length = (size_t)(s - r->at);
  tree->text = arena_strn(r->arena, r->at, tree->length);
  r->at = s;
  return tree;
}

/* Keys of one map by hash, once there are more than a few: a body of a hundred thousand keys must not cost their square. */
struct keys { struct tree **slot; size_t room; };

static size_t hash(const char *s) {
  size_t h = 1469598103934665603u;
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h;
}

static void note(struct keys *keys, struct tree *item) {
  size_t i = hash(item->key) & (keys->room - 1);
  while (keys->slot[i]) i = (i + 1) & (keys->room - 1);
  keys->slot[i] = item;
}

static bool is_there(struct reader *r, struct keys *keys, const struct tree *map, const char *key) {
  if (map->count < 16) return tree_get(map, key) != NULL;
  if ((map->count + 1) * 2 > keys->room) {
    keys->room = keys->room ? keys->room * 4 : 64;
    keys->slot = arena_alloc(r->arena, keys->room * sizeof *keys->slot);
    TREE_EACH(item, map) note(keys, item);
  }
  for (size_t i = hash(key) & (keys->room - 1); keys->slot[i]; i = (i + 1) & (keys->room - 1)) if (!strcmp(keys->slot[i]->key, key)) return true;
  return false;
}

static struct tree *value(struct reader *r);

static struct tree *members(struct reader *r, bool map) {
  struct tree *tree = tree_new(r->arena, map ? TREE_MAP : TREE_LIST), **end = &tree->child;
  struct keys keys = {0};
  char closing = map ? '}' : ']';
  if (++r->depth > r->depth_max) return fail(r, "json.depth");
  r->at++;
  space(r);
  if (r->at < r->end && *r->at == closing) {
    r->at++;
    r->depth--;
    return tree;
  }
  for (;;) {
    const char *key = NULL;
    size_t key_length = 0;
    space(r);
    if (map) {
      if (r->at >= r->end || *r->at != '"') return fail(r, "json.key");
      const char *where = r->at;
      if (!string(r, &key, &key_length)) return NULL;
      if (is_there(r, &keys, tree, key)) {
        r->at = where;
        fail(r, "json.duplicate-key");
        err_param(r->err, "name", "%s", key);
        return NULL;
      }
      space(r);
      if (r->at >= r->end || *r->at != ':') return fail(r, "json.colon");
      r->at++;
    }
    struct tree *item = value(r);
    if (!item) return NULL;
    item->key = key;
    *end = item;
    end = &item->next;
    tree->count++;
    if (map && keys.slot) note(&keys, item);
    space(r);
    if (r->at >= r->end) return fail(r, "json.end");
    if (*r->at == ',') { r->at++; continue; }
    if (*r->at != closing) return fail(r, "json.comma");
    r->at++;
    r->depth--;
    return tree;
  }
}

static struct tree *value(struct reader *r) {
  space(r);
  if (r->at >= r->end) return fail(r, "json.end");
  size_t left = (size_t)(r->end - r->at);
  switch (*r->at) {
    case '{': return members(r, true);
    case '[': return members(r, false);
    case '"': {
      struct tree *tree = tree_new(r->arena, TREE_STRING);
      return string(r, &tree->text, &tree->length) ? tree : NULL;
    }
    case 't': if (left >= 4 && !memcmp(r->at, "true", 4)) { r->at += 4; return tree_bool(r->arena, true); } break;
    case 'f': if (left >= 5 && !memcmp(r->at, "false", 5)) { r->at += 5; return tree_bool(r->arena, false); } break;
    case 'n': if (left >= 4 && !memcmp(r->at, "null", 4)) { r->at += 4; return tree_new(r->arena, TREE_NULL); } break;
    default: if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9')) return number(r);
  }
  return fail(r, "json.value");
}

bool tree_parse(struct arena *arena, const char *json, size_t length, int depth_max, struct tree **out, struct err *err) {
  struct err unused;
  struct reader r = {arena, json, json, json + length, 0, depth_max > 0 ? depth_max : DEPTH_MAX, err ? err : &unused};
  const char *nul = memchr(json, 0, length);
  if (nul) {
    r.at = nul;
    return fail(&r, "json.nul") != NULL;
  }
  if (!utf8_valid(json, length)) return fail(&r, "json.utf8") != NULL;
  struct tree *tree = value(&r);
  if (!tree) return false;
  space(&r);
  if (r.at != r.end) return fail(&r, "json.left-over") != NULL;
  *out = tree;
  return true;
}
