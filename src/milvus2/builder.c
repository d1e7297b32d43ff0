/* builder.c: see builder.h. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/index_builder.h"
#include "engine/write/define.h"
#include "milvus2/builder.h"
#include "milvus2/sessions.h"

#define SHOW_SLICE_NS ((uint64_t)20 * 1000 * 1000)
#define SHOW_SLICES 50 /* once a second; slices, so that the end is noticed soon */

struct task {
    int64_t collection;
    int64_t compaction;
};

struct builder {
    struct api *api;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_building;
    atomic_bool is_stopping;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool wants_indexes;
    struct task *queue; /* compactions */
    size_t queue_first;
    size_t queue_count;
    size_t queue_capacity;
};

static void notice(struct builder *builder, const struct err *err)
{
    const struct api_options *options = &builder->api->options;
    if (options->notice != NULL && !atomic_load(&builder->is_stopping))
        options->notice(options->notice_argument, err->msg);
}

/* The name of a collection, which may have been renamed or dropped since the task was queued. */
static enum err_code find_name(struct builder *builder, int64_t id, struct arena *arena,
                               struct collection_name *ret_name, struct err *err)
{
    struct collection_info *items;
    size_t count;
    const enum err_code code =
        define_list_collections(builder->api->writer, NULL, arena, &items, &count, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        if (items[i].id == id) {
            *ret_name = (struct collection_name){items[i].database, items[i].name};
            return ERR_OK;
        }
    return err_set(err, ERR_NO_COLLECTION, "the collection was dropped");
}

/* While a build goes on, what it has finished is used already. */
static void *show_indexes(void *argument)
{
    struct builder *builder = argument;
    for (unsigned slices = 1; atomic_load(&builder->is_building); slices++) {
        struct err err;
        size_t count;
        clock_sleep_ns(SHOW_SLICE_NS);
        if (slices % SHOW_SLICES == 0 &&
            writer_refresh_indexes(builder->api->writer, &count, &err) != ERR_OK)
            break;
    }
    return NULL;
}

static enum err_code run_build(struct builder *builder, struct index_builder *indexes,
                               struct err *err)
{
    pthread_t shower;
    struct index_counts counts;
    const struct index_options options = {0};
    atomic_store(&builder->is_building, true);
    const bool has_shower = pthread_create(&shower, NULL, show_indexes, builder) == 0;
    const enum err_code code = index_builder_run(indexes, NULL, &options, &counts, err);
    atomic_store(&builder->is_building, false);
    if (has_shower)
        (void)pthread_join(shower, NULL);
    return code;
}

static enum err_code build_indexes(struct builder *builder, struct err *err)
{
    struct index_builder *indexes;
    size_t count;
    const char *folder = builder->api->folder;
    enum err_code code = index_builder_ask(folder, err);
    while (code == ERR_OK && index_builder_is_wanted(folder) &&
           !atomic_load(&builder->is_stopping)) {
        code = index_builder_open(folder, &builder->is_stopping, false, &indexes, err);
        if (code == ERR_LOCKED)
            return ERR_OK; /* another process builds, and has been asked */
        if (code != ERR_OK)
            return code;
        code = run_build(builder, indexes, err);
        index_builder_close(indexes);
        if (code == ERR_OK)
            code = writer_refresh_indexes(builder->api->writer, &count, err);
    }
    return code;
}

static enum err_code compact(struct builder *builder, const struct task *task, struct err *err)
{
    struct arena arena;
    struct collection_name name;
    arena_init(&arena, (size_t)64 << 20);
    size_t segments = 0;
    enum err_code code = find_name(builder, task->collection, &arena, &name, err);
    if (code == ERR_OK)
        code = writer_compact(builder->api->writer, name, &segments, err);
    sessions_end_compaction(builder->api->sessions, task->compaction, segments);
    arena_release(&arena);
    return code == ERR_NO_COLLECTION ? ERR_OK : code;
}

/* The next thing to do: compactions first, because they make segments that want indexes. */
static bool wait_for_task(struct builder *builder, struct task *ret_task)
{
    (void)pthread_mutex_lock(&builder->lock);
    while (builder->queue_count == 0 && !builder->wants_indexes &&
           !atomic_load(&builder->is_stopping))
        (void)pthread_cond_wait(&builder->wake, &builder->lock);
    *ret_task = (struct task){0};
    if (builder->queue_count > 0) {
        *ret_task = builder->queue[builder->queue_first];
        builder->queue_count--;
        builder->queue_first = builder->queue_count > 0 ? builder->queue_first + 1 : 0;
    } else {
        builder->wants_indexes = false;
    }
    (void)pthread_mutex_unlock(&builder->lock);
    return !atomic_load(&builder->is_stopping);
}

static void *work(void *argument)
{
    struct builder *builder = argument;
    struct task task;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), BUILDER_NICE);
    while (wait_for_task(builder, &task)) {
        struct err err = {0};
        const enum err_code code =
            task.compaction != 0 ? compact(builder, &task, &err) : build_indexes(builder, &err);
        if (code != ERR_OK)
            notice(builder, &err);
    }
    return NULL;
}

void builder_add_index(struct builder *builder)
{
    (void)pthread_mutex_lock(&builder->lock);
    builder->wants_indexes = true;
    (void)pthread_cond_signal(&builder->wake);
    (void)pthread_mutex_unlock(&builder->lock);
}

void builder_add_compaction(struct builder *builder, int64_t collection, int64_t id)
{
    (void)pthread_mutex_lock(&builder->lock);
    const size_t end = builder->queue_first + builder->queue_count;
    const bool is_good =
        builder->queue_count < BUILDER_QUEUE_MAX &&
        mem_grow(&builder->queue, &builder->queue_capacity, end, sizeof *builder->queue);
    if (is_good) {
        builder->queue[end] = (struct task){.collection = collection, .compaction = id};
        builder->queue_count++;
        (void)pthread_cond_signal(&builder->wake);
    }
    (void)pthread_mutex_unlock(&builder->lock);
    if (!is_good)
        sessions_end_compaction(builder->api->sessions, id, 0);
}

enum err_code builder_open(struct api *api, struct builder **ret_builder, struct err *err)
{
    struct builder *builder = mem_zalloc(1, sizeof *builder);
    if (builder == NULL)
        return err_nomem(err, "background work");
    builder->api = api;
    (void)pthread_mutex_init(&builder->lock, NULL);
    (void)pthread_cond_init(&builder->wake, NULL);
    builder->wants_indexes = true;
    *ret_builder = builder;
    return ERR_OK;
}

enum err_code builder_start(struct builder *builder, struct err *err)
{
    const int failed = pthread_create(&builder->thread, NULL, work, builder);
    if (failed != 0)
        return err_errno(err, failed, "background thread");
    builder->has_thread = true;
    return ERR_OK;
}

void builder_stop(struct builder *builder)
{
    if (builder == NULL || !builder->has_thread)
        return;
    (void)pthread_mutex_lock(&builder->lock);
    atomic_store(&builder->is_stopping, true);
    (void)pthread_cond_signal(&builder->wake);
    (void)pthread_mutex_unlock(&builder->lock);
    (void)pthread_join(builder->thread, NULL);
    builder->has_thread = false;
}

void builder_close(struct builder *builder)
{
    if (builder == NULL)
        return;
    (void)pthread_cond_destroy(&builder->wake);
    (void)pthread_mutex_destroy(&builder->lock);
    mem_free(builder->queue);
    mem_free(builder);
}
