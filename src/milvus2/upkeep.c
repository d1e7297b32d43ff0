/* upkeep.c: see upkeep.h. */
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/text.h"
#include "engine/write/define.h"
#include "milvus2/api.h"
#include "milvus2/builder.h"
#include "milvus2/collections.h"
#include "milvus2/partitions.h"
#include "milvus2/sessions.h"
#include "milvus2/upkeep.h"

bool upkeep_segments(struct op *op, const struct view *view, struct segment_view **ret_items,
                     size_t *ret_count)
{
    struct partition_item *partitions;
    size_t partition_count;
    const size_t count = view->facts->segment_count;
    struct segment_view *items = op_array(op, count, sizeof *items);
    if (items == NULL || !partitions_list(op, view, &partitions, &partition_count))
        return false;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct rows_segment facts;
        rows_segment(view->snapshot, i, &facts);
        if (facts.live_rows == 0)
            continue;
        const size_t at = facts.partition < partition_count ? facts.partition : 0;
        items[n++] = (struct segment_view){.id = facts.id,
                                           .partition_id = partitions[at].id,
                                           .rows = facts.live_rows,
                                           .size = facts.size,
                                           .is_growing = facts.is_growing};
    }
    *ret_items = items;
    *ret_count = n;
    return true;
}

bool upkeep_flush(struct op *op, const char *collection, int64_t **ret_segments, size_t *ret_count)
{
    struct err err;
    struct view view;
    struct segment_view *items;
    size_t count;
    if (!view_open(op, collection, &view) ||
        !op_engine_for(op, writer_flush(op->writer, view_name(&view), &err), &err, collection))
        return false;
    op_release_snapshots(op);
    if (!view_open(op, collection, &view) || !upkeep_segments(op, &view, &items, &count))
        return false;
    int64_t *ids = op_array(op, count, sizeof *ids);
    if (ids == NULL)
        return false;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!items[i].is_growing)
            ids[(*ret_count)++] = items[i].id;
    *ret_segments = ids;
    return true;
}

bool upkeep_flush_all(struct op *op)
{
    struct err err;
    struct collection_info *items;
    size_t count;
    if (!op_engine(op, define_list_collections(op->writer, NULL, op->arena, &items, &count, &err),
                   &err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct collection_name name = {items[i].database, items[i].name};
        const enum err_code code = writer_flush(op->writer, name, &err);
        if (code != ERR_NO_COLLECTION && !op_engine(op, code, &err))
            return false;
    }
    return true;
}

bool upkeep_compact(struct op *op, const char *collection, int64_t *ret_id)
{
    struct view view;
    if (!view_open(op, collection, &view))
        return false;
    *ret_id = sessions_add_compaction(op->api->sessions);
    builder_add_compaction(op->api->builder, view.info->id, *ret_id);
    return true;
}

bool upkeep_compaction(struct op *op, int64_t id, struct compaction_view *ret_view)
{
    *ret_view = (struct compaction_view){.is_done = true};
    /* One that is not remembered was over long ago, or never was: Milvus says "completed" too. */
    (void)sessions_compaction(op->api->sessions, id, &ret_view->is_done, &ret_view->plans);
    return true;
}

char *upkeep_metrics(struct op *op)
{
    struct text text;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    text_init(&text);
    json_open(&text, NULL, '{');
    json_open(&text, "nodes_info", '[');
    json_open(&text, NULL, '{');
    json_open(&text, "infos", '{');
    json_add_bool(&text, "has_error", false);
    json_add_string(&text, "error_reason", "");
    json_add_string(&text, "name", "standalone");
    json_open(&text, "hardware_infos", '{');
    json_add_uint(&text, "cpu_core_count", pool_processor_count());
    json_add_int(&text, "memory", pages > 0 && page > 0 ? (int64_t)pages * page : 0);
    json_close(&text, '}');
    json_open(&text, "system_info", '{');
    json_add_string(&text, "system_version", API_MILVUS_VERSION);
    json_add_string(&text, "deploy_mode", "STANDALONE");
    json_close(&text, '}');
    json_add_string(&text, "type", "standalone");
    json_add_int(&text, "id", 1);
    json_close(&text, '}');
    json_add_int(&text, "identifier", 1);
    json_open(&text, "connected", '[');
    json_close(&text, ']');
    json_close(&text, '}');
    json_close(&text, ']');
    json_close(&text, '}');
    char *copy = text_failed(&text) ? NULL : op_strndup(op, text_get(&text), text.size);
    text_release(&text);
    if (copy == NULL)
        (void)status_nomem(&op->status, "metrics");
    return copy;
}
