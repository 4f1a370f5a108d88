/* scalar: the table of plain scalars, each as kubectl reads it. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "check/worker/scalar.h"

static void reads_a_plain_scalar_as_kubectl_does(void **state) {
  (void)state;
  static const struct { const char *text, *json; } rows[] = {
    {"y", "true"}, {"Y", "true"}, {"yes", "true"}, {"Yes", "true"}, {"YES", "true"}, {"on", "true"}, {"On", "true"}, {"ON", "true"}, {"true", "true"}, {"True", "true"},
    {"TRUE", "true"}, {"n", "false"}, {"N", "false"}, {"no", "false"}, {"No", "false"}, {"NO", "false"}, {"off", "false"}, {"Off", "false"}, {"OFF", "false"},
    {"false", "false"}, {"False", "false"}, {"FALSE", "false"},
    {"yES", "\"yES\""}, {"nO", "\"nO\""}, {"oN", "\"oN\""}, {"tRUE", "\"tRUE\""}, {"truely", "\"truely\""},
    {"", "null"}, {"~", "null"}, {"null", "null"}, {"Null", "null"}, {"NULL", "null"}, {"nULL", "\"nULL\""},
    {"012", "10"}, {"0o14", "12"}, {"0O14", "12"}, {"0x1f", "31"}, {"0X1F", "31"}, {"0b11", "3"}, {"08", "8"}, {"09.5", "9.5"}, {"1_000", "1000"}, {"1__0", "10"},
    {"+5", "5"}, {"-0", "0"}, {"0", "0"}, {"00", "0"}, {"-012", "-10"}, {"+0x1F", "31"}, {"-08", "-8"}, {"_1", "\"_1\""}, {"0x", "\"0x\""}, {"0x_1F", "31"},
    {"1e3", "1000"}, {"1E3", "1000"}, {"1.10", "1.1"}, {".5", "0.5"}, {"1.", "1"}, {"+.5", "0.5"}, {"-.5e-3", "-0.0005"}, {"685_230.15", "685230.15"},
    {"1e400", "\"1e400\""}, {"0b12", "\"0b12\""}, {"1e", "\"1e\""}, {".", "\".\""}, {"=", "\"=\""}, {"-", "\"-\""}, {"+", "\"+\""}, {"1e+", "\"1e+\""}, {"1.2.3", "\"1.2.3\""},
    {".5.", "\".5.\""}, {"..", "\"..\""},
    {"22:22", "\"22:22\""}, {"2024-01-02", "\"2024-01-02\""}, {"2024-01-02T03:04:05Z", "\"2024-01-02T03:04:05Z\""}, {"190:20:30", "\"190:20:30\""},
    {"9223372036854775807", "9223372036854775807"}, {"-9223372036854775808", "-9223372036854775808"}, {"9007199254740993", "9007199254740993"},
    {"0x7fffffffffffffff", "9223372036854775807"}, {"1e21", "1e+21"}, {"1e20", "100000000000000000000"}, {"0.000001234", "0.000001234"}, {"1e-7", "1e-7"},
    {"0.1e1", "1"}, {"123456789.123", "123456789.123"}, {"64Mi", "\"64Mi\""}, {"500m", "\"500m\""}, {"1.29", "1.29"}, {"0xFFFFFFFFFFFFFFFFFF", "\"0xFFFFFFFFFFFFFFFFFF\""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree tree = {0};
    struct buf out;
    buf_init(&out, 1000);
    if (scalar_resolve(arena, rows[i].text, strlen(rows[i].text), &tree) != SCALAR_FINE) fail_msg("`%s` carries a note", rows[i].text);
    tree_write(&out, &tree);
    if (strcmp(out.data, rows[i].json)) fail_msg("`%s`: got %s, want %s", rows[i].text, out.data, rows[i].json);
    buf_release(&out);
    arena_free(arena);
  }
}

static void tells_where_a_number_cannot_be_kept(void **state) {
  (void)state;
  static const struct { const char *text; enum scalar_note note; const char *read_as; } rows[] = {
    {"9223372036854775808", SCALAR_LOSES_DIGITS, "9223372036854776000"}, {"18446744073709551615", SCALAR_LOSES_DIGITS, "18446744073709552000"},
    {"99999999999999999999", SCALAR_LOSES_DIGITS, "100000000000000000000"}, {"-9223372036854775809", SCALAR_LOSES_DIGITS, "-9223372036854776000"},
    {"0777777777777777777777777", SCALAR_LOSES_DIGITS, "7.777777777777778e+23"},
    {".inf", SCALAR_NOT_FINITE, "0"}, {"-.INF", SCALAR_NOT_FINITE, "0"}, {".NaN", SCALAR_NOT_FINITE, "0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree tree = {0};
    assert_int_equal(scalar_resolve(arena, rows[i].text, strlen(rows[i].text), &tree), rows[i].note);
    assert_string_equal(tree.text, rows[i].read_as);
    arena_free(arena);
  }
}

static void keys_become_text_as_kubectl_makes_them(void **state) {
  (void)state;
  static const struct { const char *text, *key; } rows[] = {
    {"yes", "true"}, {"off", "false"}, {"1", "1"}, {"0x10", "16"}, {"1.5", "1.5"}, {"1e10", "1e+10"}, {"100000.", "100000"}, {"1e20", "1e+20"},
    {"1234567.8", "1.2345678e+06"}, {"0.00001", "1e-05"}, {"22:22", "22:22"}, {"1e60", ".inf"}, {"-1e60", "-.inf"}, {"1e-60", "0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree tree = {0};
    scalar_resolve(arena, rows[i].text, strlen(rows[i].text), &tree);
    tree.raw = rows[i].text;
    assert_string_equal(scalar_key(arena, &tree), rows[i].key);
    arena_free(arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_a_plain_scalar_as_kubectl_does), cmocka_unit_test(tells_where_a_number_cannot_be_kept), cmocka_unit_test(keys_become_text_as_kubectl_makes_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
