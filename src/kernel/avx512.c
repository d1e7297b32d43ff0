/* avx512.c: what AVX-512 (F, BW, DQ, VL) does better than AVX2: the filter tile above all.
 *
 * With VPOPCNTDQ, avx512_popcnt.c counts bits as well. The tile is 12 queries by 32 rows: 24 sums
 * in registers, two loads and twelve broadcasts a step, so the multiply-add units are the limit.
 * Canonical scores of rows from memory are left to avx2.c: memory is their limit, and on Zen 4
 * loads of 64 bytes that cross cache lines read from memory at 17 GB/s where loads of 32 bytes
 * reach 26 (vectors in a linked .rv file start at offset 8). */
#include <immintrin.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"
#include "kernel/transpose.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define TILE_ROWS AVX512_TILE_ROWS
#define TILE_GROUP AVX512_TILE_GROUP

uint64_t avx512_within(const float *keys, float limit)
{
    const __m512 limits = _mm512_set1_ps(limit);
    uint64_t mask = 0;
    for (size_t i = 0; i < KERNEL_BLOCK; i += 16)
        mask |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(keys + i), limits, _CMP_LE_OQ) << i;
    return mask;
}

uint64_t avx512_match_ids(const uint8_t *ids, size_t count, const int64_t *wanted,
                          size_t wanted_count)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i += 8) {
        const __mmask8 present = (__mmask8)(count - i < 8 ? (1u << (count - i)) - 1 : 255u);
        const __m512i eight = _mm512_maskz_loadu_epi64(present, ids + i * sizeof(int64_t));
        uint64_t found = 0;
        for (size_t w = 0; w < wanted_count; w++)
            found |= _mm512_mask_cmpeq_epi64_mask(present, eight, _mm512_set1_epi64(wanted[w]));
        mask |= found << i;
    }
    return mask;
}

/* Packs 8 rows into 8 columns of each line; an absent row has presence 0 and is not read. */
static ALWAYS_INLINE void pack_eight(const uint8_t *const rows[8], const __mmask8 present[8],
                                     size_t dim, const float *centre, float *panel)
{
    for (size_t at = 0; at < dim; at += 8) {
        const size_t lanes = dim - at < 8 ? dim - at : 8;
        const __mmask8 mask = (__mmask8)((1u << lanes) - 1);
        const __m256 middle =
            centre != NULL ? _mm256_maskz_loadu_ps(mask, centre + at) : _mm256_setzero_ps();
        __m256 m[8];
        for (size_t r = 0; r < 8; r++) {
            const __mmask8 here = mask & present[r];
            const __m256 row = _mm256_maskz_loadu_ps(here, rows[r] + at * sizeof(float));
            m[r] = _mm256_maskz_sub_ps(here, row, middle);
        }
        transpose(m);
        for (size_t k = 0; k < lanes; k++)
            _mm256_store_ps(panel + (at + k) * TILE_ROWS, m[k]);
    }
}

static void panel_norms(const float *panel, size_t dim, float *ret_norms)
{
    __m512 totals[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t end = dim - from < KERNEL_TILE_RUN ? dim : from + KERNEL_TILE_RUN;
        __m512 sums[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (size_t k = from; k < end; k++) {
            const __m512 low = _mm512_load_ps(panel + k * TILE_ROWS);
            const __m512 high = _mm512_load_ps(panel + k * TILE_ROWS + 16);
            sums[0] = _mm512_fmadd_ps(low, low, sums[0]);
            sums[1] = _mm512_fmadd_ps(high, high, sums[1]);
        }
        totals[0] = _mm512_add_ps(totals[0], sums[0]);
        totals[1] = _mm512_add_ps(totals[1], sums[1]);
    }
    _mm512_storeu_ps(ret_norms, totals[0]);
    _mm512_storeu_ps(ret_norms + 16, totals[1]);
}

void avx512_pack(const uint8_t *const *rows, size_t count, size_t dim, const float *centre,
                 float *panel, float *ret_norms)
{
    for (size_t from = 0; from < TILE_ROWS; from += 8) {
        const uint8_t *eight[8];
        __mmask8 present[8];
        for (size_t r = 0; r < 8; r++) {
            eight[r] = from + r < count ? rows[from + r] : rows[0];
            present[r] = from + r < count ? 255 : 0;
        }
        pack_eight(eight, present, dim, centre, panel + from);
    }
    panel_norms(panel, dim, ret_norms);
}

/* One step of `count` queries: registers are named, so that no compiler keeps them in memory. */
#define TILE_QUERY(q)                                                                              \
    if (count > (q)) {                                                                             \
        const __m512 query = _mm512_set1_ps(queries[k * count + (q)]);                             \
        low_##q = _mm512_fmadd_ps(query, low, low_##q);                                            \
        high_##q = _mm512_fmadd_ps(query, high, high_##q);                                         \
    }
#define TILE_START(q) __m512 low_##q = _mm512_setzero_ps(), high_##q = _mm512_setzero_ps();
#define TILE_END(q)                                                                                \
    if (count > (q)) {                                                                             \
        totals[2 * (q)] = _mm512_add_ps(totals[2 * (q)], low_##q);                                 \
        totals[2 * (q) + 1] = _mm512_add_ps(totals[2 * (q) + 1], high_##q);                        \
    }
#define TILE_EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

/* Sums of one run of dimensions for `count` queries, added to `totals`. */
static ALWAYS_INLINE void tile_run(const float *panel, const float *queries, size_t count,
                                   size_t run, __m512 *totals)
{
    TILE_EACH(TILE_START)
    for (size_t k = 0; k < run; k++) {
        const __m512 low = _mm512_load_ps(panel + k * TILE_ROWS);
        const __m512 high = _mm512_load_ps(panel + k * TILE_ROWS + 16);
        TILE_EACH(TILE_QUERY)
    }
    TILE_EACH(TILE_END)
}

static ALWAYS_INLINE uint32_t tile_passed(__m512 total, __m512 row_offset, __m512 row_slope,
                                          const struct kernel_group *group, size_t q)
{
    const __m512 offset = _mm512_add_ps(_mm512_set1_ps(group->offset[q]), row_offset);
    const __m512 limit = _mm512_fmadd_ps(_mm512_set1_ps(group->slope[q]), row_slope, offset);
    return (uint32_t)_mm512_cmp_ps_mask(total, limit, _CMP_NLT_UQ);
}

static ALWAYS_INLINE void tile_count(const struct kernel_panel *panel,
                                     const struct kernel_group *group, size_t count, size_t dim,
                                     uint32_t *ret_passed)
{
    __m512 totals[2 * TILE_GROUP];
    for (size_t i = 0; i < 2 * count; i++)
        totals[i] = _mm512_setzero_ps();
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t run = dim - from < KERNEL_TILE_RUN ? dim - from : KERNEL_TILE_RUN;
        tile_run(panel->values + from * TILE_ROWS, group->values + from * count, count, run,
                 totals);
    }
    for (size_t q = 0; q < count; q++) {
        uint32_t passed = 0;
        for (size_t half = 0; half < 2; half++)
            passed |= tile_passed(totals[2 * q + half], _mm512_loadu_ps(panel->offset + 16 * half),
                                  _mm512_loadu_ps(panel->slope + 16 * half), group, q)
                      << (16 * half);
        ret_passed[q] = passed;
    }
}

/* One copy of the loops for each size, so that the sums stay in registers. */
void avx512_tile(const struct kernel_panel *panel, const struct kernel_group *group, size_t dim,
                 uint32_t *ret_passed)
{
    switch (group->count) {
    case 12:
        tile_count(panel, group, 12, dim, ret_passed);
        break;
    case 10:
        tile_count(panel, group, 10, dim, ret_passed);
        break;
    case 8:
        tile_count(panel, group, 8, dim, ret_passed);
        break;
    case 6:
        tile_count(panel, group, 6, dim, ret_passed);
        break;
    case 4:
        tile_count(panel, group, 4, dim, ret_passed);
        break;
    default:
        tile_count(panel, group, 2, dim, ret_passed);
        break;
    }
}

const struct kernel kernel_avx512 = {
    .isa = "avx512",
    .name = "avx512",
    .squared_distance = avx2_squared_distance,
    .inner_product = avx2_inner_product,
    .product_norm = avx2_product_norm,
    .xor_bits = avx2_xor_bits,
    .and_bits = avx2_and_bits,
    .within = avx512_within,
    .match_ids = avx512_match_ids,
    .pack = avx512_pack,
    .tile = avx512_tile,
    .tile_rows = AVX512_TILE_ROWS,
    .tile_group = AVX512_TILE_GROUP,
    .tile_step = AVX512_TILE_STEP,
    .filter_min = AVX512_FILTER_MIN,
};
