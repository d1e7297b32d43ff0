/* calibrate.c: see calibrate.h. */
#include "engine/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/lists_search.h"
#include "engine/order.h"
#include "kernel/scan.h"

#define NEAR_QUERIES ((size_t)256)
#define FAR_QUERIES ((size_t)128)
#define QUERIES (NEAR_QUERIES + FAR_QUERIES)
#define FAR_SHARE 0.9
#define PART_ROWS ((uint64_t)16384)
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
    size_t wanted;                /* neighbours of each query: the largest k that is measured */
    uint8_t *queries;             /* near ones, then far ones */
    uint32_t query_rows[QUERIES]; /* UINT32_MAX: of no row */
    float distances[QUERIES];     /* to the nearest centroid */
    size_t near_count;
    size_t query_count;
    struct scan scan;
    struct topk *topks; /* threads x queries */
    size_t topk_count;
    atomic_size_t next_part;
    uint32_t *list_of;            /* of each row */
    struct neighbour *neighbours; /* queries x wanted */
    size_t *counts;               /* found neighbours of each query */
};

/* ---- true neighbours ---- */

static enum err_code scan_parts(void *argument, size_t thread, struct err *err)
{
    struct calibration *c = argument;
    struct scan_scratch scratch;
    enum err_code code = scan_scratch_init(&scratch, &c->scan, err);
    const uint64_t rows = c->segment->facts.rows;
    while (code == ERR_OK) {
        const uint64_t first = atomic_fetch_add(&c->next_part, 1) * PART_ROWS;
        if (first >= rows)
            break;
        const struct scan_rows part = {
            .rows = c->segment->vectors.data + first * c->segment->facts.row_size,
            .row_count = rows - first < PART_ROWS ? (size_t)(rows - first) : PART_ROWS,
            .first_ordinal = first,
            .dead = c->segment->dead,
            .first_bit = (size_t)first,
        };
        scan_block(&c->scan, &part, &scratch, c->topks + thread * c->query_count);
        code = meter_pass(c->options->meter, 0, 0, err);
    }
    scan_scratch_release(&scratch);
    return code;
}

static enum err_code start_scan(struct calibration *c, struct err *err)
{
    const struct scan_request request = {.kernel = c->options->kernel,
                                         .metric = c->options->metric,
                                         .dim = c->options->dim,
                                         .queries = c->queries,
                                         .query_count = c->query_count};
    return scan_init(&c->scan, &request, err);
}

/* Neighbours of a query, nearest first, without the query itself and without its twins: where rows
 * repeat, they would make the query look easier than others are. */
static void collect(struct calibration *c, size_t query)
{
    struct topk *best = &c->topks[query];
    for (size_t thread = 1; thread < c->options->threads; thread++)
        topk_merge(best, &c->topks[thread * c->query_count + query]);
    const size_t found = topk_finish(best);
    const size_t row_size = c->segment->facts.row_size;
    struct neighbour *neighbours = c->neighbours + query * c->wanted;
    size_t count = 0;
    for (size_t i = 0; i < found && count < c->wanted; i++)
        if (memcmp(c->segment->vectors.data + best->hits[i].ordinal * row_size,
                   c->queries + query * row_size, row_size) != 0)
            neighbours[count++] = (struct neighbour){.row = (uint32_t)best->hits[i].ordinal};
    c->counts[query] = count;
}

static enum err_code find_neighbours(struct calibration *c, struct err *err)
{
    const size_t topk_count = c->options->threads * c->query_count;
    c->topks = mem_alloc(topk_count, sizeof *c->topks);
    if (c->topks == NULL)
        return err_nomem(err, "index");
    enum err_code code = start_scan(c, err);
    while (code == ERR_OK && c->topk_count < topk_count) {
        code = topk_init(&c->topks[c->topk_count], c->wanted + 1, false, err);
        c->topk_count += code == ERR_OK;
    }
    if (code == ERR_OK)
        code = pool_run(c->options->threads, c->options->threads, scan_parts, c, err);
    for (size_t query = 0; code == ERR_OK && query < c->query_count; query++)
        collect(c, query);
    return code;
}

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
    const size_t count = c->counts[query];
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
    const struct visit visit = {sorted, count, histogram, c->query_rows[query]};
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
    const uint8_t *values = c->queries + query * c->segment->facts.row_size;
    const enum err_code code =
        lists_compare(c->lists, c->kernel, values, scratch, &c->distances[query], err);
    if (code != ERR_OK || c->counts[query] == 0)
        return code;
    lists_rank(c->lists, lists, scratch);
    for (size_t i = 0; i < lists; i++)
        places[order_number(scratch->order[i])] = (uint32_t)i;
    struct neighbour *neighbours = c->neighbours + query * c->wanted;
    size_t probes = 0;
    for (size_t i = 0; i < c->counts[query]; i++) {
        neighbours[i].probe = places[c->list_of[neighbours[i].row]];
        probes = neighbours[i].probe + 1 > probes ? neighbours[i].probe + 1 : probes;
    }
    const float scale = lists_prepare_scan(c->lists, scratch);
    set_keys(c, scratch->bytes, scale, neighbours, c->counts[query]);
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
         code == ERR_OK && q < c->query_count && q < (index + 1) * QUERIES_A_JOB; q++) {
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
        for (size_t i = 0; i < k && i < c->counts[q] && c->distances[q] <= part.far; i++) {
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
            total += c->counts[q] < k ? c->counts[q] : k;
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
    float sorted[NEAR_QUERIES];
    memcpy(sorted, c->distances, c->near_count * sizeof *sorted);
    qsort(sorted, c->near_count, sizeof *sorted, compare_floats);
    struct lists_ladder ladder;
    uint32_t *histogram = mem_alloc(c->lists->header.lists, sizeof *histogram);
    if (histogram == NULL)
        return err_nomem(err, "index");
    memset(&ladder, 0, sizeof ladder);
    ladder.far = sorted[(size_t)(FAR_SHARE * (double)(c->near_count - 1))];
    const struct part parts[LISTS_KINDS] = {{0, c->near_count, ladder.far},
                                            {c->near_count, c->query_count, INFINITY}};
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

/* Every (n / 257)-th place of the lists: another order than arrival, so spread over the data. */
static void draw_rows(struct calibration *c)
{
    const uint64_t places = c->lists->header.groups * CODE_GROUP;
    const uint64_t step = places / (NEAR_QUERIES + 1) + 1;
    for (uint64_t at = step / 2; at < places && c->near_count < NEAR_QUERIES; at += step) {
        uint64_t place = at;
        while (place < places && c->lists->rows[place] >= c->segment->facts.rows)
            place++;
        if (place < places)
            c->query_rows[c->near_count++] = c->lists->rows[place];
    }
}

static enum err_code draw_queries(struct calibration *c, struct err *err)
{
    const size_t row_size = c->segment->facts.row_size;
    const uint8_t *rows = c->segment->vectors.data;
    draw_rows(c);
    c->queries = mem_alloc(QUERIES, row_size);
    if (c->queries == NULL)
        return err_nomem(err, "index");
    for (size_t q = 0; q < c->near_count; q++)
        memcpy(c->queries + q * row_size, rows + c->query_rows[q] * row_size, row_size);
    c->query_count = c->near_count > 0 ? c->near_count + FAR_QUERIES : 0;
    uint64_t random = 1;
    for (size_t q = c->near_count; q < c->query_count; q++) {
        c->query_rows[q] = UINT32_MAX;
        for (size_t at = 0; at < row_size; at += sizeof(float)) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const size_t from = (size_t)(random >> 33) % c->near_count;
            memcpy(c->queries + q * row_size + at, c->queries + from * row_size + at,
                   sizeof(float));
        }
    }
    return ERR_OK;
}

static enum err_code prepare(struct calibration *c, struct err *err)
{
    const struct lists *lists = c->lists;
    c->list_of = mem_zalloc((size_t)c->segment->facts.rows, sizeof *c->list_of);
    c->neighbours = mem_alloc(c->query_count * c->wanted, sizeof *c->neighbours);
    c->counts = mem_zalloc(c->query_count, sizeof *c->counts);
    if (c->list_of == NULL || c->neighbours == NULL || c->counts == NULL)
        return err_nomem(err, "index");
    for (uint32_t list = 0; list < lists->header.lists; list++)
        for (size_t place = (size_t)lists->starts[list] * CODE_GROUP;
             place < (size_t)lists->starts[list + 1] * CODE_GROUP; place++)
            if (lists->rows[place] < c->segment->facts.rows)
                c->list_of[lists->rows[place]] = list;
    return ERR_OK;
}

static void release(struct calibration *c)
{
    for (size_t i = 0; i < c->topk_count; i++)
        topk_release(&c->topks[i]);
    mem_free(c->topks);
    scan_release(&c->scan);
    mem_free(c->queries);
    mem_free(c->list_of);
    mem_free(c->neighbours);
    mem_free(c->counts);
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
    enum err_code code = draw_queries(c, err);
    if (code == ERR_OK && c->wanted > 0 && c->query_count > 0) {
        code = prepare(c, err);
        if (code == ERR_OK)
            code = find_neighbours(c, err);
        if (code == ERR_OK)
            code = pool_run(options->threads, (c->query_count + QUERIES_A_JOB - 1) / QUERIES_A_JOB,
                            judge_queries, c, err);
        if (code == ERR_OK)
            code = make_ladder(c, ret_ladder, err);
    }
    release(c);
    return code;
}
