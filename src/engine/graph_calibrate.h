/* graph_calibrate.h: how far must a graph be walked for a recall? Measured on the segment's rows.
 *
 * Queries and true neighbours come from truth.h; queries that are rows are not linked to yet
 * (graph_base.h). Walks of growing width are tried until the highest level is reached or the
 * lists are cheaper; for each, how many of the true neighbours stand among the first so many of its
 * nodes. The cheapest pair (width, rows to score) by counts is the rung, so the same segment gives
 * the same ladder. */
#ifndef GODWIT_ENGINE_GRAPH_CALIBRATE_H
#define GODWIT_ENGINE_GRAPH_CALIBRATE_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/graph.h"
#include "engine/lists_build.h"

/* Modelled time of one query, in microseconds. */
double graph_cost(const struct graph_header *header, const struct graph_rung *rung);

/* Measures the ladder; rungs that cannot be reached become 0. Errors: ERR_NOMEM, ERR_INTERRUPTED
 * and those of reading the segment. */
enum err_code graph_calibrate(const struct lists_build_options *options, const struct graph *graph,
                              const struct lists_header *lists, struct graph_ladder *ret_ladder,
                              struct err *err) MUST_USE;

/* True when the lists serve each level at least as well, by the cost models. */
bool graph_is_needless(const struct graph_header *graph, const struct lists_header *lists);

#endif
