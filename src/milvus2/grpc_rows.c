/* grpc_rows.c: methods that write and read rows; see grpc.h. */
#include <string.h>

#include "milvus2/grpc.h"
#include "milvus2/grpc_fields.h"
#include "milvus2/insert.h"
#include "milvus2/refused.h"
#include "milvus2/search.h"

static size_t find_given(const struct view *view, const Mv__FieldData *data)
{
    if (view->dynamic != SIZE_MAX &&
        (data->is_dynamic || strcmp(data->field_name, SCHEMA_DYNAMIC_NAME) == 0))
        return view->dynamic;
    return view_field(view, data->field_name);
}

static bool read_columns(struct op *op, const struct view *view, const Mv__InsertRequest *in,
                         struct column *columns)
{
    for (size_t i = 0; i < in->n_fields_data; i++) {
        const Mv__FieldData *data = in->fields_data[i];
        const size_t at = find_given(view, data);
        if (at == SIZE_MAX)
            return status_expected(&op->status, "the fields of the schema", data->field_name,
                                   "fieldName %s not exist in collection schema: more fieldData "
                                   "has pass in",
                                   data->field_name);
        if (columns[at].type != FIELD_NONE)
            return status_wrap(&op->status, MILVUS_INVALID, "duplicated field %s found",
                               data->field_name);
        if (!grpc_column(op, &view->schema.fields[at], data, in->num_rows, &columns[at]))
            return false;
    }
    return true;
}

/* A client that inserts with fields it remembers from before the schema changed. */
static bool check_schema_time(struct op *op, const struct view *view, const Mv__InsertRequest *in)
{
    const uint64_t now = op_timestamp(view->info->updated_us);
    return in->schema_timestamp == 0 || in->schema_timestamp >= now ||
           status_fields(&op->status, MILVUS_SCHEMA_MISMATCH, "[collection=%s]",
                         in->collection_name);
}

static bool write_rows(struct op *op, const Mv__InsertRequest *in, bool is_upsert,
                       struct insert_answer *ret_answer)
{
    struct view view;
    if (!view_open(op, in->collection_name, &view) || !check_schema_time(op, &view, in))
        return false;
    if (in->n_field_ops > 0)
        return refuse(op, REFUSED_FIELD_OPS, "field_ops");
    struct insert_request request = {
        .rows = in->num_rows,
        .columns = op_array(op, view.schema.field_count, sizeof *request.columns),
        .partition = in->partition_name,
        .is_upsert = is_upsert,
        .is_partial = in->partial_update != 0};
    return request.columns != NULL && read_columns(op, &view, in, request.columns) &&
           rows_insert(op, &view, &request, ret_answer);
}

/* 0, 1, 2 ...: every row succeeded. */
static bool put_success(struct op *op, size_t rows, Mv__MutationResult *out)
{
    out->succ_index = op_array(op, rows, sizeof *out->succ_index);
    out->n_succ_index = rows;
    for (size_t i = 0; out->succ_index != NULL && i < rows; i++)
        out->succ_index[i] = (uint32_t)i;
    return out->succ_index != NULL;
}

static Mv__MutationResult *written(struct op *op, const struct insert_answer *answer)
{
    Mv__MutationResult *out = grpc_new(op, &mv__mutation_result__descriptor);
    if (out == NULL || !put_success(op, answer->ids.rows, out))
        return NULL;
    out->ids = grpc_ids(op, &answer->ids);
    out->acknowledged = true;
    out->timestamp = answer->timestamp;
    out->status = grpc_status_of(op);
    return out->ids != NULL && out->status != NULL ? out : NULL;
}

const void *grpc_insert(struct op *op, const void *request)
{
    struct insert_answer answer;
    if (!write_rows(op, request, false, &answer))
        return NULL;
    Mv__MutationResult *out = written(op, &answer);
    if (out != NULL)
        out->insert_cnt = (int64_t)answer.rows;
    return out;
}

const void *grpc_upsert(struct op *op, const void *request)
{
    struct insert_answer answer;
    if (!write_rows(op, request, true, &answer))
        return NULL;
    Mv__MutationResult *out = written(op, &answer);
    if (out == NULL)
        return NULL;
    out->insert_cnt = out->delete_cnt = out->upsert_cnt = (int64_t)answer.rows;
    return out;
}

const void *grpc_delete(struct op *op, const void *request)
{
    const Mv__DeleteRequest *in = request;
    struct delete_request what = {.filter = in->expr, .partition = in->partition_name};
    struct delete_answer answer;
    struct view view;
    Mv__MutationResult *out = grpc_new(op, &mv__mutation_result__descriptor);
    if (out == NULL || !view_open(op, in->collection_name, &view) ||
        !grpc_templates(op, in->expr_template_values, in->n_expr_template_values,
                        &what.templates) ||
        !rows_delete(op, &view, &what, &answer))
        return NULL;
    /* IDs stay empty: otherwise pymilvus answers a list instead of a count. */
    out->ids = grpc_new(op, &mv__ids__descriptor);
    out->acknowledged = true;
    out->delete_cnt = (int64_t)answer.rows;
    out->timestamp = answer.timestamp;
    out->status = grpc_status_of(op);
    return out->ids != NULL && out->status != NULL ? out : NULL;
}

/* ---- Search and query ---- */

static bool read_placeholders(struct op *op, ProtobufCBinaryData bytes, struct search_spec *spec)
{
    struct err err;
    Mv__PlaceholderGroup *group;
    const enum err_code code =
        wire_unpack(&mv__placeholder_group__descriptor, (struct bytes){bytes.data, bytes.len},
                    op->arena, &group, &err);
    if (code == ERR_NOMEM)
        return status_fail(&op->status, MILVUS_NO_MEMORY, "%s", err.msg);
    if (code != ERR_OK || group->n_placeholders != 1)
        return status_wrap(&op->status, MILVUS_INVALID,
                           "the placeholder group must hold one placeholder%s%s",
                           code != ERR_OK ? ": " : "", code != ERR_OK ? err.msg : "");
    const Mv__PlaceholderValue *value = group->placeholders[0];
    struct bytes *queries = op_array(op, value->n_values, sizeof *queries);
    if (queries == NULL)
        return false;
    for (size_t i = 0; i < value->n_values; i++)
        queries[i] = (struct bytes){value->values[i].data, value->values[i].len};
    if (value->type >= 300)
        return refuse(op, REFUSED_EMBEDDING_LIST, "placeholder_group");
    if (value->type == FIELD_SPARSE_FLOAT_VECTOR)
        return refuse(op, REFUSED_SPARSE, "placeholder_group");
    if (value->type == FIELD_VARCHAR || value->type == FIELD_INT64)
        return refuse(op, REFUSED_TEXT_QUERY, "placeholder_group");
    spec->query_type = value->type;
    spec->queries = queries;
    spec->query_count = value->n_values;
    return true;
}

static bool refuse_parts(struct op *op, const Mv__SearchRequest *in)
{
    if (in->function_score != NULL && in->function_score->n_functions > 0)
        return refuse(op, REFUSED_RERANK, "function_score");
    if (in->highlighter != NULL)
        return refuse(op, REFUSED_HIGHLIGHT, "highlighter");
    if (in->search_aggregation != NULL)
        return refuse(op, REFUSED_AGGREGATION, "search_aggregation");
    if (in->n_function_chains > 0)
        return refuse(op, REFUSED_RERANK, "function_chains");
    return in->n_sub_reqs == 0 || refuse(op, REFUSED_HYBRID, "sub_reqs");
}

static bool read_search(struct op *op, const Mv__SearchRequest *in, struct search_spec *spec)
{
    spec->filter = in->dsl;
    spec->partitions = grpc_names(in->partition_names, in->n_partition_names);
    spec->output_fields = grpc_names(in->output_fields, in->n_output_fields);
    if (!refuse_parts(op, in) ||
        !grpc_pairs(op, in->search_params, in->n_search_params, &spec->params) ||
        !grpc_templates(op, in->expr_template_values, in->n_expr_template_values, &spec->templates))
        return false;
    if (in->search_input_case == MV__SEARCH_REQUEST__SEARCH_INPUT_IDS) {
        struct column *keys = op_array(op, 1, sizeof *keys);
        spec->keys = keys;
        return keys != NULL && grpc_keys(op, in->ids, keys);
    }
    if (in->search_input_case != MV__SEARCH_REQUEST__SEARCH_INPUT_PLACEHOLDER_GROUP)
        return status_wrap(&op->status, MILVUS_INVALID, "the request holds nothing to search for");
    return read_placeholders(op, in->placeholder_group, spec);
}

static bool put_iterator(struct op *op, const struct search_answer *answer,
                         Mv__SearchResultData *out)
{
    if (!answer->has_iterator)
        return true;
    Mv__SearchIteratorV2Results *results =
        grpc_new(op, &mv__search_iterator_v2_results__descriptor);
    if (results == NULL)
        return false;
    results->token = grpc_text(answer->iterator_token);
    results->last_bound = answer->iterator_bound;
    out->search_iterator_v2_results = results;
    return true;
}

static bool put_results(struct op *op, const struct view *view, const struct search_answer *answer,
                        Mv__SearchResultData *out)
{
    int64_t *counts = op_array(op, answer->query_count, sizeof *counts);
    if (counts == NULL)
        return false;
    for (size_t i = 0; i < answer->query_count; i++)
        counts[i] = (int64_t)answer->counts[i];
    out->num_queries = (int64_t)answer->query_count;
    out->top_k = (int64_t)answer->k;
    out->n_topks = answer->query_count;
    out->topks = counts;
    out->n_scores = answer->hit_count;
    out->scores = (float *)(uintptr_t)answer->scores;
    out->ids = grpc_ids(op, &answer->ids);
    out->n_output_fields = answer->output.names.count;
    out->output_fields = grpc_put_names(op, &answer->output.names);
    out->primary_field_name = grpc_text(answer->primary->name);
    return out->ids != NULL && out->output_fields != NULL && put_iterator(op, answer, out) &&
           grpc_put_fields(op, view, &answer->output, answer->columns, &out->fields_data,
                           &out->n_fields_data);
}

const void *grpc_search(struct op *op, const void *request)
{
    const Mv__SearchRequest *in = request;
    struct view view;
    struct search_spec spec = {0};
    struct search_answer answer;
    Mv__SearchResults *out = grpc_new(op, &mv__search_results__descriptor);
    if (out == NULL || !view_open(op, in->collection_name, &view) || !read_search(op, in, &spec) ||
        !search_rows(op, &view, &spec, &answer))
        return NULL;
    out->results = grpc_new(op, &mv__search_result_data__descriptor);
    if (out->results == NULL || !put_results(op, &view, &answer, out->results))
        return NULL;
    out->collection_name = grpc_text(view.info->name);
    out->session_ts = answer.session_ts;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

/* One field of one row, named "count(*)". */
static bool put_count(struct op *op, uint64_t count, Mv__QueryResults *out)
{
    int64_t *value = op_array(op, 1, sizeof *value);
    Mv__FieldData **items = op_array(op, 1, sizeof *items);
    if (value == NULL || items == NULL)
        return false;
    *value = (int64_t)count;
    const struct field field = {.name = "count(*)", .type = FIELD_INT64};
    const struct column column = {.type = FIELD_INT64, .width = 8, .rows = 1, .values = value};
    items[0] = grpc_field_data(op, &field, &column);
    out->fields_data = items;
    out->n_fields_data = 1;
    return items[0] != NULL;
}

const void *grpc_query(struct op *op, const void *request)
{
    const Mv__QueryRequest *in = request;
    struct view view;
    struct query_answer answer;
    struct query_spec spec = {.filter = in->expr,
                              .partitions = grpc_names(in->partition_names, in->n_partition_names),
                              .output_fields = grpc_names(in->output_fields, in->n_output_fields)};
    Mv__QueryResults *out = grpc_new(op, &mv__query_results__descriptor);
    if (out == NULL || !view_open(op, in->collection_name, &view) ||
        !grpc_pairs(op, in->query_params, in->n_query_params, &spec.params) ||
        !grpc_templates(op, in->expr_template_values, in->n_expr_template_values,
                        &spec.templates) ||
        !query_rows(op, &view, &spec, &answer))
        return NULL;
    const bool is_good = answer.output.is_count
                             ? put_count(op, answer.count, out)
                             : grpc_put_fields(op, &view, &answer.output, answer.columns,
                                               &out->fields_data, &out->n_fields_data);
    out->n_output_fields = answer.output.names.count;
    out->output_fields = grpc_put_names(op, &answer.output.names);
    out->collection_name = grpc_text(view.info->name);
    out->primary_field_name = grpc_text(answer.primary->name);
    out->session_ts = answer.session_ts;
    out->status = grpc_status_of(op);
    return is_good && out->output_fields != NULL && out->status != NULL ? out : NULL;
}
