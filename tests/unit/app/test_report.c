/* report: what writers share, on values that no lab gives them every day. The formats as a whole are tested by tests/command. */
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "app/hand_in.h"
#include "app/report.h"
#include "app/unpack.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

static void fractions_become_decimals_rounded_half_up(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const char *const rows[][2] = {{"0", "0"}, {"7/2", "3.5"}, {"2/3", "0.6667"}, {"1/3", "0.3333"}, {"1/20000", "0.0001"}, {"1/20001", "0"}, {"10", "10"}, {"100", "100"}, {"1999999/20000", "100"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_string_equal(report_decimal(arena, rows[i][0]), rows[i][1]);
  assert_null(report_decimal(arena, NULL));
  assert_null(report_decimal(arena, "x"));
  arena_free(arena);
}

static const char *made(void (*make)(struct buf *, const char *), struct buf *out, const char *text) {
  buf_reset(out);
  make(out, text);
  return out->data;
}

static void text_is_made_fit_for_xml_and_for_a_terminal(void **state) {
  (void)state;
  struct buf out;
  buf_init(&out, 4096);
  assert_string_equal(made(report_xml, &out, "a<b>&\"'\n\t"), "a&lt;b&gt;&amp;&quot;'&#10;&#9;");
  assert_string_equal(made(report_xml, &out, "\x01\x1b[2J"), "\xEF\xBF\xBD\xEF\xBF\xBD[2J");
  assert_string_equal(made(report_xml, &out, "\xEF\xBF\xBF|\xff|\xC3\xA9"), "\xEF\xBF\xBD|\xEF\xBF\xBD|\xC3\xA9");
  assert_string_equal(made(report_clean, &out, "a\nb\x1b[0m\x7f"), "a\nb\xEF\xBF\xBD[0m\xEF\xBF\xBD");
  assert_string_equal(made(report_clean, &out, "\xC2\x9B" "31m\xC2\xA0"), "\xEF\xBF\xBD" "31m\xC2\xA0");       /* a control character of two bytes; a space of two */
  buf_release(&out);
}

static void a_place_becomes_an_address(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct report_row row = {.path = "class/a b.zip", .base = "class/a b.zip/top"};
  assert_string_equal(report_uri(arena, &row, "web#1.yaml"), "class/a%20b.zip/top/web%231.yaml");
  assert_string_equal(report_uri(arena, &row, NULL), "class/a%20b.zip");
  row = (struct report_row){.path = "/srv/x", .base = "/srv/x"};
  assert_string_equal(report_uri(arena, &row, "\xC3\xA9.yaml"), "file:///srv/x/%C3%A9.yaml");
  row = (struct report_row){.path = "-", .base = ""};
  assert_string_equal(report_uri(arena, &row, "stdin.yaml"), "stdin.yaml");
  assert_string_equal(report_uri(arena, &row, NULL), "stdin.yaml");
  arena_free(arena);
}

static void archives_are_known_by_name_and_by_their_first_bytes(void **state) {
  (void)state;
  char tar[512] = "web.yaml";
  memcpy(tar + 257, "ustar", 5);
  assert_true(unpack_is_named("A.ZIP") && unpack_is_named("x.tar.gz") && unpack_is_named("x.tgz") && unpack_is_named("x.tar"));
  assert_false(unpack_is_named(".zip") || unpack_is_named("zip") || unpack_is_named("x.yaml") || unpack_is_named("x.gz"));
  assert_true(unpack_is_archive("PK\3\4", 4) && unpack_is_archive("\x1f\x8b", 2) && unpack_is_archive(tar, sizeof tar));
  assert_false(unpack_is_archive("kind: x", 7) || unpack_is_archive("PK", 2) || unpack_is_archive(tar, 200) || unpack_is_archive("", 0));
}

static bool all(const char *name) { return name != NULL; }

static void what_is_no_archive_is_refused_with_its_reason(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct unpacked *entry = NULL;
  size_t count = 7;
  struct err err = {0};
  char noise[4096];
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 2654435761u >> 13);
  for (size_t length = 0; length <= sizeof noise; length += 512) {
    bool ok = unpack(arena, noise, length, "x.zip", all, 1000, &entry, &count, &err);
    assert_true(ok ? count == 0 : err.code == ERR_INVALID && !strcmp(err.key, "archive.unreadable") && !strcmp(err.param[0].value, "x.zip") && err.params == 2);
  }
  arena_free(arena);
}

static void whose_it_is_comes_from_the_name(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const char *const rows[][2] = {{"class/aina", "aina"}, {"class/aina/", "aina"}, {"a.tar.gz", "a"}, {"a.b.ZIP", "a.b"}, {"/x/y.yaml", "y"}, {".zip", ".zip"}, {"/", ""}, {"a.txt", "a.txt"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_string_equal(hand_in_name(arena, rows[i][0]), rows[i][1]);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(fractions_become_decimals_rounded_half_up), cmocka_unit_test(text_is_made_fit_for_xml_and_for_a_terminal), cmocka_unit_test(a_place_becomes_an_address),
    cmocka_unit_test(archives_are_known_by_name_and_by_their_first_bytes), cmocka_unit_test(what_is_no_archive_is_refused_with_its_reason), cmocka_unit_test(whose_it_is_comes_from_the_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
