/* lockdown: the outer wall. Called once, before the first byte is read; what cannot be had on this machine is left out and told, seccomp and the
 * limits are musts. Everything that needs a file, a random byte or a locale has to happen before it. */
#ifndef MAKMAL_CHECK_WORKER_LOCKDOWN_H
#define MAKMAL_CHECK_WORKER_LOCKDOWN_H
#include <stdbool.h>

enum lockdown_wall {
  WALL_NO_NEW_PRIVS = 1, WALL_LIMITS = 2, WALL_OWN_USER = 4, WALL_USER_NS = 8, WALL_NET_NS = 16, WALL_MOUNT_NS = 32, WALL_IPC_NS = 64, WALL_EMPTY_ROOT = 128,
  WALL_LANDLOCK = 256, WALL_NO_CAPS = 512, WALL_SECCOMP = 1024,
};
/* *out_walls: which of them stand. false: a must is missing, *out_why names it; nothing may be read then. */
bool lockdown(unsigned *out_walls, const char **out_why);
/* Its name as the server logs it ("seccomp"), NULL past the last. */
const char *lockdown_wall_name(unsigned wall);
#endif
