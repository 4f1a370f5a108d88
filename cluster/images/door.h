/* door: the listening socket of the small web servers beside it, and a detached thread for each connection. */
#ifndef DOOR_H
#define DOOR_H
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Listens on all addresses at `port`; NULL, or what hinders it, to be said by the caller. The socket goes into *out. */
static const char *door_open(long port, int *out)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    *out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(*out, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return bind(*out, (struct sockaddr *)&address, sizeof address) != 0 || listen(*out, 128) != 0 ? strerror(errno) : NULL;
}

/* Hands each connection, as a number in the pointer, to a thread that runs `serve` and closes it. Does not return. */
static void door_serve(int door, void *(*serve)(void *))
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    for (;;) {
        pthread_t thread;
        int connection = accept4(door, NULL, NULL, SOCK_CLOEXEC);
        if (connection >= 0 && pthread_create(&thread, &attributes, serve, (void *)(long)connection) != 0) {
            close(connection);
        }
    }
}
#endif
