/* bench_lab: a lab's namespace on a real cluster, made and emptied, against what the API allows at best (a bare driver of the same calls) and against
 * what anybody would do by hand (kubectl apply; deleting the namespace and making it again). Peers and product take turns; medians count.
 * The peers' calls are not written down here: they are recorded from the product's own first run, so both send the same bytes. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/tree.h"
#include "bench.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "driver.h"
#include "kube/kube.h"
#include "record.h"

#define GONE_MS 120000
#define DRIVER_LOOKS 400

struct bench {
  struct course_room room;
  const struct edition *edition;
  struct arena *arena;                 /* for the whole run */
  struct kube kube;
  struct kube_config config;
  struct driver *driver;
  char install[9];
  const char *admin, *kubectl, *folder;
  int pairs, applies, resets, deletions, pod_resets;
};

static void pause_ms(int ms) { nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL); }

static void name_of(char out[32]) {
  memcpy(out, "lab-", 5);
  id_random(out + 4, 12);
}

static struct tree *params_of(struct arena *arena, const struct lab *lab, const char *namespace) {
  struct tree *params = tree_copy(arena, lab->examples);
  if (!tree_get(params, "namespace")) tree_put_text(arena, params, "namespace", namespace);
  return params;
}

static struct provision *make(struct bench *bench, const struct kube *kube, struct arena *arena, const struct lab *lab, const char *namespace) {
  struct provision *made = arena_alloc(arena, sizeof *made);
  struct err *err = arena_alloc(arena, sizeof *err);
  if (!provision_make(kube, bench->room.pool, arena, lab, params_of(arena, lab, namespace), bench->install, namespace, made, err)) die_err("provision_make", err);
  return made;
}

/* --- provisioning against the bare driver -------------------------------------------------------------------------------------------------------- */

/* The rounds of making a namespace, as the product's first run sent them. */
struct recipe {
  char namespace[32];
  const struct kube_request *first, *second, *looks;
  size_t firsts, seconds, look_count;
  int writes, rounds;
};

static bool sent_before(const struct record *record, int from, int to, const struct kube_request *request) {
  for (int r = from; r < to; r++)
    for (size_t i = 0; i < record->round[r].count; i++)
      if (record->round[r].requests[i].body && request->body && !strcmp(record->round[r].requests[i].body, request->body)) return true;
  return false;
}

static void learn(struct record *record, struct recipe *out) {
  int first = record_find(record, "POST", "/api/v1/namespaces"), looks = record_find(record, "GET", "/resourcequotas/makmal");
  /* the ground (people namespace, learners' ClusterRole) is made by PATCH and belongs to no lab */
  if (first < 0 || looks < first + 2) die("the product's calls are not those this benchmark knows: first write in round %d, first look in round %d", first, looks);
  /* an answer earned by haste (409, 404) is mended by another call: that is no round of the design, and no write more */
  for (int r = first; r < looks; r++) {
    bool fresh = false;
    for (size_t i = 0; i < record->round[r].count; i++) {
      const struct kube_request *request = &record->round[r].requests[i];
      if (!record_writes(request) || !strcmp(request->method, "PATCH") || sent_before(record, first, r, request)) continue;
      fresh = true;
      out->writes++;
    }
    out->rounds += fresh;
  }
  out->first = record->round[first].requests, out->firsts = record->round[first].count;
  out->second = record->round[first + 1].requests, out->seconds = record->round[first + 1].count;
  out->looks = record->round[looks].requests, out->look_count = record->round[looks].count;
}

static size_t prepare(struct arena *arena, const struct recipe *recipe, const struct kube_request *requests, size_t count, const char *namespace, struct driver_call *out) {
  for (size_t i = 0; i < count; i++) {
    const struct kube_request *request = &requests[i];
    const char *path = request->query ? arena_printf(arena, "%s?%s", request->path, request->query) : request->path;
    out[i].method = request->method;
    out[i].content_type = request->content_type;
    out[i].path = record_rename(arena, path, recipe->namespace, namespace);
    out[i].body = record_rename(arena, request->body, recipe->namespace, namespace);
  }
  return count;
}

static bool good(const struct driver_call *call) { return call->status >= 200 && call->status < 300; }

/* What the product does about an answer that its own haste earned: a default account that is already there is applied over, a RoleBinding ahead of its
 * Role is sent again. False: nothing more to send. */
static bool again(struct arena *arena, struct driver_call *call) {
  if (good(call)) return false;
  if (call->status == 409 && strstr(call->path, "/serviceaccounts")) {
    const char *query = strchr(call->path, '?');
    call->path = arena_printf(arena, "%.*s/default?fieldManager=makmal&force=true", (int)(query ? query - call->path : (long)strlen(call->path)), call->path);
    call->method = "PATCH";
    call->content_type = "application/apply-patch+yaml";
    return true;
  }
  if (call->status == 404 && strstr(call->path, "/rolebindings")) return true;
  die("driver: %s %s answered %d: %.200s", call->method, call->path, call->status, call->length ? call->answer : "");
}

/* status.hard is there and not empty. */
static bool bites(const struct driver_call *call) {
  const char *status = good(call) ? strstr(call->answer, "\"status\":{") : NULL;
  return status && strstr(status, "\"hard\":{\"");
}

static void drop(struct driver_call *calls, size_t count) {
  for (size_t i = 0; i < count; i++) free(calls[i].answer);
}

/* Makes one namespace with the recorded calls; the time until the quota bites and the default account is there (ruling of the design: on both sides). */
static int64_t drive(struct bench *bench, const struct recipe *recipe, int64_t *out_rounds_us) {
  struct arena *arena = arena_new(0);
  struct driver_call first[DRIVER_CALLS] = {0}, second[DRIVER_CALLS] = {0}, looks[DRIVER_CALLS] = {0};
  char namespace[32];
  name_of(namespace);
  size_t firsts = prepare(arena, recipe, recipe->first, recipe->firsts, namespace, first);
  size_t seconds = prepare(arena, recipe, recipe->second, recipe->seconds, namespace, second);
  size_t left = prepare(arena, recipe, recipe->looks, recipe->look_count, namespace, looks);
  int64_t begun = now_us();
  driver_send(bench->driver, first, firsts);
  if (!good(&first[0])) die("driver: the namespace: %d %.200s", first[0].status, first[0].length ? first[0].answer : "");
  driver_send(bench->driver, second, seconds);
  for (size_t i = 0; i < seconds; i++) while (again(arena, &second[i])) driver_send(bench->driver, &second[i], 1);
  *out_rounds_us = now_us() - begun;
  for (int round = 0; left; round++) {
    if (round == DRIVER_LOOKS) die("driver: the quota of %s does not bite", namespace);
    driver_send(bench->driver, looks, left);
    size_t kept = 0;
    for (size_t i = 0; i < left; i++) {
      if (strstr(looks[i].path, "/resourcequotas/") ? bites(&looks[i]) : good(&looks[i])) free(looks[i].answer);
      else looks[kept++] = looks[i];
    }
    left = kept;
    if (left) pause_ms(round < 8 ? 2 : round < 20 ? 10 : 100);
  }
  int64_t took = now_us() - begun;
  drop(first, firsts);
  drop(second, seconds);
  arena_free(arena);
  return took;
}

/* --- provisioning against kubectl ------------------------------------------------------------------------------------------------------------------- */

/* The recorded objects as one List, for kubectl. */
static void write_list(struct arena *arena, const struct recipe *recipe, const char *namespace, const char *path) {
  struct buf out;
  struct err err = {0};
  buf_init(&out, 1024 * 1024);
  buf_str(&out, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
  for (size_t i = 0; i < recipe->firsts + recipe->seconds; i++) {
    const struct kube_request *request = i < recipe->firsts ? &recipe->first[i] : &recipe->second[i - recipe->firsts];
    if (!request->body) continue;
    buf_str(&out, i ? "," : "");
    buf_str(&out, record_rename(arena, request->body, recipe->namespace, namespace));
  }
  buf_str(&out, "]}\n");
  if (!file_replace(path, out.data, out.len, 0600, &err)) die_err(path, &err);
  buf_release(&out);
}

static int64_t by_kubectl(struct bench *bench, const struct recipe *recipe) {
  struct arena *arena = arena_new(0);
  char namespace[32], path[4096], kubeconfig[4200], cache[4200], errors[4200];
  name_of(namespace);
  snprintf(path, sizeof path, "%s/lab.json", bench->folder);
  snprintf(kubeconfig, sizeof kubeconfig, "--kubeconfig=%s", bench->admin);
  snprintf(cache, sizeof cache, "--cache-dir=%s/kubectl", bench->folder);
  write_list(arena, recipe, namespace, path);
  char *argv[] = {(char *)bench->kubectl, "apply", kubeconfig, cache, "-f", path, NULL};
  snprintf(errors, sizeof errors, "%s/kubectl.err", bench->folder);
  int64_t took = run_program(argv, errors, NULL);
  arena_free(arena);
  return took;
}

static void provisioning(struct bench *bench, const struct lab *lab) {
  struct lab bare = *lab;                    /* set-up objects are a third round of their own, told apart */
  bare.setup = NULL;
  bare.setup_count = 0;
  struct record record;
  struct recipe recipe = {0};
  record_begin(&record, &bench->kube, bench->arena);
  name_of(recipe.namespace);
  make(bench, &record.port, bench->arena, &bare, recipe.namespace);
  learn(&record, &recipe);
  int64_t rounds_us;
  for (int i = 0; i < 3; i++) {              /* connections up, caches warm */
    struct arena *arena = arena_new(0);
    char namespace[32];
    name_of(namespace);
    make(bench, &bench->kube, arena, &bare, namespace);
    drive(bench, &recipe, &rounds_us);
    arena_free(arena);
  }
  by_kubectl(bench, &recipe);

  struct times ours = {0}, theirs = {0}, our_rounds = {0}, their_rounds = {0}, hard = {0}, proof = {0}, kubectl = {0};
  for (int i = 0; i < bench->pairs; i++) {
    struct arena *arena = arena_new(0);
    char namespace[32];
    for (int turn = 0; turn < 2; turn++) {
      if (turn == (i & 1)) {
        name_of(namespace);
        struct provision *made = make(bench, &bench->kube, arena, &bare, namespace);
        times_add(&ours, made->writes_us);
        times_add(&our_rounds, made->rounds_us);
        times_add(&hard, made->hard_us);
        times_add(&proof, made->proof_us);
      } else {
        times_add(&theirs, drive(bench, &recipe, &rounds_us));
        times_add(&their_rounds, rounds_us);
      }
    }
    if (bench->applies && i % (bench->pairs / bench->applies) == 0) times_add(&kubectl, by_kubectl(bench, &recipe));
    arena_free(arena);
  }
  double mine = times_at(&ours, 0.5), bare_us = times_at(&theirs, 0.5), kubectl_us = times_at(&kubectl, 0.5);
  result_at_most("provision: rounds of writes", recipe.rounds, 2, "%d writes, namespace first", recipe.writes);
  result_at_most("provision / bare driver", mine / bare_us, 1.3, "%.1f ms (p90 %.1f) against %.1f ms (p90 %.1f), until the quota bites; writes alone %.1f and %.1f ms; %d pairs",
                 mine / 1000, times_at(&ours, 0.9) / 1000, bare_us / 1000, times_at(&theirs, 0.9) / 1000, times_at(&our_rounds, 0.5) / 1000, times_at(&their_rounds, 0.5) / 1000, bench->pairs);
  if (kubectl.count) result_at_least("kubectl apply / provision", kubectl_us / mine, 25, "%.0f ms against %.1f ms; %zu runs of kubectl", kubectl_us / 1000, mine / 1000, kubectl.count);
  char value[32];
  snprintf(value, sizeof value, "%.1f ms", times_at(&proof, 0.5) / 1000);
  result_told("provision: proof of isolation", value, "p90 %.1f ms; the wait for the quota inside the figure above: %.1f ms", times_at(&proof, 0.9) / 1000, times_at(&hard, 0.5) / 1000);
  struct times *all[] = {&ours, &theirs, &our_rounds, &their_rounds, &hard, &proof, &kubectl};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) times_free(all[i]);
}

/* --- reset in place against delete and create --------------------------------------------------------------------------------------------------------- */

/* A namespace as a learner leaves it, without a running Pod. */
static const char things[] =
  "apiVersion: v1\nkind: Service\nmetadata: {name: front}\nspec: {selector: {app: front}, ports: [{port: 80}]}\n"
  "---\napiVersion: v1\nkind: Service\nmetadata: {name: back}\nspec: {selector: {app: back}, ports: [{port: 80}]}\n"
  "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\ndata: {index.html: hello}\n"
  "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: green, size: \"3\"}\n"
  "---\napiVersion: v1\nkind: Secret\nmetadata: {name: word}\nstringData: {word: sesame}\n"
  "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: front}\nspec:\n  replicas: 0\n  selector: {matchLabels: {app: front}}\n"
  "  template:\n    metadata: {labels: {app: front}}\n    spec: {containers: [{name: web, image: nginx}]}\n";

/* What a learner has added: two of everything that needs no Pod. */
static void add_things(struct bench *bench, struct arena *arena, const char *namespace) {
  static const struct { const char *path, *body; } things_of[] = {
    {"/api/v1/namespaces/%s/configmaps", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"own-1\"},\"data\":{\"a\":\"b\"}}"},
    {"/api/v1/namespaces/%s/configmaps", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"own-2\"},\"data\":{\"a\":\"c\"}}"},
    {"/api/v1/namespaces/%s/services", "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"own\"},\"spec\":{\"selector\":{\"app\":\"own\"},\"ports\":[{\"port\":80}]}}"},
    {"/apis/apps/v1/namespaces/%s/deployments", "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"own\"},\"spec\":{\"replicas\":0,\"selector\":{\"matchLabels\":{\"app\":\"own\"}},"
     "\"template\":{\"metadata\":{\"labels\":{\"app\":\"own\"}},\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx\"}]}}}}"}};
  for (size_t i = 0; i < sizeof things_of / sizeof *things_of; i++) {
    struct err err = {0};
    struct buf *path = arena_alloc(arena, sizeof *path);
    buf_init_arena(path, arena, 300);
    for (const char *at = things_of[i].path; *at; at++) {
      if (*at == '%') buf_str(path, namespace), at++;
      else buf_char(path, *at);
    }
    struct kube_request request = {.method = "POST", .path = path->data, .body = things_of[i].body, .body_length = strlen(things_of[i].body)};
    if (!kube_call(&bench->kube, arena, &request, NULL, &err)) die_err(path->data, &err);
  }
}

/* Deletes the namespace, waits until it is gone, makes it again with its set-up. The proof of isolation is not counted: it is not part of making. */
static int64_t delete_and_create(struct bench *bench, const struct lab *lab, const char *namespace, int64_t *out_gone_us) {
  struct arena *arena = arena_new(0);
  struct err err = {0};
  int64_t begun = now_us();
  if (!provision_delete(&bench->kube, arena, namespace, bench->install, &err)) die_err("provision_delete", &err);
  for (;;) {
    struct kube_request ask = {.method = "GET", .path = kube_path(arena, kube_kind("Namespace"), NULL, namespace)};
    if (!kube_call(&bench->kube, arena, &ask, NULL, &err)) {
      if (err.code == ERR_NOT_FOUND) break;
      die_err("the namespace that ends", &err);
    }
    if (now_us() - begun > GONE_MS * 1000LL) die("%s does not end", namespace);
    pause_ms(20);
  }
  *out_gone_us = now_us() - begun;
  struct provision *made = make(bench, &bench->kube, arena, lab, namespace);
  int64_t took = *out_gone_us + made->writes_us + made->setup_us;
  arena_free(arena);
  return took;
}

static int64_t reset(struct bench *bench, const struct lab *lab, const char *namespace) {
  struct arena *arena = arena_new(0);
  struct err err = {0};
  int64_t begun = now_us();
  if (!provision_reset(&bench->kube, bench->room.pool, arena, lab, params_of(arena, lab, namespace), namespace, &err)) die_err("provision_reset", &err);
  int64_t took = now_us() - begun;
  arena_free(arena);
  return took;
}

static void resetting(struct bench *bench, const struct lab *lab) {
  struct check_file file = {"things.yaml", things, sizeof things - 1};
  struct lab still = *lab;
  still.setup = &file;
  still.setup_count = 1;
  struct times resets = {0}, deletions = {0}, gone = {0};
  struct arena *arena = arena_new(0);
  char namespace[32];
  int64_t gone_us;
  for (int round = 0; round < bench->deletions; round++) {
    /* A name is deleted once: the namespace controller waits 5 s before it looks at one, and what a first deletion left in its queue would hasten a second. */
    name_of(namespace);
    make(bench, &bench->kube, arena, &still, namespace);
    for (int i = 0; i < bench->resets / bench->deletions; i++) {
      add_things(bench, arena, namespace);
      pause_ms(700);                         /* the controllers have made what follows from it */
      int64_t took = reset(bench, &still, namespace);
      if (i) times_add(&resets, took);
    }
    add_things(bench, arena, namespace);
    pause_ms(700);
    times_add(&deletions, delete_and_create(bench, &still, namespace, &gone_us));
    times_add(&gone, gone_us);
  }
  double mine = times_at(&resets, 0.5), theirs = times_at(&deletions, 0.5);
  result_at_least("delete and create / reset", theirs / mine, 50, "%.2f s (gone after %.2f) against %.0f ms (p90 %.0f); no Pods; %zu resets, %zu deletions",
                  theirs / 1e6, times_at(&gone, 0.5) / 1e6, mine / 1000, times_at(&resets, 0.9) / 1000, resets.count, deletions.count);
  times_free(&resets);
  times_free(&deletions);
  times_free(&gone);
  arena_free(arena);
}

static void resetting_pods(struct bench *bench, const struct lab *lab) {
  struct times resets = {0}, deletions = {0}, setup = {0};
  struct arena *arena = arena_new(0);
  struct err err = {0};
  struct tree *start;
  char namespace[32];
  int64_t gone_us;
  char value[32];
  for (int i = 0; i < bench->pod_resets; i++) {
    name_of(namespace);
    struct provision *made = make(bench, &bench->kube, arena, lab, namespace);
    snprintf(value, sizeof value, "%.1f ms", (double)made->setup_us / 1000);
    if (!i) result_told("provision: set-up objects", value, "lab %s, a third round; ready, proof included, after %.0f ms", lab->id, (double)made->ready_us / 1000);
    if (!provision_settle(&bench->kube, arena, namespace, 90000, &start, &err)) die_err("set-up does not settle", &err);
    times_add(&resets, reset(bench, lab, namespace));
    if (!provision_settle(&bench->kube, arena, namespace, 90000, &start, &err)) die_err("set-up does not settle", &err);
    times_add(&deletions, delete_and_create(bench, lab, namespace, &gone_us));
  }
  double mine = times_at(&resets, 0.5), theirs = times_at(&deletions, 0.5);
  result_at_least("delete and create / reset, Pods running", theirs / mine, 4, "%.1f s against %.2f s; lab %s, %zu of each", theirs / 1e6, mine / 1e6, lab->id, resets.count);
  times_free(&resets);
  times_free(&deletions);
  times_free(&setup);
  arena_free(arena);
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"kubeconfig", 1, 0, 'k'}, {"admin", 1, 0, 'a'}, {"kubectl", 1, 0, 'K'}, {"folder", 1, 0, 'f'}, {"pairs", 1, 0, 'p'}, {"only", 1, 0, 'o'}, {0}};
  struct bench *bench = calloc(1, sizeof *bench);
  const char *path = NULL, *only = "provision reset pods";
  struct err err = {0};
  if (!bench) return 3;
  bench->pairs = 40, bench->applies = 5, bench->resets = 12, bench->deletions = 3, bench->pod_resets = 2;
  bench->room.workers = 1;
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
      case 'k': path = optarg; break;
      case 'a': bench->admin = optarg; break;
      case 'K': bench->kubectl = optarg; break;
      case 'f': bench->folder = optarg; break;
      case 'p': bench->pairs = atoi(optarg); break;
      case 'o': only = optarg; break;
      default: return 2;
    }
  if (!path || !bench->kubectl || !bench->folder || bench->pairs < 5) die("usage: bench_lab --kubeconfig FILE --admin FILE --kubectl PROGRAM --folder FOLDER [--pairs N] [--only \"provision reset pods\"]");
  if (!bench->admin) bench->admin = path;
  if (!course_room_open(&bench->room, &err)) die_err("course", &err);
  bench->edition = catalog_acquire(bench->room.catalog);
  bench->arena = arena_new(0);
  id_random(bench->install, 8);
  open_kube(bench->room.pool, bench->arena, path, &bench->config, &bench->kube);
  bench->driver = driver_open(&bench->config);
  const struct lab *lab = edition_lab(bench->edition, "mend-selector");
  if (!lab) die("lab mend-selector is not in the catalogue");
  if (strstr(only, "provision")) { say("provisioning: %d pairs", bench->pairs); provisioning(bench, lab); }
  if (strstr(only, "reset")) { say("reset in place, delete and create, without Pods"); resetting(bench, lab); }
  if (strstr(only, "pods")) { say("reset in place, delete and create, with Pods"); resetting_pods(bench, lab); }
  driver_close(bench->driver);
  kube_close(&bench->kube);
  catalog_release(bench->edition);
  course_room_close(&bench->room);
  arena_free(bench->arena);
  free(bench);
  return 0;
}
