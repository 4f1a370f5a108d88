/* job: one job of the server's, from its frame to `done`: reads files, lists what a script declares, or runs it. */
#ifndef MAKMAL_CHECK_WORKER_JOB_H
#define MAKMAL_CHECK_WORKER_JOB_H
#include <stdbool.h>

struct arena; struct tree; struct wire_frame; struct wire_reader;

/* false: the pipe is closed or has said something that is no job; the process ends. */
bool job_do(struct arena *arena, struct wire_reader *in, int out_fd, const struct wire_frame *job);
#endif
