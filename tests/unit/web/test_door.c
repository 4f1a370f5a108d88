/* The door as a whole: CivetWeb, http, gate, auth, people and stream over a loopback socket: what a browser, a clumsy client and a hostile one are told. */
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/wallclock.h"
#include "domain/live.h"
#include "domain/people.h"
#include "store/db.h"
#include "unit/web/stand_ins.h"
#include "web/gate.h"
#include "web/house.h"
#include "web/metrics.h"
#include "web/stream.h"

static struct house house;
static struct http *http;
static char folder[] = "/tmp/web-door-XXXXXX", code[16];
static char *answer;

static int begin(void **state) {
  (void)state;
  struct err err;
  log_init(LOG_ERROR_, NULL);
  char path[64], id[ID_SIZE];
  if (!secret_init() || !mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/makmal.db", folder);
  house.live = live_open();
  live_source(house.live, &(struct live_source){.prefix = "cluster"});
  if (!db_open(path, &house.db, &err) || !people_open(house.db, house.live, &house.people, &err)) return -1;
  house.gate = gate_open(false);
  house.streams = streams_new(8);
  house.metrics = metrics_open();
  char key[32];
  struct login admin;
  if (!people_setup_key(house.people, key, &err) || !people_setup(house.people, key, "Siti", "correct horse battery", "127.0.0.1", LANG_EN, &admin, &err)) return -1;
  if (!people_workshop(house.people, &admin.viewer, "UTM", 12, id, code, &err)) return -1;
  struct http_spec spec = {.listen = "127.0.0.1", .port = 0, .threads = 24};
  answer = malloc(1 << 20);
  return http_open(&spec, &house, &http, &err) ? 0 : -1;
}

static int finish(void **state) {
  (void)state;
  live_bye(house.live, 1000, "stopping");
  http_close(http);
  people_close(house.people);
  live_close(house.live);
  db_close(house.db);
  gate_close(house.gate);
  streams_free(house.streams);
  metrics_close(house.metrics);
  free(answer);
  char command[80];
  snprintf(command, sizeof command, "%s/makmal.db", folder);
  unlink(command);
  snprintf(command, sizeof command, "%s/makmal.db.lock", folder);
  unlink(command);
  return rmdir(folder);
}

/* --- a client that sends bytes as they are -------------------------------------------------------------------------------------------------------- */
static int dial(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}
static void say(int fd, const char *bytes, size_t length) { assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length); }

/* Reads one answer (head, and body by Content-Length) or until it is closed, at most ms. Returns the status; 0: nothing came. */
static int hear(int fd, int ms) {
  size_t n = 0;
  int64_t until = mono_ms() + ms;
  answer[0] = 0;
  for (;;) {
    char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "\r\nContent-Length: ");
    if (end && length && length < end && n >= (size_t)(end + 4 - answer) + (size_t)atoi(length + 18)) break;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int64_t left = until - mono_ms();
    if (left <= 0 || poll(&ready, 1, (int)left) <= 0) break;
    ssize_t got = recv(fd, answer + n, (1 << 20) - n - 1, 0);
    if (got <= 0) break;
    n += (size_t)got;
    answer[n] = 0;
  }
  return n > 12 && !strncmp(answer, "HTTP/1.1 ", 9) ? atoi(answer + 9) : 0;
}
static bool closed(int fd, int ms) {
  char byte;
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  return poll(&ready, 1, ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}
static int ask_n(const char *bytes, size_t length) {
  int fd = dial();
  say(fd, bytes, length);
  int status = hear(fd, 4000);
  close(fd);
  return status;
}
static int ask(const char *bytes) { return ask_n(bytes, strlen(bytes)); }

/* A well-formed request: head lines end with \r\n each. */
static int request(const char *method, const char *path, const char *more, const char *body) {
  static char text[200000];
  int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, more);
  if (body) n += snprintf(text + n, sizeof text - (size_t)n, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
  else n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
  return ask_n(text, (size_t)n);
}
#define ORIGIN "Origin: http://localhost\r\n"

static char cookie[160], token[120];
static void keep_login(void) {
  char *set = strstr(answer, "\r\nSet-Cookie: makmal="), *csrf = strstr(answer, "\"csrf\":\"");
  assert_true(set && csrf);
  snprintf(cookie, sizeof cookie, "Cookie: %.*s\r\n", (int)strcspn(set + 14, ";"), set + 14);
  snprintf(token, sizeof token, "X-Makmal-Token: %.*s\r\n", (int)strcspn(csrf + 8, "\""), csrf + 8);
}
static void join(const char *name) {
  char body[200];
  snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"%s\",\"language\":\"en\"}", code, name);
  assert_int_equal(request("POST", "/api/v1/joins", ORIGIN, body), 201);
  keep_login();
}
static const char *with(const char *a, const char *b, const char *c) {
  static char text[700];
  snprintf(text, sizeof text, "%s%s%s", a, b, c);
  return text;
}

/* --- tests ---------------------------------------------------------------------------------------------------------------------------------------- */
#define CUT 0                               /* CivetWeb closes without a word */
static void requests_that_proxies_read_otherwise_are_refused(void **state) {
  (void)state;
  static const struct { const char *bytes; int status; } rows[] = {
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200},
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400},
    {"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
    {"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nContent-Length: +2\r\n\r\n{}", 400},
    {"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2,2\r\n\r\n{}", 400},
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400},
    {"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", CUT},
    {"GET /healthz%00x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
    {"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
    {"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
    {"GET /%c0%ae%c0%ae/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
    {"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\n\r\n", 400},
    {"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
    {"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
    {"PROPFIND / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
    {"DELETE /j HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
    {"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 411},
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 400},
    {"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
    {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: x, close, upgrade\r\nExpect: nonsense\r\n\r\n", 200}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int status = ask(rows[i].bytes);
    if (status != rows[i].status) fail_msg("row %zu: %.60s answered %d, wanted %d\n%.300s", i, rows[i].bytes, status, rows[i].status, answer);
    if (status >= 400 && strstr(answer, "etc/passwd")) fail_msg("row %zu echoes the path", i);
    if (status) assert_non_null(strstr(answer, "Content-Security-Policy: "));
    assert_null(strstr(answer, "CivetWeb"));
  }
  assert_int_equal(ask("DELETE /j HTTP/1.1\r\nHost: localhost\r\n\r\n"), 405);
  assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD, POST\r\n"));
}

static void nonsense_before_the_head_is_cut(void **state) {
  (void)state;
  static const char *const rows[] = {"\r\n\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\nNo colon here\r\n\r\n", " / HTTP/1.1\r\n\r\n"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int status = ask(rows[i]);
    if (status && (status < 400 || status > 505)) fail_msg("row %zu answered %d", i, status);
    if (status) assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff"));
  }
  assert_int_equal(request("GET", "/healthz", "", NULL), 200);
}

static void heads_have_a_size(void **state) {
  (void)state;
  char *text = malloc(40000);
  int n = sprintf(text, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 61; i++) n += sprintf(text + n, "X-%d: a\r\n", i);
  sprintf(text + n, "\r\n");
  assert_int_equal(ask(text), 200);                                  /* 62 lines */
  sprintf(text + n, "X-62: a\r\n\r\n");
  assert_int_equal(ask(text), 431);
  sprintf(text + n, "X-62: a\r\nX-63: a\r\nX-64: a\r\nX-65: a\r\n\r\n");
  assert_int_equal(ask(text), 431);                                  /* also where CivetWeb drops lines in silence */
  n = sprintf(text, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
  memset(text + n, 'a', 17000);
  sprintf(text + n + 17000, "\r\n\r\n");
  int status = ask(text);
  if (status != 431 && status != 400) fail_msg("a head of 17 KiB answered %d", status);
  n = sprintf(text, "GET /healthz?");
  memset(text + n, 'a', 2100);
  sprintf(text + n + 2100, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert_int_equal(ask(text), 414);
  free(text);
}

static void bodies_have_a_size_and_are_not_read_beyond_it(void **state) {
  (void)state;
  int fd = dial();
  const char *head = "POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{";
  int64_t since = mono_ms();
  say(fd, head, strlen(head));
  assert_int_equal(hear(fd, 3000), 413);
  assert_true(mono_ms() - since < 1000);
  assert_non_null(strstr(answer, "\"size\":\"999999999\""));
  assert_non_null(strstr(answer, "Connection: close"));
  /* a sender that goes on drop by drop holds nobody */
  int i = 0;
  for (; i < 80 && !closed(fd, 100); i++) (void)!send(fd, "x", 1, MSG_NOSIGNAL);
  close(fd);
  assert_true(i < 80);
  char *body = malloc(5000);
  memset(body, 'a', 4999);
  body[4999] = 0;
  body[0] = '"';
  assert_int_equal(request("POST", "/api/v1/joins", ORIGIN, body), 413);
  body[4096] = 0;
  assert_int_equal(request("POST", "/api/v1/joins", ORIGIN, body), 400);   /* at the limit it is read, and found not to be JSON */
  free(body);
}

static void a_body_shorter_than_told_never_reaches_a_handler(void **state) {
  (void)state;
  int fd = dial();
  const char *head = "POST /api/v1/logins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{\"name\":\"Siti\"}";
  say(fd, head, strlen(head));
  shutdown(fd, SHUT_WR);
  assert_int_equal(hear(fd, 7000), 408);
  close(fd);
}

static void kept_connections_serve_many_requests(void **state) {
  (void)state;
  int fd = dial();
  for (int i = 0; i < 5; i++) {
    const char *text = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    say(fd, text, strlen(text));
    assert_int_equal(hear(fd, 2000), 200);
  }
  const char *post = "POST /api/v1/logins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  say(fd, post, strlen(post));
  assert_int_equal(hear(fd, 2000), 400);
  say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 61);
  assert_int_equal(hear(fd, 2000), 200);
  assert_true(closed(fd, 2000));
  close(fd);
  assert_int_equal(request("HEAD", "/healthz", "", NULL), 200);
  assert_non_null(strstr(answer, "Content-Length: 3\r\n"));
  assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
}

static void a_write_is_believed_only_from_our_own_page(void **state) {
  (void)state;
  join("Aina");
  const char *body = "{\"language\":\"ms\"}";
  static const struct { const char *origin, *site; bool token; int status; } rows[] = {
    {"Origin: http://localhost\r\n", "", true, 200}, {"Origin: http://localhost\r\n", "Sec-Fetch-Site: same-origin\r\n", true, 200}, {"", "", true, 403}, {"Origin: null\r\n", "", true, 403},
    {"Origin: http://evil.example\r\n", "", true, 403}, {"Origin: https://localhost\r\n", "", true, 403}, {"Origin: http://localhost:81\r\n", "", true, 403}, {"Origin: http://localhost.evil.example\r\n", "", true, 403},
    {"Origin: http://localhost\r\n", "Sec-Fetch-Site: cross-site\r\n", true, 403}, {"Origin: http://localhost\r\n", "Sec-Fetch-Site: same-site\r\n", true, 403}, {"Origin: http://localhost\r\n", "", false, 403}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char more[600];
    snprintf(more, sizeof more, "%s%s%s%s", cookie, rows[i].origin, rows[i].site, rows[i].token ? token : "");
    int status = request("PUT", "/api/v1/me", more, body);
    if (status != rows[i].status) fail_msg("row %zu answered %d: %s", i, status, answer);
  }
  char wrong[300];
  snprintf(wrong, sizeof wrong, "%s" ORIGIN "X-Makmal-Token: 0000000000000000000000000000000000000000000000000000000000000000\r\n", cookie);
  assert_int_equal(request("PUT", "/api/v1/me", wrong, body), 403);
  /* without a login our own Origin suffices for what needs no login, and not less */
  assert_int_equal(request("POST", "/api/v1/joins", "", "{\"return_key\":\"x\"}"), 403);
  assert_int_equal(request("POST", "/api/v1/joins", "Origin: http://evil.example\r\n", "{\"return_key\":\"x\"}"), 403);
}

static void a_cookie_is_guarded_and_over_when_signed_out(void **state) {
  (void)state;
  join("Ben");
  assert_non_null(strstr(answer, "; Path=/; HttpOnly; SameSite=Lax; Max-Age="));
  assert_null(strstr(answer, "; Secure"));
  assert_int_equal(request("GET", "/api/v1/me", cookie, NULL), 200);
  assert_non_null(strstr(answer, "\"name\":\"Ben\""));
  assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
  assert_int_equal(request("DELETE", "/api/v1/logins/current", with(cookie, ORIGIN, token), NULL), 204);
  assert_int_equal(request("GET", "/api/v1/me", cookie, NULL), 200);
  assert_non_null(strstr(answer, "\"person\":null"));
  assert_int_equal(request("DELETE", "/api/v1/logins/current", with(cookie, ORIGIN, token), NULL), 401);
  static const char *const bad[] = {"Cookie: makmal=\r\n", "Cookie: makmal\r\n", "Cookie: makmal=0\r\n", "Cookie: ; ;makmal=;;\r\n", "Cookie: makmal=0000000000000000000000000000000000000000000000000000000000000000\r\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(request("GET", "/api/v1/me", bad[i], NULL), 200);
    assert_non_null(strstr(answer, "\"person\":null"));
  }
}

static void roles_open_their_own_doors_only(void **state) {
  (void)state;
  join("Chong");
  assert_int_equal(request("GET", "/api/v1/workshops", cookie, NULL), 403);
  assert_int_equal(request("POST", "/api/v1/workshops", with(cookie, ORIGIN, token), "{\"name\":\"mine\"}"), 403);
  assert_int_equal(request("GET", "/workshops", cookie, NULL), 403);
  assert_int_equal(request("GET", "/api/v1/workshops", "", NULL), 401);
  assert_int_equal(request("POST", "/api/v1/logins", ORIGIN, "{\"name\":\"Siti\",\"password\":\"wrong horse battery\"}"), 401);
  assert_int_equal(request("POST", "/api/v1/logins", ORIGIN, "{\"name\":\"Siti\",\"password\":\"correct horse battery\"}"), 201);
  keep_login();
  assert_int_equal(request("GET", "/api/v1/workshops", cookie, NULL), 200);
  assert_non_null(strstr(answer, code));
  assert_int_equal(request("POST", "/api/v1/workshops", with(cookie, ORIGIN, token), "{\"name\":\"Second\",\"hours\":2}"), 201);
  assert_non_null(strstr(answer, "\"link\":\"http://localhost/j?k="));
  assert_int_equal(request("GET", "/workshops", cookie, NULL), 200);
  assert_non_null(strstr(answer, "data-page=\"workshops\""));
}

static int post_form(const char *path, const char *more, const char *fields) {
  char text[2000];
  snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s", path, more, strlen(fields), fields);
  return ask(text);
}

static void forms_work_without_scripts(void **state) {
  (void)state;
  char fields[300];
  assert_int_equal(request("GET", "/j?k=7K4M2P", "", NULL), 200);
  assert_non_null(strstr(answer, "value=\"7K4M2P\""));
  snprintf(fields, sizeof fields, "code=%s&name=%%3Cb%%3EDevi%%3C%%2Fb%%3E&language=ms", code);
  assert_int_equal(post_form("/j", ORIGIN, fields), 200);               /* shows the return key, once */
  assert_non_null(strstr(answer, "class=\"code\""));
  assert_non_null(strstr(answer, "&lt;b&gt;Devi&lt;/b&gt;"));
  assert_null(strstr(answer, "<b>Devi"));
  assert_non_null(strstr(answer, "<html lang=\"ms\""));
  char *set = strstr(answer, "\r\nSet-Cookie: makmal="), *field = strstr(answer, "name=\"token\" value=\"");
  assert_true(set && field);
  char jar[200], own[80];
  snprintf(jar, sizeof jar, "Cookie: %.*s\r\n" ORIGIN, (int)strcspn(set + 14, ";"), set + 14);
  snprintf(own, sizeof own, "%.64s", field + 20);
  snprintf(fields, sizeof fields, "language=en&back=%%2Flab%%2Fx&token=%s", own);
  assert_int_equal(post_form("/language", jar, fields), 303);
  assert_non_null(strstr(answer, "\r\nLocation: /lab/x\r\n"));
  assert_int_equal(post_form("/language", jar, "language=en&back=%2F"), 403);       /* no token */
  snprintf(fields, sizeof fields, "language=en&back=%%2F%%2Fevil.example&token=%s", own);
  assert_int_equal(post_form("/language", jar, fields), 303);
  assert_non_null(strstr(answer, "\r\nLocation: /\r\n"));
  snprintf(fields, sizeof fields, "token=%s", own);
  assert_int_equal(post_form("/signout", jar, fields), 303);
  assert_non_null(strstr(answer, "Max-Age=0"));
  /* a refusal shows the form again, with what was typed, and says so */
  assert_int_equal(post_form("/j", ORIGIN, "code=ZZZZZZ&name=Eve"), 404);
  assert_non_null(strstr(answer, "role=\"alert\""));
  assert_non_null(strstr(answer, "value=\"Eve\""));
  assert_int_equal(post_form("/signin", ORIGIN, "name=Siti&password=wrong"), 401);
  assert_null(strstr(answer, "value=\"wrong\""));
  assert_int_equal(post_form("/signin", ORIGIN, "name=Siti&password=correct+horse+battery&next=%2Flab%2Fx"), 303);
  assert_non_null(strstr(answer, "\r\nLocation: /lab/x\r\n"));
  /* a NUL, raw or escaped, is refused and costs nothing */
  int64_t since = mono_ms();
  assert_int_equal(post_form("/j", ORIGIN, "code=%00"), 400);
  static const char raw[] = "POST /j HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\nco\0de=";
  assert_int_equal(ask_n(raw, sizeof raw - 1), 400);
  assert_true(mono_ms() - since < 2000);
}

static void pages_of_nobody_are_the_same_for_all_and_answer_304(void **state) {
  (void)state;
  assert_int_equal(request("GET", "/j", "", NULL), 200);
  char tag[64], more[200];
  char *etag = strstr(answer, "\r\nETag: ");
  assert_non_null(etag);
  snprintf(tag, sizeof tag, "%.*s", (int)strcspn(etag + 8, "\r"), etag + 8);
  snprintf(more, sizeof more, "If-None-Match: %s\r\n", tag);
  assert_int_equal(request("GET", "/j", more, NULL), 304);
  assert_null(strstr(answer, "Content-" "Length"));
  snprintf(more, sizeof more, "If-None-Match: %s\r\nAccept-Language: ms-MY,en;q=0.5\r\n", tag);
  assert_int_equal(request("GET", "/j", more, NULL), 200);
  assert_non_null(strstr(answer, "<html lang=\"ms\""));
  assert_int_equal(request("GET", "/j", "Cookie: makmal-language=ms\r\nAccept-Language: en\r\n", NULL), 200);
  assert_non_null(strstr(answer, "<html lang=\"ms\""));
  join("Farid");
  assert_int_equal(request("GET", "/j", cookie, NULL), 200);
  assert_null(strstr(answer, "\r\nETag: "));
  assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
  assert_non_null(strstr(answer, "name=\"makmal-token\""));
}

static int open_stream(const char *more) {
  char text[1200];
  int fd = dial();
  snprintf(text, sizeof text, "GET /api/v1/live?topics=cluster HTTP/1.1\r\nHost: localhost\r\n%s\r\n", more);
  say(fd, text, strlen(text));
  return fd;
}

static void a_stream_tells_what_changes_and_ends_with_the_login(void **state) {
  (void)state;
  join("Gopal");
  int fd = open_stream(cookie);
  assert_int_equal(hear(fd, 2000), 403);                              /* the token is asked for, too */
  close(fd);
  fd = open_stream(with(cookie, token, ""));
  assert_int_equal(hear(fd, 500), 200);
  assert_non_null(strstr(answer, "Content-Type: text/event-stream"));
  assert_non_null(strstr(answer, "Connection: close"));
  assert_non_null(strstr(answer, "X-Accel-Buffering: no"));
  assert_non_null(strstr(answer, "event: hello\ndata: {\"epoch\":"));
  char tab[ID_SIZE], path[64];
  snprintf(tab, sizeof tab, "%.26s", strstr(answer, "\"tab\":\"") + 7);
  live_publish(house.live, "cluster", "cluster", NULL, (const char *const[LANG_COUNT]){"{\"state\":\"ready\"}", NULL});
  hear(fd, 300);
  assert_non_null(strstr(answer, "event: cluster\ndata: {\"state\":\"ready\"}"));
  snprintf(path, sizeof path, "/api/v1/live/%s", tab);
  assert_int_equal(request("POST", path, with(cookie, ORIGIN, token), "{\"topics\":\"cluster\"}"), 204);
  assert_int_equal(request("POST", path, with(cookie, ORIGIN, token), "{\"topics\":\"attempt:foreign\"}"), 404);
  assert_int_equal(request("POST", "/api/v1/live/nobody", with(cookie, ORIGIN, token), "{\"topics\":\"cluster\"}"), 404);
  assert_int_equal(request("DELETE", "/api/v1/logins/current", with(cookie, ORIGIN, token), NULL), 204);
  hear(fd, 3000);
  assert_non_null(strstr(answer, "event: bye"));
  close(fd);
  fd = open_stream("");
  assert_int_equal(hear(fd, 1000), 401);
  close(fd);
}

static void a_login_has_six_streams_and_the_server_its_seats(void **state) {
  (void)state;
  int fd[8];
  join("Hana");
  for (int i = 0; i < 6; i++) {
    fd[i] = open_stream(with(cookie, token, ""));
    assert_int_equal(hear(fd[i], 300), 200);
  }
  int more = open_stream(with(cookie, token, ""));
  assert_int_equal(hear(more, 1000), 429);
  assert_non_null(strstr(answer, "\r\nRetry-After: "));
  close(more);
  join("Iskandar");
  for (int i = 6; i < 8; i++) {
    fd[i] = open_stream(with(cookie, token, ""));
    assert_int_equal(hear(fd[i], 300), 200);
  }
  more = open_stream(with(cookie, token, ""));
  assert_int_equal(hear(more, 1000), 503);
  assert_non_null(strstr(answer, "\r\nRetry-After: "));
  close(more);
  assert_int_equal(request("GET", "/healthz", "", NULL), 200);         /* pages have threads of their own */
  for (int i = 0; i < 8; i++) close(fd[i]);
}

static void half_requests_hold_their_threads_for_seconds_only(void **state) {
  (void)state;
  int half[24];
  for (int i = 0; i < 24; i++) {                                        /* as many as there are threads */
    half[i] = dial();
    say(half[i], "GET / HTTP/1.1\r\nHost: loc", 25);
  }
  int64_t since = mono_ms();
  int fd = dial();
  say(fd, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 42);
  assert_int_equal(hear(fd, 9000), 200);
  assert_true(mono_ms() - since < 8000);
  close(fd);
  for (int i = 0; i < 24; i++) close(half[i]);
}

static void numbers_are_told_to_this_machine(void **state) {
  (void)state;
  assert_int_equal(request("GET", "/metrics", "", NULL), 200);
  static const char *const wanted[] = {"makmal_requests_total{class=\"api\",status=\"2xx\"} ", "makmal_request_seconds_bucket{class=\"health\",le=\"+Inf\"} ", "makmal_streams ", "makmal_process_resident_bytes "};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) if (!strstr(answer, wanted[i])) fail_msg("lacks %s", wanted[i]);
  assert_int_equal(request("GET", "/readyz", "", NULL), 503);            /* there is no catalogue in this test */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(requests_that_proxies_read_otherwise_are_refused), cmocka_unit_test(nonsense_before_the_head_is_cut), cmocka_unit_test(heads_have_a_size),
    cmocka_unit_test(bodies_have_a_size_and_are_not_read_beyond_it), cmocka_unit_test(a_body_shorter_than_told_never_reaches_a_handler), cmocka_unit_test(kept_connections_serve_many_requests),
    cmocka_unit_test(a_write_is_believed_only_from_our_own_page), cmocka_unit_test(a_cookie_is_guarded_and_over_when_signed_out), cmocka_unit_test(roles_open_their_own_doors_only),
    cmocka_unit_test(forms_work_without_scripts), cmocka_unit_test(pages_of_nobody_are_the_same_for_all_and_answer_304), cmocka_unit_test(a_stream_tells_what_changes_and_ends_with_the_login),
    cmocka_unit_test(a_login_has_six_streams_and_the_server_its_seats), cmocka_unit_test(half_requests_hold_their_threads_for_seconds_only), cmocka_unit_test(numbers_are_told_to_this_machine)};
  return cmocka_run_group_tests_name("door", tests, begin, finish);
}
