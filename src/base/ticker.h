/* ticker.h: calls a function every so often, from a thread of its own, until it is stopped. For
 * what watches long work and must not slow it down. */
#ifndef GODWIT_BASE_TICKER_H
#define GODWIT_BASE_TICKER_H

#include <stdint.h>

struct ticker;

/* First called one interval from now. NULL when no thread or no memory is to be had: watching is
 * never worth an error. */
struct ticker *ticker_start(uint64_t interval_ns, void (*tick)(void *argument), void *argument);
/* Returns when no call is under way and none will follow. NULL accepted. */
void ticker_stop(struct ticker *ticker);

#endif
