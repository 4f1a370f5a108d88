/* report_json: an object a line for each submission (JSON Lines); and the one object that Gradescope reads as results.json. */
#include "app/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/catalog.h"

static void put_copy(struct arena *arena, struct tree *map, const char *key, const struct tree *value, enum tree_type otherwise) {
  tree_put(arena, map, key, value ? tree_copy(arena, value) : tree_new(arena, otherwise));
}

static void write(FILE *to, const struct tree *tree) {
  struct buf line;
  buf_init(&line, REPORT_ROW_MAX);
  tree_write_plain(&line, tree);
  buf_char(&line, '\n');
  fputs(line.data, to);
  buf_release(&line);
}

static void json_row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put_text(arena, out, "path", row->path);
  tree_put_text(arena, out, "name", row->name);
  tree_put_text(arena, out, "lab", report->lab->id);
  tree_put_text(arena, out, "lab_hash", row->lab_version);
  put_copy(arena, out, "params", row->params, TREE_NULL);
  tree_put_text(arena, out, "params_from", row->params_from);
  tree_put_text(arena, out, "result", report_result(row));
  tree_put_text(arena, out, "state", row->state);
  tree_put_text(arena, out, "points", row->points);
  tree_put_text(arena, out, "max", row->max);
  put_copy(arena, out, "reading", row->reading, TREE_LIST);
  put_copy(arena, out, "checks", row->checks, TREE_LIST);
  put_copy(arena, out, "left_out", row->left_out, TREE_LIST);
  if (!row->points) {
    struct tree *error = tree_new(arena, TREE_MAP);
    tree_put_text(arena, error, "key", row->key);
    tree_put_text(arena, error, "message", row->message);
    tree_put(arena, out, "error", error);
  }
  write(report->to, out);
}

/* --- Gradescope -------------------------------------------------------------------------------------------------------------------- */

static struct tree *number(struct arena *arena, const char *fraction) {
  struct tree *out = tree_number(arena, 0);
  out->text = report_decimal(arena, fraction);
  out->length = strlen(out->text);
  return out;
}

/* One hidden test hides the learner's whole score: a check that opens after tries is hidden there, for Gradescope knows no tries. */
static const char *visibility(const struct lab *lab, const char *id) {
  static const struct { const char *ours, *theirs; } rows[] = {{"always", "visible"}, {"after-due", "after_due_date"}, {"after-release", "after_published"}};
  for (size_t i = 0; i < lab->check_count; i++) {
    if (strcmp(lab->checks[i].id, id)) continue;
    const char *ours = lab->checks[i].visible ? lab->checks[i].visible : "always";
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) if (!strcmp(rows[k].ours, ours)) return rows[k].theirs;
  }
  return "hidden";
}

static struct tree *gradescope_test(struct arena *arena, const struct report *report, const struct report_row *row, const struct tree *check, bool scored) {
  struct tree *out = tree_new(arena, TREE_MAP);
  enum report_kind kind = report_kind(check);
  struct buf text;
  if (scored && kind != REPORT_ERROR && strcmp(tree_text_or(check, "outcome", ""), "unobserved")) {
    tree_put(arena, out, "score", number(arena, tree_text_or(check, "earned", "0")));
    tree_put(arena, out, "max_score", number(arena, tree_text_or(check, "max", "0")));
    tree_put_text(arena, out, "status", kind == REPORT_PASS ? "passed" : "failed");
  }
  tree_put_text(arena, out, "name", tree_text_or(check, "title", tree_text_or(check, "id", "")));
  buf_init(&text, REPORT_ROW_MAX);
  buf_printf(&text, "%s\n", words_text(arena, report->words, report->lang, arena_printf(arena, "page.outcome.%s", tree_text_or(check, "outcome", "error")), NULL, NULL));
  report_details(arena, &text, report, row, check);
  tree_put_text(arena, out, "output", text.data);
  tree_put_text(arena, out, "output_format", "text");
  tree_put_text(arena, out, "visibility", visibility(report->lab, tree_text_or(check, "id", "")));
  buf_release(&text);
  return out;
}

static void gradescope_row(struct report *report, struct arena *arena, const struct report_row *row) {
  struct tree *out = tree_new(arena, TREE_MAP), *tests = tree_new(arena, TREE_LIST);
  struct buf text;
  buf_init(&text, REPORT_ROW_MAX);
  if (row->message) buf_printf(&text, "%s\n", row->message);
  TREE_EACH(finding, row->reading) {
    const char *place = report_place(arena, row, finding);
    buf_printf(&text, "%s%s%s\n", place, *place ? ": " : "", tree_text_or(finding, "text", ""));
  }
  if (row->points) tree_put(arena, out, "score", number(arena, row->points));      /* without one Gradescope says that grading failed, which is so */
  tree_put_text(arena, out, "output", text.data ? text.data : "");
  tree_put_text(arena, out, "output_format", "text");
  tree_put_int(arena, out, "execution_time", (row->took_ms + 999) / 1000);
  TREE_EACH(check, row->checks) tree_push(tests, gradescope_test(arena, report, row, check, row->points != NULL));
  tree_put(arena, out, "tests", tests);
  write(report->to, out);
  buf_release(&text);
}

const struct report_format report_json = {.name = "json", .row = json_row};
const struct report_format report_gradescope = {.name = "gradescope", .single = true, .row = gradescope_row};
