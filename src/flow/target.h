/* target.h: where entities go.
 *
 * A job writes into a *staging area* that no reader of the target sees; publishing makes all of it
 * visible in one atomic step, and only then. The area is found again by the job's token, so a job
 * that was killed continues with what is there. Every operation is idempotent: doing it again after
 * a crash gives the same result. Threads: put_segment and open_staged may run on many threads at
 * once, everything else on one. */
#ifndef GODWIT_FLOW_TARGET_H
#define GODWIT_FLOW_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/meter.h"
#include "flow/source.h"

enum if_exists {
    IF_EXISTS_FAIL,   /* default: a collection of that name in the target is refused */
    IF_EXISTS_APPEND, /* same metric and dimension required; rows are added */
    IF_EXISTS_REPLACE /* the old one disappears in the same step in which the new one appears */
};

/* What a staged collection is. `name` is the target's name (after --rename). */
struct staged_collection {
    const char *name;
    const struct source_collection *source; /* metric, dim, partitions, index facts */
    enum if_exists if_exists;
};

/* One segment on its way. */
struct staged_segment {
    const char *collection; /* the target's name */
    const char *partition;  /* tag, verbatim */
    const struct source_segment *source;
    struct segment_reader *reader; /* at its start; the target may use batches or extents */
    const uint64_t
        *dead; /* rows not to migrate: the reader's dead rows and the mover's own; or NULL */
    uint64_t live_rows; /* rows to migrate */
};

struct target;
struct target_ops {
    /* Which of the names exist as published collections, with metric and dimension. found false:
     * ret unchanged. */
    enum err_code (*find_collection)(struct target *target, const char *name, bool *ret_found,
                                     enum metric_type *ret_metric, size_t *ret_dim,
                                     struct err *err);
    /* Bytes that the target will need for these many live rows of this size. 0 = nothing local is
     * needed. */
    uint64_t (*estimate)(const struct target *target, const struct source_collection *collection);
    /* Opens the job's staging area or makes it; once before the three below. The area of a token
     * that was published already is a new, empty one; publishing an empty area changes nothing (a
     * job that died between publishing and its own note of it does both again). */
    enum err_code (*stage_begin)(struct target *target, const char *token, struct err *err);
    enum err_code (*stage_collection)(struct target *target,
                                      const struct staged_collection *collection, struct err *err);
    /* Durable when it returns. A segment of that source name which is already staged completely is
     * left alone. */
    enum err_code (*put_segment)(struct target *target, const struct staged_segment *segment,
                                 struct meter *meter, struct err *err);
    /* Reads a staged segment back from what is stored. ERR_NOT_FOUND when it is not (completely)
     * there. */
    enum err_code (*open_staged)(struct target *target, const char *collection,
                                 const char *segment_name, struct segment_reader **ret_reader,
                                 struct err *err);
    /* Forgets one staged segment, so that it is written anew (after a failed verification). */
    enum err_code (*drop_staged)(struct target *target, const char *collection,
                                 const char *segment_name, struct err *err);
    enum err_code (*publish)(struct target *target, struct err *err);
    /* Removes the staging area of a token and everything in it. */
    enum err_code (*discard)(struct target *target, const char *token, struct err *err);
    /* The published content as a source, for `verify`. Close it with source_close. */
    enum err_code (*as_source)(struct target *target, struct source **ret_source, struct err *err);
    void (*close)(struct target *target);
};

/* Base of every target; implementations embed it as their first member. */
struct target {
    const struct target_ops *ops;
    const char *location;
    const char *work_folder;  /* where the job catalog lives; local */
    const char *catalog_path; /* the SQLite file for job tables */
};

#endif
