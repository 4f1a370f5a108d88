/* fake_peer: a server on loopback that speaks TLS and HTTP/1.1 and says what the test tells it, for the kube floor's faults: an API server that is
 * slow, cuts off, shows another certificate, answers 410. It makes its own authority, certificate (127.0.0.1, peer.test) and a client certificate.
 *
 * The answer function runs on the connection's thread, several at once; no cmocka assertions in it (they jump): note what is wrong and look later. */
#ifndef MAKMAL_TESTS_FAKE_PEER_H
#define MAKMAL_TESTS_FAKE_PEER_H
#include <stdbool.h>
#include <stddef.h>
struct fake_peer; struct fake_peer_line;

struct fake_peer_ask {
  const char *method, *path;      /* path with its query */
  const char *head;               /* all header lines */
  const char *body; size_t length;
  const char *certificate;        /* common name of the client's certificate, or NULL */
  bool resumed;                   /* the TLS session was taken up again */
  int connection;                 /* 1, 2, … */
};
/* Writes the answer with the functions below. False: cut the connection. */
typedef bool (*fake_peer_answer)(void *ctx, const struct fake_peer_ask *ask, struct fake_peer_line *line);

struct fake_peer *fake_peer_open(fake_peer_answer answer, void *ctx);
void fake_peer_close(struct fake_peer *peer);
void fake_peer_down(struct fake_peer *peer);              /* refuses, and cuts all connections */
void fake_peer_up(struct fake_peer *peer);                /* on the same port again */
int fake_peer_port(const struct fake_peer *peer);
const char *fake_peer_ca(const struct fake_peer *peer);   /* PEM, as the two below */
const char *fake_peer_client_cert(const struct fake_peer *peer);   /* common name "platform" */
const char *fake_peer_client_key(const struct fake_peer *peer);

void fake_peer_say(struct fake_peer_line *line, int status, const char *more_head, const char *body);   /* more_head: "Retry-After: 1\r\n" or "" */
void fake_peer_begin(struct fake_peer_line *line, const char *more_head);   /* a 200 in chunks: then any number of chunks, then the end */
void fake_peer_chunk(struct fake_peer_line *line, const char *text);
void fake_peer_end(struct fake_peer_line *line);
bool fake_peer_hold(struct fake_peer_line *line, int ms); /* waits so long; false at once when the peer goes down or the client has left */
#endif
