/* search_bounds.h: a range of scores as a range of keys (kernel/scan.h), exact to the last bit: a
 * key is within the bounds when its score is within the range. */
#ifndef GODWIT_ENGINE_SEARCH_BOUNDS_H
#define GODWIT_ENGINE_SEARCH_BOUNDS_H

#include "base/err.h"
#include "base/metric.h"
#include "engine/search.h"

struct search_bounds {
    float least; /* -INFINITY: none */
    float most;  /* INFINITY: none */
};

/* Errors: ERR_INVALID when a bound is NaN or nothing can be within them. */
enum err_code search_bounds_of(enum metric_type metric, const struct search_request *request,
                               struct search_bounds *ret_bounds, struct err *err) MUST_USE;

#endif
