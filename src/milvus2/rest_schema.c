/* rest_schema.c: making collections, adding fields, and describing them; see rest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "milvus2/collections.h"
#include "milvus2/fields.h"
#include "milvus2/indexes.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"
#include "milvus2/rest.h"

#define METRIC_DEFAULT "COSINE"

/* ---- From the request ---- */

/* Types of Milvus that no collection can have here have numbers too, so that they are refused by
 * name (fields.h). */
static int type_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } others[] = {{"String", 20},      {"Geometry", 24},       {"Text", 25},
                  {"Timestamptz", 26}, {"ArrayOfVector", 106}, {"Struct", 201}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].name, name) == 0)
            return others[i].number;
    return (int)field_type_from_name(name);
}

static bool read_type(struct rest *rest, const struct json *value, const char *what, int *ret_type)
{
    const char *name = js_string(value, "");
    *ret_type = type_number(name);
    return *ret_type != FIELD_NONE ||
           status_fail(&rest->op.status, MILVUS_INVALID, "%s, %s %s is invalid(case sensitive).",
                       status_text(MILVUS_INVALID), what, name);
}

/* The first of two spellings that is there. */
static const struct json *either(const struct json *object, const char *one, const char *other)
{
    const struct json *value = js_get(object, one);
    return value != NULL ? value : js_get(object, other);
}

static bool is_yes(const struct json *value)
{
    return js_is_string(value) ? number_parse_bool(js_string(value, "")) : js_is_true(value);
}

static bool read_field(struct rest *rest, const struct json *item, bool is_auto,
                       struct field *ret_field)
{
    struct field_spec spec = {.name = js_string(js_get(item, "fieldName"), ""),
                              .description = js_string(js_get(item, "description"), ""),
                              .is_primary = js_is_true(js_get(item, "isPrimary")),
                              .is_partition_key = js_is_true(js_get(item, "isPartitionKey")),
                              .is_clustering_key = js_is_true(js_get(item, "isClusteringKey")),
                              .is_nullable = js_is_true(js_get(item, "nullable"))};
    const struct json *given = js_get(item, "defaultValue");
    if (spec.name[0] == '\0' || js_is_null(js_get(item, "dataType")))
        return rest_fail(rest, MILVUS_REST_MISSING,
                         "error: Key: 'FieldSchema.%s' Error:Field validation for '%s' failed on "
                         "the 'required' tag",
                         spec.name[0] == '\0' ? "FieldName" : "DataType",
                         spec.name[0] == '\0' ? "FieldName" : "DataType");
    spec.is_auto_id = spec.is_primary && (is_auto || is_yes(either(item, "autoID", "autoId")));
    if (!read_type(rest, js_get(item, "dataType"), "data type", &spec.type) ||
        (spec.type == FIELD_ARRAY &&
         !read_type(rest, js_get(item, "elementDataType"), "element data type", &spec.element)) ||
        !rest_pairs(rest, js_get(item, "elementTypeParams"), &spec.params))
        return false;
    if (!js_is_null(given)) {
        char *text = js_dump(given);
        spec.default_value = text != NULL ? op_strndup(&rest->op, text, strlen(text)) : NULL;
        mem_free(text);
        if (spec.default_value == NULL)
            return status_nomem(&rest->op.status, "default value");
    }
    return fields_make(&rest->op, rest_collection(rest), &spec, ret_field);
}

static bool read_schema(struct rest *rest, const struct json *schema, struct collection_spec *spec)
{
    const struct json *fields = js_get(schema, "fields");
    const bool is_auto = is_yes(either(schema, "autoID", "autoId"));
    if (js_size(js_get(schema, "functions")) > 0)
        return refuse(&rest->op, REFUSED_FUNCTIONS, "schema");
    if (js_size(js_get(schema, "structFields")) > 0)
        return refuse(&rest->op, REFUSED_STRUCTS, "schema");
    spec->has_dynamic = is_yes(js_get(schema, "enableDynamicField"));
    spec->field_count = js_size(fields);
    spec->fields = op_array(&rest->op, spec->field_count, sizeof *spec->fields);
    if (spec->fields == NULL)
        return false;
    for (size_t i = 0; i < spec->field_count; i++)
        if (!read_field(rest, js_at(fields, i), is_auto, &spec->fields[i]))
            return false;
    return true;
}

/* id and vector, from a dimension. */
static bool quick_schema(struct rest *rest, struct collection_spec *spec, const char *vector)
{
    const struct json *params = js_get(rest->body, "params");
    const int64_t dim = rest_int(rest, "dimension", 0);
    const char *id_type = rest_text(rest, "idType", "Int64");
    const bool is_text = strcmp(id_type, "VarChar") == 0 || strcmp(id_type, "Varchar") == 0;
    const char *key = rest_text(rest, rest->is_v1 ? "primaryField" : "primaryFieldName", "id");
    if (dim == 0)
        return status_expected(&rest->op.status, "collectionName & dimension", "collectionName",
                               "dimension is required for quickly create collection(default "
                               "metric type: " METRIC_DEFAULT ")");
    if (!is_text && strcmp(id_type, "Int64") != 0 && strcmp(id_type, "int64") != 0)
        return status_expected(&rest->op.status, "Int64, Varchar", id_type,
                               "idType can only be [Int64, VarChar], default: Int64");
    struct pair *items = op_array(&rest->op, 2, sizeof *items);
    struct field *fields = op_array(&rest->op, 2, sizeof *fields);
    if (items == NULL || fields == NULL)
        return false;
    items[0] = (struct pair){"max_length", NULL};
    items[1] = (struct pair){"dim", op_printf(&rest->op, "%" PRId64, dim)};
    if (is_text && !js_is_null(js_get(params, "max_length")))
        items[0].value = rest_value_text(rest, js_get(params, "max_length"));
    const struct field_spec specs[] = {
        {.name = key,
         .description = "",
         .type = is_text ? FIELD_VARCHAR : FIELD_INT64,
         .is_primary = true,
         .is_auto_id = is_yes(either(rest->body, "autoID", "autoId")),
         .params = {items, items[0].value != NULL}},
        {.name = vector, .description = "", .type = FIELD_FLOAT_VECTOR, .params = {items + 1, 1}}};
    const struct json *dynamic = js_get(params, "enableDynamicField");
    spec->has_dynamic = js_is_null(dynamic) || is_yes(dynamic);
    spec->fields = fields;
    spec->field_count = 2;
    return items[1].value != NULL && fields_make(&rest->op, spec->name, &specs[0], &fields[0]) &&
           fields_make(&rest->op, spec->name, &specs[1], &fields[1]);
}

/* A whole number, or its digits; 0 when there is none. */
static int64_t whole_param(const struct json *params, const char *key)
{
    int64_t number;
    const struct json *value = js_get(params, key);
    if (js_is_string(value))
        return number_parse_int(js_string(value, ""), &number) ? number : 0;
    return js_int(value, 0);
}

/* Settings below "params". */
static bool read_params(struct rest *rest, struct collection_spec *spec)
{
    static const char *const kept[][2] = {{"ttlSeconds", "collection.ttl.seconds"},
                                          {"partitionKeyIsolation", "partitionkey.isolation"},
                                          {"mmap.enabled", "mmap.enabled"}};
    const struct json *params = js_get(rest->body, "params");
    const struct json *level = js_get(params, "consistencyLevel");
    struct pair *items = op_array(&rest->op, 3, sizeof *items);
    if (items == NULL)
        return false;
    spec->consistency = 2;
    if (!js_is_null(level) && !rest_consistency(rest, js_string(level, "?"), &spec->consistency))
        return false;
    spec->shards = whole_param(params, "shardsNum");
    spec->partitions = whole_param(params, "partitionsNum");
    size_t n = 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const struct json *value = js_get(params, kept[i][0]);
        if (js_is_null(value))
            continue;
        items[n] = (struct pair){kept[i][1], rest_value_text(rest, value)};
        if (items[n++].value == NULL)
            return false;
    }
    spec->properties = (struct pair_list){items, n};
    return true;
}

/* Before anything is made: indexes must be of declared fields. */
static bool check_index_fields(struct rest *rest, const struct collection_spec *spec,
                               const struct json *items)
{
    for (size_t i = 0; i < js_size(items); i++) {
        const char *name = js_string(js_get(js_at(items, i), "fieldName"), "");
        bool is_known = false;
        for (size_t k = 0; k < spec->field_count; k++)
            is_known = is_known || strcmp(spec->fields[k].name, name) == 0;
        if (!is_known)
            return rest_fail(rest, MILVUS_REST_MISSING, "error: `%s` hasn't defined in schema",
                             name);
    }
    return true;
}

static bool finish(struct rest *rest, const char *collection)
{
    return loads_load(&rest->op, collection, &(struct name_list){0}) && rest_done(rest);
}

static bool create_quickly(struct rest *rest, struct collection_spec *spec)
{
    const char *vector = rest_text(rest, rest->is_v1 ? "vectorField" : "vectorFieldName", "vector");
    const struct pair metric = {"metric_type", rest_text(rest, "metricType", METRIC_DEFAULT)};
    const struct index_spec index = {
        .collection = spec->name, .field = vector, .name = vector, .params = {&metric, 1}};
    return quick_schema(rest, spec, vector) && collections_create(&rest->op, spec) &&
           indexes_create(&rest->op, &index) && finish(rest, spec->name);
}

bool rest_create_collection(struct rest *rest)
{
    const struct json *schema = js_get(rest->body, "schema");
    const struct json *indexes = js_get(rest->body, "indexParams");
    struct collection_spec spec = {.name = rest_collection(rest),
                                   .description = rest_text(rest, "description", "")};
    if (!name_check_collection(&rest->op.status, spec.name) || !read_params(rest, &spec))
        return false;
    if (js_size(js_get(schema, "fields")) == 0)
        return create_quickly(rest, &spec);
    if (!read_schema(rest, schema, &spec) || !check_index_fields(rest, &spec, indexes) ||
        !collections_create(&rest->op, &spec))
        return false;
    if (js_size(indexes) == 0)
        return rest_done(rest);
    return rest_make_indexes(rest, spec.name, indexes) && finish(rest, spec.name);
}

bool rest_add_field(struct rest *rest)
{
    struct field field;
    return read_field(rest, js_get(rest->body, "schema"), false, &field) &&
           collections_add_field(&rest->op, rest_collection(rest), &field) && rest_done(rest);
}

/* ---- Back ---- */

static bool add_field(struct rest *rest, const struct field *field)
{
    struct pair_list params;
    if (!fields_params(&rest->op, field, &params))
        return false;
    json_open(&rest->answer, NULL, '{');
    json_add_string(&rest->answer, "name", field->name);
    json_add_int(&rest->answer, "id", field->id);
    json_add_string(&rest->answer, "type", field_type_name(field->type));
    json_add_bool(&rest->answer, "primaryKey", field->is_primary);
    json_add_bool(&rest->answer, "partitionKey", field->is_partition_key);
    json_add_bool(&rest->answer, "clusteringKey", field->is_clustering_key);
    json_add_bool(&rest->answer, "autoId", field->is_auto_id);
    json_add_bool(&rest->answer, "nullable", field->is_nullable);
    json_add_string(&rest->answer, "description",
                    field->description != NULL ? field->description : "");
    if (field->type == FIELD_ARRAY)
        json_add_string(&rest->answer, "elementType", field_type_name(field->element));
    if (field->default_value != NULL)
        json_add_raw(&rest->answer, "defaultValue", field->default_value);
    if (params.count > 0)
        rest_add_pairs(rest, "params", &params);
    json_close(&rest->answer, '}');
    return true;
}

static bool add_fields(struct rest *rest, const struct view *view)
{
    json_open(&rest->answer, "fields", '[');
    for (size_t i = 0; i < view->shown_fields; i++)
        if (!add_field(rest, &view->schema.fields[i]))
            return false;
    json_close(&rest->answer, ']');
    return true;
}

/* Indexes of the first vector field. */
static bool add_indexes(struct rest *rest, const struct view *view)
{
    struct index_view *items = NULL;
    size_t count = 0, vector = 0;
    while (vector < view->shown_fields && !field_type_is_vector(view->schema.fields[vector].type))
        vector++;
    if (vector < view->shown_fields &&
        !indexes_describe(&rest->op, view, view->schema.fields[vector].name, "", &items, &count)) {
        if (rest->op.status.code != MILVUS_NO_INDEX)
            return false;
        rest->op.status = (struct status){0};
        count = 0;
    }
    json_open(&rest->answer, "indexes", '[');
    for (size_t i = 0; i < count; i++) {
        const char *metric = pairs_get(&items[i].params, "metric_type");
        json_open(&rest->answer, NULL, '{');
        json_add_string(&rest->answer, "indexName", items[i].declared->name);
        json_add_string(&rest->answer, "fieldName", items[i].field);
        json_add_string(&rest->answer, "metricType", metric != NULL ? metric : "");
        json_close(&rest->answer, '}');
    }
    json_close(&rest->answer, ']');
    return true;
}

static bool add_facts(struct rest *rest, const struct view *view)
{
    const struct collection_info *info = view->info;
    struct pair_list properties;
    if (!properties_list(&rest->op, info->properties, &properties))
        return false;
    json_add_string(&rest->answer, "load",
                    info->is_loaded ? "LoadStateLoaded" : "LoadStateNotLoad");
    json_add_uint(&rest->answer, "shardsNum", info->shards);
    json_add_uint(&rest->answer, "partitionsNum",
                  info->partition_keys > 0 ? info->partition_keys : view->facts->partition_count);
    json_add_string(&rest->answer, "consistencyLevel", rest_consistency_name(info->consistency));
    json_add_bool(&rest->answer, "enableDynamicField", info->schema.has_dynamic);
    rest_add_pairs(rest, "properties", &properties);
    return true;
}

bool rest_describe_collection(struct rest *rest)
{
    struct view view;
    const char *name = rest_collection(rest);
    if (rest->is_v1 && name[0] == '\0')
        return rest_fail(rest, MILVUS_REST_MISSING, "error: collectionName is required");
    if (!view_open(&rest->op, name, &view)) {
        if (rest->op.status.code == MILVUS_NO_COLLECTION)
            (void)status_fail(&rest->op.status, MILVUS_NO_COLLECTION,
                              "can't find collection[database=%s][collection=%s]",
                              rest->op.database, name);
        return false;
    }
    const struct collection_info *info = view.info;
    const struct field *key = &view.schema.fields[view.schema.primary];
    json_open(&rest->answer, "data", '{');
    json_add_string(&rest->answer, "collectionName", info->name);
    rest_add_int(rest, "collectionID", info->id);
    json_add_string(&rest->answer, "description",
                    info->schema.description != NULL ? info->schema.description : "");
    json_add_bool(&rest->answer, "autoId", key->is_auto_id);
    if (!add_fields(rest, &view) || !add_indexes(rest, &view) || !add_facts(rest, &view))
        return false;
    json_open(&rest->answer, "functions", '[');
    json_close(&rest->answer, ']');
    rest_add_names(rest, "aliases", &(struct name_list){info->aliases, info->alias_count});
    json_close(&rest->answer, '}');
    json_add_string(&rest->answer, "message", "");
    return true;
}
