/* lists_pool.h: the best rows so far by their codes: (key, place) pairs, of which the `wanted`
 * smallest count. Which rows are kept, and so the limit after a fold, does not depend on the order
 * in which rows came. */
#ifndef GODWIT_ENGINE_LISTS_POOL_H
#define GODWIT_ENGINE_LISTS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define LISTS_CHUNK 64 /* groups taken at a time */

struct lists_pool {
    uint64_t *pairs; /* order.h; the caller's */
    size_t count;
    size_t size;   /* at least lists_pool_size(wanted) */
    size_t wanted; /* > 0 */
    float limit;   /* larger keys do not matter; INFINITY while there are too few */
};

static inline size_t lists_pool_size(size_t wanted)
{
    return wanted + wanted / 2 + 2 * LISTS_CHUNK * 16;
}

/* Takes the rows of some groups whose bit is set; folds when it must.
 *   keys   16 x count; masks  of keys <= limit; count <= LISTS_CHUNK */
void lists_pool_take(struct lists_pool *pool, const float *keys, const uint16_t *masks,
                     size_t count, size_t first_place);
/* Keeps the best `wanted` and sets the limit. */
void lists_pool_fold(struct lists_pool *pool);

#endif
