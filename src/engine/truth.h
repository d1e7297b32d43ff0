/* truth.h: sample queries of a segment and their true nearest rows, for calibration.
 *
 * Up to 256 live rows serve as queries, themselves and their twins left out of the answers: where
 * rows repeat they would make the query look easier than others are. Real queries may be of another
 * kind than the rows, so 128 more take each component (8 bits) from another row: they keep the
 * spread of every dimension and nothing else. Answers come from an exact scan; a segment always
 * gives the same. */
#ifndef GODWIT_ENGINE_TRUTH_H
#define GODWIT_ENGINE_TRUTH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/lists_build.h"
#include "kernel/scan.h"

#define TRUTH_NEAR ((size_t)256)
#define TRUTH_FAR ((size_t)128)
#define TRUTH_QUERIES (TRUTH_NEAR + TRUTH_FAR)
#define TRUTH_NO_ROW UINT32_MAX

/* Queries are every so many places; the first one is half a step from the beginning. */
static inline uint64_t truth_step(uint64_t place_count)
{
    return place_count / (TRUTH_NEAR + 1) + 1;
}

struct truth {
    size_t wanted;                      /* neighbours of each query */
    size_t near_count;                  /* queries that are rows; they come first */
    size_t query_count;                 /* 0: no live row */
    uint8_t *queries;                   /* query_count rows */
    uint32_t query_rows[TRUTH_QUERIES]; /* TRUTH_NO_ROW: of no row */
    uint32_t *rows;                     /* query_count x wanted, nearest first */
    size_t *counts;                     /* neighbours found, at most `wanted` */
    struct scan scan;                   /* over the queries */
};

/* Draws queries and finds their neighbours.
 *   places  numbers of rows in any order that is spread over the data; what is not below the
 *           segment's rows is no row
 * truth_release in every case. Errors: ERR_NOMEM, ERR_INTERRUPTED. */
enum err_code truth_make(const struct lists_build_options *options, const uint32_t *places,
                         uint64_t place_count, size_t wanted, struct truth *truth,
                         struct err *err) MUST_USE;
void truth_release(struct truth *truth); /* zeroed accepted */

#endif
