/* words: catalogues of messages, kept in one hash table. Read-only once filled, then any thread. */
#include "base/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"

#define MESSAGE_CAP (16u * 1024u)

struct message { const char *key; struct { const char *one, *other; } text[LANG_COUNT]; };
struct words { struct arena *arena; struct message *slot; size_t room, count; const struct words *below; };

const char *lang_code(enum lang lang) { return lang == LANG_MS ? "ms" : "en"; }

bool lang_parse(const char *code, enum lang *out) {
  if (!code || (strncmp(code, "en", 2) && strncmp(code, "ms", 2)) || (code[2] && code[2] != '-' && code[2] != '_')) return false;
  *out = code[0] == 'm' ? LANG_MS : LANG_EN;
  return true;
}

struct words *words_new(void) {
  struct words *words = calloc(1, sizeof *words);
  if (!words) abort();
  words->arena = arena_new(0);
  return words;
}

struct words *words_new_over(const struct words *below) {
  struct words *words = words_new();
  words->below = below;
  return words;
}

void words_free(struct words *words) {
  if (!words) return;
  arena_free(words->arena);
  free(words->slot);
  free(words);
}

static uint64_t hash(const char *key) {                 /* FNV-1a */
  uint64_t h = 14695981039346656037u;
  for (; *key; key++) h = (h ^ (unsigned char)*key) * 1099511628211u;
  return h;
}

static struct message *seek(const struct words *words, const char *key) {
  if (!words->room) return NULL;
  size_t i = hash(key) & (words->room - 1);
  while (words->slot[i].key && strcmp(words->slot[i].key, key)) i = (i + 1) & (words->room - 1);
  return &words->slot[i];
}

/* The message here, or in the catalogue below, and so on; NULL when nobody has it. */
static const struct message *find(const struct words *words, const char *key) {
  for (; words; words = words->below) {
    const struct message *message = seek(words, key);
    if (message && message->key) return message;
  }
  return NULL;
}

static struct message *claim(struct words *words, const char *key) {
  if (words->count * 2 >= words->room) {
    struct message *old = words->slot;
    size_t room = words->room;
    words->room = room ? room * 2 : 256;
    if (!(words->slot = calloc(words->room, sizeof *words->slot))) abort();
    for (size_t i = 0; i < room; i++) if (old[i].key) *seek(words, old[i].key) = old[i];
    free(old);
  }
  struct message *message = seek(words, key);
  if (!message->key) {
    message->key = arena_str(words->arena, key);
    words->count++;
  }
  return message;
}

static bool put(struct words *words, enum lang lang, const char *key, const struct tree *text, struct err *err) {
  const char *one = text && text->type == TREE_STRING ? text->text : tree_text(text, "one");
  const char *other = text && text->type == TREE_STRING ? text->text : tree_text(text, "other");
  if (!other) {
    err_set(err, ERR_INVALID, "words.text", "message %s has no text in %s", key, lang_code(lang));
    err_param(err, "name", "%s", key);
    return err_param(err, "language", "%s", lang_code(lang));
  }
  struct message *message = claim(words, key);
  message->text[lang].other = arena_str(words->arena, other);
  message->text[lang].one = one ? arena_str(words->arena, one) : message->text[lang].other;
  return true;
}

bool words_add(struct words *words, enum lang lang, const struct tree *catalogue, struct err *err) {
  TREE_EACH(item, catalogue) if (!put(words, lang, item->key, item, err)) return false;
  return true;
}

bool words_add_pairs(struct words *words, const struct tree *pairs, struct err *err) {
  TREE_EACH(item, pairs)
    for (int lang = 0; lang < LANG_COUNT; lang++) {
      const struct tree *text = tree_get(item, lang_code((enum lang)lang));
      if (text && !put(words, (enum lang)lang, item->key, text, err)) return false;
    }
  return true;
}

bool words_has(const struct words *words, enum lang lang, const char *key) {
  const struct message *message = find(words, key);
  return message && message->text[lang].other;
}

static void add_value(struct buf *out, const struct tree *value) {
  if (value->type == TREE_STRING || value->type == TREE_NUMBER) buf_add(out, value->text, value->length);
  else tree_write_plain(out, value);
}

const char *words_text(struct arena *arena, const struct words *words, enum lang lang, const char *key, const struct tree *params, enum lang *out_lang) {
  const struct message *message = find(words, key);
  enum lang used = lang;
  if (message && !message->text[lang].other) used = lang == LANG_EN ? LANG_MS : LANG_EN;
  if (out_lang) *out_lang = used;
  if (!message || !message->text[used].other) return arena_str(arena, key);
  const char *text = tree_int(params, "count", 0) == 1 ? message->text[used].one : message->text[used].other;
  if (!strchr(text, '{')) return text;
  struct buf out;
  buf_init(&out, MESSAGE_CAP);
  while (*text) {
    size_t plain = strcspn(text, "{");
    buf_add(&out, text, plain);
    text += plain;
    if (!*text) break;
    size_t n = strcspn(text, "}");
    char name[64];
    const struct tree *value = NULL;
    if (text[n] == '}' && n - 1 < sizeof name) {
      memcpy(name, text + 1, n - 1);
      name[n - 1] = 0;
      value = tree_get(params, name);
    }
    if (value) {
      add_value(&out, value);
      text += n + 1;
    } else {
      buf_char(&out, *text++);
    }
  }
  const char *done = arena_strn(arena, out.data, out.len);
  buf_release(&out);
  return done;
}

const char *words_err(struct arena *arena, const struct words *words, enum lang lang, const struct err *err) {
  struct tree *params = tree_new(arena, TREE_MAP);
  for (int i = 0; i < err->params; i++) tree_set(arena, params, err->param[i].name, tree_string(arena, err->param[i].value));
  return words_text(arena, words, lang, err->key, params, NULL);
}
