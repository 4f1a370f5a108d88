/* cmd_user: `makmal user add|key|workshop|setup-link`: people and workshops from the command line, on the database of a server that does not run. */
#ifndef MAKMAL_APP_CMD_USER_H
#define MAKMAL_APP_CMD_USER_H
/* argv[0] is "user". Exit: 0 done, 2 wrong use or refused (the server runs, the name is taken), 3 our fault. */
int cmd_user(int argc, char **argv);
#endif
