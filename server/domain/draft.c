/* draft: the texts in an attempt's editor. Kept as JSON; bytes that are no UTF-8 as base64. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/wallclock.h"
#include "check/check.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "store/db.h"
#include "store/store_draft.h"

static bool utf8(const char *bytes, size_t length) {
  const unsigned char *s = (const unsigned char *)bytes;
  for (size_t i = 0; i < length;) {
    size_t need = s[i] < 0x80 ? 1 : s[i] >= 0xC2 && s[i] < 0xE0 ? 2 : s[i] >= 0xE0 && s[i] < 0xF0 ? 3 : s[i] >= 0xF0 && s[i] <= 0xF4 ? 4 : 0;
    if (!need || length - i < need || s[i] == 0) return false;
    for (size_t k = 1; k < need; k++) if ((s[i + k] & 0xC0) != 0x80) return false;
    if (need == 3 && ((s[i] == 0xE0 && s[i + 1] < 0xA0) || (s[i] == 0xED && s[i + 1] > 0x9F))) return false;
    if (need == 4 && ((s[i] == 0xF0 && s[i + 1] < 0x90) || (s[i] == 0xF4 && s[i + 1] > 0x8F))) return false;
    i += need;
  }
  return true;
}

static bool name_fits(const char *name) {
  size_t length = strlen(name);
  return length >= 1 && length <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length && name[0] != '.';
}

struct saving { const char *id, *files; char person[ID_SIZE]; int64_t at_ms; };
static bool put(struct db_tx *tx, void *arg, struct err *err) {
  struct saving *saving = arg;
  return store_draft_put(tx, saving->id, saving->person, saving->files, saving->at_ms, err);
}

bool draft_save(struct attempts *attempts, const struct viewer *viewer, const char *id, const struct check_file *files, size_t count, int64_t *out_saved_ms, struct err *err) {
  if (count > CHECK_FILES_MAX) {
    err_set(err, ERR_LIMIT, "files.many", "%zu files", count);
    err_param(err, "count", "%zu", count);
    return err_param(err, "limit", "%d", CHECK_FILES_MAX);
  }
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    bytes += files[i].length;
    if (!name_fits(files[i].name)) {
      err_set(err, ERR_INVALID, "files.name", "a name that is not allowed");
      return err_param(err, "name", "%.64s", files[i].name);
    }
  }
  if (bytes > CHECK_BYTES_MAX) {
    err_set(err, ERR_LIMIT, "files.large", "%zu bytes", bytes);
    err_param(err, "size", "%zu KiB", bytes / 1024);
    return err_param(err, "limit", "%d KiB", CHECK_BYTES_MAX / 1024);
  }
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
    struct buf text;
    buf_init(&text, 8 * CHECK_BYTES_MAX);                     /* a control character takes six bytes in JSON */
    buf_char(&text, '[');
    for (size_t i = 0; i < count; i++) {
      bool plain = utf8(files[i].bytes, files[i].length);
      buf_str(&text, i ? ",{\"name\":" : "{\"name\":");
      buf_json(&text, files[i].name);
      buf_str(&text, plain ? ",\"text\":" : ",\"base64\":\"");
      if (plain) buf_json_n(&text, files[i].bytes, files[i].length);
      else buf_base64(&text, files[i].bytes, files[i].length), buf_char(&text, '"');
      buf_char(&text, '}');
    }
    buf_char(&text, ']');
    struct saving saving = {.id = id, .files = text.data, .at_ms = wall_ms()};
    snprintf(saving.person, sizeof saving.person, "%s", attempt.person);
    ok = db_write(attempts->needs.db, put, &saving, err);
    if (ok && out_saved_ms) *out_saved_ms = saving.at_ms;
    buf_release(&text);
  }
  arena_free(arena);
  return ok;
}

bool draft_starter(struct attempts *attempts, struct arena *arena, const struct attempt *attempt, const struct check_file **out, size_t *out_count) {
  const struct edition *edition = catalog_acquire(attempts->needs.catalog);
  const struct lab *lab = edition_lab(edition, attempt->lab);
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
  struct tree *list;
  if (!tree_parse(arena, text, strlen(text), 0, &list, err)) return err_wrap(err, "draft of %s", id);
  struct check_file *files = arena_alloc(arena, (list->count + 1) * sizeof *files);
  size_t n = 0;
  TREE_EACH(item, list) {
    const struct tree *plain = tree_get(item, "text"), *coded = tree_get(item, "base64");
    files[n].name = tree_text_or(item, "name", "?");
    if (plain) {
      files[n].bytes = plain->text;
      files[n].length = plain->length;
    } else if (coded) {
      char *bytes = arena_alloc(arena, coded->length + 1);
      if (!secret_base64_decode(coded->text, coded->length, bytes, coded->length, &files[n].length)) return err_set(err, ERR_BUG, "bug", "draft of %s: bad base64", id);
      files[n].bytes = bytes;
    }
    n++;
  }
  *out = files;
  *out_count = n;
  return true;
}
