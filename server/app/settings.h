/* settings: one table with a row per setting: flag, environment, default, range, prose. It feeds `serve --help`, the reading and the checking.
 * A flag wins over the environment, the environment over the file (--config), the file over the default. */
#ifndef MAKMAL_APP_SETTINGS_H
#define MAKMAL_APP_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
struct arena; struct err;
#define SETTINGS_LIST_MAX 16
struct setting_list { const char *item[SETTINGS_LIST_MAX]; size_t count; };
struct settings {
  const char *home;
  const char *listen; int64_t port; bool plain_http; struct setting_list public_name, proxy;
  const char *api_listen; int64_t api_port, ingress_port, ingress_tls_port;
  const char *lab_domain, *ingress_address;
  const char *cluster, *kubeconfig, *context; bool yes;
  int64_t people, workers;
  const char *labs, *library, *words, *web, *worker;
  const char *user, *log, *trace, *config;
  bool rates;
};
/* argv[0] is the command's name. Texts live in the arena. INVALID "settings.unknown" (name), "settings.value" (name, value, wanted, from),
 * "settings.missing" (name), "settings.line" (file, line); *out_help: --help was asked for. */
bool settings_read(struct arena *arena, int argc, char **argv, char *const *environment, struct settings *out, bool *out_help, struct err *err);
/* Flag and prose, with default, range and environment name. only: names, NULL behind the last; or NULL: all. */
void settings_help(FILE *out, const char *const *only);
/* Lines "name = value" of what differs from its default, for doctor and the log. */
void settings_differing(const struct settings *settings, void (*tell)(void *ctx, const char *name, const char *value), void *ctx);
/* Threads of CivetWeb and seats of streams for so many people. */
int settings_threads(const struct settings *settings);
int settings_seats(const struct settings *settings);
#endif
