/* The small rooms of base: err, arena, buf, id, secret, limit, jobs, spawn, file, markdown. */
#include "unit/cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/jobs.h"
#include "base/limit.h"
#include "base/markdown.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/wallclock.h"

static void errors_cut_long_values_at_a_letter(void **state) {
  (void)state;
  struct err err;
  char text[300];
  for (int i = 0; i < 298; i += 2) memcpy(text + i, "\xC3\xA9", 3);
  err_set(&err, ERR_INVALID, "k", "d");
  err_param(&err, "name", "x%s", text);
  size_t n = strlen(err.param[0].value);
  assert_true(n < sizeof err.param[0].value && (n - 1) % 2 == 0);
  for (int i = 0; i < 10; i++) err_param(&err, "more", "%d", i);
  assert_int_equal(err.params, ERR_PARAMS);
}

static int cleaned;
static void count_up(void *what) { cleaned = cleaned * 10 + *(int *)what; }

static void arenas_clean_up_last_first(void **state) {
  (void)state;
  static int one = 1, two = 2;
  struct arena *arena = arena_new(1000);
  arena_on_free(arena, count_up, &one);
  arena_on_free(arena, count_up, &two);
  char *zero = arena_alloc(arena, 100000);
  assert_int_equal(zero[99999], 0);
  assert_true(arena_over(arena));
  arena_free(arena);
  assert_int_equal(cleaned, 21);
}

static void buffers_stop_at_their_cap(void **state) {
  (void)state;
  struct buf buf;
  buf_init(&buf, 10);
  buf_str(&buf, "12345678");
  buf_str(&buf, "abc");
  assert_true(buf.over);
  assert_string_equal(buf.data, "12345678");
  buf_release(&buf);
  buf_init(&buf, 100);
  buf_json(&buf, "a\"\\\n\x01\xFF");
  assert_string_equal(buf.data, "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD\"");
  buf_reset(&buf);
  buf_base64(&buf, "hello", 5);
  assert_string_equal(buf.data, "aGVsbG8=");
  unsigned char back[8];
  size_t n;
  assert_true(secret_base64_decode(buf.data, buf.len, back, sizeof back, &n));
  assert_int_equal(n, 5);
  buf_release(&buf);
}

static void ids_rise_and_fold_what_people_type(void **state) {
  (void)state;
  char last[ID_SIZE] = "", next[ID_SIZE];
  for (int i = 0; i < 5000; i++) {
    id_new(next);
    assert_true(id_valid(next));
    assert_true(strcmp(next, last) > 0);
    memcpy(last, next, sizeof last);
  }
  char code[7];
  assert_true(id_fold(" 7K-4m 2O", 6, code));
  assert_string_equal(code, "7k4m20");
  assert_false(id_fold("7k4m2", 6, code));
  assert_false(id_fold("7k4m2u", 6, code));
}

static void passwords_match_only_themselves(void **state) {
  (void)state;
  char hash[SECRET_PASSWORD_HASH];
  assert_true(secret_password_hash("correct horse", hash));
  assert_true(secret_password_check(hash, "correct horse"));
  assert_false(secret_password_check(hash, "correct horsf"));
  assert_false(secret_password_check(NULL, "anything"));
  char hex[SECRET_SHA256_HEX];
  secret_sha256_hex("abc", 3, hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void buckets_refill_with_time(void **state) {
  (void)state;
  struct limit *limit = limit_new(1, 2, 4);
  int retry = 0;
  assert_true(limit_take(limit, "a", 1, &retry) && limit_take(limit, "a", 1, &retry));
  assert_false(limit_take(limit, "a", 1, &retry));
  assert_int_equal(retry, 1);
  assert_true(limit_take(limit, "b", 1, &retry));
  wallclock_set_offset(0, 1500);
  assert_true(limit_take(limit, "a", 1, &retry));
  wallclock_set_offset(0, 0);
  limit_free(limit);
}

static _Atomic int ran;
static void note(void *ctx, const char *what, struct arena *arena) {
  (void)ctx;
  assert_non_null(arena_alloc(arena, 10));
  ran += atoi(what);
}

static void jobs_run_once_and_later_ones_wait(void **state) {
  (void)state;
  struct jobs *jobs = jobs_open("test", 2, 3);
  struct err err;
  assert_true(jobs_add(jobs, note, NULL, "1", 100000, &err));
  assert_true(jobs_add(jobs, note, NULL, "1", 50000, &err));
  assert_true(jobs_add(jobs, note, NULL, "10", 0, &err));
  for (int i = 0; i < 500 && ran < 10; i++) usleep(10000);
  assert_int_equal(ran, 10);
  assert_true(jobs_add(jobs, note, NULL, "1", 0, &err));          /* the waiting one is brought forward, not doubled */
  for (int i = 0; i < 500 && ran < 11; i++) usleep(10000);
  assert_int_equal(ran, 11);
  assert_int_equal(jobs_waiting(jobs), 0);
  jobs_close(jobs, 1000);
  assert_int_equal(ran, 11);
}

static void children_are_run_capped_and_killed(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0};
  char *out;
  int status;
  char *const cat[] = {(char *)"cat", NULL};
  char *const path[] = {(char *)"PATH=/usr/bin:/bin", NULL};
  assert_true(spawn_run(arena, cat, path, "hello", 100, 5000, &out, &status, &err));
  assert_string_equal(out, "hello");
  assert_int_equal(status, 0);
  char *const slow[] = {(char *)"sleep", (char *)"30", NULL};
  assert_false(spawn_run(arena, slow, path, NULL, 100, 50, &out, &status, &err));
  assert_int_equal(err.code, ERR_TIMEOUT);
  char *const none[] = {(char *)"/no/such/program", NULL};
  assert_false(spawn_run(arena, none, path, NULL, 100, 1000, &out, &status, &err));
  assert_string_equal(err.key, "spawn.failed");
  arena_free(arena);
}

static void files_are_capped_and_names_stay_below_their_root(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct err err = {0};
  char folder[] = "/tmp/makmal-file-XXXXXX";
  assert_non_null(mkdtemp(folder));
  char *path, *bytes;
  size_t n;
  assert_true(file_join(arena, folder, "a.txt", &path, &err));
  assert_true(file_replace(path, "12345", 5, 0600, &err));
  assert_true(file_read(arena, path, 5, &bytes, &n, &err));
  assert_int_equal(n, 5);
  assert_false(file_read(arena, path, 4, &bytes, &n, &err));
  assert_string_equal(err.key, "file.large");
  static const char *const bad[] = {"/etc/x", "../x", "a/../b", "a//b", "", "a/.", "a\nb"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(file_join(arena, folder, bad[i], &path, &err));
  char **names;
  assert_true(file_list(arena, folder, true, true, &names, &n, &err));
  assert_int_equal(n, 1);
  unlink(arena_printf(arena, "%s/a.txt", folder));
  rmdir(folder);
  arena_free(arena);
}

static bool fence(void *ctx, const char *info, const char *literal, struct buf *out) {
  (void)ctx;
  if (strncmp(info, "yaml", 4)) return false;
  buf_str(out, "<figure>");
  buf_html(out, literal);
  buf_str(out, "</figure>\n");
  return true;
}

static void markdown_is_safe_and_lets_fences_be_replaced(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  struct buf out;
  buf_init(&out, 100000);
  struct err err;
  assert_true(markdown_init());
  const char *text = "# A `b` c\n\n<script>x</script> [l](javascript:x)\n\n```yaml file=a\n<k>\n```\n\n```sh\nls\n```\n\n|a|b|\n|-|-|\n|1|2|\n";
  struct markdown_hooks hooks = {.fence = fence};
  struct markdown_heading *headings;
  size_t count;
  assert_true(markdown_html(arena, text, strlen(text), &hooks, &out, &headings, &count, &err));
  assert_int_equal(count, 1);
  assert_string_equal(headings[0].id, "a-b-c");
  assert_null(strstr(out.data, "<script>"));
  assert_null(strstr(out.data, "javascript:"));
  assert_non_null(strstr(out.data, "<figure>&lt;k&gt;\n</figure>"));
  assert_non_null(strstr(out.data, "<code class=\"language-sh\">"));
  assert_non_null(strstr(out.data, "<table>"));
  buf_release(&out);
  arena_free(arena);
}

int main(void) {
  if (!secret_init()) return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(errors_cut_long_values_at_a_letter), cmocka_unit_test(arenas_clean_up_last_first), cmocka_unit_test(buffers_stop_at_their_cap),
    cmocka_unit_test(ids_rise_and_fold_what_people_type), cmocka_unit_test(passwords_match_only_themselves), cmocka_unit_test(buckets_refill_with_time),
    cmocka_unit_test(jobs_run_once_and_later_ones_wait), cmocka_unit_test(children_are_run_capped_and_killed),
    cmocka_unit_test(files_are_capped_and_names_stay_below_their_root), cmocka_unit_test(markdown_is_safe_and_lets_fences_be_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
