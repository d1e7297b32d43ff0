/* row_buffer.c: see row_buffer.h. */
#include "engine/row_buffer.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/hash.h"
#include "base/mem.h"

#define CAPACITY_MIN 64
#define SIZE_MIN 1024

uint64_t row_key_hash(const uint8_t *bytes, size_t size)
{
    return hash64(bytes, size, 0);
}

static bool make_extra(struct row_buffer *buffer, size_t index, size_t size)
{
    const struct extra_layout *layout = &buffer->layout.extras[index];
    struct row_buffer_column *column = &buffer->extras[index];
    const size_t capacity = buffer->capacity;
    if (layout->width > 0) {
        column->values = mem_aligned(capacity, layout->width);
    } else {
        column->size_max = size > SIZE_MIN ? size : SIZE_MIN;
        column->values = mem_alloc(column->size_max, 1);
        column->offsets = mem_alloc(capacity + 1, sizeof *column->offsets);
        if (column->offsets != NULL)
            column->offsets[0] = 0;
    }
    if (layout->is_nullable)
        column->valid = mem_zalloc(bitmap_words(capacity), sizeof *column->valid);
    return column->values != NULL && (layout->width > 0 || column->offsets != NULL) &&
           (!layout->is_nullable || column->valid != NULL);
}

enum err_code row_buffer_new(const struct row_layout *layout, size_t capacity, const size_t *sizes,
                             struct row_buffer **ret_buffer, struct err *err)
{
    struct row_buffer *buffer = mem_zalloc(1, sizeof *buffer);
    if (buffer == NULL)
        return err_nomem(err, "rows");
    atomic_init(&buffer->references, 1);
    buffer->layout = *layout;
    buffer->capacity = capacity > CAPACITY_MIN ? capacity : CAPACITY_MIN;
    buffer->ids = mem_aligned(buffer->capacity, sizeof *buffer->ids);
    buffer->vectors = mem_aligned(buffer->capacity, layout->vector_width);
    bool is_made = buffer->ids != NULL && buffer->vectors != NULL;
    if (layout->key_extra != ROW_LAYOUT_NONE) {
        buffer->key_hashes = mem_alloc(buffer->capacity, sizeof *buffer->key_hashes);
        is_made = is_made && buffer->key_hashes != NULL;
    }
    for (size_t k = 0; is_made && k < layout->extra_count; k++)
        is_made = make_extra(buffer, k, sizes != NULL ? sizes[k] : 0);
    if (!is_made) {
        row_buffer_unref(buffer);
        return err_nomem(err, "rows");
    }
    *ret_buffer = buffer;
    return ERR_OK;
}

struct row_buffer *row_buffer_ref(struct row_buffer *buffer)
{
    (void)atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

void row_buffer_unref(struct row_buffer *buffer)
{
    if (buffer == NULL ||
        atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t k = 0; k < buffer->layout.extra_count; k++) {
        mem_free(buffer->extras[k].values);
        mem_free(buffer->extras[k].offsets);
        mem_free(buffer->extras[k].valid);
    }
    mem_free(buffer->key_hashes);
    mem_free(buffer->vectors);
    mem_free(buffer->ids);
    mem_free(buffer);
}

static uint64_t bytes_of(const struct row_extra *extra, size_t rows)
{
    return extra->offsets[rows] - extra->offsets[0];
}

/* Twice what was there, so that growing row by row costs each row twice its copy at most. */
static size_t more(size_t now, size_t wanted)
{
    const size_t twice = now * 2;
    return twice > wanted ? twice : wanted;
}

enum err_code row_buffer_reserve(struct row_buffer **buffer, const struct row_columns *rows,
                                 struct err *err)
{
    struct row_buffer *old = *buffer;
    size_t sizes[ROW_FIELDS_MAX] = {0};
    bool is_enough = old->rows + rows->rows <= old->capacity;
    for (size_t k = 0; k < old->layout.extra_count; k++) {
        if (old->layout.extras[k].width > 0)
            continue;
        const size_t wanted = old->extras[k].size + (size_t)bytes_of(&rows->extras[k], rows->rows);
        const bool fits = wanted <= old->extras[k].size_max;
        sizes[k] = fits ? old->extras[k].size_max : more(old->extras[k].size_max, wanted);
        is_enough = is_enough && fits;
    }
    if (is_enough)
        return ERR_OK;
    size_t capacity = old->capacity;
    if (old->rows + rows->rows > capacity)
        capacity = more(capacity, old->rows + rows->rows);
    struct row_buffer *larger = NULL;
    const enum err_code code = row_buffer_new(&old->layout, capacity, sizes, &larger, err);
    if (code != ERR_OK)
        return code;
    struct row_columns all;
    row_buffer_columns(old, &all);
    row_buffer_append(larger, &all);
    row_buffer_unref(old);
    *buffer = larger;
    return ERR_OK;
}

static void append_valid(uint64_t *words, size_t first, const uint64_t *valid, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (valid == NULL || bitmap_get(valid, r))
            bitmap_set(words, first + r);
}

static void append_extra(struct row_buffer *buffer, size_t index, const struct row_columns *rows)
{
    const struct extra_layout *layout = &buffer->layout.extras[index];
    const struct row_extra *from = &rows->extras[index];
    struct row_buffer_column *column = &buffer->extras[index];
    if (layout->width > 0) {
        memcpy(column->values + buffer->rows * layout->width, from->values,
               rows->rows * layout->width);
    } else {
        const uint64_t size = bytes_of(from, rows->rows);
        const uint64_t shift = column->size - from->offsets[0];
        if (size > 0)
            memcpy(column->values + column->size, from->values, (size_t)size);
        for (size_t r = 0; r < rows->rows; r++)
            column->offsets[buffer->rows + r + 1] = from->offsets[r + 1] + shift;
        column->size += (size_t)size;
    }
    if (column->valid != NULL)
        append_valid(column->valid, buffer->rows, from->valid, rows->rows);
}

static void append_key_hashes(struct row_buffer *buffer, size_t rows)
{
    const struct row_buffer_column *keys = &buffer->extras[buffer->layout.key_extra];
    for (size_t r = buffer->rows; r < buffer->rows + rows; r++)
        buffer->key_hashes[r] = row_key_hash(keys->values + keys->offsets[r],
                                             (size_t)(keys->offsets[r + 1] - keys->offsets[r]));
}

void row_buffer_append(struct row_buffer *buffer, const struct row_columns *rows)
{
    if (rows->rows == 0)
        return;
    const size_t width = buffer->layout.vector_width;
    memcpy(buffer->ids + buffer->rows, rows->ids, rows->rows * sizeof *buffer->ids);
    memcpy(buffer->vectors + buffer->rows * width, rows->vectors, rows->rows * width);
    for (size_t k = 0; k < buffer->layout.extra_count; k++)
        append_extra(buffer, k, rows);
    if (buffer->key_hashes != NULL)
        append_key_hashes(buffer, rows->rows);
    buffer->rows += rows->rows;
}

uint64_t row_buffer_size(const struct row_buffer *buffer)
{
    uint64_t size = buffer->rows * (8 + buffer->layout.vector_width);
    for (size_t k = 0; k < buffer->layout.extra_count; k++) {
        const size_t width = buffer->layout.extras[k].width;
        size += width > 0 ? buffer->rows * width : buffer->rows * 8 + buffer->extras[k].size;
    }
    return size;
}

void row_buffer_columns(const struct row_buffer *buffer, struct row_columns *ret_rows)
{
    *ret_rows =
        (struct row_columns){.rows = buffer->rows, .ids = buffer->ids, .vectors = buffer->vectors};
    for (size_t k = 0; k < buffer->layout.extra_count; k++)
        ret_rows->extras[k] = (struct row_extra){
            buffer->extras[k].values, buffer->extras[k].offsets, buffer->extras[k].valid};
}
