/* graph_near.h: the nearest rows of the rows of a list, by tiles. */
#ifndef GODWIT_ENGINE_GRAPH_NEAR_H
#define GODWIT_ENGINE_GRAPH_NEAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph_base.h"

#define GRAPH_NEAR_ROWS 256 /* rows of a call, at most */
#define GRAPH_NEAR_PROBES 48
#define GRAPH_NEAR_KEPT 48
#define GRAPH_CANDIDATES (GRAPH_NEAR_KEPT + GRAPH_NEAR_PROBES)

struct graph_near {
    const struct graph_base *base;
    int8_t *queries;  /* GRAPH_NEAR_ROWS */
    float *own;       /* what keys lack to be distances */
    uint64_t *pairs;  /* (distance, node): GRAPH_NEAR_ROWS x room */
    uint64_t *best;   /* of each probed list: GRAPH_NEAR_ROWS x GRAPH_NEAR_PROBES */
    uint64_t *visits; /* (list, row) */
    size_t counts[GRAPH_NEAR_ROWS];
    size_t best_counts[GRAPH_NEAR_ROWS];
    float limits[GRAPH_NEAR_ROWS];
    uint32_t first; /* node of row 0 */
    size_t rows;
    size_t list;
};

/* Working memory of one thread. graph_near_release in every case. Errors: ERR_NOMEM. */
enum err_code graph_near_init(struct graph_near *near, const struct graph_base *base,
                              struct err *err) MUST_USE;
void graph_near_release(struct graph_near *near);

/* Finds neighbours of the nodes first .. first + rows - 1, which are of one list. */
void graph_near_find(struct graph_near *near, size_t list, uint32_t first, size_t rows);
/* The candidates of row `row` of those: (distance, node) sorted, each node once, not itself.
 * ret_pairs: GRAPH_CANDIDATES. */
size_t graph_near_take(struct graph_near *near, size_t row, uint64_t *ret_pairs);

#endif
