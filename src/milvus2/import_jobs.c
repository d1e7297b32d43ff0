/* import_jobs.c: see import_jobs.h.
 *
 * Jobs run one after another on a thread of their own. All rows of a job are read and checked
 * before the first is written, so what can be wrong with files is found while nothing has happened.
 * Rows are written in batches; only a failing disk can leave a job half written, and its reason
 * says so. Jobs live in memory: a restarted server does not know them. */
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "milvus2/api.h"
#include "milvus2/import_files.h"
#include "milvus2/import_jobs.h"
#include "milvus2/insert.h"
#include "milvus2/partitions.h"

#define JOBS_MAX 4096
#define JOBS_OPEN_MAX 1024
#define JOB_MEMORY_MAX ((size_t)8 << 30)
#define JOB_BATCH_SIZE ((size_t)128 << 20)
#define JOB_KEPT_US ((int64_t)3 * 3600 * 1000000)

struct job {
    struct arena arena; /* names and paths */
    struct import_view view;
    const char *database;
    struct name_list *sets; /* complete paths */
    size_t set_count;
    struct job *next;
};

struct jobs {
    struct api *api;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    struct job *first; /* newest first */
    size_t count;
    int64_t last_id;
};

/* ---- Running a job ---- */

static void set_progress(struct jobs *jobs, struct job *job, int percent, uint64_t rows)
{
    (void)pthread_mutex_lock(&jobs->lock);
    job->view.progress = percent;
    job->view.rows = rows;
    (void)pthread_mutex_unlock(&jobs->lock);
}

/* Rows of one batch: so many that their vectors are about JOB_BATCH_SIZE; a multiple of 64. */
static size_t batch_rows(const struct view *view)
{
    size_t width = 64;
    for (size_t i = 0; i < view->schema.field_count; i++)
        width += field_type_width(view->schema.fields[i].type, view->schema.fields[i].dim);
    const size_t rows = JOB_BATCH_SIZE / width / 64 * 64;
    return rows > 64 ? rows : 64;
}

static struct column slice(const struct column *column, size_t first, size_t rows)
{
    struct column part = *column;
    if (part.type == FIELD_NONE)
        return part;
    part.rows = rows;
    if (part.values != NULL)
        part.values = (const uint8_t *)part.values + first * part.width;
    if (part.offsets != NULL)
        part.offsets += first;
    if (part.valid != NULL)
        part.valid += first / 64;
    return part;
}

struct job_run {
    struct jobs *jobs;
    struct job *job;
    struct op op;
    struct view collection;
    struct import_set *sets;
    uint64_t rows_done;
};

static bool write_set(struct job_run *run, const struct import_set *set)
{
    const size_t step = batch_rows(&run->collection);
    struct column *columns =
        op_array(&run->op, run->collection.schema.field_count, sizeof *columns);
    if (columns == NULL)
        return false;
    for (size_t first = 0; first < set->rows; first += step) {
        const size_t rows = set->rows - first < step ? set->rows - first : step;
        struct insert_answer answer;
        if (atomic_load(&run->jobs->is_stopping))
            return status_fail(&run->op.status, MILVUS_CANCELLED, "the server was stopped");
        for (size_t i = 0; i < run->collection.schema.field_count; i++)
            columns[i] = slice(&set->columns[i], first, rows);
        struct insert_request request = {
            .rows = rows, .columns = columns, .partition = run->job->view.partition};
        if (!rows_insert(&run->op, &run->collection, &request, &answer))
            return false;
        run->rows_done += rows;
        set_progress(run->jobs, run->job,
                     40 + (int)(59 * run->rows_done / (run->job->view.rows_total + 1)),
                     run->rows_done);
    }
    return true;
}

static bool read_sets(struct job_run *run)
{
    struct job *job = run->job;
    for (size_t i = 0; i < job->set_count; i++) {
        struct import_set *set = &run->sets[i];
        if (!import_set_read(&run->op, &run->collection, &job->sets[i], set))
            return false;
        struct insert_request request = {
            .rows = set->rows, .columns = set->columns, .partition = job->view.partition};
        if (set->rows > 0 && !rows_check(&run->op, &run->collection, &request))
            return false;
        (void)pthread_mutex_lock(&run->jobs->lock);
        job->view.rows_total += set->rows;
        job->view.size += set->size;
        job->view.progress = 10 + (int)(30 * (i + 1) / job->set_count);
        (void)pthread_mutex_unlock(&run->jobs->lock);
    }
    return true;
}

static bool run_sets(struct job_run *run)
{
    run->sets = op_array(&run->op, run->job->set_count, sizeof *run->sets);
    if (run->sets == NULL || !view_open(&run->op, run->job->view.collection, &run->collection) ||
        !read_sets(run))
        return false;
    for (size_t i = 0; i < run->job->set_count; i++)
        if (run->sets[i].rows > 0 && !write_set(run, &run->sets[i]))
            return false;
    return true;
}

static void finish(struct job_run *run, bool is_good)
{
    struct jobs *jobs = run->jobs;
    struct import_view *view = &run->job->view;
    (void)pthread_mutex_lock(&jobs->lock);
    view->finished_us = clock_now_us();
    view->state = is_good ? IMPORT_COMPLETED : IMPORT_FAILED;
    view->progress = is_good ? 100 : view->progress;
    if (!is_good) {
        const char *reason =
            run->rows_done > 0
                ? arena_printf(&run->job->arena, "%s (%" PRIu64 " rows had been written and stay)",
                               run->op.status.reason, run->rows_done)
                : arena_strdup(&run->job->arena, run->op.status.reason);
        view->reason = reason != NULL ? reason : "out of memory";
    }
    (void)pthread_mutex_unlock(&jobs->lock);
}

static void run_job(struct jobs *jobs, struct job *job)
{
    struct arena arena;
    struct job_run run = {.jobs = jobs, .job = job};
    arena_init(&arena, JOB_MEMORY_MAX);
    op_begin(&run.op, jobs->api, &arena, job->database);
    const bool is_good = run_sets(&run);
    for (size_t i = 0; run.sets != NULL && i < job->set_count; i++)
        import_set_release(&run.sets[i]);
    finish(&run, is_good);
    op_end(&run.op);
    arena_release(&arena);
}

/* The oldest job that waits, marked as running; NULL when the server stops. */
static struct job *wait_for_job(struct jobs *jobs)
{
    struct job *found = NULL;
    (void)pthread_mutex_lock(&jobs->lock);
    while (found == NULL && !atomic_load(&jobs->is_stopping)) {
        for (struct job *job = jobs->first; job != NULL; job = job->next)
            found = job->view.state == IMPORT_PENDING ? job : found;
        if (found == NULL)
            (void)pthread_cond_wait(&jobs->wake, &jobs->lock);
    }
    if (found != NULL) {
        found->view.state = IMPORT_RUNNING;
        found->view.progress = 10;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return atomic_load(&jobs->is_stopping) ? NULL : found;
}

static void *work(void *argument)
{
    struct jobs *jobs = argument;
    for (struct job *job; (job = wait_for_job(jobs)) != NULL;)
        run_job(jobs, job);
    return NULL;
}

/* ---- Life ---- */

static void job_free(struct job *job)
{
    arena_release(&job->arena);
    mem_free(job);
}

enum err_code jobs_open(struct api *api, struct jobs **ret_jobs, struct err *err)
{
    struct jobs *jobs = mem_zalloc(1, sizeof *jobs);
    if (jobs == NULL)
        return err_nomem(err, "import jobs");
    jobs->api = api;
    jobs->last_id = clock_now_us();
    (void)pthread_mutex_init(&jobs->lock, NULL);
    (void)pthread_cond_init(&jobs->wake, NULL);
    const int failed = pthread_create(&jobs->thread, NULL, work, jobs);
    jobs->has_thread = failed == 0;
    if (failed != 0) {
        jobs_close(jobs);
        return err_errno(err, failed, "import thread");
    }
    *ret_jobs = jobs;
    return ERR_OK;
}

void jobs_close(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    (void)pthread_mutex_lock(&jobs->lock);
    atomic_store(&jobs->is_stopping, true);
    (void)pthread_cond_signal(&jobs->wake);
    (void)pthread_mutex_unlock(&jobs->lock);
    if (jobs->has_thread)
        (void)pthread_join(jobs->thread, NULL);
    while (jobs->first != NULL) {
        struct job *job = jobs->first;
        jobs->first = job->next;
        job_free(job);
    }
    (void)pthread_cond_destroy(&jobs->wake);
    (void)pthread_mutex_destroy(&jobs->lock);
    mem_free(jobs);
}

/* Forgets jobs that ended long ago. Under the lock. */
static void forget_old(struct jobs *jobs)
{
    const int64_t now_us = clock_now_us();
    for (struct job **at = &jobs->first; *at != NULL;) {
        struct job *job = *at;
        const bool is_over = job->view.finished_us != 0;
        if (is_over && (now_us - job->view.finished_us > JOB_KEPT_US || jobs->count > JOBS_MAX)) {
            *at = job->next;
            jobs->count--;
            job_free(job);
        } else {
            at = &job->next;
        }
    }
}

/* ---- Operations ---- */

/* The complete path of a file, which must be below the import folder; links are followed. */
static bool complete_path(struct op *op, struct job *job, const char *file, const char **ret_path)
{
    char real[PATH_MAX];
    const char *folder = op->api->options.import_folder;
    char *joined = file[0] == '/' ? mem_strdup(file) : path_join(folder, file);
    if (joined == NULL)
        return status_nomem(&op->status, "path");
    const bool is_there = realpath(joined, real) != NULL;
    mem_free(joined);
    /* A file that is not there is the job's failure, not the call's. */
    const bool is_inside = !is_there || file_is_inside(real, folder);
    *ret_path = arena_strdup(&job->arena, is_there ? real : file);
    if (!is_inside)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "%s is not below the import folder of this server", file);
    return *ret_path != NULL || status_nomem(&op->status, "path");
}

static bool copy_set(struct op *op, struct job *job, const struct name_list *files,
                     struct name_list *ret_set)
{
    const char **paths = arena_array(&job->arena, files->count, sizeof *paths);
    if (paths == NULL)
        return status_nomem(&op->status, "import job");
    for (size_t i = 0; i < files->count; i++)
        if (!complete_path(op, job, files->items[i], &paths[i]))
            return false;
    *ret_set = (struct name_list){paths, files->count};
    return true;
}

static bool copy_spec(struct op *op, const struct view *view, const struct import_spec *spec,
                      struct job *job)
{
    struct import_view *out = &job->view;
    size_t total = 0;
    for (size_t i = 0; i < spec->set_count; i++)
        total += spec->sets[i].count;
    const char **files = arena_array(&job->arena, total, sizeof *files);
    job->sets = arena_array(&job->arena, spec->set_count, sizeof *job->sets);
    job->database = arena_strdup(&job->arena, view->info->database);
    out->collection = arena_strdup(&job->arena, view->info->name);
    out->partition = arena_strdup(&job->arena, spec->partition);
    if (files == NULL || job->sets == NULL || job->database == NULL || out->collection == NULL ||
        out->partition == NULL)
        return status_nomem(&op->status, "import job");
    out->files.items = files;
    job->set_count = spec->set_count;
    for (size_t i = 0; i < spec->set_count; i++) {
        if (!copy_set(op, job, &spec->sets[i], &job->sets[i]))
            return false;
        for (size_t k = 0; k < spec->sets[i].count; k++)
            files[out->files.count++] = arena_strdup(&job->arena, spec->sets[i].items[k]);
    }
    out->database = job->database;
    out->collection_id = view->info->id;
    out->reason = "";
    out->created_us = clock_now_us();
    return true;
}

static bool enqueue(struct op *op, struct job *job, int64_t *ret_id)
{
    struct jobs *jobs = op->api->jobs;
    size_t open = 0;
    (void)pthread_mutex_lock(&jobs->lock);
    forget_old(jobs);
    for (const struct job *other = jobs->first; other != NULL; other = other->next)
        open += other->view.finished_us == 0;
    const bool has_room = open < JOBS_OPEN_MAX;
    if (has_room) {
        job->view.id = *ret_id = ++jobs->last_id;
        job->next = jobs->first;
        jobs->first = job;
        jobs->count++;
        (void)pthread_cond_signal(&jobs->wake);
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return has_room || status_wrap(&op->status, MILVUS_IMPORT,
                                   "The number of jobs has reached the limit, please try again "
                                   "later");
}

static bool check_spec(struct op *op, const struct view *view, const struct import_spec *spec)
{
    const char *tag;
    if (op->api->options.import_folder == NULL)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "imports are switched off: start the server with --import-dir");
    if (spec->set_count == 0)
        return status_wrap(&op->status, MILVUS_INVALID, "import request is empty");
    for (size_t i = 0; i < spec->set_count; i++)
        if (!import_check_files(op, &spec->sets[i]))
            return false;
    if (spec->partition[0] == '\0')
        return true;
    if (view->info->partition_keys > 0)
        return status_wrap(&op->status, MILVUS_IMPORT,
                           "not allow to set partition name for collection with partition key");
    return partitions_tag(op, view, spec->partition, &tag);
}

bool imports_create(struct op *op, const struct import_spec *spec, int64_t *ret_id)
{
    struct view view;
    if (!view_open(op, spec->collection, &view) || !check_spec(op, &view, spec))
        return false;
    struct job *job = mem_zalloc(1, sizeof *job);
    if (job == NULL)
        return status_nomem(&op->status, "import job");
    arena_init(&job->arena, (size_t)16 << 20);
    if (copy_spec(op, &view, spec, job) && enqueue(op, job, ret_id))
        return true;
    job_free(job);
    return false;
}

/* A copy whose strings live in the op. Under the lock. */
static bool copy_view(struct op *op, const struct import_view *from, struct import_view *ret_view)
{
    const char **files = op_array(op, from->files.count, sizeof *files);
    *ret_view = *from;
    if (files == NULL)
        return false;
    for (size_t i = 0; i < from->files.count; i++)
        files[i] = op_strndup(op, from->files.items[i], strlen(from->files.items[i]));
    ret_view->files.items = files;
    ret_view->collection = op_strndup(op, from->collection, strlen(from->collection));
    ret_view->database = op_strndup(op, from->database, strlen(from->database));
    ret_view->partition = op_strndup(op, from->partition, strlen(from->partition));
    ret_view->reason = op_strndup(op, from->reason, strlen(from->reason));
    return op->status.code == MILVUS_OK;
}

bool imports_describe(struct op *op, int64_t id, struct import_view *ret_view)
{
    struct jobs *jobs = op->api->jobs;
    bool has = false, is_good = true;
    (void)pthread_mutex_lock(&jobs->lock);
    for (const struct job *job = jobs->first; job != NULL && !has; job = job->next)
        if (job->view.id == id) {
            has = true;
            is_good = copy_view(op, &job->view, ret_view);
        }
    (void)pthread_mutex_unlock(&jobs->lock);
    if (!has)
        return status_wrap(&op->status, MILVUS_IMPORT, "import job does not exist, jobID=%" PRId64,
                           id);
    return is_good;
}

bool imports_list(struct op *op, const char *collection, struct import_view **ret_items,
                  size_t *ret_count)
{
    struct jobs *jobs = op->api->jobs;
    struct view view;
    size_t count = 0;
    if (collection[0] != '\0' ? !view_open(op, collection, &view)
                              : !op_check_database(op, op->database))
        return false;
    (void)pthread_mutex_lock(&jobs->lock);
    struct import_view *items = op_array(op, jobs->count, sizeof *items);
    bool is_good = items != NULL;
    for (const struct job *job = jobs->first; is_good && job != NULL; job = job->next)
        if (strcmp(job->database, op->database) == 0 &&
            (collection[0] == '\0' || job->view.collection_id == view.info->id))
            is_good = copy_view(op, &job->view, &items[count++]);
    (void)pthread_mutex_unlock(&jobs->lock);
    *ret_items = items;
    *ret_count = count;
    return is_good;
}
