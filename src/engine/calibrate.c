/* calibrate.c: see calibrate.h. */
#include "engine/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/lists_search.h"
#include "engine/order.h"
#include "engine/truth.h"

#define FAR_SHARE 0.9
#define RERANKS 6       /* 2k, 4k ... 64k */
#define K_SHARE 20      /* a class needs so many live rows for each of its k */
#define SAFETY_NEAR 0.2 /* of what may be missed */
#define SAFETY_FAR 0.5
#define COST_START 2.0  /* microseconds */
#define COST_LINES 5e3  /* lines of centroids a microsecond */
#define COST_BYTES 33e3 /* of codes, a microsecond */
#define COST_ROW 0.08   /* of a row to be scored, and its bytes */
#define COST_ROW_BYTES 12e3

const size_t calibrate_ks[LISTS_K_CLASSES] = {10, 100, 1000};
const float calibrate_targets[LISTS_LEVELS] = {0.94F, 0.955F,  0.965F, 0.975F, 0.985F,
                                               0.99F, 0.9925F, 0.995F, 0.9975F};

double calibrate_cost(const struct lists_header *header, size_t probes, size_t rerank)
{
    const struct lists_layout at = lists_layout_of(header);
    const double groups = (double)header->groups / (double)header->lists * (double)probes;
    const double row_size = (double)(header->dim * sizeof(float));
    return COST_START + (double)(header->lists / CODE_GROUP * at.centroid_lines) / COST_LINES +
           (double)header->lists / 400.0 +
           groups * (double)code_group_size(at.code_lines) / COST_BYTES +
           (double)rerank * (COST_ROW + row_size / COST_ROW_BYTES);
}

/* A true neighbour of a query. */
struct neighbour {
    uint32_t row;
    uint32_t probe;  /* place of its list in the query's ranking */
    uint32_t nearer; /* scanned codes that look nearer */
    float key;       /* of its code */
};

struct calibration {
    const struct lists_build_options *options;
    const struct lists *lists;
    const struct code_kernel *kernel;
    struct segment *segment;
    size_t wanted;                  /* neighbours of each query: the largest k that is measured */
    struct truth truth;             /* near queries, then far ones */
    float distances[TRUTH_QUERIES]; /* to the nearest centroid */
    uint32_t *list_of;              /* of each row */
    struct neighbour *neighbours;   /* queries x wanted */
};

/* ---- how the lists see them ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct neighbour *left = a;
    const struct neighbour *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

/* Where in the sorted neighbours a key belongs: how many have a smaller or equal key. */
static size_t place_of(const struct neighbour *sorted, size_t count, float key)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sorted[middle].key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keys of all rows of one list: handed to `take` with their rows. */
struct visit {
    struct neighbour *sorted;
    size_t count;
    uint32_t *histogram; /* count + 1 */
    uint32_t own_row;
};

static void visit_list(const struct calibration *c, uint32_t list, const int8_t *query, float scale,
                       const struct visit *visit)
{
    const struct lists *lists = c->lists;
    for (uint32_t group = lists->starts[list]; group < lists->starts[list + 1]; group++) {
        const struct code_groups one = {lists->groups + group * code_group_size(lists->code_lines),
                                        1, lists->code_lines};
        float keys[CODE_GROUP];
        uint16_t mask = 0;
        c->kernel->scan4(&one, query, scale, visit->sorted[visit->count - 1].key, keys, &mask);
        for (; mask != 0; mask = (uint16_t)(mask & (mask - 1))) {
            const size_t place = (size_t)__builtin_ctz(mask);
            if (lists->rows[(size_t)group * CODE_GROUP + place] != visit->own_row)
                visit->histogram[place_of(visit->sorted, visit->count, keys[place])]++;
        }
    }
}

/* The key of each neighbour's code. */
static void set_keys(const struct calibration *c, const int8_t *query, float scale,
                     struct neighbour *neighbours, size_t count)
{
    const struct lists *lists = c->lists;
    for (size_t i = 0; i < count; i++) {
        const uint32_t list = c->list_of[neighbours[i].row];
        for (uint32_t group = lists->starts[list]; group < lists->starts[list + 1]; group++) {
            const uint32_t *rows = lists->rows + (size_t)group * CODE_GROUP;
            size_t place = 0;
            while (place < CODE_GROUP && rows[place] != neighbours[i].row)
                place++;
            if (place == CODE_GROUP)
                continue;
            const struct code_groups one = {
                lists->groups + group * code_group_size(lists->code_lines), 1, lists->code_lines};
            float keys[CODE_GROUP];
            uint16_t mask = 0;
            c->kernel->scan4(&one, query, scale, 0.0F, keys, &mask);
            neighbours[i].key = keys[place];
            break;
        }
    }
}

static void count_nearer(const struct calibration *c, size_t query, size_t probes, float scale,
                         struct lists_scratch *scratch, uint32_t *histogram)
{
    const size_t count = c->truth.counts[query];
    struct neighbour *neighbours = c->neighbours + query * c->wanted;
    struct neighbour *sorted = mem_alloc(count, sizeof *sorted);
    if (sorted == NULL) { /* counted as never found: only a slower ladder */
        for (size_t i = 0; i < count; i++)
            neighbours[i].nearer = UINT32_MAX;
        return;
    }
    memcpy(sorted, neighbours, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_keys);
    memset(histogram, 0, (count + 1) * sizeof *histogram);
    const struct visit visit = {sorted, count, histogram, c->truth.query_rows[query]};
    for (size_t probe = 0; probe < probes; probe++)
        visit_list(c, order_number(scratch->order[probe]), scratch->bytes, scale, &visit);
    /* histogram[p]: keys with p neighbours at or below them */
    for (size_t i = 1; i <= count; i++)
        histogram[i] += histogram[i - 1];
    for (size_t i = 0; i < count; i++)
        neighbours[i].nearer = histogram[place_of(sorted, count, neighbours[i].key) - 1];
    mem_free(sorted);
}

static enum err_code judge_query(struct calibration *c, size_t query, struct lists_scratch *scratch,
                                 uint32_t *places, uint32_t *histogram, struct err *err)
{
    const size_t lists = c->lists->header.lists;
    const uint8_t *values = c->truth.queries + query * c->segment->facts.row_size;
    const enum err_code code =
        lists_compare(c->lists, c->kernel, values, scratch, &c->distances[query], err);
    if (code != ERR_OK || c->truth.counts[query] == 0)
        return code;
    lists_rank(c->lists, lists, scratch);
    for (size_t i = 0; i < lists; i++)
        places[order_number(scratch->order[i])] = (uint32_t)i;
    struct neighbour *neighbours = c->neighbours + query * c->wanted;
    size_t probes = 0;
    for (size_t i = 0; i < c->truth.counts[query]; i++) {
        neighbours[i].probe = places[c->list_of[neighbours[i].row]];
        probes = neighbours[i].probe + 1 > probes ? neighbours[i].probe + 1 : probes;
    }
    const float scale = lists_prepare_scan(c->lists, scratch);
    set_keys(c, scratch->bytes, scale, neighbours, c->truth.counts[query]);
    count_nearer(c, query, probes, scale, scratch, histogram);
    return ERR_OK;
}

#define QUERIES_A_JOB 8

static enum err_code judge_queries(void *argument, size_t index, struct err *err)
{
    struct calibration *c = argument;
    struct lists_scratch scratch = {0};
    uint32_t *places = mem_alloc(c->lists->header.lists, sizeof *places);
    uint32_t *histogram = mem_alloc(c->wanted + 1, sizeof *histogram);
    enum err_code code = ERR_OK;
    if (places == NULL || histogram == NULL)
        code = err_nomem(err, "index");
    for (size_t q = index * QUERIES_A_JOB;
         code == ERR_OK && q < c->truth.query_count && q < (index + 1) * QUERIES_A_JOB; q++) {
        code = judge_query(c, q, &scratch, places, histogram, err);
        if (code == ERR_OK)
            code = meter_pass(c->options->meter, 0, 0, err);
    }
    mem_free(places);
    mem_free(histogram);
    lists_scratch_release(&scratch);
    return code;
}

/* ---- rungs ---- */

/* Queries of one kind: rows as long as they are not far themselves, or made up ones. */
struct part {
    size_t first;
    size_t end;
    float far; /* those beyond it are left out */
};

/* Fewest probes that find `needed` of the neighbours with at most `rerank` rows; 0: not possible.
 * histogram: lists entries. */
static size_t fewest_probes(const struct calibration *c, struct part part, size_t k,
                            struct lists_rung wanted, uint32_t *histogram)
{
    const size_t lists = c->lists->header.lists;
    memset(histogram, 0, lists * sizeof *histogram);
    for (size_t q = part.first; q < part.end; q++)
        for (size_t i = 0; i < k && i < c->truth.counts[q] && c->distances[q] <= part.far; i++) {
            const struct neighbour *neighbour = &c->neighbours[q * c->wanted + i];
            if (neighbour->nearer < wanted.rerank)
                histogram[neighbour->probe]++;
        }
    size_t found = 0;
    for (size_t probe = 0; probe < lists; probe++) {
        found += histogram[probe];
        if (found >= wanted.probes)
            return probe + 1;
    }
    return 0;
}

static struct lists_rung best_rung(const struct calibration *c, struct part part, size_t k,
                                   double target, uint32_t *histogram)
{
    size_t total = 0;
    for (size_t q = part.first; q < part.end; q++)
        if (c->distances[q] <= part.far)
            total += c->truth.counts[q] < k ? c->truth.counts[q] : k;
    const double safety = part.first == 0 ? SAFETY_NEAR : SAFETY_FAR;
    const double share = target + safety * (1.0 - target);
    const uint32_t needed = (uint32_t)(share * (double)total) + 1;
    const size_t live = (size_t)c->lists->header.live_rows;
    struct lists_rung best = {0, 0};
    double best_cost = 0.0;
    for (size_t i = 1; i <= RERANKS; i++) {
        const size_t rerank = k << i < live ? k << i : live;
        const struct lists_rung wanted = {needed, (uint32_t)rerank};
        const size_t probes = fewest_probes(c, part, k, wanted, histogram);
        const double cost = calibrate_cost(&c->lists->header, probes, rerank);
        if (probes > 0 && (best.probes == 0 || cost < best_cost)) {
            best = (struct lists_rung){(uint32_t)probes, (uint32_t)rerank};
            best_cost = cost;
        }
    }
    return best;
}

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a;
    const float right = *(const float *)b;
    return (left > right) - (left < right);
}

static enum err_code make_ladder(struct calibration *c, struct lists_ladder *ret_ladder,
                                 struct err *err)
{
    float sorted[TRUTH_NEAR];
    memcpy(sorted, c->distances, c->truth.near_count * sizeof *sorted);
    qsort(sorted, c->truth.near_count, sizeof *sorted, compare_floats);
    struct lists_ladder ladder;
    uint32_t *histogram = mem_alloc(c->lists->header.lists, sizeof *histogram);
    if (histogram == NULL)
        return err_nomem(err, "index");
    memset(&ladder, 0, sizeof ladder);
    ladder.far = sorted[(size_t)(FAR_SHARE * (double)(c->truth.near_count - 1))];
    const struct part parts[LISTS_KINDS] = {{0, c->truth.near_count, ladder.far},
                                            {c->truth.near_count, c->truth.query_count, INFINITY}};
    for (size_t kind = 0; kind < LISTS_KINDS; kind++)
        for (size_t class = 0; class < LISTS_K_CLASSES && calibrate_ks[class] <= c->wanted;
             class ++)
            for (size_t level = 0; level < LISTS_LEVELS; level++)
                ladder.rungs[kind][class][level] =
                    best_rung(c, parts[kind], calibrate_ks[class], (double)calibrate_targets[level],
                              histogram);
    mem_free(histogram);
    *ret_ladder = ladder;
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err_code prepare(struct calibration *c, struct err *err)
{
    const struct lists *lists = c->lists;
    c->list_of = mem_zalloc((size_t)c->segment->facts.rows, sizeof *c->list_of);
    c->neighbours = mem_alloc(c->truth.query_count * c->wanted, sizeof *c->neighbours);
    if (c->list_of == NULL || c->neighbours == NULL)
        return err_nomem(err, "index");
    for (size_t i = 0; i < c->truth.query_count * c->wanted; i++)
        c->neighbours[i] = (struct neighbour){.row = c->truth.rows[i]};
    for (uint32_t list = 0; list < lists->header.lists; list++)
        for (size_t place = (size_t)lists->starts[list] * CODE_GROUP;
             place < (size_t)lists->starts[list + 1] * CODE_GROUP; place++)
            if (lists->rows[place] < c->segment->facts.rows)
                c->list_of[lists->rows[place]] = list;
    return ERR_OK;
}

static void release(struct calibration *c)
{
    truth_release(&c->truth);
    mem_free(c->list_of);
    mem_free(c->neighbours);
    mem_free(c);
}

enum err_code calibrate(const struct lists_build_options *options, const struct lists *lists,
                        struct lists_ladder *ret_ladder, struct err *err)
{
    struct calibration *c = mem_zalloc(1, sizeof *c);
    if (c == NULL)
        return err_nomem(err, "index");
    c->options = options;
    c->lists = lists;
    c->kernel = code_kernel_for(options->kernel);
    c->segment = options->segment;
    for (size_t class = 0; class < LISTS_K_CLASSES; class ++)
        if (calibrate_ks[class] * K_SHARE <= lists->header.live_rows)
            c->wanted = calibrate_ks[class];
    enum err_code code = ERR_OK;
    if (c->wanted > 0)
        code = truth_make(options, lists->rows, lists->header.groups * CODE_GROUP, c->wanted,
                          &c->truth, err);
    if (code == ERR_OK && c->truth.query_count > 0) {
        code = prepare(c, err);
        if (code == ERR_OK)
            code = pool_run(options->threads,
                            (c->truth.query_count + QUERIES_A_JOB - 1) / QUERIES_A_JOB,
                            judge_queries, c, err);
        if (code == ERR_OK)
            code = make_ladder(c, ret_ladder, err);
    }
    release(c);
    return code;
}
