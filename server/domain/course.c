/* course: a course's order and a module's facts, quiz and page. Everything lies in the format's arena; no files, no pool. */
#include "domain/course.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/lesson.h"

#define ANSWERS_MAX 8

static const struct format_field course_fields[] = {
  {"format", FIELD_WORD, true, "makmal.course/1"}, {"title", FIELD_PAIR, true}, {"summary", FIELD_PAIR, true}, {"modules", FIELD_TEXTS, true},
  {"complete", FIELD_BOOL}, {"slides", FIELD_TEXTS}, {"was", FIELD_TEXTS}, {0},
};
static const struct format_field module_fields[] = {
  {"format", FIELD_WORD, true, "makmal.module/1"}, {"title", FIELD_PAIR, true}, {"minutes", FIELD_INT, true}, {"goals", FIELD_LIST, true}, {"labs", FIELD_LIST},
  {"covers", FIELD_TEXTS}, {"was", FIELD_TEXTS}, {0},
};
static const struct format_field lab_fields[] = {{"id", FIELD_TEXT, true}, {"was", FIELD_TEXTS}, {0}};
static const struct format_field quiz_fields[] = {{"format", FIELD_WORD, true, "makmal.quiz/1"}, {"items", FIELD_LIST, true}, {0}};
static const struct format_field item_fields[] = {{"id", FIELD_TEXT, true}, {"en", FIELD_TEXT, true}, {"ms", FIELD_TEXT, true}, {"answers", FIELD_LIST, true}, {0}};
static const struct format_field answer_fields[] = {{"en", FIELD_TEXT, true}, {"ms", FIELD_TEXT, true}, {"right", FIELD_BOOL}, {"betrays", FIELD_PAIR}, {0}};

static const char *file_of(struct format *format, const struct folder *folder, const char *name) { return arena_printf(format->arena, "%s/%s", folder->path, name); }

static void texts_of(const struct tree *map, const char *out[LANG_COUNT], const char *otherwise) {
  for (int lang = 0; lang < LANG_COUNT; lang++) out[lang] = tree_text_or(map, lang_code((enum lang)lang), otherwise);
}

static bool check_folder_id(struct format *format, const struct folder *folder) {
  if (format_id(folder->id)) return true;
  format_say(format, folder->path, 0, "lint.id", "id", folder->id, NULL);
  return false;
}

bool course_decode(struct format *format, const struct folder *folder, struct course_plan *out) {
  struct course_plan plan = {.course = {.id = folder->id}};
  const char *file = file_of(format, folder, "course.yaml");
  bool ok = check_folder_id(format, folder);
  const struct tree *meta = folder_doc(format, folder, "course.yaml", true);
  if (!meta) return false;
  ok &= format_fields(format, file, meta, course_fields);
  texts_of(tree_get(meta, "title"), plan.course.title, folder->id);
  texts_of(tree_get(meta, "summary"), plan.course.summary, "");
  plan.modules = format_texts(format, tree_get(meta, "modules"), &plan.module_count);
  plan.was = format_texts(format, tree_get(meta, "was"), &plan.was_count);
  plan.slides = format_texts(format, tree_get(meta, "slides"), &plan.slide_count);
  plan.complete = tree_flag(meta, "complete", false);
  if (plan.complete && !plan.slide_count) {
    format_say(format, file, tree_get(meta, "complete")->at.line, "lint.slides-missing", NULL);
    ok = false;
  }
  *out = plan;
  return ok;
}

/* --- module.yaml ------------------------------------------------------------------------------------------------------------------------------------ */

static bool decode_goals(struct format *format, const char *file, const struct tree *goals, struct module *module) {
  if (!goals || goals->type != TREE_LIST) return false;
  for (int lang = 0; lang < LANG_COUNT; lang++) module->goals[lang] = arena_alloc(format->arena, (goals->count + 1) * sizeof(char *));
  bool ok = true;
  TREE_EACH(goal, goals) {
    const char *text[LANG_COUNT];
    ok &= format_pair(format, file, goal, "goals", text);
    for (int lang = 0; lang < LANG_COUNT; lang++) module->goals[lang][module->goal_count] = text[lang];
    module->goal_count++;
  }
  return ok;
}

static bool decode_labs(struct format *format, const char *file, const struct tree *labs, struct module_plan *plan) {
  if (!labs || labs->type != TREE_LIST) return true;
  plan->labs = arena_alloc(format->arena, (labs->count + 1) * sizeof *plan->labs);
  bool ok = true;
  TREE_EACH(given, labs) {
    struct module_lab lab = {0};
    if (given->type == TREE_STRING) lab.id = given->text;
    else if (format_fields(format, file, given, lab_fields)) {
      lab.id = tree_text(given, "id");
      lab.was = format_texts(format, tree_get(given, "was"), &lab.was_count);
    } else {
      ok = false;
      continue;
    }
    for (size_t i = 0; i < plan->lab_count; i++)
      if (!strcmp(plan->labs[i].id, lab.id)) {
        format_say(format, file, given->at.line, "lint.lab-twice", "lab", lab.id, NULL);
        ok = false;
      }
    plan->labs[plan->lab_count++] = lab;
  }
  return ok;
}

/* --- quiz.yaml --------------------------------------------------------------------------------------------------------------------------------------- */

static bool decode_answers(struct format *format, const char *file, const struct tree *answers, struct quiz_item *item, int line) {
  struct quiz_answer *list = arena_alloc(format->arena, (answers->count + 1) * sizeof *list);
  bool ok = true;
  int right = 0;
  TREE_EACH(given, answers) {
    struct quiz_answer *answer = &list[item->answer_count++];
    ok &= format_fields(format, file, given, answer_fields);
    texts_of(given, answer->text, "");
    const struct tree *betrays = tree_get(given, "betrays");
    for (int lang = 0; lang < LANG_COUNT; lang++) answer->betrays[lang] = tree_text(betrays, lang_code((enum lang)lang));
    answer->right = tree_flag(given, "right", false);
    right += answer->right;
    if (answer->right == !!betrays) {
      format_say(format, file, given->at.line, answer->right ? "lint.quiz-right-betrays" : "lint.quiz-betrays", "item", item->id, NULL);
      ok = false;
    }
  }
  item->answers = list;
  if (right != 1) {
    format_say(format, file, line, "lint.quiz-one-right", "item", item->id, "count", arena_printf(format->arena, "%d", right), NULL);
    ok = false;
  }
  if (item->answer_count < 2 || item->answer_count > ANSWERS_MAX) {
    format_say(format, file, line, "lint.quiz-answers", "item", item->id, NULL);
    ok = false;
  }
  return ok;
}

static bool decode_quiz(struct format *format, const struct folder *folder, struct module *module) {
  if (!folder_find(folder, "quiz.yaml")) return true;
  const char *file = file_of(format, folder, "quiz.yaml");
  const struct tree *quiz = folder_doc(format, folder, "quiz.yaml", true);
  if (!quiz) return false;
  bool ok = true;
  const struct tree *items = quiz;
  if (quiz->type != TREE_LIST) {
    ok &= format_fields(format, file, quiz, quiz_fields);
    items = tree_get(quiz, "items");
  }
  if (!items || items->type != TREE_LIST) return false;
  struct quiz_item *list = arena_alloc(format->arena, (items->count + 1) * sizeof *list);
  TREE_EACH(given, items) {
    struct quiz_item item = {.id = tree_text_or(given, "id", "")};
    bool fine = format_fields(format, file, given, item_fields);
    if (*item.id && !format_id(item.id)) {
      format_say(format, file, given->at.line, "lint.quiz-id", "item", item.id, NULL);
      fine = false;
    }
    for (size_t i = 0; i < module->quiz_count; i++)
      if (!strcmp(list[i].id, item.id)) {
        format_say(format, file, given->at.line, "lint.quiz-twice", "item", item.id, NULL);
        fine = false;
      }
    texts_of(given, item.text, "");
    const struct tree *answers = tree_get(given, "answers");
    if (answers && answers->type == TREE_LIST) fine &= decode_answers(format, file, answers, &item, given->at.line);
    if (fine) list[module->quiz_count++] = item;
    ok &= fine;
  }
  module->quiz = list;
  return ok;
}

bool module_decode(struct format *format, const struct folder *folder, const char *course, struct module_plan *out) {
  struct module_plan plan = {.module = {.id = folder->id, .course = course}};
  const char *file = file_of(format, folder, "module.yaml");
  bool ok = check_folder_id(format, folder);
  const struct tree *meta = folder_doc(format, folder, "module.yaml", true);
  if (!meta) return false;
  ok &= format_fields(format, file, meta, module_fields);
  texts_of(tree_get(meta, "title"), plan.module.title, folder->id);
  plan.module.minutes = (int)tree_int(meta, "minutes", 0);
  if (tree_get(meta, "minutes") && (plan.module.minutes < 1 || plan.module.minutes > 600)) {
    format_say(format, file, tree_get(meta, "minutes")->at.line, "lint.field-range", "field", "minutes", "low", "1", "high", "600", NULL);
    ok = false;
  }
  ok &= decode_goals(format, file, tree_get(meta, "goals"), &plan.module);
  ok &= decode_labs(format, file, tree_get(meta, "labs"), &plan);
  plan.was = format_texts(format, tree_get(meta, "was"), &plan.was_count);
  plan.covers = format_texts(format, tree_get(meta, "covers"), &plan.cover_count);
  ok &= decode_quiz(format, folder, &plan.module);
  *out = plan;
  return ok;
}

/* --- page.<lang>.md ----------------------------------------------------------------------------------------------------------------------------------- */

static void drop_title(struct lesson *lesson) {
  const char *end = lesson->text + lesson->length;
  while (lesson->text < end && (*lesson->text == '\n' || *lesson->text == '\r')) lesson->text++;
  if (end - lesson->text > 2 && !memcmp(lesson->text, "# ", 2)) {
    const char *close = memchr(lesson->text, '\n', (size_t)(end - lesson->text));
    lesson->text = close ? close + 1 : end;
  }
  lesson->length = (size_t)(end - lesson->text);
}

bool module_page(struct format *format, const struct folder *folder, const struct words *words, struct module_plan *plan) {
  struct module *module = &plan->module;
  const char **lab_ids = arena_alloc(format->arena, (plan->lab_count + 1) * sizeof *lab_ids);
  for (size_t i = 0; i < plan->lab_count; i++) lab_ids[i] = plan->labs[i].id;
  const char **ids = NULL;
  size_t id_count = 0;
  bool ok = true;
  struct lesson_heading *headings[LANG_COUNT] = {0};
  size_t heading_count[LANG_COUNT] = {0};
  for (int lang = 0; lang < LANG_COUNT; lang++) {
    const char *name = arena_printf(format->arena, "page.%s.md", lang_code((enum lang)lang));
    const struct folder_file *file = folder_find(folder, name);
    if (!file) {
      format_say(format, folder->path, 0, "lint.file-missing", "file", name, NULL);
      module->html[lang] = "";
      ok = false;
      continue;
    }
    unsigned *placed = arena_alloc(format->arena, (module->quiz_count + 1) * sizeof *placed);
    struct lesson lesson = {.format = format, .words = words, .lang = (enum lang)lang, .file = file->path, .text = file->bytes, .length = file->length, .module = module->id,
                            .folder = folder, .quiz = module->quiz, .quiz_count = module->quiz_count, .quiz_placed = placed, .labs = module->labs, .lab_count = module->lab_count,
                            .lab_ids = lab_ids, .lab_id_count = plan->lab_count, .ids = ids, .id_count = id_count};
    drop_title(&lesson);
    struct buf html;
    buf_init(&html, LESSON_HTML_MAX);
    lesson_html(&lesson, &html, &headings[lang], &heading_count[lang], lang == LANG_EN ? &ids : NULL, lang == LANG_EN ? &id_count : NULL);
    module->html[lang] = arena_strn(format->arena, html.data, html.len);
    buf_release(&html);
    for (size_t i = 0; i < module->quiz_count; i++)
      if (placed[i] != 1) format_say(format, file->path, 0, placed[i] ? "lint.quiz-placed-twice" : "lint.quiz-unplaced", "item", module->quiz[i].id, NULL);
  }
  size_t n = heading_count[LANG_EN];
  module->headings = arena_alloc(format->arena, (n + 1) * sizeof *module->headings);
  module->heading_count = n;
  for (size_t i = 0; i < n; i++) {
    module->headings[i].id = headings[LANG_EN][i].id;
    module->headings[i].text[LANG_EN] = headings[LANG_EN][i].text;
    module->headings[i].text[LANG_MS] = i < heading_count[LANG_MS] ? headings[LANG_MS][i].text : headings[LANG_EN][i].text;
  }
  return ok;
}
