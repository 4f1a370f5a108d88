/* page_kept: a page is kept for those it is for, and for nobody else. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "web/house.h"
#include "web/http.h"
#include "web/page_kept.h"

static struct house house;
static struct check_pool *pool;
static const struct viewer nobody = {.lang = LANG_EN}, malay = {.lang = LANG_MS}, aina = {.person = "01jxperson0000000000000000", .role = ROLE_LEARNER, .lang = LANG_EN};

static int begin(void **state) {
  (void)state;
  struct err err = {0};
  log_init(LOG_ERROR_, NULL);
  secret_init();
  markdown_init();
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  return pool && catalog_open(TEST_SOURCE_DIR "/tests/fixtures/labs", TEST_SOURCE_DIR "/lua-checks", TEST_SOURCE_DIR "/web/words", pool, &house.catalog, &err) ? 0 : -1;
}
static int finish(void **state) {
  (void)state;
  catalog_close(house.catalog);
  check_pool_close(pool);
  return 0;
}
static int fresh(void **state) {
  (void)state;
  house.pages = page_kept_new();
  return 0;
}
static int gone(void **state) {
  (void)state;
  page_kept_free(house.pages);
  return 0;
}

static struct req *asked(const struct viewer *viewer, const char *path, const char *query) {
  struct arena *arena = arena_new(0);
  struct req *req = arena_alloc(arena, sizeof *req);
  *req = (struct req){.arena = arena, .house = &house, .method = GET, .path = path, .query = query, .viewer = *viewer};
  return req;
}
static void answered(struct req *req) {
  catalog_release(req->edition_);
  arena_free(req->arena);
}

/* As page_reply leaves it. */
static void make(const struct viewer *viewer, const char *path, const char *query, const char *text, bool with_nonce) {
  struct req *req = asked(viewer, path, query);
  struct buf body;
  buf_init(&body, 1024 * 1024);
  buf_str(&body, text);
  struct reply made = {.body = &body, .content_type = "text/html; charset=utf-8", .cache = "no-cache", .etag = "\"1\"", .nonce = with_nonce ? "abc" : NULL, .private_ = with_nonce};
  page_kept_add(req, &made);
  buf_release(&body);
  answered(req);
}
/* The kept bytes, compared; NULL: there must be none. */
static void finds(const struct viewer *viewer, const char *path, const char *query, const char *text) {
  struct req *req = asked(viewer, path, query);
  struct reply out = {0};
  if (page_kept_find(req, &out) != (text != NULL)) fail_msg("%s for %s: %s", path, viewer->role ? "a learner" : "nobody", text ? "nothing was kept" : "something was kept");
  if (text) {
    assert_int_equal(out.length, strlen(text));
    assert_memory_equal(out.bytes, text, out.length);
    assert_string_equal(out.etag, "\"1\"");
    assert_string_equal(out.content_type, "text/html; charset=utf-8");
    assert_string_equal(out.cache, "no-cache");
  }
  answered(req);
}

static void who_is_not_signed_in_gets_the_bytes_of_the_one_before(void **state) {
  (void)state;
  finds(&nobody, "/learn/a", "", NULL);
  make(&nobody, "/learn/a", "", "<h1>A</h1>", false);
  finds(&nobody, "/learn/a", "", "<h1>A</h1>");
  finds(&nobody, "/learn/b", "", NULL);
  finds(&nobody, "/learn/a", "q=1", NULL);
  finds(&malay, "/learn/a", "", NULL);
  make(&malay, "/learn/a", "", "<h1>Satu</h1>", false);
  finds(&malay, "/learn/a", "", "<h1>Satu</h1>");
  finds(&nobody, "/learn/a", "", "<h1>A</h1>");
}

static void what_one_learner_sees_is_shown_to_nobody_else(void **state) {
  (void)state;
  make(&aina, "/learn/a", "", "<h1>A</h1> Aina", false);
  finds(&nobody, "/learn/a", "", NULL);
  make(&nobody, "/learn/a", "", "<h1>A</h1>", false);
  finds(&aina, "/learn/a", "", NULL);
  make(&nobody, "/lab/a", "", "<h1>A</h1>", true);             /* a style nonce is drawn for one answer */
  finds(&nobody, "/lab/a", "", NULL);
}

static void many_pages_take_turns_and_large_ones_are_not_kept(void **state) {
  (void)state;
  char path[32];
  for (int i = 0; i < 3 * PAGE_KEPT_PAGES; i++) {
    snprintf(path, sizeof path, "/learn/m%d", i);
    make(&nobody, path, "", path, false);
    finds(&nobody, path, "", path);
  }
  struct buf large;
  buf_init(&large, 1024 * 1024);
  while (large.len <= PAGE_KEPT_BYTES) buf_str(&large, "sixteen letters.");
  make(&nobody, "/learn/large", "", large.data, false);
  finds(&nobody, "/learn/large", "", NULL);
  buf_release(&large);
}

static void courses_read_anew_are_shown_at_once_and_a_page_on_its_way_arrives_whole(void **state) {
  (void)state;
  struct err err;
  make(&nobody, "/learn/a", "", "<h1>A</h1>", false);
  struct req *slow = asked(&nobody, "/learn/a", "");
  struct reply out = {0};
  assert_true(page_kept_find(slow, &out));
  assert_true(catalog_reload(house.catalog, &err));
  finds(&nobody, "/learn/a", "", NULL);
  make(&nobody, "/learn/a", "", "<h1>New</h1>", false);
  finds(&nobody, "/learn/a", "", "<h1>New</h1>");
  assert_memory_equal(out.bytes, "<h1>A</h1>", out.length);
  answered(slow);
}

int main(void) {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, gone)
  const struct CMUnitTest tests[] = {
    TEST(who_is_not_signed_in_gets_the_bytes_of_the_one_before),
    TEST(what_one_learner_sees_is_shown_to_nobody_else),
    TEST(many_pages_take_turns_and_large_ones_are_not_kept),
    TEST(courses_read_anew_are_shown_at_once_and_a_page_on_its_way_arrives_whole),
  };
  return cmocka_run_group_tests(tests, begin, finish);
}
