/* worker.h: copying and verifying the segments of a plan with a pool of threads. */
#ifndef GODWIT_MIGRATE_WORKER_H
#define GODWIT_MIGRATE_WORKER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "flow/meter.h"
#include "flow/source.h"
#include "flow/target.h"
#include "migrate/catalog.h"
#include "migrate/duplicates.h"
#include "migrate/plan.h"
#include "migrate/progress.h"
#include "migrate/verify.h"

struct worker_inputs {
    struct source *source;
    struct target *target;            /* its staging area is open, its collections are staged */
    const struct plan *plan;          /* partition_at is set */
    const struct segment_note *notes; /* of plan->segments, from an earlier run */
    const struct losers *losers;      /* may be NULL */
    struct catalog *catalog;
    int64_t job;
    size_t threads;
    struct meter *meter; /* limit and stop */
    struct migrate_progress *progress;
};

struct worker_counts {
    uint64_t found;
    uint64_t retried;
};

/* Every segment, largest first: claimed, copied, read back from both ends and compared, noted as
 * done. A copy that differs is dropped and made once more; then ERR_MISMATCH. Tallies are added to
 * the rows of `result`, whatever the order of the threads. The first error ends the run; segments
 * under way end first. */
enum err_code worker_run(const struct worker_inputs *inputs, struct verify_result *result,
                         struct worker_counts *ret_counts, struct err *err) MUST_USE;

#endif
