/* check: the checkers seen from the server. Every YAML reading and every Lua run happens in a makmal-check worker process;
 * this room keeps the pool, speaks the wire (check_wire) and kills by wall clock. Nothing a worker says is trusted beyond its place. Any thread. */
#ifndef MAKMAL_CHECK_CHECK_H
#define MAKMAL_CHECK_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena; struct buf; struct err; struct tree;

#define CHECK_FILES_MAX 20
#define CHECK_BYTES_MAX (256 * 1024)        /* of all files together, decoded */

struct check_pool;
/* worker_path: the program makmal-check. workers: usually the number of cores. Workers start when first needed. */
struct check_pool *check_pool_open(const char *worker_path, int workers, struct err *err);
void check_pool_close(struct check_pool *pool);
struct check_pool_stats { int alive, busy; uint64_t runs, killed, recycled; };
void check_pool_stats(struct check_pool *pool, struct check_pool_stats *out);

struct check_file { const char *name; const char *bytes; size_t length; };
struct check_source { const char *name; const char *text; size_t length; char sha256[65]; };   /* one chunk of Lua */

/* --- read: files to trees with places ------------------------------------------------------------------------------------ */
struct check_read_job {
  const struct check_file *files; size_t file_count;
  const struct tree *params;      /* map or NULL: ${name} in scalars is replaced after parsing */
  bool objects;                   /* true: Kubernetes objects (List expanded, kind and apiVersion wanted); false: any documents (lab.yaml, words.yaml, kubeconfig).
                                   * Objects without params are a person's hand-in: no tags of ours, and warnings where the API wants text */
  bool secret;                    /* a file that holds a key: read by a process of its own, which ends afterwards */
};
/* *out_docs: list of map {file: name, doc: n, value: tree}. *out_reading: list of findings as in the verdict's "reading":
 * {key, level: refuse|warn|info, path, params, at: {file, doc, line, col, end_line, end_col}}. A file that is refused is no failure of the call:
 * *out_refused says so. Failure is ours alone (worker died, time over): ERR_UNAVAILABLE "check.worker" or ERR_TIMEOUT "check.time". */
bool check_read(struct check_pool *pool, struct arena *arena, const struct check_read_job *job,
                struct tree **out_docs, struct tree **out_reading, bool *out_refused, struct err *err);

/* --- list: what a script declares ---------------------------------------------------------------------------------------- */
/* *out: list of {id, points, on: files|live|both, needs: [...], step, visible, show, must?}. A mistake in the script: ERR_INVALID "script.error", params file, line, text. */
bool check_list(struct check_pool *pool, struct arena *arena, const struct check_source *library, size_t library_count,
                const struct check_source *script, struct tree **out, struct err *err);

/* --- run: grade one submission ------------------------------------------------------------------------------------------- */
enum check_scope { CHECK_SCOPE_FILES, CHECK_SCOPE_LIVE, CHECK_SCOPE_BOTH };
struct check_job {
  const struct check_source *library; size_t library_count;   /* lua-checks/lib, in the order of their names */
  const struct check_source *script;                          /* the lab's checks.lua */
  const struct check_file *files; size_t file_count;          /* what was handed in */
  const struct check_file *setup; size_t setup_count;         /* the lab's setup files, as written (params are applied by the worker) */
  const struct tree *params;                                  /* the attempt's parameters, p.namespace included */
  const struct tree *start;                                   /* start state {objects: [...]}; NULL while it is unknown; {never: true} where nobody took it: what asks for it is unobserved */
  const struct tree *held;                                    /* {wait id: ms when first seen true}, or NULL */
  const struct tree *lab;                                     /* {secrets, gates…}: what the library may know of lab.yaml, or NULL */
  enum check_scope scope;
  int64_t at_ms, applied_ms;                                  /* the script's clock; when the learner last applied (0: never) */
  const char *person;                                         /* whose run it is, NULL: nobody's; who asks for much waits behind who asks for little (check_turn.h) */
  bool settled, closing;                                      /* namespace settled; waits end now */
  int wall_ms;                                                /* 0: 10,000 for files, 30,000 with live */
};
struct check_wish {
  void *ctx;
  /* Answers one read {verb: get|list|http|log|dryrun, kind, name?, selector?, service?, port?, host?, scheme?, method?, path?, container?, tail?, object?}. Fills reply with the JSON body (may stay
   * empty), *out_meta with {status, rv, at_ms, n}. false: err UPSTREAM/UNAVAILABLE/TIMEOUT (cluster's fault), DENIED (outside the namespace), LIMIT; NOT_FOUND
   * with key "evidence.unobserved": a replay has no such read. NULL wish: unobserved. At most 50 reads, 60 probes (pages, logs) and 16 MiB a run are passed on. */
  bool (*read)(void *ctx, struct arena *arena, const struct tree *request, struct buf *reply, struct tree **out_meta, struct err *err);
  /* One finished check, as soon as it is finished; may be NULL. */
  void (*finished)(void *ctx, const struct tree *check);
};
struct check_result {
  struct tree *reading;     /* list of findings of the reader */
  bool refused;             /* a file was refused: no checks were run */
  struct tree *checks;      /* list of raw checks {id, outcome, shares, findings, error?, because?, waits?}; the domain computes points itself */
  struct tree *held;        /* for the next pass */
  struct tree *log;         /* {text, cut} */
  struct tree *error;       /* {who, key, detail}: why checks are missing or ended early (the script does not load, the worker died); NULL when the run came to its end */
  int64_t cpu_us, wall_us;
};
/* A script that fails, a limit that is hit or a worker that dies is no failure of the call: the checks that did not end stand in *out as
 * {id, outcome: "error", error: {who: script|limit|cluster|platform, key, detail}}. False only when not even that could be said (no worker starts). */
bool check_run(struct check_pool *pool, struct arena *arena, const struct check_job *job, const struct check_wish *wish, struct check_result *out, struct err *err);
#endif
