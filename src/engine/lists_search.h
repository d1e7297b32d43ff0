/* lists_search.h: one query in one segment by its lists.
 *
 * Ranks the centroids, scans the codes of the nearest `probes` lists, keeps the `rerank` rows with
 * the smallest keys, and offers those to a topk with their exact scores. Ties everywhere by number,
 * so the answer does not depend on threads or instruction set. */
#ifndef GODWIT_ENGINE_LISTS_SEARCH_H
#define GODWIT_ENGINE_LISTS_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/lists.h"
#include "engine/segment.h"
#include "kernel/code.h"
#include "kernel/scan.h"

/* Working memory of one thread; grows with what it is used for. Zero-initialise. */
struct lists_scratch {
    float *values;   /* space */
    int8_t *bytes;   /* space padded to whole lines */
    uint64_t *order; /* lists */
    uint64_t *pool;  /* best rows so far */
    size_t space;
    size_t lists;
    size_t pool_size;
};
void lists_scratch_release(struct lists_scratch *scratch);

struct lists_request {
    const struct lists *lists;
    struct segment *segment;
    const struct code_kernel *kernel;
    const struct scan *scan;
    size_t query;           /* of the scan */
    uint64_t first_ordinal; /* of the segment's row 0 */
    float most;             /* larger exact keys are of no interest; INFINITY: all are */
    struct lists_rung rungs[LISTS_KINDS];
};

/* Compares a query with all centroids: scratch->order holds all lists, in no order yet.
 *   ret_distance  how far the nearest centroid is: squared, in steps of a row's bytes; for IP the
 *                 negated product with a query of length 1
 * Errors: ERR_NOMEM. */
enum err_code lists_compare(const struct lists *lists, const struct code_kernel *kernel,
                            const uint8_t *query, struct lists_scratch *scratch,
                            float *ret_distance, struct err *err) MUST_USE;
/* Brings the nearest `probes` lists to the front of scratch->order, sorted. */
void lists_rank(const struct lists *lists, size_t probes, struct lists_scratch *scratch);
/* Prepares scratch->bytes for scan4; returns the scale. Comes after lists_compare for the same
 * query.
 */
float lists_prepare_scan(const struct lists *lists, struct lists_scratch *scratch);

struct lists_answer {
    uint64_t rows;     /* whose codes were looked at */
    uint64_t reranked; /* rows scored exactly */
    bool is_enough;    /* a row beyond `most` was scored, or all rows were: there is no more to find
                          than was asked for */
};

/* Takes the rung for the query's kind; one without probes is no hit at all (the caller's exact scan
 * answers, search.c).
 * Errors: ERR_NOMEM; ERR_CORRUPT and ERR_IO of the segment's columns. */
enum err_code lists_search(const struct lists_request *request, struct lists_scratch *scratch,
                           struct topk *topk, struct lists_answer *ret_answer,
                           struct err *err) MUST_USE;

#endif
