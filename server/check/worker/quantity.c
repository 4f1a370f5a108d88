/* quantity: digits into a small array of 32 bit parts, the suffix as powers of two and ten, one exact division at the end. */
#include "check/worker/quantity.h"

#include <stdio.h>
#include <string.h>

#define PARTS 40                           /* 1,280 bits: 200 digits and every suffix fit */
#define TEXT_MAX 200

struct big { uint32_t part[PARTS]; };

static bool multiply_add(struct big *big, uint32_t by, uint32_t add) {
  uint64_t carry = add;
  for (int i = 0; i < PARTS; i++) {
    carry += (uint64_t)big->part[i] * by;
    big->part[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return carry == 0;
}

/* Gives the rest. */
static uint32_t divide(struct big *big, uint32_t by) {
  uint64_t rest = 0;
  for (int i = PARTS - 1; i >= 0; i--) {
    rest = rest << 32 | big->part[i];
    big->part[i] = (uint32_t)(rest / by);
    rest %= by;
  }
  return (uint32_t)rest;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Suffix to binary and decimal exponent. */
static bool read_suffix(const char *s, size_t length, int *out_two, int *out_ten) {
  static const struct { const char *suffix; int two, ten; } rows[] = {
    {"", 0, 0}, {"n", 0, -9}, {"u", 0, -6}, {"m", 0, -3}, {"k", 0, 3}, {"M", 0, 6}, {"G", 0, 9}, {"T", 0, 12}, {"P", 0, 15}, {"E", 0, 18},
    {"Ki", 10, 0}, {"Mi", 20, 0}, {"Gi", 30, 0}, {"Ti", 40, 0}, {"Pi", 50, 0}, {"Ei", 60, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strlen(rows[i].suffix) != length || memcmp(rows[i].suffix, s, length)) continue;
    *out_two = rows[i].two;
    *out_ten = rows[i].ten;
    return true;
  }
  if (length < 2 || (*s != 'e' && *s != 'E')) return false;
  bool minus = s[1] == '-';
  size_t at = s[1] == '-' || s[1] == '+' ? 2 : 1;
  int exponent = 0;
  if (at >= length) return false;
  for (; at < length; at++) {
    if (!is_digit(s[at])) return false;
    if (exponent < 100000) exponent = exponent * 10 + (s[at] - '0');
  }
  *out_two = 0;
  *out_ten = minus ? -exponent : exponent;
  return true;
}

enum quantity_fault quantity_parse(const char *text, size_t length, struct quantity *out) {
  const char *s = text, *end = text + length;
  bool minus = false, any = false, zero = true;
  int fraction = 0, two, ten;
  struct big value = {{0}};
  if (length > TEXT_MAX) return QUANTITY_BAD;
  if (s < end && (*s == '-' || *s == '+')) minus = *s++ == '-';
  for (bool dot = false; s < end && (is_digit(*s) || (*s == '.' && !dot)); s++) {
    if (*s == '.') {
      dot = true;
      continue;
    }
    any = true;
    zero &= *s == '0';
    fraction += dot;
    multiply_add(&value, 10, (uint32_t)(*s - '0'));
  }
  if (!any || !read_suffix(s, (size_t)(end - s), &two, &ten)) return QUANTITY_BAD;
  if (zero) {
    out->nano = 0;
    return QUANTITY_FINE;
  }
  ten += 9 - fraction;
  if (ten > 60) return QUANTITY_LARGE;
  if (ten < -(2 * TEXT_MAX)) ten = -(2 * TEXT_MAX);            /* less than a unit in any case; it rounds up to one */
  for (; two > 0; two -= 10) if (!multiply_add(&value, 1024, 0)) return QUANTITY_LARGE;
  for (; ten > 0; ten--) if (!multiply_add(&value, 10, 0)) return QUANTITY_LARGE;
  bool rest = false;
  for (; ten < 0; ten++) rest |= divide(&value, 10) != 0;
  if (rest) multiply_add(&value, 1, 1);
  for (int i = 4; i < PARTS; i++) if (value.part[i]) return QUANTITY_LARGE;
  if (value.part[3] >> 31) return QUANTITY_LARGE;
  unsigned __int128 whole = 0;
  for (int i = 3; i >= 0; i--) whole = whole << 32 | value.part[i];
  out->nano = minus ? -(__int128)whole : (__int128)whole;
  return QUANTITY_FINE;
}

int quantity_compare(const struct quantity *a, const struct quantity *b) { return a->nano < b->nano ? -1 : a->nano > b->nano; }

static void put_whole(char *out, unsigned __int128 v, bool minus, const char *suffix) {
  char digits[44], *s = digits + sizeof digits - 1;
  *s = 0;
  do {
    *--s = (char)('0' + (int)(v % 10));
    v /= 10;
  } while (v);
  snprintf(out, QUANTITY_TEXT, "%s%s%s", minus ? "-" : "", s, suffix);
}

void quantity_text(const struct quantity *q, char out[QUANTITY_TEXT]) {
  static const char *const ten[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  static const char *const two[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  bool minus = q->nano < 0;
  unsigned __int128 v = minus ? -(unsigned __int128)q->nano : (unsigned __int128)q->nano;
  if (!v) {
    snprintf(out, QUANTITY_TEXT, "0");
    return;
  }
  unsigned __int128 d = v;
  int step = 0;
  for (; step < 9 && d % 1000 == 0; step++) d /= 1000;
  put_whole(out, d, minus, ten[step]);
  if (v % 1000000000) return;
  unsigned __int128 b = v / 1000000000;
  int power = 0;
  for (; power < 6 && b % 1024 == 0; power++) b /= 1024;
  char other[QUANTITY_TEXT];
  put_whole(other, b, minus, two[power]);
  if (power && strlen(other) < strlen(out)) snprintf(out, QUANTITY_TEXT, "%s", other);
}

bool duration_parse(const char *text, size_t length, int64_t *out_ms) {
  static const struct { const char *unit; int64_t ns; } rows[] = {
    {"ns", 1}, {"us", 1000}, {"µs", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
  };
  const char *s = text, *end = text + length;
  bool minus = false;
  __int128 total = 0;
  if (length > 64) return false;
  if (s < end && (*s == '-' || *s == '+')) minus = *s++ == '-';
  if (end - s == 1 && *s == '0') {
    *out_ms = 0;
    return true;
  }
  if (s == end) return false;
  while (s < end) {
    __int128 value = 0, scale = 1;
    bool any = false;
    for (bool dot = false; s < end && (is_digit(*s) || (*s == '.' && !dot)); s++) {
      if (*s == '.') {
        dot = true;
        continue;
      }
      any = true;
      if (dot && scale >= 1000000000000) continue;             /* finer than a unit can tell */
      if (dot) scale *= 10;
      value = value * 10 + (*s - '0');
      if (value > (__int128)1 << 90) return false;
    }
    size_t unit = 0;
    while (s + unit < end && !is_digit(s[unit]) && s[unit] != '.') unit++;
    size_t i = 0;
    while (i < sizeof rows / sizeof *rows && (strlen(rows[i].unit) != unit || memcmp(rows[i].unit, s, unit))) i++;
    if (!any || i == sizeof rows / sizeof *rows) return false;
    total += value * rows[i].ns / scale;
    if (total > INT64_MAX) return false;
    s += unit;
  }
  *out_ms = (int64_t)((minus ? -total : total) / 1000000);
  return true;
}
