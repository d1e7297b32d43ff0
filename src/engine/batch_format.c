/* batch_format.c: see batch_format.h. Sections begin at multiples of 8, so that an aligned copy can
 * be used in place. */
#include "engine/batch_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/mem.h"

#define MAGIC "GODWROWS"
#define WIDTH_MAX ((uint64_t)1 << 20)
#define NO_KEY UINT32_MAX

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

static uint64_t bytes_of(const struct row_extra *extra, size_t rows)
{
    return extra->offsets[rows] - extra->offsets[0];
}

static size_t extra_size(const struct extra_layout *layout, const struct row_extra *extra,
                         size_t rows)
{
    size_t size = extra->valid != NULL ? bitmap_words(rows) * 8 : 0;
    if (layout->width > 0)
        return size + padded(rows * layout->width);
    return size + (rows + 1) * 8 + padded((size_t)bytes_of(extra, rows));
}

size_t batch_size(const struct row_layout *layout, const struct row_columns *rows)
{
    size_t size = BATCH_HEADER_SIZE + layout->extra_count * BATCH_FIELD_SIZE + rows->rows * 8 +
                  padded(rows->rows * layout->vector_width);
    for (size_t k = 0; k < layout->extra_count; k++)
        size += extra_size(&layout->extras[k], &rows->extras[k], rows->rows);
    return size;
}

static uint8_t *put_section(uint8_t *at, const void *data, size_t size)
{
    const size_t whole = padded(size);
    if (size > 0)
        memcpy(at, data, size);
    memset(at + size, 0, whole - size);
    return at + whole;
}

static uint8_t *put_valid(uint8_t *at, const uint64_t *valid, size_t rows)
{
    for (size_t w = 0; w < bitmap_words(rows); w++, at += 8) {
        const bool is_last = w == rows / 64;
        put_u64(at, is_last ? valid[w] & (((uint64_t)1 << rows % 64) - 1) : valid[w]);
    }
    return at;
}

static uint8_t *put_extra(uint8_t *at, const struct extra_layout *layout,
                          const struct row_extra *extra, size_t rows)
{
    if (extra->valid != NULL)
        at = put_valid(at, extra->valid, rows);
    if (layout->width > 0)
        return put_section(at, extra->values, rows * layout->width);
    for (size_t r = 0; r <= rows; r++, at += 8)
        put_u64(at, extra->offsets[r] - extra->offsets[0]);
    return put_section(at, extra->values, (size_t)bytes_of(extra, rows));
}

void batch_encode(const struct row_layout *layout, const struct row_columns *rows, uint8_t *buffer)
{
    uint8_t *at = buffer;
    memcpy(at, MAGIC, 8);
    put_u64(at + 8, rows->rows);
    put_u32(at + 16, (uint32_t)layout->extra_count);
    put_u32(at + 20, layout->key_extra != ROW_LAYOUT_NONE ? (uint32_t)layout->key_extra : NO_KEY);
    put_u64(at + 24, layout->vector_width);
    at += BATCH_HEADER_SIZE;
    for (size_t k = 0; k < layout->extra_count; k++, at += BATCH_FIELD_SIZE) {
        const struct extra_layout *extra = &layout->extras[k];
        put_u64(at, (uint64_t)extra->field_id);
        put_u32(at + 8, (uint32_t)extra->type);
        put_u32(at + 12, (uint32_t)extra->element);
        put_u64(at + 16, extra->width);
        put_u32(at + 24, extra->is_nullable);
        put_u32(at + 28, rows->extras[k].valid != NULL);
    }
    at = put_section(at, rows->ids, rows->rows * 8);
    at = put_section(at, rows->vectors, rows->rows * layout->vector_width);
    for (size_t k = 0; k < layout->extra_count; k++)
        at = put_extra(at, &layout->extras[k], &rows->extras[k], rows->rows);
}

struct reader {
    const uint8_t *data;
    size_t size;
    size_t at;
    size_t rows;
};

/* The next `size` bytes, which end at a multiple of 8. */
static enum err_code take(struct reader *reader, uint64_t size, const void **ret_data,
                          struct err *err)
{
    const size_t left = reader->size - reader->at;
    if (size > left || padded((size_t)size) > left)
        return err_set(err, ERR_CORRUPT, "offset %zu: %zu bytes found, %" PRIu64 " expected",
                       reader->at, left, size);
    *ret_data = reader->data + reader->at;
    reader->at += padded((size_t)size);
    return ERR_OK;
}

static enum err_code read_offsets(struct reader *reader, const struct row_extra *extra,
                                  struct err *err)
{
    if (extra->offsets[0] != 0)
        return err_set(err, ERR_CORRUPT, "offset %zu: the first row does not begin at 0",
                       reader->at);
    for (size_t r = 0; r < reader->rows; r++)
        if (extra->offsets[r + 1] < extra->offsets[r])
            return err_set(err, ERR_CORRUPT, "offset %zu: row %zu ends before it begins",
                           reader->at, r);
    return ERR_OK;
}

static enum err_code read_extra(struct reader *reader, const struct extra_layout *layout,
                                bool has_valid, struct row_extra *extra, struct err *err)
{
    const void *data = NULL;
    enum err_code code = ERR_OK;
    if (has_valid) {
        code = take(reader, bitmap_words(reader->rows) * 8, &data, err);
        extra->valid = data;
    }
    if (code == ERR_OK && layout->width == 0) {
        code = take(reader, ((uint64_t)reader->rows + 1) * 8, &data, err);
        extra->offsets = data;
        if (code == ERR_OK)
            code = read_offsets(reader, extra, err);
    }
    if (code != ERR_OK)
        return code;
    const uint64_t size =
        layout->width > 0 ? (uint64_t)reader->rows * layout->width : extra->offsets[reader->rows];
    code = take(reader, size, &data, err);
    extra->values = data;
    return code;
}

static bool is_possible(const struct extra_layout *extra)
{
    const bool is_vector = extra->type == FIELD_FLOAT_VECTOR || extra->type == FIELD_BINARY_VECTOR;
    if (is_vector)
        return extra->width > 0 && extra->width <= WIDTH_MAX;
    if (field_type_is_variable(extra->type))
        return extra->width == 0;
    return extra->width > 0 && extra->width == field_type_width(extra->type, 0);
}

/* The table of fields, and whether each has a validity bitmap. */
static enum err_code read_table(struct reader *reader, struct row_layout *layout, bool *has_valid,
                                struct err *err)
{
    for (size_t k = 0; k < layout->extra_count; k++) {
        const void *data = NULL;
        const size_t offset = reader->at;
        const enum err_code code = take(reader, BATCH_FIELD_SIZE, &data, err);
        if (code != ERR_OK)
            return code;
        const uint8_t *at = data;
        struct extra_layout *extra = &layout->extras[k];
        *extra = (struct extra_layout){.field = ROW_LAYOUT_NONE,
                                       .field_id = get_i64(at),
                                       .type = (enum field_type)get_u32(at + 8),
                                       .element = (enum field_type)get_u32(at + 12),
                                       .width = (size_t)get_u64(at + 16),
                                       .is_nullable = get_u32(at + 24) != 0};
        has_valid[k] = get_u32(at + 28) != 0;
        if (!is_possible(extra) || (has_valid[k] && !extra->is_nullable))
            return err_set(err, ERR_CORRUPT,
                           "offset %zu: a field of type %d and %zu bytes a row is not possible",
                           offset, (int)extra->type, extra->width);
    }
    const size_t key = layout->key_extra;
    if (key != ROW_LAYOUT_NONE &&
        (key >= layout->extra_count || layout->extras[key].type != FIELD_VARCHAR))
        return err_set(err, ERR_CORRUPT, "offset 20: field %zu cannot be the key", key);
    return ERR_OK;
}

static enum err_code read_header(struct reader *reader, struct row_layout *layout, struct err *err)
{
    if (reader->size < BATCH_HEADER_SIZE || memcmp(reader->data, MAGIC, 8) != 0)
        return err_set(err, ERR_CORRUPT, "offset 0: no batch of rows found");
    const uint64_t rows = get_u64(reader->data + 8);
    const uint32_t extras = get_u32(reader->data + 16);
    const uint32_t key = get_u32(reader->data + 20);
    const uint64_t width = get_u64(reader->data + 24);
    if (rows > ROW_BUFFER_ROWS_MAX || extras > ROW_FIELDS_MAX || width == 0 || width > WIDTH_MAX)
        return err_set(err, ERR_CORRUPT,
                       "offset 8: %" PRIu64 " rows with %" PRIu32 " fields and vectors of %" PRIu64
                       " bytes are not possible",
                       rows, extras, width);
    layout->extra_count = extras;
    layout->key_extra = key != NO_KEY ? key : ROW_LAYOUT_NONE;
    layout->vector = ROW_LAYOUT_NONE;
    layout->vector_width = (size_t)width;
    reader->rows = (size_t)rows;
    reader->at = BATCH_HEADER_SIZE;
    return ERR_OK;
}

static enum err_code read_all(struct reader *reader, struct batch_rows *batch, struct err *err)
{
    bool has_valid[ROW_FIELDS_MAX] = {0};
    const void *data = NULL;
    enum err_code code = read_header(reader, &batch->layout, err);
    if (code == ERR_OK)
        code = read_table(reader, &batch->layout, has_valid, err);
    if (code == ERR_OK)
        code = take(reader, (uint64_t)reader->rows * 8, &data, err);
    batch->columns.ids = data;
    if (code == ERR_OK)
        code = take(reader, (uint64_t)reader->rows * batch->layout.vector_width, &data, err);
    batch->columns.vectors = data;
    batch->columns.rows = reader->rows;
    for (size_t k = 0; code == ERR_OK && k < batch->layout.extra_count; k++)
        code = read_extra(reader, &batch->layout.extras[k], has_valid[k], &batch->columns.extras[k],
                          err);
    if (code == ERR_OK && reader->at != reader->size)
        code = err_set(err, ERR_CORRUPT, "offset %zu: %zu bytes too many", reader->at,
                       reader->size - reader->at);
    return code;
}

enum err_code batch_decode(struct bytes in, struct batch_rows *ret_rows, struct err *err)
{
    void *copy = mem_aligned(in.size + 1, 1);
    if (copy == NULL)
        return err_nomem(err, "a batch of rows");
    if (in.size > 0)
        memcpy(copy, in.data, in.size);
    struct batch_rows batch = {.memory = copy};
    struct reader reader = {.data = copy, .size = in.size};
    const enum err_code code = read_all(&reader, &batch, err);
    if (code == ERR_OK)
        *ret_rows = batch;
    else
        mem_free(copy);
    return code;
}

void batch_rows_release(struct batch_rows *rows)
{
    mem_free(rows->memory);
    rows->memory = NULL;
}
