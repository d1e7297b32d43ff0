/* progress.c: see progress.h. The list of collections is complete before its count is released, and
 * never changes afterwards. What is copied is counted by the meters, so it moves while a segment is
 * under way. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"
#include "migrate/progress_write.h"

#define PROGRESS_NAMES_MAX ((size_t)64 << 20)

struct collection_counters {
    const char *name;
    struct progress_numbers totals;
    struct meter meter; /* copied by this run, for this collection */
    atomic_uint_least64_t rows_found;
    atomic_uint_least64_t size_found;
    atomic_uint_least64_t rows_verified;
    atomic_uint_least64_t size_verified;
    atomic_uint_least64_t segments_done;
};

struct migrate_progress {
    atomic_int phase;
    atomic_int_least64_t job;
    atomic_uint_least64_t started_ns;
    atomic_size_t count;
    struct collection_counters *collections;
    struct arena names;
};

struct migrate_progress *migrate_progress_new(void)
{
    struct migrate_progress *progress = mem_zalloc(1, sizeof *progress);
    if (progress != NULL)
        arena_init(&progress->names, PROGRESS_NAMES_MAX);
    return progress;
}

void migrate_progress_free(struct migrate_progress *progress)
{
    if (progress == NULL)
        return;
    mem_free(progress->collections);
    arena_release(&progress->names);
    mem_free(progress);
}

void progress_set_phase(struct migrate_progress *progress, enum progress_phase phase)
{
    if (progress == NULL)
        return;
    if (phase == PROGRESS_COPYING || phase == PROGRESS_COMPARING)
        atomic_store(&progress->started_ns, clock_monotonic_ns());
    atomic_store(&progress->phase, (int)phase);
}

void progress_set_job(struct migrate_progress *progress, int64_t job)
{
    if (progress != NULL)
        atomic_store(&progress->job, job);
}

enum err_code progress_set_plan(struct migrate_progress *progress, const char *const *names,
                                const struct progress_numbers *totals, size_t count,
                                struct err *err)
{
    if (progress == NULL || progress->collections != NULL)
        return ERR_OK;
    struct collection_counters *collections = mem_zalloc(count, sizeof *collections);
    if (collections == NULL)
        return err_nomem(err, "progress");
    for (size_t k = 0; k < count; k++) {
        collections[k].name = arena_strdup(&progress->names, names[k]);
        collections[k].totals = totals[k];
        meter_init(&collections[k].meter, 0, NULL);
        if (collections[k].name == NULL) {
            mem_free(collections);
            return err_nomem(err, "progress");
        }
    }
    progress->collections = collections;
    atomic_store_explicit(&progress->count, count, memory_order_release);
    return ERR_OK;
}

void progress_start_copy(struct migrate_progress *progress, struct meter *overall)
{
    if (progress == NULL || progress->collections == NULL)
        return;
    const size_t count = atomic_load(&progress->count);
    for (size_t k = 0; k < count; k++)
        progress->collections[k].meter.parent = overall;
}

struct meter *progress_copy_meter(struct migrate_progress *progress, size_t collection,
                                  struct meter *overall)
{
    if (progress == NULL || progress->collections == NULL)
        return overall;
    return &progress->collections[collection].meter;
}

static struct collection_counters *counters(struct migrate_progress *progress, size_t collection)
{
    return progress != NULL && progress->collections != NULL ? &progress->collections[collection]
                                                             : NULL;
}

void progress_add_found(struct migrate_progress *progress, size_t collection, uint64_t rows,
                        uint64_t size)
{
    struct collection_counters *at = counters(progress, collection);
    if (at == NULL)
        return;
    atomic_fetch_add(&at->rows_found, rows);
    atomic_fetch_add(&at->size_found, size);
}

void progress_take_back(struct migrate_progress *progress, size_t collection, uint64_t rows,
                        uint64_t size)
{
    struct collection_counters *at = counters(progress, collection);
    if (at == NULL)
        return;
    atomic_fetch_sub(&at->meter.rows, rows);
    atomic_fetch_sub(&at->meter.size, size);
}

void progress_add_verified(struct migrate_progress *progress, size_t collection, uint64_t rows,
                           uint64_t size)
{
    struct collection_counters *at = counters(progress, collection);
    if (at == NULL)
        return;
    atomic_fetch_add(&at->rows_verified, rows);
    atomic_fetch_add(&at->size_verified, size);
}

void progress_add_done(struct migrate_progress *progress, size_t collection)
{
    struct collection_counters *at = counters(progress, collection);
    if (at != NULL)
        atomic_fetch_add(&at->segments_done, 1);
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

/* A target counts what it writes, which may be a little more or less than what was read. */
static struct progress_numbers read_numbers(const struct collection_counters *at)
{
    struct progress_numbers numbers = at->totals;
    numbers.size_found = atomic_load(&at->size_found);
    numbers.rows_copied =
        at_most(atomic_load(&at->meter.rows) + atomic_load(&at->rows_found), numbers.rows_total);
    numbers.size_copied =
        at_most(atomic_load(&at->meter.size) + numbers.size_found, numbers.size_total);
    numbers.rows_verified = at_most(atomic_load(&at->rows_verified), numbers.rows_total);
    numbers.size_verified = at_most(atomic_load(&at->size_verified), numbers.size_total);
    numbers.segments_done = atomic_load(&at->segments_done);
    return numbers;
}

static void add_numbers(struct progress_numbers *sum, const struct progress_numbers *part)
{
    sum->rows_total += part->rows_total;
    sum->rows_copied += part->rows_copied;
    sum->rows_verified += part->rows_verified;
    sum->size_total += part->size_total;
    sum->size_copied += part->size_copied;
    sum->size_verified += part->size_verified;
    sum->size_found += part->size_found;
    sum->segments_total += part->segments_total;
    sum->segments_done += part->segments_done;
}

void migrate_progress_get(const struct migrate_progress *progress, struct progress_view *ret_view)
{
    struct progress_view view = {.phase = (enum progress_phase)atomic_load(&progress->phase),
                                 .job = atomic_load(&progress->job),
                                 .started_ns = atomic_load(&progress->started_ns),
                                 .collection_count =
                                     atomic_load_explicit(&progress->count, memory_order_acquire)};
    for (size_t k = 0; k < view.collection_count; k++) {
        const struct progress_numbers numbers = read_numbers(&progress->collections[k]);
        add_numbers(&view.all, &numbers);
    }
    *ret_view = view;
}

void migrate_progress_get_collection(const struct migrate_progress *progress, size_t index,
                                     struct progress_collection *ret_collection)
{
    const struct collection_counters *at = &progress->collections[index];
    *ret_collection = (struct progress_collection){.name = at->name, .numbers = read_numbers(at)};
}

const char *progress_phase_name(enum progress_phase phase)
{
    static const char *const names[] = {"planning",  "checking ids", "copying", "publishing",
                                        "comparing", "searching",    "done"};
    return names[phase];
}
