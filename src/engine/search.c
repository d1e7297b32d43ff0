/* search.c: see search.h.
 *
 * The segments' rows are cut into tasks of a few MiB; each thread takes the next task and keeps its
 * own best hits; at the end they are merged. Order is total (key, then ordinal), so the cut and the
 * number of threads do not show. Many queries go in groups, so that the hits of all threads fit
 * into HITS_SIZE_MAX. */
#include "engine/search.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/search_internal.h"

#define HITS_SIZE_MAX ((size_t)256 << 20)
#define THREAD_COST_MIN 30.0 /* microseconds of work for which a thread is worth starting */

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

/* One thread's part: tasks until there are none. */
static enum err_code run_thread(void *argument, size_t thread, struct err *err)
{
    struct search_pass *pass = argument;
    struct search_scratch scratch = {0};
    enum err_code code = scan_scratch_init(&scratch.scan, &pass->scan, err);
    if (code != ERR_OK)
        return code;
    struct topk *topks = pass->topks + thread * pass->query_count;
    while (code == ERR_OK) {
        const size_t index = atomic_fetch_add(&pass->next_task, 1);
        if (index >= pass->search->task_count)
            break;
        code = search_run_task(pass, &pass->search->tasks[index], &scratch, topks, err);
    }
    lists_scratch_release(&scratch.lists);
    graph_scratch_release(&scratch.graph);
    bits_scratch_release(&scratch.bits);
    scan_scratch_release(&scratch.scan);
    return code;
}

static enum err_code pass_init(struct search_pass *pass, struct search *search, size_t first,
                               size_t count, struct err *err)
{
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    *pass = (struct search_pass){.search = search,
                                 .code_kernel = code_kernel_for(search->kernel),
                                 .bit_kernel = bit_kernel_for(search->kernel),
                                 .first_query = first,
                                 .query_count = count};
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
        struct topk *topk = &pass->topks[pass->topk_count];
        code = topk_init(topk, search->request->k, facts->may_have_duplicates, err);
        if (code != ERR_OK)
            break;
        topk_restrict(topk, search->bounds.least, search->bounds.most);
        pass->topk_count++;
    }
    return code;
}

static void pass_release(struct search_pass *pass)
{
    for (size_t k = 0; k < pass->topk_count; k++)
        topk_release(&pass->topks[k]);
    mem_free(pass->topks);
    scan_release(&pass->scan);
}

/* The best of all threads for one query of the pass, into row `row` of the result. */
static void collect(struct search_pass *pass, size_t query, size_t row,
                    struct search_result *result)
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
        result->segments[at + k] = (uint32_t)segment;
        result->rows[at + k] = hit->ordinal - snapshot->bases[segment];
    }
    result->counts[row] = count;
}

static enum err_code run_pass(struct search *search, size_t first, size_t count,
                              struct search_result *result, struct err *err)
{
    struct search_pass pass;
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
    result->segments = mem_alloc(cells, sizeof *result->segments);
    result->rows = mem_alloc(cells, sizeof *result->rows);
    result->counts = mem_zalloc(request->query_count, sizeof *result->counts);
    if (result->ids == NULL || result->scores == NULL || result->partitions == NULL ||
        result->counts == NULL)
        return err_nomem(err, "search");
    return ERR_OK;
}

static const char *name_plans(const struct search *search)
{
    static const char *const names[] = {"flat",  "flat",       "lists",       "flat+lists",
                                        "graph", "flat+graph", "lists+graph", "flat+lists+graph"};
    const size_t *counts = search->plan_counts;
    const bool has_lists = counts[PLAN_LISTS] + counts[PLAN_BITS] > 0;
    return names[(counts[PLAN_FLAT] > 0 ? 1 : 0) + (has_lists ? 2 : 0) +
                 (counts[PLAN_GRAPH] > 0 ? 4 : 0)];
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

/* Hits of one query, into row `row` of the result. */
static void copy_hits(const struct search_result *from, size_t row, struct search_result *result)
{
    const size_t at = row * result->k;
    const size_t count = from->counts[0];
    memcpy(result->ids + at, from->ids, count * sizeof *from->ids);
    memcpy(result->scores + at, from->scores, count * sizeof *from->scores);
    memcpy(result->partitions + at, from->partitions, count * sizeof *from->partitions);
    memcpy(result->segments + at, from->segments, count * sizeof *from->segments);
    memcpy(result->rows + at, from->rows, count * sizeof *from->rows);
    result->counts[row] = count;
}

/* An index may propose too few rows (many of one id, or of none that has a score): such queries are
 * answered by the exact scan. */
static enum err_code complete(const struct search *search, struct search_result *result,
                              struct err *err)
{
    const struct search_request *request = search->request;
    const size_t row_size = snapshot_facts(search->snapshot)->row_size;
    const size_t expected = search->passing < request->k ? (size_t)search->passing : request->k;
    for (size_t q = 0; q < request->query_count; q++) {
        if (search->doubts[q] == SEARCH_SURE ||
            (search->doubts[q] == SEARCH_SHORT && result->counts[q] >= expected))
            continue;
        if (search->trace != NULL)
            search->trace->is_completed = true;
        struct search_request exact = *request;
        struct search_result answer;
        exact.queries = (const uint8_t *)request->queries + q * row_size;
        exact.query_count = 1;
        exact.level = SEARCH_LEVEL_MAX;
        exact.recall = 0.0F;
        const enum err_code code = search_run(search->snapshot, &exact, &answer, err);
        if (code != ERR_OK)
            return code;
        copy_hits(&answer, q, result);
        search_result_release(&answer);
    }
    return ERR_OK;
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
    if (code == ERR_OK && search->plan_counts[PLAN_FLAT] < search->segments)
        code = complete(search, result, err);
    return code;
}

/* All that comes before the first row is looked at. */
static enum err_code prepare(struct search *search, struct err *err)
{
    const struct search_request *request = search->request;
    const struct collection_facts *facts = snapshot_facts(search->snapshot);
    enum err_code code = check_request(facts, request, err);
    if (code == ERR_OK)
        code = search_bounds_of(facts->metric, request, &search->bounds, err);
    if (code == ERR_OK)
        code = kernel_select(request->isa, &search->kernel, err);
    if (code == ERR_OK)
        code = search_choose_plans(search, err);
    if (code != ERR_OK)
        return code;
    search->doubts = mem_zalloc(request->query_count, sizeof *search->doubts);
    if (search->doubts == NULL)
        return err_nomem(err, "search");
    search->threads = choose_threads(search);
    return search_make_tasks(search, group_size(search), err);
}

/* All passes, and what the trace wants to know of them. */
static enum err_code answer(struct search *search, size_t *ret_passes, struct search_result *result,
                            struct err *err)
{
    const uint64_t started_ns = clock_monotonic_ns();
    const enum err_code code = run_passes(search, group_size(search), ret_passes, result, err);
    struct search_trace *trace = search->trace;
    for (size_t i = 0; trace != NULL && i < trace->count; i++)
        trace->search_ns += trace->parts[i].time_ns;
    if (trace != NULL)
        trace->completion_ns = clock_monotonic_ns() - started_ns - trace->search_ns;
    return code;
}

static enum err_code run(struct search *search, struct search_result *ret_result, struct err *err)
{
    const uint64_t started_ns = clock_monotonic_ns();
    struct search_result result = {0};
    size_t passes = 0;
    enum err_code code = prepare(search, err);
    if (code == ERR_OK && search->trace != NULL) {
        search->trace->plan_ns = clock_monotonic_ns() - started_ns;
        code = search_trace_parts(search, search->trace, err);
    }
    if (code == ERR_OK)
        code = result_init(&result, search->request, err);
    if (code == ERR_OK)
        code = answer(search, &passes, &result, err);
    mem_free(search->tasks);
    mem_free(search->parts);
    mem_free(search->doubts);
    if (code != ERR_OK) {
        search_result_release(&result);
        return code;
    }
    fill_stats(search, passes, started_ns, &result.stats);
    *ret_result = result;
    return ERR_OK;
}

enum err_code search_run(struct snapshot *snapshot, const struct search_request *request,
                         struct search_result *ret_result, struct err *err)
{
    struct search search = {.snapshot = snapshot, .request = request};
    return run(&search, ret_result, err);
}

enum err_code search_run_traced(struct snapshot *snapshot, const struct search_request *request,
                                struct search_trace *ret_trace, struct search_result *ret_result,
                                struct err *err)
{
    struct search_request alone = *request;
    struct search_trace trace = {0};
    struct search search = {.snapshot = snapshot, .request = &alone, .trace = &trace};
    alone.threads = 1;
    if (request->query_count != 1)
        return err_set(err, ERR_INVALID, "%zu queries found, 1 expected", request->query_count);
    const enum err_code code = run(&search, ret_result, err);
    if (code == ERR_OK)
        *ret_trace = trace;
    else
        search_trace_release(&trace);
    return code;
}

void search_result_release(struct search_result *result)
{
    mem_free(result->ids);
    mem_free(result->scores);
    mem_free(result->partitions);
    mem_free(result->segments);
    mem_free(result->rows);
    mem_free(result->counts);
    *result = (struct search_result){0};
}
