/* rest_collections.c: collections, except making and describing them (rest_schema.c); see rest.h.
 */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "milvus2/collections.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/rest.h"
#include "milvus2/upkeep.h"

bool rest_list_collections(struct rest *rest)
{
    struct collection_info *items;
    size_t count;
    const char *database = rest->is_v1 ? rest_text(rest, "dbName", "") : "";
    if (database[0] != '\0')
        rest->op.database = database;
    if (!collections_list(&rest->op, &items, &count))
        return false;
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < count; i++)
        json_add_string(&rest->answer, NULL, items[i].name);
    json_close(&rest->answer, ']');
    return true;
}

static bool add_has(struct rest *rest, bool has)
{
    json_open(&rest->answer, "data", '{');
    json_add_bool(&rest->answer, "has", has);
    json_close(&rest->answer, '}');
    return true;
}

bool rest_has_collection(struct rest *rest)
{
    bool has;
    return collections_has(&rest->op, rest_collection(rest), &has) && add_has(rest, has);
}

static bool add_row_count(struct rest *rest, uint64_t rows)
{
    json_open(&rest->answer, "data", '{');
    json_add_uint(&rest->answer, "rowCount", rows);
    json_close(&rest->answer, '}');
    return true;
}

/* A tag need not be text, and not the name by which requests find it. */
static bool add_partitions(struct rest *rest, const struct view *view)
{
    const struct collection_facts *facts = view->facts;
    struct text *answer = &rest->answer;
    struct partition_item *shown = NULL;
    size_t count = 0;
    if (view->info->partition_keys == 0 && !partitions_list(&rest->op, view, &shown, &count))
        return false;
    json_open(answer, "partitions", '[');
    for (size_t i = 0; i < facts->partition_count; i++) {
        const char *tag = facts->partitions[i].name;
        json_open(answer, NULL, '{');
        json_add_string(answer, "name", tag);
        if (!utf8_is_valid(tag, strlen(tag))) {
            char *bytes = op_array(&rest->op, BASE64_SIZE(strlen(tag)) + 1, 1);
            if (bytes == NULL)
                return false;
            base64_encode((const uint8_t *)tag, strlen(tag), bytes);
            json_add_string(answer, "nameBase64", bytes);
        }
        json_add_string(answer, "shown", i < count ? shown[i].name : tag);
        json_add_uint(answer, "rows", facts->partitions[i].rows);
        json_add_uint(answer, "segments", facts->partitions[i].segment_count);
        json_close(answer, '}');
    }
    json_close(answer, ']');
    return true;
}

static bool add_storage(struct rest *rest, const struct view *view)
{
    const struct collection_facts *facts = view->facts;
    const struct schema *schema = &view->schema;
    struct text *answer = &rest->answer;
    size_t vector = 0;
    while (vector < view->shown_fields && !field_type_is_vector(schema->fields[vector].type))
        vector++;
    json_open(answer, "storage", '{');
    json_add_string(answer, "name", facts->name);
    json_add_string(answer, "keyField", schema->fields[schema->primary].name);
    json_add_string(answer, "keyType", field_type_name(schema->fields[schema->primary].type));
    json_add_bool(answer, "autoId", schema->fields[schema->primary].is_auto_id);
    if (vector < view->shown_fields) {
        json_add_string(answer, "vectorField", schema->fields[vector].name);
        json_add_string(answer, "vectorType", field_type_name(schema->fields[vector].type));
    }
    json_add_string(answer, "metric", metric_name(facts->metric));
    json_add_uint(answer, "dimension", facts->dim);
    json_add_uint(answer, "rowSize", facts->row_size);
    json_add_bool(answer, "hasAutoIds", facts->has_auto_ids);
    json_add_bool(answer, "mayHaveDuplicates", facts->may_have_duplicates);
    json_add_string(answer, "indexType", facts->index_type);
    json_add_string(answer, "indexParams", facts->index_params);
    json_add_uint(answer, "indexFileSize", facts->index_file_size);
    json_add_int(answer, "createdUs", facts->created_us);
    json_add_uint(answer, "rows", facts->rows);
    json_add_uint(answer, "deadRows", facts->dead_rows);
    json_add_uint(answer, "segments", facts->segment_count);
    json_add_uint(answer, "size", facts->size);
    if (!add_partitions(rest, view))
        return false;
    json_close(answer, '}');
    return true;
}

bool rest_collection_stats(struct rest *rest)
{
    struct view view;
    if (!view_open(&rest->op, rest_collection(rest), &view))
        return false;
    json_open(&rest->answer, "data", '{');
    json_add_uint(&rest->answer, "rowCount", view.facts->rows);
    if (rest->has_details && !add_storage(rest, &view))
        return false;
    json_close(&rest->answer, '}');
    return true;
}

bool rest_load_state(struct rest *rest)
{
    struct name_list partitions;
    enum load_state state;
    int64_t percent = 0;
    const char *name = rest_collection(rest);
    if (!rest_names(rest, "partitionNames", &partitions) ||
        !loads_state(&rest->op, name, &partitions, &state))
        return false;
    if (state == LOAD_NOT_EXIST)
        return status_fields(&rest->op.status, MILVUS_NO_COLLECTION, "[collection=%s]", name);
    json_open(&rest->answer, "data", '{');
    if (state == LOAD_NOT_LOADED)
        json_add_string(&rest->answer, "loadState", "LoadStateNotLoad");
    else if (!loads_progress(&rest->op, name, &partitions, &percent))
        return false;
    else {
        json_add_string(&rest->answer, "loadState",
                        percent >= 100 ? "LoadStateLoaded" : "LoadStateLoading");
        json_add_int(&rest->answer, "loadProgress", percent);
    }
    json_close(&rest->answer, '}');
    json_add_string(&rest->answer, "message", "");
    return true;
}

bool rest_drop_collection(struct rest *rest)
{
    return collections_drop(&rest->op, rest_collection(rest)) && rest_done(rest);
}

bool rest_rename_collection(struct rest *rest)
{
    return collections_rename(&rest->op, rest_collection(rest),
                              rest_text(rest, "newCollectionName", ""),
                              rest_text(rest, "newDbName", "")) &&
           rest_done(rest);
}

bool rest_load_collection(struct rest *rest)
{
    return loads_load(&rest->op, rest_collection(rest), &(struct name_list){0}) && rest_done(rest);
}

bool rest_release_collection(struct rest *rest)
{
    return loads_release(&rest->op, rest_collection(rest), &(struct name_list){0}) &&
           rest_done(rest);
}

bool rest_alter_collection(struct rest *rest)
{
    struct pair_list set;
    return rest_pairs(rest, js_get(rest->body, "properties"), &set) &&
           collections_alter(&rest->op, rest_collection(rest), &set, &(struct name_list){0}) &&
           rest_done(rest);
}

bool rest_drop_properties(struct rest *rest)
{
    struct name_list removed;
    return rest_names(rest, "propertyKeys", &removed) &&
           collections_alter(&rest->op, rest_collection(rest), &(struct pair_list){0}, &removed) &&
           rest_done(rest);
}

bool rest_flush(struct rest *rest)
{
    int64_t *segments;
    size_t count;
    return upkeep_flush(&rest->op, rest_collection(rest), &segments, &count) && rest_done(rest);
}

bool rest_compact(struct rest *rest)
{
    int64_t id;
    if (!upkeep_compact(&rest->op, rest_collection(rest), &id))
        return false;
    json_open(&rest->answer, "data", '{');
    rest_add_int(rest, "compactionID", id);
    json_close(&rest->answer, '}');
    return true;
}

/* A number, or its digits, as ids of jobs come. */
static int64_t job_id(const struct rest *rest, const char *key)
{
    int64_t id;
    const struct json *value = js_get(rest->body, key);
    if (js_is_string(value))
        return number_parse_int(js_string(value, ""), &id) ? id : 0;
    return js_int(value, 0);
}

bool rest_compaction_state(struct rest *rest)
{
    struct compaction_view view;
    const int64_t id = job_id(rest, "jobID");
    if (!upkeep_compaction(&rest->op, id, &view))
        return false;
    json_open(&rest->answer, "data", '{');
    rest_add_int(rest, "compactionID", id);
    json_add_string(&rest->answer, "state", view.is_done ? "Completed" : "Executing");
    json_add_uint(&rest->answer, "executingPlanNumber", view.is_done ? 0 : view.plans);
    json_add_uint(&rest->answer, "timeoutPlanNumber", 0);
    json_add_uint(&rest->answer, "completedPlanNumber", view.is_done ? view.plans : 0);
    json_close(&rest->answer, '}');
    return true;
}

bool rest_truncate(struct rest *rest)
{
    return collections_truncate(&rest->op, rest_collection(rest)) && rest_done(rest);
}

bool rest_alter_field(struct rest *rest)
{
    struct pair_list set;
    return rest_pairs(rest, js_get(rest->body, "fieldParams"), &set) &&
           collections_alter_field(&rest->op, rest_collection(rest),
                                   rest_text(rest, "fieldName", ""), &set,
                                   &(struct name_list){0}) &&
           rest_done(rest);
}

/* ---- Partitions ---- */

static const char *partition(const struct rest *rest)
{
    return rest_text(rest, "partitionName", "");
}

bool rest_list_partitions(struct rest *rest)
{
    struct view view;
    struct partition_item *items;
    size_t count;
    if (!view_open(&rest->op, rest_collection(rest), &view) ||
        !partitions_list(&rest->op, &view, &items, &count))
        return false;
    json_open(&rest->answer, "data", '[');
    for (size_t i = 0; i < count; i++)
        json_add_string(&rest->answer, NULL, items[i].name);
    json_close(&rest->answer, ']');
    return true;
}

bool rest_has_partition(struct rest *rest)
{
    bool has;
    return partitions_has(&rest->op, rest_collection(rest), partition(rest), &has) &&
           add_has(rest, has);
}

bool rest_partition_stats(struct rest *rest)
{
    uint64_t rows;
    return collections_count(&rest->op, rest_collection(rest), partition(rest), &rows) &&
           add_row_count(rest, rows);
}

bool rest_create_partition(struct rest *rest)
{
    return partitions_create(&rest->op, rest_collection(rest), partition(rest)) && rest_done(rest);
}

bool rest_drop_partition(struct rest *rest)
{
    return partitions_drop(&rest->op, rest_collection(rest), partition(rest)) && rest_done(rest);
}

bool rest_load_partitions(struct rest *rest)
{
    struct name_list names;
    return rest_names(rest, "partitionNames", &names) &&
           loads_load(&rest->op, rest_collection(rest), &names) && rest_done(rest);
}

bool rest_release_partitions(struct rest *rest)
{
    struct name_list names;
    return rest_names(rest, "partitionNames", &names) &&
           loads_release(&rest->op, rest_collection(rest), &names) && rest_done(rest);
}
