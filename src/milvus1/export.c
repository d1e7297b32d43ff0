/* export.c: the metadata as meta.json (milvus1_export).
 *
 * A superset of the old tool's file, with its fields in their meaning: a reader of the old form
 * finds each segment at tables/<segments[].collection>/<segments[].segment>. A partition is not an
 * entry of "collections" any more (the old tool made a stray collection of it); its segments stand
 * in its collection's list, where "collection" is the partition's folder, so that an old reader
 * finds every row and loses none silently. Format: docs/meta-json.md. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "milvus1/catalog1.h"
#include "milvus1/located.h"
#include "milvus1/meta_json.h"

static int64_t rows_of(const struct meta_file *file)
{
    return file->row_count > 0 ? file->row_count : 0;
}

static int64_t rows_of_table(const struct live *live, const struct live_table *table)
{
    int64_t rows = 0;
    for (size_t k = 0; k < table->segment_count; k++)
        if (__builtin_add_overflow(rows, rows_of(live->segments[table->first_segment + k]), &rows))
            return INT64_MAX;
    return rows;
}

/* Over a collection and its partitions: what the old server's count said. */
static int64_t rows_of_collection(const struct live *live, const struct live_table *collection)
{
    int64_t rows = 0;
    for (size_t k = 0; k <= collection->partition_count; k++)
        if (__builtin_add_overflow(rows, rows_of_table(live, &collection[k]), &rows))
            return INT64_MAX;
    return rows;
}

static void write_segments(const struct live *live, const struct live_table *table,
                           struct text *text)
{
    for (size_t k = 0; k < table->segment_count; k++) {
        const struct meta_file *file = live->segments[table->first_segment + k];
        json_open(text, NULL, '{');
        json_add_string(text, "collection", file->table_id);
        json_add_string(text, "segment", file->segment_id);
        json_add_int(text, "dim", table->row->dimension);
        json_add_int(text, "rows", rows_of(file));
        json_add_int(text, "fileSize", file->file_size > 0 ? file->file_size : 0);
        json_add_int(text, "id", file->id);
        if (strcmp(file->file_id, file->segment_id) != 0)
            json_add_string(text, "file", file->file_id);
        json_add_int(text, "type", file->file_type);
        json_add_int(text, "engine_type", file->engine_type);
        json_add_int(text, "created_on", file->created_on);
        json_add_int(text, "updated_on", file->updated_time);
        json_close(text, '}');
    }
}

/* The parameters as an object when that reads back to the same text, else as the text. */
static void write_params(const char *params, struct text *text)
{
    struct json *document = NULL;
    char *compact = NULL;
    if (js_parse(params, strlen(params), &document, NULL) == ERR_OK && js_is_object(document))
        compact = js_dump(document);
    if (compact != NULL && strcmp(compact, params) == 0)
        json_add_raw(text, "params", params);
    else
        json_add_string(text, "params", params);
    mem_free(compact);
    js_free(document);
}

/* What a row of Tables says beyond the old fields. */
static void write_table(const struct meta_table *row, struct text *text)
{
    json_add_int(text, "id", row->id);
    json_add_int(text, "flag", row->flag);
    json_add_uint(text, "flush_lsn", row->flush_lsn);
    json_add_int(text, "index_file_size", row->index_file_size);
    json_open(text, "index", '{');
    json_add_string(text, "type",
                    catalog1_index_name(row->engine_type, (enum metric_type)row->metric_type));
    json_add_int(text, "engine_type", row->engine_type);
    write_params(row->index_params, text);
    json_close(text, '}');
    json_add_int(text, "created_on", row->created_on);
    json_add_string(text, "server_version", row->version);
}

static void write_tag(const char *tag, struct text *text)
{
    json_add_string(text, "tag", tag);
    if (utf8_is_valid(tag, strlen(tag)))
        return;
    struct text hex;
    text_init(&hex);
    for (; *tag != '\0'; tag++)
        text_addf(&hex, "%02x", (unsigned char)*tag);
    json_add_string(text, "tag_bytes", text_get(&hex));
    text->has_failed = text->has_failed || text_failed(&hex);
    text_release(&hex);
}

static void write_partition(const struct live *live, const struct live_table *partition,
                            struct text *text)
{
    const struct meta_table *row = partition->row;
    json_open(text, NULL, '{');
    write_tag(row->partition_tag, text);
    json_add_string(text, "collection", row->table_id);
    json_add_int(text, "metric", row->metric_type);
    json_add_int(text, "rows", rows_of_table(live, partition));
    json_add_int(text, "dim", row->dimension);
    write_table(row, text);
    json_close(text, '}');
}

static bool is_hybrid(const struct meta *meta, const char *name)
{
    for (size_t k = 0; k < meta->hybrid_table_count; k++)
        if (strcmp(meta->hybrid_tables[k], name) == 0)
            return true;
    return false;
}

static void write_collection(const struct meta *meta, const struct live *live,
                             const struct live_table *collection, struct text *text)
{
    const struct meta_table *row = collection->row;
    json_open(text, NULL, '{');
    json_add_string(text, "collection", row->table_id);
    json_add_int(text, "metric", row->metric_type);
    json_add_int(text, "rows", rows_of_collection(live, collection));
    json_add_int(text, "dim", row->dimension);
    json_open(text, "segments", '[');
    for (size_t k = 0; k <= collection->partition_count; k++)
        write_segments(live, &collection[k], text);
    json_close(text, ']');
    write_table(row, text);
    json_open(text, "partitions", '[');
    for (size_t k = 1; k <= collection->partition_count; k++)
        write_partition(live, &collection[k], text);
    json_close(text, ']');
    if (collection->dropped_count > 0) {
        json_open(text, "dropped", '[');
        for (size_t k = 1; k <= collection->dropped_count; k++)
            write_partition(live, &collection[collection->partition_count + k], text);
        json_close(text, ']');
    }
    if (is_hybrid(meta, row->table_id))
        json_add_bool(text, "hybrid", true);
    json_close(text, '}');
}

enum err_code meta_json_write(const struct meta *meta, const struct live *live, struct text *text,
                              struct err *err)
{
    if (meta->is_lean)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: a meta.json of the old tool does not hold partitions, tags and log "
                       "positions, so it cannot be exported or packaged anew; name the original "
                       "metadata (meta.sqlite or MySQL) by --meta",
                       meta->where);
    int64_t rows = 0;
    json_open(text, NULL, '{');
    json_open(text, "collections", '[');
    for (size_t k = 0; k < live->table_count;) {
        const struct live_table *collection = &live->tables[k];
        if (__builtin_add_overflow(rows, rows_of_collection(live, collection), &rows))
            rows = INT64_MAX;
        write_collection(meta, live, collection, text);
        k += 1 + collection->partition_count + collection->dropped_count;
    }
    json_close(text, ']');
    json_add_int(text, "rows", rows);
    json_add_int(text, "version", META_JSON_VERSION);
    json_add_string(text, "generator", "godwit " GODWIT_VERSION);
    if (meta->has_global_lsn)
        json_add_uint(text, "global_lsn", meta->global_lsn);
    if (meta->log_state != LOG_UNKNOWN)
        json_add_string(text, "log", meta->log_state == LOG_ON ? "on" : "off");
    json_close(text, '}');
    return text_failed(text) ? err_nomem(err, "meta.json") : ERR_OK;
}

static enum err_code write_file(const struct meta *meta, const char *folder, struct err *err)
{
    struct live live;
    enum err_code code = live_select(meta, &live, err);
    if (code != ERR_OK)
        return code;
    struct text text;
    text_init(&text);
    char *path = path_join(folder, "meta.json");
    code = path != NULL ? meta_json_write(meta, &live, &text, err) : err_nomem(err, folder);
    if (code == ERR_OK)
        code = folder_make(folder, err);
    if (code == ERR_OK)
        code = file_replace(path, text_get(&text), text.size, err);
    mem_free(path);
    text_release(&text);
    live_release(&live);
    return code;
}

enum err_code milvus1_export(const struct milvus1_options *options, const char *folder,
                             struct err *err)
{
    struct arena arena;
    struct finding_list findings;
    struct located located;
    arena_init(&arena, (size_t)64 << 20);
    finding_list_init(&findings, &arena);
    /* Named metadata is enough: a meta.sqlite may have been copied away alone. */
    struct milvus1_options only = *options;
    if (only.meta != NULL)
        only.path = NULL;
    enum err_code code = located_find(&only, &findings, &located, err);
    if (code == ERR_OK) {
        if (only.path != NULL && located.store == store_local() &&
            file_is_inside(folder, located.location))
            code = err_set(err, ERR_USAGE,
                           "%s: lies in the source, which is never changed; name another folder",
                           folder);
        else
            code = write_file(&located.meta, folder, err);
        located_release(&located);
    }
    finding_list_release(&findings);
    arena_release(&arena);
    return code;
}
