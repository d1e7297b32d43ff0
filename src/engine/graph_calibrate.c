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

#define FAR_SHARE 0.9
#define K_SHARE 20 /* a class needs so many rows for each of its k */
#define WIDTHS 20  /* tried for a class */
#define WIDTH_GROWTH 1.25
#define WIDTH_MIN 10
#define DEPTHS 12
#define SAFETY_NEAR 0.2 /* of what may be missed */
#define SAFETY_FAR 0.5
#define QUERIES_A_JOB 8
#define COST_START 3.0 /* microseconds */
#define COST_STEP 0.010
#define COST_LINE 0.003 /* of a code */
#define COST_ROW 0.05   /* of a row to be scored, and its bytes */
#define COST_ROW_BYTES 20e3

/* Rows scored, in shares of k. */
static const double depths[DEPTHS] = {1.0, 1.25, 1.5, 2.0, 2.5,  3.0,
                                      4.0, 5.0,  6.0, 8.0, 12.0, 16.0};
/* Every so many queries are enough for a class: it has k neighbours of each. */
static const size_t strides[GRAPH_K_CLASSES] = {1, 2, 8};

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
    const struct code_kernel *kernel;
    struct truth truth;
    uint32_t nodes[TRUTH_QUERIES]; /* of queries that are rows */
    float distances[TRUTH_QUERIES];
    float far;
    /* the walk that is tried */
    size_t k;
    size_t width;
    size_t stride;
    uint32_t hits[TRUTH_QUERIES][DEPTHS]; /* true neighbours among the first rows */
    uint32_t steps[TRUTH_QUERIES];
};

/* The same for all queries of a kind. */
struct point {
    size_t width;
    double recall[GRAPH_KINDS][DEPTHS];
    double steps[GRAPH_KINDS];
};

static size_t depth_of(const struct calibration *c, size_t depth)
{
    return (size_t)(depths[depth] * (double)c->k);
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
    start.goal.skip = c->nodes[query];
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
        if (q % c->stride != 0)
            continue;
        code = walk_query(c, q, &scratch, is_wanted, err);
        if (code == ERR_OK)
            code = meter_pass(c->options->meter, 0, 0, err);
    }
    mem_free(is_wanted);
    graph_scratch_release(&scratch);
    return code;
}

/* Near queries are those that are rows and not far themselves. */
static struct point sum_up(const struct calibration *c)
{
    struct point point = {.width = c->width};
    for (size_t kind = 0; kind < GRAPH_KINDS; kind++) {
        const size_t end = kind == 0 ? c->truth.near_count : c->truth.query_count;
        size_t total = 0;
        size_t count = 0;
        for (size_t q = kind == 0 ? 0 : c->truth.near_count; q < end; q++) {
            if (q % c->stride != 0 || (kind == 0 && c->distances[q] > c->far))
                continue;
            total += c->truth.counts[q] < c->k ? c->truth.counts[q] : c->k;
            count++;
            point.steps[kind] += c->steps[q];
            for (size_t depth = 0; depth < DEPTHS; depth++)
                point.recall[kind][depth] += c->hits[q][depth];
        }
        for (size_t depth = 0; depth < DEPTHS; depth++)
            point.recall[kind][depth] /= total > 0 ? (double)total : 1.0;
        point.steps[kind] /= count > 0 ? (double)count : 1.0;
    }
    return point;
}

static double needed(size_t kind, size_t level)
{
    const double target = (double)calibrate_targets[level];
    return target + (kind == 0 ? SAFETY_NEAR : SAFETY_FAR) * (1.0 - target);
}

static bool is_enough(const struct point *point)
{
    return point->recall[0][DEPTHS - 1] >= needed(0, GRAPH_LEVELS - 1) &&
           point->recall[1][DEPTHS - 1] >= needed(1, GRAPH_LEVELS - 1);
}

static struct graph_rung best_rung(const struct calibration *c, const struct point *points,
                                   size_t count, size_t kind, size_t level)
{
    struct graph_rung best = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t depth = 0; depth < DEPTHS; depth++) {
            const size_t rerank = depth_of(c, depth);
            const struct graph_rung rung = {
                (uint32_t)points[i].width,
                (uint32_t)(rerank < points[i].width ? rerank : points[i].width),
                (uint32_t)points[i].steps[kind]};
            if (points[i].recall[kind][depth] >= needed(kind, level) &&
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

/* The distance that nine tenths of the queries that are rows stay within. */
static float find_far(const struct calibration *c)
{
    float sorted[TRUTH_NEAR];
    memcpy(sorted, c->distances, c->truth.near_count * sizeof *sorted);
    qsort(sorted, c->truth.near_count, sizeof *sorted, compare_floats);
    return sorted[(size_t)(FAR_SHARE * (double)(c->truth.near_count - 1))];
}

static enum err_code measure_class(struct calibration *c, size_t class, struct graph_ladder *ladder,
                                   struct err *err)
{
    const size_t jobs = (c->truth.query_count + QUERIES_A_JOB - 1) / QUERIES_A_JOB;
    struct point points[WIDTHS];
    size_t count = 0;
    enum err_code code = ERR_OK;
    c->k = calibrate_ks[class];
    c->width = c->k > WIDTH_MIN ? c->k : WIDTH_MIN;
    c->stride = strides[class];
    while (code == ERR_OK && count < WIDTHS && c->width <= c->graph->header.nodes / 2) {
        code = pool_run(c->options->threads, jobs, walk_queries, c, err);
        if (code != ERR_OK)
            return code;
        if (class == 0 && count == 0)
            c->far = ladder->far = find_far(c);
        points[count++] = sum_up(c);
        if (is_enough(&points[count - 1]))
            break;
        c->width = (size_t)(WIDTH_GROWTH * (double)c->width) + 1;
    }
    for (size_t kind = 0; kind < GRAPH_KINDS; kind++)
        for (size_t level = 0; level < GRAPH_LEVELS; level++)
            ladder->rungs[kind][class][level] = best_rung(c, points, count, kind, level);
    return code;
}

/* Which node is each query's row? */
static void find_nodes(struct calibration *c)
{
    for (size_t q = 0; q < c->truth.query_count; q++)
        c->nodes[q] = GRAPH_NO_NODE;
    for (size_t q = 0; q < c->truth.near_count; q++)
        for (size_t node = 0; node < c->graph->header.nodes; node++)
            if (c->graph->rows[node] == c->truth.query_rows[q]) {
                c->nodes[q] = (uint32_t)node;
                break;
            }
}

enum err_code graph_calibrate(const struct lists_build_options *options, const struct graph *graph,
                              struct graph_ladder *ret_ladder, struct err *err)
{
    struct calibration *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, "index");
    c->options = options;
    c->graph = graph;
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
    if (code == ERR_OK)
        find_nodes(c);
    for (size_t class = 0; code == ERR_OK && class < classes && c->truth.query_count > 0; class ++)
        code = measure_class(c, class, &ladder, err);
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
