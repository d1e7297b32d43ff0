/* bits_calibrate.h: how far must lists of binary rows be searched for a recall? Measured on the
 * segment's own rows.
 *
 * Sample queries and their true neighbours are those of truth.h. Distances of bits tie all the
 * time, so what counts is the score: every row that is as near as the k-th true neighbour is right.
 * For each query all rows are compared with that distance, list by list; what is found and scanned
 * up to each list of the query's ranking is summed over the queries. The fewest lists that find a
 * level's share, and a fifth of the rest for safety, are its rung. Counts decide, no clock, so the
 * same segment gives the same ladder. */
#ifndef GODWIT_ENGINE_BITS_CALIBRATE_H
#define GODWIT_ENGINE_BITS_CALIBRATE_H

#include "base/err.h"
#include "engine/bits.h"
#include "engine/lists_build.h"

/* Modelled time of one query like the rows, in microseconds. `level` counts from 0.
 *   share  of the rows that pass a filter, above 0 */
double bits_cost(const struct bits_header *header, size_t class, size_t level, double share);

/* Measures the ladder; rungs that cannot be reached become 0. Errors: ERR_NOMEM, ERR_INTERRUPTED
 * and those of reading the segment. */
enum err_code bits_calibrate(const struct lists_build_options *options, const struct bits *bits,
                             struct bits_ladder *ret_ladder, struct err *err) MUST_USE;

#endif
