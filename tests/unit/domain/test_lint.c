/* lint: each mistake that only an author can see is said with its own key, and a good lab is left in peace. */
#include "unit/cmocka_all.h"

#include "base/markdown.h"
#include "base/secret.h"
#include "domain/lab.h"
#include "domain/lint_inside.h"
#include "unit/domain/folder_of.h"

#define LAB(body) "{\"format\": \"makmal.lab/1\", \"title\": {\"en\": \"Mend\", \"ms\": \"Baiki\"}, \"minutes\": 15, \"hand-in\": \"both\", \"params\": {\"n\": {\"int\": [100, 399], \"example\": 117}" body "}"
#define OBJECT(name, image) "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"" name "\"}, \"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"" image "\"}]}}}}"
#define DEPLOYMENT(replicas, more) "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"d\"}, \"spec\": {\"replicas\": " replicas ", \"template\": {\"spec\": {\"containers\": [{\"name\": \"a\"" more "}]}}}}"
#define SERVICE "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"front\"}, \"spec\": {\"selector\": {\"app\": \"front-${n}\"}, \"ports\": [{\"port\": 300}]}}"
#define STEP(text) "# Mend\n\nThe Service `front` finds `front-${n}`.\n" text "\n```sh run copy\nkubectl get pods   # all of them\n```\n"
#define LANGAH(text) "# Baiki\n\nService `front` mencari `front-${n}`.\n" text "\n```sh run copy\nkubectl get pods   # semuanya\n```\n"
#define WORDS(body) "{\"selector.title\": {\"en\": \"S\", \"ms\": \"P\"}, \"selector.wide\": {\"en\": \"{count} of {name}\", \"ms\": \"{name}: {count}\"}" body "}"
#define SCRIPT(body) "-- and or not, nobody\nlocal limit = 5\ncheck \"selector\" { points = 3, on = \"files\", step = \"mend\", run = function(t)\n  local service = t:one(\"Service\", \"front\")\n" \
  "  t:share(service:selects(limit), \"selector.wide\", { count = 2 })\n" body "end }\n"
#define CASES(body) "{\"solution\": {\"expect\": {\"rest\": \"pass\"}}, \"wide\": {\"edit\": [{\"object\": \"Service/front\", \"path\": \"spec.selector.app\", \"set\": \"x\"}], \"expect\": {\"selector\": {\"outcome\": \"fail\", \"findings\": [\"selector.wide\"]}}}" body "}"

static const struct text_file good[] = {
  {"lab.yaml", LAB("}")}, {"words.yaml", WORDS("")}, {"checks.lua", SCRIPT("")}, {"steps/10-mend.en.md", STEP("")}, {"steps/10-mend.ms.md", LANGAH("")},
  {"setup/a.yaml", OBJECT("front-${n}", "traefik/whoami")}, {"starter/front.yaml", "app: front-${n}\n"}, {"solution/front.yaml", SERVICE}, {"cases.yaml", CASES("")},
};
#define GOOD (sizeof good / sizeof *good)

struct made { struct arena *arena; struct format format; struct words *below; };

static void read_images(struct arena *arena, struct lint_images *images) {
  struct err err;
  if (!lint_images_read(arena, TEST_SOURCE_DIR "/cluster/images/list", images, &err)) fail_msg("%s", err.detail);
}

static struct made lint_it(const struct text_file *changes, size_t change_count) {
  struct made made = {.arena = arena_new(0), .below = words_new()};
  made.format.arena = made.arena;
  static const char text[] = "{\"path.missing\": {\"en\": \"m\", \"ms\": \"m\"}, \"lesson.output\": {\"en\": \"o\", \"ms\": \"o\"}, \"service.also-selects\": {\"en\": \"m\", \"ms\": \"m\"}}";
  struct tree *pairs, *declared;
  struct err err;
  assert_true(tree_parse(made.arena, text, sizeof text - 1, 0, &pairs, &err));
  assert_true(words_add_pairs(made.below, pairs, &err));
  static const char checks[] = "[{\"id\": \"selector\", \"points\": 3, \"on\": \"files\", \"step\": \"mend\"}]";
  assert_true(tree_parse(made.arena, checks, sizeof checks - 1, 0, &declared, &err));
  struct text_file files[GOOD + 4];
  size_t n = changed_files(good, GOOD, changes, change_count, files);
  struct lab_bench bench = {.folder = folder_of(made.arena, "labs/k/services/mend", files, n)};
  bool ok = lab_decode(&made.format, &bench.folder, "k", "services", &bench.lab) && lab_steps(&made.format, &bench.folder, made.below, &bench.lab) &&
            lab_checks(&made.format, &bench.folder, declared, &bench.lab) && lab_words(&made.format, &bench.folder, made.below, &bench.lab);
  if (!ok) fail_msg("closed: %s", made.format.list[0].key);
  struct lint_images images;
  read_images(made.arena, &images);
  lint_texts(&made.format, &bench, folder_find(&bench.folder, "words.yaml")->docs[0]);
  lint_script(&made.format, &bench, folder_find(&bench.folder, "words.yaml")->docs[0], "check p any all none start fact");
  lint_objects(&made.format, &bench, &images);
  lint_quota(&made.format, &bench);
  lint_cases(&made.format, &bench, folder_find(&bench.folder, "cases.yaml")->docs[0]);
  return made;
}
static void unmake(struct made *made) {
  arena_free(made->arena);
  words_free(made->below);
}

static void a_good_lab_is_left_in_peace(void **state) {
  (void)state;
  static const struct { const char *sentence; struct text_file change; } rows[] = {
    {"as it is", {"README.md", "x"}},
    {"a number of the lab's own files is a constant", {"steps/10-mend.en.md", STEP("It listens on 300.\n")}},
    {"a small number is only a number", {"lab.yaml", LAB(", \"m\": {\"int\": [1, 500]}}")}},
    {"a year is not in the range", {"steps/10-mend.en.md", STEP("Since 2015.\n")}},
    {"another name that ends in digits", {"steps/10-mend.en.md", STEP("See upfront-200 and front-200x.\n")}},
    {"holds() gives a plain boolean", {"checks.lua", SCRIPT("  t:share(service:a():holds() and service:b())\n")}},
    {"plain values in a condition", {"checks.lua", SCRIPT("  t:wait(\"Service\", \"front\", {}, function(s) if not s and limit then return 1 end end)\n")}},
    {"comments and strings", {"checks.lua", SCRIPT("  t:share(service:a(\"x and y\") --[[ or\n z ]])\n")}},
    {"parameters, loops, fields, long strings", {"checks.lua", SCRIPT("  for i, v in pairs({ a = 1, b = limit }) do t:share(v.c:d(i, [==[ ]] x ]==])) end\n  local function f(q, ...) return q, ... end\n  f()\n")}},
    {"a library word with hints", {"words.yaml", WORDS(", \"service.also-selects\": {\"hints\": [{\"en\": \"x\", \"ms\": \"y\"}]}")}},
    {"an image under its long name", {"setup/a.yaml", OBJECT("front-${n}", "docker.io/library/nginx:1.29")}},
    {"as many Pods as a small lab has", {"setup/a.yaml", DEPLOYMENT("10", ", \"resources\": {\"requests\": {\"memory\": \"32Mi\"}}")}},
    {"the solution's object in the place of the set-up's", {"setup/a.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"front\"}, \"spec\": {\"type\": \"LoadBalancer\"}}"}},
    {"a whole object is added", {"cases.yaml", CASES(", \"more\": {\"edit\": {\"add\": {\"kind\": \"Pod\"}}, \"expect\": {\"apply\": {\"Pod/x\": [\"service.also-selects\"]}}}")}},
    {"an edit by text", {"cases.yaml", CASES(", \"more\": {\"edit\": {\"text\": [\"front-117\", \"x\"]}, \"expect\": {\"selector\": \"partial\"}}")}},
    {"a case from the start", {"cases.yaml", CASES(", \"more\": {\"from\": \"start\", \"expect\": {\"selector\": \"fail\"}}")}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct made made = lint_it(&rows[i].change, 1);
    if (made.format.count) fail_msg("%s: %s:%d %s", rows[i].sentence, made.format.list[0].file, made.format.list[0].line, made.format.list[0].key);
    unmake(&made);
  }
}

static void each_mistake_is_said_with_its_line(void **state) {
  (void)state;
  static const struct { const char *sentence; struct text_file change; const char *key; int line; } rows[] = {
    {"a learner's own name in a step", {"steps/10-mend.en.md", STEP("Use front-203.\n")}, "lint.value-written", 4},
    {"a learner's number in a word", {"words.yaml", WORDS(", \"selector.more\": {\"en\": \"front-117\", \"ms\": \"x\"}")}, "lint.value-written", 0},
    {"a placeholder in one language", {"words.yaml", WORDS(", \"selector.more\": {\"en\": \"{name}\", \"ms\": \"x\"}")}, "lint.placeholder", 0},
    {"a parameter in one language", {"steps/10-mend.ms.md", "# Baiki\n\nx\n\n```sh run copy\nkubectl get pods\n```\n"}, "lint.placeholder", 0},
    {"an undeclared name in a word", {"words.yaml", WORDS(", \"selector.more\": {\"en\": \"${m}\", \"ms\": \"${m}\"}")}, "lint.param-undeclared", 0},
    {"a command that differs", {"steps/10-mend.ms.md", "# Baiki\n\n`front-${n}`\n\n```sh run copy\nkubectl get pod\n```\n"}, "lint.fences-differ", 5},
    {"a command that is not there", {"steps/10-mend.ms.md", "# Baiki\n\n`front-${n}`\n"}, "lint.fence-alone", 5},
    {"a word nobody names", {"words.yaml", WORDS(", \"selector.lost\": {\"en\": \"x\", \"ms\": \"x\"}")}, "lint.word-unused", 0},
    {"a word nobody wrote", {"checks.lua", SCRIPT("  t:must(service:a(), \"selector.wdie\")\n")}, "lint.word-missing", 6},
    {"a misspelt local", {"checks.lua", SCRIPT("  t:share(servce:a())\n")}, "lint.global-near", 6},
    {"a global nobody knows", {"checks.lua", SCRIPT("  t:share(os.time())\n")}, "lint.global", 6},
    {"a global that is set", {"checks.lua", SCRIPT("  counter = 1\n")}, "lint.global", 6},
    {"logic beside a comparison", {"checks.lua", SCRIPT("  t:share(service:a() and service:b())\n")}, "lint.logic", 6},
    {"a comparison turned round", {"checks.lua", SCRIPT("  t:must(not service:a())\n")}, "lint.logic", 6},
    {"logic in a wait", {"checks.lua", SCRIPT("  t:share(t:wait(\"Pod\", \"a\", {}, function(x)\n    return x:a() or x:b()\n  end))\n")}, "lint.logic", 7},
    {"an image nobody serves", {"setup/a.yaml", OBJECT("front-${n}", "traefik/whoamii")}, "lint.image-unknown", 0},
    {"a tag nobody serves", {"setup/a.yaml", OBJECT("front-${n}", "nginx:0.1")}, "lint.image-unknown", 0},
    {"an object with a namespace", {"setup/a.yaml", "{\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\", \"namespace\": \"default\"}}"}, "lint.object-namespace", 0},
    {"more Pods than a small lab has", {"setup/a.yaml", DEPLOYMENT("11", "")}, "lint.quota", 0},
    {"more memory than a small lab has", {"setup/a.yaml", DEPLOYMENT("2", ", \"resources\": {\"requests\": {\"memory\": \"300Mi\"}}")}, "lint.quota", 0},
    {"a balancer, which no lab has", {"setup/a.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"b\"}, \"spec\": {\"type\": \"LoadBalancer\"}}"}, "lint.quota", 0},
    {"a kind nobody knows", {"setup/a.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"b\"}}"}, "lint.kind-unknown", 0},
    {"a kind of the whole cluster", {"setup/a.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"b\"}}"}, "lint.kind-wide", 0},
    {"a name nobody tells", {"solution/front.yaml", "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"secret\"}}"}, "lint.name-untold", 0},
    {"a case of a check that is not there", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}, \"expect\": {\"selectr\": \"fail\"}}")}, "lint.case-check", 0},
    {"an outcome that does not exist", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}, \"expect\": {\"rest\": \"failed\"}}")}, "lint.case-outcome", 0},
    {"a finding nobody words", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}, \"expect\": {\"selector\": {\"outcome\": \"fail\", \"findings\": [\"selector.none\"]}}}")}, "lint.case-word", 0},
    {"a refusal nobody words", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}, \"expect\": {\"refused\": [\"yaml.nothing\"]}}")}, "lint.case-word", 0},
    {"an edit of a file that is not there", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"file\": \"b.yaml\", \"text\": [\"front\", \"x\"]}, \"expect\": {\"rest\": \"fail\"}}")}, "lint.case-file", 0},
    {"an edit of an object that is not there", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"object\": \"Service/back\", \"path\": \"a\", \"set\": 1}, \"expect\": {\"rest\": \"fail\"}}")}, "lint.case-object", 0},
    {"an edit that does two things", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"object\": \"Service/front\", \"path\": \"a\", \"set\": 1, \"remove\": true}, \"expect\": {\"rest\": \"fail\"}}")}, "lint.case-edit", 0},
    {"a set without a path", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"object\": \"Service/front\", \"set\": 1}, \"expect\": {\"rest\": \"fail\"}}")}, "lint.case-path", 0},
    {"a text that is not there", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"nowhere\", \"x\"]}, \"expect\": {\"rest\": \"fail\"}}")}, "lint.case-text-missing", 0},
    {"a case that changes nothing", {"cases.yaml", CASES(", \"m\": {\"expect\": {\"rest\": \"fail\"}}")}, "lint.case-empty", 0},
    {"a case that expects nothing", {"cases.yaml", CASES(", \"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}}")}, "lint.case-expect", 0},
    {"a check that no case fails", {"cases.yaml", "{\"m\": {\"edit\": {\"text\": [\"front\", \"x\"]}, \"expect\": {\"rest\": \"pass\"}}}"}, "lint.check-unproven", 0},
    {"a field of a case nobody knows", {"cases.yaml", CASES(", \"m\": {\"edits\": [], \"expect\": {\"rest\": \"fail\"}}")}, "lint.field-unknown-near", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct made made = lint_it(&rows[i].change, 1);
    const struct problem *problem = said(&made.format, rows[i].key);
    if (!problem) fail_msg("%s: said %s", rows[i].sentence, made.format.count ? made.format.list[0].key : "nothing");
    if (rows[i].line && problem->line != rows[i].line) fail_msg("%s: line %d", rows[i].sentence, problem->line);
    unmake(&made);
  }
}

static void images_are_known_by_their_ordinary_names(void **state) {
  (void)state;
  static const struct { const char *image; bool known; } rows[] = {
    {"nginx", true}, {"nginx:1.29", true}, {"docker.io/nginx", true}, {"library/nginx", true}, {"busybox:1.36", true}, {"traefik/whoami", true}, {"registry.k8s.io/pause:3.10", true},
    {"ngnix", false}, {"nginx:", false}, {"nginx@sha256:00", false}, {"example.org/nginx", false}, {"localhost:5000/nginx", false},
  };
  struct arena *arena = arena_new(0);
  struct lint_images images;
  read_images(arena, &images);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (lint_image_known(&images, rows[i].image) != rows[i].known) fail_msg("%s", rows[i].image);
  arena_free(arena);
}

static void a_name_two_letters_off_is_offered(void **state) {
  (void)state;
  static const struct { const char *name, *words, *near; } rows[] = {
    {"minuts", "title minutes size", "minutes"}, {"tilte", "title minutes", "title"}, {"colour", "title minutes", NULL}, {"pod", "pods size", "pods"}, {"step", "setup steps", "steps"}, {"x", "y", NULL}, {"", "abc", NULL},
  };
  struct arena *arena = arena_new(0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *near = format_near(arena, rows[i].name, rows[i].words);
    if (rows[i].near ? !near || strcmp(near, rows[i].near) : near != NULL) fail_msg("%s: %s", rows[i].name, near ? near : "nothing");
  }
  arena_free(arena);
}

int main(void) {
  secret_init();
  markdown_init();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_good_lab_is_left_in_peace), cmocka_unit_test(each_mistake_is_said_with_its_line), cmocka_unit_test(images_are_known_by_their_ordinary_names),
    cmocka_unit_test(a_name_two_letters_off_is_offered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
