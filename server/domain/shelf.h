/* shelf: builds one edition of the catalogue from the folders: words, library, courses, modules, labs. What catalog keeps and lint looks over. */
#ifndef MAKMAL_DOMAIN_SHELF_H
#define MAKMAL_DOMAIN_SHELF_H
#include <pthread.h>
#include <stdatomic.h>
#include "domain/course.h"
#include "domain/folder.h"
struct db; struct kept;

struct lab_bench {                       /* a lab folder on the way to a lab */
  struct lab lab; struct folder folder;
  const char **was; size_t was_count;
  bool open;                             /* without a mistake: it stands in the edition */
};
struct module_bench { struct module_plan plan; struct folder folder; struct lab_bench **labs; size_t lab_count; bool open; };
struct course_bench { struct course_plan plan; struct folder folder; struct module_bench **modules; size_t module_count; bool open; };
struct shelf {
  struct edition edition;                /* first: an edition is handed out, a shelf comes back */
  struct arena *arena;
  struct format format;
  struct words *words;
  struct course_bench **courses; size_t course_count;
  const struct tree *library_words;      /* lua-checks/words.yaml */
  atomic_int users;
  /* labs as they were (kept.c), built when they are first asked for; db NULL: none */
  struct db *db; struct check_pool *pool;
  pthread_mutex_t keeping;
  struct kept *kept; int kept_count;
};
/* labs, library, words: the folders "labs", "lua-checks", "web/words". False when there is nothing to work with: no words, no library, or no checker. */
bool shelf_build(const char *labs, const char *library, const char *words, struct check_pool *pool, struct shelf **out, struct err *err);
void shelf_finish(struct shelf *shelf);  /* words the problems in English; once, when no more will be said */
void shelf_free(struct shelf *shelf);
/* One lab out of its folder, whose files are in memory; says what is wrong with it into the shelf's format. */
void shelf_open_lab(struct shelf *shelf, struct check_pool *pool, const struct module_bench *module, struct lab_bench *bench);
#endif
