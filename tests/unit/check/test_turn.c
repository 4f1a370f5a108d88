/* check_turn: who goes next at the pool, worked out on a clock of its own. */
#include "unit/cmocka_all.h"

#include <stdio.h>

#include "check/check_turn.h"

static const struct turn_who ann = {"cheap.lua", "ann"}, ben = {"cheap.lua", "ben"}, dear = {"dear.lua", "eve"};

/* One run from beginning to end at `now_ms`, on an empty pool. */
static void ran(struct turn *turn, const struct turn_who *who, int64_t held_ms, int64_t now_ms) {
  struct turn_waiter waiter;
  turn_wait(turn, &waiter, turn_dear(turn, who, now_ms), now_ms);
  turn_go(turn, &waiter);
  turn_done(turn, who, waiter.dear, held_ms, now_ms);
}

static void who_asks_for_little_goes_in_the_order_of_coming(void **state) {
  (void)state;
  struct turn turn;
  struct turn_waiter waiter[3];
  turn_init(&turn, 1);
  for (int i = 0; i < 3; i++) turn_wait(&turn, &waiter[i], false, i);
  for (int i = 0; i < 3; i++) {
    assert_ptr_equal(turn_next(&turn, 10), &waiter[i]);
    turn_go(&turn, &waiter[i]);
    assert_null(turn_next(&turn, 10));                          /* one seat */
    turn_done(&turn, &ann, false, 1, 10);
  }
}

static void a_script_is_dear_by_its_mean_and_a_person_by_the_sum(void **state) {
  (void)state;
  struct turn turn;
  turn_init(&turn, 2);
  for (int i = 0; i < 100; i++) ran(&turn, &(struct turn_who){"cheap.lua", NULL}, 100, 1000);       /* a whole class at once */
  assert_false(turn_dear(&turn, &ann, 1000));
  for (int i = 0; i < 100; i++) ran(&turn, &(struct turn_who){NULL, "ben"}, 20, 1000);
  assert_true(turn_dear(&turn, &ben, 1000));
  assert_false(turn_dear(&turn, &ann, 1000));                   /* the same lab, somebody else */
  assert_false(turn_dear(&turn, &ben, 1000 + 20000));           /* half is forgotten every ten seconds */
  ran(&turn, &dear, 2000, 1000);
  assert_true(turn_dear(&turn, &(struct turn_who){"dear.lua", "ann"}, 1000));
  ran(&turn, &(struct turn_who){"dear.lua", NULL}, 1, 1000);    /* it was mended */
  ran(&turn, &(struct turn_who){"dear.lua", NULL}, 1, 1000);
  assert_false(turn_dear(&turn, &(struct turn_who){"dear.lua", "ann"}, 1000));
  assert_false(turn_dear(&turn, &(struct turn_who){NULL, NULL}, 1000));
}

static void dear_runs_wait_and_leave_one_seat(void **state) {
  (void)state;
  struct turn turn;
  struct turn_waiter eve, eva, bob;
  turn_init(&turn, 2);
  turn_wait(&turn, &eve, true, 0);
  turn_wait(&turn, &eva, true, 0);
  turn_wait(&turn, &bob, false, 5);
  assert_ptr_equal(turn_next(&turn, 5), &bob);                  /* came last, asks for little */
  turn_go(&turn, &bob);
  assert_ptr_equal(turn_next(&turn, 5), &eve);
  turn_go(&turn, &eve);
  turn_done(&turn, &ann, false, 1, 5);
  assert_null(turn_next(&turn, 5));                             /* a seat is free, and not for the second dear one */
  turn_done(&turn, &dear, true, 2000, 2005);
  assert_ptr_equal(turn_next(&turn, 2005), &eva);
}

static void a_dear_run_does_not_wait_for_ever(void **state) {
  (void)state;
  struct turn turn;
  struct turn_waiter eve, bob;
  turn_init(&turn, 1);
  turn_wait(&turn, &eve, true, 0);
  turn_wait(&turn, &bob, false, 1);
  assert_ptr_equal(turn_next(&turn, TURN_PATIENCE_MS), &bob);
  assert_ptr_equal(turn_next(&turn, TURN_PATIENCE_MS + 1), &eve);
}

static void the_one_longest_unseen_makes_room(void **state) {
  (void)state;
  struct turn turn;
  char name[32];
  turn_init(&turn, 2);
  ran(&turn, &dear, 5000, 1000);
  for (int i = 0; i < TURN_KNOWN; i++) {
    snprintf(name, sizeof name, "person-%d", i);
    ran(&turn, &(struct turn_who){NULL, name}, 5000, 1001 + i);
  }
  assert_false(turn_dear(&turn, &(struct turn_who){NULL, "eve"}, 1001 + TURN_KNOWN));
  assert_true(turn_dear(&turn, &(struct turn_who){NULL, "person-0"}, 1001 + TURN_KNOWN));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(who_asks_for_little_goes_in_the_order_of_coming), cmocka_unit_test(a_script_is_dear_by_its_mean_and_a_person_by_the_sum),
    cmocka_unit_test(dear_runs_wait_and_leave_one_seat), cmocka_unit_test(a_dear_run_does_not_wait_for_ever), cmocka_unit_test(the_one_longest_unseen_makes_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
