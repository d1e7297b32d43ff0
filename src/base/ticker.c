/* ticker.c: see ticker.h. The mutex guards only the wish to end. */
#include "base/ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/mem.h"

#define SECOND_NS 1000000000ULL

struct ticker {
    uint64_t interval_ns;
    void (*tick)(void *argument);
    void *argument;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_ending; /* guarded by lock */
};

/* Sleeps until the next call; false when it is time to end. */
static bool wait_interval(struct ticker *ticker)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    const uint64_t at = (uint64_t)until.tv_nsec + ticker->interval_ns;
    until.tv_sec += (time_t)(at / SECOND_NS);
    until.tv_nsec = (long)(at % SECOND_NS);
    (void)pthread_mutex_lock(&ticker->lock);
    int result = 0;
    while (!ticker->is_ending && result == 0)
        result = pthread_cond_timedwait(&ticker->wake, &ticker->lock, &until);
    const bool goes_on = !ticker->is_ending;
    (void)pthread_mutex_unlock(&ticker->lock);
    return goes_on;
}

static void *run(void *argument)
{
    struct ticker *ticker = argument;
    while (wait_interval(ticker))
        ticker->tick(ticker->argument);
    return NULL;
}

/* Its condition uses the clock that never jumps. */
static bool start_thread(struct ticker *ticker)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    const bool has_clock = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                           pthread_cond_init(&ticker->wake, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    if (!has_clock)
        return false;
    if (pthread_mutex_init(&ticker->lock, NULL) == 0) {
        if (pthread_create(&ticker->thread, NULL, run, ticker) == 0)
            return true;
        (void)pthread_mutex_destroy(&ticker->lock);
    }
    (void)pthread_cond_destroy(&ticker->wake);
    return false;
}

struct ticker *ticker_start(uint64_t interval_ns, void (*tick)(void *argument), void *argument)
{
    struct ticker *ticker = mem_zalloc(1, sizeof *ticker);
    if (ticker == NULL)
        return NULL;
    ticker->interval_ns = interval_ns;
    ticker->tick = tick;
    ticker->argument = argument;
    if (start_thread(ticker))
        return ticker;
    mem_free(ticker);
    return NULL;
}

void ticker_stop(struct ticker *ticker)
{
    if (ticker == NULL)
        return;
    (void)pthread_mutex_lock(&ticker->lock);
    ticker->is_ending = true;
    (void)pthread_cond_signal(&ticker->wake);
    (void)pthread_mutex_unlock(&ticker->lock);
    (void)pthread_join(ticker->thread, NULL);
    (void)pthread_mutex_destroy(&ticker->lock);
    (void)pthread_cond_destroy(&ticker->wake);
    mem_free(ticker);
}
