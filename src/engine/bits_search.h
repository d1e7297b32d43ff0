/* bits_search.h: one query in one segment by its lists of binary rows.
 *
 * Ranks the centroids and scans the nearest `probes` lists; keys are exact. With a filter as many
 * more lists as are needed to see as many passing rows as an unfiltered search sees rows: so it
 * looks far where they lie far from the query. Ties everywhere by row, so the answer does not
 * depend on threads or instruction set. */
#ifndef GODWIT_ENGINE_BITS_SEARCH_H
#define GODWIT_ENGINE_BITS_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/bits.h"
#include "engine/lists_search.h"
#include "engine/segment.h"
#include "kernel/bit.h"
#include "kernel/scan.h"

/* Working memory of one thread; grows with what it is used for. Zero-initialise. */
struct bits_scratch {
    uint16_t *bits;   /* dim: the query's set bits ... */
    size_t bit_count; /* ... and how many */
    float distance;   /* squared, from the query to the nearest centroid */
    uint8_t *words;   /* the query, padded */
    float *keys;      /* lists */
    uint64_t *order;  /* lists */
    uint64_t *pool;   /* best rows so far */
    size_t dim;
    size_t lists;
    size_t pool_size;
};
void bits_scratch_release(struct bits_scratch *scratch);

struct bits_request {
    const struct bits *bits;
    struct segment *segment;
    const struct bit_kernel *kernel;
    const struct scan *scan;
    size_t query;           /* of the scan */
    uint64_t first_ordinal; /* of the segment's row 0 */
    float most;             /* larger keys are of no interest; INFINITY: all are */
    const uint64_t *allow;  /* set bit: the row may be a hit; NULL: all */
    float passing;          /* share of the live rows that pass, above 0 */
    size_t wanted;          /* rows to offer */
    uint32_t probes[LISTS_KINDS];
};

/* Compares a query (dim / 8 bytes) with all centroids: fills scratch->bits, bit_count, words, keys
 * and distance. Errors: ERR_NOMEM. */
enum err_code bits_compare(const struct bits *bits, const struct bit_kernel *kernel,
                           const uint8_t *query, struct bits_scratch *scratch,
                           struct err *err) MUST_USE;

/* Offers the best `wanted` rows that were found. Takes the probes for the query's kind; 0
 * finds nothing (the caller's exact scan answers, search.c).
 * Errors: ERR_NOMEM; ERR_CORRUPT and ERR_IO of the segment's ids. */
enum err_code bits_search(const struct bits_request *request, struct bits_scratch *scratch,
                          struct topk *topk, struct lists_answer *ret_answer,
                          struct err *err) MUST_USE;

#endif
