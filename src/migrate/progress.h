/* progress.h: what a running migration or comparison has done so far, for a thread that shows it.
 *
 * One thread (migrate_run, verify_run and their workers) writes, any other reads at any time; no
 * locks, the numbers are atomic. The collections are listed once, when the plan stands. */
#ifndef GODWIT_MIGRATE_PROGRESS_H
#define GODWIT_MIGRATE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum progress_phase {
    PROGRESS_PLANNING,   /* looking at source, target and earlier jobs */
    PROGRESS_IDS,        /* looking for duplicate ids */
    PROGRESS_COPYING,    /* copying segments and reading them back */
    PROGRESS_PUBLISHING, /* making the result visible */
    PROGRESS_COMPARING,  /* verify: sums over both sides */
    PROGRESS_SEARCHING,  /* verify: which rows differ */
    PROGRESS_ENDED
};

/* Numbers of one collection or of all of them. Bytes are those of ids and vectors. */
struct progress_numbers {
    uint64_t rows_total;
    uint64_t rows_copied;
    uint64_t rows_verified;
    uint64_t size_total;
    uint64_t size_copied;
    uint64_t size_verified; /* size_copied + size_verified of 2 * size_total is the part done */
    uint64_t size_found;    /* of size_copied: was there from an earlier run, so it cost no time */
    uint64_t segments_total;
    uint64_t segments_done;
};

struct progress_view {
    enum progress_phase phase;
    int64_t job;         /* 0 until there is one */
    uint64_t started_ns; /* clock_monotonic_ns() when the phase COPYING or COMPARING began; 0
                            before */
    size_t collection_count;
    struct progress_numbers all;
};

struct progress_collection {
    const char *name; /* as it will be called in the target; lives as long as the progress */
    struct progress_numbers numbers;
};

struct migrate_progress;

/* Has no storage of the caller's: the writer may outlive a reader's interest. NULL on no memory. */
struct migrate_progress *migrate_progress_new(void) MUST_USE;
void migrate_progress_free(struct migrate_progress *progress); /* NULL accepted */
/* Threads: any. */
void migrate_progress_get(const struct migrate_progress *progress, struct progress_view *ret_view);
/* index < collection_count of an earlier view. Threads: any. */
void migrate_progress_get_collection(const struct migrate_progress *progress, size_t index,
                                     struct progress_collection *ret_collection);
/* "planning", "checking ids", "copying", ... */
const char *progress_phase_name(enum progress_phase phase);

#endif
