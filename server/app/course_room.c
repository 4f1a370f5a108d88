/* course_room: see the header. */
#include "app/course_room.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/words.h"
#include "check/check.h"
#include "domain/catalog.h"
#include "kube/kube.h"

const char *course_room_worker(void) {
  static char path[PATH_MAX];
  const char *given = getenv("MAKMAL_WORKER");
  if (given && *given) return given;
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 16);
  if (n < 0) n = 0;
  path[n] = 0;
  char *slash = strrchr(path, '/');
  snprintf(slash ? slash + 1 : path, 16, "makmal-check");
  return path;
}

const char *course_room_folder(const char *given, const char *variable, const char *name, char out[4096]) {
  const char *set = given ? given : getenv(variable);
  if (set && *set) snprintf(out, 4096, "%s", set);
  else snprintf(out, 4096, "%s/%s", MAKMAL_SOURCE_DIR, name);
  return out;
}

bool course_room_open(struct course_room *room, struct err *err) {
  char labs[4096], library[4096], words[4096];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  room->pool = NULL;
  room->catalog = NULL;
  if (!secret_init() || !markdown_init()) return err_set(err, ERR_BUG, "app.library", "libsodium or cmark did not start");
  if (!(room->pool = check_pool_open(course_room_worker(), room->workers > 0 ? room->workers : (int)(cores > 0 ? cores : 1), err))) return false;
  if (catalog_open(course_room_folder(room->labs, "MAKMAL_LABS", "labs", labs), course_room_folder(room->library, "MAKMAL_LIBRARY", "lua-checks", library),
                   course_room_folder(room->words, "MAKMAL_WORDS", "web/words", words), room->pool, &room->catalog, err))
    return true;
  check_pool_close(room->pool);
  room->pool = NULL;
  return false;
}

void course_room_close(struct course_room *room) {
  if (room->catalog) catalog_close(room->catalog);
  if (room->pool) check_pool_close(room->pool);
  room->catalog = NULL;
  room->pool = NULL;
}

bool course_room_cluster(const struct course_room *room, struct arena *arena, const char *path, struct kube_config *config, struct kube *out, struct err *err) {
  char *text;
  size_t length;
  struct tree *docs = NULL, *reading = NULL;
  bool refused = false;
  if (!file_read(arena, path, 256 * 1024, &text, &length, err)) return false;
  struct check_file file = {"kubeconfig", text, length};
  struct check_read_job job = {.files = &file, .file_count = 1};
  if (!check_read(room->pool, arena, &job, &docs, &reading, &refused, err)) return false;
  struct tree *first = docs ? tree_at_index(docs, 0) : NULL;
  if (refused || !first) {
    err_set(err, ERR_INVALID, "kubeconfig.unreadable", "%s", path);
    return err_param(err, "file", "%s", path);
  }
  const char *slash = strrchr(path, '/');
  char *folder = slash ? arena_strn(arena, path, (size_t)(slash - path)) : arena_str(arena, ".");
  return kube_config_read(arena, tree_get(first, "value"), *folder ? folder : "/", NULL, config, err) && kube_open(config, out, err);
}

int course_room_fail(const struct course_room *room, const struct err *err) {
  struct arena *arena = arena_new(0);
  const struct edition *edition = room && room->catalog ? catalog_acquire(room->catalog) : NULL;
  const char *text = edition ? words_err(arena, edition->words, LANG_EN, err) : err->key;
  fprintf(stderr, "makmal: %s%s%s%s\n", text, edition && strcmp(text, err->key) ? "" : " (", edition && strcmp(text, err->key) ? "" : err->detail,
          edition && strcmp(text, err->key) ? "" : ")");
  if (edition) catalog_release(edition);
  arena_free(arena);
  return err_code_exit(err->code);
}
