/* column_file_format.c: see column_file_format.h. */
#include "engine/column_file_format.h"

#include <inttypes.h>
#include <string.h>

#include "base/bitmap.h"
#include "engine/segment_format.h"

#define MAGIC "GODWCOL1"
#define WIDTH_MAX ((uint64_t)1 << 20)

uint64_t column_file_sum_count(const struct column_file_head *head)
{
    uint64_t count = 0;
    for (size_t k = 0; k < head->field_count; k++)
        count += sums_block_count(head->fields[k].values.size) +
                 sums_block_count(head->fields[k].offsets.size) +
                 sums_block_count(head->fields[k].valid.size);
    return count;
}

static void put_section(uint8_t *at, const struct column_section *section)
{
    put_u64(at, section->offset);
    put_u64(at + 8, section->size);
}

void column_file_encode(const struct column_file_head *head, uint8_t *buffer)
{
    memset(buffer, 0, column_file_head_size(head->field_count));
    memcpy(buffer, MAGIC, 8);
    put_u32(buffer + 8, (uint32_t)head->field_count);
    put_u64(buffer + 16, head->rows);
    put_u64(buffer + 24, head->size);
    put_u64(buffer + 32, head->sums_offset);
    uint8_t *at = buffer + COLUMN_FILE_HEADER_SIZE;
    for (size_t k = 0; k < head->field_count; k++, at += COLUMN_FILE_FIELD_SIZE) {
        const struct column_file_field *field = &head->fields[k];
        put_u64(at, (uint64_t)field->field_id);
        put_u32(at + 8, (uint32_t)field->type);
        put_u32(at + 12, (uint32_t)field->element);
        put_u64(at + 16, field->width);
        put_section(at + 24, &field->values);
        put_section(at + 40, &field->offsets);
        put_section(at + 56, &field->valid);
    }
}

enum err_code column_file_decode_count(struct bytes in, size_t *ret_count, struct err *err)
{
    if (in.size < COLUMN_FILE_HEADER_SIZE || memcmp(in.data, MAGIC, 8) != 0)
        return err_set(err, ERR_CORRUPT, "offset 0: no column file found");
    const uint32_t count = get_u32(in.data + 8);
    if (count > ROW_FIELDS_MAX)
        return err_set(err, ERR_CORRUPT, "offset 8: %" PRIu32 " fields found, at most %d expected",
                       count, ROW_FIELDS_MAX);
    *ret_count = count;
    return ERR_OK;
}

static struct column_section get_section(const uint8_t *at)
{
    return (struct column_section){get_u64(at), get_u64(at + 8)};
}

static bool fits(const struct column_section *section, uint64_t first, uint64_t end)
{
    return section->size == 0 ||
           (section->offset % COLUMN_FILE_ALIGN == 0 && section->offset >= first &&
            section->offset <= end && section->size <= end - section->offset);
}

/* Sizes that the rows and the type ask for. */
static bool has_right_sizes(const struct column_file_field *field, uint64_t rows)
{
    const uint64_t valid = bitmap_words((size_t)rows) * 8;
    if (field->valid.size != 0 && field->valid.size != valid)
        return false;
    if (field_type_is_variable(field->type))
        return field->width == 0 && field->offsets.size == (rows + 1) * 8;
    const bool is_vector = field->type == FIELD_FLOAT_VECTOR || field->type == FIELD_BINARY_VECTOR;
    if (!is_vector && field->width != field_type_width(field->type, 0))
        return false;
    return field->width > 0 && field->width <= WIDTH_MAX && field->offsets.size == 0 &&
           field->values.size == rows * field->width;
}

enum err_code column_file_decode(struct bytes in, uint64_t rows, uint64_t file_size,
                                 struct column_file_head *ret_head, struct err *err)
{
    size_t count = 0;
    const enum err_code code = column_file_decode_count(in, &count, err);
    if (code != ERR_OK)
        return code;
    if (in.size < column_file_head_size(count))
        return err_set(err, ERR_CORRUPT, "offset %zu: the file ends, %zu bytes expected", in.size,
                       column_file_head_size(count));
    struct column_file_head *head = ret_head;
    head->rows = get_u64(in.data + 16);
    head->size = get_u64(in.data + 24);
    head->sums_offset = get_u64(in.data + 32);
    head->field_count = count;
    if (head->rows != rows || head->size != file_size || head->sums_offset > file_size ||
        head->sums_offset % 8 != 0)
        return err_set(err, ERR_CORRUPT,
                       "offset 16: %" PRIu64 " rows in %" PRIu64 " bytes found, %" PRIu64
                       " in %" PRIu64 " expected",
                       head->rows, head->size, rows, file_size);
    const uint8_t *at = in.data + COLUMN_FILE_HEADER_SIZE;
    for (size_t k = 0; k < count; k++, at += COLUMN_FILE_FIELD_SIZE) {
        struct column_file_field *field = &head->fields[k];
        *field = (struct column_file_field){get_i64(at),
                                            (enum field_type)get_u32(at + 8),
                                            (enum field_type)get_u32(at + 12),
                                            (size_t)get_u64(at + 16),
                                            get_section(at + 24),
                                            get_section(at + 40),
                                            get_section(at + 56)};
        const uint64_t first = column_file_head_size(count);
        if (!has_right_sizes(field, rows) || !fits(&field->values, first, head->sums_offset) ||
            !fits(&field->offsets, first, head->sums_offset) ||
            !fits(&field->valid, first, head->sums_offset))
            return err_set(err, ERR_CORRUPT, "offset %zu: field %zu is not possible",
                           (size_t)(at - in.data), k);
    }
    if (column_file_sum_count(head) != (file_size - head->sums_offset) / 8 ||
        (file_size - head->sums_offset) % 8 != 0)
        return err_set(err, ERR_CORRUPT,
                       "offset %" PRIu64 ": %" PRIu64 " checksums expected, the file ends",
                       head->sums_offset, column_file_sum_count(head));
    return ERR_OK;
}
