/* sieve.h: for batches of float queries: which (query, row) pairs can be among the best at all.
 *
 * Rows are packed into panels and multiplied with groups of queries in registers, in whatever order
 * is fastest. The approximate product and a proven bound on its error, and on that of the canonical
 * score, decide whether the pair could still beat the query's limit; only then is the canonical
 * score computed. So the sieve changes the time, never the result. README.md has the proof.
 *
 * Rows or queries whose norm is NaN, infinite, tiny or huge always pass, since the bound does not
 * hold for them. For L2 both sides are taken relative to the mean of the queries: distances stay,
 * norms and so the error shrink. Threads: read-only once made; scratch belongs to one thread. */
#ifndef GODWIT_KERNEL_SIEVE_H
#define GODWIT_KERNEL_SIEVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metric.h"
#include "kernel/kernel.h"
#include "kernel/topk.h"

#define SIEVE_ROWS_MAX                                                                             \
    256 /* rows of a block; their panels should stay in the second-level cache                     \
         */

struct sieve {
    const struct kernel *kernel;
    enum metric_type metric; /* L2, IP or COSINE */
    size_t dim;
    size_t query_count;
    size_t group_count;
    size_t block_rows; /* rows taken at a time, a multiple of KERNEL_BLOCK */
    double error;      /* g of README.md: relative error of any of the sums involved */
    float *values;     /* all groups, one after another */
    float *centre;     /* L2: `dim` floats, or NULL */
    double *norms;     /* squared norms of the (centred) queries */
};

struct sieve_scratch {
    float *panels;
    float offset[SIEVE_ROWS_MAX];
    float slope[SIEVE_ROWS_MAX];
    const uint8_t *rows[SIEVE_ROWS_MAX]; /* the block's rows ... */
    uint32_t index[SIEVE_ROWS_MAX];      /* ... and their places among the caller's */
    size_t count;
};

/* Masks of the rows that passed, by panel, for each query of a group. */
struct sieve_passed {
    uint32_t masks[SIEVE_ROWS_MAX / 8][KERNEL_TILE_GROUP];
};

/* `queries`: padded queries, `stride` floats apart. NULL when memory ends. */
struct sieve *sieve_new(const struct kernel *kernel, enum metric_type metric, size_t dim,
                        const float *queries, size_t stride, size_t query_count) MUST_USE;
void sieve_free(struct sieve *sieve);

enum err_code sieve_scratch_init(struct sieve_scratch *scratch, const struct sieve *sieve,
                                 struct err *err) MUST_USE;
void sieve_scratch_release(struct sieve_scratch *scratch);

/* Packs scratch->rows[0 .. count). */
void sieve_pack(const struct sieve *sieve, struct sieve_scratch *scratch);

/* Runs one group of queries over the packed rows.
 *   limits  key limits (topk_limit) of the group's queries
 * Returns the number of queries in the group; the first is group * kernel->tile_group. */
size_t sieve_group(const struct sieve *sieve, const struct sieve_scratch *scratch, size_t group,
                   const float *limits, struct sieve_passed *ret_passed);

#endif
