/* lists_search.c: see lists_search.h. */
#include "engine/lists_search.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "engine/kmeans.h"
#include "engine/order.h"

#define CHUNK 64           /* groups scanned at a time */
#define POOL_SLACK 1024    /* rows between two selections; at least the rows of a chunk */
#define FETCH_LINES 4      /* of the next list */
#define FETCH_ROW_SIZE 512 /* bytes of each row to be scored that are asked for early */

void lists_scratch_release(struct lists_scratch *scratch)
{
    mem_free(scratch->values);
    mem_free(scratch->bytes);
    mem_free(scratch->order);
    mem_free(scratch->pool);
    *scratch = (struct lists_scratch){0};
}

/* Makes room; what was there is lost. */
static enum err_code fit(struct lists_scratch *scratch, const struct lists *lists, size_t pool_size,
                         struct err *err)
{
    const size_t space = lists->code_lines * CODE4_DIMS;
    if (space > scratch->space) {
        mem_free(scratch->values);
        mem_free(scratch->bytes);
        scratch->values = mem_aligned(space, sizeof *scratch->values);
        scratch->bytes = mem_aligned(space, sizeof *scratch->bytes);
        scratch->space = scratch->values != NULL && scratch->bytes != NULL ? space : 0;
    }
    if (lists->header.lists > scratch->lists) {
        mem_free(scratch->order);
        scratch->order = mem_alloc(lists->header.lists, sizeof *scratch->order);
        scratch->lists = scratch->order != NULL ? lists->header.lists : 0;
    }
    if (pool_size > scratch->pool_size) {
        mem_free(scratch->pool);
        scratch->pool = mem_alloc(pool_size, sizeof *scratch->pool);
        scratch->pool_size = scratch->pool != NULL ? pool_size : 0;
    }
    const bool fits = space <= scratch->space && lists->header.lists <= scratch->lists &&
                      pool_size <= scratch->pool_size;
    return fits ? ERR_OK : err_nomem(err, "search");
}

/* What the keys leave out, and the unit: see lists_compare(). `share`: reach / range. */
static float distance_of(const struct lists *lists, float key, const int8_t *bytes, float share)
{
    int64_t sum = 0;
    int64_t squares = 0;
    for (size_t j = 0; j < lists->codes.space; j++) {
        sum += bytes[j];
        squares += bytes[j] * bytes[j];
    }
    const float whole = key + 128.0F * KMEANS_STEP * share * (float)sum;
    const float squared = share * share * (float)squares;
    if (lists->codes.metric != METRIC_IP)
        return whole + squared;
    return squares > 0 ? whole / sqrtf(squared) : 0.0F;
}

enum err_code lists_compare(const struct lists *lists, const struct code_kernel *kernel,
                            const uint8_t *query, struct lists_scratch *scratch,
                            float *ret_distance, struct err *err)
{
    const enum err_code code = fit(scratch, lists, 0, err);
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
    *ret_distance = distance_of(lists, nearest, scratch->bytes, share);
    return ERR_OK;
}

void lists_rank(const struct lists *lists, size_t probes, struct lists_scratch *scratch)
{
    order_select(scratch->order, lists->header.lists, probes);
    order_sort(scratch->order, probes);
}

float lists_prepare_scan(const struct lists *lists, struct lists_scratch *scratch)
{
    return codes_scan_query(&lists->codes, scratch->values, scratch->bytes);
}

/* The best rows so far, by key and place. */
struct pool {
    uint64_t *pairs;
    size_t count;
    size_t size;
    size_t wanted;
    float limit; /* keys beyond it do not matter */
};

static void pool_fold(struct pool *pool)
{
    if (pool->count <= pool->wanted)
        return;
    order_select(pool->pairs, pool->count, pool->wanted);
    pool->count = pool->wanted;
    pool->limit = order_key(pool->pairs[pool->wanted - 1]);
}

/* Puts what is within the limit into the pool; at most CHUNK groups. */
static void pool_take(struct pool *pool, const float *keys, const uint16_t *masks, size_t count,
                      size_t first_place)
{
    for (size_t g = 0; g < count; g++)
        for (unsigned mask = masks[g]; mask != 0; mask &= mask - 1) {
            const size_t i = g * CODE_GROUP + (size_t)__builtin_ctz(mask);
            pool->pairs[pool->count++] = order_pair(keys[i], (uint32_t)(first_place + i));
        }
    if (pool->size - pool->count < CHUNK * CODE_GROUP)
        pool_fold(pool);
}

static void fetch_list(const struct lists *lists, uint32_t list)
{
    const uint8_t *head = lists->groups + lists->starts[list] * code_group_size(lists->code_lines);
    for (size_t line = 0; line < FETCH_LINES; line++)
        __builtin_prefetch(head + line * CODE_LINE);
}

static uint64_t scan_lists(const struct lists_request *request, size_t probes, float scale,
                           struct lists_scratch *scratch, struct pool *pool)
{
    const struct lists *lists = request->lists;
    const size_t group_size = code_group_size(lists->code_lines);
    uint64_t groups = 0;
    for (size_t probe = 0; probe < probes; probe++) {
        const uint32_t list = order_number(scratch->order[probe]);
        const uint32_t end = lists->starts[list + 1];
        if (probe + 1 < probes)
            fetch_list(lists, order_number(scratch->order[probe + 1]));
        for (uint32_t first = lists->starts[list]; first < end; first += CHUNK) {
            float keys[CHUNK * CODE_GROUP];
            uint16_t masks[CHUNK];
            const struct code_groups chunk = {
                .groups = lists->groups + first * group_size,
                .count = end - first < CHUNK ? end - first : CHUNK,
                .lines = lists->code_lines,
            };
            request->kernel->scan4(&chunk, scratch->bytes, scale, pool->limit, keys, masks);
            pool_take(pool, keys, masks, chunk.count, (size_t)first * CODE_GROUP);
            groups += chunk.count;
        }
    }
    pool_fold(pool);
    return groups * CODE_GROUP;
}

/* Rows of some places, in order of row; checks the blocks they are in. */
static enum err_code touch_rows(struct segment *segment, const uint64_t *rows, size_t count,
                                const uint8_t **ret_rows, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        enum err_code code =
            segment_touch(&segment->vectors, rows[i], 1, segment->facts.row_size, err);
        if (code == ERR_OK)
            code = segment_touch(&segment->ids, rows[i], 1, sizeof(int64_t), err);
        if (code != ERR_OK)
            return code;
        ret_rows[i] = segment->vectors.data + rows[i] * segment->facts.row_size;
    }
    return ERR_OK;
}

static void fetch_rows(const struct segment *segment, const uint64_t *rows, size_t count)
{
    const size_t size = segment->facts.row_size;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < size && at < FETCH_ROW_SIZE; at += 64)
            __builtin_prefetch(segment->vectors.data + rows[i] * size + at);
}

/* Scores rows exactly, a block at a time; the next block is asked for meanwhile. */
static enum err_code rerank(const struct lists_request *request, const uint64_t *rows, size_t count,
                            struct topk *topk, struct lists_answer *answer, struct err *err)
{
    struct segment *segment = request->segment;
    fetch_rows(segment, rows, count < KERNEL_BLOCK ? count : KERNEL_BLOCK);
    for (size_t first = 0; first < count; first += KERNEL_BLOCK) {
        const size_t left = count - first;
        const size_t block = left < KERNEL_BLOCK ? left : KERNEL_BLOCK;
        const uint8_t *pointers[KERNEL_BLOCK];
        float keys[KERNEL_BLOCK];
        const enum err_code code = touch_rows(segment, rows + first, block, pointers, err);
        if (code != ERR_OK)
            return code;
        if (left > block)
            fetch_rows(segment, rows + first + block,
                       left - block < KERNEL_BLOCK ? left - block : KERNEL_BLOCK);
        scan_keys(request->scan, request->query, pointers, block, keys);
        for (size_t i = 0; i < block; i++) {
            const uint64_t row = rows[first + i];
            answer->is_enough |= keys[i] > request->most;
            topk_push(topk, keys[i], get_i64(segment->ids.data + row * sizeof(int64_t)),
                      request->first_ordinal + row);
        }
    }
    answer->reranked += count;
    return ERR_OK;
}

enum err_code lists_search(const struct lists_request *request, struct lists_scratch *scratch,
                           struct topk *topk, struct lists_answer *ret_answer, struct err *err)
{
    const struct lists *lists = request->lists;
    const uint8_t *query = request->scan->queries + request->query * request->scan->query_size;
    float distance = 0.0F;
    *ret_answer = (struct lists_answer){0};
    enum err_code code = lists_compare(lists, request->kernel, query, scratch, &distance, err);
    const bool is_far = !(distance <= lists->header.ladder.far);
    const struct lists_rung rung = request->rungs[is_far ? LISTS_FAR : LISTS_NEAR];
    struct pool pool = {.wanted = rung.rerank, .limit = INFINITY};
    pool.size = 2 * (size_t)rung.rerank + POOL_SLACK + CHUNK * CODE_GROUP;
    if (code == ERR_OK)
        code = fit(scratch, lists, pool.size, err);
    if (code != ERR_OK || rung.probes == 0)
        return code;
    lists_rank(lists, rung.probes, scratch);
    pool.pairs = scratch->pool;
    const float scale = lists_prepare_scan(lists, scratch);
    ret_answer->rows = scan_lists(request, rung.probes, scale, scratch, &pool);
    size_t count = 0;
    for (size_t i = 0; i < pool.count; i++) {
        const uint32_t row = lists->rows[order_number(pool.pairs[i])];
        if (row < lists->header.rows)
            pool.pairs[count++] = row;
    }
    ret_answer->is_enough = count == lists->header.live_rows;
    return rerank(request, pool.pairs, count, topk, ret_answer, err);
}
