/* page_kept: a table of places by path and language; what comes later takes the place. The edition whose pages are kept is held, so that its address
 * means one edition; a page that is being sent when it is replaced lives on until it has been sent. One lock, held while a place is looked up. */
#include "web/page_kept.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "domain/catalog.h"
#include "domain/cluster.h"
#include "web/house.h"
#include "web/http.h"

struct kept { atomic_int users; enum lang lang; struct cluster_status cluster; char etag[24]; const char *content_type, *cache; size_t length; char *bytes, *path; };
struct page_kept { pthread_mutex_t lock; const struct edition *edition; struct kept *place[PAGE_KEPT_PAGES]; };

struct page_kept *page_kept_new(void) {
  struct page_kept *kept = calloc(1, sizeof *kept);
  if (!kept) abort();
  pthread_mutex_init(&kept->lock, NULL);
  return kept;
}

static void drop(void *what) {
  struct kept *page = what;
  if (!page || atomic_fetch_sub(&page->users, 1) != 1) return;
  free(page->bytes);
  free(page->path);
  free(page);
}

static void clear(struct page_kept *kept) {
  for (size_t i = 0; i < PAGE_KEPT_PAGES; i++) {
    drop(kept->place[i]);
    kept->place[i] = NULL;
  }
}

void page_kept_free(struct page_kept *kept) {
  if (!kept) return;
  clear(kept);
  if (kept->edition) catalog_release(kept->edition);
  pthread_mutex_destroy(&kept->lock);
  free(kept);
}

static void cluster_of(const struct req *req, struct cluster_status *out) {
  *out = (struct cluster_status){.state = CLUSTER_NONE};
  if (req->house->cluster) cluster_status(req->house->cluster, out);
}

/* What a page says of the cluster follows from these. */
static bool says_the_same(const struct cluster_status *a, const struct cluster_status *b) {
  return a->state == b->state && a->percent == b->percent && a->parts_done == b->parts_done && a->parts_total == b->parts_total && !strcmp(a->program, b->program) &&
         !strcmp(a->version, b->version) && !strcmp(a->why, b->why);
}

static struct kept **place_of(struct page_kept *kept, const struct req *req) {
  unsigned hash = 2166136261u + (unsigned)req->viewer.lang;
  for (const char *at = req->path; *at; at++) hash = (hash ^ (unsigned char)*at) * 16777619u;
  return &kept->place[hash % PAGE_KEPT_PAGES];
}

static bool for_everybody(const struct req *req) {
  return req->house->pages && req->viewer.role == ROLE_NONE && (req->method == GET || req->method == HEAD) && !*req->query;
}

bool page_kept_find(struct req *req, struct reply *out) {
  if (!for_everybody(req)) return false;
  const struct edition *edition = req_edition(req);
  struct page_kept *kept = req->house->pages;
  struct cluster_status cluster;
  cluster_of(req, &cluster);
  pthread_mutex_lock(&kept->lock);
  struct kept *page = edition && edition == kept->edition ? *place_of(kept, req) : NULL;
  if (page && (page->lang != req->viewer.lang || strcmp(page->path, req->path) != 0 || !says_the_same(&page->cluster, &cluster))) page = NULL;
  if (page) atomic_fetch_add(&page->users, 1);
  pthread_mutex_unlock(&kept->lock);
  if (!page) return false;
  arena_on_free(req->arena, drop, page);
  out->bytes = page->bytes;
  out->length = page->length;
  out->etag = page->etag;
  out->content_type = page->content_type;
  out->cache = page->cache;
  return true;
}

void page_kept_add(struct req *req, const struct reply *out) {
  const struct edition *edition = req_edition(req);
  if (!for_everybody(req) || !edition || !out->body || !out->etag || out->status || out->nonce || out->private_ || out->body->len > PAGE_KEPT_BYTES) return;
  struct page_kept *kept = req->house->pages;
  struct kept *page = calloc(1, sizeof *page);
  if (!page) abort();
  atomic_init(&page->users, 1);
  page->lang = req->viewer.lang;
  cluster_of(req, &page->cluster);
  snprintf(page->etag, sizeof page->etag, "%s", out->etag);
  page->content_type = out->content_type;
  page->cache = out->cache;
  page->length = out->body->len;
  page->bytes = malloc(page->length + 1);
  page->path = strdup(req->path);
  if (!page->bytes || !page->path) abort();
  memcpy(page->bytes, out->body->data, page->length);
  const struct edition *newest = catalog_acquire(req->house->catalog), *spare = newest;
  pthread_mutex_lock(&kept->lock);
  if (newest != kept->edition) {
    clear(kept);
    spare = kept->edition;
    kept->edition = newest;
  }
  if (edition == newest) {                   /* not while the courses are being swapped */
    struct kept **place = place_of(kept, req);
    drop(*place);
    *place = page;
    page = NULL;
  }
  pthread_mutex_unlock(&kept->lock);
  if (spare) catalog_release(spare);
  drop(page);
}
