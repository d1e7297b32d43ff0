/* workers.c: see workers.h. */
#include "server/workers.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/inflate.h"

enum { QUEUE_ALL, QUEUE_QUICK, QUEUE_COUNT };

struct queue {
    pthread_cond_t filled;
    struct call *first;
    struct call *last;
};

struct workers {
    struct hub *hub;
    size_t waiting_max;
    pthread_t threads[WORKERS_MAX + 1];
    size_t thread_count;
    pthread_mutex_t lock;
    /* guarded by lock */
    struct queue queues[QUEUE_COUNT];
    size_t waiting;
    size_t running;
    bool is_ending;
};

struct worker {
    struct workers *workers;
    int queue;
};

static void put_last(struct queue *queue, struct call *call)
{
    call->next = NULL;
    call->previous = queue->last;
    if (queue->last != NULL)
        queue->last->next = call;
    else
        queue->first = call;
    queue->last = call;
    call->is_queued = true;
}

static void take_out(struct queue *queue, struct call *call)
{
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        queue->first = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    else
        queue->last = call->previous;
    call->next = NULL;
    call->previous = NULL;
    call->is_queued = false;
}

static bool inflated_room(void *context, size_t size)
{
    return call_charge(context, size);
}

/* Puts the decompressed body in place of the body. False: the call is refused. */
static bool decompress(struct call *call)
{
    if (call->encoding == CALL_IDENTITY)
        return true;
    const struct inflate_options options = {
        .size_max = call->hub->options.limits.request_size_max,
        .is_gzip = call->encoding == CALL_GZIP,
        .may_grow = inflated_room,
        .context = call,
    };
    uint8_t *data = NULL;
    size_t size = 0;
    struct err err = {0};
    switch (inflate_all(call_body(call), &options, &data, &size, &err)) {
    case ERR_OK:
        mem_free(call->body);
        call->body = data;
        call->body_size = size;
        return true;
    case ERR_INVALID:
        call_refuse_room(call, CALL_TOO_LARGE);
        return false;
    case ERR_CORRUPT:
        call_reply_status(call, call->is_grpc ? GRPC_INTERNAL : GRPC_INVALID_ARGUMENT, "%s",
                          err.msg);
        return false;
    default:
        call_refuse_room(call, CALL_BUSY);
        return false;
    }
}

void workers_run_here(struct hub *hub, struct call *call)
{
    const struct server_options *options = &hub->options;
    call->started_ns = clock_monotonic_ns();
    switch (call_state(call)) {
    case CALL_CANCELLED:
        call_refuse(call, GRPC_CANCELLED, "the client took the request back");
        break;
    case CALL_LATE:
        call_refuse(call, GRPC_DEADLINE_EXCEEDED, "the deadline passed before the request began");
        break;
    default:
        if (decompress(call) &&
            (options->authenticate == NULL || options->authenticate(options->app, call)))
            call->handle(options->app, call);
    }
    call_settle(call);
}

static void *run(void *data)
{
    const struct worker worker = *(struct worker *)data;
    mem_free(data);
    struct workers *workers = worker.workers;
    struct queue *queue = &workers->queues[worker.queue];
    (void)pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (queue->first == NULL && !workers->is_ending)
            (void)pthread_cond_wait(&queue->filled, &workers->lock);
        struct call *call = queue->first;
        if (call == NULL)
            break;
        take_out(queue, call);
        workers->waiting--;
        workers->running++;
        (void)pthread_mutex_unlock(&workers->lock);
        workers_run_here(workers->hub, call);
        call->done(call);
        (void)pthread_mutex_lock(&workers->lock);
        workers->running--;
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return NULL;
}

static enum err_code start_thread(struct workers *workers, int queue, struct err *err)
{
    struct worker *worker = mem_alloc(1, sizeof *worker);
    if (worker == NULL)
        return err_nomem(err, "worker threads");
    *worker = (struct worker){workers, queue};
    const int failure = pthread_create(&workers->threads[workers->thread_count], NULL, run, worker);
    if (failure != 0) {
        mem_free(worker);
        return err_errno(err, failure, "worker threads cannot be started");
    }
    workers->thread_count++;
    return ERR_OK;
}

enum err_code workers_start(struct hub *hub, size_t count, struct workers **ret_workers,
                            struct err *err)
{
    struct workers *workers = mem_zalloc(1, sizeof *workers);
    if (workers == NULL)
        return err_nomem(err, "worker threads");
    workers->hub = hub;
    workers->waiting_max = hub->options.limits.queue_max;
    (void)pthread_mutex_init(&workers->lock, NULL);
    for (int k = 0; k < QUEUE_COUNT; k++)
        (void)pthread_cond_init(&workers->queues[k].filled, NULL);
    count = count > WORKERS_MAX ? WORKERS_MAX : count > 0 ? count : 1;
    enum err_code code = start_thread(workers, QUEUE_QUICK, err);
    for (size_t k = 0; k < count && code == ERR_OK; k++)
        code = start_thread(workers, QUEUE_ALL, err);
    if (code != ERR_OK) {
        workers_stop(workers);
        workers_free(workers);
        return code;
    }
    *ret_workers = workers;
    return ERR_OK;
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    (void)pthread_mutex_lock(&workers->lock);
    workers->is_ending = true;
    for (int k = 0; k < QUEUE_COUNT; k++)
        (void)pthread_cond_broadcast(&workers->queues[k].filled);
    (void)pthread_mutex_unlock(&workers->lock);
    for (size_t k = 0; k < workers->thread_count; k++)
        (void)pthread_join(workers->threads[k], NULL);
    workers->thread_count = 0;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    for (int k = 0; k < QUEUE_COUNT; k++)
        (void)pthread_cond_destroy(&workers->queues[k].filled);
    (void)pthread_mutex_destroy(&workers->lock);
    mem_free(workers);
}

bool workers_submit(struct workers *workers, struct call *call)
{
    struct queue *queue = &workers->queues[call->is_quick ? QUEUE_QUICK : QUEUE_ALL];
    (void)pthread_mutex_lock(&workers->lock);
    const bool has_room = workers->waiting < workers->waiting_max && !workers->is_ending;
    if (has_room) {
        put_last(queue, call);
        workers->waiting++;
        (void)pthread_cond_signal(&queue->filled);
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return has_room;
}

bool workers_withdraw(struct workers *workers, struct call *call)
{
    struct queue *queue = &workers->queues[call->is_quick ? QUEUE_QUICK : QUEUE_ALL];
    (void)pthread_mutex_lock(&workers->lock);
    const bool was_queued = call->is_queued;
    if (was_queued) {
        take_out(queue, call);
        workers->waiting--;
    }
    (void)pthread_mutex_unlock(&workers->lock);
    return was_queued;
}

void workers_count(struct workers *workers, size_t *ret_waiting, size_t *ret_running)
{
    (void)pthread_mutex_lock(&workers->lock);
    *ret_waiting = workers->waiting;
    *ret_running = workers->running;
    (void)pthread_mutex_unlock(&workers->lock);
}
