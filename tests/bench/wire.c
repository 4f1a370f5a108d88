/* wire: see the header. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

struct wire {
  struct wire *next, *before;          /* all of them */
  struct wire *idle_next;
  int fd, port;
  size_t who;
  bool stream, head_read, idle, reused;
  char *in; size_t length, room;       /* what has come */
  char *out; size_t out_length;        /* the request, until its answer begins */
  char event[32];
};

struct wires { struct wires_told told; int epoll; struct wire *first, *idle; struct wires_stats stats; };

struct wires *wires_new(const struct wires_told *told) {
  struct wires *wires = calloc(1, sizeof *wires);
  if (!wires) abort();
  wires->told = *told;
  wires->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (wires->epoll < 0) die("epoll: %s", strerror(errno));
  return wires;
}

static void unlist_idle(struct wires *wires, struct wire *wire) {
  if (!wire->idle) return;
  struct wire **at = &wires->idle;
  while (*at != wire) at = &(*at)->idle_next;
  *at = wire->idle_next;
  wire->idle = false;
}

static void end(struct wires *wires, struct wire *wire) {
  unlist_idle(wires, wire);
  if (wire->before) wire->before->next = wire->next;
  else wires->first = wire->next;
  if (wire->next) wire->next->before = wire->before;
  close(wire->fd);
  free(wire->in);
  free(wire->out);
  free(wire);
}

static struct wire *connected(struct wires *wires, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct wire *wire = calloc(1, sizeof *wire);
  int one = 1;
  if (!wire) abort();
  wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wire->port = port;
  if (wire->fd < 0) die("socket: %s", strerror(errno));
  setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(wire->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect to port %d: %s", port, strerror(errno));
  struct epoll_event want = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = wire};
  if (epoll_ctl(wires->epoll, EPOLL_CTL_ADD, wire->fd, &want)) die("epoll: %s", strerror(errno));
  wire->next = wires->first;
  if (wires->first) wires->first->before = wire;
  wires->first = wire;
  wires->stats.connections++;
  return wire;
}

/* Requests are a few KB, so they fit into an empty socket buffer; while the connection is still being made, they wait for it. */
static void push(struct wires *wires, struct wire *wire) {
  ssize_t n = send(wire->fd, wire->out, wire->out_length, MSG_NOSIGNAL);
  if (n == (ssize_t)wire->out_length) return;
  if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
    struct epoll_event want = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data.ptr = wire};
    epoll_ctl(wires->epoll, EPOLL_CTL_MOD, wire->fd, &want);
    return;
  }
  if (n >= 0) die("a request of %zu bytes went out in part", wire->out_length);
}

static void begin(struct wires *wires, struct wire *wire, size_t who, const char *request, size_t length) {
  wire->who = who;
  wire->length = 0;
  wire->head_read = false;
  free(wire->out);
  wire->out = malloc(length);
  if (!wire->out) abort();
  memcpy(wire->out, request, length);
  wire->out_length = length;
  push(wires, wire);
}

void wires_send(struct wires *wires, int port, size_t who, const char *request, size_t length) {
  struct wire *wire = wires->idle;
  while (wire && wire->port != port) wire = wire->idle_next;
  if (wire) unlist_idle(wires, wire);
  bool reused = wire;
  if (!wire) wire = connected(wires, port);
  wire->reused = reused;
  begin(wires, wire, who, request, length);
}

void wires_stream(struct wires *wires, int port, size_t who, const char *request, size_t length) {
  struct wire *wire = connected(wires, port);
  wire->stream = true;
  begin(wires, wire, who, request, length);
}

/* A header's value in a head that ends with an empty line, or NULL. */
static const char *header(const char *head, const char *name) {
  size_t n = strlen(name);
  for (const char *at = head; (at = strstr(at, "\r\n")) != NULL;) {
    at += 2;
    if (!strncasecmp(at, name, n) && at[n] == ':') return at + n + 1 + strspn(at + n + 1, " ");
  }
  return NULL;
}

static int status_of(const char *head) { return strncmp(head, "HTTP/1.1 ", 9) ? 0 : atoi(head + 9); }

static void drop_front(struct wire *wire, size_t n) {
  memmove(wire->in, wire->in + n, wire->length - n);
  wire->length -= n;
  wire->in[wire->length] = 0;
}

/* Lines of a stream: event, data, and an empty line at the end of each event. False: the wire has ended. */
static bool read_stream(struct wires *wires, struct wire *wire) {
  if (!wire->head_read) {
    char *stop = strstr(wire->in, "\r\n\r\n");
    if (!stop) return true;
    if (status_of(wire->in) != 200) {
      int status = status_of(wire->in);
      size_t who = wire->who;
      int port = wire->port;
      say("a stream was refused: %d %.200s", status, stop + 4);
      end(wires, wire);
      wires->told.stream_end(wires->told.ctx, port, who, status);
      return false;
    }
    drop_front(wire, (size_t)(stop + 4 - wire->in));
    wire->head_read = true;
  }
  size_t done = 0;
  for (char *stop; (stop = memchr(wire->in + done, '\n', wire->length - done)) != NULL;) {
    char *line = wire->in + done;
    *stop = 0;
    if (!strncmp(line, "event: ", 7)) snprintf(wire->event, sizeof wire->event, "%s", line + 7);
    else if (!strncmp(line, "data: ", 6)) wires->told.event(wires->told.ctx, wire->port, wire->who, wire->event, line + 6);
    done = (size_t)(stop + 1 - wire->in);
  }
  if (done) drop_front(wire, done);
  return true;
}

/* False: the wire has ended. */
static bool read_answer(struct wires *wires, struct wire *wire) {
  char *stop = strstr(wire->in, "\r\n\r\n");
  if (!stop) return true;
  const char *length = header(wire->in, "Content-Length"), *keep = header(wire->in, "Connection");
  size_t head = (size_t)(stop + 4 - wire->in), body = length ? (size_t)strtoul(length, NULL, 10) : 0;
  if (wire->length < head + body) return true;
  int status = status_of(wire->in);
  bool kept = !keep || strncasecmp(keep, "close", 5);
  wire->idle = kept;
  if (kept) {
    wire->idle_next = wires->idle;
    wires->idle = wire;
  }
  /* told last: it may send the next request over this very wire */
  char *copy = strndup(wire->in + head, body);
  size_t who = wire->who;
  int port = wire->port;
  wire->length = 0;
  if (!kept) end(wires, wire);
  wires->told.answer(wires->told.ctx, port, who, status, copy, body);
  free(copy);
  return kept;
}

static void closed(struct wires *wires, struct wire *wire) {
  size_t who = wire->who;
  int port = wire->port;
  if (wire->idle) {
    end(wires, wire);
  } else if (wire->stream) {
    end(wires, wire);
    wires->told.stream_end(wires->told.ctx, port, who, 0);
  } else if (wire->reused && !wire->length) {             /* it was closed for idleness just as we wrote */
    struct wire *again = connected(wires, port);
    wires->stats.sent_again++;
    begin(wires, again, who, wire->out, wire->out_length);
    end(wires, wire);
  } else {
    end(wires, wire);
    wires->told.answer(wires->told.ctx, port, who, 0, "", 0);
  }
}

static void readable(struct wires *wires, struct wire *wire) {
  for (;;) {
    if (wire->room - wire->length < 16384) {
      wire->room = wire->room ? 2 * wire->room : 32768;
      wire->in = realloc(wire->in, wire->room + 1);
      if (!wire->in) abort();
    }
    ssize_t n = recv(wire->fd, wire->in + wire->length, wire->room - wire->length, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      closed(wires, wire);
      return;
    }
    wire->length += (size_t)n;
    wire->in[wire->length] = 0;
    if (!(wire->stream ? read_stream(wires, wire) : read_answer(wires, wire))) return;
  }
}

void wires_turn(struct wires *wires, int64_t until_us) {
  struct epoll_event events[64];
  int64_t left = until_us - now_us();
  struct timespec wait = {.tv_sec = left > 0 ? left / 1000000 : 0, .tv_nsec = left > 0 ? left % 1000000 * 1000 : 0};
  int n = epoll_pwait2(wires->epoll, events, 1, &wait, NULL);      /* one at a time: handling one may end another */
  for (int i = 0; i < n; i++) {
    struct wire *wire = events[i].data.ptr;
    if (events[i].events & EPOLLOUT) {
      struct epoll_event want = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = wire};
      epoll_ctl(wires->epoll, EPOLL_CTL_MOD, wire->fd, &want);
      push(wires, wire);
    }
    if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable(wires, wire);
  }
}

void wires_stats(const struct wires *wires, struct wires_stats *out) { *out = wires->stats; }

void wires_free(struct wires *wires) {
  while (wires->first) end(wires, wires->first);
  close(wires->epoll);
  free(wires);
}
