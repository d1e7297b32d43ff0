/* plan.h: which plan answers a search in a segment? The seam for approximate indexes.
 *
 * Today there is one plan: look at every row. An index adds its name here, a case in plan_choose(),
 * and a case where search.c runs plans; nothing else knows which one it was. */
#ifndef GODWIT_ENGINE_PLAN_H
#define GODWIT_ENGINE_PLAN_H

#include "engine/search.h"
#include "engine/segment.h"

enum plan {
    PLAN_FLAT /* exact: every live row is scored */
};

const char *plan_name(enum plan plan);
/* The plan for one segment. Exact answers meet any level and any recall. */
enum plan plan_choose(const struct segment *segment, const struct search_request *request);

#endif
