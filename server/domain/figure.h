/* figure: an SVG of figures/ made fit to stand inside a page: checked (no script, no outside link, no fixed colour, both languages), cut to one
 * language, its ids made unique. The strict subset of SVG that we draw by hand, not any SVG. Pure; any thread with its own format. */
#ifndef MAKMAL_DOMAIN_FIGURE_H
#define MAKMAL_DOMAIN_FIGURE_H
#include "domain/format.h"
#define FIGURE_BYTES_MAX (64u * 1024u)
struct figure { const char *svg, *title, *desc; };      /* markup to put inline; texts in plain form (not escaped) */
/* name: the file's name without ".svg", put before every id. An element with lang="xx" is kept in that language only. What is wrong is said with its
 * line; false when the figure cannot be shown. */
bool figure_read(struct format *format, const char *file, const char *svg, size_t length, const char *name, enum lang lang, struct figure *out);
#endif
