/* search.h: searches and queries. Operations: see op.h. */
#ifndef GODWIT_MILVUS2_SEARCH_H
#define GODWIT_MILVUS2_SEARCH_H

#include "base/bytes.h"
#include "filter/filter.h"
#include "milvus2/output.h"

struct search_spec {
    const char *filter;
    struct filter_templates templates;
    struct name_list partitions;
    struct name_list output_fields;
    /* What is looked for: vectors, each a string of bytes in the type `query_type` (a field_type;
     * floats are accepted for every float-like field), or the vectors of rows by key. */
    int query_type;
    const struct bytes *queries;
    size_t query_count;
    const struct column *keys; /* NULL: `queries` */
    struct pair_list params; /* topk, offset, anns_field, metric_type, params ... as on the wire */
};
struct search_answer {
    const struct field *primary;
    size_t query_count;
    size_t k;             /* asked for */
    const size_t *counts; /* hits of each query */
    size_t hit_count;     /* all together, query after query */
    const float *scores;
    struct column ids;
    struct output output;
    struct column *columns;     /* of output.fields, a row a hit */
    const struct place *places; /* of the hits */
    bool has_iterator;
    const char *iterator_token;
    float iterator_bound;
    uint64_t session_ts;
};
bool search_rows(struct op *op, const struct view *view, const struct search_spec *spec,
                 struct search_answer *ret_answer);

struct query_spec {
    const char *filter;
    struct filter_templates templates;
    struct name_list partitions;
    struct name_list output_fields;
    struct pair_list params; /* limit, offset, iterator ... as on the wire */
};
struct query_answer {
    const struct field *primary;
    struct output output;
    size_t rows;
    struct column *columns;
    const struct place *places; /* of the rows */
    uint64_t count;             /* when output.is_count */
    uint64_t session_ts;
};
bool query_rows(struct op *op, const struct view *view, const struct query_spec *spec,
                struct query_answer *ret_answer);

#endif
