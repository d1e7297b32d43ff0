/* meter.h: counts what passes, slows it down to a limit, and says when to stop.
 *
 * Whoever moves rows calls meter_pass() every few MiB. Threads: any, at once. */
#ifndef GODWIT_FLOW_METER_H
#define GODWIT_FLOW_METER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct meter {
    atomic_uint_least64_t size; /* bytes passed */
    atomic_uint_least64_t rows; /* rows passed */
    const atomic_bool
        *stop;           /* set from outside (a signal): the next pass is refused; may be NULL */
    uint64_t limit_size; /* bytes a second, 0 = no limit */
    atomic_uint_least64_t due_ns; /* when the limiter lets the next byte through */
    struct meter *parent;         /* counts the same and has the say on limit and stop; or NULL */
};

void meter_init(struct meter *meter, uint64_t limit_size, const atomic_bool *stop);
/* Counts; sleeps while over the limit (in slices, so that stopping is prompt). ERR_INTERRUPTED when
 * asked to stop. meter may be NULL: then always ERR_OK. */
enum err_code meter_pass(struct meter *meter, uint64_t size, uint64_t rows,
                         struct err *err) MUST_USE;

#endif
