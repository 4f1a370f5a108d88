/* spawn: child processes by posix_spawn, never fork. Descriptors are close-on-exec but for those handed over. */
#ifndef MAKMAL_BASE_SPAWN_H
#define MAKMAL_BASE_SPAWN_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
struct arena; struct err;
#define SPAWN_ERR_JOINED (-2)
struct spawned { pid_t pid; int pidfd; int to; int from; };   /* to: its stdin, from: its stdout; -1 when not asked for */
struct spawn_spec {
  const char *path; char *const *argv; char *const *envp;     /* envp NULL: empty environment */
  bool pipes;                                                 /* stdin and stdout are pipes to us */
  int err_fd;                                                 /* its stderr; -1: ours; SPAWN_ERR_JOINED: the pipe of its stdout */
  bool group;                                                 /* its own process group */
};
bool spawn_start(const struct spawn_spec *spec, struct spawned *out, struct err *err);
void spawn_kill(struct spawned *child);                       /* SIGKILL (group when it has one), waits, closes; safe to call twice */
/* Waits up to timeout_ms (-1: for ever). True when it ended; *out_status as from waitpid. */
bool spawn_wait(struct spawned *child, int timeout_ms, int *out_status);
/* Runs to its end with a cap on output and a deadline; stdout and stderr are joined into *out. For command-line tools such as kubectl. */
bool spawn_run(struct arena *arena, char *const *argv, char *const *envp, const char *input, size_t cap, int timeout_ms, char **out, int *out_status, struct err *err);
#endif
