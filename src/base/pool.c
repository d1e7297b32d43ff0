/* pool.c: see pool.h. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

struct run {
    enum err_code (*work)(void *argument, size_t index, struct err *err);
    void *argument;
    size_t count;
    atomic_size_t next;
    atomic_bool has_failed;
    pthread_mutex_t lock;
    /* guarded by lock */
    size_t failed_index;
    struct err error;
};

size_t pool_processor_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (size_t)count : 1;
}

static void note_failure(struct run *run, size_t index, const struct err *error)
{
    (void)pthread_mutex_lock(&run->lock);
    if (!atomic_load(&run->has_failed) || index < run->failed_index) {
        run->failed_index = index;
        run->error = *error;
    }
    atomic_store(&run->has_failed, true);
    (void)pthread_mutex_unlock(&run->lock);
}

static void *run_jobs(void *data)
{
    struct run *run = data;
    while (!atomic_load(&run->has_failed)) {
        const size_t index = atomic_fetch_add(&run->next, 1);
        if (index >= run->count)
            break;
        struct err error = {0};
        const enum err_code code = run->work(run->argument, index, &error);
        error.code = code;
        if (code != ERR_OK)
            note_failure(run, index, &error);
    }
    return NULL;
}

enum err_code pool_run(size_t threads, size_t count,
                       enum err_code (*work)(void *argument, size_t index, struct err *err),
                       void *argument, struct err *err)
{
    if (count == 0)
        return ERR_OK;
    struct run run = {.work = work, .argument = argument, .count = count};
    (void)pthread_mutex_init(&run.lock, NULL);
    pthread_t helpers[POOL_THREADS_MAX];
    size_t started = 0;
    threads = threads < POOL_THREADS_MAX ? threads : POOL_THREADS_MAX;
    threads = threads < count ? threads : count;
    while (started + 1 < threads && pthread_create(&helpers[started], NULL, run_jobs, &run) == 0)
        started++;
    (void)run_jobs(&run);
    for (size_t k = 0; k < started; k++)
        (void)pthread_join(helpers[k], NULL);
    (void)pthread_mutex_destroy(&run.lock);
    if (!atomic_load(&run.has_failed))
        return ERR_OK;
    if (err != NULL)
        *err = run.error;
    return run.error.code;
}
