/* lockdown: this program starts itself again, builds the wall and then tries to get out. What a worker must not do ends it, or is refused. */
#include "unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/spawn.h"
#include "check/worker/lockdown.h"

enum { DONE = 40, REFUSED = 41, NO_WALL = 42 };

/* What the child tries behind the wall: true when it got through. */
static bool open_file(void) { return open("/etc/passwd", O_RDONLY) >= 0; }
static bool open_proc(void) { return open("/proc/self/maps", O_RDONLY) >= 0; }
static bool make_file(void) { return open("/tmp/makmal-out", O_WRONLY | O_CREAT, 0600) >= 0; }
static bool make_socket(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool make_child(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0; }
static bool run_program(void) { return execl("/bin/true", "true", (char *)NULL) == 0; }
static bool kill_parent(void) { return kill(getppid(), 0) == 0; }
static bool trace(void) { return ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0; }
static bool new_code(void) { return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }
static bool become_code(void) {
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool write_elsewhere(void) { return write(5, "x", 1) == 1; }
static bool ask_identity(void) { return syscall(SYS_getuid) >= 0; }
static bool new_namespace(void) { return syscall(SYS_unshare, 0x10000000) == 0; }
static bool much_memory(void) { return malloc(300u << 20) != NULL; }
static bool some_memory(void) {
  char *block = malloc(100u << 20);
  if (!block) return false;
  memset(block, 1, 100u << 20);
  free(block);
  return true;
}
static bool speak(void) { return write(1, "hello", 5) == 5; }

/* strict: seccomp ends it. loose: what is left of the wall where there is no seccomp (sanitizer builds): refused, or out of scope there. */
static const struct { const char *sentence; bool (*try)(void); enum { KILLED, REFUSES, MAY } strict, loose; } rows[] = {
  {"opening a file", open_file, KILLED, REFUSES}, {"looking at its own maps", open_proc, KILLED, REFUSES}, {"making a file", make_file, KILLED, REFUSES},
  {"making a socket", make_socket, KILLED, MAY}, {"making a child", make_child, KILLED, REFUSES}, {"running a program", run_program, KILLED, REFUSES},
  {"sending a signal", kill_parent, KILLED, REFUSES}, {"tracing", trace, KILLED, REFUSES}, {"code made from data", new_code, KILLED, MAY}, {"data turned into code", become_code, KILLED, MAY},
  {"writing to another descriptor", write_elsewhere, KILLED, REFUSES}, {"asking who it is", ask_identity, KILLED, MAY}, {"making a namespace", new_namespace, KILLED, MAY},
  {"300 MiB", much_memory, REFUSES, MAY}, {"100 MiB", some_memory, MAY, MAY}, {"its own pipe", speak, MAY, MAY},
};

static int child(const char *which) {
  unsigned walls;
  const char *why;
  if (!lockdown(&walls, &why)) return NO_WALL;
  if (!strcmp(which, "walls")) {
    char text[200] = "";
    for (unsigned wall = 1; lockdown_wall_name(wall); wall <<= 1) if (walls & wall) snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", lockdown_wall_name(wall));
    if (write(1, text, strlen(text)) < 0) return REFUSED;
    _exit(DONE);
  }
  _exit(rows[atoi(which)].try() ? DONE : REFUSED);             /* not exit: the sanitizers' last look would open files */
}

/* Exit status, or 128 + signal. */
static int run(const char *which, char **out) {
  struct err err = {0};
  int status = 0;
  struct arena *arena = arena_new(0);
  char *argv[] = {"/proc/self/exe", "--child", (char *)which, NULL}, *text;
  if (!spawn_run(arena, argv, NULL, NULL, 10000, 20000, &text, &status, &err)) fail_msg("%s %s", err.key, err.detail);
  if (out) *out = strdup(text);
  arena_free(arena);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void nothing_gets_through(void **state) {
  (void)state;
  char *walls;
  assert_int_equal(run("walls", &walls), DONE);
  bool strict = strstr(walls, "seccomp") != NULL;
  free(walls);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char which[8];
    snprintf(which, sizeof which, "%zu", i);
    int got = run(which, NULL), want = (strict ? rows[i].strict : rows[i].loose) == KILLED ? 128 + SIGSYS : (strict ? rows[i].strict : rows[i].loose) == REFUSES ? REFUSED : DONE;
    if (!strict && rows[i].loose == MAY) continue;
    if (got != want) fail_msg("%s: ended with %d, not %d", rows[i].sentence, got, want);
  }
}

static void the_walls_that_must_be_there_are_there(void **state) {
  (void)state;
  char *walls;
  assert_int_equal(run("walls", &walls), DONE);
  static const char *const must[] = {
    "no_new_privs", "limits", "no_caps",
#ifndef MAKMAL_DEBUG
    "seccomp",
#endif
  };
  for (size_t i = 0; i < sizeof must / sizeof *must; i++) if (!strstr(walls, must[i])) fail_msg("%s is missing: %s", must[i], walls);
  if (geteuid() == 0 && !strstr(walls, "own_user")) fail_msg("root stays root: %s", walls);
  print_message("walls on this machine: %s\n", walls);
  free(walls);
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "--child")) return child(argv[2]);
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_gets_through), cmocka_unit_test(the_walls_that_must_be_there_are_there)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
