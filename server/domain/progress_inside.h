/* progress_inside: what progress.c and hint.c share. */
#ifndef MAKMAL_DOMAIN_PROGRESS_INSIDE_H
#define MAKMAL_DOMAIN_PROGRESS_INSIDE_H
#include "domain/progress.h"
struct progress { struct db *db; struct catalog *catalog; };
#endif
