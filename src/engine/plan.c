/* plan.c: see plan.h. */
#include "engine/plan.h"

#include "engine/calibrate.h"

#define FLAT_BYTES 33e3  /* of vectors read, a microsecond */
#define FLAT_START 1.0   /* microseconds */
#define FLAT_WORDS 64e3  /* rows whose bits are looked at, a microsecond */
#define FLAT_ROW 0.03    /* of a row that is read alone */
#define BATCH_MIN 12     /* queries from which the exact scan is limited by arithmetic ... */
#define BATCH_FACTOR 5.0 /* ... and so much faster a query */

const char *plan_name(enum plan plan)
{
    switch (plan) {
    case PLAN_LISTS:
        return "lists";
    case PLAN_FLAT:
        break;
    }
    return "flat";
}

unsigned plan_level(const struct search_request *request)
{
    if (request->recall <= 0.0F)
        return request->level != 0 ? request->level : SEARCH_LEVEL_DEFAULT;
    for (unsigned level = 1; level <= LISTS_LEVELS; level++)
        if (calibrate_targets[level - 1] >= request->recall)
            return level;
    return SEARCH_LEVEL_MAX;
}

/* Of the rows that pass; few of them are read one by one. */
static double flat_cost(const struct segment *segment, const struct search_request *request,
                        uint64_t passing)
{
    const double rows = (double)segment->facts.rows;
    const double wanted = (double)passing;
    const double row_cost = (double)segment->facts.row_size / FLAT_BYTES;
    const double cost = FLAT_START + rows / FLAT_WORDS + wanted * row_cost +
                        (wanted < rows / 4 ? wanted * FLAT_ROW : 0.0);
    return request->query_count < BATCH_MIN ? cost : cost / BATCH_FACTOR;
}

struct plan_choice plan_choose(const struct segment *segment, const struct search_request *request,
                               bool is_filtered, uint64_t passing)
{
    const struct plan_choice flat = {.plan = PLAN_FLAT,
                                     .cost_us = flat_cost(segment, request, passing)};
    if (is_filtered || request->has_range_filter)
        return flat;
    const unsigned level = plan_level(request);
    size_t class = 0;
    while (class < LISTS_K_CLASSES && calibrate_ks[class] < request->k)
        class ++;
    if (segment->lists == NULL || level > LISTS_LEVELS || class == LISTS_K_CLASSES)
        return flat;
    const struct lists_header *header = &segment->lists->header;
    const struct lists_rung near = header->ladder.rungs[LISTS_NEAR][class][level - 1];
    const struct lists_rung far = header->ladder.rungs[LISTS_FAR][class][level - 1];
    if (near.probes == 0 || near.rerank < request->k)
        return flat;
    const double cost = calibrate_cost(header, near.probes, near.rerank);
    if (cost >= flat.cost_us || !lists_are_sound(segment->lists))
        return flat;
    return (struct plan_choice){PLAN_LISTS, {near, far}, cost};
}
