/* avx512_popcnt.c: AVX-512 with VPOPCNTDQ (Ice Lake, Zen 4 and later): bits by one instruction. */
#include <immintrin.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"

/* Set bits of each of the eight 64-bit words. */
static inline __m512i count_words(__m512i bits)
{
    return _mm512_popcnt_epi64(bits);
}

#include "kernel/avx512_bits.h"

const struct kernel kernel_avx512_popcnt = {
    .isa = "avx512",
    .name = "avx512+vpopcntdq",
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
