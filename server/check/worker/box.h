/* box: one fresh Lua state for one job, with nothing in it that could reach out, never end, or differ from run to run. The inner wall: its job is a tidy
 * error with file and line; the wall that holds is the process (lockdown) and the server's clock. One per process; one thread. */
#ifndef MAKMAL_CHECK_WORKER_BOX_H
#define MAKMAL_CHECK_WORKER_BOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <lua.h>
#include <lauxlib.h>

#define BOX_STEPS_MAX 50000000             /* of a whole job */
#define BOX_MEMORY_MAX (64u << 20)
#define BOX_LOG_MAX (64u * 1024u)
#define BOX_TEXT_MAX (16u << 20)           /* one string made by rep, concat, format or gsub */

struct buf;

enum box_stop { BOX_GOES, BOX_OUT_OF_STEPS, BOX_OUT_OF_MEMORY };
enum box_phase { BOX_LIBRARY, BOX_SCRIPT, BOX_RUN };           /* the library is loading, the script is loading, a check runs */

/* Why something ended: who = script | limit | cluster | platform | unobserved. */
struct box_error { char who[16], key[64], detail[400], file[64], text[200]; int line; };

struct box_source { const char *name, *sha256; };
/* Gives a source's text by its hash; the text need only live until the next call. */
typedef bool (*box_fetch)(void *ctx, const char *sha256, const char **out_text, size_t *out_length);

struct box {
  lua_State *L;
  int64_t steps;                           /* instructions and their like, spent so far */
  enum box_stop stop;                      /* sticky: once set, every further instruction fails */
  enum box_phase phase;
  bool raised; struct box_error error;     /* an error that no pcall catches; and what the last failed call said */
  bool collecting;
  struct buf *log; bool log_cut;           /* what print said; NULL: dropped */
  void *job;                               /* toolkit's own */
};

/* A fresh state with the library in it. On failure *box->error says why. */
bool box_open(struct box *box, box_fetch fetch, void *ctx, const struct box_source *library, size_t count);
bool box_run_script(struct box *box, box_fetch fetch, void *ctx, const struct box_source *script);
/* Calls export.<name> with the arguments on top of the stack; results as asked. */
bool box_call_export(struct box *box, const char *name, int args, int results);
void box_close(struct box *box);

/* --- for the rooms that give Lua its functions ------------------------------------------------------------------------------ */
struct box *box_of(lua_State *L);
/* Charges work done in C like instructions; does not return when they are used up. */
void box_spend(lua_State *L, int64_t steps);
/* Ends the running check with this error, whatever the script does about it. Does not return. */
int box_raise(lua_State *L, const char *who, const char *key, const char *detail_fmt, ...) __attribute__((format(printf, 4, 5)));
/* After a pcall of ours that failed: goes on failing when the error is not the script's to catch. */
void box_pass_on(lua_State *L, int status);
/* Its text without addresses, pushed. */
const char *box_tostring(lua_State *L, int index, size_t *out_length);
/* A read-only table over the one on top, which it replaces: reading what is not there is an error naming `what` (NULL: it is nil). */
void box_read_only(lua_State *L, const char *what);
/* The table on top answers a missing name with an error; format has one %s. */
void box_strict(lua_State *L, const char *format);
extern const luaL_Reg box_pattern_functions[], box_string_functions[], box_table_functions[], box_base_functions[], box_library_functions[];
#endif
