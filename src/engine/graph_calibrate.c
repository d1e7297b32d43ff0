/* graph_calibrate.c: see graph_calibrate.h. */
#include "engine/graph_calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/calibrate.h"
#include "engine/graph_search.h"
#include "engine/order.h"
#include "engine/truth.h"

#define FAR_SHARE 0.97
#define K_SHARE 20           /* a class needs so many rows for each of its k */
#define POINTS 32            /* tried for a class, at most */
#define SPREAD_STEPS 65536.0 /* so that the last bits of a logarithm do not show */
#define GROWTH_FIRST 1.5     /* of the spread, between points */
#define GROWTH_LEAST 1.02
#define GROWTH_MOST 1.3
#define SLOPE_LEAST 0.05
#define WIDTH_SLACK 4.0 /* nodes kept, of those that a walk takes on average */
#define WIDTH_LEAST 16
#define DEPTHS 12
#define QUERIES_A_JOB 8
#define COST_START 3.0 /* microseconds */
#define COST_STEP 0.010
#define COST_LINE 0.003 /* of a code */
#define COST_ROW 0.05   /* of a row to be scored, and its bytes */
#define COST_ROW_BYTES 20e3
#define COST_SLACK 1.1 /* a walk that costs so much more than another plan is not tried */
#define FLAT_BYTES 33e3

/* Rows scored, in shares of k. */
static const double depths[DEPTHS] = {1.0, 1.25, 1.5, 2.0, 2.5,  3.0,
                                      4.0, 5.0,  6.0, 8.0, 12.0, 16.0};
/* Every so many queries are enough for a class: it has k neighbours of each. */
static const size_t strides[GRAPH_KINDS][GRAPH_K_CLASSES] = {{1, 4, 16}, {2, 8, 16}};
static const float first_spreads[GRAPH_K_CLASSES] = {0.02F, 0.01F, 0.002F};
static const double growths[GRAPH_KINDS] = {1.3, 1.6};  /* from spread to spread */
static const double safeties[GRAPH_KINDS] = {0.2, 0.5}; /* of what may be missed */

double graph_cost(const struct graph_header *header, const struct graph_rung *rung)
{
    const struct graph_layout at = graph_layout_of(header);
    const double lines = (double)code_row_lines(at.width);
    const double row_size = (double)(header->dim * sizeof(float));
    return COST_START + rung->steps * (COST_STEP + COST_LINE * lines) +
           rung->rerank * (COST_ROW + row_size / COST_ROW_BYTES);
}

struct calibration {
    const struct lists_build_options *options;
    const struct graph *graph;
    const struct lists_header *lists;
    const struct code_kernel *kernel;
    struct truth truth;
    float distances[TRUTH_QUERIES];
    float far;
    /* the walk that is tried */
    size_t kind;
    size_t k;
    size_t width;
    float spread;
    size_t stride;
    uint32_t hits[TRUTH_QUERIES][DEPTHS]; /* true neighbours among the first rows */
    uint32_t steps[TRUTH_QUERIES];
    uint32_t taken[TRUTH_QUERIES];
};

/* The same for all queries of a kind. */
struct point {
    size_t width;
    float spread;
    double recall[DEPTHS];
    double steps;
    double taken;
};

static size_t depth_of(const struct calibration *c, size_t depth)
{
    return (size_t)(depths[depth] * (double)c->k);
}

/* Near queries are those that are rows and, once that is known, not far themselves. */
static bool is_asked(const struct calibration *c, size_t query)
{
    const bool is_row = query < c->truth.near_count;
    if (query % c->stride != 0 || is_row != (c->kind == 0))
        return false;
    return !is_row || c->distances[query] <= c->far;
}

static enum err_code walk_query(struct calibration *c, size_t query, struct graph_scratch *scratch,
                                uint8_t *is_wanted, struct err *err)
{
    const struct graph_view view = graph_view_for(c->graph, c->kernel);
    const uint8_t *values = c->truth.queries + query * c->options->segment->facts.row_size;
    struct graph_start start;
    struct graph_found found = {0};
    enum err_code code = graph_prepare(c->graph, c->kernel, values, scratch, &start, err);
    if (code != ERR_OK)
        return code;
    c->distances[query] = start.distance;
    start.goal.ef = c->width;
    start.goal.sure = c->k;
    start.goal.spread = c->spread;
    code = graph_walk(&view, &start.goal, scratch, &found, err);
    if (code != ERR_OK)
        return code;
    const uint32_t *rows = c->truth.rows + query * c->truth.wanted;
    const size_t wanted = c->truth.counts[query] < c->k ? c->truth.counts[query] : c->k;
    for (size_t i = 0; i < wanted; i++)
        is_wanted[rows[i]] = 1;
    uint32_t hits = 0;
    size_t at = 0;
    for (size_t depth = 0; depth < DEPTHS; depth++) {
        for (; at < found.count && at < depth_of(c, depth); at++)
            hits += is_wanted[c->graph->rows[order_number(found.pairs[at])]];
        c->hits[query][depth] = hits;
    }
    for (size_t i = 0; i < wanted; i++)
        is_wanted[rows[i]] = 0;
    c->steps[query] = (uint32_t)found.steps;
    c->taken[query] = (uint32_t)found.taken;
    return ERR_OK;
}

static enum err_code walk_queries(void *argument, size_t index, struct err *err)
{
    struct calibration *c = argument;
    struct graph_scratch scratch = {0};
    uint8_t *is_wanted = mem_zalloc((size_t)c->graph->header.rows, 1);
    enum err_code code = is_wanted != NULL ? ERR_OK : err_nomem(err, "index");
    const size_t first = index * QUERIES_A_JOB;
    for (size_t q = first; code == ERR_OK && q < c->truth.query_count && q < first + QUERIES_A_JOB;
         q++) {
        if (!is_asked(c, q))
            continue;
        code = walk_query(c, q, &scratch, is_wanted, err);
        if (code == ERR_OK)
            code = meter_pass(c->options->meter, 0, 0, err);
    }
    mem_free(is_wanted);
    graph_scratch_release(&scratch);
    return code;
}

static struct point sum_up(const struct calibration *c)
{
    struct point point = {.width = c->width, .spread = c->spread};
    size_t total = 0;
    size_t count = 0;
    for (size_t q = 0; q < c->truth.query_count; q++) {
        if (!is_asked(c, q))
            continue;
        total += c->truth.counts[q] < c->k ? c->truth.counts[q] : c->k;
        count++;
        point.steps += c->steps[q];
        point.taken += c->taken[q];
        for (size_t depth = 0; depth < DEPTHS; depth++)
            point.recall[depth] += c->hits[q][depth];
    }
    for (size_t depth = 0; depth < DEPTHS; depth++)
        point.recall[depth] /= total > 0 ? (double)total : 1.0;
    point.steps /= count > 0 ? (double)count : 1.0;
    point.taken /= count > 0 ? (double)count : 1.0;
    return point;
}

static double needed(size_t kind, size_t level)
{
    const double target = (double)calibrate_targets[level];
    return target + safeties[kind] * (1.0 - target);
}

static struct graph_rung rung_of(const struct calibration *c, const struct point *point,
                                 size_t depth)
{
    const size_t rerank = depth_of(c, depth);
    return (struct graph_rung){(uint32_t)point->width,
                               (uint32_t)(rerank < point->width ? rerank : point->width),
                               (uint32_t)point->steps, point->spread};
}

static struct graph_rung best_rung(const struct calibration *c, const struct point *points,
                                   size_t count, size_t level)
{
    struct graph_rung best = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t depth = 0; depth < DEPTHS; depth++) {
            const struct graph_rung rung = rung_of(c, &points[i], depth);
            if (points[i].recall[depth] >= needed(c->kind, level) &&
                (best.ef == 0 ||
                 graph_cost(&c->graph->header, &rung) < graph_cost(&c->graph->header, &best)))
                best = rung;
        }
    return best;
}

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a;
    const float right = *(const float *)b;
    return (left > right) - (left < right);
}

/* The distance that nearly all queries that are rows stay within. */
static float find_far(const struct calibration *c)
{
    float sorted[TRUTH_NEAR];
    memcpy(sorted, c->distances, c->truth.near_count * sizeof *sorted);
    qsort(sorted, c->truth.near_count, sizeof *sorted, compare_floats);
    return sorted[(size_t)(FAR_SHARE * (double)(c->truth.near_count - 1))];
}

/* What another plan costs for the highest level: wider walks are of no use. */
static double cost_limit(const struct calibration *c, size_t class)
{
    const struct graph_header *header = &c->graph->header;
    const double flat = (double)header->rows * (double)header->dim * sizeof(float) / FLAT_BYTES;
    const struct lists_rung *other = &c->lists->ladder.rungs[c->kind][class][GRAPH_LEVELS - 1];
    const struct calibrate_work work = {
        .probes = other->probes, .rerank = other->rerank, .share = 1.0};
    const double lists = other->probes > 0 ? calibrate_cost(c->lists, &work) : flat;
    if (c->options->keeps_graph)
        return INFINITY;
    return COST_SLACK * (lists < flat ? lists : flat);
}

/* The spread that should make walks so much longer, going by the last two points. */
static float next_spread(const struct calibration *c, const struct point *points, size_t count)
{
    double factor = GROWTH_FIRST;
    if (count >= 2) {
        const struct point *last = &points[count - 1];
        const struct point *before = &points[count - 2];
        const double slope =
            log(last->steps / before->steps) / log((double)last->spread / (double)before->spread);
        factor = exp(log(growths[c->kind]) / (slope > SLOPE_LEAST ? slope : SLOPE_LEAST));
    }
    factor = factor > GROWTH_LEAST ? factor : GROWTH_LEAST;
    const double spread = (double)c->spread * (factor < GROWTH_MOST ? factor : GROWTH_MOST);
    return (float)(floor(spread * SPREAD_STEPS + 1.0) / SPREAD_STEPS);
}

/* Queries of one kind, for one class. */
static enum err_code measure(struct calibration *c, size_t class, struct graph_rung *rungs,
                             struct err *err)
{
    const size_t jobs = (c->truth.query_count + QUERIES_A_JOB - 1) / QUERIES_A_JOB;
    const double limit = cost_limit(c, class);
    struct point points[POINTS];
    size_t count = 0;
    c->k = calibrate_ks[class];
    c->spread = first_spreads[class];
    c->width = (size_t)(2.0 * (double)c->k) + WIDTH_LEAST;
    c->stride = strides[c->kind][class];
    while (count < POINTS) {
        const size_t most = (size_t)c->graph->header.nodes / 2;
        c->width = c->width < most ? c->width : most;
        const enum err_code code = pool_run(c->options->threads, jobs, walk_queries, c, err);
        if (code != ERR_OK)
            return code;
        if (c->far == INFINITY && c->kind == 0)
            c->far = find_far(c);
        points[count] = sum_up(c);
        const struct point *last = &points[count++];
        const struct graph_rung rung = rung_of(c, last, 0);
        if (last->recall[DEPTHS - 1] >= needed(c->kind, GRAPH_LEVELS - 1) ||
            graph_cost(&c->graph->header, &rung) > limit || last->width == most)
            break;
        c->spread = next_spread(c, points, count);
        c->width = (size_t)(WIDTH_SLACK * last->taken) + c->k + WIDTH_LEAST;
    }
    for (size_t level = 0; level < GRAPH_LEVELS; level++)
        rungs[level] = best_rung(c, points, count, level);
    return ERR_OK;
}

enum err_code graph_calibrate(const struct lists_build_options *options, const struct graph *graph,
                              const struct lists_header *lists, struct graph_ladder *ret_ladder,
                              struct err *err)
{
    struct calibration *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, "index");
    c->options = options;
    c->graph = graph;
    c->lists = lists;
    c->far = INFINITY;
    c->kernel = code_kernel_for(options->kernel);
    struct graph_ladder ladder;
    size_t classes = 0;
    memset(&ladder, 0, sizeof ladder);
    while (classes < GRAPH_K_CLASSES && calibrate_ks[classes] * K_SHARE <= graph->header.nodes)
        classes++;
    enum err_code code = ERR_OK;
    if (classes > 0)
        code = truth_make(options, graph->rows, graph->header.nodes, calibrate_ks[classes - 1],
                          &c->truth, err);
    if (c->truth.query_count == 0)
        classes = 0;
    for (c->kind = 0; c->kind < GRAPH_KINDS; c->kind++)
        for (size_t class = 0; code == ERR_OK && class < classes; class ++)
            code = measure(c, class, ladder.rungs[c->kind][class], err);
    ladder.far = c->far;
    truth_release(&c->truth);
    mem_free(c);
    if (code == ERR_OK)
        *ret_ladder = ladder;
    return code;
}

bool graph_is_needless(const struct graph_header *graph, const struct lists_header *lists)
{
    for (size_t kind = 0; kind < GRAPH_KINDS; kind++)
        for (size_t class = 0; class < GRAPH_K_CLASSES; class ++)
            for (size_t level = 0; level < GRAPH_LEVELS; level++) {
                const struct graph_rung *own = &graph->ladder.rungs[kind][class][level];
                const struct lists_rung *other = &lists->ladder.rungs[kind][class][level];
                if (own->ef == 0)
                    continue;
                const struct calibrate_work work = {
                    .probes = other->probes, .rerank = other->rerank, .share = 1.0};
                if (other->probes == 0 || graph_cost(graph, own) < calibrate_cost(lists, &work))
                    return false;
            }
    return true;
}
