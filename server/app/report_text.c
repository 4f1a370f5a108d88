/* report_text: for a person at a terminal. What a learner wrote may stand in it, so nothing in it steers the terminal. */
#include "app/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"

static const char *mark(const char *outcome) {
  static const struct { const char *outcome, *mark; } marks[] = {{"pass", "✓"}, {"partial", "◐"}, {"fail", "✖"}, {"blocked", "⊘"}, {"pending", "◔"}, {"error", "⚠"}, {"unobserved", "–"}};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) if (!strcmp(marks[i].outcome, outcome)) return marks[i].mark;
  return "?";
}

static void add_indented(struct buf *out, const char *text) {
  while (*text) {
    size_t n = strcspn(text, "\n");
    buf_printf(out, "      %.*s\n", (int)n, text);
    text += n + (text[n] == '\n');
  }
}

static void add_check(struct arena *arena, struct buf *out, const struct report *report, const struct report_row *row, const struct tree *check) {
  const char *outcome = tree_text_or(check, "outcome", "error"), *earned = tree_text(check, "earned");
  const char *word = words_text(arena, report->words, report->lang, arena_printf(arena, "page.outcome.%s", outcome), NULL, NULL);
  buf_printf(out, "  %s %-11s %s", mark(outcome), word, tree_text_or(check, "title", ""));
  if (earned) buf_printf(out, " (%s)", report_say(arena, report, "grade.of", "earned", earned, "max", tree_text_or(check, "max", ""), NULL));
  buf_char(out, '\n');
  if (row->state && !strcmp(row->state, "refused")) return;      /* nothing that the reading has not said */
  struct buf details;
  buf_init(&details, REPORT_ROW_MAX);
  report_details(arena, &details, report, row, check);
  add_indented(out, details.data ? details.data : "");
  buf_release(&details);
}

static void row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct buf text, clean;
  buf_init(&text, REPORT_ROW_MAX);
  buf_init(&clean, REPORT_ROW_MAX);
  const char *sum = row->points ? report_say(arena, report, "grade.points", "earned", row->points, "max", row->max, NULL) : report_say(arena, report, "grade.no-score", NULL);
  buf_printf(&text, "%s: %s\n", row->path, sum);
  if (!row->points && row->message) buf_printf(&text, "  ⚠ %s\n", row->message);
  TREE_EACH(finding, row->reading) {
    const char *place = report_place(arena, row, finding);
    buf_printf(&text, "      %s%s%s\n", place, *place ? ": " : "", tree_text_or(finding, "text", ""));
  }
  TREE_EACH(check, row->checks) add_check(arena, &text, report, row, check);
  if (row->left_out && row->left_out->count) {
    struct buf list;
    buf_init(&list, 16384);
    TREE_EACH(id, row->left_out) buf_printf(&list, "%s%s", list.len ? " " : "", id->text);
    buf_printf(&text, "  %s\n", report_say(arena, report, "grade.left-out", "checks", list.data, NULL));
    buf_release(&list);
  }
  report_clean(&clean, text.data);
  fputs(clean.data, report->to);
  buf_release(&text);
  buf_release(&clean);
}

const struct report_format report_text = {.name = "text", .row = row};
