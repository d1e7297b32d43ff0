/* search_task.c: runs one task of a search (search_internal.h). */
#include "base/clock.h"
#include "engine/search_internal.h"

/* For the trace, if there is one. */
static void note(struct search *search, size_t segment, uint64_t opened, uint64_t scanned,
                 uint64_t scored)
{
    struct search_trace_part *part =
        search->trace != NULL ? search_trace_part(search->trace, segment) : NULL;
    if (part == NULL)
        return;
    part->opened += opened;
    part->scanned += scanned;
    part->scored += scored;
}

static enum err_code lists_query(struct search_pass *pass, const struct search_task *task,
                                 size_t query, struct lists_scratch *scratch, struct topk *topk,
                                 struct err *err)
{
    struct search *search = pass->search;
    struct segment *segment = &search->snapshot->segments[task->segment];
    const struct lists_layout at = lists_layout_of(&segment->lists->header);
    const struct lists_request request = {
        .lists = segment->lists,
        .segment = segment,
        .kernel = pass->code_kernel,
        .scan = &pass->scan,
        .query = query,
        .first_ordinal = search->snapshot->bases[task->segment],
        .allow = search_allow(search, task->segment),
        .share = task->choice.pass_share,
        .k = search->request->k,
        .level = task->choice.level,
        .least = search->bounds.least,
        .most = search->bounds.most,
        .rungs = {task->choice.rungs[LISTS_NEAR], task->choice.rungs[LISTS_FAR],
                  task->choice.rungs[LISTS_FILTERED]},
    };
    struct lists_answer answer = {0};
    const enum err_code code = lists_search(&request, scratch, topk, &answer, err);
    if (answer.is_lost)
        search_doubt(search, pass->first_query + query, SEARCH_LOST);
    else if (!answer.is_enough)
        search_doubt(search, pass->first_query + query, SEARCH_SHORT);
    note(search, task->segment, answer.lists, answer.rows, answer.reranked);
    const uint64_t groups = answer.rows / CODE_GROUP;
    atomic_fetch_add_explicit(&search->coded_rows, answer.rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&search->coded_size,
                              groups * code_group_size(at.code_lines) +
                                  answer.reranked * segment->facts.row_size,
                              memory_order_relaxed);
    return code;
}

/* A task of queries; of those that the pass has. */
static enum err_code lists_task(struct search_pass *pass, const struct search_task *task,
                                struct lists_scratch *scratch, struct topk *topks, struct err *err)
{
    const size_t end = task->first_query + SEARCH_TASK_QUERIES;
    enum err_code code = ERR_OK;
    for (size_t q = task->first_query; code == ERR_OK && q < end && q < pass->query_count; q++)
        code = lists_query(pass, task, q, scratch, &topks[q], err);
    return code;
}

/* The same by a walk; what it refuses is left to the lists. */
static enum err_code graph_task(struct search_pass *pass, const struct search_task *task,
                                struct search_scratch *scratch, struct topk *topks, struct err *err)
{
    struct search *search = pass->search;
    struct segment *segment = &search->snapshot->segments[task->segment];
    const size_t end = task->first_query + SEARCH_TASK_QUERIES;
    struct graph_request request = {
        .graph = segment->graph,
        .segment = segment,
        .kernel = pass->code_kernel,
        .scan = &pass->scan,
        .first_ordinal = search->snapshot->bases[task->segment],
        .most = search->bounds.most,
        .rungs = {task->choice.walks[0], task->choice.walks[1]},
        .allow = search_allow(search, task->segment),
        .k = task->choice.k,
        .pass_share = task->choice.pass_share,
    };
    enum err_code code = ERR_OK;
    for (size_t q = task->first_query; code == ERR_OK && q < end && q < pass->query_count; q++) {
        struct graph_answer answer = {0};
        request.query = q;
        code = graph_search(&request, &scratch->graph, &topks[q], &answer, err);
        if (answer.is_refused && task->choice.level > 0)
            code = lists_query(pass, task, q, &scratch->lists, &topks[q], err);
        else if (answer.rows == 0)
            search_doubt(search, pass->first_query + q, SEARCH_LOST);
        else if (!answer.is_enough)
            search_doubt(search, pass->first_query + q, SEARCH_SHORT);
        note(search, task->segment, 0, answer.rows, answer.reranked);
        atomic_fetch_add_explicit(&search->coded_rows, answer.rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&search->coded_size,
                                  answer.rows * segment->graph->at.stride +
                                      answer.reranked * segment->facts.row_size,
                                  memory_order_relaxed);
    }
    return code;
}

static enum err_code bits_task(struct search_pass *pass, const struct search_task *task,
                               struct bits_scratch *scratch, struct topk *topks, struct err *err)
{
    struct search *search = pass->search;
    struct segment *segment = &search->snapshot->segments[task->segment];
    const size_t end = task->first_query + SEARCH_TASK_QUERIES;
    const bool is_distinct = snapshot_facts(search->snapshot)->may_have_duplicates;
    struct bits_request request = {
        .bits = segment->bits,
        .segment = segment,
        .kernel = pass->bit_kernel,
        .scan = &pass->scan,
        .first_ordinal = search->snapshot->bases[task->segment],
        .most = search->bounds.most,
        .allow = search_allow(search, task->segment),
        .passing = (float)task->choice.pass_share,
        .wanted = search->request->k * (is_distinct ? 2 : 1),
        .probes = {task->choice.probes[LISTS_NEAR], task->choice.probes[LISTS_FAR]},
    };
    enum err_code code = ERR_OK;
    for (size_t q = task->first_query; code == ERR_OK && q < end && q < pass->query_count; q++) {
        struct lists_answer answer = {0};
        request.query = q;
        code = bits_search(&request, scratch, &topks[q], &answer, err);
        if (answer.rows == 0)
            search_doubt(search, pass->first_query + q, SEARCH_LOST);
        else if (!answer.is_enough)
            search_doubt(search, pass->first_query + q, SEARCH_SHORT);
        note(search, task->segment, answer.lists, answer.rows, answer.reranked);
        atomic_fetch_add_explicit(&search->coded_rows, answer.rows, memory_order_relaxed);
        atomic_fetch_add_explicit(&search->coded_size,
                                  answer.rows / BIT_GROUP * segment->bits->at.group_size,
                                  memory_order_relaxed);
    }
    return code;
}

/* Checks the blocks of the rows that may be looked at. */
static enum err_code touch(struct segment *segment, const uint64_t *allow, uint64_t first,
                           size_t rows, struct err *err)
{
    const size_t step = allow != NULL ? 64 : rows; /* tasks begin with whole words of a bitmap */
    enum err_code code = ERR_OK;
    for (size_t from = 0; code == ERR_OK && from < rows; from += step) {
        if (allow != NULL && allow[(first + from) / 64] == 0)
            continue;
        const size_t count = rows - from < step ? rows - from : step;
        code = segment_touch(&segment->vectors, first + from, count, segment->facts.row_size, err);
        if (code == ERR_OK)
            code = segment_touch(&segment->ids, first + from, count, sizeof(int64_t), err);
    }
    return code;
}

static enum err_code scan_task(struct search_pass *pass, const struct search_task *task,
                               struct scan_scratch *scratch, struct topk *topks, struct err *err)
{
    struct snapshot *snapshot = pass->search->snapshot;
    struct segment *segment = &snapshot->segments[task->segment];
    const uint64_t *allow = search_allow(pass->search, task->segment);
    const enum err_code code = touch(segment, allow, task->first_row, task->rows, err);
    if (code != ERR_OK)
        return code;
    const struct scan_rows rows = {
        .rows = segment->vectors.data + task->first_row * segment->facts.row_size,
        .row_count = task->rows,
        .ids = segment->ids.data + task->first_row * sizeof(int64_t),
        .first_ordinal = snapshot->bases[task->segment] + task->first_row,
        .dead = segment->dead,
        .allow = allow,
        .first_bit = (size_t)task->first_row,
    };
    scan_block(&pass->scan, &rows, scratch, topks);
    return ERR_OK;
}

static enum err_code run_task(struct search_pass *pass, const struct search_task *task,
                              struct search_scratch *scratch, struct topk *topks, struct err *err)
{
    switch (task->choice.plan) {
    case PLAN_LISTS:
        return lists_task(pass, task, &scratch->lists, topks, err);
    case PLAN_GRAPH:
        return graph_task(pass, task, scratch, topks, err);
    case PLAN_BITS:
        return bits_task(pass, task, &scratch->bits, topks, err);
    case PLAN_FLAT:
    case PLAN_COUNT:
        break;
    }
    return scan_task(pass, task, &scratch->scan, topks, err);
}

enum err_code search_run_task(struct search_pass *pass, const struct search_task *task,
                              struct search_scratch *scratch, struct topk *topks, struct err *err)
{
    struct search *search = pass->search;
    if (search->trace == NULL)
        return run_task(pass, task, scratch, topks, err);
    struct search_trace_part *part = search_trace_part(search->trace, task->segment);
    const uint64_t started_ns = clock_monotonic_ns();
    const enum err_code code = run_task(pass, task, scratch, topks, err);
    if (part != NULL)
        part->time_ns += clock_monotonic_ns() - started_ns;
    if (part != NULL && task->choice.plan == PLAN_FLAT) {
        part->scanned = part->passing;
        part->scored = part->passing;
    }
    return code;
}
