/* hint: the rule of ladders, as a pure function; what opens and lists them stands in progress.h. */
#ifndef MAKMAL_DOMAIN_HINT_H
#define MAKMAL_DOMAIN_HINT_H
#include <stdbool.h>
struct lab_hint;
enum hint_rule { HINT_OPEN /* was opened, or may be now */, HINT_ORDER /* the one before it comes first */, HINT_EARLY };
/* rung counts from 1. opened: the highest rung opened so far. tries: handed in and not passed (an error is no try). What is left of both ways goes to
 * *out_tries and *out_minutes (0: that way does not lead here); either is enough. */
enum hint_rule hint_rule(const struct lab_hint *hint, int rung, int opened, int tries, int minutes, int *out_tries, int *out_minutes);
#endif
