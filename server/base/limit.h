/* limit: token buckets by key, for rates. Any thread. */
#ifndef MAKMAL_BASE_LIMIT_H
#define MAKMAL_BASE_LIMIT_H
#include <stdbool.h>
struct limit;
struct limit *limit_new(double per_second, double burst, int keys_max);   /* past keys_max the stalest key is dropped */
void limit_free(struct limit *limit);
bool limit_take(struct limit *limit, const char *key, double cost, int *out_retry_s);   /* false: not now, retry after *out_retry_s */
bool limit_peek(struct limit *limit, const char *key, double cost);
#endif
