/* memory_store: the peer "without a store". The functions of the store that handing in and grading use, written anew in memory, without a row, a commit
 * or a sync. Only this file and the copies of grading.c and submission.c in `makmal-storeless` call them: the build renames them there (CMakeLists.txt),
 * all other rooms keep the real store. So handler, queue, worker, verdict and stream are the product's, and what differs is the store alone.
 * Verdicts and progress are forgotten once they are published. Any thread: one lock, which a write unit holds while it runs. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "domain/progress.h"
#include "store/db.h"
#include "store/store_submission.h"
#include "store/store_verdict.h"

#define SLOTS 16384

struct kept_file { char *name, hash[65]; };
struct kept { struct submission_row row; struct kept_file *files; size_t count; struct kept *next, *earlier; };      /* in its slot; of the same attempt */
struct kept_body { char hash[65]; char *bytes; size_t length; struct kept_body *next; };
struct attempt_rows { char attempt[ID_SIZE]; struct kept *newest; struct attempt_rows *next; };

static pthread_mutex_t lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct kept *submissions[SLOTS];
static struct kept_body *bodies[SLOTS];
static struct attempt_rows *attempts[SLOTS];

static void begin(void) {
  pthread_mutexattr_t again;
  pthread_mutexattr_init(&again);
  pthread_mutexattr_settype(&again, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&lock, &again);
  pthread_mutexattr_destroy(&again);
}

static void enter(void) {
  pthread_once(&once, begin);
  pthread_mutex_lock(&lock);
}
static void leave(void) { pthread_mutex_unlock(&lock); }

static unsigned slot(const char *text) {
  unsigned hash = 2166136261u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash % SLOTS;
}

static void *room(size_t size) {
  void *bytes = calloc(1, size ? size : 1);
  if (!bytes) abort();
  return bytes;
}

static struct kept *find(const char *id) {
  struct kept *at = submissions[slot(id)];
  while (at && strcmp(at->row.id, id) != 0) at = at->next;
  return at;
}

static struct attempt_rows *rows_of(const char *attempt, bool make) {
  struct attempt_rows **at = &attempts[slot(attempt)];
  while (*at && strcmp((*at)->attempt, attempt) != 0) at = &(*at)->next;
  if (!*at && make) {
    *at = room(sizeof **at);
    strcpy((*at)->attempt, attempt);
  }
  return *at;
}

static bool ended(const struct kept *kept) { return strcmp(kept->row.state, "received") != 0 && strcmp(kept->row.state, "grading") != 0; }

/* --- db -------------------------------------------------------------------------------------------------------------------------------------------- */

bool db_write(struct db *db, db_unit unit, void *arg, struct err *err) {
  (void)db;
  enter();
  bool ok = unit(NULL, arg, err);
  leave();
  return ok;
}

struct db_read *db_tx_read(struct db_tx *tx) { (void)tx; return NULL; }

/* --- bodies and submissions ------------------------------------------------------------------------------------------------------------------------ */

bool store_body_put(struct db_tx *tx, const void *bytes, size_t length, char out_hash[65], struct err *err) {
  (void)tx, (void)err;
  secret_sha256_hex(bytes, length, out_hash);
  enter();
  struct kept_body **at = &bodies[slot(out_hash)];
  while (*at && strcmp((*at)->hash, out_hash) != 0) at = &(*at)->next;
  if (!*at) {
    *at = room(sizeof **at);
    memcpy((*at)->hash, out_hash, 65);
    (*at)->bytes = room(length + 1);
    memcpy((*at)->bytes, bytes, length);
    (*at)->length = length;
  }
  leave();
  return true;
}

bool store_body_get(struct db_read *read, const char *hash, struct arena *arena, const char **out, size_t *out_length, struct err *err) {
  (void)read;
  enter();
  struct kept_body *at = bodies[slot(hash)];
  while (at && strcmp(at->hash, hash) != 0) at = at->next;
  if (at) {
    *out = arena_strn(arena, at->bytes, at->length);
    *out_length = at->length;
  }
  leave();
  return at || err_set(err, ERR_NOT_FOUND, "store.forgotten", NULL);
}

bool store_submission_add(struct db_tx *tx, struct submission_row *row, const struct submission_file_row *files, size_t count, struct err *err) {
  (void)tx;
  enter();
  struct attempt_rows *rows = rows_of(row->attempt, true);
  if (rows->newest && !ended(rows->newest)) {
    leave();
    return err_set(err, ERR_CONFLICT, "submission.running", NULL), err_param(err, "submission", "%s", rows->newest->row.id);
  }
  struct kept *kept = room(sizeof *kept);
  row->number = rows->newest ? rows->newest->row.number + 1 : 1;
  strcpy(row->state, "received");
  kept->row = *row;
  kept->files = room(count * sizeof *kept->files);
  kept->count = count;
  for (size_t i = 0; i < count; i++) {
    kept->files[i].name = strdup(files[i].name);
    memcpy(kept->files[i].hash, files[i].hash, 65);
  }
  kept->earlier = rows->newest;
  rows->newest = kept;
  kept->next = submissions[slot(row->id)];
  submissions[slot(row->id)] = kept;
  leave();
  return true;
}

bool store_submission_get(struct db_read *read, const char *id, struct submission_row *out, struct err *err) {
  (void)read;
  enter();
  const struct kept *kept = find(id);
  if (kept) *out = kept->row;
  leave();
  return kept || err_set(err, ERR_NOT_FOUND, "submission.missing", NULL);
}

bool store_submission_files(struct db_read *read, const char *id, struct arena *arena, struct submission_file_row **out, size_t *out_count, struct err *err) {
  (void)read;
  enter();
  const struct kept *kept = find(id);
  if (kept) {
    *out = arena_alloc(arena, (kept->count + 1) * sizeof **out);
    *out_count = kept->count;
    for (size_t i = 0; i < kept->count; i++) (*out)[i] = (struct submission_file_row){arena_str(arena, kept->files[i].name), arena_str(arena, kept->files[i].hash)};
  }
  leave();
  return kept || err_set(err, ERR_NOT_FOUND, "submission.missing", NULL);
}

bool store_submission_same(struct db_read *read, const char *attempt, const char *person, const char *press, const char *files_hash, int64_t since_ms, struct submission_row *out) {
  (void)read, (void)person;
  enter();
  const struct attempt_rows *rows = rows_of(attempt, false);
  const struct kept *at = rows ? rows->newest : NULL;
  while (at && !(press ? !strcmp(at->row.press, press) : !strcmp(at->row.files_hash, files_hash) && at->row.at_ms >= since_ms)) at = at->earlier;
  if (at) *out = at->row;
  leave();
  return at;
}

bool store_submission_list(struct db_read *read, const char *attempt, struct arena *arena, struct submission_row **out, size_t *out_count, struct err *err) {
  (void)read, (void)err;
  enter();
  const struct attempt_rows *rows = rows_of(attempt, false);
  struct submission_row *list = arena_alloc(arena, 200 * sizeof *list);
  size_t n = 0;
  for (const struct kept *at = rows ? rows->newest : NULL; at && n < 200; at = at->earlier) list[n++] = at->row;
  leave();
  *out = list;
  *out_count = n;
  return true;
}

bool store_submission_unfinished(struct db_read *read, struct arena *arena, char (**out_ids)[ID_SIZE], size_t *out_count, struct err *err) {
  (void)read, (void)arena, (void)err;
  *out_ids = NULL;
  *out_count = 0;
  return true;
}

int64_t store_submission_count(struct db_read *read, const char *attempt, int64_t since_ms) {
  (void)read;
  int64_t n = 0;
  enter();
  const struct attempt_rows *rows = rows_of(attempt, false);
  for (const struct kept *at = rows ? rows->newest : NULL; at && at->row.at_ms >= since_ms; at = at->earlier) n++;
  leave();
  return n;
}

int64_t store_submission_tries(struct db_read *read, const char *attempt) {
  (void)read;
  int64_t n = 0;
  enter();
  const struct attempt_rows *rows = rows_of(attempt, false);
  for (const struct kept *at = rows ? rows->newest : NULL; at; at = at->earlier) n += !strcmp(at->row.state, "graded") && strcmp(at->row.earned, at->row.max) != 0;
  leave();
  return n;
}

bool store_submission_begin(struct db_tx *tx, const char *id, int64_t *out_begun, struct err *err) {
  (void)tx;
  enter();
  struct kept *kept = find(id);
  bool open = kept && !ended(kept);
  if (open) {
    strcpy(kept->row.state, "grading");
    *out_begun = ++kept->row.begun;
  }
  leave();
  return open || err_set(err, ERR_CONFLICT, "store.ended", NULL);
}

bool store_submission_end(struct db_tx *tx, const char *id, const char *state, const char *earned, const char *max, struct err *err) {
  (void)tx;
  enter();
  struct kept *kept = find(id);
  bool open = kept && !ended(kept);
  if (open) {
    strncpy(kept->row.state, state, sizeof kept->row.state - 1);
    strncpy(kept->row.earned, earned ? earned : "", sizeof kept->row.earned - 1);
    strncpy(kept->row.max, max ? max : "", sizeof kept->row.max - 1);
  }
  leave();
  return open || err_set(err, ERR_CONFLICT, "store.ended", NULL);
}

/* --- what is forgotten ------------------------------------------------------------------------------------------------------------------------------ */

bool store_verdict_add(struct db_tx *tx, struct verdict_row *row, const char *person, const char *body, size_t body_length, const char *evidence, size_t evidence_length, struct err *err) {
  (void)tx, (void)person, (void)body, (void)body_length, (void)evidence, (void)evidence_length, (void)err;
  row->run = 1;
  return true;
}

bool store_verdict_of(struct db_read *read, const char *submission, struct verdict_row *out) {
  (void)read, (void)submission, (void)out;
  return false;
}

bool store_verdict_text(struct db_read *read, const char *verdict, const char *what, struct arena *arena, const char **out, size_t *out_length, struct err *err) {
  (void)read, (void)verdict, (void)what, (void)arena, (void)out, (void)out_length;
  return err_set(err, ERR_NOT_FOUND, "store.forgotten", NULL);
}

bool progress_record(struct db_tx *tx, const struct lab *lab, const char *person, const char *workshop, const char *submission, const struct tree *body, int64_t at_ms, struct err *err) {
  (void)tx, (void)lab, (void)person, (void)workshop, (void)submission, (void)body, (void)at_ms, (void)err;
  return true;
}
