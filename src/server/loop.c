/* loop.c: see loop.h. */
#include "server/loop.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define EVENTS_MAX 64
#define WAIT_MS_MAX 3600000

struct loop {
    int epoll;
    int wake; /* an eventfd that posting writes to */
    uint64_t now_ns;
    struct timers timers;
    struct task *discarded;
    bool is_ending;
    pthread_mutex_t lock;
    /* guarded by lock */
    struct task *posted_first;
    struct task *posted_last;
};

enum err_code loop_new(struct loop **ret_loop, struct err *err)
{
    struct loop *loop = mem_zalloc(1, sizeof *loop);
    if (loop == NULL)
        return err_nomem(err, "event loop");
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->now_ns = clock_monotonic_ns();
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN};
    if (loop->epoll < 0 || loop->wake < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) != 0) {
        const int failure = errno;
        loop_free(loop);
        return err_errno(err, failure, "event loop");
    }
    *ret_loop = loop;
    return ERR_OK;
}

static void run_all(struct task *task)
{
    while (task != NULL) {
        struct task *next = task->next;
        task->run(task);
        task = next;
    }
}

static void run_discarded(struct loop *loop)
{
    while (loop->discarded != NULL) {
        struct task *task = loop->discarded;
        loop->discarded = NULL;
        run_all(task);
    }
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    run_discarded(loop);
    if (loop->wake >= 0)
        (void)close(loop->wake);
    if (loop->epoll >= 0)
        (void)close(loop->epoll);
    (void)pthread_mutex_destroy(&loop->lock);
    mem_free(loop);
}

static void run_posted(struct loop *loop)
{
    uint64_t count;
    (void)!read(loop->wake, &count, sizeof count);
    (void)pthread_mutex_lock(&loop->lock);
    struct task *task = loop->posted_first;
    loop->posted_first = NULL;
    loop->posted_last = NULL;
    (void)pthread_mutex_unlock(&loop->lock);
    run_all(task);
}

/* Milliseconds until the next timer, rounded up. */
static int wait_ms(const struct loop *loop)
{
    const uint64_t next_ns = timers_next(&loop->timers);
    if (next_ns == UINT64_MAX)
        return -1;
    const uint64_t now_ns = clock_monotonic_ns();
    if (next_ns <= now_ns)
        return 0;
    const uint64_t wait = (next_ns - now_ns) / 1000000 + 1;
    return wait < WAIT_MS_MAX ? (int)wait : WAIT_MS_MAX;
}

static void run_round(struct loop *loop, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    const int count = epoll_wait(loop->epoll, events, EVENTS_MAX, timeout_ms);
    loop->now_ns = clock_monotonic_ns();
    bool is_woken = false;
    for (int k = 0; k < count; k++) {
        struct watch *watch = events[k].data.ptr;
        if (watch == NULL)
            is_woken = true;
        else if (watch->ready != NULL)
            watch->ready(watch, events[k].events);
    }
    if (is_woken)
        run_posted(loop);
    timers_fire(&loop->timers, loop->now_ns);
    run_discarded(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->is_ending)
        run_round(loop, wait_ms(loop));
}

void loop_poll(struct loop *loop)
{
    run_round(loop, 0);
}

void loop_end(struct loop *loop)
{
    loop->is_ending = true;
}

bool loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    watch->ready = NULL;
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

uint64_t loop_now_ns(const struct loop *loop)
{
    return loop->now_ns;
}

void loop_set_timer(struct loop *loop, struct timer *timer, uint64_t at_ns)
{
    timers_set(&loop->timers, timer, at_ns);
}

void loop_discard(struct loop *loop, struct task *task)
{
    task->next = loop->discarded;
    loop->discarded = task;
}

void loop_post(struct loop *loop, struct task *task)
{
    task->next = NULL;
    (void)pthread_mutex_lock(&loop->lock);
    const bool was_empty = loop->posted_first == NULL;
    if (was_empty)
        loop->posted_first = task;
    else
        loop->posted_last->next = task;
    loop->posted_last = task;
    (void)pthread_mutex_unlock(&loop->lock);
    const uint64_t one = 1;
    if (was_empty)
        (void)!write(loop->wake, &one, sizeof one);
}
