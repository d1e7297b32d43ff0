/* avx512_popcnt.c: AVX-512 with VPOPCNTDQ (Ice Lake, Zen 4 and later): bits by one instruction. */
#include <immintrin.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"

/* Set bits of each of the four 64-bit words. */
static inline __m256i count_words(__m256i bits)
{
    return _mm256_popcnt_epi64(bits);
}

#include "kernel/bits.h"

static void popcnt_xor_bits(const uint8_t *query, size_t size, const uint8_t *const *rows,
                            size_t count, uint32_t *ret_bits)
{
    xor_rows_of_size(query, size, rows, count, ret_bits);
}

static void popcnt_and_bits(const uint8_t *query, size_t size, const uint8_t *const *rows,
                            size_t count, uint32_t *ret_both, uint32_t *ret_row)
{
    and_rows(query, size, rows, count, ret_both, ret_row);
}

const struct kernel kernel_avx512_popcnt = {
    .isa = "avx512",
    .name = "avx512+vpopcntdq",
    .squared_distance = avx2_squared_distance,
    .inner_product = avx2_inner_product,
    .product_norm = avx2_product_norm,
    .xor_bits = popcnt_xor_bits,
    .and_bits = popcnt_and_bits,
    .within = avx512_within,
    .match_ids = avx512_match_ids,
    .pack = avx512_pack,
    .tile = avx512_tile,
    .tile_rows = AVX512_TILE_ROWS,
    .tile_group = AVX512_TILE_GROUP,
    .tile_step = AVX512_TILE_STEP,
    .filter_min = AVX512_FILTER_MIN,
};
