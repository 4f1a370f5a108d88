/* kube_front: a page at the Ingress controller: to the address the platform knows and no other, under the host's name, with nobody's credentials. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "fake/fake_peer.h"
#include "kube/kube.h"

static char last[4096];

static bool answer(void *ctx, const struct fake_peer_ask *ask, struct fake_peer_line *line) {
  (void)ctx;
  snprintf(last, sizeof last, "%s %s\n%s%s", ask->method, ask->path, ask->head, ask->certificate ? "a certificate" : "");
  if (!strcmp(ask->path, "/elsewhere")) fake_peer_say(line, 302, "Location: https://127.0.0.1:1/\r\n", "moved");
  else if (!strcmp(ask->path, "/silent")) fake_peer_hold(line, 20000);
  else if (!strcmp(ask->path, "/long")) {
    fake_peer_begin(line, "");
    for (int i = 0; i < 100; i++) fake_peer_chunk(line, "0123456789abcdef0123456789abcdef");
    fake_peer_end(line);
  } else fake_peer_say(line, 200, "Set-Cookie: a=b\r\n", !strcmp(ask->method, "HEAD") ? "" : "hello");
  return true;
}

struct stand { struct fake_peer *peer; struct kube_front front; struct arena *arena; };

static int set_up(void **state) {
  struct stand *stand = calloc(1, sizeof *stand);
  stand->arena = arena_new(0);
  stand->peer = fake_peer_open(answer, NULL);
  stand->front = (struct kube_front){.host = "127.0.0.1", .port = 1, .tls_port = fake_peer_port(stand->peer)};
  last[0] = 0;
  *state = stand;
  return 0;
}

static int tear_down(void **state) {
  struct stand *stand = *state;
  fake_peer_close(stand->peer);
  arena_free(stand->arena);
  free(stand);
  return 0;
}

static struct kube_reply get(struct stand *stand, struct kube_front_ask ask) {
  struct kube_reply reply;
  kube_front_get(&stand->front, stand->arena, &ask, &reply);
  return reply;
}

static void a_page_comes_from_the_front_under_the_hosts_name(void **state) {
  struct kube_reply reply = get(*state, (struct kube_front_ask){.host = "peer.test", .path = "/a?b=c", .tls = true});
  assert_true(reply.answered);
  assert_int_equal(reply.status, 200);
  assert_string_equal(reply.body, "hello");
  assert_non_null(strstr(last, "GET /a?b=c\n"));
  assert_non_null(strstr(last, "Host: peer.test\r\n"));
}

static void nobodys_credentials_and_no_cookie_go_with_it(void **state) {
  get(*state, (struct kube_front_ask){.host = "peer.test", .path = "/", .tls = true});
  get(*state, (struct kube_front_ask){.host = "peer.test", .path = "/again", .tls = true});
  assert_non_null(strstr(last, "/again"));
  assert_null(strstr(last, "uthorization"));
  assert_null(strstr(last, "ookie"));
  assert_null(strstr(last, "a certificate"));
}

static void head_asks_for_no_body_and_a_redirect_is_an_answer(void **state) {
  struct kube_reply reply = get(*state, (struct kube_front_ask){.host = "peer.test", .path = "/", .tls = true, .head = true});
  assert_true(reply.answered);
  assert_int_equal(reply.length, 0);
  assert_non_null(strstr(last, "HEAD /\n"));
  reply = get(*state, (struct kube_front_ask){.host = "peer.test", .path = "/elsewhere", .tls = true});
  assert_int_equal(reply.status, 302);
  assert_string_equal(reply.body, "moved");
}

static void a_certificate_of_another_host_is_told_apart(void **state) {
  struct kube_reply reply = get(*state, (struct kube_front_ask){.host = "other.test", .path = "/", .tls = true});
  assert_false(reply.answered);
  assert_string_equal(reply.err->key, "front.certificate");
  assert_string_equal(last, "");
}

static void silence_length_and_nobody_there_are_told_apart(void **state) {
  struct stand *stand = *state;
  struct kube_reply reply = get(stand, (struct kube_front_ask){.host = "peer.test", .path = "/silent", .tls = true, .timeout_ms = 300});
  assert_false(reply.answered);
  assert_int_equal(reply.err->code, ERR_TIMEOUT);
  reply = get(stand, (struct kube_front_ask){.host = "peer.test", .path = "/long", .tls = true, .cap = 1000});
  assert_false(reply.answered);
  assert_string_equal(reply.err->key, "kube.large");
  reply = get(stand, (struct kube_front_ask){.host = "peer.test", .path = "/"});          /* port 1 */
  assert_false(reply.answered);
  assert_int_equal(reply.err->code, ERR_UNAVAILABLE);
  assert_string_equal(reply.err->key, "cluster.no-front");
}

static void a_host_that_is_none_is_not_asked(void **state) {
  static const char *const hosts[] = {"", "a b", "peer.test:1", "u@peer.test", "peer.test/x", "a\r\nb", "[::1]"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    struct kube_reply reply = get(*state, (struct kube_front_ask){.host = hosts[i], .path = "/", .tls = true});
    if (reply.answered || strcmp(reply.err->key, "kube.request")) fail_msg("asked: %s", hosts[i]);
  }
  assert_string_equal(last, "");
}

static void addresses_are_read(void **state) {
  (void)state;
  static const struct { const char *text, *host; int port; } good[] = {
    {"https://172.31.77.2:6443", "172.31.77.2", 6443}, {"https://k.example.org", "k.example.org", 0}, {"front:8080", "front", 8080}, {"10.0.0.7", "10.0.0.7", 0},
    {"[::1]:80", "::1", 80}, {"https://[fd00::1]/x", "fd00::1", 0}};
  static const char *const bad[] = {"", ":80", "a:0", "a:70000", "a:8x", "::1", "[::1", "a b", "u@a:1"};
  char host[256];
  int port;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(kube_address(good[i].text, host, &port));
    assert_string_equal(host, good[i].host);
    assert_int_equal(port, good[i].port);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) if (kube_address(bad[i], host, &port)) fail_msg("taken: %s", bad[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_page_comes_from_the_front_under_the_hosts_name, set_up, tear_down),
    cmocka_unit_test_setup_teardown(nobodys_credentials_and_no_cookie_go_with_it, set_up, tear_down),
    cmocka_unit_test_setup_teardown(head_asks_for_no_body_and_a_redirect_is_an_answer, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_certificate_of_another_host_is_told_apart, set_up, tear_down),
    cmocka_unit_test_setup_teardown(silence_length_and_nobody_there_are_told_apart, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_host_that_is_none_is_not_asked, set_up, tear_down), cmocka_unit_test(addresses_are_read)};
  return cmocka_run_group_tests_name("kube_front", tests, NULL, NULL);
}
