/* fields.c: see fields.h. Rules and wording: Milvus's proxy and root coordinator. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "milvus2/fields.h"
#include "milvus2/names.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"

#define TYPE_STRING 20
#define TYPE_GEOMETRY 24
#define TYPE_TEXT 25
#define TYPE_TIMESTAMPTZ 26

static bool check_type(struct op *op, const char *name, int type)
{
    switch (type) {
    case 0:
        return status_fail(&op->status, MILVUS_ERROR, "data type None is not valid");
    case TYPE_STRING:
        return status_fail(&op->status, MILVUS_ERROR,
                           "string data type not supported yet, please use VarChar type instead");
    case TYPE_GEOMETRY:
        return refuse(op, REFUSED_GEOMETRY, name);
    case TYPE_TEXT:
        return refuse(op, REFUSED_TEXT, name);
    case TYPE_TIMESTAMPTZ:
        return refuse(op, REFUSED_TIMESTAMPTZ, name);
    case FIELD_SPARSE_FLOAT_VECTOR:
        return refuse(op, REFUSED_SPARSE, name);
    default:
        break;
    }
    if (strcmp(field_type_name((enum field_type)type), "None") == 0)
        return status_wrap(&op->status, MILVUS_INVALID, "field %s: data type %d is not supported",
                           name, type);
    return true;
}

static bool check_element(struct op *op, const char *name, int element)
{
    if (element == 0)
        return status_fail(&op->status, MILVUS_ERROR, "element data type None is not valid");
    if (element == TYPE_STRING)
        return status_fail(&op->status, MILVUS_ERROR,
                           "string data type not supported yet, please use VarChar type instead");
    if (element > FIELD_VARCHAR || (element > FIELD_DOUBLE && element < FIELD_VARCHAR) ||
        !check_type(op, name, element))
        return status_fail(&op->status, MILVUS_ERROR, "element type %s is not supported",
                           field_type_name((enum field_type)element));
    return true;
}

static bool read_dim(struct op *op, const struct field_spec *spec, struct field *field)
{
    const char *text = pairs_get(&spec->params, "dim");
    int64_t dim;
    if (text == NULL)
        return status_fail(&op->status, MILVUS_ERROR,
                           "dimension is not defined in field type params of field %s, check type "
                           "param `dim` for vector field",
                           spec->name);
    if (!number_parse_int(text, &dim))
        return status_fail(&op->status, MILVUS_ERROR, "invalid dimension: %s of field %s", text,
                           spec->name);
    if (dim <= 1)
        return status_fail(&op->status, MILVUS_ERROR,
                           "invalid dimension: %" PRId64 ". should be in range 2 ~ %d", dim,
                           LIMIT_DIM);
    if (field->type != FIELD_BINARY_VECTOR && dim > LIMIT_DIM)
        return status_fail(&op->status, MILVUS_ERROR,
                           "invalid dimension: %" PRId64 " of field %s. float vector dimension "
                           "should be in range 2 ~ %d",
                           dim, spec->name, LIMIT_DIM);
    if (field->type == FIELD_BINARY_VECTOR && dim % 8 != 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "invalid dimension: %" PRId64 " of field %s. binary vector dimension "
                           "should be multiple of 8. ",
                           dim, spec->name);
    if (dim > LIMIT_DIM_BITS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "invalid dimension: %" PRId64 " of field %s. binary vector dimension "
                           "should be in range 2 ~ %d",
                           dim, spec->name, LIMIT_DIM_BITS);
    field->dim = (size_t)dim;
    return true;
}

static bool read_max_length(struct op *op, const char *collection, const struct field_spec *spec,
                            struct field *field)
{
    const char *text = pairs_get(&spec->params, "max_length");
    int64_t length;
    if (text == NULL)
        return status_fail(&op->status, MILVUS_ERROR,
                           "type param(max_length) should be specified for the field(%s) of "
                           "collection %s",
                           spec->name, collection);
    if (!number_parse_int(text, &length))
        return status_fail(&op->status, MILVUS_ERROR,
                           "type param(max_length) of the field(%s) should be an integer: %s",
                           spec->name, text);
    if (length <= 0 || length > LIMIT_VARCHAR)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "the maximum length specified for the field(%s) should be in (0, %d], "
                           "but got %" PRId64 " instead",
                           spec->name, LIMIT_VARCHAR, length);
    field->max_length = (size_t)length;
    return true;
}

static bool read_capacity(struct op *op, const char *collection, const struct field_spec *spec,
                          struct field *field)
{
    const char *text = pairs_get(&spec->params, "max_capacity");
    int64_t capacity;
    if (text == NULL)
        return status_fail(&op->status, MILVUS_ERROR,
                           "type param(max_capacity) should be specified for array field %s of "
                           "collection %s",
                           spec->name, collection);
    if (!number_parse_int(text, &capacity))
        return status_fail(&op->status, MILVUS_ERROR,
                           "the value for max_capacity of field %s must be an integer", spec->name);
    if (capacity <= 0 || capacity > LIMIT_CAPACITY)
        return status_fail(&op->status, MILVUS_ERROR,
                           "the maximum capacity specified for a Array should be in (0, %d]",
                           LIMIT_CAPACITY);
    field->max_capacity = (size_t)capacity;
    return true;
}

static bool default_mismatch(struct op *op, const struct field *field, const char *found)
{
    return status_wrap(&op->status, MILVUS_INVALID,
                       "type (%s) of field (%s) is not equal to the type(DataType_%s) of "
                       "default_value",
                       field_type_name(field->type), field->name, found);
}

static bool check_default_int(struct op *op, const struct field *field, const struct json *value)
{
    static const int64_t most[] = {
        [FIELD_INT8] = INT8_MAX, [FIELD_INT16] = INT16_MAX, [FIELD_INT32] = INT32_MAX};
    if (!js_is_int(value))
        return default_mismatch(op, field, "Int64");
    const int64_t number = js_int(value, 0);
    if (field->type != FIELD_INT64 &&
        (number > most[field->type] || number < -most[field->type] - 1))
        return status_wrap(&op->status, MILVUS_INVALID,
                           "[%" PRId64 "] of field (%s) is out of range of %s", number, field->name,
                           field_type_name(field->type));
    return true;
}

static bool check_default_value(struct op *op, const struct field *field, const struct json *value)
{
    switch (field->type) {
    case FIELD_BOOL:
        return js_is_bool(value) || default_mismatch(op, field, "Bool");
    case FIELD_INT8:
    case FIELD_INT16:
    case FIELD_INT32:
    case FIELD_INT64:
        return check_default_int(op, field, value);
    case FIELD_FLOAT:
        if (js_is_number(value) && fabs(js_number(value, 0)) > (double)FLT_MAX)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "default value of field (%s) is out of range of Float", field->name);
        return js_is_number(value) || default_mismatch(op, field, "Float");
    case FIELD_DOUBLE:
        return js_is_number(value) || default_mismatch(op, field, "Double");
    case FIELD_VARCHAR:
        if (!js_is_string(value))
            return default_mismatch(op, field, "VarChar");
        if (js_string_size(value) > field->max_length)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "the length (%zu) of string exceeds max length (%zu)",
                               js_string_size(value), field->max_length);
        return true;
    default:
        return status_wrap(&op->status, MILVUS_INVALID,
                           "type not support default_value, type:%s, name:%s",
                           field_type_name(field->type), field->name);
    }
}

static bool check_default(struct op *op, const struct field_spec *spec, struct field *field)
{
    struct err err;
    struct json *value;
    if (spec->default_value == NULL)
        return true;
    if (field->is_primary)
        return status_wrap(&op->status, MILVUS_INVALID, "primary field not support default_value");
    if (js_parse(spec->default_value, strlen(spec->default_value), &value, &err) != ERR_OK)
        return status_wrap(&op->status, MILVUS_INVALID, "default value of field (%s): %s",
                           field->name, err.msg);
    const bool is_good = check_default_value(op, field, value);
    js_free(value);
    field->default_value = spec->default_value;
    return is_good;
}

/* Words are found by the standard analyzer (filter/words.h). Another one makes no difference, and
 * is only remembered, unless text is to be matched. */
static bool check_analyzer(struct op *op, const struct field_spec *spec, const struct field *field)
{
    const char *match = pairs_get(&spec->params, "enable_match");
    const char *params = pairs_get(&spec->params, "analyzer_params");
    struct err err;
    struct json *value;
    if (match == NULL || !number_parse_bool(match))
        return true;
    if (field->type != FIELD_VARCHAR)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "field %s: enable_match is only for VarChar fields", field->name);
    if (pairs_get(&spec->params, "multi_analyzer_params") != NULL)
        return refuse(op, REFUSED_ANALYZER, field->name);
    if (params == NULL || params[0] == '\0')
        return true;
    if (js_parse(params, strlen(params), &value, &err) != ERR_OK)
        return status_wrap(&op->status, MILVUS_INVALID, "field %s: analyzer_params: %s",
                           field->name, err.msg);
    const char *type = js_string(js_get(value, "type"), "");
    const char *tokenizer = js_string(js_get(value, "tokenizer"), "");
    const bool is_standard = (type[0] == '\0' || strcmp(type, "standard") == 0) &&
                             (tokenizer[0] == '\0' || strcmp(tokenizer, "standard") == 0) &&
                             js_is_null(js_get(value, "stop_words")) &&
                             js_is_null(js_get(value, "filter"));
    js_free(value);
    return is_standard || refuse(op, REFUSED_ANALYZER, field->name);
}

static bool check_flags(struct op *op, const struct field_spec *spec, const struct field *field)
{
    if (spec->is_dynamic)
        return status_fail(&op->status, MILVUS_ERROR,
                           "cannot explicitly set a field as a dynamic field");
    if (spec->is_function_output)
        return refuse(op, REFUSED_FUNCTIONS, field->name);
    if (!check_analyzer(op, spec, field))
        return false;
    if (field->is_nullable && field->is_primary)
        return status_wrap(&op->status, MILVUS_INVALID, "primary field not support null");
    if (field->is_nullable && field_type_is_vector(field->type))
        return status_wrap(&op->status, MILVUS_INVALID, "vector type not support null");
    if (field->is_auto_id && !field->is_primary)
        return status_fail(&op->status, MILVUS_ERROR,
                           "only primary field can speficy AutoID with true, field name = %s",
                           field->name);
    return true;
}

bool fields_make(struct op *op, const char *collection, const struct field_spec *spec,
                 struct field *ret_field)
{
    if (!name_check_field(&op->status, spec->name) || !check_type(op, spec->name, spec->type))
        return false;
    struct field field = {.name = spec->name,
                          .description = spec->description != NULL ? spec->description : "",
                          .type = (enum field_type)spec->type,
                          .is_primary = spec->is_primary,
                          .is_auto_id = spec->is_auto_id,
                          .is_partition_key = spec->is_partition_key,
                          .is_clustering_key = spec->is_clustering_key,
                          .is_nullable = spec->is_nullable};
    if (field.type == FIELD_ARRAY) {
        if (!check_element(op, spec->name, spec->element) ||
            !read_capacity(op, collection, spec, &field))
            return false;
        field.element = (enum field_type)spec->element;
    }
    if (field_type_is_vector(field.type) && !read_dim(op, spec, &field))
        return false;
    if ((field.type == FIELD_VARCHAR || field.element == FIELD_VARCHAR) &&
        !read_max_length(op, collection, spec, &field))
        return false;
    if (!check_flags(op, spec, &field) || !check_default(op, spec, &field) ||
        !properties_text(op, &spec->params, &field.params))
        return false;
    *ret_field = field;
    return true;
}

static bool check_key(struct op *op, const struct collection_spec *spec)
{
    const struct field *key = NULL;
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct field *field = &spec->fields[i];
        if (!field->is_primary)
            continue;
        if (key != NULL)
            return status_fail(&op->status, MILVUS_ERROR,
                               "there are more than one primary key, field name = %s, %s",
                               key->name, field->name);
        if (field->type != FIELD_INT64 && field->type != FIELD_VARCHAR)
            return status_fail(&op->status, MILVUS_ERROR,
                               "the data type of primary key should be Int64 or VarChar");
        key = field;
    }
    return key != NULL || status_fail(&op->status, MILVUS_ERROR, "primary key is not specified");
}

static bool check_partition_key(struct op *op, const struct collection_spec *spec)
{
    const struct field *key = NULL;
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct field *field = &spec->fields[i];
        if (!field->is_partition_key)
            continue;
        if (key != NULL)
            return status_fail(&op->status, MILVUS_ERROR,
                               "there are more than one partition key, field name = %s, %s",
                               key->name, field->name);
        if (field->is_primary)
            return status_fail(&op->status, MILVUS_ERROR,
                               "the partition key field must not be primary field");
        if (field->is_nullable)
            return status_wrap(&op->status, MILVUS_INVALID,
                               "partition key field not support nullable");
        if (field->type != FIELD_INT64 && field->type != FIELD_VARCHAR)
            return status_fail(&op->status, MILVUS_ERROR,
                               "the data type of partition key should be Int64 or VarChar");
        key = field;
    }
    if (spec->partitions < 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "the specified partitions should be greater than 0 if partition key is "
                           "used");
    if (key == NULL && spec->partitions > 0)
        return status_fail(&op->status, MILVUS_ERROR,
                           "num_partitions should only be specified with partition key field "
                           "enabled");
    if (spec->partitions > LIMIT_PARTITION_KEYS)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "partition number (%" PRId64 ") exceeds max configuration (%d)",
                           spec->partitions, LIMIT_PARTITION_KEYS);
    return true;
}

static bool check_names(struct op *op, const struct collection_spec *spec)
{
    size_t vectors = 0;
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct field *field = &spec->fields[i];
        vectors += field_type_is_vector(field->type);
        for (size_t k = 0; k < i; k++)
            if (strcmp(spec->fields[k].name, field->name) == 0)
                return status_fail(&op->status, MILVUS_ERROR, "duplicated field name %s found",
                                   field->name);
    }
    if (vectors == 0)
        return status_wrap(&op->status, MILVUS_INVALID, "schema does not contain vector field");
    if (vectors > LIMIT_VECTOR_FIELDS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "maximum vector field's number should be limited to %d",
                           LIMIT_VECTOR_FIELDS);
    return true;
}

bool fields_check(struct op *op, const struct collection_spec *spec)
{
    if (spec->field_count + spec->has_dynamic > SCHEMA_FIELDS_MAX)
        return status_fail(&op->status, MILVUS_ERROR,
                           "maximum field's number should be limited to %d", SCHEMA_FIELDS_MAX);
    if (spec->shards < 0 || spec->shards > LIMIT_SHARDS)
        return status_fail(&op->status, MILVUS_ERROR,
                           "maximum shards's number should be limited to %d", LIMIT_SHARDS);
    return check_names(op, spec) && check_key(op, spec) && check_partition_key(op, spec);
}

static bool add_number(struct op *op, struct pair *pair, const char *key, size_t value)
{
    *pair = (struct pair){.key = key, .value = op_printf(op, "%zu", value)};
    return pair->value != NULL;
}

bool fields_params(struct op *op, const struct field *field, struct pair_list *ret_pairs)
{
    struct pair_list given = {0};
    if (field->params != NULL && !properties_list(op, field->params, &given))
        return false;
    struct pair *pairs = op_array(op, given.count + 3, sizeof *pairs);
    if (pairs == NULL)
        return false;
    size_t count = 0;
    /* What the engine keeps as numbers wins over what was given: lengths may have been altered. */
    if (field->dim > 0 && !add_number(op, &pairs[count++], "dim", field->dim))
        return false;
    if (field->max_length > 0 && !add_number(op, &pairs[count++], "max_length", field->max_length))
        return false;
    if (field->max_capacity > 0 &&
        !add_number(op, &pairs[count++], "max_capacity", field->max_capacity))
        return false;
    for (size_t i = 0; i < given.count; i++)
        if (strcmp(given.items[i].key, "dim") != 0 &&
            strcmp(given.items[i].key, "max_length") != 0 &&
            strcmp(given.items[i].key, "max_capacity") != 0)
            pairs[count++] = given.items[i];
    *ret_pairs = (struct pair_list){.items = pairs, .count = count};
    return true;
}
