/* code_avx512.c: AVX-512 without VNNI (Skylake-X): products of bytes in pairs of 16 bits, as in
 * code_avx2.c. */
#include <immintrin.h>

static inline __m512i add_products(__m512i sum, __m512i codes, __m512i query)
{
    return _mm512_add_epi32(
        sum, _mm512_madd_epi16(_mm512_maddubs_epi16(codes, query), _mm512_set1_epi16(1)));
}

#include "kernel/code_512.h"

const struct code_kernel code_avx512 = {.name = "avx512",
                                        .scan4 = scan4,
                                        .tile7 = tile7,
                                        .rows4 = rows4,
                                        .rows7 = rows7,
                                        .smallest = smallest,
                                        .passing = passing};
