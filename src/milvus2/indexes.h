/* indexes.h: indexes as clients declare and see them. Operations: see op.h.
 *
 * Parameters of every kind of index are accepted, remembered and shown again; what serves them is
 * AUTOINDEX. */
#ifndef GODWIT_MILVUS2_INDEXES_H
#define GODWIT_MILVUS2_INDEXES_H

#include "milvus2/op.h"

struct index_spec {
    const char *collection;
    const char *field;
    const char *name;        /* "": the field's */
    struct pair_list params; /* index_type, metric_type, params (a JSON object), M, nlist ... */
};
/* The same index again is no error. */
bool indexes_create(struct op *op, const struct index_spec *spec);

#define INDEX_STATE_FINISHED 3
#define INDEX_STATE_IN_PROGRESS 2

struct index_view {
    const struct declared_index *declared;
    const char *field; /* as clients see it */
    struct pair_list params;
    uint64_t indexed_rows;
    uint64_t total_rows;
    uint64_t pending_rows;
    int state;
};
/* Of one name, of one field, or all ("" and ""). None: status 700. */
bool indexes_describe(struct op *op, const struct view *view, const char *field, const char *name,
                      struct index_view **ret_items, size_t *ret_count);
/* A missing index is no error; refused while the collection is loaded. */
bool indexes_drop(struct op *op, const char *collection, const char *field, const char *name);
bool indexes_alter(struct op *op, const char *collection, const char *name,
                   const struct pair_list *set, const struct name_list *removed);

#endif
