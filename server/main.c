/* main: the door. Finds the subcommand, nothing else. */
#include "app/cmd.h"

int main(int argc, char **argv) { return cmd_main(argc, argv); }
