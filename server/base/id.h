/* id: ULID (48 bit ms, 80 random), 26 characters of lower-case Crockford base32, sorting by time, monotonic within a process. Any thread. */
#ifndef MAKMAL_BASE_ID_H
#define MAKMAL_BASE_ID_H
#include <stdbool.h>
#include <stddef.h>
#define ID_SIZE 27
void id_new(char out[ID_SIZE]);
bool id_valid(const char *text);
/* n random characters of that alphabet, NUL behind; out has room for n + 1. For namespaces, join codes, return keys, install ids. */
void id_random(char *out, size_t n);
/* Folds what people type into out (room for n + 1): case, hyphens and spaces dropped, i l -> 1, o -> 0. False when a character is foreign or the length differs from n. */
bool id_fold(const char *typed, size_t n, char *out);
#endif
