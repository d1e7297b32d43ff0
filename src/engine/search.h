/* search.h: the k best rows of a snapshot for each query.
 *
 * Each segment is asked which plan answers (plan.h): an exact scan, or its index as far as the
 * asked level or recall needs. Scores are exact in any case, and no search finds fewer than k hits
 * while there are more (with a radius: it may miss some, as far as the recall allows). Of rows with
 * one id only the best is a hit. Order: best score first, ties by segment order, then row; so a
 * result does not depend on threads or instruction set. A row or query whose score is NaN is never
 * a hit.
 *
 * A filter says which rows may be hits, a range which scores; neither changes what is a promise of
 * recall: it is then about the rows that pass. Threads: any. */
#ifndef GODWIT_ENGINE_SEARCH_H
#define GODWIT_ENGINE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/snapshot.h"

#define SEARCH_K_MAX 16384
#define SEARCH_QUERIES_MAX ((size_t)1 << 24)
#define SEARCH_LEVEL_MAX 10    /* exact */
#define SEARCH_LEVEL_DEFAULT 3 /* recall .965 where there is an index (calibrate.h) */

struct search_request {
    const void *queries;           /* query_count rows of row_size bytes; any alignment; borrowed */
    size_t query_count;            /* 1..SEARCH_QUERIES_MAX */
    size_t dim;                    /* of the queries: must be the collection's */
    size_t k;                      /* 1..SEARCH_K_MAX */
    const char *const *partitions; /* names; NULL with count 0: all */
    size_t partition_count;
    size_t threads;  /* 0: as many as there are processors */
    unsigned level;  /* 0: default; 1 fastest .. 9; 10 exact */
    float recall;    /* 0: not asked for; else 0 < recall <= 1, wins over level */
    const char *isa; /* instruction set to force (kernel.h), NULL: the best */
    /* Filter: a bitmap for each segment of the snapshot, by its index (snapshot_segments.h); bit k
     * set: row k may be a hit. Bits past the last row and of dead rows do not matter. NULL, as a
     * whole or of one segment: all its rows. Borrowed. */
    const uint64_t *const *allow;
    /* Range of scores. Where smaller is better: range_filter <= score < radius; for IP and COSINE:
     * radius < score <= range_filter. */
    bool has_radius;
    bool has_range_filter;
    float radius;
    float range_filter;
};

struct search_stats {
    uint64_t rows;    /* flat: live and dead rows, for each query group once; lists: codes */
    uint64_t size;    /* bytes of vectors read, likewise; lists: of codes and scored vectors */
    size_t segments;  /* segments searched */
    uint64_t time_ns; /* wall clock of the whole call */
    size_t threads;   /* used */
    const char *plan; /* "flat", "lists", or "flat+lists" when segments differ */
    const char *isa;  /* kernel used: "avx512+popcnt" */
};

struct search_result {
    int64_t *ids;  /* query_count x k; row q holds counts[q] hits, the rest is undefined */
    float *scores; /* the same shape; as Milvus 1.x returns them (L2 squared) */
    size_t *counts;
    /* The same shape as ids: where each hit is. */
    uint32_t *partitions; /* index into facts->partitions */
    uint32_t *segments;   /* index into the snapshot's segments */
    uint64_t *rows;       /* of the segment */
    size_t query_count;
    size_t k;
    struct search_stats stats;
};

/* Errors: ERR_INVALID (dim, k, counts, level, range), ERR_NO_PARTITION, ERR_CORRUPT naming file and
 * offset, ERR_NOMEM, ERR_CONFIG or ERR_UNSUPPORTED for isa. `ret_result` is untouched on failure.
 */
enum err_code search_run(struct snapshot *snapshot, const struct search_request *request,
                         struct search_result *ret_result, struct err *err) MUST_USE;
void search_result_release(struct search_result *result); /* zeroed accepted */

#endif
