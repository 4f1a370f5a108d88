/* catalog: all of labs/ as one immutable edition: courses, modules, labs as read-only structs, pages rendered in both languages, the check library,
 * every message. Swapped whole on reload. A lab or module with a mistake is left out, and said (problems); the rest stands. Any thread. */
#ifndef MAKMAL_DOMAIN_CATALOG_H
#define MAKMAL_DOMAIN_CATALOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/words.h"
#include "check/check.h"
struct arena; struct db; struct err; struct tree;

enum lab_hand_in { HAND_IN_FILES, HAND_IN_LIVE, HAND_IN_BOTH };
enum lab_param_type { PARAM_NAME, PARAM_INT, PARAM_TOKEN };
struct lab_param {
  const char *name; enum lab_param_type type;
  const char **names; size_t name_count;      /* PARAM_NAME: one of these, "-" and two digits behind */
  int64_t low, high;                          /* PARAM_INT, both included */
  int length;                                 /* PARAM_TOKEN */
};
struct lab_step { const char *id; const char *title[LANG_COUNT]; const char *html[LANG_COUNT]; };     /* id: the file's name without number and language */
struct lab_check {
  const char *id, *step; int points;          /* whole-number weight */
  enum check_scope on;
  bool strict;                                /* asks the API server (t:strict): unobserved where there is none */
  const char **needs; size_t need_count;
  const char *visible, *show;                 /* "always" | "after-try(n)" | …; "full" | "message" | "title" | "points" */
};
struct lab_hint { const char *key; int rungs; struct { int tries, minutes; const char *text[LANG_COUNT]; } rung[3]; };   /* key "hints": the lab's own ladder */
struct lab {
  const char *id, *module, *course, *folder;
  const char *title[LANG_COUNT];
  char version[65];                           /* hash of lab.yaml, checks.lua, setup/, starter/ */
  int minutes, points;
  const char *size, *pods;                    /* "small" …; "restricted" | "baseline" */
  const char **cluster; size_t cluster_count; /* capability words it needs */
  bool paper, keep_last;
  const char *wait_default;                   /* or NULL */
  enum lab_hand_in hand_in;
  const struct lab_param *params; size_t param_count;
  const struct lab_step *steps; size_t step_count;
  const struct lab_check *checks; size_t check_count;
  const struct lab_hint *hints; size_t hint_count;
  const struct check_file *setup; size_t setup_count;
  const struct check_file *starter; size_t starter_count;
  const struct check_file *solution; size_t solution_count;    /* never leaves the server */
  struct check_source script;
  const struct words *words;                  /* the library's messages and the lab's own (titles as "<check>.title") */
  const struct tree *meta;                    /* lab.yaml whole */
  const struct tree *examples;                /* map of parameter values for reading without an attempt */
  bool setup_as_create;                       /* setup-as: create */
};
struct quiz_answer { bool right; const char *text[LANG_COUNT]; const char *betrays[LANG_COUNT]; };
struct quiz_item { const char *id; const char *text[LANG_COUNT]; const struct quiz_answer *answers; size_t answer_count; };
struct module {
  const char *id, *course; int number;        /* 1-based place in the course */
  const char *title[LANG_COUNT]; int minutes;
  const char **goals[LANG_COUNT]; size_t goal_count;
  const char *html[LANG_COUNT];               /* the whole page body, islands and quiz included */
  struct { const char *id, *text[LANG_COUNT]; } *headings; size_t heading_count;
  const struct quiz_item *quiz; size_t quiz_count;
  const struct lab **labs; size_t lab_count;
};
struct course { const char *id; const char *title[LANG_COUNT]; const char *summary[LANG_COUNT]; const struct module **modules; size_t module_count; };
struct problem { const char *file; int line; const char *key; const struct tree *params; const char *text; };   /* text: the English sentence, with the cure */
struct edition {
  const struct course **courses; size_t course_count;
  const struct check_source *library; size_t library_count;
  char library_sha256[65];
  const struct words *words;                  /* web/words + lua-checks/words.yaml: everything but the labs' own */
  const struct problem *problems; size_t problem_count;
};

struct catalog;
/* labs: folder "labs"; library: folder "lua-checks"; words: folder "web/words". Fails only when nothing can be read at all (no library, no words). */
bool catalog_open(const char *labs, const char *library, const char *words, struct check_pool *pool, struct catalog **out, struct err *err);
/* The store in which older versions of labs are kept; once, before anybody has an edition. Without it edition_lab_of gives labs as they are now. */
void catalog_keeps(struct catalog *catalog, struct db *db);
void catalog_close(struct catalog *catalog);
bool catalog_reload(struct catalog *catalog, struct err *err);
const struct edition *catalog_acquire(struct catalog *catalog);      /* stands still until released */
void catalog_release(const struct edition *edition);
const struct module *edition_module(const struct edition *edition, const char *id);     /* follows `was:`; compare ->id to redirect */
const struct lab *edition_lab(const struct edition *edition, const char *id);
/* The lab as it was in this version, which stands as long as the edition: what an attempt that began with it is graded, reset and shown by (kept.h). A version
 * that was not kept, or does not open any more, is the lab as it is now. May wait for a worker; not on the writer's thread. NULL: UNAVAILABLE "lab.gone" when
 * there is neither, else our fault. */
const struct lab *edition_lab_of(const struct edition *edition, const char *id, const char *version, struct err *err);

/* --- parameters (lab_params.c) ------------------------------------------------------------------------------------------------------ */
/* seed = HMAC-SHA-256(secret, person 0x00 lab); out: map name -> value (text or number). Platform's own (namespace, host …) are added by who knows them. */
void lab_seed_person(const void *secret, size_t secret_length, const char *person, const char *lab, unsigned char out[32]);
void lab_seed_text(const char *text, unsigned char out[32]);
struct tree *lab_params_draw(struct arena *arena, const struct lab *lab, const unsigned char seed[32]);
/* ${name} in a text replaced by the value (starter files, step text). Unknown names stay. */
char *lab_fill(struct arena *arena, const char *text, size_t length, const struct tree *params, size_t *out_length);
#endif
