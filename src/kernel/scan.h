/* scan.h: exact search: every live row of a block against every query, the best into top-k.
 *
 * A key is a score turned so that smaller is better; topk.h orders by it:
 *   L2 the squared distance; IP and COSINE the negated product; HAMMING the differing bits;
 *   JACCARD and TANIMOTO the Jaccard distance (1 when both are all zero); SUBSTRUCTURE and
 *   SUPERSTRUCTURE 0. scan_score() turns keys back into the scores that Milvus 1.x returns.
 * A NaN score is never a hit, nor is a row that fails a structure metric; infinities are hits.
 *
 * One query, or few, are scored directly. From kernel->filter_min float queries on, a sieve finds
 * the pairs worth a score (sieve.h). Both ways, on every instruction set, give the same hits, bit
 * for bit, however the rows are cut into blocks.
 *
 * Life: scan_init once a search; one scan_scratch a thread; scan_block for each block of rows with
 * topks that belong to the thread; then topk_merge and topk_finish.
 * Threads: a struct scan is read-only after scan_init and may be shared. */
#ifndef GODWIT_KERNEL_SCAN_H
#define GODWIT_KERNEL_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"
#include "kernel/kernel.h"
#include "kernel/sieve.h"
#include "kernel/topk.h"

#define SCAN_QUERIES_MAX 65536

struct scan_request {
    const struct kernel *kernel;
    enum metric_type metric;
    size_t dim;          /* valid for the metric */
    const void *queries; /* query_count rows, one after another, any alignment; copied */
    size_t query_count;  /* 1..SCAN_QUERIES_MAX */
};

struct scan {
    const struct kernel *kernel;
    enum metric_type metric;
    size_t dim;
    size_t row_size; /* bytes */
    size_t query_count;
    size_t query_size; /* bytes from one padded query to the next, a multiple of 64 */
    uint8_t *queries;
    float *query_norms;   /* COSINE: canonical squared norms; else NULL */
    uint32_t *query_bits; /* binary metrics: set bits; else NULL */
    struct sieve *sieve;  /* NULL: score directly */
};

/* Some rows of a segment, in order. Row i has the ordinal first_ordinal + i and bit first_bit + i
 * of the bitmaps. */
struct scan_rows {
    const uint8_t *rows; /* row_count rows, one after another, any alignment */
    size_t row_count;    /* at most UINT32_MAX */
    const void *ids; /* row_count little-endian int64, any alignment; NULL: the ordinals are ids */
    uint64_t first_ordinal;
    const uint64_t *dead;  /* set bit: skip the row; NULL: none */
    const uint64_t *allow; /* set bit: the row may be a hit; NULL: all */
    size_t first_bit;
};

/* Working memory of one thread. */
struct scan_scratch {
    struct sieve_scratch sieve;
    size_t direct_left;  /* sieve blocks still to be scored directly ... */
    size_t direct_count; /* ... of this many: the sieve let too much pass */
};

/* Copies and prepares the queries. Errors: ERR_INVALID for a request outside its limits, ERR_NOMEM;
 * then nothing is to be released. */
enum err_code scan_init(struct scan *scan, const struct scan_request *request,
                        struct err *err) MUST_USE;
void scan_release(struct scan *scan);

enum err_code scan_scratch_init(struct scan_scratch *scratch, const struct scan *scan,
                                struct err *err) MUST_USE;
void scan_scratch_release(struct scan_scratch *scratch);

/* Offers the live rows to topks[q] of each query q. Allocates nothing and cannot fail. */
void scan_block(const struct scan *scan, const struct scan_rows *rows, struct scan_scratch *scratch,
                struct topk *topks);

/* Keys of `count` <= KERNEL_BLOCK rows, given by pointers, for query `query`: what scan_block
 * compares. NaN: not a hit. For ranking rows that an index proposed. */
void scan_keys(const struct scan *scan, size_t query, const uint8_t *const *rows, size_t count,
               float *ret_keys);

/* The score of a key, as Milvus 1.x returns it (TANIMOTO: -log2(1 - Jaccard), +inf when disjoint).
 */
float scan_score(enum metric_type metric, float key);

#endif
