/* plan.c: see plan.h. */
#include "engine/plan.h"

const char *plan_name(enum plan plan)
{
    switch (plan) {
    case PLAN_FLAT:
        break;
    }
    return "flat";
}

enum plan plan_choose(const struct segment *segment, const struct search_request *request)
{
    (void)segment;
    (void)request;
    return PLAN_FLAT;
}
