/* timers.c: see timers.h. */
#include "server/timers.h"

#include <stddef.h>

/* Two heaps into one: the later root becomes the first child of the earlier one. */
static struct timer *merge(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (b->at_ns < a->at_ns) {
        struct timer *other = a;
        a = b;
        b = other;
    }
    b->next = a->child;
    if (a->child != NULL)
        a->child->previous = b;
    b->previous = a;
    a->child = b;
    return a;
}

/* Brothers into one heap: in pairs from left to right, then all pairs from right to left. */
static struct timer *merge_all(struct timer *first)
{
    struct timer *pairs = NULL;
    while (first != NULL) {
        struct timer *a = first;
        struct timer *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = NULL;
        a->previous = NULL;
        if (b != NULL) {
            b->next = NULL;
            b->previous = NULL;
        }
        struct timer *pair = merge(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *whole = NULL;
    while (pairs != NULL) {
        struct timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        whole = merge(whole, pair);
    }
    return whole;
}

void timers_stop(struct timers *timers, struct timer *timer)
{
    if (!timer->is_set)
        return;
    struct timer *children = merge_all(timer->child);
    if (timer == timers->first) {
        timers->first = children;
    } else {
        if (timer->previous->child == timer)
            timer->previous->child = timer->next;
        else
            timer->previous->next = timer->next;
        if (timer->next != NULL)
            timer->next->previous = timer->previous;
        timers->first = merge(timers->first, children);
    }
    timer->child = NULL;
    timer->next = NULL;
    timer->previous = NULL;
    timer->is_set = false;
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t at_ns)
{
    timers_stop(timers, timer);
    if (at_ns == UINT64_MAX)
        return;
    timer->at_ns = at_ns > timers->fired_ns ? at_ns : timers->fired_ns + 1;
    timer->is_set = true;
    timers->first = merge(timers->first, timer);
}

uint64_t timers_next(const struct timers *timers)
{
    return timers->first != NULL ? timers->first->at_ns : UINT64_MAX;
}

void timers_fire(struct timers *timers, uint64_t now_ns)
{
    timers->fired_ns = now_ns;
    while (timers_next(timers) <= now_ns) {
        struct timer *timer = timers->first;
        timers_stop(timers, timer);
        timer->fire(timer);
    }
}
