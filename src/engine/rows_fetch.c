/* rows_fetch.c: values of rows at any places, field by field. */
#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "engine/live.h"
#include "engine/rows.h"
#include "engine/segment_field.h"
#include "engine/snapshot_internal.h"
#include "engine/vector_convert.h"

struct fetch {
    struct snapshot *snapshot;
    const struct rows_fetch *request;
    struct arena *arena;
    struct rows_scratch scratch;
    /* of the field that is gathered: */
    const struct field *field;
    enum field_home home;
};

/* Memory of the answer, within what was allowed. */
static enum err_code take(struct fetch *fetch, size_t count, size_t size, void *ret_memory,
                          struct err *err)
{
    size_t wanted = 0;
    if (__builtin_mul_overflow(count, size, &wanted) ||
        wanted > fetch->arena->used_max - fetch->arena->used)
        return err_set(err, ERR_INVALID, "the rows asked for are larger than %zu bytes",
                       fetch->arena->used_max);
    void *memory = arena_array(fetch->arena, count, size);
    if (memory == NULL)
        return err_nomem(err, "rows");
    memcpy(ret_memory, &memory, sizeof memory);
    return ERR_OK;
}

/* The value of one place is row `*ret_row` of `*ret_column`. */
static enum err_code read_scalar(struct fetch *fetch, size_t index, struct column *ret_column,
                                 size_t *ret_row, struct err *err)
{
    const struct place *place = &fetch->request->places[index];
    const struct rows_range range = {place->segment, place->row / 64 * 64,
                                     (size_t)(place->row % 64) + 1};
    const struct field_source source = {fetch->field, fetch->home == HOME_IDS};
    *ret_row = (size_t)(place->row % 64);
    return segment_field_read(&fetch->snapshot->segments[place->segment], &source, &range,
                              &fetch->scratch, ret_column, err);
}

static enum err_code mark_valid(struct fetch *fetch, size_t index, bool is_null, uint64_t **valid,
                                struct err *err)
{
    const size_t words = bitmap_words(fetch->request->count);
    if (is_null && *valid == NULL) {
        const enum err_code code = take(fetch, words + 1, sizeof **valid, valid, err);
        if (code != ERR_OK)
            return code;
        memset(*valid, 0xff, words * sizeof **valid);
    }
    if (is_null)
        (*valid)[index / 64] &= ~((uint64_t)1 << index % 64);
    return ERR_OK;
}

static enum err_code gather_plain(struct fetch *fetch, struct column *to, struct err *err)
{
    const size_t count = fetch->request->count;
    const size_t width = field_type_width(fetch->field->type, 0);
    uint8_t *values = NULL;
    uint64_t *valid = NULL;
    enum err_code code = take(fetch, count + 1, width, &values, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        struct column column;
        size_t row = 0;
        code = read_scalar(fetch, k, &column, &row, err);
        if (code != ERR_OK)
            break;
        memcpy(values + k * width, (const uint8_t *)column.values + row * width, width);
        code = mark_valid(fetch, k, column_is_null(&column, row), &valid, err);
    }
    to->width = width;
    to->values = values;
    to->valid = valid;
    return code;
}

/* First how long each is, then the bytes. */
static enum err_code gather_variable(struct fetch *fetch, struct column *to, struct err *err)
{
    const size_t count = fetch->request->count;
    uint64_t *offsets = NULL;
    uint64_t *valid = NULL;
    enum err_code code = take(fetch, count + 1, sizeof *offsets, &offsets, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        struct column column;
        size_t row = 0;
        code = read_scalar(fetch, k, &column, &row, err);
        if (code != ERR_OK)
            break;
        offsets[k + 1] = offsets[k] + (column.offsets[row + 1] - column.offsets[row]);
        code = mark_valid(fetch, k, column_is_null(&column, row), &valid, err);
    }
    uint8_t *bytes = NULL;
    if (code == ERR_OK)
        code = take(fetch, (size_t)offsets[count] + 1, 1, &bytes, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        struct column column;
        size_t row = 0;
        code = read_scalar(fetch, k, &column, &row, err);
        if (code == ERR_OK && offsets[k + 1] > offsets[k])
            memcpy(bytes + offsets[k], column.bytes + column.offsets[row],
                   (size_t)(offsets[k + 1] - offsets[k]));
    }
    to->offsets = offsets;
    to->bytes = bytes;
    to->valid = valid;
    return code;
}

static enum err_code find_vectors(struct fetch *fetch, struct segment *segment,
                                  struct segment_column **ret_column, struct err *err)
{
    const struct snapshot *base = fetch->snapshot;
    const size_t width = row_layout_vector_width(fetch->field->type, fetch->field->dim);
    struct segment_extra *extra = segment_find_extra(segment, fetch->field->id);
    if (fetch->home == HOME_VECTOR) {
        *ret_column = &segment->vectors;
        return ERR_OK;
    }
    if (extra == NULL || extra->width != width)
        return err_set(err, ERR_CORRUPT, "collection %s: a segment has no vectors of field %s",
                       base->facts.name, fetch->field->name);
    *ret_column = &extra->values;
    return ERR_OK;
}

static enum err_code gather_vectors(struct fetch *fetch, struct column *to, struct err *err)
{
    const size_t count = fetch->request->count;
    const struct field *field = fetch->field;
    const size_t width = field_type_width(field->type, field->dim);
    const size_t kept = row_layout_vector_width(field->type, field->dim);
    uint8_t *values = NULL;
    enum err_code code = take(fetch, count + 1, width, &values, err);
    for (size_t k = 0; code == ERR_OK && k < count; k++) {
        const struct place *place = &fetch->request->places[k];
        struct segment_column *column = NULL;
        code = find_vectors(fetch, &fetch->snapshot->segments[place->segment], &column, err);
        if (code == ERR_OK)
            code = segment_touch(column, place->row, 1, kept, err);
        if (code == ERR_OK)
            vector_from_kept(field->type, column->data + place->row * kept, field->dim,
                             values + k * width);
    }
    to->width = width;
    to->values = values;
    return code;
}

static enum err_code gather(struct fetch *fetch, size_t field, struct column *to, struct err *err)
{
    const struct collection_meta *meta = fetch->snapshot->meta;
    if (field >= meta->info.schema.field_count)
        return err_set(err, ERR_INVALID, "field %zu is not there", field);
    fetch->field = &meta->info.schema.fields[field];
    fetch->home = meta->layout.homes[field];
    *to = (struct column){.type = fetch->field->type,
                          .element = fetch->field->element,
                          .rows = fetch->request->count};
    if (field_type_is_vector(to->type))
        return gather_vectors(fetch, to, err);
    return field_type_is_variable(to->type) ? gather_variable(fetch, to, err)
                                            : gather_plain(fetch, to, err);
}

static enum err_code check_places(const struct snapshot *snapshot, const struct rows_fetch *request,
                                  struct err *err)
{
    for (size_t k = 0; k < request->count; k++) {
        const struct place *place = &request->places[k];
        if (place->segment >= snapshot->segment_count ||
            place->row >= snapshot->segments[place->segment].facts.rows)
            return err_set(err, ERR_INVALID, "row %" PRIu64 " of segment %" PRIu32 " is not there",
                           place->row, place->segment);
    }
    return ERR_OK;
}

enum err_code rows_fetch(struct snapshot *snapshot, const struct rows_fetch *request,
                         struct row_set *ret_rows, struct err *err)
{
    struct row_set rows = {.column_count = request->field_count, .rows = request->count};
    const size_t size_max = request->size_max > 0 ? request->size_max : ROWS_FETCH_SIZE_MAX;
    arena_init(&rows.arena, size_max);
    struct fetch fetch = {.snapshot = snapshot, .request = request, .arena = &rows.arena};
    enum err_code code = check_places(snapshot, request, err);
    if (code == ERR_OK)
        code = take(&fetch, request->field_count + 1, sizeof *rows.columns, &rows.columns, err);
    for (size_t k = 0; code == ERR_OK && k < request->field_count; k++)
        code = gather(&fetch, request->fields[k], &rows.columns[k], err);
    rows_scratch_release(&fetch.scratch);
    if (code == ERR_OK)
        *ret_rows = rows;
    else
        row_set_release(&rows);
    return code;
}
