/* toolkit_node: a tree as Lua sees it: userdata with methods, read-only. The tree belongs to the job's arena and outlives the state. */
#ifndef MAKMAL_CHECK_WORKER_TOOLKIT_NODE_H
#define MAKMAL_CHECK_WORKER_TOOLKIT_NODE_H
#include <lua.h>

struct tree;

void toolkit_node_open(lua_State *L);
void toolkit_push_node(lua_State *L, const struct tree *tree);        /* NULL: nil */
const struct tree *toolkit_node(lua_State *L, int index);             /* an error when it is none */
/* A tree as plain Lua values: maps and lists become tables, null is left out. */
void toolkit_push_value(lua_State *L, const struct tree *tree);
#endif
