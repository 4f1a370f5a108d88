/* course, lesson: a module's page in both languages with its islands, figures and cards; what is wrong in quiz, page or course is said. */
#include "unit/cmocka_all.h"

#include "base/buf.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "domain/course.h"
#include "domain/lesson.h"
#include "unit/domain/folder_of.h"

#define MODULE "{\"format\": \"makmal.module/1\", \"title\": {\"en\": \"Services\", \"ms\": \"Service\"}, \"minutes\": 30, \"goals\": [{\"en\": \"wire\", \"ms\": \"sambung\"}], \"labs\": [\"mend\", {\"id\": \"ports\", \"was\": [\"old-ports\"]}]"
#define QUIZ(answers) "{\"format\": \"makmal.quiz/1\", \"items\": [{\"id\": \"q1\", \"en\": \"Port `80`?\", \"ms\": \"Port `80`?\", \"answers\": [" answers "]}]}"
#define RIGHT "{\"en\": \"service:80\", \"ms\": \"service:80\", \"right\": true}"
#define WRONG "{\"en\": \"a<b\", \"ms\": \"a<b\", \"betrays\": {\"en\": \"No.\", \"ms\": \"Tidak.\"}}"
#define SVG "<svg viewBox=\"0 0 1 1\"><title lang=\"en\">Ports</title><title lang=\"ms\">Port-port</title><desc lang=\"en\">A line.</desc><desc lang=\"ms\">Satu garis.</desc></svg>"

static const char page_en[] =
  "# Services\n\nIntroduction.\n\n## Why `a` stable address\n\nText.\n\n![The ports](figures/F15.svg)\n\n```yaml file=svc.yaml copy\nkind: Service # <x>\n## no heading\n```\n\n"
  "### Deeper\n\n## Check yourself\n\n```quiz q1\n```\n\n```lab\nmend\nports\n```\n\n```notes\nfor the presenter\n```\n";
static const char page_ms[] =
  "# Service\n\nPengenalan.\n\n## Mengapa alamat tetap\n\nTeks.\n\n![Port](figures/F15.svg)\n\n### Lebih dalam\n\n## Semak diri\n\n```quiz q1\n```\n\n```lab mend ports\n```\n";
static const struct text_file good[] = {
  {"module.yaml", MODULE ", \"covers\": [\"S45\"], \"was\": [\"service\"]}"}, {"page.en.md", page_en}, {"page.ms.md", page_ms}, {"quiz.yaml", QUIZ(RIGHT ", " WRONG)}, {"figures/F15.svg", SVG},
};
#define GOOD (sizeof good / sizeof *good)

struct made { struct arena *arena; struct format format; struct words *words; struct module_plan plan; bool ok; };

static struct made make(const struct text_file *changes, size_t change_count) {
  struct made made = {.arena = arena_new(0), .words = words_new()};
  made.format.arena = made.arena;
  static const char words[] =
    "{\"lesson.output\": {\"en\": \"Output\", \"ms\": \"Keluaran\"}, \"lesson.text-version\": {\"en\": \"Text version\", \"ms\": \"Versi teks\"}, \"lesson.answer\": {\"en\": \"Answer\", \"ms\": \"Jawapan\"},"
    " \"lesson.question\": {\"en\": \"Question {number}\", \"ms\": \"Soalan {number}\"}, \"lesson.lab\": {\"en\": \"Lab: {title}\", \"ms\": \"Makmal: {title}\"}, \"lesson.lab-away\": {\"en\": \"{lab} away\", \"ms\": \"{lab} tiada\"}}";
  struct tree *pairs;
  struct err err;
  assert_true(tree_parse(made.arena, words, sizeof words - 1, 0, &pairs, &err));
  assert_true(words_add_pairs(made.words, pairs, &err));
  struct text_file files[GOOD + 4];
  size_t n = changed_files(good, GOOD, changes, change_count, files);
  struct folder folder = folder_of(made.arena, "labs/k/services", files, n);
  made.ok = module_decode(&made.format, &folder, "k", &made.plan);
  static struct lab mend = {.id = "mend", .title = {"Mend & fix", "Baiki"}, .minutes = 15, .points = 10};
  static const struct lab *labs[] = {&mend};
  made.plan.module.labs = labs;
  made.plan.module.lab_count = 1;
  if (made.plan.module.id) made.ok &= module_page(&made.format, &folder, made.words, &made.plan);
  return made;
}
static void unmake(struct made *made) {
  arena_free(made->arena);
  words_free(made->words);
}
static void has(const char *html, const char *piece) {
  if (!strstr(html, piece)) fail_msg("lacks %s in %s", piece, html);
}

static void a_module_page_stands_in_both_languages(void **state) {
  (void)state;
  struct made made = make(NULL, 0);
  if (made.format.count) fail_msg("%s:%d: %s", made.format.list[0].file, made.format.list[0].line, made.format.list[0].key);
  assert_true(made.ok);
  const struct module *module = &made.plan.module;
  const char *en = module->html[LANG_EN], *ms = module->html[LANG_MS];
  assert_null(strstr(en, "<h1"));
  has(en, "<section class=\"part\" aria-labelledby=\"why-a-stable-address\">\n<h2 id=\"why-a-stable-address\">Why a stable address</h2>");
  has(ms, "<h2 id=\"why-a-stable-address\">Mengapa alamat tetap</h2>");      /* a link survives a change of language */
  has(ms, "<h3 id=\"deeper\">Lebih dalam</h3>");
  assert_int_equal(module->heading_count, 2);
  assert_string_equal(module->headings[1].text[LANG_MS], "Semak diri");
  has(en, "<figure class=\"figure\" id=\"f15\">\n<svg class=\"figure-svg\"");
  has(en, "<figcaption>The ports</figcaption>\n<details class=\"figure-text\"><summary>Text version</summary><p>A line.</p></details>");
  has(ms, "<p>Satu garis.</p>");
  has(en, "<span class=\"code-file\">svc.yaml</span></div><pre tabindex=\"0\" data-copy data-file=\"svc.yaml\"><code class=\"language-yaml\">kind: Service # &lt;x&gt;\n## no heading\n</code>");
  has(en, "data-island=\"quiz\" data-props='{\"item\":\"q1\",\"module\":\"services\"}'");
  has(en, "<p class=\"quiz-text\">Port <code>80</code>?</p>");
  has(en, "<li data-answer=\"1\">a&lt;b</li>");
  has(ms, "<strong>service:80</strong>");
  has(ms, "Tidak.");
  has(en, "<p class=\"lab-card-title\">Lab: Mend &amp; fix</p>");
  has(en, "href=\"/lab/mend\"");
  has(en, "ports away");                                                     /* named, but left out for a mistake of its own */
  assert_null(strstr(en, "presenter"));
  assert_string_equal(made.plan.labs[1].was[0], "old-ports");
  assert_string_equal(made.plan.was[0], "service");
  unmake(&made);
}

static void each_mistake_in_a_module_is_said(void **state) {
  (void)state;
  static const struct { const char *sentence; struct text_file change; const char *key; bool opens; } rows[] = {
    {"two right answers", {"quiz.yaml", QUIZ(RIGHT ", " RIGHT)}, "lint.quiz-one-right", false},
    {"no right answer", {"quiz.yaml", QUIZ(WRONG ", " WRONG)}, "lint.quiz-one-right", false},
    {"one answer alone", {"quiz.yaml", QUIZ(RIGHT)}, "lint.quiz-answers", false},
    {"a wrong answer that betrays nothing", {"quiz.yaml", QUIZ(RIGHT ", {\"en\": \"a\", \"ms\": \"a\"}")}, "lint.quiz-betrays", false},
    {"a right answer that betrays", {"quiz.yaml", QUIZ(WRONG ", {\"en\": \"a\", \"ms\": \"a\", \"right\": true, \"betrays\": {\"en\": \"x\", \"ms\": \"x\"}}")}, "lint.quiz-right-betrays", false},
    {"an answer in one language", {"quiz.yaml", QUIZ(RIGHT ", {\"en\": \"a\", \"betrays\": {\"en\": \"x\", \"ms\": \"x\"}}")}, "lint.field-missing", false},
    {"a lab twice", {"module.yaml", "{\"format\": \"makmal.module/1\", \"title\": {\"en\": \"S\", \"ms\": \"S\"}, \"minutes\": 30, \"goals\": [], \"labs\": [\"mend\", \"mend\", \"ports\"]}"}, "lint.lab-twice", false},
    {"no goals", {"module.yaml", "{\"format\": \"makmal.module/1\", \"title\": {\"en\": \"S\", \"ms\": \"S\"}, \"minutes\": 30, \"labs\": [\"mend\", \"ports\"]}"}, "lint.field-missing", false},
    {"a page in one language", {"page.ms.md", NULL}, "lint.file-missing", false},
    {"a question that is not asked", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```lab mend\n```\n"}, "lint.quiz-unplaced", true},
    {"a question asked twice", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1 q1\n```\n"}, "lint.quiz-placed-twice", true},
    {"a question nobody wrote", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1 q7\n```\n"}, "lint.quiz-unknown", true},
    {"a lab of another module", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1\n```\n\n```lab other\n```\n"}, "lint.lab-unknown", true},
    {"a quiz fence without ids", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz\n```\n"}, "lint.fence-ids", true},
    {"headings that differ", {"page.ms.md", "## a\n\n## c\n\n```quiz q1\n```\n"}, "lint.headings-differ", true},
    {"a figure that is not there", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1\n```\n\n![x](figures/F99.svg)\n"}, "lint.figure-missing", true},
    {"a picture in a sentence", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1\n```\n\nsee ![x](figures/F15.svg)\n"}, "lint.image-inline", true},
    {"a first heading inside", {"page.ms.md", "## a\n\n### b\n\n# c\n\n```quiz q1\n```\n"}, "lint.heading-one", true},
    {"two headings alike", {"page.en.md", "## a\n\n### b\n\n## a\n\n```quiz q1\n```\n"}, "lint.heading-twice", true},
    {"a bare fence", {"page.ms.md", "## a\n\n### b\n\n## c\n\n```quiz q1\n```\n\n```\nx\n```\n"}, "lint.fence-bare", true},
    {"a figure with a fixed colour", {"figures/F15.svg", "<svg viewBox=\"0 0 1 1\" fill=\"red\"></svg>"}, "lint.figure-colour", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct made made = make(&rows[i].change, 1);
    if (!said(&made.format, rows[i].key)) fail_msg("%s: said %s", rows[i].sentence, made.format.count ? made.format.list[0].key : "nothing");
    if (made.ok != rows[i].opens) fail_msg("%s: open is %d", rows[i].sentence, made.ok);
    unmake(&made);
  }
}

static void the_right_answer_stands_in_every_place_as_often(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct format format = {.arena = arena};
  struct words *words = words_new();
  struct quiz_answer answers[3] = {{.right = true, .text = {"r", "r"}}, {.text = {"x", "x"}, .betrays = {"b", "b"}}, {.text = {"y", "y"}, .betrays = {"b", "b"}}};
  struct quiz_item items[6];
  char text[200] = "```quiz";
  for (int i = 0; i < 6; i++) {
    items[i] = (struct quiz_item){.id = arena_printf(arena, "q%d", i), .text = {"t", "t"}, .answers = answers, .answer_count = 3};
    strcat(strcat(text, " "), items[i].id);
  }
  strcat(text, "\n```\n");
  unsigned placed[6] = {0};
  struct lesson lesson = {.format = &format, .words = words, .file = "p", .text = text, .length = strlen(text), .module = "m", .quiz = items, .quiz_count = 6, .quiz_placed = placed};
  struct buf html;
  buf_init(&html, LESSON_HTML_MAX);
  assert_true(lesson_html(&lesson, &html, NULL, NULL, NULL, NULL));
  int place[3] = {0}, nth = 0;
  for (const char *at = html.data; (at = strstr(at, "<li data-answer=\"")); at += 17, nth++) if (at[17] == '0') place[nth % 3]++;
  assert_int_equal(nth, 18);
  for (int i = 0; i < 3; i++) assert_int_equal(place[i], 2);
  buf_release(&html);
  words_free(words);
  arena_free(arena);
}

static void a_course_names_its_modules_in_order(void **state) {
  (void)state;
  static const struct { const char *text, *key; bool ok; } rows[] = {
    {"{\"format\": \"makmal.course/1\", \"title\": {\"en\": \"K\", \"ms\": \"K\"}, \"summary\": {\"en\": \"s\", \"ms\": \"r\"}, \"modules\": [\"why\", \"services\"]}", NULL, true},
    {"{\"format\": \"makmal.course/1\", \"title\": {\"en\": \"K\", \"ms\": \"K\"}, \"summary\": {\"en\": \"s\"}, \"modules\": []}", "lint.language", false},
    {"{\"format\": \"makmal.course/1\", \"title\": {\"en\": \"K\", \"ms\": \"K\"}, \"summary\": {\"en\": \"s\", \"ms\": \"r\"}, \"modules\": [1]}", "lint.field-texts", false},
    {"{\"format\": \"makmal.course/1\", \"title\": {\"en\": \"K\", \"ms\": \"K\"}, \"summary\": {\"en\": \"s\", \"ms\": \"r\"}, \"modules\": [], \"complete\": true}", "lint.slides-missing", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct format format = {.arena = arena};
    struct text_file file = {"course.yaml", rows[i].text};
    struct folder folder = folder_of(arena, "labs/kubernetes", &file, 1);
    struct course_plan plan = {0};
    assert_int_equal(course_decode(&format, &folder, &plan), rows[i].ok);
    if (rows[i].key) assert_non_null(said(&format, rows[i].key));
    else assert_string_equal(plan.modules[1], "services");
    arena_free(arena);
  }
}

static void inline_code_is_escaped_and_a_lone_mark_stays(void **state) {
  (void)state;
  static const struct { const char *text, *want; } rows[] = {
    {"a `b<c` d", "a <code>b&lt;c</code> d"}, {"a ` b", "a ` b"}, {"`x`", "<code>x</code>"}, {"``", "<code></code>"}, {"`a` and `", "<code>a</code> and `"}, {"", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct buf out;
    buf_init(&out, 4096);
    lesson_inline(&out, rows[i].text);
    assert_string_equal(out.data, rows[i].want);
    buf_release(&out);
  }
}

int main(void) {
  secret_init();
  markdown_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_module_page_stands_in_both_languages), cmocka_unit_test(each_mistake_in_a_module_is_said),
    cmocka_unit_test(the_right_answer_stands_in_every_place_as_often), cmocka_unit_test(a_course_names_its_modules_in_order),
    cmocka_unit_test(inline_code_is_escaped_and_a_lone_mark_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
