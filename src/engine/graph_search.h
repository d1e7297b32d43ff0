/* graph_search.h: one query in one segment by its graph.
 *
 * Enters at the nearest heads, walks, and offers the best nodes to a topk with their exact scores.
 * The answer does not depend on threads or instruction set. */
#ifndef GODWIT_ENGINE_GRAPH_SEARCH_H
#define GODWIT_ENGINE_GRAPH_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph.h"
#include "engine/segment.h"
#include "kernel/code.h"
#include "kernel/scan.h"

struct graph_request {
    const struct graph *graph;
    struct segment *segment;
    const struct code_kernel *kernel;
    const struct scan *scan;
    size_t query;           /* of the scan */
    uint64_t first_ordinal; /* of the segment's row 0 */
    float most;             /* larger exact keys are of no interest; INFINITY: all are */
    struct graph_rung rungs[GRAPH_KINDS];
    size_t k;              /* of the rungs' class */
    const uint64_t *allow; /* rows that may be hits, a bit a row of the segment; NULL: all live */
    double pass_share;     /* of live rows, where there is `allow` */
};

/* A query, ready to walk; lives as long as the scratch is not used otherwise. */
struct graph_start {
    struct graph_goal goal; /* ef, sure, spread and mask are the caller's to set */
    uint32_t entries[GRAPH_ENTRIES];
    float distance; /* of the nearest head; as in lists_compare() */
};

/* Prepares a query and finds its entries. For graph_search() and calibration. Errors: ERR_NOMEM. */
enum err_code graph_prepare(const struct graph *graph, const struct code_kernel *kernel,
                            const uint8_t *query, struct graph_scratch *scratch,
                            struct graph_start *ret_start, struct err *err) MUST_USE;

struct graph_answer {
    uint64_t rows;     /* whose codes were looked at */
    uint64_t reranked; /* rows scored exactly */
    bool is_enough;    /* as in lists_search.h */
    bool is_refused;   /* the rung of the query's kind has no ef, or far fewer rows pass near the
                          query than everywhere: nothing was offered */
};

/* How many times `ef` is what it is without a filter, where this share of the rows passes. Less
 * than 1 / share: a longer walk also finds what a shorter one misses. */
double graph_growth(double share);

/* Takes the rung for the query's kind; one without ef is no hit at all (the caller's exact scan
 * answers, search.c).
 * Errors: ERR_NOMEM; ERR_CORRUPT and ERR_IO of the segment's columns. */
enum err_code graph_search(const struct graph_request *request, struct graph_scratch *scratch,
                           struct topk *topk, struct graph_answer *ret_answer,
                           struct err *err) MUST_USE;

#endif
