/* worker.c: see worker.h.
 *
 * A segment of an earlier run is not copied again, but it is read back and compared again: this run
 * says "successful", so this run has seen every row. `lock` guards the catalog and the counts; no
 * other lock is taken under it, and no file is read or copied. */
#include "migrate/worker.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/pool.h"
#include "migrate/compare.h"
#include "migrate/progress_write.h"
#include "migrate/rows.h"

#define COPIES_MAX 2 /* of one segment in one run */
#define PREFETCH_SIZE_MAX ((uint64_t)64 << 20)

struct work {
    const struct worker_inputs *inputs;
    struct verify_result *result;
    struct compare_items items; /* one for each plan segment, in that order */
    size_t *order;
    pthread_mutex_t lock;
    /* guarded by lock: catalog, and */
    struct worker_counts counts;
    uint64_t rows;
    uint64_t size;
};

/* One segment under way. */
struct task {
    struct work *work;
    size_t index; /* in work->order */
    const struct plan_segment *planned;
    const struct plan_collection *collection;
    const struct source_segment *segment;
    uint64_t live_rows; /* to be migrated */
    struct tally source;
    struct tally target;
};

static uint64_t row_bytes(const struct task *task)
{
    return task->collection->source->row_size + sizeof(int64_t);
}

static enum err_code note(struct task *task, enum job_segment_state state, struct err *err)
{
    struct work *work = task->work;
    struct segment_change change = {.collection = task->collection->source->name,
                                    .segment = task->segment->name,
                                    .state = state,
                                    .tally = task->source};
    (void)pthread_mutex_lock(&work->lock);
    if (state == SEGMENT_DONE) {
        struct compared_partition *partition =
            &work->result->collections[task->planned->collection]
                 .partitions[task->collection->partition_at[task->segment->partition]];
        partition->source = tally_add(partition->source, task->source);
        partition->target = tally_add(partition->target, task->target);
        work->rows += task->source.rows;
        work->size += task->source.rows * row_bytes(task);
    }
    change.job_rows = work->rows;
    change.job_size = work->size;
    const enum err_code code =
        catalog_write_segment(work->inputs->catalog, work->inputs->job, &change, err);
    (void)pthread_mutex_unlock(&work->lock);
    return code;
}

/* Opens the source's segment, which must be what was planned. */
static enum err_code open_source(const struct task *task, struct live_segment *ret_live,
                                 struct err *err)
{
    const struct worker_inputs *inputs = task->work->inputs;
    struct live_segment live = {0};
    enum err_code code = live_open(inputs->losers, inputs->source, task->collection->index,
                                   task->planned->segment, &live, err);
    if (code != ERR_OK)
        return code;
    const uint64_t live_rows = live.reader->rows - live.reader->dead_rows;
    if (live.reader->rows == task->segment->rows && live_rows == task->segment->live_rows) {
        *ret_live = live;
        return ERR_OK;
    }
    code = err_set(err, ERR_CORRUPT,
                   "%" PRIu64 " rows, %" PRIu64 " of them live, were found when the source was "
                   "opened, now %" PRIu64 " and %" PRIu64 "; is something writing to it?",
                   task->segment->rows, task->segment->live_rows, live.reader->rows, live_rows);
    live_close(&live);
    return code;
}

static enum err_code copy_segment(struct task *task, struct err *err)
{
    const struct worker_inputs *inputs = task->work->inputs;
    struct live_segment live = {0};
    enum err_code code = note(task, SEGMENT_CLAIMED, err);
    if (code == ERR_OK)
        code = open_source(task, &live, err);
    if (code != ERR_OK)
        return code;
    const struct staged_segment staged = {
        .collection = task->collection->target_name,
        .partition = task->collection->source->partitions[task->segment->partition].tag,
        .source = task->segment,
        .reader = live.reader,
        .dead = live.dead,
        .live_rows = task->live_rows};
    struct meter *meter =
        progress_copy_meter(inputs->progress, task->planned->collection, inputs->meter);
    code = inputs->target->ops->put_segment(inputs->target, &staged, meter, err);
    live_close(&live);
    return code == ERR_OK ? note(task, SEGMENT_COPIED, err) : code;
}

static enum err_code tally_source(struct task *task, struct err *err)
{
    const struct rows_watch watch = {.stop = task->work->inputs->meter->stop,
                                     .progress = task->work->inputs->progress,
                                     .collection = task->planned->collection,
                                     .has_floats =
                                         !metric_is_binary(task->collection->source->metric)};
    struct live_segment live = {0};
    enum err_code code = open_source(task, &live, err);
    if (code == ERR_OK)
        code = rows_tally(live.reader, live.dead, &watch, &task->source, err);
    live_close(&live);
    return code;
}

static uint64_t at_most(uint64_t size)
{
    return size < PREFETCH_SIZE_MAX ? size : PREFETCH_SIZE_MAX;
}

/* The disk fetches what this thread is likely to copy next while it only computes. */
static void prefetch_next(const struct work *work, size_t index)
{
    const struct worker_inputs *inputs = work->inputs;
    const size_t next = index + inputs->threads;
    if (next >= inputs->plan->segment_count ||
        inputs->notes[work->order[next]].state >= SEGMENT_COPIED)
        return;
    const struct plan_segment *planned = &inputs->plan->segments[work->order[next]];
    struct segment_reader *reader = NULL;
    struct err ignored;
    if (source_open_segment(inputs->source, inputs->plan->collections[planned->collection].index,
                            planned->segment, &reader, &ignored) != ERR_OK)
        return; /* it will be told when its turn comes */
    if (reader->has_extents) {
        file_will_read(reader->ids.fd, reader->ids.offset, at_most(reader->ids.size));
        file_will_read(reader->vectors.fd, reader->vectors.offset, at_most(reader->vectors.size));
    }
    segment_reader_close(reader);
}

/* Reads what the target stored. ERR_NOT_FOUND when it is not there, ERR_CORRUPT when it cannot be
 * read. */
static enum err_code tally_target(struct task *task, struct err *err)
{
    const struct worker_inputs *inputs = task->work->inputs;
    const struct rows_watch watch = {.stop = inputs->meter->stop};
    struct segment_reader *reader = NULL;
    enum err_code code = inputs->target->ops->open_staged(
        inputs->target, task->collection->target_name, task->segment->name, &reader, err);
    if (code == ERR_OK)
        code = rows_tally(reader, reader->dead, &watch, &task->target, err);
    segment_reader_close(reader);
    return code;
}

static enum err_code drop_copy(struct task *task, struct err *err)
{
    const struct worker_inputs *inputs = task->work->inputs;
    (void)pthread_mutex_lock(&task->work->lock);
    task->work->counts.retried++;
    (void)pthread_mutex_unlock(&task->work->lock);
    progress_take_back(inputs->progress, task->planned->collection, task->live_rows,
                       task->live_rows * row_bytes(task));
    return inputs->target->ops->drop_staged(inputs->target, task->collection->target_name,
                                            task->segment->name, err);
}

/* Says whether the copy agrees; damage in it is a disagreement. */
static enum err_code check_copy(struct task *task, bool *ret_agrees, struct err *err)
{
    const enum err_code code = tally_target(task, err);
    *ret_agrees = code == ERR_OK && tally_equal(&task->source, &task->target);
    if (code != ERR_CORRUPT && code != ERR_NOT_FOUND)
        return code;
    return ERR_OK;
}

static enum err_code differ_twice(const struct task *task, struct err *err)
{
    return err_set(err, ERR_MISMATCH,
                   "the copy differs from the source, twice: %" PRIu64 " rows read in the source, "
                   "%" PRIu64 " in the target; check memory and disks, then run again",
                   task->source.rows, task->target.rows);
}

/* Copies until source and copy agree. is_found: an earlier run may have copied it. */
static enum err_code move_segment(struct task *task, bool is_found, struct err *err)
{
    enum err_code code = ERR_OK;
    bool agrees = false;
    if (!is_found)
        code = copy_segment(task, err);
    prefetch_next(task->work, task->index);
    if (code == ERR_OK)
        code = tally_source(task, err);
    if (code == ERR_OK)
        code = check_copy(task, &agrees, err);
    for (int copies = is_found ? 0 : 1; code == ERR_OK && !agrees && copies < COPIES_MAX;
         copies++) {
        code = drop_copy(task, err);
        if (code == ERR_OK)
            code = copy_segment(task, err);
        if (code == ERR_OK)
            code = check_copy(task, &agrees, err);
    }
    if (code == ERR_OK && !agrees)
        code = differ_twice(task, err);
    return code;
}

static enum err_code run_task(struct task *task, const struct segment_note *earlier,
                              struct err *err)
{
    const struct worker_inputs *inputs = task->work->inputs;
    const bool is_found = earlier->state >= SEGMENT_COPIED && task->live_rows > 0;
    enum err_code code = rows_check_stop(inputs->meter->stop, err);
    if (is_found) {
        progress_add_found(inputs->progress, task->planned->collection, task->live_rows,
                           task->live_rows * row_bytes(task));
        (void)pthread_mutex_lock(&task->work->lock);
        task->work->counts.found++;
        (void)pthread_mutex_unlock(&task->work->lock);
    }
    /* Without live rows there is nothing to copy, and nothing for the target to know. */
    if (code == ERR_OK && task->live_rows > 0)
        code = move_segment(task, is_found, err);
    if (code == ERR_OK)
        code = note(task, SEGMENT_DONE, err);
    if (code == ERR_OK)
        progress_add_done(inputs->progress, task->planned->collection);
    return code;
}

static enum err_code work_on_segment(void *argument, size_t index, struct err *err)
{
    struct work *work = argument;
    const struct worker_inputs *inputs = work->inputs;
    const size_t at = work->order[index];
    const struct plan_segment *planned = &inputs->plan->segments[at];
    const struct plan_collection *collection = &inputs->plan->collections[planned->collection];
    struct task task = {.work = work,
                        .index = index,
                        .planned = planned,
                        .collection = collection,
                        .segment = planned->source,
                        .live_rows =
                            planned->source->live_rows -
                            losers_count(inputs->losers, collection->index, planned->segment)};
    const enum err_code code = run_task(&task, &inputs->notes[at], err);
    if (code != ERR_OK && code != ERR_INTERRUPTED)
        return err_wrap(err, "collection %s: segment %s", collection->source->name,
                        planned->source->name);
    return code;
}

enum err_code worker_run(const struct worker_inputs *inputs, struct verify_result *result,
                         struct worker_counts *ret_counts, struct err *err)
{
    struct work work = {.inputs = inputs, .result = result};
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < inputs->plan->segment_count; k++)
        code = compare_add_item(
            &work.items, &(struct compare_item){.size = inputs->plan->segments[k].source->size},
            err);
    if (code == ERR_OK && (work.order = compare_order(&work.items)) == NULL)
        code = err_nomem(err, "list of segments");
    (void)pthread_mutex_init(&work.lock, NULL);
    if (code == ERR_OK)
        code = pool_run(inputs->threads, inputs->plan->segment_count, work_on_segment, &work, err);
    (void)pthread_mutex_destroy(&work.lock);
    *ret_counts = work.counts;
    mem_free(work.items.items);
    mem_free(work.order);
    return code;
}
