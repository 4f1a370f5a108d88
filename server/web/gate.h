/* gate: what happens before and after every handler, in this order: match, method, size, viewer, role, Origin and token, rate, bind the body, handler,
 * bind the reply, one log line. Ownership of rows is asked in `domain`, which takes the viewer. Any thread. */
#ifndef MAKMAL_WEB_GATE_H
#define MAKMAL_WEB_GATE_H
#include <stdbool.h>
#include "web/http.h"
#define GATE_LOGIN_RATE 20              /* requests a second of one login, and its burst */
#define GATE_LOGIN_BURST 60
#define GATE_ADDRESS_RATE 30            /* of one address without a login: a room often shares one */
#define GATE_ADDRESS_BURST 120
struct gate;
struct gate *gate_open(bool rates);     /* rates false: none (benchmarks alone) */
void gate_close(struct gate *gate);
/* Fills *out for req, whatever happens. Called by http.c, and by tests without a socket. */
void gate_handle(struct req *req, struct reply *out);
/* The same for a request that was refused before: an error in the viewer's language, as page or JSON. */
void gate_refuse(struct req *req, const struct err *err, struct reply *out);
/* After the answer has gone out: log line, counts, the login's activity; closes reader and edition. */
void gate_done(struct req *req, const struct reply *out, bool sent);
int gate_status(const struct err *err); /* HTTP status of an error */
#endif
