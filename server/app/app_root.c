/* app_root: two questions before anything is opened: as whom to run, and whether somebody's own cluster is meant. The functions stand in app.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "check/check.h"
#include "kube/kube.h"

/* The first of these that the effective user cannot use, or NULL. */
static const char *unreadable(const struct settings *set, struct arena *arena) {
  char folder[4096];
  const char *const folders[][2] = {{set->labs, "labs"}, {set->library, "lua-checks"}, {set->words, "web/words"}, {set->web, "web/dist"}};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    const char *path = app_folder(folders[i][0], folders[i][1], folder);
    if (faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) && errno != ENOENT) return arena_str(arena, path);
  }
  const char *worker = app_worker(set);
  if (faccessat(AT_FDCWD, worker, X_OK, AT_EACCESS)) return arena_str(arena, worker);
  /* the home itself too: a folder above it that the user cannot pass keeps everything in it shut */
  if (faccessat(AT_FDCWD, set->home, F_OK, AT_EACCESS) && errno == EACCES) return set->home;
  if (set->kubeconfig && faccessat(AT_FDCWD, set->kubeconfig, R_OK, AT_EACCESS)) return set->kubeconfig;
  return NULL;
}

static void give(const char *path, const struct passwd *user) {
  if (lchown(path, user->pw_uid, user->pw_gid) && errno != ENOENT) fprintf(stderr, "makmal: cannot give %s to %s: %s\n", path, user->pw_name, strerror(errno));
}

bool app_drop_root(const struct settings *set, struct arena *arena, const char **out_said, struct err *err) {
  *out_said = NULL;
  if (geteuid() != 0) return true;
  const struct passwd *user = getpwnam(set->user);
  if (!user) {
    *out_said = arena_printf(arena, "running as root: there is no user %s (adduser --system --group %s makes one)", set->user, set->user);
    return true;
  }
  if (user->pw_uid == 0) return true;
  if (setegid(user->pw_gid) || seteuid(user->pw_uid)) return err_set(err, ERR_UNAVAILABLE, "app.user", "%s", strerror(errno)), err_param(err, "user", "%s", set->user);
  const char *closed = unreadable(set, arena);
  if (seteuid(0) || setegid(0)) return err_set(err, ERR_BUG, "app.user", "%s", strerror(errno)), err_param(err, "user", "%s", set->user);
  if (closed) {
    *out_said = arena_printf(arena, "running as root: the user %s cannot read %s", set->user, closed);
    return true;
  }
  /* The folder stays root's, sticky: the user makes files in it but cannot put another in the place of cluster/, which root trusts at the next start. */
  if (lchown(set->home, 0, user->pw_gid) || chmod(set->home, 01770)) fprintf(stderr, "makmal: cannot open %s to %s: %s\n", set->home, user->pw_name, strerror(errno));
  static const char *const files[] = {"/install", "/makmal.db", "/makmal.db-wal", "/makmal.db-shm", "/makmal.db.lock"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) give(arena_printf(arena, "%s%s", set->home, files[i]), user);
  if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid) || setuid(0) == 0)
    return err_set(err, ERR_UNAVAILABLE, "app.user", "%s", strerror(errno)), err_param(err, "user", "%s", set->user);
  *out_said = arena_printf(arena, "running as %s", set->user);
  return true;
}

bool app_confirm_cluster(const struct settings *set, struct err *err) {
  if (!set->kubeconfig || set->yes) return true;
  struct arena *arena = arena_new(0);
  char *text;
  size_t length;
  struct tree *docs, *reading;
  bool refused, yes = false;
  struct check_pool *pool = NULL;
  struct kube_config *config = arena_alloc(arena, sizeof *config);
  const char *slash = strrchr(set->kubeconfig, '/');
  const char *folder = slash ? arena_strn(arena, set->kubeconfig, (size_t)(slash - set->kubeconfig)) : ".";
  bool ok = file_read(arena, set->kubeconfig, CHECK_BYTES_MAX, &text, &length, err) && (pool = check_pool_open(app_worker(set), 1, err)) != NULL;
  if (ok) {
    struct check_file file = {.name = "kubeconfig", .bytes = text, .length = length};
    ok = check_read(pool, arena, &(struct check_read_job){.files = &file, .file_count = 1, .secret = true}, &docs, &reading, &refused, err);
    if (ok && (refused || !docs || !docs->count)) ok = err_set(err, ERR_INVALID, "kubeconfig.unreadable", "not YAML"), err_param(err, "file", "%s", set->kubeconfig);
    ok = ok && kube_config_read(arena, tree_get(tree_at_index(docs, 0), "value"), folder, set->context, config, err);
  }
  check_pool_close(pool);
  if (ok) {
    printf("Makmal will create and delete namespaces in this cluster:\n  context %s\n  server  %s\n", config->context, config->server);
    if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp()) ok = err_set(err, ERR_INVALID, "settings.yes", NULL);
    else {
      char answer[16] = "";
      printf("Is that right? [y/N] ");
      fflush(stdout);
      yes = fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y');
      if (!yes) ok = err_set(err, ERR_INVALID, "settings.no", NULL);
    }
  }
  arena_free(arena);
  return ok;
}
