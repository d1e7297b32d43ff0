/* scalar.c: the kernels in plain C, for any processor; the twin that defines the others.
 *
 * Idea: the fused multiply-add of the canonical score is reproduced without the instruction. A
 * product of two singles is exact in double; its sum with a third single is rounded to odd (the
 * last bit says "there was more below"), and the step from there to single then rounds as if from
 * the exact value. Source: Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums:
 * proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008.
 *
 * The filter tile needs no particular order of operations and uses ordinary arithmetic. */
#include <math.h>
#include <string.h>

#include "kernel/isa.h"
#include "kernel/kernel.h"

#define TILE_ROWS 8
#define TILE_GROUP 4

#ifdef FP_FAST_FMAF
static inline float fused(float a, float b, float c)
{
    return fmaf(a, b, c);
}
#else
/* a * b + c with one rounding. Branch-free, so that compilers can use vectors for it. */
static inline float fused(float a, float b, float c)
{
    const double product = (double)a * (double)b;
    const double sum = product + (double)c;
    const double part = sum - product;
    /* What the sum lost; NaN when anything is infinite or NaN, and then there is nothing to mend.
     */
    const double lost = (product - (sum - part)) + ((double)c - part);
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    const uint64_t is_inexact = (uint64_t)(lost < 0.0) | (uint64_t)(lost > 0.0);
    const uint64_t is_outward = (uint64_t)((lost > 0.0) == (sum > 0.0));
    const uint64_t is_even = ~bits & 1;
    /* An even last bit moves to the odd neighbour on the side of the exact value. */
    bits += (is_inexact & is_even) * (2 * is_outward - 1);
    double odd;
    memcpy(&odd, &bits, sizeof odd);
    return (float)odd;
}
#endif

/* The fixed tree over the lanes: j with j + 8, then + 4, then + 2, then the last two. */
static float reduce(const float *lanes)
{
    float sums[8];
    for (size_t j = 0; j < 8; j++)
        sums[j] = lanes[j] + lanes[j + 8];
    for (size_t j = 0; j < 4; j++)
        sums[j] += sums[j + 4];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/* The next lanes of a row; beyond its end they are zero. */
static void load_lanes(const uint8_t *row, size_t dim, size_t at, float *ret_lanes)
{
    if (dim - at >= KERNEL_LANES) {
        memcpy(ret_lanes, row + at * sizeof(float), KERNEL_LANES * sizeof(float));
        return;
    }
    memset(ret_lanes, 0, KERNEL_LANES * sizeof(float));
    memcpy(ret_lanes, row + at * sizeof(float), (dim - at) * sizeof(float));
}

static void scalar_squared_distance(const float *query, size_t dim, const uint8_t *const *rows,
                                    size_t count, float *ret_scores)
{
    for (size_t i = 0; i < count; i++) {
        float sums[KERNEL_LANES] = {0};
        for (size_t at = 0; at < dim; at += KERNEL_LANES) {
            float lanes[KERNEL_LANES];
            load_lanes(rows[i], dim, at, lanes);
            for (size_t j = 0; j < KERNEL_LANES; j++) {
                const float difference = query[at + j] - lanes[j];
                sums[j] = fused(difference, difference, sums[j]);
            }
        }
        ret_scores[i] = reduce(sums);
    }
}

static void scalar_inner_product(const float *query, size_t dim, const uint8_t *const *rows,
                                 size_t count, float *ret_scores)
{
    for (size_t i = 0; i < count; i++) {
        float sums[KERNEL_LANES] = {0};
        for (size_t at = 0; at < dim; at += KERNEL_LANES) {
            float lanes[KERNEL_LANES];
            load_lanes(rows[i], dim, at, lanes);
            for (size_t j = 0; j < KERNEL_LANES; j++)
                sums[j] = fused(query[at + j], lanes[j], sums[j]);
        }
        ret_scores[i] = reduce(sums);
    }
}

static void scalar_product_norm(const float *query, size_t dim, const uint8_t *const *rows,
                                size_t count, float *ret_products, float *ret_norms)
{
    scalar_inner_product(query, dim, rows, count, ret_products);
    for (size_t i = 0; i < count; i++) {
        float sums[KERNEL_LANES] = {0};
        for (size_t at = 0; at < dim; at += KERNEL_LANES) {
            float lanes[KERNEL_LANES];
            load_lanes(rows[i], dim, at, lanes);
            for (size_t j = 0; j < KERNEL_LANES; j++)
                sums[j] = fused(lanes[j], lanes[j], sums[j]);
        }
        ret_norms[i] = reduce(sums);
    }
}

static uint64_t load_word(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* Set bits of a word, by adding neighbours: pairs, fours, eights, then all eight bytes at once. */
static inline uint32_t count_bits(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(word * UINT64_C(0x0101010101010101) >> 56);
}

static void scalar_xor_bits(const uint8_t *query, size_t size, const uint8_t *const *rows,
                            size_t count, uint32_t *ret_bits)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        size_t at = 0;
        for (; at + 8 <= size; at += 8)
            bits += count_bits(load_word(query + at, 8) ^ load_word(rows[i] + at, 8));
        if (at < size)
            bits +=
                count_bits(load_word(query + at, size - at) ^ load_word(rows[i] + at, size - at));
        ret_bits[i] = bits;
    }
}

static void scalar_and_bits(const uint8_t *query, size_t size, const uint8_t *const *rows,
                            size_t count, uint32_t *ret_both, uint32_t *ret_row)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t both = 0;
        uint32_t alone = 0;
        for (size_t at = 0; at < size; at += 8) {
            const size_t step = size - at < 8 ? size - at : 8;
            const uint64_t word = load_word(rows[i] + at, step);
            both += count_bits(load_word(query + at, step) & word);
            alone += count_bits(word);
        }
        ret_both[i] = both;
        ret_row[i] = alone;
    }
}

static uint64_t scalar_within(const float *keys, float limit)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < KERNEL_BLOCK; i++)
        mask |= (uint64_t)(keys[i] <= limit) << i;
    return mask;
}

static uint64_t scalar_match_ids(const uint8_t *ids, size_t count, const int64_t *wanted,
                                 size_t wanted_count)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t id;
        memcpy(&id, ids + i * sizeof id, sizeof id);
        uint64_t is_wanted = 0;
        for (size_t w = 0; w < wanted_count; w++)
            is_wanted |= (uint64_t)(id == wanted[w]);
        mask |= is_wanted << i;
    }
    return mask;
}

/* Squared norms of a packed panel, summed in runs like the tile's inner products. */
static void panel_norms(const float *panel, size_t dim, float *ret_norms)
{
    memset(ret_norms, 0, TILE_ROWS * sizeof(float));
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t end = dim - from < KERNEL_TILE_RUN ? dim : from + KERNEL_TILE_RUN;
        float sums[TILE_ROWS] = {0};
        for (size_t k = from; k < end; k++)
            for (size_t r = 0; r < TILE_ROWS; r++)
                sums[r] += panel[k * TILE_ROWS + r] * panel[k * TILE_ROWS + r];
        for (size_t r = 0; r < TILE_ROWS; r++)
            ret_norms[r] += sums[r];
    }
}

static void scalar_pack(const uint8_t *const *rows, size_t count, size_t dim, const float *centre,
                        float *panel, float *ret_norms)
{
    if (count < TILE_ROWS)
        memset(panel, 0, dim * TILE_ROWS * sizeof(float));
    for (size_t r = 0; r < count; r++) {
        for (size_t k = 0; k < dim; k++) {
            float value;
            memcpy(&value, rows[r] + k * sizeof value, sizeof value);
            panel[k * TILE_ROWS + r] = centre != NULL ? value - centre[k] : value;
        }
    }
    panel_norms(panel, dim, ret_norms);
}

static void scalar_tile(const struct kernel_panel *panel, const struct kernel_group *group,
                        size_t dim, uint32_t *ret_passed)
{
    float totals[TILE_GROUP][TILE_ROWS] = {{0}};
    for (size_t from = 0; from < dim; from += KERNEL_TILE_RUN) {
        const size_t end = dim - from < KERNEL_TILE_RUN ? dim : from + KERNEL_TILE_RUN;
        float sums[TILE_GROUP][TILE_ROWS] = {{0}};
        for (size_t k = from; k < end; k++)
            for (size_t q = 0; q < TILE_GROUP; q++)
                for (size_t r = 0; r < TILE_ROWS; r++)
                    sums[q][r] +=
                        group->values[k * TILE_GROUP + q] * panel->values[k * TILE_ROWS + r];
        for (size_t q = 0; q < TILE_GROUP; q++)
            for (size_t r = 0; r < TILE_ROWS; r++)
                totals[q][r] += sums[q][r];
    }
    for (size_t q = 0; q < TILE_GROUP; q++) {
        uint32_t passed = 0;
        for (size_t r = 0; r < TILE_ROWS; r++) {
            const float limit =
                group->offset[q] + panel->offset[r] + group->slope[q] * panel->slope[r];
            passed |= (uint32_t) !(totals[q][r] < limit) << r;
        }
        ret_passed[q] = passed;
    }
}

const struct kernel kernel_scalar = {
    .isa = "scalar",
    .name = "scalar",
    .squared_distance = scalar_squared_distance,
    .inner_product = scalar_inner_product,
    .product_norm = scalar_product_norm,
    .xor_bits = scalar_xor_bits,
    .and_bits = scalar_and_bits,
    .within = scalar_within,
    .match_ids = scalar_match_ids,
    .pack = scalar_pack,
    .tile = scalar_tile,
    .tile_rows = TILE_ROWS,
    .tile_group = TILE_GROUP,
    .tile_step = TILE_GROUP,
    .filter_min = 1, /* even alone: ordinary arithmetic is that much faster than fused() */
};
