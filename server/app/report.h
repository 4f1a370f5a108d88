/* report: graded submissions as a person or a program reads them: one writer per format, rows given in order, memory for one row at a time.
 * The rooms report_*.c hold one writer each; what they share is here and in report.c. Pure but for the stream. */
#ifndef MAKMAL_APP_REPORT_H
#define MAKMAL_APP_REPORT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/words.h"
struct arena; struct buf; struct lab; struct tree;

struct report_row {
  const char *name, *path;        /* whose it is; where it was found ("-": standard input) */
  const char *base;               /* base/file is a file's place; "" for none */
  const char *params_from;        /* "params.yaml", "name", "--seed", "--params", "examples" */
  const struct tree *params;
  const char *lab_version;
  const char *state;              /* of the verdict: settled | open | refused; NULL: there is none */
  const char *points, *max;       /* fractions as text; points NULL: no score, by our fault or the caller's */
  const struct tree *reading, *checks, *left_out;     /* worded */
  bool passed;
  const char *key, *message;      /* why there is no score, or why it was refused; NULL otherwise */
  int64_t took_ms;
};
/* What a row came to, in a word that programs may rely on: "passed", "failed", "refused", "error". */
const char *report_result(const struct report_row *row);

struct report { const struct report_format *format; FILE *to; const struct lab *lab; const struct words *words; enum lang lang; size_t count, done; bool stopped; void *own; };
struct report_format {
  const char *name;
  bool single;                                                        /* one submission only */
  void (*begin)(struct report *report, struct arena *arena);          /* arena: of the whole run */
  void (*row)(struct report *report, struct arena *arena, const struct report_row *row);
  void (*end)(struct report *report, struct arena *arena);            /* `stopped`: count - done submissions were not graded */
};
extern const struct report_format report_text, report_json, report_junit, report_tap, report_gradescope, report_sarif, report_csv;
const struct report_format *report_format(const char *name);          /* NULL: unknown */
#define REPORT_FORMATS "text, json, junit, tap, gradescope, sarif or csv"

/* --- what writers share ------------------------------------------------------------------------------------------------------------ */
const char *report_say(struct arena *arena, const struct report *report, const char *key, ...) __attribute__((sentinel));    /* name, value, …, NULL */
const char *report_place(struct arena *arena, const struct report_row *row, const struct tree *finding);    /* "file:line:col", "Kind/name path" or "" */
const char *report_uri(struct arena *arena, const struct report_row *row, const char *file);                /* percent-encoded path of a file, of the submission when NULL */
const char *report_decimal(struct arena *arena, const char *fraction);                                       /* "7/2" to "3.5": four decimals, half up; NULL for NULL */
/* A check's state for formats that know pass, fail, error and skipped alone. */
enum report_kind { REPORT_PASS, REPORT_FAIL, REPORT_ERROR, REPORT_SKIP };
enum report_kind report_kind(const struct tree *check);
/* One line of what is wrong with a check, and all of it, a finding a line. */
const char *report_summary(struct arena *arena, const struct report *report, const struct tree *check);
void report_details(struct arena *arena, struct buf *out, const struct report *report, const struct report_row *row, const struct tree *check);
void report_xml(struct buf *out, const char *text);                   /* escaped, without what XML 1.0 cannot hold; line breaks in attributes kept */
void report_clean(struct buf *out, const char *text);                 /* for a terminal: no control characters, good UTF-8 */
#define REPORT_ROW_MAX (4u * 1024u * 1024u)
#endif
