/* report_sarif: SARIF 2.1.0: each finding a result with file, line and column (in code points, as our reader counts); rules with both languages. Results are
 * written as they come; rules and the run's fate behind them, when they are known. */
#include "app/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"

struct own { struct arena *arena; struct tree *rules, *notices; size_t results; bool failed; };

static void put_message(struct arena *arena, struct tree *map, const char *key, const char *text) {
  struct tree *message = tree_new(arena, TREE_MAP);
  tree_put_text(arena, message, "text", text && *text ? text : "-");
  tree_put(arena, map, key, message);
}

static const char *level_of(const char *level) {
  return !strcmp(level, "fail") || !strcmp(level, "refuse") ? "error" : !strcmp(level, "warn") ? "warning" : "note";
}

/* A message with its {names} as they stand: in SARIF braces are placeholders unless they are doubled. */
static char *doubled(struct arena *arena, const char *text) {
  char *out = arena_alloc(arena, 2 * strlen(text) + 1), *at = out;
  for (; *text; text++) {
    *at++ = *text;
    if (*text == '{' || *text == '}') *at++ = *text;
  }
  return out;
}

static void add_rule(const struct report *report, struct own *own, const char *key) {
  TREE_EACH(rule, own->rules) if (!strcmp(tree_text_or(rule, "id", ""), key)) return;
  struct arena *arena = own->arena;
  struct tree *rule = tree_new(arena, TREE_MAP), *strings = tree_new(arena, TREE_MAP);
  tree_put_text(arena, rule, "id", key);
  for (int lang = 0; lang < LANG_COUNT; lang++)
    if (words_has(report->words, (enum lang)lang, key))
      put_message(arena, strings, lang_code((enum lang)lang), doubled(arena, words_text(arena, report->words, (enum lang)lang, key, NULL, NULL)));
  tree_put(arena, rule, "messageStrings", strings);
  tree_push(own->rules, rule);
}

static struct tree *location(struct arena *arena, const struct report_row *row, const struct tree *finding) {
  const struct tree *at = tree_get(finding, "at"), *object = tree_get(finding, "object");
  const char *file = tree_text(at, "file"), *kind = tree_text(object, "kind");
  struct tree *out = tree_new(arena, TREE_MAP);
  if (file || !kind || strcmp(tree_text_or(finding, "side", "files"), "live")) {
    struct tree *physical = tree_new(arena, TREE_MAP), *artifact = tree_new(arena, TREE_MAP);
    tree_put_text(arena, artifact, "uri", report_uri(arena, row, file));
    tree_put(arena, physical, "artifactLocation", artifact);
    if (file && tree_int(at, "line", 0) > 0) {
      static const struct { const char *ours, *theirs; } parts[] = {{"line", "startLine"}, {"col", "startColumn"}, {"end_line", "endLine"}, {"end_col", "endColumn"}};
      struct tree *region = tree_new(arena, TREE_MAP);
      for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) if (tree_int(at, parts[i].ours, 0) > 0) tree_put_int(arena, region, parts[i].theirs, tree_int(at, parts[i].ours, 0));
      tree_put(arena, physical, "region", region);
    }
    tree_put(arena, out, "physicalLocation", physical);
  }
  if (kind) {
    struct tree *list = tree_new(arena, TREE_LIST), *logical = tree_new(arena, TREE_MAP);
    const char *path = tree_text_or(finding, "path", "");
    tree_put_text(arena, logical, "name", tree_text_or(object, "name", "?"));
    tree_put_text(arena, logical, "fullyQualifiedName", arena_printf(arena, "%s/%s%s%s", kind, tree_text_or(object, "name", "?"), *path ? "/" : "", path));
    tree_put_text(arena, logical, "kind", "object");
    tree_push(list, logical);
    tree_put(arena, out, "logicalLocations", list);
  }
  return out;
}

static void write(struct report *report, const struct tree *tree, bool first) {
  struct buf text;
  buf_init(&text, REPORT_ROW_MAX);
  tree_write_plain(&text, tree);
  fprintf(report->to, "%s\n%s", first ? "" : ",", text.data);
  buf_release(&text);
}

static void result(struct report *report, struct arena *arena, const struct report_row *row, const struct tree *finding, const char *check) {
  struct own *own = report->own;
  const char *key = tree_text_or(finding, "key", "error.unnamed"), *want = tree_text(finding, "want_text"), *got = tree_text(finding, "got_text");
  const char *text = tree_text_or(finding, "text", "");
  if (want) text = arena_printf(arena, "%s %s", text, report_say(arena, report, "grade.want", "want", want, NULL));
  if (got) text = arena_printf(arena, "%s%s %s", text, want ? "," : "", report_say(arena, report, "grade.got", "got", got, NULL));
  struct tree *out = tree_new(arena, TREE_MAP), *locations = tree_new(arena, TREE_LIST), *properties = tree_new(arena, TREE_MAP);
  add_rule(report, own, key);
  tree_put_text(arena, out, "ruleId", key);
  tree_put_text(arena, out, "level", level_of(tree_text_or(finding, "level", "fail")));
  put_message(arena, out, "message", text);
  tree_push(locations, location(arena, row, finding));
  tree_put(arena, out, "locations", locations);
  tree_put_text(arena, properties, "name", row->name);
  tree_put_text(arena, properties, "path", row->path);
  if (check) tree_put_text(arena, properties, "check", check);
  tree_put(arena, out, "properties", properties);
  write(report, out, own->results++ == 0);
}

/* What went wrong on our side is no result but a notice about the run. */
static void notice(struct own *own, const char *path, const char *message) {
  struct tree *out = tree_new(own->arena, TREE_MAP);
  tree_put_text(own->arena, out, "level", "error");
  put_message(own->arena, out, "message", path && !strstr(message, path) ? arena_printf(own->arena, "%s: %s", path, message) : message);
  tree_push(own->notices, out);
  own->failed = true;
}

static void begin(struct report *report, struct arena *arena) {
  struct own *own = arena_alloc(arena, sizeof *own);
  *own = (struct own){.arena = arena, .rules = tree_new(arena, TREE_LIST), .notices = tree_new(arena, TREE_LIST)};
  report->own = own;
  fputs("{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{\"columnKind\":\"unicodeCodePoints\",\"results\":[",
        report->to);
}

static void row(struct report *report, struct arena *arena, const struct report_row *row) {
  if (!row->points) notice(report->own, row->path, row->message);
  TREE_EACH(finding, row->reading) result(report, arena, row, finding, NULL);
  bool refused = row->state && !strcmp(row->state, "refused");       /* its checks say nothing that the reading has not said */
  TREE_EACH(check, refused ? NULL : row->checks) TREE_EACH(finding, tree_get(check, "findings")) result(report, arena, row, finding, tree_text_or(check, "id", ""));
}

static void end(struct report *report, struct arena *arena) {
  struct own *own = report->own;
  struct tree *invocation = tree_new(arena, TREE_MAP), *driver = tree_new(arena, TREE_MAP), *tool = tree_new(arena, TREE_MAP), *list = tree_new(arena, TREE_LIST);
  struct buf text;
  if (report->stopped) notice(own, NULL, arena_printf(arena, "stopped after %zu of %zu", report->done, report->count));
  tree_put_bool(arena, invocation, "executionSuccessful", !own->failed);
  tree_put(arena, invocation, "toolExecutionNotifications", own->notices);
  tree_push(list, invocation);
  tree_put_text(arena, driver, "name", "makmal");
  tree_put_text(arena, driver, "version", MAKMAL_VERSION);
  tree_put(arena, driver, "rules", own->rules);
  tree_put(arena, tool, "driver", driver);
  buf_init(&text, 4u * REPORT_ROW_MAX);
  buf_str(&text, "],\n\"invocations\":");
  tree_write_plain(&text, list);
  buf_str(&text, ",\n\"tool\":");
  tree_write_plain(&text, tool);
  buf_str(&text, "}]}\n");
  fputs(text.data, report->to);
  buf_release(&text);
}

const struct report_format report_sarif = {.name = "sarif", .begin = begin, .row = row, .end = end};
