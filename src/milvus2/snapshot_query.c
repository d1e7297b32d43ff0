/* snapshot_query.c: see snapshot_query.h: the core of a query (search.h) without a server. */
#include "milvus2/snapshot_query.h"

#include <string.h>

#include "milvus2/api.h"
#include "milvus2/names.h"
#include "milvus2/search.h"

#define MEMORY_MAX ((size_t)1 << 30)

static enum err_code explain(const struct status *status, struct err *err)
{
    static const struct {
        enum milvus_code from;
        enum err_code to;
    } codes[] = {{MILVUS_INVALID, ERR_INVALID},
                 {MILVUS_NO_PARTITION, ERR_NO_PARTITION},
                 {MILVUS_NOT_LOADED, ERR_STATE},
                 {MILVUS_PARTITION_NOT_LOADED, ERR_STATE},
                 {MILVUS_IO, ERR_CORRUPT}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].from == status->code)
            return err_set(err, codes[i].to, "%s", status->reason);
    return err_set(err, ERR_TARGET, "%s", status->reason);
}

static bool run(struct op *op, const struct view *view, const struct snapshot_query *query,
                struct query_answer *answer)
{
    const char *key = view->schema.fields[view->schema.primary].name;
    char *limit = op_printf(op, "%zu", query->limit);
    char *offset = op_printf(op, "%zu", query->offset);
    const struct pair params[] = {{"limit", limit}, {"offset", offset}};
    const struct query_spec spec = {
        .filter = query->filter,
        .partitions = {&query->partition, query->partition != NULL},
        .output_fields = {&key, 1},
        .params = {params, 2},
    };
    return limit != NULL && offset != NULL && query_rows(op, view, &spec, answer);
}

enum err_code snapshot_query_ids(struct snapshot *snapshot, const struct snapshot_query *query,
                                 int64_t **ret_ids, size_t *ret_count, struct err *err)
{
    struct api api = {0};
    struct arena arena;
    struct op op;
    struct view view;
    struct query_answer answer;
    enum err_code code = ERR_OK;
    const struct collection_info *info = snapshot_info(snapshot);
    if (info->schema.fields[info->schema.primary].type != FIELD_INT64)
        return err_set(err, ERR_UNSUPPORTED,
                       "collection %s: its rows have texts for ids; use a Milvus client",
                       snapshot_facts(snapshot)->name);
    arena_init(&arena, MEMORY_MAX);
    op_begin(&op, &api, &arena, info->database);
    if (!view_of(&op, snapshot, &view) || !run(&op, &view, query, &answer))
        code = explain(&op.status, err);
    int64_t *ids = code == ERR_OK ? mem_alloc(answer.rows + 1, sizeof *ids) : NULL;
    if (code == ERR_OK && ids == NULL)
        code = err_nomem(err, "query");
    if (code == ERR_OK && answer.rows > 0)
        memcpy(ids, answer.columns[0].values, answer.rows * sizeof *ids);
    if (code == ERR_OK) {
        *ret_ids = ids;
        *ret_count = answer.rows;
    }
    op_end(&op);
    arena_release(&arena);
    return code;
}
