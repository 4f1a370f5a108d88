/* cmd_replay: makmal replay: stored hand-ins graded again out of their evidence; tells what differs, writes nothing. */
#ifndef MAKMAL_APP_CMD_REPLAY_H
#define MAKMAL_APP_CMD_REPLAY_H
int cmd_replay(int argc, char **argv);
#endif
