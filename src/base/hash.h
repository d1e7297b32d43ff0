/* hash.h: checksums (XXH3 of xxHash; the only file that includes it).
 *
 * A checksum here finds damage and differences; it is not a defence against a forger. */
#ifndef GODWIT_BASE_HASH_H
#define GODWIT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t hash64(const void *data, size_t size, uint64_t seed);
struct hash128 hash128(const void *data, size_t size, uint64_t seed);

/* Adds modulo 2^128: the sum over rows does not depend on their order. */
static inline struct hash128 hash128_add(struct hash128 a, struct hash128 b)
{
    struct hash128 sum = {.low = a.low + b.low};
    sum.high = a.high + b.high + (sum.low < a.low);
    return sum;
}

/* The checksum of one entity: XXH3-128 of its vector's bytes, seeded with a mix of its id. */
struct hash128 hash_row(int64_t id, const void *vector, size_t size);

/* Streaming XXH3-64. new returns NULL when memory ends. */
struct hasher;
struct hasher *hasher_new(uint64_t seed);
void hasher_add(struct hasher *hasher, const void *data, size_t size);
uint64_t hasher_get(const struct hasher *hasher);
void hasher_free(struct hasher *hasher);

#endif
