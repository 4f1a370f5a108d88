/* kube: what stands on top of the port and knows no transport: one call at a time, answers to errors and trees, lists in pages.
 * No state but the hook that names the thread which may not ask. Any thread. */
#include "kube/kube.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "kube/kube_http.h"

static bool (*forbidden_here)(void);

void kube_forbid(bool (*here)(void)) { forbidden_here = here; }

bool kube_forbidden(void) { return forbidden_here && forbidden_here(); }

/* Puts U+FFFD in place of the escape of NUL: \u0000 and \ufffd are equally long. */
void kube_clean(char *json, size_t length) {
  char *end = json + length;
  for (char *s = json; s < end && (s = memchr(s, '\\', (size_t)(end - s))) != NULL;) {
    if (end - s >= 6 && !memcmp(s + 1, "u0000", 5)) memcpy(s + 1, "ufffd", 5);
    s += end - s > 2 ? 2 : end - s;
  }
}

bool kube_tree(struct arena *arena, struct kube_reply *reply, struct tree **out, struct err *err) {
  struct err reading;
  kube_clean(reply->body, reply->length);
  if (tree_parse(arena, reply->body, reply->length, 0, out, &reading)) return true;
  err_set(err, ERR_UPSTREAM, "kube.answer", "answer %d is no JSON: %s, %s", reply->status, reading.key, reading.detail);
  err_param(err, "status", "%d", reply->status);
  return err_param(err, "message", "%s", reading.key);
}

/* The message of a Status object, or the first bytes of whatever came. */
static const char *message_of(struct arena *arena, const struct kube_reply *reply) {
  struct tree *status;
  if (!reply->body) return "";
  kube_clean(reply->body, reply->length);
  if (tree_parse(arena, reply->body, reply->length, 0, &status, NULL)) return tree_text_or(status, "message", "");
  return arena_strn(arena, reply->body, reply->length < 200 ? reply->length : 200);
}

bool kube_reply_err(const struct kube_reply *reply, struct arena *arena, struct err *err) {
  static const struct { int status; enum err_code code; const char *key; } rows[] = {
    {400, ERR_INVALID, "kube.invalid"}, {401, ERR_LOGIN, "kube.unauthorized"}, {403, ERR_DENIED, "kube.forbidden"}, {404, ERR_NOT_FOUND, "kube.missing"},
    {409, ERR_CONFLICT, "kube.conflict"}, {422, ERR_INVALID, "kube.invalid"}, {429, ERR_UNAVAILABLE, "kube.later"}, {503, ERR_UNAVAILABLE, "kube.later"},
  };
  if (!reply->answered) {
    if (err && reply->err) *err = *reply->err;
    return false;
  }
  if (reply->status >= 200 && reply->status < 300) return true;
  enum err_code code = ERR_UPSTREAM;
  const char *key = "kube.answer", *message = message_of(arena, reply);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) if (rows[i].status == reply->status) code = rows[i].code, key = rows[i].key;
  err_set(err, code, key, "%d: %s", reply->status, message);
  if (err) err->retry_after_s = reply->retry_after_s;
  err_param(err, "status", "%d", reply->status);
  return err_param(err, "message", "%s", message);
}

bool kube_call(const struct kube *kube, struct arena *arena, const struct kube_request *request, struct tree **out, struct err *err) {
  struct kube_reply reply = {0};
  if (!kube->send(kube->ctx, arena, request, 1, &reply, err) || !kube_reply_err(&reply, arena, err)) {
    return err_wrap(err, "%s %s", request->method, request->path);
  }
  struct tree *tree = NULL;
  if (out && !kube_tree(arena, &reply, &tree, err)) return err_wrap(err, "%s %s", request->method, request->path);
  if (out) *out = tree;
  return true;
}

/* Moves the items of one page behind the last of `all`. */
static struct tree **take_items(struct arena *arena, struct tree *page, const struct kube_kind *kind, struct tree *all, struct tree **end) {
  struct tree *items = tree_get(page, "items");
  for (struct tree *item = items ? items->child : NULL, *next; item; item = next) {
    next = item->next;
    if (item->type != TREE_MAP) continue;
    item->next = NULL;
    tree_set(arena, item, "apiVersion", tree_string(arena, kube_api_version(arena, kind)));
    tree_set(arena, item, "kind", tree_string(arena, kind->kind));
    *end = item;
    end = &item->next;
    all->count++;
  }
  return end;
}

bool kube_list(const struct kube *kube, struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *query, struct tree **out, struct err *err) {
  struct tree *all = tree_new(arena, TREE_LIST), **end = &all->child, *page;
  const char *token = NULL;
  int restarts = 0;
  for (;;) {
    struct kube_request request = {.method = "GET", .path = kube_path(arena, kind, namespace, NULL), .retry = true};
    request.query = arena_printf(arena, "limit=500%s%s%s%s", query ? "&" : "", query ? query : "", token ? "&continue=" : "", token ? kube_escape(arena, token) : "");
    struct kube_reply reply = {0};
    if (!kube->send(kube->ctx, arena, &request, 1, &reply, err)) return err_wrap(err, "list %s", kind->plural);
    if (reply.answered && reply.status == 410 && token && restarts++ < 3) {      /* the list grew too old between two pages: from the start */
      all = tree_new(arena, TREE_LIST);
      end = &all->child;
      token = NULL;
      continue;
    }
    if (!kube_reply_err(&reply, arena, err) || !kube_tree(arena, &reply, &page, err)) return err_wrap(err, "list %s", kind->plural);
    end = take_items(arena, page, kind, all, end);
    if (all->count > KUBE_LIST_MAX) return err_set(err, ERR_LIMIT, "kube.large", "more than %d %s", KUBE_LIST_MAX, kind->plural);
    token = tree_text(tree_get(page, "metadata"), "continue");
    if (!token || !*token) break;
  }
  *out = all;
  return true;
}
