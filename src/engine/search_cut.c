/* search_cut.c: which segments are searched, by which plan, in which tasks (search_internal.h). */
#include "base/bitmap.h"
#include "base/mem.h"
#include "engine/search_internal.h"

#define TASK_SIZE ((size_t)4 << 20) /* bytes of vectors in a task */
#define TASK_ROWS_MIN 256
#define TASKS_PER_THREAD 4

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

/* Live rows that the filter lets through. */
static uint64_t count_passing(const struct segment *segment, const uint64_t *allow)
{
    const size_t rows = (size_t)segment->facts.rows;
    if (allow == NULL)
        return rows - segment->facts.dead_rows;
    if (segment->dead == NULL)
        return bitmap_count(allow, rows);
    uint64_t count = 0;
    for (size_t word = 0; word < bitmap_words(rows); word++) {
        uint64_t bits = allow[word] & ~segment->dead[word];
        if (rows - word * 64 < 64)
            bits &= ((uint64_t)1 << (rows - word * 64)) - 1;
        count += (uint64_t)__builtin_popcountll(bits);
    }
    return count;
}

enum err_code search_choose_plans(struct search *search, struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    bool *wanted = NULL;
    enum err_code code = choose_partitions(search, &wanted, err);
    if (code != ERR_OK)
        return code;
    search->parts = mem_zalloc(snapshot->segment_count + 1, sizeof *search->parts);
    if (search->parts == NULL)
        code = err_nomem(err, "search");
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        struct search_part *part = &search->parts[k];
        part->is_wanted = wanted[segment->facts.partition];
        if (!part->is_wanted)
            continue;
        part->passing = count_passing(segment, search_allow(search, k));
        part->choice =
            plan_choose(segment, search->request, search_allow(search, k) != NULL, part->passing);
        search->plan_counts[part->choice.plan]++;
        search->cost_us += part->choice.cost_us * (double)search->request->query_count;
        search->passing += part->passing;
        search->segments++;
    }
    mem_free(wanted);
    return code;
}

static enum err_code add_task(struct search *search, const struct search_task *task,
                              struct err *err)
{
    if (!mem_grow(&search->tasks, &search->task_capacity, search->task_count,
                  sizeof *search->tasks))
        return err_nomem(err, "search");
    search->tasks[search->task_count++] = *task;
    return ERR_OK;
}

/* A segment, row range by row range; those without a row that passes are left out. */
static enum err_code add_scans(struct search *search, size_t segment, size_t rows_max,
                               struct err *err)
{
    const uint64_t rows = search->snapshot->segments[segment].facts.rows;
    const uint64_t *allow = search_allow(search, segment);
    enum err_code code = ERR_OK;
    for (uint64_t first = 0; code == ERR_OK && first < rows; first += rows_max) {
        const uint64_t left = rows - first;
        const struct search_task task = {.segment = segment,
                                         .choice = search->parts[segment].choice,
                                         .first_row = first,
                                         .rows = left < rows_max ? (size_t)left : rows_max};
        if (allow != NULL &&
            bitmap_next(allow, (size_t)first + task.rows, (size_t)first, true) == first + task.rows)
            continue;
        code = add_task(search, &task, err);
    }
    search->rows += allow != NULL ? search->parts[segment].passing : rows;
    return code;
}

/* A segment, some queries of a pass at a time. */
static enum err_code add_queries(struct search *search, size_t segment, size_t query_count,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t first = 0; code == ERR_OK && first < query_count; first += SEARCH_TASK_QUERIES) {
        const struct search_task task = {
            .segment = segment, .choice = search->parts[segment].choice, .first_query = first};
        code = add_task(search, &task, err);
    }
    return code;
}

/* Rows of a task: a multiple of 64, small enough that every thread gets some. */
static size_t task_rows(const struct search *search)
{
    const struct snapshot *snapshot = search->snapshot;
    uint64_t rows = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++)
        if (search->parts[k].is_wanted)
            rows += snapshot->segments[k].facts.rows;
    const uint64_t share = rows / (search->threads * TASKS_PER_THREAD);
    uint64_t task = TASK_SIZE / snapshot->facts.row_size;
    task = task < share ? task : share;
    task = task > TASK_ROWS_MIN ? task : TASK_ROWS_MIN;
    return (size_t)((task + 63) / 64 * 64);
}

enum err_code search_make_tasks(struct search *search, size_t group, struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    const size_t rows_max = task_rows(search);
    const size_t queries = search->request->query_count;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        if (search->parts[k].passing == 0)
            continue;
        switch (search->parts[k].choice.plan) {
        case PLAN_FLAT:
            code = add_scans(search, k, rows_max, err);
            break;
        case PLAN_COUNT:
            break;
        case PLAN_LISTS:
        case PLAN_GRAPH:
        case PLAN_BITS:
            code = add_queries(search, k, queries < group ? queries : group, err);
            break;
        }
    }
    return code;
}
