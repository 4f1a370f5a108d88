/* lint_script: looks over a lab's Lua as text: tokens, not meaning. Globals nobody declared, `and` `or` `not` beside a comparison (a result is a table and so
 * never false), words that a share names and nobody wrote, words that nobody names. */
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/tree.h"
#include "domain/lint_inside.h"

#define KEYWORDS "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"
#define LUA_NAMES "assert error ipairs math pairs print select string table tonumber tostring type utf8 rawequal rawget rawlen rawset setmetatable getmetatable"

enum token_type { T_NAME, T_KEYWORD, T_STRING, T_NUMBER, T_OTHER };
struct token { enum token_type type; const char *text; int line; };
struct script { struct token *tokens; size_t count; };

/* Length of a long bracket's opening ([[, [==[) at s, or 0. */
static size_t long_open(const char *s) {
  if (*s != '[') return 0;
  size_t n = 1 + strspn(s + 1, "=");
  return s[n] == '[' ? n + 1 : 0;
}

static const char *long_end(const char *s, size_t open) {
  for (; *s; s++) {
    if (*s != ']' || strspn(s + 1, "=") != open - 2 || s[open - 1] != ']') continue;
    return s + open;
  }
  return s;
}

static struct script tokens_of(struct arena *arena, const char *text) {
  struct script script = {.tokens = arena_alloc(arena, (strlen(text) + 1) * sizeof(struct token))};
  int line = 1;
  for (const char *s = text; *s;) {
    const char *from = s;
    struct token token = {.type = T_OTHER, .line = line};
    size_t open;
    if (isspace((unsigned char)*s)) s++;
    else if (s[0] == '-' && s[1] == '-') {
      s += 2;
      if ((open = long_open(s))) s = long_end(s + open, open);
      else while (*s && *s != '\n') s++;
    } else if ((open = long_open(s))) {
      s = long_end(s + open, open);
      token.type = T_STRING;
      token.text = (size_t)(s - from) >= 2 * open ? arena_strn(arena, from + open, (size_t)(s - from) - 2 * open) : "";
      script.tokens[script.count++] = token;
    } else if (*s == '"' || *s == '\'') {
      for (s++; *s && *s != *from; s++) if (*s == '\\' && s[1]) s++;
      token.type = T_STRING;
      token.text = arena_strn(arena, from + 1, (size_t)(s - from) - 1);
      if (*s) s++;
      script.tokens[script.count++] = token;
    } else if (isalpha((unsigned char)*s) || *s == '_') {
      while (isalnum((unsigned char)*s) || *s == '_') s++;
      token.text = arena_strn(arena, from, (size_t)(s - from));
      token.type = format_word_in(token.text, KEYWORDS) ? T_KEYWORD : T_NAME;
      script.tokens[script.count++] = token;
    } else if (isdigit((unsigned char)*s)) {
      while (isalnum((unsigned char)*s) || *s == '.') s++;
      token.type = T_NUMBER;
      token.text = arena_strn(arena, from, (size_t)(s - from));
      script.tokens[script.count++] = token;
    } else {
      static const char *const longer[] = {"...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"};
      size_t n = 1;
      for (size_t i = 0; i < sizeof longer / sizeof *longer && n == 1; i++) if (!strncmp(s, longer[i], strlen(longer[i]))) n = strlen(longer[i]);
      s += n;
      token.text = arena_strn(arena, from, n);
      script.tokens[script.count++] = token;
    }
    for (; from < s; from++) line += *from == '\n';
  }
  return script;
}

static bool is(const struct script *script, size_t i, const char *text) { return i < script->count && script->tokens[i].type != T_STRING && !strcmp(script->tokens[i].text, text); }
static bool is_name(const struct script *script, size_t i) { return i < script->count && script->tokens[i].type == T_NAME; }

/* --- globals -------------------------------------------------------------------------------------------------------------------------------------------------- */

static void declare(struct buf *names, const char *name) { buf_printf(names, " %s", name); }

/* Every name that `local`, a parameter list or a `for` brings in, wherever in the file: a misspelt name is in none of them. */
static void declared(const struct script *script, struct buf *names) {
  for (size_t i = 0; i < script->count; i++) {
    if (is(script, i, "local") || is(script, i, "for")) {
      size_t at = i + 1;
      if (is(script, at, "function")) at++;
      for (; is_name(script, at); at += 2) {
        declare(names, script->tokens[at].text);
        if (is(script, at + 1, "<")) at += 3;           /* local x <const> */
        if (!is(script, at + 1, ",")) break;
      }
    }
    if (!is(script, i, "function")) continue;
    size_t at = i + 1;
    while (is_name(script, at) || is(script, at, ".") || is(script, at, ":")) at++;
    if (is(script, at, "(")) for (at++; is_name(script, at) || is(script, at, ","); at++) if (is_name(script, at)) declare(names, script->tokens[at].text);
  }
}

static void lint_globals(struct format *format, const char *file, const struct script *script, const char *allowed) {
  struct buf names;
  buf_init(&names, 64 * 1024);
  buf_str(&names, "self");
  declared(script, &names);
  const char **said = arena_alloc(format->arena, (script->count + 1) * sizeof *said);
  size_t said_count = 0;
  char open[256];
  size_t depth = 0;
  for (size_t i = 0; i < script->count; i++) {
    if ((is(script, i, "{") || is(script, i, "(")) && depth < sizeof open) open[depth++] = *script->tokens[i].text;
    else if ((is(script, i, "}") || is(script, i, ")")) && depth) depth--;
    if (!is_name(script, i)) continue;
    const char *name = script->tokens[i].text;
    bool member = i && (is(script, i - 1, ".") || is(script, i - 1, ":") || is(script, i - 1, "::") || is(script, i - 1, "goto"));
    bool field = depth && open[depth - 1] == '{' && is(script, i + 1, "=") && i && (is(script, i - 1, "{") || is(script, i - 1, ",") || is(script, i - 1, ";"));
    bool attribute = i && is(script, i - 1, "<") && is(script, i + 1, ">");
    if (member || field || attribute || format_word_in(name, LUA_NAMES) || format_word_in(name, allowed) || format_word_in(name, names.data)) continue;
    bool before = false;
    for (size_t k = 0; k < said_count; k++) before |= !strcmp(said[k], name);
    if (before) continue;
    said[said_count++] = name;
    const char *near = format_near(format->arena, name, arena_printf(format->arena, "%s %s", allowed, names.data));
    if (near) format_say(format, file, script->tokens[i].line, "lint.global-near", "name", name, "near", near, NULL);
    else format_say(format, file, script->tokens[i].line, "lint.global", "name", name, NULL);
  }
  buf_release(&names);
}

/* --- logic and words ------------------------------------------------------------------------------------------------------------------------------------------ */

static bool asserts(const struct script *script, size_t i) {
  return i && (is(script, i - 1, ":") || is(script, i - 1, ".")) && (is(script, i, "share") || is(script, i, "must") || is(script, i, "wait")) && is(script, i + 1, "(");
}

static size_t closing(const struct script *script, size_t open) {
  size_t depth = 0;
  for (size_t i = open; i < script->count; i++) {
    if (is(script, i, "(")) depth++;
    else if (is(script, i, ")") && --depth == 0) return i;
  }
  return script->count;
}

/* Inside share(…), must(…), wait(…): and, or, not see a result as true. In the condition of an `if` plain values are meant, and holds() gives one. */
static void lint_logic(struct format *format, const char *file, const struct script *script, size_t from, size_t to) {
  bool condition = false, holds = false;
  for (size_t i = from; i < to; i++) holds |= is(script, i, "holds");
  for (size_t i = from; i < to && !holds; i++) {
    if (is(script, i, "if") || is(script, i, "elseif") || is(script, i, "while")) condition = true;
    else if (is(script, i, "then") || is(script, i, "do")) condition = false;
    else if (!condition && (is(script, i, "and") || is(script, i, "or") || is(script, i, "not")))
      format_say(format, file, script->tokens[i].line, "lint.logic", "word", script->tokens[i].text, NULL);
  }
}

static bool key_like(const char *text) {
  const char *dot = strchr(text, '.');
  return dot && dot > text && dot[1] && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(text);
}

static bool own(const struct lab *lab, const char *key) {
  for (size_t i = 0; i < lab->check_count; i++) {
    size_t n = strlen(lab->checks[i].id);
    if (!strncmp(key, lab->checks[i].id, n) && key[n] == '.') return true;
  }
  return false;
}

/* The key is the share's second value: a string right behind a comma, one level inside. */
static void lint_keys(struct format *format, const char *file, const struct script *script, size_t from, size_t to, const struct lab *lab) {
  for (size_t i = from + 1; i < to; i++) {
    const struct token *token = &script->tokens[i];
    if (token->type != T_STRING || !is(script, i - 1, ",") || !(is(script, i + 1, ")") || is(script, i + 1, ",")) || !key_like(token->text)) continue;
    if (!words_has(lab->words, LANG_EN, token->text) && (own(lab, token->text) || i + 1 == to))
      format_say(format, file, token->line, "lint.word-missing", "name", token->text, NULL);
  }
}

static bool ends(const char *text, const char *tail) {
  size_t n = strlen(text), t = strlen(tail);
  return n > t && !strcmp(text + n - t, tail);
}

static void lint_unused(struct format *format, const struct lab_bench *bench, const struct script *script, const struct tree *words) {
  const char *file = arena_printf(format->arena, "%s/words.yaml", bench->folder.path);
  TREE_EACH(entry, words) {
    if (!own(&bench->lab, entry->key) || ends(entry->key, ".title")) continue;
    const char *base = ends(entry->key, ".why") ? arena_strn(format->arena, entry->key, strlen(entry->key) - 4) : entry->key;
    bool used = false;
    for (size_t i = 0; i < script->count; i++) used |= script->tokens[i].type == T_STRING && !strcmp(script->tokens[i].text, base);
    if (!used) format_say(format, file, entry->key_at.line ? entry->key_at.line : entry->at.line, "lint.word-unused", "name", entry->key, NULL);
  }
}

void lint_script(struct format *format, const struct lab_bench *bench, const struct tree *words, const char *allowed) {
  const char *file = arena_printf(format->arena, "%s/checks.lua", bench->folder.path);
  struct script script = tokens_of(format->arena, bench->lab.script.text);
  lint_globals(format, file, &script, allowed);
  for (size_t i = 0; i < script.count; i++) {
    if (!asserts(&script, i)) continue;
    size_t close = closing(&script, i + 1);
    lint_logic(format, file, &script, i + 1, close);
    if (!is(&script, i, "wait")) lint_keys(format, file, &script, i + 1, close, &bench->lab);
  }
  lint_unused(format, bench, &script, words);
}

const char *lint_exports(struct arena *arena, const struct edition *edition) {
  struct buf names;
  buf_init(&names, 16 * 1024);
  for (size_t i = 0; i < edition->library_count; i++) {
    struct script script = tokens_of(arena, edition->library[i].text);
    for (size_t t = 0; t + 3 < script.count; t++)
      if (is(&script, t, "export") && is(&script, t + 1, ".") && is_name(&script, t + 2) && is(&script, t + 3, "=")) buf_printf(&names, "%s%s", names.len ? " " : "", script.tokens[t + 2].text);
  }
  const char *list = arena_str(arena, names.data);
  buf_release(&names);
  return list;
}
