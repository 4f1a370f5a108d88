/* app: all rooms of the server, opened in order and closed in reverse. */
#ifndef MAKMAL_APP_APP_H
#define MAKMAL_APP_APP_H
#include <stdbool.h>
#include "app/settings.h"
#include "base/id.h"
#include "web/house.h"
#include "web/http.h"
struct kube_relay;
struct app {
  const struct settings *settings;
  struct house house;
  struct http *http;
  struct kube_relay *relay, *ingress, *ingress_tls;
  char install[9]; unsigned char secret[32];
  char api_port[8];
  struct http_spec web;
};
/* Opens everything and begins to serve: home, log, workers, database, catalogue, live, people, progress, cluster, attempts, grading, page, HTTP. What was
 * begun before a crash is taken up again before the first request. On failure what was opened is closed again. */
bool app_open(struct app *app, const struct settings *settings, struct err *err);
/* Drain: streams are told bye, the door closes, requests and running checks finish (15 s at most), then all rooms close. */
void app_close(struct app *app);
/* As root: becomes settings->user where it can read all it needs, else stays root. *out_said: one line that says which; NULL when not root. */
bool app_drop_root(const struct settings *settings, struct arena *arena, const char **out_said, struct err *err);
/* Folders as set, else beside the sources. */
const char *app_folder(const char *set, const char *name, char out[4096]);
const char *app_worker(const struct settings *settings);
/* Asks once whether somebody's own cluster is meant. True: yes, or nothing to ask. */
bool app_confirm_cluster(const struct settings *settings, struct err *err);
#endif
