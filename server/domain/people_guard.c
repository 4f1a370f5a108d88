/* people_guard: what stands between a stranger and an account: rules for names and passwords, throttles, and how many password hashes run at once.
 * Any thread; all state is behind locks of its own or of base/limit. */
#include "domain/people_inside.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#define NAME_LETTERS 60
#define PASSWORD_LETTERS 10
#define PASSWORD_BYTES 512
#define HASHES_WAITING 200
#define ACCOUNT_PER_MINUTE 5
#define ACCOUNT_PER_HOUR 12
#define ADDRESS_PER_MINUTE 60
#define CODES_PER_MINUTE 20
#define CODES_OF_ALL_PER_MINUTE 60

void guard_open(struct people *people) {
  people->account_minute = limit_new(ACCOUNT_PER_MINUTE / 60.0, ACCOUNT_PER_MINUTE, 2048);
  people->account_hour = limit_new(ACCOUNT_PER_HOUR / 3600.0, ACCOUNT_PER_HOUR, 2048);
  people->address = limit_new(ADDRESS_PER_MINUTE / 60.0, ADDRESS_PER_MINUTE, 2048);
  people->code_address = limit_new(CODES_PER_MINUTE / 60.0, CODES_PER_MINUTE, 2048);
  people->code_all = limit_new(CODES_OF_ALL_PER_MINUTE / 60.0, CODES_OF_ALL_PER_MINUTE, 1);
  pthread_mutex_init(&people->guess, NULL);
  pthread_mutex_init(&people->hash_lock, NULL);
  pthread_cond_init(&people->hash_free, NULL);
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  people->hash_max = cores > 0 ? (int)cores : 1;
}

void guard_close(struct people *people) {
  limit_free(people->account_minute);
  limit_free(people->account_hour);
  limit_free(people->address);
  limit_free(people->code_address);
  limit_free(people->code_all);
  pthread_mutex_destroy(&people->guess);
  pthread_mutex_destroy(&people->hash_lock);
  pthread_cond_destroy(&people->hash_free);
}

/* --- names ---------------------------------------------------------------------------------------------------------------------------------- */

/* The next character of UTF-8 text and its bytes; 0 bytes when it is not well formed. */
static unsigned next_letter(const char *text, int *out_bytes) {
  const unsigned char *b = (const unsigned char *)text;
  int n = b[0] < 0x80 ? 1 : b[0] >= 0xC2 && b[0] < 0xE0 ? 2 : b[0] >= 0xE0 && b[0] < 0xF0 ? 3 : b[0] >= 0xF0 && b[0] < 0xF5 ? 4 : 0;
  unsigned letter = n == 1 ? b[0] : n == 2 ? b[0] & 0x1Fu : n == 3 ? b[0] & 0x0Fu : b[0] & 0x07u;
  for (int i = 1; i < n; i++) {
    if ((b[i] & 0xC0) != 0x80) n = 0;                            /* a NUL ends here, too: never read past it */
    else letter = letter << 6 | (b[i] & 0x3Fu);
  }
  if ((n == 3 && letter < 0x800) || (n == 4 && (letter < 0x10000 || letter > 0x10FFFF)) || (letter >= 0xD800 && letter < 0xE000)) n = 0;
  *out_bytes = n;
  return letter;
}

static bool is_space(unsigned c) { return c == ' ' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000; }
static bool is_joiner(unsigned c) { return c == 0x200C || c == 0x200D; }              /* needed inside words of some scripts; alone it is nothing */
static bool is_forbidden(unsigned c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c & 0xFFFE) == 0xFFFE || (c >= 0xE0000 && c < 0xE0080) ||
         (c >= 0xE000 && c < 0xF900);
}

bool guard_name(const char *typed, char out[PEOPLE_NAME], char key[PEOPLE_NAME], struct err *err) {
  const char *from = NULL, *to = NULL;                           /* without the space around */
  size_t letters = 0, kept = 0;                                  /* since from; up to `to` */
  bool visible = false;
  int bytes = 0;
  for (const char *at = typed ? typed : ""; *at && kept <= NAME_LETTERS; at += bytes) {
    unsigned letter = next_letter(at, &bytes);
    bool space = is_space(letter) || letter == '\t' || letter == '\r' || letter == '\n';
    if (bytes == 0 || (is_forbidden(letter) && !space)) return err_set(err, ERR_INVALID, "people.name-letters", "character %zu of a name", letters + 1);
    if (!from && space) continue;
    letters++;
    if (space) continue;
    if (!from) from = at;
    to = at + bytes;
    kept = letters;
    visible = visible || !is_joiner(letter);
  }
  if (!visible) return err_set(err, ERR_INVALID, "people.name-empty", "nothing to read in a name");
  if (kept > NAME_LETTERS) {
    err_set(err, ERR_INVALID, "people.name-long", "more than %d characters", NAME_LETTERS);
    return err_param(err, "limit", "%d", NAME_LETTERS);
  }
  if (strcspn(from, "\t\r\n") < (size_t)(to - from)) return err_set(err, ERR_INVALID, "people.name-letters", "a line break or tab inside a name");
  memcpy(out, from, (size_t)(to - from));
  out[to - from] = 0;
  size_t length = 0;
  bool gap = false;
  for (const char *at = out; *at; at += bytes) {                 /* case of ASCII and the width of gaps make no difference */
    unsigned letter = next_letter(at, &bytes);
    if (is_space(letter)) { gap = true; continue; }
    if (gap) key[length++] = ' ';
    gap = false;
    for (int i = 0; i < bytes; i++) key[length++] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i];
  }
  key[length] = 0;
  return true;
}

/* --- passwords ------------------------------------------------------------------------------------------------------------------------------ */

/* Words that people take with a few digits or signs around them. */
static const char *const common[] = {
  "password", "passwords", "passphrase", "mypassword", "katalaluan", "kata laluan", "rahsia", "qwerty", "qwertyuiop", "qwertyuiopasdf", "asdfghjkl", "asdfghjklzxc",
  "zxcvbnm", "qazwsxedc", "qazwsx", "qweasdzxc", "abcdefghij", "abcdefghijk", "abcdefghijkl", "letmein", "letmeinplease", "welcome", "iloveyou", "sayangkamu",
  "administrator", "admin", "adminadmin", "administrators", "instructor", "pentadbir", "pengajar", "learner", "kubernetes", "makmal", "makmalmakmal", "workshop", "bengkel",
  "docker", "container", "changeme", "changemenow", "secret", "supersecret", "topsecret", "trustno", "monkey", "dragon", "sunshine", "princess", "football",
  "baseball", "superman", "batman", "starwars", "master", "computer", "internet", "whatever", "michael", "jennifer", "jordan", "liverpool", "chelsea", "arsenal",
  "manchester", "malaysia", "malaysiaboleh", "selangor", "kualalumpur", "kuala lumpur", "johor", "penang", "indonesia", "singapore", "default", "testtest",
  "testing", "test", "guest", "student", "teacher", "classroom", "summer", "winter", "spring", "autumn", "january", "february", "december", "monday", "friday",
  "loveyou", "lovely", "flower", "hello", "helloworld", "hellohello", "google", "facebook", "samsung", "pokemon", "naruto", "minecraft", "ninja", "mustang", "shadow",
};
static const char *const rows[] = {"01234567890123456789", "98765432109876543210", "qwertyuiopasdfghjklzxcvbnm", "abcdefghijklmnopqrstuvwxyz"};

static char plain_letter(char c) {                               /* what a sign stands for in p@ssw0rd */
  switch (c) {
    case '@': case '4': return 'a';
    case '0': return 'o';
    case '1': case '!': return 'i';
    case '3': return 'e';
    case '$': case '5': return 's';
    case '7': return 't';
    default: return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
  }
}
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }

static bool is_common(const char *password, const char *name_key) {
  char low[PASSWORD_BYTES + 1], core[PASSWORD_BYTES + 1];
  size_t n = strlen(password), distinct = 0;
  bool seen[256] = {false};
  for (size_t i = 0; i <= n; i++) low[i] = password[i] >= 'A' && password[i] <= 'Z' ? (char)(password[i] - 'A' + 'a') : password[i];
  for (size_t i = 0; i < n; i++) {
    distinct += !seen[(unsigned char)low[i]];
    seen[(unsigned char)low[i]] = true;
  }
  if (distinct < 5) return true;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) if (strstr(rows[i], low)) return true;
  size_t from = 0, to = n;
  while (from < to && !is_letter(low[from])) from++;
  while (to > from && !is_letter(low[to - 1])) to--;
  for (size_t i = from; i < to; i++) core[i - from] = plain_letter(low[i]);
  core[to - from] = 0;
  for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) if (!strcmp(core, common[i])) return true;
  return name_key && name_key[0] && (!strcmp(low, name_key) || !strcmp(core, name_key));
}

bool guard_password(const char *password, const char *name_key, struct err *err) {
  size_t letters = 0;
  for (const char *at = password; *at; at++) letters += ((unsigned char)*at & 0xC0) != 0x80;
  if (letters < PASSWORD_LETTERS) {
    err_set(err, ERR_INVALID, "password.short", "%zu characters", letters);
    return err_param(err, "limit", "%d", PASSWORD_LETTERS);
  }
  if (strlen(password) > PASSWORD_BYTES) {
    err_set(err, ERR_INVALID, "password.long", "more than %d bytes", PASSWORD_BYTES);
    return err_param(err, "limit", "%d", PASSWORD_BYTES);
  }
  if (is_common(password, name_key)) return err_set(err, ERR_INVALID, "password.common", NULL);
  return true;
}

/* --- hashing -------------------------------------------------------------------------------------------------------------------------------- */

static bool hash_enter(struct people *people, struct err *err) {
  pthread_mutex_lock(&people->hash_lock);
  bool ok = people->hashing < people->hash_max || people->hash_waiting < HASHES_WAITING;
  if (ok) {
    people->hash_waiting++;
    while (people->hashing >= people->hash_max) pthread_cond_wait(&people->hash_free, &people->hash_lock);
    people->hash_waiting--;
    people->hashing++;
  }
  pthread_mutex_unlock(&people->hash_lock);
  if (ok) return true;
  err_set(err, ERR_UNAVAILABLE, "login.busy", "%d password hashes wait", HASHES_WAITING);
  if (err) err->retry_after_s = 3;
  return false;
}

static void hash_leave(struct people *people) {
  pthread_mutex_lock(&people->hash_lock);
  people->hashing--;
  pthread_cond_signal(&people->hash_free);
  pthread_mutex_unlock(&people->hash_lock);
}

bool guard_hash(struct people *people, const char *password, char out[SECRET_PASSWORD_HASH], struct err *err) {
  if (!hash_enter(people, err)) return false;
  bool ok = secret_password_hash(password, out);
  hash_leave(people);
  return ok || err_set(err, ERR_UNAVAILABLE, "login.busy", "no memory for a password hash");
}

bool guard_check(struct people *people, const char *hash, const char *password, bool *out_right, struct err *err) {
  if (!hash_enter(people, err)) return false;
  *out_right = secret_password_check(hash, password);
  hash_leave(people);
  return true;
}

/* --- throttles ------------------------------------------------------------------------------------------------------------------------------ */

/* The first bits of an address as text: one person easily has a whole IPv6 /64, and neighbours share a network. */
static void cut_address(const char *address, int bits4, int bits6, char out[64]) {
  unsigned char raw[16] = {0};
  int bits = 0, length = 0;
  if (!strncmp(address, "::ffff:", 7) && strchr(address + 7, '.')) address += 7;     /* IPv4 seen through an IPv6 socket */
  if (inet_pton(AF_INET, address, raw) == 1) bits = bits4, length = 4;
  else if (inet_pton(AF_INET6, address, raw) == 1) bits = bits6, length = 16;
  for (int i = 0; i < length; i++) {
    int kept = bits - i * 8;
    if (kept <= 0) raw[i] = 0;
    else if (kept < 8) raw[i] &= (unsigned char)(0xFF << (8 - kept));
  }
  if (length == 0 || !inet_ntop(length == 4 ? AF_INET : AF_INET6, raw, out, 64)) snprintf(out, 64, "%.60s", address);
}

static bool throttled(struct err *err, const char *key, int retry_s) {
  err_set(err, ERR_LIMIT, key, "again in %d s", retry_s);
  err_param(err, "seconds", "%d", retry_s);
  if (err) err->retry_after_s = retry_s;
  return false;
}

bool guard_try(struct people *people, const char *name_key, const char *address, struct guard_try *out, struct err *err) {
  char network[64], both[PEOPLE_NAME + 72], digest[SECRET_SHA256_HEX];
  cut_address(address, 24, 48, network);
  cut_address(address, 32, 64, out->address);
  snprintf(both, sizeof both, "%s\n%s", network, name_key);
  secret_sha256_hex(both, strlen(both), digest);                 /* a bucket's key has 63 bytes at most, a name may have more */
  snprintf(out->account, sizeof out->account, "%.60s", digest);
  int retry_s = 1;
  if (!limit_take(people->address, out->address, 1, &retry_s)) return throttled(err, "login.throttled", retry_s);
  bool minute = limit_take(people->account_minute, out->account, 1, &retry_s);
  if (minute && limit_take(people->account_hour, out->account, 1, &retry_s)) return true;
  if (minute) (void)limit_take(people->account_minute, out->account, -1, NULL);
  return throttled(err, "login.throttled", retry_s);             /* the address has paid for the question */
}

void guard_refund(struct people *people, const struct guard_try *try) {
  (void)limit_take(people->address, try->address, -1, NULL);     /* a negative cost gives back; past the burst it is cut at the next look */
  (void)limit_take(people->account_minute, try->account, -1, NULL);
  (void)limit_take(people->account_hour, try->account, -1, NULL);
}

bool guard_guess(struct people *people, const char *address, bool (*look)(void *ctx, bool *out_known, struct err *err), void *ctx, bool *out_known, struct err *err) {
  char key[64];
  int retry_s = 1;
  bool known = false;
  cut_address(address, 32, 64, key);
  /* House rule broken: the lock is held while the store is read (some 50 us). A whole room joins from one address in the same second, so right codes
   * must cost nothing; and guesses sent side by side must not all pass before the first of them has been counted. */
  pthread_mutex_lock(&people->guess);
  bool ok = limit_peek(people->code_address, key, 1);
  bool failed_before = !limit_peek(people->code_address, key, CODES_PER_MINUTE);
  if (ok && failed_before) ok = limit_peek(people->code_all, "all", 1);
  bool asked = ok && look(ctx, &known, err);
  if (asked && !known) {
    (void)limit_take(people->code_address, key, 1, &retry_s);
    if (failed_before) (void)limit_take(people->code_all, "all", 1, &retry_s);
  }
  pthread_mutex_unlock(&people->guess);
  if (!ok) return throttled(err, "join.throttled", 60 / CODES_PER_MINUTE);
  if (asked) *out_known = known;
  return asked;
}
