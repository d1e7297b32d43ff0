/* calibrate.c: see calibrate.h. */
#include "engine/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pool.h"
#include "engine/lists_pool.h"
#include "engine/lists_query.h"
#include "engine/order.h"
#include "engine/truth.h"

#define FAR_SHARE 0.98
#define RERANKS 12      /* 2k, 4k ... of all classes */
#define K_SHARE 20      /* a class needs so many live rows for each of its k */
#define SAFETY_NEAR 0.2 /* of what may be missed */
#define SAFETY_FAR 0.5
#define SAFETY_FILTERED 0.35
#define COST_START 2.0  /* microseconds */
#define COST_LINES 5e3  /* lines of centroids a microsecond */
#define COST_BYTES 33e3 /* of codes, a microsecond */
#define COST_LIST 0.03  /* of a list that is opened */
#define COST_MASK 0.012 /* which rows of a group pass */
#define COST_ALONE 12e3 /* bytes of codes a microsecond, where groups are read one by one */
#define COST_ROW 0.08   /* of a row to be scored, and its bytes */
#define COST_ROW_BYTES 12e3

const size_t calibrate_ks[LISTS_K_CLASSES] = {10, 100, 1000};
const float calibrate_targets[LISTS_LEVELS] = {0.94F, 0.955F,  0.965F, 0.975F, 0.985F,
                                               0.99F, 0.9925F, 0.995F, 0.9975F};

#define FILTERED_RERANK 1 /* of each class: LISTS_FILTERED_RERANK k */
/* The RERANKS, the largest first. */
static const size_t falling_reranks[RERANKS] = {11, 10, 9, 8, 5, 7, 4, 6, 3, 2, 1, 0};
/* Which of the RERANKS belong to a class. */
static const size_t class_reranks[LISTS_K_CLASSES + 1] = {0, 6, 10, RERANKS};

double calibrate_cost(const struct lists_header *header, const struct calibrate_work *work)
{
    const struct lists_layout at = lists_layout_of(header);
    const double groups = (double)header->groups / (double)header->lists * work->probes;
    const double row_size = (double)(header->dim * sizeof(float));
    double group_cost = (double)code_group_size(at.code_lines) / COST_BYTES;
    if (work->is_filtered) { /* groups of which no row passes are not read */
        const double read = 1.0 - pow(1.0 - fmin(work->share, 1.0), CODE_GROUP);
        const double bytes = COST_ALONE + (COST_BYTES - COST_ALONE) * read;
        group_cost = COST_MASK + (double)code_group_size(at.code_lines) / bytes * read;
    }
    return COST_START + (double)(header->lists / CODE_GROUP * at.centroid_lines) / COST_LINES +
           (double)header->lists / 400.0 + work->probes * COST_LIST + groups * group_cost +
           (double)work->rerank * (COST_ROW + row_size / COST_ROW_BYTES);
}

/* A true neighbour of a query. */
struct neighbour {
    uint32_t row;
    uint32_t round;  /* in which its list is opened */
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
    size_t reranks[RERANKS];        /* sizes of pools that are tried */
    uint32_t *starts;               /* of each round its first list, by nearness; one more: all */
    size_t rounds;
    float *gaps; /* queries x RERANKS x rounds: when each round begins */
};

static float *gaps_of(const struct calibration *c, size_t query, size_t rerank)
{
    return c->gaps + (query * RERANKS + rerank) * c->rounds;
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

/* One query on its way through the lists, with a pool of each size. */
struct visit {
    const struct calibration *c;
    size_t query;
    size_t count; /* of its neighbours */
    struct lists_scratch scratch;
    struct neighbour *sorted; /* by key */
    uint32_t *histogram;      /* count + 1: keys with so many neighbours at or below them */
    uint32_t *places;         /* of each list in the query's order */
    struct lists_pool pools[RERANKS];
};

/* A row that a pool does not want is not among the best of any smaller one. */
static void visit_row(struct visit *visit, float key, size_t place)
{
    if (visit->c->lists->rows[place] == visit->c->truth.query_rows[visit->query])
        return;
    if (key <= visit->sorted[visit->count - 1].key)
        visit->histogram[place_of(visit->sorted, visit->count, key)]++;
    for (size_t i = 0; i < RERANKS; i++) {
        struct lists_pool *pool = &visit->pools[falling_reranks[i]];
        if (!(key <= pool->limit))
            break;
        pool->pairs[pool->count++] = order_pair(key, (uint32_t)place);
        if (pool->count == pool->size)
            lists_pool_fold(pool);
    }
}

static void visit_list(struct visit *visit, uint32_t list)
{
    const struct lists *lists = visit->c->lists;
    for (uint32_t first = lists->starts[list]; first < lists->starts[list + 1];
         first += LISTS_CHUNK) {
        const uint32_t left = lists->starts[list + 1] - first;
        const struct code_groups chunk = {lists->groups + first * lists->group_size,
                                          left < LISTS_CHUNK ? left : LISTS_CHUNK,
                                          lists->code_lines};
        float keys[LISTS_CHUNK * CODE_GROUP];
        uint16_t masks[LISTS_CHUNK];
        float limit = visit->sorted[visit->count - 1].key;
        for (size_t p = 0; p < RERANKS; p++)
            limit = visit->pools[p].limit > limit ? visit->pools[p].limit : limit;
        lists_scan(visit->c->kernel, &chunk, &visit->scratch, limit, keys, masks);
        for (size_t g = 0; g < chunk.count; g++)
            for (unsigned mask = masks[g]; mask != 0; mask &= mask - 1) {
                const size_t i = g * CODE_GROUP + (size_t)__builtin_ctz(mask);
                visit_row(visit, keys[i], (size_t)first * CODE_GROUP + i);
            }
    }
}

/* The key of one row's code. */
static float key_of(const struct visit *visit, uint32_t row)
{
    const struct lists *lists = visit->c->lists;
    const uint32_t list = visit->c->list_of[row];
    for (uint32_t group = lists->starts[list]; group < lists->starts[list + 1]; group++) {
        const uint32_t *rows = lists->rows + (size_t)group * CODE_GROUP;
        size_t place = 0;
        while (place < CODE_GROUP && rows[place] != row)
            place++;
        if (place == CODE_GROUP)
            continue;
        const struct code_groups one = {lists->groups + group * lists->group_size, 1,
                                        lists->code_lines};
        float keys[CODE_GROUP];
        uint16_t mask = 0;
        lists_scan(visit->c->kernel, &one, &visit->scratch, 0.0F, keys, &mask);
        return keys[place];
    }
    return INFINITY;
}

/* Rounds up to the last one that a neighbour needs; after it the worst wanted row hardly moves. */
static void walk_rounds(struct visit *visit, size_t last)
{
    const struct calibration *c = visit->c;
    for (size_t round = 0; round < c->rounds; round++) {
        const float list_key = order_key(visit->scratch.order[c->starts[round]]);
        for (size_t p = 0; p < RERANKS; p++) {
            float *gaps = gaps_of(c, visit->query, p);
            const float gap = lists_gap(&visit->scratch, list_key, visit->pools[p].limit);
            gaps[round] = isnan(gap) ? INFINITY : gap;
            if (round > 0 && gaps[round - 1] > gaps[round])
                gaps[round] = gaps[round - 1];
        }
        for (size_t i = c->starts[round]; round <= last && i < c->starts[round + 1]; i++)
            visit_list(visit, order_number(visit->scratch.order[i]));
        for (size_t p = 0; round <= last && p < RERANKS; p++)
            lists_pool_fold(&visit->pools[p]);
    }
}

static void judge_neighbours(struct visit *visit)
{
    const struct calibration *c = visit->c;
    struct neighbour *neighbours = c->neighbours + visit->query * c->wanted;
    size_t last = 0;
    for (size_t i = 0; i < visit->count; i++) {
        const uint32_t place = visit->places[c->list_of[neighbours[i].row]];
        size_t round = 0;
        while (c->starts[round + 1] <= place)
            round++;
        neighbours[i].round = (uint32_t)round;
        neighbours[i].key = key_of(visit, neighbours[i].row);
        last = round > last ? round : last;
    }
    memcpy(visit->sorted, neighbours, visit->count * sizeof *neighbours);
    qsort(visit->sorted, visit->count, sizeof *visit->sorted, compare_keys);
    memset(visit->histogram, 0, (visit->count + 1) * sizeof *visit->histogram);
    walk_rounds(visit, last);
    for (size_t i = 1; i <= visit->count; i++)
        visit->histogram[i] += visit->histogram[i - 1];
    for (size_t i = 0; i < visit->count; i++)
        neighbours[i].nearer =
            visit->histogram[place_of(visit->sorted, visit->count, neighbours[i].key) - 1];
}

static enum err_code judge_query(struct visit *visit, size_t query, float *ret_distance,
                                 struct err *err)
{
    const struct calibration *c = visit->c;
    struct lists_scratch *scratch = &visit->scratch;
    const size_t lists = c->lists->header.lists;
    const uint8_t *values = c->truth.queries + query * c->segment->facts.row_size;
    const enum err_code code = lists_compare(c->lists, c->kernel, values, scratch, err);
    if (code != ERR_OK)
        return code;
    *ret_distance = scratch->distance;
    visit->query = query;
    visit->count = c->truth.counts[query];
    if (visit->count == 0)
        return ERR_OK;
    lists_rank(c->lists, lists, scratch);
    for (size_t i = 0; i < lists; i++)
        visit->places[order_number(scratch->order[i])] = (uint32_t)i;
    lists_prepare_scan(c->lists, scratch);
    for (size_t p = 0; p < RERANKS; p++) {
        visit->pools[p].count = 0;
        visit->pools[p].limit = INFINITY;
    }
    judge_neighbours(visit);
    return ERR_OK;
}

static enum err_code visit_init(struct visit *visit, const struct calibration *c, struct err *err)
{
    *visit = (struct visit){.c = c};
    visit->places = mem_alloc(c->lists->header.lists, sizeof *visit->places);
    visit->histogram = mem_alloc(c->wanted + 1, sizeof *visit->histogram);
    visit->sorted = mem_alloc(c->wanted, sizeof *visit->sorted);
    bool has_all = visit->places != NULL && visit->histogram != NULL && visit->sorted != NULL;
    for (size_t p = 0; p < RERANKS; p++) {
        const size_t size = lists_pool_size(c->reranks[p]);
        visit->pools[p] = (struct lists_pool){
            .pairs = mem_alloc(size, sizeof(uint64_t)), .size = size, .wanted = c->reranks[p]};
        has_all = has_all && visit->pools[p].pairs != NULL;
    }
    return has_all ? ERR_OK : err_nomem(err, "index");
}

static void visit_release(struct visit *visit)
{
    mem_free(visit->places);
    mem_free(visit->histogram);
    mem_free(visit->sorted);
    for (size_t p = 0; p < RERANKS; p++)
        mem_free(visit->pools[p].pairs);
    lists_scratch_release(&visit->scratch);
}

#define QUERIES_A_JOB 8

static enum err_code judge_queries(void *argument, size_t index, struct err *err)
{
    struct calibration *c = argument;
    struct visit visit;
    enum err_code code = visit_init(&visit, c, err);
    for (size_t q = index * QUERIES_A_JOB;
         code == ERR_OK && q < c->truth.query_count && q < (index + 1) * QUERIES_A_JOB; q++) {
        code = judge_query(&visit, q, &c->distances[q], err);
        if (code == ERR_OK)
            code = meter_pass(c->options->meter, 0, 0, err);
    }
    visit_release(&visit);
    return code;
}

/* ---- rungs ---- */

/* Queries of one kind, rows or made up ones, and which of a class's reranks are tried. */
struct part {
    size_t first;
    size_t end;
    size_t first_rerank;
    size_t rerank_count;
    double safety;
};

/* The gaps at which the neighbours' rounds begin, of those that a pool of this size keeps: sorted
 * into `values`. Returns how many; *ret_total: how many neighbours there are. */
static size_t list_gaps(const struct calibration *c, const struct part *part, size_t k,
                        size_t rerank, uint64_t *values, size_t *ret_total)
{
    size_t count = 0;
    *ret_total = 0;
    for (size_t q = part->first; q < part->end; q++) {
        const size_t neighbours = c->truth.counts[q] < k ? c->truth.counts[q] : k;
        *ret_total += neighbours;
        for (size_t i = 0; i < neighbours; i++) {
            const struct neighbour *neighbour = &c->neighbours[q * c->wanted + i];
            if (neighbour->nearer < c->reranks[rerank])
                values[count++] = order_pair(gaps_of(c, q, rerank)[neighbour->round], 0);
        }
    }
    order_sort(values, count);
    return count;
}

/* Lists that are opened on average, rounded up. */
static size_t mean_lists(const struct calibration *c, const struct part *part, size_t rerank,
                         float reach)
{
    size_t lists = 0;
    size_t queries = 0;
    for (size_t q = part->first; q < part->end; q++) {
        if (c->truth.counts[q] == 0)
            continue;
        const float *gaps = gaps_of(c, q, rerank);
        size_t round = 0;
        while (round < c->rounds && !(gaps[round] > reach))
            round++;
        lists += c->starts[round];
        queries++;
    }
    return queries > 0 ? (lists + queries - 1) / queries : 0;
}

/* All levels of one class: the cheapest pair of reach and rerank for each, of the part's reranks.
 * values: room for all neighbours. */
static void make_rungs(const struct calibration *c, const struct part *part, size_t class,
                       uint64_t *values, struct lists_rung *ret_rungs)
{
    const double safety = part->safety;
    double costs[LISTS_LEVELS];
    const size_t first = class_reranks[class] + part->first_rerank;
    for (size_t p = first; p < class_reranks[class + 1] && p - first < part->rerank_count; p++) {
        size_t total = 0;
        const size_t count = list_gaps(c, part, calibrate_ks[class], p, values, &total);
        for (size_t level = 0; level < LISTS_LEVELS; level++) {
            const double target = (double)calibrate_targets[level];
            const size_t needed = (size_t)((target + safety * (1.0 - target)) * (double)total) + 1;
            if (needed > count)
                continue;
            const float reach = order_key(values[needed - 1]);
            const size_t probes = mean_lists(c, part, p, reach);
            const struct calibrate_work work = {
                .probes = (double)probes, .rerank = c->reranks[p], .share = 1.0};
            const double cost = calibrate_cost(&c->lists->header, &work);
            if (ret_rungs[level].probes > 0 && cost >= costs[level])
                continue;
            costs[level] = cost;
            ret_rungs[level] =
                (struct lists_rung){(uint32_t)probes, (uint32_t)c->reranks[p], reach};
        }
    }
}

static int compare_floats(const void *a, const void *b)
{
    const float left = *(const float *)a;
    const float right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Far queries may be rows that are, so nothing less than for rows will do. Where no rung is good
 * enough for the made up ones, which may be stranger than any real query, all lists are opened. */
static struct lists_rung further(const struct calibration *c, size_t class, struct lists_rung near,
                                 struct lists_rung far)
{
    if (near.probes == 0)
        return near;
    if (far.probes == 0)
        return (struct lists_rung){c->lists->header.lists,
                                   (uint32_t)c->reranks[class_reranks[class + 1] - 1], INFINITY};
    return (struct lists_rung){near.probes > far.probes ? near.probes : far.probes,
                               near.rerank > far.rerank ? near.rerank : far.rerank,
                               near.reach > far.reach ? near.reach : far.reach};
}

static enum err_code make_ladder(struct calibration *c, struct lists_ladder *ret_ladder,
                                 struct err *err)
{
    float sorted[TRUTH_NEAR];
    memcpy(sorted, c->distances, c->truth.near_count * sizeof *sorted);
    qsort(sorted, c->truth.near_count, sizeof *sorted, compare_floats);
    struct lists_ladder ladder;
    uint64_t *values = mem_alloc(c->truth.query_count * c->wanted, sizeof *values);
    if (values == NULL)
        return err_nomem(err, "index");
    memset(&ladder, 0, sizeof ladder);
    ladder.far = sorted[(size_t)(FAR_SHARE * (double)(c->truth.near_count - 1))];
    const size_t near_count = c->truth.near_count;
    const struct part parts[LISTS_LADDERS] = {
        {0, near_count, 0, RERANKS, SAFETY_NEAR},
        {near_count, c->truth.query_count, 0, RERANKS, SAFETY_FAR},
        {0, near_count, FILTERED_RERANK, 1, SAFETY_FILTERED}};
    for (size_t class = 0; class < LISTS_K_CLASSES && calibrate_ks[class] <= c->wanted; class ++) {
        struct lists_rung *near = ladder.rungs[LISTS_NEAR][class];
        struct lists_rung *far = ladder.rungs[LISTS_FAR][class];
        make_rungs(c, &parts[LISTS_NEAR], class, values, near);
        make_rungs(c, &parts[LISTS_FAR], class, values, far);
        make_rungs(c, &parts[LISTS_FILTERED], class, values, ladder.rungs[LISTS_FILTERED][class]);
        for (size_t level = 0; level < LISTS_LEVELS; level++)
            far[level] = further(c, class, near[level], far[level]);
    }
    mem_free(values);
    *ret_ladder = ladder;
    return ERR_OK;
}

/* ---- the whole ---- */

static size_t count_rounds(size_t lists, uint32_t *ret_starts)
{
    size_t round = 0;
    for (size_t seen = 0; seen < lists; seen += lists_round(seen)) {
        if (ret_starts != NULL)
            ret_starts[round] = (uint32_t)seen;
        round++;
    }
    if (ret_starts != NULL)
        ret_starts[round] = (uint32_t)lists;
    return round;
}

static enum err_code prepare(struct calibration *c, struct err *err)
{
    const struct lists *lists = c->lists;
    c->rounds = count_rounds(lists->header.lists, NULL);
    c->starts = mem_alloc(c->rounds + 1, sizeof *c->starts);
    c->gaps = mem_zalloc(c->truth.query_count * RERANKS * c->rounds, sizeof *c->gaps);
    if (c->starts == NULL || c->gaps == NULL)
        return err_nomem(err, "index");
    (void)count_rounds(lists->header.lists, c->starts);
    for (size_t class = 0; class < LISTS_K_CLASSES; class ++)
        for (size_t p = class_reranks[class]; p < class_reranks[class + 1]; p++) {
            const size_t rerank = calibrate_ks[class] << (p - class_reranks[class] + 1);
            const size_t live = (size_t)lists->header.live_rows;
            c->reranks[p] = rerank < live ? rerank : live;
        }
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
    mem_free(c->starts);
    mem_free(c->gaps);
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
