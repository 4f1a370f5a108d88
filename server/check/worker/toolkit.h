/* toolkit: what the check library gets from us: `host` and nodes (see lua-checks/lib for how they are used), and the checks it declares. */
#ifndef MAKMAL_CHECK_WORKER_TOOLKIT_H
#define MAKMAL_CHECK_WORKER_TOOLKIT_H
#include <stdbool.h>
#include <stdint.h>
#include <lua.h>

struct arena; struct reader; struct tree;

#define TOOLKIT_CHECKS_MAX 200

struct toolkit_reply { const char *request; struct tree *head, *body; struct toolkit_reply *next; };
struct toolkit_check { const char *id, *on; struct tree *declared; };
/* One job as the toolkit sees it: box->job. */
struct toolkit {
  struct arena *arena;
  const struct tree *params, *start, *lab;       /* NULL: unknown */
  struct tree *held;
  const struct reader *files, *setup;            /* NULL: none */
  const char *scope;
  int64_t at_ms, applied_ms;
  bool settled, closing, listing;                /* listing: nothing is run, parameters are not known */
  struct toolkit_check check[TOOLKIT_CHECKS_MAX]; int checks;
  /* Asks the server. false: *head has who, key, detail. The body is parsed, or NULL. */
  bool (*ask)(void *ctx, const struct tree *request, struct tree **out_head, struct tree **out_body);
  void *ctx;
  struct toolkit_reply *replies;                 /* equal reads of one pass are asked once */
};
void toolkit_open(lua_State *L);                 /* pushes host */
#endif
