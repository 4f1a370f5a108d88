/* kept: see the header. */
#include "domain/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "domain/files.h"
#include "domain/shelf.h"
#include "store/db.h"
#include "store/store_lab.h"

struct kept { struct kept *next; struct arena *arena; char id[64], version[65]; struct lab_bench bench; const struct lab *lab; /* NULL: it does not open any more, or was not kept */ };

/* --- keeping ------------------------------------------------------------------------------------------------------------------------------- */

/* What a lab is made of; its cases and what is written about it are not. */
static bool makes_lab(const char *name) {
  static const char *const whole[] = {"lab.yaml", "checks.lua", "words.yaml"};
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) if (!strcmp(name, whole[i])) return true;
  return strchr(name, '/') != NULL;          /* the folders of LAB_FOLDERS; others are not read */
}

bool kept_prepare(struct db *db, struct arena *arena, const struct lab *lab, struct keeping *out, struct err *err) {
  const struct folder *folder = &((const struct lab_bench *)lab)->folder;      /* a lab of an edition is the first member of its bench */
  struct db_read *read = NULL;
  *out = (struct keeping){.lab = lab, .at_ms = wall_ms()};
  if (!db_read_begin(db, &read, err)) return false;
  bool kept = store_lab_is_kept(read, lab->id, lab->version);
  db_read_end(read);
  if (kept) return true;
  struct check_file *files = arena_alloc(arena, (folder->count + 1) * sizeof *files);
  size_t count = 0, size = 0;
  for (size_t i = 0; i < folder->count; i++) {
    if (!makes_lab(folder->files[i].name)) continue;
    files[count++] = (struct check_file){folder->files[i].name, folder->files[i].bytes, folder->files[i].length};
    size += folder->files[i].length;
  }
  if (size > KEPT_BYTES_MAX) log_warn("lab.large", "lab=%s version=%.12s is not kept", lab->id, lab->version);
  else out->files = files_json(arena, files, count, &out->length);
  return true;
}

bool kept_write(struct db_tx *tx, const struct keeping *keeping, struct err *err) {
  const struct lab *lab = keeping->lab;
  struct lab_kept_row row = {.lab = lab->id, .version = lab->version, .course = lab->course, .module = lab->module};
  return !keeping->files || store_lab_keep(tx, &row, keeping->files, keeping->length, keeping->at_ms, err);
}

/* --- building ------------------------------------------------------------------------------------------------------------------------------- */

static bool fill_folder(struct arena *arena, const char *text, size_t length, struct folder *folder, struct err *err) {
  struct check_file *files;
  size_t count;
  if (!files_parse(arena, text, length, &files, &count, err)) return false;
  folder->files = arena_alloc(arena, (count + 1) * sizeof *folder->files);
  for (size_t i = 0; i < count; i++)
    folder->files[folder->count++] = (struct folder_file){.name = files[i].name, .path = arena_printf(arena, "%s/%s", folder->path, files[i].name), .bytes = files[i].bytes, .length = files[i].length};
  return true;
}

/* The checker did not answer: that says nothing of the lab. */
static bool checker_away(const struct format *format) {
  for (size_t i = 0; i < format->count; i++) if (!strcmp(format->list[i].key, "lint.checker-away") || !strncmp(format->list[i].key, "check.", 6)) return true;
  return false;
}

/* False: our fault. kept->lab stays NULL when there is nothing to build or it does not open. */
static bool build(struct shelf *shelf, struct kept *kept, const struct lab *now, struct err *err) {
  struct db_read *read = NULL;
  struct lab_kept_row row;
  const char *text = NULL;
  size_t length = 0;
  bool ok = db_read_begin(shelf->db, &read, err) && store_lab_kept(read, kept->id, kept->version, kept->arena, &row, &text, &length, err);
  db_read_end(read);
  if (!ok || !text) return ok;
  struct folder *folder = &kept->bench.folder;
  /* a renamed lab is the lab that it is today: points of the old version belong to it */
  *folder = (struct folder){.id = now ? now->id : kept->id, .path = now ? now->folder : arena_printf(kept->arena, "%s@%.12s", kept->id, kept->version)};
  if (!fill_folder(kept->arena, text, length, folder, err)) return false;
  struct shelf beside = {.arena = kept->arena, .format.arena = kept->arena, .edition = shelf->edition, .words = shelf->words};
  struct module_bench module = {.plan.module = {.id = now ? now->module : row.module, .course = now ? now->course : row.course}};
  shelf_open_lab(&beside, shelf->pool, &module, &kept->bench);
  if (kept->bench.open && !strcmp(kept->bench.lab.version, kept->version)) kept->lab = &kept->bench.lab;
  else if (checker_away(&beside.format)) return err_set(err, ERR_UNAVAILABLE, "check.worker", "no checker for lab %s as it was", kept->id);
  else log_warn("lab.kept", "lab=%s version=%.12s does not open any more: %s", kept->id, kept->version, beside.format.count ? beside.format.list[0].key : "other bytes");
  return true;
}

static struct kept *find(struct shelf *shelf, const char *id, const char *version) {
  struct kept *at = shelf->kept;
  while (at && (strcmp(at->id, id) || strcmp(at->version, version))) at = at->next;
  return at;
}

static void drop(struct kept *kept) {
  struct arena *arena = kept->arena;         /* it lies in there itself */
  arena_free(arena);
}

const struct lab *kept_lab(struct shelf *shelf, const struct lab *now, const char *id, const char *version, struct err *err) {
  if (!shelf->db || strlen(id) >= sizeof shelf->kept->id || strlen(version) != 64) return NULL;
  const struct lab *lab = NULL;
  pthread_mutex_lock(&shelf->keeping);
  struct kept *kept = find(shelf, id, version);
  if (kept) lab = kept->lab;
  else if (shelf->kept_count >= KEPT_MOST) log_warn("lab.kept", "lab=%s version=%.12s: %d older versions are in use already", id, version, KEPT_MOST);
  else {
    struct arena *arena = arena_new(0);
    kept = arena_alloc(arena, sizeof *kept);
    *kept = (struct kept){.next = shelf->kept, .arena = arena};
    snprintf(kept->id, sizeof kept->id, "%s", id);
    snprintf(kept->version, sizeof kept->version, "%s", version);
    if (build(shelf, kept, now, err)) {
      shelf->kept = kept;
      shelf->kept_count++;
      lab = kept->lab;
    } else {
      drop(kept);
    }
  }
  pthread_mutex_unlock(&shelf->keeping);
  return lab;
}

void kept_free(struct shelf *shelf) {
  while (shelf->kept) {
    struct kept *next = shelf->kept->next;
    drop(shelf->kept);
    shelf->kept = next;
  }
}
