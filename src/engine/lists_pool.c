/* lists_pool.c: see lists_pool.h. */
#include "engine/lists_pool.h"

#include <math.h>
#include <stdbool.h>

#include "engine/order.h"
#include "kernel/code.h"

_Static_assert(CODE_GROUP == 16, "lists_pool_size() knows it");

void lists_pool_fold(struct lists_pool *pool)
{
    const bool has_all = pool->count == pool->wanted && pool->limit < INFINITY;
    if (pool->count < pool->wanted || has_all)
        return;
    order_select(pool->pairs, pool->count, pool->wanted);
    pool->count = pool->wanted;
    pool->limit = order_key(pool->pairs[pool->wanted - 1]);
}

void lists_pool_take(struct lists_pool *pool, const float *keys, const uint16_t *masks,
                     size_t count, size_t first_place)
{
    for (size_t g = 0; g < count; g++)
        for (unsigned mask = masks[g]; mask != 0; mask &= mask - 1) {
            const size_t i = g * CODE_GROUP + (size_t)__builtin_ctz(mask);
            pool->pairs[pool->count++] = order_pair(keys[i], (uint32_t)(first_place + i));
        }
    if (pool->size - pool->count < LISTS_CHUNK * CODE_GROUP)
        lists_pool_fold(pool);
}
