/* http: the parsers of hostile text, and the head of a reply. What needs a socket stands in test_door. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit/web/stand_ins.h"
#include "web/http.h"

static void paths_that_change_their_shape_once_decoded_are_refused(void **state) {
  (void)state;
  static const struct { const char *path; bool ok; } rows[] = {
    {"/", true}, {"/learn/services", true}, {"/a-b_c.d/e", true}, {"/a%2Db", true}, {"/.well-known", true}, {"/a..b", true}, {"/...", true},
    {"", false}, {"a", false}, {"http://x/", false}, {"//x", false}, {"/a//b", false}, {"/..", false}, {"/../x", false}, {"/a/../b", false}, {"/a/..", false}, {"/a/.", false}, {"/./a", false},
    {"/%00", false}, {"/a%00b", false}, {"/%2F", false}, {"/%2f", false}, {"/%2e%2e/x", false}, {"/%2E", false}, {"/%5c", false}, {"/a\\b", false}, {"/%", false}, {"/%2", false}, {"/%zz", false},
    {"/%c0%ae", false}, {"/\xC0\xAE", false}, {"/\xC3\xA9", false}, {"/a b", false}, {"/a\tb", false}, {"/a\x7F", false}, {"/%25 ", false}, {"/%252e", false}, {"/%0a", false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (http_path_ok(rows[i].path) != rows[i].ok) fail_msg("row %zu: %s", i, rows[i].path);
}

static void a_length_is_digits_and_nothing_else(void **state) {
  (void)state;
  static const char *const bad[] = {"", "+5", "-1", " 5", "5 ", "5,5", "0x5", "5.0", "99999999999999999999", "9223372036854775808", "five"};
  int64_t n;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) if (http_length_parse(bad[i], &n)) fail_msg("%s was taken", bad[i]);
  assert_true(http_length_parse("0", &n) && n == 0);
  assert_true(http_length_parse("1048576", &n) && n == 1048576);
  assert_true(http_length_parse("0012", &n) && n == 12);
}

static void only_names_of_ours_and_addresses_are_hosts(void **state) {
  (void)state;
  static const char *const names[] = {"lab.example.my"};
  struct http_spec spec = {.names = names, .name_count = 1};
  static const struct { const char *host; bool ok; } rows[] = {
    {"localhost", true}, {"LOCALHOST:8080", true}, {"127.0.0.1:8080", true}, {"10.0.0.5", true}, {"[::1]:8080", true}, {"[fe80::1]", true}, {"lab.example.my", true}, {"Lab.Example.MY:443", true},
    {"", false}, {"evil.example", false}, {"lab.example.my.evil.example", false}, {"xlab.example.my", false}, {"localhost:", false}, {"localhost:0", false}, {"localhost:65536", false}, {"localhost:80x", false},
    {"localhost.evil.example", false}, {"[::1", false}, {"[evil]", false}, {"[::1]x", false}, {"::1", false}, {"127.0.0.1.evil.example", false}, {"127.0.0.1@evil.example", false}, {"1.2.3", false}, {"localhost ", false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (http_host_known(&spec, rows[i].host) != rows[i].ok) fail_msg("row %zu: %s", i, rows[i].host);
  char own[256], with_port[300];
  if (gethostname(own, sizeof own) == 0) {
    snprintf(with_port, sizeof with_port, "%s:8080", own);
    assert_true(http_host_known(&spec, with_port));
  }
  char long_host[400];
  memset(long_host, 'a', sizeof long_host - 1);
  long_host[399] = 0;
  assert_false(http_host_known(&spec, long_host));
}

static void forms_are_decoded_strictly(void **state) {
  (void)state;
  struct arena *arena = arena_new(0);
  static const struct { const char *text; size_t length; const char *name, *want; bool ok; } rows[] = {
    {"a=1&b=2", 7, "b", "2", true}, {"a=1&b=2", 7, "c", NULL, true}, {"a=x+y%21", 8, "a", "x y!", true}, {"a=%C3%A9", 8, "a", "\xC3\xA9", true}, {"a", 1, "a", "", true}, {"", 0, "a", NULL, true},
    {"a=1&a=2", 7, "a", "1", true}, {"%61=1", 5, "a", "1", true}, {"a=%0A", 5, "a", "\n", true}, {"&&a=1&", 6, "a", "1", true}, {"a=b=c", 5, "a", "b=c", true},
    {"a=%", 3, "a", NULL, false}, {"a=%4", 4, "a", NULL, false}, {"a=%zz", 5, "a", NULL, false}, {"a=%00", 5, "a", NULL, false}, {"a=\0b", 4, "a", NULL, false}, {"b=\0&a=1", 7, "a", NULL, false},
    {"a=%FF", 5, "a", NULL, false}, {"a=%C0%AE", 8, "a", NULL, false}, {"a=%ED%A0%80", 11, "a", NULL, false}, {"a=%E2%82", 8, "a", NULL, false}, {"a=%1B", 5, "a", NULL, false}, {"a=%7F", 5, "a", NULL, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *got = NULL;
    bool ok = http_form_value(arena, rows[i].text, rows[i].length, rows[i].name, &got);
    if (ok != rows[i].ok || (ok && (!got != !rows[i].want || (got && strcmp(got, rows[i].want))))) fail_msg("row %zu: %s gave %s", i, rows[i].text, got ? got : "nothing");
  }
  arena_free(arena);
}

static const char *head_of(struct req *req, struct reply *reply, struct buf *out) {
  buf_reset(out);
  http_head(out, req, reply, 7, true);
  return out->data;
}

static void every_reply_carries_the_security_headers(void **state) {
  (void)state;
  struct buf out;
  buf_init(&out, 65536);
  struct req req = {.scheme = "http", .id = "r1"};
  const char *head = head_of(&req, &(struct reply){.status = 404}, &out);
  static const char *const wanted[] = {"HTTP/1.1 404 Not Found\r\n", "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src", "frame-ancestors 'none'\r\n",
    "\r\nX-Content-Type-Options: nosniff\r\n", "\r\nReferrer-Policy: same-origin\r\n", "\r\nCross-Origin-Opener-Policy: same-origin\r\n", "\r\nCache-Control: no-store\r\n",
    "\r\nContent-Length: 7\r\n", "\r\nX-Request-Id: r1\r\n", "\r\nConnection: keep-alive\r\n\r\n", "\r\nContent-Type: application/json; charset=utf-8\r\n"};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) if (!strstr(head, wanted[i])) fail_msg("lacks %s", wanted[i]);
  assert_null(strstr(head, "Access-Control"));
  assert_null(strstr(head, "Server:"));
  assert_null(strstr(head, "Strict-Transport-Security"));
  req.scheme = "https";
  assert_non_null(strstr(head_of(&req, &(struct reply){.status = 200, .nonce = "abc", .cache = "no-cache"}, &out), "style-src 'self' 'nonce-abc';"));
  assert_non_null(strstr(out.data, "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
  assert_non_null(strstr(out.data, "\r\nCache-Control: no-cache\r\n"));
  assert_null(strstr(head_of(&req, &(struct reply){.status = 204}, &out), "Content-"  "Length"));
  assert_null(strstr(head_of(&req, &(struct reply){.status = 200, .streamed = true}, &out), "Content-" "Length"));
  buf_release(&out);
}

static void a_header_value_cannot_begin_another_header(void **state) {
  (void)state;
  struct buf out;
  buf_init(&out, 65536);
  struct req req = {.scheme = "http"};
  const char *head = head_of(&req, &(struct reply){.status = 303, .location = "/x\r\nSet-Cookie: a=b\n\x01y"}, &out);
  assert_null(strstr(head, "\nSet-Cookie"));
  assert_non_null(strstr(head, "\r\nLocation: /xSet-Cookie: a=by\r\n"));
  buf_release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(paths_that_change_their_shape_once_decoded_are_refused), cmocka_unit_test(a_length_is_digits_and_nothing_else), cmocka_unit_test(only_names_of_ours_and_addresses_are_hosts),
    cmocka_unit_test(forms_are_decoded_strictly), cmocka_unit_test(every_reply_carries_the_security_headers), cmocka_unit_test(a_header_value_cannot_begin_another_header)};
  return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
