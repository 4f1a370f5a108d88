/* kube: the cluster as a dozen verbs on untyped objects. The port is a struct of function pointers so that tests may put a cluster in memory behind
 * it (tests/fake). kube_http.c fills it with libcurl: HTTP/2, kept connections, TLS pinned to the cluster's CA, no redirects, no proxy, size caps.
 * Any thread, but never the writer's (BUG). Every body is hostile text: capped, parsed strictly by base/tree. */
#ifndef MAKMAL_KUBE_KUBE_H
#define MAKMAL_KUBE_KUBE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct arena; struct buf; struct err; struct tree; struct kube_kind; struct kube_watch;

#define KUBE_ANSWER_MAX (8u * 1024u * 1024u)

struct kube_request {
  const char *method;           /* GET HEAD POST PUT PATCH DELETE */
  const char *path;             /* "/api/v1/namespaces/x/pods/y", already escaped */
  const char *query;            /* "dryRun=All&fieldValidation=Strict" or NULL */
  const char *content_type;     /* NULL: application/json when there is a body */
  const char *accept;           /* NULL: application/json */
  const char *body; size_t body_length;
  const char *token;            /* bearer token of a learner; NULL: the platform's own credentials */
  size_t cap;                   /* 0: KUBE_ANSWER_MAX; a longer answer is ERR_LIMIT "kube.large" */
  int timeout_ms;               /* 0: 15,000 */
  bool retry;                   /* safe to repeat: on 429, 503 and broken connections up to 5 times with full jitter, Retry-After obeyed; 30 s in all */
  const char *impersonate;      /* sent as Impersonate-User, only together with token: the proof of isolation asks to be somebody else, and must be refused */
};
struct kube_reply {
  bool answered;                /* false: no HTTP answer; err says why */
  int status;
  char *body; size_t length;    /* in the arena, NUL behind */
  char content_type[80];
  int retry_after_s;
  int64_t at_ms;                /* wall clock when the answer was complete */
  struct err *err;              /* when not answered: UNAVAILABLE "cluster.away" or "cluster.certificate", TIMEOUT "cluster.slow", LIMIT "kube.large"; in the arena */
};

struct kube {
  void *ctx;
  /* Sends all at once over kept connections (at most 32 in flight for the process) and returns when all have ended. False only when nothing could
   * be sent at all: UNAVAILABLE "cluster.away" (circuit open: 5 failures in 10 s; one probe per 2 s). HTTP errors are answers, not failures. */
  bool (*send)(void *ctx, struct arena *arena, const struct kube_request *requests, size_t count, struct kube_reply *replies, struct err *err);
  /* List and watch of one kind, all namespaces (selector may narrow), until kube_close: list, then events; relist on 410, telling only what differs.
   * Callbacks come from the one watch thread, one at a time; they must not block. *watch and its texts are copied. Objects live for the call only and
   * carry kind and apiVersion. A DELETED that a relist found holds apiVersion, kind and metadata.{namespace,name,uid,resourceVersion} alone. */
  bool (*watch)(void *ctx, const struct kube_watch *watch, struct err *err);
};
enum kube_event { KUBE_ADDED, KUBE_CHANGED, KUBE_DELETED, KUBE_SYNCED /* list told, object NULL */, KUBE_ALIVE /* bookmark or answer, object NULL */, KUBE_STALE /* watch lost, object NULL */ };
struct kube_watch {
  const struct kube_kind *kind;
  const char *label_selector;   /* or NULL */
  bool metadata_only;           /* PartialObjectMetadata (Secrets) */
  void (*event)(void *ctx, const struct kube_kind *kind, enum kube_event event, const struct tree *object);
  void *ctx;
};

/* --- kinds (kube_kind.c) ------------------------------------------------------------------------------------------------------------------ */
struct kube_kind { const char *kind, *group, *version, *plural; bool namespaced; };
const struct kube_kind *kube_kind(const char *kind);                          /* "Deployment"; NULL when unknown */
const struct kube_kind *kube_kind_of(const char *api_version, const char *kind);
const char *kube_api_version(struct arena *arena, const struct kube_kind *kind);   /* "apps/v1", "v1" */
/* "/apis/apps/v1/namespaces/ns/deployments[/name]"; name NULL: the collection; namespace ignored for cluster kinds. Escapes both. */
char *kube_path(struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *name);

/* --- one at a time (kube.c, on top of send) ------------------------------------------------------------------------------------------------ */
/* True when the status is 2xx; *out = body as a tree (may be NULL). Otherwise err: 401 LOGIN "kube.unauthorized", 403 DENIED "kube.forbidden",
 * 404 NOT_FOUND "kube.missing", 409 CONFLICT "kube.conflict", 400/422 INVALID "kube.invalid", 429/503 UNAVAILABLE "kube.later", else UPSTREAM
 * "kube.answer"; params status, message (the Status' message, cut). */
bool kube_call(const struct kube *kube, struct arena *arena, const struct kube_request *request, struct tree **out, struct err *err);
bool kube_reply_err(const struct kube_reply *reply, struct arena *arena, struct err *err);   /* same mapping for one reply of many; false = it was an error */

/* The body of a JSON answer as a tree, at once fit for strict reading: a learner may store the character NUL in an object, and one such object must
 * not spoil the list of everybody's; its escape becomes U+FFFD in the body. UPSTREAM "kube.answer" when it is no JSON. */
bool kube_tree(struct arena *arena, struct kube_reply *reply, struct tree **out, struct err *err);
/* Every object of a collection (kube_path without a name) in pages of 500; query: "labelSelector=…" or NULL. *out: a list of objects, each with
 * kind and apiVersion. At most KUBE_LIST_MAX objects, beyond that LIMIT "kube.large". */
#define KUBE_LIST_MAX 20000
bool kube_list(const struct kube *kube, struct arena *arena, const struct kube_kind *kind, const char *namespace, const char *query, struct tree **out, struct err *err);
/* A value of a query, escaped ("a=b" gives "a%3Db"). */
char *kube_escape(struct arena *arena, const char *value);
/* here() true: this thread may not ask the cluster (the store's writer), doing so is a BUG. Once, before kube_open. */
void kube_forbid(bool (*here)(void));

/* --- opening (kube_config.c, kube_http.c) --------------------------------------------------------------------------------------------------- */
struct kube_config {
  char server[256];             /* https://host:port */
  char *ca_pem;                 /* NULL: the system's */
  char *client_cert_pem, *client_key_pem;
  char token[4096], token_file[512];
  char tls_server_name[256];
  char context[128];
};
/* From a kubeconfig as a tree (check_read made it): the current context, or `context`. Relative file names count from `folder`. exec and
 * auth-provider plugins are refused ("kubeconfig.exec"): they run programs. insecure-skip-tls-verify is refused ("kubeconfig.insecure").
 * Texts live in the arena. Missing parts: INVALID "kubeconfig.<part>" with param file. */
bool kube_config_read(struct arena *arena, const struct tree *config, const char *folder, const char *context, struct kube_config *out, struct err *err);
bool kube_open(const struct kube_config *config, struct kube *out, struct err *err);   /* copies config; secrets are locked in memory and wiped by kube_close */
void kube_close(struct kube *kube);
struct kube_stats { uint64_t sent, failed, retried, watch_events, relists; int in_flight; bool circuit_open; int64_t last_answer_ms; };
void kube_stats(const struct kube *kube, struct kube_stats *out);

/* --- the Ingress controller (kube_front.c): a page by its host name, asked with nobody's credentials ------------------------------------------ */
struct kube_front { char host[256]; int port, tls_port; };   /* where the controller is reached */
struct kube_front_ask {
  const char *host, *path;      /* the host of the Ingress, without a port; the path, already escaped, with its query */
  bool tls, head;               /* https, with a certificate for that host, whoever signed it; HEAD in place of GET */
  size_t cap;                   /* 0: KUBE_ANSWER_MAX */
  int timeout_ms;               /* 0: 15,000 */
};
/* One question, the answer as from `send`. No redirect is followed and no name looked up: the connection goes to the front, whatever the host is called.
 * Not answered: TIMEOUT "cluster.slow", UNAVAILABLE "cluster.no-front" (nobody is there), INVALID "front.certificate" (another host's), LIMIT "kube.large". */
void kube_front_get(const struct kube_front *front, struct arena *arena, const struct kube_front_ask *ask, struct kube_reply *reply);
/* The front at `address`, as a person writes it ("host" or "host:port"; https: 443); address NULL: at the host of that server, ports 80 and 443. False: it is
 * no address. */
bool kube_front_at(const char *address, const char *server, struct kube_front *out);
/* "https://172.31.77.2:6443", "front.example.org:8080" or "[::1]:80" to host and port (0: it names none). False: it is none of these. */
bool kube_address(const char *text, char host[256], int *out_port);

/* --- the relay (kube_relay.c): one TCP port passed byte for byte to the API server (or Ingress), TLS end to end ------------------- */
struct kube_relay;
/* listen "127.0.0.1:7443" or "0.0.0.0:7443"; at most 200 connections, 256 KiB/s up with burst 2 MiB each, idle 10 min. Port taken: UNAVAILABLE "relay.port".
 * Out of files: who connects waits until there are some again. Close takes NULL too. */
bool kube_relay_open(const char *listen, const char *target_host, int target_port, struct kube_relay **out, struct err *err);
int kube_relay_port(const struct kube_relay *relay);
void kube_relay_close(struct kube_relay *relay);
#endif
