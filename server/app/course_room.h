/* course_room: what every command that grades needs, opened in one call: the pool of workers and the catalogue. Folders: as given, else the environment
 * (MAKMAL_LABS, MAKMAL_LIBRARY, MAKMAL_WORDS), else beside the program's sources; the worker is the program makmal-check beside our own. */
#ifndef MAKMAL_APP_COURSE_ROOM_H
#define MAKMAL_APP_COURSE_ROOM_H
#include <stdbool.h>
struct arena; struct err; struct check_pool; struct catalog; struct kube; struct kube_config;
struct course_room { const char *labs, *library, *words; /* NULL: found as said above */ int workers; struct check_pool *pool; struct catalog *catalog; };
bool course_room_open(struct course_room *room, struct err *err);
void course_room_close(struct course_room *room);
const char *course_room_worker(void);                   /* path of makmal-check; static */
const char *course_room_folder(const char *given, const char *variable, const char *name, char out[4096]);
/* The cluster of a kubeconfig, which is YAML: a worker reads it. KUBECONFIG is not looked at (it may be production). */
bool course_room_cluster(const struct course_room *room, struct arena *arena, const char *path, struct kube_config *config, struct kube *out, struct err *err);
/* One line on standard error: "makmal: <sentence>", in English; the key where there is no sentence. Returns the exit status of the error's code. */
int course_room_fail(const struct course_room *room, const struct err *err);
#endif
