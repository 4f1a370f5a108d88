/* page_course, api_catalog: the pages of a course as a person and a script get them, on real folders, a real checker and a real database. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/progress.h"
#include "store/db.h"
#include "store/store_progress.h"
#include "web/house.h"
#include "web/page.h"
#include "web/route.h"

static struct house house;
static struct check_pool *pool;
static char folder[] = "/tmp/web-course-XXXXXX";
static const struct viewer nobody = {.lang = LANG_EN}, aina = {.person = "01jxperson0000000000000000", .name = "<b>Aina</b>", .role = ROLE_LEARNER, .lang = LANG_MS},
                           staff = {.person = "01jxperson0000000000000001", .name = "Siti", .role = ROLE_INSTRUCTOR, .lang = LANG_EN};

static int begin(void **state) {
  (void)state;
  struct err err = {0};
  char path[64];
  log_init(LOG_ERROR_, NULL);
  secret_init();
  markdown_init();
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/makmal.db", folder);
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  if (!pool || !db_open(path, &house.db, &err)) return -1;
  if (!catalog_open(TEST_SOURCE_DIR "/tests/fixtures/labs", TEST_SOURCE_DIR "/lua-checks", TEST_SOURCE_DIR "/web/words", pool, &house.catalog, &err)) return -1;
  return progress_open(house.db, house.catalog, &house.progress, &err) ? 0 : -1;
}
static int finish(void **state) {
  (void)state;
  progress_close(house.progress);
  catalog_close(house.catalog);
  db_close(house.db);
  check_pool_close(pool);
  char command[80];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

/* A request as the gate leaves it to a handler. */
static struct req *asked(const struct viewer *viewer, const char *path) {
  struct arena *arena = arena_new(0);
  struct req *req = arena_alloc(arena, sizeof *req);
  *req = (struct req){.arena = arena, .house = &house, .method = GET, .path = path, .query = "", .viewer = *viewer};
  return req;
}
static void answered(struct req *req) {
  db_read_end(req->read_);
  catalog_release(req->edition_);
  arena_free(req->arena);
}

#define PAGE_FN(name) bool (*name)(struct req *, struct page *, struct err *)
static struct page *page_of(PAGE_FN(fn), struct req *req, const char *param, struct err *err) {
  struct page *page = page_new(req);
  req->param[0] = param;
  memset(err, 0, sizeof *err);
  return fn(req, page, err) ? page : NULL;
}
static void has(const struct page *page, const char *piece) {
  if (!strstr(page->main->data, piece)) fail_msg("lacks %s in %s", piece, page->main->data);
}
static void lacks(const struct page *page, const char *piece) {
  if (strstr(page->main->data, piece)) fail_msg("has %s", piece);
}

/* Every element is closed in its order, no id stands twice, no inline style, one first heading. */
static void well_formed(const char *html) {
  static const char empty[] = " br img hr input meta link rect path circle line ";
  char open[64][24], ids[200][64];
  int depth = 0, id_count = 0, first = 0;
  for (const char *at = html; (at = strchr(at, '<')); at++) {
    bool closes = at[1] == '/';
    const char *from = at + 1 + closes, *end = strchr(at, '>');
    assert_non_null(end);
    char name[24];
    snprintf(name, sizeof name, "%.*s", (int)strspn(from, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), from);
    if (closes) {
      if (!depth || strcmp(open[depth - 1], name)) fail_msg("</%s> closes <%s>: %.80s", name, depth ? open[depth - 1] : "-", at);
      depth--;
      continue;
    }
    first += !strcmp(name, "h1");
    char tag[4000];
    snprintf(tag, sizeof tag, "%.*s", (int)(end - at), at);
    assert_null(strstr(tag, " style="));
    char *id = strstr(tag, " id=\"");
    if (id) {
      id += 5;
      id[strcspn(id, "\"")] = 0;
      for (int i = 0; i < id_count; i++) if (!strcmp(ids[i], id)) fail_msg("id %s twice", id);
      snprintf(ids[id_count++], sizeof ids[0], "%s", id);
    }
    char word[32];
    snprintf(word, sizeof word, " %s ", name);
    if (end[-1] != '/' && !strstr(empty, word)) snprintf(open[depth++], sizeof open[0], "%s", name);
  }
  assert_int_equal(depth, 0);
  assert_int_equal(first, 1);
}

static void every_page_is_well_formed_in_both_languages(void **state) {
  (void)state;
  struct { PAGE_FN(fn); const char *param; } pages[] = {{page_home, NULL}, {page_module, "first"}, {page_lab, "good"}, {page_me, NULL}};
  const struct viewer *const viewers[] = {&nobody, &aina, &staff};
  for (size_t p = 0; p < 4; p++)
    for (size_t v = 0; v < 3; v++) {
      struct err err;
      struct req *req = asked(viewers[v], "/");
      struct page *page = page_of(pages[p].fn, req, pages[p].param, &err);
      if (!page) fail_msg("%s", err.key);
      assert_non_null(page->title);
      well_formed(page->main->data);
      assert_null(strstr(page->main->data, "${"));
      for (const char *at = page->main->data; (at = strstr(at, "page.")); at++) assert_false(at[5] >= 'a' && at[5] <= 'z');
      answered(req);
    }
}

static void the_catalogue_shows_what_is_open_and_greets_by_name(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&nobody, "/");
  struct page *page = page_of(page_home, req, NULL, &err);
  has(page, "<h2>Practice</h2>");
  has(page, "href=\"/learn/first\">First steps</a>");
  has(page, "href=\"/lab/good\">A good lab</a>");
  lacks(page, "broken");
  has(page, "10 min · 1 lab · 1 question");
  has(page, "href=\"/j\"");
  answered(req);
  req = asked(&aina, "/");
  page = page_of(page_home, req, NULL, &err);
  has(page, "Selamat kembali, &lt;b&gt;Aina&lt;/b&gt;");
  has(page, "0 daripada 2 mata");
  lacks(page, "href=\"/j\"");
  answered(req);
}

static void a_module_has_contents_goals_labs_and_its_text(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&aina, "/learn/first");
  struct page *page = page_of(page_module, req, "first", &err);
  has(page, "<a href=\"#check-yourself\">Semak diri</a>");
  has(page, "<h2 id=\"check-yourself\">Semak diri</h2>");
  has(page, "<li>menamakan objek</li>");
  has(page, "Kuiz: 0 daripada 1 betul");
  assert_string_equal(page->title, "Langkah pertama");
  answered(req);
}

static void a_renamed_id_moves_and_an_unknown_one_is_not_found(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&nobody, "/learn/beginning");
  assert_string_equal(page_of(page_module, req, "beginning", &err)->moved, "/learn/first");
  assert_string_equal(page_of(page_lab, req, "formerly-good", &err)->moved, "/lab/good");
  assert_null(page_of(page_module, req, "nowhere", &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_null(page_of(page_lab, req, "broken", &err));
  assert_string_equal(err.key, "lab.missing");
  answered(req);
}

static void a_lab_reads_without_scripts_by_its_examples(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&nobody, "/lab/good");
  struct page *page = page_of(page_lab, req, "good", &err);
  has(page, "<div id=\"lab\" data-lab=\"good\" data-nonce=\"");
  has(page, "<code>kedai-17</code>");
  has(page, "<h2>Step 1: Name it</h2>");
  has(page, "The map is there (2 points)");
  has(page, "href=\"/j?next=/lab/good\"");
  assert_string_equal(page->script, "lab.js");
  assert_int_equal(strlen(page->nonce), 32);
  answered(req);
}

static bool earn(struct db_tx *tx, void *arg, struct err *err) {
  struct progress_row row = {.lab = "good", .step = "name", .max = "2", .submission = "01jxsubmission000000000000", .at_ms = 1};
  snprintf(row.person, sizeof row.person, "%s", aina.person);
  snprintf(row.earned, sizeof row.earned, "%s", (const char *)arg);
  return store_progress_put(tx, &row, err);
}

static void progress_is_found_again(void **state) {
  (void)state;
  struct err err;
  assert_true(db_write(house.db, earn, "1/2", &err));
  struct req *req = asked(&aina, "/");
  struct page *page = page_of(page_home, req, NULL, &err);
  has(page, "Langkah pertama · Makmal yang baik · langkah seterusnya: Namakan");
  has(page, "data-state=\"begun\"");
  answered(req);
  assert_true(db_write(house.db, earn, "2", &err));
  req = asked(&aina, "/me");
  page = page_of(page_me, req, NULL, &err);
  has(page, "2 daripada 2 mata");
  has(page, "data-state=\"done\"");
  has(page, "1 / 1");
  answered(req);
}

/* --- API ---------------------------------------------------------------------------------------------------------------------------------------------- */

static struct tree *api(struct req *req, enum method method, const char *path, const char *body, struct err *err) {
  unsigned allowed;
  struct reply reply = {0};
  const struct route *route = route_match(method, path, req->param, req->arena, &allowed);
  if (!route) fail_msg("no route for %s", path);
  memset(err, 0, sizeof *err);
  if (body && !route_bind(req->arena, route->in, body, strlen(body), &req->body, err)) return NULL;
  return route->handler(req, &reply, err) ? reply.json : NULL;
}

static void the_catalogue_tells_staff_what_is_wrong_and_nobody_else(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&nobody, "/");
  struct tree *json = api(req, GET, "/api/v1/catalog", NULL, &err);
  assert_string_equal(tree_text(tree_path(json, "courses[0].modules[0].labs[0]"), "id"), "good");
  assert_null(tree_get(json, "problems"));
  answered(req);
  req = asked(&staff, "/");
  json = api(req, GET, "/api/v1/catalog", NULL, &err);
  assert_true(tree_get(json, "problems")->count >= 4);
  assert_non_null(strstr(tree_text(tree_path(json, "problems[0]"), "file"), "/practice/"));
  answered(req);
}

static void a_lab_is_told_with_what_the_cluster_lacks(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&aina, "/");
  struct tree *json = api(req, GET, "/api/v1/labs/good", NULL, &err);
  assert_string_equal(tree_text(json, "title"), "Makmal yang baik");
  assert_string_equal(tree_text(json, "hand_in"), "files");
  assert_non_null(strstr(tree_text(tree_path(json, "steps[0]"), "html"), "kedai-17"));
  assert_string_equal(tree_text(tree_path(json, "checks[0]"), "on"), "files");
  assert_int_equal(tree_get(json, "attempt")->type, TREE_NULL);
  assert_int_equal(tree_get(json, "missing")->count, 0);
  assert_null(api(req, GET, "/api/v1/labs/broken", NULL, &err));
  assert_string_equal(err.key, "lab.missing");
  answered(req);
}

static void a_question_is_answered(void **state) {
  (void)state;
  struct err err;
  struct req *req = asked(&aina, "/");
  struct tree *json = api(req, POST, "/api/v1/modules/first/quiz/q1", "{\"answer\": 1}", &err);
  assert_false(tree_flag(json, "right", true));
  assert_string_equal(tree_text(json, "betrays_text"), "Hanya sesetengah memilikinya.");
  assert_true(tree_flag(api(req, POST, "/api/v1/modules/first/quiz/q1", "{\"answer\": 0}", &err), "right", false));
  assert_null(api(req, POST, "/api/v1/modules/first/quiz/q1", "{\"answer\": 7}", &err));
  assert_string_equal(err.key, "quiz.answer");
  assert_null(api(req, POST, "/api/v1/modules/first/quiz/q1", "{\"answer\": \"0\"}", &err));
  assert_string_equal(err.key, "body.type");
  answered(req);
  req = asked(&aina, "/");
  assert_int_equal(tree_int(tree_path(api(req, GET, "/api/v1/progress", NULL, &err), "courses[0].modules[0].quiz"), "right", 0), 1);
  answered(req);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_page_is_well_formed_in_both_languages), cmocka_unit_test(the_catalogue_shows_what_is_open_and_greets_by_name),
    cmocka_unit_test(a_module_has_contents_goals_labs_and_its_text), cmocka_unit_test(a_renamed_id_moves_and_an_unknown_one_is_not_found),
    cmocka_unit_test(a_lab_reads_without_scripts_by_its_examples), cmocka_unit_test(progress_is_found_again),
    cmocka_unit_test(the_catalogue_tells_staff_what_is_wrong_and_nobody_else), cmocka_unit_test(a_lab_is_told_with_what_the_cluster_lacks), cmocka_unit_test(a_question_is_answered),
  };
  return cmocka_run_group_tests(tests, begin, finish);
}
