/* reader_yaml: one YAML document from libyaml's events to a tree with places. Depth, events, anchors and expanded nodes are counted while the events
 * come, so that a bomb ends before it costs anything: libyaml itself is quadratic in nesting, and expands no alias. Merge keys, keys that become
 * text, and plain scalars go as kubectl has them. No state outlives the call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "check/check_wire.h"
#include "check/worker/reader.h"
#include "check/worker/scalar.h"

#define EVENTS_MAX 50000
#define NODES_MAX 100000
#define LAB_EVENTS_MAX 400000

#define CORE "tag:yaml.org,2002:"

/* A node while it is built: what an alias of it would cost is known without a walk. */
struct built { struct tree tree; bool merged; int height, size; struct tree_at alias_at; };
struct frame {
  struct built *node, *key;               /* key: read, its value comes next */
  struct tree **tail;
  const struct tree **slot; size_t room;  /* keys seen, by hash */
  bool flow, merge_key, merge_seen;
  int anchor;                             /* index + 1 */
};
struct anchor { const char *name; struct built *node; bool open; };
struct builder {
  struct reader *r;
  const struct reader_chunk *chunk;
  yaml_parser_t parser;
  struct frame frame[READER_DEPTH_MAX + 1]; int depth;
  struct anchor anchor[READER_ALIASES_MAX + 1]; int anchors, aliases;
  struct built *root;
  const char **line; int lines;           /* starts of lines, made when first asked for */
};

static struct tree_at place(const struct builder *b, yaml_mark_t start, yaml_mark_t end) {
  int base = b->chunk->line;
  return (struct tree_at){b->chunk->file, b->chunk->doc, base + (int)start.line, (int)start.column + 1, base + (int)end.line, (int)end.column + 1};
}

static struct tree *refuse(struct builder *b, const char *key, const struct tree_at *at, const char *node) {
  char path[512];
  struct buf text;
  buf_init(&text, sizeof path - 1);
  for (int i = 0; i < b->depth; i++) {                        /* where we stand, as a path */
    const struct frame *f = &b->frame[i];
    if (f->node->tree.type == TREE_LIST) buf_printf(&text, "[%zu]", f->node->tree.count);
    else if (f->key && f->key->tree.text) buf_printf(&text, "%s%s", text.len ? "." : "", f->key->tree.text);
  }
  snprintf(path, sizeof path, "%s", text.data);
  buf_release(&text);
  return reader_note(b->r, "refuse", key, path, at, node);
}

/* --- what libyaml says, in our words ---------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word) { return text && strstr(text, word); }

/* The byte at a mark: marks count code points from the start of the chunk. */
static const char *at_mark(const struct builder *b, yaml_mark_t mark) {
  const char *s = b->chunk->text, *end = s + b->chunk->length;
  for (size_t i = 0; i < mark.index && s < end; i++) {
    s++;
    while (s < end && ((unsigned char)*s & 0xC0) == 0x80) s++;
  }
  return s;
}

static bool half_a_pair(const char *s, const char *end) {
  return end - s >= 6 && s[0] == '\\' && (s[1] | 32) == 'u' && (s[2] | 32) == 'd' && strchr("89abcdefABCDEF", s[3]);
}

static void syntax(struct builder *b) {
  const yaml_parser_t *p = &b->parser;
  static const struct { const char *problem, *context, *key; } rows[] = {
    {"tab character", NULL, "yaml.tab"},
    {"cannot start any token", NULL, "yaml.character"},
    {"mapping values are not allowed", NULL, "yaml.colon"},
    {"could not find expected ':'", NULL, "yaml.no-colon"},
    {"mapping keys are not allowed", NULL, "yaml.colon"},
    {"block sequence entries are not allowed", NULL, "yaml.dash"},
    {"did not find expected key", NULL, "yaml.indent"},
    {"did not find expected '-' indicator", NULL, "yaml.indent"},
    {"did not find expected ',' or ']'", NULL, "yaml.bracket"},
    {"did not find expected ',' or '}'", NULL, "yaml.bracket"},
    {"did not find expected node content", "flow node", "yaml.bracket"},
    {"unexpected end of stream", "quoted scalar", "yaml.quote"},
    {"unexpected document indicator", "quoted scalar", "yaml.quote"},
    {"invalid Unicode character escape", NULL, "yaml.escape"},
    {"unknown escape character", NULL, "yaml.escape"},
    {"hexdecimal", NULL, "yaml.escape"},
    {"undefined tag handle", NULL, "yaml.tag"},
    {"", "scanning a tag", "yaml.tag"}, {"", "parsing a tag", "yaml.tag"}, {"", "scanning an alias", "yaml.alias"}, {"", "scanning an anchor", "yaml.alias"},
    {"", "block scalar", "yaml.block"},
    {"", "directive", "yaml.directive"},
    {"expected <document start>", NULL, "yaml.two-values"},
  };
  yaml_mark_t mark = p->problem_mark;
  const char *where = at_mark(b, mark), *end = b->chunk->text + b->chunk->length, *key = "yaml.syntax";
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (!has_word(p->problem, rows[i].problem) || (rows[i].context && !has_word(p->context, rows[i].context))) continue;
    key = rows[i].key;
    break;
  }
  if (where < end && *where == '\t' && (!strcmp(key, "yaml.character") || !strcmp(key, "yaml.indent"))) key = "yaml.tab";
  if (where < end && *where == ':' && !strcmp(key, "yaml.indent")) key = "yaml.key-null";
  if (where < end && *where == '%' && strcmp(key, "yaml.tab")) key = "yaml.directive";
  if (!strcmp(key, "yaml.escape")) {                          /* libyaml points behind the backslash */
    const char *back = where;
    while (back > b->chunk->text && *back != '\\' && where - back < 10) back--;
    if (*back == '\\') mark.column -= (size_t)(where - back);
    if (half_a_pair(back, end)) key = "yaml.surrogate";
  }
  if ((!strcmp(key, "yaml.quote") || !strcmp(key, "yaml.no-colon")) && p->context) mark = p->context_mark;   /* where it began is what one looks for */
  struct tree_at at = place(b, mark, mark);
  at.end_col++;
  struct tree *params = reader_note(b->r, "refuse", key, NULL, &at, "value");
  tree_put_int(b->r->arena, params, "line", at.line);
  tree_put_int(b->r->arena, params, "col", at.col);
  if (!strcmp(key, "yaml.character") && where < end) tree_put(b->r->arena, params, "character", tree_string(b->r->arena, arena_strn(b->r->arena, where, 1)));
  if (p->context && p->context_mark.line != mark.line) tree_put_int(b->r->arena, params, "begun", b->chunk->line + (int)p->context_mark.line);
}

/* --- places ----------------------------------------------------------------------------------------------------------------- */

static void find_lines(struct builder *b) {
  const char *s = b->chunk->text, *end = s + b->chunk->length;
  int count = 2;
  for (const char *t = s; t < end; t++) if (*t == '\n' || *t == '\r' || *t == '\xC2' || *t == '\xE2') count++;
  b->line = arena_alloc(b->r->arena, (size_t)count * sizeof *b->line);
  b->line[b->lines++] = s;
  while (s < end) {                                            /* line breaks as libyaml counts them */
    if (*s == '\r' && s[1] == '\n') s += 2;
    else if (*s == '\n' || *s == '\r') s++;
    else if (s[0] == '\xC2' && s[1] == '\x85') s += 2;
    else if (s[0] == '\xE2' && s[1] == '\x80' && (s[2] == '\xA8' || s[2] == '\xA9')) s += 3;
    else {
      s++;
      continue;
    }
    b->line[b->lines++] = s;
  }
  b->line[b->lines] = end;
}

/* libyaml ends a block scalar at the start of a later line: the end is put behind its last letter. */
static void end_of_block(struct builder *b, yaml_mark_t end, struct tree_at *at) {
  if (!b->line) find_lines(b);
  int first = at->line - b->chunk->line, line = (int)end.line;
  if (line >= b->lines || end.column == 0) line--;
  for (; line > first && line < b->lines; line--) {
    const char *s = b->line[line], *stop = b->line[line + 1];
    while (stop > s && strchr(" \t\r\n", stop[-1])) stop--;
    if (stop == s) continue;
    at->end_line = b->chunk->line + line;
    at->end_col = 1;
    for (; s < stop; s++) if (((unsigned char)*s & 0xC0) != 0x80) at->end_col++;
    return;
  }
  at->end_line = at->line;
  at->end_col = at->col + 1;
}

/* --- scalars ---------------------------------------------------------------------------------------------------------------- */

static struct built *new_node(struct builder *b, enum tree_type type, const struct tree_at *at) {
  struct built *node = arena_alloc(b->r->arena, sizeof *node);
  node->tree.type = type;
  node->tree.at = *at;
  node->height = node->size = 1;
  return node;
}

static bool spend_nodes(struct builder *b, int nodes, const struct tree_at *at) {
  b->r->nodes += nodes;
  if (b->r->nodes <= (b->r->kind == READER_HAND_IN ? NODES_MAX : LAB_EVENTS_MAX)) return true;
  tree_put_int(b->r->arena, refuse(b, "yaml.expanded", at, NULL), "limit", NODES_MAX);
  return false;
}

static bool tag_refused(struct builder *b, const char *tag, const struct tree_at *at) {
  reader_param(b->r, refuse(b, "yaml.tag", at, NULL), "tag", tag);
  return false;
}

static const char *type_word(const struct tree *t) {
  return t->type == TREE_BOOL ? "bool" : t->type == TREE_NULL ? "null" : t->type == TREE_NUMBER ? (strpbrk(t->text, ".eE") ? "float" : "int") : "str";
}

static bool binary(struct builder *b, struct built *node, const char *text, size_t length) {
  char *bytes = arena_alloc(b->r->arena, length + 4);
  size_t got;
  if (!secret_base64_decode(text, length, bytes, length + 3, &got)) return refuse(b, "yaml.binary", &node->tree.at, NULL) == NULL;
  bytes[got] = 0;
  if (memchr(bytes, 0, got) || !utf8_valid(bytes, got)) return refuse(b, memchr(bytes, 0, got) ? "text.nul" : "text.utf8", &node->tree.at, NULL) == NULL;
  node->tree.type = TREE_STRING;
  node->tree.text = bytes;
  node->tree.length = got;
  return true;
}

/* What the scalar is: by its tag, its quotes, or its letters. */
static bool resolve(struct builder *b, struct built *node, const char *tag, const char *text, size_t length, bool plain) {
  struct tree *t = &node->tree;
  enum scalar_note note = SCALAR_FINE;
  bool typed = true;
  t->type = TREE_STRING;
  t->text = text;
  t->length = length;
  if (tag && !strncmp(tag, CORE, strlen(CORE))) {
    const char *core = tag + strlen(CORE);
    if (!strcmp(core, "str") || !strcmp(core, "timestamp")) typed = strcmp(core, "str");
    else if (!strcmp(core, "binary")) return binary(b, node, text, length);
    else if (!strcmp(core, "int") || !strcmp(core, "float") || !strcmp(core, "bool") || !strcmp(core, "null")) {
      note = scalar_resolve(b->r->arena, text, length, t);
      const char *is = type_word(t);
      if (strcmp(is, core) && !(!strcmp(core, "float") && !strcmp(is, "int"))) {
        struct tree *params = refuse(b, "yaml.tag-lies", &t->at, NULL);
        reader_param(b->r, params, "tag", core);
        reader_param(b->r, params, "text", text);
        return false;
      }
    } else return tag_refused(b, arena_printf(b->r->arena, "!!%s", core), &t->at);
  } else if (tag && *tag == '!' && tag[1]) {
    bool text_only = !strcmp(tag, "!text");
    if (b->r->kind == READER_HAND_IN || (b->r->kind == READER_OBJECTS && !text_only)) return tag_refused(b, tag, &t->at);
    t->tag = arena_str(b->r->arena, tag);
    typed = !text_only;
    if (plain && !text_only) note = scalar_resolve(b->r->arena, text, length, t);
  } else if (tag && strcmp(tag, "!")) return tag_refused(b, tag, &t->at);
  else if (!tag && plain) note = scalar_resolve(b->r->arena, text, length, t);
  if (note == SCALAR_NOT_FINITE) {
    reader_param(b->r, refuse(b, "yaml.not-finite", &t->at, NULL), "text", text);
    return false;
  }
  if (note == SCALAR_LOSES_DIGITS) {
    struct tree *params = reader_note(b->r, "warn", "number.digits", NULL, &t->at, NULL);
    reader_param(b->r, params, "text", text);
    reader_param(b->r, params, "read_as", t->text);
  }
  struct tree *filled = t->type == TREE_STRING ? reader_fill(b->r, t->text, typed) : NULL;
  if (filled) {
    t->type = filled->type;
    t->flag = filled->flag;
    t->text = filled->text;
    t->length = filled->length;
  }
  return true;
}

/* --- putting nodes together ------------------------------------------------------------------------------------------------- */

static size_t hash(const char *s) {
  size_t h = 1469598103934665603u;
  for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return h;
}

static void index_key(struct frame *f, const struct tree *entry) {
  size_t i = hash(entry->key) & (f->room - 1);
  while (f->slot[i] && strcmp(f->slot[i]->key, entry->key)) i = (i + 1) & (f->room - 1);
  f->slot[i] = entry;
}

static struct built *find_key(struct builder *b, struct frame *f, const char *key) {
  const struct tree *map = &f->node->tree;
  if (map->count < 12) return (struct built *)tree_get(map, key);
  if ((map->count + 1) * 2 > f->room) {
    f->room = f->room ? f->room * 4 : 64;
    f->slot = arena_alloc(b->r->arena, f->room * sizeof *f->slot);
    TREE_EACH(item, map) index_key(f, item);
  }
  for (size_t i = hash(key) & (f->room - 1); f->slot[i]; i = (i + 1) & (f->room - 1)) if (!strcmp(f->slot[i]->key, key)) return (struct built *)f->slot[i];
  return NULL;
}

static void grow(struct frame *f, const struct built *child) {
  f->node->size += child->size;
  if (child->height + 1 > f->node->height) f->node->height = child->height + 1;
}

static void add_entry(struct builder *b, struct frame *f, struct built *value) {
  (void)b;
  *f->tail = &value->tree;
  f->tail = &value->tree.next;
  f->node->tree.count++;
  if (f->slot) index_key(f, &value->tree);
  grow(f, value);
}

/* `value` takes the place of `old`, which has the same key. */
static void replace_entry(struct frame *f, struct built *old, struct built *value) {
  const char *key = old->tree.key;
  struct tree *next = old->tree.next;
  struct tree **link = &f->node->tree.child;
  while (*link != &old->tree) link = &(*link)->next;
  *link = &value->tree;
  value->tree.next = next;
  value->tree.key = key;
  if (f->tail == &old->tree.next) f->tail = &value->tree.next;
  if (f->slot) index_key(f, &value->tree);
  grow(f, value);
}

static struct built *copy(struct builder *b, const struct tree *tree, const struct tree_at *at) {
  struct built *node = arena_dup(b->r->arena, tree, sizeof(struct built));
  node->tree.next = NULL;
  node->tree.at = *at;
  if (node->tree.key) node->tree.key_at = *at;
  struct tree **tail = &node->tree.child;
  *tail = NULL;
  TREE_EACH(item, tree) {
    *tail = &copy(b, item, at)->tree;
    tail = &(*tail)->next;
  }
  return node;
}

/* Own keys above the merge lose, merged ones among each other: the earlier wins (so the list is walked from its end). */
static bool merge_one(struct builder *b, struct frame *f, const struct tree *map, const struct tree_at *at) {
  TREE_EACH(item, map) {
    struct built *old = find_key(b, f, item->key);
    if (!spend_nodes(b, ((const struct built *)item)->size, at)) return false;
    struct built *value = copy(b, item, at);
    value->merged = true;
    if (!old) {
      add_entry(b, f, value);
      continue;
    }
    if (!old->merged) {
      struct tree *params = reader_note(b->r, "warn", "yaml.merge-lost", NULL, &old->tree.key_at, "key");
      reader_param(b->r, params, "name", item->key);
      tree_put_int(b->r->arena, params, "merge_line", at->line);
    }
    replace_entry(f, old, value);
  }
  return true;
}

static bool merge(struct builder *b, struct frame *f, struct built *value, const struct tree_at *key_at) {
  const struct tree *t = &value->tree;
  if (t->type == TREE_MAP) return merge_one(b, f, t, &t->at);
  if (t->type != TREE_LIST) return refuse(b, "yaml.merge-not-map", &t->at, NULL) == NULL;
  const struct tree *item[READER_ALIASES_MAX + 1];
  size_t n = 0;
  TREE_EACH(map, t) {
    if (map->type != TREE_MAP || n > READER_ALIASES_MAX) return refuse(b, "yaml.merge-not-map", &map->at, NULL) == NULL;
    item[n++] = map;
  }
  while (n-- > 0) if (!merge_one(b, f, item[n], key_at)) return false;
  return true;
}

static bool take_key(struct builder *b, struct frame *f, struct built *key, bool plain) {
  struct tree *t = &key->tree;
  f->merge_key = plain && t->raw && !strcmp(t->raw, "<<") && t->type == TREE_STRING;
  if (t->type == TREE_LIST || t->type == TREE_MAP) return refuse(b, t->type == TREE_LIST ? "yaml.key-list" : "yaml.key-map", &t->at, "key") == NULL;
  if (t->type == TREE_NULL) return refuse(b, "yaml.key-null", &t->at, "key") == NULL;
  const char *text = scalar_key(b->r->arena, t);
  if (t->type != TREE_STRING && b->r->kind != READER_DOCUMENTS) {
    struct tree *params = reader_note(b->r, "warn", "yaml.key-not-text", NULL, &t->at, "key");
    reader_param(b->r, params, "text", t->raw);
    reader_param(b->r, params, "read_as", text);
  }
  t->text = text;
  t->length = strlen(text);
  f->key = key;
  if (f->merge_key) {
    if (f->merge_seen) {
      struct tree *params = refuse(b, "yaml.duplicate-key", &t->at, "key");
      reader_param(b->r, params, "name", "<<");
      tree_put_int(b->r->arena, params, "line", t->at.line);
    } else tree_put_int(b->r->arena, reader_note(b->r, "info", "yaml.merge-key", NULL, &t->at, "key"), "line", t->at.line);
    f->merge_seen = true;
  }
  return true;
}

static bool take_value(struct builder *b, struct frame *f, struct built *value) {
  struct built *key = f->key;
  f->key = NULL;
  if (f->merge_key) return merge(b, f, value, &key->tree.at);
  struct built *old = find_key(b, f, key->tree.text);
  value->tree.key = key->tree.text;
  value->tree.key_at = key->tree.at;
  if (old && old->merged) replace_entry(f, old, value);
  else if (old) {
    struct tree *params = refuse(b, "yaml.duplicate-key", &key->tree.at, "key");
    reader_param(b->r, params, "name", key->tree.text);
    if (strcmp(key->tree.raw ? key->tree.raw : "", key->tree.text)) reader_param(b->r, params, "written", key->tree.raw);
    tree_put_int(b->r->arena, params, "line", key->tree.at.line);
    tree_put_int(b->r->arena, params, "first_line", old->tree.key_at.line);
  } else add_entry(b, f, value);
  return true;
}

/* A finished node goes where it belongs. plain: a scalar without quotes. */
static bool take(struct builder *b, struct built *node, bool plain) {
  if (!b->depth) {
    b->root = node;
    return true;
  }
  struct frame *f = &b->frame[b->depth - 1];
  if (f->node->tree.type == TREE_MAP) return f->key ? take_value(b, f, node) : take_key(b, f, node, plain);
  *f->tail = &node->tree;
  f->tail = &node->tree.next;
  f->node->tree.count++;
  grow(f, node);
  return true;
}

/* --- events ----------------------------------------------------------------------------------------------------------------- */

static bool count_alias(struct builder *b, const struct tree_at *at) {
  if (++b->aliases <= READER_ALIASES_MAX) return true;
  tree_put_int(b->r->arena, refuse(b, "yaml.aliases", at, NULL), "limit", READER_ALIASES_MAX);
  return false;
}

/* Notes an anchor; its index + 1, 0 for none, -1 when there are too many. */
static int anchor(struct builder *b, const yaml_char_t *name, struct built *node, bool open) {
  if (!name) return 0;
  if (!count_alias(b, &node->tree.at)) return -1;
  b->anchor[b->anchors++] = (struct anchor){arena_str(b->r->arena, (const char *)name), node, open};
  return b->anchors;
}

static bool on_alias(struct builder *b, const yaml_event_t *event) {
  struct tree_at at = place(b, event->start_mark, event->end_mark);
  const char *name = (const char *)event->data.alias.anchor;
  if (!count_alias(b, &at)) return false;
  for (int i = b->anchors - 1; i >= 0; i--) {
    const struct anchor *a = &b->anchor[i];
    if (strcmp(a->name, name)) continue;
    if (a->open) {
      reader_param(b->r, refuse(b, "yaml.cycle", &at, NULL), "name", name);
      return false;
    }
    if (b->depth + a->node->height > READER_DEPTH_MAX) {
      tree_put_int(b->r->arena, refuse(b, "yaml.deep", &at, NULL), "limit", READER_DEPTH_MAX);
      return false;
    }
    if (!spend_nodes(b, a->node->size, &at)) return false;
    struct built *node = copy(b, &a->node->tree, &at);
    node->tree.key = NULL;
    node->tree.key_at = (struct tree_at){0};
    return take(b, node, false);
  }
  reader_param(b->r, refuse(b, "yaml.unknown-anchor", &at, NULL), "name", name);
  return false;
}

static bool on_scalar(struct builder *b, const yaml_event_t *event) {
  struct tree_at at = place(b, event->start_mark, event->end_mark);
  bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  bool block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
  if (block) end_of_block(b, event->end_mark, &at);
  struct built *node = new_node(b, TREE_NULL, &at);
  size_t length = event->data.scalar.length;
  const char *text = arena_strn(b->r->arena, (const char *)event->data.scalar.value, length);
  if (memchr(text, 0, length)) return refuse(b, "text.nul", &at, NULL) == NULL;
  node->tree.raw = text;
  node->tree.quoted = !plain;
  if (!spend_nodes(b, 1, &at) || anchor(b, event->data.scalar.anchor, node, false) < 0) return false;
  return resolve(b, node, (const char *)event->data.scalar.tag, text, length, plain) && take(b, node, plain);
}

static bool on_start(struct builder *b, const yaml_event_t *event, bool map) {
  struct tree_at at = place(b, event->start_mark, event->end_mark);
  const char *tag = (const char *)(map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
  const yaml_char_t *name = map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
  struct frame *parent = b->depth ? &b->frame[b->depth - 1] : NULL;
  if (parent && parent->node->tree.type == TREE_MAP && !parent->key) return refuse(b, map ? "yaml.key-map" : "yaml.key-list", &at, "key") == NULL;
  if (b->depth >= READER_DEPTH_MAX) {
    tree_put_int(b->r->arena, refuse(b, "yaml.deep", &at, NULL), "limit", READER_DEPTH_MAX);
    return false;
  }
  struct built *node = new_node(b, map ? TREE_MAP : TREE_LIST, &at);
  if (!spend_nodes(b, 1, &at)) return false;
  if (tag && strcmp(tag, "!") && strcmp(tag, map ? CORE "map" : CORE "seq")) {
    if (*tag != '!' || b->r->kind != READER_DOCUMENTS) return tag_refused(b, *tag == '!' ? tag : strncmp(tag, CORE, strlen(CORE)) ? tag : arena_printf(b->r->arena, "!!%s", tag + strlen(CORE)), &at);
    node->tree.tag = arena_str(b->r->arena, tag);
  }
  int index = anchor(b, name, node, true);
  if (index < 0) return false;
  bool flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
  b->frame[b->depth++] = (struct frame){.node = node, .tail = &node->tree.child, .flow = flow, .anchor = index};
  return true;
}

static bool on_end(struct builder *b, const yaml_event_t *event) {
  struct frame f = b->frame[--b->depth];
  struct tree *t = &f.node->tree;
  if (f.anchor) b->anchor[f.anchor - 1].open = false;
  struct tree_at end = place(b, event->start_mark, event->end_mark);
  if (f.flow || !t->child) {                                   /* a block ends where its last part ends, not where the next thing begins */
    t->at.end_line = end.end_line;
    t->at.end_col = end.end_col;
  } else {
    t->at.end_line = t->at.line;
    TREE_EACH(item, t) {
      if (item->at.end_line < t->at.end_line || (item->at.end_line == t->at.end_line && item->at.end_col < t->at.end_col)) continue;
      t->at.end_line = item->at.end_line;
      t->at.end_col = item->at.end_col;
    }
  }
  return take(b, f.node, false);
}

/* The events of one document. *done: the stream is over. */
static bool read_events(struct builder *b) {
  bool over = false, closed = false, had = false;
  int most = b->r->kind == READER_HAND_IN ? EVENTS_MAX : LAB_EVENTS_MAX;
  while (!over) {
    yaml_event_t event;
    if (!yaml_parser_parse(&b->parser, &event)) {
      if (!closed) syntax(b);
      else {
        struct tree_at at = place(b, b->parser.problem_mark, b->parser.problem_mark);
        refuse(b, "yaml.after-end", &at, NULL);
      }
      return false;
    }
    struct tree_at at = place(b, event.start_mark, event.end_mark);
    bool fine = true;
    if (++b->r->events > most) {
      tree_put_int(b->r->arena, reader_note(b->r, "refuse", "yaml.large", NULL, &at, NULL), "limit", most);
      fine = false;
    } else switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (had) fine = refuse(b, closed ? "yaml.after-end" : "yaml.two-values", &at, NULL) == NULL;
        had = true;
        break;
      case YAML_DOCUMENT_END_EVENT: closed = !event.data.document_end.implicit; break;
      case YAML_ALIAS_EVENT: fine = on_alias(b, &event); break;
      case YAML_SCALAR_EVENT: fine = on_scalar(b, &event); break;
      case YAML_SEQUENCE_START_EVENT: fine = on_start(b, &event, false); break;
      case YAML_MAPPING_START_EVENT: fine = on_start(b, &event, true); break;
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: fine = on_end(b, &event); break;
      case YAML_STREAM_END_EVENT: over = true; break;
      default: break;
    }
    yaml_event_delete(&event);
    if (!fine) return false;
  }
  return true;
}

/* A directive is refused before libyaml sees it: a hundred thousand %TAG lines would take it minutes. */
static bool has_directive(struct builder *b) {
  const char *s = b->chunk->text, *end = s + b->chunk->length;
  for (int line = b->chunk->line; s < end; line++) {
    const char *newline = memchr(s, '\n', (size_t)(end - s)), *next = newline ? newline + 1 : end;
    if (*s == '%') {
      struct tree_at at = {b->chunk->file, b->chunk->doc, line, 1, line, 2};
      refuse(b, "yaml.directive", &at, NULL);
      return true;
    }
    const char *text = s + strspn(s, " \t\r");
    if (text < next && *text != '\n' && *text != '#') return false;
    s = next;
  }
  return false;
}

bool reader_yaml(struct reader *reader, const struct reader_chunk *chunk, struct tree **out) {
  struct builder *b = arena_alloc(reader->arena, sizeof *b);
  *b = (struct builder){.r = reader, .chunk = chunk};
  int findings_refused = reader->refused;
  if (has_directive(b)) return false;
  if (!yaml_parser_initialize(&b->parser)) abort();
  yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&b->parser, (const unsigned char *)chunk->text, chunk->length);
  reader->refused = false;
  bool fine = read_events(b) && !reader->refused;
  reader->refused = reader->refused || findings_refused || !fine;
  yaml_parser_delete(&b->parser);
  if (fine) *out = b->root ? &b->root->tree : NULL;
  return fine;
}
