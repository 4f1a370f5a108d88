/* hand_in: what was handed in, wherever it lies: a file, a folder, an archive, standard input, or one of the many in a roster folder. Links are never
 * followed below a path that the caller named. Any thread, one hand-in each. */
#ifndef MAKMAL_APP_HAND_IN_H
#define MAKMAL_APP_HAND_IN_H
#include <stdbool.h>
#include <stddef.h>
#include "check/check.h"

#define HAND_IN_PARAMS "params.yaml"
#define HAND_IN_PARAMS_MAX 65536

struct hand_in { const char *path, *name; char *bytes; size_t length; };     /* name: whose it is: the folder's or file's name without its ending; bytes: of standard input ("-") */
struct hand_in_read {
  struct check_file file[CHECK_FILES_MAX]; size_t count;
  const char *base;                               /* base/file is where a file lies; "" for standard input */
  const char *params; size_t params_length;       /* params.yaml of a folder; NULL when there is none */
  struct tree *notes;                             /* what was passed over: a list of {key, level, params}, as in a verdict's reading */
};
/* The manifests (*.yaml, *.yml, *.json) at the top; where there are none, those of the only folder or archive that is there. false: INVALID or LIMIT when the
 * hand-in is broken, NOT_FOUND when it is not there, UNAVAILABLE when it cannot be read. */
bool hand_in_read(struct arena *arena, const struct hand_in *hand_in, struct hand_in_read *out, struct err *err);
/* Reads standard input to its end, for a hand-in "-"; what is in it is hand_in_read's. */
bool hand_in_take_stdin(struct arena *arena, struct hand_in *hand_in, struct err *err);
/* Each sub-folder, archive and manifest of a folder (or link to one), by name; hidden files and all else are passed over. */
bool hand_in_roster(struct arena *arena, const char *folder, struct hand_in **out, size_t *out_count, struct err *err);
const char *hand_in_name(struct arena *arena, const char *path);
#endif
