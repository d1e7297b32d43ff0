/* meter.c: see meter.h. The limiter is a clock of permits: each byte moves `due_ns` on by its share
 * of a second; who comes before its time sleeps. */
#include "flow/meter.h"

#include <stddef.h>

#include "base/clock.h"

#define SLEEP_SLICE_NS 50000000U

void meter_init(struct meter *meter, uint64_t limit_size, const atomic_bool *stop)
{
    atomic_init(&meter->size, 0);
    atomic_init(&meter->rows, 0);
    atomic_init(&meter->due_ns, 0);
    meter->stop = stop;
    meter->limit_size = limit_size;
    meter->parent = NULL;
}

static bool must_stop(const struct meter *meter)
{
    return meter->stop != NULL && atomic_load(meter->stop);
}

/* Takes the permits of `size` bytes; returns when they are due. */
static uint64_t take_permits(struct meter *meter, uint64_t size)
{
    const uint64_t cost_ns = (uint64_t)((double)size * 1e9 / (double)meter->limit_size);
    const uint64_t now = clock_monotonic_ns();
    uint64_t due = atomic_load(&meter->due_ns);
    uint64_t next;
    do {
        next = (due > now ? due : now) + cost_ns;
    } while (!atomic_compare_exchange_weak(&meter->due_ns, &due, next));
    return next;
}

enum err_code meter_pass(struct meter *meter, uint64_t size, uint64_t rows, struct err *err)
{
    if (meter == NULL)
        return ERR_OK;
    atomic_fetch_add(&meter->size, size);
    atomic_fetch_add(&meter->rows, rows);
    if (meter->parent != NULL)
        return meter_pass(meter->parent, size, rows, err);
    const uint64_t due = meter->limit_size > 0 ? take_permits(meter, size) : 0;
    for (;;) {
        if (must_stop(meter))
            return err_set(err, ERR_INTERRUPTED, "stopped; run the same command again to continue");
        const uint64_t now = clock_monotonic_ns();
        if (now >= due)
            return ERR_OK;
        const uint64_t wait = due - now;
        clock_sleep_ns(wait < SLEEP_SLICE_NS ? wait : SLEEP_SLICE_NS);
    }
}
