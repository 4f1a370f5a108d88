/* report: see the header. */
#include "app/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "domain/catalog.h"
#include "domain/fraction.h"

const struct report_format *report_format(const char *name) {
  static const struct report_format *const formats[] = {&report_text, &report_json, &report_junit, &report_tap, &report_gradescope, &report_sarif, &report_csv};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) if (!strcmp(formats[i]->name, name)) return formats[i];
  return NULL;
}

const char *report_result(const struct report_row *row) {
  return !row->points ? "error" : row->state && !strcmp(row->state, "refused") ? "refused" : row->passed ? "passed" : "failed";
}

const char *report_say(struct arena *arena, const struct report *report, const char *key, ...) {
  struct tree *params = tree_new(arena, TREE_MAP);
  va_list args;
  va_start(args, key);
  for (const char *name; (name = va_arg(args, const char *));) tree_put_text(arena, params, name, va_arg(args, const char *));
  va_end(args);
  return words_text(arena, report->words, report->lang, key, params, NULL);
}

const char *report_place(struct arena *arena, const struct report_row *row, const struct tree *finding) {
  const struct tree *at = tree_get(finding, "at"), *object = tree_get(finding, "object");
  const char *file = tree_text(at, "file");
  (void)row;
  if (file) return arena_printf(arena, "%s:%" PRId64 ":%" PRId64, file, tree_int(at, "line", 1), tree_int(at, "col", 1));
  if (!tree_text(object, "kind")) return "";
  const char *path = tree_text_or(finding, "path", "");
  return arena_printf(arena, "%s/%s%s%s", tree_text(object, "kind"), tree_text_or(object, "name", "?"), *path ? " " : "", path);
}

const char *report_uri(struct arena *arena, const struct report_row *row, const char *file) {
  const char *whole = !file ? (strcmp(row->path, "-") ? row->path : "stdin.yaml") : *row->base ? arena_printf(arena, "%s/%s", row->base, file) : file;
  if (!strncmp(whole, "./", 2)) whole += 2;
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, 16384);
  if (whole[0] == '/') buf_str(out, "file://");
  for (; *whole; whole++) {
    unsigned char c = (unsigned char)*whole;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c);
    if (plain) buf_char(out, (char)c);
    else buf_printf(out, "%%%02X", c);
  }
  return out->data;
}

const char *report_decimal(struct arena *arena, const char *fraction) {
  struct fraction f;
  if (!fraction || !fraction_parse(fraction, &f)) return NULL;
  int64_t parts = (int64_t)(((__int128)f.top * 20000 / f.bottom + 1) / 2);
  char *text = arena_printf(arena, "%" PRId64 ".%04d", parts / 10000, (int)(parts % 10000));
  size_t n = strlen(text);
  while (text[n - 1] == '0') text[--n] = 0;
  if (text[n - 1] == '.') text[--n] = 0;
  return text;
}

enum report_kind report_kind(const struct tree *check) {
  const char *outcome = tree_text_or(check, "outcome", "error");
  if (!strcmp(outcome, "pass")) return REPORT_PASS;
  if (!strcmp(outcome, "fail") || !strcmp(outcome, "partial")) return REPORT_FAIL;
  return strcmp(outcome, "error") ? REPORT_SKIP : REPORT_ERROR;
}

const char *report_summary(struct arena *arena, const struct report *report, const struct tree *check) {
  const char *outcome = words_text(arena, report->words, report->lang, arena_printf(arena, "page.outcome.%s", tree_text_or(check, "outcome", "error")), NULL, NULL);
  const char *error = tree_text(check, "error_text"), *earned = tree_text(check, "earned");
  const struct tree *first = tree_get(check, "findings") ? tree_get(check, "findings")->child : NULL;
  if (error) return arena_printf(arena, "%s: %s", outcome, error);
  if (earned) outcome = arena_printf(arena, "%s (%s)", outcome, report_say(arena, report, "grade.of", "earned", earned, "max", tree_text_or(check, "max", ""), NULL));
  return first ? arena_printf(arena, "%s: %s", outcome, tree_text_or(first, "text", "")) : outcome;
}

void report_details(struct arena *arena, struct buf *out, const struct report *report, const struct report_row *row, const struct tree *check) {
  const struct tree *because = tree_get(check, "because");
  if (tree_text(check, "error_text")) buf_printf(out, "%s\n", tree_text(check, "error_text"));
  if (because && because->count) {
    struct buf list;
    buf_init(&list, 4096);
    TREE_EACH(title, because) buf_printf(&list, "%s%s", list.len ? ", " : "", title->text ? title->text : "");
    buf_printf(out, "%s\n", report_say(arena, report, "grade.waits-for", "checks", list.data, NULL));
    buf_release(&list);
  }
  TREE_EACH(finding, tree_get(check, "findings")) {
    const char *place = report_place(arena, row, finding), *want = tree_text(finding, "want_text"), *got = tree_text(finding, "got_text");
    buf_printf(out, "%s%s%s\n", place, *place ? ": " : "", tree_text_or(finding, "text", ""));
    if (want || got)
      buf_printf(out, "  %s%s%s\n", want ? report_say(arena, report, "grade.want", "want", want, NULL) : "", want && got ? ", " : "",
                 got ? report_say(arena, report, "grade.got", "got", got, NULL) : "");
    int64_t seconds = tree_int(finding, "false_ms", 0) / 1000;
    if (seconds) buf_printf(out, "  %s\n", report_say(arena, report, "grade.false-for", "seconds", arena_printf(arena, "%lld", (long long)seconds), NULL));
    TREE_EACH(event, tree_get(finding, "events"))
      buf_printf(out, "  %s: %s/%s %s: %s\n", report_say(arena, report, "grade.event", NULL), tree_text_or(event, "kind", ""), tree_text_or(event, "name", ""), tree_text_or(event, "reason", ""),
                 tree_text_or(event, "message", ""));
  }
}

/* Each character of text, bad bytes as U+FFFD, given to add. */
static void each_character(struct buf *out, const char *text, void (*add)(struct buf *, const char *, size_t)) {
  for (size_t left = strlen(text); left;) {
    size_t n = utf8_step(text, left);
    if (n) add(out, text, n);
    else add(out, "\xEF\xBF\xBD", 3);
    text += n ? n : 1;
    left -= n ? n : 1;
  }
}

static void add_xml(struct buf *out, const char *at, size_t n) {
  unsigned char c = (unsigned char)*at;
  bool nothing = n == 3 && !memcmp(at, "\xEF\xBF", 2) && (unsigned char)at[2] >= 0xBE;       /* U+FFFE, U+FFFF */
  if (c == '&') buf_str(out, "&amp;");
  else if (c == '<') buf_str(out, "&lt;");
  else if (c == '>') buf_str(out, "&gt;");
  else if (c == '"') buf_str(out, "&quot;");
  else if (c == '\n') buf_str(out, "&#10;");
  else if (c == '\t') buf_str(out, "&#9;");
  else if (c < 0x20 || c == 0x7F || nothing) buf_str(out, "\xEF\xBF\xBD");
  else buf_add(out, at, n);
}

static void add_clean(struct buf *out, const char *at, size_t n) {
  unsigned char c = (unsigned char)*at;
  bool steers = (c < 0x20 && c != '\n') || c == 0x7F || (n == 2 && c == 0xC2 && (unsigned char)at[1] < 0xA0);
  if (steers) buf_str(out, "\xEF\xBF\xBD");
  else buf_add(out, at, n);
}

void report_xml(struct buf *out, const char *text) { each_character(out, text, add_xml); }
void report_clean(struct buf *out, const char *text) { each_character(out, text, add_clean); }
