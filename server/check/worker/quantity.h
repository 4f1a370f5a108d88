/* quantity: Kubernetes quantities, exact: whole units of 10^-9 in 128 bits, rounded up there as the API does; and durations as Go writes them. Pure. */
#ifndef MAKMAL_CHECK_WORKER_QUANTITY_H
#define MAKMAL_CHECK_WORKER_QUANTITY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quantity { __int128 nano; };
enum quantity_fault { QUANTITY_FINE, QUANTITY_BAD, QUANTITY_LARGE };    /* LARGE: it is a quantity, but beyond what can be kept */
enum quantity_fault quantity_parse(const char *text, size_t length, struct quantity *out);
int quantity_compare(const struct quantity *a, const struct quantity *b);
/* The shortest exact spelling: 500m, 2, 64Mi. */
#define QUANTITY_TEXT 64
void quantity_text(const struct quantity *q, char out[QUANTITY_TEXT]);
/* "1h30m", "1.5s", "250ms" to milliseconds, rounded down; false when it is none or too large. */
bool duration_parse(const char *text, size_t length, int64_t *out_ms);
#endif
