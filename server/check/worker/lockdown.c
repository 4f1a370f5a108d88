/* lockdown: namespaces, own user, limits, Landlock, seccomp, in the one order that works: what needs rights first, the filter last.
 * Under sanitizers (MAKMAL_SANITIZED) the address space is not limited and seccomp is left out: the shadow memory takes terabytes of addresses and the
 * runtime opens files and asks for its own map when it reports. Everything else stays, so that the rest is tested in both builds. */
#include "check/worker/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define MAKMAL_SANITIZED 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define MAKMAL_SANITIZED 1
#endif
#endif

/* A number no distribution hands out; in a container with few users mapped it does not exist, then `nobody` has to do. */
static const uid_t own_user[] = {1744810000, 65534};

const char *lockdown_wall_name(unsigned wall) {
  static const struct { unsigned wall; const char *name; } rows[] = {
    {WALL_NO_NEW_PRIVS, "no_new_privs"}, {WALL_LIMITS, "limits"}, {WALL_OWN_USER, "own_user"}, {WALL_USER_NS, "user_ns"}, {WALL_NET_NS, "net_ns"},
    {WALL_MOUNT_NS, "mount_ns"}, {WALL_IPC_NS, "ipc_ns"}, {WALL_EMPTY_ROOT, "empty_root"}, {WALL_LANDLOCK, "landlock"}, {WALL_NO_CAPS, "no_caps"},
    {WALL_SECCOMP, "seccomp"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) if (rows[i].wall == wall) return rows[i].name;
  return NULL;
}

/* An empty folder of our own as root. Only in a mount namespace of our own. */
static bool empty_root(void) {
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)) return false;
  if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k,nr_inodes=4,mode=0555")) return false;
  if (chdir("/tmp")) return false;
  if (!syscall(SYS_pivot_root, ".", ".") && !umount2(".", MNT_DETACH)) return !chdir("/");
  return !chroot(".") && !chdir("/");                          /* where pivot_root is not to be had (an older chroot); no user namespace can be made after it */
}

static unsigned namespaces(void) {
  static const struct { int flag; unsigned wall; } rows[] = {{CLONE_NEWNET, WALL_NET_NS}, {CLONE_NEWIPC, WALL_IPC_NS}, {CLONE_NEWNS, WALL_MOUNT_NS}};
  unsigned walls = 0;
  if (geteuid() != 0) {                                        /* a user namespace first: it brings the right to make the others */
    if (unshare(CLONE_NEWUSER)) return 0;
    walls |= WALL_USER_NS;
  }
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) if (!unshare(rows[i].flag)) walls |= rows[i].wall;
  if (walls & WALL_MOUNT_NS && empty_root()) walls |= WALL_EMPTY_ROOT;
  return walls;
}

static bool become_own_user(void) {
  for (size_t i = 0; i < sizeof own_user / sizeof *own_user; i++) {
    uid_t id = own_user[i];
    if (setgroups(0, NULL) || setresgid(id, id, id)) continue;
    if (!setresuid(id, id, id)) return geteuid() == id;
  }
  return false;
}

static bool limits(void) {
  static const struct { int which; rlim_t value; } rows[] = {
#ifndef MAKMAL_SANITIZED
    {RLIMIT_AS, 256u << 20},
#endif
    {RLIMIT_STACK, 8u << 20}, {RLIMIT_NOFILE, 8}, {RLIMIT_NPROC, 0}, {RLIMIT_FSIZE, 0}, {RLIMIT_CORE, 0}, {RLIMIT_CPU, 60}, {RLIMIT_MEMLOCK, 0}, {RLIMIT_MSGQUEUE, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)rows[i].which, &limit)) return false;
    if (limit.rlim_max < rows[i].value) limit.rlim_cur = limit.rlim_max;
    else limit.rlim_cur = limit.rlim_max = rows[i].value;
    if (setrlimit((__rlimit_resource_t)rows[i].which, &limit)) return false;
  }
  return true;
}

/* Denies every access to files that this kernel knows how to deny. */
static bool landlock(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  struct landlock_ruleset_attr all = {.handled_access_fs = (1u << (version >= 3 ? 15 : version >= 2 ? 14 : 13)) - 1};
  int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all.handled_access_fs, 0);
  if (fd < 0) return false;
  bool done = !syscall(SYS_landlock_restrict_self, fd, 0);
  close(fd);
  return done;
}

static bool drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  for (int cap = 0; cap < 64; cap++) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);        /* those that do not exist fail, and need not be dropped */
  return !syscall(SYS_capset, &head, none);
}

#ifndef MAKMAL_SANITIZED
/* What is left: the pipe, memory without execution, clocks, the end. Anything else kills the process at once. */
static bool filter(void) {
  static const int plain[] = {SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(exit), SCMP_SYS(exit_group),
                              SCMP_SYS(clock_gettime), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall)};
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (!ctx) return false;
  int bad = 0;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, plain[i], 0);
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, SCMP_A0(SCMP_CMP_EQ, 0));
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 1));
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 2));
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mremap), 0);
  bad |= seccomp_load(ctx);
  seccomp_release(ctx);
  return !bad;
}
#endif

bool lockdown(unsigned *out_walls, const char **out_why) {
  unsigned walls = 0;
  bool root = geteuid() == 0;
  *out_why = "no_new_privs";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return false;
  walls |= WALL_NO_NEW_PRIVS | namespaces();
  if (root) {
    *out_why = "own_user";
    if (!become_own_user()) return false;
    walls |= WALL_OWN_USER;
    if (!unshare(CLONE_NEWUSER)) walls |= WALL_USER_NS;
  }
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (landlock()) walls |= WALL_LANDLOCK;
  if (drop_capabilities()) walls |= WALL_NO_CAPS;
  *out_why = "limits";
  if (!limits()) return false;
  walls |= WALL_LIMITS;
#ifndef MAKMAL_SANITIZED
  *out_why = "seccomp";
  if (!filter()) return false;
  walls |= WALL_SECCOMP;
#endif
  *out_walls = walls;
  *out_why = NULL;
  return true;
}
