/* figure: what a drawing may hold, that one file serves both languages, that two drawings on a page do not meet. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "base/arena.h"
#include "domain/figure.h"

#define OPEN "<svg viewBox=\"0 0 10 10\"><title lang=\"en\">Ports</title><title lang=\"ms\">Port</title><desc lang=\"en\">One &amp; two.</desc><desc lang=\"ms\">Satu  \n dua.</desc>"

static bool read_it(struct format *format, const char *svg, enum lang lang, struct figure *out) { return figure_read(format, "F15.svg", svg, strlen(svg), "F15", lang, out); }

static void one_drawing_serves_both_languages(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct format format = {.arena = arena};
  struct figure en, ms;
  const char *svg = "<?xml version=\"1.0\"?>\n<!-- ours -->\n" OPEN "<g><text lang=\"en\">caller</text><text lang=\"ms\">pemanggil</text><text>Pod</text></g></svg>\n";
  assert_true(read_it(&format, svg, LANG_EN, &en));
  assert_true(read_it(&format, svg, LANG_MS, &ms));
  assert_int_equal(format.count, 0);
  assert_string_equal(en.title, "Ports");
  assert_string_equal(en.desc, "One & two.");
  assert_string_equal(ms.desc, "Satu dua.");
  assert_non_null(strstr(en.svg, "<text>caller</text><text>Pod</text>"));
  assert_null(strstr(en.svg, "pemanggil"));
  assert_non_null(strstr(ms.svg, "<text>pemanggil</text>"));
  assert_non_null(strstr(ms.svg, "<svg class=\"figure-svg\" role=\"img\" aria-labelledby=\"f15-title\" viewBox=\"0 0 10 10\"><title id=\"f15-title\">Port</title>"));
  arena_free(arena);
}

static void ids_carry_the_name_of_their_figure(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct format format = {.arena = arena};
  struct figure figure;
  assert_true(read_it(&format, OPEN "<defs><marker id=\"arrow\"/></defs><use href=\"#arrow\"/><path stroke=\"var(--text)\" marker-end=\"url(#arrow)\"/></svg>", LANG_EN, &figure));
  assert_non_null(strstr(figure.svg, "<marker id=\"f15-arrow\"/>"));
  assert_non_null(strstr(figure.svg, "href=\"#f15-arrow\""));
  assert_non_null(strstr(figure.svg, "marker-end=\"url(#f15-arrow)\""));
  arena_free(arena);
}

static void says_what_does_not_belong_in_a_page(void **state) {
  (void)state;
  static const struct { const char *sentence, *svg, *key; int line; } rows[] = {
    {"a script", OPEN "\n<script>x</script></svg>", "lint.figure-script", 3},
    {"a handler", OPEN "<g onclick=\"x()\"/></svg>", "lint.figure-script", 2},
    {"HTML inside", OPEN "<foreignObject/></svg>", "lint.figure-script", 2},
    {"a link to the outside", OPEN "<use href=\"https://example.org/a.svg#b\"/></svg>", "lint.figure-link", 2},
    {"a paint from outside", OPEN "<rect fill=\"url(//example.org/#b)\"/></svg>", "lint.figure-link", 2},
    {"a picture", OPEN "<image href=\"#x\"/></svg>", "lint.figure-element", 2},
    {"a fixed colour, which one theme cannot show", OPEN "<rect fill=\"#ff0000\"/></svg>", "lint.figure-colour", 2},
    {"a named colour", OPEN "<path stroke=\"black\"/></svg>", "lint.figure-colour", 2},
    {"a fixed fallback colour", OPEN "<path stroke=\"var(--a,red)\"/></svg>", "lint.figure-colour", 2},
    {"a style sheet, which the page's policy blocks", OPEN "<style>a{}</style></svg>", "lint.figure-style", 2},
    {"a style attribute", OPEN "<g style=\"fill:red\"/></svg>", "lint.figure-style", 2},
    {"a text in one language alone", OPEN "<text lang=\"en\">a</text></svg>", "lint.figure-languages", 1},
    {"a language nobody reads here", OPEN "<text lang=\"fr\">a</text></svg>", "lint.figure-language", 2},
    {"a title for both languages at once", "<svg viewBox=\"0 0 1 1\"><title>T</title><desc lang=\"en\">d</desc><desc lang=\"ms\">d</desc></svg>", "lint.figure-own-text", 1},
    {"no text version", "<svg viewBox=\"0 0 1 1\"><title lang=\"en\">T</title><title lang=\"ms\">T</title></svg>", "lint.figure-text", 1},
    {"no size to scale from", "<svg><title lang=\"en\">T</title><title lang=\"ms\">T</title><desc lang=\"en\">d</desc><desc lang=\"ms\">d</desc></svg>", "lint.figure-viewbox", 1},
    {"an element left open", OPEN "<g></svg>", "lint.figure-tag", 2},
    {"an end that is missing", OPEN, "lint.figure-tag", 2},
    {"entities of one's own", "<!DOCTYPE svg [<!ENTITY a \"b\">]>" OPEN "</svg>", "lint.figure-declaration", 1},
    {"an entity nobody knows", OPEN "<text>&nbsp;</text></svg>", "lint.figure-entity", 2},
    {"no SVG at all", "hello", "lint.figure-root", 1},
    {"a second root", OPEN "</svg><svg viewBox=\"0 0 1 1\"/>", "lint.figure-root", 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct format format = {.arena = arena};
    struct figure figure = {0};
    if (read_it(&format, rows[i].svg, LANG_EN, &figure)) fail_msg("%s: was taken", rows[i].sentence);
    if (!format.count || strcmp(format.list[0].key, rows[i].key)) fail_msg("%s: said %s", rows[i].sentence, format.count ? format.list[0].key : "nothing");
    if (format.list[0].line != rows[i].line) fail_msg("%s: line %d", rows[i].sentence, format.list[0].line);
    assert_null(figure.svg);
    arena_free(arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_drawing_serves_both_languages), cmocka_unit_test(ids_carry_the_name_of_their_figure), cmocka_unit_test(says_what_does_not_belong_in_a_page)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
