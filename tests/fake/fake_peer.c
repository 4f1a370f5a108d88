/* fake_peer: see the header. A thread accepts, one more for each connection. Certificates are made anew for each peer. */
#include "fake_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 512
#define ASK_ROOM (1 << 20)

struct fake_peer_line { struct fake_peer *peer; SSL *ssl; int fd, number; pthread_t thread; bool broken; };
struct fake_peer {
  fake_peer_answer answer; void *ctx;
  SSL_CTX *tls;
  char *ca, *cert, *key;
  int port, listener, wake[2];
  pthread_t thread;
  bool down;
  struct fake_peer_line *lines[CONNECTIONS]; int count;
};

static void must(bool ok, const char *what) {
  if (ok) return;
  perror(what);
  abort();
}

/* --- certificates ----------------------------------------------------------------------------------------------------------------------------- */
static char *pem_of(X509 *cert, EVP_PKEY *key) {
  BIO *bio = BIO_new(BIO_s_mem());
  char *data;
  if (cert) PEM_write_bio_X509(bio, cert);
  else PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
  long length = BIO_get_mem_data(bio, &data);
  char *text = strndup(data, (size_t)length);
  BIO_free(bio);
  return text;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
  must(extension != NULL, value);
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

static X509 *certify(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, const char *names) {
  static long serial = 1;
  X509 *cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
  X509_set_pubkey(cert, key);
  if (!issuer) extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE"), extend(cert, cert, NID_subject_key_identifier, "hash");
  else extend(cert, issuer, NID_authority_key_identifier, "keyid:always");
  if (names) extend(cert, issuer, NID_subject_alt_name, names);
  must(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()) > 0, "X509_sign");
  return cert;
}

static void make_certificates(struct fake_peer *peer) {
  EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256"), *client_key = EVP_EC_gen("P-256");
  X509 *ca = certify("peer authority", ca_key, NULL, NULL, NULL), *cert = certify("peer", key, ca, ca_key, "IP:127.0.0.1,DNS:peer.test");
  X509 *client = certify("platform", client_key, ca, ca_key, NULL);
  peer->ca = pem_of(ca, NULL);
  peer->cert = pem_of(client, NULL);
  peer->key = pem_of(NULL, client_key);
  peer->tls = SSL_CTX_new(TLS_server_method());
  must(SSL_CTX_use_certificate(peer->tls, cert) == 1 && SSL_CTX_use_PrivateKey(peer->tls, key) == 1, "server certificate");
  X509_STORE_add_cert(SSL_CTX_get_cert_store(peer->tls), ca);
  SSL_CTX_add_client_CA(peer->tls, ca);
  SSL_CTX_set_verify(peer->tls, SSL_VERIFY_PEER, NULL);       /* asks for a certificate, takes none as well */
  SSL_CTX_set_session_id_context(peer->tls, (const unsigned char *)"peer", 4);
  X509_free(ca), X509_free(cert), X509_free(client);
  EVP_PKEY_free(ca_key), EVP_PKEY_free(key), EVP_PKEY_free(client_key);
}

/* --- a connection ----------------------------------------------------------------------------------------------------------------------------- */
static void put(struct fake_peer_line *line, const char *bytes, size_t length) {
  if (!line->broken && length && SSL_write(line->ssl, bytes, (int)length) <= 0) line->broken = true;
}

static void put_text(struct fake_peer_line *line, const char *text) { put(line, text, strlen(text)); }

void fake_peer_say(struct fake_peer_line *line, int status, const char *more_head, const char *body) {
  char head[256];
  snprintf(head, sizeof head, "HTTP/1.1 %d Word\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", status, strlen(body));
  put_text(line, head);
  put_text(line, more_head);
  put_text(line, "\r\n");
  put_text(line, body);
}

void fake_peer_begin(struct fake_peer_line *line, const char *more_head) {
  put_text(line, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
  put_text(line, more_head);
  put_text(line, "\r\n");
}

void fake_peer_chunk(struct fake_peer_line *line, const char *text) {
  char head[32];
  snprintf(head, sizeof head, "%zx\r\n", strlen(text));
  put_text(line, head);
  put_text(line, text);
  put_text(line, "\r\n");
}

void fake_peer_end(struct fake_peer_line *line) { put_text(line, "0\r\n\r\n"); }

bool fake_peer_hold(struct fake_peer_line *line, int ms) {
  struct pollfd two[2] = {{.fd = line->fd, .events = POLLIN}, {.fd = line->peer->wake[0], .events = POLLIN}};
  if (SSL_pending(line->ssl)) return !poll(NULL, 0, ms);
  return poll(two, 2, ms) == 0 && !line->broken;
}

static bool serve_one(struct fake_peer_line *line, char *room, const char *certificate) {
  size_t n = 0, length = 0;
  char *end = NULL;
  while (!end) {
    int got = SSL_read(line->ssl, room + n, (int)(ASK_ROOM - 1 - n));
    if (got <= 0) return false;
    n += (size_t)got;
    room[n] = 0;
    end = strstr(room, "\r\n\r\n");
  }
  *end = 0;
  char *body = end + 4, *head = strstr(room, "\r\n"), *size = strcasestr(room, "\r\ncontent-length:");
  if (size) length = strtoul(size + 17, NULL, 10);
  while ((size_t)(room + n - body) < length) {
    int got = SSL_read(line->ssl, room + n, (int)(ASK_ROOM - 1 - n));
    if (got <= 0) return false;
    n += (size_t)got;
  }
  body[length] = 0;
  if (!head) head = end;
  else *head = 0, head += 2;
  char *method = room, *path = strchr(room, ' '), *version = path ? strchr(path + 1, ' ') : NULL;
  if (!version) return false;
  *path++ = 0;
  *version = 0;
  const struct fake_peer_ask ask = {method, path, head, body, length, certificate, SSL_session_reused(line->ssl) == 1, line->number};
  return line->peer->answer(line->peer->ctx, &ask, line) && !line->broken;
}

static void *line_main(void *ctx) {
  struct fake_peer_line *line = ctx;
  char *room = malloc(ASK_ROOM), name[64] = "";
  if (SSL_accept(line->ssl) == 1) {
    X509 *cert = SSL_get1_peer_certificate(line->ssl);
    if (cert) X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    while (serve_one(line, room, *name ? name : NULL)) {}
  }
  free(room);
  shutdown(line->fd, SHUT_RDWR);
  return NULL;
}

/* --- the peer --------------------------------------------------------------------------------------------------------------------------------- */
static void *accept_main(void *ctx) {
  struct fake_peer *peer = ctx;
  for (;;) {
    struct pollfd two[2] = {{.fd = peer->listener, .events = POLLIN}, {.fd = peer->wake[0], .events = POLLIN}};
    if (poll(two, 2, -1) < 0 || two[1].revents) return NULL;
    int fd = accept(peer->listener, NULL, NULL);
    if (fd < 0) continue;
    struct fake_peer_line *line = calloc(1, sizeof *line);
    line->peer = peer;
    line->fd = fd;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    line->ssl = SSL_new(peer->tls);
    SSL_set_fd(line->ssl, fd);
    must(peer->count < CONNECTIONS, "connections");
    line->number = peer->count + 1;
    peer->lines[peer->count++] = line;
    must(pthread_create(&line->thread, NULL, line_main, line) == 0, "pthread_create");
  }
}

void fake_peer_up(struct fake_peer *peer) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)peer->port)};
  socklen_t length = sizeof address;
  int on = 1;
  peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  must(bind(peer->listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(peer->listener, 64) == 0, "listen");
  getsockname(peer->listener, (struct sockaddr *)&address, &length);
  peer->port = ntohs(address.sin_port);
  must(pipe(peer->wake) == 0, "pipe");
  must(pthread_create(&peer->thread, NULL, accept_main, peer) == 0, "pthread_create");
  peer->down = false;
}

void fake_peer_down(struct fake_peer *peer) {
  if (peer->down) return;
  peer->down = true;
  close(peer->wake[1]);
  pthread_join(peer->thread, NULL);
  close(peer->listener);
  for (int i = 0; i < peer->count; i++) shutdown(peer->lines[i]->fd, SHUT_RDWR);
  for (int i = 0; i < peer->count; i++) {
    struct fake_peer_line *line = peer->lines[i];
    pthread_join(line->thread, NULL);
    SSL_free(line->ssl);
    close(line->fd);
    free(line);
  }
  peer->count = 0;
  close(peer->wake[0]);
}

struct fake_peer *fake_peer_open(fake_peer_answer answer, void *ctx) {
  struct fake_peer *peer = calloc(1, sizeof *peer);
  signal(SIGPIPE, SIG_IGN);
  peer->answer = answer;
  peer->ctx = ctx;
  make_certificates(peer);
  fake_peer_up(peer);
  return peer;
}

void fake_peer_close(struct fake_peer *peer) {
  if (!peer) return;
  fake_peer_down(peer);
  SSL_CTX_free(peer->tls);
  free(peer->ca), free(peer->cert), free(peer->key);
  free(peer);
}

int fake_peer_port(const struct fake_peer *peer) { return peer->port; }
const char *fake_peer_ca(const struct fake_peer *peer) { return peer->ca; }
const char *fake_peer_client_cert(const struct fake_peer *peer) { return peer->cert; }
const char *fake_peer_client_key(const struct fake_peer *peer) { return peer->key; }
