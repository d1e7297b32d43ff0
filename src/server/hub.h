/* hub.h: what all parts of one server share: its options with the defaults filled in, the budget of
 * bytes in flight, counters, workers. Made by server_start(), constant afterwards except for the
 * atomics and what has a lock of its own. */
#ifndef GODWIT_SERVER_HUB_H
#define GODWIT_SERVER_HUB_H

#include <stdatomic.h>

#include "server/server.h"

struct metrics;
struct workers;
struct loop;

struct hub {
    struct server_options options; /* limits: none is 0 */
    struct metrics *metrics;
    struct workers *workers;
    struct loop *loop;            /* of the I/O thread */
    atomic_size_t in_flight_size; /* at most options.limits.in_flight_size_max, but for replies */
    atomic_size_t connections;    /* open ones, of all protocols */
    atomic_bool is_stopping;
};

/* Counts `size` bytes against the budget; false, and nothing counted, when that would pass it. */
static inline bool hub_take(struct hub *hub, size_t size)
{
    size_t used = atomic_load_explicit(&hub->in_flight_size, memory_order_relaxed);
    const size_t max = hub->options.limits.in_flight_size_max;
    do {
        if (used > max || size > max - used)
            return false;
    } while (!atomic_compare_exchange_weak(&hub->in_flight_size, &used, used + size));
    return true;
}

/* The same without asking: for what is there already. */
static inline void hub_add(struct hub *hub, size_t size)
{
    atomic_fetch_add_explicit(&hub->in_flight_size, size, memory_order_relaxed);
}

static inline void hub_give(struct hub *hub, size_t size)
{
    atomic_fetch_sub_explicit(&hub->in_flight_size, size, memory_order_relaxed);
}

/* Tells the operator one sentence. */
void hub_notice(const struct hub *hub, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
