/* report_csv: a gradebook: a line for each submission, a column for each check, decimal points. RFC 4180. A cell that a spreadsheet would take for a
 * formula gets an apostrophe in front. */
#include "app/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/catalog.h"

static void cell(struct buf *out, const char *text) {
  struct buf clean;
  if (out->len && out->data[out->len - 1] != '\n') buf_char(out, ',');
  buf_init(&clean, REPORT_ROW_MAX);
  if (text && *text && strchr("=+-@\t\r", *text)) buf_char(&clean, '\'');
  report_clean(&clean, text ? text : "");
  const char *at = clean.data ? clean.data : "";
  if (!at[strcspn(at, ",\"\r\n")] && (*at || out->len)) {
    buf_str(out, at);
  } else {
    buf_char(out, '"');
    for (; *at; at++) {
      if (*at == '"') buf_char(out, '"');
      buf_char(out, *at);
    }
    buf_char(out, '"');
  }
  buf_release(&clean);
}

static void line(const struct report *report, struct buf *out) {
  buf_str(out, "\r\n");
  fputs(out->data, report->to);
  buf_release(out);
}

static void begin(struct report *report, struct arena *arena) {
  static const char *const first[] = {"name", "path", "result", "points", "max"}, *const last[] = {"params_from", "note"};
  struct buf out;
  buf_init(&out, REPORT_ROW_MAX);
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) cell(&out, first[i]);
  for (size_t i = 0; i < report->lab->check_count; i++) cell(&out, arena_printf(arena, "check.%s", report->lab->checks[i].id));
  for (size_t i = 0; i < sizeof last / sizeof *last; i++) cell(&out, last[i]);
  line(report, &out);
}

static void row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct buf out;
  buf_init(&out, REPORT_ROW_MAX);
  cell(&out, row->name);
  cell(&out, row->path);
  cell(&out, report_result(row));
  cell(&out, report_decimal(arena, row->points));
  cell(&out, report_decimal(arena, row->max));
  for (size_t i = 0; i < report->lab->check_count; i++) {
    const char *points = NULL;
    TREE_EACH(check, row->checks) if (!strcmp(tree_text_or(check, "id", ""), report->lab->checks[i].id)) {
      enum report_kind kind = report_kind(check);
      bool blocked = !strcmp(tree_text_or(check, "outcome", ""), "blocked");       /* brings nothing, and counts */
      points = kind == REPORT_PASS || kind == REPORT_FAIL || blocked ? tree_text_or(check, "earned", "0") : NULL;
    }
    cell(&out, report_decimal(arena, points));
  }
  cell(&out, row->params_from);
  cell(&out, row->message);
  line(report, &out);
}

const struct report_format report_csv = {.name = "csv", .begin = begin, .row = row};
