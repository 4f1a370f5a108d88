/* bench: see the header. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/tree.h"
#include "check/check.h"
#include "kube/kube.h"

extern char **environ;

int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void times_add(struct times *times, int64_t us) {
  if (times->count == times->room) {
    times->room = times->room ? 2 * times->room : 64;
    times->us = realloc(times->us, times->room * sizeof *times->us);
    if (!times->us) abort();
  }
  times->us[times->count++] = us;
}

static int by_size(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

double times_at(struct times *times, double part) {
  if (!times->count) return 0;
  qsort(times->us, times->count, sizeof *times->us, by_size);
  double place = part * (double)(times->count - 1);
  size_t low = (size_t)place, high = low + 1 < times->count ? low + 1 : low;
  return (double)times->us[low] + (place - (double)low) * (double)(times->us[high] - times->us[low]);
}

void times_free(struct times *times) {
  free(times->us);
  *times = (struct times){0};
}

static void line(const char *kind, const char *name, const char *value, const char *bar, const char *fmt, va_list args) {
  const char *path = getenv("BENCH_RESULTS");
  FILE *out = path && *path ? fopen(path, "a") : stdout;
  if (!out) die("%s: %s", path, strerror(errno));
  fprintf(out, "%s\t%s\t%s\t%s\t", kind, name, value, bar);
  vfprintf(out, fmt, args);
  fputc('\n', out);
  if (out != stdout) fclose(out);
  else fflush(out);
}

static void number(char out[32], double value) { snprintf(out, 32, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value); }

void result_at_most(const char *name, double ratio, double bar, const char *fmt, ...) {
  char value[32], limit[32];
  number(value, ratio);
  snprintf(limit, sizeof limit, "%g", bar);
  va_list args;
  va_start(args, fmt);
  line(ratio <= bar ? "most-yes" : "most-no", name, value, limit, fmt, args);
  va_end(args);
}

void result_at_least(const char *name, double ratio, double bar, const char *fmt, ...) {
  char value[32], limit[32];
  number(value, ratio);
  snprintf(limit, sizeof limit, "%g", bar);
  va_list args;
  va_start(args, fmt);
  line(ratio >= bar ? "least-yes" : "least-no", name, value, limit, fmt, args);
  va_end(args);
}

void result_told(const char *name, const char *value, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  line("told", name, value, "", fmt, args);
  va_end(args);
}

void result_broken(const char *name, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  line("broken", name, "", "", fmt, args);
  va_end(args);
}

int64_t spin_us(void) {
  uint64_t value = 88172645463325252u;
  int64_t begun = now_us();
  for (int i = 0; i < 30000000; i++) {
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
  }
  __asm__ volatile("" : : "r"(value));         /* the loop must not be thought away */
  return now_us() - begun;
}

void say(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fputs("   ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  va_end(args);
}

void die(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fputs("bench: ", stderr);
  vfprintf(stderr, fmt, args);
  fputc('\n', stderr);
  va_end(args);
  exit(3);
}

void die_err(const char *what, const struct err *err) { die("%s: %s (%s)", what, err->key, err->detail); }

void open_kube(struct check_pool *pool, struct arena *arena, const char *path, struct kube_config *config, struct kube *out) {
  struct err err = {0};
  char *text;
  size_t length;
  struct tree *docs = NULL, *reading = NULL;
  bool refused = false;
  if (!file_read(arena, path, 256 * 1024, &text, &length, &err)) die_err(path, &err);
  struct check_file file = {"kubeconfig", text, length};
  struct check_read_job job = {.files = &file, .file_count = 1, .secret = true};
  if (!check_read(pool, arena, &job, &docs, &reading, &refused, &err)) die_err(path, &err);
  struct tree *first = refused ? NULL : tree_at_index(docs, 0);
  if (!first) die("%s is no kubeconfig", path);
  const char *slash = strrchr(path, '/');
  const char *folder = slash && slash > path ? arena_strn(arena, path, (size_t)(slash - path)) : "/";
  if (!kube_config_read(arena, tree_get(first, "value"), folder, NULL, config, &err) || !kube_open(config, out, &err)) die_err(path, &err);
}

int64_t run_program(char *const *argv, const char *errors, int64_t *out_cpu_us) {
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int status;
  struct rusage used;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  if (errors) posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int64_t begun = now_us();
  if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ)) die("%s does not start", argv[0]);
  while (wait4(pid, &status, 0, &used) < 0) if (errno != EINTR) die("wait4: %s", strerror(errno));
  int64_t took = now_us() - begun;
  posix_spawn_file_actions_destroy(&actions);
  if (!WIFEXITED(status) || WEXITSTATUS(status)) die("%s %s failed; see %s", argv[0], argv[1], errors ? errors : "above");
  if (out_cpu_us) *out_cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  return took;
}
