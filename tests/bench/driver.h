/* driver: the peer of provisioning: a few lines of bare libcurl that send prepared calls to the API server, all at once, over one kept HTTP/2
 * connection, and wait for their answers. No retries, no limits, no reading of answers: what the design allows at best. One thread. */
#ifndef MAKMAL_BENCH_DRIVER_H
#define MAKMAL_BENCH_DRIVER_H
#include <stdbool.h>
#include <stddef.h>
struct kube_config;
#define DRIVER_CALLS 40
struct driver;
struct driver_call {
  const char *method, *path /* query included */, *content_type /* NULL: JSON */, *body /* or NULL */;
  int status;                          /* out; 0: no answer */
  char *answer; size_t length, room;   /* out; kept between rounds, freed by who owns the call */
};
struct driver *driver_open(const struct kube_config *config);
/* Sends all calls and returns when all are answered. */
void driver_send(struct driver *driver, struct driver_call *calls, size_t count);
void driver_close(struct driver *driver);
#endif
