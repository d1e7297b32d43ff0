/* grpc_partitions.c: methods about partitions and loading; see grpc.h. */
#include "milvus2/grpc.h"
#include "milvus2/partitions.h"

#define SHOW_LOADED 1 /* ShowPartitionsRequest.type */

static const void *done(struct op *op, bool is_good)
{
    return is_good ? grpc_status_of(op) : NULL;
}

static const struct name_list all = {0};

const void *grpc_load_collection(struct op *op, const void *request)
{
    const Mv__LoadCollectionRequest *in = request;
    return done(op, loads_load(op, in->collection_name, &all));
}

const void *grpc_release_collection(struct op *op, const void *request)
{
    const Mv__CollectionRequest *in = request;
    return done(op, loads_release(op, in->collection_name, &all));
}

const void *grpc_load_partitions(struct op *op, const void *request)
{
    const Mv__LoadPartitionsRequest *in = request;
    const struct name_list names = grpc_names(in->partition_names, in->n_partition_names);
    if (names.count == 0 && !status_fail(&op->status, MILVUS_ERROR,
                                         "failed to load partition, due to no partition specified"))
        return NULL;
    return done(op, loads_load(op, in->collection_name, &names));
}

const void *grpc_release_partitions(struct op *op, const void *request)
{
    const Mv__ReleasePartitionsRequest *in = request;
    const struct name_list names = grpc_names(in->partition_names, in->n_partition_names);
    if (names.count == 0 &&
        !status_fail(&op->status, MILVUS_ERROR,
                     "failed to release partition, due to no partition specified"))
        return NULL;
    return done(op, loads_release(op, in->collection_name, &names));
}

const void *grpc_get_loading_progress(struct op *op, const void *request)
{
    const Mv__LoadingRequest *in = request;
    const struct name_list names = grpc_names(in->partition_names, in->n_partition_names);
    Mv__GetLoadingProgressResponse *out =
        grpc_new(op, &mv__get_loading_progress_response__descriptor);
    if (out == NULL || !loads_progress(op, in->collection_name, &names, &out->progress))
        return NULL;
    out->refresh_progress = out->progress;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_load_state(struct op *op, const void *request)
{
    const Mv__LoadingRequest *in = request;
    const struct name_list names = grpc_names(in->partition_names, in->n_partition_names);
    enum load_state state;
    Mv__GetLoadStateResponse *out = grpc_new(op, &mv__get_load_state_response__descriptor);
    if (out == NULL || !loads_state(op, in->collection_name, &names, &state))
        return NULL;
    out->state = (int32_t)state;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_create_partition(struct op *op, const void *request)
{
    const Mv__PartitionRequest *in = request;
    return done(op, partitions_create(op, in->collection_name, in->partition_name));
}

const void *grpc_drop_partition(struct op *op, const void *request)
{
    const Mv__PartitionRequest *in = request;
    return done(op, partitions_drop(op, in->collection_name, in->partition_name));
}

const void *grpc_has_partition(struct op *op, const void *request)
{
    const Mv__PartitionRequest *in = request;
    bool has;
    Mv__BoolResponse *out = grpc_new(op, &mv__bool_response__descriptor);
    if (out == NULL || !partitions_has(op, in->collection_name, in->partition_name, &has))
        return NULL;
    out->value = has;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

static bool put_partitions(struct op *op, const struct partition_item *items, size_t count,
                           const Mv__ShowPartitionsRequest *in, Mv__ShowPartitionsResponse *out)
{
    const struct name_list names = grpc_names(in->partition_names, in->n_partition_names);
    const struct name_list *wanted = &names;
    const bool is_loaded_only = in->type == SHOW_LOADED;
    size_t n = 0;
    out->partition_names = op_array(op, count, sizeof *out->partition_names);
    out->partition_ids = op_array(op, count, sizeof *out->partition_ids);
    out->created_timestamps = op_array(op, count, sizeof *out->created_timestamps);
    out->created_utc_timestamps = op_array(op, count, sizeof *out->created_utc_timestamps);
    out->in_memory_percentages = op_array(op, count, sizeof *out->in_memory_percentages);
    if (out->partition_names == NULL || out->partition_ids == NULL ||
        out->created_timestamps == NULL || out->created_utc_timestamps == NULL ||
        out->in_memory_percentages == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((is_loaded_only && !items[i].is_loaded) ||
            (wanted->count > 0 && !names_have(wanted, items[i].name)))
            continue;
        out->partition_names[n] = grpc_text(items[i].name);
        out->partition_ids[n] = items[i].id;
        out->created_timestamps[n] = op_timestamp(items[i].created_us);
        out->created_utc_timestamps[n] = (uint64_t)items[i].created_us / 1000;
        out->in_memory_percentages[n++] = items[i].is_loaded ? 100 : 0;
    }
    out->n_partition_names = out->n_partition_ids = out->n_created_timestamps = n;
    out->n_created_utc_timestamps = out->n_in_memory_percentages = n;
    return true;
}

const void *grpc_show_partitions(struct op *op, const void *request)
{
    const Mv__ShowPartitionsRequest *in = request;
    struct view view;
    struct partition_item *items;
    size_t count;
    Mv__ShowPartitionsResponse *out = grpc_new(op, &mv__show_partitions_response__descriptor);
    if (out == NULL || !view_open_id(op, in->collection_name, in->collection_id, &view) ||
        !partitions_list(op, &view, &items, &count) || !put_partitions(op, items, count, in, out))
        return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
