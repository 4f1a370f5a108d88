/* asset: reads all of web/dist once; a request is a look-up and one write. Nothing is read from a path that a browser named. */
#include "web/asset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "web/house.h"

struct asset { const char *name; const char *type; const char *bytes; size_t length; const char *gz; size_t gz_length; };
struct entry { const char *name, *url; };
struct assets { struct arena *arena; struct asset *file; size_t count; struct entry *entry; size_t entry_count; };

static const char *type_of(const char *name) {
  static const struct { const char *end, *type; } types[] = {
    {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"}, {".svg", "image/svg+xml"}, {".woff2", "font/woff2"},
    {".json", "application/json; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"}, {".png", "image/png"}};
  size_t n = strlen(name);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    size_t end = strlen(types[i].end);
    if (n > end && !strcmp(name + n - end, types[i].end)) return types[i].type;
  }
  return NULL;                          /* what has no type here is not served */
}

static bool is_gz(const char *name, size_t *out_stem) {
  size_t n = strlen(name);
  *out_stem = n > 3 ? n - 3 : 0;
  return n > 3 && !strcmp(name + n - 3, ".gz");
}

static struct asset *find(const struct assets *assets, const char *name, size_t length) {
  for (size_t i = 0; assets && i < assets->count; i++)
    if (strlen(assets->file[i].name) == length && !memcmp(assets->file[i].name, name, length)) return &assets->file[i];
  return NULL;
}

static bool read_all(struct assets *assets, const char *folder, char **names, size_t count, struct err *err) {
  assets->file = arena_alloc(assets->arena, sizeof *assets->file * (count + 1));
  for (int round = 0; round < 2; round++)             /* files first, then their siblings */
    for (size_t i = 0; i < count; i++) {
      size_t stem, length;
      bool gz = is_gz(names[i], &stem);
      struct asset *asset = gz ? find(assets, names[i], stem) : NULL;
      if (gz != (round == 1) || (gz && !asset) || (!gz && (!type_of(names[i]) || !strcmp(names[i], "manifest.json")))) continue;
      char *bytes;
      if (!file_read(assets->arena, arena_printf(assets->arena, "%s/%s", folder, names[i]), ASSET_MAX, &bytes, &length, err)) return false;
      if (gz) {
        asset->gz = bytes;
        asset->gz_length = length;
      } else {
        assets->file[assets->count++] = (struct asset){.name = names[i], .type = type_of(names[i]), .bytes = bytes, .length = length};
      }
    }
  return true;
}

static bool read_manifest(struct assets *assets, const char *folder, struct err *err) {
  char *text;
  size_t length;
  struct tree *manifest;
  if (!file_read(assets->arena, arena_printf(assets->arena, "%s/manifest.json", folder), ASSET_MAX, &text, &length, err) ||
      !tree_parse(assets->arena, text, length, 0, &manifest, err))
    return err_wrap(err, "%s/manifest.json", folder);
  assets->entry = arena_alloc(assets->arena, sizeof *assets->entry * (manifest->count + 1));
  TREE_EACH(item, manifest) {
    if (item->type != TREE_STRING || !find(assets, item->text, item->length))
      return err_set(err, ERR_INVALID, "asset.lost", "%s/manifest.json names %s, which is not there", folder, item->text ? item->text : "?");
    assets->entry[assets->entry_count++] = (struct entry){.name = item->key, .url = arena_printf(assets->arena, "/assets/%s", item->text)};
  }
  return true;
}

bool assets_open(const char *folder, struct assets **out, struct err *err) {
  struct arena *arena = arena_new(0);
  struct assets *assets = arena_alloc(arena, sizeof *assets);
  assets->arena = arena;
  char **names, path[4200];
  size_t count;
  snprintf(path, sizeof path, "%s/manifest.json", folder);
  if (!file_exists(path)) {
    log_warn("assets.none", "folder=%s says=\"the page is not built: it works without scripts and style; build it with make build\"", folder);
  } else if (!file_list(arena, folder, false, true, &names, &count, err) || !read_all(assets, folder, names, count, err) || !read_manifest(assets, folder, err)) {
    arena_free(arena);
    return false;
  }
  *out = assets;
  return true;
}

void assets_close(struct assets *assets) { if (assets) arena_free(assets->arena); }

const char *assets_url(const struct assets *assets, const char *entry) {
  for (size_t i = 0; assets && entry && i < assets->entry_count; i++) if (!strcmp(assets->entry[i].name, entry)) return assets->entry[i].url;
  return NULL;
}

/* "gzip" stands in the list and is not refused by q=0. */
static bool takes_gzip(const char *accept) {
  const char *at = accept ? strstr(accept, "gzip") : NULL;
  return at && strncmp(at, "gzip;q=0", 8) != 0;
}

static bool asset_get(struct req *req, struct reply *out, struct err *err) {
  const struct asset *asset = find(req->house->assets, req->param[0], strlen(req->param[0]));
  if (!asset) return err_set(err, ERR_NOT_FOUND, "http.missing", NULL);
  bool gz = asset->gz && takes_gzip(req_header(req, "Accept-Encoding"));
  out->content_type = asset->type;
  out->bytes = gz ? asset->gz : asset->bytes;
  out->length = gz ? asset->gz_length : asset->length;
  out->encoding = gz ? "gzip" : NULL;
  out->vary_encoding = asset->gz != NULL;
  out->cache = "public, max-age=31536000, immutable";
  return true;
}

const struct route asset_routes[] = {
  {GET, "/assets/{file*}", NEED_ANYONE, 0, NULL, NULL, asset_get, "A file of the page; its name holds its hash"},
  {0}};
