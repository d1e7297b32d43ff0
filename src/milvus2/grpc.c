/* grpc.c: the table of gRPC methods, and what is the same for all of them; see grpc.h.
 *
 * Methods without a function exist in Milvus and are not served: their answer has code 10, as a
 * normal message, because clients take a transport's UNIMPLEMENTED for something else. Methods that
 * are not in the table (AlterCollectionSchema, ClientTelemetryService) get just that, on purpose:
 * pymilvus then uses an older method. Source of names and places: milvus-io/milvus-proto. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milvus2/api.h"
#include "milvus2/grpc.h"

#define SERVICE "/milvus.proto.milvus.MilvusService/"
#define ANSWER_SIZE_MAX ((size_t)256 << 20)

/* Sorted by name. */
static const struct grpc_method methods[] = {
    {"AddCollectionField", &mv__add_collection_field_request__descriptor, grpc_add_collection_field,
     GRPC_STATUS_ITSELF},
    {"AddCollectionFunction", NULL, NULL, GRPC_STATUS_ITSELF},
    {"AddCollectionStructField", NULL, NULL, GRPC_STATUS_ITSELF},
    {"AddFileResource", NULL, NULL, GRPC_STATUS_ITSELF},
    {"AddUserTags", NULL, NULL, GRPC_STATUS_ITSELF},
    {"AllocTimestamp", &mv__empty_request__descriptor, grpc_alloc_timestamp, GRPC_STATUS_FIRST},
    {"AlterAlias", &mv__alias_request__descriptor, grpc_alter_alias, GRPC_STATUS_ITSELF},
    {"AlterCollection", &mv__alter_collection_request__descriptor, grpc_alter_collection,
     GRPC_STATUS_ITSELF},
    {"AlterCollectionField", &mv__alter_collection_field_request__descriptor,
     grpc_alter_collection_field, GRPC_STATUS_ITSELF},
    {"AlterCollectionFunction", NULL, NULL, GRPC_STATUS_ITSELF},
    {"AlterDatabase", &mv__alter_database_request__descriptor, grpc_alter_database,
     GRPC_STATUS_ITSELF},
    {"AlterIndex", &mv__alter_index_request__descriptor, grpc_alter_index, GRPC_STATUS_ITSELF},
    {"AlterRole", NULL, NULL, GRPC_STATUS_ITSELF},
    {"BackupRBAC", NULL, NULL, GRPC_STATUS_FIRST},
    {"BatchDescribeCollection", &mv__batch_describe_collection_request__descriptor,
     grpc_batch_describe_collection, GRPC_STATUS_FIRST},
    {"BatchUpdateManifest", NULL, NULL, GRPC_STATUS_ITSELF},
    {"CalcDistance", NULL, NULL, GRPC_STATUS_FIRST},
    {"CheckHealth", &mv__empty_request__descriptor, grpc_check_health, GRPC_STATUS_FIRST},
    {"ComputePhraseMatchSlop", NULL, NULL, GRPC_STATUS_FIRST},
    {"Connect", &mv__connect_request__descriptor, grpc_connect, GRPC_STATUS_FIRST},
    {"CreateAlias", &mv__alias_request__descriptor, grpc_create_alias, GRPC_STATUS_ITSELF},
    {"CreateCollection", &mv__create_collection_request__descriptor, grpc_create_collection,
     GRPC_STATUS_ITSELF},
    {"CreateCredential", &mv__create_credential_request__descriptor, grpc_create_credential,
     GRPC_STATUS_ITSELF},
    {"CreateDatabase", &mv__database_request__descriptor, grpc_create_database, GRPC_STATUS_ITSELF},
    {"CreateIndex", &mv__create_index_request__descriptor, grpc_create_index, GRPC_STATUS_ITSELF},
    {"CreateNamespace", NULL, NULL, GRPC_STATUS_FIRST},
    {"CreatePartition", &mv__partition_request__descriptor, grpc_create_partition,
     GRPC_STATUS_ITSELF},
    {"CreatePrivilegeGroup", NULL, NULL, GRPC_STATUS_ITSELF},
    {"CreateResourceGroup", NULL, NULL, GRPC_STATUS_ITSELF},
    {"CreateRole", NULL, NULL, GRPC_STATUS_ITSELF},
    {"CreateRowPolicy", NULL, NULL, GRPC_STATUS_ITSELF},
    {"CreateSnapshot", NULL, NULL, GRPC_STATUS_ITSELF},
    {"Delete", &mv__delete_request__descriptor, grpc_delete, GRPC_STATUS_FIRST},
    {"DeleteCredential", &mv__delete_credential_request__descriptor, grpc_delete_credential,
     GRPC_STATUS_ITSELF},
    {"DeleteRLSPrincipalTags", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DeleteUserTags", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DescribeAlias", &mv__alias_name_request__descriptor, grpc_describe_alias, GRPC_STATUS_FIRST},
    {"DescribeCollection", &mv__describe_collection_request__descriptor, grpc_describe_collection,
     GRPC_STATUS_FIRST},
    {"DescribeDatabase", &mv__database_request__descriptor, grpc_describe_database,
     GRPC_STATUS_FIRST},
    {"DescribeIndex", &mv__index_request__descriptor, grpc_describe_index, GRPC_STATUS_FIRST},
    {"DescribeNamespace", NULL, NULL, GRPC_STATUS_FIRST},
    {"DescribePrewarmTask", NULL, NULL, GRPC_STATUS_FIRST},
    {"DescribeResourceGroup", NULL, NULL, GRPC_STATUS_FIRST},
    {"DescribeSegmentIndexData", NULL, NULL, GRPC_STATUS_FIRST},
    {"DescribeSnapshot", NULL, NULL, GRPC_STATUS_FIRST},
    {"DropAlias", &mv__alias_name_request__descriptor, grpc_drop_alias, GRPC_STATUS_ITSELF},
    {"DropCollection", &mv__collection_request__descriptor, grpc_drop_collection,
     GRPC_STATUS_ITSELF},
    {"DropCollectionFunction", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DropDatabase", &mv__database_request__descriptor, grpc_drop_database, GRPC_STATUS_ITSELF},
    {"DropIndex", &mv__index_request__descriptor, grpc_drop_index, GRPC_STATUS_ITSELF},
    {"DropNamespace", NULL, NULL, GRPC_STATUS_FIRST},
    {"DropPartition", &mv__partition_request__descriptor, grpc_drop_partition, GRPC_STATUS_ITSELF},
    {"DropPrivilegeGroup", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DropResourceGroup", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DropRole", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DropRowPolicy", NULL, NULL, GRPC_STATUS_ITSELF},
    {"DropSnapshot", NULL, NULL, GRPC_STATUS_ITSELF},
    {"ExportSnapshot", NULL, NULL, GRPC_STATUS_FIRST},
    {"Flush", &mv__flush_request__descriptor, grpc_flush, GRPC_STATUS_FIRST},
    {"FlushAll", &mv__empty_request__descriptor, grpc_flush_all, GRPC_STATUS_FIRST},
    {"GetCollectionStatistics", &mv__collection_request__descriptor, grpc_get_collection_statistics,
     GRPC_STATUS_FIRST},
    {"GetCompactionState", &mv__compaction_id_request__descriptor, grpc_get_compaction_state,
     GRPC_STATUS_FIRST},
    {"GetCompactionStateWithPlans", &mv__compaction_id_request__descriptor,
     grpc_get_compaction_plans, GRPC_STATUS_FIRST},
    {"GetComponentStates", &mv__empty_request__descriptor, grpc_get_component_states,
     GRPC_STATUS_THIRD},
    {"GetExportSnapshotState", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetFlushAllState", &mv__empty_request__descriptor, grpc_get_flush_all_state,
     GRPC_STATUS_FIRST},
    {"GetFlushState", &mv__empty_request__descriptor, grpc_get_flush_state, GRPC_STATUS_FIRST},
    {"GetImportState", &mv__get_import_state_request__descriptor, grpc_get_import_state,
     GRPC_STATUS_FIRST},
    {"GetIndexBuildProgress", &mv__index_request__descriptor, grpc_get_index_build_progress,
     GRPC_STATUS_FIRST},
    {"GetIndexState", &mv__index_request__descriptor, grpc_get_index_state, GRPC_STATUS_FIRST},
    {"GetIndexStatistics", &mv__get_index_statistics_request__descriptor, grpc_get_index_statistics,
     GRPC_STATUS_FIRST},
    {"GetLoadState", &mv__loading_request__descriptor, grpc_get_load_state, GRPC_STATUS_FIRST},
    {"GetLoadingProgress", &mv__loading_request__descriptor, grpc_get_loading_progress,
     GRPC_STATUS_FIRST},
    {"GetMetrics", &mv__get_metrics_request__descriptor, grpc_get_metrics, GRPC_STATUS_FIRST},
    {"GetNamespaceStats", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetPartitionStatistics", &mv__partition_request__descriptor, grpc_get_partition_statistics,
     GRPC_STATUS_FIRST},
    {"GetPersistentSegmentInfo", &mv__segment_info_request__descriptor,
     grpc_get_persistent_segment_info, GRPC_STATUS_FIRST},
    {"GetQuerySegmentInfo", &mv__segment_info_request__descriptor, grpc_get_query_segment_info,
     GRPC_STATUS_FIRST},
    {"GetRLSPrincipalTags", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetRefreshExternalCollectionProgress", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetReplicas", &mv__get_replicas_request__descriptor, grpc_get_replicas, GRPC_STATUS_FIRST},
    {"GetReplicateConfiguration", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetReplicateInfo", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetRestoreSnapshotState", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetStatistics", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetUserTags", NULL, NULL, GRPC_STATUS_FIRST},
    {"GetVersion", &mv__empty_request__descriptor, grpc_get_version, GRPC_STATUS_FIRST},
    {"HasCollection", &mv__collection_request__descriptor, grpc_has_collection, GRPC_STATUS_FIRST},
    {"HasNamespace", NULL, NULL, GRPC_STATUS_FIRST},
    {"HasPartition", &mv__partition_request__descriptor, grpc_has_partition, GRPC_STATUS_FIRST},
    {"HybridSearch", NULL, NULL, GRPC_STATUS_FIRST},
    {"Import", &mv__import_request__descriptor, grpc_import, GRPC_STATUS_FIRST},
    {"Insert", &mv__insert_request__descriptor, grpc_insert, GRPC_STATUS_FIRST},
    {"ListAliases", &mv__collection_request__descriptor, grpc_list_aliases, GRPC_STATUS_FIRST},
    {"ListCredUsers", &mv__empty_request__descriptor, grpc_list_cred_users, GRPC_STATUS_FIRST},
    {"ListDatabases", &mv__empty_request__descriptor, grpc_list_databases, GRPC_STATUS_FIRST},
    {"ListFileResources", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListImportTasks", &mv__list_import_tasks_request__descriptor, grpc_list_import_tasks,
     GRPC_STATUS_FIRST},
    {"ListIndexedSegment", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListNamespaces", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListPrivilegeGroups", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListRLSPrincipals", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListRefreshExternalCollectionJobs", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListResourceGroups", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListRestoreSnapshotJobs", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListRowPolicies", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListSnapshots", NULL, NULL, GRPC_STATUS_FIRST},
    {"ListUsersWithTag", NULL, NULL, GRPC_STATUS_FIRST},
    {"LoadBalance", NULL, NULL, GRPC_STATUS_ITSELF},
    {"LoadCollection", &mv__load_collection_request__descriptor, grpc_load_collection,
     GRPC_STATUS_ITSELF},
    {"LoadPartitions", &mv__load_partitions_request__descriptor, grpc_load_partitions,
     GRPC_STATUS_ITSELF},
    {"ManualCompaction", &mv__manual_compaction_request__descriptor, grpc_manual_compaction,
     GRPC_STATUS_FIRST},
    {"OperatePrivilege", NULL, NULL, GRPC_STATUS_ITSELF},
    {"OperatePrivilegeGroup", NULL, NULL, GRPC_STATUS_ITSELF},
    {"OperatePrivilegeV2", NULL, NULL, GRPC_STATUS_ITSELF},
    {"OperateUserRole", NULL, NULL, GRPC_STATUS_ITSELF},
    {"PinSnapshotData", NULL, NULL, GRPC_STATUS_FIRST},
    {"Prewarm", NULL, NULL, GRPC_STATUS_FIRST},
    {"Query", &mv__query_request__descriptor, grpc_query, GRPC_STATUS_FIRST},
    {"RefreshExternalCollection", NULL, NULL, GRPC_STATUS_FIRST},
    {"ReleaseCollection", &mv__collection_request__descriptor, grpc_release_collection,
     GRPC_STATUS_ITSELF},
    {"ReleasePartitions", &mv__release_partitions_request__descriptor, grpc_release_partitions,
     GRPC_STATUS_ITSELF},
    {"RemoveFileResource", NULL, NULL, GRPC_STATUS_ITSELF},
    {"RenameCollection", &mv__rename_collection_request__descriptor, grpc_rename_collection,
     GRPC_STATUS_ITSELF},
    {"ReplicateMessage", NULL, NULL, GRPC_STATUS_FIRST},
    {"RestoreExternalSnapshot", NULL, NULL, GRPC_STATUS_FIRST},
    {"RestoreRBAC", NULL, NULL, GRPC_STATUS_ITSELF},
    {"RestoreSnapshot", NULL, NULL, GRPC_STATUS_FIRST},
    {"RunAnalyzer", NULL, NULL, GRPC_STATUS_FIRST},
    {"Search", &mv__search_request__descriptor, grpc_search, GRPC_STATUS_FIRST},
    {"SelectGrant", NULL, NULL, GRPC_STATUS_FIRST},
    {"SelectRole", &mv__select_role_request__descriptor, grpc_select_role, GRPC_STATUS_FIRST},
    {"SelectUser", &mv__select_user_request__descriptor, grpc_select_user, GRPC_STATUS_FIRST},
    {"SetRLSPrincipalTags", NULL, NULL, GRPC_STATUS_ITSELF},
    {"ShowCollections", &mv__show_collections_request__descriptor, grpc_show_collections,
     GRPC_STATUS_FIRST},
    {"ShowPartitions", &mv__show_partitions_request__descriptor, grpc_show_partitions,
     GRPC_STATUS_FIRST},
    {"TransferNode", NULL, NULL, GRPC_STATUS_ITSELF},
    {"TransferReplica", NULL, NULL, GRPC_STATUS_ITSELF},
    {"TruncateCollection", &mv__collection_request__descriptor, grpc_truncate_collection,
     GRPC_STATUS_FIRST},
    {"UnpinSnapshotData", NULL, NULL, GRPC_STATUS_ITSELF},
    {"UpdateCredential", &mv__update_credential_request__descriptor, grpc_update_credential,
     GRPC_STATUS_ITSELF},
    {"UpdateReplicateConfiguration", NULL, NULL, GRPC_STATUS_ITSELF},
    {"UpdateResourceGroups", NULL, NULL, GRPC_STATUS_ITSELF},
    {"UpdateRowPolicy", NULL, NULL, GRPC_STATUS_ITSELF},
    {"Upsert", &mv__insert_request__descriptor, grpc_upsert, GRPC_STATUS_FIRST},
};
#define METHOD_COUNT (sizeof methods / sizeof *methods)

static int compare_names(const void *name, const void *method)
{
    return strcmp(name, ((const struct grpc_method *)method)->name);
}

const struct grpc_method *grpc_find(const char *name)
{
    return bsearch(name, methods, METHOD_COUNT, sizeof *methods, compare_names);
}

void *grpc_new(struct op *op, const ProtobufCMessageDescriptor *type)
{
    void *message = op_array(op, 1, type->sizeof_message);
    if (message != NULL)
        type->message_init(message);
    return message;
}

void *grpc_new_array(struct op *op, const ProtobufCMessageDescriptor *type, size_t count)
{
    void **items = op_array(op, count, sizeof *items);
    uint8_t *messages = op_array(op, count, type->sizeof_message);
    if (items == NULL || messages == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        items[i] = messages + i * type->sizeof_message;
        type->message_init(items[i]);
    }
    return items;
}

static bool put_extra(struct op *op, Mv__Status *status)
{
    static const struct pair mistake = {"is_input_error", "true"};
    const struct pair_list extra = {.items = &mistake, .count = op->status.is_input_error};
    return grpc_put_pairs(op, &extra, &status->extra_info, &status->n_extra_info);
}

Mv__Status *grpc_status_of(struct op *op)
{
    const struct status status = op->status;
    Mv__Status *message = grpc_new(op, &mv__status__descriptor);
    if (message == NULL)
        return NULL;
    message->code = (int32_t)status.code;
    message->error_code = status.older;
    message->retriable = status.is_retriable;
    message->reason = op_strndup(op, status.reason, strlen(status.reason));
    message->detail = message->reason;
    return message->reason != NULL && put_extra(op, message) ? message : NULL;
}

struct name_list grpc_names(char *const *items, size_t count)
{
    return (struct name_list){.items = (const char *const *)items, .count = count};
}

bool grpc_pairs(struct op *op, Mv__KeyValue *const *items, size_t count,
                struct pair_list *ret_pairs)
{
    struct pair *pairs = op_array(op, count, sizeof *pairs);
    if (pairs == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct pair){.key = items[i]->key, .value = items[i]->value};
    *ret_pairs = (struct pair_list){.items = pairs, .count = count};
    return true;
}

bool grpc_put_pairs(struct op *op, const struct pair_list *pairs, Mv__KeyValue ***ret_items,
                    size_t *ret_count)
{
    Mv__KeyValue **items = grpc_new_array(op, &mv__key_value__descriptor, pairs->count);
    if (items == NULL)
        return false;
    for (size_t i = 0; i < pairs->count; i++) {
        items[i]->key = grpc_text(pairs->items[i].key);
        items[i]->value = grpc_text(pairs->items[i].value);
    }
    *ret_items = items;
    *ret_count = pairs->count;
    return true;
}

char **grpc_put_names(struct op *op, const struct name_list *names)
{
    char **items = op_array(op, names->count, sizeof *items);
    for (size_t i = 0; items != NULL && i < names->count; i++)
        items[i] = grpc_text(names->items[i]);
    return items;
}

/* The answer when an operation failed, or when it has nothing to say but that it worked. */
static const void *status_answer(struct op *op, enum grpc_status_place place)
{
    Mv__Status *status = grpc_status_of(op);
    if (status == NULL || place == GRPC_STATUS_ITSELF)
        return status;
    if (place == GRPC_STATUS_THIRD) {
        Mv__ComponentStates *states = grpc_new(op, &mv__component_states__descriptor);
        if (states != NULL)
            states->status = status;
        return states;
    }
    Mv__StatusResponse *response = grpc_new(op, &mv__status_response__descriptor);
    if (response != NULL)
        response->status = status;
    return response;
}

/* Requests name their database in a field of that name; its number differs. */
static const char *request_database(const struct grpc_method *method, const void *request)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(method->request, "db_name");
    const char *name = NULL;
    if (field != NULL)
        memcpy(&name, (const uint8_t *)request + field->offset, sizeof name);
    return name != NULL ? name : "";
}

static const void *run_method(struct op *op, const struct grpc_method *method, struct bytes request)
{
    struct err err;
    void *message;
    if (method->run == NULL) {
        (void)status_fail(&op->status, MILVUS_UNIMPLEMENTED,
                          "service unimplemented: %s is not supported by this server",
                          method->name);
        return NULL;
    }
    const enum err_code code = wire_unpack(method->request, request, op->arena, &message, &err);
    if (code != ERR_OK) {
        (void)(code == ERR_NOMEM ? status_fail(&op->status, MILVUS_NO_MEMORY, "%s", err.msg)
                                 : status_wrap(&op->status, MILVUS_INVALID, "%s", err.msg));
        return NULL;
    }
    const char *database = request_database(method, message);
    if (database[0] != '\0')
        op->database = database;
    return method->run(op, message);
}

bool grpc_answer(struct op *op, const struct grpc_method *method, struct bytes request,
                 uint8_t **ret_data, size_t *ret_size, struct err *err)
{
    const void *answer = run_method(op, method, request);
    if (op->status.code != MILVUS_OK)
        answer = status_answer(op, method->place);
    if (answer == NULL)
        return err_nomem(err, "answer") == ERR_OK;
    return wire_pack(answer, ANSWER_SIZE_MAX, ret_data, ret_size, err) == ERR_OK;
}

static void handle(void *app, struct call *call)
{
    struct err err;
    struct op op;
    uint8_t *data;
    size_t size;
    const struct grpc_method *method = grpc_find(call_path(call) + strlen(SERVICE));
    op_begin(&op, app, call_arena(call), call_header(call, "dbname"));
    op.call = call;
    op.user = call_user(call);
    if (grpc_answer(&op, method, call_body(call), &data, &size, &err))
        call_reply_message(call, data, size);
    else
        call_reply_status(call, GRPC_RESOURCE_EXHAUSTED, "%s", err.msg);
    op_end(&op);
}

static bool is_quick(const char *name)
{
    return strcmp(name, "Connect") == 0 || strcmp(name, "GetVersion") == 0 ||
           strcmp(name, "CheckHealth") == 0 || strcmp(name, "AllocTimestamp") == 0;
}

struct server_method *grpc_methods(bool needs_login, size_t *ret_count)
{
    /* One block: the table, then the paths. */
    const size_t table_size = METHOD_COUNT * sizeof(struct server_method);
    size_t size = table_size;
    for (size_t i = 0; i < METHOD_COUNT; i++)
        size += strlen(SERVICE) + strlen(methods[i].name) + 1;
    struct server_method *table = mem_alloc(size, 1);
    if (table == NULL)
        return NULL;
    char *path = (char *)table + table_size;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        table[i] = (struct server_method){
            .path = path, .handle = handle, .is_quick = !needs_login && is_quick(methods[i].name)};
        const size_t room = strlen(SERVICE) + strlen(methods[i].name) + 1;
        path += snprintf(path, room, SERVICE "%s", methods[i].name) + 1;
    }
    *ret_count = METHOD_COUNT;
    return table;
}
