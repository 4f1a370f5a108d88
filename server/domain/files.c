/* files: see the header. */
#include "domain/files.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "check/check.h"

#define JSON_MAX (16u * 1024u * 1024u)       /* a byte may take six */

bool files_fit(const struct check_file *files, size_t count, struct err *err) {
  static const char *const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  size_t size = 0;
  if (count > CHECK_FILES_MAX) {
    err_set(err, ERR_LIMIT, "files.many", "%zu files", count);
    err_param(err, "count", "%zu", count);
    return err_param(err, "limit", "%d", CHECK_FILES_MAX);
  }
  for (size_t i = 0; i < count; i++) {
    const char *name = files[i].name;
    size_t length = strlen(name);
    size += files[i].length;
    if (!length || length > 64 || strspn(name, alphabet) != length || name[0] == '.') {
      err_set(err, ERR_INVALID, "files.name", "a file's name");
      return err_param(err, "name", "%s", name);
    }
    for (size_t k = 0; k < i; k++)
      if (!strcmp(files[k].name, name)) {
        err_set(err, ERR_INVALID, "files.twice", "a name twice");
        return err_param(err, "name", "%s", name);
      }
  }
  if (size <= CHECK_BYTES_MAX) return true;
  err_set(err, ERR_LIMIT, "files.large", "%zu bytes", size);
  err_param(err, "size", "%zu KiB", (size + 1023) / 1024);
  return err_param(err, "limit", "%d KiB", CHECK_BYTES_MAX / 1024);
}

/* A JSON string where the bytes are UTF-8 without NUL, else "base64". */
static void put_file(struct buf *out, const struct check_file *file) {
  buf_str(out, "{\"name\":");
  buf_json(out, file->name);
  if (utf8_valid(file->bytes, file->length) && !memchr(file->bytes, 0, file->length)) {
    buf_str(out, ",\"text\":");
    buf_json_n(out, file->bytes, file->length);
  } else {
    buf_str(out, ",\"base64\":\"");
    buf_base64(out, file->bytes, file->length);
    buf_char(out, '"');
  }
  buf_char(out, '}');
}

char *files_json(struct arena *arena, const struct check_file *files, size_t count, size_t *out_length) {
  struct buf *out = arena_alloc(arena, sizeof *out);
  buf_init_arena(out, arena, JSON_MAX);
  buf_str(out, "{\"files\":[");
  for (size_t i = 0; i < count; i++) {
    if (i) buf_char(out, ',');
    put_file(out, &files[i]);
  }
  buf_str(out, "]}");
  *out_length = out->len;
  return out->data;
}

bool files_parse(struct arena *arena, const char *json, size_t length, struct check_file **out, size_t *out_count, struct err *err) {
  struct tree *tree = NULL;
  if (!tree_parse(arena, json, length, 0, &tree, err)) return false;
  const struct tree *list = tree_get(tree, "files");
  struct check_file *files = arena_alloc(arena, ((list ? list->count : 0) + 1) * sizeof *files);
  size_t n = 0;
  TREE_EACH(file, list) {
    const struct tree *text = tree_get(file, "text"), *base64 = tree_get(file, "base64");
    files[n].name = tree_text_or(file, "name", "");
    if (text && text->type == TREE_STRING) {
      files[n].bytes = text->text;
      files[n].length = text->length;
    } else if (base64 && base64->type == TREE_STRING) {
      char *bytes = arena_alloc(arena, base64->length + 1);
      if (!secret_base64_decode(base64->text, base64->length, bytes, base64->length + 1, &files[n].length)) return err_set(err, ERR_BUG, "store.body", "bad base64");
      files[n].bytes = bytes;
    } else {
      return err_set(err, ERR_BUG, "store.body", "a file without text");
    }
    n++;
  }
  *out = files;
  *out_count = n;
  return true;
}
