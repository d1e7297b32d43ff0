/* transpose.h: eight rows of eight floats become eight columns, in AVX registers.
 *
 * Part of avx2.c and avx512.c, which are built with the flags it needs. */
#ifndef GODWIT_KERNEL_TRANSPOSE_H
#define GODWIT_KERNEL_TRANSPOSE_H

#include <immintrin.h>
#include <stddef.h>

static inline __attribute__((always_inline)) void transpose(__m256 m[8])
{
    __m256 pairs[8];
    for (size_t i = 0; i < 4; i++) {
        pairs[2 * i] = _mm256_unpacklo_ps(m[2 * i], m[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(m[2 * i], m[2 * i + 1]);
    }
    __m256 fours[8];
    for (size_t i = 0; i < 8; i += 4) {
        fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
        fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (size_t i = 0; i < 4; i++) {
        m[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
        m[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
}

#endif
