/* What the programs of tests/cluster stand on: the cluster that TEST_CLUSTER_KUBECONFIG names (the platform's kubeconfig, JSON), a worker, an install id of
 * their own whose traces are taken away at the end. Without a cluster the program fails. */
#ifndef MAKMAL_TESTS_CLUSTER_GROUND_H
#define MAKMAL_TESTS_CLUSTER_GROUND_H
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/provision.h"
#include "kube/kube.h"

static struct kube kube;
static struct check_pool *pool;
static char install[9];

static bool ground_open(void) {
  const char *path = getenv("TEST_CLUSTER_KUBECONFIG");
  struct err err = {0};
  char *text;
  size_t length;
  struct tree *tree;
  struct kube_config config;
  if (!path) {
    fprintf(stderr, "TEST_CLUSTER_KUBECONFIG is not set: these tests need the platform's kubeconfig of a real cluster\n");
    return false;
  }
  secret_init();
  id_random(install, 8);
  struct arena *arena = arena_new(0);
  bool ok = (pool = check_pool_open(TEST_BINARY_DIR "/makmal-check", 1, &err)) && file_read(arena, path, 1 << 20, &text, &length, &err) &&
            tree_parse(arena, text, length, 0, &tree, &err) && kube_config_read(arena, tree, ".", NULL, &config, &err) && kube_open(&config, &kube, &err);
  if (!ok) fprintf(stderr, "%s: %s %s\n", path, err.key, err.detail);
  arena_free(arena);
  return ok;
}

static void ground_close(void) {
  struct arena *arena = arena_new(0);
  struct err err;
  if (!provision_leave(&kube, arena, install, &err)) fprintf(stderr, "left behind: %s\n", err.detail);
  arena_free(arena);
  kube_close(&kube);
  check_pool_close(pool);
}
#endif
