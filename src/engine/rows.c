/* rows.c: see rows.h. Keys are found in rows_find.c, values gathered in rows_fetch.c. */
#include "engine/rows.h"

#include "engine/live.h"
#include "engine/segment_field.h"
#include "engine/snapshot_internal.h"

void rows_scratch_release(struct rows_scratch *scratch)
{
    mem_free(scratch->values);
    mem_free(scratch->offsets);
    mem_free(scratch->valid);
    *scratch = (struct rows_scratch){0};
}

void row_set_release(struct row_set *rows)
{
    arena_release(&rows->arena);
    *rows = (struct row_set){0};
}

static uint64_t size_of(const struct segment *segment)
{
    uint64_t size = segment->ids.size + segment->vectors.size;
    for (size_t k = 0; k < segment->extra_count; k++)
        size += segment->extras[k].values.size + segment->extras[k].offsets.size +
                segment->extras[k].valid.size;
    return size;
}

void rows_segment(const struct snapshot *snapshot, size_t segment, struct rows_segment *ret_facts)
{
    const struct segment *at = &snapshot->segments[segment];
    *ret_facts = (struct rows_segment){.rows = at->facts.rows,
                                       .live_rows = at->facts.rows - at->facts.dead_rows,
                                       .dead = at->dead,
                                       .partition = at->facts.partition,
                                       .is_growing = at->buffer != NULL,
                                       .size = size_of(at),
                                       .id = at->id};
}

enum err_code rows_column(struct snapshot *snapshot, size_t field, const struct rows_range *range,
                          struct rows_scratch *scratch, struct column *ret_column, struct err *err)
{
    const struct collection_meta *meta = snapshot->meta;
    if (field >= meta->info.schema.field_count || range->segment >= snapshot->segment_count)
        return err_set(err, ERR_INVALID, "field %zu, segment %zu: not there", field,
                       range->segment);
    const struct field_source source = {&meta->info.schema.fields[field],
                                        meta->layout.homes[field] == HOME_IDS};
    return segment_field_read(&snapshot->segments[range->segment], &source, range, scratch,
                              ret_column, err);
}
