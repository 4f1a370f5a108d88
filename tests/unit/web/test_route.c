/* route: the match, the binding of bodies, and what must hold for every row. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "unit/web/stand_ins.h"
#include "web/route.h"

static struct arena *arena;
static int begin(void **state) { (void)state; arena = arena_new(0); return 0; }
static int finish(void **state) { (void)state; arena_free(arena); return 0; }

static void paths_find_their_row(void **state) {
  (void)state;
  static const struct { enum method method; const char *path, *want, *param; } rows[] = {
    {GET, "/", "/", NULL}, {HEAD, "/", "/", NULL}, {GET, "/learn/services", "/learn/{module}", "services"}, {GET, "/learn/", NULL, NULL}, {GET, "/learn/a/b", NULL, NULL}, {GET, "/learn", NULL, NULL},
    {GET, "/learn/a%2Db", NULL, NULL}, {GET, "/nowhere", NULL, NULL}, {POST, "/api/v1/live/abc", "/api/v1/live/{tab}", "abc"}, {GET, "/api/v1/live", "/api/v1/live", NULL}, {HEAD, "/api/v1/live", NULL, NULL},
    {GET, "/assets/app.1A2B.js", "/assets/{file*}", "app.1A2B.js"}, {GET, "/assets/fonts/a.woff2", "/assets/{file*}", "fonts/a.woff2"}, {GET, "/assets/", NULL, NULL}, {DELETE, "/", NULL, NULL},
    {GET, "/learn/0123456789012345678901234567890123456789012345678901234567890123", "/learn/{module}", "0123456789012345678901234567890123456789012345678901234567890123"},
    {GET, "/learn/01234567890123456789012345678901234567890123456789012345678901234", NULL, NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *param[4] = {0};
    unsigned allowed;
    const struct route *route = route_match(rows[i].method, rows[i].path, param, arena, &allowed);
    if (!route != !rows[i].want || (route && strcmp(route->path, rows[i].want))) fail_msg("row %zu: %s found %s", i, rows[i].path, route ? route->path : "nothing");
    if (rows[i].param) assert_string_equal(param[0], rows[i].param);
  }
  unsigned allowed;
  const char *param[4];
  assert_null(route_match(DELETE, "/j", param, arena, &allowed));
  assert_int_equal(allowed, GET | HEAD | POST);
}

static void every_row_is_whole_and_stands_once(void **state) {
  (void)state;
  int n = 0;
  for (const struct route *const *table = route_tables(); *table; table++)
    for (const struct route *row = *table; row->path; row++, n++) {
      bool write = row->method != GET;
      if (row->need == NEED_NOBODY || !row->handler || !row->about || !*row->about) fail_msg("%s lacks something", row->path);
      if (write && row->method != DELETE && !(row->flags & (BODY_JSON | BODY_FILES | BODY_FORM))) fail_msg("%s %s writes without a body", method_name(row->method), row->path);
      if (!write && row->flags & (BODY_JSON | BODY_FILES | BODY_FORM | NO_ORIGIN_TOKEN)) fail_msg("GET %s takes what only writes take", row->path);
      if (row->flags & NO_ORIGIN_TOKEN && row->need != NEED_ANYONE) fail_msg("%s needs a login but no token", row->path);
      if (!strncmp(row->path, "/api/", 5) && row->flags & PAGE) fail_msg("%s is a page under /api/", row->path);
      for (const struct route *const *other = route_tables(); *other; other++)
        for (const struct route *twin = *other; twin->path; twin++)
          if (twin != row && twin->method == row->method && !strcmp(twin->path, row->path)) fail_msg("%s stands twice", row->path);
    }
  assert_true(n > 20);
}

static const struct field table[] = {{"name", "text", ""}, {"count", "int?", ""}, {"flag", "bool?", ""}, {"who", "id?", ""}, {"list", "list?", ""}, {"map", "map?", ""}, {"files", "files?", ""}, {0}};

static void bodies_are_bound_to_their_table(void **state) {
  (void)state;
  static const struct { const char *json, *key; } rows[] = {
    {"{\"name\":\"a\"}", NULL}, {"{\"name\":\"a\",\"count\":3,\"flag\":true,\"who\":\"01arz3ndektsv4rrffq69g5fav\",\"list\":[],\"map\":{},\"files\":[]}", NULL},
    {"", "json."}, {"[]", "body.map"}, {"null", "body.map"}, {"\"name\"", "body.map"}, {"{}", "body.missing"}, {"{\"name\":\"a\",\"role\":\"administrator\"}", "body.unknown"},
    {"{\"name\":\"a\",\"NAME\":\"b\"}", "body.unknown"}, {"{\"NAME\":\"a\"}", "body.unknown"}, {"{\"name\":1}", "body.type"}, {"{\"name\":null}", "body.type"}, {"{\"name\":\"a\",\"count\":\"3\"}", "body.type"},
    {"{\"name\":\"a\",\"count\":1.5}", "body.type"}, {"{\"name\":\"a\",\"count\":1e999}", "body.type"}, {"{\"name\":\"a\",\"flag\":1}", "body.type"}, {"{\"name\":\"a\",\"who\":\"x\"}", "body.type"},
    {"{\"name\":\"a\",\"list\":{}}", "body.type"}, {"{\"name\":\"a\",\"name\":\"b\"}", "json."}, {"{\"name\":\"a\"}x", "json."}, {"{\"name\":\"a\\u0000b\"}", "json."}, {"{\"name\":\"\\ud800\"}", "json."},
    {"{\"name\":\"a\",}", "json."}, {"{\"name\":\"\xFF\"}", "json."}, {"{\"name\":01}", "json."}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tree *body = NULL;
    struct err err = {0};
    bool ok = route_bind(arena, table, rows[i].json, strlen(rows[i].json), &body, &err);
    if (ok == (rows[i].key != NULL) || (!ok && strncmp(err.key, rows[i].key, strlen(rows[i].key)))) fail_msg("row %zu: %s gave %s", i, rows[i].json, ok ? "yes" : err.key);
  }
  char deep[300] = "{\"name\":\"a\",\"list\":";
  memset(deep + strlen(deep), '[', 100);
  struct tree *body;
  struct err err;
  assert_false(route_bind(arena, table, deep, strlen(deep), &body, &err));
  assert_string_equal(err.key, "json.depth");
  assert_true(route_bind(arena, NULL, "{}", 2, &body, &err));
  assert_false(route_bind(arena, NULL, "{\"a\":1}", 7, &body, &err));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
  const struct CMUnitTest tests[] = {T(paths_find_their_row), T(every_row_is_whole_and_stands_once), T(bodies_are_bound_to_their_table)};
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
