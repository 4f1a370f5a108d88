/* secret: the only room that knows libsodium. Any thread after secret_init. */
#include "base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_MEMORY (19u * 1024u * 1024u)
#define PASSWORD_PASSES 2u

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct secret_hash), "state fits");
_Static_assert(crypto_pwhash_STRBYTES <= SECRET_PASSWORD_HASH, "hash fits");

bool secret_init(void) { return sodium_init() >= 0; }
void secret_random(void *out, size_t length) { randombytes_buf(out, length); }
void secret_sha256(const void *bytes, size_t length, unsigned char out[32]) { crypto_hash_sha256(out, bytes, length); }

void secret_sha256_hex(const void *bytes, size_t length, char out[SECRET_SHA256_HEX]) {
  unsigned char digest[32];
  secret_sha256(bytes, length, digest);
  sodium_bin2hex(out, SECRET_SHA256_HEX, digest, sizeof digest);
}

void secret_hash_begin(struct secret_hash *hash) { crypto_hash_sha256_init((void *)hash->state); }
void secret_hash_add(struct secret_hash *hash, const void *bytes, size_t length) { crypto_hash_sha256_update((void *)hash->state, bytes, length); }

void secret_hash_end_hex(struct secret_hash *hash, char out[SECRET_SHA256_HEX]) {
  unsigned char digest[32];
  crypto_hash_sha256_final((void *)hash->state, digest);
  sodium_bin2hex(out, SECRET_SHA256_HEX, digest, sizeof digest);
}

void secret_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, unsigned char out[32]) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, key_length);
  crypto_auth_hmacsha256_update(&state, bytes, length);
  crypto_auth_hmacsha256_final(&state, out);
}

bool secret_equal(const void *a, const void *b, size_t length) { return sodium_memcmp(a, b, length) == 0; }

bool secret_password_hash(const char *password, char out[SECRET_PASSWORD_HASH]) {
  memset(out, 0, SECRET_PASSWORD_HASH);
  return crypto_pwhash_str_alg(out, password, strlen(password), PASSWORD_PASSES, PASSWORD_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool secret_password_check(const char *hash, const char *password) {
  if (!hash) {                                      /* an unknown name costs one hash too */
    char spent[SECRET_PASSWORD_HASH];
    (void)secret_password_hash(password, spent);
    return false;
  }
  return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void secret_wipe(void *bytes, size_t length) { sodium_memzero(bytes, length); }

bool secret_base64_decode(const char *text, size_t length, void *out, size_t room, size_t *out_length) {
  return sodium_base642bin(out, room, text, length, " \r\n\t", out_length, NULL, sodium_base64_VARIANT_ORIGINAL) == 0;
}
