/* grpc_imports.c: methods about bulk import; see grpc.h. */
#include <string.h>

#include "base/path.h"
#include "milvus2/grpc.h"
#include "milvus2/import_jobs.h"

/* Numbers of Milvus's ImportState. */
static int32_t state_of(enum import_state state)
{
    static const int32_t numbers[] = {
        [IMPORT_PENDING] = 0, [IMPORT_RUNNING] = 2, [IMPORT_COMPLETED] = 6, [IMPORT_FAILED] = 1};
    return numbers[state];
}

/* gRPC names one list: NumPy files are one set, each JSON file is a set of its own. */
static bool split_sets(struct op *op, const struct name_list *files, struct import_spec *spec)
{
    struct name_list *sets = op_array(op, files->count, sizeof *sets);
    if (sets == NULL)
        return false;
    spec->sets = sets;
    const bool is_npy = files->count > 0 && path_has_suffix(files->items[0], ".npy");
    if (is_npy) {
        sets[0] = *files;
        spec->set_count = 1;
        return true;
    }
    for (size_t i = 0; i < files->count; i++)
        sets[i] = (struct name_list){files->items + i, 1};
    spec->set_count = files->count;
    return true;
}

const void *grpc_import(struct op *op, const void *request)
{
    const Mv__ImportRequest *in = request;
    const struct name_list files = grpc_names(in->files, in->n_files);
    struct import_spec spec = {.collection = in->collection_name, .partition = in->partition_name};
    Mv__ImportResponse *out = grpc_new(op, &mv__import_response__descriptor);
    int64_t *id = op_array(op, 1, sizeof *id);
    if (out == NULL || id == NULL || !split_sets(op, &files, &spec) ||
        !grpc_pairs(op, in->options, in->n_options, &spec.options) ||
        !imports_create(op, &spec, id))
        return NULL;
    out->tasks = id;
    out->n_tasks = 1;
    out->status = grpc_status_of(op);
    return out->status != NULL ? out : NULL;
}

static const char *join(struct op *op, const struct name_list *names)
{
    const char *all = "";
    for (size_t i = 0; i < names->count && all != NULL; i++)
        all = op_printf(op, "%s%s%s", all, i > 0 ? "," : "", names->items[i]);
    return all;
}

static bool put_state(struct op *op, const struct import_view *view,
                      Mv__GetImportStateResponse *out)
{
    struct pair infos[] = {{"failed_reason", view->reason},
                           {"progress_percent", op_printf(op, "%d", view->progress)},
                           {"files", join(op, &view->files)},
                           {"collection", view->collection},
                           {"partition", view->partition},
                           {"persist_cost", "0"}};
    out->state = state_of(view->state);
    out->row_count = (int64_t)(view->state == IMPORT_FAILED ? 0 : view->rows);
    out->id = view->id;
    out->collection_id = view->collection_id;
    out->create_ts = view->created_us / 1000000;
    out->status = grpc_status_of(op);
    if (infos[1].value == NULL || infos[2].value == NULL || out->status == NULL)
        return false;
    const bool has_reason = view->reason[0] != '\0';
    const struct pair_list pairs = {infos + !has_reason,
                                    sizeof infos / sizeof *infos - (size_t)!has_reason};
    return grpc_put_pairs(op, &pairs, &out->infos, &out->n_infos);
}

const void *grpc_get_import_state(struct op *op, const void *request)
{
    const Mv__GetImportStateRequest *in = request;
    struct import_view view;
    Mv__GetImportStateResponse *out = grpc_new(op, &mv__get_import_state_response__descriptor);
    return out != NULL && imports_describe(op, in->task, &view) && put_state(op, &view, out) ? out
                                                                                             : NULL;
}

const void *grpc_list_import_tasks(struct op *op, const void *request)
{
    const Mv__ListImportTasksRequest *in = request;
    struct import_view *items;
    size_t count;
    Mv__ListImportTasksResponse *out = grpc_new(op, &mv__list_import_tasks_response__descriptor);
    if (out == NULL || !imports_list(op, in->collection_name, &items, &count))
        return NULL;
    if (in->limit > 0 && (uint64_t)in->limit < count)
        count = (size_t)in->limit;
    out->tasks = grpc_new_array(op, &mv__get_import_state_response__descriptor, count);
    out->n_tasks = count;
    for (size_t i = 0; out->tasks != NULL && i < count; i++)
        if (!put_state(op, &items[i], out->tasks[i]))
            return NULL;
    out->status = grpc_status_of(op);
    return out->tasks != NULL && out->status != NULL ? out : NULL;
}
