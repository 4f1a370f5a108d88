/* lint: what an author did wrong in labs/, said with file, line and cure: all that keeps a lab closed (course, lab, lesson), and what only an author can
 * judge by: texts that differ, values written out, images the embedded cluster lacks, cases that prove nothing. Reads; never writes. */
#ifndef MAKMAL_DOMAIN_LINT_H
#define MAKMAL_DOMAIN_LINT_H
#include "domain/catalog.h"
struct lint_spec {
  const char *labs, *library, *words;     /* folders, as for catalog_open */
  const char *images;                     /* cluster/images/list; NULL: images are not looked at */
  const char *only;                       /* a folder under labs: problems of others are left out; NULL: all */
  struct check_pool *pool;
  enum lang lang;                         /* of problem.text */
};
/* *out: by file and line, in the arena. *out_looked: how many labs were looked at. False when there is nothing to work with (no library, words or checker). */
bool lint_run(const struct lint_spec *spec, struct arena *arena, const struct problem **out, size_t *out_count, size_t *out_looked, struct err *err);
#endif
