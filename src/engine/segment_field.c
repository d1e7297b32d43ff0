/* segment_field.c: see segment_field.h. */
#include "engine/segment_field.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "engine/field_default.h"

struct segment_extra *segment_find_extra(const struct segment *segment, int64_t field_id)
{
    for (size_t k = 0; k < segment->extra_count; k++)
        if (segment->extras[k].field_id == field_id)
            return &segment->extras[k];
    return NULL;
}

/* Whoever wrote the file meant them to ascend; a forged file must not lead us outside it. */
static enum err_code check_offsets(const struct segment_extra *extra, const uint64_t *offsets,
                                   uint64_t rows, struct err *err)
{
    bool is_wrong = offsets[rows] > extra->values.size;
    for (uint64_t r = 0; r < rows; r++)
        is_wrong |= offsets[r + 1] < offsets[r];
    if (is_wrong)
        return err_set(err, ERR_CORRUPT,
                       "%s: offset %" PRIu64 ": rows do not lie one after another; the file is "
                       "damaged: restore it",
                       extra->offsets.path != NULL ? extra->offsets.path : "growing rows",
                       extra->offsets.offset);
    return ERR_OK;
}

enum err_code segment_extra_touch(struct segment_extra *extra, uint64_t first_row, uint64_t rows,
                                  struct err *err)
{
    enum err_code code = ERR_OK;
    if (rows > 0 && extra->valid.size > 0)
        code = segment_touch(&extra->valid, first_row / 64,
                             (first_row + rows - 1) / 64 - first_row / 64 + 1, 8, err);
    if (code != ERR_OK || extra->width > 0)
        return code == ERR_OK ? segment_touch(&extra->values, first_row, rows, extra->width, err)
                              : code;
    code = segment_touch(&extra->offsets, first_row, rows + 1, 8, err);
    if (code != ERR_OK)
        return code;
    const uint64_t *offsets = (const uint64_t *)(const void *)extra->offsets.data + first_row;
    code = check_offsets(extra, offsets, rows, err);
    return code == ERR_OK
               ? segment_touch(&extra->values, offsets[0], offsets[rows] - offsets[0], 1, err)
               : code;
}

/* The ids, aligned: a linked file may hold them anywhere. */
static enum err_code read_ids(struct segment *segment, const struct rows_range *range,
                              struct rows_scratch *scratch, struct column *column, struct err *err)
{
    const enum err_code code = segment_touch(&segment->ids, range->first_row, range->rows, 8, err);
    if (code != ERR_OK)
        return code;
    const uint8_t *ids = segment->ids.data + range->first_row * 8;
    *column = (struct column){.type = FIELD_INT64, .width = 8, .rows = range->rows, .values = ids};
    if ((uintptr_t)ids % 8 == 0)
        return ERR_OK;
    uint8_t *copy = rows_scratch_values(scratch, range->rows * 8);
    if (copy == NULL)
        return err_nomem(err, "ids");
    column->values = memcpy(copy, ids, range->rows * 8);
    return ERR_OK;
}

enum err_code segment_extra_read(struct segment_extra *extra, const struct rows_range *range,
                                 struct column *column, struct err *err)
{
    const enum err_code code = segment_extra_touch(extra, range->first_row, range->rows, err);
    if (code != ERR_OK)
        return code;
    *column = (struct column){
        .type = extra->type, .element = extra->element, .width = extra->width, .rows = range->rows};
    if (extra->width > 0) {
        column->values = extra->values.data + range->first_row * extra->width;
    } else {
        column->offsets = (const uint64_t *)(const void *)extra->offsets.data + range->first_row;
        column->bytes = extra->values.data;
    }
    if (extra->valid.size > 0)
        column->valid = (const uint64_t *)(const void *)extra->valid.data + range->first_row / 64;
    return ERR_OK;
}

enum err_code segment_field_read(struct segment *segment, const struct field_source *source,
                                 const struct rows_range *range, struct rows_scratch *scratch,
                                 struct column *ret_column, struct err *err)
{
    const struct field *field = source->field;
    const uint64_t rows = segment->facts.rows;
    if (range->first_row % 64 != 0 || range->first_row > rows ||
        range->rows > rows - range->first_row)
        return err_set(err, ERR_INVALID, "rows %" PRIu64 " + %zu of a segment of %" PRIu64,
                       range->first_row, range->rows, rows);
    if (source->is_key)
        return read_ids(segment, range, scratch, ret_column, err);
    if (field_type_is_vector(field->type))
        return err_set(err, ERR_INVALID, "field %s is a vector", field->name);
    struct segment_extra *extra = segment_find_extra(segment, field->id);
    if (extra == NULL)
        return field_default_column(field, range->rows, scratch, ret_column, err);
    if (extra->type != field->type)
        return err_set(err, ERR_CORRUPT, "field %s is %s, its values are %s", field->name,
                       field_type_name(field->type), field_type_name(extra->type));
    return segment_extra_read(extra, range, ret_column, err);
}
