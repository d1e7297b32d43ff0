/* indexing.c: see indexing.h. */
#include "cli/indexing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/detach.h"
#include "base/mem.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "engine/collection.h"
#include "engine/database.h"
#include "engine/index_builder.h"
#include "engine/layout.h"

#define BACKGROUND_NICENESS 10

enum err_code indexing_check(const struct arguments *arguments, struct err *err)
{
    if (arguments_has(arguments, "wait-index") && arguments_has(arguments, "no-index"))
        return err_set(err, ERR_USAGE, "--wait-index and --no-index exclude each other");
    return ERR_OK;
}

static void count_collection(struct database *database, const char *name,
                             struct indexing_summary *summary)
{
    struct err ignored;
    struct snapshot *snapshot = NULL;
    size_t possible = 0;
    size_t ready = 0;
    if (database_snapshot(database, name, &snapshot, &ignored) != ERR_OK)
        return;
    const struct schema *schema = &snapshot_info(snapshot)->schema;
    for (size_t f = 0; f < schema->field_count; f++) {
        struct snapshot *view = NULL;
        if (!field_type_is_vector(schema->fields[f].type) ||
            snapshot_for_field(snapshot, f, &view, &ignored) != ERR_OK)
            continue;
        index_count(view, &possible, &ready);
        summary->possible += possible;
        summary->ready += ready;
    }
    snapshot_unref(snapshot);
}

/* Of one collection, or of all. A database that cannot be read has nothing to show. */
static void count_segments(const char *folder, const char *collection,
                           struct indexing_summary *summary)
{
    struct err ignored;
    struct database *database = NULL;
    struct collection_list list;
    if (database_open(folder, DATABASE_READ, &database, &ignored) != ERR_OK)
        return;
    if (database_list(database, &list, &ignored) == ERR_OK) {
        for (size_t i = 0; i < list.count; i++)
            if (collection == NULL || strcmp(list.items[i].name, collection) == 0)
                count_collection(database, list.items[i].name, summary);
        collection_list_release(&list);
    }
    database_close(database);
}

enum err_code indexing_detach(const char *folder, struct err *err)
{
    char *absolute = realpath(folder, NULL);
    char *log = absolute != NULL ? layout_index_log(absolute) : NULL;
    enum err_code code = log != NULL ? ERR_OK : err_nomem(err, folder);
    if (code == ERR_OK)
        code = index_builder_ask(absolute, err);
    if (code == ERR_OK) {
        char name[] = "godwit", verb[] = "index", build[] = "--build", leave[] = "--no-wait";
        char form[] = "--progress=plain";
        char *const arguments[] = {name, verb, absolute, build, leave, form, NULL};
        code = detach_self(arguments, log, BACKGROUND_NICENESS, err);
    }
    mem_free(log);
    free(absolute); /* realpath's */
    return code;
}

static enum err_code open_builder(const struct indexing *indexing,
                                  struct index_builder **ret_builder, struct err *err)
{
    enum err_code code =
        index_builder_open(indexing->folder, interrupt_flag(), false, ret_builder, err);
    if (code != ERR_LOCKED || !indexing->waits)
        return code;
    log_line("%s; waiting for it", err->msg);
    return index_builder_open(indexing->folder, interrupt_flag(), true, ret_builder, err);
}

static enum err_code build_once(const struct indexing *indexing, struct index_counts *ret_counts,
                                struct err *err)
{
    struct index_builder *builder = NULL;
    enum err_code code = open_builder(indexing, &builder, err);
    if (code != ERR_OK)
        return code;
    struct progress_display *display =
        progress_start_index(indexing->arguments, index_builder_watch(builder));
    code = index_builder_run(builder, indexing->collection, &indexing->options, ret_counts, err);
    progress_stop(display);
    index_builder_close(builder);
    return code;
}

enum err_code indexing_build(const struct indexing *indexing, struct index_counts *ret_counts,
                             struct err *err)
{
    struct index_counts late;
    *ret_counts = (struct index_counts){0};
    enum err_code code = build_once(indexing, ret_counts, err);
    struct indexing more = *indexing;
    more.collection = NULL;
    more.waits = false;
    more.options.is_forced = false;
    while (code == ERR_OK && index_builder_is_wanted(indexing->folder))
        code = build_once(&more, &late, err);
    if (code == ERR_LOCKED && ret_counts->time_ns > 0)
        return ERR_OK; /* what came late is the next one's */
    return code;
}

/* What the command said must be out before it goes on for minutes. */
static void wait_here(const struct arguments *arguments, const char *folder)
{
    struct err err = {.code = ERR_OK};
    struct index_counts counts;
    const struct indexing indexing = {.arguments = arguments,
                                      .folder = folder,
                                      .options = {.isa = getenv("GODWIT_ISA")},
                                      .waits = true};
    enum err_code code = output_finish(&err);
    if (code != ERR_OK)
        return; /* the end of the command finds the same */
    code = indexing_build(&indexing, &counts, &err);
    char time[NUMBER_SIZE];
    if (code == ERR_OK)
        log_line("%zu %s built in %s", counts.built, plural(counts.built, "index", "indexes"),
                 format_seconds(counts.time_ns, time));
    else if (code == ERR_INTERRUPTED)
        log_line("the rows are there; godwit index %s --build goes on with the indexes", folder);
    else
        log_error("index: %s; the rows are there, and searches look at all of them", err.msg);
}

void indexing_follow(const struct arguments *arguments, const char *folder, const char *collection)
{
    if (arguments_has(arguments, "no-index"))
        return;
    struct indexing_summary summary = {0};
    count_segments(folder, collection, &summary);
    if (summary.ready >= summary.possible)
        return;
    if (arguments_has(arguments, "wait-index")) {
        wait_here(arguments, folder);
        return;
    }
    struct err err;
    if (indexing_detach(folder, &err) == ERR_OK)
        log_line("indexes are being built in the background; godwit jobs %s shows how far", folder);
    else
        log_line("%s; godwit index %s --build builds the indexes", err.msg, folder);
}

void indexing_summarize(const char *folder, struct indexing_summary *ret_summary)
{
    struct indexing_summary summary = {0};
    index_status_read(folder, &summary.status);
    count_segments(folder, NULL, &summary);
    *ret_summary = summary;
}

const char *indexing_state(const struct indexing_summary *summary)
{
    if (summary->status.activity == INDEX_BUILDING)
        return index_activity_name(INDEX_BUILDING);
    if (summary->possible == 0)
        return "none";
    if (summary->ready == summary->possible)
        return "complete";
    return summary->status.activity == INDEX_IDLE ? "missing"
                                                  : index_activity_name(summary->status.activity);
}

void indexing_add_json(const struct indexing_summary *summary, const char *key, struct text *text)
{
    const struct index_status *status = &summary->status;
    char time[CLOCK_TEXT_SIZE];
    json_open(text, key, '{');
    json_add_string(text, "state", indexing_state(summary));
    json_add_uint(text, "segments", summary->possible);
    json_add_uint(text, "segments_done", summary->ready);
    if (status->activity != INDEX_IDLE) {
        clock_format_utc(status->updated_us, time);
        json_add_int(text, "process", status->process);
        json_add_string(text, "updated", time);
        json_add_double(text, "done", status->progress.done);
    }
    if (status->activity == INDEX_BUILDING && status->progress.has_eta)
        json_add_uint(text, "eta_s", status->progress.eta_s);
    if (status->reason[0] != '\0')
        json_add_string(text, "reason", status->reason);
    json_close(text, '}');
}

static void add_building(const struct index_status *status, struct text *text)
{
    char left[NUMBER_SIZE];
    const struct index_progress *p = &status->progress;
    text_add(text, ", building");
    if (p->segments_total > 0)
        text_addf(text, ": %.0f %% of %llu", 100.0 * p->done,
                  (unsigned long long)p->segments_total);
    if (p->has_eta)
        text_addf(text, ", %s left", format_duration(p->eta_s, left));
    text_addf(text, " (process %lld)", (long long)status->process);
}

void indexing_add_line(const struct indexing_summary *summary, struct text *text)
{
    const char *state = indexing_state(summary);
    if (strcmp(state, "none") == 0)
        return;
    text_addf(text, "indexes: %zu of %zu segments", summary->ready, summary->possible);
    if (summary->status.activity == INDEX_BUILDING)
        add_building(&summary->status, text);
    else if (strcmp(state, "complete") != 0)
        text_addf(text, ", %s; godwit index DB --build builds the rest", state);
    if (strcmp(state, "failed") == 0) {
        text_add(text, ": ");
        output_name(text, summary->status.reason);
    }
    text_add(text, "\n");
}
