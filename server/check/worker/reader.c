/* reader: from the bytes of a file to its documents: size, encoding, the `---` lines as kubectl takes them. No state but struct reader. */
#include "check/worker/reader.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "check/check.h"
#include "check/check_wire.h"

#define DOCUMENTS_MAX 100
#define PARAM_MAX 120u                  /* bytes of somebody's text in a sentence */
#define LAB_FILES_MAX 500
#define LAB_BYTES_MAX (4u * 1024u * 1024u)

void reader_init(struct reader *reader, struct arena *arena, enum reader_kind kind, const struct tree *params, const char *namespace) {
  *reader = (struct reader){.arena = arena, .kind = kind, .params = params, .namespace = namespace};
  reader->docs = tree_new(arena, TREE_LIST);
  reader->reading = tree_new(arena, TREE_LIST);
  reader->file = arena_alloc(arena, LAB_FILES_MAX * sizeof *reader->file);
}

const char *reader_file_name(const struct reader *reader, int file) { return file >= 1 && file <= reader->files ? reader->file[file - 1] : NULL; }

struct tree *reader_note(struct reader *r, const char *level, const char *key, const char *path, const struct tree_at *at, const char *node) {
  struct tree *params = tree_new(r->arena, TREE_MAP);
  if (!strcmp(level, "refuse")) r->refused = true;
  if (++r->findings > READER_FINDINGS_MAX) return params;
  struct tree *finding = tree_new(r->arena, TREE_MAP);
  tree_put_text(r->arena, finding, "key", key);
  tree_put_text(r->arena, finding, "level", level);
  if (path && *path) tree_put_text(r->arena, finding, "path", path);
  tree_put(r->arena, finding, "params", params);
  if (at) {
    struct tree *place = tree_new(r->arena, TREE_MAP);
    tree_put_text(r->arena, place, "file", reader_file_name(r, at->file));
    const struct { const char *name; int value; } part[] = {{"doc", at->doc}, {"line", at->line}, {"col", at->col}, {"end_line", at->end_line}, {"end_col", at->end_col}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) if (part[i].value > 0) tree_put_int(r->arena, place, part[i].name, part[i].value);
    tree_put_text(r->arena, place, "node", node ? node : "value");
    tree_put(r->arena, finding, "at", place);
  }
  tree_push(r->reading, finding);
  return params;
}

void reader_param(struct reader *r, struct tree *params, const char *name, const char *text) {
  size_t length = text ? strlen(text) : 0;
  if (length <= PARAM_MAX) {
    tree_put_text(r->arena, params, name, text);
    return;
  }
  for (length = PARAM_MAX; length && ((unsigned char)text[length] & 0xC0) == 0x80; length--) ;
  tree_put(r->arena, params, name, tree_string(r->arena, arena_printf(r->arena, "%.*s…", (int)length, text)));
}

/* --- text ------------------------------------------------------------------------------------------------------------------- */

/* Line and column, in code points, of the byte at `offset`. */
static struct tree_at place_of(const struct reader *r, const char *bytes, size_t offset) {
  struct tree_at at = {.file = r->files, .line = 1, .col = 1};
  for (size_t i = 0; i < offset; i++) {
    if (bytes[i] == '\n') {
      at.line++;
      at.col = 1;
    } else if (((unsigned char)bytes[i] & 0xC0) != 0x80) at.col++;
  }
  at.end_line = at.line;
  at.end_col = at.col + 1;
  return at;
}

static size_t first_bad_utf8(const char *bytes, size_t length) {
  size_t low = 0;
  while (low < length) {                                       /* by lines: a line's border is a character's border */
    const char *newline = memchr(bytes + low, '\n', length - low);
    size_t end = newline ? (size_t)(newline - bytes) + 1 : length;
    if (!utf8_valid(bytes + low, end - low)) {
      while (low < end) {
        size_t n = 1;
        while (n <= 4 && low + n <= end && !utf8_valid(bytes + low, n)) n++;
        if (n > 4 || low + n > end) return low;
        low += n;
      }
    }
    low = end;
  }
  return length;
}

/* libyaml's own list of what may stand in a stream; it gives no place for what may not. */
static size_t first_control(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i], next = i + 1 < length ? (unsigned char)bytes[i + 1] : 0, third = i + 2 < length ? (unsigned char)bytes[i + 2] : 0;
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) return i;
    if (c == 0xC2 && next < 0xA0 && next != 0x85) return i;
    if (c == 0xEF && ((next == 0xBB && third == 0xBF) || (next == 0xBF && third >= 0xBE))) return i;
  }
  return length;
}

/* false: refused. *bytes and *length lose a byte order mark. */
static bool text_is_fine(struct reader *r, const char **bytes, size_t *length) {
  const unsigned char *b = (const unsigned char *)*bytes;
  struct tree_at start = {.file = r->files, .line = 1, .col = 1, .end_line = 1, .end_col = 2};
  bool marked = *length >= 2 && ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] == 0xFE && b[1] == 0xFF));
  if (marked || (*length >= 2 && (b[0] == 0) != (b[1] == 0))) return reader_note(r, "refuse", "text.utf16", NULL, &start, NULL) == NULL;
  if (*length >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF) {
    *bytes += 3;
    *length -= 3;
    reader_note(r, "info", "text.bom", NULL, &start, NULL);
  }
  const char *nul = memchr(*bytes, 0, *length);
  size_t bad = nul ? (size_t)(nul - *bytes) : first_bad_utf8(*bytes, *length);
  if (bad < *length) {
    struct tree_at at = place_of(r, *bytes, bad);
    struct tree *params = reader_note(r, "refuse", nul ? "text.nul" : "text.utf8", NULL, &at, NULL);
    if (!nul) tree_put(r->arena, params, "byte", tree_string(r->arena, arena_printf(r->arena, "0x%02X", (unsigned char)(*bytes)[bad])));
    return false;
  }
  if (*length && memmem(*bytes, *length, "\r\n", 2)) reader_note(r, "info", "text.crlf", NULL, &start, NULL);
  return true;
}

/* --- parameters ------------------------------------------------------------------------------------------------------------- */

/* The name between ${ and } at s, or NULL. Lower case, digits, '-' and '_'. */
static const struct tree *param_at(const struct reader *r, const char *s, size_t *out_length) {
  if (s[0] != '$' || s[1] != '{') return NULL;
  size_t n = strspn(s + 2, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  char name[64];
  if (!n || n >= sizeof name || s[2 + n] != '}') return NULL;
  memcpy(name, s + 2, n);
  name[n] = 0;
  *out_length = n + 3;
  return tree_get(r->params, name);
}

struct tree *reader_fill(struct reader *r, const char *text, bool typed) {
  size_t used;
  const char *s = r->params ? strstr(text, "${") : NULL;
  if (!s) return NULL;
  const struct tree *param = param_at(r, text, &used);
  if (typed && param && !text[used] && (param->type == TREE_NUMBER || param->type == TREE_STRING || param->type == TREE_BOOL)) {
    struct tree *value = tree_new(r->arena, param->type);
    value->flag = param->flag;
    value->text = param->text;
    value->length = param->length;
    return value;
  }
  struct buf filled;
  buf_init(&filled, 1024 * 1024);
  bool any = false;
  for (s = text; *s;) {
    param = param_at(r, s, &used);
    if (param && param->text) {
      buf_add(&filled, param->text, param->length);
      s += used;
      any = true;
    } else buf_char(&filled, *s++);
  }
  struct tree *value = any ? tree_string(r->arena, filled.data) : NULL;
  buf_release(&filled);
  return value;
}

/* --- documents -------------------------------------------------------------------------------------------------------------- */

static void take(struct reader *r, struct tree *value, int file, int doc) {
  if (r->kind != READER_DOCUMENTS) {
    if (value->type != TREE_NULL) reader_object(r, value, file, doc);
    return;
  }
  struct tree *entry = tree_new(r->arena, TREE_MAP);
  tree_put_text(r->arena, entry, "file", reader_file_name(r, file));
  tree_put_int(r->arena, entry, "doc", doc);
  tree_put(r->arena, entry, "value", value);
  tree_push(r->docs, entry);
}

static bool only_space(const char *s, size_t length) {
  for (size_t i = 0; i < length; i++) if (!strchr(" \t\r\n\f\v", s[i])) return false;
  return true;
}

/* Nothing but blank lines and remarks. */
static bool only_remarks(const char *s, size_t length) {
  const char *end = s + length;
  while (s < end) {
    s += strspn(s, " \t\r\n");
    if (s >= end) break;
    if (*s != '#') return false;
    s = memchr(s, '\n', (size_t)(end - s));
    if (!s) break;
  }
  return true;
}

static void chunk(struct reader *r, const struct reader_chunk *c) {
  struct tree *value = NULL;
  if (only_remarks(c->text, c->length)) return;
  if (++r->documents > DOCUMENTS_MAX && r->kind != READER_DOCUMENTS) {
    struct tree_at at = {.file = c->file, .doc = c->doc, .line = c->line, .col = 1};
    if (r->documents == DOCUMENTS_MAX + 1) tree_put_int(r->arena, reader_note(r, "refuse", "files.documents", NULL, &at, NULL), "limit", DOCUMENTS_MAX);
    return;
  }
  if (reader_yaml(r, c, &value) && value) take(r, value, c->file, c->doc);
}

/* Splits at lines of `---`, as kubectl does before any YAML is read. What stands behind `---` may only be a remark. */
static void yaml_file(struct reader *r, const char *bytes, size_t length) {
  struct reader_chunk c = {.text = bytes, .file = r->files, .doc = 1, .line = 1};
  int line = 1;
  bool first = true;
  size_t control = first_control(bytes, length);
  if (control < length) {
    struct tree_at at = place_of(r, bytes, control);
    reader_note(r, "refuse", "text.control", NULL, &at, NULL);
    return;
  }
  for (const char *s = bytes, *end = bytes + length; s < end; line++) {
    const char *newline = memchr(s, '\n', (size_t)(end - s)), *next = newline ? newline + 1 : end;
    if (next - s >= 3 && !memcmp(s, "---", 3)) {
      const char *rest = s + 3;
      while (rest < next && strchr(" \t\r\n", *rest)) rest++;
      if (rest < next && *rest != '#') {
        struct tree_at at = {.file = c.file, .doc = c.doc, .line = line, .col = 1, .end_line = line, .end_col = 4};
        reader_note(r, "refuse", rest == s + 3 ? "yaml.marker" : "yaml.marker-rest", NULL, &at, NULL);
        return;
      }
      c.length = (size_t)(s - c.text);
      bool nothing = first && only_remarks(c.text, c.length);      /* the `---` that opens a file opens its first document */
      if (!nothing) {
        chunk(r, &c);
        c.doc++;
      }
      first = false;
      c.text = next;
      c.line = line + 1;
    }
    s = next;
  }
  c.length = (size_t)(bytes + length - c.text);
  chunk(r, &c);
}

void reader_file(struct reader *r, const char *name, const char *bytes, size_t length) {
  bool lab = r->kind != READER_HAND_IN;
  int files_max = lab ? LAB_FILES_MAX : CHECK_FILES_MAX;
  size_t bytes_max = lab ? LAB_BYTES_MAX : CHECK_BYTES_MAX;
  r->bytes += length;
  if (r->files >= files_max) {
    r->refused = true;
    if (r->documents >= 0) {
      struct tree *params = reader_note(r, "refuse", "files.many", NULL, NULL, NULL);
      tree_put_int(r->arena, params, "count", files_max + 1);
      tree_put_int(r->arena, params, "limit", files_max);
    }
    r->documents = -1;                                          /* said once */
    return;
  }
  r->file[r->files++] = arena_str(r->arena, name);
  if (r->bytes > bytes_max) {
    struct tree *params = reader_note(r, "refuse", "files.large", NULL, NULL, NULL);
    tree_put(r->arena, params, "size", tree_string(r->arena, arena_printf(r->arena, "%zu KiB", (r->bytes + 1023) / 1024)));
    tree_put(r->arena, params, "limit", tree_string(r->arena, arena_printf(r->arena, "%zu KiB", bytes_max / 1024)));
    return;
  }
  if (!text_is_fine(r, &bytes, &length)) return;
  bytes = arena_strn(r->arena, bytes, length);                 /* a NUL behind it: the scans above rely on it */
  size_t blank = strspn(bytes, " \t\r\n");
  if (blank == length || only_space(bytes, length)) return;
  if (bytes[blank] == '{') {
    size_t n = strlen(name);
    bool must = n > 5 && !strcmp(name + n - 5, ".json");
    struct reader_chunk c = {.text = bytes, .length = length, .file = r->files, .doc = 1, .line = 1};
    struct tree *list = NULL;
    enum reader_json got = reader_json(r, &c, must, &list);
    if (got == READER_JSON_OK) {
      int doc = 1;
      for (struct tree *value = list->child, *next; value; value = next, doc++) {
        next = value->next;
        value->next = NULL;
        take(r, value, r->files, doc);
      }
    }
    if (got != READER_NOT_JSON) return;
    struct tree_at at = {.file = r->files, .line = 1, .col = 1};
    reader_note(r, "info", "yaml.like-json", NULL, &at, NULL);
  }
  yaml_file(r, bytes, length);
}

void reader_end(struct reader *r) {
  if (r->kind == READER_HAND_IN && !r->refused && !r->docs->count) reader_note(r, "fail", "files.empty", NULL, NULL, NULL);
}
