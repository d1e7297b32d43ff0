/* search_internal.h: a search on its way, shared by the files that make it.
 *
 *   search.c         checks, runs passes of queries, collects, completes
 *   search_cut.c     partitions, plans, tasks
 *   search_task.c    runs one task of any plan
 *   search_trace.c   what a query did
 *   search_bounds.c  ranges of scores as ranges of keys
 * A new plan adds its kind of task in search_cut.c and runs it in search_task.c. */
#ifndef GODWIT_ENGINE_SEARCH_INTERNAL_H
#define GODWIT_ENGINE_SEARCH_INTERNAL_H

#include <stdatomic.h>

#include "engine/bits_search.h"
#include "engine/graph_search.h"
#include "engine/lists_search.h"
#include "engine/plan.h"
#include "engine/search.h"
#include "engine/search_bounds.h"
#include "engine/search_trace.h"
#include "engine/snapshot_internal.h"
#include "kernel/scan.h"

#define SEARCH_INDEX_K_MAX 1000 /* largest class of k (calibrate.c) */
#define SEARCH_TASK_QUERIES 16  /* queries of a task of an index */

/* Some rows for all queries of a pass, or some queries of a pass by an index. */
struct search_task {
    size_t segment;
    struct plan_choice choice;
    uint64_t first_row;
    size_t rows;
    size_t first_query;
};

/* What is wanted of a segment, and how it is looked at. */
struct search_part {
    bool is_wanted;
    uint64_t passing; /* live rows that the filter lets through */
    struct plan_choice choice;
};

/* What an index says of its own answer to a query. */
enum search_doubt {
    SEARCH_SURE,
    SEARCH_SHORT, /* there may be more hits, if fewer than k were found */
    SEARCH_LOST   /* it could not answer at all */
};

struct search {
    struct snapshot *snapshot;
    const struct search_request *request;
    struct search_trace *trace; /* NULL: not wanted; else there is one thread and one query */
    const struct kernel *kernel;
    struct search_bounds bounds;
    size_t threads;
    struct search_part *parts; /* of each segment */
    struct search_task *tasks;
    size_t task_count;
    size_t task_capacity;
    uint64_t rows;    /* in tasks that scan rows */
    uint64_t passing; /* of all parts */
    size_t segments;
    size_t plan_counts[PLAN_COUNT]; /* segments that are searched by each */
    double cost_us;                 /* of all queries */
    _Atomic unsigned char *doubts;  /* of each query: an enum search_doubt */
    atomic_uint_least64_t coded_rows;
    atomic_uint_least64_t coded_size;
};

/* One group of queries on its way. */
struct search_pass {
    struct search *search;
    struct scan scan;
    const struct code_kernel *code_kernel;
    const struct bit_kernel *bit_kernel;
    size_t first_query; /* of the search */
    size_t query_count;
    struct topk *topks; /* threads x query_count */
    size_t topk_count;  /* made so far */
    atomic_size_t next_task;
};

/* Working memory of one thread. Zero-initialise, but for `scan`. */
struct search_scratch {
    struct scan_scratch scan;
    struct lists_scratch lists;
    struct graph_scratch graph;
    struct bits_scratch bits;
};

/* The worst doubt of all segments stays. */
static inline void search_doubt(struct search *search, size_t query, enum search_doubt doubt)
{
    unsigned char before = atomic_load(&search->doubts[query]);
    while (before < (unsigned char)doubt &&
           !atomic_compare_exchange_weak(&search->doubts[query], &before, (unsigned char)doubt))
        continue;
}

/* The filter of a segment; NULL: all rows. */
static inline const uint64_t *search_allow(const struct search *search, size_t segment)
{
    return search->request->allow != NULL ? search->request->allow[segment] : NULL;
}

/* Chooses partitions and plans: fills search->parts, which the caller frees. Errors:
 * ERR_NO_PARTITION, ERR_NOMEM. */
enum err_code search_choose_plans(struct search *search, struct err *err) MUST_USE;
/* Fills search->tasks for passes of at most `group` queries; the caller frees them. */
enum err_code search_make_tasks(struct search *search, size_t group, struct err *err) MUST_USE;

/* Fills a trace with the wanted parts. Errors: ERR_NOMEM. */
enum err_code search_trace_parts(const struct search *search, struct search_trace *trace,
                                 struct err *err) MUST_USE;
struct search_trace_part *search_trace_part(struct search_trace *trace, size_t segment);

/* Runs one task: offers its rows to topks[q] of each query q of the pass. Errors: ERR_CORRUPT,
 * ERR_IO, ERR_NOMEM. */
enum err_code search_run_task(struct search_pass *pass, const struct search_task *task,
                              struct search_scratch *scratch, struct topk *topks,
                              struct err *err) MUST_USE;

#endif
