/* order.h: (key, number) pairs in one 64-bit word each, so that sorting and choosing compare
 * integers: smaller key first, then smaller number. NaN keys must not get in. */
#ifndef GODWIT_ENGINE_ORDER_H
#define GODWIT_ENGINE_ORDER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t order_pair(float key, uint32_t number)
{
    uint32_t bits;
    memcpy(&bits, &key, sizeof bits);
    bits ^= (bits >> 31) != 0 ? UINT32_MAX : UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | number;
}

static inline uint32_t order_number(uint64_t pair)
{
    return (uint32_t)pair;
}

static inline float order_key(uint64_t pair)
{
    uint32_t bits = (uint32_t)(pair >> 32);
    bits ^= (bits >> 31) != 0 ? UINT32_C(1) << 31 : UINT32_MAX;
    float key;
    memcpy(&key, &bits, sizeof key);
    return key;
}

/* Moves the `wanted` smallest to the front, in any order, the largest of them last; wanted is
 * 1..count. */
void order_select(uint64_t *pairs, size_t count, size_t wanted);
/* Moves at least the `wanted` smallest to the front, and not many more if that is cheap; returns
 * how many: all others are larger. */
size_t order_part(uint64_t *pairs, size_t count, size_t wanted);
void order_sort(uint64_t *pairs, size_t count);

#endif
