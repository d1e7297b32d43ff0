/* rest_routes.c: the tables of routes, and their OpenAPI description; see rest.h. */
#include <stdio.h>
#include <string.h>

#include "milvus2/rest.h"

#define NAME "collectionName!:s "
#define PARTITION NAME "partitionName!:s "
#define PARTITIONS NAME "partitionNames!:a "

const struct rest_route rest_v2_routes[] = {
    {"collections/list", "", "Names of the collections", rest_list_collections},
    {"collections/has", NAME, "Is there such a collection?", rest_has_collection},
    {"collections/describe", NAME, "Fields, indexes and settings", rest_describe_collection},
    {"collections/get_stats", NAME, "Number of rows", rest_collection_stats},
    {"collections/get_load_state", NAME "partitionNames:a", "Is it loaded?", rest_load_state},
    {"collections/create",
     NAME "dimension:i metricType:s idType:s autoID:v primaryFieldName:s vectorFieldName:s "
          "description:s schema:o indexParams:a params:o",
     "Create a collection: quickly with a dimension, or with a schema", rest_create_collection},
    {"collections/drop", NAME, "Drop a collection and its rows", rest_drop_collection},
    {"collections/rename", NAME "newCollectionName!:s newDbName:s", "Rename a collection",
     rest_rename_collection},
    {"collections/load", NAME, "Load: allow searches", rest_load_collection},
    {"collections/refresh_load", NAME, "Load again", rest_load_collection},
    {"collections/release", NAME, "Release: end searches", rest_release_collection},
    {"collections/alter_properties", NAME "properties:o", "Set properties", rest_alter_collection},
    {"collections/drop_properties", NAME "propertyKeys:a", "Remove properties",
     rest_drop_properties},
    {"collections/flush", NAME, "Seal pending rows", rest_flush},
    {"collections/compact", NAME "isClustering:b", "Merge segments in the background",
     rest_compact},
    {"collections/get_compaction_state", "jobID:v", "State of a compaction", rest_compaction_state},
    {"collections/truncate", NAME, "Forget all rows", rest_truncate},
    {"collections/fields/add", NAME "schema!:o", "Add a field", rest_add_field},
    {"collections/fields/alter_properties", NAME "fieldName!:s fieldParams:o",
     "Change parameters of a field", rest_alter_field},
    {"databases/create", "dbName!:s properties:o", "Create a database", rest_create_database},
    {"databases/drop", "dbName!:s", "Drop an empty database", rest_drop_database},
    {"databases/describe", "dbName!:s", "Properties of a database", rest_describe_database},
    {"databases/list", "", "Names of the databases", rest_list_databases},
    {"databases/alter", "dbName!:s properties:o", "Set properties", rest_alter_database},
    {"databases/alter_properties", "dbName!:s properties:o", "Set properties", rest_alter_database},
    {"databases/drop_properties", "dbName!:s propertyKeys:a", "Remove properties",
     rest_drop_database_properties},
    {"entities/insert", NAME "partitionName:s data!:v", "Insert rows", rest_insert},
    {"entities/upsert", NAME "partitionName:s data!:v partialUpdate:b",
     "Insert rows, replacing those with the same key", rest_upsert},
    {"entities/delete", NAME "filter!:s partitionName:s exprParams:o",
     "Delete the rows that a filter selects", rest_delete},
    {"entities/get",
     NAME "id!:v outputFields:a partitionName:s partitionNames:a consistencyLevel:s",
     "Rows by primary key", rest_get},
    {"entities/query",
     NAME "filter:s outputFields:a partitionNames:a limit:i offset:i exprParams:o "
          "consistencyLevel:s",
     "Rows that a filter selects", rest_query},
    {"entities/search",
     NAME "data!:a annsField:s filter:s limit:i offset:i outputFields:a partitionNames:a "
          "searchParams:o groupingField:s groupSize:i strictGroupSize:b consistencyLevel:s "
          "exprParams:o functionScore:o params:o",
     "The rows nearest to vectors", rest_search},
    {"entities/hybrid_search", NAME, "Not served: several searches in one", rest_hybrid_search},
    {"entities/advanced_search", NAME, "Not served: several searches in one", rest_hybrid_search},
    {"partitions/list", NAME, "Names of the partitions", rest_list_partitions},
    {"partitions/has", PARTITION, "Is there such a partition?", rest_has_partition},
    {"partitions/get_stats", PARTITION, "Number of rows", rest_partition_stats},
    {"partitions/create", PARTITION, "Create a partition", rest_create_partition},
    {"partitions/drop", PARTITION, "Drop a partition and its rows", rest_drop_partition},
    {"partitions/load", PARTITIONS, "Load partitions", rest_load_partitions},
    {"partitions/release", PARTITIONS, "Release partitions", rest_release_partitions},
    {"indexes/list", NAME, "Names of the indexes", rest_list_indexes},
    {"indexes/describe", NAME "indexName!:s", "One index", rest_describe_index},
    {"indexes/create", NAME "indexParams!:a", "Declare indexes", rest_create_index},
    {"indexes/drop", NAME "indexName!:s", "Drop an index", rest_drop_index},
    {"indexes/alter_properties", NAME "indexName!:s properties:o", "Set properties",
     rest_alter_index},
    {"indexes/drop_properties", NAME "indexName!:s propertyKeys:a", "Remove properties",
     rest_drop_index_properties},
    {"aliases/list", "collectionName:s", "Names of the aliases", rest_list_aliases},
    {"aliases/describe", "aliasName!:s", "What an alias stands for", rest_describe_alias},
    {"aliases/create", NAME "aliasName!:s", "Create an alias", rest_create_alias},
    {"aliases/drop", "aliasName!:s", "Drop an alias", rest_drop_alias},
    {"aliases/alter", NAME "aliasName!:s", "Move an alias", rest_alter_alias},
    {"users/list", "", "Names of the users", rest_list_users},
    {"users/describe", "userName!:s", "Roles of a user", rest_describe_user},
    {"users/create", "userName!:s password!:s", "Create a user", rest_create_user},
    {"users/update_password", "userName!:s password!:s newPassword!:s", "Change a password",
     rest_update_user},
    {"users/drop", "userName!:s", "Drop a user", rest_drop_user},
    {"roles/list", "", "The two roles", rest_list_roles},
    {"roles/describe", "roleName!:s", "Privileges of a role", rest_describe_role},
    {"jobs/import/create", NAME "files!:a partitionName:s options:o", "Import NumPy or JSON files",
     rest_create_job},
    {"jobs/import/describe", "jobId!:v", "Progress of an import", rest_describe_job},
    {"jobs/import/get_progress", "jobId!:v", "Progress of an import", rest_describe_job},
    {"jobs/import/list", "collectionName:s", "Imports of the last hours", rest_list_jobs},
    /* Known, refused. */
    {"users/grant_role", "", NULL, NULL},
    {"users/revoke_role", "", NULL, NULL},
    {"roles/create", "", NULL, NULL},
    {"roles/drop", "", NULL, NULL},
    {"roles/grant_privilege", "", NULL, NULL},
    {"roles/revoke_privilege", "", NULL, NULL},
    {"roles/grant_privilege_v2", "", NULL, NULL},
    {"roles/revoke_privilege_v2", "", NULL, NULL},
    {"privilege_groups/create", "", NULL, NULL},
    {"privilege_groups/drop", "", NULL, NULL},
    {"privilege_groups/list", "", NULL, NULL},
    {"privilege_groups/add_privileges_to_group", "", NULL, NULL},
    {"privilege_groups/remove_privileges_from_group", "", NULL, NULL},
    {"resource_groups/create", "", NULL, NULL},
    {"resource_groups/drop", "", NULL, NULL},
    {"resource_groups/alter", "", NULL, NULL},
    {"resource_groups/describe", "", NULL, NULL},
    {"resource_groups/list", "", NULL, NULL},
    {"resource_groups/transfer_replica", "", NULL, NULL},
    {"segments/describe", "", NULL, NULL},
    {"quotacenter/describe", "", NULL, NULL},
};
const size_t rest_v2_route_count = sizeof rest_v2_routes / sizeof *rest_v2_routes;

/* The older API: the same functions, a few of its own. */
const struct rest_route rest_v1_routes[] = {
    {"collections", "", "Names of the collections", rest_list_collections},
    {"collections/create", NAME "dimension!:i metricType:s primaryField:s vectorField:s", "",
     rest_create_collection},
    {"collections/describe", "", "", rest_describe_collection},
    {"collections/drop", NAME, "", rest_drop_collection},
    {"insert", NAME "data!:v", "", rest_insert},
    {"upsert", NAME "data!:v", "", rest_upsert},
    {"delete", NAME "id:v filter:s", "", rest_delete},
    {"get", NAME "id!:v outputFields:a", "", rest_get},
    {"query", NAME "filter!:s outputFields:a limit:i offset:i", "", rest_query},
    {"search", NAME "vector!:a filter:s outputFields:a limit:i offset:i params:o", "", rest_search},
};
const size_t rest_v1_route_count = sizeof rest_v1_routes / sizeof *rest_v1_routes;

/* ---- /openapi.json ---- */

static void add_type(struct text *text, char type)
{
    static const struct {
        char type;
        const char *json;
    } types[] = {{'s', "{\"type\":\"string\"}"},
                 {'i', "{\"type\":\"integer\",\"format\":\"int64\"}"},
                 {'b', "{\"type\":\"boolean\"}"},
                 {'a', "{\"type\":\"array\",\"items\":{}}"},
                 {'o', "{\"type\":\"object\"}"}};
    const char *json = "{}";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            json = types[i].json;
    text_add(text, json);
}

static void add_schema(struct text *text, const char *keys)
{
    struct rest_key key;
    struct text required, type;
    text_init(&required);
    json_open(text, "schema", '{');
    json_add_string(text, "type", "object");
    json_open(text, "properties", '{');
    bool has_database = false;
    for (const char *at = keys; rest_next_key(&at, &key);) {
        text_init(&type);
        add_type(&type, key.type);
        json_add_raw(text, key.name, text_get(&type));
        text_release(&type);
        has_database = has_database || strcmp(key.name, "dbName") == 0;
        if (key.is_required)
            json_add_string(&required, NULL, key.name);
    }
    if (!has_database)
        json_add_raw(text, "dbName", "{\"type\":\"string\"}");
    json_close(text, '}');
    if (required.size > 0) {
        text_add(text, ",\"required\":[");
        text_add(text, text_get(&required));
        text_add(text, "]");
    }
    text_release(&required);
    json_close(text, '}');
}

static void add_route(struct text *text, const struct rest_route *route)
{
    char name[96];
    (void)snprintf(name, sizeof name, REST_V2 "%s", route->path);
    json_open(text, name, '{');
    json_open(text, "post", '{');
    json_add_string(text, "summary", route->summary);
    json_add_string(text, "operationId", route->path);
    json_open(text, "requestBody", '{');
    json_add_bool(text, "required", true);
    json_open(text, "content", '{');
    json_open(text, "application/json", '{');
    add_schema(text, route->keys);
    json_close(text, '}');
    json_close(text, '}');
    json_close(text, '}');
    json_add_raw(text, "responses",
                 "{\"200\":{\"$ref\":\"#/components/responses/Answer\"},"
                 "\"401\":{\"description\":\"wrong or no credentials: code 1800\"}}");
    json_close(text, '}');
    json_close(text, '}');
}

void rest_openapi(struct text *text)
{
    json_open(text, NULL, '{');
    json_add_string(text, "openapi", "3.0.3");
    json_add_raw(text, "info",
                 "{\"title\":\"Godwit: RESTful API of Milvus 2.x\",\"version\":\"2\","
                 "\"description\":\"Every answer is HTTP 200 with code 0 and data, or another "
                 "code and a message.\"}");
    json_add_raw(text, "security", "[{},{\"token\":[]}]");
    json_open(text, "paths", '{');
    for (size_t i = 0; i < rest_v2_route_count; i++)
        if (rest_v2_routes[i].run != NULL)
            add_route(text, &rest_v2_routes[i]);
    json_close(text, '}');
    json_add_raw(text, "components",
                 "{\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\","
                 "\"description\":\"user:password, or an API key\"}},"
                 "\"responses\":{\"Answer\":{\"description\":\"code 0 and data, or a code and a "
                 "message\",\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
                 "\"required\":[\"code\"],\"properties\":{\"code\":{\"type\":\"integer\"},"
                 "\"message\":{\"type\":\"string\"},\"data\":{}}}}}}}}");
    json_close(text, '}');
}
