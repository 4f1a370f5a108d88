/* draft: the texts in an attempt's editor. Kept as JSON; bytes that are no UTF-8 as base64. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "domain/files.h"
#include "store/db.h"
#include "store/store_draft.h"

struct saving { const char *id, *files; char person[ID_SIZE]; int64_t at_ms; };
static bool put(struct db_tx *tx, void *arg, struct err *err) {
  struct saving *saving = arg;
  return store_draft_put(tx, saving->id, saving->person, saving->files, saving->at_ms, err);
}

bool draft_save(struct attempts *attempts, const struct viewer *viewer, const char *id, const struct check_file *files, size_t count, int64_t *out_saved_ms, struct err *err) {
  if (!files_fit(files, count, err)) return false;
  struct arena *arena = arena_new(0);
  struct db_read *read = NULL;
  struct attempt attempt;
  bool ok = db_read_begin(attempts->needs.db, &read, err) && attempt_find(attempts, read, viewer, id, arena, &attempt, err);
  db_read_end(read);
  if (ok && strcmp(attempt.person, viewer->person)) ok = err_set(err, ERR_NOT_FOUND, "attempt.missing", "only its owner writes a draft");
  if (ok && attempt.state != ATTEMPT_WANTED && attempt.state != ATTEMPT_READY && attempt.state != ATTEMPT_RESETTING) {
    ok = err_set(err, ERR_CONFLICT, "attempt.over", "attempt %s is %s", id, attempt_state_name(attempt.state));
  }
  if (ok) {
    size_t length;
    struct saving saving = {.id = id, .files = files_json(arena, files, count, &length), .at_ms = wall_ms()};
    snprintf(saving.person, sizeof saving.person, "%s", attempt.person);
    ok = db_write(attempts->needs.db, put, &saving, err);
    if (ok && out_saved_ms) *out_saved_ms = saving.at_ms;
  }
  arena_free(arena);
  return ok;
}

bool draft_starter(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, const struct check_file **out, size_t *out_count) {
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *lab = edition_lab_of(edition, attempt->lab, attempt->lab_version, NULL);
  size_t count = lab ? lab->starter_count : 0;
  struct check_file *files = arena_alloc(arena, (count + 1) * sizeof *files);
  for (size_t i = 0; i < count; i++) {
    files[i].name = arena_str(arena, lab->starter[i].name);
    files[i].bytes = lab_fill(arena, lab->starter[i].bytes, lab->starter[i].length, attempt->params, &files[i].length);
  }
  catalog_release(edition);
  *out = files;
  *out_count = count;
  return true;
}

bool draft_load(struct attempts *attempts, struct db_read *read, const struct viewer *viewer, const char *id, struct arena *arena, const struct check_file **out, size_t *out_count,
                int64_t *out_saved_ms, struct err *err) {
  struct attempt attempt;
  const char *text;
  if (!attempt_find(attempts, read, viewer, id, arena, &attempt, err) || !store_draft_get(read, id, arena, &text, out_saved_ms, err)) return false;
  if (!text) return draft_starter(attempts, arena, &attempt, out, out_count);
  struct check_file *files;
  if (!files_parse(arena, text, strlen(text), &files, out_count, err)) return err_wrap(err, "draft of %s", id);
  *out = files;
  return true;
}
