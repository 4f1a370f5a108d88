/* kube_door: address, TLS and credentials of one API server, put on libcurl handles. Used by kube_http and kube_watch, each from its own threads.
 *
 * What is pinned: https only, TLS 1.2 or newer, peer and name always verified, the kubeconfig's authority alone (the system's folder of authorities
 * is switched off by hand: libcurl would go on using it beside CAINFO_BLOB). No redirects, proxies, netrc, cookies; paths as they are.
 * A client certificate belongs to a connection, so handles for learners carry none, and TLS sessions are not kept for them: a resumed session would
 * bring the certificate of the connection it came from.
 * Secrets lie in one mapping that is locked, kept out of core dumps and wiped. */
#include "kube/kube_http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/wallclock.h"
#include "kube/kube.h"

#define TOKEN_MAX 8192
#define TOKEN_AGE_MS 60000

struct secrets {                  /* the head of the mapping; texts follow */
  size_t size;
  struct curl_blob ca, cert, key;
  pthread_mutex_t lock;           /* token and token_at */
  char token[TOKEN_MAX];
  int64_t token_at;               /* mono; when the file was read */
};

struct kube_door {
  struct secrets *secrets;
  char base[640];                 /* "https://name:port/prefix" */
  struct curl_slist *connect_to;  /* NULL or "name:port:address:port": verified under the name, reached at the address */
  char token_file[512];
};

/* --- the mapping ------------------------------------------------------------------------------------------------------------------------------ */
static struct curl_blob keep(const char *text, char **at) {
  if (!text) return (struct curl_blob){0};
  size_t length = strlen(text);
  memcpy(*at, text, length + 1);
  struct curl_blob blob = {.data = *at, .len = length, .flags = CURL_BLOB_NOCOPY};
  *at += length + 1;
  return blob;
}

static size_t room_for(const char *text) { return text ? strlen(text) + 1 : 0; }

static struct secrets *secrets_new(const struct kube_config *config) {
  size_t size = sizeof(struct secrets) + room_for(config->ca_pem) + room_for(config->client_cert_pem) + room_for(config->client_key_pem);
  struct secrets *secrets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (secrets == MAP_FAILED) abort();
  if (mlock(secrets, size) != 0) log_warn("kube.mlock", "size=%zu note=\"secrets may reach swap\"", size);
  madvise(secrets, size, MADV_DONTDUMP);
  char *at = (char *)(secrets + 1);
  secrets->size = size;
  secrets->ca = keep(config->ca_pem, &at);
  secrets->cert = keep(config->client_cert_pem, &at);
  secrets->key = keep(config->client_key_pem, &at);
  snprintf(secrets->token, sizeof secrets->token, "%s", config->token);
  pthread_mutex_init(&secrets->lock, NULL);
  return secrets;
}

static void secrets_free(struct secrets *secrets) {
  size_t size = secrets->size;
  pthread_mutex_destroy(&secrets->lock);
  secret_wipe(secrets, size);
  munmap(secrets, size);
}

/* --- opening ---------------------------------------------------------------------------------------------------------------------------------- */
static bool address(struct kube_door *door, const struct kube_config *config, struct err *err) {
  CURLU *url = curl_url();
  char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *query = NULL, *user = NULL;
  bool ok = url && curl_url_set(url, CURLUPART_URL, config->server, 0) == CURLUE_OK && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
            !strcmp(scheme, "https") && curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
            curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK && curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
            curl_url_get(url, CURLUPART_QUERY, &query, 0) != CURLUE_OK && curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_OK;
  if (ok) {
    const char *name = config->tls_server_name[0] ? config->tls_server_name : host;
    size_t length = strlen(path);
    while (length && path[length - 1] == '/') length--;
    int room = snprintf(door->base, sizeof door->base, "https://%s:%s%.*s", name, port, (int)length, path);
    ok = room > 0 && (size_t)room < sizeof door->base && !strpbrk(name, "/?#@ \t\r\n");
    if (ok && config->tls_server_name[0]) {
      char to[640];
      snprintf(to, sizeof to, "%s:%s:%s:%s", name, port, host, port);
      door->connect_to = curl_slist_append(NULL, to);
    }
  }
  curl_free(scheme), curl_free(host), curl_free(port), curl_free(path), curl_free(query), curl_free(user);
  curl_url_cleanup(url);
  if (ok) return true;
  err_set(err, ERR_INVALID, "kubeconfig.server", "server %s", config->server);
  return err_param(err, "file", "%s", config->server);
}

struct kube_door *kube_door_open(const struct kube_config *config, struct err *err) {
  struct kube_door *door = calloc(1, sizeof *door);
  if (!door) abort();
  if (!address(door, config, err)) {
    free(door);
    return NULL;
  }
  snprintf(door->token_file, sizeof door->token_file, "%s", config->token_file);
  door->secrets = secrets_new(config);
  return door;
}

void kube_door_close(struct kube_door *door) {
  if (!door) return;
  curl_slist_free_all(door->connect_to);
  secrets_free(door->secrets);
  free(door);
}

/* --- a transfer ------------------------------------------------------------------------------------------------------------------------------- */
/* A peer that vanished without a word is noticed by the kernel, not by each call's own time-out. */
static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose) {
  (void)ctx, (void)purpose;
  unsigned int lost_ms = 10000;
  int on = 1, idle = 10, every = 5;
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof lost_ms);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
  return CURL_SOCKOPT_OK;
}

void kube_door_prepare(const struct kube_door *door, void *easy, enum kube_as as) {
  const struct secrets *secrets = door->secrets;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)KUBE_CONNECT_MS);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
  if (door->connect_to) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, door->connect_to);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "makmal/" MAKMAL_VERSION);
  if (secrets->ca.len) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &secrets->ca);
  }
  if (as == KUBE_AS_PLATFORM && secrets->cert.len) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &secrets->cert);
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &secrets->key);
  }
  if (as == KUBE_AS_LEARNER) curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static bool plain(const char *text, const char *without) {
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) if (*s <= 0x20 || *s >= 0x7F || strchr(without, *s)) return false;
  return true;
}

/* A path that goes up would leave what the caller meant. */
static bool climbs(const char *path) {
  for (const char *s = path; (s = strchr(s, '/')) != NULL; s++) {
    size_t n = strcspn(s + 1, "/");
    if ((n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.')) return true;
  }
  return false;
}

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value) {
  char line[TOKEN_MAX + 64];
  snprintf(line, sizeof line, "%s: %s", name, value);
  struct curl_slist *longer = curl_slist_append(list, line);
  secret_wipe(line, sizeof line);
  if (!longer) abort();
  return longer;
}

/* The platform's token, read anew from its file once a minute: whoever renews it there need not tell us. */
static void own_token(struct kube_door *door, char out[TOKEN_MAX]) {
  struct secrets *secrets = door->secrets;
  pthread_mutex_lock(&secrets->lock);
  if (door->token_file[0] && (!secrets->token_at || mono_ms() - secrets->token_at > TOKEN_AGE_MS)) {
    struct arena *arena = arena_new(0);
    struct err err;
    char *text;
    size_t length;
    if (file_read(arena, door->token_file, TOKEN_MAX - 1, &text, &length, &err)) {
      text[strcspn(text, " \t\r\n")] = 0;
      snprintf(secrets->token, sizeof secrets->token, "%s", text);
      secret_wipe(text, length);
    } else log_warn("kube.token", "key=%s detail=\"%s\"", err.key, err.detail);
    secrets->token_at = mono_ms();
    arena_free(arena);
  }
  memcpy(out, secrets->token, TOKEN_MAX);
  pthread_mutex_unlock(&secrets->lock);
}

bool kube_door_reread(struct kube_door *door) {
  pthread_mutex_lock(&door->secrets->lock);
  bool file = door->token_file[0] && door->secrets->token_at && mono_ms() - door->secrets->token_at > 1000;
  if (file) door->secrets->token_at = 0;
  pthread_mutex_unlock(&door->secrets->lock);
  return file;
}

bool kube_door_request(struct kube_door *door, void *easy, enum kube_as as, const struct kube_request *request, void **out_headers, struct err *err) {
  const char *method = request->method, *query = request->query && *request->query ? request->query : NULL;
  bool good = request->path[0] == '/' && plain(request->path, "?#\\") && !climbs(request->path) && (!query || plain(query, "#")) &&
              (!request->token || (*request->token && strlen(request->token) < TOKEN_MAX && plain(request->token, ""))) &&
              (!request->impersonate || (request->token && *request->impersonate && plain(request->impersonate, ""))) &&
              (!request->content_type || strpbrk(request->content_type, "\r\n") == NULL) && (!request->accept || strpbrk(request->accept, "\r\n") == NULL) &&
              (as == KUBE_AS_LEARNER) == (request->token != NULL);
  if (!good) return err_set(err, ERR_INVALID, "kube.request", "%s %s", method, request->path);
  size_t room = strlen(door->base) + strlen(request->path) + (query ? strlen(query) : 0) + 2;
  char *url = malloc(room);
  if (!url) abort();
  snprintf(url, room, "%s%s%s%s", door->base, request->path, query ? "?" : "", query ? query : "");
  curl_easy_setopt(easy, CURLOPT_URL, url);
  free(url);

  struct curl_slist *headers = NULL;
  headers = header(headers, "Accept", request->accept ? request->accept : "application/json");
  headers = curl_slist_append(headers, "Expect:");
  if (!strcmp(method, "POST")) curl_easy_setopt(easy, CURLOPT_POST, 1L);
  else if (!strcmp(method, "HEAD")) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);      /* else it waits for a body that never comes */
  else if (strcmp(method, "GET")) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  if (request->body || !strcmp(method, "POST")) {
    headers = header(headers, "Content-Type", request->content_type ? request->content_type : "application/json");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(request->body ? request->body_length : 0));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
  }
  char bearer[TOKEN_MAX] = "";
  if (as == KUBE_AS_LEARNER) snprintf(bearer, sizeof bearer, "%s", request->token);
  else own_token(door, bearer);
  if (bearer[0]) {
    char value[TOKEN_MAX + 8];
    snprintf(value, sizeof value, "Bearer %s", bearer);
    headers = header(headers, "Authorization", value);
    secret_wipe(value, sizeof value);
  }
  secret_wipe(bearer, sizeof bearer);
  if (request->impersonate) headers = header(headers, "Impersonate-User", request->impersonate);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  *out_headers = headers;
  return true;
}

void kube_door_forget(void *headers) {
  for (struct curl_slist *at = headers; at; at = at->next) secret_wipe(at->data, strlen(at->data));
  curl_slist_free_all(headers);
}

int64_t kube_door_backoff(int tries, int64_t most_ms) {
  int64_t ceiling = 500;
  for (int i = 0; i < tries && ceiling < most_ms; i++) ceiling *= 2;
  if (ceiling > most_ms) ceiling = most_ms;
  uint32_t random;
  secret_random(&random, sizeof random);
  return (int64_t)((uint64_t)random * (uint64_t)ceiling >> 32) + 1;
}
