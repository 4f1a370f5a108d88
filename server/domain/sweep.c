/* sweep: namespaces and accounts of our install that no row knows. The net under the rows, so it is slow to act: by install label alone, named lab-…,
 * older than an hour, seen by two sweeps, at most 20 a sweep, never with a clock in doubt, and only listing when the database is older than the cluster
 * (restored from a backup): the people namespace remembers the newest attempt it was told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "domain/attempt_room.h"
#include "domain/cluster.h"
#include "kube/kube.h"
#include "store/db.h"

#define OLD_MS (3600 * 1000LL)
#define MOST 20

struct sweep { struct attempts *attempts; struct arena *arena; const struct kube *kube; struct db_read *read; bool list_only; int deleted; };

static int64_t made_ms(const struct tree *metadata) {
  struct tm utc = {0};
  return strptime(tree_text_or(metadata, "creationTimestamp", ""), "%Y-%m-%dT%H:%M:%SZ", &utc) ? (int64_t)timegm(&utc) * 1000 : INT64_MAX;
}

/* Whether the database is older than what the cluster was told; then tells it the newest. */
static bool restored(struct sweep *sweep, bool *out, struct err *err) {
  char newest[ID_SIZE] = "";
  bool any = store_attempt_newest(sweep->read, newest);
  const char *path = kube_path(sweep->arena, kube_kind("Namespace"), NULL, shape_people(sweep->arena, sweep->attempts->install));
  struct kube_request ask = {.method = "GET", .path = path, .retry = true};
  struct tree *people;
  struct attempt_row row;
  if (!kube_call(sweep->kube, sweep->arena, &ask, &people, err)) return false;
  const char *told = tree_text(tree_path(people, "metadata.annotations"), "makmal/newest-attempt");
  *out = told && !store_attempt_get(sweep->read, told, sweep->arena, &row, NULL);
  if (*out || !any || (told && !strcmp(told, newest))) return true;
  char *body = arena_printf(sweep->arena, "{\"metadata\":{\"annotations\":{\"makmal/newest-attempt\":\"%s\"}}}", newest);
  struct kube_request tell = {.method = "PATCH", .path = path, .content_type = "application/merge-patch+json", .body = body, .body_length = strlen(body), .retry = true};
  return kube_call(sweep->kube, sweep->arena, &tell, NULL, err);
}

/* Whether the sweep before saw this very object; remembers it for the next. */
static bool seen_before(struct attempts *attempts, const char *name, const char *uid) {
  for (int i = 0; i < attempts->orphans; i++) if (!strcmp(attempts->orphan[i].uid, uid) && !strcmp(attempts->orphan[i].name, name)) return true;
  return false;
}

struct seen { char name[32], uid[64]; };
struct seen_list { struct seen item[64]; int count; };

static void look_at(struct sweep *sweep, const struct tree *object, struct seen_list *now) {
  struct attempts *attempts = sweep->attempts;
  const struct tree *metadata = tree_get(object, "metadata");
  const char *name = tree_text_or(metadata, "name", ""), *uid = tree_text_or(metadata, "uid", "");
  struct attempt_row row;
  struct err err;
  if (strncmp(name, "lab-", 4) || strcmp(tree_text_or(tree_get(metadata, "labels"), "makmal/install", ""), attempts->install) || tree_text(metadata, "deletionTimestamp")) return;
  if (store_attempt_by_namespace(sweep->read, name, sweep->arena, &row, &err)) {
    if (strcmp(row.state, "gone") && strcmp(row.state, "failed")) return;       /* living, or its ending job sees to it */
  } else if (err.code != ERR_NOT_FOUND) {
    return;                                                                      /* a database that does not answer knows nothing */
  }
  if (wall_ms() - made_ms(metadata) < OLD_MS) return;
  if (now->count < 64) {
    snprintf(now->item[now->count].name, sizeof now->item[0].name, "%s", name);
    snprintf(now->item[now->count++].uid, sizeof now->item[0].uid, "%s", uid);
  }
  if (!seen_before(attempts, name, uid)) return;
  if (sweep->list_only) {
    log_warn("sweep.listed", "namespace=%s the database knows nothing of it and is older than the cluster: left alone", name);
    return;
  }
  if (sweep->deleted >= MOST) return;
  sweep->deleted++;
  log_warn("sweep.orphan", "namespace=%s", name);
  if (!provision_delete(sweep->kube, sweep->arena, name, attempts->install, &err)) log_warn("sweep.delete", "namespace=%s key=%s detail=\"%s\"", name, err.key, err.detail);
}

static bool sweep_all(struct sweep *sweep, struct err *err) {
  char *query = arena_printf(sweep->arena, "labelSelector=makmal/install%%3D%s", sweep->attempts->install);
  struct tree *namespaces, *accounts;
  struct seen_list *now = arena_alloc(sweep->arena, sizeof *now);
  if (!restored(sweep, &sweep->list_only, err) || !kube_list(sweep->kube, sweep->arena, kube_kind("Namespace"), NULL, query, &namespaces, err) ||
      !kube_list(sweep->kube, sweep->arena, kube_kind("ServiceAccount"), shape_people(sweep->arena, sweep->attempts->install), query, &accounts, err)) return false;
  TREE_EACH(namespace, namespaces) look_at(sweep, namespace, now);
  TREE_EACH(account, accounts) look_at(sweep, account, now);
  struct attempts *attempts = sweep->attempts;
  attempts->orphans = now->count;
  for (int i = 0; i < now->count; i++) {
    memcpy(attempts->orphan[i].name, now->item[i].name, sizeof attempts->orphan[i].name);
    memcpy(attempts->orphan[i].uid, now->item[i].uid, sizeof attempts->orphan[i].uid);
  }
  return true;
}

void sweep_run(void *ctx, const char *unused, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct err err = {0};
  (void)unused;
  jobs_add(attempts->jobs, sweep_run, attempts, "", SWEEP_MS, NULL);
  struct sweep sweep = {.attempts = attempts, .arena = arena, .kube = cluster_kube(attempts->needs.cluster, &err)};
  if (work_clock_rests(attempts) || !sweep.kube || !db_read_begin(attempts->needs.db, &sweep.read, &err)) return;
  pthread_mutex_lock(&attempts->sweep_lock);
  if (!sweep_all(&sweep, &err)) log_warn("sweep", "key=%s detail=\"%s\"", err.key, err.detail);
  pthread_mutex_unlock(&attempts->sweep_lock);
  db_read_end(sweep.read);
}
