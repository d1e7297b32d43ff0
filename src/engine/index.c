/* index.c: see index.h. */
#include "engine/index.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "engine/calibrate.h"
#include "engine/database_internal.h"
#include "engine/layout.h"
#include "engine/lists_build.h"
#include "engine/snapshot_internal.h"

_Static_assert(INDEX_LEVELS == LISTS_LEVELS && INDEX_K_CLASSES == LISTS_K_CLASSES,
               "index.h repeats lists_format.h");

static bool is_possible(const struct snapshot *snapshot, size_t index)
{
    const struct segment_facts *facts = &snapshot->segments[index].facts;
    return codes_support(snapshot->facts.metric) &&
           facts->rows - facts->dead_rows >= INDEX_ROWS_MIN && facts->rows < UINT32_MAX;
}

static const char *const state_names[] = {"not needed", "ready", "missing", "building",
                                          "damaged",    "stale", "failed"};

const char *index_state_name(enum index_state state)
{
    return state_names[state];
}

/* The path of a file of a segment; mem_free. */
static char *file_of(const struct database *database, const struct segment_facts *facts,
                     const char *ending)
{
    char *stem = layout_segment_stem(database->folder, facts->folder, facts->number);
    char *path = stem != NULL ? layout_file(stem, ending) : NULL;
    mem_free(stem);
    return path;
}

/* Why is there no index? */
static enum index_state state_of_missing(const struct database *database,
                                         const struct snapshot *snapshot,
                                         const struct segment *segment)
{
    const struct lists_identity identity = {snapshot->facts.metric, snapshot->facts.dim,
                                            segment->facts.rows, segment->facts.sums_hash,
                                            segment->facts.dead_hash};
    if (segment->lists != NULL)
        return INDEX_DAMAGED;
    struct lists *lists = NULL;
    struct err ignored;
    char *path = file_of(database, &segment->facts, LAYOUT_LISTS);
    const enum err_code code =
        path != NULL ? lists_open(path, &identity, &lists, &ignored) : ERR_NOMEM;
    mem_free(path);
    lists_close(lists); /* finished just now: the next snapshot uses it */
    if (code == ERR_OK)
        return INDEX_READY;
    if (code == ERR_STATE || code == ERR_UNSUPPORTED)
        return INDEX_STALE;
    return code == ERR_CORRUPT ? INDEX_DAMAGED : INDEX_MISSING;
}

static void describe_state(const struct database *database, const struct snapshot *snapshot,
                           const struct segment *segment, struct index_facts *facts)
{
    char *path = file_of(database, &segment->facts, LAYOUT_BUILT);
    facts->has_record = path != NULL && index_record_read(path, &facts->record);
    mem_free(path);
    if (facts->is_built)
        facts->state = INDEX_READY;
    else if (facts->is_possible)
        facts->state = state_of_missing(database, snapshot, segment);
    if (facts->state == INDEX_MISSING && facts->has_record && facts->record.has_failed)
        facts->state = INDEX_BROKEN;
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
                                .is_built = lists_are_sound(segment->lists)};
    for (size_t c = 0; c < INDEX_K_CLASSES; c++)
        facts.ks[c] = calibrate_ks[c];
    if (facts.is_built) {
        const struct lists_header *header = &segment->lists->header;
        facts.size = segment->lists->map.size;
        facts.lists = header->lists;
        facts.is_rotated = header->is_rotated;
        for (size_t c = 0; c < INDEX_K_CLASSES; c++)
            for (size_t level = 0; level < INDEX_LEVELS; level++)
                facts.ladder[c][level] = (struct index_rung){
                    calibrate_targets[level], header->ladder.rungs[LISTS_NEAR][c][level].probes,
                    header->ladder.rungs[LISTS_NEAR][c][level].rerank};
    }
    if (segment->facts.rows > 0)
        describe_state(database, snapshot, segment, &facts);
    *ret_facts = facts;
}

static bool is_missing(const struct snapshot *snapshot, size_t index, bool is_forced)
{
    return is_possible(snapshot, index) &&
           (is_forced || !lists_are_sound(snapshot->segments[index].lists));
}

void index_count(const struct snapshot *snapshot, size_t *ret_possible, size_t *ret_ready)
{
    *ret_possible = 0;
    *ret_ready = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        *ret_possible += is_possible(snapshot, k);
        *ret_ready += is_possible(snapshot, k) && snapshot->segments[k].lists != NULL;
    }
}

void index_add_work(struct snapshot *snapshot, bool is_forced, struct index_watch *watch)
{
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        if (!is_missing(snapshot, k, is_forced))
            continue;
        const uint64_t rows = snapshot->segments[k].facts.rows;
        (void)atomic_fetch_add(&watch->work_total, rows * INDEX_PASSES);
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
                        uint64_t work_before)
{
    struct index_watch *watch = run->options->watch;
    if (watch == NULL)
        return;
    atomic_store(&watch->is_under_way, false);
    atomic_store(&watch->meter.rows, work_before + facts->rows * INDEX_PASSES);
    (void)atomic_fetch_add(&watch->segments_done, 1);
}

static bool is_gone(const struct database *database, const struct segment_facts *facts)
{
    char *path = file_of(database, facts, LAYOUT_SUMS);
    const bool is_there = path == NULL || file_exists(path);
    mem_free(path);
    return !is_there;
}

/* Not being able to note what it took is no reason to be without an index. */
static void note(const struct run *run, const struct segment_facts *facts,
                 const struct index_record *record)
{
    struct err ignored;
    char *path = file_of(run->database, facts, LAYOUT_BUILT);
    if (path != NULL)
        (void)!index_record_write(path, record, &ignored);
    mem_free(path);
}

static enum err_code build_lists(struct run *run, struct index_record *record, struct err *err)
{
    const uint64_t wall_ns = clock_monotonic_ns();
    const uint64_t cpu_ns = clock_cpu_ns();
    char *path = file_of(run->database, &run->build.segment->facts, LAYOUT_LISTS);
    const enum err_code code =
        path != NULL ? lists_build(&run->build, path, err) : err_nomem(err, "index");
    mem_free(path);
    record->costs[INDEX_LISTS] =
        (struct index_cost){.cpu_s = (double)(clock_cpu_ns() - cpu_ns) / 1e9,
                            .wall_s = (double)(clock_monotonic_ns() - wall_ns) / 1e9};
    return code;
}

static enum err_code build_segment(struct run *run, struct segment *segment, struct err *err)
{
    struct index_record record = {.threads = run->build.threads};
    struct index_watch *watch = run->options->watch;
    const uint64_t work_before = watch != NULL ? atomic_load(&watch->meter.rows) : 0;
    begin_segment(run, &segment->facts);
    run->build.segment = segment;
    enum err_code code = build_lists(run, &record, err);
    end_segment(run, &segment->facts, work_before);
    if (is_gone(run->database, &segment->facts)) {
        run->counts.gone++;
        return ERR_OK;
    }
    record.built_us = clock_now_us();
    record.has_failed = code == ERR_CORRUPT;
    if (record.has_failed)
        memcpy(record.reason, err->msg, sizeof record.reason);
    if (code == ERR_OK || code == ERR_CORRUPT)
        note(run, &segment->facts, &record);
    run->counts.built += code == ERR_OK;
    run->counts.failed += code == ERR_CORRUPT;
    return code;
}

static enum err_code build_segments(struct run *run, struct snapshot *snapshot, struct err *err)
{
    struct err first = {.code = ERR_OK};
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        if (!is_missing(snapshot, k, run->options->is_forced)) {
            run->counts.kept += is_possible(snapshot, k);
            run->counts.left += !is_possible(snapshot, k);
            continue;
        }
        const enum err_code code = build_segment(run, &snapshot->segments[k], err);
        if (code != ERR_OK && code != ERR_CORRUPT)
            return code;
        if (code == ERR_CORRUPT && first.code == ERR_OK)
            first = *err;
    }
    if (first.code != ERR_OK)
        *err = first;
    return first.code;
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
        .build = {.metric = snapshot->facts.metric,
                  .dim = snapshot->facts.dim,
                  .threads = options->threads > 0 ? options->threads : pool_processor_count(),
                  .memory_max = options->memory_max > 0 ? options->memory_max : quarter_of_memory(),
                  .meter = options->watch != NULL ? &options->watch->meter : NULL}};
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
    static const char *const endings[] = {LAYOUT_LISTS, LAYOUT_BUILT};
    size_t count = 0;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        for (size_t e = 0;
             code == ERR_OK && segment->facts.rows > 0 && e < sizeof endings / sizeof *endings;
             e++) {
            char *path = file_of(database, &segment->facts, endings[e]);
            code = path != NULL ? file_remove(path, err) : err_nomem(err, "index");
            mem_free(path);
        }
        count += code == ERR_OK && segment->lists != NULL;
    }
    if (code == ERR_OK)
        *ret_count = count;
    return code;
}
