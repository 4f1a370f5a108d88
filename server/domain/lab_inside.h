/* lab_inside: what lab.c and lab_text.c share. */
#ifndef MAKMAL_DOMAIN_LAB_INSIDE_H
#define MAKMAL_DOMAIN_LAB_INSIDE_H
#include "domain/folder.h"
/* Adds a ladder of hints to the lab: rungs is a list of one to three {after?, en, ms}. */
bool lab_ladder(struct format *format, const char *file, const char *key, const struct tree *rungs, struct lab *lab);
#endif
