/* unpack: libarchive, with zip, tar and gzip switched on and nothing else. What comes out is counted here, also of files that nobody wants. A zip is read by
 * its directory at the end, which alone says what is a link; so the whole archive is in memory. */
#include "app/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"

struct pile { struct arena *arena; struct archive *archive; const char *file; size_t packed, each, plain, kept; struct unpacked *entry; size_t count; struct err *err; };

bool unpack_is_named(const char *name) {
  static const char *const ends[] = {".zip", ".tar", ".tar.gz", ".tgz"};
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    size_t n = strlen(ends[i]);
    if (length > n && !strcasecmp(name + length - n, ends[i])) return true;
  }
  return false;
}

bool unpack_is_archive(const void *head, size_t length) {
  const unsigned char *at = head;
  if (length >= 4 && at[0] == 'P' && at[1] == 'K' && ((at[2] == 3 && at[3] == 4) || (at[2] == 5 && at[3] == 6))) return true;
  if (length >= 2 && at[0] == 0x1F && at[1] == 0x8B) return true;
  return length >= 262 && !memcmp(at + 257, "ustar", 5);
}

static bool refuse(struct pile *pile, enum err_code code, const char *key, const char *name) {
  err_set(pile->err, code, key, "%s: %s", pile->file, name ? name : "");
  err_param(pile->err, "file", "%s", pile->file);
  if (name) err_param(pile->err, "name", "%s", name);
  return false;
}

static bool limit(struct pile *pile, const char *key, size_t most) {
  refuse(pile, ERR_LIMIT, key, NULL);
  return err_param(pile->err, "limit", "%zu", most);
}

static bool unreadable(struct pile *pile, const char *why) {
  refuse(pile, ERR_INVALID, "archive.unreadable", NULL);
  return err_param(pile->err, "why", "%s", why ? why : "?");
}

/* One more piece has come out. */
static bool count_plain(struct pile *pile, size_t n) {
  pile->plain += n;
  if (pile->plain > UNPACK_PLAIN_MAX) return limit(pile, "archive.large", UNPACK_PLAIN_MAX >> 20);
  if (pile->plain > (1u << 20) && pile->plain / (pile->packed + 1) > UNPACK_RATIO_MAX) return refuse(pile, ERR_LIMIT, "archive.bomb", NULL);
  return true;
}

/* The name as it may stand in a report, without a slash at its end; NULL: it climbs out of the archive, or is no name. "./" in front is what tar writes. */
static const char *good_name(struct arena *arena, const char *name) {
  while (name && !strncmp(name, "./", 2)) name += 2;
  size_t length = name ? strlen(name) : 0;
  if (!length || !strcmp(name, ".")) return name ? "" : NULL;
  if (length > UNPACK_NAME_MAX || name[0] == '/' || strchr(name, '\\') || !utf8_valid(name, length)) return NULL;
  if (name[length - 1] == '/') length--;
  for (size_t from = 0; from <= length;) {
    size_t n = strcspn(name + from, "/");
    if (from + n > length) n = length - from;
    if (!n || (n <= 2 && !strncmp(name + from, "..", n))) return NULL;
    for (size_t i = 0; i < n; i++) if ((unsigned char)name[from + i] < 0x20 || name[from + i] == 0x7F) return NULL;
    from += n + 1;
  }
  return arena_strn(arena, name, length);
}

/* The bytes of the entry; kept when `keep`. Skipping goes through here too: what is passed over has to be unpacked all the same. */
static bool take_bytes(struct pile *pile, struct unpacked *entry, bool keep) {
  char *kept = keep ? arena_alloc(pile->arena, pile->each + 1) : NULL;
  size_t length = 0;
  char piece[16384];
  for (;;) {
    la_ssize_t n = archive_read_data(pile->archive, piece, sizeof piece);
    if (n < 0) return unreadable(pile, archive_error_string(pile->archive));
    if (n == 0) break;
    if (!count_plain(pile, (size_t)n)) return false;
    if (kept && length + (size_t)n > pile->each) kept = NULL;
    if (kept) memcpy(kept + length, piece, (size_t)n);
    length += (size_t)n;
  }
  entry->length = length;
  entry->bytes = kept;
  if (kept && (pile->kept += length) > UNPACK_KEPT_MAX) return limit(pile, "archive.large", UNPACK_KEPT_MAX >> 20);
  return true;
}

static bool take_entry(struct pile *pile, struct archive_entry *header, bool (*wanted)(const char *)) {
  const char *raw = archive_entry_pathname_utf8(header);
  if (!raw) raw = archive_entry_pathname(header);
  const char *name = good_name(pile->arena, raw);
  if (!name) return refuse(pile, ERR_INVALID, "archive.name", raw ? raw : "?");
  if (!*name) return true;                                     /* "./" */
  if (pile->count == UNPACK_ENTRIES_MAX) return limit(pile, "archive.entries", UNPACK_ENTRIES_MAX);
  struct unpacked *entry = &pile->entry[pile->count++];
  *entry = (struct unpacked){.name = name};
  mode_t type = archive_entry_filetype(header);
  entry->folder = type == AE_IFDIR;
  entry->link = !entry->folder && (type != AE_IFREG || archive_entry_hardlink(header) || archive_entry_symlink(header));
  if (!entry->folder)
    for (size_t i = 0; i + 1 < pile->count; i++)
      if (!pile->entry[i].folder && !strcmp(pile->entry[i].name, name)) return refuse(pile, ERR_INVALID, "archive.twice", name);
  if (archive_entry_is_encrypted(header) > 0) return unreadable(pile, "it is encrypted");
  return entry->folder || entry->link || take_bytes(pile, entry, wanted(name));
}

static bool take_all(struct pile *pile, bool (*wanted)(const char *)) {
  struct archive_entry *header;
  for (;;) {
    int got = archive_read_next_header(pile->archive, &header);
    if (got == ARCHIVE_EOF) return true;
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return unreadable(pile, archive_error_string(pile->archive));
    if (!take_entry(pile, header, wanted)) return false;
  }
}

bool unpack(struct arena *arena, const void *bytes, size_t length, const char *file, bool (*wanted)(const char *name), size_t each, struct unpacked **out, size_t *out_count, struct err *err) {
  struct pile pile = {.arena = arena, .file = file, .packed = length, .each = each, .err = err, .archive = archive_read_new(),
                      .entry = arena_alloc(arena, UNPACK_ENTRIES_MAX * sizeof *pile.entry)};
  if (!pile.archive) return err_set(err, ERR_UNAVAILABLE, "file.unreadable", "no memory");
  archive_read_support_format_zip_seekable(pile.archive);
  archive_read_support_format_tar(pile.archive);
  archive_read_support_filter_gzip(pile.archive);
  archive_read_set_options(pile.archive, "hdrcharset=UTF-8");
  /* names are turned into the thread's character set, which must be one that has them all */
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = utf8 ? uselocale(utf8) : (locale_t)0;
  bool ok = archive_read_open_memory(pile.archive, bytes, length) == ARCHIVE_OK ? take_all(&pile, wanted) : unreadable(&pile, archive_error_string(pile.archive));
  archive_read_free(pile.archive);
  if (utf8) {
    uselocale(before);
    freelocale(utf8);
  }
  if (!ok) return false;
  *out = pile.entry;
  *out_count = pile.count;
  return true;
}
