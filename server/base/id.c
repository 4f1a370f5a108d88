/* id: ULIDs that rise within a process, and random text of the same alphabet. */
#include "base/id.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/secret.h"
#include "base/wallclock.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t last_ms;                    /* written with the lock held */
static unsigned char last_random[10];

void id_new(char out[ID_SIZE]) {
  unsigned char random[10];
  uint64_t now = (uint64_t)wall_ms();
  bool drawn = now > atomic_load(&last_ms);
  if (drawn) secret_random(random, sizeof random);  /* a system call: not while others wait */
  pthread_mutex_lock(&lock);
  if (drawn && now > last_ms) {
    last_ms = now;
    memcpy(last_random, random, sizeof random);
    last_random[0] &= 0x7F;                         /* leaves room to count */
  } else {                                          /* same millisecond, or the clock went back: count up instead of drawing */
    now = last_ms;
    for (int i = 9; i >= 0 && ++last_random[i] == 0; i--) ;
  }
  memcpy(random, last_random, sizeof random);
  pthread_mutex_unlock(&lock);
  for (int i = 9; i >= 0; i--, now >>= 5) out[i] = alphabet[now & 31];
  for (int group = 0; group < 2; group++) {
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++) bits = bits << 8 | random[group * 5 + i];
    for (int i = 7; i >= 0; i--, bits >>= 5) out[10 + group * 8 + i] = alphabet[bits & 31];
  }
  out[26] = 0;
}

bool id_valid(const char *text) { return text && strlen(text) == 26 && strspn(text, alphabet) == 26 && text[0] <= '7'; }

void id_random(char *out, size_t n) {
  secret_random(out, n);
  for (size_t i = 0; i < n; i++) out[i] = alphabet[(unsigned char)out[i] & 31];
  out[n] = 0;
}

bool id_fold(const char *typed, size_t n, char *out) {
  size_t length = 0;
  for (; *typed; typed++) {
    char c = *typed;
    if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c == 'i' || c == 'l') c = '1';
    if (c == 'o') c = '0';
    if (length == n || !strchr(alphabet, c)) return false;
    out[length++] = c;
  }
  out[length] = 0;
  return length == n;
}
