/* index_watch.h: how far a build of indexes is, for whoever shows it.
 *
 * The builder writes, anybody reads at any time; the numbers are atomic. Work is counted in rows
 * times the passes that a build makes over them (INDEX_PASSES), so a pass that takes longer should
 * count more often. */
#ifndef GODWIT_ENGINE_INDEX_WATCH_H
#define GODWIT_ENGINE_INDEX_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flow/meter.h"

struct index_watch {
    struct meter meter; /* its rows are the work done; its stop flag ends the build */
    int64_t started_us;
    uint64_t started_ns;
    atomic_uint_least64_t work_total;
    atomic_uint_least64_t rows_total; /* of the segments to build */
    atomic_uint_least64_t segments_total;
    atomic_uint_least64_t segments_done;
    atomic_uint_least64_t folder; /* of the segment under way */
    atomic_uint_least64_t number;
    atomic_bool is_under_way; /* the two are set */
};

/* One moment of it. */
struct index_progress {
    double done; /* share of the work, 0 to 1 */
    uint64_t rows_total;
    uint64_t rows_done; /* the same share of the rows */
    uint64_t segments_total;
    uint64_t segments_done;
    bool has_eta;
    uint64_t eta_s;
};

void index_watch_init(struct index_watch *watch, const atomic_bool *stop);
void index_watch_get(const struct index_watch *watch, struct index_progress *ret_progress);

#endif
