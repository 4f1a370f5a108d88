/* install: the id and the secret of this installation, in <home>/install: two lines, id and secret in hex. The function stands in people.h.
 * The secret is the seed of every learner's parameters, so a file that cannot be read is an error and never written over. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/id.h"
#include "base/secret.h"
#include "domain/people.h"

#define ID 8
#define SECRET 32

static int nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool parse(const char *text, size_t length, char out_id[ID + 1], unsigned char out_secret[SECRET]) {
  if (length != ID + 1 + 2 * SECRET + 1 || text[ID] != '\n' || text[length - 1] != '\n') return false;
  char id[ID + 1], folded[ID + 1];
  memcpy(id, text, ID);
  id[ID] = 0;
  if (!id_fold(id, ID, folded) || strcmp(id, folded) != 0) return false;
  unsigned char secret[SECRET];
  for (int i = 0; i < SECRET; i++) {
    int high = nibble(text[ID + 1 + 2 * i]), low = nibble(text[ID + 2 + 2 * i]);
    if (high < 0 || low < 0) return false;
    secret[i] = (unsigned char)(high << 4 | low);
  }
  memcpy(out_id, id, sizeof id);
  memcpy(out_secret, secret, SECRET);
  secret_wipe(secret, sizeof secret);
  return true;
}

bool people_install(const char *home, char out_id[9], unsigned char out_secret[32], struct err *err) {
  char path[4096], *text = NULL;
  size_t length = 0;
  if ((size_t)snprintf(path, sizeof path, "%s/install", home) >= sizeof path) return err_set(err, ERR_INVALID, "file.name", "home too long");
  struct arena *arena = arena_new(0);
  struct err missing = {0};
  bool ok = file_read(arena, path, 4096, &text, &length, &missing);
  if (ok) {
    ok = parse(text, length, out_id, out_secret);
    secret_wipe(text, length);
    if (!ok) err_set(err, ERR_UNAVAILABLE, "install.broken", "%s: not two lines of id and secret", path);
    if (!ok) err_param(err, "file", "%s", path);
  } else if (missing.code != ERR_NOT_FOUND) {
    if (err) *err = missing;
  } else {
    unsigned char secret[SECRET];
    char id[ID + 1], line[ID + 1 + 2 * SECRET + 2];
    id_random(id, ID);
    secret_random(secret, sizeof secret);
    int n = snprintf(line, sizeof line, "%s\n", id);
    for (int i = 0; i < SECRET; i++) n += snprintf(line + n, sizeof line - (size_t)n, "%02x", secret[i]);
    line[n++] = '\n';
    ok = file_mkdirs(home, 0700, err) && file_replace(path, line, (size_t)n, 0600, err);
    if (ok) {
      memcpy(out_id, id, sizeof id);
      memcpy(out_secret, secret, sizeof secret);
    }
    secret_wipe(secret, sizeof secret);
    secret_wipe(line, sizeof line);
  }
  arena_free(arena);
  return ok;
}
