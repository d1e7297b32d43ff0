/* grpc_schema.c: see grpc_schema.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "milvus2/fields.h"
#include "milvus2/grpc_schema.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"

/* A default value as JSON text; NULL for none. */
static bool read_default(struct op *op, const Mv__ValueField *value, const char **ret_text)
{
    struct text text;
    *ret_text = NULL;
    if (value == NULL || value->data_case == MV__VALUE_FIELD__DATA__NOT_SET)
        return true;
    text_init(&text);
    switch (value->data_case) {
    case MV__VALUE_FIELD__DATA_BOOL_DATA:
        json_add_bool(&text, NULL, value->bool_data != 0);
        break;
    case MV__VALUE_FIELD__DATA_INT_DATA:
        json_add_int(&text, NULL, value->int_data);
        break;
    case MV__VALUE_FIELD__DATA_LONG_DATA:
        json_add_int(&text, NULL, value->long_data);
        break;
    case MV__VALUE_FIELD__DATA_FLOAT_DATA:
        json_add_float(&text, NULL, value->float_data);
        break;
    case MV__VALUE_FIELD__DATA_DOUBLE_DATA:
        json_add_double(&text, NULL, value->double_data);
        break;
    case MV__VALUE_FIELD__DATA_STRING_DATA: {
        char *string =
            op_strndup(op, (const char *)value->string_data.data, value->string_data.len);
        json_add_string(&text, NULL, string);
        break;
    }
    default:
        json_add_raw(&text, NULL, "[]");
        break;
    }
    *ret_text = text_failed(&text) ? NULL : op_strndup(op, text_get(&text), text.size);
    text_release(&text);
    return *ret_text != NULL || status_nomem(&op->status, "default value");
}

static bool read_field(struct op *op, const char *collection, const Mv__FieldSchema *in,
                       struct field *ret_field)
{
    struct field_spec spec = {.name = in->name,
                              .description = in->description,
                              .type = in->data_type,
                              .element = in->element_type,
                              .is_primary = in->is_primary_key,
                              .is_auto_id = in->auto_id,
                              .is_partition_key = in->is_partition_key,
                              .is_clustering_key = in->is_clustering_key,
                              .is_nullable = in->nullable,
                              .is_dynamic = in->is_dynamic,
                              .is_function_output = in->is_function_output};
    return grpc_pairs(op, in->type_params, in->n_type_params, &spec.params) &&
           read_default(op, in->default_value, &spec.default_value) &&
           fields_make(op, collection, &spec, ret_field);
}

static bool unpack(struct op *op, const ProtobufCMessageDescriptor *type, ProtobufCBinaryData bytes,
                   void *ret_message)
{
    struct err err;
    const enum err_code code =
        wire_unpack(type, (struct bytes){bytes.data, bytes.len}, op->arena, ret_message, &err);
    return code == ERR_OK ||
           (code == ERR_NOMEM ? status_fail(&op->status, MILVUS_NO_MEMORY, "%s", err.msg)
                              : status_wrap(&op->status, MILVUS_INVALID, "%s", err.msg));
}

bool grpc_read_field(struct op *op, const char *collection, ProtobufCBinaryData bytes,
                     struct field *ret_field)
{
    Mv__FieldSchema *in;
    return unpack(op, &mv__field_schema__descriptor, bytes, &in) &&
           read_field(op, collection, in, ret_field);
}

bool grpc_read_schema(struct op *op, ProtobufCBinaryData bytes, struct collection_spec *spec)
{
    Mv__CollectionSchema *in;
    if (!unpack(op, &mv__collection_schema__descriptor, bytes, &in))
        return false;
    if (in->name[0] != '\0' && strcmp(in->name, spec->name) != 0)
        return status_expected(&op->status, "collection name matches schema name", "don't match",
                               "collection name = %s, schema.Name=%s", spec->name, in->name);
    if (in->n_functions > 0)
        return refuse(op, REFUSED_FUNCTIONS, in->functions[0]->name);
    if (in->n_struct_array_fields > 0)
        return refuse(op, REFUSED_STRUCTS, in->struct_array_fields[0]->name);
    spec->description = in->description;
    spec->has_dynamic = in->enable_dynamic_field != 0;
    spec->field_count = in->n_fields;
    spec->fields = op_array(op, in->n_fields, sizeof *spec->fields);
    struct pair *pairs = op_array(op, spec->properties.count + in->n_properties, sizeof *pairs);
    struct pair_list more;
    if (spec->fields == NULL || pairs == NULL ||
        !grpc_pairs(op, in->properties, in->n_properties, &more))
        return false;
    for (size_t i = 0; i < in->n_fields; i++)
        if (!read_field(op, spec->name, in->fields[i], &spec->fields[i]))
            return false;
    if (more.count > 0)
        memcpy(pairs, more.items, more.count * sizeof *pairs);
    if (spec->properties.count > 0)
        memcpy(pairs + more.count, spec->properties.items, spec->properties.count * sizeof *pairs);
    spec->properties = (struct pair_list){pairs, more.count + spec->properties.count};
    return true;
}

/* ---- Back ---- */

static bool put_default_value(struct op *op, const struct field *field, const struct json *value,
                              Mv__ValueField *out)
{
    switch (field->type) {
    case FIELD_BOOL:
        out->data_case = MV__VALUE_FIELD__DATA_BOOL_DATA;
        out->bool_data = js_is_true(value);
        return true;
    case FIELD_INT64:
        out->data_case = MV__VALUE_FIELD__DATA_LONG_DATA;
        out->long_data = js_int(value, 0);
        return true;
    case FIELD_FLOAT:
        out->data_case = MV__VALUE_FIELD__DATA_FLOAT_DATA;
        out->float_data = (float)js_number(value, 0);
        return true;
    case FIELD_DOUBLE:
        out->data_case = MV__VALUE_FIELD__DATA_DOUBLE_DATA;
        out->double_data = js_number(value, 0);
        return true;
    case FIELD_VARCHAR: {
        const char *text = js_string(value, "");
        const char *copy = op_strndup(op, text, js_string_size(value));
        out->data_case = MV__VALUE_FIELD__DATA_STRING_DATA;
        out->string_data = grpc_bytes(copy, js_string_size(value));
        return copy != NULL;
    }
    default:
        out->data_case = MV__VALUE_FIELD__DATA_INT_DATA;
        out->int_data = (int32_t)js_int(value, 0);
        return true;
    }
}

static bool put_default(struct op *op, const struct field *field, Mv__FieldSchema *out)
{
    struct err err;
    struct json *value;
    if (field->default_value == NULL)
        return true;
    out->default_value = grpc_new(op, &mv__value_field__descriptor);
    if (out->default_value == NULL)
        return false;
    if (!op_engine(op, js_parse(field->default_value, strlen(field->default_value), &value, &err),
                   &err))
        return false;
    const bool is_good = put_default_value(op, field, value, out->default_value);
    js_free(value);
    return is_good;
}

static bool put_field(struct op *op, const struct field *field, Mv__FieldSchema *out)
{
    struct pair_list params;
    out->field_id = field->id;
    out->name = grpc_text(field->name);
    out->is_primary_key = field->is_primary;
    out->description = grpc_text(field->description != NULL ? field->description : "");
    out->data_type = (int32_t)field->type;
    out->auto_id = field->is_auto_id;
    out->element_type = (int32_t)field->element;
    out->is_partition_key = field->is_partition_key;
    out->is_clustering_key = field->is_clustering_key;
    out->nullable = field->is_nullable;
    return fields_params(op, field, &params) &&
           grpc_put_pairs(op, &params, &out->type_params, &out->n_type_params) &&
           put_default(op, field, out);
}

Mv__CollectionSchema *grpc_put_schema(struct op *op, const struct view *view)
{
    Mv__CollectionSchema *out = grpc_new(op, &mv__collection_schema__descriptor);
    if (out == NULL)
        return NULL;
    out->name = grpc_text(view->info->name);
    out->db_name = grpc_text(view->info->database);
    out->description = grpc_text(view->schema.description != NULL ? view->schema.description : "");
    out->auto_id = view->schema.fields[view->schema.primary].is_auto_id;
    out->enable_dynamic_field = view->schema.has_dynamic;
    out->fields = grpc_new_array(op, &mv__field_schema__descriptor, view->shown_fields);
    if (out->fields == NULL)
        return NULL;
    for (size_t i = 0; i < view->schema.field_count; i++)
        if (i != view->dynamic &&
            !put_field(op, &view->schema.fields[i], out->fields[out->n_fields++]))
            return NULL;
    return out;
}
