/* search_params.h: the parameters of a search, which come as strings under many keys, read and
 * checked. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_SEARCH_PARAMS_H
#define GODWIT_MILVUS2_SEARCH_PARAMS_H

#include "milvus2/search.h"

struct search_params {
    size_t field; /* the vector field: index into view->schema.fields */
    enum metric_type metric;
    size_t k;
    size_t offset;
    int round_decimal; /* -1: not */
    unsigned level;    /* 0: default */
    bool has_radius;
    bool has_range_filter;
    float radius;
    float range_filter;
    bool is_iterator;  /* version 2 */
    const char *token; /* "": the first call */
    bool has_bound;
    float bound;
};
bool search_params_read(struct op *op, const struct view *view, const struct pair_list *params,
                        struct search_params *ret_params);

#endif
