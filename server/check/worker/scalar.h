/* scalar: what a plain scalar means to kubectl (YAML 1.1 without base 60 and dates), numbers as canonical JSON text, keys as text. Pure functions. */
#ifndef MAKMAL_CHECK_WORKER_SCALAR_H
#define MAKMAL_CHECK_WORKER_SCALAR_H
#include <stdbool.h>
#include <stddef.h>
#include "base/tree.h"

struct arena;

enum scalar_note {
  SCALAR_FINE,
  SCALAR_LOSES_DIGITS,        /* a whole number beyond 2^63-1: kept as the nearest double */
  SCALAR_NOT_FINITE,          /* .inf, .nan: JSON has no such number */
};
/* Fills type, flag, text and length of *out. */
enum scalar_note scalar_resolve(struct arena *arena, const char *text, size_t length, struct tree *out);
/* A double as Go's JSON writes it, which is how kubectl sends it: shortest digits that read back, exponent below 1e-6 and from 1e21. */
const char *scalar_double(struct arena *arena, double value);
/* The canonical text of a JSON number: whole numbers stay as they are (within 64 bits), others through a double. */
enum scalar_note scalar_json_number(struct arena *arena, const char *text, const char **out);
/* A resolved scalar as the key it becomes: true, 1, 16; floats (by `raw`) in single precision, as kubectl does it. NULL for null. */
const char *scalar_key(struct arena *arena, const struct tree *scalar);
#endif
