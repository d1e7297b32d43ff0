/* metric.c: see metric.h. */
#include "base/metric.h"

#include <strings.h>

static const char *const names[METRIC_COUNT] = {
    "?", "L2", "IP", "HAMMING", "JACCARD", "TANIMOTO", "SUBSTRUCTURE", "SUPERSTRUCTURE", "COSINE"};

const char *metric_name(enum metric_type metric)
{
    const size_t index = (size_t)metric;
    return names[index < METRIC_COUNT ? index : 0];
}

enum metric_type metric_from_name(const char *name)
{
    for (int metric = METRIC_L2; metric < METRIC_COUNT; metric++)
        if (strcasecmp(name, names[metric]) == 0)
            return (enum metric_type)metric;
    return METRIC_NONE;
}

bool metric_is_binary(enum metric_type metric)
{
    return metric >= METRIC_HAMMING && metric <= METRIC_SUPERSTRUCTURE;
}

bool metric_larger_is_better(enum metric_type metric)
{
    return metric == METRIC_IP || metric == METRIC_COSINE;
}

bool metric_dim_is_valid(enum metric_type metric, long long dim)
{
    return dim >= 1 && dim <= DIMENSION_MAX && (!metric_is_binary(metric) || dim % 8 == 0);
}

size_t metric_row_size(enum metric_type metric, size_t dim)
{
    return metric_is_binary(metric) ? dim / 8 : dim * sizeof(float);
}
