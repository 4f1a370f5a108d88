/* cmd_serve: `makmal serve`: starts, prints the address and (while there is no administrator) the one-time link, stops on a signal.
 * `makmal confirm`: asks whether the cluster of --kubeconfig is meant, and nothing else; for scripts that start the server in the background. */
#ifndef MAKMAL_APP_CMD_SERVE_H
#define MAKMAL_APP_CMD_SERVE_H
int cmd_serve(int argc, char **argv);
int cmd_confirm(int argc, char **argv);
#endif
