/* avx2.c: the kernels for AVX2 with FMA: two registers hold the 16 lanes of a canonical score.
 *
 * Rows are read one after another, since several streams within a page defeat the prefetcher; the
 * processor overlaps them by itself. One tree of shuffles finishes four rows. Bits are counted by
 * table look-up of half bytes (Mula, Kurz, Lemire, "Faster Population Counts Using AVX2
 * Instructions", 2016). The filter tile is 6 queries by 16 rows: 12 sums in registers, one
 * broadcast and two loads a step. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"
#include "kernel/transpose.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define ROWS 4 /* scored together */
#define TILE_ROWS 16
#define TILE_GROUP 6
#define TILE_STEP 2

/* The masks that load the first n of 8 floats start at entry 8 - n. */
static const int32_t tail_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

static ALWAYS_INLINE __m256i tail_mask(size_t lanes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(tail_masks + 8 - lanes));
}

static ALWAYS_INLINE __m256 load_floats(const uint8_t *row)
{
    return _mm256_loadu_ps((const float *)(const void *)row);
}

/* Lanes 0..7 and 8..15 of one row's sums. */
struct lanes {
    __m256 low;
    __m256 high;
};

static ALWAYS_INLINE struct lanes load_lanes(const uint8_t *row, size_t at)
{
    const uint8_t *bytes = row + at * sizeof(float);
    return (struct lanes){load_floats(bytes), load_floats(bytes + 32)};
}

/* The last 1..15 floats of a row, then zeros; nothing past the end is read. */
static ALWAYS_INLINE struct lanes load_tail(const uint8_t *row, size_t dim, size_t at)
{
    const float *rest = (const float *)(const void *)(row + at * sizeof(float));
    const size_t left = dim - at;
    const __m256 low = _mm256_maskload_ps(rest, tail_mask(left < 8 ? left : 8));
    if (left <= 8)
        return (struct lanes){low, _mm256_setzero_ps()};
    return (struct lanes){low, _mm256_maskload_ps(rest + 8, tail_mask(left - 8))};
}

/* sum + a * b */
static ALWAYS_INLINE void add_product(struct lanes *sum, struct lanes a, struct lanes b)
{
    sum->low = _mm256_fmadd_ps(a.low, b.low, sum->low);
    sum->high = _mm256_fmadd_ps(a.high, b.high, sum->high);
}

/* One step of a canonical score: 16 floats of the query and of the row. */
static ALWAYS_INLINE void add_step(bool is_distance, const float *query, struct lanes row,
                                   struct lanes *sum)
{
    struct lanes values = {_mm256_load_ps(query), _mm256_load_ps(query + 8)};
    if (!is_distance) {
        add_product(sum, values, row);
        return;
    }
    values.low = _mm256_sub_ps(values.low, row.low);
    values.high = _mm256_sub_ps(values.high, row.high);
    add_product(sum, values, values);
}

/* The fixed tree over the lanes, for four rows at once. */
static ALWAYS_INLINE __m128 reduce(const struct lanes sums[ROWS])
{
    __m128 fours[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        const __m256 eight = _mm256_add_ps(sums[r].low, sums[r].high);
        fours[r] = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    }
    const __m128 twos_01 =
        _mm_add_ps(_mm_unpacklo_ps(fours[0], fours[1]), _mm_unpackhi_ps(fours[0], fours[1]));
    const __m128 twos_23 =
        _mm_add_ps(_mm_unpacklo_ps(fours[2], fours[3]), _mm_unpackhi_ps(fours[2], fours[3]));
    return _mm_add_ps(_mm_movelh_ps(twos_01, twos_23), _mm_movehl_ps(twos_23, twos_01));
}

static ALWAYS_INLINE struct lanes score_row(bool is_distance, const float *query, size_t dim,
                                            const uint8_t *row)
{
    struct lanes sum = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t at = 0;
    for (; at + KERNEL_LANES <= dim; at += KERNEL_LANES)
        add_step(is_distance, query + at, load_lanes(row, at), &sum);
    if (at < dim)
        add_step(is_distance, query + at, load_tail(row, dim, at), &sum);
    return sum;
}

static ALWAYS_INLINE void store_scores(__m128 scores, size_t count, float *ret_scores)
{
    float four[ROWS];
    if (count == ROWS) {
        _mm_storeu_ps(ret_scores, scores);
        return;
    }
    _mm_storeu_ps(four, scores);
    memcpy(ret_scores, four, count * sizeof four[0]);
}

/* A last group of fewer than four is filled up by repeating its last row. */
static ALWAYS_INLINE void score_all(bool is_distance, const float *query, size_t dim,
                                    const uint8_t *const *rows, size_t count, float *ret_scores)
{
    for (size_t i = 0; i < count; i += ROWS) {
        const size_t left = count - i < ROWS ? count - i : ROWS;
        struct lanes sums[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            sums[r] = score_row(is_distance, query, dim, rows[i + (r < left ? r : left - 1)]);
        store_scores(reduce(sums), left, ret_scores + i);
    }
}

void avx2_squared_distance(const float *query, size_t dim, const uint8_t *const *rows, size_t count,
                           float *ret_scores)
{
    score_all(true, query, dim, rows, count, ret_scores);
}

void avx2_inner_product(const float *query, size_t dim, const uint8_t *const *rows, size_t count,
                        float *ret_scores)
{
    score_all(false, query, dim, rows, count, ret_scores);
}

/* Both sums in one pass, by the same steps as score_row(). */
static ALWAYS_INLINE void score_twice(const float *query, size_t dim, const uint8_t *row,
                                      struct lanes *product, struct lanes *norm)
{
    product->low = product->high = norm->low = norm->high = _mm256_setzero_ps();
    size_t at = 0;
    for (; at + KERNEL_LANES <= dim; at += KERNEL_LANES) {
        const struct lanes values = load_lanes(row, at);
        add_step(false, query + at, values, product);
        add_product(norm, values, values);
    }
    if (at < dim) {
        const struct lanes values = load_tail(row, dim, at);
        add_step(false, query + at, values, product);
        add_product(norm, values, values);
    }
}

void avx2_product_norm(const float *query, size_t dim, const uint8_t *const *rows, size_t count,
                       float *ret_products, float *ret_norms)
{
    for (size_t i = 0; i < count; i += ROWS) {
        const size_t left = count - i < ROWS ? count - i : ROWS;
        struct lanes products[ROWS];
        struct lanes norms[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            score_twice(query, dim, rows[i + (r < left ? r : left - 1)], &products[r], &norms[r]);
        store_scores(reduce(products), left, ret_products + i);
        store_scores(reduce(norms), left, ret_norms + i);
    }
}

/* Set bits of each of the four 64-bit words. */
static ALWAYS_INLINE __m256i count_words(__m256i bits)
{
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                           2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i half = _mm256_set1_epi8(15);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(bits, half));
    const __m256i high =
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), half));
    return _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
}

#include "kernel/bits.h"

void avx2_xor_bits(const uint8_t *query, size_t size, const uint8_t *const *rows, size_t count,
                   uint32_t *ret_bits)
{
    xor_rows_of_size(query, size, rows, count, ret_bits);
}

void avx2_and_bits(const uint8_t *query, size_t size, const uint8_t *const *rows, size_t count,
                   uint32_t *ret_both, uint32_t *ret_row)
{
    and_rows(query, size, rows, count, ret_both, ret_row);
}

static uint64_t avx2_within(const float *keys, float limit)
{
    const __m256 limits = _mm256_set1_ps(limit);
    uint64_t mask = 0;
    for (size_t i = 0; i < KERNEL_BLOCK; i += 8) {
        const __m256 passed = _mm256_cmp_ps(_mm256_loadu_ps(keys + i), limits, _CMP_LE_OQ);
        mask |= (uint64_t)(uint32_t)_mm256_movemask_ps(passed) << i;
    }
    return mask;
}

static uint64_t avx2_match_ids(const uint8_t *ids, size_t count, const int64_t *wanted,
                               size_t wanted_count)
{
    uint64_t mask = 0;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const __m256i four = load_bytes(ids + i * sizeof(int64_t));
        __m256i found = _mm256_setzero_si256();
        for (size_t w = 0; w < wanted_count; w++)
            found = _mm256_or_si256(found, _mm256_cmpeq_epi64(four, _mm256_set1_epi64x(wanted[w])));
        mask |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(found)) << i;
    }
    if (i < count)
        mask |= kernel_scalar.match_ids(ids + i * sizeof(int64_t), count - i, wanted, wanted_count)
                << i;
    return mask;
}

/* Packs 8 rows (NULL: absent) into columns `panel` .. `panel + 7` of each line. */
static void pack_eight(const uint8_t *const rows[8], size_t dim, const float *centre, float *panel)
{
    for (size_t at = 0; at < dim; at += 8) {
        const size_t lanes = dim - at < 8 ? dim - at : 8;
        const __m256i mask = tail_mask(lanes);
        const __m256 middle =
            centre != NULL ? _mm256_maskload_ps(centre + at, mask) : _mm256_setzero_ps();
        __m256 m[8];
        for (size_t r = 0; r < 8; r++) {
            if (rows[r] == NULL) {
                m[r] = _mm256_setzero_ps();
                continue;
            }
            const float *row = (const float *)(const void *)(rows[r] + at * sizeof(float));
            m[r] = _mm256_sub_ps(_mm256_maskload_ps(row, mask), middle);
        }
        transpose(m);
        for (size_t k = 0; k < lanes; k++)
            _mm256_store_ps(panel + (at + k) * TILE_ROWS, m[k]);
    }
}

static void panel_norms(const float *panel, size_t dim, float *ret_norms)
{
    __m256 totals[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t end = dim - from < KERNEL_TILE_RUN ? dim : from + KERNEL_TILE_RUN;
        __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
        for (size_t k = from; k < end; k++) {
            const __m256 low = _mm256_load_ps(panel + k * TILE_ROWS);
            const __m256 high = _mm256_load_ps(panel + k * TILE_ROWS + 8);
            sums[0] = _mm256_fmadd_ps(low, low, sums[0]);
            sums[1] = _mm256_fmadd_ps(high, high, sums[1]);
        }
        totals[0] = _mm256_add_ps(totals[0], sums[0]);
        totals[1] = _mm256_add_ps(totals[1], sums[1]);
    }
    _mm256_storeu_ps(ret_norms, totals[0]);
    _mm256_storeu_ps(ret_norms + 8, totals[1]);
}

static void avx2_pack(const uint8_t *const *rows, size_t count, size_t dim, const float *centre,
                      float *panel, float *ret_norms)
{
    for (size_t from = 0; from < TILE_ROWS; from += 8) {
        const uint8_t *eight[8];
        for (size_t r = 0; r < 8; r++)
            eight[r] = from + r < count ? rows[from + r] : NULL;
        pack_eight(eight, dim, centre, panel + from);
    }
    panel_norms(panel, dim, ret_norms);
}

/* Sums of one run of dimensions for `count` queries, added to `totals`. */
static ALWAYS_INLINE void tile_run(const float *panel, const float *queries, size_t count,
                                   size_t run, __m256 totals[TILE_GROUP][2])
{
    __m256 sums[TILE_GROUP][2];
    for (size_t q = 0; q < count; q++)
        sums[q][0] = sums[q][1] = _mm256_setzero_ps();
    for (size_t k = 0; k < run; k++) {
        const __m256 low = _mm256_load_ps(panel + k * TILE_ROWS);
        const __m256 high = _mm256_load_ps(panel + k * TILE_ROWS + 8);
        for (size_t q = 0; q < count; q++) {
            const __m256 query = _mm256_broadcast_ss(queries + k * count + q);
            sums[q][0] = _mm256_fmadd_ps(query, low, sums[q][0]);
            sums[q][1] = _mm256_fmadd_ps(query, high, sums[q][1]);
        }
    }
    for (size_t q = 0; q < count; q++) {
        totals[q][0] = _mm256_add_ps(totals[q][0], sums[q][0]);
        totals[q][1] = _mm256_add_ps(totals[q][1], sums[q][1]);
    }
}

static ALWAYS_INLINE uint32_t tile_passed(__m256 total, __m256 row_offset, __m256 row_slope,
                                          const struct kernel_group *group, size_t q)
{
    const __m256 offset = _mm256_add_ps(_mm256_set1_ps(group->offset[q]), row_offset);
    const __m256 limit = _mm256_fmadd_ps(_mm256_set1_ps(group->slope[q]), row_slope, offset);
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(total, limit, _CMP_NLT_UQ));
}

static ALWAYS_INLINE void tile_count(const struct kernel_panel *panel,
                                     const struct kernel_group *group, size_t count, size_t dim,
                                     uint32_t *ret_passed)
{
    __m256 totals[TILE_GROUP][2];
    for (size_t q = 0; q < count; q++)
        totals[q][0] = totals[q][1] = _mm256_setzero_ps();
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t run = dim - from < KERNEL_TILE_RUN ? dim - from : KERNEL_TILE_RUN;
        tile_run(panel->values + from * TILE_ROWS, group->values + from * count, count, run,
                 totals);
    }
    for (size_t q = 0; q < count; q++) {
        uint32_t passed = 0;
        for (size_t half = 0; half < 2; half++)
            passed |= tile_passed(totals[q][half], _mm256_loadu_ps(panel->offset + 8 * half),
                                  _mm256_loadu_ps(panel->slope + 8 * half), group, q)
                      << (8 * half);
        ret_passed[q] = passed;
    }
}

/* One copy of the loops for each size, so that the sums stay in registers. */
static void avx2_tile(const struct kernel_panel *panel, const struct kernel_group *group,
                      size_t dim, uint32_t *ret_passed)
{
    if (group->count == 6)
        tile_count(panel, group, 6, dim, ret_passed);
    else if (group->count == 4)
        tile_count(panel, group, 4, dim, ret_passed);
    else
        tile_count(panel, group, 2, dim, ret_passed);
}

const struct kernel kernel_avx2 = {
    .isa = "avx2",
    .name = "avx2",
    .squared_distance = avx2_squared_distance,
    .inner_product = avx2_inner_product,
    .product_norm = avx2_product_norm,
    .xor_bits = avx2_xor_bits,
    .and_bits = avx2_and_bits,
    .within = avx2_within,
    .match_ids = avx2_match_ids,
    .pack = avx2_pack,
    .tile = avx2_tile,
    .tile_rows = TILE_ROWS,
    .tile_group = TILE_GROUP,
    .tile_step = TILE_STEP,
    .filter_min = 12,
};
