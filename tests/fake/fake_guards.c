#include "fake/fake_guards.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/wallclock.h"
#include "kube/kube.h"

static _Atomic int64_t later_ms;

void guards_later(int ms) { wallclock_set_offset(0, later_ms += ms); }

bool guards_answer(void *ctx, const struct kube_request *request, int *status, char **body) {
  const struct guards *guards = ctx;
  if (!strcmp(request->path, "/version")) {
    *status = 200, *body = strdup(guards->version);
    return true;
  }
  if (strstr(request->path, "selfsubjectrulesreviews")) {
    *status = 201, *body = strdup(request->token ? guards->stranger : guards->own);
    return true;
  }
  if (!request->query || !strstr(request->query, "dryRun=All")) return false;
  if (!guards->pods_free) {
    *status = 403, *body = strdup("{\"kind\":\"Status\",\"message\":\"violates PodSecurity \\\"restricted\\\"\"}");
    return true;
  }
  guards_later(11000);
  return false;
}
