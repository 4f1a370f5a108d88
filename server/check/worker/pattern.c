/* pattern: find, match, gmatch and gsub with Lua's patterns, by a matcher that counts: a few lazy items on two thousand characters can be years of
 * work, and no hook is called meanwhile. Subjects are at most 64 KiB, a call at most a million steps, and every step counts as an instruction. */
#include "check/worker/pattern.h"

#include <ctype.h>
#include <string.h>

#include "check/worker/box.h"

#define CAPTURES_MAX 32
#define DEPTH_MAX 200
#define CALL_STEPS 16                       /* what a call costs besides */
#define OPEN (-1)                          /* length of a capture that is not closed */
#define POSITION (-2)                      /* length of () */

struct matcher {
  lua_State *L;
  const char *subject, *end, *pattern_end;
  int64_t steps, charged;
  int depth, captures;
  struct { const char *at; ptrdiff_t length; } capture[CAPTURES_MAX];
};

static void spend(struct matcher *m) {
  if (++m->steps - m->charged < 4096) return;
  box_spend(m->L, m->steps - m->charged);
  m->charged = m->steps;
  if (m->steps > PATTERN_STEPS_MAX) box_raise(m->L, "limit", "error.steps", "a pattern took more than %d steps", PATTERN_STEPS_MAX);
}

static bool in_class(unsigned char c, char class) {
  bool in;
  switch (class | 32) {
    case 'a': in = isalpha(c); break;
    case 'c': in = iscntrl(c); break;
    case 'd': in = isdigit(c); break;
    case 'g': in = isgraph(c); break;
    case 'l': in = islower(c); break;
    case 'p': in = ispunct(c); break;
    case 's': in = isspace(c); break;
    case 'u': in = isupper(c); break;
    case 'w': in = isalnum(c); break;
    case 'x': in = isxdigit(c); break;
    default: return class == (char)c;                          /* %. and the like: the character itself */
  }
  return isupper((unsigned char)class) ? !in : in;
}

/* Behind the single item (a character, a class, a set) at p. */
static const char *item_end(struct matcher *m, const char *p) {
  char c = *p++;
  if (c == '%') {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
  }
  if (c != '[') return p;
  if (p < m->pattern_end && *p == '^') p++;
  do {                                                         /* a ] right behind [ is a member */
    if (p >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == '%' && p < m->pattern_end) p++;
  } while (p >= m->pattern_end || *p != ']');
  return p + 1;
}

/* Is c in the set from [ at p to its ] at `last`? */
static bool in_set(unsigned char c, const char *p, const char *last) {
  bool wanted = true;
  if (*++p == '^') {
    wanted = false;
    p++;
  }
  for (; p < last; p++) {
    if (*p == '%' && p + 1 < last) {
      if (in_class(c, *++p)) return wanted;
    } else if (p + 2 < last && p[1] == '-') {
      if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return wanted;
      p += 2;
    } else if ((unsigned char)*p == c) return wanted;
  }
  return !wanted;
}

static bool item_matches(struct matcher *m, const char *s, const char *p, const char *item_stop) {
  spend(m);
  if (s >= m->end) return false;
  unsigned char c = (unsigned char)*s;
  switch (*p) {
    case '.': return true;
    case '%': return in_class(c, p[1]);
    case '[': return in_set(c, p, item_stop - 1);
    default: return (unsigned char)*p == c;
  }
}

static const char *walk(struct matcher *m, const char *s, const char *p);

/* %bxy: from x to the y that balances it. */
static const char *balance(struct matcher *m, const char *s, const char *p) {
  if (m->pattern_end - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->end || *s != p[0]) return NULL;
  int open = 1;
  for (s++; s < m->end; s++) {
    spend(m);
    if (*s == p[1]) {
      if (--open == 0) return s + 1;
    } else if (*s == p[0]) open++;
  }
  return NULL;
}

static const char *repeat_most(struct matcher *m, const char *s, const char *p, const char *stop) {
  ptrdiff_t n = 0;
  while (item_matches(m, s + n, p, stop)) n++;
  for (; n >= 0; n--) {
    const char *rest = walk(m, s + n, stop + 1);
    if (rest) return rest;
  }
  return NULL;
}

static const char *repeat_least(struct matcher *m, const char *s, const char *p, const char *stop) {
  for (;; s++) {
    const char *rest = walk(m, s, stop + 1);
    if (rest) return rest;
    if (!item_matches(m, s, p, stop)) return NULL;
  }
}

static const char *open_capture(struct matcher *m, const char *s, const char *p, ptrdiff_t kind) {
  if (m->captures >= CAPTURES_MAX) luaL_error(m->L, "too many captures");
  m->capture[m->captures].at = s;
  m->capture[m->captures++].length = kind;
  const char *rest = walk(m, s, p);
  if (!rest) m->captures--;
  return rest;
}

static const char *close_capture(struct matcher *m, const char *s, const char *p) {
  int i = m->captures - 1;
  while (i >= 0 && m->capture[i].length != OPEN) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->capture[i].length = s - m->capture[i].at;
  const char *rest = walk(m, s, p);
  if (!rest) m->capture[i].length = OPEN;
  return rest;
}

static const char *same_again(struct matcher *m, const char *s, char digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->captures || m->capture[i].length == OPEN) luaL_error(m->L, "invalid capture index %%%d", i + 1);
  if (m->capture[i].length == POSITION) return NULL;           /* a place is no text */
  ptrdiff_t n = m->capture[i].length;
  m->steps += n / 16;
  spend(m);
  return m->end - s >= n && !memcmp(m->capture[i].at, s, (size_t)n) ? s + n : NULL;
}

/* %f[set]: the border where what stands before is not in the set and what follows is. */
static bool at_frontier(struct matcher *m, const char *s, const char *set, const char *set_stop) {
  unsigned char last = s == m->subject ? 0 : (unsigned char)s[-1], next = s < m->end ? (unsigned char)*s : 0;
  return !in_set(last, set, set_stop - 1) && in_set(next, set, set_stop - 1);
}

/* Where the match of the pattern from p, begun at s, ends; NULL when there is none. */
static const char *match_here(struct matcher *m, const char *s, const char *p) {
  for (;;) {
    spend(m);
    if (p == m->pattern_end) return s;
    if (*p == '(') return p + 1 < m->pattern_end && p[1] == ')' ? open_capture(m, s, p + 2, POSITION) : open_capture(m, s, p + 1, OPEN);
    if (*p == ')') return close_capture(m, s, p + 1);
    if (*p == '$' && p + 1 == m->pattern_end) return s == m->end ? s : NULL;
    if (*p == '%' && p + 1 < m->pattern_end) {
      if (p[1] == 'b') {
        s = balance(m, s, p + 2);
        if (!s) return NULL;
        p += 4;
        continue;
      }
      if (p[1] == 'f') {
        const char *set = p + 2;
        if (set >= m->pattern_end || *set != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
        const char *stop = item_end(m, set);
        if (!at_frontier(m, s, set, stop)) return NULL;
        p = stop;
        continue;
      }
      if (isdigit((unsigned char)p[1])) {
        s = same_again(m, s, p[1]);
        if (!s) return NULL;
        p += 2;
        continue;
      }
    }
    const char *stop = item_end(m, p);
    char times = stop < m->pattern_end ? *stop : 0;
    if (times == '*') return repeat_most(m, s, p, stop);
    if (times == '-') return repeat_least(m, s, p, stop);
    if (times == '+') return item_matches(m, s, p, stop) ? repeat_most(m, s + 1, p, stop) : NULL;
    if (times == '?') {
      if (item_matches(m, s, p, stop)) {
        const char *rest = walk(m, s + 1, stop + 1);
        if (rest) return rest;
      }
      p = stop + 1;
      continue;
    }
    if (!item_matches(m, s, p, stop)) return NULL;
    s++;
    p = stop;
  }
}

static const char *walk(struct matcher *m, const char *s, const char *p) {
  if (++m->depth > DEPTH_MAX) luaL_error(m->L, "pattern too complex");
  const char *rest = match_here(m, s, p);
  m->depth--;
  return rest;
}

/* --- what scripts call ------------------------------------------------------------------------------------------------------ */

static void begin(struct matcher *m, lua_State *L, const char *s, size_t length, const char *p, size_t pattern_length) {
  if (length > PATTERN_SUBJECT_MAX) box_raise(L, "limit", "error.steps", "a text of %d bytes is too long for a pattern", (int)length);
  *m = (struct matcher){.L = L, .subject = s, .end = s + length, .pattern_end = p + pattern_length};
}

static const char *try_at(struct matcher *m, const char *s, const char *p) {
  m->captures = m->depth = 0;
  return walk(m, s, p);
}

static void finish(struct matcher *m) {
  box_spend(m->L, m->steps - m->charged + CALL_STEPS);
  m->charged = m->steps;
}

/* Pushes capture i; the whole match stands for the first when there is none. */
static void push_capture(struct matcher *m, int i, const char *s, const char *e) {
  if (i >= m->captures) {
    if (i) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    lua_pushlstring(m->L, s, (size_t)(e - s));
  } else if (m->capture[i].length == POSITION) lua_pushinteger(m->L, m->capture[i].at - m->subject + 1);
  else if (m->capture[i].length == OPEN) luaL_error(m->L, "unfinished capture");
  else lua_pushlstring(m->L, m->capture[i].at, (size_t)m->capture[i].length);
}

static int push_captures(struct matcher *m, const char *s, const char *e, bool whole_too) {
  int n = m->captures == 0 && whole_too ? 1 : m->captures;
  luaL_checkstack(m->L, n, "too many captures");
  for (int i = 0; i < n; i++) push_capture(m, i, s, e);
  return n;
}

static int find_or_match(lua_State *L, bool find) {
  size_t length, pattern_length;
  const char *s = luaL_checklstring(L, 1, &length), *p = luaL_checklstring(L, 2, &pattern_length);
  lua_Integer from = luaL_optinteger(L, 3, 1);
  if (from < 0) from = (lua_Integer)length + from + 1 < 1 ? 1 : (lua_Integer)length + from + 1;
  else if (from == 0) from = 1;
  if (from > (lua_Integer)length + 1) {
    lua_pushnil(L);
    return 1;
  }
  const char *at = s + from - 1, *end = s + length;
  bool plain = find && (lua_toboolean(L, 4) || (strlen(p) == pattern_length && !strpbrk(p, "^$*+?.([%-")));
  if (plain) {
    box_spend(L, (int64_t)length / 16 + 1);
    const char *hit = pattern_length ? memmem(at, (size_t)(end - at), p, pattern_length) : at;
    if (!hit) {
      lua_pushnil(L);
      return 1;
    }
    lua_pushinteger(L, hit - s + 1);
    lua_pushinteger(L, hit - s + (lua_Integer)pattern_length);
    return 2;
  }
  struct matcher m;
  begin(&m, L, s, length, p, pattern_length);
  bool anchored = pattern_length && *p == '^';
  if (anchored) p++;
  for (;; at++) {
    const char *e = try_at(&m, at, p);
    if (e) {
      finish(&m);
      if (!find) return push_captures(&m, at, e, true);
      lua_pushinteger(L, at - s + 1);
      lua_pushinteger(L, e - s);
      return 2 + push_captures(&m, NULL, NULL, false);
    }
    if (anchored || at >= end) break;
  }
  finish(&m);
  lua_pushnil(L);
  return 1;
}

static int text_find(lua_State *L) { return find_or_match(L, true); }
static int text_match(lua_State *L) { return find_or_match(L, false); }

/* Upvalues: subject, pattern, where to go on (0-based), end of the last match (-1: none). */
static int next_match(lua_State *L) {
  size_t length, pattern_length;
  const char *s = lua_tolstring(L, lua_upvalueindex(1), &length), *p = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
  const char *last = s + lua_tointeger(L, lua_upvalueindex(4));
  struct matcher m;
  begin(&m, L, s, length, p, pattern_length);
  for (const char *at = s + lua_tointeger(L, lua_upvalueindex(3)); at <= m.end; at++) {
    const char *e = try_at(&m, at, p);
    if (!e || e == last) continue;
    finish(&m);
    lua_pushinteger(L, e - s);
    lua_pushvalue(L, -1);
    lua_replace(L, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return push_captures(&m, at, e, true);
  }
  finish(&m);
  return 0;
}

static int text_gmatch(lua_State *L) {
  size_t length;
  luaL_checklstring(L, 1, &length);
  luaL_checkstring(L, 2);
  lua_Integer from = luaL_optinteger(L, 3, 1);
  if (from < 0) from = (lua_Integer)length + from + 1 < 1 ? 1 : (lua_Integer)length + from + 1;
  else if (from == 0) from = 1;
  if (from > (lua_Integer)length + 1) from = (lua_Integer)length + 2;      /* no match at all */
  lua_settop(L, 2);
  lua_pushinteger(L, from - 1);
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, next_match, 4);
  return 1;
}

/* Adds what stands for the match s..e: text with %0 to %9, a table's value, a function's result. Nothing or false: the match itself. */
static void add_replacement(struct matcher *m, luaL_Buffer *buffer, const char *s, const char *e) {
  lua_State *L = m->L;
  int type = lua_type(L, 3);
  if (type == LUA_TNUMBER || type == LUA_TSTRING) {
    size_t length;
    const char *text = lua_tolstring(L, 3, &length), *end = text + length;
    for (; text < end; text++) {
      if (*text != '%') {
        luaL_addchar(buffer, *text);
        continue;
      }
      if (++text >= end || (*text != '%' && !isdigit((unsigned char)*text))) luaL_error(L, "invalid use of '%%' in replacement string");
      if (*text == '%') luaL_addchar(buffer, '%');
      else if (*text == '0') luaL_addlstring(buffer, s, (size_t)(e - s));
      else {
        push_capture(m, *text - '1', s, e);
        luaL_tolstring(L, -1, NULL);                           /* a number when it was () */
        lua_remove(L, -2);
        luaL_addvalue(buffer);
      }
    }
    return;
  }
  if (type == LUA_TTABLE) {
    push_capture(m, 0, s, e);
    lua_gettable(L, 3);
  } else {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(m, s, e, true), 1);
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(buffer, s, (size_t)(e - s));
  } else if (lua_isstring(L, -1)) luaL_addvalue(buffer);
  else luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
}

static int text_gsub(lua_State *L) {
  size_t length, pattern_length;
  const char *s = luaL_checklstring(L, 1, &length), *p = luaL_checklstring(L, 2, &pattern_length), *last = NULL;
  int type = lua_type(L, 3);
  luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION, 3, "string/function/table");
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1), n = 0;
  bool anchored = pattern_length && *p == '^';
  struct matcher m;
  luaL_Buffer buffer;
  begin(&m, L, s, length, p, pattern_length);
  if (anchored) p++;
  luaL_buffinit(L, &buffer);
  for (; n < most;) {
    const char *e = try_at(&m, s, p);
    if (e && e != last) {
      n++;
      finish(&m);
      add_replacement(&m, &buffer, s, e);
      if (luaL_bufflen(&buffer) > BOX_TEXT_MAX) return luaL_error(L, "resulting string too large");
      s = last = e;
    } else if (s < m.end) luaL_addchar(&buffer, *s++);
    else break;
    if (anchored) break;
  }
  finish(&m);
  luaL_addlstring(&buffer, s, (size_t)(m.end - s));
  luaL_pushresult(&buffer);
  box_spend(L, (int64_t)lua_rawlen(L, -1) / 16 + 1);
  lua_pushinteger(L, n);
  return 2;
}

const luaL_Reg box_pattern_functions[] = {{"find", text_find}, {"gmatch", text_gmatch}, {"gsub", text_gsub}, {"match", text_match}, {NULL, NULL}};
