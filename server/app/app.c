/* app: opens the rooms in the order in which they need each other. Each room is closed by app_close when it is there, in reverse: so a failure half-way and
 * an orderly end are the same path. */
#include "app/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "check/check.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/grading.h"
#include "domain/live.h"
#include "domain/people.h"
#include "domain/progress.h"
#include "domain/regrade.h"
#include "kube/kube.h"
#include "store/db.h"
#include "web/asset.h"
#include "web/gate.h"
#include "web/metrics.h"
#include "web/page_kept.h"
#include "web/stream.h"

#define DRAIN_MS 15000

const char *app_folder(const char *set, const char *name, char out[4096]) {
  if (set && *set) snprintf(out, 4096, "%s", set);
  else snprintf(out, 4096, "%s/%s", MAKMAL_SOURCE_DIR, name);
  return out;
}

const char *app_worker(const struct settings *settings) { return settings->worker ? settings->worker : course_room_worker(); }

/* What only this floor sees: the store, the workers, the cluster's connection. */
static void more_metrics(struct house *house, struct buf *out) {
  struct db_stats db;
  struct check_pool_stats pool;
  struct kube_stats calls;
  db_stats(house->db, &db);
  metrics_one(out, "store_units_total", "counter", "Write units run.", (double)db.units);
  metrics_one(out, "store_commits_total", "counter", "Commits; each holds one unit or more.", (double)db.commits);
  metrics_one(out, "store_failed_total", "counter", "Write units that failed.", (double)db.failed);
  metrics_one(out, "store_waiting", "gauge", "Write units that wait.", db.waiting);
  metrics_one(out, "store_file_bytes", "gauge", "Size of the database file.", (double)db.file_bytes);
  metrics_one(out, "store_wal_bytes", "gauge", "Size of the write-ahead log.", (double)db.wal_bytes);
  metrics_one(out, "store_sync_seconds_max", "gauge", "Longest commit so far.", (double)db.sync_us_max / 1e6);
  check_pool_stats(house->pool, &pool);
  metrics_one(out, "workers_alive", "gauge", "Checker processes.", pool.alive);
  metrics_one(out, "workers_busy", "gauge", "Checker processes at work.", pool.busy);
  metrics_one(out, "worker_runs_total", "counter", "Jobs given to checkers.", (double)pool.runs);
  metrics_one(out, "worker_killed_total", "counter", "Checkers killed by the wall clock.", (double)pool.killed);
  metrics_one(out, "worker_recycled_total", "counter", "Checkers replaced after a limit was hit.", (double)pool.recycled);
  const struct kube *kube = cluster_kube(house->cluster, NULL);
  metrics_one(out, "cluster_connected", "gauge", "1: the cluster can be asked.", kube ? 1 : 0);
  if (!kube) return;
  kube_stats(kube, &calls);
  metrics_one(out, "kube_calls_total", "counter", "Calls to the cluster.", (double)calls.sent);
  metrics_one(out, "kube_failed_total", "counter", "Calls without an answer.", (double)calls.failed);
  metrics_one(out, "kube_retried_total", "counter", "Calls sent again.", (double)calls.retried);
  metrics_one(out, "kube_in_flight", "gauge", "Calls under way.", calls.in_flight);
  metrics_one(out, "kube_watch_events_total", "counter", "Events of the watches.", (double)calls.watch_events);
  metrics_one(out, "kube_relists_total", "counter", "Lists told anew after a watch was lost.", (double)calls.relists);
  metrics_one(out, "kube_circuit_open", "gauge", "1: the cluster does not answer; one probe each 2 s.", calls.circuit_open);
}

/* A port of ours passed on to a port of the cluster; one that is taken is said and left. */
static void pass_on(const struct app *app, int64_t port, const char *host, int target, const char *cure, struct kube_relay **out) {
  const char *address = app->settings->api_listen ? app->settings->api_listen : app->settings->listen;
  char listen[300];
  struct err err;
  snprintf(listen, sizeof listen, strchr(address, ':') ? "[%s]:%lld" : "%s:%lld", address, (long long)port);
  if (kube_relay_open(listen, host, target, out, &err)) log_info("relay.open", "listen=%s to=%s:%d", listen, host, target);
  else log_warn("relay.port", "listen=%s key=%s detail=\"%s\" says=\"%s\"", listen, err.key, err.detail, cure);
}

/* Each time the cluster becomes ready; from its thread. Relays are opened once: the cluster's address does not change while we run. */
static void open_relays(void *ctx) {
  struct app *app = ctx;
  const struct settings *set = app->settings;
  char host[256];
  int port;
  struct cluster_status status;
  cluster_status(app->house.cluster, &status);
  if (!status.embedded) return;                              /* any other cluster has addresses of its own, and the kubeconfig names that */
  if (!kube_address(cluster_server(app->house.cluster), host, &port)) return;
  if (!port) port = 443;
  if (!app->relay) {
    pass_on(app, set->api_port, host, port, "learners' own kubectl cannot reach the cluster; choose another --api-port (MAKMAL_API_PORT)", &app->relay);
    if (app->relay) {
      snprintf(app->api_port, sizeof app->api_port, "%lld", (long long)set->api_port);
      app->house.api_relay_port = app->api_port;             /* only now: a kubeconfig never names a port that is somebody else's */
    }
  }
  if (set->ingress_port && !app->ingress) pass_on(app, set->ingress_port, host, 80, "browsers cannot reach the labs' Ingress; choose another --ingress-port (MAKMAL_INGRESS_PORT)", &app->ingress);
  if (set->ingress_tls_port && !app->ingress_tls) pass_on(app, set->ingress_tls_port, host, 443, "browsers cannot reach the labs' Ingress by https; choose another --ingress-tls-port (MAKMAL_INGRESS_TLS_PORT)", &app->ingress_tls);
}

static bool open_rooms(struct app *app, struct err *err) {
  const struct settings *set = app->settings;
  struct house *house = &app->house;
  char path[4200], labs[4096], library[4096], words[4096];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  int workers = set->workers > 0 ? (int)set->workers : (int)(cores > 0 ? cores : 1);

  if (!secret_init() || !markdown_init()) return err_set(err, ERR_BUG, "app.library", "libsodium or cmark did not start");
  if (!people_install(set->home, app->install, app->secret, err)) return false;
  if (!(house->pool = check_pool_open(app_worker(set), workers, err))) return false;
  snprintf(path, sizeof path, "%s/makmal.db", set->home);
  if (!db_open(path, &house->db, err)) return false;
  kube_forbid(db_on_writer);
  if (!catalog_open(app_folder(set->labs, "labs", labs), app_folder(set->library, "lua-checks", library), app_folder(set->words, "web/words", words), house->pool,
                    &house->catalog, err)) return false;
  catalog_keeps(house->catalog, house->db);
  house->live = live_open();
  if (!people_open(house->db, house->live, &house->people, err) || !progress_open(house->db, house->catalog, &house->progress, err)) return false;

  bool none = !set->kubeconfig && !strcmp(set->cluster, "none");
  struct cluster_spec cluster = {.name = set->kubeconfig || none ? NULL : set->cluster, .kubeconfig = set->kubeconfig, .context = set->context, .ingress = set->ingress_address, .pool = house->pool,
                                 .live = house->live, .install = app->install};
  if (!cluster_open(&cluster, &house->cluster, err)) return false;
  cluster_on_ready(house->cluster, open_relays, app);
  struct attempts_needs attempts = {.db = house->db, .live = house->live, .catalog = house->catalog, .cluster = house->cluster, .pool = house->pool,
                                    .install = app->install, .secret = app->secret, .secret_length = sizeof app->secret, .lab_domain = set->lab_domain};
  if (!attempts_open(&attempts, &house->attempts, err)) return false;
  struct grading_needs grading = {.db = house->db, .live = house->live, .catalog = house->catalog, .cluster = house->cluster, .attempts = house->attempts,
                                  .progress = house->progress, .pool = house->pool, .workers = workers, .no_rates = !set->rates};
  if (!grading_open(&grading, &house->grading, err)) return false;
  struct regrades_needs regrades = {.db = house->db, .live = house->live, .catalog = house->catalog, .pool = house->pool};
  if (!regrades_open(&regrades, &house->regrades, err)) return false;
  if (!assets_open(app_folder(set->web, "web/dist", words), &house->assets, err)) return false;

  house->gate = gate_open(set->rates);
  house->streams = streams_new(settings_seats(set));
  house->metrics = metrics_open();
  house->pages = page_kept_new();
  house->more_metrics = more_metrics;
  /* rows first: what was acknowledged before a crash is under way again when the first request comes */
  if (!attempts_resume(house->attempts, err) || !grading_resume(house->grading, err) || !regrades_resume(house->regrades, err)) return false;
  return http_open(&app->web, house, &app->http, err);
}

static bool is_loopback(const char *address) { return !strncmp(address, "127.", 4) || !strcmp(address, "::1"); }

bool app_open(struct app *app, const struct settings *settings, struct err *err) {
  *app = (struct app){.settings = settings};
  app->house.plain_http = !settings->proxy.count;
  app->house.beyond_loopback = !is_loopback(settings->listen);
  if (app->house.beyond_loopback && !settings->proxy.count && !settings->plain_http)
    return err_set(err, ERR_INVALID, "settings.plain-http", NULL), err_param(err, "address", "%s", settings->listen);
  app->web = (struct http_spec){.listen = settings->listen, .port = (int)settings->port, .threads = settings_threads(settings),
                                .names = settings->public_name.item, .name_count = settings->public_name.count, .proxies = settings->proxy.item,
                                .proxy_count = settings->proxy.count};
  if (!http_port_free(&app->web, err)) return false;          /* before anything else is opened: the commonest mistake */
  if (open_rooms(app, err)) return true;
  app_close(app);
  return false;
}

void app_close(struct app *app) {
  struct house *house = &app->house;
  atomic_store(&house->draining, true);
  if (house->live) live_bye(house->live, 2000, "stopping");
  http_drain(app->http, DRAIN_MS);
  http_close(app->http);
  kube_relay_close(app->relay);
  kube_relay_close(app->ingress);
  kube_relay_close(app->ingress_tls);
  if (house->regrades) regrades_close(house->regrades);
  if (house->grading) grading_close(house->grading, DRAIN_MS - 5000);
  if (house->attempts) attempts_close(house->attempts);
  if (house->cluster) cluster_close(house->cluster);
  if (house->progress) progress_close(house->progress);
  if (house->people) people_close(house->people);
  if (house->live) live_close(house->live);
  page_kept_free(house->pages);
  if (house->catalog) catalog_close(house->catalog);
  if (house->pool) check_pool_close(house->pool);
  if (house->db) db_close(house->db);
  assets_close(house->assets);
  gate_close(house->gate);
  streams_free(house->streams);
  metrics_close(house->metrics);
  secret_wipe(app->secret, sizeof app->secret);
  *app = (struct app){0};
}
