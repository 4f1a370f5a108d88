/* tree: one value type for JSON and YAML: null, bool, number (kept as text), string, list, map in document order.
 * Made by tree_parse (strict JSON: exact case, no duplicate keys, valid UTF-8, no NUL, depth <= 64, nothing left over) or by
 * check/worker/reader from YAML. Nodes live in the arena they were made in and are read-only afterwards for who did not make them. */
#ifndef MAKMAL_BASE_TREE_H
#define MAKMAL_BASE_TREE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena; struct buf; struct err;

enum tree_type { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_STRING, TREE_LIST, TREE_MAP };

struct tree_at { int file, doc, line, col, end_line, end_col; };    /* 1-based; line 0 = no place (live objects, set-up) */

struct tree {
  enum tree_type type;
  bool flag;                        /* TREE_BOOL */
  const char *text; size_t length;  /* TREE_STRING: the value; TREE_NUMBER: canonical text as in JSON */
  const char *raw;                  /* YAML: the scalar as written; else NULL */
  bool quoted;                      /* YAML: written with quotes or as a block scalar */
  const char *tag;                  /* YAML: explicit tag such as "!text", else NULL */
  struct tree_at at, key_at;        /* place of the value, and of its key when it stands in a map */
  const char *key;                  /* key in the parent map, else NULL */
  struct tree *child, *next;        /* first child; next sibling */
  size_t count;                     /* children */
};

/* JSON text to a tree. On failure err has code INVALID, key "json.…" and params line, col. depth_max 0 = 64. */
bool tree_parse(struct arena *arena, const char *json, size_t length, int depth_max, struct tree **out, struct err *err);
/* Canonical JSON: keys sorted by bytes, no spaces. Numbers as their text. */
void tree_write(struct buf *out, const struct tree *tree);
/* As tree_write, keys in document order. */
void tree_write_plain(struct buf *out, const struct tree *tree);

/* Look-ups are exact in case; NULL tree or missing key gives NULL / the fallback. */
struct tree *tree_get(const struct tree *map, const char *key);
struct tree *tree_at_index(const struct tree *list, size_t index);
/* Walks "a.b[0].c"; keys that hold dots cannot be named. */
struct tree *tree_path(const struct tree *root, const char *path);
const char *tree_text(const struct tree *map, const char *key);                 /* string value or NULL */
const char *tree_text_or(const struct tree *map, const char *key, const char *fallback);
int64_t tree_int(const struct tree *map, const char *key, int64_t fallback);    /* whole numbers only */
bool tree_flag(const struct tree *map, const char *key, bool fallback);
bool tree_is_int(const struct tree *number, int64_t *out);                      /* a TREE_NUMBER that is whole and fits */
bool tree_equal(const struct tree *a, const struct tree *b);

/* Building. All values are copied into the arena. Adding a key twice is a BUG. */
struct tree *tree_new(struct arena *arena, enum tree_type type);
struct tree *tree_string(struct arena *arena, const char *text);
struct tree *tree_number(struct arena *arena, int64_t value);
struct tree *tree_bool(struct arena *arena, bool value);
struct tree *tree_copy(struct arena *arena, const struct tree *tree);            /* deep, places included */
void tree_put(struct arena *arena, struct tree *map, const char *key, struct tree *value);   /* appends; the node is re-parented, not copied */
void tree_put_text(struct arena *arena, struct tree *map, const char *key, const char *text);/* NULL text puts null */
void tree_put_int(struct arena *arena, struct tree *map, const char *key, int64_t value);
void tree_put_bool(struct arena *arena, struct tree *map, const char *key, bool value);
void tree_set(struct arena *arena, struct tree *map, const char *key, struct tree *value);   /* replaces or appends */
bool tree_remove(struct tree *map, const char *key);
void tree_push(struct tree *list, struct tree *value);
#define TREE_EACH(item, parent) for (struct tree *item = (parent) ? (parent)->child : NULL; item; item = item->next)
#endif
