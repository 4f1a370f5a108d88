/* route: the list of all tables, the match, and the binding of bodies. Matching walks the rows: a few dozen compares of short texts. */
#include "web/route.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/tree.h"
#include "web/api.h"
#include "web/asset.h"
#include "web/page.h"
#include "web/stream.h"

const struct route *const *route_tables(void) {
  static const struct route *const tables[] = {page_routes, page_form_routes, page_status_routes, page_regrade_routes, asset_routes, api_status_routes, api_people_routes, api_catalog_routes, api_attempt_routes, api_submission_routes, api_regrade_routes, stream_routes, NULL};
  return tables;
}

const char *method_name(enum method method) {
  switch (method) {
    case GET: return "GET";
    case POST: return "POST";
    case PUT: return "PUT";
    case PATCH: return "PATCH";
    case DELETE: return "DELETE";
    case HEAD: return "HEAD";
  }
  return "-";
}

static bool plain(const char *text, size_t length, bool slashes) {
  if (!length || (!slashes && length > 64)) return false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || (slashes && c == '/'))) return false;
  }
  return true;
}

/* Where the parts of path that stand for {…} lie; false when the path is another. */
static bool fits(const char *pattern, const char *path, const char *part[4], size_t length[4]) {
  int n = 0;
  while (*pattern) {
    if (*pattern != '{') {
      if (*pattern++ != *path++) return false;
      continue;
    }
    size_t name = strcspn(pattern, "}");
    bool rest = pattern[name - 1] == '*';
    size_t have = rest ? strlen(path) : strcspn(path, "/");
    if (n == 4 || !plain(path, have, rest)) return false;
    part[n] = path;
    length[n++] = have;
    path += have;
    pattern += name + 1;
  }
  return !*path;
}

const struct route *route_match(enum method method, const char *path, const char *param[4], struct arena *arena, unsigned *out_allowed) {
  enum method wanted = method == HEAD ? GET : method;
  *out_allowed = 0;
  for (const struct route *const *table = route_tables(); *table; table++)
    for (const struct route *route = *table; route->path; route++) {
      const char *part[4];
      size_t length[4] = {0};
      if (!fits(route->path, path, part, length)) continue;
      *out_allowed |= route->method | (route->method == GET && !(route->flags & STREAM) ? HEAD : 0);
      if (route->method != wanted || (method == HEAD && route->flags & STREAM)) continue;
      for (int i = 0; i < 4; i++) param[i] = length[i] ? arena_strn(arena, part[i], length[i]) : NULL;
      return route;
    }
  return NULL;
}

static bool type_ok(const char *type, const struct tree *value) {
  int64_t number;
  switch (*type) {
    case 't': return value->type == TREE_STRING;                                     /* text */
    case 'i': return type[1] == 'd' ? value->type == TREE_STRING && id_valid(value->text) : tree_is_int(value, &number);   /* id, int */
    case 'b': return value->type == TREE_BOOL;
    case 'f': case 'l': return value->type == TREE_LIST;                             /* files, list */
    case 'm': return value->type == TREE_MAP;
    default: return false;
  }
}

bool route_bind(struct arena *arena, const struct field *in, const char *json, size_t length, struct tree **out, struct err *err) {
  static const struct field none[] = {{0}};
  struct tree *body;
  if (!in) in = none;
  if (!tree_parse(arena, json, length, 32, &body, err)) return false;
  if (body->type != TREE_MAP) return err_set(err, ERR_INVALID, "body.map", NULL);
  TREE_EACH(item, body) {
    const struct field *field = in;
    while (field->name && strcmp(field->name, item->key)) field++;
    if (!field->name) return err_set(err, ERR_INVALID, "body.unknown", NULL), err_param(err, "field", "%.60s", item->key);
    if (!type_ok(field->type, item)) {
      err_set(err, ERR_INVALID, "body.type", NULL);
      err_param(err, "field", "%s", field->name);
      return err_param(err, "type", "%.*s", (int)strcspn(field->type, "?"), field->type);
    }
  }
  for (const struct field *field = in; field->name; field++)
    if (!strchr(field->type, '?') && !tree_get(body, field->name))
      return err_set(err, ERR_INVALID, "body.missing", NULL), err_param(err, "field", "%s", field->name);
  *out = body;
  return true;
}
