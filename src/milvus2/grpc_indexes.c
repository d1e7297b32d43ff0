/* grpc_indexes.c: methods about indexes; see grpc.h. */
#include "milvus2/grpc.h"
#include "milvus2/indexes.h"

static const void *done(struct op *op, bool is_good)
{
    return is_good ? grpc_status_of(op) : NULL;
}

const void *grpc_create_index(struct op *op, const void *request)
{
    const Mv__CreateIndexRequest *in = request;
    struct index_spec spec = {
        .collection = in->collection_name, .field = in->field_name, .name = in->index_name};
    return done(op, grpc_pairs(op, in->extra_params, in->n_extra_params, &spec.params) &&
                        indexes_create(op, &spec));
}

const void *grpc_alter_index(struct op *op, const void *request)
{
    const Mv__AlterIndexRequest *in = request;
    struct pair_list set;
    const struct name_list removed = grpc_names(in->delete_keys, in->n_delete_keys);
    return done(op, grpc_pairs(op, in->extra_params, in->n_extra_params, &set) &&
                        indexes_alter(op, in->collection_name, in->index_name, &set, &removed));
}

const void *grpc_drop_index(struct op *op, const void *request)
{
    const Mv__IndexRequest *in = request;
    return done(op, indexes_drop(op, in->collection_name, in->field_name, in->index_name));
}

static bool put_index(struct op *op, const struct index_view *item, Mv__IndexDescription *out)
{
    out->index_name = grpc_text(item->declared->name);
    out->index_id = item->declared->id;
    out->field_name = grpc_text(item->field);
    out->indexed_rows = (int64_t)item->indexed_rows;
    out->total_rows = (int64_t)item->total_rows;
    out->pending_index_rows = (int64_t)item->pending_rows;
    out->state = item->state;
    return grpc_put_pairs(op, &item->params, &out->params, &out->n_params);
}

static const void *describe(struct op *op, const char *collection, const char *field,
                            const char *name)
{
    struct view view;
    struct index_view *items;
    size_t count;
    Mv__DescribeIndexResponse *out = grpc_new(op, &mv__describe_index_response__descriptor);
    if (out == NULL || !view_open(op, collection, &view) ||
        !indexes_describe(op, &view, field, name, &items, &count))
        return NULL;
    out->index_descriptions = grpc_new_array(op, &mv__index_description__descriptor, count);
    out->n_index_descriptions = count;
    for (size_t i = 0; out->index_descriptions != NULL && i < count; i++)
        if (!put_index(op, &items[i], out->index_descriptions[i]))
            return NULL;
    out->status = grpc_status_of(op);
    return out->index_descriptions != NULL && out->status != NULL ? out : NULL;
}

const void *grpc_describe_index(struct op *op, const void *request)
{
    const Mv__IndexRequest *in = request;
    return describe(op, in->collection_name, in->field_name, in->index_name);
}

const void *grpc_get_index_statistics(struct op *op, const void *request)
{
    const Mv__GetIndexStatisticsRequest *in = request;
    return describe(op, in->collection_name, "", in->index_name);
}

/* Rows and state of the indexes that a request names, all together. */
static bool sum_up(struct op *op, const Mv__IndexRequest *in, struct index_view *ret_sum)
{
    struct view view;
    struct index_view *items;
    size_t count;
    if (!view_open(op, in->collection_name, &view) ||
        !indexes_describe(op, &view, in->field_name, in->index_name, &items, &count))
        return false;
    *ret_sum = items[0];
    for (size_t i = 1; i < count; i++) {
        if (items[i].pending_rows > ret_sum->pending_rows)
            *ret_sum = items[i];
    }
    return true;
}

const void *grpc_get_index_state(struct op *op, const void *request)
{
    struct index_view sum;
    Mv__GetIndexStateResponse *out = grpc_new(op, &mv__get_index_state_response__descriptor);
    if (out == NULL || !sum_up(op, request, &sum))
        return NULL;
    out->state = sum.state;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_index_build_progress(struct op *op, const void *request)
{
    struct index_view sum;
    Mv__GetIndexBuildProgressResponse *out =
        grpc_new(op, &mv__get_index_build_progress_response__descriptor);
    if (out == NULL || !sum_up(op, request, &sum))
        return NULL;
    out->indexed_rows = (int64_t)sum.indexed_rows;
    out->total_rows = (int64_t)sum.total_rows;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
