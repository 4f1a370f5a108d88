/* cmd: the table of subcommands, each {name, run, one line of help}. */
#ifndef MAKMAL_APP_CMD_H
#define MAKMAL_APP_CMD_H
/* Finds the subcommand and runs it; prints the list for --help, the version for --version. Returns the exit status: 0 done, 1 something did not pass, 2 wrong use, 3 our fault. */
int cmd_main(int argc, char **argv);
#endif
