/* lint_inside: the parts of lint, each a room of its own. All say what they find and return nothing. */
#ifndef MAKMAL_DOMAIN_LINT_INSIDE_H
#define MAKMAL_DOMAIN_LINT_INSIDE_H
#include "domain/shelf.h"

/* lint_text.c: steps, words and pages: both languages alike, no value written out, nothing unused. */
void lint_texts(struct format *format, const struct lab_bench *bench, const struct tree *words);
/* Fences that differ between the two languages of a text. */
void lint_fences(struct format *format, const struct folder_file *en, const struct folder_file *ms);
/* ${names} and {names} that stand in one text and not in the other. */
void lint_pair(struct format *format, const char *file, int line, const char *name, const char *en, const char *ms);

/* lint_script.c: checks.lua: globals nobody declared, logic beside a comparison, words that are missing or unused. allowed: what the library exports. */
void lint_script(struct format *format, const struct lab_bench *bench, const struct tree *words, const char *allowed);
const char *lint_exports(struct arena *arena, const struct edition *edition);

/* lint_cases.c: cases.yaml against the lab. */
void lint_cases(struct format *format, const struct lab_bench *bench, const struct tree *cases);

/* lint_objects.c: set-up and solution: images, size, names that nothing tells the learner. images: read by lint_images. */
struct lint_images { struct { const char *name, *tags; } row[200]; size_t count; };
bool lint_images_read(struct arena *arena, const char *path, struct lint_images *out, struct err *err);
bool lint_image_known(const struct lint_images *images, const char *reference);
void lint_objects(struct format *format, const struct lab_bench *bench, const struct lint_images *images);

/* lint_quota.c: kinds that nobody may hand in, and what set-up and solution take of the quota. */
void lint_quota(struct format *format, const struct lab_bench *bench);
#endif
