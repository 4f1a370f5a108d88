/* page_status: /status. Everybody sees how far the cluster is and what it can do; staff also how that is known, each part of the embedded cluster, what the
 * check before labs found, and mistakes in labs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/viewer.h"
#include "web/house.h"
#include "web/page.h"

/* --- tables ------------------------------------------------------------------------------------------------------------------------------------------ */

static void words(struct req *req, struct buf *out, const char *tag, const char *key) {
  buf_printf(out, "<%s>", tag);
  page_words(req, out, key, NULL);
  buf_printf(out, "</%s>", tag);
}

static void table(struct req *req, struct buf *out, const char *caption, const char *const *heads) {
  buf_str(out, "<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");      /* wider than a telephone: it scrolls by keys too */
  page_words(req, out, caption, NULL);
  buf_str(out, "\"><table class=\"grades\">");
  words(req, out, "caption", caption);
  buf_str(out, "<thead><tr>");
  for (; *heads; heads++) {
    buf_str(out, "<th scope=\"col\">");
    page_words(req, out, *heads, NULL);
    buf_str(out, "</th>");
  }
  buf_str(out, "</tr></thead><tbody>\n");
}
static void table_end(struct buf *out) { buf_str(out, "</tbody></table></div>\n"); }

static void row(struct buf *out, const char *name) {
  buf_str(out, "<tr><th scope=\"row\"><code>");
  buf_html(out, name);
  buf_str(out, "</code></th>");
}
static void cell(struct buf *out, const char *text) {
  buf_str(out, "<td>");
  buf_html(out, text);
  buf_str(out, "</td>");
}

static const char *with(struct req *req, const char *key, const char *name, const char *value) {
  struct tree *params = tree_new(req->arena, TREE_MAP);
  tree_put_text(req->arena, params, name, value);
  return req_words(req, key, params);
}

/* "3 h 20 min": how long, told in the two largest units. */
static const char *since(struct req *req, int64_t ms) {
  int64_t seconds = (wall_ms() - ms) / 1000, minutes = seconds / 60, hours = minutes / 60;
  if (ms <= 0 || seconds < 0) return "–";
  if (seconds < 60) return arena_printf(req->arena, "%" PRId64 " s", seconds);
  if (minutes < 60) return arena_printf(req->arena, "%" PRId64 " min", minutes);
  if (hours < 48) return arena_printf(req->arena, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
  return arena_printf(req->arena, "%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
}

/* --- what it can do ---------------------------------------------------------------------------------------------------------------------------------- */

static void abilities(struct req *req, struct buf *out, const struct cluster_status *now, bool staff) {
  static const char *const heads[] = {"status.word", "status.there", "status.means", NULL}, *const staff_heads[] = {"status.word", "status.there", "status.means", "status.how", NULL};
  words(req, out, "h2", "status.can");
  table(req, out, now->embedded ? "status.can-told" : "status.can-found", staff ? staff_heads : heads);
  for (int i = 0; i < CAPABILITIES; i++) {
    const struct capability *one = &now->can[i];
    row(out, capability_words[i]);
    cell(out, with(req, arena_printf(req->arena, "status.can-%s", capability_states[one->can]), "with", one->about));
    cell(out, req_words(req, arena_printf(req->arena, "can.%s", capability_words[i]), NULL));
    if (staff) cell(out, *one->key ? with(req, one->key, "what", *one->about ? one->about : "–") : now->embedded && one->can == CAN ? req_words(req, "can.told", NULL) : "");
    buf_str(out, "</tr>\n");
  }
  table_end(out);
}

/* --- what runs: the embedded cluster's own words ------------------------------------------------------------------------------------------------------- */

static void parts(struct req *req, struct buf *out, const struct tree *list) {
  static const char *const heads[] = {"status.part", "status.part-version", "status.part-state", "status.part-since", "status.part-memory", "status.part-gives", NULL};
  int64_t all = 0;
  words(req, out, "h2", "status.parts");
  table(req, out, "status.parts-about", heads);
  TREE_EACH(part, list) {
    const char *gives = "";
    int64_t kib = tree_int(part, "rss_kib", 0), restarts = tree_int(part, "restarts", 0);
    bool runs = !strcmp(tree_text_or(part, "state", ""), "running");
    TREE_EACH(word, tree_get(part, "gives")) gives = arena_printf(req->arena, "%s%s%s", gives, *gives ? ", " : "", word->text ? word->text : "");
    all += kib;
    row(out, tree_text_or(part, "name", "?"));
    cell(out, tree_text_or(part, "version", ""));
    const char *state = req_words(req, !runs ? "status.part-waits" : !strcmp(tree_text_or(part, "kind", ""), "pod") ? "status.part-pod" : "status.part-runs", NULL);
    if (restarts > 0) {
      struct tree *params = tree_new(req->arena, TREE_MAP);
      tree_put_int(req->arena, params, "count", restarts);
      state = arena_printf(req->arena, "%s, %s", state, req_words(req, "status.part-restarts", params));
    }
    cell(out, state);
    cell(out, runs ? since(req, tree_int(part, "started_ms", 0)) : "–");
    cell(out, arena_printf(req->arena, "%" PRId64 " MiB", kib / 1024));
    cell(out, gives);
    buf_str(out, "</tr>\n");
  }
  buf_str(out, "<tr><th scope=\"row\">");
  page_words(req, out, "status.together", NULL);
  buf_printf(out, "</th><td></td><td></td><td></td><td>%" PRId64 " MiB</td><td></td></tr>\n", all / 1024);
  table_end(out);
}

/* --- the check before labs ------------------------------------------------------------------------------------------------------------------------------ */

static void preflight(struct req *req, struct buf *out, const struct tree *lines) {
  static const char *const heads[] = {"status.level", "status.finding", NULL};
  if (!lines || !lines->count) return;
  words(req, out, "h2", "status.preflight");
  table(req, out, "status.preflight-about", heads);
  TREE_EACH(line, lines) {
    const char *level = tree_text_or(line, "level", "ok"), *key = tree_text_or(line, "key", "");
    buf_str(out, "<tr>");
    cell(out, req_words(req, !strcmp(level, "red") ? "status.level-red" : !strcmp(level, "amber") ? "status.level-amber" : "status.level-ok", NULL));
    cell(out, req_words(req, key, tree_get(line, "params")));
    buf_str(out, "</tr>\n");
  }
  table_end(out);
}

static void problems(struct req *req, struct buf *out, const struct edition *edition) {
  static const char *const heads[] = {"status.file", "status.what", NULL};
  words(req, out, "h2", "status.problems");
  if (!edition || !edition->problem_count) {
    words(req, out, "p", "status.no-problems");
    return;
  }
  table(req, out, "status.left-out", heads);
  for (size_t i = 0; i < edition->problem_count; i++) {
    const struct problem *problem = &edition->problems[i];
    row(out, problem->line > 0 ? arena_printf(req->arena, "%s:%d", problem->file, problem->line) : problem->file);
    const char *text = problem->key ? req_words(req, problem->key, problem->params) : NULL;
    cell(out, text && strcmp(text, problem->key) ? text : problem->text);
    buf_str(out, "</tr>\n");
  }
  table_end(out);
}

static void pair(struct req *req, struct buf *out, const char *key, const char *value) {
  words(req, out, "dt", key);
  buf_str(out, "<dd>");
  buf_html(out, value);
  buf_str(out, "</dd>");
}

static bool status_get(struct req *req, struct reply *out, struct err *err) {
  struct page *page = page_new(req);
  struct buf *main = page->main;
  struct cluster *cluster = req->house->cluster;
  struct cluster_status now = {.state = CLUSTER_NONE};
  bool staff = viewer_is(&req->viewer, ROLE_INSTRUCTOR);
  page->section = "status";
  page->title = req_words(req, "status.title", NULL);
  page->wide = staff;
  words(req, main, "h1", "status.title");
  if (cluster) cluster_status(cluster, &now);
  buf_str(main, "<p>");
  page_cluster_line(req, main);
  buf_str(main, "</p>\n<dl class=\"pairs\">");
  if (*now.version) pair(req, main, "status.version", now.version);
  pair(req, main, "status.kind", req_words(req, now.state == CLUSTER_NONE ? "status.kind-none" : now.embedded ? "status.kind-embedded" : "status.kind-own", NULL));
  buf_str(main, "</dl>\n");
  if (now.own_red) words(req, main, "p", staff ? "status.own-red-below" : "status.own-red");
  if (now.state != CLUSTER_NONE) abilities(req, main, &now, staff);
  if (staff && cluster) {
    const struct tree *list = cluster_parts(cluster, req->arena);
    if (list && list->count) parts(req, main, list);
    preflight(req, main, tree_get(cluster_json(cluster, req->arena), "preflight"));
  }
  if (staff) problems(req, main, req_edition(req));
  return page_reply(req, page, out, err);
}

const struct route page_status_routes[] = {
  {GET, "/status", NEED_ANYONE, PAGE, NULL, NULL, status_get, "The cluster; for staff also its parts and what is wrong in labs"},
  {0}};
