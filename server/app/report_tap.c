/* report_tap: TAP version 14: a test point for each submission, its checks as a subtest before it, findings as YAML (written as JSON, which is YAML). */
#include "app/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"

/* A description: one line, with what TAP gives a meaning escaped. */
static void describe(struct buf *out, const char *text) {
  struct buf clean;
  buf_init(&clean, REPORT_ROW_MAX);
  report_clean(&clean, text);
  for (const char *at = clean.data ? clean.data : ""; *at; at++) {
    if (*at == '#' || *at == '\\') buf_char(out, '\\');
    buf_char(out, *at == '\n' ? ' ' : *at);
  }
  buf_release(&clean);
}

static void pair(struct buf *out, const char *indent, const char *key, const char *value) {
  if (!value) return;
  buf_printf(out, "%s%s: ", indent, key);
  buf_json(out, value);
  buf_char(out, '\n');
}

static void findings(struct arena *arena, struct buf *out, const char *indent, const struct report_row *row, const struct tree *list) {
  if (!list || !list->count) return;
  buf_printf(out, "%sfindings:\n", indent);
  TREE_EACH(finding, list) {
    const char *place = report_place(arena, row, finding), *deeper = arena_printf(arena, "%s    ", indent);
    buf_printf(out, "%s  - key: ", indent);
    buf_json(out, tree_text_or(finding, "key", ""));
    buf_char(out, '\n');
    if (*place) pair(out, deeper, "at", place);
    pair(out, deeper, "message", tree_text_or(finding, "text", ""));
    pair(out, deeper, "wanted", tree_text(finding, "want_text"));
    pair(out, deeper, "found", tree_text(finding, "got_text"));
  }
}

static void check_point(struct arena *arena, struct buf *out, const struct report *report, const struct report_row *row, const struct tree *check, int number) {
  enum report_kind kind = report_kind(check);
  buf_printf(out, "    %s %d - ", kind == REPORT_FAIL || kind == REPORT_ERROR ? "not ok" : "ok", number);
  describe(out, tree_text_or(check, "title", tree_text_or(check, "id", "")));
  if (kind == REPORT_SKIP) {
    buf_str(out, " # SKIP ");
    describe(out, report_summary(arena, report, check));
  }
  buf_char(out, '\n');
  if (kind != REPORT_FAIL && kind != REPORT_ERROR) return;
  buf_str(out, "      ---\n");
  pair(out, "      ", "message", report_summary(arena, report, check));
  pair(out, "      ", "severity", kind == REPORT_ERROR ? "error" : "fail");
  pair(out, "      ", "outcome", tree_text_or(check, "outcome", "error"));
  pair(out, "      ", "points", tree_text(check, "earned"));
  pair(out, "      ", "max", tree_text(check, "max"));
  findings(arena, out, "      ", row, tree_get(check, "findings"));
  buf_str(out, "      ...\n");
}

static void begin(struct report *report, struct arena *arena) {
  (void)arena;
  fprintf(report->to, "TAP version 14\n1..%zu\n", report->count);
}

static void row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct buf out;
  int number = 0;
  buf_init(&out, REPORT_ROW_MAX);
  if (row->checks && row->checks->count) {
    buf_str(&out, "# Subtest: ");
    describe(&out, row->name);
    buf_printf(&out, "\n    1..%zu\n", row->checks->count);
    TREE_EACH(check, row->checks) check_point(arena, &out, report, row, check, ++number);
  }
  buf_printf(&out, "%s %zu - ", row->passed && row->points ? "ok" : "not ok", report->done + 1);
  describe(&out, row->name);
  buf_char(&out, '\n');
  buf_str(&out, "  ---\n");
  pair(&out, "  ", "path", row->path);
  pair(&out, "  ", "result", report_result(row));
  pair(&out, "  ", "points", row->points);
  pair(&out, "  ", "max", row->max);
  pair(&out, "  ", "message", row->message);
  findings(arena, &out, "  ", row, row->reading);
  buf_str(&out, "  ...\n");
  fputs(out.data, report->to);
  buf_release(&out);
}

static void end(struct report *report, struct arena *arena) {
  (void)arena;
  if (report->stopped) fprintf(report->to, "Bail out! stopped after %zu of %zu\n", report->done, report->count);
}

const struct report_format report_tap = {.name = "tap", .begin = begin, .row = row, .end = end};
