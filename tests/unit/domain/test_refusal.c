/* refusal: what the API server says, told apart: the learner's mistake with its place, ours, and a note. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/tree.h"
#include "domain/refusal.h"
#include "kube/kube.h"

struct row { const char *sentence; int status; const char *body; bool dry; enum refusal want; const char *key; int line; };

/* a Service whose ports[0].targetport stands at line 7; the values get lines by hand, as the reader would give them */
static struct tree *service(struct arena *arena) {
  struct tree *object = NULL;
  struct err err;
  const char *text = "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"c\"},\"spec\":{\"ports\":[{\"port\":80,\"targetport\":81}]}}";
  assert_true(tree_parse(arena, text, strlen(text), 0, &object, &err));
  object->at.line = 1;
  tree_get(object, "spec")->at = (struct tree_at){1, 1, 4, 3, 7, 1};
  struct tree *ports = tree_path(object, "spec.ports");
  ports->at = (struct tree_at){1, 1, 5, 3, 7, 1};
  ports->child->at = (struct tree_at){1, 1, 6, 5, 7, 1};
  tree_get(ports->child, "targetport")->at = (struct tree_at){1, 1, 7, 17, 7, 19};
  tree_get(ports->child, "targetport")->key_at = (struct tree_at){1, 1, 7, 5, 7, 15};
  return object;
}

static void tells_the_answers_apart(void **state) {
  (void)state;
  static const struct row rows[] = {
    {"an unknown field has the place of that field", 400, "{\"message\":\"strict decoding error: unknown field \\\"spec.ports[0].targetport\\\"\"}", true, REFUSAL_THEIRS, "api.unknown-field", 7},
    {"a missing name has the place of its parent", 422, "{\"details\":{\"causes\":[{\"reason\":\"FieldValueRequired\",\"message\":\"Required value\",\"field\":\"spec.ports[0].name\"}]}}", true, REFUSAL_THEIRS, "api.required", 6},
    {"an immutable field says so", 422, "{\"details\":{\"causes\":[{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: field is immutable\",\"field\":\"spec.clusterIP\"}]}}", false, REFUSAL_THEIRS, "api.immutable", 4},
    {"a 500 about the schema is the learner's mistake", 500, "{\"message\":\"failed to create typed patch object (x): .spec.foo: field not declared in schema\"}", false, REFUSAL_THEIRS, "api.type", 1},
    {"any other 500 is ours", 500, "{\"message\":\"etcdserver: request timed out\"}", false, REFUSAL_OURS, "cluster.answer", 0},
    {"a full quota is a note in a dry run", 403, "{\"message\":\"exceeded quota: makmal, requested: services=1\"}", true, REFUSAL_NOTE, "api.quota", 1},
    {"a full quota is a refusal in an apply", 403, "{\"message\":\"exceeded quota: makmal, requested: services=1\"}", false, REFUSAL_THEIRS, "api.quota", 1},
    {"Pod Security has a key of its own", 403, "{\"message\":\"pods \\\"x\\\" is forbidden: violates PodSecurity \\\"restricted:latest\\\"\"}", true, REFUSAL_THEIRS, "api.pod-security", 1},
    {"a namespace that ends is ours", 403, "{\"message\":\"unable to create new content in namespace x because it is being terminated\"}", false, REFUSAL_OURS, "namespace.ending", 0},
    {"rights are the learner's", 403, "{\"message\":\"User \\\"x\\\" cannot create resource \\\"roles\\\"\"}", false, REFUSAL_THEIRS, "api.not-allowed", 1},
    {"a conflict names the manager", 409, "{\"reason\":\"Conflict\",\"message\":\"Apply failed with 1 conflict\",\"details\":{\"causes\":[{\"reason\":\"FieldManagerConflict\",\"message\":\"conflict with \\\"kubectl-edit\\\" using v1\",\"field\":\".spec.ports\"}]}}", false, REFUSAL_THEIRS, "apply.conflict", 5},
    {"a conflict in a dry run counts as taken", 409, "{\"reason\":\"AlreadyExists\"}", true, REFUSAL_NONE, NULL, 0},
    {"a busy server is ours", 429, "{}", false, REFUSAL_OURS, "cluster.busy", 0},
    {"a created object is taken", 201, "{}", false, REFUSAL_NONE, NULL, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct arena *arena = arena_new(0);
    struct tree *findings = tree_new(arena, TREE_LIST);
    struct err err = {0};
    struct kube_reply reply = {.answered = true, .status = rows[i].status, .body = (char *)rows[i].body, .length = strlen(rows[i].body)};
    enum refusal got = refusal_of(arena, &reply, service(arena), "a.yaml", 1, rows[i].dry, findings, &err);
    if (got != rows[i].want) fail_msg("%s: got %d", rows[i].sentence, got);
    if (got == REFUSAL_OURS) assert_string_equal(err.key, rows[i].key);
    if (got == REFUSAL_OURS || !rows[i].key) {
      assert_int_equal(findings->count, 0);
    } else {
      if (findings->count != 1) fail_msg("%s: %zu findings", rows[i].sentence, findings->count);
      if (strcmp(tree_text(findings->child, "key"), rows[i].key) != 0) fail_msg("%s: key %s", rows[i].sentence, tree_text(findings->child, "key"));
      if (tree_int(tree_get(findings->child, "at"), "line", 0) != rows[i].line) fail_msg("%s: line %d", rows[i].sentence, (int)tree_int(tree_get(findings->child, "at"), "line", 0));
    }
    arena_free(arena);
  }
}

static void no_answer_at_all_is_ours(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0}, why = {0};
  err_set(&why, ERR_UNAVAILABLE, "cluster.away", "gone");
  struct kube_reply reply = {.answered = false, .err = &why};
  assert_int_equal(refusal_of(arena, &reply, service(arena), "a.yaml", 1, false, tree_new(arena, TREE_LIST), &err), REFUSAL_OURS);
  assert_string_equal(err.key, "cluster.away");
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tells_the_answers_apart), cmocka_unit_test(no_answer_at_all_is_ours)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
