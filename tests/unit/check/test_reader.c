/* reader: what is handed in, line by line: the same meaning as kubectl's, every refusal with its own key and place, every bomb ended at once. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/worker/reader.h"

static struct reader read_bytes(struct arena *arena, enum reader_kind kind, const char *name, const char *bytes, size_t length, const struct tree *params) {
  struct reader reader;
  reader_init(&reader, arena, kind, params, NULL);
  reader_file(&reader, name, bytes, length);
  reader_end(&reader);
  return reader;
}

static struct reader read_text(struct arena *arena, const char *text) { return read_bytes(arena, READER_HAND_IN, "web.yaml", text, strlen(text), NULL); }

static char *json(struct arena *arena, const struct tree *tree) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 1 << 20);
  tree_write(out, tree);
  return out->data;
}

/* First finding of a level, or NULL. */
static const struct tree *finding(const struct reader *reader, const char *level) {
  TREE_EACH(item, reader->reading) if (!strcmp(tree_text(item, "level"), level)) return item;
  return NULL;
}

#define HEAD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

static void reads_the_same_as_kubectl(void **state) {
  (void)state;
  static const struct { const char *sentence, *text, *data; } rows[] = {
    {"scalars as YAML 1.1 has them", "data: {a: yes, b: 012, c: ~, d: 1e3, e: 22:22}\n", "{\"a\":true,\"b\":10,\"c\":null,\"d\":1000,\"e\":\"22:22\"}"},
    {"quotes keep text", "data: {a: \"yes\", b: '012', c: \"\"}\n", "{\"a\":\"yes\",\"b\":\"012\",\"c\":\"\"}"},
    {"keys become text", "data: {yes: a, 1: b, 0x10: c, 1.5: d}\n", "{\"1\":\"b\",\"1.5\":\"d\",\"16\":\"c\",\"true\":\"a\"}"},
    {"a literal keeps its lines", "data:\n  a: |\n    x\n     y\n  b: >-\n    p\n    q\n", "{\"a\":\"x\\n y\\n\",\"b\":\"p q\"}"},
    {"a merge below an own key wins over it", "data:\n  a: 1\n  <<: {a: 2, b: 3}\n", "{\"a\":2,\"b\":3}"},
    {"an own key below a merge wins", "data:\n  <<: {a: 2, b: 3}\n  a: 1\n", "{\"a\":1,\"b\":3}"},
    {"in a list of maps the earlier wins", "data:\n  <<: [{a: 1, b: 2}, {a: 3, c: 4}]\n", "{\"a\":1,\"b\":2,\"c\":4}"},
    {"an alias is what its anchor is", "data: {a: &x {p: [1, 2]}, b: *x}\n", "{\"a\":{\"p\":[1,2]},\"b\":{\"p\":[1,2]}}"},
    {"an anchor may be given again", "data: {a: &x 1, b: &x 2, c: *x}\n", "{\"a\":1,\"b\":2,\"c\":2}"},
    {"an alias as key", "data: {a: &x b1, *x : c}\n", "{\"a\":\"b1\",\"b1\":\"c\"}"},
    {"core tags", "data: {a: !!str 12, b: !!int \"12\", c: !!float 3, d: !!binary aGk=, e: !!timestamp 2024-01-01, f: !!bool \"yes\"}\n",
     "{\"a\":\"12\",\"b\":12,\"c\":3,\"d\":\"hi\",\"e\":\"2024-01-01\",\"f\":true}"},
    {"the bare tag makes text", "data: {e: ! 12}\n", "{\"e\":\"12\"}"},
    {"complex key marks around plain keys", "data:\n  ? f\n  : g\n", "{\"f\":\"g\"}"},
    {"KYAML is flow style", "data: {\n  \"a\": \"b\",\n  \"c\": [\n    1,\n  ],\n}\n", "{\"a\":\"b\",\"c\":[1]}"},
    {"a document end without anything behind it", "data: {a: b}\n...\n", "{\"a\":\"b\"}"},
    {"merged keys through an alias", "x-base: &base {a: 1}\ndata:\n  <<: *base\n  b: 2\n", "{\"a\":1,\"b\":2}"},
    {"CRLF", "data:\r\n  a: b\r\n  c: |\r\n    x\r\n", "{\"a\":\"b\",\"c\":\"x\\n\"}"},
    {"no tab is wrong that does not indent", "data: {a: b}\t# remark\n", "{\"a\":\"b\"}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct reader reader = read_text(arena, arena_printf(arena, "%s%s", HEAD, rows[i].text));
    if (reader.refused || reader.docs->count != 1) fail_msg("%s: refused: %s", rows[i].sentence, json(arena, reader.reading));
    const char *data = json(arena, tree_path(reader.docs, "[0].value.data"));
    if (strcmp(data, rows[i].data)) fail_msg("%s: got %s", rows[i].sentence, data);
    arena_free(arena);
  }
}

static void refuses_each_mistake_with_its_own_key_and_place(void **state) {
  (void)state;
  static const struct { const char *sentence, *text; const char *key; int line, col; } rows[] = {
    {"a tab indents", HEAD "data:\n\ta: b\n", "yaml.tab", 5, 1},
    {"a tab indents deeper", HEAD "data:\n  a:\n  \tb: c\n", "yaml.tab", 6, 3},
    {"a key twice", HEAD "data:\n  a: 1\n  a: 2\n", "yaml.duplicate-key", 6, 3},
    {"a key twice after it became text", HEAD "data:\n  yes: 1\n  \"true\": 2\n", "yaml.duplicate-key", 6, 3},
    {"two merges", HEAD "data:\n  <<: {a: 1}\n  <<: {b: 1}\n", "yaml.duplicate-key", 6, 3},
    {"a merge of a text", HEAD "data:\n  <<: x\n", "yaml.merge-not-map", 5, 7},
    {"a merge of a list of texts", HEAD "data:\n  <<: [{a: 1}, x]\n", "yaml.merge-not-map", 5, 16},
    {"an alias inside its own anchor", HEAD "data: &x\n  a: *x\n", "yaml.cycle", 5, 6},
    {"an alias without an anchor", HEAD "data: {a: *nope}\n", "yaml.unknown-anchor", 4, 11},
    {"an anchor of the document before", HEAD "data: {a: &x 1}\n---\n" HEAD "data: {a: *x}\n", "yaml.unknown-anchor", 9, 11},
    {"a tag of a language", HEAD "data: {a: !!python/object:os.system x}\n", "yaml.tag", 4, 11},
    {"a local tag", HEAD "data: {a: !foo x}\n", "yaml.tag", 4, 11},
    {"a tag with an unknown handle", HEAD "data: {a: !e!foo x}\n", "yaml.tag", 4, 11},
    {"a set", HEAD "data: !!set {a, b}\n", "yaml.tag", 4, 7},
    {"a tag that lies", HEAD "data: {a: !!int x}\n", "yaml.tag-lies", 4, 11},
    {"base64 that is none", HEAD "data: {a: !!binary \"*\"}\n", "yaml.binary", 4, 11},
    {"%YAML", "%YAML 1.1\n---\n" HEAD, "yaml.directive", 1, 1},
    {"%TAG", HEAD "---\n%TAG ! tag:x,2000:\n---\n" HEAD, "yaml.directive", 5, 1},
    {"four dashes", HEAD "----\n" HEAD, "yaml.marker", 4, 1},
    {"text behind the marker", "--- {a: b}\n", "yaml.marker-rest", 1, 1},
    {"null as key", HEAD "data: {~: a}\n", "yaml.key-null", 4, 8},
    {"an empty key", HEAD "data:\n  : a\n", "yaml.key-null", 5, 3},
    {"a list as key", HEAD "data: {? [a] : b}\n", "yaml.key-list", 4, 10},
    {"a map as key", HEAD "data:\n  {{ x }}: b\n", "yaml.key-map", 5, 3},
    {".inf", HEAD "data: {a: .inf}\n", "yaml.not-finite", 4, 11},
    {".nan", HEAD "data: {a: .NaN}\n", "yaml.not-finite", 4, 11},
    {"half a surrogate pair", HEAD "data: {a: \"\\uD83D\\uDE00\"}\n", "yaml.surrogate", 4, 12},
    {"an escape YAML does not know", HEAD "data: {a: \"\\q\"}\n", "yaml.escape", 4, 12},
    {"text behind the document's end", HEAD "...\nkind: X\n", "yaml.after-end", 5, 1},
    {"NUL as an escape", HEAD "data: {a: \"x\\0y\"}\n", "text.nul", 4, 11},
    {"a colon in plain text", HEAD "data:\n  a: b: c\n", "yaml.colon", 5, 7},
    {"no blank behind the colon", HEAD "data:\n  a: b\n  c:d\n  e: f\n", "yaml.no-colon", 6, 3},
    {"a bracket left open", HEAD "data: {a: [1, 2}\n", "yaml.bracket", 4, 16},
    {"a quote left open", HEAD "data:\n  a: \"b\n", "yaml.quote", 5, 6},
    {"a wrong indentation", HEAD "spec:\n  a: 1\n   b: 2\n", "yaml.colon", 6, 5},
    {"an indentation that fits nothing", HEAD "spec:\n    a: 1\n  b: 2\n", "yaml.indent", 6, 3},
    {"an at sign begins nothing", HEAD "data: {a: @x}\n", "yaml.character", 4, 11},
    {"a backtick begins nothing", HEAD "data:\n  a: `x`\n", "yaml.character", 5, 6},
    {"a dash where no list is", HEAD "data: - a\n", "yaml.dash", 4, 7},
    {"an anchor without a name", HEAD "data: {a: & x}\n", "yaml.alias", 4, 12},
    {"a control character", HEAD "data: {a: \"\x01\"}\n", "text.control", 4, 12},
    {"bad UTF-8", HEAD "data: {a: \"\xFF\"}\n", "text.utf8", 4, 12},
    {"no kind", "apiVersion: v1\nmetadata: {name: a}\n", "object.no-kind", 1, 1},
    {"a kind that is no text", "apiVersion: v1\nkind: 12\n", "object.no-kind", 2, 7},
    {"no apiVersion", "# remark\nkind: Pod\nmetadata: {name: a}\n", "object.no-api-version", 2, 1},
    {"a list on top", "- a\n- b\n", "object.not-map", 1, 1},
    {"a text on top", "hello\n", "object.not-map", 1, 1},
    {"no name", "apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {a: b}\n", "object.no-name", 4, 3},
    {"a list in a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n", "object.list-in-list", 4, 3},
    {"a list whose items are none", "apiVersion: v1\nkind: List\nitems: {a: b}\n", "object.list-items", 3, 8},
    {"a mistake in the second document", HEAD "---\n\n" HEAD "data: {a: 1, a: 2}\n", "yaml.duplicate-key", 9, 14},
    {"JSON: a key twice", "{\"kind\": \"Pod\",\n \"kind\": \"Pod\"}", "yaml.duplicate-key", 2, 2},
    {"JSON: something left over", "{\"kind\": \"Pod\"} x", "file-json.left-over", 1, 17},
    {"JSON: NUL", "{\"kind\": \"P\\u0000\"}", "text.nul", 1, 12},
    {"JSON: half a surrogate pair", "{\"kind\": \"\\ud83d\"}", "file-json.surrogate", 1, 11},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct reader reader = read_text(arena, rows[i].text);
    const struct tree *refusal = finding(&reader, "refuse");
    if (!reader.refused || !refusal) fail_msg("%s: was not refused", rows[i].sentence);
    if (strcmp(tree_text(refusal, "key"), rows[i].key)) fail_msg("%s: %s", rows[i].sentence, json(arena, refusal));
    if (tree_int(tree_get(refusal, "at"), "line", 0) != rows[i].line || tree_int(tree_get(refusal, "at"), "col", 0) != rows[i].col)
      fail_msg("%s: %s", rows[i].sentence, json(arena, refusal));
    arena_free(arena);
  }
}

static void names_both_lines_of_a_key_that_is_there_twice(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct reader reader = read_text(arena, HEAD "data:\n  yes: 1\n  b: 1\n  \"true\": 2\n");
  const struct tree *refusal = finding(&reader, "refuse");
  assert_string_equal(json(arena, tree_get(refusal, "params")), "{\"first_line\":5,\"line\":7,\"name\":\"true\"}");
  assert_string_equal(tree_text(refusal, "path"), "data");
  arena_free(arena);
}

static void refuses_text_that_is_not_utf8(void **state) {
  (void)state;
  static const struct { const char *bytes; size_t length; const char *key; } rows[] = {
    {"\xFF\xFEk\0i\0", 6, "text.utf16"}, {"\xFE\xFF\0k\0i", 6, "text.utf16"}, {"k\0i\0n\0", 6, "text.utf16"}, {"kind: P\0d\n", 10, "text.nul"},
    {"kind: \xC0\xAF\n", 9, "text.utf8"}, {"a: \xED\xA0\x80\n", 7, "text.utf8"}, {"a: b\n\xE2\x82", 7, "text.utf8"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct reader reader = read_bytes(arena, READER_HAND_IN, "a.yaml", rows[i].bytes, rows[i].length, NULL);
    assert_true(reader.refused);
    assert_string_equal(tree_text(finding(&reader, "refuse"), "key"), rows[i].key);
    arena_free(arena);
  }
}

static void warns_of_what_is_read_but_hardly_meant(void **state) {
  (void)state;
  static const struct { const char *sentence, *text, *level, *key, *path; int line, col; } rows[] = {
    {"a boolean in a ConfigMap", HEAD "data:\n  debug: no\n", "warn", "yaml.not-text", "data.debug", 5, 10},
    {"a number in a label", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {v: 1.10}}\n", "warn", "yaml.not-text", "metadata.labels.v", 3, 33},
    {"nothing in an annotation", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {v: }}\n", "warn", "yaml.not-text", "metadata.annotations.v", 3, 38},
    {"a number as a variable", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    env:\n    - name: X\n      value: 8080\n", "warn", "yaml.not-text",
     "spec.containers[0].env[0].value", 9, 14},
    {"a number in a selector", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {v: 2}}\n", "warn", "yaml.not-text", "spec.selector.v", 4, 22},
    {"a number in a command", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{command: [sleep, 10]}]}\n", "warn", "yaml.not-text", "spec.containers[0].command[1]", 4, 39},
    {"a key that became text", HEAD "data: {yes: a}\n", "warn", "yaml.key-not-text", NULL, 4, 8},
    {"digits that get lost", HEAD "spec: {a: 18446744073709551615}\n", "warn", "number.digits", NULL, 4, 11},
    {"an own key above a merge", HEAD "data:\n  a: x\n  <<: {a: y}\n", "warn", "yaml.merge-lost", NULL, 5, 3},
    {"a merge", HEAD "data:\n  <<: {a: y}\n", "info", "yaml.merge-key", NULL, 5, 3},
    {"a byte order mark", "\xEF\xBB\xBF" HEAD, "info", "text.bom", NULL, 1, 1},
    {"CRLF", "apiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {name: a}\r\n", "info", "text.crlf", NULL, 1, 1},
    {"like JSON, and is none", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n", "info", "yaml.like-json", NULL, 1, 1},
    {"nothing at all", "", "fail", "files.empty", NULL, 0, 0},
    {"remarks only", "# a\n---\n  # b\n---\n", "fail", "files.empty", NULL, 0, 0},
    {"null documents", "---\n~\n---\nnull\n", "fail", "files.empty", NULL, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct reader reader = read_text(arena, rows[i].text);
    const struct tree *note = finding(&reader, rows[i].level);
    if (reader.refused || !note) fail_msg("%s: %s", rows[i].sentence, json(arena, reader.reading));
    if (strcmp(tree_text(note, "key"), rows[i].key) || (rows[i].path && strcmp(tree_text_or(note, "path", ""), rows[i].path)) ||
        tree_int(tree_get(note, "at"), "line", 0) != rows[i].line || tree_int(tree_get(note, "at"), "col", 0) != rows[i].col)
      fail_msg("%s: %s", rows[i].sentence, json(arena, note));
    arena_free(arena);
  }
}

static void a_string_where_text_is_wanted_is_no_warning(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct reader reader = read_text(arena, HEAD "data: {a: \"no\", b: x}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec: {replicas: 3, ports: [{port: 80}]}\n");
  assert_int_equal(reader.reading->count, 0);
  assert_int_equal(reader.docs->count, 2);
  arena_free(arena);
}

/* A place as line:col-line:col. */
static const char *span(struct arena *arena, const struct tree_at *at) { return arena_printf(arena, "%d:%d-%d:%d", at->line, at->col, at->end_line, at->end_col); }

static void every_node_keeps_its_place_in_code_points(void **state) {
  (void)state;
  static const char text[] =
    "# é\n"
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata:\n"
    "  name: \"é日\"   # c\n"
    "data:\n"
    "  日本: ü \n"
    "  lit: |\n"
    "    one\n"
    "    two\n"
    "\n"
    "\n"
    "  none:\n"
    "  flow: {a: [1,\n"
    "     2], b: c}\n"
    "  base: &x v\n"
    "  more: *x\n";
  static const struct { const char *path, *value, *key; } rows[] = {
    {"metadata.name", "5:9-5:13", "5:3-5:7"}, {"data.日本", "7:7-7:8", "7:3-7:5"}, {"data.lit", "8:8-10:8", "8:3-8:6"}, {"data.none", "13:8-13:8", "13:3-13:7"},
    {"data.flow", "14:9-15:15", "14:3-14:7"}, {"data.flow.a", "14:13-15:8", "14:10-14:11"}, {"data.flow.a[1]", "15:6-15:7", NULL}, {"data.base", "16:9-16:13", "16:3-16:7"},
    {"data.more", "17:9-17:11", "17:3-17:7"}, {"metadata", "5:3-5:13", "4:1-4:9"},
  };
  struct arena *arena = arena_new(0);
  struct reader reader = read_text(arena, text);
  const struct tree *object = tree_path(reader.docs, "[0].value");
  assert_non_null(object);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct tree *node = tree_path(object, rows[i].path);
    if (!node || strcmp(span(arena, &node->at), rows[i].value)) fail_msg("%s: %s", rows[i].path, node ? span(arena, &node->at) : "not there");
    if (rows[i].key && strcmp(span(arena, &node->key_at), rows[i].key)) fail_msg("key of %s: %s", rows[i].path, span(arena, &node->key_at));
    assert_int_equal(node->at.file, 1);
    assert_int_equal(node->at.doc, 1);
  }
  assert_string_equal(tree_path(object, "data.none")->raw, "");
  arena_free(arena);
}

static void json_keeps_places_too(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct reader reader = read_text(arena, "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n \"metadata\": {\"name\": \"é\", \"n\": 1.50}}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\"}}");
  assert_int_equal(reader.docs->count, 2);
  const struct tree *object = tree_path(reader.docs, "[0].value");
  assert_string_equal(span(arena, &tree_path(object, "metadata.n")->at), "2:33-2:37");
  assert_string_equal(tree_path(object, "metadata.n")->text, "1.5");
  assert_string_equal(tree_path(object, "metadata.n")->raw, "1.50");
  assert_int_equal(tree_int(tree_path(reader.docs, "[1]"), "doc", 0), 2);
  arena_free(arena);
}

static void documents_are_counted_as_a_person_counts_them(void **state) {
  (void)state;
  static const struct { const char *text; int docs, last; } rows[] = {
    {HEAD, 1, 1}, {"---\n" HEAD, 1, 1}, {"# x\n--- # y\n" HEAD "---\n" HEAD, 2, 2}, {HEAD "---\n---\n" HEAD, 2, 3}, {HEAD "---\n# only\n---\n" HEAD "---\n", 2, 3},
    {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: b}\n---\n" HEAD, 3, 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct reader reader = read_text(arena, rows[i].text);
    if ((int)reader.docs->count != rows[i].docs) fail_msg("%zu: %zu documents", i, reader.docs->count);
    const struct tree *last = tree_at_index(reader.docs, reader.docs->count - 1);
    assert_int_equal(tree_int(last, "doc", 0), rows[i].last);
    assert_int_equal(tree_get(last, "value")->at.doc, rows[i].last);
    arena_free(arena);
  }
}

static char *repeat(struct arena *arena, const char *before, const char *piece, int times, const char *after) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 4 << 20);
  buf_str(out, before);
  for (int i = 0; i < times; i++) buf_str(out, piece);
  buf_str(out, after);
  return out->data;
}

static void every_bomb_is_refused_within_fifty_milliseconds(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct buf *laugh = arena_alloc(arena, sizeof *laugh), *anchors = arena_alloc(arena, sizeof *anchors), *keys = arena_alloc(arena, sizeof *keys), *chain = arena_alloc(arena, sizeof *chain);
  buf_init_arena(laugh, arena, 1 << 20);
  buf_str(laugh, HEAD "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
  for (int i = 1; i < 9; i++) buf_printf(laugh, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
  buf_init_arena(anchors, arena, 1 << 20);
  buf_str(anchors, HEAD "data: [");
  for (int i = 0; i < 20000; i++) buf_printf(anchors, "&a%d x,", i);
  buf_str(anchors, "]\n");
  buf_init_arena(keys, arena, 1 << 20);
  buf_str(keys, HEAD "data:\n");
  for (int i = 0; i < 25500; i++) buf_printf(keys, " k%x:\n", i);
  buf_init_arena(chain, arena, 1 << 20);
  buf_str(chain, HEAD "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n");
  for (int i = 1; i < 40; i++) buf_printf(chain, "a%d: &a%d [[[[[[[[[[*a%d]]]]]]]]]]\n", i, i, i - 1);
  const struct { const char *sentence; char *text; const char *key; } rows[] = {
    {"100,000 [", repeat(arena, HEAD "data: ", "[", 100000, ""), "yaml.deep"},
    {"100,000 [ on lines", repeat(arena, HEAD "data: ", "[\n", 100000, ""), "yaml.deep"},
    {"100,000 {a:", repeat(arena, HEAD "data: ", "{a: ", 60000, ""), "yaml.deep"},
    {"100,000 - -", repeat(arena, HEAD "data:\n", "- ", 100000, "x\n"), "yaml.deep"},
    {"100,000 ? ?", repeat(arena, HEAD "data:\n", " ? ", 60000, "x\n"), "yaml.key-map"},
    {"a billion laughs", laugh->data, "yaml.expanded"},
    {"20,000 anchors", anchors->data, "yaml.aliases"},
    {"an alias chain that deepens", chain->data, "yaml.deep"},
    {"100,000 %TAG", repeat(arena, "", "%TAG !a! tag:x,2000:\n", 10000, "---\na: b\n"), "yaml.directive"},
    {"%TAG further down", repeat(arena, HEAD, "%TAG !a! tag:x,2000:\n", 10000, "---\na: b\n"), "yaml.directive"},
    {"many elements", repeat(arena, HEAD "data: [", "1,", 60000, "]\n"), "yaml.large"},
    {"many keys", keys->data, "yaml.large"},
    {"101 documents", repeat(arena, "", HEAD "---\n", 101, ""), "files.documents"},
    {"201 objects", repeat(arena, "apiVersion: v1\nkind: List\nitems:\n", "- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", 201, ""), "files.objects"},
    {"300 KiB", repeat(arena, HEAD "data: {a: \"", "0123456789", 30 * 1024, "\"}\n"), "files.large"},
    {"JSON: 100,000 [", repeat(arena, "{\"a\": ", "[", 100000, ""), "yaml.deep"},
    {"JSON: many elements in one line", repeat(arena, "{\"a\": [", "1,", 60000, "1]}"), "yaml.large"},
    {"one long line of blanks", repeat(arena, HEAD "data: {a: ", " ", 200000, "@}\n"), "yaml.character"},
    {"a long anchor name", repeat(arena, HEAD "data: *", "a", 200000, "\n"), "yaml.unknown-anchor"},
    {"a long tag", repeat(arena, HEAD "data: !", "a", 200000, " x\n"), "yaml.tag"},
    {"a long tag of escapes", repeat(arena, HEAD "data: !", "%41", 60000, " x\n"), "yaml.tag"},
    {"colons", repeat(arena, HEAD "data: ", "a: ", 60000, "\n"), "yaml.colon"},
    {"remarks and dashes", repeat(arena, HEAD "data: ", "#\n- ", 50000, "\n"), "yaml.large"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *own = arena_new(0);
    clock_t from = clock();                                     /* processor time: the machine may be busy with other things */
    struct reader reader = read_text(own, rows[i].text);
    int64_t took = (int64_t)(clock() - from) * 1000000 / CLOCKS_PER_SEC;
    const struct tree *refusal = finding(&reader, "refuse");
    if (!reader.refused || !refusal) fail_msg("%s: was not refused", rows[i].sentence);
    if (strcmp(tree_text(refusal, "key"), rows[i].key)) fail_msg("%s: %s", rows[i].sentence, json(own, refusal));
#ifndef MAKMAL_DEBUG
    if (took > 50000) fail_msg("%s: took %lld us", rows[i].sentence, (long long)took);
#endif
    if (getenv("SHOW_TIMES")) printf("%-32s %6lld us\n", rows[i].sentence, (long long)took);
    arena_free(own);
  }
  arena_free(arena);
}

static void n_mistakes_give_n_findings(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct reader reader = read_text(arena, HEAD "data: {a: 1, a: 2}\nspec: {b: 1, b: 2}\n---\n" HEAD "data: {a: *x}\n---\nkind: Pod\n");
  size_t refused = 0;
  TREE_EACH(item, reader.reading) refused += !strcmp(tree_text(item, "level"), "refuse");
  assert_int_equal(refused, 4);
  arena_free(arena);
}

static void parameters_are_filled_in_after_parsing(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct tree *params = tree_new(arena, TREE_MAP);
  tree_put_text(arena, params, "app", "kedai-17");
  tree_put_int(arena, params, "n", 3);
  tree_put_text(arena, params, "evil", "x\ny: z");
  static const char text[] = HEAD "data: {a: \"${app}\", b: \"${n}\", c: !text \"${n}\", d: \"p-${n}-${app}\", e: \"${nope}\", f: \"$${n}\", \"${app}\": 1, g: \"${evil}\"}\nspec:\n  m: ${n}\n";
  struct reader reader = read_bytes(arena, READER_OBJECTS, "a.yaml", text, strlen(text), params);
  assert_false(reader.refused);
  assert_string_equal(json(arena, tree_path(reader.docs, "[0].value.data")),
    "{\"a\":\"kedai-17\",\"b\":3,\"c\":\"3\",\"d\":\"p-3-kedai-17\",\"e\":\"${nope}\",\"f\":\"$3\",\"g\":\"x\\ny: z\",\"kedai-17\":1}");
  assert_string_equal(json(arena, tree_path(reader.docs, "[0].value.spec")), "{\"m\":3}");
  struct reader hand_in = read_text(arena, HEAD "data: {a: \"${app}\"}\n");
  assert_string_equal(json(arena, tree_path(hand_in.docs, "[0].value.data")), "{\"a\":\"${app}\"}");
  arena_free(arena);
}

static void documents_of_a_lab_keep_their_tags(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const char text[] = "a: !at-least 64Mi\nb: !between [4, 6]\nc: !has {x: y}\n---\n- just\n- a list\n";
  struct reader reader = read_bytes(arena, READER_DOCUMENTS, "lab.yaml", text, strlen(text), NULL);
  assert_false(reader.refused);
  assert_int_equal(reader.docs->count, 2);
  assert_string_equal(tree_path(reader.docs, "[0].value.a")->tag, "!at-least");
  assert_string_equal(tree_path(reader.docs, "[0].value.b")->tag, "!between");
  assert_string_equal(tree_path(reader.docs, "[0].value.c")->tag, "!has");
  arena_free(arena);
}

static void a_foreign_namespace_is_refused_with_its_place(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct reader reader;
  static const char text[] = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: kube-system\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: lab-1}\n";
  reader_init(&reader, arena, READER_HAND_IN, NULL, "lab-1");
  reader_file(&reader, "a.yaml", text, strlen(text));
  assert_true(reader.refused);
  assert_int_equal(reader.docs->count, 1);
  const struct tree *refusal = finding(&reader, "refuse");
  assert_string_equal(tree_text(refusal, "key"), "object.namespace");
  assert_int_equal(tree_int(tree_get(refusal, "at"), "line", 0), 5);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_the_same_as_kubectl), cmocka_unit_test(refuses_each_mistake_with_its_own_key_and_place), cmocka_unit_test(names_both_lines_of_a_key_that_is_there_twice),
    cmocka_unit_test(refuses_text_that_is_not_utf8), cmocka_unit_test(warns_of_what_is_read_but_hardly_meant), cmocka_unit_test(a_string_where_text_is_wanted_is_no_warning),
    cmocka_unit_test(every_node_keeps_its_place_in_code_points), cmocka_unit_test(json_keeps_places_too), cmocka_unit_test(documents_are_counted_as_a_person_counts_them),
    cmocka_unit_test(every_bomb_is_refused_within_fifty_milliseconds), cmocka_unit_test(n_mistakes_give_n_findings), cmocka_unit_test(parameters_are_filled_in_after_parsing),
    cmocka_unit_test(documents_of_a_lab_keep_their_tags), cmocka_unit_test(a_foreign_namespace_is_refused_with_its_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
