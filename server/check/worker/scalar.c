/* scalar: the table of plain scalars (README of check/) as code. The order of the tries matters and is kubectl's own: words, whole number by its prefix, float, 0b. */
#include "check/worker/scalar.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static void set_text(struct tree *out, enum tree_type type, const char *text) {
  out->type = type;
  out->text = text;
  out->length = strlen(text);
}

static bool one_of(const char *text, const char *const *words) {
  for (; *words; words++) if (!strcmp(text, *words)) return true;
  return false;
}

static bool resolve_word(const char *text, struct tree *out, enum scalar_note *note) {
  static const char *const yes[] = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE", NULL};
  static const char *const no[] = {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE", NULL};
  static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};
  static const char *const odd[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL};
  if (one_of(text, yes) || one_of(text, no)) {
    out->type = TREE_BOOL;
    out->flag = one_of(text, yes);
    return true;
  }
  if (one_of(text, null)) {
    out->type = TREE_NULL;
    return true;
  }
  if (one_of(text, odd)) {
    set_text(out, TREE_NUMBER, "0");
    *note = SCALAR_NOT_FINITE;
    return true;
  }
  return false;
}

/* Digits of `base` alone, up to 64 bits; *over: it was a number, but too large. */
static bool digits(const char *s, unsigned base, uint64_t *out, bool *over) {
  uint64_t v = 0;
  if (!*s) return false;
  for (; *s; s++) {
    unsigned d = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0') : (*s | 32) >= 'a' && (*s | 32) <= 'z' ? (unsigned)((*s | 32) - 'a') + 10 : 99;
    if (d >= base) return false;
    if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)d, &v)) {
      *over = true;
      v = UINT64_MAX;
    }
  }
  *out = v;
  return true;
}

static enum scalar_note whole(struct arena *arena, bool minus, uint64_t v, struct tree *out) {
  if (minus ? v <= (uint64_t)1 << 63 : v <= INT64_MAX) {
    set_text(out, TREE_NUMBER, v == 0 ? "0" : arena_printf(arena, "%s%llu", minus ? "-" : "", (unsigned long long)v));
    return SCALAR_FINE;
  }
  set_text(out, TREE_NUMBER, scalar_double(arena, minus ? -(double)v : (double)v));
  return SCALAR_LOSES_DIGITS;
}

/* Whole number with Go's prefixes 0x 0o 0b 0. A minus goes with 64 signed bits only. */
static bool resolve_whole(struct arena *arena, const char *s, struct tree *out, enum scalar_note *note) {
  bool minus = *s == '-', sign = minus || *s == '+', over = false;
  if (sign) s++;
  unsigned base = 10;
  const char *body = s;
  if (*s == '0' && s[1]) {
    char mark = (char)(s[1] | 32);
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 8;
    body = mark == 'x' || mark == 'o' || mark == 'b' ? s + 2 : s + 1;
  }
  uint64_t v;
  if (!digits(body, base, &v, &over) || over) return false;
  if (sign && v > (minus ? (uint64_t)1 << 63 : (uint64_t)INT64_MAX)) return false;      /* a sign rules out the unsigned reading; the float is tried next */
  *note = whole(arena, minus, v, out);
  return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_like_float(const char *s) {
  if (*s == '-' || *s == '+') s++;
  const char *start = s;
  while (*s >= '0' && *s <= '9') s++;
  bool front = s > start;
  if (*s == '.') {
    const char *fraction = ++s;
    while (*s >= '0' && *s <= '9') s++;
    if (!front && s == fraction) return false;
  } else if (!front) return false;
  if (*s == 'e' || *s == 'E') {
    s++;
    if (*s == '-' || *s == '+') s++;
    const char *exponent = s;
    while (*s >= '0' && *s <= '9') s++;
    if (s == exponent) return false;
  }
  return !*s;
}

static bool resolve_float(struct arena *arena, const char *s, struct tree *out, enum scalar_note *note) {
  if (!looks_like_float(s)) return false;
  double v = strtod(s, NULL);
  if (!isfinite(v)) return false;                              /* 1e400 is text */
  set_text(out, TREE_NUMBER, scalar_double(arena, v));
  if (!strpbrk(s, ".eE")) *note = SCALAR_LOSES_DIGITS;         /* only digits, and yet not a 64 bit number */
  if (!strpbrk(s, ".eE") && fabs(v) < 9e15) *note = SCALAR_FINE;   /* 08 */
  return true;
}

enum scalar_note scalar_resolve(struct arena *arena, const char *text, size_t length, struct tree *out) {
  enum scalar_note note = SCALAR_FINE;
  if (length <= 5 && resolve_word(text, out, &note)) return note;
  out->type = TREE_STRING;
  out->text = text;
  out->length = length;
  if (!length || length > 400) return note;
  bool digit = *text >= '0' && *text <= '9';
  if (*text == '.') {
    resolve_float(arena, text, out, &note);
    return note;
  }
  if (!digit && *text != '-' && *text != '+') return note;
  char plain[401], *to = plain;
  for (const char *s = text; *s; s++) if (*s != '_') *to++ = *s;
  *to = 0;
  if (resolve_whole(arena, plain, out, &note) || resolve_float(arena, plain, out, &note)) return note;
  return note;
}

/* Shortest digits of v (positive, finite, not 0) that read back; *out_point: value = 0.digits * 10^point. */
static size_t shortest(double v, bool single, char digits_out[20], int *out_point) {
  char text[40];
  int most = single ? 9 : 17;
  for (int n = 1; n <= most; n++) {
    snprintf(text, sizeof text, "%.*e", n - 1, v);
    if (n == most || (single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)) break;
  }
  char *e = strchr(text, 'e');
  *out_point = atoi(e + 1) + 1;
  size_t n = 0;
  for (char *s = text; s < e; s++) if (*s != '.') digits_out[n++] = *s;
  while (n > 1 && digits_out[n - 1] == '0') n--;
  digits_out[n] = 0;
  return n;
}

static const char *format(struct arena *arena, double value, bool single, bool exponent_wanted(int), int exponent_least) {
  static const char zeros[] = "000000000000000000000000";
  if (value == 0) return "0";
  bool minus = value < 0;
  char d[20];
  int point;
  size_t n = shortest(minus ? -value : value, single, d, &point);
  const char *sign = minus ? "-" : "";
  if (exponent_wanted(point - 1)) {
    int e = point - 1;
    return arena_printf(arena, "%s%c%s%se%c%0*d", sign, d[0], n > 1 ? "." : "", d + 1, e < 0 ? '-' : '+', exponent_least, e < 0 ? -e : e);
  }
  if (point <= 0) return arena_printf(arena, "%s0.%.*s%s", sign, -point, zeros, d);
  if ((size_t)point >= n) return arena_printf(arena, "%s%s%.*s", sign, d, point - (int)n, zeros);
  return arena_printf(arena, "%s%.*s.%s", sign, point, d, d + point);
}

static bool beyond_json(int e) { return e < -6 || e >= 21; }
static bool beyond_g(int e) { return e < -4 || e >= 6; }

const char *scalar_double(struct arena *arena, double value) { return format(arena, value, false, beyond_json, 1); }

enum scalar_note scalar_json_number(struct arena *arena, const char *text, const char **out) {
  if (!strpbrk(text, ".eE")) {
    struct tree number = {0};
    bool minus = *text == '-', over = false;
    uint64_t v;
    if (digits(text + minus, 10, &v, &over) && !over) {
      enum scalar_note note = whole(arena, minus, v, &number);
      *out = number.text;
      return note;
    }
  }
  double v = strtod(text, NULL);
  if (!isfinite(v)) return SCALAR_NOT_FINITE;
  *out = scalar_double(arena, v);
  return strpbrk(text, ".eE") ? SCALAR_FINE : SCALAR_LOSES_DIGITS;
}

static bool was_float(const struct tree *t) {
  const char *raw = t->raw ? t->raw : t->text;
  return strpbrk(t->text, ".eE") || (strpbrk(raw, ".eE") && !strpbrk(raw, "xX"));
}

const char *scalar_key(struct arena *arena, const struct tree *scalar) {
  switch (scalar->type) {
    case TREE_BOOL: return scalar->flag ? "true" : "false";
    case TREE_NUMBER: {
      float single = strtof(scalar->text, NULL);
      if (!was_float(scalar)) return scalar->text;
      return isfinite(single) ? format(arena, (double)single, true, beyond_g, 2) : single < 0 ? "-.inf" : ".inf";
    }
    case TREE_STRING: return scalar->text;
    default: return NULL;
  }
}
