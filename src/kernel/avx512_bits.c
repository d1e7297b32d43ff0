/* avx512_bits.c: AVX-512 without VPOPCNTDQ (Skylake-X and its like): bits by table look-up. */
#include <immintrin.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"

/* Set bits of each of the eight 64-bit words: look up half bytes, then add the eight bytes. */
static inline __m512i count_words(__m512i bits)
{
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i half = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(bits, half));
    const __m512i high =
        _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(bits, 4), half));
    return _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512());
}

#include "kernel/avx512_bits.h"

const struct kernel kernel_avx512 = {
    .isa = "avx512",
    .name = "avx512",
    .squared_distance = avx2_squared_distance,
    .inner_product = avx2_inner_product,
    .product_norm = avx2_product_norm,
    .xor_bits = bits_xor,
    .and_bits = bits_and,
    .within = avx512_within,
    .match_ids = avx512_match_ids,
    .pack = avx512_pack,
    .tile = avx512_tile,
    .tile_rows = 32,
    .tile_group = 12,
    .tile_step = 2,
    .filter_min = 12,
};
