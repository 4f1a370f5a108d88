/* kube_config: which kubeconfigs are taken, and with which words the others are refused. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "kube/kube.h"

#define PEM "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="      /* "-----BEGIN CERTIFICATE-----\nx\n…" */
#define CONFIG(cluster, user) "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"b\",\"context\":{\"cluster\":\"none\",\"user\":\"u\"}}," \
  "{\"name\":\"c\",\"context\":{\"cluster\":\"k\",\"user\":\"u\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{" cluster "}}],\"users\":[{\"name\":\"u\",\"user\":{" user "}}]}"
#define SERVER "\"server\":\"https://h:6443\""
#define TOKEN "\"token\":\"t\""

static char folder[] = "/tmp/makmal-config-XXXXXX";

static bool take(struct arena *arena, const char *json, const char *context, struct kube_config *out, struct err *err) {
  struct tree *tree;
  if (!tree_parse(arena, json, strlen(json), 0, &tree, err)) fail_msg("%s %s", err->detail, json);
  return kube_config_read(arena, tree, folder, context, out, err);
}

static void takes_tokens_certificates_and_files_beside_it(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct kube_config config;
  struct err err = {0};
  assert_true(take(arena, CONFIG(SERVER ",\"certificate-authority-data\":\"" PEM "\",\"tls-server-name\":\"kubernetes\"", TOKEN), NULL, &config, &err));
  assert_string_equal(config.server, "https://h:6443");
  assert_string_equal(config.tls_server_name, "kubernetes");
  assert_string_equal(config.token, "t");
  assert_string_equal(config.context, "c");
  assert_int_equal(strncmp(config.ca_pem, "-----BEGIN CERTIFICATE-----\nx\n", 30), 0);
  assert_null(config.client_cert_pem);
  char *path = arena_printf(arena, "%s/ca.pem", folder);
  assert_true(file_replace(path, "-----BEGIN CERTIFICATE-----\ny\n", 30, 0600, &err));
  assert_true(take(arena, CONFIG(SERVER ",\"certificate-authority\":\"ca.pem\"", "\"client-certificate\":\"ca.pem\",\"client-key-data\":\"" PEM "\",\"tokenFile\":\"ca.pem\",\"exec\":null"), "", &config, &err));
  assert_string_equal(config.ca_pem, "-----BEGIN CERTIFICATE-----\ny\n");
  assert_string_equal(config.client_cert_pem, config.ca_pem);
  assert_string_equal(config.token_file, path);
  assert_string_equal(config.token, "");
  unlink(path);
  arena_free(arena);
}

static void refuses_what_it_cannot_use_or_should_not(void **state) {
  (void)state;
  static const struct { const char *sentence, *json, *context, *key; } rows[] = {
    {"no such context", CONFIG(SERVER, TOKEN), "z", "kubeconfig.context"},
    {"no context at all", "{}", NULL, "kubeconfig.context"},
    {"a context without its cluster", CONFIG(SERVER, TOKEN), "b", "kubeconfig.cluster"},
    {"not over TLS", CONFIG("\"server\":\"http://h\"", TOKEN), NULL, "kubeconfig.server"},
    {"no server", CONFIG("", TOKEN), NULL, "kubeconfig.server"},
    {"unverified", CONFIG(SERVER ",\"insecure-skip-tls-verify\":true", TOKEN), NULL, "kubeconfig.insecure"},
    {"through a proxy", CONFIG(SERVER ",\"proxy-url\":\"http://p\"", TOKEN), NULL, "kubeconfig.proxy"},
    {"an authority that is no certificate", CONFIG(SERVER ",\"certificate-authority-data\":\"eA==\"", TOKEN), NULL, "kubeconfig.ca"},
    {"an authority that is no base64", CONFIG(SERVER ",\"certificate-authority-data\":\"*\"", TOKEN), NULL, "kubeconfig.ca"},
    {"an authority in a file that is not there", CONFIG(SERVER ",\"certificate-authority\":\"none.pem\"", TOKEN), NULL, "kubeconfig.ca"},
    {"a program to run", CONFIG(SERVER, "\"exec\":{\"command\":\"aws\"}"), NULL, "kubeconfig.exec"},
    {"a program to run beside a token", CONFIG(SERVER, TOKEN ",\"exec\":{\"command\":\"aws\"}"), NULL, "kubeconfig.exec"},
    {"a plugin", CONFIG(SERVER, "\"auth-provider\":{\"name\":\"oidc\"}"), NULL, "kubeconfig.exec"},
    {"a password", CONFIG(SERVER, "\"username\":\"a\",\"password\":\"b\""), NULL, "kubeconfig.password"},
    {"in another's name", CONFIG(SERVER, TOKEN ",\"as\":\"admin\""), NULL, "kubeconfig.impersonate"},
    {"in another group's name", CONFIG(SERVER, TOKEN ",\"as-groups\":[\"system:masters\"]"), NULL, "kubeconfig.impersonate"},
    {"a certificate without its key", CONFIG(SERVER, "\"client-certificate-data\":\"" PEM "\""), NULL, "kubeconfig.key"},
    {"a key without its certificate", CONFIG(SERVER, "\"client-key-data\":\"" PEM "\""), NULL, "kubeconfig.cert"},
    {"a token file that is not there", CONFIG(SERVER, "\"tokenFile\":\"none\""), NULL, "kubeconfig.token"},
    {"no credentials", CONFIG(SERVER, ""), NULL, "kubeconfig.user"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct kube_config config = {.server = "untouched"};
    struct err err = {0};
    if (take(arena, rows[i].json, rows[i].context, &config, &err) || strcmp(err.key, rows[i].key)) fail_msg("%s: %s", rows[i].sentence, err.key);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(config.server, "untouched");
    arena_free(arena);
  }
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  if (!secret_init()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(takes_tokens_certificates_and_files_beside_it), cmocka_unit_test(refuses_what_it_cannot_use_or_should_not)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
