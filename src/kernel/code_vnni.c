/* code_vnni.c: AVX-512 with VNNI (Cascade Lake, Zen 4 and later): four products of bytes are added
 * by one instruction. */
#include <immintrin.h>

static inline __m512i add_products(__m512i sum, __m512i codes, __m512i query)
{
    return _mm512_dpbusd_epi32(sum, codes, query);
}

#include "kernel/code_512.h"

const struct code_kernel code_vnni = {.name = "avx512+vnni",
                                      .scan4 = scan4,
                                      .tile7 = tile7,
                                      .rows4 = rows4,
                                      .rows7 = rows7,
                                      .smallest = smallest,
                                      .passing = passing};
