/* toolkit_node: the methods of nodes. at() remembers where it was, so that walking a list is linear; pairs(node) goes in document order. */
#include "check/worker/toolkit_node.h"

#include <string.h>

#include "base/tree.h"
#include "check/worker/box.h"
#include "check/worker/reader.h"
#include "check/worker/toolkit.h"

/* Known by its magic: every userdata a script can lay hands on is made here or in toolkit.c, and a look-up by name costs more than most methods. */
struct node { const char *magic; const struct tree *tree, *near; size_t near_index; };
static const char magic[] = "node";                            /* its address is also the metatable's place in the registry */

void toolkit_push_node(lua_State *L, const struct tree *tree) {
  if (!tree) {
    lua_pushnil(L);
    return;
  }
  struct node *node = lua_newuserdatauv(L, sizeof *node, 0);
  *node = (struct node){.magic = magic, .tree = tree};
  lua_rawgetp(L, LUA_REGISTRYINDEX, magic);
  lua_setmetatable(L, -2);
}

static struct node *node_at_index(lua_State *L, int index) {
  struct node *node = lua_type(L, index) == LUA_TUSERDATA && lua_rawlen(L, index) == sizeof *node ? lua_touserdata(L, index) : NULL;
  if (!node || node->magic != magic) luaL_typeerror(L, index, "node");
  return node;
}

static struct node *self(lua_State *L) { return node_at_index(L, 1); }
static const struct tree *self_tree(lua_State *L) { return self(L)->tree; }

const struct tree *toolkit_node(lua_State *L, int index) { return node_at_index(L, index)->tree; }

static int node_type(lua_State *L) {
  static const char *const word[] = {"null", "bool", "number", "text", "list", "map"};
  lua_pushstring(L, word[self_tree(L)->type]);
  return 1;
}

static int node_get(lua_State *L) {
  const struct tree *map = self_tree(L);
  box_spend(L, (int64_t)map->count / 8);
  toolkit_push_node(L, tree_get(map, luaL_checkstring(L, 2)));
  return 1;
}

static int node_at(lua_State *L) {
  struct node *node = self(L);
  lua_Integer index = luaL_checkinteger(L, 2);
  if (node->tree->type != TREE_LIST || index < 1 || (size_t)index > node->tree->count) return 0;
  if (!node->near || node->near_index > (size_t)index) {
    node->near = node->tree->child;
    node->near_index = 1;
  }
  box_spend(L, (int64_t)((size_t)index - node->near_index));
  for (; node->near_index < (size_t)index; node->near_index++) node->near = node->near->next;
  toolkit_push_node(L, node->near);
  return 1;
}

static int node_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)self_tree(L)->count);
  return 1;
}

static int node_keys(lua_State *L) {
  const struct tree *map = self_tree(L);
  lua_createtable(L, (int)map->count, 0);
  box_spend(L, (int64_t)map->count);
  lua_Integer i = 0;
  if (map->type == TREE_MAP) TREE_EACH(item, map) {
    lua_pushstring(L, item->key);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

static int node_text(lua_State *L) {
  const struct tree *t = self_tree(L);
  switch (t->type) {
    case TREE_BOOL: lua_pushstring(L, t->flag ? "true" : "false"); break;
    case TREE_NULL: lua_pushliteral(L, "null"); break;
    case TREE_NUMBER:
    case TREE_STRING: lua_pushlstring(L, t->text, t->length); break;
    default: lua_pushliteral(L, "");
  }
  return 1;
}

static int node_int(lua_State *L) {
  int64_t whole;
  if (!tree_is_int(self_tree(L), &whole)) return 0;
  lua_pushinteger(L, whole);
  return 1;
}

static int node_bool(lua_State *L) {
  const struct tree *t = self_tree(L);
  if (t->type != TREE_BOOL) return 0;
  lua_pushboolean(L, t->flag);
  return 1;
}

static int node_raw(lua_State *L) {
  lua_pushstring(L, self_tree(L)->raw);                        /* nil when there is none */
  return 1;
}

static int node_quoted(lua_State *L) {
  lua_pushboolean(L, self_tree(L)->quoted);
  return 1;
}

static int node_tag(lua_State *L) {
  lua_pushstring(L, self_tree(L)->tag);
  return 1;
}

static int node_key(lua_State *L) {
  lua_pushstring(L, self_tree(L)->key);
  return 1;
}

static int push_place(lua_State *L, const struct tree_at *at) {
  const struct toolkit *job = box_of(L)->job;
  const char *file = at->line && job && job->files ? reader_file_name(job->files, at->file) : NULL;
  if (!file) return 0;
  const struct { const char *name; int value; } part[] = {{"doc", at->doc}, {"line", at->line}, {"col", at->col}, {"end_line", at->end_line}, {"end_col", at->end_col}};
  lua_createtable(L, 0, 6);
  lua_pushstring(L, file);
  lua_setfield(L, -2, "file");
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    lua_pushinteger(L, part[i].value);
    lua_setfield(L, -2, part[i].name);
  }
  return 1;
}

static int node_place(lua_State *L) { return push_place(L, &self_tree(L)->at); }
static int node_key_place(lua_State *L) { return push_place(L, &self_tree(L)->key_at); }

static int64_t count_nodes(const struct tree *tree) {
  int64_t n = 1;
  TREE_EACH(item, tree) n += count_nodes(item);
  return n;
}

static int node_same(lua_State *L) {
  const struct tree *a = self_tree(L), *b = toolkit_node(L, 2);
  box_spend(L, count_nodes(a));
  lua_pushboolean(L, tree_equal(a, b));
  return 1;
}

static int node_tostring(lua_State *L) {
  node_type(L);
  lua_pushfstring(L, "node (%s)", lua_tostring(L, -1));
  return 1;
}

/* Upvalue: the next child, as a pointer into the job's arena. */
static int next_child(lua_State *L) {
  const struct tree *item = lua_touserdata(L, lua_upvalueindex(1));
  if (!item) return 0;
  lua_pushlightuserdata(L, item->next);
  lua_replace(L, lua_upvalueindex(1));
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, i);
  lua_replace(L, lua_upvalueindex(2));
  if (item->key) lua_pushstring(L, item->key);
  else lua_pushinteger(L, i);
  toolkit_push_node(L, item);
  return 2;
}

static int node_pairs(lua_State *L) {
  lua_pushlightuserdata(L, self_tree(L)->child);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_child, 2);
  return 1;
}

void toolkit_push_value(lua_State *L, const struct tree *tree) {
  int64_t whole;
  luaL_checkstack(L, 4, "too deep");
  switch (tree ? tree->type : TREE_NULL) {
    case TREE_NULL: lua_pushnil(L); return;
    case TREE_BOOL: lua_pushboolean(L, tree->flag); return;
    case TREE_NUMBER:
      if (tree_is_int(tree, &whole)) {
        lua_pushinteger(L, whole);
        return;
      }                                                        /* others as text: no floats cross here */
      /* fall through */
    case TREE_STRING: lua_pushlstring(L, tree->text, tree->length); return;
    default: break;
  }
  lua_newtable(L);
  lua_Integer i = 0;
  TREE_EACH(item, tree) {
    toolkit_push_value(L, item);
    if (item->key) lua_setfield(L, -2, item->key);
    else lua_rawseti(L, -2, ++i);
  }
}

void toolkit_node_open(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"type", node_type}, {"get", node_get}, {"at", node_at}, {"len", node_len}, {"keys", node_keys}, {"text", node_text}, {"int", node_int}, {"bool", node_bool},
    {"raw", node_raw}, {"quoted", node_quoted}, {"tag", node_tag}, {"key", node_key}, {"place", node_place}, {"key_place", node_key_place}, {"same", node_same}, {NULL, NULL},
  };
  lua_newtable(L);
  lua_pushliteral(L, "node");
  lua_setfield(L, -2, "__name");
  luaL_newlib(L, methods);
  box_strict(L, "a node has no method '%s'");
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, node_pairs);
  lua_setfield(L, -2, "__pairs");
  lua_pushcfunction(L, node_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, magic);
}
