/* rows_json.c: see rows_json.h. Wording: Milvus's REST server. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/text.h"
#include "milvus2/half.h"
#include "milvus2/names.h"
#include "milvus2/rows_json.h"

#define INT64_DIGITS_MAX 20

struct maker {
    struct op *op;
    const struct view *view;
    const struct rows_json_options *options;
    const struct json *rows;
    size_t count;
    const struct field *field; /* of the column being made */
    struct column column;
    uint64_t *valid;   /* made with the first null */
    struct text bytes; /* of a variable column */
    uint64_t *offsets;
    uint8_t *values;
};

static bool mistake(struct maker *maker, size_t row, const char *what)
{
    return status_fail(&maker->op->status, maker->options->code,
                       "fail to deal the insert data, error: field %s, row %zu: %s",
                       maker->field->name, row, what);
}

/* An integer, also as decimal text; true also for 2.0. */
static bool read_int(const struct json *value, int64_t *ret_number)
{
    if (js_is_int(value)) {
        *ret_number = js_int(value, 0);
        return true;
    }
    if (js_is_string(value))
        return js_string_size(value) <= INT64_DIGITS_MAX &&
               number_parse_int(js_string(value, ""), ret_number);
    const double number = js_number(value, NAN);
    if (!(fabs(number) < 0x1p63) || floor(number) != number)
        return false;
    *ret_number = (int64_t)number;
    return true;
}

static bool put_int(enum field_type type, const struct json *value, uint8_t *to)
{
    static const int64_t most[] = {[FIELD_INT8] = INT8_MAX,
                                   [FIELD_INT16] = INT16_MAX,
                                   [FIELD_INT32] = INT32_MAX,
                                   [FIELD_INT64] = INT64_MAX};
    int64_t number;
    if (!read_int(value, &number) || number > most[type] || number < -most[type] - 1)
        return false;
    memcpy(to, &number, field_type_width(type, 0)); /* little-endian: the low bytes */
    return true;
}

static bool read_double(const struct json *value, double *ret_number)
{
    if (js_is_string(value))
        return number_parse_double(js_string(value, ""), ret_number);
    *ret_number = js_number(value, NAN);
    return js_is_number(value);
}

static bool put_plain(enum field_type type, const struct json *value, uint8_t *to)
{
    double number;
    float single;
    switch (type) {
    case FIELD_BOOL:
        *to = js_is_true(value);
        return js_is_bool(value);
    case FIELD_FLOAT:
        if (!read_double(value, &number) || fabs(number) > (double)FLT_MAX)
            return false;
        single = (float)number;
        memcpy(to, &single, sizeof single);
        return true;
    case FIELD_DOUBLE:
        if (!read_double(value, &number))
            return false;
        memcpy(to, &number, sizeof number);
        return true;
    default:
        return put_int(type, value, to);
    }
}

/* ---- Vectors ---- */

static bool put_component(enum field_type type, const struct json *value, size_t at, uint8_t *to)
{
    const double number = js_number(value, NAN);
    const float single = (float)number;
    if (!js_is_number(value))
        return false;
    switch (type) {
    case FIELD_FLOAT_VECTOR:
        memcpy(to + 4 * at, &single, sizeof single);
        return true;
    case FIELD_FLOAT16_VECTOR:
        put_u16(to + 2 * at, half_f16_from_float(single));
        return true;
    case FIELD_BFLOAT16_VECTOR:
        put_u16(to + 2 * at, half_bf16_from_float(single));
        return true;
    case FIELD_INT8_VECTOR:
        to[at] = (uint8_t)(int8_t)js_int(value, 0);
        return js_is_int(value) && js_int(value, 0) >= -128 && js_int(value, 0) <= 127;
    default:
        to[at] = (uint8_t)js_int(value, 0);
        return js_is_int(value) && js_int(value, 0) >= 0 && js_int(value, 0) <= 255;
    }
}

static bool put_vector(struct maker *maker, size_t row, const struct json *value)
{
    const struct field *field = maker->field;
    const size_t width = maker->column.width;
    uint8_t *to = maker->values + row * width;
    if (js_is_string(value) && field->type != FIELD_FLOAT_VECTOR) {
        const size_t size = js_string_size(value);
        uint8_t *decoded = op_array(maker->op, size / 4 * 3 + 3, 1);
        size_t decoded_size;
        if (decoded == NULL)
            return false;
        if (!base64_decode(js_string(value, ""), size, decoded, &decoded_size))
            return mistake(maker, row, "the text of the vector is no base64");
        if (decoded_size != width)
            return mistake(maker, row, "the vector has another dimension than the field");
        memcpy(to, decoded, width);
        return true;
    }
    const size_t expected = field->type == FIELD_BINARY_VECTOR ? width : field->dim;
    if (!js_is_array(value))
        return mistake(maker, row, "a vector must be an array of numbers");
    if (js_size(value) != expected) {
        const char *what =
            op_printf(maker->op, "the vector has dimension %zu, the field %zu: dim mismatch",
                      js_size(value), expected);
        return what != NULL && mistake(maker, row, what);
    }
    for (size_t i = 0; i < expected; i++)
        if (!put_component(field->type, js_at(value, i), i, to))
            return mistake(maker, row, "the vector holds something that is no number in range");
    return true;
}

/* ---- Variable types ---- */

static bool put_element(struct maker *maker, const struct json *value)
{
    uint8_t bytes[8];
    if (maker->field->element == FIELD_VARCHAR) {
        put_u32(bytes, (uint32_t)js_string_size(value));
        text_add_bytes(&maker->bytes, (const char *)bytes, 4);
        text_add_bytes(&maker->bytes, js_string(value, ""), js_string_size(value));
        return js_is_string(value);
    }
    if (!put_plain(maker->field->element, value, bytes))
        return false;
    text_add_bytes(&maker->bytes, (const char *)bytes, field_type_width(maker->field->element, 0));
    return true;
}

static bool put_json(struct maker *maker, const struct json *value)
{
    char *text = js_dump_ordered(value);
    if (text == NULL)
        return status_nomem(&maker->op->status, "JSON");
    text_add(&maker->bytes, text);
    mem_free(text);
    return true;
}

static bool put_variable(struct maker *maker, size_t row, const struct json *value)
{
    switch (maker->field->type) {
    case FIELD_VARCHAR:
        if (!js_is_string(value))
            return mistake(maker, row, "a string is expected");
        text_add_bytes(&maker->bytes, js_string(value, ""), js_string_size(value));
        return true;
    case FIELD_ARRAY:
        if (!js_is_array(value))
            return mistake(maker, row, "an array is expected");
        for (size_t i = 0; i < js_size(value); i++)
            if (!put_element(maker, js_at(value, i)))
                return mistake(maker, row, "an element of the array has another type");
        return true;
    default:
        return put_json(maker, value);
    }
}

/* ---- Columns ---- */

static bool is_schema_key(const struct maker *maker, const char *key)
{
    return view_field(maker->view, key) != SIZE_MAX;
}

static bool add_member(struct maker *maker, struct text *object, const char *key,
                       const struct json *value)
{
    char *text = js_dump_ordered(value);
    if (text == NULL)
        return status_nomem(&maker->op->status, "JSON");
    json_add_raw(object, key, text);
    mem_free(text);
    return true;
}

/* The dynamic object of a row: keys beside the schema's, and those inside an explicit "$meta". */
static bool put_dynamic(struct maker *maker, const struct json *row)
{
    void *at = NULL;
    const char *key;
    const struct json *value, *given = js_get(row, SCHEMA_DYNAMIC_NAME);
    struct text object;
    bool is_good = true;
    text_init(&object);
    json_open(&object, NULL, '{');
    while (is_good && (value = js_next(row, &at, &key)) != NULL)
        if (!is_schema_key(maker, key) && strcmp(key, SCHEMA_DYNAMIC_NAME) != 0)
            is_good = add_member(maker, &object, key, value);
    at = NULL;
    while (is_good && (value = js_next(given, &at, &key)) != NULL)
        is_good = add_member(maker, &object, key, value);
    json_close(&object, '}');
    text_add_bytes(&maker->bytes, text_get(&object), object.size);
    is_good = is_good && (!text_failed(&object) || status_nomem(&maker->op->status, "JSON"));
    text_release(&object);
    return is_good;
}

static bool mark_null(struct maker *maker, size_t row)
{
    if (maker->valid == NULL) {
        maker->valid = op_bitmap(maker->op, maker->count);
        if (maker->valid == NULL)
            return false;
        memset(maker->valid, 0xff, bitmap_words(maker->count) * sizeof *maker->valid);
    }
    maker->valid[row / 64] &= ~((uint64_t)1 << (row % 64));
    return true;
}

static bool put_value(struct maker *maker, size_t row)
{
    const struct json *object = js_at(maker->rows, row);
    if (maker->field->is_dynamic)
        return put_dynamic(maker, object);
    const struct json *value = js_get(object, maker->field->name);
    /* JSON null is a value of a JSON field that may not be null. */
    if (js_is_null(value) &&
        (value == NULL || maker->field->type != FIELD_JSON || maker->field->is_nullable))
        return mark_null(maker, row);
    if (field_type_is_variable(maker->field->type))
        return put_variable(maker, row, value);
    if (field_type_is_vector(maker->field->type))
        return put_vector(maker, row, value);
    return put_plain(maker->field->type, value, maker->values + row * maker->column.width) ||
           mistake(maker, row, "the value has another type than the field, or is out of range");
}

static bool is_present(const struct maker *maker)
{
    for (size_t row = 0; row < maker->count; row++)
        if (js_get(js_at(maker->rows, row), maker->field->name) != NULL)
            return true;
    return maker->field->is_dynamic;
}

static bool finish(struct maker *maker)
{
    maker->column.valid = maker->valid;
    maker->column.values = maker->values;
    if (!field_type_is_variable(maker->field->type))
        return true;
    uint8_t *bytes = op_array(maker->op, maker->bytes.size, 1);
    if (bytes == NULL || text_failed(&maker->bytes))
        return status_nomem(&maker->op->status, "rows");
    if (maker->bytes.size > 0)
        memcpy(bytes, maker->bytes.data, maker->bytes.size);
    maker->column.offsets = maker->offsets;
    maker->column.bytes = bytes;
    return true;
}

static bool make_column(struct maker *maker)
{
    const struct field *field = maker->field;
    maker->column = (struct column){.type = field->type,
                                    .element = field->element,
                                    .width = field_type_width(field->type, field->dim),
                                    .rows = maker->count};
    maker->valid = NULL;
    maker->values = op_array(maker->op, maker->count, maker->column.width + 1);
    maker->offsets = op_array(maker->op, maker->count + 1, sizeof *maker->offsets);
    if (maker->values == NULL || maker->offsets == NULL)
        return false;
    for (size_t row = 0; row < maker->count; row++) {
        if (!put_value(maker, row))
            return false;
        maker->offsets[row + 1] = maker->bytes.size;
    }
    return finish(maker);
}

static bool check_rows(struct maker *maker)
{
    for (size_t row = 0; row < maker->count; row++) {
        const struct json *object = js_at(maker->rows, row);
        void *at = NULL;
        const char *key;
        if (!js_is_object(object))
            return status_fail(&maker->op->status, maker->options->code,
                               "fail to deal the insert data, error: row %zu is no JSON object",
                               row);
        if (maker->view->dynamic != SIZE_MAX || maker->options->skips_unknown)
            continue;
        while (js_next(object, &at, &key) != NULL)
            if (!is_schema_key(maker, key))
                return status_fail(&maker->op->status, maker->options->code,
                                   "fail to deal the insert data, error: has pass more field "
                                   "without dynamic schema, please check it");
    }
    return true;
}

bool rows_from_json(struct op *op, const struct view *view, const struct json *rows,
                    const struct rows_json_options *options, struct column **ret_columns)
{
    struct maker maker = {
        .op = op, .view = view, .options = options, .rows = rows, .count = js_size(rows)};
    struct column *columns = op_array(op, view->schema.field_count, sizeof *columns);
    if (columns == NULL || !check_rows(&maker))
        return false;
    for (size_t i = 0; i < view->schema.field_count; i++) {
        maker.field = &view->schema.fields[i];
        if (!is_present(&maker))
            continue;
        text_init(&maker.bytes);
        const bool is_good = make_column(&maker);
        text_release(&maker.bytes);
        if (!is_good)
            return false;
        columns[i] = maker.column;
    }
    *ret_columns = columns;
    return true;
}
