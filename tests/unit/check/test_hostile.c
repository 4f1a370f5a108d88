/* Hostile scripts: each ends as an error of its own kind, in its time, and the next honest run in the same pool is as if nothing had been. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/wallclock.h"
#include "unit/check/job.h"

static struct check_pool *pool;

static int open_pool(void **state) {
  (void)state;
  secret_init();
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, NULL);
  return pool ? 0 : -1;
}

static int close_pool(void **state) {
  (void)state;
  check_pool_close(pool);
  return 0;
}

static char *json(struct arena *arena, const struct tree *tree) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 1 << 20);
  tree_write(out, tree);
  return out->data;
}

static struct check_result run(struct arena *arena, const char *script, int wall_ms) {
  struct job_case c;
  struct check_result result;
  struct err err = {0};
  job_begin(&c, script, NULL);
  c.job.wall_ms = wall_ms;
  if (!check_run(pool, arena, &c.job, NULL, &result, &err)) fail_msg("%s: %s", err.key, err.detail);
  return result;
}

static void an_honest_run_passes(const char *after) {
  struct arena *arena = arena_new(0);
  struct check_result result = run(arena, "check('fine', 'files', function() assert(host.files()[1].name == 'a') assert(not pcall(function() return leaked end)) end)", 0);
  if (strcmp(tree_text_or(tree_path(result.checks, "[0]"), "outcome", ""), "pass")) fail_msg("after %s: %s", after, json(arena, result.checks));
  arena_free(arena);
}

/* A check that comes before and one that comes after the hostile one. */
#define AROUND(body) "check('before', 'files', function() end)\ncheck('bad', 'files', function()\n" body "\nend)\ncheck('later', 'files', function() end)\n"

static void ends_as_an_error_and_the_next_run_is_fine(void **state) {
  (void)state;
  /* later: what becomes of the check after it: over a limit nothing more is run; a script's mistake is its own */
  static const struct { const char *sentence, *script, *who, *key, *later; } rows[] = {
    {"an endless loop", AROUND("while true do end"), "limit", "error.steps", "error"},
    {"an endless loop that catches every error", AROUND("while true do pcall(function() while true do end end) end"), "limit", "error.steps", "error"},
    {"xpcall whose handler loops", AROUND("while true do xpcall(function() while true do end end, function() while true do end end) end"), "limit", "error.steps", "error"},
    {"find with four lazy items", AROUND("local s = ('a'):rep(2000) return s:find('.-.-.-.-b')"), "limit", "error.steps", "pass"},
    {"find with nested repeats, caught", AROUND("local s = ('a'):rep(3000) for i = 1, 1000 do pcall(string.find, s, '(.-)(.-)(.-)%1%2b') end"), "limit", "error.steps", "pass"},
    {"find on a large text", AROUND("return ('a'):rep(100000):find('b.')"), "limit", "error.steps", "pass"},
    {"a thousand times gsub", AROUND("local s = ('a'):rep(60000) for i = 1, 1000 do s:gsub('a', 'b') end"), "limit", "error.steps", "error"},
    {"gmatch for ever", AROUND("while true do for w in ('a b c'):gmatch('%a') do end end"), "limit", "error.steps", "error"},
    {"%b on a long text", AROUND("local s = ('('):rep(60000) for i = 1, 60000 do s:find('%b()', i) end"), "limit", "error.steps", "pass"},
    {"a pattern that recurses", AROUND("return ('a'):rep(1000):find(('a?'):rep(1000) .. ('a'):rep(1000))"), "script", "error.script", "pass"},
    {"rep to a gigabyte", AROUND("local s = ('x'):rep(1e9) return s"), "script", "error.script", "pass"},
    {"rep again and again", AROUND("while true do local s = ('x'):rep(10000000) end"), "limit", "error.steps", "error"},
    {"concat by doubling", AROUND("local s = 'x' while true do s = s .. s end"), "limit", "error.memory", "error"},
    {"tables without end", AROUND("local t = {} for i = 1, 1e9 do t[i] = {i} end"), "limit", "error.memory", "error"},
    {"tables without end, caught", AROUND("while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = {} end end) end"), "limit", "error.memory", "error"},
    {"rubbish without end", AROUND("while true do local t = {{}, {}, {}} end"), "limit", "error.steps", "error"},
    {"deep recursion", AROUND("local function f(n) return 1 + f(n + 1) end return f(1)"), "script", "error.script", "pass"},
    {"recursion through pcall", AROUND("local function f() return pcall(f) end f() while true do end"), "limit", "error.steps", "error"},
    {"recursion through metamethods", AROUND("local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.a"), "script", "error.script", "pass"},
    {"recursion through sort", AROUND("local function f() table.sort({3, 2, 1}, f) end f()"), "script", "error.script", "pass"},
    {"recursion through gsub", AROUND("local function f(s) return s:gsub('.', f) end f('abc')"), "script", "error.script", "pass"},
    {"nested brackets for the parser", AROUND("return " "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("
     "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1"), "script", "error.script", NULL},
    {"a length that lies", AROUND("local t = setmetatable({}, {__len = function() return 1 << 60 end}) table.remove(t, 1) table.concat(t) return table.unpack(t), error('done')"),
     "script", "error.script", "pass"},
    {"move without end", AROUND("table.move({}, 1, 1 << 60, 2)"), "script", "error.script", "pass"},
    {"concat without end", AROUND("table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, 1 << 60)"), "script", "error.script", "pass"},
    {"unpack without end", AROUND("return table.unpack({}, 1, 1e8)"), "script", "error.script", "pass"},
    {"a sort that never agrees", AROUND("local t = {} for i = 1, 50000 do t[i] = i end table.sort(t, function() return true end) error('sorted')"), "script", "error.script", "pass"},
    {"an error that is a cycle", AROUND("local t = {} t.t = t error(t)"), "script", "", "pass"},
    {"an error that is a function", AROUND("error(print)"), "script", "error.script", "pass"},
    {"an error whose text never ends", AROUND("error(setmetatable({}, {__tostring = function() while true do end end}))"), "script", "", "pass"},
    {"a result that is none", AROUND("return 12"), "script", "error.script", "pass"},
    {"a result full of lies", AROUND("return {outcome = 'brilliant'}"), "script", "error.script", "pass"},
    {"a weight that is a text", AROUND("return {outcome = 'pass', shares = {{'1', true}}}"), "script", "error.script", "pass"},
    {"coroutines", AROUND("return coroutine.wrap(function() end)"), "script", "error.script", "pass"},
    {"load", AROUND("return load('while true do end')()"), "script", "error.script", "pass"},
    {"require", AROUND("return require 'os'"), "script", "error.script", "pass"},
    {"os", AROUND("os.exit(0)"), "script", "error.script", "pass"},
    {"io", AROUND("io.write('{\"outcome\": \"pass\"}')"), "script", "error.script", "pass"},
    {"debug", AROUND("debug.sethook()"), "script", "error.script", "pass"},
    {"collectgarbage", AROUND("collectgarbage('stop')"), "script", "error.script", "pass"},
    {"string.dump", AROUND("return string.dump(function() end)"), "script", "error.script", "pass"},
    {"_G", AROUND("return _G.os"), "script", "error.script", "pass"},
    {"a finalizer", AROUND("setmetatable({}, {__gc = function() while true do end end})"), "script", "error.script", "pass"},
    {"a weak table", AROUND("setmetatable({}, {__mode = 'k'})"), "script", "error.script", "pass"},
    {"a global of its own", AROUND("mine = 1"), "script", "error.script", "pass"},
    {"poisoning string", AROUND("string.find = print"), "script", "error.script", "pass"},
    {"poisoning the metatable of texts", AROUND("getmetatable('').__index = nil"), "script", "error.script", "pass"},
    {"poisoning the library", AROUND("check = print"), "script", "error.script", "pass"},
    {"reading what the library keeps", AROUND("return __run"), "script", "error.script", "pass"},
    {"exporting", AROUND("export.x = 1"), "script", "error.script", "pass"},
    {"declaring while a check runs", AROUND("check('more', 'files', print)"), "script", "error.script", "pass"},
    {"a node's method that is none", AROUND("return host.files()[1].node:nope()"), "script", "error.script", "pass"},
    {"a method on what is no node", AROUND("return host.files()[1].node.get({}, 'x')"), "script", "error.script", "pass"},
    {"an address out of format", AROUND("return ('%p'):format({})"), "script", "error.script", "pass"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    int64_t from = mono_ms();
    struct check_result result = run(arena, rows[i].script, 600000);       /* each ends by its own budget, never by the clock: a slow machine changes nothing */
    int64_t took = mono_ms() - from;
    if (getenv("SHOW_TIMES")) printf("%-44s %5lld ms %s\n", rows[i].sentence, (long long)took, json(arena, result.checks));
    const struct tree *error = rows[i].later ? tree_get(tree_path(result.checks, "[1]"), "error") : result.error;
    if (!error) fail_msg("%s: no error: %s", rows[i].sentence, json(arena, result.checks));
    if (strcmp(tree_text(error, "who"), rows[i].who) || (*rows[i].key && strcmp(tree_text(error, "key"), rows[i].key))) fail_msg("%s: %s", rows[i].sentence, json(arena, error));
    if (rows[i].later) {
      assert_int_equal(result.checks->count, 3);
      assert_string_equal(tree_text(tree_path(result.checks, "[0]"), "outcome"), "pass");
      if (strcmp(tree_text(tree_path(result.checks, "[2]"), "outcome"), rows[i].later)) fail_msg("%s: the check after it: %s", rows[i].sentence, json(arena, result.checks));
    }
    if (strstr(json(arena, result.checks), "0x")) fail_msg("%s: an address: %s", rows[i].sentence, json(arena, result.checks));
    arena_free(arena);
    an_honest_run_passes(rows[i].sentence);
  }
}

static void a_script_that_does_not_load_says_where(void **state) {
  (void)state;
  static const struct { const char *sentence, *script, *who; int line; } rows[] = {
    {"a mistake in the syntax", "\n\nlocal x = = 1", "script", 3},
    {"an undeclared global", "\ncheck('a', 'files', function() end)\nnope()", "script", 3},
    {"an endless loop while it loads", "\nwhile true do end", "limit", 2},
    {"bytecode", "\x1bLua", "script", 0},
    {"a variable that is closed", "local x <close> = nil", "script", 0},
    {"the same, with blanks", "local x < \n close > = nil", "script", 0},
    {"a need that is not there", "check('a', 'files', print, {'b'})", "script", 1},
    {"the same check twice", "check('a', 'files', print)\ncheck('a', 'files', print)", "script", 2},
    {"reading while it loads", "host.read{verb = 'list', kind = 'Pod'}", "script", 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    struct err err = {0};
    struct tree *list;
    job_begin(&c, rows[i].script, NULL);
    if (check_list(pool, arena, &c.library, 1, &c.script, &list, &err)) fail_msg("%s: was listed", rows[i].sentence);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.key, !strcmp(rows[i].who, "limit") ? "script.limit" : "script.error");
    struct check_result result = run(arena, rows[i].script, 0);
    assert_int_equal(result.checks->count, 0);
    assert_non_null(result.error);
    if (strcmp(tree_text(result.error, "who"), rows[i].who)) fail_msg("%s: %s", rows[i].sentence, json(arena, result.error));
    if (rows[i].line && (tree_int(result.error, "line", 0) != rows[i].line || strcmp(tree_text_or(result.error, "file", ""), "checks.lua"))) {
      /* raised by the library for the script's line: the text names it */
      if (!strstr(tree_text_or(result.error, "detail", ""), "10-library.lua")) fail_msg("%s: %s", rows[i].sentence, json(arena, result.error));
    }
    arena_free(arena);
    an_honest_run_passes(rows[i].sentence);
  }
}

static void what_is_printed_is_kept_up_to_a_cap(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct check_result result = run(arena, "check('a', 'files', function() for i = 1, 20000 do print('line', i, {}, nil, true, 1.5) end end)", 0);
  assert_string_equal(tree_text(tree_path(result.checks, "[0]"), "outcome"), "pass");
  assert_true(tree_flag(result.log, "cut", false));
  const char *text = tree_text(result.log, "text");
  assert_true(strlen(text) <= 64 * 1024);
  assert_memory_equal(text, "line\t1\ttable\tnil\ttrue\t1.5\n", 26);
  arena_free(arena);
}

static void findings_and_texts_are_bounded_and_the_cut_is_marked(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct check_result result = run(arena,
    "check('many', 'files', function() local list = {} for i = 1, 500 do list[i] = {key = 'a.b', params = {n = i}} end return won{outcome = 'fail', findings = list} end)\n"
    "check('long', 'files', function() local list = {} for i = 1, 200 do list[i] = {key = 'a.b', params = {x = ('é'):rep(5000), y = ('x'):rep(5000)}} end return won{outcome = 'fail', findings = list} end)\n"
    "check('odd', 'files', function() return won{outcome = 'fail', findings = {{key = 'a.b', params = {f = 1.5, big = 1 << 60, s = '\\xff\\xfe', z = 'a\\0b', t = {{{{{{{{}}}}}}}}, fn = print}}}} end)\n", 0);
  const struct tree *many = tree_path(result.checks, "[0]"), *longer = tree_path(result.checks, "[1]"), *odd = tree_path(result.checks, "[2]");
  assert_int_equal(tree_get(many, "findings")->count, 200);
  assert_true(tree_flag(many, "cut", false));
  assert_true(tree_get(longer, "findings")->count > 50);
  assert_true(tree_get(longer, "findings")->count < 200);
  assert_true(tree_flag(longer, "cut", false));
  const struct tree *params = tree_path(odd, "findings[0].params");
  assert_string_equal(tree_text(params, "f"), "1.5");
  assert_string_equal(tree_text(params, "big"), "1152921504606846976");
  assert_string_equal(tree_text(params, "z"), "a");
  assert_string_equal(tree_text(params, "s"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  arena_free(arena);
}

static void nothing_goes_from_one_run_into_the_next(void **state) {
  (void)state;
  static const char script[] =
    "local seen = 0\n"
    "check('a', 'files', function()\n"
    "  seen = seen + 1\n"
    "  local keys = {}\n"
    "  for k in pairs({z = 1, y = 2, x = 3, [4] = 4, [1.5] = 5, [true] = 6}) do keys[#keys + 1] = tostring(k) end\n"
    "  return won{findings = {{key = 'a.b', params = {seen = seen, keys = table.concat(keys, ' '), chance = math.random(1, 1000000), now = host.now}}}}\n"
    "end)\n";
  struct arena *arena = arena_new(0);
  char *first = NULL;
  for (int i = 0; i < 5; i++) {
    struct check_result result = run(arena, script, 0);
    char *text = json(arena, result.checks);
    if (first) assert_string_equal(text, first);
    else first = text;
    if (i == 2) {
      check_pool_close(pool);                                  /* another process, other addresses */
      pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, NULL);
    }
  }
  assert_non_null(strstr(first, "\"keys\":\"1.5 4 x y z true\""));
  assert_non_null(strstr(first, "\"seen\":1"));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ends_as_an_error_and_the_next_run_is_fine), cmocka_unit_test(a_script_that_does_not_load_says_where), cmocka_unit_test(what_is_printed_is_kept_up_to_a_cap),
    cmocka_unit_test(findings_and_texts_are_bounded_and_the_cut_is_marked), cmocka_unit_test(nothing_goes_from_one_run_into_the_next),
  };
  return cmocka_run_group_tests(tests, open_pool, close_pool);
}
