/* catalog: keeps the current edition, hands it out counted, swaps it whole. A reader that holds an old edition keeps it alive. */
#include "domain/catalog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "domain/kept.h"
#include "domain/shelf.h"

struct catalog {
  char *labs, *library, *words;
  struct check_pool *pool;
  struct db *db;                    /* or NULL: older versions of labs are not asked for */
  pthread_mutex_t lock;             /* guards the pointer and the counting-up beside it */
  pthread_mutex_t reloading;        /* one reload at a time */
  struct shelf *shelf;
};

static char *copied(const char *text) {
  char *copy = strdup(text);
  if (!copy) abort();
  return copy;
}

bool catalog_open(const char *labs, const char *library, const char *words, struct check_pool *pool, struct catalog **out, struct err *err) {
  struct catalog *catalog = calloc(1, sizeof *catalog);
  if (!catalog) abort();
  catalog->labs = copied(labs);
  catalog->library = copied(library);
  catalog->words = copied(words);
  catalog->pool = pool;
  pthread_mutex_init(&catalog->lock, NULL);
  pthread_mutex_init(&catalog->reloading, NULL);
  if (!catalog_reload(catalog, err)) {
    catalog_close(catalog);
    return false;
  }
  *out = catalog;
  return true;
}

void catalog_release(const struct edition *edition) {
  if (!edition) return;
  struct shelf *shelf = (struct shelf *)edition;      /* an edition is the first member of its shelf */
  if (atomic_fetch_sub(&shelf->users, 1) == 1) shelf_free(shelf);
}

void catalog_close(struct catalog *catalog) {
  if (!catalog) return;
  if (catalog->shelf) catalog_release(&catalog->shelf->edition);
  pthread_mutex_destroy(&catalog->lock);
  pthread_mutex_destroy(&catalog->reloading);
  free(catalog->labs);
  free(catalog->library);
  free(catalog->words);
  free(catalog);
}

void catalog_keeps(struct catalog *catalog, struct db *db) {
  catalog->db = db;
  catalog->shelf->db = db;          /* nobody has the first edition yet */
}

bool catalog_reload(struct catalog *catalog, struct err *err) {
  struct shelf *fresh = NULL;
  pthread_mutex_lock(&catalog->reloading);
  bool ok = shelf_build(catalog->labs, catalog->library, catalog->words, catalog->pool, &fresh, err);
  if (ok) {
    shelf_finish(fresh);
    fresh->pool = catalog->pool;
    fresh->db = catalog->db;
    for (size_t i = 0; i < fresh->edition.problem_count; i++) {
      const struct problem *problem = &fresh->edition.problems[i];
      log_warn("catalog.problem", "at=%s:%d key=%s", problem->file, problem->line, problem->key);
    }
    pthread_mutex_lock(&catalog->lock);
    struct shelf *old = catalog->shelf;
    catalog->shelf = fresh;
    pthread_mutex_unlock(&catalog->lock);
    if (old) catalog_release(&old->edition);
  }
  pthread_mutex_unlock(&catalog->reloading);
  return ok;
}

const struct edition *catalog_acquire(struct catalog *catalog) {
  pthread_mutex_lock(&catalog->lock);
  struct shelf *shelf = catalog->shelf;
  atomic_fetch_add(&shelf->users, 1);
  pthread_mutex_unlock(&catalog->lock);
  return &shelf->edition;
}

static bool one_of(const char *id, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) if (!strcmp(list[i], id)) return true;
  return false;
}

/* An id as it is first, an old one only when nobody bears it today. */
const struct module *edition_module(const struct edition *edition, const char *id) {
  const struct shelf *shelf = (const struct shelf *)edition;
  for (int old = 0; old < 2; old++)
    for (size_t c = 0; c < shelf->course_count; c++)
      for (size_t m = 0; m < shelf->courses[c]->module_count; m++) {
        const struct module_bench *bench = shelf->courses[c]->modules[m];
        if (shelf->courses[c]->open && bench->open && (old ? one_of(id, bench->plan.was, bench->plan.was_count) : !strcmp(bench->folder.id, id))) return &bench->plan.module;
      }
  return NULL;
}

const struct lab *edition_lab(const struct edition *edition, const char *id) {
  const struct shelf *shelf = (const struct shelf *)edition;
  for (int old = 0; old < 2; old++)
    for (size_t c = 0; c < shelf->course_count; c++)
      for (size_t m = 0; m < shelf->courses[c]->module_count; m++) {
        const struct module_bench *bench = shelf->courses[c]->modules[m];
        for (size_t l = 0; shelf->courses[c]->open && bench->open && l < bench->lab_count; l++) {
          const struct lab_bench *lab = bench->labs[l];
          if (lab->open && (old ? one_of(id, lab->was, lab->was_count) : !strcmp(lab->folder.id, id))) return &lab->lab;
        }
      }
  return NULL;
}

const struct lab *edition_lab_of(const struct edition *edition, const char *id, const char *version, struct err *err) {
  struct err none;
  const struct lab *now = edition_lab(edition, id);
  if (!err) err = &none;
  err_clear(err);
  if (now && !strcmp(now->version, version)) return now;
  const struct lab *was = kept_lab((struct shelf *)edition, now, id, version, err);
  if (was || err->code != ERR_NONE) return was;
  if (!now) {
    err_set(err, ERR_UNAVAILABLE, "lab.gone", "lab %s is not in the catalogue", id);
    err_param(err, "lab", "%s", id);
  }
  return now;
}
