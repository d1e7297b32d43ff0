/* grpc_templates.c: values of a filter's templates, as messages, to filter/filter.h's. Nesting is
 * bounded by WIRE_DEPTH_MAX and JSON_DEPTH_MAX, which were checked before. */
#include <string.h>

#include "base/json.h"
#include "filter/filter.h"
#include "milvus2/grpc.h"
#include "milvus2/template_json.h"

static bool read_array(struct op *op, const Mv__TemplateArrayValue *in, struct filter_value *out);

static struct filter_value *items_of(struct op *op, size_t count, struct filter_value *out)
{
    struct filter_value *items = op_array(op, count, sizeof *items);
    *out = (struct filter_value){.kind = FILTER_VALUE_ARRAY, .items = items, .count = count};
    return items;
}

static void set_string(struct filter_value *out, ProtobufCBinaryData bytes)
{
    *out = (struct filter_value){.kind = FILTER_VALUE_STRING,
                                 .string = bytes.len > 0 ? (const char *)bytes.data : "",
                                 .size = bytes.len};
}

static bool read_scalars(struct op *op, const Mv__TemplateArrayValue *in, struct filter_value *out)
{
    struct filter_value *items;
    switch (in->data_case) {
    case MV__TEMPLATE_ARRAY_VALUE__DATA_BOOL_DATA:
        items = items_of(op, in->bool_data->n_data, out);
        for (size_t i = 0; items != NULL && i < out->count; i++)
            items[i] = (struct filter_value){.kind = FILTER_VALUE_BOOL,
                                             .boolean = in->bool_data->data[i] != 0};
        return items != NULL;
    case MV__TEMPLATE_ARRAY_VALUE__DATA_LONG_DATA:
        items = items_of(op, in->long_data->n_data, out);
        for (size_t i = 0; items != NULL && i < out->count; i++)
            items[i] =
                (struct filter_value){.kind = FILTER_VALUE_INT, .integer = in->long_data->data[i]};
        return items != NULL;
    case MV__TEMPLATE_ARRAY_VALUE__DATA_DOUBLE_DATA:
        items = items_of(op, in->double_data->n_data, out);
        for (size_t i = 0; items != NULL && i < out->count; i++)
            items[i] = (struct filter_value){.kind = FILTER_VALUE_DOUBLE,
                                             .real = in->double_data->data[i]};
        return items != NULL;
    case MV__TEMPLATE_ARRAY_VALUE__DATA_STRING_DATA:
        items = items_of(op, in->string_data->n_data, out);
        for (size_t i = 0; items != NULL && i < out->count; i++)
            set_string(&items[i], in->string_data->data[i]);
        return items != NULL;
    default:
        return items_of(op, 0, out) != NULL;
    }
}

static bool read_array(struct op *op, const Mv__TemplateArrayValue *in, struct filter_value *out)
{
    if (in->data_case == MV__TEMPLATE_ARRAY_VALUE__DATA_ARRAY_DATA) {
        const Mv__TemplateArrayValueArray *array = in->array_data;
        struct filter_value *items = items_of(op, array->n_data, out);
        for (size_t i = 0; items != NULL && i < array->n_data; i++)
            if (!read_array(op, array->data[i], &items[i]))
                return false;
        return items != NULL;
    }
    if (in->data_case == MV__TEMPLATE_ARRAY_VALUE__DATA_JSON_DATA) {
        const Mv__BytesArray *array = in->json_data;
        struct filter_value *items = items_of(op, array->n_data, out);
        for (size_t i = 0; items != NULL && i < array->n_data; i++)
            if (!template_from_text(op, (struct bytes){array->data[i].data, array->data[i].len},
                                    &items[i]))
                return false;
        return items != NULL;
    }
    return read_scalars(op, in, out);
}

static bool read_value(struct op *op, const Mv__TemplateValue *in, struct filter_value *out)
{
    switch (in->val_case) {
    case MV__TEMPLATE_VALUE__VAL_BOOL_VAL:
        *out = (struct filter_value){.kind = FILTER_VALUE_BOOL, .boolean = in->bool_val != 0};
        return true;
    case MV__TEMPLATE_VALUE__VAL_INT64_VAL:
        *out = (struct filter_value){.kind = FILTER_VALUE_INT, .integer = in->int64_val};
        return true;
    case MV__TEMPLATE_VALUE__VAL_FLOAT_VAL:
        *out = (struct filter_value){.kind = FILTER_VALUE_DOUBLE, .real = in->float_val};
        return true;
    case MV__TEMPLATE_VALUE__VAL_STRING_VAL:
        set_string(out, in->string_val);
        return true;
    case MV__TEMPLATE_VALUE__VAL_ARRAY_VAL:
        return read_array(op, in->array_val, out);
    default:
        return status_wrap(&op->status, MILVUS_INVALID, "a template value has no known type");
    }
}

bool grpc_templates(struct op *op, Mv__TemplateEntry *const *items, size_t count,
                    struct filter_templates *ret_templates)
{
    struct filter_template *templates = op_array(op, count, sizeof *templates);
    if (templates == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        templates[i].name = items[i]->key;
        if (items[i]->value == NULL)
            return status_wrap(&op->status, MILVUS_INVALID, "the template %s has no value",
                               items[i]->key);
        if (!read_value(op, items[i]->value, &templates[i].value))
            return false;
    }
    *ret_templates = (struct filter_templates){.items = templates, .count = count};
    return true;
}
