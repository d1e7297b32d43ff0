/* graph_search.c: see graph_search.h. */
#include "engine/graph_search.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "engine/graph_codes.h"
#include "engine/kmeans.h"
#include "engine/order.h"

#define FETCH_ROW_SIZE 1024 /* bytes of each row to be scored that are asked for early */
#define BLOCK 16            /* rows scored together */
#define PASS_SHARE_MIN 0.02 /* below it ef grows no further */
#define JUDGED 8.0     /* nodes of a pool that should pass before it is judged whether they do */
#define CORRELATED 2.0 /* times fewer pass near the query than everywhere */

static enum err_code fit(struct graph_scratch *scratch, const struct graph *graph, struct err *err)
{
    const size_t heads = graph->at.head_lines * CODE7_DIMS;
    const size_t query = graph_codes_query_size(&graph->at);
    const size_t bytes = (heads + query + 63) / 64 * 64;
    if (bytes > scratch->bytes_size) {
        mem_free(scratch->bytes);
        scratch->bytes = mem_aligned(bytes, sizeof *scratch->bytes);
        scratch->bytes_size = scratch->bytes != NULL ? bytes : 0;
    }
    if (graph->at.space > scratch->values_size) {
        mem_free(scratch->values);
        scratch->values = mem_aligned(graph->at.space, sizeof *scratch->values);
        scratch->values_size = scratch->values != NULL ? graph->at.space : 0;
    }
    return bytes <= scratch->bytes_size && graph->at.space <= scratch->values_size
               ? ERR_OK
               : err_nomem(err, "search");
}

/* What the key of a head leaves out; see lists_compare(). `share`: reach / range. */
static float distance_of(const struct graph *graph, float key, const int8_t *bytes, float share)
{
    int64_t sum = 0;
    int64_t squares = 0;
    for (size_t j = 0; j < graph->at.space; j++) {
        sum += bytes[j];
        squares += bytes[j] * bytes[j];
    }
    const float whole = key + 128.0F * KMEANS_STEP * share * (float)sum;
    const float squared = share * share * (float)squares;
    if (graph->codes.metric != METRIC_IP)
        return whole + squared;
    return squares > 0 ? whole / sqrtf(squared) : 0.0F;
}

/* Added to a key it is the squared distance; IP: in the space in which lengths are the same. */
static float origin_of(const struct graph *graph, const uint8_t *query, const float *values)
{
    double sum = 0.0;
    for (size_t j = 0; j < graph->at.space; j++)
        sum += (double)values[j] * (double)values[j];
    if (graph->codes.metric != METRIC_IP)
        return (float)sum;
    for (size_t j = 0; j < graph->codes.dim; j++) {
        float value;
        memcpy(&value, query + j * sizeof value, sizeof value);
        sum -= isfinite(value) ? 2.0 * (double)value * (double)graph->codes.mean[j] : 0.0;
    }
    return (float)(sum + (double)graph->codes.longest);
}

enum err_code graph_prepare(const struct graph *graph, const struct code_kernel *kernel,
                            const uint8_t *query, struct graph_scratch *scratch,
                            struct graph_start *ret_start, struct err *err)
{
    const enum err_code code = fit(scratch, graph, err);
    if (code != ERR_OK)
        return code;
    const size_t space = graph->at.space;
    int8_t *bytes = scratch->bytes;
    int8_t *head_bytes = bytes + graph_codes_query_size(&graph->at);
    codes_query(&graph->codes, query, scratch->values);
    const float reach = codes_reach(scratch->values, space);
    const float share = reach / graph->codes.range;
    float key = 0.0F;
    codes_bytes(scratch->values, space, graph->at.head_lines * CODE7_DIMS, reach, head_bytes);
    struct graph_goal *goal = &ret_start->goal;
    *goal =
        (struct graph_goal){.query = bytes, .entries = ret_start->entries, .skip = GRAPH_NO_NODE};
    goal->origin = origin_of(graph, query, scratch->values);
    goal->entry_count = graph_enter(&graph->heads, kernel, head_bytes, 2.0F * KMEANS_STEP * share,
                                    ret_start->entries, &key);
    ret_start->distance = distance_of(graph, key, head_bytes, share);
    float lack = 0.0F;
    goal->scale = graph_codes_query(&graph->codes, &graph->at, scratch->values, bytes, &lack);
    goal->origin += lack;
    return ERR_OK;
}

static void fetch_rows(const struct graph_request *request, const uint64_t *pairs, size_t count)
{
    const size_t size = request->segment->facts.row_size;
    for (size_t i = 0; i < count; i++) {
        const uint64_t row = request->graph->rows[order_number(pairs[i])];
        const uint8_t *at = request->segment->vectors.data + row * size;
        for (size_t k = 0; k < size && k < FETCH_ROW_SIZE; k += 64)
            __builtin_prefetch(at + k);
    }
}

static enum err_code score_block(const struct graph_request *request, const uint64_t *pairs,
                                 size_t count, struct topk *topk, struct graph_answer *answer,
                                 struct err *err)
{
    struct segment *segment = request->segment;
    const uint8_t *pointers[BLOCK];
    uint64_t rows[BLOCK];
    float keys[BLOCK];
    for (size_t i = 0; i < count; i++) {
        rows[i] = request->graph->rows[order_number(pairs[i])];
        enum err_code code =
            segment_touch(&segment->vectors, rows[i], 1, segment->facts.row_size, err);
        if (code == ERR_OK)
            code = segment_touch(&segment->ids, rows[i], 1, sizeof(int64_t), err);
        if (code != ERR_OK)
            return code;
        pointers[i] = segment->vectors.data + rows[i] * segment->facts.row_size;
    }
    scan_keys(request->scan, request->query, pointers, count, keys);
    for (size_t i = 0; i < count; i++) {
        answer->is_enough |= keys[i] > request->most;
        topk_push(topk, keys[i], get_i64(segment->ids.data + rows[i] * sizeof(int64_t)),
                  request->first_ordinal + rows[i]);
    }
    answer->reranked += count;
    return ERR_OK;
}

/* Scores nodes exactly, a block at a time; the next block is asked for meanwhile. */
static enum err_code rerank(const struct graph_request *request, const uint64_t *pairs,
                            size_t count, struct topk *topk, struct graph_answer *answer,
                            struct err *err)
{
    enum err_code code = ERR_OK;
    fetch_rows(request, pairs, count < BLOCK ? count : BLOCK);
    for (size_t first = 0; code == ERR_OK && first < count; first += BLOCK) {
        const size_t left = count - first;
        const size_t block = left < BLOCK ? left : BLOCK;
        if (left > block)
            fetch_rows(request, pairs + first + block, left - block < BLOCK ? left - block : BLOCK);
        code = score_block(request, pairs + first, block, topk, answer, err);
    }
    return code;
}

/* Roots, since these are the same bits everywhere. */
double graph_growth(double share)
{
    return 1.0 / (sqrt(share) * sqrt(sqrt(sqrt(share))));
}

static size_t scaled(size_t ef, double share, size_t nodes)
{
    const double least = share > PASS_SHARE_MIN ? share : PASS_SHARE_MIN;
    const double size = (double)ef * graph_growth(least);
    return size < (double)nodes ? (size_t)size : nodes;
}

static uint64_t live_rows(const struct graph_request *request)
{
    return request->segment->facts.rows - request->segment->facts.dead_rows;
}

/* Rows that died after the graph was made are still nodes: they lead on, but are no hits. */
static bool has_died(const struct graph_request *request)
{
    return request->segment->dead != NULL && live_rows(request) != request->graph->header.nodes;
}

/* Of the nodes that may be hits. */
static double share_of(const struct graph_request *request)
{
    const double live = (double)live_rows(request) / (double)request->graph->header.nodes;
    return request->allow != NULL ? request->pass_share * live : live;
}

/* What passes is somewhere else than the query, where a walk does not lead. */
static bool is_elsewhere(const struct graph_request *request, const struct graph_found *found)
{
    const double expected = (double)found->pool * share_of(request);
    return request->allow != NULL && expected >= JUDGED &&
           (double)found->pool_passing * CORRELATED < expected;
}

enum err_code graph_search(const struct graph_request *request, struct graph_scratch *scratch,
                           struct topk *topk, struct graph_answer *ret_answer, struct err *err)
{
    const struct graph *graph = request->graph;
    const uint8_t *query = request->scan->queries + request->query * request->scan->query_size;
    const struct graph_view view = graph_view_for(graph, request->kernel);
    const struct graph_mask mask = {graph->rows, request->allow, request->segment->dead};
    struct graph_start start;
    struct graph_found found = {0};
    *ret_answer = (struct graph_answer){0};
    enum err_code code = graph_prepare(graph, request->kernel, query, scratch, &start, err);
    if (code != ERR_OK)
        return code;
    const bool is_far = !(start.distance <= graph->header.ladder.far);
    const struct graph_rung rung = request->rungs[is_far ? 1 : 0];
    ret_answer->is_refused = rung.ef == 0;
    if (rung.ef == 0)
        return ERR_OK;
    start.goal.ef = rung.ef;
    start.goal.spread = rung.spread;
    start.goal.sure = request->k;
    if (request->allow != NULL || has_died(request)) {
        const double share = share_of(request);
        start.goal.ef = scaled(rung.ef, share, view.nodes);
        start.goal.mask = &mask;
        start.goal.wanted = rung.ef;
        start.goal.sure = scaled(request->k, share, view.nodes);
    }
    code = graph_walk(&view, &start.goal, scratch, &found, err);
    ret_answer->rows = found.steps;
    ret_answer->is_enough = found.count == view.nodes;
    if (code != ERR_OK)
        return code;
    if (is_elsewhere(request, &found)) {
        *ret_answer = (struct graph_answer){.is_refused = true};
        return ERR_OK;
    }
    return rerank(request, found.pairs, found.count < rung.rerank ? found.count : rung.rerank, topk,
                  ret_answer, err);
}
