/* burn: a web server whose every answer costs processor time, to have something to scale.
 *
 * Any request is answered `OK!` after square roots worth BURN_MS (50) milliseconds of processor, counted on the thread's own clock: the cost of a
 * request is the same on a fast machine, a slow one, and under a CPU limit, where only the answer comes later. PORT (80) is the port.
 * Threads: one for each connection, detached, sharing nothing. Memory: none beyond the stacks. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

enum { REQUEST_MAX = 16384, BATCH = 10000 };

static long burn_ms = 50;

static long used_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void burn(void)
{
    volatile double x = 0.0001; /* volatile: the roots are really drawn */

    while (used_ms() < burn_ms) { /* the thread begins at 0 and ends with its connection */
        for (int i = 0; i < BATCH; i++) {
            x = x + sqrt(x);
        }
    }
}

static void *serve(void *argument)
{
    int connection = (int)(long)argument;
    char request[REQUEST_MAX + 1];
    size_t used = 0;
    struct timeval limit = {.tv_sec = 10};
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 3\r\nConnection: close\r\n\r\nOK!";

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    request[0] = '\0';
    while (used < REQUEST_MAX && strstr(request, "\r\n\r\n") == NULL) {
        ssize_t got = recv(connection, request + used, REQUEST_MAX - used, 0);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
        request[used] = '\0';
    }
    if (strstr(request, "\r\n\r\n") != NULL) { /* a caller who only knocks (a TCP probe) costs nothing */
        size_t length = sizeof answer - 1 - (strncmp(request, "HEAD ", 5) == 0 ? 3 : 0);
        burn();
        for (size_t sent = 0; sent < length;) {
            ssize_t wrote = send(connection, answer + sent, length - sent, MSG_NOSIGNAL);
            if (wrote <= 0 && errno != EINTR) {
                break;
            }
            sent += wrote > 0 ? (size_t)wrote : 0;
        }
    }
    shutdown(connection, SHUT_WR);
    close(connection);
    return NULL;
}

static void end_now(int number)
{
    (void)number;
    _exit(0);
}

/* number NAME DEFAULT MOST: what the environment says, or the end with a sentence. */
static long number(const char *name, long otherwise, long most)
{
    const char *text = getenv(name);
    char *end = NULL;
    long value = text == NULL ? otherwise : strtol(text, &end, 10);

    if ((text != NULL && (end == text || *end != '\0')) || value < 1 || value > most) {
        fprintf(stderr, "burn: %s is '%s'; it must be a number from 1 to %ld\n", name, text, most);
        exit(2);
    }
    return value;
}

int main(void)
{
    long port = number("PORT", 80, 65535);

    burn_ms = number("BURN_MS", 50, 60000);
    signal(SIGTERM, end_now);
    signal(SIGINT, end_now);

    int door;
    const char *why = door_open(port, &door);
    if (why != NULL) {
        fprintf(stderr, "burn: port %ld: %s\n", port, why);
        return 1;
    }
    fprintf(stderr, "burn: listens on port %ld, %ld ms of processor for each request\n", port, burn_ms);
    door_serve(door, serve);
}
