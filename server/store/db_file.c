/* db_file: keeps a second process away from a database file, and refuses file systems on which SQLite's log would not hold.
 * The lock is flock on <path>.lock: held, not merely present, so one left by a dead process does not matter. */
#include "store/db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "store/db_inside.h"

static const unsigned long remote[] = {
  0x6969 /* nfs */, 0x517B /* smb */, 0xFF534D42 /* cifs */, 0xFE534D42 /* smb2 */, 0x01021997 /* 9p */, 0x5346414F /* afs */, 0x73757245 /* coda */,
  0x564C /* ncp */, 0x00C36400 /* ceph */, 0x0BD00BD0 /* lustre */, 0x47504653 /* gpfs */, 0x7461636F /* ocfs2 */, 0x01161970 /* gfs2 */,
};

bool db_file_system_is_remote(unsigned long type) {
  for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) if (remote[i] == (type & 0xFFFFFFFF)) return true;
  return false;
}

bool db_file_local(const char *path, struct err *err) {
  char folder[4096];
  snprintf(folder, sizeof folder, "%s", path);
  struct statfs about;
  if (statfs(dirname(folder), &about) != 0) {
    err_set(err, ERR_UNAVAILABLE, "store.folder", "%s: %s", path, strerror(errno));
    return err_param(err, "file", "%s", path);
  }
  if (!db_file_system_is_remote((unsigned long)about.f_type)) return true;
  err_set(err, ERR_UNAVAILABLE, "store.network", "%s: file system %lx", path, (unsigned long)about.f_type);
  return err_param(err, "file", "%s", path);
}

bool db_file_lock(const char *path, int *out_fd, struct err *err) {
  char name[4096];
  if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name) return err_set(err, ERR_INVALID, "file.name", "name too long");
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    int why = errno;
    err_set(err, ERR_UNAVAILABLE, why == ENOENT || why == ENOTDIR ? "store.folder" : "store.readonly", "%s: %s", name, strerror(why));
    return err_param(err, "file", "%s", path);
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    int why = errno;
    char pid[16] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    if (n > 0) pid[strspn(pid, "0123456789")] = 0;
    close(fd);
    err_set(err, why == EWOULDBLOCK ? ERR_CONFLICT : ERR_UNAVAILABLE, why == EWOULDBLOCK ? "store.locked" : "store.network", "%s: %s", name, strerror(why));
    err_param(err, "file", "%s", path);
    return err_param(err, "pid", "%s", pid[0] ? pid : "?");
  }
  char pid[16];
  int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) log_warn("store.lock", "file=%s why=\"holder not noted: %s\"", name, strerror(errno));
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);     /* it holds password hashes; log and shared memory take the same mode */
  if (file < 0) {
    int why = errno;
    close(fd);
    err_set(err, ERR_UNAVAILABLE, "store.readonly", "%s: %s", path, strerror(why));
    return err_param(err, "file", "%s", path);
  }
  close(file);
  *out_fd = fd;
  return true;
}
