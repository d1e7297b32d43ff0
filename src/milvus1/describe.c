/* describe.c: makes the description of a source from catalog, segments and log. See
 * installation.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "milvus1/duplicates.h"
#include "milvus1/installation.h"
#include "milvus1/report.h"

#define IDS_CHUNK ((size_t)8192)

/* --------------------------------------------------------------------------------- segments */

/* Rows that the log deletes from segments: only looked for where it deletes something. */
static enum err_code count_killed(struct installation *installation, size_t table, struct err *err)
{
    const struct kill_view kills = replay_kills(&installation->replay, table);
    if (!installation->replay.is_enabled || !kill_view_is_active(&kills))
        return ERR_OK;
    for (size_t k = 0; k < installation->catalog.tables[table].segment_count; k++) {
        struct segment_facts *facts = &installation->facts[table][k];
        if (facts->is_damaged || facts->is_empty)
            continue;
        const struct segment1_place place = installation_place(installation, table, k);
        struct segment1 segment;
        struct segment1_dead dead = {0};
        enum err_code code = segment1_open(&place, &segment, err);
        if (code == ERR_OK)
            code = segment1_find_dead(&segment, &kills, &dead, err);
        segment1_close(&segment);
        mem_free(dead.bitmap);
        if (code != ERR_OK)
            return code == ERR_CORRUPT ? err_recode(err, ERR_SOURCE) : code;
        facts->killed = dead.killed;
    }
    return ERR_OK;
}

/* One collection in the making. */
struct making {
    struct installation *installation;
    size_t collection;
    struct source_collection *out;
    struct installation_segment *map;
};

static struct source_segment *next_segment(struct making *making, size_t table, size_t index,
                                           bool is_log)
{
    const size_t k = making->out->segment_count++;
    making->map[k] =
        (struct installation_segment){.table = table, .index = index, .is_log = is_log};
    making->out->segments[k].partition = making->installation->catalog.tables[table].partition;
    return &making->out->segments[k];
}

static enum err_code add_disk_segment(struct making *making, size_t table, size_t index,
                                      struct err *err)
{
    struct installation *installation = making->installation;
    const struct catalog1_table *entry = &installation->catalog.tables[table];
    const struct segment_facts *facts = &installation->facts[table][index];
    if (facts->is_empty)
        return ERR_OK;
    struct source_collection *out = making->out;
    struct source_segment *segment = next_segment(making, table, index, false);
    segment->name = arena_printf(&installation->arena, "%s/%s", entry->row->table_id,
                                 entry->segments[index].segment_id);
    if (segment->name == NULL)
        return err_nomem(err, "segments");
    segment->order = entry->segments[index].order;
    if (facts->is_damaged) {
        const int64_t rows = entry->segments[index].row_count;
        segment->is_damaged = true;
        out->damaged_rows += rows > 0 ? (uint64_t)rows : 0;
        return ERR_OK;
    }
    segment->rows = facts->rows;
    segment->live_rows = facts->rows - facts->deleted - facts->killed;
    segment->size = facts->rows * (sizeof(int64_t) + out->row_size);
    out->live_rows += segment->live_rows;
    out->deleted_rows += facts->deleted + facts->killed;
    out->log_deleted_rows += facts->killed;
    out->partitions[segment->partition].rows += segment->live_rows;
    return ERR_OK;
}

/* The rows of a table that stand only in the log, as one more segment. Rows that were inserted and
 * deleted in the log alone never lived anywhere and are counted nowhere. */
static enum err_code add_log_segment(struct making *making, size_t table, struct err *err)
{
    struct installation *installation = making->installation;
    if (!installation->replay.is_enabled)
        return ERR_OK;
    struct segment_reader *reader = NULL;
    const enum err_code code = replay_read_table(&installation->replay, table, &reader, err);
    if (code != ERR_OK)
        return code;
    struct source_collection *out = making->out;
    const uint64_t rows = reader->rows, live = reader->rows - reader->dead_rows;
    segment_reader_close(reader);
    if (live == 0)
        return ERR_OK;
    struct source_segment *segment = next_segment(making, table, 0, true);
    segment->name = arena_printf(&installation->arena, "wal/%s",
                                 installation->catalog.tables[table].row->table_id);
    if (segment->name == NULL)
        return err_nomem(err, "segments");
    segment->order = LOG_ORDER_FIRST + table;
    segment->rows = rows;
    segment->live_rows = live;
    segment->size = rows * (sizeof(int64_t) + out->row_size);
    segment->is_log_only = true;
    out->live_rows += live;
    out->log_rows += live;
    out->partitions[segment->partition].rows += live;
    return ERR_OK;
}

/* ------------------------------------------------------------------------------- duplicates */

/* Hands the living ids of one collection on. */
struct live_ids {
    struct making *making;
};

static enum err_code pass_living(struct id_sink *sink, const int64_t *ids, size_t count,
                                 const uint64_t *dead, uint64_t first, struct err *err)
{
    if (dead == NULL)
        return sink->take(sink, ids, count, err);
    for (size_t k = 0; k < count;) { /* runs of living rows */
        if (bitmap_get(dead, (size_t)first + k)) {
            k++;
            continue;
        }
        size_t end = k + 1;
        while (end < count && !bitmap_get(dead, (size_t)first + end))
            end++;
        const enum err_code code = sink->take(sink, ids + k, end - k, err);
        if (code != ERR_OK)
            return code;
        k = end;
    }
    return ERR_OK;
}

static enum err_code pass_disk(struct installation *installation, size_t table, size_t index,
                               struct id_sink *sink, struct err *err)
{
    const struct segment1_place place = installation_place(installation, table, index);
    const struct kill_view kills = replay_kills(&installation->replay, table);
    struct segment1 segment;
    struct segment1_dead dead = {0};
    enum err_code code = segment1_open(&place, &segment, err);
    if (code == ERR_OK)
        code = segment1_find_dead(&segment, &kills, &dead, err);
    int64_t *ids = mem_alloc(IDS_CHUNK, sizeof *ids);
    if (code == ERR_OK && ids == NULL)
        code = err_nomem(err, "ids of a segment");
    for (uint64_t row = 0; code == ERR_OK && row < segment.rows; row += IDS_CHUNK) {
        const uint64_t left = segment.rows - row;
        const size_t count = left < IDS_CHUNK ? (size_t)left : IDS_CHUNK;
        code = segment1_read_ids(&segment, row, count, ids, err);
        if (code == ERR_OK)
            code = pass_living(sink, ids, count, dead.bitmap, row, err);
    }
    mem_free(ids);
    mem_free(dead.bitmap);
    segment1_close(&segment);
    return code == ERR_CORRUPT ? err_recode(err, ERR_SOURCE) : code;
}

static enum err_code pass_log(struct installation *installation, size_t table, struct id_sink *sink,
                              struct err *err)
{
    struct segment_reader *reader = NULL;
    enum err_code code = replay_read_table(&installation->replay, table, &reader, err);
    while (code == ERR_OK) {
        struct batch batch;
        code = segment_reader_next(reader, &batch, err);
        if (code != ERR_OK || batch.rows == 0)
            break;
        code = pass_living(sink, batch.ids, batch.rows, reader->dead, batch.first_row, err);
    }
    segment_reader_close(reader);
    return code;
}

static enum err_code read_living(void *argument, struct id_sink *sink, struct err *err)
{
    const struct making *making = ((struct live_ids *)argument)->making;
    enum err_code code = ERR_OK;
    for (size_t k = 0; k < making->out->segment_count && code == ERR_OK; k++) {
        const struct installation_segment *segment = &making->map[k];
        if (making->out->segments[k].is_damaged)
            continue;
        code = segment->is_log
                   ? pass_log(making->installation, segment->table, sink, err)
                   : pass_disk(making->installation, segment->table, segment->index, sink, err);
    }
    return code;
}

static enum err_code count_duplicates(struct making *making, struct err *err)
{
    struct source_collection *out = making->out;
    struct live_ids ids = {making};
    const struct id_stream stream = {
        .read = read_living, .argument = &ids, .rows = out->live_rows, .memory = DUPLICATES_MEMORY};
    const enum err_code code =
        duplicates_count(&stream, &out->duplicate_ids, &out->duplicate_rows, err);
    if (code != ERR_OK || out->duplicate_ids == 0)
        return code;
    return finding_add(
        &making->installation->base.description.findings,
        &(struct finding){.severity = FINDING_WARNING,
                          .code = "duplicate-ids",
                          .collection = out->name,
                          .path = making->installation->located.meta.where,
                          .found = REPORT_TEXT("%" PRIu64 " duplicate ids, %" PRIu64
                                               " rows beyond the first of each",
                                               out->duplicate_ids, out->duplicate_rows),
                          .expected = "ids that occur once; 1.x never checked it",
                          .consequence =
                              "every row is kept, as 1.x counts them; --duplicates first keeps the "
                              "row that 1.x returns for an id, --duplicates fail refuses",
                          .rows = out->duplicate_rows},
        err);
}

/* ------------------------------------------------------------------------------ collections */

static enum err_code make_partitions(struct making *making, struct err *err)
{
    const struct catalog1_collection *entry =
        &making->installation->catalog.collections[making->collection];
    struct source_collection *out = making->out;
    out->partitions =
        arena_array(&making->installation->arena, entry->tag_count, sizeof *out->partitions);
    if (out->partitions == NULL)
        return err_nomem(err, "partitions");
    out->partition_count = entry->tag_count;
    for (size_t k = 0; k < entry->tag_count; k++)
        out->partitions[k].tag = entry->tags[k];
    out->partitions[0].is_reserved_twin = entry->has_reserved_twin;
    return ERR_OK;
}

static enum err_code make_segments(struct making *making, struct err *err)
{
    struct installation *installation = making->installation;
    const struct catalog1_collection *entry =
        &installation->catalog.collections[making->collection];
    const size_t first = entry->first_table, end = first + entry->table_count;
    size_t most = 0;
    for (size_t t = first; t < end; t++)
        most += installation->catalog.tables[t].segment_count + 1;
    making->out->segments = arena_array(&installation->arena, most, sizeof *making->out->segments);
    making->map = arena_array(&installation->arena, most, sizeof *making->map);
    if (making->out->segments == NULL || making->map == NULL)
        return err_nomem(err, "segments");
    installation->segments[making->collection] = making->map;
    enum err_code code = ERR_OK;
    for (size_t t = first; t < end && code == ERR_OK; t++) {
        code = count_killed(installation, t, err);
        for (size_t k = 0; k < installation->catalog.tables[t].segment_count && code == ERR_OK; k++)
            code = add_disk_segment(making, t, k, err);
    }
    for (size_t t = first; t < end && code == ERR_OK; t++)
        code = add_log_segment(making, t, err);
    return code;
}

static enum err_code make_collection(struct making *making, struct err *err)
{
    const struct catalog1_collection *entry =
        &making->installation->catalog.collections[making->collection];
    const struct meta_table *row = entry->row;
    *making->out = (struct source_collection){
        .name = row->table_id,
        .metric = entry->metric,
        .dim = entry->dim,
        .row_size = entry->row_size,
        .has_auto_ids = (row->flag & 1) != 0,
        .index_type = catalog1_index_name(row->engine_type, entry->metric),
        .index_params = *row->index_params != '\0' ? row->index_params : "{}",
        .index_file_size = row->index_file_size > 0 ? (uint64_t)row->index_file_size : 0,
        .created_us = row->created_on};
    enum err_code code = make_partitions(making, err);
    if (code == ERR_OK)
        code = make_segments(making, err);
    return code == ERR_OK ? count_duplicates(making, err) : code;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "0.10.6, 1.1.1": the versions that made the rows of Tables. */
static enum err_code make_version(struct installation *installation, const char **ret_version,
                                  struct err *err)
{
    const struct meta *meta = &installation->located.meta;
    const char **versions = mem_alloc(meta->table_count, sizeof *versions);
    if (versions == NULL)
        return err_nomem(err, "versions");
    for (size_t k = 0; k < meta->table_count; k++)
        versions[k] = meta->tables[k].version;
    qsort(versions, meta->table_count, sizeof *versions, compare_texts);
    const char *text = "";
    for (size_t k = 0; k < meta->table_count && text != NULL; k++)
        if (*versions[k] != '\0' && (k == 0 || strcmp(versions[k], versions[k - 1]) != 0) &&
            strlen(text) < 256)
            text = arena_printf(&installation->arena, "%s%s%s", text, *text != '\0' ? ", " : "",
                                versions[k]);
    mem_free(versions);
    if (text == NULL)
        return err_nomem(err, "versions");
    *ret_version = text;
    return ERR_OK;
}

enum err_code installation_describe(struct installation *installation, struct err *err)
{
    struct source_description *description = &installation->base.description;
    const struct located *located = &installation->located;
    const size_t count = installation->catalog.collection_count;
    description->kind = located->is_package ? "migration_data package" : "Milvus 1.x installation";
    description->location = located->location;
    description->meta = located->meta.where;
    description->log = located->log_folder != NULL ? located->log_folder : "";
    description->collections =
        arena_array(&installation->arena, count, sizeof *description->collections);
    installation->segments =
        arena_array(&installation->arena, count, sizeof *installation->segments);
    if (description->collections == NULL || installation->segments == NULL)
        return err_nomem(err, "collections");
    enum err_code code = make_version(installation, &description->version, err);
    for (size_t k = 0; k < count && code == ERR_OK; k++) {
        struct making making = {
            .installation = installation, .collection = k, .out = &description->collections[k]};
        code = make_collection(&making, err);
        description->collection_count = k + 1;
    }
    return code;
}
