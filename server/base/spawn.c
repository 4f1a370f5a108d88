/* spawn: children by posix_spawn and pidfds. Descriptors of ours are close-on-exec; a child gets 0, 1, 2 and no more. Any thread. */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/wallclock.h"

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

bool spawn_start(const struct spawn_spec *spec, struct spawned *out, struct err *err) {
  static char *const no_environment[] = {NULL};
  int in[2] = {-1, -1}, from[2] = {-1, -1};
  if (spec->pipes && (pipe2(in, O_CLOEXEC) || pipe2(from, O_CLOEXEC))) {
    shut(&in[0]);
    shut(&in[1]);
    return err_set(err, ERR_UNAVAILABLE, "spawn.failed", "pipe: %s", strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attr);
  if (spec->pipes) {
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  if (spec->err_fd == SPAWN_ERR_JOINED) posix_spawn_file_actions_adddup2(&actions, from[1], STDERR_FILENO);
  else if (spec->err_fd >= 0 && spec->err_fd != STDERR_FILENO) posix_spawn_file_actions_adddup2(&actions, spec->err_fd, STDERR_FILENO);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGTERM);
  sigaddset(&defaults, SIGINT);
  posix_spawnattr_setsigmask(&attr, &none);
  posix_spawnattr_setsigdefault(&attr, &defaults);
  posix_spawnattr_setflags(&attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (spec->group ? POSIX_SPAWN_SETPGROUP : 0)));
  pid_t pid;
  int failed = posix_spawnp(&pid, spec->path, &actions, &attr, spec->argv, spec->envp ? spec->envp : no_environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attr);
  shut(&in[0]);
  shut(&from[1]);
  if (failed) {
    shut(&in[1]);
    shut(&from[0]);
    err_set(err, ERR_UNAVAILABLE, "spawn.failed", "%s: %s", spec->path, strerror(failed));
    return err_param(err, "program", "%s", spec->path);
  }
  *out = (struct spawned){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .to = in[1], .from = from[0]};
  return true;
}

bool spawn_wait(struct spawned *child, int timeout_ms, int *out_status) {
  if (child->pid <= 0) return true;
  if (timeout_ms >= 0) {
    struct pollfd ready = {.fd = child->pidfd, .events = POLLIN};
    int64_t until = mono_ms() + timeout_ms;
    int n;
    do {
      int64_t left = until - mono_ms();
      n = poll(&ready, 1, left > 0 ? (int)left : 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) return false;
  }
  int status = 0;
  while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) ;
  child->pid = 0;
  shut(&child->pidfd);
  if (out_status) *out_status = status;
  return true;
}

void spawn_kill(struct spawned *child) {
  if (child->pid > 0) {
    if (getpgid(child->pid) == child->pid) kill(-child->pid, SIGKILL);
    else kill(child->pid, SIGKILL);
    spawn_wait(child, -1, NULL);
  }
  shut(&child->to);
  shut(&child->from);
}

bool spawn_run(struct arena *arena, char *const *argv, char *const *envp, const char *input, size_t cap, int timeout_ms, char **out, int *out_status, struct err *err) {
  struct spawned child;
  struct spawn_spec spec = {.path = argv[0], .argv = argv, .envp = envp, .pipes = true, .err_fd = SPAWN_ERR_JOINED, .group = true};
  if (!spawn_start(&spec, &child, err)) return false;
  struct buf text;
  buf_init(&text, cap);
  size_t sent = 0, length = input ? strlen(input) : 0;
  if (!length) shut(&child.to);
  else fcntl(child.to, F_SETFL, O_NONBLOCK);
  int64_t until = mono_ms() + timeout_ms;
  bool late = false;
  for (;;) {
    struct pollfd ready[2] = {{.fd = child.from, .events = POLLIN}, {.fd = child.to, .events = POLLOUT}};
    int64_t left = until - mono_ms();
    if (left <= 0) { late = true; break; }
    if (poll(ready, 2, (int)left) < 0 && errno != EINTR) break;
    if (ready[1].revents && child.to >= 0) {
      ssize_t n = write(child.to, input + sent, length - sent);
      if (n > 0) sent += (size_t)n;
      if (sent == length || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&child.to);
    }
    if (ready[0].revents) {
      char piece[8192];
      ssize_t n = read(child.from, piece, sizeof piece);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) break;
      if (n > 0) buf_add(&text, piece, (size_t)n);
    }
  }
  int status = 0;
  int64_t left = until - mono_ms();
  if (late || !spawn_wait(&child, left > 0 ? (int)left : 0, &status)) late = true;
  spawn_kill(&child);
  *out = arena_strn(arena, text.data, text.len);
  buf_release(&text);
  if (late) return err_set(err, ERR_TIMEOUT, "spawn.timeout", "%s took more than %d ms", argv[0], timeout_ms);
  if (out_status) *out_status = status;
  return true;
}
