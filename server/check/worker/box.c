/* box: making the state, its two environments (the library's, which sees host and export, and the script's), the hook that counts, errors without
 * addresses, and two stores that live as long as the process: the image of a loaded library, and bytecode of scripts by the hash of their text.
 * Bytecode never comes from outside. */
#include "check/worker/box.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <lualib.h>

#include "base/buf.h"
#include "base/secret.h"
#include "check/worker/heap.h"
#include "check/worker/toolkit.h"

#define HOOK_EVERY 10000
#define CODE_MAX 64
#define CODE_BYTES_MAX (1u << 20)
#define HASH_SIZE 65
#define SLACK (8u << 20)                   /* what we ourselves may still take, so that a full heap ends a check and not the process */

static struct box *current;                /* of the one state; the allocator has no other way to it */

struct box *box_of(lua_State *L) {
  struct box *box;
  memcpy(&box, lua_getextraspace(L), sizeof box);
  return box;
}

/* --- steps and memory ------------------------------------------------------------------------------------------------------- */

static void on_count(lua_State *L, lua_Debug *unused);

/* From now on every instruction fails. */
static void stop(lua_State *L, enum box_stop why) {
  struct box *box = box_of(L);
  if (box->stop == BOX_GOES) box->stop = why;
  lua_sethook(L, on_count, LUA_MASKCOUNT | LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE, 1);
}

/* In a hook level 0 is the script itself, in a function of ours it is level 1. */
static int fail_stopped(lua_State *L) {
  luaL_where(L, 0);
  if (!*lua_tostring(L, -1)) luaL_where(L, 1);
  lua_pushstring(L, box_of(L)->stop == BOX_OUT_OF_MEMORY ? "too much memory used" : "too many steps");
  lua_concat(L, 2);
  return lua_error(L);
}

static void on_count(lua_State *L, lua_Debug *unused) {
  (void)unused;
  struct box *box = box_of(L);
  if (box->stop == BOX_GOES) {
    box->steps += HOOK_EVERY;
    if (box->steps > BOX_STEPS_MAX) stop(L, BOX_OUT_OF_STEPS);
    else if (!box->collecting && heap_spilled(heap_get())) {
      box->collecting = true;
      lua_gc(L, LUA_GCRESTART);
    }
  }
  if (box->stop != BOX_GOES) fail_stopped(L);
}

void box_spend(lua_State *L, int64_t steps) {
  struct box *box = box_of(L);
  box->steps += steps;
  if (box->steps > BOX_STEPS_MAX) stop(L, BOX_OUT_OF_STEPS);
  if (box->stop != BOX_GOES) fail_stopped(L);
}

/* Memory is work too: a script that makes tables, or copies megabytes, spends few instructions. lua_sethook may be called from here. */
static void *allocate(void *ud, void *block, size_t old_size, size_t new_size) {
  if (new_size && current && current->L) {
    current->steps += 8 + (int64_t)new_size / 64;
    if (current->steps > BOX_STEPS_MAX && current->stop == BOX_GOES) stop(current->L, BOX_OUT_OF_STEPS);
  }
  return heap_alloc(ud, block, old_size, new_size);
}

/* --- errors ----------------------------------------------------------------------------------------------------------------- */

int box_raise(lua_State *L, const char *who, const char *key, const char *fmt, ...) {
  struct box *box = box_of(L);
  va_list args;
  box->error = (struct box_error){0};
  snprintf(box->error.who, sizeof box->error.who, "%s", who);
  snprintf(box->error.key, sizeof box->error.key, "%s", key);
  va_start(args, fmt);
  vsnprintf(box->error.detail, sizeof box->error.detail, fmt, args);
  va_end(args);
  box->raised = true;
  lua_pushstring(L, box->error.detail);
  return lua_error(L);
}

void box_pass_on(lua_State *L, int status) {
  struct box *box = box_of(L);
  if (status == LUA_ERRMEM) stop(L, BOX_OUT_OF_MEMORY);
  if (box->raised || box->stop != BOX_GOES) lua_error(L);
}

static void field(lua_State *L, int table, const char *name, char *out, size_t size) {
  lua_pushstring(L, name);
  lua_rawget(L, table);
  if (lua_type(L, -1) == LUA_TSTRING) snprintf(out, size, "%s", lua_tostring(L, -1));
  lua_pop(L, 1);
}

/* "file:12: text" apart. */
static void take_place(struct box_error *error, const char *message) {
  const char *colon = strchr(message, ':');
  char *end = NULL;
  long line = colon ? strtol(colon + 1, &end, 10) : 0;
  if (colon && end && end > colon + 1 && !strncmp(end, ": ", 2) && (size_t)(colon - message) < sizeof error->file) {
    memcpy(error->file, message, (size_t)(colon - message));
    error->line = (int)line;
    message = end + 2;
  }
  snprintf(error->text, sizeof error->text, "%s", message);
}

static bool is_who(const char *who) {
  static const char *const known[] = {"script", "limit", "cluster", "platform", "unobserved", NULL};
  for (const char *const *k = known; *k; k++) if (!strcmp(who, *k)) return true;
  return false;
}

/* What ended a call, from the value on top, which is taken off. */
static void take_error(struct box *box, int status) {
  lua_State *L = box->L;
  if (status == LUA_ERRMEM) stop(L, BOX_OUT_OF_MEMORY);
  if (box->stop != BOX_GOES) {
    bool memory = box->stop == BOX_OUT_OF_MEMORY;
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    box->error = (struct box_error){.who = "limit"};
    snprintf(box->error.key, sizeof box->error.key, "%s", memory ? "error.memory" : "error.steps");
    snprintf(box->error.detail, sizeof box->error.detail, "%s", message);
    take_place(&box->error, message);
  } else if (!box->raised) {
    box->error = (struct box_error){.who = "script", .key = "error.script"};
    if (lua_type(L, -1) == LUA_TTABLE) {                        /* error{who=, key=, detail=}: the library's own words */
      int table = lua_gettop(L);
      field(L, table, "who", box->error.who, sizeof box->error.who);
      field(L, table, "key", box->error.key, sizeof box->error.key);
      field(L, table, "detail", box->error.detail, sizeof box->error.detail);
      if (!is_who(box->error.who)) snprintf(box->error.who, sizeof box->error.who, "script");
    } else {
      const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : lua_typename(L, lua_type(L, -1));
      snprintf(box->error.detail, sizeof box->error.detail, "%s", message);
      take_place(&box->error, message);
    }
  }
  box->raised = false;
  lua_pop(L, 1);
}

static bool call(struct box *box, int args, int results) {
  box->raised = false;
  heap_set_cap(heap_get(), BOX_MEMORY_MAX);
  int status = lua_pcall(box->L, args, results, 0);
  heap_set_cap(heap_get(), BOX_MEMORY_MAX + SLACK);
  if (status == LUA_OK) return true;
  take_error(box, status);
  return false;
}

/* --- environments ----------------------------------------------------------------------------------------------------------- */

static int refuse_missing(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  return luaL_error(L, lua_tostring(L, lua_upvalueindex(1)), name);
}

static int refuse_writing(lua_State *L) {
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
  return luaL_error(L, "'%s' cannot be set here: use local", name);
}

void box_strict(lua_State *L, const char *format) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, format);
  lua_pushcclosure(L, refuse_missing, 1);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

/* The table on top is put behind an empty one that can be read through and not written. */
static void cover(lua_State *L) {
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_writing);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

void box_read_only(lua_State *L, const char *what) {
  if (what) box_strict(L, what);
  cover(L);
}

/* Copies named functions of a standard library on top into the table below it, then drops it. */
static void copy_names(lua_State *L, const char *const *names) {
  for (; *names; names++) {
    lua_getfield(L, -1, *names);
    lua_setfield(L, -3, *names);
  }
  lua_pop(L, 1);
}

static void library(lua_State *L, int into, const char *name, lua_CFunction open, const char *const *names, const luaL_Reg *own) {
  lua_newtable(L);
  luaL_requiref(L, name, open, 0);
  copy_names(L, names);
  if (own) luaL_setfuncs(L, own, 0);
  if (!strcmp(name, "string")) luaL_setfuncs(L, box_pattern_functions, 0);
  if (!strcmp(name, "string")) {                               /* ("x"):find(…): the same functions, and nobody can change them */
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
  }
  box_read_only(L, "no such function: '%s'");
  lua_setfield(L, into, name);
}

/* export.name = value: for everybody, but names that begin with __ for the library and us alone. */
static int on_export(lua_State *L) {
  const char *name = luaL_checkstring(L, 2);
  if (box_of(L)->phase != BOX_LIBRARY) return luaL_error(L, "export ends with the library");
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, lua_upvalueindex(strncmp(name, "__", 2) ? 1 : 2));
  return 0;
}

static int build(lua_State *L) {
  static const char *const base[] = {"assert", "error", "ipairs", "rawequal", "rawlen", "select", "tonumber", "type", NULL};
  static const char *const string[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper", NULL};
  static const char *const math[] = {"abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger",
                                     "modf", "pi", "rad", "random", "sin", "sqrt", "tan", "tointeger", "type", "ult", NULL};
  static const char *const table[] = {NULL};
  static const char *const utf8[] = {"char", "charpattern", "codepoint", "codes", "len", "offset", NULL};
  lua_settop(L, 0);
  lua_newtable(L);                                             /* 1: what everybody sees */
  lua_newtable(L);                                             /* 2: what the library sees besides */
  luaL_requiref(L, "_G", luaopen_base, 0);
  lua_pushvalue(L, 1);
  lua_insert(L, -2);
  copy_names(L, base);
  luaL_setfuncs(L, box_base_functions, 0);
  lua_pop(L, 1);
  library(L, 1, "string", luaopen_string, string, box_string_functions);
  library(L, 1, "table", luaopen_table, table, box_table_functions);
  library(L, 1, "utf8", luaopen_utf8, utf8, NULL);
  luaL_requiref(L, "math", luaopen_math, 0);
  lua_getfield(L, -1, "randomseed");                           /* chance that is the same every time */
  lua_pushinteger(L, 17);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
  library(L, 1, "math", luaopen_math, math, NULL);
  lua_pushvalue(L, 2);
  luaL_setfuncs(L, box_library_functions, 0);
  toolkit_open(L);                                             /* pushes host */
  lua_setfield(L, 2, "host");
  lua_pop(L, 1);
  lua_createtable(L, 0, 0);                                    /* export */
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, on_export, 2);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_setfield(L, 2, "export");
  lua_pushvalue(L, 2);
  lua_setfield(L, LUA_REGISTRYINDEX, "box.private");
  lua_pushvalue(L, 1);                                         /* the library reads its own names first, then everybody's */
  box_strict(L, "undeclared global '%s'");
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, 2);
  lua_pushvalue(L, 2);
  cover(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "box.library");
  lua_pushvalue(L, 1);
  cover(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "box.script");
  lua_settop(L, 0);
  return 0;
}

/* --- chunks ----------------------------------------------------------------------------------------------------------------- */

struct code { char sha256[HASH_SIZE]; char *bytes; size_t length; uint64_t used; };
static struct code codes[CODE_MAX];
static uint64_t clock_of_codes;

static struct code *find_code(const char *sha256) {
  for (size_t i = 0; i < CODE_MAX; i++) {
    if (!codes[i].bytes || strcmp(codes[i].sha256, sha256)) continue;
    codes[i].used = ++clock_of_codes;
    return &codes[i];
  }
  return NULL;
}

static int add_bytes(lua_State *L, const void *bytes, size_t length, void *ud) {
  (void)L;
  buf_add(ud, bytes, length);
  return 0;
}

/* Keeps the bytecode of the function on top. */
static void keep_code(lua_State *L, const char *sha256) {
  struct buf bytes;
  struct code *oldest = codes;
  buf_init(&bytes, CODE_BYTES_MAX);
  lua_dump(L, add_bytes, &bytes, 0);
  if (bytes.over) {
    buf_release(&bytes);
    return;
  }
  for (size_t i = 1; i < CODE_MAX; i++) if (codes[i].used < oldest->used) oldest = &codes[i];
  free(oldest->bytes);
  *oldest = (struct code){.bytes = bytes.data, .length = bytes.len, .used = ++clock_of_codes};
  snprintf(oldest->sha256, sizeof oldest->sha256, "%s", sha256);
}

/* A variable <close> would run code while an error is on its way out. */
static bool has_close(const char *text) {
  for (const char *s = text; (s = strchr(s, '<')); ) {
    s++;
    const char *t = s + strspn(s, " \t\r\n");
    if (strncmp(t, "close", 5)) continue;
    t += 5;
    t += strspn(t, " \t\r\n");
    if (*t == '>') return true;
  }
  return false;
}

/* Pushes the chunk's function with its environment. */
static bool load(struct box *box, box_fetch fetch, void *ctx, const struct box_source *source, const char *environment) {
  lua_State *L = box->L;
  char name[80];
  snprintf(name, sizeof name, "=%s", source->name);
  struct code *code = find_code(source->sha256);
  int status;
  if (code) status = luaL_loadbufferx(L, code->bytes, code->length, name, "b");
  else {
    const char *text;
    size_t length;
    box->error = (struct box_error){.who = "platform", .key = "error.worker", .detail = "a source did not come"};
    if (!fetch(ctx, source->sha256, &text, &length)) return false;
    if (strlen(text) == length && has_close(text)) {
      box->error = (struct box_error){.who = "script", .key = "error.script", .detail = "<close> is not for checks", .text = "<close> is not for checks"};
      snprintf(box->error.file, sizeof box->error.file, "%s", source->name);
      return false;
    }
    status = luaL_loadbufferx(L, text, length, name, "t");
    if (status == LUA_OK) keep_code(L, source->sha256);
  }
  if (status != LUA_OK) {
    take_error(box, status);
    return false;
  }
  lua_getfield(L, LUA_REGISTRYINDEX, environment);
  lua_setupvalue(L, -2, 1);
  return true;
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static struct { struct heap_image *image; char key[HASH_SIZE]; lua_State *L; } kept;      /* the library, loaded */

/* One hash over the names and hashes of a library. */
static void key_of(const struct box_source *library, size_t count, char out[HASH_SIZE]) {
  struct secret_hash hash;
  secret_hash_begin(&hash);
  for (size_t i = 0; i < count; i++) {
    secret_hash_add(&hash, library[i].name, strlen(library[i].name) + 1);
    secret_hash_add(&hash, library[i].sha256, strlen(library[i].sha256) + 1);
  }
  secret_hash_end_hex(&hash, out);
}

static int panic(lua_State *L) {
  fprintf(stderr, "makmal-check: Lua panic: %s\n", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?");
  abort();
}

static void start_counting(struct box *box) {
  box->steps = 0;
  box->stop = BOX_GOES;
  box->raised = box->collecting = false;
  lua_sethook(box->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

static bool load_library(struct box *box, box_fetch fetch, void *ctx, const struct box_source *library, size_t count) {
  struct heap *heap = heap_get();
  heap_reset(heap, BOX_MEMORY_MAX);
  lua_State *L = lua_newstate(allocate, heap);
  if (!L) abort();
  lua_atpanic(L, panic);
  memcpy(lua_getextraspace(L), &box, sizeof box);
  lua_gc(L, LUA_GCSTOP);
  box->L = L;
  start_counting(box);
  lua_pushcfunction(L, build);
  if (!call(box, 0, 0)) return false;
  for (size_t i = 0; i < count; i++) if (!load(box, fetch, ctx, &library[i], "box.library") || !call(box, 0, 0)) return false;
  lua_settop(L, 0);
  return true;
}

bool box_open(struct box *box, box_fetch fetch, void *ctx, const struct box_source *library, size_t count) {
  char key[HASH_SIZE];
  key_of(library, count, key);
  current = box;
  box->L = NULL;
  box->phase = BOX_LIBRARY;
  if (kept.image && !strcmp(kept.key, key)) {
    heap_image_put_back(heap_get(), kept.image, BOX_MEMORY_MAX);
    box->L = kept.L;
    memcpy(lua_getextraspace(box->L), &box, sizeof box);
  } else {
    heap_image_free(kept.image);
    kept.image = NULL;
    if (!load_library(box, fetch, ctx, library, count)) return false;
    bool compiled = true;                                      /* the second time it comes from bytecode: no leavings of the compiler in the image */
    for (size_t i = 0; i < count; i++) compiled &= find_code(library[i].sha256) != NULL;
    if (compiled) {
      box->L = NULL;
      if (!load_library(box, fetch, ctx, library, count)) return false;
    }
    lua_gc(box->L, LUA_GCCOLLECT);
    lua_gc(box->L, LUA_GCSTOP);
    kept.image = heap_image_take(heap_get());
    kept.L = box->L;
    snprintf(kept.key, sizeof kept.key, "%s", key);
  }
  start_counting(box);
  box->phase = BOX_SCRIPT;
  return true;
}

bool box_run_script(struct box *box, box_fetch fetch, void *ctx, const struct box_source *script) {
  return load(box, fetch, ctx, script, "box.script") && call(box, 0, 0);
}

bool box_call_export(struct box *box, const char *name, int args, int results) {
  lua_State *L = box->L;
  lua_getfield(L, LUA_REGISTRYINDEX, "box.private");
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  lua_insert(L, -1 - args);
  return call(box, args, results);
}

void box_close(struct box *box) {
  box->L = NULL;                                               /* nothing is closed: the heap is forgotten when the next box opens */
  current = NULL;
}
