/* lists_query.c: see lists_query.h. */
#include "engine/lists_query.h"

#include <math.h>

#include "base/mem.h"
#include "engine/kmeans.h"
#include "engine/order.h"

#define CHUNK 64      /* groups of centroids compared at a time */
#define RANK_FIRST 32 /* lists that are sorted at once, then four times as many */
#define NEAR_SHARE 8  /* of all lists are set apart first: few searches need more */

void lists_scratch_release(struct lists_scratch *scratch)
{
    mem_free(scratch->values);
    mem_free(scratch->bytes);
    mem_free(scratch->order);
    mem_free(scratch->pool);
    mem_free(scratch->exact);
    *scratch = (struct lists_scratch){0};
}

static void fit_space(struct lists_scratch *scratch, size_t space)
{
    if (space <= scratch->space)
        return;
    mem_free(scratch->values);
    mem_free(scratch->bytes);
    scratch->values = mem_aligned(space, sizeof *scratch->values);
    scratch->bytes = mem_aligned(space, sizeof *scratch->bytes);
    scratch->space = scratch->values != NULL && scratch->bytes != NULL ? space : 0;
}

static void fit_pool(struct lists_scratch *scratch, size_t size)
{
    if (size <= scratch->pool_size)
        return;
    mem_free(scratch->pool);
    mem_free(scratch->exact);
    scratch->pool = mem_alloc(size, sizeof *scratch->pool);
    scratch->exact = mem_alloc(size, sizeof *scratch->exact);
    scratch->pool_size = scratch->pool != NULL && scratch->exact != NULL ? size : 0;
}

enum err_code lists_scratch_fit(struct lists_scratch *scratch, const struct lists *lists,
                                size_t pool_size, struct err *err)
{
    const size_t codes = lists->code_lines * CODE4_DIMS;
    const size_t centroids = lists->centroid_lines * CODE7_DIMS;
    const size_t space = codes > centroids ? codes : centroids;
    fit_space(scratch, space);
    if (lists->header.lists > scratch->lists) {
        mem_free(scratch->order);
        scratch->order = mem_alloc(lists->header.lists, sizeof *scratch->order);
        scratch->lists = scratch->order != NULL ? lists->header.lists : 0;
    }
    fit_pool(scratch, pool_size);
    const bool fits = space <= scratch->space && lists->header.lists <= scratch->lists &&
                      pool_size <= scratch->pool_size;
    return fits ? ERR_OK : err_nomem(err, "search");
}

/* What the keys leave out. `share`: reach / range, a step of the query in steps of a row. */
static void set_units(const struct lists *lists, float share, float nearest,
                      struct lists_scratch *scratch)
{
    int64_t sum = 0;
    int64_t squares = 0;
    double squared = 0.0;
    for (size_t j = 0; j < lists->codes.space; j++) {
        sum += scratch->bytes[j];
        squares += scratch->bytes[j] * scratch->bytes[j];
        squared += (double)scratch->values[j] * (double)scratch->values[j];
    }
    const bool is_product = lists->codes.metric == METRIC_IP;
    const float step = lists->codes.range / 127.0F;
    const float own = share * share * (float)squares;
    scratch->list_unit = step * step;
    scratch->list_offset = 128.0F * KMEANS_STEP * share * (float)sum + (is_product ? 0.0F : own);
    scratch->row_offset = is_product ? 0.0F : (float)squared;
    scratch->length = is_product && squared > 0.0 ? (float)sqrt(squared) : 1.0F;
    scratch->distance = nearest + scratch->list_offset;
    if (is_product)
        scratch->distance = squares > 0 ? scratch->distance / sqrtf(own) : 0.0F;
    scratch->ranked = scratch->near = 0;
}

enum err_code lists_compare(const struct lists *lists, const struct code_kernel *kernel,
                            const uint8_t *query, struct lists_scratch *scratch, struct err *err)
{
    const enum err_code code = lists_scratch_fit(scratch, lists, 0, err);
    if (code != ERR_OK)
        return code;
    const size_t space = lists->codes.space;
    codes_query(&lists->codes, query, scratch->values);
    const float reach = codes_reach(scratch->values, space);
    codes_bytes(scratch->values, space, lists->centroid_lines * CODE7_DIMS, reach, scratch->bytes);
    const float share = reach / lists->codes.range;
    const int8_t *const query_bytes = scratch->bytes;
    const size_t groups = lists->header.lists / CODE_GROUP;
    float nearest = INFINITY;
    for (size_t first = 0; first < groups; first += CHUNK) {
        float keys[CHUNK * CODE_GROUP];
        const struct code_groups chunk = {
            .groups = lists->centroids + first * code_group_size(lists->centroid_lines),
            .count = groups - first < CHUNK ? groups - first : CHUNK,
            .lines = lists->centroid_lines,
        };
        kernel->tile7(&chunk, &query_bytes, 1, 2.0F * KMEANS_STEP * share, keys);
        uint64_t *order = scratch->order + first * CODE_GROUP;
        for (size_t i = 0; i < chunk.count * CODE_GROUP; i++) {
            order[i] = order_pair(keys[i], (uint32_t)(first * CODE_GROUP + i));
            nearest = keys[i] < nearest ? keys[i] : nearest;
        }
    }
    set_units(lists, share, nearest, scratch);
    return ERR_OK;
}

void lists_rank(const struct lists *lists, size_t count, struct lists_scratch *scratch)
{
    const size_t all = lists->header.lists;
    if (scratch->ranked >= count)
        return;
    size_t wanted = scratch->ranked == 0 ? RANK_FIRST : 4 * scratch->ranked;
    wanted = wanted > count ? wanted : count;
    wanted = (wanted < all ? wanted : all) - scratch->ranked;
    if (scratch->ranked + wanted > scratch->near) {
        const size_t lack = scratch->ranked + wanted - scratch->near;
        const size_t share = all / NEAR_SHARE;
        scratch->near += order_part(scratch->order + scratch->near, all - scratch->near,
                                    lack > share ? lack : share);
    }
    uint64_t *rest = scratch->order + scratch->ranked;
    order_select(rest, scratch->near - scratch->ranked, wanted);
    order_sort(rest, wanted);
    scratch->ranked += wanted;
}

void lists_prepare_scan(const struct lists *lists, struct lists_scratch *scratch)
{
    scratch->scale = codes_scan_query(&lists->codes, scratch->values, scratch->bytes);
    int64_t sum = 0;
    for (size_t j = 0; j < lists->codes.space; j++)
        sum += scratch->bytes[j];
    scratch->row_offset += CODES_LEVEL_MIDDLE * scratch->scale * (float)sum;
}
