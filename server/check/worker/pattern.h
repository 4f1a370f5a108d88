/* pattern: Lua's own pattern functions with a budget (box.h has the table of them). */
#ifndef MAKMAL_CHECK_WORKER_PATTERN_H
#define MAKMAL_CHECK_WORKER_PATTERN_H
#define PATTERN_SUBJECT_MAX (64 * 1024)
#define PATTERN_STEPS_MAX 1000000          /* of one call */
#endif
