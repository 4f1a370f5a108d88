/* cmd_doctor: `makmal doctor`: what is wrong here, one line each, with its cure. Takes the settings of serve. */
#ifndef MAKMAL_APP_CMD_DOCTOR_H
#define MAKMAL_APP_CMD_DOCTOR_H
int cmd_doctor(int argc, char **argv);
#endif
