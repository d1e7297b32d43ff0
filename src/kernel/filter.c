/* filter.c: see filter.h; the bounds below are derived in README.md, "The filter's bound". */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/filter.h"

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

static size_t padded_count(const struct filter *filter)
{
    const size_t step = filter->kernel->tile_step;
    return (filter->query_count + step - 1) / step * step;
}

/* Queries of a group, padding included. */
static size_t group_size(const struct filter *filter, size_t group)
{
    const size_t left = padded_count(filter) - group * filter->kernel->tile_group;
    return left < filter->kernel->tile_group ? left : filter->kernel->tile_group;
}

static float *group_values(const struct filter *filter, size_t group)
{
    return filter->values + group * filter->kernel->tile_group * filter->dim;
}

/* The mean of the queries, or zeros when that is no finite vector. */
static void set_centre(struct filter *filter, const float *queries, size_t stride)
{
    bool is_finite = true;
    for (size_t k = 0; k < filter->dim; k++) {
        double sum = 0.0;
        for (size_t q = 0; q < filter->query_count; q++)
            sum += (double)queries[q * stride + k];
        filter->centre[k] = (float)(sum / (double)filter->query_count);
        is_finite = is_finite && isfinite(filter->centre[k]);
    }
    if (!is_finite)
        memset(filter->centre, 0, filter->dim * sizeof(float));
}

static void set_query(struct filter *filter, const float *query, size_t index)
{
    const size_t group = index / filter->kernel->tile_group;
    const size_t width = group_size(filter, group);
    float *column = group_values(filter, group) + index % filter->kernel->tile_group;
    double norm = 0.0;
    for (size_t k = 0; k < filter->dim; k++) {
        const float value = filter->centre != NULL ? query[k] - filter->centre[k] : query[k];
        column[k * width] = value;
        norm += (double)value * (double)value;
    }
    filter->norms[index] = norm;
}

/* A multiple of KERNEL_BLOCK, so that blocks begin where words of the bitmaps do. */
static size_t block_rows(size_t dim)
{
    const size_t fitting = PANELS_SIZE / (dim * sizeof(float)) / KERNEL_BLOCK * KERNEL_BLOCK;
    if (fitting < KERNEL_BLOCK)
        return KERNEL_BLOCK;
    return fitting < FILTER_ROWS_MAX ? fitting : FILTER_ROWS_MAX;
}

static bool allocate(struct filter *filter)
{
    filter->values = mem_aligned(padded_count(filter) * filter->dim, sizeof(float));
    filter->norms = mem_alloc(filter->query_count, sizeof(double));
    if (filter->metric == METRIC_L2)
        filter->centre = mem_alloc(filter->dim, sizeof(float));
    return filter->values != NULL && filter->norms != NULL &&
           (filter->metric != METRIC_L2 || filter->centre != NULL);
}

struct filter *filter_new(const struct kernel *kernel, enum metric_type metric, size_t dim,
                          const float *queries, size_t stride, size_t query_count)
{
    struct filter *filter = mem_zalloc(1, sizeof *filter);
    if (filter == NULL)
        return NULL;
    filter->kernel = kernel;
    filter->metric = metric;
    filter->dim = dim;
    filter->query_count = query_count;
    filter->group_count = (query_count + kernel->tile_group - 1) / kernel->tile_group;
    filter->error = unit_error(dim);
    filter->block_rows = block_rows(dim);
    if (!allocate(filter)) {
        filter_free(filter);
        return NULL;
    }
    memset(filter->values, 0, padded_count(filter) * dim * sizeof(float));
    if (filter->centre != NULL)
        set_centre(filter, queries, stride);
    for (size_t q = 0; q < query_count; q++)
        set_query(filter, queries + q * stride, q);
    return filter;
}

void filter_free(struct filter *filter)
{
    if (filter == NULL)
        return;
    mem_free(filter->values);
    mem_free(filter->centre);
    mem_free(filter->norms);
    mem_free(filter);
}

enum err_code filter_scratch_init(struct filter_scratch *scratch, const struct filter *filter,
                                  struct err *err)
{
    scratch->count = 0;
    scratch->panels = mem_aligned(filter->block_rows * filter->dim, sizeof(float));
    return scratch->panels != NULL ? ERR_OK : err_nomem(err, "search panels");
}

void filter_scratch_release(struct filter_scratch *scratch)
{
    mem_free(scratch->panels);
    scratch->panels = NULL;
}

/* The rows' side of the limit, from their approximate squared norms. */
static void set_row_limits(const struct filter *filter, float *offset, float *slope)
{
    const float half = (float)(0.5 * (1.0 - 8.0 * filter->error));
    for (size_t r = 0; r < filter->kernel->tile_rows; r++) {
        const float norm = slope[r];
        const bool is_bounded = (double)norm >= norm_min && (double)norm <= norm_max;
        if (!is_bounded)
            offset[r] = NAN;
        else
            offset[r] = filter->metric == METRIC_L2 ? norm * half : 0.0F;
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

void filter_pack(const struct filter *filter, struct filter_scratch *scratch)
{
    const size_t width = filter->kernel->tile_rows;
    for (size_t from = 0; from < scratch->count; from += width) {
        const size_t left = scratch->count - from < width ? scratch->count - from : width;
        touch_rows(scratch->rows + from, left, filter->dim * sizeof(float));
        filter->kernel->pack(scratch->rows + from, left, filter->dim, filter->centre,
                             scratch->panels + from * filter->dim, scratch->slope + from);
        set_row_limits(filter, scratch->offset + from, scratch->slope + from);
    }
}

/* A float at most `value`. */
static float below(double value)
{
    return nextafterf((float)value, -INFINITY);
}

/* The query's side of the limit: what a product must reach for the key to be within `key_limit`. */
static void set_query_limit(const struct filter *filter, size_t query, float key_limit,
                            float *ret_offset, float *ret_slope)
{
    const double norm = filter->norms[query];
    const double g = filter->error;
    *ret_slope = 0.0F;
    *ret_offset = -INFINITY;
    if (!(norm <= norm_max) || !isfinite(key_limit))
        return;
    if (filter->metric == METRIC_L2) {
        const double limit = key_limit > 0.0F ? (double)key_limit : 0.0;
        *ret_offset = below(0.5 * (norm * (1.0 - 8.0 * g) - limit * (1.0 + 8.0 * g)));
        return;
    }
    if (norm < norm_min)
        return;
    const double wanted = -(double)key_limit;
    if (filter->metric == METRIC_IP) {
        *ret_offset = below(wanted - fabs(wanted) * 0x1p-22);
        *ret_slope = below(-4.0 * g * sqrt(norm));
        return;
    }
    *ret_offset = 0.0F;
    *ret_slope = below((wanted - 8.0 * g) * sqrt(norm));
}

size_t filter_group(const struct filter *filter, const struct filter_scratch *scratch, size_t group,
                    const float *limits, struct filter_passed *ret_passed)
{
    const size_t first = group * filter->kernel->tile_group;
    const size_t width = filter->kernel->tile_rows;
    const size_t padded = group_size(filter, group);
    const size_t left = filter->query_count - first;
    const size_t count = left < padded ? left : padded;
    float offset[KERNEL_TILE_GROUP];
    float slope[KERNEL_TILE_GROUP];
    for (size_t q = 0; q < padded; q++) {
        offset[q] = INFINITY;
        slope[q] = 0.0F;
    }
    for (size_t q = 0; q < count; q++)
        set_query_limit(filter, first + q, limits[q], &offset[q], &slope[q]);
    const struct kernel_group queries = {group_values(filter, group), padded, offset, slope};
    for (size_t from = 0; from < scratch->count; from += width) {
        const struct kernel_panel panel = {scratch->panels + from * filter->dim,
                                           scratch->offset + from, scratch->slope + from};
        uint32_t *masks = ret_passed->masks[from / width];
        filter->kernel->tile(&panel, &queries, filter->dim, masks);
        if (scratch->count - from < width)
            for (size_t q = 0; q < count; q++)
                masks[q] &= ((uint32_t)1 << (scratch->count - from)) - 1;
    }
    return count;
}
