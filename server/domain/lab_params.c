/* lab_params: seeds and values by HMAC-SHA-256, text with ${name} filled. No state. */
#include "domain/lab_params.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/tree.h"

#define FILL_CAP (1024u * 1024u)
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";      /* Crockford, as in base/id */
enum { NAME_LOW = 10, NAME_COUNT = 90 };                                /* kedai-10 … kedai-99 */

void lab_seed_person(const void *secret, size_t secret_length, const char *person, const char *lab, unsigned char out[32]) {
  struct buf text;
  buf_init(&text, 4096);
  buf_add(&text, person, strlen(person) + 1);                           /* its NUL is the 0x00 between the two */
  buf_str(&text, lab);
  secret_hmac_sha256(secret, secret_length, text.data, text.len, out);
  buf_release(&text);
}

void lab_seed_text(const char *text, unsigned char out[32]) { secret_hmac_sha256("", 0, text, strlen(text), out); }

/* Bytes of one parameter: round 0 is HMAC(seed, name); further rounds, needed when a number is rejected or a token is long, HMAC(seed, name 0x00 round). */
static void draw_bytes(const unsigned char seed[32], const char *name, unsigned round, unsigned char out[32]) {
  char text[66];
  size_t n = strlen(name);
  if (n > 64) n = 64;
  memcpy(text, name, n);
  if (round) {
    text[n++] = 0;
    text[n++] = (char)round;
  }
  secret_hmac_sha256(seed, 32, text, n, out);
}

/* 0 … count - 1, each as likely: numbers above the largest multiple of count are drawn again. */
static uint64_t draw_below(const unsigned char seed[32], const char *name, uint64_t count) {
  uint64_t rest = (UINT64_MAX % count + 1) % count;                     /* 2^64 mod count */
  for (unsigned round = 0; round < 255; round++) {
    unsigned char bytes[32];
    draw_bytes(seed, name, round, bytes);
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
    if (!rest || value <= UINT64_MAX - rest) return value % count;
  }
  return 0;                                                             /* 255 rejections in a row: less likely than 2^-255 */
}

int64_t lab_param_values(const struct lab_param *param) {
  switch (param->type) {
    case PARAM_NAME: return (int64_t)param->name_count * NAME_COUNT;
    case PARAM_INT: {
      if (param->high < param->low) return 0;
      uint64_t count = (uint64_t)param->high - (uint64_t)param->low + 1;
      return count && count <= INT64_MAX ? (int64_t)count : INT64_MAX;
    }
    case PARAM_TOKEN: return param->length >= 12 ? INT64_MAX : (int64_t)1 << (5 * param->length);
  }
  return 0;
}

int64_t lab_params_combinations(const struct lab *lab) {
  int64_t all = 1;
  for (size_t i = 0; i < lab->param_count; i++)
    if (__builtin_mul_overflow(all, lab_param_values(&lab->params[i]), &all)) return INT64_MAX;
  return all;
}

static struct tree *draw(struct arena *arena, const struct lab_param *param, const unsigned char seed[32]) {
  switch (param->type) {
    case PARAM_NAME: {
      uint64_t at = draw_below(seed, param->name, (uint64_t)param->name_count * NAME_COUNT);
      return tree_string(arena, arena_printf(arena, "%s-%d", param->names[at / NAME_COUNT], NAME_LOW + (int)(at % NAME_COUNT)));
    }
    case PARAM_INT: return tree_number(arena, (int64_t)((uint64_t)param->low + draw_below(seed, param->name, (uint64_t)param->high - (uint64_t)param->low + 1)));
    case PARAM_TOKEN: {
      char *token = arena_alloc(arena, (size_t)param->length + 1);
      unsigned char bytes[32];
      for (int i = 0; i < param->length; i++) {
        if (i % 32 == 0) draw_bytes(seed, param->name, (unsigned)i / 32, bytes);
        token[i] = alphabet[bytes[i % 32] & 31];                        /* 32 divides 256: no bias */
      }
      return tree_string(arena, token);
    }
  }
  return tree_new(arena, TREE_NULL);
}

struct tree *lab_params_draw(struct arena *arena, const struct lab *lab, const unsigned char seed[32]) {
  struct tree *params = tree_new(arena, TREE_MAP);
  for (size_t i = 0; i < lab->param_count; i++) tree_put(arena, params, lab->params[i].name, draw(arena, &lab->params[i], seed));
  return params;
}

struct tree *lab_params_examples(struct arena *arena, const struct lab *lab) {
  struct tree *params = tree_new(arena, TREE_MAP);
  const struct tree *declared = tree_get(lab->meta, "params");
  for (size_t i = 0; i < lab->param_count; i++) {
    const struct lab_param *param = &lab->params[i];
    const struct tree *given = tree_get(tree_get(declared, param->name), "example");
    struct tree *value;
    if (given && (given->type == TREE_STRING || given->type == TREE_NUMBER)) value = tree_copy(arena, given);
    else if (param->type == PARAM_INT) value = tree_number(arena, param->low);
    else if (param->type == PARAM_NAME) value = tree_string(arena, arena_printf(arena, "%s-17", param->names[0]));
    else {
      unsigned char seed[32];
      lab_seed_text("example", seed);
      value = draw(arena, param, seed);
    }
    tree_put(arena, params, param->name, value);
  }
  lab_params_platform(arena, params, "lab-example00000", NULL, 30017, NULL);
  return params;
}

void lab_params_platform(struct arena *arena, struct tree *params, const char *namespace, const char *domain, int nodeport, const char *class) {
  tree_set(arena, params, "namespace", tree_string(arena, namespace));
  tree_set(arena, params, "host", tree_string(arena, arena_printf(arena, "%s.%s", namespace, domain ? domain : "lab.test")));
  tree_set(arena, params, "nodeport", tree_number(arena, nodeport));
  tree_set(arena, params, "ingressclass", tree_string(arena, class ? class : LAB_PARAM_CLASS));
}

/* The usual range, 30000 to 32767. The API server draws from behind the first 86 while it can: those are for whoever names a port himself. */
int lab_params_nodeport(const unsigned char seed[32], int n) {
  enum { FIRST = 30000, NAMED = 86, ALL = 2768 };
  if (n < NAMED) return FIRST + (int)((draw_below(seed, "nodeport", NAMED) + (unsigned)n) % NAMED);
  if (n < ALL) return FIRST + NAMED + (int)((draw_below(seed, "nodeport", ALL - NAMED) + (unsigned)(n - NAMED)) % (ALL - NAMED));
  return 0;
}

static bool solution_uses(const struct lab *lab, const char *name) {
  char written[80];
  size_t n = strlen(name);
  if (n > 70) return false;
  memcpy(written, "${", 2);
  memcpy(written + 2, name, n);
  memcpy(written + 2 + n, "}", 1);
  for (size_t i = 0; i < lab->solution_count; i++)
    if (memmem(lab->solution[i].bytes, lab->solution[i].length, written, n + 3)) return true;
  return false;
}

struct tree *lab_params_other(struct arena *arena, const struct lab *lab, const struct tree *own) {
  for (size_t i = 0; i < lab->param_count; i++)
    if (solution_uses(lab, lab->params[i].name) && lab_param_values(&lab->params[i]) < 2) return NULL;
  for (int try = 1;; try++) {
    unsigned char seed[32];
    lab_seed_text(arena_printf(arena, "copied-%d", try), seed);
    struct tree *other = lab_params_draw(arena, lab, seed);
    bool differs = true;
    TREE_EACH(value, other) if (solution_uses(lab, value->key) && tree_equal(value, tree_get(own, value->key))) differs = false;
    if (differs) return other;
  }
}

char *lab_fill(struct arena *arena, const char *text, size_t length, const struct tree *params, size_t *out_length) {
  struct buf out;
  buf_init(&out, FILL_CAP);
  for (const char *at = text, *end = text + length; at < end;) {
    const char *mark = memmem(at, (size_t)(end - at), "${", 2);
    if (!mark) mark = end;
    buf_add(&out, at, (size_t)(mark - at));
    if (mark == end) break;
    const char *close = memchr(mark, '}', (size_t)(end - mark));
    const struct tree *value = NULL;
    if (close && close - mark - 2 < 64) {
      char name[64];
      size_t n = (size_t)(close - mark) - 2;
      memcpy(name, mark + 2, n);
      name[n] = 0;
      value = tree_get(params, name);
    }
    if (value && (value->type == TREE_STRING || value->type == TREE_NUMBER)) {
      buf_add(&out, value->text, value->length);
      at = close + 1;
    } else {
      buf_add(&out, mark, 2);
      at = mark + 2;
    }
  }
  char *done = arena_strn(arena, out.data, out.len);
  if (out_length) *out_length = out.len;
  buf_release(&out);
  return done;
}
