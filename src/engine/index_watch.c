/* index_watch.c: see index_watch.h. */
#include "engine/index_watch.h"

#include "base/clock.h"

#define ETA_AFTER_NS 1000000000.0 /* before, nothing is known of the speed */

void index_watch_init(struct index_watch *watch, const atomic_bool *stop)
{
    meter_init(&watch->meter, 0, stop);
    watch->started_us = clock_now_us();
    watch->started_ns = clock_monotonic_ns();
    atomic_init(&watch->work_total, 0);
    atomic_init(&watch->rows_total, 0);
    atomic_init(&watch->segments_total, 0);
    atomic_init(&watch->segments_done, 0);
    atomic_init(&watch->folder, 0);
    atomic_init(&watch->number, 0);
    atomic_init(&watch->is_under_way, false);
}

void index_watch_get(const struct index_watch *watch, struct index_progress *ret_progress)
{
    const uint64_t total = atomic_load(&watch->work_total);
    const uint64_t done = atomic_load(&watch->meter.rows);
    struct index_progress p = {.rows_total = atomic_load(&watch->rows_total),
                               .segments_total = atomic_load(&watch->segments_total),
                               .segments_done = atomic_load(&watch->segments_done)};
    if (total > 0)
        p.done = done < total ? (double)done / (double)total : 1.0;
    p.rows_done = (uint64_t)(p.done * (double)p.rows_total);
    const double passed_ns = (double)(clock_monotonic_ns() - watch->started_ns);
    p.has_eta = p.done > 0.0 && passed_ns >= ETA_AFTER_NS;
    if (p.has_eta)
        p.eta_s = (uint64_t)(passed_ns * (1.0 - p.done) / p.done / 1e9 + 0.5);
    *ret_progress = p;
}
