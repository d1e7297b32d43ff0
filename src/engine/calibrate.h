/* calibrate.h: how far must lists be searched for a recall? Measured on the segment's own rows.
 *
 * 256 live rows serve as queries, themselves left out of the answers. Their true neighbours come
 * from an exact scan. For each true neighbour two numbers are found: the place of its list in the
 * query's ranking, and how many scanned codes look nearer than it. A pair (probes, rerank) finds
 * what is below both; the cheapest pair that finds the target's share, and a fifth of the rest
 * for safety, is the rung. Counts decide, no clock, so the same segment gives the same ladder.
 *
 * Real queries may be of another kind than the rows. 128 more queries take each component from
 * another row, so they keep the spread of every dimension and nothing else; their ladder serves
 * queries that are further from the nearest centroid than 90 % of the rows are. */
#ifndef GODWIT_ENGINE_CALIBRATE_H
#define GODWIT_ENGINE_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/lists.h"
#include "engine/lists_build.h"

/* k of the ladder's classes: a class serves all k up to it. */
extern const size_t calibrate_ks[LISTS_K_CLASSES];
/* The recall that each level promises, [0] is level 1. */
extern const float calibrate_targets[LISTS_LEVELS];

/* What one query does. */
struct calibrate_work {
    double probes; /* lists opened */
    size_t rerank;
    bool is_filtered;
    double share; /* of the rows that pass a filter; 1 without one */
};

/* Its modelled time in microseconds. */
double calibrate_cost(const struct lists_header *header, const struct calibrate_work *work);

/* Measures the ladder; rungs that cannot be reached become 0. Errors: ERR_NOMEM, ERR_INTERRUPTED
 * and those of reading the segment. */
enum err_code calibrate(const struct lists_build_options *options, const struct lists *lists,
                        struct lists_ladder *ret_ladder, struct err *err) MUST_USE;

#endif
