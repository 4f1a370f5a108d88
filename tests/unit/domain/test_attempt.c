/* Attempts from the first press to the end, on a cluster in memory, through crashes and a cluster that is away. */
#include "unit/cmocka_all.h"

#include "base/jobs.h"
#include "domain/attempt_room.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "domain/lab_params.h"
#include "unit/domain/lab_house.h"

static struct house house;
static struct viewer aina, ben, admin;

static int set_up_with(bool answers) {
  house_open(&house, answers);
  aina = house_viewer('a', ROLE_LEARNER);
  ben = house_viewer('b', ROLE_LEARNER);
  admin = house_viewer('c', ROLE_ADMIN);
  return 0;
}
static int set_up(void **state) { (void)state; return set_up_with(true); }
static int set_up_away(void **state) { (void)state; return set_up_with(false); }
static int tear_down(void **state) {
  (void)state;
  wallclock_set_offset(0, 0);
  house_close(&house);
  return 0;
}

static struct attempt start(const struct viewer *viewer, const char *lab) {
  struct attempt attempt;
  struct err err;
  if (!attempt_start(house.attempts, viewer, lab, house.arena, &attempt, &err)) house_fail("start", &err);
  return attempt;
}

static struct attempt ready(const struct viewer *viewer) {
  struct attempt attempt = start(viewer, LAB);
  assert_true(house_state(&house, attempt.id, ATTEMPT_READY));
  return house_load(&house, attempt.id);
}

static bool there(const char *namespace) { return fake_kube_find(house.fake, house.arena, "Namespace", "", namespace) != NULL; }

static bool wait_for(bool (*is)(const void *what), const void *what) {
  for (int64_t until = mono_ms() + 15000; mono_ms() < until; house_nap()) if (is(what)) return true;
  return false;
}

static void a_press_becomes_a_namespace(void **state) {
  (void)state;
  struct attempt attempt = start(&aina, LAB);
  assert_int_equal(strlen(attempt.namespace), 16);
  assert_string_equal(tree_text(attempt.params, "namespace"), attempt.namespace);
  assert_string_equal(tree_text(attempt.params, "host"), arena_printf(house.arena, "%s.labs.example.org", attempt.namespace));
  assert_true(tree_int(attempt.params, "n", 0) >= 100);
  struct attempt again = start(&aina, LAB);                       /* pressing twice is one attempt */
  assert_string_equal(again.id, attempt.id);
  assert_true(house_state(&house, attempt.id, ATTEMPT_READY));
  attempt = house_load(&house, attempt.id);
  assert_true(there(attempt.namespace));
  assert_non_null(fake_kube_find(house.fake, house.arena, "Service", attempt.namespace, "front"));
  assert_true(attempt.expires_ms - attempt.ready_ms == ATTEMPT_ALONE_MS);
  assert_int_equal(tree_int(attempt.proof, "refused", 0), tree_int(attempt.proof, "of", -1));
  struct tree *json = attempt_json(house.attempts, house.arena, &attempt, LANG_MS);
  assert_string_equal(tree_text(json, "state"), "ready");
  assert_int_equal(tree_int(tree_get(json, "stage"), "done", 0), PROVISION_STAGES);
  const struct tree *step = tree_get(json, "steps")->child;
  assert_non_null(step);
  assert_null(strstr(tree_text(step, "html"), "${n}"));
  assert_string_not_equal(tree_text(tree_at_index(tree_path(json, "proof.acts"), 2), "text"), "proof.host-network");
  struct attempt same = start(&ben, LAB);                          /* somebody else has another one */
  assert_string_not_equal(same.id, attempt.id);
}

static void parameters_stay_the_same_from_attempt_to_attempt(void **state) {
  (void)state;
  struct attempt first = ready(&aina), second;
  struct err err;
  assert_true(attempt_end(house.attempts, &aina, first.id, &err));
  second = ready(&aina);
  assert_string_not_equal(first.id, second.id);
  assert_int_equal(tree_int(first.params, "n", 0), tree_int(second.params, "n", -1));
  assert_string_not_equal(tree_text(first.params, "namespace"), tree_text(second.params, "namespace"));
}

/* A NodePort is there once for the whole cluster: two people whose seeds lead to the same one get two. */
static void no_two_attempts_have_the_same_nodeport(void **state) {
  (void)state;
  static const unsigned char secret[32] = "a secret of thirty-two bytes...";
  unsigned char seed[32];
  struct err err;
  struct attempt first = start(&aina, LAB);
  lab_seed_person(secret, sizeof secret, aina.person, LAB, seed);
  assert_int_equal(tree_int(first.params, "nodeport", 0), lab_params_nodeport(seed, 0));
  lab_seed_person(secret, sizeof secret, ben.person, LAB, seed);
  struct attempt_row row = {.created_ms = 1, .expires_ms = wall_ms() + 1000000, .lab = "another", .namespace = "lab-000000000000", .params = "{}", .nodeport = lab_params_nodeport(seed, 0)};
  id_new(row.id);
  snprintf(row.person, sizeof row.person, "%s", admin.person);
  bool add(struct db_tx *tx, void *arg, struct err *why);
  assert_true(db_write(house.db, add, &row, &err));
  assert_int_equal(tree_int(start(&ben, LAB).params, "nodeport", 0), lab_params_nodeport(seed, 1));
}

static void others_do_not_find_it(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina), found;
  struct db_read *read;
  struct err err;
  int64_t expires;
  char *text;
  assert_true(db_read_begin(house.db, &read, &err));
  assert_true(attempt_find(house.attempts, read, &aina, attempt.id, house.arena, &found, &err));
  assert_true(attempt_find(house.attempts, read, &admin, attempt.id, house.arena, &found, &err));
  assert_false(attempt_find(house.attempts, read, &ben, attempt.id, house.arena, &found, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  assert_false(attempt_find(house.attempts, read, &aina, "x", house.arena, &found, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
  db_read_end(read);
  struct viewer teacher = house_viewer('d', ROLE_INSTRUCTOR);      /* of some other workshop */
  const struct viewer *strangers[] = {&ben, &teacher};
  for (int i = 0; i < 2; i++) {
    assert_false(attempt_end(house.attempts, strangers[i], attempt.id, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(attempt_reset(house.attempts, strangers[i], attempt.id, &err));
    assert_false(attempt_extend(house.attempts, strangers[i], attempt.id, &expires, &err));
    assert_false(access_revoke(house.attempts, strangers[i], attempt.id, &err));
    assert_false(access_kubeconfig(house.attempts, strangers[i], attempt.id, "https://x:1", house.arena, &text, &expires, &err));
    assert_false(draft_save(house.attempts, strangers[i], attempt.id, NULL, 0, &expires, &err));
  }
  assert_false(access_kubeconfig(house.attempts, &admin, attempt.id, "https://x:1", house.arena, &text, &expires, &err));      /* not even an administrator takes a learner's token */
  assert_int_equal(house_load(&house, attempt.id).state, ATTEMPT_READY);
}

struct racer { pthread_t thread; char id[ID_SIZE]; };
static void *race(void *arg) {
  struct racer *racer = arg;
  struct arena *arena = arena_new(0);
  struct attempt attempt;
  struct err err;
  if (attempt_start(house.attempts, &aina, LAB, arena, &attempt, &err)) memcpy(racer->id, attempt.id, sizeof racer->id);
  arena_free(arena);
  return NULL;
}

static void fifty_presses_at_once_are_one_attempt(void **state) {
  (void)state;
  static struct racer racers[50];
  for (int i = 0; i < 50; i++) pthread_create(&racers[i].thread, NULL, race, &racers[i]);
  for (int i = 0; i < 50; i++) pthread_join(racers[i].thread, NULL);
  for (int i = 0; i < 50; i++) assert_string_equal(racers[i].id, racers[0].id);
  assert_true(house_state(&house, racers[0].id, ATTEMPT_READY));
  assert_int_equal(fake_kube_count(house.fake, "Namespace", NULL), 2);       /* the people's and this one */
}

static void without_a_cluster_it_waits_and_is_made_when_there_is_one(void **state) {
  (void)state;
  struct attempt attempt = start(&aina, LAB);
  assert_string_equal(tree_text(attempt.params, "ingressclass"), LAB_PARAM_CLASS);      /* nobody can know better yet */
  for (int64_t until = mono_ms() + 5000; mono_ms() < until && strcmp(house_load(&house, attempt.id).why, "attempt.waits-cluster"); house_nap()) {}
  assert_string_equal(house_load(&house, attempt.id).why, "attempt.waits-cluster");
  assert_int_equal(house_load(&house, attempt.id).state, ATTEMPT_WANTED);
  struct err err;
  int64_t saved;
  const struct check_file file = {"a.yaml", "kind: x\n", 8};
  assert_true(draft_save(house.attempts, &aina, attempt.id, &file, 1, &saved, &err));       /* without a cluster it takes drafts */
  fake_kube_put(house.fake, "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"IngressClass\",\"metadata\":{\"name\":\"front-door\"},\"spec\":{\"controller\":\"x/y\"}}");
  fake_kube_calm(house.fake);
  assert_true(house_state(&house, attempt.id, ATTEMPT_READY));
  assert_string_equal(tree_text(house_load(&house, attempt.id).params, "ingressclass"), "front-door");
}

static void a_cluster_that_goes_in_the_middle_costs_nothing(void **state) {
  (void)state;
  ready(&ben);                                                       /* the cluster is up */
  fake_kube_fault(house.fake, &(struct fake_fault){.method = "POST", .path = "/limitranges", .away = true, .times = 3});
  struct attempt attempt = start(&aina, LAB);
  assert_true(house_state(&house, attempt.id, ATTEMPT_READY));
  assert_non_null(fake_kube_find(house.fake, house.arena, "LimitRange", attempt.namespace, "makmal"));
}

static void what_was_begun_before_a_crash_is_finished_after_it(void **state) {
  (void)state;
  struct attempt done = ready(&ben);
  fake_kube_fault(house.fake, &(struct fake_fault){.method = "PUT", .path = "/roles/", .away = true});
  struct attempt half = start(&aina, LAB);
  for (int64_t until = mono_ms() + 5000; mono_ms() < until && !there(half.namespace); house_nap()) {}
  assert_true(there(half.namespace));
  attempts_close(house.attempts);                                    /* the rows stay as they were */
  house.before = house.cluster;
  assert_int_equal(house_load(&house, half.id).state, ATTEMPT_WANTED);
  fake_kube_calm(house.fake);
  house_open_cluster(&house);
  house_open_attempts(&house);
  assert_true(house_state(&house, half.id, ATTEMPT_READY));
  assert_string_equal(house_load(&house, half.id).namespace, half.namespace);
  assert_int_equal(house_load(&house, done.id).state, ATTEMPT_READY);
  for (int64_t until = mono_ms() + 5000; mono_ms() < until && !attempt_objects(house.attempts, house.arena, done.id)->count; house_nap()) {}
  assert_true(attempt_objects(house.attempts, house.arena, done.id)->count > 0);     /* found again */
}

static void a_refusal_fails_with_its_reason_and_may_be_tried_again(void **state) {
  (void)state;
  ready(&ben);
  fake_kube_fault(house.fake, &(struct fake_fault){.method = "PATCH", .path = "/services/front", .status = 422, .message = "port out of range"});
  struct attempt attempt = start(&aina, LAB);
  assert_true(house_state(&house, attempt.id, ATTEMPT_FAILED));
  attempt = house_load(&house, attempt.id);
  assert_string_equal(attempt.why, "setup.refused");
  assert_non_null(strstr(tree_text(attempt_json(house.attempts, house.arena, &attempt, LANG_EN), "why_text"), "port out of range"));
  assert_false(there(attempt.namespace));
  fake_kube_calm(house.fake);
  struct attempt again = ready(&aina);
  assert_string_not_equal(again.id, attempt.id);
}

static void walls_that_fail_are_not_handed_out(void **state) {
  (void)state;
  ready(&ben);
  house.walls_down = true;
  struct attempt attempt = start(&aina, LAB);
  assert_true(house_state(&house, attempt.id, ATTEMPT_FAILED));
  assert_string_equal(house_load(&house, attempt.id).why, "proof.open");
  assert_false(there(attempt.namespace));
}

static void the_end_takes_rights_first_and_then_the_namespace(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  struct err err;
  size_t before = fake_kube_asked(house.fake);
  assert_true(attempt_end(house.attempts, &aina, attempt.id, &err));
  assert_true(house_state(&house, attempt.id, ATTEMPT_GONE));
  const char *const order[] = {"/rolebindings/makmal-learner", "/serviceaccounts/lab-", "/namespaces/lab-"};
  int at = 0;
  for (size_t i = before; i < fake_kube_asked(house.fake) && at < 3; i++) {
    const char *asked = fake_kube_asked_at(house.fake, i);
    if (!strncmp(asked, "DELETE", 6) && strstr(asked, order[at])) at++;
  }
  assert_int_equal(at, 3);
  assert_false(there(attempt.namespace));
  assert_true(attempt_end(house.attempts, &aina, attempt.id, &err));         /* twice is fine */
  assert_string_equal(house_load(&house, attempt.id).why, "attempt.ended");
}

static void a_reset_gives_the_start_again(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  struct err err;
  fake_kube_put(house.fake, arena_printf(house.arena, "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"mine\",\"namespace\":\"%s\"}}", attempt.namespace));
  assert_true(attempt_reset(house.attempts, &aina, attempt.id, &err));
  for (int64_t until = mono_ms() + 10000; mono_ms() < until && house_load(&house, attempt.id).resets == 0; house_nap()) {}
  assert_int_equal(house_load(&house, attempt.id).resets, 1);
  assert_int_equal(house_load(&house, attempt.id).state, ATTEMPT_READY);
  assert_null(fake_kube_find(house.fake, house.arena, "ConfigMap", attempt.namespace, "mine"));
  assert_non_null(fake_kube_find(house.fake, house.arena, "Service", attempt.namespace, "front"));
  assert_false(attempt_reset(house.attempts, &aina, attempt.id, &err));       /* once in ten seconds */
  assert_string_equal(err.key, "reset.soon");
  assert_true(err.retry_after_s > 0);
}

static void time_runs_out_and_can_be_lengthened(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  struct err err;
  int64_t expires = 0;
  assert_true(attempt_extend(house.attempts, &aina, attempt.id, &expires, &err));
  assert_int_equal(expires, attempt.expires_ms + ATTEMPT_EXTEND_MS);
  while (attempt_extend(house.attempts, &aina, attempt.id, &expires, &err)) {}
  assert_string_equal(err.key, "attempt.extend-most");
  assert_int_equal(expires, attempt.ready_ms + ATTEMPT_MOST_MS);
  /* both clocks move: hours have passed */
  wallclock_set_offset(ATTEMPT_MOST_MS + 1000, ATTEMPT_MOST_MS + 1000);
  jobs_add(house.attempts->jobs, work_due, house.attempts, attempt.id, 0, &err);
  for (int64_t until = mono_ms() + 10000; mono_ms() < until && house_load(&house, attempt.id).state == ATTEMPT_READY; house_nap()) {}
  assert_string_equal(house_load(&house, attempt.id).why, "attempt.expired");
}

static void a_clock_that_jumps_ends_nothing(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  struct err err;
  wallclock_set_offset(10LL * 365 * 24 * 3600 * 1000, 0);            /* the wall alone: ten years */
  jobs_add(house.attempts->jobs, work_due, house.attempts, attempt.id, 0, &err);
  sweep_run(house.attempts, "", house.arena);
  sweep_run(house.attempts, "", house.arena);
  for (int i = 0; i < 40; i++) house_nap();
  assert_int_equal(house_load(&house, attempt.id).state, ATTEMPT_READY);
  assert_true(there(attempt.namespace));
}

static void a_namespace_gone_behind_our_back_ends_kindly(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  fake_kube_settle(house.fake);
  fake_kube_remove(house.fake, "Namespace", "", attempt.namespace);
  assert_true(house_state(&house, attempt.id, ATTEMPT_GONE));
  assert_string_equal(house_load(&house, attempt.id).why, "attempt.lost");
  start(&aina, LAB);
}

static void drafts_come_back_as_they_were_written(void **state) {
  (void)state;
  struct attempt attempt = start(&aina, LAB);
  struct db_read *read;
  struct err err;
  const struct check_file *files;
  size_t count;
  int64_t saved = -1;
  assert_true(db_read_begin(house.db, &read, &err));
  assert_true(draft_load(house.attempts, read, &aina, attempt.id, house.arena, &files, &count, &saved, &err));
  db_read_end(read);
  assert_int_equal(saved, 0);
  assert_true(count >= 1);                                            /* the starter files, parameters filled in */
  for (size_t i = 0; i < count; i++) assert_null(strstr(files[i].bytes, "${n}"));
  const struct check_file mine[] = {{"a.yaml", "kind: \"x\"\n\tbad tab\n", 19}, {"b.bin", "\xFF\x00\x01", 3}, {"c.yaml", "", 0}};
  assert_true(draft_save(house.attempts, &aina, attempt.id, mine, 3, &saved, &err));
  assert_true(db_read_begin(house.db, &read, &err));
  assert_true(draft_load(house.attempts, read, &aina, attempt.id, house.arena, &files, &count, &saved, &err));
  db_read_end(read);
  assert_int_equal(count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_string_equal(files[i].name, mine[i].name);
    assert_int_equal(files[i].length, mine[i].length);
    assert_memory_equal(files[i].bytes, mine[i].bytes, mine[i].length);
  }
  const struct check_file bad[] = {{"../a", "x", 1}, {"A.yaml", "x", 1}, {"", "x", 1}};
  for (int i = 0; i < 3; i++) assert_false(draft_save(house.attempts, &aina, attempt.id, &bad[i], 1, &saved, &err));
  char *large = calloc(1, CHECK_BYTES_MAX + 1);
  memset(large, 'a', CHECK_BYTES_MAX);
  struct check_file big = {"a.yaml", large, CHECK_BYTES_MAX};
  assert_true(draft_save(house.attempts, &aina, attempt.id, &big, 1, &saved, &err));
  big.length++;
  assert_false(draft_save(house.attempts, &aina, attempt.id, &big, 1, &saved, &err));
  assert_int_equal(err.code, ERR_LIMIT);
  free(large);
}

static void a_token_is_kept_renewed_and_revoked(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  struct err err;
  char first[4096], second[4096], *text = NULL;
  int64_t expires = 0;
  assert_true(access_token(house.attempts, &attempt, first, &expires, &err));
  assert_true(access_token(house.attempts, &attempt, second, &expires, &err));
  assert_string_equal(first, second);
  assert_true(access_kubeconfig(house.attempts, &aina, attempt.id, "https://10.0.0.5:7443", house.arena, &text, &expires, &err));
  assert_non_null(strstr(text, first));
  assert_non_null(strstr(text, "server: \"https://10.0.0.5:7443\""));
  assert_non_null(strstr(text, attempt.namespace));
  wallclock_set_offset(49 * 60000, 49 * 60000);                       /* past 80 % of its hour */
  assert_true(access_token(house.attempts, &attempt, second, &expires, &err));
  assert_string_not_equal(first, second);
  size_t deletes = fake_kube_asked_like(house.fake, "DELETE /api/v1/namespaces/makmal-" INSTALL "-people/serviceaccounts/");
  assert_true(access_revoke(house.attempts, &aina, attempt.id, &err));
  for (int64_t until = mono_ms() + 5000; mono_ms() < until; house_nap()) {
    if (fake_kube_asked_like(house.fake, "DELETE /api/v1/namespaces/makmal-" INSTALL "-people/serviceaccounts/") > deletes &&
        fake_kube_find(house.fake, house.arena, "ServiceAccount", "makmal-" INSTALL "-people", attempt.namespace)) break;
  }
  for (int64_t until = mono_ms() + 5000; mono_ms() < until; house_nap()) {
    if (access_kubeconfig(house.attempts, &aina, attempt.id, "https://x:1", house.arena, &text, &expires, &err)) { assert_null(strstr(text, second)); break; }
    assert_string_equal(err.key, "access.soon");                      /* being minted: the page asks again */
    assert_true(err.retry_after_s > 0);
  }
  assert_non_null(text);
}

static bool orphan_gone(const void *what) { return !there(what); }

static void orphans_are_swept_slowly_and_only_ours(void **state) {
  (void)state;
  struct attempt attempt = ready(&aina);
  const char *const orphan = "lab-000000000000";
  /* made long ago, as the fake dates everything: one of ours, one of another install, one without a label, one that is no lab */
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-000000000000\",\"labels\":{\"makmal/install\":\"" INSTALL "\"}}}");
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-111111111111\",\"labels\":{\"makmal/install\":\"zzzzzzzz\"}}}");
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-222222222222\"}}");
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"mine\",\"labels\":{\"makmal/install\":\"" INSTALL "\"}}}");
  sweep_run(house.attempts, "", house.arena);
  assert_true(there(orphan));                                          /* one sweep alone deletes nothing */
  sweep_run(house.attempts, "", house.arena);
  assert_true(wait_for(orphan_gone, orphan));
  assert_true(there("lab-111111111111") && there("lab-222222222222") && there("mine") && there(attempt.namespace));
  assert_true(there("makmal-" INSTALL "-people"));
  sweep_run(house.attempts, "", house.arena);
  assert_true(there("lab-111111111111") && there("lab-222222222222") && there("mine") && there(attempt.namespace));
}

static void a_database_from_yesterday_deletes_nothing(void **state) {
  (void)state;
  ready(&aina);
  char newer[ID_SIZE];
  id_new(newer);
  fake_kube_put(house.fake, arena_printf(house.arena, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"makmal-" INSTALL "-people\",\"labels\":{\"makmal/install\":\"" INSTALL "\"},"
                                                      "\"annotations\":{\"makmal/newest-attempt\":\"%s\"}}}", newer));
  fake_kube_put(house.fake, "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"lab-000000000000\",\"labels\":{\"makmal/install\":\"" INSTALL "\"}}}");
  for (int i = 0; i < 4; i++) sweep_run(house.attempts, "", house.arena);
  assert_true(there("lab-000000000000"));
}

static void a_lab_whose_words_are_missing_says_which_and_whether_they_will_come(void **state) {
  (void)state;
  static const char *const nodes[] = {"nodes", "pv"}, *const traffic[] = {"networkpolicy"};
  struct lab lab = {.id = "x", .cluster = (const char **)nodes, .cluster_count = 2};
  struct err err = {0};
  assert_false(attempt_lacks(house.attempts, &lab, &err));                     /* no cluster yet: it is waited for */
  fake_kube_calm(house.fake);
  struct cluster_status status;
  for (int64_t until = mono_ms() + 15000; mono_ms() < until; house_nap()) {
    cluster_status(house.cluster, &status);
    if (status.state == CLUSTER_READY) break;
  }
  assert_true(attempt_lacks(house.attempts, &lab, &err));                      /* a cluster without nodes */
  assert_string_equal(err.key, "lab.needs");
  assert_int_equal(err.code, ERR_CONFLICT);
  assert_string_equal(err.param[0].value, "nodes, pv");
  lab.paper = true;
  assert_false(attempt_lacks(house.attempts, &lab, &err));                     /* files can be checked without */
  lab = (struct lab){.id = "y", .cluster = (const char **)traffic, .cluster_count = 1};
  for (int64_t until = mono_ms() + 15000; mono_ms() < until; house_nap()) {    /* the trial is refused in this house: it cannot be told */
    assert_true(attempt_lacks(house.attempts, &lab, &err));
    if (!strcmp(err.key, "lab.needs-unknown")) break;
    assert_string_equal(err.key, "lab.needs-looking");
    assert_true(err.retry_after_s > 0);
  }
  assert_string_equal(err.key, "lab.needs-unknown");
}

static void three_are_enough_for_one_person(void **state) {
  (void)state;
  /* the repository may hold fewer labs than that: rows are put in by hand */
  struct err err;
  struct attempt attempt;
  start(&aina, LAB);
  for (int i = 0; i < 2; i++) {
    struct attempt_row row = {.params = "{}", .created_ms = 1, .expires_ms = wall_ms() + 1000000};
    char random[13];
    id_new(row.id);
    id_random(random, 12);
    snprintf(row.person, sizeof row.person, "%s", aina.person);
    snprintf(row.lab, sizeof row.lab, "other-%d", i);
    snprintf(row.namespace, sizeof row.namespace, "lab-%s", random);
    bool add(struct db_tx *tx, void *arg, struct err *why);
    assert_true(db_write(house.db, add, &row, &err));
  }
  assert_false(attempt_start(house.attempts, &aina, "mend-ports", house.arena, &attempt, &err));
  assert_string_equal(err.key, "attempt.limit");
  start(&ben, "mend-ports");
}
bool add(struct db_tx *tx, void *arg, struct err *why);
bool add(struct db_tx *tx, void *arg, struct err *why) { return store_attempt_add(tx, arg, why); }

static void nobody_and_no_lab_start_nothing(void **state) {
  (void)state;
  struct viewer nobody = {.role = ROLE_NONE};
  struct attempt attempt;
  struct err err;
  assert_false(attempt_start(house.attempts, &nobody, LAB, house.arena, &attempt, &err));
  assert_int_equal(err.code, ERR_LOGIN);
  assert_false(attempt_start(house.attempts, &aina, "no-such-lab", house.arena, &attempt, &err));
  assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_press_becomes_a_namespace, set_up, tear_down),
    cmocka_unit_test_setup_teardown(parameters_stay_the_same_from_attempt_to_attempt, set_up, tear_down),
    cmocka_unit_test_setup_teardown(no_two_attempts_have_the_same_nodeport, set_up, tear_down),
    cmocka_unit_test_setup_teardown(others_do_not_find_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown(fifty_presses_at_once_are_one_attempt, set_up, tear_down),
    cmocka_unit_test_setup_teardown(without_a_cluster_it_waits_and_is_made_when_there_is_one, set_up_away, tear_down),
    cmocka_unit_test_setup_teardown(a_cluster_that_goes_in_the_middle_costs_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_was_begun_before_a_crash_is_finished_after_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_refusal_fails_with_its_reason_and_may_be_tried_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(walls_that_fail_are_not_handed_out, set_up, tear_down),
    cmocka_unit_test_setup_teardown(the_end_takes_rights_first_and_then_the_namespace, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_reset_gives_the_start_again, set_up, tear_down),
    cmocka_unit_test_setup_teardown(time_runs_out_and_can_be_lengthened, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_clock_that_jumps_ends_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_namespace_gone_behind_our_back_ends_kindly, set_up, tear_down),
    cmocka_unit_test_setup_teardown(drafts_come_back_as_they_were_written, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_token_is_kept_renewed_and_revoked, set_up, tear_down),
    cmocka_unit_test_setup_teardown(orphans_are_swept_slowly_and_only_ours, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_database_from_yesterday_deletes_nothing, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_lab_whose_words_are_missing_says_which_and_whether_they_will_come, set_up_away, tear_down),
    cmocka_unit_test_setup_teardown(three_are_enough_for_one_person, set_up, tear_down),
    cmocka_unit_test_setup_teardown(nobody_and_no_lab_start_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
