/* The check library on its own cases: lua-checks/cases/<topic>/<word>.yaml, each run in a real worker with canned answers of a cluster. One test for
 * each file; the form of a case is told in lua-checks/README.md. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"

#define CASES TEST_SOURCE_DIR "/lua-checks/cases"
#define LIBRARY TEST_SOURCE_DIR "/lua-checks/lib"
#define FILES_MAX 64
#define TEXT_CAP (1024u * 1024u)

static struct check_pool *pool;
static struct arena *shared;                    /* library, words, names: as long as the program */
static struct check_source *library;
static size_t library_count;
static struct tree *words, *seen;               /* the library's messages; keys that some case met */
static struct tree *server_words;               /* those it shares with Apply */

static const char *read_text(struct arena *arena, const char *path, size_t *out_length) {
  struct err err = {0};
  char *text;
  if (!file_read(arena, path, TEXT_CAP, &text, out_length, &err)) fail_msg("%s: %s", path, err.key);
  return text;
}

/* YAML text as a list of documents. */
static struct tree *read_yaml(struct arena *arena, const char *name, const char *text, const struct tree *params) {
  struct check_file file = {name, text, strlen(text)};
  struct check_read_job job = {.files = &file, .file_count = 1, .params = params};
  struct tree *docs = NULL, *reading = NULL, *out = tree_new(arena, TREE_LIST);
  bool refused = false;
  struct err err = {0};
  if (!check_read(pool, arena, &job, &docs, &reading, &refused, &err)) fail_msg("%s: %s %s", name, err.key, err.detail);
  if (refused) {
    const struct tree *why = tree_at_index(reading, 0);
    fail_msg("%s: %s in line %d", name, tree_text_or(why, "key", "?"), (int)tree_int(tree_get(why, "at"), "line", 0));
  }
  TREE_EACH(doc, docs) if (tree_get(doc, "value")) tree_push(out, tree_copy(arena, tree_get(doc, "value")));
  return out;
}

static int open_all(void **state) {
  (void)state;
  struct err err = {0};
  secret_init();
  pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err);
  if (!pool) return -1;
  char **names;
  size_t length;
  if (!file_list(shared, LIBRARY, false, true, &names, &library_count, &err)) return -1;
  library = arena_alloc(shared, (library_count + 1) * sizeof *library);
  for (size_t i = 0; i < library_count; i++) {
    library[i].name = names[i];
    library[i].text = read_text(shared, arena_printf(shared, "%s/%s", LIBRARY, names[i]), &library[i].length);
    secret_sha256_hex(library[i].text, library[i].length, library[i].sha256);
  }
  words = tree_at_index(read_yaml(shared, "words.yaml", read_text(shared, TEST_SOURCE_DIR "/lua-checks/words.yaml", &length), NULL), 0);
  seen = tree_new(shared, TREE_MAP);
  const char *text = read_text(shared, TEST_SOURCE_DIR "/web/words/grading.json", &length);
  if (!tree_parse(shared, text, length, 0, &server_words, &err)) return -1;
  return words ? 0 : -1;
}

static int close_all(void **state) {
  (void)state;
  check_pool_close(pool);
  return 0;
}

/* --- the cluster of a case --------------------------------------------------------------------------------------------------- */

struct canned {
  const struct tree *objects;                   /* list */
  const struct tree *http, *logs, *dry_run;     /* maps, or NULL */
  bool there;                                   /* a cluster at all */
  int reads, asked;
};

static bool answer(struct tree **out_meta, struct arena *arena, struct canned *canned, int64_t status) {
  struct tree *meta = tree_new(arena, TREE_MAP);
  tree_put_int(arena, meta, "status", status);
  tree_put_int(arena, meta, "at_ms", 1);
  tree_put_int(arena, meta, "n", canned->reads++);
  *out_meta = meta;
  return true;
}

static bool canned_read(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err) {
  struct canned *canned = ctx;
  const char *verb = tree_text_or(request, "verb", "");
  if (!canned->there) return err_set(err, ERR_DENIED, "unobserved", "no cluster in this case");
  if (!strcmp(verb, "list")) {
    struct tree *list = tree_new(arena, TREE_MAP), *items = tree_new(arena, TREE_LIST);
    TREE_EACH(object, canned->objects)
      if (!strcmp(tree_text_or(object, "kind", ""), tree_text_or(request, "kind", "?"))) tree_push(items, tree_copy(arena, object));
    tree_put(arena, list, "items", items);
    tree_write_plain(reply, list);
    return answer(out_meta, arena, canned, 200);
  }
  if (!strcmp(verb, "http")) {
    const struct tree *port = tree_get(request, "port");
    const char *path = tree_text_or(request, "path", "/");
    const char *host = tree_text(request, "host"), *tls = !strcmp(tree_text_or(request, "scheme", ""), "https") ? "https://" : "", *rest = !strcmp(path, "/") ? "" : path;
    const char *key = host ? arena_printf(arena, "%s%s%s", tls, host, rest) : arena_printf(arena, "%s:%s%s", tree_text_or(request, "service", ""), port && port->text ? port->text : "", rest);
    const struct tree *answers = tree_get(canned->http, key);
    if (!answers || !answers->count) return err_set(err, ERR_BUG, "case.http", "the case has no answer for %s", key);
    const struct tree *one = tree_at_index(answers, (size_t)canned->asked++ % answers->count);
    buf_json(reply, tree_text_or(one, "text", ""));
    return answer(out_meta, arena, canned, tree_int(one, "status", 200));
  }
  if (!strcmp(verb, "log")) {                    /* {pod/container: text}; what is not there has not started */
    const char *key = arena_printf(arena, "%s/%s", tree_text_or(request, "name", ""), tree_text_or(request, "container", "")), *text = tree_text(canned->logs, key);
    buf_json(reply, text ? text : "");
    return answer(out_meta, arena, canned, text ? 200 : 400);
  }
  if (!strcmp(verb, "dryrun")) {
    const struct tree *object = tree_get(request, "object");
    const char *key = arena_printf(arena, "%s/%s", tree_text_or(object, "kind", ""), tree_text_or(tree_get(object, "metadata"), "name", ""));
    const struct tree *one = tree_get(canned->dry_run, key), *body = tree_get(one, "body");
    if (body) tree_write_plain(reply, body);
    else buf_str(reply, "{}");
    return answer(out_meta, arena, canned, tree_int(one, "status", 200));
  }
  return err_set(err, ERR_BUG, "case.verb", "the case cannot answer %s", verb);
}

/* --- what came out ------------------------------------------------------------------------------------------------------------- */

static const char *finding_text(struct arena *arena, const struct tree *finding) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  const struct tree *at = tree_get(finding, "at");
  const char *level = tree_text_or(finding, "level", "fail"), *path = tree_text_or(finding, "path", "");
  buf_init_arena(text, arena, TEXT_CAP);
  buf_str(text, tree_text_or(finding, "key", "?"));
  if (strcmp(level, "fail")) buf_printf(text, " %s", level);
  if (*path) buf_printf(text, " @%s", path);
  if (at && at->type == TREE_MAP)
    buf_printf(text, " %s:%d:%d %s", tree_text_or(at, "file", "?"), (int)tree_int(at, "line", 0), (int)tree_int(at, "col", 0), tree_text_or(at, "node", tree_text_or(finding, "node", "?")));
  if (tree_int(finding, "false_ms", 0)) buf_printf(text, " false=%d", (int)tree_int(finding, "false_ms", 0));
  TREE_EACH(event, tree_get(finding, "events")) buf_printf(text, "%s%s", event == tree_get(finding, "events")->child ? " events=" : ",", tree_text_or(event, "reason", "?"));
  return text->data;
}

/* A case says as much of a finding as it cares for, from its beginning. */
static bool begins(const char *got, const char *wanted) {
  size_t n = strlen(wanted);
  return !strncmp(got, wanted, n) && (!got[n] || got[n] == ' ');
}

static void compare_findings(struct arena *arena, const char *id, const struct tree *wanted, const struct tree *got, struct buf *problems) {
  bool same = (wanted ? wanted->count : 0) == (got ? got->count : 0);
  const struct tree *want = wanted ? wanted->child : NULL;
  TREE_EACH(finding, got) {
    if (!want || !begins(finding_text(arena, finding), want->text)) same = false;
    want = want ? want->next : NULL;
  }
  if (same) return;
  buf_printf(problems, "  %s: findings\n", id);
  TREE_EACH(finding, got) buf_printf(problems, "    got    %s\n", finding_text(arena, finding));
  TREE_EACH(line, wanted) buf_printf(problems, "    wanted %s\n", line->text);
}

static void compare_shares(const char *id, const struct tree *wanted, const struct tree *shares, struct buf *problems) {
  static const char *const sides[] = {"files", "live"};
  const struct tree *want = wanted->child;
  bool same = true;
  for (int i = 0; i < 2; i++)
    TREE_EACH(share, tree_get(shares, sides[i])) {
      const struct tree *won = tree_at_index(share, 1);
      if (!want || !won || want->flag != won->flag) same = false;
      want = want ? want->next : NULL;
    }
  if (same && !want) return;
  buf_printf(problems, "  %s: shares are ", id);
  tree_write(problems, shares);
  buf_char(problems, '\n');
}

/* Rules for every finding, whatever the case expects: its key has words, and one from a file says where. */
static void check_finding(struct arena *arena, const char *id, const struct tree *finding, struct buf *problems) {
  const char *key = tree_text_or(finding, "key", "?"), *from = tree_text_or(finding, "from", "");
  bool own = !strncmp(key, id, strlen(id)) && key[strlen(id)] == '.';
  if (!own && !tree_get(words, key) && !tree_get(server_words, key)) buf_printf(problems, "  %s: %s has no words\n", id, key);
  if (!own && !tree_get(seen, key)) tree_put_bool(shared, seen, key, true);
  bool nowhere = !strcmp(key, "object.missing") || !strcmp(key, "object.none") || !strcmp(key, "files.empty") || !strcmp(key, "none.holds") || own || !strcmp(from, "setup");
  if (!strcmp(tree_text_or(finding, "side", ""), "files") && !nowhere && !tree_get(finding, "at")) buf_printf(problems, "  %s: %s says no place\n", id, finding_text(arena, finding));
}

static void compare(struct arena *arena, const struct tree *expect, const struct check_result *result, struct buf *problems) {
  TREE_EACH(want, expect) {
    const struct tree *check = NULL;
    TREE_EACH(one, result->checks) if (!strcmp(tree_text_or(one, "id", ""), want->key)) check = one;
    if (!check) {
      buf_printf(problems, "  no check %s\n", want->key);
      continue;
    }
    if (tree_get(want, "any")) {               /* it ran: the findings are not the matter, an error is */
      if (tree_get(check, "error")) tree_write(problems, tree_get(check, "error"));
      continue;
    }
    const char *outcome = tree_text_or(check, "outcome", "?"), *wanted = want->type == TREE_STRING ? want->text : tree_text_or(want, "outcome", "?");
    if (strcmp(outcome, wanted)) {
      buf_printf(problems, "  %s ended %s, wanted %s ", want->key, outcome, wanted);
      if (tree_get(check, "error")) tree_write(problems, tree_get(check, "error"));
      buf_char(problems, '\n');
    }
    compare_findings(arena, want->key, tree_get(want, "findings"), tree_get(check, "findings"), problems);
    TREE_EACH(finding, tree_get(check, "findings")) check_finding(arena, want->key, finding, problems);
    if (tree_get(want, "shares")) compare_shares(want->key, tree_get(want, "shares"), tree_get(check, "shares"), problems);
    const char *error = tree_text(want, "error");
    if (error) {
      struct buf text;
      buf_init(&text, TEXT_CAP);
      tree_write(&text, tree_get(check, "error") ? tree_get(check, "error") : want);
      if (!strstr(text.data, error)) buf_printf(problems, "  %s: error is %s, wanted %s\n", want->key, text.data, error);
      buf_release(&text);
    }
  }
}

/* --- one case ------------------------------------------------------------------------------------------------------------------- */

/* Of the case, else of the file. */
static const struct tree *of(const struct tree *base, const struct tree *one, const char *name) {
  const struct tree *own = tree_get(one, name);
  return own ? own : tree_get(base, name);
}

static size_t files_of(struct arena *arena, const struct tree *map, struct check_file **out) {
  *out = arena_alloc(arena, ((map ? map->count : 0) + 1) * sizeof **out);
  size_t count = 0;
  if (map) TREE_EACH(file, map) (*out)[count++] = (struct check_file){file->key, file->text, file->length};
  return count;
}

static void run_case(struct arena *arena, const struct tree *base, const struct tree *one, struct buf *problems) {
  const struct tree *script = of(base, one, "checks"), *cluster = of(base, one, "cluster"), *begun = of(base, one, "start"), *scope = of(base, one, "scope");
  const struct tree *given = of(base, one, "params"), *clock[] = {of(base, one, "now"), of(base, one, "applied")};
  struct tree *params = given ? tree_copy(arena, given) : tree_new(arena, TREE_MAP);
  if (!tree_get(params, "namespace")) tree_put_text(arena, params, "namespace", "lab-case");
  struct canned canned = {.http = of(base, one, "http"), .logs = of(base, one, "logs"), .dry_run = of(base, one, "dryrun")};
  canned.there = cluster || canned.dry_run || canned.http;
  canned.objects = cluster ? read_yaml(arena, "cluster", cluster->text, params) : NULL;
  struct tree *start = NULL;
  if (begun && begun->type == TREE_STRING) {
    start = tree_new(arena, TREE_MAP);
    if (!strcmp(begun->text, "never")) tree_put_bool(arena, start, "never", true);
    else tree_put(arena, start, "objects", read_yaml(arena, "start", begun->text, params));
  }
  int64_t now = 100000, applied = 0;
  if (clock[0]) tree_is_int(clock[0], &now);
  if (clock[1]) tree_is_int(clock[1], &applied);
  struct check_source source = {.name = "checks.lua", .text = script->text, .length = script->length};
  secret_sha256_hex(source.text, source.length, source.sha256);
  struct check_file *files, *setup;
  struct check_job job = {.library = library, .library_count = library_count, .script = &source, .params = params, .start = start, .held = of(base, one, "held"), .at_ms = now, .applied_ms = applied};
  job.file_count = files_of(arena, of(base, one, "files"), &files);
  job.setup_count = files_of(arena, of(base, one, "setup"), &setup);
  job.files = files;
  job.setup = setup;
  job.settled = of(base, one, "settled") && of(base, one, "settled")->flag;
  job.closing = of(base, one, "closing") && of(base, one, "closing")->flag;
  job.scope = !scope || !strcmp(scope->text, "both") ? CHECK_SCOPE_BOTH : !strcmp(scope->text, "files") ? CHECK_SCOPE_FILES : CHECK_SCOPE_LIVE;
  struct check_wish wish = {.ctx = &canned, .read = canned_read};
  struct check_result result = {0};
  struct err err = {0};
  if (!check_run(pool, arena, &job, &wish, &result, &err)) buf_printf(problems, "  %s %s\n", err.key, err.detail);
  else if (result.refused) buf_printf(problems, "  the files were refused: %s\n", tree_text_or(tree_at_index(result.reading, 0), "key", "?"));
  else compare(arena, tree_get(one, "expect"), &result, problems);
}

static void run_file(void **state) {
  const char *path = *state;
  struct arena *arena = arena_new(0);
  size_t length;
  struct buf problems;
  buf_init(&problems, TEXT_CAP);
  const struct tree *base = tree_at_index(read_yaml(arena, path, read_text(arena, path, &length), NULL), 0);
  assert_non_null(base);
  int count = 0;
  TREE_EACH(one, tree_get(base, "cases")) {
    struct buf own;
    buf_init(&own, TEXT_CAP);
    run_case(arena, base, one, &own);
    if (own.len) buf_printf(&problems, "%s\n%s", tree_text_or(one, "name", "?"), own.data);
    buf_release(&own);
    count++;
  }
  assert_true(count > 0);
  if (problems.len) {
    print_error("%s\n", problems.data);
    fail_msg("%s", path);
  }
  buf_release(&problems);
  arena_free(arena);
}

/* --- the examples ------------------------------------------------------------------------------------------------------------------ */

/* The examples in the comment at the top of a library file: lines "--   code   what it does". A line without a call is a path. */
static int gather(struct arena *arena, const struct check_source *file, struct buf *out) {
  int count = 0;
  for (const char *line = file->text; !strncmp(line, "--", 2); line = strchr(line, '\n') + 1) {
    if (strncmp(line, "--   ", 5)) continue;
    const char *code = line + 5, *end = strchr(code, '\n'), *gap = strstr(code, "   ");
    if (gap && gap < end) end = gap;
    const char *text = arena_printf(arena, "%.*s", (int)(end - code), code);
    bool whole = !strncmp(text, "local ", 6) || !strncmp(text, "for ", 4) || !strncmp(text, "t:share", 7) || !strncmp(text, "t:must", 6);
    if (!strpbrk(text, "({")) buf_printf(out, "  t:share(deploy:get([=[%s]=]):exists())\n", text);
    else buf_printf(out, whole ? "  %s\n" : "  local _ = %s\n", text);
    count++;
  }
  return count;
}

static void every_example_in_a_comment_runs(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  size_t length;
  const char *path = TEST_SOURCE_DIR "/lua-checks/examples.yaml";
  const struct tree *base = tree_at_index(read_yaml(arena, path, read_text(arena, path, &length), NULL), 0);
  int count = 0;
  for (size_t i = 0; i < library_count; i++) {
    struct buf script, lines, problems;
    buf_init(&script, TEXT_CAP);
    buf_init(&problems, TEXT_CAP);
    buf_init(&lines, TEXT_CAP);
    int found = gather(arena, &library[i], &lines);
    buf_printf(&script, "check \"examples\" { step = \"s\", points = 1, on = %s, run = function(t)\n%s%s", found && strstr(lines.data, "t:strict") ? "\"files\", strict = true" : "\"live\"",
               tree_text_or(base, "prelude", ""), found ? lines.data : "");
    buf_release(&lines);
    buf_str(&script, "  t:share(fact(false, \"examples.end\", { at = deploy }))\nend }\n");
    struct tree *one = tree_new(arena, TREE_MAP), *expect = tree_new(arena, TREE_MAP), *want = tree_new(arena, TREE_MAP);
    tree_put_text(arena, one, "checks", script.data);
    tree_put_text(arena, want, "any", "outcome");
    tree_put(arena, expect, "examples", want);
    tree_put(arena, one, "expect", expect);
    if (found) run_case(arena, base, one, &problems);
    if (problems.len) fail_msg("%s: %s%s", library[i].name, problems.data, script.data);
    count += found;
    buf_release(&script);
    buf_release(&problems);
  }
  assert_true(count >= 50);
  arena_free(arena);
}

/* --- the messages ------------------------------------------------------------------------------------------------------------------ */

static bool same_placeholders(const char *a, const char *b) {
  for (int turn = 0; turn < 2; turn++) {
    const char *from = turn ? b : a, *in = turn ? a : b;
    for (const char *at = from; (at = strchr(at, '{')); at++) {
      char name[64];
      snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "}") + 1, at);
      if (!strstr(in, name)) return false;
    }
  }
  return true;
}

static const char *form(const struct tree *word, const char *lang) {
  const struct tree *text = tree_get(word, lang);
  return text && text->type == TREE_MAP ? tree_text(text, "other") : tree_text(word, lang);
}

static void every_message_stands_in_both_languages_with_the_same_placeholders(void **state) {
  (void)state;
  TREE_EACH(word, words) {
    const char *en = form(word, "en"), *ms = form(word, "ms");
    if (!en || !ms || !*en || !*ms) fail_msg("%s lacks a language", word->key);
    if (!same_placeholders(en, ms)) fail_msg("%s: the placeholders differ", word->key);
  }
}

static void every_message_is_met_by_a_case(void **state) {
  (void)state;
  int missing = 0;
  TREE_EACH(word, words) {
    const char *tail = strrchr(word->key, '.');
    bool part = !strncmp(word->key, "want.", 5) || !strncmp(word->key, "got.", 4) || !strncmp(word->key, "error.", 6) || !strcmp(tail, ".why");
    if (part || tree_get(seen, word->key)) continue;
    print_error("no case meets %s\n", word->key);
    missing++;
  }
  assert_int_equal(missing, 0);
}

int main(void) {
  shared = arena_new(0);
  struct CMUnitTest tests[FILES_MAX];
  size_t count = 0, topics;
  char **topic;
  struct err err = {0};
  if (!file_list(shared, CASES, true, false, &topic, &topics, &err)) return 1;
  for (size_t i = 0; i < topics; i++) {
    char **names, *folder = arena_printf(shared, "%s/%s", CASES, topic[i]);
    size_t files;
    if (!file_list(shared, folder, false, true, &names, &files, &err)) return 1;
    for (size_t k = 0; k < files && count < FILES_MAX - 3; k++)
      tests[count++] = (struct CMUnitTest){arena_printf(shared, "%s/%s", topic[i], names[k]), run_file, NULL, NULL, arena_printf(shared, "%s/%s", folder, names[k])};
  }
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_message_stands_in_both_languages_with_the_same_placeholders);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_example_in_a_comment_runs);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_message_is_met_by_a_case);
  int failed = _cmocka_run_group_tests("library", tests, count, open_all, close_all);
  arena_free(shared);
  return failed;
}
