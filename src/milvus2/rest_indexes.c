/* rest_indexes.c: indexes; see rest.h. */
#include <string.h>

#include "milvus2/indexes.h"
#include "milvus2/rest.h"

/* The members of params that say the type and the metric are no build parameters. */
static bool is_lifted(const char *key)
{
    return strcmp(key, "index_type") == 0 || strcmp(key, "metric_type") == 0;
}

/* Build parameters as the one JSON object that they came in; NULL when there are none. */
static bool build_params(struct rest *rest, const struct json *params, const char **ret_text)
{
    struct text text;
    size_t count = 0;
    const char *key;
    const struct json *value;
    text_init(&text);
    json_open(&text, NULL, '{');
    for (void *at = NULL; (value = js_next(params, &at, &key)) != NULL;) {
        if (is_lifted(key))
            continue;
        char *piece = js_dump_ordered(value);
        json_add_raw(&text, key, piece != NULL ? piece : "null");
        mem_free(piece);
        count++;
    }
    json_close(&text, '}');
    *ret_text = count > 0 ? op_strndup(&rest->op, text_get(&text), text.size) : NULL;
    const bool has_failed = text_failed(&text) || (count > 0 && *ret_text == NULL);
    text_release(&text);
    return !has_failed || status_nomem(&rest->op.status, "index");
}

/* Type, metric and build parameters as the pairs that gRPC would carry. */
static bool index_params(struct rest *rest, const struct json *item, struct pair_list *ret_pairs)
{
    const struct json *params = js_get(item, "params");
    struct pair *items = op_array(&rest->op, 3, sizeof *items);
    const char *build;
    if (items == NULL || !build_params(rest, params, &build))
        return false;
    size_t n = 0;
    const char *metric = js_string(js_get(item, "metricType"), "");
    const char *type = js_string(js_get(item, "indexType"), "");
    if (metric[0] == '\0')
        metric = js_string(js_get(params, "metric_type"), "");
    if (type[0] == '\0')
        type = js_string(js_get(params, "index_type"), "");
    if (metric[0] != '\0')
        items[n++] = (struct pair){"metric_type", metric};
    if (type[0] != '\0')
        items[n++] = (struct pair){"index_type", type};
    if (build != NULL)
        items[n++] = (struct pair){"params", build};
    *ret_pairs = (struct pair_list){items, n};
    return true;
}

bool rest_make_indexes(struct rest *rest, const char *collection, const struct json *items)
{
    for (size_t i = 0; i < js_size(items); i++) {
        const struct json *item = js_at(items, i);
        struct index_spec spec = {.collection = collection,
                                  .field = js_string(js_get(item, "fieldName"), ""),
                                  .name = js_string(js_get(item, "indexName"), "")};
        if (spec.field[0] == '\0')
            return rest_fail(rest, MILVUS_REST_MISSING,
                             "error: Key: 'IndexParam.FieldName' Error:Field validation for "
                             "'FieldName' failed on the 'required' tag");
        if (!index_params(rest, item, &spec.params) || !indexes_create(&rest->op, &spec))
            return false;
    }
    return true;
}

bool rest_create_index(struct rest *rest)
{
    return rest_make_indexes(rest, rest_collection(rest), js_get(rest->body, "indexParams")) &&
           rest_done(rest);
}

static const char *index_name(const struct rest *rest)
{
    return rest_text(rest, "indexName", "");
}

bool rest_list_indexes(struct rest *rest)
{
    struct view view;
    if (!view_open(&rest->op, rest_collection(rest), &view))
        return false;
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < view.info->index_count; i++)
        json_add_string(&rest->answer, NULL, view.info->indexes[i].name);
    json_close(&rest->answer, ']');
    return true;
}

static void add_index(struct rest *rest, const struct index_view *index)
{
    static const char *const shown[][2] = {
        {"index_type", "indexType"},
        {"metric_type", "metricType"},
        {"mmap.enabled", "mmap.enabled"},
        {"indexoffsetcache.enabled", "indexoffsetcache.enabled"}};
    json_open(&rest->answer, NULL, '{');
    json_add_string(&rest->answer, "indexName", index->declared->name);
    json_add_string(&rest->answer, "fieldName", index->field);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const char *value = pairs_get(&index->params, shown[i][0]);
        json_add_string(&rest->answer, shown[i][1], value != NULL ? value : "");
    }
    json_add_uint(&rest->answer, "totalRows", index->total_rows);
    json_add_uint(&rest->answer, "indexedRows", index->indexed_rows);
    json_add_uint(&rest->answer, "pendingRows", index->pending_rows);
    json_add_string(&rest->answer, "indexState",
                    index->state == INDEX_STATE_FINISHED ? "Finished" : "InProgress");
    json_add_string(&rest->answer, "failReason", "");
    json_add_int(&rest->answer, "minIndexVersion", 0);
    json_add_int(&rest->answer, "maxIndexVersion", 0);
    rest_add_pairs(rest, "indexParams", &index->params);
    json_close(&rest->answer, '}');
}

bool rest_describe_index(struct rest *rest)
{
    struct view view;
    struct index_view *items;
    size_t count;
    if (!view_open(&rest->op, rest_collection(rest), &view) ||
        !indexes_describe(&rest->op, &view, "", index_name(rest), &items, &count))
        return false;
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < count; i++)
        add_index(rest, &items[i]);
    json_close(&rest->answer, ']');
    return true;
}

bool rest_drop_index(struct rest *rest)
{
    return indexes_drop(&rest->op, rest_collection(rest), "", index_name(rest)) && rest_done(rest);
}

bool rest_alter_index(struct rest *rest)
{
    struct pair_list set;
    return rest_pairs(rest, js_get(rest->body, "properties"), &set) &&
           indexes_alter(&rest->op, rest_collection(rest), index_name(rest), &set,
                         &(struct name_list){0}) &&
           rest_done(rest);
}

bool rest_drop_index_properties(struct rest *rest)
{
    struct name_list removed;
    return rest_names(rest, "propertyKeys", &removed) &&
           indexes_alter(&rest->op, rest_collection(rest), index_name(rest), &(struct pair_list){0},
                         &removed) &&
           rest_done(rest);
}
