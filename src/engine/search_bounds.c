/* search_bounds.c: see search_bounds.h. Keys of L2 and of bits are the scores, those of IP and
 * COSINE the negated ones; TANIMOTO's are Jaccard distances, of which the first whose score
 * reaches a bound is searched bit by bit: scores grow with keys, and so do the bits of positive
 * singles. */
#include "engine/search_bounds.h"

#include <math.h>
#include <string.h>

#include "kernel/scan.h"

/* The smallest key of TANIMOTO whose score is at least `score`; key 1 has an infinite one. */
static float first_key(float score)
{
    uint32_t low = 0;
    uint32_t high = 0;
    const float one = 1.0F;
    memcpy(&high, &one, sizeof high);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        float key = 0.0F;
        memcpy(&key, &middle, sizeof key);
        if (scan_score(METRIC_TANIMOTO, key) >= score)
            high = middle;
        else
            low = middle + 1;
    }
    float key = 0.0F;
    memcpy(&key, &low, sizeof key);
    return key;
}

/* The smallest key whose score is not better than `score`. */
static float key_of(enum metric_type metric, float score)
{
    if (metric_larger_is_better(metric))
        return -score;
    return metric == METRIC_TANIMOTO ? first_key(score) : score;
}

enum err_code search_bounds_of(enum metric_type metric, const struct search_request *request,
                               struct search_bounds *ret_bounds, struct err *err)
{
    struct search_bounds bounds = {-INFINITY, INFINITY};
    if ((request->has_radius && isnan(request->radius)) ||
        (request->has_range_filter && isnan(request->range_filter)))
        return err_set(err, ERR_INVALID, "radius and range_filter must be numbers");
    const bool is_larger_better = metric_larger_is_better(metric);
    const float outer = is_larger_better ? -request->radius : request->radius;
    const float inner = is_larger_better ? -request->range_filter : request->range_filter;
    if (request->has_radius && request->has_range_filter && !(inner < outer))
        return err_set(err, ERR_INVALID,
                       "range_filter is %g and radius %g: for metric %s range_filter must be %s",
                       (double)request->range_filter, (double)request->radius, metric_name(metric),
                       is_larger_better ? "larger" : "smaller");
    if (request->has_radius)
        bounds.most = nextafterf(key_of(metric, request->radius), -INFINITY);
    if (request->has_range_filter)
        bounds.least = key_of(metric, request->range_filter);
    *ret_bounds = bounds;
    return ERR_OK;
}
