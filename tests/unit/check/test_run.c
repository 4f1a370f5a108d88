/* check_run through a real worker: sides and scopes, reads over the pipe and who is to blame when they fail, what is held, how findings come out. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "unit/check/job.h"

static struct check_pool *pool;

static int open_pool(void **state) {
  (void)state;
  secret_init();
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, NULL);
  return pool ? 0 : -1;
}

static int close_pool(void **state) {
  (void)state;
  check_pool_close(pool);
  return 0;
}

static char *json(struct arena *arena, const struct tree *tree) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 1 << 20);
  tree_write(out, tree);
  return out->data;
}

static struct check_result run(struct arena *arena, const struct check_job *job, const struct check_wish *wish) {
  struct check_result result;
  struct err err = {0};
  if (!check_run(pool, arena, job, wish, &result, &err)) fail_msg("%s: %s", err.key, err.detail);
  return result;
}

/* The cluster of these tests: counts, and answers as told. */
struct cluster { int reads, finished; const char *body; int status; enum err_code fails; const char *fail_key; char last[400]; };

static bool answer(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err) {
  struct cluster *cluster = ctx;
  cluster->reads++;
  snprintf(cluster->last, sizeof cluster->last, "%s", json(arena, request));
  if (cluster->fails) return err_set(err, cluster->fails, cluster->fail_key, "as the test wants it");
  buf_str(reply, cluster->body);
  *out_meta = tree_new(arena, TREE_MAP);
  tree_put_int(arena, *out_meta, "status", cluster->status);
  tree_put_int(arena, *out_meta, "at_ms", 77);
  tree_put_int(arena, *out_meta, "n", cluster->reads - 1);
  return true;
}

static void finished(void *ctx, const struct tree *check) {
  (void)check;
  ((struct cluster *)ctx)->finished++;
}

static void sides_run_as_far_as_the_scope_goes(void **state) {
  (void)state;
  static const struct { enum check_scope scope; const char *ids; } rows[] = {
    {CHECK_SCOPE_FILES, "f:files b:files "}, {CHECK_SCOPE_LIVE, "l:live b:live "}, {CHECK_SCOPE_BOTH, "f:files l:live b:files,live "},
  };
  for (size_t i = 0; i < 3; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    job_begin(&c, "check('f', 'files', function() end) check('l', 'live', function() end) check('b', 'both', function() end)", NULL);
    c.job.scope = rows[i].scope;
    struct check_result result = run(arena, &c.job, NULL);
    char got[200] = "";
    TREE_EACH(check, result.checks) {
      snprintf(got + strlen(got), sizeof got - strlen(got), "%s:", tree_text(check, "id"));
      TREE_EACH(side, tree_get(check, "shares")) snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", side->key, side->next ? "," : " ");
    }
    assert_string_equal(got, rows[i].ids);
    arena_free(arena);
  }
}

static void two_sides_make_one_outcome(void **state) {
  (void)state;
  static const struct { const char *files, *live, *both; } rows[] = {
    {"pass", "pass", "pass"}, {"fail", "fail", "fail"}, {"pass", "fail", "partial"}, {"partial", "pass", "partial"}, {"pass", "pending", "pending"}, {"blocked", "pending", "blocked"},
    {"fail", "error", "error"}, {"unobserved", "pass", "unobserved"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    job_begin(&c, arena_printf(arena, "check('b', 'both', function(side) return won{outcome = side == 'files' and '%s' or '%s', gate = side == 'live'} end)", rows[i].files, rows[i].live), NULL);
    c.job.scope = CHECK_SCOPE_BOTH;
    struct check_result result = run(arena, &c.job, NULL);
    assert_string_equal(tree_text(result.checks->child, "outcome"), rows[i].both);
    assert_false(tree_flag(result.checks->child, "gate", true));
    arena_free(arena);
  }
}

static void a_finding_comes_out_with_its_place_and_nothing_else(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c,
    "check('a', 'files', function()\n"
    "  local object = host.files()[1]\n"
    "  local name = object.node:get('metadata'):get('name')\n"
    "  return won{outcome = 'fail', shares = {{2, false, 'always', 'name.wrong'}, {1, true}}, findings = {{key = 'name.wrong', level = 'fail', params = {a = 'b'},\n"
    "    object = {apiVersion = object.apiVersion, kind = object.kind, name = object.name}, path = 'metadata.name', pointer = '/metadata/name', at = name:place(), node = 'value',\n"
    "    want = {op = 'equals', type = 'text', value = 'b'}, got = {state = 'written', type = 'text', value = name:text(), text = name:raw()}, reads = {}, secret = 'no'}}}\n"
    "end)", NULL);
  struct check_result result = run(arena, &c.job, NULL);
  assert_string_equal(json(arena, result.checks),
    "[{\"because\":[],\"findings\":[{\"at\":{\"col\":9,\"doc\":1,\"end_col\":10,\"end_line\":4,\"file\":\"web.yaml\",\"line\":4,\"node\":\"value\"},"
    "\"got\":{\"state\":\"written\",\"text\":\"a\",\"type\":\"text\",\"value\":\"a\"},\"key\":\"name.wrong\",\"level\":\"fail\","
    "\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"a\"},\"params\":{\"a\":\"b\"},\"path\":\"metadata.name\",\"pointer\":\"/metadata/name\",\"reads\":[],"
    "\"side\":\"files\",\"want\":{\"op\":\"equals\",\"type\":\"text\",\"value\":\"b\"}}],\"gate\":true,\"id\":\"a\",\"outcome\":\"fail\","
    "\"shares\":{\"files\":[[2,false,\"always\",\"name.wrong\"],[1,true,null,null]]},\"waits\":[]}]");
  arena_free(arena);
}

static void reads_are_answered_and_equal_ones_asked_once(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct cluster cluster = {.body = "{\"items\":[{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}}]}", .status = 200};
  struct check_wish wish = {&cluster, answer, finished};
  job_begin(&c,
    "check('a', 'live', function()\n"
    "  for i = 1, 3 do\n"
    "    local reply = host.read{verb = 'list', kind = 'Pod'}\n"
    "    assert(reply.status == 200 and reply.at_ms == 77 and reply.read == 0 and #reply.items == 1)\n"
    "    assert(reply.body:get('items'):at(1):get('metadata'):get('name'):text() == 'p')\n"
    "    assert(reply.items[1]:place() == nil)\n"
    "  end\n"
    "end)\n", NULL);
  c.job.scope = CHECK_SCOPE_LIVE;
  struct check_result result = run(arena, &c.job, &wish);
  if (strcmp(tree_text(result.checks->child, "outcome"), "pass")) fail_msg("%s", json(arena, result.checks));
  assert_int_equal(cluster.reads, 1);
  assert_int_equal(cluster.finished, 1);
  assert_string_equal(cluster.last, "{\"kind\":\"Pod\",\"verb\":\"list\"}");
  arena_free(arena);
}

static void probes_are_asked_anew_and_their_text_is_given(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct cluster cluster = {.body = "\"Hostname: p\\n\"", .status = 503};
  struct check_wish wish = {&cluster, answer, NULL};
  job_begin(&c, "check('a', 'live', function() for i = 1, 3 do local r = host.read{verb = 'http', service = 's', port = 80, path = '/'} assert(r.status == 503 and r.text == 'Hostname: p\\n' and not r.body) end end)", NULL);
  c.job.scope = CHECK_SCOPE_LIVE;
  struct check_result result = run(arena, &c.job, &wish);
  if (strcmp(tree_text(result.checks->child, "outcome"), "pass")) fail_msg("%s", json(arena, result.checks));
  assert_int_equal(cluster.reads, 3);
  assert_string_equal(cluster.last, "{\"path\":\"/\",\"port\":80,\"service\":\"s\",\"verb\":\"http\"}");
  arena_free(arena);
}

static bool answer_late(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **meta, struct err *err) {
  nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
  return answer(ctx, arena, request, reply, meta, err);
}

static void a_cluster_that_holds_up_a_run_is_to_blame_for_its_time(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct cluster cluster = {.body = "\"\"", .status = 200};
  struct check_wish wish = {&cluster, answer_late, NULL};
  job_begin(&c, "check('a', 'live', function() for i = 1, 9 do host.read{verb = 'http', service = 's', port = 80, path = '/'} end end)", NULL);
  c.job.scope = CHECK_SCOPE_LIVE;
  c.job.wall_ms = 600;
  struct check_result result = run(arena, &c.job, &wish);
  const struct tree *error = tree_get(result.checks->child, "error");
  assert_string_equal(tree_text(error, "key"), "error.time");
  assert_string_equal(tree_text(error, "who"), "cluster");
  arena_free(arena);
}

static void a_dry_run_sends_the_object(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct cluster cluster = {.body = "{\"kind\":\"Status\",\"code\":422}", .status = 422};
  struct check_wish wish = {&cluster, answer, NULL};
  job_begin(&c, "check('a', 'both', function(side) if side == 'live' then local r = host.read{verb = 'dryrun', object = host.files()[1].node} assert(r.status == 422 and r.body:get('code'):int() == 422) end end)", NULL);
  c.job.scope = CHECK_SCOPE_BOTH;
  struct check_result result = run(arena, &c.job, &wish);
  if (strcmp(tree_text(result.checks->child, "outcome"), "pass")) fail_msg("%s", json(arena, result.checks));
  assert_string_equal(cluster.last, "{\"object\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}},\"verb\":\"dryrun\"}");
  arena_free(arena);
}

static void who_is_to_blame_for_a_read_that_fails(void **state) {
  (void)state;
  static const struct { enum err_code code; const char *key, *who, *outcome; } rows[] = {
    {ERR_UNAVAILABLE, "cluster.away", "cluster", "error"}, {ERR_TIMEOUT, "cluster.slow", "cluster", "error"}, {ERR_UPSTREAM, "cluster.answer", "cluster", "error"},
    {ERR_LIMIT, "check.reads", "limit", "error"}, {ERR_DENIED, "check.read-refused", "script", "error"}, {ERR_BUG, "bug", "platform", "error"},
    {ERR_NOT_FOUND, "evidence.unobserved", NULL, "unobserved"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    struct cluster cluster = {.fails = rows[i].code, .fail_key = rows[i].key};
    struct check_wish wish = {&cluster, answer, NULL};
    /* a script cannot swallow it, and the next check is not its business */
    job_begin(&c, "check('a', 'live', function() pcall(host.read, {verb = 'get', kind = 'Pod', name = 'x'}) return won() end) check('b', 'live', function() end)", NULL);
    c.job.scope = CHECK_SCOPE_LIVE;
    struct check_result result = run(arena, &c.job, &wish);
    const struct tree *check = result.checks->child;
    assert_string_equal(tree_text(check, "outcome"), rows[i].outcome);
    if (rows[i].who) assert_string_equal(tree_text(tree_get(check, "error"), "who"), rows[i].who);
    assert_string_equal(tree_text(tree_get(check, "error"), "key"), rows[i].key);
    assert_string_equal(tree_text(check->next, "outcome"), "pass");
    assert_null(result.error);
    arena_free(arena);
  }
}

static void without_a_cluster_a_read_is_unobserved(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c, "check('a', 'live', function() host.read{verb = 'list', kind = 'Pod'} end)", NULL);
  c.job.scope = CHECK_SCOPE_LIVE;
  struct check_result result = run(arena, &c.job, NULL);
  assert_string_equal(tree_text(result.checks->child, "outcome"), "unobserved");
  arena_free(arena);
}

/* What only explains must not turn a fail into an error, nor an old grade into one without evidence. */
static void who_only_explains_is_given_nothing_where_a_read_fails(void **state) {
  (void)state;
  static const struct { enum err_code code; const char *key; } rows[] = {{ERR_UNAVAILABLE, "cluster.away"}, {ERR_LIMIT, "check.reads"}, {ERR_NOT_FOUND, "evidence.unobserved"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    struct cluster cluster = {.fails = rows[i].code, .fail_key = rows[i].key};
    struct check_wish wish = {&cluster, answer, NULL};
    job_begin(&c, "check('a', 'live', function() assert(host.look{verb = 'list', kind = 'Event'} == nil) end)", NULL);
    c.job.scope = CHECK_SCOPE_LIVE;
    struct check_result result = run(arena, &c.job, &wish);
    if (strcmp(tree_text(result.checks->child, "outcome"), "pass")) fail_msg("%s", json(arena, result.checks));
    arena_free(arena);
  }
}

static void the_read_over_the_budget_is_refused(void **state) {
  (void)state;
  static const struct { const char *wish; int most; } rows[] = {{"{verb = 'get', kind = 'Pod', name = 'x' .. i}", 50}, {"{verb = 'http', service = 's', port = 80, path = '/'}", 60}};
  for (size_t i = 0; i < 2; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    struct cluster cluster = {.body = "null", .status = 404};
    struct check_wish wish = {&cluster, answer, NULL};
    job_begin(&c, arena_printf(arena, "check('a', 'live', function() for i = 1, 100 do host.read%s end end)", rows[i].wish), NULL);
    c.job.scope = CHECK_SCOPE_LIVE;
    struct check_result result = run(arena, &c.job, &wish);
    assert_string_equal(tree_text(tree_get(result.checks->child, "error"), "who"), "limit");
    assert_int_equal(cluster.reads, rows[i].most);
    arena_free(arena);
  }
}

static void what_is_held_goes_from_pass_to_pass(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c,
    "check('a', 'live', function()\n"
    "  local since = host.held('w/1')\n"
    "  if not since then host.hold('w/1', host.now) host.hold('w/2', 5) return won{outcome = 'pending', waits = {{id = 'w/1', kind = 'Service', name = 's', deadline_ms = host.now + 100, again_ms = 9}}} end\n"
    "  host.hold('w/2', nil)\n"
    "  return won{findings = {{key = 'held', params = {since = since, now = host.now, applied = host.applied, settled = host.settled, closing = host.closing}}}}\n"
    "end)", NULL);
  c.job.scope = CHECK_SCOPE_LIVE;
  struct check_result first = run(arena, &c.job, NULL);
  assert_string_equal(tree_text(first.checks->child, "outcome"), "pending");
  assert_string_equal(json(arena, tree_get(first.checks->child, "waits")), "[{\"again_ms\":9,\"deadline_ms\":1100,\"id\":\"w/1\",\"kind\":\"Service\",\"name\":\"s\"}]");
  assert_string_equal(json(arena, first.held), "{\"w/1\":1000,\"w/2\":5}");
  c.job.held = first.held;
  c.job.at_ms = 4000;
  c.job.applied_ms = 700;
  c.job.settled = true;
  struct check_result second = run(arena, &c.job, NULL);
  assert_string_equal(json(arena, tree_path(second.checks, "[0].findings[0].params")), "{\"applied\":700,\"closing\":false,\"now\":4000,\"settled\":true,\"since\":1000}");
  assert_string_equal(json(arena, second.held), "{\"w/1\":1000}");
  arena_free(arena);
}

static void set_up_objects_are_seen_with_parameters_and_without_places(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct tree *params = tree_new(arena, TREE_MAP);
  tree_put_int(arena, params, "n", 117);
  tree_put_text(arena, params, "namespace", "lab-1");
  job_begin(&c,
    "check('a', 'files', function()\n"
    "  local s = host.setup()[1]\n"
    "  assert(s.name == 'front-117' and s.setup and s.node:place() == nil and #host.files() == 1 and not host.files()[1].setup)\n"
    "  assert(p.n == 117 and p.namespace == 'lab-1' and not pcall(function() return p.nope end))\n"
    "  assert(host.parse('a: {b: !at-least \"${n}\"}'):get('a'):get('b'):int() == 117)\n"
    "  assert(host.parse('a: b'):get('a'):place() == nil)\n"
    "  assert(host.lab.wait == '30s' and #host.start() == 1 and host.start()[1]:get('kind'):text() == 'Pod')\n"
    "end)", NULL);
  static const char setup[] = "apiVersion: v1\nkind: Service\nmetadata: {name: \"front-${n}\"}\n";
  struct check_file file = {"s.yaml", setup, strlen(setup)};
  c.job.setup = &file;
  c.job.setup_count = 1;
  c.job.params = params;
  struct tree *lab = tree_new(arena, TREE_MAP), *start;
  tree_put_text(arena, lab, "wait", "30s");
  assert_true(tree_parse(arena, "{\"objects\":[{\"kind\":\"Pod\"}]}", 28, 0, &start, NULL));
  c.job.lab = lab;
  c.job.start = start;
  struct check_result result = run(arena, &c.job, NULL);
  if (strcmp(tree_text(result.checks->child, "outcome"), "pass")) fail_msg("%s", json(arena, result.checks));
  arena_free(arena);
}

static void a_refused_file_runs_no_check(void **state) {
  (void)state;
  static const struct { const char *sentence, *yaml, *key; } rows[] = {
    {"a tab", "\tkind: Pod\n", "yaml.tab"}, {"another's namespace", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: kube-system}\n", "object.namespace"},
  };
  for (size_t i = 0; i < 2; i++) {
    struct arena *arena = arena_new(0);
    struct job_case c;
    struct tree *params = tree_new(arena, TREE_MAP);
    tree_put_text(arena, params, "namespace", "lab-1");
    job_begin(&c, "check('a', 'files', function() end)", rows[i].yaml);
    c.job.params = params;
    struct check_result result = run(arena, &c.job, NULL);
    assert_true(result.refused);
    assert_int_equal(result.checks->count, 0);
    assert_null(result.error);
    assert_string_equal(tree_text(result.reading->child, "key"), rows[i].key);
    arena_free(arena);
  }
}

static void nothing_handed_in_is_said_and_checked_all_the_same(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c, "check('a', 'files', function() return won{outcome = 'fail'} end)", "# nothing\n");
  struct check_result result = run(arena, &c.job, NULL);
  assert_string_equal(tree_text(result.reading->child, "key"), "files.empty");
  assert_string_equal(tree_text(result.checks->child, "outcome"), "fail");
  arena_free(arena);
}

static void a_set_up_that_cannot_be_read_is_our_fault(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c, "check('a', 'files', function() end)", NULL);
  struct check_file file = {"s.yaml", "\tx: y\n", 6};
  c.job.setup = &file;
  c.job.setup_count = 1;
  struct check_result result = run(arena, &c.job, NULL);
  assert_false(result.refused);
  assert_string_equal(tree_text(result.error, "who"), "platform");
  arena_free(arena);
}

static void a_script_is_listed_with_what_it_declares(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  struct err err = {0};
  struct tree *list;
  job_begin(&c, "check('a', 'files', function() end) check('b', 'live', function() end, {'a'}) local x = 'p-' .. p.any", NULL);
  if (!check_list(pool, arena, &c.library, 1, &c.script, &list, &err)) fail_msg("%s %s", err.key, err.detail);
  assert_string_equal(json(arena, list), "[{\"id\":\"a\",\"needs\":[],\"on\":\"files\",\"points\":2,\"show\":\"full\",\"step\":\"mend\",\"visible\":\"always\"},"
                                         "{\"id\":\"b\",\"needs\":[\"a\"],\"on\":\"live\",\"points\":2,\"show\":\"full\",\"step\":\"mend\",\"visible\":\"always\"}]");
  arena_free(arena);
}

static void the_library_raises_errors_of_its_own(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct job_case c;
  job_begin(&c, "check('a', 'files', function() error{who = 'cluster', key = 'error.nodes-full', detail = 'x'} end)", NULL);
  struct check_result result = run(arena, &c.job, NULL);
  assert_string_equal(json(arena, tree_get(result.checks->child, "error")), "{\"detail\":\"x\",\"key\":\"error.nodes-full\",\"who\":\"cluster\"}");
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sides_run_as_far_as_the_scope_goes), cmocka_unit_test(two_sides_make_one_outcome), cmocka_unit_test(a_finding_comes_out_with_its_place_and_nothing_else),
    cmocka_unit_test(reads_are_answered_and_equal_ones_asked_once), cmocka_unit_test(probes_are_asked_anew_and_their_text_is_given), cmocka_unit_test(a_cluster_that_holds_up_a_run_is_to_blame_for_its_time),
    cmocka_unit_test(a_dry_run_sends_the_object),
    cmocka_unit_test(who_is_to_blame_for_a_read_that_fails), cmocka_unit_test(without_a_cluster_a_read_is_unobserved), cmocka_unit_test(the_read_over_the_budget_is_refused), cmocka_unit_test(who_only_explains_is_given_nothing_where_a_read_fails),
    cmocka_unit_test(what_is_held_goes_from_pass_to_pass), cmocka_unit_test(set_up_objects_are_seen_with_parameters_and_without_places),
    cmocka_unit_test(a_refused_file_runs_no_check), cmocka_unit_test(nothing_handed_in_is_said_and_checked_all_the_same), cmocka_unit_test(a_set_up_that_cannot_be_read_is_our_fault),
    cmocka_unit_test(a_script_is_listed_with_what_it_declares), cmocka_unit_test(the_library_raises_errors_of_its_own),
  };
  return cmocka_run_group_tests(tests, open_pool, close_pool);
}
