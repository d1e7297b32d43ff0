/* timers.h: moments to come, the earliest first: a pairing heap whose links lie in the timers, so
 * that setting one needs no memory and cannot fail. Knows no clock: the time is handed in. One
 * thread.
 *
 * Source: Fredman, Sedgewick, Sleator, Tarjan: The pairing heap, 1986. */
#ifndef GODWIT_SERVER_TIMERS_H
#define GODWIT_SERVER_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

/* Starts as zeros but for `fire`. */
struct timer {
    void (*fire)(struct timer *timer);
    uint64_t at_ns;
    bool is_set;
    /* the heap's */
    struct timer *child;
    struct timer *next;     /* sibling */
    struct timer *previous; /* sibling, or the parent of the first one */
};

struct timers {
    struct timer *first;
    uint64_t
        fired_ns; /* all up to here have fired; what is set for earlier waits for the next call */
};

/* Sets a timer, or moves it; UINT64_MAX stops it. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t at_ns);
void timers_stop(struct timers *timers, struct timer *timer);
/* When the earliest is due; UINT64_MAX when none is set. */
uint64_t timers_next(const struct timers *timers);
/* Stops and fires all that are due at `now_ns`, one after another. A firing one may set and stop
 * any. */
void timers_fire(struct timers *timers, uint64_t now_ns);

#endif
