/* index_builder.c: see index_builder.h. */
#include "engine/index_builder.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/ticker.h"
#include "engine/collection.h"
#include "engine/index_status.h"
#include "engine/layout.h"

#define STATUS_INTERVAL_NS 2000000000ULL
#define WAIT_NS 200000000ULL
#define GLANCE_NS 20000000ULL /* readers hold the lock for a moment when they look at it ... */
#define GLANCES 5             /* ... so it is tried some times */

struct index_builder {
    char *folder;
    char *wanted;
    int lock_fd;
    struct index_watch watch;
};

static void tell(const struct index_builder *builder, enum index_activity activity,
                 const char *reason)
{
    const struct index_watch *watch = &builder->watch;
    struct err err = {.code = ERR_OK};
    struct index_status status = {.activity = activity,
                                  .process = (int64_t)getpid(),
                                  .started_us = watch->started_us,
                                  .updated_us = clock_now_us(),
                                  .has_segment = atomic_load(&watch->is_under_way),
                                  .folder = atomic_load(&watch->folder),
                                  .number = atomic_load(&watch->number)};
    (void)err_set(&err, ERR_OK, "%s", reason);
    memcpy(status.reason, err.msg, sizeof status.reason);
    index_watch_get(watch, &status.progress);
    if (index_status_write(builder->folder, &status, &err) != ERR_OK)
        return; /* a build that cannot be watched is still a build */
}

static void tell_building(void *argument)
{
    tell(argument, INDEX_BUILDING, "");
}

static void tell_end(const struct index_builder *builder, enum err_code code, const struct err *err)
{
    if (code == ERR_OK)
        tell(builder, INDEX_IDLE, "");
    else
        tell(builder, code == ERR_INTERRUPTED ? INDEX_STOPPED : INDEX_FAILED, err->msg);
}

static enum err_code take_lock(struct index_builder *builder, const atomic_bool *stop, bool waits,
                               struct err *err)
{
    char *path = layout_index_lock(builder->folder);
    if (path == NULL)
        return err_nomem(err, builder->folder);
    enum err_code code = file_lock(path, &builder->lock_fd, err);
    for (int glance = 0; code == ERR_LOCKED && (waits || glance < GLANCES); glance++) {
        if (stop != NULL && atomic_load(stop)) {
            code = err_set(err, ERR_INTERRUPTED, "stopped on request");
            break;
        }
        clock_sleep_ns(glance < GLANCES ? GLANCE_NS : WAIT_NS);
        code = file_lock(path, &builder->lock_fd, err);
    }
    mem_free(path);
    if (code == ERR_LOCKED)
        code = err_wrap(err, "another program builds indexes in this folder");
    return code;
}

enum err_code index_builder_open(const char *folder, const atomic_bool *stop, bool waits,
                                 struct index_builder **ret_builder, struct err *err)
{
    struct index_builder *builder = mem_zalloc(1, sizeof *builder);
    if (builder == NULL)
        return err_nomem(err, folder);
    builder->lock_fd = -1;
    builder->folder = mem_strdup(folder);
    builder->wanted = layout_index_wanted(folder);
    index_watch_init(&builder->watch, stop);
    enum err_code code = builder->folder != NULL && builder->wanted != NULL
                             ? take_lock(builder, stop, waits, err)
                             : err_nomem(err, folder);
    if (code == ERR_OK)
        *ret_builder = builder;
    else
        index_builder_close(builder);
    return code;
}

void index_builder_close(struct index_builder *builder)
{
    if (builder == NULL)
        return;
    file_close(builder->lock_fd);
    mem_free(builder->wanted);
    mem_free(builder->folder);
    mem_free(builder);
}

const struct index_watch *index_builder_watch(const struct index_builder *builder)
{
    return &builder->watch;
}

enum err_code index_builder_ask(const char *folder, struct err *err)
{
    int fd = -1;
    char *path = layout_index_wanted(folder);
    const enum err_code code = path != NULL ? file_create(path, &fd, err) : err_nomem(err, folder);
    file_close(fd);
    mem_free(path);
    return code;
}

bool index_builder_is_wanted(const char *folder)
{
    char *path = layout_index_wanted(folder);
    const bool is_wanted = path != NULL && file_exists(path);
    mem_free(path);
    return is_wanted;
}

/* What is done with each collection. */
struct task {
    struct index_builder *builder;
    struct database *database;
    struct index_options options;
    bool is_counting; /* only how much there is to do */
    bool is_dropping;
    struct index_counts counts;
    size_t dropped;
    struct err first; /* what failed first and stopped nothing */
};

static void add_counts(struct index_counts *sum, const struct index_counts *part)
{
    sum->built += part->built;
    sum->kept += part->kept; /* of the last pass: see there */
    sum->left += part->left;
    sum->failed += part->failed;
    sum->gone += part->gone;
    sum->time_ns += part->time_ns;
    sum->cpu_ns += part->cpu_ns;
}

/* One vector field of a collection.
 *   view  the snapshot that searches it */
static enum err_code do_field(struct task *task, struct snapshot *view, struct err *err)
{
    struct index_counts counts = {0};
    size_t dropped = 0;
    enum err_code code = ERR_OK;
    if (task->is_counting)
        index_add_work(view, task->options.is_forced, &task->builder->watch);
    else if (task->is_dropping)
        code = index_drop(task->database, view, &dropped, err);
    else
        code = index_build(task->database, view, &task->options, &counts, err);
    add_counts(&task->counts, &counts);
    task->dropped += dropped;
    if (code != ERR_CORRUPT)
        return code;
    if (task->first.code == ERR_OK) /* the other segments and collections are built all the same */
        task->first = *err;
    return ERR_OK;
}

static enum err_code do_collection(struct task *task, const char *name, struct err *err)
{
    struct snapshot *snapshot = NULL;
    enum err_code code = database_snapshot(task->database, name, &snapshot, err);
    if (code == ERR_NO_COLLECTION)
        return ERR_OK; /* dropped since it was listed */
    if (code != ERR_OK)
        return code;
    const struct schema *schema = &snapshot_info(snapshot)->schema;
    for (size_t f = 0; code == ERR_OK && f < schema->field_count; f++) {
        struct snapshot *view = NULL;
        if (!field_type_is_vector(schema->fields[f].type))
            continue;
        code = snapshot_for_field(snapshot, f, &view, err);
        if (code == ERR_OK)
            code = do_field(task, view, err);
    }
    snapshot_unref(snapshot);
    return code;
}

static enum err_code for_each(struct task *task, const char *collection, struct err *err)
{
    struct collection_list list;
    enum err_code code = database_list(task->database, &list, err);
    if (code != ERR_OK)
        return code;
    if (collection != NULL && collection_list_find(&list, collection) == NULL)
        code = err_set(err, ERR_NO_COLLECTION, "collection %s: not found", collection);
    for (size_t i = 0; code == ERR_OK && i < list.count; i++)
        if (collection == NULL || strcmp(list.items[i].name, collection) == 0)
            code = do_collection(task, list.items[i].name, err);
    collection_list_release(&list);
    return code;
}

/* Once over the folder as it is now. */
static enum err_code pass(struct task *task, const char *collection, struct err *err)
{
    enum err_code code = database_open(task->builder->folder, DATABASE_READ, &task->database, err);
    if (code != ERR_OK)
        return code;
    task->counts.kept = 0;
    task->counts.left = 0;
    task->is_counting = !task->is_dropping;
    code = for_each(task, collection, err);
    if (code == ERR_OK && task->is_counting) {
        task->is_counting = false;
        tell_building(task->builder);
        code = for_each(task, collection, err);
    }
    database_close(task->database);
    return code;
}

enum err_code index_builder_run(struct index_builder *builder, const char *collection,
                                const struct index_options *options,
                                struct index_counts *ret_counts, struct err *err)
{
    struct task task = {.builder = builder, .options = *options};
    task.options.watch = &builder->watch;
    tell_building(builder);
    struct ticker *ticker = ticker_start(STATUS_INTERVAL_NS, tell_building, builder);
    enum err_code code = collection == NULL ? file_remove(builder->wanted, err) : ERR_OK;
    if (code == ERR_OK)
        code = pass(&task, collection, err);
    task.options.is_forced = false;
    while (code == ERR_OK && file_exists(builder->wanted)) {
        code = file_remove(builder->wanted, err);
        if (code == ERR_OK)
            code = pass(&task, NULL, err);
    }
    if (code == ERR_OK && task.first.code != ERR_OK) {
        code = task.first.code;
        *err = task.first;
    }
    ticker_stop(ticker);
    tell_end(builder, code, err);
    *ret_counts = task.counts;
    return code;
}

enum err_code index_builder_drop(struct index_builder *builder, const char *collection,
                                 size_t *ret_count, struct err *err)
{
    struct task task = {.builder = builder, .is_dropping = true};
    const enum err_code code = pass(&task, collection, err);
    *ret_count = task.dropped;
    return code;
}
