/* grpc_collections.c: methods about collections, aliases and databases; see grpc.h. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "milvus2/collections.h"
#include "milvus2/fields.h"
#include "milvus2/grpc.h"
#include "milvus2/grpc_schema.h"
#include "milvus2/names.h"
#include "milvus2/partitions.h"
#include "milvus2/properties.h"
#include "milvus2/refused.h"

/* Answer of methods that only succeed or fail. */
static const void *done(struct op *op, bool is_good)
{
    return is_good ? grpc_status_of(op) : NULL;
}

const void *grpc_create_collection(struct op *op, const void *request)
{
    const Mv__CreateCollectionRequest *in = request;
    struct collection_spec spec = {.name = in->collection_name,
                                   .consistency = in->consistency_level,
                                   .shards = in->shards_num,
                                   .partitions = in->num_partitions};
    return done(op, name_check_collection(&op->status, in->collection_name) &&
                        grpc_pairs(op, in->properties, in->n_properties, &spec.properties) &&
                        grpc_read_schema(op, in->schema, &spec) && collections_create(op, &spec));
}

const void *grpc_drop_collection(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    return done(op, collections_drop(op, in->collection_name));
}

static const void *bool_answer(struct op *op, bool value)
{
    Mv__BoolResponse *out = grpc_new(op, &mv__bool_response__descriptor);
    if (out == NULL)
        return NULL;
    out->status = grpc_status_of(op);
    out->value = value;
    return out->status != NULL ? out : NULL;
}

const void *grpc_has_collection(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    bool has;
    return collections_has(op, in->collection_name, &has) ? bool_answer(op, has) : NULL;
}

static bool fill_description(struct op *op, const struct view *view,
                             Mv__DescribeCollectionResponse *out)
{
    const struct collection_info *info = view->info;
    struct pair_list properties;
    const struct name_list aliases = {info->aliases, info->alias_count};
    out->schema = grpc_put_schema(op, view);
    if (out->schema == NULL || !properties_list(op, info->properties, &properties) ||
        !grpc_put_pairs(op, &properties, &out->properties, &out->n_properties))
        return false;
    out->collection_id = info->id;
    out->created_timestamp = op_timestamp(info->created_us);
    out->created_utc_timestamp = (uint64_t)info->created_us / 1000;
    out->shards_num = (int32_t)info->shards;
    out->n_aliases = aliases.count;
    out->aliases = grpc_put_names(op, &aliases);
    out->consistency_level = (int32_t)info->consistency;
    out->collection_name = grpc_text(info->name);
    out->db_name = grpc_text(info->database);
    out->num_partitions =
        (int64_t)(info->partition_keys > 0 ? info->partition_keys : view->facts->partition_count);
    out->request_time = op_now();
    out->update_timestamp = op_timestamp(info->updated_us);
    out->update_timestamp_str = op_printf(op, "%" PRIu64, out->update_timestamp);
    const char *channel = op_printf(op, "godwit-rootcoord-dml_0_%" PRId64 "v0", info->id);
    const char *physical = "godwit-rootcoord-dml_0";
    out->n_virtual_channel_names = out->n_physical_channel_names = 1;
    out->virtual_channel_names = grpc_put_names(op, &(struct name_list){&channel, 1});
    out->physical_channel_names = grpc_put_names(op, &(struct name_list){&physical, 1});
    out->status = grpc_status_of(op);
    return out->aliases != NULL && out->update_timestamp_str != NULL && channel != NULL &&
           out->virtual_channel_names != NULL && out->physical_channel_names != NULL &&
           out->status != NULL;
}

/* Clients of the 2.3 line know a missing collection by the older code and these words. */
static void say_cannot_find(struct op *op, const char *name)
{
    if (op->status.code != MILVUS_NO_COLLECTION)
        return;
    (void)status_fail(&op->status, MILVUS_NO_COLLECTION,
                      "can't find collection[database=%s][collection=%s]", op->database, name);
    op->status.older = 1;
}

const void *grpc_describe_collection(struct op *op, const void *request)
{
    const Mv__DescribeCollectionRequest *in = request;
    struct view view;
    Mv__DescribeCollectionResponse *out =
        grpc_new(op, &mv__describe_collection_response__descriptor);
    if (out == NULL)
        return NULL;
    if (in->collection_name[0] == '\0' && in->collection_id == 0 &&
        !name_check_collection(&op->status, in->collection_name))
        return NULL;
    if (!view_open_id(op, in->collection_name, in->collection_id, &view)) {
        say_cannot_find(op, in->collection_name);
        return NULL;
    }
    return fill_description(op, &view, out) ? out : NULL;
}

const void *grpc_batch_describe_collection(struct op *op, const void *request)
{
    const Mv__BatchDescribeCollectionRequest *in = request;
    Mv__BatchDescribeCollectionResponse *out =
        grpc_new(op, &mv__batch_describe_collection_response__descriptor);
    const size_t count = in->n_collection_names + in->n_collection_ids;
    if (out == NULL)
        return NULL;
    out->responses = grpc_new_array(op, &mv__describe_collection_response__descriptor, count);
    out->n_responses = count;
    for (size_t i = 0; out->responses != NULL && i < count; i++) {
        struct view view;
        const bool is_name = i < in->n_collection_names;
        const char *name = is_name ? in->collection_names[i] : "";
        const int64_t id = is_name ? 0 : in->collection_ids[i - in->n_collection_names];
        const bool is_good =
            view_open_id(op, name, id, &view) && fill_description(op, &view, out->responses[i]);
        if (!is_good) {
            say_cannot_find(op, name);
            out->responses[i]->status = grpc_status_of(op);
            op->status = (struct status){0};
        }
        op_release_snapshots(op);
    }
    out->status = grpc_status_of(op);
    return out->responses != NULL && out->status != NULL ? out : NULL;
}

static bool make_lists(struct op *op, size_t count, Mv__ShowCollectionsResponse *out)
{
    out->collection_names = op_array(op, count, sizeof *out->collection_names);
    out->collection_ids = op_array(op, count, sizeof *out->collection_ids);
    out->created_timestamps = op_array(op, count, sizeof *out->created_timestamps);
    out->created_utc_timestamps = op_array(op, count, sizeof *out->created_utc_timestamps);
    out->in_memory_percentages = op_array(op, count, sizeof *out->in_memory_percentages);
    out->query_service_available = op_array(op, count, sizeof *out->query_service_available);
    out->shards_num = op_array(op, count, sizeof *out->shards_num);
    return out->collection_names != NULL && out->collection_ids != NULL &&
           out->created_timestamps != NULL && out->created_utc_timestamps != NULL &&
           out->in_memory_percentages != NULL && out->query_service_available != NULL &&
           out->shards_num != NULL;
}

const void *grpc_show_collections(struct op *op, const void *request)
{
    const Mv__ShowCollectionsRequest *in = request;
    const struct name_list wanted = grpc_names(in->collection_names, in->n_collection_names);
    struct collection_info *items;
    size_t count, n = 0;
    Mv__ShowCollectionsResponse *out = grpc_new(op, &mv__show_collections_response__descriptor);
    if (out == NULL || !collections_list(op, &items, &count) || !make_lists(op, count, out))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if ((in->type == 1 && !items[i].is_loaded) ||
            (wanted.count > 0 && !names_have(&wanted, items[i].name)))
            continue;
        out->collection_names[n] = grpc_text(items[i].name);
        out->collection_ids[n] = items[i].id;
        out->created_timestamps[n] = op_timestamp(items[i].created_us);
        out->created_utc_timestamps[n] = (uint64_t)items[i].created_us / 1000;
        out->in_memory_percentages[n] = items[i].is_loaded ? 100 : 0;
        out->query_service_available[n] = items[i].is_loaded;
        out->shards_num[n++] = (int32_t)items[i].shards;
    }
    out->n_collection_names = out->n_collection_ids = out->n_created_timestamps = n;
    out->n_created_utc_timestamps = out->n_in_memory_percentages = n;
    out->n_query_service_available = out->n_shards_num = n;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_rename_collection(struct op *op, const void *request)
{
    const Mv__RenameCollectionRequest *in = request;
    return done(op, collections_rename(op, in->old_name, in->new_name, in->new_db_name));
}

const void *grpc_truncate_collection(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    Mv__StatusResponse *out = grpc_new(op, &mv__status_response__descriptor);
    if (out == NULL || !collections_truncate(op, in->collection_name))
        return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_alter_collection(struct op *op, const void *request)
{
    const Mv__AlterCollectionRequest *in = request;
    struct pair_list set;
    const struct name_list removed = grpc_names(in->delete_keys, in->n_delete_keys);
    return done(op, grpc_pairs(op, in->properties, in->n_properties, &set) &&
                        collections_alter(op, in->collection_name, &set, &removed));
}

const void *grpc_alter_collection_field(struct op *op, const void *request)
{
    const Mv__AlterCollectionFieldRequest *in = request;
    struct pair_list set;
    const struct name_list removed = grpc_names(in->delete_keys, in->n_delete_keys);
    return done(
        op, grpc_pairs(op, in->properties, in->n_properties, &set) &&
                collections_alter_field(op, in->collection_name, in->field_name, &set, &removed));
}

const void *grpc_add_collection_field(struct op *op, const void *request)
{
    const Mv__AddCollectionFieldRequest *in = request;
    struct field field;
    return done(op, grpc_read_field(op, in->collection_name, in->schema, &field) &&
                        collections_add_field(op, in->collection_name, &field));
}

static const void *statistics(struct op *op, uint64_t rows)
{
    Mv__StatisticsResponse *out = grpc_new(op, &mv__statistics_response__descriptor);
    const struct pair pair = {.key = "row_count", .value = op_printf(op, "%" PRIu64, rows)};
    if (out == NULL || pair.value == NULL ||
        !grpc_put_pairs(op, &(struct pair_list){&pair, 1}, &out->stats, &out->n_stats))
        return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_collection_statistics(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    uint64_t rows;
    return collections_count(op, in->collection_name, NULL, &rows) ? statistics(op, rows) : NULL;
}

const void *grpc_get_partition_statistics(struct op *op, const void *request)
{
    const Mv__PartitionRequest *in = request;
    uint64_t rows;
    return collections_count(op, in->collection_name, in->partition_name, &rows)
               ? statistics(op, rows)
               : NULL;
}

/* ---- Aliases ---- */

const void *grpc_create_alias(struct op *op, const void *request)
{
    const Mv__AliasRequest *in = request;
    return done(op, aliases_create(op, in->collection_name, in->alias));
}

const void *grpc_alter_alias(struct op *op, const void *request)
{
    const Mv__AliasRequest *in = request;
    return done(op, aliases_alter(op, in->collection_name, in->alias));
}

const void *grpc_drop_alias(struct op *op, const void *request)
{
    const Mv__AliasNameRequest *in = request;
    return done(op, aliases_drop(op, in->alias));
}

const void *grpc_describe_alias(struct op *op, const void *request)
{
    const Mv__AliasNameRequest *in = request;
    const char *collection;
    Mv__DescribeAliasResponse *out = grpc_new(op, &mv__describe_alias_response__descriptor);
    if (out == NULL || !aliases_describe(op, in->alias, &collection))
        return NULL;
    out->db_name = grpc_text(op->database);
    out->alias = in->alias;
    out->collection = grpc_text(collection);
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_list_aliases(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    struct name_list names;
    Mv__ListAliasesResponse *out = grpc_new(op, &mv__list_aliases_response__descriptor);
    if (out == NULL || !aliases_list(op, in->collection_name, &names))
        return NULL;
    out->db_name = grpc_text(op->database);
    out->collection_name = in->collection_name;
    out->n_aliases = names.count;
    out->aliases = grpc_put_names(op, &names);
    out->status = grpc_status_of(op);
    return out->aliases != NULL && out->status != NULL ? out : NULL;
}

/* ---- Databases ---- */

const void *grpc_create_database(struct op *op, const void *request)
{
    const Mv__DatabaseRequest *in = request;
    struct pair_list properties;
    return done(op, grpc_pairs(op, in->properties, in->n_properties, &properties) &&
                        databases_create(op, in->db_name, &properties));
}

const void *grpc_drop_database(struct op *op, const void *request)
{
    const Mv__DatabaseRequest *in = request;
    return done(op, databases_drop(op, in->db_name));
}

const void *grpc_alter_database(struct op *op, const void *request)
{
    const Mv__AlterDatabaseRequest *in = request;
    struct pair_list set;
    const struct name_list removed = grpc_names(in->delete_keys, in->n_delete_keys);
    return done(op, grpc_pairs(op, in->properties, in->n_properties, &set) &&
                        databases_alter(op, in->db_name, &set, &removed));
}

const void *grpc_describe_database(struct op *op, const void *request)
{
    const Mv__DatabaseRequest *in = request;
    struct database_item item;
    struct pair_list properties;
    Mv__DescribeDatabaseResponse *out = grpc_new(op, &mv__describe_database_response__descriptor);
    if (out == NULL || !databases_describe(op, in->db_name, &item) ||
        !properties_list(op, item.properties, &properties) ||
        !grpc_put_pairs(op, &properties, &out->properties, &out->n_properties))
        return NULL;
    out->db_name = grpc_text(item.name);
    out->db_id = item.id;
    out->created_timestamp = op_timestamp(item.created_us);
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_list_databases(struct op *op, const void *request)
{
    struct database_item *items;
    size_t count;
    Mv__ListDatabasesResponse *out = grpc_new(op, &mv__list_databases_response__descriptor);
    (void)request;
    if (out == NULL || !databases_list(op, &items, &count))
        return NULL;
    out->db_names = op_array(op, count, sizeof *out->db_names);
    out->created_timestamps = op_array(op, count, sizeof *out->created_timestamps);
    out->db_ids = op_array(op, count, sizeof *out->db_ids);
    if (out->db_names == NULL || out->created_timestamps == NULL || out->db_ids == NULL)
        return NULL;
    out->n_db_names = out->n_created_timestamps = out->n_db_ids = count;
    for (size_t i = 0; i < count; i++) {
        out->db_names[i] = grpc_text(items[i].name);
        out->created_timestamps[i] = op_timestamp(items[i].created_us);
        out->db_ids[i] = items[i].id;
    }
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
