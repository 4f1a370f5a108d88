/* fraction: see the header. 128 bits in between, so that sums of reduced 64-bit fractions do not wrap. */
#include "domain/fraction.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/tree.h"

static __int128 gcd(__int128 a, __int128 b) {
  while (b) {
    __int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? -a : a;
}

struct fraction fraction_of(__int128 top, __int128 bottom) {
  __int128 by = gcd(top, bottom);
  if (by > 1) {
    top /= by;
    bottom /= by;
  }
  return (struct fraction){(int64_t)top, (int64_t)bottom};
}

struct fraction fraction_add(struct fraction a, struct fraction b) {
  return fraction_of((__int128)a.top * b.bottom + (__int128)b.top * a.bottom, (__int128)a.bottom * b.bottom);
}

void fraction_text(struct fraction f, char out[48]) {
  if (f.bottom == 1) snprintf(out, 48, "%" PRId64, f.top);
  else snprintf(out, 48, "%" PRId64 "/%" PRId64, f.top, f.bottom);
}

bool fraction_parse(const char *text, struct fraction *out) {
  int64_t top = 0, bottom = 1;
  int end = 0;
  if (!text || sscanf(text, "%18" SCNd64 "%n", &top, &end) != 1) return false;
  if (text[end] == '/') {
    const char *rest = text + end + 1;
    if (sscanf(rest, "%18" SCNd64 "%n", &bottom, &end) != 1 || bottom <= 0 || rest[end]) return false;
  } else if (text[end]) {
    return false;
  }
  *out = fraction_of(top, bottom);
  return true;
}

struct tree *fraction_number(struct arena *arena, const char *text) {
  struct fraction f;
  if (!fraction_parse(text, &f)) return NULL;
  if (f.bottom == 1) return tree_number(arena, f.top);
  __int128 scaled = ((__int128)f.top * 20000 / f.bottom + 1) / 2;
  char digits[48];
  int n = snprintf(digits, sizeof digits, "%lld.%04lld", (long long)(scaled / 10000), (long long)(scaled % 10000));
  while (digits[n - 1] == '0') digits[--n] = 0;
  if (digits[n - 1] == '.') digits[--n] = 0;
  struct tree *number = tree_new(arena, TREE_NUMBER);
  number->text = arena_str(arena, digits);
  number->length = (size_t)n;
  return number;
}
