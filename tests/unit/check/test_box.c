/* box: our pattern and table functions against Lua's own on what both can do; and the heap against a dumb model. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/buf.h"
#include "check/worker/box.h"
#include "check/worker/heap.h"

static bool give(void *ctx, const char *sha256, const char **out_text, size_t *out_length) {
  (void)sha256;
  *out_text = ctx;
  *out_length = strlen(ctx);
  return true;
}

/* A script in a box with no library; what it printed. */
static const char *print_in_box(const char *script, struct buf *log) {
  static int n;
  char hash[65];
  snprintf(hash, sizeof hash, "%064d", ++n);
  struct box box = {.log = log};
  struct box_source source = {"t.lua", hash};
  buf_reset(log);
  if (!box_open(&box, give, (void *)script, NULL, 0) || !box_run_script(&box, give, (void *)script, &source)) buf_printf(log, "error: %s", box.error.text);
  box_close(&box);
  return log->data;
}

/* The same in Lua with its own libraries. */
static struct buf *plain_log;
static int plain_print(lua_State *L) {
  for (int i = 1, n = lua_gettop(L); i <= n; i++) {
    buf_str(plain_log, luaL_tolstring(L, i, NULL));
    buf_char(plain_log, i < n ? '\t' : '\n');
    lua_pop(L, 1);
  }
  return 0;
}

static const char *print_in_lua(const char *script, struct buf *log) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  lua_register(L, "print", plain_print);
  plain_log = log;
  buf_reset(log);
  if (luaL_loadbufferx(L, script, strlen(script), "=t.lua", "t") || lua_pcall(L, 0, 0, 0)) {
    const char *text = lua_tostring(L, -1), *behind = strstr(text, ": ");
    buf_printf(log, "error: %s", behind ? behind + 2 : text);
  }
  lua_close(L);
  return log->data;
}

static void same(const char *script, struct buf *a, struct buf *b) {
  const char *ours = print_in_box(script, a), *theirs = print_in_lua(script, b);
  bool both_fail = !strncmp(ours, "error:", 6) && !strncmp(theirs, "error:", 6);       /* words may differ */
  if (both_fail || !strcmp(ours, theirs)) return;
  const char *o = ours, *t = theirs;
  while (*o && *o == *t) {
    o++;
    t++;
  }
  size_t back = o - ours > 120 ? 120 : (size_t)(o - ours);
  fail_msg("%.120s\nours: %.200s\nLua: %.200s", script, o - back, t - back);
}

static void functions_do_what_lua_s_do(void **state) {
  (void)state;
  static const char *const rows[] = {
    "print(('hello world'):find('o w'))", "print(('hello'):find('l', 1, true), ('hello'):find('xyz'), ('hello'):find('', 10), ('hello'):find('', 6))",
    "print(('hello'):find('l', -2), ('a.b'):find('.', 2, true), ('a+b'):find('+', 1, true))", "print(('key = value'):match('^(%w+)%s*=%s*(%w+)$'))",
    "print(('  trim  '):match('^%s*(.-)%s*$') .. '|')", "print(('2024-01-02'):match('(%d+)-(%d+)-(%d+)'))", "print(('f(a(b)c)d'):match('%b()'))",
    "print(('THE (quick) fox'):find('%((%a+)%)'))", "print(('hello'):match('()ll()'))", "print(('abcabc'):match('(abc)%1'), ('abcabd'):match('(abc)%1'))",
    "print(('THE quick'):gsub('%f[%a]%a+', string.lower))", "print(('hello'):gsub('l', {l = 'L'}), ('hello'):gsub('l', function() return nil end))",
    "print(('hello'):gsub('', '-'), ('abc'):gsub('%w', '%0%0'), ('abc'):gsub('(a)(b)', '%2%1'))", "print(('hello'):gsub('l', 'x', 1), ('aaa'):gsub('^a', 'b'))",
    "for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do print(k, v) end", "for w in ('one two'):gmatch('%a*') do print('[' .. w .. ']') end", "for a in ('abc'):gmatch('', 2) do print('x') end",
    "print(('x'):rep(3, ','), ('x'):rep(0), ('ab'):rep(1, '-'), (''):rep(5), ('x'):rep(-1), ('abc'):rep(4, '::'))",
    "print(('[%s] %d %5.1f %-5s| %05d %x %c %g %%'):format('a', 7, 1.25, 'ab', 42, 255, 65, 0.1))", "print(('%.3s|%10s|%i'):format('abcdef', 'r', -3))", "print(('%d'):format(1.5))", "print(('%d'):format('10'))",
    "print(('%s %s %s'):format(nil, true, 1.0))", "print(('%y'):format(1))", "print(('%'):format())", "print(('%s'):format())",
    "local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) print(table.concat(t, ','), table.remove(t), table.remove(t, 1), table.concat(t, ','))",
    "print(table.concat({}, 'x'), table.concat({1, 2.5, 'a'}, '-', 2), table.concat({1, 2, 3}, ', ', 2, 3))", "print(table.concat({1, {}, 3}))", "table.insert({1, 2}, 5, 1)", "print(table.remove({}), #{table.unpack({1, 2, 3}, 2)})",
    "print(table.unpack({1, 2, 3}, -1, 1))", "local t = table.pack(1, nil, 3) print(t.n, t[1], t[2], t[3])", "local t = table.move({1, 2, 3}, 1, 3, 2) print(table.concat(t, ','))",
    "local t = table.move({1, 2, 3}, 2, 3, 1) print(table.concat(t, ','))", "print(table.concat(table.move({1, 2}, 1, 2, 3, {9, 9}), ','))",
    "local t = {5, 2, 8, 1} table.sort(t) print(table.concat(t, ' ')) table.sort(t, function(a, b) return a > b end) print(table.concat(t, ' '))",
    "local t = {'b', 'a', 'C'} table.sort(t) print(table.concat(t, ' '))", "table.sort({1, 'a'})", "print(pcall(error, 'x', 0), select('#', pcall(error)))", "print(xpcall(function() error('x', 0) end, function(m) return m .. '!' end))",
    "print(xpcall(function(a) return a, 2 end, print, 1))", "print(tostring(1), tostring(1.5), tostring(nil), tostring(true), tostring('x'), tostring(2^53))", "print(getmetatable(setmetatable({}, {__metatable = 'no'})))",
    "print(pcall(setmetatable, setmetatable({}, {__metatable = 1}), {}))", "print(rawequal('a', 'a'), rawlen({1, 2}), select(2, 'a', 'b'), tonumber('0x10'), tonumber('z', 36), math.type(1), type(nil))",
    "print(utf8.char(233, 26085), utf8.len('é日'), #utf8.char(26085)) for p, c in utf8.codes('é!') do print(p, c) end", "print(math.max(1, 2), math.floor(1.5), 7 // 2, 7 % -3, 1 << 4, math.maxinteger, math.ult(1, -1))",
    "print(('x'):upper(), ('X'):lower(), ('abc'):reverse(), ('abc'):sub(2, -1), ('abc'):byte(1, 3), string.char(97, 98), #'abc', ('abc'):len())",
    "print(('a'):match('a', 3), ('aXb'):find('%u'), ('a]b'):find('[]]'), ('a-b'):find('[a%-]', 2), ('a^b'):find('[%^]'))", "print(('x'):find('['))", "print(('x'):find('%'))", "print(('x'):match('(x'))", "print(('x'):match('x)'))",
    "print(('x'):gsub('x', '%2'))", "print(('x'):gsub('x', '%'))", "print(('x'):find('[a'), 1)", "print(('a\\0b'):find('\\0'), ('a\\0b'):find('b'))", "print(('é'):match('[\\xc3][\\xa9]'))",
  };
  struct buf a, b;
  buf_init(&a, 60000);
  buf_init(&b, 60000);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) same(rows[i], &a, &b);
  buf_release(&a);
  buf_release(&b);
}

static void random_patterns_match_as_lua_s_do(void **state) {
  (void)state;
  static const char *const part[] = {"a", "b", ".", "%a", "%d", "%s", "[ab]", "[^a]", "[a-c]", "(", ")", "()", "*", "+", "-", "?", "^", "$", "%1", "%b()", "%f[b]", "%.", "%w", "[%d_]", "c"};
  static const char *const piece[] = {"a", "b", "c", "ab", "(", ")", "1", " ", ".", "aa", "_", "bc"};
  srand(17);
  struct buf a, b, script;
  buf_init(&a, 60000);
  buf_init(&b, 60000);
  buf_init(&script, 1 << 20);
  for (int round = 0; round < 60; round++) {                   /* many in one script: a box for each would take long */
    buf_reset(&script);
    for (int i = 0; i < 50; i++) {
      char pattern[80] = "", subject[120] = "";
      for (int n = rand() % 7; n >= 0; n--) strcat(pattern, part[(size_t)rand() % (sizeof part / sizeof *part)]);
      for (int n = rand() % 14; n >= 0; n--) strcat(subject, piece[(size_t)rand() % (sizeof piece / sizeof *piece)]);
      buf_printf(&script, "do local s, p = '%s', '%s' print(s, p) local function try(f, ...) local r = {pcall(f, s, p, ...)} if r[1] then print(table.unpack(r)) else print('failed') end end\n", subject, pattern);
      buf_printf(&script, "try(string.find) try(string.find, %d) try(string.match) try(string.gsub, '<%%0>') try(string.gsub, function(x) return x end)\n", rand() % 9 - 4);
      buf_str(&script, "pcall(function() local n = 0 for x, y in s:gmatch(p) do n = n + 1 print(x, y) if n > 20 then break end end end) end\n");
    }
    same(script.data, &a, &b);
  }
  buf_release(&a);
  buf_release(&b);
  buf_release(&script);
}

static void sorting_is_stable_and_right(void **state) {
  (void)state;
  struct buf log;
  buf_init(&log, 60000);
  assert_string_equal(print_in_box(
    "for n = 0, 40 do local t = {} for i = 1, n do t[i] = {math.random(1, 5), i} end\n"
    "  table.sort(t, function(a, b) return a[1] < b[1] end)\n"
    "  assert(#t == n)\n"
    "  for i = 2, n do assert(t[i - 1][1] < t[i][1] or (t[i - 1][1] == t[i][1] and t[i - 1][2] < t[i][2])) end end print('fine')", &log), "fine\n");
  buf_release(&log);
}

static void pairs_goes_in_order_and_bears_removal(void **state) {
  (void)state;
  struct buf log;
  buf_init(&log, 60000);
  assert_string_equal(print_in_box("local t = {b = 1, a = 2, c = 3, [10] = 4, [2] = 5, [1.5] = 6, [true] = 7, [false] = 8, [-1] = 9} for k, v in pairs(t) do print(k, v) if k == 'a' then t.b = nil end t[k] = nil end for k in pairs(t) do print('left', k) end", &log),
    "-1\t9\n1.5\t6\n2\t5\n10\t4\na\t2\nc\t3\nfalse\t8\ntrue\t7\n");
  assert_string_equal(print_in_box("local t = {} for i = 1, 5000 do t['k' .. i] = i t[i] = i end local n = 0 for k, v in pairs(t) do n = n + v end print(n)", &log), "25005000\n");
  assert_string_equal(print_in_box("for k in pairs({[{}] = 1}) do end", &log), "error: pairs cannot bring keys of type table into an order");
  buf_release(&log);
}

static void memory_comes_back_as_it_was_written(void **state) {
  (void)state;
  enum { BLOCKS = 400 };
  struct heap *heap = heap_get();
  heap_reset(heap, 24u << 20);
  static unsigned char *block[BLOCKS];
  static size_t size[BLOCKS];
  size_t used = 0;
  srand(19);
  for (int round = 0; round < 100000; round++) {
    int i = rand() % BLOCKS;
    size_t want = rand() % 3 == 0 ? 0 : rand() % 50 == 0 ? (size_t)rand() % 200000 : (size_t)rand() % 600;
    for (size_t k = 0; k < size[i]; k += 1 + size[i] / 7) assert_int_equal(block[i][k], (unsigned char)(i * 31));
    void *moved = heap_alloc(heap, block[i], size[i], want);
    if (want && !moved) continue;                              /* the cap: the old block is untouched */
    used = used - size[i] + want;
    for (size_t k = 0; k < (want < size[i] ? want : size[i]); k += 1 + want / 7) assert_int_equal(((unsigned char *)moved)[k], (unsigned char)(i * 31));
    block[i] = moved;
    size[i] = want;
    if (want) memset(moved, i * 31, want);
    assert_int_equal(heap_used(heap), used);
    assert_true(used <= 24u << 20);
  }
  heap_reset(heap, 1);
  memset(block, 0, sizeof block);
  memset(size, 0, sizeof size);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(functions_do_what_lua_s_do), cmocka_unit_test(random_patterns_match_as_lua_s_do), cmocka_unit_test(sorting_is_stable_and_right),
    cmocka_unit_test(pairs_goes_in_order_and_bears_removal), cmocka_unit_test(memory_comes_back_as_it_was_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
