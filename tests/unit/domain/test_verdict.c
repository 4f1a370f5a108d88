/* verdict: points are counted by the server, exactly; wrong, not yet and our fault stay apart. */
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "base/words.h"
#include "domain/fraction.h"
#include "domain/catalog.h"
#include "domain/verdict.h"

static const char *needs_files[] = {"files"};
static const struct lab_check checks[] = {
  {.id = "files", .step = "mend", .points = 3, .on = CHECK_SCOPE_FILES},
  {.id = "wire", .step = "mend", .points = 5, .on = CHECK_SCOPE_BOTH},
  {.id = "late", .step = "mend", .points = 2, .on = CHECK_SCOPE_LIVE, .needs = needs_files, .need_count = 1, .visible = "after-try(2)"}};

struct fixture { struct arena *arena; struct words *words; struct lab lab; struct edition edition; };

static struct tree *json(struct arena *arena, const char *text) {
  struct tree *tree = NULL;
  struct err err;
  assert_true(tree_parse(arena, text, strlen(text), 0, &tree, &err));
  return tree;
}

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  struct err err;
  f->arena = arena_new(0);
  f->words = words_new();
  assert_true(words_add_pairs(f->words, json(f->arena,
    "{\"wire.title\": {\"en\": \"Wiring\", \"ms\": \"Pendawaian\"}, \"port.wrong\": {\"en\": \"{path} is {got}, wanted {want}.\", \"ms\": \"{path} ialah {got}.\"},"
    " \"want.equals\": {\"en\": \"{value}\", \"ms\": \"{value}\"}, \"got.written\": {\"en\": \"{value}\", \"ms\": \"{value}\"},"
    " \"error.unfinished\": {\"en\": \"Not your fault.\", \"ms\": \"Bukan salah anda.\"}}"), &err));
  f->lab = (struct lab){.id = "demo", .checks = checks, .check_count = 3, .words = f->words};
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  words_free(f->words);
  arena_free(f->arena);
  free(f);
  return 0;
}

static struct tree *verdict(struct fixture *f, enum check_scope scope, const char *raw) {
  struct check_result result = {.checks = json(f->arena, raw)};
  struct verdict_facts facts = {.edition = &f->edition, .lab = &f->lab, .scope = scope, .kind = "try", .actor = "learner"};
  return verdict_build(f->arena, &facts, &result);
}

static const char *of(const struct tree *verdict, const char *key) { return tree_text(tree_get(verdict, "body"), key); }

static const struct tree *check_of(const struct tree *verdict, const char *id) {
  TREE_EACH(check, tree_path(verdict, "body.checks")) if (!strcmp(tree_text(check, "id"), id)) return check;
  return NULL;
}

static void each_side_of_a_check_on_both_carries_half(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_BOTH,
    "[{\"id\":\"files\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true,true,\"a\"],[2,true,true,\"b\"]]},\"findings\":[]},"
    " {\"id\":\"wire\",\"outcome\":\"partial\",\"shares\":{\"files\":[[1,true,true,\"a\"]],\"live\":[[1,true,true,\"a\"],[2,false,true,\"b\"]]},\"findings\":[]},"
    " {\"id\":\"late\",\"outcome\":\"pass\",\"shares\":{\"live\":[[1,true,true,\"a\"]]},\"findings\":[]}]");
  assert_string_equal(tree_text(check_of(v, "wire"), "earned"), "10/3");        /* 5/2 + 5/2 * 1/3 */
  assert_string_equal(tree_text(check_of(v, "wire"), "outcome"), "partial");
  assert_string_equal(of(v, "earned"), "25/3");
  assert_string_equal(of(v, "max"), "10");
  assert_string_equal(of(v, "state"), "settled");
}

static void a_missed_gate_takes_all_points_of_its_check(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_FILES, "[{\"id\":\"files\",\"outcome\":\"pass\",\"gate\":false,\"shares\":{\"files\":[[1,true,true,\"a\"]]},\"findings\":[]},"
                                                 " {\"id\":\"wire\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false,true,\"a\"]]},\"findings\":[]}]");
  assert_string_equal(tree_text(check_of(v, "files"), "outcome"), "fail");
  assert_string_equal(of(v, "earned"), "0");
}

static void a_side_out_of_scope_leaves_both_sums(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_FILES, "[{\"id\":\"files\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true,true,\"a\"]]},\"findings\":[]},"
                                                 " {\"id\":\"wire\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true,true,\"a\"]]},\"findings\":[]}]");
  assert_string_equal(of(v, "earned"), "11/2");
  assert_string_equal(of(v, "max"), "11/2");
  const struct tree *left_out = tree_get(tree_get(v, "body"), "left_out");
  assert_int_equal(left_out->count, 2);
  assert_string_equal(left_out->child->text, "wire.live");
  assert_string_equal(left_out->child->next->text, "late");
}

static void what_a_worker_never_ended_or_made_up_is_our_error_and_no_fail(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_BOTH,
    "[{\"id\":\"files\",\"outcome\":\"pass\",\"shares\":{\"files\":[[-1,true]]},\"findings\":[]},"
    " {\"id\":\"forged\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true]]},\"findings\":[]},"
    " {\"id\":\"wire\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true,true,\"a\"]],\"live\":[]},\"findings\":[]}]");
  assert_string_equal(tree_text(check_of(v, "files"), "outcome"), "error");      /* a negative weight */
  assert_string_equal(tree_text(check_of(v, "wire"), "outcome"), "error");       /* a side without a share */
  assert_string_equal(tree_text(check_of(v, "late"), "outcome"), "error");       /* never told */
  assert_null(check_of(v, "forged"));
  assert_string_equal(of(v, "state"), "open");
  assert_string_equal(of(v, "earned"), "0");
  assert_string_equal(of(v, "max"), "10");
}

/* Without an API server a check that asks one leaves the sums for every hand-in alike: a right one, one that failed before it asked, one that cannot be read. */
static void what_a_hand_in_is_worth_does_not_hang_on_what_is_in_it(void **state) {
  struct fixture *f = *state;
  static const struct lab_check three[] = {{.id = "files", .step = "mend", .points = 3, .on = CHECK_SCOPE_FILES}, {.id = "accepted", .step = "mend", .points = 1, .on = CHECK_SCOPE_FILES, .strict = true},
                                           {.id = "late", .step = "mend", .points = 2, .on = CHECK_SCOPE_LIVE}};
  struct lab lab = {.id = "demo", .checks = three, .check_count = 3, .words = f->words};
  static const char *const raws[] = {
    "[{\"id\":\"files\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true,true,\"a\"]]}},{\"id\":\"accepted\",\"outcome\":\"error\",\"error\":{\"who\":\"unobserved\",\"key\":\"evidence.unobserved\"}}]",
    "[{\"id\":\"files\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false,true,\"a\"]]}},{\"id\":\"accepted\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false,true,\"a\"]]},\"findings\":[{\"key\":\"files.empty\",\"level\":\"fail\"}]}]",
    "[]"};
  for (int i = 0; i < 3; i++) {
    struct check_result result = {.checks = json(f->arena, raws[i]), .refused = i == 2};
    struct verdict_facts facts = {.edition = &f->edition, .lab = &lab, .scope = CHECK_SCOPE_FILES, .no_api = true, .kind = "cli", .actor = "cli"};
    struct tree *v = verdict_build(f->arena, &facts, &result);
    const struct tree *left_out = tree_path(v, "body.left_out"), *accepted = check_of(v, "accepted");
    assert_string_equal(of(v, "max"), "3");
    assert_string_equal(of(v, "earned"), i ? "0" : "3");
    assert_int_equal(left_out->count, 2);
    assert_true(i == 2 || (!strcmp(tree_text(accepted, "outcome"), "unobserved") && !tree_get(accepted, "findings")->count));
    facts.no_api = false;                                                       /* with one it counts */
    assert_string_equal(of(verdict_build(f->arena, &facts, &result), "max"), i ? "4" : "3");
  }
}

/* … and so does what waits for such a check alone; who waits for a check that failed as well is blocked. */
static void what_waits_for_the_unobserved_is_unobserved(void **state) {
  struct fixture *f = *state;
  static const char *needs_taken[] = {"taken"}, *needs_begun[] = {"begun"}, *needs_both[] = {"begun", "files"};
  static const struct lab_check six[] = {
    {.id = "files", .step = "s", .points = 1, .on = CHECK_SCOPE_FILES}, {.id = "taken", .step = "s", .points = 2, .on = CHECK_SCOPE_FILES, .strict = true},
    {.id = "then", .step = "s", .points = 4, .on = CHECK_SCOPE_FILES, .needs = needs_taken, .need_count = 1}, {.id = "begun", .step = "s", .points = 8, .on = CHECK_SCOPE_LIVE},
    {.id = "after", .step = "s", .points = 16, .on = CHECK_SCOPE_LIVE, .needs = needs_begun, .need_count = 1},
    {.id = "both", .step = "s", .points = 32, .on = CHECK_SCOPE_LIVE, .needs = needs_both, .need_count = 2}};
  struct lab lab = {.id = "demo", .checks = six, .check_count = 6, .words = f->words};
  struct check_result result = {.checks = json(f->arena,
    "[{\"id\":\"files\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false,true,\"a\"]]}},{\"id\":\"taken\",\"outcome\":\"unobserved\"},"
    " {\"id\":\"then\",\"outcome\":\"blocked\",\"because\":[\"taken\"]},{\"id\":\"begun\",\"outcome\":\"error\",\"error\":{\"who\":\"unobserved\",\"key\":\"error.start\"}},"
    " {\"id\":\"after\",\"outcome\":\"blocked\",\"because\":[\"begun\"]},{\"id\":\"both\",\"outcome\":\"blocked\",\"because\":[\"begun\",\"files\"]}]")};
  struct verdict_facts facts = {.edition = &f->edition, .lab = &lab, .scope = CHECK_SCOPE_BOTH, .no_api = true, .kind = "cli", .actor = "cli"};
  struct tree *v = verdict_build(f->arena, &facts, &result);
  assert_string_equal(tree_text(check_of(v, "then"), "outcome"), "unobserved");
  assert_string_equal(tree_text(check_of(v, "after"), "outcome"), "unobserved");
  assert_string_equal(tree_text(check_of(v, "both"), "outcome"), "blocked");
  assert_string_equal(of(v, "max"), "33");
  facts.scope = CHECK_SCOPE_FILES;
  result.refused = true;
  assert_string_equal(of(verdict_build(f->arena, &facts, &result), "max"), "1");       /* as for who can be read */
}

static void pending_and_blocked_bring_no_points_and_pending_keeps_it_open(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_BOTH,
    "[{\"id\":\"files\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false,true,\"a\"]]},\"findings\":[]},"
    " {\"id\":\"wire\",\"outcome\":\"pending\",\"waits\":[{\"id\":\"w\",\"deadline_ms\":5}],\"findings\":[]},"
    " {\"id\":\"late\",\"outcome\":\"blocked\",\"because\":[\"files\"],\"findings\":[]}]");
  assert_string_equal(of(v, "state"), "open");
  assert_null(tree_text(check_of(v, "wire"), "earned"));
  assert_null(tree_text(check_of(v, "late"), "earned"));
  assert_true(verdict_has(v, "blocked"));
  assert_false(verdict_all_passed(v));
}

static void a_hidden_check_tells_nothing_before_its_time(void **state) {
  struct fixture *f = *state;
  struct tree *v = verdict(f, CHECK_SCOPE_LIVE,
    "[{\"id\":\"wire\",\"outcome\":\"pass\",\"shares\":{\"live\":[[1,true,true,\"a\"]]},\"findings\":[]},"
    " {\"id\":\"late\",\"outcome\":\"fail\",\"shares\":{\"live\":[[1,false,true,\"a\"]]},\"findings\":[{\"key\":\"port.wrong\",\"level\":\"fail\"}]}]");
  struct tree *early = verdict_worded(f->arena, v, &f->lab, LANG_EN, 1, false), *later = verdict_worded(f->arena, v, &f->lab, LANG_EN, 2, false);
  const struct tree *late = tree_at_index(tree_get(early, "checks"), 1);
  assert_string_equal(tree_text(late, "outcome"), "hidden");
  assert_null(tree_text(late, "earned"));
  assert_int_equal(tree_get(late, "findings")->count, 0);
  assert_string_equal(tree_text(early, "max"), "5/2");                           /* its points are in no total */
  assert_string_equal(tree_text(tree_at_index(tree_get(later, "checks"), 1), "outcome"), "fail");
  assert_string_equal(tree_text(later, "max"), "9/2");
}

/* A check that shows its message alone tells no more by what the cluster reported. */
static void events_of_a_failed_wait_are_shown_where_everything_is(void **state) {
  struct fixture *f = *state;
  static const struct lab_check two[] = {{.id = "open", .step = "mend", .points = 1, .on = CHECK_SCOPE_LIVE, .show = "full"}, {.id = "shut", .step = "mend", .points = 1, .on = CHECK_SCOPE_LIVE, .show = "message"}};
  f->lab.checks = two;
  f->lab.check_count = 2;
#define LATE(id) "{\"id\":\"" id "\",\"outcome\":\"fail\",\"shares\":{\"live\":[[1,false,true,\"a\"]]},\"findings\":[{\"key\":\"port.wrong\",\"level\":\"fail\",\"false_ms\":30000,\"events\":[{\"reason\":\"BackOff\"}]}]}"
  struct tree *worded = verdict_worded(f->arena, verdict(f, CHECK_SCOPE_BOTH, "[" LATE("open") "," LATE("shut") "]"), &f->lab, LANG_EN, 1, false);
  const struct tree *open = tree_at_index(tree_get(worded, "checks"), 0), *shut = tree_at_index(tree_get(worded, "checks"), 1);
  assert_string_equal(tree_text(tree_get(tree_get(open, "findings")->child, "events")->child, "reason"), "BackOff");
  assert_int_equal(tree_int(tree_get(open, "findings")->child, "false_ms", 0), 30000);
  assert_null(tree_get(tree_get(shut, "findings")->child, "events"));
  assert_null(tree_get(tree_get(shut, "findings")->child, "false_ms"));
}

static void a_finding_is_worded_in_the_viewers_language(void **state) {
  struct fixture *f = *state;
  struct tree *finding = json(f->arena, "{\"key\":\"port.wrong\",\"level\":\"fail\",\"path\":\"spec.ports[0].port\",\"params\":{},\"want\":{\"op\":\"equals\",\"type\":\"int\",\"value\":80},"
                                        "\"got\":{\"state\":\"written\",\"type\":\"int\",\"value\":8080,\"text\":\"8080\"},\"reads\":[1]}");
  struct tree *en = finding_worded(f->arena, finding, f->words, LANG_EN), *ms = finding_worded(f->arena, finding, f->words, LANG_MS);
  assert_string_equal(tree_text(en, "text"), "spec.ports[0].port is 8080, wanted 80.");
  assert_string_equal(tree_text(ms, "text"), "spec.ports[0].port ialah 8080.");
  assert_string_equal(tree_text(en, "want_text"), "80");
  assert_null(tree_get(en, "reads"));
}

static void fractions_are_exact(void **state) {
  (void)state;
  struct fraction sum = {0, 1}, f;
  char text[48];
  for (int i = 1; i <= 10; i++) sum = fraction_add(sum, (struct fraction){1, i});
  fraction_text(sum, text);
  assert_string_equal(text, "7381/2520");
  assert_true(fraction_parse("10/4", &f));
  assert_int_equal(f.top, 5);
  assert_int_equal(f.bottom, 2);
  assert_false(fraction_parse("1/0", &f));
  assert_false(fraction_parse("1/2x", &f));
  assert_false(fraction_parse("", &f));
}

/* --- grading again --- */

static const char old_checks[] =
  "[{\"id\":\"files\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true]]}},{\"id\":\"wire\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true]],\"live\":[[1,true]]}},"
  "{\"id\":\"late\",\"outcome\":\"pass\",\"shares\":{\"live\":[[1,true]]}}]";

static struct tree *again(struct fixture *f, const char *raw, const char *only, int *anew) {
  struct tree *old = tree_get(verdict(f, CHECK_SCOPE_BOTH, old_checks), "body"), *new = verdict(f, CHECK_SCOPE_BOTH, raw);
  tree_set(f->arena, old, "script", tree_string(f->arena, "sha256:old"));
  verdict_keep(f->arena, new, old, only, anew);
  return new;
}

static void a_replay_that_sees_everything_is_stored_as_it_is(void **state) {
  struct fixture *f = *state;
  int anew = 0;
  struct tree *pure = verdict(f, CHECK_SCOPE_BOTH, old_checks), *kept = again(f, old_checks, NULL, &anew);
  assert_string_equal(tree_text(kept, "body_sha256"), tree_text(pure, "body_sha256"));
  assert_int_equal(anew, 3);
}

static void what_a_replay_did_not_see_and_what_hangs_on_it_keeps_what_it_had(void **state) {
  struct fixture *f = *state;
  int anew = 0;
  struct tree *new = again(f, "[{\"id\":\"files\",\"error\":{\"who\":\"unobserved\",\"key\":\"evidence.unobserved\"}},"
                              "{\"id\":\"wire\",\"outcome\":\"pass\",\"shares\":{\"files\":[[1,true]],\"live\":[[1,false]]}},"
                              "{\"id\":\"late\",\"outcome\":\"blocked\",\"because\":[\"files\"]}]", NULL, &anew);
  assert_int_equal(anew, 1);
  assert_string_equal(of(new, "earned"), "15/2");                     /* 3 kept, 5/2 of 5 anew, 2 kept though blocked by what was not seen */
  assert_string_equal(of(new, "max"), "10");
  assert_string_equal(of(new, "state"), "settled");
  assert_int_equal(tree_get(tree_get(new, "body"), "left_out")->count, 0);
  assert_string_equal(tree_text(tree_path(new, "body.kept"), "files"), "sha256:old");
  assert_string_equal(tree_text(tree_path(new, "body.kept"), "late"), "sha256:old");
  assert_null(tree_get(tree_path(new, "body.kept"), "wire"));
}

static void one_check_is_graded_anew_and_our_fault_takes_nothing(void **state) {
  struct fixture *f = *state;
  int anew = 0;
  static const char raw[] = "[{\"id\":\"files\",\"outcome\":\"fail\",\"shares\":{\"files\":[[1,false]]}},{\"id\":\"wire\",\"error\":{\"who\":\"script\",\"key\":\"script.error\"}},"
                            "{\"id\":\"late\",\"outcome\":\"fail\",\"shares\":{\"live\":[[1,false]]}}]";
  struct tree *new = again(f, raw, "files", &anew);
  assert_int_equal(anew, 1);
  assert_string_equal(of(new, "earned"), "7");                         /* only `files` lost its 3 */
  new = again(f, raw, "wire", &anew);
  assert_int_equal(anew, 0);
  assert_string_equal(of(new, "earned"), "10");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(each_side_of_a_check_on_both_carries_half, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_missed_gate_takes_all_points_of_its_check, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_side_out_of_scope_leaves_both_sums, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_a_hand_in_is_worth_does_not_hang_on_what_is_in_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_a_worker_never_ended_or_made_up_is_our_error_and_no_fail, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_waits_for_the_unobserved_is_unobserved, set_up, tear_down),
    cmocka_unit_test_setup_teardown(pending_and_blocked_bring_no_points_and_pending_keeps_it_open, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_hidden_check_tells_nothing_before_its_time, set_up, tear_down),
    cmocka_unit_test_setup_teardown(events_of_a_failed_wait_are_shown_where_everything_is, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_finding_is_worded_in_the_viewers_language, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_replay_that_sees_everything_is_stored_as_it_is, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_a_replay_did_not_see_and_what_hangs_on_it_keeps_what_it_had, set_up, tear_down),
    cmocka_unit_test_setup_teardown(one_check_is_graded_anew_and_our_fault_takes_nothing, set_up, tear_down),
    cmocka_unit_test(fractions_are_exact)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
