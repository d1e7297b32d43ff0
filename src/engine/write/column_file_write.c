/* column_file_write.c: see column_file_write.h. Section by section: a buffer of one block is
 * filled, summed and written. Rows that differ are read twice, for their bytes and for where they
 * end. */
#include "engine/write/column_file_write.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/hash.h"
#include "engine/column_file_format.h"
#include "engine/field_default.h"
#include "engine/layout.h"
#include "engine/segment_field.h"
#include "engine/segment_format.h"

#define CHUNK_ROWS ((size_t)4096)

struct out {
    char *path; /* temporary */
    int fd;
    uint64_t at; /* where the buffer goes */
    size_t used;
    uint8_t *buffer; /* SUMS_BLOCK_SIZE */
    uint64_t *sums;
    size_t sum_count;
    size_t sum_capacity;
};

/* One field on its way. */
struct column_pass {
    const struct rewrite_request *request;
    const struct extra_layout *layout;
    struct out *out;
    struct rows_scratch scratch;
    uint64_t *valid; /* of the new segment's rows; NULL: cannot be null */
    bool has_null;
    uint64_t row; /* of the new segment */
    uint64_t end; /* of its bytes so far */
};

static enum err_code flush(struct out *out, struct err *err)
{
    if (out->used == 0)
        return ERR_OK;
    if (!mem_grow(&out->sums, &out->sum_capacity, out->sum_count, sizeof *out->sums))
        return err_nomem(err, out->path);
    out->sums[out->sum_count++] = hash64(out->buffer, out->used, 0);
    const enum err_code code =
        file_write_at(out->fd, out->path, out->buffer, out->used, out->at, err);
    out->at += out->used;
    out->used = 0;
    return code;
}

static enum err_code add(struct out *out, const void *data, size_t size, struct err *err)
{
    const uint8_t *from = data;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && size > 0) {
        const size_t room = (size_t)SUMS_BLOCK_SIZE - out->used;
        const size_t now = size < room ? size : room;
        memcpy(out->buffer + out->used, from, now);
        out->used += now;
        from += now;
        size -= now;
        if (out->used == SUMS_BLOCK_SIZE)
            code = flush(out, err);
    }
    return code;
}

static void begin_section(struct out *out, struct column_section *section)
{
    out->at = (out->at + COLUMN_FILE_ALIGN - 1) / COLUMN_FILE_ALIGN * COLUMN_FILE_ALIGN;
    section->offset = out->at;
}

static enum err_code end_section(struct out *out, struct column_section *section, struct err *err)
{
    const enum err_code code = flush(out, err);
    section->size = out->at - section->offset;
    if (section->size == 0)
        section->offset = 0;
    return code;
}

/* ------------------------------------------------------------------------- walking rows */

typedef enum err_code run_fn(struct column_pass *pass, const struct column *column, size_t first,
                             size_t end, struct err *err);

static enum err_code read_chunk(struct column_pass *pass, struct segment *segment,
                                const struct rows_range *range, struct column *column,
                                struct err *err)
{
    struct segment_extra *extra = segment_find_extra(segment, pass->layout->field_id);
    if (extra != NULL && (extra->type != pass->layout->type || extra->width != pass->layout->width))
        return err_set(err, ERR_CORRUPT, "field %zu of a segment has another type than it should",
                       pass->layout->field);
    if (extra != NULL)
        return segment_extra_read(extra, range, column, err);
    const struct field *field = &pass->request->meta->info.schema.fields[pass->layout->field];
    return field_default_column(field, range->rows, &pass->scratch, column, err);
}

/* Calls `take` for each run of live rows of a chunk. */
static enum err_code walk_chunk(struct column_pass *pass, struct segment *segment,
                                const struct rows_range *range, run_fn *take, struct err *err)
{
    struct column column;
    const size_t from = (size_t)range->first_row;
    const size_t to = from + range->rows;
    enum err_code code = read_chunk(pass, segment, range, &column, err);
    for (size_t row = from; code == ERR_OK && row < to;) {
        size_t first = row;
        size_t end = to;
        if (segment->dead != NULL) {
            first = bitmap_next(segment->dead, to, row, false);
            end = bitmap_next(segment->dead, to, first, true);
        }
        if (end > first)
            code = take(pass, &column, first - from, end - from, err);
        pass->row += end - first;
        row = end;
    }
    return code;
}

static enum err_code walk(struct column_pass *pass, run_fn *take, struct err *err)
{
    enum err_code code = ERR_OK;
    pass->row = 0;
    pass->end = 0;
    for (size_t k = 0; code == ERR_OK && k < pass->request->source_count; k++) {
        struct segment *segment = &pass->request->sources[k];
        for (uint64_t first = 0; code == ERR_OK && first < segment->facts.rows;
             first += CHUNK_ROWS) {
            const uint64_t left = segment->facts.rows - first;
            const struct rows_range range = {0, first,
                                             left < CHUNK_ROWS ? (size_t)left : CHUNK_ROWS};
            code = walk_chunk(pass, segment, &range, take, err);
        }
    }
    return code;
}

static void take_valid(struct column_pass *pass, const struct column *column, size_t first,
                       size_t end)
{
    for (size_t row = first; pass->valid != NULL && row < end; row++) {
        if (column_is_null(column, row))
            pass->has_null = true;
        else
            bitmap_set(pass->valid, (size_t)pass->row + row - first);
    }
}

static enum err_code take_values(struct column_pass *pass, const struct column *column,
                                 size_t first, size_t end, struct err *err)
{
    take_valid(pass, column, first, end);
    if (column->offsets != NULL)
        return add(pass->out, column->bytes + column->offsets[first],
                   (size_t)(column->offsets[end] - column->offsets[first]), err);
    return add(pass->out, (const uint8_t *)column->values + first * column->width,
               (end - first) * column->width, err);
}

static enum err_code take_offsets(struct column_pass *pass, const struct column *column,
                                  size_t first, size_t end, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t row = first; code == ERR_OK && row < end; row++) {
        uint8_t number[8];
        pass->end += column->offsets[row + 1] - column->offsets[row];
        put_u64(number, pass->end);
        code = add(pass->out, number, sizeof number, err);
    }
    return code;
}

/* --------------------------------------------------------------------------- fields, file */

static enum err_code write_offsets(struct column_pass *pass, struct column_section *section,
                                   struct err *err)
{
    static const uint8_t zero[8] = {0};
    begin_section(pass->out, section);
    enum err_code code = add(pass->out, zero, sizeof zero, err);
    if (code == ERR_OK)
        code = walk(pass, take_offsets, err);
    return code == ERR_OK ? end_section(pass->out, section, err) : code;
}

static enum err_code write_field(struct column_pass *pass, uint64_t live_rows,
                                 struct column_file_field *field, struct err *err)
{
    const size_t words = bitmap_words((size_t)live_rows);
    if (pass->layout->is_nullable &&
        (pass->valid = mem_zalloc(words + 1, sizeof *pass->valid)) == NULL)
        return err_nomem(err, pass->out->path);
    begin_section(pass->out, &field->values);
    enum err_code code = walk(pass, take_values, err);
    if (code == ERR_OK)
        code = end_section(pass->out, &field->values, err);
    if (code == ERR_OK && pass->layout->width == 0)
        code = write_offsets(pass, &field->offsets, err);
    if (code == ERR_OK && pass->has_null) {
        begin_section(pass->out, &field->valid);
        code = add(pass->out, pass->valid, words * 8, err);
        if (code == ERR_OK)
            code = end_section(pass->out, &field->valid, err);
    }
    return code;
}

static enum err_code write_fields(struct out *out, const struct rewrite_request *request,
                                  struct column_file_head *head, struct err *err)
{
    const struct row_layout *layout = &request->meta->layout;
    enum err_code code = ERR_OK;
    out->at = column_file_head_size(layout->extra_count);
    for (size_t k = 0; code == ERR_OK && k < layout->extra_count; k++) {
        const struct extra_layout *extra = &layout->extras[k];
        struct column_pass pass = {.request = request, .layout = extra, .out = out};
        head->fields[k] = (struct column_file_field){.field_id = extra->field_id,
                                                     .type = extra->type,
                                                     .element = extra->element,
                                                     .width = extra->width};
        code = write_field(&pass, head->rows, &head->fields[k], err);
        rows_scratch_release(&pass.scratch);
        mem_free(pass.valid);
    }
    head->field_count = layout->extra_count;
    return code;
}

/* The checksums behind the sections, then the head before them; what the catalog keeps is their
 * hash. */
static enum err_code write_head(struct out *out, struct column_file_head *head, uint64_t *ret_hash,
                                struct err *err)
{
    const size_t head_size = column_file_head_size(head->field_count);
    const size_t sums_size = out->sum_count * 8;
    uint8_t *data = mem_alloc(head_size + sums_size, 1);
    if (data == NULL)
        return err_nomem(err, out->path);
    head->sums_offset = (out->at + 7) / 8 * 8;
    head->size = head->sums_offset + sums_size;
    column_file_encode(head, data);
    for (size_t k = 0; k < out->sum_count; k++)
        put_u64(data + head_size + 8 * k, out->sums[k]);
    *ret_hash = hash64(data, head_size + sums_size, 0);
    enum err_code code =
        file_write_at(out->fd, out->path, data + head_size, sums_size, head->sums_offset, err);
    if (code == ERR_OK)
        code = file_write_at(out->fd, out->path, data, head_size, 0, err);
    mem_free(data);
    return code;
}

static enum err_code write_file(struct out *out, const struct rewrite_request *request,
                                struct column_file_head *head, uint64_t *ret_hash, struct err *err)
{
    enum err_code code = file_remove(out->path, err);
    if (code == ERR_OK)
        code = file_create(out->path, &out->fd, err);
    if (code == ERR_OK)
        code = write_fields(out, request, head, err);
    if (code == ERR_OK)
        code = write_head(out, head, ret_hash, err);
    return code == ERR_OK ? file_sync(out->fd, out->path, err) : code;
}

enum err_code column_file_write(const char *stem, const struct rewrite_request *request,
                                uint64_t live_rows, struct column_file_facts *ret_facts,
                                struct err *err)
{
    struct out out = {.fd = -1, .path = mem_printf("%s." LAYOUT_COLUMNS ".tmp", stem)};
    struct column_file_head *head = mem_zalloc(1, sizeof *head);
    char *path = layout_file(stem, LAYOUT_COLUMNS);
    out.buffer = mem_pages((size_t)SUMS_BLOCK_SIZE);
    uint64_t hash = 0;
    enum err_code code = ERR_OK;
    if (out.path == NULL || head == NULL || path == NULL || out.buffer == NULL)
        code = err_nomem(err, stem);
    if (code == ERR_OK) {
        head->rows = live_rows;
        code = write_file(&out, request, head, &hash, err);
    }
    if (code == ERR_OK)
        code = file_move(out.path, path, err);
    if (code == ERR_OK)
        *ret_facts = (struct column_file_facts){head->size, hash};
    file_close(out.fd);
    mem_free(out.path);
    mem_free(out.buffer);
    mem_free(out.sums);
    mem_free(head);
    mem_free(path);
    return code;
}
