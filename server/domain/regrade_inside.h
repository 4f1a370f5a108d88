/* regrade_inside: what the files of regrade.h and appeal.c share. */
#ifndef MAKMAL_DOMAIN_REGRADE_INSIDE_H
#define MAKMAL_DOMAIN_REGRADE_INSIDE_H
#include <pthread.h>
#include <stdatomic.h>
#include "domain/kept.h"
#include "domain/regrade.h"
#include "store/store_attempt.h"
#include "store/store_regrade.h"
struct edition; struct jobs; struct replay;

enum tally_word { TALLY_PASS, TALLY_PARTIAL, TALLY_FAIL, TALLY_OTHER, TALLY_COUNT };
struct tally { char id[64]; int before[TALLY_COUNT], after[TALLY_COUNT]; };
enum preview_state { PREVIEW_RUNS, PREVIEW_READY, PREVIEW_FAILED };
struct preview {
  struct preview *next;
  char id[ID_SIZE], person[ID_SIZE], lab[64], check[64], workshop[ID_SIZE];
  enum preview_state state;
  bool busy, dropped;                         /* a job has it; it is to go when the job lets go */
  char why[64];
  int64_t at_ms;
  size_t done, of, attempts;                  /* hand-ins; running attempts that would go on with the lab as it is now */
  struct arena *arena;                        /* items, tallies */
  struct regrade_item *items;
  struct tally *tallies; size_t tally_count;
};
struct regrades {
  struct regrades_needs needs;
  struct jobs *jobs;
  pthread_mutex_t lock;                       /* previews, and all in them that is not the job's */
  struct preview *previews;
  atomic_bool closing;
  int64_t stuck_place; int stuck;             /* the job's own: how often one hand-in could not be graded */
};
struct preview *regrade_find(struct regrades *regrades, const char *id);        /* lock held; NULL: none, or dropped */
void regrade_tell(struct regrades *regrades, const char *id, const char *state, size_t done, size_t of);
/* What a person gives as a reason: trimmed; 1 to `most` characters without control characters, else INVALID key with the limit. */
#define REGRADE_TEXT_SIZE 2004
bool regrade_text(const char *given_text, int most, const char *key, char out[REGRADE_TEXT_SIZE], struct err *err);
/* Grades one hand-in and fills the item's outcome. only: this check, or NULL. False: our fault. */
bool regrade_grade(struct regrades *regrades, const struct edition *edition, const char *only, struct arena *arena, struct regrade_item *item, struct replay *out, struct err *err);
bool regrade_unchanged(const struct edition *edition, const struct regrade_item *item);      /* lab and library are those it was decided with */
void regrade_work(void *ctx, const char *id, struct arena *arena);                            /* regrade_work.c: the job, named by the regrade */
/* regrade_move.c: running attempts in the scope of a regrade whose version is not the edition's, to be moved to it with the unit that ends the regrade. */
bool regrade_behind(struct db_read *read, const struct edition *edition, const struct attempt_scope *scope, struct arena *arena, size_t *out_count, struct err *err);      /* how many */
struct regrade_move { const char *attempt, *from; const struct keeping *keeping; };
struct regrade_moves { struct regrade_move *list; size_t count; };
bool regrade_moves(struct regrades *regrades, const struct edition *edition, const struct regrade_row *row, struct arena *arena, struct regrade_moves *out, struct err *err);
bool regrade_moves_write(struct db_tx *tx, const struct regrade_moves *moves, struct err *err);
#endif
