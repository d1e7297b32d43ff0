/* grpc.h: the gRPC side of the API: messages to operations and back.
 *
 * One table (grpc.c) has every method: its request, what runs it, and where its answer carries the
 * status. A method's function fills neutral structs, calls the core, and returns a message made in
 * the op's arena; NULL means that op->status says what went wrong. */
#ifndef GODWIT_MILVUS2_GRPC_H
#define GODWIT_MILVUS2_GRPC_H

#include "generated/milvus.pb-c.h"
#include "milvus2/op.h"
#include "milvus2/wire.h"
#include "server/server.h"

/* `database`: of the request or its metadata, "" when neither names one. */
typedef const void *grpc_run(struct op *op, const void *request);

enum grpc_status_place {
    GRPC_STATUS_ITSELF, /* the answer is a Status */
    GRPC_STATUS_FIRST,  /* field 1 */
    GRPC_STATUS_THIRD   /* field 3: ComponentStates */
};

struct grpc_method {
    const char *name;
    const ProtobufCMessageDescriptor *request;
    grpc_run *run; /* NULL: not served, code 10 */
    enum grpc_status_place place;
};

/* All methods as the transport wants them; made once, freed with mem_free. When everybody has to
 * log in, none is quick: checking a password takes its time. */
struct server_method *grpc_methods(bool needs_login, size_t *ret_count) MUST_USE;

/* For tests: runs one method on bytes. `ret_data` is freed with mem_free. */
struct api;
bool grpc_answer(struct op *op, const struct grpc_method *method, struct bytes request,
                 uint8_t **ret_data, size_t *ret_size, struct err *err);
/* By its name without the service; NULL when there is none. */
const struct grpc_method *grpc_find(const char *name);

/* ---- for the files with methods ---- */

/* A message of this type in the arena, initialised. */
void *grpc_new(struct op *op, const ProtobufCMessageDescriptor *type) MUST_USE;
/* An array of pointers to `count` such messages. */
void *grpc_new_array(struct op *op, const ProtobufCMessageDescriptor *type, size_t count) MUST_USE;
/* The op's status as a message; NULL without memory. */
Mv__Status *grpc_status_of(struct op *op) MUST_USE;
/* protobuf-c's messages hold strings that are not const; none is written through. */
static inline char *grpc_text(const char *text)
{
    return (char *)(uintptr_t)text;
}
static inline ProtobufCBinaryData grpc_bytes(const void *data, size_t size)
{
    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)data};
}
/* Names and pairs of a request, borrowed from it; pairs for an answer. */
struct name_list grpc_names(char *const *items, size_t count);
bool grpc_pairs(struct op *op, Mv__KeyValue *const *items, size_t count,
                struct pair_list *ret_pairs);
bool grpc_put_pairs(struct op *op, const struct pair_list *pairs, Mv__KeyValue ***ret_items,
                    size_t *ret_count);
/* Array of strings for an answer. */
char **grpc_put_names(struct op *op, const struct name_list *names);

/* Templates of a filter. */
struct filter_templates;
bool grpc_templates(struct op *op, Mv__TemplateEntry *const *items, size_t count,
                    struct filter_templates *ret_templates);

#define GRPC_METHOD(name) grpc_run grpc_##name
GRPC_METHOD(connect);
GRPC_METHOD(get_version);
GRPC_METHOD(check_health);
GRPC_METHOD(alloc_timestamp);
GRPC_METHOD(get_component_states);
GRPC_METHOD(get_metrics);
GRPC_METHOD(create_collection);
GRPC_METHOD(drop_collection);
GRPC_METHOD(has_collection);
GRPC_METHOD(describe_collection);
GRPC_METHOD(batch_describe_collection);
GRPC_METHOD(show_collections);
GRPC_METHOD(rename_collection);
GRPC_METHOD(truncate_collection);
GRPC_METHOD(alter_collection);
GRPC_METHOD(alter_collection_field);
GRPC_METHOD(add_collection_field);
GRPC_METHOD(get_collection_statistics);
GRPC_METHOD(load_collection);
GRPC_METHOD(release_collection);
GRPC_METHOD(load_partitions);
GRPC_METHOD(release_partitions);
GRPC_METHOD(get_loading_progress);
GRPC_METHOD(get_load_state);
GRPC_METHOD(create_partition);
GRPC_METHOD(drop_partition);
GRPC_METHOD(has_partition);
GRPC_METHOD(show_partitions);
GRPC_METHOD(get_partition_statistics);
GRPC_METHOD(create_alias);
GRPC_METHOD(drop_alias);
GRPC_METHOD(alter_alias);
GRPC_METHOD(describe_alias);
GRPC_METHOD(list_aliases);
GRPC_METHOD(create_database);
GRPC_METHOD(drop_database);
GRPC_METHOD(alter_database);
GRPC_METHOD(describe_database);
GRPC_METHOD(list_databases);
GRPC_METHOD(create_index);
GRPC_METHOD(alter_index);
GRPC_METHOD(describe_index);
GRPC_METHOD(get_index_statistics);
GRPC_METHOD(get_index_state);
GRPC_METHOD(get_index_build_progress);
GRPC_METHOD(drop_index);
GRPC_METHOD(insert);
GRPC_METHOD(upsert);
GRPC_METHOD(delete);
GRPC_METHOD(search);
GRPC_METHOD(query);
GRPC_METHOD(flush);
GRPC_METHOD(flush_all);
GRPC_METHOD(get_flush_state);
GRPC_METHOD(get_flush_all_state);
GRPC_METHOD(manual_compaction);
GRPC_METHOD(get_compaction_state);
GRPC_METHOD(get_compaction_plans);
GRPC_METHOD(get_persistent_segment_info);
GRPC_METHOD(get_query_segment_info);
GRPC_METHOD(get_replicas);
GRPC_METHOD(import);
GRPC_METHOD(get_import_state);
GRPC_METHOD(list_import_tasks);
GRPC_METHOD(create_credential);
GRPC_METHOD(update_credential);
GRPC_METHOD(delete_credential);
GRPC_METHOD(list_cred_users);
GRPC_METHOD(select_role);
GRPC_METHOD(select_user);
#undef GRPC_METHOD

#endif
