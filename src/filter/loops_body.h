/* loops_body.h: the text of loops.h; LOOPS_TABLE and LOOPS_ISA name what it makes. */
#ifndef GODWIT_FILTER_LOOPS_BODY_H
#define GODWIT_FILTER_LOOPS_BODY_H

#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "filter/loops.h"

/* 64 bytes, each 0 or 255, as bits. */
static inline uint64_t pack(const uint8_t flags[64])
{
#if defined(__AVX512BW__)
    return _mm512_movepi8_mask(_mm512_loadu_si512(flags));
#elif defined(__AVX2__)
    const __m256i low = _mm256_loadu_si256((const void *)flags);
    const __m256i high = _mm256_loadu_si256((const void *)(flags + 32));
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
#else
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        uint64_t eight;
        memcpy(&eight, flags + 8 * i, sizeof eight);
        bits |=
            (eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56 << 8 * i;
    }
    return bits;
#endif
}

#define RANGE(name, type, bound)                                                                   \
    static void name(const void *values, size_t count, bound low_bound, bound high_bound,          \
                     uint64_t *bits)                                                               \
    {                                                                                              \
        const type *value = values;                                                                \
        const type low = (type)low_bound;                                                          \
        const type high = (type)high_bound;                                                        \
        uint8_t flags[64];                                                                         \
        for (; count >= 64; count -= 64, value += 64) {                                            \
            for (size_t k = 0; k < 64; k++)                                                        \
                flags[k] = (uint8_t) - (int)((value[k] >= low) & (value[k] <= high));              \
            *bits++ = pack(flags);                                                                 \
        }                                                                                          \
        if (count == 0)                                                                            \
            return;                                                                                \
        memset(flags, 0, sizeof flags);                                                            \
        for (size_t k = 0; k < count; k++)                                                         \
            flags[k] = (uint8_t) - (int)((value[k] >= low) & (value[k] <= high));                  \
        *bits = pack(flags);                                                                       \
    }

RANGE(range_1, int8_t, int64_t)
RANGE(range_2, int16_t, int64_t)
RANGE(range_4, int32_t, int64_t)
RANGE(range_8, int64_t, int64_t)
RANGE(range_float, float, double)
RANGE(range_double, double, double)

#ifdef __AVX2__
/* Places where two bytes of the needle stand as far apart as in it. */
static inline uint64_t both_bytes(const uint8_t *at, const uint8_t *needle, size_t one,
                                  size_t other)
{
    const __m256i first = _mm256_set1_epi8((char)needle[one]);
    const __m256i last = _mm256_set1_epi8((char)needle[other]);
    uint64_t bits = 0;
    for (int i = 0; i < 2; i++, at += 32) {
        const __m256i a = _mm256_loadu_si256((const void *)(at + one));
        const __m256i b = _mm256_loadu_si256((const void *)(at + other));
        const __m256i both =
            _mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, last));
        bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << 32 * i;
    }
    return bits;
}
#endif

static size_t find(const uint8_t *text, size_t size, const uint8_t *needle, size_t needle_size)
{
    size_t at = 0;
#ifdef __AVX2__
    /* Quotes are everywhere in JSON: of "red" the letters at the ends are compared first. */
    const size_t one = needle_size > 2 && needle[0] == '"' ? 1 : 0;
    const size_t other = needle_size - 1 - one;
    for (; size >= needle_size && size - at >= needle_size + 63; at += 64) {
        uint64_t bits = both_bytes(text + at, needle, one, other);
        for (; bits != 0; bits &= bits - 1) {
            const size_t place = at + (size_t)__builtin_ctzll(bits);
            if (memcmp(text + place, needle, needle_size) == 0)
                return place;
        }
    }
#endif
    const uint8_t *found = memmem(text + at, size - at, needle, needle_size);
    return found != NULL ? (size_t)(found - text) : SIZE_MAX;
}

const struct loops LOOPS_TABLE = {
    .isa = LOOPS_ISA,
    .range_1 = range_1,
    .range_2 = range_2,
    .range_4 = range_4,
    .range_8 = range_8,
    .range_float = range_float,
    .range_double = range_double,
    .find = find,
};

#endif
