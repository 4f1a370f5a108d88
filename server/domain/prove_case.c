/* prove_case: see the header. Edits by path change the tree of a file, which is handed in as JSON documents then; `text` edits change the file's text. */
#include "domain/fraction.h"
#include "domain/prove_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/grading.h"
#include "domain/verdict.h"

#define FILE_CAP (1024u * 1024u)

static bool bad_case(struct err *err, const char *name, const char *fmt, const char *what) {
  err_set(err, ERR_INVALID, "cases.edit", fmt, what);
  err_param(err, "case", "%s", name);
  return err_param(err, "what", "%s", err ? err->detail : "");
}

static const char *filled(struct arena *arena, const struct tree *params, const char *text) {
  size_t length;
  return text ? lab_fill(arena, text, strlen(text), params, &length) : NULL;
}

/* A value of cases.yaml with parameters filled in; a scalar that is exactly ${name} takes the parameter's type. */
static struct tree *filled_tree(struct arena *arena, const struct tree *params, const struct tree *value) {
  if (value->type == TREE_STRING) {
    size_t n = value->length;
    if (n > 3 && value->text[0] == '$' && value->text[1] == '{' && value->text[n - 1] == '}' && !value->tag) {
      const struct tree *param = tree_get(params, arena_strn(arena, value->text + 2, n - 3));
      if (param) return tree_copy(arena, param);
    }
    return tree_string(arena, filled(arena, params, value->text));
  }
  if (value->type != TREE_MAP && value->type != TREE_LIST) return tree_copy(arena, value);
  struct tree *out = tree_new(arena, value->type);
  TREE_EACH(child, value) {
    struct tree *copy = filled_tree(arena, params, child);
    if (value->type == TREE_MAP) tree_put(arena, out, child->key, copy);
    else tree_push(out, copy);
  }
  return out;
}

/* --- edits ------------------------------------------------------------------------------------------------------------------------------ */

/* One step of "a.b[0].c[name=web]" or labels["x.y/z"]. */
struct step { char name[256]; long index; char key[64]; bool list; };

static bool next_step(const char **at, struct step *out) {
  const char *p = *at;
  memset(out, 0, sizeof *out);
  out->index = -1;
  if (*p == '.') p++;
  if (!*p) return false;
  size_t n = 0;
  if (*p != '[') {
    while (*p && *p != '.' && *p != '[' && n + 1 < sizeof out->name) out->name[n++] = *p++;
  } else {
    bool quoted = p[1] == '"';
    char inner[256];
    p += quoted ? 2 : 1;
    while (*p && *p != (quoted ? '"' : ']') && n + 1 < sizeof inner) inner[n++] = *p++;
    inner[n] = 0;
    if (quoted && *p == '"') p++;
    if (*p == ']') p++;
    char *equals = quoted ? NULL : strchr(inner, '=');
    if (quoted) {
      snprintf(out->name, sizeof out->name, "%s", inner);
    } else {
      out->list = true;
      if (equals) {
        *equals = 0;
        snprintf(out->key, sizeof out->key, "%.63s", inner);
        snprintf(out->name, sizeof out->name, "%.255s", equals + 1);
      } else {
        out->index = strtol(inner, NULL, 10);
      }
    }
  }
  *at = p;
  return true;
}

static struct tree *child_at(struct tree *parent, const struct step *step) {
  if (!step->list) return parent->type == TREE_MAP ? tree_get(parent, step->name) : NULL;
  if (parent->type != TREE_LIST) return NULL;
  if (step->index >= 0) return tree_at_index(parent, (size_t)step->index);
  TREE_EACH(item, parent) {
    const struct tree *key = tree_get(item, step->key);
    if (key && key->text && !strcmp(key->text, step->name)) return item;
  }
  return NULL;
}

static void drop_item(struct tree *list, const struct tree *item) {
  struct tree *first = list->child, *next;
  list->child = NULL;
  list->count = 0;
  for (struct tree *at = first; at; at = next) {
    next = at->next;
    at->next = NULL;
    if (at != item) tree_push(list, at);
  }
}

/* Sets (value) or removes (NULL) what the path names; parents that lack are made as maps. */
static bool edit_path(struct arena *arena, struct tree *root, const char *path, struct tree *value) {
  struct step step, ahead;
  struct tree *at = root;
  if (!next_step(&path, &step)) return false;
  for (;;) {
    const char *rest = path;
    bool last = !next_step(&rest, &ahead);
    struct tree *child = child_at(at, &step);
    if (last) {
      if (!value) {
        if (!child) return false;
        if (step.list) drop_item(at, child);
        else tree_remove(at, step.name);
        return true;
      }
      if (!step.list) {
        if (at->type != TREE_MAP) return false;
        tree_set(arena, at, step.name, value);
        return true;
      }
      if (child) {                                /* in place: the list keeps its order */
        struct tree *next = child->next;
        *child = *value;
        child->next = next;
        child->key = NULL;
        return true;
      }
      if (at->type != TREE_LIST || step.index != (long)at->count) return false;
      tree_push(at, value);
      return true;
    }
    if (!child) {
      if (!value || step.list || at->type != TREE_MAP) return false;
      child = tree_new(arena, TREE_MAP);
      tree_set(arena, at, step.name, child);
    }
    at = child;
    path = rest;
    step = ahead;
  }
}

struct work { struct check_pool *pool; struct arena *arena; const char *name; const struct tree *params; struct check_file *files; size_t count; };

static struct check_file *file_named(struct work *work, const char *name) {
  if (!name && work->count == 1) return &work->files[0];
  for (size_t i = 0; name && i < work->count; i++) if (!strcmp(work->files[i].name, name)) return &work->files[i];
  return NULL;
}

/* The objects of one file, to be changed. */
static bool objects_of(struct work *work, const struct check_file *file, struct tree **out, struct err *err) {
  struct check_read_job job = {.files = file, .file_count = 1};
  struct tree *docs = NULL, *reading = NULL, *list = tree_new(work->arena, TREE_LIST);
  bool refused = false;
  if (!check_read(work->pool, work->arena, &job, &docs, &reading, &refused, err)) return false;
  if (refused) return bad_case(err, work->name, "%s cannot be read as YAML before it is edited", file->name);
  TREE_EACH(doc, docs) {
    const struct tree *value = tree_get(doc, "value");
    if (value && value->type == TREE_MAP) tree_push(list, tree_copy(work->arena, value));
  }
  *out = list;
  return true;
}

static void write_objects(struct work *work, struct check_file *file, const struct tree *objects) {
  struct buf *text = arena_alloc(work->arena, sizeof *text);
  buf_init_arena(text, work->arena, FILE_CAP);
  TREE_EACH(object, objects) {
    if (text->len) buf_str(text, "---\n");
    tree_write_plain(text, object);
    buf_char(text, '\n');
  }
  file->bytes = text->data ? text->data : "";
  file->length = text->len;
}

static bool is_object(const struct tree *object, const char *wanted) {
  char name[400];
  const char *kind = tree_text_or(object, "kind", ""), *its = tree_text_or(tree_get(object, "metadata"), "name", "");
  snprintf(name, sizeof name, "%s/%s", kind, its);
  return !strcmp(name, wanted);
}

static bool edit_text(struct work *work, struct check_file *file, const struct tree *pair, struct err *err) {
  const struct tree *from = tree_at_index(pair, 0), *to = tree_at_index(pair, 1);
  if (!from || !to || from->type != TREE_STRING || to->type != TREE_STRING) return bad_case(err, work->name, "%s", "text wants [from, to]");
  const char *old = filled(work->arena, work->params, from->text), *new = filled(work->arena, work->params, to->text);
  const char *at = strstr(file->bytes, old);
  if (!at || !*old) return bad_case(err, work->name, "the text '%s' does not stand in the file", old);
  file->bytes = arena_printf(work->arena, "%.*s%s%s", (int)(at - file->bytes), file->bytes, new, at + strlen(old));
  file->length = strlen(file->bytes);
  return true;
}

static bool edit_one(struct work *work, const struct tree *edit, struct err *err) {
  struct check_file *file = file_named(work, tree_text(edit, "file"));
  if (!file) return bad_case(err, work->name, "no file %s", tree_text_or(edit, "file", "(file: is missing)"));
  const struct tree *set = tree_get(edit, "set"), *add = tree_get(edit, "add"), *text = tree_get(edit, "text"), *remove = tree_get(edit, "remove");
  if (text) return edit_text(work, file, text, err);
  struct tree *objects = NULL;
  if (!objects_of(work, file, &objects, err)) return false;
  if (add) {
    tree_push(objects, filled_tree(work->arena, work->params, add));
    write_objects(work, file, objects);
    return true;
  }
  const char *object = filled(work->arena, work->params, tree_text(edit, "object")), *path = filled(work->arena, work->params, tree_text(edit, "path"));
  if (remove && remove->type == TREE_STRING && !path) path = filled(work->arena, work->params, remove->text);
  struct tree *found = NULL;
  TREE_EACH(item, objects) if (object && is_object(item, object)) found = item;
  if (!found) return bad_case(err, work->name, "no object %s", object ? object : "(object: is missing)");
  if (!path && remove) drop_item(objects, found);
  else if (!path || (!set && !remove)) return bad_case(err, work->name, "%s", "an edit wants set, remove, add or text");
  else if (!edit_path(work->arena, found, path, set ? filled_tree(work->arena, work->params, set) : NULL)) return bad_case(err, work->name, "path %s leads nowhere", path);
  write_objects(work, file, objects);
  return true;
}

bool prove_files(struct check_pool *pool, struct arena *arena, const struct lab *lab, const struct tree *one, const char *name, const struct tree *params,
                 const struct check_file **out, size_t *out_count, struct err *err) {
  bool start = !strcmp(tree_text_or(one, "from", !strcmp(name, "start") ? "start" : "solution"), "start");
  const struct check_file *base = start ? lab->starter : lab->solution;
  struct work work = {.pool = pool, .arena = arena, .name = name, .params = params, .count = start ? lab->starter_count : lab->solution_count};
  work.files = arena_alloc(arena, (work.count + 1) * sizeof *work.files);
  for (size_t i = 0; i < work.count; i++) {
    work.files[i].name = base[i].name;
    work.files[i].bytes = lab_fill(arena, base[i].bytes, base[i].length, params, &work.files[i].length);
  }
  const struct tree *edits = tree_get(one, "edit");
  if (edits && edits->type == TREE_MAP && !edit_one(&work, edits, err)) return false;
  if (edits && edits->type == TREE_LIST) TREE_EACH(edit, edits) if (!edit_one(&work, edit, err)) return false;
  *out = work.files;
  *out_count = work.count;
  return true;
}

/* --- what was expected ---------------------------------------------------------------------------------------------------------------- */

static bool list_has(const struct tree *list, const char *text) {
  TREE_EACH(item, list) if (item->type == TREE_STRING && !strcmp(item->text, text)) return true;
  return false;
}

/* The finding keys of level fail, each once. */
static struct tree *keys_of(struct arena *arena, const struct tree *findings) {
  struct tree *keys = tree_new(arena, TREE_LIST);
  TREE_EACH(finding, findings) {
    const char *level = tree_text_or(finding, "level", "fail"), *key = tree_text_or(finding, "key", "");
    if ((!strcmp(level, "fail") || !strcmp(level, "refuse")) && !list_has(keys, key)) tree_push(keys, tree_string(arena, key));
  }
  return keys;
}

static void say_list(struct buf *out, const struct tree *list) {
  buf_char(out, '[');
  TREE_EACH(item, list) buf_printf(out, "%s%s", item == list->child ? "" : ", ", item->text ? item->text : "?");
  buf_char(out, ']');
}

static void compare_keys(struct arena *arena, const char *what, const struct tree *wanted, const struct tree *findings, bool subset, struct buf *problems) {
  struct tree *got = keys_of(arena, findings);
  bool same = true;
  TREE_EACH(key, wanted) if (!list_has(got, key->text ? key->text : "")) same = subset ? same : false;
  TREE_EACH(key, got) if (!list_has(wanted, key->text)) same = false;
  if (same) return;
  buf_printf(problems, "%s: findings ", what);
  say_list(problems, got);
  buf_str(problems, ", expected ");
  say_list(problems, wanted);
  buf_char(problems, '\n');
}

static void say_why(struct buf *problems, const struct tree *check) {
  const struct tree *error = tree_get(check, "error");
  if (error) buf_printf(problems, " (%s: %s)", tree_text_or(error, "key", ""), tree_text_or(error, "detail", ""));
  const char *mark = " (";
  TREE_EACH(finding, tree_get(check, "findings")) {
    buf_printf(problems, "%s%s at %s", mark, tree_text_or(finding, "key", ""), tree_text_or(finding, "path", ""));
    mark = ", ";
  }
  if (*mark == ',') buf_char(problems, ')');
}

static void compare_check(struct arena *arena, const struct tree *check, const struct tree *expect, bool live, struct buf *problems) {
  static const struct tree none = {.type = TREE_LIST};
  const char *id = tree_text_or(check, "id", ""), *outcome = tree_text_or(check, "outcome", "");
  const struct tree *own = tree_get(expect, id), *rest = tree_get(expect, "rest");
  const char *wanted = own && own->type == TREE_STRING ? own->text : own ? tree_text(own, "outcome") : rest && rest->type == TREE_STRING ? rest->text : NULL;
  bool half = !live && !strcmp(tree_text_or(check, "on", ""), "both");
  if (wanted && !half && strcmp(wanted, outcome) != 0) {
    buf_printf(problems, "%s ended %s, expected %s", id, outcome, wanted);
    say_why(problems, check);
    buf_char(problems, '\n');
  }
  const struct tree *findings = own ? tree_get(own, "findings") : NULL;
  if (findings) compare_keys(arena, id, findings, tree_get(check, "findings"), half, problems);
  else if (wanted && !strcmp(wanted, "pass") && !strcmp(outcome, "pass")) compare_keys(arena, id, &none, tree_get(check, "findings"), half, problems);
}

static bool start_earns(const struct lab *lab, const char *id) { return list_has(tree_get(lab->meta, "start-earns"), id); }

void prove_compare(struct arena *arena, const struct lab *lab, const struct tree *one, const char *name, const struct tree *params, const struct tree *verdict, bool live, struct buf *problems) {
  const struct tree *body = tree_get(verdict, "body"), *raw_expect = tree_get(one, "expect");
  const struct tree *expect = raw_expect ? filled_tree(arena, params, raw_expect) : NULL, *refused = tree_get(expect, "refused");
  bool is_refused = !strcmp(tree_text_or(body, "state", ""), "refused");
  if (refused) compare_keys(arena, "reading", refused, tree_get(body, "reading"), false, problems);
  if (is_refused != (refused != NULL)) {
    buf_printf(problems, "the files were %s", is_refused ? "refused:" : "taken, a refusal was expected\n");
    TREE_EACH(finding, tree_get(body, "reading")) if (is_refused) buf_printf(problems, " %s line %d", tree_text_or(finding, "key", ""), (int)tree_int(tree_get(finding, "at"), "line", 0));
    if (is_refused) buf_char(problems, '\n');
  }
  if (is_refused) return;
  TREE_EACH(check, tree_get(body, "checks")) {
    const char *id = tree_text_or(check, "id", ""), *outcome = tree_text_or(check, "outcome", "");
    struct fraction earned = {0, 1};
    if (!live && !strcmp(outcome, "unobserved")) continue;            /* it needs an API server */
    fraction_parse(tree_text(check, "earned"), &earned);
    if (!strcmp(name, "start") && !expect && (!strcmp(outcome, "pass") || earned.top) && !start_earns(lab, id)) buf_printf(problems, "%s earns %s at the start\n", id, tree_text_or(check, "earned", "0"));
    if (!strcmp(name, "solution") && !expect && strcmp(outcome, "pass") != 0) {
      buf_printf(problems, "%s ended %s", id, outcome);
      say_why(problems, check);
      buf_char(problems, '\n');
    }
    if (expect) compare_check(arena, check, expect, live, problems);
    if (!strcmp(outcome, "error") && !(expect && tree_get(expect, id))) {
      buf_printf(problems, "%s ended error", id);
      say_why(problems, check);
      buf_char(problems, '\n');
    }
  }
  if (!strcmp(name, "copied") && verdict_all_passed(verdict)) buf_str(problems, "the solution of another seed passes\n");
}

void prove_compare_apply(struct arena *arena, const struct tree *one, const struct tree *params, const struct tree *answer, struct buf *problems) {
  const struct tree *raw = tree_path(one, "expect.apply");
  const struct tree *expect = raw && raw->type == TREE_MAP ? raw : NULL;
  TREE_EACH(row, expect) {                                             /* a row about an object that was not handed in would be true of anything */
    bool met = false;
    TREE_EACH(object, tree_get(answer, "objects"))
      met |= !strcmp(filled(arena, params, row->key), arena_printf(arena, "%s/%s", tree_text_or(object, "kind", ""), tree_text_or(object, "name", "")));
    if (!met) buf_printf(problems, "apply: no %s was handed in\n", row->key);
  }
  TREE_EACH(object, tree_get(answer, "objects")) {
    char what[400];
    snprintf(what, sizeof what, "%s/%s", tree_text_or(object, "kind", ""), tree_text_or(object, "name", ""));
    const struct tree *wanted = NULL;
    TREE_EACH(row, expect) if (!strcmp(filled(arena, params, row->key), what)) wanted = row;
    static const struct tree none = {.type = TREE_LIST};
    compare_keys(arena, arena_printf(arena, "apply of %s", what), wanted ? wanted : &none, tree_get(object, "findings"), false, problems);
  }
}
