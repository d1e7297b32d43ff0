/* prepare.c: see prepare.h. */
#include "migrate/prepare.h"

#include <inttypes.h>

#include "base/text.h"
#include "migrate/progress_write.h"

#define ID_SIZE 8U

static enum err_code refuse_duplicates(const char *collection,
                                       const struct duplicate_counts *counts, struct err *err)
{
    struct text ids;
    text_init(&ids);
    for (size_t k = 0; k < counts->example_count; k++)
        text_addf(&ids, "%s%" PRId64, k > 0 ? ", " : "", counts->examples[k]);
    const enum err_code code =
        err_set(err, ERR_TARGET,
                "collection %s: %" PRIu64 " ids occur more than once, %" PRIu64
                " rows too many (ids %s%s); choose --duplicates first or keep",
                collection, counts->ids, counts->rows, text_get(&ids),
                counts->ids > counts->example_count ? ", ..." : "");
    text_release(&ids);
    return code;
}

enum err_code prepare_losers(const struct prepare_inputs *inputs, struct verify_result *result,
                             struct losers **ret_losers, struct err *err)
{
    *ret_losers = NULL;
    const struct selection *selection = inputs->selection;
    if (selection == NULL || selection->duplicates == DUPLICATES_KEEP)
        return ERR_OK;
    enum err_code code = losers_new(inputs->source, DUPLICATES_SLOTS_MAX, ret_losers, err);
    for (size_t k = 0; code == ERR_OK && k < inputs->plan->collection_count; k++) {
        struct duplicate_counts counts = {0};
        const struct plan_collection *collection = &inputs->plan->collections[k];
        code = losers_find(*ret_losers, collection->index, inputs->stop, &counts, err);
        if (code == ERR_OK && selection->duplicates == DUPLICATES_FAIL && counts.rows > 0)
            code = refuse_duplicates(collection->source->name, &counts, err);
        if (code == ERR_OK) {
            result->collections[k].dropped_rows = counts.rows;
            result->collections[k].duplicate_rows = counts.rows;
        }
    }
    return code;
}

enum err_code prepare_progress(struct migrate_progress *progress, const struct plan *plan,
                               struct err *err)
{
    if (progress == NULL)
        return ERR_OK;
    const char **names = mem_alloc(plan->collection_count, sizeof *names);
    struct progress_numbers *totals = mem_zalloc(plan->collection_count, sizeof *totals);
    enum err_code code = ERR_OK;
    if (names == NULL || totals == NULL)
        code = err_nomem(err, "progress");
    for (size_t k = 0; code == ERR_OK && k < plan->collection_count; k++) {
        const struct source_collection *source = plan->collections[k].source;
        names[k] = plan->collections[k].target_name;
        totals[k].rows_total = source->live_rows;
        totals[k].size_total = source->live_rows * (source->row_size + ID_SIZE);
    }
    for (size_t k = 0; code == ERR_OK && k < plan->segment_count; k++)
        totals[plan->segments[k].collection].segments_total++;
    if (code == ERR_OK)
        code = progress_set_plan(progress, names, totals, plan->collection_count, err);
    mem_free(names);
    mem_free(totals);
    return code;
}
