/* sample.h: numbers for the kernel tests: repeatable, of several kinds, at any alignment. */
#ifndef GODWIT_TESTS_KERNEL_SAMPLE_H
#define GODWIT_TESTS_KERNEL_SAMPLE_H

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum sample_kind {
    SAMPLE_PLAIN,  /* -1 .. 1 */
    SAMPLE_SMALL,  /* whole numbers 0 .. 3: many ties */
    SAMPLE_SHIFT,  /* 1000 and a bit: bad for |q|^2 + |x|^2 - 2qx */
    SAMPLE_SCALES, /* exponents all over the range */
    SAMPLE_EDGE,   /* zeros of both signs, denormals, FLT_MAX, infinities, NaN among plain ones */
    SAMPLE_BITS,   /* any 32 bits */
    SAMPLE_KINDS
};

static inline uint32_t sample_next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 32);
}

static inline float sample_float(enum sample_kind kind, uint64_t *seed)
{
    static const float edges[] = {0.0F,     -0.0F,    FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN, FLT_MAX,
                                  -FLT_MAX, INFINITY, -INFINITY,    NAN,           1e-20F,  1e20F};
    const float plain = (float)sample_next(seed) * 0x1p-31F - 1.0F;
    const uint32_t bits = sample_next(seed);
    float any;
    memcpy(&any, &bits, sizeof any);
    switch (kind) {
    case SAMPLE_SMALL:
        return (float)(bits % 4);
    case SAMPLE_SHIFT:
        return 1000.0F + plain;
    case SAMPLE_SCALES:
        return ldexpf(plain, (int)(bits % 200) - 100);
    case SAMPLE_EDGE:
        return bits % 8 == 0 ? edges[bits / 8 % (sizeof edges / sizeof edges[0])] : plain;
    case SAMPLE_BITS:
        return any;
    default:
        return plain;
    }
}

/* `count` floats as bytes, starting `offset` bytes past a 64-byte boundary; nothing behind them may
 * be read (the block ends there, so that ASan sees it). free(*ret_block). */
static inline uint8_t *sample_floats(enum sample_kind kind, size_t count, size_t offset,
                                     uint64_t *seed, uint8_t **ret_block)
{
    uint8_t *block = malloc(offset + count * sizeof(float) + 1);
    assert_non_null(block);
    for (size_t i = 0; i < count; i++) {
        const float value = sample_float(kind, seed);
        memcpy(block + offset + i * sizeof value, &value, sizeof value);
    }
    *ret_block = block;
    return block + offset;
}

static inline uint8_t *sample_bytes(size_t count, uint64_t *seed)
{
    uint8_t *bytes = malloc(count + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)sample_next(seed);
    return bytes;
}

/* Equal bits, or both NaN. */
static inline bool sample_is_same(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

#endif
