/* format: what the readers of labs/ share: mistakes said with file, line and cure, and fields taken from trees by tables.
 * A mistake never stops the reading: all of a folder are told at once. One struct format per edition, on one thread. */
#ifndef MAKMAL_DOMAIN_FORMAT_H
#define MAKMAL_DOMAIN_FORMAT_H
#include <stdbool.h>
#include <stddef.h>
#include "domain/catalog.h"

struct format { struct arena *arena; struct problem *list; size_t count, room; };

/* Adds a problem: key of a sentence in web/words, then name, value, name, value …, NULL. line 0: the whole file. file and key must outlive the arena or lie in it. */
void format_say(struct format *format, const char *file, int line, const char *key, ...) __attribute__((sentinel));
/* The same with a map of parameters that is there already (findings of the reader). */
void format_say_params(struct format *format, const char *file, int line, const char *key, struct tree *params);
/* The sentences of all problems (problem.text) in `lang`. Call once, when words are there. */
void format_word(struct format *format, const struct words *words, enum lang lang);

enum field_type { FIELD_ANY, FIELD_TEXT, FIELD_INT, FIELD_BOOL, FIELD_LIST, FIELD_MAP, FIELD_PAIR /* {en, ms}, both with text */, FIELD_TEXTS /* list of texts */, FIELD_WORD /* one of `words` */ };
struct format_field { const char *name; enum field_type type; bool needed; const char *words; /* FIELD_WORD: "files live both" */ };
/* Checks a map against a table that ends with {0}: unknown fields (with the nearest name), missing ones, wrong types. False when something was said. */
bool format_fields(struct format *format, const char *file, const struct tree *map, const struct format_field *fields);
/* Takes {en, ms} apart. False (and said) when a language lacks; then the other stands in both. */
bool format_pair(struct format *format, const char *file, const struct tree *pair, const char *field, const char *out[LANG_COUNT]);
/* Texts of a list into the arena; anything else is left out (format_fields has said it). */
const char **format_texts(struct format *format, const struct tree *list, size_t *out_count);

/* The word of a space-separated list that is at most two letters away from `name`, or NULL. In the arena. */
const char *format_near(struct arena *arena, const char *name, const char *words);
bool format_word_in(const char *word, const char *words);            /* is one of a space-separated list */
bool format_id(const char *text);                                    /* [a-z0-9] with single hyphens inside, at most 63: names of courses, modules, labs, steps, checks */
bool format_name(const char *text);                                  /* [a-z][a-z0-9]*: names of parameters */
int format_line_of(const char *text, size_t length, const char *needle);   /* 1-based line of the first occurrence, 0 when there is none */

/* ${name} and {name} in a text. Calls fn for each, in order; dollar says which of the two. */
void format_placeholders(const char *text, void (*fn)(void *ctx, const char *name, bool dollar), void *ctx);
/* Says each ${name} that is neither a parameter of the lab nor the platform's. fixed_line: 0 = lines are counted in the text. */
void format_undeclared(struct format *format, const char *file, int fixed_line, const char *text, const struct lab *lab);
#define FORMAT_PLATFORM_PARAMS "namespace host nodeport ingressclass"
#endif
