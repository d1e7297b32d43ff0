/* plan.h: which plan answers a search in a segment? The seam for approximate indexes.
 *
 * FLAT looks at every row. LISTS looks where the segment's index says, as far as its ladder wants
 * for the asked recall, GRAPH walks as far as its ladder wants. The cheapest by the cost models is
 * taken; an index that is missing, damaged, or not good enough for the recall is not, so an answer
 * is never worse than asked for. Another plan adds its name here, a case in plan_choose(), and a
 * case where search.c runs plans; nothing else knows which one it was. */
#ifndef GODWIT_ENGINE_PLAN_H
#define GODWIT_ENGINE_PLAN_H

#include "engine/graph_format.h"
#include "engine/lists_format.h"
#include "engine/search.h"
#include "engine/segment.h"

enum plan {
    PLAN_FLAT,  /* exact: every live row is scored */
    PLAN_LISTS, /* the nearest k-means lists, then exact scores */
    PLAN_GRAPH, /* a walk to the nearest rows, then exact scores */
    PLAN_BITS,  /* lists of binary rows */
    PLAN_COUNT
};

struct plan_choice {
    enum plan plan;
    struct lists_rung rungs[LISTS_LADDERS]; /* LISTS: how far to look */
    unsigned level;                         /* LISTS: 1..9 */
    struct graph_rung walks[GRAPH_KINDS];   /* GRAPH: how far to walk */
    size_t k;                               /* GRAPH: of the walks' class */
    uint32_t probes[LISTS_KINDS];           /* BITS: how far to look */
    double pass_share;                      /* filtered: of the live rows; else 1 */
    double cost_us;                         /* of one query like the rows, modelled */
};

const char *plan_name(enum plan plan);

/* The level that a request comes down to: 1..9, or SEARCH_LEVEL_MAX for exact. */
unsigned plan_level(const struct search_request *request);

/* Modelled microseconds of an exact scan of the rows that pass. */
double plan_flat_cost(const struct segment *segment, const struct search_request *request,
                      uint64_t passing);

/* The plan for one segment. Reads the whole index the first time (lists.h).
 *   passing  live rows that the filter lets through, if there is one */
struct plan_choice plan_choose(const struct segment *segment, const struct search_request *request,
                               bool is_filtered, uint64_t passing);

#endif
