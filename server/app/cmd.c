/* cmd: the table of subcommands. What a command needs it opens itself. */
#include "app/cmd.h"

#include <stdio.h>
#include <string.h>

#include "app/cmd_doctor.h"
#include "app/cmd_grade.h"
#include "app/cmd_lint.h"
#include "app/cmd_prove.h"
#include "app/cmd_replay.h"
#include "app/cmd_routes.h"
#include "app/cmd_serve.h"
#include "app/cmd_user.h"

static const struct command { const char *name; int (*run)(int argc, char **argv); const char *help; } commands[] = {
  {"serve", cmd_serve, "serve the courses: pages, labs, grading"},
  {"grade", cmd_grade, "grade hand-ins, a class of them, or a live namespace, without a server"},
  {"lint", cmd_lint, "mistakes in labs and modules, with their cure"},
  {"prove", cmd_prove, "run the cases of every lab"},
  {"replay", cmd_replay, "grade stored hand-ins again out of their evidence, and tell what differs"},
  {"user", cmd_user, "people and workshops from the command line"},
  {"doctor", cmd_doctor, "what is wrong here, and the cure"},
  {"confirm", cmd_confirm, "show the cluster of a kubeconfig and ask whether it is meant"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static void list(FILE *out) {
  fprintf(out, "usage: makmal COMMAND [options]\n\n");
  for (size_t i = 0; i < COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
  fprintf(out, "\n  makmal COMMAND --help    what the command takes\n  makmal --version         with the versions of all libraries\n"
               "  makmal --routes          every address the server answers at\n\n"
               "exit status: 0 done, 1 something did not pass or differs, 2 wrong use, 3 our own fault; a command's --help says more\n");
}

int cmd_main(int argc, char **argv) {
  if (argc < 2) {
    list(stderr);
    return 2;
  }
  const char *name = argv[1];
  if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
    list(stdout);
    return 0;
  }
  if (!strcmp(name, "--version")) return cmd_version();
  if (!strncmp(name, "--routes", 8) && (!name[8] || name[8] == '=')) return cmd_routes(name[8] ? name + 9 : "text");
  for (size_t i = 0; i < COMMANDS; i++) if (!strcmp(name, commands[i].name)) return commands[i].run(argc - 1, argv + 1);
  fprintf(stderr, "makmal: there is no command %s; makmal --help lists them\n", name);
  return 2;
}
