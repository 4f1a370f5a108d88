/* quantity: the API's spelling, exact values, order; durations. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/worker/quantity.h"

static struct quantity parse(const char *text) {
  struct quantity q = {0};
  if (quantity_parse(text, strlen(text), &q) != QUANTITY_FINE) fail_msg("%s was refused", text);
  return q;
}

static void takes_what_the_api_takes(void **state) {
  (void)state;
  static const struct { const char *text, *same, *shortest; } rows[] = {
    {"0", "0", "0"}, {"0n", "0", "0"}, {"-0", "0", "0"}, {"5", "5", "5"}, {"5.", "5", "5"}, {".5", "500m", "500m"}, {"0.5", "500m", "500m"}, {"-.5", "-500m", "-500m"},
    {"+5", "5", "5"}, {"005", "5", "5"}, {"1k", "1000", "1k"}, {"1M", "1e6", "1M"}, {"1G", "1e9", "1G"}, {"1T", "1e12", "1T"}, {"1P", "1E15", "1P"}, {"1E", "1e18", "1E"},
    {"1Ki", "1024", "1Ki"}, {"1Mi", "1048576", "1Mi"}, {"1Gi", "1073741824", "1Gi"}, {"1Ti", "1024Gi", "1Ti"}, {"1Pi", "1024Ti", "1Pi"}, {"1Ei", "1024Pi", "1Ei"},
    {"1.5Gi", "1536Mi", "1536Mi"}, {"0.5Mi", "512Ki", "512Ki"}, {"1n", "1e-9", "1n"}, {"1u", "1000n", "1u"}, {"100m", "0.1", "100m"}, {"1000m", "1", "1"}, {"1500m", "1.5", "1500m"},
    {"1e3", "1k", "1k"}, {"1E3", "1k", "1k"}, {"1e+3", "1k", "1k"}, {"1e-3", "1m", "1m"}, {"12e-1", "1.2", "1200m"}, {"64Mi", "67108864", "64Mi"}, {"128M", "128000000", "128M"},
    {"0.1n", "1n", "1n"}, {"1.1n", "2n", "2n"}, {"1e-1000", "1n", "1n"}, {"0.0000000001Ki", "103n", "103n"}, {"123456789012345678901234567", "123456789012345678901234567", "123456789012345678901234567"},
    {"0.000000000000000000000000000000000000000000000001", "1n", "1n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct quantity a = parse(rows[i].text), b = parse(rows[i].same);
    char text[QUANTITY_TEXT];
    if (quantity_compare(&a, &b)) fail_msg("%s is not %s", rows[i].text, rows[i].same);
    quantity_text(&a, text);
    if (strcmp(text, rows[i].shortest)) fail_msg("%s: %s", rows[i].text, text);
  }
}

static void refuses_what_the_api_refuses(void **state) {
  (void)state;
  static const char *const rows[] = {"", " ", "5 ", " 5", "5K", "5ki", "5kI", "5mm", "5Mib", "m", ".", "+", "-", "--5", "+-5", "5e", "5E+", "e3", "5e3e", "5e3Ki", "0x10", "1,5", "1..5", "1.5.2", "5B", "5i", "NaN", "inf", "1_000"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct quantity q;
    if (quantity_parse(rows[i], strlen(rows[i]), &q) != QUANTITY_BAD) fail_msg("'%s' was not refused", rows[i]);
  }
}

static void never_wraps(void **state) {
  (void)state;
  static const char *const rows[] = {"1e100", "1e99999999999", "999999999999999999999999999999999999999", "999999999999999Ei", "-1e100", "170141183460469231731687303716"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct quantity q;
    if (quantity_parse(rows[i], strlen(rows[i]), &q) != QUANTITY_LARGE) fail_msg("'%s' was taken", rows[i]);
  }
  char digits[500];
  memset(digits, '9', sizeof digits);
  struct quantity q;
  assert_int_equal(quantity_parse(digits, sizeof digits, &q), QUANTITY_BAD);
}

/* The oracle: numbers as people write them, digit by digit, `POINT` of them behind the point. Nothing is rounded until billionths are asked for. */
#define DIGITS 100
#define POINT 40
struct decimal { int digit[DIGITS]; bool minus; };                     /* the smallest digit first */

static void decimal_times(struct decimal *d, int by) {
  int carry = 0;
  for (int i = 0; i < DIGITS; i++) {
    carry += d->digit[i] * by;
    d->digit[i] = carry % 10;
    carry /= 10;
  }
  assert_int_equal(carry, 0);
}

/* WHOLE.FRACTION as text, times 1024 as often as `kibi` says, times ten to the `ten`. */
static struct decimal decimal_of(bool minus, const char *whole, const char *fraction, int kibi, int ten) {
  struct decimal d = {.minus = minus};
  int place = POINT + ten - 1;
  for (size_t i = strlen(whole); i > 0; i--) d.digit[POINT + ten + (int)(strlen(whole) - i)] = whole[i - 1] - '0';
  for (const char *c = fraction; *c; c++) d.digit[place--] = *c - '0';
  for (; kibi > 0; kibi--) decimal_times(&d, 1024);
  return d;
}

/* To billionths, away from zero. */
static void decimal_round_up(struct decimal *d) {
  bool rest = false;
  for (int i = 0; i < POINT - 9; i++) {
    rest |= d->digit[i] != 0;
    d->digit[i] = 0;
  }
  for (int i = POINT - 9; rest; i++) {
    rest = d->digit[i] == 9;
    d->digit[i] = rest ? 0 : d->digit[i] + 1;
  }
}

static int decimal_compare(const struct decimal *a, const struct decimal *b) {
  int order = 0, zero_a = 1, zero_b = 1;
  for (int i = DIGITS - 1; i >= 0; i--) {
    if (!order) order = (a->digit[i] > b->digit[i]) - (a->digit[i] < b->digit[i]);
    zero_a &= a->digit[i] == 0;
    zero_b &= b->digit[i] == 0;
  }
  if (a->minus && b->minus) return -order;
  if (a->minus != b->minus && !(zero_a && zero_b)) return a->minus ? -1 : 1;
  return order;
}

/* All that is there of it, written out: a sign, digits, a point, digits. */
static void decimal_text(const struct decimal *d, char out[DIGITS + 3]) {
  if (d->minus) *out++ = '-';
  for (int i = DIGITS - 1; i >= 0; i--) {
    *out++ = (char)('0' + d->digit[i]);
    if (i == POINT) *out++ = '.';
  }
  *out = 0;
}

static void random_digits(char *out, int most) {
  int n = rand() % (most + 1);
  for (int i = 0; i < n; i++) out[i] = (char)('0' + rand() % 10);
  out[n] = 0;
}

/* A random quantity in a random spelling, and what it is. */
static struct decimal random_quantity(char out[64]) {
  static const struct { const char *text; int kibi, ten; } suffix[] = {
    {"", 0, 0}, {"n", 0, -9}, {"u", 0, -6}, {"m", 0, -3}, {"k", 0, 3}, {"M", 0, 6}, {"G", 0, 9}, {"T", 0, 12}, {"P", 0, 15}, {"E", 0, 18},
    {"Ki", 1, 0}, {"Mi", 2, 0}, {"Gi", 3, 0}, {"Ti", 4, 0}, {"Pi", 5, 0}, {"Ei", 6, 0}, {"e2", 0, 2}, {"E-2", 0, -2}, {"e+11", 0, 11}, {"E-12", 0, -12}, {"e0", 0, 0},
  };
  char whole[16], fraction[20];
  size_t s = (size_t)rand() % (sizeof suffix / sizeof *suffix);
  bool minus = rand() % 2;
  random_digits(whole, 9);
  random_digits(fraction, *whole ? 15 : 14);
  if (!*whole && !*fraction) strcpy(fraction, "7");
  snprintf(out, 64, "%s%s%s%s%s", minus ? "-" : rand() % 2 ? "+" : "", whole, *fraction ? "." : "", fraction, suffix[s].text);
  struct decimal d = decimal_of(minus, whole, fraction, suffix[s].kibi, suffix[s].ten);
  decimal_round_up(&d);
  return d;
}

/* 100,000 pairs: every second one is the same value, or one a billionth beside it, written out in full; order and equality as the oracle has them. */
static void agrees_with_exact_arithmetic(void **state) {
  (void)state;
  int equal = 0;
  srand(11);
  for (int i = 0; i < 100000; i++) {
    char text[2][DIGITS + 3];
    struct decimal d[2] = {random_quantity(text[0])};
    if (i % 2) {
      d[1] = d[0];
      int *last = &d[1].digit[POINT - 9], beside = rand() % 3;
      if (beside == 1 && *last < 9) ++*last;
      if (beside == 2 && *last > 0) --*last;
      decimal_text(&d[1], text[1]);
    } else {
      d[1] = random_quantity(text[1]);
    }
    struct quantity q[2] = {parse(text[0]), parse(text[1])};
    int want = decimal_compare(&d[0], &d[1]), got = quantity_compare(&q[0], &q[1]);
    if ((want > 0) - (want < 0) != (got > 0) - (got < 0)) fail_msg("%s and %s: %d, not %d", text[0], text[1], got, want);
    equal += want == 0;
  }
  assert_true(equal > 15000 && equal < 50000);
}

/* What it writes it reads back as the same. */
static void writes_what_it_reads(void **state) {
  (void)state;
  srand(13);
  for (int i = 0; i < 20000; i++) {
    struct quantity q = {((__int128)rand() << 60) ^ ((__int128)rand() << 30) ^ rand()}, back;
    for (int n = rand() % 4; n > 0; n--) q.nano /= 1000003;
    if (rand() % 3 == 0) q.nano *= 1024 * 1024;
    if (rand() % 2) q.nano = -q.nano;
    char text[QUANTITY_TEXT];
    quantity_text(&q, text);
    back = parse(text);
    if (quantity_compare(&q, &back)) fail_msg("%s", text);
  }
}

static void reads_durations(void **state) {
  (void)state;
  static const struct { const char *text; long long ms; } rows[] = {{"30s", 30000}, {"1h30m", 5400000}, {"1.5s", 1500}, {"250ms", 250}, {"0", 0}, {"999us", 0}, {"1m1.001s", 61001}, {"-2s", -2000}, {"1µs", 0}, {".5m", 30000}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t ms = -1;
    if (!duration_parse(rows[i].text, strlen(rows[i].text), &ms) || ms != rows[i].ms) fail_msg("%s: %lld", rows[i].text, (long long)ms);
  }
  static const char *const bad[] = {"", "30", "s", "1x", "1s2", "1.s.", "1 s", "99999999999999h", "+", "1d"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    int64_t ms;
    if (duration_parse(bad[i], strlen(bad[i]), &ms)) fail_msg("'%s' was taken", bad[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_what_the_api_takes), cmocka_unit_test(refuses_what_the_api_refuses), cmocka_unit_test(never_wraps), cmocka_unit_test(agrees_with_exact_arithmetic),
    cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(reads_durations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
