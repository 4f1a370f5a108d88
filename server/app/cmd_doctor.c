/* cmd_doctor: looks, changes nothing, needs no running server. Exit 0: nothing wrong, 1: something is. */
#include "app/cmd_doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/app.h"
#include "app/cmd_routes.h"
#include "app/course_room.h"
#include "app/say.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "domain/catalog.h"

#define ROOM_WANTED (200ull << 20)

extern char **environ;
static int wrong;

static void told(bool ok, const char *what, const char *cure) {
  printf("%s %s%s%s\n", ok ? "✓" : "✖", what, ok || !*cure ? "" : "\n    cure: ", ok ? "" : cure);
  if (!ok) wrong++;
}

static void differs(void *ctx, const char *name, const char *value) { (void)ctx; printf("  setting %s = %s\n", name, value); }

static void look_at_home(const struct settings *set, struct arena *arena) {
  struct statvfs disk;
  bool there = file_exists(set->home);
  told(!there || !access(set->home, R_OK | W_OK | X_OK), arena_printf(arena, "home %s %s", set->home, there ? "can be written" : "will be made at the first start"),
       "give the folder to the user who starts the server, or choose another with --home");
  if (there && !statvfs(set->home, &disk)) {
    unsigned long long left = (unsigned long long)disk.f_bavail * disk.f_frsize;
    told(left >= ROOM_WANTED, arena_printf(arena, "%llu MB free there", left >> 20), "below 200 MB nothing can be handed in: free some room");
  }
}

static void look_at_course(const struct settings *set, struct arena *arena) {
  struct course_room room = {.labs = set->labs, .library = set->library, .words = set->words, .workers = 1};
  struct err err;
  if (!course_room_open(&room, &err)) {
    told(false, arena_printf(arena, "courses cannot be read (%s: %s)", err.key, err.detail), "build with make build; see --labs, --library, --words, --worker");
    return;
  }
  const struct edition *edition = catalog_acquire(room.catalog);
  size_t labs = 0;
  for (size_t i = 0; i < edition->course_count; i++)
    for (size_t j = 0; j < edition->courses[i]->module_count; j++) labs += edition->courses[i]->modules[j]->lab_count;
  told(edition->problem_count == 0, arena_printf(arena, "%zu courses, %zu labs, %zu mistakes", edition->course_count, labs, edition->problem_count), "makmal lint names each with its cure");
  catalog_release(edition);
  course_room_close(&room);
}

/* The embedded cluster writes its state to a file that anybody may read. */
static void look_at_cluster(const struct settings *set, struct arena *arena) {
  if (set->kubeconfig) {
    told(!access(set->kubeconfig, R_OK), arena_printf(arena, "kubeconfig %s can be read", set->kubeconfig), "give the right path with --kubeconfig");
    return;
  }
  if (!strcmp(set->cluster, "none")) {
    told(true, "no cluster is wanted", "");
    return;
  }
  char *text;
  size_t length;
  struct tree *status;
  const char *path = arena_printf(arena, "/run/makmal/%s/status.json", set->cluster);
  bool there = file_read(arena, path, 65536, &text, &length, NULL) && tree_parse(arena, text, length, 0, &status, NULL);
  told(there, there ? arena_printf(arena, "cluster %s is %s", set->cluster, tree_text_or(status, "state", "in an unknown state")) : arena_printf(arena, "cluster %s does not run", set->cluster),
       arena_printf(arena, "cluster/cluster up --name %s (as root)", set->cluster));
}

int cmd_doctor(int argc, char **argv) {
  struct arena *arena = arena_new(0);
  struct settings *set = arena_alloc(arena, sizeof *set);
  struct err *err = arena_alloc(arena, sizeof *err);
  bool help;
  char folder[4096];
  int status;
  wrong = 0;
  if (!settings_read(arena, argc, argv, environ, set, &help, err)) {
    status = say_err("makmal doctor", err);
  } else if (help) {
    fputs("usage: makmal doctor [settings as for serve]\n\nLooks at what serve would need with these settings, changes nothing, and says the cure of what is wrong:\n"
          "the home and its database, the port, the checker, the built page, the course, the cluster.\n\n"
          "exit status: 0 nothing is wrong, 1 something is, 2 a setting is wrong\n", stdout);
    status = 0;
  } else {
    cmd_version();
    settings_differing(set, differs, NULL);
    look_at_home(set, arena);
    struct http_spec web = {.listen = set->listen, .port = (int)set->port};
    bool free_ = http_port_free(&web, err);
    told(free_, free_ ? arena_printf(arena, "port %lld is free", (long long)set->port) : arena_printf(arena, "port %lld: %s", (long long)set->port, err->detail),
         "stop what uses it (perhaps Makmal itself runs), or choose another with --port");
    const char *worker = app_worker(set);
    told(!access(worker, X_OK), arena_printf(arena, "checker %s", worker), "build with make build");
    told(file_exists(arena_printf(arena, "%s/manifest.json", app_folder(set->web, "web/dist", folder))), "the page is built", "build with make build; without it pages have no style and no editor");
    look_at_course(set, arena);
    look_at_cluster(set, arena);
    status = wrong ? 1 : 0;
  }
  arena_free(arena);
  return status;
}
