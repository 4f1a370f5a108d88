/* cmd_lint: `makmal lint [FOLDER]`: mistakes in labs, a line each: file:line: sentence with the cure. */
#ifndef MAKMAL_APP_CMD_LINT_H
#define MAKMAL_APP_CMD_LINT_H
/* Exit status: 0 nothing to mend, 1 something to mend, 2 wrong use, 3 our fault. */
int cmd_lint(int argc, char **argv);
#endif
