/* graph_prune.h: which of many near rows become links.
 *
 * Candidates are taken from the nearest on. One that is nearer to a link taken before than
 * to the row itself is occluded: it will be found from there. So links point in all directions
 * instead of into the nearest heap. Of rows at distance 0 from each other only a few are linked. */
#ifndef GODWIT_ENGINE_GRAPH_PRUNE_H
#define GODWIT_ENGINE_GRAPH_PRUNE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/graph_base.h"

/* Working memory of one thread. */
struct graph_pruner {
    const struct graph_base *base;
    size_t degree;
    int8_t *query;
    uint64_t kept[GRAPH_DEGREE_MAX];
    size_t kept_count;
    uint32_t ids[GRAPH_DEGREE_MAX]; /* of kept */
    float keys[512];
};

enum err_code graph_pruner_init(struct graph_pruner *pruner, const struct graph_base *base,
                                size_t degree, struct err *err) MUST_USE;
void graph_pruner_release(struct graph_pruner *pruner);

/* (distance, node) of up to 508 nodes, sorted, each once; `node` itself left out. */
size_t graph_pruner_sort(struct graph_pruner *pruner, uint32_t node, const uint32_t *ids,
                         size_t count, uint64_t *ret_pairs);
/* Chooses up to `degree` of sorted candidates into pruner->kept; returns how many. */
size_t graph_prune(struct graph_pruner *pruner, const uint64_t *pairs, size_t count);
/* The same, and fills up with the nearest of the others. */
size_t graph_prune_full(struct graph_pruner *pruner, const uint64_t *pairs, size_t count);

#endif
