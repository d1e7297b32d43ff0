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
#include "engine/lists_search.h"
#include "engine/plan.h"
#include "engine/snapshot_internal.h"
#include "kernel/scan.h"

#define TASK_SIZE ((size_t)4 << 20) /* bytes of vectors in a task */
#define TASK_ROWS_MIN 256
#define TASKS_PER_THREAD 4
#define HITS_SIZE_MAX ((size_t)256 << 20)
#define THREAD_COST_MIN 30.0 /* microseconds of work for which a thread is worth starting */
#define LISTS_QUERIES 16     /* queries of a task of the plan LISTS */

/* Some rows for all queries of a pass, or some queries of a pass by an index. */
struct task {
    size_t segment;
    struct plan_choice choice;
    uint64_t first_row;
    size_t rows;
    size_t first_query;
};

struct search {
    struct snapshot *snapshot;
    const struct search_request *request;
    const struct kernel *kernel;
    size_t threads;
    struct task *tasks;
    size_t task_count;
    size_t task_capacity;
    uint64_t rows; /* in tasks that scan rows */
    uint64_t live; /* in the wanted partitions */
    size_t segments;
    struct plan_choice *choices; /* of each segment */
    bool *wanted;                /* of each partition */
    size_t lists_count;          /* segments that are searched by lists */
    double cost_us;              /* of all queries */
    atomic_uint_least64_t coded_rows;
    atomic_uint_least64_t coded_size;
};

/* One group of queries on its way. */
struct pass {
    struct search *search;
    struct scan scan;
    const struct code_kernel *code_kernel;
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

static enum err_code add_task(struct search *search, const struct task *task, struct err *err)
{
    if (!mem_grow(&search->tasks, &search->task_capacity, search->task_count,
                  sizeof *search->tasks))
        return err_nomem(err, "search");
    search->tasks[search->task_count++] = *task;
    return ERR_OK;
}

/* A segment, row range by row range. */
static enum err_code add_scans(struct search *search, size_t segment, size_t rows_max,
                               struct err *err)
{
    const uint64_t rows = search->snapshot->segments[segment].facts.rows;
    enum err_code code = ERR_OK;
    for (uint64_t first = 0; code == ERR_OK && first < rows; first += rows_max) {
        const uint64_t left = rows - first;
        const struct task task = {.segment = segment,
                                  .choice = search->choices[segment],
                                  .first_row = first,
                                  .rows = left < rows_max ? (size_t)left : rows_max};
        code = add_task(search, &task, err);
    }
    search->rows += rows;
    return code;
}

/* A segment, some queries of a pass at a time. */
static enum err_code add_queries(struct search *search, size_t segment, size_t query_count,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t first = 0; code == ERR_OK && first < query_count; first += LISTS_QUERIES) {
        const struct task task = {
            .segment = segment, .choice = search->choices[segment], .first_query = first};
        code = add_task(search, &task, err);
    }
    return code;
}

/* Asks each wanted segment for its plan. */
static enum err_code choose_plans(struct search *search, struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    search->choices = mem_zalloc(snapshot->segment_count + 1, sizeof *search->choices);
    if (search->choices == NULL)
        return err_nomem(err, "search");
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        if (!search->wanted[segment->facts.partition])
            continue;
        search->choices[k] = plan_choose(segment, search->request);
        search->lists_count += search->choices[k].plan == PLAN_LISTS;
        search->cost_us += search->choices[k].cost_us * (double)search->request->query_count;
        search->live += segment->facts.rows - segment->facts.dead_rows;
        search->segments++;
    }
    return ERR_OK;
}

/* Rows of a task: a multiple of 64, small enough that every thread gets some. */
static size_t task_rows(const struct search *search)
{
    const struct snapshot *snapshot = search->snapshot;
    uint64_t rows = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++)
        if (search->wanted[snapshot->segments[k].facts.partition])
            rows += snapshot->segments[k].facts.rows;
    const uint64_t share = rows / (search->threads * TASKS_PER_THREAD);
    uint64_t task = TASK_SIZE / snapshot->facts.row_size;
    task = task < share ? task : share;
    task = task > TASK_ROWS_MIN ? task : TASK_ROWS_MIN;
    return (size_t)((task + 63) / 64 * 64);
}

/* `group`: queries of a pass, at most. */
static enum err_code make_tasks(struct search *search, size_t group, struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    const size_t rows_max = task_rows(search);
    const size_t queries = search->request->query_count;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        if (!search->wanted[snapshot->segments[k].facts.partition])
            continue;
        switch (search->choices[k].plan) {
        case PLAN_FLAT:
            code = add_scans(search, k, rows_max, err);
            break;
        case PLAN_LISTS:
            code = add_queries(search, k, queries < group ? queries : group, err);
            break;
        }
    }
    return code;
}

/* A task of queries; of those that the pass has. */
static enum err_code lists_task(struct pass *pass, const struct task *task,
                                struct lists_scratch *scratch, struct topk *topks, struct err *err)
{
    struct snapshot *snapshot = pass->search->snapshot;
    struct segment *segment = &snapshot->segments[task->segment];
    const struct lists_layout at = lists_layout_of(&segment->lists->header);
    const size_t end = task->first_query + LISTS_QUERIES;
    enum err_code code = ERR_OK;
    for (size_t q = task->first_query; code == ERR_OK && q < end && q < pass->query_count; q++) {
        const struct lists_request request = {
            .lists = segment->lists,
            .segment = segment,
            .kernel = pass->code_kernel,
            .scan = &pass->scan,
            .query = q,
            .first_ordinal = snapshot->bases[task->segment],
            .rungs = {task->choice.rungs[LISTS_NEAR], task->choice.rungs[LISTS_FAR]},
        };
        uint64_t rows = 0;
        code = lists_search(&request, scratch, &topks[q], &rows, err);
        const uint64_t groups = rows / CODE_GROUP;
        atomic_fetch_add_explicit(&pass->search->coded_rows, rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&pass->search->coded_size,
                                  groups * code_group_size(at.code_lines) +
                                      task->choice.rungs[LISTS_NEAR].rerank *
                                          segment->facts.row_size,
                                  memory_order_relaxed);
    }
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
    struct lists_scratch lists_scratch = {0};
    enum err_code code = scan_scratch_init(&scratch, &pass->scan, err);
    if (code != ERR_OK)
        return code;
    struct topk *topks = pass->topks + thread * pass->query_count;
    while (code == ERR_OK) {
        const size_t index = atomic_fetch_add(&pass->next_task, 1);
        if (index >= pass->search->task_count)
            break;
        const struct task *task = &pass->search->tasks[index];
        if (task->choice.plan == PLAN_LISTS)
            code = lists_task(pass, task, &lists_scratch, topks, err);
        else
            code = scan_task(pass, task, &scratch, topks, err);
    }
    lists_scratch_release(&lists_scratch);
    scan_scratch_release(&scratch);
    return code;
}

static enum err_code pass_init(struct pass *pass, struct search *search, size_t first, size_t count,
                               struct err *err)
{
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    *pass = (struct pass){
        .search = search, .code_kernel = code_kernel_for(search->kernel), .query_count = count};
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
    size_t threads = request->threads > 0 ? request->threads : pool_processor_count();
    threads = threads < POOL_THREADS_MAX ? threads : POOL_THREADS_MAX;
    const double useful = 1.0 + search->cost_us / THREAD_COST_MIN;
    return (double)threads < useful ? threads : (size_t)useful;
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

static const char *name_plans(const struct search *search)
{
    if (search->lists_count == 0)
        return plan_name(PLAN_FLAT);
    return search->lists_count == search->segments ? plan_name(PLAN_LISTS) : "flat+lists";
}

static void fill_stats(const struct search *search, size_t passes, uint64_t started_ns,
                       struct search_stats *stats)
{
    *stats = (struct search_stats){
        .rows = search->rows * passes + search->coded_rows,
        .size = search->rows * passes * search->snapshot->facts.row_size + search->coded_size,
        .segments = search->segments,
        .time_ns = clock_monotonic_ns() - started_ns,
        .threads = search->threads,
        .plan = name_plans(search),
        .isa = search->kernel->name,
    };
}

/* An index may propose too few rows (many of one id, or of none that has a score): such queries are
 * answered by the exact scan. */
static enum err_code complete(const struct search *search, struct search_result *result,
                              struct err *err)
{
    const struct search_request *request = search->request;
    const size_t row_size = snapshot_facts(search->snapshot)->row_size;
    const size_t expected = search->live < request->k ? (size_t)search->live : request->k;
    enum err_code code = ERR_OK;
    for (size_t q = 0; code == ERR_OK && q < request->query_count; q++) {
        if (result->counts[q] >= expected)
            continue;
        struct search_request exact = *request;
        struct search_result answer;
        exact.queries = (const uint8_t *)request->queries + q * row_size;
        exact.query_count = 1;
        exact.level = SEARCH_LEVEL_MAX;
        exact.recall = 0.0F;
        code = search_run(search->snapshot, &exact, &answer, err);
        if (code != ERR_OK)
            return code;
        const size_t at = q * request->k;
        memcpy(result->ids + at, answer.ids, answer.counts[0] * sizeof *answer.ids);
        memcpy(result->scores + at, answer.scores, answer.counts[0] * sizeof *answer.scores);
        memcpy(result->partitions + at, answer.partitions,
               answer.counts[0] * sizeof *answer.partitions);
        result->counts[q] = answer.counts[0];
        search_result_release(&answer);
    }
    return code;
}

static enum err_code run_passes(struct search *search, size_t group, size_t *ret_passes,
                                struct search_result *result, struct err *err)
{
    const size_t count = search->request->query_count;
    enum err_code code = ERR_OK;
    for (size_t first = 0; code == ERR_OK && first < count; first += group) {
        const size_t left = count - first;
        code = run_pass(search, first, left < group ? left : group, result, err);
        ++*ret_passes;
    }
    if (code == ERR_OK && search->lists_count > 0)
        code = complete(search, result, err);
    return code;
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
    if (code == ERR_OK)
        code = choose_partitions(&search, &search.wanted, err);
    if (code == ERR_OK)
        code = choose_plans(&search, err);
    if (code == ERR_OK) {
        search.threads = choose_threads(&search);
        const size_t group = group_size(&search);
        code = make_tasks(&search, group, err);
        if (code == ERR_OK)
            code = result_init(&result, request, err);
        if (code == ERR_OK)
            code = run_passes(&search, group, &passes, &result, err);
    }
    mem_free(search.tasks);
    mem_free(search.choices);
    mem_free(search.wanted);
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
