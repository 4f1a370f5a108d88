/* kube_relay: what goes in at one end comes out at the other, ends are passed on, and nothing dead is kept. Peers are plain sockets of the test. */
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/wallclock.h"
#include "kube/kube.h"
#include "kube/kube_relay.h"

static int listen_here(int *out_port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(listen(fd, 256), 0);
  getsockname(fd, (struct sockaddr *)&address, &length);
  *out_port = ntohs(address.sin_port);
  return fd;
}

static int dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void wait_readable(int fd) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  if (poll(&one, 1, 10000) != 1) fail_msg("nothing came");
}

static size_t read_all(int fd, char *out, size_t room) {      /* to the end of the stream, or until room is full */
  size_t n = 0;
  while (n < room) {
    wait_readable(fd);
    ssize_t got = recv(fd, out + n, room - n, 0);
    if (got <= 0) break;
    n += (size_t)got;
  }
  return n;
}

static void write_all(int fd, const char *bytes, size_t length) {
  while (length) {
    ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
    assert_true(n > 0);
    bytes += n;
    length -= (size_t)n;
  }
}

static struct kube_relay *open_to(int port) {
  struct kube_relay *relay;
  struct err err = {0};
  if (!kube_relay_open("127.0.0.1:0", "127.0.0.1", port, &relay, &err)) fail_msg("%s %s", err.key, err.detail);
  return relay;
}

static void bytes_go_both_ways_and_the_end_of_one_side_is_passed_on(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay)), server = accept(listener, NULL, NULL);
  char got[64] = {0};
  write_all(learner, "question", 8);
  assert_int_equal(read_all(server, got, 8), 8);
  assert_string_equal(got, "question");
  shutdown(learner, SHUT_WR);
  wait_readable(server);
  assert_int_equal(recv(server, got, sizeof got, 0), 0);      /* the end came through */
  write_all(server, "answer", 6);                             /* and the other direction still stands */
  close(server);
  memset(got, 0, sizeof got);
  assert_int_equal(read_all(learner, got, sizeof got), 6);
  assert_string_equal(got, "answer");
  close(learner);
  kube_relay_close(relay);
  close(listener);
}

static void a_large_answer_arrives_whole_though_the_learner_reads_late(void **state) {
  (void)state;
  enum { LARGE = 6 * 1024 * 1024 };
  int port, listener = listen_here(&port);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay)), server = accept(listener, NULL, NULL);
  char *bytes = malloc(LARGE), *got = malloc(LARGE);
  for (int i = 0; i < LARGE; i++) bytes[i] = (char)(i * 31 + i / 7);
  size_t sent = 0, read = 0;
  while (read < LARGE) {                                      /* one thread: send until it would block, then read a little */
    ssize_t n = sent < LARGE ? send(server, bytes + sent, LARGE - sent, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
    if (n > 0) sent += (size_t)n;
    else {
      wait_readable(learner);
      n = recv(learner, got + read, LARGE - read < 40000 ? LARGE - read : 40000, 0);
      assert_true(n > 0);
      read += (size_t)n;
    }
  }
  assert_memory_equal(bytes, got, LARGE);
  free(bytes);
  free(got);
  close(learner);
  close(server);
  kube_relay_close(relay);
  close(listener);
}

static void a_learner_who_floods_is_held_to_his_share(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay)), server = accept(listener, NULL, NULL);
  char *bytes = calloc(1, 65536);
  size_t got = 0;
  int64_t since = mono_ms();
  while (mono_ms() - since < 1500) {
    while (send(learner, bytes, 65536, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {}
    struct pollfd one = {.fd = server, .events = POLLIN};
    if (poll(&one, 1, 50) != 1) continue;
    ssize_t n = recv(server, bytes, 65536, 0);
    assert_true(n > 0);
    got += (size_t)n;
  }
  int64_t took = mono_ms() - since;
  assert_true(got >= KUBE_RELAY_BURST - 65536);
  if (got > KUBE_RELAY_BURST + (size_t)(took + 200) * KUBE_RELAY_UP / 1000) fail_msg("%zu bytes in %lld ms", got, (long long)took);
  free(bytes);
  close(learner);
  close(server);
  kube_relay_close(relay);
  close(listener);
}

static void a_target_that_is_not_there_closes_the_learners_side(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  close(listener);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay));
  char byte;
  int64_t since = mono_ms();
  wait_readable(learner);
  assert_true(recv(learner, &byte, 1, 0) <= 0);
  assert_true(mono_ms() - since < KUBE_RELAY_CONNECT_MS);
  close(learner);
  kube_relay_close(relay);
}

static void a_server_that_breaks_off_takes_the_learners_side_along(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay)), server = accept(listener, NULL, NULL);
  struct linger now = {.l_onoff = 1, .l_linger = 0};
  char byte;
  setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(server);                                              /* a reset, not an end */
  wait_readable(learner);
  assert_true(recv(learner, &byte, 1, 0) <= 0);
  close(learner);
  kube_relay_close(relay);
  close(listener);
}

static void one_connection_more_than_allowed_is_closed_and_the_others_live(void **state) {
  (void)state;
  int port, listener = listen_here(&port), learner[KUBE_RELAY_MOST], server[KUBE_RELAY_MOST];
  struct kube_relay *relay = open_to(port);
  for (int i = 0; i < KUBE_RELAY_MOST; i++) {
    learner[i] = dial(kube_relay_port(relay));
    server[i] = accept(listener, NULL, NULL);
  }
  int extra = dial(kube_relay_port(relay));
  char got[2] = {0};
  wait_readable(extra);
  assert_true(recv(extra, got, 1, 0) <= 0);
  write_all(learner[17], "x", 1);
  bool found = false;
  for (int i = 0; i < KUBE_RELAY_MOST && !found; i++) {
    struct pollfd one = {.fd = server[i], .events = POLLIN};
    found = poll(&one, 1, i == KUBE_RELAY_MOST - 1 ? 5000 : 5) == 1;
  }
  assert_true(found);
  close(learner[0]);                                          /* a place becomes free */
  wait_readable(server[0]);
  close(server[0]);
  int again = -1;
  for (int i = 0; i < 100 && again < 0; i++) {
    int fd = dial(kube_relay_port(relay));
    struct pollfd one = {.fd = listener, .events = POLLIN};
    if (poll(&one, 1, 100) == 1) again = fd;
    else close(fd);
  }
  assert_true(again >= 0);
  close(again);
  close(extra);
  for (int i = 1; i < KUBE_RELAY_MOST; i++) close(learner[i]), close(server[i]);
  kube_relay_close(relay);
  close(listener);
}

static void idle_connections_end(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  struct kube_relay *relay = open_to(port);
  int learner = dial(kube_relay_port(relay)), server = accept(listener, NULL, NULL);
  char byte;
  write_all(learner, "x", 1);
  assert_int_equal(read_all(server, &byte, 1), 1);
  struct pollfd one = {.fd = learner, .events = POLLIN};
  int ready = 0;
  for (int i = 1; i <= 20 && !ready; i++) {                   /* the relay may still be noting the time of that byte */
    wallclock_set_offset(0, i * (KUBE_RELAY_IDLE_MS + 1000LL));
    ready = poll(&one, 1, 500);
  }
  assert_int_equal(ready, 1);
  assert_true(recv(learner, &byte, 1, 0) <= 0);
  wallclock_set_offset(0, 0);
  close(learner);
  close(server);
  kube_relay_close(relay);
  close(listener);
}

static int64_t cpu_ms(void) {
  struct timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return spent.tv_sec * 1000 + spent.tv_nsec / 1000000;
}

static void a_process_out_of_files_waits_and_then_serves_who_has_waited(void **state) {
  (void)state;
  enum { MOST = 4096 };
  int port, listener = listen_here(&port), learner = socket(AF_INET, SOCK_STREAM, 0), taken[MOST], n = 0;
  struct kube_relay *relay = open_to(port);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)kube_relay_port(relay))};
  struct rlimit before, few;
  getrlimit(RLIMIT_NOFILE, &before);
  few = before;
  if (few.rlim_cur > MOST) few.rlim_cur = MOST;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  while (n < MOST && (taken[n] = dup(listener)) >= 0) n++;
  assert_int_equal(errno, EMFILE);
  assert_int_equal(connect(learner, (struct sockaddr *)&address, sizeof address), 0);      /* the kernel takes it; the relay cannot */
  int64_t spent = cpu_ms();
  struct pollfd one = {.fd = learner, .events = POLLIN};
  assert_int_equal(poll(&one, 1, 2000), 0);                   /* kept waiting, not turned away */
  spent = cpu_ms() - spent;
  if (spent > 200) fail_msg("%lld ms of CPU while there was nothing to do", (long long)spent);
  while (n) close(taken[--n]);
  setrlimit(RLIMIT_NOFILE, &before);
  write_all(learner, "x", 1);
  wait_readable(listener);
  int server = accept(listener, NULL, NULL);
  char byte = 0;
  assert_int_equal(read_all(server, &byte, 1), 1);
  assert_int_equal(byte, 'x');
  close(learner);
  close(server);
  kube_relay_close(relay);
  close(listener);
}

static void a_port_that_is_taken_is_said(void **state) {
  (void)state;
  int port, listener = listen_here(&port);
  char listen_on[64];
  struct kube_relay *relay = NULL;
  struct err err = {0};
  snprintf(listen_on, sizeof listen_on, "127.0.0.1:%d", port);
  assert_false(kube_relay_open(listen_on, "127.0.0.1", 1, &relay, &err));
  assert_int_equal(err.code, ERR_UNAVAILABLE);
  assert_string_equal(err.key, "relay.port");
  assert_null(relay);
  static const char *const wrong[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":::1:80:"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(kube_relay_open(wrong[i], "127.0.0.1", 1, &relay, &err));
  close(listener);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytes_go_both_ways_and_the_end_of_one_side_is_passed_on), cmocka_unit_test(a_large_answer_arrives_whole_though_the_learner_reads_late),
    cmocka_unit_test(a_learner_who_floods_is_held_to_his_share), cmocka_unit_test(a_target_that_is_not_there_closes_the_learners_side),
    cmocka_unit_test(a_server_that_breaks_off_takes_the_learners_side_along), cmocka_unit_test(one_connection_more_than_allowed_is_closed_and_the_others_live),
    cmocka_unit_test(idle_connections_end), cmocka_unit_test(a_process_out_of_files_waits_and_then_serves_who_has_waited),
    cmocka_unit_test(a_port_that_is_taken_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
