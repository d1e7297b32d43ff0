/* search_trace.c: see search_trace.h. */
#include "engine/search_trace.h"

#include "base/mem.h"
#include "engine/search_internal.h"

/* Why a segment is scanned whole. */
static const char *why_flat(const struct search *search, const struct segment *segment,
                            const struct search_part *part)
{
    if (part->passing == 0)
        return "no row passes";
    if (plan_level(search->request) == SEARCH_LEVEL_MAX)
        return "an exact answer was asked for";
    if (segment->lists == NULL && segment->graph == NULL && segment->bits == NULL)
        return "it has no index";
    if (search->request->k > SEARCH_INDEX_K_MAX)
        return "indexes answer a k up to 1000";
    return "an index would cost as much, or its ladder does not reach the level";
}

static const char *why_index(const struct search *search, size_t segment)
{
    return search_allow(search, segment) != NULL ? "cheapest for the rows that pass"
                                                 : "cheapest that reaches the level";
}

enum err_code search_trace_parts(const struct search *search, struct search_trace *trace,
                                 struct err *err)
{
    const struct snapshot *snapshot = search->snapshot;
    trace->level = plan_level(search->request);
    trace->parts = mem_zalloc(snapshot->segment_count + 1, sizeof *trace->parts);
    if (trace->parts == NULL)
        return err_nomem(err, "search");
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        const struct search_part *part = &search->parts[k];
        const struct segment *segment = &snapshot->segments[k];
        if (!part->is_wanted)
            continue;
        const bool is_flat = part->choice.plan == PLAN_FLAT;
        trace->parts[trace->count++] = (struct search_trace_part){
            .segment = k,
            .live = segment->facts.rows - segment->facts.dead_rows,
            .passing = part->passing,
            .plan = plan_name(part->choice.plan),
            .why = is_flat ? why_flat(search, segment, part) : why_index(search, k),
            .cost_us = part->choice.cost_us,
            .flat_us = plan_flat_cost(segment, search->request, part->passing),
        };
    }
    return ERR_OK;
}

struct search_trace_part *search_trace_part(struct search_trace *trace, size_t segment)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->parts[i].segment == segment)
            return &trace->parts[i];
    return NULL;
}

void search_trace_release(struct search_trace *trace)
{
    mem_free(trace->parts);
    *trace = (struct search_trace){0};
}
