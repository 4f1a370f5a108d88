/* utf8: is it well formed (RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF)? Pure; any thread. */
#ifndef MAKMAL_BASE_UTF8_H
#define MAKMAL_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
size_t utf8_step(const char *s, size_t n);              /* bytes of the character at s (n bytes left, n > 0), or 0 when it is none */
bool utf8_valid(const char *bytes, size_t length);      /* NUL counts as a character */
#endif
