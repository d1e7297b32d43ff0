/* settle.c: sealing growing blocks, merging small segments, rewriting those with many dead rows.
 *
 * A job goes through three hands:
 *   1. the writer's thread picks and claims sources (settle_select.c) and takes their snapshot
 *   2. whoever asked writes the files of the new segment (rewrite.c); rows may die meanwhile
 *   3. the writer's thread puts it in place (settle_place.c): in one transaction the sources go and
 *      the new segment comes, with the rows dead that died meanwhile
 * Killed before 3, the new files are leftovers; after it, the old ones are. */
#include "base/clock.h"
#include "engine/database_internal.h"
#include "engine/write/settle_internal.h"

#define FROZEN_MAX 8      /* blocks of one collection that may wait before those who write do, */
#define FROZEN_ALL_MAX 16 /* ... or of all */
#define RETRY_NS ((uint64_t)1000 * 1000 * 1000)

/* ------------------------------------------------------------------------------ one job */

static void making(struct database *database, bool starts)
{
    database_lock(database);
    database->making += starts ? 1 : (size_t)-1;
    database_unlock(database);
}

static enum err_code do_job(struct writer *writer, struct settle_job *job, struct err *err)
{
    const struct rewrite_request request = {.folder = writer->database->folder,
                                            .segment_folder = (uint64_t)job->collection,
                                            .number = job->number,
                                            .meta = job->snapshot->meta,
                                            .sources = job->sources,
                                            .source_count = job->source_count};
    making(writer->database, true);
    enum err_code code = rewrite_segments(&request, &job->result, err);
    if (code == ERR_OK) {
        code = settle_place(writer, job, err);
    } else {
        struct err ignored;
        (void)!settle_release(writer, job, &ignored);
    }
    settle_remove_files(writer, job, code);
    making(writer->database, false);
    (void)pthread_mutex_lock(&writer->lock);
    writer->jobs_done++;
    (void)pthread_cond_broadcast(&writer->done);
    (void)pthread_mutex_unlock(&writer->lock);
    if (code == ERR_OK && job->result.facts.rows > 0 && writer->options.on_sealed != NULL)
        writer->options.on_sealed(writer->options.argument, job->collection);
    return code;
}

/* One job of a collection, if there is one to do. A job whose sources went away meanwhile is done.
 */
static enum err_code settle_once(struct writer *writer, int64_t collection, enum settle_mode mode,
                                 enum settle_answer *ret_answer, struct err *err)
{
    struct settle_job job = {.collection = collection, .mode = mode};
    enum err_code code = settle_pick(writer, &job, ret_answer, err);
    if (code == ERR_OK && *ret_answer == SETTLE_JOB)
        code = do_job(writer, &job, err);
    settle_job_release(&job);
    return code == ERR_STATE && *ret_answer == SETTLE_JOB ? ERR_OK : code;
}

/* --------------------------------------------------------------------- asked for, and waited */

static void wait_for_others(struct writer *writer, uint64_t jobs_done)
{
    (void)pthread_mutex_lock(&writer->lock);
    while (writer->jobs_done == jobs_done && !writer->is_stopping)
        (void)pthread_cond_wait(&writer->done, &writer->lock);
    (void)pthread_mutex_unlock(&writer->lock);
}

static uint64_t jobs_done(struct writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    const uint64_t count = writer->jobs_done;
    (void)pthread_mutex_unlock(&writer->lock);
    return count;
}

static enum err_code settle_all(struct writer *writer, struct collection_name name,
                                enum settle_mode mode, size_t *ret_jobs, struct err *err)
{
    struct snapshot *snapshot = NULL;
    enum err_code code = writer_find_snapshot(writer, name, &snapshot, err);
    if (code != ERR_OK)
        return code;
    const int64_t collection = snapshot_info(snapshot)->id;
    snapshot_unref(snapshot);
    enum settle_answer answer = SETTLE_JOB;
    size_t jobs = 0;
    code = settle_freeze(writer, collection, err);
    while (code == ERR_OK && answer != SETTLE_NOTHING) {
        const uint64_t before = jobs_done(writer);
        code = settle_once(writer, collection, mode, &answer, err);
        jobs += code == ERR_OK && answer == SETTLE_JOB;
        if (code == ERR_OK && answer == SETTLE_BUSY)
            wait_for_others(writer, before);
    }
    if (code == ERR_OK && ret_jobs != NULL)
        *ret_jobs = jobs;
    return code;
}

enum err_code writer_flush(struct writer *writer, struct collection_name name, struct err *err)
{
    return settle_all(writer, name, SETTLE_FROZEN, NULL, err);
}

enum err_code writer_compact(struct writer *writer, struct collection_name name,
                             size_t *ret_segments, struct err *err)
{
    return settle_all(writer, name, SETTLE_COMPACT, ret_segments, err);
}

/* ------------------------------------------------------------------------- background */

static bool has_room(struct writer *writer, int64_t id)
{
    const struct open_collection *open = writer_find_open(writer, id);
    size_t all = 0;
    for (size_t k = 0; k < writer->open_count; k++)
        all += writer->open[k]->frozen;
    return open == NULL || (open->frozen < FROZEN_MAX && all < FROZEN_ALL_MAX);
}

void settle_throttle(struct writer *writer, const struct snapshot *snapshot)
{
    const int64_t id = snapshot_info(snapshot)->id;
    (void)pthread_mutex_lock(&writer->lock);
    for (;;) {
        if (has_room(writer, id) || !writer->has_background || writer->is_settle_failing ||
            writer->is_stopping)
            break;
        (void)pthread_cond_wait(&writer->done, &writer->lock);
    }
    (void)pthread_mutex_unlock(&writer->lock);
}

/* Ids of the open collections, for mem_free; NULL when memory ends. */
static int64_t *list_open(struct writer *writer, size_t *ret_count)
{
    (void)pthread_mutex_lock(&writer->lock);
    int64_t *ids = mem_alloc(writer->open_count + 1, sizeof *ids);
    for (size_t k = 0; ids != NULL && k < writer->open_count; k++)
        ids[k] = writer->open[k]->id;
    *ret_count = writer->open_count;
    (void)pthread_mutex_unlock(&writer->lock);
    return ids;
}

static bool is_ending(struct writer *writer)
{
    (void)pthread_mutex_lock(&writer->lock);
    const bool ends = !writer->has_background;
    (void)pthread_mutex_unlock(&writer->lock);
    return ends;
}

static enum err_code settle_collection(struct writer *writer, int64_t collection)
{
    struct err ignored; /* it stays as it is, and is tried again */
    enum settle_answer answer = SETTLE_JOB;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && answer == SETTLE_JOB && !is_ending(writer))
        code = settle_once(writer, collection, SETTLE_DUE, &answer, &ignored);
    return code == ERR_NO_COLLECTION ? ERR_OK : code;
}

static void note_failure(struct writer *writer, bool is_failing)
{
    (void)pthread_mutex_lock(&writer->lock);
    writer->is_settle_failing = is_failing;
    (void)pthread_cond_broadcast(&writer->done);
    (void)pthread_mutex_unlock(&writer->lock);
}

void *settle_main(void *argument)
{
    struct writer *writer = argument;
    for (;;) {
        (void)pthread_mutex_lock(&writer->lock);
        while (!writer->is_settle_wanted && writer->has_background)
            (void)pthread_cond_wait(&writer->wake_settle, &writer->lock);
        writer->is_settle_wanted = false;
        const bool ends = !writer->has_background;
        (void)pthread_mutex_unlock(&writer->lock);
        if (ends)
            return NULL;
        size_t count = 0;
        int64_t *ids = list_open(writer, &count);
        bool is_failing = ids == NULL;
        for (size_t k = 0; ids != NULL && k < count; k++)
            is_failing |= settle_collection(writer, ids[k]) != ERR_OK;
        mem_free(ids);
        note_failure(writer, is_failing);
        if (!is_failing)
            continue;
        clock_sleep_ns(RETRY_NS);
        (void)pthread_mutex_lock(&writer->lock);
        writer->is_settle_wanted = true;
        (void)pthread_mutex_unlock(&writer->lock);
    }
}
