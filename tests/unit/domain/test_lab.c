/* lab: a whole lab folder is taken, each mistake is said with its own key and keeps the lab closed, all mistakes are told at once. */
#include "unit/cmocka_all.h"

#include "base/markdown.h"
#include "base/secret.h"
#include "domain/lab.h"
#include "domain/lab_params.h"
#include "unit/domain/folder_of.h"

static const char good_lab[] =
  "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"Mend\", \"ms\": \"Baiki\"}, \"kubernetes\": \">=1.30\", \"cluster\": [\"nodes\"], \"paper\": true, \"covers\": [\"S07\", \"C33\"],"
  " \"minutes\": 15, \"size\": \"small\", \"pods\": \"baseline\", \"hand-in\": \"both\", \"params\": {\"n\": {\"int\": [100, 399], \"example\": 117}, \"app\": {\"name\": [\"kedai\"]}},"
  " \"hints\": [{\"en\": \"a\", \"ms\": \"b\"}, {\"after\": {\"minutes\": 5}, \"en\": \"c\", \"ms\": \"d\"}, {\"after\": {\"tries\": 3}, \"en\": \"e\", \"ms\": \"f\"}], \"wait\": \"60s\"}";
static const char good_checks[] =
  "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mend\"},"
  " {\"id\": \"endpoints\", \"points\": 4, \"on\": \"live\", \"step\": \"mend\", \"needs\": [\"selector\"]}, {\"id\": \"answers\", \"points\": 3, \"on\": \"live\", \"step\": \"prove\"}]";
static const struct text_file good[] = {
  {"lab.yaml", good_lab},
  {"words.yaml", "{\"selector.title\": {\"en\": \"Selectors\", \"ms\": \"Pemilih\"}, \"endpoints.title\": {\"en\": \"Endpoints\", \"ms\": \"Titik hujung\"},"
                 " \"answers.title\": {\"en\": \"Answers\", \"ms\": \"Jawapan\"}, \"selector.wide\": {\"en\": {\"one\": \"{count} Pod\", \"other\": \"{count} Pods\"}, \"ms\": \"{count} Pod\"},"
                 " \"path.missing\": {\"hints\": [{\"en\": \"g\", \"ms\": \"h\"}]}}"},
  {"checks.lua", "check \"selector\" {}\ncheck \"endpoints\" {}\n\ncheck \"answers\" {}\n"},
  {"steps/10-mend.en.md", "# Mend them\n\nService `front` finds `front-${n}`.\n\n```sh run copy\nkubectl get pods -l app=<x>\n```\n"},
  {"steps/10-mend.ms.md", "# Baiki\n\nService `front` mencari `front-${n}`.\n"},
  {"steps/20-prove.en.md", "# Prove it\n\nIn ${namespace}.\n"},
  {"steps/20-prove.ms.md", "# Buktikan\n\nDalam ${namespace}.\n"},
  {"setup/a.yaml", "kind: Service\n"},
  {"starter/front.yaml", "app: front-${n} # ${app}\n"},
  {"solution/front.yaml", "app: front-${n}\n"},
};
#define GOOD (sizeof good / sizeof *good)

struct made { struct arena *arena; struct format format; struct lab lab; struct words *below; bool ok; };

static struct tree *json(struct arena *arena, const char *text) {
  struct tree *tree = NULL;
  struct err err = {0};
  if (!tree_parse(arena, text, strlen(text), 0, &tree, &err)) fail_msg("%s: %s", text, err.key);
  return tree;
}

static struct made make(const struct text_file *changes, size_t change_count, const char *checks) {
  struct made made = {.arena = arena_new(0), .below = words_new()};
  made.format.arena = made.arena;
  struct err err;
  assert_true(words_add_pairs(made.below, json(made.arena, "{\"path.missing\": {\"en\": \"m\", \"ms\": \"m\"}, \"lesson.output\": {\"en\": \"Output\", \"ms\": \"Keluaran\"}}"), &err));
  struct text_file files[GOOD + 4];
  size_t n = changed_files(good, GOOD, changes, change_count, files);
  struct folder folder = folder_of(made.arena, "labs/k/services/mend", files, n);
  made.ok = lab_decode(&made.format, &folder, "k", "services", &made.lab);
  if (!made.lab.meta) return made;
  made.ok &= lab_steps(&made.format, &folder, made.below, &made.lab);
  made.ok &= lab_checks(&made.format, &folder, json(made.arena, checks), &made.lab);
  made.ok &= lab_words(&made.format, &folder, made.below, &made.lab);
  return made;
}
static void unmake(struct made *made) {
  arena_free(made->arena);
  words_free(made->below);
}

static void a_whole_lab_is_taken(void **state) {
  (void)state;
  struct made made = make(NULL, 0, good_checks);
  if (made.format.count) fail_msg("%s:%d: %s", made.format.list[0].file, made.format.list[0].line, made.format.list[0].key);
  assert_true(made.ok);
  const struct lab *lab = &made.lab;
  assert_string_equal(lab->id, "mend");
  assert_string_equal(lab->title[LANG_MS], "Baiki");
  assert_int_equal(lab->points, 10);
  assert_int_equal(lab->step_count, 2);
  assert_string_equal(lab->steps[1].id, "prove");
  assert_string_equal(lab->steps[0].title[LANG_EN], "Mend them");
  assert_null(strstr(lab->steps[0].html[LANG_EN], "<h1"));
  assert_non_null(strstr(lab->steps[0].html[LANG_EN], "front-${n}"));
  assert_non_null(strstr(lab->steps[0].html[LANG_EN], "<pre tabindex=\"0\" data-copy data-run><code class=\"language-sh\">kubectl get pods -l app=&lt;x&gt;"));
  assert_string_equal(lab->checks[1].needs[0], "selector");
  assert_string_equal(lab->checks[2].visible, "always");
  assert_int_equal(tree_int(lab->examples, "n", 0), 117);
  assert_string_equal(lab->starter[0].name, "front.yaml");
  assert_int_equal(lab->hint_count, 2);
  assert_int_equal(lab->hints[0].rungs, 3);
  assert_int_equal(lab->hints[0].rung[0].tries, 1);
  assert_int_equal(lab->hints[0].rung[1].tries, 0);
  assert_int_equal(lab->hints[0].rung[1].minutes, 5);
  assert_string_equal(lab->hints[1].key, "path.missing");
  assert_string_equal(words_text(made.arena, lab->words, LANG_EN, "selector.wide", json(made.arena, "{\"count\": 2}"), NULL), "2 Pods");
  assert_string_equal(words_text(made.arena, lab->words, LANG_MS, "path.missing", NULL, NULL), "m");
  unmake(&made);
}

static void the_version_follows_what_a_verdict_depends_on_and_nothing_else(void **state) {
  (void)state;
  struct made base = make(NULL, 0, good_checks);
  static const struct { struct text_file change; bool moves; } rows[] = {
    {{"starter/front.yaml", "app: other\n"}, true}, {{"setup/a.yaml", "kind: Pod\n"}, true}, {{"setup/b.yaml", ""}, true}, {{"checks.lua", "x"}, true},
    {{"steps/10-mend.en.md", "# New\n"}, false}, {{"solution/front.yaml", "x: 1\n"}, false}, {{"README.md", "new"}, false}, {{"cases.yaml", "{}"}, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct made made = make(&rows[i].change, 1, good_checks);
    if ((strcmp(made.lab.version, base.lab.version) != 0) != rows[i].moves) fail_msg("%s", rows[i].change.name);
    unmake(&made);
  }
  unmake(&base);
}

#define LAB(body) "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"Mend\", \"ms\": \"Baiki\"}, \"minutes\": 15, \"hand-in\": \"both\", \"params\": {\"n\": {\"int\": [100, 399]}, \"app\": {\"name\": [\"kedai\"]}}" body "}"
#define CHECK(body) "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mend\"}, {\"id\": \"answers\", \"points\": 3, \"on\": \"live\", \"step\": \"prove\"}, {\"id\": \"endpoints\", \"points\": 4, \"on\": \"live\", \"step\": \"mend\"" body "}]"
#define WORDS(body) "{\"selector.title\": {\"en\": \"S\", \"ms\": \"P\"}, \"endpoints.title\": {\"en\": \"E\", \"ms\": \"T\"}, \"answers.title\": {\"en\": \"A\", \"ms\": \"J\"}" body "}"

static void each_mistake_is_said_and_keeps_the_lab_closed(void **state) {
  (void)state;
  static const struct { const char *sentence; struct text_file change; const char *checks, *key; } rows[] = {
    {"a field nobody knows, nearly right", {"lab.yaml", LAB(", \"minuts\": 1")}, NULL, "lint.field-unknown-near"},
    {"a field nobody knows", {"lab.yaml", LAB(", \"colour\": 1")}, NULL, "lint.field-unknown"},
    {"minutes in words", {"lab.yaml", LAB(", \"tries\": \"three\"")}, NULL, "lint.field-int"},
    {"a size that does not exist", {"lab.yaml", LAB(", \"size\": \"huge\"")}, NULL, "lint.field-choice"},
    {"a title in one language", {"lab.yaml", "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"Mend\"}, \"minutes\": 15, \"hand-in\": \"both\"}"}, NULL, "lint.language"},
    {"no hand-in", {"lab.yaml", "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"M\", \"ms\": \"B\"}, \"minutes\": 15}"}, NULL, "lint.field-missing"},
    {"another format", {"lab.yaml", "{\"format\": \"makmal.lab/2\", \"title\": {\"en\": \"M\", \"ms\": \"B\"}, \"minutes\": 15, \"hand-in\": \"both\"}"}, NULL, "lint.field-choice"},
    {"an empty lab.yaml's list", {"lab.yaml", "[]"}, NULL, "lint.not-a-map"},
    {"no lab.yaml", {"lab.yaml", NULL}, NULL, "lint.file-missing"},
    {"no script", {"checks.lua", NULL}, NULL, "lint.file-missing"},
    {"no solution", {"solution/front.yaml", NULL}, NULL, "lint.file-missing"},
    {"a snapshot of what is in no namespace", {"lab.yaml", LAB(", \"snapshot\": [\"Pod\", \"Node\"]")}, NULL, "lint.snapshot"},
    {"a capability no cluster has", {"lab.yaml", LAB(", \"cluster\": [\"ingres\"]")}, NULL, "lint.capability"},
    {"a version that is none", {"lab.yaml", LAB(", \"kubernetes\": \"new\"")}, NULL, "lint.kubernetes"},
    {"a wait without a unit", {"lab.yaml", LAB(", \"wait\": \"60\"")}, NULL, "lint.duration"},
    {"a slide that is none", {"lab.yaml", LAB(", \"covers\": [\"slide 7\"]")}, NULL, "lint.covers"},
    {"a colleague without a file", {"lab.yaml", LAB(", \"colleague\": {\"step\": \"mend\", \"apply\": \"setup/x.yaml\"}")}, NULL, "lint.file-missing"},
    {"a colleague in a step that is not there", {"lab.yaml", LAB(", \"colleague\": {\"step\": \"no\", \"apply\": \"setup/a.yaml\"}")}, NULL, "lint.step-unknown"},
    {"steps named in another order", {"lab.yaml", LAB(", \"steps\": [\"prove\", \"mend\"]")}, NULL, "lint.steps-differ"},
    {"a start that earns by a check that is not there", {"lab.yaml", LAB(", \"start-earns\": [\"nope\"]")}, NULL, "lint.check-unknown"},
    {"a minute too many", {"lab.yaml", LAB(", \"tries\": 0")}, NULL, "lint.field-range"},
    {"four hints", {"lab.yaml", LAB(", \"hints\": [{\"en\": \"a\", \"ms\": \"a\"}, {\"en\": \"a\", \"ms\": \"a\"}, {\"en\": \"a\", \"ms\": \"a\"}, {\"en\": \"a\", \"ms\": \"a\"}]")}, NULL, "lint.hints-count"},
    {"a hint after nothing", {"lab.yaml", LAB(", \"hints\": [{\"after\": {}, \"en\": \"a\", \"ms\": \"a\"}]")}, NULL, "lint.hint-after"},
    {"a hint in one language", {"lab.yaml", LAB(", \"hints\": [{\"en\": \"a\"}]")}, NULL, "lint.field-missing"},
    {"hints in two places", {"words.yaml", WORDS(", \"hints\": [{\"en\": \"a\", \"ms\": \"a\"}]")}, NULL, "lint.hints-twice"},
    {"an undeclared name in a starter", {"starter/front.yaml", "a: ${other}\n"}, NULL, "lint.param-undeclared"},
    {"an undeclared name in a solution", {"solution/front.yaml", "a: ${other}\n"}, NULL, "lint.param-undeclared"},
    {"an undeclared name in a set-up", {"setup/a.yaml", "a: ${other}\n"}, NULL, "lint.param-undeclared"},
    {"an undeclared name in a step", {"steps/10-mend.ms.md", "# B\n\n${other}\n"}, NULL, "lint.param-undeclared"},
    {"a file name nobody may hand in", {"solution/Front.yaml", "a: 1\n"}, NULL, "lint.hand-in-name"},
    {"a step in one language", {"steps/20-prove.ms.md", NULL}, NULL, "lint.step-language"},
    {"a step without a title", {"steps/10-mend.en.md", "Mend them.\n"}, NULL, "lint.step-title"},
    {"a step with an empty title", {"steps/10-mend.en.md", "#   \nMend them.\n"}, NULL, "lint.step-title"},
    {"a step file with a wrong name", {"steps/mend.en.md", "# M\n"}, NULL, "lint.step-name"},
    {"two steps with one number", {"steps/10-other.en.md", "# M\n"}, NULL, "lint.step-number"},
    {"a step that no check looks at", {"steps/30-rest.en.md", "# M\n"}, NULL, "lint.step-unchecked"},
    {"a fence nobody knows", {"steps/10-mend.en.md", "# M\n\n```bash\nls\n```\n"}, NULL, "lint.fence-unknown"},
    {"a flag nobody knows", {"steps/10-mend.en.md", "# M\n\n```sh rnu\nls\n```\n"}, NULL, "lint.fence-flag"},
    {"a quiz in a step", {"steps/10-mend.en.md", "# M\n\n```quiz q1\n```\n"}, NULL, "lint.fence-in-step"},
    {"HTML in a step", {"steps/10-mend.en.md", "# M\n\n<b>x</b>\n"}, NULL, "lint.raw-html"},
    {"no checks at all", {0}, "[]", "lint.no-checks"},
    {"a check twice", {0}, "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mend\"}, {\"id\": \"selector\", \"points\": 3, \"on\": \"live\", \"step\": \"prove\"}]", "lint.check-twice"},
    {"a check with a capital", {0}, "[{\"id\": \"Selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mend\"}]", "lint.check-id"},
    {"a check without a step", {0}, "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\"}]", "lint.check-step-missing"},
    {"a check of a step that is not there", {0}, "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mned\"}]", "lint.check-step"},
    {"a check without points", {0}, "[{\"id\": \"selector\", \"points\": 0, \"on\": \"files\", \"step\": \"mend\"}]", "lint.check-points"},
    {"a need that is not there", {0}, CHECK(", \"needs\": [\"selectors\"]"), "lint.need-unknown"},
    {"a check that needs itself", {0}, CHECK(", \"needs\": [\"endpoints\"]"), "lint.need-cycle"},
    {"needs in a ring", {0}, "[{\"id\": \"a\", \"points\": 1, \"on\": \"files\", \"step\": \"mend\", \"needs\": [\"b\"]}, {\"id\": \"b\", \"points\": 1, \"on\": \"files\", \"step\": \"prove\", \"needs\": [\"c\"]},"
                       " {\"id\": \"c\", \"points\": 1, \"on\": \"files\", \"step\": \"mend\", \"needs\": [\"a\"]}]", "lint.need-cycle"},
    {"a live check where files are handed in", {"lab.yaml", "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"M\", \"ms\": \"B\"}, \"minutes\": 15, \"hand-in\": \"files\", \"params\": {\"n\": {\"int\": [1, 2]}, \"app\": {\"name\": [\"k\"]}}}"}, NULL, "lint.check-side"},
    {"a check without a title", {"words.yaml", "{\"selector.title\": {\"en\": \"S\", \"ms\": \"P\"}}"}, NULL, "lint.title-missing"},
    {"a word in one language", {"words.yaml", WORDS(", \"selector.wide\": {\"en\": \"x\"}")}, NULL, "lint.language"},
    {"own words for a library key", {"words.yaml", WORDS(", \"path.missing\": {\"en\": \"x\", \"ms\": \"x\"}")}, NULL, "lint.word-library"},
    {"hints for a library key that is none", {"words.yaml", WORDS(", \"path.mising\": {\"hints\": [{\"en\": \"x\", \"ms\": \"x\"}]}")}, NULL, "lint.word-unknown"},
    {"a key that begins with no check", {"words.yaml", WORDS(", \"selectr.wide\": {\"en\": \"x\", \"ms\": \"x\"}")}, NULL, "lint.word-key"},
    {"no words", {"words.yaml", NULL}, NULL, "lint.file-missing"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct made made = make(&rows[i].change, rows[i].change.name ? 1 : 0, rows[i].checks ? rows[i].checks : good_checks);
    if (made.ok) fail_msg("%s: the lab was opened", rows[i].sentence);
    if (!said(&made.format, rows[i].key)) fail_msg("%s: said %s", rows[i].sentence, made.format.count ? made.format.list[0].key : "nothing");
    unmake(&made);
  }
}

static void each_mistake_in_a_parameter_is_said(void **state) {
  (void)state;
  static const struct { const char *sentence, *params, *key; } rows[] = {
    {"no kind", "\"n\": {}", "lint.param-kind"},
    {"two kinds", "\"n\": {\"int\": [1, 2], \"token\": 8}", "lint.param-kind"},
    {"a range backwards", "\"n\": {\"int\": [2, 1]}", "lint.param-range"},
    {"a range of three", "\"n\": {\"int\": [1, 2, 3]}", "lint.param-range"},
    {"a range with a text", "\"n\": {\"int\": [1, \"2\"]}", "lint.param-range"},
    {"a token too short to guard", "\"n\": {\"token\": 2}", "lint.param-token"},
    {"no names", "\"n\": {\"name\": []}", "lint.param-names"},
    {"a name with a blank", "\"n\": {\"name\": [\"a b\"]}", "lint.param-names"},
    {"a name of the platform's", "\"namespace\": {\"int\": [1, 2]}", "lint.param-name"},
    {"a plain n, which YAML reads as false", "\"false\": {\"int\": [1, 2]}", "lint.param-boolean"},
    {"a name with a capital", "\"N\": {\"int\": [1, 2]}", "lint.param-name"},
    {"an example outside", "\"n\": {\"int\": [1, 2], \"example\": 3}", "lint.param-example"},
    {"a field of another kind", "\"n\": {\"int\": [1, 2], \"step\": 3}", "lint.field-unknown"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct format format = {.arena = arena};
    struct text_file file = {"lab.yaml", arena_printf(arena, "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"M\", \"ms\": \"B\"}, \"minutes\": 15, \"hand-in\": \"live\", \"params\": {%s}}", rows[i].params)};
    struct folder folder = folder_of(arena, "labs/k/services/mend", &file, 1);
    struct lab lab;
    if (lab_decode(&format, &folder, "k", "services", &lab)) fail_msg("%s: was taken", rows[i].sentence);
    if (!said(&format, rows[i].key)) fail_msg("%s: said %s", rows[i].sentence, format.list[0].key);
    arena_free(arena);
  }
}

static void all_mistakes_are_told_at_once(void **state) {
  (void)state;
  struct text_file changes[] = {{"lab.yaml", LAB(", \"minuts\": 1, \"cluster\": [\"ingres\"]")}, {"steps/20-prove.ms.md", NULL}, {"words.yaml", WORDS(", \"selectr.x\": {\"en\": \"x\", \"ms\": \"x\"}")}};
  struct made made = make(changes, 3, CHECK(", \"needs\": [\"endpoints\"]"));
  static const char *const keys[] = {"lint.field-unknown-near", "lint.capability", "lint.step-language", "lint.need-cycle", "lint.word-key"};
  for (size_t i = 0; i < 5; i++) if (!said(&made.format, keys[i])) fail_msg("%s was not said", keys[i]);
  assert_string_equal(tree_text(said(&made.format, "lint.field-unknown-near")->params, "near"), "minutes");
  assert_int_equal(said(&made.format, "lint.need-cycle")->line, 2);
  assert_string_equal(said(&made.format, "lint.need-cycle")->file, "labs/k/services/mend/checks.lua");
  unmake(&made);
}

static void steps_stand_in_the_order_of_their_numbers(void **state) {
  (void)state;
  struct text_file changes[] = {{"steps/9-first.en.md", "# F\n"}, {"steps/9-first.ms.md", "# F\n"}, {"steps/100-last.en.md", "# L\n"}, {"steps/100-last.ms.md", "# L\n"}};
  struct made made = make(changes, 4, good_checks);
  assert_int_equal(made.lab.step_count, 4);
  assert_string_equal(made.lab.steps[0].id, "first");
  assert_string_equal(made.lab.steps[1].id, "mend");
  assert_string_equal(made.lab.steps[3].id, "last");
  unmake(&made);
}

int main(void) {
  secret_init();
  markdown_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_whole_lab_is_taken), cmocka_unit_test(the_version_follows_what_a_verdict_depends_on_and_nothing_else),
    cmocka_unit_test(each_mistake_is_said_and_keeps_the_lab_closed), cmocka_unit_test(each_mistake_in_a_parameter_is_said),
    cmocka_unit_test(all_mistakes_are_told_at_once), cmocka_unit_test(steps_stand_in_the_order_of_their_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
