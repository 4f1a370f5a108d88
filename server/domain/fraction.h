/* fraction: points are exact: reduced fractions, as text "7/2". Pure; any thread. */
#ifndef MAKMAL_DOMAIN_FRACTION_H
#define MAKMAL_DOMAIN_FRACTION_H
#include <stdbool.h>
#include <stdint.h>
struct fraction { int64_t top, bottom; };
struct fraction fraction_of(__int128 top, __int128 bottom);            /* reduced; bottom > 0 */
struct fraction fraction_add(struct fraction a, struct fraction b);
bool fraction_parse(const char *text, struct fraction *out);           /* "7/2", "3"; false: no fraction, *out untouched */
struct arena; struct tree;
struct tree *fraction_number(struct arena *arena, const char *text);   /* to show: four places at most, half up; NULL: no fraction */
void fraction_text(struct fraction f, char out[48]);
#endif
