/* check_pack: the second half of check_wire: trees with places as compact bytes, and back. One node = a byte of type and flags, a byte of what follows,
 * then varints and texts, its children behind it. The reading side is the server's and trusts nothing. No state. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "check/check_wire.h"

#define DEPTH_MAX 80              /* the reader's 64, and the lists and maps around it */
#define NODES_MAX 400000          /* two bytes can make a node of 170: without a cap 17 MiB would be 1.4 GiB */

enum { FLAG = 8, QUOTED = 16, TAG = 32, KEY = 64, RAW = 128 };             /* first byte, above the type */
enum { AT = 1, KEY_AT = 2, RAW_IS_TEXT = 4 };                              /* second byte */

static void put_number(struct buf *out, uint64_t v) {
  while (v >= 128) {
    buf_char(out, (char)((v & 127) | 128));
    v >>= 7;
  }
  buf_char(out, (char)v);
}

static void put_text(struct buf *out, const char *text, size_t length) {
  put_number(out, length);
  buf_add(out, text, length);
}

static void put_place(struct buf *out, const struct tree_at *at) {
  const int part[] = {at->file, at->doc, at->line, at->col, at->end_line - at->line, at->end_col};
  for (int i = 0; i < 6; i++) put_number(out, part[i] < 0 ? 0 : (uint64_t)part[i]);
}

void wire_pack(struct buf *out, const struct tree *tree) {
  bool text = tree->type == TREE_NUMBER || tree->type == TREE_STRING;
  bool raw_is_text = tree->raw && text && strlen(tree->raw) == tree->length && !memcmp(tree->raw, tree->text, tree->length);
  buf_char(out, (char)((int)tree->type | (tree->flag ? FLAG : 0) | (tree->quoted ? QUOTED : 0) | (tree->tag ? TAG : 0) | (tree->key ? KEY : 0) |
                       (tree->raw && !raw_is_text ? RAW : 0)));
  buf_char(out, (char)((tree->at.line ? AT : 0) | (tree->key_at.line ? KEY_AT : 0) | (raw_is_text ? RAW_IS_TEXT : 0)));
  if (tree->at.line) put_place(out, &tree->at);
  if (tree->key_at.line) put_place(out, &tree->key_at);
  if (tree->key) put_text(out, tree->key, strlen(tree->key));
  if (tree->tag) put_text(out, tree->tag, strlen(tree->tag));
  if (text) put_text(out, tree->text, tree->length);
  if (tree->raw && !raw_is_text) put_text(out, tree->raw, strlen(tree->raw));
  if (tree->type != TREE_LIST && tree->type != TREE_MAP) return;
  put_number(out, tree->count);
  TREE_EACH(item, tree) wire_pack(out, item);
}

/* --- and back ------------------------------------------------------------------------------------------------------------- */

struct unpacker { struct arena *arena; const unsigned char *at, *end; int nodes; };

static bool get_number(struct unpacker *u, uint64_t most, uint64_t *out) {
  uint64_t v = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    if (u->at >= u->end) return false;
    unsigned char b = *u->at++;
    v |= (uint64_t)(b & 127) << shift;
    if (b < 128) {
      *out = v;
      return v <= most;
    }
  }
  return false;
}

static bool get_text(struct unpacker *u, const char **out, size_t *out_length) {
  uint64_t length;
  if (!get_number(u, (uint64_t)(u->end - u->at), &length) || (uint64_t)(u->end - u->at) < length) return false;
  if (memchr(u->at, 0, length) || !utf8_valid((const char *)u->at, length)) return false;
  *out = arena_strn(u->arena, (const char *)u->at, length);
  if (out_length) *out_length = length;
  u->at += length;
  return true;
}

static bool get_place(struct unpacker *u, struct tree_at *out) {
  int part[6];
  for (int i = 0; i < 6; i++) {
    uint64_t v;
    if (!get_number(u, 1u << 29, &v)) return false;
    part[i] = (int)v;
  }
  *out = (struct tree_at){part[0], part[1], part[2], part[3], part[2] + part[4], part[5]};
  return true;
}

static bool is_json_number(const char *s) {
  if (*s == '-') s++;
  const char *digits = s;
  while (*s >= '0' && *s <= '9') s++;
  if (s == digits || (*digits == '0' && s - digits > 1)) return false;
  if (*s == '.') {
    const char *fraction = ++s;
    while (*s >= '0' && *s <= '9') s++;
    if (s == fraction) return false;
  }
  if (*s == 'e' || *s == 'E') {
    s++;
    if (*s == '+' || *s == '-') s++;
    const char *exponent = s;
    while (*s >= '0' && *s <= '9') s++;
    if (s == exponent) return false;
  }
  return !*s;
}

static struct tree *unpack(struct unpacker *u, int depth) {
  if (depth > DEPTH_MAX || ++u->nodes > NODES_MAX || u->end - u->at < 2) return NULL;
  unsigned first = *u->at++, second = *u->at++;
  if ((first & 7) > TREE_MAP || second > (AT | KEY_AT | RAW_IS_TEXT)) return NULL;
  struct tree *tree = tree_new(u->arena, (enum tree_type)(first & 7));
  tree->flag = first & FLAG;
  tree->quoted = first & QUOTED;
  if (second & AT && !get_place(u, &tree->at)) return NULL;
  if (second & KEY_AT && !get_place(u, &tree->key_at)) return NULL;
  if (first & KEY && !get_text(u, &tree->key, NULL)) return NULL;
  if (first & TAG && !get_text(u, &tree->tag, NULL)) return NULL;
  if (tree->type == TREE_NUMBER || tree->type == TREE_STRING) {
    if (!get_text(u, &tree->text, &tree->length)) return NULL;
    if (tree->type == TREE_NUMBER && !is_json_number(tree->text)) return NULL;
  }
  if (first & RAW && !get_text(u, &tree->raw, NULL)) return NULL;
  if (second & RAW_IS_TEXT) tree->raw = tree->text;
  if (tree->type != TREE_LIST && tree->type != TREE_MAP) return tree;
  uint64_t count;
  if (!get_number(u, (uint64_t)(u->end - u->at) / 2, &count)) return NULL;
  struct tree **end = &tree->child;
  for (; tree->count < count; tree->count++) {
    *end = unpack(u, depth + 1);
    if (!*end || (tree->type == TREE_MAP) != ((*end)->key != NULL)) return NULL;
    end = &(*end)->next;
  }
  return tree;
}

bool wire_unpack(struct arena *arena, const char *bytes, size_t length, struct tree **out) {
  struct unpacker u = {arena, (const unsigned char *)bytes, (const unsigned char *)bytes + length, 0};
  struct tree *tree = unpack(&u, 0);
  if (!tree || u.at != u.end) return false;
  *out = tree;
  return true;
}
