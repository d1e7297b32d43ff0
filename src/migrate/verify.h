/* verify.h: are two sources equal, row by row?
 *
 * Per collection and partition: number of live rows and the sum modulo 2^128 of a hash over (id,
 * bytes of the vector) of each, so neither order nor segmentation matters. Where the sums differ,
 * the differing ids are found by reading again. Nothing a job noted is used.
 * The comparison is symmetrical but for its words: `a` is the source, `b` the target. */
#ifndef GODWIT_MIGRATE_VERIFY_H
#define GODWIT_MIGRATE_VERIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/metric.h"
#include "flow/source.h"
#include "migrate/progress.h"
#include "migrate/selection.h"

#define VERIFY_IDS_TEXT 20   /* ids of each kind that people are shown */
#define VERIFY_IDS_MAX 1000U /* ids of each kind that are kept */

/* Live rows and the sum of their hash_row(). */
struct tally {
    uint64_t rows;
    uint64_t non_finite; /* of them: rows with a NaN or an infinity; of the source only */
    struct hash128 sum;
};

static inline struct tally tally_add(struct tally a, struct tally b)
{
    return (struct tally){.rows = a.rows + b.rows,
                          .non_finite = a.non_finite + b.non_finite,
                          .sum = hash128_add(a.sum, b.sum)};
}

static inline bool tally_equal(const struct tally *a, const struct tally *b)
{
    return a->rows == b->rows && a->sum.low == b->sum.low && a->sum.high == b->sum.high;
}

/* The smallest ids of one kind of difference, ascending; an id stands once for each row. */
struct id_list {
    uint64_t count; /* all of them, also those not kept */
    int64_t *ids;   /* NULL when count is 0 */
    size_t kept;    /* at most VERIFY_IDS_MAX */
};

enum presence { PRESENT_IN_BOTH, PRESENT_IN_SOURCE, PRESENT_IN_TARGET };

struct compared_partition {
    const char *tag;
    enum presence presence;
    struct tally source;
    struct tally target;
    bool is_equal;
    bool is_partial; /* ids could not all be told apart (one id in millions of rows): the lists
                        below are lower bounds */
    struct id_list missing; /* in the source only */
    struct id_list extra;   /* in the target only */
    struct id_list changed; /* in both, with another vector */
};

struct compared_collection {
    const char *name;        /* in the source */
    const char *target_name; /* in the target */
    enum presence presence;
    enum metric_type source_metric;
    enum metric_type target_metric;
    size_t source_dim;
    size_t target_dim;
    bool is_equal;
    struct compared_partition *partitions; /* the source's, then those of the target only */
    size_t partition_count;
    uint64_t source_rows; /* live rows, less those that `duplicates` drops */
    uint64_t target_rows;
    uint64_t deleted_rows;
    uint64_t log_rows;
    uint64_t duplicate_rows;
    uint64_t dropped_rows;    /* by --duplicates first */
    uint64_t left_out_rows;   /* of damaged segments */
    uint64_t non_finite_rows; /* live rows of the source with NaN or infinite components */
    uint64_t size;            /* bytes of ids and vectors in the source */
    uint64_t segments;
};

struct verify_result {
    struct compared_collection *collections; /* the source's order, then those of the target only */
    size_t collection_count;
    bool is_equal;
    uint64_t source_rows;
    uint64_t target_rows;
    uint64_t non_finite_rows; /* in the source; not part of the verdict */
    uint64_t size;
    uint64_t segments;
    uint64_t left_out_segments;   /* damaged, in the source */
    uint64_t unreadable_segments; /* in the target: a difference */
    const char *unreadable;       /* why, of the first one; "" when none */
    uint64_t elapsed_ns;
    struct arena arena; /* private: everything above lives in it */
};

struct verify_options {
    const struct selection *selection; /* of the source; NULL: everything */
    size_t threads;                    /* 0: one a processor */
    const atomic_bool *stop;           /* may be NULL; ERR_INTERRUPTED once it is true */
};

/* Compares. `progress` may be NULL. `ret_result` is filled also with ERR_MISMATCH and ERR_LEFT_OUT,
 * otherwise it is empty; verify_result_release() in every case.
 * Errors: ERR_MISMATCH (the sentence counts what differs) · ERR_CORRUPT when the source has damaged
 * segments and they may not be skipped, ERR_LEFT_OUT when they were skipped and the rest is equal ·
 * ERR_USAGE for a wrong selection · ERR_UNSUPPORTED for a refused source · ERR_INTERRUPTED ·
 * whatever reading gives. Memory: under 160 MiB at any size. */
enum err_code verify_run(struct source *a, struct source *b, const struct verify_options *options,
                         struct migrate_progress *progress, struct verify_result *ret_result,
                         struct err *err) MUST_USE;
void verify_result_release(struct verify_result *result);

#endif
