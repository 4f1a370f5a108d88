/* Apply against a real API server, as a learner: bad input gives one clear finding with its place and nothing is applied; good input is applied as kubectl
 * applies it, beside what kubectl did before. */
#include "unit/cmocka_all.h"

#include <string.h>

#include "base/buf.h"
#include "cluster/ground.h"
#include "domain/attempt.h"
#include "domain/catalog.h"
#include "domain/grading.h"

static const struct lab lab = {.id = "t-apply", .size = "small", .pods = "restricted"};
static struct provision made;
static struct arena *arena;

static struct tree *apply(const char *text, size_t length, bool dry_run, bool take_over) {
  struct check_file file = {"a.yaml", text, length};
  struct err err = {0};
  struct tree *answer = NULL;
  if (!apply_files(pool, &kube, arena, &file, 1, NULL, made.namespace, made.token, dry_run, take_over, &answer, &err)) fail_msg("our fault: %s %s", err.key, err.detail);
  return answer;
}

static struct tree *live(const char *kind, const char *name) {
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind(kind), made.namespace, name)};
  struct tree *tree = NULL;
  return kube_call(&kube, arena, &request, &tree, NULL) ? tree : NULL;
}

static size_t maps(void) {
  struct kube_request request = {.method = "GET", .path = kube_path(arena, kube_kind("ConfigMap"), made.namespace, NULL)};
  struct tree *tree = NULL;
  assert_true(kube_call(&kube, arena, &request, &tree, NULL));
  return tree_get(tree, "items")->count;
}

/* All findings of an answer: of the files and of each object. */
static const struct tree *first_finding(const struct tree *answer) {
  const struct tree *findings = tree_get(answer, "findings");
  if (findings && findings->child) return findings->child;
  TREE_EACH(object, tree_get(answer, "objects")) if (tree_get(object, "findings")->child) return tree_get(object, "findings")->child;
  return NULL;
}

#define GOOD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {a: b}\n---\n"

static void bad_input_is_refused_whole_with_its_place(void **state) {
  (void)state;
  static const struct { const char *sentence, *text, *key; int line; } rows[] = {
    {"a tab", GOOD "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n", "yaml.tab", 9},
    {"nothing at all", "# only a remark\n", "files.empty", 0},
    {"a key twice", GOOD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: \"1\"\n  a: \"2\"\n", "yaml.duplicate-key", 11},
    {"an unknown alias", GOOD "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: *nobody}\n", "yaml.unknown-anchor", 8},
    {"a kind that does not exist", GOOD "apiVersion: apps/v1\nkind: Deplyoment\nmetadata: {name: x}\n", "object.unknown-kind", 7},
    {"no kind", GOOD "apiVersion: v1\nmetadata: {name: x}\n", "object.no-kind", 6},
    {"another namespace", GOOD "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: kube-system\n", "object.namespace", 10},
    {"an object of the whole cluster", GOOD "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x}\n", "object.cluster-scoped", 7},
    {"a namespace", GOOD "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n", "object.cluster-scoped", 7},
    {"a misspelt field", GOOD "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  - port: 80\n    targetport: 80\n", "api.unknown-field", 12},
    {"a port out of range", GOOD "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  - port: 80000\n", "api.invalid", 11},
    {"two ports without names", GOOD "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  - port: 80\n  - port: 81\n", "api.required", 11},
    {"rights that a learner lacks", GOOD "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: []\n", "api.not-allowed", 6},
    {"a privileged Pod", GOOD "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  hostNetwork: true\n  containers: [{name: a, image: nginx}]\n", "api.pod-security", 6},
    {"UTF-16", "\xff\xfe" "a\0p\0i\0", "text.utf16", 0}};
  size_t before = maps();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t length = rows[i].text[0] == '\xff' ? 8 : strlen(rows[i].text);
    struct tree *answer = apply(rows[i].text, length, false, false);
    const struct tree *finding = first_finding(answer);
    if (tree_flag(answer, "ok", true)) fail_msg("%s was taken", rows[i].sentence);
    if (!finding) fail_msg("%s: no finding", rows[i].sentence);
    if (strcmp(tree_text(finding, "key"), rows[i].key) != 0) fail_msg("%s: %s", rows[i].sentence, tree_text(finding, "key"));
    int line = (int)tree_int(tree_get(finding, "at"), "line", 0);
    if (rows[i].line && line != rows[i].line) fail_msg("%s: line %d, not %d", rows[i].sentence, line, rows[i].line);
    if (maps() != before) fail_msg("%s: something was applied", rows[i].sentence);
  }
}

static void bombs_are_refused_quickly_with_their_own_key(void **state) {
  (void)state;
  struct buf deep, bomb;
  buf_init(&deep, 1 << 20);
  buf_str(&deep, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: ");
  for (int i = 0; i < 20000; i++) buf_char(&deep, '[');
  buf_init(&bomb, 1 << 20);
  buf_str(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
  for (int i = 1; i < 10; i++) {
    buf_printf(&bomb, "a%d: &a%d [", i, i);
    for (int k = 0; k < 10; k++) buf_printf(&bomb, "%s*a%d", k ? "," : "", i - 1);
    buf_str(&bomb, "]\n");
  }
  const struct tree *a = first_finding(apply(deep.data, deep.len, false, false)), *b = first_finding(apply(bomb.data, bomb.len, false, false));
  assert_string_equal(tree_text(a, "key"), "yaml.deep");
  assert_int_equal(tree_int(tree_get(a, "at"), "line", 0), 4);
  if (strcmp(tree_text(b, "key"), "yaml.expanded") != 0 && strcmp(tree_text(b, "key"), "yaml.aliases") != 0) fail_msg("bomb: %s", tree_text(b, "key"));
  buf_release(&deep);
  buf_release(&bomb);
}

static const char *did(const struct tree *answer, size_t index) { return tree_text(tree_at_index(tree_get(answer, "objects"), index), "did"); }

static void an_apply_creates_configures_and_leaves_alone(void **state) {
  (void)state;
  static const char one[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: life}\ndata: {a: b}\n", two[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: life}\ndata: {a: c}\n";
  struct tree *dry = apply(one, strlen(one), true, false);
  assert_true(tree_flag(dry, "ok", false));
  assert_null(live("ConfigMap", "life"));
  assert_string_equal(did(apply(one, strlen(one), false, false), 0), "created");
  assert_string_equal(did(apply(one, strlen(one), false, false), 0), "unchanged");
  assert_string_equal(did(apply(two, strlen(two), false, false), 0), "configured");
  struct tree *map = live("ConfigMap", "life");
  assert_string_equal(tree_text(tree_get(map, "data"), "a"), "c");
  assert_string_equal(tree_text(tree_path(map, "metadata.managedFields[0]"), "manager"), "kubectl");
  assert_string_equal(tree_text(tree_path(map, "metadata.managedFields[0]"), "operation"), "Apply");
}

static void create_as(const char *manager, const char *body) {
  struct kube_request request = {.method = "POST", .path = kube_path(arena, kube_kind("ConfigMap"), made.namespace, NULL), .query = arena_printf(arena, "fieldManager=%s", manager),
                                 .body = body, .body_length = strlen(body), .token = made.token};
  struct err err = {0};
  if (!kube_call(&kube, arena, &request, NULL, &err)) fail_msg("%s %s", err.key, err.detail);
}

static void what_kubectl_applied_before_is_taken_along(void **state) {
  (void)state;
  create_as("kubectl-client-side-apply", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"old\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}");
  static const char less[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\ndata: {a: \"1\"}\n";
  assert_string_equal(did(apply(less, strlen(less), false, false), 0), "configured");
  struct tree *data = tree_get(live("ConfigMap", "old"), "data");
  assert_string_equal(tree_text(data, "a"), "1");
  assert_null(tree_get(data, "b"));                                    /* a key that the file no longer says goes, as with kubectl */
}

static void a_field_of_another_manager_is_told_and_can_be_taken_over(void **state) {
  (void)state;
  create_as("kubectl-create", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"owned\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}");
  static const char mine[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned}\ndata:\n  a: \"9\"\n";
  struct tree *answer = apply(mine, strlen(mine), false, false);
  const struct tree *finding = first_finding(answer);
  assert_string_equal(did(answer, 0), "refused");
  assert_string_equal(tree_text(finding, "key"), "apply.conflict");
  assert_string_equal(tree_text(tree_get(finding, "params"), "manager"), "kubectl-create");
  assert_int_equal(tree_int(tree_get(finding, "at"), "line", 0), 5);
  assert_string_equal(did(apply(mine, strlen(mine), false, true), 0), "configured");
  assert_string_equal(tree_text(tree_get(live("ConfigMap", "owned"), "data"), "a"), "9");
}

static void a_full_quota_is_a_note_in_a_dry_run_and_a_refusal_in_an_apply(void **state) {
  (void)state;
  struct buf text;
  buf_init(&text, 1 << 16);
  for (int i = 0; i < 8; i++) buf_printf(&text, "apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n---\n", i);
  struct tree *answer = apply(text.data, text.len, false, false);
  assert_false(tree_flag(answer, "ok", true));
  assert_string_equal(did(answer, 0), "created");
  assert_string_equal(did(answer, 5), "refused");                      /* five Services in a small namespace */
  assert_string_equal(did(answer, 7), "not_tried");
  assert_string_equal(tree_text(first_finding(answer), "key"), "api.quota");
  buf_release(&text);
}

static int set_up(void **state) {
  (void)state;
  struct err err = {0};
  char namespace[32] = "lab-";
  id_random(namespace + 4, 12);
  arena = arena_new(0);
  if (!provision_make(&kube, pool, arena, &lab, tree_new(arena, TREE_MAP), install, namespace, &made, &err)) fail_msg("%s %s", err.key, err.detail);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  struct err err;
  provision_delete(&kube, arena, made.namespace, install, &err);
  arena_free(arena);
  return 0;
}

int main(void) {
  if (!ground_open()) return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bad_input_is_refused_whole_with_its_place), cmocka_unit_test(bombs_are_refused_quickly_with_their_own_key),
    cmocka_unit_test(an_apply_creates_configures_and_leaves_alone), cmocka_unit_test(what_kubectl_applied_before_is_taken_along),
    cmocka_unit_test(a_field_of_another_manager_is_told_and_can_be_taken_over), cmocka_unit_test(a_full_quota_is_a_note_in_a_dry_run_and_a_refusal_in_an_apply)};
  int failed = cmocka_run_group_tests(tests, set_up, tear_down);
  ground_close();
  return failed;
}
