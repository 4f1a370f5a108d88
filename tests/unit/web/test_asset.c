/* asset: what is read from web/dist, under which address, and what is not served. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "unit/web/stand_ins.h"
#include "web/asset.h"
#include "web/gate.h"
#include "web/house.h"

static char folder[] = "/tmp/web-asset-XXXXXX";
static void put(const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
}
static int begin(void **state) {
  (void)state;
  log_init(LOG_ERROR_, NULL);
  if (!mkdtemp(folder)) return -1;
  put("app.AB12.js", "let a");
  put("app.AB12.js.gz", "\x1f\x8bzipped");
  put("font.woff2", "font");
  put("notes.exe", "no type");
  put("lonely.css.gz", "no file beside it");
  put("manifest.json", "{\"app.js\": \"app.AB12.js\"}");
  return 0;
}
static int finish(void **state) {
  (void)state;
  static const char *const names[] = {"app.AB12.js", "app.AB12.js.gz", "font.woff2", "notes.exe", "lonely.css.gz", "manifest.json"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    unlink(path);
  }
  return rmdir(folder);
}

static int ask(struct assets *assets, const char *path, struct reply *out) {
  static struct house house;
  struct arena *arena = arena_new(0);
  house = (struct house){.assets = assets};
  struct req req = {.arena = arena, .house = &house, .method = GET, .path = path, .query = "", .host = "localhost", .scheme = "http", .address = "127.0.0.1", .body_length = -1};
  *out = (struct reply){0};
  gate_handle(&req, out);
  int status = out->status;
  if (out->body) out->body = NULL;
  arena_free(arena);
  return status;
}

static void what_has_a_type_is_served_and_never_changes(void **state) {
  (void)state;
  struct assets *assets;
  struct err err;
  struct reply out;
  assert_true(assets_open(folder, &assets, &err));
  assert_string_equal(assets_url(assets, "app.js"), "/assets/app.AB12.js");
  assert_null(assets_url(assets, "lab.js"));
  assert_null(assets_url(NULL, "app.js"));
  assert_int_equal(ask(assets, "/assets/app.AB12.js", &out), 200);
  assert_string_equal(out.content_type, "text/javascript; charset=utf-8");
  assert_true(out.length == 5 && !memcmp(out.bytes, "let a", 5));
  assert_true(out.vary_encoding && strstr(out.cache, "immutable"));
  assert_int_equal(ask(assets, "/assets/font.woff2", &out), 200);
  assert_false(out.vary_encoding);
  static const char *const none[] = {"/assets/notes.exe", "/assets/manifest.json", "/assets/app.AB12.js.gz", "/assets/lonely.css", "/assets/app.ab12.js", "/assets/x/app.AB12.js", "/assets/app.AB12.j"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) if (ask(assets, none[i], &out) != 404) fail_msg("%s is served", none[i]);
  assets_close(assets);
}

static void a_page_that_is_not_built_is_no_error_but_half_a_page_is(void **state) {
  (void)state;
  struct assets *assets;
  struct err err;
  assert_true(assets_open("/nowhere", &assets, &err));
  assert_null(assets_url(assets, "app.js"));
  assets_close(assets);
  put("manifest.json", "{\"app.js\": \"app.AB12.js\", \"lab.js\": \"lab.CD34.js\"}");
  assert_false(assets_open(folder, &assets, &err));
  assert_int_equal(err.code, ERR_INVALID);
  put("manifest.json", "{\"app.js\": ");
  assert_false(assets_open(folder, &assets, &err));
  put("manifest.json", "{\"app.js\": \"app.AB12.js\"}");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_has_a_type_is_served_and_never_changes), cmocka_unit_test(a_page_that_is_not_built_is_no_error_but_half_a_page_is)};
  return cmocka_run_group_tests_name("asset", tests, begin, finish);
}
