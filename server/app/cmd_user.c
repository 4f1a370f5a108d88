/* cmd_user: see the header. Opens the database under its lock, so that it never writes beside a running server, and does one thing through the
 * domain, like everybody. Passwords are read from the terminal or standard input, never from the arguments, which others can see. */
#include "app/cmd_user.h"

#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "app/say.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "domain/people.h"
#include "store/db.h"

static const char help[] =
  "usage: makmal user COMMAND [NAME] [options]\n\n"
  "People and workshops from the command line. The server must not be running: while it is, use its\n"
  "pages instead.\n\n"
  "  add NAME           makes an account. The password is asked for, or read as one line from standard input.\n"
  "                     A learner (--role learner) has none; the return key is printed instead\n"
  "  key NAME           renews a learner's return key and prints it (NAME may be the person's id)\n"
  "  workshop NAME      opens a workshop and prints its join code and link\n"
  "  setup-link         prints a one-time link with which somebody becomes administrator (15 minutes)\n\n"
  "  --role ROLE        for add: instructor (default), administrator or learner\n"
  "  --hours HOURS      for workshop: how long people may join, 1 to 168 (12)\n"
  "  --home FOLDER      where the database lies (MAKMAL_HOME, else /var/lib/makmal)\n"
  "  --address URL      how people reach the server, for the printed links\n"
  "                     (http://127.0.0.1:8080, with MAKMAL_PORT)\n"
  "  --help\n\n"
  "exit status: 0 done, 2 wrong use or refused, 3 our own fault\n";

#define PASSWORD_ROOM 1024
struct job { const char *command, *name, *home, *role, *address; int hours; struct db *db; struct people *people; };

static int wrong_use(const char *what) {
  fprintf(stderr, "makmal user: %s; see makmal user --help\n", what);
  return 2;
}

static int wrong_option(const char *given) {
  fprintf(stderr, "makmal user: no option is called '%s', or it wants a value; see makmal user --help\n", given);
  return 2;
}

static int fail(const struct err *err) { return say_err("makmal user", err); }

/* One line, without its end; echo off on a terminal. False at the end of the input or when it is too long. */
static bool read_line(const char *prompt, char out[PASSWORD_ROOM]) {
  struct termios shown, hidden;
  bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    fprintf(stderr, "%s", prompt);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  size_t length = 0;
  bool ended = false, too_long = false;
  for (char c; !ended && read(STDIN_FILENO, &c, 1) == 1;) {     /* byte by byte: what follows is not ours */
    ended = c == '\n';
    too_long = too_long || length + 1 >= PASSWORD_ROOM || c == 0;
    if (!ended && !too_long) out[length++] = c;
  }
  out[length] = 0;
  if (terminal) {
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fprintf(stderr, "\n");
  }
  return (ended || length > 0) && !too_long;
}

static int add(struct job *job, struct err *err) {
  enum role role;
  char id[ID_SIZE], password[PASSWORD_ROOM] = "", again[PASSWORD_ROOM] = "", key[32];
  if (!role_parse(job->role, &role)) return wrong_use("--role is instructor, administrator or learner");
  bool with_password = role != ROLE_LEARNER;
  if (with_password) {
    if (!read_line("Password: ", password)) return wrong_use("no password was given");
    if (isatty(STDIN_FILENO) && (!read_line("Again: ", again) || strcmp(password, again) != 0)) return wrong_use("the two passwords differ");
  }
  bool ok = people_add(job->people, job->name, with_password ? password : NULL, role, id, err);
  secret_wipe(password, sizeof password);
  secret_wipe(again, sizeof again);
  if (!ok || (!with_password && !people_renew_key(job->people, id, key, err))) return fail(err);
  printf("%s added, id %s\n", role_name(role), id);
  if (!with_password) printf("return key: %s\n", key);
  return 0;
}

static int key(struct job *job, struct err *err) {
  char new_key[32];
  if (!people_renew_key(job->people, job->name, new_key, err)) return fail(err);
  printf("return key: %s\n", new_key);
  return 0;
}

static int workshop(struct job *job, struct err *err) {
  const struct viewer shell = {.role = ROLE_ADMIN};             /* who can write the file may do everything */
  char id[ID_SIZE], code[16];
  if (!people_workshop(job->people, &shell, job->name, job->hours, id, code, err)) return fail(err);
  printf("join code: %s\nlink: %s/j?k=%s\nopen for %d hours\n", code, job->address, code, job->hours);
  return 0;
}

static int setup_link(struct job *job, struct err *err) {
  char new_key[32];
  if (!people_setup_key(job->people, new_key, err)) return fail(err);
  printf("%s/setup?k=%s\nGood once, for 15 minutes, and in place of every link printed before.\n", job->address, new_key);
  return 0;
}

static const struct { const char *name; bool named; int (*run)(struct job *job, struct err *err); } commands[] = {
  {"add", true, add}, {"key", true, key}, {"workshop", true, workshop}, {"setup-link", false, setup_link},
};

/* Files made here must stay the server's own: root becomes whoever owns the folder. */
static bool become_owner(const char *home, struct err *err) {
  struct stat about;
  if (geteuid() != 0 || stat(home, &about) != 0 || about.st_uid == 0) return true;
  if (setgroups(0, NULL) == 0 && setgid(about.st_gid) == 0 && setuid(about.st_uid) == 0) return true;
  err_set(err, ERR_UNAVAILABLE, "store.readonly", "cannot become the owner of %s", home);
  return err_param(err, "file", "%s", home);
}

static int run(struct job *job, int (*command)(struct job *job, struct err *err)) {
  struct err err = {0};
  char path[4096];
  if ((size_t)snprintf(path, sizeof path, "%s/makmal.db", job->home) >= sizeof path) return wrong_use("--home is too long");
  umask(0077);
  if (!secret_init() || !file_mkdirs(job->home, 0755, &err) || !become_owner(job->home, &err) || !db_open(path, &job->db, &err)) return fail(&err);
  int status = people_open(job->db, NULL, &job->people, &err) ? command(job, &err) : fail(&err);
  people_close(job->people);
  db_close(job->db);
  return status;
}

int cmd_user(int argc, char **argv) {
  static const struct option options[] = {{"role", required_argument, NULL, 'r'}, {"hours", required_argument, NULL, 'h'}, {"home", required_argument, NULL, 'd'},
                                          {"address", required_argument, NULL, 'a'}, {"help", no_argument, NULL, 'H'}, {0}};
  char address[64];
  const char *port = getenv("MAKMAL_PORT"), *home = getenv("MAKMAL_HOME");
  snprintf(address, sizeof address, "http://127.0.0.1:%.5s", port && *port ? port : "8080");
  struct job job = {.home = home && *home ? home : "/var/lib/makmal", .role = "instructor", .address = address, .hours = 12};
  optind = 0;                                                   /* from the start, also when called twice */
  opterr = 0;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    char *rest = NULL;
    switch (option) {
      case 'r': job.role = optarg; break;
      case 'h':
        job.hours = (int)strtol(optarg, &rest, 10);
        if (!*optarg || *rest || job.hours < 1 || job.hours > 168) return wrong_use("--hours is a number from 1 to 168");
        break;
      case 'd': job.home = optarg; break;
      case 'a': job.address = optarg; break;
      case 'H': fputs(help, stdout); return 0;
      default: return wrong_option(argv[optind - 1]);
    }
  }
  int left = argc - optind;
  if (left < 1) return wrong_use("a command is missing");
  job.command = argv[optind];
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(job.command, commands[i].name) != 0) continue;
    if (left != 1 + commands[i].named) return wrong_use(commands[i].named ? "exactly one name is needed (put it in quotes)" : "nothing may follow setup-link");
    job.name = commands[i].named ? argv[optind + 1] : NULL;
    log_init(LOG_WARN_, NULL);
    return run(&job, commands[i].run);
  }
  return wrong_use("unknown command");
}
