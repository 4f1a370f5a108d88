/* toolkit: host, as a table that cannot be written. What belongs to one job (clock, parameters, files) is looked up when it is read, so that a library
 * that was loaded long before sees the job of the day. Nodes are in toolkit_node.c. */
#include "check/worker/toolkit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/worker/box.h"
#include "check/worker/quantity.h"
#include "check/worker/reader.h"
#include "check/worker/toolkit_node.h"

#define HELD_MAX 500
#define QUANTITY "makmal.quantity"

static struct toolkit *job_of(lua_State *L) {
  struct toolkit *job = box_of(L)->job;
  if (box_of(L)->phase == BOX_LIBRARY || !job) luaL_error(L, "what belongs to a job is not there while the library loads");
  return job;
}

/* --- objects ---------------------------------------------------------------------------------------------------------------- */

static void put_text(lua_State *L, const char *name, const struct tree *text) {
  if (!text || text->type != TREE_STRING) return;
  lua_pushlstring(L, text->text, text->length);
  lua_setfield(L, -2, name);
}

static int push_objects(lua_State *L, const struct reader *reader, bool setup) {
  lua_createtable(L, reader ? (int)reader->docs->count : 0, 0);
  if (!reader) return 1;
  lua_Integer i = 0;
  TREE_EACH(doc, reader->docs) {
    const struct tree *object = tree_get(doc, "value"), *metadata = tree_get(object, "metadata");
    lua_createtable(L, 0, 8);
    put_text(L, "kind", tree_get(object, "kind"));
    put_text(L, "apiVersion", tree_get(object, "apiVersion"));
    put_text(L, "name", tree_get(metadata, "name"));
    put_text(L, "namespace", tree_get(metadata, "namespace"));
    put_text(L, "file", tree_get(doc, "file"));
    toolkit_push_node(L, object);
    lua_setfield(L, -2, "node");
    lua_pushinteger(L, tree_int(doc, "doc", 1));
    lua_setfield(L, -2, "doc");
    lua_pushboolean(L, setup);
    lua_setfield(L, -2, "setup");
    lua_rawseti(L, -2, ++i);
  }
  box_spend(L, i * 10);
  return 1;
}

static int host_files(lua_State *L) { return push_objects(L, job_of(L)->files, false); }
static int host_setup(lua_State *L) { return push_objects(L, job_of(L)->setup, true); }

static int host_start(lua_State *L) {
  const struct toolkit *job = job_of(L);
  if (!job->start) return 0;
  if (tree_flag(job->start, "never", false)) {                /* a namespace that nobody saw begin */
    lua_pushboolean(L, false);
    return 1;
  }
  lua_newtable(L);
  lua_Integer i = 0;
  TREE_EACH(object, tree_get(job->start, "objects")) {
    toolkit_push_node(L, object);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

/* --- values that belong to the job ------------------------------------------------------------------------------------------ */

static int read_param(lua_State *L) {
  const struct toolkit *job = job_of(L);
  const char *name = luaL_checkstring(L, 2);
  if (job->listing) {
    lua_pushfstring(L, "${%s}", name);                         /* nobody's parameters are known while a script is only listed */
    return 1;
  }
  const struct tree *value = tree_get(job->params, name);
  int64_t whole;
  if (!value) return luaL_error(L, "the lab has no parameter '%s'", name);
  if (tree_is_int(value, &whole)) lua_pushinteger(L, whole);
  else if (value->type == TREE_BOOL) lua_pushboolean(L, value->flag);
  else lua_pushlstring(L, value->text ? value->text : "", value->text ? value->length : 0);
  return 1;
}

/* Upvalues: functions, params. */
static int read_host(lua_State *L) {
  const char *name = luaL_checkstring(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (!strcmp(name, "params")) {
    lua_pushvalue(L, lua_upvalueindex(2));
    return 1;
  }
  const struct toolkit *job = job_of(L);
  if (!strcmp(name, "scope")) lua_pushstring(L, job->scope);
  else if (!strcmp(name, "now")) lua_pushinteger(L, job->at_ms);
  else if (!strcmp(name, "applied")) lua_pushinteger(L, job->applied_ms);
  else if (!strcmp(name, "settled")) lua_pushboolean(L, job->settled);
  else if (!strcmp(name, "closing")) lua_pushboolean(L, job->closing);
  else if (!strcmp(name, "lab")) toolkit_push_value(L, job->lab);
  else return luaL_error(L, "host has no '%s'", name);
  return 1;
}

static int host_held(lua_State *L) {
  const struct tree *held = tree_get(job_of(L)->held, luaL_checkstring(L, 1));
  int64_t ms;
  if (!tree_is_int(held, &ms)) return 0;
  lua_pushinteger(L, ms);
  return 1;
}

static int host_hold(lua_State *L) {
  struct toolkit *job = job_of(L);
  size_t length;
  const char *id = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length && length <= 300 && strlen(id) == length, 1, "an id of at most 300 bytes");
  if (lua_isnoneornil(L, 2)) {
    tree_remove(job->held, id);
    return 0;
  }
  lua_Integer ms = luaL_checkinteger(L, 2);
  if (job->held->count >= HELD_MAX) return luaL_error(L, "more than %d waits", HELD_MAX);
  tree_set(job->arena, job->held, id, tree_number(job->arena, ms));
  return 0;
}

/* --- reads ------------------------------------------------------------------------------------------------------------------ */

static struct tree *read_wish(lua_State *L, struct arena *arena) {
  static const char *const known[] = {"verb", "kind", "name", "selector", "service", "port", "host", "scheme", "method", "path", "container", "tail", "object", NULL};
  struct tree *wish = tree_new(arena, TREE_MAP);
  luaL_checktype(L, 1, LUA_TTABLE);
  for (const char *const *name = known; *name; name++) {
    struct tree *value = NULL;
    lua_getfield(L, 1, *name);
    switch (lua_type(L, -1)) {
      case LUA_TNIL: break;
      case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, -1, &length);
        if (length > 2000 || strlen(text) != length) luaL_error(L, "host.read: %s is too long", *name);
        value = tree_string(arena, text);
        break;
      }
      case LUA_TNUMBER:
        if (!lua_isinteger(L, -1)) luaL_error(L, "host.read: %s is no whole number", *name);
        value = tree_number(arena, lua_tointeger(L, -1));
        break;
      case LUA_TUSERDATA:
        value = tree_copy(arena, toolkit_node(L, -1));
        break;
      default: luaL_error(L, "host.read: %s cannot be a %s", *name, luaL_typename(L, -1));
    }
    if (value) tree_put(arena, wish, *name, value);
    lua_pop(L, 1);
  }
  if (!tree_text(wish, "verb")) luaL_error(L, "host.read wants a verb");
  return wish;
}

/* text: the body is what a program said, not an object. */
static int push_reply(lua_State *L, const struct toolkit_reply *reply, bool text) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, tree_int(reply->head, "status", 0));
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, tree_int(reply->head, "at_ms", 0));
  lua_setfield(L, -2, "at_ms");
  lua_pushinteger(L, tree_int(reply->head, "read", 0));
  lua_setfield(L, -2, "read");
  put_text(L, "rv", tree_get(reply->head, "rv"));
  if (text) {
    put_text(L, "text", reply->body);
    return 1;
  }
  if (!reply->body) return 1;
  toolkit_push_node(L, reply->body);
  lua_setfield(L, -2, "body");
  const struct tree *items = tree_get(reply->body, "items");
  if (!items || items->type != TREE_LIST) return 1;
  lua_createtable(L, (int)items->count, 0);
  lua_Integer i = 0;
  TREE_EACH(item, items) {
    toolkit_push_node(L, item);
    lua_rawseti(L, -2, ++i);
  }
  box_spend(L, i);
  lua_setfield(L, -2, "items");
  return 1;
}

/* soft: what could not be read is nil and no error, for who only explains. */
static int read_it(lua_State *L, bool soft) {
  struct toolkit *job = job_of(L);
  if (box_of(L)->phase != BOX_RUN) return luaL_error(L, "nothing is read while the script loads: put it into run");
  struct tree *wish = read_wish(L, job->arena);
  bool http = !strcmp(tree_text(wish, "verb"), "http"), plain = http || !strcmp(tree_text(wish, "verb"), "log");
  struct buf text;
  buf_init(&text, 1 << 20);
  tree_write(&text, wish);
  const char *request = arena_strn(job->arena, text.data, text.len);
  buf_release(&text);
  for (struct toolkit_reply *old = http ? NULL : job->replies; old; old = old->next) if (!strcmp(old->request, request)) return push_reply(L, old, plain);
  struct toolkit_reply *reply = arena_alloc(job->arena, sizeof *reply);
  reply->request = request;
  if (!job->ask(job->ctx, wish, &reply->head, &reply->body)) {
    if (soft) return 0;
    const char *who = tree_text_or(reply->head, "who", "platform"), *key = tree_text_or(reply->head, "key", "error.read");
    return box_raise(L, who, key, "%s", tree_text_or(reply->head, "detail", ""));
  }
  reply->next = job->replies;
  job->replies = reply;
  return push_reply(L, reply, plain);
}

static int host_read(lua_State *L) { return read_it(L, false); }
static int host_look(lua_State *L) { return read_it(L, true); }

/* --- declaring -------------------------------------------------------------------------------------------------------------- */

static const char *text_field(lua_State *L, const char *name, const char *fallback) {
  lua_getfield(L, 1, name);
  const char *text = lua_isnil(L, -1) && fallback ? fallback : luaL_checkstring(L, -1);
  if (strlen(text) > 64) luaL_error(L, "%s is longer than 64 bytes", name);
  return text;                                                 /* stays on the stack */
}

static bool flag_field(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

static int host_declare(lua_State *L) {
  struct toolkit *job = job_of(L);
  struct arena *a = job->arena;
  if (box_of(L)->phase != BOX_SCRIPT) return luaL_error(L, "checks are declared while the script loads");
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *id = text_field(L, "id", NULL), *on = text_field(L, "on", NULL);
  if (!*id || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(id)) return luaL_error(L, "a check's id is made of a-z, 0-9 and -: '%s'", id);
  if (strcmp(on, "files") && strcmp(on, "live") && strcmp(on, "both")) return luaL_error(L, "check '%s': on is files, live or both", id);
  for (int i = 0; i < job->checks; i++) if (!strcmp(job->check[i].id, id)) return luaL_error(L, "check '%s' stands twice", id);
  if (job->checks == TOOLKIT_CHECKS_MAX) return luaL_error(L, "more than %d checks", TOOLKIT_CHECKS_MAX);
  struct tree *declared = tree_new(a, TREE_MAP), *needs = tree_new(a, TREE_LIST);
  tree_put_text(a, declared, "id", id);
  tree_put_text(a, declared, "on", on);
  tree_put_text(a, declared, "step", text_field(L, "step", NULL));
  tree_put_text(a, declared, "visible", text_field(L, "visible", "always"));
  if (flag_field(L, "strict")) tree_put_bool(a, declared, "strict", true);
  tree_put_text(a, declared, "show", text_field(L, "show", "full"));
  lua_getfield(L, 1, "points");
  lua_Integer points = luaL_checkinteger(L, -1);
  if (points < 1 || points > 10000) return luaL_error(L, "check '%s': points is a whole number from 1", id);
  tree_put_int(a, declared, "points", points);
  if (lua_getfield(L, 1, "needs") == LUA_TTABLE) for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL && k <= TOOLKIT_CHECKS_MAX; k++) {
    const char *need = luaL_checkstring(L, -1);
    bool there = false;
    for (int i = 0; i < job->checks; i++) there |= !strcmp(job->check[i].id, need);
    if (!there) return luaL_error(L, "check '%s' needs '%s', which does not stand above it", id, need);
    tree_push(needs, tree_string(a, need));
    lua_pop(L, 1);
  }
  tree_put(a, declared, "needs", needs);
  job->check[job->checks++] = (struct toolkit_check){arena_str(a, id), tree_text(declared, "on"), declared};
  return 0;
}

/* --- parsing, quantities, small tools --------------------------------------------------------------------------------------- */

static void forget_places(struct tree *tree) {
  tree->at = tree->key_at = (struct tree_at){0};
  TREE_EACH(item, tree) forget_places(item);
}

static int host_parse(lua_State *L) {
  struct toolkit *job = job_of(L);
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  struct reader reader;
  box_spend(L, (int64_t)length);
  reader_init(&reader, job->arena, READER_DOCUMENTS, job->listing ? NULL : job->params, NULL);
  reader_file(&reader, "match", text, length);
  if (reader.refused || reader.docs->count != 1) {
    const struct tree *first = reader.reading->child;
    if (!reader.refused) return luaL_error(L, "the YAML holds %d documents, one is wanted", (int)reader.docs->count);
    return luaL_error(L, "the YAML cannot be read: %s in its line %d", tree_text_or(first, "key", "?"), (int)tree_int(tree_get(first, "at"), "line", 0));
  }
  struct tree *value = tree_get(reader.docs->child, "value");
  forget_places(value);                                        /* they are the script's, not the hand-in's */
  toolkit_push_node(L, value);
  return 1;
}

static int host_quantity(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  struct quantity q;
  enum quantity_fault fault = quantity_parse(text, length, &q);
  if (fault != QUANTITY_FINE) {
    lua_pushnil(L);
    lua_pushstring(L, fault == QUANTITY_BAD ? "bad" : "large");
    return 2;
  }
  memcpy(lua_newuserdatauv(L, sizeof q, 0), &q, sizeof q);
  luaL_setmetatable(L, QUANTITY);
  return 1;
}

static struct quantity quantity_at(lua_State *L, int index) {
  struct quantity q;
  memcpy(&q, luaL_checkudata(L, index, QUANTITY), sizeof q);
  return q;
}

static int host_compare(lua_State *L) {
  struct quantity a = quantity_at(L, 1), b = quantity_at(L, 2);
  lua_pushinteger(L, quantity_compare(&a, &b));
  return 1;
}

static int host_quantity_text(lua_State *L) {
  struct quantity q = quantity_at(L, 1);
  char text[QUANTITY_TEXT];
  quantity_text(&q, text);
  lua_pushstring(L, text);
  return 1;
}

static int host_duration(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  int64_t ms;
  if (!duration_parse(text, length, &ms)) return 0;
  lua_pushinteger(L, ms);
  return 1;
}

static size_t character(const char *s, const char *end) {
  size_t n = 1;
  while (s + n < end && ((unsigned char)s[n] & 0xC0) == 0x80) n++;
  return n;
}

/* * any text, ? one character; linear but for one star's going back. */
static int host_glob(lua_State *L) {
  size_t pattern_length, length;
  const char *p = luaL_checklstring(L, 1, &pattern_length), *p_end = p + pattern_length, *s = luaL_checklstring(L, 2, &length), *end = s + length;
  const char *star = NULL, *retry = NULL;
  int64_t steps = 0;
  bool matches = true;
  while (s < end) {
    if (++steps % 4096 == 0) box_spend(L, 4096);
    if (p < p_end && *p == '*') {
      star = ++p;
      retry = s;
    } else if (p < p_end && *p == '?') {
      p++;
      s += character(s, end);
    } else if (p < p_end && *p == *s) {
      p++;
      s++;
    } else if (star) {
      p = star;
      retry += character(retry, end);
      s = retry;
    } else {
      matches = false;
      break;
    }
  }
  while (matches && p < p_end && *p == '*') p++;
  lua_pushboolean(L, matches && p == p_end);
  return 1;
}

static int host_sha256(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  char hex[SECRET_SHA256_HEX];
  box_spend(L, (int64_t)length / 8);
  secret_sha256_hex(text, length, hex);
  lua_pushstring(L, hex);
  return 1;
}

static int host_base64_decode(lua_State *L) {
  size_t length, got;
  const char *text = luaL_checklstring(L, 1, &length);
  char *bytes = lua_newuserdatauv(L, length + 4, 0);
  box_spend(L, (int64_t)length / 8);
  if (!secret_base64_decode(text, length, bytes, length + 3, &got)) return 0;
  lua_pushlstring(L, bytes, got);
  return 1;
}

void toolkit_open(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"files", host_files}, {"setup", host_setup}, {"start", host_start}, {"held", host_held}, {"hold", host_hold}, {"read", host_read}, {"look", host_look}, {"declare", host_declare},
    {"parse", host_parse}, {"quantity", host_quantity}, {"compare", host_compare}, {"quantity_text", host_quantity_text}, {"duration", host_duration},
    {"glob", host_glob}, {"sha256", host_sha256}, {"base64_decode", host_base64_decode}, {NULL, NULL},
  };
  toolkit_node_open(L);
  luaL_newmetatable(L, QUANTITY);
  lua_pushliteral(L, "quantity");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  lua_newtable(L);                                             /* host */
  lua_createtable(L, 0, 3);
  luaL_newlib(L, functions);
  lua_newtable(L);                                             /* params */
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, read_param);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  box_read_only(L, NULL);
  lua_pushcclosure(L, read_host, 2);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  box_read_only(L, NULL);
}
