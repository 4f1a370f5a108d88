/* A temporary folder with a database path in it, for the tests of the store. */
#ifndef MAKMAL_TESTS_SCRATCH_H
#define MAKMAL_TESTS_SCRATCH_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scratch { char folder[64], path[96]; };
static inline void scratch_make(struct scratch *scratch) {
  snprintf(scratch->folder, sizeof scratch->folder, "/tmp/makmal-store-XXXXXX");
  if (!mkdtemp(scratch->folder)) abort();
  snprintf(scratch->path, sizeof scratch->path, "%s/makmal.db", scratch->folder);
}
static inline void scratch_remove(struct scratch *scratch) {
  static const char *const tails[] = {"", "-wal", "-shm", "-journal", ".lock"};
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", scratch->path, tails[i]);
    unlink(name);
  }
  rmdir(scratch->folder);
}
#endif
