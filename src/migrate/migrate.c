/* migrate.c: see migrate.h. The order of a run, and what is on disk after each step:
 *
 *   1 plan, checks, duplicate ids        nothing
 *   2 job in the catalog                 PENDING, then MIGRATING
 *   3 segments (worker.c)                staged, invisible; notes in the catalog
 *   4 phase "publishing" in the catalog  everything is verified
 *   5 target publishes                   all collections visible, in one step
 *   6 counts of what is visible; job     SUCCESSFUL
 *
 * A process that dies in 1-3 continues there. After 4 the same job goes on with 5, which changes
 * nothing if it was done already. */
#include "migrate/migrate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/pool.h"
#include "migrate/catalog.h"
#include "migrate/compare.h"
#include "migrate/job_options.h"
#include "migrate/prepare.h"
#include "migrate/progress_write.h"
#include "migrate/work_lock.h"
#include "migrate/worker.h"

#define THREADS_MAX 12 /* each holds up to 16 MiB of buffers, and all of us stay under 256 */
#define JOB_TEXT_MAX ((size_t)64 << 20)

struct run {
    struct source *source;
    const char *place; /* its location, the same from whatever folder it is named */
    struct target *target;
    const struct migrate_options *options;
    struct migrate_progress *progress;
    struct migrate_result *result;
    struct plan plan;
    struct losers *losers;
    struct catalog *catalog;
    struct open_job job;
    struct segment_note *notes; /* one for each segment of the plan */
    char *options_text;
    struct work_lock lock;
    struct arena arena;
    struct meter meter;
};

/* "big", "./big/" and "/data/big" are one source; what is no path here stays as it is. */
static enum err_code find_place(struct run *run, struct err *err)
{
    char *real = realpath(run->source->description.location, NULL);
    run->place = arena_strdup(&run->arena, real != NULL ? real : run->source->description.location);
    free(real);
    return run->place != NULL ? ERR_OK : err_nomem(err, "location of the source");
}

static enum if_exists if_exists_of(const struct run *run)
{
    return run->options->if_exists;
}

static enum err_code refuse_other(const struct open_job *job, const char *what, const char *was,
                                  const char *is, struct err *err)
{
    return err_set(err, ERR_STATE,
                   "job %" PRId64 " is unfinished, with another %s: it has %s, this command %s; "
                   "run its command again to continue it, cancel it with `godwit jobs`, or add "
                   "--restart to throw its work away",
                   job->id, what, was, is);
}

static enum err_code check_same(const struct run *run, const struct open_job *job, struct err *err)
{
    if (strcmp(job->facts.source, run->place) != 0)
        return refuse_other(job, "source", job->facts.source, run->place, err);
    if (strcmp(job->facts.options, run->options_text) != 0)
        return refuse_other(job, "set of options", job->facts.options, run->options_text, err);
    if (strcmp(job->facts.fingerprint, run->plan.fingerprint) != 0)
        return refuse_other(job, "state of the source", job->facts.fingerprint,
                            run->plan.fingerprint, err);
    return ERR_OK;
}

/* The staged work goes first: if we die in between, the job is still there to be continued. */
static enum err_code throw_away(struct run *run, const struct open_job *job, struct err *err)
{
    const enum err_code code = run->target->ops->discard(run->target, job->token, err);
    return code == ERR_OK ? catalog_step(run->catalog, job->id, JOB_CANCEL, "started anew", err)
                          : code;
}

/* A job that ended well without anybody having been told: this command gets its answer. */
static enum err_code find_untold(struct run *run, struct err *err)
{
    struct open_job job = {0};
    if (run->options->restart || !work_lock_is_untold(&run->lock))
        return ERR_OK;
    const enum err_code code = catalog_find_last(run->catalog, &run->arena, &job, err);
    struct err other;
    if (code == ERR_OK && job.is_finished && check_same(run, &job, &other) == ERR_OK)
        run->job = job;
    return code;
}

/* The unfinished job of the same source and options, if there is one. */
static enum err_code find_job(struct run *run, struct err *err)
{
    for (;;) {
        struct open_job job = {0};
        enum err_code code = catalog_find_open(run->catalog, &run->arena, &job, err);
        if (code != ERR_OK || job.id == 0)
            return code;
        if (!run->options->restart) {
            code = check_same(run, &job, err);
            if (code == ERR_OK)
                run->job = job;
            return code;
        }
        code = throw_away(run, &job, err);
        if (code != ERR_OK)
            return code;
    }
}

static enum err_code read_notes(struct run *run, struct err *err)
{
    run->notes = arena_array(&run->arena, run->plan.segment_count, sizeof *run->notes);
    if (run->notes == NULL)
        return err_nomem(err, "list of segments");
    enum err_code code = ERR_OK;
    for (size_t k = 0; run->job.id != 0 && code == ERR_OK && k < run->plan.segment_count; k++) {
        const struct plan_segment *segment = &run->plan.segments[k];
        code = catalog_read_segment(run->catalog, run->job.id,
                                    run->plan.collections[segment->collection].source->name,
                                    segment->source->name, &run->notes[k], err);
    }
    return code;
}

/* The part of the bytes that no earlier run has copied, 0..1. */
static double remaining_part(const struct run *run)
{
    double all = 0;
    double left = 0;
    for (size_t k = 0; k < run->plan.segment_count; k++) {
        const double size = (double)run->plan.segments[k].source->size;
        all += size;
        left += run->notes[k].state < SEGMENT_COPIED ? size : 0;
    }
    return all > 0 ? left / all : 1;
}

/* Everything that can be refused is refused here, before the first byte is written. */
static enum err_code check_all(struct run *run, struct err *err)
{
    enum err_code code = ERR_OK;
    if (run->target != NULL)
        code = plan_check_target(&run->plan, run->target, if_exists_of(run), err);
    progress_set_phase(run->progress, PROGRESS_IDS);
    const struct prepare_inputs inputs = {.source = run->source,
                                          .plan = &run->plan,
                                          .selection = run->options->selection,
                                          .stop = run->options->stop};
    if (code == ERR_OK)
        code = prepare_losers(&inputs, &run->result->verify, &run->losers, err);
    if (code == ERR_OK && run->target != NULL)
        code = plan_check_space(&run->plan, run->target, remaining_part(run),
                                &run->result->size_needed, &run->result->size_free, err);
    return code;
}

static enum err_code begin_job(struct run *run, struct err *err)
{
    const char *arguments = run->options->source_arguments;
    const struct job_facts facts = {.source = run->place,
                                    .source_kind = run->source->description.kind,
                                    .fingerprint = run->plan.fingerprint,
                                    .options = run->options_text,
                                    .source_arguments = arguments != NULL ? arguments : "{}"};
    const bool is_new = run->job.id == 0;
    enum err_code code = ERR_OK;
    if (is_new)
        code = catalog_add_job(run->catalog, &facts, &run->plan, &run->arena, &run->job, err);
    if (code == ERR_OK)
        code = catalog_step(run->catalog, run->job.id, is_new ? JOB_START : JOB_RESUME, NULL, err);
    if (code == ERR_OK && run->options->command_line != NULL)
        code = catalog_log_command(run->catalog, run->job.id, run->options->command_line, err);
    run->result->job = run->job.id;
    run->result->was_resumed = !is_new;
    progress_set_job(run->progress, run->job.id);
    return code;
}

static enum err_code stage_collections(struct run *run, struct err *err)
{
    const struct target_ops *ops = run->target->ops;
    enum err_code code = ops->stage_begin(run->target, run->job.token, err);
    for (size_t k = 0; code == ERR_OK && k < run->plan.collection_count; k++) {
        const struct staged_collection staged = {.name = run->plan.collections[k].target_name,
                                                 .source = run->plan.collections[k].source,
                                                 .if_exists = if_exists_of(run)};
        code = ops->stage_collection(run->target, &staged, err);
        if (code != ERR_OK)
            return err_wrap(err, "collection %s", staged.name);
    }
    return code;
}

static enum err_code copy_all(struct run *run, struct err *err)
{
    struct worker_counts counts = {0};
    size_t threads = run->options->threads > 0 ? run->options->threads : pool_processor_count();
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    const struct worker_inputs inputs = {.source = run->source,
                                         .target = run->target,
                                         .plan = &run->plan,
                                         .notes = run->notes,
                                         .losers = run->losers,
                                         .catalog = run->catalog,
                                         .job = run->job.id,
                                         .threads = threads,
                                         .meter = &run->meter,
                                         .progress = run->progress};
    progress_set_phase(run->progress, PROGRESS_COPYING);
    progress_start_copy(run->progress, &run->meter);
    const enum err_code code = worker_run(&inputs, &run->result->verify, &counts, err);
    run->result->segments_found = counts.found;
    run->result->segments_retried = counts.retried;
    return code;
}

/* All segments were verified when the phase was noted: their tallies are in the notes. */
static enum err_code take_noted_tallies(struct run *run, struct err *err)
{
    for (size_t k = 0; k < run->plan.segment_count; k++) {
        const struct plan_segment *segment = &run->plan.segments[k];
        const struct plan_collection *collection = &run->plan.collections[segment->collection];
        if (run->notes[k].state != SEGMENT_DONE)
            return err_set(err, ERR_STATE,
                           "job %" PRId64 ": segment %s is not verified, yet the job was to be "
                           "published; start anew with --restart",
                           run->job.id, segment->source->name);
        struct compared_partition *partition =
            &run->result->verify.collections[segment->collection]
                 .partitions[collection->partition_at[segment->source->partition]];
        partition->source = tally_add(partition->source, run->notes[k].tally);
        partition->target = partition->source;
        run->result->segments_found++;
    }
    return catalog_read_base_rows(run->catalog, run->job.id, &run->plan, err);
}

/* Rows that the target shows for one collection of the plan. */
static enum err_code check_published_collection(const struct run *run, size_t index,
                                                const struct source *published, struct err *err)
{
    const struct compared_collection *expected = &run->result->verify.collections[index];
    const struct source_collection *found = source_find(published, expected->target_name);
    const uint64_t base = run->plan.collections[index].base_rows;
    uint64_t rows = base;
    for (size_t p = 0; p < expected->partition_count; p++)
        rows += expected->partitions[p].source.rows;
    if (found == NULL)
        return err_set(err, ERR_MISMATCH, "collection %s is not in the target after publishing",
                       expected->target_name);
    if (found->live_rows != rows)
        return err_set(err, ERR_MISMATCH,
                       "collection %s: the target shows %" PRIu64 " rows after publishing, %" PRIu64
                       " expected",
                       expected->target_name, found->live_rows, rows);
    for (size_t p = 0; base == 0 && p < expected->partition_count; p++) {
        uint64_t shown = 0;
        for (size_t k = 0; k < found->partition_count; k++)
            shown += strcmp(found->partitions[k].tag, expected->partitions[p].tag) == 0
                         ? found->partitions[k].rows
                         : 0;
        if (shown != expected->partitions[p].source.rows)
            return err_set(err, ERR_MISMATCH,
                           "collection %s, partition %s: the target shows %" PRIu64
                           " rows after publishing, %" PRIu64 " expected",
                           expected->target_name, expected->partitions[p].tag, shown,
                           expected->partitions[p].source.rows);
    }
    return ERR_OK;
}

static enum err_code check_published(const struct run *run, struct err *err)
{
    struct source *published = NULL;
    enum err_code code = run->target->ops->as_source(run->target, &published, err);
    for (size_t k = 0; code == ERR_OK && k < run->plan.collection_count; k++)
        code = check_published_collection(run, k, published, err);
    source_close(published);
    return code;
}

/* The table says what is in the target now. */
static void finish_table(struct run *run)
{
    struct verify_result *table = &run->result->verify;
    for (size_t k = 0; k < table->collection_count; k++) {
        struct compared_collection *collection = &table->collections[k];
        collection->presence = PRESENT_IN_BOTH;
        collection->target_metric = collection->source_metric;
        collection->target_dim = collection->source_dim;
        for (size_t p = 0; p < collection->partition_count; p++)
            collection->partitions[p].presence = PRESENT_IN_BOTH;
    }
    compare_finish(table);
}

static enum err_code publish(struct run *run, struct err *err)
{
    progress_set_phase(run->progress, PROGRESS_PUBLISHING);
    enum err_code code = ERR_OK;
    if (!run->job.is_publishing)
        code = catalog_begin_publishing(run->catalog, run->job.id, &run->plan, err);
    if (code == ERR_OK)
        code = run->target->ops->publish(run->target, err);
    if (code == ERR_OK)
        code = check_published(run, err);
    if (code != ERR_OK)
        return code;
    finish_table(run);
    const char *left_out = run->plan.left_out;
    char *detail = NULL;
    if (*left_out != '\0' && (detail = arena_printf(&run->arena, "left out: %s", left_out)) == NULL)
        return err_nomem(err, "reason of the job");
    code = work_lock_set_untold(&run->lock, true, err);
    return code == ERR_OK ? catalog_step(run->catalog, run->job.id, JOB_VERIFIED, detail, err)
                          : code;
}

/* Steps 3 to 6; whatever goes wrong is noted in the job, if that is possible at all. */
static enum err_code carry_out(struct run *run, struct err *err)
{
    enum err_code code = ERR_OK;
    if (run->job.is_publishing) {
        code = take_noted_tallies(run, err);
        if (code == ERR_OK)
            code = run->target->ops->stage_begin(run->target, run->job.token, err);
    } else {
        code = stage_collections(run, err);
        if (code == ERR_OK)
            code = copy_all(run, err);
    }
    if (code == ERR_OK)
        code = publish(run, err);
    if (code == ERR_OK)
        return ERR_OK;
    struct err second;
    const enum err_code noted =
        catalog_step(run->catalog, run->job.id, code == ERR_INTERRUPTED ? JOB_STOPPED : JOB_BROKE,
                     code == ERR_INTERRUPTED ? NULL : err->msg, &second);
    (void)noted; /* a job that still says MIGRATING is continued like one that died */
    return code;
}

static enum err_code open_catalog(struct run *run, struct err *err)
{
    enum err_code code = work_lock_take(run->target->work_folder, &run->lock, err);
    if (code == ERR_OK)
        code = job_options_write(run->options->selection, if_exists_of(run), run->options->way,
                                 &run->options_text, err);
    if (code == ERR_OK)
        code = catalog_open(run->target->catalog_path, &run->catalog, err);
    if (code == ERR_OK)
        code = find_job(run, err);
    if (code == ERR_OK && run->job.id == 0)
        code = find_untold(run, err);
    return code;
}

/* What a dry run knows: the source's side. */
static void fill_from_plan(struct run *run)
{
    struct verify_result *table = &run->result->verify;
    for (size_t k = 0; k < run->plan.segment_count; k++) {
        const struct plan_segment *segment = &run->plan.segments[k];
        const struct plan_collection *collection = &run->plan.collections[segment->collection];
        table->collections[segment->collection]
            .partitions[collection->partition_at[segment->source->partition]]
            .source.rows += segment->source->live_rows -
                            losers_count(run->losers, collection->index, segment->segment);
    }
    compare_finish(table);
}

/* Looks once more at what a finished job has made. */
static enum err_code tell_again(struct run *run, struct err *err)
{
    run->result->job = run->job.id;
    run->result->was_resumed = true;
    progress_set_job(run->progress, run->job.id);
    enum err_code code = take_noted_tallies(run, err);
    if (code == ERR_OK)
        code = check_published(run, err);
    if (code == ERR_OK)
        finish_table(run);
    return code;
}

static enum err_code run_all(struct run *run, struct err *err)
{
    const struct migrate_options *options = run->options;
    progress_set_phase(run->progress, PROGRESS_PLANNING);
    enum err_code code = plan_make(run->source, options->selection, &run->plan, err);
    if (code == ERR_OK)
        code = compare_add_source(&run->result->verify, &run->plan, err);
    if (code == ERR_OK)
        code = prepare_progress(run->progress, &run->plan, err);
    if (code == ERR_OK && !options->is_dry_run)
        code = open_catalog(run, err);
    if (code == ERR_OK)
        code = read_notes(run, err);
    if (code == ERR_OK && run->job.is_finished)
        return tell_again(run, err);
    if (code == ERR_OK && !run->job.is_publishing)
        code = check_all(run, err);
    if (code == ERR_OK && options->is_dry_run)
        fill_from_plan(run);
    if (code != ERR_OK || options->is_dry_run)
        return code;
    code = begin_job(run, err);
    return code == ERR_OK ? carry_out(run, err) : code;
}

enum err_code migrate_run(struct source *source, struct target *target,
                          const struct migrate_options *options, struct migrate_progress *progress,
                          struct migrate_result *ret_result, struct err *err)
{
    const uint64_t began = clock_monotonic_ns();
    *ret_result = (struct migrate_result){0};
    compare_init(&ret_result->verify);
    if (target == NULL && !options->is_dry_run)
        return err_set(err, ERR_USAGE, "no target");
    struct run run = {.source = source,
                      .target = target,
                      .options = options,
                      .progress = progress,
                      .result = ret_result,
                      .lock = {.fd = -1}};
    arena_init(&run.arena, JOB_TEXT_MAX);
    meter_init(&run.meter, options->rate_max, options->stop);
    enum err_code code = find_place(&run, err);
    if (code == ERR_OK)
        code = run_all(&run, err);
    if (code == ERR_OK && *run.plan.left_out != '\0')
        code = err_set(err, ERR_LEFT_OUT, "%s, but for what is damaged: %s",
                       options->is_dry_run ? "would migrate" : "migrated", run.plan.left_out);
    if (code != ERR_OK && code != ERR_LEFT_OUT) {
        verify_result_release(&ret_result->verify); /* half a table would look like differences */
        compare_init(&ret_result->verify);
    }
    ret_result->verify.elapsed_ns = clock_monotonic_ns() - began;
    catalog_close(run.catalog);
    losers_free(run.losers);
    mem_free(run.options_text);
    work_lock_release(&run.lock);
    plan_release(&run.plan);
    arena_release(&run.arena);
    progress_set_phase(progress, PROGRESS_ENDED);
    return code;
}

void migrate_result_release(struct migrate_result *result)
{
    verify_result_release(&result->verify);
    *result = (struct migrate_result){0};
}
