/* settings: which source wins, what is refused and how it is said, and that help and table are one. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/settings.h"
#include "base/arena.h"
#include "base/err.h"

static struct arena *arena;
static struct settings got;
static struct err err;
static bool help;
static int begin(void **state) { (void)state; arena = arena_new(0); return 0; }
static int finish(void **state) { (void)state; arena_free(arena); return 0; }

static bool read_(char *const *environment, ...) {
  char *argv[20] = {"serve"};
  int argc = 1;
  va_list more;
  va_start(more, environment);
  for (char *word; (word = va_arg(more, char *));) argv[argc++] = word;
  va_end(more);
  err_clear(&err);
  return settings_read(arena, argc, argv, environment, &got, &help, &err);
}
static const char *param(const char *name) {
  for (int i = 0; i < err.params; i++) if (!strcmp(err.param[i].name, name)) return err.param[i].value;
  return "";
}

static void without_anything_the_defaults_hold(void **state) {
  (void)state;
  assert_true(read_(NULL, NULL));
  assert_string_equal(got.listen, "127.0.0.1");
  assert_int_equal(got.port, 8080);
  assert_int_equal(got.api_port, 7443);
  assert_int_equal(got.ingress_port, 0);                            /* only when asked for */
  assert_int_equal(got.ingress_tls_port, 0);
  assert_string_equal(got.lab_domain, "lab.test");
  assert_string_equal(got.cluster, "main");
  assert_false(got.plain_http);
  assert_true(got.rates);
  assert_null(got.kubeconfig);
  assert_null(got.ingress_address);                                 /* nobody guesses where somebody's cluster is reached */
}

static void a_flag_beats_the_environment_and_that_beats_the_file(void **state) {
  (void)state;
  char path[] = "/tmp/web-settings-XXXXXX";
  int fd = mkstemp(path);
  dprintf(fd, "# a remark\n\nport = 1111\n  people=7 \nhome = /tmp/h\npublic-name = a.example, b.example\n");
  close(fd);
  char *environment[] = {"MAKMAL_PORT=2222", "MAKMAL_PLAIN_HTTP=yes", "MAKMAL_LISTEN=", "OTHER=1", NULL};
  assert_true(read_(environment, "--config", path, "--people=9", "--public-name", "c.example", "--public-name", "d.example", NULL));
  assert_int_equal(got.port, 2222);
  assert_int_equal(got.people, 9);
  assert_true(got.plain_http);
  assert_string_equal(got.home, "/tmp/h");
  assert_string_equal(got.listen, "127.0.0.1");                    /* an empty variable is none */
  assert_int_equal(got.public_name.count, 2);                       /* the stronger list replaces the weaker */
  assert_string_equal(got.public_name.item[0], "c.example");
  assert_true(read_(NULL, "--config", path, NULL));
  assert_int_equal(got.port, 1111);
  assert_int_equal(got.public_name.count, 2);
  assert_string_equal(got.public_name.item[1], "b.example");
  unlink(path);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  static const struct { char *flag, *value; const char *key, *name; } rows[] = {
    {"--prot", "8080", "settings.unknown", "--prot"}, {"extra", NULL, "settings.unknown", "extra"}, {"--port", "80a", "settings.value", "port"},
    {"--port", "65536", "settings.value", "port"}, {"--port", "-1", "settings.value", "port"}, {"--port", "", "settings.value", "port"},
    {"--port", NULL, "settings.missing", "port"}, {"--people", "0", "settings.value", "people"}, {"--log", "inf", "settings.value", "log"},
    {"--log", "info warn", "settings.value", "log"}, {"--plain-http=perhaps", NULL, "settings.value", "plain-http"}, {"--home", "", "settings.value", "home"},
    {"--lab-domain", "Labs", "settings.value", "lab-domain"}, {"--lab-domain", "a..b", "settings.value", "lab-domain"}, {"--lab-domain", ".a", "settings.value", "lab-domain"},
    {"--lab-domain", "a.", "settings.value", "lab-domain"}, {"--lab-domain", "a-.b", "settings.value", "lab-domain"}, {"--lab-domain", "", "settings.value", "lab-domain"},
    {"--ingress-address", "http://a", "settings.value", "ingress-address"}, {"--ingress-address", "a:0", "settings.value", "ingress-address"}, {"--ingress-address", "", "settings.value", "ingress-address"},
    {"--", NULL, "settings.unknown", "--"}, {"-p", "1", "settings.unknown", "-p"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (read_(NULL, rows[i].flag, rows[i].value, NULL)) fail_msg("row %zu was taken", i);
    if (strcmp(err.key, rows[i].key) || strcmp(param("name"), rows[i].name)) fail_msg("row %zu: %s %s", i, err.key, param("name"));
    assert_int_equal(err_code_exit(err.code), 2);
  }
  char *environment[] = {"MAKMAL_PORT=x", NULL};
  assert_false(read_(environment, NULL));
  assert_string_equal(param("from"), "MAKMAL_PORT");
}

static void labs_never_share_a_domain_with_the_server(void **state) {
  (void)state;
  static const struct { const char *name, *domain; bool fits; } rows[] = {
    {"makmal.example.org", "example.org", false}, {"example.org", "example.org", false}, {"makmal.example.org", "labs.example.org", true},
    {"my-example.org", "example.org", true}, {"localhost", "localhost", true}, {"a", "labs.example.org", true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (read_(NULL, "--public-name", rows[i].name, "--lab-domain", rows[i].domain, NULL) != rows[i].fits) fail_msg("row %zu", i);
    if (rows[i].fits) assert_string_equal(got.lab_domain, rows[i].domain);
    else assert_string_equal(param("name"), "lab-domain");
  }
}

static void a_bad_file_is_named_with_its_line(void **state) {
  (void)state;
  char path[] = "/tmp/web-settings-XXXXXX";
  int fd = mkstemp(path);
  dprintf(fd, "port = 1\nprot = 2\n");
  close(fd);
  assert_false(read_(NULL, "--config", path, NULL));
  assert_string_equal(err.key, "settings.line");
  assert_string_equal(param("line"), "2");
  unlink(path);
  assert_false(read_(NULL, "--config", path, NULL));
  assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void threads_and_streams_grow_with_people(void **state) {
  (void)state;
  static const struct { char *people; int threads, seats; } rows[] = {{"1", 512, 1}, {"224", 512, 336}, {"225", 514, 337}, {"1000", 2064, 1500}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(read_(NULL, "--people", rows[i].people, NULL));
    assert_int_equal(settings_threads(&got), rows[i].threads);
    assert_int_equal(settings_seats(&got), rows[i].seats);
    assert_true(settings_seats(&got) + 64 <= settings_threads(&got));           /* pages always have threads of their own */
  }
}

static int told;
static void tell(void *ctx, const char *name, const char *value) { (void)ctx; told += !strcmp(name, "port") && !strcmp(value, "9") ? 1 : 100; }
static void help_names_every_setting_and_what_differs_is_told(void **state) {
  (void)state;
  assert_true(read_(NULL, "--help", NULL) && help);
  char text[16384] = "";
  FILE *out = fmemopen(text, sizeof text - 1, "w");
  settings_help(out, NULL);
  fclose(out);
  static const char *const some[] = {"--home PATH", "--plain-http\n", "MAKMAL_API_PORT", "1 to 5000", "one of debug info warn error", "default 8080"};
  for (size_t i = 0; i < sizeof some / sizeof *some; i++) if (!strstr(text, some[i])) fail_msg("help lacks %s", some[i]);
  char few[4096] = "";
  static const char *const two[] = {"context", "yes", NULL};
  out = fmemopen(few, sizeof few - 1, "w");
  settings_help(out, two);
  fclose(out);
  assert_true(strstr(few, "--context TEXT") && strstr(few, "--yes\n") && !strstr(few, "--kubeconfig"));
  assert_true(read_(NULL, "--port", "9", NULL) && !help);
  settings_differing(&got, tell, NULL);
  assert_int_equal(told, 1);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
  const struct CMUnitTest tests[] = {T(without_anything_the_defaults_hold), T(a_flag_beats_the_environment_and_that_beats_the_file), T(what_is_wrong_is_named),
    T(labs_never_share_a_domain_with_the_server), T(a_bad_file_is_named_with_its_line), T(threads_and_streams_grow_with_people), T(help_names_every_setting_and_what_differs_is_told)};
  return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
