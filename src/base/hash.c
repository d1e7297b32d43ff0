/* hash.c: see hash.h. */
#include "base/hash.h"

/* The size of a state is only told to those who link statically; we need it to allocate one
 * ourselves (base/mem.h), and one build never mixes two versions of the library's header. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "base/mem.h"

uint64_t hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

struct hash128 hash128(const void *data, size_t size, uint64_t seed)
{
    const XXH128_hash_t h = XXH3_128bits_withSeed(data, size, seed);
    return (struct hash128){.low = h.low64, .high = h.high64};
}

/* Long inputs are cheapest with the default secret, so the id is mixed in afterwards: two
 * multiplications with odd constants keep (id, vector) pairs apart under addition. */
struct hash128 hash_row(int64_t id, const void *vector, size_t size)
{
    const XXH128_hash_t v = XXH3_128bits(vector, size);
    const uint64_t words[3] = {(uint64_t)id, v.low64, v.high64};
    const XXH128_hash_t h = XXH3_128bits(words, sizeof words);
    return (struct hash128){.low = h.low64, .high = h.high64};
}

struct hasher {
    XXH3_state_t state;
};

struct hasher *hasher_new(uint64_t seed)
{
    struct hasher *hasher = mem_aligned(1, sizeof *hasher);
    if (hasher == NULL)
        return NULL;
    XXH3_INITSTATE(&hasher->state);
    (void)XXH3_64bits_reset_withSeed(&hasher->state, seed);
    return hasher;
}

void hasher_add(struct hasher *hasher, const void *data, size_t size)
{
    (void)XXH3_64bits_update(&hasher->state, data, size);
}

uint64_t hasher_get(const struct hasher *hasher)
{
    return XXH3_64bits_digest(&hasher->state);
}

void hasher_free(struct hasher *hasher)
{
    mem_free(hasher);
}
