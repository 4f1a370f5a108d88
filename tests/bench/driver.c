/* driver: see the header. */
#include "driver.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "kube/kube.h"

struct driver {
  CURLM *multi;
  CURL *easy[DRIVER_CALLS];            /* used again and again: they keep what does not change */
  struct curl_slist *json, *apply, *to;
  char base[300];
};

static size_t on_body(char *bytes, size_t one, size_t length, void *ctx) {
  struct driver_call *call = ctx;
  size_t n = one * length;
  if (call->length + n + 1 > call->room) {
    call->room = 2 * (call->length + n + 1);
    call->answer = realloc(call->answer, call->room);
    if (!call->answer) abort();
  }
  memcpy(call->answer + call->length, bytes, n);
  call->length += n;
  call->answer[call->length] = 0;
  return n;
}

static struct curl_blob blob_of(const char *pem) { return (struct curl_blob){(void *)pem, strlen(pem), CURL_BLOB_COPY}; }

static CURL *handle(struct driver *driver, const struct kube_config *config) {
  CURL *easy = curl_easy_init();
  if (!easy) abort();
  struct curl_blob ca = blob_of(config->ca_pem ? config->ca_pem : ""), cert = blob_of(config->client_cert_pem ? config->client_cert_pem : ""),
                   key = blob_of(config->client_key_pem ? config->client_key_pem : "");
  if (config->ca_pem) curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
  if (config->client_cert_pem) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &cert);
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
  }
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 15000L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  if (driver->to) curl_easy_setopt(easy, CURLOPT_CONNECT_TO, driver->to);
  return easy;
}

static struct curl_slist *headers(const struct kube_config *config, const char *content_type) {
  char line[4200];
  struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");
  snprintf(line, sizeof line, "Content-Type: %s", content_type);
  list = curl_slist_append(list, line);
  list = curl_slist_append(list, "Expect:");
  if (!config->client_cert_pem && *config->token) {
    snprintf(line, sizeof line, "Authorization: Bearer %s", config->token);
    list = curl_slist_append(list, line);
  }
  return list;
}

struct driver *driver_open(const struct kube_config *config) {
  struct driver *driver = calloc(1, sizeof *driver);
  if (!driver) abort();
  snprintf(driver->base, sizeof driver->base, "%s", config->server);
  if (*config->tls_server_name) {                       /* the certificate's name in the address, the real one behind it */
    char to[600];
    const char *host = strstr(config->server, "://");
    host = host ? host + 3 : config->server;
    const char *colon = strrchr(host, ':'), *port = colon ? colon + 1 : "443";
    snprintf(driver->base, sizeof driver->base, "https://%s:%s", config->tls_server_name, port);
    snprintf(to, sizeof to, "%s:%s:%s", config->tls_server_name, port, host);
    driver->to = curl_slist_append(NULL, to);
  }
  driver->multi = curl_multi_init();
  curl_multi_setopt(driver->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
  curl_multi_setopt(driver->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  driver->json = headers(config, "application/json");
  driver->apply = headers(config, "application/apply-patch+yaml");
  for (int i = 0; i < DRIVER_CALLS; i++) driver->easy[i] = handle(driver, config);
  return driver;
}

void driver_send(struct driver *driver, struct driver_call *calls, size_t count) {
  if (count > DRIVER_CALLS) die("the driver sends %d calls at once, not %zu", DRIVER_CALLS, count);
  for (size_t i = 0; i < count; i++) {
    CURL *easy = driver->easy[i];
    struct driver_call *call = &calls[i];
    char url[2300];
    snprintf(url, sizeof url, "%s%s", driver->base, call->path);
    call->length = 0;
    call->status = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->content_type && strstr(call->content_type, "apply-patch") ? driver->apply : driver->json);
    if (call->body) {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    } else {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_multi_add_handle(driver->multi, easy);
  }
  for (int running = 1, left; running;) {
    if (curl_multi_perform(driver->multi, &running) != CURLM_OK) die("curl_multi_perform");
    for (CURLMsg *message; (message = curl_multi_info_read(driver->multi, &left)) != NULL;) {
      struct driver_call *call = NULL;
      long status = 0;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
      if (message->data.result == CURLE_OK) curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
      else say("driver: %s %s: %s", call->method, call->path, curl_easy_strerror(message->data.result));
      call->status = (int)status;
      curl_multi_remove_handle(driver->multi, message->easy_handle);
    }
    if (running) curl_multi_poll(driver->multi, NULL, 0, 1000, NULL);
  }
}

void driver_close(struct driver *driver) {
  if (!driver) return;
  for (int i = 0; i < DRIVER_CALLS; i++) curl_easy_cleanup(driver->easy[i]);
  curl_multi_cleanup(driver->multi);
  curl_slist_free_all(driver->json);
  curl_slist_free_all(driver->apply);
  curl_slist_free_all(driver->to);
  free(driver);
}
