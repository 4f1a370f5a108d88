// gap: how long a Pod that a policy shuts is open at its start. The same program does both sides, with UDP, whose every datagram asks the firewall anew
// as long as none comes back; so each side sends from another port than it listens on.
//   gap watch PORT BASE FIRST COUNT   counts what comes in from whom, and sends to the COUNT addresses from FIRST on after BASE (10.244.0.0), until SIGTERM
//   gap ask ADDRESS PORT NAME SECONDS sends its NAME to ADDRESS, counts what comes in; at the end tells both (for SECONDS)
// One line for each peer: `NAME first_ms last_ms count`, times since the epoch.
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { EVERY_MS = 2, PEERS = 512, NAME = 64 };

struct peer {
  char name[NAME];
  long long first, last, count;
};
static struct peer peers[PEERS];
static volatile sig_atomic_t ended;

static void end(int signal_number) { (void)signal_number, ended = 1; }

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

// open_socket: PORT 0 is any.
static int open_socket(unsigned port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
    perror("gap");
    exit(2);
  }
  return fd;
}

static void send_to(int fd, unsigned long address, unsigned port, const char *text) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl((unsigned)address)};
  (void)!sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to); // a refusal is what is hoped for
}

static void note(const char *name) {
  for (struct peer *p = peers; p < peers + PEERS; p++) {
    if (p->count && strcmp(p->name, name)) continue;
    if (!p->count) snprintf(p->name, sizeof p->name, "%s", name), p->first = now_ms();
    p->last = now_ms();
    p->count++;
    return;
  }
}

static void take(int fd) {
  char text[NAME];
  ssize_t n;
  while ((n = recv(fd, text, sizeof text - 1, 0)) >= 0 || errno == ECONNREFUSED) {
    if (n < 0) continue;
    text[n] = 0;
    note(text);
  }
}

int main(int argc, char **argv) {
  bool watch = argc == 6 && !strcmp(argv[1], "watch"), ask = argc == 6 && !strcmp(argv[1], "ask");
  if (!watch && !ask) return fprintf(stderr, "gap watch PORT BASE FIRST COUNT | gap ask ADDRESS PORT NAME SECONDS\n"), 2;
  unsigned port = (unsigned)atoi(argv[watch ? 2 : 3]);
  unsigned long base = ntohl(inet_addr(argv[watch ? 3 : 2])), first = watch ? strtoul(argv[4], NULL, 10) : 0, count = watch ? strtoul(argv[5], NULL, 10) : 1;
  const char *name = watch ? "watch" : argv[4];
  long long start = now_ms(), until = ask ? start + atoll(argv[5]) * 1000 : 0;
  int fd = open_socket(port), out = open_socket(0);
  signal(SIGTERM, end);
  signal(SIGINT, end);
  while (!ended && (watch || now_ms() < until)) {
    for (unsigned long i = first; i < first + count; i++) send_to(out, base + i, port, name);
    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, EVERY_MS);
    take(fd);
    nanosleep(&(struct timespec){.tv_nsec = EVERY_MS * 1000000L}, NULL);
  }
  for (const struct peer *p = peers; p < peers + PEERS && p->count; p++) printf("%s %lld %lld %lld\n", p->name, p->first, p->last, p->count);
  if (ask) printf("%s started %lld\n", name, start);
  return 0;
}
