/* live_load.c: a collection out of the catalog: facts, segments, pending batches, dead rows, in one
 * read transaction; then its files are opened. */
#include <inttypes.h>

#include "base/bitmap.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "engine/batch_format.h"
#include "engine/catalog_info.h"
#include "engine/column_file.h"
#include "engine/dead_rows.h"
#include "engine/live.h"
#include "engine/segment_shared.h"

#define META_MEMORY_MAX ((size_t)4 << 30) /* a named cap; a million partitions need 0.1 GB */

/* ---------------------------------------------------------------------------- metadata */

/* What the metadata keeps of the catalog's facts: no counts. */
static void forget_counts(struct collection_facts *facts)
{
    for (size_t k = 0; k < facts->partition_count; k++)
        facts->partitions[k] = (struct partition_facts){.name = facts->partitions[k].name};
    facts->rows = 0;
    facts->dead_rows = 0;
    facts->size = 0;
    facts->segment_count = 0;
}

/* Also gives the collection with its segments, allocated in the metadata's arena. */
static enum err_code load_meta(struct sql *sql, const char *name, struct collection_meta **ret_meta,
                               struct catalog_collection *ret_collection, struct err *err)
{
    struct collection_meta *meta = mem_zalloc(1, sizeof *meta);
    if (meta == NULL)
        return err_nomem(err, name);
    atomic_init(&meta->references, 1);
    arena_init(&meta->arena, META_MEMORY_MAX);
    enum err_code code = catalog_load(sql, name, &meta->arena, ret_collection, err);
    if (code == ERR_OK)
        code = catalog_info_load(sql, ret_collection->id, &ret_collection->facts, &meta->arena,
                                 &meta->info, err);
    if (code != ERR_OK) {
        collection_meta_unref(meta);
        return code;
    }
    meta->facts = ret_collection->facts;
    meta->partition_ids = ret_collection->partition_ids;
    forget_counts(&meta->facts);
    row_layout_init(&meta->layout, &meta->info.schema);
    *ret_meta = meta;
    return ERR_OK;
}

enum err_code collection_meta_load(struct sql *sql, const char *qualified_name,
                                   struct collection_meta **ret_meta, struct err *err)
{
    struct catalog_collection collection = {0};
    return load_meta(sql, qualified_name, ret_meta, &collection, err);
}

/* ------------------------------------------------------------------- what the catalog has */

/* A segment before it is opened. */
struct entry {
    int64_t id;
    int64_t order;
    bool is_linked;
    bool has_columns;
    struct column_file_facts columns;
};

struct load {
    struct sql *sql;
    const char *folder;
    struct live *live;
    struct catalog_collection collection;
    struct entry *entries; /* in the metadata's arena, as collection.segments */
    bool has_rows;
};

static enum err_code read_entries(struct load *load, struct err *err)
{
    struct sql_statement *statement = NULL;
    const size_t total = load->collection.facts.segment_count;
    load->entries = arena_array(&load->live->meta->arena, total + 1, sizeof *load->entries);
    if (load->entries == NULL)
        return err_nomem(err, load->folder);
    enum err_code code = sql_prepare(
        load->sql,
        load->has_rows
            ? "SELECT s.id, ord, is_linked, f.size, f.hash FROM segment s LEFT JOIN column_file f"
              " ON f.segment = s.id WHERE collection = ?1 AND rows > 0 ORDER BY ord, s.id"
            : "SELECT id, ord, is_linked, NULL, NULL FROM segment WHERE collection = ?1"
              " AND rows > 0 ORDER BY ord, id",
        &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, load->collection.id);
    bool has_row = true;
    for (size_t k = 0; code == ERR_OK && has_row && k < total; k++) {
        code = sql_step(statement, &has_row, err);
        if (code != ERR_OK || !has_row)
            break;
        load->entries[k] =
            (struct entry){.id = sql_column_int(statement, 0),
                           .order = sql_column_int(statement, 1),
                           .is_linked = sql_column_int(statement, 2) != 0,
                           .has_columns = !sql_column_is_null(statement, 3),
                           .columns = {.size = (uint64_t)sql_column_int(statement, 3),
                                       .hash = (uint64_t)sql_column_int(statement, 4)}};
    }
    sql_finalize(statement);
    return code;
}

static bool find_partition(const struct collection_meta *meta, int64_t id, size_t *ret_index)
{
    for (size_t k = 0; k < meta->facts.partition_count; k++) {
        if (meta->partition_ids[k] == id) {
            *ret_index = k;
            return true;
        }
    }
    return false;
}

/* Do the columns of stored rows fit the schema? Fields may have been added since. */
static bool fits_schema(const struct row_layout *stored, const struct row_layout *wanted)
{
    bool fits = stored->vector_width == wanted->vector_width &&
                (stored->key_extra == ROW_LAYOUT_NONE) == (wanted->key_extra == ROW_LAYOUT_NONE);
    for (size_t k = 0; fits && k < stored->extra_count; k++) {
        const struct extra_layout *extra = &stored->extras[k];
        for (size_t w = 0; w < wanted->extra_count; w++) {
            const struct extra_layout *other = &wanted->extras[w];
            if (other->field_id == extra->field_id)
                fits = fits && other->type == extra->type && other->width == extra->width &&
                       other->element == extra->element;
        }
    }
    return fits;
}

static enum err_code take_batch(struct load *load, struct sql_statement *statement, struct err *err)
{
    struct live *live = load->live;
    const int64_t id = sql_column_int(statement, 0);
    size_t size = 0;
    const uint8_t *data = sql_column_blob(statement, 3, &size);
    const uint64_t found = hash64(data, size, (uint64_t)id);
    size_t partition = 0;
    if (found != (uint64_t)sql_column_int(statement, 2))
        return err_set(err, ERR_CORRUPT,
                       "%s: pending batch %" PRId64 " has checksum %016" PRIx64 ", %016" PRIx64
                       " expected; the catalog is damaged: restore it",
                       sql_path(load->sql), id, found, (uint64_t)sql_column_int(statement, 2));
    if (!find_partition(live->meta, sql_column_int(statement, 1), &partition))
        return err_set(err, ERR_CORRUPT, "%s: pending batch %" PRId64 " is in no partition",
                       sql_path(load->sql), id);
    struct batch_rows batch = {0};
    struct live_block *block = NULL;
    enum err_code code = batch_decode((struct bytes){data, size}, &batch, err);
    if (code == ERR_OK && !fits_schema(&batch.layout, &live->meta->layout))
        code = err_set(err, ERR_CORRUPT, "its columns do not fit the collection");
    if (code == ERR_OK) {
        const struct live_append append = {partition, id, &batch.layout, &batch.columns};
        code = live_append(live, &append, &block, err);
        if (code == ERR_OK && (block->buffer->rows >= LIVE_FREEZE_ROWS ||
                               row_buffer_size(block->buffer) >= LIVE_FREEZE_SIZE))
            block->is_frozen = true;
    }
    batch_rows_release(&batch);
    if (code == ERR_CORRUPT)
        code = err_wrap(err, "%s: pending batch %" PRId64, sql_path(load->sql), id);
    return code;
}

static enum err_code read_pending(struct load *load, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(load->sql,
                                     "SELECT id, partition, hash, data FROM pending"
                                     " WHERE collection = ?1 ORDER BY id",
                                     &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, load->collection.id);
    bool has_row = true;
    while (code == ERR_OK && has_row) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            code = take_batch(load, statement, err);
    }
    sql_finalize(statement);
    return code;
}

/* ---------------------------------------------------------------------- dead rows */

static enum err_code kill(struct live *live, int64_t segment, int64_t batch, uint32_t row,
                          struct err *err)
{
    bool is_new = false;
    if (segment != 0) {
        const size_t at = live_find_segment(live, segment);
        if (at == SIZE_MAX || row >= live->segments[at].segment.facts.rows)
            return err_set(err, ERR_CORRUPT, "row %" PRIu32 " of segment %" PRId64 " is not there",
                           row, segment);
        return live_kill_sealed(live, at, row, &is_new, err);
    }
    size_t index = 0;
    struct live_block *block = live_find_batch(live, batch, &index);
    if (block == NULL || row >= block->batches[index].rows)
        return err_set(err, ERR_CORRUPT, "row %" PRIu32 " of batch %" PRId64 " is not there", row,
                       batch);
    return live_kill_growing(block, block->batches[index].first_row + row, &is_new, err);
}

static enum err_code take_dead(struct load *load, struct sql_statement *statement, struct err *err)
{
    const int64_t segment = sql_column_int(statement, 0);
    const int64_t batch = sql_column_int(statement, 1);
    size_t size = 0;
    const uint8_t *data = sql_column_blob(statement, 3, &size);
    enum err_code code = ERR_OK;
    if (size % 4 != 0 || hash64(data, size, (uint64_t)(segment != 0 ? segment : batch)) !=
                             (uint64_t)sql_column_int(statement, 2))
        code = err_set(err, ERR_CORRUPT, "dead rows have another checksum than expected");
    for (size_t at = 0; code == ERR_OK && at < size; at += 4)
        code = kill(load->live, segment, batch, get_u32(data + at), err);
    return code == ERR_CORRUPT ? err_wrap(err, "%s", sql_path(load->sql)) : code;
}

static enum err_code read_dead(struct load *load, struct err *err)
{
    struct sql_statement *statement = NULL;
    enum err_code code = sql_prepare(
        load->sql, "SELECT segment, batch, hash, data FROM dead WHERE collection = ?1 ORDER BY id",
        &statement, err);
    if (code == ERR_OK)
        sql_bind_int(statement, 1, load->collection.id);
    bool has_row = true;
    while (code == ERR_OK && has_row) {
        code = sql_step(statement, &has_row, err);
        if (code == ERR_OK && has_row)
            code = take_dead(load, statement, err);
    }
    sql_finalize(statement);
    return code;
}

/* ---------------------------------------------------------------------- segments */

void live_open_index(const char *folder, const struct collection_info *info, size_t field,
                     const struct segment_facts *facts, struct segment_index *ret_index)
{
    struct segment opened = {.facts = *facts, .vector_field = info->schema.fields[field].id};
    segment_open_indexes(&opened, folder, info->metrics[field], info->schema.fields[field].dim);
    *ret_index =
        (struct segment_index){opened.vector_field, opened.lists, opened.graph, opened.bits};
}

/* The indexes of the vector fields beyond the first. */
static enum err_code open_further(const char *folder, const struct collection_meta *meta,
                                  struct segment *segment, struct err *err)
{
    const struct schema *schema = &meta->info.schema;
    segment->indexes = mem_zalloc(schema->field_count, sizeof *segment->indexes);
    if (segment->indexes == NULL)
        return err_nomem(err, folder);
    for (size_t f = 0; f < schema->field_count; f++)
        if (field_type_is_vector(schema->fields[f].type) && f != meta->layout.vector)
            live_open_index(folder, &meta->info, f, &segment->facts,
                            &segment->indexes[segment->index_count++]);
    return ERR_OK;
}

enum err_code live_open_segment(const char *folder, const struct collection_meta *meta,
                                const struct live_open *what, struct live_segment *ret_segment,
                                struct err *err)
{
    struct live_segment opened = {.is_linked = what->is_linked, .order = what->order};
    struct segment *segment = &opened.segment;
    enum err_code code = segment_open(folder, what->facts, segment, err);
    if (code != ERR_OK)
        return code;
    segment->id = what->id;
    if (what->columns != NULL)
        code = column_file_open(folder, what->facts, what->columns, &segment->columns, err);
    if (code == ERR_OK && what->columns != NULL)
        segment->extras = column_file_extras(segment->columns, &segment->extra_count);
    if (code == ERR_OK) {
        segment_open_indexes(segment, folder, meta->facts.metric, meta->facts.dim);
        code = open_further(folder, meta, segment, err);
    }
    if (code == ERR_OK)
        code = segment_share(segment, err);
    if (code == ERR_OK)
        *ret_segment = opened;
    else
        segment_close(segment);
    return code;
}

static enum err_code open_segments(struct load *load, struct err *err)
{
    struct live *live = load->live;
    const size_t total = load->collection.facts.segment_count;
    live->segments = mem_zalloc(total + 1, sizeof *live->segments);
    if (live->segments == NULL)
        return err_nomem(err, load->folder);
    live->segment_capacity = total + 1;
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < total; k++) {
        const struct entry *entry = &load->entries[k];
        const struct live_open what = {.id = entry->id,
                                       .order = entry->order,
                                       .is_linked = entry->is_linked,
                                       .facts = &load->collection.segments[k],
                                       .columns = entry->has_columns ? &entry->columns : NULL};
        code = live_open_segment(load->folder, live->meta, &what, &live->segments[k], err);
        live->segment_count += code == ERR_OK;
    }
    return code;
}

static enum err_code read_catalog(struct load *load, const char *name, struct err *err)
{
    struct live *live = load->live;
    uint64_t seal = 0;
    enum err_code code = catalog_seal_check(load->sql, &seal, err);
    if (code == ERR_OK)
        code = catalog_stamp_get(load->sql, &live->stamp, err);
    if (code == ERR_OK)
        code = catalog_has_rows(load->sql, &load->has_rows, err);
    if (code == ERR_OK)
        code = load_meta(load->sql, name, &live->meta, &load->collection, err);
    if (code == ERR_OK)
        code = read_entries(load, err);
    if (code == ERR_OK)
        code = open_segments(load, err);
    if (code == ERR_OK && load->has_rows)
        code = read_pending(load, err);
    if (code == ERR_OK && load->has_rows)
        code = read_dead(load, err);
    return code;
}

enum err_code live_load(struct sql *sql, const char *folder, const char *qualified_name,
                        struct live **ret_live, struct err *err)
{
    struct load load = {.sql = sql, .folder = folder, .live = mem_zalloc(1, sizeof *load.live)};
    if (load.live == NULL)
        return err_nomem(err, qualified_name);
    enum err_code code = sql_exec(sql, "BEGIN", err);
    if (code == ERR_OK)
        code = read_catalog(&load, qualified_name, err);
    sql_rollback(sql);
    if (code == ERR_OK)
        *ret_live = load.live;
    else
        live_free(load.live);
    return code;
}
