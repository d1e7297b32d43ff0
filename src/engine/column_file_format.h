/* column_file_format.h: the head and the table of checksums of a column file (.col): the fields of
 * a segment that are not in .ids and .vec.
 *
 * Bytes in, structs out, and the other way; no I/O. Source: docs/database-format.md. Whether the
 * bytes are the ones that were written is known from the catalog (size and hash); decoding checks
 * everything else, so that no bytes whatever lead outside the file. Threads: any. */
#ifndef GODWIT_ENGINE_COLUMN_FILE_FORMAT_H
#define GODWIT_ENGINE_COLUMN_FILE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "engine/row_layout.h"

#define COLUMN_FILE_HEADER_SIZE ((size_t)64)
#define COLUMN_FILE_FIELD_SIZE ((size_t)96)
#define COLUMN_FILE_ALIGN ((uint64_t)64)

/* An extent of the file; size 0: there is none. */
struct column_section {
    uint64_t offset;
    uint64_t size;
};

struct column_file_field {
    int64_t field_id;
    enum field_type type; /* as kept, row_layout.h */
    enum field_type element;
    size_t width;                  /* 0: rows differ */
    struct column_section values;  /* rows x width, or the bytes of all rows */
    struct column_section offsets; /* rows that differ: (rows + 1) x 8 */
    struct column_section valid;   /* bitmap_words(rows) x 8; none when no row is null */
};

struct column_file_head {
    uint64_t rows;
    uint64_t size;        /* of the file */
    uint64_t sums_offset; /* of the checksums: of each field's values, offsets, valid, in turn */
    size_t field_count;
    struct column_file_field fields[ROW_FIELDS_MAX];
};

static inline size_t column_file_head_size(size_t field_count)
{
    return COLUMN_FILE_HEADER_SIZE + field_count * COLUMN_FILE_FIELD_SIZE;
}

/* Checksums of all sections. */
uint64_t column_file_sum_count(const struct column_file_head *head);

/* `buffer` takes column_file_head_size() bytes. */
void column_file_encode(const struct column_file_head *head, uint8_t *buffer);
/* How many fields the first COLUMN_FILE_HEADER_SIZE bytes announce. ERR_CORRUPT. */
enum err_code column_file_decode_count(struct bytes in, size_t *ret_count,
                                       struct err *err) MUST_USE;
/* Expects these rows and this size of the file. Errors: ERR_CORRUPT "offset O: ...". */
enum err_code column_file_decode(struct bytes in, uint64_t rows, uint64_t file_size,
                                 struct column_file_head *ret_head, struct err *err) MUST_USE;

#endif
