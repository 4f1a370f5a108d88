/* settings: the table and its reader. */
#include "app/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "kube/kube.h"

#define FILE_MAX_ (64u * 1024u)

enum kind { TEXT, DOMAIN, ADDRESS, PATH, NUMBER, SWITCH, LIST, CHOICE };
struct setting {
  const char *name;                     /* --name, and MAKMAL_NAME with "-" as "_" */
  enum kind kind;
  size_t offset;
  const char *fallback;                 /* default, as text; NULL: none */
  int64_t low, high;
  const char *choices;                  /* CHOICE: "debug info warn error" */
  const char *prose;
};
#define AT(field) offsetof(struct settings, field)
static const struct setting table[] = {
  {"home", PATH, AT(home), "/var/lib/makmal", 0, 0, NULL, "folder of the database and of this installation's id and secret"},
  {"listen", TEXT, AT(listen), "127.0.0.1", 0, 0, NULL, "address the pages are served on; 0.0.0.0 is every address of this machine"},
  {"port", NUMBER, AT(port), "8080", 0, 65535, NULL, "port the pages are served on; 0 takes a free one"},
  {"plain-http", SWITCH, AT(plain_http), "no", 0, 0, NULL, "serve beyond this machine without encryption (a classroom's own network); pages say so"},
  {"public-name", LIST, AT(public_name), NULL, 0, 0, NULL, "host name this server is reached by, beside its addresses; may be given several times"},
  {"proxy", LIST, AT(proxy), NULL, 0, 0, NULL, "address of a proxy in front that speaks https; its X-Forwarded-For and -Proto count; may be given several times"},
  {"api-listen", TEXT, AT(api_listen), NULL, 0, 0, NULL, "address of the relay to the cluster's API, for learners' own kubectl; default: as --listen"},
  {"api-port", NUMBER, AT(api_port), "7443", 0, 65535, NULL, "port of that relay"},
  {"ingress-port", NUMBER, AT(ingress_port), "0", 0, 65535, NULL, "port passed on to the embedded cluster's Ingress (http), at the same address; 0: none"},
  {"ingress-tls-port", NUMBER, AT(ingress_tls_port), "0", 0, 65535, NULL, "the same for https"},
  {"lab-domain", DOMAIN, AT(lab_domain), "lab.test", 0, 0, NULL, "labs' host names end in it; for browsers a domain of its own, of which every name leads to this machine, or localhost"},
  {"cluster", TEXT, AT(cluster), "main", 0, 0, NULL, "name of the embedded cluster; none: serve without a cluster"},
  {"kubeconfig", PATH, AT(kubeconfig), NULL, 0, 0, NULL, "use the cluster of this kubeconfig instead"},
  {"context", TEXT, AT(context), NULL, 0, 0, NULL, "context in that kubeconfig; default: its current one"},
  {"ingress-address", ADDRESS, AT(ingress_address), NULL, 0, 0, NULL, "where that cluster's Ingress controller is reached from here, as 192.0.2.7 or front.example.org:8080 (https: 443); unsaid, checks that ask for a page by its host are left out"},
  {"yes", SWITCH, AT(yes), "no", 0, 0, NULL, "do not ask whether that cluster is the right one"},
  {"people", NUMBER, AT(people), "200", 1, 5000, NULL, "people at once; sets the threads (64 + 2 each, never under 512) and the live streams (1.5 each)"},
  {"workers", NUMBER, AT(workers), "0", 0, 64, NULL, "checker processes; 0: one per core"},
  {"labs", PATH, AT(labs), NULL, 0, 0, NULL, "folder of the courses; default: labs/ beside the sources"},
  {"library", PATH, AT(library), NULL, 0, 0, NULL, "folder of the check library; default: lua-checks/ beside the sources"},
  {"words", PATH, AT(words), NULL, 0, 0, NULL, "folder of the sentences in both languages; default: web/words/ beside the sources"},
  {"web", PATH, AT(web), NULL, 0, 0, NULL, "folder of the built page; default: web/dist/ beside the sources"},
  {"worker", PATH, AT(worker), NULL, 0, 0, NULL, "the checker program; default: makmal-check beside makmal"},
  {"user", TEXT, AT(user), "makmal", 0, 0, NULL, "started as root, run as this user where that can be done"},
  {"log", CHOICE, AT(log), "info", 0, 0, "debug info warn error", "least level of what is logged, to standard error"},
  {"trace", TEXT, AT(trace), NULL, 0, 0, NULL, "log in detail: http,sql,kube,check,jobs,live"},
  {"rates", SWITCH, AT(rates), "yes", 0, 0, NULL, "limit requests a second; no: for measurements alone"},
  {"config", PATH, AT(config), NULL, 0, 0, NULL, "file with lines `name = value`, names as above"},
};
#define ROWS (sizeof table / sizeof *table)

static const struct setting *find(const char *name, size_t length) {
  for (size_t i = 0; i < ROWS; i++) if (strlen(table[i].name) == length && !memcmp(table[i].name, name, length)) return &table[i];
  return NULL;
}

static bool refuse(const struct setting *row, const char *value, const char *wanted, const char *from, struct err *err) {
  err_set(err, ERR_INVALID, "settings.value", NULL);
  err_param(err, "name", "%s", row->name);
  err_param(err, "value", "%.100s", value);
  err_param(err, "wanted", "%s", wanted);
  return err_param(err, "from", "%s", from);
}

/* A host name in small letters; a lab's namespace (16) and a dot must fit in front of it. */
static bool is_domain(const char *value) {
  size_t label = 0, length = strlen(value);
  for (const char *c = value; *c; c++) {
    bool edge = !label || !c[1] || c[1] == '.';
    if (*c == '.' ? !label || !c[1] : !((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || (*c == '-' && !edge))) return false;
    label = *c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return length && length <= 200;
}

static bool put(struct arena *arena, struct settings *out, const struct setting *row, const char *value, const char *from, struct err *err) {
  void *where = (char *)out + row->offset;
  switch (row->kind) {
    case DOMAIN:
      if (!is_domain(value)) return refuse(row, value, "a domain in small letters, as labs.example.org", from, err);
      *(const char **)where = arena_str(arena, value);
      return true;
    case ADDRESS: {
      struct kube_front front;
      if (!kube_front_at(value, NULL, &front)) return refuse(row, value, "a host or an address, with or without a port, as 192.0.2.7:8080", from, err);
      *(const char **)where = arena_str(arena, value);
      return true;
    }
    case TEXT: case PATH:
      if (!*value) return refuse(row, value, row->kind == PATH ? "a path" : "a text", from, err);
      *(const char **)where = arena_str(arena, value);
      return true;
    case NUMBER: {
      char *end;
      long long number = strtoll(value, &end, 10);
      if (!*value || *end || *value == '+' || *value == ' ' || number < row->low || number > row->high)
        return refuse(row, value, arena_printf(arena, "a whole number from %lld to %lld", (long long)row->low, (long long)row->high), from, err);
      *(int64_t *)where = number;
      return true;
    }
    case SWITCH: {
      bool yes = !strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "1");
      if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0 && strcmp(value, "0") != 0) return refuse(row, value, "yes or no", from, err);
      *(bool *)where = yes;
      return true;
    }
    case LIST:
      for (struct setting_list *list = where; *value;) {
        size_t n = strcspn(value, ", ");
        if (n && list->count == SETTINGS_LIST_MAX) return refuse(row, value, "16 entries at most", from, err);
        if (n) list->item[list->count++] = arena_strn(arena, value, n);
        value += n;
        value += strspn(value, ", ");
      }
      return true;
    case CHOICE: {
      size_t n = strlen(value);
      for (const char *at = row->choices; n && !strchr(value, ' ') && (at = strstr(at, value)); at += n)
        if ((at == row->choices || at[-1] == ' ') && (at[n] == ' ' || !at[n])) {
          *(const char **)where = arena_str(arena, value);
          return true;
        }
      return refuse(row, value, arena_printf(arena, "one of: %s", row->choices), from, err);
    }
  }
  return false;
}

static const char *variable(struct arena *arena, const struct setting *row) {
  char *name = arena_printf(arena, "MAKMAL_%s", row->name);
  for (char *c = name + 7; *c; c++) *c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
  return name;
}

static const char *look_up(char *const *environment, const char *name) {
  size_t n = strlen(name);
  for (; environment && *environment; environment++) if (!strncmp(*environment, name, n) && (*environment)[n] == '=') return *environment + n + 1;
  return NULL;
}

/* Which settings a source has given: a list of a stronger source replaces the weaker one's instead of growing it. */
static void clear_list(struct settings *out, const struct setting *row, bool *cleared) {
  if (row->kind != LIST || *cleared) return;
  memset((char *)out + row->offset, 0, sizeof(struct setting_list));
  *cleared = true;
}

static bool read_file(struct arena *arena, const char *path, struct settings *out, struct err *err) {
  char *text;
  size_t length;
  bool cleared[ROWS] = {false};
  if (!file_read(arena, path, FILE_MAX_, &text, &length, err)) return false;
  int number = 0;
  for (char *line = text, *next; line && *line; line = next) {
    char *end = strchr(line, '\n');
    next = end ? end + 1 : NULL;
    if (end) *end = 0;
    number++;
    line += strspn(line, " \t");
    if (!*line || *line == '#') continue;
    char *equals = strchr(line, '='), *value = equals ? equals + 1 + strspn(equals + 1, " \t") : NULL;
    size_t n = equals ? (size_t)(equals - line) : 0;
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
    const struct setting *row = n ? find(line, n) : NULL;
    if (!row || row->offset == AT(config)) {
      err_set(err, ERR_INVALID, "settings.line", NULL);
      err_param(err, "file", "%s", path);
      return err_param(err, "line", "%d", number);
    }
    for (size_t v = strlen(value); v && (value[v - 1] == ' ' || value[v - 1] == '\t' || value[v - 1] == '\r'); v--) value[v - 1] = 0;
    clear_list(out, row, &cleared[row - table]);
    if (!put(arena, out, row, value, arena_printf(arena, "%s:%d", path, number), err)) return false;
  }
  return true;
}

bool settings_read(struct arena *arena, int argc, char **argv, char *const *environment, struct settings *out, bool *out_help, struct err *err) {
  struct settings all = {0};
  *out_help = false;
  for (size_t i = 0; i < ROWS; i++) if (table[i].fallback && !put(arena, &all, &table[i], table[i].fallback, "default", err)) return false;
  /* the file's own name must be known before the rest */
  const char *config = look_up(environment, "MAKMAL_CONFIG");
  for (int i = 1; i < argc; i++) {
    if (!strncmp(argv[i], "--config=", 9)) config = argv[i] + 9;
    else if (!strcmp(argv[i], "--config") && i + 1 < argc) config = argv[i + 1];
  }
  if (config && *config && !read_file(arena, config, &all, err)) return false;
  for (size_t i = 0; i < ROWS; i++) {
    const char *name = variable(arena, &table[i]), *value = look_up(environment, name);
    bool cleared = false;
    if (!value || !*value) continue;
    clear_list(&all, &table[i], &cleared);
    if (!put(arena, &all, &table[i], value, name, err)) return false;
  }
  bool cleared[ROWS] = {false};
  for (int i = 1; i < argc; i++) {
    const char *flag = argv[i];
    if (!strcmp(flag, "--help") || !strcmp(flag, "-h")) {
      *out_help = true;
      return true;
    }
    size_t n = strncmp(flag, "--", 2) ? 0 : strcspn(flag + 2, "=");
    const struct setting *row = n ? find(flag + 2, n) : NULL;
    if (!row) return err_set(err, ERR_INVALID, "settings.unknown", NULL), err_param(err, "name", "%.100s", flag);
    const char *value = flag[2 + n] ? flag + 3 + n : NULL;
    if (!value && row->kind == SWITCH) value = "yes";
    else if (!value && i + 1 < argc) value = argv[++i];
    else if (!value) return err_set(err, ERR_INVALID, "settings.missing", NULL), err_param(err, "name", "%s", row->name);
    clear_list(&all, row, &cleared[row - table]);
    if (!put(arena, &all, row, value, arena_printf(arena, "--%s", row->name), err)) return false;
  }
  /* Learners' pages stand under the lab domain: in one that holds this server too they could set cookies for it. (Browsers keep localhost apart.) */
  size_t domain = strlen(all.lab_domain);
  for (size_t i = 0; i < all.public_name.count; i++) {
    const char *name = all.public_name.item[i], *tail = strlen(name) >= domain ? name + strlen(name) - domain : "";
    if (strcmp(tail, all.lab_domain) == 0 && (tail == name || tail[-1] == '.') && strcmp(all.lab_domain, "localhost") != 0)
      return refuse(find("lab-domain", strlen("lab-domain")), all.lab_domain, arena_printf(arena, "a domain that does not hold this server's own name %s", name), "--lab-domain", err);
  }
  *out = all;
  return true;
}

static bool listed(const char *const *names, const char *name) {
  for (; *names; names++) if (!strcmp(*names, name)) return true;
  return false;
}

void settings_help(FILE *out, const char *const *only) {
  static const char *const what[] = {[TEXT] = "TEXT", [DOMAIN] = "NAME", [ADDRESS] = "HOST[:PORT]", [PATH] = "PATH", [NUMBER] = "N", [SWITCH] = "", [LIST] = "NAME", [CHOICE] = "WORD"};
  struct arena *arena = arena_new(0);
  for (size_t i = 0; i < ROWS; i++) {
    const struct setting *row = &table[i];
    if (only && !listed(only, row->name)) continue;
    fprintf(out, "  --%s%s%s\n        %s\n        ", row->name, *what[row->kind] ? " " : "", what[row->kind], row->prose);
    if (row->fallback) fprintf(out, "default %s; ", row->fallback);
    if (row->kind == NUMBER) fprintf(out, "%lld to %lld; ", (long long)row->low, (long long)row->high);
    if (row->choices) fprintf(out, "one of %s; ", row->choices);
    fprintf(out, "%s\n", variable(arena, row));
  }
  arena_free(arena);
}

void settings_differing(const struct settings *settings, void (*tell)(void *ctx, const char *name, const char *value), void *ctx) {
  for (size_t i = 0; i < ROWS; i++) {
    const struct setting *row = &table[i];
    const void *where = (const char *)settings + row->offset;
    char number[32];
    const char *value = NULL;
    if (row->kind == NUMBER) snprintf(number, sizeof number, "%lld", (long long)*(const int64_t *)where), value = number;
    else if (row->kind == SWITCH) value = *(const bool *)where ? "yes" : "no";
    else if (row->kind == LIST) value = ((const struct setting_list *)where)->count ? ((const struct setting_list *)where)->item[0] : NULL;
    else value = *(const char *const *)where;
    if (value && (!row->fallback || strcmp(value, row->fallback) != 0)) tell(ctx, row->name, value);
  }
}

int settings_threads(const struct settings *settings) {
  int64_t threads = 64 + 2 * settings->people;
  return (int)(threads < 512 ? 512 : threads);
}

int settings_seats(const struct settings *settings) { return (int)(settings->people + settings->people / 2); }
