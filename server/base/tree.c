/* tree: building, looking up, writing. Reading JSON is in tree_json.c. No state; a tree belongs to its arena. */
#include "base/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct tree *tree_new(struct arena *arena, enum tree_type type) {
  struct tree *tree = arena_alloc(arena, sizeof *tree);
  tree->type = type;
  return tree;
}

struct tree *tree_string(struct arena *arena, const char *text) {
  struct tree *tree = tree_new(arena, text ? TREE_STRING : TREE_NULL);
  tree->text = arena_str(arena, text);
  tree->length = text ? strlen(text) : 0;
  return tree;
}

struct tree *tree_number(struct arena *arena, int64_t value) {
  struct tree *tree = tree_new(arena, TREE_NUMBER);
  tree->text = arena_printf(arena, "%lld", (long long)value);
  tree->length = strlen(tree->text);
  return tree;
}

struct tree *tree_bool(struct arena *arena, bool value) {
  struct tree *tree = tree_new(arena, TREE_BOOL);
  tree->flag = value;
  return tree;
}

/* Walks to the end: large lists are built by the readers, which link by themselves. */
static void append(struct tree *parent, struct tree *value) {
  value->next = NULL;
  struct tree **end = &parent->child;
  while (*end) end = &(*end)->next;
  *end = value;
  parent->count++;
}

void tree_push(struct tree *list, struct tree *value) {
  value->key = NULL;
  append(list, value);
}

void tree_put(struct arena *arena, struct tree *map, const char *key, struct tree *value) {
  if (tree_get(map, key)) {
    BUG("key put twice: %s", key);
    return;
  }
  value->key = arena_str(arena, key);
  append(map, value);
}

void tree_put_text(struct arena *arena, struct tree *map, const char *key, const char *text) { tree_put(arena, map, key, tree_string(arena, text)); }
void tree_put_int(struct arena *arena, struct tree *map, const char *key, int64_t value) { tree_put(arena, map, key, tree_number(arena, value)); }
void tree_put_bool(struct arena *arena, struct tree *map, const char *key, bool value) { tree_put(arena, map, key, tree_bool(arena, value)); }

void tree_set(struct arena *arena, struct tree *map, const char *key, struct tree *value) {
  for (struct tree **at = &map->child; *at; at = &(*at)->next) {
    if (!(*at)->key || strcmp((*at)->key, key)) continue;
    value->key = arena_str(arena, key);
    value->next = (*at)->next;
    *at = value;
    return;
  }
  tree_put(arena, map, key, value);
}

bool tree_remove(struct tree *map, const char *key) {
  for (struct tree **at = &map->child; *at; at = &(*at)->next) {
    if (!(*at)->key || strcmp((*at)->key, key)) continue;
    *at = (*at)->next;
    map->count--;
    return true;
  }
  return false;
}

struct tree *tree_copy(struct arena *arena, const struct tree *tree) {
  if (!tree) return NULL;
  struct tree *copy = arena_dup(arena, tree, sizeof *tree);
  copy->text = tree->text ? arena_strn(arena, tree->text, tree->length) : NULL;
  copy->raw = arena_str(arena, tree->raw);
  copy->tag = arena_str(arena, tree->tag);
  copy->key = arena_str(arena, tree->key);
  copy->next = NULL;
  struct tree **end = &copy->child;
  *end = NULL;
  TREE_EACH(item, tree) {
    *end = tree_copy(arena, item);
    end = &(*end)->next;
  }
  return copy;
}

struct tree *tree_get(const struct tree *map, const char *key) {
  if (!map || map->type != TREE_MAP) return NULL;
  TREE_EACH(item, map) if (item->key && !strcmp(item->key, key)) return item;
  return NULL;
}

struct tree *tree_at_index(const struct tree *list, size_t index) {
  if (!list || list->type != TREE_LIST) return NULL;
  TREE_EACH(item, list) if (index-- == 0) return item;
  return NULL;
}

struct tree *tree_path(const struct tree *root, const char *path) {
  const struct tree *node = root;
  while (node && *path) {
    if (*path == '[') {
      char *end;
      node = tree_at_index(node, strtoul(path + 1, &end, 10));
      path = *end == ']' ? end + 1 : end;
    } else {
      char key[128];
      size_t n = strcspn(path, ".[");
      if (n >= sizeof key) return NULL;
      memcpy(key, path, n);
      key[n] = 0;
      node = tree_get(node, key);
      path += n;
    }
    if (*path == '.') path++;
  }
  return (struct tree *)node;
}

const char *tree_text(const struct tree *map, const char *key) {
  struct tree *item = tree_get(map, key);
  return item && item->type == TREE_STRING ? item->text : NULL;
}

const char *tree_text_or(const struct tree *map, const char *key, const char *fallback) {
  const char *text = tree_text(map, key);
  return text ? text : fallback;
}

bool tree_is_int(const struct tree *number, int64_t *out) {
  if (!number || number->type != TREE_NUMBER) return false;
  char *end;
  errno = 0;
  long long value = strtoll(number->text, &end, 10);
  if (errno || end == number->text || *end) return false;
  if (out) *out = value;
  return true;
}

int64_t tree_int(const struct tree *map, const char *key, int64_t fallback) {
  int64_t value;
  return tree_is_int(tree_get(map, key), &value) ? value : fallback;
}

bool tree_flag(const struct tree *map, const char *key, bool fallback) {
  struct tree *item = tree_get(map, key);
  return item && item->type == TREE_BOOL ? item->flag : fallback;
}

bool tree_equal(const struct tree *a, const struct tree *b) {
  if (!a || !b) return a == b;
  if (a->type != b->type) return false;
  switch (a->type) {
    case TREE_NULL: return true;
    case TREE_BOOL: return a->flag == b->flag;
    case TREE_NUMBER:
    case TREE_STRING: return a->length == b->length && !memcmp(a->text, b->text, a->length);
    case TREE_LIST: {
      const struct tree *y = b->child;
      TREE_EACH(x, a) {
        if (!y || !tree_equal(x, y)) return false;
        y = y->next;
      }
      return !y;
    }
    case TREE_MAP:
      if (a->count != b->count) return false;
      TREE_EACH(x, a) if (!tree_equal(x, tree_get(b, x->key))) return false;
      return true;
  }
  return false;
}

static int by_key(const void *a, const void *b) { return strcmp((*(struct tree *const *)a)->key, (*(struct tree *const *)b)->key); }

static void write_map(struct buf *out, const struct tree *map, bool sorted);

static void write_any(struct buf *out, const struct tree *tree, bool sorted) {
  switch (tree ? tree->type : TREE_NULL) {
    case TREE_NULL: buf_str(out, "null"); return;
    case TREE_BOOL: buf_str(out, tree->flag ? "true" : "false"); return;
    case TREE_NUMBER: buf_add(out, tree->text, tree->length); return;
    case TREE_STRING: buf_json_n(out, tree->text, tree->length); return;
    case TREE_LIST:
      buf_char(out, '[');
      TREE_EACH(item, tree) {
        if (item != tree->child) buf_char(out, ',');
        write_any(out, item, sorted);
      }
      buf_char(out, ']');
      return;
    case TREE_MAP: write_map(out, tree, sorted); return;
  }
}

static void write_map(struct buf *out, const struct tree *map, bool sorted) {
  struct tree *few[32], **items = few;
  if (map->count > 32 && !(items = malloc(map->count * sizeof *items))) abort();
  size_t n = 0;
  TREE_EACH(item, map) items[n++] = item;
  if (sorted) qsort(items, n, sizeof *items, by_key);
  buf_char(out, '{');
  for (size_t i = 0; i < n; i++) {
    if (i) buf_char(out, ',');
    buf_json(out, items[i]->key);
    buf_char(out, ':');
    write_any(out, items[i], sorted);
  }
  buf_char(out, '}');
  if (items != few) free(items);
}

void tree_write(struct buf *out, const struct tree *tree) { write_any(out, tree, true); }
void tree_write_plain(struct buf *out, const struct tree *tree) { write_any(out, tree, false); }
