/* fields.h: declared fields: from names and parameters to struct field, and the rules they must
 * obey.
 *
 * Both protocols fill a field_spec for each field; fields_make() gives what the engine keeps. */
#ifndef GODWIT_MILVUS2_FIELDS_H
#define GODWIT_MILVUS2_FIELDS_H

#include "milvus2/collections.h"

struct field_spec {
    const char *name;
    const char *description;
    int type;    /* Milvus's number of the data type, not yet checked */
    int element; /* of an array; 0: none */
    bool is_primary;
    bool is_auto_id;
    bool is_partition_key;
    bool is_clustering_key;
    bool is_nullable;
    bool is_dynamic;
    bool is_function_output;
    const char *default_value; /* JSON text; NULL: none */
    struct pair_list params;   /* dim, max_length, max_capacity ... */
};

/* One field: types, dimension, lengths, default. `collection` for the sentence. */
bool fields_make(struct op *op, const char *collection, const struct field_spec *spec,
                 struct field *ret_field);
/* What they must be together: one key, at least one vector, no name twice, limits. */
bool fields_check(struct op *op, const struct collection_spec *spec);
/* The type parameters of a field, to be shown: what was given, in that order. */
bool fields_params(struct op *op, const struct field *field, struct pair_list *ret_pairs);

#endif
