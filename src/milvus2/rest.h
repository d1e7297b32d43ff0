/* rest.h: the RESTful API, version 2 and the vector paths of version 1: routes and the envelope.
 *
 * A route is a path, the keys of its request, and a function that fills in the answer. Keys are
 * checked before the function runs, from the same text that /openapi.json is made of. Everything
 * is answered with HTTP 200 and {"code", "data"} or {"code", "message"}, as Milvus does; numbers of
 * 64 bits become text for clients that ask for it (Accept-Type-Allow-Int64: false).
 * Source: the documented RESTful API of Milvus 2.x. Threads: a request belongs to one worker. */
#ifndef GODWIT_MILVUS2_REST_H
#define GODWIT_MILVUS2_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/text.h"
#include "milvus2/op.h"
#include "server/call.h"

#define REST_V2 "/v2/vectordb/"
#define REST_V1 "/v1/vector/"
/* "true" asks for more than Milvus answers: "storage" in collections/get_stats, "$partition" in
 * each row of entities/get, query and search. godwit's own command line does (place/). */
#define REST_DETAILS "Godwit-Details"

struct rest {
    struct op op;
    struct call *call;
    const struct json *body; /* an object */
    bool is_v1;              /* success is code 200 there */
    bool ints_as_text;
    bool has_details;   /* the header REST_DETAILS: answers say what Milvus's do not */
    struct text answer; /* the envelope, open; functions add "data" and more members */
};

/* Adds "data" (and more) to the answer; false: op.status says why not. */
typedef bool rest_run(struct rest *rest);

struct rest_route {
    const char *path; /* behind REST_V2 or REST_V1 */
    /* "name:type name!:type ...": '!' is required; types are s text, i whole number, b boolean,
     * a array, o object, v any. Every request may also have dbName. */
    const char *keys;
    const char *summary;
    rest_run *run; /* NULL: known to Milvus, refused here (code 10) */
};
extern const struct rest_route rest_v2_routes[];
extern const size_t rest_v2_route_count;
extern const struct rest_route rest_v1_routes[];
extern const size_t rest_v1_route_count;

/* Answers any HTTP call that is not another page's; 404 when there is no such route. `app` is the
 * struct api. */
void rest_handle(void *app, struct call *call);

/* {"code":...,"message":"..."} of a failure. */
void rest_reply_status(struct call *call, int http_status, const struct status *status);

/* Walks the keys of a route: `*at` begins as route->keys. False at the end. */
struct rest_key {
    char name[40];
    bool is_required;
    char type;
};
bool rest_next_key(const char **at, struct rest_key *ret_key);

/* The OpenAPI 3 description of all version 2 routes, appended to `text`. */
void rest_openapi(struct text *text);

/* ---- For the functions of routes ---- */

/* Values of the request; what is absent or null gives the fallback. Borrowed. */
const char *rest_text(const struct rest *rest, const char *key, const char *fallback);
int64_t rest_int(const struct rest *rest, const char *key, int64_t fallback);
const char *rest_collection(const struct rest *rest);
/* The strings of an array; anything else in it: status 1801. */
bool rest_names(struct rest *rest, const char *key, struct name_list *ret_names);
/* The members of an object as pairs; values that are no strings as their JSON text. */
bool rest_pairs(struct rest *rest, const struct json *object, struct pair_list *ret_pairs);
/* Text of any value: a string as it is, else its JSON text. NULL sets the status. */
const char *rest_value_text(struct rest *rest, const struct json *value);

/* "data": {} */
bool rest_done(struct rest *rest);
bool rest_add_names(struct rest *rest, const char *key, const struct name_list *names);
/* Adds {"key": ..., "value": ...} for each pair. */
void rest_add_pairs(struct rest *rest, const char *key, const struct pair_list *pairs);
/* A 64-bit number, as text where that is wanted. */
void rest_add_int(struct rest *rest, const char *key, int64_t value);
/* False with code 1801, 1802 or 1804 and its base text, ", error: " and the sentence. */
bool rest_fail(struct rest *rest, enum milvus_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The number of a consistency level; status 1100 for a name that is none. */
bool rest_consistency(struct rest *rest, const char *name, int64_t *ret_level);
const char *rest_consistency_name(int64_t level);

/* One function a route, by group. */
bool rest_list_collections(struct rest *rest);
bool rest_has_collection(struct rest *rest);
bool rest_describe_collection(struct rest *rest);
bool rest_collection_stats(struct rest *rest);
bool rest_load_state(struct rest *rest);
bool rest_create_collection(struct rest *rest);
bool rest_drop_collection(struct rest *rest);
bool rest_rename_collection(struct rest *rest);
bool rest_load_collection(struct rest *rest);
bool rest_release_collection(struct rest *rest);
bool rest_alter_collection(struct rest *rest);
bool rest_drop_properties(struct rest *rest);
bool rest_flush(struct rest *rest);
bool rest_compact(struct rest *rest);
bool rest_compaction_state(struct rest *rest);
bool rest_truncate(struct rest *rest);
bool rest_add_field(struct rest *rest);
bool rest_alter_field(struct rest *rest);

bool rest_list_partitions(struct rest *rest);
bool rest_has_partition(struct rest *rest);
bool rest_partition_stats(struct rest *rest);
bool rest_create_partition(struct rest *rest);
bool rest_drop_partition(struct rest *rest);
bool rest_load_partitions(struct rest *rest);
bool rest_release_partitions(struct rest *rest);

bool rest_list_aliases(struct rest *rest);
bool rest_describe_alias(struct rest *rest);
bool rest_create_alias(struct rest *rest);
bool rest_drop_alias(struct rest *rest);
bool rest_alter_alias(struct rest *rest);

bool rest_list_databases(struct rest *rest);
bool rest_describe_database(struct rest *rest);
bool rest_create_database(struct rest *rest);
bool rest_drop_database(struct rest *rest);
bool rest_alter_database(struct rest *rest);
bool rest_drop_database_properties(struct rest *rest);

bool rest_list_indexes(struct rest *rest);
bool rest_describe_index(struct rest *rest);
bool rest_create_index(struct rest *rest);
bool rest_drop_index(struct rest *rest);
bool rest_alter_index(struct rest *rest);
bool rest_drop_index_properties(struct rest *rest);
/* Declares the indexes of an array of {fieldName, indexName, metricType, indexType, params}. */
bool rest_make_indexes(struct rest *rest, const char *collection, const struct json *items);

bool rest_insert(struct rest *rest);
bool rest_upsert(struct rest *rest);
bool rest_delete(struct rest *rest);
bool rest_get(struct rest *rest);
bool rest_query(struct rest *rest);
bool rest_search(struct rest *rest);
bool rest_hybrid_search(struct rest *rest);

bool rest_list_users(struct rest *rest);
bool rest_describe_user(struct rest *rest);
bool rest_create_user(struct rest *rest);
bool rest_update_user(struct rest *rest);
bool rest_drop_user(struct rest *rest);
bool rest_list_roles(struct rest *rest);
bool rest_describe_role(struct rest *rest);

bool rest_create_job(struct rest *rest);
bool rest_describe_job(struct rest *rest);
bool rest_list_jobs(struct rest *rest);

#endif
