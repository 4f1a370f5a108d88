/* box_words: Lua's own functions where ours have to differ: errors that no pcall swallows, pairs in a fixed order, tables that cannot be poisoned,
 * text with a budget and without addresses, print into the log. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check/worker/box.h"

/* --- base ------------------------------------------------------------------------------------------------------------------- */

static int safe_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  if (status == LUA_OK) return lua_gettop(L);
  box_pass_on(L, status);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

/* The handler is called when the stack is down again: inside the error, hooks are off, and it could run for ever. */
static int safe_xpcall(lua_State *L) {
  int args = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_insert(L, 3);                                            /* f, handler, f, arguments */
  int status = lua_pcall(L, args, LUA_MULTRET, 0);
  if (status == LUA_OK) {
    lua_pushboolean(L, 1);
    lua_replace(L, 2);
    return lua_gettop(L) - 1;
  }
  box_pass_on(L, status);
  lua_pushboolean(L, 0);                                       /* f, handler, message, false */
  lua_replace(L, 1);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int safe_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_getmetatable(L, 1)) return 0;
  if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL) return 1;
  return 1;
}

static int safe_setmetatable(lua_State *L) {
  static const char *const gone[] = {"__gc", "__close", "__mode", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
  for (const char *const *name = gone; *name && lua_istable(L, 2); name++) {
    lua_pushstring(L, *name);
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "%s is not for checks", *name);
    lua_pop(L, 1);
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

const char *box_tostring(lua_State *L, int index, size_t *out_length) {
  index = lua_absindex(L, index);
  if (luaL_callmeta(L, index, "__tostring")) {
    if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
  } else switch (lua_type(L, index)) {
    case LUA_TNIL: lua_pushliteral(L, "nil"); break;
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false"); break;
    case LUA_TNUMBER:
    case LUA_TSTRING: lua_pushvalue(L, index); break;
    default: {
      int type = luaL_getmetafield(L, index, "__name");
      if (type == LUA_TSTRING) break;
      if (type != LUA_TNIL) lua_pop(L, 1);
      lua_pushstring(L, luaL_typename(L, index));
    }
  }
  return lua_tolstring(L, -1, out_length);
}

static int safe_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  box_tostring(L, 1, NULL);
  return 1;
}

static int safe_print(lua_State *L) {
  struct box *box = box_of(L);
  int n = lua_gettop(L);
  for (int i = 1; i <= n; i++) {
    size_t length;
    const char *text = box_tostring(L, i, &length);
    box_spend(L, (int64_t)length / 16 + 1);
    size_t room = box->log && box->log->len < BOX_LOG_MAX - 1 ? BOX_LOG_MAX - 1 - box->log->len : 0;
    if (length > room) box->log_cut = true;
    if (room) buf_add(box->log, text, length < room ? length : room);
    if (room > length) buf_char(box->log, i < n ? '\t' : '\n');
    lua_pop(L, 1);
  }
  return 0;
}

/* A key with what decides its place: numbers by value, then texts by bytes, then false and true. */
struct sort_key { int kind; double number; lua_Integer integer; const char *text; size_t length; };

static int by_key(const void *x, const void *y) {
  const struct sort_key *a = x, *b = y;
  if (a->kind / 2 != b->kind / 2) return a->kind < b->kind ? -1 : 1;
  if (a->kind == 0 && b->kind == 0) return a->integer < b->integer ? -1 : a->integer > b->integer;
  if (a->kind < 2) return a->number < b->number ? -1 : a->number > b->number;
  if (a->kind == 4) return a->integer < b->integer ? -1 : a->integer > b->integer;
  size_t n = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->text, b->text, n);
  return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

static void read_key(lua_State *L, int index, struct sort_key *out) {
  *out = (struct sort_key){0};
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      out->kind = lua_isinteger(L, index) ? 0 : 1;
      out->integer = lua_tointeger(L, index);
      out->number = lua_tonumber(L, index);
      return;
    case LUA_TSTRING:
      out->kind = 2;
      out->text = lua_tolstring(L, index, &out->length);
      return;
    case LUA_TBOOLEAN:
      out->kind = 4;
      out->integer = lua_toboolean(L, index);
      return;
    default: luaL_error(L, "pairs cannot bring keys of type %s into an order", luaL_typename(L, index));
  }
}

static void push_key(lua_State *L, const struct sort_key *key) {
  if (key->kind == 0) lua_pushinteger(L, key->integer);
  else if (key->kind == 1) lua_pushnumber(L, key->number);
  else if (key->kind == 2) lua_pushlstring(L, key->text, key->length);
  else lua_pushboolean(L, (int)key->integer);
}

/* Upvalues: table, keys in order, how far. A key that was taken out meanwhile is passed over. */
static int next_pair(lua_State *L) {
  lua_Integer at = lua_tointeger(L, lua_upvalueindex(3));
  for (;;) {
    at++;
    if (lua_rawgeti(L, lua_upvalueindex(2), at) == LUA_TNIL) return 1;
    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
      lua_pop(L, 2);
      continue;
    }
    lua_pushinteger(L, at);
    lua_replace(L, lua_upvalueindex(3));
    return 2;
  }
}

static int ordered_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_call(L, 1, 3);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  size_t count = 0, room = 16;
  bool ascending = true;
  struct sort_key few[16], *keys = few;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {        /* stack: table, [buffer], key, value */
    if (count == room) {
      struct sort_key *more = lua_newuserdatauv(L, room * 4 * sizeof *more, 0);
      memcpy(more, keys, count * sizeof *more);
      keys = more;
      room *= 4;
      lua_insert(L, -3);                                       /* the buffer below key and value; older buffers stay till the end */
    }
    read_key(L, -2, &keys[count]);
    ascending = ascending && (count == 0 || by_key(&keys[count - 1], &keys[count]) < 0);
    count++;
  }
  box_spend(L, (int64_t)count);
  if (!ascending) qsort(keys, count, sizeof *keys, by_key);
  lua_pushvalue(L, 1);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    push_key(L, &keys[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_pair, 3);
  return 1;
}

static int raw_get(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_rawget(L, 1);
  return 1;
}

static int raw_set(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 3);
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

const luaL_Reg box_base_functions[] = {
  {"getmetatable", safe_getmetatable}, {"pairs", ordered_pairs}, {"pcall", safe_pcall}, {"print", safe_print}, {"setmetatable", safe_setmetatable},
  {"tostring", safe_tostring}, {"xpcall", safe_xpcall}, {NULL, NULL},
};
const luaL_Reg box_library_functions[] = {{"rawget", raw_get}, {"rawset", raw_set}, {NULL, NULL}};

/* --- string ----------------------------------------------------------------------------------------------------------------- */

static void check_text(lua_State *L, size_t length) {
  if (length > BOX_TEXT_MAX) luaL_error(L, "resulting string too large");
  box_spend(L, (int64_t)length / 16 + 1);
}

static int text_rep(lua_State *L) {
  size_t length, sep_length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *sep = luaL_optlstring(L, 3, "", &sep_length);
  if (n <= 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  size_t one = length + sep_length;
  if (one && (uint64_t)n > BOX_TEXT_MAX / one + 1) luaL_error(L, "resulting string too large");
  size_t total = one ? (size_t)n * one - sep_length : 0;
  if (!one) n = 0;
  check_text(L, total);
  luaL_Buffer buffer;
  char *to = luaL_buffinitsize(L, &buffer, total);
  if (total) {
    memcpy(to, text, length);
    if (n > 1) memcpy(to + length, sep, sep_length);
    for (size_t have = one; have < total; have *= 2) memcpy(to + have, to, have < total - have ? have : total - have);
  }
  luaL_pushresultsize(&buffer, total);
  return 1;
}

/* One item of a format: % flags width . precision letter. Addresses (%p) and %q are not known. */
static const char *read_item(lua_State *L, const char *s, char item[32]) {
  size_t n = strspn(s, "-+ #0");
  if (n > 5) luaL_error(L, "invalid format");
  for (int digits = 0; s[n] >= '0' && s[n] <= '9' && digits < 2; digits++) n++;
  if (s[n] == '.') {
    n++;
    for (int digits = 0; s[n] >= '0' && s[n] <= '9' && digits < 2; digits++) n++;
  }
  if (!s[n] || !strchr("diuoxXcsaAeEfFgG", s[n])) luaL_error(L, "invalid format '%%%s'", lua_pushlstring(L, s, s[n] ? n + 1 : n));
  item[0] = '%';
  memcpy(item + 1, s, n);
  item[n + 1] = 0;
  return s + n;
}

static int text_format(lua_State *L) {
  size_t length;
  const char *s = luaL_checklstring(L, 1, &length), *end = s + length;
  int arg = 1, args = lua_gettop(L);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  while (s < end) {
    if (*s != '%') {
      luaL_addchar(&buffer, *s++);
      continue;
    }
    if (++s < end && *s == '%') {
      luaL_addchar(&buffer, *s++);
      continue;
    }
    char item[40], out[420];                                   /* %99.99f of 1e308 */
    s = read_item(L, s, item);
    size_t n = strlen(item);
    char letter = *s++;
    int written = 0;
    if (++arg > args) return luaL_argerror(L, arg, "no value");
    if (letter == 's') {
      size_t text_length;
      const char *text = box_tostring(L, arg, &text_length);      /* on the stack above the buffer: added by luaL_addvalue */
      check_text(L, text_length);
      if (n == 1) {
        luaL_addvalue(&buffer);
        continue;
      }
      if (strlen(text) != text_length) luaL_argerror(L, arg, "string contains zeros");
      item[n] = 's';
      item[n + 1] = 0;
      if (text_length >= 300 && !strchr(item, '.')) {
        luaL_addvalue(&buffer);
        continue;
      }
      written = snprintf(out, sizeof out, item, text);
      lua_pop(L, 1);
    } else if (letter == 'c') {
      luaL_addchar(&buffer, (char)luaL_checkinteger(L, arg));
      continue;
    } else if (strchr("diuoxX", letter)) {
      snprintf(item + n, sizeof item - n, "ll%c", letter);
      written = snprintf(out, sizeof out, item, (long long)luaL_checkinteger(L, arg));
    } else {
      item[n] = letter;
      item[n + 1] = 0;
      written = snprintf(out, sizeof out, item, (double)luaL_checknumber(L, arg));
    }
    if (written < 0 || (size_t)written >= sizeof out) luaL_error(L, "invalid format");
    luaL_addlstring(&buffer, out, (size_t)written);
  }
  luaL_pushresult(&buffer);
  size_t total = lua_rawlen(L, -1);
  check_text(L, total);
  return 1;
}

const luaL_Reg box_string_functions[] = {{"format", text_format}, {"rep", text_rep}, {NULL, NULL}};

/* --- table: raw, so that no metamethod can lie about a length --------------------------------------------------------------- */

static lua_Integer length_of(lua_State *L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  return (lua_Integer)lua_rawlen(L, index);
}

static int list_insert(lua_State *L) {
  lua_Integer n = length_of(L, 1), at = n + 1;
  int args = lua_gettop(L);
  if (args == 3) {
    at = luaL_checkinteger(L, 2);
    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds");
    box_spend(L, n + 1 - at);
    for (lua_Integer i = n + 1; i > at; i--) {
      lua_rawgeti(L, 1, i - 1);
      lua_rawseti(L, 1, i);
    }
  } else if (args != 2) return luaL_error(L, "wrong number of arguments to 'insert'");
  lua_rawseti(L, 1, at);
  return 0;
}

static int list_remove(lua_State *L) {
  lua_Integer n = length_of(L, 1), at = luaL_optinteger(L, 2, n);
  if (lua_gettop(L) > 1) luaL_argcheck(L, (n == 0 && at == 0) || (at >= 1 && at <= n + 1), 2, "position out of bounds");
  lua_rawgeti(L, 1, at);
  if (n > at) box_spend(L, n - at);
  for (; at >= 1 && at < n; at++) {
    lua_rawgeti(L, 1, at + 1);
    lua_rawseti(L, 1, at);
  }
  if (n == 0 && at == 0) return 1;
  lua_pushnil(L);
  lua_rawseti(L, 1, at);
  return 1;
}

static int list_concat(lua_State *L) {
  lua_Integer n = length_of(L, 1);
  size_t sep_length, total = 0;
  const char *sep = luaL_optlstring(L, 2, "", &sep_length);
  lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, n);
  if (i <= last && (uint64_t)last - (uint64_t)i > BOX_STEPS_MAX) return luaL_error(L, "too many elements to concat");
  lua_settop(L, 4);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (; i <= last; i++) {
    size_t length;
    lua_rawgeti(L, 1, i);
    if (!lua_isstring(L, -1)) return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
    lua_tolstring(L, -1, &length);
    total += length + sep_length;
    if (total > BOX_TEXT_MAX) return luaL_error(L, "resulting string too large");
    box_spend(L, (int64_t)(length + sep_length) / 16 + 1);
    luaL_addvalue(&buffer);
    if (i < last) luaL_addlstring(&buffer, sep, sep_length);
    if (i == LUA_MAXINTEGER) break;
  }
  luaL_pushresult(&buffer);
  return 1;
}

static int list_unpack(lua_State *L) {
  lua_Integer n = length_of(L, 1), i = luaL_optinteger(L, 2, 1), last = luaL_optinteger(L, 3, n);
  if (i > last) return 0;
  uint64_t count = (uint64_t)last - (uint64_t)i;
  if (count >= 100000 || !lua_checkstack(L, (int)count + 1)) return luaL_error(L, "too many results to unpack");
  box_spend(L, (int64_t)count);
  for (uint64_t k = 0; k <= count; k++) lua_rawgeti(L, 1, i + (lua_Integer)k);
  return (int)count + 1;
}

static int list_pack(lua_State *L) {
  int n = lua_gettop(L);
  lua_createtable(L, n, 1);
  lua_insert(L, 1);
  for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
  lua_pushinteger(L, n);
  lua_setfield(L, 1, "n");
  return 1;
}

static int list_move(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer from = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
  int into = lua_isnoneornil(L, 5) ? 1 : 5;
  luaL_checktype(L, into, LUA_TTABLE);
  if (last >= from) {
    uint64_t count = (uint64_t)last - (uint64_t)from;
    if (count > 1000000 || to > LUA_MAXINTEGER - (lua_Integer)count) return luaL_error(L, "too many elements to move");
    box_spend(L, (int64_t)count + 1);
    bool up = to > from && to <= last && into == 1;            /* overlapping upwards: from the end */
    for (uint64_t k = 0; k <= count; k++) {
      lua_Integer i = (lua_Integer)(up ? count - k : k);
      lua_rawgeti(L, 1, from + i);
      lua_rawseti(L, into, to + i);
    }
  }
  lua_pushvalue(L, into);
  return 1;
}

/* Is the value at a to stand before that at b? */
static bool before(lua_State *L, int a, int b) {
  box_spend(L, 4);
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  a = lua_absindex(L, a);
  b = lua_absindex(L, b);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  bool result = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return result;
}

/* Merge sort: stable, and whatever the order function says, it ends. 1: list, 2: order or nil, 3: the other table. */
static int list_sort(lua_State *L) {
  lua_Integer n = length_of(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  box_spend(L, n);
  lua_createtable(L, n < 100000 ? (int)n : 100000, 0);
  int from = 1, to = 3;
  for (lua_Integer width = 1; width < n; width *= 2) {
    for (lua_Integer low = 1; low <= n; low += 2 * width) {
      lua_Integer a = low, middle = low + width > n + 1 ? n + 1 : low + width, b = middle, end = low + 2 * width > n + 1 ? n + 1 : low + 2 * width;
      for (lua_Integer k = low; k < end; k++) {
        bool left = a < middle;
        if (left && b < end) {
          lua_rawgeti(L, from, a);
          lua_rawgeti(L, from, b);
          left = !before(L, -1, -2);
          lua_pop(L, 2);
        }
        lua_rawgeti(L, from, left ? a++ : b++);
        lua_rawseti(L, to, k);
      }
    }
    int other = from;
    from = to;
    to = other;
  }
  if (from == 3) for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 3, i);
    lua_rawseti(L, 1, i);
  }
  return 0;
}

const luaL_Reg box_table_functions[] = {
  {"concat", list_concat}, {"insert", list_insert}, {"move", list_move}, {"pack", list_pack}, {"remove", list_remove}, {"sort", list_sort}, {"unpack", list_unpack}, {NULL, NULL},
};
