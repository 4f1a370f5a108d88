/* regrade_move: running attempts that a regrade was meant for go on with the lab as it is now, so that the next hand-in is not graded by the version that was
 * just put right. Their namespace stays: new set-up objects come with a reset. */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/catalog.h"
#include "domain/people.h"
#include "domain/regrade_inside.h"

/* Every parameter of the lab was drawn for this attempt: a script that finds none would be our fault. */
static bool params_fit(struct arena *arena, const struct lab *lab, const char *text) {
  struct tree *params = NULL;
  if (!text || !tree_parse(arena, text, strlen(text), 0, &params, NULL)) return false;
  for (size_t i = 0; i < lab->param_count; i++) if (!tree_get(params, lab->params[i].name)) return false;
  return true;
}

/* The attempts of a scope that are to be moved; NULL when the store failed. */
static struct attempt_row *behind(struct db_read *read, const struct edition *edition, const struct attempt_scope *scope, struct arena *arena, size_t *out_count, struct err *err) {
  struct attempt_row *rows;
  size_t count, n = 0;
  if (!store_attempt_running(read, scope, arena, &rows, &count, err)) return NULL;
  for (size_t i = 0; i < count; i++) {
    const struct lab *lab = edition_lab(edition, rows[i].lab);
    if (lab && strcmp(lab->version, rows[i].lab_version) != 0 && params_fit(arena, lab, rows[i].params)) rows[n++] = rows[i];
  }
  *out_count = n;
  return rows;
}

bool regrade_behind(struct db_read *read, const struct edition *edition, const struct attempt_scope *scope, struct arena *arena, size_t *out_count, struct err *err) {
  return behind(read, edition, scope, arena, out_count, err) != NULL;
}

/* Each lab is kept once, as what these attempts begin with from now on. */
static const struct keeping *keeping_of(struct regrades *regrades, struct arena *arena, const struct regrade_moves *moves, const struct lab *lab, struct err *err) {
  for (size_t i = 0; i < moves->count; i++) if (moves->list[i].keeping->lab == lab) return moves->list[i].keeping;
  struct keeping *keeping = arena_alloc(arena, sizeof *keeping);
  return kept_prepare(regrades->needs.db, arena, lab, keeping, err) ? keeping : NULL;
}

bool regrade_moves(struct regrades *regrades, const struct edition *edition, const struct regrade_row *row, struct arena *arena, struct regrade_moves *out, struct err *err) {
  struct db_read *read = NULL;
  size_t count = 0;
  struct viewer by = {.role = ROLE_NONE};
  if (!role_parse(row->role, &by.role)) by.role = ROLE_NONE;
  struct attempt_scope scope = {.lab = *row->lab ? row->lab : NULL, .workshop = *row->workshop ? row->workshop : NULL, .owner = people_may(&by, RIGHT_SEE_ALL_WORKSHOPS) ? NULL : row->by_person};
  if (!db_read_begin(regrades->needs.db, &read, err)) return false;
  struct attempt_row *rows = behind(read, edition, &scope, arena, &count, err);
  db_read_end(read);
  if (!rows) return false;
  *out = (struct regrade_moves){.list = arena_alloc(arena, (count + 1) * sizeof *out->list)};
  for (size_t i = 0; i < count; i++) {
    const struct keeping *keeping = keeping_of(regrades, arena, out, edition_lab(edition, rows[i].lab), err);
    if (!keeping) return false;
    out->list[out->count++] = (struct regrade_move){rows[i].id, rows[i].lab_version, keeping};
  }
  return true;
}

bool regrade_moves_write(struct db_tx *tx, const struct regrade_moves *moves, struct err *err) {
  for (size_t i = 0; i < moves->count; i++)
    if (!kept_write(tx, moves->list[i].keeping, err) || !store_attempt_version(tx, moves->list[i].attempt, moves->list[i].from, moves->list[i].keeping->lab->version, err)) return false;
  return true;
}
