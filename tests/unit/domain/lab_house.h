/* The rooms around attempts on a cluster in memory: a database in a temporary folder, the repository's own labs, real workers. The walls of a real
 * cluster are played: whatever a learner's token asks for beyond the two controls is refused with every guard's mark. */
#ifndef MAKMAL_TESTS_LAB_HOUSE_H
#define MAKMAL_TESTS_LAB_HOUSE_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/live.h"
#include "domain/proof.h"
#include "fake/fake_kube.h"
#include "store/db.h"

#define LAB "mend-selector"
#define INSTALL "0123abcd"

struct house {
  char folder[64], path[96];
  struct db *db; struct live *live; struct check_pool *pool; struct catalog *catalog;
  struct fake_kube *fake; struct cluster *cluster, *before; struct attempts *attempts;
  struct arena *arena;
  atomic_bool walls_down;                /* the learner's token is let through */
};

/* What the API server's guards would say. */
static inline bool house_guards(void *ctx, const struct kube_request *request, int *status, char **body) {
  struct house *house = ctx;
  bool review = strstr(request->path, "selfsubjectrulesreviews") != NULL;
  if (review) {
    *status = 201;
    *body = strdup(request->token ? "{\"status\":{\"resourceRules\":[{\"verbs\":[\"create\"],\"apiGroups\":[\"authorization.k8s.io\"],\"resources\":[\"selfsubjectaccessreviews\"]}]}}"
                                  : "{\"status\":{\"resourceRules\":[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}]}}");
    return true;
  }
  bool dry = request->query && strstr(request->query, "dryRun=All");
  if (dry && request->body && strstr(request->body, "\"privileged\":true")) {
    *status = 403;
    *body = strdup("{\"kind\":\"Status\",\"message\":\"violates PodSecurity\"}");
    return true;
  }
  if (!strcmp(request->method, "PUT") && strstr(request->path, "/roles/")) {      /* a Role is made by PUT too */
    fake_kube_put(house->fake, request->body);
    *status = 201;
    *body = strdup(request->body);
    return true;
  }
  /* no trial with Pods here: they would never run, and what it wrote would be told to mirrors after their end */
  if (request->body && strstr(request->body, "\"name\":\"makmal-probe")) {
    *status = 403, *body = strdup("{\"kind\":\"Status\",\"message\":\"no trial\"}");
    return true;
  }
  if (!request->token || house->walls_down) return false;
  if (!strcmp(request->method, "POST") && (strstr(request->path, "/deployments") || strstr(request->path, "/configmaps"))) return false;
  struct buf text;
  buf_init(&text, 8192);
  buf_str(&text, "{\"kind\":\"Status\",\"message\":");
  struct buf marks;
  buf_init(&marks, 8192);
  for (const struct proof_act *act = proof_acts; act->act; act++) if (act->mark) buf_printf(&marks, "%s; ", act->mark);
  buf_json(&text, marks.data);
  buf_char(&text, '}');
  buf_release(&marks);
  *status = 403;
  *body = text.data;
  return true;
}

static inline void house_fail(const char *what, const struct err *err) {
  fprintf(stderr, "%s: %s %s\n", what, err->key, err->detail);
  abort();
}

/* The attempts room over the same database: at first, and again after a crash. */
static inline void house_open_attempts(struct house *house) {
  static const unsigned char secret[32] = "a secret of thirty-two bytes...";
  struct err err;
  struct attempts_needs needs = {.db = house->db, .live = NULL, .catalog = house->catalog, .cluster = house->cluster, .pool = house->pool, .install = INSTALL, .secret = secret, .secret_length = sizeof secret,
                                  .lab_domain = "labs.example.org"};
  if (!attempts_open(&needs, &house->attempts, &err) || !attempts_resume(house->attempts, &err)) house_fail("attempts", &err);
}

static inline void house_open_cluster(struct house *house) {
  struct err err;
  if (!cluster_open(&(struct cluster_spec){.kube = fake_kube_port(house->fake), .install = INSTALL, .pool = house->pool}, &house->cluster, &err)) house_fail("cluster", &err);
}

static inline void house_open(struct house *house, bool cluster_answers) {
  struct err err;
  memset(house, 0, sizeof *house);
  secret_init();
  markdown_init();
  snprintf(house->folder, sizeof house->folder, "/tmp/makmal-house-XXXXXX");
  if (!mkdtemp(house->folder)) abort();
  snprintf(house->path, sizeof house->path, "%s/makmal.db", house->folder);
  if (!db_open(house->path, &house->db, &err)) house_fail("db", &err);
  house->live = live_open();
  if (!(house->pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err))) house_fail("pool", &err);
  if (!catalog_open(TEST_SOURCE_DIR "/labs", TEST_SOURCE_DIR "/lua-checks", TEST_SOURCE_DIR "/web/words", house->pool, &house->catalog, &err)) house_fail("catalog", &err);
  house->fake = fake_kube_new();
  fake_kube_answer(house->fake, house_guards, house);
  if (!cluster_answers) fake_kube_fault(house->fake, &(struct fake_fault){.away = true});
  house->arena = arena_new(0);
  house_open_cluster(house);
  house_open_attempts(house);
}

static inline void house_close(struct house *house) {
  fake_kube_settle(house->fake);
  attempts_close(house->attempts);
  fake_kube_settle(house->fake);
  cluster_close(house->cluster);
  cluster_close(house->before);         /* of the server that crashed: the fake's watches point at it until nothing happens any more */
  fake_kube_free(house->fake);
  catalog_close(house->catalog);
  check_pool_close(house->pool);
  live_close(house->live);
  db_close(house->db);
  arena_free(house->arena);
  static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".lock"};
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", house->path, tails[i]);
    unlink(name);
  }
  rmdir(house->folder);
}

static inline struct viewer house_viewer(char letter, enum role role) {
  struct viewer viewer = {.role = role, .lang = LANG_EN};
  memset(viewer.person, letter, ID_SIZE - 1);
  viewer.person[0] = '0';
  return viewer;
}

static inline struct attempt house_load(struct house *house, const char *id) {
  struct attempt attempt;
  struct db_read *read;
  struct err err;
  if (!db_read_begin(house->db, &read, &err) || !attempt_load(read, id, house->arena, &attempt, &err)) house_fail("attempt", &err);
  db_read_end(read);
  return attempt;
}

static inline void house_nap(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

/* Waits on the condition, never a fixed time; gives up after 20 s. */
static inline bool house_state(struct house *house, const char *id, enum attempt_state state) {
  for (int64_t until = mono_ms() + 20000; mono_ms() < until; house_nap()) if (house_load(house, id).state == state) return true;
  return false;
}
#endif
