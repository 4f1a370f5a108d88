/* access: learners' tokens, in memory only: lost at restart, minted anew when first needed. A token is good for an hour and renewed at 80 % of it.
 * Revoking deletes the account and makes it anew, so that its uid changes: tokens that were handed out end within seconds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jobs.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/wallclock.h"
#include "domain/attempt_room.h"
#include "domain/cluster.h"
#include "kube/kube.h"
#include "store/db.h"

struct held { struct held *next; char attempt[ID_SIZE]; char token[4096]; int64_t renew_ms, ends_ms; };   /* renew by the monotonic clock, ends by the wall */
struct access { pthread_mutex_t lock; struct held *first; };

struct access *access_new(void) {
  struct access *access = calloc(1, sizeof *access);
  if (!access) abort();
  pthread_mutex_init(&access->lock, NULL);
  return access;
}

static void drop(struct held **at) {
  struct held *held = *at;
  *at = held->next;
  secret_wipe(held, sizeof *held);
  free(held);
}

void access_free(struct access *access) {
  if (!access) return;
  while (access->first) drop(&access->first);
  pthread_mutex_destroy(&access->lock);
  free(access);
}

static struct held **find(struct access *access, const char *attempt) {
  struct held **at = &access->first;
  while (*at && strcmp((*at)->attempt, attempt)) at = &(*at)->next;
  return at;
}

void access_put(struct access *access, const char *attempt, const char *token, int64_t minted_ms, int64_t ends_ms) {
  struct held *held = calloc(1, sizeof *held);
  if (!held) abort();
  snprintf(held->attempt, sizeof held->attempt, "%s", attempt);
  snprintf(held->token, sizeof held->token, "%s", token);
  held->renew_ms = minted_ms + PROVISION_TOKEN_S * 800LL;
  held->ends_ms = ends_ms;
  pthread_mutex_lock(&access->lock);
  struct held **at = find(access, attempt);
  if (*at) drop(at);
  held->next = access->first;
  access->first = held;
  pthread_mutex_unlock(&access->lock);
}

void access_forget(struct access *access, const char *attempt) {
  pthread_mutex_lock(&access->lock);
  struct held **at = find(access, attempt);
  if (*at) drop(at);
  pthread_mutex_unlock(&access->lock);
}

static bool held(struct access *access, const char *attempt, char out[4096], int64_t *out_ends_ms) {
  pthread_mutex_lock(&access->lock);
  struct held *found = *find(access, attempt);
  bool good = found && mono_ms() < found->renew_ms;
  if (good) {
    memcpy(out, found->token, 4096);
    *out_ends_ms = found->ends_ms;
  }
  pthread_mutex_unlock(&access->lock);
  return good;
}

bool access_token(struct attempts *attempts, const struct attempt *attempt, char out[4096], int64_t *out_expires_ms, struct err *err) {
  int64_t ends = 0;
  if (held(attempts->access, attempt->id, out, &ends)) {
    if (out_expires_ms) *out_expires_ms = ends;
    return true;
  }
  if (attempt->state != ATTEMPT_READY && attempt->state != ATTEMPT_RESETTING) {
    return err_set(err, ERR_CONFLICT, attempt_not_ready(attempt->state), "attempt %s is %s", attempt->id, attempt_state_name(attempt->state));
  }
  const struct kube *kube = cluster_kube(attempts->needs.cluster, err);
  if (!kube) return false;
  struct arena *arena = arena_new(0);
  int64_t minted = mono_ms();
  bool ok = provision_token(kube, arena, attempts->install, attempt->namespace, out, &ends, err);
  arena_free(arena);
  if (!ok) return false;
  access_put(attempts->access, attempt->id, out, minted, ends);
  if (out_expires_ms) *out_expires_ms = ends;
  return true;
}

/* A job: mints because a page asked for a kubeconfig. */
static void work_mint(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct attempt attempt;
  struct err err = {0};
  char token[4096];
  if (!attempt_read(attempts, arena, id, &row, &err) || !attempt_of_row(arena, &row, &attempt, &err) || !access_token(attempts, &attempt, token, NULL, &err)) {
    log_warn("access.mint", "attempt=%s key=%s detail=\"%s\"", id, err.key, err.detail);
  }
  secret_wipe(token, sizeof token);
}

bool access_kubeconfig(struct attempts *attempts, const struct viewer *viewer, const char *id, const char *server, struct arena *arena, char **out, int64_t *out_expires_ms, struct err *err) {
  struct db_read *read;
  struct attempt attempt;
  if (!db_read_begin(attempts->needs.db, &read, err)) return false;
  bool found = attempt_find(attempts, read, viewer, id, arena, &attempt, err);
  db_read_end(read);
  if (!found) return false;
  if (strcmp(attempt.person, viewer->person)) return err_set(err, ERR_NOT_FOUND, "attempt.missing", "a kubeconfig is its owner's alone");
  if (attempt.state != ATTEMPT_READY && attempt.state != ATTEMPT_RESETTING) {
    return err_set(err, ERR_CONFLICT, attempt_not_ready(attempt.state), "attempt %s is %s", id, attempt_state_name(attempt.state));
  }
  char token[4096];
  int64_t ends = 0;
  if (!held(attempts->access, id, token, &ends)) {
    if (!jobs_add(attempts->jobs, work_mint, attempts, id, 0, err)) return false;
    err_set(err, ERR_UNAVAILABLE, "access.soon", "token of %s is being minted", id);
    if (err) err->retry_after_s = 1;
    return false;
  }
  const char *ca = cluster_ca(attempts->needs.cluster);
  struct cluster_status status;
  cluster_status(attempts->needs.cluster, &status);
  struct buf *text = arena_alloc(arena, sizeof *text);
  buf_init_arena(text, arena, 256 * 1024);
  buf_printf(text, "apiVersion: v1\nkind: Config\ncurrent-context: %s\nclusters:\n- name: makmal\n  cluster:\n    server: ", attempt.namespace);
  buf_json(text, server);
  if (status.embedded) buf_str(text, "\n    tls-server-name: kubernetes");           /* through the relay its own name is not on the certificate */
  if (ca) {
    buf_str(text, "\n    certificate-authority-data: ");
    buf_base64(text, ca, strlen(ca));
  }
  buf_printf(text, "\nusers:\n- name: learner\n  user:\n    token: %s\ncontexts:\n- name: %s\n  context:\n    cluster: makmal\n    namespace: %s\n    user: learner\n",
             token, attempt.namespace, attempt.namespace);
  secret_wipe(token, sizeof token);
  *out = text->data;
  if (out_expires_ms) *out_expires_ms = ends;
  return true;
}

static void work_revoke(void *ctx, const char *id, struct arena *arena) {
  struct attempts *attempts = ctx;
  struct attempt_row row;
  struct err err = {0};
  const struct kube *kube;
  bool away = false;
  if (attempt_read(attempts, arena, id, &row, &err) && (!strcmp(row.state, "ready") || !strcmp(row.state, "resetting"))) {
    access_forget(attempts->access, id);
    kube = cluster_kube(attempts->needs.cluster, &err);
    away = !kube || !provision_renew_account(kube, arena, attempts->install, row.namespace, &err);
    access_forget(attempts->access, id);                                 /* one that was minted between the two */
  }
  if (away) {
    log_warn("access.revoke", "attempt=%s key=%s detail=\"%s\"", id, err.key, err.detail);
    jobs_add(attempts->jobs, work_revoke, attempts, id, 2000, NULL);
  } else if (!err.code) {
    log_info("access.revoked", "attempt=%s", id);
  }
}

bool access_revoke(struct attempts *attempts, const struct viewer *viewer, const char *id, struct err *err) {
  struct db_read *read;
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  bool ok = db_read_begin(attempts->needs.db, &read, err);
  if (ok) {
    ok = attempt_find(attempts, read, viewer, id, arena, &attempt, err);
    db_read_end(read);
  }
  if (ok && attempt.state != ATTEMPT_READY && attempt.state != ATTEMPT_RESETTING) {
    ok = err_set(err, ERR_CONFLICT, attempt_not_ready(attempt.state), "attempt %s is %s", id, attempt_state_name(attempt.state));
  }
  arena_free(arena);
  return ok && jobs_add(attempts->jobs, work_revoke, attempts, id, 0, err);
}
