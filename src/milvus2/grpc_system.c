/* grpc_system.c: methods about the server itself; see grpc.h. */
#include "base/clock.h"
#include "milvus2/api.h"
#include "milvus2/grpc.h"
#include "milvus2/upkeep.h"

const void *grpc_connect(struct op *op, const void *request)
{
    (void)request;
    Mv__ConnectResponse *out = grpc_new(op, &mv__connect_response__descriptor);
    if (out == NULL || !op_check_database(op, op->database))
        return NULL;
    out->server_info = grpc_new(op, &mv__server_info__descriptor);
    if (out->server_info == NULL)
        return NULL;
    out->server_info->build_tags = grpc_text(API_MILVUS_VERSION);
    out->server_info->build_time = grpc_text("");
    out->server_info->git_commit = grpc_text("godwit-" GODWIT_VERSION);
    out->server_info->go_version = grpc_text("none");
    out->server_info->deploy_mode = grpc_text("STANDALONE");
    out->identifier = clock_now_us();
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_version(struct op *op, const void *request)
{
    (void)request;
    Mv__GetVersionResponse *out = grpc_new(op, &mv__get_version_response__descriptor);
    if (out == NULL)
        return NULL;
    out->version = grpc_text(API_MILVUS_VERSION);
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_check_health(struct op *op, const void *request)
{
    (void)request;
    Mv__CheckHealthResponse *out = grpc_new(op, &mv__check_health_response__descriptor);
    if (out == NULL)
        return NULL;
    out->is_healthy = true;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_alloc_timestamp(struct op *op, const void *request)
{
    (void)request;
    Mv__AllocTimestampResponse *out = grpc_new(op, &mv__alloc_timestamp_response__descriptor);
    if (out == NULL)
        return NULL;
    out->timestamp = op_now();
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_component_states(struct op *op, const void *request)
{
    (void)request;
    Mv__ComponentStates *out = grpc_new(op, &mv__component_states__descriptor);
    if (out == NULL)
        return NULL;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

const void *grpc_get_metrics(struct op *op, const void *request)
{
    (void)request;
    Mv__GetMetricsResponse *out = grpc_new(op, &mv__get_metrics_response__descriptor);
    if (out == NULL || (out->response = upkeep_metrics(op)) == NULL)
        return NULL;
    out->component_name = grpc_text("standalone");
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}
