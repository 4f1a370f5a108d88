/* whoami: a small web server that says which pod answers.
 *
 *   /            pod name, namespace, node, version, addresses, path, headers: a line each
 *   /json        the same as JSON (pod, namespace, node, version, address, path)
 *   /healthz     200 always
 *   /ready       200 or 503; POST /ready/off and /ready/on change it
 *   /slow?ms=N   answers after N milliseconds (30,000 at most)
 *   /visits      counts in $DATA_DIR/visits, or in memory
 *
 * PORT (80) is the port, WHOAMI_VERSION the version, WHOAMI_DELAY the seconds
 * until it listens (the image `slow`). --port N does what PORT does.
 * Threads: one for each connection, detached; they share `ready` and `visits`.
 * Memory: none beyond the stacks. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "door.h"

enum { REQUEST_MAX = 16384, ANSWER_MAX = 24576 };

static char pod[256];
static char space[256] = "";
static const char *node = "";
static const char *version = "1";
static atomic_bool ready = true;
static atomic_long visits;
static pthread_mutex_t visits_lock = PTHREAD_MUTEX_INITIALIZER;

struct answer {
    size_t used;
    char text[ANSWER_MAX];
};

__attribute__((format(printf, 2, 3))) static void add(struct answer *answer, const char *format, ...)
{
    va_list list;
    size_t room = sizeof answer->text - answer->used;

    va_start(list, format);
    int wrote = vsnprintf(answer->text + answer->used, room, format, list);
    va_end(list);
    if (wrote > 0) {
        answer->used += (size_t)wrote < room ? (size_t)wrote : room - 1;
    }
}

static void add_json(struct answer *answer, const char *text)
{
    add(answer, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            add(answer, "\\%c", c);
        } else if (c < 0x20) {
            add(answer, "\\u%04x", c);
        } else {
            add(answer, "%c", c);
        }
    }
    add(answer, "\"");
}

/* The namespace stands in the search line that the kubelet writes: NS.svc.DOMAIN. */
static void find_namespace(void)
{
    char line[1024];
    FILE *file = fopen("/etc/resolv.conf", "re");

    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char name[256];
        if (sscanf(line, "search %255[^. \n].svc.", name) == 1) {
            memcpy(space, name, sizeof space);
        }
    }
    fclose(file);
}

static long count_visit(void)
{
    const char *folder = getenv("DATA_DIR");
    char path[4096];
    long count = 0;

    if (folder == NULL || *folder == '\0') {
        return atomic_fetch_add(&visits, 1) + 1;
    }
    snprintf(path, sizeof path, "%s/visits", folder);
    pthread_mutex_lock(&visits_lock);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%ld", &count) != 1) {
            count = 0;
        }
        fclose(file);
    }
    count++;
    file = fopen(path, "we");
    if (file == NULL) {
        count = -1;
    } else {
        fprintf(file, "%ld\n", count);
        fclose(file);
    }
    pthread_mutex_unlock(&visits_lock);
    return count;
}

static void send_all(int connection, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(connection, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return;
        }
        text += sent;
        length -= (size_t)sent;
    }
}

static void reply(int connection, int status, const char *type, const char *body, size_t length, bool body_too)
{
    const char *word = status == 200 ? "OK" : status == 503 ? "Service Unavailable" : status == 404 ? "Not Found" : "Bad Request";
    char head[512];
    int wrote = snprintf(head, sizeof head,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\nX-Pod: %s\r\n\r\n", status, word, type, length, pod);

    send_all(connection, head, (size_t)wrote);
    if (body_too) {
        send_all(connection, body, length);
    }
}

static void address_text(int connection, bool peer, char text[INET_ADDRSTRLEN])
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;

    text[0] = '\0';
    if ((peer ? getpeername : getsockname)(connection, (struct sockaddr *)&address, &size) == 0) {
        inet_ntop(AF_INET, &address.sin_addr, text, INET_ADDRSTRLEN);
    }
}

static void say_who(struct answer *answer, int connection, const char *method, const char *path, const char *headers, bool json)
{
    char own[INET_ADDRSTRLEN];
    char peer[INET_ADDRSTRLEN];

    address_text(connection, false, own);
    address_text(connection, true, peer);
    if (json) {
        const char *pairs[][2] = {{"hostname", pod}, {"pod", pod}, {"namespace", space}, {"node", node}, {"version", version}, {"ip", own},
            {"from", peer}, {"method", method}, {"path", path}};
        for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
            add(answer, "%s\"%s\":", i == 0 ? "{" : ",", pairs[i][0]);
            add_json(answer, pairs[i][1]);
        }
        add(answer, "}\n");
        return;
    }
    add(answer, "Hostname: %s\nNamespace: %s\nNode: %s\nVersion: %s\nIP: %s\nRemoteAddr: %s\n%s %s HTTP/1.1\n", pod, space, node, version, own, peer, method, path);
    for (const char *p = headers; *p != '\0';) { /* as they came, without the carriage returns */
        if (*p != '\r') {
            add(answer, "%c", *p);
        }
        p++;
    }
}

static void *serve(void *argument)
{
    int connection = (int)(long)argument;
    char request[REQUEST_MAX + 1];
    char method[16];
    char path[2048];
    size_t used = 0;
    struct timeval limit = {.tv_sec = 10};
    struct answer *answer = calloc(1, sizeof *answer);

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
    char *end = strstr(request, "\r\n\r\n");
    if (answer == NULL || end == NULL || sscanf(request, "%15[A-Z] %2047s", method, path) != 2) {
        if (used > 0) {
            reply(connection, 400, "text/plain", "bad request\n", 12, true);
        }
    } else {
        bool body = strcmp(method, "HEAD") != 0;
        bool post = strcmp(method, "POST") == 0;
        int status = 200;
        const char *type = "text/plain; charset=utf-8";

        end[2] = '\0';
        char *headers = strstr(request, "\r\n");
        headers = headers == NULL ? end : headers + 2;
        if (strcmp(path, "/healthz") == 0) {
            add(answer, "ok\n");
        } else if (strcmp(path, "/ready") == 0) {
            status = atomic_load(&ready) ? 200 : 503;
            add(answer, "%s\n", status == 200 ? "ready" : "not ready");
        } else if (post && (strcmp(path, "/ready/off") == 0 || strcmp(path, "/ready/on") == 0)) {
            atomic_store(&ready, strcmp(path, "/ready/on") == 0);
            add(answer, "%s\n", atomic_load(&ready) ? "ready" : "not ready");
        } else if (strncmp(path, "/slow", 5) == 0) {
            const char *ms = strstr(path, "ms=");
            long wait = ms == NULL ? 1000 : strtol(ms + 3, NULL, 10);
            wait = wait < 0 ? 0 : wait > 30000 ? 30000 : wait;
            struct timespec pause_for = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
            nanosleep(&pause_for, NULL);
            add(answer, "after %ld ms\n", wait);
        } else if (strcmp(path, "/visits") == 0) {
            long count = count_visit();
            status = count < 0 ? 503 : 200;
            add(answer, "%ld\n", count);
        } else {
            bool json = strcmp(path, "/json") == 0 || strcmp(path, "/api") == 0;
            type = json ? "application/json" : type;
            say_who(answer, connection, method, path, headers, json);
        }
        reply(connection, status, type, answer->text, answer->used, body);
    }
    shutdown(connection, SHUT_WR);
    close(connection);
    free(answer);
    return NULL;
}

static void end_now(int number)
{
    (void)number;
    _exit(0);
}

int main(int count, char **arguments)
{
    const char *port_text = getenv("PORT");
    const char *delay = getenv("WHOAMI_DELAY");
    const char *text;

    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(arguments[i], "--port") == 0 || strcmp(arguments[i], "-port") == 0) {
            port_text = arguments[i + 1];
        }
    }
    long port = port_text == NULL ? 80 : strtol(port_text, NULL, 10);
    if (port < 1 || port > 65535) {
        fprintf(stderr, "whoami: '%s' is not a port\n", port_text);
        return 2;
    }
    signal(SIGTERM, end_now);
    signal(SIGINT, end_now);
    signal(SIGPIPE, SIG_IGN);
    if (gethostname(pod, sizeof pod - 1) != 0) {
        pod[0] = '\0';
    }
    find_namespace();
    if ((text = getenv("NODE_NAME")) != NULL) {
        node = text;
    }
    if ((text = getenv("WHOAMI_VERSION")) != NULL) {
        version = text;
    }
    if (delay != NULL && strtol(delay, NULL, 10) > 0) {
        fprintf(stderr, "whoami: starting, ready in %s s\n", delay);
        sleep((unsigned)strtol(delay, NULL, 10));
    }

    int door;
    const char *why = door_open(port, &door);
    if (why != NULL) {
        fprintf(stderr, "whoami: port %ld: %s\n", port, why);
        return 1;
    }
    fprintf(stderr, "whoami: version %s listens on port %ld\n", version, port);
    door_serve(door, serve);
}
