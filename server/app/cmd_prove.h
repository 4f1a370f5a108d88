/* cmd_prove: `makmal prove [LAB…]`: every lab's cases; on a cluster when one is named. */
#ifndef MAKMAL_APP_CMD_PROVE_H
#define MAKMAL_APP_CMD_PROVE_H
int cmd_prove(int argc, char **argv);       /* argv[0] is "prove" */
#endif
