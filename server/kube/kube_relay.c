/* kube_relay: one TCP port passed byte for byte to the API server, so that a kubeconfig works from another machine while TLS stays end to end: we
 * see ciphertext, counts and times, nothing else. (Another one leads to Ingress, for browsers, where that was asked for.) One epoll thread owns all connections; the listener's fd and the wake-up are all that others touch.
 *
 * A connection has two pipes, up (learner to API server) and down. A pipe reads when it has room and, upwards, when its allowance lets it; it writes
 * what it holds; the end of one side is passed on when the pipe is empty. Both ended, an error, ten idle minutes or a target that does not answer
 * within three seconds: both sides are closed at once. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/wallclock.h"
#include "kube/kube.h"
#include "kube/kube_relay.h"

#define PIPE_ROOM (64u * 1024u)
#define SLICE (16 * 1024)         /* a learner above the limit is read in pieces no smaller */
#define ROUNDS 16                 /* then the others have their turn */
#define BATCH 64
#define LOOK_MS 100

struct side { struct link *link; int fd; uint32_t asked; };
struct pipe_of { unsigned char *bytes; size_t from, held; bool ended, told; };      /* ended: the reader saw the end; told: it was passed on */
struct link {
  struct side learner, server;
  struct pipe_of up, down;
  bool connecting, dead;
  double allowance; int64_t allowance_ms;       /* bytes the learner may send now */
  int64_t word_ms;                              /* last byte in either direction, or the start */
  struct link *next;
};

struct kube_relay {
  int listener, epoll, wake, port;
  struct sockaddr_storage target; socklen_t target_length;
  pthread_t thread;
  atomic_bool closing;
  struct link *links;
  int count;
  bool some_dead;
  bool full, deaf;                                /* full: no file was left for the last caller; deaf: the listener is not asked until look_around */
  int64_t looked_ms;
};

/* --- one pipe --------------------------------------------------------------------------------------------------------------------------------- */
/* Moves bytes while both sides allow it. False: the connection is broken. *budget (NULL: no limit) shrinks by what was read. */
static bool pump(struct link *link, struct pipe_of *pipe, int in, int out, double *budget) {
  for (int round = 0; round < ROUNDS; round++) {
    bool moved = false;
    if (!pipe->ended && pipe->held == 0 && (!budget || *budget >= SLICE)) {
      size_t room = budget && *budget < PIPE_ROOM ? (size_t)*budget : PIPE_ROOM;
      ssize_t n = recv(in, pipe->bytes, room, MSG_DONTWAIT);
      if (n == 0) pipe->ended = true;
      else if (n > 0) {
        pipe->from = 0;
        pipe->held = (size_t)n;
        if (budget) *budget -= (double)n;
        moved = true;
      } else if (errno != EAGAIN && errno != EINTR) return false;
    }
    if (pipe->held) {
      ssize_t n = send(out, pipe->bytes + pipe->from, pipe->held, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        pipe->from += (size_t)n;
        pipe->held -= (size_t)n;
        moved = true;
      } else if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    }
    if (pipe->ended && !pipe->held && !pipe->told) {
      if (shutdown(out, SHUT_WR) != 0 && errno != ENOTCONN) return false;
      pipe->told = true;
    }
    if (!moved) return true;
    link->word_ms = mono_ms();
  }
  return true;
}

static void kill_link(struct kube_relay *relay, struct link *link) {
  link->dead = true;
  relay->some_dead = true;
}

/* A side of which nothing is wanted is taken out: a hang-up is told even where nothing is asked, again and again. */
static void ask(struct kube_relay *relay, struct side *side, uint32_t events) {
  if (side->asked == events) return;
  struct epoll_event event = {.events = events, .data.ptr = side};
  if (epoll_ctl(relay->epoll, !events ? EPOLL_CTL_DEL : side->asked ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, side->fd, &event) != 0) kill_link(relay, side->link);
  side->asked = events;
}

static void refill(struct link *link) {
  int64_t now = mono_ms();
  link->allowance += (double)(now - link->allowance_ms) * KUBE_RELAY_UP / 1000;
  if (link->allowance > KUBE_RELAY_BURST) link->allowance = KUBE_RELAY_BURST;
  link->allowance_ms = now;
}

/* Moves what can be moved, then asks epoll for what is missing. A learner above the limit is not read until look_around finds him below it. */
static void serve(struct kube_relay *relay, struct link *link) {
  if (link->dead || link->connecting) return;
  refill(link);
  if (!pump(link, &link->up, link->learner.fd, link->server.fd, &link->allowance) || !pump(link, &link->down, link->server.fd, link->learner.fd, NULL) ||
      (link->up.told && link->down.told)) {
    kill_link(relay, link);
    return;
  }
  bool may_send = link->allowance >= SLICE;
  ask(relay, &link->learner, (!link->up.ended && !link->up.held && may_send ? EPOLLIN : 0) | (link->down.held ? EPOLLOUT : 0));
  ask(relay, &link->server, (!link->down.ended && !link->down.held ? EPOLLIN : 0) | (link->up.held ? EPOLLOUT : 0));
}

/* --- connections ------------------------------------------------------------------------------------------------------------------------------ */
static void link_free(struct link *link) {
  close(link->learner.fd);
  if (link->server.fd >= 0) close(link->server.fd);
  free(link->up.bytes);
  free(link->down.bytes);
  free(link);
}

static void no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void link_open(struct kube_relay *relay, int fd) {
  int server = socket(relay->target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (server < 0 || relay->count >= KUBE_RELAY_MOST) {
    if (server >= 0) close(server);
    close(fd);
    return;
  }
  no_delay(fd);
  no_delay(server);
  struct link *link = calloc(1, sizeof *link);
  if (!link || !(link->up.bytes = malloc(PIPE_ROOM)) || !(link->down.bytes = malloc(PIPE_ROOM))) abort();
  link->learner = (struct side){.link = link, .fd = fd};
  link->server = (struct side){.link = link, .fd = server};
  link->allowance = KUBE_RELAY_BURST;
  link->allowance_ms = link->word_ms = mono_ms();
  link->next = relay->links;
  relay->links = link;
  relay->count++;
  if (connect(server, (struct sockaddr *)&relay->target, relay->target_length) == 0) serve(relay, link);
  else if (errno == EINPROGRESS) {
    link->connecting = true;
    ask(relay, &link->server, EPOLLOUT);
  } else kill_link(relay, link);
}

static void on_event(struct kube_relay *relay, struct side *side, uint32_t events) {
  struct link *link = side->link;
  if (link->dead) return;
  if (link->connecting) {
    int problem = 0;
    socklen_t length = sizeof problem;
    getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
    link->connecting = false;
    if (problem) kill_link(relay, link);
  } else if (events & EPOLLERR) kill_link(relay, link);
  serve(relay, link);
}

/* The listener is readable as long as somebody waits: where he cannot be let in, epoll would say so for ever. He keeps waiting until look_around. */
static void hear(struct kube_relay *relay, bool on) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &relay->listener};
  if (relay->deaf == !on || epoll_ctl(relay->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, relay->listener, &event) != 0) return;
  relay->deaf = !on;
}

/* Frees the dead, ends the idle and the slow to connect, lets the throttled go on. */
static void look_around(struct kube_relay *relay) {
  int64_t now = mono_ms();
  if (!relay->some_dead && now - relay->looked_ms < LOOK_MS) return;
  relay->looked_ms = now;
  hear(relay, true);
  for (struct link **at = &relay->links; *at;) {
    struct link *link = *at;
    if (!link->dead && link->allowance < SLICE) serve(relay, link);
    if (now - link->word_ms > (link->connecting ? KUBE_RELAY_CONNECT_MS : KUBE_RELAY_IDLE_MS)) link->dead = true;
    if (!link->dead) {
      at = &link->next;
      continue;
    }
    *at = link->next;
    relay->count--;
    link_free(link);
  }
  relay->some_dead = false;
}

static void accept_all(struct kube_relay *relay) {
  for (int i = 0; i < BATCH; i++) {
    int fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      relay->full = false;
      link_open(relay, fd);
    } else if (errno == EAGAIN) return;
    else if (errno != EINTR && errno != ECONNABORTED) {     /* EMFILE, ENFILE, ENOBUFS, ENOMEM */
      if (!relay->full) log_warn("relay.full", "detail=\"%s\" says=\"who connects now waits until this process has closed something\"", strerror(errno));
      relay->full = true;
      hear(relay, false);
      return;
    }
  }
}

static void *relay_main(void *ctx) {
  struct kube_relay *relay = ctx;
  struct epoll_event events[BATCH];
  while (!atomic_load(&relay->closing)) {
    int n = epoll_wait(relay->epoll, events, BATCH, relay->links || relay->deaf ? LOOK_MS : 1000);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr == &relay->listener) accept_all(relay);
      else if (events[i].data.ptr != &relay->wake) on_event(relay, events[i].data.ptr, events[i].events);
    }
    look_around(relay);                                      /* nothing is freed before all its events were seen */
  }
  while (relay->links) {
    struct link *next = relay->links->next;
    link_free(relay->links);
    relay->links = next;
  }
  return NULL;
}

/* --- opening ---------------------------------------------------------------------------------------------------------------------------------- */
/* "127.0.0.1:7443", "[::1]:7443" */
static bool split(const char *listen_on, char host[256], char port[8]) {
  const char *colon = strrchr(listen_on, ':');
  size_t length = colon ? (size_t)(colon - listen_on) : 0;
  bool brackets = length >= 2 && listen_on[0] == '[' && listen_on[length - 1] == ']';
  if (!colon || length >= 256 || strlen(colon + 1) >= 8 || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1)) return false;
  snprintf(host, 256, "%.*s", (int)(length - (brackets ? 2 : 0)), listen_on + (brackets ? 1 : 0));
  snprintf(port, 8, "%s", colon + 1);
  return true;
}

static bool resolve(const char *host, const char *port, bool passive, struct sockaddr_storage *out, socklen_t *out_length) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)}, *found;
  if (getaddrinfo(*host ? host : NULL, port, &hints, &found) != 0) return false;
  memcpy(out, found->ai_addr, found->ai_addrlen);
  *out_length = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

static int listen_at(const char *listen_on) {
  char host[256], port[8];
  struct sockaddr_storage address;
  socklen_t length;
  int on = 1;
  if (!split(listen_on, host, port) || !resolve(host, port, true, &address, &length)) {
    errno = EINVAL;
    return -1;
  }
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, length) == 0 && listen(fd, 128) == 0) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

static int port_of(int fd) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
}

bool kube_relay_open(const char *listen_on, const char *target_host, int target_port, struct kube_relay **out, struct err *err) {
  struct kube_relay *relay = calloc(1, sizeof *relay);
  char port[16];
  if (!relay) abort();
  snprintf(port, sizeof port, "%d", target_port);
  if (!resolve(target_host, port, false, &relay->target, &relay->target_length)) {
    free(relay);
    err_set(err, ERR_UNAVAILABLE, "relay.target", "%s port %s", target_host, port);
    return err_param(err, "target", "%s:%s", target_host, port);
  }
  relay->listener = listen_at(listen_on);
  if (relay->listener < 0) {
    err_set(err, ERR_UNAVAILABLE, "relay.port", "%s: %s", listen_on, strerror(errno));
    free(relay);
    return err_param(err, "port", "%s", listen_on);
  }
  relay->port = port_of(relay->listener);
  relay->epoll = epoll_create1(EPOLL_CLOEXEC);
  relay->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event accepts = {.events = EPOLLIN, .data.ptr = &relay->listener}, wakes = {.events = EPOLLIN, .data.ptr = &relay->wake};
  if (relay->epoll < 0 || relay->wake < 0 || epoll_ctl(relay->epoll, EPOLL_CTL_ADD, relay->listener, &accepts) != 0 ||
      epoll_ctl(relay->epoll, EPOLL_CTL_ADD, relay->wake, &wakes) != 0) abort();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  if (pthread_create(&relay->thread, NULL, relay_main, relay) != 0) abort();
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_setname_np(relay->thread, "kube-relay");
  *out = relay;
  return true;
}

int kube_relay_port(const struct kube_relay *relay) { return relay->port; }

void kube_relay_close(struct kube_relay *relay) {
  if (!relay) return;
  uint64_t one = 1;
  atomic_store(&relay->closing, true);
  ssize_t n = write(relay->wake, &one, sizeof one);
  (void)n;                                                   /* the thread looks at `closing` each second anyway */
  pthread_join(relay->thread, NULL);
  close(relay->listener);
  close(relay->epoll);
  close(relay->wake);
  free(relay);
}
