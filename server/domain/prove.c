/* prove: see the header. Live cases run on a few threads, each with a namespace of its own per case, so that nothing of one case is left for the next. */
#include "domain/prove.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/grade.h"
#include "domain/grading.h"
#include "domain/lab_params.h"
#include "domain/prove_case.h"
#include "domain/verdict.h"
#include "kube/kube.h"

#define SEEDS 3
#define SETTLE_MS 60000
#define WAIT_MS 75000
#define PROBLEMS_CAP (64u * 1024u)
#define ARGS_MAX 32

struct proof {
  const struct prove_spec *spec;
  const struct lab *lab;
  const struct tree *cases;              /* map */
  pthread_mutex_t lock;                  /* told, counts */
  int passed, failed;
  struct { const char *name; const struct tree *one; } item[128];
  int count;
  atomic_int next;
};

static void tell(struct proof *proof, const char *name, const char *scope, int seed, int64_t took_ms, const struct buf *problems) {
  bool ok = problems->len == 0;
  struct prove_line line = {proof->lab->id, name, scope, seed, ok, took_ms, problems->data ? problems->data : ""};
  pthread_mutex_lock(&proof->lock);
  if (ok) proof->passed++;
  else proof->failed++;
  if (proof->spec->told) proof->spec->told(proof->spec->ctx, &line);
  pthread_mutex_unlock(&proof->lock);
}

static void say_err(struct buf *problems, const char *doing, const struct err *err) {
  buf_printf(problems, "%s: %s", doing, err->key);
  for (int i = 0; i < err->params; i++) buf_printf(problems, " %s=%s", err->param[i].name, err->param[i].value);
  buf_printf(problems, " (%s)\n", err->detail);
}

/* Parameters of seed number n, with what the platform adds. port: each namespace that stands beside others has one of its own. */
static struct tree *params_of(struct arena *arena, const struct lab *lab, int n, const char *namespace, int port) {
  unsigned char seed[32];
  char text[64];
  snprintf(text, sizeof text, "prove-%d", n);
  lab_seed_text(text, seed);
  struct tree *params = lab_params_draw(arena, lab, seed);
  lab_params_platform(arena, params, namespace, NULL, lab_params_nodeport(seed, port), NULL);
  return params;
}

static bool in_scope(const struct tree *one, const char *scope) {
  const char *said = tree_text_or(one, "scope", "both");
  return !strcmp(said, "both") || !strcmp(said, scope);
}

/* The parameters by which a copied solution was made; a solution that knows no others is handed in as its own, and the case then says that it passes. */
static const struct tree *others_params(struct arena *arena, const struct lab *lab, const struct tree *own) {
  struct tree *other = lab_params_other(arena, lab, own);
  if (!other) return own;
  TREE_EACH(value, own) if (!tree_get(other, value->key)) tree_put(arena, other, value->key, tree_copy(arena, value));   /* the platform's are the place, not the answer */
  return other;
}

/* --- files ---------------------------------------------------------------------------------------------------------------------------------- */

static char *body_text(struct arena *arena, const struct tree *verdict) {
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 4u * 1024u * 1024u);
  tree_write(text, tree_get(verdict, "body"));
  return text->data;
}

static void prove_in_files(struct proof *proof, int item, int n) {
  const struct prove_spec *spec = proof->spec;
  const char *name = proof->item[item].name;
  struct arena *arena = arena_new(0);
  struct buf problems;
  struct err err = {0};
  int64_t begun = mono_ms();
  buf_init(&problems, PROBLEMS_CAP);
  struct tree *params = params_of(arena, proof->lab, n, "lab-prove", 0);
  const struct tree *hand_in = !strcmp(name, "copied") ? others_params(arena, proof->lab, params) : params;
  struct grade_input input = {.edition = spec->edition, .lab = proof->lab, .params = params, .scope = CHECK_SCOPE_FILES, .namespace = "lab-prove"};
  char *before = NULL;
  if (!prove_files(spec->pool, arena, proof->lab, proof->item[item].one, name, hand_in, &input.files, &input.file_count, &err)) {
    say_err(&problems, "files", &err);
  } else {
    for (int run = 0; run < 2; run++) {
      struct tree *verdict = NULL;
      if (!grade_once(spec->pool, arena, &input, &verdict, NULL, &err)) {
        say_err(&problems, "grading", &err);
        break;
      }
      char *text = body_text(arena, verdict);
      if (run == 0) {
        before = text;
        prove_compare(arena, proof->lab, proof->item[item].one, name, params, verdict, false, &problems);
      } else if (strcmp(before, text) != 0) {
        buf_str(&problems, "a second run gave other bytes\n");
      }
    }
  }
  tell(proof, name, "files", n, mono_ms() - begun, &problems);
  buf_release(&problems);
  arena_free(arena);
}

/* --- live ------------------------------------------------------------------------------------------------------------------------------------ */

/* kubectl argument lines with the learner's rights; a line that ends in ! must fail. Words are parted by blanks, no shell. */
static void run_do(struct proof *proof, struct arena *arena, const struct tree *lines, const struct tree *params, const struct provision *made, struct buf *problems) {
  const struct prove_spec *spec = proof->spec;
  if (!lines) return;
  if (!spec->kubectl || !spec->server || !spec->ca_pem) {
    buf_str(problems, "the case has `do` lines and there is no kubectl here\n");
    return;
  }
  char folder[] = "/tmp/makmal-prove-XXXXXX";
  if (!mkdtemp(folder)) {
    buf_str(problems, "no temporary folder\n");
    return;
  }
  char *config = arena_printf(arena, "%s/kubeconfig", folder), *home = arena_printf(arena, "HOME=%s", folder);
  struct buf text, ca;
  struct err err = {0};
  buf_init(&ca, 64u * 1024u);
  buf_base64(&ca, spec->ca_pem, strlen(spec->ca_pem));
  buf_init(&text, 128u * 1024u);
  buf_printf(&text, "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters: [{name: lab, cluster: {server: \"%s\", certificate-authority-data: %s}}]\n"
                    "users: [{name: learner, user: {token: \"%s\"}}]\ncontexts: [{name: lab, context: {cluster: lab, user: learner, namespace: %s}}]\n",
             spec->server, ca.data, made->token, made->namespace);
  if (!file_replace(config, text.data, text.len, 0600, &err)) say_err(problems, "kubeconfig", &err);
  TREE_EACH(line, lines) {
    size_t length;
    char *words = lab_fill(arena, line->text ? line->text : "", line->length, params, &length), *save = NULL;
    bool must_fail = length && words[length - 1] == '!';
    if (must_fail) words[length - 1] = 0;
    char *argv[ARGS_MAX + 4], *envp[] = {home, arena_printf(arena, "KUBECONFIG=%s", config), "PATH=/usr/bin:/bin", NULL}, *said = NULL;
    int n = 0, status = 0;
    argv[n++] = (char *)spec->kubectl;
    for (char *word = strtok_r(words, " \t", &save); word && n < ARGS_MAX; word = strtok_r(NULL, " \t", &save)) argv[n++] = word;
    argv[n] = NULL;
    if (!spawn_run(arena, argv, envp, NULL, 65536, 60000, &said, &status, &err)) say_err(problems, "kubectl", &err);
    else if ((status == 0) == must_fail) buf_printf(problems, "kubectl %s %s: %s\n", argv[1] ? argv[1] : "", must_fail ? "should have failed" : "failed", said ? said : "");
  }
  spawn_run(arena, (char *[]){"/bin/rm", "-rf", folder, NULL}, NULL, NULL, 4096, 10000, &(char *){NULL}, &(int){0}, &err);
  buf_release(&text);
  buf_release(&ca);
}

/* Its evidence gives the same bytes again, twice, without the cluster. */
static void replay_twice(struct proof *proof, struct arena *arena, const struct grade_input *input, const struct tree *verdict, const struct tree *evidence, struct buf *problems) {
  struct grade_input offline = *input;
  offline.kube = NULL;
  char *before = body_text(arena, verdict);
  for (int i = 0; i < 2; i++) {
    struct grade_result result = {0};
    struct err err = {0};
    if (!grade_replay(proof->spec->pool, arena, &offline, evidence, &result, &err)) {
      say_err(problems, "replay", &err);
      return;
    }
    struct verdict_facts facts = {.edition = input->edition, .lab = input->lab, .params = input->params, .scope = input->scope, .no_api = result.no_api, .evidence = result.root, .kind = "replay", .actor = "prove"};
    char *after = body_text(arena, verdict_build(arena, &facts, &result.raw));
    if (strcmp(before, after) == 0) continue;
    size_t at = 0;
    while (before[at] && before[at] == after[at]) at++;
    buf_printf(problems, "a replay gives other bytes: …%.60s… became …%.60s…\n", before + (at > 20 ? at - 20 : 0), after + (at > 20 ? at - 20 : 0));
    return;
  }
}

static void live_case(struct proof *proof, struct arena *arena, int item, const struct provision *made, const struct tree *params, struct buf *problems) {
  const struct prove_spec *spec = proof->spec;
  const char *name = proof->item[item].name;
  const struct tree *one = proof->item[item].one;
  const struct tree *hand_in = !strcmp(name, "copied") ? others_params(arena, proof->lab, params) : params;
  struct err err = {0};
  struct tree *start = NULL, *answer = NULL, *verdict = NULL, *evidence = NULL;
  struct grade_input input = {.edition = spec->edition, .lab = proof->lab, .params = params, .scope = CHECK_SCOPE_BOTH, .kube = spec->kube, .front = spec->front, .namespace = made->namespace,
                              .token = made->token, .wait_ms = WAIT_MS};
  if (!provision_settle(spec->kube, arena, made->namespace, SETTLE_MS, &start, &err)) {
    say_err(problems, "set-up", &err);
    return;
  }
  input.start = start;
  if (!prove_files(spec->pool, arena, proof->lab, one, name, hand_in, &input.files, &input.file_count, &err)) {
    say_err(problems, "files", &err);
    return;
  }
  /* the start is what a learner meets: it is graded as it stands, nothing applied */
  if (strcmp(name, "start") != 0) {
    if (!apply_files(spec->pool, spec->kube, arena, input.files, input.file_count, NULL, made->namespace, made->token, false, false, &answer, &err)) {
      say_err(problems, "apply", &err);
      return;
    }
    input.applied_ms = wall_ms();
    if (!tree_path(one, "expect.refused") && strcmp(name, "copied") != 0) prove_compare_apply(arena, one, params, answer, problems);
    run_do(proof, arena, tree_get(one, "do"), params, made, problems);
    if (tree_get(one, "do")) input.applied_ms = wall_ms();
  }
  if (!grade_once(spec->pool, arena, &input, &verdict, &evidence, &err)) {
    say_err(problems, "grading", &err);
    return;
  }
  prove_compare(arena, proof->lab, one, name, params, verdict, true, problems);
  if (strcmp(tree_text_or(tree_get(verdict, "body"), "state", ""), "refused") != 0) replay_twice(proof, arena, &input, verdict, evidence, problems);
}

static void prove_live(struct proof *proof, int item) {
  const struct prove_spec *spec = proof->spec;
  struct arena *arena = arena_new(0);
  struct buf problems;
  struct err err = {0};
  char namespace[32] = "lab-";
  int64_t begun = mono_ms();
  buf_init(&problems, PROBLEMS_CAP);
  id_random(namespace + 4, 12);
  struct tree *params = params_of(arena, proof->lab, item % SEEDS, namespace, item);
  struct provision *made = arena_alloc(arena, sizeof *made);
  if (!provision_make(spec->kube, spec->pool, arena, proof->lab, params, spec->install, namespace, made, &err)) say_err(&problems, "namespace", &err);
  else live_case(proof, arena, item, made, params, &problems);
  if (!provision_delete(spec->kube, arena, namespace, spec->install, &err)) log_warn("prove.delete", "namespace=%s key=%s", namespace, err.key);
  tell(proof, proof->item[item].name, "live", item % SEEDS, mono_ms() - begun, &problems);
  buf_release(&problems);
  arena_free(arena);
}

static void *seat(void *arg) {
  struct proof *proof = arg;
  for (int item; (item = atomic_fetch_add(&proof->next, 1)) < proof->count;)
    if (in_scope(proof->item[item].one, "live")) prove_live(proof, item);
  return NULL;
}

/* --- all --------------------------------------------------------------------------------------------------------------------------------------- */

static const struct tree nothing = {.type = TREE_MAP};

static void add_case(struct proof *proof, const char *name, const struct tree *one) {
  if (proof->spec->only && strcmp(proof->spec->only, name) != 0) return;
  if (proof->count == (int)(sizeof proof->item / sizeof *proof->item)) return;
  proof->item[proof->count].name = name;
  proof->item[proof->count++].one = one ? one : &nothing;
}

static bool read_cases(const struct prove_spec *spec, struct arena *arena, const struct lab *lab, struct tree **out, struct err *err) {
  char *path = arena_printf(arena, "%s/cases.yaml", lab->folder), *text = NULL;
  size_t length = 0;
  if (!file_read(arena, path, CHECK_BYTES_MAX, &text, &length, err)) return false;
  struct check_file file = {"cases.yaml", text, length};
  struct check_read_job job = {.files = &file, .file_count = 1};
  struct tree *docs = NULL, *reading = NULL;
  bool refused = false;
  if (!check_read(spec->pool, arena, &job, &docs, &reading, &refused, err)) return false;
  struct tree *first = docs ? tree_at_index(docs, 0) : NULL, *cases = first ? tree_get(first, "value") : NULL;
  if (refused || !cases || cases->type != TREE_MAP) {
    err_set(err, ERR_INVALID, "cases.unreadable", "%s", path);
    return err_param(err, "file", "%s", path);
  }
  *out = cases;
  return true;
}

bool prove_lab(const struct prove_spec *spec, const struct lab *lab, int *out_passed, int *out_failed, struct err *err) {
  struct arena *arena = arena_new(0);
  struct tree *cases = NULL;
  if (!read_cases(spec, arena, lab, &cases, err)) {
    arena_free(arena);
    return false;
  }
  static const char *const always[] = {"start", "solution", "copied"};
  struct proof *proof = arena_alloc(arena, sizeof *proof);
  proof->spec = spec;
  proof->lab = lab;
  proof->cases = cases;
  pthread_mutex_init(&proof->lock, NULL);
  for (int i = 0; i < 3; i++) add_case(proof, always[i], tree_get(cases, always[i]));
  TREE_EACH(one, cases) if (strcmp(one->key, always[0]) && strcmp(one->key, always[1]) && strcmp(one->key, always[2])) add_case(proof, one->key, one);
  if (spec->files && lab->hand_in != HAND_IN_LIVE)
    for (int item = 0; item < proof->count; item++)
      for (int n = 0; n < SEEDS && in_scope(proof->item[item].one, "files"); n++) prove_in_files(proof, item, n);
  if (spec->live && spec->kube && lab->hand_in != HAND_IN_FILES) {
    pthread_t thread[16];
    int seats = spec->seats < 1 ? 1 : spec->seats > 16 ? 16 : spec->seats, running = 0;
    while (running < seats && pthread_create(&thread[running], NULL, seat, proof) == 0) running++;
    if (!running) seat(proof);
    for (int i = 0; i < running; i++) pthread_join(thread[i], NULL);
  }
  *out_passed = proof->passed;
  *out_failed = proof->failed;
  pthread_mutex_destroy(&proof->lock);
  arena_free(arena);
  return true;
}
