/* run_script: runs one check script over files and over objects described in files, in a real worker, and prints what comes back as JSON. For authors of
 * the check library and for its cases; no cluster, no server. Exit 0: it ran (whatever came out), 2: wrong use, 3: it could not run.
 *
 *   run_script [options] checks.lua [FILE…]      FILE…: what is handed in
 *   --library DIR      the library (default: lua-checks/lib of this tree)        --worker PROGRAM   (default: makmal-check of this build)
 *   --params JSON      parameters, p.namespace included                          --setup FILE       a set-up file (again and again)
 *   --live FILE        objects of the namespace, YAML or JSON (again and again)  --start FILE       the same as the start state
 *   --http FILE        JSON {"service:port/path": [{status, text}, …]}: answers in turn, the last one stays
 *   --dryrun FILE      JSON {"Kind/name": {status, body}}; what is not named is taken as it is
 *   --refuse who       every read fails: cluster, denied or limit
 *   --scope files|live|both (default: both when there is --live, else files)     --lab JSON   --held JSON   --at-ms N   --applied-ms N   --settled   --closing
 *   --list             what the script declares                                  --times N    run again and again, tell the middle time on stderr */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"

#define FILE_MAX (4u << 20)

struct world { struct arena *arena; struct tree *objects, *http, *dryrun; const char *refuse; int64_t at_ms; int reads; };

static struct arena *arena;

static void give_up(int status, const char *what, const struct err *err) {
  fprintf(stderr, "run_script: %s: %s %s\n", what, err ? err->key : "", err ? err->detail : "");
  for (int i = 0; err && i < err->params; i++) fprintf(stderr, "  %s: %s\n", err->param[i].name, err->param[i].value);
  exit(status);
}

static void read_file(const char *path, char **out, size_t *out_length) {
  struct err err = {0};
  if (!file_read(arena, path, FILE_MAX, out, out_length, &err)) give_up(2, path, &err);
}

static struct tree *read_json(const char *text_or_path) {
  struct err err = {0};
  struct tree *tree;
  char *text = (char *)text_or_path;
  size_t length = strlen(text);
  if (*text != '{') read_file(text_or_path, &text, &length);
  if (!tree_parse(arena, text, length, 0, &tree, &err)) give_up(2, text_or_path, &err);
  return tree;
}

static struct check_file as_file(const char *path) {
  char *bytes;
  size_t length;
  const char *slash = strrchr(path, '/');
  read_file(path, &bytes, &length);
  return (struct check_file){slash ? slash + 1 : path, bytes, length};
}

static struct check_source as_source(const char *path) {
  struct check_file file = as_file(path);
  struct check_source source = {.name = file.name, .text = file.bytes, .length = file.length};
  secret_sha256_hex(file.bytes, file.length, source.sha256);
  return source;
}

/* The objects of files, parameters filled in. */
static struct tree *read_objects(struct check_pool *pool, struct check_file *files, size_t count, const struct tree *params) {
  struct err err = {0};
  struct tree *docs, *reading, *list = tree_new(arena, TREE_LIST);
  bool refused;
  struct check_read_job job = {.files = files, .file_count = count, .params = params ? params : tree_new(arena, TREE_MAP), .objects = true};
  if (!check_read(pool, arena, &job, &docs, &reading, &refused, &err)) give_up(3, "objects", &err);
  if (refused) {
    struct buf text;
    buf_init(&text, 1 << 20);
    tree_write(&text, reading);
    fprintf(stderr, "run_script: %s\n", text.data);
    exit(2);
  }
  TREE_EACH(doc, docs) tree_push(list, tree_copy(arena, tree_get(doc, "value")));
  return list;
}

static bool has_labels(const struct tree *object, const char *selector) {
  const struct tree *labels = tree_path(object, "metadata.labels");
  char pair[400];
  while (selector && *selector) {
    size_t n = strcspn(selector, ",");
    snprintf(pair, sizeof pair, "%.*s", (int)n, selector);
    char *equals = strchr(pair, '=');
    if (equals) *equals = 0;
    const char *value = tree_text(labels, pair);
    if (!value || (equals && strcmp(value, equals + 1))) return false;
    selector += n + (selector[n] == ',');
  }
  return true;
}

static struct tree *status(const struct world *world, int code, const char *reason, struct arena *a) {
  (void)world;
  struct tree *t = tree_new(a, TREE_MAP);
  tree_put_text(a, t, "kind", "Status");
  tree_put_text(a, t, "apiVersion", "v1");
  tree_put_text(a, t, "reason", reason);
  tree_put_int(a, t, "code", code);
  return t;
}

static bool answer(void *ctx, struct arena *a, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err) {
  struct world *world = ctx;
  const char *verb = tree_text_or(request, "verb", ""), *kind = tree_text_or(request, "kind", ""), *name = tree_text(request, "name");
  int code = 200;
  if (world->refuse) {
    if (!strcmp(world->refuse, "denied")) return err_set(err, ERR_DENIED, "check.read-refused", "as asked for");
    if (!strcmp(world->refuse, "limit")) return err_set(err, ERR_LIMIT, "check.reads", "as asked for");
    return err_set(err, ERR_UNAVAILABLE, "cluster.away", "as asked for");
  }
  if (!strcmp(verb, "list")) {
    struct tree *list = tree_new(a, TREE_MAP), *items = tree_new(a, TREE_LIST);
    tree_put(a, list, "items", items);
    TREE_EACH(object, world->objects)
      if (!strcmp(tree_text_or(object, "kind", ""), kind) && has_labels(object, tree_text(request, "selector"))) tree_push(items, tree_copy(a, object));
    tree_write_plain(reply, list);
  } else if (!strcmp(verb, "get")) {
    const struct tree *found = NULL;
    TREE_EACH(object, world->objects)
      if (!strcmp(tree_text_or(object, "kind", ""), kind) && name && !strcmp(tree_text_or(tree_get(object, "metadata"), "name", ""), name)) found = object;
    code = found ? 200 : 404;
    tree_write_plain(reply, found ? found : status(world, 404, "NotFound", a));
  } else if (!strcmp(verb, "http")) {
    const struct tree *port = tree_get(request, "port");
    const char *key = arena_printf(a, "%s:%s%s", tree_text_or(request, "service", ""), port && port->text ? port->text : "", tree_text_or(request, "path", "/"));
    struct tree *answers = tree_get(world->http, key), *first = answers ? answers->child : NULL;
    code = first ? (int)tree_int(first, "status", 200) : 503;
    buf_json(reply, first ? tree_text_or(first, "text", "") : "no endpoints available");
    if (first && first->next) answers->child = first->next;
  } else if (!strcmp(verb, "dryrun")) {
    const struct tree *object = tree_get(request, "object");
    const char *key = arena_printf(a, "%s/%s", tree_text_or(object, "kind", ""), tree_text_or(tree_get(object, "metadata"), "name", ""));
    const struct tree *said = tree_get(world->dryrun, key);
    code = said ? (int)tree_int(said, "status", 200) : 200;
    tree_write_plain(reply, said ? tree_get(said, "body") : object);
  } else return err_set(err, ERR_INVALID, "check.read-refused", "verb %s", verb);
  *out_meta = tree_new(a, TREE_MAP);
  tree_put_int(a, *out_meta, "status", code);
  tree_put_int(a, *out_meta, "at_ms", world->at_ms);
  tree_put_int(a, *out_meta, "n", world->reads++);
  return true;
}

static void print(const struct tree *tree) {
  struct buf text;
  buf_init(&text, 64 << 20);
  tree_write(&text, tree);
  puts(text.data);
  buf_release(&text);
}

static int by_time(const void *a, const void *b) { return *(const int64_t *)a < *(const int64_t *)b ? -1 : *(const int64_t *)a > *(const int64_t *)b; }

int main(int argc, char **argv) {
  static const struct option options[] = {
    {"library", 1, 0, 'L'}, {"worker", 1, 0, 'w'}, {"params", 1, 0, 'p'}, {"setup", 1, 0, 's'}, {"live", 1, 0, 'l'}, {"start", 1, 0, 'S'}, {"http", 1, 0, 'h'}, {"dryrun", 1, 0, 'd'},
    {"refuse", 1, 0, 'r'}, {"scope", 1, 0, 'c'}, {"lab", 1, 0, 'b'}, {"held", 1, 0, 'e'}, {"at-ms", 1, 0, 'a'}, {"applied-ms", 1, 0, 'A'}, {"settled", 0, 0, 't'},
    {"closing", 0, 0, 'C'}, {"list", 0, 0, 'i'}, {"times", 1, 0, 'n'}, {0},
  };
  static struct check_file files[CHECK_FILES_MAX + 1], setup[64], live[64], start[64];
  size_t file_count = 0, setup_count = 0, live_count = 0, start_count = 0;
  const char *library = TEST_SOURCE_DIR "/lua-checks/lib", *worker = TEST_BINARY_DIR "/makmal-check", *scope = NULL;
  struct world world = {.at_ms = 1767225600000};
  struct check_job job = {.at_ms = world.at_ms};
  bool list = false;
  int times = 1;
  struct err err = {0};
  arena = arena_new(0);
  secret_init();
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
    case 'L': library = optarg; break;
    case 'w': worker = optarg; break;
    case 'p': job.params = read_json(optarg); break;
    case 's': if (setup_count < 64) setup[setup_count++] = as_file(optarg); break;
    case 'l': if (live_count < 64) live[live_count++] = as_file(optarg); break;
    case 'S': if (start_count < 64) start[start_count++] = as_file(optarg); break;
    case 'h': world.http = read_json(optarg); break;
    case 'd': world.dryrun = read_json(optarg); break;
    case 'r': world.refuse = optarg; break;
    case 'c': scope = optarg; break;
    case 'b': job.lab = read_json(optarg); break;
    case 'e': job.held = read_json(optarg); break;
    case 'a': job.at_ms = world.at_ms = atoll(optarg); break;
    case 'A': job.applied_ms = atoll(optarg); break;
    case 't': job.settled = true; break;
    case 'C': job.closing = true; break;
    case 'i': list = true; break;
    case 'n': times = atoi(optarg) > 0 ? atoi(optarg) : 1; break;
    default: return 2;
  }
  if (optind >= argc) {
    fprintf(stderr, "run_script [options] checks.lua [FILE...]\n");
    return 2;
  }
  struct check_source script = as_source(argv[optind++]);
  for (; optind < argc && file_count < CHECK_FILES_MAX; optind++) files[file_count++] = as_file(argv[optind]);
  char **names;
  size_t count;
  if (!file_list(arena, library, false, true, &names, &count, &err)) give_up(2, library, &err);
  struct check_source *sources = arena_alloc(arena, (count + 1) * sizeof *sources);
  size_t source_count = 0;
  for (size_t i = 0; i < count; i++) {
    size_t n = strlen(names[i]);
    if (n > 4 && !strcmp(names[i] + n - 4, ".lua")) sources[source_count++] = as_source(arena_printf(arena, "%s/%s", library, names[i]));
  }
  struct check_pool *pool = check_pool_open(worker, 1, &err);
  if (!pool) give_up(3, worker, &err);
  if (list) {
    struct tree *declared;
    if (!check_list(pool, arena, sources, source_count, &script, &declared, &err)) give_up(1, "list", &err);
    print(declared);
    check_pool_close(pool);
    return 0;
  }
  world.objects = read_objects(pool, live, live_count, job.params);
  if (start_count) {
    struct tree *state = tree_new(arena, TREE_MAP);
    tree_put(arena, state, "objects", read_objects(pool, start, start_count, job.params));
    job.start = state;
  }
  if (!scope) scope = live_count ? "both" : "files";
  job.scope = !strcmp(scope, "files") ? CHECK_SCOPE_FILES : !strcmp(scope, "live") ? CHECK_SCOPE_LIVE : CHECK_SCOPE_BOTH;
  job.library = sources;
  job.library_count = source_count;
  job.script = &script;
  job.files = files;
  job.file_count = file_count;
  job.setup = setup;
  job.setup_count = setup_count;
  struct check_wish wish = {.ctx = &world, .read = answer};
  struct check_result result;
  int64_t *took = arena_alloc(arena, (size_t)times * 2 * sizeof *took);
  for (int i = 0; i < times; i++) {
    struct arena *own = arena_new(0);
    world.reads = 0;
    if (!check_run(pool, i + 1 < times ? own : arena, &job, &wish, &result, &err)) give_up(3, "run", &err);
    took[i] = result.wall_us;
    took[times + i] = result.cpu_us;
    arena_free(own);
  }
  if (times > 1) {
    qsort(took, (size_t)times, sizeof *took, by_time);
    qsort(took + times, (size_t)times, sizeof *took, by_time);
    fprintf(stderr, "%d runs: wall %lld us at best, %lld in the middle, %lld at 99 of 100; processor %lld us at best, %lld in the middle\n", times, (long long)took[0], (long long)took[times / 2], (long long)took[times * 99 / 100],
            (long long)took[times], (long long)took[times + times / 2]);
  }
  struct tree *out = tree_new(arena, TREE_MAP);
  tree_put(arena, out, "reading", result.reading);
  tree_put_bool(arena, out, "refused", result.refused);
  tree_put(arena, out, "checks", result.checks);
  tree_put(arena, out, "held", result.held);
  tree_put(arena, out, "log", result.log);
  if (result.error) tree_put(arena, out, "error", result.error);
  print(out);
  check_pool_close(pool);
  arena_free(arena);
  return 0;
}
