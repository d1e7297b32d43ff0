/* sieve.c: see sieve.h; the bounds below are derived in README.md, "The sieve's bound". */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/sieve.h"

#define PANELS_SIZE 262144 /* bytes of packed rows to aim at */

/* Squared norms in this range can neither overflow nor lose bits to underflow. */
static const double norm_min = 0x1p-80;
static const double norm_max = 0x1p80;

static double unit_error(size_t dim)
{
    const size_t tile = (dim < KERNEL_TILE_RUN ? dim : KERNEL_TILE_RUN) + dim / KERNEL_TILE_RUN + 2;
    const size_t canonical = dim / KERNEL_LANES + 8;
    const size_t longest = tile > canonical ? tile : canonical;
    return 1.01 * (double)(longest + 8) * 0x1p-24;
}

static size_t padded_count(const struct sieve *sieve)
{
    const size_t step = sieve->kernel->tile_step;
    return (sieve->query_count + step - 1) / step * step;
}

/* Queries of a group, padding included. */
static size_t group_size(const struct sieve *sieve, size_t group)
{
    const size_t left = padded_count(sieve) - group * sieve->kernel->tile_group;
    return left < sieve->kernel->tile_group ? left : sieve->kernel->tile_group;
}

static float *group_values(const struct sieve *sieve, size_t group)
{
    return sieve->values + group * sieve->kernel->tile_group * sieve->dim;
}

/* The mean of the queries, or zeros when that is no finite vector. */
static void set_centre(struct sieve *sieve, const float *queries, size_t stride)
{
    bool is_finite = true;
    for (size_t k = 0; k < sieve->dim; k++) {
        double sum = 0.0;
        for (size_t q = 0; q < sieve->query_count; q++)
            sum += (double)queries[q * stride + k];
        sieve->centre[k] = (float)(sum / (double)sieve->query_count);
        is_finite = is_finite && isfinite(sieve->centre[k]);
    }
    if (!is_finite)
        memset(sieve->centre, 0, sieve->dim * sizeof(float));
}

static void set_query(struct sieve *sieve, const float *query, size_t index)
{
    const size_t group = index / sieve->kernel->tile_group;
    const size_t width = group_size(sieve, group);
    float *column = group_values(sieve, group) + index % sieve->kernel->tile_group;
    double norm = 0.0;
    for (size_t k = 0; k < sieve->dim; k++) {
        const float value = sieve->centre != NULL ? query[k] - sieve->centre[k] : query[k];
        column[k * width] = value;
        norm += (double)value * (double)value;
    }
    sieve->norms[index] = norm;
}

/* A multiple of KERNEL_BLOCK, so that blocks begin where words of the bitmaps do. */
static size_t block_rows(size_t dim)
{
    const size_t fitting = PANELS_SIZE / (dim * sizeof(float)) / KERNEL_BLOCK * KERNEL_BLOCK;
    if (fitting < KERNEL_BLOCK)
        return KERNEL_BLOCK;
    return fitting < SIEVE_ROWS_MAX ? fitting : SIEVE_ROWS_MAX;
}

static bool allocate(struct sieve *sieve)
{
    sieve->values = mem_aligned(padded_count(sieve) * sieve->dim, sizeof(float));
    sieve->norms = mem_alloc(sieve->query_count, sizeof(double));
    if (sieve->metric == METRIC_L2)
        sieve->centre = mem_alloc(sieve->dim, sizeof(float));
    return sieve->values != NULL && sieve->norms != NULL &&
           (sieve->metric != METRIC_L2 || sieve->centre != NULL);
}

struct sieve *sieve_new(const struct kernel *kernel, enum metric_type metric, size_t dim,
                        const float *queries, size_t stride, size_t query_count)
{
    struct sieve *sieve = mem_zalloc(1, sizeof *sieve);
    if (sieve == NULL)
        return NULL;
    sieve->kernel = kernel;
    sieve->metric = metric;
    sieve->dim = dim;
    sieve->query_count = query_count;
    sieve->group_count = (query_count + kernel->tile_group - 1) / kernel->tile_group;
    sieve->error = unit_error(dim);
    sieve->block_rows = block_rows(dim);
    if (!allocate(sieve)) {
        sieve_free(sieve);
        return NULL;
    }
    memset(sieve->values, 0, padded_count(sieve) * dim * sizeof(float));
    if (sieve->centre != NULL)
        set_centre(sieve, queries, stride);
    for (size_t q = 0; q < query_count; q++)
        set_query(sieve, queries + q * stride, q);
    return sieve;
}

void sieve_free(struct sieve *sieve)
{
    if (sieve == NULL)
        return;
    mem_free(sieve->values);
    mem_free(sieve->centre);
    mem_free(sieve->norms);
    mem_free(sieve);
}

enum err_code sieve_scratch_init(struct sieve_scratch *scratch, const struct sieve *sieve,
                                 struct err *err)
{
    scratch->count = 0;
    scratch->panels = mem_aligned(sieve->block_rows * sieve->dim, sizeof(float));
    return scratch->panels != NULL ? ERR_OK : err_nomem(err, "search panels");
}

void sieve_scratch_release(struct sieve_scratch *scratch)
{
    mem_free(scratch->panels);
    scratch->panels = NULL;
}

/* The rows' side of the limit, from their approximate squared norms. */
static void set_row_limits(const struct sieve *sieve, float *offset, float *slope)
{
    const float half = (float)(0.5 * (1.0 - 8.0 * sieve->error));
    for (size_t r = 0; r < sieve->kernel->tile_rows; r++) {
        const float norm = slope[r];
        const bool is_bounded = (double)norm >= norm_min && (double)norm <= norm_max;
        if (!is_bounded)
            offset[r] = NAN;
        else
            offset[r] = sieve->metric == METRIC_L2 ? norm * half : 0.0F;
        slope[r] = is_bounded ? sqrtf(norm) : 0.0F;
    }
}

/* Reads the rows one after another, a byte of each cache line: the prefetcher follows that, but not
 * the eight rows at a time of the transposition, which then finds them in the cache. */
static void touch_rows(const uint8_t *const *rows, size_t count, size_t size)
{
    for (size_t r = 0; r < count; r++)
        for (size_t at = 0; at < size; at += 64)
            (void)*(const volatile uint8_t *)(rows[r] + at);
}

void sieve_pack(const struct sieve *sieve, struct sieve_scratch *scratch)
{
    const size_t width = sieve->kernel->tile_rows;
    for (size_t from = 0; from < scratch->count; from += width) {
        const size_t left = scratch->count - from < width ? scratch->count - from : width;
        touch_rows(scratch->rows + from, left, sieve->dim * sizeof(float));
        sieve->kernel->pack(scratch->rows + from, left, sieve->dim, sieve->centre,
                            scratch->panels + from * sieve->dim, scratch->slope + from);
        set_row_limits(sieve, scratch->offset + from, scratch->slope + from);
    }
}

/* A float at most `value`. */
static float below(double value)
{
    return nextafterf((float)value, -INFINITY);
}

/* The query's side of the limit: what a product must reach for the key to be within `key_limit`. */
static void set_query_limit(const struct sieve *sieve, size_t query, float key_limit,
                            float *ret_offset, float *ret_slope)
{
    const double norm = sieve->norms[query];
    const double g = sieve->error;
    *ret_slope = 0.0F;
    *ret_offset = -INFINITY;
    if (!(norm <= norm_max) || !isfinite(key_limit))
        return;
    if (sieve->metric == METRIC_L2) {
        const double limit = key_limit > 0.0F ? (double)key_limit : 0.0;
        *ret_offset = below(0.5 * (norm * (1.0 - 8.0 * g) - limit * (1.0 + 8.0 * g)));
        return;
    }
    if (norm < norm_min)
        return;
    const double wanted = -(double)key_limit;
    if (sieve->metric == METRIC_IP) {
        *ret_offset = below(wanted - fabs(wanted) * 0x1p-22);
        *ret_slope = below(-4.0 * g * sqrt(norm));
        return;
    }
    *ret_offset = 0.0F;
    *ret_slope = below((wanted - 8.0 * g) * sqrt(norm));
}

size_t sieve_group(const struct sieve *sieve, const struct sieve_scratch *scratch, size_t group,
                   const float *limits, struct sieve_passed *ret_passed)
{
    const size_t first = group * sieve->kernel->tile_group;
    const size_t width = sieve->kernel->tile_rows;
    const size_t padded = group_size(sieve, group);
    const size_t left = sieve->query_count - first;
    const size_t count = left < padded ? left : padded;
    float offset[KERNEL_TILE_GROUP];
    float slope[KERNEL_TILE_GROUP];
    for (size_t q = 0; q < padded; q++) {
        offset[q] = INFINITY;
        slope[q] = 0.0F;
    }
    for (size_t q = 0; q < count; q++)
        set_query_limit(sieve, first + q, limits[q], &offset[q], &slope[q]);
    const struct kernel_group queries = {group_values(sieve, group), padded, offset, slope};
    for (size_t from = 0; from < scratch->count; from += width) {
        const struct kernel_panel panel = {scratch->panels + from * sieve->dim,
                                           scratch->offset + from, scratch->slope + from};
        uint32_t *masks = ret_passed->masks[from / width];
        sieve->kernel->tile(&panel, &queries, sieve->dim, masks);
        if (scratch->count - from < width)
            for (size_t q = 0; q < count; q++)
                masks[q] &= ((uint32_t)1 << (scratch->count - from)) - 1;
    }
    return count;
}
