/* plan.c: see plan.h. */
#include "engine/plan.h"

#include <math.h>

#include "engine/bits.h"
#include "engine/bits_calibrate.h"
#include "engine/calibrate.h"
#include "engine/graph_calibrate.h"
#include "engine/graph_search.h"

#define FLAT_BYTES 33e3     /* of vectors read, a microsecond */
#define FLAT_START 1.0      /* microseconds */
#define FLAT_WORDS 64e3     /* rows whose bits are looked at, a microsecond */
#define FLAT_ROW 0.03       /* of a row that is read alone */
#define GRAPH_SHARE_MIN 0.2 /* of rows that pass a filter, from which a walk finds enough */
#define MANY_PASS 0.3       /* share of rows from which lists are searched still further */
#define FLAT_WORTH 1.5      /* with a filter an exact answer may cost so much more */
#define BATCH_MIN 12        /* queries of floats from which a scan is limited by arithmetic ... */
#define BATCH_FACTOR 5.0    /* ... and so much faster a query */

const char *plan_name(enum plan plan)
{
    switch (plan) {
    case PLAN_LISTS:
    case PLAN_BITS:
        return "lists";
    case PLAN_GRAPH:
        return "graph";
    case PLAN_FLAT:
    case PLAN_COUNT:
        break;
    }
    return "flat";
}

unsigned plan_level(const struct search_request *request)
{
    if (request->recall <= 0.0F)
        return request->level != 0 ? request->level : SEARCH_LEVEL_DEFAULT;
    for (unsigned level = 1; level <= LISTS_LEVELS; level++)
        if (calibrate_targets[level - 1] >= request->recall)
            return level;
    return SEARCH_LEVEL_MAX;
}

/* Of the rows that pass; few of them are read one by one. */
double plan_flat_cost(const struct segment *segment, const struct search_request *request,
                      uint64_t passing)
{
    const double rows = (double)segment->facts.rows;
    const double wanted = (double)passing;
    const double row_cost = (double)segment->facts.row_size / FLAT_BYTES;
    const double cost = FLAT_START + rows / FLAT_WORDS + wanted * row_cost +
                        (wanted < rows / 4 ? wanted * FLAT_ROW : 0.0);
    const bool is_batch = request->query_count >= BATCH_MIN && segment->bits == NULL;
    return is_batch ? cost / BATCH_FACTOR : cost;
}

/* What is asked of an index. */
struct wish {
    const struct search_request *request;
    size_t level; /* 0 is level 1 */
    size_t class; /* of k */
    bool is_filtered;
    double pass_share; /* of the live rows */
};

/* Lists that k rows of those that pass need: about as many as k / share rows of all. Between and
 * past the classes of k, lists grow with a power of k. */
static double filtered_probes(const struct lists_header *header, const struct wish *wish)
{
    const double wanted = (double)wish->request->k / wish->pass_share;
    double probes = 0.0;
    double growth = 0.5;
    double from = 0.0;
    for (size_t class = 0; class < LISTS_K_CLASSES; class ++) {
        const struct lists_rung rung = header->ladder.rungs[LISTS_NEAR][class][wish->level];
        if (rung.probes == 0)
            break;
        const double own = (double)calibrate_ks[class];
        if (probes > 0.0)
            growth = log((double)rung.probes / probes) / log(own / from);
        if (probes > 0.0 && wanted < own)
            break;
        probes = rung.probes;
        from = own;
    }
    const double all = (double)header->lists;
    probes *= wanted > from ? pow(wanted / from, growth > 0.0 ? growth : 0.0) : 1.0;
    return probes < all ? probes : all;
}

/* LISTS where that is cheaper than the best so far. */
static void try_lists(const struct segment *segment, const struct wish *wish,
                      struct plan_choice *best)
{
    if (segment->lists == NULL)
        return;
    const struct lists_header *header = &segment->lists->header;
    const struct lists_rung near = header->ladder.rungs[LISTS_NEAR][wish->class][wish->level];
    if (near.probes == 0 || near.rerank < wish->request->k)
        return;
    struct calibrate_work work = {.probes = near.probes, .rerank = near.rerank, .share = 1.0};
    if (wish->is_filtered) {
        work.share = wish->pass_share;
        work.is_filtered = true;
        work.probes = filtered_probes(header, wish);
    }
    const double cost = calibrate_cost(header, &work);
    if (cost * (wish->is_filtered ? FLAT_WORTH : 1.0) >= best->cost_us ||
        !lists_are_sound(segment->lists))
        return;
    *best = (struct plan_choice){.plan = PLAN_LISTS, .level = (unsigned)wish->level + 1};
    best->pass_share = work.share;
    best->cost_us = cost;
    for (size_t kind = 0; kind < LISTS_LADDERS; kind++)
        best->rungs[kind] = header->ladder.rungs[kind][wish->class][wish->level];
}

/* For queries that are far from all rows. */
static bool lists_are_cheaper(const struct segment *segment, const struct plan_choice *lists,
                              const struct graph_rung *walk)
{
    const struct lists_rung rung = lists->rungs[LISTS_FAR];
    const struct calibrate_work work = {.probes = rung.probes, .rerank = rung.rerank, .share = 1.0};
    return rung.probes > 0 && graph_cost(&segment->graph->header, walk) >
                                  calibrate_cost(&segment->lists->header, &work);
}

/* GRAPH likewise. Through a filter it walks as much further as fewer rows pass. Far queries are
 * left to the lists where these are cheaper for them. lists  what try_lists() chose, if anything */
static void try_graph(const struct segment *segment, const struct wish *wish,
                      const struct plan_choice *lists, struct plan_choice *best)
{
    if (segment->graph == NULL || wish->pass_share < GRAPH_SHARE_MIN)
        return;
    const struct graph_header *header = &segment->graph->header;
    const struct graph_rung near = header->ladder.rungs[0][wish->class][wish->level];
    struct graph_rung far = header->ladder.rungs[1][wish->class][wish->level];
    if (near.ef == 0 || near.rerank < wish->request->k)
        return;
    const double cost = graph_cost(header, &near) * graph_growth(wish->pass_share);
    const bool is_exact_near = wish->is_filtered && best->plan == PLAN_FLAT;
    if (cost * (is_exact_near ? FLAT_WORTH : 1.0) >= best->cost_us ||
        !graph_is_sound(segment->graph))
        return;
    if (lists->plan == PLAN_LISTS && lists_are_cheaper(segment, lists, &far))
        far.ef = 0;
    *best = *lists; /* for what the graph refuses */
    best->plan = PLAN_GRAPH;
    best->walks[0] = near;
    best->walks[1] = far;
    best->k = calibrate_ks[wish->class];
    best->cost_us = cost;
    best->pass_share = wish->pass_share;
}

/* The lists of binary vectors. Where a filter lets few rows pass, as many more lists are scanned.
 */
static void try_bits(const struct segment *segment, const struct wish *wish,
                     struct plan_choice *best)
{
    if (segment->bits == NULL || wish->pass_share <= 0.0)
        return;
    const struct bits_header *header = &segment->bits->header;
    const uint32_t near = header->ladder.probes[LISTS_NEAR][wish->class][wish->level];
    const uint32_t far = header->ladder.probes[LISTS_FAR][wish->class][wish->level];
    if (near == 0)
        return;
    const double cost = bits_cost(header, wish->class, wish->level, wish->pass_share);
    if (cost < best->cost_us && bits_are_sound(segment->bits))
        *best = (struct plan_choice){.plan = PLAN_BITS,
                                     .probes = {near, far},
                                     .cost_us = cost,
                                     .pass_share = wish->pass_share};
}

/* A filter makes the reach uncertain, most where the classes of k are far apart: so lists are
 * searched by a higher level, where there is one. */
static struct wish wish_of_lists(const struct segment *segment, const struct wish *wish)
{
    struct wish higher = *wish;
    if (segment->lists == NULL || !wish->is_filtered)
        return higher;
    const struct lists_ladder *ladder = &segment->lists->header.ladder;
    const struct lists_rung *rungs = ladder->rungs[LISTS_NEAR][wish->class];
    const size_t more = wish->pass_share > MANY_PASS ? 2 : 1;
    while (higher.level < wish->level + more && higher.level + 1 < LISTS_LEVELS &&
           rungs[higher.level + 1].probes > 0)
        higher.level++;
    return higher;
}

struct plan_choice plan_choose(const struct segment *segment, const struct search_request *request,
                               bool is_filtered, uint64_t passing)
{
    struct plan_choice best = {.plan = PLAN_FLAT,
                               .cost_us = plan_flat_cost(segment, request, passing)};
    const unsigned level = plan_level(request);
    const uint64_t live = segment->facts.rows - segment->facts.dead_rows;
    struct wish wish = {.request = request,
                        .level = level - 1,
                        .is_filtered = is_filtered,
                        .pass_share = live > 0 ? (double)passing / (double)live : 0.0};
    while (wish.class < LISTS_K_CLASSES && calibrate_ks[wish.class] < request->k)
        wish.class ++;
    if (level > LISTS_LEVELS || wish.class == LISTS_K_CLASSES || passing == 0)
        return best;
    struct plan_choice lists = {.cost_us = INFINITY};
    const struct wish of_lists = wish_of_lists(segment, &wish);
    try_lists(segment, &of_lists, &lists);
    if (lists.cost_us * (is_filtered ? FLAT_WORTH : 1.0) < best.cost_us)
        best = lists;
    if (!request->has_range_filter) { /* these keep the nearest, which are not wanted then */
        try_graph(segment, &wish, &lists, &best);
        try_bits(segment, &wish, &best);
    }
    return best;
}
