/* workers.h: the threads that run handlers, and the calls that wait for them.
 *
 * Two queues, first in first out: all calls, and the quick ones (call->is_quick), which have one
 * thread of their own, so that a health check is answered while every worker is busy. */
#ifndef GODWIT_SERVER_WORKERS_H
#define GODWIT_SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "server/call_internal.h"

#define WORKERS_MAX 256

struct workers;

/* Starts `count` workers (clamped to 1..WORKERS_MAX) and the quick one. */
enum err_code workers_start(struct hub *hub, size_t count, struct workers **ret_workers,
                            struct err *err) MUST_USE;
/* Waits for what is queued and running, and ends the threads. From now on workers_submit() says no.
 * NULL is fine. */
void workers_stop(struct workers *workers);
/* After workers_stop(), when nobody submits any more. NULL is fine. */
void workers_free(struct workers *workers);
/* Queues a call; false when queue_max calls wait already, or at the end. A worker decompresses the
 * body, asks authenticate, runs the handler, settles the reply and calls call->done(call). Threads:
 * any. */
bool workers_submit(struct workers *workers, struct call *call) MUST_USE;
/* Takes a call out of the queue that no worker has begun with; false when it is too late. Then the
 * call belongs to the caller again, and `done` is not called. Threads: any. */
bool workers_withdraw(struct workers *workers, struct call *call) MUST_USE;
/* What a worker does with a call, up to the settled reply, on the caller's thread. */
void workers_run_here(struct hub *hub, struct call *call);
/* Calls that wait, and that run. Threads: any. */
void workers_count(struct workers *workers, size_t *ret_waiting, size_t *ret_running);

#endif
