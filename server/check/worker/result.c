/* result: reads Lua tables raw, so that no metamethod runs here. Whole numbers beyond 2^53 and fractions become text: a verdict holds no floats. */
#include "check/worker/result.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "check/check_wire.h"

#define TEXT_MAX 1000u
#define DEPTH_MAX 6
#define SHARES_MAX 1000
#define LAST_WORD 1024u                     /* a check without findings may still be said when the room is used up */
#define SAFE_INTEGER 9007199254740991ll

/* Text cut to a cap at a character's border, without NUL. */
static struct tree *text(struct arena *arena, const char *s, size_t length) {
  const char *nul = memchr(s, 0, length);
  if (nul) length = (size_t)(nul - s);
  bool cut = length > TEXT_MAX;
  if (cut) for (length = TEXT_MAX; length && ((unsigned char)s[length] & 0xC0) == 0x80; length--) ;
  struct tree *value = tree_new(arena, TREE_STRING);
  value->text = arena_printf(arena, "%.*s%s", (int)length, s, cut ? "…" : "");
  value->length = strlen(value->text);
  return value;
}

static struct tree *convert(lua_State *L, struct arena *arena, int index, int depth, int *left);

/* A table: a list when it has a first element, else a map; keys in the order of their bytes come from tree_write. */
static struct tree *convert_table(lua_State *L, struct arena *arena, int index, int depth, int *left) {
  index = lua_absindex(L, index);
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  struct tree *value = tree_new(arena, n ? TREE_LIST : TREE_MAP), **tail = &value->child;
  if (depth >= DEPTH_MAX || !lua_checkstack(L, 8)) return tree_new(arena, TREE_NULL);
  if (n) for (lua_Integer i = 1; i <= n && *left > 0; i++) {
    lua_rawgeti(L, index, i);
    *tail = convert(L, arena, -1, depth + 1, left);
    tail = &(*tail)->next;
    value->count++;
    lua_pop(L, 1);
  } else for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    size_t length;
    const char *key = lua_tolstring(L, -2, &length);
    if (*left <= 0 || length > 64 || strlen(key) != length || !utf8_valid(key, length)) continue;
    *tail = convert(L, arena, -1, depth + 1, left);
    (*tail)->key = arena_str(arena, key);
    tail = &(*tail)->next;
    value->count++;
  }
  return value;
}

static struct tree *convert(lua_State *L, struct arena *arena, int index, int depth, int *left) {
  size_t length;
  --*left;
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN: return tree_bool(arena, lua_toboolean(L, index));
    case LUA_TTABLE: return convert_table(L, arena, index, depth, left);
    case LUA_TSTRING: {
      const char *s = lua_tolstring(L, index, &length);
      return text(arena, s, length);
    }
    case LUA_TNUMBER: {
      lua_Integer whole = lua_tointeger(L, index);
      if (lua_isinteger(L, index) && whole >= -SAFE_INTEGER && whole <= SAFE_INTEGER) return tree_number(arena, whole);
      char written[64];
      if (lua_isinteger(L, index)) snprintf(written, sizeof written, "%lld", (long long)whole);
      else snprintf(written, sizeof written, "%.14g", lua_tonumber(L, index));
      return text(arena, written, strlen(written));
    }
    default: return tree_new(arena, TREE_NULL);
  }
}

/* table[name] as a tree, NULL for nil. */
static struct tree *get(lua_State *L, struct arena *arena, int table, const char *name, int *left) {
  lua_pushstring(L, name);
  lua_rawget(L, table);
  struct tree *value = lua_isnil(L, -1) ? NULL : convert(L, arena, -1, 0, left);
  lua_pop(L, 1);
  return value;
}

/* A field that has to be of one type, else it is left out. An empty Lua table may be either. */
static void take(lua_State *L, struct arena *arena, int table, const char *name, enum tree_type type, struct tree *into, int *left) {
  struct tree *value = get(L, arena, table, name, left);
  if (value && !value->count && (type == TREE_LIST || type == TREE_MAP) && (value->type == TREE_LIST || value->type == TREE_MAP)) value = tree_new(arena, type);
  if (value && value->type == type) tree_put(arena, into, name, value);
}

static struct tree *finding(lua_State *L, struct arena *arena, int table, const char *side) {
  int left = 400;
  struct tree *f = tree_new(arena, TREE_MAP);
  take(L, arena, table, "key", TREE_STRING, f, &left);
  take(L, arena, table, "level", TREE_STRING, f, &left);
  if (!tree_get(f, "level")) tree_put_text(arena, f, "level", "fail");
  tree_put_text(arena, f, "side", side);
  take(L, arena, table, "params", TREE_MAP, f, &left);
  take(L, arena, table, "object", TREE_MAP, f, &left);
  take(L, arena, table, "path", TREE_STRING, f, &left);
  take(L, arena, table, "pointer", TREE_STRING, f, &left);
  take(L, arena, table, "at", TREE_MAP, f, &left);
  struct tree *at = tree_get(f, "at"), *node = get(L, arena, table, "node", &left);
  if (at && node && node->type == TREE_STRING && !tree_get(at, "node")) tree_put(arena, at, "node", node);
  take(L, arena, table, "want", TREE_MAP, f, &left);
  take(L, arena, table, "got", TREE_MAP, f, &left);
  take(L, arena, table, "from", TREE_STRING, f, &left);
  take(L, arena, table, "visible", TREE_STRING, f, &left);
  take(L, arena, table, "reads", TREE_LIST, f, &left);
  take(L, arena, table, "events", TREE_LIST, f, &left);
  take(L, arena, table, "false_ms", TREE_NUMBER, f, &left);
  return tree_get(f, "key") ? f : NULL;
}

struct tree *result_new(struct arena *arena, const char *id) {
  struct tree *check = tree_new(arena, TREE_MAP);
  tree_put_text(arena, check, "id", id);
  tree_put_text(arena, check, "outcome", "");
  tree_put(arena, check, "shares", tree_new(arena, TREE_MAP));
  tree_put_bool(arena, check, "gate", true);
  tree_put(arena, check, "findings", tree_new(arena, TREE_LIST));
  tree_put(arena, check, "waits", tree_new(arena, TREE_LIST));
  tree_put(arena, check, "because", tree_new(arena, TREE_LIST));
  return check;
}

/* Two sides make one check: what keeps it open counts first, then whether all, some or none was won. */
static const char *join(const char *a, const char *b) {
  static const char *const first[] = {"error", "unobserved", "blocked", "pending", NULL};
  if (!*a) return b;
  for (const char *const *word = first; *word; word++) if (!strcmp(a, *word) || !strcmp(b, *word)) return *word;
  return !strcmp(a, b) ? a : "partial";
}

static void set_outcome(struct arena *arena, struct tree *check, const char *outcome) {
  tree_set(arena, check, "outcome", tree_string(arena, join(tree_text(check, "outcome"), outcome)));
}

static bool bad(struct box *box, const char *what) {
  box->error = (struct box_error){.who = "script", .key = "error.script"};
  snprintf(box->error.detail, sizeof box->error.detail, "a check returned no result: %s", what);
  lua_settop(box->L, 0);
  return false;
}

static bool is_outcome(const struct tree *t) {
  static const char *const known[] = {"pass", "partial", "fail", "blocked", "pending", "error", "unobserved", NULL};
  if (t && t->type == TREE_STRING) for (const char *const *k = known; *k; k++) if (!strcmp(t->text, *k)) return true;
  return false;
}

/* {weight, won, visible, key}: the last two may be nil, so it is read by position. */
static struct tree *share(lua_State *L, struct arena *arena, int table) {
  struct tree *row = tree_new(arena, TREE_LIST);
  int left = 10;
  for (int i = 1; i <= 4; i++) {
    lua_rawgeti(L, table, i);
    struct tree *part = convert(L, arena, -1, DEPTH_MAX, &left);
    static const enum tree_type type[] = {TREE_NUMBER, TREE_BOOL, TREE_STRING, TREE_STRING};
    if (part->type != type[i - 1] && (i <= 2 || part->type != TREE_NULL)) return NULL;
    tree_push(row, part);
    lua_pop(L, 1);
  }
  return row;
}

bool result_add_side(struct box *box, struct arena *arena, struct tree *check, const char *side) {
  lua_State *L = box->L;
  int table = lua_gettop(L), left = 2000;
  if (lua_type(L, table) != LUA_TTABLE) return bad(box, "no table");
  struct tree *outcome = get(L, arena, table, "outcome", &left), *gate = get(L, arena, table, "gate", &left), *shares = tree_new(arena, TREE_LIST), **tail;
  if (!is_outcome(outcome)) return bad(box, "outcome");
  lua_pushstring(L, "shares");
  if (lua_rawget(L, table) == LUA_TTABLE) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    if (n > SHARES_MAX) return bad(box, "too many shares");
    tail = &shares->child;
    for (lua_Integer i = 1; i <= n; i++, shares->count++, tail = &(*tail)->next) {
      if (lua_rawgeti(L, -1, i) != LUA_TTABLE || !(*tail = share(L, arena, lua_gettop(L)))) return bad(box, "shares");
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  tree_put(arena, tree_get(check, "shares"), side, shares);
  if (gate && gate->type == TREE_BOOL && !gate->flag) tree_get(check, "gate")->flag = false;
  struct tree *findings = tree_get(check, "findings");
  for (tail = &findings->child; *tail; ) tail = &(*tail)->next;
  lua_pushstring(L, "findings");
  if (lua_rawget(L, table) == LUA_TTABLE) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
      if (findings->count >= RESULT_FINDINGS_MAX) {
        if (!tree_get(check, "cut")) tree_put_bool(arena, check, "cut", true);
        break;
      }
      if (lua_rawgeti(L, -1, i) != LUA_TTABLE || !(*tail = finding(L, arena, lua_gettop(L), side))) return bad(box, "findings");
      tail = &(*tail)->next;
      findings->count++;
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  static const char *const lists[] = {"waits", "because"};
  for (int i = 0; i < 2; i++) {
    struct tree *more = get(L, arena, table, lists[i], &left), *list = tree_get(check, lists[i]);
    if (more && more->type == TREE_LIST) for (struct tree *item = more->child, *next; item; item = next) {
      next = item->next;
      bool twice = false;
      TREE_EACH(old, list) twice |= tree_equal(old, item);
      if (!twice) tree_push(list, item);
    }
  }
  set_outcome(arena, check, outcome->text);
  lua_settop(L, table - 1);
  return true;
}

struct tree *result_error(struct arena *arena, const struct box_error *error) {
  struct tree *t = tree_new(arena, TREE_MAP);
  const struct { const char *name, *value; } row[] = {{"who", error->who}, {"key", error->key}, {"detail", error->detail}, {"file", error->file}, {"text", error->text}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) if (*row[i].value) tree_put(arena, t, row[i].name, text(arena, row[i].value, strlen(row[i].value)));
  if (error->line) tree_put_int(arena, t, "line", error->line);
  return t;
}

void result_add_error(const struct box *box, struct arena *arena, struct tree *check) {
  bool unobserved = !strcmp(box->error.who, "unobserved");
  set_outcome(arena, check, unobserved ? "unobserved" : "error");
  if (!tree_get(check, "error")) tree_put(arena, check, "error", result_error(arena, &box->error));
}

void result_write(struct arena *arena, struct tree *check, size_t *left, struct buf *out) {
  struct tree *findings = tree_get(check, "findings");
  for (;;) {
    buf_reset(out);
    tree_write(out, check);
    if ((!out->over && out->len <= *left) || !findings->count) break;
    size_t keep = findings->count / 2;                         /* a check whose findings do not fit loses the later half, again and again */
    struct tree **cut = &findings->child;
    for (findings->count = 0; findings->count < keep; findings->count++) cut = &(*cut)->next;
    *cut = NULL;
    if (!tree_get(check, "cut")) tree_put_bool(arena, check, "cut", true);
  }
  if (out->over || out->len > *left + LAST_WORD) {              /* shares alone fill it: that is no check */
    struct box_error large = {.who = "limit", .key = "error.large"};
    struct tree *instead = result_new(arena, tree_text(check, "id"));
    tree_set(arena, instead, "outcome", tree_string(arena, "error"));
    tree_put(arena, instead, "error", result_error(arena, &large));
    buf_reset(out);
    tree_write(out, instead);
  }
  *left = out->len < *left ? *left - out->len : 0;
}
