/* bench_grade: one hand-in graded by a worker that stands ready, from the call to the whole verdict, against one process of
 * `kubectl create --dry-run=client` on the same manifests (discovery cached; it grades nothing, it only reads them). They take turns. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/course_room.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "bench.h"
#include "domain/catalog.h"
#include "domain/grading.h"

#define GRADES 40                 /* between two runs of kubectl */

int main(int argc, char **argv) {
  static const struct option options[] = {{"kubeconfig", 1, 0, 'k'}, {"kubectl", 1, 0, 'K'}, {"folder", 1, 0, 'f'}, {"lab", 1, 0, 'l'}, {"rounds", 1, 0, 'r'}, {0}};
  const char *kubeconfig = NULL, *kubectl = NULL, *folder = NULL, *name = "mend-ports";
  int rounds = 15;
  struct err err = {0};
  struct course_room room = {.workers = 1};
  for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) switch (c) {
      case 'k': kubeconfig = optarg; break;
      case 'K': kubectl = optarg; break;
      case 'f': folder = optarg; break;
      case 'l': name = optarg; break;
      case 'r': rounds = atoi(optarg); break;
      default: return 2;
    }
  if (!kubeconfig || !kubectl || !folder) die("usage: bench_grade --kubeconfig FILE --kubectl PROGRAM --folder FOLDER [--lab LAB] [--rounds N]");
  if (!course_room_open(&room, &err)) die_err("course", &err);
  const struct edition *edition = catalog_acquire(room.catalog);
  const struct lab *lab = edition_lab(edition, name);
  struct arena *arena = arena_new(0);
  if (!lab) die("lab %s is not in the catalogue", name);

  struct tree *params = tree_copy(arena, lab->examples);
  if (!tree_get(params, "namespace")) tree_put_text(arena, params, "namespace", "lab-bench");
  struct check_file *files = arena_alloc(arena, lab->solution_count * sizeof *files);
  struct buf all;
  char manifest[4096], config[4200], cache[4200];
  buf_init(&all, 1024 * 1024);
  for (size_t i = 0; i < lab->solution_count; i++) {
    files[i].name = lab->solution[i].name;
    files[i].bytes = lab_fill(arena, lab->solution[i].bytes, lab->solution[i].length, params, &files[i].length);
    buf_str(&all, i ? "---\n" : "");
    buf_add(&all, files[i].bytes, files[i].length);
  }
  snprintf(manifest, sizeof manifest, "%s/hand-in.yaml", folder);
  if (!file_replace(manifest, all.data, all.len, 0600, &err)) die_err(manifest, &err);
  snprintf(config, sizeof config, "--kubeconfig=%s", kubeconfig);
  snprintf(cache, sizeof cache, "--cache-dir=%s/kubectl", folder);
  char *peer[] = {(char *)kubectl, "create", config, cache, "--dry-run=client", "-f", manifest, NULL};
  struct grade_input input = {.edition = edition, .lab = lab, .files = files, .file_count = lab->solution_count, .params = params, .scope = CHECK_SCOPE_FILES, .namespace = "lab-bench"};

  struct times ours = {0}, theirs = {0}, their_cpu = {0};
  char earned[48] = "", max[48] = "";
  run_program(peer, NULL, NULL);
  for (int round = 0; round <= rounds; round++) {
    for (int i = 0; i < GRADES; i++) {
      struct arena *job = arena_new(0);
      struct tree *verdict = NULL;
      int64_t begun = now_us();
      if (!grade_once(room.pool, job, &input, &verdict, NULL, &err)) die_err("grade_once", &err);
      if (round) times_add(&ours, now_us() - begun);
      const struct tree *body = tree_get(verdict, "body");
      snprintf(earned, sizeof earned, "%s", tree_text_or(body, "earned", ""));
      snprintf(max, sizeof max, "%s", tree_text_or(body, "max", ""));
      if (!*earned || !strcmp(earned, "0")) die("the solution of %s earns nothing in its files: the benchmark would measure a refusal", name);
      arena_free(job);
    }
    int64_t cpu, took = run_program(peer, NULL, &cpu);
    if (round) times_add(&theirs, took), times_add(&their_cpu, cpu);
  }
  double mine = times_at(&ours, 0.5), kubectl_us = times_at(&theirs, 0.5);
  result_at_least("kubectl --dry-run=client / grade one", kubectl_us / mine, 100, "%.0f ms (CPU %.0f) against %.2f ms (p99 %.2f); lab %s, %zu bytes, earned %s of %s; %zu graded, %zu runs of kubectl",
                  kubectl_us / 1000, times_at(&their_cpu, 0.5) / 1000, mine / 1000, times_at(&ours, 0.99) / 1000, name, all.len, earned, max, ours.count, theirs.count);
  buf_release(&all);
  arena_free(arena);
  catalog_release(edition);
  course_room_close(&room);
  return 0;
}
