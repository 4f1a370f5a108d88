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

/* Order of 100,000 random pairs against doubles, where doubles can tell. */
static void keeps_order(void **state) {
  (void)state;
  static const struct { const char *suffix; double factor; } suffix[] = {
    {"", 1}, {"m", 1e-3}, {"u", 1e-6}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824}, {"e2", 100}, {"E-2", 0.01},
  };
  srand(11);
  for (int i = 0; i < 100000; i++) {
    struct quantity q[2];
    double v[2];
    for (int k = 0; k < 2; k++) {
      char text[64];
      size_t s = (size_t)rand() % (sizeof suffix / sizeof *suffix);
      int whole = rand() % 2000 - 1000, thousandth = rand() % 1000;
      snprintf(text, sizeof text, "%s%d.%03d%s", whole < 0 ? "-" : "", abs(whole), thousandth, suffix[s].suffix);
      q[k] = parse(text);
      v[k] = (abs(whole) + thousandth / 1000.0) * suffix[s].factor * (whole < 0 ? -1 : 1);
    }
    double gap = v[0] - v[1], size = (v[0] < 0 ? -v[0] : v[0]) + (v[1] < 0 ? -v[1] : v[1]);
    if (gap > size * 1e-12 + 2e-9) assert_true(quantity_compare(&q[0], &q[1]) > 0);
    if (gap < -size * 1e-12 - 2e-9) assert_true(quantity_compare(&q[0], &q[1]) < 0);
  }
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
    cmocka_unit_test(takes_what_the_api_takes), cmocka_unit_test(refuses_what_the_api_refuses), cmocka_unit_test(never_wraps), cmocka_unit_test(keeps_order),
    cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(reads_durations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
