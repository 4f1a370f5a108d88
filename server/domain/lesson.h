/* lesson: course Markdown to the HTML of a module page or a lab step: sections, code blocks, figures, quiz islands, cards of labs. Reads and prints
 * without scripts; the page's scripts find their hooks in data- attributes. Only what authors wrote, never a learner's text. */
#ifndef MAKMAL_DOMAIN_LESSON_H
#define MAKMAL_DOMAIN_LESSON_H
#include "domain/folder.h"
struct buf;
struct lesson_heading { const char *id, *text; };       /* the `##` headings */
struct lesson {
  struct format *format;
  const struct words *words; enum lang lang;
  const char *file;                                     /* for problems */
  const char *text; size_t length;
  /* A module's page alone; a step leaves them NULL. */
  const char *module;
  const struct folder *folder;                          /* where figures/ lies */
  const struct quiz_item *quiz; size_t quiz_count;
  unsigned *quiz_placed;                                /* counted per item: each stands once */
  const struct lab *const *labs; size_t lab_count;      /* those that can be opened */
  const char *const *lab_ids; size_t lab_id_count;      /* all the module names */
  const char *const *ids; size_t id_count;              /* heading ids of the English text; NULL while that is read */
};
/* out: the whole body. headings: every `##`; all_ids: of every heading, to be given to the other language. What is wrong is said; the HTML stands all the same. */
bool lesson_html(struct lesson *lesson, struct buf *out, struct lesson_heading **out_headings, size_t *out_heading_count, const char ***out_ids, size_t *out_id_count);
/* Text with `code` in it, escaped: for quiz items and goals. */
void lesson_inline(struct buf *out, const char *text);
#define LESSON_HTML_MAX (1024u * 1024u)
#endif
