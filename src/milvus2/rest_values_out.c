/* rest_values_out.c: columns to rows of JSON; see rest_values.h. */
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "milvus2/object.h"
#include "milvus2/rest_values.h"

static int64_t whole(const uint8_t *at, size_t width)
{
    switch (width) {
    case 1:
        return (int8_t)at[0];
    case 2:
        return (int16_t)get_u16(at);
    case 4:
        return (int32_t)get_u32(at);
    default:
        return get_i64(at);
    }
}

/* A value of a plain type. */
static void add_plain(struct rest *rest, const char *key, enum field_type type, const uint8_t *at)
{
    float single;
    double number;
    switch (type) {
    case FIELD_BOOL:
        json_add_bool(&rest->answer, key, at[0] != 0);
        return;
    case FIELD_FLOAT:
        memcpy(&single, at, sizeof single);
        json_add_float(&rest->answer, key, single);
        return;
    case FIELD_DOUBLE:
        memcpy(&number, at, sizeof number);
        json_add_double(&rest->answer, key, number);
        return;
    case FIELD_INT64:
        rest_add_int(rest, key, get_i64(at));
        return;
    default:
        json_add_int(&rest->answer, key, whole(at, field_type_width(type, 0)));
    }
}

static void add_floats(struct rest *rest, const char *key, const uint8_t *at, size_t count)
{
    json_open(&rest->answer, key, '[');
    for (size_t i = 0; i < count; i++)
        add_plain(rest, NULL, FIELD_FLOAT, at + 4 * i);
    json_close(&rest->answer, ']');
}

static void add_base64(struct rest *rest, const char *key, const uint8_t *at, size_t size)
{
    char *text = op_array(&rest->op, BASE64_SIZE(size) + 1, 1);
    if (text != NULL)
        base64_encode(at, size, text);
    json_add_string(&rest->answer, key, text);
}

static void add_array(struct rest *rest, const char *key, enum field_type element,
                      struct bytes array)
{
    const size_t width = field_type_width(element, 0);
    json_open(&rest->answer, key, '[');
    for (size_t at = 0; at < array.size;) {
        if (element != FIELD_VARCHAR) {
            add_plain(rest, NULL, element, array.data + at);
            at += width;
            continue;
        }
        const size_t size = get_u32(array.data + at);
        json_add_bytes(&rest->answer, NULL, (const char *)array.data + at + 4, size);
        at += 4 + size;
    }
    json_close(&rest->answer, ']');
}

void rest_add_value(struct rest *rest, const char *key, const struct column *column, size_t row)
{
    const uint8_t *at =
        column->values != NULL ? (const uint8_t *)column->values + row * column->width : NULL;
    struct bytes bytes = {NULL, 0};
    if (column_is_null(column, row)) {
        json_add_raw(&rest->answer, key, "null");
        return;
    }
    if (field_type_is_variable(column->type))
        bytes.data = column_bytes(column, row, &bytes.size);
    switch (column->type) {
    case FIELD_VARCHAR:
    case FIELD_JSON:
        json_add_bytes(&rest->answer, key, (const char *)bytes.data, bytes.size);
        return;
    case FIELD_ARRAY:
        add_array(rest, key, column->element, bytes);
        return;
    case FIELD_FLOAT_VECTOR:
        add_floats(rest, key, at, column->width / 4);
        return;
    case FIELD_BINARY_VECTOR:
    case FIELD_FLOAT16_VECTOR:
    case FIELD_BFLOAT16_VECTOR:
    case FIELD_INT8_VECTOR:
        add_base64(rest, key, at, column->width);
        return;
    default:
        add_plain(rest, key, column->type, at);
    }
}

/* The members of a dynamic object, beside the row's fields. Their keys are JSON already, so they
 * are put without being escaped again. */
static void add_dynamic(struct rest *rest, const struct column *column, size_t row)
{
    struct bytes text;
    struct object_member member;
    size_t at = 0;
    text.data = column_bytes(column, row, &text.size);
    while (object_next(text, &at, &member)) {
        struct text piece;
        text_init(&piece);
        text_add(&piece, "\"");
        text_add_bytes(&piece, (const char *)member.key.data, member.key.size);
        text_add(&piece, "\":");
        text_add_bytes(&piece, (const char *)member.value.data, member.value.size);
        json_add_raw(&rest->answer, NULL, text_get(&piece));
        text_release(&piece);
    }
}

void rest_add_row(struct rest *rest, const struct view *view, const struct output *output,
                  const struct column *columns, size_t row)
{
    for (size_t i = 0; i < output->field_count; i++) {
        if (output->fields[i] != view->dynamic)
            rest_add_value(rest, view->schema.fields[output->fields[i]].name, &columns[i], row);
        else if (!column_is_null(&columns[i], row))
            add_dynamic(rest, &columns[i], row);
    }
}
