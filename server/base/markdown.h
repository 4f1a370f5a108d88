/* markdown: course Markdown (libcmark-gfm with tables) to HTML, never UNSAFE. Course text only, 256 KiB a file; never what a learner wrote. Any thread. */
#ifndef MAKMAL_BASE_MARKDOWN_H
#define MAKMAL_BASE_MARKDOWN_H
#include <stdbool.h>
#include <stddef.h>
struct arena; struct buf; struct err;
struct markdown_heading { int level; const char *id; const char *text; };
struct markdown_hooks {
  /* Asked for each fenced block: info = "yaml file=a.yaml", literal = its text. Return true if HTML for it was added to out. */
  bool (*fence)(void *ctx, const char *info, const char *literal, struct buf *out);
  /* Asked for each image (![alt](url)) that stands alone in its paragraph. Return true if HTML was added. */
  bool (*image)(void *ctx, const char *url, const char *alt, struct buf *out);
  /* Heading ids come from here when set (so that ids survive a change of language): index counts from 0. NULL return: made from the text. */
  const char *(*heading_id)(void *ctx, int index);
  void *ctx;
};
bool markdown_init(void);                                    /* once, before threads */
/* headings (may be NULL): list of headings in the arena. */
bool markdown_html(struct arena *arena, const char *text, size_t length, const struct markdown_hooks *hooks, struct buf *out,
                   struct markdown_heading **out_headings, size_t *out_heading_count, struct err *err);
#endif
