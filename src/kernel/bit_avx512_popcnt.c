/* bit_avx512_popcnt.c: the loops of bit.h with AVX-512 and VPOPCNTDQ: one instruction counts. */
#include <immintrin.h>
#include <stdint.h>

#define BIT_RUN SIZE_MAX /* counts are numbers of 4 bytes at once */

static inline __m512i count_part(__m512i bits)
{
    return _mm512_popcnt_epi32(bits);
}

static inline __m512i add_part(__m512i sum, __m512i part)
{
    return _mm512_add_epi32(sum, part);
}

static inline __m512i widen(__m512i sums)
{
    return sums;
}

#include "kernel/bit_512.h"

const struct bit_kernel bit_avx512_popcnt = {
    .name = "avx512+vpopcntdq", .scan = scan, .weigh = weigh};
