/* made_batch.c: see made_batch.h. */
#include "engine/write/made_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bitmap.h"
#include "engine/batch_format.h"
#include "engine/field_default.h"
#include "engine/vector_convert.h"

#define ID_TEXT_MAX 20 /* digits and sign */

static const struct column *given(const struct row_batch *batch, size_t field)
{
    return field < batch->column_count && batch->columns[field].type != FIELD_NONE
               ? &batch->columns[field]
               : NULL;
}

static bool key_is_made(const struct collection_meta *meta, const struct row_batch *batch)
{
    return given(batch, meta->info.schema.primary) == NULL;
}

bool made_batch_needs_ids(const struct collection_meta *meta, const struct row_batch *batch)
{
    return meta->layout.key_extra != ROW_LAYOUT_NONE || key_is_made(meta, batch);
}

static void *take(struct made_batch *made, size_t count, size_t size)
{
    void *block = mem_aligned(count + 1, size);
    if (block != NULL)
        made->blocks[made->block_count++] = block;
    return block;
}

static enum err_code check_column(const struct field *field, const struct column *column,
                                  size_t rows, struct err *err)
{
    const size_t width = field_type_width(field->type, field->dim);
    const bool is_variable = field_type_is_variable(field->type);
    if (column->rows != rows)
        return err_set(err, ERR_INVALID, "field %s: %zu rows found, %zu expected", field->name,
                       column->rows, rows);
    if (column->type != field->type ||
        (field->type == FIELD_ARRAY && column->element != field->element))
        return err_set(err, ERR_INVALID, "field %s: %s found, %s expected", field->name,
                       field_type_name(column->type), field_type_name(field->type));
    if (!is_variable && (column->width != width || column->values == NULL))
        return err_set(err, ERR_INVALID, "field %s: %zu bytes a row found, %zu expected",
                       field->name, column->width, width);
    if (!is_variable)
        return ERR_OK;
    if (column->offsets == NULL)
        return err_set(err, ERR_INVALID, "field %s: there are no offsets", field->name);
    for (size_t r = 0; r < rows; r++)
        if (column->offsets[r + 1] < column->offsets[r])
            return err_set(err, ERR_INVALID, "field %s: row %zu ends before it begins", field->name,
                           r);
    return ERR_OK;
}

static size_t count_nulls(const struct column *column)
{
    return column->valid != NULL ? column->rows - bitmap_count(column->valid, column->rows) : 0;
}

static void set_extra(struct row_extra *extra, const struct column *column)
{
    if (column->offsets != NULL && column->bytes == NULL) /* all are empty */
        *extra = (struct row_extra){NULL, column->offsets, NULL};
    else if (column->offsets != NULL)
        *extra = (struct row_extra){column->bytes + column->offsets[0], column->offsets, NULL};
    else
        *extra = (struct row_extra){column->values, NULL, NULL};
}

static size_t merged_size(const struct column *column, const struct column *fallback)
{
    if (column->offsets == NULL)
        return column->rows * column->width;
    size_t size = 0;
    for (size_t r = 0; r < column->rows; r++)
        size += column_is_null(column, r) ? fallback->offsets[1]
                                          : column->offsets[r + 1] - column->offsets[r];
    return size;
}

/* Null rows take the field's default. */
static enum err_code merge_default(struct made_batch *made, const struct field *field,
                                   const struct column *column, struct row_extra *extra,
                                   struct err *err)
{
    struct rows_scratch *scratch = &made->scratches[0];
    struct column fallback;
    const enum err_code code = field_default_column(field, 1, scratch, &fallback, err);
    if (code != ERR_OK)
        return code;
    const bool is_variable = column->offsets != NULL;
    const size_t size = merged_size(column, &fallback);
    uint8_t *bytes = take(made, size, 1);
    uint64_t *offsets = is_variable ? take(made, column->rows + 1, sizeof *offsets) : NULL;
    if (bytes == NULL || (is_variable && offsets == NULL))
        return err_nomem(err, field->name);
    size_t at = 0;
    for (size_t r = 0; r < column->rows; r++) {
        const struct column *from = column_is_null(column, r) ? &fallback : column;
        const size_t row = from == column ? r : 0;
        size_t width = column->width;
        const uint8_t *value = NULL;
        if (is_variable) {
            value = column_bytes(from, row, &width);
            offsets[r] = at;
        } else {
            value = (const uint8_t *)from->values + row * width;
        }
        if (width > 0)
            memcpy(bytes + at, value, width);
        at += width;
    }
    if (is_variable)
        offsets[column->rows] = at;
    *extra = (struct row_extra){bytes, offsets, NULL};
    return ERR_OK;
}

static enum err_code make_scalar(struct made_batch *made, const struct field *field,
                                 const struct column *column, struct row_extra *extra,
                                 struct err *err)
{
    if (count_nulls(column) == 0) {
        set_extra(extra, column);
        return ERR_OK;
    }
    if (field->default_value != NULL || field->is_dynamic)
        return merge_default(made, field, column, extra, err);
    if (!field->is_nullable)
        return err_set(err, ERR_INVALID, "field %s: it cannot be null", field->name);
    set_extra(extra, column);
    extra->valid = column->valid;
    return ERR_OK;
}

static enum err_code make_absent(struct made_batch *made, size_t index, const struct field *field,
                                 size_t rows, struct row_extra *extra, struct err *err)
{
    struct column column;
    const enum err_code code =
        field_default_column(field, rows, &made->scratches[index + 1], &column, err);
    if (code != ERR_OK)
        return code;
    set_extra(extra, &column);
    extra->valid = column.valid;
    return ERR_OK;
}

/* The decimal text of made up keys. */
static enum err_code make_text_keys(struct made_batch *made, size_t rows, int64_t first_id,
                                    struct row_extra *extra, struct err *err)
{
    char *bytes = take(made, rows, ID_TEXT_MAX);
    uint64_t *offsets = take(made, rows + 1, sizeof *offsets);
    if (bytes == NULL || offsets == NULL)
        return err_nomem(err, "keys");
    size_t at = 0;
    for (size_t r = 0; r < rows; r++) {
        char text[ID_TEXT_MAX + 1];
        const int length = snprintf(text, sizeof text, "%" PRId64, first_id + (int64_t)r);
        offsets[r] = at;
        memcpy(bytes + at, text, (size_t)length);
        at += (size_t)length;
    }
    offsets[rows] = at;
    *extra = (struct row_extra){(const uint8_t *)bytes, offsets, NULL};
    return ERR_OK;
}

static enum err_code make_ids(struct made_batch *made, size_t rows, int64_t first_id,
                              struct err *err)
{
    int64_t *ids = take(made, rows, sizeof *ids);
    if (ids == NULL)
        return err_nomem(err, "keys");
    for (size_t r = 0; r < rows; r++)
        ids[r] = first_id + (int64_t)r;
    made->columns.ids = ids;
    return ERR_OK;
}

/* The vectors of a field as floats or bits: where the caller has them, or converted. */
static enum err_code make_vectors(struct made_batch *made, const struct field *field,
                                  const struct column *column, const uint8_t **ret_vectors,
                                  struct err *err)
{
    if (count_nulls(column) > 0)
        return err_set(err, ERR_INVALID, "field %s: it cannot be null", field->name);
    *ret_vectors = column->values;
    if (field->type == FIELD_FLOAT_VECTOR || field->type == FIELD_BINARY_VECTOR)
        return ERR_OK;
    uint8_t *kept = take(made, column->rows, row_layout_vector_width(field->type, field->dim));
    if (kept == NULL)
        return err_nomem(err, field->name);
    vector_to_kept(field->type, column->values, column->rows * field->dim, kept);
    *ret_vectors = kept;
    return ERR_OK;
}

struct making {
    struct made_batch *made;
    const struct collection_meta *meta;
    const struct row_batch *batch;
    int64_t first_id;
};

static enum err_code make_key(const struct making *making, size_t index, struct err *err)
{
    const struct field *field = &making->meta->info.schema.fields[index];
    struct made_batch *made = making->made;
    const struct column *column = given(making->batch, index);
    const size_t rows = making->batch->rows;
    const bool is_text = field->type == FIELD_VARCHAR;
    struct row_extra *extra =
        is_text ? &made->columns.extras[making->meta->layout.extra_of[index]] : NULL;
    enum err_code code = ERR_OK;
    if (column == NULL && !field->is_auto_id)
        return err_set(err, ERR_INVALID, "field %s: the primary key is missing", field->name);
    if (column != NULL && count_nulls(column) > 0)
        return err_set(err, ERR_INVALID, "field %s: a key cannot be null", field->name);
    if (is_text || column == NULL)
        code = make_ids(made, rows, making->first_id, err);
    else
        made->columns.ids = column->values;
    if (code != ERR_OK || !is_text)
        return code;
    if (column == NULL)
        return make_text_keys(made, rows, making->first_id, extra, err);
    set_extra(extra, column);
    return ERR_OK;
}

static enum err_code make_field(const struct making *making, size_t index, struct err *err)
{
    const struct collection_meta *meta = making->meta;
    const struct field *field = &meta->info.schema.fields[index];
    struct made_batch *made = making->made;
    const struct column *column = given(making->batch, index);
    const size_t rows = making->batch->rows;
    if (column != NULL) {
        const enum err_code code = check_column(field, column, rows, err);
        if (code != ERR_OK)
            return code;
    }
    if (field->is_primary)
        return make_key(making, index, err);
    const bool is_first = meta->layout.homes[index] == HOME_VECTOR;
    struct row_extra *extra = is_first ? NULL : &made->columns.extras[meta->layout.extra_of[index]];
    if (!field_type_is_vector(field->type))
        return column != NULL ? make_scalar(made, field, column, extra, err)
                              : make_absent(made, index, field, rows, extra, err);
    if (column == NULL)
        return err_set(err, ERR_INVALID, "field %s: the vectors are missing", field->name);
    const uint8_t *vectors = NULL;
    const enum err_code code = make_vectors(made, field, column, &vectors, err);
    if (code == ERR_OK && is_first)
        made->columns.vectors = vectors;
    else if (code == ERR_OK)
        *extra = (struct row_extra){vectors, NULL, NULL};
    return code;
}

enum err_code made_batch_init(struct made_batch *made, const struct collection_meta *meta,
                              const struct row_batch *batch, int64_t first_id, struct err *err)
{
    const struct making making = {made, meta, batch, first_id};
    const size_t fields = meta->info.schema.field_count;
    *made = (struct made_batch){.columns.rows = batch->rows};
    if (batch->rows == 0 || batch->rows > WRITER_BATCH_ROWS_MAX || batch->column_count > fields)
        return err_set(err, ERR_INVALID, "%zu rows of %zu fields found, 1 to %zu of %zu expected",
                       batch->rows, batch->column_count, WRITER_BATCH_ROWS_MAX, fields);
    enum err_code code = ERR_OK;
    for (size_t k = 0; code == ERR_OK && k < fields; k++)
        code = make_field(&making, k, err);
    if (code != ERR_OK)
        return code;
    const size_t size = batch_size(&meta->layout, &made->columns);
    if (size > WRITER_BATCH_SIZE_MAX)
        return err_set(err, ERR_INVALID, "%zu bytes of rows found, at most %zu expected", size,
                       WRITER_BATCH_SIZE_MAX);
    uint8_t *data = take(made, size, 1);
    if (data == NULL)
        return err_nomem(err, "rows");
    batch_encode(&meta->layout, &made->columns, data);
    made->data = (struct bytes){data, size};
    return ERR_OK;
}

void made_batch_release(struct made_batch *made)
{
    for (size_t k = 0; k < made->block_count; k++)
        mem_free(made->blocks[k]);
    for (size_t k = 0; k <= ROW_FIELDS_MAX; k++)
        rows_scratch_release(&made->scratches[k]);
    *made = (struct made_batch){0};
}
