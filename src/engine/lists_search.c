/* lists_search.c: see lists_search.h.
 *
 * With a filter the k-th row that passes is about as far as the (k / share)-th of all; its class
 * has another reach, and what lies between the classes goes by the logarithm of k. The share is
 * that of the lists opened so far, when it is larger. Where it is far smaller than everywhere, what
 * passes is not near the query at all: then the rung of far queries is taken.
 *
 * Where rows nearer than `least` are not wanted, they still fill the pool; then the search is
 * repeated with a pool that has room for them. */
#include "engine/lists_search.h"

#include <math.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "engine/calibrate.h"
#include "engine/lists_pool.h"
#include "engine/order.h"

#define JUDGED_ROWS 16.0   /* that should have passed before it is judged whether they do here */
#define CORRELATED 2.0     /* times fewer rows pass here than everywhere */
#define FETCH_LINES 4      /* of the next list */
#define FETCH_ROW_SIZE 512 /* bytes of each row to be scored that are asked for early */

/* One search on its way. */
struct walk {
    const struct lists_request *request;
    struct lists_scratch *scratch;
    struct lists_pool pool;
    struct lists_rung rung;
    uint64_t groups;   /* looked at */
    uint64_t seen;     /* with a filter: rows of the opened lists ... */
    uint64_t passing;  /* ... and those that pass */
    size_t rerank_max; /* that the pool has room for */
    bool is_far;       /* the query, or what passes */
    bool is_whole;     /* all lists were opened */
    size_t opened;
};

static void fetch_list(const struct lists *lists, uint32_t list)
{
    const uint8_t *head = lists->groups + lists->starts[list] * lists->group_size;
    for (size_t line = 0; line < FETCH_LINES; line++)
        __builtin_prefetch(head + line * CODE_LINE);
}

/* Fewer than when the lists were made, perhaps. */
static size_t live_rows(const struct lists_request *request)
{
    return (size_t)(request->segment->facts.rows - request->segment->facts.dead_rows);
}

/* Rows that have died since the lists were made. */
static void leave_out_dead(const struct walk *walk, uint16_t *masks, size_t count,
                           size_t first_place)
{
    const struct lists *lists = walk->request->lists;
    const uint64_t *dead = walk->request->segment->dead;
    for (size_t g = 0; g < count; g++)
        for (unsigned mask = masks[g]; mask != 0; mask &= mask - 1) {
            const unsigned bit = (unsigned)__builtin_ctz(mask);
            const uint32_t row = lists->rows[first_place + g * CODE_GROUP + bit];
            if (row < lists->header.rows && bitmap_get(dead, row))
                masks[g] &= (uint16_t) ~(1U << bit);
        }
}

/* Some groups, all of which have a row that may pass; `passing` NULL: all rows do. */
static void scan_groups(struct walk *walk, uint32_t first, size_t count, const uint16_t *passing)
{
    const struct lists_request *request = walk->request;
    const struct lists *lists = request->lists;
    float keys[LISTS_CHUNK * CODE_GROUP];
    uint16_t masks[LISTS_CHUNK];
    const struct code_groups chunk = {
        .groups = lists->groups + first * lists->group_size,
        .count = count,
        .lines = lists->code_lines,
    };
    lists_scan(request->kernel, &chunk, walk->scratch, walk->pool.limit, keys, masks);
    for (size_t g = 0; g < count && passing != NULL; g++)
        masks[g] &= passing[g];
    if (request->segment->dead != NULL && live_rows(request) != lists->header.live_rows)
        leave_out_dead(walk, masks, count, (size_t)first * CODE_GROUP);
    lists_pool_take(&walk->pool, keys, masks, count, (size_t)first * CODE_GROUP);
    walk->groups += count;
}

/* Of at most LISTS_CHUNK groups those in which rows pass, run by run. */
static void scan_passing(struct walk *walk, uint32_t first, size_t count)
{
    const struct lists_request *request = walk->request;
    uint16_t passing[LISTS_CHUNK];
    walk->passing +=
        request->kernel->passing(request->lists->rows + (size_t)first * CODE_GROUP, count,
                                 request->allow, (uint32_t)request->lists->header.rows, passing);
    walk->seen += count * CODE_GROUP;
    for (size_t g = 0; g < count;) {
        size_t end = g;
        while (end < count && passing[end] != 0)
            end++;
        if (end > g)
            scan_groups(walk, first + (uint32_t)g, end - g, passing + g);
        g = end + 1;
    }
}

static void open_list(struct walk *walk, uint32_t list)
{
    const struct lists *lists = walk->request->lists;
    const uint32_t end = lists->starts[list + 1];
    for (uint32_t first = lists->starts[list]; first < end; first += LISTS_CHUNK) {
        const size_t count = end - first < LISTS_CHUNK ? end - first : LISTS_CHUNK;
        if (walk->request->allow != NULL)
            scan_passing(walk, first, count);
        else
            scan_groups(walk, first, count, NULL);
    }
}

/* The reach for k rows of those that pass. Between two classes: that of the larger, or, where it
 * falls with k, by the logarithm of k. */
static float filtered_reach(const struct walk *walk)
{
    const struct lists_request *request = walk->request;
    const struct lists_ladder *ladder = &request->lists->header.ladder;
    const double seen = (double)walk->passing / (double)(walk->seen > 0 ? walk->seen : 1);
    const double share = seen > request->share ? seen : request->share;
    const double wanted = (double)request->k / share;
    float reach = walk->rung.reach;
    for (size_t class = 0; class < LISTS_K_CLASSES; class ++) {
        const struct lists_rung *rung = &ladder->rungs[LISTS_FILTERED][class][request->level - 1];
        if (rung->probes == 0)
            break;
        const double own = (double)calibrate_ks[class];
        if (wanted<own &&class> 0 && reach > rung->reach && isfinite(rung->reach)) {
            const double from = (double)calibrate_ks[class - 1];
            const double part = wanted > from ? log(wanted / from) / log(own / from) : 0.0;
            return reach + (float)part * (rung->reach - reach);
        }
        if (wanted < own)
            return reach > rung->reach ? reach : rung->reach;
        reach = rung->reach;
    }
    return reach;
}

/* Do as many rows pass in the lists opened so far as they should? */
static void judge_filter(struct walk *walk)
{
    const struct lists_request *request = walk->request;
    const double expected = (double)walk->seen * request->share;
    if (request->allow == NULL || walk->is_far || expected < JUDGED_ROWS ||
        (double)walk->passing * CORRELATED >= expected)
        return;
    walk->rung = request->rungs[LISTS_FAR];
    walk->is_far = true;
    if (walk->rung.rerank > walk->pool.wanted && walk->rung.rerank <= walk->rerank_max)
        walk->pool.wanted = walk->rung.rerank;
}

static bool is_too_far(const struct walk *walk, float gap)
{
    if (walk->request->allow == NULL || walk->is_far)
        return gap > walk->rung.reach;
    return gap > filtered_reach(walk);
}

/* Opens lists until the gap is too wide. */
static void open_lists(struct walk *walk)
{
    const struct lists *lists = walk->request->lists;
    struct lists_scratch *scratch = walk->scratch;
    const size_t all = lists->header.lists;
    size_t seen = 0;
    while (seen < all) {
        const size_t round = lists_round(seen);
        const size_t end = all - seen < round ? all : seen + round;
        lists_rank(lists, end < all ? end + 1 : all, scratch);
        const float gap = lists_gap(scratch, order_key(scratch->order[seen]), walk->pool.limit);
        if (is_too_far(walk, gap))
            break;
        for (; seen < end; seen++) {
            if (seen + 1 < all)
                fetch_list(lists, order_number(scratch->order[seen + 1]));
            open_list(walk, order_number(scratch->order[seen]));
        }
        judge_filter(walk);
        lists_pool_fold(&walk->pool);
    }
    walk->opened = seen;
    walk->is_whole = seen == all;
}

/* Rows of some places; checks the blocks they are in. */
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
static enum err_code score(const struct lists_request *request, const uint64_t *rows, size_t count,
                           float *ret_keys, struct err *err)
{
    struct segment *segment = request->segment;
    fetch_rows(segment, rows, count < KERNEL_BLOCK ? count : KERNEL_BLOCK);
    for (size_t first = 0; first < count; first += KERNEL_BLOCK) {
        const size_t left = count - first;
        const size_t block = left < KERNEL_BLOCK ? left : KERNEL_BLOCK;
        const uint8_t *pointers[KERNEL_BLOCK];
        const enum err_code code = touch_rows(segment, rows + first, block, pointers, err);
        if (code != ERR_OK)
            return code;
        if (left > block)
            fetch_rows(segment, rows + first + block,
                       left - block < KERNEL_BLOCK ? left - block : KERNEL_BLOCK);
        scan_keys(request->scan, request->query, pointers, block, ret_keys + first);
    }
    return ERR_OK;
}

/* The pool's places become rows; returns how many. */
static size_t rows_of_pool(struct walk *walk)
{
    const struct lists *lists = walk->request->lists;
    size_t count = 0;
    for (size_t i = 0; i < walk->pool.count; i++) {
        const uint32_t row = lists->rows[order_number(walk->pool.pairs[i])];
        if (row < lists->header.rows)
            walk->pool.pairs[count++] = row;
    }
    return count;
}

/* One try: rows of the pool and their exact keys. */
static enum err_code propose(struct walk *walk, size_t rerank, size_t *ret_count, struct err *err)
{
    const struct lists_request *request = walk->request;
    struct lists_scratch *scratch = walk->scratch;
    const size_t far = request->rungs[LISTS_FAR].rerank;
    walk->rerank_max = request->allow != NULL && far > rerank ? far : rerank;
    const size_t size = lists_pool_size(walk->rerank_max);
    const enum err_code code = lists_scratch_fit(scratch, request->lists, size, err);
    if (code != ERR_OK)
        return code;
    walk->pool = (struct lists_pool){
        .pairs = scratch->pool, .size = size, .wanted = rerank, .limit = INFINITY};
    walk->seen = walk->passing = 0;
    open_lists(walk);
    *ret_count = rows_of_pool(walk);
    return score(request, scratch->pool, *ret_count, scratch->exact, err);
}

/* How many rows the pool must have room for, beside those below `least`. */
static size_t wider(const struct walk *walk, size_t count)
{
    size_t inner = 0;
    for (size_t i = 0; i < count; i++)
        inner += walk->scratch->exact[i] < walk->request->least;
    const size_t live = live_rows(walk->request);
    const size_t wanted = walk->rung.rerank + 2 * inner;
    return wanted < live ? wanted : live;
}

static void offer(const struct walk *walk, size_t count, struct topk *topk, bool *ret_is_beyond)
{
    const struct lists_request *request = walk->request;
    const uint8_t *ids = request->segment->ids.data;
    for (size_t i = 0; i < count; i++) {
        const uint64_t row = walk->scratch->pool[i];
        const float key = walk->scratch->exact[i];
        *ret_is_beyond |= key > request->most;
        topk_push(topk, key, get_i64(ids + row * sizeof(int64_t)), request->first_ordinal + row);
    }
}

/* The rung for a query, whose nearest centroid is known. */
static void choose_rung(struct walk *walk)
{
    const struct lists_request *request = walk->request;
    const bool is_filtered = request->allow != NULL && request->rungs[LISTS_FILTERED].probes > 0;
    walk->is_far = !(walk->scratch->distance <= request->lists->header.ladder.far);
    walk->rung = request->rungs[is_filtered ? LISTS_FILTERED : LISTS_NEAR];
    if (walk->is_far)
        walk->rung = request->rungs[LISTS_FAR];
}

enum err_code lists_search(const struct lists_request *request, struct lists_scratch *scratch,
                           struct topk *topk, struct lists_answer *ret_answer, struct err *err)
{
    const struct lists *lists = request->lists;
    const uint8_t *query = request->scan->queries + request->query * request->scan->query_size;
    *ret_answer = (struct lists_answer){0};
    enum err_code code = lists_compare(lists, request->kernel, query, scratch, err);
    if (code != ERR_OK)
        return code;
    lists_prepare_scan(lists, scratch);
    struct walk walk = {.request = request, .scratch = scratch};
    size_t count = 0;
    for (size_t rerank = 0;; rerank = wider(&walk, count)) {
        choose_rung(&walk);
        rerank = rerank > walk.rung.rerank ? rerank : walk.rung.rerank;
        if (walk.rung.probes > 0)
            code = propose(&walk, rerank, &count, err);
        ret_answer->is_lost = walk.rung.probes == 0; /* of the far rung, perhaps meanwhile */
        if (code != ERR_OK || ret_answer->is_lost)
            return code;
        ret_answer->reranked += count;
        if (count < walk.pool.wanted || wider(&walk, count) <= walk.pool.wanted)
            break;
    }
    offer(&walk, count, topk, &ret_answer->is_enough);
    ret_answer->is_enough |=
        walk.is_whole && (count < walk.pool.wanted || count == live_rows(request));
    ret_answer->rows = walk.groups * CODE_GROUP;
    ret_answer->lists = walk.opened;
    return ERR_OK;
}
