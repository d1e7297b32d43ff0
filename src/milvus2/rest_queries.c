/* rest_queries.c: the vectors that a search looks for; see rest_values.h. */
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "milvus2/half.h"
#include "milvus2/rest_values.h"

static bool bad_vector(struct rest *rest, const struct field *field, const struct json *value,
                       const char *sentence)
{
    const char *actual = rest_value_text(rest, value);
    return actual != NULL && rest_fail(rest, MILVUS_REST_JSON,
                                       "error: %s: invalid parameter[expected=%s][actual=%.120s]",
                                       sentence, field_type_name(field->type), actual);
}

static bool wrong_size(struct rest *rest, const struct field *field, size_t found)
{
    return rest_fail(rest, MILVUS_REST_JSON,
                     "error: dimension: %zu, but length of []%s: %zu: invalid parameter"
                     "[expected=%s][actual=%zu]",
                     field->dim, field->type == FIELD_FLOAT_VECTOR ? "float" : "byte", found,
                     field_type_name(field->type), found);
}

static bool put_component(enum field_type type, double number, size_t at, uint8_t *to)
{
    const float single = (float)number;
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
    default:
        break;
    }
    const double least = type == FIELD_INT8_VECTOR ? -128 : 0;
    if (!(number >= least && number <= least + 255) || number != (double)(int)number)
        return false;
    to[at] = (uint8_t)(int)number;
    return true;
}

static bool read_components(struct rest *rest, const struct field *field, const struct json *array,
                            uint8_t *to)
{
    const size_t width = field_type_width(field->type, field->dim);
    const size_t wanted = field->type == FIELD_BINARY_VECTOR ? width : field->dim;
    if (js_size(array) != wanted)
        return wrong_size(rest, field, js_size(array));
    for (size_t i = 0; i < wanted; i++) {
        const struct json *item = js_at(array, i);
        if (!js_is_number(item) || !put_component(field->type, js_number(item, 0), i, to))
            return bad_vector(rest, field, item, "a component is no number in range");
    }
    return true;
}

static bool read_base64(struct rest *rest, const struct field *field, const struct json *value,
                        uint8_t *to)
{
    size_t size;
    uint8_t *bytes = op_array(&rest->op, js_string_size(value) / 4 * 3 + 3, 1);
    if (bytes == NULL)
        return false;
    if (!base64_decode(js_string(value, ""), js_string_size(value), bytes, &size))
        return bad_vector(rest, field, value, "the text is no base64");
    if (size != field_type_width(field->type, field->dim))
        return wrong_size(rest, field, size);
    memcpy(to, bytes, size);
    return true;
}

static bool read_vector(struct rest *rest, const struct field *field, const struct json *value,
                        uint8_t *to)
{
    if (js_is_array(value))
        return read_components(rest, field, value, to);
    return js_is_string(value) && field->type != FIELD_FLOAT_VECTOR
               ? read_base64(rest, field, value, to)
               : bad_vector(rest, field, value, "no vector");
}

bool rest_read_queries(struct rest *rest, const struct field *field, const struct json *data,
                       int *ret_type, const struct bytes **ret_queries, size_t *ret_count)
{
    const size_t count = js_size(data), width = field_type_width(field->type, field->dim);
    struct bytes *queries = op_array(&rest->op, count, sizeof *queries);
    uint8_t *bytes = op_array(&rest->op, count, width);
    if (queries == NULL || bytes == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        queries[i] = (struct bytes){bytes + i * width, width};
        if (!read_vector(rest, field, js_at(data, i), bytes + i * width))
            return false;
    }
    *ret_type = (int)field->type;
    *ret_queries = queries;
    *ret_count = count;
    return true;
}
