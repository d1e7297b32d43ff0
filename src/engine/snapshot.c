/* snapshot.c: see snapshot.h. */
#include <string.h>

#include "base/text.h"
#include "engine/collection.h"
#include "engine/live.h"
#include "engine/snapshot_internal.h"
#include "engine/snapshot_segments.h"
#include "engine/stored_reader.h"

#define NAMES_SHOWN_MAX 20

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    (void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    const size_t fields = snapshot->views != NULL ? snapshot->meta->info.schema.field_count : 0;
    for (size_t k = 0; k < fields; k++)
        snapshot_unref(snapshot->views[k]);
    for (size_t k = 0; k < snapshot->segment_count; k++)
        segment_close(&snapshot->segments[k]);
    collection_meta_unref(snapshot->meta);
    arena_release(&snapshot->arena);
    mem_free(snapshot);
}

const struct collection_facts *snapshot_facts(const struct snapshot *snapshot)
{
    return &snapshot->facts;
}

/* "a, b, c, ..." */
static void add_names(struct text *text, const struct collection_facts *facts)
{
    for (size_t k = 0; k < facts->partition_count && k < NAMES_SHOWN_MAX; k++)
        text_addf(text, "%s%s", k > 0 ? ", " : "", facts->partitions[k].name);
    if (facts->partition_count > NAMES_SHOWN_MAX)
        text_add(text, ", ...");
}

enum err_code facts_partition(const struct collection_facts *facts, const char *name,
                              size_t *ret_index, struct err *err)
{
    for (size_t k = 0; k < facts->partition_count; k++) {
        if (strcmp(facts->partitions[k].name, name) == 0) {
            *ret_index = k;
            return ERR_OK;
        }
    }
    struct text names;
    text_init(&names);
    add_names(&names, facts);
    const enum err_code code =
        err_set(err, ERR_NO_PARTITION, "partition %s: not found in collection %s, which has %s",
                name, facts->name, text_get(&names));
    text_release(&names);
    return code;
}

enum err_code snapshot_partition(const struct snapshot *snapshot, const char *name,
                                 size_t *ret_index, struct err *err)
{
    return facts_partition(&snapshot->facts, name, ret_index, err);
}

enum err_code snapshot_load(struct sql *sql, const char *folder, const char *collection,
                            struct snapshot **ret_snapshot, struct err *err)
{
    struct live *live = NULL;
    enum err_code code = live_load(sql, folder, collection, &live, err);
    if (code == ERR_OK)
        code = live_publish(live, ret_snapshot, err);
    live_free(live);
    return code;
}

const struct collection_info *snapshot_info(const struct snapshot *snapshot)
{
    return &snapshot->meta->info;
}

enum err_code snapshot_for_field(struct snapshot *snapshot, size_t field,
                                 struct snapshot **ret_snapshot, struct err *err)
{
    const struct schema *schema = &snapshot->meta->info.schema;
    if (field >= schema->field_count || !field_type_is_vector(schema->fields[field].type))
        return err_set(err, ERR_INVALID, "field %zu of collection %s is no vector", field,
                       snapshot->facts.name);
    *ret_snapshot = field == snapshot->meta->layout.vector ? snapshot : snapshot->views[field];
    return ERR_OK;
}

size_t snapshot_segment_of(const struct snapshot *snapshot, uint64_t ordinal)
{
    size_t low = 0;
    size_t high = snapshot->segment_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (snapshot->bases[middle] <= ordinal)
            low = middle;
        else
            high = middle;
    }
    return low;
}

const struct segment_facts *snapshot_segment_facts(const struct snapshot *snapshot, size_t index)
{
    return &snapshot->segments[index].facts;
}

/* Rows of a segment whose rows change: as the snapshot has them. */
struct view_reader {
    struct segment_reader base;
    struct snapshot *snapshot;
    struct segment *segment;
    uint64_t next_row;
    size_t batch_rows;
    int64_t *ids; /* aligned */
};

static enum err_code view_next(struct segment_reader *base, struct batch *ret_batch,
                               struct err *err)
{
    struct view_reader *reader = (struct view_reader *)base;
    const uint64_t left = base->rows - reader->next_row;
    const size_t rows = left < reader->batch_rows ? (size_t)left : reader->batch_rows;
    const uint64_t first = reader->next_row;
    enum err_code code = segment_touch(&reader->segment->ids, first, rows, 8, err);
    if (code == ERR_OK)
        code = segment_touch(&reader->segment->vectors, first, rows, base->row_size, err);
    if (code != ERR_OK)
        return code;
    memcpy(reader->ids, reader->segment->ids.data + first * 8, rows * 8);
    *ret_batch = (struct batch){first, rows, reader->ids,
                                reader->segment->vectors.data + first * base->row_size};
    reader->next_row += rows;
    return ERR_OK;
}

static void view_close(struct segment_reader *base)
{
    struct view_reader *reader = (struct view_reader *)base;
    snapshot_unref(reader->snapshot);
    mem_free(reader->ids);
    mem_free(reader);
}

static const struct segment_reader_ops view_ops = {view_next, view_close};

static enum err_code view_open(struct snapshot *snapshot, struct segment *segment,
                               struct segment_reader **ret_reader, struct err *err)
{
    const size_t row_size = segment->facts.row_size;
    struct view_reader *reader = mem_zalloc(1, sizeof *reader);
    if (reader == NULL)
        return err_nomem(err, snapshot->facts.name);
    reader->base = (struct segment_reader){.ops = &view_ops,
                                           .rows = segment->facts.rows,
                                           .row_size = row_size,
                                           .dead = segment->dead,
                                           .dead_rows = segment->facts.dead_rows};
    reader->snapshot = snapshot_ref(snapshot);
    reader->segment = segment;
    reader->batch_rows = row_size < BATCH_SIZE ? BATCH_SIZE / row_size : 1;
    reader->ids = mem_alloc(reader->batch_rows, sizeof *reader->ids);
    if (reader->ids == NULL) {
        view_close(&reader->base);
        return err_nomem(err, snapshot->facts.name);
    }
    *ret_reader = &reader->base;
    return ERR_OK;
}

enum err_code snapshot_open_segment(struct snapshot *snapshot, const char *folder, size_t index,
                                    struct segment_reader **ret_reader, struct err *err)
{
    struct segment *segment = &snapshot->segments[index];
    if (segment->buffer != NULL || segment->dead_rows != NULL)
        return view_open(snapshot, segment, ret_reader, err);
    return stored_reader_open(folder, &segment->facts, ret_reader, err);
}
