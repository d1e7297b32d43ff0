/* template_json.c: see template_json.h. Nesting is bounded by JSON_DEPTH_MAX. */
#include <string.h>

#include "milvus2/template_json.h"

static bool from_array(struct op *op, const struct json *value, struct filter_value *ret_value)
{
    const size_t count = js_size(value);
    struct filter_value *items = op_array(op, count, sizeof *items);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!template_from_json(op, js_at(value, i), &items[i]))
            return false;
    *ret_value = (struct filter_value){.kind = FILTER_VALUE_ARRAY, .items = items, .count = count};
    return true;
}

bool template_from_json(struct op *op, const struct json *value, struct filter_value *ret_value)
{
    if (js_is_array(value))
        return from_array(op, value, ret_value);
    if (js_is_bool(value))
        *ret_value = (struct filter_value){.kind = FILTER_VALUE_BOOL, .boolean = js_is_true(value)};
    else if (js_is_int(value))
        *ret_value = (struct filter_value){.kind = FILTER_VALUE_INT, .integer = js_int(value, 0)};
    else if (js_is_number(value))
        *ret_value =
            (struct filter_value){.kind = FILTER_VALUE_DOUBLE, .real = js_number(value, 0)};
    else if (js_is_string(value))
        *ret_value = (struct filter_value){
            .kind = FILTER_VALUE_STRING,
            .string = op_strndup(op, js_string(value, ""), js_string_size(value)),
            .size = js_string_size(value)};
    else
        return status_wrap(&op->status, MILVUS_INVALID,
                           "a template value must be a bool, number, string or array of them");
    return ret_value->kind != FILTER_VALUE_STRING || ret_value->string != NULL;
}

bool template_from_text(struct op *op, struct bytes text, struct filter_value *ret_value)
{
    struct err err;
    struct json *value;
    const enum err_code code = js_parse((const char *)text.data, text.size, &value, &err);
    if (code == ERR_NOMEM)
        return status_fail_err(&op->status, &err);
    if (code != ERR_OK)
        return status_wrap(&op->status, MILVUS_INVALID, "a template value: %s", err.msg);
    const bool is_good = template_from_json(op, value, ret_value);
    js_free(value);
    return is_good;
}

bool templates_from_json(struct op *op, const struct json *object,
                         struct filter_templates *ret_templates)
{
    void *at = NULL;
    const char *key;
    size_t count = 0;
    *ret_templates = (struct filter_templates){0};
    if (object != NULL && !js_is_object(object) && !js_is_null(object))
        return status_wrap(&op->status, MILVUS_INVALID, "exprParams must be an object");
    while (js_next(object, &at, &key) != NULL)
        count++;
    struct filter_template *items = op_array(op, count, sizeof *items);
    if (items == NULL)
        return false;
    at = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct json *value = js_next(object, &at, &key);
        items[i].name = op_strndup(op, key, strlen(key));
        if (items[i].name == NULL || !template_from_json(op, value, &items[i].value))
            return false;
    }
    *ret_templates = (struct filter_templates){.items = items, .count = count};
    return true;
}
