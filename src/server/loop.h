/* loop.h: one thread that waits for sockets (epoll), for moments, and for other threads.
 *
 * Callbacks run on that thread only and never wait. A watch may be taken away in any callback, its
 * own included: events of the same round that still name it are dropped. So what holds a watch is
 * freed by loop_discard(), which waits for the end of the round. */
#ifndef GODWIT_SERVER_LOOP_H
#define GODWIT_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/timers.h"

struct loop;

struct watch {
    int fd;
    void (*ready)(struct watch *watch, uint32_t events); /* NULL: taken away */
};

/* Something to be done on the loop's thread. */
struct task {
    void (*run)(struct task *task);
    struct task *next;
};

enum err_code loop_new(struct loop **ret_loop, struct err *err) MUST_USE;
/* Discarded things are freed too. NULL is fine. */
void loop_free(struct loop *loop);
/* Runs until loop_end(), which a callback calls. */
void loop_run(struct loop *loop);
void loop_end(struct loop *loop);
/* One round: what is there now; nothing is waited for. */
void loop_poll(struct loop *loop);

/* `events` are epoll's. False when the kernel refuses. */
bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events) MUST_USE;
void loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/* The time of this round, clock_monotonic_ns(). */
uint64_t loop_now_ns(const struct loop *loop);
/* Sets or moves a timer; UINT64_MAX stops it. */
void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t at_ns);

/* Runs a task (which frees something) at the end of the round. */
void loop_discard(struct loop *loop, struct task *task);
/* Runs a task in the next round. Threads: any. */
void loop_post(struct loop *loop, struct task *task);

#endif
