/* Attempts on a real cluster, with a real database, catalogue, mirror and live: TEST_CLUSTER_KUBECONFIG names the platform's kubeconfig, TEST_KUBECTL the
 * kubectl (else that of an embedded cluster is found). Without them the test fails. Figures are printed. */
#include "unit/cmocka_all.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/live.h"
#include "kube/kube.h"
#include "store/db.h"

#define LAB "mend-selector"
static const unsigned char secret[32] = "a secret of thirty-two bytes...";
static char folder[64], path[96], install[9], kubectl[512];
static struct db *db;
static struct live *live;
static struct check_pool *pool;
static struct catalog *catalog;
static struct cluster *cluster;
static struct attempts *attempts;
static struct arena *arena;

static void must(bool ok, const struct err *err) {
  if (!ok) fail_msg("%s: %s", err->key, err->detail);
}
static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); }

static struct attempt load(const char *id) {
  struct attempt attempt;
  struct db_read *read;
  struct err err;
  must(db_read_begin(db, &read, &err), &err);
  must(attempt_load(read, id, arena, &attempt, &err), &err);
  db_read_end(read);
  return attempt;
}
static bool becomes(const char *id, enum attempt_state state, int within_ms) {
  for (int64_t until = mono_ms() + within_ms; mono_ms() < until; nap()) if (load(id).state == state) return true;
  struct attempt attempt = load(id);
  printf("  %s is %s, %s\n", id, attempt_state_name(attempt.state), attempt.why);
  return false;
}
static struct viewer viewer_of(int number) {
  struct viewer viewer = {.role = ROLE_LEARNER, .lang = LANG_EN};
  snprintf(viewer.person, sizeof viewer.person, "0%025d", number);
  return viewer;
}
static struct tree *start_state(const char *id) {
  struct db_read *read;
  struct err err;
  must(db_read_begin(db, &read, &err), &err);
  struct tree *start = attempt_start_state(attempts, read, arena, id);
  db_read_end(read);
  return start;
}
static struct tree *wait_start_state(const char *id, int reset, int within_ms) {
  for (int64_t until = mono_ms() + within_ms; mono_ms() < until; nap()) {
    struct tree *start = start_state(id);
    if (start && tree_int(start, "reset", -1) == reset) return start;
  }
  return NULL;
}
static size_t count_kind(const struct tree *list, const char *kind, bool wrapped) {
  size_t n = 0;
  TREE_EACH(item, list) if (!strcmp(tree_text_or(wrapped ? tree_get(item, "object") : item, "kind", ""), kind)) n++;
  return n;
}

static void open_rooms(void) {
  struct err err;
  must(cluster_open(&(struct cluster_spec){.kubeconfig = getenv("TEST_CLUSTER_KUBECONFIG"), .pool = pool, .install = install}, &cluster, &err), &err);
  must(attempts_open(&(struct attempts_needs){.db = db, .live = NULL, .catalog = catalog, .cluster = cluster, .pool = pool, .install = install, .secret = secret, .secret_length = sizeof secret},
                     &attempts, &err), &err);
  must(attempts_resume(attempts, &err), &err);
}
static void close_rooms(void) {
  attempts_close(attempts);
  cluster_close(cluster);
}

static const struct kube *port(void) {
  const struct kube *kube = NULL;
  for (int64_t until = mono_ms() + 30000; !kube && mono_ms() < until; nap()) kube = cluster_kube(cluster, NULL);
  assert_non_null(kube);
  return kube;
}

/* The learner's own kubectl; the exit status. */
static int run_kubectl(const char *config, const char *const *args, char **out) {
  char *argv[16] = {kubectl, (char *)"--kubeconfig", (char *)config};
  char home[96], *envp[] = {home, NULL};
  int n = 3, status = -1;
  struct err err;
  snprintf(home, sizeof home, "HOME=%s", folder);
  for (; *args && n < 15; args++) argv[n++] = (char *)*args;
  must(spawn_run(arena, argv, envp, NULL, 1 << 20, 30000, out, &status, &err), &err);
  return status;
}

/* --- the story ---------------------------------------------------------------------------------------------------------------------------------------- */

static char story[ID_SIZE];

static void a_lab_is_started_and_shown(void **state) {
  (void)state;
  struct viewer aina = viewer_of(1);
  struct attempt attempt;
  struct err err;
  port();
  struct cluster_status status;
  for (int64_t until = mono_ms() + 30000; mono_ms() < until; nap()) {
    cluster_status(cluster, &status);
    if (status.state == CLUSTER_READY) break;
  }
  assert_false(status.own_red);
  int64_t begun = mono_us();
  must(attempt_start(attempts, &aina, LAB, arena, &attempt, &err), &err);
  int64_t rowed = mono_us();
  assert_true(becomes(attempt.id, ATTEMPT_READY, 30000));
  printf("  pressed to row %.1f ms, to ready %.1f ms (parts in the log line attempt.ready)\n", (double)(rowed - begun) / 1000, (double)(mono_us() - begun) / 1000);
  memcpy(story, attempt.id, sizeof story);
  attempt = load(attempt.id);
  assert_int_equal(tree_int(attempt.proof, "refused", 0), tree_int(attempt.proof, "of", -1));
  struct tree *start = wait_start_state(attempt.id, 0, 90000);
  assert_non_null(start);
  printf("  start state taken %.1f s after ready\n", (double)(tree_int(start, "at_ms", 0) - attempt.ready_ms) / 1000);
  assert_int_equal(count_kind(tree_get(start, "objects"), "Pod", false), 3);
  assert_int_equal(count_kind(tree_get(start, "objects"), "Deployment", false), 2);
  assert_int_equal(count_kind(tree_get(start, "objects"), "Service", false), 2);
  assert_int_equal(count_kind(tree_get(start, "objects"), "ServiceAccount", false), 0);
  TREE_EACH(object, tree_get(start, "objects")) {
    if (!strcmp(tree_text(object, "kind"), "Pod")) assert_non_null(tree_text(tree_get(object, "status"), "podIP"));
    assert_null(tree_get(tree_get(object, "metadata"), "managedFields"));
  }
  bool stale;
  assert_true(attempt_settled(attempts, attempt.id, &stale));
  struct tree *shown = attempt_objects(attempts, arena, attempt.id);
  assert_int_equal(count_kind(shown, "Pod", true), 3);
  assert_true(count_kind(shown, "EndpointSlice", true) >= 2);
  assert_true(count_kind(shown, "Event", true) >= 1);
}

static void the_learners_own_kubectl_works_and_reaches_nothing_else(void **state) {
  (void)state;
  struct viewer aina = viewer_of(1);
  struct err err;
  char *text, *out, config[128];
  int64_t expires;
  for (int64_t until = mono_ms() + 10000; !access_kubeconfig(attempts, &aina, story, cluster_server(cluster), arena, &text, &expires, &err) && mono_ms() < until; nap()) {
    assert_string_equal(err.key, "access.soon");
  }
  snprintf(config, sizeof config, "%s/learner.yaml", folder);
  must(file_replace(config, text, strlen(text), 0600, &err), &err);
  const char *const good[][8] = {
    {"get", "pods,deployments,services", NULL}, {"auth", "whoami", NULL}, {"create", "configmap", "mine", "--from-literal=a=b", NULL}, {"scale", "deployment/front", "--replicas=1", NULL},
    {"rollout", "status", "deployment/front", "--timeout=30s", NULL}, {"delete", "configmap", "mine", NULL}, {"exec", "deploy/front", "--", "/whoami", "--help", NULL}};
  for (size_t i = 0; i < 6; i++) {
    int64_t begun = mono_ms();
    if (run_kubectl(config, good[i], &out)) fail_msg("kubectl %s %s: %s", good[i][0], good[i][1], out);
    if (i == 0) printf("  kubectl get: %lld ms\n", (long long)(mono_ms() - begun));
  }
  const char *const bad[][8] = {{"get", "pods", "-n", "kube-system", NULL}, {"get", "pods", "-A", NULL}, {"get", "namespaces", NULL}, {"create", "token", "default", NULL},
                                {"delete", "networkpolicy", "makmal-wall", NULL}, {"get", "secrets", "--as", "system:admin", NULL}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    if (!run_kubectl(config, bad[i], &out)) fail_msg("kubectl %s %s went through: %s", bad[i][0], bad[i][1], out);
    if (!strstr(out, "orbidden")) fail_msg("kubectl %s %s: %s", bad[i][0], bad[i][1], out);
  }
}

static void a_reset_brings_the_start_back(void **state) {
  (void)state;
  struct viewer aina = viewer_of(1);
  struct err err;
  int64_t begun = mono_us();
  must(attempt_reset(attempts, &aina, story, &err), &err);
  for (int64_t until = mono_ms() + 40000; mono_ms() < until && load(story).resets == 0; nap()) {}
  assert_int_equal(load(story).resets, 1);
  printf("  reset with Pods, from press to ready: %.2f s\n", (double)(mono_us() - begun) / 1e6);
  struct tree *start = wait_start_state(story, 1, 90000);
  assert_non_null(start);
  assert_int_equal(count_kind(tree_get(start, "objects"), "Pod", false), 3);
}

static void it_is_found_again_after_a_restart(void **state) {
  (void)state;
  close_rooms();
  open_rooms();
  port();
  for (int64_t until = mono_ms() + 20000; mono_ms() < until && count_kind(attempt_objects(attempts, arena, story), "Pod", true) < 3; nap()) {}
  assert_int_equal(count_kind(attempt_objects(attempts, arena, story), "Pod", true), 3);
  struct attempt attempt = load(story);
  assert_int_equal(attempt.state, ATTEMPT_READY);
  char token[4096];
  int64_t ends;
  struct err err;
  must(access_token(attempts, &attempt, token, &ends, &err), &err);          /* minted anew */
}

static void twenty_people_press_start_at_once(void **state) {
  (void)state;
  enum { PEOPLE = 20 };
  char ids[PEOPLE][ID_SIZE];
  struct err err;
  int64_t begun = mono_us();
  for (int i = 0; i < PEOPLE; i++) {
    struct viewer viewer = viewer_of(100 + i);
    struct attempt attempt;
    must(attempt_start(attempts, &viewer, LAB, arena, &attempt, &err), &err);
    memcpy(ids[i], attempt.id, ID_SIZE);
  }
  int64_t rows = mono_us();
  for (int i = 0; i < PEOPLE; i++) assert_true(becomes(ids[i], ATTEMPT_READY, 120000));
  printf("  20 at once: rows %.0f ms, the last one ready after %.2f s\n", (double)(rows - begun) / 1000, (double)(mono_us() - begun) / 1e6);
  struct kube_stats stats;
  kube_stats(port(), &stats);
  printf("  calls %llu, failed %llu, repeated %llu\n", (unsigned long long)stats.sent, (unsigned long long)stats.failed, (unsigned long long)stats.retried);
  for (int i = 0; i < PEOPLE; i++) {
    struct viewer viewer = viewer_of(100 + i);
    must(attempt_end(attempts, &viewer, ids[i], &err), &err);
  }
  for (int i = 0; i < PEOPLE; i++) assert_true(becomes(ids[i], ATTEMPT_GONE, 180000));
  printf("  and all gone after %.1f s\n", (double)(mono_us() - begun) / 1e6);
}

static void the_end_takes_the_rights_within_a_second(void **state) {
  (void)state;
  struct viewer aina = viewer_of(1);
  struct attempt attempt = load(story);
  struct err err;
  char token[4096];
  int64_t ends;
  must(access_token(attempts, &attempt, token, &ends, &err), &err);
  const struct kube *kube = port();
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind("Pod"), attempt.namespace, NULL), .token = token};
  struct kube_reply reply = {0};
  must(kube->send(kube->ctx, arena, &request, 1, &reply, &err), &err);
  assert_int_equal(reply.status, 200);
  must(attempt_end(attempts, &aina, story, &err), &err);
  int64_t begun = mono_ms();
  do {
    nap();
    must(kube->send(kube->ctx, arena, &request, 1, &reply, &err), &err);
  } while (reply.status == 200 && mono_ms() - begun < 5000);
  printf("  rights gone %lld ms after the press\n", (long long)(mono_ms() - begun));
  assert_true(reply.status == 403 || reply.status == 401);
  assert_true(becomes(story, ATTEMPT_GONE, 90000));
  struct kube_request account = {.method = "GET", .path = kube_path(arena, kube_kind("ServiceAccount"), shape_people(arena, install), attempt.namespace)};
  assert_false(kube_call(kube, arena, &account, NULL, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* Nothing of this run stays on the cluster, whatever failed. */
static void clear_ground(void) {
  const struct kube *kube = cluster_kube(cluster, NULL);
  struct tree *namespaces;
  struct err err;
  if (!kube) return;
  if (kube_list(kube, arena, kube_kind("Namespace"), NULL, arena_printf(arena, "labelSelector=makmal/install%%3D%s", install), &namespaces, &err)) {
    TREE_EACH(namespace, namespaces) {
      const char *name = tree_text(tree_get(namespace, "metadata"), "name");
      if (!strncmp(name, "lab-", 4) && !provision_delete(kube, arena, name, install, &err)) fprintf(stderr, "left behind: %s\n", name);
    }
  }
  if (!provision_leave(kube, arena, install, &err)) fprintf(stderr, "left behind: %s\n", err.detail);
}

static bool find_kubectl(void) {
  const char *given = getenv("TEST_KUBECTL");
  if (given) {
    snprintf(kubectl, sizeof kubectl, "%s", given);
    return true;
  }
  glob_t found;
  bool ok = glob("/var/lib/makmal/cluster/*/bin/kubectl", 0, NULL, &found) == 0 && found.gl_pathc;
  if (ok) snprintf(kubectl, sizeof kubectl, "%s", found.gl_pathv[0]);
  globfree(&found);
  return ok;
}

int main(void) {
  struct err err;
  if (!getenv("TEST_CLUSTER_KUBECONFIG") || !find_kubectl()) {
    fprintf(stderr, "TEST_CLUSTER_KUBECONFIG is not set, or no kubectl is here (TEST_KUBECTL): these tests need a real cluster\n");
    return 1;
  }
  secret_init();
  markdown_init();
  kube_forbid(db_on_writer);
  arena = arena_new(0);
  id_random(install, 8);
  snprintf(folder, sizeof folder, "/tmp/makmal-attempt-XXXXXX");
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/makmal.db", folder);
  live = live_open();
  if (!db_open(path, &db, &err) || !(pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err)) ||
      !catalog_open(TEST_SOURCE_DIR "/labs", TEST_SOURCE_DIR "/lua-checks", TEST_SOURCE_DIR "/web/words", pool, &catalog, &err)) {
    fprintf(stderr, "%s: %s\n", err.key, err.detail);
    return 1;
  }
  open_rooms();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_lab_is_started_and_shown),
    cmocka_unit_test(the_learners_own_kubectl_works_and_reaches_nothing_else),
    cmocka_unit_test(a_reset_brings_the_start_back),
    cmocka_unit_test(it_is_found_again_after_a_restart),
    cmocka_unit_test(twenty_people_press_start_at_once),
    cmocka_unit_test(the_end_takes_the_rights_within_a_second),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  clear_ground();
  close_rooms();
  catalog_close(catalog);
  check_pool_close(pool);
  live_close(live);
  db_close(db);
  arena_free(arena);
  char *const argv[] = {(char *)"/bin/rm", (char *)"-rf", folder, NULL};
  struct arena *last = arena_new(0);
  char *out;
  int status;
  spawn_run(last, argv, NULL, NULL, 1024, 5000, &out, &status, NULL);
  arena_free(last);
  return failed;
}
