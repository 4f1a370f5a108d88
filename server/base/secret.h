/* secret: everything of libsodium: random, hashes, passwords, comparing. secret_init once at start. */
#ifndef MAKMAL_BASE_SECRET_H
#define MAKMAL_BASE_SECRET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
bool secret_init(void);
void secret_random(void *out, size_t length);
#define SECRET_SHA256_HEX 65
void secret_sha256(const void *bytes, size_t length, unsigned char out[32]);
void secret_sha256_hex(const void *bytes, size_t length, char out[SECRET_SHA256_HEX]);
struct secret_hash { _Alignas(8) unsigned char state[256]; };           /* running SHA-256 */
void secret_hash_begin(struct secret_hash *hash);
void secret_hash_add(struct secret_hash *hash, const void *bytes, size_t length);
void secret_hash_end_hex(struct secret_hash *hash, char out[SECRET_SHA256_HEX]);
void secret_hmac_sha256(const void *key, size_t key_length, const void *bytes, size_t length, unsigned char out[32]);
bool secret_equal(const void *a, const void *b, size_t length);         /* constant time */
#define SECRET_PASSWORD_HASH 128
/* Argon2id, 19 MiB, 2 passes. Costs 20-100 ms: the caller limits how many run at once. */
bool secret_password_hash(const char *password, char out[SECRET_PASSWORD_HASH]);
bool secret_password_check(const char *hash, const char *password);     /* hash NULL: spends the same time, false */
void secret_wipe(void *bytes, size_t length);
/* Base64 without line breaks. decode: whitespace tolerated; false on bad input or too little room. */
bool secret_base64_decode(const char *text, size_t length, void *out, size_t room, size_t *out_length);
#endif
