/* verify.c: see verify.h.
 *
 * All segments of both sides are read once by a pool of threads, largest first; each gives a tally,
 * and tallies are added up per partition, so the order of the threads does not matter. */
#include "migrate/verify.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/text.h"
#include "migrate/compare.h"
#include "migrate/difference.h"
#include "migrate/prepare.h"
#include "migrate/progress_write.h"
#include "migrate/rows.h"

#define DIFFERENCES_TOLD 3
#define IDS_TOLD 5

struct comparison {
    struct source *source;
    struct source *target;
    const struct losers *losers;
    struct compare_items items;
    size_t *order;
    const atomic_bool *stop;
    struct migrate_progress *progress;
};

/* Damage in the target is a difference to be told, not an end of the comparison. */
static enum err_code note_unreadable(struct compare_item *item, enum err_code code, struct err *err)
{
    if (!item->is_target || (code != ERR_CORRUPT && code != ERR_NOT_FOUND))
        return code;
    item->is_unreadable = true;
    item->tally = (struct tally){0};
    err->code = ERR_OK;
    return ERR_OK;
}

static enum err_code tally_item(void *argument, size_t index, struct err *err)
{
    struct comparison *comparison = argument;
    struct compare_item *item = &comparison->items.items[comparison->order[index]];
    if (item->is_unreadable)
        return ERR_OK;
    struct source *source = item->is_target ? comparison->target : comparison->source;
    const enum metric_type metric = source->description.collections[item->collection].metric;
    const struct rows_watch watch = {.stop = comparison->stop,
                                     .progress = item->is_target ? NULL : comparison->progress,
                                     .collection = item->row,
                                     .has_floats = !item->is_target && !metric_is_binary(metric)};
    struct live_segment live = {0};
    enum err_code code = live_open(item->is_target ? NULL : comparison->losers, source,
                                   item->collection, item->segment, &live, err);
    if (code == ERR_OK)
        code = rows_tally(live.reader, live.dead, &watch, &item->tally, err);
    live_close(&live);
    if (!item->is_target)
        progress_add_done(comparison->progress, item->row);
    return note_unreadable(item, code, err);
}

static enum err_code add_source_items(const struct plan *plan, struct compare_items *items,
                                      struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < plan->segment_count; k++) {
        const struct plan_segment *segment = &plan->segments[k];
        const struct plan_collection *collection = &plan->collections[segment->collection];
        code =
            compare_add_item(items,
                             &(struct compare_item){
                                 .row = segment->collection,
                                 .partition = collection->partition_at[segment->source->partition],
                                 .collection = collection->index,
                                 .segment = segment->segment,
                                 .size = segment->source->size},
                             err);
    }
    return code;
}

/* Why the first unreadable segment is so: read again alone, so that the sentence does not depend on
 * the threads. */
static enum err_code name_unreadable(const struct comparison *comparison,
                                     const struct compare_item *item, struct verify_result *result,
                                     struct err *err)
{
    struct compare_item copy = *item;
    copy.is_unreadable = false;
    struct segment_reader *reader = NULL;
    struct err reason = {0};
    enum err_code code =
        source_open_segment(comparison->target, item->collection, item->segment, &reader, &reason);
    if (code == ERR_OK)
        code = rows_tally(reader, reader->dead, NULL, &copy.tally, &reason);
    segment_reader_close(reader);
    const struct source_collection *collection =
        &comparison->target->description.collections[item->collection];
    result->unreadable =
        arena_printf(&result->arena, "%s%s%s", collection->segments[item->segment].name,
                     code != ERR_OK ? ": " : "", code != ERR_OK ? reason.msg : "");
    return result->unreadable != NULL ? ERR_OK : err_nomem(err, "unreadable segment");
}

static enum err_code add_up(const struct comparison *comparison, struct verify_result *result,
                            struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < comparison->items.count; k++) {
        const struct compare_item *item = &comparison->items.items[k];
        struct compared_partition *partition =
            &result->collections[item->row].partitions[item->partition];
        struct tally *tally = item->is_target ? &partition->target : &partition->source;
        *tally = tally_add(*tally, item->tally);
        if (item->is_unreadable && result->unreadable_segments++ == 0)
            code = name_unreadable(comparison, item, result, err);
    }
    compare_finish(result);
    return code;
}

static bool may_search(const struct compared_collection *collection)
{
    return collection->presence != PRESENT_IN_BOTH ||
           (collection->source_metric == collection->target_metric &&
            collection->source_dim == collection->target_dim);
}

static enum err_code search_differences(const struct comparison *comparison, size_t threads,
                                        struct verify_result *result, struct err *err)
{
    const struct difference_inputs inputs = {.source = comparison->source,
                                             .target = comparison->target,
                                             .losers = comparison->losers,
                                             .items = comparison->items.items,
                                             .item_count = comparison->items.count,
                                             .threads = threads,
                                             .stop = comparison->stop,
                                             .pairs_max = DIFFERENCE_PAIRS_MAX};
    progress_set_phase(comparison->progress, PROGRESS_SEARCHING);
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < result->collection_count; k++) {
        const struct compared_collection *collection = &result->collections[k];
        for (size_t p = 0; code == ERR_OK && p < collection->partition_count; p++) {
            const struct compared_partition *partition = &collection->partitions[p];
            if (may_search(collection) && !tally_equal(&partition->source, &partition->target))
                code = difference_find(&inputs, result, k, p, err);
        }
    }
    return code;
}

static void tell_ids(struct text *text, const char *word, const struct id_list *list)
{
    if (list->count == 0)
        return;
    text_addf(text, "%s%" PRIu64 " rows %s", text->size > 0 ? ", " : "", list->count, word);
    for (size_t k = 0; k < list->kept && k < IDS_TOLD; k++)
        text_addf(text, "%s%" PRId64, k > 0 ? ", " : " (ids ", list->ids[k]);
    if (list->kept > 0)
        text_addf(text, "%s)", list->count > IDS_TOLD ? ", ..." : "");
}

static void tell_partition(struct text *text, const struct compared_partition *partition)
{
    if (partition->presence == PRESENT_IN_SOURCE)
        text_add(text, "the partition is missing in the target");
    else if (partition->presence == PRESENT_IN_TARGET)
        text_add(text, "the partition is only in the target");
    tell_ids(text, "missing", &partition->missing);
    tell_ids(text, "extra", &partition->extra);
    tell_ids(text, "changed", &partition->changed);
}

static void tell_collection(struct text *text, const struct compared_collection *collection)
{
    if (collection->presence == PRESENT_IN_SOURCE)
        text_addf(text, "%s: not in the target", collection->target_name);
    else if (collection->presence == PRESENT_IN_TARGET)
        text_addf(text, "%s: only in the target", collection->name);
    else if (!may_search(collection))
        text_addf(text, "%s: metric %s, dimension %zu in the source, %s, %zu in the target",
                  collection->name, metric_name(collection->source_metric), collection->source_dim,
                  metric_name(collection->target_metric), collection->target_dim);
    for (size_t p = 0; may_search(collection) && collection->presence == PRESENT_IN_BOTH &&
                       p < collection->partition_count;
         p++) {
        if (collection->partitions[p].is_equal)
            continue;
        struct text part;
        text_init(&part);
        tell_partition(&part, &collection->partitions[p]);
        text_addf(text, "%s%s / %s: %s", text->size > 0 ? "; " : "", collection->name,
                  collection->partitions[p].tag, text_get(&part));
        text->has_failed |= text_failed(&part);
        text_release(&part);
        return; /* one partition stands for all of a collection here; the result has them */
    }
}

/* The sentence: how many collections differ, and the first of them. */
static enum err_code tell_differences(const struct verify_result *result, struct err *err)
{
    struct text text;
    text_init(&text);
    uint64_t count = 0;
    for (size_t k = 0; k < result->collection_count; k++) {
        if (result->collections[k].is_equal)
            continue;
        struct text part;
        text_init(&part);
        tell_collection(&part, &result->collections[k]);
        if (count++ < DIFFERENCES_TOLD)
            text_addf(&text, "; %s", text_get(&part));
        text.has_failed |= text_failed(&part);
        text_release(&part);
    }
    enum err_code code = ERR_OK;
    if (text_failed(&text))
        code = err_nomem(err, "differences");
    else
        code = err_set(err, ERR_MISMATCH, "%" PRIu64 " of %zu collections differ%s%s%s", count,
                       result->collection_count, text_get(&text),
                       *result->unreadable != '\0' ? "; unreadable in the target: " : "",
                       result->unreadable);
    text_release(&text);
    return code;
}

static enum err_code judge(const struct plan *plan, const struct verify_result *result,
                           struct err *err)
{
    if (!result->is_equal)
        return tell_differences(result, err);
    if (*plan->left_out != '\0')
        return err_set(err, ERR_LEFT_OUT, "equal, but for what is damaged in the source: %s",
                       plan->left_out);
    return ERR_OK;
}

static enum err_code compare_sources(struct comparison *comparison, struct plan *plan,
                                     const struct verify_options *options,
                                     struct verify_result *result, struct err *err)
{
    const struct selection *selection = options->selection;
    const size_t threads = options->threads > 0 ? options->threads : pool_processor_count();
    struct losers *losers = NULL;
    enum err_code code = compare_add_source(result, plan, err);
    if (code == ERR_OK && selection != NULL && selection->duplicates == DUPLICATES_FIRST) {
        progress_set_phase(comparison->progress, PROGRESS_IDS);
        const struct prepare_inputs inputs = {.source = comparison->source,
                                              .plan = plan,
                                              .selection = selection,
                                              .stop = comparison->stop};
        code = prepare_losers(&inputs, result, &losers, err);
        comparison->losers = losers;
    }
    const bool has_extra = selection == NULL || selection->collection_count == 0;
    if (code == ERR_OK)
        code = prepare_progress(comparison->progress, plan, err);
    if (code == ERR_OK)
        code = add_source_items(plan, &comparison->items, err);
    if (code == ERR_OK)
        code = compare_add_target(result, plan, comparison->target, has_extra, &comparison->items,
                                  err);
    if (code == ERR_OK && (comparison->order = compare_order(&comparison->items)) == NULL)
        code = err_nomem(err, "list of segments");
    progress_set_phase(comparison->progress, PROGRESS_COMPARING);
    if (code == ERR_OK)
        code = pool_run(threads, comparison->items.count, tally_item, comparison, err);
    if (code == ERR_OK)
        code = add_up(comparison, result, err);
    if (code == ERR_OK && !result->is_equal)
        code = search_differences(comparison, threads, result, err);
    losers_free(losers);
    return code;
}

enum err_code verify_run(struct source *a, struct source *b, const struct verify_options *options,
                         struct migrate_progress *progress, struct verify_result *ret_result,
                         struct err *err)
{
    const uint64_t began = clock_monotonic_ns();
    compare_init(ret_result);
    struct comparison comparison = {
        .source = a, .target = b, .stop = options->stop, .progress = progress};
    struct plan plan;
    progress_set_phase(progress, PROGRESS_PLANNING);
    enum err_code code = plan_make(a, options->selection, &plan, err);
    if (code == ERR_OK)
        code = plan_check_findings(b, NULL, err);
    if (code == ERR_OK)
        code = compare_sources(&comparison, &plan, options, ret_result, err);
    if (code == ERR_OK)
        code = judge(&plan, ret_result, err);
    ret_result->elapsed_ns = clock_monotonic_ns() - began;
    mem_free(comparison.items.items);
    mem_free(comparison.order);
    plan_release(&plan);
    progress_set_phase(progress, PROGRESS_ENDED);
    if (code != ERR_OK && code != ERR_MISMATCH && code != ERR_LEFT_OUT) {
        verify_result_release(ret_result);
        compare_init(ret_result);
    }
    return code;
}
