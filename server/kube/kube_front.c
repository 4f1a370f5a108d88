/* kube_front: a page asked for at the cluster's Ingress controller. A handle of its own for each call and nothing kept: no credentials, no cookies and no
 * session of anybody's come near what a learner's program may answer. Blocks its caller. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/wallclock.h"
#include "kube/kube.h"
#include "kube/kube_http.h"

bool kube_address(const char *text, char host[256], int *out_port) {
  if (!text) return false;
  const char *at = strncmp(text, "https://", 8) ? text : text + 8, *end = at + strcspn(at, "/"), *colon = NULL, *close = *at == '[' ? strchr(at, ']') : NULL;
  if (*at == '[' && !close) return false;
  for (const char *c = close ? close : at; c < end; c++) if (*c == ':') colon = c;
  const char *stop = close ? close : colon ? colon : end;
  if (close) at++;
  size_t n = (size_t)(stop - at);
  if (!n || n >= 256 || (!close && memchr(at, ':', n))) return false;
  for (size_t i = 0; i < n; i++) if ((unsigned char)at[i] <= 0x20 || (unsigned char)at[i] >= 0x7F || strchr("/?#@\\", at[i])) return false;
  char *rest = NULL;
  long port = colon ? strtol(colon + 1, &rest, 10) : 0;
  if (colon && (rest == colon + 1 || rest != end || port < 1 || port > 65535)) return false;
  memcpy(host, at, n);
  host[n] = 0;
  *out_port = (int)port;
  return true;
}

bool kube_front_at(const char *address, const char *server, struct kube_front *out) {
  *out = (struct kube_front){.port = 80, .tls_port = 443};
  int port = 0;
  if ((address && strstr(address, "://")) || !kube_address(address ? address : server, out->host, &port)) return false;
  if (address && port) out->port = port;                     /* the server's own port is not the front's */
  return true;
}

struct page { struct buf body; size_t head; bool large; };

static size_t on_body(char *bytes, size_t one, size_t length, void *ctx) {
  struct page *page = ctx;
  buf_add(&page->body, bytes, one * length);
  page->large |= page->body.over;
  return page->large ? 0 : one * length;
}

static size_t on_head(char *bytes, size_t one, size_t length, void *ctx) {
  (void)bytes;
  struct page *page = ctx;
  page->head += one * length;
  page->large |= page->head > KUBE_HEAD_MAX;
  return page->large ? 0 : one * length;
}

static void prepare(CURL *easy, const struct kube_front_ask *ask, struct page *page) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, ask->tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  /* a lab's certificate is signed by nobody; that it is one for this host is what the proof is about */
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)KUBE_CONNECT_MS);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(ask->timeout_ms ? ask->timeout_ms : KUBE_TIMEOUT_MS));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "makmal/" MAKMAL_VERSION);
  curl_easy_setopt(easy, CURLOPT_NOBODY, ask->head ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, page);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, page);
}

/* Every byte of it goes into a request line or a name to look a certificate up by. */
static bool plain(const char *text, const char *without) {
  for (const unsigned char *s = (const unsigned char *)text; *s; s++) if (*s <= 0x20 || *s >= 0x7F || strchr(without, *s)) return false;
  return *text != 0;
}

static bool failed(const struct kube_front_ask *ask, CURLcode code, const struct page *page, bool connected, const char *says, struct err *err) {
  if (page->large) {
    err_set(err, ERR_LIMIT, "kube.large", "%s%s: more than %zu bytes", ask->host, ask->path, page->body.cap);
    return err_param(err, "limit", "%zu", page->body.cap);
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION) return err_set(err, ERR_INVALID, "front.certificate", "%s: %s", ask->host, says);
  if (code == CURLE_OPERATION_TIMEDOUT && connected) return err_set(err, ERR_TIMEOUT, "cluster.slow", "%s%s: %s", ask->host, ask->path, says);
  return err_set(err, ERR_UNAVAILABLE, "cluster.no-front", "%s: %s", ask->host, says);
}

void kube_front_get(const struct kube_front *front, struct arena *arena, const struct kube_front_ask *ask, struct kube_reply *reply) {
  *reply = (struct kube_reply){.err = arena_alloc(arena, sizeof *reply->err)};
  int port = ask->tls ? front->tls_port : front->port;
  if (!plain(ask->host, "/?#@:\\[]") || ask->path[0] != '/' || !plain(ask->path, "#\\")) {
    err_set(reply->err, ERR_INVALID, "kube.request", "%s %s", ask->host, ask->path);
    return;
  }
  char says[CURL_ERROR_SIZE] = "";
  struct page page = {0};
  buf_init(&page.body, ask->cap ? ask->cap : KUBE_ANSWER_MAX);
  CURL *easy = curl_easy_init();
  if (!easy) abort();
  prepare(easy, ask, &page);
  curl_easy_setopt(easy, CURLOPT_URL, arena_printf(arena, "%s://%s%s", ask->tls ? "https" : "http", ask->host, ask->path));
  /* whatever the host is called, the controller is where the platform says: no name is looked up */
  struct curl_slist *to = curl_slist_append(NULL, arena_printf(arena, strchr(front->host, ':') ? "::[%s]:%d" : "::%s:%d", front->host, port));
  if (!to) abort();
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, to);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, says);
  CURLcode code = curl_easy_perform(easy);
  long status = 0;
  curl_off_t sent_at = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent_at);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) {
    reply->answered = true;
    reply->status = (int)status;
    reply->body = arena_strn(arena, page.body.data ? page.body.data : "", page.body.len);
    reply->length = page.body.len;
    reply->at_ms = wall_ms();
    reply->err = NULL;
  } else failed(ask, code, &page, sent_at > 0, says[0] ? says : curl_easy_strerror(code), reply->err);
  curl_easy_cleanup(easy);
  curl_slist_free_all(to);
  buf_release(&page.body);
}
