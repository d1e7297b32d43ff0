/* live_publish.c: a snapshot of a live collection: references to sealed segments, and growing
 * blocks as segments whose columns lie in memory. */
#include <string.h>

#include "base/bitmap.h"
#include "engine/dead_rows.h"
#include "engine/live.h"
#include "engine/segment_field.h"
#include "engine/segment_shared.h"
#include "engine/snapshot_internal.h"

#define SNAPSHOT_MEMORY_MAX ((size_t)4 << 30) /* a named cap; a million segments need 0.5 GB */

static struct segment_column in_memory(const void *data, uint64_t size)
{
    return (struct segment_column){.data = data, .size = size};
}

/* Rows are added to the last word of a bitmap while others read it, so each snapshot has its own.
 */
static const uint64_t *copy_valid(struct arena *arena, const uint64_t *words, size_t rows)
{
    uint64_t *copy = arena_array(arena, bitmap_words(rows) + 1, sizeof *copy);
    if (copy != NULL)
        memcpy(copy, words, bitmap_words(rows) * sizeof *copy);
    return copy;
}

static bool make_extras(struct arena *arena, const struct row_buffer *buffer, size_t rows,
                        struct segment *segment)
{
    const size_t count = buffer->layout.extra_count;
    struct segment_extra *extras = arena_array(arena, count + 1, sizeof *extras);
    if (extras == NULL)
        return false;
    for (size_t k = 0; k < count; k++) {
        const struct extra_layout *layout = &buffer->layout.extras[k];
        const struct row_buffer_column *column = &buffer->extras[k];
        extras[k] = (struct segment_extra){.field_id = layout->field_id,
                                           .type = layout->type,
                                           .element = layout->element,
                                           .width = layout->width};
        if (layout->width > 0) {
            extras[k].values = in_memory(column->values, rows * layout->width);
        } else {
            extras[k].values = in_memory(column->values, column->offsets[rows]);
            extras[k].offsets = in_memory(column->offsets, (rows + 1) * 8);
        }
        if (column->valid == NULL)
            continue;
        const uint64_t *valid = copy_valid(arena, column->valid, rows);
        if (valid == NULL)
            return false;
        extras[k].valid = in_memory(valid, bitmap_words(rows) * 8);
    }
    segment->extras = extras;
    segment->extra_count = count;
    return true;
}

static enum err_code add_block(struct snapshot *snapshot, struct live_block *block, struct err *err)
{
    struct row_buffer *buffer = block->buffer;
    const size_t rows = buffer->rows;
    struct segment *segment = &snapshot->segments[snapshot->segment_count];
    if (block->dead != NULL && block->dead->rows < rows) {
        const enum err_code code = dead_rows_own(&block->dead, rows, err);
        if (code != ERR_OK)
            return code;
    }
    *segment = (struct segment){.facts = {.rows = rows,
                                          .row_size = buffer->layout.vector_width,
                                          .partition = block->partition}};
    segment->ids = in_memory(buffer->ids, rows * 8);
    segment->vectors = in_memory(buffer->vectors, rows * buffer->layout.vector_width);
    if (!make_extras(&snapshot->arena, buffer, rows, segment))
        return err_nomem(err, snapshot->facts.name);
    segment->buffer = row_buffer_ref(buffer);
    if (block->dead != NULL) {
        segment->dead_rows = dead_rows_ref(block->dead);
        segment->dead = block->dead->words;
        segment->facts.dead_rows = block->dead->count;
    }
    snapshot->segment_count++;
    return ERR_OK;
}

static void count_rows(struct snapshot *snapshot)
{
    struct collection_facts *facts = &snapshot->facts;
    for (size_t k = 0; k < snapshot->segment_count; k++) {
        const struct segment_facts *segment = &snapshot->segments[k].facts;
        struct partition_facts *partition = &facts->partitions[segment->partition];
        partition->rows += segment->rows - segment->dead_rows;
        partition->segment_count++;
        facts->rows += segment->rows - segment->dead_rows;
        facts->dead_rows += segment->dead_rows;
        facts->size += segment->rows * (8 + facts->row_size);
        snapshot->bases[k + 1] = snapshot->bases[k] + segment->rows;
    }
    facts->segment_count = snapshot->segment_count;
}

static enum err_code start(const struct live *live, size_t segments, struct snapshot **ret_snapshot,
                           struct err *err)
{
    struct snapshot *snapshot = mem_zalloc(1, sizeof *snapshot);
    if (snapshot == NULL)
        return err_nomem(err, live->meta->facts.name);
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, SNAPSHOT_MEMORY_MAX);
    snapshot->stamp = live->stamp;
    snapshot->meta = collection_meta_ref(live->meta);
    snapshot->facts = live->meta->facts;
    const size_t partitions = snapshot->facts.partition_count;
    snapshot->facts.partitions =
        arena_array(&snapshot->arena, partitions + 1, sizeof *snapshot->facts.partitions);
    snapshot->segments = arena_array(&snapshot->arena, segments + 1, sizeof *snapshot->segments);
    snapshot->bases = arena_array(&snapshot->arena, segments + 1, sizeof *snapshot->bases);
    if (snapshot->facts.partitions == NULL || snapshot->segments == NULL ||
        snapshot->bases == NULL) {
        snapshot_unref(snapshot);
        return err_nomem(err, live->meta->facts.name);
    }
    memcpy(snapshot->facts.partitions, live->meta->facts.partitions,
           partitions * sizeof *snapshot->facts.partitions);
    *ret_snapshot = snapshot;
    return ERR_OK;
}

/* ------------------------------------------------------------ further vector fields */

/* The segment as seen by a search in another vector field. A segment that is older than the field
 * cannot be: vector fields are there from the start. */
static enum err_code turn(struct segment *segment, const struct field *field, struct err *err)
{
    const size_t width = row_layout_vector_width(field->type, field->dim);
    const struct segment_extra *extra = segment_find_extra(segment, field->id);
    if (extra == NULL || extra->width != width)
        return err_set(err, ERR_CORRUPT, "field %s: a segment has no vectors of it", field->name);
    segment->vectors = extra->values;
    segment->facts.row_size = width;
    segment->vector_field = field->id;
    const struct segment_index none = {0};
    const struct segment_index *index = segment_find_index(segment, field->id);
    if (index == NULL)
        index = &none;
    segment->lists = index->lists;
    segment->graph = index->graph;
    segment->bits = index->bits;
    return ERR_OK;
}

static enum err_code make_view(const struct live *live, const struct snapshot *base, size_t field,
                               struct snapshot **ret_view, struct err *err)
{
    const struct field *vector = &live->meta->info.schema.fields[field];
    struct snapshot *view = NULL;
    enum err_code code = start(live, base->segment_count, &view, err);
    if (code != ERR_OK)
        return code;
    view->facts.metric = live->meta->info.metrics[field];
    view->facts.dim = vector->dim;
    view->facts.row_size = row_layout_vector_width(vector->type, vector->dim);
    for (size_t k = 0; code == ERR_OK && k < base->segment_count; k++) {
        segment_copy(&base->segments[k], NULL, &view->segments[k]);
        view->segment_count = k + 1;
        code = turn(&view->segments[k], vector, err);
    }
    if (code != ERR_OK) {
        snapshot_unref(view);
        return code;
    }
    count_rows(view);
    *ret_view = view;
    return ERR_OK;
}

static enum err_code make_views(const struct live *live, struct snapshot *snapshot, struct err *err)
{
    const struct schema *schema = &live->meta->info.schema;
    enum err_code code = ERR_OK;
    for (size_t f = 0; code == ERR_OK && f < schema->field_count; f++) {
        if (!field_type_is_vector(schema->fields[f].type) || f == live->meta->layout.vector)
            continue;
        if (snapshot->views == NULL)
            snapshot->views =
                arena_array(&snapshot->arena, schema->field_count, sizeof *snapshot->views);
        if (snapshot->views == NULL)
            return err_nomem(err, snapshot->facts.name);
        code = make_view(live, snapshot, f, &snapshot->views[f], err);
    }
    return code;
}

enum err_code live_publish(const struct live *live, struct snapshot **ret_snapshot, struct err *err)
{
    struct snapshot *snapshot = NULL;
    enum err_code code = start(live, live->segment_count + live->block_count, &snapshot, err);
    if (code != ERR_OK)
        return code;
    for (size_t k = 0; k < live->segment_count; k++)
        segment_copy(&live->segments[k].segment, NULL,
                     &snapshot->segments[snapshot->segment_count++]);
    for (size_t k = 0; code == ERR_OK && k < live->block_count; k++)
        if (live->blocks[k]->buffer->rows > 0)
            code = add_block(snapshot, live->blocks[k], err);
    if (code == ERR_OK)
        count_rows(snapshot);
    if (code == ERR_OK)
        code = make_views(live, snapshot, err);
    if (code == ERR_OK)
        *ret_snapshot = snapshot;
    else
        snapshot_unref(snapshot);
    return code;
}
