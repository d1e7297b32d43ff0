/* index.c: see index.h. */
#include "engine/index.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/bits.h"
#include "engine/bits_build.h"
#include "engine/calibrate.h"
#include "engine/database_internal.h"
#include "engine/graph.h"
#include "engine/graph_build.h"
#include "engine/layout.h"
#include "engine/lists_build.h"
#include "engine/plan.h"
#include "engine/snapshot_internal.h"

#define BITS_ROWS_MIN 1000 /* of rows that are very long */

_Static_assert(INDEX_LEVELS == LISTS_LEVELS && INDEX_K_CLASSES == LISTS_K_CLASSES,
               "index.h repeats lists_format.h");

/* Rows that are not sealed yet, or none. */
static bool is_in_memory(const struct segment *segment)
{
    return segment->facts.rows == 0 || segment->buffer != NULL;
}

static bool is_possible(const struct snapshot *snapshot, size_t index)
{
    const struct segment_facts *facts = &snapshot->segments[index].facts;
    const uint64_t live = facts->rows - facts->dead_rows;
    if (facts->rows >= UINT32_MAX || is_in_memory(&snapshot->segments[index]))
        return false;
    if (bits_support(snapshot->facts.metric))
        return live >= BITS_ROWS_MIN && live * facts->row_size >= INDEX_SIZE_MIN;
    return codes_support(snapshot->facts.metric) && live >= INDEX_ROWS_MIN;
}

/* The lists; those of binary vectors are a file of another kind. */
static bool has_lists(const struct segment *segment)
{
    return segment->lists != NULL || segment->bits != NULL;
}

static bool has_sound_lists(const struct segment *segment)
{
    return segment->bits != NULL ? bits_are_sound(segment->bits) : lists_are_sound(segment->lists);
}

static const char *lists_ending(enum metric_type metric)
{
    return bits_support(metric) ? LAYOUT_BITS : LAYOUT_LISTS;
}

static const char *const state_names[] = {"not needed", "ready", "missing", "building",
                                          "damaged",    "stale", "failed"};

const char *index_state_name(enum index_state state)
{
    return state_names[state];
}

/* The path of an index file of a segment's vector field; mem_free. */
static char *file_of(const struct database *database, const struct segment *segment,
                     const char *ending)
{
    const struct segment_facts *facts = &segment->facts;
    char *stem = layout_segment_stem(database->folder, facts->folder, facts->number);
    char *path = stem != NULL ? layout_index_file(stem, segment->vector_field, ending) : NULL;
    mem_free(stem);
    return path;
}

/* What a file of the segment is like now; one that was finished just now is used by the next
 * snapshot. */
static enum err_code try_file(const struct database *database, const struct snapshot *snapshot,
                              const struct segment *segment, enum index_plan plan)
{
    const struct lists_identity identity = {snapshot->facts.metric, snapshot->facts.dim,
                                            segment->facts.rows, segment->facts.sums_hash,
                                            segment->facts.dead_hash};
    const enum metric_type metric = snapshot->facts.metric;
    struct lists *lists = NULL;
    struct graph *graph = NULL;
    struct bits *bits = NULL;
    struct err ignored;
    char *path =
        file_of(database, segment, plan == INDEX_LISTS ? lists_ending(metric) : LAYOUT_GRAPH);
    enum err_code code = ERR_NOMEM;
    if (path != NULL && plan == INDEX_GRAPH)
        code = graph_open(path, &identity, &graph, &ignored);
    else if (path != NULL && bits_support(metric))
        code = bits_open(path, &identity, &bits, &ignored);
    else if (path != NULL)
        code = lists_open(path, &identity, &lists, &ignored);
    mem_free(path);
    lists_close(lists);
    graph_close(graph);
    bits_close(bits);
    return code;
}

/* The lists count first; a graph may be missing beside sound lists. */
static enum index_state state_of_files(const struct database *database,
                                       const struct snapshot *snapshot,
                                       const struct segment *segment,
                                       const struct index_facts *facts)
{
    const bool has_graph = facts->has_graph || facts->is_judged;
    if (facts->is_built && has_graph)
        return INDEX_READY;
    if ((!facts->is_built && has_lists(segment)) || (!has_graph && segment->graph != NULL))
        return INDEX_DAMAGED;
    enum err_code code =
        facts->is_built ? ERR_OK : try_file(database, snapshot, segment, INDEX_LISTS);
    if (code == ERR_OK && !has_graph)
        code = try_file(database, snapshot, segment, INDEX_GRAPH);
    if (code == ERR_OK)
        return INDEX_READY;
    if (code == ERR_STATE || code == ERR_UNSUPPORTED)
        return INDEX_STALE;
    return code == ERR_CORRUPT ? INDEX_DAMAGED : INDEX_MISSING;
}

static void describe_state(const struct database *database, const struct snapshot *snapshot,
                           const struct segment *segment, struct index_facts *facts)
{
    char *path = file_of(database, segment, LAYOUT_BUILT);
    facts->has_record = path != NULL && index_record_read(path, &facts->record);
    mem_free(path);
    if (facts->is_possible)
        facts->state = state_of_files(database, snapshot, segment, facts);
    if (facts->state == INDEX_MISSING && facts->has_record && facts->record.has_failed)
        facts->state = INDEX_BROKEN;
}

static void describe_lists(const struct lists_header *header, struct index_facts *facts)
{
    facts->lists = header->lists;
    facts->is_rotated = header->is_rotated;
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        for (size_t level = 0; level < INDEX_LEVELS; level++) {
            const struct lists_rung *rung = &header->ladder.rungs[LISTS_NEAR][c][level];
            facts->ladder[c][level].probes = rung->probes;
            facts->ladder[c][level].rerank = rung->rerank;
        }
}

static void describe_bits(const struct bits_header *header, struct index_facts *facts)
{
    facts->lists = header->lists;
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        for (size_t level = 0; level < INDEX_LEVELS; level++)
            facts->ladder[c][level].probes = header->ladder.probes[LISTS_NEAR][c][level];
}

static void describe_graph(const struct graph_header *header, struct index_facts *facts)
{
    facts->degree = header->degree;
    facts->bits = header->bits;
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        for (size_t level = 0; level < INDEX_LEVELS; level++) {
            const struct graph_rung *rung = &header->ladder.rungs[0][c][level];
            facts->ladder[c][level].ef = rung->ef;
            facts->ladder[c][level].graph_rerank = rung->rerank;
        }
}

/* What a single query would do. */
static void choose_plans(const struct segment *segment, struct index_facts *facts)
{
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        for (size_t level = 0; level < INDEX_LEVELS; level++) {
            const struct search_request request = {
                .query_count = 1, .k = calibrate_ks[c], .level = (unsigned)level + 1};
            const struct plan_choice choice = plan_choose(segment, &request, false, facts->rows);
            facts->ladder[c][level].recall = calibrate_targets[level];
            facts->ladder[c][level].plan = plan_name(choice.plan);
        }
}

void index_describe(const struct database *database, struct snapshot *snapshot, size_t index,
                    struct index_facts *ret_facts)
{
    const struct segment *segment = &snapshot->segments[index];
    struct index_facts facts = {.rows = segment->facts.rows - segment->facts.dead_rows,
                                .partition = segment->facts.partition,
                                .folder = segment->facts.folder,
                                .number = segment->facts.number,
                                .is_possible = is_possible(snapshot, index),
                                .is_built = has_sound_lists(segment),
                                .has_graph = graph_is_sound(segment->graph)};
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        facts.ks[c] = calibrate_ks[c];
    facts.is_judged = bits_support(snapshot->facts.metric) ||
                      (segment->graph != NULL && segment->graph->header.nodes == 0);
    if (facts.is_built && segment->bits != NULL)
        describe_bits(&segment->bits->header, &facts);
    else if (facts.is_built)
        describe_lists(&segment->lists->header, &facts);
    if (facts.has_graph)
        describe_graph(&segment->graph->header, &facts);
    if (facts.is_built)
        facts.size = segment->bits != NULL ? segment->bits->map.size : segment->lists->map.size;
    facts.size += (segment->graph != NULL ? segment->graph->map.size : 0);
    choose_plans(segment, &facts);
    if (!is_in_memory(segment))
        describe_state(database, snapshot, segment, &facts);
    *ret_facts = facts;
}

/* The graph is made anew when the lists are. */
static bool is_missing(const struct snapshot *snapshot, size_t index, enum index_plan plan,
                       bool is_forced)
{
    if (!is_possible(snapshot, index))
        return false;
    struct graph *graph = snapshot->segments[index].graph;
    const bool has_graph = bits_support(snapshot->facts.metric) ||
                           (graph != NULL && (graph->header.nodes == 0 || graph_is_sound(graph)));
    return is_forced || !has_sound_lists(&snapshot->segments[index]) ||
           (plan == INDEX_GRAPH && !has_graph);
}

void index_count(const struct snapshot *snapshot, size_t *ret_possible, size_t *ret_ready)
{
    *ret_possible = 0;
    *ret_ready = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        *ret_possible += is_possible(snapshot, k);
        const struct segment *segment = &snapshot->segments[k];
        *ret_ready += is_possible(snapshot, k) && has_lists(segment) &&
                      (segment->bits != NULL || segment->graph != NULL);
    }
}

void index_count_first(const struct snapshot *snapshot, size_t *ret_possible, size_t *ret_ready)
{
    *ret_possible = 0;
    *ret_ready = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        *ret_possible += is_possible(snapshot, k);
        *ret_ready += is_possible(snapshot, k) && has_lists(&snapshot->segments[k]);
    }
}

void index_add_work(struct snapshot *snapshot, bool is_forced, struct index_watch *watch)
{
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        if (!is_missing(snapshot, k, INDEX_GRAPH, is_forced))
            continue;
        const uint64_t rows = snapshot->segments[k].facts.rows;
        const bool lacks_lists = is_missing(snapshot, k, INDEX_LISTS, is_forced);
        const bool wants_graph = !bits_support(snapshot->facts.metric);
        (void)atomic_fetch_add(&watch->work_total, rows * ((wants_graph ? INDEX_GRAPH_PASSES : 0) +
                                                           (lacks_lists ? INDEX_PASSES : 0)));
        (void)atomic_fetch_add(&watch->rows_total, rows);
        (void)atomic_fetch_add(&watch->segments_total, 1);
    }
}

static size_t quarter_of_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages / 4 * (size_t)page : (size_t)1 << 30;
}

/* A build of one collection. */
struct run {
    struct database *database;
    const struct index_options *options;
    enum index_plan last_plan; /* which is wanted; a segment is done when it has it */
    struct lists_build_options build;
    struct index_counts counts;
};

static void begin_segment(const struct run *run, const struct segment_facts *facts)
{
    struct index_watch *watch = run->options->watch;
    if (watch == NULL)
        return;
    atomic_store(&watch->folder, facts->folder);
    atomic_store(&watch->number, facts->number);
    atomic_store(&watch->is_under_way, true);
}

/* Whatever the build has counted, its share of the work is done. */
static void end_segment(const struct run *run, const struct segment_facts *facts,
                        enum index_plan plan, uint64_t work_before)
{
    struct index_watch *watch = run->options->watch;
    if (watch == NULL)
        return;
    const uint64_t passes = plan == INDEX_LISTS ? INDEX_PASSES : INDEX_GRAPH_PASSES;
    atomic_store(&watch->is_under_way, false);
    atomic_store(&watch->meter.rows, work_before + facts->rows * passes);
    if (plan == run->last_plan)
        (void)atomic_fetch_add(&watch->segments_done, 1);
}

static bool is_gone(const struct database *database, const struct segment_facts *facts)
{
    char *stem = layout_segment_stem(database->folder, facts->folder, facts->number);
    char *path = stem != NULL ? layout_file(stem, LAYOUT_SUMS) : NULL;
    const bool is_there = path == NULL || file_exists(path);
    mem_free(path);
    mem_free(stem);
    return !is_there;
}

/* Not being able to note what it took is no reason to be without an index. */
static void note(const struct run *run, const struct segment *segment,
                 const struct index_record *record)
{
    struct err ignored;
    char *path = file_of(run->database, segment, LAYOUT_BUILT);
    if (path != NULL)
        (void)!index_record_write(path, record, &ignored);
    mem_free(path);
}

static enum err_code build_lists(struct run *run, struct err *err)
{
    const enum metric_type metric = run->build.metric;
    char *path = file_of(run->database, run->build.segment, lists_ending(metric));
    if (path == NULL)
        return err_nomem(err, "index");
    const enum err_code code = bits_support(metric) ? bits_build(&run->build, path, err)
                                                    : lists_build(&run->build, path, err);
    mem_free(path);
    return code;
}

/* From the lists as they are on disk now. */
static enum err_code build_graph(struct run *run, struct err *err)
{
    const struct segment_facts *facts = &run->build.segment->facts;
    const struct lists_identity identity = {run->build.metric, run->build.dim, facts->rows,
                                            facts->sums_hash, facts->dead_hash};
    char *path = file_of(run->database, run->build.segment, LAYOUT_LISTS);
    char *target = file_of(run->database, run->build.segment, LAYOUT_GRAPH);
    struct lists *lists = NULL;
    enum err_code code = ERR_OK;
    if (path == NULL || target == NULL)
        code = err_nomem(err, "index");
    if (code == ERR_OK)
        code = lists_open(path, &identity, &lists, err);
    if (code == ERR_OK && !lists_are_sound(lists))
        code = err_set(err, ERR_IO, "%s: what was written is not what is read", path);
    if (code == ERR_OK)
        code = graph_build(&run->build, lists, target, err);
    lists_close(lists);
    mem_free(path);
    mem_free(target);
    return code;
}

/* What is known of the lists' build stays when the graph is added. */
static void read_record(const struct run *run, const struct segment *segment,
                        struct index_record *record)
{
    char *path = file_of(run->database, segment, LAYOUT_BUILT);
    if (path == NULL || !index_record_read(path, record))
        *record = (struct index_record){0};
    mem_free(path);
}

static enum err_code build_segment(struct run *run, struct segment *segment, enum index_plan plan,
                                   struct err *err)
{
    struct index_record record = {0};
    struct index_watch *watch = run->options->watch;
    const uint64_t work_before = watch != NULL ? atomic_load(&watch->meter.rows) : 0;
    const uint64_t wall_ns = clock_monotonic_ns();
    const uint64_t cpu_ns = clock_cpu_ns();
    if (plan == INDEX_GRAPH)
        read_record(run, segment, &record);
    begin_segment(run, &segment->facts);
    run->build.segment = segment;
    enum err_code code = plan == INDEX_LISTS ? build_lists(run, err) : build_graph(run, err);
    end_segment(run, &segment->facts, plan, work_before);
    if (is_gone(run->database, &segment->facts)) {
        run->counts.gone += plan == run->last_plan;
        return ERR_OK;
    }
    record.costs[plan] =
        (struct index_cost){.cpu_s = (double)(clock_cpu_ns() - cpu_ns) / 1e9,
                            .wall_s = (double)(clock_monotonic_ns() - wall_ns) / 1e9};
    record.threads = run->build.threads;
    record.built_us = clock_now_us();
    record.has_failed = code == ERR_CORRUPT;
    if (record.has_failed)
        memcpy(record.reason, err->msg, sizeof record.reason);
    if (code == ERR_OK || code == ERR_CORRUPT)
        note(run, segment, &record);
    run->counts.built += code == ERR_OK && plan == run->last_plan;
    run->counts.failed += code == ERR_CORRUPT;
    return code;
}

/* One kind of index for all segments that lack it. A damaged segment gets no further.
 *   is_bad  a flag for each segment */
static enum err_code build_plan(struct run *run, struct snapshot *snapshot, enum index_plan plan,
                                bool *is_bad, struct err *first, struct err *err)
{
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        if (is_bad[k] || !is_missing(snapshot, k, plan, run->options->is_forced))
            continue;
        const enum err_code code = build_segment(run, &snapshot->segments[k], plan, err);
        if (code != ERR_OK && code != ERR_CORRUPT)
            return code;
        is_bad[k] = code == ERR_CORRUPT;
        if (code == ERR_CORRUPT && first->code == ERR_OK)
            *first = *err;
    }
    return ERR_OK;
}

static enum err_code build_segments(struct run *run, struct snapshot *snapshot, struct err *err)
{
    struct err first = {.code = ERR_OK};
    bool *is_bad = mem_zalloc(snapshot->segment_count + 1, sizeof *is_bad);
    if (is_bad == NULL)
        return err_nomem(err, "index");
    for (size_t k = 0; k < snapshot->segment_count; k++)
        if (!is_missing(snapshot, k, run->last_plan, run->options->is_forced)) {
            run->counts.kept += is_possible(snapshot, k);
            run->counts.left += !is_possible(snapshot, k);
        }
    enum err_code code = build_plan(run, snapshot, INDEX_LISTS, is_bad, &first, err);
    if (code == ERR_OK && run->last_plan == INDEX_GRAPH)
        code = build_plan(run, snapshot, INDEX_GRAPH, is_bad, &first, err);
    mem_free(is_bad);
    if (code == ERR_OK && first.code != ERR_OK) {
        *err = first;
        code = first.code;
    }
    return code;
}

enum err_code index_build(struct database *database, struct snapshot *snapshot,
                          const struct index_options *options, struct index_counts *ret_counts,
                          struct err *err)
{
    const uint64_t started_ns = clock_monotonic_ns();
    const uint64_t cpu_ns = clock_cpu_ns();
    struct run run = {
        .database = database,
        .options = options,
        .last_plan = options->is_lists_only || bits_support(snapshot->facts.metric) ? INDEX_LISTS
                                                                                    : INDEX_GRAPH,
        .build = {.metric = snapshot->facts.metric,
                  .dim = snapshot->facts.dim,
                  .threads = options->threads > 0 ? options->threads : pool_processor_count(),
                  .memory_max = options->memory_max > 0 ? options->memory_max : quarter_of_memory(),
                  .meter = options->watch != NULL ? &options->watch->meter : NULL,
                  .keeps_graph = options->keeps_graphs}};
    if (run.build.threads > POOL_THREADS_MAX)
        run.build.threads = POOL_THREADS_MAX;
    enum err_code code = kernel_select(options->isa, &run.build.kernel, err);
    if (code == ERR_OK)
        code = build_segments(&run, snapshot, err);
    run.counts.time_ns = clock_monotonic_ns() - started_ns;
    run.counts.cpu_ns = clock_cpu_ns() - cpu_ns;
    *ret_counts = run.counts;
    return code;
}

enum err_code index_drop(struct database *database, struct snapshot *snapshot, size_t *ret_count,
                         struct err *err)
{
    static const char *const endings[] = {LAYOUT_GRAPH, LAYOUT_LISTS, LAYOUT_BITS, LAYOUT_BUILT};
    size_t count = 0;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        for (size_t e = 0;
             code == ERR_OK && !is_in_memory(segment) && e < sizeof endings / sizeof *endings;
             e++) {
            char *path = file_of(database, segment, endings[e]);
            code = path != NULL ? file_remove(path, err) : err_nomem(err, "index");
            mem_free(path);
        }
        count += code == ERR_OK && has_lists(segment);
    }
    if (code == ERR_OK)
        *ret_count = count;
    return code;
}
