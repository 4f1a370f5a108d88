/* kube_seen against a plain list that is searched from end to end. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/kube_seen.h"

enum { MANY = 300 };
static struct { bool there, listed; int version; } plain[MANY];
static int wrong;

static void gone(void *ctx, const struct kube_seen_one *one) {
  (void)ctx;
  int i = atoi(one->uid + 2);
  char name[32], version[32];
  snprintf(name, sizeof name, "name-%d", i);
  snprintf(version, sizeof version, "%d", plain[i].version);
  wrong += !plain[i].there || plain[i].listed || strcmp(one->name, name) || strcmp(one->version, version) || strcmp(one->namespace, "n");
  plain[i].there = false;
}

static void it_remembers_what_a_plain_list_remembers(void **state) {
  (void)state;
  struct kube_seen *seen = kube_seen_new();
  unsigned random = 12345;
  bool listing = false;
  for (int round = 0; round < 60000; round++) {
    random = random * 1103515245u + 12345u;
    int i = (int)(random >> 16) % MANY, what = (int)(random >> 8 & 255);
    char uid[32], name[32], version[32];
    snprintf(uid, sizeof uid, "u-%d", i);
    snprintf(name, sizeof name, "name-%d", i);
    if (what < 60) {
      bool was = kube_seen_drop(seen, uid);
      wrong += was != plain[i].there;
      plain[i].there = false;
    } else if (what == 60 && !listing) {
      kube_seen_begin(seen);
      for (int j = 0; j < MANY; j++) plain[j].listed = false;
      listing = true;
    } else if (what == 61 && listing) {
      kube_seen_end(seen, gone, NULL);
      listing = false;
    } else {
      int new_version = what & 1 ? plain[i].version : plain[i].version + 1;
      snprintf(version, sizeof version, "%d", new_version);
      enum kube_seen_said said = kube_seen_put(seen, &(struct kube_seen_one){uid, version, "n", name});
      enum kube_seen_said right = !plain[i].there ? KUBE_SEEN_NEW : plain[i].version == new_version ? KUBE_SEEN_SAME : KUBE_SEEN_CHANGED;
      wrong += said != right;
      plain[i].there = plain[i].listed = true;
      plain[i].version = new_version;
    }
    size_t count = 0;
    if (round % 1000 == 0) {
      for (int j = 0; j < MANY; j++) count += plain[j].there;
      assert_int_equal(kube_seen_count(seen), count);
    }
  }
  assert_int_equal(wrong, 0);
  kube_seen_free(seen);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(it_remembers_what_a_plain_list_remembers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
