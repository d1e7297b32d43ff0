/* bits_search.c: see bits_search.h. */
#include "engine/bits_search.h"

#include <math.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "engine/bits_kmeans.h"
#include "engine/order.h"

#define CHUNK 64        /* groups scanned at a time */
#define POOL_SLACK 1024 /* rows between two selections, beside those of a chunk */
#define LANES 16        /* keys compared side by side */
#define GUESS_STEP 8    /* lists of which one is looked at, to guess a limit */
#define SCATTERED 0.7   /* of the passing rows that are expected near a query */
#define FETCH_LINES 8   /* of the next list */

void bits_scratch_release(struct bits_scratch *scratch)
{
    mem_free(scratch->bits);
    mem_free(scratch->words);
    mem_free(scratch->keys);
    mem_free(scratch->order);
    mem_free(scratch->pool);
    *scratch = (struct bits_scratch){0};
}

/* Makes room; what was there is lost. */
static enum err_code fit(struct bits_scratch *scratch, const struct bits *bits, size_t pool_size,
                         struct err *err)
{
    const size_t lists = bits->header.lists;
    if (bits->header.dim > scratch->dim) {
        mem_free(scratch->bits);
        mem_free(scratch->words);
        scratch->bits = mem_alloc(bits->header.dim, sizeof *scratch->bits);
        scratch->words = mem_aligned(bits->at.lines, 4);
        const bool fits = scratch->bits != NULL && scratch->words != NULL;
        scratch->dim = fits ? bits->header.dim : 0;
    }
    if (lists > scratch->lists) {
        mem_free(scratch->keys);
        mem_free(scratch->order);
        scratch->keys = mem_aligned(lists, sizeof *scratch->keys);
        scratch->order = mem_alloc(lists, sizeof *scratch->order);
        scratch->lists = scratch->keys != NULL && scratch->order != NULL ? lists : 0;
    }
    if (pool_size > scratch->pool_size) {
        mem_free(scratch->pool);
        scratch->pool = mem_alloc(pool_size, sizeof *scratch->pool);
        scratch->pool_size = scratch->pool != NULL ? pool_size : 0;
    }
    const bool fits = bits->header.dim <= scratch->dim && lists <= scratch->lists &&
                      pool_size <= scratch->pool_size;
    return fits ? ERR_OK : err_nomem(err, "search");
}

/* Of a multiple of LANES keys. */
static float smallest(const float *keys, size_t count)
{
    float best[LANES];
    for (size_t j = 0; j < LANES; j++)
        best[j] = INFINITY;
    for (size_t i = 0; i < count; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            best[j] = keys[i + j] < best[j] ? keys[i + j] : best[j];
    for (size_t j = 1; j < LANES; j++)
        best[0] = best[j] < best[0] ? best[j] : best[0];
    return best[0];
}

enum err_code bits_compare(const struct bits *bits, const struct bit_kernel *kernel,
                           const uint8_t *query, struct bits_scratch *scratch, struct err *err)
{
    const enum err_code code = fit(scratch, bits, 0, err);
    if (code != ERR_OK)
        return code;
    const size_t size = bits->header.dim / 8;
    const struct bit_weights weights = {.values = bits->weights,
                                        .norms = bits->norms,
                                        .dim = bits->header.dim,
                                        .count = bits->header.lists};
    memset(scratch->words, 0, bits->at.lines * 4);
    memcpy(scratch->words, query, size);
    const size_t count = bits_of_row(query, size, scratch->bits);
    kernel->weigh(&weights, scratch->bits, count, BITS_KMEANS_SCALE, scratch->keys);
    scratch->bit_count = count;
    scratch->distance = smallest(scratch->keys, weights.count) + BITS_KMEANS_UNIT * (float)count;
    return ERR_OK;
}

/* The best rows so far, by key and row. */
struct pool {
    uint64_t *pairs;
    size_t count;
    size_t size;
    size_t wanted;
    float limit;    /* keys beyond it do not matter ... */
    uint64_t worst; /* ... and pairs from this one on */
};

static void pool_fold(struct pool *pool)
{
    if (pool->count <= pool->wanted)
        return;
    order_select(pool->pairs, pool->count, pool->wanted);
    pool->count = pool->wanted;
    pool->worst = pool->pairs[pool->wanted - 1];
    pool->limit = order_key(pool->worst);
}

struct walk {
    const struct bits_request *request;
    struct bit_query query;
    struct pool pool;
    uint64_t groups; /* scanned */
    uint64_t passed; /* rows that the filter lets through, in these lists */
};

/* Puts what is within the limit into the pool; at most CHUNK groups. */
static void pool_take(struct walk *walk, const float *keys, const uint16_t *masks, size_t count,
                      size_t first_place)
{
    const struct bits *bits = walk->request->bits;
    const uint64_t *dead = walk->request->segment->dead;
    struct pool *pool = &walk->pool;
    for (size_t g = 0; g < count; g++)
        for (unsigned mask = masks[g]; mask != 0; mask &= mask - 1) {
            const size_t i = g * BIT_GROUP + (size_t)__builtin_ctz(mask);
            const uint32_t row = bits->rows[first_place + i];
            const uint64_t pair = order_pair(keys[i], row);
            if (pair < pool->worst && row < bits->header.rows &&
                (dead == NULL || !bitmap_get(dead, row))) /* since the index was made */
                pool->pairs[pool->count++] = pair;
        }
    if (pool->size - pool->count < CHUNK * BIT_GROUP)
        pool_fold(pool);
}

static void fetch_list(const struct bits *bits, uint32_t list)
{
    const uint8_t *head = bits->groups + bits->starts[list] * bits->at.group_size;
    for (size_t line = 0; line < FETCH_LINES; line++)
        __builtin_prefetch(head + line * BIT_LINE);
}

/* Leaves those rows in the masks that pass the filter. */
static void filter_masks(struct walk *walk, size_t first_place, size_t count, uint16_t *masks)
{
    const struct bits *bits = walk->request->bits;
    const uint64_t *allow = walk->request->allow;
    for (size_t g = 0; g < count; g++) {
        const uint32_t *rows = bits->rows + first_place + g * BIT_GROUP;
        unsigned passing = 0;
        for (size_t r = 0; r < BIT_GROUP; r++)
            if (rows[r] < bits->header.rows)
                passing |= (unsigned)(allow[rows[r] / 64] >> rows[r] % 64 & 1) << r;
        masks[g] = (uint16_t)(masks[g] & passing);
        walk->passed += (uint64_t)__builtin_popcount(passing);
    }
}

static void scan_list(struct walk *walk, uint32_t list)
{
    const struct bits *bits = walk->request->bits;
    const uint32_t end = bits->starts[list + 1];
    for (uint32_t first = bits->starts[list]; first < end; first += CHUNK) {
        float keys[CHUNK * BIT_GROUP];
        uint16_t masks[CHUNK];
        const struct bit_groups chunk = {
            .groups = bits->groups + first * bits->at.group_size,
            .count = end - first < CHUNK ? end - first : CHUNK,
            .lines = bits->at.lines,
            .has_counts = bits->at.has_counts,
        };
        walk->query.limit = walk->pool.limit;
        walk->request->kernel->scan(&chunk, &walk->query, 1, keys, masks);
        if (walk->request->allow != NULL)
            filter_masks(walk, (size_t)first * BIT_GROUP, chunk.count, masks);
        pool_take(walk, keys, masks, chunk.count, (size_t)first * BIT_GROUP);
        walk->groups += chunk.count;
    }
    if (walk->pool.count > walk->pool.wanted + walk->pool.wanted / 2 + BIT_GROUP)
        pool_fold(&walk->pool);
}

/* The nearest lists to the front, sorted. */
static void rank(uint64_t *order, size_t count, size_t wanted)
{
    if (wanted < count)
        order_select(order, count, wanted);
    order_sort(order, wanted);
}

/* A key that few lists but the nearest `wanted` are within: guessed from some of them. */
static float guess_limit(const float *keys, size_t lists, size_t wanted, uint64_t *order)
{
    const size_t place = wanted / GUESS_STEP + wanted / GUESS_STEP / 4 + 3;
    size_t count = 0;
    if (place >= lists / GUESS_STEP)
        return INFINITY;
    for (size_t list = 0; list < lists; list += GUESS_STEP)
        order[count++] = order_pair(keys[list], (uint32_t)list);
    order_select(order, count, place);
    return order_key(order[place - 1]);
}

/* Lists within a limit, in no order; returns how many. */
static size_t lists_within(const struct kernel *kernel, const float *keys, size_t lists,
                           float limit, uint64_t *order)
{
    size_t count = 0;
    for (size_t first = 0; first < lists; first += KERNEL_BLOCK)
        for (uint64_t mask = kernel->within(keys + first, limit); mask != 0; mask &= mask - 1) {
            const size_t list = first + (size_t)__builtin_ctzll(mask);
            order[count++] = order_pair(keys[list], (uint32_t)list);
        }
    return count;
}

/* The nearest `wanted` lists, sorted, at the front of `order`. */
static void rank_nearest(const struct bits_request *request, const float *keys, size_t wanted,
                         uint64_t *order)
{
    const size_t lists = request->bits->header.lists;
    const struct kernel *kernel = request->scan->kernel;
    const float limit = guess_limit(keys, lists, wanted, order);
    size_t count = lists_within(kernel, keys, lists, limit, order);
    if (count < wanted)
        count = lists_within(kernel, keys, lists, INFINITY, order);
    rank(order, count, wanted);
}

static void scan_in_order(struct walk *walk, const uint64_t *order, size_t count)
{
    const struct bits *bits = walk->request->bits;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count)
            fetch_list(bits, order_number(order[i + 1]));
        scan_list(walk, order_number(order[i]));
    }
}

/* As many passing rows as an unfiltered search sees rows. Where fewer pass near the query than
 * elsewhere, the best of them lie scattered: as for a query that is far from the rows. */
static void scan_passing(struct walk *walk, enum lists_kind kind, const float *keys,
                         uint64_t *order)
{
    const struct bits_request *request = walk->request;
    const struct bits_header *header = &request->bits->header;
    const double share = (double)request->passing;
    const double list_rows = (double)header->live_rows / (double)header->lists;
    const uint32_t probes = request->probes[kind];
    const uint32_t far =
        request->probes[LISTS_FAR] > 0 ? request->probes[LISTS_FAR] : header->lists;
    uint64_t wanted = (uint64_t)(probes * list_rows);
    const double expected = probes / share + 1.0;
    size_t step = expected < (double)header->lists ? (size_t)expected : header->lists;
    for (uint32_t list = 0; list < header->lists; list++)
        order[list] = order_pair(keys[list], list);
    for (size_t done = 0; done < header->lists && walk->passed < wanted;) {
        const size_t left = header->lists - done;
        const size_t count = step < left ? step : left;
        rank(order + done, left, count);
        for (size_t i = 0; i < count && walk->passed < wanted; i++) {
            scan_in_order(walk, order + done + i, 1);
            if (done + i + 1 == probes &&
                (double)walk->passed < SCATTERED * share * (double)(walk->groups * BIT_GROUP))
                wanted = (uint64_t)((far > probes ? far : probes) * list_rows);
        }
        done += count;
        step *= 2;
    }
}

static enum err_code offer(const struct bits_request *request, const struct pool *pool,
                           struct topk *topk, struct err *err)
{
    struct segment *segment = request->segment;
    for (size_t i = 0; i < pool->count; i++)
        __builtin_prefetch(segment->ids.data + order_number(pool->pairs[i]) * sizeof(int64_t));
    for (size_t i = 0; i < pool->count; i++) {
        const uint32_t row = order_number(pool->pairs[i]);
        const enum err_code code = segment_touch(&segment->ids, row, 1, sizeof(int64_t), err);
        if (code != ERR_OK)
            return code;
        topk_push(topk, order_key(pool->pairs[i]),
                  get_i64(segment->ids.data + row * sizeof(int64_t)), request->first_ordinal + row);
    }
    return ERR_OK;
}

enum err_code bits_search(const struct bits_request *request, struct bits_scratch *scratch,
                          struct topk *topk, struct lists_answer *ret_answer, struct err *err)
{
    const struct bits *bits = request->bits;
    const uint8_t *query = request->scan->queries + request->query * request->scan->query_size;
    const size_t pool_size = 2 * request->wanted + POOL_SLACK + 2 * (size_t)CHUNK * BIT_GROUP;
    *ret_answer = (struct lists_answer){0};
    enum err_code code = bits_compare(bits, request->kernel, query, scratch, err);
    if (code == ERR_OK)
        code = fit(scratch, bits, pool_size, err);
    const bool is_far = !(scratch->distance <= bits->header.ladder.far);
    const enum lists_kind kind = is_far ? LISTS_FAR : LISTS_NEAR;
    const uint32_t probes = request->probes[kind];
    if (code != ERR_OK || probes == 0)
        return code;
    struct walk walk = {
        .request = request,
        .query = {.words = scratch->words, .bits = (uint32_t)scratch->bit_count},
        .pool = {.pairs = scratch->pool,
                 .size = scratch->pool_size,
                 .wanted = request->wanted,
                 .limit = INFINITY,
                 .worst = UINT64_MAX},
    };
    if (request->allow != NULL) {
        scan_passing(&walk, kind, scratch->keys, scratch->order);
    } else {
        rank_nearest(request, scratch->keys, probes, scratch->order);
        scan_in_order(&walk, scratch->order, probes);
    }
    pool_fold(&walk.pool);
    ret_answer->rows = walk.groups * BIT_GROUP;
    ret_answer->is_enough = walk.groups == bits->header.groups;
    for (size_t i = 0; i < walk.pool.count; i++)
        ret_answer->is_enough |= order_key(walk.pool.pairs[i]) > request->most;
    return offer(request, &walk.pool, topk, err);
}
