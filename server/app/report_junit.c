/* report_junit: a <testsuite> for each submission, a <testcase> for each check, as CI servers read them. Sums stand on each suite; the root has none, as
 * it is written before they are known. */
#include "app/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/catalog.h"

static void attribute(struct buf *out, const char *name, const char *value) {
  buf_printf(out, " %s=\"", name);
  report_xml(out, value);
  buf_char(out, '"');
}

static void property(struct buf *out, const char *name, const char *value) {
  if (!value) return;
  buf_str(out, "      <property");
  attribute(out, "name", name);
  attribute(out, "value", value);
  buf_str(out, "/>\n");
}

/* <failure message type>details</failure> and its like. */
static void verdict(struct buf *out, const char *element, const char *message, const char *type, const char *details) {
  buf_printf(out, "      <%s", element);
  attribute(out, "message", message);
  if (type) attribute(out, "type", type);
  if (details && *details) {
    buf_char(out, '>');
    report_xml(out, details);
    buf_printf(out, "</%s>\n", element);
  } else {
    buf_str(out, "/>\n");
  }
}

static void test(struct arena *arena, struct buf *out, const struct report *report, const struct report_row *row, const struct tree *check) {
  enum report_kind kind = report_kind(check);
  struct buf details;
  buf_init(&details, REPORT_ROW_MAX);
  report_details(arena, &details, report, row, check);
  buf_str(out, "    <testcase");
  attribute(out, "classname", report->lab->id);
  attribute(out, "name", tree_text_or(check, "title", tree_text_or(check, "id", "")));
  if (kind == REPORT_PASS) {
    buf_str(out, "/>\n");
  } else {
    const char *summary = report_summary(arena, report, check), *outcome = tree_text_or(check, "outcome", "error");
    buf_str(out, ">\n");
    if (kind == REPORT_FAIL) verdict(out, "failure", summary, outcome, details.data);
    else if (kind == REPORT_ERROR) verdict(out, "error", summary, tree_text_or(tree_get(check, "error"), "key", "error"), details.data);
    else verdict(out, "skipped", summary, NULL, NULL);
    buf_str(out, "    </testcase>\n");
  }
  buf_release(&details);
}

static void begin(struct report *report, struct arena *arena) {
  (void)arena;
  fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"makmal\">\n", report->to);
}

static void row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct buf out;
  int count[4] = {0}, tests = 0;
  TREE_EACH(check, row->checks) {
    count[report_kind(check)]++;
    tests++;
  }
  bool alone = !row->points && !count[REPORT_ERROR];             /* no check says what went wrong */
  buf_init(&out, REPORT_ROW_MAX);
  buf_str(&out, "  <testsuite");
  attribute(&out, "name", row->name);
  buf_printf(&out, " tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\" time=\"%" PRId64 ".%03d\">\n    <properties>\n", tests + alone, count[REPORT_FAIL], count[REPORT_ERROR] + alone,
             count[REPORT_SKIP], row->took_ms / 1000, (int)(row->took_ms % 1000));
  property(&out, "path", row->path);
  property(&out, "result", report_result(row));
  property(&out, "points", report_decimal(arena, row->points));
  property(&out, "max", report_decimal(arena, row->max));
  buf_str(&out, "    </properties>\n");
  if (alone) {
    buf_str(&out, "    <testcase");
    attribute(&out, "classname", report->lab->id);
    attribute(&out, "name", row->path);
    buf_str(&out, ">\n");
    verdict(&out, "error", row->message ? row->message : "", row->key ? row->key : "error", NULL);
    buf_str(&out, "    </testcase>\n");
  }
  TREE_EACH(check, row->checks) test(arena, &out, report, row, check);
  if (row->reading && row->reading->count) {
    buf_str(&out, "    <system-out>");
    TREE_EACH(finding, row->reading) {
      const char *place = report_place(arena, row, finding);
      report_xml(&out, arena_printf(arena, "%s%s%s\n", place, *place ? ": " : "", tree_text_or(finding, "text", "")));
    }
    buf_str(&out, "</system-out>\n");
  }
  buf_str(&out, "  </testsuite>\n");
  fputs(out.data, report->to);
  buf_release(&out);
}

static void end(struct report *report, struct arena *arena) {
  (void)arena;
  fputs("</testsuites>\n", report->to);
}

const struct report_format report_junit = {.name = "junit", .begin = begin, .row = row, .end = end};
