/* cmd_prove: see the header. KUBECONFIG is not looked at (it may be production): --kubeconfig or --cluster name the cluster. */
#include "app/cmd_prove.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/tree.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "domain/prove.h"
#include "domain/provision.h"
#include "kube/kube.h"

static const char help[] =
  "usage: makmal prove [LAB...] [options]\n\n"
  "Runs every case of the labs (all of them when none is named): the start earns nothing, the\n"
  "solution passes, a copied solution does not, each known mistake gives its finding.\n"
  "Files are graded twice for three seeds. With a cluster each case also runs there, in a\n"
  "namespace of its own, and its evidence is replayed twice.\n\n"
  "  --cluster NAME     the embedded cluster of that name (/run/makmal/NAME)\n"
  "  --kubeconfig FILE  another cluster; KUBECONFIG is not looked at\n"
  "  --ingress ADDRESS  where that one's Ingress controller is reached, host or host:port;\n"
  "                     unsaid, what asks for a page by its host is left out\n"
  "  --kubectl PROGRAM  for cases with `do` lines (kubectl on the PATH)\n"
  "  --case NAME        this case alone\n"
  "  --scope SCOPE      files or live; both when there is a cluster\n"
  "  --seats N          live cases side by side (4)\n"
  "  --labs FOLDER      the course (MAKMAL_LABS)\n"
  "  --library FOLDER   the check library (MAKMAL_LIBRARY)\n"
  "  --help\n\n"
  "exit status: 0 all as expected, 1 some not, 2 wrong use, 3 our own fault\n";

static int wrong_use(const char *fmt, const char *what) {
  fprintf(stderr, "makmal prove: ");
  fprintf(stderr, fmt, what);
  fprintf(stderr, "; see makmal prove --help\n");
  return 2;
}

static void told(void *ctx, const struct prove_line *line) {
  (void)ctx;
  printf("%s %s %s, %s, seed %d  (%.1f s)\n", line->ok ? "✓" : "✖", line->lab, line->name, line->scope, line->seed, (double)line->took_ms / 1000);
  for (const char *at = line->problems; *at;) {
    size_t n = strcspn(at, "\n");
    printf("    %.*s\n", (int)n, at);
    at += n + (at[n] == '\n');
  }
  fflush(stdout);
}

int cmd_prove(int argc, char **argv) {
  static const struct option options[] = {{"cluster", 1, 0, 'c'}, {"kubeconfig", 1, 0, 'k'}, {"ingress", 1, 0, 'I'}, {"kubectl", 1, 0, 'K'}, {"case", 1, 0, 'C'}, {"scope", 1, 0, 's'},
                                          {"seats", 1, 0, 'n'}, {"labs", 1, 0, 'L'}, {"library", 1, 0, 'B'}, {"help", 0, 0, 'h'}, {0}};
  struct course_room room = {.workers = 4};
  struct prove_spec spec = {.files = true, .live = true, .seats = 4, .told = told, .kubectl = "kubectl"};
  char path[4096] = "", install[9];
  struct kube_front front;
  bool embedded = false;
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) switch (c) {
      case 'c':
        snprintf(path, sizeof path, "/run/makmal/%s/server.kubeconfig", optarg);
        embedded = true;
        break;
      case 'k':
        snprintf(path, sizeof path, "%s", optarg);
        embedded = false;
        break;
      case 'I':
        if (!kube_front_at(optarg, NULL, &front)) return wrong_use("--ingress is a host or host:port, not '%s'", optarg);
        spec.front = &front;
        break;
      case 'K': spec.kubectl = optarg; break;
      case 'C': spec.only = optarg; break;
      case 's':
        if (strcmp(optarg, "files") != 0 && strcmp(optarg, "live") != 0) return wrong_use("--scope is files or live, not '%s'", optarg);
        spec.files = !strcmp(optarg, "files");
        spec.live = !spec.files;
        break;
      case 'n': spec.seats = atoi(optarg); break;
      case 'L': room.labs = optarg; break;
      case 'B': room.library = optarg; break;
      case 'h': fputs(help, stdout); return 0;
      default: return wrong_use("no option is called '%s', or it wants a value", argv[optind - 1]);
    }
  if (!*path && !spec.files) return wrong_use("%s", "--scope live wants --cluster or --kubeconfig");
  struct err err = {0};
  struct kube kube;
  struct kube_config config;
  struct arena *arena = arena_new(0);
  int passed = 0, failed = 0, status = 0, done = 0;
  if (!course_room_open(&room, &err)) return course_room_fail(NULL, &err);
  const struct edition *edition = catalog_acquire(room.catalog);
  spec.edition = edition;
  spec.pool = room.pool;
  id_random(install, 8);
  spec.install = install;
  if (*path && spec.live) {
    if (!course_room_cluster(&room, arena, path, &config, &kube, &err)) {
      status = course_room_fail(&room, &err);
      goto out;
    }
    spec.kube = &kube;
    spec.server = config.server;
    spec.ca_pem = config.ca_pem;
    if (embedded && !spec.front && kube_front_at(NULL, config.server, &front)) spec.front = &front;
  }
  for (size_t i = 0; i < edition->problem_count; i++) {
    fprintf(stderr, "makmal: %s:%d: %s\n", edition->problems[i].file, edition->problems[i].line, edition->problems[i].text ? edition->problems[i].text : edition->problems[i].key);
    status = 1;
  }
  for (size_t c = 0; c < edition->course_count; c++)
    for (size_t m = 0; m < edition->courses[c]->module_count; m++)
      for (size_t l = 0; l < edition->courses[c]->modules[m]->lab_count; l++) {
        const struct lab *lab = edition->courses[c]->modules[m]->labs[l];
        bool wanted = optind >= argc;
        for (int i = optind; i < argc; i++) if (!strcmp(argv[i], lab->id)) wanted = true;
        if (!wanted) continue;
        int good = 0, bad = 0;
        done++;
        if (!prove_lab(&spec, lab, &good, &bad, &err)) {
          status = course_room_fail(&room, &err);
          bad++;
        }
        passed += good;
        failed += bad;
      }
  if (!done) status = wrong_use("no lab is called '%s'", optind < argc ? argv[optind] : "(there is no lab at all)");
  printf("%d passed, %d failed\n", passed, failed);
  if (failed && !status) status = 1;
  if (spec.kube) {
    if (!provision_leave(&kube, arena, install, &err)) fprintf(stderr, "makmal: something of install %s was left on the cluster (%s)\n", install, err.detail);
    kube_close(&kube);
  }
out:
  catalog_release(edition);
  course_room_close(&room);
  arena_free(arena);
  return status;
}
