/* kube_config: a kubeconfig, already read into a tree, to one address and one set of credentials. Reads the files it names; runs nothing.
 * What it does not understand and what would make it act as somebody else is refused rather than passed over. Any thread. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/tree.h"
#include "kube/kube.h"

#define PEM_MAX (256u * 1024u)

struct reading { struct arena *arena; const char *folder; struct err *err; };

static bool refuse(struct reading *r, const char *key, const char *name, const char *file) {
  err_set(r->err, ERR_INVALID, key, "%s %s", name ? name : "", file ? file : "");
  if (name) err_param(r->err, "name", "%s", name);
  return err_param(r->err, "file", "%s", file ? file : "");
}

/* The entry of that name in one of the three lists: {name, <part>: {…}}. */
static struct tree *named(const struct tree *config, const char *list, const char *part, const char *name) {
  TREE_EACH(item, tree_get(config, list)) {
    const char *its = tree_text(item, "name");
    if (its && name && !strcmp(its, name)) return tree_get(item, part);
  }
  return NULL;
}

static char *beside(struct reading *r, const char *file) { return *file == '/' ? arena_str(r->arena, file) : arena_printf(r->arena, "%s/%s", r->folder, file); }

/* PEM text under "<key>-data" (base64) or in the file that "<key>" names; *out stays NULL when neither is there. */
static bool pem(struct reading *r, const struct tree *map, const char *key, const char *error, char **out) {
  const char *data = tree_text(map, arena_printf(r->arena, "%s-data", key)), *file = tree_text(map, key);
  size_t length;
  if (data && *data) {
    size_t room = strlen(data) + 1;
    char *text = arena_alloc(r->arena, room);
    if (room > PEM_MAX || !secret_base64_decode(data, room - 1, text, room - 1, &length) || strlen(text) != length || !strstr(text, "-----BEGIN "))
      return refuse(r, error, NULL, arena_printf(r->arena, "%s-data", key));
    *out = text;
  } else if (file && *file) {
    char *path = beside(r, file), *text;
    if (!file_read(r->arena, path, PEM_MAX, &text, &length, NULL) || strlen(text) != length || !strstr(text, "-----BEGIN ")) return refuse(r, error, NULL, path);
    *out = text;
  }
  return true;
}

static bool put(struct reading *r, char *out, size_t room, const char *text, const char *error) {
  if (text && strlen(text) >= room) return refuse(r, error, NULL, "");
  snprintf(out, room, "%s", text ? text : "");
  return true;
}

static bool cluster_of(struct reading *r, const struct tree *cluster, const char *name, struct kube_config *out) {
  const char *server = tree_text_or(cluster, "server", ""), *proxy = tree_text(cluster, "proxy-url");
  if (strncasecmp(server, "https://", 8)) return refuse(r, "kubeconfig.server", name, server);
  if (tree_flag(cluster, "insecure-skip-tls-verify", false)) return refuse(r, "kubeconfig.insecure", name, NULL);
  if (proxy && *proxy) return refuse(r, "kubeconfig.proxy", name, NULL);
  return put(r, out->server, sizeof out->server, server, "kubeconfig.server") &&
         put(r, out->tls_server_name, sizeof out->tls_server_name, tree_text(cluster, "tls-server-name"), "kubeconfig.server") &&
         pem(r, cluster, "certificate-authority", "kubeconfig.ca", &out->ca_pem);
}

static bool user_of(struct reading *r, const struct tree *user, const char *name, struct kube_config *out) {
  static const struct { const char *field, *error; } refused[] = {
    {"exec", "kubeconfig.exec"}, {"auth-provider", "kubeconfig.exec"}, {"username", "kubeconfig.password"}, {"password", "kubeconfig.password"},
    {"as", "kubeconfig.impersonate"}, {"as-uid", "kubeconfig.impersonate"}, {"as-groups", "kubeconfig.impersonate"}, {"as-user-extra", "kubeconfig.impersonate"},
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct tree *field = tree_get(user, refused[i].field);
    if (field && field->type != TREE_NULL) return refuse(r, refused[i].error, name, NULL);
  }
  const char *token_file = tree_text(user, "tokenFile");
  if (!pem(r, user, "client-certificate", "kubeconfig.cert", &out->client_cert_pem) || !pem(r, user, "client-key", "kubeconfig.key", &out->client_key_pem)) return false;
  if (out->client_cert_pem && !out->client_key_pem) return refuse(r, "kubeconfig.key", name, NULL);
  if (out->client_key_pem && !out->client_cert_pem) return refuse(r, "kubeconfig.cert", name, NULL);
  if (token_file && *token_file) {
    if (!put(r, out->token_file, sizeof out->token_file, beside(r, token_file), "kubeconfig.token")) return false;
    if (!file_exists(out->token_file)) return refuse(r, "kubeconfig.token", name, out->token_file);
  } else if (!put(r, out->token, sizeof out->token, tree_text(user, "token"), "kubeconfig.token")) return false;
  return out->client_cert_pem || out->token[0] || out->token_file[0] || refuse(r, "kubeconfig.user", name, NULL);
}

bool kube_config_read(struct arena *arena, const struct tree *config, const char *folder, const char *context, struct kube_config *out, struct err *err) {
  struct reading r = {arena, folder, err};
  struct kube_config read = {0};
  if (!context || !*context) context = tree_text(config, "current-context");
  struct tree *chosen = named(config, "contexts", "context", context);
  if (!chosen) return refuse(&r, "kubeconfig.context", context ? context : "", NULL);
  const char *cluster_name = tree_text_or(chosen, "cluster", ""), *user_name = tree_text_or(chosen, "user", "");
  struct tree *cluster = named(config, "clusters", "cluster", cluster_name), *user = named(config, "users", "user", user_name);
  if (!cluster) return refuse(&r, "kubeconfig.cluster", cluster_name, NULL);
  if (!user) return refuse(&r, "kubeconfig.user", user_name, NULL);
  bool ok = put(&r, read.context, sizeof read.context, context, "kubeconfig.context") && cluster_of(&r, cluster, cluster_name, &read) &&
            user_of(&r, user, user_name, &read);
  if (ok) *out = read;
  secret_wipe(read.token, sizeof read.token);
  return ok;
}
