/* search.c: see search.h.
 *
 * The segments' rows are cut into tasks of a few MiB; each thread takes the next task and keeps its
 * own best hits; at the end they are merged. Order is total (key, then ordinal), so the cut and the
 * number of threads do not show. Many queries go in groups, so that the hits of all threads fit
 * into HITS_SIZE_MAX. */
#include "engine/search.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/plan.h"
#include "engine/snapshot_internal.h"
#include "kernel/scan.h"

#define TASK_SIZE ((size_t)4 << 20) /* bytes of vectors in a task */
#define TASK_ROWS_MIN 256
#define TASKS_PER_THREAD 4
#define HITS_SIZE_MAX ((size_t)256 << 20)
#define THREAD_SIZE_MIN                                                                            \
    ((size_t)1 << 20) /* bytes of vectors for which a thread is worth starting */

struct task {
    size_t segment;
    uint64_t first_row;
    size_t rows;
};

struct search {
    struct snapshot *snapshot;
    const struct search_request *request;
    const struct kernel *kernel;
    size_t threads;
    struct task *tasks;
    size_t task_count;
    size_t task_capacity;
    uint64_t rows; /* in all tasks */
    size_t segments;
};

/* One group of queries on its way. */
struct pass {
    struct search *search;
    struct scan scan;
    size_t query_count;
    struct topk *topks; /* threads x query_count */
    size_t topk_count;  /* made so far */
    atomic_size_t next_task;
};

static enum err_code check_request(const struct collection_facts *facts,
                                   const struct search_request *request, struct err *err)
{
    if (request->dim != facts->dim)
        return err_set(err, ERR_INVALID, "queries have dimension %zu, collection %s has %zu",
                       request->dim, facts->name, facts->dim);
    if (request->k < 1 || request->k > SEARCH_K_MAX)
        return err_set(err, ERR_INVALID, "k is %zu, 1 to %d expected", request->k, SEARCH_K_MAX);
    if (request->query_count < 1 || request->query_count > SEARCH_QUERIES_MAX)
        return err_set(err, ERR_INVALID, "%zu queries found, 1 to %zu expected",
                       request->query_count, SEARCH_QUERIES_MAX);
    if (request->level > SEARCH_LEVEL_MAX)
        return err_set(err, ERR_INVALID, "level is %u, 1 to %d expected", request->level,
                       SEARCH_LEVEL_MAX);
    if (!(request->recall >= 0.0F && request->recall <= 1.0F))
        return err_set(err, ERR_INVALID, "recall is %g, above 0 to 1 expected",
                       (double)request->recall);
    return ERR_OK;
}

/* Which partitions to look into: one flag each. mem_free(*ret_wanted). */
static enum err_code choose_partitions(const struct search *search, bool **ret_wanted,
                                       struct err *err)
{
    const struct search_request *request = search->request;
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    bool *wanted = mem_zalloc(facts->partition_count + 1, sizeof *wanted);
    if (wanted == NULL)
        return err_nomem(err, facts->name);
    for (size_t k = 0; k < facts->partition_count; k++)
        wanted[k] = request->partition_count == 0;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < request->partition_count; k++) {
        size_t index = 0;
        code = snapshot_partition(search->snapshot, request->partitions[k], &index, err);
        wanted[index] = true;
    }
    if (code == ERR_OK)
        *ret_wanted = wanted;
    else
        mem_free(wanted);
    return code;
}

static enum err_code add_tasks(struct search *search, size_t segment, size_t rows_max,
                               struct err *err)
{
    const uint64_t rows = search->snapshot->segments[segment].facts.rows;
    for (uint64_t first = 0; first < rows; first += rows_max) {
        const uint64_t left = rows - first;
        if (!mem_grow(&search->tasks, &search->task_capacity, search->task_count,
                      sizeof *search->tasks))
            return err_nomem(err, "search");
        search->tasks[search->task_count++] =
            (struct task){segment, first, left < rows_max ? (size_t)left : rows_max};
    }
    return ERR_OK;
}

/* Rows of a task: a multiple of 64, small enough that every thread gets some. */
static size_t task_rows(const struct search *search, const bool *wanted)
{
    const struct snapshot *snapshot = search->snapshot;
    uint64_t rows = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++)
        if (wanted[snapshot->segments[k].facts.partition])
            rows += snapshot->segments[k].facts.rows;
    const uint64_t share = rows / (search->threads * TASKS_PER_THREAD);
    uint64_t task = TASK_SIZE / snapshot->facts.row_size;
    task = task < share ? task : share;
    task = task > TASK_ROWS_MIN ? task : TASK_ROWS_MIN;
    return (size_t)((task + 63) / 64 * 64);
}

static enum err_code make_tasks(struct search *search, struct err *err)
{
    bool *wanted = NULL;
    enum err_code code = choose_partitions(search, &wanted, err);
    if (code != ERR_OK)
        return code;
    const struct snapshot *snapshot = search->snapshot;
    const size_t rows_max = task_rows(search, wanted);
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        if (!wanted[segment->facts.partition])
            continue;
        search->rows += segment->facts.rows;
        search->segments++;
        switch (plan_choose(segment, search->request)) {
        case PLAN_FLAT:
            code = add_tasks(search, k, rows_max, err);
            break;
        }
    }
    mem_free(wanted);
    return code;
}

static enum err_code scan_task(struct pass *pass, const struct task *task,
                               struct scan_scratch *scratch, struct topk *topks, struct err *err)
{
    struct snapshot *snapshot = pass->search->snapshot;
    struct segment *segment = &snapshot->segments[task->segment];
    const size_t row_size = segment->facts.row_size;
    enum err_code code =
        segment_touch(&segment->vectors, task->first_row, task->rows, row_size, err);
    if (code == ERR_OK)
        code = segment_touch(&segment->ids, task->first_row, task->rows, 8, err);
    if (code != ERR_OK)
        return code;
    const struct scan_rows rows = {
        .rows = segment->vectors.data + task->first_row * row_size,
        .row_count = task->rows,
        .ids = segment->ids.data + task->first_row * 8,
        .first_ordinal = snapshot->bases[task->segment] + task->first_row,
        .dead = segment->dead,
        .first_bit = (size_t)task->first_row,
    };
    scan_block(&pass->scan, &rows, scratch, topks);
    return ERR_OK;
}

/* One thread's part: tasks until there are none. */
static enum err_code run_thread(void *argument, size_t thread, struct err *err)
{
    struct pass *pass = argument;
    struct scan_scratch scratch;
    enum err_code code = scan_scratch_init(&scratch, &pass->scan, err);
    if (code != ERR_OK)
        return code;
    struct topk *topks = pass->topks + thread * pass->query_count;
    while (code == ERR_OK) {
        const size_t index = atomic_fetch_add(&pass->next_task, 1);
        if (index >= pass->search->task_count)
            break;
        code = scan_task(pass, &pass->search->tasks[index], &scratch, topks, err);
    }
    scan_scratch_release(&scratch);
    return code;
}

static enum err_code pass_init(struct pass *pass, struct search *search, size_t first, size_t count,
                               struct err *err)
{
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    *pass = (struct pass){.search = search, .query_count = count};
    const struct scan_request request = {
        .kernel = search->kernel,
        .metric = facts->metric,
        .dim = facts->dim,
        .queries = (const uint8_t *)search->request->queries + first * facts->row_size,
        .query_count = count,
    };
    enum err_code code = scan_init(&pass->scan, &request, err);
    if (code != ERR_OK)
        return code;
    const size_t topk_count = search->threads * count;
    pass->topks = mem_alloc(topk_count, sizeof *pass->topks);
    if (pass->topks == NULL)
        code = err_nomem(err, "search");
    while (code == ERR_OK && pass->topk_count < topk_count) {
        code = topk_init(&pass->topks[pass->topk_count], search->request->k,
                         facts->may_have_duplicates, err);
        pass->topk_count += code == ERR_OK;
    }
    return code;
}

static void pass_release(struct pass *pass)
{
    for (size_t k = 0; k < pass->topk_count; k++)
        topk_release(&pass->topks[k]);
    mem_free(pass->topks);
    scan_release(&pass->scan);
}

/* The best of all threads for one query of the pass, into row `row` of the result. */
static void collect(struct pass *pass, size_t query, size_t row, struct search_result *result)
{
    const struct snapshot *snapshot = pass->search->snapshot;
    struct topk *best = &pass->topks[query];
    for (size_t thread = 1; thread < pass->search->threads; thread++)
        topk_merge(best, &pass->topks[thread * pass->query_count + query]);
    const size_t count = topk_finish(best);
    const size_t at = row * result->k;
    for (size_t k = 0; k < count; k++) {
        const struct topk_hit *hit = &best->hits[k];
        const size_t segment = snapshot_segment_of(snapshot, hit->ordinal);
        result->ids[at + k] = hit->id;
        result->scores[at + k] = scan_score(snapshot->facts.metric, hit->key);
        result->partitions[at + k] = (uint32_t)snapshot->segments[segment].facts.partition;
    }
    result->counts[row] = count;
}

static enum err_code run_pass(struct search *search, size_t first, size_t count,
                              struct search_result *result, struct err *err)
{
    struct pass pass;
    enum err_code code = pass_init(&pass, search, first, count, err);
    if (pass.scan.queries == NULL)
        return code;
    if (code == ERR_OK)
        code = pool_run(search->threads, search->threads, run_thread, &pass, err);
    for (size_t q = 0; code == ERR_OK && q < count; q++)
        collect(&pass, q, first + q, result);
    pass_release(&pass);
    return code;
}

/* Queries at a time: as many as the hits of all threads allow. */
static size_t group_size(const struct search *search)
{
    /* A topk holds up to 2 k hits, and two words of hash table for each. */
    const size_t hits = 2 * search->request->k + 64;
    const size_t size = hits * (sizeof(struct topk_hit) + 16) * search->threads;
    size_t group = HITS_SIZE_MAX / size;
    group = group < SCAN_QUERIES_MAX ? group : SCAN_QUERIES_MAX;
    return group > 0 ? group : 1;
}

static size_t choose_threads(const struct search *search)
{
    const struct search_request *request = search->request;
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    size_t threads = request->threads > 0 ? request->threads : pool_processor_count();
    threads = threads < POOL_THREADS_MAX ? threads : POOL_THREADS_MAX;
    /* Work grows with the queries too; a rough product is enough. */
    const uint64_t queries = request->query_count < 1024 ? request->query_count : 1024;
    const uint64_t useful = 1 + facts->size / THREAD_SIZE_MIN * queries;
    return threads < useful ? threads : (size_t)useful;
}

static enum err_code result_init(struct search_result *result, const struct search_request *request,
                                 struct err *err)
{
    size_t cells = 0;
    if (__builtin_mul_overflow(request->query_count, request->k, &cells))
        return err_set(err, ERR_INVALID, "%zu queries with k %zu are too many",
                       request->query_count, request->k);
    *result = (struct search_result){.query_count = request->query_count, .k = request->k};
    result->ids = mem_alloc(cells, sizeof *result->ids);
    result->scores = mem_alloc(cells, sizeof *result->scores);
    result->partitions = mem_alloc(cells, sizeof *result->partitions);
    result->counts = mem_zalloc(request->query_count, sizeof *result->counts);
    if (result->ids == NULL || result->scores == NULL || result->partitions == NULL ||
        result->counts == NULL)
        return err_nomem(err, "search");
    return ERR_OK;
}

static void fill_stats(const struct search *search, size_t passes, uint64_t started_ns,
                       struct search_stats *stats)
{
    *stats = (struct search_stats){
        .rows = search->rows * passes,
        .size = search->rows * passes * search->snapshot->facts.row_size,
        .segments = search->segments,
        .time_ns = clock_monotonic_ns() - started_ns,
        .threads = search->threads,
        .plan = plan_name(PLAN_FLAT),
        .isa = search->kernel->name,
    };
}

enum err_code search_run(struct snapshot *snapshot, const struct search_request *request,
                         struct search_result *ret_result, struct err *err)
{
    const uint64_t started_ns = clock_monotonic_ns();
    struct search search = {.snapshot = snapshot, .request = request};
    struct search_result result = {0};
    size_t passes = 0;
    enum err_code code = check_request(snapshot_facts(snapshot), request, err);
    if (code == ERR_OK)
        code = kernel_select(request->isa, &search.kernel, err);
    if (code != ERR_OK)
        return code;
    search.threads = choose_threads(&search);
    code = make_tasks(&search, err);
    if (code == ERR_OK)
        code = result_init(&result, request, err);
    const size_t group = group_size(&search);
    for (size_t first = 0; code == ERR_OK && first < request->query_count; first += group) {
        const size_t left = request->query_count - first;
        code = run_pass(&search, first, left < group ? left : group, &result, err);
        passes++;
    }
    mem_free(search.tasks);
    if (code != ERR_OK) {
        search_result_release(&result);
        return code;
    }
    fill_stats(&search, passes, started_ns, &result.stats);
    *ret_result = result;
    return ERR_OK;
}

void search_result_release(struct search_result *result)
{
    mem_free(result->ids);
    mem_free(result->scores);
    mem_free(result->partitions);
    mem_free(result->counts);
    *result = (struct search_result){0};
}
