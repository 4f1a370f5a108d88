/* cmd_grade: `makmal grade LAB PATH…`: each PATH is one submission, a file or a folder of *.yaml. Without a server, a database or a cluster. */
#ifndef MAKMAL_APP_CMD_GRADE_H
#define MAKMAL_APP_CMD_GRADE_H
/* argv[0] is "grade". Exit: 0 all passed, 1 some did not, 2 wrong use, 3 our fault. */
int cmd_grade(int argc, char **argv);
#endif
