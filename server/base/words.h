/* words: message key + language + parameters to text. Catalogues are JSON or trees {key: {en, ms, …}}; en and ms are equal in rank.
 * A message is plain text with {name}; "{count|one|other}" is not supported: a key may instead have "one" and "other" forms chosen by param count. */
#ifndef MAKMAL_BASE_WORDS_H
#define MAKMAL_BASE_WORDS_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct buf; struct err; struct tree;
enum lang { LANG_EN, LANG_MS, LANG_COUNT };
const char *lang_code(enum lang lang);                      /* "en", "ms" */
bool lang_parse(const char *code, enum lang *out);          /* also "ms-MY", "en-GB" */
struct words;
struct words *words_new(void);
/* A catalogue that looks its misses up in `below`, which must outlive it: a lab's own words over everybody's. */
struct words *words_new_over(const struct words *below);
void words_free(struct words *words);
/* Adds {key: "text", …} for one language. A later catalogue wins. Values may be {one, other}. */
bool words_add(struct words *words, enum lang lang, const struct tree *catalogue, struct err *err);
/* Adds {key: {en: text | {one, other}, ms: …, hints?: […]}, …}; other members are ignored. */
bool words_add_pairs(struct words *words, const struct tree *pairs, struct err *err);
bool words_has(const struct words *words, enum lang lang, const char *key);
/* Text in the arena. Missing in `lang`: the other language, *out_lang says which was used (may be NULL). Missing in both: the key itself.
 * params: a map tree (strings, numbers, bools) or NULL; an unknown {name} stays as written. */
const char *words_text(struct arena *arena, const struct words *words, enum lang lang, const char *key, const struct tree *params, enum lang *out_lang);
const char *words_err(struct arena *arena, const struct words *words, enum lang lang, const struct err *err);
#endif
