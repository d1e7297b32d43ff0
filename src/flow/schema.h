/* schema.h: the fields of a collection.
 *
 * Numbers of types are those of Milvus 2.x (schema.proto, enum DataType), so that they mean the
 * same in the catalog, on the wire and in messages. A collection migrated from Milvus 1.x has two
 * fields: the Int64 primary key and the vector. Threads: a schema never changes once it is shared.
 */
#ifndef GODWIT_FLOW_SCHEMA_H
#define GODWIT_FLOW_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum field_type {
    FIELD_NONE = 0,
    FIELD_BOOL = 1,
    FIELD_INT8 = 2,
    FIELD_INT16 = 3,
    FIELD_INT32 = 4,
    FIELD_INT64 = 5,
    FIELD_FLOAT = 10,
    FIELD_DOUBLE = 11,
    FIELD_VARCHAR = 21,
    FIELD_ARRAY = 22,
    FIELD_JSON = 23,
    FIELD_BINARY_VECTOR = 100,
    FIELD_FLOAT_VECTOR = 101,
    FIELD_FLOAT16_VECTOR = 102,
    FIELD_BFLOAT16_VECTOR = 103,
    FIELD_SPARSE_FLOAT_VECTOR = 104, /* known by name; no collection has one yet */
    FIELD_INT8_VECTOR = 105
};

#define SCHEMA_FIELDS_MAX 64
#define SCHEMA_VECTORS_MAX 10
#define SCHEMA_DYNAMIC_NAME "$meta" /* the hidden JSON field of undeclared keys */

struct field {
    int64_t id;       /* 100, 101, ... in order of declaration */
    const char *name; /* UTF-8 */
    const char *description;
    enum field_type type;
    enum field_type element; /* of an ARRAY */
    size_t dim;              /* of a vector: components, or bits */
    size_t max_length;       /* VARCHAR, and VARCHAR elements: bytes */
    size_t max_capacity;     /* ARRAY: elements */
    bool is_primary;
    bool is_auto_id;
    bool is_partition_key;
    bool is_clustering_key;
    bool is_nullable;
    bool is_dynamic;           /* SCHEMA_DYNAMIC_NAME */
    const char *default_value; /* JSON text of the value; NULL: none */
    const char *params;        /* JSON object of type parameters as given, to be shown again */
};

struct schema {
    const struct field *fields; /* in order of declaration; the dynamic field is the last */
    size_t field_count;
    bool has_dynamic;
    size_t primary; /* index of the primary key */
    const char *description;
};

/* "Int64", "FloatVector", ... as Milvus writes them; "None" for anything else. */
const char *field_type_name(enum field_type type);
/* Case-sensitive; FIELD_NONE when unknown. */
enum field_type field_type_from_name(const char *name);
bool field_type_is_vector(enum field_type type);
/* True for types whose rows differ in size: VARCHAR, ARRAY, JSON. */
bool field_type_is_variable(enum field_type type);
/* Bytes of a value of a plain type (BOOL 1 ... DOUBLE 8) or of a vector of `dim`; 0 for variable
 * types. */
size_t field_type_width(enum field_type type, size_t dim);

/* Index of the field of a name, or SIZE_MAX. */
size_t schema_find(const struct schema *schema, const char *name);

#endif
