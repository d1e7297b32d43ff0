/* index.c: see index.h. */
#include "engine/index.h"

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

void index_describe(struct snapshot *snapshot, size_t index, struct index_facts *ret_facts)
{
    const struct segment *segment = &snapshot->segments[index];
    struct index_facts facts = {.rows = segment->facts.rows - segment->facts.dead_rows,
                                .partition = segment->facts.partition,
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
    *ret_facts = facts;
}

static bool is_missing(const struct snapshot *snapshot, size_t index, bool is_forced)
{
    return is_possible(snapshot, index) &&
           (is_forced || !lists_are_sound(snapshot->segments[index].lists));
}

uint64_t index_missing_rows(struct snapshot *snapshot, bool is_forced)
{
    uint64_t rows = 0;
    for (size_t k = 0; k < snapshot->segment_count; k++)
        if (is_missing(snapshot, k, is_forced))
            rows += snapshot->segments[k].facts.rows;
    return rows;
}

/* The path of a segment's index; mem_free. */
static char *lists_path(const struct database *database, const struct segment_facts *facts)
{
    char *stem = layout_segment_stem(database->folder, facts->folder, facts->number);
    char *path = stem != NULL ? layout_file(stem, LAYOUT_LISTS) : NULL;
    mem_free(stem);
    return path;
}

static size_t quarter_of_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages / 4 * (size_t)page : (size_t)1 << 30;
}

enum err_code index_build(struct database *database, struct snapshot *snapshot,
                          const struct index_options *options, struct index_counts *ret_counts,
                          struct err *err)
{
    const uint64_t started_ns = clock_monotonic_ns();
    struct index_counts counts = {0};
    struct lists_build_options build = {
        .metric = snapshot->facts.metric,
        .dim = snapshot->facts.dim,
        .threads = options->threads > 0 ? options->threads : pool_processor_count(),
        .memory_max = options->memory_max > 0 ? options->memory_max : quarter_of_memory(),
        .meter = options->meter};
    build.threads = build.threads < POOL_THREADS_MAX ? build.threads : POOL_THREADS_MAX;
    enum err_code code = database_expect_writer(database, err);
    if (code == ERR_OK)
        code = kernel_select(options->isa, &build.kernel, err);
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        if (!is_missing(snapshot, k, options->is_forced)) {
            counts.kept += is_possible(snapshot, k);
            counts.left += !is_possible(snapshot, k);
            continue;
        }
        build.segment = &snapshot->segments[k];
        char *path = lists_path(database, &build.segment->facts);
        code = path != NULL ? lists_build(&build, path, err) : err_nomem(err, "index");
        counts.built += code == ERR_OK;
        mem_free(path);
    }
    counts.time_ns = clock_monotonic_ns() - started_ns;
    *ret_counts = counts;
    return code;
}

enum err_code index_drop(struct database *database, struct snapshot *snapshot, size_t *ret_count,
                         struct err *err)
{
    size_t count = 0;
    enum err_code code = database_expect_writer(database, err);
    for (size_t k = 0; code == ERR_OK && k < snapshot->segment_count; k++) {
        const struct segment *segment = &snapshot->segments[k];
        if (segment->facts.rows == 0)
            continue;
        char *path = lists_path(database, &segment->facts);
        code = path != NULL ? file_remove(path, err) : err_nomem(err, "index");
        count += code == ERR_OK && segment->lists != NULL;
        mem_free(path);
    }
    if (code == ERR_OK)
        *ret_count = count;
    return code;
}
