/* values.c: see values.h. Limits and wording: Milvus's proxy. */
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/finite.h"
#include "base/json.h"
#include "base/utf8.h"
#include "milvus2/object.h"
#include "milvus2/values.h"

static struct bytes row_bytes(const struct column *column, size_t row)
{
    struct bytes bytes;
    bytes.data = column_bytes(column, row, &bytes.size);
    return bytes;
}

static bool not_a_number(struct op *op, const struct field *field, size_t row)
{
    return status_wrap(&op->status, MILVUS_INVALID,
                       "field %s, row number: %zu: value is not a number or infinity", field->name,
                       row);
}

static bool check_floats(struct op *op, const struct field *field, const struct column *column)
{
    const size_t count = column->width / 4;
    if (floats_are_finite(column->values, column->rows * count))
        return true;
    const uint8_t *values = column->values;
    for (size_t row = 0; row < column->rows; row++)
        if (!column_is_null(column, row) && !floats_are_finite(values + row * column->width, count))
            return not_a_number(op, field, row);
    return true;
}

static bool check_doubles(struct op *op, const struct field *field, const struct column *column)
{
    const double *values = column->values;
    for (size_t row = 0; row < column->rows; row++)
        if (!isfinite(values[row]) && !column_is_null(column, row))
            return not_a_number(op, field, row);
    return true;
}

/* All bits of the exponent set: an infinity or NaN. */
static bool check_halves(struct op *op, const struct field *field, const struct column *column)
{
    const unsigned exponent = field->type == FIELD_FLOAT16_VECTOR ? 0x7c00 : 0x7f80;
    const uint8_t *values = column->values;
    for (size_t at = 0; at < column->rows * column->width; at += 2)
        if ((get_u16(values + at) & exponent) == exponent)
            return not_a_number(op, field, at / column->width);
    return true;
}

static bool check_text(struct op *op, const struct field *field, size_t row, struct bytes text)
{
    if (text.size > field->max_length)
        return status_wrap(
            &op->status, MILVUS_INVALID,
            "length of varchar field %s exceeds max length, row number: %zu, length: "
            "%zu, max length: %zu",
            field->name, row, text.size, field->max_length);
    if (!utf8_is_valid((const char *)text.data, text.size))
        return status_wrap(&op->status, MILVUS_INVALID,
                           "field %s, row number: %zu: the text is not valid UTF-8", field->name,
                           row);
    return true;
}

static bool check_texts(struct op *op, const struct field *field, const struct column *column)
{
    for (size_t row = 0; row < column->rows; row++)
        if (!column_is_null(column, row) && !check_text(op, field, row, row_bytes(column, row)))
            return false;
    return true;
}

static bool check_object(struct op *op, const struct field *field, size_t row, struct bytes text,
                         const struct json *value)
{
    struct object_member member;
    size_t at = 0;
    if (!field->is_dynamic)
        return true;
    if (!js_is_object(value))
        return status_wrap(&op->status, MILVUS_INVALID,
                           "the dynamic field of row %zu is no JSON object", row);
    while (object_next(text, &at, &member))
        if (member.key.size == strlen(SCHEMA_DYNAMIC_NAME) &&
            memcmp(member.key.data, SCHEMA_DYNAMIC_NAME, member.key.size) == 0)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "use the invalid field name(%s) when enable dynamicField",
                               SCHEMA_DYNAMIC_NAME);
    return true;
}

static bool check_json(struct op *op, const struct field *field, size_t row, struct bytes text)
{
    struct err err;
    struct json *value;
    if (text.size == 0 && !field->is_dynamic)
        return true; /* the Node SDK's way to say that there is no value; filters find none either
                      */
    if (text.size > JSON_VALUE_SIZE_MAX)
        return status_expected(&op->status, "valid length json string", "length exceeds max length",
                               "the length (%zu) of json field (%s) exceeds max length (%d)",
                               text.size, field->name, JSON_VALUE_SIZE_MAX);
    const enum err_code code = js_parse((const char *)text.data, text.size, &value, &err);
    if (code == ERR_NOMEM)
        return status_fail_err(&op->status, &err);
    if (code != ERR_OK)
        return status_wrap(&op->status, MILVUS_INVALID, "field %s, row number: %zu: %s",
                           field->name, row, err.msg);
    const bool is_good = check_object(op, field, row, text, value);
    js_free(value);
    return is_good;
}

static bool check_jsons(struct op *op, const struct field *field, const struct column *column)
{
    for (size_t row = 0; row < column->rows; row++)
        if (!column_is_null(column, row) && !check_json(op, field, row, row_bytes(column, row)))
            return false;
    return true;
}

size_t array_count(enum field_type element, struct bytes array)
{
    if (element != FIELD_VARCHAR) {
        const size_t width = field_type_width(element, 0);
        return array.size % width == 0 ? array.size / width : SIZE_MAX;
    }
    size_t count = 0;
    for (size_t at = 0; at < array.size; count++) {
        if (array.size - at < 4 || get_u32(array.data + at) > array.size - at - 4)
            return SIZE_MAX;
        at += 4 + get_u32(array.data + at);
    }
    return count;
}

static bool check_array(struct op *op, const struct field *field, size_t row, struct bytes array)
{
    const size_t count = array_count(field->element, array);
    if (count > field->max_capacity)
        return status_expected(&op->status, "valid length array",
                               "array length exceeds max capacity",
                               "the length (%zu) of %zuth array exceeds max capacity (%zu)", count,
                               row, field->max_capacity);
    for (size_t at = 0; field->element == FIELD_VARCHAR && at < array.size;) {
        const struct bytes text = {array.data + at + 4, get_u32(array.data + at)};
        if (!check_text(op, field, row, text))
            return false;
        at += 4 + text.size;
    }
    for (size_t at = 0; field->element == FIELD_FLOAT && at < array.size; at += 4)
        if (!floats_are_finite(array.data + at, 1))
            return not_a_number(op, field, row);
    return true;
}

static bool check_arrays(struct op *op, const struct field *field, const struct column *column)
{
    for (size_t row = 0; row < column->rows; row++)
        if (!column_is_null(column, row) && !check_array(op, field, row, row_bytes(column, row)))
            return false;
    return true;
}

static bool check_nulls(struct op *op, const struct field *field, const struct column *column)
{
    if (column->valid == NULL || field->is_nullable || field->default_value != NULL ||
        field->is_dynamic)
        return true;
    for (size_t row = 0; row < column->rows; row++)
        if (column_is_null(column, row))
            return status_wrap(&op->status, MILVUS_INVALID,
                               "the field %s is not nullable and has no default, row number: %zu",
                               field->name, row);
    return true;
}

bool values_check(struct op *op, const struct field *field, const struct column *column)
{
    if (!check_nulls(op, field, column))
        return false;
    switch (field->type) {
    case FIELD_FLOAT:
    case FIELD_FLOAT_VECTOR:
        return check_floats(op, field, column);
    case FIELD_DOUBLE:
        return check_doubles(op, field, column);
    case FIELD_FLOAT16_VECTOR:
    case FIELD_BFLOAT16_VECTOR:
        return check_halves(op, field, column);
    case FIELD_VARCHAR:
        return check_texts(op, field, column);
    case FIELD_JSON:
        return check_jsons(op, field, column);
    case FIELD_ARRAY:
        return check_arrays(op, field, column);
    default:
        return true;
    }
}
