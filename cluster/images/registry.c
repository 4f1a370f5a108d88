/* registry: a read-only image registry on the loopback.
 *
 *   registry FOLDER LIST [ADDRESS:PORT]      (127.0.0.1:5005)
 *
 * FOLDER/blobs/sha256/<hex> holds every blob and manifest, FOLDER/manifests
 * one line `image digest` for each image. LIST has one line
 * `registry/name image pattern` for each name that exists; a tag exists when
 * the pattern (extended, whole tag) fits. A name or tag that is not there is
 * answered 404, as a true registry does, so that a typo ends in a genuine
 * ImagePullBackOff. containerd tells the registry it meant in ?ns=.
 *
 * Threads: CivetWeb's workers, which only read the tables made at the start.
 * Memory: the tables live as long as the process. */
#define _GNU_SOURCE
#include <civetweb.h>
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 256, NAME_MAX_LENGTH = 256, HEX = 64 };

struct image {
    char name[NAME_MAX_LENGTH];
    char digest[HEX + 1];
};

struct entry {
    char name[NAME_MAX_LENGTH]; /* docker.io/library/nginx */
    const struct image *image;
    regex_t tags;
};

static struct image images[ENTRIES_MAX];
static size_t images_count;
static struct entry entries[ENTRIES_MAX];
static size_t entries_count;
static const char *folder;

static bool is_digest(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text) == 7 + HEX && strspn(text + 7, "0123456789abcdef") == HEX;
}

static const struct image *find_image(const char *name)
{
    for (size_t i = 0; i < images_count; i++) {
        if (strcmp(images[i].name, name) == 0) {
            return &images[i];
        }
    }
    return NULL;
}

static bool read_images(void)
{
    char path[4096];
    char name[NAME_MAX_LENGTH];
    char digest[128];

    snprintf(path, sizeof path, "%s/manifests", folder);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "registry: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (images_count < ENTRIES_MAX && fscanf(file, "%255s %127s", name, digest) == 2) {
        if (!is_digest(digest)) {
            fprintf(stderr, "registry: %s: '%s' is no digest\n", path, digest);
            fclose(file);
            return false;
        }
        strcpy(images[images_count].name, name);
        strcpy(images[images_count].digest, digest + 7);
        images_count++;
    }
    fclose(file);
    return true;
}

static bool read_list(const char *path)
{
    char line[1024];
    int number = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        fprintf(stderr, "registry: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char name[NAME_MAX_LENGTH];
        char image[NAME_MAX_LENGTH];
        char pattern[512];
        char whole[520];

        number++;
        line[strcspn(line, "#\n")] = '\0';
        int fields = sscanf(line, "%255s %255s %511s", name, image, pattern);
        if (fields <= 0) {
            continue;
        }
        struct entry *entry = &entries[entries_count];
        snprintf(whole, sizeof whole, "^(%s)$", pattern);
        if (fields != 3 || entries_count == ENTRIES_MAX || (entry->image = find_image(image)) == NULL ||
            regcomp(&entry->tags, whole, REG_EXTENDED | REG_NOSUB) != 0) {
            fprintf(stderr, "registry: %s:%d: want `name image pattern`, an image that was built and a pattern that compiles\n", path, number);
            fclose(file);
            return false;
        }
        strcpy(entry->name, name);
        entries_count++;
    }
    fclose(file);
    return true;
}

static int refuse(struct mg_connection *connection, const char *code, const char *message)
{
    char body[512];
    int length = snprintf(body, sizeof body, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}\n", code, message);

    mg_printf(connection,
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\r\n", length);
    if (strcmp(mg_get_request_info(connection)->request_method, "HEAD") != 0) {
        mg_write(connection, body, (size_t)length);
    }
    return 404;
}

static int send_blob(struct mg_connection *connection, const char *hex, const char *type)
{
    char path[4096];
    char chunk[8192]; /* a worker's stack has 100 KiB */
    struct stat facts;

    snprintf(path, sizeof path, "%s/blobs/sha256/%s", folder, hex);
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &facts) != 0) {
        if (file != NULL) {
            fclose(file);
        }
        return refuse(connection, "BLOB_UNKNOWN", "no such blob");
    }
    mg_printf(connection,
        "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %lld\r\nDocker-Content-Digest: sha256:%s\r\n"
        "Docker-Distribution-Api-Version: registry/2.0\r\n\r\n",
        type, (long long)facts.st_size, hex);
    if (strcmp(mg_get_request_info(connection)->request_method, "HEAD") != 0) {
        size_t got;
        while ((got = fread(chunk, 1, sizeof chunk, file)) > 0 && mg_write(connection, chunk, got) > 0) {
        }
    }
    fclose(file);
    return 200;
}

static int send_manifest(struct mg_connection *connection, const char *host, const char *name, const char *reference)
{
    char full[2 * NAME_MAX_LENGTH];

    snprintf(full, sizeof full, "%s/%s", host, name);
    for (size_t i = 0; i < entries_count; i++) {
        const struct entry *entry = &entries[i];
        if (strcmp(entry->name, full) != 0) {
            continue;
        }
        bool fits = is_digest(reference) ? strcmp(entry->image->digest, reference + 7) == 0 : regexec(&entry->tags, reference, 0, NULL, 0) == 0;
        if (fits) {
            return send_blob(connection, entry->image->digest, "application/vnd.oci.image.manifest.v1+json");
        }
    }
    return refuse(connection, "MANIFEST_UNKNOWN", "no such image or tag");
}

static int answer(struct mg_connection *connection, void *data)
{
    const struct mg_request_info *request = mg_get_request_info(connection);
    const char *method = request->request_method;
    char host[NAME_MAX_LENGTH] = "docker.io";
    char name[NAME_MAX_LENGTH];

    (void)data;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        mg_printf(connection, "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\n\r\n");
        return 405;
    }
    const char *path = request->local_uri;
    if (strcmp(path, "/v2/") == 0 || strcmp(path, "/v2") == 0) {
        mg_printf(connection,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\r\n%s",
            strcmp(method, "HEAD") == 0 ? "" : "{}");
        return 200;
    }
    if (request->query_string != NULL) {
        mg_get_var(request->query_string, strlen(request->query_string), "ns", host, sizeof host);
    }
    if (strncmp(path, "/v2/", 4) == 0) {
        path += 4;
        const char *manifests = strstr(path, "/manifests/");
        const char *blobs = strstr(path, "/blobs/");
        const char *cut = manifests != NULL ? manifests : blobs;
        if (cut != NULL && (size_t)(cut - path) < sizeof name) {
            memcpy(name, path, (size_t)(cut - path));
            name[cut - path] = '\0';
            if (manifests != NULL) {
                return send_manifest(connection, host, name, manifests + strlen("/manifests/"));
            }
            if (is_digest(blobs + strlen("/blobs/"))) {
                return send_blob(connection, blobs + strlen("/blobs/sha256:"), "application/octet-stream");
            }
        }
    }
    return refuse(connection, "NAME_UNKNOWN", "nothing is here");
}

int main(int count, char **arguments)
{
    const char *address = count > 3 ? arguments[3] : "127.0.0.1:5005";
    const char *options[] = {"listening_ports", address, "num_threads", "8", "request_timeout_ms", "10000", "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "5000", NULL};
    sigset_t signals;
    int number;

    if (count < 3) {
        fprintf(stderr, "usage: registry FOLDER LIST [ADDRESS:PORT]\n");
        return 2;
    }
    folder = arguments[1];
    if (!read_images() || !read_list(arguments[2])) {
        return 1;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before the workers start: they inherit it */
    mg_init_library(0);
    struct mg_context *server = mg_start(NULL, NULL, options);
    if (server == NULL) {
        fprintf(stderr, "registry: cannot listen on %s\n", address);
        return 1;
    }
    mg_set_request_handler(server, "/", answer, NULL);
    fprintf(stderr, "registry: %zu names of %zu images on %s\n", entries_count, images_count, address);
    sigwait(&signals, &number);
    mg_stop(server);
    return 0;
}
