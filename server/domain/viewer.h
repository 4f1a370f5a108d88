/* viewer: who asks. Every domain function that touches somebody's rows takes one; "may this person see this row" is asked there. */
#ifndef MAKMAL_DOMAIN_VIEWER_H
#define MAKMAL_DOMAIN_VIEWER_H
#include <stdbool.h>
#include "base/id.h"
#include "base/words.h"
enum role { ROLE_NONE, ROLE_LEARNER, ROLE_INSTRUCTOR, ROLE_ADMIN };      /* nested: an administrator may do what an instructor may */
struct viewer {
  char person[ID_SIZE];        /* "" when nobody is signed in */
  char name[244];              /* 60 characters of up to 4 bytes */
  enum role role;
  char workshop[ID_SIZE];      /* the workshop this person joined, or "" */
  char login[ID_SIZE];
  enum lang lang;
};
static inline bool viewer_is(const struct viewer *viewer, enum role at_least) { return viewer && viewer->role >= at_least; }
#endif
