/* grpc_upkeep.c: methods about flushing, compaction and segments; see grpc.h. */
#include "base/clock.h"
#include "milvus2/grpc.h"
#include "milvus2/upkeep.h"

#define SEGMENT_GROWING 2
#define SEGMENT_SEALED 3
#define SEGMENT_FLUSHED 4
#define COMPACTION_EXECUTING 1
#define COMPACTION_COMPLETED 2

static bool put_flushed(struct op *op, const char *name, size_t at, Mv__FlushResponse *out)
{
    int64_t *segments;
    size_t count;
    if (!upkeep_flush(op, name, &segments, &count))
        return false;
    out->segment_ids[at]->key = out->flushed_segment_ids[at]->key = grpc_text(name);
    out->seal_times[at]->key = out->flush_timestamps[at]->key = grpc_text(name);
    out->segment_ids[at]->value = grpc_new(op, &mv__long_array__descriptor);
    Mv__LongArray *flushed = grpc_new(op, &mv__long_array__descriptor);
    if (out->segment_ids[at]->value == NULL || flushed == NULL)
        return false;
    flushed->n_data = count;
    flushed->data = segments;
    out->flushed_segment_ids[at]->value = flushed;
    out->seal_times[at]->value = (uint64_t)clock_now_us() / 1000000;
    out->flush_timestamps[at]->value = op_now();
    op_release_snapshots(op);
    return true;
}

const void *grpc_flush(struct op *op, const void *request)
{
    const Mv__FlushRequest *in = request;
    const size_t count = in->n_collection_names;
    Mv__FlushResponse *out = grpc_new(op, &mv__flush_response__descriptor);
    if (out == NULL)
        return NULL;
    out->segment_ids = grpc_new_array(op, &mv__segments_entry__descriptor, count);
    out->flushed_segment_ids = grpc_new_array(op, &mv__segments_entry__descriptor, count);
    out->seal_times = grpc_new_array(op, &mv__time_entry__descriptor, count);
    out->flush_timestamps = grpc_new_array(op, &mv__time_entry__descriptor, count);
    if (out->segment_ids == NULL || out->flushed_segment_ids == NULL || out->seal_times == NULL ||
        out->flush_timestamps == NULL)
        return NULL;
    out->n_segment_ids = out->n_flushed_segment_ids = count;
    out->n_seal_times = out->n_flush_timestamps = count;
    for (size_t i = 0; i < count; i++)
        if (!put_flushed(op, in->collection_names[i], i, out))
            return NULL;
    out->db_name = grpc_text(op->database);
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_flush_all(struct op *op, const void *request)
{
    (void)request;
    Mv__FlushAllResponse *out = grpc_new(op, &mv__flush_all_response__descriptor);
    if (out == NULL || !upkeep_flush_all(op))
        return NULL;
    out->flush_all_ts = op_now();
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

/* A flush is done when it is answered. */
const void *grpc_get_flush_state(struct op *op, const void *request)
{
    (void)request;
    Mv__GetFlushStateResponse *out = grpc_new(op, &mv__get_flush_state_response__descriptor);
    if (out == NULL)
        return NULL;
    out->flushed = true;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_flush_all_state(struct op *op, const void *request)
{
    return grpc_get_flush_state(op, request);
}

const void *grpc_manual_compaction(struct op *op, const void *request)
{
    const Mv__ManualCompactionRequest *in = request;
    struct view view;
    Mv__ManualCompactionResponse *out = grpc_new(op, &mv__manual_compaction_response__descriptor);
    if (out == NULL || !view_open_id(op, in->collection_name, in->collection_id, &view) ||
        !upkeep_compact(op, view.info->name, &out->compaction_id))
        return NULL;
    out->plan_count = 1;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_compaction_state(struct op *op, const void *request)
{
    const Mv__CompactionIdRequest *in = request;
    struct compaction_view view;
    Mv__GetCompactionStateResponse *out =
        grpc_new(op, &mv__get_compaction_state_response__descriptor);
    if (out == NULL || !upkeep_compaction(op, in->compaction_id, &view))
        return NULL;
    out->state = view.is_done ? COMPACTION_COMPLETED : COMPACTION_EXECUTING;
    out->executing_plans = !view.is_done;
    out->completed_plans = view.is_done;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_compaction_plans(struct op *op, const void *request)
{
    const Mv__CompactionIdRequest *in = request;
    struct compaction_view view;
    Mv__GetCompactionPlansResponse *out =
        grpc_new(op, &mv__get_compaction_plans_response__descriptor);
    if (out == NULL || !upkeep_compaction(op, in->compaction_id, &view))
        return NULL;
    out->state = view.is_done ? COMPACTION_COMPLETED : COMPACTION_EXECUTING;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_persistent_segment_info(struct op *op, const void *request)
{
    const Mv__SegmentInfoRequest *in = request;
    struct view view;
    struct segment_view *items;
    size_t count;
    Mv__GetPersistentSegmentInfoResponse *out =
        grpc_new(op, &mv__get_persistent_segment_info_response__descriptor);
    if (out == NULL || !view_open(op, in->collection_name, &view) ||
        !upkeep_segments(op, &view, &items, &count))
        return NULL;
    out->infos = grpc_new_array(op, &mv__persistent_segment_info__descriptor, count);
    for (size_t i = 0; out->infos != NULL && i < count; i++) {
        if (items[i].is_growing)
            continue;
        Mv__PersistentSegmentInfo *info = out->infos[out->n_infos++];
        info->segment_id = items[i].id;
        info->collection_id = view.info->id;
        info->partition_id = items[i].partition_id;
        info->num_rows = (int64_t)items[i].rows;
        info->state = SEGMENT_FLUSHED;
        info->level = 2;
    }
    out->status = grpc_status_of(op);
    return out->infos != NULL && out->status != NULL ? out : NULL;
}

const void *grpc_get_query_segment_info(struct op *op, const void *request)
{
    const Mv__SegmentInfoRequest *in = request;
    struct view view;
    struct segment_view *items;
    size_t count;
    Mv__GetQuerySegmentInfoResponse *out =
        grpc_new(op, &mv__get_query_segment_info_response__descriptor);
    if (out == NULL || !view_open(op, in->collection_name, &view) ||
        !upkeep_segments(op, &view, &items, &count))
        return NULL;
    count = view.info->is_loaded ? count : 0;
    out->infos = grpc_new_array(op, &mv__query_segment_info__descriptor, count);
    out->n_infos = count;
    for (size_t i = 0; out->infos != NULL && i < count; i++) {
        Mv__QuerySegmentInfo *info = out->infos[i];
        info->segment_id = items[i].id;
        info->collection_id = view.info->id;
        info->partition_id = items[i].partition_id;
        info->mem_size = (int64_t)items[i].size;
        info->num_rows = (int64_t)items[i].rows;
        info->state = items[i].is_growing ? SEGMENT_GROWING : SEGMENT_SEALED;
        info->level = 2;
    }
    out->status = grpc_status_of(op);
    return out->infos != NULL && out->status != NULL ? out : NULL;
}

const void *grpc_get_replicas(struct op *op, const void *request)
{
    const Mv__GetReplicasRequest *in = request;
    struct view view;
    Mv__GetReplicasResponse *out = grpc_new(op, &mv__get_replicas_response__descriptor);
    if (out == NULL || !view_open_id(op, in->collection_name, in->collection_id, &view))
        return NULL;
    if (view.info->is_loaded) {
        int64_t *node = op_array(op, 1, sizeof *node);
        out->replicas = grpc_new_array(op, &mv__replica_info__descriptor, 1);
        if (out->replicas == NULL || node == NULL)
            return NULL;
        *node = 1;
        out->n_replicas = 1;
        out->replicas[0]->replica_id = view.info->id;
        out->replicas[0]->collection_id = view.info->id;
        out->replicas[0]->n_node_ids = 1;
        out->replicas[0]->node_ids = node;
        out->replicas[0]->resource_group_name = grpc_text("__default_resource_group");
    }
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
