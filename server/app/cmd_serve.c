/* cmd_serve: one process from start to end. Signals are blocked in every thread and taken by this one: SIGTERM or SIGINT drains, a second one ends at once
 * (the store is safe at any instant), SIGHUP reads the courses anew. */
#include "app/cmd_serve.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/app.h"
#include "app/say.h"
#include "app/settings.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "domain/catalog.h"
#include "domain/people.h"
#include "store/db.h"

#define DRAIN_ALL_MS 19000

extern char **environ;

static void take_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* Descriptors for a thread per connection; no cores, which would hold secrets; few malloc arenas, for hundreds of threads would each keep memory. */
static void limits(void) {
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  mallopt(M_ARENA_MAX, 4);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

/* Where a browser on this machine finds us. */
static void address_of(const struct app *app, char out[300]) {
  const char *listen = app->settings->listen;
  bool all = !strcmp(listen, "0.0.0.0") || !strcmp(listen, "::");
  const char *host = app->settings->public_name.count ? app->settings->public_name.item[0] : all ? "127.0.0.1" : listen;
  snprintf(out, 300, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d", host, http_port(app->http));
}

static void greet(struct app *app, const char *address) {
  printf("Makmal: %s/\n", address);
  struct db_read *read;
  struct err err;
  char key[32];
  if (db_read_begin(app->house.db, &read, &err)) {
    bool wanted = people_need_setup(app->house.people, read);
    db_read_end(read);
    if (wanted && people_setup_key(app->house.people, key, &err))
      printf("There is no administrator yet. Open this link within 15 minutes to become it:\n  %s/setup?k=%s\n", address, key);
  }
  const struct edition *edition = catalog_acquire(app->house.catalog);
  for (size_t i = 0; edition && i < edition->problem_count && i < 5; i++)
    printf("left out: %s:%d: %s\n", edition->problems[i].file, edition->problems[i].line, edition->problems[i].text);
  if (edition && edition->problem_count > 5) printf("and %zu more; see /status\n", edition->problem_count - 5);
  catalog_release(edition);
  fflush(stdout);
}

/* While the rooms close: a second signal, or too much time, ends the process. */
static void *hurry(void *arg) {
  (void)arg;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  struct timespec limit = {DRAIN_ALL_MS / 1000, 0};
  int got = sigtimedwait(&set, NULL, &limit);
  log_warn("serve.hurry", "%s", got > 0 ? "why=\"second signal\"" : "why=\"drain took too long\"");
  _exit(got > 0 ? 130 : 3);
}

static void run(struct app *app, const sigset_t *signals) {
  for (;;) {
    int got = 0;
    if (sigwait(signals, &got)) continue;
    struct err err;
    if (got == SIGHUP) {
      if (catalog_reload(app->house.catalog, &err)) log_info("serve.reload", "courses=read");
      else log_warn("serve.reload", "key=%s detail=\"%s\" says=\"the old edition stays\"", err.key, err.detail);
      continue;
    }
    log_info("serve.stop", "signal=%d", got);
    return;
  }
}

static void differs(void *ctx, const char *name, const char *value) {
  (void)ctx;
  log_info("serve.setting", "%s=%s", name, value);
}

static int serve(const struct settings *set, struct arena *arena) {
  struct err *err = arena_alloc(arena, sizeof *err);
  const char *said;
  sigset_t signals;
  static const char *const levels[] = {"debug", "info", "warn", "error"};
  enum log_level level = LOG_INFO_;
  for (int i = 0; i < 4; i++) if (!strcmp(set->log, levels[i])) level = (enum log_level)i;
  log_init(level, set->trace);
  if (!app_confirm_cluster(set, err) || !file_mkdirs(set->home, 0755, err) || !app_drop_root(set, arena, &said, err)) return say_err("makmal serve", err);
  if (access(set->home, R_OK | W_OK | X_OK)) {
    err_set(err, ERR_UNAVAILABLE, "app.home", NULL);
    err_param(err, "home", "%s", set->home);
    return say_err("makmal serve", err);
  }
  limits();
  take_signals(&signals);
  if (said) printf("Makmal: %s\n", said);
  struct app *app = arena_alloc(arena, sizeof *app);
  if (!app_open(app, set, err)) return say_err("makmal serve", err);
  char address[300];
  address_of(app, address);
  settings_differing(set, differs, NULL);
  log_info("serve.ready", "version=%s address=%s threads=%d seats=%d", MAKMAL_VERSION, address, settings_threads(set), settings_seats(set));
  greet(app, address);
  run(app, &signals);
  pthread_t watcher;
  if (!pthread_create(&watcher, NULL, hurry, NULL)) pthread_detach(watcher);
  app_close(app);
  log_info("serve.stopped", "how=orderly");
  return 0;
}

static int with_settings(const char *who, int argc, char **argv, int (*then)(const struct settings *, struct arena *), const char *help, const char *const *only) {
  struct arena *arena = arena_new(0);
  struct settings *set = arena_alloc(arena, sizeof *set);
  struct err *err = arena_alloc(arena, sizeof *err);
  bool asked;
  int status;
  if (!settings_read(arena, argc, argv, environ, set, &asked, err)) status = say_err(who, err);
  else if (asked) {
    fputs(help, stdout);
    settings_help(stdout, only);
    status = 0;
  } else {
    status = then(set, arena);
  }
  arena_free(arena);
  return status;
}

static int confirm(const struct settings *set, struct arena *arena) {
  struct err *err = arena_alloc(arena, sizeof *err);
  return app_confirm_cluster(set, err) ? 0 : say_err("makmal confirm", err);
}

int cmd_serve(int argc, char **argv) {
  return with_settings("makmal serve", argc, argv, serve,
    "usage: makmal serve [settings]\n\nServes the courses. SIGTERM or Ctrl-C stops it in order, a second one at once; SIGHUP reads the courses anew.\n"
    "A flag wins over the environment, the environment over the file of --config.\n\nexit status: 0 stopped in order, 2 a setting is wrong, 3 something is missing or broken\n\n", NULL);
}

int cmd_confirm(int argc, char **argv) {
  static const char *const asked[] = {"kubeconfig", "context", "yes", NULL};
  return with_settings("makmal confirm", argc, argv, confirm,
    "usage: makmal confirm --kubeconfig FILE [--context NAME] [--yes]\n\nShows which cluster a kubeconfig means and asks once whether it is the right one, as make run does with KUBECONFIG.\n\n"
    "exit status: 0 yes, 2 wrong use, or no, 3 it could not be asked\n\n", asked);
}
