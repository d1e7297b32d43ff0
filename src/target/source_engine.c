/* source_engine.c: a published database folder as a source: for `verify`, and to migrate from. It
 * is described from snapshots, which the source keeps, so that it never changes while it is open.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/cursor.h"
#include "engine/database.h"
#include "engine/snapshot_segments.h"
#include "target/target.h"

#define DESCRIPTION_MEMORY_MAX ((size_t)2 << 30)

struct source_engine {
    struct source base;
    struct arena arena; /* the description */
    char *folder;
    struct snapshot **snapshots; /* one a collection, in the description's order */
    size_t snapshot_count;
};

static enum err_code open_segment(struct source *source, size_t collection, size_t segment,
                                  struct segment_reader **ret_reader, struct err *err)
{
    struct source_engine *engine = (struct source_engine *)source;
    return snapshot_open_segment(engine->snapshots[collection], engine->folder, segment, ret_reader,
                                 err);
}

static void close_source(struct source *source)
{
    struct source_engine *engine = (struct source_engine *)source;
    for (size_t k = 0; k < engine->snapshot_count; k++)
        snapshot_unref(engine->snapshots[k]);
    finding_list_release(&engine->base.description.findings);
    arena_release(&engine->arena);
    mem_free(engine->folder);
    mem_free(engine);
}

static const struct source_ops engine_ops = {open_segment, close_source};

/* Rows of one id stand together in a cursor. */
static enum err_code count_duplicates(struct snapshot *snapshot, struct source_collection *to,
                                      struct err *err)
{
    struct cursor *cursor = NULL;
    enum err_code code = cursor_open(snapshot, NULL, &cursor, err);
    if (code == ERR_OK)
        cursor_count_duplicates(cursor, &to->duplicate_ids, &to->duplicate_rows);
    cursor_close(cursor);
    return code;
}

static enum err_code describe_segments(struct source_engine *engine, struct snapshot *snapshot,
                                       struct source_collection *to, struct err *err)
{
    const struct collection_facts *facts = snapshot_facts(snapshot);
    to->segments = arena_array(&engine->arena, facts->segment_count + 1, sizeof *to->segments);
    if (to->segments == NULL)
        return err_nomem(err, facts->name);
    for (size_t k = 0; k < facts->segment_count; k++) {
        const struct segment_facts *segment = snapshot_segment_facts(snapshot, k);
        to->segments[k] = (struct source_segment){
            .name = arena_printf(&engine->arena, "%" PRIu64 "/%06" PRIu64, segment->folder,
                                 segment->number),
            .partition = segment->partition,
            .order = k,
            .rows = segment->rows,
            .live_rows = segment->rows - segment->dead_rows,
            .size = segment->rows * (8 + facts->row_size),
        };
        if (to->segments[k].name == NULL)
            return err_nomem(err, facts->name);
    }
    to->segment_count = facts->segment_count;
    return ERR_OK;
}

static enum err_code describe_collection(struct source_engine *engine, struct snapshot *snapshot,
                                         struct source_collection *to, struct err *err)
{
    const struct collection_facts *facts = snapshot_facts(snapshot);
    to->partitions = arena_array(&engine->arena, facts->partition_count, sizeof *to->partitions);
    if (to->partitions == NULL)
        return err_nomem(err, facts->name);
    for (size_t k = 0; k < facts->partition_count; k++) {
        to->partitions[k].tag = facts->partitions[k].name; /* the snapshot lives as long */
        to->partitions[k].rows = facts->partitions[k].rows;
    }
    to->partition_count = facts->partition_count;
    to->name = facts->name;
    to->metric = facts->metric;
    to->dim = facts->dim;
    to->row_size = facts->row_size;
    to->has_auto_ids = facts->has_auto_ids;
    to->index_type = facts->index_type;
    to->index_params = facts->index_params;
    to->index_file_size = facts->index_file_size;
    to->created_us = facts->created_us;
    to->live_rows = facts->rows;
    to->deleted_rows = facts->dead_rows;
    const enum err_code code = describe_segments(engine, snapshot, to, err);
    if (code != ERR_OK || !facts->may_have_duplicates)
        return code;
    return count_duplicates(snapshot, to, err);
}

static enum err_code describe(struct source_engine *engine, struct database *database,
                              struct err *err)
{
    struct collection_list list = {0};
    enum err_code code = database_list(database, &list, err);
    if (code != ERR_OK)
        return code;
    struct source_description *description = &engine->base.description;
    struct source_collection *to = arena_array(&engine->arena, list.count + 1, sizeof *to);
    engine->snapshots = arena_array(&engine->arena, list.count + 1, sizeof *engine->snapshots);
    if (to == NULL || engine->snapshots == NULL)
        code = err_nomem(err, engine->folder);
    for (size_t k = 0; code == ERR_OK && k < list.count; k++) {
        struct snapshot **snapshot = &engine->snapshots[k];
        code = database_snapshot(database, list.items[k].name, snapshot, err);
        if (code != ERR_OK)
            break;
        engine->snapshot_count = k + 1;
        code = describe_collection(engine, *snapshot, &to[k], err);
    }
    description->collections = to;
    description->collection_count = engine->snapshot_count;
    collection_list_release(&list);
    return code;
}

static void fill_description(struct source_engine *engine)
{
    struct source_description *description = &engine->base.description;
    description->kind = "Godwit database";
    description->location = engine->folder;
    description->version = "";
    description->meta = arena_printf(&engine->arena, "%s/catalog.sqlite", engine->folder);
    description->log = "";
    if (description->meta == NULL)
        description->meta = "";
}

bool source_engine_is_database(const char *folder)
{
    return database_exists(folder);
}

enum err_code source_engine_open(const char *folder, struct source **ret_source, struct err *err)
{
    struct source_engine *engine = mem_zalloc(1, sizeof *engine);
    if (engine == NULL)
        return err_nomem(err, folder);
    engine->base.ops = &engine_ops;
    arena_init(&engine->arena, DESCRIPTION_MEMORY_MAX);
    finding_list_init(&engine->base.description.findings, &engine->arena);
    engine->folder = mem_strdup(folder);
    struct database *database = NULL;
    enum err_code code = engine->folder != NULL ? ERR_OK : err_nomem(err, folder);
    if (code == ERR_OK)
        code = database_open(folder, DATABASE_READ, &database, err);
    if (code == ERR_OK)
        code = describe(engine, database, err);
    database_close(database);
    if (code != ERR_OK) {
        close_source(&engine->base);
        return code;
    }
    fill_description(engine);
    *ret_source = &engine->base;
    return ERR_OK;
}
