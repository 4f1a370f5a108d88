/* job: a tiny check library and script as one job, for the tests of the worker. The library is not the product's: each test brings the body of one check. */
#ifndef MAKMAL_TESTS_CHECK_JOB_H
#define MAKMAL_TESTS_CHECK_JOB_H
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "check/check.h"

static inline struct check_source job_source(const char *name, const char *text) {
  struct check_source source = {.name = name, .text = text, .length = strlen(text)};
  secret_sha256_hex(text, source.length, source.sha256);
  return source;
}

/* check(id, on, function(side) … end): returns a result, or nothing for a pass. `host` is given to scripts here, and `won` makes a result. */
#define JOB_LIBRARY \
  "local declared = {}\n" \
  "export.host = host\n" \
  "export.p = host.params\n" \
  "export.won = function(more) local r = {outcome = 'pass', shares = {{1, true}}, gate = true, findings = {}, waits = {}, because = {}}\n" \
  "  for k, v in pairs(more or {}) do r[k] = v end return r end\n" \
  "export.check = function(id, on, run, needs)\n" \
  "  declared[id] = run\n" \
  "  host.declare {id = id, on = on, points = 2, step = 'mend', needs = needs}\n" \
  "end\n" \
  "local won = won\n" \
  "export.__run = function(id, side) return declared[id](side) or won() end\n"

struct job_case { struct check_source library, script; struct check_file file; struct check_job job; };

static inline void job_begin(struct job_case *c, const char *script, const char *yaml) {
  memset(c, 0, sizeof *c);
  c->library = job_source("10-library.lua", JOB_LIBRARY);
  c->script = job_source("checks.lua", script);
  c->job = (struct check_job){.library = &c->library, .library_count = 1, .script = &c->script, .scope = CHECK_SCOPE_FILES, .at_ms = 1000};
  if (!yaml) yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
  c->file = (struct check_file){"web.yaml", yaml, strlen(yaml)};
  c->job.files = &c->file;
  c->job.file_count = 1;
}
#endif
