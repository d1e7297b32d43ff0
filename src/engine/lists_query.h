/* lists_query.h: one query before a segment's lists: which list is how near.
 *
 * Lists are opened in order of their centroids' distance, in rounds. Between rounds the *gap*
 * decides whether it goes on: the squared distance of the next centroid less that of the worst row
 * that is still wanted. It only grows: centroids get further, the worst wanted row nearer. A row
 * lies about as much further from the query than its centroid in all lists alike, so one gap, the
 * rung's `reach`, serves easy and hard queries, and filtered ones, whose wanted rows are further
 * away (calibrate.h). */
#ifndef GODWIT_ENGINE_LISTS_QUERY_H
#define GODWIT_ENGINE_LISTS_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/lists.h"
#include "kernel/code.h"

/* Working memory of one thread; grows with what it is used for. Zero-initialise. */
struct lists_scratch {
    float *values;   /* space */
    int8_t *bytes;   /* space padded to whole lines */
    uint64_t *order; /* lists: (key, list) */
    uint64_t *pool;  /* best rows so far */
    float *exact;    /* exact keys of them */
    size_t space;
    size_t lists;
    size_t pool_size;
    /* Of the query that was compared last: */
    size_t ranked;     /* lists at the front of `order` that are the nearest, in order */
    size_t near;       /* lists at the front that are nearer than all others; at least `ranked` */
    float distance;    /* of the nearest centroid: squared, in steps of a row's bytes; for IP the
                          negated product with a query of length 1 */
    float list_unit;   /* squared distance of a centroid: list_unit * (key + list_offset) */
    float list_offset; /* for IP: twice the negated product */
    float row_offset;  /* of a row by its code: key + row_offset */
    float scale;       /* of scan4 */
    float length;      /* IP: of the query; else 1 */
};
void lists_scratch_release(struct lists_scratch *scratch);

/* Makes room for a pool; what was in it is lost. Errors: ERR_NOMEM. */
enum err_code lists_scratch_fit(struct lists_scratch *scratch, const struct lists *lists,
                                size_t pool_size, struct err *err) MUST_USE;

/* Compares a query with all centroids. Errors: ERR_NOMEM. */
enum err_code lists_compare(const struct lists *lists, const struct code_kernel *kernel,
                            const uint8_t *query, struct lists_scratch *scratch,
                            struct err *err) MUST_USE;
/* Prepares scratch->bytes and ->scale for scan4; comes once after lists_compare. */
void lists_prepare_scan(const struct lists *lists, struct lists_scratch *scratch);

/* Keys of some groups of codes for the prepared query; masks as in scan4 (kernel/code.h). */
static inline void lists_scan(const struct code_kernel *kernel, const struct code_groups *groups,
                              const struct lists_scratch *scratch, float limit, float *ret_keys,
                              uint16_t *ret_masks)
{
    kernel->scan4(groups, scratch->bytes, scratch->scale, limit, ret_keys, ret_masks);
}

/* Brings at least the nearest `count` lists to the front of scratch->order, in order. */
void lists_rank(const struct lists *lists, size_t count, struct lists_scratch *scratch);

/* Lists of the round that begins when `seen` were opened. */
static inline size_t lists_round(size_t seen)
{
    return seen < 8 ? 1 : seen / 8;
}

/* Between the next list and the worst row that is wanted (INFINITY: there are too few yet). */
static inline float lists_gap(const struct lists_scratch *scratch, float list_key, float row_key)
{
    const float list = scratch->list_unit * (list_key + scratch->list_offset);
    const float row = row_key + scratch->row_offset;
    return (list - row) / scratch->length;
}

#endif
