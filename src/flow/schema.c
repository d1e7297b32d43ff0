/* schema.c: names and widths of field types; looking fields up. */
#include "flow/schema.h"

#include <string.h>

static const struct {
    enum field_type type;
    const char *name;
} type_names[] = {
    {FIELD_BOOL, "Bool"},
    {FIELD_INT8, "Int8"},
    {FIELD_INT16, "Int16"},
    {FIELD_INT32, "Int32"},
    {FIELD_INT64, "Int64"},
    {FIELD_FLOAT, "Float"},
    {FIELD_DOUBLE, "Double"},
    {FIELD_VARCHAR, "VarChar"},
    {FIELD_ARRAY, "Array"},
    {FIELD_JSON, "JSON"},
    {FIELD_BINARY_VECTOR, "BinaryVector"},
    {FIELD_FLOAT_VECTOR, "FloatVector"},
    {FIELD_FLOAT16_VECTOR, "Float16Vector"},
    {FIELD_BFLOAT16_VECTOR, "BFloat16Vector"},
    {FIELD_SPARSE_FLOAT_VECTOR, "SparseFloatVector"},
    {FIELD_INT8_VECTOR, "Int8Vector"},
};

const char *field_type_name(enum field_type type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return "None";
}

enum field_type field_type_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (strcmp(type_names[i].name, name) == 0)
            return type_names[i].type;
    return FIELD_NONE;
}

bool field_type_is_vector(enum field_type type)
{
    return type >= FIELD_BINARY_VECTOR;
}

bool field_type_is_variable(enum field_type type)
{
    return type == FIELD_VARCHAR || type == FIELD_ARRAY || type == FIELD_JSON;
}

size_t field_type_width(enum field_type type, size_t dim)
{
    switch (type) {
    case FIELD_BOOL:
    case FIELD_INT8:
        return 1;
    case FIELD_INT16:
        return 2;
    case FIELD_INT32:
    case FIELD_FLOAT:
        return 4;
    case FIELD_INT64:
    case FIELD_DOUBLE:
        return 8;
    case FIELD_BINARY_VECTOR:
        return dim / 8;
    case FIELD_FLOAT_VECTOR:
        return 4 * dim;
    case FIELD_FLOAT16_VECTOR:
    case FIELD_BFLOAT16_VECTOR:
        return 2 * dim;
    case FIELD_INT8_VECTOR:
        return dim;
    case FIELD_NONE:
    case FIELD_VARCHAR:
    case FIELD_ARRAY:
    case FIELD_JSON:
    case FIELD_SPARSE_FLOAT_VECTOR:
        break;
    }
    return 0;
}

size_t schema_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}
