/* bit_avx512.c: the loops of bit.h with AVX-512; bits are counted by looking up half bytes. */
#include <immintrin.h>

#define BIT_RUN 31 /* counts, at most 8 a byte, fit into bytes */

static inline __m512i count_part(__m512i bits)
{
    const __m512i counts =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low_half = _mm512_set1_epi8(15);
    const __m512i low = _mm512_and_si512(bits, low_half);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bits, 4), low_half);
    return _mm512_add_epi8(_mm512_shuffle_epi8(counts, low), _mm512_shuffle_epi8(counts, high));
}

static inline __m512i add_part(__m512i sum, __m512i part)
{
    return _mm512_add_epi8(sum, part);
}

static inline __m512i widen(__m512i bytes)
{
    return _mm512_madd_epi16(_mm512_maddubs_epi16(bytes, _mm512_set1_epi8(1)),
                             _mm512_set1_epi16(1));
}

#include "kernel/bit_512.h"

const struct bit_kernel bit_avx512 = {.name = "avx512", .scan = scan, .weigh = weigh};
