/* schema_check.c: see schema_check.h. */
#include "engine/schema_check.h"

#include "base/metric.h"

static bool is_plain(enum field_type type)
{
    return (type >= FIELD_BOOL && type <= FIELD_INT64) || type == FIELD_FLOAT ||
           type == FIELD_DOUBLE;
}

/* The metric that says what rows of a vector field look like: floats, or bits. */
static enum metric_type shape_of(enum field_type type)
{
    return type == FIELD_BINARY_VECTOR ? METRIC_HAMMING : METRIC_L2;
}

static enum err_code check_type(const struct field *field, struct err *err)
{
    const enum field_type type = field->type;
    if (type == FIELD_SPARSE_FLOAT_VECTOR)
        return err_set(err, ERR_INVALID, "field %s: sparse vectors are not supported", field->name);
    if (field_type_is_vector(type)) {
        if (field_type_name(type)[0] == 'N' || field->dim > DIMENSION_MAX ||
            !metric_dim_is_valid(shape_of(type), (long long)field->dim))
            return err_set(err, ERR_INVALID,
                           "field %s: dimension is %zu, 1 to %d expected, a multiple of 8 for bits",
                           field->name, field->dim, DIMENSION_MAX);
        return ERR_OK;
    }
    if (type == FIELD_ARRAY && !is_plain(field->element) && field->element != FIELD_VARCHAR)
        return err_set(err, ERR_INVALID, "field %s: arrays of %s are not possible", field->name,
                       field_type_name(field->element));
    if (!is_plain(type) && !field_type_is_variable(type))
        return err_set(err, ERR_INVALID, "field %s: type %d is unknown", field->name, (int)type);
    return ERR_OK;
}

static enum err_code check_field(const struct schema *schema, size_t index, struct err *err)
{
    const struct field *field = &schema->fields[index];
    if (field->name == NULL || field->name[0] == '\0')
        return err_set(err, ERR_INVALID, "field %zu has no name", index);
    if (schema_find(schema, field->name) != index)
        return err_set(err, ERR_INVALID, "field %s: there are two of that name", field->name);
    if (field->is_primary != (index == schema->primary))
        return err_set(err, ERR_INVALID, "field %s: one field is the primary key", field->name);
    if (field->is_primary && field->type != FIELD_INT64 && field->type != FIELD_VARCHAR)
        return err_set(err, ERR_INVALID, "field %s: a key is an Int64 or a VarChar", field->name);
    if (field->is_primary && field->is_nullable)
        return err_set(err, ERR_INVALID, "field %s: a key cannot be null", field->name);
    if (field->is_nullable && field_type_is_vector(field->type))
        return err_set(err, ERR_INVALID, "field %s: a vector cannot be null", field->name);
    return check_type(field, err);
}

enum err_code schema_check(const struct schema *schema, struct err *err)
{
    if (schema->field_count > SCHEMA_FIELDS_MAX + 1)
        return err_set(err, ERR_INVALID, "%zu fields found, at most %d expected",
                       schema->field_count, SCHEMA_FIELDS_MAX);
    if (schema->primary >= schema->field_count)
        return err_set(err, ERR_INVALID, "there is no primary key");
    size_t vectors = 0;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < schema->field_count; k++) {
        code = check_field(schema, k, err);
        vectors += field_type_is_vector(schema->fields[k].type);
    }
    if (code == ERR_OK && (vectors == 0 || vectors > SCHEMA_VECTORS_MAX))
        return err_set(err, ERR_INVALID, "%zu vector fields found, 1 to %d expected", vectors,
                       SCHEMA_VECTORS_MAX);
    return code;
}
